//! What the cells of every column look like, seen in one pass: numbers, times, text.

use super::Table;
use super::format::{TimeFormat, integer};
use super::number::{Notation, Notations, Settled, is_missing, truth};
use super::times;
use crate::Error;

/// What all cells of a column show. It has 32 bytes, for a table can have 2²⁰ columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// The least and the largest number, of those that are plain.
    pub(crate) range: (f64, f64),
    /// Cells that are not missing.
    pub(crate) known: u32,
    /// Those of them that are no number, or none in the notation of those before.
    pub(crate) wrong: u32,
    /// The row of the first of these.
    pub(crate) first_wrong: u32,
    /// In which all others are numbers.
    pub(crate) notations: Notations,
    kinds: u8,
}

/// All known cells are True or False.
const TRUTHS: u8 = 1;
/// All cells are times or whole numbers.
const TIMES: u8 = 2;
/// All cells are whole numbers.
const WHOLE: u8 = 4;
/// A cell has a point.
const POINTS: u8 = 8;
/// All cells are times of a day.
const CLOCKS: u8 = 16;

/// The facts of all columns.
pub(crate) struct Survey {
    pub(crate) columns: Vec<Facts>,
    /// Whether there is a row.
    pub(crate) any: bool,
    /// Whether a column shows by its cells that a comma is the decimal mark.
    pub(crate) decimal_commas: bool,
}

impl Survey {
    /// Looks at all cells. Numbers may be of the notations `given`.
    pub(crate) fn new(table: &Table, given: Notations) -> Result<Self, Error> {
        let start = Facts {
            range: (f64::INFINITY, f64::NEG_INFINITY),
            known: 0,
            wrong: 0,
            first_wrong: 0,
            notations: given,
            kinds: TRUTHS | TIMES | WHOLE | CLOCKS,
        };
        let mut columns = vec![start; table.columns.len()];
        let (mut rows, mut row_number) = (table.rows(), 0);
        while let Some(row) = rows.next()? {
            for (facts, cell) in columns.iter_mut().zip(row.cells()) {
                facts.push(cell, row_number, given, &table.missing);
            }
            row_number += 1;
        }
        let decimal_comma = |facts: &Facts| {
            let numbers = facts.known > 0 && facts.wrong == 0;
            numbers && matches!(facts.notations.settle(), Settled::One(of) if of.has_decimal_comma())
        };
        let decimal_commas = columns.iter().any(decimal_comma);
        Ok(Self { columns, any: row_number > 0, decimal_commas })
    }

    /// Whether all cells of a column are times; whole numbers alone are not.
    pub(crate) fn is_times(&self, column: usize) -> bool {
        self.any && self.columns[column].kinds & (TIMES | WHOLE) == TIMES
    }

    /// Whether all cells of a column are times of a day, as 13:00 or 1:00 PM.
    pub(crate) fn is_clock(&self, column: usize) -> bool {
        self.any && self.columns[column].kinds & CLOCKS != 0
    }

    /// Whether all cells of a column are hours of a day, as whole numbers.
    pub(crate) fn is_hours(&self, column: usize) -> bool {
        let (least, most) = self.columns[column].range;
        self.is_whole(column) && least >= 0.0 && most <= 23.0
    }

    /// Whether all cells of a column are whole numbers.
    pub(crate) fn is_whole(&self, column: usize) -> bool {
        self.any && self.columns[column].kinds & WHOLE != 0
    }
}

impl Facts {
    fn push(&mut self, cell: &str, row: u32, given: Notations, missing: &[f64]) {
        if self.kinds & WHOLE != 0 && integer(cell).is_none() {
            self.kinds &= !WHOLE;
        }
        if self.kinds & (TIMES | WHOLE) == TIMES && TimeFormat::candidates(cell).next().is_none() {
            self.kinds &= !TIMES;
        }
        if self.kinds & CLOCKS != 0 && !times::is_clock(cell) {
            self.kinds &= !CLOCKS;
        }
        if is_missing(cell) {
            return;
        }
        if !missing.is_empty() && cell.parse().is_ok_and(|number| missing.contains(&number)) {
            return;
        }
        self.known += 1;
        // Until another cell comes, truths are what is counted as wrong: among numbers they are.
        if truth(cell).is_none() {
            self.kinds &= !TRUTHS;
        }
        let (found, plain) = Notations::of(cell);
        let both = self.notations.and(found);
        if found.and(given).is_none() || both.is_none() {
            if self.wrong == 0 {
                self.first_wrong = row;
            }
            self.wrong += 1;
            return;
        }
        self.notations = both;
        if cell.contains('.') {
            self.kinds |= POINTS;
        }
        if let Some(number) = plain {
            self.range = (self.range.0.min(number), self.range.1.max(number));
        }
    }

    /// Whether all known cells are True or False.
    pub(crate) fn is_truths(&self) -> bool {
        self.known > 0 && self.kinds & TRUTHS != 0
    }

    /// Whether a cell has a point that may as well part thousands.
    pub(crate) fn may_part_by_points(&self) -> bool {
        self.kinds & POINTS != 0 && self.notations.may_part_by_points()
    }

    /// Whether a cell has a point that cannot part thousands.
    pub(crate) fn shows_points(&self) -> bool {
        self.kinds & POINTS != 0 && !self.notations.may_part_by_points()
    }

    /// Whether the column holds numbers but for a few cells: those are mistakes, and the column no text.
    pub(crate) fn is_nearly_numbers(&self) -> bool {
        self.wrong > 0 && u64::from(self.wrong) * 4 <= u64::from(self.known - self.wrong)
    }
}

/// The least and the largest number of columns in their notations, for those that are not plain.
pub(crate) fn range(table: &Table, column: usize, notation: Notation) -> Result<(f64, f64), Error> {
    let (mut rows, mut range) = (table.rows(), (f64::INFINITY, f64::NEG_INFINITY));
    while let Some(row) = rows.next()? {
        let number = (!is_missing(row.text(column))).then(|| notation.read(row.text(column))).flatten();
        if let Some(number) = number.filter(|number| !table.missing.contains(number)) {
            range = (range.0.min(number), range.1.max(number));
        }
    }
    Ok(range)
}
