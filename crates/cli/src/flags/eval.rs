//! Flags of `elman eval`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman eval runs/mnist-rnn-1
  elman eval model.safetensors --data fashion/
  elman eval runs/text-lstm-1 --data other.txt
  elman eval runs/classify-gru-1 --data walks.csv")]
pub(crate) struct EvalArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Other data: a folder with the four IDX files of a data set, or for the other jobs a file [default: the test or
    /// validation part of the run's own data]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Show the figures of each series too
    #[arg(long)]
    pub(crate) per_series: bool,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Let the model's weights be NaN or infinite; otherwise such a model is refused
    #[arg(long)]
    pub(crate) allow_nonfinite: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
