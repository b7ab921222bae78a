//! Initial values, by the convention of each framework.
//!
//! I input, H hidden, O output. Glorot & Bengio (2010), <https://proceedings.mlr.press/v9/glorot10a.html>: uniform
//! within ±√(6 / (inputs + outputs)). Orthogonal: Saxe et al. (2014), <https://arxiv.org/abs/1312.6120>.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// Whose initial values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// TensorFlow 1: Glorot uniform on the joint kernel `[I + H, H]`, bias 0. The tutorial's.
    #[default]
    Tf,
    /// Keras 3: Glorot uniform on `[I, H]`, orthogonal `[H, H]`, bias 0.
    Keras,
    /// PyTorch: everything uniform within ±1/√H, two biases, which are added; the dense layer within ±1/√I.
    PyTorch,
}

impl Init {
    /// Every convention.
    pub const ALL: [Init; 3] = [Init::Tf, Init::Keras, Init::PyTorch];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Init::Tf => "tf",
            Init::Keras => "keras",
            Init::PyTorch => "pytorch",
        }
    }
}

/// Row-major arrays of a cell: kernel `[I, H]`, recurrent kernel `[H, H]`, bias `[H]`.
pub(crate) struct CellValues {
    pub(crate) kernel: Vec<f32>,
    pub(crate) recurrent_kernel: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

pub(crate) fn rnn(init: Init, input: usize, hidden: usize, random: &mut Random) -> CellValues {
    match init {
        Init::Tf => {
            let bound = glorot(input + hidden, hidden);
            CellValues {
                kernel: uniform(input * hidden, bound, random),
                recurrent_kernel: uniform(hidden * hidden, bound, random),
                bias: vec![0.0; hidden],
            }
        }
        Init::Keras => CellValues {
            kernel: uniform(input * hidden, glorot(input, hidden), random),
            recurrent_kernel: orthogonal(hidden, random),
            bias: vec![0.0; hidden],
        },
        Init::PyTorch => {
            let bound = 1.0 / (hidden as f32).sqrt();
            CellValues {
                kernel: uniform(input * hidden, bound, random),
                recurrent_kernel: uniform(hidden * hidden, bound, random),
                bias: (0..hidden).map(|_| random.uniform(bound) + random.uniform(bound)).collect(),
            }
        }
    }
}

/// Kernel `[I, O]` and bias `[O]` of a dense layer.
pub(crate) fn dense(init: Init, input: usize, output: usize, random: &mut Random) -> (Vec<f32>, Vec<f32>) {
    match init {
        Init::Tf | Init::Keras => (uniform(input * output, glorot(input, output), random), vec![0.0; output]),
        Init::PyTorch => {
            let bound = 1.0 / (input as f32).sqrt();
            (uniform(input * output, bound, random), uniform(output, bound, random))
        }
    }
}

fn glorot(inputs: usize, outputs: usize) -> f32 {
    (6.0 / (inputs + outputs) as f32).sqrt()
}

fn uniform(count: usize, bound: f32, random: &mut Random) -> Vec<f32> {
    (0..count).map(|_| random.uniform(bound)).collect()
}

/// A random orthogonal `[n, n]`: rows of normal numbers, made orthonormal one after the other (Gram & Schmidt, twice,
/// which is as exact as a Householder reflection). The first non-zero component along each row keeps its sign, so all
/// rotations are alike likely.
fn orthogonal(n: usize, random: &mut Random) -> Vec<f32> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(n);
    while rows.len() < n {
        let mut row: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        for _ in 0..2 {
            for other in &rows {
                let along = dot(&row, other);
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let norm = dot(&row, &row).sqrt();
        // Within the span of the others, but for rounding: draw another.
        if norm > 1e-8 {
            row.iter_mut().for_each(|x| *x /= norm);
            rows.push(row);
        }
    }
    rows.into_iter().flatten().map(|x| x as f32).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    fn random() -> Random {
        Random::new(5, Purpose::Cell)
    }

    /// The largest value comes close to the bound and does not pass it.
    fn assert_bound(values: &[f32], bound: f32) {
        let largest = values.iter().fold(0f32, |m, x| m.max(x.abs()));
        assert!(largest <= bound && largest > 0.97 * bound, "largest {largest}, bound {bound}");
    }

    #[test]
    fn tensorflow_bounds_are_the_tutorials() {
        let cell = rnn(Init::Tf, 28, 128, &mut random());
        assert_bound(&cell.kernel, 0.145_35);
        assert_bound(&cell.recurrent_kernel, 0.145_35);
        assert!(cell.bias.iter().all(|&b| b == 0.0));
        let (kernel, bias) = dense(Init::Tf, 128, 10, &mut random());
        assert_bound(&kernel, 0.208_52);
        assert_eq!(bias, [0.0; 10]);
    }

    #[test]
    fn pytorch_bounds_follow_the_hidden_size() {
        let cell = rnn(Init::PyTorch, 28, 100, &mut random());
        assert_bound(&cell.kernel, 0.1);
        assert_bound(&cell.recurrent_kernel, 0.1);
        assert!(cell.bias.iter().any(|b| b.abs() > 0.1), "two biases add up");
        assert!(cell.bias.iter().all(|b| b.abs() <= 0.2));
    }

    #[test]
    fn keras_recurrent_kernel_is_orthogonal() {
        for n in [1, 2, 33, 128] {
            let r = rnn(Init::Keras, 3, n, &mut random()).recurrent_kernel;
            for a in 0..n {
                for b in 0..n {
                    let dot: f64 = (0..n).map(|k| f64::from(r[a * n + k]) * f64::from(r[b * n + k])).sum();
                    assert!((dot - f64::from(a == b)).abs() < 1e-6, "rows {a} and {b} of {n}: {dot}");
                }
            }
        }
    }
}
