//! Flags of `train series`.

use std::path::PathBuf;

use clap::Args;

use super::recipe::RecipeSettings;
use super::settings::CutBy;
use super::share::Share;
use crate::flags::folds::Folds;
use crate::flags::several::{RepeatArgs, SeveralArgs};
use crate::flags::training::CommonArgs;
use crate::flags::writing::Writing;

/// Flags of `train series`.
#[derive(Args, Debug)]
#[command(after_help = "\
The data is a table (or a .tsf file of the Monash archive): a header that names the columns, then a time and a value in each row, and maybe more columns of \
numbers. It is separated by commas, semicolons or tabs, gzipped or not. Values may be missing. The forecast is compared with \
the seasonal naive one, which repeats the last season, over the end of the data, which is kept out of training.

Examples:
  elman train series
  elman train series --season 132
  elman train series --data sales.csv --target sales --horizon 12
  elman train series --data shops.csv --target sales --id shop --covariates price,holiday --horizon 14
  elman train series --data shops.csv --target sales --id region,shop --known promo,holiday --horizon 14
  elman train series --data wide.csv --target north,south,west
  elman train series --data macro.csv --target gdp,prices,rate --jointly
  elman train series --data m1_yearly_dataset.tsf
  elman forecast runs/series-gru-1 --plot forecast.svg")]
pub(crate) struct SeriesArgs {
    /// The table with the series [default: the monthly sunspot numbers, in the binary]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub(crate) data: Option<PathBuf>,
    /// The column to forecast, or several, each a series of its own, as a,b,c [default: the only column of numbers]
    #[arg(long, value_name = "COLUMNS", help_heading = "Data")]
    pub(crate) target: Option<String>,
    /// Of several targets, each series reads the others too, and knows which of them it is
    #[arg(long, help_heading = "Data")]
    pub(crate) jointly: bool,
    /// The column of times, or those of their parts, as year,month [default: found by name, or by content]
    #[arg(long, alias = "time-column", value_name = "COLUMNS", value_delimiter = ',', help_heading = "Data")]
    pub(crate) time: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) writing: Writing,
    /// The column that says which series a row belongs to, or several, as region,shop [default: all rows are one series]
    #[arg(long, alias = "id-column", value_name = "COLUMNS", help_heading = "Data")]
    pub(crate) id: Option<String>,
    /// Columns that are read too, up to where a forecast starts; none if it is empty [default: all other columns of
    /// numbers]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = "Data")]
    pub(crate) covariates: Option<Vec<String>>,
    /// Covariates that are known ahead: a forecast reads them for its own steps, from rows with an empty target
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = "Data")]
    pub(crate) known: Option<Vec<String>>,
    /// Columns that say one thing of each series, as its region or its size; none if it is empty [default: those that do,
    /// unless --covariates is given]
    #[arg(long = "static", value_name = "COLUMNS", value_delimiter = ',', help_heading = "Data")]
    pub(crate) statics: Option<Vec<String>>,
    /// The end of the data, kept for the test: so many steps, or a fraction of them
    #[arg(long, value_name = "N|X", help_heading = "Data")]
    pub(crate) test: Option<Share>,
    /// What comes before the test, kept for validation: so many steps, or a fraction of all
    #[arg(long, value_name = "N|X", help_heading = "Data")]
    pub(crate) validation: Option<Share>,
    /// Where they begin: time, at one for all series, or end, counted from the end of each [default: time, unless the series end
    /// so differently that fewer than half would be tested]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "time|end", help_heading = "Data")]
    pub(crate) cut: Option<CutBy>,
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
    pub(crate) recipe: RecipeSettings,
    #[command(flatten)]
    pub(crate) several: SeveralArgs,
    /// Learn from every N-th window of each series alone [default: so that an epoch has 4,096 windows at most; with --recipe
    /// plain 1]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) every: Option<usize>,
    /// Once the model is tested, learn from all of the data, validation and test too, for as many steps as validation chose;
    /// that model is kept
    #[arg(long = "final", help_heading = "Training")]
    pub(crate) final_fit: bool,
    #[command(flatten)]
    pub(crate) folds: Folds,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
