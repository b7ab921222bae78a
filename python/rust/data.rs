//! Data sets of arrays: sequences with what is to be said of them.
//!
//! N rows, T steps, F features, C classes.

use std::sync::Arc;

use elman::datasets::SequenceSet;
use elman::datasets::sequences::Report;
use elman::{Arrays, ClassMeaning, Labelled, LabelledSequences, Meaning, Missing, Targets};
use numpy::{
    PyArray1, PyArray2, PyArray3, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::{malformed, raised};

/// A data set that training can read from any thread.
pub(crate) type Rows = dyn Labelled + Send + Sync;

/// Sequences and their targets.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Data {
    pub(crate) rows: Arc<Rows>,
}

#[pymethods]
impl Data {
    /// x [N, T, F]; y integers `[N]` or [N, T], or float32 [N, V] or [N, T, V].
    #[new]
    #[pyo3(signature = (x, y, lengths=None))]
    fn new(
        x: PyReadonlyArray3<'_, f32>,
        y: &Bound<'_, PyAny>,
        lengths: Option<PyReadonlyArray1<'_, i64>>,
    ) -> PyResult<Self> {
        let class = |&class: &i64| {
            usize::try_from(class)
                .map_err(|_| PyValueError::new_err(format!("a label is {class}; expected a class from 0")))
        };
        let targets = if let Ok(y) = y.cast::<PyArray1<i64>>() {
            Targets::Classes(y.readonly().as_array().iter().map(class).collect::<PyResult<Vec<_>>>()?.into())
        } else if let Ok(y) = y.cast::<PyArray2<i64>>() {
            let y = y.readonly();
            let classes = y.as_array().iter().map(class).collect::<PyResult<Vec<_>>>()?;
            let shape = (y.shape()[0], y.shape()[1]);
            let classes = ndarray::Array2::from_shape_vec(shape, classes);
            Targets::StepClasses(classes.map_err(|error| PyValueError::new_err(error.to_string()))?)
        } else if let Ok(y) = y.cast::<PyArray2<f32>>() {
            Targets::Values(y.readonly().as_array().to_owned())
        } else if let Ok(y) = y.cast::<PyArray3<f32>>() {
            Targets::StepValues(y.readonly().as_array().to_owned())
        } else {
            let found = match y.cast::<PyArrayDyn<f32>>() {
                Ok(y) => format!("float32 with the shape {:?}", y.shape()),
                Err(_) => y.get_type().to_string(),
            };
            return Err(PyValueError::new_err(format!(
                "the targets are {found}; expected int64 [N] or [N, T], or float32 [N, V] or [N, T, V]"
            )));
        };
        let arrays = Arrays::with(x.as_array().to_owned(), targets).map_err(raised)?;
        let arrays = match crate::arrays::lengths(lengths)? {
            Some(lengths) => arrays.lengths(lengths).map_err(raised)?,
            None => arrays,
        };
        Ok(Data { rows: Arc::new(arrays) })
    }

    /// Named classes of sequences in their own units: values [Σ lengths, F], offsets `[N + 1]`, labels `[N]`. Gives the data,
    /// standardised, and what a model of it means, as JSON; with a meaning, by that one's scaling.
    #[staticmethod]
    #[pyo3(signature = (values, offsets, labels, classes, features, missing="mask", meaning=None))]
    fn of_sequences(
        values: PyReadonlyArray2<'_, f32>,
        offsets: Vec<usize>,
        labels: Vec<usize>,
        classes: Vec<String>,
        features: Vec<String>,
        missing: &str,
        meaning: Option<&str>,
    ) -> PyResult<(Self, String)> {
        let missing = match missing {
            "mask" => Missing::Mask,
            "mean" => Missing::Mean,
            other => return Err(PyValueError::new_err(format!("missing is {other:?}; expected mask or mean"))),
        };
        let whole = offsets.windows(2).all(|pair| pair[0] <= pair[1])
            && offsets.len() == labels.len() + 1
            && offsets.first() == Some(&0)
            && offsets.last() == Some(&values.shape()[0])
            && features.len() == values.shape()[1]
            && labels.iter().all(|&label| label < classes.len());
        if !whole {
            return Err(PyValueError::new_err("offsets, labels, classes and features do not fit the values"));
        }
        let values = values.as_array().iter().copied().collect();
        let set = SequenceSet {
            names: features,
            classes,
            centres: Vec::new(),
            values,
            offsets,
            labels: Some(labels),
            ids: None,
            report: Report::default(),
        };
        let meaning = match meaning {
            None => ClassMeaning::of(&set, missing),
            Some(json) => match serde_json::from_str(json) {
                Ok(Meaning::Classes(meaning)) => meaning,
                Ok(_) => return Err(PyValueError::new_err("the meaning is not one of classes")),
                Err(error) => return Err(malformed("the meaning", &error)),
            },
        };
        let rows = LabelledSequences::new(set, &meaning.standardizer).map_err(raised)?;
        let json = serde_json::to_string(&Meaning::from(meaning)).map_err(|error| malformed("the meaning", &error))?;
        Ok((Data { rows: Arc::new(rows) }, json))
    }

    fn __len__(&self) -> usize {
        self.rows.len()
    }

    #[getter]
    fn steps(&self) -> usize {
        self.rows.steps()
    }

    #[getter]
    fn input(&self) -> usize {
        self.rows.input()
    }
}
