//! The batches with which a graph is run and compared.

use std::collections::BTreeSet;

use elman::{Layer, Model, Purpose, Random, Stack};
use elman_formats::onnx::{Graph, Tensor};
use ndarray::Array3;

/// Largest whole number of a graph that is looked at as a number of steps: what is done with longer sequences alone does
/// not show.
const STEPS_MAX: i64 = 4096;

/// Largest one that is looked at as a number of rows.
const ROWS_MAX: i64 = 64;

/// Most numbers of a graph that are looked at.
const THRESHOLDS_MAX: usize = 12;

/// An axis of a graph's sequences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Length {
    /// The graph fixes it.
    Fixed(usize),
    /// The first axis of its input, which is open.
    First,
    /// The second one.
    Second,
}

/// What is put into the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Filling {
    /// Normally distributed, of that deviation.
    Of(f32),
    /// The same of deviation 1, with one element that is no number.
    Nan,
}

/// One batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Batch {
    pub(super) rows: usize,
    pub(super) steps: usize,
    pub(super) filling: Filling,
    /// `[B]`, from 1 to T.
    pub(super) lengths: Vec<usize>,
}

impl Batch {
    /// The same with the steps that windows of these layers leave.
    pub(super) fn behind(&self, layers: &[Layer]) -> Batch {
        let left = |steps: usize| {
            layers.iter().filter_map(|layer| layer.window).fold(steps, |steps, window| window.count(steps))
        };
        Batch {
            steps: left(self.steps),
            lengths: self.lengths.iter().map(|&length| left(length)).collect(),
            ..self.clone()
        }
    }
}

/// Rows, steps and deviation of the batches that every graph is run with, the cheap ones first: rows are never steps, but
/// where a graph makes them so.
const BASE: [(usize, usize, f32); 10] = [
    (3, 5, 1.0),
    (4, 7, 0.1),
    (5, 3, 50.0),
    (7, 2, 1.0),
    (2, 12, 5.0),
    (1, 6, 1.0),
    (4, 1, 1.0),
    (17, 3, 1.0),
    (3, 21, 1.0),
    (2, 33, 1.0),
];

/// Those of a large model, the first two.
const SMALL: [(usize, usize, f32); 2] = [(2, 3, 1.0), (3, 2, 5.0)];

/// The batches for a graph of which some axes are fixed, with lengths of rows or whole ones; rows of `least` steps have one left
/// behind windows.
pub(super) fn batches(
    graph: &Graph,
    steps: Length,
    rows: Length,
    lengths: bool,
    tokens: bool,
    large: bool,
    least: usize,
) -> Vec<Batch> {
    let mut all: Vec<(usize, usize, Filling)> = Vec::new();
    let mut add = |of_rows: usize, of_steps: usize, filling: Filling| {
        let of_rows = if let Length::Fixed(fixed) = rows { fixed } else { of_rows };
        let of_steps = match steps {
            Length::Fixed(fixed) => fixed,
            steps if steps == rows => of_rows.max(least),
            _ => of_steps + least - 1,
        };
        let filling = if tokens { Filling::Of(1.0) } else { filling };
        // Tokens and fixed shapes are drawn anew a few times.
        let known = all.iter().filter(|batch| **batch == (of_rows, of_steps, filling)).count();
        if known < 2 {
            all.push((of_rows, of_steps, filling));
        }
    };
    if large {
        SMALL.iter().for_each(|&(rows, steps, scale)| add(rows, steps, Filling::Of(scale)));
    }
    BASE.iter().for_each(|&(rows, steps, scale)| add(rows, steps, Filling::Of(scale)));
    if !tokens {
        add(3, 6, Filling::Nan);
    }
    for number in thresholds(graph) {
        let longer = (number + 1) as usize;
        if number <= ROWS_MAX && !matches!(rows, Length::Fixed(_)) && !(2..=16).contains(&number) {
            add(longer, 2, Filling::Of(1.0));
        }
        if !matches!(steps, Length::Fixed(_)) {
            add(2, longer - 1, Filling::Of(1.0));
            add(2, longer, Filling::Of(1.0));
        }
    }
    let mut shorter = false;
    all.into_iter()
        .map(|(rows, steps, filling)| {
            // Every second batch has rows that are all shorter than its steps.
            shorter = !shorter;
            let most = if shorter && lengths { steps } else { (steps * 3).div_ceil(4) };
            let room = most.saturating_sub(least) + 1;
            let length = |row: usize| match lengths {
                true => (least + (room - 1 + row * 5) % room).min(steps),
                false => steps,
            };
            Batch { rows, steps, filling, lengths: (0..rows).map(length).collect() }
        })
        .collect()
}

