//! Is a cell's backward pass the gradient of its forward pass?
//!
//! T steps, R rows, I input, P output, M memory. L is a loss on everything the cell gives: Σ h_t ⊙ A_t over all steps,
//! and h_T ⊙ B + c_T ⊙ C on the final states, with A, B and C random.
//!
//! L is computed twice on either side of a point, along a random direction D of one array: the difference is what the
//! gradient by that array must give when it is multiplied with D.

use std::sync::OnceLock;

use elman_kernels::cell::{Backward, Forward, RowsMut, Steps, transpose, transposed_len};
use elman_kernels::layout::{Layout, Role, Transpose};
use elman_kernels::unroll::{Initial, Lengths, Phase, Upstream};
use elman_kernels::{Cell, Engine, Isa, Noise, Unroll, padded};

use crate::random::{Purpose, Random};
use crate::{Error, isa};

/// How far the backward pass may be off, relative to what is expected of a gradient of its size along a random
/// direction. Over the cells here, rounding in `f32` left less than 5e-4 in 99 of 100 directions, and 2.5e-3 in the worst
/// of 12,000; a part that is forgotten or doubled is off by far more.
const TOLERANCE: f64 = 4e-3;

/// The widest step along a direction of length 1. It is halved [`HALVINGS`] times, to 0.0005: wide steps see the curve and
/// kinks, narrow ones the rounding.
const WIDTH: f64 = 0.0625;
const HALVINGS: usize = 7;

/// What rounding alone makes of a gradient that is zero.
const ROUNDING: f64 = 1e-4;

/// How far three successive widths may disagree, relative as [`TOLERANCE`] is.
const AGREEMENT: f64 = 5e-4;

/// Directions that are tried for each array.
const DIRECTIONS: usize = 4;

/// Draws until a direction is one along which the loss is smooth, and points from which they are drawn: ReLU and clips
/// have kinks.
const DRAWS: usize = 4;
const POINTS: u64 = 16;

/// Verifies the backward pass of a cell: every array of its layout, its inputs, h_0 and c_0.
///
/// Random weights, rows of different lengths and random gradients enter `forward` and `backward`; central differences of
/// the loss along random directions say what must come out. Rows that start from zero are tried too, rows that start
/// from a given state, and the masks of the cell's [`Noise`](crate::Noise). A single step comes first, so that the
/// error names the part that is wrong and not what follows from it.
///
/// ```
/// # fn main() -> Result<(), elman::Error> {
/// elman::check_gradient(&elman::Lstm::new(3, 5).peepholes(true), 1)
/// # }
/// ```
///
/// What it can see: an error of 0.4% of a whole gradient. Where a cell has kinks, as ReLU, the slope is misjudged at a
/// few points; an array is called wrong when two points of three say so.
///
/// What a cell must write holds NaN before, so what it forgets to write shows. Rows are whole vectors of 16 floats: their
/// padding must be zero, for other layers and steps read it.
///
/// # Errors
/// [`Error::Gradient`] with the first array whose gradient is wrong; [`Error::Setting`] if arrays of the layout lie over
/// each other, or beyond its end, or if what the cell writes has other padding than zero.
pub fn check_gradient(cell: &dyn Cell, seed: u64) -> Result<(), Error> {
    check_layout(cell)?;
    let strict = Strict { cell, spilt: OnceLock::new() };
    let all = [Phase::Inference, Phase::Training];
    let phases = if cell.noise().is_none() { &all[..1] } else { &all };
    // One step, several steps of rows with different lengths, more rows than a block of a product has.
    for active in [&[2][..], &[4, 3, 3, 1], &[7, 6]] {
        for initial in [Initial::Zero, Initial::Given] {
            for &phase in phases {
                let verdict = check_at_points(|point| Check::new(&strict, active, initial, phase, seed, point).run());
                if let Some(&(what, found)) = strict.spilt.get() {
                    return Err(Error::setting(what, found, "0, written by the cell with the rest of its row"));
                }
                verdict?;
            }
        }
    }
    Ok(())
}

