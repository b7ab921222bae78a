//! Every command of a page runs, in the order of the page, in a shell and a folder that the page has for itself.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::compare::{masked, matches};
use super::kinds::{self, Kind};
use super::stand_ins;
use crate::support::Place;
use crate::support::book::{Block, Page, commands, pages};

/// What stands before the commands of a block.
const PRELUDE: &str = include_str!("prelude.sh");

/// Whether the commands run as they are written, or trainings and measurements are made short where the page allows it.
#[derive(Clone, Copy, PartialEq)]
enum Length {
    Short,
    Whole,
}

/// Where what a command says is looked for.
#[derive(Clone, Copy)]
enum Stream {
    Output,
    Error,
    /// Both, as a terminal shows them.
    Terminal,
}

/// What a shell made of a block.
struct Done {
    succeeded: bool,
    /// The commands of elman that it ran, and their exit codes.
    ran: Vec<(i32, String)>,
    printed: String,
}

/// Runs a block in bash.
fn shell(place: &Place, block: &Block, kind: Kind, length: Length, stream: Stream) -> Done {
    // Of commands that are refused all are run.
    let stop_at_failures = if kind == Kind::Fails { "" } else { "set -e\n" };
    let [notes, out, err] = [".notes", ".out", ".err"].map(|name| place.path(name));
    fs::write(&notes, "").unwrap();
    let flag = |on: bool| if on { "1" } else { "" };
    let mut command = Command::new("bash");
    command.arg("-c").arg(format!("{PRELUDE}{stop_at_failures}{}", block.body));
    command.current_dir(place.path("")).stdin(Stdio::null()).env("HOME", place.path("home")).env("NOTES", &notes);
    command.env("ELMAN", env!("CARGO_BIN_EXE_elman")).env("RUST_BACKTRACE", "0");
    let short = length == Length::Short && [Kind::Short, Kind::Stopped].contains(&kind);
    command.env("SHORT", flag(short)).env("STOP", flag(kind == Kind::Stopped));
    // What the tests check must not depend on where they run.
    command.env_remove("ELMAN_ISA").env_remove("CLICOLOR_FORCE").env_remove("BASH_ENV");
    let file = File::create(&out).unwrap();
    match stream {
        Stream::Terminal => command.stderr(file.try_clone().unwrap()),
        Stream::Output | Stream::Error => command.stderr(File::create(&err).unwrap()),
    };
    let status = command.stdout(file).status().expect("bash runs the commands of the pages");
    let [stdout, stderr] = [&out, &err].map(|file| fs::read_to_string(file).unwrap_or_default());
    assert!(!stdout.contains("panicked") && !stderr.contains("panicked"), "{stdout}{stderr}");
    let notes = fs::read_to_string(&notes).unwrap();
    let ran = notes.lines().filter_map(|line| line.split_once(' '));
    let ran = ran.map(|(code, args)| (code.parse().unwrap(), args.to_owned())).collect();
    // Without an output to compare it is what explains a failure.
    let printed = match stream {
        Stream::Output if !status.success() => stdout + &stderr,
        Stream::Error => stderr,
        Stream::Output | Stream::Terminal => stdout,
    };
    Done { succeeded: status.success(), ran, printed }
}

/// Runs the blocks of a page in their order. Returns how many commands of elman were run, and how many blocks compared.
fn run_page(page: &Page, length: Length) -> (usize, usize) {
    let place = stand_ins::place();
    let blocks = page.blocks();
    let (mut ran, mut compared) = (0, 0);
    for block in &blocks {
        if let Some(name) = kinds::head(block) {
            stand_ins::put_before(&place, name, &block.body);
        }
    }
    for (index, block) in blocks.iter().enumerate() {
        if let Some(name) = kinds::file(block) {
            place.write(name, block.body.as_bytes());
        }
        let Some(kind) = kinds::of(page, block) else { continue };
        let at = format!("{}, line {}", page.name, block.line);
        if kind == Kind::Apart || kind == Kind::Avx2 && !has_avx2() {
            continue;
        }
        let kind = if kind == Kind::Avx2 { Kind::Short } else { kind };
        let shown = blocks.get(index + 1).filter(|next| kinds::is_output(next));
        let stream = match shown {
            _ if kind == Kind::Fails => Stream::Error,
            Some(shown) if shown.kind == "terminal" => Stream::Terminal,
            _ => Stream::Output,
        };
        let done = shell(&place, block, kind, length, stream);
        let (fails, code) = match kind {
            Kind::Fails => (true, None),
            Kind::Stopped => (true, Some(1)),
            _ => (false, Some(0)),
        };
        assert_eq!(done.succeeded, !fails, "{at}:\n{}{}", block.body, done.printed);
        for (found, args) in &done.ran {
            let good = code.map_or(*found != 0, |code| *found == code);
            assert!(good, "{at}: elman {args} ended with {found}\n{}", done.printed);
        }
        // None may be passed over by the shell: each that the page has must have been run.
        for line in commands(&block.body) {
            let args = line.args.join(" ").replace("~/", &format!("{}/", place.path("home").display()));
            assert!(done.ran.iter().any(|(_, ran)| *ran == args), "{at}: elman {args} was not run: {:?}", done.ran);
        }
        ran += done.ran.len();
        if let Some(shown) = shown {
            let [shown, printed] = [&shown.body, &done.printed].map(|text| masked(text));
            assert!(matches(&shown, &printed), "{at}: shown is\n{}\nprinted\n{}", shown.join("\n"), printed.join("\n"));
            compared += 1;
        }
    }
    (ran, compared)
}

/// What the word `avx2` asks for.
fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// Runs all pages, some at a time; the pages about other programs have `pages.rs`. A page that fails keeps no other from
/// being run.
fn run_all(length: Length, workers: usize, wanted: impl Fn(&Page) -> bool) -> (usize, usize) {
    let here = |page: &Page| !page.is_of_another_program() && page.original().is_none();
    let pages: Vec<Page> = pages().into_iter().filter(|page| here(page) && wanted(page)).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        let work = || {
            while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
                let started = Instant::now();
                let counts = std::panic::catch_unwind(|| run_page(page, length)).ok();
                println!("{}: {counts:?} commands and outputs, {:.1} s", page.name, started.elapsed().as_secs_f64());
                done.lock().unwrap().push((page, counts));
            }
        };
        (0..workers).for_each(|_| drop(scope.spawn(work)));
    });
    let done = done.into_inner().unwrap();
    let failed: Vec<&str> = done.iter().filter(|done| done.1.is_none()).map(|done| done.0.name.as_str()).collect();
    assert!(failed.is_empty(), "not as the pages say: {failed:?}; above stands why");
    done.iter().filter_map(|done| done.1).fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
}

#[test]
fn commands_run_and_print_what_the_pages_show() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let (ran, compared) = run_all(Length::Short, threads, |_| true);
    assert!(ran > 130 && compared > 40, "{ran} commands and {compared} outputs are too few: where are the others?");
}

/// One page at a time: each training has all threads. `ELMAN_PAGE=docs/echo.md` is for that one alone.
#[test]
#[ignore = "it takes as long as all trainings of the pages: CONTRIBUTING.md says how to run it"]
fn commands_run_in_full_as_they_are_written() {
    let only = std::env::var("ELMAN_PAGE").ok();
    let (ran, _) = run_all(Length::Whole, 1, |page| only.as_ref().is_none_or(|only| page.name == *only));
    assert!(ran > 0, "{only:?} has no commands");
}
