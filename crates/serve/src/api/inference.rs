//! The Open Inference Protocol, version 2, as KServe and Triton have it, with Triton's parameters of sequences.
//!
//! <https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol>,
//! <https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_sequence.md>. One input, `INPUT`
//! `[B, T, I]`, and one output, `OUTPUT`. With `sequence_id` B is 1, and the steps go on in that sequence.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use elman::{Predicts, Reads};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::body;
use super::inference_bytes as binary;
use crate::answers::sequences::answers;
use crate::app::App;
use crate::engine::Wanted;
use crate::failure::Failure;
use crate::reading::{Cell, Given, Kind, cut};
use crate::served::Served;
use crate::sessions::Session;

/// The only version that a model has.
const VERSION: &str = "1";

/// What is asked for.
#[derive(Debug, Deserialize)]
struct Asked {
    id: Option<String>,
    inputs: Vec<Input>,
    #[serde(default)]
    outputs: Vec<Output>,
    #[serde(default)]
    parameters: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) datatype: String,
    pub(super) data: Option<Value>,
    #[serde(default)]
    pub(super) parameters: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Output {
    name: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// `GET /v2`
pub(super) async fn server() -> Json<Value> {
    let extensions = ["sequence", "binary_tensor_data"];
    Json(json!({ "name": "elman", "version": env!("CARGO_PKG_VERSION"), "extensions": extensions }))
}

/// `GET /v2/models/MODEL`
pub(super) async fn about(State(app): State<Arc<App>>, Path(model): Path<String>) -> Result<Json<Value>, Failure> {
    let served = app.models.get(&model)?;
    let outputs = served.model.head().outputs();
    let shape = if answers_each_step(&served) { json!([-1, -1, outputs]) } else { json!([-1, outputs]) };
    Ok(Json(json!({
        "name": served.name, "versions": [VERSION], "platform": "elman",
        "inputs": [{ "name": "INPUT", "datatype": "FP32", "shape": [-1, -1, served.reading.features] }],
        "outputs": [{ "name": "OUTPUT", "datatype": "FP32", "shape": shape }],
    })))
}

/// `GET /v2/models/MODEL/ready`
pub(super) async fn ready(State(app): State<Arc<App>>, Path(model): Path<String>) -> Result<Json<Value>, Failure> {
    let served = app.models.get(&model)?;
    Ok(Json(json!({ "name": served.name, "ready": true })))
}

/// `GET /v2/models/MODEL/versions/VERSION`
pub(super) async fn about_version(
    state: State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    check_version(&version)?;
    about(state, Path(model)).await
}

/// `GET /v2/models/MODEL/versions/VERSION/ready`
pub(super) async fn ready_version(
    state: State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    check_version(&version)?;
    ready(state, Path(model)).await
}

/// `POST /v2/models/MODEL/versions/VERSION/infer`
pub(super) async fn infer_version(
    state: State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Failure> {
    check_version(&version)?;
    infer(state, Path(model), request).await
}

fn check_version(version: &str) -> Result<(), Failure> {
    match version {
        VERSION => Ok(()),
        _ => {
            Err(Failure::unknown(format!("there is no version {version:?}; every model has version {VERSION:?} alone")))
        }
    }
}

fn answers_each_step(served: &Served) -> bool {
    served.model.head().reads == Reads::EveryStep
}

/// `POST /v2/models/MODEL/infer`
pub(super) async fn infer(
    State(app): State<Arc<App>>,
    Path(model): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let served = app.models.get(&model)?;
    let split = binary::split_at(request.headers())?;
    let bytes = body::bytes(&app, request).await?;
    let (head, rest) = binary::parts(&bytes, split)?;
    let asked: Asked = body::parse(head)?;
    let [input] = asked.inputs.as_slice() else {
        return Err(Failure::unfit(format!("{} inputs are given; the model has one, INPUT", asked.inputs.len())));
    };
    if input.name != "INPUT" {
        return Err(Failure::unfit(format!("the input is called {:?}; the model has one, INPUT", input.name)));
    }
    if let Some(other) = asked.outputs.iter().find(|output| output.name != "OUTPUT") {
        return Err(Failure::unfit(format!("the output {:?} is asked for; the model has one, OUTPUT", other.name)));
    }
    let values = binary::values(input, rest)?;
    let features = served.reading.features;
    // A step of one number need not say so.
    let (b, t) = match *input.shape.as_slice() {
        [b, t, f] if f == features => (b, t),
        [b, t] if features == 1 => (b, t),
        [t, f] if f == features => (1, t),
        _ => {
            let message = format!("INPUT has shape {:?}; expected [B, T, {features}]", input.shape);
            return Err(Failure::unfit(message));
        }
    };
    let sequences: Vec<Vec<Vec<Cell>>> = match (b, t) {
        (0, _) | (_, 0) => return Err(Failure::unfit(format!("INPUT has shape {:?}: it holds no step", input.shape))),
        _ => cut(&values, t, features),
    };
    let (shape, answers) = match sequence_of(&asked.parameters)? {
        Some(sequence) => stepped(&app, &served, &sequence, sequences).await?,
        None => whole(&app, &served, sequences).await?,
    };
    let as_bytes = asked.outputs.first().map(|output| &output.parameters).and_then(|of| of.get("binary_data"));
    let as_bytes = as_bytes.or(asked.parameters.get("binary_data_output")).and_then(Value::as_bool).unwrap_or(false);
    let output = Tensor { name: "OUTPUT", datatype: "FP32", shape, data: None, parameters: None };
    let about = Inferred { model_name: &served.name, model_version: VERSION, id: asked.id, outputs: [output] };
    if as_bytes {
        return binary::answer(about, &answers);
    }
    let [output] = about.outputs;
    let outputs = [Tensor { data: Some(answers), ..output }];
    Ok(Json(Inferred { outputs, ..about }).into_response())
}

/// An answer.
#[derive(Debug, Serialize)]
pub(super) struct Inferred<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    pub(super) outputs: [Tensor; 1],
}

/// Its output.
#[derive(Debug, Serialize)]
pub(super) struct Tensor {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<Value>,
}

/// The sequence that a request goes on in.
struct Sequence {
    id: String,
    start: bool,
    end: bool,
}

fn sequence_of(parameters: &Map<String, Value>) -> Result<Option<Sequence>, Failure> {
    let id = match parameters.get("sequence_id") {
        None => return Ok(None),
        Some(Value::Number(number)) if number.as_u64() == Some(0) => return Ok(None),
        Some(Value::Number(number)) if number.is_u64() || number.is_i64() => number.to_string(),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) if text.len() <= 256 => format!("{text:?}"),
        Some(other) => {
            return Err(Failure::unfit(format!(
                "sequence_id is {other}; expected a whole number, or a text of at most 256 bytes"
            )));
        }
    };
    let flag = |name: &str| match parameters.get(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::Number(number)) if matches!(number.as_u64(), Some(0 | 1)) => Ok(number.as_u64() == Some(1)),
        Some(other) => Err(Failure::unfit(format!("{name} is {other}; expected true or false"))),
    };
    Ok(Some(Sequence { id, start: flag("sequence_start")?, end: flag("sequence_end")? }))
}

