//! A run that is cut and resumed is the run without a break, bit for bit.

use std::collections::BTreeMap;

use crate::support::networks::{LSTM_NOISE, RNN_NOISE, windowed};
use crate::support::tasks::{EveryStep, labels, model, neighbours, signs};
use elman::formats::Array;
use elman::{
    Adagrad, Adam, AdamW, Arithmetic, Arrays, BatchSize, Checkpoint, Decay, Decision, Descent, EarlyStopping, Fit, Gru,
    Head, Labelled, Layer, Lstm, Model, RmsProp, Rnn, Rprop, Schedule, Sgd, Stack, Step, Trainer,
};

const EPOCHS: u64 = 4;

/// What a run leaves: its steps, and the weights in the end.
#[derive(Debug, PartialEq)]
struct Left {
    steps: Vec<Step>,
    arrays: BTreeMap<String, Array>,
    rate_reduced: bool,
}

/// How data is read.
#[derive(Clone, Copy)]
enum Reading {
    Rows,
    Streams { window: usize, carry: bool },
}

/// A run: a trainer, data, and what is done at the end of an epoch.
struct Run<'a, D> {
    trainer: &'a dyn Fn() -> Trainer,
    data: &'a D,
    reading: Reading,
    /// Data for validation, and the patience of early stopping.
    validation: Option<(&'a D, u64)>,
}

impl<D: Labelled> Run<'_, D> {
    fn fit<'t>(&'t self, trainer: &'t mut Trainer) -> Fit<'t, D> {
        let fit = match self.reading {
            Reading::Rows => trainer.fit(self.data).unwrap(),
            Reading::Streams { window, carry: true } => trainer.fit_streams(self.data, window).unwrap(),
            Reading::Streams { window, .. } => trainer.fit_streams(self.data, window).unwrap().without_carried_state(),
        };
        fit.epochs(EPOCHS)
    }

    /// Trains from a checkpoint, or from the beginning; through files and new trainers after each step of `cuts`.
    fn train(&self, threads: &[usize], cuts: &[u64]) -> Left {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let mut steps = Vec::new();
        let mut cuts = cuts.iter();
        let mut threads = threads.iter().cycle();
        let mut stopping = self.validation.map(|(_, patience)| EarlyStopping::new(patience));
        let mut first = true;
        loop {
            let cut = cuts.next();
            let mut trainer = (self.trainer)().threads(*threads.next().unwrap());
            let mut fit = self.fit(&mut trainer);
            if !first {
                let checkpoint = Checkpoint::load(&path).unwrap();
                fit = fit.resume(&checkpoint).unwrap();
                assert_eq!(fit.trainer().steps_done(), checkpoint.step());
                stopping = checkpoint.stopping(fit.trainer().model()).unwrap();
            }
            first = false;
            let ended = self.go(&mut fit, &mut stopping, cut.copied(), &mut steps);
            if !ended {
                let checkpoint = fit.checkpoint();
                match &stopping {
                    Some(stopping) => checkpoint.with_stopping(stopping).save(&path).unwrap(),
                    None => checkpoint.save(&path).unwrap(),
                }
                continue;
            }
            if let Some(stopping) = &stopping {
                trainer.restore(stopping).unwrap();
            }
            let rates: Vec<f64> = steps.iter().map(|step: &Step| step.learning_rate).collect();
            let arrays = trainer.into_model().arrays();
            return Left { rate_reduced: rates.first() > rates.last(), steps, arrays };
        }
    }

    /// Steps up to a cut; true where the run has ended.
    fn go(
        &self,
        fit: &mut Fit<'_, D>,
        stopping: &mut Option<EarlyStopping>,
        cut: Option<u64>,
        steps: &mut Vec<Step>,
    ) -> bool {
        if stopping.as_ref().is_some_and(EarlyStopping::is_over) {
            return true;
        }
        loop {
            if cut.is_some_and(|cut| fit.trainer().steps_done() >= cut) {
                return false;
            }
            let Some(step) = fit.next_step() else { return true };
            let step = step.unwrap();
            steps.push(step);
            if let (Some((validation, _)), true) = (self.validation, step.batch == step.batches) {
                let loss = match self.reading {
                    Reading::Rows => fit.trainer().evaluate(validation).unwrap().loss,
                    Reading::Streams { window, .. } => fit.trainer().evaluate_streams(validation, window).unwrap().loss,
                };
                fit.trainer().plateau(loss);
                let verdict = stopping.as_mut().map(|stopping| stopping.seen(loss, &fit.trainer().averaged()));
                if verdict == Some(Decision::Stop) {
                    return cut.is_none_or(|cut| fit.trainer().steps_done() < cut);
                }
            }
        }
    }

    /// Cut before the first step, after it, inside epochs, at their ends, and at the very end; once and many times.
    fn check(&self, what: &str) -> Left {
        let whole = self.train(&[2], &[]);
        let (all, batches) = (whole.steps.len() as u64, whole.steps[0].batches as u64);
        for cut in [0, 1, batches - 1, batches, batches + 1, 2 * batches - 1, 2 * batches, all - 1, all] {
            let cut = cut.min(all);
            assert!(self.train(&[1, 3], &[cut]) == whole, "{what}, cut after step {cut} of {all}");
        }
        let every: Vec<u64> = (1..=all).collect();
        assert!(self.train(&[3, 1, 2], &every) == whole, "{what}, cut after each step");
        whole
    }
}

