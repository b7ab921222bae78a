//! `elman inspect` and `elman bench`.

use crate::support::*;
use serde_json::Value;

/// 8·16 + 16·16 + 16 of the cell, 16·3 + 3 of the head.
const PARAMETERS: usize = 451;

#[test]
fn inspect_tells_what_is_in_a_run() {
    let place = Place::with_run();
    let outcome = place.elman("inspect run");
    let lines = outcome.succeeded();
    assert_eq!(lines[0], format!("rnn 8 → 16 (tanh), 3 classes, {PARAMETERS} parameters"));
    for line in ["layers.0.kernel", "layers.0.recurrent_kernel", "layers.0.bias", "head.kernel", "head.bias"] {
        assert_eq!(lines.iter().filter(|found| found.starts_with(line)).count(), 1, "{line}");
    }
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    assert!(has("memory, parameters: 1.8 kB") && has("memory, training"), "{}", outcome.stdout);
    assert!(has("step 22, epoch 2: loss ") && has("validation loss "), "{}", outcome.stdout);
    // The configuration as it is in its file.
    assert!(outcome.stdout.contains(&place.text("run/config.toml")), "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn inspect_reads_a_model_file_alone() {
    let place = Place::with_run();
    place.write("alone/model", &place.bytes("run/model.safetensors"));
    let outcome = place.elman("inspect alone/model");
    let lines = outcome.succeeded();
    assert!(lines[0].starts_with("rnn 8 → 16 (tanh)") && !outcome.stdout.contains("step"), "{}", outcome.stdout);
}

#[test]
fn inspect_as_json() {
    let place = Place::with_run();
    let outcome = place.elman("inspect run --json");
    outcome.succeeded();
    let [object] = &objects(&outcome.stdout)[..] else { panic!("{}", outcome.stdout) };
    assert_eq!(object["parameters"], PARAMETERS);
    assert_eq!(object["model"]["version"], 1);
    assert_eq!(object["model"]["head"]["classes"], CLASSES);
    assert_eq!(object["model"]["steps"], SIDE);
    assert_eq!(object["model"]["layers"][0]["hidden"], 16);
    assert_eq!(object["arrays"]["layers.0.kernel"]["shape"], serde_json::json!([8, 16]));
    for (name, array) in object["arrays"].as_object().unwrap() {
        let [min, mean, max, rms] = ["min", "mean", "max", "rms"].map(|key| array[key].as_f64().unwrap());
        assert!(min <= mean && mean <= max && rms >= mean.abs() && rms <= min.abs().max(max.abs()), "{name}");
    }
    assert_eq!(object["config"], place.text("run/config.toml"));
    assert_eq!(object["last_row"]["step"], 22);
    assert!(object["memory"].as_array().unwrap().iter().all(|part| part["bytes"].as_u64().unwrap() > 0));

    let alone = place.elman("inspect run/model.safetensors --json");
    alone.succeeded();
    let alone = &objects(&alone.stdout)[0];
    assert_eq!((&alone["config"], &alone["last_row"]), (&Value::Null, &Value::Null));
    assert_eq!(alone["arrays"], object["arrays"]);
}

#[test]
fn bench_prints_one_object_with_these_keys() {
    let place = Place::new();
    let outcome = place.elman("bench --batch 3 --steps 2 --input 3 --hidden 5 --threads 2 --rounds 2 --json");
    outcome.succeeded();
    let [object] = &objects(&outcome.stdout)[..] else { panic!("{}", outcome.stdout) };
    let keys = "cell,batch,steps,input,hidden,threads,network,lengths,isa,arithmetic,train_step_ms,element_ns,train_gflops,\
                peak_gflops,share_of_peak,share_of_peak_best,infer_sequences_per_second,stream_step_us,\
                stream_step_p99_us";
    // As they stand in the line: the order is for people.
    let mut places: Vec<_> = keys.split(',').map(|key| outcome.stdout.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted());
    places.dedup();
    assert_eq!(object.as_object().unwrap().len(), places.len(), "{object}");
    for (key, expected) in [("batch", 3), ("steps", 2), ("input", 3), ("hidden", 5), ("threads", 2)] {
        assert_eq!(object[key], expected, "{key}");
    }
    assert_eq!(object["cell"], "rnn");
    assert!(!object["isa"].as_str().unwrap().is_empty());
    for key in keys.split(',').skip(10) {
        let value = object[key].as_f64().unwrap_or_else(|| panic!("{key} is {}", object[key]));
        assert!(value.is_finite() && value > 0.0, "{key} is {value}");
    }
    assert_eq!(outcome.stderr, "");
    assert!(place.names("").is_empty());
}

#[test]
fn bench_speaks_to_people_too() {
    let place = Place::new();
    let outcome = place.elman("bench --batch 1 --steps 1 --input 1 --hidden 1 --threads 1 --rounds 1");
    let lines = outcome.succeeded();
    assert!(lines[0].starts_with("rnn 1 → 1 (tanh); batch 1, 1 steps (full); 1 thread"), "{}", lines[0]);
    for (line, start) in lines[1..].iter().zip(["training step ", "peak ", "inference ", "streaming step "]) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(lines.len(), 5);
}

#[test]
fn bench_measures_what_vanishes_when_asked() {
    let place = Place::new();
    let line = "bench --batch 1 --steps 900 --input 1 --hidden 2 --threads 1 --rounds 1 --vanishing";
    let outcome = place.elman(line);
    let lines = outcome.succeeded();
    assert!(lines.len() == 6 && lines[5].starts_with("vanishing step ") && lines[5].ends_with("of the training step"));
    for flags in ["", "--cell lstm --bidirectional", "--cell gru --layers 2 --lengths even"] {
        let outcome = place.elman(&format!("{line} --json {flags}"));
        outcome.succeeded();
        let [object] = &objects(&outcome.stdout)[..] else { panic!("{}", outcome.stdout) };
        for key in ["vanishing_step_ms", "vanishing_ratio"] {
            assert!(object[key].as_f64().unwrap() > 0.0, "{flags}: {key}");
        }
    }
    place.elman(&format!("{line} --sweep")).refused(2, &["--vanishing", "--sweep"]);
}

#[test]
fn bench_covers_every_cell_and_option() {
    let place = Place::new();
    for flags in [
        "--cell lstm",
        "--cell lstm --peepholes --projection 3 --cell-clip 1 --projection-clip 1",
        "--cell lstm --coupled --candidate-dropout 0.1",
        "--cell lstm --layer-norm --zoneout 0.1 --memory-zoneout 0.1",
        "--cell gru --reset before",
        "--cell gru --reset after --layer-norm --recurrent-dropout 0.2",
        "--cell rnn --activation relu --zoneout 0.1",
        "--cell lstm --activation relu --recurrent-activation hard_sigmoid",
        "--cell gru --activation linear --recurrent-activation hard_sigmoid_keras2 --reset before",
        "--cell rnn --activation sigmoid",
        "--cell gru --layers 3 --residual --dropout 0.1",
        "--cell lstm --layers 2 --bidirectional",
        "--cell rnn --bidirectional=sum --lengths even",
    ] {
        let outcome = place
            .elman(&format!("bench --batch 3 --steps 4 --input 3 --hidden 5 --threads 2 --rounds 1 --json {flags}"));
        outcome.succeeded();
        let [object] = &objects(&outcome.stdout)[..] else { panic!("{}", outcome.stdout) };
        assert!(object["train_step_ms"].as_f64().unwrap() > 0.0, "{flags}");
        // A network in both directions has no stream.
        for key in ["stream_step_us", "stream_step_p99_us"] {
            assert_eq!(object[key].is_null(), flags.contains("bidirectional"), "{flags}: {key}");
        }
        assert!(object["infer_sequences_per_second"].as_f64().unwrap() > 0.0, "{flags}");
    }
}

#[test]
fn bench_runs_on_the_instruction_set_that_is_named() {
    let place = Place::new();
    let line = "bench --batch 2 --steps 2 --input 2 --hidden 2 --threads 1 --rounds 1 --json";
    let outcome = Outcome::of(place.command(line).env("ELMAN_ISA", "portable"));
    outcome.succeeded();
    assert_eq!(objects(&outcome.stdout)[0]["isa"], "portable");
}

#[test]
fn bench_refuses_sizes_that_cannot_be() {
    let place = Place::new();
    for (flags, words) in [
        ("--batch 0", ["--batch is 0", "at least 1"]),
        ("--steps 0", ["--steps is 0", "at least 1"]),
        ("--rounds 0", ["--rounds is 0", "at least 1"]),
        ("--input 0", ["input", "is 0"]),
        ("--hidden 0", ["hidden", "is 0"]),
        ("--hidden 1000000000", ["hidden", "is 1000000000"]),
        ("--threads 0", ["--threads is 0", "1 to "]),
        ("--cell gru9", ["gru9", "rnn, lstm, gru, indrnn"]),
        ("--cell gru --peepholes", ["--peepholes is not computed for gru", "option of lstm"]),
        ("--cell lstm --projection 0", ["--projection is 0", "1 to "]),
        ("--cell rnn --layer-norm", ["--layer-norm is not computed for rnn", "lstm and gru"]),
        ("--dropout 0.5", ["--dropout is not computed", "last"]),
        ("--layers 2 --dropout 1", ["--dropout is 1", "below 1"]),
        ("--zoneout -0.1", ["--zoneout is -0.1", "at least 0"]),
        ("--layers 0", ["--layers is 0", "1 to 64"]),
        ("--residual", ["layers is 1", "2 or more"]),
    ] {
        place.elman(&format!("bench {flags}")).refused(2, &words);
    }
}

#[test]
fn bench_refuses_sizes_that_no_memory_holds() {
    let place = Place::new();
    for flags in ["--batch 100000000000", "--steps 10000000000000000", "--batch 1000000 --steps 1000000"] {
        let outcome = place.elman(&format!("bench --rounds 1 --threads 1 {flags}"));
        let code = outcome.code.expect("it was ended by a signal");
        assert!([1, 2].contains(&code), "{code}");
        outcome.refused(code, &[]);
    }
}
