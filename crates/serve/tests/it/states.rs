//! States that outlive their server, and models that change while it runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use elman::{Init, Lstm, Model};
use serde_json::json;

use crate::client::Client;
use crate::sessions::floats;
use crate::support::{Server, plain};

/// Until something is so, however slow the machine is.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sessions_go_on_in_another_server() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let states = folder.path().join("states");
    let start = || Server::on(folder.clone(), |settings| settings.states = Some(states.clone()));
    let server = start();
    let mut client = server.client();
    let session = server.session(&mut client, "plain");
    client.post(&format!("{session}/step"), &json!({ "steps": [[1, 2, 3], [4, 5, 6]] })).ok();
    let infer = json!({ "inputs": [{ "name": "INPUT", "shape": [1, 1, 3], "datatype": "FP32", "data": [1, 2, 3] }],
                        "parameters": { "sequence_id": "s", "sequence_start": true } });
    client.post("/v2/models/plain/infer", &infer).ok();
    drop(client);
    server.stop().unwrap();

    let server = start();
    let mut client = server.client();
    assert!(server.said.lock().unwrap().iter().any(|line| line.starts_with("2 sessions go on")));
    let mut alone = Arc::new(plain()).stream().unwrap();
    for x in [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] {
        alone.step(&x);
    }
    let answer = client.post(&format!("{session}/step"), &json!({ "x": [7, 8, 9], "at": 2 })).ok();
    assert_eq!(floats(&answer["answers"][0]), alone.step(&[7.0, 8.0, 9.0]));
    let mut goes_on = infer;
    goes_on["parameters"] = json!({ "sequence_id": "s" });
    client.post("/v2/models/plain/infer", &goes_on).ok();
}

#[test]
fn states_are_written_while_the_server_runs() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let states = folder.path().join("states");
    let server = Server::on(folder.clone(), |settings| {
        settings.states = Some(states.clone());
        settings.write_every = Duration::from_millis(50);
    });
    let session = server.session(&mut server.client(), "plain");
    let name = session.rsplit('/').next().unwrap();
    wait("no states", || {
        std::fs::read(states.join("sessions"))
            .is_ok_and(|bytes| bytes.windows(name.len()).any(|of| of == name.as_bytes()))
    });
}

#[test]
fn states_of_a_model_that_is_another_now_are_put_aside() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let states = folder.path().join("states");
    let server = Server::on(folder.clone(), |settings| settings.states = Some(states.clone()));
    server.session(&mut server.client(), "plain");
    let kept = server.session(&mut server.client(), "values");
    server.stop().unwrap();
    let written = std::fs::read(states.join("sessions")).unwrap();

    let server = Server::on(folder.clone(), |settings| {
        settings.states = Some(states.clone());
        // Under the same name.
        let other = folder.path().join("other.safetensors");
        Model::init(Lstm::new(3, 20), 4, Init::PyTorch, 99).unwrap().save(&other).unwrap();
        settings.models[0].1 = other;
    });
    let said = server.said.lock().unwrap().join("\n");
    assert!(said.contains("1 of 2 sessions cannot go on") && said.contains("fingerprint"), "{said}");
    assert_eq!(std::fs::read(states.join("sessions.before")).unwrap(), written);
    server.client().get(&kept).ok();
}

#[test]
fn a_model_whose_file_changes_is_loaded_anew_and_sessions_keep_theirs() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "plain");
    let path = server.folder.path().join("plain.safetensors");
    let next = Model::init(Lstm::new(3, 21), 4, Init::PyTorch, 99).unwrap();
    next.save(&path).unwrap();
    let fingerprint = format!("{:08x}", next.fingerprint());
    let serves = |client: &mut Client| client.get("/v1/models/plain").ok()["fingerprint"].as_str().unwrap().to_owned();
    wait("the new model", || serves(&mut client) == fingerprint);
    let old = client.post(&format!("{session}/step"), &json!({ "x": [1, 2, 3] })).ok();
    assert_eq!(floats(&old["answers"][0]), Arc::new(plain()).stream().unwrap().step(&[1.0, 2.0, 3.0]));
    let session = server.session(&mut client, "plain");
    let new = client.post(&format!("{session}/step"), &json!({ "x": [1, 2, 3] })).ok();
    assert_eq!(floats(&new["answers"][0]), Arc::new(next).stream().unwrap().step(&[1.0, 2.0, 3.0]));
    // One that is none is said, and the old one stays.
    std::fs::write(&path, b"no model").unwrap();
    wait("a word", || server.said.lock().unwrap().iter().any(|line| line.contains("cannot be loaded")));
    assert_eq!(serves(&mut client), fingerprint);
}

#[test]
fn a_server_that_cannot_begin_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let models = crate::support::write_models(folder.path());
    let try_with = |change: &dyn Fn(&mut elman_serve::Settings)| {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = elman_serve::Settings { listen, models: models.clone(), ..Default::default() };
        change(&mut settings);
        let load = |path: &std::path::Path| elman::Ensemble::load(path).map_err(|error| error.to_string());
        elman_serve::serve_until(settings, Arc::new(load), |_| {}, async {}).err().map(|error| error.to_string())
    };
    assert_eq!(try_with(&|_| {}), None);
    let why = try_with(&|settings| settings.models[1].1 = "nowhere".into()).unwrap();
    assert!(why.contains("cannot serve values") && why.contains("nowhere"), "{why}");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let why = try_with(&|settings| settings.listen = taken.local_addr().unwrap()).unwrap();
    assert!(why.contains("--listen"), "{why}");
    std::fs::create_dir(folder.path().join("states")).unwrap();
    std::fs::write(folder.path().join("states/sessions"), b"damaged").unwrap();
    let why = try_with(&|settings| settings.states = Some(folder.path().join("states"))).unwrap();
    assert!(why.contains("states"), "{why}");
}
