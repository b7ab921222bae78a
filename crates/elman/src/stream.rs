//! Streams: a cell stepped one input at a time.
//!
//! I input, H hidden.

use elman_kernels::rnn::Initial;
use elman_kernels::{Aligned, Isa};

use crate::rnn::RnnCell;

/// One row, stepped one input at a time, for as long as it lasts. Gives bit for bit what the whole sequence gives.
#[derive(Clone, Debug)]
pub struct RnnStream<'a> {
    pub(crate) cell: &'a RnnCell,
    pub(crate) history: Aligned,
    pub(crate) isa: Isa,
}

impl RnnStream<'_> {
    /// One step: `x [I]` in, the new state `[H]` out. Allocates nothing.
    ///
    /// # Panics
    /// If `x` does not have I floats.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        let kernel = self.cell.rnn.kernel();
        assert_eq!(x.len(), kernel.input, "x must be [I] = [{}]", kernel.input);
        self.history[kernel.input_at()..][..kernel.input].copy_from_slice(x);
        kernel.forward(self.isa, &self.cell.weights, &mut self.history, 1, &[1], Initial::Given);
        let (before, after) = self.history.split_at_mut(kernel.stride());
        before[kernel.state_at()..].copy_from_slice(&after[kernel.state_at()..]);
        self.state()
    }

    /// The state `[H]`.
    pub fn state(&self) -> &[f32] {
        let kernel = self.cell.rnn.kernel();
        &self.history[kernel.state_at()..][..kernel.hidden]
    }

    /// Goes on from another state `[H]`.
    ///
    /// # Panics
    /// If `h` does not have H floats.
    pub fn set_state(&mut self, h: &[f32]) {
        let kernel = self.cell.rnn.kernel();
        self.history[kernel.state_at()..][..kernel.hidden].copy_from_slice(h);
    }

    /// Back to a state of zeros.
    pub fn reset(&mut self) {
        let kernel = self.cell.rnn.kernel();
        self.history[kernel.state_at()..][..kernel.hidden].fill(0.0);
    }
}
