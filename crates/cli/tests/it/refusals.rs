//! What `elman train` refuses: in one clear message, before it has written anything.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::*;

/// Training on the small set with these settings is refused with these words, and leaves nothing behind.
#[track_caller]
fn refused(place: &Place, flags: &str, code: i32, words: &[&str]) {
    let before = place.names("");
    let data = if flags.contains("--data") || flags.contains("--config") { "" } else { "--data set" };
    place.elman(&format!("train mnist {data} {flags}")).refused(code, words);
    assert_eq!(place.names(""), before, "{flags} left something behind");
}

#[test]
fn settings_out_of_range() {
    let place = Place::with_set();
    for (flags, words) in [
        ("--batch-size 0", &["--batch-size is 0", "1 to 550"][..]),
        ("--batch-size 551", &["--batch-size is 551", "1 to 550"]),
        ("--batch-size 18446744073709551615", &["--batch-size is 18446744073709551615"]),
        ("--hidden-size 0", &["--hidden-size is 0", "1 to "]),
        ("--hidden-size 1000000000", &["--hidden-size is 1000000000", "1 to "]),
        ("--hidden-size 18446744073709551615", &["--hidden-size is 18446744073709551615"]),
        (
            "--learning-rate nan",
            &["--learning-rate is NaN", "expected a finite number above 0, from 1.1754944e-38 to 3.4028235e38"],
        ),
        ("--learning-rate -1", &["--learning-rate is -1", "above 0"]),
        ("--learning-rate 0", &["--learning-rate is 0", "above 0"]),
        ("--learning-rate -0.0", &["--learning-rate is -0", "above 0"]),
        ("--learning-rate inf", &["--learning-rate is inf", "finite"]),
        ("--num-epoch 0", &["--num-epoch is 0", "at least 1"]),
        ("--batch-per-log 0", &["--batch-per-log is 0", "at least 1"]),
        ("--threads 0", &["--threads is 0", "1 to "]),
        ("--threads 1000000", &["--threads is 1000000", "1 to "]),
    ] {
        refused(&place, flags, 2, words);
        refused(&place, &format!("{flags} --out run"), 2, words);
    }
}

#[test]
fn what_is_no_value_for_its_flag() {
    let place = Place::with_set();
    for (flags, words) in [
        ("--batch-size ten", &["--batch-size is ten; expected a number of rows, or full"][..]),
        ("--batch-size 1.5", &["--batch-size is 1.5; expected a number of rows, or full"]),
        ("--batch-size -4", &["--batch-size is -4; expected a number of rows, or full"]),
        ("--seed -1", &["--seed is -1; expected 0 to 18446744073709551615"]),
        ("--seed=-1", &["--seed is -1; expected 0 to 18446744073709551615"]),
        ("--threads -2", &["--threads is -2; expected 0 to "]),
        ("--hidden-size 1.5", &["--hidden-size is 1.5; expected a whole number, 0 to "]),
        ("--seed 99999999999999999999", &["--seed is 99999999999999999999; expected 0 to "]),
        ("--learning-rate fast", &["--learning-rate is fast; expected a number"]),
        ("--learning-rate", &["--learning-rate"]),
        ("--cell gru9", &["gru9", "--cell", "rnn"]),
        ("--activation sine", &["sine", "--activation", "tanh", "relu"]),
        ("--init zeros", &["zeros", "--init", "tf", "keras", "pytorch"]),
        ("--no-such-flag", &["--no-such-flag"]),
        ("--hidden-sise 5", &["--hidden-sise", "--hidden-size"]),
        ("spare", &["spare"]),
    ] {
        refused(&place, flags, 2, words);
    }
}

/// Also at their defaults, which the other cell would have used anyway.
#[test]
fn options_of_another_cell() {
    let place = Place::with_set();
    for (cell, option, whose) in [
        ("lstm", "reset after", "gru"),
        ("lstm", "reset before", "gru"),
        ("rnn", "reset after", "gru"),
        ("rnn", "recurrent-activation sigmoid", "lstm and gru"),
        ("rnn", "recurrent-activation hard_sigmoid", "lstm and gru"),
        ("rnn", "peepholes", "lstm"),
        ("gru", "coupled", "lstm"),
        ("gru", "projection 4", "lstm"),
        ("gru", "cell-clip 1", "lstm"),
        ("rnn", "projection-clip 1", "lstm"),
        ("rnn", "layer-norm", "lstm and gru"),
        ("rnn", "candidate-dropout 0", "lstm and gru"),
        ("gru", "memory-zoneout 0", "lstm"),
    ] {
        let name = option.split(' ').next().unwrap();
        let words = [&*format!("--{name} is not computed for {cell}"), &*format!("it is an option of {whose}")];
        refused(&place, &format!("--cell {cell} --{option}"), 2, &words);
    }
    // A file names every setting; only what differs from its default asks for something.
    place.elman(&format!("{QUICK} --num-epoch 1 --cell gru --reset after --out run")).succeeded();
    place.elman("train mnist --config run/config.toml --cell lstm --out other").succeeded();
}

