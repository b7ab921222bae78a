//! Initial values, by the convention of each framework.
//!
//! I input, H hidden, O output. Glorot & Bengio (2010), <https://proceedings.mlr.press/v9/glorot10a.html>: uniform
//! within ±√(6 / (inputs + outputs)). Orthogonal: Saxe et al. (2014), <https://arxiv.org/abs/1312.6120>.

use elman_kernels::Cell;
use elman_kernels::layout::{Entry, Opens, Role};
use serde::{Deserialize, Serialize};

use crate::network::layer::{Embedding, Stack};
use crate::network::parameters::Plan;
use crate::random::Random;

/// Whose initial values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// TensorFlow 1: Glorot uniform on the joint kernel `[I + H, H]`, bias 0. The tutorial's. Embeddings
    /// as `get_variable` draws them: Glorot uniform on [V, E].
    #[default]
    Tf,
    /// Keras 3: Glorot uniform on `[I, H]`, orthogonal `[H, H]`, bias 0. Embeddings within ±0.05.
    Keras,
    /// PyTorch: everything uniform within ±1/√H, two biases, which are added; the dense layer within ±1/√I.
    /// Embeddings from the normal distribution of variance 1.
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

/// Fills the parameters of a network.
pub(crate) fn network(init: Init, stack: &Stack, plan: &Plan, parameters: &mut [f32], random: &mut Random) {
    if let Some(of) = stack.embedding {
        parameters[plan.embedding.clone()].copy_from_slice(&embedding(init, of, random));
    }
    for (track, place) in plan.tracks.iter().enumerate() {
        let layer = &stack.layers[place.layer];
        for entry in plan.entries_of(track) {
            let values = values(init, layer.cell.get(), layer.window.map_or(1, |window| window.size), entry, random);
            entry.pack(&values, &mut parameters[place.weights.clone()]);
        }
    }
}

/// The vectors of an embedding, [V, E].
fn embedding(init: Init, of: Embedding, random: &mut Random) -> Vec<f32> {
    let count = of.tokens * of.size;
    match init {
        Init::Tf => uniform(count, glorot(of.tokens, of.size), random),
        Init::Keras => uniform(count, KERAS_EMBEDDING, random),
        Init::PyTorch => (0..count).map(|_| random.normal() as f32).collect(),
    }
}

/// Keras draws vectors within ± this, whatever their size.
const KERAS_EMBEDDING: f32 = 0.05;

/// One array of a cell that reads windows of `window` steps, row-major.
fn values(init: Init, cell: &dyn Cell, window: usize, entry: &Entry, random: &mut Random) -> Vec<f32> {
    let (count, columns) = (entry.count(), entry.columns());
    let hidden = columns / entry.gates.len().max(1);
    let rows = count / columns;
    match (entry.role, init) {
        // All programs start a normalisation or a scale of its own as the identity.
        (Role::Offset, _) => vec![0.0; count],
        (Role::Gain, _) => vec![1.0; count],
        // As a dense layer in a head; of a convolution the programs count the outputs that an input reaches.
        (Role::Dense, _) => uniform(count, dense_bounds(init, rows, columns * window).0, random),
        (Role::DenseBias, _) => match dense_bounds(init, cell.input(), columns).1 {
            Some(bound) => uniform(count, bound, random),
            None => vec![0.0; count],
        },
        // Of a unit alone: below 0 it would alternate, above 1 its state could grow with every step.
        (Role::Own, _) => (0..count).map(|_| 0.5 + random.uniform(0.5)).collect(),
        // Not 0, where TensorFlow starts: over a row of zeros all units would be alike, and each step back through such a
        // normalisation multiplies the gradient by 1 / √ε.
        (Role::Shift, _) => uniform(count, SHIFT, random),
        (Role::Bias, Init::Tf | Init::Keras) => {
            let starts = |column| match entry.gate_of(column).opens {
                Opens::Always => 1.0,
                Opens::InTf if init == Init::Tf => 1.0,
                Opens::InTf | Opens::Never => 0.0,
            };
            (0..count).map(starts).collect()
        }
        (Role::Bias, Init::PyTorch) => {
            // Two biases are added, but where they are two arrays.
            let bound = pytorch(cell);
            let draw = |column| match entry.gate_of(column).two_biases {
                true => random.uniform(bound),
                false => random.uniform(bound) + random.uniform(bound),
            };
            (0..count).map(draw).collect()
        }
        (_, Init::PyTorch) => uniform(count, pytorch(cell), random),
        (Role::Kernel | Role::Recurrent, Init::Tf) => {
            let joint = cell.input() + cell.output();
            let bound = |column| {
                let variable = entry.gate_of(column).variable;
                let others = entry.gates.iter().filter(|gate| gate.variable != variable).count();
                glorot(joint, columns - others * hidden)
            };
            let bounds: Vec<f32> = (0..columns).map(bound).collect();
            (0..count).map(|at| random.uniform(bounds[at % columns])).collect()
        }
        (Role::Recurrent, Init::Keras) => orthogonal(rows, columns, random),
        (Role::Kernel | Role::Projection, _) => uniform(count, glorot(rows, columns), random),
        // A vector for each gate: as TensorFlow draws a variable of one axis.
        (Role::Peephole, _) => uniform(count, glorot(hidden, hidden), random),
    }
}

