//! A table in text: a line of names, and lines of as many cells. The one reader of tables, for whatever they hold: here are
//! its lines and cells, in the files beside it what cells and columns are taken for.
//!
//! Cells stand between commas, semicolons or tabs: that of the three which the first line has most of, a comma where it
//! has none. A cell may be quoted with `"`, and a quote within it is doubled. Blanks around a cell, blank lines, a byte
//! order mark and either line end mean nothing. A first line `sep=;`, as Excel writes it, names the separator. Line breaks within a cell are refused: they come of a quote that is not
//! closed. A line that begins with `#` is a remark, unless it is below the names and has as many cells as they.
//!
//! The text is parsed anew for every pass over the rows, so memory is that of the text and of one line. [`Limits`] bound
//! its cells.

mod format;
pub(crate) mod number;
pub(crate) mod numbers;
mod pattern;
pub(crate) mod stand_in;
pub(crate) mod survey;
pub(crate) mod taken;
pub mod time;
pub(crate) mod times;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder, Terminator};

pub use self::format::{Offset, TimeFormat};
pub use self::pattern::Pattern;
use crate::Error;
use crate::error::shown;
use crate::limits::Limits;
use crate::series::SeriesFault;

const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// What to do about quotes.
const QUOTES: &str = "double the quotes inside a quoted cell, and close it in its line";

