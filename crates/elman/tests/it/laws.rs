//! What must hold for every network: a sequence is its steps, rows are by themselves, padding is nothing. See
//! `ARCHITECTURE.md`, Invariants.

use std::sync::Arc;

use crate::support::networks::{
    add_arrays, assert_same_arrays, forward_networks, inputs, lengths, networks, random_cube, random_state, row_of,
};
use elman::{Build, Error, Init, Isa, Network, Purpose, Random, Rnn, State};
use ndarray::{Array2, Array3, Axis, s};

/// More rows than a tile has, and a step more than one.
const ROWS: usize = 37;
const STEPS: usize = 6;

#[test]
fn a_sequence_is_its_steps_bit_for_bit() {
    for (name, network) in forward_networks() {
        let xs = inputs(&network, ROWS, STEPS, 1);
        for initial in [network.zero_state(ROWS), random_state(&network, ROWS, 2)] {
            let (outputs, last) = network.dynamic_rnn(xs.view()).initial_state(&initial).run().unwrap();
            let mut state = initial;
            for t in 0..STEPS {
                let (output, next) = network.step(xs.index_axis(Axis(1), t), &state).unwrap();
                assert_eq!(output, outputs.index_axis(Axis(1), t), "{name}, step {t}");
                state = next;
            }
            assert_eq!(state, last, "{name}");
        }
    }
}

#[test]
fn a_stream_is_a_sequence_bit_for_bit() {
    for isa in Isa::available() {
        for (name, network) in forward_networks() {
            let network = Arc::new(network);
            let xs = inputs(&network, 3, STEPS, 2);
            let (outputs, last) = network.dynamic_rnn(xs.view()).isa(isa).run().unwrap();
            let mut stream = network.streams_on(1, isa).unwrap();
            for row in 0..3 {
                stream.reset();
                assert_eq!(stream.state(), network.zero_state(1), "{name}");
                for t in 0..STEPS {
                    let h = stream.step(xs.slice(s![row, t, ..]).as_slice().unwrap()).to_vec();
                    assert_eq!(outputs.slice(s![row, t, ..]).to_vec(), h, "{isa}: {name}, row {row}, step {t}");
                }
                assert_eq!(stream.state(), last.select(&[row]), "{name}");
                assert_eq!(stream.h(0), last.h().row(row).to_vec(), "{name}");
            }
        }
    }
}

#[test]
fn streams_side_by_side_are_each_by_itself() {
    for (name, network) in forward_networks() {
        let network = Arc::new(network);
        let xs = inputs(&network, 5, STEPS, 3);
        let (outputs, last) = network.dynamic_rnn(xs.view()).run().unwrap();
        let mut streams = network.streams(5).unwrap();
        assert_eq!(streams.rows(), 5);
        let mut saved = None;
        for round in 0..2 {
            for t in 0..STEPS {
                if t == 2 && round == 0 {
                    saved = Some((streams.state(), streams.clone()));
                }
                let x: Vec<f32> = xs.slice(s![.., t, ..]).iter().copied().collect();
                let expected: Vec<f32> = outputs.slice(s![.., t, ..]).iter().copied().collect();
                assert_eq!(streams.step(&x), expected, "{name}, step {t}");
            }
            assert_eq!(streams.state(), last, "{name}");
            streams.reset();
            assert_eq!(streams.state(), network.zero_state(5), "{name}");
        }
        let (state, copy) = saved.unwrap();
        streams.set_state(&state).unwrap();
        for mut other in [streams, copy] {
            for t in 2..STEPS {
                other.step(&xs.slice(s![.., t, ..]).iter().copied().collect::<Vec<f32>>());
            }
            assert_eq!(other.state(), last, "{name}");
            assert!(other.set_state(&network.zero_state(4)).unwrap_err().to_string().contains("[4, "), "{name}");
        }
        assert!(network.streams(0).unwrap_err().to_string().contains("rows is 0"), "{name}");
    }
}