/// Of the optimizer and the schedule, at their defaults or not.
#[test]
fn options_of_another_optimizer_or_schedule() {
    let place = Place::with_set();
    for (given, option, whose) in [
        ("--optimizer adam", "momentum 0.9", "momentum and nesterov and rmsprop"),
        ("--optimizer sgd", "momentum 0.9", "momentum and nesterov and rmsprop"),
        ("--optimizer adagrad", "rms-decay 0.9", "rmsprop"),
        ("--optimizer adam", "initial-accumulator 0.1", "adagrad"),
        ("--optimizer nesterov", "beta1 0.9", "adam and adamw"),
        ("--optimizer rmsprop", "beta2 0.999", "adam and adamw"),
        ("--optimizer adagrad", "epsilon 1e-8", "adam and adamw and rmsprop"),
        ("--optimizer adam", "initial-step 0.01", "rprop and rprop+"),
        ("--optimizer adam", "min-step 1e-6", "rprop and rprop+"),
        ("--optimizer adam", "max-step 50", "rprop and rprop+"),
        ("--optimizer adam", "increase 1.2", "rprop and rprop+"),
        ("--optimizer adam", "decrease 0.5", "rprop and rprop+"),
        ("--schedule constant", "decay 0.97", "step and exponential and plateau"),
        ("--schedule cosine", "decay 0.97", "step and exponential and plateau"),
        ("--schedule exponential", "decay-every 1", "step"),
        ("--schedule plateau", "decay-after 10", "step"),
        ("--schedule step", "min-learning-rate 0", "cosine and plateau"),
        ("--schedule cosine", "patience 10", "plateau"),
    ] {
        let name = option.split(' ').next().unwrap();
        let words = [&*format!("--{name} is not computed for "), &*format!("it is an option of {whose}\n")];
        refused(&place, &format!("{given} --{option}"), 2, &words);
    }
    for (option, why) in [
        ("--learning-rate 0.001", "--learning-rate is not computed for rprop: it has a step size"),
        ("--clip-norm 1", "--clip-norm is not computed for rprop: it reads the signs"),
        ("--clip-value 1", "--clip-value is not computed for rprop: it reads the signs"),
        ("--weight-decay 0.1", "--weight-decay is not computed for rprop"),
        ("--schedule cosine", "--schedule is not computed for rprop"),
        ("--warmup 3", "--warmup is not computed for rprop"),
    ] {
        refused(&place, &format!("--batch-size 550 --optimizer rprop {option}"), 2, &[why]);
    }
}

