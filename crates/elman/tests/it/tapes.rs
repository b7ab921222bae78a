//! A tape is `dynamic_rnn` on several threads: the same outputs, states and gradients.

use elman::{DynamicRnn, Error, Gradients, Gru, Lstm, Network, Pool, Tape, TapeGradients, WayBack};
use ndarray::{Array2, Array3, ArrayView3};

use crate::support::networks::{
    ROUNDING, assert_same_gradients, bits, build, inputs, lengths, networks, random_cube, random_state,
};

/// More rows than one tile has, in any number of tiles.
const ROWS: usize = 37;
const STEPS: usize = 6;

fn joined(given: TapeGradients, inputs: Array3<f32>) -> Gradients {
    let TapeGradients { arrays, initial_state, carried_state } = given;
    Gradients { arrays, inputs, initial_state: initial_state.unwrap(), carried_state }
}

/// What a batch is given beside its inputs.
fn batches<'a>(
    network: &'a Network,
    xs: ArrayView3<'a, f32>,
    lengths: &'a [usize],
    states: &'a [elman::State; 2],
    resets: &'a Array2<bool>,
) -> Vec<(&'static str, DynamicRnn<'a>)> {
    let plain = || network.dynamic_rnn(xs);
    let mut batches = vec![
        ("plain", plain()),
        ("lengths", plain().sequence_length(lengths)),
        ("states", plain().sequence_length(lengths).initial_state(&states[0])),
        ("training", plain().training(5, 3).truncate(2)),
        ("resets", plain().resets(resets.view()).initial_state(&states[0]).carried_state(&states[1])),
    ];
    if !network.stack().is_bidirectional() && !network.stack().has_windows() {
        batches.push(("parts", plain().sequence_length(lengths).training(5, 3).checkpoint_every(1)));
    }
    batches
}

