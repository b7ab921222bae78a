//! Flags of an optimizer and its schedule.

use std::fmt;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::options::optimization::{OPTIMIZATION, OPTIMIZER, OPTIMIZERS, SCHEDULE, SCHEDULES, TRAINING};
use crate::options::{self, Values};

/// An optimizer, a schedule and their options, as flags or a file name them. What is not given comes from the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct OptimizationArgs {
    pub(crate) optimizer: Option<String>,
    pub(crate) schedule: Option<String>,
    /// Those of [`OPTIMIZATION`].
    pub(crate) options: Values,
}

impl FromArgMatches for OptimizationArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let word = |name| matches.get_one(name).cloned();
        let options = Values::given(&OPTIMIZATION, matches);
        Ok(OptimizationArgs { optimizer: word("optimizer"), schedule: word("schedule"), options })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for OptimizationArgs {
    fn augment_args(command: Command) -> Command {
        let word = |name, value_name, help, heading, names: &[&'static str]| {
            let arg = Arg::new(name).long(name).value_name(value_name).help(help).help_heading(heading);
            arg.value_parser(PossibleValuesParser::new(names.iter().copied())).hide_possible_values(true)
        };
        let optimizer = word(
            "optimizer",
            "OPTIMIZER",
            "adam, adamw, sgd, momentum, nesterov, rmsprop, adagrad; rprop (iRprop⁻) and rprop+ (iRprop⁺) need full \
             batches. Any but the job's default has a learning rate of 0.001 unless one is given",
            OPTIMIZER,
            &OPTIMIZERS,
        );
        let schedule = word(
            "schedule",
            "SCHEDULE",
            "How the learning rate changes: constant, step, exponential, cosine or plateau; not for rprop",
            SCHEDULE,
            &SCHEDULES,
        );
        let command = options::flags(command, &OPTIMIZATION, TRAINING).arg(optimizer);
        let command = options::flags(command, &OPTIMIZATION, OPTIMIZER).arg(schedule);
        options::flags(command, &OPTIMIZATION, SCHEDULE)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<'de> Deserialize<'de> for OptimizationArgs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;

        impl<'de> Visitor<'de> for Lines {
            type Value = OptimizationArgs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the settings of an optimizer")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut file: M) -> Result<OptimizationArgs, M::Error> {
                let mut args = OptimizationArgs::default();
                while let Some(name) = file.next_key::<String>()? {
                    match name.as_str() {
                        "optimizer" => args.optimizer = Some(file.next_value()?),
                        "schedule" => args.schedule = Some(file.next_value()?),
                        name if args.options.read(&OPTIMIZATION, name, &mut file)? => {}
                        _ => {
                            file.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(args)
            }
        }

        deserializer.deserialize_map(Lines)
    }
}
