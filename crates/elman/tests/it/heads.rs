//! Layers without a state, and heads: hidden layers, what they read, values; against PyTorch and Keras, and their laws.
//! The files and the scripts that make them are in `golden/`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::networks::{LSTM_NOISE, inputs};
use crate::support::tasks::model;
use crate::support::{Arrays, assert_close, cube, golden, largest};
use elman::{
    Adam, Arrays as Rows, Checkpoint, Gru, Head, Labelled, Layer, Link, Lstm, Merge, Model, Nonlinearity, Predictor,
    Predicts, Reads, Rnn, RowClass, RowValues, Sequences, Stack, StepClass, StepDense, StepNorm, StepScale, StepValues,
    Target, Trainer,
};
use ndarray::{Array1, Array3, Axis};

/// Relative to the largest element of an array: rounding of sums in another order.
const TOLERANCE: f32 = 1e-5;

/// What stands for the largest element where that is smaller: an array may be all zero.
const SMALLEST: f32 = 1e-3;

/// Sequences with a class or values for each row, or for each step.
#[derive(Clone)]
struct Task {
    rows: Rows,
    /// [N, T or 1, F]
    values: Array3<f32>,
    is_of_classes: bool,
    /// Whether each step has its own; else the first is the row's.
    every_step: bool,
}

impl Task {
    /// What a head is to answer, in any case something.
    fn of(head: &Head, rows: usize, steps: usize, input: usize) -> Task {
        let xs = crate::support::networks::random_cube((rows, steps, input), 5);
        let lengths = Array1::from_shape_fn(rows, |row| if row == 1 { steps } else { 1 + (row * 5) % steps });
        let values = match head.predicts {
            Predicts::Classes(_) => Array3::from_shape_fn((rows, steps, 1), |(row, t, _)| ((row + t) % 2) as f32),
            _ => crate::support::networks::random_cube((rows, steps, head.horizon().unwrap_or(1)), 6)
                .mapv(|y| 0.5 + 0.5 * y),
        };
        let labels = values.index_axis(Axis(1), 0).index_axis(Axis(1), 0).mapv(|label| label as usize);
        let rows = Rows::classes(xs, labels).unwrap().lengths(lengths).unwrap();
        Task { rows, values, is_of_classes: head.classes().is_some(), every_step: head.reads == Reads::EveryStep }
    }
}

impl Sequences for Task {
    fn len(&self) -> usize {
        self.rows.len()
    }
    fn steps(&self) -> usize {
        self.rows.steps()
    }
    fn input(&self) -> usize {
        self.rows.input()
    }
    fn length(&self, row: usize) -> usize {
        self.rows.length(row)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        self.rows.read(row, step, x);
    }
}

impl Labelled for Task {
    fn target(&self) -> Target<'_> {
        match (self.is_of_classes, self.every_step) {
            (true, false) => Target::Class(self),
            (true, true) => Target::StepClasses(self),
            (false, false) => Target::Values(self),
            (false, true) => Target::StepValues(&self.values),
        }
    }
}

impl RowClass for Task {
    fn class(&self, row: usize) -> usize {
        self.values[[row, 0, 0]] as usize
    }
}

impl StepClass for Task {
    fn class(&self, row: usize, step: usize) -> usize {
        self.values[[row, step, 0]] as usize
    }
}

impl RowValues for Task {
    fn width(&self) -> usize {
        self.values.dim().2
    }
    fn values(&self, row: usize, y: &mut [f32]) {
        StepValues::values(&self.values, row, 0, y);
    }
}

/// The arrays of a golden file under a prefix.
fn under(golden: &Arrays, prefix: &str) -> Arrays {
    let prefix = format!("{prefix}/");
    golden.iter().filter_map(|(name, array)| Some((name.strip_prefix(&prefix)?.to_owned(), array.clone()))).collect()
}