/// The whole numbers that a graph knows, and the lengths of the tables that it cuts or computes with: past one of these it
/// may do something else.
fn thresholds(graph: &Graph) -> Vec<i64> {
    let mut found = BTreeSet::new();
    let mut note = |number: i64| {
        if let Some(number) = number.checked_abs().filter(|number| (2..=STEPS_MAX).contains(number)) {
            found.insert(number);
        }
    };
    // Lists of more numbers are no bounds of axes.
    let ints = |tensor: &Tensor| -> Vec<i64> {
        let count = tensor.dims.iter().try_fold(1_i64, |count, &length| count.checked_mul(length));
        if count.is_none_or(|count| count > 8) {
            return Vec::new();
        }
        let raw = tensor.raw_data.as_deref().unwrap_or_default();
        match tensor.data_type {
            7 => raw
                .as_chunks::<8>()
                .0
                .iter()
                .map(|&bytes| i64::from_le_bytes(bytes))
                .chain(tensor.int64_data.iter().copied())
                .collect(),
            6 => raw
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&bytes| i64::from(i32::from_le_bytes(bytes)))
                .chain(tensor.int32_data.iter().map(|&number| number.into()))
                .collect(),
            _ => Vec::new(),
        }
    };
    let computes = |op: &str| matches!(op, "Slice" | "Mul" | "Add" | "Sub" | "Div" | "Where" | "Expand");
    let cut: BTreeSet<&str> = graph
        .node
        .iter()
        .filter(|node| computes(&node.op_type))
        .flat_map(|node| node.input.iter().map(String::as_str))
        .collect();
    let mut tensor = |name: &str, tensor: &Tensor| {
        ints(tensor).into_iter().for_each(&mut note);
        if cut.contains(name) {
            tensor.dims.iter().copied().for_each(&mut note);
        }
    };
    graph.initializer.iter().for_each(|constant| tensor(&constant.name, constant));
    let named = |node: &'_ elman_formats::onnx::Node| node.output.first().cloned().unwrap_or_default();
    for node in &graph.node {
        for attribute in &node.attribute {
            if let Some(constant) = &attribute.t {
                tensor(&named(node), constant);
            }
        }
    }
    for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
        let says = ["value_int", "value_ints", "starts", "ends", "split", "shape"];
        if says.contains(&attribute.name.as_str()) {
            attribute.i.iter().chain(&attribute.ints).copied().for_each(&mut note);
        }
    }
    let all: Vec<i64> = found.into_iter().collect();
    // The small ones, and the largest.
    match all.len() {
        0..=THRESHOLDS_MAX => all,
        more => [&all[..THRESHOLDS_MAX - 1], &all[more - 1..]].concat(),
    }
}

/// The sequences of a batch [B, T, I], or its tokens [B, T, 1].
pub(super) fn sequences(batch: &Batch, stack: &Stack, random: &mut Random) -> Array3<f32> {
    let (rows, steps) = (batch.rows, batch.steps);
    let mut xs = match stack.embedding {
        Some(embedding) => {
            Array3::from_shape_simple_fn((rows, steps, 1), || random.below(embedding.tokens as u32) as f32)
        }
        None => numbers(batch, stack.input(), random),
    };
    // The first token and the last are there.
    if let (Some(embedding), Some([first, .., last])) = (stack.embedding, xs.as_slice_mut()) {
        (*first, *last) = ((embedding.tokens - 1) as f32, 0.0);
    }
    xs
}

/// What fills a batch, [B, T, `width`].
pub(super) fn numbers(batch: &Batch, width: usize, random: &mut Random) -> Array3<f32> {
    let scale = if let Filling::Of(scale) = batch.filling { scale } else { 1.0 };
    let mut xs = Array3::from_shape_simple_fn((batch.rows, batch.steps, width), || scale * random.normal() as f32);
    if let (Filling::Nan, Some([first, ..])) = (batch.filling, xs.as_slice_mut()) {
        *first = f32::NAN;
    }
    xs
}

/// A stream of numbers of its own for each model of a size.
pub(super) fn random(model: &Model) -> Random {
    Random::new(model.parameter_count() as u64, Purpose::Data)
}
