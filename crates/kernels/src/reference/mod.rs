//! The same mathematics as the kernels, in plain `f64` loops: short enough to be read against the equations, and what
//! everything fast is tested against.
//!
//! What vanishes does not become 0 here, as it does in the kernels below 2⁻⁶⁰ (states) and 2⁻¹⁰⁰ (sums): `f64` has no
//! subnormal numbers near, and no tolerance sees the difference.
//!
//! Forward alone. A gradient is right where it agrees with central differences of this.

use crate::activation::Activation;

mod gru;
mod indrnn;
mod lstm;
mod rnn;
mod sequence;
mod steps;

pub use sequence::{Arrays, Bound, Gate, Masks, Next, Reference, Sequence, Step, Trace};

/// x R for one row: `x [K]`, `weights [K, N]`, N from the lengths.
fn times(x: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; weights.len() / x.len()];
    for (x, row) in x.iter().zip(weights.chunks_exact(sums.len())) {
        sums.iter_mut().zip(row).for_each(|(sum, w)| *sum += x * w);
    }
    sums
}

impl Activation {
    /// φ(a)
    fn exact(self, a: f64) -> f64 {
        match self {
            Activation::Tanh => a.tanh(),
            Activation::Sigmoid => 1.0 / (1.0 + (-a).exp()),
            _ => self.nonlinearity().value(a),
        }
    }

    /// How far a is from where φ has no derivative.
    fn clear(self, a: f64) -> f64 {
        match self {
            Activation::Tanh | Activation::Sigmoid | Activation::Linear => f64::INFINITY,
            Activation::Relu => a.abs(),
            Activation::HardSigmoid | Activation::HardSigmoidKeras2 => {
                let kinks = self.nonlinearity().kinks();
                kinks.into_iter().fold(f64::INFINITY, |clear, kink| clear.min((a - kink).abs()))
            }
        }
    }

    /// What bounds φ.
    fn bound(self) -> Bound {
        match self {
            Activation::Tanh => Bound::Tanh,
            Activation::Relu => Bound::Relu,
            Activation::Sigmoid | Activation::HardSigmoid | Activation::HardSigmoidKeras2 => Bound::Sigmoid,
            Activation::Linear => Bound::None,
        }
    }
}

/// γ ⊙ x̂ + β with x̂ = (x − μ) / √(σ² + 1e-5), μ and σ² over the floats of `x`.
fn layer_norm(x: &[f64], gain: &[f64], bias: &[f64]) -> Vec<f64> {
    let count = x.len() as f64;
    let mean = x.iter().sum::<f64>() / count;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    let deviation = (variance + 1e-5).sqrt();
    (0..x.len()).map(|j| gain[j] * (x[j] - mean) / deviation + bias[j]).collect()
}
