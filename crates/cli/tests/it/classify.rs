//! `elman train classify`, and `eval` and `predict` of its runs, on small tables made on the fly.

use crate::support::*;
use serde_json::{Value, json};

/// Sequences of each class.
const EACH: usize = 10;

const QUICK_CLASSIFY: &str =
    "train classify --recipe plain --hidden-size 8 --num-epoch 12 --learning-rate 0.02 --batch-size 6";

/// A cell of the table: sequence, step, feature.
type Cell<'a> = &'a dyn Fn(usize, usize, usize) -> Option<f64>;

/// A table of sequences of three to five steps of the features x and y; which of both is large tells the class.
fn table(classes: &[&str], cell: Cell) -> String {
    let mut text = "id,time,x,y,label\n".to_owned();
    for row in 0..EACH * classes.len() {
        for step in 0..3 + row % 3 {
            let [x, y] =
                [0, 1].map(|feature| cell(row, step, feature).map_or(String::new(), |value| value.to_string()));
            text += &format!("s{row},{step},{x},{y},{}\n", classes[row % classes.len()]);
        }
    }
    text
}

/// The value of a cell: 100 more where the feature is that of the class.
fn plain(row: usize, step: usize, feature: usize) -> Option<f64> {
    let noise = ((row * 31 + step * 17 + feature * 7) % 13) as f64;
    Some(1000.0 + noise + if row % 2 == feature { 100.0 } else { 0.0 })
}

/// Without every third cell.
fn holes(row: usize, step: usize, feature: usize) -> Option<f64> {
    plain(row, step, feature).filter(|_| !(row + 2 * step + feature).is_multiple_of(3))
}

impl Place {
    /// With the table `walks.csv` of two classes.
    fn with_walks() -> Self {
        let place = Self::new();
        place.write("walks.csv", table(&["left", "right"], &plain).as_bytes());
        place
    }

    fn with_classifier() -> Self {
        let place = Self::with_walks();
        place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --quiet --out run")).succeeded();
        place
    }
}

/// Training is refused with these words, and leaves nothing behind.
#[track_caller]
fn refused(place: &Place, flags: &str, code: i32, words: &[&str]) {
    let before = place.names("");
    place.elman(&format!("train classify {flags} --out run")).refused(code, words);
    assert_eq!(place.names(""), before, "{flags} left something behind");
}

#[test]
fn it_learns_and_prints_epochs_both_tables_and_the_test_line() {
    let place = Place::with_walks();
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --out run"));
    let lines = outcome.succeeded();
    let epoch = "Epoch: 9, Train Loss: 9.999, Train Acc: 9.999, Validation Loss: 9.999, Validation Acc: 9.999";
    assert_eq!(form(lines[0]), epoch);
    assert_eq!(lines[12], "true \\ predicted  left  right");
    // The test part is a fifth, half of it of each class.
    assert_eq!(lines[13..15], ["left                 2      ·", "right                ·      2"]);
    assert_eq!(lines[16], "class          precision  recall     F1  rows");
    assert_eq!(lines[17], "left               1.000   1.000  1.000     2");
    assert_eq!(lines[21], "Macro F1: 1.000");
    assert!(lines[22].starts_with("Test Loss: 0.") && lines[22].ends_with(", Test Acc: 1.000"), "{lines:?}");
    for words in [
        "walks.csv: 14 training, 2 validation and 4 test sequences of 3 to 5 steps, 2 features, 2 classes",
        "gru 2 → 8 (reset after, recurrent dropout 0.2), 2 classes",
    ] {
        assert!(outcome.stderr.contains(words), "no {words:?} in {}", outcome.stderr);
    }
    let svg = place.text("run/confusion.svg");
    assert!(svg.contains("right") && svg.contains("predicted"));
}

