//! What stands for an instruction set of another family of processors.

use crate::simd::Kernel;

/// Never made: this processor has no such set.
#[derive(Clone, Copy)]
pub(super) enum Absent {}

impl Absent {
    pub(super) fn detect() -> Option<Self> {
        None
    }
    pub(super) fn vectorize<K: Kernel>(self, _: K) -> K::Output {
        match self {}
    }
}
