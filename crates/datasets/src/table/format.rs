//! How a file writes its times, so that a forecast continues them in the same form.

use std::fmt::{self, Write};

use super::pattern::Pattern;
use super::time::{Civil, DAY, MINUTE, SECOND, Time, has_year};

/// A form of times. `Display` gives it as a pattern, such as `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// `17`: steps are counted.
    Step,
    /// `1749`
    Year,
    /// `2009Q2`, or `2009-Q2` with a separator.
    Quarter {
        /// What stands before the Q.
        separator: Option<char>,
    },
    /// `2009-05` or `2009/05`
    Month {
        /// `-` or `/`
        separator: char,
    },
    /// `2009-05-31`, `2009/05/31` or `20090531`
    Date {
        /// `-`, `/` or none
        separator: Option<char>,
    },
    /// `2009-05-31T13:00:00.5+02:00`
    DateTime {
        /// `-` or `/`
        separator: char,
        /// `T` or a space
        between: char,
        /// Digits of the seconds: None where there are no seconds, 0 where they are whole, at most 6 behind the point.
        seconds: Option<u8>,
        /// What is written behind.
        offset: Offset,
    },
    /// Digits without a mark: `200905`, `2009053113`, and with minutes and seconds.
    Digits {
        /// 6, 10, 12 or 14.
        count: u8,
    },
    /// The time since 1970-01-01T00:00Z as a whole number: `1243771200`.
    Epoch {
        /// 1 for seconds, 1,000 for milliseconds, and so on up to 1,000,000,000.
        per_second: u32,
    },
    /// `2020-W05` or `2020W05`, the week that begins on a Monday by ISO 8601; with its day, from 1, `2020-W05-1`.
    Week {
        /// Whether `-` stands between its parts.
        separated: bool,
        /// Whether the day is given.
        day: bool,
    },
    /// Excel's numbers of days, the clock as a fraction: `43861.5`. 60 and less are none, for Excel has a day there that no
    /// calendar has.
    Excel,
    /// Any other: `Jan-1-1995`, `1991 Jul`, `31/12/2020`.
    Pattern(Pattern),
}

/// The distance of a file's clock from Universal Time, if it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// Nothing is said.
    Unsaid,
    /// `Z`
    Utc,
    /// ` UTC`
    Named,
    /// `+02:00`, in minutes.
    Minutes(i16),
}

impl TimeFormat {
    /// Reads a time of any form. A whole number is taken for a step: that it is a year or a day of eight digits shows only
    /// in a whole column. None, too, where day and month can be either.
    pub fn recognise(text: &str) -> Option<(Time, TimeFormat)> {
        let mut all = Self::candidates(text);
        all.next().filter(|_| all.next().is_none())
    }

    /// Every form that a time can be of: two where day and month can be either.
    pub(crate) fn candidates(text: &str) -> impl Iterator<Item = (Time, TimeFormat)> {
        let iso = Self::iso(text);
        let others = iso.is_none().then(|| Pattern::recognise(text)).into_iter().flatten();
        iso.into_iter().chain(others.map(|(time, pattern)| (time, TimeFormat::Pattern(pattern))))
    }

