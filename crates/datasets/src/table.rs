//! A table in text: a line of names, and lines of as many cells.
//!
//! Cells stand between commas, semicolons or tabs: that of the three which the first line has most of, a comma where it
//! has none. A cell may be quoted with `"`. Blanks around a cell, blank lines, a byte order mark and either line end
//! mean nothing. Line breaks within a cell are refused: they come of a quote that is not closed.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord, Terminator};

use crate::Error;
use crate::error::shown;

const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What a cell of numbers may hold.
const NUMBER: &str = "a finite number with a decimal point, or nothing where it is missing";

/// A table that is read line by line.
pub(crate) struct Table<'a> {
    origin: &'a str,
    reader: csv::Reader<Box<dyn Read + 'a>>,
    record: StringRecord,
    /// The names of the columns, each once, none empty.
    pub(crate) columns: Vec<String>,
}

/// One line of a table, with a cell for each column.
pub(crate) struct Row<'a> {
    origin: &'a str,
    columns: &'a [String],
    record: &'a StringRecord,
    /// Its line in the file, from 1.
    pub(crate) line: u64,
}

impl<'a> Table<'a> {
    /// Reads the line of names. `origin` stands for the text in messages.
    pub(crate) fn new(origin: &'a str, text: &'a str) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // With a line end after the last line too, every record ends at one, and lines can be counted from there.
        let bytes: Box<dyn Read> = Box::new(text.as_bytes().chain(&b"\n"[..]));
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .delimiter(separator(text))
            .from_reader(bytes);
        let mut table = Self { origin, reader, record: StringRecord::new(), columns: Vec::new() };

        let Some(line) = table.advance()? else {
            return Err(error(origin, 1, None, "the names of the columns", "nothing"));
        };
        for (index, name) in table.record.iter().map(str::trim).enumerate() {
            let at = || Some(format!("column {}", index + 1));
            if name.is_empty() {
                return Err(error(origin, line, at(), "a name for the column", "nothing"));
            }
            if table.columns.iter().any(|other| other == name) {
                return Err(error(origin, line, at(), "a name that no other column has", &shown(name)));
            }
            table.columns.push(name.to_owned());
        }
        Ok(table)
    }

    /// The place of the column of this name.
    pub(crate) fn column(&self, name: &str) -> Result<usize, Error> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| Error::Column {
            origin: self.origin.to_owned(),
            name: name.to_owned(),
            found: self.columns.clone(),
        })
    }

    /// The next line that is not blank.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, Error> {
        let Some(line) = self.advance()? else { return Ok(None) };
        let (expected, found) = (self.columns.len(), self.record.len());
        if expected != found {
            let expected = format!("{expected} cells, one for each column");
            return Err(error(self.origin, line, None, &expected, &found.to_string()));
        }
        Ok(Some(Row { origin: self.origin, columns: &self.columns, record: &self.record, line }))
    }

    /// Fills the record and returns its line.
    fn advance(&mut self) -> Result<Option<u64>, Error> {
        loop {
            let more = self.reader.read_record(&mut self.record);
            let after = self.reader.position().line();
            match more {
                Err(cause) => return Err(error(self.origin, after, None, "a line of cells", &cause.to_string())),
                Ok(false) => return Ok(None),
                Ok(true) => {}
            }
            let breaks = self.record.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
            // A quote that is never closed swallows the last line end too.
            let ended = !self.record.iter().next_back().is_some_and(|cell| cell.ends_with('\n'));
            let line = after.saturating_sub(u64::from(ended) + breaks).max(1);
            if breaks > 0 {
                return Err(error(self.origin, line, None, "cells of one line", "a quote that is not closed in it"));
            }
            let blank = self.record.len() == 1 && self.record.iter().all(|cell| cell.trim().is_empty());
            if !blank {
                return Ok(Some(line));
            }
        }
    }
}

impl Row<'_> {
    /// The cell of a column, without the blanks around it.
    pub(crate) fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default().trim()
    }

    /// The cell as a number; NaN where it is empty or `NaN`.
    pub(crate) fn number(&self, column: usize) -> Result<f32, Error> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(f32::NAN);
        }
        number(text).ok_or_else(|| self.error(column, NUMBER))
    }

    /// What is wrong with a cell: what was expected in its place.
    pub(crate) fn error(&self, column: usize, expected: &str) -> Error {
        let at = self.columns.get(column).map(|name| format!("column {name}"));
        error(self.origin, self.line, at, expected, &shown(self.text(column)))
    }
}

