//! `.tsf`, the format of the Monash archive of time series: a series a line.
//!
//! ```text
//! # a comment
//! @relation M1
//! @attribute series_name string
//! @attribute start_timestamp date
//! @frequency yearly
//! @horizon 6
//! @missing false
//! @equallength false
//! @data
//! T1:1972-01-01 00-00-00:3600,7700,12300
//! ```
//!
//! <https://forecastingdata.org>. Attributes stand between `:`, values between `,`; `?` is missing. A series begins at its
//! attribute of type date, or at step 0 where there is none; times by the month, quarter or year are those that the start
//! lies in. The column of values is called `value`, and times are written as the frequency asks: `1972`, `1972-01`,
//! `1972-01-01`.

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64};

use super::fault::Refusal;
use super::grid::on_grid;
use super::ids;
use super::rows::{Origin, Rows};
use super::statics::TEXTS_MAX;
use super::{Column, Frequency, Reader, Report, SeriesFault, SeriesSet, StaticValue, Taken, TakenTime, Time};
use crate::Error;
use crate::error::shown;
use crate::limits::Limits;
use crate::line::Line;
use crate::table::number::is_missing;
use crate::table::numbers::centre;
use crate::table::time::{Civil, DAY, HOUR, MINUTE, SECOND};
use crate::table::{Offset, TimeFormat, among};

/// The name of the values.
const VALUE: &str = "value";

/// Whether a text is of this format: its first line that is no comment begins with `@`.
pub(super) fn is_one(text: &str) -> bool {
    Line::of("", text, '#').next().is_some_and(|(_, line)| line.starts_with('@'))
}

/// What a line before the data says of all series.
#[derive(Default)]
struct Header {
    /// Name and type of each.
    attributes: Vec<(String, Kind)>,
    frequency: Option<(Frequency, TimeFormat)>,
    horizon: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Date,
}

/// Where each line of the data stands, and how many rows lie before it.
struct Lines {
    /// Line and first row of each series.
    starts: Vec<(u64, usize)>,
    values_max: usize,
}

impl Origin for Lines {
    fn line(&self, row: usize) -> Result<u64, Refusal> {
        let place = self.starts.partition_point(|&(_, first)| first <= row);
        Ok(self.starts.get(place.saturating_sub(1)).map_or(1, |&(line, _)| line))
    }
    fn may_hold_several(&self) -> bool {
        false
    }
    fn values_max(&self) -> usize {
        self.values_max
    }
}

