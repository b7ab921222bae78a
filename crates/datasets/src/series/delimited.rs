//! From a table to the rows of series.
//!
//! S series, C covariates.

use std::path::Path;

use super::columns::{Columns, Static, find};
use super::fault::Refusal;
use super::grid::on_grid;
use super::rows::{Origin, Rows};
use super::{SeriesFault, SeriesSet, StaticValue, ids, tsf};
use crate::idx::Source;
use crate::limits::Limits;
use crate::names::Names;
use crate::table::number::{Notations, is_missing};
use crate::table::numbers::{Numbers, centre};
use crate::table::stand_in::StandIns;
use crate::table::{Row, Table};
use crate::{Error, Fault, text};

/// What to read from a `.tsf` file of the Monash archive, or from a table: separated by commas, semicolons or tabs, gzipped or not, of up to 1 GiB of text in UTF-8,
/// with up to 2²⁸ cells, 2²⁰ columns and 2²⁴ series. The series have up to 2²⁸ values, those of the gaps too.
///
/// A cell may be quoted with `"`, a quote within it doubled. A line break within a cell is refused. Blanks around a cell,
/// in its quotes too, mean nothing.
///
/// Times are ISO dates, years, or others such as `Jan-1-1995`, `1991M07`, `31/12/2020`, `202001`; or whole numbers, which
/// count steps, or seconds since 1970; or stand in columns called year and month (and day, and hour) or year and quarter.
/// Rows that are out of order are sorted, periods without a row are filled with NaN, and both are counted in the
/// [`Report`](super::Report). A cell that is empty, NaN, NA, null, none, ? or a point is missing; True and False are 1 and 0. Numbers with
/// decimal commas or with thousands apart are read where their column leaves no doubt.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) target: String,
    pub(crate) time: Vec<String>,
    pub(crate) id: Vec<String>,
    pub(crate) missing: Vec<f64>,
    pub(crate) known: Vec<String>,
    pub(crate) statics: Option<Vec<String>>,
    pub(crate) covariates: Option<Vec<String>>,
    pub(crate) jointly: bool,
    pub(crate) time_format: Option<String>,
    pub(crate) notations: Notations,
    decimal: Option<char>,
    thousands: Option<Option<char>>,
}

impl Reader {
    /// Reads the column `target`, or several between commas, where no column is called so, each as a series of its own; or the
    /// only column of numbers if it is empty; the first column of times (by its name, or else by its cells), and all other columns of
    /// numbers as covariates.
    pub fn new(target: impl Into<String>) -> Self {
        Reader {
            target: target.into(),
            time: Vec::new(),
            id: Vec::new(),
            missing: Vec::new(),
            known: Vec::new(),
            statics: None,
            covariates: None,
            jointly: false,
            time_format: None,
            notations: Notations::ALL,
            decimal: None,
            thousands: None,
        }
    }

    /// The column of times, or the columns of their parts.
    pub fn time<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.time = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The column that says which series a row belongs to, or several between commas, where no column is called so. Without
    /// it all rows are one series.
    pub fn id(mut self, column: impl Into<String>) -> Self {
        self.id = vec![column.into()];
        self
    }

    /// The columns that together say which series a row belongs to; none if there are none.
    /// [`split_id`](super::split_id) gives the cells of a series' id again.
    pub fn ids<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.id = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Covariates that are known ahead: rows behind the last known target say them for the steps to forecast.
    pub fn known<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.known = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The columns that say one thing of each series, none if it is empty. Without it they are found, unless covariates
    /// are named.
    pub fn statics<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.statics = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Numbers that stand for missing values, as -999.
    pub fn missing(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        self.missing = values.into_iter().collect();
        self
    }

    /// The columns of covariates, in this order; none if it is empty.
    pub fn covariates<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.covariates = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Whether the series of several targets read each other: each has the values of all targets as covariates, before the
    /// others, and a static of the name [`JOINT`](super::JOINT) that says which of them it is.
    pub fn jointly(mut self, jointly: bool) -> Self {
        self.jointly = jointly;
        self
    }

    /// The form of the times: a pattern such as `DD/MM/YYYY`, `YYYYMM` or `%d/%m/%Y`, `year`, `steps`, or `seconds`,
    /// `milliseconds`, `microseconds` or `nanoseconds` since 1970.
    pub fn time_format(mut self, form: impl Into<String>) -> Self {
        self.time_format = Some(form.into());
        self
    }

    /// The decimal mark of all numbers, a point or a comma.
    pub fn decimal(mut self, mark: char) -> Self {
        self.decimal = Some(mark);
        self.notations = Notations::given(self.decimal, self.thousands);
        self
    }

    /// What parts thousands in all numbers: a comma, a point, a blank, an apostrophe, or nothing.
    pub fn thousands(mut self, mark: Option<char>) -> Self {
        self.thousands = Some(mark);
        self.notations = Notations::given(self.decimal, self.thousands);
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read, [`Error::Line`] if it is no table, [`Error::Series`] if it does not hold the
    /// series asked for; the message names the line and the column.
    pub fn read(&self, path: &Path) -> Result<SeriesSet, Error> {
        self.source(&Source::Path(path.to_owned()))
    }

    /// Reads the content of a file; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn parse(&self, name: &str, bytes: &[u8]) -> Result<SeriesSet, Error> {
        self.source(&Source::Bytes { name, bytes })
    }