/// A table whose rows can be read several times.
pub(crate) struct Table<'a> {
    /// The names of the columns. Some may be empty, of the others each is there once.
    pub(crate) columns: Vec<String>,
    /// The line of the names.
    line: u64,
    /// There are no names: the first line has values, and is the first row. Then `columns` are its cells.
    pub(crate) headless: bool,
    /// Lines before the names that begin with `#`.
    remarks: usize,
    /// Where the rows begin.
    body: Place<'a>,
    pub(crate) limits: Limits,
    /// Numbers that stand for missing values.
    pub(crate) missing: Vec<f64>,
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
        if !text.contains('\n') && text.trim_end().contains('\r') {
            let found = "lines that end in CR alone; save the table again, as CSV with other line ends";
            return Err(error(origin, 1, None, "lines that end in LF or in CR and LF", found));
        }
        let start = match named_separator(text) {
            Some((separator, rest)) => Place { origin, separator, rest, before: 1 },
            None => Place { origin, separator: separator(text), rest: text, before: 0 },
        };
        let mut lines = Lines::new(start, limits);
        let Some(header) = lines.advance(None)? else {
            return Err(error(origin, 1, None, "the names of the columns", "nothing"));
        };
        let mut columns = Vec::with_capacity(header.ends.len());
        columns.extend(cells(header.text, header.ends).map(str::to_owned));
        let line = header.line;
        // The formats of time series archives begin so; their data is no table.
        if columns.first().is_some_and(|first: &String| first.starts_with('@')) {
            let found =
                format!("{}: a .ts, .tsf or .arff file, which is no table; its name must end so", shown(&columns[0]));
            return Err(error(origin, line, None, "the names of the columns", &found));
        }
        let headless = are_values(&columns);
        let remarks = lines.remarks;
        if headless {
            return Ok(Self { columns, line, headless, remarks, body: start, limits, missing: Vec::new() });
        }
        // In the order of the names, and of equal ones as they stand.
        let mut order: Vec<u32> =
            (0..columns.len() as u32).filter(|&index| !columns[index as usize].is_empty()).collect();
        order.sort_unstable_by(|&a, &b| columns[a as usize].cmp(&columns[b as usize]).then(a.cmp(&b)));
        let again = order.windows(2).filter(|two| columns[two[0] as usize] == columns[two[1] as usize]);
        if let Some(index) = again.map(|two| two[1] as usize).min() {
            let found = format!("{}; rename one of them", shown(&columns[index]));
            return Err(error(origin, line, column_at(index), "a name that no other column has", &found));
        }
        Ok(Self { columns, line, headless, remarks, body: lines.place, limits, missing: Vec::new() })
    }

    /// What parts its cells.
    pub(crate) fn separator(&self) -> char {
        self.body.separator
    }

    /// What stands for the text in messages.
    pub(crate) fn origin(&self) -> &'a str {
        self.body.origin
    }

    /// Refuses a table whose first line has values.
    pub(crate) fn check_names(&self) -> Result<(), Error> {
        if !self.headless {
            return Ok(());
        }
        let found = format!("values alone, as {}; put a line of names above", shown(self.columns[0].as_str()));
        Err(error(self.body.origin, self.line, None, "the names of the columns", &found))
    }

    /// The line and the text of a cell, from 0. All rows before it are read again, for only messages ask.
    pub(crate) fn cell(&self, row: u32, column: usize) -> Result<(u64, String), Error> {
        let mut rows = self.rows();
        for _ in 0..row {
            rows.next()?;
        }
        Ok(rows.next()?.map(|row| (row.line, row.text(column).to_owned())).unwrap_or_default())
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

    /// Lines that begin with `#` and are no rows. All rows are read again.
    pub(crate) fn remarks(&self) -> Result<usize, Error> {
        let mut rows = self.rows();
        while rows.next()?.is_some() {}
        Ok(self.remarks * usize::from(!self.headless) + rows.lines.remarks)
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
        let columns = self.table.columns.len();
        let Some(Line { line, text, ends }) = self.lines.advance(Some(columns))? else { return Ok(None) };
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

    /// What is wrong with a cell: what was expected in its place.
    pub(crate) fn error(&self, column: usize, expected: &str) -> Error {
        let at = match self.table.headless {
            true => column_at(column),
            false => self.table.columns.get(column).map(|name| format!("column {name}")),
        };
        error(self.table.body.origin, self.line, at, expected, &shown(self.text(column)))
    }

    /// The row is that of a sequence too many.
    pub(crate) fn too_many_sequences(&self, what: &'static str) -> Error {
        self.table.limits.too_many_sequences(self.table.body.origin, self.line, what)
    }
}

/// The place of the column that takes this role.
pub(crate) fn column(table: &Table, role: &'static str, name: &str) -> Result<usize, SeriesFault> {
    let missing = || SeriesFault::NoColumn { role, name: name.to_owned(), columns: table.columns.clone() };
    table.columns.iter().position(|column| column == name).ok_or_else(missing)
}

/// The places of the columns of this role: each by its name; or one name that none has, as several between commas.
pub(crate) fn columns_of(table: &Table, role: &'static str, names: &[String]) -> Result<Vec<usize>, SeriesFault> {
    let names = among(&table.columns, names);
    names.iter().map(|name| column(table, role, name)).collect()
}

/// Names as they are; or one that is none of `columns`, as several between commas.
pub(crate) fn among(columns: &[String], names: &[String]) -> Vec<String> {
    match names {
        [name] if !columns.contains(name) => name.split(',').map(|name| name.trim().to_owned()).collect(),
        names => names.to_vec(),
    }
}

/// Whether a column has no name of its own: those that hold the numbers of rows have none, or pandas's `Unnamed: 0`.
pub(crate) fn is_unnamed(name: &str) -> bool {
    name.is_empty() || name.strip_prefix("Unnamed: ").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a line has values alone where names should be, the first at least. Names may be 0, 1, 2 and so on, as other
/// programs write them.
fn are_values(columns: &[String]) -> bool {
    let value = |cell: &String| {
        cell.parse::<f64>().is_ok() || (cell.len() > 3 && TimeFormat::candidates(cell).next().is_some())
    };
    let counted = || columns.iter().zip(0..).all(|(name, index)| name.parse() == Ok(index));
    columns.first().is_some_and(value) && columns.iter().all(|cell| cell.is_empty() || value(cell)) && !counted()
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
    /// Lines so far that begin with `#` and are no rows.
    remarks: usize,
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
        Self { place, parser: parser(place.separator), text: Vec::new(), ends: Vec::new(), remarks: 0, limits }
    }

    /// The cells of the next line that is neither blank nor a remark. Separators are not blanks, tabs neither. Below the
    /// names, of which there are `columns`, a line that has as many cells is a row, whatever it begins with.
    fn advance(&mut self, columns: Option<usize>) -> Result<Option<Line<'_>>, Error> {
        let Place { origin, separator, .. } = self.place;
        let end = loop {
            if self.place.rest.is_empty() {
                return Ok(None);
            }
            let (line, rest) = self.place.rest.split_once('\n').unwrap_or((self.place.rest, ""));
            self.place = Place { rest, before: self.place.before + 1, ..self.place };
            if !line.chars().any(|c| !c.is_whitespace() || c == separator) {
                continue;
            }
            let may_be_remark = line.trim_start().starts_with('#');
            if may_be_remark && columns.is_none() {
                self.remarks += 1;
                continue;
            }
            let parsed = self.parse(line);
            if may_be_remark && !(parsed.is_ok() && columns == Some(self.ends.len())) {
                self.remarks += 1;
                // A quote that a remark leaves open is not for the next line.
                self.reset();
                continue;
            }
            break parsed;
        };
        let number = self.place.before;
        let limits = self.limits;
        let end = end.map_err(|unfit| match unfit {
            Unfit::Quotes(expected, found) => error(origin, number, None, expected, &format!("{found}; {QUOTES}")),
            Unfit::Columns => limits.too_many_columns(origin, number, "columns"),
        })?;
        match str::from_utf8(&self.text[..end]) {
            Ok(text) => Ok(Some(Line { line: number, text, ends: &self.ends })),
            Err(cause) => Err(error(origin, number, None, "text in UTF-8", &cause.to_string())),
        }
    }

    fn reset(&mut self) {
        self.parser = parser(self.place.separator);
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

fn parser(separator: char) -> Reader {
    ReaderBuilder::new().terminator(Terminator::Any(b'\n')).delimiter(separator as u8).build()
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

/// The separator that a first line `sep=;` names, and the text behind it.
fn named_separator(text: &str) -> Option<(char, &str)> {
    let (first, rest) = text.split_once('\n')?;
    let named = first.trim_end_matches('\r').trim_matches('"').strip_prefix("sep=")?;
    SEPARATORS.into_iter().find(|&separator| named.chars().eq([separator])).map(|separator| (separator, rest))
}

/// The separator that the first line has most of, outside quotes.
fn separator(text: &str) -> char {
    let named = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let first = text.split('\n').find(named).unwrap_or_default();
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
    fn a_first_line_may_name_the_separator() {
        for (text, columns) in [
            ("sep=;\na,1;b\n2;3\n", ["a,1", "b"]),
            ("\u{feff}sep=,\r\na;1,b\r\n2,3\r\n", ["a;1", "b"]),
            ("\"sep=\t\"\na\tb\n2\t3\n", ["a", "b"]),
        ] {
            assert_eq!(rows(text), Ok((columns.map(String::from).to_vec(), vec![(3, vec!["2".into(), "3".into()])])));
        }
        assert_eq!(rows("sep=|\n1\n").unwrap().0, ["sep=|"]);
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
            (
                "# M1\n@relation M1\n@data\n",
                "line 2: expected the names of the columns, found \"@relation M1\": a .ts, .tsf",
            ),
            ("\n \r\n", "expected the names of the columns"),
            (
                "a,b\r1,2\r3,4\r",
                "line 1: expected lines that end in LF or in CR and LF, found lines that end in CR alone",
            ),
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
    fn remarks_are_passed_over() {
        let text = "# it's \"one\n#a,b\na,b\n1,2\n# two\n#3,4\n # \"\n5,6\n";
        let (columns, rows) = rows(text).unwrap();
        assert_eq!(columns, ["a", "b"]);
        let lines: Vec<(u64, &str)> = rows.iter().map(|(line, cells)| (*line, cells[0].as_str())).collect();
        // A line with a cell for each column is a row.
        assert_eq!(lines, [(4, "1"), (6, "#3"), (8, "5")]);
        let table = Table::new("t.csv", text, Limits::default()).unwrap();
        assert_eq!(table.remarks().unwrap(), 4);
    }

    #[test]
    fn values_in_the_place_of_names() {
        let headless = |line: &str| Table::new("t.csv", &format!("{line}\n"), Limits::default()).unwrap().headless;
        for line in ["1,0.5,0.5", "2020-01,7", "Jan-1-1995,7", "1,NaN", "-1\t0.1"] {
            assert!(headless(line), "{line}");
        }
        for line in ["0,1,2", ",0", "a,1", "date,y", "0", "Q1,Q2", ",1990,1991"] {
            assert!(!headless(line), "{line}");
        }
        let table = Table::new("t.csv", "2020-01,7\n2020-02,8\n", Limits::default()).unwrap();
        let message = table.check_names().unwrap_err().to_string();
        assert!(message.contains("line 1: expected the names of the columns, found values alone"), "{message}");
        assert_eq!(table.cell(1, 1).unwrap(), (2, "8".to_owned()));
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
