//! What a model's dense layer says, before softmax or order: what other programs compute too.
//!
//! T steps, B rows, I input, C outputs of the head.

use ndarray::{Array2, Array3, ArrayView3, Axis, concatenate};

use crate::{Error, Model, Reads};

impl Model {
    /// The head's outputs for `xs [B, T, I]`, in rows of the given lengths or of T steps each: logits of classes or
    /// quantiles as the dense layer gives them, [B, T, C] of a head on every step, [B, 1, C] of one on the last state.
    /// Past a row's end a head on every step answers with its bias.
    ///
    /// For comparisons with other programs. [`Predictor`](crate::Predictor) is faster.
    ///
    /// # Errors
    /// If the inputs or lengths do not fit the model.
    pub fn logits(&self, xs: ArrayView3<'_, f32>, lengths: Option<&[usize]>) -> Result<Array3<f32>, Error> {
        let network = self.network();
        let mut unrolled = network.dynamic_rnn(xs);
        if let Some(lengths) = lengths {
            unrolled = unrolled.sequence_length(lengths);
        }
        let (outputs, state) = unrolled.run()?;
        let read = match self.head().reads {
            Reads::EveryStep => outputs,
            Reads::LastState => {
                let directions = self.stack().layers.last().map_or(1, crate::Layer::directions);
                let last = &state.cells[state.cells.len() - directions..];
                let states: Vec<_> = last.iter().map(|cell| cell.h.view()).collect();
                let summary = concatenate(Axis(1), &states).map_err(|error| {
                    Error::setting("the final states", error, "those of one batch, of one number of rows")
                })?;
                summary.insert_axis(Axis(1))
            }
        };
        let (kernel, bias) = self.head_arrays();
        let (rows, steps, width) = read.dim();
        let flat = Array2::from_shape_fn((rows * steps, width), |(row, unit)| {
            read[(row / steps.max(1), row % steps.max(1), unit)]
        });
        let logits = flat.dot(&kernel);
        Ok(Array3::from_shape_fn((rows, steps, bias.len()), |(row, step, output)| {
            logits[(row * steps + step, output)] + bias[output]
        }))
    }
}
