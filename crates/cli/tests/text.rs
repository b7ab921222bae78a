//! `train text`, `sample`, and what the other commands do for such a run.

mod support;

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;
use support::*;

/// A network that trains in a moment. Other flags may follow.
const TINY: &str = "train text --data text.txt --hidden-size 12 --batch-size 4 --sequence-length 10 \
                    --num-epoch 2 --learning-rate 0.01 --threads 2 --quiet";

/// Some lines, with characters of one, two and three bytes.
fn text() -> String {
    let words = ["né", "so", "it", "goes", "√2", "and", "on"];
    let mut state = 1u32;
    let mut word = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        words[(state >> 24) as usize % words.len()]
    };
    (0..400).map(|n| word().to_owned() + if n % 6 == 5 { "\n" } else { " " }).collect()
}

fn place() -> Place {
    let place = Place::new();
    place.write("text.txt", text().as_bytes());
    place
}

/// With a run in `run`.
fn with_run(flags: &str) -> Place {
    let place = place();
    place.elman(&format!("{TINY} {flags} --out run")).succeeded();
    place
}

#[test]
fn a_run_says_bits_a_character_and_leaves_a_sample() {
    let place = place();
    let run = place.elman(&format!("{TINY} --out run"));
    let lines = run.succeeded();
    assert_eq!(form(lines[0]), "Epoch: 9, Train Loss: 9.999, Validation: 9.999 bits/char");
    assert_eq!(form(lines[2]), "Validation Loss: 9.999, 9.999 bits/char, perplexity 9.999");
    // The last epoch's validation is that of the end.
    let bits = lines[1].split("Validation: ").nth(1).unwrap();
    assert!(lines[2].contains(bits), "{} {}", lines[1], lines[2]);
    assert_eq!(lines[3], "");
    let sample = place.text("run/sample.txt");
    assert_eq!(lines[4..].join("\n"), sample.trim_end_matches('\n'));
    assert_eq!(sample.chars().count(), 200 + 1);
    for file in ["config.toml", "model.safetensors", "metrics.csv", "curves.svg"] {
        assert!(!place.bytes(&format!("run/{file}")).is_empty());
    }
    assert!(place.text("run/config.toml").contains("job = \"text\"\n"));

    // The same again, from its configuration.
    place.elman("train text --config run/config.toml --out again --quiet").succeeded();
    assert_eq!(place.bytes("again/model.safetensors"), place.bytes("run/model.safetensors"));
    assert_eq!(place.text("again/sample.txt"), sample);
}

#[test]
fn json_says_the_same() {
    let place = place();
    let run = place.elman(&format!("{TINY} --json --unit byte --out run"));
    run.succeeded();
    let [_, first, second, end, sample] = objects(&run.stdout).try_into().unwrap();
    for epoch in [&first, &second] {
        let loss = epoch["validation_loss"].as_f64().unwrap();
        assert!((epoch["validation_bits_per_byte"].as_f64().unwrap() - loss / 2f64.ln()).abs() < 1e-9);
    }
    assert!(second["validation_loss"].as_f64() < first["validation_loss"].as_f64());
    let figure = |name: &str| end[name].as_f64().unwrap();
    assert_eq!((end["event"].as_str(), end["loss"].as_f64()), (Some("validation"), second["validation_loss"].as_f64()));
    assert!((figure("perplexity") - figure("loss").exp()).abs() < 1e-9);
    assert!((figure("bits_per_byte") - figure("loss") / 2f64.ln()).abs() < 1e-9);
    assert_eq!(sample["event"], "sample");
    assert_eq!(format!("{}\n", sample["text"].as_str().unwrap()), place.text("run/sample.txt"));
}

#[test]
fn threads_change_no_bit() {
    let place = place();
    for flags in ["--batch-size 37", "--cell gru --layers 2 --dropout 0.2 --embedding-size 5"] {
        for threads in [1, 2] {
            let line = format!("train text --data text.txt --hidden-size 12 --sequence-length 7 --num-epoch 1 {flags}");
            place.elman(&format!("{line} --threads {threads} --quiet --out run-{threads}")).succeeded();
        }
        assert!(place.bytes("run-1/model.safetensors") == place.bytes("run-2/model.safetensors"), "{flags}");
        assert_eq!(place.text("run-1/sample.txt"), place.text("run-2/sample.txt"));
        for threads in [1, 2] {
            std::fs::remove_dir_all(place.path(&format!("run-{threads}"))).unwrap();
        }
    }
}

