//! A plain interpreter: it computes a graph in numbers, node by node, as the operators' documentation says. It knows the
//! operators that graphs of layers are made of; how fast it is does not matter.

use std::collections::{HashMap, HashSet};

use elman_formats::onnx::{File, Graph, Node};

use super::super::node::{Call, describe};
use super::super::run::{constant, constant_of};
use super::super::value::{Data, ELEMENTS_MAX, Value, count};
use super::super::{arithmetic, glue};
use super::cells::recurrent;
use super::operators;
use super::{scan, windows};
use crate::Error;
use crate::onnx::not_taken;

/// How products are summed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Precision {
    /// In doubles, each sum rounded once.
    Exact,
    /// In floats, one number after the other: what another program's rounding does to the answers shows so.
    Rough,
}

/// Why a graph has no numbers.
pub(super) enum Stop {
    /// A node cannot be computed, or the file cannot be read.
    Refused(Error),
    /// More work than allowed.
    Work,
}

impl From<elman::Error> for Stop {
    fn from(error: elman::Error) -> Self {
        Stop::Refused(error.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Refused(error)
    }
}

/// Why a node has no numbers.
pub(super) enum Fault {
    /// In words.
    Why(String),
    /// Of a node inside this one, or of the work.
    Stop(Stop),
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Fault::Why(why)
    }
}

impl From<&str> for Fault {
    fn from(why: &str) -> Self {
        Fault::Why(why.into())
    }
}

/// Values by their names: those of the graph, then those of the bodies in it.
pub(super) type Scopes = Vec<HashMap<String, Value>>;

/// An interpreter of one graph, for any number of inputs.
pub(super) struct Machine<'a> {
    file: &'a File,
    graph: &'a Graph,
    opset: i64,
    /// Where each constant of the graph stands.
    constants: HashMap<&'a str, usize>,
    pub(super) precision: Precision,
    /// What does not depend on the inputs: constants, and what is made of them alone.
    fixed: HashMap<String, Value>,
    /// The node after which a value is no longer read.
    last: HashMap<&'a str, usize>,
    /// Values to be kept to the end.
    kept: HashSet<String>,
    /// Numbers of all constants that were read.
    weights: usize,
    /// Multiplications and moved elements that are left.
    pub(super) budget: u64,
}