#[test]
fn a_stream_can_be_saved_loaded_and_cloned() {
    for (name, network) in forward_networks() {
        let network = Arc::new(network);
        let xs = inputs(&network, 1, STEPS, 3);
        let x = |t: usize| xs.slice(s![0, t, ..]).to_vec();
        let mut stream = network.stream().unwrap();
        (0..3).for_each(|t| drop(stream.step(&x(t)).to_vec()));
        let saved = stream.state();
        let mut copy = stream.clone();
        let rest: Vec<Vec<f32>> = (3..STEPS).map(|t| stream.step(&x(t)).to_vec()).collect();
        // The copy has a state of its own, and a third stream goes on from the saved one.
        let mut loaded = network.stream().unwrap();
        drop(loaded.step(&x(5)).to_vec());
        loaded.set_state(&saved).unwrap();
        for other in [&mut copy, &mut loaded] {
            let found: Vec<Vec<f32>> = (3..STEPS).map(|t| other.step(&x(t)).to_vec()).collect();
            assert_eq!(found, rest, "{name}");
        }
        let wrong = network.zero_state(2);
        assert!(stream.set_state(&wrong).unwrap_err().to_string().contains("of the state has shape [2, "), "{name}");
    }
}

#[test]
#[should_panic(expected = "token 11 of 11")]
fn a_stream_refuses_a_token_that_there_is_not() {
    let (_, network) = forward_networks().into_iter().find(|(name, _)| *name == "tokens").unwrap();
    Arc::new(network).stream().unwrap().step(&[11.0]);
}

#[test]
fn no_initial_state_is_one_of_zeros() {
    for (name, network) in networks() {
        let xs = inputs(&network, 5, STEPS, 3);
        let without = network.dynamic_rnn(xs.view()).run().unwrap();
        let zeros = network.zero_state(5);
        assert_eq!(network.dynamic_rnn(xs.view()).initial_state(&zeros).run().unwrap(), without, "{name}");
    }
}

#[test]
fn rows_are_by_themselves_and_end_where_their_length_says() {
    for (name, network) in networks() {
        let mut xs = inputs(&network, ROWS, STEPS, 4);
        let initial = random_state(&network, ROWS, 5);
        let lengths = lengths(ROWS, STEPS);
        // What stands in the padding is not read.
        for (row, &length) in lengths.iter().enumerate() {
            xs.slice_mut(s![row, length.., ..]).fill(f32::NAN);
        }
        let run = network.dynamic_rnn(xs.view()).sequence_length(&lengths).initial_state(&initial);
        let (outputs, last) = run.run().unwrap();
        for (row, &length) in lengths.iter().enumerate() {
            let own = initial.select(&[row]);
            let (alone, state) = network.dynamic_rnn(row_of(&xs, row, length)).initial_state(&own).run().unwrap();
            assert_eq!(outputs.slice(s![row..row + 1, ..length, ..]), alone, "{name}, row {row}");
            assert!(outputs.slice(s![row, length.., ..]).iter().all(|&x| x == 0.0), "{name}, row {row}");
            assert_eq!(last.select(&[row]), state, "{name}, row {row}");
            if length == 0 {
                assert_eq!(state, own, "{name}, row {row}");
            }
        }
    }
}

#[test]
fn gradients_of_rows_are_by_themselves() {
    for (name, network) in networks() {
        let mut xs = inputs(&network, ROWS, STEPS, 4);
        let lengths = lengths(ROWS, STEPS);
        for (row, &length) in lengths.iter().enumerate() {
            xs.slice_mut(s![row, length.., ..]).fill(f32::NAN);
        }
        let d_state = random_state(&network, ROWS, 6);
        let d_outputs = random_cube((ROWS, STEPS, network.stack().output()), 7);
        let unrolled = network.dynamic_rnn(xs.view()).sequence_length(&lengths).unroll().unwrap();
        let all = unrolled.backward(Some(d_outputs.view()), Some(&d_state)).unwrap();
        assert!(all.carried_state.is_none());
        let mut sum = crate::support::Arrays::new();
        for (row, &length) in lengths.iter().enumerate() {
            let unrolled = network.dynamic_rnn(row_of(&xs, row, length)).unroll().unwrap();
            let d = unrolled.backward(Some(row_of(&d_outputs, row, length)), Some(&d_state.select(&[row]))).unwrap();
            assert_eq!(all.inputs.slice(s![row..row + 1, ..length, ..]), d.inputs, "{name}, row {row}");
            assert!(all.inputs.slice(s![row, length.., ..]).iter().all(|&x| x == 0.0), "{name}, row {row}");
            assert_eq!(all.initial_state.select(&[row]), d.initial_state, "{name}, row {row}");
            add_arrays(&mut sum, &d.arrays);
        }
        assert_same_arrays(name, &all.arrays, &sum, crate::support::networks::ROUNDING);
    }
}