/// Looks at points until one is right, or two are wrong: at a kink of the loss its slope is misjudged, but hardly twice.
fn check_at_points(mut look: impl FnMut(u64) -> Found) -> Result<(), Error> {
    let (mut first, mut rights, mut wrongs) = (None, 0, 0);
    for point in 0..POINTS {
        match look(point) {
            Found::Right => rights += 1,
            Found::Wrong(error) => {
                wrongs += 1;
                first.get_or_insert(error);
            }
            // Nothing is known of the slope there.
            Found::Unknown(error) => {
                if point + 1 == POINTS {
                    first.get_or_insert(error);
                }
                continue;
            }
        }
        // The first word counts when it acquits; otherwise two of three.
        if rights > wrongs {
            return Ok(());
        }
        if wrongs == 2 {
            break;
        }
    }
    first.map_or(Ok(()), Err)
}

/// A cell as it is, but what it writes holds NaN before, and its padding is looked at afterwards.
#[derive(Debug)]
struct Strict<'a> {
    cell: &'a dyn Cell,
    /// The first padding that was not zero, and what stood there.
    spilt: OnceLock<(&'static str, f32)>,
}

impl Strict<'_> {
    /// Of a row that is not written at all, the gradient is no number: that says more.
    fn check(&self, what: &'static str, rows: usize, width: usize, written: &mut RowsMut<'_>) {
        for row in 0..rows {
            let (own, padding) = written.row(row).split_at(width);
            if let Some(&found) = padding.iter().find(|&&x| x != 0.0)
                && !own.iter().any(|x| x.is_nan())
            {
                self.spilt.get_or_init(|| (what, found));
            }
        }
    }
}

/// Nothing, until it is written.
fn spoil(rows: usize, unwritten: &mut RowsMut<'_>) {
    (0..rows).for_each(|row| unwritten.row(row).fill(f32::NAN));
}

impl Cell for Strict<'_> {
    fn name(&self) -> &'static str {
        self.cell.name()
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
    fn noise(&self) -> Noise {
        self.cell.noise()
    }
    fn keeps_state(&self) -> bool {
        self.cell.keeps_state()
    }

    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let (rows, mut output, mut memory, mut tape) = (step.rows, step.output, step.next_memory, step.tape);
        for written in [&mut output, &mut memory, &mut tape] {
            spoil(rows, written);
        }
        let (own, own_memory, own_tape) = (output.again(), memory.again(), tape.again());
        self.cell.forward(engine, weights, Forward { output: own, next_memory: own_memory, tape: own_tape, ..step });
        self.check("the padding of h_t", rows, self.output(), &mut output);
        self.check("the padding of c_t", rows, self.memory(), &mut memory);
    }

    fn backward(&self, engine: Engine<'_>, weights: &[f32], transposed: &[f32], step: Backward<'_>) {
        let (rows, mut d_joint, mut d_input) = (step.rows, step.d_joint, step.d_input);
        d_joint.iter_mut().chain(&mut d_input).for_each(|written| spoil(rows, written));
        let (own, own_input) = (d_joint.as_mut().map(RowsMut::again), d_input.as_mut().map(RowsMut::again));
        self.cell.backward(engine, weights, transposed, Backward { d_joint: own, d_input: own_input, ..step });
        if let Some(d_joint) = &mut d_joint {
            self.check("the padding of the gradient by h_{t-1}", rows, self.output(), d_joint);
        }
        if let Some(d_input) = &mut d_input {
            self.check("the padding of the gradient by x_t", rows, self.input(), d_input);
        }
    }

    fn accumulate(&self, engine: Engine<'_>, steps: Steps<'_>, gradient: &mut [f32]) {
        self.cell.accumulate(engine, steps, gradient);
    }
}

/// Refuses arrays that share floats of the weights.
fn check_layout(cell: &dyn Cell) -> Result<(), Error> {
    let layout = cell.layout();
    let mut taken = vec![0.0; layout.len];
    let refuse = |name: &str, expected: &str| Err(Error::setting("the cell's layout", name, expected));
    for entry in &layout.entries {
        let end = entry.parts.is_empty().then(|| entry.at + entry.count());
        if end.is_some_and(|end| end > layout.len) {
            return refuse(entry.name, "an array within its length");
        }
        let before: f32 = taken.iter().sum();
        let mut own = vec![0.0; layout.len];
        entry.pack(&vec![1.0; entry.count()], &mut own);
        taken.iter_mut().zip(own).for_each(|(taken, own)| *taken = f32::max(*taken, own));
        if taken.iter().sum::<f32>() - before != entry.count() as f32 {
            return refuse(entry.name, "an array that lies over no other");
        }
    }
    Ok(())
}

