//! `compare`: runs beside each other.

use crate::support::*;

#[test]
fn runs_stand_beside_each_other_in_a_table_and_a_picture() {
    let place = Place::with_run();
    place.elman("train mnist --data set --hidden-size 16 --quiet --optimizer rprop --batch-size full --num-epoch 5 --out full").succeeded();
    let table = place.elman("compare run full --chart both.svg");
    let lines = table.succeeded();
    for heading in ["best loss", "accuracy", "test loss", "test acc"] {
        assert!(lines[0].contains(heading), "{lines:?}");
    }
    let below: Vec<String> =
        lines[3..].iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(below[..2], ["", "settings that differ run full"]);
    for setting in ["batch_size 50 full", "num_epoch 2 5", "optimizer adam rprop", "epsilon 1e-8 -"] {
        assert!(below.iter().any(|line| line == setting), "{setting}: {lines:?}");
    }
    assert!(!lines.iter().any(|line| line.contains("hidden_size")), "{lines:?}");
    assert!(lines[1].starts_with("run ") && lines[2].starts_with("full "), "{lines:?}");
    let objects = objects(&place.elman("compare run full --json").stdout);
    // 550 rows in batches of 50, two epochs; and in one batch, five.
    let counts = |index: usize| (objects[index]["epochs"].as_u64(), objects[index]["steps"].as_u64());
    assert_eq!((counts(0), counts(1)), ((Some(2), Some(22)), (Some(5), Some(5))));
    let losses: Vec<f64> = csv::Reader::from_reader(place.text("full/metrics.csv").as_bytes())
        .deserialize::<std::collections::HashMap<String, String>>()
        .filter_map(|row| row.unwrap()["validation_loss"].parse().ok())
        .collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert!((objects[1]["best_validation_loss"].as_f64().unwrap() - best).abs() < 1e-6, "{losses:?}");
    let test: serde_json::Value = serde_json::from_str(&place.text("full/test.json")).unwrap();
    assert_eq!((&objects[1]["test"], &objects[1]["settings_that_differ"]["optimizer"]), (&test, &"rprop".into()));
    assert!(objects[0]["best_validation_accuracy"].as_f64().unwrap() > 0.5);
    let svg = place.text("both.svg");
    for part in ["epochs", "seconds", "run", "full", "polyline"] {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn what_is_no_run_is_refused_and_nothing_drawn() {
    let place = Place::with_run();
    place.elman("compare run nowhere --chart x.svg").refused(1, &["nowhere", "metrics.csv", "run's folder"]);
    place.write("empty/metrics.csv", place.text("run/metrics.csv").lines().next().unwrap().as_bytes());
    place.elman("compare empty --chart x.svg").refused(1, &["no rows yet"]);
    place.write("broken/metrics.csv", b"step,loss\n1,2\n");
    place.elman("compare broken --chart x.svg").refused(1, &["metrics.csv", "its columns are step,loss"]);
    place.elman("compare run run run run run run run --chart x.svg").refused(1, &["7 runs", "at most 6"]);
    assert!(!place.path("x.svg").exists());
    assert_eq!(place.elman("compare").code, Some(2));
    // Without a picture there is room for any number, and older runs have no figures of a test.
    std::fs::remove_file(place.path("run/test.json")).unwrap();
    let lines = place.elman("compare run run run run run run run").stdout;
    assert!(!lines.contains("test loss") && lines.contains("every number is the same"), "{lines}");
    place.write("run/test.json", b"{");
    place.elman("compare run").refused(1, &["cannot read run/test.json"]);
}
