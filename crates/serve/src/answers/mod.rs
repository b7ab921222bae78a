//! What is asked of a model, in the JSON of a request, and its answer: with a server or without.

pub(crate) mod forecast;
pub(crate) mod generate;
pub(crate) mod sequences;
pub(crate) mod steps;

use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// JSON, as what is expected.
///
/// # Errors
/// If it is not: where.
pub(crate) fn parse<A: DeserializeOwned>(bytes: &[u8]) -> Result<A, Failure> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Failure::unfit(format!("the body is not as expected: {error}")),
        _ => Failure::malformed(format!("the body is no JSON: {error}")),
    })
}