#[test]
fn settings_of_optimizers_out_of_range() {
    let place = Place::with_set();
    for (flags, words) in [
        ("--optimizer adagard", &["adagard", "--optimizer"][..]),
        ("--schedule linear", &["linear", "--schedule"]),
        ("--beta1 1", &["--beta1 is 1", "below 1"]),
        ("--beta2 -0.5", &["--beta2 is -0.5", "at least 0"]),
        ("--epsilon 0", &["--epsilon is 0", "above 0"]),
        ("--optimizer sgd --learning-rate -1", &["--learning-rate is -1", "above 0"]),
        ("--optimizer momentum --momentum 1", &["--momentum is 1", "below 1"]),
        ("--optimizer momentum --momentum 0", &["--momentum is 0", "above 0"]),
        ("--optimizer nesterov --momentum 0", &["--momentum is 0", "above 0"]),
        ("--optimizer rmsprop --momentum -0.1", &["--momentum is -0.1"]),
        ("--optimizer rmsprop --rms-decay 1", &["--rms-decay is 1", "below 1"]),
        ("--optimizer adagrad --initial-accumulator 0", &["--initial-accumulator is 0", "above 0"]),
        ("--optimizer rprop --initial-step 51", &["--initial-step is 51", "1e-6 to 50.0"]),
        ("--optimizer rprop --min-step -1", &["--min-step is -1", "above 0"]),
        ("--optimizer rprop --max-step nan", &["--max-step is NaN", "above 0"]),
        ("--optimizer rprop --increase 1", &["--increase is 1", "above 1"]),
        ("--optimizer rprop+ --decrease 1", &["--decrease is 1", "below 1"]),
        ("--weight-decay -1", &["--weight-decay is -1", "0 to"]),
        ("--clip-norm -1", &["--clip-norm is -1", "above 0"]),
        ("--layers 1000000000", &["--layers is 1000000000", "1 to 64"]),
        ("--clip-norm inf", &["--clip-norm is inf", "finite"]),
        ("--clip-value -3", &["--clip-value is -3", "above 0"]),
        ("--schedule exponential --decay 1.5", &["--decay is 1.5", "at most 1"]),
        ("--schedule step --decay 0", &["--decay is 0", "above 0"]),
        ("--schedule step --decay-every 0", &["--decay-every is 0", "at least 1"]),
        ("--schedule cosine --min-learning-rate 1", &["--min-learning-rate is 1", "0 to 0.001"]),
        ("--schedule plateau --min-learning-rate -1", &["--min-learning-rate is -1"]),
        ("--schedule plateau --patience 0", &["--patience is 0", "at least 1"]),
        ("--warmup -1", &["-1"]),
    ] {
        refused(&place, flags, 2, words);
    }
    place.write("c.toml", b"data = \"set\"\noptimizer = \"adagard\"\n");
    refused(&place, "--config c.toml", 2, &["optimizer is \"adagard\"", "adam, adamw, sgd"]);
    place.write("c.toml", b"data = \"set\"\nmomentum = 0.9\n");
    refused(&place, "--config c.toml", 2, &["momentum is not computed for adam", "option of momentum"]);
    place.write("c.toml", b"data = \"set\"\nwarmup = -1\n");
    refused(&place, "--config c.toml", 2, &["cannot read c.toml", "-1"]);
}

#[test]
fn a_command_or_a_job_that_is_not_there() {
    let place = Place::new();
    place.elman("trian").refused(2, &["trian", "train"]);
    place.elman("train fashion").refused(2, &["fashion"]);
    // Without a job, the jobs are listed; without a command, the commands.
    for (line, words) in [("train", &["mnist", "the tutorial's job"][..]), ("", &["train", "eval", "predict", "bench"])]
    {
        let outcome = place.elman(line);
        assert_eq!((outcome.code, &*outcome.stdout), (Some(2), ""));
        for word in words {
            assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
        }
    }
    assert!(place.names("").is_empty());
}

#[test]
fn help_and_version_are_no_errors() {
    let place = Place::new();
    for line in
        ["--help", "-h", "train --help", "train mnist --help", "eval -h", "predict -h", "inspect -h", "bench -h"]
    {
        let outcome = place.elman(line);
        outcome.succeeded();
        assert!(outcome.stdout.contains("Usage: elman") && outcome.stderr.is_empty(), "{line}");
        assert!(line.contains("train -") || outcome.stdout.contains("Examples:"), "{line} has no example");
    }
    assert!(place.elman("train mnist --help").stdout.contains("--learning_rate"));
    assert!(place.elman("--version").succeeded()[0].starts_with("elman "));
}

/// The small set with one of its files replaced, or without it.
fn with_file(name: &str, content: Option<&[u8]>) -> Place {
    let place = Place::with_set();
    match content {
        Some(content) => place.write(&format!("set/{name}"), content),
        None => fs::remove_file(place.path(&format!("set/{name}"))).unwrap(),
    }
    place
}

#[test]
fn data_that_is_not_there() {
    let place = Place::with_set();
    refused(&place, "--data nowhere", 1, &["cannot read the folder nowhere", TRAIN_IMAGES, TEST_LABELS]);
    let file = format!("set/{TRAIN_IMAGES}");
    refused(&place, &format!("--data {file}"), 1, &["cannot read the folder set/train-images", TRAIN_IMAGES]);
    fs::create_dir(place.path("empty")).unwrap();
    refused(&place, "--data empty", 1, &["missing in the folder empty", TRAIN_IMAGES, TEST_LABELS, "found no files"]);
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        let place = with_file(name, None);
        let words = ["missing in the folder set", name, "with or without .gz", "found "];
        refused(&place, "", 1, &words);
        refused(&place, "--out run", 1, &words);
    }
    // A folder in the place of a file is no file.
    let place = with_file(TEST_LABELS, None);
    fs::create_dir(place.path(&format!("set/{TEST_LABELS}"))).unwrap();
    refused(&place, "", 1, &["missing in the folder set", TEST_LABELS]);
}

