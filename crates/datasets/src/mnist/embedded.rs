//! The embedded digits.

use std::ops::Range;

use super::packed::{PART, PIXELS, Packed};
use crate::idx::Source;
use crate::{Error, Fault, ImageSet, Split, images};

const SIDE: usize = 28;
const TRAIN: usize = 60_000;
const TEST: usize = 10_000;

/// The names of the published files, in the order of [`files`].
const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

static TRAIN_LABELS: &[u8] = include_bytes!("../../data/mnist/train-labels-idx1-ubyte.gz");
static TEST_LABELS: &[u8] = include_bytes!("../../data/mnist/t10k-labels-idx1-ubyte.gz");

/// Unpacks MNIST, split as by TensorFlow's `read_data_sets`: the first 5,000 of the 60,000 training images are for
/// validation, the other 55,000 for training, and 10,000 for the test.
///
/// # Errors
/// [`Error`] if there is no memory for the 55 MB of pixels. The data itself is checked by the tests.
pub fn load() -> Result<Split, Error> {
    let (train, test) = sets()?;
    images::divide(train, test, NAMES)
}

/// Unpacks the test images of [`load`] alone, which takes a tenth of its time.
///
/// # Errors
/// [`Error`] if there is no memory for the 8 MB of pixels.
pub fn load_test() -> Result<ImageSet, Error> {
    test(&Packed::embedded())
}

/// The four files as they were published, unzipped: their names, and their bytes.
///
/// # Errors
/// As [`load`].
pub fn files() -> Result<[(&'static str, Vec<u8>); 4], Error> {
    let (train, test) = sets()?;
    let images = |set: &ImageSet| idx(&[set.len(), SIDE, SIDE], &set.images);
    let labels = |set: &ImageSet| idx(&[set.len()], &set.labels);
    let [train_images, train_labels, test_images, test_labels] = NAMES;
    Ok([
        (train_images, images(&train)),
        (train_labels, labels(&train)),
        (test_images, images(&test)),
        (test_labels, labels(&test)),
    ])
}

fn sets() -> Result<(ImageSet, ImageSet), Error> {
    let packed = Packed::embedded();
    Ok((train(&packed)?, test(&packed)?))
}

fn train(packed: &Packed) -> Result<ImageSet, Error> {
    let [images, labels, ..] = NAMES;
    set(packed, 0..TRAIN / PART, images, &Source::Bytes { name: labels, bytes: TRAIN_LABELS })
}

fn test(packed: &Packed) -> Result<ImageSet, Error> {
    let [.., images, labels] = NAMES;
    set(packed, TRAIN / PART..(TRAIN + TEST) / PART, images, &Source::Bytes { name: labels, bytes: TEST_LABELS })
}

/// The images of some parts, with their labels.
fn set(packed: &Packed, parts: Range<usize>, name: &str, labels: &Source) -> Result<ImageSet, Error> {
    let size = parts.len() * PART * PIXELS;
    let mut images = Vec::new();
    if images.try_reserve_exact(size).is_err() {
        return Err(Error::File { origin: name.to_owned(), fault: Fault::Memory { expected: size as u64 } });
    }
    for part in parts {
        assert!(packed.append(part, &mut images), "the embedded images are damaged");
    }
    let labels = labels.read(Some(1))?.data;
    Ok(ImageSet { images, labels, rows: SIDE, cols: SIDE })
}

/// A file in the IDX format.
fn idx(dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 0x08, dims.len() as u8];
    file.extend(dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes()));
    file.extend_from_slice(data);
    file
}
