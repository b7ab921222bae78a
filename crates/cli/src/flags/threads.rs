//! The number of threads.

use crate::ranks;

/// The threads that a flag asks for, or all there are.
pub(crate) fn threads(flag: Option<usize>) -> Result<usize, elman::Error> {
    match flag {
        None => Ok(ranks::threads()),
        Some(threads @ 1..=THREADS_MAX) => Ok(threads),
        Some(threads) => Err(elman::Error::Setting {
            what: "threads",
            found: threads.to_string(),
            expected: format!("1 to {THREADS_MAX}"),
        }),
    }
}

/// More threads than any machine has; each takes a workspace.
const THREADS_MAX: usize = 1024;