/// Logits, loss, and the gradient by every array are the other program's.
fn check(golden: &Arrays, name: &str, stack: impl Into<Stack>, head: Head) {
    let golden = under(golden, name);
    let model = Model::of_arrays(stack.into(), head.clone(), &under(&golden, "arrays")).unwrap();
    let xs = cube(&golden["inputs"]).to_owned();
    let lengths: Vec<usize> = golden["lengths"].data.iter().map(|&length| length as usize).collect();
    let (rows, steps, _) = xs.dim();

    let mut logits = model.logits(xs.view(), Some(&lengths)).unwrap();
    let every_step = head.reads == Reads::EveryStep;
    if every_step {
        for ((row, t, _), x) in logits.indexed_iter_mut() {
            if t >= lengths[row] {
                *x = 0.0;
            }
        }
    }
    let found: Vec<f32> = logits.iter().copied().collect();
    let expected = &golden["logits"].data;
    assert_close(&format!("{name}: logits"), &found, expected, TOLERANCE, largest(expected).max(SMALLEST));

    let width = if head.classes().is_some() { 1 } else { head.outputs() };
    let shape = (rows, if every_step { steps } else { 1 }, width);
    let values = Array3::from_shape_vec(shape, golden["targets"].data.clone()).unwrap();
    let data = Rows::classes(xs, Array1::zeros(rows)).unwrap().lengths(lengths).unwrap();
    let data = Task { rows: data, values, is_of_classes: head.classes().is_some(), every_step };
    let mut trainer = Trainer::new(model, Adam::new(0.01)).batch_size(rows).threads(1);
    let all: Vec<u32> = (0..rows as u32).collect();
    let (found, gradient) = trainer.gradient(&data, &all).unwrap();
    let expected = golden["loss"].data[0];
    assert_close(&format!("{name}: loss"), &[found.loss as f32], &[expected], TOLERANCE, expected.abs());
    let expected = under(&golden, "gradient");
    assert_eq!(gradient.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{name}");
    for (array, expected) in expected {
        let scale = largest(&expected.data).max(SMALLEST);
        assert_close(&format!("{name}: by {array}"), &gradient[&array].data, &expected.data, TOLERANCE, scale);
    }
}

#[test]
fn pytorch_heads_and_layers_between() {
    let golden = golden("pytorch_heads.safetensors");
    let between = Stack::new(Lstm::new(5, 7))
        .then(StepDense::new(7, 6).activation(Nonlinearity::Gelu))
        .then(StepNorm::new(6))
        .then(StepScale::new(6))
        .then(Rnn::new(6, 4));
    check(&golden, "between", between, Head::last_state(3).hidden(8, Nonlinearity::Relu));
    let before =
        Stack::new(StepScale::new(5)).then(StepDense::new(5, 6).activation(Nonlinearity::Tanh)).then(Lstm::new(6, 5));
    check(&golden, "before", before, Head::values(2, Link::Identity).reads(Reads::EveryStep));
    let head = Head::values(2, Link::Sigmoid).reads(Reads::Mean);
    let head = head.hidden(6, Nonlinearity::LeakyRelu(0.01)).hidden(5, Nonlinearity::Silu);
    check(&golden, "mean", Stack::new(Lstm::new(5, 7)).then(StepNorm::new(7).epsilon(1e-3)), head);
    let both = Layer::new(Lstm::new(5, 4)).bidirectional(Merge::Concat);
    check(&golden, "max", both.clone(), Head::values(3, Link::Identity).reads(Reads::Max));
    check(&golden, "value", both, Head::values(1, Link::Identity));
    let head = Head::values(3, Link::Sigmoid).reads(Reads::EveryStep).hidden(6, Nonlinearity::Elu(1.0));
    check(&golden, "flags", Rnn::new(5, 4), head);
}

#[test]
fn keras_heads_merges_and_layers_between() {
    let golden = golden("keras_heads.safetensors");
    let both = |cell: elman::AnyCell, merge| Layer::new(cell).bidirectional(merge);
    let lstm = || elman::AnyCell::from(Lstm::new(5, 4));
    let head = Head::values(1, Link::Sigmoid).reads(Reads::Mean).hidden(5, Nonlinearity::Elu(1.0));
    check(&golden, "average", both(lstm(), Merge::Average), head);
    let head = Head::values(2, Link::Identity).reads(Reads::Max);
    check(&golden, "multiply", both(Rnn::new(5, 4).into(), Merge::Multiply), head);
    check(&golden, "average_state", both(lstm(), Merge::Average), Head::last_state(3));
    check(&golden, "multiply_state", both(lstm(), Merge::Multiply), Head::last_state(3));
    let between = Stack::new(Lstm::new(5, 5))
        .then(StepNorm::new(5).epsilon(1e-3))
        .then(StepDense::new(5, 6).activation(Nonlinearity::LeakyRelu(0.2)))
        .then(StepScale::new(6))
        .then(Lstm::new(6, 4));
    check(&golden, "between", between, Head::values(2, Link::Identity).hidden(7, Nonlinearity::Gelu));
}

#[test]
fn activations_are_those_of_pytorch_and_keras() {
    for (file, leak) in [("pytorch_heads.safetensors", 0.01), ("keras_heads.safetensors", 0.2)] {
        let golden = under(&golden(file), "activations");
        for phi in Nonlinearity::ALL {
            let phi = if let Nonlinearity::LeakyRelu(_) = phi { Nonlinearity::LeakyRelu(leak) } else { phi };
            let of = |each: &dyn Fn(f64) -> f64| -> Vec<f32> {
                golden["points"].data.iter().map(|&a| each(f64::from(a)) as f32).collect()
            };
            let what =
                |part: &str| (format!("{file}: {part} of {phi:?}"), golden[&format!("{}/{part}", phi.name())].clone());
            for (part, found) in [("values", of(&|a| phi.value(a))), ("slopes", of(&|a| phi.slope(a)))] {
                let (what, expected) = what(part);
                // Each by itself, for an exponential would hide all others; Keras's are of f32, which cancels near zero.
                for (found, &expected) in found.iter().zip(&expected.data) {
                    assert_close(&what, &[*found], &[expected], TOLERANCE, expected.abs().max(1.0));
                }
            }
        }
    }
}

/// Heads of every kind.
fn heads() -> Vec<Head> {
    let hidden = |head: Head| head.hidden(9, Nonlinearity::Tanh).hidden(17, Nonlinearity::Gelu);
    vec![
        hidden(Head::last_state(2)),
        hidden(Head::every_step(2)),
        Head::last_state(2).reads(Reads::Mean),
        Head::last_state(2).reads(Reads::Max),
        hidden(Head::values(3, Link::Identity)),
        Head::values(2, Link::Sigmoid).reads(Reads::EveryStep),
        hidden(Head::values(1, Link::Sigmoid).reads(Reads::Mean)),
        Head::values(2, Link::Identity).reads(Reads::Max),
        hidden(Head::quantiles(&[0.1, 0.5], 2).reads(Reads::Mean)),
        hidden(Head::last_state(2).reads(Reads::Attention)),
        Head::values(2, Link::Identity).reads(Reads::Attention),
    ]
}

/// One direction, with masks.
fn forward() -> Stack {
    Stack::new(StepScale::new(3))
        .then(Layer::new(Lstm::new(3, 20).noise(LSTM_NOISE)).dropout(0.2))
        .then(StepDense::new(20, 9).activation(Nonlinearity::Relu))
        .then(StepNorm::new(9))
        .then(Gru::new(9, 12))
}

/// Both directions.
fn both() -> Stack {
    Stack::new(Layer::new(Gru::new(3, 5)).bidirectional(Merge::Average))
        .then(StepDense::new(5, 6))
        .then(Layer::new(Rnn::new(6, 7)).bidirectional(Merge::Multiply))
}

fn trained(stack: &Stack, head: &Head, task: &Task, change: impl Fn(Trainer) -> Trainer) -> Arrays {
    let trainer = Trainer::new(model(stack.clone(), head.clone()), Adam::new(0.01)).batch_size(35);
    let mut trainer = change(trainer);
    for epoch in trainer.fit(task).unwrap().epochs(2) {
        epoch.unwrap();
    }
    trainer.model().arrays()
}

#[test]
fn neither_threads_nor_a_memory_budget_change_a_bit() {
    for head in heads() {
        let task = Task::of(&head, 70, 90, 3);
        let one = trained(&forward(), &head, &task, |trainer| trainer.threads(1));
        assert!(trained(&forward(), &head, &task, |trainer| trainer.threads(3)) == one, "{head:?}");
        let in_parts = |trainer: Trainer| {
            let trainer = trainer.threads(2);
            let (_, whole) = trainer.memory(90).unwrap();
            let trainer = trainer.memory_budget(whole.total() * 3 / 4);
            assert!(trainer.memory(90).unwrap().0 < 90, "in parts");
            trainer
        };
        assert!(trained(&forward(), &head, &task, in_parts) == one, "{head:?}, in parts");
        let task = Task::of(&head, 70, 20, 3);
        let one = trained(&both(), &head, &task, |trainer| trainer.threads(1));
        assert!(trained(&both(), &head, &task, |trainer| trainer.threads(3)) == one, "{head:?}, both");
    }
}

#[test]
fn padding_changes_no_bit() {
    for (stack, head) in
        [forward(), both()].into_iter().flat_map(|stack| heads().into_iter().map(move |h| (stack.clone(), h)))
    {
        let task = Task::of(&head, 20, 6, 3);
        let mut padded = task.clone();
        let mut xs = Array3::from_elem((20, 11, 3), f32::NAN);
        xs.slice_mut(ndarray::s![.., ..6, ..]).assign(&task.rows.xs);
        padded.rows.xs = xs;
        let gradient = |task: &Task| {
            let trainer = Trainer::new(model(stack.clone(), head.clone()), Adam::new(0.01));
            let (evaluation, arrays) = trainer.batch_size(20).gradient(task, &(0..20).collect::<Vec<_>>()).unwrap();
            (evaluation.loss.to_bits(), arrays)
        };
        assert!(gradient(&task) == gradient(&padded), "{head:?}");
    }
}

/// Also where classes or values are unlike at each step, and rows unlike long.
#[test]
fn the_gradient_of_a_batch_is_the_mean_of_its_rows() {
    for head in heads() {
        let task = Task::of(&head, 40, 6, 3);
        let mut trainer = Trainer::new(model(both(), head.clone()), Adam::new(0.01)).batch_size(40).threads(2);
        let all: Vec<u32> = (0..40).collect();
        let (whole, gradient) = trainer.gradient(&task, &all).unwrap();
        let mut sums = BTreeMap::<String, Vec<f64>>::new();
        let mut loss = 0.0;
        for &row in &all {
            let (one, part) = trainer.gradient(&task, &[row]).unwrap();
            let weight = one.rows as f64 / whole.rows as f64;
            loss += one.loss * weight;
            for (name, array) in part {
                let sum = sums.entry(name).or_insert_with(|| vec![0.0; array.data.len()]);
                sum.iter_mut().zip(&array.data).for_each(|(sum, x)| *sum += f64::from(*x) * weight);
            }
        }
        assert!((whole.loss - loss).abs() < 1e-6, "{head:?}: {} {loss}", whole.loss);
        for (name, array) in gradient {
            let expected: Vec<f32> = sums[&name].iter().map(|&x| x as f32).collect();
            assert_close(&format!("{head:?}: {name}"), &array.data, &expected, 2e-6, 1.0);
        }
    }
}

#[test]
fn a_run_that_is_resumed_is_the_run_without_a_break() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    for head in heads() {
        let task = Task::of(&head, 30, 6, 3);
        let trainer = || Trainer::new(model(forward(), head.clone()), Adam::new(0.01)).batch_size(10).threads(2);
        let rows: Vec<Vec<u32>> = (0..4).map(|step| (step * 5..step * 5 + 10).collect()).collect();
        let mut whole = trainer();
        rows.iter().for_each(|rows| _ = whole.train_rows(&task, rows).unwrap());
        let mut first = trainer();
        rows[..2].iter().for_each(|rows| _ = first.train_rows(&task, rows).unwrap());
        first.checkpoint().save(&path).unwrap();
        let mut second = trainer();
        second.resume(&Checkpoint::load(&path).unwrap()).unwrap();
        rows[2..].iter().for_each(|rows| _ = second.train_rows(&task, rows).unwrap());
        assert!(second.model().arrays() == whole.model().arrays(), "{head:?}");
    }
}