/// What was found at a point.
enum Found {
    Right,
    Wrong(Error),
    /// The loss is not smooth there.
    Unknown(Error),
}

/// What a direction goes through.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// An array of the layout, by its place.
    Array(usize),
    Inputs,
    State,
    Memory,
}

/// Everything that enters the forward pass.
#[derive(Clone)]
struct Point {
    /// As the cell lays them out.
    weights: Vec<f64>,
    /// x [T, R, I], h_0 [R, P], c_0 [R, M]
    inputs: Vec<f64>,
    state: Vec<f64>,
    memory: Vec<f64>,
}

impl Point {
    fn part(&mut self, of: Of) -> &mut Vec<f64> {
        match of {
            Of::Array(_) => &mut self.weights,
            Of::Inputs => &mut self.inputs,
            Of::State => &mut self.state,
            Of::Memory => &mut self.memory,
        }
    }
}

/// A cell at a point, with its loss.
struct Check<'a> {
    cell: &'a dyn Cell,
    isa: Isa,
    active: &'a [usize],
    initial: Initial,
    phase: Phase,
    random: Random,
    unroll: Unroll,
    point: Point,
    /// A [T, R, P], B [R, P], C [R, M]
    by_outputs: Vec<f32>,
    by_state: Vec<f32>,
    by_memory: Vec<f32>,
}

impl<'a> Check<'a> {
    fn new(cell: &'a dyn Cell, active: &'a [usize], initial: Initial, phase: Phase, seed: u64, point: u64) -> Self {
        // One row more than ever runs: it has no step at all.
        let (steps, rows) = (active.len(), active[0] + 1);
        let (input, output, memory) = (cell.input(), cell.output(), cell.memory());
        let place =
            (steps * 4 + usize::from(initial == Initial::Given) * 2 + usize::from(phase == Phase::Training)) as u64;
        let mut random = Random::at(seed, Purpose::Data, point, place);
        let mut draw = |count: usize, bound: f32| -> Vec<f32> { (0..count).map(|_| random.uniform(bound)).collect() };
        let [by_outputs, by_state, by_memory] =
            [steps * rows * output, rows * output, rows * memory].map(|count| draw(count, 1.0));
        let wide = |values: Vec<f32>| -> Vec<f64> { values.into_iter().map(f64::from).collect() };
        let inputs = wide(draw(steps * rows * input, 1.0));
        let given = if initial == Initial::Given { 1.0 } else { 0.0 };
        let [state, memory] = [rows * output, rows * memory].map(|count| wide(draw(count, given)));
        let layout = cell.layout();
        let mut weights = vec![0.0; layout.len];
        for entry in &layout.entries {
            let (middle, bound) = match entry.role {
                Role::Kernel | Role::Dense | Role::Recurrent | Role::Projection => {
                    let rows = (entry.count() / entry.columns().max(1)).max(1);
                    (0.0, (3.0 / rows as f32).sqrt())
                }
                Role::Bias | Role::DenseBias | Role::Own | Role::Peephole | Role::Shift | Role::Offset => (0.0, 0.5),
                Role::Gain => (1.0, 0.5),
            };
            let values: Vec<f32> = draw(entry.count(), bound).into_iter().map(|x| middle + x).collect();
            entry.pack(&values, &mut weights);
        }
        let mut unroll = Unroll::new(cell, steps, rows);
        for row in 0..rows {
            unroll.draw_row_mask(row, || random.bits());
            (0..steps).for_each(|t| unroll.draw_step_masks(t, rows, row, || random.bits()));
        }
        let point = Point { weights: wide(weights), inputs, state, memory };
        let isa = isa::active();
        Check { cell, isa, active, initial, phase, random, unroll, point, by_outputs, by_state, by_memory }
    }

    fn rows(&self) -> usize {
        self.active[0] + 1
    }

    /// Steps of the row at `place`.
    fn length(&self, place: usize) -> usize {
        self.active.iter().take_while(|&&active| active > place).count()
    }

