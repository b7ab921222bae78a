//! A step: forward, backward, the sum of the gradients, the optimizer's.

use std::fmt;
use std::ops::Range;

use elman_kernels::{Aligned, Score};

use crate::model::checks::check_rows;
use crate::model::model::Model;
use crate::model::predictor::Evaluation;
use crate::model::workers::{ClassLoss, Task};
use crate::network::groups::BLOCK;
use crate::network::state::State;
use crate::network::tile::Training;
use crate::training::batch::Batch;
use crate::training::gradient_sum::reduce;
use crate::training::optimizer::Change;
use crate::training::peers::{Peers, own, owners};
use crate::training::trainer::Trainer;
use crate::{Error, Labelled};

/// What a step saw, before it changed the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From 1.
    pub step: u64,
    /// From 1.
    pub epoch: u64,
    /// Batch of the epoch, from 1; 0 outside a [`Course`](crate::Course).
    pub batch: usize,
    /// Batches of the epoch; 0 outside a course.
    pub batches: usize,
    /// Rows that were scored; of a head on every step, steps; of quantiles, values.
    pub scored: usize,
    /// Mean loss of the batch; that of classes in nats.
    pub loss: f64,
    /// Part of the batch that was right; NaN where nothing can be.
    pub accuracy: f64,
    /// α, as the schedule had it at this step; Rprop's first step size, which has no rate.
    pub learning_rate: f64,
    /// Euclidean norm of the gradient, before clipping.
    pub grad_norm: f64,
}

/// An epoch's figures: those of its last batch, as in the tutorial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// From 1.
    pub epoch: u64,
    /// Mean loss of the last batch, in nats.
    pub loss: f64,
    /// Part of the last batch that was right; NaN where nothing can be.
    pub accuracy: f64,
}

/// The tutorial's line; without an accuracy where there is none.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch: {}, Train Loss: {:.3}", self.epoch, self.loss)?;
        if self.accuracy.is_nan() { Ok(()) } else { write!(f, ", Train Acc: {:.3}", self.accuracy) }
    }
}

impl Trainer {
    /// The gradient of the mean loss of some rows by all parameters, as plain arrays, beside the loss. Trains nothing.
    ///
    /// # Errors
    /// If the data does not fit the model, or the rows have nothing to score: there are none, or for a head on every step
    /// none of them has a step.
    pub fn gradient<D: Labelled + ?Sized>(
        &mut self,
        data: &D,
        rows: &[u32],
    ) -> Result<(Evaluation, std::collections::BTreeMap<String, elman_formats::Array>), Error> {
        self.check()?;
        check_rows(&self.model, data, rows)?;
        let batch = Batch::from(rows);
        self.prepare(data.steps(), self.rows_of(data, &batch), None)?;
        self.work(data, &batch);
        self.reduce();
        Ok((Evaluation::of(self.model.head(), self.groups.score()), self.model.plan.unpack(&self.gradient)))
    }

    /// One step on the given rows of a data set: forward, backward, the optimizer's.
    ///
    /// # Errors
    /// If the data does not fit the model, or the rows have nothing to score, as in [`Trainer::gradient`]; or if the loss
    /// or the gradient is not finite: the weights are then the last ones whose loss was finite.
    pub fn train_rows<D: Labelled + ?Sized>(&mut self, data: &D, rows: &[u32]) -> Result<Step, Error> {
        self.check()?;
        check_rows(&self.model, data, rows)?;
        self.train_batch(data, &rows.into())
    }

    /// A step on a batch that fits the model.
    pub(crate) fn train_batch<D: Labelled + ?Sized>(&mut self, data: &D, batch: &Batch) -> Result<Step, Error> {
        if let Some(peers) = self.peers.clone() {
            return self.train_with(&*peers, data, batch);
        }
        // Evaluation on other data may have replaced the workspaces.
        self.prepare(batch.steps(data), self.rows_of(data, batch), None)?;
        self.work(data, batch);
        if let Some(window) = batch.window {
            if !window.carried {
                self.carried = None;
            }
            let state = self.carried.get_or_insert_with(|| State::zeros(self.model.stack(), data.len()));
            self.groups.ends().for_each(|ends| ends.restore(state));
        }
        let squares = self.reduce();
        self.finish(self.groups.score(), squares)
    }

    /// The same by several processes, each with a part of the groups.
    fn train_with<D: Labelled + ?Sized>(&mut self, peers: &dyn Peers, data: &D, batch: &Batch) -> Result<Step, Error> {
        let groups = self.groups(data, batch);
        let mut sum = std::mem::take(&mut self.sum);
        sum.flat.resize(self.model.parameters.len(), 0.0);
        let mut share = self.share(data, batch, own(peers, groups))?;
        peers.sum(&mut share, owners(peers, groups), &mut sum)?;
        let step = self.apply(&sum);
        self.sum = sum;
        step
    }