/// The answers of a predictor: [N, T or 1, O].
fn answers(model: &Model, task: &Task) -> Vec<Vec<f32>> {
    let mut predictor = Predictor::new(model.clone(), 2);
    let rows = |answers: ndarray::Array2<f32>| answers.outer_iter().map(|row| row.to_vec()).collect();
    match (&model.head().predicts, model.head().reads) {
        (_, Reads::EveryStep) => {
            (0..task.len()).map(|row| predictor.predict_steps(task, row).unwrap().into_iter().collect()).collect()
        }
        (Predicts::Classes(_), _) => rows(predictor.predict(task).unwrap()),
        (Predicts::Values(_), _) => rows(predictor.values(task).unwrap()),
        (Predicts::Quantiles(_), _) => {
            predictor.quantiles(task).unwrap().outer_iter().map(|row| row.iter().copied().collect()).collect()
        }
    }
}

#[test]
fn a_stream_answers_as_the_predictor_does_after_each_step() {
    for head in heads() {
        let model = Arc::new(model(forward(), head.clone()));
        let task = Task::of(&head, 7, 6, 3);
        let whole = answers(&model, &task);
        let mut stream = model.stream().unwrap();
        for (row, expected) in whole.iter().enumerate() {
            stream.reset();
            let mut found = Vec::new();
            for t in 0..task.length(row) {
                let mut x = vec![0.0; 3];
                task.read(row, t, &mut x);
                let answer = stream.try_step(&x).unwrap().to_vec();
                if head.reads == Reads::EveryStep { found.extend(answer) } else { found = answer }
            }
            if let Predicts::Quantiles(of) = &head.predicts {
                found.chunks_mut(of.levels.len()).for_each(|value| value.sort_by(f32::total_cmp));
            }
            let bits = |floats: &[f32]| floats.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&found), bits(expected), "{head:?}, row {row}");
        }
        let message = stream.try_step(&[f32::NAN, 0.0, 0.0]).unwrap_err().to_string();
        assert!(message.contains("NaN"), "{message}");
    }
    assert!(Arc::new(model(both(), 2)).stream().unwrap_err().to_string().contains("bidirectional"));
}

