//! Flags that all jobs share.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use elman::BatchSize;

use super::network::NetworkArgs;
use super::optimization::OptimizationArgs;
use super::output::OutputArgs;

/// Flags of every job. What is not given comes from `--config`, then from the job's defaults.
#[derive(Args, Debug)]
pub(crate) struct CommonArgs {
    /// Hidden units of each layer
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) hidden_size: Option<usize>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Initial weights as in tf (TensorFlow 1), keras or pytorch
    #[arg(long, value_parser = PossibleValuesParser::new(["tf", "keras", "pytorch"]), help_heading = "Model")]
    pub(crate) init: Option<String>,

    #[command(flatten)]
    pub(crate) optimization: OptimizationArgs,
    /// Rows per batch, or full: all rows at once
    #[arg(long, value_name = "N|full", help_heading = "Training")]
    pub(crate) batch_size: Option<BatchSize>,
    /// Compute the gradient of a batch in parts of N rows and add them up, to save memory [default: 0, the whole batch]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) micro_batch: Option<usize>,
    /// Passes over the training data
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) num_epoch: Option<u64>,
    /// Seed of the initial weights and of the order of the rows
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) seed: Option<u64>,
    /// Threads; they do not affect the result [default: one per processor]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) threads: Option<usize>,
    /// Truncated back-propagation: cut the gradient every N steps [default: never]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) truncate: Option<usize>,
    /// Memory limit for training, such as 500MB or 2GiB; long sequences are then recomputed in parts, with the same result
    #[arg(long, value_name = "SIZE", help_heading = "Training")]
    pub(crate) memory_budget: Option<String>,

    /// Write a checkpoint every N steps; 0: at the ends of epochs, but not so often that it costs much time
    #[arg(long, value_name = "N", help_heading = "Checkpoints")]
    pub(crate) checkpoint_steps: Option<u64>,
    /// Also write a checkpoint every M minutes within an epoch; 0: never
    #[arg(long, value_name = "M", allow_negative_numbers = true, help_heading = "Checkpoints")]
    pub(crate) checkpoint_minutes: Option<f64>,
    /// Number of newest checkpoints to keep until the run has finished
    #[arg(long, value_name = "K", help_heading = "Checkpoints")]
    pub(crate) keep_checkpoints: Option<usize>,

    /// Folder for the run [default: the next free runs/JOB-CELL-N]
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub(crate) out: Option<PathBuf>,
    /// Read settings from a TOML file, such as a run's config.toml; flags override the file
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) config: Option<PathBuf>,

    /// Report every N steps, in metrics.csv and in the progress bar
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub(crate) batch_per_log: Option<u64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl CommonArgs {
    /// Whether nobody has chosen the batch size.
    pub(crate) fn batch_is_open(&self) -> bool {
        self.batch_size.is_none() && self.config.is_none()
    }
}
