//! The gates that a stream shows are those that made its state.

use std::sync::Arc;

use elman::diagnose::{LayerGate, StreamGates};
use elman::{Conv1d, Gru, Head, Init, Layer, Lstm, Merge, Model, Nonlinearity, Padding, Rnn, Stack};

/// Three rows of so many features, one step.
fn inputs(step: usize, features: usize) -> Vec<f32> {
    (0..3 * features).map(|at| ((step * 31 + at * 17) % 13) as f32 / 6.5 - 1.0).collect()
}

/// Gates of a layer by their letters.
fn gate<'a>(gates: &'a [LayerGate], layer: usize, name: &str) -> &'a [f32] {
    &gates.iter().find(|gate| gate.layer == layer && gate.name == name).expect("a gate").values
}

fn assert_near(found: f32, expected: f32) {
    assert!((found - expected).abs() < 2e-6, "{found} is not {expected}");
}

#[test]
fn an_lstms_gates_make_its_state() {
    let stack = Stack::new(Layer::new(Lstm::new(4, 5))).then(Lstm::new(5, 6));
    let model = Arc::new(Model::init(stack, Head::last_state(3), Init::Tf, 111).unwrap());
    let (gates, mut stream) = (StreamGates::new(&model).unwrap(), model.streams(3).unwrap());
    // The same network, whose states can be looked at.
    let mut states = Arc::new(model.network()).streams(3).unwrap();
    for step in 0..4 {
        let xs = inputs(step, 4);
        let before = states.state();
        states.step(&xs);
        let seen = gates.read(&mut stream, &xs, &[0, 2]);
        for (row, gates) in [0, 2].into_iter().zip(&seen) {
            for (layer, (before, after)) in before.cells.iter().zip(&states.state().cells).enumerate() {
                let [i, f, g, o] = ["i", "f", "g", "o"].map(|name| gate(gates, layer, name));
                for unit in 0..i.len() {
                    let c = after.c[[row, unit]];
                    assert_near(c, f[unit] * before.c[[row, unit]] + i[unit] * g[unit]);
                    assert_near(after.h[[row, unit]], o[unit] * c.tanh());
                }
            }
        }
    }
}

#[test]
fn a_step_with_gates_has_the_bits_of_one_without() {
    for stack in [Stack::new(Layer::new(Gru::new(2, 8))), Stack::new(Layer::new(Rnn::new(2, 8)))] {
        let model = Arc::new(Model::init(stack, Head::last_state(3), Init::Tf, 7).unwrap());
        let (gates, mut looked_at, mut alone) =
            (StreamGates::new(&model).unwrap(), model.streams(3).unwrap(), model.streams(3).unwrap());
        for step in 0..5 {
            let xs = inputs(step, 2);
            let seen = gates.read(&mut looked_at, &xs, &[1]);
            assert_eq!(looked_at.answer(), alone.step(&xs));
            assert_eq!(seen.len(), 1);
            for gate in &seen[0] {
                assert_eq!(gate.values.len(), 8, "{}", gate.name);
                assert!(gate.values.iter().any(|&value| value != 0.0), "{}", gate.name);
            }
        }
    }
}

/// Behind a convolution too, whose stream keeps steps beside the states.
#[test]
fn windows_that_have_streams_have_gates() {
    let conv = Conv1d::new(4, 6, 3).padding(Padding::Causal).activation(Nonlinearity::Relu);
    let stack = Stack::new(conv).then(Lstm::new(6, 5));
    let model = Arc::new(Model::init(stack, Head::last_state(3), Init::Tf, 111).unwrap());
    let (gates, mut stream, mut alone) =
        (StreamGates::new(&model).unwrap(), model.streams(3).unwrap(), model.streams(3).unwrap());
    for step in 0..5 {
        let xs = inputs(step, 4);
        let seen = gates.read(&mut stream, &xs, &[0, 2]);
        assert_eq!(stream.answer(), alone.step(&xs));
        for (row, gates) in [0, 2].into_iter().zip(&seen) {
            let [o, shown] = ["o", "tanh(c)"].map(|name| gate(gates, 1, name));
            for (unit, &h) in stream.h(row).iter().enumerate() {
                assert_near(h, o[unit] * shown[unit]);
            }
        }
    }
}

#[test]
fn a_model_without_streams_shows_no_gates() {
    let stack = Stack::new(Layer::new(Lstm::new(4, 5)).bidirectional(Merge::Concat));
    let model = Model::init(stack, Head::last_state(3), Init::Tf, 111).unwrap();
    assert!(StreamGates::new(&model).unwrap_err().to_string().contains("after the last step"));
}
