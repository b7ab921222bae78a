//! The `elman` command: train, evaluate and use recurrent networks.
//!
//! A library so that tests and the fuzzer reach what the command reads; the binary is one call of [`main`]. Whoever wants to
//! train from a program of their own takes the library `elman`.

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod command_line;
mod commands;
#[cfg(test)]
mod documented;
mod flags;
mod folder;
mod jobs;
mod options;
mod output;
mod picture;
mod ranks;
mod record;
mod run;
mod settings;
mod shown;

use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};

use command_line::{Chosen, Cli, Command, Tuned};

pub use command_line::command;
pub use jobs::mnist::read_images;
pub use jobs::{jobs, read_config};

/// Does what the arguments of the process ask for. What goes wrong is said on standard error, in one line.
pub fn main() -> ExitCode {
    // Of several processes that a launcher started the first speaks.
    let fail = |text: &str, code: u8| if ranks::is_silent() { ExitCode::from(code) } else { fail(text, code) };
    let parsed = command().try_get_matches_from(command_line::with_dashes(std::env::args_os()));
    let matches = match parsed {
        Ok(matches) => matches,
        Err(error) => match flags::numbers::refused(&error) {
            Some(wrong) => return fail(&format!("error: {wrong}\n"), exit_code(&wrong.into())),
            None if ranks::is_silent() && error.use_stderr() => return ExitCode::from(2),
            None => flags::names::explained(error).exit(),
        },
    };
    let (wrong, code) = match run(&matches) {
        Ok(()) => (None, 0),
        Err(error) => {
            let (path, given) = command_line::innermost(&matches);
            let text = format!("error: {}", flags::names::by_flags(&error, &command_line::plain_command(&path), given));
            (Some(text), exit_code(&error))
        }
    };
    // What a single process refuses to do with others is said by the first of them.
    let silent = command_line::alone(&matches).is_some() && ranks::is_silent();
    ExitCode::from(ranks::leave(wrong.filter(|_| !silent), code, &mut |text| say(&format!("{text}\n"))))
}

/// Says what is wrong, on standard error.
fn fail(text: &str, code: u8) -> ExitCode {
    say(text);
    ExitCode::from(code)
}

fn say(text: &str) {
    // Whatever is wrong with standard error, there is nobody left to tell.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), shown::names::harmless(text).as_bytes());
}

fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let cli = Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    // A set that is not there is refused before anything is done.
    elman::isa_from_environment()?;
    match command_line::alone(matches) {
        None => ranks::join()?,
        Some(command) => ranks::refuse(command)?,
    }
    match cli.command {
        Command::Train { job: Chosen { job, given } } => (job.train)(&given),
        Command::Tune { job: Tuned(Chosen { job, given }) } => (job.tune)(&given),
        Command::Resume(args) => commands::resume::resume(&args),
        Command::Eval(args) => commands::eval::eval(&args),
        Command::Predict(args) => commands::predict::predict(&args),
        Command::Sample(args) => commands::some_jobs::sample(&args),
        Command::Forecast(args) => commands::some_jobs::forecast(&args),
        Command::Inspect(args) => commands::inspect::inspect(&args),
        Command::Compare(args) => commands::compare::compare(&args),
        Command::Diagnose(args) => commands::diagnose::diagnose(&args),
        Command::Convert(args) => commands::convert::convert(&args),
        Command::Bench(args) => commands::bench::bench(&args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => commands::serve::serve(args),
        Command::Completions(args) => commands::shell::completions(&args),
        Command::Man(args) => commands::shell::man(&args),
    }
}

/// 2 for a setting out of its range, as for any other wrong usage; 1 for what failed.
fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<flags::wrong::Wrong>() {
        return 2;
    }
    match error.downcast_ref::<elman::Error>() {
        Some(elman::Error::Setting { .. } | elman::Error::Unsupported { .. }) => 2,
        _ => 1,
    }
}
