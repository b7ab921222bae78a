//! Sessions: bit for bit the stream of the model alone, whoever else is there.

use std::sync::Arc;

use elman::{Conv1d, Gru, Head, Init, Model, Nonlinearity, Padding, Stack, Stream, StreamState};
use serde_json::{Value, json};

use crate::client::Client;
use crate::support::{Server, classes, noise, plain, pooled, text, values};

/// The numbers of an answer, as the 32 bits that were sent.
pub(crate) fn floats(answer: &Value) -> Vec<f32> {
    let of =
        |list: &Value| -> Vec<f32> { list.as_array().unwrap().iter().map(|y| y.as_f64().unwrap() as f32).collect() };
    ["probabilities", "values"].iter().find_map(|key| answer.get(*key)).map(of).unwrap()
}

fn stream(model: Model) -> Stream {
    Arc::new(model).stream().unwrap()
}

#[test]
fn a_session_is_the_stream_of_the_model() {
    let server = Server::new();
    let mut client = server.client();
    for (name, model, features) in [("plain", plain(), 3), ("values", values(), 2), ("pooled", pooled(), 1)] {
        let (session, mut alone) = (server.session(&mut client, name), stream(model));
        let xs = noise(1, 9 * features);
        let rows: Vec<&[f32]> = xs.chunks_exact(features).collect();
        // One by one, then several at once with an answer each, then several with one answer.
        for (count, x) in (1..).zip(&rows[..3]) {
            let answer = client.post(&format!("{session}/step"), &json!({ "x": x })).ok();
            assert_eq!(floats(&answer["answers"][0]), alone.step(x), "{name}");
            assert_eq!(answer["steps"], count);
            assert!(answer.get("hidden").is_none());
        }
        let answer = client.post(&format!("{session}/step"), &json!({ "steps": rows[3..6], "hidden": true })).ok();
        for (step, x) in rows[3..6].iter().enumerate() {
            assert_eq!(floats(&answer["answers"][step]), alone.step(x), "{name}");
            let hidden: Vec<f32> = serde_json::from_value(answer["hidden"][step].clone()).unwrap();
            assert_eq!(hidden, alone.h(0));
        }
        let answer = client.post(&format!("{session}/step"), &json!({ "steps": rows[6..], "answers": "last" })).ok();
        assert_eq!(answer["answers"].as_array().unwrap().len(), 1);
        rows[6..8].iter().for_each(|x| drop(alone.step(x).to_vec()));
        assert_eq!(floats(&answer["answers"][0]), alone.step(rows[8]), "{name}");
        assert_eq!(answer["steps"], 9);
    }
}

#[test]
fn gates_are_shown_to_who_asks() {
    let server = Server::new();
    let mut client = server.client();
    let (session, mut alone) = (server.session(&mut client, "values"), stream(values()));
    let gates = elman::diagnose::StreamGates::new(&values()).unwrap();
    let xs = noise(1, 6);
    let steps: Vec<&[f32]> = xs.chunks_exact(2).collect();
    let answer = client.post(&format!("{session}/step"), &json!({ "steps": steps, "gates": true })).ok();
    for (step, x) in steps.iter().enumerate() {
        let seen = gates.read(&mut alone, x, &[0]);
        assert_eq!(floats(&answer["answers"][step]), alone.answer());
        let shown: Vec<(u64, &str, Vec<f32>)> = answer["gates"][step]
            .as_array()
            .unwrap()
            .iter()
            .map(|gate| {
                let values = serde_json::from_value(gate["values"].clone()).unwrap();
                (gate["layer"].as_u64().unwrap(), gate["name"].as_str().unwrap(), values)
            })
            .collect();
        let expected: Vec<_> = seen[0].iter().map(|gate| (gate.layer as u64, gate.name, gate.values.clone())).collect();
        assert_eq!(shown, expected);
        assert_eq!(shown.iter().map(|(_, name, _)| *name).collect::<Vec<_>>(), ["r", "z", "n", "φ"]);
    }
    let many = json!({ "steps": vec![[0.0, 0.0]; 257], "gates": true });
    let failure = client.post(&format!("{session}/step"), &many).refused(413);
    assert!(failure.contains("257") && failure.contains("256"), "{failure}");
}

