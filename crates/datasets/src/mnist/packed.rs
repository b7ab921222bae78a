//! The images as they are stored: values entropy-coded after their neighbours, by an asymmetric numeral system (rANS).
//!
//! ```text
//! 256 u8          the group of each context, below 16
//! 16 × 256 u16    how often each value comes in each group, of 2^12
//! seven parts of 10,000 images, the training images first, each
//!   u32           how many words it has
//!   4 u32         the coder's state in each of four lanes
//!   10,000 u8     where the box around each image's ink begins: its row · 16 + its column
//!   u16 …         the words, which the states take up on the way
//! ```
//!
//! All little-endian. Outside the box of 20 × 20 there is paper. A context is the levels of four neighbours in the box,
//! two bits each, from the highest: left, above left, above, above right. `data/mnist/README.md` says why.
//!
//! Four images are decoded side by side, a pixel of each in turn, for each pixel waits for the one before it; and
//! without a branch that hangs on the data, for no processor could foresee it.
//!
//! Duda (2013), "Asymmetric numeral systems", <https://arxiv.org/abs/1311.2540>; lanes that share their words: Giesen
//! (2014), "Interleaved entropy coders", <https://arxiv.org/abs/1402.3392>.

use std::array;

const SIDE: usize = 28;
/// The pixels of an image.
pub(super) const PIXELS: usize = SIDE * SIDE;
/// The images of a part.
pub const PART: usize = 10_000;
/// The bytes before the first part.
pub const HEAD: usize = CONTEXTS + 2 * GROUPS * VALUES;

#[cfg(feature = "mnist")]
const BYTES: &[u8] = include_bytes!("../../data/mnist/images.rans");
#[cfg(feature = "mnist")]
const PARTS: usize = 7;
/// The side of the box.
const BOX: usize = 20;
const VALUES: usize = 256;
const CONTEXTS: usize = 256;
/// The contexts of the three neighbours above.
const ABOVE: usize = 64;
const GROUPS: usize = 16;
const LANES: usize = 4;
const SLOT_BITS: u32 = 12;
const SLOTS: usize = 1 << SLOT_BITS;
/// Below it the state takes up a word. The coder began with it, so the decoder ends with it.
const STATE_MIN: u32 = 1 << 16;

/// The stored bytes, taken apart.
#[cfg(feature = "mnist")]
pub(super) struct Packed<'a> {
    model: Model,
    parts: [Part<'a>; PARTS],
}

/// What a pixel's neighbours and the coder's state say about its value.
struct Model {
    /// `[context of the three above][value on the left]`: the group of both.
    groups: Box<[[u8; VALUES]; ABOVE]>,
    /// `[group][state mod 2^12]`: the value whose share of the 2^12 this is in (8 bits), the share's length (12 bits),
    /// and how far into the share it is (12 bits); from the lowest bit.
    slots: Box<[[u32; SLOTS]; GROUPS]>,
}

#[derive(Clone, Copy)]
struct Part<'a> {
    states: [u32; LANES],
    corners: &'a [u8],
    words: &'a [[u8; 2]],
}

/// What unpacks the parts of `data/mnist/images.rans` one by one, from the [`HEAD`] bytes before the first: 10,000 images
/// each, six of training images, then the test's.
pub struct Unpacker(Model);

impl Unpacker {
    /// None if the bytes have not this form.
    pub fn new(head: &[u8]) -> Option<Self> {
        (head.len() == HEAD).then(|| Model::of_head(&mut &*head)).flatten().map(Unpacker)
    }

    /// The images of a part, [10000, 28, 28]; None if it is damaged.
    pub fn unpack(&self, mut part: &[u8]) -> Option<Vec<u8>> {
        let packed = Part::of(&mut part).filter(|_| part.is_empty())?;
        let mut pixels = Vec::with_capacity(PART * PIXELS);
        self.0.append(packed, &mut pixels).then_some(pixels)
    }
}

#[cfg(feature = "mnist")]
impl Packed<'static> {
    /// The images that are embedded.
    ///
    /// # Panics
    /// If they are damaged.
    pub(super) fn embedded() -> Self {
        Self::of(BYTES).unwrap_or_else(|| panic!("the embedded images are damaged"))
    }
}

#[cfg(feature = "mnist")]
impl<'a> Packed<'a> {
    /// None if the bytes have not this form.
    fn of(mut bytes: &'a [u8]) -> Option<Self> {
        let model = Model::of_head(&mut bytes)?;
        let mut parts = [Part { states: [0; LANES], corners: &[], words: &[] }; PARTS];
        for part in &mut parts {
            *part = Part::of(&mut bytes)?;
        }
        bytes.is_empty().then_some(Self { model, parts })
    }

