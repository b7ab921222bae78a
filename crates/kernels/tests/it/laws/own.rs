//! A cell that the crate does not have, written from outside with its public parts alone: it obeys the same laws.
//!
//! R rows of a tile, I input, H hidden; Hp rounded up to whole vectors of 16.

use elman_kernels::cell::{Backward, Forward};
use elman_kernels::layout::{Entry, Layout, Role};
use elman_kernels::reference::{Arrays, Next, Reference, Step};
use elman_kernels::{Cell, Engine, Noise, padded};

/// Units that see their own past alone.
///
/// g_t = tanh(x_t W + u ⊙ h_{t-1})        c_t = v ⊙ c_{t-1} + g_t        h_t = tanh(c_t)
///
/// Weights, row-major: W [I, H], u `[H]`, v `[H]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    input: usize,
    hidden: usize,
    noise: Noise,
}

impl Own {
    pub(crate) fn new(input: usize, hidden: usize) -> Own {
        Own { input, hidden, noise: Noise::default() }
    }

    pub(crate) fn noise(self, noise: Noise) -> Own {
        Own { noise, ..self }
    }

    /// W, u and v.
    fn split<'a>(&self, weights: &'a [f32]) -> (&'a [f32], &'a [f32], &'a [f32]) {
        let (w, rest) = weights.split_at(self.input * self.hidden);
        let (u, v) = rest.split_at(self.hidden);
        (w, u, v)
    }
}

impl Cell for Own {
    fn name(&self) -> &'static str {
        "own"
    }
    fn input(&self) -> usize {
        self.input
    }
    fn output(&self) -> usize {
        self.hidden
    }
    fn memory(&self) -> usize {
        self.hidden
    }
    /// g and h of each unit.
    fn tape(&self) -> usize {
        2 * self.hidden
    }
    fn layout(&self) -> Layout {
        let (input, hidden) = (self.input, self.hidden);
        Layout {
            entries: vec![
                Entry::plain("kernel", Role::Kernel, &[input, hidden], 0),
                Entry::plain("recurrent", Role::Recurrent, &[1, hidden], input * hidden),
                Entry::plain("keep", Role::Peephole, &[1, hidden], (input + 1) * hidden),
            ],
            len: (input + 2) * hidden,
        }
    }
    fn noise(&self) -> Noise {
        self.noise
    }

    fn forward(&self, _: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let Forward { rows, joint, memory, mut output, mut next_memory, mut tape, .. } = step;
        let ((w, u, v), hidden) = (self.split(weights), self.hidden);
        for row in 0..rows {
            let ((x, h), c) = (joint.row(row).split_at(self.input), memory.row(row));
            let (next_h, next_c, tape) = (output.row(row), next_memory.row(row), tape.row(row));
            for j in 0..hidden {
                let sum = (0..self.input).fold(u[j] * h[j], |sum, k| sum + x[k] * w[k * hidden + j]);
                let g = sum.tanh();
                next_c[j] = v[j] * c[j] + g;
                next_h[j] = next_c[j].tanh();
                (tape[j], tape[hidden + j]) = (g, next_h[j]);
            }
            next_h[hidden..].fill(0.0);
            next_c[hidden..].fill(0.0);
        }
    }

    /// dc += dh ⊙ (1 − h²)        da = dc ⊙ (1 − g²)        dv += dc ⊙ c        du += da ⊙ h        dc_{t-1} = dc ⊙ v
    fn backward(&self, _: Engine<'_>, weights: &[f32], _: &[f32], step: Backward<'_>) {
        let Backward { rows, joint, memory, mut tape, mut d_output, mut d_joint, mut d_memory, .. } = step;
        let (mut d_input, gradient) = (step.d_input, step.gradient);
        let ((w, u, v), hidden, width) = (self.split(weights), self.hidden, self.input * self.hidden);
        for row in 0..rows {
            let ((x, h), c) = (joint.row(row).split_at(self.input), memory.row(row));
            let (tape, dh, dc) = (tape.row(row), d_output.row(row), d_memory.row(row));
            for j in 0..hidden {
                let (g, out) = (tape[j], tape[hidden + j]);
                let d = dc[j] + dh[j] * (1.0 - out * out);
                let da = d * (1.0 - g * g);
                (0..self.input).for_each(|k| gradient[k * hidden + j] += x[k] * da);
                gradient[width + j] += da * h[j];
                gradient[width + hidden + j] += d * c[j];
                dc[j] = d * v[j];
                tape[j] = da;
            }
            if let Some(d_joint) = &mut d_joint {
                let d = d_joint.row(row);
                (0..hidden).for_each(|j| d[j] = tape[j] * u[j]);
                d[hidden..].fill(0.0);
            }
            if let Some(d_input) = &mut d_input {
                let d = d_input.row(row);
                for k in 0..self.input {
                    d[k] = (0..hidden).map(|j| tape[j] * w[k * hidden + j]).sum();
                }
                d[self.input..padded(self.input)].fill(0.0);
            }
        }
    }
}

impl Reference for Own {
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let (w, hidden) = (&arrays["kernel"], self.hidden);
        let (u, v) = (&arrays["recurrent"], &arrays["keep"]);
        let from_x = |j| (0..self.input).map(|k| step.x[k] * w[k * hidden + j]).sum::<f64>();
        let c: Vec<f64> = (0..hidden).map(|j| v[j] * step.c[j] + (from_x(j) + u[j] * step.seen[j]).tanh()).collect();
        Next { h: c.iter().map(|c| c.tanh()).collect(), c, clear: f64::INFINITY, gates: Vec::new() }
    }
}
