//! Floats cut into pieces of bf16, laid out for whoever multiplies them: the processor's unit, or plain vectors.

use crate::arithmetic::Pair;
use crate::pass::Pass;
use crate::simd::{LANES, Simd};

/// Terms of a product that are summed at once: [`Unit::multiply`] says how. As many as a tile of the processor's unit holds.
pub(crate) const BLOCK: usize = 32;

/// The largest rows and panels of [`Unit::multiply`].
pub(crate) const ROWS_MAX: usize = 32;
const PANELS_MAX: usize = 2;

/// 2⁻¹²⁶: what is smaller is subnormal, and 0 to the unit.
pub(crate) const LEAST_NORMAL: f32 = f32::MIN_POSITIVE;

/// Sums of some rows and panels, [row][panel][16].
pub(crate) type Sums = [[[f32; LANES]; PANELS_MAX]; ROWS_MAX];

/// Zeros.
pub(crate) const NO_SUMS: Sums = [[[0.0; LANES]; PANELS_MAX]; ROWS_MAX];

/// Room that a thread keeps for products in pieces.
#[derive(Default)]
pub(crate) struct Scratch {
    /// A row of the left matrix, a panel of the right one.
    line: Vec<f32>,
    /// What the rows of the left matrix hold.
    of_rows: Vec<Magnitudes>,
    /// Of each row and then of each panel, whether it can be cut into pieces.
    pub(crate) fits: Vec<bool>,
    /// [row][panel][16]
    pub(crate) sums: Vec<f32>,
    /// Pieces as floats, and those of weights.
    floats: (Vec<f32>, Vec<Kept<f32>>),
    /// Pieces as bf16, and those of weights.
    halves: (Vec<u16>, Vec<Kept<u16>>),
}

/// The pieces of the weights of a product, kept for as long as a pass lasts.
pub(crate) struct Kept<W> {
    /// Of which product.
    pub(crate) of: Weights,
    /// In which pass.
    pub(crate) pass: Pass,
    /// [piece][panel][depth / 2], as in [`Packed`].
    pub(crate) words: Vec<W>,
    pub(crate) of_panels: Vec<Magnitudes>,
}

/// Where the weights of a product lie: their address, and what is read of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weights {
    pub(crate) address: usize,
    pub(crate) panel: usize,
    pub(crate) panels: (usize, usize),
    /// Terms before the first, and terms.
    pub(crate) at: usize,
    pub(crate) depth: usize,
    pub(crate) pieces: usize,
}

/// What of it a unit uses.
pub(crate) struct Room<'a, W> {
    pub(crate) line: &'a mut Vec<f32>,
    pub(crate) of_rows: &'a mut Vec<Magnitudes>,
    pub(crate) fits: &'a mut Vec<bool>,
    pub(crate) sums: &'a mut Vec<f32>,
    pub(crate) words: &'a mut Vec<W>,
    pub(crate) kept: &'a mut Vec<Kept<W>>,
}

impl Scratch {
    /// For pieces as floats.
    pub(crate) fn floats(&mut self) -> Room<'_, f32> {
        let Scratch { line, of_rows, fits, sums, floats: (words, kept), .. } = self;
        Room { line, of_rows, fits, sums, words, kept }
    }

    /// For pieces as bf16.
    pub(crate) fn halves(&mut self) -> Room<'_, u16> {
        let Scratch { line, of_rows, fits, sums, halves: (words, kept), .. } = self;
        Room { line, of_rows, fits, sums, words, kept }
    }
}

/// The pieces of a matrix.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a, W> {
    /// The left matrix: [piece][row][depth]. The right one: [piece][panel][depth / 2], each pair of rows as the unit has it.
    pub(crate) words: &'a [W],
    /// From a piece to the next.
    pub(crate) piece: usize,
    /// From a row to the next, or from a panel to the next.
    pub(crate) step: usize,
}

/// What multiplies pieces.
pub(crate) trait Unit<S: Simd>: Copy {
    /// What a piece is held in.
    type Word: Copy + Default;
    /// Rows and panels that it takes at once.
    const ROWS: usize;
    const PANELS: usize;

    /// Its room.
    fn room(scratch: &mut Scratch) -> Room<'_, Self::Word>;
    /// Lays sixteen pieces of a row down.
    fn put_left(s: S, pieces: S::F, to: &mut [Self::Word]);
    /// Lays the pieces of two rows of a panel down, 32 words.
    fn put_right(s: S, even: S::F, odd: S::F, to: &mut [Self::Word]);

    /// Sums of products of pieces, from 0, of `rows` rows by `panels` panels. For each of `pairs`, for each block of 32 terms k:
    ///
    /// e = Σ over even k, o = Σ over odd k, each a chain of fused multiply-adds from 0 in the order of k
    /// sum ← sum + (e + o)
    ///
    /// All in f32, a result below 2⁻¹²⁶ being 0. That is what the instruction TDPBF16PS computes: Intel 64 and IA-32
    /// Architectures Software Developer's Manual, volume 2. `is_careful` where a result may be so small.
    #[expect(clippy::too_many_arguments, reason = "a product: every size by its name")]
    fn multiply(
        self,
        s: S,
        pairs: &[Pair],
        left: Packed<'_, Self::Word>,
        right: Packed<'_, Self::Word>,
        rows: usize,
        panels: usize,
        blocks: usize,
        is_careful: bool,
        sums: &mut Sums,
    );
}

/// The smallest and the largest of some floats that are not 0, by their bits without the sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Magnitudes {
    /// Less 1, so that 0 is the largest of all.
    least: u32,
    most: u32,
}

impl Magnitudes {
    /// Of nothing.
    pub(crate) const NONE: Magnitudes = Magnitudes { least: u32::MAX, most: 0 };

    #[inline(always)]
    pub(crate) fn of(floats: &[f32]) -> Self {
        let (mut least, mut most) = (u32::MAX, 0);
        for x in floats {
            let bits = x.to_bits() << 1;
            least = least.min(bits.wrapping_sub(1));
            most = most.max(bits);
        }
        Magnitudes { least, most }
    }

    #[inline(always)]
    pub(crate) fn and(self, other: Magnitudes) -> Self {
        Magnitudes { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// Whether each is finite, and stays so when it is rounded to bf16.
    #[inline(always)]
    pub(crate) fn fit(self) -> bool {
        self.most < 0x7f7f_8000 << 1
    }

    /// The exponent of the smallest; a large one where all are 0.
    #[inline(always)]
    fn exponent(self) -> i32 {
        (self.least >> 24) as i32 - 127
    }

    /// Whether a sum of products of pieces may come below 2⁻¹²⁶ without being 0. Pieces of x are multiples of its last bit,
    /// at least |x| 2⁻²⁴; so are products and their sums, rounded or not, of the product of both.
    #[inline(always)]
    pub(crate) fn may_vanish(self, other: Magnitudes) -> bool {
        self.exponent() + other.exponent() - 2 * 24 < -126
    }
}

/// The pieces of sixteen floats: h, m and l.
#[inline(always)]
pub(crate) fn split<S: Simd>(s: S, v: S::F, pieces: usize) -> [S::F; 3] {
    let zero = s.splat(0.0);
    let least = s.splat(LEAST_NORMAL);
    let mut found = [zero; 3];
    let mut rest = v;
    for (index, piece) in found.iter_mut().enumerate() {
        if index < pieces {
            let rounded = s.to_bf16(rest);
            // Exact: a float less itself rounded has fewer bits.
            rest = s.sub(rest, rounded);
            *piece = s.fade(rounded, least);
        }
    }
    found
}
