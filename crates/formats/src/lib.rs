//! Named arrays to and from files. Knows no model: only names, shapes and `f32`.

mod atomic;
mod safetensors;

pub use atomic::write_atomic;
pub use safetensors::{Array, Error, File, read, write};
