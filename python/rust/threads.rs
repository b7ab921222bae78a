//! The threads that all calls share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use elman::Pool;
use pyo3::prelude::*;

use crate::process::Own;

/// Threads that are asked for where a call does not say; 0: one for each processor.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// They wait between calls, so that a step of a small network does not wait for them.
static POOL: Mutex<Option<(usize, Own<Pool>)>> = Mutex::new(None);

/// Threads of a call that asks for so many; 0: as [`set_num_threads`] says.
pub(crate) fn count(asked: usize) -> usize {
    let asked = if asked == 0 { THREADS.load(Ordering::Relaxed) } else { asked };
    if asked == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { asked }
}

/// Calls `work` with so many threads. While another thread of Python has them, or in a process that was forked while they
/// were at work, the caller works alone: no bit depends on it.
pub(crate) fn with<R>(asked: usize, work: impl FnOnce(&mut Pool) -> R) -> R {
    let threads = count(asked);
    let mut kept = match POOL.try_lock() {
        Ok(kept) => kept,
        Err(TryLockError::Poisoned(kept)) => PoisonError::into_inner(kept),
        Err(TryLockError::WouldBlock) => return work(&mut Pool::new(1)),
    };
    if kept.as_ref().is_none_or(|(of, pool)| *of != threads || !pool.is_here()) {
        *kept = Some((threads, Own::new(Pool::new(threads))));
    }
    match kept.as_mut().and_then(|(_, pool)| pool.get()) {
        Some(pool) => work(pool),
        None => work(&mut Pool::new(1)),
    }
}

/// set_num_threads(threads: int) -> None
/// --
///
/// Says how many threads a call may use; 0, the default, is one for each processor. No bit of any result depends on it.
#[pyfunction]
pub(crate) fn set_num_threads(threads: usize) {
    THREADS.store(threads, Ordering::Relaxed);
}

/// get_num_threads() -> int
/// --
///
/// How many threads a call may use.
#[pyfunction]
pub(crate) fn get_num_threads() -> usize {
    count(0)
}
