//! The command line.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::flags::bench::BenchArgs;
use crate::flags::compare::CompareArgs;
use crate::flags::convert::ConvertArgs;
use crate::flags::diagnose::DiagnoseArgs;
use crate::flags::eval::EvalArgs;
use crate::flags::forecast::ForecastArgs;
use crate::flags::inspect::InspectArgs;
use crate::flags::names;
use crate::flags::numbers::negative;
use crate::flags::predict::PredictArgs;
use crate::flags::resume::ResumeArgs;
use crate::flags::sample::SampleArgs;
#[cfg(feature = "serve")]
use crate::flags::serve::ServeArgs;
use crate::flags::shell::{CompletionsArgs, ManArgs};
use crate::flags::tune::TuneArgs;
use crate::jobs::job::Entry;
use crate::jobs::{self, JOBS};

/// Recurrent neural networks: train, evaluate, predict.
#[derive(Debug, Parser)]
#[command(
    name = "elman",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Examples:
  elman train mnist                      the tutorial's network, on digits that are in the binary
  elman resume runs/mnist-rnn-1          continue a run that was interrupted
  elman eval runs/mnist-rnn-1            its loss and accuracy on the test images
  elman predict runs/mnist-rnn-1 7.png   what digit is it?
  elman train text --data book.txt       a network that writes
  elman sample runs/text-lstm-1          what it writes
  elman serve runs/mnist-rnn-1           a page that shows it read, and an API
  mpirun -n 4 elman train mnist          on several machines, to the same bytes: docs/cluster.md

ELMAN_ISA selects the instruction set: portable, avx2, avx512 or neon. The default is the widest available."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network; without a job, list the jobs
    #[command(arg_required_else_help = true)]
    Train {
        #[command(subcommand)]
        job: Chosen,
    },
    /// Look for good settings of a job: trains many a little, and the best of them in full
    #[command(arg_required_else_help = true)]
    Tune {
        #[command(subcommand)]
        job: Tuned,
    },
    /// Continue a run that was interrupted, with the same result to the last bit
    Resume(ResumeArgs),
    /// Measure a trained model on test data
    Eval(EvalArgs),
    /// Classify images or sequences, with the probability of each class
    Predict(PredictArgs),
    /// Generate text with a trained model
    Sample(SampleArgs),
    /// Forecast the values that follow a time series, as quantiles
    Forecast(ForecastArgs),
    /// Show the configuration, arrays, parameters and memory of a model or run
    Inspect(InspectArgs),
    /// Compare runs: their figures, the settings that differ, and a picture of their losses
    Compare(CompareArgs),
    /// Show how far back a network learns, whether its gates move, and what a step does to the state
    Diagnose(DiagnoseArgs),
    /// Convert models from and to PyTorch, Keras, TensorFlow 1 and ONNX, with a report on every array
    Convert(ConvertArgs),
    /// Measure the speed of training, inference and streaming against the processor's peak; --sweep varies the sizes
    Bench(BenchArgs),
    /// Serve models over HTTP: predictions, texts, forecasts, sessions with a state, and a page
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the man page, or write a page for each command into a folder
    Man(ManArgs),
}

