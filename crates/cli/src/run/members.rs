//! The members of an ensemble: trained one after the other, each in a folder of its own within the run's.
//!
//! `member-1`, `member-2` and so on hold what a run's folder holds but for its configuration and its test. A member is done
//! when its model is there and nothing is left to resume; the run's own files come when all are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use elman::{Ensemble, Labelled, Model, Trainer};
use serde_json::json;

use super::held::Held;
use super::{Begin, Task, Trained, Watch, hold, train_in};
use crate::folder;
use crate::folder::checkpoints;
use crate::folder::lock::Lock;
use crate::output::{Output, warn_always};
use crate::record::curves;
use crate::record::metrics::{self, MetricsWriter, Row};

/// Most members of an ensemble.
pub(crate) const MEMBERS_MAX: usize = 1000;

/// What is trained: one network, or several that differ in their seeds.
pub(crate) struct Members<'a> {
    /// How many; at least 1.
    pub(crate) count: usize,
    /// The seed of the first; the others have those that follow.
    pub(crate) seed: u64,
    /// The first, with its initial weights.
    pub(crate) first: Trainer,
    /// The same of another seed.
    pub(crate) of_seed: &'a dyn Fn(u64) -> anyhow::Result<Trainer>,
}

/// Refuses an ensemble of none, or of too many.
pub(crate) fn check(count: usize) -> Result<(), elman::Error> {
    match (1..=MEMBERS_MAX).contains(&count) {
        true => Ok(()),
        false => Err(elman::Error::setting("ensemble", count, format!("1 to {MEMBERS_MAX} networks"))),
    }
}

/// Trains one network, or all members of an ensemble, and leaves the run's folder behind.
pub(crate) fn train_members<D: Labelled>(
    begin: Begin<'_>,
    task: &Task<'_, D>,
    members: Members<'_>,
    watch: &mut dyn Watch,
    output: &mut Output,
) -> anyhow::Result<(Trained, Ensemble)> {
    let Members { count, seed, mut first, of_seed } = members;
    // Refuses what does not fit before anything is written.
    task.fit(&mut first)?;
    let part = begin.part();
    let held = hold(begin, task, count, output)?;
    if count == 1 {
        let run = held.folder.clone();
        let trained = train_in(held, &run, part, task, &mut first, watch, output)?;
        return Ok((trained, first.into_model().into()));
    }
    let Held { folder, lock, .. } = held;
    let mut first = Some(first);
    for number in 1..=count {
        let place = place(&folder, number);
        if folder::is_finished(&place) {
            continue;
        }
        let seed = seed.wrapping_add(number as u64 - 1);
        let mut trainer = match first.take().filter(|_| number == 1) {
            Some(first) => first,
            None => of_seed(seed)?,
        };
        let held = member(&place)?;
        let from = held.checkpoint.as_ref().map(|checkpoint| format!(", continuing after step {}", checkpoint.step()));
        output.remark(&format!("member {number} of {count}, seed {seed}{}", from.unwrap_or_default()));
        if output.json {
            output.result("", &json!({"event": "member", "member": number, "members": count, "seed": seed}))?;
        }
        train_in(held, &folder, None, task, &mut trainer, watch, output)?.finish_member()?;
    }
    let places = || (1..=count).map(|number| place(&folder, number));
    let models: Vec<Model> =
        places().map(|place| Ok(Model::load(place.join(folder::MODEL))?)).collect::<anyhow::Result<_>>()?;
    let rows = places().map(|place| metrics::read(&place.join(folder::METRICS))).collect::<anyhow::Result<Vec<_>>>()?;
    write_means(&folder, &rows)?;
    let ensemble =
        Ensemble::new(models).with_context(|| format!("the members in {} do not belong together", folder.display()))?;
    ensemble.save(folder.join(folder::MODEL))?;
    Ok((Trained { folder, lock }, ensemble))
}

