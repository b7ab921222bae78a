//! `elman resume`, and what guards a run's checkpoints.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::jobs::{JOBS, assert_same, place};
use crate::support::*;

/// Long enough to be ended, a second on a quiet machine, with a checkpoint every few steps.
const LONG: &str = "train mnist --data set --hidden-size 16 --batch-size 50 --learning-rate 0.01 --threads 2 \
                    --num-epoch 100 --checkpoint-steps 4 --keep-checkpoints 3";

/// A process that is training, one epoch done.
fn under_way(place: &Place, line: &str) -> Child {
    let mut child = place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("Epoch: 1, "), "{line}");
    // Nobody reads on: the run goes on all the same.
    child
}

/// The signal, or where SIGINT is set aside, as by a shell for what runs in its background, SIGTERM: elman leaves it aside too.
fn heard(signal: &str) -> &str {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    if signal == "INT" && ignored.is_some_and(|ignored| ignored & 2 != 0) { "TERM" } else { signal }
}

/// A run in `run` that was ended by a signal in its first epochs, and what it said.
fn ended(place: &Place, line: &str, signal: &str) -> Outcome {
    let child = under_way(place, &format!("{line} --out run"));
    let kill = Command::new("kill").args([&format!("-{}", heard(signal)), &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    Outcome::from(child.wait_with_output().unwrap())
}

/// The same run without an end before its time, in `whole/run`.
fn whole(place: &Place, line: &str) -> Outcome {
    let outcome = place.elman(&format!("{line} --out whole/run"));
    outcome.succeeded();
    outcome
}

fn checkpoints(place: &Place) -> Vec<u64> {
    let number = |name: String| name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?.parse().ok();
    let mut steps: Vec<u64> = place.names("run").into_iter().filter_map(number).collect();
    steps.sort_unstable();
    steps
}

fn flip(place: &Place, name: &str) {
    let mut bytes = place.bytes(name);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    place.write(name, &bytes);
}

#[test]
fn a_signal_leaves_a_checkpoint_and_resume_ends_the_run() {
    let place = Place::with_set();
    let whole = whole(&place, LONG);
    for signal in ["INT", "TERM"] {
        let outcome = ended(&place, LONG, signal);
        outcome.failed(1, &["interrupted after step ", "resume with: elman resume run"]);
        let step: u64 = outcome.stderr.split("after step ").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
        let steps = checkpoints(&place);
        assert_eq!((steps.last(), steps.len()), (Some(&step), 3), "{steps:?}");
        let inspected = place.elman("inspect run");
        assert!(inspected.stdout.contains(&format!("newest checkpoint: step {step}")), "{}", inspected.stdout);

        // It is no model, and says what to do with it and where the model is.
        let file = format!("run/checkpoint-{step}.safetensors");
        let says = [
            file.as_str(),
            "it is a checkpoint",
            "elman resume run",
            "take the model beside it: run/model.safetensors",
        ];
        for command in ["inspect", "eval", "sample", "forecast", "diagnose", "convert"] {
            let more = if command == "convert" { " m.onnx" } else { "" };
            place.elman(&format!("{command} {file}{more}")).refused(1, &says);
        }
        place.elman("eval run/model.safetensors --data set").succeeded();

        let resumed = place.elman("resume run --threads 1");
        let lines = resumed.succeeded();
        assert!(resumed.stderr.contains(&format!("run: run, continuing after step {step}")), "{}", resumed.stderr);
        assert!(lines.len() > 2 && whole.stdout.ends_with(&resumed.stdout), "{lines:?}");
        assert_same(&place, "whole/run", "run", signal);

        // A run that has finished.
        let names = place.names("run");
        let again = place.elman("resume run");
        assert!(again.succeeded().is_empty() && again.stderr.contains("run has finished"), "{}", again.stderr);
        assert_eq!(place.names("run"), names);
        std::fs::remove_dir_all(place.path("run")).unwrap();
    }
}

#[test]
fn a_run_without_a_checkpoint_starts_from_the_beginning() {
    let place = place();
    for (name, line) in JOBS {
        whole(&place, line);
        // As a kill leaves it that comes at once.
        place.write("run/config.toml", &place.bytes("whole/run/config.toml"));
        place.write("run/lock", b"");
        // What was chosen by trial stands in the configuration, so the trials are over.
        if place.path("whole/run/choice.json").exists() {
            place.write("run/choice.json", &place.bytes("whole/run/choice.json"));
        }
        place.write("run/model.safetensors.17.tmp", b"half");
        let resumed = place.elman("resume run");
        resumed.succeeded();
        assert!(resumed.stderr.contains("from the beginning"), "{}", resumed.stderr);
        assert_same(&place, "whole/run", "run", name);
        ["run", "whole"].iter().for_each(|run| std::fs::remove_dir_all(place.path(run)).unwrap());
    }
    place.write("run/config.toml", b"");
    place.elman("resume run").refused(1, &["run/config.toml is empty", "begin a new run"]);
    place.elman("resume set").refused(1, &["set holds no run", "config.toml"]);
    place.elman("resume nowhere").refused(1, &["nowhere holds no run"]);
}

/// Sets that fuse give the same bits; another one may not, which is said.
#[test]
fn another_instruction_set_is_told_where_it_may_matter() {
    let place = Place::with_set();
    let first = elman::Isa::best();
    for isa in elman::Isa::available() {
        ended(&place, LONG, "INT").failed(1, &["interrupted"]);
        let resumed = Outcome::of(place.command("resume run").env("ELMAN_ISA", isa.name()));
        resumed.succeeded();
        let told = resumed.stderr.contains(&format!("continues on {isa}: the result may differ in its last bits"));
        assert_eq!(told, isa != first && !(isa.fuses() && first.fuses()), "{isa}: {}", resumed.stderr);
        std::fs::remove_dir_all(place.path("run")).unwrap();
    }
}

#[test]
fn of_two_processes_one_trains_in_a_folder() {
    let place = Place::with_set();
    let line = LONG.replace("--num-epoch 100 ", "--num-epoch 100000 ");
    let mut child = under_way(&place, &format!("{line} --out run"));
    let process = format!("another process, number {}, is training in run", child.id());
    place.elman("resume run").refused(1, &[&process, "wait until it has ended"]);
    place.elman(&format!("{LONG} --out run")).refused(1, &["run already holds a run"]);
    assert!(child.try_wait().unwrap().is_none(), "it ended");
    child.kill().unwrap();
    child.wait().unwrap();
    // Its lock went with it.
    let mut child = under_way_again(&place);
    place.elman("resume run").refused(1, &["another process, number "]);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A process that has resumed, and writes.
fn under_way_again(place: &Place) -> Child {
    let mut child = place.command("resume run").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("Epoch: "), "{line}");
    child
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let place = Place::with_set();
    whole(&place, LONG);
    ended(&place, LONG, "INT").failed(1, &["interrupted"]);
    let steps = checkpoints(&place);
    let file = |step: u64| format!("run/checkpoint-{step}.safetensors");
    flip(&place, &file(steps[2]));
    let before: Vec<_> = steps.iter().map(|&step| place.bytes(&file(step))).collect();
    // All of them: an error, and nothing is touched.
    steps[..2].iter().for_each(|&step| flip(&place, &file(step)));
    let names = place.names("run");
    let outcome = place.elman("resume run");
    outcome.refused(1, &["no checkpoint in run is whole", "damaged", "Nothing was changed", &file(steps[0])]);
    assert_eq!(place.names("run"), names);
    // The newest alone.
    steps[..2].iter().for_each(|&step| flip(&place, &file(step)));
    assert!(steps.iter().zip(before).all(|(&step, bytes)| place.bytes(&file(step)) == bytes));
    let resumed = place.elman("resume run --quiet");
    resumed.succeeded();
    for word in ["warning: ", &file(steps[2]), "damaged", &format!("the one before it is taken, of step {}", steps[1])]
    {
        assert!(resumed.stderr.contains(word), "no {word:?} in {}", resumed.stderr);
    }
    assert_same(&place, "whole/run", "run", "the one before");
}

#[test]
fn other_data_and_other_settings_are_refused() {
    let place = Place::with_set();
    whole(&place, LONG);
    ended(&place, LONG, "TERM").failed(1, &["interrupted"]);
    let (labels, config) = (format!("set/{TRAIN_LABELS}"), "run/config.toml");
    let (right, settings) = (place.bytes(&labels), place.text(config));
    let left = || ["model.safetensors", "metrics.csv"].map(|name| place.bytes(&format!("run/{name}")));
    let (before, names) = (left(), place.names("run"));
    let mut wrong = right.clone();
    *wrong.last_mut().unwrap() ^= 1;
    place.write(&labels, &wrong);
    place.elman("resume run").failed(1, &["the data of run has changed", "checksum", "Put it back"]);
    place.write(&labels, &right);
    for (from, to, what) in [
        (
            "learning_rate = 0.01",
            "learning_rate = 0.02",
            "the optimizer is learning_rate = 0.02; expected learning_rate = 0.01",
        ),
        ("seed = 111", "seed = 112", "seed is 112; expected 111, as when training began"),
        ("batch_size = 50", "batch_size = 25", "batch_size is 25; expected 50"),
        (
            "hidden_size = 16",
            "hidden_size = 17",
            "the network is hidden = 17 in layer 1; expected hidden = 16 in layer 1",
        ),
        ("num_epoch = 100", "num_epoch = 0", "num_epoch is 0"),
    ] {
        assert!(settings.contains(from));
        place.write(config, settings.replace(from, to).as_bytes());
        let outcome = place.elman("resume run");
        outcome.failed(2, &[what]);
        assert_eq!(outcome.stdout, "");
    }
    assert!(left() == before && place.names("run") == names, "a refusal changed something");
    place.write(config, settings.as_bytes());
    place.elman("resume run").succeeded();
    assert_same(&place, "whole/run", "run", "after all that");
}

/// What is in the way is named before anything is written, so that taking it out is all there is to do.
#[test]
fn a_folder_in_the_way_is_refused_and_nothing_written() {
    let place = Place::with_set();
    for name in ["checkpoint-8.safetensors", "curves.svg"] {
        std::fs::create_dir_all(place.path(&format!("run/{name}"))).unwrap();
        let refused = place.elman(&format!("{LONG} --out run"));
        refused.failed(1, &[&format!("{name} is a folder"), "take it out of the folder"]);
        assert_eq!(place.names("run"), [name]);
        std::fs::remove_dir(place.path(&format!("run/{name}"))).unwrap();
    }
    place.elman("train mnist --data set --hidden-size 4 --num-epoch 1 --quiet --out run").succeeded();
}

/// A limit on the size of files stands for a disk that is full.
#[test]
fn a_full_disk_leaves_the_checkpoint_before() {
    let place = Place::with_set();
    whole(&place, LONG);
    ended(&place, LONG, "INT").failed(1, &["interrupted"]);
    let steps = checkpoints(&place);
    for blocks in [1, 4, 12] {
        let script =
            format!("trap '' XFSZ; ulimit -f {blocks} || exit 99; exec {} resume run", env!("CARGO_BIN_EXE_elman"));
        let mut command = Command::new("sh");
        let outcome = Outcome::of(command.args(["-c", &script]).current_dir(place.path("")).env_remove("ELMAN_ISA"));
        outcome.failed(1, &["cannot write", "File too large"]);
        assert_eq!(checkpoints(&place), steps, "{blocks} blocks");
        assert!(!place.names("run").iter().any(|name| name.ends_with(".tmp")), "{:?}", place.names("run"));
    }
    place.elman("resume run").succeeded();
    assert_same(&place, "whole/run", "run", "a full disk");
}

#[test]
fn a_folder_that_cannot_be_written_is_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::with_set();
    whole(&place, LONG);
    ended(&place, LONG, "INT").failed(1, &["interrupted"]);
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(place.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    mode("run", 0o555);
    mode("run/lock", 0o444);
    // Whoever may write everywhere has to become somebody else.
    let superuser = std::fs::write(place.path("run/probe"), "").is_ok();
    let mut command = place.command("resume run");
    if superuser {
        std::fs::remove_file(place.path("run/probe")).unwrap();
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let can = Command::new("setpriv").args(nobody).args([env!("CARGO_BIN_EXE_elman"), "--version"]).output();
        if !can.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: nobody else can run the binary here");
            return;
        }
        command = Command::new("setpriv");
        command.args(nobody).args([env!("CARGO_BIN_EXE_elman"), "resume", "run"]).current_dir(place.path(""));
    }
    let names = place.names("run");
    Outcome::of(&mut command).refused(1, &["cannot open run/lock", "Permission denied"]);
    assert_eq!(place.names("run"), names);
    mode("run", 0o755);
    mode("run/lock", 0o644);
    place.elman("resume run").succeeded();
    assert_same(&place, "whole/run", "run", "a folder that could not be written");
}

/// Whether the steps of the checkpoints are those that flags ask for.
type Expected = fn(&[u64]) -> bool;

#[test]
fn checkpoints_are_written_when_it_is_said() {
    const BATCHES: u64 = (TRAINED_ON / 50) as u64;
    // By the steps, at the ends of epochs, by the time, and never but at the end.
    let cases: [(&str, Expected); 4] = [
        ("--checkpoint-steps 4 --keep-checkpoints 1", |steps| steps.len() == 1 && steps[0].is_multiple_of(4)),
        ("", |steps| !steps.is_empty() && steps.iter().all(|step| step.is_multiple_of(BATCHES))),
        ("--checkpoint-steps 1000000 --checkpoint-minutes 1e-9", |steps| steps.len() == 2 && steps[0] + 1 == steps[1]),
        ("--checkpoint-steps 1000000", <[u64]>::is_empty),
    ];
    for (flags, expected) in cases {
        let place = Place::with_set();
        // Two epochs at least, so that the checkpoint of the first is there.
        let mut child = place.command(&format!("{QUICK} --num-epoch 100000 {flags} --out run"));
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.take(2).map(Result::unwrap).count(), 2);
        child.kill().unwrap();
        child.wait().unwrap();
        let steps = checkpoints(&place);
        assert!(expected(&steps), "{flags}: {steps:?}");
    }
}

#[test]
fn checkpoints_that_cannot_be_are_refused() {
    let place = Place::with_set();
    for (flags, word) in [
        ("--keep-checkpoints 0", "--keep-checkpoints is 0; expected at least 1"),
        ("--checkpoint-minutes -1", "--checkpoint-minutes is -1"),
        ("--checkpoint-minutes nan", "--checkpoint-minutes is NaN"),
    ] {
        place.elman(&format!("{QUICK} {flags} --out run")).refused(2, &[word]);
    }
    assert!(!place.path("run").exists());
}
