//! Every cell's backward pass is the gradient of its forward pass, and a wrong one is found and named.

use crate::support::Arrays;
use crate::support::networks::{
    LSTM_NOISE, NOISE, RNN_NOISE, bidirectional, build, built, cells, independent, inputs, lengths, merged,
    random_cube, random_state, stacks, stateless, strided, windowed,
};
use elman::cell::{Backward, Forward, RowsMut, Steps};
use elman::layout::{Entry, Layout, Role, Transpose};
use elman::{
    AnyCell, Build, Cell, Engine, Error, Gru, Layer, Lstm, Merge, Network, Noise, Pooling, Purpose, Random, Rnn, Stack,
    State, check_gradient,
};
use ndarray::Array3;

#[test]
fn every_cell_and_option_has_its_gradient() {
    for (name, stack) in
        cells().into_iter().chain(stacks()).chain(stateless()).chain(independent()).chain(bidirectional())
    {
        for layer in &stack.layers {
            for seed in 1..=2 {
                check_gradient(layer.cell.get(), seed).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }
}

/// What is spoilt in the way back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spoilt {
    Nothing,
    Weights,
    Inputs,
    State,
    Memory,
    /// The gradient by the inputs is not written.
    Unwritten,
    /// The padding of a row.
    OutputPadding,
    MemoryPadding,
    StatePadding,
    InputPadding,
}

/// An LSTM that multiplies a part of its gradient with 1.02.
#[derive(Debug)]
struct Wrong {
    cell: Lstm,
    spoilt: Spoilt,
}

impl Wrong {
    fn spoil(&self, spoilt: Spoilt, values: &mut [f32]) {
        if self.spoilt == spoilt {
            values.iter_mut().for_each(|x| *x *= 1.02);
        }
    }

    fn spill(&self, spoilt: Spoilt, rows: usize, written: &mut RowsMut<'_>) {
        if self.spoilt == spoilt {
            (0..rows).for_each(|row| *written.row(row).last_mut().unwrap() = 0.5);
        }
    }
}

impl Cell for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn input(&self) -> usize {
        self.cell.input()
    }
    fn output(&self) -> usize {
        self.cell.output()
    }
    fn memory(&self) -> usize {
        self.cell.memory()
    }
    fn tape(&self) -> usize {
        self.cell.tape()
    }
    fn layout(&self) -> Layout {
        self.cell.layout()
    }
    fn transposes(&self) -> Vec<Transpose> {
        self.cell.transposes()
    }
    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let (rows, mut output, mut memory) = (step.rows, step.output, step.next_memory);
        self.cell.forward(engine, weights, Forward { output: output.again(), next_memory: memory.again(), ..step });
        self.spill(Spoilt::OutputPadding, rows, &mut output);
        self.spill(Spoilt::MemoryPadding, rows, &mut memory);
    }
    fn backward(&self, engine: Engine<'_>, weights: &[f32], transposed: &[f32], mut step: Backward<'_>) {
        let rows = step.rows;
        let (mut d_joint, mut d_input) = (step.d_joint.take(), step.d_input.take());
        self.cell.backward(
            engine,
            weights,
            transposed,
            Backward {
                d_output: step.d_output.again(),
                d_memory: step.d_memory.again(),
                d_joint: d_joint.as_mut().map(|d| d.again()),
                d_input: d_input.as_mut().filter(|_| self.spoilt != Spoilt::Unwritten).map(|d| d.again()),
                ..step
            },
        );
        for row in 0..rows {
            self.spoil(Spoilt::Memory, step.d_memory.row(row));
            if let Some(d) = &mut d_joint {
                self.spoil(Spoilt::State, d.row(row));
            }
            if let Some(d) = &mut d_input {
                self.spoil(Spoilt::Inputs, d.row(row));
            }
        }
        d_joint.iter_mut().for_each(|d| self.spill(Spoilt::StatePadding, rows, d));
        d_input.iter_mut().for_each(|d| self.spill(Spoilt::InputPadding, rows, d));
    }
    fn accumulate(&self, engine: Engine<'_>, steps: Steps<'_>, gradient: &mut [f32]) {
        let mut own = vec![0.0; gradient.len()];
        self.cell.accumulate(engine, steps, &mut own);
        self.spoil(Spoilt::Weights, &mut own);
        gradient.iter_mut().zip(own).for_each(|(gradient, own)| *gradient += own);
    }
}