#[test]
fn eval_says_what_training_said_and_the_model_s_file_suffices() {
    let place = Place::with_walks();
    let trained = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --json --out run"));
    trained.succeeded();
    let last = |outcome: &Outcome| outcome.stdout.lines().rev().take(3).map(str::to_owned).collect::<Vec<_>>();
    let eval = place.elman("eval run --json");
    eval.succeeded();
    assert_eq!(last(&trained), last(&eval));
    let objects = objects(&eval.stdout);
    assert_eq!(event(&objects, "confusion")["counts"], serde_json::json!([[2, 0], [0, 2]]));
    assert_eq!(event(&objects, "classes")["macro"]["f1"], 1.0);

    // The test rows alone in a file, and the model alone in another folder.
    std::fs::rename(place.path("run/model.safetensors"), place.path("alone.safetensors")).unwrap();
    let alone = place.elman("eval alone.safetensors --data walks.csv --json");
    alone.succeeded();
    assert!(alone.stdout.contains("\"rows\":20"), "{}", alone.stdout);
    place.elman("eval alone.safetensors").refused(1, &["alone.safetensors", "--data"]);
}

#[test]
fn a_network_that_learnt_nothing_says_so() {
    let place = Place::new();
    place.write("same.csv", table(&["left", "right", "left"], &|_, _, feature| Some(feature as f64)).as_bytes());
    let outcome = place.elman("train classify --data same.csv --hidden-size 2 --num-epoch 2 --out run");
    outcome.succeeded();
    let words = "no better than always naming \"left\", 0.6";
    assert!(outcome.stderr.contains(words) && outcome.stderr.contains("nothing was learnt"), "{}", outcome.stderr);
    let place = Place::with_classifier();
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --out good"));
    outcome.succeeded();
    assert!(!outcome.stderr.contains("nothing was learnt"), "{}", outcome.stderr);
}

#[test]
fn threads_change_no_bit_and_seeds_do() {
    let place = Place::with_walks();
    let trained = |flags: &str, out: &str| {
        place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --quiet --out {out} {flags}")).succeeded();
        place.bytes(&format!("{out}/model.safetensors"))
    };
    let one = trained("--threads 1", "one");
    assert!(one == trained("--threads 2", "two"), "2 threads give another model than one");
    assert!(one != trained("--threads 1 --seed 112", "other"), "two seeds, one model");
}

#[test]
fn a_test_file_and_named_columns() {
    let place = Place::new();
    let renamed = |text: String| text.replace("id,time,x,y,label", "walk,at,x,y,who");
    place.write("train.csv", renamed(table(&["left", "right"], &plain)).as_bytes());
    place.write(
        "test.tsv",
        renamed(table(&["right", "left"], &|r, t, f| plain(r + 1, t, f))).replace(',', "\t").as_bytes(),
    );
    let flags = "--id-column walk --time-column at --label-column who --features x,y --class-weights balanced";
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data train.csv --test test.tsv {flags} --out run"));
    let last = outcome.succeeded().last().unwrap().to_string();
    assert!(outcome.stderr.contains("18 training, 2 validation and 20 test sequences"), "{}", outcome.stderr);
    assert!(last.ends_with("Test Acc: 1.000"), "{last}");
    // The names of the columns are known from the run.
    for line in ["eval run", "eval run --data test.tsv"] {
        assert_eq!(place.elman(line).succeeded().last(), Some(&&*last));
    }
    // One feature alone.
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data train.csv {} --out x", flags.replace("x,y", "x")));
    outcome.succeeded();
    assert!(outcome.stderr.contains("1 feature, 2 classes"), "{}", outcome.stderr);
}

/// A flag has one name in all jobs; the old ones hold.
#[test]
fn flags_of_columns_and_of_the_test_have_one_name() {
    let place = Place::new();
    place.write("a.csv", table(&["left", "right"], &plain).replace("id,time,x,y,label", "walk,at,x,y,who").as_bytes());
    let trained = |flags: &str, out: &str| {
        place.elman(&format!("{QUICK_CLASSIFY} --data a.csv --quiet --out {out} {flags}")).succeeded();
        place.bytes(&format!("{out}/model.safetensors"))
    };
    let new = trained("--id walk --time at --label who --test 0.3", "new");
    assert!(new == trained("--id-column walk --time-column at --label-column who --test-part 0.3", "old"));
    let outcome = place.elman("eval new --json");
    outcome.succeeded();
    assert!(outcome.stdout.contains("\"rows\":6"), "{}", outcome.stdout);
}

