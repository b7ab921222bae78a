//! A model's layers as a chain, from the configuration of a `Sequential` or a functional model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{in_paths, path};

/// A layer of the chain.
pub(super) struct Link<'a> {
    /// Its class: `LSTM`.
    pub(super) class: &'a str,
    /// Its name in the model: `lstm_1`.
    pub(super) name: &'a str,
    /// Its options.
    pub(super) config: &'a Value,
    /// Where its weights are; nothing for a class that has none that are read.
    pub(super) path: String,
}

/// What is wrong with a configuration: the layer or part, and why.
pub(super) type Wrong = (String, String);

/// Classes that a functional model has beside its chain where it makes a mask.
const OF_MASKS: [&str; 2] = ["NotEqual", "Any"];

/// The layers, from the input on.
///
/// # Errors
/// If it is another kind of model, or its layers are no chain.
pub(super) fn chain(config: &Value) -> Result<Vec<Link<'_>>, Wrong> {
    let class = text(config, "class_name").unwrap_or("nothing");
    if !["Sequential", "Functional"].contains(&class) {
        let why =
            format!("its class is {class}; expected Sequential, or Functional with its layers one behind the other");
        return Err(("the model".into(), why));
    }
    let Some(layers) = config.pointer("/config/layers").and_then(Value::as_array) else {
        let why = format!("it is a {class} without layers; expected a list of them in its configuration");
        return Err(("the model".into(), why));
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut links = Vec::new();
    for layer in layers {
        let (Some(class), Some(config)) = (text(layer, "class_name"), layer.get("config")) else {
            return Err(("a layer".into(), "it has no class_name or no config".into()));
        };
        let name = text(config, "name").or_else(|| text(layer, "name")).unwrap_or(class);
        let path = in_paths(class).map_or_else(String::new, |of| {
            let count = counts.entry(of).or_default();
            *count += 1;
            path(of, *count - 1)
        });
        links.push(Link { class, name, config, path });
    }
    match class {
        "Sequential" => Ok(links),
        _ => functional(config, layers, links),
    }
}

/// A text of an object.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

/// The layers of a functional model in the order in which they are called: back from the output.
fn functional<'a>(config: &Value, layers: &[Value], links: Vec<Link<'a>>) -> Result<Vec<Link<'a>>, Wrong> {
    let output = single(config.pointer("/config/output_layers"))
        .ok_or_else(|| ("the model".to_owned(), "it has several outputs; expected one".to_owned()))?;
    let at: BTreeMap<&str, usize> = links.iter().enumerate().map(|(at, link)| (link.name, at)).collect();
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    let mut name = output;
    while let Some(&place) = at.get(name) {
        if !seen.insert(place) {
            return Err((name.into(), "it is called more than once; expected layers one behind the other".into()));
        }
        order.push(place);
        if links[place].class == "InputLayer" {
            break;
        }
        if links[place].class == "GetItem" {
            let why = "it takes a part of what the layer before it gives, as h[:, -1]; expected a recurrent layer with \
                       return_sequences=False, which gives its last output alone";
            return Err((name.into(), why.into()));
        }
        name = called_on(name, &layers[place])?;
    }
    if order.last().is_none_or(|&last| links[last].class != "InputLayer") {
        return Err((name.into(), "nothing leads to it from an input".into()));
    }
    let places: BTreeMap<usize, usize> = order.iter().rev().enumerate().map(|(place, &at)| (at, place)).collect();
    let mut chain: Vec<(usize, Link<'_>)> = Vec::new();
    for (at, link) in links.into_iter().enumerate() {
        match places.get(&at) {
            Some(&place) => chain.push((place, link)),
            None if OF_MASKS.contains(&link.class) => {}
            None => {
                let why = format!("{} stands beside the chain of layers from the input to the output", link.class);
                return Err((link.name.into(), why));
            }
        }
    }
    chain.sort_by_key(|(place, _)| *place);
    Ok(chain.into_iter().map(|(_, link)| link).collect())
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

/// The layer whose output a layer is called on.
fn called_on<'a>(name: &str, layer: &'a Value) -> Result<&'a str, Wrong> {
    let wrong = |why: &str| (name.to_owned(), why.to_owned());
    let nodes = layer.get("inbound_nodes").and_then(Value::as_array);
    let Some([node]) = nodes.map(Vec::as_slice) else {
        return Err(wrong("it is not called exactly once; expected layers one behind the other"));
    };
    let arguments = node.get("args").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = node.get("kwargs").and_then(Value::as_object);
    let others =
        arguments.iter().skip(1).chain(named.into_iter().flatten().filter(|(key, _)| *key != "mask").map(|(_, v)| v));
    if others.into_iter().any(|argument| history(argument).is_some() || argument.is_array()) {
        return Err(wrong(
            "it is called on more than the output of one layer, as on an initial state; states start at zero here",
        ));
    }
    match arguments.first().and_then(history) {
        Some((before, 0)) => Ok(before),
        Some(_) => {
            Err(wrong("it reads a state of the layer before it; expected its output, which is the last state too"))
        }
        None => Err(wrong("it is not called on the output of one layer; expected layers one behind the other")),
    }
}

/// The layer and the number of its output that an argument is, if it is a tensor.
fn history(argument: &Value) -> Option<(&str, u64)> {
    let history = argument.pointer("/config/keras_history")?.as_array()?;
    Some((history.first()?.as_str()?, history.get(2)?.as_u64()?))
}
