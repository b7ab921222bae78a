//! The proof of an import: the graph is computed in numbers by a plain interpreter, and the model that was made of it by our
//! engine, on batches of many shapes. At the first output that differs the import is refused.
//!
//! T steps, B rows, I input, C outputs.

mod batches;
mod cells;
mod explain;
mod machine;
mod operators;
mod scan;
mod windows;

use std::collections::{HashMap, HashSet};

use elman::{Model, Reads};
use elman_formats::onnx::{File, Graph};
use ndarray::Array3;

pub(super) use self::batches::Length;
use self::batches::{Batch, Filling, batches, numbers, random, sequences};
use self::machine::{Machine, Precision, Stop, floats};
use super::head::Done;
use super::run::{element_type, input_shapes};
use super::value::{Value, small_count};
use crate::Error;
use crate::onnx::not_taken;
use crate::report::{Compared, TOLERANCE};
use crate::units::Units;

/// Multiplications that all batches together may take; a moved element counts as four of them. A second or so.
const WORK_MAX: u64 = 1 << 31;

/// Most rows or steps that a graph may fix.
const FIXED_MAX: usize = 1 << 16;

/// Batches that even the largest model is run with, in rows × steps.
const PLACES_MIN: u64 = 16;

/// The engine's sums have another order than the interpreter's in floats; both are that far from the exact ones, times
/// this at most, over a few layers and many steps.
const ROUNDING: f32 = 16.0;

/// Where rounding alone moves an answer by that much, relative to numbers above 1, nothing can be compared.
const ROUNDING_MAX: f32 = 1e-3;

/// What is compared: a graph, and which of its parts became which of the model's.
pub(super) struct Subject<'a> {
    pub(super) file: &'a File,
    pub(super) graph: &'a Graph,
    pub(super) opset: i64,
    pub(super) model: &'a Model,
    /// Those of the data, where the graph reads values as they stand in a table.
    pub(super) units: Option<Units>,
    pub(super) ends: Ends,
}

/// Where sequences come in, and answers out.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    /// The input of sequences or tokens.
    pub(super) data: usize,
    /// Whether its axes are rows, features, steps.
    pub(super) features_first: bool,
    /// The inputs that are lengths of rows.
    pub(super) lengths: Vec<usize>,
    pub(super) steps: Length,
    pub(super) rows: Length,
    /// Of each layer, the node of its forward direction, if there is one node.
    pub(super) layers: Vec<usize>,
    /// The node of the head's product.
    pub(super) head: usize,
    /// Names of the outputs that are the head's answers, and how far each is.
    pub(super) answers: Vec<(String, Done)>,
    /// Q, where answers in rising order come in groups of Q.
    pub(super) levels: Option<usize>,
}

/// Which of two axes comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Rows,
    Steps,
}

impl Order {
    const BOTH: [Order; 2] = [Order::Rows, Order::Steps];

    /// Whether axes of these lengths can have this order. Axes of one element in front say nothing.
    fn fits(self, shape: &[usize], batch: &Batch) -> bool {
        let (rows, steps) = (batch.rows, batch.steps);
        let mut shape = shape;
        while let [1, rest @ ..] = shape
            && rest.len() > 2
        {
            shape = rest;
        }
        if rows == 1 || steps == 1 {
            return true;
        }
        match (self, shape) {
            (_, [first, _]) if *first == rows * steps => true,
            (Order::Rows, [first, second, ..]) => *first == rows && (*second == steps || shape.len() == 2),
            (Order::Steps, [first, second, ..]) => *first == steps && *second == rows,
            _ => false,
        }
    }

    /// Where the floats of a step of a row begin, row-major.
    fn place(self, row: usize, step: usize, batch: &Batch, width: usize) -> usize {
        match self {
            Order::Rows => (row * batch.steps + step) * width,
            Order::Steps => (step * batch.rows + row) * width,
        }
    }
}

/// What a graph and a model are given.
struct Given {
    /// [B, T, V] as the graph reads them.
    values: Array3<f32>,
    /// [B, T, I] as the model does.
    xs: Array3<f32>,
    /// `[B]`: numbers of the rows' series, where there are several.
    series: Vec<usize>,
}

