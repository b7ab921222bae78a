//! Small tasks to be learned.

use elman::{Arrays, Head, Init, Labelled, Model, Purpose, Random, Sequences, Stack, Target, Targets};
use ndarray::{Array1, Array2, s};

use super::networks::random_cube;

/// Sequences of 3 floats a step and of different lengths, 0 to 6, whose class is the sign of their sum.
pub(crate) fn signs(rows: usize) -> Arrays {
    let xs = random_cube((rows, 6, 3), 5);
    let mut random = Random::new(6, Purpose::Data);
    let lengths = Array1::from_shape_simple_fn(rows, || random.below(7) as usize);
    let sums = xs.outer_iter().zip(&lengths).map(|(x, &length)| x.slice(s![..length, ..]).sum());
    let labels = Array1::from_iter(sums.map(|sum| usize::from(sum > 0.0)));
    Arrays::classes(xs, labels).unwrap().lengths(lengths).unwrap()
}

/// The classes of the rows.
pub(crate) fn labels(data: &mut Arrays) -> &mut Array1<usize> {
    match &mut data.targets {
        Targets::Classes(labels) => labels,
        other => panic!("{other:?}"),
    }
}

/// A model with TensorFlow's initial values.
pub(crate) fn model(stack: impl Into<Stack>, head: impl Into<Head>) -> Model {
    let network = elman::Network::new(stack, Init::Tf, &mut Random::new(9, Purpose::Cell)).unwrap();
    Model::new(&network, head, Init::Tf, &mut Random::new(9, Purpose::Head)).unwrap()
}

/// Sequences, and what is to be answered beside the class of each.
pub(crate) struct Task<T> {
    pub(crate) arrays: Arrays,
    pub(crate) answers: Array2<T>,
}

/// With a class at every step: answers [N, T].
pub(crate) type EveryStep = Task<usize>;

/// With values that follow: answers [N, F].
pub(crate) type Values = Task<f32>;

impl<T: Sync> Sequences for Task<T> {
    fn len(&self) -> usize {
        self.arrays.len()
    }
    fn steps(&self) -> usize {
        self.arrays.steps()
    }
    fn input(&self) -> usize {
        self.arrays.input()
    }
    fn length(&self, row: usize) -> usize {
        self.arrays.length(row)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        self.arrays.read(row, step, x);
    }
}

impl Labelled for EveryStep {
    fn target(&self) -> Target<'_> {
        Target::StepClasses(&self.answers)
    }
}

impl Labelled for Values {
    fn target(&self) -> Target<'_> {
        Target::Values(&self.answers)
    }
}

/// The sign of the input one step before, or after; class 0 where there is none. Rows of different lengths, `steps` at
/// most.
pub(crate) fn neighbours(rows: usize, steps: usize, ahead: bool) -> EveryStep {
    let xs = random_cube((rows, steps, 1), 11);
    let lengths = Array1::from_shape_fn(rows, |row| steps - row % 4);
    let answers = Array2::from_shape_fn((rows, steps), |(row, t)| {
        let at = if ahead { Some(t + 1).filter(|&t| t < lengths[row]) } else { t.checked_sub(1) };
        at.map_or(0, |at| usize::from(xs[[row, at, 0]] > 0.0))
    });
    EveryStep { arrays: Arrays::classes(xs, Array1::zeros(rows)).unwrap().lengths(lengths).unwrap(), answers }
}