#[test]
fn a_seed_fixes_the_sample_and_the_model_file_is_enough() {
    let place = with_run("");
    let sample = |flags: &str| {
        let outcome = place.elman(&format!("sample {flags}"));
        outcome.succeeded();
        outcome.stdout
    };
    let first = sample("run --length 200");
    // What training has left is the same sample.
    assert_eq!(first, place.text("run/sample.txt"));
    assert_eq!(first, sample("run --length 200 --seed 111 --temperature 1"));
    assert_ne!(first, sample("run --length 200 --seed 112"));
    std::fs::copy(place.path("run/model.safetensors"), place.path("alone.safetensors")).unwrap();
    assert_eq!(first, sample("alone.safetensors --length 200"));
    // A line end is read where there is no prime.
    let primed = sample("run --length 30 --prime né");
    assert!(primed.starts_with("né") && primed.chars().count() == 2 + 30 + 1, "{primed:?}");
    // Greedy, one candidate and the smallest nucleus are the same.
    let greedy = sample("run --length 60 --temperature 0");
    for flags in ["--top-k 1", "--top-p 1e-6", "--temperature 0 --seed 5 --top-k 3"] {
        assert_eq!(greedy, sample(&format!("run --length 60 {flags}")), "{flags}");
    }
}

#[test]
fn samples_side_by_side_are_those_of_the_next_seeds() {
    let place = with_run("--layers 3");
    let flags = "--length 80 --prime so --temperature 0.8";
    let together = place.elman(&format!("sample run {flags} --samples 3 --seed 7 --json"));
    together.succeeded();
    let texts: Vec<String> =
        objects(&together.stdout).iter().map(|sample| sample["text"].as_str().unwrap().into()).collect();
    assert_eq!(texts.len(), 3);
    for (n, text) in texts.iter().enumerate() {
        let alone = place.elman(&format!("sample run {flags} --seed {}", 7 + n));
        alone.succeeded();
        assert_eq!(alone.stdout, format!("{text}\n"));
    }
    let plain = place.elman(&format!("sample run {flags} --samples 3 --seed 7"));
    plain.succeeded();
    assert_eq!(plain.stdout, (0..3).map(|n| format!("== seed {}\n{}\n", 7 + n, texts[n])).collect::<String>());
}

#[test]
fn bytes_give_text_that_is_utf_8() {
    let place = Place::new();
    place.write("text.txt", &text().bytes().chain((0..=255).cycle().take(600)).collect::<Vec<u8>>());
    place.elman(&format!("{TINY} --unit byte --train-frac 0.9 --out run")).succeeded();
    // The test's own reading of standard output refuses what is no UTF-8.
    let outcome = place.elman("sample run --length 400 --temperature 2");
    outcome.succeeded();
    assert!(outcome.stdout.contains('\u{fffd}'), "{}", outcome.stdout);
    place.elman("eval run").succeeded();
}

#[test]
fn a_closed_pipe_ends_a_sample_quietly() {
    let place = with_run("");
    let mut child =
        place.command("sample run --length 10000000").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 20];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn eval_reads_the_validation_part_or_another_text() {
    let place = with_run("");
    let object = |line: &str| -> Value {
        let outcome = place.elman(line);
        outcome.succeeded();
        objects(&outcome.stdout).remove(0)
    };
    let last = place.text("run/metrics.csv").lines().last().unwrap().to_owned();
    let own = object("eval run --json --threads 1");
    assert_eq!(own, object("eval run --json --threads 2"));
    assert!(last.contains(&format!("{}", own["loss"].as_f64().unwrap() as f32)), "{last} {own}");
    let other = object("eval run --data text.txt --json");
    assert_eq!(other["event"], "test");
    assert!(other["rows"].as_u64() > own["rows"].as_u64());
    // The model file alone knows no number of streams: other states are zero.
    let alone = object("eval run/model.safetensors --data text.txt --json");
    let apart = alone["bits_per_character"].as_f64().unwrap() - other["bits_per_character"].as_f64().unwrap();
    assert!(apart.abs() < 0.05, "{other} {alone}");
    let lines = place.elman("eval run");
    assert_eq!(form(lines.succeeded()[0]), "Validation Loss: 9.999, 9.999 bits/char, perplexity 9.999");

    place.elman("eval run/model.safetensors").refused(1, &["what text it was trained on", "--data"]);
    place.write("other.txt", "só it goes\n".as_bytes());
    place.elman("eval run --data other.txt").refused(1, &["'ó' (U+00F3) at 1", "by byte"]);
}

