//! Flags of `elman forecast`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;

/// Flags of `forecast`.
#[derive(Args, Debug)]
#[command(after_help = "\
The forecast begins right after the last row of each series, and continues the times of the file. Where covariates are known \
ahead, it begins after the last row with a target, and reads the rows behind that.

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
