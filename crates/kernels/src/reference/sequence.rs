//! Any cell over a batch of sequences. T steps, B rows, I input, P output, M memory. Row-major, batch first; any lengths
//! in any order.

use std::collections::BTreeMap;

use crate::cell::Cell;

/// The plain arrays of a cell, by the names and of the shapes of its layout.
pub type Arrays = BTreeMap<&'static str, Vec<f64>>;

/// What a step of one row reads.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// x_t `[I]`
    pub x: &'a [f64],
    /// h_{t-1} `[P]` as the products read it.
    pub seen: &'a [f64],
    /// h_{t-1} `[P]`
    pub h: &'a [f64],
    /// c_{t-1} `[M]`
    pub c: &'a [f64],
    /// What each unit of the candidate is multiplied with: `[M]`, or `[P]` without a memory.
    pub candidate: &'a [f64],
}

/// What keeps a value of a cell between bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// σ: from 0 to 1.
    Sigmoid,
    /// tanh: from −1 to 1.
    Tanh,
    /// max(0, a): from 0 on.
    Relu,
    /// Any number.
    None,
}

/// The values of a gate, or of another bounded part of a cell, at a step.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Its letter in the cell's equations.
    pub name: &'static str,
    /// What bounds it.
    pub bound: Bound,
    /// One for each unit.
    pub values: Vec<f64>,
}

/// What a step of one row gives.
#[derive(Clone, Debug)]
pub struct Next {
    /// h_t `[P]`
    pub h: Vec<f64>,
    /// c_t `[M]`
    pub c: Vec<f64>,
    /// How far the nearest value is from one where it has no derivative: the kink of a ReLU, the limit of a clip.
    pub clear: f64,
    /// The gates as they acted, in the order of the cell's equations.
    pub gates: Vec<Gate>,
}

/// A cell that has its equations in `f64`.
pub trait Reference: Cell {
    /// One step of one row.
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next;
}

/// What is kept of the masks of a cell's [`Noise`](crate::Noise): true where a unit is kept, or takes its new value. An
/// array whose rate is 0 is not read.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    /// [B, P]: one mask for all steps.
    pub recurrent: Vec<bool>,
    /// [B, T, M], or [B, T, P] without a memory.
    pub candidate: Vec<bool>,
    /// [B, T, P]: zoneout of h.
    pub output: Vec<bool>,
    /// [B, T, M]: zoneout of c.
    pub memory: Vec<bool>,
}

/// A cell, its parameters, and a batch of sequences.
#[derive(Clone, Debug)]
pub struct Sequence<'a> {
    /// The cell.
    pub cell: &'a dyn Reference,
    /// Its parameters.
    pub arrays: Arrays,
    /// x [B, T, I]
    pub x: Vec<f64>,
    /// h_0 [B, P]
    pub h0: Vec<f64>,
    /// c_0 [B, M]
    pub c0: Vec<f64>,
    /// `[B]`
    pub lengths: Vec<usize>,
    /// T
    pub steps: usize,
    /// None: nothing is dropped, and zoneout takes its mean.
    pub masks: Option<Masks>,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub struct Trace {
    /// [B, T, P], zero past a row's length.
    pub outputs: Vec<f64>,
    /// The final h [B, P].
    pub state: Vec<f64>,
    /// The final c [B, M].
    pub memory: Vec<f64>,
    /// The least [`Next::clear`] of all steps.
    pub clear: f64,
}

impl Sequence<'_> {
    /// All rows through all their steps.
    pub fn forward(&self) -> Trace {
        let (input, output, memory) = (self.cell.input(), self.cell.output(), self.cell.memory());
        let noise = self.cell.noise();
        let candidate_width = if memory > 0 { memory } else { output };
        let mut trace = Trace {
            outputs: vec![0.0; self.lengths.len() * self.steps * output],
            state: self.h0.clone(),
            memory: self.c0.clone(),
            clear: f64::INFINITY,
        };
        for (row, &length) in self.lengths.iter().enumerate() {
            let masks = self.masks.as_ref();
            let recurrent = masks.map(|masks| &masks.recurrent[..]);
            let recurrent = factors(noise.recurrent_dropout, recurrent, row, output);
            for t in 0..length {
                let at = row * self.steps + t;
                let candidate = masks.map(|masks| &masks.candidate[..]);
                let candidate = factors(noise.candidate_dropout, candidate, at, candidate_width);
                let h = &mut trace.state[row * output..][..output];
                let c = &mut trace.memory[row * memory..][..memory];
                let seen: Vec<f64> = h.iter().zip(&recurrent).map(|(h, factor)| h * factor).collect();
                let x = &self.x[at * input..][..input];
                let next = self.cell.step(&self.arrays, Step { x, seen: &seen, h, c, candidate: &candidate });
                zoneout(noise.zoneout, masks.map(|masks| &masks.output[..]), at, h, &next.h);
                zoneout(noise.memory_zoneout, masks.map(|masks| &masks.memory[..]), at, c, &next.c);
                trace.outputs[at * output..][..output].copy_from_slice(h);
                trace.clear = trace.clear.min(next.clear);
            }
        }
        trace
    }
}

/// What dropout multiplies row `row` of `[rows, width]` with: 1 / (1 − p) where the mask keeps a unit, else 0; 1 without
/// masks.
fn factors(p: f32, kept: Option<&[bool]>, row: usize, width: usize) -> Vec<f64> {
    match kept {
        Some(kept) if p > 0.0 => {
            let scale = 1.0 / (1.0 - f64::from(p));
            kept[row * width..][..width].iter().map(|&kept| if kept { scale } else { 0.0 }).collect()
        }
        _ => vec![1.0; width],
    }
}

/// `old` becomes `new` where row `row` of the mask `[rows, width]` says so; without masks, their mean.
fn zoneout(p: f32, taken: Option<&[bool]>, row: usize, old: &mut [f64], new: &[f64]) {
    let (p, width) = (f64::from(p), new.len());
    for j in 0..width {
        let part = match taken {
            Some(taken) if p > 0.0 => f64::from(taken[row * width + j]),
            _ => 1.0 - p,
        };
        old[j] = part * new[j] + (1.0 - part) * old[j];
    }
}
