//! Runs that end before their time: each leaves whole files and says where it stopped.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::support::*;

#[test]
fn a_loss_that_is_not_finite_ends_the_run_and_the_last_good_weights_stay() {
    let place = Place::with_set();
    for (number, flags) in ["--learning-rate 1e30 --threads 1", "--learning-rate 1e30 --threads 3"].iter().enumerate() {
        let out = format!("run-{number}");
        let line = format!("train mnist --data set --hidden-size 16 --batch-size 50 --activation relu --out {out}");
        let outcome = place.elman(&format!("{line} {flags}"));
        outcome
            .failed(1, &["at step 2 (epoch 1)", "NaN", &format!("{out}/model.safetensors"), "smaller learning rate"]);
        assert_eq!(outcome.stdout, "");
        assert_finite(&place.path(&format!("{out}/model.safetensors")));
        place.elman(&format!("inspect {out} --json")).succeeded();
    }
    assert_eq!(place.bytes("run-0/model.safetensors"), place.bytes("run-1/model.safetensors"));
}

#[test]
fn a_learning_rate_beyond_single_precision_leaves_no_infinite_weights() {
    let place = Place::with_set();
    let line = "train mnist --data set --hidden-size 16 --batch-size 50 --threads 1 --out run --learning-rate 1e39";
    let outcome = place.elman(line);
    assert!(matches!(outcome.code, Some(1 | 2)), "{}", outcome.stdout);
    if place.path("run").exists() {
        assert_finite(&place.path("run/model.safetensors"));
    }
}

#[test]
fn weights_that_are_not_finite_after_the_last_step_are_no_success() {
    let place = Place::with_set();
    // One step, whose loss is fine.
    let line = "train mnist --data set --activation relu --hidden-size 16 --batch-size 550 --num-epoch 1 --threads 1";
    let outcome = place.elman(&format!("{line} --out run --learning-rate 1e36"));
    outcome.failed(1, &["NaN"]);
}

/// Runs that are sent signals.
#[cfg(unix)]
mod signals {
    use std::process::{Child, ChildStdout, Command};

    use super::*;

    /// The binary under a shell that ignores some signals, as `nohup` and scripts do. The shell cannot take back what
    /// whoever runs the tests ignores: `env` does, where it knows how.
    fn ignoring(place: &Place, signals: &str, line: &str) -> Command {
        let default = "--default-signal=INT,TERM,HUP";
        let knows = Command::new("env").args([default, "true"]).stderr(Stdio::null()).status();
        let default = if knows.is_ok_and(|status| status.success()) { default } else { "" };
        let trap = if signals.is_empty() { String::new() } else { format!("trap '' {signals}; ") };
        let script = format!("{trap}exec {} {line}", env!("CARGO_BIN_EXE_elman"));
        let mut command = Command::new("env");
        command.args(Some(default).filter(|default| !default.is_empty())).args(["sh", "-c", &script]);
        command.current_dir(place.path("")).env_remove("ELMAN_ISA").env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A run whose first epoch is done, with what it says from then on.
    fn under_way(mut command: Command) -> (Child, BufReader<ChildStdout>) {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with("Epoch: 1, "), "{line}");
        (child, stdout)
    }

    fn send(child: &Child, signal: &str) {
        let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Each member watched for signals anew, and took the first for the second, which ends the process at once.
    #[test]
    fn a_signal_ends_a_later_member_after_its_step_too() {
        let place = Place::with_set();
        let (child, mut stdout) =
            under_way(ignoring(&place, "", &format!("{QUICK} --ensemble 2 --num-epoch 300 --out run")));
        let mut line = String::new();
        while !line.starts_with("Epoch: 1, ") {
            line.clear();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "there is a second member");
        }
        send(&child, "INT");
        stdout.read_to_string(&mut String::new()).unwrap();
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        outcome.failed(1, &["interrupted after step ", "run/member-2/model.safetensors", "elman resume run"]);
    }

    #[test]
    fn a_signal_ends_the_run_after_its_step_with_a_model_that_loads() {
        // Whatever else is ignored: `nohup` does it to HUP, a script to INT and QUIT.
        let cases = [
            ("", "INT"),
            ("", "TERM"),
            ("", "HUP"),
            ("HUP", "TERM"),
            ("HUP", "INT"),
            ("INT QUIT", "TERM"),
            ("INT", "HUP"),
        ];
        for (ignored, signal) in cases {
            let place = Place::with_set();
            let (child, mut stdout) =
                under_way(ignoring(&place, ignored, &format!("{QUICK} --num-epoch 3000 --out run")));
            send(&child, signal);
            // More lines may have come before the signal did.
            stdout.read_to_string(&mut String::new()).unwrap();
            let outcome = Outcome::from(child.wait_with_output().unwrap());
            outcome.failed(1, &["interrupted after step ", "run/model.safetensors"]);

            assert_finite(&place.path("run/model.safetensors"));
            assert_eq!(form(place.elman("eval run").succeeded()[0]), "Test Loss: 9.999, Test Acc: 9.999");
            // Metrics end with a whole line, at or before that step.
            let metrics = place.text("run/metrics.csv");
            assert!(metrics.ends_with('\n'));
            let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u64>().unwrap();
            let step = number(outcome.stderr.split("after step ").nth(1).unwrap());
            assert!(number(metrics.lines().last().unwrap()) <= step);
            // Beside its five files a run that can go on has two checkpoints, or after its first epoch one, and the lock.
            let mut names = place.names("run");
            names.retain(|name| !name.starts_with("checkpoint-") && name != "lock");
            assert_eq!(names.len(), 5, "{names:?}");
        }
    }

