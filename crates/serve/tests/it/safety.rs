//! Who may ask, and from where.

use serde_json::json;

use crate::support::Server;

const TOKEN: &str = "a-token-of-some-length";

#[test]
fn a_token_is_asked_for_where_there_is_one() {
    let server = Server::with(|settings| settings.token = Some(TOKEN.into()));
    let mut client = server.client();
    for path in ["/v1/models", "/v1/models/plain", "/metrics", "/openapi.json", "/v2", "/v2/models/plain", "/nothing"] {
        let response = client.get(path);
        assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{path}");
        response.refused(401);
    }
    client.ask("POST", "/v1/models/plain/sessions", &[("authorization", "Bearer wrong")], &[]).refused(401);
    let right = format!("Bearer {TOKEN}");
    client.ask("GET", "/v1/models", &[("authorization", &right)], &[]).ok();
    // What needs none: whether it is alive, and the page, which asks for it.
    for path in ["/healthz", "/readyz", "/"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
}

#[test]
fn other_peoples_pages_change_nothing() {
    let server = Server::new();
    let mut client = server.client();
    let host = server.address.to_string();
    let own = format!("http://{host}");
    let body = json!({ "sequences": [[[1, 2, 3]]] }).to_string();
    let mut from = |origin: &str| {
        let headers = [("content-type", "application/json"), ("origin", origin)];
        client.ask("POST", "/v1/models/plain/predict", &headers, body.as_bytes())
    };
    from(&own).ok();
    for origin in ["http://example.com", "null", "http://127.0.0.1:1", &format!("{own}.example.com")] {
        from(origin).refused(403);
    }
}

#[test]
fn a_name_that_was_made_to_point_here_is_not_answered() {
    let server = Server::new();
    let mut client = server.client();
    client.send(b"GET /v1/models HTTP/1.1\r\nhost: example.com\r\n\r\n");
    assert!(client.receive().unwrap().refused(403).contains("example.com"));
    client.send(b"GET /v1/models HTTP/1.1\r\nhost: localhost:1234\r\n\r\n");
    client.receive().unwrap().ok();
}

#[test]
fn every_answer_tells_browsers_what_they_may_do() {
    let server = Server::new();
    let mut client = server.client();
    for path in ["/", "/v1/models", "/nothing", "/metrics"] {
        let response = client.get(path);
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("x-frame-options"), Some("DENY"));
    }
}

#[test]
fn no_path_reaches_the_disk() {
    let server = Server::new();
    let mut client = server.client();
    for path in [
        "/page/..%2f..%2fCargo.toml",
        "/page/%2e%2e",
        "/page/../src/lib.rs",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/plain/sessions/..%2f..%2flock",
    ] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_read_only_server_has_no_sessions() {
    let server = Server::with(|settings| settings.read_only = true);
    let mut client = server.client();
    client.ask("POST", "/v1/models/plain/sessions", &[], &[]).refused(403);
    assert_eq!(client.get("/v1/models/plain").ok()["sessions"]["available"], false);
    let infer = json!({ "inputs": [{ "name": "INPUT", "shape": [1, 1, 3], "datatype": "FP32", "data": [1, 2, 3] }],
                        "parameters": { "sequence_id": 1, "sequence_start": true } });
    client.post("/v2/models/plain/infer", &infer).refused(403);
    client.post("/v1/models/plain/predict", &json!({ "sequences": [[[1, 2, 3]]] })).ok();
}
