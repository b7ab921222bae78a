//! From variables.

use std::collections::BTreeMap;

use elman::{AnyCell, Config, Embedding, Layer, Merge, Reads, array_prefix};
use elman_formats::{Array, numpy, tensorflow};
use elman_kernels::{Gru, Lstm, Reset, Rnn};

use super::names::{self, Kind, Scopes, bare};
use super::{CONFIG, GATES, ORDER, PARTNER, SCALING};
use crate::Error;
use crate::arrays::{beside, reordered, reshaped, rows, stacked};
use crate::assembly::{self, Beside, Found, Named};
use crate::ends::{Matrix, ends, take_embedding, take_head_bias};
use crate::report::Change;
use crate::transfer::{Transfer, listed};
use crate::{Hints, Imported, units};

/// What such a file is called in notes.
const WHAT: &str = "a file of variables";

/// What is read, for who has variables that are not.
const EXPECTED: &str = "the variables of basic_rnn_cell, lstm_cell, basic_lstm_cell or gru_cell (kernel, bias, w_i_diag, \
                        projection/kernel, gates/kernel, candidate/kernel), an embedding, and a dense layer (dense/kernel, \
                        dense/bias)";

/// Makes a model of the variables of a checkpoint, as [`import`] does.
///
/// # Errors
/// As [`import`].
pub fn import_checkpoint(checkpoint: &tensorflow::Checkpoint, hints: &Hints) -> Result<Imported, Error> {
    let mut imported = import(&checkpoint.variables, hints)?;
    imported.report.widened(&checkpoint.halves);
    Ok(imported)
}

/// Makes a model of the variables of a graph, those of optimizers left out: cells in the order of their names, an embedding
/// or none, and a head. A file that [`export`](super::export()) made gives back the model it was made of.
///
/// # Errors
/// If variables are missing, unknown, of another type than `f32` or of shapes that do not fit each other: which, with what
/// was expected and found.
pub fn import(file: &BTreeMap<String, numpy::Array>, hints: &Hints) -> Result<Imported, Error> {
    let (variables, own) = variables(file)?;
    let given = hints;
    let hints = &Hints {
        // What export made has it in the bias.
        forget_bias: hints.forget_bias.or(own.is_some().then_some(0.0)),
        like: hints.like.clone().or(own.clone()),
        ..hints.clone()
    };
    let mut transfer = Transfer::taken_from(PARTNER, &variables);
    units::taken(&mut transfer, SCALING, hints.like.as_ref())?;
    // By bare name, the name in the file.
    let names: BTreeMap<&str, &str> = variables.keys().map(|name| (bare(name), name.as_str())).collect();
    let training: Vec<&str> =
        names.keys().filter(|name| names::is_of_training(name, |scope| names.contains_key(scope))).copied().collect();
    if !training.is_empty() {
        training.iter().for_each(|name| transfer.left_out(names[name]));
        transfer.note(format!("variables of training are left out: {}", listed(&training)));
    }
    let layers = names::layers(transfer.left().map(bare)).map_err(|(what, why)| transfer.refused(what, why))?;
    if layers.is_empty() {
        let left: Vec<&str> = transfer.left().collect();
        let why = format!("it has no recurrent cell; expected {EXPECTED}; found {}", listed(&left));
        return Err(transfer.refused("the file", why));
    }
    assembly::check_depth(&transfer, layers.len())?;
    note_order(&mut transfer, &layers);
    let mut chain = Vec::new();
    for scopes in &layers {
        chain.push(take_layer(&mut transfer, &names, scopes, chain.len(), hints)?);
    }
    let layers = assembly::chained(&transfer, chain, true)?;
    note_unsaid(&mut transfer, &layers, hints);
    let (embedding, head) = take_ends(&mut transfer, &names, &layers)?;
    let found = Found { embedding, layers, head };
    let beside = Beside { what: WHAT, own: own.as_ref(), activations: false, reads: None, adds_forget_bias: true };
    let mut imported = assembly::model(transfer, found, given, &beside, EXPECTED)?;
    if own.is_none() {
        imported.report.assumed = assembly::assumed(&imported.model, given);
    }
    let head_on_both = imported.model.stack().layers.last().is_some_and(|layer| layer.bidirectional.is_some());
    if head_on_both && imported.model.head().reads == Reads::LastState {
        imported
            .report
            .notes
            .push("the head reads the last states of both directions side by side, forward first".into());
    }
    Ok(imported)
}

