//! From rows of a table to series on a grid.
//!
//! S series, T steps of a series, C covariates.

use std::path::Path;
use std::sync::Arc;

use super::columns::{Columns, find};
use super::fault::Refusal;
use super::infer::{Change, Deviation, PERIODS_PER_ROW_MAX, ROWS_MIN, Stamp, change, infer};
use super::{Frequency, Report, Rounded, Series, SeriesFault, SeriesSet, Time, TimeFormat};
use crate::idx::Source;
use crate::limits::Limits;
use crate::names::Names;
use crate::table::Table;
use crate::table::number::Notations;
use crate::table::numbers::{Numbers, Rounding, centre};
use crate::{Error, Fault, text};

/// What to read from a table: separated by commas, semicolons or tabs, gzipped or not, of up to 1 GiB of text in UTF-8,
/// with up to 2²⁸ cells, 2²⁰ columns and 2²⁴ series. The series have up to 2²⁸ values, those of the gaps too.
///
/// A cell may be quoted with `"`, a quote within it doubled. A line break within a cell is refused. Blanks around a cell,
/// in its quotes too, mean nothing.
///
/// Times are ISO dates, years, or others such as `Jan-1-1995`, `1991M07`, `31/12/2020`, `202001`; or whole numbers, which
/// count steps, or seconds since 1970; or stand in columns called year and month (and day, and hour) or year and quarter.
/// Rows that are out of order are sorted, periods without a row are filled with NaN, and both are counted in the
/// [`Report`]. A cell that is empty, NaN, NA, null, none, ? or a point is missing; True and False are 1 and 0. Numbers with
/// decimal commas or with thousands apart are read where their column leaves no doubt.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) target: String,
    pub(crate) time: Vec<String>,
    pub(crate) id: Option<String>,
    pub(crate) covariates: Option<Vec<String>>,
    pub(crate) time_format: Option<String>,
    pub(crate) notations: Notations,
    decimal: Option<char>,
    thousands: Option<Option<char>>,
}

