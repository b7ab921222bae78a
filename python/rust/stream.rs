//! Streams: a network or a model stepped one input of each row at a time.
//!
//! N rows, I input, O outputs.

use std::sync::Mutex;

use elman::{NetworkStream, StreamState};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arrays::{Cells, NewCells, cells, state};
use crate::errors::raised;
use crate::network::lock;

/// What is stepped.
#[derive(Clone)]
enum Of {
    Network(NetworkStream),
    Model(Box<elman::Stream>),
}

/// Rows that are stepped side by side, for as long as they last.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Stream {
    stream: Mutex<Of>,
}

impl Stream {
    pub(crate) fn of_network(stream: NetworkStream) -> Self {
        Stream { stream: Mutex::new(Of::Network(stream)) }
    }

    pub(crate) fn of_model(stream: elman::Stream) -> Self {
        Stream { stream: Mutex::new(Of::Model(Box::new(stream))) }
    }
}

#[pymethods]
impl Stream {
    #[getter]
    fn rows(&self) -> usize {
        match &*lock(&self.stream) {
            Of::Network(stream) => stream.rows(),
            Of::Model(stream) => stream.rows(),
        }
    }

    /// One step of a single row: `x [I]` in, the answer `[O]` out.
    fn step<'py>(&self, py: Python<'py>, x: PyReadonlyArrayDyn<'py, f32>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let x = contiguous(&x)?;
        let mut stream = lock(&self.stream);
        Ok(PyArray1::from_slice(py, stream.step(x)?))
    }

    /// One step of every row: `xs [N, I]` in, the answers [N, O] out.
    fn step_rows<'py>(&self, py: Python<'py>, xs: PyReadonlyArrayDyn<'py, f32>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let rows = self.rows();
        if xs.shape().len() != 2 || xs.shape()[0] != rows {
            let (found, expected) = (xs.shape(), rows);
            return Err(PyValueError::new_err(format!(
                "the inputs of a step have shape {found:?}; expected [{expected}, I], a row for each stream"
            )));
        }
        let xs = contiguous(&xs)?;
        // Locked where no other thread of Python has to wait for this one.
        let answers = py.detach(|| lock(&self.stream).step(xs).map(<[f32]>::to_vec))?;
        PyArray1::from_slice(py, &answers).reshape([rows, answers.len() / rows.max(1)])
    }

    /// Back to before the first step, all rows or one.
    #[pyo3(signature = (row=None))]
    fn reset(&self, row: Option<usize>) -> PyResult<()> {
        let mut stream = lock(&self.stream);
        let rows = match &*stream {
            Of::Network(stream) => stream.rows(),
            Of::Model(stream) => stream.rows(),
        };
        match (&mut *stream, row) {
            (Of::Network(stream), None) => stream.reset(),
            (Of::Model(stream), None) => stream.reset(),
            (_, Some(row)) if row >= rows => {
                return Err(PyIndexError::new_err(format!("row {row} of a stream of {rows} rows")));
            }
            (Of::Model(stream), Some(row)) => stream.reset_row(row),
            (Of::Network(stream), Some(row)) => {
                let mut state = stream.state();
                for cell in &mut state.cells {
                    cell.h.row_mut(row).fill(0.0);
                    cell.c.row_mut(row).fill(0.0);
                }
                stream.set_state(&state).map_err(raised)?;
            }
        }
        Ok(())
    }

    /// The state of a network's stream, cell by cell; None of a model's.
    fn cells<'py>(&self, py: Python<'py>) -> Option<NewCells<'py>> {
        match &*lock(&self.stream) {
            Of::Network(stream) => Some(cells(py, stream.state())),
            Of::Model(_) => None,
        }
    }

    fn set_cells(&self, given: Cells<'_>) -> PyResult<()> {
        match &mut *lock(&self.stream) {
            Of::Network(stream) => stream.set_state(&state(&given)).map_err(raised),
            Of::Model(_) => Err(PyValueError::new_err("the state is a network's; expected that of a model's stream")),
        }
    }

    /// The state of a model's stream as bytes; None of a network's.
    fn bytes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        match &*lock(&self.stream) {
            Of::Network(_) => None,
            Of::Model(stream) => Some(PyBytes::new(py, &stream.state().to_bytes())),
        }
    }

    fn set_bytes(&self, bytes: &[u8]) -> PyResult<()> {
        match &mut *lock(&self.stream) {
            Of::Network(_) => Err(PyValueError::new_err("the state is a model's; expected that of a network's stream")),
            Of::Model(stream) => {
                let state = StreamState::of_bytes(bytes).map_err(raised)?;
                stream.set_state(&state).map_err(raised)
            }
        }
    }

    /// Another stream that goes on from the same state.
    fn copy(&self) -> Self {
        Stream { stream: Mutex::new(lock(&self.stream).clone()) }
    }
}

impl Of {
    fn step(&mut self, xs: &[f32]) -> PyResult<&[f32]> {
        match self {
            Of::Network(stream) => stream.try_step(xs),
            Of::Model(stream) => stream.try_step(xs),
        }
        .map_err(raised)
    }
}

fn contiguous<'a>(xs: &'a PyReadonlyArrayDyn<'_, f32>) -> PyResult<&'a [f32]> {
    xs.as_slice().map_err(|_| PyValueError::new_err("the inputs of a step are not contiguous"))
}
