//! Threads that wait for work by spinning a little, then sleep.
//!
//! A step of training hands out work two or three times and takes well under a millisecond for a small network: waking
//! a sleeping thread each time would cost more than the work. Which thread does which item is left to chance; what is
//! computed must not depend on it.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Looks at the mailbox before a thread goes to sleep: about 50 µs.
const SPINS: usize = 20_000;

/// A fixed set of threads; the one that calls is the first of them.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What a worker is asked to do: its number in, nothing out.
type Job = dyn Fn(usize) + Sync;

struct Shared {
    desk: Mutex<Desk>,
    wake: Condvar,
    /// Grows by one with each job; what a spinning worker watches.
    ticket: AtomicUsize,
    /// Workers that have taken the current job and not finished it.
    running: AtomicUsize,
    panicked: AtomicBool,
    stop: AtomicBool,
    spins: usize,
}

/// What is decided under the lock.
struct Desk {
    /// The job, while workers may take it.
    job: Option<&'static Job>,
    sleepers: usize,
}

impl Pool {
    /// `threads` threads, counting the caller's; 0 counts as 1. With more threads than processors none of them spins:
    /// it would take time from those that work.
    /// Where the system refuses a thread, the pool has fewer: what is computed does not depend on it.
    pub fn new(threads: usize) -> Pool {
        let threads = threads.max(1);
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared {
            desk: Mutex::new(Desk { job: None, sleepers: 0 }),
            wake: Condvar::new(),
            ticket: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            spins: if threads <= processors { SPINS } else { 0 },
        });
        let threads = (1..threads)
            .map_while(|worker| {
                let shared = Arc::clone(&shared);
                thread::Builder::new().spawn(move || shared.work(worker)).ok()
            })
            .collect();
        Pool { shared, threads }
    }

    /// Threads, counting the caller's.
    pub fn threads(&self) -> usize {
        self.threads.len() + 1
    }

    /// Calls `body(scratch, index, item)` for every item, each once. A thread has one of the `scratches` to itself.
    ///
    /// # Panics
    /// If there are fewer scratches than threads, or `body` panics.
    pub fn for_each<W: Send, T: Send>(
        &mut self,
        scratches: &mut [W],
        items: &mut [T],
        body: impl Fn(&mut W, usize, &mut T) + Sync,
    ) {
        assert!(scratches.len() >= self.threads(), "{} scratches for {} threads", scratches.len(), self.threads());
        let next = AtomicUsize::new(0);
        let (scratches, items) = (Slots::new(scratches), Slots::new(items));
        self.run(&|worker| {
            // SAFETY: each worker has its own number, below the number of scratches, and does one job at a time.
            let scratch = unsafe { scratches.get(worker) };
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= items.len {
                    break;
                }
                // SAFETY: the counter gives out each index once, and this one is below the length.
                body(scratch, index, unsafe { items.get(index) });
            }
        });
    }

    /// `body(worker)` once on the calling thread, and on each worker that comes before the caller has finished. (One
    /// that was held up between seeing a job and taking it may come twice: `body` finds nothing left to do then.)
    /// Returns when all have finished. A worker that comes late, because the system runs something else in its place,
    /// is not waited for. `&mut` keeps a second job out.
    fn run(&mut self, body: &BorrowedJob<'_>) {
        if self.threads.is_empty() {
            return body(0);
        }
        // SAFETY: only the lifetime changes. A worker takes the job under the lock while it lies on the desk, and is
        // counted as running before it lets go of the lock. This function neither returns nor unwinds before the job
        // is off the desk and nobody is running, so no worker touches it afterwards.
        let job: &'static Job = unsafe { std::mem::transmute::<&BorrowedJob<'_>, &'static Job>(body) };
        let shared = &*self.shared;
        {
            let mut desk = lock(&shared.desk);
            desk.job = Some(job);
            shared.ticket.fetch_add(1, Ordering::Release);
            if desk.sleepers > 0 {
                shared.wake.notify_all();
            }
        }
        let own = catch_unwind(AssertUnwindSafe(|| body(0)));
        lock(&shared.desk).job = None;
        let mut spins = 0;
        while shared.running.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < shared.spins {
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
        // Taken before anything unwinds: it must not be there for the next job.
        let panicked = shared.panicked.swap(false, Ordering::Relaxed);
        if let Err(panic) = own {
            resume_unwind(panic);
        }
        assert!(!panicked, "a worker thread panicked");
    }
}

