//! From a `.keras` archive.

use std::collections::BTreeMap;

use elman::{Config, Head, Hidden, Layer, Link as ValueLink, Predicts, Reads, STEPS_MAX, Stack, Values, array_prefix};
use elman_formats::Array;
use elman_formats::keras::Archive;
use elman_kernels::{Nonlinearity, StepDense, StepPool};
use serde_json::Value;

use super::cells::{leave_out_training, take_embedding, take_layer};
use super::chain::{Link, Store, Wrong, chain, text};
use super::equations::Version;
use super::folds::{take_dense_to, take_norm, take_scale};
use super::known::precision;
use super::options::part;
use super::parts::{Act, Dense};
use super::proof::Proof;
use super::roles::{Roles, Step, is_hidden};
use super::{METADATA_KEY, PARTNER, scaling};
use crate::Error;
use crate::arrays::zeros;
use crate::assembly::{self, Named};
use crate::hints::Said;
use crate::transfer::Transfer;
use crate::{Hints, Imported, Units, assemble};

/// A model's file, whatever its format.
pub(super) struct Saved<'a> {
    /// The layers.
    pub(super) config: &'a Value,
    pub(super) arrays: &'a BTreeMap<String, Array>,
    pub(super) store: Store<'a>,
    pub(super) version: Version,
    /// With what it was trained.
    pub(super) loss: Option<&'a Value>,
    /// The configuration that elman wrote into it.
    pub(super) own: Option<&'a Value>,
}

/// Makes a model of an archive: an embedding or none, recurrent layers, and a dense layer behind them. An archive that
/// [`export`](super::export()) made gives back the model it was made of. The model is then compared with the equations of
/// Keras's layers, by value, on random batches.
///
/// # Errors
/// If a layer or an option is not computed here, or arrays are missing, unknown or of shapes that do not fit: which, with
/// what was expected and found. If the model computes something else than the layers of the file.
pub fn import(archive: &Archive, hints: &Hints) -> Result<Imported, Error> {
    let version = archive.metadata.get("keras_version").and_then(Value::as_str);
    let saved = Saved {
        config: &archive.config,
        arrays: &archive.arrays,
        store: Store::Paths,
        version: if version.is_some_and(|version| version.starts_with("2.")) { Version::Two } else { Version::Three },
        loss: archive.config.pointer("/compile_config/loss"),
        own: archive.metadata.get(METADATA_KEY),
    };
    import_saved(&saved, hints)
}

/// The same of any file with a configuration and weights.
///
/// # Errors
/// As [`import`].
pub(super) fn import_saved(saved: &Saved<'_>, hints: &Hints) -> Result<Imported, Error> {
    let mut transfer = Transfer::taken_from(PARTNER, saved.arrays);
    let own = match saved.own {
        Some(config) => Some(Config::parse(&config.to_string()).map_err(|why| transfer.refused("the archive", why))?),
        None => None,
    };
    let refused = |transfer: &Transfer<'_>, (what, why): Wrong| transfer.refused(what, why);
    let links = chain(saved.config, &saved.store).map_err(|wrong| refused(&transfer, wrong))?;
    let mut roles = Roles::default();
    roles.own = own.as_ref().map(|own| own.layers.len());
    let mut notes = Vec::new();
    let units = match hints.like.as_ref().or(own.as_ref()) {
        Some(config) => Units::of_config(config)?,
        None => None,
    };
    // What stands before and behind the network is no part of it.
    let mut network = Vec::with_capacity(links.len());
    for link in links {
        match scaling::is_that_of(&link, units.as_ref()).map_err(|wrong| refused(&transfer, wrong))? {
            true => notes.push(format!("{} is the scaling that the model's job has", link.name)),
            false => network.push(link),
        }
    }
    let links = network;
    check_masks(&links).map_err(|wrong| refused(&transfer, wrong))?;
    for link in &links {
        let part = part(link, saved.version, &mut notes).map_err(|wrong| refused(&transfer, wrong))?;
        roles.add(link.name, part, &mut notes).map_err(|wrong| refused(&transfer, wrong))?;
    }
    let reads = roles.close(&mut notes).map_err(|wrong| refused(&transfer, wrong))?;
    notes.into_iter().for_each(|note| transfer.note(note));
    leave_out_training(&mut transfer);
    assembly::check_depth(&transfer, roles.stack.len())?;
    let embedding = match &roles.embedding {
        Some(weights) => Some(take_embedding(&mut transfer, weights)?),
        None => None,
    };
    let input = embedding.map_or_else(|| width(saved.config, &links), |embedding| Some(embedding.size));
    let layers = take_stack(&mut transfer, &roles, input, hints, hints.like.as_ref().or(own.as_ref()))?;
    let layers = assembly::chained(&transfer, layers, false)?;
    let stack = Stack::of(embedding, layers);
    let (head, softmax) = take_head(&mut transfer, &roles, reads, &stack, saved.loss)?;
    let said_layers = stack.layers.clone();
    let said = Said {
        own: own.as_ref(),
        embedding,
        layers: &said_layers,
        activations: true,
        outputs: head.outputs(),
        reads: Some(reads),
        adds_forget_bias: false,
    };
    let like = hints.settled(&said)?;
    let unfit = |error: Error| match error {
        error @ Error::Exchange { .. } => error,
        error => Error::Exchange {
            verb: "taken from",
            partner: PARTNER,
            what: "the model".into(),
            why: match like {
                None => error.to_string(),
                Some(_) => format!("its arrays do not fit the configuration that it was given: {error}"),
            },
        },
    };
    let (arrays, mut report) = transfer.finish("those of the model's layers")?;
    let mut model = assemble(stack, head, &arrays, like).map_err(unfit)?;
    let proof = Proof { links: &links, arrays: saved.arrays, version: saved.version, layers: roles.stages };
    let differs = |(what, why): Wrong| Error::Exchange { verb: "taken from", partner: PARTNER, what, why };
    let evidence = proof.run(&model, softmax).map_err(differs)?;
    report.compared = Some(evidence);
    report.precision = precision(&links);
    if like.is_none() {
        model.steps = roles.steps.filter(|steps| (1..=STEPS_MAX).contains(steps));
    }
    Ok(Imported { model, report })
}

