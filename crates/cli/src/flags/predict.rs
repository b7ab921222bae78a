//! Flags of `elman predict`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman predict runs/mnist-rnn-1 digit.png
  elman predict runs/mnist-rnn-1 scan.png --invert        for dark ink on a light ground
  elman predict runs/mnist-rnn-1 t10k-images-idx3-ubyte.gz --json
  elman predict runs/classify-gru-1 walks.csv")]
pub(crate) struct PredictArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Images: PNG files, or IDX files with many, gzipped or not; for a run of classify, files of sequences
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Invert the images first: MNIST has light ink on a dark ground
    #[arg(long)]
    pub(crate) invert: bool,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Let the model's weights be NaN or infinite; otherwise such a model is refused
    #[arg(long)]
    pub(crate) allow_nonfinite: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