#[test]
fn a_tape_is_dynamic_rnn_on_any_number_of_threads() {
    for (name, network) in networks() {
        let xs = inputs(&network, ROWS, STEPS, 1);
        let lengths = lengths(ROWS, STEPS);
        let states = [random_state(&network, ROWS, 2), random_state(&network, ROWS, 3)];
        let resets = Array2::from_shape_fn((ROWS, STEPS), |(row, t)| (row + t) % 4 == 0);
        let d_outputs = random_cube((ROWS, STEPS, network.stack().output()), 4);
        let d_state = random_state(&network, ROWS, 5);
        // Its buffers are used again by batches of all kinds.
        let mut tapes = [1, 2, 3].map(|threads| (Pool::new(threads), Tape::default()));
        for (kind, run) in batches(&network, xs.view(), &lengths, &states, &resets) {
            let what = format!("{name}, {kind}");
            let unrolled = run.clone().unroll().unwrap();
            let expected = unrolled.backward(Some(d_outputs.view()), Some(&d_state)).unwrap();
            let mut first: Option<Gradients> = None;
            for (pool, tape) in &mut tapes {
                let mut outputs = Array3::from_elem(unrolled.outputs().dim(), 7.0);
                let state = run.clone().run_into(pool, tape, outputs.view_mut()).unwrap();
                assert!(!tape.holds_batch());
                assert_eq!((&outputs, &state), (&unrolled.outputs(), &unrolled.state()), "{what}");
                outputs.fill(7.0);
                let state = run.clone().record(pool, tape, outputs.view_mut()).unwrap();
                assert_eq!((&outputs, &state), (&unrolled.outputs(), &unrolled.state()), "{what}");
                // The second time the batch is run again.
                for time in 0..2 {
                    let mut d_inputs = Array3::from_elem(xs.dim(), 7.0);
                    let asked = WayBack {
                        d_outputs: Some(d_outputs.view()),
                        d_state: Some(&d_state),
                        d_inputs: Some(d_inputs.view_mut()),
                        initial_too: true,
                    };
                    let found = tape.backward(&network, pool, asked).unwrap();
                    let found = joined(found, d_inputs);
                    assert_same_gradients(&format!("{what}, time {time}"), &found, &expected, ROUNDING);
                    assert_eq!(found.carried_state.is_some(), kind == "resets");
                    match &first {
                        None => first = Some(found),
                        Some(first) => assert_eq!(bits(&found), bits(first), "{what}, time {time}"),
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_not_asked_for_changes_nothing_else() {
    let network = build(Lstm::new(3, 9));
    let (mut pool, mut tape) = (Pool::new(2), Tape::default());
    let xs = inputs(&network, ROWS, STEPS, 1);
    let mut outputs = Array3::zeros((STEPS, ROWS, 9));
    let swapped = xs.view().permuted_axes([1, 0, 2]);
    network.dynamic_rnn(swapped).time_major().record(&mut pool, &mut tape, outputs.view_mut()).unwrap();
    let d_state = random_state(&network, ROWS, 5);
    let zeros = Array3::zeros(outputs.dim());
    let mut d_inputs = Array3::zeros(swapped.dim());
    let all = WayBack {
        d_outputs: Some(zeros.view()),
        d_state: Some(&d_state),
        d_inputs: Some(d_inputs.view_mut()),
        initial_too: true,
    };
    let all = tape.backward(&network, &mut pool, all).unwrap();
    let alone = WayBack { d_state: Some(&d_state), ..WayBack::default() };
    let alone = tape.backward(&network, &mut pool, alone).unwrap();
    assert_eq!(all.arrays, alone.arrays);
    assert!(alone.initial_state.is_none() && all.initial_state.is_some());
    let unrolled = network.dynamic_rnn(xs.view()).unroll().unwrap();
    let expected = unrolled.backward(None, Some(&d_state)).unwrap();
    assert_eq!(d_inputs.permuted_axes([1, 0, 2]), expected.inputs);
}

#[test]
fn what_does_not_fit_is_refused() {
    let message = |result: Result<TapeGradients, Error>| result.unwrap_err().to_string();
    let (mut pool, mut tape) = (Pool::new(2), Tape::default());
    let (network, other) = (build(Gru::new(2, 3)), build(Gru::new(2, 3)));
    let xs = Array3::zeros((4, 5, 2));
    let found = message(tape.backward(&network, &mut pool, WayBack::default()));
    assert_eq!(found, "the tape is without a batch of this network; expected one that recorded one");
    let mut outputs = Array3::zeros((4, 4, 3));
    let found = network.dynamic_rnn(xs.view()).record(&mut pool, &mut tape, outputs.view_mut()).unwrap_err();
    assert_eq!(found.to_string(), "outputs has shape [4, 4, 3]; expected [4, 5, 3]");
    let mut outputs = Array3::zeros((4, 5, 3));
    network.dynamic_rnn(xs.view()).record(&mut pool, &mut tape, outputs.view_mut()).unwrap();
    let found = message(tape.backward(&other, &mut pool, WayBack::default()));
    assert_eq!(found, "the tape is without a batch of this network; expected one that recorded one");
    assert!(tape.backward(&network.clone(), &mut pool, WayBack::default()).is_ok());
    let asked = WayBack { d_outputs: Some(xs.view()), ..WayBack::default() };
    assert_eq!(message(tape.backward(&network, &mut pool, asked)), "d_outputs has shape [4, 5, 2]; expected [4, 5, 3]");
    let mut d_inputs = outputs.clone();
    let asked = WayBack { d_inputs: Some(d_inputs.view_mut()), ..WayBack::default() };
    assert_eq!(message(tape.backward(&network, &mut pool, asked)), "d_inputs has shape [4, 5, 3]; expected [4, 5, 2]");
    let state = network.zero_state(3);
    let asked = WayBack { d_state: Some(&state), ..WayBack::default() };
    assert_eq!(
        message(tape.backward(&network, &mut pool, asked)),
        "h of cell 0 of d_state has shape [3, 3]; expected [4, 3]"
    );
}

#[test]
fn batches_without_rows_or_steps_are_batches() {
    let network = build(Lstm::new(2, 3));
    let (mut pool, mut tape) = (Pool::new(2), Tape::default());
    for (rows, steps) in [(0, 4), (3, 0), (0, 0)] {
        let xs = Array3::zeros((rows, steps, 2));
        let mut outputs = Array3::zeros((rows, steps, 3));
        let state = network.dynamic_rnn(xs.view()).record(&mut pool, &mut tape, outputs.view_mut()).unwrap();
        assert_eq!(state, network.zero_state(rows));
        let asked = WayBack { d_outputs: Some(outputs.view()), initial_too: true, ..WayBack::default() };
        let gradients = tape.backward(&network, &mut pool, asked).unwrap();
        assert!(gradients.arrays.values().all(|array| array.data.iter().all(|&x| x == 0.0)));
    }
}

#[test]
fn numbers_that_are_none_are_refused_where_it_is_asked_for() {
    let network = build(Gru::new(2, 3));
    let mut xs = Array3::zeros((2, 3, 2));
    xs[[1, 2, 0]] = f32::NAN;
    assert!(network.dynamic_rnn(xs.view()).run().is_ok());
    let found = network.dynamic_rnn(xs.view()).finite().run().unwrap_err().to_string();
    assert_eq!(found, "feature 0 of step 2 of row 1 is NaN; expected a finite number");
    // Past the end of its row nobody reads it.
    assert!(network.dynamic_rnn(xs.view()).sequence_length(&[3, 2]).finite().run().is_ok());
}
