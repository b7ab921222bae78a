//! Flags of `train classify`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Args};

use crate::flags::folds::Folds;
use crate::flags::several::{RepeatArgs, SeveralArgs};
use crate::flags::training::CommonArgs;
use crate::flags::writing::Writing;
use crate::jobs::sequences::reading::ReadingArgs;

/// Flags of `train classify`.
#[derive(Args, Debug)]
#[command(after_help = "\
A file of sequences is a table with one step per line (.csv, .tsv), the UEA archive's .ts or .arff, or NumPy's .npz. Each \
feature is scaled to mean 0 and standard deviation 1, over the training part or over each sequence.

Examples:
  elman train classify                        nine speakers, by their vowels
  elman train classify --data walks.csv --test new-walks.csv
  elman train classify --data walks.csv --id walk --label who --class-weights balanced
  elman train classify --data ECG_TRAIN.ts --test ECG_TEST.ts --early-stopping 10
  elman train classify --data walks.csv --patch 8 --stride 4 --read mean --augment crop
  elman train classify --data shifts.csv --label-per-step       a class for each step")]
#[command(mut_args(of_classify))]
pub(crate) struct ClassifyArgs {
    /// Sequences to learn from [default: Japanese Vowels, in the binary]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    /// Sequences to test with: a file, or a part of the data, each class its share [default: 0.2]
    #[arg(long, alias = "test-part", value_name = "FILE|X", allow_negative_numbers = true, help_heading = "Files")]
    pub(crate) test: Option<String>,
    /// Part of what is to be learnt from for validation, each class its share; 0 for none
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Data")]
    pub(crate) validation: Option<f64>,
    /// In a table, the column that says to which sequence a step belongs [default: id]
    #[arg(long, alias = "id-column", value_name = "COLUMN", help_heading = "Data")]
    pub(crate) id: Option<String>,
    /// In a table, the column by which steps are sorted, or those of the parts of a time, as year,month; "" for none
    /// [default: time or date, or the only column of times]
    #[arg(long, alias = "time-column", value_name = "COLUMNS", help_heading = "Data")]
    pub(crate) time: Option<String>,
    #[command(flatten)]
    pub(crate) writing: Writing,
    /// In a table, the column of labels, in an .npz the array [default: label or y]
    #[arg(long, alias = "label-column", value_name = "COLUMN", help_heading = "Data")]
    pub(crate) label: Option<String>,
    /// Each step has a label of its own, and is named one: y is then [N, T], and a label that is missing does not count
    #[arg(long, help_heading = "Data")]
    pub(crate) label_per_step: bool,
    /// In a table, the columns that are read, as a,b,c [default: all others of numbers]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    pub(crate) features: Option<Vec<String>>,
    /// How missing values are read: as the mean, with an input beside each feature that says so (mask), or as the mean
    #[arg(long, value_parser = PossibleValuesParser::new(["mask", "mean"]), help_heading = "Data")]
    pub(crate) missing: Option<String>,
    /// How much a row of each class counts: none (all alike), balanced (rare classes more), or numbers, as 1,2,0.5
    #[arg(long, value_name = "W", allow_hyphen_values = true, help_heading = "Training")]
    pub(crate) class_weights: Option<String>,
    /// Share out S of each label among all classes in training, from 0 to below 1; 0: none
    #[arg(long, value_name = "S", allow_negative_numbers = true, help_heading = "Training")]
    pub(crate) label_smoothing: Option<f64>,
    #[command(flatten)]
    pub(crate) several: SeveralArgs,
    #[command(flatten)]
    pub(crate) folds: Folds,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// What the recipe decides where no flag does.
const BY_RECIPE: [&str; 10] = [
    "batch_size",
    "num_epoch",
    "schedule",
    "validation",
    "standardize",
    "patch",
    "stride",
    "front",
    "read",
    "bidirectional",
];

/// Names the ways to write a time that files of sequences have, where that of series names all; and who decides what no flag
/// gives.
fn of_classify(arg: Arg) -> Arg {
    if arg.get_id() == "time_format" {
        return arg.help("How times are written, as DD/MM/YYYY or %d/%m/%Y [default: seen from all]");
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match BY_RECIPE.contains(&arg.get_id().as_str()) && !help.contains("[default") {
        true => arg.help(format!("{help} [default: by --recipe]")),
        false => arg,
    }
}