#[test]
fn a_step_is_read_in_its_own_units() {
    let server = Server::new();
    let mut client = server.client();
    let (session, mut alone) = (server.session(&mut client, "classes"), stream(classes()));
    for (step, x) in [(json!([7.0, -1.5]), [1.0, -1.0, 0.0, 0.0]), (json!([null, 0.0]), [0.0, 2.0, 1.0, 0.0])] {
        let answer = client.post(&format!("{session}/step"), &json!({ "x": step })).ok();
        let expected = alone.step(&x).to_vec();
        assert_eq!(floats(&answer["answers"][0]), expected);
        let class = elman::most_probable(&expected).unwrap();
        assert_eq!(answer["answers"][0]["class"], ["left", "right", "up"][class]);
    }
}

#[test]
fn text_is_read_by_its_characters() {
    let server = Server::new();
    let mut client = server.client();
    let (session, mut alone) = (server.session(&mut client, "text"), stream(text()));
    let answer = client.post(&format!("{session}/step"), &json!({ "text": "so it" })).ok();
    let tokens = text().vocabulary().unwrap().encode("so it").unwrap();
    for (answer, token) in answer["answers"].as_array().unwrap().iter().zip(tokens) {
        assert_eq!(floats(answer), alone.step(&[f32::from(token)]));
    }
    let why = client.post(&format!("{session}/step"), &json!({ "text": "SO" })).refused(422);
    assert!(why.contains("not among"), "{why}");
    let why = client.post(&format!("{session}/step"), &json!({ "x": [99] })).refused(422);
    assert!(why.contains("expected a token"), "{why}");
    assert_eq!(client.get(&session).ok()["steps"], 5);
}

/// Many clients at once, each with sessions of its own, steps of any number, in any order.
#[test]
fn whoever_is_beside_a_session_makes_no_difference() {
    const CLIENTS: u64 = 8;
    let server = Server::new();
    let ask = |seed: u64| {
        let mut client = server.client();
        let mut sessions: Vec<(String, usize, Stream)> = Vec::new();
        for turn in 0..6 {
            let (name, model, features) =
                if (seed + turn).is_multiple_of(2) { ("plain", plain(), 3) } else { ("values", values(), 2) };
            sessions.push((server.session(&mut client, name), features, stream(model)));
        }
        let mut random = elman::Random::new(seed, elman::Purpose::Data);
        for turn in 0..120 {
            let at = (random.uniform(1.0).abs() * sessions.len() as f32) as usize % sessions.len();
            let (path, features, alone) = &mut sessions[at];
            let count = 1 + (random.uniform(1.0).abs() * 70.0) as usize * usize::from(turn % 5 == 0);
            let xs = noise(seed * 1000 + turn, count * *features);
            let steps: Vec<&[f32]> = xs.chunks_exact(*features).collect();
            let answer = client.post(&format!("{path}/step"), &json!({ "steps": steps })).ok();
            for (answer, x) in answer["answers"].as_array().unwrap().iter().zip(steps) {
                assert_eq!(floats(answer), alone.step(x), "client {seed}, turn {turn}");
            }
        }
    };
    std::thread::scope(|scope| {
        for seed in 0..CLIENTS {
            scope.spawn(move || ask(seed));
        }
    });
}

/// Requests of one session that come at once are done one after the other.
#[test]
fn steps_of_a_session_do_not_meet() {
    let server = Server::new();
    let session = server.session(&mut server.client(), "pooled");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = server.client();
                for _ in 0..25 {
                    client.post(&format!("{session}/step"), &json!({ "x": [0.5] })).ok();
                }
            });
        }
    });
    let mut client = server.client();
    let mut alone = stream(pooled());
    (0..200).for_each(|_| drop(alone.step(&[0.5]).to_vec()));
    let answer = client.post(&format!("{session}/step"), &json!({ "x": [0.25], "at": 200 })).ok();
    assert_eq!(floats(&answer["answers"][0]), alone.step(&[0.25]));
}

