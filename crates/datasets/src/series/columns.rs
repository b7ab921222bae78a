//! Which column of a table is what.

use super::fault::Refusal;
use super::format::{Integers, Offset, TimeFormat, integer};
use super::time::{Civil, Time, has_year};
use super::{Reader, SeriesFault};
use crate::table::{Row, Table};

pub(crate) struct Columns {
    pub(crate) target: usize,
    pub(crate) id: Option<usize>,
    pub(crate) covariates: Vec<usize>,
    pub(crate) time: TimeColumns,
    pub(crate) format: TimeFormat,
    pub(crate) ignored: Vec<String>,
}

/// Where a time stands: in one column, or in one for each part.
pub(crate) enum TimeColumns {
    One(usize),
    /// Column and part, the largest part first.
    Parts(Vec<(usize, Part)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Year,
    Quarter,
    Month,
    Day,
    Hour,
}

/// Names of columns that hold times, the likeliest first; then those that may, where the parts of a time have no columns.
const TIME_NAMES: [&str; 5] = ["time", "date", "datetime", "ds", "timestamp"];
const TIME_NAMES_LAST: [&str; 6] = ["month", "quarter", "week", "year", "step", "t"];

/// What makes a time together.
const PARTS: [(&[Part], TimeFormat); 4] = [
    (&[Part::Year, Part::Quarter], TimeFormat::Quarter { separator: None }),
    (&[Part::Year, Part::Month], TimeFormat::Month { separator: '-' }),
    (&[Part::Year, Part::Month, Part::Day], TimeFormat::Date { separator: Some('-') }),
    (
        &[Part::Year, Part::Month, Part::Day, Part::Hour],
        TimeFormat::DateTime { separator: '-', between: 'T', seconds: None, offset: Offset::Unsaid },
    ),
];

impl Part {
    fn of(name: &str) -> Option<Part> {
        Some(match name.to_lowercase().as_str() {
            "year" | "yr" | "yyyy" => Part::Year,
            "quarter" | "qtr" => Part::Quarter,
            "month" | "mon" | "mm" => Part::Month,
            "day" | "dd" => Part::Day,
            "hour" | "hr" | "hh" => Part::Hour,
            _ => return None,
        })
    }

    fn expected(self) -> &'static str {
        match self {
            Part::Year => "a year, from 1 to 9999",
            Part::Quarter => "a quarter, from 1 to 4",
            Part::Month => "a month, from 1 to 12",
            Part::Day => "a day of its month",
            Part::Hour => "an hour, from 0 to 23",
        }
    }
}

pub(crate) fn find(table: &Table, reader: &Reader) -> Result<Columns, Refusal> {
    let target = column(table, "target", &reader.target)?;
    let id = reader.id.as_deref().map(|name| column(table, "id", name)).transpose()?;
    let named = match &reader.covariates {
        Some(names) => Some(names.iter().map(|name| column(table, "covariates", name)).collect::<Result<Vec<_>, _>>()?),
        None => None,
    };
    let mut taken: Vec<usize> = [target].into_iter().chain(id).chain(named.iter().flatten().copied()).collect();
    let time = match reader.time.as_slice() {
        [] => find_time(table, &taken)?,
        [name] => TimeColumns::One(column(table, "time", name)?),
        names => named_parts(table, names)?,
    };

    let mut roles = vec![(target, "the target")];
    roles.extend(id.map(|id| (id, "the id")));
    roles.extend(time.all().map(|column| (column, "the time")));
    roles.extend(named.iter().flatten().map(|&column| (column, "a covariate")));
    for (index, &(column, second)) in roles.iter().enumerate() {
        if let Some(&(_, first)) = roles[..index].iter().find(|&&(other, _)| other == column) {
            return Err(SeriesFault::ColumnTwice { name: table.columns[column].clone(), first, second }.into());
        }
    }

    taken.extend(time.all());
    let (covariates, ignored) = match named {
        Some(named) => (named, Vec::new()),
        None => {
            let numeric = numeric(table)?;
            let others = (0..table.columns.len()).filter(|column| !taken.contains(column));
            let (covariates, ignored): (Vec<_>, Vec<_>) =
                others.partition(|&column| numeric[column] && !table.columns[column].is_empty());
            (covariates, ignored.iter().map(|&column| table.columns[column].clone()).collect())
        }
    };
    let format = format(table, &time)?;
    Ok(Columns { target, id, covariates, time, format, ignored })
}