fn rows(what: &str, trainer: &dyn Fn() -> Trainer) -> Left {
    let data = signs(50);
    Run { trainer, data: &data, reading: Reading::Rows, validation: None }.check(what)
}

fn lstm() -> Model {
    model(Lstm::new(3, 7), 2)
}

#[test]
fn every_optimizer_goes_on() {
    let mini: [(&str, Descent); 9] = [
        ("sgd", Sgd::new(0.1).into()),
        ("momentum", Sgd { momentum: 0.9, ..Sgd::new(0.1) }.into()),
        ("nesterov", Sgd { momentum: 0.9, nesterov: true, ..Sgd::new(0.1) }.into()),
        ("rmsprop", RmsProp::new(0.01).into()),
        ("rmsprop with momentum", RmsProp { momentum: 0.5, ..RmsProp::new(0.01) }.into()),
        ("adagrad", Adagrad::new(0.1).into()),
        ("adam", Descent::new(Adam::new(0.01)).weight_decay(0.1).clip_norm(0.1)),
        ("adamw", Descent::new(AdamW::new(0.01)).clip_value(0.01)),
        ("adam, a large rate", Adam::new(0.3).into()),
    ];
    for (what, descent) in mini {
        rows(what, &|| Trainer::new(lstm(), descent).batch_size(16));
    }
    for (what, descent) in
        [("rprop", Rprop::default()), ("rprop+", Rprop { variant: elman::RpropVariant::Plus, ..Rprop::default() })]
    {
        // So large a first step size that the loss grows: iRprop⁺ then takes steps back.
        let descent = Rprop { initial_step: 2.0, ..descent };
        let left = rows(what, &|| Trainer::new(lstm(), descent).batch_size(BatchSize::Full));
        assert!(left.steps.windows(2).any(|two| two[0].loss < two[1].loss), "{what}: the loss has not grown");
    }
}

#[test]
fn every_arithmetic_goes_on() {
    for arithmetic in Arithmetic::ALL {
        rows(arithmetic.name(), &|| Trainer::new(lstm().arithmetic(arithmetic), Adam::new(0.01)).batch_size(16));
    }
}

#[test]
fn every_schedule_goes_on() {
    for (what, schedule) in [
        ("warm-up", Schedule::default().warmup(5)),
        ("step", Decay::Step { factor: 0.5, every: 1, after: 1 }.into()),
        ("exponential", Decay::Exponential { factor: 0.5 }.into()),
        ("cosine", Schedule::from(Decay::Cosine { minimum: 0.001 }).warmup(2)),
    ] {
        let left = rows(what, &|| Trainer::new(lstm(), Adam::new(0.02)).schedule(schedule).batch_size(16));
        assert_ne!(left.steps[0].learning_rate, left.steps[left.steps.len() - 1].learning_rate, "{what}");
    }
}

