//! The processor's peaks, to measure against.

use std::time::Instant;

use elman_kernels::{Isa, Pool, multiply_adds, multiply_pieces};

/// Multiply-add rounds of one look at the clock: some tens of microseconds.
const ROUNDS: usize = 10_000;

/// Floating-point operations a second of a loop of multiply-adds on registers alone, on `threads` threads at once, for
/// about `seconds` seconds. What no training step can pass.
pub fn peak_rate(isa: Isa, threads: usize, seconds: f64) -> f64 {
    rate(threads, seconds, || {
        let (done, value) = multiply_adds(isa, ROUNDS);
        std::hint::black_box(value);
        done
    })
}

/// The same of the processor's unit for pieces of bf16, two operations for each product of pieces; None where it has none.
pub fn unit_peak_rate(isa: Isa, threads: usize, seconds: f64) -> Option<f64> {
    isa.has_tiles().then(|| rate(threads, seconds, || multiply_pieces(isa, ROUNDS).unwrap_or_default()))
}

/// Operations a second of all threads, each of which calls `work` again and again.
fn rate(threads: usize, seconds: f64, work: impl Fn() -> f64 + Sync) -> f64 {
    let mut pool = Pool::new(threads);
    let mut scratches = vec![(); pool.threads()];
    let mut rates = vec![0.0; pool.threads()];
    // Each item starts only once every thread has one: a thread that is done early would take a second.
    let barrier = std::sync::Barrier::new(pool.threads());
    pool.for_each(&mut scratches, &mut rates, |(), _, rate| {
        barrier.wait();
        let (started, mut operations) = (Instant::now(), 0.0);
        while started.elapsed().as_secs_f64() < seconds {
            operations += work();
        }
        *rate = operations / started.elapsed().as_secs_f64();
    });
    rates.iter().sum()
}
