//! The MNIST digits, embedded: LeCun, Cortes, Burges, <http://yann.lecun.com/exdb/mnist/>.
//!
//! 60,000 training and 10,000 test images of handwritten digits, 28×28. The terms are in `data/mnist/README.md`.

use crate::idx::Source;
use crate::{Error, Split, images};

/// The four files, unchanged but for how tightly they are gzipped: their names, and their bytes.
pub static FILES: [(&str, &[u8]); 4] = [
    ("train-images-idx3-ubyte.gz", include_bytes!("../data/mnist/train-images-idx3-ubyte.gz")),
    ("train-labels-idx1-ubyte.gz", include_bytes!("../data/mnist/train-labels-idx1-ubyte.gz")),
    ("t10k-images-idx3-ubyte.gz", include_bytes!("../data/mnist/t10k-images-idx3-ubyte.gz")),
    ("t10k-labels-idx1-ubyte.gz", include_bytes!("../data/mnist/t10k-labels-idx1-ubyte.gz")),
];

/// Unzips MNIST, split as by TensorFlow's `read_data_sets`: the first 5,000 of the 60,000 training images are for
/// validation, the other 55,000 for training, and 10,000 for the test.
///
/// # Errors
/// [`Error`] if there is no memory for the 55 MB of pixels. The files themselves are checked by the tests.
pub fn load() -> Result<Split, Error> {
    images::load(FILES.map(|(name, bytes)| Source::Bytes { name, bytes }))
}
