//! `elman train classify --recipe`: what is chosen by the sizes of the data, and that what is given stays as it is.

use crate::support::*;
use elman::{
    Adam, Gru, Init, LabelledSequences, Missing, Model, Noise, Purpose, Random, Standardizer, Trainer,
    datasets::japanese_vowels,
};

/// `waves.csv`: 40 sequences of 150 to 250 steps, slow waves and fast ones, from anywhere on.
fn waves() -> String {
    let mut text = "id,x,label\n".to_owned();
    for row in 0..40_usize {
        let (speed, label) = if row.is_multiple_of(2) { (0.1, "slow") } else { (0.16, "fast") };
        for step in 0..150 + row * 13 % 101 {
            let x = (speed * step as f64 + row as f64).sin() + 0.1 * (((row * 31 + step * 17) % 13) as f64 - 6.0);
            text += &format!("s{row},{x:.4},{label}\n");
        }
    }
    text
}

impl Place {
    fn with_waves() -> Self {
        let place = Self::new();
        place.write("waves.csv", waves().as_bytes());
        place
    }

    fn config(&self, run: &str) -> toml::Table {
        self.text(&format!("{run}/config.toml")).parse().unwrap()
    }
}

/// The value of a setting, as TOML writes it.
fn of(config: &toml::Table, name: &str) -> String {
    config[name].to_string()
}

#[test]
fn auto_chooses_by_the_sizes_says_so_and_can_be_had_again() {
    let place = Place::with_waves();
    let outcome = place.elman("train classify --data waves.csv --num-epoch 30 --threads 2 --out run");
    outcome.succeeded();
    let line = outcome.stderr.lines().find(|line| line.starts_with("recipe auto")).unwrap_or_default().to_owned();
    for words in ["for 32 sequences of 2", "patches of 9, one every 3", "maximum over the steps", "no validation part"]
    {
        assert!(line.contains(words), "no {words:?} in {line:?}: {}", outcome.stderr);
    }
    let config = place.config("run");
    for (name, expected) in [
        ("recipe", "\"auto\""),
        ("patch", "9"),
        ("stride", "3"),
        ("front", "64"),
        ("read", "\"max\""),
        ("standardize", "\"channel\""),
        ("augment", "\"none\""),
        ("bidirectional", "\"concat\""),
        ("schedule", "\"cosine\""),
        ("weight_average", "0.99"),
        ("validation", "0.0"),
        ("num_epoch", "30"),
    ] {
        assert_eq!(of(&config, name), expected, "{name}");
    }
    let test = outcome.stdout.lines().last().unwrap();
    let accuracy: f64 = test.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(accuracy >= 0.8, "{test}");
    // Everything that was chosen is in the file, so nothing is chosen again: other sizes, the same settings.
    place.elman("train classify --config run/config.toml --quiet --out again").succeeded();
    assert!(place.bytes("run/model.safetensors") == place.bytes("again/model.safetensors"));
    for command in ["eval run", "predict run waves.csv", "diagnose run"] {
        place.elman(command).succeeded();
    }
    let eval = place.elman("eval run");
    assert_eq!(eval.succeeded().last().unwrap(), &test);
    // The steps are made before the network: no partner's file makes them.
    let words = ["\"the steps\"", "9 steps of the sequence as one, from every 3", "--standardized"];
    place.elman("convert run run.keras --to keras").refused(1, &words);
    let alone = place.elman("convert run run.keras --to keras --standardized");
    alone.succeeded();
    assert!(alone.stdout.contains("a step of the network is made before it: 9 steps"), "{}", alone.stdout);
}

