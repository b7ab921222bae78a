//! A model's layers as a chain, from the configuration of a `Sequential` or a functional model, models inside it included.

use std::collections::BTreeMap;

use elman::Stack;
use serde_json::Value;

use super::names::Weights;
use super::{graph, in_paths, path};

/// A layer of the chain.
pub(super) struct Link<'a> {
    /// Its class: `LSTM`.
    pub(super) class: &'a str,
    /// Its name in the model: `lstm_1`.
    pub(super) name: &'a str,
    /// Its options.
    pub(super) config: &'a Value,
    /// Where its weights are.
    pub(super) weights: Weights,
}

/// A layer where a model lists it.
pub(super) struct Node<'a> {
    /// With the places where it is called.
    pub(super) layer: &'a Value,
    pub(super) class: &'a str,
    pub(super) name: &'a str,
    pub(super) config: &'a Value,
    weights: Weights,
}

/// What is wrong with a configuration: the layer or part, and why.
pub(super) type Wrong = (String, String);

/// Where a model's weights are.
pub(super) enum Store<'a> {
    /// By paths: `.keras`.
    Paths,
    /// By groups with names, of each top layer: the `.h5` of Keras 2.
    Groups(&'a dyn Fn(&str) -> Weights),
}

/// Models in models, deeper than users nest them.
const DEPTH_MAX: usize = 8;

/// Layers of a file, those included that are none of the network's: four for each that a network can have.
const LAYERS_MAX: usize = 4 * Stack::LAYERS_MAX;

/// Packages whose classes are Keras's own.
const PACKAGES: [&str; 4] = ["keras", "tf_keras", "tensorflow", "keras_core"];

/// What a model inside another may say of itself beside its layers.
const OF_MODELS: [&str; 8] =
    ["name", "trainable", "dtype", "layers", "input_layers", "output_layers", "build_input_shape", "sparse"];

/// The layers, from the input on.
///
/// # Errors
/// If it is another kind of model, its layers are no chain, or they are too many.
pub(super) fn chain<'a>(config: &'a Value, store: &Store<'_>) -> Result<Vec<Link<'a>>, Wrong> {
    let of_layer = |path: &str, name: &str| match store {
        Store::Paths => Weights::Numbered(path.to_owned()),
        Store::Groups(of) => of(name),
    };
    let links = links(config, "the model", &of_layer, 0)?;
    match links.len() {
        count if count > LAYERS_MAX => {
            let why = format!(
                "it has {count} layers; expected at most {LAYERS_MAX}: leave out those that do nothing when a model answers, as \
                 Dropout, and join those that follow each other, as Rescaling"
            );
            Err(("the model".into(), why))
        }
        _ => Ok(links),
    }
}

/// A text of an object.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

/// Refuses a class or function that is registered as somebody's own, whatever its name.
///
/// # Errors
/// If it is: under which name.
pub(super) fn check_own(object: &Value) -> Result<(), String> {
    let class = text(object, "class_name").unwrap_or("nothing");
    let foreign = |by: &str| {
        Err(format!(
            "it is a {class} of the user's own ({by}), of which the file holds no equations; expected Keras's own layers: \
             use one of those, or export the model as ONNX"
        ))
    };
    let module = match object.get("module") {
        // Older files have none.
        None => None,
        Some(Value::String(module)) if PACKAGES.contains(&module.split('.').next().unwrap_or("")) => Some(module),
        Some(Value::String(module)) => return foreign(&format!("of the module {module}")),
        Some(_) => match text(object, "registered_name") {
            Some(name) => return foreign(&format!("registered as {name}")),
            None => return foreign("of no module of Keras"),
        },
    };
    match object.get("registered_name") {
        None | Some(Value::Null) => Ok(()),
        // Classes that Keras takes from a module of its own are registered under their names.
        Some(Value::String(name)) if name.starts_with("Keras>") || (module.is_some() && name == class) => Ok(()),
        Some(Value::String(name)) => foreign(&format!("registered as {name}")),
        Some(other) => foreign(&format!("registered as {other}")),
    }
}

/// The links of a model or of one inside another, which errors call `whole`. `of_layer` says where a layer's weights are, by
/// its path there and its name.
fn links<'a>(
    model: &'a Value,
    whole: &str,
    of_layer: &dyn Fn(&str, &str) -> Weights,
    depth: usize,
) -> Result<Vec<Link<'a>>, Wrong> {
    let wrong = |why: String| Err((whole.to_owned(), why));
    if depth > DEPTH_MAX {
        return wrong(format!("it lies in more than {DEPTH_MAX} models, one inside the other"));
    }
    let class = text(model, "class_name").unwrap_or("nothing");
    if !["Sequential", "Functional"].contains(&class) {
        return wrong(format!(
            "its class is {class}; expected Sequential, or Functional with its layers one behind the other; build it so \
             from the same layers, and save it again"
        ));
    }
    check_own(model).map_err(|why| (whole.to_owned(), why))?;
    let config = model.get("config");
    // Keras 2 before 2.2.3 has the list itself.
    let layers = config.and_then(|config| config.get("layers").unwrap_or(config).as_array());
    let (Some(config), Some(layers)) = (config, layers) else {
        return wrong(format!("it is a {class} without layers; expected a list of them in its configuration"));
    };
    for (key, value) in config.as_object().into_iter().flatten() {
        if !OF_MODELS.contains(&key.as_str()) && !value.is_null() {
            return wrong(format!("its option {key} ({}) is not known here", shown(value)));
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut nodes = Vec::new();
    for layer in layers {
        let (Some(class), Some(config)) = (text(layer, "class_name"), layer.get("config")) else {
            return Err(("a layer".into(), "it has no class_name or no config".into()));
        };
        let name = text(config, "name").or_else(|| text(layer, "name")).unwrap_or(class);
        let of = in_paths(class);
        let count = counts.entry(of.clone()).or_default();
        let weights = of_layer(&path(&of, *count), name);
        *count += 1;
        nodes.push(Node { layer, class, name, config, weights });
    }
    if class != "Sequential" {
        nodes = graph::in_order(config, nodes, whole)?;
    }
    let mut all = Vec::new();
    for Node { layer, class, name, config, weights } in nodes {
        check_own(layer).map_err(|why| (name.to_owned(), why))?;
        if ["Sequential", "Functional"].contains(&class) {
            let of_layer = |path: &str, name: &str| weights.of_layer(path, name);
            let inner = links(layer, name, &of_layer, depth + 1)?;
            all.extend(inner.into_iter().filter(|link| link.class != "InputLayer"));
        } else {
            all.push(Link { class, name, config, weights });
        }
    }
    Ok(all)
}

/// A value as messages show it: the beginning of a long one.
pub(super) fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