#[test]
fn masks_micro_batches_weights_and_parts_go_on() {
    let noisy = || {
        let stack = Stack::new(Layer::new(Lstm::new(3, 8).noise(LSTM_NOISE)).dropout(0.3))
            .then(Layer::new(Gru::new(8, 8)).residual(true).dropout(0.2))
            .then(Rnn::new(8, 5).noise(RNN_NOISE));
        Trainer::new(model(stack, 2), Adam::new(0.01)).batch_size(20).micro_batch(7).truncate(3)
    };
    rows("masks", &|| noisy().class_weights(vec![1.0, 2.5]).label_smoothing(0.1));
    rows("windows", &|| Trainer::new(model(windowed().remove(0).1, 2), Adam::new(0.01)).batch_size(20));
    // One fewer row a thread at a time leaves the same bits: the budget is not among the terms.
    rows("batches of one", &|| Trainer::new(model(Rnn::new(3, 5), 2), Adam::new(0.01)).batch_size(25).seed(u64::MAX));
}

#[test]
fn streams_go_on_with_their_state() {
    let data = neighbours(13, 23, false);
    let stack =
        || Stack::new(Layer::new(Lstm::new(1, 6).projection(3).noise(LSTM_NOISE)).dropout(0.3)).then(Gru::new(3, 5));
    for carry in [true, false] {
        for window in [4, 23] {
            let trainer = || Trainer::new(model(stack(), Head::every_step(2)), Adam::new(0.02));
            let reading = Reading::Streams { window, carry };
            Run { trainer: &trainer, data: &data, reading, validation: None }.check("streams");
        }
    }
    // The carried state is what makes the difference.
    let mut trainer = Trainer::new(model(Gru::new(1, 5), Head::every_step(2)), Adam::new(0.02));
    let mut fit = trainer.fit_streams(&data, 4).unwrap();
    fit.next_step().unwrap().unwrap();
    let checkpoint = fit.checkpoint().into_owned();
    let carried = fit.trainer().carried_state().cloned();
    let mut other = Trainer::new(model(Gru::new(1, 5), Head::every_step(2)), Adam::new(0.02));
    let mut fit = other.fit_streams(&data, 4).unwrap().resume(&checkpoint).unwrap();
    assert!(carried.is_some() && fit.trainer().carried_state() == carried.as_ref());
}

#[test]
fn plateaus_and_early_stopping_go_on() {
    let (data, validation) = (signs(50), signs(21));
    let plateau = Decay::Plateau { factor: 0.5, patience: 1, minimum: 0.0, threshold: 0.2 };
    let trainer = || Trainer::new(lstm(), Adam::new(0.05)).schedule(plateau).batch_size(16);
    // Patience that lasts, and that does not.
    for patience in [10, 1] {
        let run =
            Run { trainer: &trainer, data: &data, reading: Reading::Rows, validation: Some((&validation, patience)) };
        let left = run.check("early stopping");
        assert!(patience == 1 || left.rate_reduced, "no plateau");
    }
    // An epoch that is waited for and one that is not, on both sides of a cut.
    let patient = Decay::Plateau { factor: 0.5, patience: 2, minimum: 0.0, threshold: 0.9 };
    let trainer = || Trainer::new(lstm(), Adam::new(0.05)).schedule(patient).batch_size(16);
    let run = Run { trainer: &trainer, data: &data, reading: Reading::Rows, validation: Some((&validation, 10)) };
    assert!(run.check("a patient plateau").rate_reduced, "no plateau");
    let streams: [EveryStep; 2] = [neighbours(9, 20, false), neighbours(5, 20, false)];
    let trainer = || Trainer::new(model(Gru::new(1, 6), Head::every_step(2)), RmsProp::new(0.05)).schedule(plateau);
    let reading = Reading::Streams { window: 6, carry: true };
    Run { trainer: &trainer, data: &streams[0], reading, validation: Some((&streams[1], 1)) }
        .check("streams that stop");
}

#[test]
fn averaged_weights_go_on() {
    let (data, validation) = (signs(50), signs(21));
    let trainer = || Trainer::new(lstm(), Adam::new(0.05)).batch_size(16).weight_average(0.9);
    let left = rows("an average", &trainer);
    assert_ne!(left.arrays, rows("no average", &|| Trainer::new(lstm(), Adam::new(0.05)).batch_size(16)).arrays);
    for patience in [10, 1] {
        let run =
            Run { trainer: &trainer, data: &data, reading: Reading::Rows, validation: Some((&validation, patience)) };
        run.check("an average and early stopping");
    }
}

