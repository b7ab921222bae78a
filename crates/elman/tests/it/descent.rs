//! Training with every optimizer: the bits, the rates, what is refused; plateaus and early stopping.

use crate::support::tasks::{model, signs};
use elman::{
    Adagrad, Adam, AdamW, Algorithm, Decay, Decision, Descent, EarlyStopping, Gru, Lstm, Memory, Model, RmsProp, Rnn,
    Rprop, RpropVariant, Schedule, Sgd, Stack, Step, Trainer,
};

/// Every optimizer with its options, at rates that learn.
fn algorithms() -> Vec<(&'static str, Algorithm)> {
    vec![
        ("sgd", Sgd::new(0.5).into()),
        ("momentum", Sgd::new(0.1).momentum(0.9).into()),
        ("nesterov", Sgd::new(0.1).momentum(0.9).nesterov(true).into()),
        ("rmsprop", RmsProp::new(0.005).into()),
        ("rmsprop with momentum", RmsProp::new(0.002).momentum(0.9).into()),
        ("adagrad", Adagrad::new(0.1).into()),
        ("adam", Adam::new(0.01).into()),
        ("adamw", AdamW::new(0.01).into()),
        ("irprop-", Rprop::default().into()),
        ("irprop+", Rprop::new(RpropVariant::Plus).into()),
    ]
}

/// Rows of the data, and of a batch of the optimizer.
const ROWS: usize = 400;

fn batch(algorithm: &Algorithm) -> usize {
    if algorithm.needs_full_batch() { ROWS } else { 50 }
}

/// A trainer of a small network. More than a block of 4096 parameters, so that threads share them.
fn trainer(descent: impl Into<Descent>) -> Trainer {
    let descent = descent.into();
    let size = batch(&descent.algorithm);
    Trainer::new(model(Stack::new(Lstm::new(3, 24)).then(Gru::new(24, 9)), 2), descent).batch_size(size).threads(2)
}

fn steps(trainer: &mut Trainer, epochs: u64) -> Vec<Step> {
    let data = signs(ROWS);
    let mut fit = trainer.fit(&data).unwrap().epochs(epochs);
    std::iter::from_fn(|| fit.next_step()).map(Result::unwrap).collect()
}

#[test]
fn every_optimizer_learns() {
    let data = signs(ROWS);
    for (name, algorithm) in algorithms() {
        let mut trainer = Trainer::new(model(Rnn::new(3, 16), 2), algorithm).batch_size(batch(&algorithm)).threads(2);
        let epochs = if algorithm.needs_full_batch() { 80 } else { 25 };
        steps(&mut trainer, epochs);
        let evaluation = trainer.evaluate(&data).unwrap();
        assert!(evaluation.accuracy > 0.93, "{name}: {evaluation:?}");
    }
}

#[test]
fn threads_change_no_bit() {
    for (name, algorithm) in algorithms() {
        let mut descent = Descent::new(algorithm);
        if !algorithm.needs_full_batch() {
            let schedule = Schedule::from(Decay::Cosine { minimum: 1e-4 }).warmup(3);
            descent = descent.schedule(schedule).clip_norm(0.1).clip_value(0.05).weight_decay(0.01);
        }
        let trained = |threads: usize| {
            let mut trainer = trainer(descent).threads(threads);
            steps(&mut trainer, 2);
            trainer.into_model().arrays()
        };
        let one = trained(1);
        for threads in [2, 3] {
            assert!(trained(threads) == one, "{name}: {threads} threads");
        }
    }
}

