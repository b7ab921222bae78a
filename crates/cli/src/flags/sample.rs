//! Flags of `elman sample`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
Without --prime the network first reads a line end, so that it starts a new line; if its training text has no line \
ends, it reads the first of its characters.

Examples:
  elman sample runs/text-lstm-1
  elman sample runs/text-lstm-1 --prime \"ROMEO. \" --temperature 0.7
  elman sample runs/text-lstm-1 --top-p 0.9 --samples 3 --json
  elman sample runs/text-lstm-2 --prime-file start.mid --out new.mid    for bytes

A model of bytes writes them as they are, nothing added, to a file or a pipe; a terminal is shown those that are no \
text as \\xff.")]
pub(crate) struct SampleArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Text to start with
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) prime: String,
    /// A file that the text starts with: UTF-8, or for a model of bytes any file
    #[arg(long, value_name = "FILE", conflicts_with = "prime")]
    pub(crate) prime_file: Option<PathBuf>,
    /// Write the sample into a file, instead of on standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "samples"])]
    pub(crate) out: Option<PathBuf>,
    /// Characters or bytes to generate after it
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) length: usize,
    /// Below 1 favours probable characters, above 1 evens them out; 0 always takes the most probable
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) temperature: f32,
    /// Choose among the K most probable characters only [default: all]
    #[arg(long, value_name = "K")]
    pub(crate) top_k: Option<usize>,
    /// Choose among the most probable characters whose probabilities add up to P [default: all]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub(crate) top_p: Option<f32>,
    /// Seed of the random choices
    #[arg(long, value_name = "N", default_value_t = 111)]
    pub(crate) seed: u64,
    /// Number of samples; their seeds are the seed, the seed + 1, and so on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) samples: usize,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