/// Bound of what is added behind a normalised memory.
const SHIFT: f32 = 0.1;

/// PyTorch's bound for every array of a cell.
fn pytorch(cell: &dyn Cell) -> f32 {
    let hidden = if cell.memory() > 0 { cell.memory() } else { cell.output() };
    1.0 / (hidden as f32).sqrt()
}

/// Kernel `[I, O]` and bias `[O]` of a dense layer.
pub(crate) fn dense(init: Init, input: usize, output: usize, random: &mut Random) -> (Vec<f32>, Vec<f32>) {
    let (kernel, bias) = dense_bounds(init, input, output);
    let kernel = uniform(input * output, kernel, random);
    (kernel, bias.map_or_else(|| vec![0.0; output], |bound| uniform(output, bound, random)))
}

/// Between what bounds the kernel and the bias of a dense layer are drawn; None: zeros.
fn dense_bounds(init: Init, input: usize, output: usize) -> (f32, Option<f32>) {
    match init {
        Init::Tf | Init::Keras => (glorot(input, output), None),
        Init::PyTorch => {
            let bound = 1.0 / (input as f32).sqrt();
            (bound, Some(bound))
        }
    }
}

fn glorot(inputs: usize, outputs: usize) -> f32 {
    (6.0 / (inputs + outputs) as f32).sqrt()
}

fn uniform(count: usize, bound: f32, random: &mut Random) -> Vec<f32> {
    (0..count).map(|_| random.uniform(bound)).collect()
}

