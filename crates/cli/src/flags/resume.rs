//! Flags of `elman resume`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;
use super::ranks::RankArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
A run continues from its newest checkpoint, after Ctrl-C, a kill or a power failure. The result is the same, bit for \
bit, as without the break. The settings are those of the run, and its data must not have changed. See docs/training.md.

Examples:
  elman resume runs/mnist-rnn-1
  elman resume runs/mnist-rnn-1 --threads 8
  mpirun -n 4 elman resume runs/mnist-rnn-1         on more machines than it began on, or fewer: docs/cluster.md
  elman train mnist --checkpoint-steps 100 --keep-checkpoints 3     write them more often, keep more")]
pub(crate) struct ResumeArgs {
    /// The run's folder
    pub(crate) run: PathBuf,
    /// Threads; they do not affect the result [default: as many as the run had]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) ranks: RankArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