#[test]
fn what_is_given_stays_as_it_is() {
    let place = Place::with_waves();
    let flags = "--cell lstm --hidden-size 5 --read mean --patch 10 --num-epoch 2 --batch-size 4 --schedule constant \
                 --augment crop --recurrent-dropout 0.25 --weight-average 0.5 --standardize both --validation 0.2 --front 0";
    place.elman(&format!("train classify --data waves.csv {flags} --quiet --out run")).succeeded();
    let config = place.config("run");
    for (name, expected) in [
        ("recipe", "\"auto\""),
        ("cell", "\"lstm\""),
        ("hidden_size", "5"),
        ("patch", "10"),
        ("stride", "10"),
        ("front", "0"),
        ("read", "\"mean\""),
        ("standardize", "\"both\""),
        ("augment", "\"crop=0.1\""),
        ("schedule", "\"constant\""),
        ("recurrent_dropout", "0.25"),
        ("weight_average", "0.5"),
        ("validation", "0.2"),
        ("num_epoch", "2"),
        ("batch_size", "4"),
        ("bidirectional", "\"concat\""),
    ] {
        assert_eq!(of(&config, name), expected, "{name}");
    }
    // Who stops early needs the part to stop by; another optimizer keeps its own rate and schedule.
    place
        .elman("train classify --data waves.csv --num-epoch 1 --hidden-size 4 --early-stopping 2 --quiet --out stops")
        .succeeded();
    assert_eq!(of(&place.config("stops"), "validation"), "0.1");
    place
        .elman("train classify --data waves.csv --num-epoch 1 --hidden-size 4 --optimizer sgd --quiet --out sgd")
        .succeeded();
    assert_eq!(of(&place.config("sgd"), "schedule"), "\"constant\"");
}

#[test]
fn a_floor_of_steps_makes_epochs() {
    let place = Place::with_waves();
    let flags = "--recipe plain --hidden-size 2 --patch 50 --num-epoch 2 --batch-size 8";
    place.elman(&format!("train classify --data waves.csv {flags} --min-steps 30 --quiet --out run")).succeeded();
    // 29 sequences are 3 batches.
    assert_eq!(of(&place.config("run"), "num_epoch"), "10");
    assert!(place.text("run/metrics.csv").lines().last().unwrap().starts_with("30,10,"));
}

/// A loop of the library with the settings that there were before there was a recipe.
#[test]
fn plain_is_what_it_was_to_the_byte() {
    let place = Place::new();
    // On the instruction set that the library has here.
    let mut command = place.command("train classify --recipe plain --num-epoch 2 --threads 2 --quiet --out run");
    Outcome::of(command.env("ELMAN_ISA", elman::active_isa().name())).succeeded();
    let (rest, _) = japanese_vowels::load().unwrap();
    let order = Random::at(111, Purpose::Split, 1, 0).order(rest.len() as u32);
    let order: Vec<usize> = order.into_iter().map(|row| row as usize).collect();
    let (training, _) = rest.split_stratified(27, &order);
    let standardizer = Standardizer::of(&training, Missing::Mask);
    let data = LabelledSequences::new(training, &standardizer).unwrap();
    let cell = Gru::new(12, 64).noise(Noise { recurrent_dropout: 0.2, ..Noise::default() });
    let model = Model::init(cell, 9, Init::Tf, 111).unwrap();
    let mut trainer = Trainer::new(model, Adam::new(0.003)).batch_size(16);
    for epoch in trainer.fit(&data).unwrap().epochs(2) {
        epoch.unwrap();
    }
    let found = Model::load(place.path("run/model.safetensors")).unwrap();
    assert_eq!(found.arrays(), trainer.model().arrays());
    // Its file says no more than one of before.
    let text = String::from_utf8_lossy(&place.bytes("run/model.safetensors")).into_owned();
    assert!(!text.contains("patch") && !text.contains("\\\"rows\\\""), "the header has something new");
    // A file from before there were recipes has none, and none of what they choose.
    let new = ["recipe", "standardize", "patch", "stride", "front", "read", "augment", "min_steps", "label_smoothing"];
    let old: String = place
        .text("run/config.toml")
        .lines()
        .filter(|line| !new.contains(&line.split(' ').next().unwrap()))
        .map(|line| format!("{line}\n"))
        .collect();
    place.write("old.toml", old.as_bytes());
    let mut command = place.command("train classify --config old.toml --quiet --out old");
    Outcome::of(command.env("ELMAN_ISA", elman::active_isa().name())).succeeded();
    assert!(place.bytes("run/model.safetensors") == place.bytes("old/model.safetensors"));
    assert_eq!(of(&place.config("old"), "recipe"), "\"plain\"");
}

#[test]
fn a_run_of_patches_and_changed_rows_goes_on_to_the_same_bytes() {
    let place = Place::with_waves();
    let flags = "--hidden-size 6 --num-epoch 4 --checkpoint-steps 3 --keep-checkpoints 9 --standardize both --quiet";
    place.elman(&format!("train classify --data waves.csv {flags} --threads 1 --out one")).succeeded();
    place.elman(&format!("train classify --data waves.csv {flags} --threads 2 --out two")).succeeded();
    assert!(place.bytes("one/model.safetensors") == place.bytes("two/model.safetensors"), "threads change bits");
}

