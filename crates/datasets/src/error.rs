//! What can be wrong with a data set, in words: which file, expected, found, and what to do.

use std::io;
use std::path::PathBuf;

use elman_formats::numpy::Error as NumpyError;

use crate::Fault;
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

    /// A line of a text is not what its format asks for.
    #[error("cannot read {origin}: line {line}{}: expected {expected}, found {found}", after_comma(at.as_deref()))]
    Line {
        /// The path, or a name for text that comes from no file.
        origin: String,
        /// Which line, from 1.
        line: u64,
        /// Where in the line.
        at: Option<String>,
        /// What should stand there.
        expected: String,
        /// What does.
        found: String,
    },

    /// A table or `.ts` file holds more than is kept in memory.
    #[error("cannot read {origin}: line {line}: expected at most {max} {what}, found more; {advice}")]
    TooMany {
        /// The path, or a name for text that comes from no file.
        origin: String,
        /// The line that goes beyond it, from 1.
        line: u64,
        /// The most there may be.
        max: usize,
        /// Of what.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },

    /// A table lacks a column.
    #[error("cannot read {origin}: no column {name}, expected one; the columns that it has: {}", list(found))]
    Column {
        /// The path.
        origin: String,
        /// The name asked for.
        name: String,
        /// The names there are.
        found: Vec<String>,
    },

    /// A column is asked for twice.
    #[error("cannot read {origin}: column {name} is asked for both as {} and as {}, expected one of them", uses[0], uses[1])]
    ColumnTwice {
        /// The path.
        origin: String,
        /// The column.
        name: String,
        /// What for: `id`, `time`, `label` or `feature`.
        uses: [&'static str; 2],
    },

    /// An array of an `.npz` file is not what it should be.
    #[error("cannot read {origin}: array {name}: expected {expected}, found {found}")]
    Array {
        /// The path.
        origin: String,
        /// The array.
        name: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },

    /// An `.npz` file cannot be read.
    #[error("{0}")]
    Numpy(NumpyError),

    /// The format of sequences cannot be told.
    #[error(
        "cannot tell the format of {}, expected a name that ends in .arff, .ts, .csv or .tsv, with or without .gz, or in .npz",
        path.display()
    )]
    Format {
        /// The path.
        path: PathBuf,
    },

    /// A file of sequences holds none.
    #[error("{origin} holds no sequences, expected at least one; check that it is the file you meant")]
    NoSequences {
        /// The path.
        origin: String,
    },

    /// A file to learn from holds no labels.
    #[error("{origin} holds no labels, expected one for each sequence; {advice}")]
    NoLabels {
        /// The path.
        origin: String,
        /// Where a label would be looked for.
        advice: String,
    },

    /// A format of one label for each sequence, where each step is to have one.
    #[error(
        "cannot read {origin} with a label for each step: its format has one for each sequence; expected a table (.csv, .tsv) \
         with a step in each line, or an .npz with y [N, T]"
    )]
    StepLabels {
        /// The path.
        origin: String,
    },

    /// What stands in the place of a sequence's number is none.
    #[error("{origin}: sequence {row}{} has {found} in the place of its number; expected a finite number", in_brackets(id.as_deref()))]
    NoNumber {
        /// The path.
        origin: String,
        /// Which sequence of the file, from 0.
        row: usize,
        /// Its id, where the file has ids.
        id: Option<String>,
        /// What stands there.
        found: String,
    },

    /// There is nothing to tell apart.
    #[error("{origin} holds {} ({}), expected at least two classes", count(found.len(), "class", "classes"), list(found))]
    Classes {
        /// The path.
        origin: String,
        /// The names of its classes.
        found: Vec<String>,
    },

    /// A label that no sequence in training has.
    #[error(
        "{origin}: sequence {row}{} has the label {label}, expected one of those in training: {}",
        in_brackets(id.as_deref()), list(classes)
    )]
    UnseenClass {
        /// The path.
        origin: String,
        /// Which sequence of the file, from 0.
        row: usize,
        /// Its id, where the file has ids.
        id: Option<String>,
        /// The label.
        label: String,
        /// The names of the classes in training.
        classes: Vec<String>,
    },

    /// Sequences of other features than those in training.
    #[error(
        "{origin} has {} ({}), expected {} as in training ({})",
        count(found.len(), "feature", "features"), list(found), expected.len(), list(expected)
    )]
    Features {
        /// The path.
        origin: String,
        /// The names of the features in training.
        expected: Vec<String>,
        /// Those of this file.
        found: Vec<String>,
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

/// `60000×28×28`
pub(crate) fn product(dims: &[usize]) -> String {
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// A piece of a file in quotes, up to a length that fits a message.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None if text.is_empty() => "nothing".to_owned(),
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?} and more", &text[..end]),
    }
}

fn after_comma(place: Option<&str>) -> String {
    place.map(|place| format!(", {place}")).unwrap_or_default()
}

fn in_brackets(id: Option<&str>) -> String {
    id.map(|id| format!(" (id {id})")).unwrap_or_default()
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
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
