//! What must hold for training: the bits, the sums, the settings.

use std::collections::BTreeMap;

use crate::support::networks::{LSTM_NOISE, NOISE, RNN_NOISE, windowed};
use crate::support::tasks::{labels, model, neighbours, signs};
use elman::{
    Adam, Arrays, Error, Gru, Head, Isa, Labelled, Layer, Lstm, Merge, Model, Noise, Predictor, Rnn, Sequences, Stack,
    Trainer,
};
use ndarray::{Array1, Array3};

/// Both directions, every mask, a head on the last state or on every step.
fn noisy() -> Stack {
    Stack::new(Layer::new(Lstm::new(3, 9).noise(LSTM_NOISE).projection(5)).bidirectional(Merge::Concat).dropout(0.3))
        .then(Layer::new(Gru::new(10, 5).noise(NOISE)).bidirectional(Merge::Sum).dropout(0.2))
        .then(Rnn::new(5, 7).noise(RNN_NOISE))
}

fn fit<D: Labelled>(trainer: &mut Trainer, data: &D, epochs: u64) {
    for epoch in trainer.fit(data).unwrap().epochs(epochs) {
        epoch.unwrap();
    }
}

fn trained(stack: &Stack, head: Head, batch: usize, threads: usize, isa: Isa, seed: u64) -> Model {
    // Of which 300 and a few have a step.
    let data = signs(360);
    let trainer = Trainer::new(model(stack.clone(), head.clone()), Adam::new(0.01)).batch_size(batch);
    let mut trainer = trainer.threads(threads).isa(isa).seed(seed);
    fit(&mut trainer, &data, 1);
    trainer.into_model()
}

#[test]
fn the_thread_count_changes_no_bit_and_the_seed_does() {
    let stacks: [(Stack, usize); 8] = [
        (windowed().remove(0).1, 100),
        (Rnn::new(3, 7).into(), 33),
        (Rnn::new(3, 33).into(), 100),
        (Rnn::new(3, 80).into(), 300),
        (Lstm::new(3, 17).peepholes(true).into(), 100),
        (Gru::new(3, 20).into(), 100),
        (noisy(), 100),
        (noisy(), 300),
    ];
    for isa in Isa::available() {
        for (stack, batch) in &stacks {
            for head in [Head::last_state(2), Head::every_step(2)] {
                let one = trained(stack, head.clone(), *batch, 1, isa, 111).arrays();
                for threads in [2, 3, 8] {
                    let other = trained(stack, head.clone(), *batch, threads, isa, 111).arrays();
                    assert!(other == one, "{isa}, {threads} threads, {head:?}: {stack:?}");
                }
                let other = trained(stack, head.clone(), *batch, 2, isa, 112).arrays();
                assert!(other != one, "another seed, another order");
            }
        }
    }
}

#[test]
fn training_learns_and_prediction_agrees_with_evaluation() {
    let data = signs(1000);
    let noise = Noise { zoneout: 0.05, ..Noise::default() };
    let stacks: [Stack; 4] = [
        Rnn::new(3, 16).into(),
        Lstm::new(3, 12).layer_norm(true).into(),
        Stack::new(Layer::new(Gru::new(3, 8)).dropout(0.1)).then(Lstm::new(8, 8).noise(noise)),
        Layer::new(Gru::new(3, 8)).bidirectional(Merge::Sum).into(),
    ];
    for stack in stacks {
        let mut trainer = Trainer::new(model(stack.clone(), 2), Adam::new(0.01)).batch_size(50).threads(2);
        fit(&mut trainer, &data, 30);
        assert_eq!((trainer.epochs_done(), trainer.steps_done()), (30, 600));
        let evaluation = trainer.evaluate(&data).unwrap();
        assert!(evaluation.accuracy > 0.95, "{evaluation:?}: {stack:?}");
        let mut predictor = Predictor::new(trainer.into_model(), 3);
        assert_eq!(predictor.evaluate(&data).unwrap(), evaluation);
        let probabilities = predictor.predict(&data).unwrap();
        let label = |row: usize| data.target().class(row, None).unwrap();
        let right = (0..data.len())
            .filter(|&row| elman::most_probable(&probabilities.row(row).to_vec()) == Some(label(row)))
            .count();
        assert_eq!(right, evaluation.correct);
        let loss: f64 =
            (0..data.len()).map(|row| -f64::from(probabilities[[row, label(row)]]).ln()).sum::<f64>() / 1000.0;
        assert!((loss - evaluation.loss).abs() < 1e-5, "{loss}, {evaluation:?}");
        assert!(probabilities.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-5));
        let error = predictor.predict_steps(&data, 0).unwrap_err().to_string();
        assert_eq!(error, "the head is one on the last state; expected one on every step; see predict");
    }
}

