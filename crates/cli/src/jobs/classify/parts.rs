//! The data in its parts: for training, for validation, for the test.
//!
//! Each class has its share of each part; where each step has a class, a part is any whole sequences. Which rows are in which
//! part the seed says.

use anyhow::bail;
use elman::datasets::SequenceSet;
use elman::datasets::sequences::{load_labelled, train_test};
use elman::datasets::series::Taken;
use elman::{Drawing, Error, part_count};

use super::names::few;
use super::settings::ClassifySettings;
use super::steps;
use crate::flags::folds::{self, Folds};
use crate::run::fingerprint::Fingerprint;

/// Most classes: beyond them, the column of labels is another one.
const CLASSES_MAX: usize = 1000;

/// What there is to learn from, and to test with: the parts before validation is put aside.
#[derive(Clone)]
pub(super) struct Whole {
    pub(super) rest: SequenceSet,
    test: SequenceSet,
    name: String,
    /// Sequences of steps without a label, which are left out.
    unlabelled: usize,
    bytes: usize,
}

/// Three sets of the same features and classes, in their own units.
pub(super) struct Parts {
    pub(super) training: SequenceSet,
    /// Without a sequence where none is asked for.
    pub(super) validation: SequenceSet,
    pub(super) test: SequenceSet,
    /// What the data is called.
    pub(super) name: String,
    /// Sequences of steps without a label, which are left out.
    pub(super) unlabelled: usize,
    /// What all values take.
    pub(super) bytes: usize,
}

impl Whole {
    /// # Errors
    /// If a file cannot be read, the files do not belong together, or a class has too few sequences.
    pub(super) fn load(job: &ClassifySettings, seed: u64) -> anyhow::Result<Self> {
        let (name, rest, test) = match (&job.data, &job.test) {
            (None, _) => {
                let (rest, test) = embedded()?;
                ("Japanese Vowels, in the binary".to_owned(), rest, Some(test))
            }
            (Some(data), None) => (data.display().to_string(), load_labelled(data, &job.columns().names()?)?, None),
            (Some(data), Some(test)) => {
                let (rest, test) = train_test(data, test, &job.columns().names()?)?;
                (data.display().to_string(), rest, Some(test))
            }
        };
        let (rest, mut unlabelled) = steps::labelled(rest);
        let test = test.map(|test| {
            let (test, without) = steps::labelled(test);
            unlabelled += without;
            test
        });
        if test.as_ref().is_some_and(SequenceSet::is_empty) {
            bail!("no step of the test has a label: there is nothing to test with");
        }
        if rest.classes.len() > CLASSES_MAX {
            bail!(
                "{name} has {} classes ({}), expected at most {CLASSES_MAX}; check which column holds the labels",
                rest.classes.len(),
                few(&rest.classes)
            );
        }
        if job.label_per_step && test.is_none() && rest.len() < 2 {
            bail!(
                "{name} has 1 sequence, and none is left for the test; expected at least 2: cut it into stretches that have \
                 ids of their own, or name another file with --test"
            );
        }
        let bytes = size_of::<f32>() * (rest.values.len() + test.as_ref().map_or(0, |test| test.values.len()));
        let (rest, test) = match test {
            // The test of the embedded set has no part in folds.
            _ if job.folds.folds.is_some() => fold(&rest, job.folds, seed, &name)?,
            Some(test) => (rest, test),
            None => {
                let (rest, test) = part(&rest, job.test_part, seed, Drawing::Test)?;
                if test.is_empty() {
                    bail!("{name}: {TOO_FEW} the test; add sequences, or name another file with --test");
                }
                (rest, test)
            }
        };
        Ok(Whole { rest, test, name, unlabelled, bytes })
    }

    /// With a part of what there is to learn from put aside.
    ///
    /// # Errors
    /// If no class has enough sequences for one.
    pub(super) fn split(self, job: &ClassifySettings, seed: u64) -> anyhow::Result<Parts> {
        let Whole { rest, test, name, unlabelled, bytes } = self;
        let (training, validation) = part(&rest, job.validation, seed, Drawing::Validation)?;
        if training.is_empty() {
            bail!(
                "{name} has too few sequences for a part for validation; add sequences, or do without it: --validation 0"
            );
        }
        if validation.is_empty() && job.validation > 0.0 {
            bail!("{name}: {TOO_FEW} validation; add sequences, or do without it: --validation 0");
        }
        Ok(Parts { training, validation, test, name, unlabelled, bytes })
    }
}

