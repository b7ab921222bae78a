//! Sessions: made, stepped, looked at, put back, ended.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use elman::StreamState;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body;
use crate::answers::steps::{Advanced, Asked};
use crate::app::App;
use crate::engine::{Done, Wanted};
use crate::failure::Failure;
use crate::sessions::Session;

/// The media type of a state.
const STATE: &str = "application/octet-stream";

/// Steps a session; the answers, and the steps that it has read by then.
///
/// # Errors
/// If the steps do not fit the model, or the session cannot take them.
pub(super) async fn advance(mut asked: Asked, app: &App, session: &Arc<Session>) -> Result<Advanced, Failure> {
    let xs = asked.inputs(&session.served, app.settings.max_steps)?;
    let wanted = Wanted { each: asked.each(), hidden: asked.hidden, gates: asked.gates(&session.served)? };
    let Done { state, answers, hidden, gates } = session.advance(xs, wanted, asked.at).await?;
    let (hidden, gates) = (asked.hidden.then_some(hidden.as_slice()), asked.gates.then_some(gates));
    Advanced::new(&session.served, state.steps(0), &answers, hidden, gates)
}

/// `POST /v1/models/MODEL/sessions`: a new one, from zero or from a state in the body.
pub(super) async fn make(
    State(app): State<Arc<App>>,
    Path(model): Path<String>,
    request: Request,
) -> Result<impl IntoResponse, Failure> {
    app.may_begin()?;
    let served = app.models.get(&model)?;
    let media = body::media(request.headers());
    let bytes = body::bytes(&app, request).await?;
    let state = match media.as_str() {
        STATE => Some(StreamState::of_bytes(&bytes)?),
        "application/json" | "" => {
            if !bytes.is_empty() {
                body::parse::<Nothing>(&bytes)?;
            }
            None
        }
        other => return Err(Failure::media(other, "empty, or a state: application/octet-stream")),
    };
    let session = app.sessions.make(&served, state)?;
    let location = format!("/v1/models/{model}/sessions/{}", session.key);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(described(&session))))
}

/// A body without content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn described(session: &Session) -> Value {
    json!({ "session": session.key, "model": session.served.name, "steps": session.steps(),
            "fingerprint": format!("{:08x}", session.served.model.fingerprint()) })
}

/// `GET …/sessions/SESSION`
pub(super) async fn about(
    State(app): State<Arc<App>>,
    Path((model, session)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    Ok(Json(described(&*app.sessions.get(&model, &session)?)))
}

/// `DELETE …/sessions/SESSION`
pub(super) async fn end(
    State(app): State<Arc<App>>,
    Path((model, session)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    app.sessions.end(&*app.sessions.get(&model, &session)?);
    Ok(StatusCode::NO_CONTENT)
}

/// `POST …/sessions/SESSION/step`
pub(super) async fn step(
    State(app): State<Arc<App>>,
    Path((model, session)): Path<(String, String)>,
    request: Request,
) -> Result<Json<Advanced>, Failure> {
    let session = app.sessions.get(&model, &session)?;
    let asked: Asked = body::json(&app, request).await?;
    Ok(Json(advance(asked, &app, &session).await?))
}

/// `GET …/sessions/SESSION/state`: its bytes.
pub(super) async fn state(
    State(app): State<Arc<App>>,
    Path((model, session)): Path<(String, String)>,
) -> Result<impl IntoResponse, Failure> {
    let state = app.sessions.get(&model, &session)?.state();
    let steps = state.steps(0).to_string();
    Ok(([("content-type", STATE.to_owned()), ("elman-steps", steps)], Bytes::from(state.to_bytes())))
}

/// `PUT …/sessions/SESSION/state`: goes on from such bytes.
pub(super) async fn set_state(
    State(app): State<Arc<App>>,
    Path((model, session)): Path<(String, String)>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    app.may_begin()?;
    let session = app.sessions.get(&model, &session)?;
    let media = body::media(request.headers());
    if !media.is_empty() && media != STATE {
        return Err(Failure::media(&media, STATE));
    }
    session.set_state(StreamState::of_bytes(&body::bytes(&app, request).await?)?).await?;
    Ok(Json(described(&session)))
}
