//! Whether the server is alive and ready, and what it counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::app::App;
use crate::failure::Failure;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// `GET /readyz`: it takes new sessions.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    match *app.ending.borrow() {
        true => Err(Failure::busy("the server ends", 5)),
        false => Ok(Json(json!({ "ready": true }))),
    }
}

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    let waiting: usize = app.models.all().iter().map(|model| model.waiting()).sum();
    app.figures.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.figures.text())
}
