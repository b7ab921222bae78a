//! A trained model at work: classes, probabilities, figures of a data set.

use std::ops::Range;

use elman_kernels::{Arithmetic, Isa, Score};
use ndarray::{Array2, Array3, Axis};

use crate::model::checks::{check_all, check_inputs, check_streams};
use crate::model::ensemble::Ensemble;
use crate::model::head::{Head, Predicts, Quantiles, Reads, Values};
use crate::model::mean::{mean, score, sort_levels};
use crate::model::model::Model;
use crate::model::workers::{Job, Workers, sum, take_workers};
use crate::network::inputs::check_finite;
use crate::{Error, Labelled, Sequences, isa};

/// Figures of a whole data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss; that of classes in nats, that of quantiles the pinball loss, that of values the squared error, or the
    /// binary cross-entropy in nats.
    pub loss: f64,
    /// Part of the rows that are right, of values under a sigmoid those on the right side of ½; NaN for other values and
    /// quantiles.
    pub accuracy: f64,
    /// Rows that are right.
    pub correct: usize,
    /// Rows; for a head on every step, the steps of all rows; for quantiles and values, the values that are known.
    pub rows: usize,
}

impl Evaluation {
    pub(crate) fn of(head: &Head, score: Score) -> Self {
        Evaluation { loss: score.mean_loss(), accuracy: head.accuracy(score), correct: score.correct, rows: score.rows }
    }
}

/// A trained model with threads, to evaluate and predict. Of an [`Ensemble`], the mean of its members' answers is meant
/// wherever answers are.
pub struct Predictor {
    ensemble: Ensemble,
    threads: usize,
    isa: Isa,
    workers: Option<Workers>,
}

impl Predictor {
    /// A predictor on `threads` threads.
    pub fn new(model: impl Into<Ensemble>, threads: usize) -> Self {
        Predictor { ensemble: model.into(), threads, isa: isa::active(), workers: None }
    }

    /// With its models in another arithmetic.
    pub fn arithmetic(self, arithmetic: Arithmetic) -> Self {
        Predictor { ensemble: self.ensemble.arithmetic(arithmetic), workers: None, ..self }
    }

    /// The model; of an ensemble its first member, whose network, head and meaning are those of all.
    pub fn model(&self) -> &Model {
        self.ensemble.first()
    }