/// The place of the column that takes this role.
fn column(table: &Table, role: &'static str, name: &str) -> Result<usize, SeriesFault> {
    let missing = || SeriesFault::NoColumn { role, name: name.to_owned(), columns: table.columns.clone() };
    table.columns.iter().position(|column| column == name).ok_or_else(missing)
}

impl TimeColumns {
    pub(crate) fn all(&self) -> impl Iterator<Item = usize> {
        let (one, parts) = match self {
            TimeColumns::One(column) => (Some(*column), &[][..]),
            TimeColumns::Parts(parts) => (None, parts.as_slice()),
        };
        one.into_iter().chain(parts.iter().map(|&(column, _)| column))
    }
}

fn find_time(table: &Table, taken: &[usize]) -> Result<TimeColumns, Refusal> {
    let free: Vec<usize> = (0..table.columns.len()).filter(|column| !taken.contains(column)).collect();
    let (recognised, whole) = holds_times(table)?;
    let named = |names: &[&str]| {
        let matching = |name: &&str| free.iter().copied().find(|&column| table.columns[column].to_lowercase() == *name);
        names.iter().find_map(matching)
    };
    let first = named(&TIME_NAMES);
    if let Some(column) = first.filter(|&column| recognised[column] || whole[column]) {
        return Ok(TimeColumns::One(column));
    }
    if let Some(parts) = parts(table, &free) {
        return Ok(TimeColumns::Parts(parts));
    }
    let last = named(&TIME_NAMES_LAST);
    if let Some(column) = last.filter(|&column| recognised[column] || whole[column]) {
        return Ok(TimeColumns::One(column));
    }
    // Whole numbers are taken for times only where a name says so. A column with such a name and cells that are no times
    // is the last resort: the message then shows its first wrong cell.
    let by_content = free.iter().copied().find(|&column| recognised[column] && !whole[column]);
    let column = by_content.or(first).or(last);
    column.map(TimeColumns::One).ok_or_else(|| SeriesFault::NoTime { columns: table.columns.clone() }.into())
}

/// For each column, whether all its cells are times, and whether all are whole numbers.
fn holds_times(table: &Table) -> Result<(Vec<bool>, Vec<bool>), Refusal> {
    let (mut recognised, mut whole) = (vec![true; table.columns.len()], vec![true; table.columns.len()]);
    let (mut rows, mut any) = (table.rows(), false);
    while let Some(row) = rows.next()? {
        any = true;
        for ((cell, recognised), whole) in row.cells().zip(&mut recognised).zip(&mut whole) {
            *whole = *whole && integer(cell).is_some();
            *recognised = *recognised && (*whole || TimeFormat::recognise(cell).is_some());
        }
    }
    if !any {
        recognised.fill(false);
        whole.fill(false);
    }
    Ok((recognised, whole))
}

/// For each column, whether its cells are numbers, and not all missing.
fn numeric(table: &Table) -> Result<Vec<bool>, Refusal> {
    let (mut numbers, mut any) = (vec![true; table.columns.len()], vec![false; table.columns.len()]);
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        for ((cell, numbers), any) in row.cells().zip(&mut numbers).zip(&mut any) {
            let number = super::reader::number(cell);
            *numbers = *numbers && number.is_ok();
            *any = *any || number.is_ok_and(|number| number.is_some());
        }
    }
    Ok(numbers.iter().zip(any).map(|(&numbers, any)| numbers && any).collect())
}

/// The largest set of columns that makes a time together.
fn parts(table: &Table, among: &[usize]) -> Option<Vec<(usize, Part)>> {
    let column = |part| among.iter().copied().find(|&column| Part::of(&table.columns[column]) == Some(part));
    PARTS.iter().rev().find_map(|(parts, _)| parts.iter().map(|&part| Some((column(part)?, part))).collect())
}

