//! The options of training: which rows make a batch, how long, with what memory, and what is kept on the way.

use elman::{BatchSize, Init};

use super::Kind::{self, Amount, Count, Number, Rows};
use super::network::MODEL;
use super::optimization::TRAINING;
use super::{Described, Owners};
use crate::ranks;

/// The settings of training, as in `config.toml`. The defaults are the tutorial's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrainingConfig {
    pub(crate) init: Init,
    pub(crate) batch_size: BatchSize,
    pub(crate) micro_batch: usize,
    pub(crate) num_epoch: u64,
    pub(crate) seed: u64,
    pub(crate) batch_per_log: u64,
    pub(crate) threads: usize,
    /// Steps after which the gradient is cut; 0: never.
    pub(crate) truncate: usize,
    pub(crate) memory_budget: Option<String>,
    /// 0: at the ends of epochs.
    pub(crate) checkpoint_steps: u64,
    /// 0: never by time.
    pub(crate) checkpoint_minutes: f64,
    pub(crate) keep_checkpoints: usize,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        TrainingConfig {
            init: Init::default(),
            batch_size: BatchSize::Rows(128),
            micro_batch: 0,
            num_epoch: 10,
            seed: 111,
            batch_per_log: 10,
            threads: ranks::threads(),
            truncate: 0,
            memory_budget: None,
            checkpoint_steps: 0,
            checkpoint_minutes: 5.0,
            keep_checkpoints: 2,
        }
    }
}

/// Parts of the help.
pub(crate) const CHECKPOINTS: &str = "Checkpoints";
pub(crate) const OUTPUT: &str = "Output";

/// An option that every job has, with the default of [`TrainingConfig`] or the job's own.
const fn option(
    name: &'static str,
    kind: Kind,
    place: fn(&mut TrainingConfig) -> Option<&mut dyn super::Place>,
    heading: &'static str,
    help: &'static str,
) -> Described<TrainingConfig> {
    Described { name, kind, owners: Owners::All, default: None, place, heading, help }
}

/// In the order of `config.toml`, and of each part of the help.
pub(crate) static COMMON: [Described<TrainingConfig>; 12] = [
    option(
        "init",
        Kind::Init,
        |of| Some(&mut of.init),
        MODEL,
        "Initial weights as in tf (TensorFlow 1), keras or pytorch",
    ),
    option(
        "batch_size",
        Rows("N|full"),
        |of| Some(&mut of.batch_size),
        TRAINING,
        "Rows per batch, or full: all rows at once",
    ),
    option(
        "micro_batch",
        Count("N"),
        |of| Some(&mut of.micro_batch),
        TRAINING,
        "Compute the gradient of a batch in parts of N rows and add them up, to save memory [default: 0, the whole batch]",
    ),
    option("num_epoch", Count("N"), |of| Some(&mut of.num_epoch), TRAINING, "Passes over the training data"),
    option(
        "seed",
        Count("N"),
        |of| Some(&mut of.seed),
        TRAINING,
        "Seed of the initial weights and of the order of the rows",
    ),
    option(
        "batch_per_log",
        Count("N"),
        |of| Some(&mut of.batch_per_log),
        OUTPUT,
        "Report every N steps, in metrics.csv and in the progress bar",
    ),
    option(
        "threads",
        Count("N"),
        |of| Some(&mut of.threads),
        TRAINING,
        "Threads; they do not affect the result [default: one per processor]",
    ),
    option(
        "truncate",
        Count("N"),
        |of| Some(&mut of.truncate),
        TRAINING,
        "Truncated back-propagation: cut the gradient every N steps [default: never]",
    ),
    option(
        "memory_budget",
        Amount("SIZE"),
        |of| Some(&mut of.memory_budget),
        TRAINING,
        "Memory limit for training, such as 500MB or 2GiB; long sequences are then recomputed in parts, with the same result",
    ),
    option(
        "checkpoint_steps",
        Count("N"),
        |of| Some(&mut of.checkpoint_steps),
        CHECKPOINTS,
        "Write a checkpoint every N steps; 0: at the ends of epochs, but not so often that it costs much time",
    ),
    option(
        "checkpoint_minutes",
        Number("M"),
        |of| Some(&mut of.checkpoint_minutes),
        CHECKPOINTS,
        "Also write a checkpoint every M minutes within an epoch; 0: never",
    ),
    option(
        "keep_checkpoints",
        Count("K"),
        |of| Some(&mut of.keep_checkpoints),
        CHECKPOINTS,
        "Number of newest checkpoints to keep until the run has finished",
    ),
];
