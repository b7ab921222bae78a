//! Cross-validation: which part of the data a run is tested on.

use clap::Args;
use elman::Error;
use serde::{Deserialize, Serialize};

use super::seeds::RUNS_MAX;

/// How many folds the data is cut into, and which of them a run is tested on.
#[derive(Args, Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Folds {
    /// Cross-validation: cut the data into K folds, and train K runs, each tested on one of them; a series is cut at its
    /// end, K tests behind each other, each after all that its run has learnt from
    #[arg(long, value_name = "K", help_heading = "Several runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folds: Option<usize>,
    /// Of the folds, test on this one alone, from 1
    #[arg(long, value_name = "N", help_heading = "Several runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fold: Option<usize>,
}

impl Folds {
    /// With a value for everything: the names of the settings.
    pub(crate) fn full() -> Self {
        Folds { folds: Some(2), fold: Some(1) }
    }

    /// What is said here, and where nothing is, what is said there.
    pub(crate) fn or(self, other: Folds) -> Self {
        Folds { folds: self.folds.or(other.folds), fold: self.fold.or(other.fold) }
    }

    /// Refuses folds that are none.
    pub(crate) fn check(self) -> Result<(), Error> {
        match (self.folds, self.fold) {
            (Some(folds), _) if !(2..=RUNS_MAX).contains(&folds) => {
                Err(Error::setting("folds", folds, format!("2 to {RUNS_MAX}")))
            }
            (Some(folds), Some(fold)) if !(1..=folds).contains(&fold) => {
                Err(Error::setting("fold", fold, format!("1 to {folds}, the folds")))
            }
            (None, Some(fold)) => Err(Error::setting("fold", fold, "no such number without folds, how many there are")),
            _ => Ok(()),
        }
    }

    /// The folds, where all of them are meant.
    pub(crate) fn all(self) -> Option<usize> {
        self.folds.filter(|_| self.fold.is_none())
    }

    /// The folds and the one that a run is tested on, from 0.
    pub(crate) fn one(self) -> Option<(usize, usize)> {
        Some((self.folds?, self.fold?.checked_sub(1)?))
    }
}

/// The fold of each row, from 0, by the rows' groups (classes): folds differ by a row at most, and so do the rows of a group in
/// them. `order` is a permutation of the rows that the caller draws.
///
/// # Panics
/// If `order` names a row that there is not.
pub(crate) fn of_rows(groups: &[usize], folds: usize, order: &[usize]) -> Vec<usize> {
    let mut rows = order.to_vec();
    rows.sort_by_key(|&row| groups[row]);
    let mut fold_of = vec![0; groups.len()];
    rows.iter().enumerate().for_each(|(place, &row)| fold_of[row] = place % folds);
    fold_of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_have_their_share_of_each_group() {
        let groups = [0, 1, 0, 1, 0, 0, 2, 1, 0, 0, 1];
        let order = [10, 3, 5, 0, 1, 9, 8, 7, 2, 6, 4];
        let found = of_rows(&groups, 3, &order);
        for (group, sizes) in [(0, [2, 2, 2]), (1, [2, 1, 1]), (2, [0, 1, 0])] {
            let count = |fold| (0..11).filter(|&row| groups[row] == group && found[row] == fold).count();
            assert_eq!([count(0), count(1), count(2)], sizes, "{group}");
        }
        // The first of a group in the order is in the first fold.
        assert_eq!((found[5], found[0]), (0, 1));
    }

    #[test]
    fn what_is_no_fold_is_refused() {
        let message = |folds, fold| Folds { folds, fold }.check().unwrap_err().to_string();
        assert!(message(Some(1), None).contains("folds is 1"));
        assert!(message(Some(3), Some(4)).contains("fold is 4") && message(Some(3), Some(0)).contains("fold is 0"));
        assert!(message(None, Some(1)).contains("without folds"));
        assert_eq!(Folds { folds: Some(3), fold: Some(2) }.one(), Some((3, 1)));
        assert_eq!((Folds { folds: Some(3), fold: None }.all(), Folds::default().all()), (Some(3), None));
    }
}