    /// A form that is named: `steps`, `seconds` since 1970 and so on, or a pattern.
    pub(crate) fn named(name: &str) -> Option<TimeFormat> {
        let epoch = |per_second| Some(TimeFormat::Epoch { per_second });
        match name {
            "steps" => Some(TimeFormat::Step),
            "excel" => Some(TimeFormat::Excel),
            "YYYY-Www" | "%G-W%V" => Some(TimeFormat::Week { separated: true, day: false }),
            "YYYYWww" | "%GW%V" => Some(TimeFormat::Week { separated: false, day: false }),
            "YYYY-Www-D" | "%G-W%V-%u" => Some(TimeFormat::Week { separated: true, day: true }),
            "YYYYWwwD" | "%GW%V%u" => Some(TimeFormat::Week { separated: false, day: true }),
            "year" | "years" | "YYYY" | "%Y" => Some(TimeFormat::Year),
            "seconds" => epoch(1),
            "milliseconds" => epoch(1_000),
            "microseconds" => epoch(1_000_000),
            "nanoseconds" => epoch(1_000_000_000),
            "YYYYMM" | "%Y%m" => Some(TimeFormat::Digits { count: 6 }),
            "YYYYMMDD" | "%Y%m%d" => Some(COMPACT),
            "YYYYMMDDhh" | "YYYYMMDDHH" | "%Y%m%d%H" => Some(TimeFormat::Digits { count: 10 }),
            "YYYYMMDDhhmm" | "%Y%m%d%H%M" => Some(TimeFormat::Digits { count: 12 }),
            "YYYYMMDDhhmmss" | "%Y%m%d%H%M%S" => Some(TimeFormat::Digits { count: 14 }),
            name => Pattern::of(name).map(TimeFormat::Pattern),
        }
    }

    fn iso(text: &str) -> Option<(Time, TimeFormat)> {
        if let Some(step) = integer(text) {
            return Some((Time(step), TimeFormat::Step));
        }
        if let Some((time, format)) = quarter(text) {
            return Some((time, format));
        }
        if let Some((time, format)) = week(text) {
            return Some((time, format));
        }
        let separator = text.chars().nth(4).filter(|&c| c == '-' || c == '/')?;
        let (year, month) = (digits(text.get(..4)?)?, digits(text.get(5..7)?)?);
        let Some(rest) = text.get(7..).filter(|rest| !rest.is_empty()) else {
            return Some((time_of(year, month, 1)?, TimeFormat::Month { separator }));
        };
        let day = digits(rest.strip_prefix(separator)?.get(..2)?)?;
        let date = time_of(year, month, day)?;
        let rest = &rest[3..];
        if rest.is_empty() {
            return Some((date, TimeFormat::Date { separator: Some(separator) }));
        }
        let between = rest.chars().next().filter(|&c| c == 'T' || c == ' ')?;
        let (clock, offset) = split_offset(&rest[1..])?;
        let (hour, minute) = (digits(clock.get(..2)?)?, digits(clock.get(2..)?.strip_prefix(':')?.get(..2)?)?);
        let (second, microsecond, seconds) = match &clock[5..] {
            "" => (0, 0, None),
            rest => seconds(rest.strip_prefix(':')?)?,
        };
        let (month, day) = (month as u8, day as u8);
        let (hour, minute, second) = (hour as u8, minute as u8, second as u8);
        let civil = Civil { year: i64::from(year), month, day, hour, minute, second, microsecond };
        Some((civil.time()?, TimeFormat::DateTime { separator, between, seconds, offset }))
    }

    /// Reads a time of this form.
    pub fn parse(self, text: &str) -> Option<Time> {
        match self {
            TimeFormat::Pattern(pattern) => pattern.parse(text),
            TimeFormat::Excel => excel(text.parse().ok()?),
            TimeFormat::Step
            | TimeFormat::Year
            | TimeFormat::Date { separator: None }
            | TimeFormat::Digits { .. }
            | TimeFormat::Epoch { .. } => self.of_integer(integer(text)?),
            _ => {
                let (time, format) = Self::iso(text)?;
                let merged = self.merge(format)? == self;
                merged.then(|| {
                    if matches!(self.offset(), Offset::Utc | Offset::Named) {
                        format.offset().to_utc(time)
                    } else {
                        time
                    }
                })
            }
        }
    }

    /// Whether it says a day and no clock.
    pub(crate) fn is_day(self) -> bool {
        self.words() == "date"
    }

