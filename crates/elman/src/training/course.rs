//! The course of a run: which rows make a batch, step by step, epoch by epoch.

use crate::model::checks::{check_all, check_streams, is_scored};
use crate::random::{Purpose, Random};
use crate::training::batch::{Batch, StreamWindow};
use crate::training::checkpoint::{Place, Terms, epochs_term, text};
use crate::training::optimizer::Span;
use crate::training::step::Step;
use crate::training::trainer::Trainer;
use crate::{Checkpoint, Error, Labelled};

/// Where a run stands, and what its batches are. It borrows nothing: the trainer and the data are given to each call.
///
/// ```no_run
/// # fn train(mut trainer: elman::Trainer, data: &elman::Arrays) -> Result<(), elman::Error> {
/// let mut course = elman::Course::rows(&mut trainer, data)?.epochs(10);
/// while let Some(step) = course.next(&mut trainer, data) {
///     println!("{}", step?.loss);
/// }
/// # Ok(())
/// # }
/// ```
///
/// [`Trainer::fit`] is this loop over one trainer and one data set. Who adds up gradients of several owners asks for the
/// [`batch`](Course::batch), makes a step of it, and [`takes note`](Course::done) of that.
#[derive(Clone, Debug)]
pub struct Course {
    batches: Batches,
    /// Rows, steps and inputs of the data.
    shape: [usize; 3],
    /// Steps of its longest row.
    longest: usize,
    epochs: u64,
    /// Batches of this epoch that are done.
    batch: usize,
    /// Epochs of this course that are done.
    done: u64,
}

/// What the batches of an epoch are.
#[derive(Clone, Debug)]
enum Batches {
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

impl Course {
    /// On rows in random order.
    ///
    /// A head on every step has nothing to score in a row of length 0, or one whose steps have no known class: such rows are
    /// left out. A head on the last state
    /// scores them as any other.
    ///
    /// # Errors
    /// If a setting is out of range, or the data does not fit the model.
    pub fn rows<D: Labelled + ?Sized>(trainer: &mut Trainer, data: &D) -> Result<Self, Error> {
        check(trainer, data)?;
        let head = trainer.model().head();
        let scored = (0..data.len()).filter(|&row| is_scored(head, data, row)).count();
        let batch_size = trainer.batch_size.of(scored);
        if !(1..=scored).contains(&batch_size) {
            let which = if scored < data.len() { " that have a step" } else { "" };
            let expected = format!("1 to {scored}, the rows of the training set{which}");
            return Err(Error::setting("batch_size", trainer.batch_size, expected));
        }
        if trainer.descent.algorithm.needs_full_batch() && batch_size < scored {
            let expected = format!("full: {} goes by the sign of the whole gradient", trainer.descent.algorithm.name());
            return Err(Error::setting("batch_size", trainer.batch_size, expected));
        }
        let batches = Batches::Rows { batch_size, scored, order: Vec::new() };
        Self::begin(trainer, data, batches)
    }

    /// On parallel streams: each row of the data is one, a batch is the next `window` steps of all of them, and the state
    /// is carried from one window to the next. An epoch starts from zero. No gradient crosses from a window into the one
    /// before: truncated back-propagation through time, Werbos (1990), <https://doi.org/10.1109/5.58337>.
    ///
    /// The head must be on every step. The batch size has no meaning here: it is the number of streams.
    ///
    /// # Errors
    /// If a setting is out of range, the data does not fit the model, or a layer reads its rows from their ends.
    pub fn streams<D: Labelled + ?Sized>(trainer: &mut Trainer, data: &D, window: usize) -> Result<Self, Error> {
        check_streams(trainer.model(), data, window)?;
        check(trainer, data)?;
        if trainer.descent.algorithm.needs_full_batch() && window < longest(data) {
            let expected =
                format!("not {}, which goes by the sign of the whole gradient", trainer.descent.algorithm.name());
            return Err(Error::setting("optimizer", "one for windows of streams", expected));
        }
        Self::begin(trainer, data, Batches::Streams { window, carry: true })
    }

