//! What stands before every request: who may ask, from where, for how long; and what every answer carries.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::failure::Failure;
use crate::figures::Asked;

/// What a WebSocket of a page, which cannot set a header, puts before the token among its protocols.
pub(crate) const TOKEN_PROTOCOL: &str = "bearer.";

/// What browsers may do with an answer: the page is made of the server's own files alone.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// All of it.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (began, method, uri) = (Instant::now(), request.method().clone(), request.uri().clone());
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = match admit(&app, &method, &uri, request.headers()) {
        Err(failure) => failure.into_response(),
        Ok(()) => match tokio::time::timeout(app.settings.timeout, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Failure::late(app.settings.timeout.as_secs()).into_response(),
        },
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let (took, status) = (began.elapsed(), response.status().as_u16());
    let path = matched.unwrap_or_else(|| "unknown".into());
    if app.settings.log {
        // What stands in a path or a body is a client's own.
        tracing::info!(method = %method, path, status, microseconds = took.as_micros() as u64, "request");
    }
    // A method of a client's own invention is no label.
    let known = [Method::GET, Method::POST, Method::PUT, Method::DELETE].contains(&method);
    let method = if known { method.to_string() } else { "other".into() };
    app.figures.request(Asked { path, method, status }, took);
    response
}

fn admit(app: &App, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Failure> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    // A page elsewhere whose name was made to point here sends that name.
    if app.settings.listen.ip().is_loopback() && !is_loopback(host) {
        return Err(Failure::forbidden(format!(
            "the host is {host:?}; this server answers on this machine, as localhost"
        )));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let own = ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host));
        let changes = *method != Method::GET || headers.contains_key(header::UPGRADE);
        if changes && !own {
            return Err(Failure::forbidden(format!(
                "the request comes from a page of {origin:?}; expected one of {host:?}"
            )));
        }
    }
    match &app.settings.token {
        Some(token) if !is_open(uri.path()) && !shows(headers, token) => Err(Failure::unauthorized()),
        _ => Ok(()),
    }
}

/// Whether a host names this machine itself.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What needs no token: the page's own files, and whether the server is alive.
fn is_open(path: &str) -> bool {
    path == "/" || path.starts_with("/page/") || path == "/healthz" || path == "/readyz"
}

/// Whether the token is shown, in a time that does not tell how much of it is right.
fn shows(headers: &HeaderMap, token: &str) -> bool {
    let equals = |shown: &str| bool::from(shown.as_bytes().ct_eq(token.as_bytes()));
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, shown) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| shown.trim())
    });
    if let Some(shown) = bearer {
        return equals(shown);
    }
    let protocols = text(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    protocols.split(',').filter_map(|protocol| protocol.trim().strip_prefix(TOKEN_PROTOCOL)).any(equals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "127.9.9.9", "[::1]:8080", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "example.com", "localhost.example.com:80", "10.0.0.1", "[::2]:80", "127.0.0.1.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_shown_whole_or_not_at_all() {
        let with =
            |name: HeaderName, value: &'static str| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        for value in ["Bearer secret", "bearer  secret "] {
            assert!(shows(&with(header::AUTHORIZATION, value), "secret"), "{value}");
        }
        for value in ["", "secret", "Bearer", "Bearer secre", "Bearer secrets", "Basic secret", "Bearer SECRET"] {
            assert!(!shows(&with(header::AUTHORIZATION, value), "secret"), "{value}");
        }
        assert!(shows(&with(header::SEC_WEBSOCKET_PROTOCOL, "elman, bearer.secret"), "secret"));
        assert!(!shows(&with(header::SEC_WEBSOCKET_PROTOCOL, "elman, secret"), "secret"));
        assert!(!shows(&HeaderMap::new(), "secret"));
    }
}
