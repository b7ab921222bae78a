//! How a tile is cut, and what its buffers take.
//!
//! T steps, R rows of the tile, S steps of a part.

use elman_kernels::unroll::chunk_steps;
use elman_kernels::{Unroll, padded, panels};

use crate::network::grid::Grids;
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

/// Elements of the buffers of a tile: said once, for who makes them and for who asks beforehand what they take.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// Of each track, floats of h and of c of all rows.
    pub(crate) states: Vec<[usize; 2]>,
    /// The same of the gradients by them, in whole vectors.
    pub(crate) d_states: Vec<[usize; 2]>,
    /// Of each layer, words of the outputs that are kept on their way to the next.
    pub(crate) dropout: Vec<usize>,
    /// Floats of the gradients between layers: by a layer's outputs, by those of one direction, by its inputs, and by the
    /// outputs of the layer below.
    pub(crate) between: [usize; 4],
    /// Floats of the widest layer's outputs or inputs, in whole vectors.
    pub(crate) line: usize,
    /// Floats of the steps of a row that windows are taken of.
    pub(crate) below: usize,
}

impl Shape {
    /// Parts of the sequence.
    pub(crate) fn parts(self) -> usize {
        self.steps.div_ceil(self.part.max(1)).max(1)
    }

    /// The buffers of a tile of a stack, beside those of its cells.
    pub(crate) fn room(self, stack: &Stack, grids: &Grids) -> Room {
        let Shape { rows, part, .. } = self;
        let of_layer = |layer: usize| if grids.is_one() { part } else { grids.steps(layer) };
        let tracks = || stack.layers.iter().flat_map(|layer| std::iter::repeat_n(layer.cell.get(), layer.directions()));
        let widths = stack.layers.iter().flat_map(|layer| [layer.output(), layer.input(), layer.cell.get().output()]);
        let line = padded(widths.max().unwrap_or(0));
        // Of all steps of a row, the most floats that stand between two layers.
        let between = stack.layers.iter().enumerate().map(|(index, layer)| {
            let cell = layer.cell.get();
            let own = layer.output().max(cell.output()).max(cell.input());
            (of_layer(index) * padded(own)).max(grids.steps_below(index) * padded(layer.input()))
        });
        let widest = if grids.is_one() { part * line } else { between.max().unwrap_or(0) };
        let layers = stack.layers.len() > 1 || stack.embedding.is_some();
        let any = layers || self.through_outputs || self.inputs_too;
        let both = any && stack.layers.iter().any(|layer| layer.bidirectional.is_some());
        Room {
            states: tracks().map(|cell| [cell.output(), cell.memory()].map(|width| rows * width)).collect(),
            d_states: tracks().map(|cell| [cell.output(), cell.memory()].map(|width| rows * padded(width))).collect(),
            dropout: (stack.layers.iter().enumerate())
                .map(|(index, layer)| match layer.dropout > 0.0 {
                    true => of_layer(index) * rows * panels(layer.output()),
                    false => 0,
                })
                .collect(),
            between: [any, both, both, any].map(|on| if on { rows * widest } else { 0 }),
            line,
            below: (stack.layers.iter().enumerate().filter(|(_, layer)| layer.window.is_some()))
                .map(|(index, layer)| grids.steps_below(index) * layer.input())
                .max()
                .unwrap_or(0),
        }
    }

    /// Bytes that [`Tile::new`](crate::network::tile::Tile::new) sets aside.
    pub(crate) fn bytes(self, stack: &Stack) -> usize {
        let grids = Grids::new(stack, self.rows, self.steps);
        let of_layer = |layer: usize| if grids.is_one() { self.part } else { grids.steps(layer) };
        let Room { states, d_states, dropout, between, line, below } = self.room(stack, &grids);
        // The states before each part, and behind the last step.
        let states = (self.parts() + 1) * states.as_flattened().iter().sum::<usize>();
        let floats =
            states + d_states.as_flattened().iter().sum::<usize>() + between.iter().sum::<usize>() + line + below;
        let cells = stack.layers.iter().enumerate();
        let cells = cells
            .map(|(index, layer)| layer.directions() * Unroll::bytes(layer.cell.get(), of_layer(index), self.rows))
            .sum::<usize>();
        let words = dropout.iter().sum::<usize>();
        cells + floats * size_of::<f32>() + words * size_of::<u16>() + grids.bytes()
    }

    /// Steps of a part are whole multiples of it, or all.
    pub(crate) fn unit(self) -> usize {
        chunk_steps(self.rows)
    }
}
