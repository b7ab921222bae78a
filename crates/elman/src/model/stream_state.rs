//! What a stream keeps from step to step: taken out, put back, and as bytes.
//!
//! N rows, F floats of a row, S sums of a row.
//!
//! The bytes, all numbers little-endian: `elman-st`, the version (u32), the model's fingerprint (u32), N, F and S (u64);
//! then the steps of each row [N] (u64), its states and last outputs [N, F] (f32), what a head that pools has taken
//! together [N, S] (f64); and the CRC-32 of all that.

use crate::Error;
use crate::model::stream::Stream;

/// What the bytes start with.
const MAGIC: [u8; 8] = *b"elman-st";

/// The version of this description.
const VERSION: u32 = 1;

/// The state of a [`Stream`]: of each row the states of all layers, what its head has taken together, and its steps so
/// far. It belongs to one model, whose [fingerprint](crate::Model::fingerprint) it carries.
///
/// ```
/// # use std::sync::Arc;
/// # use elman::{Gru, Init, Model, StreamState};
/// # fn main() -> Result<(), elman::Error> {
/// let model = Arc::new(Model::init(Gru::new(3, 16), 2, Init::Tf, 111)?);
/// let mut stream = model.stream()?;
/// stream.step(&[0.1, 0.2, 0.3]);
/// let bytes = stream.state().to_bytes();                      // to a file, or to another machine
///
/// let mut later = model.stream()?;
/// later.set_state(&StreamState::of_bytes(&bytes)?)?;
/// assert_eq!(later.step(&[0.4, 0.5, 0.6]), stream.step(&[0.4, 0.5, 0.6]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StreamState {
    fingerprint: u32,
    /// F and S.
    widths: (usize, usize),
    /// `[N]`
    counts: Vec<u64>,
    /// [N, F]
    floats: Vec<f32>,
    /// [N, S]
    sums: Vec<f64>,
}

impl StreamState {
    /// N
    pub fn rows(&self) -> usize {
        self.counts.len()
    }

    /// Steps that a row has read since it was zero.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn steps(&self, row: usize) -> u64 {
        self.counts[row]
    }

    /// Bytes that it takes in memory, beside a few words.
    pub fn size(&self) -> usize {
        8 * self.counts.len() + 4 * self.floats.len() + 8 * self.sums.len()
    }

    /// Of the model that it belongs to.
    pub fn fingerprint(&self) -> u32 {
        self.fingerprint
    }

    /// Some of the rows, or all of them in another order: a row may be taken more than once.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        let (f, s) = self.widths;
        StreamState {
            counts: rows.iter().map(|&row| self.counts[row]).collect(),
            floats: rows.iter().flat_map(|&row| &self.floats[row * f..][..f]).copied().collect(),
            sums: rows.iter().flat_map(|&row| &self.sums[row * s..][..s]).copied().collect(),
            ..*self
        }
    }

    /// As bytes, for a file or a message.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (f, s) = self.widths;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.fingerprint.to_le_bytes());
        [self.rows(), f, s].iter().for_each(|&size| bytes.extend((size as u64).to_le_bytes()));
        self.counts.iter().for_each(|count| bytes.extend(count.to_le_bytes()));
        self.floats.iter().for_each(|float| bytes.extend(float.to_le_bytes()));
        self.sums.iter().for_each(|sum| bytes.extend(sum.to_le_bytes()));
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// What [`StreamState::to_bytes`] wrote. Whose model it is of, [`Stream::set_state`] looks at.
    ///
    /// # Errors
    /// [`Error::StreamState`] if the bytes are no such state, of another version, cut off, or damaged.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |why: String| Error::StreamState { why };
        let cut_off = || bad(format!("it ends after {} bytes, within its description", bytes.len()));
        if !bytes.starts_with(&MAGIC) {
            let why = format!("it does not start with {:?}", MAGIC.escape_ascii().to_string());
            return Err(if MAGIC.starts_with(bytes) { cut_off() } else { bad(why) });
        }
        let mut rest = &bytes[MAGIC.len()..];
        let version = u32::from_le_bytes(take(&mut rest).ok_or_else(cut_off)?);
        if version != VERSION {
            return Err(bad(format!("it has version {version}; this program knows {VERSION}")));
        }
        let fingerprint = u32::from_le_bytes(take(&mut rest).ok_or_else(cut_off)?);
        let mut size = || Some(u64::from_le_bytes(take(&mut rest)?));
        let (Some(n), Some(f), Some(s)) = (size(), size(), size()) else { return Err(cut_off()) };
        // In 128 bits: whatever sizes are claimed, nothing overflows.
        let [rows, floats, sums] = [n, f, s].map(u128::from);
        let each = 8 + 4 * floats.min(1 << 60) + 8 * sums.min(1 << 60);
        let expected = (bytes.len() - rest.len()) as u128 + rows.saturating_mul(each) + 4;
        if expected != bytes.len() as u128 {
            let why = format!("it has {} bytes; its {n} rows take {expected}", bytes.len());
            return Err(bad(format!("{why}: it is cut off or damaged")));
        }
        let (content, checksum) = bytes.split_at(bytes.len() - 4);
        let found = crc32fast::hash(content);
        if checksum != found.to_le_bytes() {
            let expected = checksum.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
            return Err(bad(format!("it is damaged: its checksum is {found:08x}; expected {expected}")));
        }
        let (n, f, s) = (n as usize, f as usize, s as usize);
        let counts = std::iter::from_fn(|| take(&mut rest)).take(n).map(u64::from_le_bytes).collect();
        let floats = std::iter::from_fn(|| take(&mut rest)).take(n * f).map(f32::from_le_bytes).collect();
        let sums = std::iter::from_fn(|| take(&mut rest)).take(n * s).map(f64::from_le_bytes).collect();
        Ok(StreamState { fingerprint, widths: (f, s), counts, floats, sums })
    }
}

