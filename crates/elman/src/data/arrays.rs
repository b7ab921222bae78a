//! Sequences and their targets as plain arrays.
//!
//! N rows, T steps, I inputs, F values.

use ndarray::{Array1, Array2, Array3};

use crate::data::sequences::read_array;
use crate::{Error, Labelled, Sequences, Target};

/// Sequences and targets as plain arrays.
///
/// ```
/// use elman::Arrays;
/// use ndarray::{Array2, Array3};
///
/// // Three rows of two steps, of which the last has one.
/// let xs = Array3::<f32>::zeros((3, 2, 5));
/// let data = Arrays::classes(xs.clone(), vec![0, 1, 1])?.lengths(vec![2, 2, 1])?;
/// let tagged = Arrays::step_classes(xs.clone(), Array2::zeros((3, 2)))?;
/// let measured = Arrays::values(xs, Array2::zeros((3, 4)))?;
/// # Ok::<(), elman::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Arrays {
    /// x [N, T, I]
    pub xs: Array3<f32>,
    /// What is to be said of them.
    pub targets: Targets,
    /// Steps of each row `[N]`.
    pub lengths: Array1<usize>,
}

/// Targets as plain arrays.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// A class of each row `[N]`.
    Classes(Array1<usize>),
    /// A class of each step [N, T].
    StepClasses(Array2<usize>),
    /// Values of each row [N, F]; NaN where one is not known.
    Values(Array2<f32>),
    /// Values of each step [N, T, F]; NaN where one is not known.
    StepValues(Array3<f32>),
}

impl Arrays {
    /// With a class of each row: x [N, T, I], labels `[N]`.
    ///
    /// # Errors
    /// If there are not as many labels as rows.
    pub fn classes(xs: Array3<f32>, labels: impl Into<Array1<usize>>) -> Result<Self, Error> {
        Self::with(xs, Targets::Classes(labels.into()))
    }

    /// With a class of each step: x [N, T, I], labels [N, T].
    ///
    /// # Errors
    /// If there are not as many labels as steps.
    pub fn step_classes(xs: Array3<f32>, labels: Array2<usize>) -> Result<Self, Error> {
        Self::with(xs, Targets::StepClasses(labels))
    }

    /// With values of each row: x [N, T, I], y [N, F].
    ///
    /// # Errors
    /// If there are not as many values as rows.
    pub fn values(xs: Array3<f32>, values: Array2<f32>) -> Result<Self, Error> {
        Self::with(xs, Targets::Values(values))
    }

    /// With values of each step: x [N, T, I], y [N, T, F].
    ///
    /// # Errors
    /// If there are not as many values as steps.
    pub fn step_values(xs: Array3<f32>, values: Array3<f32>) -> Result<Self, Error> {
        Self::with(xs, Targets::StepValues(values))
    }

    /// With any targets; all rows have T steps.
    ///
    /// # Errors
    /// If there are not as many targets as rows, or steps.
    pub fn with(xs: Array3<f32>, targets: Targets) -> Result<Self, Error> {
        let (rows, steps, _) = xs.dim();
        let (what, found) = match &targets {
            Targets::Classes(labels) => ("labels", labels.shape()),
            Targets::StepClasses(labels) => ("labels of steps", labels.shape()),
            Targets::Values(values) => ("values", &values.shape()[..1]),
            Targets::StepValues(values) => ("values of steps", &values.shape()[..2]),
        };
        let expected = [rows, steps];
        if found != &expected[..found.len()] {
            return Err(Error::shape(what, found, &expected[..found.len()]));
        }
        Ok(Arrays { xs, targets, lengths: Array1::from_elem(rows, steps) })
    }

    /// With rows of different lengths `[N]`.
    ///
    /// # Errors
    /// If there are not as many lengths as rows, or a length exceeds T.
    pub fn lengths(self, lengths: impl Into<Array1<usize>>) -> Result<Self, Error> {
        let (lengths, (rows, steps, _)) = (lengths.into(), self.xs.dim());
        if lengths.len() != rows {
            return Err(Error::shape("lengths", &[lengths.len()], &[rows]));
        }
        if let Some(row) = lengths.iter().position(|&length| length > steps) {
            return Err(Error::Length { row, length: lengths[row], steps });
        }
        Ok(Arrays { lengths, ..self })
    }
}

impl Sequences for Arrays {
    fn len(&self) -> usize {
        self.xs.dim().0
    }
    fn steps(&self) -> usize {
        self.xs.dim().1
    }
    fn input(&self) -> usize {
        self.xs.dim().2
    }
    fn length(&self, row: usize) -> usize {
        self.lengths[row]
    }
    #[inline]
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        read_array(self.xs.view(), row, step, x);
    }
}

impl Labelled for Arrays {
    fn target(&self) -> Target<'_> {
        match &self.targets {
            Targets::Classes(labels) => Target::Class(labels),
            Targets::StepClasses(labels) => Target::StepClasses(labels),
            Targets::Values(values) => Target::Values(values),
            Targets::StepValues(values) => Target::StepValues(values),
        }
    }
}
