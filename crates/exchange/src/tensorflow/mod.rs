//! TensorFlow 1: the variables of a graph with `dynamic_rnn` or `bidirectional_dynamic_rnn`, by their names, as
//! `np.savez(path, **{v.name: session.run(v) for v in tf.global_variables()})` or a checkpoint has them; and the layers in a
//! checkpoint of TensorFlow 2's objects.
//!
//! I input, H hidden, P output, V tokens, E floats of a vector, C outputs.
//!
//! | TensorFlow | here |
//! |--|--|
//! | `rnn/basic_rnn_cell/kernel [I+H, H]`, `bias [H]` | `kernel [I, H]`, `recurrent_kernel [H, H]`, `bias [H]` |
//! | `rnn/lstm_cell/kernel [I+P, 4H]`, `bias [4H]`, also `basic_lstm_cell` | the same, gates i j f o → i f g o |
//! | `w_i_diag`, `w_f_diag`, `w_o_diag` `[H]` | `peepholes [3, H]` |
//! | `projection/kernel [H, P]` | `projection [H, P]` |
//! | `rnn/gru_cell/gates/kernel [I+H, 2H]`, `candidate/kernel [I+H, H]` and their biases | gates r z n, the reset before the product |
//! | `rnn/multi_rnn_cell/cell_0/…` | layer 0 |
//! | `bidirectional_rnn/fw/…`, `bw/…` | the forward and the backward direction |
//! | `dense/kernel […, C]`, `dense/bias [C]` | `head.kernel`, `head.bias` |
//!
//! TensorFlow adds `forget_bias` to an LSTM's forget gate while the graph runs: it is in no variable. Here it is stored.

mod export;
mod import;
mod names;
mod objects;

pub use export::{export, export_network};
pub use import::{import, import_checkpoint};
pub use objects::{has_objects, import_objects};

/// As errors name it.
const PARTNER: &str = "TensorFlow 1";

/// The name under which our configuration stands beside the variables, as text: no variable has it, and who loads variables
/// by their names does not see it.
const CONFIG: &str = "elman";

/// Means and deviations of what a graph reads, and of what it answers.
const SCALING: [&str; 4] = ["inputs/mean:0", "inputs/deviation:0", "answers/mean:0", "answers/deviation:0"];

/// The gates of an LSTM there, and here.
const GATES: (&str, &str) = ("i j f o", "i f g o");

/// Which of one side's gates comes to each place of the other side's: the same in both directions.
const ORDER: [usize; 4] = [0, 2, 1, 3];
