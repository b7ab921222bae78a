//! A stream of steps over a WebSocket: an answer for each message, in order.
//!
//! A message of text is what `step` takes, and its answer what `step` gives. A message of bytes is steps `[T, F]` as 32-bit
//! floats, little-endian, and its answer is `[T, O]` of the same.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::ws::{
    CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code, rejection::WebSocketUpgradeRejection,
};
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

use super::body;
use super::sessions::advance;
use crate::answers::steps::Asked;
use crate::app::{App, Open};
use crate::engine::Wanted;
use crate::failure::Failure;
use crate::reading::{Cell, Given, cell};
use crate::server::until;
use crate::sessions::Session;

/// Bytes of a stream's buffers.
const BUFFER: usize = 8 << 10;

/// `GET …/sessions/SESSION/stream`
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    Path((model, session)): Path<(String, String)>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let session = app.sessions.get(&model, &session)?;
    let upgrade =
        upgrade.map_err(|_| Failure::malformed("this path is a WebSocket; for single requests there is step"))?;
    let most = app.settings.max_body;
    // A page that shows its token among the protocols has the other one confirmed.
    let upgrade = upgrade.protocols(["elman"]).max_message_size(most).max_frame_size(most);
    // A step is small, and there may be thousands of streams.
    let upgrade =
        upgrade.read_buffer_size(BUFFER).write_buffer_size(BUFFER).max_write_buffer_size(2 * most.max(BUFFER));
    Ok(upgrade.on_upgrade(move |socket| serve(app, session, socket)))
}

async fn serve(app: Arc<App>, session: Arc<Session>, mut socket: WebSocket) {
    let _open = Open::one_more(&app);
    let mut ending = app.ending.subscribe();
    let idle = app.settings.idle;
    loop {
        let message = tokio::select! {
            () = until(&mut ending) => return close(socket, close_code::AWAY, "the server ends").await,
            message = tokio::time::timeout(idle, socket.recv()) => match message {
                Err(_) => return close(socket, close_code::AWAY, "nothing came for too long").await,
                Ok(None | Some(Err(_))) => return,
                Ok(Some(Ok(message))) => message,
            },
        };
        let answer = match message {
            Message::Text(text) => match of_text(&app, &session, &text).await {
                Ok(answer) => Message::text(answer),
                Err(failure) => {
                    let status = failure.status.as_u16();
                    Message::text(json!({ "error": failure.message, "status": status }).to_string())
                }
            },
            Message::Binary(bytes) => match of_bytes(&app, &session, &bytes).await {
                Ok(answer) => Message::Binary(answer),
                Err(failure) => {
                    let status = failure.status.as_u16();
                    Message::text(json!({ "error": failure.message, "status": status }).to_string())
                }
            },
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        // Who does not take an answer gets no more.
        match tokio::time::timeout(app.settings.timeout, socket.send(answer)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}

async fn close(mut socket: WebSocket, code: u16, reason: &'static str) {
    // Whoever has gone is not told.
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}

async fn of_text(app: &App, session: &Arc<Session>, text: &str) -> Result<String, Failure> {
    let asked: Asked = body::parse(text.as_bytes())?;
    let answer = advance(asked, app, session).await?;
    serde_json::to_string(&answer).map_err(|error| Failure::broken(error.to_string()))
}

async fn of_bytes(app: &App, session: &Arc<Session>, bytes: &Bytes) -> Result<Bytes, Failure> {
    let reading = &session.served.reading;
    let width = 4 * reading.features;
    if bytes.is_empty() || !bytes.len().is_multiple_of(width) {
        let message =
            format!("a message of {} bytes; expected steps of {} floats, {width} bytes each", bytes.len(), width / 4);
        return Err(Failure::unfit(message));
    }
    let cells: Vec<Cell> = bytes.as_chunks().0.iter().map(|bytes| cell(f32::from_le_bytes(*bytes))).collect();
    let steps = cells.chunks_exact(reading.features).map(<[Cell]>::to_vec).collect();
    let xs = reading.inputs(&Given { steps: Some(steps), ..Given::default() }, app.settings.max_steps)?;
    let done = session.advance(xs, Wanted::answers(true), None).await?;
    Ok(done.answers.iter().flat_map(|y| y.to_le_bytes()).collect::<Vec<u8>>().into())
}
