//! Layers in both directions: the second cell reads each row from its own last step to its first.

use std::sync::Arc;

use crate::support::Arrays;
use crate::support::networks::{
    ROUNDING, assert_same_arrays, bidirectional, build, built, cells, inputs, lengths, random_cube, random_state,
};
use elman::{Layer, Lstm, Merge, Network, Stack, State};
use ndarray::{Array3, Axis, concatenate, s};

const ROWS: usize = 19;
const STEPS: usize = 7;

/// Each row's first steps, as many as its length says, in reverse.
fn reversed(xs: &Array3<f32>, lengths: &[usize]) -> Array3<f32> {
    let mut turned = xs.clone();
    for (row, &length) in lengths.iter().enumerate() {
        turned.slice_mut(s![row, ..length, ..]).assign(&xs.slice(s![row, ..length;-1, ..]));
    }
    turned
}

/// The networks of the two directions, each alone.
fn alone(network: &Network) -> [Network; 2] {
    ["forward", "backward"].map(|direction| {
        let arrays: Arrays = network
            .arrays()
            .into_iter()
            .filter(|(name, _)| name.contains(direction))
            .map(|(name, array)| (name.replace(&format!("{direction}."), ""), array))
            .collect();
        elman::Build::with_arrays(Layer::new(network.layers()[0].cell.clone()), &arrays).unwrap()
    })
}

#[test]
fn the_other_direction_is_the_reversed_row() {
    for (name, stack) in cells() {
        let cell = stack.layers[0].cell.clone();
        for merge in [Merge::Concat, Merge::Sum, Merge::Average, Merge::Multiply] {
            let network = build(Layer::new(cell.clone()).bidirectional(merge));
            let [forward, backward] = alone(&network);
            let (xs, lengths) = (inputs(&network, ROWS, STEPS, 1), lengths(ROWS, STEPS));
            let initial = random_state(&network, ROWS, 2);
            let of = |direction: usize| State { cells: vec![initial.cells[direction].clone()] };
            let (of_forward, of_backward) = (of(0), of(1));
            let d_state = random_state(&network, ROWS, 3);
            let d_outputs = random_cube((ROWS, STEPS, network.stack().output()), 4);

            let run = network.dynamic_rnn(xs.view()).sequence_length(&lengths).initial_state(&initial);
            let both = run.unroll().unwrap();
            let d = both.backward(Some(d_outputs.view()), Some(&d_state)).unwrap();

            let turned = reversed(&xs, &lengths);
            let one = forward.dynamic_rnn(xs.view()).sequence_length(&lengths).initial_state(&of_forward);
            let two = backward.dynamic_rnn(turned.view()).sequence_length(&lengths).initial_state(&of_backward);
            let (one, two) = (one.unroll().unwrap(), two.unroll().unwrap());
            let two_outputs = reversed(&two.outputs(), &lengths);
            let expected = match merge {
                Merge::Concat => concatenate![Axis(2), one.outputs(), two_outputs],
                Merge::Sum => one.outputs() + &two_outputs,
                Merge::Average => (one.outputs() + &two_outputs) * 0.5,
                Merge::Multiply => one.outputs() * &two_outputs,
            };
            assert_eq!(both.outputs(), expected, "{name}, {merge:?}");
            assert_eq!(both.state().cells, [one.state().cells, two.state().cells].concat(), "{name}, {merge:?}");

            // The way back: each direction gets its part of the gradient, in its own order.
            let width = cell.get().output();
            let (d_one, d_two) = match merge {
                Merge::Concat => {
                    (d_outputs.slice(s![.., .., ..width]).to_owned(), d_outputs.slice(s![.., .., width..]).to_owned())
                }
                Merge::Sum => (d_outputs.clone(), d_outputs.clone()),
                Merge::Average => (&d_outputs * 0.5, &d_outputs * 0.5),
                Merge::Multiply => (&d_outputs * &two_outputs, &d_outputs * &one.outputs()),
            };
            let d_states = [0, 1].map(|direction| State { cells: vec![d_state.cells[direction].clone()] });
            let d_one = one.backward(Some(d_one.view()), Some(&d_states[0])).unwrap();
            let d_two = two.backward(Some(reversed(&d_two, &lengths).view()), Some(&d_states[1])).unwrap();
            let inputs = d_one.inputs + reversed(&d_two.inputs, &lengths);
            assert_eq!(d.inputs, inputs, "{name}, {merge:?}");
            let initial = [d_one.initial_state.cells, d_two.initial_state.cells].concat();
            assert_eq!(d.initial_state.cells, initial, "{name}, {merge:?}");
            let named = |arrays: Arrays, direction: &str| {
                arrays
                    .into_iter()
                    .map(move |(name, a)| (name.replace("layers.0.", &format!("layers.0.{direction}.")), a))
                    .collect::<Arrays>()
            };
            let mut arrays = named(d_one.arrays, "forward");
            arrays.extend(named(d_two.arrays, "backward"));
            assert_same_arrays(name, &d.arrays, &arrays, ROUNDING);
        }
    }
}