fn named_parts(table: &Table, names: &[String]) -> Result<TimeColumns, SeriesFault> {
    let columns = names.iter().map(|name| column(table, "time", name)).collect::<Result<Vec<_>, _>>()?;
    let wrong = || SeriesFault::TimeParts { columns: names.to_vec() };
    let parts = parts(table, &columns).filter(|parts| parts.len() == columns.len());
    parts.map(TimeColumns::Parts).ok_or_else(wrong)
}

/// The form of all times, or the first that has another.
fn format(table: &Table, time: &TimeColumns) -> Result<TimeFormat, Refusal> {
    let column = match time {
        TimeColumns::One(column) => *column,
        TimeColumns::Parts(parts) => {
            let same = |of: &[Part]| of.iter().copied().eq(parts.iter().map(|&(_, part)| part));
            return PARTS.iter().find(|(of, _)| same(of)).map(|&(_, format)| format).ok_or_else(|| {
                let columns = parts.iter().map(|&(column, _)| table.columns[column].clone()).collect();
                SeriesFault::TimeParts { columns }.into()
            });
        }
    };
    let mut first: Option<(u64, String, TimeFormat)> = None;
    let mut whole = Integers::NONE;
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        let (line, cell) = (row.line, row.text(column));
        let (time, format) = recognise(&table.columns[column], line, cell)?;
        if format == TimeFormat::Step {
            whole.push(time.0);
        }
        match &mut first {
            None => first = Some((line, cell.to_owned(), format)),
            Some((first_line, text, merged)) => {
                let other = || SeriesFault::TimeForm {
                    line,
                    column: table.columns[column].clone(),
                    found: cell.to_owned(),
                    first_line: *first_line,
                    first: text.clone(),
                };
                *merged = merged.merge(format).ok_or_else(other)?;
            }
        }
    }
    Ok(match first {
        Some((.., TimeFormat::Step)) | None => TimeFormat::of_integers(&table.columns[column], whole),
        Some((.., format)) => format,
    })
}

fn recognise(column: &str, line: u64, cell: &str) -> Result<(Time, TimeFormat), SeriesFault> {
    TimeFormat::recognise(cell).ok_or_else(|| {
        let (column, found) = (column.to_owned(), cell.to_owned());
        let expected = match cell.parse::<f64>() {
            Ok(_) => "a date, a year or a whole number: years with a fraction are not read, give year and month",
            Err(_) => {
                "2009, 2009-05, 2009Q2, 2009-05-31, or 2009-05-31T13:00:00 with seconds of at most six places, and Z or +02:00 \
                 behind it if that is known"
            }
        };
        SeriesFault::Time { line, column, found, expected: expected.to_owned() }
    })
}

impl Columns {
    /// The time of a row.
    pub(crate) fn time(&self, row: &Row) -> Result<Time, SeriesFault> {
        let (names, line) = (&row.table.columns, row.line);
        match &self.time {
            TimeColumns::One(column) => {
                let (time, format) = recognise(&names[*column], line, row.text(*column))?;
                Ok(match format {
                    // All the column's numbers were looked at before.
                    TimeFormat::Step => self.format.of_integer(time.0).unwrap_or(time),
                    _ if self.format.offset() == Offset::Utc => format.offset().to_utc(time),
                    _ => time,
                })
            }
            TimeColumns::Parts(parts) => {
                let mut civil = Civil::date(1, 1, 1);
                for &(column, part) in parts {
                    let wrong = || SeriesFault::Time {
                        line,
                        column: names[column].clone(),
                        found: row.text(column).to_owned(),
                        expected: part.expected().to_owned(),
                    };
                    let number = integer(row.text(column)).ok_or_else(wrong)?;
                    let small = u8::try_from(number).unwrap_or(u8::MAX);
                    match part {
                        Part::Year if has_year(number) => civil.year = number,
                        Part::Quarter if (1..=4).contains(&number) => civil.month = 3 * small - 2,
                        Part::Month => civil.month = small,
                        Part::Day => civil.day = small,
                        Part::Hour => civil.hour = small,
                        Part::Year | Part::Quarter => return Err(wrong()),
                    }
                    // The larger parts are there: this one must exist within them.
                    civil.time().ok_or_else(wrong)?;
                }
                civil.time().ok_or_else(|| SeriesFault::TimeParts { columns: Vec::new() })
            }
        }
    }
}