#[test]
fn early_stopping_ends_in_the_same_epoch_with_the_same_weights() {
    let (data, mut validation) = (signs(50), signs(21));
    // Labels turned round: the better it learns, the worse it gets there.
    labels(&mut validation).mapv_inplace(|label| 1 - label);
    let trainer = || Trainer::new(lstm(), Adam::new(0.05)).batch_size(16);
    let run = Run { trainer: &trainer, data: &data, reading: Reading::Rows, validation: Some((&validation, 2)) };
    let left = run.check("a run that gets worse");
    assert!(left.steps.len() < 4 * left.steps[0].batches, "it did not stop");
}

/// The loss that is not finite is that of the step after the cut: the weights to keep are those of the step before it.
#[test]
fn a_run_that_diverges_leaves_the_same_weights() {
    let data = signs(50);
    let trainer =
        || Trainer::new(model(Rnn::new(3, 6).activation(elman::Activation::Relu), 2), Sgd::new(1e25)).batch_size(16);
    let ended = |fit: &mut Fit<'_, Arrays>| loop {
        match fit.next_step().unwrap() {
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
    };
    let mut whole = trainer();
    let error = ended(&mut whole.fit(&data).unwrap());
    assert!(error.contains("not finite") || error.contains("NaN") || error.contains("inf"), "{error}");
    for cut in 0..=whole.steps_done() {
        let mut first = trainer();
        let mut fit = first.fit(&data).unwrap();
        (0..cut).for_each(|_| assert!(fit.next_step().unwrap().is_ok()));
        let checkpoint = fit.checkpoint();
        let mut second = trainer();
        assert_eq!(ended(&mut second.fit(&data).unwrap().resume(&checkpoint).unwrap()), error, "cut after {cut}");
        assert_eq!(second.model().arrays(), whole.model().arrays(), "cut after {cut}");
    }
}

#[test]
fn a_loop_of_one_s_own_goes_on() {
    let data = signs(30);
    let trainer = || Trainer::new(lstm(), Adam::new(0.02));
    let train = |trainer: &mut Trainer, batches: std::ops::Range<u32>| {
        for batch in batches {
            trainer.train_rows(&data, &[batch, batch + 7, batch + 9]).unwrap();
        }
    };
    let mut whole = trainer();
    train(&mut whole, 0..9);
    let (mut first, mut second) = (trainer(), trainer());
    train(&mut first, 0..4);
    second.resume(&first.checkpoint()).unwrap();
    train(&mut second, 4..9);
    assert_eq!(whole.model().arrays(), second.model().arrays());
    assert_eq!(second.steps_done(), 9);
}

