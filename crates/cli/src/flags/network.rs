//! Flags of a network.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgGroup, ArgMatches, Args, Command, FromArgMatches};

use crate::options::network::{CELL, CELLS, MODEL, NETWORK};
use crate::options::{self, Values};

/// Flags of a network. What is not given comes from the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct NetworkArgs {
    pub(crate) cell: Option<String>,
    /// Those of [`NETWORK`].
    pub(crate) options: Values,
}

impl FromArgMatches for NetworkArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(NetworkArgs { cell: matches.get_one("cell").cloned(), options: Values::given(&NETWORK, matches) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for NetworkArgs {
    fn augment_args(command: Command) -> Command {
        let cell = Arg::new("cell")
            .long("cell")
            .value_name("CELL")
            .help("The cell: rnn, lstm, gru or indrnn")
            .help_heading(MODEL)
            .value_parser(PossibleValuesParser::new(CELLS));
        let command = options::flags(options::flags(command.arg(cell), &NETWORK, MODEL), &NETWORK, CELL);
        // What goes with none of them names them all.
        let names = std::iter::once("cell").chain(NETWORK.iter().map(|of| of.name));
        command.group(ArgGroup::new("NetworkArgs").multiple(true).args(names))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
