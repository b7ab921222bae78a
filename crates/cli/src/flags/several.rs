//! Flags for several trainings of one job.

use clap::Args;

/// Flags of the jobs whose networks answer together.
#[derive(Args, Debug)]
pub(crate) struct SeveralArgs {
    /// Train N networks that differ in their seeds, and answer with the mean of their answers
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) ensemble: Option<usize>,
}