    fn lengths(&self) -> Lengths<'a> {
        Lengths { phase: self.phase, ..Lengths::whole(self.rows(), self.active, self.initial) }
    }

    /// All steps forward from a point; the weights, as they were used.
    fn forward(&mut self, point: &Point) -> Vec<f32> {
        let narrow = |values: &[f64]| -> Vec<f32> { values.iter().map(|&x| x as f32).collect() };
        let (rows, input) = (self.rows(), self.cell.input());
        let (output, memory) = (self.cell.output(), self.cell.memory());
        let [inputs, state, memories] = [&point.inputs, &point.state, &point.memory].map(|part| narrow(part));
        for place in 0..rows {
            for t in 0..self.length(place) {
                let x = &inputs[(t * rows + place) * input..][..input];
                self.unroll.input_mut(t, rows, place).copy_from_slice(x);
            }
            self.unroll.initial_state_mut(place).copy_from_slice(&state[place * output..][..output]);
            self.unroll.initial_memory_mut(place).copy_from_slice(&memories[place * memory..][..memory]);
        }
        let weights = narrow(&point.weights);
        self.unroll.forward(self.cell, self.isa, &weights, self.lengths());
        weights
    }

    /// L
    fn loss(&mut self, point: &Point) -> f64 {
        self.forward(point);
        let rows = self.rows();
        let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
        let (output, memory) = (self.cell.output(), self.cell.memory());
        let mut sum = 0.0;
        for place in 0..rows {
            let length = self.length(place);
            for t in 0..length {
                let by = &self.by_outputs[(t * rows + place) * output..][..output];
                sum += dot(self.unroll.state(t + 1, rows, place), by);
            }
            sum += dot(self.unroll.state(length, rows, place), &self.by_state[place * output..][..output]);
            sum += dot(self.unroll.memory(length, rows, place), &self.by_memory[place * memory..][..memory]);
        }
        sum
    }

    /// The gradient by everything, as the backward pass has it.
    fn gradient(&mut self) -> Point {
        let weights = self.forward(&self.point.clone());
        let (cell, rows, steps) = (self.cell, self.rows(), self.active.len());
        let (input, output, memory) = (cell.input(), cell.output(), cell.memory());
        let mut transposed = vec![0.0; transposed_len(&cell.transposes())];
        transpose(&cell.transposes(), &weights, &mut transposed);
        let pad = |values: &[f32], width: usize, count: usize| {
            let mut rows = vec![0.0; count * padded(width)];
            for at in 0..count {
                rows[at * padded(width)..][..width].copy_from_slice(&values[at * width..][..width]);
            }
            rows
        };
        let by_outputs = pad(&self.by_outputs, output, steps * rows);
        let (by_state, by_memory) = (pad(&self.by_state, output, rows), pad(&self.by_memory, memory, rows));
        let upstream = Upstream { state: &by_state, memory: Some(&by_memory), outputs: Some(&by_outputs) };
        let mut gradient = vec![0.0; weights.len()];
        let mut d_inputs = vec![f32::NAN; steps * rows * padded(input)];
        let given = self.initial == Initial::Given;
        self.unroll.backward(
            cell,
            self.isa,
            &weights,
            &transposed,
            self.lengths(),
            upstream,
            &mut gradient,
            Some(&mut d_inputs),
            given,
        );
        let rows_of = |values: &[f32], width: usize, count: usize| -> Vec<f64> {
            let rows = (0..count).flat_map(|at| &values[at * padded(width)..][..width]);
            rows.map(|&x| f64::from(x)).collect()
        };
        let each = |of: &dyn Fn(usize) -> Vec<f32>| (0..rows).flat_map(of).map(f64::from).collect();
        Point {
            weights: gradient.into_iter().map(f64::from).collect(),
            inputs: rows_of(&d_inputs, input, steps * rows),
            state: each(&|place| self.unroll.d_initial_state(place)[..output].to_vec()),
            memory: each(&|place| self.unroll.d_initial_memory(place)[..memory].to_vec()),
        }
    }

    /// Every array, along several directions.
    fn run(mut self) -> Found {
        let mut gradient = self.gradient();
        let layout = self.cell.layout();
        let given = self.initial == Initial::Given;
        let arrays = layout.entries.iter().enumerate().map(|(index, entry)| (Of::Array(index), entry.name));
        let states = [(Of::State, "h_0"), (Of::Memory, "c_0")].into_iter().filter(|_| given);
        for (of, what) in arrays.chain([(Of::Inputs, "the inputs")]).chain(states) {
            let places = self.places(of);
            if places.is_empty() {
                continue;
            }
            let part = gradient.part(of);
            // What a gradient of this size gives along a direction that has nothing to do with it.
            let norm = places.iter().map(|&at| part[at] * part[at]).sum::<f64>().sqrt();
            let usual = norm / (places.len() as f64).sqrt();
            let part = part.clone();
            for _ in 0..DIRECTIONS {
                let direction = self.smooth_direction(of, &places, usual);
                let found: f64 = direction.steps.iter().map(|&(at, d)| part[at] * d).sum();
                let expected = direction.slope;
                let error = || Error::Gradient { cell: self.cell.name(), what: what.into(), found, expected };
                if !direction.is_smooth {
                    return Found::Unknown(error());
                }
                // Not `>`: what is not a number is wrong.
                let right = (found - expected).abs() <= TOLERANCE * usual.max(expected.abs()) + ROUNDING;
                if !right {
                    return Found::Wrong(error());
                }
            }
        }
        Found::Right
    }

    /// The places of an array in its part of a point; of the inputs, those that are read.
    fn places(&self, of: Of) -> Vec<usize> {
        match of {
            Of::Array(index) => {
                let (layout, mut weights) = (self.cell.layout(), vec![0.0; self.point.weights.len()]);
                let entry = &layout.entries[index];
                entry.pack(&vec![1.0; entry.count()], &mut weights);
                (0..weights.len()).filter(|&at| weights[at] == 1.0).collect()
            }
            Of::Inputs => {
                let (rows, input) = (self.rows(), self.cell.input());
                let runs = |at: &usize| at / input % rows < self.active[at / input / rows];
                (0..self.point.inputs.len()).filter(runs).collect()
            }
            Of::State => (0..self.point.state.len()).collect(),
            Of::Memory => (0..self.point.memory.len()).collect(),
        }
    }

    /// A random direction along which the loss is smooth, if one is found in a few draws.
    fn smooth_direction(&mut self, of: Of, places: &[usize], usual: f64) -> Direction {
        let mut direction = self.direction(of, places, usual);
        for _ in 1..DRAWS {
            if direction.is_smooth {
                break;
            }
            direction = self.direction(of, places, usual);
        }
        direction
    }

    /// A random direction of length 1, and the slope of the loss along it.
    fn direction(&mut self, of: Of, places: &[usize], usual: f64) -> Direction {
        let values: Vec<f64> = places.iter().map(|_| self.random.normal()).collect();
        let length = values.iter().map(|x| x * x).sum::<f64>().sqrt();
        let steps: Vec<(usize, f64)> = places.iter().zip(values).map(|(&at, x)| (at, x / length)).collect();
        let mut slope_at = |width: f64| {
            let mut side = |width: f64| {
                let mut point = self.point.clone();
                let part = point.part(of);
                steps.iter().for_each(|&(at, d)| part[at] += width * d);
                self.loss(&point)
            };
            (side(width) - side(-width)) / (2.0 * width)
        };
        let slopes: Vec<f64> = (0..=HALVINGS).map(|k| slope_at(WIDTH / f64::from(1 << k))).collect();
        // The error of a difference falls with the square of the width: Richardson's extrapolation takes it away.
        let better: Vec<f64> = slopes.windows(2).map(|pair| pair[1] + (pair[1] - pair[0]) / 3.0).collect();
        // Two widths may agree by chance on either side of a kink, three hardly do. The narrowest that agree well enough
        // see the fewest kinks.
        let smooth = better.windows(3).rev().find_map(|three| {
            let (low, high) = three.iter().fold((three[0], three[0]), |(low, high), x| (low.min(*x), high.max(*x)));
            (high - low <= AGREEMENT * usual.max(three[1].abs()) + ROUNDING).then_some(three[1])
        });
        Direction { steps, slope: smooth.unwrap_or(slopes[HALVINGS]), is_smooth: smooth.is_some() }
    }
}

/// A direction, and the slope of the loss along it.
struct Direction {
    /// Places and how far each goes.
    steps: Vec<(usize, f64)>,
    slope: f64,
    /// Whether the slope is known.
    is_smooth: bool,
}
