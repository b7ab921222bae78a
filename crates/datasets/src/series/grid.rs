//! From the rows of a file to series on the grid of one frequency.
//!
//! S series, T steps of a series, C covariates.

use std::sync::Arc;

use super::fault::Refusal;
use super::infer::{Change, Deviation, PERIODS_PER_ROW_MAX, ROWS_MIN, Stamp, change, infer};
use super::rows::{Origin, Rows};
use super::{Frequency, Report, Rounded, Series, SeriesFault, SeriesSet, Time, TimeFormat};
use crate::table::numbers::Rounding;

/// Sorts the rows by series and time, finds their frequency, and fills the gaps.
pub(super) fn on_grid(rows: Rows, origin: &dyn Origin) -> Result<SeriesSet, Refusal> {
    let Rows {
        format,
        frequency: given,
        columns,
        centres,
        own_centres,
        with_ids,
        joint,
        report,
        ids,
        mut stamps,
        values,
        ..
    } = rows;
    let Rows { known, static_columns: statics_of, statics, trimmed, rounding, last, .. } = rows;
    let mut statics = statics.into_iter();
    // Room for what is made of the rows.
    drop(last);
    stamps.sort_unstable();
    let count = stamps.len();
    // [S]: a series has a row at least, so the places are those of the ids.
    let stamps: Vec<&[Stamp]> = stamps.chunk_by(|a, b| a.series == b.series).collect();
    let ids = ids.into_vec();
    let messages = Messages { origin, ids: &ids, format, with_ids };
    messages.check(&stamps)?;
    let frequency = match given.map_or_else(|| infer(&stamps, format == TimeFormat::Step), Ok) {
        Ok(frequency) => frequency,
        Err(found) => return Err(messages.mixed(&stamps, &found)?.into()),
    };
    let width = columns.len();
    let periods = messages.periods(&stamps, frequency, width)?;
    if let Some(found) = change(&stamps, frequency) {
        return Err(messages.changes(&stamps, &found, frequency)?.into());
    }

    let rounded = columns.iter().enumerate().filter_map(|(place, column)| {
        let each = rounding.iter().skip(place).step_by(width).filter_map(Rounding::lost);
        let (lost, of) = each.reduce(|a, b| (a.0.saturating_add(b.0), a.1.saturating_add(b.1)))?;
        Some(Rounded { column: column.clone(), lost, of })
    });
    let gaps = periods.iter().sum::<usize>() - count;
    let mut report = Report { rounded: rounded.collect(), rows: count, gaps, ..report };
    let centres: Arc<[f64]> = centres.into();
    let mut columns = columns.into_iter();
    let target = columns.next().unwrap_or_default();
    let mut series = Vec::with_capacity(stamps.len());
    for (place, ((id, stamps), periods)) in ids.into_iter().zip(stamps).zip(periods).enumerate() {
        let mut filled = filled(id, stamps, frequency, periods, width, &values);
        filled.centres = match own_centres.get(place * width..(place + 1) * width) {
            Some(own) if own != &*centres => own.into(),
            _ => Arc::clone(&centres),
        };
        if filled.target.iter().all(|y| y.is_nan()) {
            return Err(SeriesFault::NoValue { target, id: with_ids.then_some(filled.id) }.into());
        }
        filled.statics = statics.next().unwrap_or_default();
        if trimmed {
            trim(&mut filled, frequency);
        }
        if !known.is_empty() {
            let end = cut(&mut filled, width - 1);
            let behind = filled.start_of(end, frequency);
            let rows = stamps.iter().filter(|stamp| behind.is_some_and(|behind| stamp.time >= behind)).count();
            report.ahead += rows;
            report.missing_targets = report.missing_targets.saturating_sub(rows);
        }
        series.push(filled);
    }
    let covariates = columns.collect();
    Ok(SeriesSet { frequency, format, target, covariates, known, statics: statics_of, joint, series, report })
}

/// The rows of a series at their steps, NaN between them. `values` `[rows, width]` is read: target and covariates.
fn filled(id: String, stamps: &[Stamp], frequency: Frequency, periods: usize, width: usize, values: &[f32]) -> Series {
    let (start, covariates) = (stamps[0].time, width - 1);
    let (mut target, mut all) = (vec![f32::NAN; periods], vec![f32::NAN; periods * covariates]);
    for stamp in stamps {
        let at = steps_between(frequency, start, stamp.time) as usize;
        let row = &values[stamp.row as usize * width..][..width];
        target[at] = row[0];
        all[at * covariates..][..covariates].copy_from_slice(&row[1..]);
    }
    Series { id, start, centres: Arc::default(), target, covariates: all, ahead: Vec::new(), statics: Vec::new() }
}