#[test]
fn logits_under_their_link_are_the_predictor_s_answers() {
    for (stack, head) in
        [forward(), both()].into_iter().flat_map(|stack| heads().into_iter().map(move |h| (stack.clone(), h)))
    {
        let model = model(stack, head.clone());
        let task = Task::of(&head, 7, 6, 3);
        let lengths: Vec<usize> = task.rows.lengths.to_vec();
        let logits = model.logits(task.rows.xs.view(), Some(&lengths)).unwrap();
        for (row, expected) in answers(&model, &task).iter().enumerate() {
            let steps = if head.reads == Reads::EveryStep { lengths[row] } else { 1 };
            let mut found = Vec::new();
            for t in 0..steps {
                let z: Vec<f32> = logits.slice(ndarray::s![row, t, ..]).to_vec();
                let sum: f32 = z.iter().map(|z| z.exp()).sum();
                found.extend(z.iter().map(|z| match &head.predicts {
                    Predicts::Classes(_) => z.exp() / sum,
                    Predicts::Values(values) if values.link == Link::Sigmoid => 1.0 / (1.0 + (-z).exp()),
                    _ => *z,
                }));
            }
            if let Predicts::Quantiles(of) = &head.predicts {
                found.chunks_mut(of.levels.len()).for_each(|value| value.sort_by(f32::total_cmp));
            }
            assert_close(&format!("{head:?}"), &found, expected, 1e-5, 1.0);
        }
    }
}