/// The order of rows decides which of them share a tile, and nothing else.
#[test]
fn the_order_of_rows_changes_no_bit_of_theirs() {
    for (name, network) in networks() {
        let xs = inputs(&network, ROWS, STEPS, 8);
        let lengths = lengths(ROWS, STEPS);
        let (outputs, state) = network.dynamic_rnn(xs.view()).sequence_length(&lengths).run().unwrap();
        let order: Vec<usize> = (0..ROWS).map(|row| row * 5 % ROWS).collect();
        let other_xs = xs.select(Axis(0), &order);
        let other_lengths: Vec<usize> = order.iter().map(|&row| lengths[row]).collect();
        let other = network.dynamic_rnn(other_xs.view()).sequence_length(&other_lengths).run().unwrap();
        assert_eq!(other, (outputs.select(Axis(0), &order), state.select(&order)), "{name}");
    }
}

#[test]
fn the_time_axis_may_come_first() {
    for (name, network) in networks() {
        let xs = inputs(&network, 5, STEPS, 9);
        let lengths = lengths(5, STEPS);
        let resets = Array2::from_shape_fn((5, STEPS), |(row, t)| (row + t) % 4 == 0);
        let d_outputs = random_cube((5, STEPS, network.stack().output()), 7);
        let run = network.dynamic_rnn(xs.view()).sequence_length(&lengths).resets(resets.view()).unroll().unwrap();
        let swapped = |cube: &Array3<f32>| cube.view().permuted_axes([1, 0, 2]).as_standard_layout().into_owned();
        let (xs_t, resets_t, d_t) = (swapped(&xs), resets.t().as_standard_layout().into_owned(), swapped(&d_outputs));
        let run_t = network.dynamic_rnn(xs_t.view()).time_major();
        let run_t = run_t.sequence_length(&lengths).resets(resets_t.view()).unroll().unwrap();
        assert_eq!(run_t.outputs(), swapped(&run.outputs()), "{name}");
        assert_eq!(run_t.state(), run.state(), "{name}");
        let (d, d_t) = (run.backward(Some(d_outputs.view()), None), run_t.backward(Some(d_t.view()), None));
        let (d, d_t) = (d.unwrap(), d_t.unwrap());
        assert_eq!((d_t.arrays, d_t.inputs), (d.arrays, swapped(&d.inputs)), "{name}");
    }
}

