//! A model as a graph.
//!
//! Operators of opset 22, the version in which RNN, LSTM and GRU were last changed, in format version 10, which came with it
//! (October 2024): nothing newer is needed, and every runtime since then reads it.

mod head;
mod native;
mod scan;
mod step;
mod units;
mod windows;

use std::collections::BTreeMap;

use elman::{AnyCell, Layer, Merge, Model, Reads, Stack, StepDense};
use elman_formats::onnx::{self, Attribute, Element};
use elman_formats::{Array, onnx::OperatorSet};

use super::builder::{Axis, Builder};
use super::options::OnnxOptions;
use super::{METADATA_KEY, layout, not_given};
use crate::Error;
use crate::units::{Units, alone, between, meaning, relative};
use crate::{Place, Report};

/// Version of the operators.
const OPSET: i64 = 22;

/// Version of the format.
const IR_VERSION: i64 = 10;

const BATCH: Axis = Axis::Named("batch");
const TIME: Axis = Axis::Named("time");

/// A graph that is being made of a model.
struct Exporter<'a> {
    builder: Builder,
    options: OnnxOptions,
    arrays: &'a BTreeMap<String, Array>,
    report: Report,
    /// The input of lengths, where the graph takes them.
    lengths: Option<String>,
    /// Whether a row has a step, [T, B, 1], once it was needed.
    mask: Option<String>,
    /// What the names around the mask start with: the steps change where windows are read.
    steps: String,
    /// The units of the data, where the graph scales.
    units: Option<Units>,
}

/// What a layer gives.
struct Outputs {
    /// [T, B, O], zero past each row's end.
    sequence: String,
    /// The final h [D, B, P].
    state: String,
    /// The final c [D, B, M], of an LSTM.
    memory: Option<String>,
}

/// A model as a graph, and what became of its arrays.
///
/// Inputs are `input [batch, time, I]`, in the units of the data where the model's [units](crate::Units) are
/// known, then also `series [batch]` (int64) where each series has a scaling of its own; or `tokens [batch, time]` (int64) of a network with an embedding, and by the
/// [options](OnnxOptions) `lengths [batch]` (int32) and the states. Outputs are `logits` and `probabilities` of classes,
/// `[batch, C]` or `[batch, time, C]`, or `values` of as many axes, or `quantiles [batch, F, Q]`, rising as those of
/// [`Predictor::quantiles`](elman::Predictor::quantiles). Steps past a row's end change nothing.
///
/// Cells are native operators where those compute them; others are a `Scan` of basic operators: normalisation, zoneout,
/// projection, a clip of the memory, an IndRNN. The metadata hold the model's configuration, by which it can be imported again as
/// it was.
///
/// # Errors
/// If the model's job is damaged, a cell is one of the user's own, or a network for one step a call has a layer that reads its rows from their ends.
pub fn export(model: &Model, options: &OnnxOptions) -> Result<(onnx::Model, Report), Error> {
    let stack = model.stack();
    for (index, layer) in stack.layers.iter().enumerate() {
        if let Err(why) = written(index, layer, stack, options) {
            return Err(not_given(format!("layer {index}"), why));
        }
        if let Some(Merge::Average | Merge::Multiply) = layer.bidirectional {
            let why = "elman writes two directions side by side or added, not their mean or product";
            return Err(not_given(format!("layer {index}"), why));
        }
        if options.streaming && layer.bidirectional.is_some() {
            let why =
                "it reads rows from their ends, so it cannot go on step by step; leave out `streaming` (--streaming)";
            return Err(not_given(format!("layer {index}"), why));
        }
    }
    if options.streaming && model.head().reads.pools() {
        let why = format!(
            "it reads {}, so it has no answer after one step; leave out `streaming` (--streaming)",
            model.head().reads.describe()
        );
        return Err(not_given("the head", why));
    }
    let config =
        serde_json::to_string(&model.config()).map_err(|error| not_given("the configuration", error.to_string()))?;
    let units = Units::of(model)?;
    let mut notes = Vec::new();
    if let Some(why) = relative(model) {
        if options.units {
            return Err(not_given(between(model), why));
        }
        notes.push(alone(model).to_owned());
    }
    if options.units
        && let Some((what, why)) = units.as_ref().and_then(|units| units.coarse(&mut notes))
    {
        return Err(not_given(format!("the scaling of {what:?}"), why));
    }
    let said = units.is_some() && !options.units;
    let own = units.as_ref().filter(|_| said).and_then(Units::own_note);
    let units = units.filter(|_| options.units);
    let arrays = model.arrays();
    let mut exporter = Exporter {
        builder: Builder::default(),
        options: *options,
        arrays: &arrays,
        report: Report::default(),
        lengths: None,
        mask: None,
        steps: "mask".into(),
        units: units.clone(),
    };
    exporter.network(model);
    let Exporter { mut builder, mut report, .. } = exporter;
    note(model, options, &mut report);
    if said {
        report.notes.push(
            "the graph is the network alone: it reads standardized values, (value - mean) / deviation, and answers in them".into(),
        );
    }
    report.notes.extend(own);
    report.notes.extend(units.as_ref().map(units::note).into_iter().chain(notes));
    let said = meaning(&model.config(), units.as_ref());
    let metadata_props = [(METADATA_KEY, config)]
        .into_iter()
        .chain(said.map(|(key, value)| (key, value.to_string())))
        .map(|(key, value)| onnx::Property { key: key.into(), value })
        .collect();
    builder.graph.name = "elman".into();
    let graph = onnx::Model {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSet { domain: String::new(), version: OPSET }],
        producer_name: "elman".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(builder.graph),
        doc_string: units::doc(model, units.as_ref()),
        metadata_props,
    };
    Ok((graph, report))
}

