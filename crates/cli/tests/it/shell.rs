//! `elman completions` and `elman man`: scripts and pages that know every command.

use std::process::{Command, Stdio};

use crate::support::{Outcome, Place};

/// The commands, and the jobs of `train`.
const COMMANDS: [&str; 18] = [
    "train",
    "eval",
    "predict",
    "sample",
    "forecast",
    "inspect",
    "compare",
    "diagnose",
    "convert",
    "bench",
    "completions",
    "man",
    "mnist",
    "echo",
    "text",
    "series",
    "classify",
    "help",
];

/// A program of the system, if it is there, with something to read.
fn system(place: &Place, name: &str, args: &[&str]) -> Option<Outcome> {
    let mut command = Command::new(name);
    command.args(args).current_dir(place.path("")).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
    command.output().ok().map(Outcome::from)
}

#[test]
fn scripts_know_every_command_and_its_flags() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let outcome = place.elman(&format!("completions {shell}"));
        outcome.succeeded();
        for word in COMMANDS.iter().chain(&["hidden-size", "memory-budget", "top-k", "sweep"]) {
            assert!(outcome.stdout.contains(word), "{shell}: no {word}");
        }
        // A shell that is here reads its script.
        place.write(shell, outcome.stdout.as_bytes());
        if let Some(read) = system(&place, shell, &["-n", shell]) {
            assert_eq!((read.code, &*read.stderr), (Some(0), ""), "{shell}");
        }
    }
    place.elman("completions tcsh").refused(2, &["tcsh", "bash", "zsh"]);
}

#[test]
fn pages_know_every_command_and_its_flags() {
    let place = Place::new();
    let main = place.elman("man");
    main.succeeded();
    place.elman("man pages/man1").succeeded();
    let names = place.names("pages/man1");
    assert_eq!(place.text("pages/man1/elman.1"), main.stdout);
    for command in COMMANDS.iter().filter(|&&command| command != "help") {
        let job = if ["mnist", "echo", "text", "series", "classify"].contains(command) { "train-" } else { "" };
        assert!(names.contains(&format!("elman-{job}{command}.1")), "{command}: {names:?}");
    }
    for name in &names {
        let page = place.text(&format!("pages/man1/{name}"));
        assert!(page.contains(".TH "), "{name}");
        // Where man is here, it finds nothing to complain about.
        let path = format!("./pages/man1/{name}");
        if let Some(read) = system(&place, "man", &["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", &path]) {
            assert_eq!((read.code, &*read.stderr), (Some(0), ""), "{name}");
        }
    }
    assert!(place.text("pages/man1/elman-train-mnist.1").contains("layer\\-norm"), "no flags");
    // The defaults of a job, which are looked up when it is named.
    assert!(place.text("pages/man1/elman-train-echo.1").contains("[default: 50000]"), "no defaults");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::new();
    place.write("file", b"");
    place.elman("man file").refused(1, &["file"]);
}
