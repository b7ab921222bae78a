//! Flags of `elman compare`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = "\
The table has the loss and accuracy of the best epoch, the figures of the test at the end of a run, and the settings that \
differ. The picture shows the validation loss against epochs and seconds, on logarithmic axes.

Examples:
  elman compare runs/mnist-rnn-1 runs/mnist-rnn-2 --chart compare.svg")]
pub(crate) struct CompareArgs {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Draw the losses as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
