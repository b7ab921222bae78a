//! The `elman` command: train, evaluate and use recurrent networks.
//!
//! A library so that tests and the fuzzer reach what the command reads; the binary is one call of [`main`]. Whoever wants to
//! train from a program of their own takes the library `elman`.

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod args;
mod bench;
mod checkpoints;
mod compare;
mod config;
mod convert;
mod diagnose;
mod digits;
#[cfg(test)]
mod documented;
mod eval;
mod fingerprint;
mod flags;
mod foreign;
mod inspect;
mod interrupts;
mod jobs;
mod lock;
mod network;
mod numbers;
mod optimization;
mod output;
mod picture;
mod predict;
mod predict_sequences;
mod progress;
mod record;
mod resume;
mod run;
mod run_folder;
mod sample;
mod settings;
mod shell;
mod training;

use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};

pub use args::command;
pub use config::{JOBS, read_config};
pub use predict::read_images;

/// Does what the arguments of the process ask for. What goes wrong is said on standard error, in one line.
pub fn main() -> ExitCode {
    let parsed = command().try_get_matches_from(args::with_dashes(std::env::args_os()));
    let matches = match parsed {
        Ok(matches) => matches,
        Err(error) => match numbers::refused(&error) {
            Some(wrong) => return fail(&format!("error: {wrong}\n"), exit_code(&wrong.into())),
            None => flags::explained(error).exit(),
        },
    };
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (path, given) = args::innermost(&matches);
            let text = format!("error: {}\n", flags::by_flags(&error, &args::plain_command(&path), given));
            fail(&text, exit_code(&error))
        }
    }
}

/// Says what is wrong, on standard error.
fn fail(text: &str, code: u8) -> ExitCode {
    // Whatever is wrong with standard error, there is nobody left to tell.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), output::harmless(text).as_bytes());
    ExitCode::from(code)
}

fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let cli = args::Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    // A set that is not there is refused before anything is done.
    elman::isa_from_environment()?;
    match cli.command {
        args::Command::Train { job } => match *job {
            args::Job::Mnist(args) => jobs::mnist::train(&args),
            args::Job::Echo(args) => jobs::echo::train(&args),
            args::Job::Text(args) => jobs::text::train(&args),
            args::Job::Series(args) => jobs::series::train(&args),
            args::Job::Classify(args) => jobs::classify::train(&args),
        },
        args::Command::Resume(args) => resume::resume(&args),
        args::Command::Eval(args) => eval::eval(&args),
        args::Command::Predict(args) => predict::predict(&args),
        args::Command::Sample(args) => sample::sample(&args),
        args::Command::Forecast(args) => jobs::series::forecast(&args),
        args::Command::Inspect(args) => inspect::inspect(&args),
        args::Command::Compare(args) => compare::compare(&args),
        args::Command::Diagnose(args) => diagnose::diagnose(&args),
        args::Command::Convert(args) => convert::convert(&args),
        args::Command::Bench(args) => bench::bench(&args),
        args::Command::Completions(args) => shell::completions(&args),
        args::Command::Man(args) => shell::man(&args),
    }
}

/// 2 for a setting out of its range, as for any other wrong usage; 1 for what failed.
fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<settings::Wrong>() {
        return 2;
    }
    match error.downcast_ref::<elman::Error>() {
        Some(elman::Error::Setting { .. } | elman::Error::Unsupported { .. }) => 2,
        _ => 1,
    }
}
