//! What can be wrong with a checkpoint, in words: which file and variable, expected, found, and what to do.

use std::io;

/// Why a checkpoint cannot be read.
pub type Error = crate::FileError<Fault>;

/// What is wrong with one file or variable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system cannot open or read it.
    #[error("{0}; a checkpoint is PREFIX.index and PREFIX.data-00000-of-00001 beside it, which belong together")]
    Io(io::Error),

    /// The table does not end as one.
    #[error("it does not end as a table of TensorFlow's does; get the file again, or name the checkpoint's .index")]
    NoTable,

    /// The table is damaged.
    #[error("its table is damaged at byte {at}: expected {expected}; get the file again")]
    Table {
        /// Counted from 0.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },

    /// A checksum differs.
    #[error("the checksum of {what} differs; get the files again")]
    Checksum {
        /// Of what.
        what: &'static str,
    },

    /// Packed blocks.
    #[error(
        "its table is packed by {found}, which TensorFlow's own checkpoints are not; expected plain blocks; load it with \
         TensorFlow and save it again: tf.train.Saver().save(session, path)"
    )]
    Packed {
        /// The way it is packed.
        found: String,
    },

    /// Longer names, or more of them, than a model has.
    #[error("its table has more than {max} {what}; expected fewer")]
    TooMany {
        /// How many are read at most.
        max: usize,
        /// Of what.
        what: &'static str,
    },

    /// No header.
    #[error(
        "its table has no header of a checkpoint; if tf.train.Saver wrote it with write_version=V1, load it and save it again \
         without"
    )]
    Header,

    /// From a machine with the other byte order.
    #[error("it is big-endian; save it on a little-endian machine")]
    BigEndian,

    /// A header that lies.
    #[error("it says that its variables are in {found} files; expected 1 to {max}")]
    ShardCount {
        /// By the header.
        found: i32,
        /// The most that are read.
        max: usize,
    },

    /// Other files than the header says.
    #[error("its variables are in {expected} files; found {found}")]
    Shards {
        /// By the header.
        expected: usize,
        /// That were given.
        found: usize,
    },

    /// A name that is no text.
    #[error("a variable's name is not UTF-8; get the file again")]
    Name,

    /// An entry that is no message.
    #[error("its entry in the table is damaged ({cause}); get the file again")]
    Message {
        /// What the decoder says.
        cause: String,
    },

    /// A partitioned variable.
    #[error(
        "it is kept in slices, as a partitioner makes them; expected it whole; load it into a variable without a partitioner, \
         and save that"
    )]
    Sliced,

    /// Bytes and shape do not fit.
    #[error("its shape is {shape:?}, and it has {found} bytes: these do not fit each other; get the files again")]
    Size {
        /// Length of each axis.
        shape: Vec<usize>,
        /// Its bytes.
        found: i64,
    },

    /// It lies outside its file.
    #[error(
        "it has {size} bytes from byte {offset} of file {shard} of variables, which do not lie in it; get the files again"
    )]
    Place {
        /// In bytes.
        size: i64,
        /// In bytes.
        offset: i64,
        /// The file, from 0.
        shard: i32,
    },

    /// Variables over each other.
    #[error("with it the variables have more than the {max} bytes of their files; get the files again")]
    Overlap {
        /// Bytes of all files of variables.
        max: u64,
    },
}