impl Given {
    /// # Errors
    /// If the units do not fit the model.
    fn new(subject: &Subject<'_>, batch: &Batch, random: &mut elman::Random) -> Result<Self, Error> {
        let Some(units) = &subject.units else {
            let xs = sequences(batch, subject.model.stack(), random);
            return Ok(Given { values: xs.clone(), xs, series: Vec::new() });
        };
        let series: Vec<usize> = (0..batch.rows).map(|row| row % units.series().len().max(1)).collect();
        let values = units.unread(numbers(batch, units.columns(), random), &series)?;
        Ok(Given { xs: units.read(values.view(), &series)?, values, series })
    }
}

/// A number that is not what it should be.
struct Difference {
    output: String,
    /// Relative to numbers above 1.
    size: f32,
    row: usize,
    step: usize,
    number: usize,
    theirs: f32,
    ours: f32,
}

/// What was found so far.
struct Found {
    compared: Compared,
    /// Of each output, the orders that it may have.
    orders: Vec<Vec<Order>>,
}

/// Computes a graph and a model in numbers and compares their answers.
///
/// # Errors
/// If they differ in any batch, or the graph cannot be computed: which node or output, for which shape.
pub(super) fn prove(subject: &Subject<'_>) -> Result<Compared, Error> {
    let Ends { data, lengths, steps, rows, .. } = &subject.ends;
    let cost = subject.model.parameter_count() as u64;
    let large = cost > WORK_MAX / 64;
    let tokens = subject.model.stack().embedding.is_some();
    for (what, length) in [("rows", rows), ("steps", steps)] {
        if let Length::Fixed(fixed) = *length
            && !(1..=FIXED_MAX).contains(&fixed)
        {
            let why = format!("it is for {fixed} {what} alone; expected 1 to {FIXED_MAX}: export it with open axes");
            return Err(not_taken("the graph", why));
        }
    }
    let least = subject.model.stack().least_steps();
    let batches = batches(subject.graph, *steps, *rows, !lengths.is_empty(), tokens, large, least);
    let mut orders = Vec::new();
    for order in Order::BOTH {
        let mut fits = true;
        for batch in &batches {
            let shape = shapes(subject, batch)?.into_iter().find(|(index, _)| index == data).map(|(_, shape)| shape);
            fits &= shape.is_some_and(|shape| match subject.ends.features_first {
                true => order == Order::Rows && shape.len() == 3 && (shape[0], shape[2]) == (batch.rows, batch.steps),
                false => order.fits(&shape, batch),
            });
        }
        if fits {
            orders.push(order);
        }
    }
    let Some((&order, others)) = orders.split_first() else {
        let why = "its axes are not those of rows and steps that its layers have: what it holds is put in another shape \
                   that mixes them; turn axes with a transpose, not with a reshape (view)";
        return Err(not_taken(format!("input {:?}", subject.graph.input[*data].name), why));
    };
    let first = compare_all(subject, &batches, order, cost);
    match (first, others.first()) {
        // Where rows are as many as steps, numbers alone tell which axis is which.
        (Err(error), Some(&other)) => compare_all(subject, &batches, other, cost).map_err(|_| error),
        (first, _) => first,
    }
}