#[test]
fn a_wrong_gradient_is_found_and_named() {
    let cases = [
        (Spoilt::Nothing, None),
        (Spoilt::Weights, Some("kernel")),
        (Spoilt::Inputs, Some("the inputs")),
        (Spoilt::State, Some("h_0")),
        (Spoilt::Memory, Some("c_0")),
        (Spoilt::Unwritten, Some("the inputs")),
    ];
    for seed in 1..=5 {
        for (spoilt, expected) in cases {
            let found = match check_gradient(&Wrong { cell: Lstm::new(4, 6), spoilt }, seed) {
                Ok(()) => None,
                Err(Error::Gradient { cell, what, .. }) => {
                    assert_eq!(cell, "wrong");
                    Some(what)
                }
                Err(error) => panic!("{error}"),
            };
            assert_eq!(found.as_deref(), expected, "{spoilt:?}, seed {seed}");
        }
    }
}

#[test]
fn padding_that_is_not_zero_is_found_and_named() {
    for (spoilt, what) in [
        (Spoilt::OutputPadding, "h_t"),
        (Spoilt::MemoryPadding, "c_t"),
        (Spoilt::StatePadding, "the gradient by h_{t-1}"),
        (Spoilt::InputPadding, "the gradient by x_t"),
    ] {
        let error = check_gradient(&Wrong { cell: Lstm::new(4, 6), spoilt }, 1).unwrap_err().to_string();
        let expected = "is 0.5; expected 0, written by the cell with the rest of its row";
        assert_eq!(error, format!("the padding of {what} {expected}"));
    }
}

/// h_t = ½ h_{t-1} + x_t W: no product reads the state, so the gradient by it there is zero, and must be written.
#[derive(Debug)]
struct Leaky {
    writes_d_joint: bool,
    writes_padding: bool,
}

impl Cell for Leaky {
    fn name(&self) -> &'static str {
        "leaky"
    }
    fn input(&self) -> usize {
        1
    }
    fn output(&self) -> usize {
        2
    }
    fn layout(&self) -> Layout {
        Layout { entries: vec![Entry::plain("kernel", Role::Kernel, &[1, 2], 0)], len: 2 }
    }
    fn keeps_state(&self) -> bool {
        true
    }
    fn forward(&self, _: Engine<'_>, weights: &[f32], mut step: Forward<'_>) {
        for row in 0..step.rows {
            let (x, old, h) = (step.joint.row(row)[0], step.previous.row(row), step.output.row(row));
            if self.writes_padding {
                h.fill(0.0);
            }
            (0..2).for_each(|j| h[j] = 0.5 * old[j] + x * weights[j]);
        }
    }
    fn backward(&self, _: Engine<'_>, weights: &[f32], _: &[f32], mut step: Backward<'_>) {
        for row in 0..step.rows {
            let (x, dh) = (step.joint.row(row)[0], step.d_output.row(row));
            if let Some(d_input) = &mut step.d_input {
                d_input.row(row).fill(0.0);
                d_input.row(row)[0] = dh[0] * weights[0] + dh[1] * weights[1];
            }
            (0..2).for_each(|j| step.gradient[j] += x * dh[j]);
            dh.iter_mut().for_each(|d| *d *= 0.5);
            if let Some(d_joint) = step.d_joint.as_mut().filter(|_| self.writes_d_joint) {
                d_joint.row(row).fill(0.0);
            }
        }
    }
}

