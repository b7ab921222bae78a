//! From a `state_dict`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use elman::{AnyCell, Config, Layer, Merge, array_prefix};
use elman_formats::torch::{self, LeftOut};
use elman_formats::{Array, File, Weights};
use elman_kernels::{Gru, Lstm, Rnn};

use super::front::take_front;
use super::head::take_ends;
use super::modules::{Module, modules};
use super::prepare::{self, Prepared};
use super::{METADATA_KEY, PARTNER, SCALING, checkpoint, suffix};
use crate::Error;
use crate::arrays::{transposed, zeros};
use crate::assembly::{self, Beside, Found, Named};
use crate::biases;
use crate::report::Change;
use crate::transfer::{Transfer, listed};
use crate::{Hints, Imported, units};

/// What such a file is called in notes.
const WHAT: &str = "a state_dict";

/// What is read, for who has arrays that are not.
pub(super) const EXPECTED: &str = "the arrays of nn.RNN, nn.LSTM or nn.GRU (weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, \
                        weight_hr_l0) or of their cells, an nn.Embedding (weight), and a head of nn.Linear (weight, bias), nn.BatchNorm1d and \
                        nn.LayerNorm";

/// Makes a model of a `state_dict` without an order, as a safetensors file is: one recurrent module, or several whose names
/// or sizes tell their order, an embedding or none, and a head. A file that [`export`](super::export()) made gives back the
/// model it was made of.
///
/// # Errors
/// If arrays are missing, unknown or of shapes that do not fit each other: which, with what was expected and found.
pub fn import(file: &File, hints: &Hints) -> Result<Imported, Error> {
    import_file(file, &BTreeMap::new(), hints)
}

/// The same of what [`read_weights`](elman_formats::read_weights) read: of any precision, and from several files.
///
/// # Errors
/// As [`import`], and if an array of the model is of a type that is not read.
pub fn import_weights(weights: &Weights, hints: &Hints) -> Result<Imported, Error> {
    let mut imported = import_file(&weights.file, &weights.left_out, hints)?;
    imported.report.widened(&weights.halves);
    Ok(imported)
}

fn import_file(file: &File, left_out: &BTreeMap<String, LeftOut>, hints: &Hints) -> Result<Imported, Error> {
    let own = match file.metadata.get(METADATA_KEY) {
        Some(json) => Some(Config::parse(json).map_err(|why| refused("the file", why))?),
        None => None,
    };
    let tied = file.metadata.iter().filter(|(key, _)| *key != METADATA_KEY);
    let tied = tied.map(|(key, value)| (key.clone(), value.clone())).collect();
    let source = Source { arrays: &file.arrays, metadata: &tied, order: None, beside: &[], others: &[] };
    let left_out = left_out.iter().map(|(name, why)| (name.as_str(), *why));
    import_arrays(&source, left_out, own.as_ref(), hints)
}

/// Makes a model of what `torch.save` wrote: a `state_dict`, or a checkpoint in which one dict holds a recurrent module.
/// What else the checkpoint has, as the optimizer's state, is left out. Several modules follow each other in the order in
/// which the dict has them: the one in which the model was given them.
///
/// # Errors
/// As [`import`], and if several dicts hold a recurrent module, or a tensor of the model is of a type that is not read.
pub fn import_checkpoint(file: &torch::File, hints: &Hints) -> Result<Imported, Error> {
    let model = checkpoint::model(file).map_err(|(what, why)| refused(what, why))?;
    let names: BTreeSet<&str> = model.names.iter().copied().collect();
    let beside: Vec<&str> = file.arrays.keys().map(String::as_str).filter(|name| !names.contains(name)).collect();
    let source = Source {
        arrays: &file.arrays,
        metadata: &BTreeMap::new(),
        order: Some(&model.names),
        beside: &beside,
        others: &model.others,
    };
    let left_out = model.names.iter().filter_map(|&name| Some((name, *file.left_out.get(name)?)));
    let mut imported = import_arrays(&source, left_out, None, hints)?;
    imported.report.widened(&file.halves);
    Ok(imported)
}

/// Where a model's arrays are.
struct Source<'a> {
    arrays: &'a BTreeMap<String, Array>,
    /// Names of arrays that are the same as others.
    metadata: &'a BTreeMap<String, String>,
    /// The names in the file's order, where there is one.
    order: Option<&'a [&'a str]>,
    /// Arrays that are no part of the model.
    beside: &'a [&'a str],
    /// What else a checkpoint holds.
    others: &'a [String],
}

fn refused(what: impl Into<String>, why: impl Into<String>) -> Error {
    Error::Exchange { verb: "taken from", partner: PARTNER, what: what.into(), why: why.into() }
}

