//! Eight plays by William Shakespeare, embedded: 1,115,901 characters of ASCII.
//!
//! Hamlet, Macbeth, King Lear, Othello, Romeo and Juliet, Julius Caesar, Richard III and The Tempest, in plain text
//! with the names of the speakers. The source is in `data/shakespeare/README.md`.

use crate::idx::Source;
use crate::{Error, text};

/// The file, gzipped: its name, and its bytes.
pub static FILE: (&str, &[u8]) = ("shakespeare.txt.gz", include_bytes!("../data/shakespeare/shakespeare.txt.gz"));

/// The whole text.
///
/// # Errors
/// [`Error`] if there is no memory for it. The file itself is checked by the tests.
pub fn load() -> Result<String, Error> {
    let (name, bytes) = FILE;
    text::load(&Source::Bytes { name, bytes })
}