#[test]
fn another_run_is_refused_by_what_is_other() {
    let data = signs(50);
    let trainer = || Trainer::new(lstm(), Adam::new(0.01)).batch_size(16);
    let mut begun = trainer();
    let mut fit = begun.fit(&data).unwrap().epochs(2);
    fit.next_step().unwrap().unwrap();
    let checkpoint = fit.checkpoint().into_owned();
    let refused = |mut trainer: Trainer, data: &Arrays, words: &[&str]| {
        let before = trainer.model().arrays();
        let message = trainer.fit(data).unwrap().epochs(2).resume(&checkpoint).err().unwrap().to_string();
        words.iter().for_each(|word| assert!(message.contains(word), "no {word:?} in: {message}"));
        assert_eq!((trainer.model().arrays(), trainer.steps_done()), (before, 0));
    };
    refused(trainer().seed(5), &data, &["seed is 5; expected 111, as when training began"]);
    refused(trainer().batch_size(10), &data, &["batch_size is 10; expected 16"]);
    refused(trainer().micro_batch(4), &data, &["micro_batch is 4; expected 0"]);
    refused(trainer().truncate(2), &data, &["truncate is 2"]);
    refused(trainer().class_weights(vec![1.0, 2.0]), &data, &["the class weights is [1.0,2.0]"]);
    refused(trainer().label_smoothing(0.1), &data, &["the label smoothing is 0.1; expected 0.0"]);
    refused(trainer(), &signs(51), &["the data is 51 rows", "expected 50 rows"]);
    refused(
        Trainer::new(lstm(), Sgd::new(0.01)).batch_size(16),
        &data,
        &["the optimizer is algorithm = sgd; expected algorithm = adam"],
    );
    refused(
        Trainer::new(lstm(), Adam::new(0.02)).batch_size(16),
        &data,
        &["the optimizer is learning_rate = 0.02; expected learning_rate = 0.01, as when"],
    );
    refused(
        Trainer::new(model(Gru::new(3, 7), 2), Adam::new(0.01)).batch_size(16),
        &data,
        &["the network", "gru", "lstm"],
    );
    let noisy = Lstm::new(3, 7).noise(elman::Noise { zoneout: 0.1, ..elman::Noise::default() });
    refused(Trainer::new(model(noisy, 2), Adam::new(0.01)).batch_size(16), &data, &["the network", "zoneout"]);
    refused(Trainer::new(model(Lstm::new(3, 7), 3), Adam::new(0.01)).batch_size(16), &data, &["the head"]);

    // In the middle of an epoch, only the call of fit that it came from ends it.
    let message = trainer().resume(&checkpoint).unwrap_err().to_string();
    assert!(message.contains("1 batches into an epoch") && message.contains("Fit::resume"), "{message}");
    // Epochs may be added where no rate depends on their number, and none that are done be taken away.
    let mut more = trainer();
    assert!(more.fit(&data).unwrap().epochs(9).resume(&checkpoint).is_ok());
    let mut fit = begun.fit(&data).unwrap().epochs(3);
    while fit.next_step().is_some() {}
    let message = trainer().fit(&data).unwrap().epochs(2).resume(&fit.checkpoint()).err().unwrap().to_string();
    assert!(message.starts_with("num_epoch is 2; expected at least 3"), "{message}");
    let cosine = || trainer().schedule(Decay::Cosine { minimum: 0.0 });
    let mut begun = cosine();
    let checkpoint = begun.fit(&data).unwrap().epochs(3).checkpoint().into_owned();
    let message = cosine().fit(&data).unwrap().epochs(4).resume(&checkpoint).err().unwrap().to_string();
    assert!(message.starts_with("num_epoch is 4; expected 3"), "{message}");
}

#[test]
fn a_file_with_a_changed_bit_is_refused() {
    let data = signs(20);
    let mut trainer = Trainer::new(model(Rnn::new(3, 2), 2), Adam::new(0.01)).batch_size(10);
    let mut fit = trainer.fit(&data).unwrap();
    fit.next_step().unwrap().unwrap();
    let mut stopping = EarlyStopping::new(3);
    stopping.seen(0.5, fit.trainer().model());
    let mut checkpoint = fit.checkpoint().with_stopping(&stopping);
    checkpoint.note = Some(serde_json::json!({"seconds": 1.5, "name": "wörd"}));
    let folder = tempfile::tempdir().unwrap();
    let [path, again] = ["checkpoint.safetensors", "again.safetensors"].map(|name| folder.path().join(name));
    checkpoint.save(&path).unwrap();
    let loaded = Checkpoint::load(&path).unwrap();
    assert_eq!(loaded.note.as_ref().unwrap()["name"], "wörd");
    loaded.save(&again).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
    // A plain safetensors file.
    assert_eq!(elman::formats::read(&path).unwrap().arrays.len(), 5 * 5);

    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bytes).unwrap();
        let message =
            Checkpoint::load(&path).err().unwrap_or_else(|| panic!("bit {} of byte {at}", at % 8)).to_string();
        assert!(message.contains("checkpoint.safetensors"), "{message}");
    }
    for end in [0, 7, 100, good.len() / 2, good.len() - 1] {
        std::fs::write(&path, &good[..end]).unwrap();
        assert!(Checkpoint::load(&path).is_err(), "cut at {end}");
    }
    trainer.model().save(&path).unwrap();
    let message = Checkpoint::load(&path).unwrap_err().to_string();
    assert!(message.contains("expected a checkpoint of training"), "{message}");
}
