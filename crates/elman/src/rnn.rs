//! The Elman cell: one call is one step in time, `dynamic_rnn` is all of them.
//!
//! T steps, B rows, I input, H hidden. Arrays are batch first, as in TensorFlow.

use elman_kernels as kernels;
use elman_kernels::rnn::{Gradients, Initial, Upstream};
use elman_kernels::{Activation, Aligned, Isa, Mode, padded, panels};
use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3, Axis, s};
use serde::{Deserialize, Serialize};

use crate::data::read_array;
use crate::init::{self, Init};
use crate::isa;
use crate::parameters::{Entry, Layout};
use crate::random::Random;
use crate::tile::Tile;
use crate::{Error, Sequences};

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

/// All steps of a batch, to be run: what was given so far.
#[derive(Clone, Debug)]
pub struct DynamicRnn<'a> {
    cell: &'a RnnCell,
    xs: ArrayView3<'a, f32>,
    lengths: Option<&'a [usize]>,
    initial_state: Option<ArrayView2<'a, f32>>,
    isa: Isa,
}

impl<'a> DynamicRnn<'a> {
    /// Steps of each row `[B]`, in any order, 0 to T. Without it, every row has T.
    ///
    /// Past its end a row's outputs are zero and its state is carried through.
    pub fn sequence_length(self, lengths: &'a [usize]) -> Self {
        DynamicRnn { lengths: Some(lengths), ..self }
    }

    /// h_0 [B, H]. Without it, zero.
    pub fn initial_state(self, h: ArrayView2<'a, f32>) -> Self {
        DynamicRnn { initial_state: Some(h), ..self }
    }

    /// On another instruction set than the widest.
    pub fn isa(self, isa: Isa) -> Self {
        DynamicRnn { isa, ..self }
    }

    /// Outputs [B, T, H] of every step, and the final state [B, H].
    ///
    /// # Errors
    /// If a shape does not fit the cell, or a length exceeds T.
    pub fn run(self) -> Result<(Array3<f32>, Array2<f32>), Error> {
        let unrolled = self.unroll()?;
        Ok((unrolled.outputs(), unrolled.state()))
    }

    /// The same, with all that the way back needs.
    ///
    /// # Errors
    /// If a shape does not fit the cell, or a length exceeds T.
    pub fn unroll(self) -> Result<Unrolled<'a>, Error> {
        let rnn = self.cell.rnn;
        let (rows, steps, input) = self.xs.dim();
        if input != rnn.input {
            return Err(Error::shape("xs", self.xs.shape(), &[rows, steps, rnn.input]));
        }
        if let Some(h) = self.initial_state
            && h.dim() != (rows, rnn.hidden)
        {
            return Err(Error::shape("initial_state", h.shape(), &[rows, rnn.hidden]));
        }
        if let Some(lengths) = self.lengths {
            if lengths.len() != rows {
                return Err(Error::shape("sequence_length", &[lengths.len()], &[rows]));
            }
            if let Some(row) = lengths.iter().position(|&length| length > steps) {
                return Err(Error::Length { row, length: lengths[row], steps });
            }
        }
        let kernel = rnn.kernel();
        let tile_rows = kernels::tile_rows(rnn.hidden);
        let source = Batch { xs: self.xs, lengths: self.lengths };
        let mut tiles = Vec::with_capacity(rows.div_ceil(tile_rows));
        for first in (0..rows).step_by(tile_rows) {
            let mut tile = Tile::new(kernel, steps, tile_rows.min(rows - first));
            tile.gather(&source, first..(first + tile_rows).min(rows));
            if let Some(h) = self.initial_state {
                tile.set_initial(h);
            }
            tile.forward(self.isa, &self.cell.weights);
            tiles.push(tile);
        }
        Ok(Unrolled { cell: self.cell, tiles, rows, steps, isa: self.isa })
    }
}

/// A batch of arrays as a data set.
struct Batch<'a> {
    xs: ArrayView3<'a, f32>,
    lengths: Option<&'a [usize]>,
}

