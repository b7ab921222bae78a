//! Runs that are killed at any moment, also while a checkpoint is being written, and resumed: each ends as the run that
//! nobody killed.
//!
//! `ELMAN_KILLS=100 cargo test -p elman-cli --test kills -- --ignored --nocapture` kills a hundred times over all jobs;
//! `ELMAN_KILLS_SEED` chooses other moments.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::jobs::{JOBS, assert_same, place};
use crate::support::*;

/// Kills of a run before it is let alone.
const KILLS_OF_A_RUN: usize = 3;

/// Moments without a pattern.
struct Moments(u64);

impl Moments {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        // Knuth's MMIX; its high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What became of a process.
enum End {
    Killed,
    /// It was sooner.
    Done(Outcome),
}

/// Lets a process run for so long, then kills it.
fn kill(mut child: Child, after: Duration) -> End {
    std::thread::sleep(after);
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    match output.status.signal() {
        Some(9) => End::Killed,
        _ => End::Done(Outcome::from(output)),
    }
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    kills: usize,
    runs: usize,
    /// Kills that left a half-written file of a checkpoint behind.
    in_writing: usize,
    /// Kills before the first checkpoint was whole.
    before_checkpoints: usize,
}

/// Kills runs of a job until there were so many kills.
fn kill_runs(job: (&str, &str), kills: usize, moments: &mut Moments, seen: &mut Seen) {
    let (name, line) = job;
    let place = place();
    let line = format!("{line} --checkpoint-steps 2 --quiet");
    let started = Instant::now();
    let whole = place.elman(&format!("{line} --out whole/run"));
    let time = started.elapsed();
    whole.succeeded();
    let target = seen.kills + kills;
    let mut number = 0;
    while seen.kills < target {
        number += 1;
        let run = format!("killed-{number}/run");
        let (train, resume) = (format!("{line} --out {run}"), format!("resume {run} --quiet"));
        let mut killed = 0;
        let outcome = loop {
            // Without a configuration nothing has begun.
            let begun = std::fs::metadata(place.path(&run).join("config.toml")).is_ok_and(|file| file.len() > 0);
            if !begun {
                let _ = std::fs::remove_dir_all(place.path(&run));
            }
            let next = if begun { &resume } else { &train };
            if killed == KILLS_OF_A_RUN || seen.kills == target {
                break place.elman(next);
            }
            let child = place.command(next).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            match kill(child, time.mul_f64(moments.next())) {
                End::Done(outcome) => break outcome,
                End::Killed => {
                    (seen.kills, killed) = (seen.kills + 1, killed + 1);
                    if let Ok(names) = std::fs::read_dir(place.path(&run)) {
                        let names: Vec<_> =
                            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
                        let of =
                            |part: &str, end: &str| names.iter().any(|name| name.contains(part) && name.ends_with(end));
                        seen.in_writing += usize::from(of("checkpoint-", ".tmp"));
                        seen.before_checkpoints += usize::from(!of("checkpoint-", ".safetensors"));
                    }
                }
            }
        };
        seen.runs += 1;
        let said = outcome.succeeded().join("\n");
        let what = format!("{name}, run {number}, killed {killed} times");
        // A run that was killed when all was done has nothing more to say.
        assert!(whole.stdout.trim_end().ends_with(&said), "{what}: {said:?} is no end of {:?}", whole.stdout);
        assert_same(&place, "whole/run", &run, &what);
        std::fs::remove_dir_all(place.path(&format!("killed-{number}"))).unwrap();
    }
}

#[test]
fn a_run_that_is_killed_ends_as_one_that_is_not() {
    let (mut moments, mut seen) = (Moments(7), Seen::default());
    for job in JOBS {
        kill_runs(job, 2, &mut moments, &mut seen);
    }
    assert_eq!(seen.kills, 2 * JOBS.len());
}

#[test]
#[ignore = "takes minutes"]
fn many_kills() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (kills, seed) = (number("ELMAN_KILLS", 100) as usize, number("ELMAN_KILLS_SEED", 1));
    let (mut moments, mut seen) = (Moments(seed), Seen::default());
    for (index, job) in JOBS.into_iter().enumerate() {
        let share = (index + 1) * kills / JOBS.len() - index * kills / JOBS.len();
        kill_runs(job, share, &mut moments, &mut seen);
        eprintln!("{}: {seen:?}, no difference", job.0);
    }
    assert_eq!(seen.kills, kills);
}
