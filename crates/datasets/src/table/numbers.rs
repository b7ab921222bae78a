//! Columns of numbers: how their cells are read, and around which number they are kept.

use super::number::{Notation, Settled, is_missing, truth};
use super::survey::{Facts, Survey, range};
use super::taken::{Column, Why};
use super::{Row, Table};
use crate::series::SeriesFault;
use crate::series::fault::Refusal;

/// How far a column may be from 0 for its spread before it is kept as what its numbers differ from their middle. Up to
/// here `f32` keeps 18 of its 24 bits for the spread, and what is read stays the same number.
const FAR: f64 = 64.0;

/// A column of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    /// There are at most 2²⁰.
    column: u32,
    /// None where the cells are True and False.
    notation: Option<Notation>,
    /// What the numbers are kept as differences from.
    pub(crate) centre: f64,
}

/// What a column that is not asked for turns out to be.
pub(crate) enum Found {
    Numbers(Numbers),
    /// Why it is not read.
    Not(Why),
}

impl Numbers {
    /// Its place in the table.
    pub(crate) fn column(&self) -> usize {
        self.column as usize
    }

    /// A column that has to hold numbers.
    pub(crate) fn of(table: &Table, survey: &Survey, column: usize) -> Result<Self, Refusal> {
        let facts = survey.columns[column];
        if facts.wrong > 0 && !facts.is_truths() {
            return Err(wrong(table, column, facts)?.into());
        }
        Self::settled(table, survey, column, facts)
    }

    /// A column that is read where it holds numbers.
    pub(crate) fn find(table: &Table, survey: &Survey, column: usize) -> Result<Found, Refusal> {
        let facts = survey.columns[column];
        if super::is_unnamed(&table.columns[column]) {
            return Ok(Found::Not(Why::Unnamed));
        }
        if facts.known == 0 {
            return Ok(Found::Not(Why::Empty));
        }
        if survey.is_times(column) {
            return Ok(Found::Not(Why::Times));
        }
        if facts.wrong > 0 && !facts.is_truths() {
            if facts.is_nearly_numbers() {
                let (line, found) = table.cell(facts.first_wrong, column)?;
                let (column, numbers) = (table.columns[column].clone(), facts.known - facts.wrong);
                return Err(SeriesFault::NearlyNumbers { line, column, found, numbers, known: facts.known }.into());
            }
            let (line, cell) = table.cell(facts.first_wrong, column)?;
            return Ok(Found::Not(Why::Text { line, cell }));
        }
        Self::settled(table, survey, column, facts).map(Found::Numbers)
    }

    fn settled(table: &Table, survey: &Survey, column: usize, facts: Facts) -> Result<Self, Refusal> {
        if facts.is_truths() {
            return Ok(Numbers { column: column as u32, notation: None, centre: 0.0 });
        }
        let Settled::One(notation) = facts.notations.settle() else {
            return Err(ambiguous(table, column, ',')?.into());
        };
        // Where another column shows that commas are decimal marks, a point may part thousands here; or where semicolons
        // part the cells, for they do so where commas are decimal marks.
        let may_have_commas = survey.decimal_commas || table.separator() == ';';
        if notation == Notation::PLAIN && facts.may_part_by_points() && may_have_commas {
            return Err(ambiguous(table, column, '.')?.into());
        }
        let (least, most) = if notation == Notation::PLAIN { facts.range } else { range(table, column, notation)? };
        Ok(Numbers { column: column as u32, notation: Some(notation), centre: centre(least, most) })
    }

    /// The number of a row: NaN where it is missing.
    pub(crate) fn read(&self, row: &Row) -> Result<f64, SeriesFault> {
        let cell = row.text(self.column());
        if is_missing(cell) {
            return Ok(f64::NAN);
        }
        let number = match self.notation {
            Some(notation) => notation.read(cell),
            None => truth(cell),
        };
        if number.is_some_and(|number| row.table.missing.contains(&number)) {
            return Ok(f64::NAN);
        }
        let kept = number.filter(|number| ((number - self.centre) as f32).is_finite());
        kept.ok_or_else(|| no_number(&row.table.columns[self.column()], row.line, cell))
    }

    /// Its notation, if that is not plain.
    pub(crate) fn marked(&self) -> Option<Notation> {
        self.notation.filter(|&notation| notation != Notation::PLAIN)
    }

    pub(crate) fn is_truths(&self) -> bool {
        self.notation.is_none()
    }

    /// What it was taken for.
    pub(crate) fn describe(&self, table: &Table, survey: &Survey) -> Column {
        let facts = survey.columns[self.column()];
        let how = match self.notation {
            None => Some("True as 1, False as 0".to_owned()),
            Some(notation) => notation.words(),
        };
        Column { name: table.columns[self.column()].clone(), numbers: facts.known as usize, how }
    }
}