    fn source(&self, source: &Source) -> Result<SeriesSet, Error> {
        let origin = source.origin();
        let text = text::load(source).map_err(|error| match error {
            Error::File { fault: Fault::NoText, .. } => Refusal::Series(SeriesFault::Empty).of(&origin),
            error => error,
        })?;
        if tsf::is_one(&text) {
            return tsf::parse(&origin, &text, self, Limits::default()).map_err(|refusal| refusal.of(&origin));
        }
        let mut table = Table::new(&origin, &text, Limits::default())?;
        table.missing.clone_from(&self.missing);
        table.check_names()?;
        self.series(&table).map_err(|refusal| refusal.of(&origin))
    }

    fn series(&self, table: &Table) -> Result<SeriesSet, Refusal> {
        let columns = find(table, self)?;
        let targets = columns.targets.len();
        let mut rows = rows(table, &columns, &self.target)?;
        let (time, ignored) = (columns.times.columns.all(), columns.ignored);
        rows.report.time = time.map(|column| table.columns[column].clone()).collect();
        (rows.report.taken, rows.report.ignored) = (columns.taken, ignored);
        rows.report.taken.comments = table.remarks()?;
        on_grid(rows, &Lines { table, one_series: self.id.is_empty(), targets })
    }
}

/// A table as messages about its series see it.
struct Lines<'a> {
    table: &'a Table<'a>,
    one_series: bool,
    /// Each row of the table is as many.
    targets: usize,
}

impl Origin for Lines<'_> {
    fn line(&self, row: usize) -> Result<u64, Refusal> {
        Ok(self.table.line_of(row / self.targets)?)
    }
    fn may_hold_several(&self) -> bool {
        self.one_series && self.table.columns.len() > 2
    }
    fn values_max(&self) -> usize {
        self.table.limits.cells
    }
}

/// What the static is called that says which of several targets a series is, where they read each other.
pub const JOINT: &str = "series";

/// Most centres of series by themselves; where there are more, series have the centres of the columns.
const OWN_MAX: usize = 1 << 14;

/// The id of a row's series: of the columns of ids, and of the target where there are several.
fn id_of(row: &Row, columns: &Columns, target: usize, to: &mut String) {
    let name = (columns.targets.len() > 1).then(|| row.table.columns[columns.targets[target].column()].as_str());
    let cells: Vec<&str> = columns.id.iter().map(|&column| row.text(column)).chain(name).collect();
    ids::join(cells.into_iter(), to);
}

/// The series of a table in the order of the file, and the centres of each `[S, 1 + C]`: series of one table may lie far from
/// each other. None where there are too many.
fn own_centres(table: &Table, columns: &Columns) -> Result<Vec<f64>, Refusal> {
    if columns.id.is_empty() && columns.targets.len() == 1 {
        return Ok(Vec::new());
    }
    let width = 1 + columns.covariates.len();
    let (mut ids, mut ranges, mut rows, mut id) = (Names::default(), Vec::new(), table.rows(), String::new());
    while let Some(row) = rows.next()? {
        for (place, target) in columns.targets.iter().enumerate() {
            id_of(&row, columns, place, &mut id);
            let first = ids.place_or_push(&id) * width;
            if first + width > OWN_MAX {
                return Ok(Vec::new());
            }
            if first == ranges.len() {
                ranges.resize(first + width, (f64::INFINITY, f64::NEG_INFINITY));
            }
            for (of, (least, most)) in [target].into_iter().chain(&columns.covariates).zip(&mut ranges[first..]) {
                // A cell that is no number is an error in its turn. Of NaN and a number the number is taken.
                let number = of.read(&row).unwrap_or(f64::NAN);
                (*least, *most) = (least.min(number), most.max(number));
            }
        }
    }
    Ok(ranges.into_iter().map(|(least, most)| centre(least, most)).collect())
}

