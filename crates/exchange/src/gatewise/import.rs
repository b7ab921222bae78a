//! From arrays by these names.

use std::collections::{BTreeMap, BTreeSet};

use elman::{AnyCell, Embedding, Layer, Merge, array_prefix};
use elman_formats::{Array, Weights, numpy};
use elman_kernels::{Gru, Lstm, Rnn};

use super::Dialect;
use super::cells::{Cell, Form, Names, cells, direction};
use crate::Error;
use crate::arrays::{beside, zeros};
use crate::assembly::{self, Beside, Found, Named};
use crate::ends::{Matrix, ends, take_embedding, take_head_bias};
use crate::order::{is_numbered, only_order, pieces};
use crate::report::Change;
use crate::transfer::{Transfer, listed};
use crate::{Hints, Imported, biases};

/// What is read, for who has arrays that are not.
const EXPECTED: &str =
    "those of LSTM, GRU and RNN cells with a dense layer for each gate, an embedding, and a dense layer";

/// Makes a model of the arrays of Burn or flax in a safetensors file.
///
/// # Errors
/// If it holds no cell, arrays are missing, unknown, of a type that is not read, or of shapes that do not fit each other.
pub fn import(weights: &Weights, hints: &Hints) -> Result<Imported, Error> {
    let others = weights.left_out.iter().map(|(name, why)| (name.as_str(), why.to_string()));
    let mut imported = import_arrays(&weights.file.arrays, others, hints)?;
    imported.report.widened(&weights.halves);
    Ok(imported)
}

/// The same of an `.npz`, as `np.savez(path, **flatten_dict(params, sep="/"))` writes flax's.
///
/// # Errors
/// As [`import`].
pub fn import_numpy(file: &BTreeMap<String, numpy::Array>, hints: &Hints) -> Result<Imported, Error> {
    let (mut arrays, mut others) = (BTreeMap::new(), Vec::new());
    for (name, numpy::Array { shape, values }) in file {
        match values {
            numpy::Values::F32(data) => {
                arrays.insert(name.clone(), Array { shape: shape.clone(), data: data.clone() });
            }
            other => others.push((name.as_str(), format!("its type is {}; expected f32", other.type_name()))),
        }
    }
    import_arrays(&arrays, others.into_iter(), hints)
}

fn import_arrays<'a>(
    arrays: &BTreeMap<String, Array>,
    mut others: impl Iterator<Item = (&'a str, String)>,
    hints: &Hints,
) -> Result<Imported, Error> {
    let names = Names::new(arrays.keys().map(String::as_str));
    let cells = cells(&names);
    let dialect = cells.first().map_or(Dialect::Flax, |cell| cell.form.dialect);
    let mut transfer = Transfer::taken_from(dialect.name(), arrays);
    if let Some((name, why)) = others.find(|(name, _)| !is_of_training(name)) {
        return Err(transfer.refused(name, why));
    }
    if cells.is_empty() {
        let found: Vec<&str> = transfer.left().collect();
        return Err(
            transfer.refused("the file", format!("it has no cell; expected {EXPECTED}; found {}", listed(&found)))
        );
    }
    let training: Vec<&str> = transfer.left().filter(|name| is_of_training(name)).collect();
    if !training.is_empty() {
        training.iter().for_each(|name| transfer.left_out(name));
        transfer.note(format!("variables of training are left out: {}", listed(&training)));
    }
    let what = if dialect == Dialect::Burn { "a file of Burn" } else { "a file of flax" };
    let layers = layers(&transfer, &cells)?;
    assembly::check_depth(&transfer, layers.len())?;
    let layers = ordered(&mut transfer, &names, layers)?;
    let mut chain = Vec::new();
    for (name, directions) in &layers {
        chain.push(take_layer(&mut transfer, &names, (name, directions), chain.len(), what, hints)?);
    }
    let layers = assembly::chained(&transfer, chain, false)?;
    let (embedding, head) = take_ends(&mut transfer, &layers)?;
    let found = Found { embedding, layers, head };
    let beside = Beside { what, own: None, activations: false, reads: None, adds_forget_bias: false };
    let mut imported = assembly::model(transfer, found, hints, &beside, EXPECTED)?;
    imported.report.assumed = assembly::assumed(&imported.model, hints);
    Ok(imported)
}

/// An optimizer's variables and counters.
fn is_of_training(name: &str) -> bool {
    name.split(['/', '.']).any(|part| ["opt_state", "optimizer", "step", "epoch", "rngs"].contains(&part))
}

/// A layer: its name, and the cells of its directions.
type Directions<'a> = (String, Vec<&'a Cell>);

