//! The error of every format but safetensors, whose own crate says what is wrong.

use std::fmt::{Debug, Display};

/// Why a file cannot be read or written. What is wrong with it is a fault of its format.
///
/// The message holds everything there is to say; [`source`](std::error::Error::source) repeats none of it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {origin}: {fault}")]
#[non_exhaustive]
pub struct FileError<F: Debug + Display> {
    /// `read` or `write`.
    pub verb: &'static str,
    /// The file, and the array or file in it where one is meant.
    pub origin: String,
    /// What is wrong with it.
    pub fault: F,
}
