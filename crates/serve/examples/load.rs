//! Load for a server, and whether it holds: sessions that are stepped without a pause, each answer compared with a stream of
//! one's own; beside them, if wanted, clients that behave badly.
//!
//!     elman serve m=model.safetensors &
//!     cargo run --release -p elman-serve --example load -- --model model.safetensors --sessions 1000 --seconds 10
//!
//! Prints steps a second, the time that an answer takes, and what the server's process used.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use elman::{Ensemble, Model, Purpose, Random, Stream};
use serde_json::{Value, json};
use tungstenite::Message;

#[path = "../tests/it/client.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod client;

use client::Client;

/// What is asked for on the command line.
struct Asked {
    address: SocketAddr,
    name: String,
    model: Arc<Model>,
    sessions: usize,
    connections: usize,
    seconds: f64,
    /// Steps of a request.
    steps: usize,
    check: bool,
    sockets: bool,
    rude: usize,
    /// The server's process.
    process: Option<u32>,
    /// Answers that may differ by so much: those of another program.
    tolerance: f32,
}

fn asked() -> Asked {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| given.iter().position(|arg| arg == name).map(|at| given.remove(at)).is_some();
    let (check, sockets) = (!flag("--no-check"), flag("--sockets"));
    let value = |name: &str| given.iter().position(|arg| arg == name).and_then(|at| given.get(at + 1)).cloned();
    let number = |name: &str, default: f64| {
        value(name)
            .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is {text}; expected a number")))
    };
    let path = value("--model").expect("--model FILE: what the server serves");
    let model = Ensemble::load(&path).unwrap_or_else(|error| panic!("{error}")).into_members().remove(0);
    let sessions = number("--sessions", 100.0) as usize;
    Asked {
        address: value("--address").unwrap_or("127.0.0.1:8080".into()).parse().expect("--address IP:PORT"),
        name: value("--name").unwrap_or("m".into()),
        model: Arc::new(model),
        sessions,
        connections: (number("--connections", 64.0) as usize).min(sessions),
        seconds: number("--seconds", 10.0),
        steps: number("--steps", 1.0) as usize,
        check,
        sockets,
        rude: number("--rude", 0.0) as usize,
        process: value("--process").map(|id| id.parse().expect("--process ID")),
        tolerance: number("--tolerance", 0.0) as f32,
    }
}

/// A session, and the stream that it is to equal.
struct Pair {
    path: String,
    alone: Option<Stream>,
    random: Random,
}

/// Inputs of a step: tokens, or numbers between -1 and 1.
fn input(model: &Model, random: &mut Random) -> Vec<f32> {
    match model.stack().embedding {
        Some(of) => vec![((random.uniform(0.5) + 0.5) * of.tokens as f32).floor().min(of.tokens as f32 - 1.0)],
        None => (0..model.stack().input()).map(|_| random.uniform(1.0)).collect(),
    }
}

fn differ(found: &[f32], expected: &[f32], tolerance: f32) -> bool {
    // NaN is equal to nothing, and near to nothing.
    let near = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a - b).abs() <= tolerance;
    found.len() != expected.len() || !found.iter().zip(expected).all(near)
}

fn floats(answer: &Value) -> Vec<f32> {
    let list = answer.get("probabilities").or(answer.get("values")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|y| Some(y.as_f64()? as f32)).collect()
}

impl Pair {
    fn new(asked: &Asked, client: &mut Client, seed: u64) -> Self {
        let response = client.ask("POST", &format!("/v1/models/{}/sessions", asked.name), &[], &[]);
        let made = response.ok();
        let path = format!("/v1/models/{}/sessions/{}", asked.name, made["session"].as_str().expect("a session"));
        let alone = asked.check.then(|| asked.model.stream().unwrap_or_else(|error| panic!("{error}")));
        Pair { path, alone, random: Random::new(seed, Purpose::Data) }
    }

    /// The inputs of the next request, and what is to be answered.
    fn next(&mut self, asked: &Asked) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        let xs: Vec<Vec<f32>> = (0..asked.steps).map(|_| input(&asked.model, &mut self.random)).collect();
        let expected = match &mut self.alone {
            Some(alone) => xs.iter().map(|x| alone.step(x).to_vec()).collect(),
            None => Vec::new(),
        };
        (xs, expected)
    }
}