impl Sequences for Batch<'_> {
    fn len(&self) -> usize {
        self.xs.shape()[0]
    }
    fn steps(&self) -> usize {
        self.xs.shape()[1]
    }
    fn input(&self) -> usize {
        self.xs.shape()[2]
    }
    fn length(&self, row: usize) -> usize {
        self.lengths.map_or(self.steps(), |lengths| lengths[row])
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        read_array(self.xs, row, step, x);
    }
}

/// A batch that has been run forward.
#[derive(Debug)]
pub struct Unrolled<'a> {
    cell: &'a RnnCell,
    tiles: Vec<Tile>,
    rows: usize,
    steps: usize,
    isa: Isa,
}

/// Gradients of a scalar by everything that entered [`DynamicRnn`].
#[derive(Clone, Debug)]
pub struct RnnGradients {
    /// dW [I, H]
    pub kernel: Array2<f32>,
    /// dR [H, H]
    pub recurrent_kernel: Array2<f32>,
    /// db `[H]`
    pub bias: Array1<f32>,
    /// dx [B, T, I], zero past a row's end; when asked for.
    pub inputs: Option<Array3<f32>>,
    /// dh_0 [B, H], when asked for.
    pub initial_state: Option<Array2<f32>>,
}

/// Which gradients [`Unrolled::backward`] computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those by the cell's parameters.
    Parameters,
    /// Those by the inputs and the initial state too.
    Everything,
}

impl Unrolled<'_> {
    /// Outputs [B, T, H]: h_t of every step, zero past a row's end.
    pub fn outputs(&self) -> Array3<f32> {
        let mut outputs = Array3::zeros((self.rows, self.steps, self.cell.rnn.hidden));
        for tile in &self.tiles {
            for (row, length, place) in tile.rows() {
                for t in 0..length {
                    let h = tile.state(t + 1, place);
                    outputs.slice_mut(s![row, t, ..]).iter_mut().zip(h).for_each(|(to, &from)| *to = from);
                }
            }
        }
        outputs
    }

    /// The final state [B, H]: that of each row's own last step.
    pub fn state(&self) -> Array2<f32> {
        let mut state = Array2::zeros((self.rows, self.cell.rnn.hidden));
        for tile in &self.tiles {
            for (row, length, place) in tile.rows() {
                let h = tile.state(length, place);
                state.row_mut(row).iter_mut().zip(h).for_each(|(to, &from)| *to = from);
            }
        }
        state
    }

    /// Gradients of Σ outputs ⊙ d_outputs + Σ state ⊙ d_state, with `d_outputs [B, T, H]` and `d_state [B, H]`.
    ///
    /// # Errors
    /// If a shape does not fit.
    pub fn backward(
        &self,
        d_outputs: Option<ArrayView3<'_, f32>>,
        d_state: Option<ArrayView2<'_, f32>>,
        wanted: Wanted,
    ) -> Result<RnnGradients, Error> {
        let everything = wanted == Wanted::Everything;
        let (rnn, kernel) = (self.cell.rnn, self.cell.rnn.kernel());
        let (input, hidden) = (rnn.input, rnn.hidden);
        if let Some(d) = d_outputs
            && d.dim() != (self.rows, self.steps, hidden)
        {
            return Err(Error::shape("d_outputs", d.shape(), &[self.rows, self.steps, hidden]));
        }
        if let Some(d) = d_state
            && d.dim() != (self.rows, hidden)
        {
            return Err(Error::shape("d_state", d.shape(), &[self.rows, hidden]));
        }
        let mut recurrent = Aligned::zeros(kernel.recurrent_transposed_len());
        for (panel, out) in recurrent.chunks_exact_mut(hidden * kernels::LANES).enumerate() {
            kernel.transpose_recurrent(&self.cell.weights, panel, out);
        }
        let mut inputs = Aligned::zeros(kernel.input_transposed_len());
        for (panel, out) in inputs.chunks_exact_mut(hidden * kernels::LANES).enumerate().filter(|_| everything) {
            kernel.transpose_input(&self.cell.weights, panel, out);
        }
        let (hp, ip) = (padded(hidden), panels(input) * kernels::LANES);
        let mut weights = Aligned::zeros(kernel.weights_len());
        let mut gradients_x = Array3::zeros((self.rows, self.steps, input));
        let mut gradients_h0 = Array2::zeros((self.rows, hidden));
        for tile in &self.tiles {
            let count = tile.count();
            let mut state = vec![0.0; count * hp];
            let mut outputs = vec![0.0; self.steps * count * hp];
            for (row, length, place) in tile.rows() {
                if let Some(d) = d_state {
                    state[place * hp..][..hidden].iter_mut().zip(d.row(row)).for_each(|(to, &from)| *to = from);
                }
                if let Some(d) = d_outputs {
                    for t in 0..length {
                        let to = &mut outputs[(t * count + place) * hp..][..hidden];
                        to.iter_mut().zip(d.slice(s![row, t, ..])).for_each(|(to, &from)| *to = from);
                    }
                }
            }
            let mut d_inputs = vec![0.0; self.steps * count * ip];
            let mut d_initial = vec![0.0; count * hp];
            tile.backward(
                self.isa,
                &recurrent,
                &inputs,
                Upstream { state: &state, outputs: d_outputs.is_some().then_some(&outputs) },
                Gradients {
                    weights: &mut weights,
                    mode: Mode::Add,
                    inputs: everything.then_some(d_inputs.as_mut_slice()),
                    initial: everything.then_some(d_initial.as_mut_slice()),
                },
                &mut Aligned::zeros(kernel.scratch_len(count)),
            );
            for (row, length, place) in tile.rows().filter(|_| everything) {
                for t in 0..length {
                    let from = &d_inputs[(t * count + place) * ip..][..input];
                    gradients_x.slice_mut(s![row, t, ..]).iter_mut().zip(from).for_each(|(to, &from)| *to = from);
                }
                let from = &d_initial[place * hp..][..hidden];
                gradients_h0.row_mut(row).iter_mut().zip(from).for_each(|(to, &from)| *to = from);
            }
        }
        let layout = rnn.layout("");
        Ok(RnnGradients {
            kernel: layout.entries[0].matrix(&weights),
            recurrent_kernel: layout.entries[1].matrix(&weights),
            bias: layout.entries[2].matrix(&weights).remove_axis(Axis(0)),
            inputs: everything.then_some(gradients_x),
            initial_state: everything.then_some(gradients_h0),
        })
    }
}

