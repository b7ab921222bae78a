//! The messages, with the names and numbers of `onnx.proto`. The word `Proto` behind each name is left out.

use prost::bytes::Bytes;
use prost::{Message, Oneof};

/// A model: a graph, and what it was written for.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// Version of the format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// Versions of the operators.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    /// The program that wrote it.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// That program's version.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// What the model is for, in words.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The graph.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// Anything else, by key.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Property>,
}

/// A version of a set of operators.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSet {
    /// Empty for ONNX's own.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A string under a key.
#[derive(Clone, PartialEq, Message)]
pub struct Property {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The string.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Nodes in an order in which they can be computed, and the tensors that they start from.
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    /// The nodes.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants, weights among them.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// What it does, in words.
    #[prost(string, tag = "10")]
    pub doc_string: String,
    /// What is given when it runs.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    /// What comes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

/// An operator, what it reads and what it gives, by name; an empty name is an optional one left out.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// What it reads.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// What it gives.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its name, for people.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Its settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    /// The set it is from; empty for ONNX's own.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A setting of a node: its kind says which field holds it.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// The setting.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A float.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// A whole number.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// Bytes, most often text.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub s: Option<Bytes>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<Tensor>,
    /// A graph.
    #[prost(message, optional, tag = "6")]
    pub g: Option<Graph>,
    /// Floats.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Whole numbers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Texts.
    #[prost(bytes = "bytes", repeated, tag = "9")]
    pub strings: Vec<Bytes>,
    /// Which of them it is: 1 `f`, 2 `i`, 3 `s`, 4 `t`, 5 `g`, 6 `floats`, 7 `ints`, 8 `strings`.
    #[prost(int32, tag = "20")]
    pub r#type: i32,
}

impl Attribute {
    /// A whole number.
    pub fn int(name: &str, value: i64) -> Self {
        Attribute { name: name.into(), i: Some(value), r#type: 2, ..Attribute::default() }
    }

    /// A float.
    pub fn float(name: &str, value: f32) -> Self {
        Attribute { name: name.into(), f: Some(value), r#type: 1, ..Attribute::default() }
    }

    /// Floats.
    pub fn floats(name: &str, values: &[f32]) -> Self {
        Attribute { name: name.into(), floats: values.to_vec(), r#type: 6, ..Attribute::default() }
    }

    /// Whole numbers.
    pub fn ints(name: &str, values: &[i64]) -> Self {
        Attribute { name: name.into(), ints: values.to_vec(), r#type: 7, ..Attribute::default() }
    }

    /// A text.
    pub fn text(name: &str, value: &str) -> Self {
        let value = Bytes::copy_from_slice(value.as_bytes());
        Attribute { name: name.into(), s: Some(value), r#type: 3, ..Attribute::default() }
    }

    /// Texts.
    pub fn texts(name: &str, values: &[&str]) -> Self {
        let strings = values.iter().map(|value| Bytes::copy_from_slice(value.as_bytes())).collect();
        Attribute { name: name.into(), strings, r#type: 8, ..Attribute::default() }
    }

    /// A tensor.
    pub fn tensor(name: &str, value: Tensor) -> Self {
        Attribute { name: name.into(), t: Some(value), r#type: 4, ..Attribute::default() }
    }

    /// A graph.
    pub fn graph(name: &str, value: Graph) -> Self {
        Attribute { name: name.into(), g: Some(value), r#type: 5, ..Attribute::default() }
    }
}

/// An array as it stands in a model. [`File::array`](super::File::array) reads it.
#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    /// Length of each axis.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// What it holds; see [`Element`](super::Element).
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Floats, where they are not raw.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Smaller types, one each, where they are not raw.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Whole numbers of 64 bits, where they are not raw.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Its name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// The numbers, little-endian.
    #[prost(bytes = "bytes", optional, tag = "9")]
    pub raw_data: Option<Bytes>,
    /// Doubles, where they are not raw.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Where the numbers lie, if not here: `location`, `offset`, `length`.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<Property>,
    /// 1 where they lie in another file.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

impl Tensor {
    /// Floats.
    pub fn floats(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::raw(name, super::Element::Float, shape, raw)
    }

    /// Whole numbers of 64 bits.
    pub fn ints(name: &str, shape: &[usize], values: &[i64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::raw(name, super::Element::Int64, shape, raw)
    }

    /// Whole numbers of 32 bits.
    pub fn small_ints(name: &str, shape: &[usize], values: &[i32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::raw(name, super::Element::Int32, shape, raw)
    }

    fn raw(name: &str, element: super::Element, shape: &[usize], raw: Vec<u8>) -> Self {
        Tensor {
            name: name.into(),
            dims: shape.iter().map(|&length| length as i64).collect(),
            data_type: element.code(),
            raw_data: Some(raw.into()),
            ..Tensor::default()
        }
    }
}

/// An input or output of a graph.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it holds.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
    /// What it means, in words.
    #[prost(string, tag = "3")]
    pub doc_string: String,
}

impl ValueInfo {
    /// A tensor; a length is a number, or a name or nothing where it is known when the graph runs.
    pub fn tensor(name: &str, element: super::Element, shape: Vec<Option<DimensionValue>>) -> Self {
        let dim = shape.into_iter().map(|value| Dimension { value }).collect();
        let tensor = TensorType { elem_type: element.code(), shape: Some(Shape { dim }) };
        let r#type = Some(Type { value: Some(TypeValue::Tensor(tensor)) });
        ValueInfo { name: name.into(), r#type, doc_string: String::new() }
    }
}

/// What a value is.
#[derive(Clone, PartialEq, Message)]
pub struct Type {
    /// A tensor; anything else is not read.
    #[prost(oneof = "TypeValue", tags = "1")]
    pub value: Option<TypeValue>,
}

/// The kinds of values that are read.
#[derive(Clone, PartialEq, Oneof)]
pub enum TypeValue {
    /// A tensor.
    #[prost(message, tag = "1")]
    Tensor(TensorType),
}

/// A tensor's type.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// See [`Element`](super::Element).
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Its axes, where they are known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// The axes of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    /// One for each.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// An axis.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// Its length; none where nothing is known.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
}

/// The length of an axis.
#[derive(Clone, PartialEq, Oneof)]
pub enum DimensionValue {
    /// A number.
    #[prost(int64, tag = "1")]
    Length(i64),
    /// A name for what is known when the graph runs.
    #[prost(string, tag = "2")]
    Name(String),
}
