//! Which columns of a table hold the times, and how they are written.

use std::borrow::Cow;

use super::format::{Integers, Offset, TimeFormat, integer, time_of_week};
use super::survey::Survey;
use super::time::{Civil, Time, has_year};
use super::{Row, Table, is_unnamed};
use crate::series::SeriesFault;
use crate::series::fault::Refusal;

/// The times of a table: where they stand, and in which form.
pub(crate) struct Times {
    pub(crate) columns: TimeColumns,
    pub(crate) format: TimeFormat,
}

/// Where a time stands: in one column, or in one for each part.
pub(crate) enum TimeColumns {
    One(usize),
    /// A day, and a time of that day.
    Joined {
        date: usize,
        clock: usize,
    },
    /// Column and part, the largest part first.
    Parts(Vec<(usize, Part)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
}

/// Names of columns that hold times, the likeliest first; then those that may, where the parts of a time have no columns.
pub(crate) const TIME_NAMES: [&str; 5] = ["time", "date", "datetime", "ds", "timestamp"];
const TIME_NAMES_LAST: [&str; 6] = ["month", "quarter", "week", "year", "step", "t"];

/// What makes a time together.
const PARTS: [(&[Part], TimeFormat); 5] = [
    (&[Part::Year, Part::Week], TimeFormat::Week { separated: true, day: false }),
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
            "quarter" | "qtr" | "q" => Part::Quarter,
            "week" | "wk" => Part::Week,
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
            Part::Week => "a week, from 1 to 52 or 53",
            Part::Day => "a day of its month",
            Part::Hour => "an hour, from 0 to 23",
        }
    }
}

impl TimeColumns {
    /// Whether each part of a time has a column.
    pub(crate) fn is_parts(&self) -> bool {
        matches!(self, TimeColumns::Parts(_))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = usize> {
        let (one, two, parts) = match self {
            TimeColumns::One(column) => (Some(*column), None, &[][..]),
            TimeColumns::Joined { date, clock } => (Some(*date), Some(*clock), &[][..]),
            TimeColumns::Parts(parts) => (None, None, parts.as_slice()),
        };
        one.into_iter().chain(two).chain(parts.iter().map(|&(column, _)| column))
    }
}

/// Whether a cell is a time of a day, as `13:00`, `9:05:30` or `1:00 PM`.
pub(crate) fn is_clock(cell: &str) -> bool {
    let first = |rest: &str| rest.split(':').next().is_some_and(|hour| hour.len() <= 2);
    first(cell)
        && cell.contains(':')
        && cell.is_ascii()
        && TimeFormat::candidates(&format!("2000-01-01 {cell}")).count() == 1
}

/// The times of one column or two as one text.
fn joined<'a>(row: &'a Row, column: usize, clock: Option<usize>) -> Cow<'a, str> {
    let date = row.text(column);
    let Some(clock) = clock else { return Cow::Borrowed(date) };
    // A day of digits alone is one by ISO, and an hour a clock.
    let date = match date.as_bytes() {
        digits if digits.len() == 8 && digits.iter().all(u8::is_ascii_digit) => {
            format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])
        }
        _ => date.to_owned(),
    };
    let clock = row.text(clock);
    match clock.len() {
        1 | 2 if clock.bytes().all(|byte| byte.is_ascii_digit()) => Cow::Owned(format!("{date} {clock:0>2}:00")),
        _ => Cow::Owned(format!("{date} {clock}")),
    }
}

/// The column of times, or those of its parts; `named` are those that are asked for, and `free` those that may be taken
/// where none is.
pub(crate) fn find(table: &Table, survey: &Survey, named: &[String], free: &[usize]) -> Result<TimeColumns, Refusal> {
    match named {
        [] => match find_free(table, survey, free)? {
            Some(TimeColumns::One(date)) => with_clock(table, survey, date, free),
            Some(parts) => Ok(parts),
            None => Err(SeriesFault::NoTime { columns: table.columns.clone() }.into()),
        },
        [name] => Ok(TimeColumns::One(super::column(table, "time", name)?)),
        names => Ok(named_parts(table, survey, names)?),
    }
}