/// What numbers from `least` to `most` are kept as differences from: 0, unless they are far from it.
pub(crate) fn centre(least: f64, most: f64) -> f64 {
    let (spread, far) = (most - least, least.abs().max(most.abs()));
    // Of no numbers, or of some beyond all: what cannot be kept is refused where it stands.
    if !(spread.is_finite() && far <= f64::from(f32::MAX))
        || spread * FAR >= far
        || (spread == 0.0 && f64::from(far as f32) == far)
    {
        return 0.0;
    }
    let middle = least + spread / 2.0;
    // Whole where that costs nothing: differences then have no more digits than the numbers.
    if spread >= 1.0 { middle.round() } else { middle }
}

fn no_number(column: &str, line: u64, cell: &str) -> SeriesFault {
    let parsed = cell.parse::<f64>();
    let why = match parsed {
        Ok(_) => "is not a finite number of 32 bits",
        Err(_) => "is not a number",
    };
    SeriesFault::Number { line, column: column.to_owned(), found: cell.to_owned(), why }
}

/// The first cell of a column that is no number.
fn wrong(table: &Table, column: usize, facts: Facts) -> Result<SeriesFault, Refusal> {
    let (line, found) = table.cell(facts.first_wrong, column)?;
    Ok(no_number(&table.columns[column], line, &found))
}

/// The first cell of a column with a mark that is either.
fn ambiguous(table: &Table, column: usize, mark: char) -> Result<SeriesFault, Refusal> {
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        let cell = row.text(column);
        if cell.contains(mark) && !is_missing(cell) {
            let (column, found) = (table.columns[column].clone(), cell.to_owned());
            return Ok(SeriesFault::NumberAmbiguous { line: row.line, column, found, mark });
        }
    }
    let (column, found) = (table.columns[column].clone(), String::new());
    Ok(SeriesFault::NumberAmbiguous { line: 1, column, found, mark })
}

/// Counts what becomes equal when numbers are rounded to `f32`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounding {
    last: f64,
    changes: u32,
    lost: u32,
}

impl Rounding {
    pub(crate) const NONE: Self = Rounding { last: f64::NAN, changes: 0, lost: 0 };

    /// The next number of a column, less its centre. What is missing is passed over.
    pub(crate) fn push(&mut self, number: f64) {
        if number.is_nan() {
            return;
        }
        if !self.last.is_nan() && number != self.last {
            self.changes += 1;
            self.lost += u32::from(number as f32 == self.last as f32);
        }
        self.last = number;
    }

    /// The counts of two sequences together.
    pub(crate) fn and(self, other: Self) -> Self {
        let (changes, lost) = (self.changes.saturating_add(other.changes), self.lost.saturating_add(other.lost));
        Rounding { last: f64::NAN, changes, lost }
    }

    /// Whether most changes from a number to the next are lost, and how many of how many.
    pub(crate) fn lost(&self) -> Option<(u32, u32)> {
        (self.lost > self.changes / 2).then_some((self.lost, self.changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_far_from_0_are_kept_as_differences() {
        assert_eq!(centre(1_600_000_102.0, 1_600_000_210.0), 1_600_000_156.0);
        assert_eq!(centre(0.0, 250.0), 0.0);
        assert_eq!(centre(-5.0, 5.0), 0.0);
        assert_eq!(centre(100.0, 102.0), 0.0, "f32 keeps enough of it");
        assert_eq!(centre(7.0, 7.0), 0.0);
        assert_eq!(centre(1_600_000_001.0, 1_600_000_001.0), 1_600_000_001.0);
        assert_eq!(centre(f64::INFINITY, f64::NEG_INFINITY), 0.0, "of no numbers");
        assert_eq!(centre(f64::MIN, f64::MAX), 0.0);
        let middle = centre(1e6 + 0.25, 1e6 + 0.75);
        assert_eq!(middle, 1e6 + 0.5);
    }

    #[test]
    fn lost_changes_are_counted() {
        let count = |numbers: &[f64]| {
            let mut rounding = Rounding::NONE;
            numbers.iter().for_each(|&number| rounding.push(number));
            rounding.lost()
        };
        assert_eq!(count(&[1.6e9, f64::NAN, 1.6e9 + 1.0, 1.6e9 + 2.0, 0.0]), Some((2, 3)));
        assert_eq!(count(&[1.0, 2.0, 2.0, 3.0]), None);
        assert_eq!(count(&[]), None);
    }
}
