//! The pointwise function of a dense layer, and its derivative.
//!
//! R rows, O units; Op rounded up to whole vectors of 16.

use crate::activation::{Phi, Relu, Tanh, sigmoid};
use crate::cell::{Rows, RowsMut};
use crate::engine::Engine;
use crate::panels::padded;
use crate::simd::{Kernel, LANES, Simd};

/// φ of a dense layer: what comes of its sum a, unit by unit.
///
/// Formulae and constants are those of Keras 3 and PyTorch, which agree on all of these; where a program has another
/// constant, the variant takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nonlinearity {
    /// a
    #[default]
    Identity,
    /// max(0, a)
    Relu,
    /// tanh a
    Tanh,
    /// σ(a) = 1 / (1 + e⁻ᵃ)
    Sigmoid,
    /// a where a > 0, else α (eᵃ − 1). Both programs default to α = 1. Clevert et al. (2015),
    /// <https://arxiv.org/abs/1511.07289>
    Elu(f32),
    /// λ a where a > 0, else λ α (eᵃ − 1), with λ = 1.0507 and α = 1.6733. Klambauer et al. (2017),
    /// <https://arxiv.org/abs/1706.02515>
    Selu,
    /// a where a > 0, else s a. PyTorch's s is 0.01; Keras's 0.2 as a function, 0.3 as a layer.
    LeakyRelu(f32),
    /// a Φ(a) = a (1 + erf(a / √2)) / 2. Hendrycks & Gimpel (2016), <https://arxiv.org/abs/1606.08415>
    Gelu,
    /// Its approximation a (1 + tanh(√(2/π) (a + 0.044715 a³))) / 2.
    GeluTanh,
    /// a σ(a), also called swish.
    Silu,
    /// a tanh(log(1 + eᵃ)). Misra (2019), <https://arxiv.org/abs/1908.08681>
    Mish,
    /// log(1 + eᵃ)
    Softplus,
    /// a / (1 + |a|)
    Softsign,
    /// eᵃ
    Exponential,
    /// s a + ½ within 0 and 1. s is 1/6 in Keras 3 and PyTorch, 0.2 in Keras 2.
    HardSigmoid(f32),
    /// a within −1 and 1.
    HardTanh,
    /// a times (a / 6 + ½ within 0 and 1), also called hard swish.
    HardSilu,
    /// a within 0 and 6.
    Relu6,
}

/// λ and α of SELU.
const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

/// √(2/π) and the factor of a³ in the approximation of GELU.
const GELU: [f64; 2] = [0.797_884_560_802_865_4, 0.044_715];

impl Nonlinearity {
    /// One of each kind, constants at their usual values.
    pub const ALL: [Nonlinearity; 18] = [
        Nonlinearity::Identity,
        Nonlinearity::Relu,
        Nonlinearity::Tanh,
        Nonlinearity::Sigmoid,
        Nonlinearity::Elu(1.0),
        Nonlinearity::Selu,
        Nonlinearity::LeakyRelu(0.01),
        Nonlinearity::Gelu,
        Nonlinearity::GeluTanh,
        Nonlinearity::Silu,
        Nonlinearity::Mish,
        Nonlinearity::Softplus,
        Nonlinearity::Softsign,
        Nonlinearity::Exponential,
        Nonlinearity::HardSigmoid(1.0 / 6.0),
        Nonlinearity::HardTanh,
        Nonlinearity::HardSilu,
        Nonlinearity::Relu6,
    ];

