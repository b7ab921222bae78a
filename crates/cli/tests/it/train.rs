//! `elman train mnist` on a small set: what it prints, and what it leaves behind.

use std::path::Path;
use std::process::Stdio;

use crate::support::*;
use elman::formats::Array;

/// Batches of 50 in an epoch of the small set.
const BATCHES: u64 = (TRAINED_ON / 50) as u64;

#[test]
fn standard_output_has_the_tutorials_lines_and_nothing_else() {
    let place = Place::with_set();
    let outcome = place.elman(&format!("{QUICK} --num-epoch 12 --out run"));
    let lines = outcome.succeeded();
    assert_eq!(lines.len(), 13, "{lines:?}");
    for (index, line) in lines[..12].iter().enumerate() {
        let rest = line.strip_prefix(&format!("Epoch: {}, ", index + 1)).unwrap_or_else(|| panic!("{line}"));
        // The tutorial's part of the line, and behind it validation.
        let expected = "Train Loss: 9.999, Train Acc: 9.999, Validation Loss: 9.999, Validation Acc: 9.999";
        assert_eq!(form(rest), expected);
    }
    assert_eq!(form(lines[12]), "Test Loss: 9.999, Test Acc: 9.999");
    let accuracy: f64 = lines[12].rsplit(' ').next().unwrap().parse().unwrap();
    assert!(accuracy > 0.9, "it did not learn: {lines:?}");

    // Remarks go to standard error: what is trained on what, with how much memory, where to.
    for word in [
        "550 training, 50 validation and 60 test images of 8×8",
        "rnn 8 → 16 (tanh), 3 classes",
        "2 threads",
        "run: run",
    ] {
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains('\u{1b}'), "colours without a terminal: {}", outcome.stderr);
}

