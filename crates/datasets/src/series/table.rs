//! A table in text: a header and rows of cells, separated by a comma, a semicolon or a tab.
//!
//! Quotes are those of RFC 4180, <https://www.rfc-editor.org/rfc/rfc4180>. The text is kept and read again row by row for
//! every pass over it, so memory is that of the file. Written here because every message shall name its line: quotes that
//! are never closed, bytes that are not UTF-8 and lines ended in either way included.

use std::borrow::Cow;
use std::fs::File;
use std::io::BufReader;

use super::SeriesFault;
use crate::idx::Source;
use crate::stream::Stream;
use crate::{Error, Fault};

/// The longest text that is read, in bytes: 1 GiB.
pub(crate) const TEXT_MAX: u64 = 1 << 30;

pub(crate) struct Table {
    text: String,
    separator: char,
    pub(crate) header: Vec<String>,
    /// Where the rows begin, and the number of that line.
    body: (usize, u64),
}

/// Reads a whole file, gzipped or not, of at most `max` bytes.
pub(crate) fn load(source: &Source, max: u64) -> Result<Vec<u8>, Error> {
    let file = |fault| Error::File { origin: source.origin(), fault };
    let mut stream = match source {
        Source::Path(path) => {
            let opened = File::open(path).map_err(Fault::Io).map_err(file)?;
            Stream::open(BufReader::with_capacity(1 << 16, opened))
        }
        Source::Bytes { bytes, .. } => Stream::open(*bytes),
    }
    .map_err(file)?;
    let mut bytes = Vec::new();
    stream.fill(max, &mut bytes).map_err(file)?;
    if !stream.ends().map_err(file)? {
        return Err(Error::Series { origin: source.origin(), fault: Box::new(SeriesFault::TooLarge { max }) });
    }
    Ok(bytes)
}

impl Table {
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self, SeriesFault> {
        let mut text = String::from_utf8(bytes).map_err(|error| {
            let bytes = error.as_bytes();
            let valid = error.utf8_error().valid_up_to();
            let advice = match bytes {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16, save it as UTF-8",
                _ => "save the file as UTF-8",
            };
            SeriesFault::NotText { line: lines(&bytes[..valid]) + 1, advice }
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let separator = separator(&text);
        let mut rows = Rows { text: &text, separator, at: 0, line: 1 };
        let mut cells = Vec::new();
        rows.read(&mut cells)?.ok_or(SeriesFault::Empty)?;
        let header: Vec<String> = cells.iter().map(|cell| cell.to_string()).collect();
        let body = (rows.at, rows.line);
        let mut sorted: Vec<_> = header.iter().filter(|name| !name.is_empty()).collect();
        sorted.sort();
        if let Some(two) = sorted.windows(2).find(|two| two[0] == two[1]) {
            return Err(SeriesFault::TwoColumns { name: two[0].clone() });
        }
        Ok(Table { text, separator, header, body })
    }

    /// Calls `row(line, cells)` for every row, each of as many cells as the header has.
    pub(crate) fn for_each<'a>(
        &'a self,
        mut row: impl FnMut(u64, &[Cow<'a, str>]) -> Result<(), SeriesFault>,
    ) -> Result<(), SeriesFault> {
        let (at, line) = self.body;
        let mut rows = Rows { text: &self.text, separator: self.separator, at, line };
        let mut cells = Vec::new();
        while let Some(line) = rows.read(&mut cells)? {
            let (expected, found, separator) = (self.header.len(), cells.len(), self.separator);
            if found != expected {
                return Err(SeriesFault::Cells { line, expected, found, separator });
            }
            row(line, &cells)?;
        }
        Ok(())
    }

    /// The place of a column.
    pub(crate) fn column(&self, role: &'static str, name: &str) -> Result<usize, SeriesFault> {
        let missing = || SeriesFault::NoColumn { role, name: name.to_owned(), columns: self.header.clone() };
        self.header.iter().position(|column| column == name).ok_or_else(missing)
    }
}

struct Rows<'a> {
    text: &'a str,
    separator: char,
    at: usize,
    line: u64,
}

impl<'a> Rows<'a> {
    /// The cells of the next line that is not blank, without the spaces around them; the number of the line, or None at
    /// the end.
    fn read(&mut self, cells: &mut Vec<Cow<'a, str>>) -> Result<Option<u64>, SeriesFault> {
        cells.clear();
        loop {
            let rest = &self.text[self.at..];
            if rest.is_empty() {
                return Ok(None);
            }
            let (first, _) = rest.split_once('\n').unwrap_or((rest, ""));
            // Tabs separate cells, empty ones too.
            if !first.trim_matches([' ', '\r']).is_empty() {
                break;
            }
            self.at += (first.len() + 1).min(rest.len());
            self.line += 1;
        }
        let line = self.line;
        loop {
            let rest = &self.text[self.at..];
            let blank = rest.len() - rest.trim_start_matches(' ').len();
            let cell = if rest[blank..].starts_with('"') {
                self.at += blank + 1;
                self.quoted()?
            } else {
                let end = rest.find([self.separator, '\n']).unwrap_or(rest.len());
                self.at += end;
                Cow::Borrowed(rest[..end].trim_matches([' ', '\r']))
            };
            cells.push(cell);
            match self.text[self.at..].chars().next() {
                Some(c) if c == self.separator => self.at += c.len_utf8(),
                Some(_) => {
                    self.at += 1;
                    self.line += 1;
                    return Ok(Some(line));
                }
                None => return Ok(Some(line)),
            }
        }
    }

    /// A cell behind its opening quote; the place is then that of the separator or the line's end behind it.
    fn quoted(&mut self) -> Result<Cow<'a, str>, SeriesFault> {
        let line = self.line;
        let open = || SeriesFault::Quote { line, what: "a quoted cell is not closed" };
        let mut cell = Cow::Borrowed("");
        loop {
            let rest = &self.text[self.at..];
            let part = &rest[..rest.find('"').ok_or_else(open)?];
            self.line += lines(part.as_bytes());
            self.at += part.len() + 1;
            match &mut cell {
                Cow::Borrowed("") => cell = Cow::Borrowed(part),
                cell => cell.to_mut().push_str(part),
            }
            if !self.text[self.at..].starts_with('"') {
                break;
            }
            cell.to_mut().push('"');
            self.at += 1;
        }
        let rest = &self.text[self.at..];
        let end = rest.find([self.separator, '\n']).unwrap_or(rest.len());
        if !rest[..end].trim_matches([' ', '\r']).is_empty() {
            return Err(SeriesFault::Quote { line: self.line, what: "text follows the closing quote of a cell" });
        }
        self.at += end;
        Ok(cell)
    }
}

/// Whichever separates most in the first line that is not blank; a comma where none does.
fn separator(text: &str) -> char {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let mut counts = [(',', 0), (';', 0), ('\t', 0)];
    let mut quoted = false;
    for c in first.chars() {
        quoted ^= c == '"';
        for (separator, count) in &mut counts {
            *count += u32::from(c == *separator && !quoted);
        }
    }
    let most = counts.iter().map(|&(_, count)| count).max();
    counts.iter().find(|&&(_, count)| Some(count) == most).map_or(',', |&(separator, _)| separator)
}

/// Line ends in the bytes.
fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (u64, Vec<String>);

