//! Sequences in pieces: resets, carried states, truncated gradients, parts that are run again.

use crate::support::networks::{
    ROUNDING, add_arrays, assert_same_arrays, bidirectional, bits, built, forward_networks, inputs, lengths, networks,
    random_cube, random_state,
};
use crate::support::{Arrays, assert_close, largest};
use elman::{Error, Network, State, Unrolled};
use ndarray::{Array2, Array3, Axis, s};

const ROWS: usize = 19;
const STEPS: usize = 9;

/// Resets at about every third step, in each row at others; at step 0 too.
fn resets(rows: usize, steps: usize) -> Array2<bool> {
    Array2::from_shape_fn((rows, steps), |(row, t)| (row * 5 + t * t) % 4 == 1)
}

/// The sequences that resets make of a row: from, to, and whether it goes on from a carried state.
fn pieces(resets: &Array2<bool>, row: usize, length: usize) -> Vec<(usize, usize, bool)> {
    let mut starts: Vec<usize> = (0..length).filter(|&t| t == 0 || resets[[row, t]]).collect();
    starts.push(length);
    starts.windows(2).map(|pair| (pair[0], pair[1], pair[0] == 0 && !resets[[row, 0]])).collect()
}

#[test]
fn what_stands_behind_a_reset_is_a_sequence_of_its_own() {
    for (name, network) in networks() {
        let (xs, lengths, resets) = (inputs(&network, ROWS, STEPS, 1), lengths(ROWS, STEPS), resets(ROWS, STEPS));
        let (initial, carried) = (random_state(&network, ROWS, 2), random_state(&network, ROWS, 3));
        let (d_outputs, d_state) =
            (random_cube((ROWS, STEPS, network.stack().output()), 4), random_state(&network, ROWS, 5));
        for (initial, carried) in
            [(None, None), (Some(&initial), None), (None, Some(&carried)), (Some(&initial), Some(&carried))]
        {
            let mut run = network.dynamic_rnn(xs.view()).sequence_length(&lengths).resets(resets.view());
            run = initial.map_or(run.clone(), |state| run.initial_state(state));
            run = carried.map_or(run.clone(), |state| run.carried_state(state));
            let unrolled = run.unroll().unwrap();
            let (outputs, last) = (unrolled.outputs(), unrolled.state());
            let d = unrolled.backward(Some(d_outputs.view()), Some(&d_state)).unwrap();
            let mut sum = Arrays::new();
            let (mut d_initial, mut d_carried) = (network.zero_state(ROWS), network.zero_state(ROWS));
            for (row, &length) in lengths.iter().enumerate() {
                let cut = pieces(&resets, row, length);
                if cut.is_empty() {
                    let from = carried.or(initial).map_or(network.zero_state(1), |state| state.select(&[row]));
                    assert_eq!(last.select(&[row]), from, "{name}, row {row}");
                    let into = if carried.is_some() { &mut d_carried } else { &mut d_initial };
                    add_row(into, row, &d_state.select(&[row]));
                }
                for (from, to, goes_on) in cut {
                    let start = carried.filter(|_| goes_on).or(initial);
                    let start = start.map_or(network.zero_state(1), |state| state.select(&[row]));
                    let own = xs.slice(s![row..row + 1, from..to, ..]);
                    let alone = network.dynamic_rnn(own).initial_state(&start).unroll().unwrap();
                    assert_eq!(outputs.slice(s![row..row + 1, from..to, ..]), alone.outputs(), "{name}, row {row}");
                    if to == length {
                        assert_eq!(last.select(&[row]), alone.state(), "{name}, row {row}");
                    }
                    let d_last = d_state.select(&[row]);
                    let d_out = d_outputs.slice(s![row..row + 1, from..to, ..]);
                    let of_piece = alone.backward(Some(d_out), (to == length).then_some(&d_last)).unwrap();
                    assert_eq!(d.inputs.slice(s![row..row + 1, from..to, ..]), of_piece.inputs, "{name}, row {row}");
                    add_arrays(&mut sum, &of_piece.arrays);
                    let into = if carried.is_some() && goes_on { &mut d_carried } else { &mut d_initial };
                    add_row(into, row, &of_piece.initial_state);
                }
            }
            assert_same_arrays(name, &d.arrays, &sum, ROUNDING);
            assert_same_states(name, &d.initial_state, &d_initial);
            assert_eq!(d.carried_state.is_some(), carried.is_some(), "{name}");
            if let Some(found) = &d.carried_state {
                assert_same_states(name, found, &d_carried);
            }
        }
    }
}