/// The column of times among `free`: by its name, by the names of its parts, by its cells.
fn find_free(table: &Table, survey: &Survey, free: &[usize]) -> Result<Option<TimeColumns>, Refusal> {
    let named = |names: &[&str]| -> Vec<usize> {
        let matching = |name: &&str| free.iter().copied().find(|&column| table.columns[column].to_lowercase() == *name);
        names.iter().filter_map(matching).collect()
    };
    let sole = |columns: Vec<usize>| match columns[..] {
        [first, second, ..] => {
            let columns = [first, second].map(|column| table.columns[column].clone());
            Err(SeriesFault::TimesTwice { columns })
        }
        _ => Ok(columns.first().copied()),
    };
    let first = named(&TIME_NAMES);
    if let Some(column) = sole(first.iter().copied().filter(|&column| survey.is_times(column)).collect())? {
        return Ok(Some(TimeColumns::One(column)));
    }
    if let Some(&column) = first.iter().find(|&&column| survey.is_whole(column)) {
        return Ok(Some(TimeColumns::One(column)));
    }
    if let Some(parts) = parts(table, free) {
        return Ok(Some(TimeColumns::Parts(parts)));
    }
    let last = named(&TIME_NAMES_LAST);
    if let Some(&column) = last.iter().find(|&&column| survey.is_times(column) || survey.is_whole(column)) {
        return Ok(Some(TimeColumns::One(column)));
    }
    // Whole numbers are taken for times only where a name says so, or where they stand first and have none: those are
    // years, or the numbers of the rows. A column with such a name and cells that are no times is the last resort: the
    // message then shows its first wrong cell.
    let by_content = sole(free.iter().copied().filter(|&column| survey.is_times(column)).collect())?;
    let index = free
        .first()
        .copied()
        .filter(|&column| column == 0 && is_unnamed(&table.columns[column]) && survey.is_whole(column));
    let column = by_content.or(index).or(first.first().copied()).or(last.first().copied());
    Ok(column.map(TimeColumns::One))
}

/// A column of times, and the one of clocks beside it if all times are days alone: the only one of clocks, or one that is
/// called hour.
fn with_clock(table: &Table, survey: &Survey, date: usize, free: &[usize]) -> Result<TimeColumns, Refusal> {
    let mut rows = table.rows();
    let first = rows.next()?.map(|row| row.text(date).to_owned()).unwrap_or_default();
    let compact = first.len() == 8 && first.bytes().all(|byte| byte.is_ascii_digit());
    if !compact && !TimeFormat::candidates(&first).next().is_some_and(|(_, format)| format.is_day()) {
        return Ok(TimeColumns::One(date));
    }
    let others = || free.iter().copied().filter(|&column| column != date);
    let clocks: Vec<usize> = others().filter(|&column| survey.is_clock(column)).collect();
    let hour = |&column: &usize| Part::of(&table.columns[column]) == Some(Part::Hour) && survey.is_hours(column);
    let clock = match clocks[..] {
        [clock] => Some(clock),
        [] => others().find(hour),
        _ => None,
    };
    Ok(clock.map_or(TimeColumns::One(date), |clock| TimeColumns::Joined { date, clock }))
}

