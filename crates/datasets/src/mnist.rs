//! The MNIST digits: LeCun, Cortes, Burges, <http://yann.lecun.com/exdb/mnist/>.
//!
//! 60,000 training and 10,000 test images of handwritten digits, 28×28. The terms are in `data/mnist/README.md`, and how
//! the images are stored. What is unpacked is what was published, byte for byte. They are embedded with the feature `mnist`;
//! with `mnist-parts` alone, whoever has the stored bytes unpacks them part by part.

#[cfg(feature = "mnist")]
mod embedded;
mod packed;

#[cfg(feature = "mnist")]
pub use embedded::{files, load, load_test};
pub use packed::{HEAD, PART, Unpacker};
