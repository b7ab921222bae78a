//! The frequency of series, seen from their times.
//!
//! The most common distance decides; every other must be a whole multiple of it, its missing periods being gaps. Months
//! come first: times on one day of the month, or all on the last.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};

use super::Frequency;
use crate::table::time::{DAY, Time, days_of_month};

/// Rows of a series from which its frequency can be seen: two distances.
pub(crate) const ROWS_MIN: usize = 3;

/// The most periods for each row: a day of trading by the minute, at 6.5 hours of five days in a week, has 5.
pub(crate) const PERIODS_PER_ROW_MAX: u64 = 16;

/// A time of a series, and the row it stands in, in the order of the series' rows. It has 16 bytes, for a table can have
/// 2²⁷ of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    pub(crate) series: u32,
    pub(crate) time: Time,
    pub(crate) row: u32,
}

/// Row `second` of a series is not a whole number of steps after the row before.
#[derive(Debug)]
pub(crate) struct Deviation {
    pub(crate) series: usize,
    pub(crate) second: usize,
    /// Of most rows.
    pub(crate) frequency: Frequency,
}

/// Rows of a series that are as far from each other as several steps, one after the other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) series: usize,
    /// The first row and the last.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// How many steps.
    pub(crate) steps: u64,
}

/// How likely a run of gaps may come of missing rows alone, before it is taken for another frequency.
const CHANCE_MIN: f64 = 1e-3;

/// Whether somewhere another frequency holds than that of most rows: a run of gaps of one length, longer than missing rows
/// give. If a part p of all distances is k steps, a run of r of them is expected n pʳ times among n. So a series by the week
/// in a table of days is found, and days that are missing here and there are not.
pub(crate) fn change(series: &[&[Stamp]], frequency: Frequency) -> Option<Change> {
    let steps = |pair: &[Stamp]| frequency.steps_between(pair[0].time, pair[1].time).unsigned_abs();
    let (mut counts, mut all): (BTreeMap<u64, u64>, u64) = (BTreeMap::new(), 0);
    // The longest run of each length of gap.
    let mut runs: BTreeMap<u64, Change> = BTreeMap::new();
    for (index, rows) in series.iter().enumerate() {
        let mut first = 0;
        for (at, pair) in rows.windows(2).enumerate() {
            let apart = steps(pair);
            all += 1;
            if at == 0 || steps(&rows[at - 1..=at]) != apart {
                first = at;
            }
            if apart > 1 {
                *counts.entry(apart).or_default() += 1;
                let run = Change { series: index, first, last: at + 1, steps: apart };
                let longest = runs.entry(apart).or_insert(Change { series: index, first: at, last: at, steps: apart });
                if run.last - run.first > longest.last - longest.first {
                    *longest = run;
                }
            }
        }
    }
    let unlikely = |run: &Change| {
        let part = counts.get(&run.steps).copied().unwrap_or_default() as f64 / all as f64;
        all as f64 * part.powf((run.last - run.first) as f64) < CHANCE_MIN
    };
    // Of several the longest.
    runs.into_values().filter(|run| run.last - run.first > 2 && unlikely(run)).max_by_key(|run| run.last - run.first)
}

/// The frequency of series whose times ascend, at least one of them with two rows.
pub(crate) fn infer(series: &[&[Stamp]], counts_steps: bool) -> Result<Frequency, Deviation> {
    if counts_steps {
        return by_distance(series, |distance| Frequency::Steps(positive(distance)));
    }
    if let Some(day) = day_of_month(series) {
        return by_months(series, day);
    }
    if business_days(series) {
        return Ok(Frequency::BusinessDays);
    }
    by_distance(series, |distance| Frequency::Fixed(positive(distance)))
        .map_err(|deviation| month_deviation(series).unwrap_or(deviation))
}

fn pairs(series: &[&[Stamp]]) -> impl Iterator<Item = (Time, Time)> {
    series.iter().flat_map(|rows| rows.windows(2).map(|pair| (pair[0].time, pair[1].time)))
}

/// The most common of the values, the smallest of several such; 1 if there are none.
fn mode(values: impl Iterator<Item = i64>) -> i64 {
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map_or(1, |(value, _)| value)
}

/// Whole numbers of a file can be further apart than 64 bits with a sign count.
fn distance((a, b): (Time, Time)) -> i64 {
    b.0.saturating_sub(a.0)
}

