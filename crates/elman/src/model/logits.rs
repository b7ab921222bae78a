//! What a model's dense layers say, before softmax, sigmoid or order: what other programs compute too.
//!
//! T steps, B rows, I input, C outputs of the head.

use elman_kernels::Pass;
use ndarray::{Array3, ArrayView3, Axis, s};

use crate::model::checks::check_inputs;
use crate::model::head_tile::HeadTile;
use crate::model::workers::{Job, take_workers};
use crate::network::dynamic_rnn::Batch;
use crate::{Error, Model, Reads, Sequences, isa};

impl Model {
    /// The head's outputs for `xs [B, T, I]`, in rows of the given lengths or of T steps each: logits of classes or
    /// quantiles as the dense layers give them, values before their link; [B, T, C] of a head on every step, [B, 1, C] of
    /// any other. Past a row's end a head on every step answers as it does to zeros: without hidden layers, with its bias.
    ///
    /// For comparisons with other programs: numbers that are not finite are taken as they are.
    /// [`Predictor`](crate::Predictor) has answers, and threads.
    ///
    /// # Errors
    /// If the inputs or lengths do not fit the model.
    pub fn logits(&self, xs: ArrayView3<'_, f32>, lengths: Option<&[usize]>) -> Result<Array3<f32>, Error> {
        let data = Batch::new(xs, lengths)?;
        check_inputs(self, &data, 0..data.len())?;
        let rows = self.stack().tile_rows(data.len());
        let job = Job { rows, steps: data.steps(), part: data.steps(), threads: 1, isa: isa::active() };
        let mut workers = None;
        let workers = take_workers(&mut workers, self, job);
        if self.head().reads != Reads::EveryStep {
            return Ok(workers.predict(self, &data, |_| ()).insert_axis(Axis(1)));
        }
        let mut head = HeadTile::new(self.head(), self.stack(), &self.plan, 1);
        head.forward(self.stack().engine(job.isa, Pass::new(), None), &self.parameters, 1);
        let past = head.output_mut(0);
        let mut logits = Array3::from_shape_fn((data.len(), data.steps(), past.len()), |(_, _, unit)| past[unit]);
        for row in 0..data.len() {
            logits.slice_mut(s![row, ..data.length(row), ..]).assign(&workers.predict_steps(self, &data, row, |_| ()));
        }
        Ok(logits)
    }
}
