//! Whatever comes: an answer that says what is wrong, and a server that goes on.

use elman::{Purpose, Random};
use serde_json::{Value, json};

use crate::client::Client;
use crate::support::Server;

fn pick(random: &mut Random, count: usize) -> usize {
    ((random.uniform(0.5) + 0.5) * count as f32) as usize % count
}

/// JSON that is nearly right: one value of a good request is something else.
fn spoil(value: &mut Value, random: &mut Random) {
    match value {
        Value::Object(map) if !map.is_empty() && pick(random, 4) > 0 => {
            let at = pick(random, map.len());
            map.values_mut().nth(at).into_iter().for_each(|inner| spoil(inner, random));
        }
        Value::Array(list) if !list.is_empty() && pick(random, 4) > 0 => {
            let at = pick(random, list.len());
            spoil(&mut list[at], random);
        }
        value => {
            let others = [
                json!(null),
                json!(1e308),
                json!(-1),
                json!(u64::MAX),
                json!(""),
                json!("\u{0}"),
                json!([]),
                json!({}),
                json!([[[[[[]]]]]]),
                json!(true),
                json!("x".repeat(300)),
                json!(0.1),
            ];
            *value = others[pick(random, others.len())].clone();
        }
    }
}

#[test]
fn nothing_that_is_nearly_right_breaks_the_server() {
    let server = Server::new();
    let mut client = server.client();
    let mut random = Random::new(3, Purpose::Data);
    let plain = server.session(&mut client, "plain");
    let text = server.session(&mut client, "text");
    let requests = [
        ("/v1/models/plain/predict".to_owned(), json!({ "sequences": [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]] })),
        ("/v1/models/classes/predict".to_owned(), json!({ "sequences": [[[1, null]]] })),
        ("/v1/models/text/predict".to_owned(), json!({ "texts": ["abc", "d"] })),
        (
            "/v1/models/text/generate".to_owned(),
            json!({ "prime": "a", "length": 5, "temperature": 1, "top_k": 3, "top_p": 0.5, "seed": 1, "stop": ["e"], "stream": false }),
        ),
        (format!("{plain}/step"), json!({ "x": [1, 2, 3], "answers": "last", "hidden": true, "at": null })),
        (format!("{plain}/step"), json!({ "steps": [[1, 2, 3]], "answers": "each" })),
        (format!("{text}/step"), json!({ "text": "abc" })),
        ("/v1/models/plain/sessions".to_owned(), json!({})),
        (
            "/v2/models/plain/infer".to_owned(),
            json!({
                "id": "a", "inputs": [{ "name": "INPUT", "shape": [1, 2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6] }],
                "outputs": [{ "name": "OUTPUT", "parameters": { "binary_data": false } }],
                "parameters": { "sequence_id": 5, "sequence_start": true, "sequence_end": false },
            }),
        ),
    ];
    for (path, body) in &requests {
        client
            .post(path, body)
            .status
            .eq(&200)
            .then_some(())
            .or_else(|| path.ends_with("sessions").then_some(()))
            .expect(path);
    }
    for _ in 0..600 {
        let (path, body) = &requests[pick(&mut random, requests.len())];
        let mut body = body.clone();
        spoil(&mut body, &mut random);
        let response = client.post(path, &body);
        let status = response.status;
        assert!([200, 201, 400, 404, 409, 413, 422].contains(&status), "{status} {path} {body}: {}", response.text());
        if status >= 400 {
            assert!(!response.json()["error"].as_str().unwrap().is_empty());
        }
    }
    client.get("/healthz").ok();
}

#[test]
fn nothing_that_is_no_http_breaks_the_server() {
    let server = Server::new();
    let mut random = Random::new(4, Purpose::Data);
    for turn in 0..60 {
        let mut client = Client::new(server.address);
        let bytes: Vec<u8> = (0..1 + pick(&mut random, 400)).map(|_| pick(&mut random, 256) as u8).collect();
        let mut sent = match turn % 3 {
            0 => Vec::new(),
            1 => b"POST /v1/models/plain/predict HTTP/1.1\r\nhost: localhost\r\n".to_vec(),
            _ => format!(
                "POST /v1/models/plain/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
                bytes.len()
            )
            .into_bytes(),
        };
        sent.extend(&bytes);
        client.send(&sent);
        if turn % 3 == 2 {
            let status = client.receive().expect("an answer").status;
            assert!([400, 422].contains(&status), "{status}");
        }
        drop(client);
        server.client().get("/healthz").ok();
    }
}

#[test]
fn depth_and_size_of_json_have_bounds() {
    let server = Server::new();
    let mut client = server.client();
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let body = format!("{{\"sequences\":{deep}}}");
    let response = client.ask("POST", "/v1/models/plain/predict", &[], body.as_bytes());
    assert!([400, 422].contains(&response.status));
    let many = format!("{{\"sequences\":[{}[[1,2,3]]]}}", "[[1,2,3]],".repeat(100_000));
    client.ask("POST", "/v1/models/plain/predict", &[], many.as_bytes()).refused(413);
}
