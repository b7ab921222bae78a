//! How arrays are compared, and what a failure says.

use std::fmt::Display;

/// Every float has the same bits.
#[track_caller]
pub(crate) fn assert_bits(case: impl Display, array: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{case}: length of {array}");
    let differs = found.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits());
    if let Some(at) = differs {
        panic!("{case}: {array}[{at}] is {:e}, not {:e} to the bit", found[at], expected[at]);
    }
}

/// What one term of a sum may be: inputs, states and the gradients that enter are all of the order of 1. Where terms of
/// that size cancel, the error stays as large as they were, and is not to be seen against the little that is left.
const TERM: f64 = 1.0;

/// What errors are seen against: the largest that is expected, or what may have been cancelled. Zeros are exact.
fn scale(largest: f64) -> f64 {
    if largest == 0.0 { 0.0 } else { largest.max(TERM) }
}

/// No float is off by more than `tolerance` of the largest that is expected. NaN is always off.
#[track_caller]
pub(crate) fn assert_close(case: impl Display, array: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{case}: length of {array}");
    let scale = scale(expected.iter().fold(0.0, |largest: f64, x| largest.max(x.abs())));
    for (at, (&a, &b)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(a) - b).abs();
        let share = off / scale;
        assert!(
            off <= tolerance * scale,
            "{case}: {array}[{at}] is {a:e}, not {b:e}: off by {share:.1e} of {scale:.1e}"
        );
    }
}

/// Exact in `f64`.
pub(crate) fn widen(floats: &[f32]) -> Vec<f64> {
    floats.iter().copied().map(f64::from).collect()
}

/// A derivative along a direction, and how large a derivative along a direction of this kind is on the average.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slope {
    pub(crate) value: f64,
    pub(crate) typical: f64,
}

impl Slope {
    /// Σ gradient · direction. Of a random direction it has mean 0 and spread `|gradient| rms(direction)`: an error is
    /// to be seen against that, for the sum itself may be small by chance.
    pub(crate) fn along(gradient: &[f64], direction: &[f64]) -> Slope {
        assert_eq!(gradient.len(), direction.len());
        let rms = (direction.iter().map(|v| v * v).sum::<f64>() / direction.len().max(1) as f64).sqrt();
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        Slope { value: gradient.iter().zip(direction).map(|(g, v)| g * v).sum(), typical: norm * rms }
    }

    /// The slope is `expected`, within `tolerance` of what is typical.
    #[track_caller]
    pub(crate) fn assert_is(self, case: impl Display, array: &str, expected: f64, tolerance: f64) {
        let (off, scale) = ((self.value - expected).abs(), scale(self.typical));
        let share = off / scale;
        assert!(off <= tolerance * scale, "{case}: along {array} {self:?}, not {expected:e}: off by {share:.1e}");
    }
}