#[test]
fn a_client_can_tell_where_its_session_is() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "plain");
    let step =
        |client: &mut Client, at: u64| client.post(&format!("{session}/step"), &json!({ "x": [1, 2, 3], "at": at }));
    step(&mut client, 0).ok();
    // The same request again, as after an answer that was lost.
    let why = step(&mut client, 0).refused(409);
    assert!(why.contains("at step 1"), "{why}");
    step(&mut client, 1).ok();
    assert_eq!(client.get(&session).ok()["steps"], 2);
}

#[test]
fn a_state_goes_on_elsewhere_to_the_same_bits() {
    let (one, other) = (Server::new(), Server::new());
    let (mut here, mut there) = (one.client(), other.client());
    for (name, features) in [("plain", 3), ("values", 2), ("pooled", 1), ("classes", 2)] {
        let session = one.session(&mut here, name);
        let rows = |seed| noise(seed, 5 * features).chunks_exact(features).map(<[f32]>::to_vec).collect::<Vec<_>>();
        here.post(&format!("{session}/step"), &json!({ "steps": rows(1) })).ok();
        let state = here.get(&format!("{session}/state"));
        assert_eq!(state.header("elman-steps"), Some("5"));
        assert_eq!(StreamState::of_bytes(&state.body).unwrap().steps(0), 5);
        // As a new session, and into one that was elsewhere.
        let made = there.send_bytes("POST", &format!("/v1/models/{name}/sessions"), &state.body).ok();
        assert_eq!(made["steps"], 5);
        let second = format!("/v1/models/{name}/sessions/{}", made["session"].as_str().unwrap());
        let third = other.session(&mut there, name);
        there.post(&format!("{third}/step"), &json!({ "steps": rows(3) })).ok();
        there.send_bytes("PUT", &format!("{third}/state"), &state.body).ok();
        let expected = here.post(&format!("{session}/step"), &json!({ "steps": rows(2) })).ok();
        for path in [second, third] {
            assert_eq!(there.post(&format!("{path}/step"), &json!({ "steps": rows(2) })).ok(), expected, "{name}");
        }
    }
}

#[test]
fn a_state_that_is_none_changes_nothing() {
    let server = Server::new();
    let mut client = server.client();
    let (session, other) = (server.session(&mut client, "plain"), server.session(&mut client, "values"));
    client.post(&format!("{session}/step"), &json!({ "x": [1, 2, 3] })).ok();
    let state = client.get(&format!("{session}/state")).body;
    let mut damaged = state.clone();
    damaged[40] ^= 1;
    for (bytes, expected) in
        [(&damaged, "damaged"), (&state[..30].to_vec(), "it ends after 30 bytes"), (&b"hello".to_vec(), "start")]
    {
        let why = client.send_bytes("PUT", &format!("{session}/state"), bytes).refused(422);
        assert!(why.contains(expected), "{why}");
        client.send_bytes("POST", "/v1/models/plain/sessions", bytes).refused(422);
    }
    let why = client.send_bytes("PUT", &format!("{other}/state"), &state).refused(422);
    assert!(why.contains("fingerprint"), "{why}");
    let model = Arc::new(plain());
    let two = model.streams(2).unwrap().state().to_bytes();
    client.send_bytes("PUT", &format!("{session}/state"), &two).refused(422);
    assert_eq!(client.get(&format!("{session}/state")).body, state);
}

#[test]
fn what_has_no_sessions_says_why() {
    let server = Server::new();
    let mut client = server.client();
    let why = client.ask("POST", "/v1/models/both-ways/sessions", &[], &[]).refused(422);
    assert!(why.contains("both-ways has no sessions") && why.contains("last step"), "{why}");
    assert_eq!(client.get("/v1/models/both-ways").ok()["sessions"]["available"], false);
}

