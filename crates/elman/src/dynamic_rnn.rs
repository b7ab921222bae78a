//! `dynamic_rnn`: all steps of a batch, forward and, when asked for, backward.
//!
//! T steps, B rows, I input, H hidden. Arrays are batch first, as in TensorFlow.

use elman_kernels as kernels;
use elman_kernels::rnn::{Gradients, Upstream};
use elman_kernels::{Aligned, Isa, Mode, padded, panels};
use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3, Axis, s};

use crate::data::read_array;
use crate::rnn::RnnCell;
use crate::tile::Tile;
use crate::{Error, Sequences};

/// All steps of a batch, to be run: what was given so far.
#[derive(Clone, Debug)]
pub struct DynamicRnn<'a> {
    pub(crate) cell: &'a RnnCell,
    pub(crate) xs: ArrayView3<'a, f32>,
    pub(crate) lengths: Option<&'a [usize]>,
    pub(crate) initial_state: Option<ArrayView2<'a, f32>>,
    pub(crate) isa: Isa,
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
