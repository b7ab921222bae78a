//! Bounds: of sessions, memory, bodies, steps, time; and what is told beyond them.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::support::Server;

const MAKE: &str = "/v1/models/plain/sessions";

#[test]
fn there_are_no_more_sessions_than_allowed() {
    let server = Server::with(|settings| settings.max_sessions = 3);
    let mut client = server.client();
    let sessions: Vec<String> = (0..3).map(|_| server.session(&mut client, "plain")).collect();
    let response = client.ask("POST", MAKE, &[], &[]);
    assert!(response.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().unwrap() >= 1));
    assert!(response.refused(503).contains("--max-sessions"));
    // Those that are there go on, and one that ends makes room.
    client.post(&format!("{}/step", sessions[0]), &json!({ "x": [1, 2, 3] })).ok();
    assert_eq!(client.delete(&sessions[1]).status, 204);
    server.session(&mut client, "plain");
    client.ask("POST", MAKE, &[], &[]).refused(503);
}

#[test]
fn states_take_no_more_memory_than_allowed() {
    let server = Server::with(|settings| settings.memory_budget = 10_000);
    let mut client = server.client();
    let mut made = Vec::new();
    let why = loop {
        let response = client.ask("POST", MAKE, &[], &[]);
        if response.status == 503 {
            break response.refused(503);
        }
        made.push(response.ok());
        assert!(made.len() < 100);
    };
    assert!(why.contains("--memory-budget") && made.len() > 1, "{why}");
    let metrics = client.get("/metrics").text();
    let bytes = metrics.lines().find_map(|line| line.strip_prefix("elman_session_states_bytes ")).unwrap();
    assert!(bytes.parse::<u64>().unwrap() <= 10_000);
    for session in &made {
        client.delete(&format!("{MAKE}/{}", session["session"].as_str().unwrap()));
    }
    assert!(client.get("/metrics").text().contains("elman_session_states_bytes 0\n"));
}

#[test]
fn sessions_that_nobody_uses_end() {
    let server = Server::with(|settings| settings.idle = Duration::from_millis(600));
    let mut client = server.client();
    let (used, unused) = (server.session(&mut client, "plain"), server.session(&mut client, "plain"));
    let began = Instant::now();
    // The one is used until the other has gone, however slow the machine is.
    while client.get(&unused).status == 200 && began.elapsed() < Duration::from_secs(60) {
        // A look at where it is does not keep a session.
        client.post(&format!("{used}/step"), &json!({ "x": [1, 2, 3] }));
        std::thread::sleep(Duration::from_millis(20));
    }
    client.get(&unused).refused(404);
    assert!(client.get("/metrics").text().contains("elman_sessions_idle_ended_total "));
}

#[test]
fn bodies_have_a_bound() {
    let server = Server::with(|settings| settings.max_body = 1000);
    let mut client = server.client();
    let why = client.post("/v1/models/plain/predict", &json!({ "texts": ["x".repeat(2000)] })).refused(413);
    assert!(why.contains("1000 bytes"), "{why}");
    // Also where the length is not said before.
    let mut client = server.client();
    client.send(
        b"POST /v1/models/plain/predict HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n800\r\n",
    );
    client.send(&[b' '; 0x800]);
    client.send(b"\r\n0\r\n\r\n");
    client.receive().expect("an answer").refused(413);
}

#[test]
fn steps_have_a_bound() {
    let server = Server::with(|settings| settings.max_steps = 10);
    let mut client = server.client();
    let session = server.session(&mut client, "pooled");
    let steps = |count: usize| vec![[0.5]; count];
    client.post(&format!("{session}/step"), &json!({ "steps": steps(10) })).ok();
    client.post(&format!("{session}/step"), &json!({ "steps": steps(11) })).refused(413);
    client.post("/v1/models/pooled/predict", &json!({ "sequences": [steps(5), steps(6)] })).refused(413);
    client.post(&format!("{session}/step"), &json!({ "steps": steps(0) })).refused(422);
    assert_eq!(client.get(&session).ok()["steps"], 10);
}

#[test]
fn a_request_that_does_not_come_is_not_waited_for() {
    let server = Server::with(|settings| settings.timeout = Duration::from_millis(300));
    // Half a head: the connection is closed.
    let mut client = server.client();
    client.send(b"GET /v1/models HTTP/1.1\r\nhost: local");
    assert!(client.receive().is_none_or(|response| response.status == 408));
    // A body that stays away.
    let mut client = server.client();
    client.send(b"POST /v1/models/plain/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{");
    client.receive().expect("an answer").refused(408);
    // Others are served all the while.
    server.client().get("/healthz").ok();
}

#[test]
fn a_body_that_breaks_off_changes_nothing() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "pooled");
    for _ in 0..20 {
        let mut other = server.client();
        let head = format!("POST {session}/step HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n");
        other.send(head.as_bytes());
        other.send(b"{\"x\":[0.5]");
        drop(other);
    }
    assert_eq!(client.get(&session).ok()["steps"], 0);
}

/// A client that goes away while its steps are computed finds them done, all or none.
#[test]
fn a_client_that_vanishes_breaks_nothing_off() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "plain");
    let body = json!({ "steps": vec![[0.1, 0.2, 0.3]; 500] }).to_string();
    for _ in 0..20 {
        let mut other = Client::new(server.address);
        let head = format!("POST {session}/step HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
        other.send(head.as_bytes());
        other.send(body.as_bytes());
        drop(other);
    }
    // Behind whatever was begun.
    let last = client.post(&format!("{session}/step"), &json!({ "x": [1, 2, 3] })).ok();
    let steps = last["steps"].as_u64().unwrap();
    assert_eq!((steps - 1) % 500, 0, "{steps}");
    let mut alone = std::sync::Arc::new(crate::support::plain()).stream().unwrap();
    (1..steps).for_each(|_| drop(alone.step(&[0.1, 0.2, 0.3]).to_vec()));
    assert_eq!(crate::sessions::floats(&last["answers"][0]), alone.step(&[1.0, 2.0, 3.0]));
}