    fn begin<D: Labelled + ?Sized>(trainer: &mut Trainer, data: &D, batches: Batches) -> Result<Self, Error> {
        let course = Course { batches, shape: shape(data), longest: longest(data), epochs: 1, batch: 0, done: 0 };
        course.tell(trainer);
        // A budget that does not suffice is refused before the first step.
        let steps = if let Batches::Streams { window, .. } = course.batches { window } else { data.steps() };
        trainer.memory(steps)?;
        Ok(course)
    }

    /// For so many epochs; 1 without it.
    pub fn epochs(self, epochs: u64) -> Self {
        Course { epochs, ..self }
    }

    /// Streams whose windows each start from zero: to see what carrying the state is worth.
    pub fn without_carried_state(self) -> Self {
        let batches = match self.batches {
            Batches::Streams { window, .. } => Batches::Streams { window, carry: false },
            rows @ Batches::Rows { .. } => rows,
        };
        Course { batches, ..self }
    }

    /// Batches of an epoch; rows that do not fill a batch are left out, others in each epoch. The last window of streams
    /// may be shorter.
    pub fn batches(&self) -> usize {
        match self.batches {
            Batches::Rows { batch_size, scored, .. } => scored / batch_size,
            Batches::Streams { window, .. } => self.longest.div_ceil(window),
        }
    }

    /// Trains on the next batch. None when all epochs are done.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite; the weights are then the last ones whose loss was finite. Or if the data
    /// has other rows than the course began with.
    pub fn next<D: Labelled + ?Sized>(&mut self, trainer: &mut Trainer, data: &D) -> Option<Result<Step, Error>> {
        let step = match self.batch(trainer, data)? {
            Ok(batch) => trainer.train_batch(data, &batch),
            Err(error) => Err(error),
        };
        Some(match step {
            Ok(step) => Ok(self.done(trainer, step)),
            Err(error) => {
                self.done = self.epochs;
                Err(error)
            }
        })
    }

    /// The next batch, of which somebody makes a step; the same again until [`Course::done`] says that it is made. None
    /// when all epochs are done.
    ///
    /// # Errors
    /// If the data has other rows than the course began with.
    pub fn batch<D: Labelled + ?Sized>(&mut self, trainer: &mut Trainer, data: &D) -> Option<Result<Batch, Error>> {
        if self.done >= self.epochs {
            return None;
        }
        if shape(data) != self.shape {
            return Some(Err(Error::shape("the data", &shape(data), &self.shape)));
        }
        self.tell(trainer);
        let batches = self.batches() as u64;
        let all_epochs = trainer.epoch.saturating_add(self.epochs - self.done);
        let total_steps = all_epochs.saturating_mul(batches);
        trainer.span = Some(Span { steps_per_epoch: batches, total_steps });
        Some(match &mut self.batches {
            Batches::Rows { batch_size, scored, order } => {
                if self.batch == 0 || order.is_empty() {
                    let rows = data.len() as u32;
                    // A batch of all rows is the same in any order, but for rounding.
                    *order = match batch_size == scored {
                        true => (0..rows).collect(),
                        false => Random::at(trainer.seed, Purpose::Shuffle, trainer.epoch, 0).order(rows),
                    };
                    let head = trainer.model().head();
                    order.retain(|&row| is_scored(head, data, row as usize));
                }
                match order.get(self.batch * *batch_size..).and_then(|order| order.get(..*batch_size)) {
                    Some(rows) => Ok(rows.into()),
                    None => {
                        let expected = format!("{scored}, as when the course began");
                        Err(Error::setting("the rows with something to score", order.len(), expected))
                    }
                }
            }
            Batches::Streams { window, carry } => {
                let (start, steps, carried) = (self.batch * *window, *window, self.batch > 0 && *carry);
                let rows = (0..self.shape[0] as u32).filter(|&row| data.length(row as usize) > start).collect();
                Ok(Batch { rows, window: Some(StreamWindow { start, steps, carried }) })
            }
        })
    }

