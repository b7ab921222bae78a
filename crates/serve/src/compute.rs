//! Work that takes longer than a step: on threads of its own, some at a time, and no queue without an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Failure;

/// Places on which whole sequences are computed.
#[derive(Clone)]
pub(crate) struct Compute {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
}

/// Counts whoever waits, however the wait ends.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Compute {
    pub(crate) fn new(threads: usize, max_waiting: usize) -> Self {
        Compute { places: Arc::new(Semaphore::new(threads)), waiting: Arc::default(), max_waiting }
    }

    /// A place, once one is free.
    ///
    /// # Errors
    /// If too many wait already.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        if before >= self.max_waiting {
            return Err(Failure::busy("too many requests wait already", 1));
        }
        self.places.clone().acquire_owned().await.map_err(|_| Failure::broken("the server ends"))
    }

    /// Does some work on such a place.
    ///
    /// # Errors
    /// As [`Compute::place`], and as the work.
    pub(crate) async fn run<A: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<A, Failure> + Send + 'static,
    ) -> Result<A, Failure> {
        let place = self.place().await?;
        let done = tokio::task::spawn_blocking(move || {
            let answer = work();
            drop(place);
            answer
        });
        done.await.unwrap_or_else(|_| Err(Failure::broken("the work was broken off by a mistake of the server")))
    }
}
