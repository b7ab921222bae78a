//! `--folds` and `--repeat`: several runs of one job, and what came out of them.

use std::fs;

use serde_json::Value;

use crate::support::jobs::{assert_same, place};
use crate::support::*;

const CLASSIFY: &str = "train classify --data walks.csv --hidden-size 5 --num-epoch 4 --batch-size 6 --threads 1";
const SERIES: &str = "train series --data a.csv --target y --horizon 3 --context 8 --season 6 --hidden-size 4 \
                      --batch-size 8 --num-epoch 2 --threads 1";

fn json(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.text(name)).unwrap()
}

/// Mean and sample deviation, plainly.
fn spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (values.len() - 1) as f64).sqrt())
}

#[test]
fn folds_are_runs_and_their_figures_have_a_mean() {
    let place = place();
    let trained = place.elman(&format!("{CLASSIFY} --folds 3 --out cv"));
    let lines = trained.succeeded();
    assert!(lines[0].starts_with("run") && lines[0].ends_with("test acc"), "{lines:?}");
    assert!(lines[1].starts_with("fold-1 ") && lines[3].starts_with("fold-3 ") && lines[4].starts_with("mean "));
    assert!(lines.last().unwrap().contains("standard deviation over the folds"), "{lines:?}");

    // Every row is tested once, and each fold is a run that can be made again.
    let accuracies: Vec<f64> = (1..=3)
        .map(|fold| {
            let test = json(&place, &format!("cv/fold-{fold}/test.json"));
            assert_eq!(test["rows"], 8);
            test["accuracy"].as_f64().unwrap()
        })
        .collect();
    let all = json(&place, "cv/test.json");
    let (mean, deviation) = spread(&accuracies);
    let of = &all["figures"]["test acc"];
    assert!((of["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{of}");
    assert!((of["deviation"].as_f64().unwrap() - deviation).abs() < 1e-12, "{of}");
    assert_eq!((&all["folds"], &all["seeds"]), (&3.into(), &serde_json::json!([111])));
    place.elman(&format!("{CLASSIFY} --folds 3 --fold 2 --out alone/fold-2")).succeeded();
    assert_same(&place, "cv/fold-2", "alone/fold-2", "a fold alone");
    place.elman("train classify --config cv/fold-2/config.toml --out again/fold-2").succeeded();
    assert_same(&place, "cv/fold-2", "again/fold-2", "a fold by its configuration");
    let evaluated = place.elman("eval cv/fold-2 --json");
    evaluated.succeeded();
    let last: Value = serde_json::from_str(evaluated.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last, json(&place, "cv/fold-2/test.json"));

    let csv = place.text("cv/several.csv");
    assert!(csv.starts_with("run,seed,fold,test_loss,test_acc\nfold-1,111,1,"), "{csv}");
    assert_eq!(csv.lines().count(), 4);
    let compared = place.elman("compare cv cv/fold-1");
    compared.succeeded();
    assert!(compared.stdout.contains(" ± "), "{}", compared.stdout);

    // No model claims to be the one.
    assert!(!place.path("cv/model.safetensors").exists());
    place.elman("eval cv").refused(1, &["cv holds several runs and no model of its own", "cv/fold-1"]);
    place.elman("predict cv walks.csv").refused(1, &["no model of its own"]);
    let finished = place.elman("resume cv");
    assert!(finished.succeeded().is_empty() && finished.stderr.contains("cv has finished"), "{}", finished.stderr);
}

#[test]
fn a_seed_is_the_run_with_that_seed() {
    let place = place();
    let trained = place.elman(&format!("{CLASSIFY} --repeat 3,9 --out both --json"));
    trained.succeeded();
    let objects: Vec<Value> = trained.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events = |name: &str| objects.iter().filter(|of| of["event"] == name).cloned().collect::<Vec<_>>();
    assert_eq!((events("part").len(), events("epoch").len(), events("several").len()), (2, 8, 1));
    assert_eq!(events("several")[0], json(&place, "both/test.json"));
    place.elman(&format!("{CLASSIFY} --seed 9 --out alone/seed-9")).succeeded();
    assert_same(&place, "both/seed-9", "alone/seed-9", "a seed alone");
    // Counted, seeds begin with the job's own; with folds there are runs for each of both.
    place.elman(&format!("{CLASSIFY} --repeat 2 --folds 2 --seed 5 --out more")).succeeded();
    for name in ["seed-5-fold-1", "seed-5-fold-2", "seed-6-fold-1", "seed-6-fold-2"] {
        assert!(place.path(&format!("more/{name}/test.json")).exists(), "{name}");
    }
}

#[test]
fn what_was_broken_off_goes_on_to_the_same() {
    let place = place();
    place.elman(&format!("{CLASSIFY} --folds 3 --ensemble 2 --out whole/cv")).succeeded();
    let whole = |name: &str| place.bytes(&format!("whole/cv/{name}"));
    let copy = |to: &str, names: &[&str]| {
        for name in names {
            place.write(&format!("{to}/{name}"), &whole(name));
        }
        place.write(&format!("{to}/lock"), b"");
    };
    // In its first moment; behind its first run, in the second; when only the end is missing.
    copy("first/cv", &["several.json", "config.toml"]);
    copy("second/cv", &["several.json", "config.toml"]);
    place.elman(&format!("{CLASSIFY} --folds 3 --fold 1 --ensemble 2 --out second/cv/fold-1")).succeeded();
    place.write("second/cv/fold-2/config.toml", &whole("fold-2/config.toml"));
    place.write("second/cv/fold-2/lock", b"");
    place.write("second/cv/fold-3/config.toml", b"");
    for run in ["first/cv", "second/cv"] {
        let resumed = place.elman(&format!("resume {run}"));
        resumed.succeeded();
        assert_eq!(place.bytes(&format!("{run}/test.json")), whole("test.json"), "{run}");
        assert_eq!(place.bytes(&format!("{run}/several.csv")), whole("several.csv"), "{run}");
        for fold in 1..=3 {
            assert_same(&place, &format!("whole/cv/fold-{fold}"), &format!("{run}/fold-{fold}"), run);
        }
        assert!(!place.path(&format!("{run}/lock")).exists());
    }
    fs::remove_file(place.path("first/cv/test.json")).unwrap();
    place.write("first/cv/lock", b"");
    place.elman("resume first/cv").succeeded();
    assert_eq!(place.bytes("first/cv/test.json"), whole("test.json"));
}

#[test]
fn folds_of_a_series_are_tests_behind_each_other() {
    let place = place();
    place.elman(&format!("{SERIES} --test 6 --validation 6 --folds 3 --out cv")).succeeded();
    let starts: Vec<String> = (1..=3)
        .map(|fold| {
            let test = json(&place, &format!("cv/fold-{fold}/test.json"));
            let evaluated = place.elman(&format!("eval cv/fold-{fold} --json"));
            evaluated.succeeded();
            let last: Value = serde_json::from_str(evaluated.stdout.lines().last().unwrap()).unwrap();
            assert_eq!(last, test, "fold {fold}");
            assert_eq!(test["origins"], 4);
            test["start"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(starts, ["72", "78", "84"]);
    // The last is the run without folds.
    place.elman(&format!("{SERIES} --test 6 --validation 6 --out plain")).succeeded();
    assert_eq!(place.bytes("plain/model.safetensors"), place.bytes("cv/fold-3/model.safetensors"));
    place
        .elman(&format!("{SERIES} --test 30 --validation 6 --folds 3 --out none"))
        .failed(2, &["--folds is 3", "3 tests of 30 steps leave 0 of 90 steps"]);
}

#[test]
fn other_jobs_have_seeds_too() {
    let place = place();
    for (line, figure) in [
        ("train mnist --data set --hidden-size 4 --num-epoch 1", "test acc"),
        ("train echo --series-length 500 --num-epoch 1", "test acc"),
        ("train text --data text.txt --hidden-size 4 --batch-size 4 --sequence-length 10 --num-epoch 1", "perplexity"),
    ] {
        let trained = place.elman(&format!("{line} --repeat 2 --threads 1"));
        assert!(trained.succeeded()[0].ends_with(figure), "{line}: {}", trained.stdout);
    }
    assert_eq!(place.names("runs"), ["echo-rnn-seeds-1", "mnist-rnn-seeds-1", "text-lstm-seeds-1"]);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let place = place();
    for (flags, why) in [
        ("--folds 1", "--folds is 1"),
        ("--folds 25", "--folds is 25"),
        ("--folds 3 --fold 4", "--fold is 4"),
        ("--fold 1", "without folds"),
        ("--repeat 0", "--repeat is 0"),
        ("--repeat 4,4", "the seed 4 twice"),
        ("--folds 3 --test walks.csv", "no such file with folds"),
    ] {
        let outcome = place.elman(&format!("{CLASSIFY} {flags} --out run"));
        assert_ne!(outcome.code, Some(0), "{flags}");
        assert!(outcome.stderr.contains(why), "{flags}: {}", outcome.stderr);
        assert!(!place.path("run").exists(), "{flags}");
    }
    place.elman(&format!("{CLASSIFY} --repeat some")).failed(2, &["how many seeds, as 5"]);
    place.write("old/fold-1/config.toml", b"x");
    place.elman(&format!("{CLASSIFY} --folds 2 --out old")).failed(1, &["old/fold-1 is there already"]);
}