#[test]
fn quiet_says_nothing_beside_the_results() {
    let place = Place::with_set();
    for flag in ["--quiet", "-q"] {
        let outcome = place.elman(&format!("{QUICK} --num-epoch 1 {flag}"));
        assert_eq!(outcome.succeeded().len(), 2);
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn a_run_has_its_files() {
    let place = Place::with_set();
    place.elman(&format!("{QUICK} --num-epoch 3 --batch-per-log 4 --out run")).succeeded();
    let names = place.names("run");
    assert_eq!(names.len(), 6, "{names:?}");
    assert_eq!((&*names[0], &*names[1]), ("config.toml", "curves.svg"));
    assert!(names[2].starts_with("events.out.tfevents."), "{names:?}");
    assert_eq!(names[3..], ["metrics.csv", "model.safetensors", "test.json"]);
    // What the test gave, as with --json.
    let test: serde_json::Value = serde_json::from_str(&place.text("run/test.json")).unwrap();
    let again = place.elman("eval run --json");
    again.succeeded();
    assert_eq!(objects(&again.stdout), [test]);
    // The first record is the version; its length stands before it.
    let events = place.bytes(&format!("run/{}", names[2]));
    assert!(events.len() > 1000 && events.windows(13).any(|part| part == b"brain.Event:2"));
}

#[test]
fn the_configuration_has_every_setting_also_the_defaults() {
    let place = Place::with_set();
    place.elman("train mnist --data set --num-epoch 1 --threads 1 --out run").succeeded();
    let found: toml::Table = place.text("run/config.toml").parse().unwrap();
    let mut expected: toml::Table = r#"
        job = "mnist"
        cell = "rnn"
        activation = "tanh"
        hidden_size = 128
        init = "tf"
        learning_rate = 0.001
        batch_size = 128
        micro_batch = 0
        num_epoch = 1
        seed = 111
        batch_per_log = 10
        threads = 1
        truncate = 0
        checkpoint_steps = 0
        checkpoint_minutes = 5.0
        keep_checkpoints = 2
        ensemble = 1
        layers = 1
        residual = false
        dropout = 0.0
        reset = "after"
        peepholes = false
        coupled = false
        layer_norm = false
        recurrent_dropout = 0.0
        candidate_dropout = 0.0
        zoneout = 0.0
        memory_zoneout = 0.0
        optimizer = "adam"
        beta1 = 0.9
        beta2 = 0.999
        epsilon = 1e-8
        weight_decay = 0.0
        schedule = "constant"
        warmup = 0
    "#
    .parse()
    .unwrap();
    // Absolute: the run can be evaluated from anywhere.
    let set = place.path("set").canonicalize().unwrap();
    let written = found["data"].as_str().unwrap().to_owned();
    assert_eq!(Path::new(&written).canonicalize().unwrap(), set);
    assert!(Path::new(&written).is_absolute(), "{written}");
    expected.insert("data".into(), written.into());
    assert_eq!(found, expected);
}

#[test]
fn the_model_has_its_arrays_by_name() {
    let place = Place::with_run();
    let file = model(&place.path("run/model.safetensors"));
    let shapes: Vec<_> = file.arrays.iter().map(|(name, Array { shape, .. })| (name.as_str(), &shape[..])).collect();
    let expected: [(&str, &[usize]); 5] = [
        ("head.bias", &[3]),
        ("head.kernel", &[16, 3]),
        ("layers.0.bias", &[16]),
        ("layers.0.kernel", &[8, 16]),
        ("layers.0.recurrent_kernel", &[16, 16]),
    ];
    assert_eq!(shapes, expected);
    assert_finite(&place.path("run/model.safetensors"));
}

/// The rows of `metrics.csv`, each field by its column's name.
fn metrics(place: &Place, run: &str) -> Vec<std::collections::HashMap<String, String>> {
    csv::Reader::from_path(place.path(run).join("metrics.csv")).unwrap().deserialize().map(Result::unwrap).collect()
}

#[test]
fn metrics_have_a_row_at_each_report_and_each_epochs_end() {
    let place = Place::with_set();
    let outcome = place.elman(&format!("{QUICK} --num-epoch 3 --batch-per-log 4 --out run"));
    let lines = outcome.succeeded();
    let rows = metrics(&place, "run");
    let steps: Vec<u64> = rows.iter().map(|row| row["step"].parse().unwrap()).collect();
    let expected: Vec<u64> =
        (1..=3 * BATCHES).filter(|step| step.is_multiple_of(4) || step.is_multiple_of(BATCHES)).collect();
    assert_eq!(steps, expected);
    for row in &rows {
        let step: u64 = row["step"].parse().unwrap();
        assert_eq!(row["epoch"], step.div_ceil(BATCHES).to_string());
        assert_eq!(row["learning_rate"], "0.01");
        for column in ["loss", "accuracy", "grad_norm", "seconds"] {
            let value: f64 = row[column].parse().unwrap();
            assert!(value.is_finite() && value >= 0.0, "{column} of step {step} is {value}");
        }
        for column in ["validation_loss", "validation_accuracy"] {
            assert_eq!(row[column].is_empty(), !step.is_multiple_of(BATCHES), "{column} of step {step}");
        }
    }
    // An epoch's line says what its last row says.
    let ends: Vec<_> = rows.iter().filter(|row| !row["validation_loss"].is_empty()).collect();
    for (line, row) in lines.iter().zip(ends) {
        let columns = ["loss", "accuracy", "validation_loss", "validation_accuracy"];
        let [loss, accuracy, of, right] = columns.map(|column| row[column].parse::<f64>().unwrap());
        let train = format!("Epoch: {}, Train Loss: {loss:.3}, Train Acc: {accuracy:.3}", row["epoch"]);
        assert_eq!(*line, format!("{train}, Validation Loss: {of:.3}, Validation Acc: {right:.3}"));
    }
}

#[test]
fn the_picture_is_well_formed_and_labelled() {
    let place = Place::with_run();
    let svg = place.text("run/curves.svg");
    let text = xml_text(&svg);
    for label in ["run", "step", "loss", "accuracy", "training", "validation"] {
        assert!(text.iter().any(|found| found.contains(label)), "no {label:?} among {text:?}");
    }
}

/// The text between the tags of an XML document without declarations; panics if its tags do not match, an attribute is
/// not quoted, or a bare `&` or `<` is left.
fn xml_text(xml: &str) -> Vec<String> {
    let (mut open, mut text, mut rest) = (Vec::new(), Vec::new(), xml);
    while let Some((before, after)) = rest.split_once('<') {
        for reference in before.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;", "apos;", "#"].iter().any(|r| reference.starts_with(r)), "{before}");
        }
        assert!(!open.is_empty() || before.trim().is_empty(), "text outside the root: {before}");
        text.extend(Some(before.trim().to_owned()).filter(|text| !text.is_empty()));
        let (tag, after) = after.split_once('>').expect("a tag that does not end");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name.trim())),
            None => {
                let quotes: Vec<_> = tag.split('"').collect();
                assert_eq!(quotes.len() % 2, 1, "{tag}");
                // Before each quoted value stands ` name=`.
                for name in quotes.iter().step_by(2).take(quotes.len() / 2) {
                    assert!(name.ends_with('='), "{tag}");
                }
                if !tag.ends_with('/') {
                    open.push(tag.split_whitespace().next().unwrap());
                }
            }
        }
        rest = after;
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest:?}");
    text
}