    #[test]
    fn a_signal_that_the_parent_ignores_does_not_end_the_run() {
        for (ignored, signal) in [("HUP", "HUP"), ("INT QUIT", "INT"), ("TERM INT HUP", "TERM")] {
            let place = Place::with_set();
            let (child, mut stdout) =
                under_way(ignoring(&place, ignored, &format!("{QUICK} --num-epoch 50 --out run")));
            send(&child, signal);
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).unwrap();
            Outcome::from(child.wait_with_output().unwrap()).succeeded();
            assert_eq!(rest.lines().count(), 50, "{rest}");
        }
    }

    /// Where a step takes long, the second signal does not wait for its end.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_second_signal_ends_the_run_at_once() {
        let place = Place::with_set();
        let line = "train mnist --data set --cell lstm --hidden-size 1024 --batch-size 550 --threads 1 --out run";
        let mut child = ignoring(&place, "", line).spawn().unwrap();
        // Until the run, no longer the shell, watches for signals: bit 1 is INT.
        let caught = |child: &Child| {
            if !place.path("run/metrics.csv").exists() {
                return false;
            }
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let digits = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
            u64::from_str_radix(digits, 16).unwrap() & 2 != 0
        };
        while !caught(&child) {
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        // Two that come before the process runs again are one: more follow.
        while child.try_wait().unwrap().is_none() {
            send(&child, "INT");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("interrupted after step"), "{}", outcome.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_does_not_stop_the_run() {
    let place = Place::with_set();
    place.elman(&format!("{QUICK} --num-epoch 30 --out whole")).succeeded();
    let mut command = place.command(&format!("{QUICK} --num-epoch 30 --out left"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("Epoch: 1, "), "{line}");
    // The reader was dropped here, with 29 epochs to go.
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(place.bytes("whole/model.safetensors"), place.bytes("left/model.safetensors"));
    assert_eq!(place.text("left/metrics.csv").lines().count(), place.text("whole/metrics.csv").lines().count());
    for line in ["predict whole set/t10k-images-idx3-ubyte", "inspect whole", "--help"] {
        let mut child = place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!((outcome.code, &*outcome.stderr), (Some(0), ""), "{line}");
    }
}

/// A limit on the size of files stands for a disk that is full: `write` fails, as it does there.
#[cfg(target_os = "linux")]
mod full_disk {
    use super::*;

    /// The binary under a shell that lets no file grow over so many blocks of 512 bytes.
    fn limited(place: &Place, blocks: u32, line: &str) -> Outcome {
        let mut command = std::process::Command::new("sh");
        let script =
            format!("trap '' XFSZ; ulimit -f {blocks} || exit 99; exec {} {line}", env!("CARGO_BIN_EXE_elman"));
        Outcome::of(command.args(["-c", &script]).current_dir(place.path("")).env_remove("ELMAN_ISA"))
    }

    #[test]
    fn a_model_that_cannot_be_written_fails_the_run_and_leaves_no_part_of_it() {
        let place = Place::with_set();
        // The model takes 2 kB and its header; the metrics fit.
        let outcome = limited(&place, 2, &format!("{QUICK} --num-epoch 1 --out run"));
        outcome.failed(1, &["cannot write run/model.safetensors", "File too large"]);
        assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
        let names = place.names("run");
        assert!(!names.iter().any(|name| name.contains("model") || name.contains("tmp")), "{names:?}");
    }

    #[test]
    fn what_was_written_before_stays_whole() {
        let place = Place::with_set();
        // The model fits; the metrics outgrow the limit, some epochs later.
        let line = format!("{QUICK} --num-epoch 100 --batch-per-log 1 --out run");
        let outcome = limited(&place, 16, &line);
        outcome.failed(1, &["cannot write ", "run/", "File too large"]);
        assert_finite(&place.path("run/model.safetensors"));
        place.elman("eval run").succeeded();
    }

    #[test]
    fn results_that_cannot_be_written_are_named() {
        let place = Place::with_run();
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let line = format!("{QUICK} --num-epoch 1 --out other");
        for line in ["eval run", "inspect run", "predict run set/t10k-images-idx3-ubyte", &line] {
            let outcome = Outcome::of(place.command(line).stdout(full()));
            outcome.failed(1, &["standard output", "No space left on device"]);
        }
        assert_finite(&place.path("other/model.safetensors"));
    }
}
