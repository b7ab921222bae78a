//! From a checkpoint of objects, as `tf.train.Checkpoint` and `save_weights` of Keras 2 write it: layers of Keras, by the
//! paths that lead to them.
//!
//! | TensorFlow | here |
//! |--|--|
//! | `layer_with_weights-0/cell/kernel`, `recurrent_kernel`, `bias` | those of a `SimpleRNN`, `LSTM` or `GRU`, by their sizes |
//! | `layer_with_weights-0/forward_layer/cell/…`, `backward_layer/cell/…` | the directions of a `Bidirectional` |
//! | `layer_with_weights-1/embeddings` | the vectors of tokens |
//! | `layer_with_weights-2/kernel`, `bias` | the head |
//!
//! Each name ends with `/.ATTRIBUTES/VARIABLE_VALUE`. The layers are then read as [Keras's weights](crate::keras).

use std::collections::BTreeMap;

use elman_formats::{Array, numpy, tensorflow};

use crate::Error;
use crate::assembly;
use crate::order::pieces;
use crate::transfer::listed;
use crate::{Hints, Imported, keras};

/// As errors name it.
const PARTNER: &str = "a TensorFlow checkpoint";

const ENDING: &str = "/.ATTRIBUTES/VARIABLE_VALUE";

/// Whether a checkpoint's names are those of objects, and not of a graph's variables.
pub fn has_objects(checkpoint: &tensorflow::Checkpoint) -> bool {
    checkpoint.variables.keys().any(|name| name.ends_with(ENDING))
}

/// Makes a model of the layers in a checkpoint of objects. The optimizer's variables and counters are left out.
///
/// # Errors
/// As [`keras::import_weights`], and if a variable is of another type than `f32`, or belongs to no layer that is known here.
pub fn import_objects(checkpoint: &tensorflow::Checkpoint, hints: &Hints) -> Result<Imported, Error> {
    let refused = |what: String, why: String| Error::Exchange { verb: "taken from", partner: PARTNER, what, why };
    let mut notes = Vec::new();
    let mut training = Vec::new();
    // By layer, its variables: of which part, and which.
    let mut layers: BTreeMap<Vec<_>, Vec<Variable<'_>>> = BTreeMap::new();
    for (name, array) in &checkpoint.variables {
        let path = name.strip_suffix(ENDING).unwrap_or(name);
        if is_of_training(path) {
            training.push(path);
            continue;
        }
        let numpy::Values::F32(data) = &array.values else {
            let why = format!("its type is {}; expected f32", array.values.type_name());
            return Err(refused(path.into(), why));
        };
        let Some(variable) = Variable::of(path) else {
            let why = "it is no kernel, recurrent_kernel, bias or embeddings of a layer; expected the layers SimpleRNN, LSTM, \
                       GRU, Bidirectional, Embedding and Dense alone; of a SavedModel, load it and save its weights: \
                       model.save_weights(\"weights\")";
            return Err(refused(path.into(), why.into()));
        };
        let array = Array { shape: array.shape.clone(), data: data.clone() };
        layers.entry(pieces(variable.layer)).or_default().push(Variable { array, ..variable });
    }
    if !training.is_empty() {
        notes.push(format!("variables of training are left out: {}", listed(&training)));
    }
    // By the names that Keras 3 has for them, the arrays, and their names here.
    let (mut arrays, mut names) = (BTreeMap::new(), BTreeMap::new());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for variables in layers.into_values() {
        let class = class(&variables);
        let count = counts.entry(class).or_default();
        let layer = if *count == 0 { class.to_owned() } else { format!("{class}_{count}") };
        *count += 1;
        for Variable { path, part, number, array, .. } in variables {
            let part = if part.is_empty() { String::new() } else { format!("{part}/") };
            let name = format!("layers/{layer}/{part}vars/{number}");
            names.insert(name.clone(), path.to_owned());
            arrays.insert(name, array);
        }
    }
    let named = |name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let mut imported = keras::import_weights(&arrays, hints).map_err(|error| match error {
        Error::Exchange { verb, what, why, .. } => Error::Exchange { verb, partner: PARTNER, what: named(&what), why },
        other => other,
    })?;
    for place in imported.report.moves.iter_mut().flat_map(|moved| &mut moved.from) {
        place.name = named(&place.name);
    }
    notes.append(&mut imported.report.notes);
    imported.report.notes = notes;
    imported.report.assumed = assembly::assumed(&imported.model, hints);
    let halves = checkpoint.halves.iter();
    let halves = halves.map(|(name, half)| (name.strip_suffix(ENDING).unwrap_or(name).to_owned(), *half)).collect();
    imported.report.widened(&halves);
    Ok(imported)
}

/// A variable of a layer.
struct Variable<'a> {
    path: &'a str,
    /// The path to its layer.
    layer: &'a str,
    /// What of the layer it belongs to, as Keras 3 names it: `cell`, `forward_layer/cell`, `layer`, or nothing.
    part: &'static str,
    /// Its place among the part's variables.
    number: usize,
    array: Array,
}

impl<'a> Variable<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let (rest, last) = path.rsplit_once('/')?;
        let number = match last {
            "kernel" | "embeddings" => 0,
            "recurrent_kernel" => 1,
            "bias" if rest.ends_with("/cell") => 2,
            "bias" => 1,
            _ => return None,
        };
        let parts = ["forward_layer/cell", "backward_layer/cell", "cell", "layer"];
        let of = parts.iter().find_map(|part| Some((rest.strip_suffix(part)?.strip_suffix('/')?, *part)));
        let (layer, part) = of.unwrap_or((rest, ""));
        Some(Variable { path, layer, part, number, array: Array { shape: Vec::new(), data: Vec::new() } })
    }
}

/// A layer's class, as paths of Keras 3 have it.
fn class(variables: &[Variable<'_>]) -> &'static str {
    let is = |test: &dyn Fn(&Variable<'_>) -> bool| variables.iter().any(test);
    if is(&|of| of.path.ends_with("/embeddings")) {
        return "embedding";
    }
    if is(&|of| of.part.contains("_layer")) {
        return "bidirectional";
    }
    if is(&|of| of.part == "layer") {
        return "time_distributed";
    }
    match variables.iter().find(|of| of.number == 1 && of.part == "cell").map(|of| &of.array.shape[..]) {
        None => "dense",
        Some([hidden, width]) if *width == 4 * hidden => "lstm",
        Some([hidden, width]) if *width == 3 * hidden => "gru",
        Some(_) => "simple_rnn",
    }
}

/// Whether a path leads to an optimizer's variable or a counter.
fn is_of_training(path: &str) -> bool {
    path.split('/').any(|part| {
        ["optimizer", "_optimizer", ".OPTIMIZER_SLOT", "keras_api", "save_counter", "step", "epoch", "global_step"]
            .contains(&part)
    })
}