/// What all connections saw.
#[derive(Default)]
struct Seen {
    steps: AtomicU64,
    wrong: AtomicU64,
    busy: AtomicU64,
    rude: AtomicU64,
}

/// Sessions in turn on one connection; the times of their answers.
fn by_requests(
    asked: &Asked,
    first: usize,
    count: usize,
    seen: &Seen,
    begin: &dyn Fn(),
    end: &AtomicBool,
) -> Vec<Duration> {
    let mut client = Client::new(asked.address);
    let mut pairs: Vec<Pair> = (0..count).map(|n| Pair::new(asked, &mut client, (first + n) as u64)).collect();
    begin();
    let mut times = Vec::new();
    for at in (0..count).cycle() {
        if end.load(Ordering::Relaxed) {
            break;
        }
        let pair = &mut pairs[at];
        let (xs, expected) = pair.next(asked);
        let body = if xs.len() == 1 { json!({ "x": xs[0] }) } else { json!({ "steps": xs }) };
        let path = format!("{}/step", pair.path);
        let mut began = Instant::now();
        let response = loop {
            let response = client.post(&path, &body);
            if response.status != 503 {
                break response;
            }
            seen.busy.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(20));
            began = Instant::now();
        };
        times.push(began.elapsed());
        if asked.check {
            let answer = response.ok();
            let answers = answer["answers"].as_array().cloned().unwrap_or_default();
            let is_wrong = |(answer, expected): (&Value, &Vec<f32>)| differ(&floats(answer), expected, asked.tolerance);
            let wrong = answers.len() != expected.len() || answers.iter().zip(&expected).any(is_wrong);
            seen.wrong.fetch_add(u64::from(wrong), Ordering::Relaxed);
        } else {
            assert_eq!(response.status, 200, "{}", response.text());
        }
        seen.steps.fetch_add(xs.len() as u64, Ordering::Relaxed);
    }
    for pair in &pairs {
        client.delete(&pair.path);
    }
    times
}

