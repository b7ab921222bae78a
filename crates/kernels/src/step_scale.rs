//! An affine map of every feature of every step, as a cell without a state.
//!
//! R rows of a tile, N features; Np rounded up to whole vectors of 16.

use crate::cell::{Backward, Cell, Forward, Rows, RowsMut};
use crate::engine::Engine;
use crate::gain_and_bias::GainAndBias;
use crate::layout::Layout;
use crate::norm::{add_panel, lanes};
use crate::simd::{Kernel, LANES, Simd};
use crate::step_dense::no_state;

/// Each feature times a factor of its own, and shifted.
///
/// y_t = a ⊙ x_t + b
///
/// What Keras's `Normalization` and `Rescaling` and, in inference, `BatchNormalization` and `nn.BatchNorm1d` come to; those
/// compute a and b from other numbers, which only a converter knows. a and b are trained like all other parameters.
/// Nothing goes from step to step.
///
/// Weights: a `[Np]`, b `[Np]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepScale {
    /// N, the floats of a step and of its output.
    pub size: usize,
}

impl StepScale {
    /// Of `size` features.
    pub fn new(size: usize) -> Self {
        StepScale { size }
    }
}

impl Cell for StepScale {
    fn name(&self) -> &'static str {
        "scale"
    }
    fn input(&self) -> usize {
        self.size
    }
    fn output(&self) -> usize {
        self.size
    }
    fn layout(&self) -> Layout {
        GainAndBias { size: self.size }.layout()
    }
    fn has_state(&self) -> bool {
        false
    }

    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let Forward { rows, joint, output, .. } = step;
        engine.run(Scale { size: self.size, rows, weights, joint, output });
    }

    /// dx = a ⊙ dy        da = Σ_t dy ⊙ x        db = Σ_t dy
    fn backward(&self, engine: Engine<'_>, weights: &[f32], _: &[f32], step: Backward<'_>) {
        let Backward { rows, joint, d_output, d_joint, d_input, gradient, .. } = step;
        engine.run(ScaleBack { size: self.size, rows, weights, joint, d_output, d_input, gradient });
        no_state(d_joint, rows);
    }
}

struct Scale<'a> {
    size: usize,
    rows: usize,
    weights: &'a [f32],
    joint: Rows<'a>,
    output: RowsMut<'a>,
}

impl Kernel for Scale<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let [gain, bias] = GainAndBias { size: self.size }.split(self.weights);
        for row in 0..self.rows {
            let y = self.output.row(row);
            y[..self.size].copy_from_slice(&self.joint.row(row)[..self.size]);
            y[self.size..].fill(0.0);
            for (panel, y) in y.chunks_exact_mut(LANES).enumerate() {
                s.store(s.mul_add(s.load(y), gain.panel(s, panel), bias.panel(s, panel)), y);
            }
        }
    }
}

struct ScaleBack<'a> {
    size: usize,
    rows: usize,
    weights: &'a [f32],
    joint: Rows<'a>,
    d_output: RowsMut<'a>,
    d_input: Option<RowsMut<'a>>,
    gradient: &'a mut [f32],
}

impl Kernel for ScaleBack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let vectors = GainAndBias { size: self.size };
        let [gain, _] = vectors.split(self.weights);
        for row in 0..self.rows {
            let (x, d) = (self.joint.row(row), self.d_output.row(row));
            for at in (0..self.size).step_by(LANES) {
                let (x, d) = (s.load(&x[at..]), s.load(&d[at..]));
                // Behind the last feature stands the state, which is no input.
                let x = s.select(lanes(self.size, at), x, s.splat(0.0));
                add_panel(s, self.gradient, vectors.gain_at() + at, s.mul(d, x));
                add_panel(s, self.gradient, vectors.bias_at() + at, d);
                if let Some(d_input) = &mut self.d_input {
                    s.store(s.mul(d, gain.panel(s, at / LANES)), &mut d_input.row(row)[at..]);
                }
            }
        }
    }
}
