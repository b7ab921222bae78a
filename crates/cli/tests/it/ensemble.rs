//! `--ensemble N`: several networks in one model, and what every command makes of it.

use serde_json::Value;

use crate::support::jobs::place;
use crate::support::*;

const CLASSIFY: &str =
    "train classify --recipe plain --data walks.csv --hidden-size 5 --num-epoch 4 --batch-size 6 --threads 1";
const SERIES: &str = "train series --data a.csv --target y --horizon 3 --context 8 --season 6 --hidden-size 4 \
                      --batch-size 8 --num-epoch 3 --threads 1";

fn objects(text: &str, event: &str) -> Vec<Value> {
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|object| object["event"] == event).collect()
}

/// The arrays of a model file.
fn arrays(place: &Place, file: &str) -> std::collections::BTreeMap<String, elman::formats::Array> {
    elman::formats::read(&place.path(file)).unwrap().arrays
}

#[test]
fn members_are_the_runs_of_their_seeds() {
    let place = place();
    place.elman(&format!("{CLASSIFY} --seed 7 --ensemble 2 --out both")).succeeded();
    let whole = arrays(&place, "both/model.safetensors");
    for (number, seed) in [(1, 7), (2, 8)] {
        let member = arrays(&place, &format!("both/member-{number}/model.safetensors"));
        for (name, array) in &member {
            assert_eq!(whole[&format!("member.{number}.{name}")], *array);
        }
        // The parts of the data go by the run's seed, so only the first is a run by itself.
        if number == 1 {
            place.elman(&format!("{CLASSIFY} --seed {seed} --out alone")).succeeded();
            assert_eq!(arrays(&place, "alone/model.safetensors"), member);
        }
    }
    assert_ne!(arrays(&place, "both/member-1/model.safetensors"), arrays(&place, "both/member-2/model.safetensors"));
    // The run's own rows are the means of theirs.
    let rows = |file: &str| -> Vec<Vec<String>> {
        place.text(file).lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    let [mean, one, two] = ["both/metrics.csv", "both/member-1/metrics.csv", "both/member-2/metrics.csv"].map(rows);
    assert_eq!((mean.len(), one.len()), (one.len(), two.len()));
    let loss = |row: &[String]| row[2].parse::<f64>().unwrap();
    assert!((loss(&mean[0]) - (loss(&one[0]) + loss(&two[0])) / 2.0).abs() < 1e-6);
}

#[test]
fn every_command_reads_an_ensemble_of_classes() {
    let place = place();
    let trained = place.elman(&format!("{CLASSIFY} --ensemble 3 --out run --json"));
    trained.succeeded();
    let members = objects(&trained.stdout, "member");
    assert_eq!(members.iter().map(|of| of["seed"].as_u64().unwrap()).collect::<Vec<_>>(), [111, 112, 113]);

    let evaluated = place.elman("eval run --json");
    evaluated.succeeded();
    assert_eq!(objects(&evaluated.stdout, "test"), objects(&trained.stdout, "test"));
    // What it says of a row is the mean of what its members say.
    let predictions = |run: &str| -> Vec<f64> {
        let outcome = place.elman(&format!("predict {run} walks.csv --json"));
        outcome.succeeded();
        objects(&outcome.stdout, "prediction").iter().map(|of| of["probabilities"]["left"].as_f64().unwrap()).collect()
    };
    let members: Vec<Vec<f64>> = (1..=3).map(|number| predictions(&format!("run/member-{number}"))).collect();
    for (row, p) in predictions("run").iter().enumerate() {
        assert!((p - members.iter().map(|of| of[row]).sum::<f64>() / 3.0).abs() < 1e-6);
    }

    let inspected = place.elman("inspect run");
    assert!(inspected.succeeded()[0].starts_with("an ensemble of 3 networks, "), "{}", inspected.stdout);
    let second = place.elman("inspect run --member 2 --json");
    second.succeeded();
    let second: Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!((&second["members"], &second["member"]), (&3.into(), &2.into()));
    place.elman("inspect run --member 4").refused(2, &["--member is 4", "1 to 3, the members of run"]);

    place.elman("compare run run/member-1 run/member-2").succeeded();
    let diagnosed = place.elman("diagnose run --member 2 --out one.svg");
    diagnosed.succeeded();
    assert!(diagnosed.stderr.contains("an ensemble of 3 networks; member 2"), "{}", diagnosed.stderr);

    // One network at a time is converted.
    place.elman("convert run run.onnx").refused(1, &["run is an ensemble of 3 networks", "--member 1 to --member 3"]);
    place.elman("convert run run.onnx --member 2 --verify").succeeded();
    place.elman("convert run two.safetensors --to elman --member 2").succeeded();
    assert_eq!(arrays(&place, "two.safetensors"), arrays(&place, "run/member-2/model.safetensors"));
    place
        .elman("convert run.onnx back.safetensors --member 1")
        .refused(2, &["--member is given", "only a model of elman"]);
}

#[test]
fn a_forecast_is_the_mean_of_the_members() {
    let place = place();
    let trained = place.elman(&format!("{SERIES} --recipe plain --ensemble 2 --out run --json"));
    trained.succeeded();
    let evaluated = place.elman("eval run --json");
    evaluated.succeeded();
    assert_eq!(objects(&evaluated.stdout, "backtest"), objects(&trained.stdout, "backtest"));
    let forecast = |run: &str| -> Vec<Vec<f64>> {
        let outcome = place.elman(&format!("forecast {run} --data a.csv --json"));
        outcome.succeeded();
        let of = |object: &Value| serde_json::from_value(object["quantiles"].clone()).unwrap();
        objects(&outcome.stdout, "forecast").iter().map(of).collect()
    };
    let [all, one, two] = ["run", "run/member-1", "run/member-2"].map(forecast);
    for (step, quantiles) in all.iter().enumerate() {
        assert!(quantiles.windows(2).all(|pair| pair[0] <= pair[1]));
        for (level, z) in quantiles.iter().enumerate() {
            let mean = (one[step][level] + two[step][level]) / 2.0;
            assert!((z - mean).abs() < 1e-4 * mean.abs(), "{z} {mean}");
        }
    }
    place.elman("sample run").refused(1, &["is a run of job \"series\""]);
}

#[test]
fn images_have_ensembles_too() {
    let place = Place::with_set();
    let trained = place.elman("train mnist --data set --hidden-size 5 --num-epoch 1 --ensemble 2 --out run --json");
    trained.succeeded();
    let evaluated = place.elman("eval run --json");
    evaluated.succeeded();
    assert_eq!(objects(&evaluated.stdout, "test"), objects(&trained.stdout, "test"));
}

#[test]
fn a_number_of_members_out_of_range_is_refused() {
    let place = place();
    for (number, found) in [("0", "ensemble is 0"), ("1001", "ensemble is 1001")] {
        let outcome = place.elman(&format!("{CLASSIFY} --ensemble {number} --out run"));
        outcome.refused(2, &[&format!("--{found}"), "1 to 1000 networks"]);
        assert!(!place.path("run").exists());
    }
    place.elman("train text --ensemble 2").failed(2, &["--ensemble"]);
    // The folder of an older ensemble is not gone on with by accident.
    place.write("old/member-1/model.safetensors", b"x");
    place.elman(&format!("{CLASSIFY} --out old")).failed(1, &["old already holds a run (member-1 is there)"]);
}
