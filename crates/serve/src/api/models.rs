//! Which models there are, and what each reads and answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::app::App;
use crate::failure::Failure;

/// `GET /v1/models`
pub(super) async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "models": app.models.all().iter().map(|of| of.listed(app.settings.read_only)).collect::<Vec<_>>() }))
}

/// `GET /v1/models/MODEL`
pub(super) async fn one(State(app): State<Arc<App>>, Path(model): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(app.models.get(&model)?.describe(app.settings.read_only)))
}
