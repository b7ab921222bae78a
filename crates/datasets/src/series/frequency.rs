//! The distance of a step from the next, as the calendar knows it.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use crate::table::time::{Civil, DAY, HOUR, MINUTE, SECOND, Time, days_of_month};

/// How the times of a series go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// Whole numbers, each so much above the one before. No calendar.
    Steps(NonZeroU64),
    /// Whole months, the clock being that of the start.
    Months {
        /// 1 for monthly, 3 for quarterly, 12 for yearly.
        every: NonZeroU32,
        /// The day of the month, or the last one of a shorter month: 31 stands for the end of every month.
        day: u8,
    },
    /// Monday to Friday, the clock being that of the start.
    BusinessDays,
    /// A fixed time, in microseconds: weeks, days, hours and what is shorter.
    Fixed(NonZeroU64),
}

impl Frequency {
    /// The time `steps` steps after `start`, before it where negative, or None beyond the years 1 to 9999 or the range
    /// of a whole number. `start` is a time of the series: the continuation is exact, so going on by j and then by k is
    /// going on by j + k.
    pub fn after(self, start: Time, steps: i64) -> Option<Time> {
        let forward = |by: NonZeroU64| start.0.checked_add(i64::try_from(by.get()).ok()?.checked_mul(steps)?);
        match self {
            Frequency::Steps(by) => forward(by).map(Time),
            Frequency::Fixed(by) => calendar(forward(by)?),
            Frequency::Months { every, day } => {
                let month = start.month_number().checked_add(i64::from(every.get()).checked_mul(steps)?)?;
                time_of_month(month, day, start.clock())
            }
            Frequency::BusinessDays => {
                let (week, day) = weekday_number(start);
                let number = (week * 5 + day).checked_add(steps)?;
                let days = number.div_euclid(5).checked_mul(7)?.checked_add(number.rem_euclid(5) - MONDAY)?;
                calendar(days.checked_mul(DAY)?.checked_add(start.clock())?)
            }
        }
    }

    /// Whole steps from `start`, a time of the series, to `time`: of all steps that are not after `time`, the last.
    pub fn steps_between(self, start: Time, time: Time) -> i64 {
        match self {
            Frequency::Steps(by) | Frequency::Fixed(by) => {
                let distance = i128::from(time.0) - i128::from(start.0);
                // A distance of 64 bits and a sign, divided by at least 1; a whole number of a file leaves no more.
                i64::try_from(distance.div_euclid(i128::from(by.get()))).unwrap_or(i64::MAX)
            }
            Frequency::Months { every, .. } => {
                let steps = (time.month_number() - start.month_number()).div_euclid(i64::from(every.get()));
                // The month may be reached and its day not yet.
                steps - i64::from(self.after(start, steps).is_some_and(|reached| reached > time))
            }
            Frequency::BusinessDays => {
                let ((start_week, start_day), (week, day)) = (weekday_number(start), weekday_number(time));
                let steps = (week - start_week) * 5 + day.min(4) - start_day;
                // On a Saturday or a Sunday the clock of Friday has been reached.
                steps - i64::from(day < 5 && time.clock() < start.clock())
            }
        }
    }

    /// The step of the series that is exactly at `time`.
    pub fn step_at(self, start: Time, time: Time) -> Option<i64> {
        let steps = self.steps_between(start, time);
        (self.after(start, steps) == Some(time)).then_some(steps)
    }

