//! Data sets for elman: MNIST and the sunspots embedded, and strict readers for IDX files and for tables of time series.
//!
//! - `mnist::load` gives the MNIST digits, which are stored inside this crate (feature `mnist`, on by default).
//! - [`images::load_dir`] reads any set in the same four files, such as Fashion-MNIST or EMNIST.
//! - [`images::read_images`] reads one file of images, without labels.
//! - [`idx`] reads one file of bytes of any shape.
//! - [`series::Reader`] reads time series from a table with a header.
//! - `sunspots::monthly` and `sunspots::yearly` give the sunspot numbers (feature `sunspots`, on by default).
//!
//! Files may be gzipped; that is recognised by their first bytes, not by their name. A file that is not exactly what its
//! header says is refused with an [`Error`] that names the file, what was expected and what was found.
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

mod error;
mod folder;
pub mod idx;
pub mod images;
#[cfg(feature = "mnist")]
pub mod mnist;
pub mod series;
mod stream;
#[cfg(feature = "sunspots")]
pub mod sunspots;

pub use error::{Error, Fault};
pub use images::{ImageSet, Images, Split};

/// The example of the README, run as a test.
#[cfg(all(doctest, feature = "mnist"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
