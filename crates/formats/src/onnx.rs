//! ONNX models: graphs of operators with their weights, as protocol buffers.
//!
//! The messages that a graph of ordinary operators is made of are written down by hand in this module; fields that are not
//! among them are skipped. Weights may lie in the model's file, or beside it in files of raw bytes ("external data"): a
//! model may only name files in its own folder.
//!
//! ```
//! use elman_formats::onnx::{self, Element, Graph, Model, Tensor, Values};
//!
//! let weights = Tensor::floats("w", &[2, 1], &[0.5, -1.0]);
//! let graph = Graph { initializer: vec![weights], ..Graph::default() };
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.onnx");
//! onnx::write(&path, &Model { ir_version: 10, graph: Some(graph), ..Model::default() })?;
//!
//! let file = onnx::read(&path)?;
//! let array = file.array(&file.model.graph.as_ref().unwrap().initializer[0])?;
//! assert_eq!((array.shape, array.element), (vec![2, 1], Element::Float));
//! assert_eq!(array.values, Values::F32(vec![0.5, -1.0]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod census;
mod element;
mod error;
mod external;
mod file;
mod messages;
mod tensor;

pub use element::Element;
pub use error::{Error, Fault};
pub use file::{File, read, read_bytes, to_bytes, write};
pub use messages::{
    Attribute, Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Property, Shape, Tensor, TensorType, Type,
    TypeValue, ValueInfo,
};
pub use tensor::{Array, Values};

/// The largest file of a model, in bytes: 2 GiB, the most that protocol buffers allow. Larger weights lie beside it.
pub const FILE_BYTES_MAX: u64 = (2 << 30) - 1;

/// The largest tensor, in bytes: 4 GiB.
pub const TENSOR_BYTES_MAX: u64 = 4 << 30;

/// Most messages (nodes, attributes, tensors, names) of a model: each takes more memory than the two bytes it may have in
/// the file.
pub const MESSAGES_MAX: usize = 1 << 20;

/// How deep messages may lie in each other, subgraphs among them.
pub const DEPTH_MAX: usize = 96;
