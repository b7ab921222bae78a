//! What an exported graph takes and gives beside the sequences and the answers.

/// Which inputs and outputs an exported graph has.
///
/// ```
/// use elman_exchange::onnx::OnnxOptions;
///
/// let for_tract = OnnxOptions::default().lengths(false);
/// assert!(!for_tract.lengths && !for_tract.initial_states);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnnxOptions {
    /// An input `lengths [batch]` with the steps of each row. Without it all rows have all steps; some runtimes take no
    /// other graphs.
    pub lengths: bool,
    /// Inputs `initial_h_0 [D, batch, P]`, and `initial_c_0` of an LSTM, of each layer, and outputs `final_h_0` and
    /// `final_c_0`. Without them rows start from zeros.
    pub initial_states: bool,
    /// One step a call: states in and out, a sequence of one step, no lengths. Not for layers that read rows from their
    /// ends.
    pub streaming: bool,
    /// The native operators RNN, LSTM and GRU, wherever they compute a cell. Without them each cell is a `Scan` of basic
    /// operators, for runtimes that leave out a native operator's options.
    pub native: bool,
    /// Values go in as a table has them, NaN where one is missing, and quantiles come out in the units of the target: the
    /// graph scales them, where the model's [units](crate::Units) say how. Without it the graph is the network
    /// alone.
    pub units: bool,
}

impl Default for OnnxOptions {
    fn default() -> Self {
        OnnxOptions { lengths: true, initial_states: false, streaming: false, native: true, units: true }
    }
}

impl OnnxOptions {
    /// With lengths of rows, or not.
    pub fn lengths(self, lengths: bool) -> Self {
        OnnxOptions { lengths, ..self }
    }

    /// With initial and final states, or not.
    pub fn initial_states(self, initial_states: bool) -> Self {
        OnnxOptions { initial_states, ..self }
    }

    /// For one step a call, or for whole sequences.
    pub fn streaming(self, streaming: bool) -> Self {
        OnnxOptions { streaming, ..self }
    }

    /// With native operators, or with loops of basic ones.
    pub fn native(self, native: bool) -> Self {
        OnnxOptions { native, ..self }
    }

    /// With the units of the data, or the network alone.
    pub fn units(self, units: bool) -> Self {
        OnnxOptions { units, ..self }
    }

    /// Whether the graph takes lengths.
    pub(super) fn takes_lengths(&self) -> bool {
        self.lengths && !self.streaming
    }

    /// Whether the graph takes states.
    pub(super) fn takes_states(&self) -> bool {
        self.initial_states || self.streaming
    }
}
