//! Named arrays to and from files: safetensors of `f32`, and NumPy's formats. Knows no model: only names, types and
//! shapes.

mod archive;
mod atomic;
pub mod numpy;
mod safetensors;

pub use archive::ArchiveFault;
pub use atomic::write_atomic;
pub use safetensors::{Array, Error, File, read, read_bytes, write, write_each};
