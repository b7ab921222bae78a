//! What can be wrong with one file.

use std::io;

use crate::error::product;
use crate::idx::DECODED_MAX;

/// What is wrong with one file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system cannot open or read it.
    #[error("{0}; check the path and the permissions")]
    Io(io::Error),

    /// The first four bytes are not those of an IDX file.
    #[error(
        "not an IDX file (magic 0x{}), expected 0x00000803 for images or 0x00000801 for labels; {}",
        hex(magic), advice(*magic)
    )]
    NotIdx {
        /// The first four bytes.
        magic: [u8; 4],
    },

    /// The elements are numbers of another type.
    #[error("its elements are {found} (magic 0x{}), expected u8 (0x000008..); convert them to bytes first", hex(magic))]
    ElementType {
        /// The first four bytes.
        magic: [u8; 4],
        /// The type they name.
        found: &'static str,
    },

    /// It holds something else, such as labels in place of images.
    #[error(
        "its number of dimensions is {found} (magic 0x000008{found:02x}), expected {}; check that images and labels are not swapped",
        meaning(*expected)
    )]
    Dimensions {
        /// 3 for images, 1 for labels; 0 where any number above zero will do.
        expected: usize,
        /// What the header says.
        found: usize,
    },

    /// It ends within the header.
    #[error("truncated: its header takes {expected} bytes, found {found}; get the file again")]
    HeaderTruncated {
        /// The length of the header in bytes.
        expected: usize,
        /// The bytes there are.
        found: usize,
    },

    /// It ends within the data.
    #[error(
        "truncated: its header says {}, expected {expected} bytes after the header, found {found}; get the file again",
        product(dims)
    )]
    Truncated {
        /// The dimensions of the header.
        dims: Vec<usize>,
        /// Their product.
        expected: u64,
        /// The bytes there are.
        found: u64,
    },

    /// It goes on after the data.
    #[error(
        "more data than its header says ({}), expected {expected} bytes after the header, found more; get the file again",
        product(dims)
    )]
    Excess {
        /// The dimensions of the header.
        dims: Vec<usize>,
        /// Their product.
        expected: u64,
    },

    /// The dimensions have no product in 64 bits.
    #[error(
        "its header says {}, which is more bytes than can be counted; the header is damaged, get the file again",
        product(dims)
    )]
    Overflow {
        /// The dimensions of the header.
        dims: Vec<usize>,
    },

    /// It decodes to more bytes than this crate reads.
    #[error(
        "its header says {}, which is {found} bytes, expected at most {DECODED_MAX}; \
         the header is damaged, or the file must be cut into smaller ones",
        product(dims)
    )]
    TooLarge {
        /// The dimensions of the header.
        dims: Vec<usize>,
        /// Their product.
        found: u64,
    },

    /// The system has no memory for the data.
    #[error("no memory for its data, {expected} bytes; free some, or cut the file into smaller ones")]
    Memory {
        /// The size of the data.
        expected: u64,
    },

    /// It decodes to more text than this crate reads.
    #[error("it is longer than {max} bytes, expected fewer; cut it into smaller files")]
    TooLong {
        /// The most that is read.
        max: u64,
    },

    /// It is gzipped, and holds more than any honest file of its size.
    #[error(
        "its {packed} bytes of gzip hold more than {max}; only made-up data shrinks so: unzip it, and give the plain file"
    )]
    Packed {
        /// Its size, gzipped.
        packed: u64,
        /// The most that is taken from so many.
        max: u64,
    },

    /// It holds no byte.
    #[error("it is empty, expected text; check that it is the file you meant")]
    NoText,

    /// It is text in another encoding, or no text.
    #[error("not UTF-8: byte 0x{byte:02x} at offset {offset}, in line {line}; {advice}")]
    NotUtf8 {
        /// How many bytes stand before it.
        offset: u64,
        /// Its line, from 1.
        line: u64,
        /// The first byte that is not UTF-8.
        byte: u8,
        /// What to do.
        advice: &'static str,
    },

    /// It is text of two or four bytes a character.
    #[error("it is {encoding}, expected UTF-8; save it as UTF-8, as by iconv -f {encoding} -t UTF-8")]
    Wide {
        /// As iconv names it.
        encoding: &'static str,
    },

    /// It has a header and no data.
    #[error("it is empty: its header says {}, expected every dimension above zero; get the file again", product(dims))]
    Empty {
        /// The dimensions of the header.
        dims: Vec<usize>,
    },

    /// The gzip stream is broken or cut, or its checksum is wrong.
    #[error("damaged gzip stream ({cause}); get the file again")]
    Gzip {
        /// What the decoder says.
        cause: io::Error,
    },

    /// Bytes follow the last gzip member that are no member.
    #[error(
        "bytes follow the end of its gzip stream, expected none; get the file again, or unzip it and give the plain file"
    )]
    GzipExcess,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn meaning(dimensions: usize) -> &'static str {
    match dimensions {
        1 => "1 (labels)",
        3 => "3 (images, rows, columns)",
        _ => "at least 1",
    }
}

fn advice(magic: [u8; 4]) -> &'static str {
    match magic {
        [0x1f, 0x8b, ..] => "it is gzipped twice, unzip it once",
        [b'P', b'K', ..] => "it is a zip archive, unpack it",
        _ => "check that it is the file you meant",
    }
}
