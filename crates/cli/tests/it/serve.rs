//! `elman serve`, as a process: from its first line to its last.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::jobs::place;
use crate::support::*;

/// A server of a folder's runs.
struct Server {
    process: Child,
    stderr: BufReader<ChildStderr>,
    address: String,
}

impl Server {
    fn start(place: &Place, line: &str) -> Self {
        let line = format!("serve {line} --listen 127.0.0.1:0 --threads 2");
        let mut process = place.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended: {said}");
            if let Some(rest) = line.strip_prefix("listening on http://") {
                break rest.trim_end_matches(['/', '\n']).to_owned();
            }
            said += &line;
        };
        Server { process, stderr, address }
    }

    /// A request on a connection of its own: the status, and the body.
    fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
        (status, answer.split_off(end + 4))
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, body) = self.ask(method, path, "application/json", body.to_string().as_bytes());
        let text = String::from_utf8(body).unwrap();
        assert!((200..300).contains(&status), "{status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Tells it to end, and what it said then.
    fn end(mut self) -> String {
        terminate(&self.process);
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(0), "{said}");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that a test has left running.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// As the 32 bits that they are.
fn floats(list: &Value) -> Vec<f32> {
    list.as_array().unwrap().iter().map(|y| y.as_f64().unwrap() as f32).collect()
}

/// SIGTERM.
fn terminate(process: &Child) {
    let killed = std::process::Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

#[test]
fn an_image_is_read_row_by_row_as_predict_reads_it() {
    let place = Place::with_run();
    place.write("image.idx", &idx(&[1, SIDE, SIDE], &image(1)));
    let said = place.elman("predict run image.idx --json");
    let expected = objects(&said.stdout).remove(0);
    let server = Server::start(&place, "digits=run");
    let rows: Vec<Vec<f32>> = image(1)
        .chunks_exact(SIDE)
        .map(|row| row.iter().map(|&pixel| f32::from(pixel) * (1.0 / 255.0)).collect())
        .collect();
    let answer = server.json("POST", "/v1/models/digits/predict", &json!({ "sequences": [rows] }));
    assert_eq!(answer["predictions"][0]["class"], expected["class"]);
    let expected = floats(&expected["probabilities"]);
    assert_eq!(floats(&answer["predictions"][0]["probabilities"]), expected);
    let made = server.json("POST", "/v1/models/digits/sessions", &json!({}));
    let session = format!("/v1/models/digits/sessions/{}", made["session"].as_str().unwrap());
    let answer = server.json("POST", &format!("{session}/step"), &json!({ "steps": rows, "hidden": true }));
    assert_eq!(answer["answers"].as_array().unwrap().len(), SIDE);
    assert_eq!(floats(&answer["answers"][SIDE - 1]["probabilities"]), expected);
    assert_eq!(server.end(), "");
}

#[test]
fn a_forecast_is_that_of_the_command() {
    let place = place();
    place
        .elman(
            "train series --data a.csv --target y --horizon 3 --context 8 --season 6 --hidden-size 4 --batch-size 8 --num-epoch 2 \
             --quiet --out run",
        )
        .succeeded();
    let said = place.elman("forecast run --json");
    let expected: Vec<Value> = objects(&said.stdout).into_iter().filter(|of| of["event"] == "forecast").collect();
    let server = Server::start(&place, "run");
    let (status, body) = server.ask("POST", "/v1/models/run/forecast", "text/csv", &place.bytes("a.csv"));
    let by_table: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{by_table}");
    let (times, values): (Vec<String>, Vec<f64>) = place
        .text("a.csv")
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(time, y)| (time.to_owned(), y.parse::<f64>().unwrap()))
        .unzip();
    let by_columns =
        server.json("POST", "/v1/models/run/forecast", &json!({ "columns": { "time": times, "y": values } }));
    assert_eq!(by_columns, by_table);
    assert_eq!(by_table["levels"], expected[0]["levels"]);
    for (step, expected) in expected.iter().enumerate() {
        assert_eq!(by_table["forecasts"][0]["quantiles"][step], expected["quantiles"]);
        assert_eq!(by_table["forecasts"][0]["times"][step], expected["time"]);
    }
    let (status, body) = server.ask("POST", "/v1/models/run/forecast", "text/csv", b"time,z\n1,2\n");
    assert_eq!(status, 422);
    assert!(String::from_utf8(body).unwrap().contains("the body"));
}

/// Killed in the middle of steps, it goes on from the last written state, and a client can tell which that is.
#[test]
fn a_killed_server_goes_on_from_the_last_written_states() {
    let place = Place::with_run();
    let flags = "run --states states --write-every 50ms";
    let mut server = Server::start(&place, flags);
    let made = server.json("POST", "/v1/models/run/sessions", &json!({}));
    let session = format!("/v1/models/run/sessions/{}", made["session"].as_str().unwrap());
    let step = |server: &Server, at: u64| {
        let x: Vec<f32> = (0..SIDE).map(|n| ((at + n as u64) % 7) as f32 / 7.0).collect();
        server.json("POST", &format!("{session}/step"), &json!({ "x": x, "at": at }))["answers"][0].clone()
    };
    let mut answers = Vec::new();
    for _ in 0..3 {
        // Some of them are written before the end comes, however slow the disk is.
        let (began, first) = (Instant::now(), answers.len());
        while answers.len() < first + 20 || began.elapsed() < Duration::from_millis(200) {
            answers.push(step(&server, answers.len() as u64));
        }
        server.process.kill().unwrap();
        server.process.wait().unwrap();
        server = Server::start(&place, flags);
        let found = server.json("GET", &session, &json!({}))["steps"].as_u64().unwrap() as usize;
        assert!(found <= answers.len());
        // What was lost is read again, to the same answers.
        for at in found..answers.len() {
            assert_eq!(step(&server, at as u64), answers[at], "step {at}");
        }
    }
    assert!(server.end().contains("1 sessions are written to states"));
}

#[test]
fn what_cannot_be_served_is_refused() {
    let place = Place::with_run();
    place.write("short", b"abc\n");
    for (line, code, words) in [
        ("serve", 2, &["MODEL"][..]),
        ("serve nowhere", 1, &["nowhere", "does not exist"]),
        ("serve run a=run a=run", 2, &["both called a", "a-2="]),
        ("serve a/b=run", 2, &["cannot be called"]),
        ("serve run --idle 10", 2, &["10m"]),
        ("serve run --listen here", 2, &["--listen"]),
        ("serve run --memory-budget much", 2, &["500MB"]),
        ("serve run --token-file nowhere", 1, &["nowhere"]),
        ("serve run --token-file short", 1, &["at least 16"]),
        ("serve run --read-only --states s", 2, &["--states"]),
    ] {
        let said = place.elman(line);
        assert_eq!(said.code, Some(code), "{line}: {}", said.stderr);
        words.iter().for_each(|word| assert!(said.stderr.contains(word), "{line}: {}", said.stderr));
    }
}
