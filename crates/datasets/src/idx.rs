//! The IDX format: a header and an array of bytes.
//!
//! ```text
//! 0 0 TYPE D      four bytes; TYPE 0x08 is u8, the only one read here; D is the number of dimensions
//! D times u32     the dimensions, big-endian
//! data            their product in bytes, row-major
//! ```
//!
//! Memory is bounded by what the file really holds, never by what its header claims, and by [`DECODED_MAX`]; of a
//! gzipped file by [`unpacked_max`] too.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use elman_formats::unpacked_max;

use crate::stream::Stream;
use crate::{Error, Fault};

/// The largest array that is read, in bytes: 4 GiB.
pub const DECODED_MAX: u64 = 4 << 30;

/// The first reservation for the data, as a multiple of the file's size: images shrink less than this under gzip, so an
/// honest file takes one allocation. After it, memory doubles, as bytes arrive.
const FIRST_RESERVATION: u64 = 16;
const FIRST_RESERVATION_MIN: u64 = 1 << 16;

/// An array of bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Idx {
    /// The dimensions, the slowest first.
    pub dims: Vec<usize>,
    /// The product of `dims` is its length; row-major.
    pub data: Vec<u8>,
}

impl fmt::Debug for Idx {
    /// Without the data, which may be long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idx").field("dims", &self.dims).finish_non_exhaustive()
    }
}

/// Reads a file, gzipped or not.
///
/// # Errors
/// [`Error::File`] if it cannot be read or is not exactly one IDX array of u8.
pub fn read(path: &Path) -> Result<Idx, Error> {
    Source::Path(path.to_owned()).read(None)
}

/// Reads the content of a file, gzipped or not.
///
/// # Errors
/// [`Error::File`] if it is not exactly one IDX array of u8.
pub fn parse(bytes: &[u8]) -> Result<Idx, Error> {
    Source::Bytes { name: "the given bytes", bytes }.read(None)
}

/// Where an IDX array comes from.
pub(crate) enum Source<'a> {
    Path(PathBuf),
    Bytes { name: &'a str, bytes: &'a [u8] },
}

impl Source<'_> {
    /// Its name in messages.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Bytes { name, .. } => (*name).to_owned(),
        }
    }

    /// What its name says of it.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Bytes { name, .. } => Path::new(name),
        }
    }

    /// Reads it, and refuses it before its data if it has not the `expected` number of dimensions.
    pub(crate) fn read(&self, expected: Option<usize>) -> Result<Idx, Error> {
        let result = match self {
            Self::Path(path) => read_file(path, expected),
            Self::Bytes { bytes, .. } => decode(*bytes, Some(bytes.len() as u64), expected, unpacked_max),
        };
        result.map_err(|fault| Error::File { origin: self.origin(), fault })
    }
}

fn read_file(path: &Path, expected: Option<usize>) -> Result<Idx, Fault> {
    let file = File::open(path).map_err(Fault::Io)?;
    let metadata = file.metadata().map_err(Fault::Io)?;
    // A pipe has no size.
    let stored = metadata.is_file().then_some(metadata.len());
    decode(BufReader::with_capacity(1 << 16, file), stored, expected, unpacked_max)
}