    /// The name used in files, without its constant.
    pub fn name(self) -> &'static str {
        match self {
            Nonlinearity::Identity => "identity",
            Nonlinearity::Relu => "relu",
            Nonlinearity::Tanh => "tanh",
            Nonlinearity::Sigmoid => "sigmoid",
            Nonlinearity::Elu(_) => "elu",
            Nonlinearity::Selu => "selu",
            Nonlinearity::LeakyRelu(_) => "leaky_relu",
            Nonlinearity::Gelu => "gelu",
            Nonlinearity::GeluTanh => "gelu_tanh",
            Nonlinearity::Silu => "silu",
            Nonlinearity::Mish => "mish",
            Nonlinearity::Softplus => "softplus",
            Nonlinearity::Softsign => "softsign",
            Nonlinearity::Exponential => "exponential",
            Nonlinearity::HardSigmoid(_) => "hard_sigmoid",
            Nonlinearity::HardTanh => "hard_tanh",
            Nonlinearity::HardSilu => "hard_silu",
            Nonlinearity::Relu6 => "relu6",
        }
    }

    /// Its constant, if it has one: α of an ELU, the slope of a leaky ReLU or of a hard sigmoid.
    pub fn constant(self) -> Option<f32> {
        match self {
            Nonlinearity::Elu(x) | Nonlinearity::LeakyRelu(x) | Nonlinearity::HardSigmoid(x) => Some(x),
            _ => None,
        }
    }

    /// φ(a); NaN of NaN.
    pub fn value(self, a: f64) -> f64 {
        match self {
            Nonlinearity::Identity => a,
            Nonlinearity::Relu => at_least_zero(a),
            Nonlinearity::Tanh => libm::tanh(a),
            Nonlinearity::Sigmoid => logistic(a),
            Nonlinearity::Elu(alpha) => elu(a, f64::from(alpha)),
            Nonlinearity::Selu => SELU[0] * elu(a, SELU[1]),
            Nonlinearity::LeakyRelu(slope) => a * if a > 0.0 { 1.0 } else { f64::from(slope) },
            Nonlinearity::Gelu => a * normal(a),
            Nonlinearity::GeluTanh => 0.5 * a * (1.0 + libm::tanh(GELU[0] * (a + GELU[1] * a * a * a))),
            Nonlinearity::Silu => times(a, logistic(a)),
            Nonlinearity::Mish => times(a, libm::tanh(softplus(a))),
            Nonlinearity::Softplus => softplus(a),
            Nonlinearity::Softsign => a / (1.0 + a.abs()),
            Nonlinearity::Exponential => libm::exp(a),
            Nonlinearity::HardSigmoid(slope) => (f64::from(slope) * a + 0.5).clamp(0.0, 1.0),
            Nonlinearity::HardTanh => a.clamp(-1.0, 1.0),
            Nonlinearity::HardSilu => times(a, (a / 6.0 + 0.5).clamp(0.0, 1.0)),
            Nonlinearity::Relu6 => a.clamp(0.0, 6.0),
        }
    }

    /// φ'(a); at a kink, the slope to its left, and NaN of NaN.
    pub fn slope(self, a: f64) -> f64 {
        if a.is_nan() {
            return a;
        }
        let within = |low: f64, high: f64| f64::from(u8::from(a > low && a <= high));
        match self {
            Nonlinearity::Identity => 1.0,
            Nonlinearity::Relu => within(0.0, f64::INFINITY),
            Nonlinearity::Tanh => {
                let y = libm::tanh(a);
                1.0 - y * y
            }
            Nonlinearity::Sigmoid => logistic(a) * logistic(-a),
            Nonlinearity::Elu(alpha) => elu_slope(a, f64::from(alpha)),
            Nonlinearity::Selu => SELU[0] * elu_slope(a, SELU[1]),
            Nonlinearity::LeakyRelu(slope) => {
                if a > 0.0 {
                    1.0
                } else {
                    f64::from(slope)
                }
            }
            // Φ(a) + a φ(a), φ the density of the normal distribution
            Nonlinearity::Gelu => normal(a) + times(a, libm::exp(-0.5 * a * a)) * (0.5 * GELU[0]),
            Nonlinearity::GeluTanh => {
                let y = libm::tanh(GELU[0] * (a + GELU[1] * a * a * a));
                0.5 * (1.0 + y) + 0.5 * times(a * GELU[0] * (1.0 + 3.0 * GELU[1] * a * a), 1.0 - y * y)
            }
            Nonlinearity::Silu => logistic(a) + times(a, logistic(a) * logistic(-a)),
            Nonlinearity::Mish => {
                let y = libm::tanh(softplus(a));
                y + times(a, (1.0 - y * y) * logistic(a))
            }
            Nonlinearity::Softplus => logistic(a),
            Nonlinearity::Softsign => 1.0 / ((1.0 + a.abs()) * (1.0 + a.abs())),
            Nonlinearity::Exponential => libm::exp(a),
            Nonlinearity::HardSigmoid(slope) => {
                let slope = f64::from(slope);
                slope * within(-0.5 / slope, 0.5 / slope)
            }
            Nonlinearity::HardTanh => within(-1.0, 1.0),
            Nonlinearity::HardSilu => within(3.0, f64::INFINITY) + within(-3.0, 3.0) * (a / 3.0 + 0.5),
            Nonlinearity::Relu6 => within(0.0, 6.0),
        }
    }

    /// Where φ has no derivative.
    pub fn kinks(self) -> Vec<f64> {
        match self {
            Nonlinearity::Relu | Nonlinearity::LeakyRelu(_) | Nonlinearity::Selu => vec![0.0],
            Nonlinearity::Elu(alpha) if alpha != 1.0 => vec![0.0],
            Nonlinearity::HardSigmoid(slope) => vec![-0.5 / f64::from(slope), 0.5 / f64::from(slope)],
            Nonlinearity::HardTanh => vec![-1.0, 1.0],
            Nonlinearity::HardSilu => vec![-3.0, 3.0],
            Nonlinearity::Relu6 => vec![0.0, 6.0],
            _ => Vec::new(),
        }
    }

    /// φ of the first `rows` rows of `sums [R, stride]`, `width` floats each, into `out`, whose padding becomes zero.
    ///
    /// # Panics
    /// If there are fewer rows, or a row of one of them has no room for whole vectors.
    pub fn apply<'e>(self, engine: impl Into<Engine<'e>>, rows: usize, width: usize, sums: Rows<'_>, out: RowsMut<'_>) {
        engine.into().run(Apply { phi: self, rows, width, sums, out });
    }

    /// Turns the first `rows` rows of `sums`, the a that [`Nonlinearity::apply`] read, into d φ'(a). Padding becomes zero.
    ///
    /// # Panics
    /// As [`Nonlinearity::apply`].
    pub fn back<'e>(self, engine: impl Into<Engine<'e>>, rows: usize, width: usize, d: Rows<'_>, sums: RowsMut<'_>) {
        engine.into().run(Back { phi: self, rows, width, d, sums });
    }
}