#[test]
fn batches_without_rows_or_steps_are_legal() {
    for (name, network) in networks() {
        for (rows, steps) in [(0, 3), (3, 0)] {
            let xs = inputs(&network, rows, steps, 1);
            let unrolled = network.dynamic_rnn(xs.view()).unroll().unwrap();
            assert_eq!(unrolled.outputs().shape(), [rows, steps, network.stack().output()], "{name}");
            assert_eq!(unrolled.state(), network.zero_state(rows), "{name}");
            let d_state = random_state(&network, rows, 2);
            let d = unrolled.backward(None, Some(&d_state)).unwrap();
            assert_eq!(d.initial_state, d_state, "{name}");
            assert!(d.arrays.values().all(|array| array.data.iter().all(|&x| x == 0.0)), "{name}");
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let network = Rnn::new(3, 4).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let xs = Array3::zeros((2, 5, 3));
    let message = |result: Result<(Array3<f32>, State), Error>| result.map(|_| ()).unwrap_err().to_string();
    let wide = Array3::zeros((2, 5, 9));
    assert_eq!(message(network.dynamic_rnn(wide.view()).run()), "xs has shape [2, 5, 9]; expected [2, 5, 3]");
    let h = State::from_h(Array2::zeros((2, 5)).view());
    let found = message(network.dynamic_rnn(xs.view()).initial_state(&h).run());
    assert_eq!(found, "h of cell 0 of initial_state has shape [2, 5]; expected [2, 4]");
    let with_c = State::from_h_and_c(Array2::zeros((2, 4)).view(), Array2::zeros((2, 4)).view());
    let found = message(network.dynamic_rnn(xs.view()).carried_state(&with_c).run());
    assert_eq!(found, "c of cell 0 of carried_state has shape [2, 4]; expected [2, 0]");
    let none = State { cells: Vec::new() };
    let found = message(network.dynamic_rnn(xs.view()).initial_state(&none).run());
    assert_eq!(found, "initial_state, its cells, has shape [0]; expected [1]");
    let found = message(network.dynamic_rnn(xs.view()).sequence_length(&[5]).run());
    assert_eq!(found, "sequence_length has shape [1]; expected [2]");
    let found = message(network.dynamic_rnn(xs.view()).sequence_length(&[5, 6]).run());
    assert_eq!(found, "sequence length 6 of row 1 exceeds the 5 steps of the data");
    let resets = Array2::from_elem((5, 2), false);
    let found = message(network.dynamic_rnn(xs.view()).resets(resets.view()).run());
    assert_eq!(found, "resets has shape [5, 2]; expected [2, 5]");
    let unrolled = network.dynamic_rnn(xs.view()).unroll().unwrap();
    let found = unrolled.backward(Some(Array3::zeros((2, 5, 3)).view()), None).unwrap_err().to_string();
    assert_eq!(found, "d_outputs has shape [2, 5, 3]; expected [2, 5, 4]");
    assert!(unrolled.backward(None, Some(&none)).is_err());
    // With the steps first, shapes are told with the steps first.
    let first = Array3::zeros((7, 2, 3));
    let run = || network.dynamic_rnn(first.view()).time_major();
    let resets = Array2::from_elem((6, 2), false);
    let found = message(run().resets(resets.view()).run());
    assert_eq!(found, "resets has shape [6, 2]; expected [7, 2]");
    let unrolled = run().unroll().unwrap();
    let found = unrolled.backward(Some(Array3::zeros((7, 3, 4)).view()), None).unwrap_err().to_string();
    assert_eq!(found, "d_outputs has shape [7, 3, 4]; expected [7, 2, 4]");
    assert!(network.step(Array2::zeros((2, 2)).view(), &network.zero_state(2)).is_err());
}

#[test]
fn tokens_that_there_are_not_are_named() {
    let network = crate::support::networks::build(elman::Stack::new(Rnn::new(3, 4)).embedding(7));
    let mut xs = Array3::zeros((2, 3, 1));
    for wrong in [7.0, -1.0, 0.5, f32::NAN] {
        xs[[1, 2, 0]] = wrong;
        let found = network.dynamic_rnn(xs.view()).run().unwrap_err().to_string();
        assert_eq!(found, format!("step 2 of row 1 is {wrong}; expected a token, a whole number from 0 to 6"));
        // Past the end it is not read.
        assert!(network.dynamic_rnn(xs.view()).sequence_length(&[3, 2]).run().is_ok());
    }
}

#[test]
fn arrays_go_in_and_out_unchanged() {
    for (name, network) in networks() {
        let arrays = network.arrays();
        let again = network.stack().clone().with_arrays(&arrays).unwrap();
        assert_eq!(again.arrays(), arrays, "{name}");
        let refuse = |arrays: &crate::support::Arrays| {
            network.stack().clone().with_arrays(arrays).map(|_: Network| ()).unwrap_err().to_string()
        };
        for array in arrays.keys() {
            let mut fewer = arrays.clone();
            fewer.remove(array);
            assert!(refuse(&fewer).contains(&format!("{array} missing")), "{name}");
            let mut other = arrays.clone();
            other.get_mut(array).unwrap().shape.push(1);
            assert!(refuse(&other).starts_with(&format!("{array} has shape")), "{name}");
        }
        let mut more = arrays.clone();
        more.insert("layers.9.kernel".into(), arrays.values().next().unwrap().clone());
        assert!(refuse(&more).contains("layers.9.kernel"), "{name}");
    }
}