fn rows(table: &Table, columns: &Columns, target: &str) -> Result<Rows, Refusal> {
    let (targets, width) = (columns.targets.len(), 1 + columns.covariates.len());
    let rows_max = table.rows_max().saturating_mul(targets);
    let max = table.limits.cells;
    if targets > 1 && rows_max.saturating_mul(width) > max {
        return Err(SeriesFault::TooMany { periods: rows_max as u64, width, max }.into());
    }
    let name = |of: &Numbers| table.columns[of.column()].clone();
    // Several targets are called as they were asked for.
    let first = columns.targets.first().filter(|_| targets == 1).map_or_else(|| target.to_owned(), name);
    let names = [first].into_iter().chain(columns.covariates.iter().map(name)).collect();
    let centres = columns.targets.iter().take(1).chain(&columns.covariates).map(|of| of.centre).collect();
    let mut rows = Rows::new(columns.times.format, names, centres, rows_max);
    (rows.with_ids, rows.own_centres) = (!columns.id.is_empty() || targets > 1, own_centres(table, columns)?);
    if targets > 1 && rows.own_centres.is_empty() {
        // That of the first target is none of the others.
        rows.centres[0] = 0.0;
    }
    (rows.trimmed, rows.known) = (targets > 1, columns.known.clone());
    rows.joint = if columns.jointly { targets } else { 0 };
    rows.static_columns = columns.statics.iter().map(|of| table.columns[of.column].clone()).collect();
    rows.static_columns.extend(columns.jointly.then(|| JOINT.to_owned()));
    let mut stand_ins = StandIns::new(targets + columns.covariates.len());
    let (mut lines, mut id) = (table.rows(), String::new());
    while let Some(row) = lines.next()? {
        let line = row.line;
        let time = columns.times.of(&row)?;
        if let Some(&column) = columns.id.iter().find(|&&column| row.text(column).is_empty()) {
            return Err(SeriesFault::NoId { line, column: table.columns[column].clone() }.into());
        }
        for (place, target) in columns.targets.iter().enumerate() {
            id_of(&row, columns, place, &mut id);
            let Some(series) = rows.series(&id, time, table.limits.sequences) else {
                return Err(row.too_many_sequences("different ids").into());
            };
            take_statics(&row, columns, &mut rows, series, (place, &id))?;
            let numbers = [(place, target)].into_iter().chain((targets..).zip(&columns.covariates));
            let read = |(place, of): (usize, &Numbers)| of.read(&row).inspect(|&number| stand_ins.push(place, number));
            rows.push(series, time, numbers.map(read))?;
        }
    }
    let seen: Vec<String> = columns.targets.iter().chain(&columns.covariates).map(name).collect();
    rows.report.stand_ins = stand_ins.found(&seen);
    rows.report.ids = columns.taken.id.clone();
    rows.report.ids.extend((targets > 1).then(|| "series".to_owned()));
    Ok(rows)
}

/// Takes what a row says of its series, which is that of a target and has an id; where it is missing, another row may say it.
fn take_statics(
    row: &Row,
    columns: &Columns,
    rows: &mut Rows,
    series: usize,
    (target, id): (usize, &str),
) -> Result<(), SeriesFault> {
    if columns.statics.is_empty() && !columns.jointly {
        return Ok(());
    }
    if series == rows.statics.len() {
        let none = |of: &Static| match of.numbers {
            Some(_) => StaticValue::Number(f64::NAN),
            None => StaticValue::Text(String::new()),
        };
        let name = || StaticValue::Text(row.table.columns[columns.targets[target].column()].clone());
        rows.statics.push(columns.statics.iter().map(none).chain(columns.jointly.then(name)).collect());
    }
    for (of, kept) in columns.statics.iter().zip(&mut rows.statics[series]) {
        let before = match (kept, &of.numbers) {
            (StaticValue::Number(kept), Some(numbers)) => {
                let number = numbers.read(row)?;
                if number.is_nan() || *kept == number {
                    continue;
                }
                if kept.is_nan() {
                    *kept = number;
                    continue;
                }
                kept.to_string()
            }
            (StaticValue::Text(kept), _) => {
                let text = row.text(of.column);
                if is_missing(text) || kept == text {
                    continue;
                }
                if kept.is_empty() {
                    text.clone_into(kept);
                    continue;
                }
                kept.clone()
            }
            (StaticValue::Number(_), None) => continue,
        };
        return Err(SeriesFault::StaticChanges {
            line: row.line,
            column: row.table.columns[of.column].clone(),
            id: (!columns.id.is_empty()).then(|| id.to_owned()),
            found: row.text(of.column).to_owned(),
            before,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_values_or_series_than_are_kept_are_refused() {
        // 8 rows of 4 cells, and 5 + 4 periods of 2 values.
        let text = "s,t,y,x\na,0,1,1\nb,0,1,1\na,1,1,1\nb,1,1,1\na,2,1,1\nb,2,1,1\na,4,1,1\nb,3,1,1\n";
        let read = |cells, sequences| {
            let table = Table::new("a.csv", text, Limits { cells, sequences, ..Limits::default() }).unwrap();
            let read = Reader::new("y").id("s").series(&table);
            read.map(|set| set.report.gaps).map_err(|refusal| refusal.of("a.csv").to_string())
        };
        assert_eq!(read(32, 2), Ok(1));
        assert!(read(31, 2).unwrap_err().contains("line 9: expected at most 31 cells"));
        let message = read(32, 1).unwrap_err();
        assert_eq!(
            message,
            "cannot read a.csv: line 3: expected at most 1 different ids, found more; cut the file into smaller ones"
        );

        let gaps = "t,y,x\n0,1,1\n1,1,1\n17,1,1\n";
        let read = |cells| {
            let table = Table::new("a.csv", gaps, Limits { cells, ..Limits::default() }).unwrap();
            Reader::new("y")
                .series(&table)
                .map(|set| set.report.gaps)
                .map_err(|refusal| refusal.of("a.csv").to_string())
        };
        assert_eq!(read(36), Ok(15));
        let message = read(35).unwrap_err();
        assert!(message.contains("span 18 periods in all, of 2 values each, expected at most 35 values"));
    }
}
