//! Arrays and states on their way over the border.
//!
//! B rows, T steps, P state, M memory.

use std::collections::{BTreeMap, HashMap};

use elman::formats::Array;
use elman::{CellState, State};
use ndarray::{ArrayD, IxDyn};
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Of each direction of each layer h [B, P] and c [B, M].
pub(crate) type Cells<'py> = Vec<(PyReadonlyArray2<'py, f32>, PyReadonlyArray2<'py, f32>)>;

/// The same, new.
pub(crate) type NewCells<'py> = Vec<(Bound<'py, PyArray2<f32>>, Bound<'py, PyArray2<f32>>)>;

/// A state of arrays.
pub(crate) fn state(cells: &Cells<'_>) -> State {
    let cell = |(h, c): &(PyReadonlyArray2<'_, f32>, PyReadonlyArray2<'_, f32>)| CellState {
        h: h.as_array().to_owned(),
        c: c.as_array().to_owned(),
    };
    State { cells: cells.iter().map(cell).collect() }
}

/// The arrays of a state.
pub(crate) fn cells(py: Python<'_>, state: State) -> NewCells<'_> {
    state.cells.into_iter().map(|CellState { h, c }| (h.into_pyarray(py), c.into_pyarray(py))).collect()
}

/// Arrays by name as a dict.
pub(crate) fn dict<'py>(py: Python<'py>, arrays: BTreeMap<String, Array>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, Array { shape, data }) in arrays {
        let array = ArrayD::from_shape_vec(IxDyn(&shape), data).map_err(|error| {
            PyValueError::new_err(format!("{name}: {error}")) // our own arrays have as many numbers as their shape
        })?;
        dict.set_item(name, array.into_pyarray(py))?;
    }
    Ok(dict)
}

/// Arrays by name of a dict.
pub(crate) fn named(arrays: &HashMap<String, PyReadonlyArrayDyn<'_, f32>>) -> BTreeMap<String, Array> {
    let array = |array: &PyReadonlyArrayDyn<'_, f32>| Array {
        shape: array.shape().to_vec(),
        data: array.as_array().iter().copied().collect(),
    };
    arrays.iter().map(|(name, of)| (name.clone(), array(of))).collect()
}

/// Lengths `[B]`, which must not be negative.
pub(crate) fn lengths(lengths: Option<PyReadonlyArray1<'_, i64>>) -> PyResult<Option<Vec<usize>>> {
    let Some(lengths) = lengths else { return Ok(None) };
    let of_row = |(row, &length): (usize, &i64)| {
        usize::try_from(length)
            .map_err(|_| PyValueError::new_err(format!("the length of row {row} is {length}; expected 0 or more")))
    };
    lengths.as_array().iter().enumerate().map(of_row).collect::<PyResult<Vec<_>>>().map(Some)
}
