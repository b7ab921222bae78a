//! Flags of `elman bench`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::network::NetworkArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
The peak is that of a loop of multiply-adds on registers alone, timed alternately with the step, on as many threads. \
Operations are 2·m·n·k for each matrix product of the step, and nothing else.

--vanishing times a second step alternately with the first: of a network whose states and gradients, like its inputs, \
fall to nothing within some hundred steps. Numbers that small become 0 before they are subnormal, on which some processors \
are slow, so both should take the same time.

A sweep varies the hidden size, batch, steps and threads, one at a time, from the sizes given; then the threads again at \
batch 4 and hidden size 1024. Without --cell it covers all cells. It takes some minutes; Ctrl-C ends it after the \
point that is being measured, and what it has is drawn.

Examples:
  elman bench
  elman bench --hidden 512 --threads 1 --json
  elman bench --cell lstm --zoneout 0.1 --lengths even
  elman bench --cell lstm --steps 1024 --vanishing
  elman bench --sweep --chart sweep.svg
  elman bench --sweep --cell gru --threads 1 --json > sweep.jsonl
  elman bench --from sweep.jsonl --chart sweep.svg")]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Rows per batch
    #[arg(long, default_value_t = 128, value_name = "B")]
    pub(crate) batch: usize,
    /// Steps per sequence
    #[arg(long, default_value_t = 28, value_name = "T")]
    pub(crate) steps: usize,
    /// Inputs per step
    #[arg(long, default_value_t = 28, value_name = "I")]
    pub(crate) input: usize,
    /// Hidden units
    #[arg(long, default_value_t = 128, value_name = "H")]
    pub(crate) hidden: usize,
    /// Lengths of the rows: full, or even, spread evenly from 1 to all steps
    #[arg(long, default_value = "full", value_parser = PossibleValuesParser::new(["full", "even"]))]
    pub(crate) lengths: String,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Time a step on numbers that vanish, too
    #[arg(long, conflicts_with = "sweep")]
    pub(crate) vanishing: bool,
    /// Rounds of peak and step in turn; in a sweep, at most as many as fit into a second
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub(crate) rounds: usize,
    /// Measure many points: one size at a time varied from those given
    #[arg(long)]
    pub(crate) sweep: bool,
    /// Draw a sweep as SVG: share of the peak by each size
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,
    /// Measure nothing: draw the records that --sweep --json wrote
    #[arg(long, value_name = "FILE", requires = "chart", conflicts_with_all = ["NetworkArgs", "batch", "steps",
        "input", "hidden", "lengths", "threads", "vanishing", "rounds", "sweep", "json"])]
    pub(crate) from: Option<PathBuf>,
    /// One JSON object, or one a line
    #[arg(long)]
    pub(crate) json: bool,
}
