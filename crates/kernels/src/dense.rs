//! A dense layer over a tile of rows: `y = x W + b`.
//!
//! R rows of the tile, I input, O output; Ip and Op rounded up to whole panels of 16. A row of the input is
//! `[… | 1 | x (Ip)]`, filled up in front so that x starts on a cache line; the weights are `[panel of O][1 + I][16]`: b,
//! then the rows of W.

use std::iter::once;

use crate::activation::Identity;
use crate::engine::Engine;
use crate::layout::{Block, Entry, Role};
use crate::panels::{odd_stride, padded, panels, transpose_panel};
use crate::product::{Accumulate, Affine, Mode, Segment, Store};
use crate::simd::{LANES, Left, Right};

/// A dense layer: its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// I
    pub input: usize,
    /// O
    pub output: usize,
}

impl Dense {
    /// Rows of a panel of weights: 1 + I.
    pub fn depth(&self) -> usize {
        1 + self.input
    }

    /// Floats of the weights, Op (1 + I).
    pub fn weights_len(&self) -> usize {
        padded(self.output) * self.depth()
    }

    /// The plain arrays of the layer: `kernel [I, O]`, `bias [O]`.
    pub fn layout(&self) -> Vec<Entry> {
        let block = Block { at: 0, depth: self.depth(), columns: self.output, gates: 1 };
        let entry =
            |name, role, shape: &[usize], row| Entry::in_panels(name, role, shape, block.parts(row, 0).collect());
        vec![entry("kernel", Role::Kernel, &[self.input, self.output], 1), entry("bias", Role::Bias, &[self.output], 0)]
    }

    /// Floats of Wᵀ in panels, `[panel of I][O][16]`.
    pub fn transposed_len(&self) -> usize {
        padded(self.input) * self.output
    }

    /// Writes panel `panel` of Wᵀ, `[O][16]`.
    pub fn transpose(&self, weights: &[f32], panel: usize, out: &mut [f32]) {
        transpose_panel(weights, self.depth(), self.output, 1, self.input, panel, out);
    }

    /// From a row of the input to the next.
    pub fn input_stride(&self) -> usize {
        odd_stride(self.input_at() + padded(self.input))
    }

    /// Where x starts in a row of the input; the constant 1 stands before it.
    pub fn input_at(&self) -> usize {
        LANES
    }

    /// From a row of the output to the next.
    pub fn output_stride(&self) -> usize {
        odd_stride(self.output)
    }

    /// `outputs [R, output stride]` = `inputs [R, input stride]` W + b. The padding of the outputs is zero.
    ///
    /// # Panics
    /// If a length does not fit the sizes.
    pub fn forward<'e>(
        &self,
        engine: impl Into<Engine<'e>>,
        weights: &[f32],
        inputs: &[f32],
        rows: usize,
        outputs: &mut [f32],
    ) {
        let engine = engine.into();
        assert_eq!(weights.len(), self.weights_len(), "weights of {self:?}");
        assert_eq!(inputs.len(), rows * self.input_stride(), "inputs of {self:?}, {rows} rows");
        assert_eq!(outputs.len(), rows * self.output_stride(), "outputs of {self:?}, {rows} rows");
        if rows == 0 {
            return;
        }
        let segment = Segment {
            left: Left { data: &inputs[self.input_at()..], row: self.input_stride(), col: 1 },
            right: Right { data: &weights[LANES..], row: LANES, panel: self.depth() * LANES, first: 1 },
            depth: self.input,
        };
        let ends = Affine::<Identity>::new(weights, self.depth(), outputs, self.output_stride());
        engine.product(rows, panels(self.output), once(segment), ends);
    }

    /// dx = dy Wᵀ into `d_inputs [R, Ip]`; `[db; dW] = [1 x]ᵀ dy` into `gradient`, laid out as the weights.
    /// `transposed` is Wᵀ in panels; `d_outputs [R, output stride]`.
    ///
    /// # Panics
    /// If a length does not fit the sizes.
    #[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
    pub fn backward<'e>(
        &self,
        engine: impl Into<Engine<'e>>,
        transposed: &[f32],
        inputs: &[f32],
        rows: usize,
        d_outputs: &[f32],
        d_inputs: &mut [f32],
        gradient: &mut [f32],
        mode: Mode,
    ) {
        let engine = engine.into();
        assert_eq!(transposed.len(), self.transposed_len(), "transposed weights of {self:?}");
        assert_eq!(inputs.len(), rows * self.input_stride(), "inputs of {self:?}, {rows} rows");
        assert_eq!(d_outputs.len(), rows * self.output_stride(), "gradient by the outputs of {self:?}, {rows} rows");
        assert_eq!(d_inputs.len(), rows * padded(self.input), "gradient by the inputs of {self:?}, {rows} rows");
        assert_eq!(gradient.len(), self.weights_len(), "gradient of the weights of {self:?}");
        let back = Segment {
            left: Left { data: d_outputs, row: self.output_stride(), col: 1 },
            right: Right { data: transposed, row: LANES, panel: self.output * LANES, first: 0 },
            depth: self.output,
        };
        engine.product(rows, panels(self.input), once(back), Store::new(d_inputs, padded(self.input)));
        let weights = Segment {
            left: Left { data: &inputs[self.input_at() - 1..], row: 1, col: self.input_stride() },
            right: Right { data: d_outputs, row: self.output_stride(), panel: LANES, first: 0 },
            depth: rows,
        };
        let ends = Accumulate::new(gradient, self.depth(), 0, mode);
        engine.product(self.depth(), panels(self.output), once(weights), ends);
    }
}
