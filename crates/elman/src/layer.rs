//! The Elman cell: one call is one step in time, `dynamic_rnn` is all of them.
//!
//! T steps, B rows, I input, H hidden. Arrays are batch first, as in TensorFlow.

use elman_kernels as kernels;
use elman_kernels::{Activation, Aligned, Isa};
use ndarray::{Array1, Array2, ArrayView2, ArrayView3, Axis};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::dynamic_rnn::DynamicRnn;
use crate::init::{self, Init};
use crate::isa;
use crate::parameters::{Entry, Layout};
use crate::random::Random;
use crate::stream::RnnStream;

/// Largest I and H: beyond, one matrix alone has more than a quarter of a billion weights.
const SIZE_MAX: usize = 16_384;

/// The Elman network's cell: its sizes and options.
///
/// h_t = φ(x_t W + h_{t-1} R + b)
///
/// TensorFlow's `BasicRNNCell`, Keras's `SimpleRNN`, PyTorch's `nn.RNN`. Elman (1990), "Finding structure in time",
/// <https://doi.org/10.1207/s15516709cog1402_1>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rnn {
    /// I, the floats of a step.
    pub input: usize,
    /// H, the floats of the state.
    pub hidden: usize,
    /// φ, tanh by default.
    #[serde(with = "activation_name")]
    pub activation: Activation,
}

impl Rnn {
    /// A cell that reads `input` floats a step and carries a state of `hidden`.
    pub fn new(input: usize, hidden: usize) -> Self {
        Rnn { input, hidden, activation: Activation::default() }
    }

    /// With another activation.
    pub fn activation(self, activation: Activation) -> Self {
        Rnn { activation, ..self }
    }

    /// The cell with initial values by a convention.
    ///
    /// # Errors
    /// If a size is 0 or above 16,384.
    pub fn init(self, init: Init, random: &mut Random) -> Result<RnnCell, Error> {
        self.check()?;
        let values = init::rnn(init, self.input, self.hidden, random);
        let mut cell = RnnCell { rnn: self, weights: Aligned::zeros(self.kernel().weights_len()) };
        for (entry, values) in
            self.layout("").entries.iter().zip([&values.kernel, &values.recurrent_kernel, &values.bias])
        {
            entry.pack(values, &mut cell.weights);
        }
        Ok(cell)
    }

    /// Refuses sizes that no cell has.
    ///
    /// # Errors
    /// If a size is 0 or above 16,384.
    pub fn check(&self) -> Result<(), Error> {
        for (what, size) in [("input size", self.input), ("hidden_size", self.hidden)] {
            if !(1..=SIZE_MAX).contains(&size) {
                return Err(Error::setting(what, size, format!("1 to {SIZE_MAX}")));
            }
        }
        Ok(())
    }

    pub(crate) fn kernel(&self) -> kernels::Rnn {
        kernels::Rnn { input: self.input, hidden: self.hidden, activation: self.activation }
    }

    /// The plain arrays of the cell and where they lie in its weights: `kernel [I, H]`, `recurrent_kernel [H, H]`,
    /// `bias [H]`.
    pub(crate) fn layout(&self, prefix: &str) -> Layout {
        let depth = self.kernel().depth();
        let entry = |name: &str, shape: &[usize], first_row| Entry {
            name: format!("{prefix}{name}"),
            shape: shape.to_vec(),
            depth,
            first_row,
        };
        Layout {
            entries: vec![
                entry("kernel", &[self.input, self.hidden], 1),
                entry("recurrent_kernel", &[self.hidden, self.hidden], 1 + self.input),
                entry("bias", &[self.hidden], 0),
            ],
            len: self.kernel().weights_len(),
        }
    }
}

