//! What is said of sequences: their lengths, their features, what is missing of them.

use std::path::Path;

use anyhow::anyhow;
use elman::Error;
use elman::datasets::SequenceSet;

use crate::shown::amounts::thousands;

/// Steps of the shortest sequence of some sets and of the longest.
pub(crate) fn lengths(sets: [&SequenceSet; 3]) -> (usize, usize) {
    let lengths = || sets.into_iter().flat_map(|set| (0..set.len()).map(|row| set.length(row)));
    (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0))
}

/// So many features.
pub(crate) fn features(count: usize) -> String {
    if count == 1 { "1 feature".to_owned() } else { format!("{count} features") }
}

/// A line about values that are missing; nothing where none are.
pub(crate) fn missing(values: usize, mask: bool) -> String {
    let how = match mask {
        true => "read as the mean, with an input beside each feature that says so",
        false => "read as the mean",
    };
    match values {
        0 => String::new(),
        _ => format!("\n{} values are missing: {how}", thousands(values as u64)),
    }
}

/// That the model of a run is damaged, and how.
pub(crate) fn damaged(run: &Path, error: Error) -> anyhow::Error {
    let error = match error {
        Error::Meaning { why } => anyhow!("{why}"),
        error => error.into(),
    };
    error.context(format!("the model {} is damaged", run.display()))
}
