//! The parts that whole rows are cut into, for training, validation and test: which rows a seed draws for them.

use crate::{Error, Purpose, Random};

/// Which of the drawings of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// Of the rows for the test.
    Test,
    /// Of those for validation, from what is then left.
    Validation,
    /// Of the folds.
    Folds,
}

impl Drawing {
    /// All of so many rows, in an order that the seed draws; a part is the first of them.
    ///
    /// # Errors
    /// If there are too many to be drawn.
    pub fn order(self, rows: usize, seed: u64) -> Result<Vec<usize>, Error> {
        let count = u32::try_from(rows)
            .map_err(|_| Error::setting("the data set", format!("of {rows} sequences"), "fewer than 2^32"))?;
        let order = Random::at(seed, Purpose::Split, self as u64, 0).order(count);
        Ok(order.into_iter().map(|row| row as usize).collect())
    }
}

/// Rows of a part: at least one, unless the fraction is 0.
pub fn part_count(fraction: f64, rows: usize) -> usize {
    if fraction == 0.0 { 0 } else { ((fraction * rows as f64).round() as usize).max(1) }
}
