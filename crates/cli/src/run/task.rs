//! What a job hands to the loop of training.

use std::any::Any;
use std::cell::RefCell;
use std::path::Path;

use elman::{EarlyStopping, Error, Evaluation, Fit, Labelled, Trainer};

use super::fingerprint::Fingerprint;
use super::held::Held;
use crate::settings::training::TrainingConfig;

/// What is to be trained on, and how.
pub(crate) struct Task<'a, D> {
    /// Of the folder, without its number: the job and the cell.
    pub(crate) name: String,
    /// `config.toml`
    pub(crate) settings: String,
    pub(crate) data: &'a D,
    /// Of all data of the job: that for validation and the test too.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) reading: Reading,
    pub(crate) training: &'a TrainingConfig,
    /// When to stop before the last epoch, if ever.
    pub(crate) stopping: Option<EarlyStopping>,
    /// What is about to be trained, on what.
    pub(crate) remark: String,
}

/// Where a run is written.
pub(crate) enum Begin<'a> {
    /// To a folder of its own: the one that is named, or the next free one.
    New(Option<&'a Path>),
    /// To the folder that holds its beginning.
    Again(Box<Held>),
    /// To a folder that was [taken](super::take), and spoken of.
    Taken(Box<Held>),
    /// As one of several that are tried: up to a part of its epochs, without a test.
    Trial(Box<Begin<'a>>, Part, &'a Shared),
}

/// A part of a run's epochs, after which it is broken off to go on later: [`Paused`] says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// So many of
    pub(crate) of: u64,
    /// so many equal parts.
    pub(crate) all: u64,
}

impl Part {
    /// Epochs of so many, at least one.
    pub(crate) fn epochs(self, epochs: u64) -> u64 {
        epochs.saturating_mul(self.of).div_ceil(self.all).max(1)
    }
}

/// A run was broken off where it was to be, with a checkpoint.
#[derive(Debug, thiserror::Error)]
#[error("broken off after epoch {epoch} of {epochs}")]
pub(crate) struct Paused {
    pub(crate) epoch: u64,
    pub(crate) epochs: u64,
}

/// What runs that are tried read once: the data of the first is there for the others.
#[derive(Default)]
pub(crate) struct Shared(RefCell<Option<Box<dyn Any>>>);

impl Begin<'_> {
    /// What is read from the disk: of a trial, once for all.
    ///
    /// # Errors
    /// As `load`.
    pub(crate) fn read<T: Clone + 'static>(&self, load: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let Begin::Trial(_, _, Shared(shared)) = self else { return load() };
        let mut shared = shared.borrow_mut();
        if let Some(there) = shared.as_ref().and_then(|there| there.downcast_ref::<T>()) {
            return Ok(there.clone());
        }
        let loaded = load()?;
        *shared = Some(Box::new(loaded.clone()));
        Ok(loaded)
    }

    /// Where it is to be broken off.
    pub(super) fn part(&self) -> Option<Part> {
        if let Begin::Trial(_, part, _) = self { Some(*part) } else { None }
    }
}

/// How the rows of the data are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// Each by itself, in random order.
    Rows,
    /// As parallel streams, in windows of so many steps.
    Streams {
        /// Steps of a window.
        window: usize,
        /// Whether the state goes on from one window to the next.
        carry: bool,
    },
}

impl Reading {
    pub(super) fn fit<'a, D: Labelled>(self, trainer: &'a mut Trainer, data: &'a D) -> Result<Fit<'a, D>, Error> {
        match self {
            Reading::Rows => trainer.fit(data),
            Reading::Streams { window, carry: true } => trainer.fit_streams(data, window),
            Reading::Streams { window, carry: false } => Ok(trainer.fit_streams(data, window)?.without_carried_state()),
        }
    }
}

/// What a job adds to the loop.
pub(crate) trait Watch {
    /// Figures of the validation part, after each epoch.
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error>;

    /// Whether an epoch of so many is one that is shown: its line, and the model and the curves as they are then.
    fn shows(&self, _epoch: u64, _epochs: u64) -> bool {
        true
    }

    /// The line of an epoch, the tutorial's unless the job has its own.
    fn line(&self, epoch: &elman::Epoch, _validation: Option<&Evaluation>) -> String {
        epoch.to_string()
    }

    /// Figures that the job makes of those, for the JSON of an epoch.
    fn figures(&self, _validation: &Evaluation) -> Vec<(String, f64)> {
        Vec::new()
    }

    /// What is counted for the rate.
    fn unit(&self) -> &'static str {
        "sequences"
    }
}