/// Each part of the settings reaches the weights.
#[test]
fn every_setting_changes_the_weights() {
    let trained = |descent: Descent| {
        let mut trainer = trainer(descent);
        steps(&mut trainer, 1);
        trainer.into_model().arrays()
    };
    for algorithm in [Adam::new(0.01).into(), Algorithm::from(AdamW::new(0.01)), Sgd::new(0.1).into()] {
        let plain = Descent::new(algorithm);
        let before = trained(plain);
        for descent in [
            plain.clip_norm(0.01),
            plain.clip_value(0.001),
            plain.weight_decay(0.1),
            plain.schedule(Schedule::default().warmup(5)),
            plain.schedule(Decay::Exponential { factor: 0.5 }),
        ] {
            assert!(trained(descent) != before, "{descent:?}");
        }
        // What is never reached changes no bit.
        assert!(trained(plain.clip_norm(1e6).clip_value(1e6)) == before, "{algorithm:?}");
    }
}

#[test]
fn a_clipped_gradient_moves_by_its_norm_and_the_norm_before_is_told() {
    let far = |descent: Descent| {
        let mut trainer = trainer(descent);
        let before = trainer.model().arrays();
        let data = signs(ROWS);
        let rows: Vec<u32> = (0..50).collect();
        let norm = trainer.train_rows(&data, &rows).unwrap().grad_norm;
        let after = trainer.model().arrays();
        let squares = before.iter().flat_map(|(name, array)| array.data.iter().zip(&after[name].data));
        (norm, squares.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt())
    };
    let plain = Descent::new(Sgd::new(1.0));
    let (norm, moved) = far(plain);
    assert!((moved - norm).abs() < 1e-4 * norm, "{moved} and {norm}");
    let (told, moved) = far(plain.clip_norm(norm / 4.0));
    assert_eq!(told, norm);
    assert!((moved - norm / 4.0).abs() < 1e-4 * norm, "{moved} and {norm} / 4");
}

/// Steps tell the rate that was used, and the run's length reaches the schedule.
#[test]
fn rates_follow_the_schedule() {
    let rates = |schedule: Schedule| {
        let steps = steps(&mut trainer(Sgd::new(0.1)).schedule(schedule), 4);
        let batches = steps[0].batches;
        (batches, steps.iter().map(|step| step.learning_rate).collect::<Vec<f64>>())
    };
    let (batches, found) = rates(Schedule::default().warmup(4));
    assert_eq!(found[..5], [0.025, 0.05, 0.1 * 0.75, 0.1, 0.1]);
    let (_, found) = rates(Decay::Step { factor: 0.5, every: 1, after: 2 }.into());
    let expected = [0.1, 0.1, 0.05, 0.025].into_iter().flat_map(|rate| vec![rate; batches]);
    assert_eq!(found, expected.collect::<Vec<f64>>());
    let (_, found) = rates(Decay::Cosine { minimum: 0.02 }.into());
    assert!((found[2 * batches] - 0.06).abs() < 1e-12, "half of the run: {found:?}");
    assert!(found.is_sorted_by(|a, b| a > b) && found[4 * batches - 1] < 0.021, "{found:?}");

    // A run in two calls of fit sees the same rates as in one, where the first is told to go on to the end.
    let mut trainer = trainer(Sgd::new(0.1)).schedule(Decay::Exponential { factor: 0.5 });
    let mut halves = steps(&mut trainer, 2);
    halves.extend(steps(&mut trainer, 2));
    let halves: Vec<f64> = halves.iter().map(|step| step.learning_rate).collect();
    assert_eq!(halves, rates(Decay::Exponential { factor: 0.5 }.into()).1);
}

#[test]
fn a_plateau_reduces_the_rate_after_its_patience() {
    let decay = Decay::Plateau { factor: 0.5, patience: 2, minimum: 0.02, threshold: 0.1 };
    let mut trainer = trainer(Sgd::new(0.1)).schedule(decay);
    let data = signs(ROWS);
    let rows: Vec<u32> = (0..50).collect();
    let mut found = Vec::new();
    // Better; not by a tenth; worse: the second in a row; better than the best by more than a tenth; then NaN counts too.
    for loss in [1.0, 0.95, 2.0, 0.8, f64::NAN, 0.8, 0.79, f64::NAN, 5.0, 5.0] {
        trainer.plateau(loss);
        found.push(trainer.train_rows(&data, &rows).unwrap().learning_rate);
    }
    assert_eq!(found, [0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.02, 0.02, 0.02]);
    // Losses below 0, as of densities.
    let mut trainer = self::trainer(Sgd::new(0.1)).schedule(decay);
    for loss in [-1.0, -1.05, -2.0, -2.1] {
        trainer.plateau(loss);
    }
    assert_eq!(trainer.train_rows(&data, &rows).unwrap().learning_rate, 0.1);
    trainer.plateau(-2.1);
    assert_eq!(trainer.train_rows(&data, &rows).unwrap().learning_rate, 0.05);
}

