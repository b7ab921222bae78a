//! The layers of a functional model in the order in which they are called, by the places where they are.
//!
//! A call is written `{"args": [tensor, …], "kwargs": {…}}` by Keras 3, with `keras_history: [layer, call, output]` in the
//! tensor, and `[[layer, call, output, {…}], …]` by Keras 2.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::chain::{Node, Wrong, shown};

/// Classes that a functional model of Keras 3 has beside its chain where it makes a mask.
const OF_MASKS: [&str; 2] = ["NotEqual", "Any"];

/// Classes of a slice, `h[:, -1]`.
const SLICES: [&str; 2] = ["GetItem", "SlicingOpLambda"];

/// A layer and the number of its output.
type Tensor<'a> = (&'a str, u64);

/// The layers back from the output, in the order in which they are called; `whole` is what errors call the model.
///
/// # Errors
/// If they are no chain: at which layer.
pub(super) fn in_order<'a>(config: &'a Value, nodes: Vec<Node<'a>>, whole: &str) -> Result<Vec<Node<'a>>, Wrong> {
    let end = |key: &str, what: &str| {
        single(config.get(key)).ok_or_else(|| (whole.to_owned(), format!("it has several {what}; expected one")))
    };
    let output = end("output_layers", "outputs")?;
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, node) in nodes.iter().enumerate() {
        if at.insert(node.name, place).is_some() {
            return Err((node.name.into(), "two layers have this name".into()));
        }
    }
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    let mut masks = Vec::new();
    let mut name = output;
    while let Some(&place) = at.get(name) {
        if !seen.insert(place) {
            return Err((name.into(), "it is called more than once; expected layers one behind the other".into()));
        }
        order.push(place);
        let node = &nodes[place];
        if node.class == "InputLayer" {
            break;
        }
        if SLICES.contains(&node.class) {
            let why = "it takes a part of what the layer before it gives, as h[:, -1]; expected a recurrent layer with \
                       return_sequences=False, which gives its last output alone";
            return Err((name.into(), why.into()));
        }
        let call = Call::of(node)?;
        masks.extend(call.mask.map(|mask| (node.name, mask)));
        name = call.on;
    }
    if order.last().is_none_or(|&last| nodes[last].class != "InputLayer") {
        return Err((name.into(), "nothing leads to it from an input".into()));
    }
    order.reverse();
    let places: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, &at)| (at, place)).collect();
    let beside = |(at, node): &(usize, &Node<'_>)| !places.contains_key(at) && !OF_MASKS.contains(&node.class);
    if let Some((_, node)) = nodes.iter().enumerate().find(beside) {
        let why = format!(
            "{} stands beside the chain of layers from the input to the output; expected layers one behind the other",
            node.class
        );
        return Err((node.name.into(), why));
    }
    for (of, mask) in masks {
        if !at.get(mask).is_some_and(|&place| is_own_mask(&nodes, &at, &order, place)) {
            let why = format!(
                "it is called with a mask of the user's own ({mask}); expected that of a Masking layer, or of an Embedding \
                 with mask_zero"
            );
            return Err((of.into(), why));
        }
    }
    end("input_layers", "inputs")?;
    let chain = nodes.into_iter().enumerate().filter_map(|(at, node)| Some((*places.get(&at)?, node)));
    let mut chain: Vec<(usize, Node<'_>)> = chain.collect();
    chain.sort_by_key(|(place, _)| *place);
    Ok(chain.into_iter().map(|(_, node)| node).collect())
}

/// The name in `["dense", 0, 0]`, or in a list with that alone.
fn single(of: Option<&Value>) -> Option<&str> {
    let list = of?.as_array()?;
    match &list[..] {
        [Value::Array(inner)] => inner.first()?.as_str(),
        [Value::String(name), Value::Number(_), Value::Number(_)] => Some(name),
        _ => None,
    }
}

/// A layer's only call.
struct Call<'a> {
    /// The layer on whose output it is called.
    on: &'a str,
    /// The layer that makes the mask that it is given.
    mask: Option<&'a str>,
}

