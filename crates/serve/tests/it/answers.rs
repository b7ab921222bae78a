//! Whole sequences and texts: what the library answers.

use std::sync::Arc;

use elman::text::{Sampler, Sampling};
use elman::{Arrays, Classifier, Predictor};
use ndarray::{Array2, Array3};
use serde_json::{Value, json};

use crate::sessions::floats;
use crate::support::{Server, both_ways, classes, noise, plain, tags, text, values};

#[test]
fn predictions_are_those_of_the_library() {
    let server = Server::new();
    let mut client = server.client();
    for (name, model, features) in [("plain", plain(), 3), ("both-ways", both_ways(), 2)] {
        let lengths = [5, 1, 9];
        let mut xs = Array3::<f32>::zeros((3, 9, features));
        let mut sequences = Vec::new();
        for (row, &length) in lengths.iter().enumerate() {
            let steps: Vec<Vec<f32>> =
                noise(row as u64, length * features).chunks_exact(features).map(<[f32]>::to_vec).collect();
            for (step, x) in steps.iter().enumerate() {
                xs.slice_mut(ndarray::s![row, step, ..]).iter_mut().zip(x).for_each(|(to, &from)| *to = from);
            }
            sequences.push(steps);
        }
        let data = Arrays::classes(xs, vec![0; 3]).unwrap().lengths(lengths.to_vec()).unwrap();
        let expected = Predictor::new(model, 1).predict(&data).unwrap();
        let answer = client.post(&format!("/v1/models/{name}/predict"), &json!({ "sequences": sequences })).ok();
        for (row, answer) in answer["predictions"].as_array().unwrap().iter().enumerate() {
            assert_eq!(floats(answer), expected.row(row).to_vec(), "{name}, row {row}");
            assert_eq!(answer["class"], elman::most_probable(&expected.row(row).to_vec()).unwrap());
        }
    }
}

#[test]
fn classes_have_their_names_and_values_may_be_missing() {
    let server = Server::new();
    let answer =
        server.client().post("/v1/models/classes/predict", &json!({ "sequences": [[[1, null], [3, 4]]] })).ok();
    let sequence = Array2::from_shape_vec((2, 2), vec![1.0, f32::NAN, 3.0, 4.0]).unwrap();
    let mut classifier = Classifier::new(classes(), 1).unwrap();
    let expected = classifier.classify_arrays(&[sequence.view()]).unwrap().remove(0);
    assert_eq!(floats(&answer["predictions"][0]), expected.probabilities);
    assert_eq!(answer["predictions"][0]["class"], classifier.name(&expected));
}

#[test]
fn each_step_has_its_class_where_the_model_names_steps() {
    let server = Server::new();
    let mut client = server.client();
    let sequences = json!([[[1, null], [3, 4], [-1, 0]], [[2, 2]]]);
    let answer = client.post("/v1/models/tags/predict", &json!({ "sequences": sequences })).ok();
    let first = Array2::from_shape_vec((3, 2), vec![1.0, f32::NAN, 3.0, 4.0, -1.0, 0.0]).unwrap();
    let second = Array2::from_shape_vec((1, 2), vec![2.0, 2.0]).unwrap();
    let mut classifier = Classifier::new(tags(), 1).unwrap();
    let expected = classifier.classify_steps_of_arrays(&[first.view(), second.view()]).unwrap();
    for (row, expected) in expected.iter().enumerate() {
        let steps = answer["predictions"][row]["steps"].as_array().unwrap();
        assert_eq!(steps.len(), expected.len());
        for (found, expected) in steps.iter().zip(expected) {
            assert_eq!(floats(found), expected.probabilities);
            assert_eq!(found["class"], classifier.name(expected));
        }
    }
    // A session of it answers the same, step by step.
    let session = server.session(&mut client, "tags");
    let stepped = client.post(&format!("{session}/step"), &json!({ "steps": sequences[0] })).ok();
    assert_eq!(stepped["answers"], answer["predictions"][0]["steps"]);
}

#[test]
fn each_step_has_its_answer_where_the_model_gives_one() {
    let server = Server::new();
    let xs = noise(3, 8);
    let steps: Vec<&[f32]> = xs.chunks_exact(2).collect();
    let answer = server.client().post("/v1/models/values/predict", &json!({ "sequences": [steps] })).ok();
    let data = Arrays::step_values(Array3::from_shape_vec((1, 4, 2), xs.clone()).unwrap(), Array3::zeros((1, 4, 2)));
    let expected = Predictor::new(values(), 1).predict_steps(&data.unwrap(), 0).unwrap();
    for (step, answer) in answer["predictions"][0]["steps"].as_array().unwrap().iter().enumerate() {
        assert_eq!(floats(answer), expected.row(step).to_vec());
    }
}