    /// What a time of this form says, in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            TimeFormat::Step => "steps",
            TimeFormat::Year => "year",
            TimeFormat::Quarter { .. } => "year and quarter",
            TimeFormat::Month { .. } | TimeFormat::Digits { count: 6 } => "year and month",
            TimeFormat::Date { .. } => "date",
            TimeFormat::Digits { count: 10 } => "date and hour",
            TimeFormat::DateTime { .. } | TimeFormat::Digits { .. } => "date and clock",
            TimeFormat::Epoch { per_second: 1 } => "seconds since 1970",
            TimeFormat::Epoch { per_second: 1_000 } => "milliseconds since 1970",
            TimeFormat::Epoch { per_second: 1_000_000 } => "microseconds since 1970",
            TimeFormat::Epoch { .. } => "nanoseconds since 1970",
            TimeFormat::Week { day: false, .. } => "year and week",
            TimeFormat::Week { day: true, .. } => "year, week and day",
            TimeFormat::Excel => "Excel's numbers of days",
            TimeFormat::Pattern(pattern) => pattern.words(),
        }
    }

    /// What a column of whole numbers can be: years where it is named so or all are within 1500 to 2200; days, months,
    /// hours and so on where all are dates of as many digits; the time since 1970 where all are from 1980 to 2100; or else
    /// steps, which a column is too that is named so.
    pub(crate) fn of_integers(column: &str, all: Integers) -> TimeFormat {
        let lower = column.to_lowercase();
        if ["step", "steps"].contains(&lower.as_str()) {
            return TimeFormat::Step;
        }
        let named = ["year", "yr", "yyyy"].contains(&lower.as_str());
        if lower.contains("date") && all.fits & Integers::EXCEL != 0 {
            return TimeFormat::Excel;
        }
        if all.fits & Integers::RECENT != 0 || (named && all.fits & Integers::YEARS != 0) {
            return TimeFormat::Year;
        }
        let found = WHOLE.iter().enumerate().find(|(place, _)| all.fits & 1 << place != 0);
        found.map_or(TimeFormat::Step, |(_, &format)| format)
    }

    /// The time that a whole number means in this form, one of whole numbers.
    pub(crate) fn of_integer(self, n: i64) -> Option<Time> {
        let two = |divisor: i64| (n / divisor % 100) as u8;
        match self {
            TimeFormat::Year => Civil::date(n, 1, 1).time(),
            TimeFormat::Date { separator: None } if n > 0 => Civil::date(n / 10_000, two(100), two(1)).time(),
            TimeFormat::Step => Some(Time(n)),
            TimeFormat::Digits { count } if n > 0 => {
                let date = Civil::date(n / 10_i64.pow(u32::from(count) - 4), 1, 1);
                let civil = match count {
                    6 => Civil { month: two(1), ..date },
                    10 => Civil { month: two(10_000), day: two(100), hour: two(1), ..date },
                    12 => Civil { month: two(1_000_000), day: two(10_000), hour: two(100), minute: two(1), ..date },
                    _ => {
                        let clock = Civil { hour: two(10_000), minute: two(100), second: two(1), ..date };
                        Civil { month: two(100_000_000), day: two(1_000_000), ..clock }
                    }
                };
                civil.time()
            }
            TimeFormat::Epoch { per_second } => {
                let parts = i64::from(per_second);
                match SECOND / parts {
                    // Parts of microseconds must be none.
                    0 => (n % (parts / SECOND) == 0).then(|| Time(n / (parts / SECOND))),
                    each => n.checked_mul(each).map(Time),
                }
                .filter(|time| has_year(time.civil().year))
            }
            _ => None,
        }
    }

    /// The form in which both can be written, if they are of one kind: seconds and their digits may be left out where they
    /// are zero, and times of several offsets are turned into Universal Time.
    pub(crate) fn merge(self, other: TimeFormat) -> Option<TimeFormat> {
        match (self, other) {
            (
                TimeFormat::DateTime { separator, between, seconds, offset },
                TimeFormat::DateTime { separator: s, between: b, seconds: other_seconds, offset: o },
            ) => {
                let said = |offset| offset != Offset::Unsaid;
                let offset = if offset == o { offset } else { Offset::Utc };
                let same = separator == s && between == b && (said(self.offset()) == said(other.offset()));
                same.then_some(TimeFormat::DateTime { separator, between, seconds: seconds.max(other_seconds), offset })
            }
            (TimeFormat::Pattern(a), TimeFormat::Pattern(b)) => a.merge(&b).map(TimeFormat::Pattern),
            _ => (self == other).then_some(self),
        }
    }

    pub(crate) fn offset(self) -> Offset {
        match self {
            TimeFormat::DateTime { offset, .. } => offset,
            _ => Offset::Unsaid,
        }
    }

    /// The time in this form. What the form has no place for, such as the day in `2009-05`, is left out.
    pub fn write(self, time: Time) -> String {
        let Civil { year, month, day, hour, minute, second, microsecond } = match self {
            TimeFormat::Step => return time.0.to_string(),
            TimeFormat::Pattern(pattern) => return pattern.write(time),
            TimeFormat::Excel => return write_excel(time),
            TimeFormat::Week { separated, day } => return write_week(time, separated, day),
            TimeFormat::Epoch { per_second } => {
                let parts = i128::from(per_second) * i128::from(time.0);
                return (parts / i128::from(SECOND)).to_string();
            }
            _ => time.civil(),
        };
        match self {
            TimeFormat::Digits { count } => {
                let all = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
                all[..usize::from(count)].to_owned()
            }
            TimeFormat::Step
            | TimeFormat::Year
            | TimeFormat::Epoch { .. }
            | TimeFormat::Week { .. }
            | TimeFormat::Excel
            | TimeFormat::Pattern(_) => year.to_string(),
            TimeFormat::Quarter { separator } => format!("{year:04}{}Q{}", text(separator), (month - 1) / 3 + 1),
            TimeFormat::Month { separator } => format!("{year:04}{separator}{month:02}"),
            TimeFormat::Date { separator } => {
                let separator = text(separator);
                format!("{year:04}{separator}{month:02}{separator}{day:02}")
            }
            TimeFormat::DateTime { separator, between, seconds, offset } => {
                let mut text =
                    format!("{year:04}{separator}{month:02}{separator}{day:02}{between}{hour:02}:{minute:02}");
                if let Some(places) = seconds {
                    // Writing to a string does not fail.
                    let _ = write!(text, ":{second:02}");
                    if places > 0 {
                        let _ = write!(text, ".{}", &format!("{microsecond:06}")[..usize::from(places.min(6))]);
                    }
                }
                let _ = write!(text, "{offset}");
                text
            }
        }
    }
}

