//! `elman diagnose` on runs of a small set, and on what it must refuse.

use std::fs;

use crate::support::*;
use serde_json::Value;

/// The one object that `--json` prints.
fn object(outcome: &Outcome) -> Value {
    outcome.succeeded();
    let mut all = objects(&outcome.stdout);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["event"], "diagnosis");
    all.remove(0)
}

#[test]
fn a_run_gets_three_tables_and_a_picture() {
    let place = Place::with_run();
    let outcome = place.elman("diagnose run --rows 10");
    let lines = outcome.succeeded();
    assert_eq!(lines[..2], ["rnn 8 → 16 (tanh)", "10 rows of 60, looking back over 8 steps"]);
    for start in ["How far back it learns", "Whether its gates move", "What a step does to the state"] {
        assert_eq!(lines.iter().filter(|line| line.starts_with(start)).count(), 1, "{}", outcome.stdout);
    }
    for (start, count) in [("layer 0 rnn ", 3), ("inputs ", 1)] {
        assert_eq!(lines.iter().filter(|line| line.starts_with(start)).count(), count, "{}", outcome.stdout);
    }
    assert_eq!(outcome.stderr, "The picture is in run/diagnosis.svg.\n");
    let svg = place.text("run/diagnosis.svg");
    for name in ["run", "10 rows, 8 steps back", "Gates of layer 0 rnn"] {
        assert!(svg.contains(&format!("\n{name}\n")), "{name}");
    }

    // The same again: the same bits, elsewhere and in silence.
    let again = place.elman("diagnose run/ --rows 10 --out other.svg --quiet");
    assert_eq!(again.succeeded(), lines);
    assert_eq!((again.stderr.as_str(), place.text("other.svg")), ("", svg));
    assert!(!place.names("").iter().any(|name| name.contains("tmp")));
}