fn compare_all(subject: &Subject<'_>, batches: &[Batch], order: Order, cost: u64) -> Result<Compared, Error> {
    let kept: HashSet<String> = subject.ends.answers.iter().map(|(name, _)| name.clone()).collect();
    let kept = kept.into_iter().chain(explain::watched(subject)).collect();
    let mut machine = Machine::new(subject.file, subject.graph, subject.opset, kept);
    machine.budget = WORK_MAX.max(PLACES_MIN.saturating_mul(cost));
    let names: Vec<String> = subject.ends.answers.iter().map(|(name, _)| format!("{name:?}")).collect();
    let what = format!("the graph's {}", names.join(", "));
    let compared = Compared { what, ..Compared::default() };
    let mut found = Found { compared, orders: vec![Order::BOTH.to_vec(); subject.ends.answers.len()] };
    let mut random = random(subject.model);
    let mut too_large: Vec<&Batch> = Vec::new();
    for batch in batches {
        let places = (batch.rows * batch.steps) as u64;
        if places.saturating_mul(cost).saturating_mul(5) / 4 > machine.budget && found.compared.batches > 1 {
            too_large.push(batch);
            continue;
        }
        let bad = |why: String| not_taken("the graph", format!("{why}; export it with open axes"));
        small_count(&[batch.rows, batch.steps, subject.model.stack().input()]).map_err(bad)?;
        let given = Given::new(subject, batch, &mut random)?;
        match compare(subject, batch, &given, order, &mut machine, &mut found) {
            Ok(()) => {}
            Err(Stop::Work) => {
                machine.budget = 0;
                too_large.push(batch);
            }
            Err(Stop::Refused(error)) => return Err(error),
        }
    }
    if found.compared.batches == 0 {
        let why = match &found.compared.left_out[..] {
            [] => "its numbers take more work to compute than is allowed here".to_owned(),
            left_out => format!("not one batch of it could be compared: {}", left_out.join("; ")),
        };
        return Err(not_taken(
            "the graph",
            format!("{why}; export it with open axes, or exchange its weights as arrays"),
        ));
    }
    if let Some(largest) = too_large.iter().max_by_key(|batch| batch.rows * batch.steps) {
        let why = format!(
            "{} more, up to {}, are left out for their work",
            too_large.len(),
            shape_of(largest.rows, largest.steps)
        );
        found.compared.left_out.push(why);
    }
    Ok(found.compared)
}

/// One batch.
fn compare(
    subject: &Subject<'_>,
    batch: &Batch,
    given: &Given,
    order: Order,
    machine: &mut Machine<'_>,
    found: &mut Found,
) -> Result<(), Stop> {
    let xs = given.xs.view();
    let inputs = inputs(subject, batch, given, order)?;
    machine.precision = Precision::Exact;
    let values = match machine.run(inputs.clone()) {
        Ok(values) => values,
        Err(Stop::Refused(Error::Exchange { what, why, .. })) => {
            let shape = shape_of(batch.rows, batch.steps);
            // Some graphs drop an axis of one element, and do not go on; that says nothing of others.
            if (batch.rows == 1 || batch.steps == 1) && found.compared.batches > 0 {
                found.compared.left_out.push(format!("with {shape} the graph does not run: {what}: {why}"));
                return Ok(());
            }
            return Err(not_taken(what, format!("with {shape}: {why}")).into());
        }
        Err(other) => return Err(other),
    };
    let logits = subject.model.logits(xs, Some(&batch.lengths))?;
    let given_batch = batch;
    // What is answered has the steps that windows leave.
    let batch = &batch.behind(&subject.model.stack().layers);
    let mut largest: f32 = 0.0;
    for (at, (name, done)) in subject.ends.answers.iter().enumerate() {
        let Some(value) = values.get(name) else {
            return Err(not_taken(format!("output {name:?}"), "no node gives it").into());
        };
        let ours = in_units(answers(&logits, *done, subject.ends.levels), subject, &given.series)?;
        let mut nearest: Option<Difference> = None;
        let mut orders = Vec::new();
        for &own in &found.orders[at] {
            let difference = difference(subject, batch, name, value, &ours, own);
            let size = match &difference {
                Ok(difference) => difference.size,
                Err(_) => f32::INFINITY,
            };
            if size <= TOLERANCE {
                orders.push(own);
                largest = largest.max(size);
            }
            match difference {
                Ok(difference) if nearest.as_ref().is_none_or(|nearest| size < nearest.size) => {
                    nearest = Some(difference);
                }
                Err(why) if nearest.is_none() && found.orders[at].last() == Some(&own) && orders.is_empty() => {
                    return Err(explain::shape(subject, given_batch, xs, &values, (name, why), order)?.into());
                }
                _ => {}
            }
        }
        if orders.is_empty() {
            let Some(nearest) = nearest else { continue };
            let moved = rounding(machine, &inputs, &values, name)?;
            if moved > ROUNDING_MAX {
                found.compared.left_out.push(format!(
                    "a batch of {}, whose answers depend on how sums are rounded",
                    shape_of(batch.rows, batch.steps)
                ));
                return Ok(());
            }
            if nearest.size > ROUNDING * moved {
                return Err(explain::difference(subject, given_batch, xs, &values, &nearest, order)?.into());
            }
            largest = largest.max(nearest.size);
            continue;
        }
        found.orders[at] = orders;
    }
    let compared = &mut found.compared;
    let (rows, steps) = (given_batch.rows, given_batch.steps);
    if compared.batches == 0 {
        (compared.rows, compared.steps) = ((rows, rows), (steps, steps));
    }
    compared.batches += 1;
    compared.rows = (compared.rows.0.min(rows), compared.rows.1.max(rows));
    compared.steps = (compared.steps.0.min(steps), compared.steps.1.max(steps));
    compared.largest_difference = compared.largest_difference.max(largest);
    Ok(())
}