const COMPACT: TimeFormat = TimeFormat::Date { separator: None };

/// The forms of whole numbers, the likeliest first.
const WHOLE: [TimeFormat; 9] = [
    COMPACT,
    TimeFormat::Digits { count: 6 },
    TimeFormat::Digits { count: 10 },
    TimeFormat::Digits { count: 12 },
    TimeFormat::Digits { count: 14 },
    TimeFormat::Epoch { per_second: 1 },
    TimeFormat::Epoch { per_second: 1_000 },
    TimeFormat::Epoch { per_second: 1_000_000 },
    TimeFormat::Epoch { per_second: 1_000_000_000 },
];

/// What all whole numbers of a column, pushed one by one, can be.
#[derive(Clone, Copy)]
pub(crate) struct Integers {
    /// A bit for each form of [`WHOLE`], one for Excel's days, and two for years.
    fits: u16,
}

impl Integers {
    /// Within 1500 to 2200.
    const RECENT: u16 = 1 << 14;
    /// From 1927 to 2173.
    const EXCEL: u16 = 1 << 13;
    const YEARS: u16 = 1 << 15;

    /// None so far: they can be anything.
    pub(crate) const NONE: Self = Self { fits: u16::MAX };

    pub(crate) fn push(&mut self, n: i64) {
        let mut keep = |bit: u16, fits: bool| self.fits &= if fits { u16::MAX } else { !bit };
        keep(Self::RECENT, (1500..=2200).contains(&n));
        keep(Self::YEARS, has_year(n));
        keep(Self::EXCEL, (10_000..100_000).contains(&n));
        for (place, form) in WHOLE.iter().enumerate() {
            let year = form.of_integer(n).map(|time| time.civil().year);
            let likely = match form {
                TimeFormat::Epoch { .. } => 1980..=2100,
                _ => 1500..=2200,
            };
            keep(1 << place, year.is_some_and(|year| likely.contains(&year)));
        }
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            TimeFormat::Step => write!(f, "a whole number"),
            TimeFormat::Digits { count } => f.write_str(&"YYYYMMDDhhmmss"[..usize::from(count)]),
            TimeFormat::Epoch { .. } => f.write_str(self.words()),
            TimeFormat::Excel => f.write_str("excel"),
            TimeFormat::Week { separated, day } => f.write_str(match (separated, day) {
                (true, false) => "YYYY-Www",
                (false, false) => "YYYYWww",
                (true, true) => "YYYY-Www-D",
                (false, true) => "YYYYWwwD",
            }),
            TimeFormat::Pattern(pattern) => pattern.fmt(f),
            TimeFormat::Year => write!(f, "YYYY"),
            TimeFormat::Quarter { separator } => write!(f, "YYYY{}Qq", text(separator)),
            TimeFormat::Month { separator } => write!(f, "YYYY{separator}MM"),
            TimeFormat::Date { separator } => write!(f, "YYYY{0}MM{0}DD", text(separator)),
            TimeFormat::DateTime { separator, between, seconds, offset } => {
                write!(f, "YYYY{separator}MM{separator}DD{between}hh:mm")?;
                match seconds {
                    None => {}
                    Some(0) => f.write_str(":ss")?,
                    Some(places) => write!(f, ":ss.{}", "s".repeat(usize::from(places)))?,
                }
                write!(f, "{offset}")
            }
        }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Offset::Unsaid => Ok(()),
            Offset::Utc => f.write_str("Z"),
            Offset::Named => f.write_str(" UTC"),
            Offset::Minutes(minutes) => {
                let (sign, minutes) = (if *minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl Offset {
    /// The time on the clock of Universal Time.
    pub(crate) fn to_utc(self, time: Time) -> Time {
        match self {
            Offset::Minutes(minutes) => Time(time.0 - i64::from(minutes) * MINUTE),
            Offset::Unsaid | Offset::Utc | Offset::Named => time,
        }
    }
}

/// A whole number, also written `1959.0`, as programs do that know only one kind of numbers.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok()
}

fn quarter(text: &str) -> Option<(Time, TimeFormat)> {
    let (year, quarter) = text.split_once(['Q', 'q'])?;
    let separator = year.get(4..)?;
    let year = digits(year.get(..4)?)?;
    let separator = match separator {
        "" => None,
        "-" => Some('-'),
        " " => Some(' '),
        _ => return None,
    };
    let quarter = digits(quarter).filter(|q| quarter.len() == 1 && (1..=4).contains(q))?;
    Some((time_of(year, 3 * quarter - 2, 1)?, TimeFormat::Quarter { separator }))
}

/// `2020-W05`, `2020W05`, and with the day behind.
fn week(text: &str) -> Option<(Time, TimeFormat)> {
    let (year, rest) = (digits(text.get(..4)?)?, text.get(4..)?);
    let separated = rest.starts_with('-');
    let rest = rest.strip_prefix('-').unwrap_or(rest).strip_prefix(['W', 'w'])?;
    let week = digits(rest.get(..2)?)?;
    let day = match rest.get(2..)? {
        "" => None,
        rest if separated => Some(rest.strip_prefix('-')?),
        rest => Some(rest),
    };
    let number = day.map_or(Some(1), |day| digits(day).filter(|_| day.len() == 1))?;
    let time = time_of_week(i64::from(year), week, number)?;
    Some((time, TimeFormat::Week { separated, day: day.is_some() }))
}

/// A day of a week by ISO 8601, both from 1: the first week has the 4th of January.
pub(crate) fn time_of_week(year: i64, week: u32, day: u32) -> Option<Time> {
    let fourth = Civil::date(year, 1, 4).time()?;
    let days = i64::from(week) * 7 - 7 + i64::from(day) - 1 - i64::from(fourth.weekday());
    let time = Time(fourth.0 + days * DAY);
    // A week 53 may be the first of another year.
    let valid = (1..=53).contains(&week) && (1..=7).contains(&day) && has_year(time.civil().year);
    (valid && week_of(time) == (year, week)).then_some(time)
}

/// The year and week of a time by ISO 8601: those of the Thursday of its week.
fn week_of(time: Time) -> (i64, u32) {
    let thursday = Time(time.0 + (3 - i64::from(time.weekday())) * DAY);
    let civil = thursday.civil();
    (civil.year, u32::from(civil.day_of_year() - 1) / 7 + 1)
}

fn write_week(time: Time, separated: bool, day: bool) -> String {
    let ((year, week), mark) = (week_of(time), if separated { "-" } else { "" });
    let of_week = format!("{year:04}{mark}W{week:02}");
    if day { format!("{of_week}{mark}{}", time.weekday() + 1) } else { of_week }
}

/// The day that Excel calls 0, and the last that is no day for all of its versions.
const EXCEL: (Civil, f64) =
    (Civil { year: 1899, month: 12, day: 30, hour: 0, minute: 0, second: 0, microsecond: 0 }, 60.0);

/// A number of days as Excel counts them, to the whole second: its fractions have fewer digits than a float.
fn excel(days: f64) -> Option<Time> {
    let seconds = (days * (DAY / SECOND) as f64).round();
    let time = Time(EXCEL.0.time()?.0.checked_add((seconds as i64).checked_mul(SECOND)?)?);
    (days > EXCEL.1 && days.is_finite() && has_year(time.civil().year)).then_some(time)
}

fn write_excel(time: Time) -> String {
    let days = (time.0 - EXCEL.0.time().map_or(0, |start| start.0)) as f64 / DAY as f64;
    let text = format!("{days:.10}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `05` or `05.25`: seconds, microseconds, and the digits behind the point. Digits beyond six must be zeros.
fn seconds(text: &str) -> Option<(u32, u32, Option<u8>)> {
    let second = digits(text.get(..2)?)?;
    let Some(fraction) = text.get(2..).filter(|rest| !rest.is_empty()) else { return Some((second, 0, Some(0))) };
    let fraction = fraction.strip_prefix('.')?;
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(6));
    if beyond.bytes().any(|b| b != b'0') {
        return None;
    }
    let microsecond = digits(kept)? * 10_u32.pow(6 - kept.len() as u32);
    Some((second, microsecond, Some(kept.len() as u8)))
}

/// The clock, and the offset behind it: `Z`, ` UTC`, `+02:00`, `+0200` or `+02`.
fn split_offset(text: &str) -> Option<(&str, Offset)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, Offset::Utc));
    }
    if let Some(clock) = text.strip_suffix(" UTC") {
        return Some((clock, Offset::Named));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, Offset::Unsaid)) };
    let (clock, offset) = text.split_at(at);
    let hours = digits(offset.get(1..3)?)?;
    let minutes = match &offset[3..] {
        "" => 0,
        rest => digits(rest.strip_prefix(':').unwrap_or(rest)).filter(|_| matches!(offset.len(), 5 | 6))?,
    };
    if hours > 18 || minutes > 59 {
        return None;
    }
    // At most 1139.
    let total = (hours * 60 + minutes) as i16;
    Some((clock, Offset::Minutes(if offset.starts_with('-') { -total } else { total })))
}