    /// Appends the images of a part, [10000, 28, 28]. False if they are damaged: then it has not come to its end with
    /// all of its words taken and the coder's first state in each lane.
    #[must_use]
    pub(super) fn append(&self, part: usize, pixels: &mut Vec<u8>) -> bool {
        self.model.append(self.parts[part], pixels)
    }
}

impl Model {
    /// From the first bytes.
    fn of_head(bytes: &mut &[u8]) -> Option<Self> {
        Self::of(take(bytes, CONTEXTS)?, take(bytes, 2 * GROUPS * VALUES)?.as_chunks().0)
    }

    fn append(&self, part: Part<'_>, pixels: &mut Vec<u8>) -> bool {
        let Part { mut states, corners, mut words } = part;
        for corners in corners.as_chunks().0 {
            let images = images(self, &mut states, &mut words, corners);
            pixels.extend_from_slice(images.as_flattened());
        }
        words.is_empty() && states == [STATE_MIN; LANES]
    }

    fn of(group_of: &[u8], frequencies: &[[u8; 2]]) -> Option<Self> {
        let mut groups = Box::new([[0; VALUES]; ABOVE]);
        for (above, groups) in groups.iter_mut().enumerate() {
            for (left, group) in groups.iter_mut().enumerate() {
                *group = group_of[usize::from(level(left as u8)) * ABOVE + above];
            }
        }
        let mut slots = Box::new([[0; SLOTS]; GROUPS]);
        for (slots, frequencies) in slots.iter_mut().zip(frequencies.chunks_exact(VALUES)) {
            let mut rest = slots.as_mut_slice();
            for (value, &frequency) in frequencies.iter().enumerate() {
                let frequency = usize::from(u16::from_le_bytes(frequency));
                let (share, others) = rest.split_at_mut_checked(frequency).filter(|_| frequency < SLOTS)?;
                for (place, slot) in share.iter_mut().enumerate() {
                    *slot = (place << 20 | frequency << 8 | value) as u32;
                }
                rest = others;
            }
            if !rest.is_empty() {
                return None;
            }
        }
        group_of.iter().all(|&group| usize::from(group) < GROUPS).then_some(Self { groups, slots })
    }

    /// The value of a pixel, after the value on its left and the context above; the state loses what it told.
    #[inline(always)]
    fn next(&self, left: u8, above: u8, state: &mut u32) -> u8 {
        // What was checked above is said again with %, which spares the checks of the indices.
        let group = usize::from(self.groups[usize::from(above) % ABOVE][usize::from(left)]) % GROUPS;
        let slot = self.slots[group][*state as usize % SLOTS];
        *state = (slot >> 8) % (1 << SLOT_BITS) * (*state >> SLOT_BITS) + (slot >> 20);
        slot as u8
    }
}

impl<'a> Part<'a> {
    fn of(bytes: &mut &'a [u8]) -> Option<Self> {
        let numbers = take(bytes, 4 * (1 + LANES))?.as_chunks().0;
        let number = |n: usize| u32::from_le_bytes(numbers[n]);
        let corners = take(bytes, PART)?;
        let words = take(bytes, (number(0) as usize).checked_mul(2)?)?.as_chunks().0;
        // The box lies in the image.
        let inside = corners.iter().all(|&corner| row(corner).max(column(corner)) <= SIDE - BOX);
        inside.then_some(Self { states: array::from_fn(|lane| number(1 + lane)), corners, words })
    }
}

/// The next images, one in each lane. Takes off the words what they took up; where those end, they take up zeros.
fn images(
    model: &Model,
    states: &mut [u32; LANES],
    words: &mut &[[u8; 2]],
    corners: &[u8; LANES],
) -> [[u8; PIXELS]; LANES] {
    let mut images = [[0; PIXELS]; LANES];
    let mut state = *states;
    let mut taken = 0;
    let mut above = [[0; BOX]; LANES];
    for y in 0..BOX {
        let mut rows = [[0; BOX]; LANES];
        let mut left = [0; LANES];
        for x in 0..BOX {
            for lane in 0..LANES {
                let value = model.next(left[lane], above[lane][x], &mut state[lane]);
                left[lane] = value;
                rows[lane][x] = value;
                let word = words.get(taken).map_or(0, |&word| u16::from_le_bytes(word));
                let low = state[lane] < STATE_MIN;
                state[lane] = if low { state[lane] << 16 | u32::from(word) } else { state[lane] };
                taken += usize::from(low);
            }
        }
        for lane in 0..LANES {
            above[lane] = contexts_below(&rows[lane]);
            let begin = (row(corners[lane]) + y) * SIDE + column(corners[lane]);
            images[lane][begin..][..BOX].copy_from_slice(&rows[lane]);
        }
    }
    *states = state;
    *words = words.get(taken..).unwrap_or(&[]);
    images
}

