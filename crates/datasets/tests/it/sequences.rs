//! Labelled sequences in their three formats: what is read, and every way a file can be wrong.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::Path;

use crate::make::{Folder, assert_says, gz};
use elman_datasets::sequences::{self, ColumnNames};
use elman_datasets::{Error, SequenceSet};
use elman_formats::numpy::{Array, Values, write_npz};

const TS: &str = "# walks\n\
    @problemName Walks\n@timeStamps false\n@missing true\n@univariate false\n@dimensions 2\n@equalLength false\n\
    @classLabel true left right\n@data\n\
    0.5,0.7:1,?:left\n\n# the other one\n0.1:2:right\n";

const CSV: &str = "id,time,x,y,label\na,0,0.5,1,left\na,1,0.7,,left\nb,0,0.1,2,right\n";

fn load(name: &str, content: &str) -> Result<SequenceSet, Error> {
    let folder = Folder::new().with(name, content.as_bytes());
    sequences::load(&folder.file(name), &ColumnNames::default())
}

/// The message must name the file and hold `parts`.
#[track_caller]
fn refused(name: &str, content: &str, parts: &[&str]) -> Error {
    refused_with(name, content, &ColumnNames::default(), parts)
}

#[track_caller]
fn refused_with(name: &str, content: &str, settings: &ColumnNames, parts: &[&str]) -> Error {
    let folder = Folder::new().with(name, content.as_bytes());
    let error = sequences::load(&folder.file(name), settings).expect_err("the file must be refused");
    let message = error.to_string();
    assert_says(&message, &[folder.file(name).to_str().unwrap()]);
    assert_says(&message, parts);
    assert!(error.source().is_none(), "the message holds its cause, a chain would repeat it");
    error
}

/// Values in their bits, which tell NaN; offsets, labels, classes.
type Content<'a> = (Vec<u32>, &'a [usize], Option<&'a [usize]>, &'a [String]);

/// Everything but the names, which differ from format to format.
fn content(set: &SequenceSet) -> Content<'_> {
    let bits = set.values.iter().map(|value| value.to_bits()).collect();
    (bits, &set.offsets, set.labels.as_deref(), &set.classes)
}

fn numpy(arrays: &[(&str, &[usize], Values)]) -> Folder {
    let folder = Folder::new();
    let arrays: BTreeMap<String, Array> = arrays
        .iter()
        .map(|(name, shape, values)| ((*name).to_owned(), Array { shape: shape.to_vec(), values: values.clone() }))
        .collect();
    write_npz(&folder.file("x.npz"), &arrays).unwrap();
    folder
}

fn texts(values: &[&str]) -> Values {
    Values::Text(values.iter().map(|&value| value.to_owned()).collect())
}

#[test]
fn the_three_formats_say_the_same() {
    let ts = load("walks.ts", TS).unwrap();
    assert_eq!((ts.len(), ts.features(), ts.missing()), (2, 2, 1));
    assert_eq!((ts.length(0), ts.length(1)), (2, 1));
    assert_eq!((&ts.row(0)[..3], ts.row(1)), (&[0.5, 1.0, 0.7][..], &[0.1, 2.0][..]));
    assert!(ts.row(0)[3].is_nan());
    assert_eq!(
        (ts.labels.as_deref(), &ts.classes[..]),
        (Some(&[0, 1][..]), &["left".to_owned(), "right".to_owned()][..])
    );
    assert_eq!((&ts.names[..], &ts.ids), (&["dim_0".to_owned(), "dim_1".to_owned()][..], &None));

    let csv = load("walks.csv", CSV).unwrap();
    assert_eq!(content(&csv), content(&ts));
    assert_eq!(
        (&csv.names[..], csv.ids.unwrap()),
        (&["x".to_owned(), "y".to_owned()][..], ["a", "b"].map(String::from).into())
    );

    // Beyond the length stands what must not be read.
    let x = Values::F32(vec![0.5, 1.0, 0.7, f32::NAN, 0.1, 2.0, f32::INFINITY, 9.0]);
    let arrays =
        [("x", &[2, 2, 2][..], x), ("y", &[2], texts(&["left", "right"])), ("lengths", &[2], Values::U8(vec![2, 1]))];
    let npz = sequences::load(&numpy(&arrays).file("x.npz"), &ColumnNames::default()).unwrap();
    assert_eq!(content(&npz), content(&ts));
    assert_eq!(npz.names, ["feature_0", "feature_1"]);
}

#[test]
fn the_ending_decides_and_text_may_be_gzipped() {
    let folder = Folder::new()
        .with("a.TS", TS.as_bytes())
        .with("a.ts.gz", &gz(TS.as_bytes()))
        .with("a.tsv", CSV.replace(',', "\t").as_bytes())
        .with("a.csv.gz", &gz(CSV.as_bytes()))
        .with("a.npz.gz", b"")
        .with("ts", b"")
        .with("a.txt", b"");
    for name in ["a.TS", "a.ts.gz", "a.tsv", "a.csv.gz"] {
        assert_eq!(sequences::load(&folder.file(name), &ColumnNames::default()).unwrap().len(), 2, "{name}");
    }
    for name in ["a.npz.gz", "ts", "a.txt", "none"] {
        let message = sequences::load(&folder.file(name), &ColumnNames::default()).unwrap_err().to_string();
        assert_says(&message, &["cannot tell the format of ", name, ".ts, .csv or .tsv", ".npz"]);
    }
    for name in ["none.ts", "none.csv", "none.npz"] {
        let message = sequences::load(Path::new(name), &ColumnNames::default()).unwrap_err().to_string();
        assert_says(&message, &["cannot read none.", "os error 2"]);
    }
}

