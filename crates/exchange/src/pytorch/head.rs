//! What stands before and behind the recurrent modules: an embedding, and a head of one dense layer or of several, with
//! batch normalisation between them, or a layer normalisation before them.
//!
//! A batch normalisation that runs is a factor and a shift for every feature, y = s x + t with s = w / √(var + ε) and
//! t = b − s mean. It becomes part of the dense layer beside it.

use std::collections::BTreeSet;

use elman::{Config, Embedding, Hidden, Layer, Reads};
use elman_formats::Array;
use elman_kernels::StepNorm;

use crate::Error;
use crate::Hints;
use crate::arrays::{transposed, zeros};
use crate::assembly::{self, Named};
use crate::ends::{Matrix, ends, take_embedding, take_head_bias};
use crate::order::{is_numbered, only_order, pieces};
use crate::report::Change;
use crate::transfer::Transfer;

/// ε of `nn.BatchNorm1d`, where nothing else is said.
const EPSILON: f64 = 1e-5;

/// The ends of a model.
pub(super) struct Ends {
    pub(super) embedding: Option<Embedding>,
    /// Dense layers before that of the outputs.
    pub(super) hidden: Vec<Hidden>,
    /// Floats that the head reads, and its outputs.
    pub(super) head: (usize, usize),
    /// A layer normalisation before it.
    pub(super) norm: Option<Named>,
    /// What was assumed of them beside that they follow each other.
    pub(super) assumed: Vec<String>,
}

/// A dense layer of the head.
#[derive(Clone)]
struct Dense<'a> {
    weight: &'a str,
    /// What its names start with: `head.0.`
    prefix: &'a str,
    outputs: usize,
    input: usize,
}

/// A normalisation.
pub(super) struct Norm<'a> {
    pub(super) prefix: &'a str,
    pub(super) size: usize,
    /// With a running mean and variance; else it is a layer normalisation.
    pub(super) batch: bool,
}

/// Takes what is left.
///
/// # Errors
/// If it is no chain of such layers, or the model does not say what acts between them and no hint does.
pub(super) fn take_ends(
    transfer: &mut Transfer<'_>,
    layers: &[Layer],
    order: Option<&[&str]>,
    hints: &Hints,
    like: Option<&Config>,
) -> Result<Ends, Error> {
    let left: Vec<&str> = transfer.left().collect();
    let mut matrices = Vec::new();
    let mut norms = Vec::new();
    for name in left {
        let Some(array) = transfer.get(name) else { continue };
        let start = name.strip_suffix("weight").or_else(|| name.strip_suffix("running_mean"));
        let (Some(start), false) = (start, array.shape.contains(&0)) else { continue };
        let has = |last: &str| transfer.get(&format!("{start}{last}")).is_some();
        match array.shape[..] {
            [_, width] if name.ends_with("weight") => {
                let bias = Some(format!("{start}bias")).filter(|bias| transfer.get(bias).is_some());
                matrices.push(Matrix { name, bias, input: width, vector: width, shape: &array.shape });
            }
            // Named once: by its weight, or where it has none, by its mean.
            [size] if name.ends_with("weight") || !has("weight") => {
                norms.push(Norm { prefix: start, size, batch: has("running_mean") });
            }
            _ => {}
        }
    }
    let first = layers.first().map_or(0, Layer::input);
    let widths = assembly::widths(layers.last(), false);
    let plain = ends(&matrices, first, &widths);
    let (embedding, denses, otherwise) = match plain {
        Ok((embedding, head)) => (embedding, vec![head], String::new()),
        // Two matrices that both could be either are not taken for two layers of a head.
        Err(why) if matrices.len() < 2 || why.starts_with("each of") => {
            return Err(transfer.refused("what is no recurrent module", why));
        }
        Err(why) => {
            let is_embedding = |of: &Matrix<'_>| {
                of.bias.is_none() && of.vector == first && of.name.to_ascii_lowercase().contains("emb")
            };
            let (embeddings, denses): (Vec<_>, Vec<_>) = matrices.into_iter().partition(is_embedding);
            if embeddings.len() > 1 || denses.is_empty() {
                return Err(transfer.refused("what is no recurrent module", why));
            }
            (embeddings.into_iter().next(), denses, why)
        }
    };
    let denses = chained(denses, &widths, order).map_err(|(name, reads)| {
        let why = format!(
            "{otherwise}; or dense layers of which each reads what the one before gives, and {name} does not: it reads {reads}"
        );
        transfer.refused("what is no recurrent module", why)
    })?;
    let embedding = take_embedding(transfer, embedding.as_ref())?;
    let mut assumed = Vec::new();
    let placed = placed(transfer, &denses, norms, order, &mut assumed)?;

    let mut hidden = Vec::new();
    if denses.len() > 1 {
        let known = like.map(|config| &config.head.hidden[..]).filter(|hidden| hidden.len() + 1 == denses.len());
        for (at, dense) in denses[..denses.len() - 1].iter().enumerate() {
            let Some(activation) = known.map(|known| known[at].activation).or(hints.hidden_activation) else {
                let names: Vec<&str> = denses.iter().map(|dense| dense.prefix.trim_end_matches('.')).collect();
                let why = format!(
                    "it has the dense layers {}, and a state_dict does not say what acts between them; say it with \
                     --hidden-activation relu, or tanh, gelu, …, or identity where nothing does",
                    names.join(", ")
                );
                return Err(transfer.refused("the head", why));
            };
            hidden.push(Hidden { size: dense.outputs, activation });
        }
        if known.is_none() {
            let names: Vec<&str> = denses.iter().map(|dense| dense.prefix.trim_end_matches('.')).collect();
            let phi = hints.hidden_activation.map_or("", |phi| phi.name());
            assumed.push(format!("the head is {}, with {phi} between them", names.join(", ")));
        }
    }
    for (at, dense) in denses.iter().enumerate() {
        let ours = if at + 1 < denses.len() { format!("head.{at}.") } else { "head.".to_owned() };
        let of = |place: Place| placed.batch.iter().filter(move |(p, _)| *p == place).map(|(_, norm)| norm);
        take_dense(transfer, dense, &ours, of(Place::Before(at)).collect(), of(Place::Behind(at)).collect())?;
    }
    let (width, outputs) = (denses[0].input, denses[denses.len() - 1].outputs);
    let norm = match placed.layer {
        Some(norm) => Some(take_norm(transfer, norm, layers, hints, like)?),
        None => None,
    };
    Ok(Ends { embedding, hidden, head: (width, outputs), norm, assumed })
}

