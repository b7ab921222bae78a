//! Where the arrays of a layer are in a file, and what they are called there.
//!
//! | file | array |
//! |--|--|
//! | `.keras`, `.weights.h5` | `layers/lstm_1/cell/vars/0`: by the place of the layer among those of its class |
//! | `.h5` of Keras 2 | `model_weights/encoder/lstm_cell/kernel:0`: by the name of the layer and of the array |

/// Where a layer's arrays are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Weights {
    /// Below a path, by their numbers.
    Numbered(String),
    /// In a group, by their names; `names` are those of the layer.
    Named {
        /// `model_weights/encoder`
        group: String,
        /// As they follow the group: `lstm_cell/kernel:0`.
        names: Vec<String>,
    },
}

impl Weights {
    /// Its array by its number and its name: that of the file, or the one that is expected there.
    pub(super) fn array(&self, number: usize, name: &str) -> String {
        match self {
            Weights::Numbered(path) => format!("{path}/vars/{number}"),
            Weights::Named { group, names } => {
                let found = names.iter().find(|of| last(of) == name);
                format!("{group}/{}", found.map_or(name, String::as_str))
            }
        }
    }

    /// Those of a layer inside this one: `cell`, `layer`, `forward_layer` or `backward_layer`.
    pub(super) fn inner(&self, part: &str) -> Self {
        match self {
            Weights::Numbered(path) => Weights::Numbered(format!("{path}/{part}")),
            Weights::Named { group, names } => {
                // `bidirectional/forward_lstm/lstm_cell/kernel:0`; the first of these is the layer's own name.
                let direction = part.strip_suffix("layer").filter(|direction| !direction.is_empty());
                let belongs = |name: &&String| {
                    direction.is_none_or(|direction| name.split('/').skip(1).any(|of| of.starts_with(direction)))
                };
                Weights::Named { group: group.clone(), names: names.iter().filter(belongs).cloned().collect() }
            }
        }
    }

    /// Those of a layer in a model inside this one, by its path or its name there.
    pub(super) fn of_layer(&self, path: &str, name: &str) -> Self {
        match self {
            Weights::Numbered(of) => Weights::Numbered(format!("{of}/{path}")),
            Weights::Named { group, names } => {
                let belongs = |of: &&String| of.split('/').any(|part| part == name);
                Weights::Named { group: group.clone(), names: names.iter().filter(belongs).cloned().collect() }
            }
        }
    }
}

/// `kernel` of `lstm_cell/kernel:0`.
fn last(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}