#[test]
fn every_spelling_of_a_ts_file() {
    let expected = load("a.ts", TS).unwrap();
    let lower = TS
        .replace("@dimensions", "@dimension")
        .replace("@timeStamps", "@timestamps")
        .replace("@classLabel", "@CLASSLABEL");
    let short = "@classLabel true left right\n@data\n 0.5 , 0.7 : 1 , NaN : left \n0.1:2:right";
    for text in [TS.replace('\n', "\r\n"), format!("\u{feff}{TS}"), lower, short.to_owned()] {
        assert_eq!(content(&load("a.ts", &text).unwrap()), content(&expected), "{text}");
    }
    let plain = load("a.ts", "@univariate true\n@classLabel false\n@data\n1,2\n3\n").unwrap();
    assert_eq!((plain.len(), plain.features(), plain.labels, plain.classes.len()), (2, 1, None, 0));
    let equal = load("a.ts", "@equalLength true\n@seriesLength 2\n@classLabel false\n@data\n1,2:3,4\n").unwrap();
    assert_eq!(equal.values, [1.0, 3.0, 2.0, 4.0]);
}

#[test]
fn wrong_ts_headers_are_refused_with_the_line() {
    for (header, says) in [
        (
            "@timeStamps true",
            "line 1: expected @timeStamps false: values with times are not read, found @timeStamps true",
        ),
        ("@missing maybe", "line 1, @missing: expected true or false, found \"maybe\""),
        ("@dimensions none", "line 1, @dimensions: expected a number above 0, found \"none\""),
        ("@dimensions 0", "expected a number above 0, found \"0\""),
        ("@targetLabel true", "cases with a number each are for a regression"),
        ("@colour blue", "line 1: expected one of @problemName, @timeStamps"),
        ("0.5,0.7:left", "line 1: expected one of @problemName"),
        ("@dimension 2\n@dimensions 2", "line 2: expected @dimensions once"),
        ("@classLabel true", "expected the names of the classes after true, found nothing"),
        ("@classLabel true a b a", "expected each class once, found \"a\" twice"),
        ("@classLabel false a", "expected no classes after false, found \"a\""),
        (
            "@univariate true\n@dimensions 2\n@classLabel false",
            "line 4: expected one dimension, as @univariate true says",
        ),
        ("@problemName x", "line 2: expected @classLabel before it, false where cases have no class"),
        ("@classLabel false\n@data 1,2", "line 2: expected @data alone, found \"@data 1,2\""),
    ] {
        refused("a.ts", &format!("{header}\n@data\n1,2\n"), &[says]);
    }
    refused("a.ts", "@problemName x\n@classLabel false\n", &["line 2: expected @data after it, and a case a line"]);
    refused("a.ts", "", &["it is empty"]);
    refused("a.ts", "@classLabel false\n@data\n# none\n", &["holds no sequences, expected at least one"]);
}

#[test]
fn wrong_ts_cases_are_refused_with_the_line() {
    let head = "@missing false\n@dimensions 2\n@classLabel true a b\n@data\n1:2:a\n";
    for (case, says) in [
        ("1,2:3,4:c", "line 6, class: expected one of those that @classLabel names, found \"c\""),
        ("1,2:3,4:", "line 6, class: expected one of those that @classLabel names, found nothing"),
        ("b", "line 6: expected values, and a class after the last colon, found no colon"),
        ("1,2:a", "line 6: expected 2 dimensions, between colons, found 1"),
        ("1:2:3:a", "line 6: expected 2 dimensions, between colons, found 3"),
        ("1,2:3:a", "line 6, dimension 1: expected 2 values, as dimension 0 has"),
        ("1,2:3,x:a", "line 6, dimension 1, value 1: expected a finite number, or ? where it is missing, found \"x\""),
        ("1,:3,4:a", "line 6, dimension 0, value 1: expected a finite number, or ? where it is missing, found nothing"),
        ("1,1e39:3,4:a", "line 6, dimension 0, value 1: expected a finite number"),
        ("(0,1):3,4:a", "line 6, dimension 0, value 0"),
        ("1,?:3,4:a", "line 6, dimension 0, value 1: expected a number, as @missing false says, found \"?\""),
    ] {
        refused("a.ts", &format!("{head}{case}\n"), &[says]);
    }
    let equal = |key: &str| format!("{key}\n@classLabel false\n@data\n1,2\n1,2,3\n");
    refused("a.ts", &equal("@equalLength true"), &["line 5, dimension 0: expected 2 values", "found 3"]);
    refused("a.ts", &equal("@seriesLength 2"), &["line 5, dimension 0: expected 2 values", "found 3"]);
    refused("a.ts", &equal("@seriesLength 3"), &["line 4, dimension 0: expected 3 values", "found 2"]);
}

/// A line of 200 kB that claims 10^10 values: no memory is taken for them.
#[test]
fn a_ts_line_of_many_lengths_takes_no_memory() {
    let case = format!("{}1{}", "1,".repeat(100_000), ":1".repeat(100_000));
    refused("a.ts", &format!("@classLabel false\n@data\n{case}"), &["dimension 1: expected 100001 values"]);
}