impl<'a> Call<'a> {
    fn of(node: &Node<'a>) -> Result<Self, Wrong> {
        let wrong = |why: &str| (node.name.to_owned(), why.to_owned());
        let calls = node.layer.get("inbound_nodes").and_then(Value::as_array);
        let Some([call]) = calls.map(Vec::as_slice) else {
            return Err(wrong(
                "it is not called exactly once; expected layers one behind the other, each of them used in one place",
            ));
        };
        let (tensors, named) = match call {
            // Of Keras 2: each argument is a tensor, the first with what is named.
            Value::Array(tensors) => {
                (tensors.iter().map(legacy).collect(), tensors.first().and_then(|first| first.get(3)))
            }
            call => {
                let arguments = call.get("args").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                (arguments.iter().map(history).collect::<Vec<_>>(), call.get("kwargs"))
            }
        };
        let named: Vec<(&String, &Value)> = named.and_then(Value::as_object).into_iter().flatten().collect();
        let states = named.iter().any(|(key, value)| *key != "mask" && (tensor(value).is_some() || value.is_array()));
        let listed =
            call.get("args").and_then(Value::as_array).is_some_and(|all| all.iter().skip(1).any(Value::is_array));
        if states || listed || tensors.iter().skip(1).any(Option::is_some) {
            return Err(wrong(
                "it is called on more than the output of one layer, as on an initial state; states start at zero here",
            ));
        }
        let mut mask = None;
        for (key, value) in named {
            match (key.as_str(), value) {
                (_, Value::Null) | ("training", Value::Bool(false)) => {}
                ("training", _) => {
                    return Err(wrong("it is called with training=True, so that it answers at random; leave that out"));
                }
                ("mask", value) => match tensor(value) {
                    Some((of, _)) => mask = Some(of),
                    None => return Err(wrong("it is called with a mask that is no output of a layer")),
                },
                (key, value) => {
                    return Err(wrong(&format!("it is called with {key} = {}, which is not known here", shown(value))));
                }
            }
        }
        match tensors.first().copied().flatten() {
            Some((on, 0)) if tensors.len() == 1 => Ok(Call { on, mask }),
            Some((_, 0)) => Err(wrong("it is called with further arguments, which are not known here")),
            Some(_) => {
                Err(wrong("it reads a state of the layer before it; expected its output, which is the last state too"))
            }
            None => Err(wrong("it is not called on the output of one layer; expected layers one behind the other")),
        }
    }
}

fn tensor(argument: &Value) -> Option<Tensor<'_>> {
    history(argument).or_else(|| legacy(argument))
}

/// The layer and the number of its output that an argument is, if it is a tensor.
fn history(argument: &Value) -> Option<Tensor<'_>> {
    let history = argument.pointer("/config/keras_history")?.as_array()?;
    Some((history.first()?.as_str()?, history.get(2)?.as_u64()?))
}

fn legacy(argument: &Value) -> Option<Tensor<'_>> {
    let list = argument.as_array()?;
    Some((list.first()?.as_str()?, list.get(2)?.as_u64()?))
}

/// Whether the node is what Keras 3 writes for the mask of a layer in the chain: for an `Embedding`, that its input is not
/// equal to 0; for a `Masking`, that any float of its input is not equal to its value.
fn is_own_mask(nodes: &[Node<'_>], at: &BTreeMap<&str, usize>, chain: &[usize], place: usize) -> bool {
    let arguments = |node: &Node<'_>| -> Vec<Value> {
        let found = node.layer.pointer("/inbound_nodes/0/args").and_then(Value::as_array);
        found.cloned().unwrap_or_default()
    };
    let on = |node: &Node<'_>| arguments(node).first().and_then(|of| history(of).map(|(name, _)| name.to_owned()));
    let node = &nodes[place];
    let (unequal, of_floats) = match node.class {
        "NotEqual" => (Some(node), false),
        "Any" if node.config.get("axis").and_then(Value::as_i64) == Some(-1) => {
            (on(node).and_then(|name| at.get(name.as_str())).map(|&place| &nodes[place]), true)
        }
        _ => (None, false),
    };
    let Some(unequal) = unequal.filter(|node| node.class == "NotEqual") else { return false };
    let to = arguments(unequal).get(1).and_then(Value::as_f64);
    chain.iter().map(|&place| &nodes[place]).any(|node| {
        let value = match (node.class, of_floats) {
            ("Embedding", false) => Some(0.0),
            ("Masking", true) => Some(node.config.get("mask_value").and_then(Value::as_f64).unwrap_or(0.0)),
            _ => None,
        };
        value.is_some() && value == to && Call::of(node).ok().map(|call| call.on.to_owned()) == on(unequal)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tensors_of_both_versions() {
        let tensor3 = json!({ "class_name": "__keras_tensor__", "config": { "keras_history": ["a", 0, 1] } });
        assert_eq!((history(&tensor3), legacy(&tensor3)), (Some(("a", 1)), None));
        let tensor2 = json!(["a", 0, 1, {}]);
        assert_eq!((history(&tensor2), legacy(&tensor2)), (None, Some(("a", 1))));
    }
}
