//! From rows of a table to series on a grid.
//!
//! T steps of a series, C covariates.

use std::collections::HashMap;
use std::path::Path;

use super::columns::{Columns, find};
use super::fault::Refusal;
use super::infer::{Deviation, PERIODS_PER_ROW_MAX, ROWS_MIN, Stamp, infer};
use super::{Frequency, Report, Series, SeriesFault, SeriesSet, TimeFormat};
use crate::idx::Source;
use crate::table::Table;
use crate::{Error, Fault, text};

/// What to read from a table: separated by commas, semicolons or tabs, gzipped or not, of up to 1 GiB of text in UTF-8.
///
/// A cell may be quoted with `"`, a quote within it doubled. A line break within a cell is refused. Blanks around a cell,
/// in its quotes too, mean nothing.
///
/// Times are ISO dates or years; or whole numbers, which count steps; or stand in columns called year and month (and day,
/// and hour) or year and quarter. Rows that are out of order are sorted, periods without a row are filled with NaN, and
/// both are counted in the [`Report`]. A cell that is empty, NaN, NA, null or ? is missing.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) target: String,
    pub(crate) time: Vec<String>,
    pub(crate) id: Option<String>,
    pub(crate) covariates: Option<Vec<String>>,
}

impl Reader {
    /// Reads the column `target`, the first column of times (by its name, or else by its cells), and all other columns of
    /// numbers as covariates.
    pub fn new(target: impl Into<String>) -> Self {
        Reader { target: target.into(), time: Vec::new(), id: None, covariates: None }
    }

    /// The column of times, or the columns of their parts.
    pub fn time<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.time = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The column that says which series a row belongs to. Without it all rows are one series.
    pub fn id(mut self, column: impl Into<String>) -> Self {
        self.id = Some(column.into());
        self
    }

    /// The columns of covariates, in this order; none if it is empty.
    pub fn covariates<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.covariates = Some(columns.into_iter().map(Into::into).collect());
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
        let table = Table::new(&origin, &text)?;
        self.series(&table).map_err(|refusal| refusal.of(&origin))
    }

    fn series(&self, table: &Table) -> Result<SeriesSet, Refusal> {
        let columns = find(table, self)?;
        let mut rows = rows(table, &columns)?;
        for group in &mut rows.groups {
            rows.reordered += group.sort();
        }
        let names = Names { rows: &rows, format: columns.format, with_ids: columns.id.is_some() };
        names.check(self.id.is_none(), table)?;
        let stamps: Vec<Vec<Stamp>> = rows.groups.iter().map(Group::stamps).collect();
        let frequency = infer(&stamps, columns.format == TimeFormat::Step).map_err(|found| names.mixed(&found))?;

        let name = |&column: &usize| table.columns[column].clone();
        let covariates: Vec<String> = columns.covariates.iter().map(name).collect();
        let mut report = Report {
            rows: rows.groups.iter().map(|group| group.rows.len()).sum(),
            time: columns.time.all().map(|column| table.columns[column].clone()).collect(),
            missing_targets: rows.missing_targets,
            missing_covariates: rows.missing_covariates,
            reordered: rows.reordered,
            ignored: columns.ignored,
            gaps: 0,
        };
        let mut series = Vec::with_capacity(rows.groups.len());
        for (index, group) in rows.groups.iter().enumerate() {
            let filled = group.on_grid(frequency, covariates.len(), &rows.covariates);
            let filled = filled.map_err(|periods| names.sparse(index, periods, frequency))?;
            if filled.target.iter().all(|y| y.is_nan()) {
                return Err(SeriesFault::NoValue { target: self.target.clone(), id: names.id(index) }.into());
            }
            report.gaps += filled.steps() - group.rows.len();
            series.push(filled);
        }
        let (format, target) = (columns.format, self.target.clone());
        Ok(SeriesSet { frequency, format, target, covariates, series, report })
    }
}

/// A row's time, line and target, and where its covariates stand.
struct Row {
    stamp: Stamp,
    target: f32,
    place: usize,
}

/// The rows of one series.
struct Group {
    id: String,
    rows: Vec<Row>,
}

struct Rows {
    groups: Vec<Group>,
    /// `[rows, C]`
    covariates: Vec<f32>,
    missing_targets: usize,
    missing_covariates: usize,
    reordered: usize,
}

fn rows(table: &Table, columns: &Columns) -> Result<Rows, Refusal> {
    let mut rows =
        Rows { groups: Vec::new(), covariates: Vec::new(), missing_targets: 0, missing_covariates: 0, reordered: 0 };
    let mut of_id: HashMap<String, usize> = HashMap::new();
    let mut place = 0;
    let mut lines = table.rows();
    while let Some(row) = lines.next()? {
        let line = row.line;
        let number = |column: usize| {
            number(row.text(column)).map_err(|why| SeriesFault::Number {
                line,
                column: table.columns[column].clone(),
                found: row.text(column).to_owned(),
                why,
            })
        };
        let time = columns.time(&row)?;
        let target = number(columns.target)?;
        rows.missing_targets += usize::from(target.is_none());
        for &column in &columns.covariates {
            let value = number(column)?;
            rows.missing_covariates += usize::from(value.is_none());
            rows.covariates.push(value.unwrap_or(f32::NAN));
        }
        let id = columns.id.map_or("", |column| row.text(column));
        if let Some(column) = columns.id.filter(|_| id.is_empty()) {
            return Err(SeriesFault::NoId { line, column: table.columns[column].clone() }.into());
        }
        let group = match of_id.get(id) {
            Some(&group) => group,
            None => {
                of_id.insert(id.to_owned(), rows.groups.len());
                rows.groups.push(Group { id: id.to_owned(), rows: Vec::new() });
                rows.groups.len() - 1
            }
        };
        rows.groups[group].rows.push(Row { stamp: Stamp { time, line }, target: target.unwrap_or(f32::NAN), place });
        place += 1;
    }
    Ok(rows)
}

