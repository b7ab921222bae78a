//! What is to be tried, and what came of it so far: two files in the folder of all trials.

use std::path::Path;

use anyhow::Context;
use elman::formats::read_file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::space::Space;
use crate::folder;
use crate::run::Part;

/// Parts of all epochs after which trials are judged, from the first to the last; one in [`ETA`] goes on.
const PARTS: [Part; 3] = [Part { of: 1, all: 9 }, Part { of: 1, all: 3 }, Part { of: 1, all: 1 }];
pub(super) const ETA: usize = 3;

/// Most trials.
pub(super) const TRIALS_MAX: usize = 1000;

/// Most trials that a time has room for.
pub(super) const TIMED_MAX: usize = 200;

/// What is to be tried, as it was asked for.
#[derive(Deserialize, Serialize)]
pub(super) struct Plan<O> {
    /// None: as many as there is time for.
    pub(super) trials: Option<usize>,
    pub(super) minutes: Option<f64>,
    pub(super) space: Space,
    /// Part of what is learnt from that judges the trials, where it is not that of the run.
    pub(super) validation: Option<f64>,
    /// What the data may decide.
    pub(super) open: O,
}

/// What came of it so far.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct Progress {
    /// Trials, once that is known.
    pub(super) trials: Option<usize>,
    /// Seconds that all of them took.
    pub(super) seconds: f64,
    /// Whether the time was over before all were judged.
    pub(super) over: bool,
    pub(super) pieces: Vec<Piece>,
}

/// A trial up to one of the [`parts`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Piece {
    /// From 1.
    pub(super) trial: usize,
    /// From 0.
    pub(super) round: usize,
    /// Of the validation part: after the last epoch, or with early stopping the least; None where the trial failed.
    pub(super) loss: Option<f32>,
    /// Why it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    pub(super) epoch: u64,
    /// Of a whole run.
    pub(super) epochs: u64,
    /// (epoch, validation loss)
    pub(super) curve: Vec<(u64, f32)>,
}

/// The parts after which so many trials are judged: with few of them a round for each factor of [`ETA`]. Where the time
/// decides how many there are, all.
pub(super) fn parts(trials: Option<usize>) -> &'static [Part] {
    let rounds = match trials {
        Some(1) => 1,
        Some(2..9) => 2,
        _ => 3,
    };
    &PARTS[PARTS.len() - rounds..]
}

/// How many of so many are judged in the next round: one in [`ETA`], and beside them the first trial, which is never dropped.
pub(super) fn survivors(trials: usize) -> usize {
    trials.saturating_sub(1).div_ceil(ETA) + 1
}

/// How many trials there is time for, in seconds, where a whole training takes so many: 1 where there is not enough for two.
pub(super) fn affordable(seconds: f64, whole: f64, rounds: &[Part]) -> usize {
    (2..=TIMED_MAX).take_while(|&trials| cost(trials, rounds) * whole <= seconds).last().unwrap_or(1)
}

/// Whole trainings that so many trials come to, and that of the best at the end.
fn cost(trials: usize, rounds: &[Part]) -> f64 {
    let (mut left, mut cost, mut done) = (trials, 0.0, 0.0);
    for (round, part) in rounds.iter().enumerate() {
        if round > 0 {
            left = survivors(left);
        }
        let share = part.of as f64 / part.all as f64;
        cost += left as f64 * (share - done);
        done = share;
    }
    cost + 1.0
}

impl Progress {
    /// What is known of a trial after a round.
    pub(super) fn piece(&self, trial: usize, round: usize) -> Option<&Piece> {
        self.pieces.iter().find(|piece| piece.trial == trial && piece.round == round)
    }

    /// The last that is known of a trial.
    pub(super) fn last(&self, trial: usize) -> Option<&Piece> {
        self.pieces.iter().filter(|piece| piece.trial == trial).max_by_key(|piece| piece.round)
    }
}

/// Writes one of the two, whole or not at all.
pub(super) fn write(path: &Path, what: &impl Serialize) -> anyhow::Result<()> {
    folder::write_text(path, &format!("{:#}\n", serde_json::to_value(what)?))
}

/// Reads one of the two.
///
/// # Errors
/// If it cannot be read, or is not what [`write()`] wrote.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    /// A thousand trials of a thousand epochs have some 20 MB.
    const MOST: u64 = 1 << 27;
    let cannot = || format!("cannot read {}", path.display());
    serde_json::from_slice(&read_file(path, MOST).with_context(cannot)?).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_few_where_trials_are() {
        let rounds = |trials| parts(Some(trials)).iter().map(|part| part.all / part.of).collect::<Vec<_>>();
        assert_eq!((rounds(1), rounds(2), rounds(8), rounds(9)), (vec![1], vec![3, 1], vec![3, 1], vec![9, 3, 1]));
        assert_eq!((survivors(16), survivors(6), survivors(3), survivors(1)), (6, 3, 2, 1));
        // 16 ninths, 6 times two ninths, 3 times two thirds, and the whole run at the end.
        assert!((cost(16, parts(Some(16))) - (16.0 / 9.0 + 12.0 / 9.0 + 2.0 + 1.0)).abs() < 1e-12);
        let affordable = |seconds| affordable(seconds, 10.0, parts(None));
        assert_eq!([affordable(29.0), affordable(31.0), affordable(61.2), affordable(1e9)], [1, 2, 16, TIMED_MAX]);
    }
}