impl<'a> Machine<'a> {
    pub(super) fn new(file: &'a File, graph: &'a Graph, opset: i64, kept: HashSet<String>) -> Self {
        let mut last = HashMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            let mut names = Vec::new();
            read_by(node, &mut names);
            last.extend(names.into_iter().map(|name| (name, index)));
        }
        let fixed = HashMap::new();
        let constants = graph.initializer.iter().enumerate().map(|(at, tensor)| (tensor.name.as_str(), at)).collect();
        Machine { file, graph, opset, constants, precision: Precision::Exact, fixed, last, kept, weights: 0, budget: 0 }
    }

    /// The graph's outputs, and what is to be kept, for some inputs.
    pub(super) fn run(&mut self, inputs: HashMap<String, Value>) -> Result<HashMap<String, Value>, Stop> {
        let graph = self.graph;
        let mut scopes = vec![inputs];
        for (index, node) in graph.node.iter().enumerate() {
            if node.output.iter().any(|output| self.fixed.contains_key(output)) {
                continue;
            }
            let outputs = self.node(graph, index, node, &scopes)?;
            let is_fixed = self.is_fixed(node);
            for (output, value) in node.output.iter().zip(outputs).filter(|(output, _)| !output.is_empty()) {
                if is_fixed {
                    self.fixed.insert(output.clone(), value);
                } else {
                    scopes[0].insert(output.clone(), value);
                }
            }
            let mut names = Vec::new();
            read_by(node, &mut names);
            for name in names {
                if self.last.get(name) == Some(&index) && !self.kept.contains(name) {
                    scopes[0].remove(name);
                }
            }
        }
        let mut found = HashMap::new();
        for name in self.kept.clone() {
            if let Some(value) = self.value(graph, &name, &scopes)? {
                found.insert(name, value);
            }
        }
        Ok(found)
    }

    /// Whether a node reads nothing that depends on the inputs.
    fn is_fixed(&self, node: &Node) -> bool {
        let has_body = node.attribute.iter().any(|attribute| attribute.g.is_some());
        !has_body && node.input.iter().all(|name| name.is_empty() || self.fixed.contains_key(name))
    }

    /// A value by its name, from the innermost graph that has it.
    pub(super) fn value(&mut self, graph: &Graph, name: &str, scopes: &Scopes) -> Result<Option<Value>, Stop> {
        if let Some(value) = scopes.iter().rev().find_map(|scope| scope.get(name)) {
            return Ok(Some(value.clone()));
        }
        if let Some(value) = self.fixed.get(name) {
            return Ok(Some(value.clone()));
        }
        // A body's own constants are read anew at each step; ours have none.
        if scopes.len() > 1
            && let Some(tensor) = graph.initializer.iter().find(|tensor| tensor.name == name)
        {
            return Ok(Some(constant_of(self.file, tensor, &mut self.weights)?));
        }
        let Some(&at) = self.constants.get(name) else { return Ok(None) };
        let value = constant_of(self.file, &self.graph.initializer[at], &mut self.weights)?;
        self.fixed.insert(name.to_owned(), value.clone());
        Ok(Some(value))
    }

    /// What a node gives.
    pub(super) fn node(
        &mut self,
        graph: &Graph,
        index: usize,
        node: &Node,
        scopes: &Scopes,
    ) -> Result<Vec<Value>, Stop> {
        let name = describe(node, index);
        let bad = |why: String| Stop::Refused(not_taken(name.clone(), why));
        let mut inputs = Vec::with_capacity(node.input.len());
        for input in &node.input {
            inputs.push(match input.as_str() {
                "" => None,
                input => Some(
                    self.value(graph, input, scopes)?
                        .ok_or_else(|| bad(format!("it reads {input:?}, which nothing before it gives")))?,
                ),
            });
        }
        if let Some(tensor) =
            node.attribute.iter().find(|attribute| attribute.name == "value").and_then(|a| a.t.as_ref())
            && matches!(node.op_type.as_str(), "Constant" | "ConstantOfShape")
        {
            inputs.push(Some(constant_of(self.file, tensor, &mut self.weights)?));
        }
        let read: usize = inputs.iter().flatten().map(Value::len).sum();
        let largest = inputs.iter().flatten().map(Value::len).max().unwrap_or(0);
        let call = Call { node, index, inputs, opset: self.opset };
        let outputs = match self.call(&call, scopes) {
            Ok(outputs) => outputs,
            Err(Fault::Why(why)) => return Err(bad(why)),
            Err(Fault::Stop(stop)) => return Err(stop),
        };
        let given: usize = outputs.iter().map(Value::len).sum();
        if given > largest.saturating_mul(4).max(ELEMENTS_MAX) {
            return Err(bad(format!("it gives {given} elements; expected at most {ELEMENTS_MAX}")));
        }
        // Products count their own; the operators that read weights whole do not move them.
        let moves = if matches!(node.op_type.as_str(), "RNN" | "LSTM" | "GRU" | "MatMul" | "Gemm" | "Conv") {
            given
        } else {
            read + given
        };
        self.spend(4 * moves as u64 + 16)?;
        Ok(outputs)
    }

    /// Takes work off what is left.
    pub(super) fn spend(&mut self, work: u64) -> Result<(), Stop> {
        self.budget = self.budget.checked_sub(work).ok_or(Stop::Work)?;
        Ok(())
    }

    fn call(&mut self, call: &Call<'_>, scopes: &Scopes) -> Result<Vec<Value>, Fault> {
        if !(call.node.domain.is_empty() || call.node.domain == "ai.onnx") {
            return Err(format!("its operator is of the set {:?}, which is not known here", call.node.domain).into());
        }
        self.afford(call).map_err(Fault::Stop)?;
        let op = call.node.op_type.as_str();
        if op == "Scan" {
            return scan::run(self, call, scopes);
        }
        if let Some(outputs) = glue::run(call) {
            return Ok(outputs?);
        }
        if let Some(output) = arithmetic::run(call) {
            return Ok(vec![output?]);
        }
        if op == "Constant" {
            return Ok(vec![constant(call)?]);
        }
        if matches!(op, "RNN" | "LSTM" | "GRU") {
            return Ok(recurrent(call, self.precision)?);
        }
        if matches!(op, "Conv" | "MaxPool" | "AveragePool") {
            return Ok(vec![windows::run(call, self.precision)?]);
        }
        match operators::run(call, self.precision) {
            Some(outputs) => Ok(outputs?),
            None => Err("an operator whose numbers are not computed here".into()),
        }
    }

    /// Takes the multiplications of a product off what is left, before it is computed.
    fn afford(&mut self, call: &Call<'_>) -> Result<(), Stop> {
        let len = |at: usize| call.given(at).map_or(0, |value| value.len() as u64);
        let work = match call.node.op_type.as_str() {
            // Each row and step goes through all weights.
            "RNN" | "LSTM" | "GRU" => {
                let shape = call.given(0).map_or(&[][..], |value| &value.shape);
                let places = shape.iter().take(2).product::<usize>() as u64;
                places.saturating_mul(len(1).saturating_add(len(2)))
            }
            "MatMul" | "Gemm" => {
                let shape = |at: usize| call.given(at).map_or(&[][..], |value| &value.shape);
                let rows = shape(0).iter().rev().skip(1).product::<usize>().max(1) as u64;
                let columns = shape(1).iter().max().copied().unwrap_or(0) as u64;
                columns.saturating_mul(len(0).saturating_add(rows))
            }
            // Each output, of which there are about as many as inputs, goes through a filter.
            "Conv" => {
                let places = call.given(0).map_or(0, |value| {
                    value.shape.first().copied().unwrap_or(0) * value.shape.iter().skip(2).product::<usize>()
                });
                let padded = call.ints("pads").unwrap_or_default().iter().map(|pad| pad.unsigned_abs()).sum::<u64>();
                (places as u64).saturating_add(padded).saturating_mul(len(1))
            }
            "MaxPool" | "AveragePool" => {
                let sizes = call.ints("kernel_shape").unwrap_or_default();
                sizes.iter().fold(len(0), |work, size| work.saturating_mul(size.unsigned_abs()))
            }
            _ => 0,
        };
        self.spend(work)
    }
}

