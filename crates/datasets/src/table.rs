//! A table in text: a line of names, and lines of as many cells.
//!
//! Cells stand between commas, semicolons or tabs: that of the three which the first line has most of, a comma where it
//! has none. A cell may be quoted with `"`, and a quote within it is doubled. Blanks around a cell, blank lines, a byte
//! order mark and either line end mean nothing. Line breaks within a cell are refused: they come of a quote that is not
//! closed.
//!
//! The text is parsed anew for every pass over the rows, so memory is that of the text and of one line. [`Limits`] bound
//! its cells.

use std::collections::HashSet;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder, Terminator};

use crate::Error;
use crate::error::shown;
use crate::limits::Limits;

const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// What a cell of numbers may hold.
const NUMBER: &str = "a finite number with a decimal point, or nothing where it is missing";

/// What to do about quotes.
const QUOTES: &str = "double the quotes inside a quoted cell, and close it in its line";

/// A table whose rows can be read several times.
pub(crate) struct Table<'a> {
    /// The names of the columns. Some may be empty, of the others each is there once.
    pub(crate) columns: Vec<String>,
    /// The line of the names.
    line: u64,
    /// Where the rows begin.
    body: Place<'a>,
    pub(crate) limits: Limits,
}

/// One pass over the rows of a table.
pub(crate) struct Rows<'a> {
    table: &'a Table<'a>,
    lines: Lines<'a>,
    /// In the rows so far.
    cells: usize,
}

/// One line of a table, with a cell for each column.
pub(crate) struct Row<'a> {
    pub(crate) table: &'a Table<'a>,
    /// Its line in the file, from 1.
    pub(crate) line: u64,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Table<'a> {
    /// Reads the line of names. `origin` stands for the text in messages.
    pub(crate) fn new(origin: &'a str, text: &'a str, limits: Limits) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Lines::new(Place { origin, separator: separator(text), rest: text, before: 0 }, limits);
        let Some(header) = lines.advance()? else {
            return Err(error(origin, 1, None, "the names of the columns", "nothing"));
        };
        let mut columns = Vec::with_capacity(header.ends.len());
        columns.extend(cells(header.text, header.ends).map(str::to_owned));
        let line = header.line;
        let mut names = HashSet::with_capacity(columns.len());
        for (index, name) in columns.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if !names.insert(name.as_str()) {
                let found = format!("{}; rename one of them", shown(name));
                return Err(error(origin, line, column_at(index), "a name that no other column has", &found));
            }
        }
        Ok(Self { columns, line, body: lines.place, limits })
    }

    /// Refuses columns without a name.
    pub(crate) fn check_named(&self) -> Result<(), Error> {
        match self.columns.iter().position(String::is_empty) {
            Some(index) => {
                Err(error(self.body.origin, self.line, column_at(index), "a name for the column", "nothing"))
            }
            None => Ok(()),
        }
    }

    /// The place of the column of this name.
    pub(crate) fn column(&self, name: &str) -> Result<usize, Error> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| Error::Column {
            origin: self.body.origin.to_owned(),
            name: name.to_owned(),
            found: self.columns.clone(),
        })
    }

    /// All rows, from the first.
    pub(crate) fn rows(&'a self) -> Rows<'a> {
        Rows { table: self, lines: Lines::new(self.body, self.limits), cells: 0 }
    }

    /// As many rows as there can be, so that memory for them is taken once: a row has a line, and in it a byte for each
    /// column, its separators and the line end.
    pub(crate) fn rows_max(&self) -> usize {
        let (rest, columns) = (self.body.rest.trim_end_matches(['\r', '\n']), self.columns.len().max(1));
        let lines = rest.bytes().filter(|&byte| byte == b'\n').count() + 1;
        lines.min(rest.len() / columns + 1).min(self.limits.cells / columns)
    }

    /// The line of a row, from 0. All before it are read again, for only messages ask.
    pub(crate) fn line_of(&self, row: usize) -> Result<u64, Error> {
        let (mut rows, mut line) = (self.rows(), self.line);
        for _ in 0..=row {
            line = rows.next()?.map_or(line, |row| row.line);
        }
        Ok(line)
    }
}

