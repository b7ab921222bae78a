//! What can be wrong with an ONNX file, in words: which file and tensor, expected, found, and what to do.

use std::io;

use super::{DEPTH_MAX, FILE_BYTES_MAX, MESSAGES_MAX, TENSOR_BYTES_MAX};

/// Why a model cannot be read or written.
///
/// The message holds everything there is to say; [`source`](std::error::Error::source) repeats none of it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {origin}: {fault}")]
#[non_exhaustive]
pub struct Error {
    /// `read` or `write`.
    pub verb: &'static str,
    /// The file, and the tensor in it where one is meant.
    pub origin: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a model or a tensor of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system cannot open, read or write it.
    #[error("{0}; check the path and the permissions")]
    Io(io::Error),

    /// Larger than protocol buffers allow.
    #[error("it has {found} bytes, expected at most {FILE_BYTES_MAX}")]
    FileSize {
        /// Its bytes.
        found: u64,
    },

    /// Not a protocol buffer of a model, or a cut one.
    #[error("not a whole ONNX model ({cause}); expected a file that an exporter wrote")]
    NotOnnx {
        /// What the parser says.
        cause: String,
    },

    /// No graph in it.
    #[error("it has no graph; expected an ONNX model")]
    NoGraph,

    /// More messages than are read.
    #[error("it has more than {MESSAGES_MAX} nodes, attributes, tensors and names; that is no recurrent network")]
    Messages,

    /// Messages in messages, deeper than any graph.
    #[error("its graphs lie in each other more than {DEPTH_MAX} messages deep")]
    Depth,

    /// A type that is not read.
    #[error("its type is {found}; expected float, float16, bfloat16, an integer of at most 64 bits or bool")]
    Type {
        /// The type's name.
        found: &'static str,
    },

    /// A negative length, or a shape whose product does not fit.
    #[error("its shape is {dims:?}, which is no shape of an array; get the file again")]
    Shape {
        /// The shape.
        dims: Vec<i64>,
    },

    /// More bytes than are read.
    #[error("its shape is {shape:?}, which is {found} bytes, expected at most {TENSOR_BYTES_MAX}")]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
        /// The bytes of that shape.
        found: u64,
    },

    /// Another number of elements than the shape says.
    #[error("its shape is {shape:?}, expected {expected} {what}, found {found}; get the file again")]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// `bytes` or `elements`.
        what: &'static str,
        /// How many the shape says.
        expected: u64,
        /// How many there are.
        found: u64,
    },

    /// Its numbers lie in another file, and there is no folder to look for it.
    #[error("its numbers lie in the file {location:?} beside the model; read the model from its folder")]
    NoFolder {
        /// The file.
        location: String,
    },

    /// Its numbers are said to lie where a model may not look.
    #[error(
        "its numbers are said to lie in {location:?}; expected a file in the model's own folder or below it, not {why}"
    )]
    Outside {
        /// The file.
        location: String,
        /// What is wrong with the path.
        why: &'static str,
    },

    /// The file with its numbers cannot be read.
    #[error("its numbers lie in the file {location:?}: {cause}; keep that file beside the model")]
    External {
        /// The file.
        location: String,
        /// What the system says.
        cause: io::Error,
    },

    /// A part of a file that it does not have.
    #[error(
        "its numbers are said to be bytes {offset} to {end} of {location:?}, which has {found}; get both files again"
    )]
    ExternalRange {
        /// The file.
        location: String,
        /// The first byte.
        offset: u64,
        /// Behind the last one.
        end: u64,
        /// The bytes there are.
        found: u64,
    },

    /// A place that is no number.
    #[error("its {key} in another file is {found:?}, expected a whole number")]
    ExternalKey {
        /// `offset` or `length`.
        key: &'static str,
        /// What stands there.
        found: String,
    },
}
