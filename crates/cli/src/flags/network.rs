//! Flags of a network.

use clap::Args;
use clap::builder::PossibleValuesParser;

/// The names of the cells.
pub(crate) const CELLS: [&str; 3] = ["rnn", "lstm", "gru"];

/// Flags of a network. What is not given comes from the configuration.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct NetworkArgs {
    /// The cell: rnn, lstm or gru
    #[arg(long, value_parser = PossibleValuesParser::new(CELLS), help_heading = "Model")]
    pub(crate) cell: Option<String>,
    /// Number of layers, stacked
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) layers: Option<usize>,
    /// Read each sequence in both directions; the outputs are concatenated (concat) or added (sum) for the next layer, and
    /// a head on the final states reads both
    #[arg(long, value_name = "MERGE", num_args = 0..=1, require_equals = true, default_missing_value = "concat",
        value_parser = PossibleValuesParser::new(["concat", "sum"]), help_heading = "Model")]
    pub(crate) bidirectional: Option<String>,
    /// Add the input of each layer above the first to its output; a head on the final state is affected from 3 layers on
    #[arg(long, help_heading = "Model")]
    pub(crate) residual: bool,
    /// Dropout between layers: fraction of the outputs dropped in training
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Model")]
    pub(crate) dropout: Option<f32>,
    /// rnn: activation, tanh or relu
    #[arg(long, value_parser = PossibleValuesParser::new(["tanh", "relu"]), help_heading = "Cell")]
    pub(crate) activation: Option<String>,
    /// gru: apply the reset gate after the recurrent product, as PyTorch does, or before it, as TensorFlow 1 does
    #[arg(long, value_parser = PossibleValuesParser::new(["after", "before"]), help_heading = "Cell")]
    pub(crate) reset: Option<String>,
    /// lstm: peephole connections from the memory to the gates
    #[arg(long, help_heading = "Cell")]
    pub(crate) peepholes: bool,
    /// lstm: the forget gate is 1 minus the input gate
    #[arg(long, help_heading = "Cell")]
    pub(crate) coupled: bool,
    /// lstm: project the output to N units
    #[arg(long, value_name = "N", help_heading = "Cell")]
    pub(crate) projection: Option<usize>,
    /// lstm: clip the memory to ±X
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Cell")]
    pub(crate) cell_clip: Option<f32>,
    /// lstm: clip the projected state to ±X
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Cell")]
    pub(crate) projection_clip: Option<f32>,
    /// lstm, gru: layer normalisation of each gate
    #[arg(long, help_heading = "Cell")]
    pub(crate) layer_norm: bool,
    /// Dropout of the state before the recurrent product, with one mask per sequence
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Cell")]
    pub(crate) recurrent_dropout: Option<f32>,
    /// lstm, gru: dropout of the candidate, at each step
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Cell")]
    pub(crate) candidate_dropout: Option<f32>,
    /// Zoneout: fraction of the state that keeps its value at each step
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Cell")]
    pub(crate) zoneout: Option<f32>,
    /// lstm: zoneout of the memory
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Cell")]
    pub(crate) memory_zoneout: Option<f32>,
}