/// The names that a node reads, those in its bodies among them.
fn read_by<'a>(node: &'a Node, names: &mut Vec<&'a str>) {
    names.extend(node.input.iter().map(String::as_str));
    for body in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
        body.node.iter().for_each(|node| read_by(node, names));
        names.extend(body.output.iter().map(|output| output.name.as_str()));
    }
}

/// The floats of a value.
pub(super) fn floats(value: &Value) -> Result<&[f32], String> {
    match &value.data {
        Data::Floats(data) => Ok(data),
        _ => Err("it reads whole numbers where floats are expected".into()),
    }
}

/// Σ a b, and what it starts from.
pub(super) fn dot(precision: Precision, start: f64, a: &[f32], b: impl Iterator<Item = f32>) -> f64 {
    match precision {
        Precision::Exact => a.iter().zip(b).fold(start, |sum, (&a, b)| sum + f64::from(a) * f64::from(b)),
        Precision::Rough => f64::from(a.iter().zip(b).fold(start as f32, |sum, (&a, b)| sum + a * b)),
    }
}

/// As many floats as a shape has.
pub(super) fn made(shape: Vec<usize>, data: Vec<f32>) -> Result<Value, String> {
    match count(&shape)? == data.len() {
        true => Ok(Value::floats(shape, data)),
        false => Err(format!("{} numbers have no shape {shape:?}", data.len())),
    }
}
