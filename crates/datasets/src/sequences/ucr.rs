//! A sequence a line, without a line of names: the UCR archive's `.tsv`.
//!
//! ```text
//! 1<tab>0.1288<tab>0.6244<tab>0.8481
//! 2<tab>0.0077<tab>0.9135<tab>NaN
//! ```
//!
//! The class comes first, a whole number. The values behind it are the steps of one feature; what is missing at the end of
//! a line is no step, for lines of a table have as many cells as the longest.

use super::{Report, Roundings, SequenceSet, classes};
use crate::names::Names;
use crate::series::fault::Refusal;
use crate::table::number::{Notation, is_missing};
use crate::table::numbers::centre;
use crate::table::{Row, Table};

/// The feature's name, as in a `.ts` file.
const FEATURE: &str = "dim_0";

const NUMBER: &str = "a finite number, or nothing where it is missing: a line without names above it is a class and the values \
                      of a sequence";

pub(super) fn parse(table: &Table) -> Result<SequenceSet, Refusal> {
    if table.columns.len() < 3 {
        table.check_names()?;
    }
    let (mut range, mut rows) = ((f64::INFINITY, f64::NEG_INFINITY), table.rows());
    while let Some(row) = rows.next()? {
        for cell in row.cells().skip(1) {
            if let Some(number) = Notation::PLAIN.read(cell) {
                range = (range.0.min(number), range.1.max(number));
            }
        }
    }
    let centre = centre(range.0, range.1);

    let (mut names, mut labels, mut offsets) = (Names::default(), Vec::new(), vec![0]);
    let (mut values, mut roundings) = (Vec::new(), Roundings::new(1));
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        let class = "a class, a whole number: a line without names above it is a class and the values of a sequence";
        // Older files write it 1.0000000e+00.
        let label = Notation::PLAIN
            .read(row.text(0))
            .filter(|label| label.fract() == 0.0)
            .ok_or_else(|| row.error(0, class))?;
        if labels.len() == table.limits.sequences {
            return Err(row.too_many_sequences("sequences").into());
        }
        labels.push(names.place_or_push(&label.to_string()));
        let steps = steps(&row);
        if steps == 0 {
            return Err(row.error(1, "a value").into());
        }
        for column in 1..=steps {
            let cell = row.text(column);
            let number = if is_missing(cell) { Some(f64::NAN) } else { Notation::PLAIN.read(cell) };
            let number = number.map(|number| number - centre).filter(|number| !(*number as f32).is_infinite());
            let number = number.ok_or_else(|| row.error(column, NUMBER))?;
            roundings.push(labels.len() - 1, 0, number);
            values.push(number as f32);
        }
        offsets.push(values.len());
    }
    let (classes, labels) = classes(names, labels);
    let names = vec![FEATURE.to_owned()];
    let report = Report { rounded: roundings.found(&names), ..Report::default() };
    let centres = if centre == 0.0 { Vec::new() } else { vec![centre] };
    Ok(SequenceSet {
        names,
        classes,
        centres,
        values,
        offsets,
        labels: Some(labels),
        step_labels: None,
        ids: None,
        report,
    })
}

/// The values of a line without those that are missing at its end.
fn steps(row: &Row) -> usize {
    row.cells().skip(1).zip(1..).filter(|(cell, _)| !is_missing(cell)).map(|(_, step)| step).last().unwrap_or(0)
}
