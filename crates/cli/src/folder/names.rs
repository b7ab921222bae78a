//! What the files of a run are called.

pub(crate) use elman_exchange::files::MODEL;

use crate::record::events;

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const METRICS: &str = "metrics.csv";
pub(crate) const CURVES: &str = "curves.svg";
pub(crate) const SAMPLE: &str = "sample.txt";
pub(crate) const TEST: &str = "test.json";
/// The plan of several runs, and the table of what they gave.
pub(crate) const SEVERAL: &str = "several.json";
pub(crate) const RUNS_TABLE: &str = "several.csv";
/// The plan of trials, what came of them so far, and in the end their table, the settings of the best, and its run.
pub(crate) const TUNE: &str = "tune.json";
pub(crate) const TUNED: &str = "tuned.json";
pub(crate) const TRIALS_TABLE: &str = "tune.csv";
pub(crate) const BEST_CONFIG: &str = "best.toml";
pub(crate) const BEST: &str = "best";
/// What trials of a setting gave.
pub(crate) const CHOICE: &str = "choice.json";
pub(crate) const LOCK: &str = "lock";

/// The folder of the first member of an ensemble.
pub(super) const MEMBER_1: &str = "member-1";

/// What the folder of a member of an ensemble is called, from 1.
pub(crate) fn member_folder(number: usize) -> String {
    format!("member-{number}")
}

/// What the files of checkpoints are called, around the number of the step.
const CHECKPOINT_PREFIX: &str = "checkpoint-";
const CHECKPOINT_SUFFIX: &str = ".safetensors";

/// Whether a run may write a file of this name; pictures have a name from each job.
pub(super) fn is_of_a_run(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        CONFIG,
        MODEL,
        METRICS,
        SAMPLE,
        TEST,
        LOCK,
        SEVERAL,
        RUNS_TABLE,
        CHOICE,
        TUNE,
        TUNED,
        TRIALS_TABLE,
        BEST_CONFIG,
    ];
    NAMES.contains(&name)
        || name.ends_with(".svg")
        || name.starts_with(events::NAME)
        || step_of_checkpoint(name).is_some()
}

/// The name of the checkpoint of a step.
pub(super) fn checkpoint(step: u64) -> String {
    format!("{CHECKPOINT_PREFIX}{step}{CHECKPOINT_SUFFIX}")
}

/// The step of the checkpoint of this name.
pub(super) fn step_of_checkpoint(name: &str) -> Option<u64> {
    let number = name.strip_prefix(CHECKPOINT_PREFIX)?.strip_suffix(CHECKPOINT_SUFFIX)?;
    // Only as it is written here.
    number.parse().ok().filter(|step: &u64| step.to_string() == number)
}
