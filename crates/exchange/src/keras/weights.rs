//! From weights without their configuration: kinds and sizes by paths and shapes.

use std::collections::{BTreeMap, BTreeSet};

use elman::{AnyCell, Layer, Reads};
use elman_formats::Array;
use elman_kernels::GateActivation;

use super::PARTNER;
use super::cells::{WEIGHTS, leave_out_training, take_embedding, take_layer};
use super::folds::take_dense_to;
use super::names::Weights;
use super::parts::{Act, Dense, Kind, Recurrent};
use crate::Error;
use crate::assembly::{self, Beside, Found};
use crate::order::pieces;
use crate::transfer::{Transfer, listed};
use crate::{Hints, Imported};

/// What is read, for who has arrays that are not.
const EXPECTED: &str = "those of layers/simple_rnn, layers/lstm, layers/gru, layers/bidirectional, layers/embedding, \
                        layers/dense and layers/time_distributed, as Keras 3 saves them";

/// The group of a file that `model.save` of Keras 2 wrote.
const WHOLE_MODEL: &str = "model_weights/";

/// Makes a model of the weights of a `Sequential` or functional model, as `save_weights` writes them. They say less than an
/// archive: neither activations nor what the head reads.
///
/// # Errors
/// If arrays are missing, unknown or of shapes that do not fit each other, or the order of layers is not known: which, with
/// what was expected and found.
pub fn import_weights(arrays: &BTreeMap<String, Array>, hints: &Hints) -> Result<Imported, Error> {
    let mut transfer = Transfer::taken_from(PARTNER, arrays);
    if arrays.keys().any(|name| name.starts_with(WHOLE_MODEL)) {
        let why = "it is a whole model in the format of Keras 2; load it with Keras and save it as .keras";
        return Err(transfer.refused("the file", why));
    }
    leave_out_training(&mut transfer);
    let mut layers: BTreeMap<&str, Recurrent> = BTreeMap::new();
    let (mut embeddings, mut heads) = (BTreeSet::new(), BTreeSet::new());
    for name in transfer.left() {
        let Some((layer, part)) = split(name) else { continue };
        match (unnumbered(layer), part) {
            ("embedding", "") => drop(embeddings.insert(layer)),
            ("dense", "") | ("time_distributed", "layer") => drop(heads.insert(layer)),
            ("simple_rnn" | "lstm" | "gru", "cell")
            | ("bidirectional", "forward_layer/cell" | "backward_layer/cell") => {
                layers.entry(layer).or_insert_with(|| recurrent(layer));
            }
            _ => {}
        }
    }
    let mut layers: Vec<Recurrent> = layers.into_values().collect();
    layers.sort_by(|a, b| pieces(&a.name).cmp(&pieces(&b.name)));
    let (Some(head), 1) = (heads.first(), heads.len()) else {
        let found: Vec<&str> = transfer.left().collect();
        let why = format!("it has {} dense layers; expected one, the head; found {}", heads.len(), listed(&found));
        return Err(transfer.refused("the file", why));
    };
    if layers.is_empty() || embeddings.len() > 1 {
        let why = format!(
            "it has {} recurrent layers and {} embeddings; expected at least one of the first and at most one of the second",
            layers.len(),
            embeddings.len()
        );
        return Err(transfer.refused("the file", why));
    }
    assembly::check_depth(&transfer, layers.len())?;
    let at_every_step = unnumbered(head.trim_start_matches("layers/")) == "time_distributed";
    let path = format!("layers/{head}{}", if at_every_step { "/layer" } else { "" });
    let weights = Weights::Numbered(path);
    let head = Dense {
        name: format!("layers/{head}"),
        weights,
        units: None,
        use_bias: None,
        window: None,
        at_every_step,
        act: Act::LINEAR,
        before: Vec::new(),
        after: Vec::new(),
    };
    let reads = at_every_step.then_some(Reads::EveryStep);

    let embedding = match embeddings.first() {
        Some(layer) => Some(take_embedding(&mut transfer, &Weights::Numbered(format!("layers/{layer}")))?),
        None => None,
    };
    let layers = ordered(&transfer, layers, &head)?;
    let mut names: Vec<String> = embeddings.first().map(|layer| format!("layers/{layer}")).into_iter().collect();
    names.extend(layers.iter().map(|layer| layer.name.clone()).chain([head.name.clone()]));
    let mut chain = Vec::new();
    for layer in &layers {
        chain.push(take_layer(&mut transfer, layer, chain.len(), hints, hints.like.as_ref())?);
    }
    let layers = assembly::chained(&transfer, chain, true)?;
    let head = take_dense_to(&mut transfer, &head, "head.", &assembly::widths(layers.last(), true), false)?;
    let found = Found { embedding, layers, head };
    transfer.note(format!("the arrays are exact; what is done with them is assumed: {}", names.join(" → ")));
    note_defaults(&mut transfer, &found.layers, hints);
    let beside = Beside { what: WEIGHTS, own: None, activations: false, reads, adds_forget_bias: false };
    assembly::model(transfer, found, hints, &beside, EXPECTED)
}