/// The variables, and our configuration where one stands beside them. A whole number, as `global_step`, becomes the nearest
/// float: none is a part of a model.
fn variables(file: &BTreeMap<String, numpy::Array>) -> Result<(BTreeMap<String, Array>, Option<Config>), Error> {
    let refused =
        |what: &str, why: String| Error::Exchange { verb: "taken from", partner: PARTNER, what: what.into(), why };
    let (mut variables, mut config) = (BTreeMap::new(), None);
    for (name, numpy::Array { shape, values }) in file {
        let data = match values {
            numpy::Values::F32(data) => data.clone(),
            numpy::Values::I32(data) => data.iter().map(|&x| x as f32).collect(),
            numpy::Values::I64(data) => data.iter().map(|&x| x as f32).collect(),
            numpy::Values::Text(lines) if name == CONFIG && lines.len() == 1 => {
                config = Some(Config::parse(&lines[0]).map_err(|why| refused(name, why))?);
                continue;
            }
            other => return Err(refused(name, format!("its type is {}; expected f32", other.type_name()))),
        };
        variables.insert(name.clone(), Array { shape: shape.clone(), data });
    }
    Ok((variables, config))
}

/// Notes that the order of layers in several scopes is that of the names; in one `MultiRNNCell` it is the numbers'.
fn note_order(transfer: &mut Transfer<'_>, layers: &[Scopes]) {
    let stack = |scopes: &Scopes| scopes.name.rsplit_once("/cell_").map(|(stack, _)| stack.to_owned());
    let first = layers.first().and_then(stack);
    if layers.len() > 1 && !(first.is_some() && layers.iter().all(|layer| stack(layer) == first)) {
        let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        transfer
            .note(format!("layers were taken to follow each other in the order of their names: {}", names.join(", ")));
    }
}

/// Notes what variables do not hold and could have been there.
fn note_unsaid(transfer: &mut Transfer<'_>, layers: &[Layer], hints: &Hints) {
    let has_lstm = layers.iter().any(|layer| matches!(layer.cell, AnyCell::Lstm(_)));
    if has_lstm && hints.forget_bias.is_none() {
        transfer.note(format!(
            "{WHAT} does not say the forget_bias that TensorFlow adds while it runs: 1 was taken; give --forget-bias otherwise"
        ));
    }
    if has_lstm && hints.like.is_none() {
        transfer.note(format!(
            "{WHAT} does not say whether an LSTM clips its cell or its projection: none was taken to; give --like with a \
             model that does otherwise"
        ));
    }
    if hints.like.is_none() && layers.iter().any(|layer| layer.input() == layer.output()) {
        transfer.note(format!(
            "{WHAT} does not say whether a layer is in a ResidualWrapper: none was taken to be; give --like with a model \
             that has residual layers otherwise"
        ));
    }
}

/// A variable of a cell: its name in the file, or the name that it should have there.
fn named(names: &BTreeMap<&str, &str>, scope: &str, variable: &str) -> String {
    let name = format!("{scope}/{variable}");
    names.get(name.as_str()).map_or(name, |&name| name.to_owned())
}

fn take_layer(
    transfer: &mut Transfer<'_>,
    names: &BTreeMap<&str, &str>,
    scopes: &Scopes,
    index: usize,
    hints: &Hints,
) -> Result<Named, Error> {
    let directions = scopes.cells.len();
    let mut cells = Vec::new();
    for (direction, scope) in scopes.cells.iter().enumerate() {
        let ours = array_prefix(index, directions, direction);
        let name = |variable: &str| named(names, scope, variable);
        cells.push(match scopes.kind {
            Kind::Rnn => {
                let activation = assembly::activation(transfer, WHAT, hints, hints.like.as_ref());
                let (input, hidden) = take_joint(transfer, [name("kernel"), name("bias")], &ours)?;
                AnyCell::Rnn(Rnn::new(input, hidden).activation(activation))
            }
            Kind::Lstm => AnyCell::Lstm(take_lstm(transfer, &name, &ours, hints)?),
            Kind::Gru => AnyCell::Gru(take_gru(transfer, &name, &ours)?),
        });
    }
    if let [first, second] = &cells[..]
        && assembly::sizes(first) != assembly::sizes(second)
    {
        return Err(transfer.refused(&scopes.name, "its two directions have different sizes"));
    }
    let mut cells = cells.into_iter();
    let Some(cell) = cells.next() else { return Err(transfer.refused(&scopes.name, "it has no cell")) };
    let bidirectional = cells.next().map(|_| Merge::Concat);
    Ok(Named { name: scopes.name.clone(), layer: Layer { bidirectional, ..Layer::new(cell) } })
}

