//! Forecasts of time series: what a network reads of them, and how good its forecasts are.
//!
//! The series come from [`elman_datasets::series::Reader`]. [`Split::new`] scales them, adds the calendar and cuts them
//! into windows for training, validation and test; [`Backtest`] compares forecasts with what came, and with the seasonal
//! naive forecast.
//!
//! ```
//! use elman::datasets::series::Reader;
//! use elman::series::{Cut, Split, Window};
//! use elman::{RowValues, Sequences};
//!
//! # fn main() -> Result<(), elman::Error> {
//! let rows: String = (1..=60).map(|t| format!("{t},{}\n", t % 12)).collect();
//! let set = Reader::new("y").parse("a.csv", format!("t,y\n{rows}").as_bytes())?;
//!
//! // The last 10 steps are for the test, the 10 before them for validation.
//! let cut = Cut::last(&set, 10, 10)?;
//! let split = Split::new(&set, cut, Window { context: 24, horizon: 3 })?;
//! assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (14, 8, 8));
//! assert_eq!((split.train.steps(), split.train.width()), (24, 3));
//! # Ok(())
//! # }
//! ```

mod answers;
mod backtest;
mod base;
mod blend;
mod calendar;
mod calibration;
mod cut;
mod drawn;
mod forecaster;
mod metrics;
mod naive;
mod origin;
mod relative;
mod scaled;
mod smoothing;
mod statics;
mod windows;

use crate::data::scaling;

pub use answers::{Answers, Settled};
pub use backtest::{Backtest, Comparison, Forecast};
pub use base::{Base, Choice};
pub use calendar::{Calendar, Cycle};
pub use calibration::Calibration;
pub use cut::{Cut, LeftOut, Split, before};
pub use drawn::{Drawn, Gain};
pub use forecaster::{Forecaster, KNOWN_MIN, Selected, SeriesForecast};
pub use metrics::{Coverage, Metrics, Tally, decimal, point, seasonal_error};
pub use naive::SeasonalNaive;
pub use origin::{Origin, Start, Window};
pub use relative::Relative;
pub use scaled::Scaled;
pub use scaling::{Scaling, SeriesScaling};
pub use smoothing::{Smoothing, Trend};
pub use statics::StaticInput;
pub use windows::{Windows, input_names};