fn most_common_distance(series: &[&[Stamp]]) -> i64 {
    mode(pairs(series).map(distance))
}

fn by_distance(series: &[&[Stamp]], frequency: impl Fn(i64) -> Frequency) -> Result<Frequency, Deviation> {
    let most = most_common_distance(series);
    let frequency = frequency(most);
    match first(series, |a, b| distance((a, b)) % most != 0) {
        Some((series, second)) => Err(Deviation { series, second, frequency }),
        None => Ok(frequency),
    }
}

fn by_months(series: &[&[Stamp]], day: u8) -> Result<Frequency, Deviation> {
    let months = |(a, b): (Time, Time)| b.month_number() - a.month_number();
    let every = mode(pairs(series).map(months));
    let frequency = monthly(every, day);
    match first(series, |a, b| months((a, b)) % every != 0) {
        Some((series, second)) => Err(Deviation { series, second, frequency }),
        None => Ok(frequency),
    }
}

/// The first pair of neighbours that deviates: its series and second row.
fn first(series: &[&[Stamp]], deviates: impl Fn(Time, Time) -> bool) -> Option<(usize, usize)> {
    series.iter().enumerate().find_map(|(index, rows)| {
        let pair = rows.windows(2).position(|pair| deviates(pair[0].time, pair[1].time))?;
        Some((index, pair + 1))
    })
}

/// The day of the month that all times have, or would have if their months were long enough; 31 for the ends of months.
/// February alone, as in yearly series, is taken for the month's end where it is always that.
fn day_of_month(series: &[&[Stamp]]) -> Option<u8> {
    if series.iter().any(|rows| rows.iter().any(|row| row.time.clock() != rows[0].time.clock())) {
        return None;
    }
    let times = || series.iter().copied().flatten().map(|row| row.time);
    let day = if times().all(is_last) { 31 } else { times().map(|time| time.civil().day).max()? };
    times().all(|time| is_on(time, day)).then_some(day)
}

fn is_last(time: Time) -> bool {
    is_on(time, 31)
}

fn is_on(time: Time, day: u8) -> bool {
    let civil = time.civil();
    civil.day == day.min(days_of_month(civil.year, civil.month))
}

/// Days without a Saturday or Sunday, though a weekend lies between some of them.
fn business_days(series: &[&[Stamp]]) -> bool {
    let week = |time: Time| (time.0.div_euclid(DAY) + 3).div_euclid(7);
    most_common_distance(series) == DAY
        && pairs(series).all(|pair| distance(pair) % DAY == 0)
        && series.iter().copied().flatten().all(|row| row.time.weekday() < 5)
        && pairs(series).any(|(a, b)| week(a) != week(b))
}

/// The first time on another day than most, where most are on one day of their months.
fn month_deviation(series: &[&[Stamp]]) -> Option<Deviation> {
    let mut distances: Vec<i64> = pairs(series).map(distance).collect();
    distances.sort_unstable();
    if distances[distances.len() / 2] < 28 * DAY {
        return None;
    }
    let times = || series.iter().copied().flatten().map(|row| row.time);
    let count = |day| times().filter(|&time| is_on(time, day)).count();
    let most = mode(times().map(|time| i64::from(time.civil().day))) as u8;
    let day = if count(31) > count(most) { 31 } else { most };
    if 2 * count(day) <= times().count() {
        return None;
    }
    let every = mode(pairs(series).map(|(a, b)| b.month_number() - a.month_number()));
    let frequency = monthly(every, day);
    let (series, second) = first(series, |a, b| !is_on(a, day) || !is_on(b, day) || a.clock() != b.clock())?;
    Some(Deviation { series, second, frequency })
}

fn monthly(every: i64, day: u8) -> Frequency {
    let every = u32::try_from(every).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
    Frequency::Months { every, day }
}

