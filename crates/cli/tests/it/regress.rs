//! `elman train regress`: a number for each sequence.

use elman::{Ensemble, Regressor};
use ndarray::array;
use serde_json::Value;

use crate::support::jobs::{place, yields};
use crate::support::*;

const YIELDS: &str = "train regress --data yields.csv --target yield --hidden-size 8 --num-epoch 60 --threads 1";

fn last(outcome: &Outcome) -> Value {
    outcome.succeeded();
    serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap()
}

fn rmse(test: &Value, of: &str) -> f64 {
    test[of]["rmse"].as_f64().unwrap()
}

#[test]
fn a_number_is_learnt_and_every_command_gives_it() {
    let place = place();
    let trained = place.elman(&format!("{YIELDS} --ensemble 2 --out run"));
    trained.succeeded();
    for line in
        ["root mean squared error (RMSE)", "explained variance (R²)", "the model beats the mean", "nearest sequence"]
    {
        assert!(trained.stdout.contains(line), "{line}: {}", trained.stdout);
    }
    assert!(trained.stderr.contains("of the network's distance from the mean counts"), "{}", trained.stderr);
    let test: Value = serde_json::from_str(&place.text("run/test.json")).unwrap();
    assert!(rmse(&test, "model") < 0.5 * rmse(&test, "mean"), "{test}");
    assert_eq!(test["rows"], 12);
    assert!(place.text("run/regression.svg").contains("Predicted against true: yield"));
    assert_eq!(last(&place.elman("eval run --json")), test);

    // A file alone has no training part to be near to; its numbers are in their own unit.
    let other = last(&place.elman("eval run/model.safetensors --data yields.csv --json"));
    assert_eq!((&other["rows"], &other["nearest"]), (&60.into(), &Value::Null));
    // On the instruction set that the library has here.
    let mut command = place.command("predict run yields.csv --json");
    let predicted = Outcome::of(command.env("ELMAN_ISA", elman::active_isa().name()));
    predicted.succeeded();
    let answers: Vec<Value> = predicted.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((answers.len(), &answers[3]["id"], &answers[3]["target"]), (60, &"b3".into(), &"yield".into()));
    let mut regressor = Regressor::new(Ensemble::load(place.path("run/model.safetensors")).unwrap(), 1).unwrap();
    let set = regressor.read(place.path("yields.csv")).unwrap();
    for (answer, object) in regressor.predict(set).unwrap().iter().zip(&answers) {
        assert_eq!(object["value"].as_f64().unwrap(), answer.value);
        assert!((295.0..330.0).contains(&answer.value), "{answer:?}");
    }
    let shown = place.elman("predict run yields.csv");
    assert!(shown.succeeded()[0].starts_with("yields.csv[b0]: yield 30"), "{}", shown.stdout);

    // The gradient of a mean has no lag of its own: that of the last state is followed, and said.
    let followed = place.elman("diagnose run --out one.svg");
    followed.succeeded();
    assert!(followed.stderr.contains("the last one alone"), "{}", followed.stderr);
    let compared = place.elman("compare run run/member-1");
    compared.succeeded();
    assert!(compared.stdout.contains("test RMSE"), "{}", compared.stdout);
    place.elman("convert run run.onnx --member 1").failed(1, &["the scale of the numbers", "--standardized"]);
    place.elman("convert run run.onnx --member 1 --standardized --verify").succeeded();
}

#[test]
fn sequences_in_memory_have_the_same_numbers() {
    let place = place();
    place.elman(&format!("{YIELDS} --ensemble 1 --num-epoch 3 --out run").replace("--num-epoch 60 ", "")).succeeded();
    let mut regressor = Regressor::new(Ensemble::load(place.path("run/model.safetensors")).unwrap(), 1).unwrap();
    place.write("two.csv", b"id,time,x\na,0,0.5\na,1,0.7\nb,0,1.5\n");
    let set = regressor.read(place.path("two.csv")).unwrap();
    let read = regressor.predict(set).unwrap();
    assert_eq!(regressor.predict_arrays(&[array![[0.5], [0.7]].view(), array![[1.5]].view()]).unwrap(), read);
    assert!(regressor.predict_arrays(&[array![[0.5, 0.7]].view()]).is_err());
}

