//! Tensors as bytes behind the JSON, as Triton's clients send them by default.
//!
//! <https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md>

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::inference::{Inferred, Input};
use crate::failure::Failure;
use crate::reading::{Cell, cell};

/// The bytes of JSON before the tensors.
const HEADER: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Where the JSON ends, if the request says so.
///
/// # Errors
/// If what it says is no number.
pub(super) fn split_at(headers: &HeaderMap) -> Result<Option<usize>, Failure> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    parsed.map(Some).ok_or_else(|| Failure::malformed("Inference-Header-Content-Length is no number of bytes"))
}

/// The JSON, and the bytes behind it.
///
/// # Errors
/// If the body ends before.
pub(super) fn parts(bytes: &[u8], split: Option<usize>) -> Result<(&[u8], &[u8]), Failure> {
    let length = bytes.len();
    bytes.split_at_checked(split.unwrap_or(length)).ok_or_else(|| {
        let split = split.unwrap_or_default();
        Failure::malformed(format!("Inference-Header-Content-Length is {split}; the body has {length} bytes"))
    })
}

/// The numbers of an input; NaN among bytes is a missing one.
///
/// # Errors
/// If there are not as many as its shape says, or they are of another type.
pub(super) fn values(input: &Input, rest: &[u8]) -> Result<Vec<Cell>, Failure> {
    let expected = input.shape.iter().try_fold(1usize, |all, &axis| all.checked_mul(axis));
    let found: Vec<Cell> = match (&input.data, input.parameters.get("binary_data_size").and_then(Value::as_u64)) {
        (None, Some(size)) => {
            if size != rest.len() as u64 {
                let found = rest.len();
                return Err(Failure::malformed(format!("binary_data_size is {size}; {found} bytes follow the JSON")));
            }
            let (fours, eights) = (rest.as_chunks::<4>().0.iter(), rest.as_chunks::<8>().0.iter());
            match input.datatype.as_str() {
                "FP32" => fours.map(|bytes| cell(f32::from_le_bytes(*bytes))).collect(),
                "FP64" => eights.map(|bytes| cell(f64::from_le_bytes(*bytes) as f32)).collect(),
                "INT32" => fours.map(|bytes| cell(i32::from_le_bytes(*bytes) as f32)).collect(),
                "INT64" => eights.map(|bytes| cell(i64::from_le_bytes(*bytes) as f32)).collect(),
                other => {
                    return Err(Failure::unfit(format!("INPUT is of {other}; expected FP32, FP64, INT32 or INT64")));
                }
            }
        }
        (Some(data), None) => {
            let mut cells = Vec::new();
            flat(data, 0, &mut cells)?;
            cells
        }
        _ => return Err(Failure::unfit("INPUT has neither data nor binary_data_size, or both; expected one of them")),
    };
    match expected {
        Some(expected) if expected == found.len() => Ok(found),
        _ => Err(Failure::unfit(format!("INPUT has {} numbers; its shape is {:?}", found.len(), input.shape))),
    }
}

/// Numbers in lists of any depth that a shape has.
fn flat(data: &Value, depth: usize, to: &mut Vec<Cell>) -> Result<(), Failure> {
    match data {
        Value::Null => to.push(None),
        Value::Number(number) => to.push(number.as_f64().map(|number| number as f32)),
        Value::Bool(flag) => to.push(Some(f32::from(u8::from(*flag)))),
        Value::Array(list) if depth < 4 => {
            for item in list {
                flat(item, depth + 1, to)?;
            }
        }
        other => return Err(Failure::unfit(format!("the data of INPUT holds {other}; expected numbers"))),
    }
    Ok(())
}

/// An answer whose output stands behind the JSON.
pub(super) fn answer(mut about: Inferred<'_>, floats: &[f32]) -> Result<Response, Failure> {
    about.outputs[0].parameters = Some(json!({ "binary_data_size": 4 * floats.len() }));
    let mut bytes = serde_json::to_vec(&about).map_err(|error| Failure::broken(error.to_string()))?;
    let length = HeaderValue::from(bytes.len());
    bytes.extend(floats.iter().flat_map(|y| y.to_le_bytes()));
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, kind), (HEADER, length)], bytes).into_response())
}
