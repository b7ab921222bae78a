//! Flags of `train text`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::flags::several::RepeatArgs;
use crate::flags::training::CommonArgs;

/// Flags of `train text`.
#[derive(Args, Debug)]
#[command(after_help = "\
The text is read as parallel streams, in windows of a few characters, with the state carried from window to \
window. Its end is for validation. The figures are bits per character; 0 would mean knowing the text by heart.

Examples:
  elman train text                          eight plays by Shakespeare, in the binary
  elman train text --data book.txt --num-epoch 30
  elman train text --data song.mid --unit byte
  elman train text --hidden-size 512 --dropout 0.3 --schedule cosine")]
pub(crate) struct TextArgs {
    /// A text in UTF-8, gzipped or not; with --unit byte any file [default: eight plays by Shakespeare, in the binary]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    /// What a step reads: a character or a byte
    #[arg(long, value_parser = PossibleValuesParser::new(["character", "byte"]), help_heading = "Data")]
    pub(crate) unit: Option<String>,
    /// Fraction of the text to train on; the rest is for validation
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Data")]
    pub(crate) train_frac: Option<f64>,
    /// Steps of a window; gradients go no further back
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) sequence_length: Option<usize>,
    /// Size of the vector that stands for a character [default: the hidden size]
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) embedding_size: Option<usize>,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
