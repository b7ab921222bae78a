//! Named arrays to and from files: safetensors of `f32`, and NumPy's formats; and ONNX's graphs. Knows no model: only
//! names, types and shapes.

mod archive;
mod atomic;
mod half;
pub mod numpy;
pub mod onnx;
mod safetensors;
mod strided;
pub mod torch;

pub use archive::ArchiveFault;
pub use atomic::write_atomic;
pub use safetensors::{Array, Error, File, read, read_bytes, write};