/// `stored` is the number of bytes in `raw`, gzipped or not, where it is known; `unpacked` the most that so many bytes of gzip
/// may hold.
fn decode(
    raw: impl BufRead,
    stored: Option<u64>,
    expected: Option<usize>,
    unpacked: impl Fn(u64) -> u64,
) -> Result<Idx, Fault> {
    let mut stream = Stream::open(raw)?;
    let dims = header(&mut stream, expected)?;
    let size = size(&dims)?;
    if let (Stream::Plain(_), Some(stored)) = (&stream, stored) {
        let found = stored.saturating_sub(header_len(dims.len()) as u64);
        if found < size {
            return Err(Fault::Truncated { dims, expected: size, found });
        }
    }
    if size > DECODED_MAX {
        return Err(Fault::TooLarge { dims, found: size });
    }
    let packed = stored.filter(|_| matches!(stream, Stream::Gzip(_)));
    let packed = packed.map(|packed| (packed, unpacked(packed))).filter(|&(_, most)| most < size);
    let limit = packed.map_or(size, |(_, most)| most);

    let first = stored.unwrap_or(0).saturating_mul(FIRST_RESERVATION).max(FIRST_RESERVATION_MIN);
    let mut data = Vec::new();
    while (data.len() as u64) < limit {
        let len = data.len() as u64;
        let chunk = (limit - len).min(first.max(len));
        let reserved = usize::try_from(chunk).ok().and_then(|chunk| data.try_reserve_exact(chunk).ok());
        if reserved.is_none() {
            return Err(Fault::Memory { expected: size });
        }
        if stream.fill(chunk, &mut data)? < chunk {
            return Err(Fault::Truncated { dims, expected: size, found: data.len() as u64 });
        }
    }
    match (stream.ends()?, packed) {
        (true, None) => Ok(Idx { dims, data }),
        (false, None) => Err(Fault::Excess { dims, expected: size }),
        (true, Some(_)) => Err(Fault::Truncated { dims, expected: size, found: data.len() as u64 }),
        (false, Some((packed, max))) => Err(Fault::Packed { packed, max }),
    }
}

fn header_len(dimensions: usize) -> usize {
    4 + 4 * dimensions
}

fn header(stream: &mut Stream, expected: Option<usize>) -> Result<Vec<usize>, Fault> {
    let mut bytes = Vec::new();
    stream.fill(4, &mut bytes)?;
    let magic: [u8; 4] =
        bytes.as_slice().try_into().map_err(|_| Fault::HeaderTruncated { expected: 4, found: bytes.len() })?;
    let found = match magic {
        [0, 0, 0x08, dimensions] => usize::from(dimensions),
        [0, 0, element, _] => {
            return Err(match element_type(element) {
                Some(found) => Fault::ElementType { magic, found },
                None => Fault::NotIdx { magic },
            });
        }
        _ => return Err(Fault::NotIdx { magic }),
    };
    if found == 0 || expected.is_some_and(|expected| expected != found) {
        return Err(Fault::Dimensions { expected: expected.unwrap_or(0), found });
    }

    stream.fill(4 * found as u64, &mut bytes)?;
    if bytes.len() < header_len(found) {
        return Err(Fault::HeaderTruncated { expected: header_len(found), found: bytes.len() });
    }
    let (dims, _) = bytes[4..].as_chunks::<4>();
    Ok(dims.iter().map(|&dim| u32::from_be_bytes(dim) as usize).collect())
}

fn element_type(code: u8) -> Option<&'static str> {
    match code {
        0x09 => Some("i8"),
        0x0b => Some("i16"),
        0x0c => Some("i32"),
        0x0d => Some("f32"),
        0x0e => Some("f64"),
        _ => None,
    }
}

fn size(dims: &[usize]) -> Result<u64, Fault> {
    let product = dims.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim as u64));
    product.ok_or_else(|| Fault::Overflow { dims: dims.to_vec() })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn a_gzip_bomb_is_told_from_a_file_that_is_cut() {
        let file = |data: &[u8]| [&[0, 0, 8, 1, 0, 0, 0, 9][..], data].concat();
        let gz = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let read = |bytes: &[u8], most| decode(bytes, Some(bytes.len() as u64), None, |_| most);
        let (whole, cut) = (file(&[7; 9]), file(&[7; 5]));
        assert_eq!(read(&gz(&whole), 9).unwrap().data, [7; 9]);
        let message = read(&gz(&whole), 8).unwrap_err().to_string();
        assert!(message.contains("bytes of gzip hold more than 8"), "{message}");
        for most in [5, 6] {
            assert!(matches!(read(&gz(&cut), most).unwrap_err(), Fault::Truncated { expected: 9, found: 5, .. }));
        }
        // No gzip, and a pipe: what is there is known, or nothing is.
        assert!(read(&whole, 8).is_ok() && decode(&*gz(&whole), None, None, |_| 8).is_ok());
    }
}
