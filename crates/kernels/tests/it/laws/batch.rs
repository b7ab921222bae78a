//! A batch of sequences of any lengths for any cell, plain and row-major, with the gradients that enter.
//!
//! T steps, B rows, I input, P output, M memory.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use elman_kernels::cell::Noise;
use elman_kernels::layout::Role;
use elman_kernels::reference::{Masks, Reference, Sequence};
use elman_kernels::unroll::{Initial, Phase};
use elman_kernels::{LANES, draw_mask, panels};

use crate::compare::widen;
use crate::random::Random;

/// A value this close to where it has no derivative might fall on the other side of it in `f32`, or in a central
/// difference. Both move it by less than 1e-5.
const KINK: f64 = 2e-5;

/// A cell, and the sizes of a batch for it.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) cell: Arc<dyn Reference>,
    pub(crate) rows: usize,
    pub(crate) steps: usize,
    pub(crate) lengths: Lengths,
    pub(crate) initial: Initial,
    pub(crate) phase: Phase,
}

/// How long the rows are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lengths {
    /// All T.
    Full,
    /// From 0 to T, in no order; of several rows, one has no step.
    Ragged,
}

/// Which gradients enter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Through {
    Outputs,
    State,
    Memory,
    All,
}

/// h [B, P] and c [B, M], or the gradients by them.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) h: Vec<f32>,
    pub(crate) c: Vec<f32>,
}

/// Where the random numbers of the masks start.
#[derive(Clone, Debug)]
pub(crate) struct Seeds {
    /// [B]
    pub(crate) rows: Vec<u64>,
    /// [B, T]
    pub(crate) steps: Vec<u64>,
}

/// Parameters, sequences, and the gradients that enter. NaN past a row's end: nobody may read it.
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) cell: Arc<dyn Reference>,
    /// T
    pub(crate) steps: usize,
    /// [B]
    pub(crate) lengths: Vec<usize>,
    /// The arrays of the cell's layout, in its order.
    pub(crate) arrays: Vec<Vec<f32>>,
    /// x [B, T, I]
    pub(crate) x: Vec<f32>,
    /// None: zero, by not being read.
    pub(crate) initial: Option<State>,
    /// [B, T, P]; None: outputs do not enter the loss.
    pub(crate) d_outputs: Option<Vec<f32>>,
    /// [B, P]
    pub(crate) d_state: Vec<f32>,
    /// [B, M]; None: the memory does not enter the loss.
    pub(crate) d_memory: Option<Vec<f32>>,
    /// None: inference.
    pub(crate) masks: Option<Seeds>,
    /// Steps after which the gradient is cut, 0 never; and steps before these.
    pub(crate) truncate: usize,
    pub(crate) offset: usize,
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let initial = if self.initial.is_some() { "given" } else { "zero" };
        let phase = if self.masks.is_some() { "training" } else { "inference" };
        write!(f, "{:?}, {phase}, {} steps, lengths {:?}, start {initial}", self.cell, self.steps, self.lengths)
    }
}

impl Batch {
    /// A batch whose values all keep clear of kinks and limits.
    pub(crate) fn random(shape: &Shape, through: Through, seed: u64) -> Batch {
        (0..)
            .map(|again| Batch::draw(shape, through, &mut Random::new(seed + (again << 32))))
            .find(|batch| batch.reference().forward().clear > KINK)
            .expect("some draw is clear")
    }