#[test]
fn json_has_every_figure() {
    let place = Place::with_run();
    let found = object(&place.elman("diagnose run --json"));
    // Without --rows, 64 would be more than there are; the default takes what there is.
    assert_eq!((found["rows"].as_u64(), found["steps"].as_u64()), (Some(60), Some(8)));
    assert_eq!(found["picture"], "run/diagnosis.svg");
    let cell = &found["cells"][0];
    assert_eq!((&cell["layer"], &cell["reversed"], &cell["cell"]), (&0.into(), &false.into(), &"rnn".into()));
    let relative: Vec<f64> =
        cell["state"]["relative"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert_eq!((relative.len(), relative[0]), (8, 1.0));
    assert!(relative.iter().all(|x| *x > 0.0));
    assert!(cell["state"]["rate"].as_f64().unwrap() > 0.0 && cell["state"]["flow"].is_string());
    assert_eq!((&cell["h"], &cell["c"]), (&cell["state"], &Value::Null));
    let gate = &cell["gates"][0];
    assert_eq!((&gate["name"], &gate["bound"]), (&"φ".into(), &"tanh".into()));
    assert!(["low", "high", "stuck"].iter().all(|part| (0.0..=1.0).contains(&gate[part].as_f64().unwrap())));
    assert_eq!(cell["gate_samples"], 60 * 8);
    assert_eq!(cell["recurrent"][0]["eigenvalues"].as_array().unwrap().len(), 16);
    assert_eq!((&cell["transition"]["size"], &cell["transition"]["samples"]), (&16.into(), &64.into()));
    assert_eq!(cell["not_computed"], Value::Array(vec![]));
}

#[test]
fn every_kind_of_network_is_diagnosed() {
    let place = Place::with_set();
    for (number, (flags, cells, missing)) in [
        ("--cell lstm --layers 2", 2, 0),
        ("--cell gru --bidirectional", 2, 0),
        ("--cell lstm --projection 5 --peepholes", 1, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let run = format!("run{number}");
        place.elman(&format!("{QUICK} --quiet --num-epoch 1 --out {run} {flags}")).succeeded();
        let found = object(&place.elman(&format!("diagnose {run} --rows 5 --json")));
        let found = found["cells"].as_array().unwrap();
        assert_eq!(found.len(), cells, "{flags}");
        let missed: usize = found.iter().map(|cell| cell["not_computed"].as_array().unwrap().len()).sum();
        assert_eq!(missed, missing, "{flags}");
        let text = place.elman(&format!("diagnose {run} --rows 5"));
        assert_eq!(text.stdout.contains("not computed for layer 0 lstm: the spectrum"), missing > 0, "{}", text.stdout);
        assert_eq!(text.stdout.contains("layer 0 gru, backward"), flags.contains("bidirectional"));
    }
}

#[test]
fn a_part_of_the_steps_and_a_model_file_alone() {
    let place = Place::with_run();
    let whole = object(&place.elman("diagnose run --rows 7 --json"));
    let part = object(&place.elman("diagnose run --rows 7 --steps 3 --json"));
    assert_eq!(part["steps"], 3);
    let curve = |of: &Value| of["cells"][0]["state"]["relative"].as_array().unwrap().clone();
    assert_eq!(curve(&part), curve(&whole)[..3]);
    // More steps than there are is all of them.
    assert_eq!(object(&place.elman("diagnose run --rows 7 --steps 99 --json")), whole);

    // It has no folder for a picture, unless one is named.
    let before = place.names("run");
    let alone = place.elman("diagnose run/model.safetensors --data set --rows 7 --json");
    assert_eq!(object(&alone)["picture"], Value::Null);
    assert_eq!(object(&alone)["cells"], whole["cells"]);
    assert_eq!(place.names("run"), before);
}

#[test]
fn what_is_no_run_is_refused() {
    let place = Place::with_run();
    place.elman("diagnose nowhere").refused(1, &["nowhere does not exist", "expected a run's folder"]);
    place.elman("diagnose set").refused(1, &["set holds no model.safetensors"]);
    place.elman("diagnose").refused(2, &["<RUN>"]);
    let good = place.bytes("run/model.safetensors");
    place.write("cut/model.safetensors", &good[..good.len() / 2]);
    place.elman("diagnose cut --data set").refused(1, &["cannot read cut/model.safetensors", "not a whole"]);

    // A number of the model that is none.
    let mut file = model(&place.path("run/model.safetensors"));
    file.arrays.get_mut("layers.0.recurrent_kernel").unwrap().data[5] = f32::NAN;
    elman::formats::write(&place.path("nan"), &file).unwrap();
    place.elman("diagnose nan --data set").refused(1, &["cannot diagnose nan", "layers.0.recurrent_kernel is NaN"]);
    let mut file = model(&place.path("run/model.safetensors"));
    file.arrays.get_mut("head.bias").unwrap().data[0] = f32::NAN;
    elman::formats::write(&place.path("nan"), &file).unwrap();
    place.elman("diagnose nan --data set").refused(1, &["cannot diagnose nan", "the gradient of the loss of row 0"]);
}

#[test]
fn rows_and_steps_that_there_are_not_are_refused() {
    let place = Place::with_run();
    place.elman("diagnose run --rows 0").refused(2, &["rows is 0", "1 to 60"]);
    place.elman("diagnose run --rows 61").refused(2, &["rows is 61", "1 to 60"]);
    place.elman("diagnose run --rows -1").refused(2, &["-1"]);
    place.elman("diagnose run --rows many").refused(2, &["many"]);
    place.elman("diagnose run --steps 0").refused(2, &["steps is 0", "at least 1"]);
    assert!(!place.names("run").contains(&"diagnosis.svg".into()));

    // Layers in both directions have no part of their steps.
    place.elman(&format!("{QUICK} --quiet --num-epoch 1 --cell gru --bidirectional --out both")).succeeded();
    place.elman("diagnose both --steps 3").refused(2, &["bidirectional", "whole sequences"]);
}

#[test]
fn other_jobs_and_other_data_are_refused() {
    let place = Place::with_run();
    place.write_set("wide", 8, 9);
    place.elman("diagnose run --data wide").refused(1, &["9", "8", "--data"]);
    place.elman("diagnose run --data nowhere").refused(1, &["nowhere"]);
    place.elman("diagnose run --out nowhere/x.svg").refused(1, &["cannot write nowhere/x.svg"]);
    // Labels that the model has no class for.
    place.write_set("more", SIDE, SIDE);
    for (name, count) in [(TRAIN_LABELS, TRAINING), (TEST_LABELS, TEST)] {
        let labels: Vec<u8> = (0..count).map(|index| (index % 4) as u8).collect();
        place.write(&format!("more/{name}"), &idx(&[count], &labels));
    }
    let more = place.elman("diagnose run --data more");
    more.refused(1, &["label 3", "classes 0 to 2"]);

    let config = place.text("run/config.toml");
    for (job, words) in [
        ("job = \"chess\"", &["run", "job \"chess\"", "does not know"][..]),
        ("job = 3", &["cannot read run/config.toml"]),
        ("", &["run/config.toml names no job"]),
        ("job = ", &["cannot read run/config.toml"]),
    ] {
        fs::write(place.path("run/config.toml"), config.replace("job = \"mnist\"", job)).unwrap();
        place.elman("diagnose run").refused(1, words);
    }

    // A head that predicts what follows, on data with classes.
    let mut quantiles = RawModel::read(&place.path("run/model.safetensors"));
    let mut config = quantiles.config();
    config["head"] = serde_json::json!({"quantiles": {"levels": [0.1, 0.5, 0.9], "horizon": 1}});
    quantiles.set_config(&config);
    quantiles.write(&place.path("quantiles"));
    place.elman("diagnose quantiles --data set").refused(1, &["what follows each row", "[0]", "[1]"]);
}

/// The loss of a network that echoes hangs most on the bit that it has to repeat.
#[test]
fn an_echo_is_followed_back_to_the_bit_it_repeats() {
    let place = Place::new();
    let line = "train echo --series-length 8000 --num-epoch 60 --threads 2 --quiet --out run";
    place.elman(line).succeeded();
    let found = object(&place.elman("diagnose run --json"));
    let relative = found["inputs"]["relative"].as_array().unwrap();
    let largest =
        (0..relative.len()).max_by(|&a, &b| relative[a].as_f64().unwrap().total_cmp(&relative[b].as_f64().unwrap()));
    assert_eq!((relative.len(), largest), (64, Some(3)), "{relative:?}");
    place.elman("diagnose run --data run").refused(1, &["without --data"]);
}

/// Runs of every job are followed on what they are tested on.
#[test]
fn every_job_is_diagnosed() {
    let place = Place::new();
    let text: String =
        (0..12_000).map(|at| if at % 7 == 0 { '\n' } else { char::from(b'a' + (at % 1000 * at % 5) as u8) }).collect();
    place.write("book.txt", text.as_bytes());
    let mut table = String::from("month,value\n");
    for at in 0..180 {
        table += &format!("{}-{:02},{}\n", 2000 + at / 12, at % 12 + 1, (at % 12) * (at % 7));
    }
    place.write("table.csv", table.as_bytes());
    let mut walks = String::from("id,time,x,label\n");
    for at in 0..240 {
        walks += &format!("{},{},{},{}\n", at / 6, at % 6, (at * 7) % 11, ["in", "out"][at / 6 % 2]);
    }
    place.write("walks.csv", walks.as_bytes());
    for (job, flags, layers) in [
        ("text", "--data book.txt --batch-size 4 --sequence-length 10", 2),
        ("series", "--data table.csv --target value --horizon 6 --context 24", 1),
        ("classify", "--data walks.csv", 1),
    ] {
        let line = format!("train {job} {flags} --hidden-size 6 --num-epoch 1 --threads 2 --quiet --out {job}");
        place.elman(&line).succeeded();
        let found = object(&place.elman(&format!("diagnose {job} --rows 5 --json")));
        assert_eq!(found["rows"], 5, "{job}");
        let cells = found["cells"].as_array().unwrap();
        assert!(cells.len() >= layers, "{job}: {cells:?}");
        assert!(place.names(job).contains(&"diagnosis.svg".to_owned()), "{job}");
        let relative = found["inputs"]["relative"].as_array().unwrap();
        assert!(relative.len() > 1 && relative.iter().all(|x| x.as_f64().is_some_and(f64::is_finite)), "{job}");
    }
}