impl Group {
    /// Sorts the rows by time. Returns how many stood behind a later one.
    fn sort(&mut self) -> usize {
        let behind = self.rows.windows(2).filter(|pair| pair[1].stamp.time < pair[0].stamp.time).count();
        if behind > 0 {
            // Rows of equal time keep their order: the message names the first of them first.
            self.rows.sort_by_key(|row| row.stamp.time);
        }
        behind
    }

    fn stamps(&self) -> Vec<Stamp> {
        self.rows.iter().map(|row| row.stamp).collect()
    }

    /// The rows at their steps, NaN between them; or the number of periods, where that is out of proportion.
    fn on_grid(&self, frequency: Frequency, covariates: usize, values: &[f32]) -> Result<Series, u64> {
        let start = self.rows[0].stamp.time;
        let step = |row: &Row| frequency.steps_between(start, row.stamp.time).unsigned_abs();
        let periods = self.rows.last().map_or(0, |row| step(row).saturating_add(1));
        if periods > PERIODS_PER_ROW_MAX.saturating_mul(self.rows.len() as u64) {
            return Err(periods);
        }
        let steps = periods as usize;
        let (mut target, mut all) = (vec![f32::NAN; steps], vec![f32::NAN; steps * covariates]);
        for row in &self.rows {
            let at = step(row) as usize;
            target[at] = row.target;
            all[at * covariates..][..covariates].copy_from_slice(&values[row.place * covariates..][..covariates]);
        }
        Ok(Series { id: self.id.clone(), start, target, covariates: all })
    }
}

/// What messages call series and times.
struct Names<'a> {
    rows: &'a Rows,
    format: TimeFormat,
    with_ids: bool,
}

impl Names<'_> {
    fn id(&self, group: usize) -> Option<String> {
        self.with_ids.then(|| self.rows.groups[group].id.clone())
    }

    /// Enough rows, and no two of one time in a series.
    fn check(&self, one_series: bool, table: &Table) -> Result<(), SeriesFault> {
        let longest = self.rows.groups.iter().map(|group| group.rows.len()).max().unwrap_or(0);
        for (index, group) in self.rows.groups.iter().enumerate() {
            let same = |pair: &&[Row]| pair[0].stamp.time == pair[1].stamp.time;
            if let Some(pair) = group.rows.windows(2).find(same) {
                let advice = if one_series && table.columns.len() > 2 {
                    "leave one of the rows out, or name the column of ids if the file holds several series; clocks set back \
                     at the end of summer time repeat an hour: write such times in Universal Time"
                } else {
                    "leave one of the rows out; clocks set back at the end of summer time repeat an hour: write such times in \
                     Universal Time"
                };
                return Err(SeriesFault::SameTime {
                    id: self.id(index),
                    time: self.format.write(pair[0].stamp.time),
                    first: pair[0].stamp.line,
                    second: pair[1].stamp.line,
                    advice: advice.to_owned(),
                });
            }
        }
        if longest < ROWS_MIN {
            return Err(SeriesFault::TooFew { found: longest, expected: ROWS_MIN });
        }
        Ok(())
    }

    fn mixed(&self, found: &Deviation) -> SeriesFault {
        let rows = &self.rows.groups[found.series].rows;
        let (first, second) = (rows[found.second - 1].stamp, rows[found.second].stamp);
        SeriesFault::Mixed {
            id: self.id(found.series),
            frequency: found.frequency.to_string(),
            first: first.line,
            first_time: self.format.write(first.time),
            second: second.line,
            second_time: self.format.write(second.time),
        }
    }

    fn sparse(&self, group: usize, periods: u64, frequency: Frequency) -> SeriesFault {
        let rows = self.rows.groups[group].rows.len();
        SeriesFault::Sparse { id: self.id(group), rows, periods, frequency: frequency.to_string() }
    }
}

/// The number in a cell, None where it is missing, or what is wrong with it.
pub(crate) fn number(cell: &str) -> Result<Option<f32>, &'static str> {
    const MISSING: [&str; 6] = ["nan", "na", "n/a", "null", "none", "?"];
    if cell.is_empty() || MISSING.iter().any(|missing| cell.eq_ignore_ascii_case(missing)) {
        return Ok(None);
    }
    match cell.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        Ok(_) => Err("is not a finite number of 32 bits"),
        Err(_) if cell.contains(',') && cell.replacen(',', ".", 1).parse::<f32>().is_ok() => {
            Err("is not a number: decimal commas are not read, write a point")
        }
        Err(_) => Err("is not a number"),
    }
}
