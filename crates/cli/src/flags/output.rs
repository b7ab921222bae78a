//! How a command speaks.

use clap::Args;

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct OutputArgs {
    /// Print one JSON object per line instead of text
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// Only warnings and errors on standard error
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
}