#[test]
fn what_reads_from_the_end_cannot_be_stepped() {
    for (name, network) in built(bidirectional()) {
        let network = Arc::new(network);
        let because = "the layer is bidirectional: its outputs are known only after the last step; use dynamic_rnn";
        let xs = inputs(&network, 2, 1, 1);
        let cell = network.layers().iter().find(|layer| layer.bidirectional.is_some()).unwrap().cell.get().name();
        let error = network.step(xs.index_axis(Axis(1), 0), &network.zero_state(2)).unwrap_err().to_string();
        assert_eq!(error, format!("a step is not computed for {cell}: {because}"), "{name}");
        let error = network.stream().unwrap_err().to_string();
        assert_eq!(error, format!("a stream is not computed for {cell}: {because}"), "{name}");
    }
}

/// A change at the end of a row reaches the outputs at its start, of that row alone.
#[test]
fn the_future_is_read_and_other_rows_are_not() {
    for (name, network) in built(bidirectional()) {
        let mut xs = inputs(&network, 3, STEPS, 1);
        let before = network.dynamic_rnn(xs.view()).run().unwrap().0;
        let x = &mut xs[[1, STEPS - 1, 0]];
        *x = if network.stack().embedding.is_some() { (*x + 1.0) % 9.0 } else { *x + 0.5 };
        let after = network.dynamic_rnn(xs.view()).run().unwrap().0;
        assert_ne!(after.slice(s![1, 0, ..]), before.slice(s![1, 0, ..]), "{name}");
        for row in [0, 2] {
            assert_eq!(after.index_axis(Axis(0), row), before.index_axis(Axis(0), row), "{name}");
        }
    }
}

/// A stack is its layers, one after the other; its gradient goes through them the other way.
#[test]
fn a_layer_reads_the_outputs_of_the_one_before() {
    let first = Layer::new(Lstm::new(3, 5)).bidirectional(Merge::Concat);
    let second = Layer::new(Lstm::new(10, 10)).residual(true);
    let network = build(Stack::new(first.clone()).then(second.clone()));
    let of = |layer: Layer, index: usize| -> Network {
        let from = format!("layers.{index}.");
        let arrays: Arrays = network.arrays().into_iter().filter(|(name, _)| name.starts_with(&from)).collect();
        let arrays = arrays.into_iter().map(|(name, array)| (name.replace(&from, "layers.0."), array)).collect();
        elman::Build::with_arrays(layer, &arrays).unwrap()
    };
    let (xs, lengths) = (inputs(&network, ROWS, STEPS, 1), lengths(ROWS, STEPS));
    // Past a row's end nothing enters and nothing comes out.
    let mut d_outputs = random_cube((ROWS, STEPS, 10), 4);
    for (row, &length) in lengths.iter().enumerate() {
        d_outputs.slice_mut(s![row, length.., ..]).fill(0.0);
    }
    let run = |network: &Network, xs: &Array3<f32>, d: &Array3<f32>| {
        let unrolled = network.dynamic_rnn(xs.view()).sequence_length(&lengths).unroll().unwrap();
        (unrolled.outputs(), unrolled.backward(Some(d.view()), None).unwrap())
    };
    let (between, _) = run(&of(first.clone(), 0), &xs, &d_outputs);
    let (plain, d_plain) = run(&of(Layer { residual: false, ..second.clone() }, 1), &between, &d_outputs);
    let (residual, d_residual) = run(&of(second, 1), &between, &d_outputs);
    assert_eq!(residual, &plain + &between, "residual: the input is added");
    assert_eq!(d_residual.inputs, &d_plain.inputs + &d_outputs, "and has the gradient by the outputs too");
    assert_eq!(d_residual.arrays, d_plain.arrays);

    let (outputs, d) = run(&network, &xs, &d_outputs);
    let (_, d_first) = run(&of(first, 0), &xs, &d_residual.inputs);
    assert_eq!(outputs, residual);
    assert_eq!(d.inputs, d_first.inputs);
    let second = d_residual.arrays.into_iter().map(|(name, array)| (name.replace("layers.0.", "layers.1."), array));
    assert_eq!(d.arrays, d_first.arrays.into_iter().chain(second).collect());
}
