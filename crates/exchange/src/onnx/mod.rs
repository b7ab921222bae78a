//! ONNX: graphs of operators, from exporters of other programs and for the runtimes that read them.
//!
//! T steps, B rows, I input, H hidden, P output, D directions, C classes, F values of Q quantiles.

mod activation;
mod builder;
mod export;
mod import;
mod layout;
mod options;

use std::path::Path;

use elman::Model;
use elman_formats::onnx;

pub use export::export;
pub use import::{import, import_bytes};
pub use options::OnnxOptions;

use super::Report;
use crate::Error;

/// In errors.
const PARTNER: &str = "ONNX";

/// The key of a graph's metadata under which the model's configuration stands, as JSON.
const METADATA_KEY: &str = "elman";

/// Writes a model as a graph, whole or not at all; see [`export()`].
///
/// # Errors
/// If the model cannot be expressed, or the file cannot be written.
pub fn write(model: &Model, path: &Path, options: &OnnxOptions) -> Result<Report, Error> {
    let (graph, report) = export(model, options)?;
    onnx::write(path, &graph)?;
    Ok(report)
}

/// The deviations of what a graph reads: they are there where it scales.
const DEVIATIONS: &str = "input.deviation";

/// What a graph of ours cannot express.
fn not_given(what: impl Into<String>, why: impl Into<String>) -> Error {
    Error::Exchange { verb: "given to", partner: PARTNER, what: what.into(), why: why.into() }
}

/// What no model here is.
fn not_taken(what: impl Into<String>, why: impl Into<String>) -> Error {
    Error::Exchange { verb: "taken from", partner: PARTNER, what: what.into(), why: why.into() }
}