    /// The steps of one season, m: of a year for months (12), quarters (4) and weeks (52), of a week for days (7) and
    /// business days (5), of a day for hours (24) and minutes (1440), of an hour for seconds (3600). 1, no season, where
    /// the calendar has none.
    pub fn season(self) -> usize {
        let of = |whole: i64, by: u64| match whole as u64 / by {
            steps if steps > 0 && (whole as u64).is_multiple_of(by) => steps as usize,
            _ => 1,
        };
        match self {
            Frequency::Steps(_) => 1,
            Frequency::Months { every, .. } => of(12, u64::from(every.get())),
            Frequency::BusinessDays => 5,
            Frequency::Fixed(by) => match by.get() {
                by if by == 7 * DAY as u64 => 52,
                by if by >= DAY as u64 => of(7 * DAY, by),
                by if by >= MINUTE as u64 => of(DAY, by),
                by => of(HOUR, by),
            },
        }
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = |f: &mut fmt::Formatter<'_>, count: u64, one: &str, unit: &str| match count {
            1 => f.write_str(one),
            count => write!(f, "every {count} {unit}"),
        };
        match self {
            Frequency::Steps(by) => every(f, by.get(), "a step", "steps"),
            Frequency::Months { every: months, .. } => match months.get() {
                3 => f.write_str("quarterly"),
                months if months % 12 == 0 => every(f, u64::from(months / 12), "yearly", "years"),
                months => every(f, u64::from(months), "monthly", "months"),
            },
            Frequency::BusinessDays => f.write_str("every business day"),
            Frequency::Fixed(by) => {
                let units = [
                    (7 * DAY, "weekly", "weeks"),
                    (DAY, "daily", "days"),
                    (HOUR, "hourly", "hours"),
                    (MINUTE, "every minute", "minutes"),
                    (SECOND, "every second", "seconds"),
                ];
                match units.into_iter().find(|&(unit, ..)| by.get().is_multiple_of(unit as u64)) {
                    Some((unit, one, units)) => every(f, by.get() / unit as u64, one, units),
                    None => write!(f, "every {} seconds", by.get() as f64 / SECOND as f64),
                }
            }
        }
    }
}

/// The time of a day of a month since the year 0, or of the month's last day where it has fewer.
pub(crate) fn time_of_month(month_number: i64, day: u8, clock: i64) -> Option<Time> {
    let (year, month) = (month_number.div_euclid(12), (month_number.rem_euclid(12) + 1) as u8);
    let date = Civil::date(year, month, day.min(days_of_month(year, month)));
    date.time().map(|time| Time(time.0 + clock))
}

/// Weeks since a Monday, and the day of the week.
fn weekday_number(time: Time) -> (i64, i64) {
    let days = time.0.div_euclid(DAY) + MONDAY;
    (days.div_euclid(7), days.rem_euclid(7))
}

/// Days from a Monday to 1970-01-01.
const MONDAY: i64 = 3;

/// A time within the calendar's years.
fn calendar(microseconds: i64) -> Option<Time> {
    let first = Civil::date(1, 1, 1).time()?;
    let last = Civil { hour: 23, minute: 59, second: 59, microsecond: 999_999, ..Civil::date(9999, 12, 31) }.time()?;
    (first.0..=last.0).contains(&microseconds).then_some(Time(microseconds))
}

#[cfg(test)]
mod tests {
    use super::super::TimeFormat;
    use super::*;

    pub(super) fn months(every: u32, day: u8) -> Frequency {
        Frequency::Months { every: NonZeroU32::new(every).unwrap(), day }
    }

    pub(super) fn fixed(microseconds: i64) -> Frequency {
        Frequency::Fixed(NonZeroU64::new(microseconds as u64).unwrap())
    }

    /// The times that follow a start, in its own form.
    fn next<const N: usize>(frequency: Frequency, start: &str) -> [String; N] {
        let (time, format) = TimeFormat::recognise(start).unwrap();
        std::array::from_fn(|k| format.write(frequency.after(time, k as i64 + 1).unwrap()))
    }