impl Reader {
    /// Reads the column `target`, or the only column of numbers if it is empty, the first column of times (by its name, or else by its cells), and all other columns of
    /// numbers as covariates.
    pub fn new(target: impl Into<String>) -> Self {
        Reader {
            target: target.into(),
            time: Vec::new(),
            id: None,
            covariates: None,
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
        let table = Table::new(&origin, &text, Limits::default())?;
        table.check_names()?;
        self.series(&table).map_err(|refusal| refusal.of(&origin))
    }

    fn series(&self, table: &Table) -> Result<SeriesSet, Refusal> {
        let columns = find(table, self)?;
        let mut rows = rows(table, &columns)?;
        rows.stamps.sort_unstable();
        // [S]: a series has a row at least, so the places are those of the ids.
        let stamps: Vec<&[Stamp]> = rows.stamps.chunk_by(|a, b| a.series == b.series).collect();
        let ids = rows.ids.into_vec();
        let messages = Messages { table, ids: &ids, format: columns.times.format, with_ids: columns.id.is_some() };
        messages.check(&stamps, self.id.is_none())?;
        let frequency = match infer(&stamps, columns.times.format == TimeFormat::Step) {
            Ok(frequency) => frequency,
            Err(found) => return Err(messages.mixed(&stamps, &found)?.into()),
        };
        let width = 1 + columns.covariates.len();
        let periods = messages.periods(&stamps, frequency, width)?;
        if let Some(found) = change(&stamps, frequency) {
            return Err(messages.changes(&stamps, &found, frequency)?.into());
        }

        let name = |of: &Numbers| table.columns[of.column()].clone();
        let numbers = || [&columns.target].into_iter().chain(&columns.covariates);
        let rounded = numbers().enumerate().filter_map(|(place, of)| {
            let each = rows.rounding.iter().skip(place).step_by(width).filter_map(Rounding::lost);
            let (lost, of_all) = each.reduce(|a, b| (a.0.saturating_add(b.0), a.1.saturating_add(b.1)))?;
            Some(Rounded { column: name(of), lost, of: of_all })
        });
        let mut taken = columns.taken;
        taken.comments = table.remarks()?;
        let report = Report {
            rounded: rounded.collect(),
            taken,
            rows: rows.stamps.len(),
            time: columns.times.columns.all().map(|column| table.columns[column].clone()).collect(),
            missing_targets: rows.missing_targets,
            missing_covariates: rows.missing_covariates,
            reordered: rows.reordered,
            ignored: columns.ignored,
            gaps: periods.iter().sum::<usize>() - rows.stamps.len(),
        };
        let centres: Arc<[f64]> = numbers().map(|of| of.centre).collect();
        let mut series = Vec::with_capacity(stamps.len());
        for (place, ((id, stamps), periods)) in ids.into_iter().zip(stamps).zip(periods).enumerate() {
            let mut filled = on_grid(id, stamps, frequency, periods, width, &rows.values);
            filled.centres = match rows.centres.get(place * width..(place + 1) * width) {
                Some(own) if own != &*centres => own.into(),
                _ => Arc::clone(&centres),
            };
            if filled.target.iter().all(|y| y.is_nan()) {
                let id = columns.id.map(|_| filled.id);
                return Err(SeriesFault::NoValue { target: name(&columns.target), id }.into());
            }
            series.push(filled);
        }
        let (format, target) = (columns.times.format, name(&columns.target));
        let covariates = columns.covariates.iter().map(name).collect();
        Ok(SeriesSet { frequency, format, target, covariates, series, report })
    }
}

struct Rows {
    ids: Names,
    /// In the order of the file.
    stamps: Vec<Stamp>,
    /// `[rows, 1 + C]`: target and covariates.
    values: Vec<f32>,
    missing_targets: usize,
    missing_covariates: usize,
    reordered: usize,
    /// `[S, 1 + C]`, of no more than [`ROUNDINGS_MAX`].
    rounding: Vec<Rounding>,
    /// `[S, 1 + C]`: the centres of each series, or none where all have those of their columns.
    centres: Vec<f64>,
}

/// Most centres of series by themselves; where there are more, series have the centres of the columns.
const OWN_MAX: usize = 1 << 14;

/// Most columns of series of which it is seen what rounding costs.
const ROUNDINGS_MAX: usize = 1 << 12;

/// The series of a table in the order of the file, and the centres of each `[S, 1 + C]`: series of one table may lie far from
/// each other. None where there are too many.
fn own_centres(table: &Table, columns: &Columns) -> Result<Vec<f64>, Refusal> {
    let Some(id) = columns.id else { return Ok(Vec::new()) };
    let width = 1 + columns.covariates.len();
    let (mut ids, mut ranges, mut rows) = (Names::default(), Vec::new(), table.rows());
    while let Some(row) = rows.next()? {
        let first = ids.place_or_push(row.text(id)) * width;
        if first + width > OWN_MAX {
            return Ok(Vec::new());
        }
        if first == ranges.len() {
            ranges.resize(first + width, (f64::INFINITY, f64::NEG_INFINITY));
        }
        let numbers = [&columns.target].into_iter().chain(&columns.covariates);
        for (of, (least, most)) in numbers.zip(&mut ranges[first..]) {
            // A cell that is no number is an error in its turn. Of NaN and a number the number is taken.
            let number = of.read(&row).unwrap_or(f64::NAN);
            (*least, *most) = (least.min(number), most.max(number));
        }
    }
    Ok(ranges.into_iter().map(|(least, most)| centre(least, most)).collect())
}

fn rows(table: &Table, columns: &Columns) -> Result<Rows, Refusal> {
    let rows_max = table.rows_max();
    let mut rows = Rows {
        ids: Names::default(),
        stamps: Vec::with_capacity(rows_max),
        values: Vec::with_capacity(rows_max * (1 + columns.covariates.len())),
        missing_targets: 0,
        missing_covariates: 0,
        reordered: 0,
        rounding: Vec::new(),
        centres: own_centres(table, columns)?,
    };
    let width = 1 + columns.covariates.len();
    // [S]: the time of each series' row above.
    let mut above: Vec<Time> = Vec::new();
    let mut lines = table.rows();
    while let Some(row) = lines.next()? {
        let line = row.line;
        let time = columns.times.of(&row)?;
        let id = columns.id.map_or("", |column| row.text(column));
        if let Some(column) = columns.id.filter(|_| id.is_empty()) {
            return Err(SeriesFault::NoId { line, column: table.columns[column].clone() }.into());
        }
        let series = rows.ids.place_or_push(id);
        match above.get_mut(series) {
            Some(above) => {
                rows.reordered += usize::from(time < *above);
                *above = time;
            }
            None if series == table.limits.sequences => return Err(row.too_many_sequences("different ids").into()),
            None => above.push(time),
        }
        let first = series * width;
        for (place, of) in [&columns.target].into_iter().chain(&columns.covariates).enumerate() {
            let number = of.read(&row)? - rows.centres.get(first + place).copied().unwrap_or(of.centre);
            if first + width <= ROUNDINGS_MAX {
                if first + place >= rows.rounding.len() {
                    rows.rounding.resize(first + width, Rounding::NONE);
                }
                rows.rounding[first + place].push(number);
            }
            let missing = if place == 0 { &mut rows.missing_targets } else { &mut rows.missing_covariates };
            *missing += usize::from(number.is_nan());
            rows.values.push(number as f32);
        }
        // There are fewer of both, for `limits` are below.
        rows.stamps.push(Stamp { series: series as u32, time, row: rows.stamps.len() as u32 });
    }
    Ok(rows)
}

/// The rows of a series at their steps, NaN between them. `values` `[rows, width]` is read: target and covariates.
fn on_grid(id: String, stamps: &[Stamp], frequency: Frequency, periods: usize, width: usize, values: &[f32]) -> Series {
    let (start, covariates) = (stamps[0].time, width - 1);
    let (mut target, mut all) = (vec![f32::NAN; periods], vec![f32::NAN; periods * covariates]);
    for stamp in stamps {
        let at = steps_between(frequency, start, stamp.time) as usize;
        let row = &values[stamp.row as usize * width..][..width];
        target[at] = row[0];
        all[at * covariates..][..covariates].copy_from_slice(&row[1..]);
    }
    Series { id, start, centres: Arc::default(), target, covariates: all }
}

fn steps_between(frequency: Frequency, start: Time, end: Time) -> u64 {
    frequency.steps_between(start, end).unsigned_abs()
}

/// What messages call series and times.
struct Messages<'a> {
    table: &'a Table<'a>,
    ids: &'a [String],
    format: TimeFormat,
    with_ids: bool,
}

