//! The data in its parts: for training, for validation, for the test. Which rows are in which part the seed says.

use std::path::Path;

use anyhow::bail;
use elman::datasets::SequenceSet;
use elman::datasets::sequences::load_numbered;
use elman::{Error, Purpose, Random};

use super::settings::RegressSettings;
use crate::run::fingerprint::Fingerprint;
use crate::run::several::folds;

/// Which of the drawings of a seed.
#[derive(Clone, Copy)]
enum Drawing {
    Test,
    Validation,
    Folds,
}

/// Sequences and a number for each, in their own units.
pub(super) struct Numbered {
    pub(super) set: SequenceSet,
    /// `[N]`
    pub(super) numbers: Vec<f64>,
}

/// Three sets of the same features.
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
        match load_numbered(path, &job.columns()?)? {
            (set, Some(numbers)) => Ok(Numbered { set, numbers }),
            (set, None) => bail!(
                "{} holds no number for each sequence: looked for {}; its features: {}. Name the column with --target",
                path.display(),
                job.target.as_deref().map_or("a column or array label, or y".into(), |name| format!("{name:?}")),
                set.names.join(", ")
            ),
        }
    }

    fn select(&self, rows: &[usize]) -> Self {
        Numbered { set: self.set.select(rows), numbers: rows.iter().map(|&row| self.numbers[row]).collect() }
    }

    /// What is left of it, and the rows that are taken.
    fn split(&self, taken: impl Fn(usize) -> bool, order: &[usize]) -> (Self, Self) {
        let (taken, left): (Vec<usize>, Vec<usize>) = order.iter().copied().partition(|&row| taken(row));
        (self.select(&left), self.select(&taken))
    }

    /// All rows, in an order that the seed draws.
    fn order(&self, seed: u64, drawing: Drawing) -> Result<Vec<usize>, Error> {
        let rows = u32::try_from(self.set.len()).map_err(|_| {
            Error::setting("the data set", format!("of {} sequences", self.set.len()), "fewer than 2^32")
        })?;
        let order = Random::at(seed, Purpose::Split, drawing as u64, 0).order(rows);
        Ok(order.into_iter().map(|row| row as usize).collect())
    }

    /// What is left of it, and a part: at least one row, unless the fraction is 0.
    fn part(&self, fraction: f64, seed: u64, drawing: Drawing) -> Result<(Self, Self), Error> {
        let order = self.order(seed, drawing)?;
        let count = if fraction == 0.0 { 0 } else { ((fraction * self.set.len() as f64).round() as usize).max(1) };
        let (taken, left) = order.split_at(count.min(order.len()));
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
                let order = all.order(seed, Drawing::Folds)?;
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
