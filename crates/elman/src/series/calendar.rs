//! The calendar as a network reads it: where a time stands in each cycle of its frequency.

use std::f64::consts::TAU;

use elman_datasets::series::time::{DAY, HOUR, MINUTE};
use elman_datasets::series::{Civil, Frequency, Time};

/// A cycle of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cycle {
    /// Twelve months.
    Year,
    /// The days of a year, 365 or 366.
    YearByDays,
    /// Monday to Sunday.
    Week,
    /// From midnight to midnight.
    Day,
    /// The minutes of an hour.
    Hour,
    /// The seconds of a minute.
    Minute,
}

/// The cycles that are longer than one step of a frequency and shorter than a lifetime, K / 2 of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The longest first.
    pub cycles: Vec<Cycle>,
}

impl Calendar {
    /// Of a frequency: none for years and for steps that are only counted.
    pub fn new(frequency: Frequency) -> Self {
        let cycles = match frequency {
            Frequency::Steps(_) => vec![],
            Frequency::Months { every, .. } if every.get() % 12 == 0 => vec![],
            Frequency::Months { .. } => vec![Cycle::Year],
            Frequency::BusinessDays => vec![Cycle::YearByDays, Cycle::Week],
            Frequency::Fixed(by) => {
                let by = by.get();
                let turns = |cycle: i64| !by.is_multiple_of(cycle as u64);
                let shorter = [(7 * DAY, Cycle::Week), (DAY, Cycle::Day), (HOUR, Cycle::Hour), (MINUTE, Cycle::Minute)];
                let shorter = shorter.into_iter().filter(|&(length, _)| turns(length)).map(|(_, cycle)| cycle);
                [Cycle::YearByDays].into_iter().chain(shorter).collect()
            }
        };
        Calendar { cycles }
    }

    /// K, the numbers of a time.
    pub fn width(&self) -> usize {
        2 * self.cycles.len()
    }

    /// What each of the K numbers is.
    pub fn names(&self) -> Vec<String> {
        let of = |cycle: &Cycle| [format!("sin of {}", cycle.name()), format!("cos of {}", cycle.name())];
        self.cycles.iter().flat_map(of).collect()
    }

    /// Writes sine and cosine of a time's place in each cycle into `to [K]`.
    ///
    /// # Panics
    /// If `to` does not have K floats.
    pub fn write(&self, time: Time, to: &mut [f32]) {
        assert_eq!(to.len(), self.width(), "to must be [K]");
        for (to, cycle) in to.chunks_exact_mut(2).zip(&self.cycles) {
            let angle = TAU * cycle.phase(time);
            to[0] = libm::sin(angle) as f32;
            to[1] = libm::cos(angle) as f32;
        }
    }
}

impl Cycle {
    fn name(self) -> &'static str {
        match self {
            Cycle::Year => "the month of the year",
            Cycle::YearByDays => "the day of the year",
            Cycle::Week => "the day of the week",
            Cycle::Day => "the time of day",
            Cycle::Hour => "the minute of the hour",
            Cycle::Minute => "the second of the minute",
        }
    }

    /// The part of the cycle that has passed, from 0 up to 1.
    fn phase(self, time: Time) -> f64 {
        let part = |of: i64| time.clock().rem_euclid(of) as f64 / of as f64;
        match self {
            Cycle::Year => f64::from(time.civil().month - 1) / 12.0,
            Cycle::YearByDays => {
                let civil = time.civil();
                let days = Civil::date(civil.year, 12, 31).day_of_year();
                f64::from(civil.day_of_year() - 1) / f64::from(days)
            }
            Cycle::Week => f64::from(time.weekday()) / 7.0,
            Cycle::Day => part(DAY),
            Cycle::Hour => part(HOUR),
            Cycle::Minute => part(MINUTE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU32, NonZeroU64};

    use super::*;

    fn fixed(by: i64) -> Frequency {
        Frequency::Fixed(NonZeroU64::new(by as u64).unwrap())
    }

    fn months(every: u32) -> Frequency {
        Frequency::Months { every: NonZeroU32::new(every).unwrap(), day: 1 }
    }

    #[test]
    fn each_frequency_has_its_cycles() {
        use Cycle::{Day, Hour, Minute, Week, Year, YearByDays};
        let known: [(Frequency, &[Cycle]); 9] = [
            (Frequency::Steps(NonZeroU64::MIN), &[]),
            (months(12), &[]),
            (months(3), &[Year]),
            (months(1), &[Year]),
            (fixed(7 * DAY), &[YearByDays]),
            (Frequency::BusinessDays, &[YearByDays, Week]),
            (fixed(DAY), &[YearByDays, Week]),
            (fixed(HOUR), &[YearByDays, Week, Day]),
            (fixed(10_000_000), &[YearByDays, Week, Day, Hour, Minute]),
        ];
        for (frequency, cycles) in known {
            let calendar = Calendar::new(frequency);
            assert_eq!(calendar.cycles, cycles, "{frequency}");
            assert_eq!(calendar.names().len(), calendar.width());
        }
        assert_eq!(Calendar::new(months(1)).names()[1], "cos of the month of the year");
    }

    #[test]
    fn quarters_of_a_cycle() {
        let calendar = Calendar::new(fixed(HOUR));
        let mut x = [0.0; 6];
        // A Monday at six: no part of a week, a quarter of a day, 100 of 366 days.
        let time = Civil { hour: 6, ..Civil::date(2024, 4, 8) }.time().unwrap();
        calendar.write(time, &mut x[..]);
        assert_eq!(time.civil().day_of_year(), 99);
        let year = TAU * 98.0 / 366.0;
        let expected = [year.sin(), year.cos(), 0.0, 1.0, 1.0, 0.0];
        for (found, expected) in x.iter().zip(expected) {
            // f32 rounds, and π is rounded too.
            assert!((f64::from(*found) - expected).abs() < 1e-7, "{x:?}");
        }
        let mut october = [0.0; 2];
        Calendar::new(months(1)).write(Civil::date(1749, 10, 1).time().unwrap(), &mut october);
        assert_eq!(october[0], -1.0);
    }
}