fn at_least_zero(a: f64) -> f64 {
    if a < 0.0 { 0.0 } else { a }
}

fn logistic(a: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-a))
}

/// log(1 + eᵃ), of which neither end overflows.
fn softplus(a: f64) -> f64 {
    at_least_zero(a) + libm::log1p(libm::exp(-a.abs()))
}

fn elu(a: f64, alpha: f64) -> f64 {
    if a > 0.0 { a } else { alpha * libm::expm1(a) }
}

fn elu_slope(a: f64, alpha: f64) -> f64 {
    if a > 0.0 { 1.0 } else { alpha * libm::exp(a) }
}

/// Φ(a), the normal distribution. Its far end by erfc, for 1 + erf cancels there.
fn normal(a: f64) -> f64 {
    0.5 * libm::erfc(-a * std::f64::consts::FRAC_1_SQRT_2)
}

/// a b, and 0 where b is: −∞ times 0 is a limit here, and no NaN.
fn times(a: f64, b: f64) -> f64 {
    if b == 0.0 && !a.is_nan() { 0.0 } else { a * b }
}

struct Apply<'a> {
    phi: Nonlinearity,
    rows: usize,
    width: usize,
    sums: Rows<'a>,
    out: RowsMut<'a>,
}

impl Kernel for Apply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (width, wide) = (self.width, padded(self.width));
        for row in 0..self.rows {
            let (a, y) = (self.sums.row(row), &mut self.out.row(row)[..wide]);
            match self.phi {
                Nonlinearity::Identity => y.copy_from_slice(&a[..wide]),
                Nonlinearity::Relu => each::<S, Relu>(s, a, y),
                Nonlinearity::Tanh => each::<S, Tanh>(s, a, y),
                Nonlinearity::Sigmoid => each::<S, Logistic>(s, a, y),
                phi => y.iter_mut().zip(&a[..width]).for_each(|(y, &a)| *y = phi.value(f64::from(a)) as f32),
            }
            y[width..].fill(0.0);
        }
    }
}

struct Back<'a> {
    phi: Nonlinearity,
    rows: usize,
    width: usize,
    d: Rows<'a>,
    sums: RowsMut<'a>,
}

impl Kernel for Back<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (width, wide) = (self.width, padded(self.width));
        for row in 0..self.rows {
            let (d, a) = (&self.d.row(row)[..wide], &mut self.sums.row(row)[..wide]);
            match self.phi {
                Nonlinearity::Identity => a.copy_from_slice(d),
                Nonlinearity::Relu => each_back::<S, Relu>(s, d, a),
                Nonlinearity::Tanh => each_back::<S, Tanh>(s, d, a),
                Nonlinearity::Sigmoid => each_back::<S, Logistic>(s, d, a),
                phi => a.iter_mut().zip(d).take(width).for_each(|(a, &d)| {
                    *a = (f64::from(d) * phi.slope(f64::from(*a))) as f32;
                }),
            }
            a[width..].fill(0.0);
        }
    }
}

/// σ
struct Logistic;

impl Phi for Logistic {
    #[inline(always)]
    fn apply<S: Simd>(s: S, a: S::F) -> S::F {
        sigmoid(s, a)
    }
    /// d h (1 − h)
    #[inline(always)]
    fn backward<S: Simd>(s: S, h: S::F, d: S::F) -> S::F {
        s.mul(d, s.mul(h, s.sub(s.splat(1.0), h)))
    }
}

#[inline(always)]
fn each<S: Simd, P: Phi>(s: S, a: &[f32], y: &mut [f32]) {
    for at in (0..y.len()).step_by(LANES) {
        s.store(P::apply(s, s.load(&a[at..])), &mut y[at..]);
    }
}

#[inline(always)]
fn each_back<S: Simd, P: Phi>(s: S, d: &[f32], a: &mut [f32]) {
    for at in (0..d.len()).step_by(LANES) {
        s.store(P::backward(s, P::apply(s, s.load(&a[at..])), s.load(&d[at..])), &mut a[at..]);
    }
}
