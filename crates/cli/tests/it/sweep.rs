//! `elman bench --sweep`, and the chart of it.

use crate::support::*;
use serde_json::Value;

/// Sizes at which a sweep is quick, of one cell and one round a point.
const QUICK_SWEEP: &str = "bench --sweep --batch 1 --steps 1 --input 1 --hidden 1 --threads 1 --rounds 1";

const FIELDS: &str = "varies cell batch steps input hidden threads network lengths isa arithmetic train_step_ms element_ns \
                      train_gflops peak_gflops share_of_peak share_of_peak_best infer_sequences_per_second \
                      stream_step_us stream_step_p99_us";

/// Lines as a sweep of all cells writes them.
fn saved() -> String {
    let mut lines = String::new();
    for cell in ["rnn", "lstm", "gru", "indrnn"] {
        for varies in ["hidden", "batch", "steps", "threads", "small_batch"] {
            for size in [1, 2, 8] {
                let mut record = serde_json::json!({
                    "varies": varies, "cell": cell, "batch": 4, "steps": 28, "input": 28, "hidden": 1024, "threads": 2,
                    "network": "<&>", "lengths": "full", "isa": "avx2", "train_step_ms": 1.0, "element_ns": 2.0,
                    "train_gflops": 3.0, "peak_gflops": 4.0, "share_of_peak": 0.1 * f64::from(size),
                    "share_of_peak_best": 0.9, "infer_sequences_per_second": 5.0, "stream_step_us": null,
                    "stream_step_p99_us": null,
                });
                record[if varies == "small_batch" { "threads" } else { varies }] = size.into();
                lines += &format!("{record}\n");
            }
        }
    }
    lines
}

/// Panics unless the text is XML whose elements close in turn, with attributes that are quoted and text without `<`
/// and bare `&`.
#[track_caller]
fn assert_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut parts = xml.split('<');
    assert_eq!(parts.next(), Some(""));
    for part in parts {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("no end: <{part}"));
        for entity in text.split('&').skip(1) {
            assert!(["lt;", "gt;", "amp;", "quot;", "apos;"].iter().any(|name| entity.starts_with(name)), "&{entity}");
        }
        assert!(!text.contains('>') && (!open.is_empty() || text.trim().is_empty()), "{text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let quotes = attributes.split('"').collect::<Vec<_>>();
        assert!(quotes.len() % 2 == 1 && quotes[..quotes.len() - 1].iter().step_by(2).all(|key| key.ends_with('=')));
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} are open");
}

