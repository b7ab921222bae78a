//! Text from a model, at once or as it comes.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::mpsc;

use super::body;
use crate::answers::generate::{Asked, Sample};
use crate::app::App;
use crate::failure::Failure;

/// Pieces that wait for a client that reads slowly; then the sample waits for it.
const AHEAD: usize = 64;

/// `POST /v1/models/MODEL/generate`
pub(super) async fn generate(
    State(app): State<Arc<App>>,
    Path(model): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let served = app.models.get(&model)?;
    let asked: Asked = body::json(&app, request).await?;
    let is_stream = asked.stream;
    let sample = Sample::new(asked, &served, app.settings.max_steps)?;
    if !is_stream {
        let text = app.compute.run(move || {
            let mut text = String::new();
            let stopped = sample.write(|piece| {
                text.push_str(piece);
                true
            })?;
            Ok(json!({ "text": text, "stopped": stopped }))
        });
        return Ok(Json(text.await?).into_response());
    }
    let place = app.compute.place().await?;
    let (sender, receiver) = mpsc::channel::<Event>(AHEAD);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        // A client that has gone ends the sample.
        let send = |event: Event| sender.blocking_send(event).is_ok();
        let piece = |text: &str| Event::default().data(json!({ "text": text }).to_string());
        let end = sample.write(|text| send(piece(text)));
        send(match end {
            Ok(stopped) => Event::default().event("end").data(json!({ "stopped": stopped }).to_string()),
            Err(failure) => Event::default().event("error").data(json!({ "error": failure.message }).to_string()),
        });
    });
    Ok(Sse::new(Events(receiver)).into_response())
}

/// Events as they come.
struct Events(mpsc::Receiver<Event>);

impl futures_core::Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