fn add_row(sum: &mut State, row: usize, one: &State) {
    for (sum, one) in sum.cells.iter_mut().zip(&one.cells) {
        sum.h.row_mut(row).iter_mut().zip(&one.h).for_each(|(sum, x)| *sum += x);
        sum.c.row_mut(row).iter_mut().zip(&one.c).for_each(|(sum, x)| *sum += x);
    }
}

fn assert_same_states(name: &str, found: &State, expected: &State) {
    for (found, expected) in found.cells.iter().zip(&expected.cells) {
        for (found, expected) in [(&found.h, &expected.h), (&found.c, &expected.c)] {
            let [found, expected] = [found, expected].map(|array| array.iter().copied().collect::<Vec<f32>>());
            assert_close(name, &found, &expected, ROUNDING, largest(&expected));
        }
    }
}

/// A network over a sequence window by window, each from the state the one before left.
fn by_windows<'a>(network: &'a Network, xs: &'a Array3<f32>, states: &'a [State], size: usize) -> Vec<Unrolled<'a>> {
    let starts = (0..xs.shape()[1]).step_by(size);
    let windows = starts.zip(states).map(|(from, state)| {
        let to = (from + size).min(xs.shape()[1]);
        network.dynamic_rnn(xs.slice(s![.., from..to, ..])).carried_state(state).unroll().unwrap()
    });
    windows.collect()
}

/// The states before each window.
fn states_before(network: &Network, xs: &Array3<f32>, first: State, size: usize) -> Vec<State> {
    let mut states = vec![first];
    for from in (0..xs.shape()[1]).step_by(size) {
        let to = (from + size).min(xs.shape()[1]);
        let run = network.dynamic_rnn(xs.slice(s![.., from..to, ..])).carried_state(&states[states.len() - 1]).run();
        states.push(run.unwrap().1);
    }
    states
}

#[test]
fn windows_with_their_state_carried_are_the_whole() {
    for (name, network) in forward_networks() {
        let xs = inputs(&network, ROWS, STEPS, 1);
        let first = random_state(&network, ROWS, 2);
        let (outputs, last) = network.dynamic_rnn(xs.view()).initial_state(&first).run().unwrap();
        for size in [1, 2, 4, 9] {
            let states = states_before(&network, &xs, first.clone(), size);
            let windows: Vec<Array3<f32>> =
                by_windows(&network, &xs, &states, size).iter().map(Unrolled::outputs).collect();
            let views: Vec<_> = windows.iter().map(|window| window.view()).collect();
            assert_eq!(ndarray::concatenate(Axis(1), &views).unwrap(), outputs, "{name}, windows of {size}");
            assert_eq!(states[states.len() - 1], last, "{name}, windows of {size}");
        }
    }
}

#[test]
fn a_truncated_gradient_is_that_of_windows() {
    for (name, network) in forward_networks() {
        let noisy =
            network.stack().layers.iter().any(|layer| layer.dropout > 0.0 || !layer.cell.get().noise().is_none());
        let xs = inputs(&network, ROWS, STEPS, 1);
        let first = random_state(&network, ROWS, 2);
        let (d_outputs, d_state) =
            (random_cube((ROWS, STEPS, network.stack().output()), 4), random_state(&network, ROWS, 5));
        for size in [1, 2, 4, 9] {
            let run = network.dynamic_rnn(xs.view()).initial_state(&first).truncate(size);
            if noisy {
                let error = run.unroll().unwrap_err().to_string();
                assert!(error.contains("with masks, also training(seed, step)"), "{name}: {error}");
                continue;
            }
            let d = run.unroll().unwrap().backward(Some(d_outputs.view()), Some(&d_state)).unwrap();
            let states = states_before(&network, &xs, first.clone(), size);
            let windows = by_windows(&network, &xs, &states, size);
            let (mut sum, mut inputs) = (Arrays::new(), Vec::new());
            for (index, window) in windows.iter().enumerate() {
                let (from, to) = (index * size, ((index + 1) * size).min(STEPS));
                let d_last = (to == STEPS).then_some(&d_state);
                let of_window = window.backward(Some(d_outputs.slice(s![.., from..to, ..])), d_last).unwrap();
                add_arrays(&mut sum, &of_window.arrays);
                inputs.push(of_window.inputs);
                if index == 0 {
                    assert_eq!(d.initial_state, of_window.carried_state.unwrap(), "{name}, every {size}");
                }
            }
            let views: Vec<_> = inputs.iter().map(|window| window.view()).collect();
            assert_eq!(ndarray::concatenate(Axis(1), &views).unwrap(), d.inputs, "{name}, every {size}");
            assert_same_arrays(&format!("{name}, every {size}"), &d.arrays, &sum, ROUNDING);
        }
    }
}