/// A convolution in front that reads no later steps goes on from request to request, its state with what it still reads; one
/// that reads ahead says why it has no sessions and what would have, and predicts whole sequences all the same.
#[test]
fn a_convolution_in_front_has_sessions_where_it_reads_no_later_steps() {
    let of = |padding: Padding| {
        let conv = Conv1d::new(2, 5, 3).dilation(2).padding(padding).activation(Nonlinearity::Relu);
        let head = if padding == Padding::Valid { Head::last_state(3) } else { Head::every_step(3) };
        Model::init(Stack::new(conv).then(Gru::new(5, 7)), head, Init::PyTorch, 9).unwrap()
    };
    let paddings = [("causal", Padding::Causal), ("ahead", Padding::Same), ("shorter", Padding::Valid)];
    let server = Server::with(|settings| {
        let folder = settings.models[0].1.parent().unwrap().to_owned();
        settings.models = paddings.map(|(name, _)| (name.to_owned(), folder.join(format!("{name}.model")))).into();
        paddings.iter().zip(&settings.models).for_each(|((_, padding), (_, path))| of(*padding).save(path).unwrap());
    });
    let mut client = server.client();
    let xs = noise(5, 24);
    let rows: Vec<&[f32]> = xs.chunks_exact(2).collect();
    let (session, mut alone) = (server.session(&mut client, "causal"), stream(of(Padding::Causal)));
    let answer = client.post(&format!("{session}/step"), &json!({ "steps": rows[..5] })).ok();
    let expected: Vec<Vec<f32>> = rows.iter().map(|x| alone.step(x).to_vec()).collect();
    let answers: Vec<Vec<f32>> = answer["answers"].as_array().unwrap().iter().map(floats).collect();
    assert_eq!(answers, expected[..5]);
    // Elsewhere, from what is left of the first steps.
    let state = client.get(&format!("{session}/state"));
    let made = client.send_bytes("POST", "/v1/models/causal/sessions", &state.body).ok();
    let second = format!("/v1/models/causal/sessions/{}", made["session"].as_str().unwrap());
    for path in [session, second] {
        for (x, expected) in rows[5..].iter().zip(&expected[5..]) {
            let answer = client.post(&format!("{path}/step"), &json!({ "x": x })).ok();
            assert_eq!(floats(&answer["answers"][0]), *expected);
        }
    }
    // All at once it is the same.
    let whole = client.post("/v1/models/causal/predict", &json!({ "sequences": [rows] })).ok();
    let steps = whole["predictions"][0]["steps"].as_array().unwrap();
    assert_eq!(steps.iter().map(floats).collect::<Vec<_>>(), expected);

    for (name, why) in [("ahead", "reads steps that are still to come"), ("shorter", "first steps have no window")] {
        let refused = client.ask("POST", &format!("/v1/models/{name}/sessions"), &[], &[]).refused(422);
        for says in
            [&format!("{name} has no sessions"), why, "padded in front alone, with a stride of 1 (causal), can be"]
        {
            assert!(refused.contains(says), "{says}: {refused}");
        }
        assert_eq!(client.get(&format!("/v1/models/{name}")).ok()["sessions"]["available"], false);
        let answer = client.post(&format!("/v1/models/{name}/predict"), &json!({ "sequences": [rows] })).ok();
        let first = &answer["predictions"][0];
        match name {
            "ahead" => assert_eq!(first["steps"].as_array().unwrap().len(), rows.len()),
            _ => assert_eq!(floats(first).len(), 3),
        }
    }
}

#[test]
fn steps_that_leave_the_numbers_leave_the_session_as_it_was() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "unbounded");
    client.post(&format!("{session}/step"), &json!({ "x": [-1.0] })).ok();
    let before = client.get(&format!("{session}/state")).body;
    let why = client.post(&format!("{session}/step"), &json!({ "steps": [[1e30], [1e30]] })).refused(422);
    assert!(why.contains("out of the finite numbers") || why.contains("not a number"), "{why}");
    assert_eq!(client.get(&format!("{session}/state")).body, before);
}

#[test]
fn an_ended_session_is_gone() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "plain");
    assert_eq!(client.delete(&session).status, 204);
    for (method, path) in [("GET", ""), ("DELETE", ""), ("GET", "/state"), ("GET", "/stream")] {
        client.ask(method, &format!("{session}{path}"), &[], &[]).refused(404);
    }
    client.post(&format!("{session}/step"), &json!({ "x": [1, 2, 3] })).refused(404);
    // The name of a model is part of it.
    let session = server.session(&mut client, "plain");
    client.get(&session.replace("plain", "values")).refused(404);
}
