//! The arrays of layers on their way in.

use elman::{AnyCell, Config, Embedding, Layer, Merge, array_prefix};
use elman_formats::Array;
use elman_kernels::{Gru, Lstm, Reset, Rnn};

use super::names::Weights;
use super::parts::{Kind, Recurrent};
use super::{GATES, ORDER};
use crate::Error;
use crate::Hints;
use crate::arrays::{reordered, reshaped, rows, zeros};
use crate::assembly::{self, Named};
use crate::biases;
use crate::report::Change;
use crate::transfer::Transfer;

/// What weights alone are called in notes.
pub(super) const WEIGHTS: &str = "a file of weights alone";

/// A recurrent layer, the one with this index.
///
/// # Errors
/// If its arrays are missing, or of shapes that do not fit each other or its options.
pub(super) fn take_layer(
    transfer: &mut Transfer<'_>,
    layer: &Recurrent,
    index: usize,
    hints: &Hints,
    like: Option<&Config>,
) -> Result<Named, Error> {
    let mut cells = Vec::new();
    for (direction, weights) in layer.cells.iter().enumerate() {
        let ours = array_prefix(index, layer.cells.len(), direction);
        cells.push(take_cell(transfer, layer, weights, &ours, hints, like)?);
    }
    if let [first, second] = &cells[..]
        && (assembly::sizes(first) != assembly::sizes(second) || first.get().name() != second.get().name())
    {
        return Err(transfer.refused(&layer.name, "its two directions have different kinds or sizes"));
    }
    let mut cells = cells.into_iter();
    let Some(cell) = cells.next() else { return Err(transfer.refused(&layer.name, "it has no cell")) };
    let bidirectional = cells.next().map(|_| layer.merge.unwrap_or(Merge::Concat));
    let named = Layer { bidirectional, dropout: layer.dropout, ..Layer::new(cell) };
    Ok(Named { name: layer.name.clone(), layer: named })
}

fn take_cell(
    transfer: &mut Transfer<'_>,
    layer: &Recurrent,
    weights: &Weights,
    ours: &str,
    hints: &Hints,
    like: Option<&Config>,
) -> Result<AnyCell, Error> {
    let (kernel, recurrent) = (weights.array(0, "kernel"), weights.array(1, "recurrent_kernel"));
    let (from_input, from_state) = (transfer.matrix(&kernel)?, transfer.matrix(&recurrent)?);
    let (hidden, width) = (from_state.shape[0], from_state.shape[1]);
    if layer.units.is_some_and(|units| units != hidden) {
        let why = format!("it has {hidden} rows; expected {}, the units of {}", layer.units.unwrap_or(0), layer.name);
        return Err(transfer.refused(recurrent, why));
    }
    let kind = [Kind::Rnn, Kind::Gru, Kind::Lstm].into_iter().find(|kind| kind.gates() * hidden == width);
    let Some(kind) = kind.filter(|kind| layer.kind.is_none_or(|of| of == *kind)) else {
        let gates = layer.kind.map_or("1, 3 or 4".to_owned(), |kind| kind.gates().to_string());
        let why = format!("it has shape {:?}; expected as many columns as {gates} times its rows", from_state.shape);
        return Err(transfer.refused(recurrent, why));
    };
    let input = from_input.shape[0];
    transfer.array(&kernel, &[input, width])?;
    for (name, array, of) in [(kernel, from_input, "kernel"), (recurrent, from_state, "recurrent_kernel")] {
        let (array, changes) = gates(kind, array);
        transfer.moved(&[&name], [(format!("{ours}{of}"), array)], &changes);
    }
    let bias = weights.array(2, "bias");
    let has_bias = layer.use_bias.unwrap_or(transfer.get(&bias).is_some());
    if !has_bias {
        transfer.note(format!("{} has no bias: zeros were taken", layer.name));
    }
    if kind == Kind::Gru {
        let reset = take_gru_bias(transfer, &bias, has_bias, layer, [hidden, width], ours)?;
        let gru = Gru::new(input, hidden).reset(reset).recurrent_activation(layer.recurrent_activation);
        return Ok(AnyCell::Gru(gru.activation(layer.activation.unwrap_or_default())));
    }
    let to = format!("{ours}bias");
    match has_bias {
        true => {
            let array = transfer.array(&bias, &[width])?.clone();
            transfer.moved(&[&bias], [(to, array)], &[]);
        }
        false => transfer.moved(&[], [(to, zeros(&[width]))], &[Change::Zeros]),
    }
    Ok(match kind {
        Kind::Lstm => {
            let lstm = Lstm::new(input, hidden).recurrent_activation(layer.recurrent_activation);
            AnyCell::Lstm(lstm.activation(layer.activation.unwrap_or_default()))
        }
        _ => {
            let activation = match layer.activation {
                Some(activation) => activation,
                None => assembly::activation(transfer, WEIGHTS, hints, like),
            };
            AnyCell::Rnn(Rnn::new(input, hidden).activation(activation))
        }
    })
}

