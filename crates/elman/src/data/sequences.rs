//! What a data set must be able to say.

use elman_datasets::ImageSet;
use ndarray::{Array1, Array3, ArrayView3};

use crate::Error;

/// A set of sequences, read row by row. Workers read at the same time, hence `Sync`.
pub trait Sequences: Sync {
    /// N, the rows.
    fn len(&self) -> usize;
    /// T, the steps of the longest row.
    fn steps(&self) -> usize;
    /// I, the floats of a step.
    fn input(&self) -> usize;
    /// Steps of a row, at most T.
    fn length(&self, _row: usize) -> usize {
        self.steps()
    }
    /// Writes step `step` of a row into `x [I]`.
    fn read(&self, row: usize, step: usize, x: &mut [f32]);
    /// Whether no input can be NaN or infinite, whatever the rows: then nobody needs to look.
    fn always_finite(&self) -> bool {
        false
    }
    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Sequences with what is to be said of them: a class each, a class a step, or values.
pub trait Labelled: Sequences {
    /// The class of a row; 0 where the data has values.
    fn label(&self, row: usize) -> usize;
    /// The class at a step of a row, for a head on every step; that of the row, unless the data has others.
    fn step_label(&self, row: usize, _step: usize) -> usize {
        self.label(row)
    }
    /// F, the values of each row, for a head of quantiles or values; 0 where the data has classes.
    fn horizon(&self) -> usize {
        0
    }
    /// Writes the values of a row, for quantiles those that follow it, into `y [F]`; NaN where one is not known.
    fn values(&self, _row: usize, _y: &mut [f32]) {}
    /// Writes the values at a step of a row into `y [F]`, for a head on every step; those of the row, unless the data has
    /// others.
    fn step_values(&self, row: usize, _step: usize, y: &mut [f32]) {
        self.values(row, y);
    }
}

/// An image is a sequence of its rows: T rows of I pixels, each times 1/255 as TensorFlow's reader does.
impl Sequences for ImageSet {
    fn len(&self) -> usize {
        self.len()
    }
    fn steps(&self) -> usize {
        self.rows
    }
    fn input(&self) -> usize {
        self.cols
    }
    #[inline]
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        read_pixels(self.image(row), step, x);
    }
    fn always_finite(&self) -> bool {
        true
    }
}

impl Labelled for ImageSet {
    #[inline]
    fn label(&self, row: usize) -> usize {
        usize::from(self.labels[row])
    }
}

/// Images without labels, to be predicted.
impl Sequences for elman_datasets::Images {
    fn len(&self) -> usize {
        self.len()
    }
    fn steps(&self) -> usize {
        self.rows
    }
    fn input(&self) -> usize {
        self.cols
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        read_pixels(self.image(row), step, x);
    }
    fn always_finite(&self) -> bool {
        true
    }
}

/// Row `step` of an image.
#[inline]
fn read_pixels(image: &[u8], step: usize, x: &mut [f32]) {
    let pixels = &image[step * x.len()..][..x.len()];
    for (x, &pixel) in x.iter_mut().zip(pixels) {
        *x = f32::from(pixel) * (1.0 / 255.0);
    }
}

/// Sequences and labels as plain arrays.
#[derive(Clone, Debug)]
pub struct Arrays {
    /// x [N, T, I]
    pub xs: Array3<f32>,
    /// Classes `[N]`.
    pub labels: Array1<usize>,
    /// Steps of each row `[N]`.
    pub lengths: Array1<usize>,
}

impl Arrays {
    /// Rows of one length: x [N, T, I], labels `[N]`.
    ///
    /// # Errors
    /// If there are not as many labels as rows.
    pub fn new(xs: Array3<f32>, labels: Array1<usize>) -> Result<Self, Error> {
        let lengths = Array1::from_elem(xs.shape()[0], xs.shape()[1]);
        Self::with_lengths(xs, labels, lengths)
    }

    /// Rows of different lengths: x [N, T, I], labels `[N]`, lengths `[N]`.
    ///
    /// # Errors
    /// If there are not as many labels or lengths as rows, or a length exceeds T.
    pub fn with_lengths(xs: Array3<f32>, labels: Array1<usize>, lengths: Array1<usize>) -> Result<Self, Error> {
        let (rows, steps) = (xs.shape()[0], xs.shape()[1]);
        for (what, found) in [("labels", labels.len()), ("lengths", lengths.len())] {
            if found != rows {
                return Err(Error::shape(what, &[found], &[rows]));
            }
        }
        if let Some(row) = lengths.iter().position(|&length| length > steps) {
            return Err(Error::Length { row, length: lengths[row], steps });
        }
        Ok(Arrays { xs, labels, lengths })
    }
}

impl Sequences for Arrays {
    fn len(&self) -> usize {
        self.xs.shape()[0]
    }
    fn steps(&self) -> usize {
        self.xs.shape()[1]
    }
    fn input(&self) -> usize {
        self.xs.shape()[2]
    }
    fn length(&self, row: usize) -> usize {
        self.lengths[row]
    }
    #[inline]
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        read_array(self.xs.view(), row, step, x);
    }
}

/// Step `step` of a row of `xs [N, T, I]`; in one copy where the array is row-major.
#[inline]
pub(crate) fn read_array(xs: ArrayView3<'_, f32>, row: usize, step: usize, x: &mut [f32]) {
    let (_, steps, input) = xs.dim();
    match xs.as_slice() {
        Some(flat) => x.copy_from_slice(&flat[(row * steps + step) * input..][..input]),
        None => x.iter_mut().enumerate().for_each(|(k, x)| *x = xs[[row, step, k]]),
    }
}

impl Labelled for Arrays {
    fn label(&self, row: usize) -> usize {
        self.labels[row]
    }
}