#[test]
fn steps_are_sorted_by_time_and_stay_in_order_without() {
    let values = |text: &str| load("a.csv", text).unwrap().values;
    assert_eq!(values("id,time,x\na,10,1\nb,0,9\na,9,2\na,-1.5,3\n"), [3.0, 2.0, 1.0, 9.0]);
    // Nanoseconds that are one float.
    assert_eq!(values("id,time,x\na,1700000000000000001,1\na,1700000000000000000,2\n"), [2.0, 1.0]);
    for [later, sooner] in [
        ["2020-01-10", "2020-01-09"],
        ["10/02/2020", "31/01/2020"],
        ["Feb-1-2020", "Jan-31-2020"],
        ["2020 Feb", "2020 Jan"],
        ["1991M07", "1991M06"],
        ["2020-01-09T10:00Z", "2020-01-09T11:30+02:00"],
        ["1991Q3", "1991Q2"],
        ["200001", "199912"],
    ] {
        let text = format!("id,time,x\na,{later},1\nb,{later},9\na,{sooner},2\n");
        assert_eq!(values(&text), [2.0, 1.0, 9.0], "{later}");
    }
    // By its name or by what it holds; from parts; or not at all.
    assert_eq!(values("id,date,x\na,2020-02,1\na,2020-01,2\n"), [2.0, 1.0]);
    assert_eq!(values("id,when,x\na,2020-02,1\na,2020-01,2\n"), [2.0, 1.0]);
    let with = |time: &[&str], text: &str| {
        let time = Some(time.iter().map(|name| (*name).to_owned()).collect());
        sequences::parse("a.csv", text.as_bytes(), &ColumnNames { time, ..ColumnNames::default() }).unwrap().values
    };
    assert_eq!(with(&["year", "month"], "id,year,month,x\na,2020,2,1\na,2020,1,2\n"), [2.0, 1.0]);
    assert_eq!(values("id,year,month,x\na,2020,2,1\na,2020,1,2\n"), [2.0, 1.0]);
    // What does not tell the steps apart is said, with the way to read it as features.
    let visits = "id,year,month,x\na,2020,2,1\na,2020,2,2\n";
    let says = ["line 3, column year, month: expected a time that id a has once", "with --time \"\"", "as in line 2"];
    refused("a.csv", visits, &says);
    assert_eq!(with(&[""], visits).len(), 6);
    assert_eq!(with(&[""], "id,date,x\na,2020-02,1\na,2020-01,2\n"), [1.0, 2.0]);
    assert_eq!(values("id,x\na,1\nb,9\na,2\n"), [1.0, 2.0, 9.0]);
}

#[test]
fn names_that_nobody_gives_may_be_in_capitals() {
    let set = load("a.csv", "ID,Time,x,Label\na,2,7,k\na,1,8,k\nb,1,9,l\n").unwrap();
    assert_eq!((&set.names[..], &set.values[..]), (&["x".to_owned()][..], &[8.0, 7.0, 9.0][..]));
    assert_eq!((set.classes.len(), set.len()), (2, 2));
    for name in ["DATE", "Datetime", "TimeStamp"] {
        let set = load("a.csv", &format!("Id,{name},id,x\na,2,k,7\na,1,k,8\n")).unwrap();
        // The exact name goes before the other.
        assert_eq!((set.ids.as_deref(), &set.values[..]), (Some(&["k".to_owned()][..]), &[8.0, 7.0][..]), "{name}");
    }
}

#[test]
fn columns_have_the_names_that_the_caller_says() {
    let text = "\u{feff}\"time\";\"who\";\"when\";\"b\";\"kind\";\"a\"\r\n7;x;1;2.5;k;3.5\r\n8;x;0;4.5;k;5.5\r\n";
    let mut settings = ColumnNames {
        id: Some("who".into()),
        time: Some(vec!["when".into()]),
        label: Some("kind".into()),
        features: Some(vec!["a".into(), "time".into()]),
        ..ColumnNames::default()
    };
    let folder = Folder::new().with("a.csv", text.as_bytes());
    let set = sequences::load(&folder.file("a.csv"), &settings).unwrap();
    assert_eq!(
        (&set.names[..], &set.values[..]),
        (&["a".to_owned(), "time".to_owned()][..], &[5.5, 8.0, 3.5, 7.0][..])
    );
    assert_eq!(set.classes, ["k"]);
    // A feature may be called time where no column is said to be the time.
    settings.time = None;
    assert_eq!(sequences::load(&folder.file("a.csv"), &settings).unwrap().values, [3.5, 7.0, 5.5, 8.0]);
    settings.features = None;
    let set = sequences::load(&folder.file("a.csv"), &settings).unwrap();
    assert_eq!(set.names, ["when", "b", "a"]);

    for (change, says) in [
        (
            ColumnNames { time: Some(vec!["day".into()]), ..settings.clone() },
            "no column \"day\" for the time; its columns are \"time\", \"who\"",
        ),
        (ColumnNames { label: Some("class".into()), ..settings.clone() }, "no column class"),
        (ColumnNames { id: None, ..settings.clone() }, "no column id"),
        (ColumnNames { features: Some(vec!["c".into()]), ..settings.clone() }, "no column c"),
        (ColumnNames { features: Some(vec![]), ..settings.clone() }, "no column of a feature"),
        (
            ColumnNames { features: Some(vec!["a".into(), "a".into()]), ..settings.clone() },
            "column a is asked for both as feature and as feature",
        ),
        (
            ColumnNames { features: Some(vec!["kind".into()]), ..settings.clone() },
            "column kind is asked for both as label and as feature",
        ),
        (
            ColumnNames { time: Some(vec!["who".into()]), ..settings.clone() },
            "column who is asked for both as id and as time",
        ),
    ] {
        refused_with("a.csv", text, &change, &[says]);
    }
}

