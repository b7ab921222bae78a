//! The names of variables, and which of them make a cell.

use std::collections::BTreeMap;

use crate::order::pieces;

/// The kinds of cells, by the scopes that TensorFlow makes for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rnn,
    Lstm,
    Gru,
}

/// A layer: the scopes of its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scopes {
    /// The scope of the layer: its cell's, or what stands before `fw` and `bw`.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Of each direction, the scope of its cell: `rnn/lstm_cell`.
    pub(super) cells: Vec<String>,
}

/// A variable's name without the number of its output: `dense/kernel:0` is `dense/kernel`.
pub(super) fn bare(name: &str) -> &str {
    name.strip_suffix(":0").unwrap_or(name)
}

/// A scope's name without the number that makes it unique: `lstm_cell_1` is `lstm_cell`.
fn unnumbered(scope: &str) -> &str {
    match scope.rsplit_once('_') {
        Some((name, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => scope,
    }
}

fn kind(scope: &str) -> Option<Kind> {
    match unnumbered(scope) {
        "basic_rnn_cell" => Some(Kind::Rnn),
        "lstm_cell" | "basic_lstm_cell" => Some(Kind::Lstm),
        "gru_cell" => Some(Kind::Gru),
        _ => None,
    }
}

/// The layers of variables by their bare names, in the order of these.
///
/// # Errors
/// The scope of a layer that is none of ours, and why.
pub(super) fn layers<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<Scopes>, (String, String)> {
    // By layer: its kind, and the scope of the cell of each direction.
    let mut found: BTreeMap<String, (Kind, [Option<String>; 2])> = BTreeMap::new();
    for name in names {
        let scopes: Vec<&str> = name.split('/').collect();
        let Some((at, kind)) = scopes.iter().enumerate().find_map(|(at, scope)| Some((at, kind(scope)?))) else {
            continue;
        };
        let cell = scopes[..=at].join("/");
        let direction = scopes[..at].iter().rposition(|&scope| scope == "fw" || scope == "bw");
        let (layer, place) = match direction {
            Some(at) => (scopes[..at].join("/"), usize::from(scopes[at] == "bw")),
            None => (cell.clone(), 0),
        };
        let (of, cells) = found.entry(layer.clone()).or_insert((kind, [None, None]));
        match &cells[place] {
            Some(other) if *other != cell => {
                let why = format!(
                    "{other} stands in the same direction: each direction has layers of its own there, which meet only \
                     behind the last; here two directions meet behind each layer"
                );
                return Err((cell, why));
            }
            _ if *of != kind => return Err((cell, format!("the other direction of {layer} has another kind of cell"))),
            _ => cells[place] = Some(cell),
        }
    }
    let mut layers = Vec::new();
    for (name, (kind, cells)) in found {
        layers.push(match cells {
            [Some(forward), None] if name == forward => Scopes { name, kind, cells: vec![forward] },
            [Some(forward), Some(backward)] => Scopes { name, kind, cells: vec![forward, backward] },
            [Some(_), None] => return Err((name, "it has fw without bw".into())),
            _ => return Err((name, "it has bw without fw".into())),
        });
    }
    layers.sort_by(|a, b| pieces(&a.name).cmp(&pieces(&b.name)));
    Ok(layers)
}

/// Whether a variable is no part of the model: an optimizer's, below the name of the variable that it belongs to, or a
/// counter.
pub(super) fn is_of_training(name: &str, is_variable: impl Fn(&str) -> bool) -> bool {
    let (scope, last) = name.rsplit_once('/').unwrap_or(("", name));
    is_variable(scope) || ["beta1_power", "beta2_power", "global_step"].contains(&unnumbered(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Vec<Scopes>, (String, String)> {
        layers(names.iter().copied())
    }

    #[test]
    fn layers_come_in_the_order_of_their_numbers() {
        let names =
            ["cell_10/gru_cell/gates/kernel", "cell_2/basic_lstm_cell_1/bias", "cell_2/basic_lstm_cell_1/kernel"];
        let layers =
            of(&names.map(|name| format!("rnn/multi_rnn_cell/{name}")).each_ref().map(String::as_str)).unwrap();
        let kinds: Vec<Kind> = layers.iter().map(|layer| layer.kind).collect();
        assert_eq!(kinds, [Kind::Lstm, Kind::Gru]);
        assert_eq!(layers[0].cells, ["rnn/multi_rnn_cell/cell_2/basic_lstm_cell_1"]);
    }

    #[test]
    fn two_directions_are_one_layer() {
        let layers = of(&["second/bw/gru_cell/gates/bias", "second/fw/gru_cell/gates/bias", "dense/kernel"]).unwrap();
        let cells = vec!["second/fw/gru_cell".to_owned(), "second/bw/gru_cell".to_owned()];
        assert_eq!(layers, [Scopes { name: "second".into(), kind: Kind::Gru, cells }]);
    }

    #[test]
    fn directions_that_are_no_layer_are_refused() {
        for (names, scope, why) in [
            (&["b/fw/m/cell_0/lstm_cell/bias", "b/fw/m/cell_1/lstm_cell/bias"][..], "b/fw/m/cell_1/lstm_cell", "meet"),
            (&["b/fw/lstm_cell/bias", "b/bw/gru_cell/bias"], "b/bw/gru_cell", "another kind"),
            (&["b/fw/lstm_cell/bias"], "b", "without bw"),
            (&["b/bw/lstm_cell/bias"], "b", "without fw"),
        ] {
            let (found, message) = of(names).unwrap_err();
            assert!(found == scope && message.contains(why), "{found}: {message}");
        }
    }

    #[test]
    fn variables_of_an_optimizer() {
        let is_variable = |name: &str| name == "dense/kernel";
        for name in ["dense/kernel/Adam", "dense/kernel/Adam_1", "beta1_power", "train/beta2_power_1", "global_step"] {
            assert!(is_of_training(name, is_variable), "{name}");
        }
        assert!(!is_of_training("dense/kernel", is_variable));
    }
}
