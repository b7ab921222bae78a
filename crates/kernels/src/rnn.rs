//! The Elman cell.
//!
//! R rows of a tile, I input, H hidden; Hp and Ip are H and I rounded up to whole panels of 16. Row-major.

use std::iter::once;

use crate::activation::{Activation, Chosen, Functions, GateActivation, Identity, InPlace, Relu, Tanh, with_functions};
use crate::cell::{Backward, Cell, Forward, Noise, Rows, RowsMut, Steps};
use crate::engine::Engine;
use crate::layout::{Block, Entry, Layout, Role, Transpose};
use crate::panels::{padded, panels};
use crate::product::{Affine, Segment, Store};
use crate::simd::{Kernel, LANES, Left, Right, Simd};
use crate::vanishing;

/// An Elman cell: its sizes and options.
///
/// h_t = φ(x_t W + h_{t-1} R + b), 0 where it is below 2⁻⁶⁰
///
/// TensorFlow's `BasicRNNCell`, Keras's `SimpleRNN`, PyTorch's `nn.RNN`. Elman (1990), "Finding structure in time",
/// <https://doi.org/10.1207/s15516709cog1402_1>
///
/// Weights `[panel of H][1 + I + H][16]`: b, then the rows of W, then of R.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rnn {
    /// I, the floats of a step.
    pub input: usize,
    /// H, the floats of the state.
    pub hidden: usize,
    /// φ, tanh by default.
    #[serde(default)]
    pub activation: Activation,
    /// Masks in training. A candidate to drop is not defined for this cell.
    #[serde(default, skip_serializing_if = "Noise::is_none")]
    pub noise: Noise,
}

impl Rnn {
    /// A cell that reads `input` floats a step and carries a state of `hidden`.
    pub fn new(input: usize, hidden: usize) -> Self {
        Rnn { input, hidden, activation: Activation::default(), noise: Noise::default() }
    }

    /// With another activation.
    pub fn activation(self, activation: Activation) -> Self {
        Rnn { activation, ..self }
    }

    /// With masks in training.
    pub fn noise(self, noise: Noise) -> Self {
        Rnn { noise, ..self }
    }

    /// φ, where it is not tanh. There are no gates.
    fn chosen(&self) -> Option<Chosen> {
        Chosen::unless_standard(GateActivation::default(), self.activation)
    }

    fn block(&self) -> Block {
        Block { at: 0, depth: 1 + self.input + self.hidden, columns: self.hidden, gates: 1 }
    }
}

impl Cell for Rnn {
    fn name(&self) -> &'static str {
        "rnn"
    }
    fn input(&self) -> usize {
        self.input
    }
    fn output(&self) -> usize {
        self.hidden
    }
    /// da
    fn tape(&self) -> usize {
        padded(self.hidden)
    }
    fn layout(&self) -> Layout {
        let (block, hidden) = (self.block(), self.hidden);
        let entry = |name, role, shape: &[usize], first_row| {
            Entry::in_panels(name, role, shape, block.parts(first_row, 0).collect())
        };
        Layout {
            entries: vec![
                entry("kernel", Role::Kernel, &[self.input, hidden], 1),
                entry("recurrent_kernel", Role::Recurrent, &[hidden, hidden], 1 + self.input),
                entry("bias", Role::Bias, &[hidden], 0),
            ],
            len: block.len(),
        }
    }
    /// Rᵀ, Wᵀ
    fn transposes(&self) -> Vec<Transpose> {
        vec![self.block().transpose(1 + self.input, self.hidden), self.block().transpose(1, self.input)]
    }
    fn noise(&self) -> Noise {
        self.noise
    }
    fn operations(&self) -> [f64; 3] {
        let [input, hidden] = [self.input, self.hidden].map(|size| size as f64);
        let forward = 2.0 * (input + hidden) * hidden;
        [forward, forward + 2.0 * hidden * hidden, 2.0 * input * hidden]
    }

    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let depth = self.block().depth;
        let both = Segment {
            left: Left { data: step.joint.data, row: step.joint.stride, col: 1 },
            right: Right { data: &weights[LANES..], row: LANES, panel: depth * LANES, first: 1 },
            depth: if step.fresh { self.input } else { self.input + self.hidden },
        };
        let Forward { rows, output: RowsMut { data: out, stride, width }, .. } = step;
        let columns = panels(self.hidden);
        match self.activation {
            Activation::Tanh => {
                engine.product(rows, columns, once(both), Affine::<Tanh>::new(weights, depth, out, stride));
            }
            Activation::Relu => {
                engine.product(rows, columns, once(both), Affine::<Relu>::new(weights, depth, out, stride));
            }
            // Rare enough that another pass costs less than a product compiled for each.
            phi => {
                engine.product(rows, columns, once(both), Affine::<Identity>::new(weights, depth, out, stride));
                engine.run(InPlace { rows, hidden: self.hidden, values: RowsMut { data: out, stride, width }, phi });
            }
        }
    }

    /// da_t = dh_t ⊙ φ'        dx_t = da_t Wᵀ        dh_{t-1} = da_t Rᵀ
    fn backward(&self, engine: Engine<'_>, _: &[f32], transposed: &[f32], mut step: Backward<'_>) {
        let hp = padded(self.hidden);
        let (rows, h, dh) = (step.rows, step.output, step.d_output.as_rows());
        with_functions!(self.chosen(), |functions| {
            engine.run(ThroughPhi { functions, rows, width: hp, h, dh, da: step.tape.again() });
        });
        let da = Left { data: step.tape.data, row: step.tape.stride, col: 1 };
        let (recurrent, input) = transposed.split_at(hp * hp);
        for (out, right, columns) in [(step.d_joint, recurrent, self.hidden), (step.d_input, input, self.input)] {
            if let Some(RowsMut { data: out, stride, .. }) = out {
                let right = Right { data: right, row: LANES, panel: hp * LANES, first: 0 };
                let segment = Segment { left: da, right, depth: self.hidden };
                engine.product(rows, panels(columns), once(segment), Store::new(out, stride));
            }
        }
    }

    /// [db; dW; dR] = Σ_t [1 x_t h_{t-1}]ᵀ da_t
    fn accumulate(&self, engine: Engine<'_>, steps: Steps<'_>, gradient: &mut [f32]) {
        self.block().add_products(engine, &steps, 0, self.input, self.hidden, 0, gradient);
    }
}

/// da = dh ⊙ φ', from h.
struct ThroughPhi<'a, F> {
    functions: F,
    rows: usize,
    width: usize,
    h: Rows<'a>,
    dh: Rows<'a>,
    da: RowsMut<'a>,
}

impl<F: Functions> Kernel for ThroughPhi<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for row in 0..self.rows {
            let (h, dh, da) = (self.h.row(row), self.dh.row(row), self.da.row(row));
            for at in (0..self.width).step_by(LANES) {
                let d = self.functions.through(s, s.load(&h[at..]), s.load(&dh[at..]));
                s.store(vanishing::gradient(s, d), &mut da[at..]);
            }
        }
    }
}