/// The gates in our order, and what was done for it.
fn gates(kind: Kind, array: &Array) -> (Array, Vec<Change>) {
    match kind {
        Kind::Gru => (reordered(array, &ORDER), vec![Change::Gates { from: GATES.0, to: GATES.1 }]),
        _ => (array.clone(), Vec::new()),
    }
}

/// The bias of a GRU, whose shape says where the reset acts: [2, 3 H] with two rows, of the input and of the state, after
/// the product, and `[3 H]` before it.
fn take_gru_bias(
    transfer: &mut Transfer<'_>,
    name: &str,
    has_bias: bool,
    layer: &Recurrent,
    [hidden, width]: [usize; 2],
    ours: &str,
) -> Result<Reset, Error> {
    let [bias, recurrent_bias] = ["bias", "recurrent_bias"].map(|of| format!("{ours}{of}"));
    let by_shape = match transfer.get(name).map(|array| array.shape.len()) {
        Some(1) => Reset::Before,
        _ => Reset::After,
    };
    let reset = layer.reset.unwrap_or(by_shape);
    let turned = Change::Gates { from: GATES.0, to: GATES.1 };
    match (has_bias, reset) {
        (true, Reset::Before) => {
            let array = reordered(transfer.array(name, &[width])?, &ORDER);
            transfer.moved(&[name], [(bias, array)], &[turned]);
        }
        (true, Reset::After) => {
            let array = reordered(transfer.array(name, &[2, width])?, &ORDER);
            let [from_input, from_state] = [0, 1].map(|row| reshaped(&rows(&array, row, row + 1), &[width]));
            let (sum, candidate, change) = biases::but_candidate(&from_input, &from_state);
            transfer.moved(&[name], [(bias, sum), (recurrent_bias, candidate)], &[turned, Change::Split, change]);
        }
        (false, Reset::Before) => transfer.moved(&[], [(bias, zeros(&[width]))], &[Change::Zeros]),
        (false, Reset::After) => {
            if layer.reset.is_none() {
                transfer.note(format!(
                    "{WEIGHTS} does not say where a GRU without a bias resets: after the product was taken"
                ));
            }
            let to = [(bias, zeros(&[width])), (recurrent_bias, zeros(&[hidden]))];
            transfer.moved(&[], to, &[Change::Zeros]);
        }
    }
    Ok(reset)
}

/// The vectors of tokens.
///
/// # Errors
/// If the array is missing, or no matrix.
pub(super) fn take_embedding(transfer: &mut Transfer<'_>, weights: &Weights) -> Result<Embedding, Error> {
    let name = weights.array(0, "embeddings");
    let array = transfer.matrix(&name)?.clone();
    let embedding = Embedding { tokens: array.shape[0], size: array.shape[1] };
    transfer.moved(&[&name], [("embedding.kernel".into(), array)], &[]);
    Ok(embedding)
}

/// Leaves out what a file has of training: an optimizer's arrays, and the states of random numbers.
pub(super) fn leave_out_training(transfer: &mut Transfer<'_>) {
    let training = |name: &&str| name.starts_with("optimizer/") || name.contains("/seed_generator/");
    let names: Vec<&str> = transfer.left().filter(training).collect();
    names.iter().for_each(|name| transfer.left_out(name));
    if names.iter().any(|name| name.starts_with("optimizer/")) {
        transfer.note("the optimizer's arrays are left out");
    }
}
