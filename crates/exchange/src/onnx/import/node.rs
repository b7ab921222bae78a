//! A node's attributes and inputs, each by its type.

use elman_formats::onnx::{Attribute, Node};
use elman_kernels::Nonlinearity;

use super::value::{Data, Value};
use crate::onnx::activation;

/// A node with the values of its inputs; none for those that are left out.
pub(super) struct Call<'a> {
    pub(super) node: &'a Node,
    /// Where it stands in the graph.
    pub(super) index: usize,
    pub(super) inputs: Vec<Option<Value>>,
    /// Version of the operators.
    pub(super) opset: i64,
}

impl Call<'_> {
    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(default)
    }

    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).and_then(|attribute| attribute.f).unwrap_or(default)
    }

    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    pub(super) fn floats(&self, name: &str) -> Option<&[f32]> {
        self.attribute(name).map(|attribute| attribute.floats.as_slice())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        let bytes = self.attribute(name)?.s.as_ref()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The activation that the operator is, if it is one.
    ///
    /// # Errors
    /// If it is one that no layer here has.
    pub(super) fn activation(&self) -> Option<Result<Nonlinearity, String>> {
        activation::of(&self.node.op_type, |name, default| self.float(name, default), self.text("approximate"))
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let all = self.attribute(name).map_or(&[][..], |attribute| attribute.strings.as_slice());
        all.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// An input that may be left out.
    pub(super) fn given(&self, at: usize) -> Option<&Value> {
        self.inputs.get(at).and_then(Option::as_ref)
    }

    /// An input that must be there.
    pub(super) fn input(&self, at: usize) -> Result<&Value, String> {
        self.given(at).ok_or_else(|| format!("its input {at} is missing"))
    }

    /// Whole numbers that the graph knows.
    pub(super) fn known_ints(&self, at: usize) -> Result<&[i64], String> {
        match &self.input(at)?.data {
            Data::Ints(data) => Ok(data),
            _ => Err(format!("its input {at} should be whole numbers that are known before it runs")),
        }
    }

    /// One whole number that the graph knows.
    pub(super) fn known_int(&self, at: usize) -> Result<i64, String> {
        match self.known_ints(at)? {
            [number] => Ok(*number),
            numbers => Err(format!("its input {at} has {} numbers, expected one", numbers.len())),
        }
    }

    /// Axes, and other lists, that older operators have as an attribute and newer ones as an input.
    pub(super) fn list(&self, attribute: &str, input: usize) -> Result<Option<Vec<i64>>, String> {
        match (self.ints(attribute), self.given(input)) {
            (Some(list), _) => Ok(Some(list.to_vec())),
            (None, Some(_)) => self.known_ints(input).map(|list| Some(list.to_vec())),
            (None, None) => Ok(None),
        }
    }
}

/// What errors call a node.
pub(super) fn describe(node: &Node, index: usize) -> String {
    match node.name.as_str() {
        "" => format!("{} node {index}", node.op_type),
        name => format!("{} node {name:?}", node.op_type),
    }
}