fn positive(distance: i64) -> NonZeroU64 {
    NonZeroU64::new(distance.unsigned_abs()).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::super::TimeFormat;
    use super::*;

    fn stamps(times: &[&str]) -> Vec<Stamp> {
        let stamp = |(row, text): (usize, &&str)| {
            let (time, _) = TimeFormat::recognise(text).unwrap_or_else(|| panic!("{text}"));
            Stamp { series: 0, time, row: row as u32 }
        };
        times.iter().enumerate().map(stamp).collect()
    }

    fn inferred(times: &[&str]) -> String {
        let counts_steps = times[0].parse::<i64>().is_ok();
        let frequency = infer(&[&stamps(times)], counts_steps).unwrap_or_else(|found| panic!("{found:?}"));
        match frequency {
            Frequency::Months { day, .. } => format!("{frequency} on day {day}"),
            _ => frequency.to_string(),
        }
    }

    #[test]
    fn frequencies_of_the_calendar() {
        let known: [(&[&str], &str); 17] = [
            (&["2009-05", "2009-06", "2009-07"], "monthly on day 1"),
            (&["2009-01-31", "2009-02-28", "2009-03-31"], "monthly on day 31"),
            (&["2009-04-30", "2009-05-31", "2009-06-30"], "monthly on day 31"),
            (&["2009-04-30", "2009-05-30", "2009-06-30"], "monthly on day 30"),
            (&["2009-01-30", "2009-02-28", "2009-03-30"], "monthly on day 30"),
            (&["2009-06-30", "2009-09-30", "2009-12-31"], "quarterly on day 31"),
            (&["2008-02-29", "2009-02-28", "2010-02-28"], "yearly on day 31"),
            (&["2004-02-28", "2005-02-28", "2006-02-28"], "yearly on day 28"),
            (&["2001-01-01", "2003-01-01", "2005-01-01"], "every 2 years on day 1"),
            (&["2009-05-01", "2009-05-08", "2009-05-15"], "weekly"),
            (&["2009-02-26", "2009-02-27", "2009-02-28", "2009-03-01"], "daily"),
            // Thursday, Friday, Monday; then Monday to Wednesday, which no weekend parts.
            (&["2009-04-30", "2009-05-01", "2009-05-04"], "every business day"),
            (&["2009-05-04", "2009-05-05", "2009-05-06"], "daily"),
            (&["2009-05-04 23:00", "2009-05-05 00:00", "2009-05-05 01:00"], "hourly"),
            (&["2009-05-04 23:45", "2009-05-05 00:00", "2009-05-05 00:15"], "every 15 minutes"),
            (&["2009-05-04 23:45:00.5", "2009-05-04 23:45:01.0", "2009-05-04 23:45:01.5"], "every 0.5 seconds"),
            (&["0", "5", "10"], "every 5 steps"),
        ];
        for (times, name) in known {
            assert_eq!(inferred(times), name, "{times:?}");
        }
    }

    #[test]
    fn gaps_are_whole_multiples() {
        assert_eq!(inferred(&["2009-01", "2009-02", "2009-03", "2009-07"]), "monthly on day 1");
        assert_eq!(inferred(&["2009-01-01", "2009-01-02", "2009-01-05"]), "every business day");
        assert_eq!(inferred(&["2009-01-03", "2009-01-04", "2009-01-07"]), "daily");
        assert_eq!(inferred(&["1", "2", "9"]), "a step");
    }

    #[test]
    fn deviating_rows_are_found() {
        let cases: [(&[&str], usize, &str); 5] = [
            (&["2009-01-15", "2009-02-01", "2009-03-01", "2009-04-01"], 1, "monthly"),
            (&["2009-01-07", "2009-01-14", "2009-01-21", "2009-01-24", "2009-01-31"], 3, "weekly"),
            (&["2009-01-01", "2009-04-01", "2009-07-01", "2009-08-01"], 3, "quarterly"),
            (&["2009-01-01", "2009-02-01", "2009-03-02", "2009-04-01"], 2, "monthly"),
            (&["1", "3", "5", "6"], 3, "every 2 steps"),
        ];
        for (times, second, name) in cases {
            let counts_steps = times[0].parse::<i64>().is_ok();
            let found = infer(&[&stamps(times)], counts_steps).unwrap_err();
            assert_eq!((found.second, found.frequency.to_string().as_str()), (second, name), "{times:?}");
        }
    }

    #[test]
    fn several_series_have_one_frequency() {
        let ends = ["2009-01-31", "2009-02-28", "2009-03-31", "2009-04-30"];
        let starts = ["2009-01-01", "2009-02-01", "2009-03-01"];
        let frequency = infer(&[&stamps(&ends), &stamps(&ends[1..3])], false).unwrap();
        assert!(matches!(frequency, Frequency::Months { day: 31, .. }));
        let mixed = infer(&[&stamps(&ends), &stamps(&starts)], false).unwrap_err();
        assert_eq!((mixed.series, mixed.second), (1, 1));
    }
}
