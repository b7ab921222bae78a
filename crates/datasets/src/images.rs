//! Labelled grey images, and the folder of four IDX files they come in.
//!
//! N images, one byte a pixel, row-major. Everything is given as it is stored: MNIST has 0 for paper and 255 for ink, and
//! EMNIST has rows and columns of each image exchanged, and counts its letters from 1.

use std::fmt;
use std::path::Path;

use crate::idx::{Idx, Source};
use crate::{Error, Fault, folder};

/// N labelled grey images.
#[derive(Clone, PartialEq, Eq)]
pub struct ImageSet {
    /// `[N, rows, cols]`
    pub images: Vec<u8>,
    /// `[N]`
    pub labels: Vec<u8>,
    /// The height of an image.
    pub rows: usize,
    /// The width of an image.
    pub cols: usize,
}

impl ImageSet {
    /// The number of images, N.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True if there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// `[rows, cols]`: the pixels of image `n`.
    ///
    /// # Panics
    /// If there is no image `n`.
    pub fn image(&self, n: usize) -> &[u8] {
        pixels(&self.images, n, self.rows * self.cols)
    }

    /// The highest label and one: labels count from 0, and some may not occur.
    pub fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |&label| usize::from(label) + 1)
    }

    /// The first `n` images, and the others. Copies the smaller part; the other keeps its place in memory.
    ///
    /// # Panics
    /// If there are fewer than `n` images.
    pub fn split_at(self, n: usize) -> (Self, Self) {
        assert!(n <= self.len(), "cannot take {n} images of {}", self.len());
        let Self { images, labels, rows, cols } = self;
        let (first_images, other_images) = split_at(images, n * rows * cols);
        let (first_labels, other_labels) = split_at(labels, n);
        (
            Self { images: first_images, labels: first_labels, rows, cols },
            Self { images: other_images, labels: other_labels, rows, cols },
        )
    }
}

impl fmt::Debug for ImageSet {
    /// Without the pixels and labels, which are many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, cols, .. } = self;
        write!(f, "ImageSet {{ {} images {rows}×{cols}, {} classes }}", self.len(), self.classes())
    }
}

/// N grey images without labels.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    /// `[N, rows, cols]`
    pub images: Vec<u8>,
    /// The height of an image.
    pub rows: usize,
    /// The width of an image.
    pub cols: usize,
}

impl Images {
    /// The number of images, N.
    pub fn len(&self) -> usize {
        self.images.len().checked_div(self.rows * self.cols).unwrap_or(0)
    }

    /// True if there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `[rows, cols]`: the pixels of image `n`.
    ///
    /// # Panics
    /// If there is no image `n`.
    pub fn image(&self, n: usize) -> &[u8] {
        pixels(&self.images, n, self.rows * self.cols)
    }
}

impl fmt::Debug for Images {
    /// Without the pixels, which are many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Images {{ {} images {}×{} }}", self.len(), self.rows, self.cols)
    }
}

/// A data set in its three parts. The images of all three have one size, and no label of validation or test is above
/// those of training, so `train.classes()` is the number of classes for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What a model learns from.
    pub train: ImageSet,
    /// The first [`validation_count`] images of the training file.
    pub validation: ImageSet,
    /// The test file.
    pub test: ImageSet,
}

/// How many images at the start of a training file are kept for validation: 5,000, as TensorFlow's `read_data_sets` does;
/// of a file with fewer than 10,000 images one twelfth, the share this is of MNIST, but at least one.
pub fn validation_count(training: usize) -> usize {
    if training >= 10_000 { 5_000 } else { (training / 12).max(1) }
}

/// Reads the four IDX files of a set from a folder: MNIST, Fashion-MNIST, EMNIST, or any of the same form. Images may have
/// any size, and there may be up to 256 classes.
///
/// A file is found by the end of its name, which may be followed by `.gz`; anything may stand before it:
/// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` or `test-images-idx3-ubyte`,
/// `t10k-labels-idx1-ubyte` or `test-labels-idx1-ubyte`, each also with a dot before `idx`. Other files are ignored.
/// The split into training and validation images is that of [`validation_count`].
///
/// # Errors
/// [`Error`], if a file is missing, if several have the same ending, if one is not exactly what its header says, or if
/// they do not belong together.
pub fn load_dir(dir: &Path) -> Result<Split, Error> {
    load(folder::find(dir)?.map(Source::Path))
}

/// Reads one IDX file of images, gzipped or not.
///
/// # Errors
/// [`Error::File`], if it is not exactly one IDX array of u8 in three dimensions, none of them zero.
pub fn read_images(path: &Path) -> Result<Images, Error> {
    images(&Source::Path(path.to_owned()))
}

/// Reads the content of an IDX file of images, gzipped or not; `name` stands for it in messages.
///
/// # Errors
/// As [`read_images`].
pub fn parse_images(name: &str, bytes: &[u8]) -> Result<Images, Error> {
    images(&Source::Bytes { name, bytes })
}

/// The least difference between the darkest and the lightest pixel of an image that shows anything: an eighth of all.
const CONTRAST: u8 = 32;

/// Blank images whose places are named.
const NAMED: usize = 5;

/// Whether an image has next to no contrast: nothing is on it.
pub fn is_blank(pixels: &[u8]) -> bool {
    let (mut least, mut most) = (u8::MAX, u8::MIN);
    // Of most images the first few rows show enough.
    !pixels.iter().any(|&pixel| {
        (least, most) = (least.min(pixel), most.max(pixel));
        most - least >= CONTRAST
    })
}

