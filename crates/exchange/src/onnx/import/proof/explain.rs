//! Where a graph begins to differ from the model of its layers: what each layer and the head read is compared too.

use std::collections::{BTreeMap, HashMap};

use elman::{Head, Model, Reads, Stack};
use elman_formats::Array;
use ndarray::{Array3, ArrayView3, Axis, concatenate};

use super::batches::Batch;
use super::machine::floats;
use super::{Difference, Order, Subject, apart, filled, shape_of};
use crate::Error;
use crate::onnx::import::node::describe;
use crate::onnx::import::value::Value;
use crate::onnx::not_taken;
use crate::report::TOLERANCE;

/// Differences inside a graph may be a few times as large as those of its answers.
const INSIDE: f32 = 4.0 * TOLERANCE;

/// Most nodes that are named between two layers.
const NAMED_MAX: usize = 4;

const REMEDY: &str = "export the model without it, or exchange its weights as arrays (docs/onnx.md)";

/// The values that the layers and the head read, by name.
pub(super) fn watched(subject: &Subject<'_>) -> Vec<String> {
    let nodes = subject.ends.layers.iter().chain([&subject.ends.head]);
    nodes.filter_map(|&node| subject.graph.node.get(node)?.input.first().cloned()).collect()
}

/// The refusal of an output that has another shape than the model's.
pub(super) fn shape(
    subject: &Subject<'_>,
    batch: &Batch,
    xs: ArrayView3<'_, f32>,
    values: &HashMap<String, Value>,
    (output, why): (&str, String),
    order: Order,
) -> Result<Error, Error> {
    let why = format!("with {}: {why}", shape_of(batch.rows, batch.steps));
    Ok(match first(subject, batch, xs, values, order)? {
        Some((what, read)) => not_taken(what, format!("{read}: output {output:?}, {why}; {REMEDY}")),
        None => not_taken(format!("output {output:?}"), format!("{why}{}; {REMEDY}", way(subject, output))),
    })
}

/// The refusal of an output that differs, by the first node that reads something else than it should.
pub(super) fn difference(
    subject: &Subject<'_>,
    batch: &Batch,
    xs: ArrayView3<'_, f32>,
    values: &HashMap<String, Value>,
    found: &Difference,
    order: Order,
) -> Result<Error, Error> {
    let Difference { output, size, row, step, number, theirs, ours } = found;
    let lengths = match batch.lengths.iter().all(|&length| length == batch.steps) {
        true => String::new(),
        false => format!(" and lengths {:?}", batch.lengths),
    };
    let at = match subject.model.head().reads {
        Reads::EveryStep => format!("row {row}, step {step}, number {number}"),
        Reads::LastState | Reads::Mean | Reads::Max | Reads::Attention => format!("row {row}, number {number}"),
    };
    let numbers = format!(
        "with {}{lengths}{} the output {output:?} is {theirs}, where a model of its layers gives {ours} ({at}), {size:.1e} \
         apart; expected at most {TOLERANCE:.0e}",
        shape_of(batch.rows, batch.steps),
        filled(batch),
    );
    Ok(match first(subject, batch, xs, values, order)? {
        Some((what, why)) => not_taken(what, format!("{why}: {numbers}; {REMEDY}")),
        None => {
            let head = describe(&subject.graph.node[subject.ends.head], subject.ends.head);
            let why = format!("what the head {head} gives is changed on its way{}", way(subject, output));
            not_taken(format!("output {output:?}"), format!("{why}: {numbers}; {REMEDY}"))
        }
    })
}

/// The first node that reads something else, and what.
fn first(
    subject: &Subject<'_>,
    batch: &Batch,
    xs: ArrayView3<'_, f32>,
    values: &HashMap<String, Value>,
    order: Order,
) -> Result<Option<(String, String)>, Error> {
    let nodes = &subject.graph.node;
    let name = |at: usize| describe(&nodes[at], at);
    let mut before = format!("the graph's input {:?}", subject.graph.input[subject.ends.data].name);
    for (depth, &at) in subject.ends.layers.iter().enumerate() {
        let Some(node) = nodes.get(at) else { return Ok(None) };
        // What the others read may stand in any order of axes.
        if !matches!(node.op_type.as_str(), "RNN" | "LSTM" | "GRU") {
            before = format!("what {} gives", name(at));
            continue;
        }
        let expected = outputs(subject.model, depth, xs, batch)?.0;
        let batch = &batch.behind(&subject.model.stack().layers[..depth]);
        let rows_first = node.attribute.iter().any(|attribute| attribute.name == "layout" && attribute.i == Some(1));
        let order = if rows_first { Order::Rows } else { Order::Steps };
        let read = node.input.first().and_then(|input| values.get(input));
        if read.is_some_and(|read| !agrees(read, &expected, batch, &[order])) {
            let path = node.input.first().map(|input| way(subject, input)).unwrap_or_default();
            return Ok(Some((name(at), format!("what it reads is not {before}, step by step{path}"))));
        }
        before = format!("the outputs of {}", name(at));
    }
    let head = subject.ends.head;
    let Some(node) = nodes.get(head) else { return Ok(None) };
    let (expected, last) = outputs(subject.model, subject.model.stack().layers.len(), xs, batch)?;
    let read = node.input.first().and_then(|input| values.get(input));
    let batch = &batch.behind(&subject.model.stack().layers);
    let (agrees, what) = match (subject.model.head().reads, read) {
        // What takes steps together has no one place of its own.
        (_, None) | (Reads::Mean | Reads::Max | Reads::Attention, _) => (true, ""),
        (Reads::EveryStep, Some(read)) => {
            (agrees(read, &expected, batch, &[order, Order::Rows, Order::Steps]), "outputs")
        }
        (Reads::LastState, Some(read)) => {
            let one = Batch { steps: 1, lengths: vec![1; batch.rows], ..batch.clone() };
            (agrees(read, &last, &one, &[Order::Rows]), "final state")
        }
    };
    let last = subject.ends.layers.last().map_or_else(|| "the last layer".into(), |&at| name(at));
    let path = node.input.first().map(|input| way(subject, input)).unwrap_or_default();
    Ok((!agrees).then(|| (name(head), format!("what it reads is not the {what} of {last}, row by row{path}"))))
}

