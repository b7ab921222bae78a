//! `.npy`: the header of one array, and then its data.
//!
//! ```text
//! 93 "NUMPY"      six bytes
//! version         two bytes: 1.0, 2.0 or 3.0
//! length          of the header: u16, from version 2 u32, little-endian
//! header          a Python dictionary, filled up with blanks
//! data            as many values as the shape says
//! ```

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::header::{AXES_MAX, Element, Header};
use super::{Array, BYTES_MAX, Error, Fault, TEXTS_MAX, data};
use crate::atomic::write_atomic_with;

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// The longest header that is read: only one of records is longer.
const HEADER_MAX: u64 = 1 << 16;

/// The start of a header is filled up so that the data begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// The first reservation for data whose size is only claimed. After it, memory doubles, as bytes arrive.
const FIRST_RESERVATION: u64 = 1 << 20;

/// Reads one array. Memory is bounded by what the file holds: twice its size for numbers, about ten times for text
/// in one letter each.
///
/// # Errors
/// If the file cannot be read or is not exactly one array of a type that is read.
pub fn read_npy(path: &Path) -> Result<Array, Error> {
    let read = || {
        let file = File::open(path).map_err(Fault::Io)?;
        decode(BufReader::with_capacity(1 << 16, file))
    };
    read().map_err(|fault| Error { verb: "read", origin: path.display().to_string(), fault })
}

/// Reads one array that is in memory; errors call it `path`.
///
/// # Errors
/// As [`read_npy`].
pub fn read_npy_bytes(bytes: &[u8], path: &Path) -> Result<Array, Error> {
    decode(bytes).map_err(|fault| Error { verb: "read", origin: path.display().to_string(), fault })
}

/// Writes one array, whole or not at all.
///
/// # Errors
/// If the shape does not fit the values, a text ends with NUL, the array is above [`BYTES_MAX`](super::BYTES_MAX), or
/// the file system refuses.
pub fn write_npy(path: &Path, array: &Array) -> Result<(), Error> {
    let write = || {
        let header = checked_header(array)?;
        let written = write_atomic_with(path, |file| {
            let mut file = BufWriter::new(file);
            encode(array, &header, &mut file)?;
            file.flush()
        });
        written.map_err(Fault::Io)
    };
    write().map_err(|fault| Error { verb: "write", origin: path.display().to_string(), fault })
}

/// Reads an array from a stream that ends with it.
pub(super) fn decode(mut stream: impl Read) -> Result<Array, Fault> {
    let header = Header::parse(&header(&mut stream)?)?;
    let size = size(&header)?;
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        let len = bytes.len() as u64;
        let chunk = (size - len).min(FIRST_RESERVATION.max(len));
        let reserved = usize::try_from(chunk).ok().and_then(|chunk| bytes.try_reserve_exact(chunk).ok());
        if reserved.is_none() {
            return Err(Fault::Memory { expected: size });
        }
        if fill(&mut stream, chunk, &mut bytes)? < chunk {
            return Err(Fault::Truncated { shape: header.shape, expected: size, found: bytes.len() as u64 });
        }
    }
    if fill(&mut stream, 1, &mut Vec::new())? > 0 {
        return Err(Fault::Excess { shape: header.shape, expected: size });
    }
    let values = data::decode(&header, &bytes)?;
    Ok(Array { shape: header.shape, values })
}

/// Writes the header's bytes and the data.
pub(super) fn encode(array: &Array, header: &[u8], to: &mut impl Write) -> io::Result<()> {
    to.write_all(header)?;
    data::encode(&array.values, |bytes| to.write_all(bytes))
}

/// Everything before the data, if the array can be written.
pub(super) fn checked_header(array: &Array) -> Result<Vec<u8>, Fault> {
    let Array { shape, values } = array;
    if shape.len() > AXES_MAX {
        return Err(Fault::Axes { found: shape.len(), max: AXES_MAX });
    }
    let header =
        Header { element: data::element(values), big_endian: false, fortran_order: false, shape: shape.clone() };
    size(&header)?;
    if shape.iter().product::<usize>() != values.len() {
        return Err(Fault::Shape { shape: shape.clone(), found: values.len() });
    }
    if let super::Values::Text(texts) = values
        && let Some(index) = texts.iter().position(|text| text.ends_with('\0'))
    {
        return Err(Fault::EndsWithNul { index });
    }

    let mut text = header.text().into_bytes();
    let before = MAGIC.len() + 4;
    let filled = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    text.resize(filled - 1, b' ');
    text.push(b'\n');
    // 64 axes of 20 digits are far below the 16 bits of version 1.
    let len = text.len() as u16;
    Ok([&MAGIC[..], &[1, 0], &len.to_le_bytes(), &text].concat())
}

/// The text of the header.
fn header(stream: &mut impl Read) -> Result<Vec<u8>, Fault> {
    let mut start = Vec::new();
    fill(stream, MAGIC.len() as u64, &mut start)?;
    if start != MAGIC {
        return Err(Fault::NotNpy { found: start });
    }
    let mut version = Vec::new();
    fill(stream, 2, &mut version)?;
    let len_bytes = match version.as_slice() {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        &[major, minor] => return Err(Fault::Version { found: [major, minor] }),
        _ => return Err(Fault::HeaderLength { expected: 2, max: HEADER_MAX, found: version.len() as u64 }),
    };
    let mut len = Vec::new();
    let found = fill(stream, len_bytes, &mut len)?;
    if found < len_bytes {
        return Err(Fault::HeaderLength { expected: len_bytes, max: HEADER_MAX, found });
    }
    let expected = len.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    let mut text = Vec::new();
    let found = fill(stream, expected.min(HEADER_MAX), &mut text)?;
    if found < expected {
        return Err(Fault::HeaderLength { expected, max: HEADER_MAX, found });
    }
    Ok(text)
}

/// The bytes of the data.
fn size(header: &Header) -> Result<u64, Fault> {
    let product = |product: u64, &axis: &usize| product.checked_mul(axis as u64);
    let size = header.shape.iter().try_fold(header.element.bytes(), product);
    let size = size.ok_or_else(|| Fault::Overflow { shape: header.shape.clone() })?;
    if size > BYTES_MAX {
        return Err(Fault::TooLarge { shape: header.shape.clone(), found: size });
    }
    let found = size / header.element.bytes();
    if matches!(header.element, Element::Text(_)) && found > TEXTS_MAX {
        return Err(Fault::TooManyTexts { shape: header.shape.clone(), found });
    }
    Ok(size)
}

/// Appends up to `count` bytes to `out`, fewer only where the stream ends. Returns how many.
fn fill(stream: &mut impl Read, count: u64, out: &mut Vec<u8>) -> Result<u64, Fault> {
    stream.take(count).read_to_end(out).map(|count| count as u64).map_err(Fault::Io)
}
