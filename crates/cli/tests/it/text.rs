//! `train text`, `sample`, and what the other commands do for such a run.

use std::io::Read;
use std::process::Stdio;

use crate::support::*;
use serde_json::Value;

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

/// The bytes of a sample of `--json`.
fn bytes_of(sample: &Value) -> Vec<u8> {
    sample["bytes"].as_array().unwrap().iter().map(|byte| byte.as_u64().unwrap() as u8).collect()
}

/// What a command writes on standard output, which need be no text.
fn output_of(place: &Place, line: &str) -> Vec<u8> {
    let output = place.command(line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
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
    // Of bytes the file has them as they are, and the object too.
    assert_eq!(bytes_of(&sample), place.bytes("run/sample.txt"));
    assert_eq!(bytes_of(&sample).len(), 200);
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

/// The help's example: a model of bytes gives back bytes, as many as were asked for and nothing beside.
#[test]
fn bytes_in_are_bytes_out() {
    let place = Place::new();
    let song: Vec<u8> = (0..=255).cycle().take(3000).chain(text().into_bytes()).collect();
    place.write("song.mid", &song);
    place.write("start.mid", &song[..40]);
    let flags = TINY.strip_prefix("train text --data text.txt").unwrap();
    place.elman(&format!("train text --data song.mid --unit byte {flags} --out run")).succeeded();

    let piped = output_of(&place, "sample run --length 400 --temperature 2");
    assert_eq!(piped.len(), 400);
    assert!(std::str::from_utf8(&piped).is_err(), "a sample of bytes that is a text by chance");
    place.elman("sample run --length 400 --temperature 2 --out new.mid").succeeded();
    assert_eq!(place.bytes("new.mid"), piped);
    // The sample that training leaves, and what it prints.
    assert_eq!(place.bytes("run/sample.txt"), output_of(&place, "sample run --length 200"));

    let json = place.elman("sample run --length 400 --temperature 2 --samples 2 --json");
    json.succeeded();
    let objects = objects(&json.stdout);
    assert_eq!(bytes_of(&objects[0]), piped);
    assert_ne!(bytes_of(&objects[1]), piped);
    // As text, what is none is shown by its bytes.
    let shown = place.elman("sample run --length 400 --temperature 2 --samples 2");
    shown.succeeded();
    assert!(shown.stdout.contains("\\x") && !shown.stdout.contains('\u{fffd}'), "{}", shown.stdout);
    assert!(shown.stdout.contains(objects[1]["text"].as_str().unwrap()));

    // What it starts with comes first, from a file or a flag.
    let primed = output_of(&place, "sample run --length 30 --prime-file start.mid");
    assert_eq!((&primed[..40], primed.len()), (&song[..40], 70));
    let primed = output_of(&place, "sample run --length 30 --prime né");
    assert_eq!((&primed[..3], primed.len()), ("né".as_bytes(), 33));
    place.elman("eval run").succeeded();
}

#[test]
fn a_sample_goes_into_a_file_of_its_own() {
    let place = with_run("");
    place.write("prime.txt", "\u{feff}né so".as_bytes());
    let printed = place.elman("sample run --length 60 --prime-file prime.txt");
    printed.succeeded();
    assert!(printed.stdout.starts_with("né so"), "{}", printed.stdout);
    let written = place.elman("sample run --length 60 --prime-file prime.txt --out made.txt");
    assert!(written.succeeded().is_empty());
    assert_eq!(place.text("made.txt"), printed.stdout);
    for (flags, code, words) in [
        ("--out run/model.safetensors", 1, ["run/model.safetensors is what", "another --out"]),
        ("--prime-file prime.txt --out prime.txt", 1, ["prime.txt is what", "another --out"]),
        ("--prime-file none.txt", 1, ["cannot read none.txt", "check the path"]),
        ("--prime so --prime-file prime.txt", 2, ["--prime", "cannot be used with"]),
        ("--samples 2 --out made.txt", 2, ["--out", "cannot be used with"]),
        ("--json --out made.txt", 2, ["--out", "cannot be used with"]),
    ] {
        place.elman(&format!("sample run {flags}")).refused(code, &words);
    }
}

/// What a text holds that is seldom meant is said once, and the text is learned as it is.
#[test]
fn marks_and_nuls_in_a_text_are_said() {
    let place = place();
    let plain = text();
    let characters = |name: &str| -> (String, String) {
        let line = TINY.replace("text.txt", name).replace("--quiet", "");
        let outcome = place.elman(&format!("{line} --out {name}-run"));
        outcome.succeeded();
        let count = outcome.stderr.split(" different").next().unwrap().rsplit(' ').next().unwrap();
        (count.to_owned(), outcome.stderr.clone())
    };
    let (count, stderr) = characters("text.txt");
    assert!(!stderr.contains("warning") && !stderr.contains("CR LF"), "{stderr}");
    // A mark before the text is no part of it.
    place.write("marked.txt", format!("\u{feff}{plain}").as_bytes());
    let (marked, stderr) = characters("marked.txt");
    assert_eq!(marked, count);
    assert!(!stderr.contains("warning"), "{stderr}");
    let middle = plain.lines().next().unwrap().len() + 1;
    let (before, after) = plain.split_at(middle);
    for (name, character, words) in [
        ("inside.txt", '\u{feff}', "warning: byte order mark, U+FEFF, inside the text: once, first in line 2"),
        (
            "nul.txt",
            '\0',
            "warning: NUL, U+0000: once, first in line 2; it is learned as any character; if the file is no text",
        ),
        ("lost.txt", '\u{fffd}', "warning: replacement character, U+FFFD: once, first in line 2"),
    ] {
        place.write(name, format!("{before}{character}{after}").as_bytes());
        let (found, stderr) = characters(name);
        assert_eq!(found.parse::<usize>().unwrap(), count.parse::<usize>().unwrap() + 1, "{name}");
        assert!(stderr.contains(words), "{stderr}");
    }
    place.write("crlf.txt", plain.replace('\n', "\r\n").as_bytes());
    let (_, stderr) = characters("crlf.txt");
    assert!(stderr.contains("66 of 66 lines end in CR LF: both characters are learned"), "{stderr}");

    let utf16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.write("utf16.txt", &utf16);
    let line = TINY.replace("text.txt", "utf16.txt");
    place.elman(&format!("{line} --out none")).refused(1, &["utf16.txt: it is UTF-16LE", "iconv -f UTF-16LE"]);
    place.elman(&format!("{TINY} --out again")).succeeded();
    for line in ["eval again --data utf16.txt", "sample again --prime-file utf16.txt"] {
        place.elman(line).refused(1, &["utf16.txt: it is UTF-16LE"]);
    }
    let config: Vec<u8> = place.text("again/config.toml").encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.write("wide.toml", &config);
    place.write("wide-marked.toml", &[&b"\xff\xfe"[..], &config].concat());
    for name in ["wide.toml", "wide-marked.toml"] {
        place
            .elman(&format!("train text --config {name} --out none"))
            .refused(1, &[name, "UTF-16", "save it as UTF-8"]);
    }
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
