//! Training under way: which rows make a batch, step by step, epoch by epoch.

use std::fmt;

use crate::network::shape::Piece;
use crate::random::{Purpose, Random};
use crate::training::checkpoint::{Place, Terms, epochs_term, text};
use crate::training::optimizer::Span;
use crate::training::trainer::Trainer;
use crate::{Checkpoint, Error, Labelled};

/// What of its rows a batch takes.
#[derive(Clone, Copy)]
pub(crate) enum Cut {
    /// All of each.
    Whole,
    /// So many steps of each, from a step on.
    Window { start: usize, steps: usize },
}

impl Cut {
    pub(crate) fn piece<D: Labelled>(self, data: &D, row: usize) -> Piece {
        match self {
            Cut::Whole => Piece::whole(row, data.length(row)),
            Cut::Window { start, steps } => Piece::window(row, start, steps, data.length(row)),
        }
    }
}

/// Training under way on a data set.
pub struct Fit<'a, D> {
    trainer: &'a mut Trainer,
    data: &'a D,
    plan: Plan,
    /// Batches of this epoch that are done.
    batch: usize,
    epochs: u64,
    /// Epochs of this call that are done.
    done: u64,
}

/// What the batches of an epoch are.
enum Plan {
    /// Rows in random order.
    Rows {
        /// As it was when training started.
        batch_size: usize,
        /// Rows that have something to score.
        scored: usize,
        /// Those rows, in this epoch's order.
        order: Vec<u32>,
    },
    /// Windows of all rows, in their order.
    Streams {
        /// Steps of a window.
        window: usize,
        /// Whether the state goes on from one window to the next.
        carry: bool,
    },
}

impl<'a, D: Labelled> Fit<'a, D> {
    /// On rows in random order, so many in a batch, of those that have something to score.
    pub(crate) fn rows(trainer: &'a mut Trainer, data: &'a D, batch_size: usize, scored: usize) -> Self {
        let plan = Plan::Rows { batch_size, scored, order: Vec::new() };
        Fit { trainer, data, plan, batch: 0, epochs: 1, done: 0 }
    }

    /// On windows of all rows, so many steps at a time.
    pub(crate) fn streams(trainer: &'a mut Trainer, data: &'a D, window: usize) -> Self {
        let plan = Plan::Streams { window, carry: true };
        Fit { trainer, data, plan, batch: 0, epochs: 1, done: 0 }
    }

    /// For so many epochs; 1 without it.
    pub fn epochs(self, epochs: u64) -> Self {
        Fit { epochs, ..self }
    }

    /// Streams whose windows each start from zero: to see what carrying the state is worth.
    pub fn without_carried_state(self) -> Self {
        let plan = match self.plan {
            Plan::Streams { window, .. } => Plan::Streams { window, carry: false },
            rows @ Plan::Rows { .. } => rows,
        };
        Fit { plan, ..self }
    }

    /// Batches of an epoch; rows that do not fill a batch are left out, others in each epoch. The last window of streams
    /// may be shorter.
    pub fn batches(&self) -> usize {
        match self.plan {
            Plan::Rows { batch_size, scored, .. } => scored / batch_size,
            Plan::Streams { window, .. } => longest(self.data).div_ceil(window),
        }
    }

    /// The trainer, to look at the model or to evaluate between steps.
    pub fn trainer(&mut self) -> &mut Trainer {
        self.trainer
    }

    /// Trains on the next batch. None when all epochs are done.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite; the weights are then the last ones whose loss was finite.
    pub fn next_step(&mut self) -> Option<Result<Step, Error>> {
        if self.done >= self.epochs {
            return None;
        }
        let batches = self.batches();
        let all_epochs = self.trainer.epoch.saturating_add(self.epochs - self.done);
        let total_steps = all_epochs.saturating_mul(batches as u64);
        self.trainer.span = Some(Span { steps_per_epoch: batches as u64, total_steps });
        let step = match self.batch() {
            Ok(step) => step,
            Err(error) => {
                self.done = self.epochs;
                return Some(Err(error));
            }
        };
        self.batch += 1;
        let step = Step { batch: self.batch, batches, ..step };
        if self.batch == batches {
            self.batch = 0;
            self.done += 1;
            self.trainer.epoch += 1;
        }
        Some(Ok(step))
    }

