//! Agreement with TensorFlow: the tutorial's own graph, and `dynamic_rnn` with lengths and a given state. The files and
//! the script that makes them are in `golden/`.

use crate::support::{Arrays, assert_close, cube, golden, largest, matrix};
use elman::formats::Array;
use elman::{Activation, Adam, Build, Init, Model, Purpose, Random, Rnn, State, Trainer};
use ndarray::{ArrayView2, s};

/// Relative to the largest: rounding of sums of some hundred products in another order.
const GRADIENT: f32 = 1e-5;

/// Absolute, on losses between 1 and 2.5: thirty steps of Adam let rounding grow.
const LOSS: f64 = 1e-4;

/// Relative to how far the largest weight has moved.
const WEIGHTS: f32 = 1e-3;

/// TensorFlow's joint kernel [I + H, H], rows of x first, and its other arrays, under our names.
fn from_tensorflow(golden: &Arrays, prefix: &str) -> Arrays {
    let mut arrays = cell_from_tensorflow(golden, prefix);
    arrays.insert("head.kernel".into(), golden[&format!("{prefix}/dense/kernel")].clone());
    arrays.insert("head.bias".into(), golden[&format!("{prefix}/dense/bias")].clone());
    arrays
}

fn cell_from_tensorflow(golden: &Arrays, prefix: &str) -> Arrays {
    let joint = matrix(&golden[&format!("{prefix}/kernel")]);
    let input = joint.nrows() - joint.ncols();
    let part = |rows: ArrayView2<'_, f32>| Array { shape: rows.shape().to_vec(), data: rows.iter().copied().collect() };
    Arrays::from([
        ("layers.0.kernel".into(), part(joint.slice(s![..input, ..]))),
        ("layers.0.recurrent_kernel".into(), part(joint.slice(s![input.., ..]))),
        ("layers.0.bias".into(), golden[&format!("{prefix}/bias")].clone()),
    ])
}

/// From TensorFlow's initial weights, through its thirty batches.
fn follow_trace(file: &str, hidden: usize, batch: usize) {
    let golden = golden(file);
    let mnist = elman::datasets::mnist::load().unwrap();
    let network = Rnn::new(28, hidden).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let mut model = Model::new(&network, 10, Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap();
    let initial = from_tensorflow(&golden, "initial");
    model.set_arrays(&initial).unwrap();
    let mut trainer = Trainer::new(model, Adam::new(0.001)).batch_size(batch);

    let rows = |step: usize| (step * batch..(step + 1) * batch).map(|row| row as u32).collect::<Vec<u32>>();
    let (_, gradient) = trainer.gradient(&mnist.train, &rows(0)).unwrap();
    for (name, expected) in from_tensorflow(&golden, "gradient") {
        assert_close(&name, &gradient[&name].data, &expected.data, GRADIENT, largest(&expected.data));
    }
    assert_eq!(golden["loss"].data.len(), 30);
    for (step, (&loss, &accuracy)) in golden["loss"].data.iter().zip(&golden["accuracy"].data).enumerate() {
        let found = trainer.train_rows(&mnist.train, &rows(step)).unwrap();
        assert!((found.loss - f64::from(loss)).abs() <= LOSS, "loss of step {step}: {} and {loss}", found.loss);
        assert!((found.accuracy - f64::from(accuracy)).abs() < 1e-6, "accuracy of step {step}");
    }
    let last = trainer.model().arrays();
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
    let (input, hidden) = (5, 7);
    for activation in [Activation::Tanh, Activation::Relu] {
        let get = |name: &str| &golden[&format!("{}/{name}", activation.name())];
        let lengths: Vec<usize> = get("lengths").data.iter().map(|&length| length as usize).collect();
        let arrays = cell_from_tensorflow(&golden, activation.name());
        let network = Rnn::new(input, hidden).activation(activation).with_arrays(&arrays).unwrap();
        let initial = State::from_h(matrix(get("initial_state")));
        for isa in elman::Isa::available() {
            let run =
                network.dynamic_rnn(cube(get("inputs"))).sequence_length(&lengths).initial_state(&initial).isa(isa);
            let unrolled = run.unroll().unwrap();
            let check = |name: &str, found: &[f32]| {
                let expected = &get(name).data;
                let what = format!("{} {isa} {name}", activation.name());
                assert_close(&what, found, expected, GRADIENT, largest(expected));
            };
            check("outputs", unrolled.outputs().as_slice().unwrap());
            check("state", unrolled.state().cells[0].h.as_slice().unwrap());
            let d_state = State::from_h(matrix(get("cotangent/state")));
            let d = unrolled.backward(Some(cube(get("cotangent/outputs"))), Some(&d_state)).unwrap();
            let parts = ["layers.0.kernel", "layers.0.recurrent_kernel"].map(|name| d.arrays[name].data.clone());
            check("gradient/kernel", &parts.concat());
            check("gradient/bias", &d.arrays["layers.0.bias"].data);
            check("gradient/inputs", d.inputs.as_slice().unwrap());
            check("gradient/initial_state", d.initial_state.cells[0].h.as_slice().unwrap());
            // TensorFlow's rules past the end: exactly zero, exactly carried.
            for (row, length) in lengths.iter().copied().enumerate() {
                assert!(unrolled.outputs().slice(s![row, length.., ..]).iter().all(|&x| x == 0.0));
            }
            assert_eq!(lengths[1], 0);
            assert_eq!(unrolled.state().h().row(1), matrix(get("initial_state")).row(1));
        }
    }
}