    /// All models whose mean it answers with.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    fn job<D: Sequences + ?Sized>(&self, data: &D) -> Job {
        let rows = self.model().stack().tile_rows(data.len());
        Job { rows, steps: data.steps(), part: data.steps(), threads: self.threads, isa: self.isa }
    }

    /// Mean loss and accuracy over a data set.
    ///
    /// # Errors
    /// If the data does not fit the model, or has nothing to score: no row, or for a head on every step no row with a
    /// step.
    pub fn evaluate<D: Labelled + ?Sized>(&mut self, data: &D) -> Result<Evaluation, Error> {
        let job = self.job(data);
        match self.ensemble.members() {
            [model] => evaluate(&mut self.workers, model, data, job),
            _ => self.evaluate_mean(data),
        }
    }

    /// The figures of the mean of several members' answers.
    fn evaluate_mean<D: Labelled + ?Sized>(&mut self, data: &D) -> Result<Evaluation, Error> {
        check_all(self.model(), data)?;
        let (head, target) = (self.model().head().clone(), data.target());
        let mut total = Score::default();
        if head.reads == Reads::EveryStep {
            for row in 0..data.len() {
                for (step, mut answers) in self.steps_of(data, row)?.outer_iter_mut().enumerate() {
                    let answers = answers.as_slice_mut().unwrap_or_default();
                    total.add(score(&head, answers, &target, row, Some(step)));
                }
            }
        } else {
            for (row, mut answers) in self.answers_of(data)?.outer_iter_mut().enumerate() {
                total.add(score(&head, answers.as_slice_mut().unwrap_or_default(), &target, row, None));
            }
        }
        Ok(Evaluation::of(&head, total))
    }

    /// Mean loss and accuracy over parallel streams, each row one, worked off in windows with the state carried.
    ///
    /// # Errors
    /// As [`Trainer::fit_streams`](crate::Trainer::fit_streams); and of an ensemble of several.
    pub fn evaluate_streams<D: Labelled + ?Sized>(&mut self, data: &D, window: usize) -> Result<Evaluation, Error> {
        let job = Job { steps: window, part: window, ..self.job(data) };
        let [model] = self.ensemble.members() else {
            let found = format!("an ensemble of {}", self.ensemble.members().len());
            return Err(Error::setting("the model", found, "a single one: a stream carries the state of one"));
        };
        let all = 0..job.tiles(data);
        let scores = scores(&mut self.workers, model, data, job, Some(window), all)?;
        Ok(Evaluation::of(model.head(), sum(scores)))
    }

    /// Probabilities [N, C] of every row.
    ///
    /// # Errors
    /// If the data does not fit the model or has an input that is NaN or infinite, or its head is not one of classes, or
    /// is one on every step.
    pub fn predict<D: Sequences + ?Sized>(&mut self, data: &D) -> Result<Array2<f32>, Error> {
        self.expect(matches!(self.model().head().predicts, Predicts::Classes(_)), "classes")?;
        self.answers(data)
    }

    /// Values [N, F] of every row, under the head's link: from 0 to 1 with a sigmoid.
    ///
    /// # Errors
    /// If the data does not fit the model or has an input that is NaN or infinite, or its head is not one of values, or
    /// is one on every step.
    pub fn values<D: Sequences + ?Sized>(&mut self, data: &D) -> Result<Array2<f32>, Error> {
        self.expect(matches!(self.model().head().predicts, Predicts::Values(Values { .. })), "values")?;
        self.answers(data)
    }

    /// Refuses a head of another prediction, and says which method is for it.
    fn expect(&self, is_so: bool, what: &str) -> Result<(), Error> {
        if is_so {
            return Ok(());
        }
        let (found, method) = match self.model().head().predicts {
            Predicts::Classes(_) => ("one of classes", "predict"),
            Predicts::Quantiles(_) => ("one of quantiles", "quantiles"),
            Predicts::Values(_) => ("one of values", "values"),
        };
        Err(Error::setting("the head", found, format!("one of {what}; see {method}")))
    }

    /// Quantiles [N, F, Q] of the values that follow every row. They rise with the level: where the network's own cross,
    /// they are put in order, which never makes them worse. Chernozhukov, Fernández-Val & Galichon (2010),
    /// <https://doi.org/10.3982/ECTA7880>. Of an ensemble each level is the mean of the members' ordered ones.
    ///
    /// # Errors
    /// If the data does not fit the model or has an input that is NaN or infinite, or its head is not one of
    /// quantiles.
    pub fn quantiles<D: Sequences + ?Sized>(&mut self, data: &D) -> Result<Array3<f32>, Error> {
        let Predicts::Quantiles(Quantiles { levels, horizon }) = &self.model().head().predicts else {
            self.expect(false, "quantiles")?;
            return Ok(Array3::zeros((0, 0, 0)));
        };
        let (levels, horizon) = (levels.len(), *horizon);
        let answers = self.answers(data)?;
        let mut quantiles = Array3::zeros((data.len(), horizon, levels));
        for (mut to, from) in quantiles.outer_iter_mut().zip(answers.outer_iter()) {
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        }
        Ok(quantiles)
    }

    fn answers<D: Sequences + ?Sized>(&mut self, data: &D) -> Result<Array2<f32>, Error> {
        check_inputs(self.model(), data, 0..data.len())?;
        if self.model().head().reads == Reads::EveryStep {
            return Err(Error::setting("the head", "one on every step", "one on whole rows; see predict_steps"));
        }
        check_finite(self.model().stack(), data, 0..data.len())?;
        self.answers_of(data)
    }

    /// The mean of the members' answers to rows that were checked, [N, C], [N, F Q] or [N, F]; quantiles in order.
    fn answers_of<D: Sequences + ?Sized>(&mut self, data: &D) -> Result<Array2<f32>, Error> {
        let job = self.job(data);
        let workers = &mut self.workers;
        mean(self.ensemble.members().iter().map(|model| {
            let workers = take_workers(workers, model, job);
            let mut answers = workers.predict(model, data, |outputs| model.head().answer(outputs));
            answers.axis_iter_mut(Axis(0)).for_each(|row| sort_levels(model.head(), row));
            Ok(answers)
        }))
    }

    /// Probabilities [T, C] or values [T, F] of every step of a row, from a head on every step.
    ///
    /// # Errors
    /// If the data does not fit the model or has an input that is NaN or infinite, or its head is not one on every step.
    pub fn predict_steps<D: Sequences + ?Sized>(&mut self, data: &D, row: usize) -> Result<Array2<f32>, Error> {
        let reads = self.model().head().reads;
        if reads != Reads::EveryStep {
            let found = format!("one on {}", reads.describe());
            return Err(Error::setting("the head", found, "one on every step; see predict"));
        }
        if row >= data.len() {
            return Err(Error::setting("a row's number", row, format!("below {}", data.len())));
        }
        check_inputs(self.model(), data, row..row + 1)?;
        check_finite(self.model().stack(), data, row..row + 1)?;
        self.steps_of(data, row)
    }

    /// The same of a row that was checked: the mean of the members' answers.
    fn steps_of<D: Sequences + ?Sized>(&mut self, data: &D, row: usize) -> Result<Array2<f32>, Error> {
        let job = self.job(data);
        let workers = &mut self.workers;
        mean(self.ensemble.members().iter().map(|model| {
            let workers = take_workers(workers, model, job);
            Ok(workers.predict_steps(model, data, row, |outputs| model.head().answer(outputs)))
        }))
    }
}

/// Mean loss and accuracy, on workers that are kept for the next call.
fn evaluate<D: Labelled + ?Sized>(
    workers: &mut Option<Workers>,
    model: &Model,
    data: &D,
    job: Job,
) -> Result<Evaluation, Error> {
    let all = 0..job.tiles(data);
    Ok(Evaluation::of(model.head(), sum(scores(workers, model, data, job, None, all)?)))
}

/// The score of each of some tiles, on workers that are kept for the next call: of rows, or of parallel streams in windows
/// of so many steps.
pub(crate) fn scores<D: Labelled + ?Sized>(
    workers: &mut Option<Workers>,
    model: &Model,
    data: &D,
    job: Job,
    window: Option<usize>,
    tiles: Range<usize>,
) -> Result<Vec<Score>, Error> {
    if let Some(window) = window {
        check_streams(model, data, window)?;
    }
    check_all(model, data)?;
    let workers = take_workers(workers, model, job);
    Ok(match window {
        Some(_) => workers.evaluate_streams(model, data, tiles),
        None => workers.evaluate(model, data, tiles),
    })
}