#[test]
fn images_that_are_damaged() {
    let good = idx(&[TRAINING, SIDE, SIDE], &images(1, TRAINING, SIDE, SIDE));
    let at = format!("cannot read set/{TRAIN_IMAGES}: ");
    let refuses = |content: &[u8], words: &[&str]| {
        refused(&with_file(TRAIN_IMAGES, Some(content)), "--out run", 1, &[&[at.as_str()], words].concat());
    };
    refuses(&good[..good.len() - 1], &["truncated", "600×8×8", "expected 38400 bytes", "found 38399"]);
    refuses(&good[..10], &["truncated", "its header takes 16 bytes", "found 10"]);
    refuses(&[], &["truncated", "4 bytes", "found 0"]);
    refuses(&[&good[..], b"!"].concat(), &["more data than its header says", "expected 38400 bytes"]);
    refuses(b"<!DOCTYPE html><title>404 Not Found</title>", &["not an IDX file (magic 0x3c21444f)", "0x00000803"]);
    refuses(&idx(&[TRAINING], &labels(TRAINING)), &["number of dimensions is 1", "expected 3", "swapped"]);
    refuses(&[&[0, 0, 0x0d, 3][..], &good[4..]].concat(), &["f32", "magic 0x00000d03", "expected u8"]);
    refuses(&idx(&[0, SIDE, SIDE], &[]), &["empty", "0×8×8"]);
    refuses(&idx(&[600, 0, SIDE], &[]), &["empty", "600×0×8"]);
    // Headers that claim far more than there is: no memory is taken for it.
    let most = u32::MAX as usize;
    refuses(&idx(&[most, SIDE, SIDE], &[0; 100]), &["truncated", "4294967295×8×8", "found 100"]);
    refuses(&idx(&[most, 1, 1], &[0; 100]), &["truncated", "4294967295×1×1", "found 100"]);
    refuses(&idx(&[most, most, most], &[0; 100]), &["more bytes than can be counted"]);
    refuses(&gzip(&idx(&[most, SIDE, SIDE], &[0; 100])), &["4294967295×8×8", "expected at most"]);
    refuses(&gzip(&idx(&[most, 1, 1], &[0; 100])), &["truncated", "4294967295×1×1", "found 100"]);
    // Gzip.
    let zipped = gzip(&good);
    refuses(&[&zipped[..], b"trailing"].concat(), &["bytes follow the end of its gzip stream"]);
    refuses(&zipped[..zipped.len() / 2], &["truncated"]);
    refuses(&gzip(&zipped), &["magic 0x1f8b", "gzipped twice"]);
    let mut flipped = zipped.clone();
    // In the checksum.
    let at_crc = flipped.len() - 6;
    flipped[at_crc] ^= 1;
    refuses(&flipped, &["damaged gzip stream"]);
}

#[test]
fn files_that_do_not_belong_together() {
    let place = with_file(TRAIN_LABELS, Some(&idx(&[TRAINING - 1], &labels(TRAINING - 1))));
    refused(&place, "", 1, &[TRAIN_LABELS, "599 labels", "expected 600", TRAIN_IMAGES]);
    let place = with_file(TEST_LABELS, Some(&idx(&[TEST + 1], &labels(TEST + 1))));
    refused(&place, "", 1, &[TEST_LABELS, "61 labels", "expected 60", TEST_IMAGES]);
    let place = with_file(TEST_IMAGES, Some(&idx(&[TEST, 9, 9], &[0; TEST * 81])));
    refused(&place, "", 1, &[TEST_IMAGES, "9×9", "expected 8×8", TRAIN_IMAGES]);
    let place = with_file(TEST_LABELS, Some(&idx(&[TEST], &[9; TEST])));
    refused(&place, "", 1, &[TEST_LABELS, "label 9", "less than 3"]);
    // Which of two is meant?
    let place = Place::with_set();
    place.write(&format!("set/other-{TRAIN_IMAGES}.gz"), &[]);
    refused(&place, "", 1, &["2 files of training images", TRAIN_IMAGES, "expected one"]);
    // One image is for validation; none is left.
    let place = with_file(TRAIN_IMAGES, Some(&idx(&[1, SIDE, SIDE], &image(0))));
    place.write(&format!("set/{TRAIN_LABELS}"), &idx(&[1], &[0]));
    refused(&place, "", 1, &[TRAIN_IMAGES, "1 image", "expected at least 2"]);
}