/// The job that was named, with its flags as they were typed.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) job: &'static Entry,
    pub(crate) given: ArgMatches,
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let chosen = matches.subcommand().and_then(|(name, given)| Some((jobs::named(name)?, given.clone())));
        let (job, given) = chosen.ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        Ok(Chosen { job, given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Chosen {
    fn augment_subcommands(train: clap::Command) -> clap::Command {
        train.subcommands(JOBS.iter().map(|job| (job.command)()))
    }

    fn augment_subcommands_for_update(train: clap::Command) -> clap::Command {
        Self::augment_subcommands(train)
    }

    fn has_subcommand(name: &str) -> bool {
        jobs::named(name).is_some()
    }
}

/// The job whose settings are looked for.
#[derive(Debug)]
pub(crate) struct Tuned(pub(crate) Chosen);

impl FromArgMatches for Tuned {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Chosen::from_arg_matches(matches).map(Tuned)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Subcommand for Tuned {
    fn augment_subcommands(tune: clap::Command) -> clap::Command {
        let about =
            "Look for good settings of this job; its other flags are those of train, and what they give is not tried";
        let command = |job: &Entry| TuneArgs::augment_args((job.command)()).about(about).after_help("");
        tune.subcommands(JOBS.iter().map(command))
    }

    fn augment_subcommands_for_update(tune: clap::Command) -> clap::Command {
        Self::augment_subcommands(tune)
    }

    fn has_subcommand(name: &str) -> bool {
        Chosen::has_subcommand(name)
    }
}

/// The command line, each job's defaults in its help.
pub fn command() -> clap::Command {
    let complete = |command: clap::Command| {
        JOBS.iter().fold(command, |all, job| all.mut_subcommand(job.name, |command| command.defer(job.complete)))
    };
    negative(Cli::command())
        .mut_subcommand("sample", names::with_names_of_sampling)
        .mut_subcommand("bench", names::with_names_of_measuring)
        .mut_subcommand("train", complete)
        .mut_subcommand("tune", complete)
}

/// The names of the subcommands that were given, and the flags of the innermost.
pub(crate) fn innermost(matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let (mut path, mut given) = (Vec::new(), matches);
    while let Some((name, inner)) = given.subcommand() {
        path.push(name);
        given = inner;
    }
    (path, given)
}

/// The definition of such a subcommand, without defaults.
pub(crate) fn plain_command(path: &[&str]) -> clap::Command {
    let mut command = Cli::command();
    for name in path {
        let Some(inner) = command.find_subcommand(name).cloned() else { break };
        command = inner;
    }
    command
}

/// The tutorial's flags have underscores, ours dashes: `--learning_rate=0.1` becomes `--learning-rate=0.1`. Values
/// and what stands behind `--` stay as they are.
pub(crate) fn with_dashes(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut flags = true;
    args.map(move |arg| {
        let Some(text) = arg.to_str() else { return arg };
        flags &= text != "--";
        if !flags || !text.starts_with("--") {
            return arg;
        }
        match text.split_once('=') {
            Some((name, value)) => format!("{}={value}", name.replace('_', "-")).into(),
            None => text.replace('_', "-").into(),
        }
    })
}

/// The command that was named, if it is one that a single process does.
pub(crate) fn alone(matches: &ArgMatches) -> Option<&str> {
    let (name, _) = matches.subcommand()?;
    Some(name).filter(|name| !["train", "tune", "resume"].contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::mnist::flags::MnistArgs;
    use crate::jobs::mnist::settings::MnistSettings;
    use crate::settings::Settings;
    use elman::BatchSize;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn underscores_in_flags_become_dashes_and_nowhere_else() {
        let args = ["elman", "--a_b", "--c_d=e_f", "g_h", "--", "--i_j"].map(OsString::from);
        let expected = ["elman", "--a-b", "--c-d=e_f", "g_h", "--", "--i_j"].map(OsString::from);
        assert!(with_dashes(args.into_iter()).eq(expected));
    }

    #[test]
    fn every_flag_of_the_tutorial_is_there() {
        let flags = "elman train mnist --learning_rate 0.01 --seed 1 --batch_size 2 --num_epoch 3 --batch_per_log 4 \
                     --hidden_size 5";
        let matches = command().try_get_matches_from(with_dashes(flags.split(' ').map(OsString::from))).unwrap();
        let args = MnistArgs::from_arg_matches(innermost(&matches).1).unwrap();
        let settings = Settings::<MnistSettings>::new(&args.common).unwrap();
        let training = &settings.training;
        assert_eq!(settings.optimization.descent().unwrap().algorithm.learning_rate(), 0.01);
        assert_eq!(training.batch_size, BatchSize::Rows(2));
        assert_eq!([training.seed, training.num_epoch, training.batch_per_log], [1, 3, 4]);
        assert_eq!(settings.network.hidden_size, 5);
    }
}
