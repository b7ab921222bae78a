//! Text, whole and as it is: no line end is changed and no character normalised. A byte order mark before it is no part
//! of it and is left out.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use elman_formats::unpacked_max;

use crate::idx::Source;
use crate::stream::Stream;
use crate::{Error, Fault};

/// The longest text that is read, in bytes: 1 GiB, unzipped. Of a gzipped file [`unpacked_max`] bounds it too.
pub const BYTES_MAX: u64 = 1 << 30;

/// The first reservation of a gzipped file, as a multiple of its size: text shrinks to about a third under gzip. After it, memory
/// doubles, as bytes arrive.
const FIRST_RESERVATION: u64 = 4;
const FIRST_RESERVATION_MIN: u64 = 1 << 16;

/// The byte order mark of UTF-8.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Bytes by which a text of more than a byte a character is known.
const LOOKED_AT: usize = 4096;

/// Reads a file of UTF-8, gzipped or not, with a byte order mark or without.
///
/// # Errors
/// [`Error::File`] if it cannot be read, is empty, longer than [`BYTES_MAX`], or not UTF-8: then the message names the
/// first byte that is not, and [`read_bytes`] takes the file as it is. UTF-16 and UTF-32 without a mark, whose NULs could
/// be UTF-8, are refused too.
pub fn read(path: &Path) -> Result<String, Error> {
    utf8(&Source::Path(path.to_owned()), "save it as UTF-8, or read it by byte")
}

/// Reads a file of any bytes. If it is gzipped, they are those inside.
///
/// # Errors
/// [`Error::File`] if it cannot be read, is empty, or longer than [`BYTES_MAX`].
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    bytes(&Source::Path(path.to_owned()))
}

/// The content of a file of UTF-8, gzipped or not; `name` stands for it in messages.
///
/// # Errors
/// As [`read`].
pub fn parse(name: &str, bytes: &[u8]) -> Result<String, Error> {
    utf8(&Source::Bytes { name, bytes }, "save it as UTF-8, or read it by byte")
}

/// The content of a file of any bytes, unzipped if it is gzipped; `name` stands for it in messages.
///
/// # Errors
/// As [`read_bytes`].
pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    self::bytes(&Source::Bytes { name, bytes })
}

/// The text of a source that cannot be read by byte.
pub(crate) fn load(source: &Source) -> Result<String, Error> {
    utf8(source, "save it as UTF-8")
}

/// The text of a source, without a byte order mark; or `advice`, what to do where it is not UTF-8.
fn utf8(source: &Source, advice: &'static str) -> Result<String, Error> {
    let mut bytes = bytes(source)?;
    if let Some(encoding) = wide(&bytes) {
        return Err(Error::File { origin: source.origin(), fault: Fault::Wide { encoding } });
    }
    let marked = bytes.starts_with(&MARK);
    if marked {
        bytes.drain(..MARK.len());
        if bytes.is_empty() {
            return Err(Error::File { origin: source.origin(), fault: Fault::NoText });
        }
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let (before, after) = error.as_bytes().split_at(at);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        let byte = after.first().copied().unwrap_or_default();
        // As the file has it, with the mark.
        let offset = (at + if marked { MARK.len() } else { 0 }) as u64;
        Error::File { origin: source.origin(), fault: Fault::NotUtf8 { offset, line, byte, advice } }
    })
}

/// The encoding that a text of more than a byte a character shows by its mark, or by its NULs where it has none: those of
/// characters below 256 stand in the same place of each pair or four bytes.
fn wide(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => return Some("UTF-32LE"),
        [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32BE"),
        [0xff, 0xfe, ..] => return Some("UTF-16LE"),
        [0xfe, 0xff, ..] => return Some("UTF-16BE"),
        _ => {}
    }
    let seen = &bytes[..bytes.len().min(LOOKED_AT)];
    let (fours, _) = seen.as_chunks::<4>();
    if fours.is_empty() {
        return None;
    }
    // NULs in each of the four places; a share of the fours is one where no other place has as many.
    let nuls = [0, 1, 2, 3].map(|place| fours.iter().filter(|four| four[place] == 0).count());
    let [most, few] = [fours.len() * 3 / 4 + 1, fours.len() / 4];
    let is = |pattern: [bool; 4]| nuls.iter().zip(pattern).all(|(&n, nul)| if nul { n >= most } else { n <= few });
    [
        ("UTF-16LE", [false, true, false, true]),
        ("UTF-16BE", [true, false, true, false]),
        ("UTF-32LE", [false, true, true, true]),
        ("UTF-32BE", [true, true, true, false]),
    ]
    .into_iter()
    .find_map(|(name, pattern)| is(pattern).then_some(name))
}