/// A row without a step reads zeros, whatever is read of it.
#[test]
fn rows_without_a_step_have_an_answer_but_at_every_step() {
    for reads in [Reads::LastState, Reads::Mean, Reads::Max, Reads::Attention] {
        let model = model(both(), Head::values(2, Link::Identity).reads(reads));
        let xs = inputs(&model.network(), 3, 4, 1);
        let rows = Rows::classes(xs, Array1::zeros(3)).unwrap().lengths(ndarray::array![4, 0, 2]).unwrap();
        let found = Predictor::new(model.clone(), 1).values(&rows).unwrap();
        let (_, bias) = model.head_arrays();
        assert_eq!(found.row(1).to_vec(), bias, "{reads:?}");
    }
}

#[test]
fn a_head_says_which_method_is_for_it() {
    let rows = |model: &Model| Rows::classes(inputs(&model.network(), 3, 4, 1), Array1::zeros(3)).unwrap();
    let values = model(Rnn::new(3, 5), Head::values(2, Link::Identity));
    let message = Predictor::new(values.clone(), 1).predict(&rows(&values)).unwrap_err().to_string();
    assert!(message.contains("one of values") && message.contains("see values"), "{message}");
    let classes = model(Rnn::new(3, 5), Head::last_state(2).reads(Reads::Max));
    let message = Predictor::new(classes.clone(), 1).values(&rows(&classes)).unwrap_err().to_string();
    assert!(message.contains("one of classes") && message.contains("see predict"), "{message}");
    let message = Predictor::new(classes.clone(), 1).predict_steps(&rows(&classes), 0).unwrap_err().to_string();
    assert!(message.contains("the maximum over the steps"), "{message}");
    let mut trainer = Trainer::new(classes, Adam::new(0.01));
    let message = trainer.fit_streams(&crate::support::tasks::signs(20), 3).err().unwrap().to_string();
    assert!(message.contains("the maximum over the steps"), "{message}");
}

