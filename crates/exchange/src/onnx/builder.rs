//! A graph, node by node.

use elman_formats::onnx::{Attribute, Graph, Node, Tensor};
use elman_formats::{Array, onnx};

/// A graph that grows. Every value has its own name, also across the bodies of loops, which see the values around them.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) graph: Graph,
}

impl Builder {
    /// A node of one output, whose name it returns; the node has the same name.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], output: &str, attribute: Vec<Attribute>) -> String {
        self.nodes(op, inputs, &[output], attribute);
        output.to_owned()
    }

    /// A node of several outputs; an empty name is one that nobody reads.
    pub(super) fn nodes(&mut self, op: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<Attribute>) {
        // Trailing inputs that are left out are not named at all.
        let given = inputs.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let name = outputs.iter().find(|name| !name.is_empty()).map_or(String::new(), |name| (*name).to_owned());
        self.graph.node.push(Node {
            input: named(&inputs[..given]),
            output: named(outputs),
            name,
            op_type: op.to_owned(),
            attribute,
            domain: String::new(),
        });
    }

    /// Weights, by their name.
    pub(super) fn weights(&mut self, name: &str, array: &Array) {
        self.graph.initializer.push(Tensor::floats(name, &array.shape, &array.data));
    }

    fn constant(&mut self, tensor: Tensor) -> String {
        let name = tensor.name.clone();
        if !self.graph.initializer.iter().any(|known| known.name == name) {
            self.graph.initializer.push(tensor);
        }
        name
    }

    /// A vector of whole numbers, as axes and shapes are given; equal ones are one.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let name = values.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        self.constant(Tensor::ints(&format!("[{name}]"), &[values.len()], values))
    }

    /// A whole number.
    pub(super) fn int(&mut self, value: i64) -> String {
        self.constant(Tensor::ints(&value.to_string(), &[], &[value]))
    }

    /// Whole numbers by a name of their own, one for each column.
    pub(super) fn flags(&mut self, name: &str, values: &[i64]) -> String {
        self.constant(Tensor::ints(name, &[values.len()], values))
    }

    /// A number; equal ones are one.
    pub(super) fn float(&mut self, value: f32) -> String {
        self.constant(Tensor::floats(&format!("{value:?}f"), &[], &[value]))
    }

    /// An input of the graph.
    pub(super) fn input(&mut self, name: &str, element: onnx::Element, shape: &[Axis]) -> String {
        self.graph.input.push(value(name, element, shape));
        name.to_owned()
    }

    /// An output of the graph.
    pub(super) fn output(&mut self, name: &str, element: onnx::Element, shape: &[Axis]) {
        self.graph.output.push(value(name, element, shape));
    }
}

/// The length of an axis.
#[derive(Clone, Copy)]
pub(super) enum Axis {
    /// A number.
    Of(usize),
    /// Known when the graph runs.
    Named(&'static str),
    /// The same, without a name: in the body of a loop, where some engines take a name for another length than outside.
    Open,
}

fn value(name: &str, element: onnx::Element, shape: &[Axis]) -> onnx::ValueInfo {
    let axis = |axis: &Axis| match axis {
        Axis::Of(length) => Some(onnx::DimensionValue::Length(*length as i64)),
        Axis::Named(name) => Some(onnx::DimensionValue::Name((*name).to_owned())),
        Axis::Open => None,
    };
    onnx::ValueInfo::tensor(name, element, shape.iter().map(axis).collect())
}