fn bytes(source: &Source) -> Result<Vec<u8>, Error> {
    let result = match source {
        Source::Path(path) => read_file(path),
        Source::Bytes { bytes, .. } => decode(*bytes, Some(bytes.len() as u64), BYTES_MAX, unpacked_max),
    };
    result.map_err(|fault| Error::File { origin: source.origin(), fault })
}

fn read_file(path: &Path) -> Result<Vec<u8>, Fault> {
    let file = File::open(path).map_err(Fault::Io)?;
    let metadata = file.metadata().map_err(Fault::Io)?;
    // A pipe has no size.
    let stored = metadata.is_file().then_some(metadata.len());
    decode(BufReader::with_capacity(1 << 16, file), stored, BYTES_MAX, unpacked_max)
}

/// `stored` is the number of bytes in `raw`, gzipped or not, where it is known; `max` the most that are read of what is
/// inside, and `unpacked` the most that so many bytes of gzip may hold.
fn decode(raw: impl BufRead, stored: Option<u64>, max: u64, unpacked: impl Fn(u64) -> u64) -> Result<Vec<u8>, Fault> {
    let mut stream = Stream::open(raw)?;
    if let (Stream::Plain(_), Some(stored)) = (&stream, stored)
        && stored > max
    {
        return Err(Fault::TooLong { max });
    }
    let packed = stored.filter(|_| matches!(stream, Stream::Gzip(_)));
    let packed = packed.map(|packed| (packed, unpacked(packed))).filter(|&(_, most)| most < max);
    let limit = packed.map_or(max, |(_, most)| most);
    // A plain file is as long as it is, and a byte more shows its end.
    let first = match stream {
        Stream::Plain(_) => stored.unwrap_or(0).saturating_add(1),
        Stream::Gzip(_) => stored.unwrap_or(0).saturating_mul(FIRST_RESERVATION),
    };
    let first = first.max(FIRST_RESERVATION_MIN);
    let mut bytes = Vec::new();
    loop {
        let len = bytes.len() as u64;
        let chunk = (limit - len).min(first.max(len));
        let reserved = usize::try_from(chunk).ok().and_then(|chunk| bytes.try_reserve_exact(chunk).ok());
        if reserved.is_none() {
            return Err(Fault::Memory { expected: len + chunk });
        }
        if stream.fill(chunk, &mut bytes)? < chunk {
            break;
        }
        if bytes.len() as u64 == limit {
            break;
        }
    }
    if !stream.ends()? {
        return Err(packed.map_or(Fault::TooLong { max }, |(packed, max)| Fault::Packed { packed, max }));
    }
    if bytes.is_empty() {
        return Err(Fault::NoText);
    }
    bytes.shrink_to_fit();
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn a_text_that_is_too_long() {
        let text = b"a,b\n1,2\n";
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        let zipped = encoder.finish().unwrap();
        for bytes in [&text[..], &zipped] {
            for stored in [None, Some(bytes.len() as u64)] {
                let read = |max| decode(bytes, stored, max, unpacked_max);
                assert_eq!(read(8).unwrap(), text);
                assert!(read(7).unwrap_err().to_string().contains("it is longer than 7 bytes"));
            }
        }
        // More than so few bytes of gzip may hold: a pipe has no size that says how few they are.
        let read = |bytes: &[u8], stored| decode(bytes, stored, 9, |_| 7);
        let message = read(&zipped, Some(zipped.len() as u64)).unwrap_err().to_string();
        assert!(message.contains("bytes of gzip hold more than 7"), "{message}");
        assert!(read(&zipped, None).is_ok() && read(text, Some(8)).is_ok());
    }
}