    fn read(text: &str) -> Result<(Vec<String>, Vec<Row>), SeriesFault> {
        let table = Table::new(text.as_bytes().to_vec())?;
        let mut rows = Vec::new();
        table.for_each(|line, cells| {
            rows.push((line, cells.iter().map(|cell| cell.to_string()).collect()));
            Ok(())
        })?;
        Ok((table.header, rows))
    }

    fn row(line: u64, cells: &[&str]) -> Row {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn separators_quotes_and_line_ends() {
        for separator in [",", ";", "\t"] {
            for end in ["\n", "\r\n"] {
                let text = format!(
                    "\u{feff}a,\"b;,\t\"{end}{end}1, 2 {end}\"x\"\"y\",\"two{end}lines\"{end}3,{end} {end}\"\"\"\" , 4"
                );
                let text = text.replace(',', separator);
                let (header, rows) = read(&text).unwrap();
                assert_eq!(header, ["a", &format!("b;{separator}\t")]);
                let quoted = format!("two{end}lines");
                let expected =
                    [row(3, &["1", "2"]), row(4, &["x\"y", &quoted]), row(6, &["3", ""]), row(8, &["\"", "4"])];
                assert_eq!(rows, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn empty_cells_between_tabs_are_cells() {
        assert_eq!(read("a\tb\n1\t\n\t\n").unwrap().1, [row(2, &["1", ""]), row(3, &["", ""])]);
    }

    #[test]
    fn a_text_that_is_too_long() {
        let source = Source::Bytes { name: "a.csv", bytes: b"a,b\n1,2\n" };
        assert_eq!(load(&source, 8).unwrap(), b"a,b\n1,2\n");
        let says = load(&source, 7).unwrap_err().to_string();
        assert!(says.contains("a.csv: it has more than 7 bytes"), "{says}");
    }

    #[test]
    fn tables_that_are_none() {
        let says = |text: &str, expected: &str| {
            let found = read(text).unwrap_err().to_string();
            assert!(found.contains(expected), "{found:?} does not say {expected:?}");
        };
        says("", "it is empty");
        says("\n \r\n", "it is empty");
        says("a,b\n1\n", "line 2 has 1 cells, expected 2");
        says("a,b\n\n1,2,3\n", "line 3 has 3 cells, expected 2");
        says("a,b\n1,\"2\n3,4\n", "line 2: a quoted cell is not closed");
        says("a,b\n1,\"2\"3\n", "line 2: text follows the closing quote");
        says("a,b,a\n", "two columns named \"a\"");
        let not_text = |bytes: &[u8]| Table::new(bytes.to_vec()).err().unwrap().to_string();
        assert!(not_text(b"a,b\n1,2\n\xe9,2\n").starts_with("line 3 is not text in UTF-8"));
        assert!(not_text(b"\xff\xfea\0").contains("UTF-16"));
    }
}
