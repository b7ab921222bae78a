//! Keras 3: a model that is a chain of layers, `Sequential` or functional, or its weights alone.
//!
//! I input, H hidden, V tokens, E floats of a vector, C outputs. An array is found by the place of its layer in the file:
//! `layers/gru_1` is the second `GRU`, whatever its name.
//!
//! | Keras | here |
//! |--|--|
//! | `layers/lstm/cell/vars/0 [I, 4H]`, `1 [H, 4H]`, `2 [4H]` | `kernel`, `recurrent_kernel`, `bias`; the same gates, i f g o |
//! | `layers/simple_rnn/cell/vars/…` | the same |
//! | `layers/gru/cell/vars/…`, gates z r n | the same, gates r z n |
//! | `layers/gru/cell/vars/2 [2, 3H]`, with `reset_after` | `bias [3H]`, the sum of its rows; b_hn apart, `recurrent_bias [H]` |
//! | `layers/bidirectional/forward_layer/…`, `backward_layer/…` | the two directions |
//! | `layers/embedding/vars/0 [V, E]` | `embedding.kernel` |
//! | `layers/dense/vars/0 […, C]`, `1 [C]` | `head.kernel`, `head.bias` |

mod cells;
mod chain;
mod equations;
mod export;
mod folds;
mod graph;
mod import;
mod known;
mod legacy;
mod names;
mod options;
mod parts;
mod proof;
mod roles;
mod scaling;
mod weights;

pub use export::{export, export_network};
pub use import::import;
pub use legacy::import_hdf5;
pub use weights::import_weights;

/// As errors name it.
const PARTNER: &str = "Keras";

/// The key of an archive's metadata under which our configuration stands: Keras reads nothing there, and does not write it
/// again.
const METADATA_KEY: &str = "elman";

/// A GRU's gates there, and here.
const GATES: (&str, &str) = ("z r n", "r z n");

/// Which of one side's gates of a GRU comes to each place of the other side's: the same in both directions.
const ORDER: [usize; 3] = [1, 0, 2];

/// A layer's class as paths have it: `time_distributed`.
fn in_paths(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut path = String::new();
    for (place, &letter) in letters.iter().enumerate() {
        let next = letters.get(place + 1).is_some_and(char::is_ascii_lowercase);
        let before = place.checked_sub(1).map(|before| letters[before]);
        let starts = before.is_some_and(|before| before != '_' && (before.is_ascii_lowercase() || next));
        if letter.is_ascii_uppercase() && starts {
            path.push('_');
        }
        path.push(letter.to_ascii_lowercase());
    }
    path
}

/// The place of the layer that has `before` layers of its class before it: `layers/gru_1`.
fn path(class_in_paths: &str, before: usize) -> String {
    match before {
        0 => format!("layers/{class_in_paths}"),
        _ => format!("layers/{class_in_paths}_{before}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_in_paths() {
        for (class, path) in [
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("TimeDistributed", "time_distributed"),
            ("SpatialDropout1D", "spatial_dropout1d"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("InputLayer", "input_layer"),
        ] {
            assert_eq!(in_paths(class), path);
        }
    }
}