#[test]
fn what_columns_were_taken_for_is_said() {
    let place = Place::with_walks();
    let line = "time time: numbers, as 0; id id; label label; features: x, y";
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --out run"));
    outcome.succeeded();
    assert!(outcome.stderr.contains(line), "{}", outcome.stderr);
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --json --out again"));
    outcome.succeeded();
    let all = objects(&outcome.stdout);
    let data = event(&all, "data");
    assert_eq!((&data["taken"]["label"], &data["training"]), (&"label".into(), &14.into()));
    assert_eq!(data["taken"]["numbers"][1]["column"], "y");
}

/// The same walks, their steps told apart by dates and in no order, learn as those in order do.
#[test]
fn steps_are_sorted_by_their_dates() {
    let place = Place::with_walks();
    let ordered = place.text("walks.csv");
    let (head, rows) = ordered.split_once('\n').unwrap();
    let trained = |rows: Vec<String>, out: &str| {
        place.write("walks.csv", format!("{head}\n{}\n", rows.join("\n")).as_bytes());
        let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --quiet --out {out}"));
        outcome.succeeded();
        outcome.stdout
    };
    let dated = |form: &dyn Fn(usize) -> String| -> Vec<String> {
        let row = |row: &str| {
            let cells: Vec<&str> = row.split(',').collect();
            format!("{},{},{}", cells[0], form(cells[1].parse().unwrap()), cells[2..].join(","))
        };
        rows.lines().map(row).collect()
    };
    let plain = trained(rows.lines().map(str::to_owned).collect(), "plain");
    for (place_of, form) in [
        ("iso", &(|step: usize| format!("2020-03-{:02}", 27 + step)) as &dyn Fn(usize) -> String),
        ("dmy", &|step: usize| format!("{}/03/2020", 27 + step)),
        ("named", &|step: usize| format!("Mar-{}-2020", 27 + step)),
    ] {
        let mut backwards = dated(form);
        // The sequences keep their order: their last rows come first.
        backwards.sort_by_key(|row| row.split(',').next().unwrap()[1..].parse::<usize>().unwrap());
        for walk in backwards.chunk_by_mut(|a, b| a.split(',').next() == b.split(',').next()) {
            walk.reverse();
        }
        assert!(plain == trained(backwards, place_of), "{place_of}");
    }
}

#[test]
fn axes_that_look_swapped_and_features_that_say_nothing_are_warned_of() {
    let place = Place::new();
    let wide: String = (0..12).map(|row| format!("s{row},{row},1,{},{}\n", row % 5, ["a", "b"][row % 2])).collect();
    place.write("wide.csv", format!("id,t0,t1,t2,label\n{wide}").as_bytes());
    let many = |steps: usize| {
        let features: String = (0..9).map(|feature| format!(",f{feature}")).collect();
        let row = |row: usize| {
            let cells = format!(",{}", row % 7).repeat(9);
            format!("s{},{}{cells},{}\n", row / steps, row % steps, ["a", "b"][row / steps % 2])
        };
        format!("id,time{features},label\n{}", (0..12 * steps).map(row).collect::<String>())
    };
    place.write("few.csv", many(2).as_bytes());
    place.write("enough.csv", many(3).as_bytes());
    let quick = QUICK_CLASSIFY;
    let outcome = place.elman(&format!("{quick} --data wide.csv --json --out a"));
    outcome.succeeded();
    let texts: Vec<Value> =
        objects(&outcome.stdout).into_iter().filter(|object| object["event"] == "warning").collect();
    for (warning, words) in
        texts.iter().zip(["always the same in training: t1; ", "every sequence has 1 step, of 3 features"])
    {
        let text = warning["text"].as_str().unwrap();
        assert!(text.contains(words) && outcome.stderr.contains(&format!("warning: {text}")), "{texts:?}");
    }
    let outcome = place.elman(&format!("{quick} --data few.csv --out b"));
    outcome.succeeded();
    assert!(outcome.stderr.contains("have up to 2 steps, of 9 features: that looks as if"), "{}", outcome.stderr);
    let outcome = place.elman(&format!("{quick} --data enough.csv --out c"));
    outcome.succeeded();
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
}

