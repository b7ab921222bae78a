//! `elman resume`: goes on with a run that was ended before its time.

use anyhow::bail;

use crate::flags::resume::ResumeArgs;
use crate::flags::threads::threads;
use crate::folder::lock::Lock;
use crate::folder::{self, CONFIG, checkpoints};
use crate::jobs;
use crate::output::{Output, warn_always};
use crate::run::held::{Held, Resumed};
use crate::settings::file;

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
    if folder::is_finished(&folder) {
        output.remark(&format!("{} has finished: there is nothing to resume", folder.display()));
        return Ok(());
    }
    let lock = Lock::take(&folder)?;
    let job = file::job_of(&config)?;
    let checkpoint = checkpoints::newest(&folder, warn_always)?;
    checkpoints::remove_leftovers(&folder)?;
    let held = Box::new(Held { folder, lock, checkpoint });
    let resumed = Resumed { held, output, threads: args.threads };
    match jobs::named(&job) {
        Some(job) => (job.resume)(resumed),
        None => bail!("{} is of job {job:?}, which this program does not know", config.display()),
    }
}