/// Whether a layer is written as a graph.
///
/// # Errors
/// Why it is not.
fn written(index: usize, layer: &Layer, stack: &Stack, options: &OnnxOptions) -> Result<(), String> {
    if let Some(window) = layer.window {
        return windows::written(index, layer, window, stack, options);
    }
    match &layer.cell {
        AnyCell::Dense(_) if index + 1 == stack.layers.len() => {
            Err("it is a dense layer at every step behind the recurrent ones; elman writes those before them".into())
        }
        AnyCell::Dense(_) if options.takes_states() => {
            Err("it is a dense layer at every step, which has no state to be given; leave out the states".into())
        }
        AnyCell::Dense(_) => Ok(()),
        cell => layout::expressed(cell).map(drop),
    }
}

/// What a graph's reader must know.
fn note(model: &Model, options: &OnnxOptions, report: &mut Report) {
    let stack = model.stack();
    if stack.is_noisy() {
        report.notes.push("dropout and the masks of zoneout act in training alone; the graph has none of them".into());
    }
    if options.takes_lengths() && model.head().reads == Reads::EveryStep {
        report.notes.push("past a row's end the answers are those to outputs of zero; leave them out".into());
    }
    // tract 0.23 reads neither attribute.
    for (says, unread) in [
        ("an RNN with Relu says so in `activations`", layout::is_relu as fn(&AnyCell) -> bool),
        ("a cell with functions other than sigmoid and tanh says so in `activations`", layout::is_chosen),
        ("an LSTM with coupled gates says so in `input_forget`", layout::is_coupled),
    ] {
        if options.native && stack.layers.iter().any(|layer| unread(&layer.cell)) {
            let instead = "which some runtimes leave unread: export for those without native operators";
            report.notes.push(format!("{says}, {instead}"));
        }
    }
}

