//! What can be wrong with a data set, in words: which file, expected, found, and what to do.

use std::io;
use std::path::PathBuf;

use crate::idx::DECODED_MAX;
use crate::series::SeriesFault;

/// Why a data set cannot be read.
///
/// The message holds everything there is to say; [`source`](std::error::Error::source) repeats none of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// One file is wrong in itself.
    #[error("cannot read {origin}: {fault}")]
    File {
        /// The path, or a name for bytes that come from no file.
        origin: String,
        /// What is wrong with it.
        fault: Fault,
    },

    /// A table does not hold the time series asked for.
    #[error("cannot read {origin}: {fault}")]
    Series {
        /// The path, or a name for bytes that come from no file.
        origin: String,
        /// What is wrong with it.
        fault: Box<SeriesFault>,
    },

    /// The folder cannot be listed.
    #[error("cannot read the folder {}: {cause}; looked there for file names ending in {}", dir.display(), looked_for.join(", "))]
    Folder {
        /// The folder asked for.
        dir: PathBuf,
        /// What the system says.
        cause: io::Error,
        /// The endings of the four file names.
        looked_for: Vec<String>,
    },

    /// The folder lacks at least one of the four files.
    #[error(
        "missing in the folder {}: {}; looked for file names with these endings, with or without .gz, found {}",
        dir.display(), looked_for.join(", "), list(found)
    )]
    Missing {
        /// The folder asked for.
        dir: PathBuf,
        /// The endings that no file name has.
        looked_for: Vec<String>,
        /// The names of the files that are there.
        found: Vec<String>,
    },

    /// More than one file could be the one meant.
    #[error(
        "the folder {} holds {} files of {what}, expected one: {}; leave one of them there, or move each set into its own folder",
        dir.display(), found.len(), list(found)
    )]
    Several {
        /// The folder asked for.
        dir: PathBuf,
        /// Which of the four files this is.
        what: &'static str,
        /// The names of the files that match.
        found: Vec<String>,
    },

    /// Images and labels do not belong together.
    #[error(
        "{labels} holds {found} labels, expected {expected}, one for each image of {images}; take both files from one set"
    )]
    LabelCount {
        /// The file of images.
        images: String,
        /// The file of labels.
        labels: String,
        /// The number of images.
        expected: usize,
        /// The number of labels.
        found: usize,
    },

    /// Training and test images differ in size.
    #[error(
        "the images of {test} are {}, expected {} as in {train}; take both files from one set",
        product(found),
        product(expected)
    )]
    ImageSize {
        /// The file of training images.
        train: String,
        /// The file of test images.
        test: String,
        /// Rows and columns of a training image.
        expected: [usize; 2],
        /// Rows and columns of a test image.
        found: [usize; 2],
    },

    /// A label of the validation or test set is above all that remain for training.
    #[error(
        "{labels}: image {index}, in the {set} set, has label {label}, expected less than {classes}, as all labels in training are; \
         take all files from one set, with its images in random order"
    )]
    UnseenLabel {
        /// The file of labels.
        labels: String,
        /// `validation` or `test`.
        set: &'static str,
        /// Which image of the file, from 0.
        index: usize,
        /// Its label.
        label: u8,
        /// The highest label of the training images, and one.
        classes: usize,
    },

    /// There is nothing left to train on.
    #[error("{images} holds {found} image, expected at least 2, one for validation and one for training")]
    TooFew {
        /// The file of training images.
        images: String,
        /// The number of its images.
        found: usize,
    },
}

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

    /// Bytes follow the gzip stream. A second gzip stream is refused too, for no published set has one.
    #[error(
        "bytes follow the end of its gzip stream, expected none; get the file again, or unzip it and give the plain file"
    )]
    GzipExcess,
}

/// `60000×28×28`
fn product(dims: &[usize]) -> String {
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first few names: a folder can hold thousands.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    match names.len() {
        0 => "no files".to_owned(),
        n if n <= SHOWN => names.join(", "),
        n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
    }
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
