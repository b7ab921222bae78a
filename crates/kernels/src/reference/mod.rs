//! The same mathematics as the kernels, in plain `f64` loops: short enough to be read against the equations, and what
//! everything fast is tested against.
//!
//! Forward alone. A gradient is right where it agrees with central differences of this.

mod gru;
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

fn sigmoid(a: f64) -> f64 {
    1.0 / (1.0 + (-a).exp())
}

/// γ ⊙ x̂ + β with x̂ = (x − μ) / √(σ² + 1e-5), μ and σ² over the floats of `x`.
fn layer_norm(x: &[f64], gain: &[f64], bias: &[f64]) -> Vec<f64> {
    let count = x.len() as f64;
    let mean = x.iter().sum::<f64>() / count;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    let deviation = (variance + 1e-5).sqrt();
    (0..x.len()).map(|j| gain[j] * (x[j] - mean) / deviation + bias[j]).collect()
}
