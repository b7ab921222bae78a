//! Flags of `train echo`.

use clap::Args;

use crate::flags::several::RepeatArgs;
use crate::flags::training::CommonArgs;

/// Flags of `train echo`.
#[derive(Args, Debug)]
#[command(after_help = "\
Random bits in parallel streams; the class of a step is the bit some steps earlier. The network reads pieces of a \
few steps. At the start of a piece it can only be right if its state is carried over from the piece before.

Examples:
  elman train echo
  elman train echo --reset-state            the first steps of each piece must be wrong half the time
  elman train echo --echo-step 8 --hidden-size 16 --cell gru")]
pub(crate) struct EchoArgs {
    /// Bits to train on, over all streams; the test has as many
    #[arg(long, value_name = "N", help_heading = "Data")]
    pub(crate) series_length: Option<usize>,
    /// Steps from a bit to its echo
    #[arg(long, value_name = "N", help_heading = "Data")]
    pub(crate) echo_step: Option<usize>,
    /// Steps of a piece; gradients go no further back
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) sequence_length: Option<usize>,
    /// Start each piece from a zero state instead of the state at the end of the piece before
    #[arg(long, help_heading = "Training")]
    pub(crate) reset_state: bool,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