    /// Takes note that the step on the [`batch`](Course::batch) was made; returns it with its place in the epoch.
    pub fn done(&mut self, trainer: &mut Trainer, step: Step) -> Step {
        let batches = self.batches();
        self.batch += 1;
        let step = Step { batch: self.batch, batches, ..step };
        if self.batch == batches {
            self.batch = 0;
            self.done += 1;
            trainer.epoch += 1;
        }
        step
    }

    /// Training as it stands between two steps.
    pub fn checkpoint<'t>(&self, trainer: &'t Trainer) -> Checkpoint<'t> {
        let place = Place { done: self.done, batch: self.batch as u64 };
        trainer.capture(place, self.terms(trainer))
    }

    /// Goes on from a checkpoint of a course like this one: to be called behind [`Course::epochs`] and
    /// [`Course::without_carried_state`]. The steps that follow, and the model in the end, are the same as without the
    /// break.
    ///
    /// # Errors
    /// If it is of another network, or of settings or data with which the result would be another.
    pub fn resume(self, trainer: &mut Trainer, checkpoint: &Checkpoint<'_>) -> Result<Self, Error> {
        checkpoint.agree(&self.terms(trainer))?;
        let (batches, epochs) = (self.batches() as u64, self.epochs);
        if checkpoint.batch() >= batches.max(1) {
            let found = format!("{} batches into an epoch", checkpoint.batch());
            return Err(Error::setting("the checkpoint", found, format!("fewer than the {batches} of an epoch")));
        }
        if matches!(self.batches, Batches::Streams { .. }) {
            checkpoint.check_streams(self.shape[0])?;
        }
        let Place { done, batch } = trainer.restore_from(checkpoint)?;
        if done > epochs || done == epochs && batch > 0 {
            let expected = format!("at least {done}, which are done");
            return Err(Error::setting("num_epoch", epochs, expected));
        }
        Ok(Course { done, batch: batch as usize, ..self })
    }

    /// What the bits depend on.
    fn terms(&self, trainer: &Trainer) -> Terms {
        let mut terms = trainer.terms();
        let rows = self.shape[0];
        terms.extend(match &self.batches {
            Batches::Rows { batch_size, scored, .. } => [
                ("batch_size", text(batch_size)),
                ("the data", format!("{rows} rows, {scored} with something to score")),
            ],
            Batches::Streams { window, carry } => {
                let how = if *carry { "carried" } else { "not carried" };
                let steps = self.longest;
                [
                    ("the window", format!("{window} steps, the state {how}")),
                    ("the data", format!("{rows} streams of {steps} steps")),
                ]
            }
        });
        terms.extend(epochs_term(trainer, self.epochs));
        terms
    }

    /// Tells the trainer how many rows the batches have, where its settings do not say it.
    fn tell(&self, trainer: &mut Trainer) {
        trainer.streams = matches!(self.batches, Batches::Streams { .. }).then_some(self.shape[0]);
    }
}

/// Refuses settings out of range, and data that does not fit the model.
fn check<D: Labelled + ?Sized>(trainer: &Trainer, data: &D) -> Result<(), Error> {
    trainer.check()?;
    let rows = u32::try_from(data.len());
    let rows = rows.map_err(|_| Error::setting("the data set", data.len(), "fewer than 2^32 rows"))?;
    check_all(trainer.model(), data)?;
    if data.target().width().is_some() {
        let all = Batch { rows: (0..rows).collect(), window: None };
        if all.weight(trainer.model().head(), &trainer.class_weights, data) == 0.0 {
            return Err(Error::setting("the data set", "without a value that is known", "at least one to predict"));
        }
    }
    Ok(())
}

/// Steps of the longest row.
fn longest<D: Labelled + ?Sized>(data: &D) -> usize {
    (0..data.len()).map(|row| data.length(row)).max().unwrap_or(0)
}

/// N, T, I
fn shape<D: Labelled + ?Sized>(data: &D) -> [usize; 3] {
    [data.len(), data.steps(), data.input()]
}
