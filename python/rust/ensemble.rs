//! Models whose mean answers.
//!
//! N rows, T steps, I input, F features.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayDyn, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::prelude::*;

use crate::data::Data;
use crate::errors::raised;
use crate::model::Model;
use crate::predictor::{Kept, answers, classified, regressed, rows, step_answers};

/// Several models of the same network, head and meaning.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Ensemble {
    own: elman::Ensemble,
    kept: Kept,
}

impl Ensemble {
    pub(crate) fn get(&self) -> elman::Ensemble {
        self.own.clone()
    }
}

#[pymethods]
impl Ensemble {
    #[new]
    fn new(members: Vec<PyRef<'_, Model>>) -> PyResult<Self> {
        let members = members.iter().map(|member| elman::Model::clone(&member.get())).collect();
        Ok(Ensemble { own: elman::Ensemble::new(members).map_err(raised)?, kept: Kept::default() })
    }

    /// Writes one file, whole or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.own.save(path)).map_err(raised)
    }

    /// As of a model.
    #[pyo3(signature = (x, lengths=None, threads=0))]
    fn answers<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray3<'py, f32>,
        lengths: Option<PyReadonlyArray1<'py, i64>>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let rows = rows(&x, lengths)?;
        let found = py.detach(|| self.kept.ask(threads, || self.get(), |predictor| answers(predictor, &rows)));
        Ok(found.map_err(raised)?.into_pyarray(py))
    }

    /// As of a model.
    #[pyo3(signature = (x, lengths=None, threads=0))]
    fn step_answers<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray3<'py, f32>,
        lengths: Option<PyReadonlyArray1<'py, i64>>,
        threads: usize,
    ) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        let rows = rows(&x, lengths)?;
        let found = py.detach(|| self.kept.ask(threads, || self.get(), |predictor| step_answers(predictor, &rows)));
        Ok(found.map_err(raised)?.into_iter().map(|answers| answers.into_pyarray(py)).collect())
    }

    /// Mean loss and accuracy over a data set.
    #[pyo3(signature = (data, threads=0))]
    fn evaluate(&self, py: Python<'_>, data: &Data, threads: usize) -> PyResult<(f64, f64)> {
        let ask = || self.kept.ask(threads, || self.get(), |predictor| predictor.evaluate(&*data.rows));
        py.detach(ask).map(|found| (found.loss, found.accuracy)).map_err(raised)
    }

    /// As of a model of named classes.
    #[pyo3(signature = (sequences, threads=0))]
    fn classify(
        &self,
        py: Python<'_>,
        sequences: Vec<PyReadonlyArray2<'_, f32>>,
        threads: usize,
    ) -> PyResult<Vec<Vec<f32>>> {
        classified(py, self.get(), &sequences, threads)
    }

    /// As of a model of numbers.
    #[pyo3(signature = (sequences, threads=0))]
    fn regress<'py>(
        &self,
        py: Python<'py>,
        sequences: Vec<PyReadonlyArray2<'py, f32>>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        regressed(py, self.get(), &sequences, threads)
    }
}
