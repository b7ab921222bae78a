//! A dense layer at every step, as a cell without a state.
//!
//! R rows of a tile, I input, O output; Op and Ip are O and I rounded up to whole panels of 16. Row-major.

use std::iter::once;

use crate::activation::Identity;
use crate::cell::{Backward, Cell, Forward, RowsMut, Steps};
use crate::engine::Engine;
use crate::layout::{Block, Entry, Layout, Role, Transpose};
use crate::nonlinearity::Nonlinearity;
use crate::panels::{padded, panels};
use crate::product::{Affine, Segment, Store};
use crate::simd::{LANES, Left, Right};
use crate::weight_gradient::Factor;

/// A dense layer at every step: its sizes and its φ.
///
/// y_t = φ(x_t W + b)
///
/// Keras's `TimeDistributed(Dense)` or `Dense` on a sequence, PyTorch's `nn.Linear` on one. Nothing goes from step to
/// step: the state is the output of the last step, and no step reads it.
///
/// Weights `[panel of O][1 + I][16]`: b, then the rows of W.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDense {
    /// I, the floats of a step.
    pub input: usize,
    /// O, the floats of its output.
    pub output: usize,
    /// φ, none by default.
    #[serde(default)]
    pub activation: Nonlinearity,
}

impl StepDense {
    /// A layer from `input` floats to `output`, without φ.
    pub fn new(input: usize, output: usize) -> Self {
        StepDense { input, output, activation: Nonlinearity::Identity }
    }

    /// With a φ.
    pub fn activation(self, activation: Nonlinearity) -> Self {
        StepDense { activation, ..self }
    }

    fn block(&self) -> Block {
        Block { at: 0, depth: 1 + self.input, columns: self.output, gates: 1 }
    }
}

impl Cell for StepDense {
    fn name(&self) -> &'static str {
        "dense"
    }
    fn input(&self) -> usize {
        self.input
    }
    fn output(&self) -> usize {
        self.output
    }
    /// a, then da
    fn tape(&self) -> usize {
        padded(self.output)
    }
    fn layout(&self) -> Layout {
        let (block, output) = (self.block(), self.output);
        let entry = |name, role, shape: &[usize], first_row| {
            Entry::in_panels(name, role, shape, block.parts(first_row, 0).collect())
        };
        Layout {
            entries: vec![
                entry("kernel", Role::Dense, &[self.input, output], 1),
                entry("bias", Role::DenseBias, &[output], 0),
            ],
            len: block.len(),
        }
    }
    /// Wᵀ
    fn transposes(&self) -> Vec<Transpose> {
        vec![self.block().transpose(1, self.input)]
    }
    fn operations(&self) -> [f64; 3] {
        let product = 2.0 * self.input as f64 * self.output as f64;
        [product; 3]
    }
    fn has_state(&self) -> bool {
        false
    }

    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let depth = self.block().depth;
        let segment = Segment {
            left: Left { data: step.joint.data, row: step.joint.stride, col: 1 },
            right: Right { data: &weights[LANES..], row: LANES, panel: depth * LANES, first: 1 },
            depth: self.input,
        };
        let Forward { rows, output, mut tape, .. } = step;
        let RowsMut { data, stride, .. } = tape.again();
        engine.product(rows, panels(self.output), once(segment), Affine::<Identity>::new(weights, depth, data, stride));
        self.activation.apply(engine, rows, self.output, tape.as_rows(), output);
    }

    /// da_t = dy_t ⊙ φ'(a_t)        dx_t = da_t Wᵀ        dh_{t-1} = 0
    fn backward(&self, engine: Engine<'_>, _: &[f32], transposed: &[f32], mut step: Backward<'_>) {
        let (rows, op) = (step.rows, padded(self.output));
        self.activation.back(engine, rows, self.output, step.d_output.as_rows(), step.tape.again());
        if let Some(RowsMut { data, stride, .. }) = step.d_input {
            let segment = Segment {
                left: Left { data: step.tape.data, row: step.tape.stride, col: 1 },
                right: Right { data: transposed, row: LANES, panel: op * LANES, first: 0 },
                depth: self.output,
            };
            engine.product(rows, panels(self.input), once(segment), Store::new(data, stride));
        }
        no_state(step.d_joint, rows);
    }

    /// [db; dW] = Σ_t [1 x_t]ᵀ da_t
    fn accumulate(&self, engine: Engine<'_>, steps: Steps<'_>, gradient: &mut [f32]) {
        let (count, columns) = (1 + self.input, panels(self.output));
        steps.add_products(engine, 0, Factor::Joint, 0, count, 0, columns, gradient, count, 0);
    }
}

/// No step reads the state: no gradient goes into the step before.
pub(crate) fn no_state(d_joint: Option<RowsMut<'_>>, rows: usize) {
    if let Some(mut d) = d_joint {
        (0..rows).for_each(|row| d.row(row).fill(0.0));
    }
}
