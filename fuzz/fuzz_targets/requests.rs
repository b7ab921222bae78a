//! Any bytes as the body of a request to a server. The first byte chooses the path, the second the kind of body.

#![no_main]

use std::path::Path;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use elman::text::Vocabulary;
use elman::{Ensemble, Head, Init, Lstm, Model, Stack};
use elman_serve::{Settings, router};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const PATHS: [(&str, &str); 8] = [
    ("POST", "/v1/models/plain/predict"),
    ("POST", "/v1/models/text/predict"),
    ("POST", "/v1/models/text/generate"),
    ("POST", "/v1/models/plain/forecast"),
    ("POST", "/v1/models/plain/sessions"),
    ("POST", "/v2/models/plain/infer"),
    ("POST", "/v2/models/plain/versions/1/infer"),
    ("PUT", "/v1/models/plain/sessions/0/state"),
];

const KINDS: [&str; 4] = ["application/json", "application/octet-stream", "application/x-npy", "text/csv"];

fn server() -> &'static (Runtime, Router) {
    static SERVER: OnceLock<(Runtime, Router)> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let plain = Model::init(Lstm::new(3, 4), 2, Init::Tf, 1).unwrap();
        let vocabulary = Vocabulary::characters("abc\n").unwrap();
        let stack = Stack::new(Lstm::new(3, 4)).embedding(vocabulary.len());
        let mut text = Model::init(stack, Head::every_step(vocabulary.len()), Init::Tf, 1).unwrap();
        text.meaning = Some(vocabulary.into());
        let save = |name: &str, model: Model| {
            let path = folder.path().join(name);
            model.save(&path).unwrap();
            (name.to_owned(), path)
        };
        let models = vec![save("plain", plain), save("text", text)];
        let settings = Settings { models, max_steps: 1000, max_sessions: 100, ..Settings::default() };
        let load = |path: &Path| Ensemble::load(path).map_err(|error| error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let router = router(&settings, Arc::new(load)).unwrap();
        (runtime, router)
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [path, kind, body @ ..] = bytes else { return };
    let (method, path) = PATHS[usize::from(*path) % PATHS.len()];
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    let request = Request::builder().method(method).uri(path).header("host", "localhost").header("content-type", kind);
    let (runtime, router) = server();
    let response = runtime.block_on(router.clone().oneshot(request.body(Body::from(body.to_vec())).unwrap())).unwrap();
    // Full is a server of a hundred sessions at some time; its own mistake is none at any.
    assert!(response.status() != 500, "{method} {path}");
});
