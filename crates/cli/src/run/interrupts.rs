//! Signals that end a run: after its step at the first, at once at the second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::ranks;

/// Set by the first signal.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether signals are watched for: a second watch would take the first signal for the second.
static WATCHED: Mutex<bool> = Mutex::new(false);

/// Whether a signal has come; of several ranks, to any of them, as all have agreed.
pub(crate) fn came() -> bool {
    ranks::heed(&INTERRUPTED).load(Ordering::Relaxed)
}

/// What ends a run: Ctrl-C, `kill`, a terminal that goes away.
#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// The flag that the first signal sets, or of several ranks the one that they set together; the second ends the process at once, with exit code 1.
///
/// Signals that the parent set to be ignored stay so, each by itself: `nohup` does it to SIGHUP, and a script to the
/// SIGINT of what it starts with `&`.
pub(crate) fn watch() -> anyhow::Result<&'static AtomicBool> {
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if *watched {
        return Ok(ranks::heed(&INTERRUPTED));
    }
    let ignored = ignored();
    for signal in SIGNALS.into_iter().filter(|signal| ignored & bit(*signal) == 0) {
        // The end is looked for before the flag is set: the first signal must not find its own.
        flag::register_conditional_shutdown(signal, 1, &INTERRUPTED)
            .and_then(|_| flag::register(signal, &INTERRUPTED))
            .with_context(|| format!("cannot watch for signal {signal}"))?;
    }
    *watched = true;
    Ok(ranks::heed(&INTERRUPTED))
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// A bit for each signal that is ignored. Asking the system is unsafe code; Linux also tells it in a file. Where there is
/// none, SIGHUP is left as it is, so that `nohup` works.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    status.and_then(|status| parse(&status)).unwrap_or(bit(signal_hook::consts::SIGHUP))
}

#[cfg(not(unix))]
fn ignored() -> u64 {
    0
}

/// The line `SigIgn:` of a process's status: sixteen hexadecimal digits.
#[cfg(unix)]
fn parse(status: &str) -> Option<u64> {
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(digits.trim(), 16).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        let ignored = parse("Name:\tx\nSigBlk:\t0000000000000004\nSigIgn:\t0000000000001001\n").unwrap();
        assert_eq!(SIGNALS.map(|signal| ignored & bit(signal) != 0), [false, false, true]);
        for other in ["", "SigIgn:", "SigIgn:\tmany"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