fn import_arrays<'a>(
    source: &Source<'a>,
    left_out: impl Iterator<Item = (&'a str, LeftOut)>,
    own: Option<&Config>,
    hints: &Hints,
) -> Result<Imported, Error> {
    let wrong = |(what, why): prepare::Wrong| refused(what, why);
    let counters = prepare::left_out(left_out).map_err(wrong)?;
    let of_model = source.arrays.iter().filter(|(name, _)| !source.beside.contains(&name.as_str()));
    let Prepared { made, made_of, used, notes } = prepare::prepare(of_model, source.metadata).map_err(wrong)?;
    let arrays = match made.is_empty() {
        true => Cow::Borrowed(source.arrays),
        false => Cow::Owned(source.arrays.clone().into_iter().chain(made).collect()),
    };
    let mut transfer = Transfer::taken_from(PARTNER, &arrays);
    source.beside.iter().copied().chain(used.iter().map(String::as_str)).for_each(|name| transfer.left_out(name));
    made_of.into_iter().for_each(|(name, places)| transfer.made_of(&name, places, Change::WeightNorm));
    if !source.others.is_empty() {
        let others: Vec<&str> = source.others.iter().map(String::as_str).collect();
        transfer.note(format!("left out, as they are no part of the model: {}", listed(&others)));
    }
    counters.into_iter().chain(notes).for_each(|note| transfer.note(note));
    let like = hints.like.as_ref().or(own);
    units::taken(&mut transfer, SCALING, like)?;
    // A computed array stands where the first that it was computed from does.
    let order = source.order.map(|names| names.iter().map(|&name| name.trim_end_matches("_g")).collect::<Vec<_>>());
    let modules = modules(&mut transfer, order.as_deref())?;
    let mut layers = Vec::new();
    let front = take_front(&mut transfer, &modules, order.as_deref(), &mut layers, hints, like)?;
    let has_front = !layers.is_empty();
    for module in &modules {
        take_module(&mut transfer, module, &mut layers, hints, like)?;
    }
    let layers = assembly::chained(&transfer, layers, false)?;
    let ends = take_ends(&mut transfer, &layers, order.as_deref(), hints, like)?;
    // The hint may have been for the layers before the recurrent ones alone.
    let hints = &Hints {
        hidden_activation: hints.hidden_activation.filter(|_| !has_front || !ends.hidden.is_empty()),
        ..hints.clone()
    };
    let is_bidirectional = layers.last().is_some_and(|layer| layer.bidirectional.is_some());
    let layers = layers.into_iter().chain(ends.norm.map(|named| named.layer)).collect();
    let found = Found { embedding: ends.embedding, layers, head: ends.head };
    let beside = Beside { what: WHAT, own, activations: false, reads: None, adds_forget_bias: false };
    let mut imported = assembly::model_with(transfer, found, ends.hidden, hints, &beside, EXPECTED)?;
    if own.is_none() {
        imported.report.assumed = assembly::assumed(&imported.model, hints);
        imported.report.assumed.extend(front.into_iter().chain(ends.assumed));
    }
    if is_bidirectional && imported.model.head().reads == elman::Reads::LastState {
        imported.report.notes.push(
            "the head reads the last states of both directions, as torch.cat([h_n[-2], h_n[-1]], 1) gives them".into(),
        );
    }
    Ok(imported)
}

/// All layers of a module.
fn take_module(
    transfer: &mut Transfer<'_>,
    module: &Module<'_>,
    layers: &mut Vec<Named>,
    hints: &Hints,
    like: Option<&Config>,
) -> Result<(), Error> {
    let both = module.cells.iter().any(|(_, reversed)| *reversed);
    let directions = 1 + usize::from(both);
    // Every layer up to the last must be there, in each direction: the names of those that are not come out as missing.
    let count = module.cells.iter().map(|(layer, _)| layer.saturating_add(1)).max().unwrap_or(0);
    if count.saturating_mul(directions) > module.cells.len() {
        let missing = (0..count).flat_map(|layer| (0..directions).map(move |d| (layer, d == 1)));
        if let Some((layer, reversed)) = missing.into_iter().find(|cell| !module.cells.contains(cell)) {
            return Err(transfer.refused(
                format!("{}weight_ih{}", module.prefix, suffix(layer, reversed)),
                format!("it is missing; expected it, since the module has {count} layers in {directions} directions"),
            ));
        }
    }
    for layer in 0..count {
        let mut cells = Vec::new();
        for direction in 0..directions {
            let end = if module.is_cell { String::new() } else { suffix(layer, direction == 1) };
            let name = |kind: &str| format!("{}{kind}{end}", module.prefix);
            let ours = array_prefix(layers.len(), directions, direction);
            cells.push(take_cell(transfer, &name, &ours, hints, like)?);
        }
        let name =
            format!("{}weight_ih{}", module.prefix, if module.is_cell { String::new() } else { suffix(layer, false) });
        if let [first, second] = &cells[..]
            && assembly::sizes(first) != assembly::sizes(second)
        {
            return Err(transfer.refused(name, "the two directions of the layer have different sizes"));
        }
        let Some(cell) = cells.into_iter().next() else { continue };
        let layer = Layer { bidirectional: both.then_some(Merge::Concat), ..Layer::new(cell) };
        layers.push(Named { name, layer });
    }
    Ok(())
}