/// Whether a value holds [B, T, F] in one of some orders, up to each row's end.
fn agrees(value: &Value, expected: &Array3<f32>, batch: &Batch, orders: &[Order]) -> bool {
    let Ok(found) = floats(value) else { return false };
    let width = expected.dim().2;
    found.len() == expected.len()
        && orders.iter().any(|order| {
            expected.indexed_iter().filter(|((row, step, _), _)| *step < batch.lengths[*row]).all(
                |((row, step, unit), &ours)| apart(found[order.place(row, step, batch, width) + unit], ours) <= INSIDE,
            )
        })
}

/// What some first layers of a model give: outputs [B, T, O], and the final states side by side [B, 1, D H].
fn outputs(
    model: &Model,
    depth: usize,
    xs: ArrayView3<'_, f32>,
    batch: &Batch,
) -> Result<(Array3<f32>, Array3<f32>), Error> {
    let arrays = model.arrays();
    if depth == 0 {
        let Some(table) = arrays.get("embedding.kernel").filter(|_| model.stack().embedding.is_some()) else {
            return Ok((xs.to_owned(), xs.to_owned()));
        };
        let (rows, steps, _) = xs.dim();
        let width = table.shape[1];
        let vector = |(row, step, unit): (usize, usize, usize)| table.data[xs[(row, step, 0)] as usize * width + unit];
        let vectors = Array3::from_shape_fn((rows, steps, width), vector);
        return Ok((vectors.clone(), vectors));
    }
    let stack = Stack::of(model.stack().embedding, model.stack().layers[..depth].to_vec());
    let is_below = |name: &str| {
        (0..depth).any(|index| name.starts_with(&format!("layers.{index}."))) || name.starts_with("embedding.")
    };
    let mut own: BTreeMap<String, Array> = arrays.into_iter().filter(|(name, _)| is_below(name)).collect();
    let width = stack.output();
    own.insert("head.kernel".into(), Array { shape: vec![width, 2], data: vec![0.0; 2 * width] });
    own.insert("head.bias".into(), Array { shape: vec![2], data: vec![0.0; 2] });
    let network = Model::of_arrays(stack, Head::every_step(2), &own)?.network();
    let (outputs, state) = network.dynamic_rnn(xs).sequence_length(&batch.lengths).run()?;
    let directions = model.stack().layers[depth - 1].directions();
    let last = &state.cells[state.cells.len() - directions..];
    let states: Vec<_> = last.iter().map(|cell| cell.h.view()).collect();
    let side_by_side = concatenate(Axis(1), &states)
        .map_err(|error| Error::setting("the final states", error, "those of one batch, of one number of rows"))?;
    Ok((outputs, side_by_side.insert_axis(Axis(1))))
}

/// The nodes by whose way a value came, back to the layer before, in words.
fn way(subject: &Subject<'_>, name: &str) -> String {
    let mut names = Vec::new();
    let mut name = name;
    while let Some((at, node)) =
        subject.graph.node.iter().enumerate().find(|(_, node)| node.output.iter().any(|output| output == name))
    {
        if matches!(node.op_type.as_str(), "RNN" | "LSTM" | "GRU" | "Scan" | "Conv")
            || at == subject.ends.head
            || names.len() > 64
        {
            break;
        }
        // Those that only turn axes or pass values on are rarely to blame, but nothing else says so.
        names.push(describe(node, at));
        match node.input.iter().find(|input| !subject.graph.initializer.iter().any(|tensor| tensor.name == **input)) {
            Some(input) => name = input,
            None => break,
        }
    }
    if names.is_empty() {
        return String::new();
    }
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    names.reverse();
    let others = if more > 0 { format!(" and {more} before") } else { String::new() };
    format!(" (between them: {}{others})", names.join(", "))
}
