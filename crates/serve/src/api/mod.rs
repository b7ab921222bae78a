//! The paths of the server, and what answers each.

mod body;
mod forecast;
mod generate;
mod inference;
mod inference_bytes;
mod models;
mod openapi;
mod operation;
mod page;
mod predict;
mod refusal;
mod sessions;
mod socket;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

use crate::app::App;
use crate::failure::Failure;
use crate::guard::guard;

/// All paths.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let session = "/v1/models/{model}/sessions/{session}";
    Router::new()
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .route("/openapi.json", get(openapi::openapi))
        .route("/healthz", get(operation::alive))
        .route("/readyz", get(operation::ready))
        .route("/metrics", get(operation::metrics))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{model}", get(models::one))
        .route("/v1/models/{model}/predict", post(predict::predict))
        .route("/v1/models/{model}/generate", post(generate::generate))
        .route("/v1/models/{model}/forecast", post(forecast::forecast))
        .route("/v1/models/{model}/sessions", post(sessions::make))
        .route(session, get(sessions::about))
        .route(session, delete(sessions::end))
        .route(&format!("{session}/step"), post(sessions::step))
        .route(&format!("{session}/state"), get(sessions::state).put(sessions::set_state))
        .route(&format!("{session}/stream"), get(socket::stream))
        .route("/v2", get(inference::server))
        .route("/v2/health/live", get(operation::alive))
        .route("/v2/health/ready", get(operation::ready))
        .route("/v2/models/{model}", get(inference::about))
        .route("/v2/models/{model}/ready", get(inference::ready))
        .route("/v2/models/{model}/infer", post(inference::infer))
        .route("/v2/models/{model}/versions/{version}", get(inference::about_version))
        .route("/v2/models/{model}/versions/{version}/ready", get(inference::ready_version))
        .route("/v2/models/{model}/versions/{version}/infer", post(inference::infer_version))
        .fallback(|| async { Failure::unknown("there is nothing at this path; /openapi.json lists what there is") })
        .method_not_allowed_fallback(|| async { Failure::method() })
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app.clone())
}
