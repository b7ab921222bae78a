//! A configuration as a text, read as `train --config` reads a file.

use anyhow::bail;

use crate::jobs::classify::Classify;
use crate::jobs::echo::Echo;
use crate::jobs::mnist::Mnist;
use crate::jobs::series::SeriesJob;
use crate::jobs::text::Text;
use crate::settings::{Job, Settings};

/// The names of the jobs.
pub const JOBS: [&str; 5] = [Mnist::NAME, Echo::NAME, Text::NAME, SeriesJob::NAME, Classify::NAME];

/// What stands for the text in messages.
const ORIGIN: &str = "the configuration";

/// Reads the text of a `config.toml` as `elman train JOB --config` would, and returns all settings as the run would keep
/// them: what the text does not name has its default, and paths are absolute. An empty text gives the defaults.
///
/// What it takes, training refuses only for what is in the data, or if memory does not suffice.
///
/// # Errors
/// In words for a person, as the command says them: if there is no such job; if the text is no TOML, is another job's, or has
/// an unknown name or a value of another type; if a value is out of its range, or an option is of another cell, optimizer or
/// schedule.
pub fn read_config(job: &str, text: &str) -> anyhow::Result<String> {
    match job {
        Mnist::NAME => Settings::<Mnist>::of_new_run(ORIGIN, text)?.to_toml(),
        Echo::NAME => Settings::<Echo>::of_new_run(ORIGIN, text)?.to_toml(),
        Text::NAME => Settings::<Text>::of_new_run(ORIGIN, text)?.to_toml(),
        SeriesJob::NAME => Settings::<SeriesJob>::of_new_run(ORIGIN, text)?.to_toml(),
        Classify::NAME => Settings::<Classify>::of_new_run(ORIGIN, text)?.to_toml(),
        _ => bail!("no job {job:?}; expected one of: {}", JOBS.join(", ")),
    }
}