impl Messages<'_> {
    fn id(&self, series: usize) -> Option<String> {
        self.with_ids.then(|| self.ids[series].clone())
    }

    fn line(&self, stamp: Stamp) -> Result<u64, Refusal> {
        Ok(self.table.line_of(stamp.row as usize)?)
    }

    /// Enough rows, and no two of one time in a series.
    fn check(&self, stamps: &[&[Stamp]], one_series: bool) -> Result<(), Refusal> {
        let longest = stamps.iter().map(|stamps| stamps.len()).max().unwrap_or(0);
        for (index, stamps) in stamps.iter().enumerate() {
            let same = |pair: &&[Stamp]| pair[0].time == pair[1].time;
            if let Some(pair) = stamps.windows(2).find(same) {
                let advice = if one_series && self.table.columns.len() > 2 {
                    "leave one of the rows out, or name the column of ids if the file holds several series; clocks set back \
                     at the end of summer time repeat an hour: write such times in Universal Time"
                } else {
                    "leave one of the rows out; clocks set back at the end of summer time repeat an hour: write such times in \
                     Universal Time"
                };
                return Err(SeriesFault::SameTime {
                    id: self.id(index),
                    time: self.format.write(pair[0].time),
                    first: self.line(pair[0])?,
                    second: self.line(pair[1])?,
                    advice: advice.to_owned(),
                }
                .into());
            }
        }
        if longest < ROWS_MIN {
            return Err(SeriesFault::TooFew { found: longest, expected: ROWS_MIN }.into());
        }
        Ok(())
    }

    /// `[S]`: the number of periods of each series, which is in proportion to its rows. All of them fit,
    /// with `width` values each.
    fn periods(&self, stamps: &[&[Stamp]], frequency: Frequency, width: usize) -> Result<Vec<usize>, SeriesFault> {
        let mut all = Vec::with_capacity(stamps.len());
        for (series, stamps) in stamps.iter().enumerate() {
            let last = stamps[stamps.len() - 1];
            let periods = steps_between(frequency, stamps[0].time, last.time).saturating_add(1);
            if periods > PERIODS_PER_ROW_MAX.saturating_mul(stamps.len() as u64) {
                let (id, rows, frequency) = (self.id(series), stamps.len(), frequency.to_string());
                return Err(SeriesFault::Sparse { id, rows, periods, frequency });
            }
            all.push(periods as usize);
        }
        let (sum, max) = (all.iter().sum::<usize>(), self.table.limits.cells);
        if sum.saturating_mul(width) > max {
            return Err(SeriesFault::TooMany { periods: sum as u64, width, max });
        }
        Ok(all)
    }

    fn changes(&self, stamps: &[&[Stamp]], found: &Change, frequency: Frequency) -> Result<SeriesFault, Refusal> {
        let [first, last] = [found.first, found.last].map(|row| stamps[found.series][row]);
        Ok(SeriesFault::Changes {
            id: self.id(found.series),
            frequency: frequency.to_string(),
            steps: found.steps,
            first: self.line(first)?,
            first_time: self.format.write(first.time),
            last: self.line(last)?,
            last_time: self.format.write(last.time),
        })
    }

    fn mixed(&self, stamps: &[&[Stamp]], found: &Deviation) -> Result<SeriesFault, Refusal> {
        let (first, second) = (stamps[found.series][found.second - 1], stamps[found.series][found.second]);
        Ok(SeriesFault::Mixed {
            id: self.id(found.series),
            frequency: found.frequency.to_string(),
            first: self.line(first)?,
            first_time: self.format.write(first.time),
            second: self.line(second)?,
            second_time: self.format.write(second.time),
        })
    }
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