/// Single precision holds neither 1,600,000,000 nor what follows it: the walks are the same for all that.
#[test]
fn values_far_from_0_are_told_apart() {
    let place = Place::new();
    let far = |row: usize, step: usize, feature: usize| plain(row, step, feature).map(|x| 1.6e9 + 8.0 * x);
    place.write("walks.csv", table(&["left", "right"], &far).as_bytes());
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --out run"));
    let last = outcome.succeeded().last().unwrap().to_string();
    assert!(last.ends_with("Test Acc: 1.000") && !outcome.stderr.contains("warning"), "{last} {}", outcome.stderr);
    for row in 0..2 {
        // A file of one walk has another middle.
        let alone: String = place
            .text("walks.csv")
            .lines()
            .filter(|line| line.starts_with("id") || line.starts_with(&format!("s{row},")))
            .map(|line| format!("{line}\n"))
            .collect();
        place.write("alone.csv", alone.as_bytes());
        let outcome = place.elman("predict run alone.csv");
        assert!(outcome.succeeded()[0].contains(["class left", "class right"][row]), "{}", outcome.stdout);
    }
}

#[test]
fn missing_values_have_a_mask_or_are_the_mean() {
    let place = Place::new();
    place.write("walks.csv", table(&["left", "right"], &holes).as_bytes());
    for (flag, network, how) in [
        ("", "gru 4 → 8", "read as the mean, with an input beside each feature that says so"),
        ("--missing mean", "gru 2 → 8", "read as the mean"),
    ] {
        let out = format!("run{}", place.names("").len());
        let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv {flag} --out {out}"));
        let last = outcome.succeeded().last().unwrap().to_string();
        assert!(last.ends_with("Test Acc: 1.000"), "{last}");
        assert!(
            outcome.stderr.contains(network) && outcome.stderr.contains(&format!("are missing: {how}\n")),
            "{}",
            outcome.stderr
        );
        assert_eq!(place.elman(&format!("eval {out}")).succeeded().last(), Some(&&*last));
        // A file without a hole is read by the same network.
        place.write("whole.csv", table(&["left", "right"], &plain).as_bytes());
        let lines = place.elman(&format!("predict {out} whole.csv"));
        assert_eq!(lines.succeeded().len(), 20);
    }
}

#[test]
fn a_feature_without_a_value_is_named_and_not_read() {
    let place = Place::new();
    place.write(
        "walks.csv",
        table(&["left", "right"], &|r, t, f| if f == 0 { plain(r, t, f) } else { None }).as_bytes(),
    );
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --out run"));
    outcome.succeeded();
    assert!(outcome.stderr.contains("never read: y\n"), "{}", outcome.stderr);
    let outcome = place.elman(&format!("{QUICK_CLASSIFY} --data walks.csv --json --out again"));
    outcome.succeeded();
    let objects = objects(&outcome.stdout);
    let data = event(&objects, "data");
    assert_eq!((&data["never_read"], &data["missing_has_inputs"]), (&json!(["y"]), &json!(true)));
    let missing = format!("{} values are missing", data["missing"]);
    assert!(outcome.stderr.contains(&missing), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(&format!("of {} to {} steps", data["steps"][0], data["steps"][1])));
    place.elman("eval run").succeeded();
}

#[test]
fn predict_names_the_class_of_every_sequence() {
    let place = Place::with_classifier();
    let expected = ["left", "right"];
    let lines = place.elman("predict run walks.csv");
    for (row, line) in lines.succeeded().iter().enumerate() {
        let start = format!("walks.csv[s{row}]: class {}, probability 0.", expected[row % 2]);
        assert!(line.starts_with(&start) && line.contains("[left: 0."), "{line}");
    }
    // Without labels, and with labels that training had not: they are not looked at.
    let unlabelled: String =
        table(&[""], &plain).lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    place.write("unlabelled.csv", unlabelled.as_bytes());
    place.write("others.csv", table(&["up"], &plain).as_bytes());
    for file in ["unlabelled.csv", "others.csv"] {
        let outcome = place.elman(&format!("predict run {file} --json"));
        outcome.succeeded();
        for (row, object) in objects(&outcome.stdout).iter().enumerate() {
            assert_eq!(object["class"], expected[row % 2]);
            assert_eq!((&object["index"], &object["id"]), (&row.into(), &format!("s{row}").into()));
            let [left, right] = expected.map(|class| object["probabilities"][class].as_f64().unwrap());
            assert!((left + right - 1.0).abs() < 1e-6 && object["probability"].as_f64() == Some(left.max(right)));
        }
    }
    place.elman("predict run walks.csv --invert").refused(1, &["--invert is for images"]);
}