/// Parts of the sequence that are run again on the way back change no bit of anything.
#[test]
fn checkpoints_change_no_bit() {
    for (name, network) in forward_networks() {
        // Parts of 4 or 8 steps in whole tiles, of 128 in the tile of the last row; of 18 in a tile of 7 rows.
        for rows in [33, 7] {
            checkpoints_of(name, &network, rows, 21);
        }
    }
}

#[test]
fn checkpoints_are_refused_where_a_layer_needs_whole_sequences() {
    for (name, network) in built(bidirectional()) {
        let xs = inputs(&network, 3, STEPS, 1);
        let error = network.dynamic_rnn(xs.view()).checkpoint_every(4).unroll().unwrap_err();
        assert!(matches!(error, Error::Unsupported { what: "checkpoint_every", .. }), "{name}: {error}");
        assert!(error.to_string().ends_with(": the layer is bidirectional: it needs whole sequences"), "{error}");
        assert!(network.dynamic_rnn(xs.view()).checkpoint_every(0).run().is_ok(), "{name}");
    }
}

fn checkpoints_of(name: &str, network: &Network, rows: usize, steps: usize) {
    let (xs, lengths, resets) = (inputs(network, rows, steps, 1), lengths(rows, steps), resets(rows, steps));
    let (initial, carried) = (random_state(network, rows, 2), random_state(network, rows, 3));
    let (d_outputs, d_state) =
        (random_cube((rows, steps, network.stack().output()), 4), random_state(network, rows, 5));
    let run = |every: usize, with_resets: bool, truncate: usize| {
        let mut run = network.dynamic_rnn(xs.view()).sequence_length(&lengths).checkpoint_every(every);
        run = run.initial_state(&initial).carried_state(&carried).training(3, 8).truncate(truncate);
        if with_resets {
            run = run.resets(resets.view());
        }
        let unrolled = run.unroll().unwrap();
        let d = unrolled.backward(Some(d_outputs.view()), Some(&d_state)).unwrap();
        // A second time from the same buffers.
        assert_eq!(bits(&d), bits(&unrolled.backward(Some(d_outputs.view()), Some(&d_state)).unwrap()));
        (unrolled.outputs(), unrolled.state(), bits(&d))
    };
    for (with_resets, truncate) in [(false, 0), (true, 0), (false, 6)] {
        let whole = run(0, with_resets, truncate);
        for every in [1, 5, 100] {
            let same = run(every, with_resets, truncate) == whole;
            assert!(same, "{name}, {rows} rows, every {every}, resets {with_resets}, truncate {truncate}");
        }
    }
}

#[test]
fn only_one_of_outputs_and_states_may_have_a_gradient() {
    for (name, network) in networks() {
        let xs = inputs(&network, 4, 5, 1);
        let unrolled = network.dynamic_rnn(xs.view()).unroll().unwrap();
        let (d_outputs, d_state) = (random_cube((4, 5, network.stack().output()), 4), random_state(&network, 4, 5));
        let both = unrolled.backward(Some(d_outputs.view()), Some(&d_state)).unwrap();
        let mut sum = unrolled.backward(Some(d_outputs.view()), None).unwrap();
        let other = unrolled.backward(None, Some(&d_state)).unwrap();
        add_arrays(&mut sum.arrays, &other.arrays);
        assert_same_arrays(name, &sum.arrays, &both.arrays, ROUNDING);
        let inputs = &sum.inputs + &other.inputs;
        let (found, expected) = (inputs.as_slice().unwrap(), both.inputs.as_slice().unwrap());
        assert_close(name, found, expected, ROUNDING, largest(expected));
    }
}