    /// Training as it stands between two steps.
    pub fn checkpoint(&self) -> Checkpoint<'_> {
        let place = Place { done: self.done, batch: self.batch as u64 };
        self.trainer.capture(place, self.terms())
    }

    /// Goes on from a checkpoint of a call like this one: to be called behind [`Fit::epochs`] and
    /// [`Fit::without_carried_state`]. The steps that follow, and the model in the end, are the same as without the break.
    ///
    /// # Errors
    /// If it is of another network, or of settings or data with which the result would be another.
    pub fn resume(self, checkpoint: &Checkpoint<'_>) -> Result<Self, Error> {
        checkpoint.agree(&self.terms())?;
        let (batches, epochs) = (self.batches() as u64, self.epochs);
        if checkpoint.batch() >= batches.max(1) {
            let found = format!("{} batches into an epoch", checkpoint.batch());
            return Err(Error::setting("the checkpoint", found, format!("fewer than the {batches} of an epoch")));
        }
        if matches!(self.plan, Plan::Streams { .. }) {
            checkpoint.check_streams(self.data.len())?;
        }
        let Place { done, batch } = self.trainer.restore_from(checkpoint)?;
        if done > epochs || done == epochs && batch > 0 {
            let expected = format!("at least {done}, which are done");
            return Err(Error::setting("num_epoch", epochs, expected));
        }
        Ok(Fit { done, batch: batch as usize, ..self })
    }

    /// What the bits hang on.
    fn terms(&self) -> Terms {
        let mut terms = self.trainer.terms();
        let rows = self.data.len();
        terms.extend(match &self.plan {
            Plan::Rows { batch_size, scored, .. } => [
                ("batch_size", text(batch_size)),
                ("the data", format!("{rows} rows, {scored} with something to score")),
            ],
            Plan::Streams { window, carry } => {
                let how = if *carry { "carried" } else { "not carried" };
                let steps = longest(self.data);
                [
                    ("the window", format!("{window} steps, the state {how}")),
                    ("the data", format!("{rows} streams of {steps} steps")),
                ]
            }
        });
        terms.extend(epochs_term(self.trainer, self.epochs));
        terms
    }

    fn batch(&mut self) -> Result<Step, Error> {
        let (trainer, data) = (&mut *self.trainer, self.data);
        match &mut self.plan {
            Plan::Rows { batch_size, scored, order } => {
                if self.batch == 0 || order.is_empty() {
                    let rows = data.len() as u32;
                    // A batch of all rows is the same in any order, but for rounding.
                    *order = match batch_size == scored {
                        true => (0..rows).collect(),
                        false => Random::at(trainer.seed, Purpose::Shuffle, trainer.epoch, 0).order(rows),
                    };
                    let head = trainer.model().head();
                    order.retain(|&row| head.scores(data.length(row as usize)));
                }
                // Evaluation on other data may have replaced the workspaces.
                trainer.prepare(data.steps())?;
                let rows = &order[self.batch * *batch_size..][..*batch_size];
                trainer.train_batch(data, &mut rows.to_vec(), Cut::Whole)
            }
            Plan::Streams { window, carry } => {
                trainer.prepare(*window)?;
                let start = self.batch * *window;
                let mut rows: Vec<u32> = (0..data.len() as u32).collect();
                rows.retain(|&row| data.length(row as usize) > start);
                if self.batch == 0 || !*carry {
                    trainer.carried = None;
                }
                trainer.train_batch(data, &mut rows, Cut::Window { start, steps: *window })
            }
        }
    }
}

/// Steps of the longest row.
pub(crate) fn longest<D: Labelled>(data: &D) -> usize {
    (0..data.len()).map(|row| data.length(row)).max().unwrap_or(0)
}

/// Epochs.
impl<D: Labelled> Iterator for Fit<'_, D> {
    type Item = Result<Epoch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_step()? {
                Ok(step) if step.batch == step.batches => {
                    return Some(Ok(Epoch { epoch: step.epoch, loss: step.loss, accuracy: step.accuracy }));
                }
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// What a step saw, before it changed the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From 1.
    pub step: u64,
    /// From 1.
    pub epoch: u64,
    /// Batch of the epoch, from 1; 0 outside [`Fit`].
    pub batch: usize,
    /// Batches of the epoch; 0 outside [`Fit`].
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
