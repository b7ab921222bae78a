//! Numbers that come from outside: what is none is refused, and leaves no trace.

use std::sync::Arc;

use crate::support::networks::{build, forward_networks, inputs};
use crate::support::tasks::model;
use elman::{Activation, Arrays, Error, Gru, Head, Lstm, Predictor, Rnn, Stack};
use ndarray::{Array1, Array3};

const BAD: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

#[test]
fn a_stream_refuses_what_is_no_number_and_goes_on() {
    for (name, network) in forward_networks() {
        let network = Arc::new(network);
        let input = network.stack().input();
        let xs = inputs(&network, 1, 3, 1);
        let steps: Vec<&[f32]> = xs.as_slice().unwrap().chunks_exact(input).collect();
        let mut expected = network.stream().unwrap();
        let mut stream = network.stream().unwrap();
        for (t, x) in steps.iter().enumerate() {
            for bad in BAD {
                for feature in 0..input {
                    let mut damaged = x.to_vec();
                    damaged[feature] = bad;
                    let message = stream.try_step(&damaged).unwrap_err().to_string();
                    assert!(message.contains(&format!("step {t} of row 0")), "{name}: {message}");
                    if network.stack().embedding.is_none() {
                        assert!(message.starts_with(&format!("feature {feature} ")), "{name}: {message}");
                    }
                }
            }
            assert!(matches!(stream.try_step(&x[1..]).unwrap_err(), Error::Shape { .. }));
            assert!(matches!(stream.try_step(&[]).unwrap_err(), Error::Shape { .. }));
            assert_eq!(stream.try_step(x).unwrap(), expected.step(x), "{name}");
        }
        assert!(stream.is_finite(0));
        stream.reset();
        let mut damaged = steps[0].to_vec();
        damaged[0] = f32::NAN;
        assert!(stream.try_step(&damaged).unwrap_err().to_string().contains("step 0 "), "{name}");
    }
}

#[test]
fn of_several_streams_the_row_is_named() {
    let network = Arc::new(build(Stack::new(Lstm::new(19, 4))));
    let mut streams = network.streams(3).unwrap();
    for at in 0..3 * 19 {
        let mut xs = [1.0; 3 * 19];
        xs[at] = f32::NAN;
        let error = streams.try_step(&xs).unwrap_err();
        let expected = format!("feature {} of step 0 of row {} is NaN", at % 19, at / 19);
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
    assert!(streams.try_step(&[f32::MAX; 3 * 19]).is_ok(), "large is finite");
}

#[test]
fn tokens_from_outside_are_tokens() {
    let network = Arc::new(build(Stack::new(Gru::new(4, 4)).embedding(7)));
    let mut stream = network.stream().unwrap();
    for bad in [-1.0, 0.5, 7.0, 1e30, f32::NAN, f32::INFINITY] {
        assert!(matches!(stream.try_step(&[bad]).unwrap_err(), Error::Token { tokens: 7, .. }), "{bad}");
    }
    stream.try_step(&[6.0]).unwrap();
    stream.try_step(&[-0.0]).unwrap();
}

#[test]
fn a_state_that_left_the_numbers_is_told_and_not_taken() {
    let network = Arc::new(build(Stack::new(Rnn::new(2, 3).activation(Activation::Relu))));
    let mut stream = network.stream().unwrap();
    let fresh = stream.state();
    // Finite inputs, but an activation without bound. `step` lets everything through.
    for _ in 0..200 {
        stream.step(&[f32::MAX, f32::MAX]);
        stream.step(&[f32::MIN, f32::MIN]);
    }
    stream.step(&[f32::INFINITY, f32::INFINITY]);
    assert!(!stream.is_finite(0));
    let broken = stream.state();
    assert!(matches!(stream.set_state(&broken).unwrap_err(), Error::NotFinite { .. }));
    stream.set_state(&fresh).unwrap();
    assert!(stream.is_finite(0));
}

#[test]
fn a_predictor_names_the_row_the_step_and_the_feature() {
    let data = |bad: Option<f32>, length: usize| {
        let mut xs = Array3::from_elem((5, 4, 3), 0.5);
        if let Some(bad) = bad {
            xs[[3, 2, 1]] = bad;
        }
        Arrays::with_lengths(xs, Array1::zeros(5), Array1::from_elem(5, length)).unwrap()
    };
    let mut last = Predictor::new(model(Stack::new(Lstm::new(3, 4)), Head::last_state(2)), 1);
    let mut every = Predictor::new(model(Stack::new(Lstm::new(3, 4)), Head::every_step(2)), 1);
    for bad in BAD {
        let error = last.predict(&data(Some(bad), 4)).unwrap_err().to_string();
        assert!(error.starts_with("feature 1 of step 2 of row 3 is "), "{error}");
        let error = every.predict_steps(&data(Some(bad), 4), 3).unwrap_err().to_string();
        assert!(error.starts_with("feature 1 of step 2 of row 3 is "), "{error}");
        // Not read: behind a row's end, and another row.
        assert_eq!(last.predict(&data(Some(bad), 2)).unwrap(), last.predict(&data(None, 2)).unwrap());
        assert!(every.predict_steps(&data(Some(bad), 4), 2).is_ok());
    }
}
