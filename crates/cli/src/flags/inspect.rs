//! Flags of `elman inspect`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman inspect runs/mnist-rnn-1
  elman inspect model.safetensors --json")]
pub(crate) struct InspectArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Of an ensemble, the network whose arrays are shown, from 1 [default: 1]
    #[arg(long, value_name = "K")]
    pub(crate) member: Option<usize>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}