/// A job that borrows from the caller.
type BorrowedJob<'a> = dyn Fn(usize) + Sync + 'a;

impl Drop for Pool {
    fn drop(&mut self) {
        {
            let _desk = lock(&self.shared.desk);
            self.shared.stop.store(true, Ordering::Relaxed);
            self.shared.ticket.fetch_add(1, Ordering::Release);
            self.shared.wake.notify_all();
        }
        for thread in self.threads.drain(..) {
            // A worker catches the panics of its jobs; there is no other way for it to fail.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn work(&self, worker: usize) {
        let mut seen = 0;
        loop {
            seen = self.wait(seen);
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let Some(job) = self.take() else { continue };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(worker))) {
                self.panicked.store(true, Ordering::Relaxed);
                // Dropping it could panic again, and the caller would wait for this worker forever.
                std::mem::forget(panic);
            }
            self.running.fetch_sub(1, Ordering::Release);
        }
    }

    /// The job, if it still lies on the desk. Whoever takes it counts as running before the lock is free again.
    fn take(&self) -> Option<&'static Job> {
        let desk = lock(&self.desk);
        if desk.job.is_some() {
            self.running.fetch_add(1, Ordering::Relaxed);
        }
        desk.job
    }

    /// Waits until the ticket is another than `seen`, and returns it.
    fn wait(&self, seen: usize) -> usize {
        for _ in 0..self.spins {
            let ticket = self.ticket.load(Ordering::Acquire);
            if ticket != seen {
                return ticket;
            }
            std::hint::spin_loop();
        }
        let mut desk = lock(&self.desk);
        loop {
            let ticket = self.ticket.load(Ordering::Acquire);
            if ticket != seen {
                return ticket;
            }
            desk.sleepers += 1;
            desk = self.wake.wait(desk).unwrap_or_else(PoisonError::into_inner);
            desk.sleepers -= 1;
        }
    }
}

/// A panic elsewhere leaves nothing half-done behind this lock.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A slice whose elements are lent out one by one.
struct Slots<T> {
    first: *mut T,
    len: usize,
}

// SAFETY: `get` lends an element to one thread at a time, which sends a `&mut T`; hence `T: Send`.
unsafe impl<T: Send> Sync for Slots<T> {}

impl<T> Slots<T> {
    fn new(slice: &mut [T]) -> Self {
        Slots { first: slice.as_mut_ptr(), len: slice.len() }
    }

    /// # Safety
    /// `index` is below the length, nobody else holds that element, and the slice is still borrowed.
    #[expect(clippy::mut_from_ref, reason = "the caller promises that elements are not shared")]
    unsafe fn get(&self, index: usize) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.first.add(index) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_visited_once_at_any_number_of_threads() {
        for threads in [0, 1, 2, 3, 8] {
            let mut pool = Pool::new(threads);
            let mut scratches = vec![0usize; pool.threads()];
            for items in [0, 1, 2, 100] {
                let mut visits = vec![0; items];
                pool.for_each(&mut scratches, &mut visits, |scratch, index, visit| {
                    *scratch += 1;
                    *visit += index + 1;
                });
                assert!(visits.iter().enumerate().all(|(index, &visit)| visit == index + 1), "{threads} threads");
            }
            assert_eq!(scratches.iter().sum::<usize>(), 103, "{threads} threads");
        }
    }

    #[test]
    fn ten_thousand_jobs_in_a_row() {
        let mut pool = Pool::new(3);
        let mut sums = vec![0u64; 7];
        for round in 0..10_000 {
            pool.for_each(&mut [(); 3], &mut sums, |(), _, sum| *sum += round);
        }
        assert_eq!(sums, vec![49_995_000; 7]);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let mut pool = Pool::new(2);
        for bad in 0..4 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                pool.for_each(&mut [(); 2], &mut [0; 4], |(), index, _| assert_ne!(index, bad));
            }));
            assert!(result.is_err());
        }
        let all = catch_unwind(AssertUnwindSafe(|| {
            pool.for_each(&mut [(); 2], &mut [0; 4], |(), _, _| panic!("every item"));
        }));
        assert!(all.is_err());
        let mut items = [0; 4];
        pool.for_each(&mut [(); 2], &mut items, |(), _, item| *item = 1);
        assert_eq!(items, [1; 4]);
    }
}