/// Leaves out the steps before the first known target.
fn trim(series: &mut Series, frequency: Frequency) {
    let first = series.target.iter().position(|y| !y.is_nan()).unwrap_or(0);
    let Some(start) = series.start_of(first, frequency) else { return };
    let covariates = series.covariates.len() / series.steps().max(1);
    series.start = start;
    series.target.drain(..first);
    series.covariates.drain(..first * covariates);
}

/// Cuts a series behind its last known target, and keeps the covariates of what follows. Returns its steps.
fn cut(series: &mut Series, covariates: usize) -> usize {
    let end = series.target.iter().rposition(|y| !y.is_nan()).map_or(0, |last| last + 1);
    series.target.truncate(end);
    series.ahead = series.covariates.split_off(end * covariates);
    end
}

impl Series {
    fn start_of(&self, step: usize, frequency: Frequency) -> Option<Time> {
        frequency.after(self.start, step as i64)
    }
}

fn steps_between(frequency: Frequency, start: Time, end: Time) -> u64 {
    frequency.steps_between(start, end).unsigned_abs()
}

/// What messages call series and times.
struct Messages<'a> {
    origin: &'a dyn Origin,
    ids: &'a [String],
    format: TimeFormat,
    with_ids: bool,
}

impl Messages<'_> {
    fn id(&self, series: usize) -> Option<String> {
        self.with_ids.then(|| self.ids[series].clone())
    }

    fn line(&self, stamp: Stamp) -> Result<u64, Refusal> {
        self.origin.line(stamp.row as usize)
    }

    /// Enough rows, and no two of one time in a series.
    fn check(&self, stamps: &[&[Stamp]]) -> Result<(), Refusal> {
        let longest = stamps.iter().map(|stamps| stamps.len()).max().unwrap_or(0);
        for (index, stamps) in stamps.iter().enumerate() {
            let same = |pair: &&[Stamp]| pair[0].time == pair[1].time;
            if let Some(pair) = stamps.windows(2).find(same) {
                let advice = if self.origin.may_hold_several() {
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
        let (sum, max) = (all.iter().sum::<usize>(), self.origin.values_max());
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
    use crate::Error;

    /// A file of a format of its own: a row a line, from line 1.
    struct Plain;

    impl Origin for Plain {
        fn line(&self, row: usize) -> Result<u64, Refusal> {
            Ok(row as u64 + 1)
        }
        fn may_hold_several(&self) -> bool {
            false
        }
        fn values_max(&self) -> usize {
            100
        }
    }

    fn read(rows: &[(&str, i64, f64)]) -> Result<SeriesSet, String> {
        let mut read = Rows::new(TimeFormat::Step, vec!["y".into()], vec![1.0], rows.len());
        read.with_ids = true;
        for &(id, step, y) in rows {
            let time = Time(step);
            let series = read.series(id, time, 2).ok_or("too many series")?;
            read.push(series, time, [Ok::<_, Error>(y)].into_iter()).map_err(|error| error.to_string())?;
        }
        on_grid(read, &Plain).map_err(|refusal| refusal.of("a file").to_string())
    }

    #[test]
    fn rows_of_any_format_become_series() {
        let set =
            read(&[("a", 2, 5.0), ("a", 0, 3.0), ("b", 7, 1.0), ("b", 8, 2.0), ("a", 1, f64::NAN), ("a", 4, 6.0)]);
        let set = set.unwrap();
        assert_eq!(
            set.series.iter().map(|series| (&*series.id, series.steps())).collect::<Vec<_>>(),
            [("a", 5), ("b", 2)]
        );
        let known: Vec<Option<f32>> = set.series[0].target.iter().map(|&y| (!y.is_nan()).then_some(y)).collect();
        assert_eq!(known, [Some(2.0), None, Some(4.0), None, Some(5.0)], "less the centre");
        let report = set.report;
        assert_eq!((report.rows, report.gaps, report.missing_targets, report.reordered), (6, 1, 1, 1));

        let message = read(&[("a", 0, 1.0), ("a", 1, 1.0), ("a", 2, 1.0), ("a", 1, 1.0)]).unwrap_err();
        assert!(message.contains("2") && message.contains("4"), "{message}");
        assert!(read(&[("a", 0, 1.0), ("b", 0, 1.0), ("c", 0, 1.0)]).unwrap_err().contains("too many"));
    }
}
