//! Flags of `train regress`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::flags::folds::Folds;
use crate::flags::several::{RepeatArgs, SeveralArgs};
use crate::flags::training::CommonArgs;
use crate::flags::writing::Writing;
use crate::jobs::sequences::reading::Read;

/// Flags of `train regress`.
#[derive(Args, Debug)]
#[command(after_help = "\
A file of sequences is a table with one step per line (.csv, .tsv), the archive's .ts with @targetLabel, or NumPy's .npz \
with numbers in y. Features and numbers are scaled to mean 0 and standard deviation 1 over the training part; all answers \
are in the unit of the file.

Examples:
  elman train regress --data batches.csv --target yield
  elman train regress --data Covid3Month_TRAIN.ts --test Covid3Month_TEST.ts
  elman train regress --data batches.csv --target yield --loss quantile --quantiles 0.1,0.5,0.9
  elman train regress --data batches.csv --target yield --folds 5")]
pub(crate) struct RegressArgs {
    /// Sequences to learn from, each with a number
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    /// Sequences to test with: a file, or a part of the data [default: 0.2]
    #[arg(long, alias = "test-part", value_name = "FILE|X", allow_negative_numbers = true, help_heading = "Files")]
    pub(crate) test: Option<String>,
    /// Part of what is to be learnt from for validation; 0 for none
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Data")]
    pub(crate) validation: Option<f64>,
    /// In a table, the column of numbers to learn, the same in all lines of a sequence; in an .npz the array [default: label,
    /// or y]
    #[arg(long, alias = "label", value_name = "COLUMN", help_heading = "Data")]
    pub(crate) target: Option<String>,
    /// In a table, the column that says to which sequence a step belongs [default: id]
    #[arg(long, alias = "id-column", value_name = "COLUMN", help_heading = "Data")]
    pub(crate) id: Option<String>,
    /// In a table, the column by which steps are sorted, or those of the parts of a time, as year,month; "" for none
    /// [default: time or date, or the only column of times]
    #[arg(long, alias = "time-column", value_name = "COLUMNS", help_heading = "Data")]
    pub(crate) time: Option<String>,
    #[command(flatten)]
    pub(crate) writing: Writing,
    /// In a table, the columns that are read, as a,b,c [default: all others of numbers]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    pub(crate) features: Option<Vec<String>>,
    /// How missing values are read: as the mean, with an input beside each feature that says so (mask), or as the mean
    #[arg(long, value_parser = PossibleValuesParser::new(["mask", "mean"]), help_heading = "Data")]
    pub(crate) missing: Option<String>,
    /// What an answer that is off costs: its square, its distance (absolute), the square up to a standard deviation and the
    /// distance beyond (huber), or what quantiles cost
    #[arg(long, value_parser = PossibleValuesParser::new(["squared", "absolute", "huber", "quantile"]), help_heading = "Training")]
    pub(crate) loss: Option<String>,
    /// Levels of the quantiles with --loss quantile, rising
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', help_heading = "Training")]
    pub(crate) quantiles: Option<Vec<f64>>,
    /// What the head reads of the last layer: its last state, or of its outputs over the steps the mean, the maximum
    /// or a mean by learned weights (attention); auto: what does best in trials on sequences held out
    #[arg(long, value_parser = PossibleValuesParser::new(Read::NAMES.map(|(name, _)| name)), help_heading = "Model")]
    pub(crate) read: Option<String>,
    #[command(flatten)]
    pub(crate) several: SeveralArgs,
    #[command(flatten)]
    pub(crate) folds: Folds,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
