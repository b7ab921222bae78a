//! Activations, and their derivatives from the output alone.
//!
//! Those of a cell's gates and candidate are chosen outside the loops over rows and units: [`Standard`] where all are as
//! they were first, tanh and σ, so that no question is asked; [`Chosen`] elsewhere.

use crate::cell::RowsMut;
use crate::nonlinearity::Nonlinearity;
use crate::norm::lanes;
use crate::simd::{Kernel, LANES, Simd};
use crate::vanishing;

/// φ of a cell: of the Elman cell's state; of the candidate, and of the memory that an LSTM shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// tanh, the default everywhere.
    #[default]
    Tanh,
    /// max(0, a)
    Relu,
    /// σ(a)
    Sigmoid,
    /// min(max(a / 6 + ½, 0), 1): Keras 3's.
    HardSigmoid,
    /// min(max(0.2 a + ½, 0), 1): Keras 2's, and ONNX's by its defaults.
    HardSigmoidKeras2,
    /// a
    Linear,
}

impl Activation {
    /// Every activation.
    pub const ALL: [Activation; 6] = [
        Activation::Tanh,
        Activation::Relu,
        Activation::Sigmoid,
        Activation::HardSigmoid,
        Activation::HardSigmoidKeras2,
        Activation::Linear,
    ];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::Sigmoid => "sigmoid",
            Activation::HardSigmoid => "hard_sigmoid",
            Activation::HardSigmoidKeras2 => "hard_sigmoid_keras2",
            Activation::Linear => "linear",
        }
    }

    /// Whether it is tanh, as where nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Activation::default()
    }

    /// The same function among those of dense layers, which start from the sum where a cell keeps the value alone.
    pub fn nonlinearity(self) -> Nonlinearity {
        match self {
            Activation::Tanh => Nonlinearity::Tanh,
            Activation::Relu => Nonlinearity::Relu,
            Activation::Sigmoid => Nonlinearity::Sigmoid,
            Activation::HardSigmoid => Nonlinearity::HardSigmoid(KERAS3),
            Activation::HardSigmoidKeras2 => Nonlinearity::HardSigmoid(KERAS2),
            Activation::Linear => Nonlinearity::Identity,
        }
    }

    /// The activation that is this function, if there is one: φ' must follow from φ(a) alone.
    pub fn from_nonlinearity(phi: Nonlinearity) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.nonlinearity() == phi)
    }

    #[inline(always)]
    fn apply<S: Simd>(self, s: S, a: S::F) -> S::F {
        match self {
            Activation::Tanh => tanh(s, a),
            Activation::Relu => Relu::apply(s, a),
            Activation::Sigmoid => sigmoid(s, a),
            Activation::HardSigmoid => hard_sigmoid(s, KERAS3, a),
            Activation::HardSigmoidKeras2 => hard_sigmoid(s, KERAS2, a),
            Activation::Linear => vanishing::state(s, a),
        }
    }

    /// φ' from y = φ(a).
    #[inline(always)]
    pub(crate) fn slope<S: Simd>(self, s: S, y: S::F) -> S::F {
        let one = s.splat(1.0);
        match self {
            Activation::Tanh => Standard.slope(s, y),
            Activation::Relu => s.where_positive(y, one),
            Activation::Sigmoid => Standard.gate_slope(s, y),
            Activation::HardSigmoid => hard_sigmoid_slope(s, KERAS3, y),
            Activation::HardSigmoidKeras2 => hard_sigmoid_slope(s, KERAS2, y),
            Activation::Linear => one,
        }
    }

    /// The activation of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.name() == name)
    }
}

/// The activation of the gates of a cell: from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateActivation {
    /// σ(a), the default everywhere.
    #[default]
    Sigmoid,
    /// min(max(a / 6 + ½, 0), 1): Keras 3's.
    HardSigmoid,
    /// min(max(0.2 a + ½, 0), 1): Keras 2's, and ONNX's by its defaults.
    HardSigmoidKeras2,
}

impl GateActivation {
    /// Every activation of gates.
    pub const ALL: [GateActivation; 3] =
        [GateActivation::Sigmoid, GateActivation::HardSigmoid, GateActivation::HardSigmoidKeras2];

    /// The same among all activations.
    pub fn activation(self) -> Activation {
        match self {
            GateActivation::Sigmoid => Activation::Sigmoid,
            GateActivation::HardSigmoid => Activation::HardSigmoid,
            GateActivation::HardSigmoidKeras2 => Activation::HardSigmoidKeras2,
        }
    }

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        self.activation().name()
    }

    /// The activation of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.name() == name)
    }

    /// The activation of gates that is this function, if there is one.
    pub fn from_nonlinearity(phi: Nonlinearity) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.activation().nonlinearity() == phi)
    }

    /// Whether it is σ, as where nothing is said.
    pub fn is_default(&self) -> bool {
        *self == GateActivation::default()
    }
}

