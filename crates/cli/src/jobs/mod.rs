//! The jobs of `elman train`, each with what the other commands do for its runs.

pub(crate) mod classify;
pub(crate) mod echo;
pub(crate) mod figures;
pub(crate) mod job;
pub(crate) mod mnist;
pub(crate) mod regress;
pub(crate) mod sequences;
pub(crate) mod series;
pub(crate) mod several;
pub(crate) mod tables;
pub(crate) mod text;
pub(crate) mod tune;

use anyhow::bail;

use self::job::Entry;

/// All jobs, in the order of the help. Who asks for one by its name finds it here and nowhere else.
pub(crate) static JOBS: &[Entry] = &[
    Entry::of::<mnist::MnistJob>(),
    Entry::of::<echo::EchoJob>(),
    Entry::of::<text::TextJob>(),
    Entry::of::<series::SeriesJob>(),
    Entry::of::<classify::ClassifyJob>(),
    Entry::of::<regress::RegressJob>(),
];

/// The job of this name.
pub(crate) fn named(name: &str) -> Option<&'static Entry> {
    JOBS.iter().find(|job| job.name == name)
}

/// The names of the jobs.
pub fn jobs() -> impl Iterator<Item = &'static str> {
    JOBS.iter().map(|job| job.name)
}

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
    match named(job) {
        Some(job) => (job.read_config)("the configuration", text),
        None => bail!("no job {job:?}; expected one of: {}", jobs().collect::<Vec<_>>().join(", ")),
    }
}
