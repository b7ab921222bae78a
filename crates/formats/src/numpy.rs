//! NumPy's files: `.npy`, one array, and `.npz`, a zip archive of named ones.
//!
//! Read and written are `f32`, `f64`, `i32`, `i64`, `u8` and text of fixed width (`<U`); any other type is refused by
//! name. Arrays come out row-major and in this machine's byte order, whatever the file has.
//!
//! ```
//! use elman_formats::numpy::{self, Array, Npz, Values};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.npz");
//! let kernel = Array { shape: vec![2, 3], values: Values::F32(vec![0.0, 0.1, 0.2, 1.0, 1.1, 1.2]) };
//! numpy::write_npz(&path, &[("kernel".to_owned(), kernel.clone())].into())?;
//!
//! let mut file = Npz::open(&path)?;
//! assert_eq!(file.names().collect::<Vec<_>>(), ["kernel"]);
//! assert_eq!(file.read("kernel")?, kernel);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod data;
mod error;
mod header;
mod npy;
mod npz;

pub use error::{Error, Fault};
pub use npy::{read_npy, read_npy_bytes, write_npy};
pub use npz::{Npz, read_npz, write_npz};

/// The largest array that is read or written, in bytes: 4 GiB.
pub const BYTES_MAX: u64 = 4 << 30;

/// The most texts of an array that is read or written, 2²⁶: in memory each takes 24 bytes and its characters.
pub const TEXTS_MAX: u64 = 1 << 26;

/// An array of one of the types that are read, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis; none for a single value.
    pub shape: Vec<usize>,
    /// As many values as the shape says.
    pub values: Values,
}

/// The values of an array, all of one type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// `<f4`
    F32(Vec<f32>),
    /// `<f8`
    F64(Vec<f64>),
    /// `<i4`
    I32(Vec<i32>),
    /// `<i8`
    I64(Vec<i64>),
    /// `|u1`
    U8(Vec<u8>),
    /// `<U`, text of a width that all values have in the file. It is stored filled up with NUL, which is taken off.
    Text(Vec<String>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type's name: `f32`, `f64`, `i32`, `i64`, `u8` or `text`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::I32(_) => "i32",
            Self::I64(_) => "i64",
            Self::U8(_) => "u8",
            Self::Text(_) => "text",
        }
    }
}
