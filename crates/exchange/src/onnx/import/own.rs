//! A graph of ours, by its metadata: the configuration, and initializers by the names that the export gives them.

use std::collections::BTreeMap;

use elman::{AnyCell, Config, Layer, Link, Model, Predicts, Stack, Values as Predicted, array_prefix};
use elman_formats::Array;
use elman_formats::onnx::{DimensionValue, File, Graph, Tensor, TypeValue, Values};
use elman_kernels::Nonlinearity;

use super::head::Done;
use super::proof::{Ends, Length, Subject, prove};
use super::run::opset;
use super::{as_said, same};
use crate::Error;
use crate::onnx::layout::{self, Native};
use crate::onnx::{DEVIATIONS, export, not_taken};
use crate::units::Units;
use crate::{Change, Hints, Imported, Place, Report};

/// The model of a graph that we exported, or what shows that the graph is no longer the one that we exported.
///
/// # Errors
/// If the metadata are no configuration, or the model does not compute what the graph does.
pub(super) fn import(file: &File, graph: &Graph, config: &str) -> Result<Result<Imported, String>, Error> {
    let bad = |why: String| not_taken("the metadata \"elman\"", why);
    let config: Config = serde_json::from_str(config).map_err(|error| bad(error.to_string()))?;
    if config.version != 1 {
        return Err(bad(format!("the configuration has version {}; this program knows 1", config.version)));
    }
    let stack = Stack::of(config.embedding, config.layers.clone()).arithmetic(config.arithmetic);
    stack.check().and_then(|()| config.head.check()).map_err(|error| bad(error.to_string()))?;
    match restored(file, graph, &stack, &config) {
        Ok(imported) => proven(file, graph, imported).map(Ok),
        Err(difference) => Ok(Err(difference)),
    }
}

/// The same with the configuration of a given model, which must be one of the same layers and head.
///
/// # Errors
/// If a hint contradicts the model: the first difference.
pub(super) fn hinted(imported: Imported, hints: &Hints) -> Result<Imported, Error> {
    let Imported { model, mut report } = imported;
    hints.settled(&as_said(&model.config()))?;
    let Some(like) = &hints.like else { return Ok(Imported { model, report }) };
    report.notes.push("the configuration is that of the given model".into());
    let model = Model::of_config(like, &model.arrays())?;
    Ok(Imported { model, report })
}

fn restored(file: &File, graph: &Graph, stack: &Stack, config: &Config) -> Result<Imported, String> {
    let mut reader = Reader { file, graph, arrays: BTreeMap::new(), report: Report::default() };
    if let Some(embedding) = stack.embedding {
        reader.plain("embedding.kernel", &[embedding.tokens, embedding.size])?;
    }
    for (index, layer) in stack.layers.iter().enumerate() {
        match reader.find(&format!("layers.{index}.W")) {
            Some(_) => reader.native(index, layer)?,
            None if layer.window.is_some() => reader.windows(index, layer)?,
            None => {
                for direction in 0..layer.directions() {
                    let prefix = array_prefix(index, layer.directions(), direction);
                    for entry in layer.cell.get().layout().entries {
                        reader.plain(&format!("{prefix}{}", entry.name), &entry.shape)?;
                    }
                }
            }
        }
    }
    if let Some(scores) = config.head.attention(stack) {
        reader.plain("head.attention.kernel", &[scores.input, scores.output])?;
        reader.plain("head.attention.bias", &[scores.output])?;
        reader.plain("head.attention.context", &[scores.output])?;
    }
    let layers = config.head.dense(stack);
    for (index, (dense, _)) in layers.iter().enumerate() {
        let prefix = if index + 1 < layers.len() { format!("head.{index}.") } else { "head.".to_owned() };
        reader.plain(&format!("{prefix}kernel"), &[dense.input, dense.output])?;
        reader.plain(&format!("{prefix}bias"), &[dense.output])?;
    }
    let Reader { arrays, report, .. } = reader;
    let model = Model::of_config(config, &arrays).map_err(|error| error.to_string())?;
    let (written, _) = export(&model, &same::options(graph, &model)).map_err(|error| error.to_string())?;
    match same::difference(file, graph, &written) {
        Some(difference) => Err(difference),
        None => Ok(Imported { model, report }),
    }
}