#[test]
fn a_folder_that_cannot_be_made_or_is_taken() {
    let place = Place::with_set();
    place.write("file", b"In the way.");
    refused(&place, "--out file/run", 1, &["cannot make the folder file/run", "directory"]);
    refused(&place, "--out file", 1, &["cannot make the folder file"]);
    refused(&place, "--out /dev/null/run", 1, &["cannot make the folder /dev/null/run", "directory"]);
    assert_eq!(place.text("file"), "In the way.");

    // Where the runs should be numbered.
    place.write("runs", b"In the way too.");
    refused(&place, "", 1, &["cannot make the folder runs"]);

    place.elman(&format!("{QUICK} --num-epoch 1 --out run")).succeeded();
    let files: Vec<_> = place.names("run").into_iter().map(|name| place.bytes(&format!("run/{name}"))).collect();
    refused(&place, "--out run", 1, &["run already holds a run", "choose another --out"]);
    // A part of a run is one too.
    fs::create_dir(place.path("part")).unwrap();
    fs::copy(place.path("run/model.safetensors"), place.path("part/model.safetensors")).unwrap();
    refused(&place, "--out part", 1, &["part already holds a run", "model.safetensors"]);
    assert_eq!(
        files,
        place.names("run").into_iter().map(|name| place.bytes(&format!("run/{name}"))).collect::<Vec<_>>()
    );
}

#[test]
fn configurations() {
    let place = Place::with_set();
    let refuses = |content: &[u8], code: i32, words: &[&str]| {
        place.write("c.toml", content);
        refused(&place, "--config c.toml", code, words);
        refused(&place, "--config c.toml --out run", code, words);
    };
    refuses(b"data = \"set\"\nhiden_size = 5\n", 2, &["cannot read c.toml", "hiden_size", "hidden_size"]);
    refuses(b"data = \"set\"\nhidden_size = \"large\"\n", 2, &["cannot read c.toml", "hidden_size", "large"]);
    refuses(b"data = \"set\"\nhidden_size = -5\n", 2, &["cannot read c.toml", "-5"]);
    refuses(b"data = \"set\"\nnum_epoch = 1.5\n", 2, &["cannot read c.toml", "1.5"]);
    refuses(b"data = \"set\"\nseed = 1\nseed = 2\n", 2, &["cannot read c.toml", "seed", "duplicate"]);
    refuses(b"data = \"set\"\ninit = \"zeros\"\n", 2, &["cannot read c.toml", "zeros", "keras"]);
    refuses(b"hidden_size\n", 2, &["cannot read c.toml", "hidden_size"]);
    refuses(b"\xff\xfe", 1, &["cannot read c.toml", "UTF-8"]);
    refuses(b"job = \"text\"\n", 2, &["c.toml is the configuration of job \"text\"", "\"mnist\""]);
    // As the flags of the same names.
    refuses(b"data = \"set\"\ncell = \"gru9\"\n", 2, &["cell is \"gru9\"", "rnn, lstm, gru, indrnn"]);
    refuses(b"data = \"set\"\nactivation = \"sine\"\n", 2, &["cannot read c.toml", "sine", "tanh", "relu"]);
    refuses(b"data = \"set\"\nbidirectional = true\n", 2, &["cannot read c.toml", "bidirectional"]);
    refuses(b"data = \"set\"\ncell = \"gru\"\npeepholes = true\n", 2, &["peepholes", "gru", "option of lstm"]);
    refuses(b"data = \"set\"\nnum_epoch = 0\n", 2, &["num_epoch is 0", "at least 1"]);
    refuses(b"data = \"set\"\nthreads = 0\n", 2, &["threads is 0"]);
    refuses(b"data = \"set\"\nlearning_rate = nan\n", 2, &["learning_rate is NaN"]);
    refuses(b"data = \"set\"\nbatch_size = 0\n", 2, &["batch_size is 0"]);
    refuses(b"data = \"set\"\nhidden_size = 0\n", 2, &["hidden_size is 0"]);
    refuses(b"data = \"nowhere\"\n", 1, &["cannot read the folder nowhere"]);
    refused(&place, "--config nowhere.toml", 1, &["cannot read nowhere.toml", "No such file"]);
    refused(&place, "--config set", 1, &["cannot read set", "directory"]);
}

