//! Matrix products in pieces of bf16: what [`product`](crate::product) does in f32.

use std::cell::RefCell;
use std::ops::Range;

use crate::arithmetic::Arithmetic;
use crate::pieces::{BLOCK, Magnitudes, NO_SUMS, Packed, Room, Scratch, Unit, Vectors, split};
use crate::product::{Ends, Segment, block};
use crate::simd::{Isa, Kernel, LANES, Simd};
use crate::vanishing;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The product of some panels on one thread, in pieces.
pub(crate) fn product_of_pieces<'a, E: Ends>(
    isa: Isa,
    arithmetic: Arithmetic,
    rows: usize,
    panels: Range<usize>,
    segments: impl Iterator<Item = Segment<'a>> + Clone,
    ends: E,
) {
    SCRATCH.with_borrow_mut(|scratch| {
        // Of the two parts the first is large, and compiled once for all who use it.
        let each = |segment: &mut dyn FnMut(Segment<'a>)| segments.clone().for_each(segment);
        isa.run(Sum { arithmetic, rows, panels: panels.clone(), segments: &each, scratch });
        isa.run(Finish { rows, panels, segments: segments.clone(), ends, scratch });
    });
}

/// Calls a function with each segment.
type Segments<'s, 'a> = &'s dyn Fn(&mut dyn FnMut(Segment<'a>));

/// Calls `f` with each segment and the place of its first term. Terms follow one another through all segments, and are cut into
/// blocks as the first segment's rows of the right matrix lie in their panels: alike whatever part of the weights is multiplied, and
/// however a sum is made of segments. What of a block is in no segment is 0. Returns the place behind the last term.
fn for_each_place<'a>(segments: Segments<'_, 'a>, mut f: impl FnMut(usize, Segment<'a>)) -> usize {
    let mut next = None;
    segments(&mut |segment| {
        let at = next.unwrap_or(segment.right.first % BLOCK);
        next = Some(at + segment.depth);
        f(at, segment);
    });
    next.unwrap_or(0)
}

/// Sums of products of pieces, from 0, into the scratch.
struct Sum<'s, 'a> {
    arithmetic: Arithmetic,
    rows: usize,
    panels: Range<usize>,
    segments: Segments<'s, 'a>,
    scratch: &'s mut Scratch,
}

impl Kernel for Sum<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match s.tiles() {
            Some(tiles) => self.on(s, tiles),
            None => self.on(s, Vectors),
        }
    }
}

impl Sum<'_, '_> {
    #[inline(always)]
    fn on<S: Simd, U: Unit<S>>(self, s: S, unit: U) {
        let Sum { arithmetic, rows, panels, segments, scratch } = self;
        let (pairs, pieces) = (arithmetic.pairs(), arithmetic.pieces());
        let blocks = for_each_place(segments, |_, _| ()).div_ceil(BLOCK);
        let depth = blocks * BLOCK;
        let Room { line, of_rows, fits, sums, words } = U::room(scratch);
        let (left_len, right_len) = (rows * depth, U::PANELS * depth * LANES);
        grow(line, depth * LANES);
        grow(words, pieces * (left_len + right_len));
        grow(sums, rows * panels.len() * LANES);
        let (left, right) = words.split_at_mut(pieces * left_len);

        of_rows.clear();
        fits.clear();
        for row in 0..rows {
            let line = &mut line[..depth];
            line.fill(0.0);
            for_each_place(segments, |at, Segment { left, depth, .. }| {
                for (k, x) in line[at..at + depth].iter_mut().enumerate() {
                    *x = left.data[row * left.row + k * left.col];
                }
            });
            let all = Magnitudes::of(line);
            of_rows.push(all);
            fits.push(all.fit());
            for (at, floats) in line.chunks_exact(LANES).enumerate() {
                let found = split(s, s.load(floats), pieces);
                for (piece, &found) in found.iter().enumerate().take(pieces) {
                    U::put_left(s, found, &mut left[piece * left_len + row * depth + at * LANES..]);
                }
            }
        }

        let mut panel = panels.start;
        while panel < panels.end {
            let together = U::PANELS.min(panels.end - panel);
            let mut of_panels = Magnitudes::NONE;
            for n in 0..together {
                let line = &mut line[..depth * LANES];
                line.fill(0.0);
                for_each_place(segments, |at, Segment { right, depth, .. }| {
                    let rows = right.data[(panel + n) * right.panel..].chunks(right.row);
                    for (to, from) in line[at * LANES..].chunks_exact_mut(LANES).zip(rows).take(depth) {
                        to.copy_from_slice(&from[..LANES]);
                    }
                });
                let all = Magnitudes::of(line);
                of_panels = of_panels.and(all);
                fits.push(all.fit());
                for (pair, rows) in line.chunks_exact(2 * LANES).enumerate() {
                    let [even, odd] = [0, LANES].map(|at| split(s, s.load(&rows[at..]), pieces));
                    let at = (n * depth + 2 * pair) * LANES;
                    for (piece, (&even, &odd)) in even.iter().zip(&odd).enumerate().take(pieces) {
                        U::put_right(s, even, odd, &mut right[piece * right_len + at..]);
                    }
                }
            }
            let mut row = 0;
            while row < rows {
                let take = U::ROWS.min(rows - row);
                let of_rows = of_rows[row..row + take].iter().fold(Magnitudes::NONE, |all, &of| all.and(of));
                let mut found = NO_SUMS;
                let from = Packed { words: &left[row * depth..], piece: left_len, step: depth };
                let to = Packed { words: &*right, piece: right_len, step: depth * LANES };
                let is_careful = of_rows.may_vanish(of_panels);
                unit.multiply(s, pairs, from, to, take, together, blocks, is_careful, &mut found);
                for (r, found) in found.iter().enumerate().take(take) {
                    let at = ((row + r) * panels.len() + panel - panels.start) * LANES;
                    for (sums, found) in sums[at..].chunks_exact_mut(LANES).zip(found).take(together) {
                        sums.copy_from_slice(found);
                    }
                }
                row += take;
            }
            panel += together;
        }
    }
}

/// Brings the sums in the scratch to their ends.
struct Finish<'s, I, E> {
    rows: usize,
    panels: Range<usize>,
    segments: I,
    ends: E,
    scratch: &'s Scratch,
}

impl<'a, I: Iterator<Item = Segment<'a>> + Clone, E: Ends> Kernel for Finish<'_, I, E> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (of_rows, of_panels) = self.scratch.fits.split_at(self.rows);
        for (row, &row_fits) in of_rows.iter().enumerate() {
            for (n, &panel_fits) in of_panels.iter().enumerate() {
                let panel = self.panels.start + n;
                if row_fits && panel_fits {
                    let sum = s.load(&self.scratch.sums[(row * of_panels.len() + n) * LANES..]);
                    let sum = s.add(self.ends.start(s, row, panel), sum);
                    self.ends.finish(s, row, panel, vanishing::gradient(s, sum));
                } else {
                    block::<S, 1, 1, E>(s, row, panel, self.segments.clone(), &mut self.ends);
                }
            }
        }
    }
}

/// Makes room for `len`, and keeps it.
fn grow<W: Copy + Default>(words: &mut Vec<W>, len: usize) {
    if words.len() < len {
        words.resize(len, W::default());
    }
}
