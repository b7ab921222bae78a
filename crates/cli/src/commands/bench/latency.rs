//! A streaming step at batch 1: what it takes, and what its slow ones take.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use elman::{Isa, Network};

use super::effort::Effort;
use super::median::{median, quantile};

/// Seconds that steps timed as one last at least. A look at the clock takes some hundredths of that.
const GROUP: f64 = 1e-6;

/// Seconds that the steps timed one by one may take, about; and the least and the most times that are taken.
const SINGLE_STEPS: f64 = 0.2;
const TIMES: (usize, usize) = (100, 10_000);

/// Seconds of a streaming step.
pub(crate) struct Latency {
    /// The median of the rounds' means.
    pub(crate) median: f64,
    /// The 99th percentile of single steps, or of groups of steps where one is shorter than [`GROUP`].
    pub(crate) p99: f64,
}

/// Steps the network. None: a bidirectional one has no stream.
pub(crate) fn latency(network: &Arc<Network>, isa: Isa, effort: Effort) -> Option<Latency> {
    let mut stream = network.streams_on(1, isa).ok()?;
    let stack = network.stack();
    let x = vec![0.5; stack.input()];
    // Seconds that so many steps take.
    let mut time = |steps: usize| {
        let started = Instant::now();
        for _ in 0..steps {
            black_box(stream.step(black_box(&x)));
        }
        started.elapsed().as_secs_f64()
    };

    let operations: f64 = stack.layers.iter().map(|layer| layer.cell.get().operations()[0]).sum();
    let repeats = ((8e6 / operations) as usize).clamp(10, 10_000);
    let median = median(effort.rounds(|| time(repeats) / repeats as f64));

    let clock = clock_cost();
    let group = group(median);
    let times = (SINGLE_STEPS / (median * group as f64)) as usize;
    let times = (0..times.clamp(TIMES.0, TIMES.1)).map(|_| (time(group) - clock).max(0.0) / group as f64);
    Some(Latency { median, p99: quantile(times, 0.99) })
}

/// Steps that are timed as one, where a step takes so many seconds.
fn group(step: f64) -> usize {
    ((GROUP / step).ceil() as usize).clamp(1, 1000)
}

/// Seconds between two looks at the clock with nothing in between.
fn clock_cost() -> f64 {
    median((0..1000).map(|_| Instant::now().elapsed().as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_steps_are_timed_in_groups() {
        assert_eq!([1.0, 1e-3, 1.1e-6, 0.9e-6, 0.25e-6, 0.0].map(group), [1, 1, 1, 2, 4, 1000]);
    }
}
