//! Data sets as a network reads them: rows of steps of numbers.

use elman_datasets::ImageSet;
use ndarray::{Array3, ArrayView3};

use super::augment::Draw;

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
    /// Writes what a step of training reads of step `step` of a row: the same, unless the set changes its rows at random,
    /// by what `draw` says and by nothing else.
    fn read_in_training(&self, row: usize, step: usize, draw: Draw, x: &mut [f32]) {
        let _ = draw;
        self.read(row, step, x);
    }
    /// Whether no input can be NaN or infinite, whatever the rows: then nobody needs to look.
    fn always_finite(&self) -> bool {
        false
    }
    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A set that is lent, or in a box, also one whose type is not known.
macro_rules! through {
    ($($of:ty),*) => {$(
        impl<S: Sequences + ?Sized> Sequences for $of {
            fn len(&self) -> usize {
                (**self).len()
            }
            fn steps(&self) -> usize {
                (**self).steps()
            }
            fn input(&self) -> usize {
                (**self).input()
            }
            fn length(&self, row: usize) -> usize {
                (**self).length(row)
            }
            fn read(&self, row: usize, step: usize, x: &mut [f32]) {
                (**self).read(row, step, x);
            }
            fn read_in_training(&self, row: usize, step: usize, draw: Draw, x: &mut [f32]) {
                (**self).read_in_training(row, step, draw, x);
            }
            fn always_finite(&self) -> bool {
                (**self).always_finite()
            }
        }
    )*};
}

through!(&S, Box<S>);

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

/// Rows of one length without targets, to be predicted: x [N, T, I].
impl Sequences for Array3<f32> {
    fn len(&self) -> usize {
        self.dim().0
    }
    fn steps(&self) -> usize {
        self.dim().1
    }
    fn input(&self) -> usize {
        self.dim().2
    }
    #[inline]
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        read_array(self.view(), row, step, x);
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