/// What the pixels under a row of the box have above them: above left, above, above right.
fn contexts_below(row: &[u8; BOX]) -> [u8; BOX] {
    let mut levels = [0; BOX + 2];
    for x in 0..BOX {
        levels[1 + x] = level(row[x]);
    }
    array::from_fn(|x| levels[x] << 4 | levels[x + 1] << 2 | levels[x + 2])
}

/// Paper, faint, strong, ink.
fn level(value: u8) -> u8 {
    u8::from(value >= 1) + u8::from(value >= 128) + u8::from(value >= 252)
}

/// The box's first row.
fn row(corner: u8) -> usize {
    usize::from(corner >> 4)
}

/// The box's first column.
fn column(corner: u8) -> usize {
    usize::from(corner & 0xf)
}

/// The first `count` bytes, if there are as many.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(all(test, feature = "mnist"))]
mod tests {
    use super::*;

    /// Where the parts begin.
    const HEADER: usize = HEAD;

    /// Whether the first part ends whole.
    fn whole(bytes: &[u8]) -> bool {
        let mut pixels = Vec::new();
        let Some(packed) = Packed::of(bytes) else { panic!("the header is none") };
        let whole = packed.append(0, &mut pixels);
        assert_eq!(pixels.len(), PART * PIXELS);
        whole
    }

    fn changed(at: usize, value: u8) -> Vec<u8> {
        let mut bytes = BYTES.to_vec();
        bytes[at] = value;
        bytes
    }

    #[test]
    fn bytes_of_another_form_are_refused() {
        assert!(Packed::of(BYTES).is_some());
        for len in [0, CONTEXTS - 1, HEADER - 1, HEADER, HEADER + 4 * (1 + LANES), BYTES.len() - 1] {
            assert!(Packed::of(&BYTES[..len]).is_none(), "the first {len} bytes");
        }
        assert!(Packed::of(&[BYTES, &[0]].concat()).is_none(), "a byte more");
        assert!(Packed::of(&changed(0, GROUPS as u8)).is_none(), "a group too many");
        let frequency = BYTES[CONTEXTS];
        assert!(Packed::of(&changed(CONTEXTS, frequency.wrapping_add(1))).is_none(), "frequencies of another sum");
        let corners = HEADER + 4 * (1 + LANES);
        assert!(Packed::of(&changed(corners, 0x09)).is_none(), "a box that sticks out on the right");
        assert!(Packed::of(&changed(corners, 0x90)).is_none(), "a box that sticks out below");
    }

    /// The bytes of a part, by its own first number.
    fn part(number: usize) -> &'static [u8] {
        let mut rest = &BYTES[HEAD..];
        for _ in 0..number {
            rest = &rest[part_len(rest)..];
        }
        &rest[..part_len(rest)]
    }

    fn part_len(bytes: &[u8]) -> usize {
        4 * (1 + LANES) + PART + 2 * u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
    }

    #[test]
    fn a_part_by_itself_is_the_one_among_all() {
        let unpacker = Unpacker::new(&BYTES[..HEAD]).unwrap();
        for number in [0, PARTS - 1] {
            let mut expected = Vec::new();
            assert!(Packed::of(BYTES).unwrap().append(number, &mut expected));
            assert!(unpacker.unpack(part(number)) == Some(expected), "part {number}");
        }
        assert!(Unpacker::new(&BYTES[..HEAD + 1]).is_none() && Unpacker::new(&BYTES[..HEAD - 1]).is_none());
        let mut damaged = part(0).to_vec();
        assert!(unpacker.unpack(&damaged[..damaged.len() - 2]).is_none(), "a word less");
        damaged[4] ^= 1;
        assert!(unpacker.unpack(&damaged).is_none(), "another state");
        damaged[4] ^= 1;
        damaged.push(0);
        assert!(unpacker.unpack(&damaged).is_none(), "a byte more");
    }

    #[test]
    fn words_that_are_damaged_are_told_from_whole_ones() {
        let words = HEADER + 4 * (1 + LANES) + PART;
        assert!(whole(BYTES));
        assert!(!whole(&changed(words, !BYTES[words])), "a word was changed");
        assert!(!whole(&changed(HEADER + 4, !BYTES[HEADER + 4])), "a first state was changed");

        let mut packed = Packed::of(BYTES).unwrap();
        let all = packed.parts[0].words;
        for cut in [&all[..0], &all[..all.len() - 1], &all[1..]] {
            packed.parts[0].words = cut;
            assert!(!packed.append(0, &mut Vec::new()), "{} words of {}", cut.len(), all.len());
        }
        let more = [all, &[[0; 2]]].concat();
        packed.parts[0].words = &more;
        assert!(!packed.append(0, &mut Vec::new()), "a word more");
    }
}