#[test]
fn other_losses_and_quantiles() {
    let place = place();
    for loss in ["absolute", "huber"] {
        let test = last(&place.elman(&format!("{YIELDS} --ensemble 1 --loss {loss} --json --out {loss}")));
        assert!(rmse(&test, "model") < rmse(&test, "mean"), "{loss}: {test}");
        let model = place.elman(&format!("inspect {loss} --json"));
        assert!(model.stdout.contains(&format!("\"loss\":\"{loss}\"")), "{}", model.stdout);
    }
    let test =
        last(&place.elman(&format!("{YIELDS} --ensemble 1 --loss quantile --quantiles 0.1,0.5,0.9 --json --out q")));
    assert_eq!(test["quantiles"].as_array().unwrap().len(), 3);
    assert!(rmse(&test, "model") < rmse(&test, "mean"), "{test}");
    let predicted = last(&place.elman("predict q yields.csv --json"));
    let [low, middle, high] = ["0.1", "0.5", "0.9"].map(|level| predicted["quantiles"][level].as_f64().unwrap());
    assert!(low <= middle && middle <= high && predicted["value"].as_f64() == Some(middle), "{predicted}");
    assert!(place.elman("predict q yields.csv").succeeded()[0].contains("[0.1: "));
}

#[test]
fn folds_and_files_of_the_archive() {
    let place = place();
    let folded =
        place.elman(&format!("{YIELDS} --ensemble 1 --folds 3 --out cv").replace("--num-epoch 60", "--num-epoch 5"));
    assert!(folded.succeeded()[0].ends_with("test R²"), "{}", folded.stdout);
    let rows: u64 = (1..=3)
        .map(|fold| {
            let test: Value = serde_json::from_str(&place.text(&format!("cv/fold-{fold}/test.json"))).unwrap();
            assert_eq!(last(&place.elman(&format!("eval cv/fold-{fold} --json"))), test);
            test["rows"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(rows, 60);

    let case = |row: usize| format!("{},{},{}:{}.5\n", row % 7, row % 7 + 1, row % 7 + 2, 10 * (row % 7));
    let ts = |rows: std::ops::Range<usize>| {
        format!(
            "@problemName x\n@timestamps false\n@univariate true\n@targetlabel true\n@data\n{}",
            rows.map(case).collect::<String>()
        )
    };
    place.write("train.ts", ts(0..40).as_bytes());
    place.write("test.ts", ts(40..50).as_bytes());
    let line = "train regress --data train.ts --test test.ts --hidden-size 8 --num-epoch 40 --ensemble 1 --threads 1";
    let test = last(&place.elman(&format!("{line} --json --out ts")));
    assert!(rmse(&test, "model") < rmse(&test, "mean"), "{test}");
    // A number is no class.
    place.elman("train classify --data train.ts").failed(1, &["@targetLabel", "for a regression"]);
}

#[test]
fn what_cannot_be_learnt_is_refused() {
    let place = place();
    let fails = |line: &str, why: &[&str]| {
        let outcome = place.elman(line);
        assert!(matches!(outcome.code, Some(1 | 2)), "{line}: {}", outcome.stderr);
        why.iter().for_each(|why| assert!(outcome.stderr.contains(why), "{line}: {}", outcome.stderr));
    };
    fails("train regress", &["expected --data with a file of sequences"]);
    fails("train regress --data yields.csv", &["holds no number for each sequence", "--target", "yield"]);
    fails("train regress --data walks.csv --target label", &["in the place of its number", "expected a finite number"]);
    fails(&format!("{YIELDS} --folds 61"), &["--folds is 61"]);
    fails(&format!("{YIELDS} --validation 0"), &["--early-stopping"]);
    fails(&format!("{YIELDS} --loss quantile --quantiles 0.9,0.1"), &["rising"]);
    fails(&format!("{YIELDS} --test 0.999"), &["are left to learn from"]);
    let other = yields().replace("yield", "weight");
    place.write("other.csv", other.as_bytes());
    place.elman(&format!("{YIELDS} --ensemble 1 --out run").replace("--num-epoch 60", "--num-epoch 1")).succeeded();
    fails("eval run --data other.csv", &["yield"]);
    fails("forecast run", &["regress"]);
    assert!(place.names("runs").is_empty());
}