fn layers<'a>(transfer: &Transfer<'_>, cells: &'a [Cell]) -> Result<Vec<Directions<'a>>, Error> {
    let mut layers: BTreeMap<String, [Option<&Cell>; 2]> = BTreeMap::new();
    for cell in cells {
        let (name, place) = direction(&cell.prefix).unwrap_or((cell.prefix.trim_end_matches('.'), 0));
        layers.entry(name.to_owned()).or_default()[place] = Some(cell);
    }
    let mut all = Vec::new();
    for (name, of) in layers {
        let [forward, backward] = of;
        let cells: Vec<&Cell> = [forward, backward].into_iter().flatten().collect();
        let is_direction = cells.iter().any(|cell| direction(&cell.prefix).is_some());
        if is_direction && cells.len() != 2 {
            return Err(transfer.refused(name, "it has one of two directions; expected both"));
        }
        all.push((name, cells));
    }
    all.sort_by(|(a, _), (b, _)| pieces(a).cmp(&pieces(b)));
    Ok(all)
}

/// The layers in the order that numbers in their names tell, or the only one that sizes allow.
fn ordered<'a>(
    transfer: &mut Transfer<'_>,
    names: &Names<'_>,
    layers: Vec<Directions<'a>>,
) -> Result<Vec<Directions<'a>>, Error> {
    if layers.len() < 2 {
        return Ok(layers);
    }
    let how = if layers.windows(2).all(|pair| is_numbered(&pair[0].0, &pair[1].0)) {
        (layers, "the order of their names")
    } else {
        let size = |of: &Directions<'_>| {
            let cell = of.1.first()?;
            let array = |part: &str| transfer.get(&names.of(&format!("{}{part}.{}", cell.prefix, cell.form.matrix())));
            let (input, state) = (array(cell.form.input[0])?, array(cell.form.state[0])?);
            Some((*input.shape.first()?, state.shape.first()?.saturating_mul(of.1.len())))
        };
        let Some(sizes) = layers.iter().map(size).collect::<Option<Vec<_>>>() else { return Ok(layers) };
        let heads: BTreeSet<usize> =
            transfer.left().filter_map(|name| transfer.get(name)?.shape.first().copied()).collect();
        match only_order(&sizes, &heads) {
            Ok(order) => {
                let mut layers: Vec<Option<Directions<'_>>> = layers.into_iter().map(Some).collect();
                (
                    order.into_iter().filter_map(|at| layers[at].take()).collect(),
                    "the only order that their sizes allow",
                )
            }
            Err(several) => {
                let names: Vec<&str> = layers.iter().map(|(name, _)| name.as_str()).collect();
                let fits = if several { "fit in several orders" } else { "fit in none" };
                let why = format!(
                    "the names have no numbers that tell the order of the layers, and their sizes {fits}; name them with \
                     numbers, as lstm_0 and lstm_1"
                );
                return Err(transfer.refused(listed(&names), why));
            }
        }
    };
    let names: Vec<&str> = how.0.iter().map(|(name, _)| name.as_str()).collect();
    transfer.note(format!("layers were taken to follow each other in {}: {}", how.1, names.join(", ")));
    Ok(how.0)
}

fn take_layer(
    transfer: &mut Transfer<'_>,
    names: &Names<'_>,
    (name, directions): (&str, &[&Cell]),
    index: usize,
    what: &str,
    hints: &Hints,
) -> Result<Named, Error> {
    let mut cells = Vec::new();
    for (direction, cell) in directions.iter().enumerate() {
        let ours = array_prefix(index, directions.len(), direction);
        cells.push(take_cell(transfer, names, cell, &ours, what, hints)?);
    }
    if let [first, second] = &cells[..]
        && (assembly::sizes(first) != assembly::sizes(second) || first.get().name() != second.get().name())
    {
        return Err(transfer.refused(name, "its two directions have different kinds or sizes"));
    }
    let mut cells = cells.into_iter();
    let Some(cell) = cells.next() else { return Err(transfer.refused(name, "it has no cell")) };
    let bidirectional = cells.next().map(|_| Merge::Concat);
    Ok(Named { name: name.to_owned(), layer: Layer { bidirectional, ..Layer::new(cell) } })
}

