//! What is to be said of the rows of a data set: classes or values, of whole rows or of their steps.
//!
//! N rows, T steps, F values.

use elman_datasets::ImageSet;
use ndarray::{Array1, Array2, Array3};

use crate::Sequences;

/// Sequences with what is to be said of them.
///
/// ```
/// use elman::{Labelled, Sequences, Target};
///
/// /// Numbers, and whether there are more than 2 of them.
/// struct Mine {
///     rows: Vec<Vec<f32>>,
///     labels: Vec<usize>,
/// }
///
/// impl Sequences for Mine {
///     fn len(&self) -> usize {
///         self.rows.len()
///     }
///     fn steps(&self) -> usize {
///         self.rows.iter().map(Vec::len).max().unwrap_or(0)
///     }
///     fn input(&self) -> usize {
///         1
///     }
///     fn length(&self, row: usize) -> usize {
///         self.rows[row].len()
///     }
///     fn read(&self, row: usize, step: usize, x: &mut [f32]) {
///         x[0] = self.rows[row][step];
///     }
/// }
///
/// impl Labelled for Mine {
///     fn target(&self) -> Target<'_> {
///         Target::Class(&self.labels)
///     }
/// }
/// ```
pub trait Labelled: Sequences {
    /// What is to be said of its rows, and who says it.
    fn target(&self) -> Target<'_>;
}

impl<L: Labelled + ?Sized> Labelled for &L {
    fn target(&self) -> Target<'_> {
        (**self).target()
    }
}

impl<L: Labelled + ?Sized> Labelled for Box<L> {
    fn target(&self) -> Target<'_> {
        (**self).target()
    }
}

/// What is to be said of the rows of a data set.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// A class of each row. A head on every step takes it at each of them.
    Class(&'a dyn RowClass),
    /// A class of each step, for a head on every step.
    StepClasses(&'a dyn StepClass),
    /// Values of each row, for a head of values, or of quantiles, where they follow it. A head on every step takes them at
    /// each of them.
    Values(&'a dyn RowValues),
    /// Values of each step, for a head of values on every step.
    StepValues(&'a dyn StepValues),
}

/// A class of each row.
pub trait RowClass: Sync {
    /// That of a row.
    fn class(&self, row: usize) -> usize;
}

/// A class of each step.
pub trait StepClass: Sync {
    /// That of a step of a row.
    fn class(&self, row: usize, step: usize) -> usize;

    /// Whether that of a step of a row is known. A step without a class has no loss and is not scored; a row without any is
    /// left out of training.
    fn is_known(&self, _row: usize, _step: usize) -> bool {
        true
    }
}

/// Values of each row.
pub trait RowValues: Sync {
    /// F
    fn width(&self) -> usize;
    /// Writes those of a row into `y [F]`; NaN where one is not known.
    fn values(&self, row: usize, y: &mut [f32]);
}

/// Values of each step.
pub trait StepValues: Sync {
    /// F
    fn width(&self) -> usize;
    /// Writes those of a step of a row into `y [F]`; NaN where one is not known.
    fn values(&self, row: usize, step: usize, y: &mut [f32]);
}

impl Target<'_> {
    /// F, the values; None of classes.
    pub fn width(&self) -> Option<usize> {
        match self {
            Target::Class(_) | Target::StepClasses(_) => None,
            Target::Values(of) => Some(of.width()),
            Target::StepValues(of) => Some(of.width()),
        }
    }

    /// Whether it is one of steps alone, which a head on whole rows cannot take.
    pub fn is_of_steps(&self) -> bool {
        matches!(self, Target::StepClasses(_) | Target::StepValues(_))
    }

    /// In words: `a class for each row`.
    pub fn describe(&self) -> String {
        match self {
            Target::Class(_) => "a class for each row".into(),
            Target::StepClasses(_) => "a class for each step".into(),
            Target::Values(of) => format!("{} values for each row", of.width()),
            Target::StepValues(of) => format!("{} values for each step", of.width()),
        }
    }

    /// The class of a row, or with `step` of a step of it; None where there is none, or it is not known.
    pub fn class(&self, row: usize, step: Option<usize>) -> Option<usize> {
        match (self, step) {
            (Target::Class(of), _) => Some(of.class(row)),
            (Target::StepClasses(of), Some(step)) => of.is_known(row, step).then(|| of.class(row, step)),
            _ => None,
        }
    }

    /// Writes the values of a row, or with `step` of a step of it, into `y [F]`; NaN where there are none.
    pub fn values(&self, row: usize, step: Option<usize>, y: &mut [f32]) {
        match (self, step) {
            (Target::Values(of), _) => of.values(row, y),
            (Target::StepValues(of), Some(step)) => of.values(row, step, y),
            _ => y.fill(f32::NAN),
        }
    }
}

impl RowClass for Vec<usize> {
    fn class(&self, row: usize) -> usize {
        self[row]
    }
}

impl RowClass for Vec<u8> {
    fn class(&self, row: usize) -> usize {
        usize::from(self[row])
    }
}

impl RowClass for Array1<usize> {
    fn class(&self, row: usize) -> usize {
        self[row]
    }
}

/// [N, T]
impl StepClass for Array2<usize> {
    fn class(&self, row: usize, step: usize) -> usize {
        self[[row, step]]
    }
}

/// [N, F]
impl RowValues for Array2<f32> {
    fn width(&self) -> usize {
        self.ncols()
    }
    fn values(&self, row: usize, y: &mut [f32]) {
        y.iter_mut().zip(self.row(row)).for_each(|(y, &value)| *y = value);
    }
}

/// [N, T, F]
impl StepValues for Array3<f32> {
    fn width(&self) -> usize {
        self.dim().2
    }
    fn values(&self, row: usize, step: usize, y: &mut [f32]) {
        super::sequences::read_array(self.view(), row, step, y);
    }
}

impl Labelled for ImageSet {
    fn target(&self) -> Target<'_> {
        Target::Class(&self.labels)
    }
}