/// Dense layers in their order: that of the file, of numbers in their names, or the only one that sizes allow.
///
/// # Errors
/// The first that does not read what the one before it gives, and the floats that it reads.
fn chained<'a>(
    matrices: Vec<Matrix<'a>>,
    widths: &[usize],
    order: Option<&[&str]>,
) -> Result<Vec<Dense<'a>>, (&'a str, usize)> {
    let mut denses: Vec<Dense<'_>> = matrices
        .into_iter()
        .map(|of| Dense {
            weight: of.name,
            prefix: of.name.strip_suffix("weight").unwrap_or(of.name),
            outputs: of.shape[0],
            input: of.shape[1],
        })
        .collect();
    denses.sort_by(|a, b| pieces(a.prefix).cmp(&pieces(b.prefix)));
    if let Some(names) = order {
        denses.sort_by_key(|of| names.iter().position(|name| *name == of.weight));
    } else if !denses.windows(2).all(|pair| is_numbered(pair[0].prefix, pair[1].prefix)) {
        let sizes: Vec<(usize, usize)> = denses.iter().map(|of| (of.input, of.outputs)).collect();
        let ends: BTreeSet<usize> = sizes.iter().map(|(_, outputs)| *outputs).collect();
        if let Ok(order) = only_order(&sizes, &ends) {
            denses = order.into_iter().map(|at| denses[at].clone()).collect();
        }
    }
    let mut reads = widths.to_vec();
    for of in &denses {
        if !reads.contains(&of.input) {
            return Err((of.weight, of.input));
        }
        reads = vec![of.outputs];
    }
    Ok(denses)
}

/// Where a batch normalisation acts: on what a dense layer reads, or on what it gives.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Before(usize),
    Behind(usize),
}

struct Placed<'a> {
    batch: Vec<(Place, Norm<'a>)>,
    layer: Option<Norm<'a>>,
}

