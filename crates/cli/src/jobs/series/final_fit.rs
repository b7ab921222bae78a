//! `--final`: once the test has judged a model, another like it learns from all of the data, those of validation and test too,
//! for as many steps as validation chose.
//!
//! It has checkpoints of its own, in the folder `final` beside those of the run, which stay until the run is done. A run that is
//! broken off here goes on from its own last one, is tested again, and comes to the last one of its final fit.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use elman::series::{Split, Windows};
use elman::{Checkpoint, Ensemble, Predictor, Sequences, SeriesMeaning, Trainer};
use serde_json::{Value, json};

use crate::folder;
use crate::folder::checkpoints::{self, Checkpoints};
use crate::output::{Output, warn_always};
use crate::record::metrics;
use crate::run::interrupts;
use crate::settings::training::TrainingConfig;
use crate::shown::amounts::thousands;
use crate::shown::digits::places;
use crate::shown::names::shell_word;

/// What came out.
pub(super) struct Fitted {
    pub(super) ensemble: Ensemble,
    /// Of each network.
    steps: Vec<u64>,
    windows: usize,
    /// Mean loss over all windows, of the models that were tested and of these.
    losses: [f64; 2],
}

/// Where the checkpoints are, in the folder of a run or of a member.
const FOLDER: &str = "final";

/// The folder of one of `count` members.
fn place(folder: &Path, count: usize, member: usize) -> PathBuf {
    match count {
        1 => folder.to_owned(),
        _ => folder.join(folder::member_folder(member + 1)),
    }
}

impl Fitted {
    /// Trains a network for each of the models that were tested: `of_member` gives one that has learnt nothing. `folder` is
    /// the run's.
    ///
    /// # Errors
    /// If the training leaves the finite numbers, or is interrupted.
    pub(super) fn new(
        folder: &Path,
        windows: &Windows,
        training: &TrainingConfig,
        stopping: bool,
        tested: &Ensemble,
        of_member: &dyn Fn(usize) -> anyhow::Result<Trainer>,
        output: &mut Output,
    ) -> anyhow::Result<Self> {
        let count = tested.members().len();
        let (mut models, mut all_steps) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let interrupted = interrupts::watch()?;
        for member in 0..count {
            let place = place(folder, count, member);
            let steps = kept(&place, stopping)?;
            let of = if count == 1 { String::new() } else { format!(" of member {}", member + 1) };
            let all = thousands(windows.len() as u64);
            let own = place.join(FOLDER);
            fs::create_dir_all(&own).with_context(|| format!("cannot make the folder {}", own.display()))?;
            let from = checkpoints::newest(&own, warn_always)?;
            checkpoints::remove_leftovers(&own)?;
            let mut done = from.as_ref().map_or(0, Checkpoint::step);
            let after = if done > 0 { format!(", continuing after step {}", thousands(done)) } else { String::new() };
            output.remark(&format!("final fit{of}: {} steps on all {all} windows{after}", thousands(steps)));
            let mut trainer = of_member(member)?;
            let mut fit = trainer.fit(windows)?;
            let enough = steps.div_ceil(fit.batches().max(1) as u64);
            fit = fit.epochs(training.num_epoch.max(enough));
            if let Some(from) = &from {
                fit = fit.resume(from)?;
            }
            let mut written = Checkpoints::new(&own, training, from.as_ref().map(Checkpoint::step));
            while done < steps {
                let Some(step) = fit.next_step() else { break };
                let step = step?;
                done += 1;
                if written.due(&step) {
                    written.save(fit.checkpoint())?;
                }
                if interrupted.load(Ordering::Relaxed) {
                    if !written.has(step.step) {
                        written.save(fit.checkpoint())?;
                    }
                    bail!(
                        "interrupted in the final fit; the model in {} is the one that was tested; resume with: elman resume {}",
                        folder.display(),
                        shell_word(folder)
                    );
                }
            }
            models.push(trainer.into_model());
            all_steps.push(steps);
        }
        let ensemble = Ensemble::new(models)?;
        let loss = |of: &Ensemble| Predictor::new(of.clone(), training.threads).evaluate(windows).map(|of| of.loss);
        let losses = [loss(tested)?, loss(&ensemble)?];
        Ok(Fitted { ensemble, steps: all_steps, windows: windows.len(), losses })
    }

    /// Removes the checkpoints: the model is kept, and nothing is left of its fit to go on from.
    ///
    /// # Errors
    /// If they cannot be removed.
    pub(super) fn finish(&self, folder: &Path) -> anyhow::Result<()> {
        for member in 0..self.steps.len() {
            let own = place(folder, self.steps.len(), member).join(FOLDER);
            fs::remove_dir_all(&own).with_context(|| format!("cannot remove the folder {}", own.display()))?;
        }
        Ok(())
    }

    /// What it came to, in words.
    pub(super) fn line(&self) -> String {
        let [before, after] = self.losses.map(|loss| places(loss, 4));
        format!(
            "the model that is kept has learnt from all of the data: its loss there is {after}, that of the one above {before}; \
             the figures above are of the one above, which had not seen the test"
        )
    }

    /// The same as an object.
    pub(super) fn object(&self) -> Value {
        let [before, after] = self.losses;
        json!({"event": "final", "steps": self.steps, "windows": self.windows, "loss": after, "loss_before": before})
    }
}

/// The steps after which the weights were that a training in a folder has kept: those of its best epoch where it stops by
/// validation, or else the last.
fn kept(folder: &Path, stopping: bool) -> anyhow::Result<u64> {
    let (last, best) = metrics::read_ends(&folder.join(folder::METRICS))?;
    let Some(row) = best.filter(|_| stopping).or(last) else {
        bail!("{} tells of no step", folder.join(folder::METRICS).display())
    };
    Ok(row.step)
}

/// What the model keeps that has learnt from all: it says so, and has the scalings of all.
pub(super) fn meaning(tested: &SeriesMeaning, split: &Split) -> SeriesMeaning {
    let left_out = |id: &str| split.left_out.iter().any(|series| series.id == id);
    let scalings = split.scalings.iter().filter(|scaling| !left_out(&scaling.id)).cloned().collect();
    SeriesMeaning { scalings, to_the_end: true, ..tested.clone() }
}
