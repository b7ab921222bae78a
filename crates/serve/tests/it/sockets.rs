//! Streams over WebSockets: an answer for each message, in order.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, Message, WebSocket};

use crate::sessions::floats;
use crate::support::{Server, noise, plain};

fn connect(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> Result<WebSocket<TcpStream>, u16> {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut request = format!("ws://{}{path}", server.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match tungstenite::client::client(request, stream) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

fn receive(socket: &mut WebSocket<TcpStream>) -> Value {
    match socket.read().unwrap() {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other}"),
    }
}

#[test]
fn answers_come_in_order_and_are_those_of_the_stream() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "plain");
    let mut socket = connect(&server, &format!("{session}/stream"), &[]).unwrap();
    let mut alone = Arc::new(plain()).stream().unwrap();
    let xs = noise(1, 60);
    // All are sent before the first answer is read.
    for x in xs.chunks_exact(3) {
        socket.send(Message::text(json!({ "x": x }).to_string())).unwrap();
    }
    for (count, x) in (1..).zip(xs.chunks_exact(3)) {
        let answer = receive(&mut socket);
        assert_eq!((answer["steps"].as_u64(), floats(&answer["answers"][0])), (Some(count), alone.step(x).to_vec()));
    }
    // As bytes.
    let xs = noise(2, 15);
    let bytes: Vec<u8> = xs.iter().flat_map(|x| x.to_le_bytes()).collect();
    socket.send(Message::binary(bytes)).unwrap();
    let Message::Binary(answer) = socket.read().unwrap() else { panic!() };
    let found: Vec<f32> = answer.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let expected: Vec<f32> = xs.chunks_exact(3).flat_map(|x| alone.step(x).to_vec()).collect();
    assert_eq!(found, expected);
    // The same session goes on by requests.
    socket.close(None).unwrap();
    let answer = client.post(&format!("{session}/step"), &json!({ "x": [1, 2, 3] })).ok();
    assert_eq!(
        (answer["steps"].as_u64(), floats(&answer["answers"][0])),
        (Some(26), alone.step(&[1.0, 2.0, 3.0]).to_vec())
    );
}

#[test]
fn a_message_that_is_wrong_is_answered_and_the_stream_goes_on() {
    let server = Server::new();
    let session = server.session(&mut server.client(), "plain");
    let mut socket = connect(&server, &format!("{session}/stream"), &[]).unwrap();
    let wrong = [
        Message::text("{"),
        Message::text("{\"x\":[1]}"),
        Message::text("{\"x\":[1,2,3],\"at\":7}"),
        Message::binary(vec![0u8; 5]),
        Message::binary(f32::INFINITY.to_le_bytes().repeat(3)),
    ];
    for (message, status) in wrong.into_iter().zip([400, 422, 409, 422, 422]) {
        socket.send(message).unwrap();
        let answer = receive(&mut socket);
        assert_eq!(answer["status"], status, "{answer}");
        assert!(answer["error"].is_string());
    }
    socket.send(Message::text("{\"x\":[1,2,3]}")).unwrap();
    assert_eq!(receive(&mut socket)["steps"], 1);
}

#[test]
fn pages_elsewhere_open_no_stream_and_a_token_may_stand_among_the_protocols() {
    let server = Server::new();
    let path = format!("{}/stream", server.session(&mut server.client(), "plain"));
    let own = format!("http://{}", server.address);
    assert_eq!(connect(&server, &path, &[("origin", "http://example.com")]).err(), Some(403));
    connect(&server, &path, &[("origin", &own)]).unwrap();

    let server = Server::with(|settings| settings.token = Some("a-token-of-some-length".into()));
    let authorization = ("authorization", "Bearer a-token-of-some-length");
    let made = server.client().ask("POST", "/v1/models/plain/sessions", &[authorization], &[]).ok();
    let path = format!("/v1/models/plain/sessions/{}/stream", made["session"].as_str().unwrap());
    assert_eq!(connect(&server, &path, &[]).err(), Some(401));
    assert_eq!(connect(&server, &path, &[("sec-websocket-protocol", "elman, bearer.wrong")]).err(), Some(401));
    let protocols = ("sec-websocket-protocol", "elman, bearer.a-token-of-some-length");
    let mut socket = connect(&server, &path, &[protocols]).unwrap();
    socket.send(Message::text("{\"x\":[1,2,3]}")).unwrap();
    assert_eq!(receive(&mut socket)["steps"], 1);
}

#[test]
fn a_server_that_ends_says_so_and_a_vanished_client_leaves_nothing() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "plain");
    let path = format!("{session}/stream");
    for _ in 0..10 {
        let mut socket = connect(&server, &path, &[]).unwrap();
        socket.send(Message::text("{\"x\":[1,2,3]}")).unwrap();
        drop(socket);
    }
    let mut socket = connect(&server, &path, &[]).unwrap();
    socket.send(Message::text("{\"x\":[1,2,3]}")).unwrap();
    assert!((1..=11).contains(&receive(&mut socket)["steps"].as_u64().unwrap()));
    drop(client);
    server.stop().unwrap();
    loop {
        match socket.read() {
            Ok(Message::Close(Some(frame))) => break assert_eq!(frame.reason.as_str(), "the server ends"),
            Ok(_) => {}
            Err(error) => panic!("no word: {error}"),
        }
    }
}