pub(super) fn parse(origin: &str, text: &str, reader: &Reader, limits: Limits) -> Result<SeriesSet, Refusal> {
    let mut lines = Line::of(origin, text, '#');
    let header = header(origin, &mut lines, limits)?;
    let names: Vec<String> = header.attributes.iter().map(|(name, _)| name.clone()).collect();
    let place = |role, name: &String| {
        let missing = || SeriesFault::NoColumn { role, name: name.clone(), columns: names.clone() };
        names.iter().position(|other| other == name).ok_or_else(missing)
    };
    if !["", VALUE].contains(&reader.target.as_str()) {
        let columns = vec![VALUE.to_owned()];
        return Err(SeriesFault::NoColumn { role: "target", name: reader.target.clone(), columns }.into());
    }
    if let Some(name) = reader.covariates.iter().flatten().next() {
        return Err(SeriesFault::NoColumn { role: "covariates", name: name.clone(), columns: Vec::new() }.into());
    }
    if reader.jointly {
        return Err(SeriesFault::Alone { target: VALUE.to_owned() }.into());
    }
    let of_kind = |kind| header.attributes.iter().position(|&(_, of)| of == kind);
    let id: Vec<usize> = match &reader.id[..] {
        [] => {
            let named = names.iter().position(|name| name == "series_name");
            named.or_else(|| of_kind(Kind::Text)).into_iter().collect()
        }
        columns => among(&names, columns).iter().map(|name| place("id", name)).collect::<Result<_, _>>()?,
    };
    let time = of_kind(Kind::Date);
    let statics: Vec<usize> = match &reader.statics {
        Some(columns) => columns.iter().map(|name| place("static", name)).collect::<Result<_, _>>()?,
        None => (0..names.len()).filter(|column| !id.contains(column) && Some(*column) != time).collect(),
    };
    let (frequency, format) = match (time, header.frequency) {
        (Some(_), Some(frequency)) => frequency,
        (Some(column), None) => {
            let (line, at) = (Line { origin, number: 1 }, Some(format!("attribute {}", names[column])));
            let found = "none, so nobody knows what the start is followed by";
            return Err(line.error(at, "@frequency before the data", found).into());
        }
        (None, _) => (Frequency::Steps(NonZeroU64::MIN), TimeFormat::Step),
    };

    let data: Vec<(Line, &str)> = lines.collect();
    let count = |(_, text): &(Line, &str)| text.rsplit(':').next().map_or(0, |values| values.split(',').count());
    let rows_max = data.iter().map(count).sum::<usize>().min(limits.cells);
    let mut rows = Rows::new(format, vec![VALUE.to_owned()], vec![0.0], rows_max);
    (rows.with_ids, rows.frequency) = (!id.is_empty(), Some(frequency));
    let mut origin_of = Lines { starts: Vec::with_capacity(data.len()), values_max: limits.cells };
    let (mut name, mut known, mut example) = (String::new(), 0, None);
    for (line, text) in data {
        let cells: Vec<&str> = text.split(':').map(str::trim).take(names.len() + 2).collect();
        let Some((values, cells)) = cells.split_last().filter(|(_, cells)| cells.len() == names.len()) else {
            let expected = format!("{} attributes and the values, between colons", names.len());
            return Err(line.error(None, expected, format!("{} parts", text.split(':').count())).into());
        };
        if let Some(&column) = id.iter().find(|&&column| cells[column].is_empty()) {
            return Err(SeriesFault::NoId { line: line.number, column: names[column].clone() }.into());
        }
        ids::join(id.iter().map(|&column| cells[column]), &mut name);
        let start = match time {
            None => Time(0),
            Some(column) => start(cells[column], frequency).ok_or_else(|| {
                let expected = "a start, as 1972-01-01 00-00-00";
                line.error(Some(format!("attribute {}", names[column])), expected, shown(cells[column]))
            })?,
        };
        example.get_or_insert(start);
        let place = rows.last.len();
        match rows.series(&name, start, limits.sequences) {
            None => return Err(limits.too_many_sequences(origin, line.number, "series").into()),
            Some(series) if series < place => {
                let found = format!("{} again; give --id the attributes that tell the series apart", shown(&name));
                return Err(line.error(None, "each series once", found).into());
            }
            Some(_) => {}
        }
        let mut values_of = Vec::with_capacity(statics.len());
        for &column in &statics {
            values_of.push(match header.attributes[column].1 {
                Kind::Number => StaticValue::Number(number(cells[column], &reader.missing).ok_or_else(|| {
                    let at = Some(format!("attribute {}", names[column]));
                    line.error(at, "a finite number, or ? where it is missing", shown(cells[column]))
                })?),
                Kind::Text | Kind::Date if is_missing(cells[column]) => StaticValue::Text(String::new()),
                Kind::Text | Kind::Date => StaticValue::Text(cells[column].to_owned()),
            });
        }
        rows.statics.push(values_of);
        let row = rows.stamps.len();
        origin_of.starts.push((line.number, row));
        if row + values.split(',').count() > limits.cells {
            return Err(limits.too_many_cells(origin, line.number).into());
        }
        let numbers = || values.split(',').map(|text| number(text.trim(), &reader.missing));
        let range = numbers()
            .flatten()
            .filter(|number| !number.is_nan())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), number| (least.min(number), most.max(number)));
        rows.own_centres.push(centre(range.0, range.1));
        for (step, read) in (0_i64..).zip(numbers()) {
            let wrong = || {
                let text = values.split(',').nth(step as usize).unwrap_or_default().trim();
                line.error(
                    Some(format!("value {}", step + 1)),
                    "a finite number, or ? where it is missing",
                    shown(text),
                )
            };
            let centre = rows.own_centres[place];
            let value = read.filter(|number| !((number - centre) as f32).is_infinite()).ok_or_else(wrong)?;
            known += usize::from(!value.is_nan());
            let Some(time) = frequency.after(start, step) else {
                let found = format!("a value beyond the year 9999, {step} steps behind the start");
                return Err(line.error(Some(format!("value {}", step + 1)), "a time of the calendar", found).into());
            };
            rows.push(place, time, [Ok::<_, Error>(value)].into_iter())?;
        }
    }
    let statics = match reader.statics {
        Some(_) => statics,
        None => telling(statics, &mut rows.statics),
    };
    let column = |column: usize| names[column].clone();
    let example = example.map(|time| format.write(time)).unwrap_or_default();
    let columns = vec![time.map_or_else(|| "step".to_owned(), column)];
    let taken = Taken {
        time: Some(TakenTime { columns: columns.clone(), what: format.words().to_owned(), pattern: None, example }),
        id: id.into_iter().map(column).collect(),
        statics: statics.iter().map(|&column| names[column].clone()).collect(),
        target: Some(Column { name: VALUE.to_owned(), numbers: known, how: None }),
        ..Taken::default()
    };
    rows.static_columns.clone_from(&taken.statics);
    let (report, ids) = (std::mem::take(&mut rows.report), taken.id.clone());
    rows.report = Report { time: columns, taken, ids, horizon: header.horizon, ..report };
    on_grid(rows, &origin_of)
}