#[test]
fn files_that_the_model_cannot_read_are_refused_by_name() {
    let place = Place::with_classifier();
    place.write("short.csv", b"id,x\na,1\n");
    place.write("wide.ts", b"@dimensions 3\n@classLabel false\n@data\n1,2:3,4:5,6\n");
    place.write("up.csv", table(&["up", "left"], &plain).as_bytes());
    place.write("unlabelled.csv", b"id,x,y\na,1,2\n");
    place.write("walks.txt", b"id,x,y\na,1,2\n");
    for (line, words) in [
        ("predict run short.csv", &["short.csv", "no column y", "id, x"][..]),
        ("predict run wide.ts", &["wide.ts has 3 features (dim_0, dim_1, dim_2), expected 2 as in training (x, y)"]),
        ("predict run walks.csv short.csv", &["short.csv", "no column y"]),
        ("predict run walks.txt", &["walks.txt", ".ts, .csv or .tsv"]),
        ("predict run none.csv", &["none.csv"]),
        ("eval run --data up.csv", &["up.csv", "the label up", "left, right"]),
        ("eval run --data unlabelled.csv", &["unlabelled.csv holds no labels", "elman predict"]),
        ("eval run --data wide.ts", &["wide.ts holds no labels"]),
    ] {
        place.elman(line).refused(1, words);
    }
}

#[test]
fn damaged_models_are_refused() {
    let place = Place::with_classifier();
    let model = RawModel::read(&place.path("run/model.safetensors"));
    let damaged = |change: &dyn Fn(&mut Value)| {
        let (mut model, mut config) = (model.clone(), model.config());
        change(&mut config["job"]);
        model.set_config(&config);
        model.write(&place.path("damaged.safetensors"));
        place.elman("predict damaged.safetensors walks.csv")
    };
    damaged(&|_| {}).succeeded();
    let words = |words| ["damaged.safetensors is damaged", words];
    damaged(&|job| job["classes"] = serde_json::json!(["left"])).refused(1, &words("1 classes"));
    damaged(&|job| job["features"] = serde_json::json!(["x"])).refused(1, &words("1 features"));
    damaged(&|job| job["standardizer"]["mask"] = true.into()).refused(1, &words("reads 2 inputs"));
    damaged(&|job| job["standardizer"]["scalings"][0]["scale"] = 0.into()).refused(1, &words("standard deviation 0"));
    damaged(&|job| job["standardizer"] = Value::Null).refused(1, &words("invalid type"));
}

