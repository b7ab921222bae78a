//! Every option of `train mnist` reaches the network or its training: none is dropped on the way.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::*;

/// Flags beside which a flag is given, and the flags with it.
const CASES: [(&str, &str); 60] = [
    ("", "--hidden-size 17"),
    ("", "--cell lstm"),
    ("", "--cell gru"),
    ("", "--layers 2"),
    ("", "--bidirectional"),
    // The head reads the final states: outputs of the last layer, with what is added to them, go nowhere.
    ("--layers 2 --bidirectional", "--layers 2 --bidirectional=sum"),
    ("--layers 3", "--layers 3 --residual"),
    ("--layers 2", "--layers 2 --dropout 0.3"),
    ("", "--init keras"),
    ("", "--init pytorch"),
    ("", "--arithmetic bf16"),
    ("", "--activation relu"),
    ("--cell lstm", "--cell lstm --recurrent-activation hard_sigmoid"),
    ("--cell gru", "--cell gru --reset before"),
    ("--cell gru", "--cell gru --layer-norm"),
    ("--cell gru", "--cell gru --candidate-dropout 0.3"),
    ("--cell lstm", "--cell lstm --peepholes"),
    ("--cell lstm", "--cell lstm --coupled"),
    ("--cell lstm", "--cell lstm --projection 5"),
    ("--cell lstm", "--cell lstm --cell-clip 0.05"),
    ("--cell lstm --projection 5", "--cell lstm --projection 5 --projection-clip 0.02"),
    ("--cell lstm", "--cell lstm --layer-norm"),
    ("--cell lstm", "--cell lstm --memory-zoneout 0.3"),
    ("--cell indrnn", "--cell indrnn --recurrent-bound 0.4"),
    ("", "--recurrent-dropout 0.3"),
    ("", "--zoneout 0.3"),
    ("", "--learning-rate 0.02"),
    ("", "--batch-size 25"),
    ("", "--batch-size full"),
    ("", "--micro-batch 16"),
    ("", "--num-epoch 2"),
    ("", "--seed 7"),
    ("", "--truncate 3"),
    ("", "--optimizer adamw"),
    ("", "--optimizer sgd"),
    ("", "--optimizer momentum"),
    ("", "--optimizer nesterov"),
    ("", "--optimizer rmsprop"),
    ("", "--optimizer adagrad"),
    ("--optimizer momentum", "--optimizer momentum --momentum 0.5"),
    ("--optimizer rmsprop", "--optimizer rmsprop --momentum 0.5"),
    ("--optimizer rmsprop", "--optimizer rmsprop --rms-decay 0.5"),
    ("--optimizer rmsprop", "--optimizer rmsprop --epsilon 0.01"),
    ("--optimizer adagrad", "--optimizer adagrad --initial-accumulator 1"),
    ("", "--beta1 0.5"),
    ("", "--beta2 0.9"),
    ("", "--epsilon 0.01"),
    ("", "--weight-decay 0.1"),
    ("", "--clip-norm 0.01"),
    ("", "--clip-value 0.001"),
    ("", "--warmup 5"),
    ("", "--weight-average 0.9"),
    ("", "--schedule exponential"),
    ("", "--schedule cosine"),
    ("--schedule exponential", "--schedule exponential --decay 0.5"),
    ("--schedule cosine", "--schedule cosine --min-learning-rate 0.005"),
    // Once the first epoch is done.
    ("--num-epoch 2 --schedule step", "--num-epoch 2 --schedule step --decay-after 1"),
    ("--num-epoch 3 --schedule step --decay-after 1", "--num-epoch 3 --schedule step --decay-after 1 --decay-every 2"),
    // The rate is so small that no epoch is better by the threshold.
    (
        "--num-epoch 3 --learning-rate 1e-9 --schedule plateau",
        "--num-epoch 3 --learning-rate 1e-9 --schedule plateau --patience 1 --decay 0.5",
    ),
    ("--num-epoch 8 --learning-rate 0.5", "--num-epoch 8 --learning-rate 0.5 --early-stopping 1"),
];