/// Where each normalisation acts: by the file's order, by numbers in an `nn.Sequential`, or by the only size that fits.
fn placed<'a>(
    transfer: &Transfer<'_>,
    denses: &[Dense<'_>],
    norms: Vec<Norm<'a>>,
    order: Option<&[&str]>,
    assumed: &mut Vec<String>,
) -> Result<Placed<'a>, Error> {
    let mut placed = Placed { batch: Vec::new(), layer: None };
    for norm in norms {
        let name = norm.prefix.trim_end_matches('.');
        let position = |prefix: &str| order.and_then(|names| names.iter().position(|name| name.starts_with(prefix)));
        let stands_behind = |dense: &Dense<'_>| match (position(dense.prefix), position(norm.prefix)) {
            (Some(dense), Some(norm)) => dense < norm,
            _ => is_numbered(dense.prefix, norm.prefix) && pieces(dense.prefix) < pieces(norm.prefix),
        };
        let size_before = |at: usize| if at == 0 { denses[0].input } else { denses[at - 1].outputs };
        let fits: Vec<usize> = (0..=denses.len()).filter(|&at| size_before(at) == norm.size).collect();
        let ordered = order.is_some()
            || denses
                .iter()
                .all(|dense| is_numbered(dense.prefix, norm.prefix) || is_numbered(norm.prefix, dense.prefix));
        let before = denses.iter().filter(|dense| stands_behind(dense)).count();
        let at = match (&fits[..], ordered) {
            (_, true) if fits.contains(&before) => before,
            ([only], _) => *only,
            _ => {
                let why = format!(
                    "it normalises {} features, and the file does not say where it stands; expected one place of that size in \
                     the head, or one behind a layer before the recurrent ones that the file's order or numbers tell",
                    norm.size
                );
                return Err(transfer.refused(format!("{}weight", norm.prefix), why));
            }
        };
        if !norm.batch {
            if at > 0 || placed.layer.is_some() {
                let why = "it is a layer normalisation within the head; elman has one before the head alone";
                return Err(transfer.refused(name, why));
            }
            placed.layer = Some(norm);
            continue;
        }
        // In an nn.Sequential a number that is left out is a module without arrays: an activation, if it is between.
        let directly = at > 0 && index(denses[at - 1].prefix).zip(index(norm.prefix)).is_none_or(|(a, b)| a + 1 == b);
        let place = if directly { Place::Behind(at - 1) } else { Place::Before(at.min(denses.len() - 1)) };
        if at == denses.len() && !directly {
            return Err(transfer.refused(name, "it follows the last dense layer, with something between them"));
        }
        let where_it_acts = match place {
            Place::Behind(at) => {
                format!("what {} gives, before an activation", denses[at].prefix.trim_end_matches('.'))
            }
            Place::Before(at) => format!("what {} reads", denses[at].prefix.trim_end_matches('.')),
        };
        assumed.push(format!("the batch normalisation {name}, its ε 1e-5, acts on {where_it_acts}"));
        placed.batch.push((place, norm));
    }
    Ok(placed)
}

/// The number at the end of an `nn.Sequential`'s part: 2 of `head.2.`.
pub(super) fn index(prefix: &str) -> Option<usize> {
    prefix.trim_end_matches('.').rsplit('.').next()?.parse().ok()
}

