//! Time series from a table: a time, a target and maybe covariates in each row.
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
mod fault;
mod format;
mod frequency;
mod infer;
mod reader;
pub mod time;

pub use fault::SeriesFault;
pub use format::{Offset, TimeFormat};
pub use frequency::Frequency;
pub use reader::Reader;
pub use time::{Civil, Time, days_of_month};

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
    /// `[T]`
    pub target: Vec<f32>,
    /// `[T, C]`
    pub covariates: Vec<f32>,
}

impl Series {
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
}