impl Parts {
    /// All of it.
    ///
    /// # Errors
    /// As [`Whole::load`] and [`Whole::split`].
    pub(super) fn load(job: &ClassifySettings, seed: u64) -> anyhow::Result<Self> {
        Whole::load(job, seed)?.split(job, seed)
    }

    /// What the columns of the table were taken for, where it is one.
    pub(super) fn taken(&self) -> Option<&Taken> {
        self.training.report.taken.as_ref()
    }

    /// Of all values, lengths, labels and names.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        [&self.training, &self.validation, &self.test].into_iter().fold(Fingerprint::default(), |all, set| {
            let labels = set.labels.iter().flatten();
            let of_steps = set.step_labels.iter().flatten();
            // 0 where there is none.
            let of_steps: Vec<usize> = of_steps.map(|label| label.map_or(0, |label| label as usize + 1)).collect();
            let all = all.names(&set.names).names(&set.classes).floats(&set.values).counts(&set.offsets).counts(labels);
            let all = if of_steps.is_empty() { all } else { all.counts(&of_steps) };
            set.centres.iter().fold(all, |all, centre| all.bytes(&centre.to_le_bytes()))
        })
    }
}

/// One class has to stay in training.
const TOO_FEW: &str = "no class has two sequences, one to learn from and one for";

/// The two embedded parts.
#[cfg(feature = "japanese-vowels")]
fn embedded() -> anyhow::Result<(SequenceSet, SequenceSet)> {
    Ok(elman::datasets::japanese_vowels::load()?)
}

#[cfg(not(feature = "japanese-vowels"))]
fn embedded() -> anyhow::Result<(SequenceSet, SequenceSet)> {
    bail!("this binary was built without Japanese Vowels; name a file with --data")
}

/// A set without one of its folds, and that fold.
///
/// # Errors
/// If there are too few sequences for the folds.
fn fold(set: &SequenceSet, folds: Folds, seed: u64, name: &str) -> anyhow::Result<(SequenceSet, SequenceSet)> {
    let Some((count, fold)) = folds.one() else { bail!("{name} is cut into folds, and none is named") };
    // Where steps have the classes, a sequence has none.
    let labels = set.labels.clone().unwrap_or_else(|| vec![0; set.len()]);
    let sizes = (0..set.classes.len()).map(|class| labels.iter().filter(|&&label| label == class).count());
    let labelled = set.labels.is_some();
    if let Some((class, _)) = sizes.clone().enumerate().find(|&(_, size)| size == 1 && labelled) {
        bail!("{name}: class {:?} has one sequence, which cannot be in two folds; leave it out", set.classes[class]);
    }
    if count > set.len() {
        let expected = format!("at most {}, the sequences of {name}", set.len());
        return Err(Error::setting("folds", count, expected).into());
    }
    let order = Drawing::Folds.order(set.len(), seed)?;
    let fold_of = folds::of_rows(&labels, count, &order);
    let part = |inside: bool| -> Vec<usize> {
        order.iter().copied().filter(|&row| (fold_of[row] == fold) == inside).collect()
    };
    Ok((set.select(&part(false)), set.select(&part(true))))
}

/// What is left of a set, and a part of it in which each class has its share: at least one sequence, unless the fraction
/// is 0. Nothing is taken of a class of one. Where steps have the classes, any sequences.
fn part(set: &SequenceSet, fraction: f64, seed: u64, drawing: Drawing) -> Result<(SequenceSet, SequenceSet), Error> {
    let order = drawing.order(set.len(), seed)?;
    let count = part_count(fraction, set.len());
    if set.step_labels.is_some() {
        let (taken, left) = order.split_at(count.min(order.len()));
        return Ok((set.select(left), set.select(taken)));
    }
    Ok(set.split_stratified(count, &order))
}