#[test]
fn values_beyond_a_sigmoid_are_refused_and_unknown_ones_left_out() {
    let head = Head::values(2, Link::Sigmoid).reads(Reads::EveryStep);
    let mut task = Task::of(&head, 10, 4, 3);
    task.values[[3, 0, 1]] = f32::NAN;
    let mut trainer = Trainer::new(model(Rnn::new(3, 5), head), Adam::new(0.01)).batch_size(10);
    let evaluation = trainer.evaluate(&task).unwrap();
    let steps: usize = task.rows.lengths.iter().sum();
    assert_eq!(evaluation.rows, 2 * steps - 1);
    assert!((0.0..=1.0).contains(&evaluation.accuracy), "{evaluation:?}");
    for wrong in [-0.1, 1.5, f32::INFINITY] {
        task.values[[3, 0, 0]] = wrong;
        let message = trainer.fit(&task).err().unwrap().to_string();
        assert!(message.contains("in row 3") && message.contains("0 to 1"), "{message}");
    }
}

#[test]
fn values_are_learned() {
    // The mean of the inputs of a row, and whether it is above zero.
    for (link, reads) in
        [(Link::Identity, Reads::Mean), (Link::Sigmoid, Reads::LastState), (Link::Identity, Reads::Max)]
    {
        let head = Head::values(1, link).reads(reads).hidden(8, Nonlinearity::Tanh);
        let mut task = Task::of(&head, 200, 6, 3);
        for row in 0..200 {
            let length = task.length(row);
            let x = task.rows.xs.slice(ndarray::s![row, ..length, 0]);
            let mean = x.sum() / length as f32;
            let y = match (link, reads) {
                (Link::Sigmoid, _) => f32::from(u8::from(mean > 0.0)),
                (_, Reads::Max) => x.iter().copied().fold(f32::MIN, f32::max),
                _ => mean,
            };
            task.values[[row, 0, 0]] = y;
        }
        let mut trainer = Trainer::new(model(Gru::new(3, 12), head), Adam::new(0.02)).batch_size(20);
        let before = trainer.evaluate(&task).unwrap();
        for epoch in trainer.fit(&task).unwrap().epochs(30) {
            epoch.unwrap();
        }
        let after = trainer.evaluate(&task).unwrap();
        assert!(after.loss < 0.2 * before.loss, "{link:?} {reads:?}: {before:?} {after:?}");
        assert_eq!(after.accuracy.is_nan(), link == Link::Identity);
    }
}

#[test]
fn a_purely_feedforward_stack_is_a_network_over_single_steps() {
    let stack = Stack::new(StepDense::new(3, 5).activation(Nonlinearity::Tanh)).then(StepNorm::new(5));
    let network = crate::support::networks::build(stack);
    let xs = inputs(&network, 2, 4, 1);
    let (outputs, state) = network.dynamic_rnn(xs.view()).run().unwrap();
    let mut turned = xs.clone();
    turned.invert_axis(Axis(1));
    let (mut other, _) = network.dynamic_rnn(turned.view()).run().unwrap();
    other.invert_axis(Axis(1));
    assert_eq!(outputs, other, "no step knows of another");
    assert_eq!(state.h(), outputs.index_axis(Axis(1), 3), "the state is the last output");
}

/// What old programs wrote has none of the new fields, and neither do new files of old models.
#[test]
fn files_of_old_models_have_no_new_fields() {
    let model = model(Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Sum), 2);
    let config = serde_json::to_string(&model.config()).unwrap();
    assert_eq!(
        config,
        r#"{"version":1,"layers":[{"cell":"lstm","input":3,"hidden":4,"peepholes":false,"coupled":false,"layer_norm":false,"bidirectional":"sum"}],"head":{"classes":2,"reads":"last-state"},"steps":null}"#
    );
}
