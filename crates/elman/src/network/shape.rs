//! How a tile is cut, and what its buffers take.
//!
//! T steps, R rows of the tile, S steps of a part.

use elman_kernels::unroll::chunk_steps;
use elman_kernels::{Unroll, padded, panels};

use crate::network::layer::Stack;

/// A row of a tile: some steps of a row of the data, from one reset to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Row of the batch or data set.
    pub(crate) row: usize,
    /// Its first step.
    pub(crate) start: usize,
    /// Its steps.
    pub(crate) length: usize,
    /// Whether it goes on from the state that was carried here; others start from the initial one.
    pub(crate) carried: bool,
    /// Whether the row ends with it.
    pub(crate) last: bool,
}

impl Piece {
    /// A row without resets.
    pub(crate) fn whole(row: usize, length: usize) -> Self {
        Piece { row, start: 0, length, carried: true, last: true }
    }

    /// A window of a row of `length` steps: the `window` steps from `start` on, or as many as there are.
    pub(crate) fn window(row: usize, start: usize, window: usize, length: usize) -> Self {
        let left = length.saturating_sub(start);
        Piece { row, start, length: left.min(window), carried: true, last: left <= window }
    }
}

/// How a tile is cut and what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// T
    pub(crate) steps: usize,
    /// R
    pub(crate) rows: usize,
    /// S: T, or fewer to save memory.
    pub(crate) part: usize,
    /// Whether gradients enter through the outputs of the last layer.
    pub(crate) through_outputs: bool,
    /// Whether the gradient by the inputs is asked for.
    pub(crate) inputs_too: bool,
    /// Whether that by the initial state is.
    pub(crate) initial_too: bool,
}

/// Floats of the widest layer's outputs or inputs, in whole vectors.
pub(crate) fn widest(stack: &Stack) -> usize {
    let widths = stack.layers.iter().flat_map(|layer| [layer.output(), layer.input(), layer.cell.get().output()]);
    padded(widths.max().unwrap_or(0))
}

/// Floats of the gradients between layers.
pub(crate) fn between(stack: &Stack, shape: Shape) -> [usize; 4] {
    let layers = stack.layers.len() > 1 || stack.embedding.is_some();
    let one = shape.part * shape.rows * widest(stack);
    let each = |on: bool| if on { one } else { 0 };
    let both = stack.layers.iter().any(|layer| layer.bidirectional.is_some());
    let any = layers || shape.through_outputs || shape.inputs_too;
    [each(any), each(any && both), each(any && both), each(any)]
}

impl Shape {
    /// Parts of the sequence.
    pub(crate) fn parts(self) -> usize {
        self.steps.div_ceil(self.part.max(1)).max(1)
    }

    /// Bytes that [`Tile::new`] sets aside.
    pub(crate) fn bytes(self, stack: &Stack) -> usize {
        let mut floats = between(stack, self).iter().sum::<usize>() + widest(stack);
        let mut bytes = self.steps * size_of::<usize>();
        for layer in &stack.layers {
            let cell = layer.cell.get();
            bytes += layer.directions() * Unroll::bytes(cell, self.part, self.rows);
            let (output, memory) = (cell.output(), cell.memory());
            let kept = (self.parts() + 1) * (output + memory) + padded(output) + padded(memory);
            floats += layer.directions() * self.rows * kept;
            if layer.dropout > 0.0 {
                bytes += self.part * self.rows * panels(layer.output()) * size_of::<u16>();
            }
        }
        bytes + floats * size_of::<f32>()
    }

    /// Steps of a part are whole multiples of it, or all.
    pub(crate) fn unit(self) -> usize {
        chunk_steps(self.rows)
    }
}
