//! Points of time, and the Gregorian calendar.
//!
//! The arithmetic is written here, not taken from a library: all that is needed is the number of a day and the length
//! of a month, and what a library would add, zones and their histories, has no place in series of equal steps.

/// A point of time: microseconds since 1970-01-01T00:00 on the clock of the file, or, where a file counts its steps, the
/// step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds of a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds of a day.
pub const DAY: i64 = 24 * HOUR;

/// Years that have four digits, and one before them.
const YEARS: std::ops::RangeInclusive<i64> = 1..=9999;

/// A point of time by the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// From 1 to 9999.
    pub year: i64,
    /// From 1 to 12.
    pub month: u8,
    /// From 1.
    pub day: u8,
    /// From 0 to 23.
    pub hour: u8,
    /// From 0 to 59.
    pub minute: u8,
    /// From 0 to 59.
    pub second: u8,
    /// From 0 to 999,999.
    pub microsecond: u32,
}

impl Civil {
    /// The start of a day.
    pub fn date(year: i64, month: u8, day: u8) -> Self {
        Civil { year, month, day, hour: 0, minute: 0, second: 0, microsecond: 0 }
    }

    /// The point of time, or None where the calendar has no such day, the clock no such time, or the year is not within
    /// 1 to 9999.
    pub fn time(self) -> Option<Time> {
        let Civil { year, month, day, hour, minute, second, microsecond } = self;
        let valid = YEARS.contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_of_month(year, month)).contains(&day)
            && (hour < 24 && minute < 60 && second < 60 && microsecond < 1_000_000);
        let clock = i64::from(hour) * HOUR + i64::from(minute) * MINUTE + i64::from(second) * SECOND;
        valid.then(|| Time(days(year, month, day) * DAY + clock + i64::from(microsecond)))
    }

    /// The day's number within its year, from 1.
    pub fn day_of_year(self) -> u16 {
        // At most 366.
        (days(self.year, self.month, self.day) - days(self.year, 1, 1) + 1) as u16
    }
}

impl Time {
    /// The same point by the calendar. Means nothing for a time that counts steps.
    pub fn civil(self) -> Civil {
        let (day_number, clock) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = date_of(day_number);
        Civil {
            year,
            month,
            day,
            hour: (clock / HOUR) as u8,
            minute: (clock % HOUR / MINUTE) as u8,
            second: (clock % MINUTE / SECOND) as u8,
            microsecond: (clock % SECOND) as u32,
        }
    }

    /// The day of the week, from 0, Monday, to 6, Sunday.
    pub fn weekday(self) -> u8 {
        // Day 0, 1970-01-01, was a Thursday.
        (self.0.div_euclid(DAY) + 3).rem_euclid(7) as u8
    }

    /// Microseconds since midnight.
    pub fn clock(self) -> i64 {
        self.0.rem_euclid(DAY)
    }

    /// Months since the year 0.
    pub(crate) fn month_number(self) -> i64 {
        let Civil { year, month, .. } = self.civil();
        year * 12 + i64::from(month) - 1
    }
}

/// The length of a month in days.
pub fn days_of_month(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Whether a year is one that [`Civil::time`] takes.
pub(crate) fn has_year(year: i64) -> bool {
    YEARS.contains(&year)
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year, and in eras of 400
/// years, which all have as many days.
fn days(year: i64, month: u8, day: u8) -> i64 {
    let from_march = (i64::from(month) + 9) % 12;
    let year = if from_march >= 10 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    era * DAYS_OF_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

/// Year, month and day of a day's number: the inverse of [`days`].
fn date_of(day_number: i64) -> (i64, u8, u8) {
    let since = day_number + EPOCH;
    let (era, of_era) = (since.div_euclid(DAYS_OF_ERA), since.rem_euclid(DAYS_OF_ERA));
    // What leap days have added before is taken off: 1460 days are 4 years but their last, and so on.
    let year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month as u8, day as u8)
}

const DAYS_OF_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    /// The calendar, walked day by day by its own definition.
    #[test]
    fn every_day_of_ten_thousand_years() {
        let mut number = days(1, 1, 1);
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    assert_eq!(days(year, month, day), number);
                    assert_eq!(date_of(number), (year, month, day));
                    number += 1;
                }
            }
        }
        assert_eq!(days(1970, 1, 1), 0);
    }

    #[test]
    fn leap_years() {
        let lengths = [(1900, 28), (2000, 29), (2001, 28), (2004, 29), (2100, 28)];
        for (year, length) in lengths {
            assert_eq!(days_of_month(year, 2), length, "February {year}");
        }
    }

    #[test]
    fn weekdays_and_days_of_the_year() {
        let day = |year, month, day| Civil::date(year, month, day);
        // The first landing on the moon was on a Sunday, 2000 began on a Saturday.
        assert_eq!(day(1969, 7, 20).time().unwrap().weekday(), 6);
        assert_eq!(day(2000, 1, 1).time().unwrap().weekday(), 5);
        assert_eq!(day(2000, 12, 31).day_of_year(), 366);
        assert_eq!(day(1999, 3, 1).day_of_year(), 60);
    }

    #[test]
    fn times_that_do_not_exist() {
        let noon = Civil { hour: 12, ..Civil::date(2009, 5, 31) };
        assert!(noon.time().is_some());
        let wrong = [
            Civil { month: 0, ..noon },
            Civil { month: 13, ..noon },
            Civil { day: 0, ..noon },
            Civil { day: 32, ..noon },
            Civil { month: 6, ..noon },
            Civil { year: 0, ..noon },
            Civil { year: 10_000, ..noon },
            Civil { hour: 24, ..noon },
            Civil { minute: 60, ..noon },
            Civil { second: 60, ..noon },
            Civil { microsecond: 1_000_000, ..noon },
        ];
        for civil in wrong {
            assert_eq!(civil.time(), None, "{civil:?}");
        }
    }

    #[test]
    fn a_time_before_1970_has_its_own_clock() {
        let civil = Civil { hour: 23, minute: 59, second: 58, microsecond: 7, ..Civil::date(1749, 1, 31) };
        let time = civil.time().unwrap();
        assert!(time.0 < 0);
        assert_eq!(time.civil(), civil);
    }
}