/// Of the attributes that were not asked for, those that differ from series to series in a few texts or in numbers.
fn telling(statics: Vec<usize>, values: &mut [Vec<StaticValue>]) -> Vec<usize> {
    let tells = |place: usize| {
        let texts: BTreeSet<&str> = values
            .iter()
            .filter_map(|of| if let StaticValue::Text(text) = &of[place] { Some(text.as_str()) } else { None })
            .collect();
        let differ = values.windows(2).any(|two| two[0][place] != two[1][place]);
        differ && texts.len() <= TEXTS_MAX
    };
    let keep: Vec<bool> = (0..statics.len()).map(tells).collect();
    for of in values {
        let mut keep = keep.iter();
        of.retain(|_| keep.next() == Some(&true));
    }
    statics.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(column, _)| column).collect()
}

fn header<'a>(
    origin: &'a str,
    lines: &mut impl Iterator<Item = (Line<'a>, &'a str)>,
    limits: Limits,
) -> Result<Header, Error> {
    let mut header = Header::default();
    let mut last = Line { origin, number: 1 };
    for (line, text) in lines {
        last = line;
        let (key, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let value = value.trim();
        match key.to_lowercase().as_str() {
            "@relation" | "@missing" | "@equallength" => {}
            "@attribute" => {
                let (name, kind) = value.rsplit_once(char::is_whitespace).unwrap_or((value, ""));
                let kind = match kind.to_lowercase().as_str() {
                    "string" => Kind::Text,
                    "numeric" | "integer" | "real" => Kind::Number,
                    "date" => Kind::Date,
                    _ => {
                        let expected = "a name and string, numeric or date";
                        return Err(line.error(Some(key.to_owned()), expected, shown(value)));
                    }
                };
                let name = name.trim().to_owned();
                if header.attributes.iter().any(|(other, of)| *other == name || (*of, kind) == (Kind::Date, Kind::Date))
                {
                    let expected = "each name once, and one date";
                    return Err(line.error(Some(key.to_owned()), expected, shown(value)));
                }
                if header.attributes.len() == limits.columns.min(1 << 10) {
                    return Err(limits.too_many_columns(origin, line.number, "attributes"));
                }
                header.attributes.push((name, kind));
            }
            "@frequency" => {
                let frequency = frequency(&value.to_lowercase()).ok_or_else(|| {
                    let expected =
                        "yearly, quarterly, monthly, weekly, daily, hourly, half_hourly, minutely, or as 10_minutes";
                    line.error(Some(key.to_owned()), expected, shown(value))
                })?;
                header.frequency = Some(frequency);
            }
            "@horizon" => {
                let horizon = value.parse().ok().filter(|&horizon: &usize| horizon > 0);
                let wrong = || line.error(Some(key.to_owned()), "a number above 0", shown(value));
                header.horizon = Some(horizon.ok_or_else(wrong)?);
            }
            "@data" => return Ok(header),
            "@problemname" | "@classlabel" | "@univariate" | "@targetlabel" | "@end" => {
                let found = format!("{}: a file of sequences (.ts or .arff), which train classify reads", shown(text));
                return Err(line.error(None, "a .tsf file", found));
            }
            _ => {
                let expected = "one of @relation, @attribute, @frequency, @horizon, @missing, @equallength, @data";
                return Err(line.error(None, expected, shown(text)));
            }
        }
    }
    Err(last.error(None, "@data after it, and a series a line", "the end of the file"))
}

/// A frequency by its name, and how its times are written.
fn frequency(name: &str) -> Option<(Frequency, TimeFormat)> {
    let months = |every: u32| Some(Frequency::Months { every: NonZeroU32::new(every)?, day: 1 });
    let fixed = |count: u64, of: i64| count.checked_mul(of as u64).and_then(NonZeroU64::new).map(Frequency::Fixed);
    let date = TimeFormat::Date { separator: Some('-') };
    let clock = |seconds| TimeFormat::DateTime { separator: '-', between: 'T', seconds, offset: Offset::Unsaid };
    Some(match name {
        "yearly" => (months(12)?, TimeFormat::Year),
        "quarterly" => (months(3)?, TimeFormat::Quarter { separator: None }),
        "monthly" => (months(1)?, TimeFormat::Month { separator: '-' }),
        "weekly" => (fixed(7, DAY)?, date),
        "daily" => (fixed(1, DAY)?, date),
        "hourly" => (fixed(1, HOUR)?, clock(None)),
        "half_hourly" => (fixed(30, MINUTE)?, clock(None)),
        "minutely" => (fixed(1, MINUTE)?, clock(None)),
        "secondly" => (fixed(1, SECOND)?, clock(Some(0))),
        other => {
            let (count, unit) = other.split_once('_')?;
            let count = count.parse().ok().filter(|&count: &u64| (1..=1 << 20).contains(&count))?;
            match unit.trim_end_matches('s') {
                "second" => (fixed(count, SECOND)?, clock(Some(0))),
                "minute" => (fixed(count, MINUTE)?, clock(None)),
                "hour" => (fixed(count, HOUR)?, clock(None)),
                "day" => (fixed(count, DAY)?, date),
                "week" => (fixed(7 * count, DAY)?, date),
                _ => return None,
            }
        }
    })
}

/// When a series begins: at the start of its month, quarter or year where those are counted.
fn start(text: &str, frequency: Frequency) -> Option<Time> {
    // The clock is written 00-00-00, for colons part the attributes.
    let (date, clock) = text.split_once(' ').unwrap_or((text, "00-00-00"));
    let (time, _) = TimeFormat::recognise(&format!("{date} {}", clock.trim().replace('-', ":")))?;
    let civil = time.civil();
    let first = |month: u8| Civil::date(civil.year, month, 1).time();
    match frequency {
        Frequency::Months { every, .. } => match every.get() {
            1 => first(civil.month),
            3 => first((civil.month - 1) / 3 * 3 + 1),
            _ => first(1),
        },
        _ => Some(time),
    }
}

/// A number that is finite, or NaN where it is missing.
fn number(text: &str, missing: &[f64]) -> Option<f64> {
    if text == "?" || text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let number = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    Some(if missing.contains(&number) { f64::NAN } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_kept_is_refused_with_the_line() {
        let text = "@attribute series_name string\n@data\na:1,2,3\nb:4,5\n";
        let read =
            |limits| parse("x.tsf", text, &Reader::new(""), limits).map_err(|refusal| refusal.of("x.tsf").to_string());
        let most = Limits { cells: 5, columns: 4, sequences: 2 };
        assert_eq!(read(most).unwrap().series.len(), 2);
        for (limits, says) in [
            (Limits { cells: 4, ..most }, "line 4: expected at most 4 cells"),
            (Limits { sequences: 1, ..most }, "line 4: expected at most 1 series, found more"),
            (Limits { columns: 0, ..most }, "line 1: expected at most 0 attributes, found more"),
        ] {
            let message = read(limits).unwrap_err();
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn frequencies_have_names() {
        for (name, shown) in [
            ("yearly", "yearly"),
            ("quarterly", "quarterly"),
            ("4_seconds", "every 4 seconds"),
            ("10_minutes", "every 10 minutes"),
            ("half_hourly", "every 30 minutes"),
            ("weekly", "weekly"),
        ] {
            assert_eq!(frequency(name).unwrap().0.to_string(), shown);
        }
        assert!(frequency("sometimes").is_none() && frequency("0_minutes").is_none());
    }
}