#[test]
fn wrong_tables_are_refused_with_line_and_column() {
    let head = "id,time,x,label\na,1,0.5,k\n";
    let features = ColumnNames { features: Some(vec!["x".into()]), ..ColumnNames::default() };
    for (line, says) in [
        (",2,1,k", "line 3, column id: expected an id, found nothing"),
        ("a,,1,k", "line 3, column time: expected a time, found nothing"),
        ("a,b,1,k", "line 3, column time: expected a number, as the first time is, found \"b\""),
        ("a,inf,1,k", "line 3, column time: expected a number"),
        ("a,2,x,k", "line 3, column \"x\": \"x\" is not a number"),
        ("a,2,\"1,5\",k", "--decimal and --thousands"),
        ("a,2,-inf,k", "line 3, column \"x\": \"-inf\" is not a finite number"),
        (
            "b,2,1,",
            "line 3, column label: expected a label (with --label-per-step a step may have none), found nothing",
        ),
        (
            "a,2,1,m",
            "line 3, column label: expected the label k, as in the lines of id a before; or read a label of each step: --label-per-step, found \"m\"",
        ),
        ("b,2,1,k\na,1.0,2,k", "line 4, column time: expected a time that id a has once, found 1, as in line 2"),
        ("a,2,1", "line 3: expected 4 cells, one for each column, found 3"),
    ] {
        refused_with("a.csv", &format!("{head}{line}\n"), &features, &[says]);
    }
    let text_times = "id,time,x\na,mon,1\na,tue,1\n";
    refused("a.csv", text_times, &["line 2, column \"time\": \"mon\" is not a time", "--time-format"]);
    refused("a.csv", "id,time,x\na,2020-01,1\na,tue,1\n", &["line 3, column \"time\": \"tue\" is not a time"]);
    refused("a.csv", "id,time,x\na,2020-01,1\na,2,1\n", &["line 3", "another form than \"2020-01\" on line 2"]);
    let twice = "id,time,x\na,2020-01,1\nb,2020-01,1\na,2020-01,2\n";
    refused("a.csv", twice, &["line 4, column time: expected a time that id a has once, found 2020-01, as in line 2"]);
    let either = "id,time,x\na,01/02/2020,1\na,02/02/2020,1\n";
    refused("a.csv", either, &["line 2, column \"time\": \"01/02/2020\" may be DD/MM/YYYY or MM/DD/YYYY"]);
    let two = "id,made,sold,x\na,2020-01,2020-02,1\n";
    refused("a.csv", two, &["\"made\" and \"sold\" both hold times", "--time made"]);
    refused("a.csv", head.lines().next().unwrap(), &["holds no sequences"]);
    refused("a.csv", "id,time\na,1\n", &["no column of a feature"]);
    refused("a.csv", "", &["it is empty"]);
    let folder = Folder::new().with("a.csv", b"id,x\na,\xff\n");
    let message = sequences::load(&folder.file("a.csv"), &ColumnNames::default()).unwrap_err().to_string();
    assert_says(&message, &["not UTF-8", "line 2"]);
}

#[test]
fn columns_are_read_as_numbers_or_left_out_and_said() {
    let text = "id,time,label,a,flag,note,made,empty,Unnamed: 0\n\
                s,0,k,1,True,x,2020-01,,0\ns,1,k,2,False,y,2020-02,,1\n# a remark\n";
    let set = load("a.csv", text).unwrap();
    assert_eq!(set.names, ["a", "flag", "empty"]);
    assert_eq!((set.values[0], set.values[1], set.values[4]), (1.0, 1.0, 0.0));
    assert_eq!(
        set.report.taken.unwrap().to_string(),
        "time time: numbers, as 0; id id; label label; features: a, flag (True as 1, False as 0), empty; not read: note, \
         line 2 \"x\" is no number, made, other times, \"Unnamed: 0\", the numbers of rows; 1 line of remarks"
    );
    // Of a data frame the index has no name.
    let index = load("a.csv", ",id,time,x,label\n0,a,0,1,k\n1,a,1,2,k\n").unwrap();
    assert_eq!((&index.names[..], &index.values[..]), (&["x".to_owned()][..], &[1.0, 2.0][..]));
    // A cell that is no number among many that are is a mistake, and no text.
    let numbers: String = (0..9).map(|step| format!("a,{step},{step}\n")).collect();
    let mistake = format!("id,time,x\n{numbers}a,9,15o\n");
    refused(
        "a.csv",
        &mistake,
        &["line 11, column \"x\": \"15o\" is not a finite number, and 9 of the column's 10 cells are"],
    );
}

#[test]
fn labels_are_called_label_or_y() {
    let set = load("a.csv", "id,time,x,y\na,0,1,up\na,1,2,up\nb,0,3,down\n").unwrap();
    assert_eq!((&set.classes[..], &set.names[..]), (&["down", "up"].map(String::from)[..], &["x".to_owned()][..]));
    let both = load("a.csv", CSV).unwrap();
    assert_eq!((both.names, both.classes), (vec!["x".to_owned(), "y".to_owned()], vec!["left".into(), "right".into()]));
    let coordinates = "id,x,y\na,1,1\na,2,2\n";
    refused("a.csv", coordinates, &["line 3, column y: expected the label 1", "no column is called label", "--label"]);
    let named = ColumnNames { features: Some(vec!["x".into(), "y".into()]), ..ColumnNames::default() };
    assert_eq!(sequences::parse("a.csv", coordinates.as_bytes(), &named).unwrap().labels, None);
}

