//! Convolutions and pooling: layers that read windows of steps, and leave fewer of them.

use std::sync::Arc;

use crate::support::networks::{build, inputs, lengths, random_cube, random_state, row_of, strided};
use crate::support::tasks::{model, signs};
use crate::support::{assert_close, largest};
use elman::{
    Adam, Build, Conv1d, Error, Head, Init, Layer, Lstm, Model, Network, Nonlinearity, Padding, Pool, Predictor,
    Purpose, Random, Reads, Rnn, Stack, StepDense, StepPool, Tape, Trainer, WayBack, Window, diagnose, max_pool_1d,
    mean_pool_1d,
};
use ndarray::{Array3, s};

const ROWS: usize = 37;
const STEPS: usize = 23;

/// Sums of a few dozen products in `f32`.
const SUMS: f32 = 1e-5;

/// A convolution by its equation, in `f64`: x [L, I] and W [K, I, O] give y [count, O].
fn convolved(x: &[Vec<f64>], kernel: &[f32], bias: &[f32], window: Window, before: usize, count: usize) -> Vec<f64> {
    let (input, filters) = (x.first().map_or(1, Vec::len), bias.len());
    let mut y = Vec::new();
    for t in 0..count {
        for o in 0..filters {
            let mut sum = f64::from(bias[o]);
            for k in 0..window.size {
                let at = (t * window.stride + k * window.dilation) as isize - before as isize;
                let Some(x) = usize::try_from(at).ok().and_then(|at| x.get(at)) else { continue };
                sum += (0..input).map(|i| x[i] * f64::from(kernel[(k * input + i) * filters + o])).sum::<f64>();
            }
            y.push(sum.tanh());
        }
    }
    y
}

/// The padding in front and the count of windows, as the tables of TensorFlow, Keras and PyTorch have them.
fn documented(window: Window, steps: usize) -> (usize, usize) {
    let (reach, stride) = (window.dilation * (window.size - 1) + 1, window.stride);
    let valid = |steps: usize| if steps < reach { 0 } else { (steps - reach + stride) / stride };
    match window.padding {
        Padding::Valid => (0, valid(steps)),
        Padding::Causal => (reach - 1, valid(steps + reach - 1)),
        Padding::Ends { before, after } => (before, valid(steps + before + after)),
        Padding::Same => {
            let count = steps.div_ceil(stride);
            let all = (count.max(1) - 1) * stride + reach;
            (if all > steps { (all - steps) / 2 } else { 0 }, count)
        }
    }
}

fn windows() -> Vec<Window> {
    let paddings = [Padding::Valid, Padding::Same, Padding::Causal, Padding::Ends { before: 2, after: 1 }];
    let sizes = [(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 3, 2), (3, 5, 3), (5, 1, 2)];
    let all = sizes.into_iter().flat_map(|(size, stride, dilation)| {
        paddings.into_iter().map(move |padding| Window { size, stride, dilation, padding })
    });
    all.filter(|window| window.check().is_ok()).collect()
}

#[test]
fn a_convolution_is_its_equation() {
    let windows = windows();
    assert_eq!(windows.len(), 21);
    for window in windows {
        let conv = Conv1d { window, ..Conv1d::new(3, 7, window.size) }.activation(Nonlinearity::Tanh);
        let network = build(conv);
        let arrays = network.arrays();
        let (kernel, bias) = (&arrays["layers.0.kernel"].data, &arrays["layers.0.bias"].data);
        let xs = inputs(&network, 4, STEPS, 1);
        let lengths = [STEPS, 14, 9, 1];
        let (outputs, _) = network.dynamic_rnn(xs.view()).sequence_length(&lengths).run().unwrap();
        assert_eq!(outputs.dim(), (4, documented(window, STEPS).1, 7), "{window:?}");
        for (row, &length) in lengths.iter().enumerate() {
            let (before, count) = documented(window, length);
            let x: Vec<Vec<f64>> =
                (0..length).map(|t| xs.slice(s![row, t, ..]).iter().map(|&x| f64::from(x)).collect()).collect();
            let expected: Vec<f32> =
                convolved(&x, kernel, bias, window, before, count).into_iter().map(|y| y as f32).collect();
            let found: Vec<f32> = outputs.slice(s![row, ..count, ..]).iter().copied().collect();
            assert_close(&format!("{window:?}, {length} steps"), &found, &expected, SUMS, 1.0);
            assert!(outputs.slice(s![row, count.., ..]).iter().all(|&y| y == 0.0), "{window:?}, {length} steps");
        }
    }
}

