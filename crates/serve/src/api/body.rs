//! Bodies of requests: of bounded size, and of the kind that is expected.

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

pub(super) use crate::answers::parse;
use crate::app::App;
use crate::failure::Failure;

/// The media type of a body, without its parameters; empty where none is named.
pub(super) fn media(headers: &HeaderMap) -> String {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// All of a body.
///
/// # Errors
/// If it is too large, or breaks off.
pub(super) async fn bytes(app: &App, request: Request) -> Result<Bytes, Failure> {
    let most = app.settings.max_body;
    let claimed =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let too_large = || Failure::too_large(format!("the body is too large; this server takes at most {most} bytes"));
    if claimed.is_some_and(|claimed| claimed > most as u64) {
        return Err(too_large());
    }
    to_bytes(request.into_body(), most).await.map_err(|error| {
        // What wraps it is axum's own; what it was lies below.
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            if error.to_string().contains("length limit exceeded") {
                return too_large();
            }
            cause = error.source();
        }
        Failure::malformed("the body breaks off before its end")
    })
}

/// A body of JSON.
///
/// # Errors
/// If it is of another kind, too large, or not what is expected: where.
pub(super) async fn json<A: DeserializeOwned>(app: &App, request: Request) -> Result<A, Failure> {
    let media = media(request.headers());
    if !media.is_empty() && media != "application/json" {
        return Err(Failure::media(&media, "application/json"));
    }
    parse(&bytes(app, request).await?)
}
