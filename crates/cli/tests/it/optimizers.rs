//! `elman train mnist` with each optimizer and schedule, and with early stopping.

use crate::support::*;

/// Each optimizer with flags at which it learns the small set.
const OPTIMIZERS: [(&str, &str); 9] = [
    ("adam", "--learning-rate 0.01 --batch-size 50"),
    ("adamw", "--learning-rate 0.01 --batch-size 50"),
    ("sgd", "--learning-rate 0.3 --batch-size 50"),
    ("momentum", "--learning-rate 0.05 --batch-size 50"),
    ("nesterov", "--learning-rate 0.05 --batch-size 50"),
    ("rmsprop", "--learning-rate 0.005 --batch-size 50"),
    ("adagrad", "--learning-rate 0.1 --batch-size 50"),
    ("rprop", "--batch-size 550 --num-epoch 60"),
    ("rprop+", "--batch-size 550 --num-epoch 60"),
];

/// The validation losses of the epochs of a run.
fn validation_losses(stdout: &str) -> Vec<f64> {
    let epochs = objects(stdout).into_iter().filter(|object| object["event"] == "epoch");
    epochs.map(|object| object["validation_loss"].as_f64().unwrap()).collect()
}

/// The learning rates of `metrics.csv`.
fn rates(place: &Place, run: &str) -> Vec<f64> {
    let mut csv = csv::Reader::from_path(place.path(run).join("metrics.csv")).unwrap();
    let column = csv.headers().unwrap().iter().position(|name| name == "learning_rate").unwrap();
    csv.records().map(|row| row.unwrap()[column].parse().unwrap()).collect()
}

#[test]
fn each_trains_with_the_same_bits_on_one_thread_and_two() {
    let place = Place::with_set();
    for (name, flags) in OPTIMIZERS {
        let epochs = if flags.contains("--num-epoch") { "" } else { "--num-epoch 12" };
        let mut files = Vec::new();
        for threads in [1, 2] {
            let out = format!("{name}-{threads}");
            let line = format!("--hidden-size 16 --optimizer {name} {flags} {epochs} --threads {threads} --out {out}");
            let outcome = place.elman(&format!("train mnist --data set {line}"));
            let last = *outcome.succeeded().last().unwrap();
            let accuracy: f64 = last.rsplit(' ').next().unwrap().parse().unwrap();
            assert!(accuracy > 0.9, "{name} did not learn: {last}");
            files.push(place.bytes(&format!("{out}/model.safetensors")));
        }
        assert!(files[0] == files[1], "{name}: two threads give another model");
        // Its settings make the same run again.
        let again = format!("train mnist --config {name}-1/config.toml --num-epoch 1 --out {name}-again");
        place.elman(&again).succeeded();
        let optimizer = format!("optimizer = \"{name}\"");
        assert!(place.text(&format!("{name}-again/config.toml")).contains(&optimizer), "{name}");
    }
}

#[test]
fn schedules_show_in_the_metrics() {
    let place = Place::with_set();
    let rates = |flags: &str, out: &str| {
        place.elman(&format!("{QUICK} --num-epoch 4 --batch-per-log 1 {flags} --out {out}")).succeeded();
        rates(&place, out)
    };
    let found = rates("--schedule step --decay 0.5 --decay-after 2", "step");
    assert_eq!((found[0], found[21], found[22], found[33]), (0.01, 0.01, 0.005, 0.0025));
    let found = rates("--schedule cosine --warmup 5", "cosine");
    assert!((found[0] - 0.002).abs() < 1e-8 && found[4] == 0.01 && found[43] < 1e-4, "{found:?}");
    // No epoch is better by nine tenths of a percent of a percent when nothing moves.
    let found = rates("--optimizer sgd --clip-norm 1e-9 --schedule plateau --patience 1", "plateau");
    assert_eq!((found[0], found[11], found[22]), (0.01, 0.01, 0.001));
}

/// At a rate so large that the loss soon rises again.
#[test]
fn early_stopping_keeps_the_weights_of_the_best_epoch() {
    let place = Place::with_set();
    let flags = "train mnist --data set --threads 2 --hidden-size 16 --batch-size 50 --learning-rate 0.5 --json";
    let outcome = place.elman(&format!("{flags} --num-epoch 60 --early-stopping 3 --out stopped"));
    outcome.succeeded();
    let losses = validation_losses(&outcome.stdout);
    let best = losses.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    assert_eq!(losses.len(), best + 4, "three epochs after the best: {losses:?}");
    assert!(losses.len() < 60 && best > 0, "{losses:?}");
    assert!(outcome.stderr.contains(&format!("the weights of epoch {}", best + 1)), "{}", outcome.stderr);

    // They are those of a run that ends there, to the bit.
    place.elman(&format!("{flags} --num-epoch {} --out short", best + 1)).succeeded();
    assert!(place.bytes("stopped/model.safetensors") == place.bytes("short/model.safetensors"));
    // And the test line is theirs.
    let test = place.elman("eval short --json");
    assert_eq!(objects(&test.stdout)[0]["loss"], objects(&outcome.stdout).last().unwrap()["loss"]);
}

#[test]
fn a_runs_settings_may_be_taken_over_with_another_optimizer() {
    let place = Place::with_set();
    place.elman(&format!("{QUICK} --num-epoch 1 --beta1 0.8 --schedule step --out first")).succeeded();
    place.elman("train mnist --config first/config.toml --optimizer sgd --schedule cosine --out other").succeeded();
    let config: toml::Table = place.text("other/config.toml").parse().unwrap();
    // The learning rate was the other's too.
    assert_eq!((config["optimizer"].as_str(), config["learning_rate"].as_float()), (Some("sgd"), Some(0.001)));
    for name in ["beta1", "epsilon", "decay", "decay_every"] {
        assert!(!config.contains_key(name), "{name}: {config:?}");
    }
}
