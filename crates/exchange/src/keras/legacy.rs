//! The `.h5` of Keras 2, and of Keras 3 where it is asked for that format: a whole model in one HDF5 file.
//!
//! ```text
//! model_config                              an attribute: the layers, as JSON
//! keras_version                             an attribute: 2.15.0
//! model_weights/encoder                     a group for each layer, by the layer's own name
//!     weight_names                          an attribute: the arrays below it, in order
//!     encoder/lstm_cell/kernel:0            an array
//! ```

use elman_formats::hdf5::{File, Text};
use serde_json::Value;

use super::chain::{Store, text};
use super::equations::Version;
use super::import::{Saved, import_saved};
use super::names::Weights;
use super::{PARTNER, import_weights};
use crate::Error;
use crate::transfer::listed;
use crate::{Hints, Imported};

/// The group of a whole model's weights.
const WEIGHTS: &str = "model_weights";

/// Makes a model of an HDF5 file of Keras: a whole model, as `model.save("model.h5")` writes it, or weights alone, as
/// [`import_weights`] reads them.
///
/// # Errors
/// As [`import`](super::import()) and [`import_weights`]; and if the file holds the weights of Keras 2 without their
/// configuration.
pub fn import_hdf5(file: &File, hints: &Hints) -> Result<Imported, Error> {
    let refused =
        |why: String| Err(Error::Exchange { verb: "taken from", partner: PARTNER, what: "the file".into(), why });
    let attribute = |name: &str| match file.attributes.get("").and_then(|of| of.get(name)) {
        Some(Text::One(text)) => Some(text.as_str()),
        _ => None,
    };
    let Some(config) = attribute("model_config") else {
        let layers = names(file, "", "layer_names");
        if file.arrays.keys().any(|name| name.starts_with(WEIGHTS)) {
            return refused(
                "it holds the weights of a whole model without its configuration, the attribute model_config; load it with \
                 Keras and save it as .keras"
                    .into(),
            );
        }
        if !layers.is_empty() {
            let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
            return refused(format!(
                "it holds weights alone, as save_weights of Keras 2 writes them, of the layers {}: neither their kinds nor \
                 their options; save the whole model: model.save(\"model.h5\"), or \"model.keras\"",
                listed(&layers)
            ));
        }
        let mut imported = import_weights(&file.arrays, hints)?;
        imported.report.widened(&file.halves);
        return Ok(imported);
    };
    let mut config: Value = match serde_json::from_str(config) {
        Ok(config) => config,
        Err(error) => return refused(format!("its model_config is no JSON ({error}); save the model again")),
    };
    let version = attribute("keras_version").unwrap_or("2");
    if version.starts_with("1.") {
        return refused(format!(
            "it is of Keras {version}, whose options have other names; load it with Keras 2 and save it again"
        ));
    }
    // Keras before 2.4 calls a functional model so.
    rename(&mut config, 0);
    let groups = |name: &str| {
        let group = format!("{WEIGHTS}/{name}");
        Weights::Named { names: names(file, &group, "weight_names"), group }
    };
    let training: Option<Value> = attribute("training_config").and_then(|of| serde_json::from_str(of).ok());
    let saved = Saved {
        config: &config,
        arrays: &file.arrays,
        store: Store::Groups(&groups),
        version: if version.starts_with('3') { Version::Three } else { Version::Two },
        loss: training.as_ref().and_then(|of| of.get("loss")),
        own: None,
    };
    let mut imported = import_saved(&saved, hints)?;
    imported.report.widened(&file.halves);
    Ok(imported)
}

/// Texts of an attribute, which Keras cuts into several where they are long: `weight_names0`, `weight_names1`.
fn names(file: &File, group: &str, attribute: &str) -> Vec<String> {
    let Some(attributes) = file.attributes.get(group) else { return Vec::new() };
    let whole = attributes.get(attribute);
    let parts = (0..).map_while(|part| attributes.get(&format!("{attribute}{part}")));
    let mut all = Vec::new();
    for texts in whole.into_iter().chain(parts) {
        match texts {
            Text::One(text) => all.push(text.clone()),
            Text::Many(texts) => all.extend(texts.iter().cloned()),
        }
    }
    all
}

fn rename(model: &mut Value, depth: usize) {
    let functional = text(model, "class_name") == Some("Model") && model.pointer("/config/output_layers").is_some();
    if functional {
        model["class_name"] = "Functional".into();
    }
    if let Some(layers) = model.pointer_mut("/config/layers").and_then(Value::as_array_mut)
        && depth < 16
    {
        layers.iter_mut().for_each(|layer| rename(layer, depth + 1));
    }
}