/// One row, stepped one input at a time, for as long as it lasts. Gives bit for bit what the whole sequence gives.
#[derive(Clone, Debug)]
pub struct RnnStream<'a> {
    cell: &'a RnnCell,
    history: Aligned,
    isa: Isa,
}

impl RnnStream<'_> {
    /// One step: `x [I]` in, the new state `[H]` out. Allocates nothing.
    ///
    /// # Panics
    /// If `x` does not have I floats.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        let kernel = self.cell.rnn.kernel();
        assert_eq!(x.len(), kernel.input, "x must be [I] = [{}]", kernel.input);
        self.history[kernel.input_at()..][..kernel.input].copy_from_slice(x);
        kernel.forward(self.isa, &self.cell.weights, &mut self.history, 1, &[1], Initial::Given);
        let (before, after) = self.history.split_at_mut(kernel.stride());
        before[kernel.state_at()..].copy_from_slice(&after[kernel.state_at()..]);
        self.state()
    }

    /// The state `[H]`.
    pub fn state(&self) -> &[f32] {
        let kernel = self.cell.rnn.kernel();
        &self.history[kernel.state_at()..][..kernel.hidden]
    }

    /// Goes on from another state `[H]`.
    ///
    /// # Panics
    /// If `h` does not have H floats.
    pub fn set_state(&mut self, h: &[f32]) {
        let kernel = self.cell.rnn.kernel();
        self.history[kernel.state_at()..][..kernel.hidden].copy_from_slice(h);
    }

    /// Back to a state of zeros.
    pub fn reset(&mut self) {
        let kernel = self.cell.rnn.kernel();
        self.history[kernel.state_at()..][..kernel.hidden].fill(0.0);
    }
}