#[test]
fn other_commands_say_what_they_are_for() {
    let place = with_run("");
    place.elman("predict run text.txt").refused(1, &["run", "elman sample"]);
    place.elman("inspect run").succeeded();
    place.write_set("set", SIDE, SIDE);
    place.elman(&format!("{QUICK} --quiet --num-epoch 1 --out images")).succeeded();
    place.elman("sample images").refused(1, &["images", "\"mnist\"", "\"text\""]);
    place.elman("sample images/model.safetensors").refused(1, &["\"mnist\""]);
    place.elman("sample nowhere").refused(1, &["nowhere does not exist"]);
    place.elman("train text --config images/config.toml").refused(2, &["\"mnist\"", "\"text\""]);
}

#[test]
fn samples_that_cannot_be_are_refused() {
    let place = with_run("");
    for (flags, words) in [
        ("--temperature -1", ["--temperature is -1", "0 or more"]),
        ("--temperature nan", ["--temperature is NaN", "0 or more"]),
        ("--top-k 0", ["--top-k is 0", "at least 1"]),
        ("--top-p 0", ["--top-p is 0", "at most 1"]),
        ("--top-p 1.5", ["--top-p is 1.5", "at most 1"]),
        ("--samples 0", ["--samples is 0", "1 to 1024"]),
        ("--samples 1025", ["--samples is 1025", "1 to 1024"]),
        ("--length 0", ["--length is 0", "1 to"]),
        ("--length 300000 --samples 1000", ["--length is 300000", "1 to 268435"]),
    ] {
        place.elman(&format!("sample run {flags}")).refused(2, &words);
    }
    place.elman("sample run --prime so,ö").refused(1, &["--prime", "'ö' (U+00F6) at 3", "',' (U+002C) at 2"]);
}

#[test]
fn texts_that_cannot_be_trained_on_are_refused() {
    let place = place();
    place.write("empty.txt", b"");
    place.write("one.txt", &[b'a'; 5000]);
    place.write("two.txt", b"ab");
    place.write("latin1.txt", b"one line\ncaf\xe9\n");
    let train = "train text --hidden-size 4 --out run";
    for (flags, code, words) in [
        ("--data empty.txt", 1, ["empty.txt", "empty"]),
        ("--data nowhere.txt", 1, ["nowhere.txt", "cannot"]),
        ("--data latin1.txt", 1, ["latin1.txt", "byte"]),
        ("--data one.txt", 2, ["distinct characters is 1", "'a'"]),
        ("--data two.txt", 2, ["1 characters long", "at least 2501"]),
        ("--data text.txt --batch-size 400", 2, ["the text to train on", "at least 20001"]),
        ("--data text.txt --sequence-length 700 --batch-size 50", 2, ["the text to train on", "--sequence-length"]),
        ("--data text.txt --batch-size 0", 2, ["--batch-size is 0", "stream"]),
        ("--data text.txt --sequence-length 0", 2, ["--sequence-length is 0", "at least 1"]),
        ("--data text.txt --train-frac 0", 2, ["--train-frac is 0", "above 0"]),
        ("--data text.txt --train-frac 1", 2, ["--train-frac is 1", "below 1"]),
        ("--data text.txt --train-frac nan", 2, ["--train-frac is NaN", "below 1"]),
        ("--data text.txt --batch-size 4 --train-frac 0.9999", 2, ["number of tokens is 1", "more than 1"]),
        ("--data text.txt --batch-size 4 --embedding-size 0", 2, ["--embedding-size is 0", "1 to"]),
        ("--data text.txt --batch-size 4 --bidirectional", 2, ["bidirectional", "carried state"]),
    ] {
        place.elman(&format!("{train} {flags}")).refused(code, &words);
        assert!(!place.path("run").exists(), "{flags}");
    }
    // Bytes have no such limits.
    let bytes = TINY.replace("text.txt", "one.txt");
    place.elman(&format!("{bytes} --unit byte --out bytes")).succeeded();
}

/// The default batch is as many streams as a short text has windows for, and a line says so.
#[test]
fn a_short_text_has_fewer_streams() {
    let place = place();
    let outcome =
        place.elman("train text --data text.txt --sequence-length 700 --hidden-size 4 --num-epoch 1 --out run");
    outcome.succeeded();
    assert!(outcome.stderr.contains("the text has a window of 700 for no more streams"), "{}", outcome.stderr);
    assert!(!place.text("run/config.toml").contains("batch_size = 50\n"), "{}", place.text("run/config.toml"));
}
