//! How long a point is measured.

use std::time::Instant;

/// Rounds that are measured even if they take long: a median of fewer says little.
const ROUNDS_MIN: usize = 3;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Most rounds.
    pub(crate) rounds: usize,
    /// Seconds after which no round begins, except the first [`ROUNDS_MIN`].
    pub(crate) seconds: f64,
}

impl Effort {
    /// The same rounds in a part of the time.
    pub(crate) fn part(self, part: f64) -> Self {
        Effort { seconds: self.seconds * part, ..self }
    }

    /// What the rounds gave.
    pub(crate) fn rounds<T>(self, mut round: impl FnMut() -> T) -> Vec<T> {
        let started = Instant::now();
        let mut results = Vec::new();
        while results.len() < self.rounds
            && (results.len() < ROUNDS_MIN || started.elapsed().as_secs_f64() < self.seconds)
        {
            results.push(round());
        }
        results
    }
}
