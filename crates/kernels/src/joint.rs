//! Rows in which the input and the state stand side by side: `[… | 1 | x_t (I) | h_{t-1} (Pp)]`.
//!
//! Filled up in front, so that the state starts on a cache line. A step is one product over x and h, and the constant 1
//! makes the bias a row of the weights. The stride is an odd number of cache lines.

use crate::panels::{odd_stride, padded};

/// The sizes of such rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joint {
    /// I
    pub(crate) input: usize,
    /// P
    pub(crate) output: usize,
}

impl Joint {
    /// From a row to the next.
    pub(crate) fn stride(self) -> usize {
        odd_stride(self.state_at() + padded(self.output))
    }

    /// Where the constant 1 stands.
    pub(crate) fn one_at(self) -> usize {
        self.state_at() - self.input - 1
    }

    /// Where x_t starts.
    pub(crate) fn input_at(self) -> usize {
        self.state_at() - self.input
    }

    /// Where h_{t-1} starts.
    pub(crate) fn state_at(self) -> usize {
        padded(1 + self.input)
    }
}