/// Beyond the ends there is no maximum, and a mean counts zeros there.
#[test]
fn pooling_is_its_equation() {
    let computed = |window: &Window| window.dilation == 1 || window.padding == Padding::Valid;
    for window in windows().into_iter().filter(computed) {
        for (pool, mean) in [(StepPool::max(3, window.size), false), (StepPool::mean(3, window.size), true)] {
            let network = build(Layer::new(pool).window(window));
            assert_eq!(network.parameter_count(), 0);
            // All below 0: a padded 0 would be the largest.
            let xs = inputs(&network, 2, STEPS, 1).mapv(|x| x - 2.0);
            let lengths = [STEPS, 14];
            let (outputs, _) = network.dynamic_rnn(xs.view()).sequence_length(&lengths).run().unwrap();
            for (row, &length) in lengths.iter().enumerate() {
                let (before, count) = documented(window, length);
                for t in 0..count {
                    for i in 0..3 {
                        let places =
                            (0..window.size).map(|k| (t * window.stride + k * window.dilation).wrapping_sub(before));
                        let values: Vec<f32> = places.filter(|&at| at < length).map(|at| xs[[row, at, i]]).collect();
                        let expected = match mean {
                            true => values.iter().sum::<f32>() / window.size as f32,
                            false => values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                        };
                        let found = outputs[[row, t, i]];
                        assert!((found - expected).abs() <= SUMS, "{pool:?} {window:?}: {found}, expected {expected}");
                    }
                }
            }
        }
    }
}

/// Overlapping windows: a step has the gradients of all windows whose first largest it is, and of no other.
#[test]
fn a_maximum_hands_its_gradient_to_its_first_largest_step() {
    let window = Window::new(3).stride(2).padding(Padding::Same);
    let network = build(Layer::new(StepPool::max(1, 3)).window(window));
    let xs = Array3::from_shape_vec((1, 6, 1), vec![1.0, 5.0, 5.0, -2.0, 0.5, 7.0]).unwrap();
    // Windows of 6 steps, nothing padded in front: steps 0 to 2, 2 to 4, 4 and 5.
    let unrolled = network.dynamic_rnn(xs.view()).unroll().unwrap();
    assert_eq!(unrolled.outputs().as_slice().unwrap(), [5.0, 5.0, 7.0]);
    let d_outputs = Array3::from_shape_vec((1, 3, 1), vec![1.0, 10.0, 100.0]).unwrap();
    let d = unrolled.backward(Some(d_outputs.view()), None).unwrap();
    assert_eq!(d.inputs.as_slice().unwrap(), [0.0, 1.0, 10.0, 0.0, 0.0, 100.0]);
    let mean = build(Layer::new(StepPool::mean(1, 3)).window(window));
    let d = mean.dynamic_rnn(xs.view()).unroll().unwrap().backward(Some(d_outputs.view()), None).unwrap();
    let third = 1.0f32 / 3.0;
    let expected = [third, third, third + 10.0 * third, 10.0 * third, 10.0 * third + 100.0 * third, 100.0 * third];
    assert_close("mean", d.inputs.as_slice().unwrap(), &expected, SUMS, 100.0);
}