impl Rows<'_> {
    /// The next line that is not blank.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, Error> {
        let Place { origin, separator, .. } = self.lines.place;
        let Some(Line { line, text, ends }) = self.lines.advance()? else { return Ok(None) };
        let (expected, found) = (self.table.columns.len(), ends.len());
        if expected != found {
            let expected = format!("{expected} cells, one for each column");
            let found = format!("{found}; quote a cell that holds the separator {separator:?}");
            return Err(error(origin, line, None, &expected, &found));
        }
        self.cells += found;
        if self.cells > self.table.limits.cells {
            return Err(self.table.limits.too_many_cells(origin, line));
        }
        Ok(Some(Row { table: self.table, line, text, ends }))
    }
}

impl Row<'_> {
    /// The cells, each without the blanks around it.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        cells(self.text, self.ends)
    }

    /// The cell of a column, without the blanks around it.
    pub(crate) fn text(&self, column: usize) -> &str {
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text[start..self.ends[column]].trim()
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
        let at = self.table.columns.get(column).map(|name| format!("column {name}"));
        error(self.table.body.origin, self.line, at, expected, &shown(self.text(column)))
    }

    /// The row is that of a sequence too many.
    pub(crate) fn too_many_sequences(&self, what: &'static str) -> Error {
        self.table.limits.too_many_sequences(self.table.body.origin, self.line, what)
    }
}

/// A number that is finite in `f32`, or NaN.
pub(crate) fn number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number: &f32| !number.is_infinite())
}

/// A place in a text, where a line begins.
#[derive(Clone, Copy)]
struct Place<'a> {
    origin: &'a str,
    separator: char,
    rest: &'a str,
    /// How many lines stand before it.
    before: u64,
}

/// The lines from a place on, their cells in a buffer.
struct Lines<'a> {
    place: Place<'a>,
    /// csv-core, not csv: it reads cell by cell, so blanks before a quote can be left out, and what stands behind one be
    /// seen. Built for each pass, for its clones lack the half of their tables.
    parser: Reader,
    /// All cells of a line, unquoted, and more room.
    text: Vec<u8>,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    limits: Limits,
}

/// The cells of one line: each ends in `text` where `ends` says.
struct Line<'a> {
    line: u64,
    text: &'a str,
    ends: &'a [usize],
}

/// Why a line is not one of a table.
enum Unfit {
    /// What was expected, and found.
    Quotes(&'static str, &'static str),
    /// It has too many cells.
    Columns,
}

impl<'a> Lines<'a> {
    fn new(place: Place<'a>, limits: Limits) -> Self {
        let mut builder = ReaderBuilder::new();
        let parser = builder.terminator(Terminator::Any(b'\n')).delimiter(place.separator as u8).build();
        Self { place, parser, text: Vec::new(), ends: Vec::new(), limits }
    }

    /// The cells of the next line that is not blank. Separators are not blanks, tabs neither.
    fn advance(&mut self) -> Result<Option<Line<'_>>, Error> {
        let Place { origin, separator, .. } = self.place;
        let line = loop {
            if self.place.rest.is_empty() {
                return Ok(None);
            }
            let (line, rest) = self.place.rest.split_once('\n').unwrap_or((self.place.rest, ""));
            self.place = Place { rest, before: self.place.before + 1, ..self.place };
            if line.chars().any(|c| !c.is_whitespace() || c == separator) {
                break line;
            }
        };
        let number = self.place.before;
        let limits = self.limits;
        let end = self.parse(line).map_err(|unfit| match unfit {
            Unfit::Quotes(expected, found) => error(origin, number, None, expected, &format!("{found}; {QUOTES}")),
            Unfit::Columns => limits.too_many_columns(origin, number, "columns"),
        })?;
        match str::from_utf8(&self.text[..end]) {
            Ok(text) => Ok(Some(Line { line: number, text, ends: &self.ends })),
            Err(cause) => Err(error(origin, number, None, "text in UTF-8", &cause.to_string())),
        }
    }

    /// Fills the buffer with the cells of a line. Returns where the last one ends.
    fn parse(&mut self, line: &str) -> Result<usize, Unfit> {
        // The line before was ended by the line end it was given: the parser is at the start of a record.
        self.ends.clear();
        // A cell is never longer than what it is read from. Where no room is left the parser would ask for more.
        if self.text.len() <= line.len() {
            self.text.resize(line.len() + 1, 0);
        }
        let (mut rest, mut end) = (line, 0);
        loop {
            rest = rest.trim_start_matches(' ');
            // To the parser, no bytes mean the end of the file.
            let (result, read, written) = match rest {
                "" => (ReadFieldResult::InputEmpty, 0, 0),
                _ => self.parser.read_field(rest.as_bytes(), &mut self.text[end..]),
            };
            let last = !matches!(result, ReadFieldResult::Field { .. });
            if last && !matches!(self.parser.read_field(b"\n", &mut [0]).0, ReadFieldResult::Field { .. }) {
                return Err(Unfit::Quotes("cells of one line", "a quote that is not closed in it"));
            }
            let raw = &rest[..read - usize::from(!last)];
            let cell = &self.text[end..end + written];
            if raw.starts_with('"') && !ends_with_its_quote(raw, cell) {
                return Err(Unfit::Quotes("a separator behind a quoted cell", "text that follows its closing quote"));
            }
            if self.ends.len() == self.limits.columns {
                return Err(Unfit::Columns);
            }
            end += written;
            self.ends.push(end);
            if last {
                return Ok(end);
            }
            rest = &rest[read..];
        }
    }
}

