//! A tile: a few rows of a batch that one worker carries through all their steps.

use elman_kernels::rnn::{Gradients, Initial, Upstream};
use elman_kernels::{Aligned, Isa, Rnn};
use ndarray::ArrayView2;

use crate::Sequences;

/// The history of a tile and which rows are in it, the longest first.
#[derive(Debug)]
pub(crate) struct Tile {
    rnn: Rnn,
    history: Aligned,
    steps: usize,
    /// (row of the batch or data set, its length), the longest first; equal lengths in the order they came.
    order: Vec<(usize, usize)>,
    /// Rows that run each step.
    active: Vec<usize>,
    initial: Initial,
}

impl Tile {
    /// Room for `rows` rows of `steps` steps.
    pub(crate) fn new(rnn: Rnn, steps: usize, rows: usize) -> Self {
        let mut history = Aligned::zeros(rnn.history_len(steps, rows));
        for row in history.chunks_exact_mut(rnn.stride()) {
            row[rnn.one_at()] = 1.0;
        }
        Tile { rnn, history, steps, order: Vec::with_capacity(rows), active: vec![0; steps], initial: Initial::Zero }
    }

    /// Floats that a tile of that size holds.
    pub(crate) fn floats(rnn: Rnn, steps: usize, rows: usize) -> usize {
        rnn.history_len(steps, rows)
    }

    /// Reads rows of a data set, as many as the tile has room for or fewer; they start from zero.
    pub(crate) fn gather<D: Sequences>(&mut self, data: &D, rows: impl IntoIterator<Item = usize>) {
        self.order.clear();
        self.order.extend(rows.into_iter().map(|row| (row, data.length(row))));
        self.order.sort_by_key(|&(_, length)| std::cmp::Reverse(length));
        self.initial = Initial::Zero;
        let count = self.order.len();
        let (input, at, stride) = (self.rnn.input, self.rnn.input_at(), self.rnn.stride());
        for (t, active) in self.active.iter_mut().enumerate() {
            *active = self.order.partition_point(|&(_, length)| length > t);
        }
        for (place, &(row, length)) in self.order.iter().enumerate() {
            if length == 0 {
                // Its final state is its initial one. The other rows' zeros are never read.
                let start = place * stride + self.rnn.state_at();
                self.history[start..start + self.rnn.hidden].fill(0.0);
            }
            for t in 0..length {
                let start = (t * count + place) * stride + at;
                data.read(row, t, &mut self.history[start..start + input]);
            }
        }
    }

    /// Starts the rows that were gathered from `h [B, H]`, indexed as they are.
    pub(crate) fn set_initial(&mut self, h: ArrayView2<'_, f32>) {
        let (at, stride, hidden) = (self.rnn.state_at(), self.rnn.stride(), self.rnn.hidden);
        for (place, &(row, _)) in self.order.iter().enumerate() {
            let to = &mut self.history[place * stride + at..][..hidden];
            to.iter_mut().zip(h.row(row)).for_each(|(to, &from)| *to = from);
        }
        self.initial = Initial::Given;
    }

    /// Rows in the tile.
    pub(crate) fn count(&self) -> usize {
        self.order.len()
    }

    /// (row, length, place in the tile) of every row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.order.iter().enumerate().map(|(place, &(row, length))| (row, length, place))
    }

    /// h `[H]` of a row of the tile after `t` steps; after none, the initial state, when it was given or the row is empty.
    pub(crate) fn state(&self, t: usize, place: usize) -> &[f32] {
        let start = (t * self.order.len() + place) * self.rnn.stride() + self.rnn.state_at();
        &self.history[start..start + self.rnn.hidden]
    }

    pub(crate) fn forward(&mut self, isa: Isa, weights: &[f32]) {
        let count = self.order.len();
        let history = &mut self.history[..self.rnn.history_len(self.steps, count)];
        self.rnn.forward(isa, weights, history, count, &self.active, self.initial);
    }

    pub(crate) fn backward(
        &self,
        isa: Isa,
        recurrent: &[f32],
        inputs: &[f32],
        upstream: Upstream<'_>,
        gradients: Gradients<'_>,
        scratch: &mut [f32],
    ) {
        let count = self.order.len();
        let history = &self.history[..self.rnn.history_len(self.steps, count)];
        self.rnn.backward(
            isa,
            recurrent,
            inputs,
            history,
            count,
            &self.active,
            self.initial,
            upstream,
            gradients,
            scratch,
        );
    }
}
