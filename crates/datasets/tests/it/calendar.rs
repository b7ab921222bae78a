//! Laws of times, at random: what is written is read again, and going on twice is going on once.

use std::num::{NonZeroU32, NonZeroU64};

use elman_datasets::series::time::{DAY, HOUR, MINUTE, SECOND};
use elman_datasets::series::{Civil, Frequency, Offset, Reader, Time, TimeFormat, days_of_month};
use proptest::prelude::*;

fn times() -> impl Strategy<Value = Time> {
    let first = Civil::date(1, 1, 1).time().unwrap().0;
    let last = Civil::date(9999, 12, 31).time().unwrap().0;
    (first..last).prop_map(Time)
}

fn frequencies() -> impl Strategy<Value = Frequency> {
    let fixed = prop_oneof![Just(7 * DAY), Just(DAY), Just(HOUR), Just(15 * MINUTE), Just(SECOND), 1..100 * DAY];
    prop_oneof![
        (1..40_u32, 1..=31_u8)
            .prop_map(|(every, day)| Frequency::Months { every: NonZeroU32::new(every).unwrap(), day }),
        Just(Frequency::BusinessDays),
        fixed.prop_map(|by| Frequency::Fixed(NonZeroU64::new(by as u64).unwrap())),
        (1..1000_u64).prop_map(|by| Frequency::Steps(NonZeroU64::new(by).unwrap())),
    ]
}

/// The nearest time at or before `time` that a series of this frequency can have.
fn on_grid(frequency: Frequency, time: Time) -> Time {
    match frequency {
        Frequency::Months { day, .. } => {
            let civil = time.civil();
            let day = day.min(days_of_month(civil.year, civil.month));
            Civil { day, ..civil }.time().unwrap()
        }
        Frequency::BusinessDays => Time(time.0 - DAY * i64::from(time.weekday().saturating_sub(4))),
        Frequency::Fixed(_) | Frequency::Steps(_) => time,
    }
}

fn formats() -> impl Strategy<Value = TimeFormat> {
    let separator = || prop_oneof![Just('-'), Just('/')];
    let offset = prop_oneof![Just(Offset::Unsaid), Just(Offset::Utc), (-1080..=1080_i16).prop_map(Offset::Minutes)];
    let seconds = prop_oneof![Just(None), (0..=6_u8).prop_map(Some)];
    let date_time = (separator(), prop_oneof![Just('T'), Just(' ')], seconds, offset)
        .prop_map(|(separator, between, seconds, offset)| TimeFormat::DateTime { separator, between, seconds, offset });
    prop_oneof![
        Just(TimeFormat::Step),
        Just(TimeFormat::Year),
        prop_oneof![Just(None), Just(Some('-'))].prop_map(|separator| TimeFormat::Quarter { separator }),
        separator().prop_map(|separator| TimeFormat::Month { separator }),
        prop_oneof![Just(None), separator().prop_map(Some)].prop_map(|separator| TimeFormat::Date { separator }),
        date_time,
    ]
}

proptest! {
    /// A form may have no place for a part of a time; what it has written, it reads as itself.
    #[test]
    fn what_is_written_is_read_again(time in times(), format in formats()) {
        let written = format.write(time);
        let read = format.parse(&written);
        // Days of eight digits are told from steps by their column, here by the form.
        prop_assert!(read.is_some(), "{} as {}", written, format);
        prop_assert_eq!(format.write(read.unwrap()), written);
        if let TimeFormat::DateTime { seconds: Some(6), .. } | TimeFormat::Step = format {
            prop_assert_eq!(read, Some(time));
        }
    }

    #[test]
    fn the_calendar_has_an_inverse(time in times()) {
        prop_assert_eq!(time.civil().time(), Some(time));
    }

    #[test]
    fn going_on_twice_is_going_on_once(frequency in frequencies(), time in times(), j in -3000..3000_i64, k in -3000..3000_i64) {
        let start = on_grid(frequency, time);
        if let (Some(first), Some(sum)) = (frequency.after(start, j), frequency.after(start, j + k)) {
            prop_assert_eq!(frequency.after(first, k), Some(sum));
            prop_assert_eq!(frequency.after(start, 0), Some(start));
            prop_assert_eq!(frequency.step_at(start, sum), Some(j + k));
            prop_assert_eq!((first < sum, first > sum), (k > 0, k < 0));
        }
    }

    /// The last step not after a time: that time is before the next.
    #[test]
    fn steps_between_round_down(frequency in frequencies(), start in times(), time in times()) {
        let start = on_grid(frequency, start);
        let steps = frequency.steps_between(start, time);
        if let (Some(at), Some(next)) = (frequency.after(start, steps), frequency.after(start, steps + 1)) {
            prop_assert!(at <= time && time < next, "{frequency} {start:?} {time:?} {steps}");
        }
    }

    /// A file of the times of a series gives the series again, wherever it starts, with rows left out.
    #[test]
    fn a_series_is_read_as_it_was_written(frequency in frequencies(), time in times(), left_out in 4..19_i64) {
        let start = on_grid(frequency, time);
        let format = match frequency {
            Frequency::Steps(_) => TimeFormat::Step,
            _ => TimeFormat::DateTime { separator: '-', between: 'T', seconds: Some(6), offset: Offset::Unsaid },
        };
        let times: Option<Vec<Time>> = (0..=20).map(|step| frequency.after(start, step)).collect();
        if let Some(times) = times {
            let mut text = "time,y\n".to_owned();
            for (step, &time) in times[..20].iter().enumerate().filter(|&(step, _)| step as i64 != left_out) {
                text += &format!("{},{step}\n", format.write(time));
            }
            let set = Reader::new("y").parse("t", text.as_bytes()).unwrap();
            let series = &set.series[0];
            prop_assert_eq!((series.steps(), set.report.gaps), (20, 1), "{}", text);
            prop_assert!(series.target[left_out as usize].is_nan());
            prop_assert_eq!(set.time_text(series, 20), Some(format.write(times[20])), "{}", text);
        }
    }

    /// Whatever the bytes are, they are read or refused.
    #[test]
    fn no_bytes_bring_it_down(text in "(y|t|date|,|;|\t|\"|\n|\r\n| |2009-0[1-9]|[0-9]{1,4}|é|-|:|T|Z|Q1|nan|1e9){0,60}") {
        let _ = Reader::new("y").parse("t", text.as_bytes());
        let _ = Reader::new("y").parse("t", format!("t,y\n{text}").as_bytes());
        let _ = TimeFormat::recognise(&text);
    }
}