/// What of a graph of ours is compared in numbers.
fn ends(graph: &Graph, model: &Model) -> Option<Ends> {
    let input = |name: &str| graph.input.iter().position(|input| input.name == name);
    let data = input("input").or_else(|| input("tokens"))?;
    let Some(TypeValue::Tensor(tensor)) = graph.input[data].r#type.as_ref()?.value.as_ref() else { return None };
    let axes = tensor.shape.as_ref().map(|shape| &shape.dim[..]).unwrap_or_default();
    let length = |at: usize, open: Length| match axes.get(at).and_then(|axis| axis.value.as_ref()) {
        Some(DimensionValue::Length(length)) => usize::try_from(*length).map_or(open, Length::Fixed),
        _ => open,
    };
    let node = |output: &str| graph.node.iter().position(|node| node.output.iter().any(|name| name == output));
    let layers = (0..model.stack().layers.len()).map_while(|index| node(&format!("layers.{index}.Y"))).collect();
    let values = match &model.head().predicts {
        Predicts::Values(Predicted { link: Link::Sigmoid, .. }) => Done::Activated(Nonlinearity::Sigmoid),
        _ => Done::Biased,
    };
    let answers =
        [("logits", Done::Biased), ("probabilities", Done::Softmax), ("quantiles", Done::Sorted), ("values", values)];
    let is_there = |name: &str| graph.output.iter().any(|output| output.name == name);
    Some(Ends {
        data,
        features_first: false,
        lengths: input("lengths").into_iter().collect(),
        rows: length(0, Length::First),
        steps: length(1, Length::Second),
        layers,
        head: node(if model.head().hidden.is_empty() { "head.product" } else { "head.0.product" })?,
        answers: answers
            .iter()
            .filter(|(name, _)| is_there(name))
            .map(|&(name, done)| (name.to_owned(), done))
            .collect(),
        levels: match &model.head().predicts {
            Predicts::Quantiles(quantiles) => Some(quantiles.levels.len()),
            Predicts::Classes(_) | Predicts::Values(_) => None,
        },
    })
}

/// Computes a graph of ours and its model in numbers.
///
/// # Errors
/// If they differ.
fn proven(file: &File, graph: &Graph, mut imported: Imported) -> Result<Imported, Error> {
    let Some(ends) = ends(graph, &imported.model) else {
        return Err(not_taken("the graph", "its inputs are not those that elman writes; export the model again"));
    };
    let scaled = graph.initializer.iter().any(|tensor| tensor.name == DEVIATIONS);
    let units = if scaled { Units::of(&imported.model)? } else { None };
    let subject = Subject { file, graph, opset: opset(file), model: &imported.model, units, ends };
    imported.report.compared = Some(prove(&subject)?);
    Ok(imported)
}

struct Reader<'a> {
    file: &'a File,
    graph: &'a Graph,
    arrays: BTreeMap<String, Array>,
    report: Report,
}

