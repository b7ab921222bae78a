//! The sizes of a set of sequences, by which a recipe chooses.

use elman::datasets::SequenceSet;
use elman::spread_within;

/// What there is to learn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sizes {
    /// N, the sequences to learn from, those for validation among them.
    pub(crate) rows: usize,
    /// Steps of the sequence in the middle, by length.
    pub(crate) steps: usize,
    /// Floats of a step.
    pub(crate) width: usize,
    /// See [`spread_within`].
    pub(crate) within: Option<f64>,
    /// Whether each step has a class of its own.
    pub(crate) label_per_step: bool,
}

impl Sizes {
    /// Of a set.
    pub(crate) fn of(set: &SequenceSet) -> Self {
        let mut lengths: Vec<usize> = (0..set.len()).map(|row| set.length(row)).collect();
        lengths.sort_unstable();
        let steps = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
        let width = if set.missing() > 0 { 2 * set.features() } else { set.features() };
        let label_per_step = set.step_labels.is_some();
        Sizes { rows: set.len(), steps, width, within: spread_within(set), label_per_step }
    }
}