/// The activation by its name, as in configuration files.
mod activation_name {
    use elman_kernels::Activation;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(activation: &Activation, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(activation.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Activation, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Activation::ALL.map(Activation::name).join(", ");
        Activation::from_name(&name)
            .ok_or_else(|| D::Error::custom(format!("unknown activation {name:?}; expected {known}")))
    }
}

/// An Elman cell with its parameters.
#[derive(Clone, Debug)]
pub struct RnnCell {
    /// Sizes and options.
    pub rnn: Rnn,
    /// In the kernels' order.
    pub(crate) weights: Aligned,
}

impl RnnCell {
    /// A cell with given parameters: `kernel [I, H]`, `recurrent_kernel [H, H]`, `bias [H]`.
    ///
    /// # Errors
    /// If a shape does not fit the cell.
    pub fn from_arrays(
        rnn: Rnn,
        kernel: ArrayView2<'_, f32>,
        recurrent_kernel: ArrayView2<'_, f32>,
        bias: &[f32],
    ) -> Result<Self, Error> {
        rnn.check()?;
        let mut cell = RnnCell { rnn, weights: Aligned::zeros(rnn.kernel().weights_len()) };
        let given = [
            (kernel.shape().to_vec(), kernel.iter().copied().collect()),
            (recurrent_kernel.shape().to_vec(), recurrent_kernel.iter().copied().collect()),
            (vec![bias.len()], bias.to_vec()),
        ];
        for (entry, (shape, values)) in rnn.layout("").entries.iter().zip(given) {
            if shape != entry.shape {
                return Err(Error::shape(entry.name.as_str(), &shape, &entry.shape));
            }
            entry.pack::<Vec<f32>>(&values, &mut cell.weights);
        }
        Ok(cell)
    }

    /// W [I, H]
    pub fn kernel(&self) -> Array2<f32> {
        self.rnn.layout("").entries[0].matrix(&self.weights)
    }

    /// R [H, H]
    pub fn recurrent_kernel(&self) -> Array2<f32> {
        self.rnn.layout("").entries[1].matrix(&self.weights)
    }

    /// b `[H]`
    pub fn bias(&self) -> Array1<f32> {
        self.rnn.layout("").entries[2].matrix(&self.weights).remove_axis(Axis(0))
    }

    /// A state of zeros for `rows` rows [B, H].
    pub fn zero_state(&self, rows: usize) -> Array2<f32> {
        Array2::zeros((rows, self.rnn.hidden))
    }

    /// One step in time: `x [B, I]` and `h [B, H]` give the next state [B, H].
    ///
    /// # Errors
    /// If a shape does not fit the cell.
    pub fn step(&self, x: ArrayView2<'_, f32>, h: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        // One step is a sequence of one: the same kernel, hence the same bits.
        let (_, state) = self.dynamic_rnn(x.insert_axis(Axis(1))).initial_state(h).run()?;
        Ok(state)
    }

    /// All steps of `xs [B, T, I]`, as TensorFlow's `dynamic_rnn`:
    ///
    /// ```
    /// # use elman::{Init, Random, Purpose, Rnn};
    /// # use ndarray::Array3;
    /// # fn main() -> Result<(), elman::Error> {
    /// let cell = Rnn::new(28, 128).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    /// let xs = Array3::zeros((2, 5, 28));
    /// let (outputs, state) = cell.dynamic_rnn(xs.view()).sequence_length(&[5, 3]).run()?;
    /// assert_eq!((outputs.shape(), state.shape()), (&[2, 5, 128][..], &[2, 128][..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn dynamic_rnn<'a>(&'a self, xs: ArrayView3<'a, f32>) -> DynamicRnn<'a> {
        DynamicRnn { cell: self, xs, lengths: None, initial_state: None, isa: isa::active() }
    }

    /// A stream: one row, one step a call, nothing allocated.
    pub fn stream(&self) -> RnnStream<'_> {
        self.stream_on(isa::active())
    }

    /// The same on another instruction set.
    pub fn stream_on(&self, isa: Isa) -> RnnStream<'_> {
        let kernel = self.rnn.kernel();
        let mut history = Aligned::zeros(kernel.history_len(1, 1));
        history[kernel.one_at()] = 1.0;
        RnnStream { cell: self, history, isa }
    }
}
