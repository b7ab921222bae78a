//! Masks around a cell: dropout on the recurrent state, zoneout; and the masks of a candidate's dropout.
//!
//! T steps, R rows of a tile. A mask is a bit for each unit, sixteen to a word.

use crate::aligned::Aligned;
use crate::cell::{Bits, Noise, Rows, RowsMut};
use crate::joint::Joint;
use crate::panels::{padded, panels};
use crate::simd::{Kernel, LANES, Simd};
use crate::vanishing;

/// The masks of a tile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks {
    /// Words of h and of c.
    output_words: usize,
    memory_words: usize,
    candidate_words: usize,
    /// [R, words]: one mask for all steps.
    recurrent: Vec<u16>,
    /// [T, R, words] each; empty where the rate is 0.
    candidate: Vec<u16>,
    output: Vec<u16>,
    memory: Vec<u16>,
}

/// Words of the candidate of a cell: as wide as its memory, or as its state where it has none.
fn candidate_width(output: usize, memory: usize) -> usize {
    if memory > 0 { memory } else { output }
}

/// Words of the four kinds of masks.
fn words(noise: Noise, output: usize, memory: usize, steps: usize, rows: usize) -> [usize; 4] {
    let each = |p: f32, steps: usize, width| if p > 0.0 { steps * rows * panels(width) } else { 0 };
    [
        each(noise.recurrent_dropout, 1, output),
        each(noise.candidate_dropout, steps, candidate_width(output, memory)),
        each(noise.zoneout, steps, output),
        each(noise.memory_zoneout, steps, memory),
    ]
}

impl Masks {
    pub(crate) fn new(noise: Noise, output: usize, memory: usize, steps: usize, rows: usize) -> Self {
        let [recurrent, candidate, of_output, of_memory] = words(noise, output, memory, steps, rows);
        Masks {
            output_words: panels(output),
            memory_words: panels(memory),
            candidate_words: panels(candidate_width(output, memory)),
            recurrent: vec![u16::MAX; recurrent],
            candidate: vec![u16::MAX; candidate],
            output: vec![u16::MAX; of_output],
            memory: vec![u16::MAX; of_memory],
        }
    }

    pub(crate) fn bytes(noise: Noise, output: usize, memory: usize, steps: usize, rows: usize) -> usize {
        words(noise, output, memory, steps, rows).iter().sum::<usize>() * size_of::<u16>()
    }

    /// Draws the mask of a row that all its steps share.
    pub(crate) fn draw_row(&mut self, noise: Noise, place: usize, mut bits: impl FnMut() -> u32) {
        fill(&mut self.recurrent, self.output_words, place, noise.recurrent_dropout, &mut bits);
    }

    /// Draws the masks of a row for one step.
    pub(crate) fn draw_step(&mut self, noise: Noise, at: usize, mut bits: impl FnMut() -> u32) {
        fill(&mut self.candidate, self.candidate_words, at, noise.candidate_dropout, &mut bits);
        fill(&mut self.output, self.output_words, at, noise.zoneout, &mut bits);
        fill(&mut self.memory, self.memory_words, at, noise.memory_zoneout, &mut bits);
    }

    pub(crate) fn recurrent(&self) -> Option<Bits<'_>> {
        bits(&self.recurrent, self.output_words, 0, 0)
    }

    pub(crate) fn candidate(&self, t: usize, rows: usize) -> Option<Bits<'_>> {
        bits(&self.candidate, self.candidate_words, t, rows)
    }

    /// Set where the new value is taken.
    pub(crate) fn output(&self, t: usize, rows: usize) -> Option<Bits<'_>> {
        bits(&self.output, self.output_words, t, rows)
    }

    /// Set where the new value is taken.
    pub(crate) fn memory(&self, t: usize, rows: usize) -> Option<Bits<'_>> {
        bits(&self.memory, self.memory_words, t, rows)
    }
}

fn fill(mask: &mut [u16], words: usize, at: usize, p: f32, bits: &mut impl FnMut() -> u32) {
    if !mask.is_empty() {
        draw_mask(p, bits, &mut mask[at * words..][..words]);
    }
}

/// Draws a mask: each bit is set with probability 1 − p.
pub fn draw_mask(p: f32, bits: &mut impl FnMut() -> u32, words: &mut [u16]) {
    words.iter_mut().for_each(|word| *word = draw_word(p, bits));
}

fn bits(words: &[u16], stride: usize, t: usize, rows: usize) -> Option<Bits<'_>> {
    (!words.is_empty()).then(|| Bits { words: &words[t * rows * stride..], stride })
}

/// Sixteen bits, each set with probability 1 − p, to 1/65,536. A byte decides each: above a threshold the bit is set,
/// below it is not, and one byte in 256, which meets it, is decided by another. Two bytes for each would cost twice the
/// random numbers.
fn draw_word(p: f32, bits: &mut impl FnMut() -> u32) -> u16 {
    let threshold = (f64::from(p) * 65_536.0).round().min(65_535.0) as u32;
    let (high, low) = ((threshold >> 8) as u8, threshold & 0xff);
    let mut bytes = [0u8; LANES];
    for four in bytes.chunks_exact_mut(4) {
        four.copy_from_slice(&bits().to_le_bytes());
    }
    let (mut above, mut equal) = (0, 0);
    for (lane, byte) in bytes.into_iter().enumerate() {
        above |= u16::from(byte > high) << lane;
        equal |= u16::from(byte == high) << lane;
    }
    for lane in (0..LANES).filter(|lane| equal >> lane & 1 == 1) {
        above |= u16::from(bits() & 0xff >= low) << lane;
    }
    above
}

