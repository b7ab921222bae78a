//! Named arrays to and from files: safetensors of `f32`, NumPy's formats, and those of PyTorch, TensorFlow and Keras; and
//! ONNX's graphs. Knows no model: only names, types and shapes. The formats of other programs come with the feature
//! `exchange`.

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

#[cfg_attr(not(feature = "exchange"), allow(dead_code, reason = "NumPy's archives need a part of it"))]
mod archive;
mod atomic;
mod file_error;
#[cfg(feature = "exchange")]
mod half;
#[cfg(feature = "exchange")]
pub mod hdf5;
#[cfg(feature = "exchange")]
pub mod keras;
pub mod numpy;
#[cfg(feature = "exchange")]
pub mod onnx;
mod safetensors;
#[cfg(feature = "exchange")]
mod sniff;
mod strided;
#[cfg(feature = "exchange")]
pub mod tensorflow;
#[cfg(feature = "exchange")]
pub mod torch;
#[cfg(feature = "exchange")]
mod weights;
mod whole;

pub use archive::{ArchiveFault, unpacked_max};
pub use atomic::write_atomic;
pub use file_error::FileError;
#[cfg(feature = "exchange")]
pub use half::Half;
pub use safetensors::{Array, Error, File, read, read_bytes, to_bytes, write, write_each};
#[cfg(feature = "exchange")]
pub use sniff::{FileKind, sniff, sniff_bytes};
#[cfg(feature = "exchange")]
pub use weights::{INDEX_ENDING, Weights, read_weights, read_weights_bytes};
pub use whole::read_file;