    fn draw(shape: &Shape, through: Through, random: &mut Random) -> Batch {
        let &Shape { ref cell, rows, steps, .. } = shape;
        let (input, output, memory) = (cell.input(), cell.output(), cell.memory());
        let mut lengths = vec![steps; rows];
        if shape.lengths == Lengths::Ragged {
            lengths.fill_with(|| random.below(steps + 1));
            if rows > 1 {
                lengths[rows / 2] = 0;
            }
        }
        // Small enough that ReLU's states do not grow, large enough that tanh bends.
        let layout = cell.layout();
        let arrays = layout.entries.iter().map(|entry| {
            let mean = if entry.role == Role::Gain { 1.0 } else { 0.0 };
            let scale = match entry.role {
                Role::Kernel | Role::Dense | Role::Projection => 1.0 / (entry.shape[0] as f64).sqrt(),
                Role::Recurrent => 0.9 / (entry.shape[0] as f64).sqrt(),
                Role::Own | Role::Peephole => 0.5,
                Role::Bias | Role::DenseBias | Role::Gain | Role::Shift | Role::Offset => 0.3,
            };
            random.floats(entry.count(), scale).into_iter().map(|x| mean + x).collect()
        });
        let arrays = arrays.collect();
        let mut x = random.floats(rows * steps * input, 1.0);
        let mut d_outputs = random.floats(rows * steps * output, 1.0);
        for (row, &length) in lengths.iter().enumerate() {
            x[(row * steps + length) * input..(row + 1) * steps * input].fill(f32::NAN);
            d_outputs[(row * steps + length) * output..(row + 1) * steps * output].fill(f32::NAN);
        }
        let initial = State { h: random.floats(rows * output, 0.8), c: random.floats(rows * memory, 0.8) };
        let (d_state, d_memory) = (random.floats(rows * output, 1.0), random.floats(rows * memory, 1.0));
        let mut seeds = |count| (0..count).map(|_| random.next()).collect();
        let seeds = Seeds { rows: seeds(rows), steps: seeds(rows * steps) };
        let enters = |kind| through == Through::All || through == kind;
        Batch {
            cell: cell.clone(),
            steps,
            lengths,
            arrays,
            x,
            initial: (shape.initial == Initial::Given).then_some(initial),
            d_outputs: enters(Through::Outputs).then_some(d_outputs),
            d_state: if enters(Through::State) { d_state } else { vec![0.0; rows * output] },
            d_memory: enters(Through::Memory).then_some(d_memory),
            masks: (shape.phase == Phase::Training).then_some(seeds),
            truncate: 0,
            offset: 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// I, P and M.
    pub(crate) fn widths(&self) -> [usize; 3] {
        [self.cell.input(), self.cell.output(), self.cell.memory()]
    }

    /// What the rows start from, zeros where it is not given.
    pub(crate) fn start(&self) -> State {
        let [_, output, memory] = self.widths();
        let zero = || State { h: vec![0.0; self.rows() * output], c: vec![0.0; self.rows() * memory] };
        self.initial.clone().unwrap_or_else(zero)
    }

    /// The same in `f64`, under the same masks.
    pub(crate) fn reference(&self) -> Sequence<'_> {
        let State { h, c } = self.start();
        let names = self.cell.layout().entries.into_iter().map(|entry| entry.name);
        Sequence {
            cell: &*self.cell,
            arrays: names.zip(self.arrays.iter().map(|array| widen(array))).collect(),
            x: widen(&self.x),
            h0: widen(&h),
            c0: widen(&c),
            lengths: self.lengths.clone(),
            steps: self.steps,
            masks: self.masks.as_ref().map(|seeds| self.draw_masks(seeds)),
        }
    }

    /// What the kernels draw from the same numbers: of a step, first the candidate's mask, then h's, then c's.
    fn draw_masks(&self, seeds: &Seeds) -> Masks {
        let [_, output, memory] = self.widths();
        let candidate = if memory > 0 { memory } else { output };
        let Noise { recurrent_dropout, candidate_dropout, zoneout, memory_zoneout } = self.cell.noise();
        let mut masks = Masks::default();
        for &seed in &seeds.rows {
            draw(&mut masks.recurrent, recurrent_dropout, output, &mut Random::new(seed));
        }
        for &seed in &seeds.steps {
            let random = &mut Random::new(seed);
            draw(&mut masks.candidate, candidate_dropout, candidate, random);
            draw(&mut masks.output, zoneout, output, random);
            draw(&mut masks.memory, memory_zoneout, memory, random);
        }
        masks
    }

    /// The steps of a range alone, which may reach beyond T: each row has what falls into it of its own. The initial
    /// state is to be set by the caller where the range does not start at 0.
    pub(crate) fn window(&self, range: Range<usize>) -> Batch {
        let [input, output, _] = self.widths();
        Batch {
            steps: range.len(),
            lengths: self.lengths.iter().map(|&length| length.clamp(range.start, range.end) - range.start).collect(),
            x: self.cut(&self.x, input, &range, f32::NAN),
            d_outputs: self.d_outputs.as_deref().map(|d| self.cut(d, output, &range, f32::NAN)),
            masks: self
                .masks
                .as_ref()
                .map(|seeds| Seeds { steps: self.cut(&seeds.steps, 1, &range, 0), ..seeds.clone() }),
            offset: self.offset + range.start,
            ..self.clone()
        }
    }

    /// The steps of a range from an array [B, T, width].
    fn cut<T: Copy>(&self, array: &[T], width: usize, range: &Range<usize>, beyond: T) -> Vec<T> {
        let mut out = Vec::new();
        for row in 0..self.rows() {
            for t in range.clone() {
                match t < self.steps {
                    true => out.extend_from_slice(&array[(row * self.steps + t) * width..][..width]),
                    false => out.extend(vec![beyond; width]),
                }
            }
        }
        out
    }

    /// One row alone.
    pub(crate) fn row(&self, row: usize) -> Batch {
        let [input, output, memory] = self.widths();
        let one = |array: &[f32], width: usize| array[row * width..][..width].to_vec();
        Batch {
            lengths: vec![self.lengths[row]],
            x: one(&self.x, self.steps * input),
            initial: self.initial.as_ref().map(|start| State { h: one(&start.h, output), c: one(&start.c, memory) }),
            d_outputs: self.d_outputs.as_deref().map(|d| one(d, self.steps * output)),
            d_state: one(&self.d_state, output),
            d_memory: self.d_memory.as_deref().map(|d| one(d, memory)),
            masks: self.masks.as_ref().map(|seeds| Seeds {
                rows: vec![seeds.rows[row]],
                steps: seeds.steps[row * self.steps..][..self.steps].to_vec(),
            }),
            ..self.clone()
        }
    }
}

/// Appends a mask of `width` units, if there is one.
fn draw(mask: &mut Vec<bool>, p: f32, width: usize, random: &mut Random) {
    if p > 0.0 {
        let mut words = vec![0; panels(width)];
        draw_mask(p, &mut || random.next() as u32, &mut words);
        mask.extend((0..width).map(|unit| words[unit / LANES] >> (unit % LANES) & 1 == 1));
    }
}
