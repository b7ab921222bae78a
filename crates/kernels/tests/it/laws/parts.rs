//! A sequence in parts: step by step, split, and with its gradient cut.

use std::ops::Range;

use elman_kernels::Unroll;
use elman_kernels::unroll::{Initial, Lengths, Phase};

use crate::alone::Alone;
use crate::compare::{assert_bits, assert_close};
use crate::laws::batch::{Batch, State};
use crate::laws::bits::ORDER;
use crate::laws::tile::{Results, packed, run};
use crate::laws::{every_shape, for_each_engine, some_long_shapes, some_shapes};
use crate::random::Random;

/// All rows, which have the same length, in a stream: one step at a time in buffers for one step.
fn stream(engine: Alone, batch: &Batch) -> (Vec<f32>, State) {
    let (cell, rows, [input, output, memory]) = (&*batch.cell, batch.rows(), batch.widths());
    let (weights, active) = (packed(batch), [rows]);
    let mut unroll = Unroll::new(cell, 1, rows);
    let mut outputs = vec![0.0; rows * batch.steps * output];
    if let Some(start) = &batch.initial {
        for row in 0..rows {
            unroll.initial_state_mut(row).copy_from_slice(&start.h[row * output..][..output]);
            unroll.initial_memory_mut(row).copy_from_slice(&start.c[row * memory..][..memory]);
        }
    }
    if let Some(seeds) = &batch.masks {
        for row in 0..rows {
            let mut random = Random::new(seeds.rows[row]);
            unroll.draw_row_mask(row, || random.next() as u32);
        }
    }
    for t in 0..batch.lengths[0] {
        for row in 0..rows {
            let at = row * batch.steps + t;
            unroll.input_mut(0, rows, row).copy_from_slice(&batch.x[at * input..][..input]);
            if let Some(seeds) = &batch.masks {
                let mut random = Random::new(seeds.steps[at]);
                unroll.draw_step_masks(0, rows, row, || random.next() as u32);
            }
        }
        let zero = t == 0 && batch.initial.is_none();
        let initial = if zero { Initial::Zero } else { Initial::Given };
        let phase = if batch.masks.is_some() { Phase::Training } else { Phase::Inference };
        unroll.forward(cell, engine, &weights, Lengths { phase, ..Lengths::whole(rows, &active, initial) });
        for row in 0..rows {
            outputs[(row * batch.steps + t) * output..][..output].copy_from_slice(unroll.state(1, rows, row));
        }
        unroll.carry();
    }
    let state = State {
        h: (0..rows).flat_map(|row| unroll.state(0, rows, row).to_vec()).collect(),
        c: (0..rows).flat_map(|row| unroll.memory(0, rows, row).to_vec()).collect(),
    };
    (outputs, state)
}

#[test]
fn a_sequence_is_the_iterated_step() {
    for_each_engine(every_shape().chain(some_long_shapes()), |engine, batch| {
        let case = format!("{engine}, {batch}");
        let (whole, [_, output, memory]) = (run(engine, batch), batch.widths());
        let together = batch.lengths.iter().all(|&length| length == batch.steps);
        if together {
            let (outputs, state) = stream(engine, batch);
            assert_bits(&case, "outputs", &outputs, &whole.outputs);
            assert_bits(&case, "h", &state.h, &whole.state.h);
            assert_bits(&case, "c", &state.c, &whole.state.c);
        }
        for row in 0..batch.rows() {
            let (outputs, state) = stream(engine, &batch.row(row));
            let width = batch.steps * output;
            assert_bits(&case, "outputs of a row", &outputs, &whole.outputs[row * width..][..width]);
            assert_bits(&case, "h of a row", &state.h, &whole.state.h[row * output..][..output]);
            assert_bits(&case, "c of a row", &state.c, &whole.state.c[row * memory..][..memory]);
        }
    });
}

