//! Models from other programs, and for them.
//!
//! Each partner has a module: what it calls its arrays, how it lays them out, and which models it can express. What one
//! side cannot express is refused by name. A [`Report`] says what became of every array.

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod arrays;
mod assembly;
mod biases;
mod ends;
mod error;
mod feature;
pub mod files;
pub mod gatewise;
mod hints;
pub mod keras;
pub mod nonfinite;
pub mod onnx;
mod order;
pub mod pytorch;
mod report;
pub mod tensorflow;
mod transfer;
mod units;

use std::collections::BTreeMap;

use elman::{Config, Head, Model, Stack};
use elman_formats::Array;

pub use error::Error;
pub use hints::Hints;
pub use report::{Change, Compared, Move, Place, Report, TOLERANCE, Verdict};
pub use units::{Units, relative};

/// A model that came from another program.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// What became of the arrays.
    pub report: Report,
}

/// A model of plain arrays by our names. With a configuration of the same shapes, that one is taken whole: its masks, its
/// job and its steps are kept.
///
/// # Errors
/// If sizes do not fit each other, or those of `like`.
pub(crate) fn assemble(
    stack: Stack,
    head: Head,
    arrays: &BTreeMap<String, Array>,
    like: Option<&Config>,
) -> Result<Model, Error> {
    match like {
        None => Ok(Model::of_arrays(stack, head, arrays)?),
        Some(config) => Ok(Model::of_config(config, arrays)?),
    }
}
