//! Layer normalisation of every step, as a cell without a state.
//!
//! R rows of a tile, N features; Np rounded up to whole vectors of 16.

use crate::cell::{Backward, Cell, Forward, Rows, RowsMut};
use crate::engine::Engine;
use crate::gain_and_bias::GainAndBias;
use crate::layout::Layout;
use crate::norm::{normalize_back, normalize_by};
use crate::panels::padded;
use crate::simd::{Kernel, LANES, Simd};
use crate::step_dense::no_state;

/// Layer normalisation over the features of a step.
///
/// x̂_t = (x_t − μ_t) / √(σ²_t + ε)        y_t = γ ⊙ x̂_t + β        μ_t, σ²_t over the N features of the step
///
/// Keras's and PyTorch's `LayerNormalization`, `nn.LayerNorm` over the last axis. Ba et al. (2016),
/// <https://arxiv.org/abs/1607.06450>. Nothing goes from step to step.
///
/// Weights: γ `[Np]`, β `[Np]`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepNorm {
    /// N, the floats of a step and of its output.
    pub size: usize,
    /// ε: 1e-5 in PyTorch, 1e-3 in Keras.
    pub epsilon: f32,
}

impl StepNorm {
    /// A normalisation of `size` features with PyTorch's ε.
    pub fn new(size: usize) -> Self {
        StepNorm { size, epsilon: crate::norm::EPSILON }
    }

    /// With another ε.
    pub fn epsilon(self, epsilon: f32) -> Self {
        StepNorm { epsilon, ..self }
    }
}

impl Cell for StepNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }
    fn input(&self) -> usize {
        self.size
    }
    fn output(&self) -> usize {
        self.size
    }
    /// x̂, and 1 / √(σ² + ε) behind it.
    fn tape(&self) -> usize {
        padded(self.size) + 1
    }
    fn layout(&self) -> Layout {
        GainAndBias { size: self.size }.layout()
    }
    fn has_state(&self) -> bool {
        false
    }

    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let Forward { rows, joint, output, tape, .. } = step;
        engine.run(Normalize { cell: *self, rows, weights, joint, output, tape });
    }

    /// dx̂ = γ ⊙ dy        dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ ⊙ x̂)) / √(σ² + ε)        dγ = Σ_t dy ⊙ x̂        dβ = Σ_t dy
    fn backward(&self, engine: Engine<'_>, weights: &[f32], _: &[f32], step: Backward<'_>) {
        let Backward { rows, tape, d_output, d_joint, d_input, gradient, .. } = step;
        engine.run(NormalizeBack { cell: *self, rows, weights, tape, d_output, d_input, gradient });
        no_state(d_joint, rows);
    }
}

struct Normalize<'a> {
    cell: StepNorm,
    rows: usize,
    weights: &'a [f32],
    joint: Rows<'a>,
    output: RowsMut<'a>,
    tape: RowsMut<'a>,
}

impl Kernel for Normalize<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let StepNorm { size, epsilon } = self.cell;
        let [gain, bias] = GainAndBias { size }.split(self.weights);
        for row in 0..self.rows {
            let y = self.output.row(row);
            y[..size].copy_from_slice(&self.joint.row(row)[..size]);
            y[size..].fill(0.0);
            let (normal, rate) = self.tape.row(row).split_at_mut(padded(size));
            rate[0] = normalize_by(s, epsilon, y, normal, size, gain, bias);
        }
    }
}

struct NormalizeBack<'a> {
    cell: StepNorm,
    rows: usize,
    weights: &'a [f32],
    tape: RowsMut<'a>,
    d_output: RowsMut<'a>,
    d_input: Option<RowsMut<'a>>,
    gradient: &'a mut [f32],
}

impl Kernel for NormalizeBack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let size = self.cell.size;
        let vectors = GainAndBias { size };
        let [gain, _] = vectors.split(self.weights);
        for row in 0..self.rows {
            let d = self.d_output.row(row);
            let (normal, rate) = self.tape.row(row).split_at(padded(size));
            normalize_back(
                s,
                d,
                normal,
                rate[0],
                size,
                gain,
                self.gradient,
                vectors.gain_at(),
                vectors.bias_at(),
                LANES,
            );
            if let Some(d_input) = &mut self.d_input {
                d_input.row(row).copy_from_slice(d);
            }
        }
    }
}