#[test]
fn arrays_of_numpy_are_sequences() {
    let server = Server::new();
    let mut client = server.client();
    let xs = noise(5, 2 * 4 * 3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let array = |shape: &[usize]| elman::formats::numpy::Array {
        shape: shape.to_vec(),
        values: elman::formats::numpy::Values::F32(xs.clone()),
    };
    elman::formats::numpy::write_npy(&path, &array(&[2, 4, 3])).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let found = client.ask("POST", "/v1/models/plain/predict", &[("content-type", "application/x-npy")], &bytes).ok();
    let rows: Vec<Vec<&[f32]>> = xs.chunks_exact(12).map(|row| row.chunks_exact(3).collect()).collect();
    let expected = client.post("/v1/models/plain/predict", &json!({ "sequences": rows })).ok();
    assert_eq!(found, expected);
    for shape in [&[24][..], &[8, 3, 1], &[4, 3, 2]] {
        elman::formats::numpy::write_npy(&path, &array(shape)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        client.send_bytes("POST", "/v1/models/plain/predict", &bytes).refused(422);
    }
    client.send_bytes("POST", "/v1/models/plain/predict", &bytes[..50]).refused(422);
}

#[test]
fn texts_are_those_of_the_sampler() {
    let server = Server::new();
    let mut client = server.client();
    let asked = json!({ "prime": "so it ", "length": 60, "temperature": 0.8, "top_k": 9, "seed": 7 });
    let mut sampler = Sampler::new(&Arc::new(text()), 7, 1).unwrap();
    sampler.read(&text().vocabulary().unwrap().encode("so it ").unwrap()).unwrap();
    let sampling = Sampling { temperature: 0.8, top_k: Some(9), top_p: None };
    let expected = String::from_utf8(sampler.write(60, sampling).unwrap().remove(0)).unwrap();
    let answer = client.post("/v1/models/text/generate", &asked).ok();
    assert_eq!((answer["text"].as_str().unwrap(), answer["stopped"].as_str().unwrap()), (expected.as_str(), "length"));

    // As it comes.
    let mut streamed = asked.clone();
    streamed["stream"] = true.into();
    let response = client.post("/v1/models/text/generate", &streamed);
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    let events = response.text();
    let data = |line: &str| line.strip_prefix("data: ").map(|data| serde_json::from_str::<Value>(data).unwrap());
    let pieces: String =
        events.lines().filter_map(data).filter_map(|event| Some(event["text"].as_str()?.to_owned())).collect();
    assert_eq!(pieces, expected);
    assert!(events.ends_with("event: end\ndata: {\"stopped\":\"length\"}\n\n"), "{events}");

    // Up to a stop, which is left out, also where it comes in pieces.
    let stop = &expected[20..23];
    let mut stopped = asked.clone();
    stopped["stop"] = json!([stop, "ZZZ"]);
    let answer = client.post("/v1/models/text/generate", &stopped).ok();
    assert_eq!(answer["stopped"], "stop");
    assert_eq!(answer["text"].as_str().unwrap(), &expected[..expected.find(stop).unwrap()]);
}

#[test]
fn texts_that_cannot_be_made_are_refused() {
    let server = Server::new();
    let mut client = server.client();
    let mut refused = |model: &str, asked: Value, status: u16, word: &str| {
        let why = client.post(&format!("/v1/models/{model}/generate"), &asked).refused(status);
        assert!(why.contains(word), "{why}");
    };
    refused("plain", json!({}), 422, "job");
    refused("text", json!({ "temperature": -1 }), 422, "temperature");
    refused("text", json!({ "top_k": 0 }), 422, "top_k");
    refused("text", json!({ "prime": "Ü" }), 422, "not among");
    refused("text", json!({ "stop": [""] }), 422, "stop");
    refused("text", json!({ "length": 1_000_000 }), 413, "at most");
    refused("text", json!({ "lenght": 5 }), 422, "lenght");
    refused("plain", json!([]), 422, "expected");
    refused("nobody", json!({}), 404, "there are: both-ways, classes");
}

#[test]
fn what_a_model_is_can_be_asked() {
    let server = Server::new();
    let mut client = server.client();
    let all = client.get("/v1/models").ok();
    let names: Vec<&str> =
        all["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["both-ways", "classes", "plain", "pooled", "tags", "text", "unbounded", "values"]);
    let about = client.get("/v1/models/classes").ok();
    assert_eq!(about["answers"]["names"], json!(["left", "right", "up"]));
    assert_eq!(about["inputs"], json!({ "features": 2, "names": ["x", "y"], "tokens": null }));
    assert_eq!(about["fingerprint"], format!("{:08x}", classes().fingerprint()));
    assert_eq!(client.get("/v1/models/text").ok()["answers"]["names"].as_array().unwrap().len(), 28);
    client.get("/v1/models/nobody").refused(404);
}

#[test]
fn predictions_that_do_not_fit_are_refused() {
    let server = Server::new();
    let mut client = server.client();
    for (asked, word) in [
        (json!({}), "expected sequences"),
        (json!({ "sequences": [] }), "expected sequences"),
        (json!({ "sequences": [[]] }), "sequence 0 has no step"),
        (json!({ "sequences": [[[1, 2]]] }), "sequence 0: step 0 has 2 numbers; the model reads 3"),
        (json!({ "sequences": [[[1, 2, 3]], [[1, null, 3]]] }), "sequence 1: feature 1 of step 0 is missing"),
        (json!({ "sequences": [[[1, 2, "3"]]] }), "invalid type"),
        (json!({ "texts": ["a"] }), "reads no text"),
        (json!({ "sequence": [[[1, 2, 3]]] }), "unknown field"),
    ] {
        let why = client.post("/v1/models/plain/predict", &asked).refused(422);
        assert!(why.contains(word), "{why}");
    }
    let why = client.post("/v1/models/plain/predict", &json!({ "sequences": [[[1, 2, 1e39]]] })).refused(400);
    assert!(why.contains("out of range"), "{why}");
}
