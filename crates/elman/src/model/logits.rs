//! What a model's dense layers say, before softmax, sigmoid or order: what other programs compute too.
//!
//! T steps, B rows, I input, C outputs of the head.

use ndarray::{Array2, Array3, ArrayView3, Axis};

use crate::model::pooled::Pooled;
use crate::network::layer::Merge;
use crate::{DenseArrays, Error, Model, Reads};

impl Model {
    /// The head's outputs for `xs [B, T, I]`, in rows of the given lengths or of T steps each: logits of classes or
    /// quantiles as the dense layers give them, values before their link; [B, T, C] of a head on every step, [B, 1, C] of
    /// any other. Past a row's end a head on every step answers as it does to zeros: without hidden layers, with its bias.
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
                let layers = &self.stack().layers;
                let (merge, width) = (layers.last().and_then(|layer| layer.bidirectional), self.stack().summary());
                let count = 1 + usize::from(merge.is_some());
                let last = &state.cells[state.cells.len() - count..];
                let mut summary = Array2::zeros((xs.dim().0, width));
                for (row, mut to) in summary.outer_iter_mut().enumerate() {
                    let states: Vec<Vec<f32>> = last.iter().map(|cell| cell.h.row(row).to_vec()).collect();
                    let joined = match merge.map(Merge::of_states) {
                        Some(merge) => {
                            let mut joined = vec![0.0; width];
                            merge.join(&states[0], &states[1], &mut joined);
                            joined
                        }
                        None => states[0].clone(),
                    };
                    to.iter_mut().zip(joined).for_each(|(to, from)| *to = from);
                }
                summary.insert_axis(Axis(1))
            }
            reads @ (Reads::Mean | Reads::Max) => {
                let (rows, steps, width) = outputs.dim();
                let mut pooled = Pooled::new(reads, rows, width);
                for row in 0..rows {
                    for t in 0..lengths.map_or(steps, |lengths| lengths[row]) {
                        let line: Vec<f32> = (0..width).map(|unit| outputs[(row, t, unit)]).collect();
                        pooled.add(row, &line);
                    }
                }
                let mut read = Array3::zeros((rows, 1, width));
                let mut line = vec![0.0; width];
                for row in 0..rows {
                    pooled.read(row, &mut line);
                    line.iter().enumerate().for_each(|(unit, &x)| read[(row, 0, unit)] = x);
                }
                read
            }
        };
        let (rows, steps, width) = read.dim();
        let flat = Array2::from_shape_fn((rows * steps, width), |(row, unit)| {
            read[(row / steps.max(1), row % steps.max(1), unit)]
        });
        let mut flat = flat;
        for DenseArrays { kernel, bias, activation } in self.head_layers() {
            flat = flat.dot(&kernel);
            for ((_, unit), x) in flat.indexed_iter_mut() {
                *x = activation.value(f64::from(*x + bias[unit])) as f32;
            }
        }
        let outputs = flat.dim().1;
        Ok(Array3::from_shape_fn((rows, steps, outputs), |(row, step, output)| flat[(row * steps + step, output)]))
    }
}