    /// Gradients of each group of tiles that is here, of the mean loss over all rows; and the states that windows end in.
    pub(crate) fn work<D: Labelled + ?Sized>(&mut self, data: &D, batch: &Batch) {
        let sizes = {
            let tile = self.model.stack().tile_rows(self.rows_at_once(self.rows_of(data, batch)));
            [tile, if self.micro_batch == 0 { batch.rows.len() } else { self.micro_batch }]
        };
        // Rows with nothing to score were refused or left out.
        let scale = (1.0 / batch.weight(self.model.head(), &self.class_weights, data)) as f32;
        let training = Training { seed: self.seed, step: self.step, truncate: self.truncate };
        let Trainer { model, workers: Some(workers), groups, class_weights, label_smoothing, carried, .. } = self
        else {
            return;
        };
        let classes = ClassLoss { weights: class_weights, smoothing: *label_smoothing };
        let carried = carried.as_ref().filter(|_| batch.window.is_some_and(|window| window.carried));
        groups.work(workers, model, data, batch, sizes, Task { training, carried, classes, scale });
    }

    /// Adds the groups' gradients, in their order; returns the square of the sum's norm.
    fn reduce(&mut self) -> f64 {
        let Trainer { workers: Some(workers), groups, gradient, isa, .. } = self else { return 0.0 };
        groups.reduce(workers, *isa, gradient)
    }

    /// Takes a sum that was made elsewhere; returns the square of its norm.
    pub(crate) fn take_sum(&mut self, sum: &[f32]) -> f64 {
        let Trainer { workers: Some(workers), gradient, isa, .. } = self else { return 0.0 };
        reduce(workers, *isa, &[sum], gradient)
    }

    /// The optimizer's part of a step, by the gradient as it was summed.
    pub(crate) fn finish(&mut self, score: Score, squares: f64) -> Result<Step, Error> {
        let grad_norm = squares.sqrt();
        let (step, epoch) = (self.step + 1, self.epoch + 1);
        for (what, value) in [("loss", score.mean_loss()), ("gradient norm", grad_norm)] {
            if !value.is_finite() {
                // With a finite loss, the weights as they are now are the last good ones.
                if what == "loss"
                    && let Some(previous) = self.previous.take()
                {
                    self.model.parameters = previous;
                    self.model.transpose();
                }
                return Err(Error::Diverged { what, value, step, epoch });
            }
        }
        let change = self.state.next(&self.descent, step, self.span, grad_norm, score.mean_loss())?;
        self.state.average = match self.descent.weight_average {
            Some(_) => self.state.average.take().or_else(|| Some(self.model.parameters.clone())),
            None => None,
        };
        self.step = step;
        self.update(change);
        Ok(Step {
            step,
            epoch,
            batch: 0,
            batches: 0,
            scored: score.rows,
            loss: score.mean_loss(),
            accuracy: self.model.head().accuracy(score),
            learning_rate: change.learning_rate,
            grad_norm,
        })
    }

    /// The optimizer on every parameter, then the transposed panels anew.
    fn update(&mut self, change: Change) {
        let Trainer { model, workers, gradient, state, previous, isa, .. } = self;
        let Some(workers) = workers else { return };
        let (gradient, isa) = (&**gradient, *isa);
        let bounded = model.plan.bounded(model.stack());
        let previous = previous.get_or_insert_with(|| Aligned::zeros(gradient.len()));
        let mut average = state.average.take();
        let parameters = model.parameters.chunks_mut(BLOCK).zip(previous.chunks_mut(BLOCK));
        let averages = average.iter_mut().flat_map(|average| average.chunks_mut(BLOCK));
        let averages = averages.map(Some).chain(std::iter::repeat_with(|| None));
        let mut blocks: Vec<_> = parameters.zip(averages).zip(state.blocks(gradient.len(), BLOCK)).collect();
        workers.pool.for_each(
            &mut workers.spaces,
            &mut blocks,
            |_, index, (((parameters, previous), average), moments)| {
                let start = index * BLOCK;
                previous.copy_from_slice(parameters);
                change.apply(isa, parameters, &gradient[start..start + parameters.len()], moments);
                keep_within(&bounded, start, parameters);
                if let Some(average) = average {
                    change.follow(parameters, average);
                }
            },
        );
        state.average = average;
        let Model { plan, parameters, transposed, .. } = model;
        let (plan, parameters) = (&*plan, &**parameters);
        let mut panels = plan.panels(transposed);
        workers.pool.for_each(&mut workers.spaces, &mut panels, |_, _, panel| panel.fill(parameters));
    }
}

/// Puts what is beyond its bound back on it, in the parameters from `start` on. NaN stays.
fn keep_within(bounded: &[(Range<usize>, f32)], start: usize, parameters: &mut [f32]) {
    let end = start + parameters.len();
    for (range, bound) in bounded {
        let (from, to) = (range.start.clamp(start, end), range.end.clamp(start, end));
        parameters[from - start..to - start].iter_mut().for_each(|u| *u = u.clamp(-bound, *bound));
    }
}
