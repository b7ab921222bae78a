//! What can be wrong with a NumPy file, in words: which file and array, expected, found, and what to do.

use std::io;

use super::{BYTES_MAX, TEXTS_MAX};

/// Why a file cannot be read or written.
pub type Error = crate::FileError<Fault>;

/// What is wrong with one file or array.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system cannot open, read or write it.
    #[error("{0}; check the path and the permissions")]
    Io(io::Error),

    /// It does not start as an NPY file does.
    #[error("not an NPY file, expected it to start with the bytes 93 4e 55 4d 50 59, found {}", hex(found))]
    NotNpy {
        /// Its first bytes, six at most.
        found: Vec<u8>,
    },

    /// A version of the format that there is not.
    #[error("its version of the NPY format is {}.{}, expected 1.0, 2.0 or 3.0", found[0], found[1])]
    Version {
        /// The major and the minor number.
        found: [u8; 2],
    },

    /// The header is cut, or longer than that of any array of numbers.
    #[error("its header takes {expected} bytes, expected at most {max}, and found {found}; get the file again")]
    HeaderLength {
        /// The length of the header.
        expected: u64,
        /// The longest header that is read.
        max: u64,
        /// The bytes there are, as far as they were read.
        found: u64,
    },

    /// The header is not the dictionary that describes an array.
    #[error("its header is damaged at character {at}: expected {expected}, found {found}; get the file again")]
    Header {
        /// Where, counted from 0.
        at: usize,
        /// What should stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },

    /// Values of a type that is not read.
    #[error("its type is {found}, expected f4, f8, i4, i8, u1 or U; {}", type_advice(found))]
    Type {
        /// The type as the header names it.
        found: String,
    },

    /// More axes than NumPy itself allows.
    #[error("it has {found} axes, expected at most {max}")]
    Axes {
        /// How many.
        found: usize,
        /// NumPy's limit.
        max: usize,
    },

    /// The shape has no product in 64 bits.
    #[error("its shape is {shape:?}, which is more bytes than can be counted; get the file again")]
    Overflow {
        /// The shape.
        shape: Vec<usize>,
    },

    /// More bytes than are read or written.
    #[error("its shape is {shape:?}, which is {found} bytes, expected at most {BYTES_MAX}; cut it into smaller ones")]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
        /// The bytes of that shape.
        found: u64,
    },

    /// It holds more texts than this crate reads.
    #[error(
        "its shape is {shape:?}, which is {found} texts, expected at most {TEXTS_MAX}; cut it into smaller ones, or write \
         a number for each text"
    )]
    TooManyTexts {
        /// The shape.
        shape: Vec<usize>,
        /// The texts of that shape.
        found: u64,
    },

    /// It ends within the data.
    #[error("truncated: its shape is {shape:?}, expected {expected} bytes of data, found {found}; get the file again")]
    Truncated {
        /// The shape.
        shape: Vec<usize>,
        /// The bytes of that shape.
        expected: u64,
        /// The bytes there are.
        found: u64,
    },

    /// It goes on after the data.
    #[error("more data than its shape {shape:?}, expected {expected} bytes, found more; get the file again")]
    Excess {
        /// The shape.
        shape: Vec<usize>,
        /// The bytes of that shape.
        expected: u64,
    },

    /// The system has no memory for the data.
    #[error("no memory for its data, {expected} bytes; free some, or cut it into smaller ones")]
    Memory {
        /// The size of the data.
        expected: u64,
    },

    /// A character that is none.
    #[error("value {index} holds the character U+{code:X}, expected one of Unicode; get the file again")]
    Character {
        /// Which value, row-major, from 0.
        index: usize,
        /// Its code.
        code: u32,
    },

    /// Text that would come back shorter.
    #[error("value {index} ends with NUL, expected another character: NumPy takes the end of a text off if it is NUL")]
    EndsWithNul {
        /// Which value, row-major, from 0.
        index: usize,
    },

    /// The values to be written are not those of the shape.
    #[error("its shape is {shape:?}, expected as many values, found {found}")]
    Shape {
        /// The shape.
        shape: Vec<usize>,
        /// The number of values.
        found: usize,
    },

    /// Not a zip archive, or a damaged one.
    #[error("not a whole NPZ file, which is a zip archive ({cause}); get the file again")]
    Zip {
        /// What the archive's reader says.
        cause: String,
    },

    /// The archive holds a file that is no array.
    #[error("it holds the file {name}, expected names that end in .npy; save arrays alone with numpy.savez")]
    Entry {
        /// The file's name.
        name: String,
    },

    /// A file in the archive that is packed or locked in a way that `numpy.savez` does not use.
    #[error("{name} is {found}, expected stored or deflated; save it with numpy.savez or numpy.savez_compressed")]
    Packing {
        /// The array.
        name: String,
        /// The way it is packed.
        found: String,
    },

    /// Two arrays of one name.
    #[error("it holds two arrays {name}, expected one of each name")]
    Twice {
        /// The name.
        name: String,
    },

    /// More arrays than are listed.
    #[error("it holds more than {max} arrays, expected fewer")]
    TooMany {
        /// How many are listed at most.
        max: usize,
    },

    /// Arrays that lie over each other, or end after the file.
    #[error("its arrays take {found} bytes, expected at most {expected}, the size of the file; get the file again")]
    Overlap {
        /// The size of the file.
        expected: u64,
        /// The sizes of its arrays, packed.
        found: u64,
    },

    /// Packed more tightly than data is.
    #[error(
        "{name} unpacks to {found} bytes from {packed}, expected at most {max} times as many; save it with numpy.savez"
    )]
    Bomb {
        /// The array.
        name: String,
        /// Its size packed.
        packed: u64,
        /// Its size.
        found: u64,
        /// How many times the packed size is read.
        max: u64,
    },

    /// No array of that name.
    #[error("it holds no array {name}, expected one; the arrays that it holds: {}", list(found))]
    Missing {
        /// The name asked for.
        name: String,
        /// The names there are.
        found: Vec<String>,
    },

    /// A name that cannot stand in an archive.
    #[error("the array's name {name:?} cannot stand in a zip archive; expected parts of a path, with / between them")]
    Name {
        /// The name.
        name: String,
    },
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "no bytes".to_owned();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// `found` is the type in NumPy's letters, which follow the sign of the byte order.
fn type_advice(found: &str) -> &'static str {
    match found.trim_start_matches(['<', '>', '|', '=']).chars().next() {
        Some('O') => "it holds Python objects, which only Python can read: convert it with astype first",
        Some('S' | 'a') => "it holds bytes: convert it with astype('U') first",
        Some('[') => "it holds records: save each of their fields as an array",
        _ => "convert it with astype first",
    }
}

/// The first few names.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    match names.len() {
        0 => "none".to_owned(),
        n if n <= SHOWN => names.join(", "),
        n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
    }
}