#[test]
fn the_archive_s_tables_have_a_sequence_a_line_and_no_names() {
    let text = "1\t0.5\t0.25\t-1\n2\t0.5\tNaN\t0.75\n-1\t3\t4\tNaN\n";
    let set = load("Toy_TRAIN.tsv", text).unwrap();
    assert_eq!(
        (&set.names[..], &set.classes[..]),
        (&["dim_0".to_owned()][..], &["-1", "1", "2"].map(String::from)[..])
    );
    assert_eq!((set.labels.as_deref(), &set.offsets[..]), (Some(&[1, 2, 0][..]), &[0, 3, 6, 8][..]));
    assert_eq!((set.row(0), set.row(2)), (&[0.5, 0.25, -1.0][..], &[3.0, 4.0][..]));
    assert!(set.row(1)[1].is_nan() && set.ids.is_none());
    let commas = load("a.csv", "1.0000000e+00,0.5,0.5\n2.0000000e+00,1e2,1\n").unwrap();
    assert_eq!((&commas.classes[..], commas.row(1)), (&["1", "2"].map(String::from)[..], &[100.0, 1.0][..]));
    refused("a.tsv", "1\t2\t3\nx\t2\t3\n", &["line 2, column 1: expected a class, a whole number", "found \"x\""]);
    refused("a.tsv", "1.5\t2\t3\n", &["line 1, column 1: expected a class"]);
    refused("a.tsv", "1\t2\t3\n1\tx\t3\n", &["line 2, column 2: expected a finite number"]);
    refused("a.tsv", "1\tNaN\t\n", &["line 1, column 2: expected a value"]);
    refused("a.csv", "1,2\n3,4\n", &["line 1: expected the names of the columns, found values alone"]);
}

#[test]
fn values_far_from_0_keep_their_shape_in_every_format() {
    let values = [1_600_000_000.0, 1_600_000_036.0, 1_600_000_008.0, 1_600_000_001.0];
    let table: String = values.iter().zip(0..).map(|(x, at)| format!("{},{},{x}\n", at / 2, at % 2)).collect();
    let wide: String = values.chunks(2).map(|two| format!("1\t{}\t{}\n", two[0], two[1])).collect();
    let ts: String = values.chunks(2).map(|two| format!("{},{}:k\n", two[0], two[1])).collect();
    let folder = numpy(&[("x", &[2, 2, 1], Values::F64(values.to_vec()))]);
    let integers = numpy(&[("x", &[2, 2, 1], Values::I64(values.iter().map(|&x| x as i64).collect()))]);
    for set in [
        load("a.csv", &format!("id,time,x\n{table}")).unwrap(),
        load("a.tsv", &wide).unwrap(),
        load("a.ts", &format!("@classLabel true k\n@data\n{ts}")).unwrap(),
        sequences::load(&folder.file("x.npz"), &ColumnNames::default()).unwrap(),
        sequences::load(&integers.file("x.npz"), &ColumnNames::default()).unwrap(),
    ] {
        assert_eq!((set.centre(0), &set.values[..]), (1_600_000_018.0, &[-18.0, 18.0, -10.0, -17.0][..]));
        assert!(set.report.rounded.is_empty());
    }
    // A single value far from the others costs them their digits; that is said.
    let set = load("a.csv", &format!("id,time,x\n{table}9,0,0\n")).unwrap();
    let message = set.report.rounded[0].to_string();
    assert_says(&message, &["column \"x\": of 2 changes from a value to the next, 2 are lost in single precision"]);
    // Also where the steps of two sequences come in turns.
    let turns: String = (0..8).map(|t| format!("a,{t},{0}\nb,{t},{t}\nc,{t},{0}\n", 1_600_000_000 + t)).collect();
    let set = load("a.csv", &format!("id,time,x\n{turns}")).unwrap();
    let message = set.report.rounded.first().map(ToString::to_string).unwrap_or_default();
    assert_says(&message, &["column \"x\": of 21 changes from a value to the next, 14 are lost"]);
    // Near 0 nothing is moved.
    assert!(load("a.csv", CSV).unwrap().centres.is_empty());
}

#[test]
fn wrong_arrays_are_refused_by_name() {
    let x = || ("x", &[2, 2, 1][..], Values::F64(vec![0.0; 4]));
    for (arrays, says) in [
        (vec![("y", &[2][..], Values::I32(vec![0, 1]))], "holds no array x"),
        (
            vec![("x", &[2, 2], Values::F32(vec![0.0; 4]))],
            "array x: expected the shape [N, T, I]: sequences, steps, features, found [2, 2]",
        ),
        (
            vec![("x", &[2, 0, 2], Values::F32(vec![]))],
            "array x: expected at least one sequence, step and feature, found [2, 0, 2]",
        ),
        (vec![("x", &[1, 1, 1], texts(&["a"]))], "array x: expected numbers, found text"),
        (vec![("x", &[1, 2, 2], Values::F64(vec![0.0, 0.0, 1e39, 0.0]))], "in sequence 0, step 1, feature 0"),
        (
            vec![x(), ("y", &[3], Values::I64(vec![0; 3]))],
            "array y: expected the shape [2], one value for each sequence of x, found [3]",
        ),
        (
            vec![x(), ("y", &[2], Values::F32(vec![0.0; 2]))],
            "array y: expected integers or text, a label for each sequence, found f32",
        ),
        (
            vec![x(), ("y", &[2], texts(&["a", ""]))],
            "array y: expected a label for each sequence, found none for sequence 1",
        ),
        (
            vec![x(), ("lengths", &[2], Values::I64(vec![1, 3]))],
            "array lengths: expected integers from 1 to 2, the steps of x, found 3 for sequence 1",
        ),
        (vec![x(), ("lengths", &[2], Values::I64(vec![0, 1]))], "found 0 for sequence 0"),
        (vec![x(), ("lengths", &[2], Values::F64(vec![1.0, 1.0]))], "found f64"),
    ] {
        let folder = numpy(&arrays);
        let message = sequences::load(&folder.file("x.npz"), &ColumnNames::default()).unwrap_err().to_string();
        assert_says(&message, &[folder.file("x.npz").to_str().unwrap(), says]);
    }
    let folder = numpy(&[("data", &[1, 2, 1], Values::I64(vec![3, -4])), ("target", &[1], Values::I64(vec![7]))]);
    let mut settings =
        ColumnNames { values: Some("data".into()), label: Some("target".into()), ..ColumnNames::default() };
    let set = sequences::load(&folder.file("x.npz"), &settings).unwrap();
    assert_eq!((&set.values[..], &set.classes[..]), (&[3.0, -4.0][..], &["7".to_owned()][..]));
    settings.lengths = Some("steps".into());
    let message = sequences::load(&folder.file("x.npz"), &settings).unwrap_err().to_string();
    assert_says(&message, &["holds no array steps", "data, target"]);
}

