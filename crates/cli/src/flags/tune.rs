//! Flags of `elman tune`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

/// What `elman tune` asks for beside the flags of its job.
#[derive(Args, Clone, Debug)]
pub(crate) struct TuneArgs {
    /// Try N settings, the first of which are those without tuning [default: 16, or as many as --minutes have room for]
    #[arg(long, value_name = "N", help_heading = "Tuning")]
    pub(crate) trials: Option<usize>,
    /// Begin nothing new after M minutes; how many trials there are then depends on the machine
    #[arg(long, value_name = "M", allow_negative_numbers = true, help_heading = "Tuning")]
    pub(crate) minutes: Option<f64>,
    /// Read from a TOML file what is tried, before the job's own space: docs/tune.md
    #[arg(long, value_name = "FILE", help_heading = "Tuning")]
    pub(crate) space: Option<PathBuf>,
}

/// The same as a job finds them: none where it is trained and not tuned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tuned(pub(crate) Option<Asked>);

/// What was asked for, and the names of the flags that were typed: what they say is not tried.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) args: TuneArgs,
    pub(crate) given: BTreeSet<String>,
}

impl Tuned {
    /// What `elman tune` asks for by its flags, all of which are there: which of them were typed is noted too.
    ///
    /// # Errors
    /// If they are those of another command.
    pub(crate) fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        let given = matches.ids().filter(typed).map(|id| id.as_str().to_owned()).collect();
        Ok(Tuned(Some(Asked { args: TuneArgs::from_arg_matches(matches)?, given })))
    }
}

impl FromArgMatches for Tuned {
    // Which command it is stands in no flag: whoever tunes puts [`Tuned::of`] in its place.
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Tuned(None))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Tuned {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