/// Notes what layers have in Keras that is not in their weights; φ of a `SimpleRNN` is noted where it is taken.
fn note_defaults(transfer: &mut Transfer<'_>, layers: &[Layer], hints: &Hints) {
    if hints.like.is_some() {
        return;
    }
    let mut taken = vec!["forwards"];
    let mut unsaid = vec!["go_backwards"];
    if layers.iter().any(|layer| !matches!(layer.cell, AnyCell::Rnn(_))) {
        unsaid.insert(0, "the activations of LSTM and GRU");
        taken.insert(0, "tanh and sigmoid");
    }
    if layers.iter().any(|layer| layer.bidirectional.is_some()) {
        unsaid.push("merge_mode");
        taken.push("concat, or sum where the sizes say so");
    }
    transfer.note(format!(
        "{WEIGHTS} does not say {}: Keras's defaults were taken: {}; give the .keras archive otherwise",
        unsaid.join(", "),
        taken.join(", ")
    ));
}

/// The layer and the part of it that an array belongs to: `layers/gru_1/cell/vars/0` is `gru_1` and `cell`.
fn split(name: &str) -> Option<(&str, &str)> {
    let (layer, rest) = name.strip_prefix("layers/")?.split_once('/')?;
    let (part, number) = rest.rsplit_once("vars/")?;
    number.parse::<usize>().ok()?;
    Some((layer, part.trim_end_matches('/')))
}

/// `gru_1` is a `gru`.
fn unnumbered(layer: &str) -> &str {
    match layer.rsplit_once('_') {
        Some((class, number)) if number.parse::<usize>().is_ok() => class,
        _ => layer,
    }
}

fn recurrent(layer: &str) -> Recurrent {
    let kind = match unnumbered(layer) {
        "simple_rnn" => Some(Kind::Rnn),
        "lstm" => Some(Kind::Lstm),
        "gru" => Some(Kind::Gru),
        _ => None,
    };
    let cells: Vec<String> = match kind {
        Some(_) => vec![format!("layers/{layer}/cell")],
        None => ["forward_layer", "backward_layer"].map(|of| format!("layers/{layer}/{of}/cell")).into(),
    };
    let cells = cells.into_iter().map(Weights::Numbered).collect();
    Recurrent {
        name: format!("layers/{layer}"),
        cells,
        kind,
        units: None,
        activation: None,
        recurrent_activation: GateActivation::default(),
        use_bias: None,
        reset: None,
        merge: None,
        return_sequences: None,
        dropout: 0.0,
    }
}

/// The layers in the order of their numbers, which count each class by itself: where there are several classes, the sizes
/// tell, from the head back, or else the order is not known.
fn ordered(transfer: &Transfer<'_>, layers: Vec<Recurrent>, head: &Dense) -> Result<Vec<Recurrent>, Error> {
    let mut classes: BTreeMap<String, Vec<Recurrent>> = BTreeMap::new();
    let count = layers.len();
    for layer in layers {
        classes.entry(unnumbered(layer.name.trim_start_matches("layers/")).to_owned()).or_default().push(layer);
    }
    let mut order = Vec::new();
    let mut reads = transfer.matrix(&head.weights.array(0, "kernel"))?.shape[0];
    while order.len() < count {
        let mut fits = Vec::new();
        for (class, of) in &classes {
            let Some(last) = of.last() else { continue };
            let hidden = transfer.matrix(&last.cells[0].array(1, "recurrent_kernel"))?.shape[0];
            if reads == hidden || (last.cells.len() == 2 && reads == 2 * hidden) {
                fits.push(class.clone());
            }
        }
        let next = match (&fits[..], classes.len()) {
            ([class], _) => classes.get_mut(class).and_then(Vec::pop),
            // A single class is in the order of its numbers; sizes that do not fit are named later.
            (_, 1) => classes.values_mut().next().and_then(Vec::pop),
            ([], _) => None,
            _ => {
                let why = "weights alone do not say the order of layers of several classes, and their sizes do not either; \
                           give the .keras archive";
                return Err(transfer.refused(format!("layers/{}", fits.join(", layers/")), why));
            }
        };
        let Some(next) = next else {
            let why = format!("no recurrent layer gives {reads} floats, as the one behind it reads");
            return Err(transfer.refused("the file", why));
        };
        reads = transfer.matrix(&next.cells[0].array(0, "kernel"))?.shape[0];
        order.push(next);
        classes.retain(|_, of| !of.is_empty());
    }
    order.reverse();
    Ok(order)
}