#[test]
fn a_test_set_counts_labels_as_its_training_set_does() {
    let folder = Folder::new()
        .with("train.csv", b"id,x,y,label\na,1,2,10\nb,3,4,9\n")
        .with("test.csv", b"label,y,more,x,id\n10,5,0,6,c\n")
        .with("other.csv", b"id,x,y,label\nc,1,2,10\nd,3,4,8\n")
        .with("plain.csv", b"id,x,y\nc,1,2\n")
        .with("unlabelled.csv", b"id,x\nc,1\n")
        .with("y.csv", b"id,x,y\na,1,k\nb,3,m\n")
        .with("narrow.csv", b"id,x,label\nc,1,10\n")
        .with("one.csv", b"id,x,label\nc,1,10\n")
        .with("test.ts", b"@classLabel true 9 10\n@data\n1:2:10\n")
        .with("spare.ts", b"@classLabel true 8 9 10\n@data\n1:9\n2:10\n3:9\n")
        .with("spare_test.ts", b"@classLabel true 8 9 10\n@data\n1:10\n2:8\n");
    let read = |train: &str, test: &str| {
        let [train, test] = [train, test].map(|name| folder.file(name));
        sequences::train_test(&train, &test, &ColumnNames::default()).map_err(|error| error.to_string())
    };
    // Labels that were found in y are looked for there again.
    let (_, test) = read("y.csv", "y.csv").unwrap();
    assert_eq!((test.names, test.labels), (vec!["x".to_owned()], Some(vec![0, 1])));
    let (train, test) = read("train.csv", "test.csv").unwrap();
    assert_eq!((&train.classes[..], train.labels.unwrap()), (&["9".to_owned(), "10".to_owned()][..], vec![1, 0]));
    assert_eq!((test.classes, test.labels.unwrap(), test.values), (train.classes, vec![1], vec![6.0, 5.0]));

    for (train, test, says) in [
        (
            "train.csv",
            "other.csv",
            "other.csv: sequence 1 (id d) has the label 8, expected one of those in training: 9, 10",
        ),
        (
            "train.csv",
            "plain.csv",
            "plain.csv holds no labels, expected one for each sequence; looked for a column label; its other columns: x, y",
        ),
        ("unlabelled.csv", "train.csv", "unlabelled.csv holds no labels"),
        ("train.csv", "narrow.csv", "no column y"),
        ("train.csv", "test.ts", "test.ts has 2 features (dim_0, dim_1), expected 2 as in training (x, y)"),
        ("one.csv", "one.csv", "one.csv holds 1 class (10), expected at least two classes"),
        // A class that only the header names has not been seen.
        (
            "spare.ts",
            "spare_test.ts",
            "spare_test.ts: sequence 1 has the label 8, expected one of those in training: 9, 10",
        ),
    ] {
        assert_says(&read(train, test).unwrap_err(), &[says]);
    }
    let (spare, _) = read("spare.ts", "spare.ts").unwrap();
    assert_eq!((spare.classes, spare.labels.unwrap()), (vec!["9".to_owned(), "10".to_owned()], vec![0, 1, 0]));
}

#[test]
fn a_stratified_part_has_the_shares_of_the_classes_in_the_order_given() {
    let lines: String = (0..12).map(|i| format!("s{i},{i},{}\n", if i % 3 == 0 { "few" } else { "many" })).collect();
    let set = load("a.csv", &format!("id,x,label\n{lines}")).unwrap();
    let order: Vec<usize> = (0..12).rev().collect();
    let (train, validation) = set.split_stratified(3, &order);
    assert_eq!(validation.ids.as_deref().unwrap(), ["s11", "s10", "s9"]);
    assert_eq!((validation.labels.as_deref(), &validation.values[..]), (Some(&[1, 1, 0][..]), &[11.0, 10.0, 9.0][..]));
    assert_eq!(train.ids.as_deref().unwrap(), ["s8", "s7", "s6", "s5", "s4", "s3", "s2", "s1", "s0"]);
    assert_eq!((train.len(), &train.classes, train.row(8)), (9, &set.classes, &[0.0][..]));

    let caught = std::panic::catch_unwind(|| set.split_stratified(3, &[0; 12]));
    assert!(caught.is_err(), "a sequence twice must be refused");
}

const ARFF: &str = "% walks\n@RELATION Walks\n\n@attribute walk relational\n  @attribute t0 numeric\n  @attribute t1 real\n\
                    @end walk\n@attribute 'which side' {left, 'right'}\n@data\n'0.5,0.7\\n1,?',left\n\n% the other\n\
                    \"0.1,?\\n2,?\",right\n";

#[test]
fn wekas_format_says_the_same() {
    let (arff, ts) = (load("walks.arff", ARFF).unwrap(), load("walks.ts", TS).unwrap());
    assert_eq!(content(&arff), content(&ts));
    assert_eq!(arff.names, ts.names);
    let folder = Folder::new().with("a.ARFF.gz", &gz(ARFF.as_bytes()));
    assert_eq!(content(&sequences::load(&folder.file("a.ARFF.gz"), &ColumnNames::default()).unwrap()), content(&ts));
    // One dimension needs no relation, and shorter rows are filled up.
    let one = "@relation a\n@attribute a numeric\n@attribute b integer\n@attribute class {1,2}\n@data\n1,2,2\n3,?,1\n";
    let set = load("one.arff", one).unwrap();
    let expected = "@classLabel true 1 2\n@data\n1,2:2\n3:1\n";
    assert_eq!(content(&set), content(&load("one.ts", expected).unwrap()));
    // Far from 0, as everywhere.
    let far = one.replace("\n1,2,2", "\n16000001,16000002,2").replace("\n3,?", "\n16000003,?");
    assert_eq!(load("far.arff", &far).unwrap().centre(0), 16_000_002.0);
    // To be predicted.
    let unlabelled = load("p.arff", &one.replace("2,2\n", "2,?\n").replace("?,1", "?,?")).unwrap();
    assert_eq!((unlabelled.labels, unlabelled.classes.len()), (None, 0));
}

