//! A setting that is chosen by trial: a training with each of its values, judged on rows that it did not learn from.
//!
//! What each trial gave is kept in the run's folder, in `choice.json`; a run that is ended meanwhile goes on with the trials
//! that are left. Trials leave nothing else behind.

use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use elman::{Decay, EarlyStopping, Evaluation, Labelled, Trainer};
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::interrupts;
use crate::folder::{self, CHOICE};
use crate::ranks::{self, Side};
use crate::shown::names::shell_word;

/// Most bytes of the file of trials.
const FILE_MAX: u64 = 1 << 20;

/// What a training gave on the rows that were held out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Trial {
    value: String,
    /// Which rows were held out, from 1.
    part: usize,
    /// Mean loss; None where it is no finite number.
    loss: Option<f64>,
    correct: usize,
    rows: usize,
}

/// The file.
#[derive(Deserialize, Serialize)]
struct Trials {
    data: Fingerprint,
    trials: Vec<Trial>,
}

/// What a value came to over all parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Came {
    /// Mean loss of a row; infinite where it was no finite number.
    pub(crate) loss: f64,
    pub(crate) correct: usize,
    pub(crate) rows: usize,
}

impl Came {
    /// The part of the rows that were right.
    pub(crate) fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows as f64
    }
}

/// Tries each value with each part held out, but for what was tried before; what each value came to, in their order.
///
/// `trial` trains with a value and without a part, from 1, and judges on that; None where a signal ended it.
///
/// # Errors
/// If a signal ended it, the trials of before were on other data, or files cannot be read or written.
pub(crate) fn tried(
    folder: &Path,
    data: &Fingerprint,
    values: &[&str],
    parts: usize,
    trial: &mut dyn FnMut(&str, usize) -> anyhow::Result<Option<Evaluation>>,
) -> anyhow::Result<Vec<Came>> {
    ranks::agree(&[Side { what: "data", own: data.to_string() }])?;
    let path = folder.join(CHOICE);
    let mut all = read(&path)?.unwrap_or(Trials { data: data.clone(), trials: Vec::new() });
    if all.data != *data {
        bail!(
            "the data of {} has changed: it was {} and is now {data}. Put it back as it was, or start a new run",
            folder.display(),
            all.data
        );
    }
    for part in 1..=parts {
        for &value in values {
            if all.trials.iter().any(|trial| trial.value == value && trial.part == part) {
                continue;
            }
            let Some(Evaluation { loss, correct, rows, .. }) = trial(value, part)? else {
                bail!(
                    "interrupted while a setting is chosen by trial; resume with: elman resume {}",
                    shell_word(folder)
                );
            };
            let loss = Some(loss).filter(|loss| loss.is_finite());
            all.trials.push(Trial { value: value.to_owned(), part, loss, correct, rows });
            folder::write_text(&path, &format!("{:#}\n", serde_json::to_value(&all)?))?;
        }
    }
    Ok(values.iter().map(|value| came(all.trials.iter().filter(|trial| trial.value == *value))).collect())
}

fn read(path: &Path) -> anyhow::Result<Option<Trials>> {
    if !path.exists() {
        return Ok(None);
    }
    let cannot = || format!("cannot read {}", path.display());
    let bytes = elman::formats::read_file(path, FILE_MAX).with_context(cannot)?;
    serde_json::from_slice(&bytes).map(Some).with_context(cannot)
}

/// The sum over the parts.
fn came<'t>(trials: impl Iterator<Item = &'t Trial>) -> Came {
    let none = Came { loss: 0.0, correct: 0, rows: 0 };
    let sum = trials.fold(none, |sum, trial| Came {
        loss: sum.loss + trial.loss.unwrap_or(f64::INFINITY) * trial.rows as f64,
        correct: sum.correct + trial.correct,
        rows: sum.rows + trial.rows,
    });
    Came { loss: sum.loss / sum.rows as f64, ..sum }
}

/// Trains beside the run, and judges on other rows: at the end, or where training is stopped by them after the best epoch.
/// None where a signal came.
///
/// # Errors
/// If the data does not fit, or a step leaves the numbers.
pub(crate) fn apart<D: Labelled>(
    mut trainer: Trainer,
    training: &D,
    held_out: &D,
    epochs: u64,
    mut stopping: Option<EarlyStopping>,
) -> anyhow::Result<Option<Evaluation>> {
    let interrupted = interrupts::watch()?;
    let looks = stopping.is_some() || matches!(trainer.descent.schedule.decay, Decay::Plateau { .. });
    let mut best: Option<Evaluation> = None;
    let mut fit = trainer.fit(training)?.epochs(epochs);
    while let Some(step) = fit.next_step() {
        let step = step?;
        if interrupted.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if step.batch < step.batches || !looks {
            continue;
        }
        let found = fit.trainer().evaluate(held_out)?;
        fit.trainer().plateau(found.loss);
        let Some(stopping) = &mut stopping else { continue };
        if best.is_none_or(|best| found.loss < best.loss) {
            best = Some(found);
        }
        stopping.seen(found.loss, &fit.trainer().averaged());
        if stopping.is_over() {
            break;
        }
    }
    match best {
        Some(best) => Ok(Some(best)),
        None => Ok(Some(trainer.evaluate(held_out)?)),
    }
}