#[test]
fn what_cannot_train_is_refused_by_name() {
    let data = signs(ROWS);
    let refused = |descent: Descent, words: &str| {
        let mut trainer = trainer(Adam::new(0.1));
        trainer.descent = descent;
        let message = trainer.fit(&data).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.starts_with(words), "{message:?}, not {words:?}");
    };
    let adam = Descent::new(Adam::new(0.1));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e39] {
        refused(adam.clip_norm(bad), "clip_norm is ");
        refused(adam.clip_value(bad), "clip_value is ");
    }
    for bad in [-0.1, f64::NAN, f64::INFINITY] {
        refused(adam.weight_decay(bad), "weight_decay is ");
    }
    refused(adam.schedule(Decay::Exponential { factor: 2.0 }), "decay is 2");
    refused(adam.schedule(Decay::Cosine { minimum: 0.2 }), "min_learning_rate is 0.2; expected 0 to 0.1");
    refused(Sgd::new(0.1).momentum(1.0).into(), "momentum is 1; expected at least 0 and below 1");
    refused(Sgd::new(0.1).nesterov(true).into(), "momentum is 0; expected above 0 for Nesterov's");
    refused(Sgd::new(-0.1).into(), "learning_rate is -0.1");
    refused(RmsProp::new(0.1).decay(1.5).into(), "rms_decay is 1.5");
    refused(RmsProp::new(0.1).momentum(-0.5).into(), "momentum is -0.5");
    refused(RmsProp { epsilon: 0.0, ..RmsProp::new(0.1) }.into(), "epsilon is 0");
    refused(RmsProp { initial_mean_square: -1.0, ..RmsProp::new(0.1) }.into(), "initial_mean_square is -1");
    refused(Adagrad { initial_accumulator: 0.0, ..Adagrad::new(0.1) }.into(), "initial_accumulator is 0");
    refused(AdamW { beta1: 1.0, ..AdamW::new(0.1) }.into(), "beta1 is 1");
    let rprop = Rprop::default();
    refused(rprop.initial_step(100.0).into(), "initial_step is 100; expected 1e-6 to 50.0");
    refused(rprop.initial_step(f64::NAN).into(), "initial_step is NaN");
    refused(Rprop { increase: 1.0, ..rprop }.into(), "increase is 1; expected a finite number above 1");
    refused(Rprop { decrease: 1.0, ..rprop }.into(), "decrease is 1; expected above 0 and below 1");
    refused(Rprop { min_step: 0.0, ..rprop }.into(), "min_step is 0");
    refused(Rprop { max_step: f64::INFINITY, ..rprop }.into(), "max_step is inf");
    let rprop = Descent::new(rprop);
    refused(rprop.clip_norm(1.0), "clip_norm is not computed for rprop");
    refused(rprop.clip_value(1.0), "clip_value is not computed for rprop");
    refused(rprop.weight_decay(0.1), "weight_decay is not computed for rprop");
    refused(rprop.schedule(Decay::plateau()), "schedule is not computed for rprop");
    refused(rprop.schedule(Schedule::default().warmup(1)), "warmup is not computed for rprop");
}

