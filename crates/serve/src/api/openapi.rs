//! The API's description, as OpenAPI has it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;

/// `GET /openapi.json`
pub(super) async fn openapi(State(app): State<Arc<App>>) -> Json<Value> {
    let models = app.models.all();
    Json(description(&models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>()))
}

/// The description of all paths for these models, in OpenAPI 3.0.
fn description(models: &[&str]) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "elman serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Recurrent models: predictions of whole sequences, texts, forecasts, and sessions that keep a state.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths(models),
        "components": { "schemas": schemas(), "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
        "security": [{}, { "token": [] }],
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn of_json(schema: Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

/// A path's parameter.
fn named(name: &str, of: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": of, "schema": { "type": "string" } })
}

/// What a method answers: its own answers, and the failures that every method may have beside them.
fn answers(own: &[(&str, &str, Value)], failures: &[&str]) -> Value {
    let mut answers = json!({});
    for (status, what, content) in own {
        let mut answer = json!({ "description": what });
        if !content.is_null() {
            answer["content"] = content.clone();
        }
        answers[*status] = answer;
    }
    for status in failures.iter().chain(&["401", "403", "405", "408"]) {
        let why = match *status {
            "400" => "The request cannot be read",
            "401" => "A token is asked for",
            "403" => "Not from there, or not on this server",
            "404" => "There is nothing of this name",
            "405" => "The path has no such method",
            "408" => "It took too long",
            "409" => "The session is at another step",
            "413" => "Too large",
            "415" => "The body is of another kind",
            "422" => "It does not fit the model",
            "429" => "Too much waits in this session",
            _ => "There is no room now; Retry-After says when to come again",
        };
        answers[*status] = json!({ "description": why, "content": of_json(reference("Failure")) });
    }
    answers
}

fn method(id: &str, summary: &str, body: Value, answers: Value) -> Value {
    let mut method = json!({ "operationId": id, "summary": summary, "responses": answers });
    if !body.is_null() {
        method["requestBody"] = json!({ "required": true, "content": body });
    }
    method
}

fn paths(models: &[&str]) -> Value {
    let (mut model, session, version) = (
        named("model", "The name of a model"),
        named("session", "The name of a session"),
        named("version", "The version, which is always 1"),
    );
    model["schema"]["enum"] = json!(models);
    let of_model = json!([model]);
    let of_session = json!([model, session]);
    let of_version = json!([model, version]);
    // A client that makes a session knows what it can do with it.
    let mut made =
        answers(&[("201", "The session", of_json(reference("Session")))], &["400", "404", "413", "415", "422", "503"]);
    for operation in ["session", "endSession", "step", "state", "setState"] {
        let parameters = json!({ "model": "$request.path.model", "session": "$response.body#/session" });
        made["201"]["links"][operation] = json!({ "operationId": operation, "parameters": parameters });
    }
    let object = || of_json(json!({ "type": "object" }));
    let text = |media: &str| json!({ media: { "schema": { "type": "string" } } });
    let bytes = json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } });
    let given = ["400", "404", "413", "415", "422", "503"];
    let stepped = ["400", "404", "409", "413", "415", "422", "429", "503"];
    let mut predicted = of_json(reference("Predict"));
    predicted["application/x-npy"] = json!({ "schema": { "type": "string", "format": "binary" } });
    let mut table = of_json(reference("Forecast"));
    table["text/csv"] = json!({ "schema": { "type": "string" } });
    let mut generated = of_json(reference("Generated"));
    generated["text/event-stream"] = json!({ "schema": { "type": "string" } });
    let get = |id: &str, summary: &str, what: &str, content: Value, failures: &[&str]| json!({ "get": method(id, summary, Value::Null, answers(&[("200", what, content)], failures)) });
    let with = |mut path: Value, parameters: &Value| {
        path["parameters"] = parameters.clone();
        path
    };
    let infer = |id: &str| {
        let mut body = of_json(reference("Infer"));
        body["application/octet-stream"] = json!({ "schema": { "type": "string", "format": "binary" } });
        let content = of_json(reference("Inferred"));
        let summary = "Infer by the Open Inference Protocol, also in a sequence";
        json!({ "post": method(id, summary, body, answers(&[("200", "Its output", content)], &stepped)) })
    };
    json!({
        "/": get("page", "The page", "HTML", text("text/html"), &[]),
        "/page/{file}": with(
            get("pageFile", "A file of the page", "The file", json!({ "*/*": { "schema": { "type": "string" } } }), &["404"]),
            &json!([named("file", "Its name")]),
        ),
        "/openapi.json": get("openapi", "This description", "OpenAPI", object(), &[]),
        "/healthz": get("alive", "Whether the server answers", "It does", object(), &[]),
        "/readyz": get("ready", "Whether it takes new sessions", "It does", object(), &["503"]),
        "/metrics": get("metrics", "Figures for Prometheus", "OpenMetrics", text("application/openmetrics-text"), &[]),
        "/v1/models": get("models", "The models", "Their names", of_json(reference("Models")), &[]),
        "/v1/models/{model}": with(
            get("model", "What a model reads and answers", "Its description", object(), &["404"]), &of_model),
        "/v1/models/{model}/predict": with(
            json!({ "post": method("predict", "Answers to whole sequences", predicted,
                answers(&[("200", "An answer for each sequence", of_json(reference("Predictions")))], &given)) }),
            &of_model,
        ),
        "/v1/models/{model}/generate": with(
            json!({ "post": method("generate", "A text, at once or as it comes", of_json(reference("Generate")),
                answers(&[("200", "The text; with stream as events", generated)], &given)) }),
            &of_model,
        ),
        "/v1/models/{model}/forecast": with(
            json!({ "post": method("forecast", "Quantiles of what follows series", table,
                answers(&[("200", "A forecast for each series", of_json(reference("Forecasts")))], &given)) }),
            &of_model,
        ),
        "/v1/models/{model}/sessions": with(
            json!({ "post": {
                "operationId": "makeSession", "summary": "A new session, from zero or from a state",
                "requestBody": { "required": false, "content": bytes },
                "responses": made,
            } }),
            &of_model,
        ),
        "/v1/models/{model}/sessions/{session}": with(
            json!({
                "get": method("session", "Where a session is", Value::Null,
                    answers(&[("200", "The session", of_json(reference("Session")))], &["404"])),
                "delete": method("endSession", "Ends a session", Value::Null,
                    answers(&[("204", "It has ended", Value::Null)], &["404"])),
            }),
            &of_session,
        ),
        "/v1/models/{model}/sessions/{session}/step": with(
            json!({ "post": method("step", "Goes on by one step or several", of_json(reference("Step")),
                answers(&[("200", "The answers", of_json(reference("Stepped")))], &stepped)) }),
            &of_session,
        ),
        "/v1/models/{model}/sessions/{session}/state": with(
            json!({
                "get": method("state", "The state as bytes", Value::Null,
                    answers(&[("200", "The state", bytes.clone())], &["404"])),
                "put": method("setState", "Goes on from a state", bytes,
                    answers(&[("200", "The session", of_json(reference("Session")))], &stepped)),
            }),
            &of_session,
        ),
        "/v1/models/{model}/sessions/{session}/stream": with(
            get("stream", "A WebSocket: an answer for each message, in order", "Not without an upgrade", Value::Null,
                &["400", "404"]),
            &of_session,
        ),
        "/v2": get("v2", "The server, by the Open Inference Protocol", "Its description", object(), &[]),
        "/v2/health/live": get("v2Live", "Whether the server answers", "It does", object(), &[]),
        "/v2/health/ready": get("v2Ready", "Whether it takes new sessions", "It does", object(), &["503"]),
        "/v2/models/{model}": with(get("v2Model", "A model's tensors", "Their shapes", object(), &["404"]), &of_model),
        "/v2/models/{model}/ready": with(
            get("v2ModelReady", "Whether a model is ready", "It is", object(), &["404"]), &of_model),
        "/v2/models/{model}/infer": with(infer("v2Infer"), &of_model),
        "/v2/models/{model}/versions/{version}": with(
            get("v2Version", "A model's tensors", "Their shapes", object(), &["404"]), &of_version),
        "/v2/models/{model}/versions/{version}/ready": with(
            get("v2VersionReady", "Whether a model is ready", "It is", object(), &["404"]), &of_version),
        "/v2/models/{model}/versions/{version}/infer": with(infer("v2VersionInfer"), &of_version),
    })
}

