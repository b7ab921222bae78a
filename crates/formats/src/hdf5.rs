//! HDF5 files, `.h5` and `.weights.h5`: arrays in groups, as Keras keeps a model's weights.
//!
//! Read are arrays of `float32`, and `float16` and Keras's `bfloat16`, which `f32` has exactly; stored in one piece or in chunks, packed or
//! not. Integers, truth values and text, which stand for counters and names, are left out. Attributes are read where
//! they are text. Any other type is refused by name. Written is `float32`, in one piece.
//!
//! The format is a graph of addresses, in which a hostile file can lead anywhere. So all that is read from a file, again
//! and again or not, is counted, and reading ends when it is far more than the file.

mod error;
mod read;
mod source;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use crate::Array;
use crate::atomic::write_atomic;
use crate::half::Half;

pub use error::{Error, Fault};
pub(crate) use read::file as of_bytes;
pub(crate) use write::bytes as to_bytes;

/// More objects than a model has. One that hangs under several names counts under each.
pub const OBJECTS_MAX: usize = 1 << 16;

/// Groups in groups, deeper than models lie.
pub const DEPTH_MAX: usize = 64;

/// The longest path of an object in bytes.
pub const PATH_MAX: usize = 4096;

/// The most bytes of a file: 16 GiB.
pub const FILE_MAX: u64 = 1 << 34;

/// All arrays together may have four times as many elements as the file has bytes, sixteen times as many as without
/// packing, and this many more.
pub const ELEMENTS_SPARE: u64 = 1 << 20;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Arrays by their paths, without a leading slash: `layers/lstm/cell/vars/0`.
    pub arrays: BTreeMap<String, Array>,
    /// The attributes that are text, by the path of their object, which is "" for the file itself, and by name.
    pub attributes: BTreeMap<String, BTreeMap<String, Text>>,
    /// Arrays that were widened, by their paths; none of what is written.
    pub halves: BTreeMap<String, Half>,
}

/// Text of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    /// A single one.
    One(String),
    /// An array of them.
    Many(Vec<String>),
}

/// Reads a file. Memory is bounded by forty times its size and some hundred MB.
///
/// # Errors
/// If the file cannot be read, is not whole, holds an array of `float64` or of another type that is not read, or leads in
/// circles.
pub fn read(path: &Path) -> Result<File, Error> {
    let read = || read::file(crate::read_file(path, FILE_MAX).map_err(Fault::Io)?);
    read().map_err(|fault| Error { verb: "read", origin: path.display().to_string(), fault })
}

/// The same for a file in memory; errors call it `path`.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: Vec<u8>, path: &Path) -> Result<File, Error> {
    read::file(bytes).map_err(|fault| Error { verb: "read", origin: path.display().to_string(), fault })
}

/// Writes a file, whole or not at all. Equal content gives equal bytes.
///
/// # Errors
/// If a shape does not fit its floats, a path cannot stand in such a file or is that of a group and an array, or the
/// file system refuses.
pub fn write(path: &Path, file: &File) -> Result<(), Error> {
    let write = || write_atomic(path, &write::bytes(&file.arrays, &file.attributes)?).map_err(Fault::Io);
    write().map_err(|fault| Error { verb: "write", origin: path.display().to_string(), fault })
}
