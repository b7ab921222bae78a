//! A trained model at work: classes, probabilities, figures of a data set.

use elman_kernels::{Isa, Score};
use ndarray::Array2;

use crate::classifier::Classifier;
use crate::workers::{Workers, check_all, check_inputs, take_workers};
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
    /// Rows.
    pub rows: usize,
}

impl From<Score> for Evaluation {
    fn from(score: Score) -> Self {
        Evaluation { loss: score.mean_loss(), accuracy: score.accuracy(), correct: score.correct, rows: score.rows }
    }
}

/// A trained model with threads, to evaluate and predict.
pub struct Predictor {
    model: Classifier,
    threads: usize,
    isa: Isa,
    workers: Option<Workers>,
}

impl Predictor {
    /// A predictor on `threads` threads.
    pub fn new(model: Classifier, threads: usize) -> Self {
        Predictor { model, threads, isa: isa::active(), workers: None }
    }

    /// The model.
    pub fn model(&self) -> &Classifier {
        &self.model
    }

    /// Mean loss and accuracy over a data set.
    ///
    /// # Errors
    /// If the data does not fit the model.
    pub fn evaluate<D: Labelled>(&mut self, data: &D) -> Result<Evaluation, Error> {
        evaluate(&mut self.workers, &self.model, data, self.threads, self.isa)
    }

    /// Probabilities [N, C] of every row.
    ///
    /// # Errors
    /// If the data does not fit the model.
    pub fn predict<D: Sequences>(&mut self, data: &D) -> Result<Array2<f32>, Error> {
        check_inputs(&self.model, data, 0..data.len())?;
        let workers = take_workers(&mut self.workers, &self.model, data.steps(), self.threads, self.isa);
        Ok(workers.predict(&self.model, data))
    }
}

/// Mean loss and accuracy, on workers that are kept for the next call.
pub(crate) fn evaluate<D: Labelled>(
    workers: &mut Option<Workers>,
    model: &Classifier,
    data: &D,
    threads: usize,
    isa: Isa,
) -> Result<Evaluation, Error> {
    check_all(model, data)?;
    let workers = take_workers(workers, model, data.steps(), threads, isa);
    Ok(Evaluation::from(workers.evaluate(model, data)))
}
