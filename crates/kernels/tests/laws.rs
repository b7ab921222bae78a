//! The laws every recurrent kernel obeys, on every instruction set of this processor, over awkward sizes.
//!
//! Bits are compared within one instruction set; against the `f64` reference there is a tolerance.

mod support;

use elman_kernels::reference::{RnnGradients, RnnReference};
use elman_kernels::rnn::Initial;
use elman_kernels::{Activation, Isa, Mode};

use support::compare::{Slope, assert_bits, assert_close, widen};
use support::random::Random;
use support::{Batch, Lengths, Results, Shape, Through, Tile, run};

/// Of the largest of an array, where `f32` meets `f64`: chains of up to 157 products, a tanh within 6 ulp, and their
/// growth over the steps. Measured 1.5e-6.
const F32: f64 = 5e-6;

/// Of the largest of an array, where `f32` sums the same in another order. Measured 1.1e-6.
const ORDER: f64 = 4e-6;

/// Of a typical slope, where `f64` meets its own central differences: rounding, 2e-16 over the width of 1e-7, and its
/// growth over the steps. Measured 1.2e-8. What the differences leave out is of the order of the width squared.
const DIFFERENCES: f64 = 1e-7;

/// Half the width of a central difference.
const WIDTH: f64 = 1e-7;

const HIDDEN: [usize; 8] = [1, 7, 8, 9, 16, 17, 33, 128];
const INPUT: [usize; 3] = [1, 3, 28];
const ROWS: [usize; 3] = [1, 3, 17];
const STEPS: [usize; 3] = [0, 1, 5];
const INITIAL: [Initial; 2] = [Initial::Zero, Initial::Given];

/// Rows times steps beyond what one product of the weights' gradient covers (128), and more rows than that.
const LONG: [(usize, usize); 6] = [(1, 127), (1, 300), (3, 100), (17, 20), (32, 13), (130, 3)];

/// Every combination of the awkward sizes.
fn every_shape() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for activation in Activation::ALL {
        for hidden in HIDDEN {
            for input in INPUT {
                for rows in ROWS {
                    for steps in STEPS {
                        for lengths in [Lengths::Full, Lengths::Ragged] {
                            shapes.push(Shape { activation, hidden, input, rows, steps, lengths });
                        }
                    }
                }
            }
        }
    }
    shapes
}

/// Some of them: each size is there, with others by turns.
fn some_shapes() -> impl Iterator<Item = Shape> {
    every_shape().into_iter().step_by(5)
}

fn long_shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for activation in Activation::ALL {
        for (hidden, input) in [(9, 3), (33, 1)] {
            for (rows, steps) in LONG {
                for lengths in [Lengths::Full, Lengths::Ragged] {
                    shapes.push(Shape { activation, hidden, input, rows, steps, lengths });
                }
            }
        }
    }
    shapes
}

/// A law, over shapes and both ways to start, with gradients through outputs and state.
fn for_each_batch(shapes: impl IntoIterator<Item = Shape>, law: impl Fn(&Batch)) {
    for (seed, shape) in shapes.into_iter().enumerate() {
        for initial in INITIAL {
            law(&Batch::random(shape, initial, Through::Both, seed as u64));
        }
    }
}

/// The same on every instruction set.
fn for_each_isa(shapes: impl IntoIterator<Item = Shape>, law: impl Fn(Isa, &Batch)) {
    for_each_batch(shapes, |batch| Isa::available().for_each(|isa| law(isa, batch)));
}

fn assert_agrees(case: &str, found: &Results, forward: &(Vec<f64>, Vec<f64>), backward: &RnnGradients) {
    assert_close(case, "outputs", &found.outputs, &forward.0, F32);
    assert_close(case, "state", &found.state, &forward.1, F32);
    assert_close(case, "dW", &found.w, &backward.w, F32);
    assert_close(case, "dR", &found.r, &backward.r, F32);
    assert_close(case, "db", &found.b, &backward.b, F32);
    assert_close(case, "dx", &found.x, &backward.x, F32);
    assert_close(case, "dh_0", &found.h0, &backward.h0, F32);
}