/// Parts one after the other: forward from the first to the last, then back. `handed` says what gradients by the
/// state at the end of a part are, from those by the state at the start of the next.
fn in_parts(
    engine: Alone,
    batch: &Batch,
    parts: &[Range<usize>],
    handed: impl Fn(&Range<usize>, State) -> State,
) -> Results {
    let mut windows: Vec<Batch> = parts.iter().map(|part| batch.window(part.clone())).collect();
    let mut states: Vec<State> = Vec::new();
    for window in &mut windows {
        if let Some(before) = states.last() {
            window.initial = Some(before.clone());
        }
        states.push(run(engine, window).state);
    }
    let mut all: Vec<Results> = Vec::new();
    for (index, window) in windows.iter_mut().enumerate().rev() {
        if let Some(after) = all.last() {
            let State { h, c } = handed(&parts[index], after.initial.clone());
            (window.d_state, window.d_memory) = (h, Some(c));
        }
        all.push(run(engine, window));
    }
    let mut joined = all.pop().expect("at least one part");
    let mut steps = parts[0].len();
    while let Some(next) = all.pop() {
        let more = windows[windows.len() - 1 - all.len()].steps;
        joined.outputs = side_by_side(batch.rows(), &joined.outputs, steps, &next.outputs, more);
        joined.x = side_by_side(batch.rows(), &joined.x, steps, &next.x, more);
        joined.state = next.state;
        for (sum, array) in joined.arrays.iter_mut().zip(&next.arrays) {
            sum.iter_mut().zip(array).for_each(|(sum, x)| *sum += x);
        }
        steps += more;
    }
    joined
}

/// [B, first, ·] and [B, second, ·] as [B, first + second, ·].
fn side_by_side(rows: usize, a: &[f32], first: usize, b: &[f32], second: usize) -> Vec<f32> {
    let width = a.len() / (rows * first);
    let parts = a.chunks_exact(first * width).zip(b.chunks_exact(second * width));
    parts.flat_map(|(a, b)| [a, b].concat()).collect()
}

/// Outputs, state, and the gradients by inputs and initial state to the bit; the weights' are sums in another order.
fn assert_is(case: &str, found: &Results, whole: &Results) {
    assert_bits(case, "outputs", &found.outputs, &whole.outputs);
    assert_bits(case, "h", &found.state.h, &whole.state.h);
    assert_bits(case, "c", &found.state.c, &whole.state.c);
    assert_bits(case, "dx", &found.x, &whole.x);
    assert_bits(case, "dh_0", &found.initial.h, &whole.initial.h);
    assert_bits(case, "dc_0", &found.initial.c, &whole.initial.c);
    for (place, (found, whole)) in found.arrays.iter().zip(&whole.arrays).enumerate() {
        let expected: Vec<f64> = whole.iter().copied().map(f64::from).collect();
        assert_close(case, &format!("the gradient by array {place}"), found, &expected, ORDER);
    }
}

#[test]
fn a_split_sequence_is_the_whole() {
    for_each_engine(some_shapes().chain(some_long_shapes()), |engine, batch| {
        // A cut gradient is counted from the first step of the whole.
        for truncate in [0, 2] {
            let batch = Batch { truncate, ..batch.clone() };
            let whole = run(engine, &batch);
            for cut in [1, batch.steps / 2, batch.steps.saturating_sub(1)] {
                if 0 < cut && cut < batch.steps {
                    let case = format!("{engine}, {batch}, cut every {truncate}, split at {cut}");
                    let found = in_parts(engine, &batch, &[0..cut, cut..batch.steps], |_, d| d);
                    assert_is(&case, &found, &whole);
                }
            }
        }
    });
}

#[test]
fn a_cut_gradient_is_that_of_parts_that_start_from_a_constant() {
    for_each_engine(some_shapes().chain(some_long_shapes()), |engine, batch| {
        for truncate in [1, 2, 7] {
            if batch.steps == 0 {
                continue;
            }
            let case = format!("{engine}, {batch}, cut every {truncate}");
            let whole = run(engine, &Batch { truncate, ..batch.clone() });
            let starts = (0..batch.steps).step_by(truncate);
            let parts: Vec<_> = starts.map(|start| start..(start + truncate).min(batch.steps)).collect();
            let [_, output, memory] = batch.widths();
            let found = in_parts(engine, batch, &parts, |part, State { mut h, mut c }| {
                // The gradient by a final state goes on to the step that wrote it; no other crosses the border.
                for (row, &length) in batch.lengths.iter().enumerate() {
                    if length > part.end {
                        h[row * output..][..output].fill(0.0);
                        c[row * memory..][..memory].fill(0.0);
                    }
                }
                State { h, c }
            });
            assert_is(&case, &found, &whole);
        }
    });
}
