//! Data sets of arrays: sequences with what is to be said of them.
//!
//! N rows, T steps, F features, C classes.

use std::sync::Arc;

use elman::datasets::SequenceSet;
use elman::datasets::sequences::Report;
use elman::{
    Arrays, ClassMeaning, Drawing, Labelled, LabelledSequences, Meaning, Missing, NumberMeaning, NumberedSequences,
    Targets, part_count,
};
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

/// Sequences of values [Σ lengths, F], cut at offsets `[N + 1]`, their features named as those of an .npz file.
fn set_of(values: &PyReadonlyArray2<'_, f32>, offsets: Vec<usize>) -> PyResult<SequenceSet> {
    let whole = offsets.windows(2).all(|pair| pair[0] <= pair[1])
        && offsets.first() == Some(&0)
        && offsets.last() == Some(&values.shape()[0]);
    if !whole {
        return Err(PyValueError::new_err("the offsets do not fit the values"));
    }
    Ok(SequenceSet {
        names: (0..values.shape()[1]).map(|feature| format!("feature_{feature}")).collect(),
        classes: Vec::new(),
        centres: Vec::new(),
        values: values.as_array().iter().copied().collect(),
        offsets,
        labels: None,
        step_labels: None,
        ids: None,
        report: Report::default(),
    })
}

fn missing_of(name: &str) -> PyResult<Missing> {
    match name {
        "mask" => Ok(Missing::Mask),
        "mean" => Ok(Missing::Mean),
        other => Err(PyValueError::new_err(format!("missing is {other:?}; expected mask or mean"))),
    }
}

fn json_of(meaning: Meaning) -> PyResult<String> {
    serde_json::to_string(&meaning).map_err(|error| malformed("the meaning", &error))
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

    /// Named classes of sequences in their own units: values [Σ lengths, F], offsets `[N + 1]`, labels `[N]`. Gives the data to
    /// train on, standardised, a part for validation where there is one, and what a model of them means, as JSON. The rows are
    /// in the order that the seed draws. With a meaning, all rows by that one's scaling, in their own order.
    #[staticmethod]
    #[pyo3(signature = (values, offsets, labels, classes, *, missing="mask", validation=0.0, seed=0, meaning=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
    fn of_sequences(
        values: PyReadonlyArray2<'_, f32>,
        offsets: Vec<usize>,
        labels: Vec<usize>,
        classes: Vec<String>,
        missing: &str,
        validation: f64,
        seed: u64,
        meaning: Option<&str>,
    ) -> PyResult<(Self, Option<Self>, String)> {
        let missing = missing_of(missing)?;
        if labels.len() + 1 != offsets.len() || labels.iter().any(|&label| label >= classes.len()) {
            return Err(PyValueError::new_err("labels and classes do not fit the offsets"));
        }
        let set = SequenceSet { classes, labels: Some(labels), ..set_of(&values, offsets)? };
        let (set, held, meaning) = match meaning {
            None => {
                let order = Drawing::Validation.order(set.len(), seed).map_err(raised)?;
                let (set, held) = set.split_stratified(part_count(validation, set.len()), &order);
                let meaning = ClassMeaning::of(&set, missing);
                (set, held, meaning)
            }
            Some(json) => match serde_json::from_str(json) {
                Ok(Meaning::Classes(meaning)) => {
                    let none = set.select(&[]);
                    (set, none, meaning)
                }
                Ok(_) => return Err(PyValueError::new_err("the meaning is not one of classes")),
                Err(error) => return Err(malformed("the meaning", &error)),
            },
        };
        let of = |set: SequenceSet| LabelledSequences::new(set, &meaning.standardizer).map_err(raised);
        let held = if held.is_empty() { None } else { Some(Data { rows: Arc::new(of(held)?) }) };
        Ok((Data { rows: Arc::new(of(set)?) }, held, json_of(meaning.into())?))
    }

    /// The same with a number for each sequence. Beside it which rows are for validation.
    #[staticmethod]
    #[pyo3(signature = (values, offsets, numbers, *, missing="mask", validation=0.0, seed=0, meaning=None))]
    fn of_numbers(
        values: PyReadonlyArray2<'_, f32>,
        offsets: Vec<usize>,
        numbers: Vec<f64>,
        missing: &str,
        validation: f64,
        seed: u64,
        meaning: Option<&str>,
    ) -> PyResult<(Self, Option<Self>, String, Vec<usize>)> {
        let missing = missing_of(missing)?;
        if numbers.len() + 1 != offsets.len() {
            return Err(PyValueError::new_err("the numbers do not fit the offsets"));
        }
        let set = set_of(&values, offsets)?;
        let of_rows = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| numbers[row]).collect() };
        let (rows, held, meaning) = match meaning {
            None => {
                let mut held = Drawing::Validation.order(set.len(), seed).map_err(raised)?;
                let rows = held.split_off(part_count(validation, set.len()).min(set.len()));
                let sequences = ClassMeaning::of(&set.select(&rows), missing);
                let meaning = NumberMeaning::of("target", sequences, &of_rows(&rows)).map_err(raised)?;
                (rows, held, meaning)
            }
            Some(json) => match serde_json::from_str(json) {
                Ok(Meaning::Numbers(meaning)) => ((0..set.len()).collect(), Vec::new(), meaning),
                Ok(_) => return Err(PyValueError::new_err("the meaning is not one of numbers")),
                Err(error) => return Err(malformed("the meaning", &error)),
            },
        };
        let of = |rows: &[usize]| -> PyResult<Self> {
            let rows = NumberedSequences::new(set.select(rows), &of_rows(rows), &meaning).map_err(raised)?;
            Ok(Data { rows: Arc::new(rows) })
        };
        let validation = if held.is_empty() { None } else { Some(of(&held)?) };
        Ok((of(&rows)?, validation, json_of(meaning.clone().into())?, held))
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
