//! Flags of `train mnist`.

use std::path::PathBuf;

use clap::Args;

use crate::flags::several::{RepeatArgs, SeveralArgs};
use crate::flags::training::CommonArgs;

/// Flags of `train mnist`. What is not given comes from `--config`, then from the tutorial's defaults.
#[derive(Args, Debug)]
#[command(after_help = "\
Each flag works with underscores too: --learning_rate 0.001.

Examples:
  elman train mnist
  elman train mnist --hidden_size 64 --num_epoch 3 --out runs/small
  elman train mnist --cell lstm --layers 2 --dropout 0.2
  elman train mnist --cell gru --bidirectional --hidden_size 64
  elman train mnist --optimizer rmsprop --schedule cosine --early-stopping 3
  elman train mnist --data fashion/      the four IDX files of another set, gzipped or not")]
pub(crate) struct MnistArgs {
    /// Folder with the four IDX files of a data set [default: MNIST, in the binary]
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) several: SeveralArgs,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
