//! Named arrays to and from files: safetensors of `f32`, and NumPy's formats; and ONNX's graphs. Knows no model: only
//! names, types and shapes.

mod atomic;
pub mod numpy;
pub mod onnx;
mod safetensors;

pub use atomic::write_atomic;
pub use safetensors::{Array, Error, File, read, write};
