//! Sequences with a number each, to regress on: where labels stand in the file, numbers do.

use std::path::Path;

use super::{ColumnNames, SequenceSet, read};
use crate::Error;
use crate::error::shown;
use crate::idx::Source;

/// Reads a file of sequences with a number each, or of sequences alone: the set without labels, and the numbers `[N]`.
///
/// In a `.ts` file the numbers are those of `@targetLabel`, in an `.arff` those of a numeric last attribute, in a table they stand in the column of labels, the same in all
/// lines of a sequence, in an `.npz` in `y` `[N]`, of any type of numbers.
///
/// # Errors
/// As [`load`](super::load), and [`Error::NoNumber`] if a label is not a finite number.
pub fn load_numbered(path: &Path, settings: &ColumnNames) -> Result<(SequenceSet, Option<Vec<f64>>), Error> {
    of(&Source::Path(path.to_owned()), settings)
}

/// The same for the content of a file; `name` says the format by its end, and stands for the file in messages.
///
/// # Errors
/// As [`load_numbered`].
pub fn parse_numbered(
    name: &str,
    bytes: &[u8],
    settings: &ColumnNames,
) -> Result<(SequenceSet, Option<Vec<f64>>), Error> {
    of(&Source::Bytes { name, bytes }, settings)
}

fn of(source: &Source, settings: &ColumnNames) -> Result<(SequenceSet, Option<Vec<f64>>), Error> {
    let mut set = read(source, &ColumnNames { numbers: true, ..settings.clone() })?;
    let Some(labels) = set.labels.take() else { return Ok((set, None)) };
    let marks = |text: &str| match settings.decimal {
        Some(mark) if mark != '.' => text.replace(mark, "."),
        _ => text.to_owned(),
    };
    let numbers: Vec<Option<f64>> =
        set.classes.iter().map(|text| marks(text).parse().ok().filter(|number: &f64| number.is_finite())).collect();
    let number = |(row, &label): (usize, &usize)| {
        numbers[label].ok_or_else(|| Error::NoNumber {
            origin: source.origin(),
            row,
            id: set.ids.as_ref().map(|ids| ids[row].clone()),
            found: shown(&set.classes[label]),
        })
    };
    let numbers = labels.iter().enumerate().map(number).collect::<Result<_, _>>()?;
    set.classes.clear();
    Ok((set, Some(numbers)))
}
