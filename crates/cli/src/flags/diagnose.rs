//! Flags of `elman diagnose`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
Three tables and a picture: the gradient of the loss with respect to the state k steps before the end, for every layer \
and direction; how often gates are saturated; the eigenvalues of the recurrent matrix and of a step. \
docs/diagnostics.md says how to read them.

Examples:
  elman diagnose runs/mnist-lstm-1
  elman diagnose runs/mnist-lstm-1 --rows 500 --out lstm.svg
  elman diagnose model.safetensors --data fashion/ --json")]
pub(crate) struct DiagnoseArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Another data set, as for eval [default: the run's own]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Of an ensemble, the network that is followed, from 1 [default: 1]
    #[arg(long, value_name = "K")]
    pub(crate) member: Option<usize>,
    /// Sequences to follow, spread evenly over the data [default: 64, or all if there are fewer]
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<usize>,
    /// How many steps to look back at most [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,
    /// Where the picture is written [default: diagnosis.svg in the run's folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
