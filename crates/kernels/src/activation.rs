//! Activations, and their derivatives from the output alone.

use crate::simd::Simd;
use crate::vanishing;

/// φ of the Elman cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// tanh, the default everywhere.
    #[default]
    Tanh,
    /// max(0, x)
    Relu,
}

impl Activation {
    /// Every activation.
    pub const ALL: [Activation; 2] = [Activation::Tanh, Activation::Relu];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
        }
    }

    /// The activation of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.name() == name)
    }
}

/// An activation that is chosen before the loop over time.
pub(crate) trait Phi: Send + Sync {
    /// φ(a)
    fn apply<S: Simd>(s: S, a: S::F) -> S::F;
    /// d φ'(a), with φ' computed from h = φ(a).
    fn backward<S: Simd>(s: S, h: S::F, d: S::F) -> S::F;
}

pub(crate) struct Tanh;
pub(crate) struct Relu;
/// φ(a) = a: what a dense layer has.
pub(crate) struct Identity;

impl Phi for Tanh {
    #[inline(always)]
    fn apply<S: Simd>(s: S, a: S::F) -> S::F {
        tanh(s, a)
    }
    /// d (1 − h²)
    #[inline(always)]
    fn backward<S: Simd>(s: S, h: S::F, d: S::F) -> S::F {
        s.mul(d, s.sub(s.splat(1.0), s.mul(h, h)))
    }
}

impl Phi for Relu {
    #[inline(always)]
    fn apply<S: Simd>(s: S, a: S::F) -> S::F {
        vanishing::state(s, s.at_least(a, s.splat(0.0)))
    }
    /// d where h > 0
    #[inline(always)]
    fn backward<S: Simd>(s: S, h: S::F, d: S::F) -> S::F {
        s.where_positive(h, d)
    }
}

impl Phi for Identity {
    #[inline(always)]
    fn apply<S: Simd>(_: S, a: S::F) -> S::F {
        a
    }
    #[inline(always)]
    fn backward<S: Simd>(_: S, _: S::F, d: S::F) -> S::F {
        d
    }
}

/// Beyond it tanh rounds to ±1 in `f32`.
const TANH_CLAMP: f32 = 9.02;

/// x P(x²) / Q(x²), both of degree 4 in x². The best such quotient on (0, 9.02]: its relative error is 2.1e-8 before
/// rounding (`scripts/tanh_rational.py` finds it). With rounding: within 6 ulp, and never beyond ±1. 0 below 2⁻⁶⁰, where
/// the square of x comes near the subnormal numbers. NaN stays NaN.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    const P: [f32; 5] = [1.0, 1.337_971_8e-1, 3.494_034_3e-3, 2.058_347_9e-5, 1.331_906_9e-8];
    const Q: [f32; 5] = [1.0, 4.671_303_3e-1, 2.587_107_2e-2, 3.283_092_5e-4, 7.762_018e-7];
    let x = s.at_least(s.at_most(x, s.splat(TANH_CLAMP)), s.splat(-TANH_CLAMP));
    let x = vanishing::state(s, x);
    let u = s.mul(x, x);
    let y = s.div(s.mul(x, horner(s, P, u)), horner(s, Q, u));
    s.at_least(s.at_most(y, s.splat(1.0)), s.splat(-1.0))
}

/// σ(x) = ½ tanh(x / 2) + ½: within 1e-7 of the exact value, and never outside [0, 1]. NaN stays NaN.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let half = s.splat(0.5);
    s.mul_add(tanh(s, s.mul(x, half)), half, half)
}

/// c_0 + c_1 u + … + c_4 u⁴. A function, not a closure: a closure would be compiled without the set's instructions.
#[inline(always)]
fn horner<S: Simd>(s: S, c: [f32; 5], u: S::F) -> S::F {
    let sum = s.mul_add(s.splat(c[4]), u, s.splat(c[3]));
    let sum = s.mul_add(sum, u, s.splat(c[2]));
    let sum = s.mul_add(sum, u, s.splat(c[1]));
    s.mul_add(sum, u, s.splat(c[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Kernel, LANES};

    /// Measured 5.6 over the grid below; what the docs promise.
    const TANH_ULP: f64 = 6.0;

    struct Over<'a>(&'a mut [f32]);
    impl Kernel for Over<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for x in self.0.chunks_exact_mut(LANES) {
                let y = tanh(s, s.load(x));
                s.store(y, x);
            }
        }
    }

    fn ulp(x: f32) -> f64 {
        f64::from(f32::from_bits(x.abs().to_bits() + 1)) - f64::from(x.abs())
    }

    #[test]
    fn tanh_is_within_its_bound_and_odd() {
        // Every 97th float from the smallest to 16: all binary exponents, 11 million points.
        let top = 16f32.to_bits();
        for isa in Isa::available() {
            let mut worst = 0f64;
            let mut bits = 0;
            while bits < top {
                let x: [f32; LANES] = std::array::from_fn(|lane| f32::from_bits(bits + 97 * lane as u32));
                let mut y = x;
                isa.run(Over(&mut y));
                let mut mirrored = x.map(|x| -x);
                isa.run(Over(&mut mirrored));
                for ((x, y), m) in x.into_iter().zip(y).zip(mirrored) {
                    assert_eq!(y, -m, "{isa}: tanh({x}) is odd");
                    assert!(y <= 1.0, "{isa}: tanh({x}) = {y}");
                    if x < vanishing::LEAST_STATE {
                        assert_eq!([y.to_bits(), m.to_bits()], [0; 2], "{isa}: tanh({x}) vanishes");
                        continue;
                    }
                    let exact = f64::from(x).tanh();
                    worst = worst.max((f64::from(y) - exact).abs() / ulp(exact as f32));
                }
                bits += 97 * LANES as u32;
            }
            assert!(worst <= TANH_ULP, "{isa}: {worst} ulp");
        }
    }

    #[test]
    fn special_values_survive() {
        for isa in Isa::available() {
            let mut x = [0.0; LANES];
            x[..5].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0]);
            isa.run(Over(&mut x));
            assert!(x[0].is_nan(), "{isa}: NaN must not be hidden");
            assert_eq!(x[1..4], [1.0, -1.0, 1.0], "{isa}");
            assert_eq!(x[4], 0.0, "{isa}");
        }
    }

    struct ReluOver<'a>(&'a mut [f32]);
    impl Kernel for ReluOver<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let y = Relu::apply(s, s.load(self.0));
            s.store(y, self.0);
        }
    }

    #[test]
    fn relu_keeps_nan() {
        for isa in Isa::available() {
            let mut x = [-1.0; LANES];
            x[1] = f32::NAN;
            x[2] = 3.0;
            isa.run(ReluOver(&mut x));
            assert_eq!((x[0], x[2]), (0.0, 3.0), "{isa}");
            assert!(x[1].is_nan(), "{isa}");
        }
    }
}
