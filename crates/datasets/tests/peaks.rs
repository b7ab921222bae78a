//! What a reader takes of memory is bounded by what a file holds, whatever it claims. One test in its own process: the
//! allocator counts for all threads.

mod make;
mod peak;

use std::fmt::Write;

use elman_datasets::sequences::{self, ColumnNames};
use elman_datasets::series::Reader;
use elman_datasets::{idx, images, text};
use elman_formats::numpy::{Array, Values, write_npz};
use make::Folder;
use peak::peak;

/// Buffers and messages, however short the file.
const SMALL: usize = 256 << 10;

/// `read` takes at most so many times the file's size. Returns whether it read it.
#[track_caller]
fn within<T, E>(name: &str, bytes: &[u8], times: usize, read: impl FnOnce(&[u8]) -> Result<T, E>) -> bool {
    let (result, peak) = peak(|| read(bytes));
    let most = times * bytes.len() + SMALL;
    assert!(peak <= most, "{name}: {peak} bytes, {} times the {} of the file", peak / bytes.len().max(1), bytes.len());
    result.is_ok()
}

/// Where memory goes furthest beyond the text: the shortest cells, with an id for each row, or with one for all,
/// in no order.
fn tables(rows: usize) -> [(&'static str, String); 8] {
    let of = |header: &str, line: &dyn Fn(&mut String, usize)| {
        let mut text = header.to_owned();
        (0..rows).for_each(|row| line(&mut text, row));
        text
    };
    let columns = (0..100).map(|column| format!(",{column}")).collect::<String>();
    let many = (0..rows).map(|column| format!(",{column}")).collect::<String>();
    [
        ("one id", of("id,x\n", &|text, _| text.push_str("1,1\n"))),
        ("many ids", of("id,label,x\n", &|text, row| writeln!(text, "{row},{},1", row % 2).unwrap())),
        ("many labels", of("id,label,x\n", &|text, row| writeln!(text, "{row},{row},").unwrap())),
        // Quarters, for they are the shortest times that are no numbers.
        (
            "times",
            of("id,time,x\n", &|text, row| {
                let quarter = rows - row;
                writeln!(text, "1,{:04}Q{},", 1 + quarter / 4, quarter % 4 + 1).unwrap();
            }),
        ),
        (
            "a float",
            of("id,time,x\n", &|text, row| writeln!(text, "1,{}{},", rows - row, [".5", ""][row.min(1)]).unwrap()),
        ),
        (
            "no order",
            of(&format!("id,time{columns}\n"), &|text, row| {
                if row % 10 == 0 {
                    writeln!(text, "1,{}{}", rows - row, ",".repeat(100)).unwrap();
                }
            }),
        ),
        ("blank", of("id,x\n1,1\n", &|text, _| text.push('\n'))),
        ("columns", format!("id{many}\n1{}\n", ",".repeat(rows))),
    ]
}

/// The same for time series.
fn series(rows: usize) -> [(&'static str, String); 8] {
    let mut gaps = format!("t,y{}\n", (0..100).map(|column| format!(",x{column}")).collect::<String>());
    let mut many = "id,t,y\n".to_owned();
    let mut short = "id,t,y\n0,1,1\n0,2,1\n".to_owned();
    let mut one = "t,y\n".to_owned();
    let mut apart = "t,y\n".to_owned();
    for row in 0..rows {
        writeln!(many, "{},{},1", row / 3, row % 3).unwrap();
        writeln!(short, "{row},0,1").unwrap();
        writeln!(one, "{row},1").unwrap();
        writeln!(apart, "{},1", row * row).unwrap();
    }
    // Two rows side by side, and the next two as far away as is let pass; a column is a separator more.
    for row in 0..rows / 10 {
        let cells = if row == 0 { ",1" } else { "," };
        writeln!(gaps, "{},1{}", row / 2 * 31 + row % 2, cells.repeat(100)).unwrap();
    }
    let columns = (0..rows).map(|column| format!(",{column}")).collect::<String>();
    let cells = ",1".repeat(rows);
    let wide = format!("t,y{columns}\n0,1{cells}\n1,1{cells}\n2,1{cells}\n");
    let unnamed = format!("t,y{0}\n0,1{0}\n1,1{0}\n2,1{0}\n", ",".repeat(rows));
    let none = "t,y\n0,\n1,1\n2,\n".to_owned();
    [
        ("one", one),
        ("many", many),
        ("short", short),
        ("apart", apart),
        ("gaps", gaps),
        ("wide", wide),
        ("unnamed", unnamed),
        ("none", none),
    ]
}

#[test]
fn memory_is_bounded_by_what_a_file_holds() {
    const ROWS: usize = 20_000;
    let columns = ColumnNames::default();

    // A claim takes nothing.
    for dims in [&[u32::MAX][..], &[u32::MAX, 28, 28], &[1 << 18, 1 << 9, 1]] {
        let claim = make::idx(dims, &[0; 1000]);
        assert!(!within("a claim", &claim, 1, idx::parse));
        assert!(!within("a zipped claim", &make::gz(&claim), 16, idx::parse));
    }
    let whole = make::images(100, 100, 100);
    assert!(within("images", &whole, 1, |bytes| images::parse_images("x", bytes)));

    // What is in gzip is what a plain file would be: bounded as its text is, unzipped.
    let words = "words and words\n".repeat(100_000);
    assert!(within("text", words.as_bytes(), 2, |bytes| text::parse("x", bytes)));
    let zipped = make::gz(words.as_bytes());
    let (read, most) = peak(|| text::parse("x", &zipped));
    assert!(read.is_ok() && most < 4 * words.len() + SMALL, "{most} bytes of {}", words.len());

    for (name, table) in tables(ROWS) {
        // Names are held, once.
        let times = if ["many ids", "many labels", "columns"].contains(&name) { 16 } else { 10 };
        let read = within(name, table.as_bytes(), times, |bytes| sequences::parse("x.csv", bytes, &columns));
        assert!(read, "{name}");
    }
    let mut ts = "@classLabel true a b\n@data\n".to_owned();
    (0..ROWS).for_each(|row| ts.push_str(["1:a\n", "?,1:b\n"][row % 2]));
    assert!(within("ts", ts.as_bytes(), 16, |bytes| sequences::parse("x.ts", bytes, &columns)));
    let claim = "@seriesLength 9000000000\n@dimensions 9000000000\n@classLabel false\n@data\n1,2,3\n";
    assert!(!within("a claim of .ts", claim.as_bytes(), 1, |bytes| sequences::parse("x.ts", bytes, &columns)));

    for (name, table) in series(ROWS) {
        let reader = Reader::new("y");
        let reader = if ["many", "short"].contains(&name) { reader.id("id") } else { reader };
        let times = match name {
            // For each row there are 15.5 periods, with 4 bytes for a cell of one; and a column is a separator and no more.
            "gaps" | "unnamed" => 64,
            // 250 bytes for a series, with what is static of it and known ahead; 200 for a column.
            "short" => 26,
            "wide" => 20,
            // Series of a few rows: what is kept of a series itself counts.
            "many" => 13,
            _ => 10,
        };
        let read = within(name, table.as_bytes(), times, |bytes| reader.parse("x", bytes));
        assert_eq!(read, name != "apart", "{name}");
    }
    let mut tsf = "@attribute a string\n@data\n".to_owned();
    (0..ROWS).for_each(|row| writeln!(tsf, "{row}:1,2,3").unwrap());
    assert!(within("tsf", tsf.as_bytes(), 40, |bytes| Reader::new("").parse("x", bytes)));
    let mut arff = "@attribute t numeric\n@attribute c {a,b}\n@data\n".to_owned();
    (0..ROWS).for_each(|row| arff.push_str(["1,a\n", "2,b\n"][row % 2]));
    assert!(within("arff", arff.as_bytes(), 20, |bytes| sequences::parse("x.arff", bytes, &columns)));
    // Two rows that are far apart claim all steps between them.
    let far = "t,y\n0,1\n1,1\n2,1\n100000000,1\n";
    assert!(!within("far", far.as_bytes(), 1, |bytes| Reader::new("y").parse("x", bytes)));

    let folder = Folder::new();
    let x = Array { shape: vec![1000, 10, 10], values: Values::U8(vec![7; 100_000]) };
    let y = Array { shape: vec![1000], values: Values::I64((0..1000).map(|row| row % 2).collect()) };
    write_npz(&folder.file("x.npz"), &[("x".to_owned(), x), ("y".to_owned(), y)].into()).unwrap();
    let bytes = std::fs::read(folder.file("x.npz")).unwrap();
    // Bytes become floats of four.
    let (read, most) = peak(|| sequences::parse("x.npz", &bytes, &columns));
    assert!(read.is_ok() && most < 16 * 108_000 + SMALL, "{most} bytes");
}