/// False if text follows the quote that closes the cell `raw`. The parser takes that into the cell as it is: then the
/// quotes are fewer than two and two for each in the cell, or something other than blanks stands behind the last.
fn ends_with_its_quote(raw: &str, cell: &[u8]) -> bool {
    let quotes = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'"').count();
    raw.trim_end().ends_with('"') && quotes(raw.as_bytes()) == 2 + 2 * quotes(cell)
}

fn cells<'a>(text: &'a str, ends: &'a [usize]) -> impl Iterator<Item = &'a str> {
    let starts = [0].into_iter().chain(ends.iter().copied());
    starts.zip(ends).map(|(start, &end)| text[start..end].trim())
}

fn column_at(index: usize) -> Option<String> {
    Some(format!("column {}", index + 1))
}

fn error(origin: &str, line: u64, at: Option<String>, expected: &str, found: &str) -> Error {
    Error::Line { origin: origin.to_owned(), line, at, expected: expected.to_owned(), found: found.to_owned() }
}

/// The separator that the first line has most of, outside quotes.
fn separator(text: &str) -> char {
    let first = text.split('\n').find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut quoted = false;
    for c in first.chars() {
        quoted ^= c == '"';
        for (separator, count) in SEPARATORS.iter().zip(&mut counts) {
            *count += usize::from(c == *separator && !quoted);
        }
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    SEPARATORS.into_iter().zip(counts).find(|&(_, count)| count == most).map_or(',', |(separator, _)| separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its line, and its cells.
    type Cells = (u64, Vec<String>);

    fn rows(text: &str) -> Result<(Vec<String>, Vec<Cells>), String> {
        let table = Table::new("t.csv", text, Limits::default()).map_err(|error| error.to_string())?;
        let pass = || {
            let (mut rows, mut read) = (table.rows(), Vec::new());
            while let Some(row) = rows.next().map_err(|error| error.to_string())? {
                let cells: Vec<String> = row.cells().map(str::to_owned).collect();
                assert!((0..cells.len()).all(|column| row.text(column) == cells[column]));
                read.push((row.line, cells));
            }
            Ok(read)
        };
        let read: Result<_, String> = pass();
        assert_eq!(pass(), read, "every pass is the first");
        Ok((table.columns.clone(), read?))
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
            ("a,b,a\n", "line 1, column 3: expected a name that no other column has, found \"a\""),
            ("a,b\n1,2\n\n1,2,3\n", "line 4: expected 2 cells, one for each column, found 3"),
            ("a,b\r\n1,2\r\n\r\n1\r\n", "line 4: expected 2 cells, one for each column, found 1"),
            ("a,b\n1,\"2\n1,2\n1,2\n", "line 2: expected cells of one line, found a quote that is not closed"),
            ("a,b\n1,2\n1,\"2", "line 3: expected cells of one line"),
            ("a,\"b\n", "line 1: expected cells of one line"),
            ("a,b\n1,\"2\"\"\n", "line 2: expected cells of one line"),
            ("a,b\n1,\"two\nlines\"\n", "line 2: expected cells of one line"),
            ("a,b\n1,2\n3, \"4", "line 3: expected cells of one line"),
            ("a,b\n1,\"2\"3\n", "line 2: expected a separator behind a quoted cell, found text that follows"),
            ("a,b\n1,\"2\" \"3\"\n", "line 2: expected a separator behind a quoted cell"),
            ("a,b\n1,\"2\"3\"\"\n", "line 2: expected a separator behind a quoted cell"),
            ("a,b\n\"1\"x,2\n", "double the quotes inside a quoted cell, and close it"),
            ("a;b\n1;2;3\n", "found 3; quote a cell that holds the separator ';'"),
        ] {
            let message = rows(text).unwrap_err();
            assert!(message.starts_with("cannot read t.csv: ") && message.contains(says), "{text:?}: {message}");
        }
    }

    #[test]
    fn blanks_stand_around_quotes_and_quotes_within_cells() {
        let text = "\"Month\", \"a, b\" ,c\n\"JAN\",  \" 340\"\t, 5\"\n\"\"\"\" , \"x\"\"y\", a\"b\"\n\"\",,\"\"\n";
        let (columns, rows) = rows(text).unwrap();
        assert_eq!(columns, ["Month", "a, b", "c"]);
        let cells: Vec<_> = rows.into_iter().map(|(_, cells)| cells).collect();
        assert_eq!(cells, [["JAN", "340", "5\""], ["\"", "x\"y", "a\"b\""], ["", "", ""]]);
    }

    #[test]
    fn empty_cells_between_tabs_are_cells() {
        let cells = |line, cells: [&str; 2]| (line, cells.map(str::to_owned).to_vec());
        assert_eq!(rows("a\tb\n1\t\n\t\n \n").unwrap().1, [cells(2, ["1", ""]), cells(3, ["", ""])]);
        // A table that was saved with the numbers of its rows, their column without a name.
        assert_eq!(rows("\ty\n0\t1\n").unwrap(), (vec!["".to_owned(), "y".to_owned()], vec![cells(2, ["0", "1"])]));
    }

    #[test]
    fn columns_without_a_name_are_refused_where_they_need_one() {
        let table = Table::new("t.csv", "\na,,c,\n1,2,3,4\n", Limits::default()).unwrap();
        assert_eq!(table.columns, ["a", "", "c", ""]);
        let message = table.check_named().unwrap_err().to_string();
        assert!(message.contains("line 2, column 2: expected a name for the column, found nothing"), "{message}");
        assert!(Table::new("t.csv", "a,b\n", Limits::default()).unwrap().check_named().is_ok());
    }

    #[test]
    fn numbers_are_finite_or_missing() {
        let table = Table::new("t", "a;b;c;d;e\n1.5;;NaN;1,5;1e39\n", Limits::default()).unwrap();
        let mut rows = table.rows();
        let row = rows.next().unwrap().unwrap();
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
        let message = Table::new("t.csv", "a,b\n", Limits::default()).unwrap().column("id").unwrap_err().to_string();
        assert!(message.contains("t.csv") && message.contains("column id") && message.contains("a, b"), "{message}");
    }
    #[test]
    fn more_cells_or_columns_than_are_kept_are_refused_with_the_line() {
        let read = |text: &str, limits| -> Result<usize, String> {
            let table = Table::new("t.csv", text, limits).map_err(|error| error.to_string())?;
            let (mut rows, mut count) = (table.rows(), 0);
            while rows.next().map_err(|error| error.to_string())?.is_some() {
                count += 1;
            }
            Ok(count)
        };
        let limits = |cells, columns| Limits { cells, columns, ..Limits::default() };
        assert_eq!(read("a,b\n1,2\n\n3,4\n", limits(4, 2)), Ok(2));
        let message = read("a,b\n1,2\n\n3,4\n", limits(3, 2)).unwrap_err();
        assert!(
            message.starts_with("cannot read t.csv: line 4: expected at most 3 cells up to this line"),
            "{message}"
        );
        for (text, line) in [("a,b,c\n", 1), ("a,b\n1,2,,,,,\n", 2)] {
            let message = read(text, limits(100, 2)).unwrap_err();
            let says = format!("line {line}: expected at most 2 columns, found more; leave some out");
            assert!(message.contains(&says), "{message}");
        }
    }

    #[test]
    fn rows_are_counted_from_above_and_their_lines_found_again() {
        for (text, rows, lines) in [
            ("a,b\n1,2\n3,4\n", 2, &[2, 3][..]),
            ("a,b\r\n1,2\r\n\r\n3,4", 3, &[2, 4]),
            ("a,b\n,\n,\n,", 3, &[2, 3, 4]),
            ("a\n1\n\n\n\n2\n", 5, &[2, 6]),
            // Lines that could hold no row.
            ("a,b,c,d\n\n\n\n\n\n1,2,3,4\n", 4, &[7]),
        ] {
            let table = Table::new("t.csv", text, Limits::default()).unwrap();
            assert_eq!(table.rows_max(), rows, "{text:?}");
            let found: Vec<u64> = (0..lines.len()).map(|row| table.line_of(row).unwrap()).collect();
            assert_eq!(found, lines, "{text:?}");
        }
    }
}