/// The gradient of a batch is that of its rows, however they are cut: 300 rows are 19 or 10 tiles in groups. A row
/// counts by its classes: one, or one for each step.
#[test]
fn the_gradient_of_a_batch_is_the_mean_of_its_rows() {
    let data = signs(300);
    let stacks: [Stack; 4] = [
        Rnn::new(3, 20).into(),
        Rnn::new(3, 80).into(),
        Stack::new(Layer::new(Lstm::new(3, 6)).bidirectional(Merge::Concat)).then(Gru::new(12, 5)),
        Layer::new(Gru::new(3, 3)).residual(true).into(),
    ];
    for stack in stacks {
        for head in [Head::last_state(2), Head::every_step(2)] {
            let mut trainer =
                Trainer::new(model(stack.clone(), head.clone()), Adam::new(0.01)).batch_size(300).threads(2);
            let all: Vec<u32> = (0..300).collect();
            let (whole, gradient) = trainer.gradient(&data, &all).unwrap();
            let counts = |row: u32| if head == Head::last_state(2) { 1 } else { data.length(row as usize) };
            let count: usize = all.iter().map(|&row| counts(row)).sum();
            assert_eq!(whole.rows, count);
            let (mut loss, mut sums) = (0.0, BTreeMap::<String, Vec<f64>>::new());
            for &row in &all {
                let weight = counts(row) as f64 / count as f64;
                if weight == 0.0 {
                    assert!(trainer.gradient(&data, &[row]).is_err(), "a row of no step alone");
                    continue;
                }
                let (one, part) = trainer.gradient(&data, &[row]).unwrap();
                loss += one.loss * weight;
                for (name, array) in part {
                    let sum = sums.entry(name).or_insert_with(|| vec![0.0; array.data.len()]);
                    sum.iter_mut().zip(&array.data).for_each(|(sum, x)| *sum += f64::from(*x) * weight);
                }
            }
            assert!((whole.loss - loss).abs() < 1e-6, "{} {loss}", whole.loss);
            for (name, array) in gradient {
                for (found, expected) in array.data.iter().zip(&sums[&name]) {
                    assert!((f64::from(*found) - expected).abs() < 1e-6, "{name}: {found}, {expected}");
                }
            }
        }
    }
}

/// A row's masks are its own, whatever batch it comes in.
#[test]
fn the_gradient_of_rows_under_masks_is_theirs_too() {
    let data = signs(60);
    for head in [Head::last_state(2), Head::every_step(2)] {
        let mut trainer = Trainer::new(model(noisy(), head.clone()), Adam::new(0.01)).batch_size(60).threads(2);
        let rows: Vec<u32> = (0..60).filter(|&row| data.length(row as usize) == 6).collect();
        let (_, whole) = trainer.gradient(&data, &rows).unwrap();
        let mut sums = crate::support::Arrays::new();
        for &row in rows.iter().rev() {
            let (_, mut one) = trainer.gradient(&data, &[row]).unwrap();
            one.values_mut().for_each(|array| array.data.iter_mut().for_each(|x| *x /= rows.len() as f32));
            crate::support::networks::add_arrays(&mut sums, &one);
        }
        crate::support::networks::assert_same_arrays("masks", &whole, &sums, crate::support::networks::ROUNDING);
    }
}