#[test]
fn damaged_files_of_weka_are_refused() {
    for (from, to, says) in [
        ("@data\n", "", "line 9: expected one of @relation, @attribute, @end, @data"),
        (
            "left\n\n",
            "middle\n\n",
            "line 10, class: expected one of those that the last @attribute names, found \"middle\"",
        ),
        ("0.5,0.7", "0.5,0.7,0.9", "line 10, dimension 0: expected 2 values, one for each attribute, found 3"),
        ("\\n2,?", "", "line 13: expected 2 dimensions, as the first case has, found 1"),
        ("0.5", "x", "line 10, dimension 0, value 0: expected a finite number, or ? where it is missing, found \"x\""),
        ("'0.5", "0.5", "line 10: "),
        ("@end walk\n", "", "line 7: expected numbers within one relation"),
        ("numeric", "string", "line 5, the type of the attribute: expected numeric"),
        ("'right'", "right", "line 8: expected the classes between { and }"),
        ("right'}", "left'}", "expected each class once, found \"left\" twice"),
        (",left\n\n", ",?\n\n", "expected a class of each case, or ? of all"),
        ("\"0.1,?", "\"?,?", ""),
        ("@attribute 'which side' {left, 'right'}\n", "", "line 8: expected a last attribute with the classes"),
    ] {
        let text = match to {
            "right" => ARFF.replace("'right'}", "right"),
            _ => ARFF.replace(from, to),
        };
        if says.is_empty() {
            let _ = load("x.arff", &text);
        } else {
            refused("x.arff", &text, &[says]);
        }
    }
    refused("x.arff", "", &["x.arff"]);
    refused("x.arff", "@relation a\n", &["expected @data after it"]);
    refused("x.arff", "@attribute a numeric\n@attribute c {1,2}\n@data\n{0 1, 1 2}\n", &["found a sparse case"]);
    refused("x.arff", "@attribute a numeric\n@attribute c {1,2}\n@data\n?,1\n", &["a case of which all are missing"]);
}

#[test]
fn numbers_that_stand_for_missing_values_in_tables() {
    let rows: String = (0..8).map(|t| format!("a,{t},{},l\n", if t == 3 { -9999.0 } else { f64::from(t) })).collect();
    let text = format!("id,time,x,label\n{rows}");
    let set = load("a.csv", &text).unwrap();
    assert_says(&set.report.stand_ins[0].to_string(), &["column \"x\" has -9999 once, and otherwise 0 to 7"]);
    let folder = Folder::new().with("a.csv", text.as_bytes());
    let settings = ColumnNames { missing: vec![-9999.0], ..ColumnNames::default() };
    let set = sequences::load(&folder.file("a.csv"), &settings).unwrap();
    assert_eq!((set.report.stand_ins.len(), set.missing()), (0, 1));
}

#[test]
fn numbers_stand_where_labels_do() {
    let read = |name: &str, text: &str, names: &ColumnNames| {
        let found = sequences::parse_numbered(name, text.as_bytes(), names);
        found.map_err(|error| error.to_string())
    };
    let names = ColumnNames::default();
    let ts = "@univariate true\n@targetLabel true\n@data\n1,2:0.5\n3:-1e3\n4,5:0.5\n";
    let (set, numbers) = read("a.ts", ts, &names).unwrap();
    assert_eq!((set.len(), set.labels, set.classes.len()), (3, None, 0));
    assert_eq!(numbers.unwrap(), [0.5, -1000.0, 0.5]);
    // The archive's other format, in which shorter sequences are filled up, and of several dimensions.
    let arff =
        "@attribute a numeric\n@attribute b real\n@attribute target numeric\n@data\n1,2,0.5\n3,?,-1e3\n4,5,0.5\n";
    assert_eq!(read("a.arff", arff, &names).unwrap(), read("a.ts", ts, &names).unwrap());
    let related =
        "@attribute w relational\n@attribute a real\n@end w\n@attribute t real\n@data\n'1\\n2',7\n\"3\\n4\",-8.5\n";
    let (set, numbers) = read("a.arff", related, &names).unwrap();
    assert_eq!((&set.values[..], numbers.unwrap()), (&[1.0, 2.0, 3.0, 4.0][..], vec![7.0, -8.5]));
    assert_eq!(read("a.arff", &related.replace(",7\n", ",?\n").replace(",-8.5", ",?"), &names).unwrap().1, None);
    for (from, to, says) in [
        (",7\n", ",?\n", "1 cases whose class is ?"),
        (",7\n", ",heavy\n", "sequence 0 has \"heavy\" in the place of its number"),
        ("@attribute t real\n", "", "line 4: expected a last attribute with the number of each case"),
    ] {
        assert_says(&read("a.arff", &related.replace(from, to), &names).unwrap_err(), &[says]);
    }
    refused("a.arff", arff, &["expected a last attribute with the classes", "are for a regression"]);
    let table = "id,time,x,grams\na,0,1,2.5\na,1,2,2.5\nb,0,3,-7\n";
    let grams = ColumnNames { label: Some("grams".into()), ..names.clone() };
    let (set, numbers) = read("a.csv", table, &grams).unwrap();
    assert_eq!((set.names, numbers.unwrap()), (vec!["x".to_owned()], vec![2.5, -7.0]));
    // Without the column there are sequences alone; commas are decimal marks where that is said.
    assert_eq!(read("a.csv", "id,time,x\na,0,1\n", &names).unwrap().1, None);
    let comma = ColumnNames { decimal: Some(','), ..grams.clone() };
    assert_eq!(read("a.csv", "id;time;x;grams\na;0;1,5;2,25\n", &comma).unwrap().1.unwrap(), [2.25]);
    for (text, says) in [
        (
            "id,time,x,grams\na,0,1,2\nb,0,2,heavy\n",
            "a.csv: sequence 1 (id b) has \"heavy\" in the place of its number",
        ),
        ("id,time,x,grams\na,0,1,inf\n", "expected a finite number"),
    ] {
        let message = read("a.csv", text, &grams).unwrap_err();
        assert!(message.contains(says), "{message}");
    }
    let message = read("a.ts", "@classLabel true a b\n@data\n1:a\n", &names).unwrap_err();
    assert!(message.contains("in the place of its number"), "{message}");
}

