//! Threads that share a product: each takes some of its panels.
//!
//! Where a batch is too small to be cut into a tile for each thread, and the weights are large, a step's time is that of
//! streaming the weights: every thread then streams a part of them. A sum stays one chain of multiply-adds on one
//! thread, so the team changes no bit.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Mutex;

use crate::pool::Pool;
use crate::product::{Ends, Segment, product_alone};
use crate::simd::{Isa, LANES};

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
        isa: Isa,
        rows: usize,
        panels: usize,
        segments: impl Iterator<Item = Segment<'a>> + Clone + Sync,
        ends: E,
    ) {
        let depth: usize = segments.clone().map(|segment| segment.depth).sum();
        // A team that is at work already, or whose thread panicked, leaves the caller to itself.
        let pool = if rows * panels * LANES * depth < SHARED_MIN { None } else { self.0.try_lock().ok() };
        let Some(mut pool) = pool.filter(|pool| pool.threads() <= THREADS_MAX) else {
            return product_alone(isa, rows, 0..panels, segments, ends);
        };
        assert!(ends.out().is_apart(rows, panels), "the output's rows and panels overlap");
        // Whole pairs of panels: what a block takes at a time.
        let pairs = panels.div_ceil(2);
        let count = (2 * pool.threads()).min(pairs).min(PIECES_MAX);
        let mut pieces: [Range<usize>; PIECES_MAX] = std::array::from_fn(|piece| {
            let at = |piece: usize| (2 * (piece.min(count) * pairs / count)).min(panels);
            at(piece)..at(piece + 1)
        });
        pool.for_each(&mut [(); THREADS_MAX], &mut pieces[..count], |(), _, piece| {
            // SAFETY: each handle is used by one thread for the panels of one piece. Pieces do not overlap, and the
            // assert above says that no two panels share a float. The handle that was given is not used.
            let ends = unsafe { ends.again() };
            product_alone(isa, rows, piece.clone(), segments.clone(), ends);
        });
    }
}

/// Where a product's sums go: those of a row and panel are sixteen floats at `row * self.row + panel * self.panel`.
pub(crate) struct Out<'a> {
    first: *mut f32,
    len: usize,
    row: usize,
    panel: usize,
    lent: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a `&mut [f32]`, whose floats any thread may read and write; copies of it that share floats are made by
// `again` alone, whose caller promises to keep them apart.
unsafe impl Send for Out<'_> {}
// SAFETY: through a shared reference nothing but `again` reaches the floats.
unsafe impl Sync for Out<'_> {}

impl<'a> Out<'a> {
    #[inline(always)]
    pub(crate) fn new(data: &'a mut [f32], row: usize, panel: usize) -> Self {
        Out { first: data.as_mut_ptr(), len: data.len(), row, panel, lent: PhantomData }
    }

    /// Whether no two rows or panels of so many share a float.
    fn is_apart(&self, rows: usize, panels: usize) -> bool {
        let within = |inner: usize, count: usize, outer: usize| inner >= LANES && outer >= inner.saturating_mul(count);
        within(self.panel, panels, self.row) || within(self.row, rows, self.panel)
    }

    /// The sixteen floats of a row and panel.
    ///
    /// # Panics
    /// If they are not all within the output.
    #[inline(always)]
    pub(crate) fn at(&mut self, row: usize, panel: usize) -> &mut [f32] {
        let at = row * self.row + panel * self.panel;
        assert!(at < self.len && self.len - at >= LANES, "row {row}, panel {panel} is beyond the output");
        // SAFETY: the line above; the floats are borrowed for as long as `self` is, and by the promise made to `again`
        // nobody else uses those of this row and panel.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(at), LANES) }
    }

    /// Another handle to the same output.
    ///
    /// # Safety
    /// No two handles are used for the same row and panel, nor for such that overlap, as long as both live.
    pub(crate) unsafe fn again(&self) -> Out<'a> {
        Out { ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_rows_and_panels_are_seen() {
        let mut data = [0.0; 256];
        let mut apart = |row, panel, rows, panels| Out::new(&mut data, row, panel).is_apart(rows, panels);
        assert!(apart(48, 16, 2, 3));
        assert!(!apart(47, 16, 2, 3));
        assert!(apart(16, 64, 4, 2));
        assert!(!apart(16, 63, 4, 2));
        assert!(!apart(8, 64, 4, 2));
    }
}
