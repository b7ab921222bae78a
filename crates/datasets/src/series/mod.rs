//! Time series from a table: a time, a target and maybe covariates in each row; or from a `.tsf` file, a series a line.
//!
//! T steps of a series, C covariates. [`Reader`] reads; a [`SeriesSet`] holds every series on the grid of one
//! [`Frequency`], from its first time to its last, NaN where nothing is known.
//!
//! ```
//! use elman_datasets::series::Reader;
//!
//! let text = "month;sales;price\n2023-11-30;5;1.5\n2023-12-31;7;\n2024-02-29;6;1.4\n";
//! let set = Reader::new("sales").parse("shop.csv", text.as_bytes())?;
//! let sales = &set.series[0];
//!
//! assert_eq!(set.frequency.to_string(), "monthly");
//! assert_eq!((sales.steps(), set.report.gaps), (4, 1));
//! assert!(sales.target[2].is_nan());
//! assert_eq!(set.covariates, ["price"]);
//!
//! // The series goes on, at the ends of months.
//! assert_eq!(set.time_text(sales, 4).as_deref(), Some("2024-03-31"));
//! # Ok::<(), elman_datasets::Error>(())
//! ```

mod columns;
mod delimited;
pub(crate) mod fault;
mod frequency;
mod grid;
mod ids;
mod infer;
mod rows;
pub(crate) mod statics;
mod tsf;

use std::sync::Arc;

pub use delimited::{JOINT, Reader};
pub use fault::SeriesFault;
pub use frequency::Frequency;
pub use ids::split_id;
pub use statics::StaticValue;

pub use crate::table::stand_in::StandIn;
pub use crate::table::taken::{Column, NotRead, Taken, Time as TakenTime, Why};
pub use crate::table::time::{self, Civil, Time, days_of_month};
pub use crate::table::{Offset, Pattern, TimeFormat};

/// Series of one frequency and the same columns.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSet {
    /// How the times go on.
    pub frequency: Frequency,
    /// How the file writes times.
    pub format: TimeFormat,
    /// The target's column.
    pub target: String,
    /// The covariates' columns, C of them.
    pub covariates: Vec<String>,
    /// Places in `covariates` of those that are known ahead, for the steps to forecast too.
    pub known: Vec<usize>,
    /// The columns that say one thing of each series.
    pub statics: Vec<String>,
    /// How many of the first covariates are the targets of the table, each a series, which then read each other; the last static
    /// says which of them a series is. 0 where they do not. See [`Reader::jointly`].
    pub joint: usize,
    /// In the order in which the file names them first.
    pub series: Vec<Series>,
    /// What was found on the way.
    pub report: Report,
}

/// One series: a value for every step, NaN where it is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the file calls it; empty if it holds only one series and no column of ids.
    pub id: String,
    /// The time of step 0.
    pub start: Time,
    /// `[1 + C]`: what target and covariates are differences from, the same for all series. 0, also where there is none,
    /// unless the values are so far from 0 that `f32` would round them together.
    pub centres: Arc<[f64]>,
    /// `[T]`, less its centre.
    pub target: Vec<f32>,
    /// `[T, C]`, each less its centre.
    pub covariates: Vec<f32>,
    /// `[A, C]`: the covariates of the steps behind the last known target, less their centres; none where no covariate is known
    /// ahead.
    pub ahead: Vec<f32>,
    /// What each of the set's static columns says of it.
    pub statics: Vec<StaticValue>,
}

impl Series {
    /// What the target is the difference from.
    pub fn centre(&self) -> f64 {
        self.centres.first().copied().unwrap_or_default()
    }

    /// What the values of a covariate are differences from.
    pub fn covariate_centre(&self, covariate: usize) -> f64 {
        self.centres.get(1 + covariate).copied().unwrap_or_default()
    }

    /// The number of steps, T.
    pub fn steps(&self) -> usize {
        self.target.len()
    }
}

impl SeriesSet {
    /// The time of a step of a series, from 0; also before its start and beyond its end. None outside the calendar.
    pub fn time(&self, series: &Series, step: i64) -> Option<Time> {
        self.frequency.after(series.start, step)
    }

    /// The time of a step as the file would write it.
    pub fn time_text(&self, series: &Series, step: i64) -> Option<String> {
        self.time(series, step).map(|time| self.format.write(time))
    }
}

/// What a reader found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows of the file, without its header.
    pub rows: usize,
    /// The columns that the times were read from.
    pub time: Vec<String>,
    /// Periods that no row names, in all series; they were filled with NaN.
    pub gaps: usize,
    /// Cells of the target that are missing in the rows there are.
    pub missing_targets: usize,
    /// Cells of the covariates that are missing in the rows there are.
    pub missing_covariates: usize,
    /// Rows whose time is before that of the row above, in the same series; the rows were sorted.
    pub reordered: usize,
    /// Columns that are no covariates because they have no name or hold something other than numbers.
    pub ignored: Vec<String>,
    /// What each column was taken for.
    pub taken: Taken,
    /// Columns of which single precision cannot keep what changes, even as differences from their middle.
    pub rounded: Vec<Rounded>,
    /// Values that look as if they stood for missing ones.
    pub stand_ins: Vec<StandIn>,
    /// Rows behind the last known target of their series, with covariates that are known ahead.
    pub ahead: usize,
    /// What the parts of the series' ids are called: the columns of ids, and `series` where several targets are a series each.
    pub ids: Vec<String>,
    /// Steps to forecast, where the file says it.
    pub horizon: Option<usize>,
}

/// A column of which most changes are lost in single precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounded {
    /// Its name.
    pub column: String,
    /// From how many values to the next nothing changes any more.
    pub lost: u32,
    /// From how many values to the next something changed.
    pub of: u32,
}

impl std::fmt::Display for Rounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Rounded { column, lost, of } = self;
        write!(
            f,
            "column {column:?}: of {of} changes from a value to the next, {lost} are lost in single precision. A few values \
             are far from the others: leave them out, or put them into a column of their own"
        )
    }
}