/// The arrays of a cell: those of its gates side by side.
fn take_cell(
    transfer: &mut Transfer<'_>,
    names: &Names<'_>,
    Cell { prefix, form }: &Cell,
    ours: &str,
    what: &str,
    hints: &Hints,
) -> Result<AnyCell, Error> {
    let all = |layers: &[&str], leaf: &str| -> Vec<String> {
        layers.iter().map(|layer| names.of(&format!("{prefix}{layer}.{leaf}"))).collect()
    };
    let [from_input, from_state] = [form.input, form.state].map(|layers| all(layers, form.matrix()));
    let (input, width) = shape(transfer, &from_input[0])?;
    let (hidden, _) = shape(transfer, &from_state[0])?;
    let joined = form.input.len();
    let gates = if joined == 1 { width / hidden } else { joined };
    if width * joined != gates * hidden || ![1, 3, 4].contains(&gates) {
        let why = format!("it has {width} columns, and {} makes {hidden} units: these do not fit", from_state[0]);
        return Err(transfer.refused(&from_input[0], why));
    }
    for (sources, to, rows) in [(&from_input, "kernel", input), (&from_state, "recurrent_kernel", hidden)] {
        let mut arrays = Vec::new();
        for source in sources {
            arrays.push(transfer.array(source, &[rows, width])?);
        }
        let array = beside(&arrays);
        let changes = if joined > 1 { &[Change::Joined][..] } else { &[] };
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        transfer.moved(&sources, [(format!("{ours}{to}"), array)], changes);
    }
    take_biases(transfer, form, [all(form.input, "bias"), all(form.state, "bias")], ours, [hidden, gates, width])?;
    Ok(match gates {
        1 => AnyCell::Rnn(Rnn::new(input, hidden).activation(assembly::activation(
            transfer,
            what,
            hints,
            hints.like.as_ref(),
        ))),
        3 => {
            transfer.note(format!("{what} does not say where a GRU resets: after the product was taken"));
            AnyCell::Gru(Gru::new(input, hidden))
        }
        _ => AnyCell::Lstm(Lstm::new(input, hidden)),
    })
}

fn shape(transfer: &Transfer<'_>, name: &str) -> Result<(usize, usize), Error> {
    let array = transfer.matrix(name)?;
    Ok((array.shape[0], array.shape[1]))
}

/// Biases of the input and of the state, of which some gates may have none: they are only ever added, but for b_hn of a
/// GRU, which r scales.
fn take_biases(
    transfer: &mut Transfer<'_>,
    form: &Form,
    names: [Vec<String>; 2],
    ours: &str,
    [hidden, gates, width]: [usize; 3],
) -> Result<(), Error> {
    let mut sums = Vec::new();
    let mut there = Vec::new();
    for names in &names {
        let mut parts = Vec::new();
        for name in names {
            match transfer.get(name) {
                Some(_) => {
                    parts.push(transfer.array(name, &[width])?.clone());
                    there.push(name.as_str());
                }
                None => parts.push(zeros(&[width])),
            }
        }
        sums.push(beside(&parts.iter().collect::<Vec<_>>()));
    }
    let [from_input, from_state] = &sums[..] else { return Ok(()) };
    if there.is_empty() {
        transfer.note(format!("the cell of {} has no bias: zeros were taken", form.dialect));
    }
    let bias = format!("{ours}bias");
    let mut changes = if there.len() > 1 && form.input.len() > 1 { vec![Change::Joined] } else { Vec::new() };
    if gates == 3 {
        let (sum, candidate, change) = biases::but_candidate(from_input, from_state);
        changes.extend([Change::Split, change]);
        let to = [(bias, sum), (format!("{ours}recurrent_bias"), candidate)];
        debug_assert_eq!(to[1].1.data.len(), hidden);
        transfer.moved(&there, to, &changes);
    } else {
        let (sum, change) = biases::summed(from_input, from_state);
        // A bias that is there for one side alone goes as it is.
        if change != Change::Zeros || there.is_empty() {
            changes.push(change);
        }
        transfer.moved(&there, [(bias, sum)], &changes);
    }
    Ok(())
}

/// The embedding and the head: what is left.
fn take_ends(transfer: &mut Transfer<'_>, layers: &[Layer]) -> Result<(Option<Embedding>, (usize, usize)), Error> {
    let left: Vec<&str> = transfer.left().collect();
    let mut matrices = Vec::new();
    for name in left {
        let Some(array) = transfer.get(name) else { continue };
        let start = ["weight", "kernel", "embedding"].iter().find_map(|leaf| name.strip_suffix(leaf));
        if let (Some(start), &[rows, width]) = (start, &array.shape[..])
            && rows > 0
            && width > 0
        {
            let bias = Some(format!("{start}bias")).filter(|bias| transfer.get(bias).is_some());
            matrices.push(Matrix { name, bias, input: rows, vector: width, shape: &array.shape });
        }
    }
    let first = layers.first().map_or(0, Layer::input);
    let (embedding, head) = ends(&matrices, first, &assembly::widths(layers.last(), false))
        .map_err(|why| transfer.refused("what is no recurrent cell", why))?;
    let embedding = take_embedding(transfer, embedding.as_ref())?;
    let array = transfer.matrix(head.name)?;
    let (width, outputs) = (array.shape[0], array.shape[1]);
    transfer.moved(&[head.name], [("head.kernel".into(), array.clone())], &[]);
    take_head_bias(transfer, head.name, head.bias.as_deref(), outputs)?;
    Ok((embedding, (width, outputs)))
}