impl Exporter<'_> {
    fn network(&mut self, model: &Model) {
        let stack = model.stack();
        let time = if self.options.streaming { Axis::Of(1) } else { TIME };
        let by_steps = vec![Attribute::ints("perm", &[1, 0, 2])];
        let rows = match stack.embedding {
            None => {
                let width = self.units.as_ref().map_or(stack.input(), Units::columns);
                let input = self.builder.input("input", Element::Float, &[BATCH, time, Axis::Of(width)]);
                self.standardized(input)
            }
            Some(_) => {
                let tokens = self.builder.input("tokens", Element::Int64, &[BATCH, time]);
                let kernel = self.weights("embedding.kernel");
                self.builder.node("Gather", &[&kernel, &tokens], "embedding.vectors", vec![])
            }
        };
        if self.options.takes_lengths() {
            self.lengths = Some(self.builder.input("lengths", Element::Int32, &[BATCH]));
        }
        let mut xs = self.builder.node("Transpose", &[&rows], "steps", by_steps);
        let mut last = None;
        for (index, layer) in stack.layers.iter().enumerate() {
            let outputs = self.layer(index, layer, &xs);
            xs.clone_from(&outputs.sequence);
            last = Some(outputs);
        }
        if let (Some(outputs), Some(layer)) = (last, stack.layers.last()) {
            self.head(model, layer, &outputs, time);
        }
    }

    /// A layer on its input [T, B, I].
    fn layer(&mut self, index: usize, layer: &Layer, xs: &str) -> Outputs {
        if let Some(window) = layer.window {
            return self.windows(index, layer, window, xs);
        }
        if let AnyCell::Dense(dense) = &layer.cell {
            let mut outputs = self.dense(index, dense, xs);
            if layer.residual {
                outputs.sequence = self.residual(index, xs, &outputs.sequence);
            }
            return outputs;
        }
        let native = self.options.native && layout::is_native(&layer.cell);
        let cell = layer.cell.get();
        let axes = |width| [Axis::Of(layer.directions()), BATCH, Axis::Of(width)];
        let mut initial = Vec::new();
        if self.options.takes_states() {
            initial.push(self.builder.input(&format!("initial_h_{index}"), Element::Float, &axes(cell.output())));
            if cell.memory() > 0 {
                initial.push(self.builder.input(&format!("initial_c_{index}"), Element::Float, &axes(cell.memory())));
            }
        }
        let mut outputs = match native {
            true => self.native(index, layer, xs, &initial),
            false => self.scans(index, layer, xs, &initial),
        };
        if layer.residual {
            outputs.sequence = self.residual(index, xs, &outputs.sequence);
        }
        if self.options.takes_states() {
            for (name, value, width) in
                [("h", Some(&outputs.state), cell.output()), ("c", outputs.memory.as_ref(), cell.memory())]
            {
                if let Some(value) = value {
                    let name = self.builder.node("Identity", &[value], &format!("final_{name}_{index}"), vec![]);
                    self.builder.output(&name, Element::Float, &axes(width));
                }
            }
        }
        outputs
    }

    /// A dense layer at every step, before a layer that reads no state of it.
    fn dense(&mut self, index: usize, dense: &StepDense, xs: &str) -> Outputs {
        let name = |what: &str| format!("layers.{index}.{what}");
        let [kernel, bias] = ["kernel", "bias"].map(|what| self.weights(&name(what)));
        let product = self.builder.node("MatMul", &[xs, &kernel], &name("product"), vec![]);
        let sums = self.builder.node("Add", &[&product, &bias], &name("sums"), vec![]);
        let mut sequence = self.activated(dense.activation, &sums, &name("outputs"));
        if self.lengths.is_some() {
            let (mask, zero) = (self.mask(xs), self.builder.float(0.0));
            sequence = self.builder.node("Where", &[&mask, &sequence, &zero], &name("inside"), vec![]);
        }
        Outputs { sequence, state: String::new(), memory: None }
    }

    /// A layer's input added to its outputs.
    fn residual(&mut self, index: usize, xs: &str, outputs: &str) -> String {
        let sum = self.builder.node("Add", &[xs, outputs], &format!("layers.{index}.sum"), vec![]);
        // The network's own input need not be zero past a row's end; what a layer gives is.
        if index > 0 || self.lengths.is_none() {
            return sum;
        }
        let (mask, zero) = (self.mask(xs), self.builder.float(0.0));
        self.builder.node("Where", &[&mask, &sum, &zero], &format!("layers.{index}.masked"), vec![])
    }

    /// Whether a row has a step [T, B, 1], of anything that has T and B in front.
    fn mask(&mut self, like: &str) -> String {
        if let Some(mask) = &self.mask {
            return mask.clone();
        }
        let lengths = self.lengths.clone().unwrap_or_default();
        let [zero, one] = [0, 1].map(|value| self.builder.int(value));
        let (last, wide) = (self.builder.ints(&[-1]), Attribute::int("to", Element::Int64.code().into()));
        let both = self.builder.ints(&[1, 2]);
        let name = |what: &str| format!("{}.{what}", self.steps);
        let builder = &mut self.builder;
        let shape = builder.node("Shape", &[like], &name("shape"), vec![]);
        let steps = builder.node("Gather", &[&shape, &zero], &name("steps"), vec![]);
        let range = builder.node("Range", &[&zero, &steps, &one], &name("range"), vec![]);
        let range = builder.node("Unsqueeze", &[&range, &both], &name("times"), vec![]);
        let lengths = builder.node("Cast", &[&lengths], &name("lengths"), vec![wide]);
        let lengths = builder.node("Unsqueeze", &[&lengths, &last], &name("ends"), vec![]);
        let mask = builder.node("Less", &[&range, &lengths], &self.steps, vec![]);
        self.mask = Some(mask.clone());
        mask
    }

    /// An array of ours as it is.
    fn weights(&mut self, name: &str) -> String {
        let array = &self.arrays[name];
        self.builder.weights(name, array);
        let place = Place::new(name, &array.shape);
        self.report.moved(vec![place.clone()], vec![place], Vec::new());
        name.to_owned()
    }

    /// Two directions [T, B, P] as one.
    fn merge(&mut self, index: usize, merge: Merge, both: [&str; 2]) -> String {
        let (op, attributes) = match merge {
            Merge::Concat => ("Concat", vec![Attribute::int("axis", 2)]),
            Merge::Sum => ("Add", vec![]),
            Merge::Average | Merge::Multiply => unreachable!("merges without an operator were refused"),
        };
        self.builder.node(op, &both, &format!("layers.{index}.outputs"), attributes)
    }
}
