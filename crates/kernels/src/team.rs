//! Threads that share a product: each takes some of its panels.
//!
//! Where a batch is too small to be cut into a tile for each thread, and the weights are large, a step's time is that of
//! streaming the weights: every thread then streams a part of them. A sum stays one chain of multiply-adds on one
//! thread, so the team changes no bit.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;

use crate::engine::Engine;
use crate::pool::Pool;
use crate::product::{Ends, Segment};
use crate::simd::LANES;

/// Multiply-adds below which one thread is done sooner than others have been told: 4 µs at 60 a nanosecond.
const SHARED_MIN: usize = 250_000;

/// Most pieces of a product, two for each thread.
const PIECES_MAX: usize = 64;

/// Most threads of a team: each has a scratch of its own, here one that takes no room.
const THREADS_MAX: usize = 4096;

/// A pool that is lent out to the products of one tile.
pub struct Team<'p>(Mutex<&'p mut Pool>);

impl fmt::Debug for Team<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Team")
    }
}

impl<'p> Team<'p> {
    /// The threads of a pool, the caller's among them.
    pub fn new(pool: &'p mut Pool) -> Self {
        Team(Mutex::new(pool))
    }

    pub(crate) fn product<'a, E: Ends>(
        &self,
        engine: Engine<'_>,
        rows: usize,
        panels: usize,
        segments: impl Iterator<Item = Segment<'a>> + Clone + Sync,
        ends: E,
    ) {
        let depth: usize = segments.clone().map(|segment| segment.depth).sum();
        // A team that is at work already, or whose thread panicked, leaves the caller to itself.
        let pool = if rows * panels * LANES * depth < SHARED_MIN { None } else { self.0.try_lock().ok() };
        let Some(mut pool) = pool.filter(|pool| pool.threads() <= THREADS_MAX) else {
            return engine.product_alone(rows, 0..panels, segments, ends);
        };
        assert!(ends.out().is_apart(rows, panels), "the output's rows and panels overlap");
        // Whole pairs of panels: what a block takes at a time.
        let pairs = panels.div_ceil(2);
        let count = (2 * pool.threads()).min(pairs).min(PIECES_MAX);
        let mut pieces: [Range<usize>; PIECES_MAX] = std::array::from_fn(|piece| {
            let at = |piece: usize| (2 * (piece.min(count) * pairs / count)).min(panels);
            at(piece)..at(piece + 1)
        });
        let alone = Engine { team: None, ..engine };
        pool.for_each(&mut [(); THREADS_MAX], &mut pieces[..count], |(), _, piece| {
            // SAFETY: each handle is used by one thread for the panels of one piece. Pieces do not overlap, and the
            // assert above says that no two panels share a float. The handle that was given is not used.
            let ends = unsafe { ends.again() };
            alone.product_alone(rows, piece.clone(), segments.clone(), ends);
        });
    }
}