/// Which of images `[N, size]` are blank, as a sentence about `name`; None where none is.
pub fn blank(images: &[u8], size: usize, name: &str) -> Option<String> {
    let all = || images.chunks_exact(size.max(1)).enumerate().filter(|(_, pixels)| is_blank(pixels));
    let (_, first) = all().next()?;
    let (count, of) = (all().count(), images.len() / size.max(1));
    let levels = match (first.iter().min(), first.iter().max()) {
        (Some(least), Some(most)) if least < most => format!("its pixels are {least} to {most} of 255"),
        (Some(level), _) => format!("all its pixels are {level}"),
        _ => "it has no pixels".into(),
    };
    if of == 1 {
        return Some(format!("{name} is blank, {levels}"));
    }
    let mut places: Vec<String> = all().take(NAMED).map(|(place, _)| place.to_string()).collect();
    if count > NAMED {
        places.push("…".into());
    }
    let what = if count == 1 { "image is" } else { "images are" };
    Some(format!("{count} of {of} {what} blank in {name}, at {}; of the first {levels}", places.join(", ")))
}

/// Training images, training labels, test images, test labels.
pub(crate) fn load(sources: [Source; 4]) -> Result<Split, Error> {
    let [train_images, train_labels, test_images, test_labels] = &sources;
    let train = labelled(train_images, train_labels)?;
    let test = labelled(test_images, test_labels)?;
    divide(train, test, sources.map(|source| source.origin()))
}

/// Takes the validation images off the training images, and checks that all three belong together. The origins are those
/// of training images, training labels, test images and test labels.
pub(crate) fn divide(train: ImageSet, test: ImageSet, origins: [impl Into<String>; 4]) -> Result<Split, Error> {
    let [train_images, train_labels, test_images, test_labels] = origins.map(Into::into);
    let (expected, found) = ([train.rows, train.cols], [test.rows, test.cols]);
    if expected != found {
        return Err(Error::ImageSize { train: train_images, test: test_images, expected, found });
    }
    if train.len() < 2 {
        return Err(Error::TooFew { images: train_images, found: train.len() });
    }
    let validation_count = validation_count(train.len());
    let (validation, train) = train.split_at(validation_count);

    // Classes are those of the images that remain: a head built for them must have a place for every label.
    let classes = train.classes();
    for (set, labels, name) in [(&validation, train_labels, "validation"), (&test, test_labels, "test")] {
        if let Some(index) = set.labels.iter().position(|&label| usize::from(label) >= classes) {
            return Err(Error::UnseenLabel { labels, set: name, index, label: set.labels[index], classes });
        }
    }
    Ok(Split { train, validation, test })
}

fn labelled(image_source: &Source, label_source: &Source) -> Result<ImageSet, Error> {
    let Images { images, rows, cols } = images(image_source)?;
    let Idx { data: labels, .. } = nonempty(label_source, 1)?;
    let (expected, found) = (images.len() / (rows * cols), labels.len());
    if expected != found {
        let (images, labels) = (image_source.origin(), label_source.origin());
        return Err(Error::LabelCount { images, labels, expected, found });
    }
    Ok(ImageSet { images, labels, rows, cols })
}

fn images(source: &Source) -> Result<Images, Error> {
    let Idx { dims, data } = nonempty(source, 3)?;
    Ok(Images { images: data, rows: dims[1], cols: dims[2] })
}

fn nonempty(source: &Source, dimensions: usize) -> Result<Idx, Error> {
    let idx = source.read(Some(dimensions))?;
    if idx.data.is_empty() {
        return Err(Error::File { origin: source.origin(), fault: Fault::Empty { dims: idx.dims } });
    }
    Ok(idx)
}

fn pixels(images: &[u8], n: usize, size: usize) -> &[u8] {
    &images[n * size..][..size]
}

/// Moves the bytes of the larger part at most within their allocation, so that there is never a second copy of it.
fn split_at(mut bytes: Vec<u8>, at: usize) -> (Vec<u8>, Vec<u8>) {
    if at <= bytes.len() / 2 {
        let first = bytes.drain(..at).collect();
        bytes.shrink_to_fit();
        (first, bytes)
    } else {
        let others = bytes.split_off(at);
        bytes.shrink_to_fit();
        (bytes, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_splitting_keep_every_image_with_its_label() {
        let set = ImageSet { images: (0..30).collect(), labels: (0..5).collect(), rows: 2, cols: 3 };
        for n in 0..=5 {
            let (first, others) = set.clone().split_at(n);
            assert_eq!((first.len(), others.len()), (n, 5 - n));
            assert_eq!((others.rows, others.cols), (2, 3));
            for i in 0..5 {
                let (part, j) = if i < n { (&first, i) } else { (&others, i - n) };
                assert_eq!(part.image(j), set.image(i));
                assert_eq!(part.labels[j], set.labels[i]);
            }
        }
    }

    #[test]
    fn a_split_leaves_no_spare_memory() {
        for at in [1, 99] {
            let (first, others) = split_at(vec![7; 100], at);
            assert_eq!((first.capacity(), others.capacity()), (at, 100 - at));
        }
    }

    #[test]
    fn validation_is_tensorflows_5000_or_a_twelfth() {
        let counts = [(60_000, 5_000), (10_000, 5_000), (9_999, 833), (24, 2), (23, 1), (2, 1)];
        for (training, validation) in counts {
            assert_eq!(validation_count(training), validation, "of {training}");
        }
    }

    #[test]
    fn the_classes_are_the_highest_label_and_one() {
        let set = |labels: &[u8]| ImageSet { images: labels.to_vec(), labels: labels.to_vec(), rows: 1, cols: 1 };
        assert_eq!(set(&[]).classes(), 0);
        assert_eq!(set(&[3, 1]).classes(), 4);
        assert_eq!(set(&[0, 255]).classes(), 256);
    }
}