fn schemas() -> Value {
    let list = |of: Value| json!({ "type": "array", "items": of });
    let number = || json!({ "type": "number" });
    let whole = || json!({ "type": "integer", "minimum": 0 });
    let text = || json!({ "type": "string" });
    let flag = || json!({ "type": "boolean" });
    let cell = || json!({ "type": "number", "nullable": true, "description": "null is a missing value" });
    let step = || list(cell());
    let closed = |properties: Value, required: &[&str]| {
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    };
    let open = |properties: Value, required: &[&str]| {
        let mut schema = closed(properties, required);
        schema["additionalProperties"] = true.into();
        schema
    };
    let answer = || {
        json!({ "type": "object", "description": "class and probabilities, next and probabilities, value or values, \
                                                             quantiles; steps of an answer each where the model answers each" })
    };
    json!({
        "Failure": closed(json!({ "error": text() }), &["error"]),
        "Models": open(json!({ "models": list(open(json!({ "name": text(), "sessions": flag() }), &["name", "sessions"])) }), &["models"]),
        "Predict": closed(json!({ "sequences": list(list(step())), "texts": list(text()) }), &[]),
        "Predictions": closed(json!({ "predictions": list(answer()) }), &["predictions"]),
        "Generate": closed(json!({
            "prime": text(), "length": whole(), "temperature": { "type": "number", "minimum": 0 },
            "top_k": { "type": "integer", "minimum": 1, "nullable": true },
            "top_p": { "type": "number", "minimum": 0, "maximum": 1, "nullable": true },
            "seed": whole(), "stop": list(text()), "stream": flag(),
        }), &[]),
        "Generated": closed(json!({ "text": text(), "stopped": { "type": "string", "enum": ["length", "stop"] } }), &["text", "stopped"]),
        "Forecast": closed(json!({ "columns": { "type": "object", "additionalProperties": {
            "type": "array", "items": { "nullable": true, "oneOf": [{ "type": "number" }, { "type": "string" }] } } } }), &["columns"]),
        "Forecasts": open(json!({ "levels": list(number()), "forecasts": list(open(json!({
            "id": text(), "times": list(text()), "quantiles": list(list(number())) }), &["id", "times", "quantiles"])) }), &["levels", "forecasts"]),
        "Session": closed(json!({ "session": text(), "model": text(), "steps": whole(), "fingerprint": text() }),
            &["session", "model", "steps", "fingerprint"]),
        "Step": closed(json!({
            "x": step(), "steps": list(step()), "text": text(), "answers": { "type": "string", "enum": ["each", "last"] },
            "hidden": flag(), "gates": flag(), "at": { "type": "integer", "minimum": 0, "nullable": true },
        }), &[]),
        "Stepped": closed(json!({ "steps": whole(), "answers": list(answer()), "hidden": list(list(number())),
            "gates": list(list(closed(json!({ "layer": whole(), "name": text(),
                "bound": { "type": "string", "enum": ["sigmoid", "tanh", "relu", "none"] }, "values": list(number()) }),
                &["layer", "name", "bound", "values"]))) }), &["steps", "answers"]),
        "Infer": open(json!({
            "id": text(),
            "inputs": list(open(json!({ "name": text(), "shape": list(whole()), "datatype": text(), "data": list(json!({})),
                "parameters": { "type": "object" } }), &["name", "shape", "datatype"])),
            "outputs": list(open(json!({ "name": text(), "parameters": { "type": "object" } }), &["name"])),
            "parameters": open(json!({ "sequence_id": { "oneOf": [whole(), text()] }, "sequence_start": flag(), "sequence_end": flag() }), &[]),
        }), &["inputs"]),
        "Inferred": open(json!({ "model_name": text(), "model_version": text(), "id": text(), "outputs": list(json!({ "type": "object" })) }),
            &["model_name", "outputs"]),
    })
}