/// A random `[rows, columns]` whose rows are orthonormal, or whose columns are where there are more rows: vectors of
/// normal numbers, made orthonormal one after the other (Gram & Schmidt, twice, which is as exact as a Householder
/// reflection). The first non-zero component along each vector keeps its sign, so all rotations are alike likely.
fn orthogonal(rows: usize, columns: usize, random: &mut Random) -> Vec<f32> {
    let (count, width) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..width).map(|_| random.normal()).collect();
        for _ in 0..2 {
            for other in &vectors {
                let along = dot(&vector, other);
                vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let norm = dot(&vector, &vector).sqrt();
        // Within the span of the others, but for rounding: draw another.
        if norm > 1e-8 {
            vector.iter_mut().for_each(|x| *x /= norm);
            vectors.push(vector);
        }
    }
    let at = |row: usize, column: usize| if rows <= columns { vectors[row][column] } else { vectors[column][row] };
    (0..rows * columns).map(|index| at(index / columns, index % columns) as f32).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use elman_kernels::{Gru, Lstm, Rnn};

    fn random() -> Random {
        Random::new(5, Purpose::Cell)
    }

    /// The largest value comes close to the bound and does not pass it.
    fn assert_bound(values: &[f32], bound: f32) {
        let largest = values.iter().fold(0f32, |m, x| m.max(x.abs()));
        assert!(largest <= bound && largest > 0.97 * bound, "largest {largest}, bound {bound}");
    }

    fn drawn(init: Init, stack: impl Into<Stack>) -> std::collections::BTreeMap<String, Vec<f32>> {
        let network = crate::Network::new(stack, init, &mut random()).unwrap();
        network.arrays().into_iter().map(|(name, array)| (name, array.data)).collect()
    }

    #[test]
    fn tensorflow_bounds_are_the_tutorials() {
        let cell = drawn(Init::Tf, Rnn::new(28, 128));
        assert_bound(&cell["layers.0.kernel"], 0.145_35);
        assert_bound(&cell["layers.0.recurrent_kernel"], 0.145_35);
        assert!(cell["layers.0.bias"].iter().all(|&b| b == 0.0));
        let (kernel, bias) = dense(Init::Tf, 128, 10, &mut random());
        assert_bound(&kernel, 0.208_52);
        assert_eq!(bias, [0.0; 10]);
    }

    #[test]
    fn embeddings_start_as_the_convention_has_them() {
        let vectors = |init| drawn(init, Stack::new(Rnn::new(40, 8)).embedding(200))["embedding.kernel"].clone();
        assert_bound(&vectors(Init::Tf), (6.0f32 / 240.0).sqrt());
        assert_bound(&vectors(Init::Keras), 0.05);
        let normal = vectors(Init::PyTorch);
        let variance = normal.iter().map(|x| x * x).sum::<f32>() / normal.len() as f32;
        // 8000 values: six standard deviations of their variance.
        assert!((variance - 1.0).abs() < 0.1, "{variance}");
    }

    #[test]
    fn pytorch_bounds_follow_the_hidden_size() {
        let cell = drawn(Init::PyTorch, Rnn::new(28, 100));
        assert_bound(&cell["layers.0.kernel"], 0.1);
        assert_bound(&cell["layers.0.recurrent_kernel"], 0.1);
        assert!(cell["layers.0.bias"].iter().any(|b| b.abs() > 0.1), "two biases add up");
        assert!(cell["layers.0.bias"].iter().all(|b| b.abs() <= 0.2));
        let gru = drawn(Init::PyTorch, Gru::new(28, 100));
        assert_bound(&gru["layers.0.recurrent_bias"], 0.1);
        assert_bound(&gru["layers.0.bias"][200..], 0.1);
        assert!(gru["layers.0.bias"][..200].iter().any(|b| b.abs() > 0.1), "two biases add up");
    }

    #[test]
    fn gates_start_where_the_convention_has_them() {
        let ones = |values: &[f32]| values.iter().filter(|&&b| b == 1.0).count();
        for init in [Init::Tf, Init::Keras] {
            let lstm = &drawn(init, Lstm::new(3, 5))["layers.0.bias"];
            assert_eq!((ones(lstm), ones(&lstm[5..10])), (5, 5), "{init:?}: the forget gate");
            assert_eq!(ones(&drawn(init, Lstm::new(3, 5).coupled(true))["layers.0.bias"]), 0);
        }
        let gru = &drawn(Init::Tf, Gru::new(3, 5))["layers.0.bias"];
        assert_eq!((ones(gru), ones(&gru[..10])), (10, 10), "both gates");
        assert_eq!(ones(&drawn(Init::Keras, Gru::new(3, 5))["layers.0.bias"]), 0);
        let kernel = &drawn(Init::Tf, Gru::new(28, 100))["layers.0.kernel"];
        let part = |candidate: bool| -> Vec<f32> {
            kernel.iter().enumerate().filter(|(at, _)| (at % 300 >= 200) == candidate).map(|(_, &x)| x).collect()
        };
        assert_bound(&part(false), (6.0f32 / 328.0).sqrt());
        assert_bound(&part(true), (6.0f32 / 228.0).sqrt());
    }

    #[test]
    fn keras_recurrent_kernels_are_orthogonal() {
        for n in [1, 2, 33, 128] {
            for (gates, cells) in [(1, drawn(Init::Keras, Rnn::new(3, n))), (4, drawn(Init::Keras, Lstm::new(3, n)))] {
                let (r, wide) = (&cells["layers.0.recurrent_kernel"], gates * n);
                for a in 0..n {
                    for b in 0..n {
                        let dot: f64 = (0..wide).map(|k| f64::from(r[a * wide + k]) * f64::from(r[b * wide + k])).sum();
                        assert!((dot - f64::from(a == b)).abs() < 1e-6, "rows {a} and {b} of {n}: {dot}");
                    }
                }
            }
        }
    }
}
