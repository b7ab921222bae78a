//! Which names make a cell.

use std::collections::BTreeMap;

use super::Dialect;

/// How a cell's dense layers are named: those of the input and those of the state, in the order of our gates.
pub(super) struct Form {
    pub(super) dialect: Dialect,
    pub(super) input: &'static [&'static str],
    pub(super) state: &'static [&'static str],
}

/// The longest come first: a name of one form must not be taken for another's.
const FORMS: [Form; 9] = [
    Form {
        dialect: Dialect::Burn,
        input: &[
            "input_gate.input_transform",
            "forget_gate.input_transform",
            "cell_gate.input_transform",
            "output_gate.input_transform",
        ],
        state: &[
            "input_gate.hidden_transform",
            "forget_gate.hidden_transform",
            "cell_gate.hidden_transform",
            "output_gate.hidden_transform",
        ],
    },
    Form {
        dialect: Dialect::Burn,
        input: &["reset_gate.input_transform", "update_gate.input_transform", "new_gate.input_transform"],
        state: &["reset_gate.hidden_transform", "update_gate.hidden_transform", "new_gate.hidden_transform"],
    },
    Form { dialect: Dialect::Burn, input: &["gate.input_transform"], state: &["gate.hidden_transform"] },
    Form { dialect: Dialect::Flax, input: &["ii", "if", "ig", "io"], state: &["hi", "hf", "hg", "ho"] },
    Form { dialect: Dialect::Flax, input: &["ii", "if_", "ig", "io"], state: &["hi", "hf", "hg", "ho"] },
    Form { dialect: Dialect::Flax, input: &["ir", "iz", "in"], state: &["hr", "hz", "hn"] },
    Form { dialect: Dialect::Flax, input: &["ir", "iz", "in_"], state: &["hr", "hz", "hn"] },
    Form { dialect: Dialect::Flax, input: &["dense_i"], state: &["dense_h"] },
    Form { dialect: Dialect::Flax, input: &["i"], state: &["h"] },
];

impl Form {
    /// What a dense layer's matrix is called.
    pub(super) fn matrix(&self) -> &'static str {
        match self.dialect {
            Dialect::Burn => "weight",
            Dialect::Flax => "kernel",
        }
    }
}

/// Names with dots between their parts, and as they stand in the file.
pub(super) struct Names<'a>(BTreeMap<String, &'a str>);

impl<'a> Names<'a> {
    pub(super) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        Names(names.map(|name| (name.replace('/', "."), name)).collect())
    }

    /// A name as it stands in the file, or as it would.
    pub(super) fn of(&self, name: &str) -> String {
        self.0.get(name).map_or_else(|| name.to_owned(), |&name| name.to_owned())
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// A cell: what its names start with, with a dot behind it unless it is nothing, and their form.
pub(super) struct Cell {
    pub(super) prefix: String,
    pub(super) form: &'static Form,
}

/// All cells, in the order of their names. A cell is one if the matrices of its first gate are there, those of the input
/// and of the state.
pub(super) fn cells(names: &Names<'_>) -> Vec<Cell> {
    let mut found: BTreeMap<String, &'static Form> = BTreeMap::new();
    for name in names.0.keys() {
        for form in &FORMS {
            let marker = |of: &[&str]| format!("{}.{}", of[of.len() - 1], form.matrix());
            let Some(prefix) = name.strip_suffix(&marker(form.state)) else { continue };
            let all = form.input.iter().all(|of| names.contains(&format!("{prefix}{of}.{}", form.matrix())));
            if all && (prefix.is_empty() || prefix.ends_with('.')) && !found.contains_key(prefix) {
                found.insert(prefix.to_owned(), form);
            }
        }
    }
    found.into_iter().map(|(prefix, form)| Cell { prefix, form }).collect()
}

/// The layer that a cell is a direction of, and which: 0 is forward. None of a layer in one direction.
pub(super) fn direction(prefix: &str) -> Option<(&str, usize)> {
    let path = prefix.strip_suffix('.')?;
    let path = path.strip_suffix(".cell").unwrap_or(path);
    let (layer, last) = path.rsplit_once('.').unwrap_or(("", path));
    match last {
        "forward" | "forward_rnn" => Some((layer, 0)),
        "reverse" | "backward_rnn" => Some((layer, 1)),
        _ => None,
    }
}