/// A number that is finite in `f32`, or NaN.
pub(crate) fn number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number: &f32| !number.is_infinite())
}

fn error(origin: &str, line: u64, at: Option<String>, expected: &str, found: &str) -> Error {
    Error::Line { origin: origin.to_owned(), line, at, expected: expected.to_owned(), found: found.to_owned() }
}

/// The separator that the first line has most of, outside quotes.
fn separator(text: &str) -> u8 {
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut quoted = false;
    for byte in text.trim_start().bytes().take_while(|&byte| byte != b'\n') {
        quoted ^= byte == b'"';
        for (separator, count) in SEPARATORS.iter().zip(&mut counts) {
            *count += usize::from(byte == *separator && !quoted);
        }
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    SEPARATORS.into_iter().zip(counts).find(|&(_, count)| count == most).map_or(b',', |(separator, _)| separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its line, and its cells.
    type Cells = (u64, Vec<String>);

    fn rows(text: &str) -> Result<(Vec<String>, Vec<Cells>), String> {
        let mut table = Table::new("t.csv", text).map_err(|error| error.to_string())?;
        let columns = table.columns.clone();
        let mut rows = Vec::new();
        while let Some(row) = table.next().map_err(|error| error.to_string())? {
            rows.push((row.line, (0..columns.len()).map(|column| row.text(column).to_owned()).collect()));
        }
        Ok((columns, rows))
    }

    #[test]
    fn every_separator_line_end_and_quote_is_read_with_its_line() {
        for (separator, end) in [(",", "\n"), (";", "\n"), ("\t", "\n"), (",", "\r\n"), (";", "\r\n")] {
            for last in ["", end] {
                let lines = ["\u{feff}a ,\"b \"", "1,\"x\"\"y\"", "", " ", "3,", "4,\"5\""];
                let text = lines.join(end).replace(',', separator) + last;
                let (columns, rows) = rows(&text).unwrap();
                assert_eq!(columns, ["a", "b"], "{text:?}");
                let expected = [(2, "1", "x\"y"), (5, "3", ""), (6, "4", "5")];
                let expected = expected.map(|(line, a, b)| (line, vec![a.to_owned(), b.to_owned()]));
                assert_eq!(rows, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn separators_in_quotes_do_not_count() {
        assert_eq!(rows("\"a,b,c\";d\n1;2").unwrap().0, ["a,b,c", "d"]);
        assert_eq!(rows("alone\n1\n2").unwrap().1.len(), 2);
    }

    #[test]
    fn wrong_tables_are_refused_with_the_line() {
        for (text, says) in [
            ("", "line 1: expected the names of the columns, found nothing"),
            ("\n \r\n", "expected the names of the columns"),
            ("a,,c\n", "line 1, column 2: expected a name for the column"),
            ("a,b,a\n", "line 1, column 3: expected a name that no other column has, found \"a\""),
            ("a,b\n1,2\n\n1,2,3\n", "line 4: expected 2 cells, one for each column, found 3"),
            ("a,b\r\n1,2\r\n\r\n1\r\n", "line 4: expected 2 cells, one for each column, found 1"),
            ("a,b\n1,\"2\n1,2\n1,2\n", "line 2: expected cells of one line, found a quote that is not closed"),
            ("a,b\n1,2\n1,\"2", "line 3: expected cells of one line"),
        ] {
            let message = rows(text).unwrap_err();
            assert!(message.starts_with("cannot read t.csv: ") && message.contains(says), "{text:?}: {message}");
        }
    }

    #[test]
    fn numbers_are_finite_or_missing() {
        let mut table = Table::new("t", "a;b;c;d;e\n1.5;;NaN;1,5;1e39\n").unwrap();
        let row = table.next().unwrap().unwrap();
        assert_eq!(row.number(0).unwrap(), 1.5);
        assert!(row.number(1).unwrap().is_nan() && row.number(2).unwrap().is_nan());
        for (column, says) in [(3, "line 2, column d: expected a finite number with a decimal point"), (4, "\"1e39\"")]
        {
            let message = row.number(column).unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
        assert!(number("inf").is_none() && number("-1e-3") == Some(-1e-3) && number("1 2").is_none());
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_there_are() {
        let message = Table::new("t.csv", "a,b\n").unwrap().column("id").unwrap_err().to_string();
        assert!(message.contains("t.csv") && message.contains("column id") && message.contains("a, b"), "{message}");
    }
}