#[test]
fn runs_are_numbered() {
    let place = Place::with_set();
    for number in 1..=2 {
        let outcome = place.elman(&format!("{QUICK} --num-epoch 1"));
        outcome.succeeded();
        assert!(outcome.stderr.contains(&format!("mnist-rnn-{number}")), "{}", outcome.stderr);
    }
    assert_eq!(place.names("runs"), ["mnist-rnn-1", "mnist-rnn-2"]);
    // A number that was given away is not given again while its folder is there.
    std::fs::remove_dir_all(place.path("runs/mnist-rnn-1")).unwrap();
    place.elman(&format!("{QUICK} --num-epoch 1")).succeeded();
    assert_eq!(place.names("runs"), ["mnist-rnn-1", "mnist-rnn-2"]);
}

#[test]
fn out_names_the_folder_and_its_parents_are_made() {
    let place = Place::with_set();
    place.elman(&format!("{QUICK} --num-epoch 1 --out some/where/Größe-学")).succeeded();
    assert_eq!(place.names("some/where/Größe-学").len(), 6);
    assert!(!place.path("runs").exists());
    assert!(place.text("some/where/Größe-学/curves.svg").contains("Größe-学"));
    // An empty folder that is there will do.
    std::fs::create_dir(place.path("empty")).unwrap();
    place.elman(&format!("{QUICK} --num-epoch 1 --out empty")).succeeded();
    assert_eq!(place.names("empty").len(), 6);
}

#[test]
fn json_is_an_object_a_line_with_what_the_text_says() {
    let place = Place::with_set();
    let outcome = place.elman(&format!("{QUICK} --num-epoch 2 --json --out json"));
    outcome.succeeded();
    let all = objects(&outcome.stdout);
    assert_eq!(all[0], serde_json::json!({"event": "run", "folder": "json"}), "where the run is");
    let objects = &all[1..];
    assert_eq!(objects.iter().map(|o| o["event"].as_str().unwrap()).collect::<Vec<_>>(), ["epoch", "epoch", "test"]);
    let text = place.elman(&format!("{QUICK} --num-epoch 2 --out text"));
    let lines = text.succeeded();
    let number = |object: &serde_json::Value, key: &str| object[key].as_f64().unwrap_or_else(|| panic!("{key}"));
    for (index, epoch) in objects[..2].iter().enumerate() {
        assert_eq!((&epoch["epoch"], &epoch["step"]), (&(index + 1).into(), &((index as u64 + 1) * BATCHES).into()));
        let (loss, accuracy) = (number(epoch, "train_loss"), number(epoch, "train_accuracy"));
        let start = format!("Epoch: {}, Train Loss: {loss:.3}, Train Acc: {accuracy:.3}, Validation Loss: ", index + 1);
        assert!(lines[index].starts_with(&start), "{}", lines[index]);
        for key in ["validation_loss", "validation_accuracy", "seconds"] {
            assert!(number(epoch, key) >= 0.0);
        }
    }
    let (loss, accuracy) = (number(&objects[2], "loss"), number(&objects[2], "accuracy"));
    assert_eq!(lines[2], format!("Test Loss: {loss:.3}, Test Acc: {accuracy:.3}"));
    assert_eq!(objects[2]["rows"], TEST);
    assert_eq!(accuracy, number(&objects[2], "correct") / TEST as f64);
}