/// How far an output moves when products are summed in floats; relative to numbers above 1.
fn rounding(
    machine: &mut Machine<'_>,
    inputs: &HashMap<String, Value>,
    exact: &HashMap<String, Value>,
    name: &str,
) -> Result<f32, Stop> {
    machine.precision = Precision::Rough;
    let rough = machine.run(inputs.clone())?;
    let (Some(exact), Some(rough)) = (exact.get(name), rough.get(name)) else { return Ok(0.0) };
    let bad = |why: String| Stop::Refused(not_taken(format!("output {name:?}"), why));
    let (exact, rough) = (floats(exact).map_err(bad)?, floats(rough).map_err(bad)?);
    Ok(exact.iter().zip(rough).map(|(&exact, &rough)| apart(exact, rough)).fold(0.0, f32::max))
}

/// How far two numbers are apart, relative to numbers above 1. What is no number is so on both sides, or as far off as can
/// be.
fn apart(theirs: f32, ours: f32) -> f32 {
    if theirs == ours || theirs.is_nan() && ours.is_nan() {
        return 0.0;
    }
    let size = (theirs - ours).abs() / ours.abs().max(1.0);
    if size.is_nan() { f32::INFINITY } else { size }
}

/// The largest difference of an output, if its axes have an order, or why it has not the shape.
fn difference(
    subject: &Subject<'_>,
    batch: &Batch,
    name: &str,
    value: &Value,
    ours: &Array3<f32>,
    order: Order,
) -> Result<Difference, String> {
    let (rows, steps, width) = ours.dim();
    let every_step = subject.model.head().reads == Reads::EveryStep;
    let shape = &value.shape;
    let theirs = floats(value)?;
    if theirs.len() != rows * steps * width || every_step && !order.fits(shape, batch) {
        let expected = if every_step { vec![rows, steps, width] } else { vec![rows, width] };
        return Err(format!("its shape is {shape:?}, where a model of its layers gives {expected:?}"));
    }
    let mut largest = Difference { output: name.into(), size: 0.0, row: 0, step: 0, number: 0, theirs: 0.0, ours: 0.0 };
    for ((row, step, number), &ours) in ours.indexed_iter() {
        if every_step && step >= batch.lengths[row] {
            continue;
        }
        let at = if every_step { order.place(row, step, batch, width) } else { row * width };
        let theirs = theirs[at + number];
        let size = apart(theirs, ours);
        if size > largest.size {
            largest = Difference { output: name.into(), size, row, step, number, theirs, ours };
        }
    }
    Ok(largest)
}

