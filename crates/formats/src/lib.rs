//! Named arrays to and from files: safetensors of `f32`, NumPy's formats, and those of PyTorch, TensorFlow and Keras; and
//! ONNX's graphs. Knows no model: only names, types and shapes.

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod archive;
mod atomic;
mod file_error;
mod half;
pub mod hdf5;
pub mod keras;
pub mod numpy;
pub mod onnx;
mod safetensors;
mod sniff;
mod strided;
pub mod tensorflow;
pub mod torch;
mod weights;
mod whole;

pub use archive::{ArchiveFault, unpacked_max};
pub use atomic::write_atomic;
pub use file_error::FileError;
pub use safetensors::{Array, Error, File, read, read_bytes, write, write_each};
pub use sniff::{FileKind, sniff, sniff_bytes};
pub use weights::{INDEX_ENDING, Weights, read_weights, read_weights_bytes};
pub use whole::read_file;