#[test]
fn flags_have_two_spellings() {
    let place = Place::with_set();
    let line = "train mnist --data set --quiet --threads 1";
    let flags = "--hidden-size 20 --learning-rate 0.02 --batch-size=37 --num-epoch 1 --seed 5 --batch-per-log 3";
    place.elman(&format!("{line} {flags} --out dashes")).succeeded();
    place.elman(&format!("{line} {} --out under_scores", flags.replace('-', "_").replace("__", "--"))).succeeded();
    assert!(place.path("under_scores").is_dir(), "a value was taken for a flag");
    for file in ["model.safetensors", "config.toml"] {
        assert_eq!(place.bytes(&format!("dashes/{file}")), place.bytes(&format!("under_scores/{file}")), "{file}");
    }
}

#[test]
fn a_runs_configuration_repeats_it_and_flags_go_before_it() {
    let place = Place::with_set();
    let flags = "--activation relu --init keras --seed 9 --batch-per-log 7 --num-epoch 2";
    place.elman(&format!("{QUICK} {flags} --out first")).succeeded();
    place.elman("train mnist --config first/config.toml --out again").succeeded();
    for file in ["model.safetensors", "config.toml"] {
        assert_eq!(place.bytes(&format!("first/{file}")), place.bytes(&format!("again/{file}")), "{file}");
    }
    let lines = place.elman("train mnist --config first/config.toml --num-epoch 1 --seed 10 --init tf --out other");
    assert_eq!(lines.succeeded().len(), 2);
    let config: toml::Table = place.text("other/config.toml").parse().unwrap();
    let mut expected: toml::Table = place.text("first/config.toml").parse().unwrap();
    expected.insert("num_epoch".into(), 1.into());
    expected.insert("seed".into(), 10.into());
    expected.insert("init".into(), "tf".into());
    assert_eq!(config, expected);
}

#[test]
fn a_configuration_may_name_a_few_settings() {
    let place = Place::with_set();
    place.write("few.toml", b"# A comment.\ndata = \"set\"\nhidden_size = 5\nnum_epoch = 1\n");
    place.elman("train mnist --config few.toml --out run").succeeded();
    let config: toml::Table = place.text("run/config.toml").parse().unwrap();
    assert_eq!((&config["hidden_size"], &config["batch_size"]), (&5.into(), &128.into()));
}

#[test]
fn odd_sizes_train() {
    let place = Place::with_set();
    // Rows and columns differ; one row a batch; all rows in one batch; one float of state.
    place.write_set("oblong", 5, 11);
    let sizes = [
        "--data oblong --hidden-size 7 --batch-size 33",
        "--hidden-size 1 --batch-size 128",
        "--hidden-size 9 --batch-size 550",
        "--hidden-size 17 --batch-size 549 --batch-per-log 1000",
        "--hidden-size 3 --batch-size 1 --batch-per-log 100",
    ];
    for (number, sizes) in sizes.iter().enumerate() {
        // The last of two equal flags would be refused, so QUICK's are not there.
        let data = if sizes.contains("--data") { "" } else { "--data set" };
        let out = format!("run-{number}");
        let outcome = place.elman(&format!("train mnist {data} {sizes} --num-epoch 1 --threads 2 --out {out}"));
        assert_eq!(outcome.succeeded().len(), 2, "{sizes}");
        assert_finite(&place.path(&format!("{out}/model.safetensors")));
        assert!(!metrics(&place, &out).is_empty());
    }
}

#[test]
fn gzipped_files_and_other_names_are_the_same_set() {
    let place = Place::with_set();
    let names = [
        (TRAIN_IMAGES, "emnist-train-images-idx3-ubyte.gz"),
        (TRAIN_LABELS, "train-labels.idx1-ubyte"),
        (TEST_IMAGES, "test-images-idx3-ubyte"),
        (TEST_LABELS, "x-test-labels.idx1-ubyte.gz"),
    ];
    for (name, other) in names {
        let bytes = place.bytes(&format!("set/{name}"));
        place.write(&format!("other/{other}"), &if other.ends_with(".gz") { gzip(&bytes) } else { bytes });
    }
    place.write("other/README.md", b"Ignored.");
    place.elman(&format!("{QUICK} --num-epoch 1 --out one")).succeeded();
    place.elman(&format!("{} --num-epoch 1 --out two", QUICK.replace("--data set", "--data other"))).succeeded();
    assert_eq!(place.bytes("one/model.safetensors"), place.bytes("two/model.safetensors"));
}

