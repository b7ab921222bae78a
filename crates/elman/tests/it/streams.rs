//! Parallel streams: windows with the state carried from one to the next.

use std::sync::Arc;

use crate::support::networks::{LSTM_NOISE, build, random_state};
use crate::support::tasks::{EveryStep, model, neighbours};
use elman::{Adam, Gru, Head, Layer, Lstm, Merge, Predictor, Rnn, Stack, Trainer};

/// A rate that changes no weight.
const STANDSTILL: f64 = 1e-37;

fn fit(trainer: &mut Trainer, data: &EveryStep, window: usize, epochs: u64, carry: bool) {
    let fit = trainer.fit_streams(data, window).unwrap().epochs(epochs);
    for epoch in if carry { fit } else { fit.without_carried_state() } {
        epoch.unwrap();
    }
}

#[test]
fn windows_leave_the_state_of_the_whole_stream() {
    let stacks: [Stack; 4] = [
        Rnn::new(1, 9).into(),
        Lstm::new(1, 7).projection(5).into(),
        Stack::new(Gru::new(1, 8)).then(Layer::new(Lstm::new(8, 8)).residual(true)),
        Gru::new(1, 20).into(),
    ];
    let data = neighbours(37, 23, false);
    for stack in stacks {
        for window in [1, 4, 22, 23] {
            let mut trainer = Trainer::new(model(stack.clone(), Head::every_step(2)), Adam::new(STANDSTILL)).threads(2);
            assert!(trainer.carried_state().is_none());
            fit(&mut trainer, &data, window, 1, true);
            let network = trainer.model().network();
            let lengths = data.arrays.lengths.to_vec();
            let (_, whole) = network.dynamic_rnn(data.arrays.xs.view()).sequence_length(&lengths).run().unwrap();
            assert_eq!(trainer.carried_state(), Some(&whole), "windows of {window}: {stack:?}");

            let (whole, cut) = (trainer.evaluate(&data).unwrap(), trainer.evaluate_streams(&data, window).unwrap());
            assert!((whole.loss - cut.loss).abs() < 1e-12, "{} {}", whole.loss, cut.loss);
            assert_eq!((whole.correct, whole.rows), (cut.correct, cut.rows));
            let predicted = Predictor::new(trainer.into_model(), 1).evaluate_streams(&data, window).unwrap();
            assert!((whole.loss - predicted.loss).abs() < 1e-12, "{} {}", whole.loss, predicted.loss);
        }
    }
}

#[test]
fn what_lies_before_a_window_is_known_from_the_carried_state_alone() {
    // The class is the sign of the input one step before; a window is one step.
    let data = neighbours(32, 40, false);
    let accuracy = |carry: bool| {
        let stack = Lstm::new(1, 12);
        let mut trainer = Trainer::new(model(stack, Head::every_step(2)), Adam::new(0.02)).threads(2);
        fit(&mut trainer, &data, 4, 40, carry);
        // Windows evaluated as they were trained.
        trainer.evaluate_streams(&data, 40).unwrap().accuracy
    };
    let (carried, reset) = (accuracy(true), accuracy(false));
    assert!(carried > 0.97, "{carried}");
    assert!(reset < carried, "{reset}");
}

#[test]
fn the_thread_count_changes_no_bit_of_streams() {
    let data = neighbours(70, 19, false);
    let stack = Stack::new(Layer::new(Lstm::new(1, 18).noise(LSTM_NOISE)).dropout(0.3)).then(Gru::new(18, 6));
    let trained = |threads: usize| {
        let mut trainer = Trainer::new(model(stack.clone(), Head::every_step(2)), Adam::new(0.01)).threads(threads);
        fit(&mut trainer, &data, 5, 2, true);
        (trainer.carried_state().cloned(), trainer.into_model().arrays())
    };
    let one = trained(1);
    for threads in [2, 5] {
        assert!(trained(threads) == one, "{threads} threads");
    }
}

#[test]
fn what_has_no_stream_is_refused() {
    let data = neighbours(8, 10, false);
    let refused = |stack: Stack, head: Head, window: usize| {
        let mut trainer = Trainer::new(model(stack, head), Adam::new(0.01));
        let message = trainer.evaluate_streams(&data, window).unwrap_err().to_string();
        assert_eq!(trainer.fit_streams(&data, window).err().map(|error| error.to_string()), Some(message.clone()));
        message
    };
    let rnn = || Stack::new(Rnn::new(1, 4));
    let both = Stack::new(Layer::new(Rnn::new(1, 4)).bidirectional(Merge::Concat));
    for (message, part) in [
        (refused(rnn(), Head::every_step(2), 0), "the window is 0; expected 1 to 10"),
        (refused(rnn(), Head::every_step(2), 11), "the window is 11"),
        (refused(rnn(), Head::last_state(2), 5), "streams have no end"),
        (refused(both, Head::every_step(2), 5), "bidirectional"),
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn states_are_written_and_read_in_place_finite_or_not() {
    let network = Arc::new(build(Lstm::new(2, 3)));
    let mut stream = network.streams(2).unwrap();
    let state = random_state(&network, 2, 1);
    for row in 0..2 {
        let mut parts = [state.cells[0].h.row(row).to_vec(), state.cells[0].c.row(row).to_vec()].into_iter();
        stream.write_states(row, |to| to.copy_from_slice(&parts.next().unwrap()));
        let found: Vec<&[f32]> = stream.states(row).collect();
        assert_eq!(found, [&state.cells[0].h.row(row).to_vec()[..], &state.cells[0].c.row(row).to_vec()]);
    }
    assert_eq!(stream.state(), state);
    stream.write_states(1, |to| to.fill(f32::NAN));
    assert!(stream.is_finite(0) && !stream.is_finite(1));
}