/// All arrays have the same bits.
fn assert_same(case: &str, found: &Results, expected: &Results) {
    assert_bits(case, "outputs", &found.outputs, &expected.outputs);
    assert_bits(case, "state", &found.state, &expected.state);
    assert_bits(case, "dW", &found.w, &expected.w);
    assert_bits(case, "dR", &found.r, &expected.r);
    assert_bits(case, "db", &found.b, &expected.b);
    assert_bits(case, "dx", &found.x, &expected.x);
    assert_bits(case, "dh_0", &found.h0, &expected.h0);
}

fn agrees_with_the_reference(batch: &Batch) {
    let reference = batch.reference();
    let (d_outputs, d_state) = batch.upstream();
    let (forward, backward) = (reference.forward(), reference.backward(&d_outputs, &d_state));
    for isa in Isa::available() {
        assert_agrees(&format!("{isa}, {batch}"), &run(isa, batch), &forward, &backward);
    }
}

#[test]
fn agrees_with_the_reference_on_awkward_sizes() {
    for_each_batch(every_shape(), agrees_with_the_reference);
}

#[test]
fn agrees_with_the_reference_on_long_sequences() {
    for_each_batch(long_shapes(), agrees_with_the_reference);
}

#[test]
fn gradients_may_enter_through_outputs_state_or_both() {
    for (seed, shape) in some_shapes().enumerate() {
        for initial in INITIAL {
            for through in [Through::Outputs, Through::State, Through::Both] {
                agrees_with_the_reference(&Batch::random(shape, initial, through, seed as u64));
            }
        }
    }
}