#[test]
fn a_memory_budget_changes_no_bit_and_is_kept() {
    let stack = Stack::new(Layer::new(Lstm::new(1, 20).noise(LSTM_NOISE)).dropout(0.2)).then(Gru::new(20, 12));
    let data = neighbours(70, 90, false);
    for head in [Head::last_state(2), Head::every_step(2)] {
        let mut arrays = data.arrays.clone();
        labels(&mut arrays).iter_mut().enumerate().for_each(|(row, label)| *label = row % 2);
        let run = |budget: Option<usize>| {
            let mut trainer =
                Trainer::new(model(stack.clone(), head.clone()), Adam::new(0.01)).batch_size(35).threads(2);
            trainer.memory_budget = budget;
            trainer.truncate = 25;
            let (part, memory) = trainer.memory(90).unwrap();
            let evaluation = if head == Head::last_state(2) {
                fit(&mut trainer, &arrays, 2);
                trainer.evaluate(&arrays)
            } else {
                fit(&mut trainer, &data, 2);
                trainer.evaluate(&data)
            };
            (part, memory.total(), trainer.model().arrays(), evaluation.unwrap())
        };
        let (part, most, whole, evaluation) = run(None);
        assert_eq!(part, 90);
        let refused = |budget: usize| {
            let trainer = Trainer::new(model(stack.clone(), head.clone()), Adam::new(0.01)).batch_size(35).threads(2);
            trainer.memory_budget(budget).memory(90).unwrap_err().to_string()
        };
        let message = refused(1000);
        // The least, then what it is made of.
        let numbers = message.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
        let [budget, least, parameters, groups, workspaces, threads, saving] = numbers.collect::<Vec<usize>>()[..]
        else {
            panic!("{message}")
        };
        let made_of = format!(
            "{parameters} for the parameters, their gradient and moments, {groups} for the gradients of groups of rows, \
             {workspaces} for the workspaces of the threads (2), {saving} to save the model. Fewer threads, a smaller \
             batch or a smaller network take less"
        );
        let expected = |budget| format!("memory_budget is {budget} bytes; expected at least {least} bytes: {made_of}");
        assert_eq!((budget, threads, parameters + groups + workspaces + saving), (1000, 2, least));
        assert_eq!(message, expected(1000));
        assert_eq!(refused(least - 1), expected(least - 1));
        assert!(least < most / 2, "{least}, {most}");
        for budget in [least, (least + most) / 2, most - 1, most] {
            let (part, total, arrays, found) = run(Some(budget));
            assert!(total <= budget, "{total} bytes of {budget}");
            assert_eq!(part == 90, budget == most);
            assert!(arrays == whole, "{budget} bytes, parts of {part} steps");
            assert_eq!(found, evaluation);
        }
    }
}

#[test]
fn a_budget_that_cannot_be_kept_is_refused_before_the_start() {
    let data = signs(40);
    let both = Layer::new(Gru::new(3, 8)).bidirectional(Merge::Sum);
    let mut trainer = Trainer::new(model(both, 2), Adam::new(0.01)).batch_size(40).threads(1);
    let (_, memory) = trainer.memory(6).unwrap();
    trainer.memory_budget = Some(memory.total() - 1);
    let message = trainer.fit(&data).map(|_| ()).unwrap_err().to_string();
    let (budget, least) = (memory.total() - 1, memory.total());
    let because = "for a bidirectional layer needs whole sequences";
    let expected = format!("memory_budget is {budget} bytes; expected at least {least} bytes, {because}: ");
    assert!(message.starts_with(&expected), "{message}");
    trainer.memory_budget = Some(memory.total());
    fit(&mut trainer, &data, 1);
}

