//! A checkpoint: training as it stands between two steps, enough to go on with the same bits.
//!
//! Random numbers and the order of the rows are keyed by seed, epoch and step, so a position in them is three numbers.
//! The rest is arrays: the weights, those of the step before, the optimizer's moments, the states that streams carry, and
//! the best weights of early stopping.

mod arrays;
mod exact;
mod file;
mod resume;
mod terms;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use self::arrays::{Arrays, BEST};
use self::exact::Exact;
pub(crate) use self::resume::Place;
pub(crate) use self::terms::{Terms, epochs_term, text};
use crate::training::optimizer::EarlyStopping;
use crate::{Error, Model};

/// Training between two steps. [`Fit::checkpoint`](crate::Fit::checkpoint) takes it, and
/// [`Fit::resume`](crate::Fit::resume) goes on from it: the same bits as if there had been no break, at any number of
/// threads.
///
/// ```
/// # use elman::{Adam, Arrays, Build, Checkpoint, Error, Init, Model, Purpose, Random, Rnn, Trainer};
/// # use ndarray::{Array1, Array3};
/// # fn main() -> Result<(), Error> {
/// # let mut random = Random::new(111, Purpose::Data);
/// # let xs = Array3::from_shape_simple_fn((64, 5, 1), || random.uniform(1.0));
/// # let labels = Array1::from_iter(xs.outer_iter().map(|x| usize::from(x.sum() > 0.0)));
/// # let data = Arrays::new(xs, labels)?;
/// # let trainer = || -> Result<Trainer, Error> {
/// #     let cell = Rnn::new(1, 4).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
/// #     Ok(Trainer::new(Model::new(&cell, 2, Init::Tf, &mut Random::new(111, Purpose::Head))?, Adam::new(0.01)).batch_size(16))
/// # };
/// # let folder = tempfile::tempdir().map_err(|cause| Error::Model { path: "".into(), why: cause.to_string() })?;
/// # let path = folder.path().join("checkpoint.safetensors");
/// let mut whole = trainer()?;
/// let mut fit = whole.fit(&data)?.epochs(2);
/// for _ in 0..3 {
///     fit.next_step().transpose()?;
/// }
/// fit.checkpoint().save(&path)?;
/// while fit.next_step().transpose()?.is_some() {}
///
/// // Later, in another process.
/// let mut resumed = trainer()?;
/// let mut fit = resumed.fit(&data)?.epochs(2).resume(&Checkpoint::load(&path)?)?;
/// while fit.next_step().transpose()?.is_some() {}
/// assert_eq!(whole.model().arrays(), resumed.model().arrays());
/// # Ok(())
/// # }
/// ```
///
/// Until it is saved it is a view of the trainer, and takes no memory.
pub struct Checkpoint<'a> {
    /// Whatever its user keeps beside it, as a number of lines written. A fraction need not survive its file to the last
    /// bit.
    pub note: Option<serde_json::Value>,
    arrays: Arrays<'a>,
    position: Position,
}

/// Where training stands, beside the arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// Steps done.
    step: u64,
    /// Epochs done, in all calls of fit.
    epoch: u64,
    /// Epochs done in this call.
    done: u64,
    /// Batches done in this epoch.
    batch: u64,
    /// Reductions of the rate on plateaus, the best loss seen there, and the epochs since.
    reductions: u64,
    best_loss: Exact,
    waited: u64,
    /// The loss of the step before, which iRprop⁺ compares.
    last_loss: Exact,
    /// The names of the optimizer's arrays.
    moments: Vec<String>,
    stopping: Option<Stopping>,
    /// The instruction set that it was made on.
    isa: String,
    /// What must be the same again, for the bits hang on it: each as text.
    terms: BTreeMap<String, String>,
}

/// Early stopping, beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stopping {
    patience: u64,
    epochs: u64,
    best: Option<(Exact, u64)>,
}

impl<'a> Checkpoint<'a> {
    /// Steps done.
    pub fn step(&self) -> u64 {
        self.position.step
    }

    /// Epochs that are wholly done.
    pub fn epochs(&self) -> u64 {
        self.position.epoch
    }

    /// Batches done of the epoch under way; 0 between two epochs.
    pub fn batch(&self) -> u64 {
        self.position.batch
    }

    /// The name of the instruction set that it was made on. Sets that fuse a multiplication with its addition give the same
    /// bits, the others need not.
    pub fn isa(&self) -> &str {
        &self.position.isa
    }

    /// With the state of early stopping too, and its best weights, for a checkpoint that a trainer gave.
    pub fn with_stopping(mut self, stopping: &'a EarlyStopping) -> Self {
        let best = stopping.best.map(|(loss, epoch)| (Exact(loss), epoch));
        self.position.stopping = Some(Stopping { patience: stopping.patience, epochs: stopping.epochs, best });
        if let Arrays::Live { best, .. } = &mut self.arrays {
            *best = stopping.best.map(|_| &*stopping.parameters);
        }
        self
    }

    /// The state of early stopping that was kept, for a model of the same sizes; None where none was.
    ///
    /// # Errors
    /// If its weights are another model's.
    pub fn stopping(&self, model: &Model) -> Result<Option<EarlyStopping>, Error> {
        let Some(Stopping { patience, epochs, best }) = self.position.stopping else { return Ok(None) };
        let mut stopping = EarlyStopping::new(patience);
        stopping.epochs = epochs;
        if let Some((Exact(loss), epoch)) = best {
            stopping.best = Some((loss, epoch));
            stopping.parameters = model.plan.pack(&self.arrays.of(BEST))?;
        }
        Ok(Some(stopping))
    }

    /// A copy of all of it, so that the trainer may go on.
    pub fn into_owned(self) -> Checkpoint<'static> {
        Checkpoint { note: self.note, arrays: Arrays::Owned(self.arrays.of("")), position: self.position }
    }
}

/// Where it stands: the arrays would fill pages.
impl fmt::Debug for Checkpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint").field("position", &self.position).field("note", &self.note).finish_non_exhaustive()
    }
}