/// Buffers that are zero at first would hide it: later ones are not.
#[test]
fn what_is_not_written_is_found() {
    let check = |writes_d_joint, writes_padding| check_gradient(&Leaky { writes_d_joint, writes_padding }, 1);
    check(true, true).unwrap();
    let error = check(false, true).unwrap_err().to_string();
    assert!(error.starts_with("the gradient of leaky by h_0 is wrong"), "{error}");
    let error = check(true, false).unwrap_err().to_string();
    assert!(error.starts_with("the padding of h_t is NaN; expected 0"), "{error}");
}

/// Arrays that lie over each other would share a gradient, and no difference would show it.
#[derive(Debug)]
struct Laid(Layout);

impl Cell for Laid {
    fn name(&self) -> &'static str {
        "laid"
    }
    fn input(&self) -> usize {
        2
    }
    fn output(&self) -> usize {
        2
    }
    fn layout(&self) -> Layout {
        self.0.clone()
    }
    fn forward(&self, _: Engine<'_>, _: &[f32], _: Forward<'_>) {}
    fn backward(&self, _: Engine<'_>, _: &[f32], _: &[f32], _: Backward<'_>) {}
}

#[test]
fn arrays_that_lie_over_each_other_are_refused() {
    let kernel = Entry::plain("kernel", Role::Kernel, &[2, 2], 0);
    let bias = |at| Entry::plain("bias", Role::Bias, &[2], at);
    for (at, len, expected) in [
        (3, 6, "the cell's layout is bias; expected an array that lies over no other"),
        (4, 5, "the cell's layout is bias; expected an array within its length"),
    ] {
        let cell = Laid(Layout { entries: vec![kernel.clone(), bias(at)], len });
        assert_eq!(check_gradient(&cell, 1).unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_error_says_what_was_expected_and_what_was_found() {
    let error = check_gradient(&Wrong { cell: Lstm::new(4, 6), spoilt: Spoilt::Inputs }, 1).unwrap_err().to_string();
    assert!(
        error.starts_with("the gradient of wrong by the inputs is wrong: along a random direction the loss"),
        "{error}"
    );
    assert!(!error.contains("  "), "{error}");
}

/// The masks are around the cell, but the candidate's is within it: without it the gradient would be another.
#[test]
fn masks_are_part_of_what_is_checked() {
    let noise = Noise { candidate_dropout: 0.5, ..Noise::default() };
    check_gradient(&Lstm::new(3, 5).noise(noise), 3).unwrap();
    check_gradient(&Gru::new(3, 5).noise(noise), 3).unwrap();
}

/// How far a network's gradient may be from its differences, relative to what a gradient of its size gives along a random
/// direction. Rounding and the curve leave less than 1e-3; a mask or a path that is forgotten, far more.
const TOLERANCE: f64 = 4e-3;

/// A step along a direction of length 1: wide enough for single precision, and halved once to see the curve.
const WIDTH: f64 = 1.0 / 32.0;

/// What enters a network.
#[derive(Clone)]
struct Point {
    arrays: Arrays,
    xs: Array3<f32>,
    initial: State,
}

impl Point {
    /// The floats of an array, of the inputs or of the initial state.
    fn part(&mut self, what: &str) -> Vec<&mut f32> {
        match what {
            "the inputs" => self.xs.iter_mut().collect(),
            "the initial state" => {
                self.initial.cells.iter_mut().flat_map(|cell| cell.h.iter_mut().chain(&mut cell.c)).collect()
            }
            name => self.arrays.get_mut(name).unwrap().data.iter_mut().collect(),
        }
    }
}

/// With the masks fixed by a seed and a step, the whole network is a function as any other: dropout between layers,
/// residual connections, both directions, every mask of the cells, tokens.
#[test]
fn a_network_in_training_has_its_gradient() {
    const ROWS: usize = 5;
    const STEPS: usize = 6;
    let every = Stack::new(
        Layer::new(Lstm::new(3, 4).noise(LSTM_NOISE).projection(3)).bidirectional(Merge::Concat).dropout(0.3),
    )
    .then(Layer::new(Gru::new(6, 6).noise(NOISE)).bidirectional(Merge::Sum).residual(true).dropout(0.4))
    .then(Layer::new(Rnn::new(6, 6).noise(RNN_NOISE)).residual(true));
    let networks = stacks().into_iter().chain(stateless()).chain(bidirectional()).chain(merged());
    // A maximum has kinks, which a difference crosses; its own gradient is a law of the kernels.
    let windows = windowed().into_iter().chain(strided()).map(|(name, mut stack)| {
        for layer in &mut stack.layers {
            if let AnyCell::Pool(pool) = &mut layer.cell {
                pool.pooling = Pooling::Mean;
            }
        }
        (name, stack)
    });
    let networks = built(networks.chain(windows))
        .into_iter()
        .chain([("every mask", build(every.clone())), ("every mask of tokens", build(every.embedding(7)))]);
    for (name, network) in networks {
        let lengths = lengths(ROWS, STEPS);
        let here = Point {
            arrays: network.arrays(),
            xs: inputs(&network, ROWS, STEPS, 1),
            initial: random_state(&network, ROWS, 2),
        };
        let stack = network.stack();
        let by_outputs = random_cube((ROWS, stack.steps_left(STEPS), stack.output()), 3);
        let by_state = random_state(&network, ROWS, 4);
        let loss = |point: &Point| -> f64 {
            let network: Network = network.stack().clone().with_arrays(&point.arrays).unwrap();
            let run = network.dynamic_rnn(point.xs.view()).sequence_length(&lengths).initial_state(&point.initial);
            let (outputs, state) = run.training(5, 3).run().unwrap();
            let states = state.cells.iter().zip(&by_state.cells);
            let states = states.flat_map(|(a, b)| a.h.iter().zip(&b.h).chain(a.c.iter().zip(&b.c)));
            outputs.iter().zip(&by_outputs).chain(states).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let run = network.dynamic_rnn(here.xs.view()).sequence_length(&lengths).initial_state(&here.initial);
        let d = run.training(5, 3).unroll().unwrap().backward(Some(by_outputs.view()), Some(&by_state)).unwrap();
        let mut d = Point { arrays: d.arrays, xs: d.inputs, initial: d.initial_state };

        let mut parts: Vec<String> = here.arrays.keys().cloned().collect();
        parts.push("the initial state".into());
        if network.stack().embedding.is_none() {
            parts.push("the inputs".into());
        }
        let mut random = Random::new(6, Purpose::Data);
        for what in &parts {
            let d: Vec<f64> = d.part(what).into_iter().map(|&mut x| f64::from(x)).collect();
            let direction: Vec<f64> = d.iter().map(|_| random.normal()).collect();
            let norm = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
            let length = norm(&direction);
            let slope = |width: f64| {
                let side = |width: f64| {
                    let mut point = here.clone();
                    let steps = direction.iter().map(|x| width * x / length);
                    point.part(what).into_iter().zip(steps).for_each(|(x, step)| *x = (f64::from(*x) + step) as f32);
                    loss(&point)
                };
                (side(width) - side(-width)) / (2.0 * width)
            };
            // The error of a difference falls with the square of the width.
            let (wide, narrow) = (slope(WIDTH), slope(WIDTH / 2.0));
            let expected = narrow + (narrow - wide) / 3.0;
            let found: f64 = d.iter().zip(&direction).map(|(d, x)| d * x / length).sum();
            let usual = norm(&d) / (d.len() as f64).sqrt();
            let off = (found - expected).abs() / usual.max(expected.abs());
            assert!(off <= TOLERANCE, "{name}, by {what}: {found}, expected {expected}");
        }
    }
}
