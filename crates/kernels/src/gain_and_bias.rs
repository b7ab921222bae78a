//! A factor and a shift of each feature of a step, and where they lie.
//!
//! N features; Np rounded up to whole vectors of 16.

use crate::layout::{Entry, Layout, Role};
use crate::norm::InPanels;
use crate::panels::padded;
use crate::simd::LANES;

/// γ `[Np]` and, behind it, β `[Np]` of N features: all weights of a cell, `gain` and `bias` in files.
#[derive(Clone, Copy)]
pub(crate) struct GainAndBias {
    /// N
    pub(crate) size: usize,
}

impl GainAndBias {
    pub(crate) fn layout(self) -> Layout {
        let entry = |name, role, at| Entry::plain(name, role, &[self.size], at);
        Layout {
            entries: vec![entry("gain", Role::Gain, self.gain_at()), entry("bias", Role::Offset, self.bias_at())],
            len: 2 * padded(self.size),
        }
    }

    /// Where γ starts among the weights.
    #[inline(always)]
    pub(crate) fn gain_at(self) -> usize {
        0
    }

    /// Where β starts.
    #[inline(always)]
    pub(crate) fn bias_at(self) -> usize {
        padded(self.size)
    }

    /// Both as the kernels read them.
    #[inline(always)]
    pub(crate) fn split(self, weights: &[f32]) -> [InPanels<'_>; 2] {
        let (gain, bias) = weights.split_at(self.bias_at());
        [gain, bias].map(|data| InPanels { data, stride: LANES })
    }
}
