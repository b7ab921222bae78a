//! Labelled sequences in their three formats: what is read, and every way a file can be wrong.

mod make;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::Path;

use elman_datasets::sequences::{self, Settings};
use elman_datasets::{Error, SequenceSet};
use elman_formats::numpy::{Array, Values, write_npz};
use make::{Folder, assert_says, gz};

const TS: &str = "# walks\n\
    @problemName Walks\n@timeStamps false\n@missing true\n@univariate false\n@dimensions 2\n@equalLength false\n\
    @classLabel true left right\n@data\n\
    0.5,0.7:1,?:left\n\n# the other one\n0.1:2:right\n";

const CSV: &str = "id,time,x,y,label\na,0,0.5,1,left\na,1,0.7,,left\nb,0,0.1,2,right\n";

fn load(name: &str, content: &str) -> Result<SequenceSet, Error> {
    let folder = Folder::new().with(name, content.as_bytes());
    sequences::load(&folder.file(name), &Settings::default())
}

/// The message must name the file and hold `parts`.
#[track_caller]
fn refused(name: &str, content: &str, parts: &[&str]) -> Error {
    refused_with(name, content, &Settings::default(), parts)
}

#[track_caller]
fn refused_with(name: &str, content: &str, settings: &Settings, parts: &[&str]) -> Error {
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
    let npz = sequences::load(&numpy(&arrays).file("x.npz"), &Settings::default()).unwrap();
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
        assert_eq!(sequences::load(&folder.file(name), &Settings::default()).unwrap().len(), 2, "{name}");
    }
    for name in ["a.npz.gz", "ts", "a.txt", "none"] {
        let message = sequences::load(&folder.file(name), &Settings::default()).unwrap_err().to_string();
        assert_says(&message, &["cannot tell the format of ", name, ".ts, .csv or .tsv", ".npz"]);
    }
    for name in ["none.ts", "none.csv", "none.npz"] {
        let message = sequences::load(Path::new(name), &Settings::default()).unwrap_err().to_string();
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
        ("@targetLabel true", "cases with a target to regress on are not read"),
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
    assert_eq!(values("id,time,x\na,tuesday,1\nb,monday,9\na,monday,2\n"), [1.0, 2.0, 9.0]);
    assert_eq!(values("id,x\na,1\nb,9\na,2\n"), [1.0, 2.0, 9.0]);
}

#[test]
fn columns_have_the_names_that_the_caller_says() {
    let text = "\u{feff}\"time\";\"who\";\"when\";\"b\";\"kind\";\"a\"\r\n7;x;1;2.5;k;3.5\r\n8;x;0;4.5;k;5.5\r\n";
    let mut settings = Settings {
        id: Some("who".into()),
        time: Some("when".into()),
        label: Some("kind".into()),
        features: Some(vec!["a".into(), "time".into()]),
        ..Settings::default()
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
            Settings { time: Some("day".into()), ..settings.clone() },
            "no column day, expected one; the columns that it has: time, who",
        ),
        (Settings { label: Some("class".into()), ..settings.clone() }, "no column class"),
        (Settings { id: None, ..settings.clone() }, "no column id"),
        (Settings { features: Some(vec!["c".into()]), ..settings.clone() }, "no column c"),
        (Settings { features: Some(vec![]), ..settings.clone() }, "no column of a feature"),
        (
            Settings { features: Some(vec!["a".into(), "a".into()]), ..settings.clone() },
            "column a is asked for both as feature and as feature",
        ),
        (
            Settings { features: Some(vec!["kind".into()]), ..settings.clone() },
            "column kind is asked for both as label and as feature",
        ),
        (Settings { time: Some("who".into()), ..settings.clone() }, "column who is asked for both as id and as time"),
    ] {
        refused_with("a.csv", text, &change, &[says]);
    }
}

#[test]
fn wrong_tables_are_refused_with_line_and_column() {
    let head = "id,time,x,label\na,1,0.5,k\n";
    for (line, says) in [
        (",2,1,k", "line 3, column id: expected an id, found nothing"),
        ("a,,1,k", "line 3, column time: expected a time, found nothing"),
        ("a,b,1,k", "line 3, column time: expected a number, as the first time is, found \"b\""),
        ("a,inf,1,k", "line 3, column time: expected a number"),
        (
            "a,2,x,k",
            "line 3, column x: expected a finite number with a decimal point, or nothing where it is missing, found \"x\"",
        ),
        ("a,2,\"1,5\",k", "line 3, column x: expected a finite number with a decimal point"),
        ("a,2,-inf,k", "line 3, column x: expected a finite number"),
        ("b,2,1,", "line 3, column label: expected a label, found nothing"),
        ("a,2,1,m", "line 3, column label: expected the label k, as in the lines of id a before, found \"m\""),
        ("b,2,1,k\na,1.0,2,k", "line 4, column time: expected a time that id a has once, found 1, as in line 2"),
        ("a,2,1", "line 3: expected 4 cells, one for each column, found 3"),
    ] {
        refused("a.csv", &format!("{head}{line}\n"), &[says]);
    }
    let text_times = "id,time,x\na,mon,1\na,tue,1\na,mon,2\n";
    refused("a.csv", text_times, &["line 4, column time: expected a time that id a has once, found \"mon\""]);
    refused("a.csv", "id,time,x\na,mon,1\na,2,1\n", &["line 3, column time: expected text, as the first time is"]);
    refused("a.csv", head.lines().next().unwrap(), &["holds no sequences"]);
    refused("a.csv", "id,time\na,1\n", &["no column of a feature"]);
    refused("a.csv", "", &["it is empty"]);
    let folder = Folder::new().with("a.csv", b"id,x\na,\xff\n");
    let message = sequences::load(&folder.file("a.csv"), &Settings::default()).unwrap_err().to_string();
    assert_says(&message, &["not UTF-8", "line 2"]);
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
        let message = sequences::load(&folder.file("x.npz"), &Settings::default()).unwrap_err().to_string();
        assert_says(&message, &[folder.file("x.npz").to_str().unwrap(), says]);
    }
    let folder = numpy(&[("data", &[1, 2, 1], Values::I64(vec![3, -4])), ("target", &[1], Values::I64(vec![7]))]);
    let mut settings = Settings { values: Some("data".into()), label: Some("target".into()), ..Settings::default() };
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
        .with("narrow.csv", b"id,x,label\nc,1,10\n")
        .with("one.csv", b"id,x,label\nc,1,10\n")
        .with("test.ts", b"@classLabel true 9 10\n@data\n1:2:10\n")
        .with("spare.ts", b"@classLabel true 8 9 10\n@data\n1:9\n2:10\n3:9\n")
        .with("spare_test.ts", b"@classLabel true 8 9 10\n@data\n1:10\n2:8\n");
    let read = |train: &str, test: &str| {
        let [train, test] = [train, test].map(|name| folder.file(name));
        sequences::train_test(&train, &test, &Settings::default()).map_err(|error| error.to_string())
    };
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
        ("plain.csv", "train.csv", "plain.csv holds no labels"),
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
