//! From a `state_dict`.

use std::collections::{BTreeMap, BTreeSet};

use elman_formats::File;
use elman_kernels::{Gru, Lstm, Rnn};

use super::{METADATA_KEY, PARTNER, suffix};
use crate::Error;
use crate::exchange::arrays::{transposed, zeros};
use crate::exchange::assembly::{self, Found, Named};
use crate::exchange::biases;
use crate::exchange::ends::{Matrix, ends};
use crate::exchange::order::pieces;
use crate::exchange::report::Change;
use crate::exchange::transfer::{Transfer, listed};
use crate::exchange::{Hints, Imported};
use crate::layer::{AnyCell, Embedding, Layer, Merge};
use crate::model::Config;
use crate::parameters::prefix;

/// What such a file is called in notes.
const WHAT: &str = "a state_dict";

/// What is read, for who has arrays that are not.
const EXPECTED: &str = "the arrays of nn.RNN, nn.LSTM or nn.GRU (weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, \
                        weight_hr_l0) or of their cells, an nn.Embedding (weight) and an nn.Linear (weight, bias)";

/// A recurrent module: an `nn.LSTM` and its kin, or an `nn.LSTMCell` and its.
struct Module<'a> {
    /// What its arrays' names start with: `encoder.lstm.`
    prefix: &'a str,
    /// Whether the names have no `_l0`.
    is_cell: bool,
    /// By layer and whether it is reversed.
    cells: BTreeSet<(usize, bool)>,
}

/// Makes a model of a `state_dict`: one recurrent module, or several that follow each other in the order of their names,
/// an embedding or none, and a head. A file that [`export`](super::export()) made gives back the model it was made of.
///
/// # Errors
/// If arrays are missing, unknown or of shapes that do not fit each other: which, with what was expected and found.
pub fn import(file: &File, hints: &Hints) -> Result<Imported, Error> {
    let mut transfer = Transfer::taken_from(PARTNER, &file.arrays);
    let own = match file.metadata.get(METADATA_KEY) {
        Some(json) => Some(Config::parse(json).map_err(|why| transfer.refused("the file", why))?),
        None => None,
    };
    let like = hints.like.as_ref().or(own.as_ref());
    let modules = modules(&transfer)?;
    if modules.len() > 1 {
        let names: Vec<&str> = modules.iter().map(|module| module.prefix.trim_end_matches('.')).collect();
        transfer
            .note(format!("modules were taken to follow each other in the order of their names: {}", names.join(", ")));
    }
    let mut layers = Vec::new();
    for module in &modules {
        take_module(&mut transfer, module, &mut layers, hints, like)?;
    }
    let layers = assembly::chained(&transfer, layers, false)?;
    let (embedding, head) = take_ends(&mut transfer, &layers)?;
    let found = Found { embedding, layers, head };
    let is_bidirectional = found.layers.last().is_some_and(|layer| layer.bidirectional.is_some());
    let mut imported = assembly::model(transfer, found, hints, like, Some(WHAT), EXPECTED)?;
    if is_bidirectional && imported.model.head().reads == crate::Reads::LastState {
        imported.report.notes.push(
            "the head reads the last states of both directions, as torch.cat([h_n[-2], h_n[-1]], 1) gives them".into(),
        );
    }
    Ok(imported)
}

/// The module, layer and direction of a recurrent module's array; no layer in the names of a cell.
fn parse(name: &str) -> Option<(&str, Option<usize>, bool)> {
    let (prefix, last) = name.split_at(name.rfind('.').map_or(0, |dot| dot + 1));
    let kinds = ["weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"];
    let rest = kinds.iter().find_map(|kind| last.strip_prefix(kind))?;
    if rest.is_empty() {
        return Some((prefix, None, false));
    }
    let rest = rest.strip_prefix("_l")?;
    let (number, reversed) = match rest.strip_suffix("_reverse") {
        Some(number) => (number, true),
        None => (rest, false),
    };
    let layer: usize = number.parse().ok()?;
    (suffix(layer, reversed).strip_prefix("_l") == Some(rest)).then_some((prefix, Some(layer), reversed))
}

/// The recurrent modules, in the order of their names.
fn modules<'a>(transfer: &Transfer<'a>) -> Result<Vec<Module<'a>>, Error> {
    let mut modules: BTreeMap<&str, Module<'_>> = BTreeMap::new();
    for name in transfer.left() {
        let Some((prefix, layer, reversed)) = parse(name) else { continue };
        let is_cell = layer.is_none();
        let module = modules.entry(prefix).or_insert(Module { prefix, is_cell, cells: BTreeSet::new() });
        if module.is_cell != is_cell {
            return Err(transfer.refused(name, "its module has names with a layer, as _l0, and names without"));
        }
        module.cells.insert((layer.unwrap_or(0), reversed));
    }
    if modules.is_empty() {
        let names: Vec<&str> = transfer.left().collect();
        let why = format!("it has no recurrent module; expected {EXPECTED}; found {}", listed(&names));
        return Err(transfer.refused("the file", why));
    }
    let mut modules: Vec<Module<'_>> = modules.into_values().collect();
    modules.sort_by_key(|module| pieces(module.prefix));
    Ok(modules)
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
            let ours = prefix(layers.len(), directions, direction);
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

/// The embedding and the head: what is left.
fn take_ends(transfer: &mut Transfer<'_>, layers: &[Layer]) -> Result<(Option<Embedding>, (usize, usize)), Error> {
    let left: Vec<&str> = transfer.left().collect();
    let mut matrices = Vec::new();
    for name in left {
        let Some(array) = transfer.get(name) else { continue };
        let Some(start) = name.strip_suffix("weight") else { continue };
        if let [rows, width] = array.shape[..]
            && rows > 0
            && width > 0
        {
            let bias = Some(format!("{start}bias")).filter(|bias| transfer.get(bias).is_some());
            matrices.push(Matrix { name, bias, input: width, vector: width, shape: &array.shape });
        }
    }
    let first = layers.first().map_or(0, Layer::input);
    let (embedding, head) = ends(&matrices, first, &assembly::widths(layers.last(), false))
        .map_err(|why| transfer.refused("what is no recurrent module", why))?;
    let embedding = match embedding {
        None => None,
        Some(of) => {
            let array = transfer.matrix(of.name)?;
            transfer.moved(&[of.name], [("embedding.kernel".into(), array.clone())], &[]);
            Some(Embedding { tokens: array.shape[0], size: array.shape[1] })
        }
    };
    let array = transfer.matrix(head.name)?;
    let (outputs, width) = (array.shape[0], array.shape[1]);
    transfer.moved(&[head.name], [("head.kernel".into(), transposed(array))], &[Change::Transposed]);
    match &head.bias {
        Some(name) => {
            let bias = transfer.array(name, &[outputs])?;
            transfer.moved(&[name], [("head.bias".into(), bias.clone())], &[]);
        }
        None => {
            transfer.note(format!("{} has no bias: zeros were taken", head.name));
            transfer.moved(&[], [("head.bias".into(), zeros(&[outputs]))], &[Change::Zeros]);
        }
    }
    Ok((embedding, (width, outputs)))
}
