//! Agreement with TensorFlow: the tutorial's own graph, and `dynamic_rnn` with lengths and a given state. The files and
//! the script that makes them are in `golden/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use elman::formats::Array;
use elman::{Activation, Adam, Classifier, Init, Purpose, Random, Rnn, RnnCell, Trainer, Wanted};
use ndarray::{Array2, Array3, ArrayView2, s};

/// Relative to the largest: rounding of sums of some hundred products in another order.
const GRADIENT: f32 = 1e-5;

/// Absolute, on losses between 1 and 2.5: thirty steps of Adam let rounding grow.
const LOSS: f64 = 1e-4;

/// Relative to how far the largest weight has moved.
const WEIGHTS: f32 = 1e-3;

fn golden(name: &str) -> BTreeMap<String, Array> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden").join(name);
    elman::formats::read(&path).unwrap().arrays
}

fn matrix(array: &Array) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((array.shape[0], array.shape[1]), &array.data).unwrap()
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// Panics where two arrays differ by more than `tolerance` times `scale`.
fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32, scale: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off <= tolerance * scale, "{what}: off by {off}, allowed {}", tolerance * scale);
    assert!(found.iter().all(|x| x.is_finite()), "{what} is not finite");
}

/// TensorFlow's joint kernel [I + H, H], rows of x first, and its other arrays, under our names.
fn from_tensorflow(golden: &BTreeMap<String, Array>, prefix: &str) -> BTreeMap<String, Array> {
    let joint = matrix(&golden[&format!("{prefix}/kernel")]);
    let input = joint.nrows() - joint.ncols();
    let part = |rows: ArrayView2<'_, f32>| Array { shape: rows.shape().to_vec(), data: rows.iter().copied().collect() };
    BTreeMap::from([
        ("layers.0.kernel".into(), part(joint.slice(s![..input, ..]))),
        ("layers.0.recurrent_kernel".into(), part(joint.slice(s![input.., ..]))),
        ("layers.0.bias".into(), golden[&format!("{prefix}/bias")].clone()),
        ("head.kernel".into(), golden[&format!("{prefix}/dense/kernel")].clone()),
        ("head.bias".into(), golden[&format!("{prefix}/dense/bias")].clone()),
    ])
}

/// From TensorFlow's initial weights, through its thirty batches.
fn follow_trace(file: &str, hidden: usize, batch: usize) {
    let golden = golden(file);
    let mnist = elman::datasets::mnist::load().unwrap();
    let cell = Rnn::new(28, hidden).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let mut model = Classifier::new(&cell, 10, Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap();
    let initial = from_tensorflow(&golden, "initial");
    model.set_arrays(&initial).unwrap();
    let mut trainer = Trainer::new(model, Adam::new(0.001)).batch_size(batch);

    let rows = |step: usize| (step * batch..(step + 1) * batch).map(|row| row as u32).collect::<Vec<u32>>();
    let (_, gradient) = trainer.gradient(&mnist.train, &rows(0)).unwrap();
    for (name, expected) in from_tensorflow(&golden, "gradient") {
        assert_close(&name, &gradient[&name].data, &expected.data, GRADIENT, largest(&expected.data));
    }
    for (step, (&loss, &accuracy)) in golden["loss"].data.iter().zip(&golden["accuracy"].data).enumerate() {
        let found = trainer.train_rows(&mnist.train, &rows(step)).unwrap();
        assert!((found.loss - f64::from(loss)).abs() <= LOSS, "loss of step {step}: {} and {loss}", found.loss);
        assert!((found.accuracy - f64::from(accuracy)).abs() < 1e-6, "accuracy of step {step}");
    }
    let last = trainer.model.arrays();
    for (name, expected) in from_tensorflow(&golden, "final") {
        let moved = expected.data.iter().zip(&initial[&name].data).map(|(a, b)| a - b).collect::<Vec<_>>();
        assert_close(&name, &last[&name].data, &expected.data, WEIGHTS, largest(&moved));
    }
}

#[test]
fn training_follows_tensorflow_at_hidden_16() {
    follow_trace("tensorflow_rnn_h16.safetensors", 16, 32);
}

#[test]
fn training_follows_tensorflow_at_hidden_128() {
    follow_trace("tensorflow_rnn_h128.safetensors", 128, 128);
}

#[test]
fn dynamic_rnn_agrees_with_tensorflow() {
    let golden = golden("tensorflow_dynamic_rnn.safetensors");
    let (rows, steps, input, hidden) = (6, 9, 5, 7);
    for activation in Activation::ALL {
        let get = |name: &str| &golden[&format!("{}/{name}", activation.name())];
        let cube = |name: &str, depth| Array3::from_shape_vec((rows, steps, depth), get(name).data.clone()).unwrap();
        let lengths: Vec<usize> = get("lengths").data.iter().map(|&length| length as usize).collect();
        let joint = matrix(get("kernel"));
        let rnn = Rnn::new(input, hidden).activation(activation);
        let (kernel, recurrent) = (joint.slice(s![..input, ..]), joint.slice(s![input.., ..]));
        let cell = RnnCell::from_arrays(rnn, kernel, recurrent, &get("bias").data).unwrap();
        let xs = cube("inputs", input);
        for isa in elman::Isa::available() {
            let unrolled = cell
                .dynamic_rnn(xs.view())
                .sequence_length(&lengths)
                .initial_state(matrix(get("initial_state")))
                .isa(isa)
                .unroll()
                .unwrap();
            let check = |name: &str, found: Vec<f32>| {
                let expected = &get(name).data;
                let what = format!("{} {isa} {name}", activation.name());
                assert_close(&what, &found, expected, GRADIENT, largest(expected));
            };
            check("outputs", unrolled.outputs().into_raw_vec_and_offset().0);
            check("state", unrolled.state().into_raw_vec_and_offset().0);
            let d_outputs = cube("cotangent/outputs", hidden);
            let gradients = unrolled
                .backward(Some(d_outputs.view()), Some(matrix(get("cotangent/state"))), Wanted::Everything)
                .unwrap();
            let joint: Array2<f32> =
                ndarray::concatenate![ndarray::Axis(0), gradients.kernel.view(), gradients.recurrent_kernel.view()];
            check("gradient/kernel", joint.iter().copied().collect());
            check("gradient/bias", gradients.bias.to_vec());
            check("gradient/inputs", gradients.inputs.unwrap().iter().copied().collect());
            check("gradient/initial_state", gradients.initial_state.unwrap().iter().copied().collect());
            // TensorFlow's rules past the end: exactly zero, exactly carried.
            for (row, length) in lengths.iter().copied().enumerate() {
                assert!(unrolled.outputs().slice(s![row, length.., ..]).iter().all(|&x| x == 0.0));
            }
            assert_eq!(unrolled.state().row(1), matrix(get("initial_state")).row(1));
        }
    }
}
