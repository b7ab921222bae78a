//! `elman resume`: goes on with a run that was ended before its time.

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use elman::Checkpoint;

use crate::command_line::{ResumeArgs, threads};
use crate::folder::checkpoints;
use crate::folder::lock::{self, Lock};
use crate::folder::{CONFIG, MODEL};
use crate::jobs;
use crate::output::{Output, harmless};
use crate::settings::{self, Job, Settings};

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
    threads: Option<usize>,
}

impl Resumed {
    /// The settings of the run, and of flags those that change no bit.
    pub(crate) fn settings<J: Job>(&self) -> anyhow::Result<Settings<J>> {
        let mut settings = Settings::<J>::of_run(&self.held.folder.join(CONFIG))?;
        if self.threads.is_some() {
            settings.training.threads = threads(self.threads)?;
        }
        Ok(settings)
    }
}

pub(crate) fn resume(args: &ResumeArgs) -> anyhow::Result<()> {
    let (folder, output) = (args.run.clone(), Output::new(args.output));
    threads(args.threads)?;
    let config = folder.join(CONFIG);
    if !config.exists() {
        bail!("{} holds no run: there is no {CONFIG}; expected a run's folder", folder.display());
    }
    if config.metadata().is_ok_and(|file| file.len() == 0) {
        bail!(
            "{} is empty: the run was ended before it began, and nothing is lost; remove the folder and begin a new run",
            config.display()
        );
    }
    // Before anything is made in the folder of a run that needs nothing.
    if !lock::is_there(&folder) && checkpoints::newest_step(&folder).is_none() && folder.join(MODEL).exists() {
        output.remark(&format!("{} has finished: there is nothing to resume", folder.display()));
        return Ok(());
    }
    let lock = Lock::take(&folder)?;
    let job = settings::job_of(&config)?;
    let checkpoint = checkpoints::newest(&folder, warn)?;
    checkpoints::remove_leftovers(&folder)?;
    let resumed = Resumed { held: Box::new(Held { folder, lock, checkpoint }), output, threads: args.threads };
    match job.as_str() {
        jobs::mnist::Mnist::NAME => jobs::mnist::resume(resumed),
        jobs::echo::Echo::NAME => jobs::echo::resume(resumed),
        jobs::text::Text::NAME => jobs::text::resume(resumed),
        jobs::series::SeriesJob::NAME => jobs::series::resume(resumed),
        jobs::classify::Classify::NAME => jobs::classify::resume(resumed),
        _ => bail!("{} is of job {job:?}, which this program does not know", config.display()),
    }
}

/// On standard error, however quiet the command is to be: something is broken.
pub(crate) fn warn(text: &str) {
    // Whatever is wrong with standard error, there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "warning: {}", harmless(text));
}