/// What a kept unit is multiplied with, so that the mean stays.
pub(crate) fn scale(p: f32) -> f32 {
    1.0 / (1.0 - p)
}

/// Sixteen units of the candidate of a row, from unit `at` on, under their mask; `scale` is [`scale`] of its rate.
#[inline(always)]
pub(crate) fn dropped<S: Simd>(s: S, bits: Option<Bits<'_>>, row: usize, at: usize, scale: f32, v: S::F) -> S::F {
    match bits {
        Some(bits) => s.select(bits.row(row)[at / LANES], s.mul(v, s.splat(scale)), s.splat(0.0)),
        None => v,
    }
}

/// Copies joint rows with the state under its mask.
pub(crate) struct KeepSome<'a> {
    pub(crate) rows: usize,
    pub(crate) from: &'a [f32],
    pub(crate) to: &'a mut [f32],
    pub(crate) stride: usize,
    pub(crate) joint: Joint,
    pub(crate) bits: Option<Bits<'a>>,
    pub(crate) p: f32,
}

impl Kernel for KeepSome<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (state_at, width) = (self.joint.state_at(), padded(self.joint.output));
        let (zero, scale) = (s.splat(0.0), s.splat(scale(self.p)));
        let rows = self.from.chunks_exact(self.stride).zip(self.to.chunks_exact_mut(self.stride));
        for (row, (from, to)) in rows.take(self.rows).enumerate() {
            to[..state_at].copy_from_slice(&from[..state_at]);
            for at in (0..width).step_by(LANES) {
                let kept = self.bits.map_or(u16::MAX, |bits| bits.row(row)[at / LANES]);
                let h = s.mul(s.load(&from[state_at + at..]), scale);
                s.store(s.select(kept, h, zero), &mut to[state_at + at..]);
            }
        }
    }
}

/// A unit keeps its value of the step before where its bit is not set; without bits, the mean over the masks.
pub(crate) struct Zoneout<'a> {
    pub(crate) rows: usize,
    pub(crate) now: RowsMut<'a>,
    pub(crate) before: Rows<'a>,
    pub(crate) p: f32,
    pub(crate) bits: Option<Bits<'a>>,
}

impl Kernel for Zoneout<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (p, q) = (s.splat(self.p), s.splat(1.0 - self.p));
        for row in 0..self.rows {
            let (now, before) = (self.now.row(row), self.before.row(row));
            for at in (0..before.len()).step_by(LANES) {
                let (new, old) = (s.load(&now[at..]), s.load(&before[at..]));
                let mixed = match self.bits {
                    Some(bits) => s.select(bits.row(row)[at / LANES], new, old),
                    None => s.mul_add(p, old, s.mul(q, new)),
                };
                s.store(vanishing::state(s, mixed), &mut now[at..]);
            }
        }
    }
}

/// The way back through [`Zoneout`]: the part of d that goes past the cell, and the part that goes through it.
pub(crate) struct Split<'a> {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) d: &'a mut [f32],
    pub(crate) past: &'a mut [f32],
    pub(crate) p: f32,
    pub(crate) bits: Option<Bits<'a>>,
}

impl Kernel for Split<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (p, q, zero) = (s.splat(self.p), s.splat(1.0 - self.p), s.splat(0.0));
        for row in 0..self.rows {
            for at in (0..self.width).step_by(LANES) {
                let here = row * self.width + at;
                let d = s.load(&self.d[here..]);
                let (through, past) = match self.bits {
                    Some(bits) => {
                        let word = bits.row(row)[at / LANES];
                        (s.select(word, d, zero), s.select(word, zero, d))
                    }
                    None => (s.mul(q, d), s.mul(p, d)),
                };
                s.store(through, &mut self.d[here..]);
                s.store(past, &mut self.past[here..]);
            }
        }
    }
}

/// dh_{t-1}: what came through the products, under the state's mask, and what went past them.
pub(crate) struct Merge<'a> {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) d: &'a mut [f32],
    /// Whether `d` holds a part of the gradient already.
    pub(crate) keeps: bool,
    pub(crate) joint: &'a [f32],
    pub(crate) past: Option<&'a Aligned>,
    pub(crate) bits: Option<Bits<'a>>,
    pub(crate) p: f32,
}

impl Kernel for Merge<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (zero, scale) = (s.splat(0.0), s.splat(scale(self.p)));
        for row in 0..self.rows {
            for at in (0..self.width).step_by(LANES) {
                let here = row * self.width + at;
                let mut sum = s.load(&self.joint[here..]);
                if let Some(bits) = self.bits {
                    sum = s.select(bits.row(row)[at / LANES], s.mul(sum, scale), zero);
                }
                if self.keeps {
                    sum = s.add(sum, s.load(&self.d[here..]));
                }
                if let Some(past) = self.past {
                    sum = s.add(sum, s.load(&past[here..]));
                }
                s.store(vanishing::gradient(s, sum), &mut self.d[here..]);
            }
        }
    }
}