/// Refuses windows of steps that are masked: Keras reads the masked steps there, and drops the mask.
///
/// # Errors
/// If such a layer stands behind one that masks.
fn check_masks(links: &[Link<'_>]) -> Result<(), Wrong> {
    let masks = |link: &&Link<'_>| link.class == "Masking" || link.config.get("mask_zero") == Some(&Value::Bool(true));
    let Some(masking) = links.iter().find(masks) else { return Ok(()) };
    let windows = |link: &&Link<'_>| ["Conv1D", "MaxPooling1D", "AveragePooling1D"].contains(&link.class);
    match links.iter().find(windows) {
        None => Ok(()),
        Some(link) => Err((
            link.name.into(),
            format!(
                "it reads the steps that {} masks, and Keras drops the mask there, so what stands in them changes its answer; \
                 expected no mask before it: build the model without, and load the weights into it",
                masking.name
            ),
        )),
    }
}

/// I, by the shape of the input, of the configuration or of what it was built with; none where the file does not say.
fn width(config: &Value, links: &[Link<'_>]) -> Option<usize> {
    let shapes =
        links.first().into_iter().flat_map(|link| ["batch_shape", "batch_input_shape"].map(|key| link.config.get(key)));
    let built = config.pointer("/config/build_input_shape");
    let last = |shape: &Value| shape.as_array()?.last()?.as_u64().and_then(|width| usize::try_from(width).ok());
    shapes.chain([built]).flatten().find_map(last)
}

/// The layers at every step.
fn take_stack(
    transfer: &mut Transfer<'_>,
    roles: &Roles,
    input: Option<usize>,
    hints: &Hints,
    like: Option<&Config>,
) -> Result<Vec<Named>, Error> {
    let mut chain: Vec<Named> = Vec::new();
    for (index, step) in roles.stack.iter().enumerate() {
        let ours = array_prefix(index, 1, 0);
        let before = chain.last().map(|named| named.layer.output()).or(input);
        let reads = |transfer: &Transfer<'_>, name: &str| {
            let why =
                "the file does not say how many floats a step of its input has; build the model, and save it again";
            before.ok_or_else(|| transfer.refused(name, why))
        };
        let named = match step {
            Step::Recurrent(layer) => take_layer(transfer, layer, index, hints, like)?,
            Step::Dense(dense) => {
                let steps = dense.window.map_or(1, |window| window.size);
                let widths: Vec<usize> = before.into_iter().map(|width| width.saturating_mul(steps)).collect();
                let widths = match &widths[..] {
                    [] => vec![first_width(transfer, dense, steps)?],
                    _ => widths,
                };
                let (input, output) = take_dense_to(transfer, dense, &ours, &widths, false)?;
                let activation = if let Act::Of(function) = dense.act { function } else { Nonlinearity::Identity };
                let cell = StepDense::new(input, output).activation(activation);
                let layer = Layer { window: dense.window, ..Layer::new(cell) };
                Named { name: dense.name.clone(), layer }
            }
            Step::Pool(pool) => {
                let size = reads(transfer, &pool.name)?;
                let cell = StepPool { size, steps: pool.window.size, pooling: pool.pooling };
                Named { name: pool.name.clone(), layer: Layer::new(cell).window(pool.window) }
            }
            Step::Scale(scale) => {
                let width = reads(transfer, &scale.name)?;
                let cell = take_scale(transfer, scale, &ours, width)?;
                Named { name: scale.name.clone(), layer: Layer::new(cell) }
            }
            Step::Norm(norm) => {
                let width = reads(transfer, &norm.name)?;
                let cell = take_norm(transfer, norm, &ours, width)?;
                Named { name: norm.name.clone(), layer: Layer::new(cell) }
            }
        };
        chain.push(named);
    }
    Ok(chain)
}

/// Floats of the input of a dense layer that is the first, of windows of `steps` steps, where nothing but its kernel says it.
fn first_width(transfer: &Transfer<'_>, dense: &Dense, steps: usize) -> Result<usize, Error> {
    let name = dense.weights.array(0, "kernel");
    match (dense.window, transfer.get(&name).map(|array| &array.shape[..])) {
        (Some(_), Some(&[_, input, _])) => Ok(input.saturating_mul(steps)),
        _ => Ok(transfer.matrix(&name)?.shape[0]),
    }
}

/// The dense layers of the head, what its outputs are, and whether they are probabilities in Keras.
fn take_head(
    transfer: &mut Transfer<'_>,
    roles: &Roles,
    reads: Reads,
    stack: &Stack,
    loss: Option<&Value>,
) -> Result<(Head, bool), Error> {
    let mut hidden = Vec::new();
    let mut summed = roles.sums(reads);
    let mut width = match (reads, stack.layers.last()) {
        (Reads::LastState, Some(last)) if summed => last.output(),
        (Reads::LastState, _) => stack.summary(),
        _ => stack.output(),
    };
    let count = roles.behind.len();
    let mut last = Act::LINEAR;
    for (index, dense) in roles.behind.iter().enumerate() {
        let is_hidden = index + 1 < count || is_hidden(dense.act).is_some();
        let ours = if is_hidden { format!("head.{index}.") } else { "head.".to_owned() };
        (_, width) = take_dense_to(transfer, dense, &ours, &[width], std::mem::take(&mut summed))?;
        match dense.act {
            Act::Of(activation) if is_hidden => hidden.push(Hidden { size: width, activation }),
            act => last = act,
        }
    }
    let name = roles.behind.last().map_or("the head", |dense| dense.name.as_str());
    if hidden.len() == count {
        // y = φ(x W + b) is a hidden layer under outputs that hand it on.
        let mut kernel = zeros(&[width, width]);
        kernel.data.iter_mut().step_by(width + 1).for_each(|x| *x = 1.0);
        let to = [("head.kernel".to_owned(), kernel), ("head.bias".to_owned(), zeros(&[width]))];
        transfer.moved(&[], to, &[]);
        transfer.note(format!("{name} ends in an activation: here outputs follow that hand its numbers on"));
    }
    let values = |link| Predicts::Values(Values::new(width, link));
    let predicts = match last {
        Act::Softmax if width < 2 => {
            let why = "it is a softmax over one number, which is always 1; expected two classes at least, or a sigmoid";
            return Err(transfer.refused(name, why));
        }
        Act::Softmax => Predicts::Classes(width),
        Act::Of(Nonlinearity::Sigmoid) => values(ValueLink::Sigmoid),
        Act::Of(_) if width > 1 && of_classes(loss) && hidden.len() < count => Predicts::Classes(width),
        Act::Of(_) => {
            if width > 1 {
                transfer.note(format!(
                    "{name} has {width} outputs without an activation, taken for values; if they are logits of classes, end the \
                     model in a softmax, or compile it with a loss of classes, and save it again"
                ));
            }
            values(ValueLink::Identity)
        }
    };
    Ok((Head { reads, hidden, predicts }, last == Act::Softmax))
}

/// Whether a model was trained with the cross-entropy of classes.
fn of_classes(loss: Option<&Value>) -> bool {
    let name = match loss {
        Some(Value::String(name)) => name,
        Some(object) => text(object, "class_name").unwrap_or(""),
        None => return false,
    };
    [
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "CategoricalCrossentropy",
        "SparseCategoricalCrossentropy",
    ]
    .contains(&name)
}