/// A dense layer, with the batch normalisations beside it as parts of its arrays.
fn take_dense(
    transfer: &mut Transfer<'_>,
    dense: &Dense<'_>,
    ours: &str,
    before: Vec<&Norm<'_>>,
    behind: Vec<&Norm<'_>>,
) -> Result<(), Error> {
    let bias_name = format!("{}bias", dense.prefix);
    let has_bias = transfer.get(&bias_name).is_some();
    let array = transposed(transfer.matrix(dense.weight)?);
    let (kernel_to, bias_to) = (format!("{ours}kernel"), format!("{ours}bias"));
    if before.is_empty() && behind.is_empty() {
        transfer.moved(&[dense.weight], [(kernel_to, array)], &[Change::Transposed]);
        if ours == "head." {
            return take_head_bias(transfer, dense.weight, has_bias.then_some(&*bias_name), dense.outputs);
        }
        let (from, bias, changes) = match has_bias {
            true => (vec![&*bias_name], transfer.array(&bias_name, &[dense.outputs])?.clone(), vec![]),
            false => (vec![], zeros(&[dense.outputs]), vec![Change::Zeros]),
        };
        if !has_bias {
            transfer.note(format!("{} has no bias: zeros were taken", dense.weight));
        }
        transfer.moved(&from, [(bias_to, bias)], &changes);
        return Ok(());
    }
    let (inputs, outputs) = (dense.input, dense.outputs);
    let mut kernel: Vec<f64> = array.data.iter().map(|&x| f64::from(x)).collect();
    let mut bias: Vec<f64> = match has_bias {
        true => transfer.array(&bias_name, &[outputs])?.data.iter().map(|&x| f64::from(x)).collect(),
        false => vec![0.0; outputs],
    };
    let mut from: Vec<String> = vec![dense.weight.to_owned()];
    from.extend(has_bias.then_some(bias_name));
    for norm in before.iter().rev() {
        let (factor, shift) = affine(transfer, norm, &mut from)?;
        for row in 0..inputs {
            for column in 0..outputs {
                let weight = &mut kernel[row * outputs + column];
                bias[column] += shift[row] * *weight;
                *weight *= factor[row];
            }
        }
    }
    for norm in behind {
        let (factor, shift) = affine(transfer, norm, &mut from)?;
        kernel.iter_mut().enumerate().for_each(|(at, x)| *x *= factor[at % outputs]);
        bias.iter_mut().zip(factor.iter().zip(&shift)).for_each(|(b, (s, t))| *b = *b * s + t);
    }
    let rounded =
        |shape: &[usize], data: &[f64]| Array { shape: shape.to_vec(), data: data.iter().map(|&x| x as f32).collect() };
    let to = [(kernel_to, rounded(&[inputs, outputs], &kernel)), (bias_to, rounded(&[outputs], &bias))];
    let from: Vec<&str> = from.iter().map(String::as_str).collect();
    transfer.moved(&from, to, &[Change::Transposed, Change::Folded]);
    Ok(())
}

/// s and t of a batch normalisation, whose names go to the others.
pub(super) fn affine(
    transfer: &Transfer<'_>,
    norm: &Norm<'_>,
    from: &mut Vec<String>,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let mut array = |last: &str, otherwise: f64| -> Result<Vec<f64>, Error> {
        let name = format!("{}{last}", norm.prefix);
        if transfer.get(&name).is_none() && ["weight", "bias"].contains(&last) {
            return Ok(vec![otherwise; norm.size]);
        }
        let array = transfer.array(&name, &[norm.size])?;
        from.push(name);
        Ok(array.data.iter().map(|&x| f64::from(x)).collect())
    };
    let (weight, bias) = (array("weight", 1.0)?, array("bias", 0.0)?);
    let (mean, variance) = (array("running_mean", 0.0)?, array("running_var", 1.0)?);
    let factor: Vec<f64> = weight.iter().zip(&variance).map(|(w, var)| w / (var + EPSILON).sqrt()).collect();
    let shift = bias.iter().zip(factor.iter().zip(&mean)).map(|(b, (s, mean))| b - s * mean).collect();
    Ok((factor, shift))
}

/// A layer normalisation on what the head reads: a layer of its own, which every step goes through.
fn take_norm(
    transfer: &mut Transfer<'_>,
    norm: Norm<'_>,
    layers: &[Layer],
    hints: &Hints,
    like: Option<&Config>,
) -> Result<Named, Error> {
    let name = norm.prefix.trim_end_matches('.').to_owned();
    let reads = like.map(|config| config.head.reads).or(hints.reads).unwrap_or_default();
    let both = layers.last().is_some_and(|layer| layer.bidirectional.is_some());
    if reads.pools() || (both && reads == Reads::LastState) {
        let why = format!(
            "it is a layer normalisation, which elman has at every step, and a head on {} reads something else{}",
            reads.describe(),
            if both { " of two directions" } else { "" }
        );
        return Err(transfer.refused(name, why));
    }
    let index = layers.len();
    for (theirs, ours, otherwise) in [("weight", "gain", 1.0), ("bias", "bias", 0.0)] {
        let from = format!("{}{theirs}", norm.prefix);
        let to = format!("layers.{index}.{ours}");
        match transfer.get(&from) {
            Some(_) => {
                let array = transfer.array(&from, &[norm.size])?.clone();
                transfer.moved(&[&from], [(to, array)], &[]);
            }
            None => {
                let array = Array { shape: vec![norm.size], data: vec![otherwise; norm.size] };
                transfer.note(format!("{name} has no {theirs}: {otherwise} was taken throughout"));
                transfer.moved(&[], [(to, array)], &[Change::Zeros]);
            }
        }
    }
    Ok(Named { name, layer: Layer::new(StepNorm::new(norm.size)) })
}
