//! A trained model at work: classes, probabilities, figures of a data set.

use elman_kernels::{Isa, Score};
use ndarray::Array2;

use crate::model::{Model, Reads};
use crate::workers::{Job, Workers, check_all, check_inputs, take_workers};
use crate::{Error, Labelled, Sequences, isa};

/// Figures of a whole data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss, in nats.
    pub loss: f64,
    /// Part of the rows that are right.
    pub accuracy: f64,
    /// Rows that are right.
    pub correct: usize,
    /// Rows; for a head on every step, the steps of all rows.
    pub rows: usize,
}

impl From<Score> for Evaluation {
    fn from(score: Score) -> Self {
        Evaluation { loss: score.mean_loss(), accuracy: score.accuracy(), correct: score.correct, rows: score.rows }
    }
}

/// A trained model with threads, to evaluate and predict.
pub struct Predictor {
    model: Model,
    threads: usize,
    isa: Isa,
    workers: Option<Workers>,
}

impl Predictor {
    /// A predictor on `threads` threads.
    pub fn new(model: Model, threads: usize) -> Self {
        Predictor { model, threads, isa: isa::active(), workers: None }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    fn job<D: Sequences>(&self, data: &D) -> Job {
        let rows = self.model.stack().tile_rows(data.len());
        Job { rows, steps: data.steps(), part: data.steps(), threads: self.threads, isa: self.isa }
    }

    /// Mean loss and accuracy over a data set.
    ///
    /// # Errors
    /// If the data does not fit the model, or has nothing to score: no row, or for a head on every step no row with a
    /// step.
    pub fn evaluate<D: Labelled>(&mut self, data: &D) -> Result<Evaluation, Error> {
        let job = self.job(data);
        evaluate(&mut self.workers, &self.model, data, job)
    }

    /// Probabilities [N, C] of every row.
    ///
    /// # Errors
    /// If the data does not fit the model.
    pub fn predict<D: Sequences>(&mut self, data: &D) -> Result<Array2<f32>, Error> {
        check_inputs(&self.model, data, 0..data.len())?;
        if self.model.head().reads != Reads::LastState {
            return Err(Error::setting("the head", "one on every step", "one on the last state; see predict_steps"));
        }
        let job = self.job(data);
        let workers = take_workers(&mut self.workers, &self.model, job);
        Ok(workers.predict(&self.model, data))
    }

    /// Probabilities [T, C] of every step of a row, from a head on every step.
    ///
    /// # Errors
    /// If the data does not fit the model, or its head reads the last state.
    pub fn predict_steps<D: Sequences>(&mut self, data: &D, row: usize) -> Result<Array2<f32>, Error> {
        if self.model.head().reads != Reads::EveryStep {
            return Err(Error::setting("the head", "one on the last state", "one on every step; see predict"));
        }
        if row >= data.len() {
            return Err(Error::setting("a row's number", row, format!("below {}", data.len())));
        }
        check_inputs(&self.model, data, row..row + 1)?;
        let job = self.job(data);
        let workers = take_workers(&mut self.workers, &self.model, job);
        Ok(workers.predict_steps(&self.model, data, row))
    }
}

/// Mean loss and accuracy, on workers that are kept for the next call.
pub(crate) fn evaluate<D: Labelled>(
    workers: &mut Option<Workers>,
    model: &Model,
    data: &D,
    job: Job,
) -> Result<Evaluation, Error> {
    check_all(model, data)?;
    let workers = take_workers(workers, model, job);
    Ok(Evaluation::from(workers.evaluate(model, data)))
}
