//! PyTorch: a `state_dict` of `nn.RNN`, `nn.LSTM` or `nn.GRU`, with an `nn.Embedding` before it and an `nn.Linear` behind.
//!
//! I input, H hidden, P output, G gates, V tokens, E floats of a vector, C outputs.
//!
//! | PyTorch | here |
//! |--|--|
//! | `rnn.weight_ih_l0 [G H, I]` | `kernel [I, G H]`, transposed; gates i f g o and r z n, the same order |
//! | `rnn.weight_hh_l0 [G H, P]` | `recurrent_kernel [P, G H]`, transposed |
//! | `rnn.bias_ih_l0`, `rnn.bias_hh_l0` `[G H]` | `bias [G H]`, their sum; b_hn of a GRU apart, `recurrent_bias [H]` |
//! | `rnn.weight_hr_l0 [P, H]` | `projection [H, P]`, transposed |
//! | `embedding.weight [V, E]` | `embedding.kernel [V, E]` |
//! | `front.0.weight [O, I]`, of an `nn.Conv1d` `[O, I, K]`; `front.0.bias [O]` | `layers.0.kernel [I, O]`, `[K I, O]`, transposed; `layers.0.bias` |
//! | `head.weight [C, …]`, `head.bias [C]` | `head.kernel […, C]`, transposed; `head.bias` |
//!
//! A head of several dense layers has theirs in order: `head.0.kernel`, then `head.kernel`, that of the outputs.
//!
//! `_l0_reverse` is the direction that reads rows from their ends.

mod checkpoint;
mod export;
mod front;
mod front_export;
mod head;
mod import;
mod modules;
mod prepare;

pub use export::{export, export_network};
pub use import::{import, import_checkpoint, import_weights};

/// As errors name it.
const PARTNER: &str = "PyTorch";

/// The key of a file's metadata under which our configuration stands, as JSON: a file that PyTorch wrote has none.
const METADATA_KEY: &str = "elman-pytorch";

/// Means and deviations of what a module reads, and of what it answers.
const SCALING: [&str; 4] = ["input_mean", "input_deviation", "output_mean", "output_deviation"];

/// What the names of a cell's arrays end with: `_l0`, `_l0_reverse`.
fn suffix(layer: usize, reversed: bool) -> String {
    format!("_l{layer}{}", if reversed { "_reverse" } else { "" })
}