/// What gradients are taken by: its name, where it is in the reference, and its gradient there.
type Parameter = (&'static str, fn(&mut RnnReference) -> &mut Vec<f64>, fn(&RnnGradients) -> &Vec<f64>);

const PARAMETERS: [Parameter; 5] = [
    ("W", |reference| &mut reference.w, |d| &d.w),
    ("R", |reference| &mut reference.r, |d| &d.r),
    ("b", |reference| &mut reference.b, |d| &d.b),
    ("x", |reference| &mut reference.x, |d| &d.x),
    ("h_0", |reference| &mut reference.h0, |d| &d.h0),
];

/// The slope of the loss along a direction of one parameter, from two forward passes.
fn central_difference(batch: &Batch, parameter: Parameter, direction: &[f64]) -> f64 {
    let moved = |by: f64| {
        let mut reference = batch.reference();
        parameter.1(&mut reference).iter_mut().zip(direction).for_each(|(x, v)| *x += by * v);
        reference.forward()
    };
    let (d_outputs, d_state) = batch.upstream();
    let (up, down) = (moved(WIDTH), moved(-WIDTH));
    // The loss is linear in outputs and state: differences first, so that little is cancelled.
    let weighted = |up: &[f64], down: &[f64], d: &[f64]| -> f64 {
        up.iter().zip(down).zip(d).map(|((up, down), d)| (up - down) * d).sum()
    };
    (weighted(&up.0, &down.0, &d_outputs) + weighted(&up.1, &down.1, &d_state)) / (2.0 * WIDTH)
}

#[test]
fn gradients_are_central_differences_of_the_reference() {
    let shapes = every_shape().into_iter().filter(|shape| shape.hidden < 128 || shape.rows * shape.steps == 15);
    for_each_batch(shapes, |batch| {
        let (d_outputs, d_state) = batch.upstream();
        let exact = batch.reference().backward(&d_outputs, &d_state);
        let kernels: Vec<_> = Isa::available().map(|isa| (isa, in_f64(&run(isa, batch)))).collect();
        let mut random = Random::new(batch.rnn.hidden as u64);
        for parameter in PARAMETERS {
            let (name, _, gradient) = parameter;
            let direction = random.direction(gradient(&exact).len());
            let expected = central_difference(batch, parameter, &direction);
            Slope::along(gradient(&exact), &direction).assert_is(batch, name, expected, DIFFERENCES);
            for (isa, kernel) in &kernels {
                let case = format!("{isa}, {batch}");
                Slope::along(gradient(kernel), &direction).assert_is(case, name, expected, F32);
            }
        }
    });
}

fn in_f64(results: &Results) -> RnnGradients {
    RnnGradients {
        w: widen(&results.w),
        r: widen(&results.r),
        b: widen(&results.b),
        x: widen(&results.x),
        h0: widen(&results.h0),
    }
}

/// Outputs and final state of one call for each step, the state carried in plain arrays.
fn iterate(isa: Isa, batch: &Batch) -> (Vec<f32>, Vec<f32>) {
    let (rows, hidden) = (batch.lengths.len(), batch.rnn.hidden);
    let mut outputs = vec![0.0; rows * batch.steps * hidden];
    let mut state = batch.h0.clone();
    for t in 0..batch.steps {
        let step = Batch { h0: state, ..batch.window(t..t + 1) };
        let mut tile = Tile::new(&step, isa, f32::NAN);
        tile.forward();
        let results = tile.results();
        for row in 0..rows {
            outputs[(row * batch.steps + t) * hidden..][..hidden]
                .copy_from_slice(&results.outputs[row * hidden..][..hidden]);
        }
        state = Some(results.state);
    }
    (outputs, state.unwrap_or(vec![0.0; rows * hidden]))
}

#[test]
fn a_sequence_is_the_iterated_step() {
    for_each_isa(every_shape(), |isa, batch| {
        let case = format!("{isa}, {batch}");
        let whole = run(isa, batch);
        let (outputs, state) = iterate(isa, batch);
        assert_bits(&case, "outputs", &outputs, &whole.outputs);
        assert_bits(&case, "state", &state, &whole.state);
    });
}

#[test]
fn a_row_alone_is_the_row_of_a_tile() {
    for_each_isa(some_shapes().chain(long_shapes()), |isa, batch| {
        let case = format!("{isa}, {batch}");
        let tile = run(isa, batch);
        let (hidden, input) = (batch.rnn.hidden, batch.rnn.input);
        for row in 0..batch.lengths.len() {
            let one = batch.row(row);
            let alone = run(isa, &one);
            let of_tile = |array: &[f32], width: usize| array[row * width..][..width].to_vec();
            assert_bits(&case, "outputs", &alone.outputs, &of_tile(&tile.outputs, batch.steps * hidden));
            assert_bits(&case, "state", &alone.state, &of_tile(&tile.state, hidden));
            assert_bits(&case, "dx", &alone.x, &of_tile(&tile.x, batch.steps * input));
            assert_bits(&case, "dh_0", &alone.h0, &of_tile(&tile.h0, hidden));
            let (outputs, state) = iterate(isa, &one);
            assert_bits(&case, "outputs, step by step", &outputs, &alone.outputs);
            assert_bits(&case, "state, step by step", &state, &alone.state);
        }
    });
}

#[test]
fn a_split_sequence_is_the_whole() {
    for_each_isa(some_shapes().chain(long_shapes()), |isa, batch| {
        let whole = run(isa, batch);
        for cut in [1, batch.steps / 2, batch.steps.saturating_sub(1)] {
            if cut == 0 || cut >= batch.steps {
                continue;
            }
            let case = format!("{isa}, {batch}, split at {cut}");
            let mut first = batch.window(0..cut);
            let mut second = batch.window(cut..batch.steps);
            second.h0 = Some(run(isa, &first).state);
            let after = run(isa, &second);
            first.d_state = after.h0.clone();
            let before = run(isa, &first);

            assert_bits(&case, "outputs", &join(batch, cut, &before.outputs, &after.outputs), &whole.outputs);
            assert_bits(&case, "state", &after.state, &whole.state);
            // Backward, the gradient by the state is rounded once more where it is handed on.
            assert_close(&case, "dx", &join(batch, cut, &before.x, &after.x), &widen(&whole.x), ORDER);
            assert_close(&case, "dh_0", &before.h0, &widen(&whole.h0), ORDER);
            for (array, before, after, whole) in [
                ("dW", &before.w, &after.w, &whole.w),
                ("dR", &before.r, &after.r, &whole.r),
                ("db", &before.b, &after.b, &whole.b),
            ] {
                let sum: Vec<f32> = before.iter().zip(after).map(|(a, b)| a + b).collect();
                assert_close(&case, array, &sum, &widen(whole), ORDER);
            }
        }
    });
}

/// [B, cut, ·] and [B, T - cut, ·] as [B, T, ·].
fn join(batch: &Batch, cut: usize, first: &[f32], second: &[f32]) -> Vec<f32> {
    let rows = batch.lengths.len();
    let width = first.len() / (rows * cut);
    let rest = (batch.steps - cut) * width;
    first.chunks_exact(cut * width).zip(second.chunks_exact(rest)).flat_map(|(a, b)| [a, b].concat()).collect()
}

#[test]
fn padding_changes_no_bit() {
    for_each_isa(every_shape().into_iter().chain(long_shapes()), |isa, batch| {
        let whole = run(isa, batch);
        // The second reaches beyond what one product of the weights' gradient covers.
        for more in [1, 130 / batch.lengths.len() + 1] {
            let case = format!("{isa}, {batch}, padded with {more} steps");
            let padded = batch.window(0..batch.steps + more);
            let mut found = run(isa, &padded);
            for (array, width) in [(&mut found.outputs, batch.rnn.hidden), (&mut found.x, batch.rnn.input)] {
                let (own, all) = (batch.steps * width, padded.steps * width);
                assert!(array.chunks_exact(all).all(|row| row[own..].iter().all(|&x| x == 0.0)), "{case}");
                *array = array.chunks_exact(all).flat_map(|row| row[..own].to_vec()).collect();
            }
            assert_same(&case, &found, &whole);
        }
    });
}

#[test]
fn nothing_enters_past_a_row_s_end() {
    for_each_isa(every_shape(), |isa, batch| {
        let case = format!("{isa}, {batch}");
        let found = run(isa, batch);
        let (hidden, input) = (batch.rnn.hidden, batch.rnn.input);
        for (row, &length) in batch.lengths.iter().enumerate() {
            let past = &found.x[(row * batch.steps + length) * input..(row + 1) * batch.steps * input];
            assert_bits(&case, "dx past the end", past, &vec![0.0; past.len()]);
            if length == 0 {
                let of_row = row * hidden..(row + 1) * hidden;
                let h0 = batch.h0.as_ref().map_or(vec![0.0; hidden], |h0| h0[of_row.clone()].to_vec());
                assert_bits(&case, "the state of no steps", &found.state[of_row.clone()], &h0);
                assert_bits(&case, "dh_0 of no steps", &found.h0[of_row.clone()], &batch.d_state[of_row]);
            }
        }
    });
}

#[test]
fn no_initial_state_is_an_initial_state_of_zeros() {
    for shape in every_shape().into_iter().chain(long_shapes()) {
        let zero = Batch::random(shape, Initial::Zero, Through::Both, 5);
        let given = Batch { h0: Some(vec![0.0; zero.d_state.len()]), ..zero.clone() };
        for isa in Isa::available() {
            let case = format!("{isa}, {zero}");
            let (zero, given) = (run(isa, &zero), run(isa, &given));
            // Equal as numbers: a sum that is -0 may become 0 when zeros are added.
            assert_eq!(zero.outputs, given.outputs, "{case}");
            assert_eq!(zero.state, given.state, "{case}");
            assert_eq!([&zero.w, &zero.r, &zero.b], [&given.w, &given.r, &given.b], "{case}");
            assert_eq!([&zero.x, &zero.h0], [&given.x, &given.h0], "{case}");
        }
    }
}

#[test]
fn what_buffers_held_before_changes_no_bit() {
    for_each_isa(every_shape().into_iter().chain(long_shapes()), |isa, batch| {
        let case = format!("{isa}, {batch}");
        let mut clean = Tile::new(batch, isa, 0.0);
        clean.forward();
        clean.backward(Mode::Overwrite);
        // `run` fills histories, gradients and scratch with NaN.
        assert_same(&case, &run(isa, batch), &clean.results());
        clean.forward();
        clean.backward(Mode::Overwrite);
        assert_same(&format!("again, {case}"), &run(isa, batch), &clean.results());
    });
}

#[test]
fn gradients_add_up() {
    for_each_isa(some_shapes().chain(long_shapes()), |isa, batch| {
        let case = format!("{isa}, {batch}");
        let mut tile = Tile::new(batch, isa, f32::NAN);
        tile.forward();
        tile.backward(Mode::Overwrite);
        let once = tile.gradient.clone();
        tile.gradient.fill(0.0);
        tile.backward(Mode::Add);
        assert_bits(&case, "gradient added to zeros", &tile.gradient, &once);
        tile.backward(Mode::Add);
        let twice: Vec<f64> = once.iter().map(|&x| 2.0 * f64::from(x)).collect();
        assert_close(&case, "gradient added twice", &tile.gradient, &twice, ORDER);
        tile.backward(Mode::Overwrite);
        assert_bits(&case, "gradient written anew", &tile.gradient, &once);
        // Inputs and initial state are always overwritten.
        assert_same(&case, &tile.results(), &run(isa, batch));
    });
}

#[test]
fn gradients_not_asked_for_change_no_bit_of_the_others() {
    for_each_isa(some_shapes().chain(long_shapes()), |isa, batch| {
        let mut tile = Tile::new(batch, isa, f32::NAN);
        tile.forward();
        tile.backward(Mode::Overwrite);
        let all = tile.gradient.clone();
        tile.backward_weights_alone();
        assert_bits(format!("{isa}, {batch}"), "gradient", &tile.gradient, &all);
    });
}

#[test]
fn padding_lanes_stay_zero() {
    for_each_isa(every_shape().into_iter().chain(long_shapes()), |isa, batch| {
        let mut tile = Tile::new(batch, isa, f32::NAN);
        tile.forward();
        tile.backward(Mode::Overwrite);
        tile.assert_padding_is_zero();
        tile.backward(Mode::Add);
        tile.assert_padding_is_zero();
    });
}

#[test]
fn nan_in_weights_or_inputs_shows() {
    let shape = |activation, hidden| Shape { activation, hidden, input: 3, rows: 3, steps: 5, lengths: Lengths::Full };
    for activation in Activation::ALL {
        for hidden in HIDDEN {
            for isa in Isa::available() {
                let clean = Batch::random(shape(activation, hidden), Initial::Given, Through::Both, 0);
                let outputs = |batch: &Batch| run(isa, batch).outputs;
                let last = hidden - 1;

                let mut batch = clean.clone();
                batch.x[3 * (5 + 2)] = f32::NAN; // row 1, step 2
                for (at, h) in outputs(&batch).into_iter().enumerate() {
                    let (row, t) = (at / (5 * hidden), at / hidden % 5);
                    assert_eq!(h.is_nan(), row == 1 && t >= 2, "{isa}, {clean}: output {at} of an input that is NaN");
                }
                for (name, place) in [("W", 0), ("R", 1), ("b", 2)] {
                    let mut batch = clean.clone();
                    [&mut batch.w, &mut batch.r, &mut batch.b][place][last] = f32::NAN; // into the last unit
                    for (at, h) in outputs(&batch).into_iter().enumerate() {
                        let shows = at % hidden == last || at / hidden % 5 > 0;
                        assert_eq!(h.is_nan(), shows, "{isa}, {clean}: output {at} of NaN in {name}");
                    }
                }
                let mut batch = clean.clone();
                batch.h0.as_mut().unwrap()[last] = f32::NAN;
                let all_of_row_0 = outputs(&batch).iter().enumerate().all(|(at, h)| h.is_nan() == (at < 5 * hidden));
                assert!(all_of_row_0, "{isa}, {clean}: NaN in the initial state");
            }
        }
    }
}
