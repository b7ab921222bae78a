//! Whether the gates of a cell move, or stand at their bounds.
//!
//! Their values are those of the f64 reference, from the cell's plain arrays and the true inputs and states.

use elman_kernels::reference::{self, Bound};
use ndarray::ArrayView1;
use serde::Serialize;

use super::track::Track;
use crate::network::layer::AnyCell;

/// A gate over a sample of steps. σ is saturated below 0.1 and above 0.9, tanh below −0.9 and above 0.9, and ReLU is
/// where it is 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// Its letter in the cell's equations; φ for the activation of the Elman cell.
    pub name: &'static str,
    /// What bounds it.
    pub bound: Bound,
    /// Mean over units, rows and steps.
    pub mean: f64,
    /// Part of them at the lower bound.
    pub low: f64,
    /// Part of them at the upper bound.
    pub high: f64,
    /// Part of the units that were at the same bound in every sample: they gate nothing.
    pub stuck: f64,
}

/// What a gate of so many units has shown so far.
#[derive(Clone, Debug)]
struct Seen {
    name: &'static str,
    bound: Bound,
    sum: f64,
    /// Samples of each unit at its bounds.
    low: Vec<u64>,
    high: Vec<u64>,
}

/// A cell with its plain arrays in f64.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    cell: AnyCell,
    arrays: reference::Arrays,
}

impl Plain {
    pub(super) fn new(track: &Track) -> Self {
        let cell = track.cell.clone();
        let entries = cell.reference().map_or_else(Vec::new, |cell| cell.layout().entries);
        let wide = |name: &str| track.arrays[name].data.iter().map(|&x| f64::from(x)).collect();
        let arrays = entries.iter().map(|entry| (entry.name, wide(entry.name))).collect();
        Plain { cell, arrays }
    }

    /// The gates of a step: x `[I]` and the state before, h `[P]` and c `[M]`. None of a cell of one's own.
    pub(super) fn gates<'a>(
        &self,
        x: impl IntoIterator<Item = &'a f32>,
        h: impl IntoIterator<Item = &'a f32>,
        c: impl IntoIterator<Item = &'a f32>,
    ) -> Option<Vec<reference::Gate>> {
        fn wide<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<f64> {
            values.into_iter().map(|&x| f64::from(x)).collect()
        }
        let cell = self.cell.reference()?;
        let (x, h, c) = (wide(x), wide(h), wide(c));
        let candidate = vec![1.0; if c.is_empty() { h.len() } else { c.len() }];
        let step = reference::Step { x: &x, seen: &h, h: &h, c: &c, candidate: &candidate };
        Some(cell.step(&self.arrays, step).gates)
    }
}

/// The gates of a track, sample by sample.
pub(super) struct Gates {
    plain: Plain,
    seen: Vec<Seen>,
    pub(super) samples: u64,
}

impl Gates {
    pub(super) fn new(track: &Track) -> Self {
        Gates { plain: Plain::new(track), seen: Vec::new(), samples: 0 }
    }

    /// Whether there is anything to see.
    pub(super) fn are_known(&self) -> bool {
        self.plain.cell.reference().is_some()
    }

    /// A step of a row: x `[I]` and the state before, h `[P]` and c `[M]`.
    pub(super) fn add(&mut self, x: ArrayView1<'_, f32>, h: ArrayView1<'_, f32>, c: ArrayView1<'_, f32>) {
        let Some(gates) = self.plain.gates(x, h, c) else { return };
        if self.seen.is_empty() {
            let none = |gate: &reference::Gate| vec![0; gate.values.len()];
            let seen = |gate: &reference::Gate| Seen {
                name: gate.name,
                bound: gate.bound,
                sum: 0.0,
                low: none(gate),
                high: none(gate),
            };
            self.seen = gates.iter().map(seen).collect();
        }
        for (seen, gate) in self.seen.iter_mut().zip(&gates) {
            for (unit, &value) in gate.values.iter().enumerate() {
                let (low, high) = at_bounds(gate.bound, value);
                seen.sum += value;
                seen.low[unit] += u64::from(low);
                seen.high[unit] += u64::from(high);
            }
        }
        self.samples += 1;
    }

    pub(super) fn finish(self) -> Vec<Gate> {
        let samples = self.samples;
        let gate = |seen: Seen| {
            let (units, all) = (seen.low.len() as f64, (seen.low.len() as u64 * samples) as f64);
            let stuck = seen.low.iter().zip(&seen.high).filter(|(low, high)| **low == samples || **high == samples);
            Gate {
                name: seen.name,
                bound: seen.bound,
                mean: seen.sum / all,
                low: seen.low.iter().sum::<u64>() as f64 / all,
                high: seen.high.iter().sum::<u64>() as f64 / all,
                stuck: stuck.count() as f64 / units,
            }
        };
        self.seen.into_iter().map(gate).collect()
    }
}

/// Whether a value is at the lower and at the upper bound.
fn at_bounds(bound: Bound, value: f64) -> (bool, bool) {
    match bound {
        Bound::Sigmoid => (value < 0.1, value > 0.9),
        Bound::Tanh => (value < -0.9, value > 0.9),
        Bound::Relu => (value <= 0.0, false),
        Bound::None => (false, false),
    }
}
