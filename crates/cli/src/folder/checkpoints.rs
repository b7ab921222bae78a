//! The checkpoints in a run's folder: when one is due, which are kept, and which one a run goes on from.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use elman::{Checkpoint, Step};

use super::names::{CONFIG, checkpoint, step_of_checkpoint};
use crate::ranks;
use crate::settings::training::TrainingConfig;

/// At the ends of epochs writing takes at most one part in so many of the time: a run of short epochs writes fewer.
const TIME_SHARE: u32 = 50;

/// The checkpoints that a run writes.
pub(crate) struct Checkpoints<'a> {
    folder: &'a Path,
    config: &'a TrainingConfig,
    /// Steps of those that are good, the newest last.
    kept: Vec<u64>,
    /// When the last one was written, and how long it took.
    last: Instant,
    cost: Duration,
}

impl<'a> Checkpoints<'a> {
    /// For a run that begins, or goes on from a step.
    pub(crate) fn new(folder: &'a Path, config: &'a TrainingConfig, from: Option<u64>) -> Self {
        let kept = from.into_iter().collect();
        Checkpoints { folder, config, kept, last: Instant::now(), cost: Duration::ZERO }
    }

    /// Whether one is to be written after this step.
    pub(crate) fn due(&self, step: &Step) -> bool {
        // Those of a run are written by one of several ranks.
        if ranks::is_silent() {
            return false;
        }
        let TrainingConfig { checkpoint_steps: steps, checkpoint_minutes: minutes, .. } = *self.config;
        let since = self.last.elapsed();
        if minutes > 0.0 && since.as_secs_f64() >= minutes * 60.0 {
            return true;
        }
        match steps {
            0 => step.batch == step.batches && since >= self.cost * TIME_SHARE,
            steps => step.step.is_multiple_of(steps),
        }
    }

    /// Whether there is one of this step.
    pub(crate) fn has(&self, step: u64) -> bool {
        self.kept.last() == Some(&step)
    }

    /// Writes one; when it is on the disk, removes those that are too old.
    ///
    /// # Errors
    /// If it cannot be written: those before it are then as they were.
    pub(crate) fn save(&mut self, checkpoint: Checkpoint<'_>) -> anyhow::Result<()> {
        let (started, step) = (Instant::now(), checkpoint.step());
        checkpoint.save(path(self.folder, step))?;
        self.kept.retain(|&kept| kept != step);
        self.kept.push(step);
        let too_many = self.kept.len().saturating_sub(self.config.keep_checkpoints);
        self.kept.drain(..too_many);
        // Damaged ones too, once the run is beyond them.
        for old in list(self.folder)?.into_iter().filter(|old| *old < step && !self.kept.contains(old)) {
            remove(&path(self.folder, old))?;
        }
        (self.last, self.cost) = (Instant::now(), started.elapsed());
        Ok(())
    }
}

/// The newest one that is whole; None where there are no checkpoints. Each that is not is told to `warn`.
///
/// # Errors
/// If there are some and all are damaged, or the folder cannot be read. Nothing is removed.
pub(crate) fn newest(folder: &Path, mut warn: impl FnMut(&str)) -> anyhow::Result<Option<Checkpoint<'static>>> {
    let mut damaged = Vec::new();
    for step in list(folder)?.into_iter().rev() {
        match Checkpoint::load(path(folder, step)) {
            Ok(checkpoint) => {
                damaged.iter().for_each(|why| warn(&format!("{why}; the one before it is taken, of step {step}")));
                return Ok(Some(checkpoint));
            }
            Err(error) => damaged.push(error.to_string()),
        }
    }
    if damaged.is_empty() {
        return Ok(None);
    }
    bail!(
        "no checkpoint in {} is whole: {}. Nothing was changed; put one back, or begin a new run with {}",
        folder.display(),
        damaged.join("; "),
        folder.join(CONFIG).display()
    )
}

/// The step of the newest one, by its name.
pub(crate) fn newest_step(folder: &Path) -> Option<u64> {
    list(folder).ok()?.pop()
}

/// Removes all but the newest.
pub(crate) fn remove_older(folder: &Path) -> anyhow::Result<()> {
    let mut steps = list(folder)?;
    steps.pop();
    steps.into_iter().try_for_each(|step| remove(&path(folder, step)))
}

/// Removes all.
pub(crate) fn remove_all(folder: &Path) -> anyhow::Result<()> {
    list(folder)?.into_iter().try_for_each(|step| remove(&path(folder, step)))
}

/// Removes what a process that was killed left of files it had not finished: `NAME.PROCESS.tmp`. The folder must be
/// held.
pub(crate) fn remove_leftovers(folder: &Path) -> anyhow::Result<()> {
    for name in names(folder)? {
        let process = name.strip_suffix(".tmp").and_then(|rest| rest.rsplit_once('.'));
        if process.is_some_and(|(_, process)| !process.is_empty() && process.bytes().all(|c| c.is_ascii_digit())) {
            remove(&folder.join(name))?;
        }
    }
    Ok(())
}

/// The steps of those there are, rising.
fn list(folder: &Path) -> anyhow::Result<Vec<u64>> {
    let mut steps: Vec<u64> = names(folder)?.iter().filter_map(|name| step_of_checkpoint(name)).collect();
    steps.sort_unstable();
    Ok(steps)
}

/// Where the checkpoint of a step is.
fn path(folder: &Path, step: u64) -> PathBuf {
    folder.join(checkpoint(step))
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.with_context(|| format!("cannot read the folder {}", folder.display()))?;
    Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
}