    #[test]
    fn month_ends_stay_month_ends() {
        assert_eq!(next(months(1, 31), "2023-12-31"), ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]);
        assert_eq!(next(months(1, 31), "2022-12-31"), ["2023-01-31", "2023-02-28", "2023-03-31"]);
        assert_eq!(next(months(3, 31), "2023-09-30"), ["2023-12-31", "2024-03-31", "2024-06-30"]);
        // From the shortest month, which does not show which day is meant.
        assert_eq!(next(months(1, 31), "2023-02-28"), ["2023-03-31", "2023-04-30"]);
        assert_eq!(next(months(1, 30), "2023-01-30"), ["2023-02-28", "2023-03-30"]);
        assert_eq!(next(months(12, 31), "2023-02-28"), ["2024-02-29", "2025-02-28"]);
    }

    #[test]
    fn other_frequencies_go_on() {
        assert_eq!(next(months(1, 1), "1749-11-01"), ["1749-12-01", "1750-01-01"]);
        assert_eq!(next(fixed(DAY), "2024-02-28"), ["2024-02-29", "2024-03-01"]);
        assert_eq!(next(fixed(7 * DAY), "2024-12-30"), ["2025-01-06"]);
        assert_eq!(next(fixed(HOUR), "2024-12-31T22:30:00Z"), ["2024-12-31T23:30:00Z", "2025-01-01T00:30:00Z"]);
        // A Thursday.
        assert_eq!(next(Frequency::BusinessDays, "2009-12-31"), ["2010-01-01", "2010-01-04", "2010-01-05"]);
        assert_eq!(next(Frequency::BusinessDays, "1969-12-31 09:30"), ["1970-01-01 09:30", "1970-01-02 09:30"]);
        // When clocks are set forward in a zone, those of a series are not.
        assert_eq!(next(fixed(HOUR), "2024-03-31 01:00"), ["2024-03-31 02:00", "2024-03-31 03:00"]);
    }

    #[test]
    fn the_calendar_ends() {
        let last = Civil::date(9999, 12, 31).time().unwrap();
        for frequency in [months(12, 31), fixed(DAY), Frequency::BusinessDays] {
            assert_eq!(frequency.after(last, 1), None, "{frequency}");
            assert_eq!(frequency.after(last, i64::MAX), None, "{frequency}");
            assert!(frequency.after(last, -1).is_some(), "{frequency}");
        }
        let steps = Frequency::Steps(NonZeroU64::new(2).unwrap());
        assert_eq!(steps.after(Time(5), 3), Some(Time(11)));
        assert_eq!(steps.after(Time(5), i64::MAX), None);
    }

    #[test]
    fn seasons_and_names() {
        let known = [
            (months(12, 1), 1, "yearly"),
            (months(60, 1), 1, "every 5 years"),
            (months(6, 1), 2, "every 6 months"),
            (months(5, 1), 1, "every 5 months"),
            (months(3, 31), 4, "quarterly"),
            (months(1, 31), 12, "monthly"),
            (fixed(7 * DAY), 52, "weekly"),
            (fixed(14 * DAY), 1, "every 2 weeks"),
            (fixed(DAY), 7, "daily"),
            (fixed(2 * DAY), 1, "every 2 days"),
            (Frequency::BusinessDays, 5, "every business day"),
            (fixed(HOUR), 24, "hourly"),
            (fixed(15 * MINUTE), 96, "every 15 minutes"),
            (fixed(MINUTE), 1440, "every minute"),
            (fixed(10 * SECOND), 360, "every 10 seconds"),
            (fixed(SECOND / 2), 7200, "every 0.5 seconds"),
            (fixed(7 * SECOND), 1, "every 7 seconds"),
            (Frequency::Steps(NonZeroU64::MIN), 1, "a step"),
        ];
        for (frequency, season, name) in known {
            assert_eq!((frequency.season(), frequency.to_string().as_str()), (season, name));
        }
    }

    #[test]
    fn steps_between_are_the_last_not_after() {
        let time = |text| TimeFormat::recognise(text).unwrap().0;
        let between = |frequency: Frequency, a, b| frequency.steps_between(time(a), time(b));
        assert_eq!(between(months(1, 31), "2009-01-31", "2009-02-27"), 0);
        assert_eq!(between(months(1, 31), "2009-01-31", "2009-02-28"), 1);
        assert_eq!(between(months(1, 31), "2009-01-31", "2009-01-30"), -1);
        assert_eq!(between(fixed(DAY), "2009-01-31 12:00", "2009-02-01 11:00"), 0);
        // Friday, Saturday, Monday before the clock of the series.
        assert_eq!(between(Frequency::BusinessDays, "2010-01-01 12:00", "2010-01-02 11:00"), 0);
        assert_eq!(between(Frequency::BusinessDays, "2010-01-01 12:00", "2010-01-04 11:00"), 0);
        assert_eq!(between(Frequency::BusinessDays, "2010-01-01 12:00", "2010-01-04 12:00"), 1);
        assert_eq!(months(1, 31).step_at(time("2009-01-31"), time("2009-02-27")), None);
        assert_eq!(months(1, 31).step_at(time("2009-01-31"), time("2009-02-28")), Some(1));
    }
}
