//! `elman resume`: goes on with a run that was ended before its time.

use std::path::PathBuf;

use anyhow::bail;

use crate::flags::resume::ResumeArgs;
use crate::flags::threads::threads;
use crate::folder::lock::Lock;
use crate::folder::{self, CONFIG, checkpoints};
use crate::jobs;
use crate::output::{Output, warn_always};
use crate::ranks;
use crate::run::held::{Held, Resumed};
use crate::settings::file;

pub(crate) fn resume(args: &ResumeArgs) -> anyhow::Result<()> {
    args.ranks.set();
    let output = Output::new(args.output);
    threads(args.threads)?;
    if ranks::is_silent() {
        // What rank 0 holds, as it says.
        return ranks::mirror(&args.run)?.map_or(Ok(()), |folder| go_on(args, folder, output));
    }
    let folder = args.run.clone();
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
        ranks::nothing_to_mirror()?;
        return Ok(());
    }
    go_on(args, folder, output)
}

/// Goes on with a run that is not finished, in its folder.
fn go_on(args: &ResumeArgs, folder: PathBuf, output: Output) -> anyhow::Result<()> {
    let lock = Lock::take(&folder)?;
    if !ranks::is_silent() {
        ranks::mirror(&folder)?;
    }
    let config = folder.join(CONFIG);
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