#[test]
fn rows_of_fewer_steps_are_by_themselves() {
    for (name, stack) in strided() {
        let network = build(stack);
        let stack = network.stack();
        let (left, output) = (stack.steps_left(STEPS), stack.output());
        assert!(left < STEPS && !stack.keeps_steps(), "{name}");
        let mut xs = inputs(&network, ROWS, STEPS, 4);
        let lengths = lengths(ROWS, STEPS);
        for (row, &length) in lengths.iter().enumerate() {
            xs.slice_mut(s![row, length.., ..]).fill(f32::NAN);
        }
        let (initial, d_state) = (random_state(&network, ROWS, 5), random_state(&network, ROWS, 6));
        let d_outputs = random_cube((ROWS, left, output), 7);
        let run = || network.dynamic_rnn(xs.view()).sequence_length(&lengths).initial_state(&initial).training(3, 1);
        let unrolled = run().unroll().unwrap();
        let d = unrolled.backward(Some(d_outputs.view()), Some(&d_state)).unwrap();
        let (outputs, state) = (unrolled.outputs(), unrolled.state());
        assert_eq!(outputs.dim(), (ROWS, left, output), "{name}");
        let inference =
            network.dynamic_rnn(xs.view()).sequence_length(&lengths).initial_state(&initial).unroll().unwrap();
        for (row, &length) in lengths.iter().enumerate() {
            let (own, count) = (initial.select(&[row]), stack.steps_left(length));
            let alone = network.dynamic_rnn(row_of(&xs, row, length)).initial_state(&own).unroll().unwrap();
            let whole = inference.outputs();
            assert_eq!(whole.slice(s![row..row + 1, ..count, ..]), alone.outputs(), "{name}, row {row}");
            assert!(whole.slice(s![row, count.., ..]).iter().all(|&y| y == 0.0), "{name}, row {row}");
            assert_eq!(inference.state().select(&[row]), alone.state(), "{name}, row {row}");
            assert!(d.inputs.slice(s![row, length.., ..]).iter().all(|&x| x == 0.0), "{name}, row {row}");
        }
        // On threads, on a tape that is used again, and with the steps first.
        let mut first = None;
        for threads in [1, 3] {
            let (mut pool, mut tape) = (Pool::new(threads), Tape::default());
            let mut found = Array3::from_elem(outputs.dim(), 7.0);
            assert_eq!(run().record(&mut pool, &mut tape, found.view_mut()).unwrap(), state, "{name}");
            assert_eq!(found, outputs, "{name}");
            for time in 0..2 {
                let mut d_inputs = Array3::from_elem(xs.dim(), 7.0);
                let asked = WayBack {
                    d_outputs: Some(d_outputs.view()),
                    d_state: Some(&d_state),
                    d_inputs: Some(d_inputs.view_mut()),
                    initial_too: true,
                };
                let arrays = tape.backward(&network, &mut pool, asked).unwrap().arrays;
                assert_eq!(d_inputs, d.inputs, "{name}, {threads} threads, time {time}");
                let first = first.get_or_insert_with(|| arrays.clone());
                assert!(*first == arrays, "{name}, {threads} threads, time {time}");
            }
        }
        let xs_t = xs.clone().permuted_axes([1, 0, 2]);
        let run_t = network.dynamic_rnn(xs_t.view()).time_major().sequence_length(&lengths).initial_state(&initial);
        let outputs_t = run_t.training(3, 1).run().unwrap().0;
        assert_eq!(outputs_t.permuted_axes([1, 0, 2]), outputs, "{name}");
    }
}