/// The column of times of sequences, for which there may be none: by a name that says so and no other, or the only one that
/// holds times; or those of its parts.
pub(crate) fn find_optional(
    table: &Table,
    survey: &Survey,
    named: Option<&[String]>,
    free: &[usize],
) -> Result<Option<TimeColumns>, Refusal> {
    match named {
        Some(names) if names.iter().all(String::is_empty) => Ok(None),
        Some(names) => find(table, survey, names, free).map(Some),
        None => {
            let by_name = |&column: &usize| TIME_NAMES.contains(&table.columns[column].to_lowercase().as_str());
            let mut named: Vec<usize> = free.iter().copied().filter(by_name).collect();
            // Of Date and Time the second may be the first one's clock.
            if named.iter().any(|&column| survey.is_times(column)) {
                named.retain(|&column| !survey.is_clock(column));
            }
            let by_content = || free.iter().copied().filter(|&column| survey.is_times(column)).collect();
            let found: Vec<usize> = if named.is_empty() { by_content() } else { named };
            match found[..] {
                [first, second, ..] => {
                    let columns = [first, second].map(|column| table.columns[column].clone());
                    Err(SeriesFault::TimesTwice { columns }.into())
                }
                [date] => with_clock(table, survey, date, free).map(Some),
                [] => {
                    let whole = |of: &Vec<(usize, Part)>| of.iter().all(|&(column, _)| survey.is_whole(column));
                    Ok(parts(table, free).filter(whole).map(TimeColumns::Parts))
                }
            }
        }
    }
}

/// The largest set of columns that makes a time together.
fn parts(table: &Table, among: &[usize]) -> Option<Vec<(usize, Part)>> {
    let column = |part| among.iter().copied().find(|&column| Part::of(&table.columns[column]) == Some(part));
    PARTS.iter().rev().find_map(|(parts, _)| parts.iter().map(|&part| Some((column(part)?, part))).collect())
}

fn named_parts(table: &Table, survey: &Survey, names: &[String]) -> Result<TimeColumns, SeriesFault> {
    let columns = names.iter().map(|name| super::column(table, "time", name)).collect::<Result<Vec<_>, _>>()?;
    if let [date, clock] = columns[..]
        && (survey.is_clock(clock) || (survey.is_hours(clock) && Part::of(names[0].as_str()).is_none()))
    {
        return Ok(TimeColumns::Joined { date, clock });
    }
    let wrong = || SeriesFault::TimeParts { columns: names.to_vec() };
    let parts = parts(table, &columns).filter(|parts| parts.len() == columns.len());
    parts.map(TimeColumns::Parts).ok_or_else(wrong)
}

/// The form that is named.
fn named_format(name: &str) -> Result<TimeFormat, SeriesFault> {
    TimeFormat::named(name).ok_or_else(|| SeriesFault::TimeFormat { found: name.to_owned() })
}

/// The form of all times, or the first that has another. `given` is the form that is named.
pub(crate) fn format(table: &Table, time: &TimeColumns, given: Option<&str>) -> Result<TimeFormat, Refusal> {
    let (column, clock) = match time {
        TimeColumns::One(column) => (*column, None),
        TimeColumns::Joined { date, clock } => (*date, Some(*clock)),
        TimeColumns::Parts(parts) => {
            let same = |of: &[Part]| of.iter().copied().eq(parts.iter().map(|&(_, part)| part));
            return PARTS.iter().find(|(of, _)| same(of)).map(|&(_, format)| format).ok_or_else(|| {
                let columns = parts.iter().map(|&(column, _)| table.columns[column].clone()).collect();
                SeriesFault::TimeParts { columns }.into()
            });
        }
    };
    if let Some(name) = given {
        return Ok(named_format(name)?);
    }
    // The first time, and the forms that it and all so far can be of.
    let mut first: Option<(u64, String)> = None;
    let mut forms: Vec<TimeFormat> = Vec::new();
    let mut whole = Integers::NONE;
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        let (line, cell) = (row.line, joined(&row, column, clock));
        let found: Vec<(Time, TimeFormat)> = TimeFormat::candidates(&cell).collect();
        let Some(&(time, form)) = found.first() else {
            return Err(no_time(&table.columns[column], line, &cell).into());
        };
        if form == TimeFormat::Step {
            whole.push(time.0);
        }
        let Some((first_line, first)) = &first else {
            first = Some((line, cell.into_owned()));
            forms = found.into_iter().map(|(_, form)| form).collect();
            continue;
        };
        let merged = |form: &TimeFormat| found.iter().find_map(|(_, other)| form.merge(*other));
        forms = forms.iter().filter_map(merged).collect();
        if forms.is_empty() {
            return Err(SeriesFault::TimeForm {
                line,
                column: table.columns[column].clone(),
                found: cell.into_owned(),
                first_line: *first_line,
                first: first.clone(),
            }
            .into());
        }
    }
    match (&forms[..], first) {
        ([one, other, ..], Some((line, found))) => Err(SeriesFault::TimeAmbiguous {
            line,
            column: table.columns[column].clone(),
            found,
            forms: [one, other].map(TimeFormat::to_string),
        }
        .into()),
        ([], _) | ([TimeFormat::Step], _) => Ok(TimeFormat::of_integers(&table.columns[column], whole)),
        ([form, ..], _) => Ok(*form),
    }
}