/// Our logits as an output has them.
fn answers(logits: &Array3<f32>, done: Done, levels: Option<usize>) -> Array3<f32> {
    let mut answers = logits.clone();
    for mut row in answers.rows_mut() {
        let mut values = row.to_vec();
        match done {
            Done::Product | Done::Biased => {}
            Done::Activated(activation) => {
                values.iter_mut().for_each(|x| *x = activation.value(f64::from(*x)) as f32);
            }
            Done::Softmax | Done::LogSoftmax => {
                let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f64 = values.iter().map(|&x| f64::from(x - most).exp()).sum();
                values.iter_mut().for_each(|x| {
                    let off = f64::from(*x - most);
                    *x = if done == Done::Softmax { off.exp() / sum } else { off - sum.ln() } as f32;
                });
            }
            Done::Sorted => {
                let levels = levels.unwrap_or(values.len()).max(1);
                values.chunks_mut(levels).for_each(|value| value.sort_by(f32::total_cmp));
            }
        }
        row.iter_mut().zip(values).for_each(|(to, from)| *to = from);
    }
    answers
}

/// Answers in the units of the data, where the graph gives them so.
fn in_units(mut answers: Array3<f32>, subject: &Subject<'_>, series: &[usize]) -> Result<Array3<f32>, Error> {
    if let Some(units) = &subject.units {
        for ((row, _, _), answer) in answers.indexed_iter_mut() {
            *answer = units.answer(*answer, series, row)?;
        }
    }
    Ok(answers)
}

/// The shapes of the graph's inputs for a batch.
fn shapes(subject: &Subject<'_>, batch: &Batch) -> Result<Vec<(usize, Vec<usize>)>, Error> {
    let Ends { steps, rows, .. } = subject.ends;
    let mut axes = [batch.rows, batch.steps];
    for (length, size) in [(steps, batch.steps), (rows, batch.rows)] {
        match length {
            Length::First => axes[0] = size,
            Length::Second => axes[1] = size,
            Length::Fixed(_) => {}
        }
    }
    let constants: HashSet<&str> = subject.graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    input_shapes(subject.graph, &|name| constants.contains(name), axes, batch.rows)
}

/// The graph's inputs for a batch; what is neither sequences nor lengths nor numbers of series is zero.
fn inputs(subject: &Subject<'_>, batch: &Batch, given: &Given, order: Order) -> Result<HashMap<String, Value>, Error> {
    let xs = &given.values;
    let width = xs.dim().2;
    let mut inputs = HashMap::new();
    for (index, shape) in shapes(subject, batch)? {
        let input = &subject.graph.input[index];
        let bad = |why: String| not_taken(format!("input {:?}", input.name), why);
        let count = small_count(&shape).map_err(bad)?;
        let mut data = vec![0.0; count];
        let expected = if index == subject.ends.data {
            let features_first = subject.ends.features_first;
            for ((row, step, unit), &x) in xs.indexed_iter() {
                let place = match features_first {
                    true => (row * width + unit) * batch.steps + step,
                    false => order.place(row, step, batch, width) + unit,
                };
                if let Some(to) = data.get_mut(place) {
                    *to = x;
                }
            }
            xs.len()
        } else if subject.units.is_some() && input.name == "series" {
            data.iter_mut().zip(&given.series).for_each(|(to, &series)| *to = series as f32);
            batch.rows
        } else if subject.ends.lengths.contains(&index) {
            data.iter_mut().zip(&batch.lengths).for_each(|(to, &length)| *to = length as f32);
            batch.rows
        } else {
            count
        };
        if count != expected {
            return Err(bad(format!("its shape {shape:?} does not hold {expected} elements")));
        }
        let kind = element_type(input).ok_or_else(|| bad("its type is not known here".into()))?;
        let value = match kind.is_float() || kind == elman_formats::onnx::Element::Double {
            true => Value { kind, ..Value::floats(shape, data) },
            false => Value::ints_of(kind, shape, data.into_iter().map(|x| x as i64)),
        };
        inputs.insert(input.name.clone(), value);
    }
    Ok(inputs)
}

/// A shape, in words.
fn shape_of(rows: usize, steps: usize) -> String {
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    format!("{} of {}", some(rows, "row"), some(steps, "step"))
}

/// What is in a batch beside its shape, in words.
fn filled(batch: &Batch) -> &'static str {
    if batch.filling == Filling::Nan { ", one number of which is NaN" } else { "" }
}
