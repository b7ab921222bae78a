//! Flags for several trainings of one job.

use clap::Args;

use crate::flags::seeds::Seeds;
use crate::flags::tune::Tuned;

/// Flags of a job that is trained with several seeds.
#[derive(Args, Debug)]
pub(crate) struct RepeatArgs {
    /// Train a run with each of several seeds, and give the mean and the spread of their figures: how many, as 5, or which,
    /// as 1,2,3
    #[arg(long, value_name = "SEEDS", help_heading = "Several runs")]
    pub(crate) repeat: Option<Seeds>,
    #[command(flatten)]
    pub(crate) tuned: Tuned,
}

/// Flags of the jobs whose networks answer together.
#[derive(Args, Debug)]
pub(crate) struct SeveralArgs {
    /// Train N networks that differ in their seeds, and answer with the mean of their answers
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) ensemble: Option<usize>,
}