/// Digits and nothing else.
fn digits(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn time_of(year: u32, month: u32, day: u32) -> Option<Time> {
    Civil::date(i64::from(year), u8::try_from(month).ok()?, u8::try_from(day).ok()?).time()
}

fn text(separator: Option<char>) -> String {
    separator.map(String::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_recognised_and_written_as_they_were() {
        let forms = [
            ("2009-05", "YYYY-MM"),
            ("2009/05", "YYYY/MM"),
            ("2009-05-31", "YYYY-MM-DD"),
            ("2009/05/31", "YYYY/MM/DD"),
            ("1959Q1", "YYYYQq"),
            ("1959-Q4", "YYYY-Qq"),
            ("2009-05-31T13:00", "YYYY-MM-DDThh:mm"),
            ("2009-05-31 13:00:59", "YYYY-MM-DD hh:mm:ss"),
            ("2009-05-31T13:00:00Z", "YYYY-MM-DDThh:mm:ssZ"),
            ("2009-05-31T13:00:00.250+02:00", "YYYY-MM-DDThh:mm:ss.sss+02:00"),
            ("2009-05-31T13:00:00-05:30", "YYYY-MM-DDThh:mm:ss-05:30"),
            ("-17", "a whole number"),
            ("2020-W05", "YYYY-Www"),
            ("2020W53", "YYYYWww"),
            ("2021-W01-7", "YYYY-Www-D"),
            ("2021W017", "YYYYWwwD"),
            ("2009-05-31 13:00:00 UTC", "YYYY-MM-DD hh:mm:ss UTC"),
        ];
        for (text, pattern) in forms {
            let (time, format) = TimeFormat::recognise(text).unwrap_or_else(|| panic!("{text} is not recognised"));
            assert_eq!(format.to_string(), pattern);
            assert_eq!(format.write(time), text);
            assert_eq!(format.parse(text), Some(time), "{text}");
        }
    }

    #[test]
    fn weeks_are_those_of_the_calendar() {
        for (text, year, month, day) in [
            ("2020-W01", 2019, 12, 30),
            ("2020-W05", 2020, 1, 27),
            ("2020-W53", 2020, 12, 28),
            ("2021-W01", 2021, 1, 4),
            ("2015-W53-7", 2016, 1, 3),
        ] {
            let (time, _) = TimeFormat::recognise(text).unwrap();
            assert_eq!(time.civil(), Civil::date(year, month, day), "{text}");
        }
        for wrong in ["2021-W53", "2020-W00", "2020-W5", "2020-W05-8", "2020-W05-", "2020-W0501"] {
            assert_eq!(TimeFormat::recognise(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_as_excel_counts_them() {
        let time = |text: &str| TimeFormat::named("excel").unwrap().parse(text);
        let noon = Civil { hour: 12, ..Civil::date(2020, 1, 31) };
        for (text, civil) in [
            ("43861", Civil::date(2020, 1, 31)),
            ("43861.5", noon),
            // A clock at 13:00 in the digits of a float.
            ("43861.5416666667", Civil { hour: 13, ..noon }),
        ] {
            assert_eq!(time(text).map(Time::civil), Some(civil), "{text}");
            assert_eq!(TimeFormat::Excel.write(time(text).unwrap()), text);
        }
        assert_eq!([time("60"), time("3000000"), time("x"), time("nan")], [None; 4]);
        let of = |column: &str, n| {
            let mut integers = Integers::NONE;
            integers.push(n);
            TimeFormat::of_integers(column, integers)
        };
        assert_eq!([of("date", 43_861), of("t", 43_861)], [TimeFormat::Excel, TimeFormat::Step]);
        assert_eq!([of("date", 1_999), of("date", 20_200_131)], [TimeFormat::Year, COMPACT]);
    }

    #[test]
    fn whole_numbers_mean_years_days_or_steps() {
        let of = |column: &str, all: &[i64]| {
            let mut integers = Integers::NONE;
            all.iter().for_each(|&n| integers.push(n));
            TimeFormat::of_integers(column, integers)
        };
        assert_eq!(of("t", &[1749, 1750]), TimeFormat::Year);
        assert_eq!(of("Year", &[850, 851]), TimeFormat::Year);
        assert_eq!(of("t", &[850, 851]), TimeFormat::Step);
        assert_eq!(of("day", &[20_090_131, 20_090_201]), TimeFormat::Date { separator: None });
        assert_eq!(of("day", &[20_090_131, 20_090_132]), TimeFormat::Step);
        assert_eq!(TimeFormat::Year.parse("1749").map(|time| time.civil()), Some(Civil::date(1749, 1, 1)));
        let digits = |count| TimeFormat::Digits { count };
        let epoch = |per_second| TimeFormat::Epoch { per_second };
        for (all, format) in [
            (&[200_001, 200_112][..], digits(6)),
            (&[2_020_010_100, 2_020_013_023], digits(10)),
            (&[202_001_010_000, 202_012_312_359], digits(12)),
            (&[20_200_101_000_000], digits(14)),
            (&[200_001, 200_013], TimeFormat::Step),
            (&[2_020_010_100, 2_020_010_124], epoch(1)),
            (&[946_684_800, 949_363_200], epoch(1)),
            (&[946_684_800_000, 949_363_200_000], epoch(1_000)),
            (&[1_600_000_000_000_000], epoch(1_000_000)),
            (&[1_600_000_000_000_000_000], epoch(1_000_000_000)),
            (&[1_600_000_000_000_000_001], TimeFormat::Step),
            (&[0, 1, 2], TimeFormat::Step),
        ] {
            assert_eq!(of("t", all), format, "{all:?}");
            for &n in all {
                let time = format.of_integer(n).unwrap();
                assert_eq!((format.write(time), format.parse(&n.to_string())), (n.to_string(), Some(time)));
            }
        }
        assert_eq!(epoch(1).of_integer(946_684_800), Civil::date(2000, 1, 1).time());
        assert_eq!(integer("1959.0"), Some(1959));
        assert_eq!(integer("1959.5"), None);
    }

    #[test]
    fn what_is_no_time() {
        let wrong = [
            "",
            "May",
            "2009-13",
            "01/02/2009",
            "2009-02-29",
            "2009-05/31",
            "2009-05-31T",
            "2009-05-31T24:00",
            "2009-05-31T13:60",
            "2009-05-31T13",
            "2009-05-31T13:00:60",
            "2009-05-31T13:00:00.1234567",
            "1749.042",
            "2009-05-31T13:00:00+2",
            "2009-05-31T13:00:00+25:00",
            "2009Q5",
            "2009Q",
            "20é9-05",
            "2009-05-31T13:00:00.",
            "2009-05-3é",
            "é",
            "2009-05-31T1é:00",
        ];
        for text in wrong {
            assert_eq!(TimeFormat::recognise(text), None, "{text}");
        }
    }

    #[test]
    fn forms_of_one_kind_are_merged() {
        let of = |text| TimeFormat::recognise(text).unwrap().1;
        let merged = |a, b| of(a).merge(of(b)).map(|format| format.to_string());
        let full = merged("2009-05-31T13:00:00", "2009-05-31T13:00:00.5");
        assert_eq!(full.as_deref(), Some("YYYY-MM-DDThh:mm:ss.s"));
        let utc = merged("2009-05-31T13:00+02:00", "2009-05-31T13:00+01:00");
        assert_eq!(utc.as_deref(), Some("YYYY-MM-DDThh:mmZ"));
        assert_eq!(merged("2009-05-31T13:00", "2009-05-31T13:00Z"), None, "one has no offset");
        assert_eq!(merged("2009-05-31", "2009-05"), None);
        assert_eq!(merged("2009-05-31", "2009/05/31"), None);
    }
}
