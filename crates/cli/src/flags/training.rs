//! Flags that all jobs share.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::network::NetworkArgs;
use super::optimization::OptimizationArgs;
use super::output::OutputArgs;
use super::ranks::RankArgs;
use crate::options::network::MODEL;
use crate::options::optimization::TRAINING;
use crate::options::training::{CHECKPOINTS, COMMON, OUTPUT};
use crate::options::{self, Values};

/// Flags of every job. What is not given comes from `--config`, then from the job's defaults.
#[derive(Args, Debug)]
pub(crate) struct CommonArgs {
    /// Hidden units of each layer
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) hidden_size: Option<usize>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) optimization: OptimizationArgs,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    #[command(flatten)]
    pub(crate) ranks: RankArgs,

    /// Folder for the run [default: the next free runs/JOB-CELL-N]
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub(crate) out: Option<PathBuf>,
    /// Read settings from a TOML file, such as a run's config.toml; flags override the file
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    _reports: Reports,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl CommonArgs {
    /// Whether nobody has chosen the batch size.
    pub(crate) fn batch_is_open(&self) -> bool {
        !self.training.options.has("batch_size") && self.config.is_none()
    }
}

/// The options of training that flags give.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrainingArgs {
    /// Those of [`COMMON`].
    pub(crate) options: Values,
}

impl FromArgMatches for TrainingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(TrainingArgs { options: Values::given(&COMMON, matches) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for TrainingArgs {
    fn augment_args(command: Command) -> Command {
        [MODEL, TRAINING, CHECKPOINTS].iter().fold(command, |command, part| options::flags(command, &COMMON, part))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Those of [`COMMON`] that stand behind the files in the help; [`TrainingArgs`] has what they say.
#[derive(Clone, Debug)]
struct Reports;

impl FromArgMatches for Reports {
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Reports)
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}

impl Args for Reports {
    fn augment_args(command: Command) -> Command {
        options::flags(command, &COMMON, OUTPUT)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
