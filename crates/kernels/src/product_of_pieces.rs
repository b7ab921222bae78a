//! Matrix products in pieces of bf16: what [`product`](crate::product) does in f32.

use std::cell::RefCell;
use std::ops::Range;

use crate::arithmetic::Arithmetic;
use crate::pass::Pass;
use crate::pieces::{BLOCK, Kept, Magnitudes, NO_SUMS, Packed, Room, Scratch, Unit, Weights, split};
use crate::product::{Ends, Segment, block};
use crate::simd::{Isa, Kernel, LANES, Simd};
use crate::vanishing;
use crate::vectors::Vectors;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The product of some panels on one thread, in pieces.
pub(crate) fn product_of_pieces<'a, E: Ends>(
    isa: Isa,
    arithmetic: Arithmetic,
    pass: Option<Pass>,
    rows: usize,
    panels: Range<usize>,
    segments: impl Iterator<Item = Segment<'a>> + Clone,
    ends: E,
) {
    SCRATCH.with_borrow_mut(|scratch| {
        // Of the two parts the first is large, and compiled once for all who use it.
        let each = |segment: &mut dyn FnMut(Segment<'a>)| segments.clone().for_each(segment);
        // What is read by columns is no weights.
        let pass = pass.filter(|_| E::PLAIN);
        isa.run(Sum { arithmetic, pass, rows, panels: panels.clone(), segments: &each, scratch });
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
    pass: Option<Pass>,
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
        let Sum { arithmetic, pass, rows, panels, segments, scratch } = self;
        let (pairs, pieces) = (arithmetic.pairs(), arithmetic.pieces());
        let end = for_each_place(segments, |_, _| ());
        let blocks = end.div_ceil(BLOCK);
        let depth = blocks * BLOCK;
        let Room { line, of_rows, fits, sums, words, kept } = U::room(scratch);
        let (left_len, panel_len) = (rows * depth, depth * LANES);
        grow(line, panel_len);
        grow(words, pieces * (left_len + U::PANELS * panel_len));
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

        let kept = pass.map(|pass| {
            let of = weights(segments, &panels, pieces);
            keep(kept, of, pass, |kept| {
                grow(&mut kept.words, pieces * panels.len() * panel_len);
                for (n, panel) in panels.clone().enumerate() {
                    let to = &mut kept.words[n * panel_len..];
                    let all = cut_panel::<S, U>(
                        s,
                        segments,
                        panel,
                        pieces,
                        &mut line[..panel_len],
                        to,
                        panels.len() * panel_len,
                    );
                    kept.of_panels.push(all);
                }
            })
        });

        let mut panel = panels.start;
        while panel < panels.end {
            let together = U::PANELS.min(panels.end - panel);
            let mut of_panels = [Magnitudes::NONE; 2];
            let right = match kept {
                Some(kept) => {
                    let first = panel - panels.start;
                    of_panels[..together].copy_from_slice(&kept.of_panels[first..first + together]);
                    let words = &kept.words[first * panel_len..];
                    Packed { words, piece: panels.len() * panel_len, step: panel_len }
                }
                None => {
                    let piece = U::PANELS * panel_len;
                    for (n, of_panel) in of_panels.iter_mut().enumerate().take(together) {
                        let to = &mut right[n * panel_len..];
                        *of_panel =
                            cut_panel::<S, U>(s, segments, panel + n, pieces, &mut line[..panel_len], to, piece);
                    }
                    Packed { words: &*right, piece, step: panel_len }
                }
            };
            fits.extend(of_panels[..together].iter().map(|all| all.fit()));
            let of_panels = of_panels[0].and(of_panels[1]);
            let mut row = 0;
            while row < rows {
                let take = U::ROWS.min(rows - row);
                let of_rows = of_rows[row..row + take].iter().fold(Magnitudes::NONE, |all, &of| all.and(of));
                let mut found = NO_SUMS;
                let from = Packed { words: &left[row * depth..], piece: left_len, step: depth };
                let is_careful = of_rows.may_vanish(of_panels);
                unit.multiply(s, pairs, from, right, take, together, blocks, is_careful, &mut found);
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

/// What tells the weights of a product from others.
fn weights(segments: Segments<'_, '_>, panels: &Range<usize>, pieces: usize) -> Weights {
    let mut of = Weights { address: 0, panel: 0, panels: (panels.start, panels.end), at: 0, depth: 0, pieces };
    for_each_place(segments, |at, Segment { right, depth, .. }| {
        (of.address, of.panel, of.at, of.depth) = (right.data.as_ptr().addr(), right.panel, at, depth);
    });
    of
}

/// Products of which a thread keeps the weights' pieces: beyond, those of models that are no more would pile up.
const KEPT_MAX: usize = 64;

/// The pieces of some weights: those of the pass, or else made by `cut`.
fn keep<W>(all: &mut Vec<Kept<W>>, of: Weights, pass: Pass, cut: impl FnOnce(&mut Kept<W>)) -> &Kept<W> {
    let place = match all.iter().position(|kept| kept.of == of) {
        Some(place) if all[place].pass == pass => return &all[place],
        Some(place) => place,
        None => {
            if all.len() >= KEPT_MAX {
                all.clear();
            }
            all.push(Kept { of, pass, words: Vec::new(), of_panels: Vec::new() });
            all.len() - 1
        }
    };
    let kept = &mut all[place];
    kept.pass = pass;
    kept.of_panels.clear();
    cut(kept);
    kept
}

/// Lays the pieces of a panel down, `piece` words from one to the next. Returns what the panel holds.
#[inline(always)]
fn cut_panel<S: Simd, U: Unit<S>>(
    s: S,
    segments: Segments<'_, '_>,
    panel: usize,
    pieces: usize,
    line: &mut [f32],
    to: &mut [U::Word],
    piece: usize,
) -> Magnitudes {
    line.fill(0.0);
    for_each_place(segments, |at, Segment { right, depth, .. }| {
        let rows = right.data[panel * right.panel..].chunks(right.row);
        for (to, from) in line[at * LANES..].chunks_exact_mut(LANES).zip(rows).take(depth) {
            to.copy_from_slice(&from[..LANES]);
        }
    });
    for (pair, rows) in line.chunks_exact(2 * LANES).enumerate() {
        let [even, odd] = [0, LANES].map(|at| split(s, s.load(&rows[at..]), pieces));
        for (index, (&even, &odd)) in even.iter().zip(&odd).enumerate().take(pieces) {
            U::put_right(s, even, odd, &mut to[index * piece + pair * 2 * LANES..]);
        }
    }
    Magnitudes::of(line)
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
