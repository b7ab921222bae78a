//! A run that was ended before its time, held to go on.

use std::path::PathBuf;

use elman::Checkpoint;

use crate::flags::threads::threads;
use crate::folder::CONFIG;
use crate::folder::lock::Lock;
use crate::output::Output;
use crate::settings::{JobSettings, Settings};

/// A run's folder, held, and what it goes on from.
pub(crate) struct Held {
    pub(crate) folder: PathBuf,
    pub(crate) lock: Lock,
    /// None: from the beginning.
    pub(crate) checkpoint: Option<Checkpoint<'static>>,
}

/// A run to go on with, as its job needs it.
pub(crate) struct Resumed {
    pub(crate) held: Box<Held>,
    pub(crate) output: Output,
    /// As the flag says.
    pub(crate) threads: Option<usize>,
}

impl Resumed {
    /// The settings of the run, and of flags those that change no bit.
    pub(crate) fn settings<J: JobSettings>(&self) -> anyhow::Result<Settings<J>> {
        let mut settings = Settings::<J>::of_run(&self.held.folder.join(CONFIG))?;
        if self.threads.is_some() {
            settings.training.threads = threads(self.threads)?;
        }
        Ok(settings)
    }
}