/// I of a joint kernel, which has `state` rows more, and a bias of its columns.
fn joint_input(transfer: &Transfer<'_>, kernel: &str, state: usize, columns: usize) -> Result<usize, Error> {
    let array = transfer.matrix(kernel)?;
    if array.shape[1] == columns && array.shape[0] > state {
        return Ok(array.shape[0] - state);
    }
    let why = format!("it has shape {:?}; expected [I + {state}, {columns}], an input of at least 1", array.shape);
    Err(transfer.refused(kernel, why))
}

/// The length of a vector.
fn length(transfer: &Transfer<'_>, name: &str) -> Result<usize, Error> {
    match transfer.get(name).map(|array| &array.shape[..]) {
        Some(&[length]) if length > 0 => transfer.array(name, &[length]).map(|_| length),
        Some(&[1, length]) => Err(transfer.refused(name, format!("it has shape [1, {length}]; expected [{length}]"))),
        Some(shape) => Err(transfer.refused(name, format!("it has shape {shape:?}; expected a vector"))),
        None => transfer.array(name, &[]).map(|_| 0),
    }
}

/// The kernel and bias of a cell of one gate.
fn take_joint(transfer: &mut Transfer<'_>, [kernel, bias]: [String; 2], ours: &str) -> Result<(usize, usize), Error> {
    let hidden = length(transfer, &bias)?;
    let input = joint_input(transfer, &kernel, hidden, hidden)?;
    let joint = transfer.matrix(&kernel)?;
    let to = [
        (format!("{ours}kernel"), rows(joint, 0, input)),
        (format!("{ours}recurrent_kernel"), rows(joint, input, input + hidden)),
    ];
    transfer.moved(&[&kernel], to, &[Change::Split]);
    let array = transfer.array(&bias, &[hidden])?.clone();
    transfer.moved(&[&bias], [(format!("{ours}bias"), array)], &[]);
    Ok((input, hidden))
}

fn take_lstm(
    transfer: &mut Transfer<'_>,
    name: &dyn Fn(&str) -> String,
    ours: &str,
    hints: &Hints,
) -> Result<Lstm, Error> {
    let [kernel, bias, projection] = ["kernel", "bias", "projection/kernel"].map(name);
    let diagonals = ["w_i_diag", "w_f_diag", "w_o_diag"].map(name);
    let width = length(transfer, &bias)?;
    if !width.is_multiple_of(4) {
        return Err(transfer.refused(bias, format!("it has {width} numbers; expected 4 gates of as many units")));
    }
    let hidden = width / 4;
    let projected = match transfer.get(&projection) {
        Some(_) => Some(transfer.matrix(&projection)?),
        None => None,
    };
    if let Some(array) = projected
        && array.shape[0] != hidden
    {
        let why = format!("it has shape {:?}; expected [{hidden}, P], by {bias}", array.shape);
        return Err(transfer.refused(projection, why));
    }
    let output = projected.map_or(hidden, |array| array.shape[1]);
    let input = joint_input(transfer, &kernel, output, width)?;
    let gates = Change::Gates { from: GATES.0, to: GATES.1 };
    let joint = reordered(transfer.matrix(&kernel)?, &ORDER);
    let to = [
        (format!("{ours}kernel"), rows(&joint, 0, input)),
        (format!("{ours}recurrent_kernel"), rows(&joint, input, input + output)),
    ];
    transfer.moved(&[&kernel], to, &[Change::Split, gates.clone()]);

    let mut array = reordered(transfer.array(&bias, &[width])?, &ORDER);
    let forget_bias = hints.forget_bias.unwrap_or(1.0);
    let mut changes = vec![gates];
    if forget_bias != 0.0 {
        array.data[hidden..2 * hidden].iter_mut().for_each(|b| *b += forget_bias);
        changes.push(Change::Constant { to: "the forget gate's bias", value: forget_bias });
    }
    transfer.moved(&[&bias], [(format!("{ours}bias"), array)], &changes);
    if let Some(array) = projected {
        transfer.moved(&[&projection], [(format!("{ours}projection"), array.clone())], &[]);
    }
    let peepholes = diagonals.iter().any(|name| transfer.get(name).is_some());
    if peepholes {
        let mut rows = Vec::new();
        for name in &diagonals {
            rows.push(reshaped(transfer.array(name, &[hidden])?, &[1, hidden]));
        }
        let joined = stacked(&rows.iter().collect::<Vec<_>>());
        let from = diagonals.each_ref().map(String::as_str);
        transfer.moved(&from, [(format!("{ours}peepholes"), joined)], &[Change::Joined]);
    }
    Ok(Lstm { projection: projected.map(|_| output), peepholes, ..Lstm::new(input, hidden) })
}

