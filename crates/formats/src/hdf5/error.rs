//! What can be wrong with an HDF5 file, in words: which file and object, expected, found, and what to do.

use std::io;

use super::ELEMENTS_SPARE;

/// Why a file cannot be read or written.
///
/// The message holds everything there is to say; [`source`](std::error::Error::source) repeats none of it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {origin}: {fault}")]
#[non_exhaustive]
pub struct Error {
    /// `read` or `write`.
    pub verb: &'static str,
    /// The file.
    pub origin: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with one file or object in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system cannot open, read or write it.
    #[error("{0}; check the path and the permissions")]
    Io(io::Error),

    /// Not an HDF5 file, or a damaged one.
    #[error("not a whole HDF5 file, at {}: {cause}; get the file again", place(path))]
    Damaged {
        /// The object.
        path: String,
        /// What the format's crate says.
        cause: String,
    },

    /// Values of a type that is not read.
    #[error("the array {path} has the type {found}, expected float32 or float16; {}", type_advice(found))]
    Type {
        /// The array.
        path: String,
        /// Its type.
        found: String,
    },

    /// An array that is larger than a file of this size should hold.
    #[error(
        "the array {path} of shape {shape:?} is too large: its file may hold {max} elements, four times its bytes and \
         {ELEMENTS_SPARE}; save it without compression"
    )]
    TooLarge {
        /// The array.
        path: String,
        /// Its shape, or that of its chunks.
        shape: Vec<u64>,
        /// The most elements that are read.
        max: u64,
    },

    /// Not as many bytes as the shape says.
    #[error("the array {path} of shape {shape:?} has {found} bytes of data, expected {expected}; get the file again")]
    Length {
        /// The array.
        path: String,
        /// Its shape.
        shape: Vec<u64>,
        /// The bytes of that shape.
        expected: u64,
        /// The bytes there are.
        found: u64,
    },

    /// More objects than a model has, or a group inside itself.
    #[error("it holds more than {max} groups and arrays, or a group inside itself; expected a model's weights alone")]
    Objects {
        /// How many are read at most.
        max: usize,
    },

    /// Groups in groups, too deep.
    #[error("the group {path} lies more than {max} groups deep, or inside itself; expected a model's weights alone")]
    Depth {
        /// Its path.
        path: String,
        /// How deep is read.
        max: usize,
    },

    /// Two objects of one name.
    #[error("it holds two objects {path}, expected one of each path")]
    Twice {
        /// The path.
        path: String,
    },

    /// A name that is none.
    #[error("an object's path is {path:?}, expected names with / between them, at most {max} bytes")]
    Path {
        /// The path, or its start.
        path: String,
        /// The longest path.
        max: usize,
    },

    /// Reading would not end.
    #[error("its parts lead in circles or lie over each other: {max} bytes were read of a file of {len}; get it again")]
    Circles {
        /// How much is read at most.
        max: u64,
        /// The file's size.
        len: u64,
    },

    /// The values to be written are not those of the shape.
    #[error("the array {path} has the shape {shape:?}, expected as many values, found {found}")]
    Shape {
        /// The array.
        path: String,
        /// The shape.
        shape: Vec<usize>,
        /// The number of values.
        found: usize,
    },

    /// A path at which the file cannot be written.
    #[error("{path} is both an array and a group, expected one of them")]
    Both {
        /// The path.
        path: String,
    },

    /// What the format's crate refuses to write.
    #[error("{cause}")]
    Layout {
        /// What it says.
        cause: String,
    },
}

fn place(path: &str) -> &str {
    if path.is_empty() { "its start" } else { path }
}

fn type_advice(found: &str) -> &'static str {
    match found {
        "float64" => "convert it with astype('float32') before saving",
        _ => "save the weights in float32",
    }
}