/// The functions of a cell with gates, and their derivatives from their values.
pub(crate) trait Functions: Copy + Send + Sync {
    /// Of a gate.
    fn gate<S: Simd>(self, s: S, a: S::F) -> S::F;
    /// Its derivative, from y.
    fn gate_slope<S: Simd>(self, s: S, y: S::F) -> S::F;
    /// φ
    fn phi<S: Simd>(self, s: S, a: S::F) -> S::F;
    /// φ', from y.
    fn slope<S: Simd>(self, s: S, y: S::F) -> S::F;
    /// d φ', from y.
    #[inline(always)]
    fn through<S: Simd>(self, s: S, y: S::F, d: S::F) -> S::F {
        s.mul(d, self.slope(s, y))
    }
    /// φ of the units `at..` of `hidden`: 0 beyond the last, where φ(0) may be ½.
    #[inline(always)]
    fn phi_of_units<S: Simd>(self, s: S, _hidden: usize, _at: usize, a: S::F) -> S::F {
        self.phi(s, a)
    }
}

/// σ and tanh.
#[derive(Clone, Copy)]
pub(crate) struct Standard;

impl Functions for Standard {
    #[inline(always)]
    fn gate<S: Simd>(self, s: S, a: S::F) -> S::F {
        sigmoid(s, a)
    }
    /// y (1 − y)
    #[inline(always)]
    fn gate_slope<S: Simd>(self, s: S, y: S::F) -> S::F {
        s.mul(y, s.sub(s.splat(1.0), y))
    }
    #[inline(always)]
    fn phi<S: Simd>(self, s: S, a: S::F) -> S::F {
        tanh(s, a)
    }
    /// 1 − y²
    #[inline(always)]
    fn slope<S: Simd>(self, s: S, y: S::F) -> S::F {
        s.sub(s.splat(1.0), s.mul(y, y))
    }
}

/// Any others.
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    gate: Activation,
    phi: Activation,
}

impl Chosen {
    /// None where both are [`Standard`].
    pub(crate) fn unless_standard(gate: GateActivation, phi: Activation) -> Option<Self> {
        (!gate.is_default() || !phi.is_default()).then(|| Chosen { gate: gate.activation(), phi })
    }
}

impl Functions for Chosen {
    #[inline(always)]
    fn gate<S: Simd>(self, s: S, a: S::F) -> S::F {
        self.gate.apply(s, a)
    }
    #[inline(always)]
    fn gate_slope<S: Simd>(self, s: S, y: S::F) -> S::F {
        self.gate.slope(s, y)
    }
    #[inline(always)]
    fn phi<S: Simd>(self, s: S, a: S::F) -> S::F {
        self.phi.apply(s, a)
    }
    #[inline(always)]
    fn slope<S: Simd>(self, s: S, y: S::F) -> S::F {
        self.phi.slope(s, y)
    }
    /// No gradient passes a unit that ReLU has set to 0, whatever it is.
    #[inline(always)]
    fn through<S: Simd>(self, s: S, y: S::F, d: S::F) -> S::F {
        match self.phi {
            Activation::Relu => Relu::backward(s, y, d),
            phi => s.mul(d, phi.slope(s, y)),
        }
    }
    #[inline(always)]
    fn phi_of_units<S: Simd>(self, s: S, hidden: usize, at: usize, a: S::F) -> S::F {
        s.select(lanes(hidden, at), self.phi(s, a), s.splat(0.0))
    }
}

/// Runs a kernel with the functions of a cell: `with_functions!(chosen, |f| engine.run(…))`, compiled for each kind.
macro_rules! with_functions {
    ($chosen:expr, |$f:ident| $run:expr) => {
        match $chosen {
            None => {
                let $f = $crate::activation::Standard;
                $run
            }
            Some($f) => $run,
        }
    };
}
pub(crate) use with_functions;

/// An activation of the first `hidden` floats of each row, in place; 0 behind them.
pub(crate) struct InPlace<'a> {
    pub(crate) rows: usize,
    pub(crate) hidden: usize,
    pub(crate) values: RowsMut<'a>,
    pub(crate) phi: Activation,
}

impl Kernel for InPlace<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for row in 0..self.rows {
            for v in self.values.row(row).chunks_exact_mut(LANES) {
                let y = self.phi.apply(s, s.load(v));
                s.store(y, v);
            }
            self.values.row(row)[self.hidden..].fill(0.0);
        }
    }
}

/// The slope of the line between 0 and 1.
const KERAS3: f32 = 1.0 / 6.0;
const KERAS2: f32 = 0.2;

/// min(max(slope a + ½, 0), 1). NaN stays NaN.
#[inline(always)]
fn hard_sigmoid<S: Simd>(s: S, slope: f32, a: S::F) -> S::F {
    let line = s.mul_add(s.splat(slope), a, s.splat(0.5));
    s.at_least(s.at_most(line, s.splat(1.0)), s.splat(0.0))
}

/// The slope where 0 < y < 1, else 0.
#[inline(always)]
fn hard_sigmoid_slope<S: Simd>(s: S, slope: f32, y: S::F) -> S::F {
    s.where_positive(y, s.where_positive(s.sub(s.splat(1.0), y), s.splat(slope)))
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
    use crate::simd::Isa;

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