/// The next so many bytes.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (now, later) = rest.split_first_chunk()?;
    *rest = later;
    Some(*now)
}

impl Stream {
    /// The state of all rows: to be put back, here or in another stream of the model.
    pub fn state(&self) -> StreamState {
        let rows: Vec<usize> = (0..self.rows()).collect();
        self.state_of(&rows)
    }

    /// The state of some rows, in this order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn state_of(&self, rows: &[usize]) -> StreamState {
        let Stream { steps, head, .. } = self;
        let mut floats = Vec::new();
        for &row in rows {
            steps.states(row).for_each(|part| floats.extend(part));
            floats.extend(steps.outputs_of(row));
        }
        StreamState {
            fingerprint: self.fingerprint(),
            widths: self.widths(),
            counts: rows.iter().map(|&row| steps.count(row)).collect(),
            floats,
            sums: rows.iter().flat_map(|&row| head.pooled.values(row)).copied().collect(),
        }
    }

    /// Goes on from another state, of N rows.
    ///
    /// # Errors
    /// [`Error::StreamState`] if it belongs to another model; [`Error::Shape`] if it has another number of rows, and
    /// [`Error::NotFinite`] if it has a number that is not finite. The stream is then as it was.
    pub fn set_state(&mut self, state: &StreamState) -> Result<(), Error> {
        let rows: Vec<usize> = (0..self.rows()).collect();
        self.set_state_of(&rows, state)
    }

    /// Goes on from another state in some rows, which are as many as the state has; the other rows go on as they are.
    ///
    /// # Errors
    /// As [`Stream::set_state`]; [`Error::Setting`] if there is no such row.
    pub fn set_state_of(&mut self, rows: &[usize], state: &StreamState) -> Result<(), Error> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.rows()) {
            return Err(Error::setting("a row's number", row, format!("below {}", self.rows())));
        }
        let own = self.fingerprint();
        if state.fingerprint != own || state.widths != self.widths() {
            let why = format!(
                "it belongs to the model with the fingerprint {:08x}, and this is the one with {own:08x}; load the model \
                 that its stream was of",
                state.fingerprint
            );
            return Err(Error::StreamState { why });
        }
        if state.rows() != rows.len() {
            return Err(Error::shape("the state, its rows,", &[state.rows()], &[rows.len()]));
        }
        let numbers = state.floats.iter().map(|&x| f64::from(x)).chain(state.sums.iter().copied());
        if let Some(found) = numbers.into_iter().find(|x| !x.is_finite()) {
            return Err(Error::NotFinite { what: "a number of the state".into(), found });
        }
        let (f, s) = state.widths;
        for (index, &row) in rows.iter().enumerate() {
            let mut floats = &state.floats[index * f..][..f];
            let mut write = |to: &mut [f32]| {
                let (now, later) = floats.split_at(to.len());
                to.copy_from_slice(now);
                floats = later;
            };
            self.steps.write_states(row, &mut write);
            write(self.steps.outputs_of_mut(row));
            self.steps.set_count(row, state.counts[index]);
            self.head.resume(row, self.steps.outputs_of(row), &state.sums[index * s..][..s], state.counts[index]);
        }
        Ok(())
    }

    /// F and S.
    fn widths(&self) -> (usize, usize) {
        let floats: usize = self.steps.states(0).map(<[f32]>::len).sum();
        (floats + self.steps.outputs_of(0).len(), self.head.pooled.values(0).len())
    }
}
