//! Flags of several processes that train together.

use clap::Args;

use crate::ranks;

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RankArgs {
    /// Under mpirun or srun, give up after N seconds without a word from another process; 0: never
    #[arg(long, value_name = "N", default_value_t = ranks::TIMEOUT, help_heading = "Training")]
    pub(crate) rank_timeout: u64,
}

impl RankArgs {
    pub(crate) fn set(self) {
        ranks::set_timeout(self.rank_timeout);
    }
}