/// Goes on in a sequence.
async fn stepped(
    app: &App,
    served: &Arc<Served>,
    sequence: &Sequence,
    mut sequences: Vec<Vec<Vec<Cell>>>,
) -> Result<(Vec<usize>, Vec<f32>), Failure> {
    let (Some(steps), true) = (sequences.pop(), sequences.is_empty()) else {
        return Err(Failure::unfit("a request of a sequence has one row; send a request for each sequence"));
    };
    let steps_count = steps.len();
    let given = Given { steps: Some(steps), ..Given::default() };
    let xs = served.reading.inputs(&given, app.settings.max_steps)?;
    let key = format!("v2:{}:{}", served.name, sequence.id);
    let session: Arc<Session> = if sequence.start {
        app.may_begin()?;
        app.sessions.make_named(key, served, None, true)?
    } else {
        app.sessions.get(&served.name, &key).map_err(|_| {
            let id = &sequence.id;
            Failure::malformed(format!(
                "sequence {id} has not begun, or has ended; its first request says sequence_start"
            ))
        })?
    };
    let each = answers_each_step(served);
    let done = session.advance(xs, Wanted::answers(each), None).await;
    if sequence.end {
        app.sessions.end(&session);
    }
    let outputs = served.model.head().outputs();
    let shape = if each { vec![1, steps_count, outputs] } else { vec![1, outputs] };
    Ok((shape, done?.answers))
}

/// Whole sequences, all of the same length.
async fn whole(
    app: &App,
    served: &Arc<Served>,
    sequences: Vec<Vec<Vec<Cell>>>,
) -> Result<(Vec<usize>, Vec<f32>), Failure> {
    if matches!(served.reading.kind, Kind::Series(_)) {
        return Err(Failure::unfit(
            "the model forecasts series, which infer has no form for; use /v1/models/MODEL/forecast",
        ));
    }
    let arrays = served.reading.arrays(&sequences, app.settings.max_steps)?;
    let (rows, steps) = (arrays.len(), sequences.first().map_or(0, Vec::len));
    let model = served.clone();
    let answers = app.compute.run(move || answers(&model, &arrays)).await?;
    let mut floats = Vec::new();
    answers.iter().for_each(|answer| answer.numbers(&mut floats));
    let outputs = served.model.head().outputs();
    let shape = match &served.model.head().predicts {
        _ if answers_each_step(served) => vec![rows, steps, outputs],
        Predicts::Quantiles(of) => vec![rows, of.horizon, of.levels.len()],
        _ => vec![rows, outputs],
    };
    Ok((shape, floats))
}