#[test]
fn memory_is_known_before_the_start() {
    let trainer = Trainer::new(model(Rnn::new(3, 128), 2), Adam::new(0.01)).batch_size(128).threads(2);
    let (part, memory) = trainer.memory(28).unwrap();
    // 2 tiles of 16 rows and 29 steps, 288 floats of history and tape each, are 1.1 MB; 8 gradients of 17,100 parameters
    // are 0.6 MB; five times the parameters, and once their transposes, 0.4 MB. To save them, a copy, 0.1 MB.
    assert!((2_000_000..2_500_000).contains(&memory.total()), "{memory:?}");
    assert_eq!(memory.total(), memory.model + memory.groups + memory.workspaces + memory.saving);
    assert_eq!(part, 28);
}

#[test]
fn truncation_cuts_the_gradient_and_not_the_loss() {
    let data = signs(50);
    let rows: Vec<u32> = (0..50).collect();
    for head in [Head::last_state(2), Head::every_step(2)] {
        let of = |steps: usize| {
            let trainer = Trainer::new(model(Lstm::new(3, 6), head.clone()), Adam::new(0.01)).batch_size(50);
            trainer.truncate(steps).gradient(&data, &rows).unwrap()
        };
        let (whole, cut) = (of(0), of(2));
        assert!(of(6) == whole, "a cut behind the end");
        assert_eq!(cut.0, whole.0, "the loss is that of the whole sequence");
        assert!(cut.1["layers.0.kernel"] != whole.1["layers.0.kernel"]);
        assert!(cut.1["head.kernel"] == whole.1["head.kernel"]);
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_before_the_weights_change() {
    for stack in [Stack::from(Rnn::new(3, 8)), Lstm::new(3, 8).into(), noisy()] {
        let mut data = signs(64);
        data.xs.fill(f32::NAN);
        data.lengths.fill(6);
        let mut trainer = Trainer::new(model(stack, 2), Adam::new(0.01)).batch_size(32);
        let before = trainer.model().arrays();
        let error = trainer.fit(&data).unwrap().next_step().unwrap().unwrap_err();
        assert!(matches!(error, Error::Diverged { what: "loss", step: 1, epoch: 1, .. }), "{error}");
        assert_eq!(trainer.model().arrays(), before);
    }
}

#[test]
fn settings_that_cannot_train_are_refused() {
    let data = signs(10);
    let refuse = |trainer: &mut Trainer| trainer.fit(&data).map(|_| ()).unwrap_err().to_string();
    let trainer = || Trainer::new(model(Rnn::new(3, 8), 2), Adam::new(0.01)).batch_size(10);
    assert_eq!(refuse(&mut trainer().batch_size(0)), "batch_size is 0; expected 1 to 10, the rows of the training set");
    assert!(refuse(&mut trainer().batch_size(11)).starts_with("batch_size is 11; expected 1 to 10"));
    let mut nan = trainer();
    nan.descent = Adam::new(f64::NAN).into();
    assert_eq!(
        refuse(&mut nan),
        "learning_rate is NaN; expected a finite number above 0, from 1.1754944e-38 to 3.4028235e38"
    );
    let mut wrong = signs(10);
    labels(&mut wrong)[3] = 2;
    let message = trainer().fit(&wrong).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "label 2 of row 3; the model has classes 0 to 1");
    let mut steps = neighbours(10, 5, false);
    steps.answers[[4, 2]] = 7;
    let on_steps = model(Rnn::new(1, 8), Head::every_step(2));
    let message =
        Trainer::new(on_steps, Adam::new(0.01)).batch_size(10).fit(&steps).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "label 7 of row 4; the model has classes 0 to 1");
    let wide = Arrays::classes(Array3::zeros((10, 6, 4)), Array1::zeros(10)).unwrap();
    let message = trainer().fit(&wide).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "the data has shape [10, 6, 4]; expected [10, 6, 3]");
    assert!(Arrays::classes(Array3::zeros((10, 6, 4)), Array1::zeros(9)).is_err());
    assert!(trainer().train_rows(&data, &[10]).unwrap_err().to_string().contains("below 10"));
    assert!(trainer().train_rows(&data, &[]).is_err());
    let mut long = signs(10);
    long.lengths[2] = 7;
    let message = trainer().fit(&long).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "sequence length 7 of row 2 exceeds the 6 steps of the data");
    let tokens = model(Stack::new(Rnn::new(3, 8)).embedding(4), 2);
    let data = Arrays::classes(Array3::from_elem((10, 6, 1), 4.0), Array1::zeros(10)).unwrap();
    let message = Trainer::new(tokens, Adam::new(0.01)).batch_size(10).fit(&data).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "step 0 of row 0 is 4; expected a token, a whole number from 0 to 3");
}

