//! What stands before the recurrent modules: `nn.Linear` at every step, and `nn.Conv1d` over the steps.
//!
//! I input, O output, K steps of a window.

use std::collections::BTreeSet;

use elman::{AnyCell, Config, Layer, Window, array_prefix};
use elman_formats::Array;
use elman_kernels::{StepDense, StepScale};

use super::head::{Norm, affine, index};
use super::modules::{Module, parse};
use crate::Error;
use crate::Hints;
use crate::arrays::{kernel_of_filters, transposed};
use crate::assembly::Named;
use crate::order::{is_numbered, pieces};
use crate::report::Change;
use crate::transfer::Transfer;

/// Weights with a bias or without: an `nn.Linear`, or an `nn.Conv1d`.
#[derive(Clone)]
struct Weights {
    /// What its names start with: `fc_in.`
    prefix: String,
    input: usize,
    outputs: usize,
    /// K of an `nn.Conv1d`.
    steps: Option<usize>,
}

impl Weights {
    fn name(&self) -> &str {
        self.prefix.trim_end_matches('.')
    }
}

/// Takes the layers that stand before the recurrent modules: by the file's order, or by names and sizes, where nothing else
/// fits. What was assumed of them.
///
/// # Errors
/// If nothing says what acts behind them, or their order.
pub(super) fn take_front(
    transfer: &mut Transfer<'_>,
    modules: &[Module<'_>],
    order: Option<&[&str]>,
    layers: &mut Vec<Named>,
    hints: &Hints,
    like: Option<&Config>,
) -> Result<Option<String>, Error> {
    let (Some(first), Some(last)) = (modules.first(), modules.last()) else { return Ok(None) };
    let (Some((reads, _)), Some((_, gives))) = (first.sizes(transfer), last.sizes(transfer)) else { return Ok(None) };
    let known = like.map(|config| config.layers.iter().take_while(|layer| !layer.cell.has_state()).collect::<Vec<_>>());
    if let Some(known) = known.filter(|known| known.iter().any(|layer| matches!(layer.cell, AnyCell::Dense(_)))) {
        return take_known(transfer, &known, layers).map(|()| None);
    }
    if let Some(known) = like.map(|config| config.layers.iter().take_while(|layer| !layer.cell.has_state())) {
        // Pooling alone, which has no arrays.
        for layer in known.filter(|layer| matches!(layer.cell, AnyCell::Pool(_))) {
            layers.push(Named { name: "what pools".into(), layer: layer.clone() });
        }
    }
    let all = weights(transfer);
    let convs: Vec<Weights> = all.iter().filter(|of| of.steps.is_some()).cloned().collect();
    let front = match convs.is_empty() {
        true => front(&all, first.prefix, order, reads, gives),
        false => chain(transfer, convs, &all, first.prefix, order, reads)?,
    };
    if front.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = front.iter().map(Weights::name).collect();
    let names = names.join(", ");
    let mut normalised = String::new();
    for (at, of) in front.iter().enumerate() {
        let Some(activation) = hints.hidden_activation else {
            let why = format!(
                "{names} is read before the recurrent layers, and a state_dict does not say what acts behind it; say it with \
                 --hidden-activation relu, or tanh, gelu, …, or identity where nothing does"
            );
            return Err(transfer.refused(format!("{}weight", of.prefix), why));
        };
        let cell = StepDense::new(of.input * of.steps.unwrap_or(1), of.outputs).activation(activation);
        let layer = match of.steps {
            None | Some(1) => Layer::new(cell),
            Some(steps) => Layer::new(cell).window(Window::new(steps)),
        };
        let next = front.get(at + 1).map_or(first.prefix, |next| next.prefix.as_str());
        let norm = norm_behind(transfer, of, next, order);
        if let Some((prefix, directly)) = &norm {
            let (name, of) = (prefix.trim_end_matches('.'), of.name());
            let place = if *directly { "gives, before the activation" } else { "gives, behind the activation" };
            normalised += &format!("; the batch normalisation {name}, its ε 1e-5, acts on what {of} {place}");
        }
        take_normalised(transfer, of, layer, layers, norm)?;
    }
    let phi = hints.hidden_activation.map_or("", |phi| phi.name());
    let convs: Vec<&str> = front.iter().filter(|of| of.steps.is_some()).map(Weights::name).collect();
    let mut assumed = format!("{names} is read at every step before the recurrent layers, with {phi} behind it");
    if !convs.is_empty() {
        assumed += &format!(
            "; {} has PyTorch's defaults, no padding, a stride and a dilation of 1, and nothing pools behind it: give `like` \
             (--like), a model that says otherwise",
            convs.join(", ")
        );
    }
    Ok(Some(assumed + &normalised))
}

/// The batch normalisation that stands behind a layer and before what comes `next`, by the file's order or by numbers, and
/// whether directly: in an `nn.Sequential` a number that is left out is an activation between them.
fn norm_behind(transfer: &Transfer<'_>, of: &Weights, next: &str, order: Option<&[&str]>) -> Option<(String, bool)> {
    let place = |prefix: &str| order.and_then(|names| names.iter().position(|name| name.starts_with(prefix)));
    let comes_before = |a: &str, b: &str| match (place(a), place(b)) {
        (Some(a), Some(b)) => a < b,
        _ => is_numbered(a, b) && pieces(a) < pieces(b),
    };
    let prefix = transfer.left().find_map(|name| {
        let prefix = name.strip_suffix("running_mean")?;
        let fits = transfer.get(name)?.shape == [of.outputs];
        let between = comes_before(&of.prefix, prefix) && !comes_before(next, prefix);
        (fits && between).then(|| prefix.to_owned())
    })?;
    let directly = index(&of.prefix).zip(index(&prefix)).is_none_or(|(a, b)| a + 1 == b);
    Some((prefix, directly))
}

/// A layer's arrays, with a normalisation that is folded into them or becomes a layer behind it.
fn take_normalised(
    transfer: &mut Transfer<'_>,
    of: &Weights,
    layer: Layer,
    layers: &mut Vec<Named>,
    norm: Option<(String, bool)>,
) -> Result<(), Error> {
    let Some((prefix, directly)) = norm else { return take(transfer, of, layer, layers) };
    let norm = Norm { prefix: &prefix, size: of.outputs, batch: true };
    let mut from = Vec::new();
    let (factor, shift) = affine(transfer, &norm, &mut from)?;
    let vector = |data: &[f64]| Array { shape: vec![of.outputs], data: data.iter().map(|&x| x as f32).collect() };
    if !directly {
        take(transfer, of, layer, layers)?;
        let ours = array_prefix(layers.len(), 1, 0);
        let to = [("gain", &factor), ("bias", &shift)].map(|(name, data)| (format!("{ours}{name}"), vector(data)));
        let from: Vec<&str> = from.iter().map(String::as_str).collect();
        transfer.moved(&from, to, &[Change::Folded]);
        layers.push(Named { name: prefix.clone(), layer: Layer::new(StepScale::new(of.outputs)) });
        return Ok(());
    }
    let [weight, bias] = ["weight", "bias"].map(|name| format!("{}{name}", of.prefix));
    let (mut kernel, mut changes) = kernel_of(transfer, of, &weight)?;
    kernel.data.iter_mut().enumerate().for_each(|(at, w)| *w = (f64::from(*w) * factor[at % of.outputs]) as f32);
    let before = match transfer.get(&bias) {
        Some(_) => transfer.array(&bias, &[of.outputs])?.data.clone(),
        None => vec![0.0; of.outputs],
    };
    let sums: Vec<f64> =
        before.iter().zip(factor.iter().zip(&shift)).map(|(&b, (a, s))| f64::from(b) * a + s).collect();
    if transfer.get(&bias).is_some() {
        from.insert(0, bias);
    }
    from.insert(0, weight.clone());
    let from: Vec<&str> = from.iter().map(String::as_str).collect();
    changes.push(Change::Folded);
    let ours = array_prefix(layers.len(), 1, 0);
    transfer.moved(&from, [(format!("{ours}kernel"), kernel), (format!("{ours}bias"), vector(&sums))], &changes);
    layers.push(Named { name: weight, layer });
    Ok(())
}

/// Takes the arrays of layers that are known, in the order of their names.
///
/// # Errors
/// If there are not as many, or one is of another shape.
fn take_known(transfer: &mut Transfer<'_>, known: &[&Layer], layers: &mut Vec<Named>) -> Result<(), Error> {
    let mut left = weights(transfer);
    left.sort_by_key(|of| pieces_of(&of.prefix));
    for &layer in known {
        let AnyCell::Dense(dense) = &layer.cell else {
            if matches!(layer.cell, AnyCell::Pool(_)) {
                layers.push(Named { name: "what pools".into(), layer: layer.clone() });
                continue;
            }
            return Ok(());
        };
        let size = layer.window.map_or(1, |window| window.size);
        let fits =
            |of: &Weights| of.outputs == dense.output && of.input == layer.input() && of.steps.unwrap_or(1) == size;
        let Some(at) = left.iter().position(fits) else {
            let why = format!(
                "the given model reads {} floats of {size} steps before its recurrent layers and gives {}, and no nn.Linear or \
                 nn.Conv1d of these sizes is there",
                layer.input(),
                dense.output
            );
            return Err(transfer.refused("what stands before the recurrent layers", why));
        };
        let of = left.remove(at);
        take(transfer, &of, layer.clone(), layers)?;
    }
    Ok(())
}

/// What a name is ordered by.
fn pieces_of(prefix: &str) -> Vec<(u64, String)> {
    // A front of a Sequential has numbers: 2 before 10.
    let mut found = Vec::new();
    for piece in prefix.split('.') {
        found.push((piece.parse().unwrap_or(u64::MAX), piece.to_owned()));
    }
    found
}

/// A layer's arrays.
fn take(transfer: &mut Transfer<'_>, of: &Weights, layer: Layer, layers: &mut Vec<Named>) -> Result<(), Error> {
    let [weight, bias] = ["weight", "bias"].map(|name| format!("{}{name}", of.prefix));
    let ours = array_prefix(layers.len(), 1, 0);
    let (kernel, changes) = kernel_of(transfer, of, &weight)?;
    transfer.moved(&[&weight], [(format!("{ours}kernel"), kernel)], &changes);
    if transfer.get(&bias).is_some() {
        let vector = transfer.array(&bias, &[of.outputs])?.clone();
        transfer.moved(&[&bias], [(format!("{ours}bias"), vector)], &[]);
    } else {
        let zeros = crate::arrays::zeros(&[of.outputs]);
        transfer.moved(&[], [(format!("{ours}bias"), zeros)], &[Change::Zeros]);
    }
    layers.push(Named { name: weight, layer });
    Ok(())
}

/// W [K I, O] of a layer, and what was done to it.
fn kernel_of(transfer: &Transfer<'_>, of: &Weights, weight: &str) -> Result<(Array, Vec<Change>), Error> {
    Ok(match (of.steps, transfer.get(weight)) {
        (Some(_), Some(filters)) => (kernel_of_filters(filters), vec![Change::Transposed, Change::Reshaped]),
        _ => (transposed(transfer.matrix(weight)?), vec![Change::Transposed]),
    })
}

/// All matrices with a bias, and all filters.
fn weights(transfer: &Transfer<'_>) -> Vec<Weights> {
    let of = |name: &str| {
        let prefix = name.strip_suffix("weight").filter(|_| parse(name).is_none())?;
        let bias = transfer.get(&format!("{prefix}bias"));
        let found = |outputs: usize, input: usize, steps| Weights { prefix: prefix.to_owned(), input, outputs, steps };
        match transfer.get(name)?.shape[..] {
            [outputs, input] if outputs > 0 && input > 0 => {
                (bias?.shape == [outputs]).then(|| found(outputs, input, None))
            }
            [outputs, input, steps] if outputs > 0 && input > 0 && steps > 0 => {
                let fits = bias.is_none_or(|bias| bias.shape == [outputs]);
                fits.then(|| found(outputs, input, Some(steps)))
            }
            _ => None,
        }
    };
    transfer.left().filter_map(of).collect()
}

/// The convolutions of a file, each reading what the one before gives, and the cells what the last one gives: in the order
/// of the file, of numbers in their names, or the only one.
///
/// # Errors
/// If they are no such chain, or a matrix stands between or before them.
fn chain(
    transfer: &Transfer<'_>,
    mut convs: Vec<Weights>,
    all: &[Weights],
    module: &str,
    order: Option<&[&str]>,
    reads: usize,
) -> Result<Vec<Weights>, Error> {
    let place = |prefix: &str| order.and_then(|names| names.iter().position(|name| name.starts_with(prefix)));
    let names = |convs: &[Weights]| convs.iter().map(Weights::name).collect::<Vec<_>>().join(", ");
    if order.is_some() {
        convs.sort_by_key(|of| place(&of.prefix));
        if convs.iter().any(|of| place(&of.prefix) > place(module)) {
            let why = "it is a convolution behind the recurrent layers; expected those before them";
            return Err(transfer.refused(names(&convs), why));
        }
    } else {
        convs.sort_by(|a, b| pieces(&a.prefix).cmp(&pieces(&b.prefix)));
        if !convs.windows(2).all(|pair| is_numbered(&pair[0].prefix, &pair[1].prefix)) {
            let why = "the file has no order, and the names of its convolutions have no numbers that tell one; save the \
                       state_dict with torch.save, as .pt, which keeps the order of the modules";
            return Err(transfer.refused(names(&convs), why));
        }
    }
    let mut gives: Option<usize> = None;
    for of in &convs {
        if gives.is_some_and(|gives| gives != of.input) {
            let why = format!(
                "it reads {} features, where the convolution before it gives {}: the model is no chain of them, or has groups; \
                 expected each to read what the one before gives",
                of.input,
                gives.unwrap_or(0)
            );
            return Err(transfer.refused(format!("{}weight", of.prefix), why));
        }
        gives = Some(of.outputs);
    }
    if gives != Some(reads) {
        let between = all.iter().find(|of| of.steps.is_none() && of.outputs == reads && Some(of.input) == gives);
        let why = match between {
            Some(of) => format!("and {} stands between them, which is not known here", of.name()),
            None => "and nothing known stands between them".into(),
        };
        let why = format!(
            "it gives {} features, and the recurrent layers read {reads}, {why}; convert the model by its graph (ONNX), which \
             says how its modules are connected",
            gives.unwrap_or(0)
        );
        return Err(transfer.refused(names(&convs), why));
    }
    Ok(convs)
}

/// Those before a module whose first layer reads `reads` floats; the last one gives `gives`.
fn front(linears: &[Weights], module: &str, order: Option<&[&str]>, reads: usize, gives: usize) -> Vec<Weights> {
    if let Some(names) = order {
        let place = |prefix: &str| names.iter().position(|name| name.starts_with(prefix));
        let begins = place(module);
        let mut before: Vec<(Option<usize>, Weights)> =
            linears.iter().map(|of| (place(&of.prefix), of.clone())).filter(|(at, _)| *at < begins).collect();
        before.sort_by_key(|(at, _)| *at);
        let before: Vec<Weights> = before.into_iter().map(|(_, of)| of).collect();
        // What is listed there and does not fit may be the head, which a module may list before its layers.
        let chained = before.windows(2).all(|pair| pair[0].outputs == pair[1].input);
        let leaves_a_head = before.len() < linears.len();
        let fits = chained && leaves_a_head && before.last().is_some_and(|of| of.outputs == reads);
        return if fits { before } else { Vec::new() };
    }
    let fits: Vec<&Weights> = linears.iter().filter(|of| of.outputs == reads).collect();
    let ([only], true) = (&fits[..], linears.len() > 1) else { return Vec::new() };
    // One that a head might have says nothing.
    let others = linears.iter().filter(|of| of.prefix != only.prefix);
    let of_head: BTreeSet<usize> = others.map(|of| of.outputs).chain([gives]).collect();
    if of_head.contains(&only.input) { Vec::new() } else { vec![(*only).clone()] }
}