#[test]
fn a_sweep_gives_an_object_a_line_and_a_chart_which_can_be_drawn_again() {
    let place = Place::new();
    let outcome = place.elman(&format!("{QUICK_SWEEP} --cell gru --json --chart sweep.svg"));
    outcome.succeeded();
    assert_eq!(outcome.stderr, "");
    let objects = objects(&outcome.stdout);
    for object in &objects {
        let keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
        let mut fields: Vec<_> = FIELDS.split_whitespace().collect();
        fields.sort_unstable();
        assert_eq!(keys, fields);
        assert_eq!(object["cell"], "gru");
        assert!(object["share_of_peak"].as_f64().unwrap() > 0.0);
    }
    let sizes = |varies: &str, size: &str| {
        let of = objects.iter().filter(|object| object["varies"] == varies);
        of.map(|object| object[size].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(sizes("hidden", "hidden"), [16, 32, 64, 128, 256, 512, 1024]);
    assert_eq!(sizes("batch", "batch"), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert_eq!(sizes("steps", "steps"), [1, 4, 16, 64, 256, 1024, 4096]);
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    assert_eq!(sizes("threads", "threads"), (1..=processors).collect::<Vec<_>>());
    assert_eq!(sizes("small_batch", "threads"), (1..=processors).collect::<Vec<_>>());
    let small: Vec<&Value> = objects.iter().filter(|object| object["varies"] == "small_batch").collect();
    assert!(small.iter().all(|object| object["batch"] == 4 && object["hidden"] == 1024));

    let svg = place.text("sweep.svg");
    assert_well_formed(&svg);
    place.write("sweep.jsonl", outcome.stdout.as_bytes());
    let again = place.elman("bench --from sweep.jsonl --chart again.svg");
    again.succeeded();
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    assert_eq!(place.text("again.svg"), svg);
    assert_eq!(place.names(""), ["again.svg", "sweep.jsonl", "sweep.svg"]);
}

#[test]
fn a_saved_sweep_is_drawn_with_every_cell_and_size() {
    let place = Place::new();
    place.write("sweep.jsonl", saved().as_bytes());
    place.write("sweep.svg", b"<svg>old</svg>");
    place.elman("bench --from sweep.jsonl --chart sweep.svg").succeeded();
    let svg = place.text("sweep.svg");
    assert_well_formed(&svg);
    for text in ["rnn", "lstm", "gru", "indrnn", "hidden (log)", "batch (log)", "steps (log)", "threads", "0.6"] {
        assert!(svg.contains(&format!("\n{text}\n")), "{text}");
    }
}

#[test]
fn what_is_no_saved_sweep_is_refused_and_the_old_chart_stays() {
    let place = Place::new();
    place.write("sweep.svg", b"<svg>old</svg>");
    place.write("empty", b"");
    place.write("latin", b"\xff");
    place.write("torn", &saved().as_bytes()[..saved().len() - 20]);
    // One point, as without --sweep.
    place.write("single", saved().replace("\"varies\":", "\"other\":").as_bytes());
    for (from, words) in [
        ("none", &["cannot read none"][..]),
        ("empty", &["empty has no records"]),
        ("latin", &["cannot read latin"]),
        ("torn", &["line 60 of torn", "EOF"]),
        ("single", &["line 1 of single", "missing field `varies`"]),
    ] {
        place.elman(&format!("bench --from {from} --chart sweep.svg")).refused(1, words);
        assert_eq!(place.text("sweep.svg"), "<svg>old</svg>");
    }
    place.write("sweep.jsonl", saved().as_bytes());
    place.elman("bench --from sweep.jsonl --chart none/sweep.svg").refused(1, &["cannot write none/sweep.svg"]);
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let place = Place::new();
    for (flags, words) in [
        ("--chart sweep.svg", &["--chart is given alone", "--sweep", "--from"][..]),
        ("--from sweep.jsonl", &["--chart"]),
        ("--from sweep.jsonl --chart sweep.svg --sweep", &["--from", "--sweep"]),
        ("--from sweep.jsonl --chart sweep.svg --hidden 3", &["--from", "--hidden"]),
        ("--from sweep.jsonl --chart sweep.svg --cell gru", &["--from", "--cell"]),
        // Refused for one of the three cells, before any is measured.
        ("--sweep --peepholes", &["--peepholes is not computed for rnn"]),
        ("--sweep --rounds 0", &["--rounds is 0"]),
    ] {
        place.elman(&format!("bench {flags}")).refused(2, words);
    }
    // Before any time is spent.
    place.elman("bench --sweep --chart none/sweep.svg").refused(1, &["cannot write none/sweep.svg"]);
    place.elman("bench --sweep --chart .").refused(1, &["cannot write .", "folder"]);
    assert!(place.names("").is_empty());
}

#[test]
fn the_help_shows_how_to_sweep() {
    let outcome = Place::new().elman("bench --help");
    outcome.succeeded();
    for example in ["elman bench --sweep --chart sweep.svg", "elman bench --from sweep.jsonl --chart sweep.svg"] {
        assert!(outcome.stdout.contains(example), "{}", outcome.stdout);
    }
}

/// The points before the signal are told and drawn.
#[cfg(unix)]
#[test]
fn an_interrupted_sweep_keeps_what_it_has() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let place = Place::new();
    // A point of so many rounds takes a second, so no sweep is over before the signal comes, however busy the machine.
    let slow = QUICK_SWEEP.replace("--rounds 1", "--rounds 1000000");
    let mut command = place.command(&format!("{slow} --cell gru --json --chart sweep.svg"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    stdout.read_line(&mut lines).unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    stdout.read_to_string(&mut lines).unwrap();
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    outcome.failed(1, &["interrupted: ", "points were not measured; the chart shows those before"]);
    let measured = objects(&lines);
    assert!((1..27).contains(&measured.len()), "{}", measured.len());
    assert_well_formed(&place.text("sweep.svg"));
}