#[test]
fn two_runs_at_once_take_two_folders() {
    let place = Place::with_set();
    let start = || place.command(&format!("{QUICK} --quiet --num-epoch 1")).stdout(Stdio::null()).spawn().unwrap();
    let children: Vec<_> = (0..3).map(|_| start()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(place.names("runs"), ["mnist-rnn-1", "mnist-rnn-2", "mnist-rnn-3"]);
    for run in place.names("runs") {
        assert_eq!(place.names(&format!("runs/{run}")).len(), 6);
    }
}

#[test]
fn of_runs_that_want_one_folder_at_once_one_gets_it() {
    let place = Place::with_set();
    let start = || {
        let mut command = place.command(&format!("{QUICK} --quiet --num-epoch 3 --out run"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    let outcomes: Vec<_> = children.into_iter().map(|child| Outcome::from(child.wait_with_output().unwrap())).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.code == Some(0)).count(), 1);
    for outcome in outcomes.iter().filter(|outcome| outcome.code != Some(0)) {
        outcome.refused(1, &["run already holds a run"]);
    }
    assert_eq!(place.names("run").len(), 6, "{:?}", place.names("run"));
}

#[test]
fn every_cell_trains_and_its_model_comes_back() {
    let place = Place::with_set();
    for (index, flags) in [
        "--cell lstm",
        "--cell gru --reset before",
        "--cell lstm --layers 2 --dropout 0.2 --peepholes --projection 4 --zoneout 0.1",
        "--cell gru --bidirectional --layer-norm --recurrent-dropout 0.1",
        "--cell lstm --bidirectional=sum --layers 2 --residual --candidate-dropout 0.1 --coupled",
        "--cell rnn --activation relu --layers 3 --residual --truncate 4",
    ]
    .into_iter()
    .enumerate()
    {
        let train = format!("{QUICK} --num-epoch 1 {flags} --out run{index}");
        let trained = place.elman(&train);
        let lines = trained.succeeded();
        // Settings come back from the run's file, and give the same bits on another number of threads.
        place.elman(&format!("train mnist --config run{index}/config.toml --threads 3 --out again{index}")).succeeded();
        let model = |run: &str| place.bytes(&format!("{run}{index}/model.safetensors"));
        assert_eq!(model("run"), model("again"), "{flags}");
        let eval = place.elman(&format!("eval run{index} --data set"));
        assert_eq!(eval.succeeded().last(), lines.last(), "{flags}");
        place.elman(&format!("inspect run{index}")).succeeded();
    }
}

#[test]
fn a_memory_budget_changes_no_bit() {
    let place = Place::with_set();
    let train = |out: &str, flags: &str| {
        // Tiles of 32 rows: their parts may have 4 of the 8 steps.
        let line = "train mnist --data set --batch-size 128 --hidden-size 16 --num-epoch 1 --threads 1 --cell lstm";
        place.elman(&format!("{line} {flags} --out {out}"))
    };
    train("free", "").succeeded();
    // What a budget of nothing would need tells the least there is.
    let refused = train("none", "--memory-budget 1kB");
    refused.refused(2, &["--memory-budget is 1000 bytes", "at least", "the workspaces of the threads (1)"]);
    assert!(!place.path("none").exists());
    let (_, rest) = refused.stderr.split_once("at least ").unwrap();
    let least = rest.split(' ').next().unwrap().parse::<usize>().unwrap();
    let tight = train("tight", &format!("--memory-budget {least}"));
    tight.succeeded();
    assert!(tight.stderr.contains("in parts of 4 steps"), "{}", tight.stderr);
    assert_eq!(place.bytes("tight/model.safetensors"), place.bytes("free/model.safetensors"));
    // A layer that reads rows from their ends needs them whole.
    train("both", &format!("--bidirectional --memory-budget {least}"))
        .refused(2, &["--memory-budget", "bidirectional"]);
    train("words", "--memory-budget plenty").refused(2, &["--memory-budget is \"plenty\"", "500MB"]);
}
