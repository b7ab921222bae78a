//! Data sets for elman: some embedded, and strict readers of images, sequences, text and time series.
//!
//! - `mnist::load` gives the MNIST digits and `mnist::load_test` those of the test alone, `japanese_vowels::load` the
//!   utterances of nine speakers, `shakespeare::load` eight plays. They are stored inside this crate, each under a feature
//!   of its name that is on by default.
//! - [`images::load_dir`] reads any set in MNIST's four files, such as Fashion-MNIST or EMNIST.
//! - [`images::read_images`] reads one file of images, without labels.
//! - [`idx`] reads one file of bytes of any shape.
//! - [`sequences::load`] and [`sequences::train_test`] read labelled sequences: `.ts`, `.arff`, `.csv`, `.tsv`, `.npz`.
//! - [`text::read`] reads a text as it is.
//! - [`series::Reader`] reads time series from a table with a header.
//! - `sunspots::monthly` and `sunspots::yearly` give the sunspot numbers (feature `sunspots`, on by default).
//!
//! Files may be gzipped, all but `.npz`; that is recognised by their first bytes, not by their name. A file that is not
//! exactly what its format says is refused with an [`Error`] that names the file, what was expected and what was found.
//!
//! ```
//! # #[cfg(feature = "mnist")] {
//! let mnist = elman_datasets::mnist::load()?;
//!
//! assert_eq!((mnist.train.len(), mnist.validation.len(), mnist.test.len()), (55_000, 5_000, 10_000));
//! assert_eq!((mnist.train.rows, mnist.train.cols, mnist.train.classes()), (28, 28, 10));
//!
//! // The first test image is a seven.
//! assert_eq!(mnist.test.labels[0], 7);
//! assert_eq!(mnist.test.image(0).len(), 28 * 28);
//! # }
//! # Ok::<(), elman_datasets::Error>(())
//! ```

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod error;
mod fault;
mod folder;
pub mod idx;
pub mod images;
#[cfg(feature = "japanese-vowels")]
pub mod japanese_vowels;
mod limits;
mod line;
#[cfg(feature = "mnist-parts")]
pub mod mnist;
mod names;
pub mod sequences;
pub mod series;
#[cfg(feature = "shakespeare")]
pub mod shakespeare;
mod stream;
#[cfg(feature = "sunspots")]
pub mod sunspots;
mod table;
pub mod text;

pub use error::Error;
pub use fault::Fault;
pub use images::{ImageSet, Images, Split};
pub use sequences::SequenceSet;

/// The example of the README, run as a test.
#[cfg(all(doctest, feature = "mnist", feature = "japanese-vowels"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
