//! The images as they are stored: values entropy-coded after their neighbours, by an asymmetric numeral system (rANS).
//!
//! ```text
//! 256 × 256 u16   how often each value comes after each context, of 2^16; a context that never comes has none
//! u16 …           the coder's words: the state's high half, its low half, then what it takes up on the way
//! ```
//!
//! All little-endian; pixels image by image, row by row. A context is the levels of four neighbours, two bits each, from
//! the highest: left, above left, above, above right; outside the image there is paper. `data/mnist/README.md` says why.
//!
//! Duda (2013), "Asymmetric numeral systems", <https://arxiv.org/abs/1311.2540>.

const SIDE: usize = 28;
/// The pixels of an image.
pub(super) const PIXELS: usize = SIDE * SIDE;

const BYTES: &[u8] = include_bytes!("../../data/mnist/images.rans");
const VALUES: usize = 256;
const TABLE: usize = 2 * VALUES * VALUES;
/// Below it the state takes up a word. The coder began with it, so the decoder ends with it.
const STATE_MIN: u32 = 1 << 16;

/// Takes images off the stored bytes, in their order.
pub(super) struct Unpacker<'a> {
    contexts: Vec<Context>,
    words: &'a [[u8; 2]],
    state: u32,
}

/// What may come after one context.
struct Context {
    /// `[value + 1]`: where the value's share of the 2^16 begins.
    starts: [u32; VALUES + 1],
    /// `[place / 2^8]`: the value that has the first of these places. The value sought is this or one of the next.
    first: [u8; 1 << 8],
}

impl Context {
    fn of(frequencies: &[[u8; 2]]) -> Self {
        let mut context = Self { starts: [0; VALUES + 1], first: [0; 1 << 8] };
        for (value, &frequency) in frequencies.iter().enumerate() {
            context.starts[value + 1] = context.starts[value] + u32::from(u16::from_le_bytes(frequency));
        }
        // Of a context that never comes, or of damaged bytes: every place is some value's, and the search for it ends.
        context.starts[VALUES] = context.starts[VALUES].max(STATE_MIN);
        for (n, first) in context.first.iter_mut().enumerate() {
            *first = context.starts[1..VALUES].partition_point(|&start| start <= (n as u32) << 8) as u8;
        }
        context
    }
}

impl Unpacker<'static> {
    /// At the first of the 70,000 images.
    pub(super) fn new() -> Self {
        Self::of(BYTES)
    }
}

impl<'a> Unpacker<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let (table, words) = bytes.split_at(TABLE);
        let contexts = table.as_chunks().0.chunks_exact(VALUES).map(Context::of).collect();
        let mut unpacker = Self { contexts, words: words.as_chunks().0, state: 0 };
        for _ in 0..2 {
            unpacker.take_up();
        }
        unpacker
    }

    /// Appends `count` images, [count, 28, 28].
    pub(super) fn append(&mut self, count: usize, pixels: &mut Vec<u8>) {
        for _ in 0..count {
            // Of the row above, with a column of paper on its right; each is overwritten once it has been read.
            let mut levels = [0_u8; SIDE + 1];
            for _ in 0..SIDE {
                let mut row = [0; SIDE];
                let mut left = 0;
                let mut above = levels[0];
                for x in 0..SIDE {
                    // The three above, the oldest falling out.
                    above = (above << 2 | levels[x + 1]) & 0x3f;
                    let value = self.next(left << 6 | above);
                    left = level(value);
                    levels[x] = left;
                    row[x] = value;
                }
                pixels.extend_from_slice(&row);
            }
        }
    }

    /// True if all of the bytes were taken, and the coder's first state remains.
    pub(super) fn ends(&self) -> bool {
        self.words.is_empty() && self.state == STATE_MIN
    }

    #[inline(always)]
    fn next(&mut self, context: u8) -> u8 {
        let Context { starts, first } = &self.contexts[usize::from(context)];
        let place = self.state % STATE_MIN;
        // Paper is 0 and comes four times of five.
        let (mut value, mut start, mut end) = (0, 0, starts[1]);
        if place >= end {
            value = usize::from(first[(place >> 8) as usize]);
            while starts[value + 1] <= place {
                value += 1;
            }
            (start, end) = (starts[value], starts[value + 1]);
        }
        self.state = (end - start) * (self.state / STATE_MIN) + place - start;
        if self.state < STATE_MIN {
            self.take_up();
        }
        value as u8
    }

    /// A word from the stored ones; none where they end.
    #[inline(always)]
    fn take_up(&mut self) {
        let (word, rest) =
            self.words.split_first().map_or((0, self.words), |(&word, rest)| (u16::from_le_bytes(word), rest));
        self.state = self.state << 16 | u32::from(word);
        self.words = rest;
    }
}

/// Paper, faint, strong, ink.
fn level(value: u8) -> u8 {
    match value {
        0 => 0,
        1..128 => 1,
        128..252 => 2,
        252.. => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_damage_gives_some_images() {
        const IMAGES: usize = 200;
        let whole = &BYTES[..TABLE + 40_000];
        let unpack = |bytes: &[u8]| {
            let mut pixels = Vec::new();
            Unpacker::of(bytes).append(IMAGES, &mut pixels);
            assert_eq!(pixels.len(), IMAGES * PIXELS);
            pixels
        };
        let good = unpack(whole);
        let mut changed = 0;
        for n in 0..24_usize {
            let mut bytes = whole.to_vec();
            // In the words, or all over the table: frequencies that are too many, too few, or none.
            match n % 4 {
                0 => bytes[TABLE + 100 * n..][..3].fill(n as u8),
                1 => bytes[..TABLE].iter_mut().skip(n).step_by(97).for_each(|byte| *byte = 0xff),
                2 => bytes[..TABLE].iter_mut().skip(n).step_by(3).for_each(|byte| *byte = 0),
                _ => bytes[..TABLE].fill([0, 0xff, 1][n % 3]),
            }
            changed += usize::from(unpack(&bytes) != good);
        }
        assert!(changed > 20, "{changed} of 24 changes show");
    }

    #[test]
    fn bytes_that_are_cut_are_told_from_whole_ones() {
        for (bytes, whole) in [(BYTES, true), (&BYTES[..BYTES.len() - 2], false)] {
            let mut pixels = Vec::new();
            let mut unpacker = Unpacker::of(bytes);
            unpacker.append(70_000, &mut pixels);
            assert_eq!((pixels.len(), unpacker.ends()), (70_000 * PIXELS, whole));
        }
    }
}