/// A head on every step has nothing to score in a row without steps.
#[test]
fn rows_without_steps_are_left_out_or_refused_where_each_step_is_scored() {
    let trainer = |reads: fn(usize) -> Head, batch: usize| {
        Trainer::new(model(Gru::new(3, 5), reads(2)), Adam::new(0.01)).batch_size(batch).threads(2)
    };
    // Nine rows of ten have no step: batches of them alone would be drawn in each epoch.
    let few = || {
        let mut data = signs(60);
        data.lengths = Array1::from_shape_fn(60, |row| if row % 10 == 3 { 4 } else { 0 });
        data
    };
    let data = few();
    let mut every = trainer(Head::every_step, 2);
    let mut training = every.fit(&data).unwrap().epochs(5);
    assert_eq!(training.batches(), 3);
    while let Some(step) = training.next_step() {
        let step = step.unwrap();
        assert!(step.loss.is_finite() && step.grad_norm > 0.0, "{step:?}");
    }
    assert_eq!(every.evaluate(&data).unwrap().rows, 6 * 4);
    // They change nothing: without them the epochs' batches are of the same rows, and a batch beside them is as without.
    let with = every.gradient(&data, &[0, 1, 3, 4, 13]).unwrap();
    assert!(with == every.gradient(&data, &[3, 13]).unwrap());
    let message = trainer(Head::every_step, 7).fit(&data).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "batch_size is 7; expected 1 to 6, the rows of the training set that have a step");
    let expected = "; expected a row of 1 step or more, for the head scores every step; or a head on the last state";
    let message = every.train_rows(&data, &[4, 5]).unwrap_err().to_string();
    assert_eq!(message, format!("the batch is without a single step (rows 4, 5){expected}"));
    assert_eq!(every.gradient(&data, &[4, 5]).unwrap_err().to_string(), message);
    let none = Arrays { lengths: Array1::zeros(60), ..few() };
    let expected = format!("the data set is without a single step (rows 0, 1, 2, 3, 4, …){expected}");
    assert_eq!(every.fit(&none).map(|_| ()).unwrap_err().to_string(), expected);
    assert_eq!(every.evaluate(&none).unwrap_err().to_string(), expected);
    let mut predictor = Predictor::new(every.into_model(), 1);
    assert_eq!(predictor.evaluate(&none).unwrap_err().to_string(), expected);

    // A head on the last state reads the initial one.
    let mut last = trainer(Head::last_state, 60);
    fit(&mut last, &none, 2);
    assert_eq!(last.evaluate(&none).unwrap().rows, 60);
    let empty = Arrays::classes(Array3::zeros((0, 6, 3)), Array1::zeros(0)).unwrap();
    let expected = "the data set is empty; expected at least one row";
    assert_eq!(last.evaluate(&empty).unwrap_err().to_string(), expected);
    assert_eq!(last.fit(&empty).map(|_| ()).unwrap_err().to_string(), expected);
}