#[test]
fn the_largest_numbers_of_a_flag_train_and_come_back() {
    let place = Place::with_set();
    // TOML promises integers up to 2^63 only.
    let flags = "--seed 18446744073709551615 --batch-per-log 18446744073709551615";
    place.elman(&format!("{QUICK} --num-epoch 1 {flags} --out one")).succeeded();
    place.elman("train mnist --config one/config.toml --out two").succeeded();
    assert_eq!(place.bytes("one/model.safetensors"), place.bytes("two/model.safetensors"));
}

#[test]
fn the_largest_number_of_epochs_trains_or_is_refused() {
    let place = Place::with_set();
    let mut command = place.command(&format!("{QUICK} --quiet --num-epoch 18446744073709551615 --out run"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // It would take a while.
    child.kill().unwrap();
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    if !line.starts_with("Epoch: 1, ") {
        outcome.refused(2, &["num_epoch is 18446744073709551615"]);
        assert!(!place.path("run").exists());
    }
}

#[cfg(unix)]
#[test]
fn data_in_a_path_that_is_no_unicode_is_read_or_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let place = Place::with_set();
    let name = OsStr::from_bytes(b"s\xe9t");
    if fs::rename(place.path("set"), place.path("").join(name)).is_err() {
        // A file system that has no such names.
        return;
    }
    let mut command = place.command("train mnist --num-epoch 1 --hidden-size 5 --threads 1 --out run --data");
    let outcome = Outcome::of(command.arg(name));
    if outcome.code != Some(0) {
        outcome.refused(outcome.code.filter(|code| [1, 2].contains(code)).unwrap(), &["s\u{fffd}t"]);
        assert!(!place.path("run").exists());
    }
}

/// What a flag could not say, a file cannot either: also when the run is only used again.
#[test]
fn values_of_a_job_s_own_settings_are_checked_in_its_file_too() {
    let place = Place::new();
    place.write("text.txt", "some words to read, and then some more of them\n".repeat(40).as_bytes());
    let line = "train text --data text.txt --hidden-size 4 --batch-size 2 --sequence-length 5 --num-epoch 1 --quiet";
    place.elman(&format!("{line} --out run")).succeeded();
    let config = place.text("run/config.toml");
    for value in ["5.0", "-1.0", "0.0", "nan"] {
        place
            .write("run/config.toml", config.replace("train_frac = 0.95", &format!("train_frac = {value}")).as_bytes());
        place.elman("eval run").refused(2, &["train_frac is ", "above 0 and below 1"]);
    }
    // The message names the file's own line.
    place.write("c.toml", b"# mine\n\nnum_epoch = \"x\"\n");
    place.elman("train text --config c.toml --out other").failed(2, &["cannot read c.toml", "line 3, column 13"]);
    // As an editor on Windows may write it.
    place.write("bom.toml", format!("\u{feff}{config}").as_bytes());
    place.elman("train text --config bom.toml --quiet --out other").succeeded();
}

/// What a job does without a flag, a flag switches off; and the run's file keeps it so.
#[test]
fn nought_switches_clipping_and_early_stopping_off() {
    let place = Place::new();
    place.write("text.txt", "some words to read, and then some more of them\n".repeat(40).as_bytes());
    let line = "train text --data text.txt --hidden-size 4 --batch-size 2 --sequence-length 5 --num-epoch 1 --quiet";
    let model = |flags: &str, out: &str| {
        place.elman(&format!("{line} {flags} --out {out}")).succeeded();
        place.bytes(&format!("{out}/model.safetensors"))
    };
    let never = model("--clip-value 0 --early-stopping 0", "never");
    assert!(never == model("--clip-value 1e9", "wide"), "a limit that nothing reaches");
    assert!(never != model("--clip-value 1e-4", "tight"));
    place.elman("train text --config never/config.toml --quiet --out again").succeeded();
    assert!(place.bytes("again/model.safetensors") == never);
}
