//! Products of pieces by plain vectors, with the bits of the processor's unit.

use crate::arithmetic::Pair;
use crate::pieces::{BLOCK, LEAST_NORMAL, Packed, ROWS_MAX, Room, Scratch, Sums, Unit};
use crate::simd::{LANES, Simd};

/// Vectors of floats: for processors that have nothing better.
#[derive(Clone, Copy)]
pub(crate) struct Vectors;

impl Vectors {
    /// `M` rows by one panel.
    #[inline(always)]
    fn rows<S: Simd, const M: usize, const CAREFUL: bool>(
        s: S,
        pairs: &[Pair],
        left: Packed<'_, f32>,
        right: Packed<'_, f32>,
        row: usize,
        blocks: usize,
        sums: &mut Sums,
    ) {
        let zero = s.splat(0.0);
        let least = s.splat(LEAST_NORMAL);
        let normal = |v| if CAREFUL { s.fade(v, least) } else { v };
        let mut acc = [zero; M];
        for &(l, r) in pairs {
            let rows: [&[f32]; M] =
                std::array::from_fn(|m| &left.words[l * left.piece + (row + m) * left.step..][..blocks * BLOCK]);
            let panel = &right.words[r * right.piece..][..blocks * BLOCK * LANES];
            for (block, weights) in panel.chunks_exact(BLOCK * LANES).enumerate() {
                let terms: [&[f32]; M] = std::array::from_fn(|m| &rows[m][block * BLOCK..][..BLOCK]);
                // One after the other: as many rows as the registers hold.
                let [even, odd] = [0, 1].map(|parity| {
                    let mut sums = [zero; M];
                    for k in (parity..BLOCK).step_by(2) {
                        let weights = s.load(&weights[k * LANES..][..LANES]);
                        for m in 0..M {
                            sums[m] = normal(s.mul_add(s.splat(terms[m][k]), weights, sums[m]));
                        }
                    }
                    sums
                });
                for m in 0..M {
                    acc[m] = normal(s.add(acc[m], normal(s.add(even[m], odd[m]))));
                }
            }
        }
        for (m, acc) in acc.into_iter().enumerate() {
            s.store(acc, &mut sums[row + m][0]);
        }
    }

    #[inline(always)]
    fn all_rows<S: Simd, const CAREFUL: bool>(
        s: S,
        pairs: &[Pair],
        left: Packed<'_, f32>,
        right: Packed<'_, f32>,
        rows: usize,
        blocks: usize,
        sums: &mut Sums,
    ) {
        let mut row = 0;
        while row < rows {
            let most = if S::ROWS >= 6 { 6 } else { 2 };
            let take = most.min(rows - row);
            match take {
                6 => Self::rows::<S, 6, CAREFUL>(s, pairs, left, right, row, blocks, sums),
                4 | 5 => Self::rows::<S, 4, CAREFUL>(s, pairs, left, right, row, blocks, sums),
                2 | 3 => Self::rows::<S, 2, CAREFUL>(s, pairs, left, right, row, blocks, sums),
                _ => Self::rows::<S, 1, CAREFUL>(s, pairs, left, right, row, blocks, sums),
            }
            row += if take == 1 { 1 } else { take & !1 };
        }
    }
}

impl<S: Simd> Unit<S> for Vectors {
    type Word = f32;
    const ROWS: usize = ROWS_MAX;
    const PANELS: usize = 1;

    #[inline(always)]
    fn room(scratch: &mut Scratch) -> Room<'_, f32> {
        scratch.floats()
    }
    #[inline(always)]
    fn put_left(s: S, pieces: S::F, to: &mut [f32]) {
        s.store(pieces, to);
    }
    #[inline(always)]
    fn put_right(s: S, even: S::F, odd: S::F, to: &mut [f32]) {
        s.store(even, to);
        s.store(odd, &mut to[LANES..]);
    }
    #[inline(always)]
    fn multiply(
        self,
        s: S,
        pairs: &[Pair],
        left: Packed<'_, f32>,
        right: Packed<'_, f32>,
        rows: usize,
        _: usize,
        blocks: usize,
        is_careful: bool,
        sums: &mut Sums,
    ) {
        if is_careful {
            Vectors::all_rows::<S, true>(s, pairs, left, right, rows, blocks, sums);
        } else {
            Vectors::all_rows::<S, false>(s, pairs, left, right, rows, blocks, sums);
        }
    }
}