fn take_gru(transfer: &mut Transfer<'_>, name: &dyn Fn(&str) -> String, ours: &str) -> Result<Gru, Error> {
    let [gates, gates_bias, candidate, bias] =
        ["gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias"].map(name);
    let hidden = length(transfer, &bias)?;
    let input = joint_input(transfer, &candidate, hidden, hidden)?;
    let both = [
        transfer.array(&gates, &[input + hidden, 2 * hidden])?,
        transfer.array(&candidate, &[input + hidden, hidden])?,
    ];
    let joint = beside(&both);
    let to = [
        (format!("{ours}kernel"), rows(&joint, 0, input)),
        (format!("{ours}recurrent_kernel"), rows(&joint, input, input + hidden)),
    ];
    transfer.moved(&[&gates, &candidate], to, &[Change::Split, Change::Joined]);
    let joint = beside(&[transfer.array(&gates_bias, &[2 * hidden])?, transfer.array(&bias, &[hidden])?]);
    transfer.moved(&[&gates_bias, &bias], [(format!("{ours}bias"), joint)], &[Change::Joined]);
    Ok(Gru::new(input, hidden).reset(Reset::Before))
}

/// A bias that is a matrix of one row: as long as another matrix is wide.
fn row<'a>(matrices: &[Matrix<'a>]) -> Option<(&'a str, usize)> {
    let is_wide = |width: usize| matrices.iter().any(|of| of.shape[0] > 1 && of.shape[1] == width);
    matrices.iter().find(|of| of.shape[0] == 1 && is_wide(of.shape[1])).map(|of| (of.name, of.shape[1]))
}

/// The embedding and the head: what is left.
fn take_ends(
    transfer: &mut Transfer<'_>,
    names: &BTreeMap<&str, &str>,
    layers: &[Layer],
) -> Result<(Option<Embedding>, (usize, usize)), Error> {
    let left: Vec<&str> = transfer.left().collect();
    let mut matrices = Vec::new();
    for name in left {
        let Some(array) = transfer.get(name) else { continue };
        if let [input, vector] = array.shape[..]
            && input > 0
            && vector > 0
        {
            let sibling = bare(name).strip_suffix("kernel").map(|scope| format!("{scope}bias"));
            let bias = sibling.and_then(|sibling| names.get(sibling.as_str())).map(|&bias| bias.to_owned());
            matrices.push(Matrix { name, bias, input, vector, shape: &array.shape });
        }
    }
    let first = layers.first().map_or(0, Layer::input);
    let (embedding, head) =
        ends(&matrices, first, &assembly::widths(layers.last(), true)).map_err(|why| match row(&matrices) {
            Some((name, length)) => transfer
                .refused(name, format!("it has shape [1, {length}]; expected [{length}], a vector, if it is a bias")),
            None => transfer.refused("what is no recurrent cell", why),
        })?;
    let embedding = take_embedding(transfer, embedding.as_ref())?;
    let array = transfer.matrix(head.name)?;
    let (width, outputs) = (array.shape[0], array.shape[1]);
    transfer.moved(&[head.name], [("head.kernel".into(), array.clone())], &[]);
    // A bias of another name, as in W and b: the only array that is left.
    let only = transfer.left().next().filter(|_| transfer.left().count() == 1).map(str::to_owned);
    take_head_bias(transfer, head.name, head.bias.or(only).as_deref(), outputs)?;
    Ok((embedding, (width, outputs)))
}
