//! The small data sets that come with elman.
//!
//! N rows, T steps, F features.

use elman::datasets::{ImageSet, SequenceSet, japanese_vowels, mnist};
use elman::{Purpose, Random, StepClass};
use ndarray::{Array1, Array2, Array3};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

/// Images [N, 28, 28] and their classes `[N]`.
type Images<'py> = (Bound<'py, PyArray3<u8>>, Bound<'py, PyArray1<i64>>);

/// Sequences [T, F], the names of their classes, and of the features.
type Sequences<'py> = (Vec<Bound<'py, PyArray2<f32>>>, Vec<String>);

/// What goes in and what comes out, [N, T] each.
type Streams<'py> = (Bound<'py, PyArray2<u8>>, Bound<'py, PyArray2<i64>>);

fn failed(error: impl ToString) -> PyErr {
    PyException::new_err(error.to_string())
}

fn images(py: Python<'_>, set: ImageSet) -> PyResult<Images<'_>> {
    let shape = (set.len(), set.rows, set.cols);
    let labels: Array1<i64> = set.labels.iter().map(|&label| i64::from(label)).collect();
    let pixels: Vec<u8> = (0..set.len()).flat_map(|n| set.image(n).iter().copied()).collect();
    let pixels = Array3::from_shape_vec(shape, pixels).map_err(failed)?;
    Ok((pixels.into_pyarray(py), labels.into_pyarray(py)))
}

fn sequences(py: Python<'_>, set: SequenceSet) -> PyResult<Sequences<'_>> {
    let rows = (0..set.len()).map(|row| {
        let values = Array2::from_shape_vec((set.length(row), set.features()), set.row(row).to_vec());
        Ok(values.map_err(failed)?.into_pyarray(py))
    });
    let rows = rows.collect::<PyResult<Vec<_>>>()?;
    let labels = set.labels.unwrap_or_default();
    Ok((rows, labels.into_iter().map(|label| set.classes[label].clone()).collect()))
}

/// MNIST: the training, validation and test images.
#[pyfunction]
pub(crate) fn mnist_images(py: Python<'_>) -> PyResult<[Images<'_>; 3]> {
    let split = py.detach(mnist::load).map_err(failed)?;
    Ok([images(py, split.train)?, images(py, split.validation)?, images(py, split.test)?])
}

/// Japanese Vowels: nine speakers, for training and to be tested.
#[pyfunction]
pub(crate) fn vowels(py: Python<'_>) -> PyResult<[Sequences<'_>; 2]> {
    let (train, test) = py.detach(japanese_vowels::load).map_err(failed)?;
    Ok([sequences(py, train)?, sequences(py, test)?])
}

/// Eight plays by Shakespeare.
#[pyfunction]
pub(crate) fn shakespeare() -> PyResult<String> {
    elman::datasets::shakespeare::load().map_err(failed)
}

/// The monthly sunspot numbers, as a table in text.
#[pyfunction]
pub(crate) fn sunspots() -> &'static [u8] {
    elman::datasets::sunspots::FILES[0].1
}

/// Random bits in streams, and their echo `delay` steps later: x [N, T] and y [N, T].
#[pyfunction]
pub(crate) fn echo_bits<'py>(
    py: Python<'py>,
    length: usize,
    streams: usize,
    delay: usize,
    seed: u64,
    part: u64,
) -> PyResult<Streams<'py>> {
    let echo = elman::Echo::new(length, streams, delay, &mut Random::at(seed, Purpose::Data, part, 0));
    let echo = echo.map_err(crate::errors::raised)?;
    let classes = Array2::from_shape_fn(echo.bits.dim(), |(row, step)| echo.class(row, step) as i64);
    Ok((echo.bits.into_pyarray(py), classes.into_pyarray(py)))
}
