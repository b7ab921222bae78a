//! The Open Inference Protocol, with sequences and tensors as bytes.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::sessions::floats;
use crate::support::{Server, noise, plain, values};

const INFER: &str = "/v2/models/plain/infer";

fn asked(shape: &[usize], data: &[f32], parameters: Value) -> Value {
    json!({ "id": "7", "inputs": [{ "name": "INPUT", "shape": shape, "datatype": "FP32", "data": data }], "parameters": parameters })
}

fn output(answer: &Value) -> Vec<f32> {
    answer["outputs"][0]["data"].as_array().unwrap().iter().map(|y| y.as_f64().unwrap() as f32).collect()
}

#[test]
fn the_server_and_its_models_describe_themselves() {
    let server = Server::new();
    let mut client = server.client();
    assert_eq!(client.get("/v2").ok()["extensions"], json!(["sequence", "binary_tensor_data"]));
    client.get("/v2/health/live").ok();
    client.get("/v2/health/ready").ok();
    client.get("/v2/models/plain/ready").ok();
    client.get("/v2/models/plain/versions/1/ready").ok();
    client.get("/v2/models/plain/versions/2/ready").refused(404);
    client.get("/v2/models/nobody/ready").refused(404);
    let about = client.get("/v2/models/plain").ok();
    assert_eq!(about["inputs"], json!([{ "name": "INPUT", "datatype": "FP32", "shape": [-1, -1, 3] }]));
    assert_eq!(about["outputs"][0]["shape"], json!([-1, 4]));
    assert_eq!(client.get("/v2/models/values").ok()["outputs"][0]["shape"], json!([-1, -1, 2]));
}

#[test]
fn whole_sequences_are_predicted() {
    let server = Server::new();
    let mut client = server.client();
    let xs = noise(1, 2 * 5 * 3);
    let answer = client.post(INFER, &asked(&[2, 5, 3], &xs, json!({}))).ok();
    assert_eq!((answer["id"].as_str(), &answer["outputs"][0]["shape"]), (Some("7"), &json!([2, 4])));
    let rows: Vec<Vec<&[f32]>> = xs.chunks_exact(15).map(|row| row.chunks_exact(3).collect()).collect();
    let expected = client.post("/v1/models/plain/predict", &json!({ "sequences": rows })).ok();
    let expected: Vec<f32> = expected["predictions"].as_array().unwrap().iter().flat_map(floats).collect();
    assert_eq!(output(&answer), expected);
    // By the version, and with lists in lists.
    let mut nested = asked(&[2, 5, 3], &[], json!({}));
    nested["inputs"][0]["data"] = json!(rows);
    assert_eq!(output(&client.post("/v2/models/plain/versions/1/infer", &nested).ok()), expected);
}

#[test]
fn a_sequence_goes_on_from_request_to_request() {
    let server = Server::new();
    let mut client = server.client();
    let mut streams = [plain(), plain()].map(|model| Arc::new(model).stream().unwrap());
    for step in 0..6 {
        for (number, stream) in streams.iter_mut().enumerate() {
            let x = noise(10 * step + number as u64, 3);
            // A number for the one, a text for the other.
            let id = if number == 0 { json!(42) } else { json!("42") };
            let parameters = json!({ "sequence_id": id, "sequence_start": step == 0, "sequence_end": step == 5 });
            let answer = client.post(INFER, &asked(&[1, 1, 3], &x, parameters)).ok();
            assert_eq!(output(&answer), stream.step(&x));
            assert_eq!(answer["outputs"][0]["shape"], json!([1, 4]));
        }
    }
    let goes_on = json!({ "sequence_id": 42 });
    let why = client.post(INFER, &asked(&[1, 1, 3], &[1.0; 3], goes_on.clone())).refused(400);
    assert!(why.contains("sequence_start"), "{why}");
    // A start where one is under way starts from zero.
    let start = json!({ "sequence_id": 42, "sequence_start": true });
    let first = output(&client.post(INFER, &asked(&[1, 1, 3], &[1.0; 3], start.clone())).ok());
    client.post(INFER, &asked(&[1, 2, 3], &[0.5; 6], goes_on)).ok();
    assert_eq!(output(&client.post(INFER, &asked(&[1, 1, 3], &[1.0; 3], start)).ok()), first);
    assert!(client.get("/metrics").text().contains("elman_sessions 1\n"));
}