fn no_time(column: &str, line: u64, cell: &str) -> SeriesFault {
    let (column, found) = (column.to_owned(), cell.to_owned());
    let upper = cell.to_uppercase();
    let expected = match cell.parse::<f64>() {
        _ if upper.ends_with("AM") || upper.ends_with("PM") => "a date and an hour from 1 to 12, as 2009-05-31 1:00 PM",
        _ if cell.contains(" 24:") || cell.contains("T24:") => {
            "an hour from 0 to 23: write 24:00 as 00:00 of the next day"
        }
        _ if cell.get(4..).is_some_and(|rest| rest.trim_start_matches('-').starts_with('W')) => {
            "a week of its year, as 2020-W05, from W01 to W52 or W53"
        }
        Ok(days) if (10_000.0..100_000.0).contains(&days) => {
            "a date, a year or a whole number: if these are Excel's numbers of days, say --time-format excel"
        }
        Ok(_) => "a date, a year or a whole number: years with a fraction are not read, give year and month",
        Err(_) => {
            "2009, 2009-05, 2009Q2, 2009-05-31, May-31-2009, 31/05/2009, or 2009-05-31T13:00:00 with seconds of at most six \
             places, and Z or +02:00 behind it if that is known; --time-format names another form, as DD/MM/YY"
        }
    };
    SeriesFault::Time { line, column, found, expected: expected.to_owned() }
}

impl Times {
    /// The time of a row.
    pub(crate) fn of(&self, row: &Row) -> Result<Time, SeriesFault> {
        let (names, line) = (&row.table.columns, row.line);
        let (one, clock) = match &self.columns {
            TimeColumns::One(column) => (Some(column), None),
            TimeColumns::Joined { date, clock } => (Some(date), Some(*clock)),
            TimeColumns::Parts(_) => (None, None),
        };
        match (one, &self.columns) {
            (Some(column), _) => {
                let cell = joined(row, *column, clock);
                self.format.parse(&cell).ok_or_else(|| match self.format {
                    TimeFormat::Pattern(_)
                    | TimeFormat::Digits { .. }
                    | TimeFormat::Epoch { .. }
                    | TimeFormat::Excel => SeriesFault::Time {
                        line,
                        column: names[*column].clone(),
                        found: cell.into_owned(),
                        expected: self.format.to_string(),
                    },
                    _ => no_time(&names[*column], line, &cell),
                })
            }
            (_, TimeColumns::Parts(parts)) => {
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
                        Part::Week => {
                            let week = time_of_week(civil.year, u32::from(small), 1).ok_or_else(wrong)?;
                            civil = week.civil();
                        }
                        Part::Day => civil.day = small,
                        Part::Hour => civil.hour = small,
                        Part::Year | Part::Quarter => return Err(wrong()),
                    }
                    // The larger parts are there: this one must exist within them.
                    civil.time().ok_or_else(wrong)?;
                }
                civil.time().ok_or_else(|| SeriesFault::TimeParts { columns: Vec::new() })
            }
            (None, _) => Err(SeriesFault::TimeParts { columns: Vec::new() }),
        }
    }
}