/// A cell's arrays. `name` gives the name of a kind, `ours` is what our names start with.
fn take_cell(
    transfer: &mut Transfer<'_>,
    name: &dyn Fn(&str) -> String,
    ours: &str,
    hints: &Hints,
    like: Option<&Config>,
) -> Result<AnyCell, Error> {
    let [ih, hh, hr] = ["weight_ih", "weight_hh", "weight_hr"].map(name);
    let (from_input, from_state) = (transfer.matrix(&ih)?, transfer.matrix(&hh)?);
    let projection = match transfer.get(&hr) {
        Some(_) => Some(transfer.matrix(&hr)?),
        None => None,
    };
    let output = from_state.shape[1];
    let hidden = projection.map_or(output, |projection| projection.shape[1]);
    if let Some(projection) = projection
        && projection.shape[0] != output
    {
        let why = format!("it has shape {:?}; expected [{output}, {hidden}], by {hh}", projection.shape);
        return Err(transfer.refused(hr, why));
    }
    let (rows, input) = (from_input.shape[0], from_input.shape[1]);
    let gates = rows / hidden;
    if rows % hidden != 0 || ![1, 3, 4].contains(&gates) || (projection.is_some() && gates != 4) {
        let expected = if projection.is_some() { "4, an LSTM's" } else { "1, 3 or 4" };
        let why = format!("it has {rows} rows, and {hh} makes {hidden} units: that is not {expected} gates of each");
        return Err(transfer.refused(ih, why));
    }
    transfer.array(&hh, &[rows, output])?;
    transfer.moved(&[&ih], [(format!("{ours}kernel"), transposed(from_input))], &[Change::Transposed]);
    transfer.moved(&[&hh], [(format!("{ours}recurrent_kernel"), transposed(from_state))], &[Change::Transposed]);
    if let Some(projection) = projection {
        transfer.moved(&[&hr], [(format!("{ours}projection"), transposed(projection))], &[Change::Transposed]);
    }
    take_biases(transfer, [name("bias_ih"), name("bias_hh")], ours, hidden, gates)?;
    Ok(match gates {
        1 => AnyCell::Rnn(Rnn::new(input, hidden).activation(assembly::activation(transfer, WHAT, hints, like))),
        3 => AnyCell::Gru(Gru::new(input, hidden)),
        _ => AnyCell::Lstm(Lstm { projection: projection.map(|_| output), ..Lstm::new(input, hidden) }),
    })
}

/// Two biases, which are only ever added, but for b_hn of a GRU, which r scales.
fn take_biases(
    transfer: &mut Transfer<'_>,
    names: [String; 2],
    ours: &str,
    hidden: usize,
    gates: usize,
) -> Result<(), Error> {
    let (bias, recurrent_bias) = (format!("{ours}bias"), format!("{ours}recurrent_bias"));
    let [ih, hh] = &names;
    let is_gru = gates == 3;
    if transfer.get(ih).is_none() && transfer.get(hh).is_none() {
        transfer.note(format!("{ih} and {hh} are missing, as bias=False leaves them out: zeros were taken"));
        let bias = (bias, zeros(&[gates * hidden]));
        match is_gru {
            true => transfer.moved(&[], [bias, (recurrent_bias, zeros(&[hidden]))], &[Change::Zeros]),
            false => transfer.moved(&[], [bias], &[Change::Zeros]),
        }
        return Ok(());
    }
    let (from_input, from_state) = (transfer.array(ih, &[gates * hidden])?, transfer.array(hh, &[gates * hidden])?);
    if is_gru {
        let (sum, candidate, change) = biases::but_candidate(from_input, from_state);
        transfer.moved(&[ih, hh], [(bias, sum), (recurrent_bias, candidate)], &[Change::Split, change]);
    } else {
        let (sum, change) = biases::summed(from_input, from_state);
        transfer.moved(&[ih, hh], [(bias, sum)], &[change]);
    }
    Ok(())
}