fn per_step() -> ColumnNames {
    ColumnNames { label_per_step: true, ..ColumnNames::default() }
}

#[test]
fn each_step_has_a_label_or_none() {
    // Out of order, in turns, and one label missing.
    let csv = "id,time,x,label\na,1,2,run\nb,0,5,walk\na,0,1,walk\na,2,3,\nb,1,6,run\n";
    let folder = Folder::new().with("x.csv", csv.as_bytes());
    let set = sequences::load_labelled(&folder.file("x.csv"), &per_step()).unwrap();
    assert_eq!((set.values.as_slice(), set.offsets.as_slice()), (&[1.0, 2.0, 3.0, 5.0, 6.0][..], &[0, 3, 5][..]));
    assert_eq!((set.labels.as_ref(), set.classes.as_slice()), (None, &["run".to_owned(), "walk".to_owned()][..]));
    assert_eq!(set.step_labels.as_deref().unwrap(), [Some(1), Some(0), None, Some(1), Some(0)]);
    let second = set.select(&[1]);
    assert_eq!(second.step_labels.as_deref().unwrap(), [Some(1), Some(0)]);
    // Labels count in the order of the classes that a model knows.
    let classes = ["sit", "walk", "run"].map(str::to_owned);
    let matched = set.matched("x.csv", &["x".to_owned()], &classes).unwrap();
    assert_eq!(matched.step_labels.unwrap(), [Some(1), Some(2), None, Some(1), Some(2)]);
    let message = second.matched("x.csv", &["x".to_owned()], &classes[..2]).unwrap_err().to_string();
    assert_says(&message, &["sequence 0 (id b)", "label run", "sit, walk"]);

    let x = || Values::F32(vec![1.0, 2.0, 9.0, 5.0, 6.0, 7.0]);
    for (y, classes) in [
        (texts(&["walk", "run", "run", "", "run", "walk"]), ["run", "walk"]),
        (Values::F64(vec![1.0, 0.0, 0.0, f64::NAN, 0.0, 1.0]), ["0", "1"]),
    ] {
        let lengths = Values::I64(vec![2, 3]);
        let folder = numpy(&[("x", &[2, 3, 1], x()), ("y", &[2, 3], y), ("lengths", &[2], lengths)]);
        let set = sequences::load_labelled(&folder.file("x.npz"), &per_step()).unwrap();
        assert_eq!(set.classes, classes);
        assert_eq!(set.step_labels.unwrap(), [Some(1), Some(0), None, Some(0), Some(1)]);
    }
    let folder = numpy(&[("x", &[2, 3, 1], x()), ("y", &[2, 3], Values::U8(vec![1, 0, 0, 1, 0, 1]))]);
    let set = sequences::load_labelled(&folder.file("x.npz"), &per_step()).unwrap();
    assert_eq!(set.step_labels.unwrap(), [1, 0, 0, 1, 0, 1].map(Some));
}

#[test]
fn labels_of_steps_that_cannot_be_are_refused() {
    let varies = "id,x,label\na,1,k\na,2,l\n";
    refused("x.csv", varies, &["line 3, column label", "the label k", "--label-per-step", "\"l\""]);
    refused("x.csv", "id,x,label\na,1,k\na,2,\n", &["line 3, column label", "--label-per-step"]);
    refused_with("x.ts", TS, &per_step(), &["one for each sequence", ".csv", "y [N, T]"]);
    let message = |y: Values, shape: &[usize], names: &ColumnNames| {
        let folder = numpy(&[("x", &[2, 3, 1], Values::F32(vec![0.0; 6])), ("y", shape, y)]);
        sequences::load_labelled(&folder.file("x.npz"), names).unwrap_err().to_string()
    };
    let labels = || Values::I64(vec![0, 1, 0, 1, 0, 1]);
    assert_says(&message(labels(), &[2, 3], &ColumnNames::default()), &["array y", "shape [2]", "--label-per-step"]);
    assert_says(&message(labels(), &[3, 2], &per_step()), &["array y", "shape [2, 3]", "[3, 2]"]);
    assert_says(&message(Values::I64(vec![0, 1]), &[2], &per_step()), &["a label for each step", "[2]"]);
    let half = Values::F64(vec![0.0, 1.0, 0.0, 1.0, 0.5, 1.0]);
    assert_says(&message(half, &[2, 3], &per_step()), &["0.5 in sequence 1, step 1"]);
    assert_says(&message(Values::I64(vec![1; 6]), &[2, 3], &per_step()), &["1 class", "two classes"]);
}