/// A session over a WebSocket.
fn by_socket(asked: &Asked, seed: usize, seen: &Seen, begin: &dyn Fn(), end: &AtomicBool) -> Vec<Duration> {
    let mut client = Client::new(asked.address);
    let mut pair = Pair::new(asked, &mut client, seed as u64);
    let stream = TcpStream::connect(asked.address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let url = format!("ws://{}{}/stream", asked.address, pair.path);
    let (mut socket, _) = tungstenite::client::client(url, stream).expect("a WebSocket");
    begin();
    let mut times = Vec::new();
    while !end.load(Ordering::Relaxed) {
        let (xs, expected) = pair.next(asked);
        let bytes: Vec<u8> = xs.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        let began = Instant::now();
        socket.send(Message::binary(bytes)).expect("sent");
        let Message::Binary(answer) = socket.read().expect("an answer") else { panic!("no answer of bytes") };
        times.push(began.elapsed());
        let found: Vec<f32> = answer.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if asked.check && differ(&found, &expected.concat(), asked.tolerance) {
            seen.wrong.fetch_add(1, Ordering::Relaxed);
        }
        seen.steps.fetch_add(xs.len() as u64, Ordering::Relaxed);
    }
    client.delete(&pair.path);
    times
}

/// One that vanishes, stalls, sends rubbish, half of a body, huge numbers, too much.
fn rude(asked: &Asked, seed: usize, seen: &Seen, end: &AtomicBool) {
    let mut random = Random::new(seed as u64, Purpose::Data);
    let host = asked.address;
    while !end.load(Ordering::Relaxed) {
        let kind = ((random.uniform(0.5) + 0.5) * 8.0) as usize;
        let Ok(mut stream) = TcpStream::connect(asked.address) else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let post = |path: &str, length: usize| {
            format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n")
        };
        let sessions = format!("/v1/models/{}/sessions", asked.name);
        let predict = format!("/v1/models/{}/predict", asked.name);
        // What comes back, nobody looks at.
        let _ = match kind {
            0 => stream.write_all(post(&sessions, 0).as_bytes()),
            1 => stream.write_all(format!("{}{{\"sequ", post(&predict, 500)).as_bytes()),
            2 => stream.write_all(&(0..300).map(|_| (random.uniform(1.0) * 128.0) as i8 as u8).collect::<Vec<_>>()),
            3 => stream.write_all(format!("{}{{\"sequences\":[[[1e999]]]}}", post(&predict, 25)).as_bytes()),
            4 => stream.write_all(format!("{}{}", post(&predict, 200_000), "[".repeat(200_000)).as_bytes()),
            5 => stream.write_all(post(&predict, usize::MAX).as_bytes()),
            6 => {
                thread::sleep(Duration::from_millis(200));
                Ok(())
            }
            _ => {
                stream.write_all(format!("{}{{\"steps\":[[0]]}}", post(&format!("{sessions}/00/step"), 15)).as_bytes())
            }
        };
        seen.rude.fetch_add(1, Ordering::Relaxed);
        drop(stream);
    }
}

/// The seconds of processor that a process has used, and its resident bytes.
fn used(process: Option<u32>) -> Option<(f64, f64)> {
    let folder = PathBuf::from(format!("/proc/{}", process?));
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // Hundredths of a second, on every Linux.
    let ticks: f64 = fields[11].parse::<f64>().ok()? + fields[12].parse::<f64>().ok()?;
    let resident: f64 = fs::read_to_string(folder.join("statm")).ok()?.split(' ').nth(1)?.parse().ok()?;
    Some((ticks / 100.0, resident * 4096.0))
}

fn main() {
    let asked = asked();
    let (seen, end) = (Seen::default(), AtomicBool::new(false));
    let count = if asked.sockets { asked.sessions } else { asked.connections };
    let ready = std::sync::Barrier::new(count + 1);
    let begin = || {
        ready.wait();
        ready.wait();
    };
    let fresh = used(asked.process);
    let (mut times, seconds, before, after): (Vec<Duration>, f64, _, _) = thread::scope(|scope| {
        let connections: Vec<_> = (0..count)
            .map(|n| {
                let (asked, seen, end, begin) = (&asked, &seen, &end, &begin);
                let first = n * asked.sessions / count;
                let own = (n + 1) * asked.sessions / count - first;
                let small = thread::Builder::new().stack_size(256 << 10);
                let work = move || match asked.sockets {
                    true => by_socket(asked, n, seen, begin, end),
                    false => by_requests(asked, first, own, seen, begin, end),
                };
                small.spawn_scoped(scope, work).expect("a thread")
            })
            .collect();
        for n in 0..asked.rude {
            let (asked, seen, end) = (&asked, &seen, &end);
            scope.spawn(move || rude(asked, 1_000_000 + n, seen, end));
        }
        ready.wait();
        let before = used(asked.process);
        let began = Instant::now();
        ready.wait();
        thread::sleep(Duration::from_secs_f64(asked.seconds));
        let after = used(asked.process);
        end.store(true, Ordering::Relaxed);
        let seconds = began.elapsed().as_secs_f64();
        let times = connections.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect();
        (times, seconds, before, after)
    });
    times.sort_unstable();
    let at =
        |part: f64| times.get((part * times.len() as f64) as usize).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    let steps = seen.steps.into_inner();
    println!("{} sessions, {count} connections, {steps} steps in {seconds:.1} s", asked.sessions);
    println!("steps a second  {:.0}", steps as f64 / seconds);
    println!("answer in ms    p50 {:.3}, p99 {:.3}, most {:.3}", at(0.5), at(0.99), at(1.0 - 1e-9));
    if let (Some(fresh), Some(before), Some(after)) = (fresh, before, after) {
        println!("processor       {:.2} us a step", (after.0 - before.0) / steps as f64 * 1e6);
        println!(
            "memory          {:.0} bytes a session, {:.1} MB at the end",
            (before.1 - fresh.1) / asked.sessions as f64,
            after.1 / 1e6
        );
    }
    let wrong = seen.wrong.into_inner();
    let (busy, rude) = (seen.busy.into_inner(), seen.rude.into_inner());
    println!("told to wait    {busy}; rude requests {rude}");
    match asked.check {
        true => println!("wrong answers   {wrong}"),
        false => println!("answers were not compared"),
    }
    if wrong > 0 {
        std::process::exit(1);
    }
}