/// Flags that leave the trained model as it is; other tests look at what they do.
const OTHERS: [&str; 15] = [
    "--ensemble",
    "--repeat",
    "--rank-timeout",
    "--threads",
    "--memory-budget",
    "--checkpoint-steps",
    "--checkpoint-minutes",
    "--keep-checkpoints",
    "--data",
    "--out",
    "--config",
    "--batch-per-log",
    "--json",
    "--quiet",
    "--help",
];

/// The names of the flags in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    words.filter(|word| word.starts_with("--") && word.len() > 2).map(str::to_owned).collect()
}

/// The same for Rprop, which takes full batches.
const RPROP: [(&str, &str); 6] = [
    // So large a step that the loss grows: only then do the two differ.
    ("--optimizer rprop --initial-step 0.5", "--optimizer rprop+ --initial-step 0.5"),
    ("--optimizer rprop", "--optimizer rprop --initial-step 0.001"),
    ("--optimizer rprop", "--optimizer rprop --min-step 0.01"),
    ("--optimizer rprop", "--optimizer rprop --max-step 0.015"),
    ("--optimizer rprop", "--optimizer rprop --increase 1.5"),
    ("--optimizer rprop", "--optimizer rprop --decrease 0.9"),
];

/// What a run starts with, unless it is given.
const USUAL: [&str; 4] = ["--hidden-size 16", "--batch-size 50", "--learning-rate 0.01", "--num-epoch 1"];

/// The same for Rprop.
const USUAL_OF_RPROP: [&str; 3] = ["--hidden-size 16", "--batch-size 550", "--num-epoch 20"];

/// Trains a little, and gives the run's `config.toml` and the model's arrays.
fn trained(place: &Place, usual: &[&str], given: &str, out: &str) -> (String, BTreeMap<String, elman::formats::Array>) {
    let usual = usual.iter().filter(|usual| flags(usual).is_disjoint(&flags(given)));
    let usual = usual.copied().collect::<Vec<_>>().join(" ");
    place.elman(&format!("train mnist --data set --threads 2 {usual} {given} --out {out}")).succeeded();
    (place.text(&format!("{out}/config.toml")), model(&place.path(&format!("{out}/model.safetensors"))).arrays)
}

/// With a flag, both the settings and the model are others than without it.
fn each_changes_something(usual: &[&str], cases: &[(&'static str, &str)]) {
    let place = Place::with_set();
    let mut plain = BTreeMap::new();
    for (index, &(without, with)) in cases.iter().enumerate() {
        let (settings, arrays) =
            plain.entry(without).or_insert_with(|| trained(&place, usual, without, &format!("without-{index}")));
        let found = trained(&place, usual, with, &format!("with-{index}"));
        assert!(found.0 != *settings, "{with}: the same settings as {without:?}");
        assert!(found.1 != *arrays, "{with}: the same model as {without:?}");
    }
}

#[test]
fn every_option_changes_the_settings_and_the_trained_arrays() {
    each_changes_something(&USUAL, &CASES);
}

#[test]
fn every_option_of_rprop_changes_the_settings_and_the_trained_arrays() {
    each_changes_something(&USUAL_OF_RPROP, &RPROP);
}

#[test]
fn every_option_is_looked_at() {
    let help = Place::new().elman("train mnist --help").stdout;
    // A flag's line begins with it; other lines may name flags.
    let lines = help.lines().filter_map(|line| line.trim_start().strip_prefix("-")).map(|rest| format!("-{rest}"));
    let there: BTreeSet<String> = lines.filter_map(|line| flags(&line).pop_first()).collect();
    let tried = CASES.iter().chain(&RPROP).flat_map(|(_, with)| flags(with)).chain(OTHERS.map(str::to_owned));
    assert_eq!(there, tried.collect());
}