/// Convolutions and pooling before the recurrent layers, of whatever the recipe would do: trained, gone on with, exported.
#[test]
fn convolutions_read_each_step_and_leave_fewer() {
    let place = Place::with_waves();
    let flags = "--conv 8,6 --kernel-size 5,3 --pool 3,2 --hidden-size 6 --num-epoch 100";
    let outcome = place.elman(&format!("train classify --data waves.csv {flags} --threads 2 --out run"));
    let test = outcome.succeeded().last().unwrap().to_owned();
    let accuracy: f64 = test.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(accuracy >= 0.8, "{test}");
    let words = "each step by itself, convolutions of 8 filters of 5, 3 pooled into one, then 6 filters of 3, 2 pooled into one (";
    assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
    let config = place.config("run");
    for (name, expected) in
        [("conv", "[8, 6]"), ("kernel_size", "[5, 3]"), ("pool", "[3, 2]"), ("front", "0"), ("patch", "1")]
    {
        assert_eq!(of(&config, name), expected, "{name}");
    }
    assert!(!place.text("run/config.toml").contains("pooling"), "nobody gave it");
    place.elman("train classify --config run/config.toml --quiet --threads 1 --out again").succeeded();
    assert!(place.bytes("run/model.safetensors") == place.bytes("again/model.safetensors"));
    assert_eq!(place.elman("eval run").succeeded().last().unwrap(), &test);
    place.elman("predict run waves.csv").succeeded();
    let shown = place.elman("inspect run");
    shown.succeeded();
    assert!(shown.stdout.contains("windows of 5, same padding"), "{}", shown.stdout);
    place.elman("diagnose run").refused(2, &["a diagnosis", "windows of several steps"]);
    // There and back: the same model.
    place.elman("convert run run.keras --to keras").succeeded();
    place.elman("convert run.keras back.safetensors").succeeded();
    let arrays = |name: &str| Model::load(place.path(name)).unwrap().arrays();
    assert_eq!(arrays("back.safetensors"), arrays("run/model.safetensors"));
    // Operators pad all rows alike: with lengths of their own rows are none of them, and whole rows are.
    place.elman("convert run run.onnx --to onnx").refused(1, &["--no-lengths"]);
    place.elman("convert run run.onnx --to onnx --no-lengths").succeeded();
    place.elman("convert run.onnx whole.safetensors").succeeded();
    assert_eq!(arrays("whole.safetensors"), arrays("run/model.safetensors"));
    place.elman("convert run torch.safetensors --to pytorch").refused(1, &["no module of torch.nn"]);
    // A mean, and a kernel for all.
    let flags = "--conv 4 --pool 4 --pooling mean --hidden-size 4 --num-epoch 1 --quiet";
    place.elman(&format!("train classify --data waves.csv {flags} --out mean")).succeeded();
    assert_eq!(of(&place.config("mean"), "pooling"), "\"mean\"");
    for (flags, words) in [
        ("--conv 8 --kernel-size 0", &["--kernel-size is 0", "1 to 4096"][..]),
        ("--conv 8,0", &["--conv is 0", "filters"]),
        ("--conv 8,8 --pool 1,2,3", &["--pool is 1,2,3", "or 2, one for each layer"]),
        ("--kernel-size 3", &["--kernel-size is 3", "--conv 64"]),
        ("--conv 8 --pooling mean", &["--pooling is given", "--pool 2"]),
    ] {
        place.elman(&format!("train classify --data waves.csv {flags} --out bad")).refused(2, words);
    }
}

#[test]
fn what_makes_no_steps_is_refused() {
    let place = Place::with_waves();
    for (flags, words) in [
        ("--patch 0", &["--patch is 0", "1 to 4096"][..]),
        ("--patch 4 --stride 5", &["--stride is 5", "1 to 4", "leave steps out"]),
        ("--augment noise", &["--augment is", "jitter, scale, crop, warp"]),
        ("--augment crop=1", &["--augment is crop=1"]),
        ("--front 99999", &["--front is 99999"]),
    ] {
        place.elman(&format!("train classify --data waves.csv {flags} --out run")).refused(2, words);
    }
    for flags in ["--read first", "--recipe best", "--standardize rows"] {
        place.elman(&format!("train classify --data waves.csv {flags} --out run")).refused(2, &["possible values"]);
    }
}