impl Reader<'_> {
    fn find(&self, name: &str) -> Option<&Tensor> {
        self.graph.initializer.iter().find(|tensor| tensor.name == name)
    }

    /// An initializer of a shape.
    fn get(&self, name: &str, shape: &[usize]) -> Result<Array, String> {
        let Some(tensor) = self.find(name) else { return Err(format!("tensor {name:?} is missing")) };
        let found = self.file.array(tensor).map_err(|error| error.to_string())?;
        match found.values {
            Values::F32(data) if found.shape == shape => Ok(Array { shape: found.shape, data }),
            _ => Err(format!(
                "tensor {name:?} is of type {} and shape {:?}, expected float and {shape:?}",
                found.element.name(),
                found.shape
            )),
        }
    }

    /// An array that is as ours.
    fn plain(&mut self, name: &str, shape: &[usize]) -> Result<(), String> {
        let array = self.get(name, shape)?;
        let place = Place::new(name, shape);
        self.report.moved(vec![place.clone()], vec![place], Vec::new());
        self.arrays.insert(name.to_owned(), array);
        Ok(())
    }

    /// The arrays of a layer on windows: none, or those of a convolution.
    fn windows(&mut self, index: usize, layer: &Layer) -> Result<(), String> {
        let (AnyCell::Dense(dense), Some(window)) = (&layer.cell, layer.window) else { return Ok(()) };
        let (name, input) = (format!("layers.{index}.kernel"), layer.input());
        let w = self.get(&name, &[dense.output, input, window.size])?;
        let kernel = crate::arrays::kernel_of_filters(&w);
        let changes = vec![Change::Transposed, Change::Reshaped];
        let to = vec![Place::new(name.as_str(), &kernel.shape)];
        self.report.moved(vec![Place::new(name.as_str(), &w.shape)], to, changes);
        self.arrays.insert(name, kernel);
        self.plain(&format!("layers.{index}.bias"), &[dense.output])
    }

    /// The arrays of a native operator.
    fn native(&mut self, index: usize, layer: &Layer) -> Result<(), String> {
        let Some(operator) = layout::operator(&layer.cell) else {
            return Err(format!("the cell of layer {index} has no operator"));
        };
        let (d, hidden) = (layer.directions(), layer.cell.get().output());
        let rows = operator.gates * hidden;
        let name = |what: &str| format!("layers.{index}.{what}");
        let w = self.get(&name("W"), &[d, rows, layer.input()])?;
        let r = self.get(&name("R"), &[d, rows, hidden])?;
        let b = self.get(&name("B"), &[d, 2 * rows])?;
        let peepholes = layer.cell.get().layout().entries.iter().any(|entry| entry.name == "peepholes");
        let p = if peepholes { Some(self.get(&name("P"), &[d, 3 * hidden])?) } else { None };
        let gates = operator.names.map(|(ours, theirs)| Change::Gates { from: theirs, to: ours });
        for direction in 0..d {
            let own = |array: &Array| {
                let shape = array.shape[1..].to_vec();
                let count = shape.iter().product::<usize>();
                Array { data: array.data[direction * count..][..count].to_vec(), shape }
            };
            let native = Native { w: own(&w), r: own(&r), b: own(&b), p: p.as_ref().map(own) };
            let (arrays, added) = layout::from_native(&layer.cell, &operator, &native);
            let prefix = array_prefix(index, layer.directions(), direction);
            for (theirs, ours, whole) in [
                ("W", &["kernel"][..], Some(&w)),
                ("R", &["recurrent_kernel"], Some(&r)),
                ("B", &["bias", "recurrent_bias"], Some(&b)),
                ("P", &["peepholes"], p.as_ref()),
            ] {
                let Some(whole) = whole else { continue };
                let to = ours.iter().filter_map(|&ours| {
                    arrays.get(ours).map(|array| Place::new(format!("{prefix}{ours}"), &array.shape))
                });
                let mut changes: Vec<Change> =
                    (d > 1).then_some(Change::Split).into_iter().chain(gates.clone()).collect();
                match theirs {
                    "W" | "R" => changes.push(Change::Transposed),
                    "B" if added => changes.push(Change::Added),
                    "B" => changes.push(Change::Zeros),
                    _ => {}
                }
                self.report.moved(vec![Place::new(name(theirs), &whole.shape)], to.collect(), changes);
            }
            self.arrays.extend(arrays.into_iter().map(|(own, array)| (format!("{prefix}{own}"), array)));
        }
        Ok(())
    }
}
