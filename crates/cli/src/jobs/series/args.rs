//! The flags of `train series` and of `forecast`.

use std::path::PathBuf;

use clap::Args;

use super::config::Part;
use crate::args::OutputArgs;
use crate::training::CommonArgs;

/// Flags of `train series`.
#[derive(Args, Debug)]
#[command(after_help = "\
The data is a table: a header that names the columns, then a time and a value in each row, and maybe more columns of \
numbers. It is separated by commas, semicolons or tabs, gzipped or not. Values may be missing. The forecast is compared with \
the seasonal naive one, which repeats the last season, over the end of the data, which is kept out of training.

Examples:
  elman train series
  elman train series --season 132
  elman train series --data sales.csv --target sales --horizon 12
  elman train series --data shops.csv --target sales --id shop --covariates price,holiday --horizon 14
  elman forecast runs/series-gru-1 --plot forecast.svg")]
pub(crate) struct SeriesArgs {
    /// The table with the series [default: the monthly sunspot numbers, in the binary]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub(crate) data: Option<PathBuf>,
    /// The column to forecast [default: the only column of numbers]
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub(crate) target: Option<String>,
    /// The column of times, or those of their parts, as year,month [default: found by name, or by content]
    #[arg(long, alias = "time-column", value_name = "COLUMNS", value_delimiter = ',', help_heading = "Data")]
    pub(crate) time: Option<Vec<String>>,
    /// How times are written, as DD/MM/YYYY, YYYYMM or %d/%m/%Y; year, steps, seconds or milliseconds [default: seen from all]
    #[arg(long, value_name = "FORM", help_heading = "Data")]
    pub(crate) time_format: Option<String>,
    /// The decimal mark of all numbers: point or comma [default: seen from each column]
    #[arg(long, value_name = "MARK", help_heading = "Data")]
    pub(crate) decimal: Option<String>,
    /// What parts thousands: comma, point, blank, apostrophe or none [default: seen from each column]
    #[arg(long, value_name = "MARK", help_heading = "Data")]
    pub(crate) thousands: Option<String>,
    /// The column that says which series a row belongs to [default: all rows are one series]
    #[arg(long, alias = "id-column", value_name = "COLUMN", help_heading = "Data")]
    pub(crate) id: Option<String>,
    /// Columns that are read too, up to where a forecast starts; none if it is empty [default: all other columns of
    /// numbers]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = "Data")]
    pub(crate) covariates: Option<Vec<String>>,
    /// The end of the data, kept for the test: so many steps, or a fraction of them
    #[arg(long, value_name = "N|X", help_heading = "Data")]
    pub(crate) test: Option<Part>,
    /// What comes before the test, kept for validation: so many steps, or a fraction of all
    #[arg(long, value_name = "N|X", help_heading = "Data")]
    pub(crate) validation: Option<Part>,
    /// Steps to forecast
    #[arg(long, value_name = "N", help_heading = "Forecast")]
    pub(crate) horizon: Option<usize>,
    /// Steps that are read for a forecast [default: of the sunspots 132; otherwise two seasons, or three horizons if that
    /// is more]
    #[arg(long, value_name = "N", help_heading = "Forecast")]
    pub(crate) context: Option<usize>,
    /// Steps of a season, of the naive forecast to compare with [default: the calendar's, 12 for months]
    #[arg(long, value_name = "N", help_heading = "Forecast")]
    pub(crate) season: Option<usize>,
    /// Levels of the quantiles to forecast, rising
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', help_heading = "Forecast")]
    pub(crate) quantiles: Option<Vec<f64>>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of `forecast`.
#[derive(Args, Debug)]
#[command(after_help = "\
The forecast begins right after the last row of each series, and continues the times of the file.

Examples:
  elman forecast runs/series-gru-1
  elman forecast runs/series-gru-1 --data newer.csv --out forecast.csv --plot forecast.svg
  elman forecast model.safetensors --data newer.csv --json")]
pub(crate) struct ForecastArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// A table with the columns and the frequency of the run's [default: what the run was trained on]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Write the forecast as CSV, instead of a table on standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Draw the end of the series, the forecast and the naive one as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
    /// Series to draw, by their ids, at most four [default: the first four]
    #[arg(long, value_name = "IDS", value_delimiter = ',', requires = "plot")]
    pub(crate) series: Option<Vec<String>>,
    /// Threads [default: the processors there are]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