#[test]
fn an_optimizer_that_keeps_other_arrays_cannot_take_over() {
    let data = signs(ROWS);
    let rows: Vec<u32> = (0..50).collect();
    let mut trainer = trainer(Adam::new(0.01));
    trainer.train_rows(&data, &rows).unwrap();
    let before = trainer.model().arrays();
    trainer.descent = Sgd::new(0.01).into();
    let message = trainer.train_rows(&data, &rows).unwrap_err().to_string();
    assert!(
        message.starts_with("optimizer is sgd, which keeps []; expected one that keeps [\"m\", \"v\"]"),
        "{message}"
    );
    assert_eq!((trainer.model().arrays(), trainer.steps_done()), (before, 1));
    // AdamW keeps the same.
    trainer.descent = AdamW::new(0.01).into();
    trainer.train_rows(&data, &rows).unwrap();
}

#[test]
fn memory_counts_the_moments() {
    for (name, algorithm) in algorithms() {
        let trainer = trainer(algorithm);
        let (stack, head) = (trainer.model().stack(), trainer.model().head());
        let bytes =
            |moments| Memory::of_training(stack, head, 6, trainer.batch_size.of(64), trainer.threads, moments).model;
        let count = match name {
            "sgd" => 0,
            "momentum" | "nesterov" | "rmsprop" | "adagrad" => 1,
            _ => 2,
        };
        assert_eq!(algorithm.moments().len(), count, "{name}");
        assert_eq!(trainer.memory(6).unwrap().1.model, bytes(count), "{name}");
        assert!(bytes(1) - bytes(0) >= trainer.model().parameter_count() * size_of::<f32>());
    }
}

#[test]
fn early_stopping_keeps_the_best() {
    let models: Vec<Model> = (1..=7).map(|k| scaled(0.1 * k as f32)).collect();
    let mut stopping = EarlyStopping::new(2);
    let mut untouched = scaled(9.0);
    stopping.restore(&mut untouched).unwrap();
    assert_eq!(untouched.arrays(), scaled(9.0).arrays(), "nothing was seen yet");
    let losses = [f64::NAN, 3.0, 2.0, f64::NAN, 1.0, 1.0, 1.5];
    let expected = [
        Decision::Wait,
        Decision::Better,
        Decision::Better,
        Decision::Wait,
        Decision::Better,
        Decision::Wait,
        Decision::Stop,
    ];
    for ((&loss, model), expected) in losses.iter().zip(&models).zip(expected) {
        assert_eq!(stopping.seen(loss, model), expected, "{loss}");
    }
    assert_eq!((stopping.best, stopping.epochs), (Some((1.0, 5)), 7));
    stopping.restore(&mut untouched).unwrap();
    assert_eq!(untouched.arrays(), models[4].arrays());

    let message = stopping.restore(&mut model(Rnn::new(3, 40), 2)).unwrap_err().to_string();
    assert!(message.starts_with("the best model, by its parameters, has shape"), "{message}");
    assert!(EarlyStopping::new(0).check().unwrap_err().to_string().starts_with("early_stopping is 0"));
    let mut never = EarlyStopping::new(2);
    let verdicts = [(); 3].map(|()| never.seen(f64::NAN, &models[0]));
    assert_eq!((verdicts, never.best), ([Decision::Wait, Decision::Stop, Decision::Stop], None));
}

/// A model whose weights are all alike.
fn scaled(value: f32) -> Model {
    let mut model = model(Rnn::new(3, 4), 2);
    let mut arrays = model.arrays();
    arrays.values_mut().for_each(|array| array.data.fill(value));
    model.set_arrays(&arrays).unwrap();
    model
}

#[test]
fn settings_survive_their_text() {
    for (name, algorithm) in algorithms() {
        for decay in [Decay::Constant, Decay::Step { factor: 0.5, every: 2, after: 3 }, Decay::plateau()] {
            let descent = Descent::new(algorithm).schedule(Schedule::from(decay).warmup(7)).clip_norm(2.5);
            let text = serde_json::to_string(&descent).unwrap();
            assert_eq!(serde_json::from_str::<Descent>(&text).unwrap(), descent, "{name}: {text}");
        }
    }
}
