//! The rows of a file of series, as every format gives them.
//!
//! S series, C covariates.

use super::fault::Refusal;
use super::infer::Stamp;
use super::{Frequency, Report, StaticValue, Time, TimeFormat};
use crate::names::Names;
use crate::table::numbers::Rounding;

/// What a reader of a format makes of a file; [`on_grid`](super::grid::on_grid) makes series of it.
pub(super) struct Rows {
    /// How the file writes times.
    pub(super) format: TimeFormat,
    /// How times go on, where the file says it; else it is seen from them.
    pub(super) frequency: Option<Frequency>,
    /// The names of target and covariates, [1 + C].
    pub(super) columns: Vec<String>,
    /// `[1 + C]`: what values are differences from, where their series has no centres of its own.
    pub(super) centres: Vec<f64>,
    /// `[S, 1 + C]`: the centres of each series, or none where all have those of their columns.
    pub(super) own_centres: Vec<f64>,
    /// Places among the covariates of those that are known ahead.
    pub(super) known: Vec<usize>,
    /// The columns that say one thing of each series.
    pub(super) static_columns: Vec<String>,
    /// `[S]`: what they say.
    pub(super) statics: Vec<Vec<StaticValue>>,
    /// Series begin where their target is known first.
    pub(super) trimmed: bool,
    /// Whether the file says which series a row belongs to.
    pub(super) with_ids: bool,
    /// How many of the first covariates are the targets of the table.
    pub(super) joint: usize,
    /// What was found so far.
    pub(super) report: Report,
    pub(super) ids: Names,
    /// In the order of the file.
    pub(super) stamps: Vec<Stamp>,
    /// `[rows, 1 + C]`: target and covariates.
    pub(super) values: Vec<f32>,
    /// `[S, 1 + C]`, of no more than [`ROUNDINGS_MAX`].
    pub(super) rounding: Vec<Rounding>,
    /// `[S]`: the time of each series' last row.
    pub(super) last: Vec<Time>,
}

/// What is asked of a file beside its rows: by messages alone, but for the limits.
pub(super) trait Origin {
    /// The line of a row, from 0.
    fn line(&self, row: usize) -> Result<u64, Refusal>;
    /// Whether there are columns that might tell several series apart, and none was named.
    fn may_hold_several(&self) -> bool;
    /// Most values of all series, those of the gaps too.
    fn values_max(&self) -> usize;
}

/// Most columns of series of which it is seen what rounding costs.
const ROUNDINGS_MAX: usize = 1 << 12;

impl Rows {
    /// None yet, with room for `rows_max`: of target and covariates of these names and centres.
    pub(super) fn new(format: TimeFormat, columns: Vec<String>, centres: Vec<f64>, rows_max: usize) -> Self {
        Rows {
            format,
            frequency: None,
            centres,
            own_centres: Vec::new(),
            known: Vec::new(),
            static_columns: Vec::new(),
            statics: Vec::new(),
            trimmed: false,
            with_ids: false,
            joint: 0,
            report: Report::default(),
            ids: Names::default(),
            stamps: Vec::with_capacity(rows_max),
            values: Vec::with_capacity(rows_max * columns.len()),
            columns,
            rounding: Vec::new(),
            last: Vec::new(),
        }
    }

    /// The place of a series that has a row at a time; None of one more than `series_max`.
    pub(super) fn series(&mut self, id: &str, time: Time, series_max: usize) -> Option<usize> {
        let series = self.ids.place_or_push(id);
        match self.last.get_mut(series) {
            Some(last) => {
                self.report.reordered += usize::from(time < *last);
                *last = time;
            }
            None if series == series_max => return None,
            None => self.last.push(time),
        }
        Some(series)
    }

    /// Takes a row of a series: its target and covariates, NaN where they are missing.
    pub(super) fn push<E>(
        &mut self,
        series: usize,
        time: Time,
        numbers: impl Iterator<Item = Result<f64, E>>,
    ) -> Result<(), E> {
        let width = self.columns.len();
        let first = series * width;
        for (place, number) in numbers.enumerate() {
            let number = number? - self.own_centres.get(first + place).copied().unwrap_or(self.centres[place]);
            if first + width <= ROUNDINGS_MAX {
                if first + place >= self.rounding.len() {
                    self.rounding.resize(first + width, Rounding::NONE);
                }
                self.rounding[first + place].push(number);
            }
            let report = &mut self.report;
            let missing = if place == 0 { &mut report.missing_targets } else { &mut report.missing_covariates };
            *missing += usize::from(number.is_nan());
            self.values.push(number as f32);
        }
        // There are fewer of both, for the limits of files are below.
        self.stamps.push(Stamp { series: series as u32, time, row: self.stamps.len() as u32 });
        Ok(())
    }
}