/// The folder of a member, from 1.
fn place(folder: &Path, number: usize) -> PathBuf {
    folder.join(folder::member_folder(number))
}

/// Whether the first member has been begun with.
pub(super) fn begun(folder: &Path) -> bool {
    place(folder, 1).exists()
}

/// How many members have been trained.
pub(super) fn done(folder: &Path) -> usize {
    (1..).take_while(|&number| folder::is_finished(&place(folder, number))).count()
}

/// The folder of a member, held, and what it goes on from.
fn member(place: &Path) -> anyhow::Result<Held> {
    if fs::symlink_metadata(place).is_ok_and(|found| !found.is_dir()) {
        bail!("{} is no folder; a member of the ensemble goes there: take it away", place.display());
    }
    fs::create_dir_all(place).with_context(|| format!("cannot make the folder {}", place.display()))?;
    let lock = Lock::take(place)?;
    let checkpoint = checkpoints::newest(place, warn_always)?;
    checkpoints::remove_leftovers(place)?;
    Ok(Held { folder: place.to_owned(), lock, checkpoint })
}

/// Leaves the metrics and the curves of an ensemble, or of several runs, in their folder: those of `members` in the mean.
pub(crate) fn write_means(folder: &Path, members: &[Vec<Row>]) -> anyhow::Result<()> {
    let rows = mean_rows(members);
    let mut writer = MetricsWriter::create(&folder.join(folder::METRICS))?;
    rows.iter().try_for_each(|row| writer.write(row))?;
    curves::draw(&folder.join(folder::CURVES), &rows, None)
}

/// The means over members of what is noted at the same step, and the seconds of all. A member that stopped early counts with
/// its last row.
fn mean_rows(members: &[Vec<Row>]) -> Vec<Row> {
    let Some(longest) = members.iter().max_by_key(|rows| rows.len()) else { return Vec::new() };
    let row = |(index, pattern): (usize, &Row)| {
        let rows: Vec<&Row> = members.iter().filter_map(|rows| rows.get(index).or(rows.last())).collect();
        let mean = |of: &dyn Fn(&Row) -> Option<f32>| {
            let values: Vec<f64> = rows.iter().filter_map(|row| of(row)).map(f64::from).collect();
            (!values.is_empty()).then(|| (values.iter().sum::<f64>() / values.len() as f64) as f32)
        };
        Row {
            loss: mean(&|row| Some(row.loss)).unwrap_or(pattern.loss),
            accuracy: mean(&|row| row.accuracy),
            learning_rate: mean(&|row| Some(row.learning_rate)).unwrap_or(pattern.learning_rate),
            grad_norm: mean(&|row| Some(row.grad_norm)).unwrap_or(pattern.grad_norm),
            seconds: rows.iter().map(|row| row.seconds).sum(),
            validation_loss: pattern.validation_loss.and_then(|_| mean(&|row| row.validation_loss)),
            validation_accuracy: pattern.validation_accuracy.and_then(|_| mean(&|row| row.validation_accuracy)),
            ..*pattern
        }
    };
    longest.iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64, loss: f32, validation_loss: Option<f32>) -> Row {
        Row {
            step,
            epoch: step,
            loss,
            accuracy: None,
            learning_rate: 0.5,
            grad_norm: 1.0,
            seconds: 2.0,
            validation_loss,
            validation_accuracy: None,
        }
    }

    #[test]
    fn rows_are_means_and_a_member_that_stopped_counts_with_its_last() {
        let long = vec![row(1, 4.0, None), row(2, 2.0, Some(2.0)), row(3, 1.0, Some(1.0))];
        let short = vec![row(1, 2.0, None), row(2, 1.0, Some(4.0))];
        let found = mean_rows(&[short, long]);
        let seconds = |row: Row| Row { seconds: 4.0, ..row };
        let expected = [row(1, 3.0, None), row(2, 1.5, Some(3.0)), row(3, 1.0, Some(2.5))].map(seconds);
        assert_eq!(found, expected);
    }
}
