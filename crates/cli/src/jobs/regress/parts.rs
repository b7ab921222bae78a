//! The data in its parts: for training, for validation, for the test. Which rows are in which part the seed says.

use std::path::Path;

use anyhow::bail;
use elman::datasets::SequenceSet;
use elman::datasets::sequences::load_numbered;
use elman::{Drawing, Error, part_count};

use super::settings::RegressSettings;
use crate::flags::folds;
use crate::run::fingerprint::Fingerprint;

/// Sequences and a number for each, in their own units.
#[derive(Clone)]
pub(super) struct Numbered {
    pub(super) set: SequenceSet,
    /// `[N]`
    pub(super) numbers: Vec<f64>,
}

/// Three sets of the same features.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) training: Numbered,
    /// Without a sequence where none is asked for.
    pub(super) validation: Numbered,
    pub(super) test: Numbered,
    /// What the data is called.
    pub(super) name: String,
    /// What all values take.
    pub(super) bytes: usize,
}

impl Numbered {
    /// # Errors
    /// If the file cannot be read, or has no numbers.
    fn load(path: &Path, job: &RegressSettings) -> anyhow::Result<Self> {
        match load_numbered(path, &job.columns().names()?)? {
            (set, Some(numbers)) => Ok(Numbered { set, numbers }),
            (set, None) => bail!(
                "{} holds no number for each sequence: looked for {}; its features: {}. Name the column with --target",
                path.display(),
                job.target.as_deref().map_or("a column or array label, or y".into(), |name| format!("{name:?}")),
                set.names.join(", ")
            ),
        }
    }

    pub(super) fn select(&self, rows: &[usize]) -> Self {
        Numbered { set: self.set.select(rows), numbers: rows.iter().map(|&row| self.numbers[row]).collect() }
    }

    /// What is left of it, and the rows that are taken.
    fn split(&self, taken: impl Fn(usize) -> bool, order: &[usize]) -> (Self, Self) {
        let (taken, left): (Vec<usize>, Vec<usize>) = order.iter().copied().partition(|&row| taken(row));
        (self.select(&left), self.select(&taken))
    }

    /// What is left of it, and a part: at least one row, unless the fraction is 0.
    fn part(&self, fraction: f64, seed: u64, drawing: Drawing) -> Result<(Self, Self), Error> {
        let order = drawing.order(self.set.len(), seed)?;
        let (taken, left) = order.split_at(part_count(fraction, order.len()).min(order.len()));
        Ok((self.select(left), self.select(taken)))
    }
}

impl Parts {
    /// # Errors
    /// If a file cannot be read, the files do not belong together, or there are too few sequences.
    pub(super) fn load(job: &RegressSettings, seed: u64) -> anyhow::Result<Self> {
        let Some(data) = &job.data else {
            bail!("there is nothing to learn from; expected --data with a file of sequences, each with a number")
        };
        let name = data.display().to_string();
        let all = Numbered::load(data, job)?;
        let mut bytes = size_of::<f32>() * all.set.values.len();
        let (rest, test) = match (job.folds.one(), &job.test) {
            (Some((count, fold)), _) => {
                if count > all.set.len() {
                    let expected = format!("at most {}, the sequences of {name}", all.set.len());
                    return Err(Error::setting("folds", count, expected).into());
                }
                let order = Drawing::Folds.order(all.set.len(), seed)?;
                let fold_of = folds::of_rows(&vec![0; all.set.len()], count, &order);
                all.split(|row| fold_of[row] == fold, &order)
            }
            (None, Some(path)) => {
                let test = Numbered::load(path, job)?;
                let set = test.set.matched(&path.display().to_string(), &all.set.names, &[])?;
                bytes += size_of::<f32>() * set.values.len();
                (all, Numbered { set, ..test })
            }
            (None, None) => all.part(job.test_part, seed, Drawing::Test)?,
        };
        let (training, validation) = rest.part(job.validation, seed, Drawing::Validation)?;
        if training.set.len() < 2 || test.set.is_empty() {
            bail!(
                "{name}: {} sequences are left to learn from and {} for the test; expected at least 2 and 1: add sequences, or \
                 choose a smaller --test or --validation",
                training.set.len(),
                test.set.len()
            );
        }
        Ok(Parts { training, validation, test, name, bytes })
    }

    /// Of all values, lengths, numbers and names.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        [&self.training, &self.validation, &self.test].into_iter().fold(Fingerprint::default(), |all, part| {
            let all = all.names(&part.set.names).floats(&part.set.values).counts(&part.set.offsets);
            let numbers = part.set.centres.iter().chain(&part.numbers);
            numbers.fold(all, |all, number| all.bytes(&number.to_le_bytes()))
        })
    }
}