/// Convolution, pooling, another convolution, a recurrent layer: what is trained so is saved, read and used.
#[test]
fn a_model_on_windows_trains_saves_and_predicts() {
    // Rows of 1 to 6 steps, and some of none.
    let data = signs(200);
    let stack = Stack::new(Conv1d::new(3, 8, 3).padding(Padding::Same).activation(Nonlinearity::Relu))
        .then(Layer::new(StepPool::max(8, 2)).window(Window::new(2).stride(2).padding(Padding::Same)))
        .then(Conv1d::new(8, 8, 2).padding(Padding::Causal))
        .then(Lstm::new(8, 12));
    for reads in [Reads::LastState, Reads::Mean, Reads::Max] {
        let trained = |threads: usize| {
            let model = model(stack.clone(), Head::last_state(2).reads(reads));
            let mut trainer = Trainer::new(model, Adam::new(0.02)).batch_size(50).threads(threads);
            for epoch in trainer.fit(&data).unwrap().epochs(30) {
                epoch.unwrap();
            }
            trainer
        };
        let mut trainer = trained(1);
        assert!(trained(3).model().arrays() == trainer.model().arrays(), "{reads:?}: another number of threads");
        let score = trainer.evaluate(&data).unwrap();
        assert!(score.accuracy > 0.95, "{reads:?}: {score:?}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        trainer.model().save(&path).unwrap();
        let read = Model::load(&path).unwrap();
        assert_eq!(read.stack().layers[1].window, stack.layers[1].window);
        let [own, other] =
            [trainer.model().clone(), read].map(|model| Predictor::new(model, 2).predict(&data).unwrap());
        assert_eq!(own, other, "{reads:?}");
    }
}

/// A pooling alone takes nothing to train away: what stands in a window decides.
#[test]
fn the_builders_are_what_they_are_called() {
    let pools = [max_pool_1d(5, 3), mean_pool_1d(5, 3)];
    assert_eq!(
        pools.map(|layer| (layer.input(), layer.output(), layer.window)),
        [(5, 5, Some(Window::new(3).stride(3))); 2]
    );
    let conv: Layer = Conv1d::new(4, 6, 3).stride(2).dilation(2).into();
    assert_eq!((conv.input(), conv.output()), (4, 6));
    let stack = Stack::new(conv).then(Rnn::new(6, 2));
    // A window reaches 5 steps.
    assert_eq!([4, 5, 6, 7, 9].map(|steps| stack.steps_left(steps)), [0, 1, 1, 2, 3]);
    assert_eq!(stack.least_steps(), 5);
    assert_eq!(stack.then(max_pool_1d(2, 3)).least_steps(), 9);
    // Keras counts the outputs that an input reaches: √(6 / (3·4 + 3·6)).
    let drawn = Conv1d::new(4, 6, 3).init(Init::Keras, &mut Random::new(1, Purpose::Cell)).unwrap();
    let bound = (6.0f32 / 30.0).sqrt();
    let most = largest(&drawn.arrays()["layers.0.kernel"].data);
    assert!(most <= bound && most > 0.9 * bound, "{most}, {bound}");
}

#[test]
fn what_windows_cannot_do_is_refused_by_name() {
    fn message<T>(result: Result<T, Error>) -> String {
        result.err().expect("an error").to_string()
    }
    let strided = || Stack::new(Conv1d::new(3, 4, 5).stride(2)).then(Rnn::new(4, 4));
    let network: Arc<Network> = build(strided()).into();
    let xs = inputs(&network, 3, 6, 1);
    let windows = "the layer reads windows of several steps";
    for found in [
        message(network.stream()),
        message(network.dynamic_rnn(xs.view()).checkpoint_every(4).run()),
        message(network.step(xs.index_axis(ndarray::Axis(1), 0), &network.zero_state(3))),
        message(network.stack().check_streams()),
    ] {
        assert!(found.contains(windows), "{found}");
    }
    let resets = ndarray::Array2::from_elem((3, 6), false);
    let found = message(network.dynamic_rnn(xs.view()).resets(resets.view()).run());
    assert!(found.contains("a reset") && found.contains("fewer steps"), "{found}");
    let found = message(Model::init(strided(), Head::every_step(2), Init::Tf, 1));
    assert!(found.contains("one on every step; expected one on the last state"), "{found}");
    // A row that leaves no step, by its number.
    let data = signs(20);
    let mut trainer = Trainer::new(model(strided(), 2), Adam::new(0.01));
    let found = message(trainer.evaluate(&data));
    assert!(found.contains("the steps of a row is ") && found.contains("; expected at least 5: "), "{found}");
    let mut short = Trainer::new(model(strided(), 2), Adam::new(0.01)).batch_size(16);
    short.memory_budget = Some(10);
    let found = message(short.memory(200));
    assert!(found.contains("for a layer that reads windows needs whole sequences"), "{found}");
    let data = elman::Arrays::classes(inputs(&network, 2, 6, 1), ndarray::Array1::zeros(2)).unwrap();
    let found =
        message(diagnose::Diagnose::new(&network, Reads::LastState).run(&data, &[0, 1], |_, _| Ok(vec![0.0; 4])));
    assert!(found.contains("a diagnosis"), "{found}");

    let pool = StepPool::max(4, 3);
    for (stack, what) in [
        (Stack::new(pool), "the window of a layer that pools is no window; expected 3 steps"),
        (Stack::new(Layer::new(pool).window(Window::new(2))), "is a window of 2 steps; expected 3 steps"),
        (Stack::new(Layer::new(StepDense::new(7, 2)).window(Window::new(2))), "expected a multiple of 2"),
        (Stack::new(Layer::new(StepDense::new(4, 2)).window(Window::new(2)).residual(true)), "residual"),
        (Stack::new(Layer::new(StepDense::new(4, 2)).window(Window::new(2).stride(0))), "stride is 0"),
        (
            Stack::new(Layer::new(pool).window(Window::new(3).dilation(2).padding(Padding::Same))),
            "the padding of a layer that pools is Same; expected no padding, or a dilation of 1",
        ),
        (Stack::new(Rnn::new(3, 5)).then(Conv1d::new(4, 2, 2)), "the input of layer 1"),
    ] {
        let found = message(stack.check());
        assert!(found.contains(what), "{found}");
    }
}