#[test]
fn models_that_answer_each_step_do_so_in_sequences() {
    let server = Server::new();
    let xs = noise(2, 6);
    let mut stream = Arc::new(values()).stream().unwrap();
    let parameters = json!({ "sequence_id": "a", "sequence_start": true });
    let answer = server.client().post("/v2/models/values/infer", &asked(&[1, 3, 2], &xs, parameters)).ok();
    assert_eq!(answer["outputs"][0]["shape"], json!([1, 3, 2]));
    let expected: Vec<f32> = xs.chunks_exact(2).flat_map(|x| stream.step(x).to_vec()).collect();
    assert_eq!(output(&answer), expected);
}

#[test]
fn tensors_may_be_bytes() {
    let server = Server::new();
    let mut client = server.client();
    let xs = noise(3, 12);
    let expected = output(&client.post(INFER, &asked(&[2, 2, 3], &xs, json!({}))).ok());
    for (datatype, bytes) in [
        ("FP32", xs.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()),
        ("FP64", xs.iter().flat_map(|&x| f64::from(x).to_le_bytes()).collect()),
    ] {
        let input = json!({ "name": "INPUT", "shape": [2, 2, 3], "datatype": datatype,
                            "parameters": { "binary_data_size": bytes.len() } });
        let head =
            json!({ "inputs": [input], "outputs": [{ "name": "OUTPUT", "parameters": { "binary_data": true } }] });
        let head = head.to_string().into_bytes();
        let length = head.len().to_string();
        let header = [("inference-header-content-length", length.as_str())];
        let response = client.ask("POST", INFER, &header, &[head.as_slice(), bytes.as_slice()].concat());
        assert_eq!(response.status, 200, "{}", response.text());
        let split: usize = response.header("inference-header-content-length").unwrap().parse().unwrap();
        let about: Value = serde_json::from_slice(&response.body[..split]).unwrap();
        assert_eq!(about["outputs"][0]["parameters"]["binary_data_size"], 32);
        let found: Vec<f32> = response.body[split..].as_chunks().0.iter().map(|of| f32::from_le_bytes(*of)).collect();
        assert_eq!(found, expected, "{datatype}");
        // Cut off, and a length that is none.
        client.ask("POST", INFER, &header, &[head.as_slice(), &bytes[1..]].concat()).refused(400);
        client.ask("POST", INFER, &[("inference-header-content-length", "99999")], &head).refused(400);
        client.ask("POST", INFER, &[("inference-header-content-length", "x")], &head).refused(400);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let server = Server::new();
    let mut client = server.client();
    let mut refused = |change: &dyn Fn(&mut Value), word: &str| {
        let mut request = asked(&[1, 2, 3], &[1.0; 6], json!({}));
        change(&mut request);
        let why = client.post(INFER, &request).refused(422);
        assert!(why.contains(word), "{why}");
    };
    refused(&|of| of["inputs"][0]["name"] = json!("x"), "INPUT");
    refused(&|of| of["inputs"] = json!([]), "0 inputs");
    refused(&|of| of["inputs"][0]["shape"] = json!([1, 3, 2]), "expected [B, T, 3]");
    refused(&|of| of["inputs"][0]["shape"] = json!([2, 2, 3]), "6 numbers");
    refused(&|of| of["inputs"][0]["shape"] = json!([0, 2, 3]), "numbers");
    refused(&|of| of["inputs"][0]["shape"] = json!([usize::MAX, usize::MAX, 3]), "numbers");
    refused(&|of| of["inputs"][0]["data"] = json!(["a", 1, 1, 1, 1, 1]), "expected numbers");
    refused(&|of| of["outputs"] = json!([{ "name": "y" }]), "OUTPUT");
    refused(&|of| of["parameters"] = json!({ "sequence_id": [1] }), "sequence_id");
    refused(&|of| of["parameters"] = json!({ "sequence_id": 1, "sequence_start": "yes" }), "sequence_start");
    refused(
        &|of| {
            of["inputs"][0]["shape"] = json!([2, 1, 3]);
            of["parameters"] = json!({ "sequence_id": 1, "sequence_start": true });
        },
        "one row",
    );
}