#[test]
fn bad_tables() {
    let place = Place::with_walks();
    let write = |name: &str, text: &str| place.write(name, text.as_bytes());
    write("no-id.csv", "walk,x,label\na,1,left\n");
    write("cell.csv", "id,x,label\na,1,left\nb,ten,right\n");
    write("infinite.csv", "id,x,label\na,1,left\nb,inf,right\n");
    write("one.csv", "id,x,label\na,1,left\nb,2,left\n");
    write("empty.csv", "");
    write("header.csv", "id,x,label\n");
    write("unlabelled.csv", "id,x\na,1\nb,2\n");
    write("up.csv", "id,x,y,label\na,1,2,up\n");
    write("narrow.csv", "id,x,label\na,1,left\n");
    write("walks.txt", "id,x,label\na,1,left\n");
    write("each.csv", "id,x,label\na,1,left\nb,2,right\n");
    write("nothing.ts", "@dimensions 1\n@classLabel true a b\n@data\n:a\n1,2:b\n");
    for (flags, words) in [
        ("--data no-id.csv", &["no-id.csv", "no column id", "walk, x, label"][..]),
        ("--data walks.csv --features x,z", &["walks.csv", "no column z", "id, time, x, y, label"]),
        ("--data walks.csv --label-column who", &["no column who"]),
        ("--data cell.csv", &["cell.csv", "line 3, column \"x\"", "\"ten\" is not a number"]),
        ("--data infinite.csv", &["infinite.csv", "line 3, column \"x\"", "finite", "\"inf\""]),
        ("--data one.csv", &["one.csv holds 1 class (left), expected at least two"]),
        ("--data empty.csv", &["empty.csv", "empty"]),
        ("--data header.csv", &["header.csv holds no sequences"]),
        ("--data unlabelled.csv", &["unlabelled.csv holds no labels", "column label"]),
        ("--data walks.txt", &["cannot tell the format of walks.txt", ".ts, .csv or .tsv"]),
        ("--data none.csv", &["none.csv", "No such file"]),
        ("--data nothing.ts", &["nothing.ts", "line 4", "found nothing"]),
        ("--data walks.csv --test up.csv", &["up.csv", "the label up", "left, right"]),
        ("--data walks.csv --test narrow.csv", &["narrow.csv", "no column y"]),
        // Each class has one sequence, and that has to be learnt from.
        ("--data each.csv", &["each.csv: no class has two sequences", "--test"]),
        (
            "--data each.csv --test each.csv --validation 0.1",
            &["each.csv: no class has two sequences", "--validation 0"],
        ),
    ] {
        refused(&place, flags, 1, words);
    }
    place.elman("train classify --data each.csv --test each.csv --validation 0 --num-epoch 1 --out run").succeeded();
}

/// Each label its own: the column is not that of labels.
#[test]
fn too_many_classes() {
    let place = Place::new();
    let rows: String = (0..1001).map(|row| format!("a{row},{row},{row}\n")).collect();
    place.write("many.csv", format!("id,x,label\n{rows}").as_bytes());
    refused(&place, "--data many.csv", 1, &["1001 classes (0, 1, 2", "at most 1000", "which column"]);
}

#[test]
fn settings_out_of_range() {
    let place = Place::with_walks();
    for (flags, words) in [
        ("--validation 1", &["--validation is 1", "from 0 to below 1"][..]),
        ("--validation -0.1", &["--validation is -0.1"]),
        ("--validation nan", &["--validation is NaN"]),
        ("--test 0", &["--test is 0", "above 0 and below 1"]),
        ("--test-part 1", &["--test is 1"]),
        ("--validation 0 --early-stopping 3", &["--validation is 0", "--early-stopping"]),
        ("--validation 0 --schedule plateau", &["--validation is 0", "plateau"]),
        (
            "--class-weights 1,2,3",
            &["--class-weights is 1,2,3, 3 numbers", "expected 2, one for each class: left, right"],
        ),
        ("--class-weights -1,2", &["--class-weights is -1,2", "above 0"]),
        ("--class-weights 0,2", &["--class-weights is 0,2", "above 0"]),
        ("--class-weights heavy", &["--class-weights is heavy", "balanced"]),
        ("--batch-size 17", &["--batch-size is 17", "1 to 16"]),
    ] {
        refused(&place, &format!("--data walks.csv {flags}"), 2, words);
    }
    refused(&place, "--test walks.csv", 2, &["test is walks.csv", "the embedded set has its own"]);
    refused(&place, "--features a", 2, &["features is a", ".csv"]);
    place.write("a.ts", b"");
    refused(&place, "--data a.ts --id-column b", 2, &["--id is b", ".csv"]);
}

#[test]
fn the_embedded_speakers_are_learnt_by_default() {
    let place = Place::new();
    let outcome = place.elman("train classify --num-epoch 5 --threads 2 --json --out run");
    outcome.succeeded();
    assert!(outcome.stderr.contains("Japanese Vowels, in the binary: 243 training, 27 validation and 370 test"));
    let accuracy = event(&objects(&outcome.stdout), "test")["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
}
