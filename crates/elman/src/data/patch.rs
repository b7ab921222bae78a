//! Several steps of a sequence read as one: shorter ways through time for long sequences.
//!
//! T steps of a sequence, N of a patch, S from one patch to the next.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Most steps of a patch.
const SIZE_MAX: usize = 4096;

/// Windows of N steps, S steps apart, each read as one step. With a dense layer behind it this is a convolution in time with
/// a kernel of N steps and a stride of S.
///
/// A sequence of T steps has ⌈(T - N) / S⌉ + 1 of them, at least one; where the last one is longer than what is left, zeros
/// stand for the rest. LeCun et al. (1989), <https://doi.org/10.1162/neco.1989.1.4.541>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// N
    pub size: usize,
    /// S, at most N: no step is left out.
    pub stride: usize,
}

impl Patch {
    /// Each step by itself.
    pub const STEP: Patch = Patch { size: 1, stride: 1 };

    /// Refuses sizes that leave steps out or are out of range.
    ///
    /// # Errors
    /// If the size is not from 1 to 4,096, or the stride not from 1 to the size.
    pub fn check(&self) -> Result<(), Error> {
        if !(1..=SIZE_MAX).contains(&self.size) {
            return Err(Error::setting("patch", self.size, format!("1 to {SIZE_MAX} steps")));
        }
        if !(1..=self.size).contains(&self.stride) {
            let expected = format!("1 to {}, the steps of a patch: a larger one would leave steps out", self.size);
            return Err(Error::setting("stride", self.stride, expected));
        }
        Ok(())
    }

    /// Patches of a sequence of `steps` steps; none where there is no step.
    pub fn count(&self, steps: usize) -> usize {
        if steps == 0 { 0 } else { steps.saturating_sub(self.size).div_ceil(self.stride) + 1 }
    }

    /// Whether a patch is a step.
    pub fn is_step(&self) -> bool {
        *self == Self::STEP
    }
}

impl Default for Patch {
    fn default() -> Self {
        Self::STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_in_a_patch_and_no_patch_is_empty() {
        for size in 1..9 {
            for stride in 1..=size {
                let patch = Patch { size, stride };
                patch.check().unwrap();
                assert_eq!(patch.count(0), 0);
                for steps in 1..40 {
                    let count = patch.count(steps);
                    let last = (count - 1) * stride;
                    assert!(last < steps && last + size >= steps, "{patch:?} of {steps} steps: {count}");
                    assert!(count == 1 || last + size < steps + stride, "one too many: {patch:?} of {steps} steps");
                }
            }
        }
        for (size, stride, what) in [(0, 1, "patch is 0"), (4, 5, "stride is 5"), (4, 0, "stride is 0")] {
            let message = Patch { size, stride }.check().unwrap_err().to_string();
            assert!(message.starts_with(what), "{message}");
        }
    }
}
