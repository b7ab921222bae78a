//! A model: a network with a head on it.
//!
//! N rows, T steps, I input, C classes, V values, Q quantiles.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use elman::diagnose::Followed;
use elman::{Config, Head, Meaning, Predictor, Predicts};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayDyn, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3,
    PyReadonlyArrayDyn,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{dict, named};
use crate::data::Data;
use crate::errors::{malformed, raised};
use crate::network::{Network, init_of, lock, stack_of};
use crate::predictor::{Kept, answers, classified, regressed, rows, step_answers};
use crate::stream::Stream;

/// A network, a head on it, and what its inputs and answers mean.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Model {
    model: Mutex<Arc<elman::Model>>,
    kept: Kept,
}

impl Model {
    pub(crate) fn of(model: elman::Model) -> Self {
        Model { model: Mutex::new(Arc::new(model)), kept: Kept::default() }
    }

    pub(crate) fn get(&self) -> Arc<elman::Model> {
        lock(&self.model).clone()
    }

    pub(crate) fn replace(&self, model: elman::Model) {
        *lock(&self.model) = Arc::new(model);
        self.kept.forget();
    }

    /// Calls `ask` with a predictor that is kept for the next call.
    fn predict<R>(&self, asked: usize, ask: impl FnOnce(&mut Predictor) -> R) -> R {
        self.kept.ask(asked, || elman::Model::clone(&self.get()).into(), ask)
    }
}

#[pymethods]
impl Model {
    /// With initial values by a convention, drawn from a seed.
    #[new]
    fn new(layers: &str, head: &str, init: &str, seed: u64) -> PyResult<Self> {
        let (stack, init) = (stack_of(layers)?, init_of(init)?);
        let head: Head = serde_json::from_str(head).map_err(|error| malformed("the head", &error))?;
        Ok(Self::of(elman::Model::init(stack, head, init, seed).map_err(raised)?))
    }

    /// Of a configuration, as in a model's file, and arrays by name.
    #[staticmethod]
    fn of_config(config: &str, arrays: HashMap<String, PyReadonlyArrayDyn<'_, f32>>) -> PyResult<Self> {
        let config = Config::parse(config).map_err(PyValueError::new_err)?;
        Ok(Self::of(elman::Model::of_config(&config, &named(&arrays)).map_err(raised)?))
    }

    /// Of a file that `save` or a run of the command wrote.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self::of(py.detach(|| elman::Model::load(path)).map_err(raised)?))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.get().save(path)).map_err(raised)
    }

    /// The configuration, as in the model's file.
    fn config(&self) -> PyResult<String> {
        serde_json::to_string(&self.get().config()).map_err(|error| malformed("the configuration", &error))
    }

    /// Says what inputs and answers mean, as JSON, and how many steps the sequences have.
    #[pyo3(signature = (meaning, steps=None))]
    fn set_meaning(&self, meaning: Option<&str>, steps: Option<usize>) -> PyResult<()> {
        let meaning: Option<Meaning> = match meaning {
            None => None,
            Some(json) => Some(serde_json::from_str(json).map_err(|error| malformed("the meaning", &error))?),
        };
        let mut model = elman::Model::clone(&self.get());
        (model.meaning, model.steps) = (meaning, steps);
        self.replace(model);
        Ok(())
    }

    #[getter]
    fn parameter_count(&self) -> usize {
        self.get().parameter_count()
    }

    #[getter]
    fn input(&self) -> usize {
        self.get().stack().input()
    }

    #[getter]
    fn outputs(&self) -> usize {
        self.get().head().outputs()
    }

    /// `classes`, `values` or `quantiles`.
    #[getter]
    fn predicts(&self) -> &'static str {
        match self.get().head().predicts {
            Predicts::Classes(_) => "classes",
            Predicts::Values(_) => "values",
            Predicts::Quantiles(_) => "quantiles",
        }
    }

    /// What the head reads: `last-state`, `every-step`, `mean` or `max`.
    #[getter]
    fn reads(&self) -> &'static str {
        self.get().head().reads.name()
    }

    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.get().arrays())
    }

    fn set_arrays(&self, arrays: HashMap<String, PyReadonlyArrayDyn<'_, f32>>) -> PyResult<()> {
        let mut model = elman::Model::clone(&self.get());
        model.set_arrays(&named(&arrays)).map_err(raised)?;
        self.replace(model);
        Ok(())
    }

    /// The network alone, with a copy of its parameters.
    fn network(&self) -> Network {
        Network::of(self.get().network())
    }

    /// The answers of a head on whole rows: [N, C], [N, V] or [N, V, Q].
    #[pyo3(signature = (x, lengths=None, threads=0))]
    fn answers<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray3<'py, f32>,
        lengths: Option<PyReadonlyArray1<'py, i64>>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let rows = rows(&x, lengths)?;
        let answers = py.detach(|| self.predict(threads, |predictor| answers(predictor, &rows)));
        Ok(answers.map_err(raised)?.into_pyarray(py))
    }

    /// The answers of a head on every step, row by row: [T, C] or [T, V].
    #[pyo3(signature = (x, lengths=None, threads=0))]
    fn step_answers<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray3<'py, f32>,
        lengths: Option<PyReadonlyArray1<'py, i64>>,
        threads: usize,
    ) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        let rows = rows(&x, lengths)?;
        let answers = py.detach(|| self.predict(threads, |predictor| step_answers(predictor, &rows)));
        Ok(answers.map_err(raised)?.into_iter().map(|answers| answers.into_pyarray(py)).collect())
    }

    /// Mean loss and accuracy over a data set; with a window, of which every row is a stream.
    #[pyo3(signature = (data, threads=0, window=None))]
    fn evaluate(&self, py: Python<'_>, data: &Data, threads: usize, window: Option<usize>) -> PyResult<(f64, f64)> {
        let found = py.detach(|| {
            self.predict(threads, |predictor| match window {
                None => predictor.evaluate(&*data.rows),
                Some(window) => predictor.evaluate_streams(&*data.rows, window),
            })
        });
        found.map(|found| (found.loss, found.accuracy)).map_err(raised)
    }

    /// What the model does with time, by rows of a data set, as JSON.
    #[pyo3(signature = (data, rows=None, steps=None))]
    fn diagnose(&self, py: Python<'_>, data: &Data, rows: Option<usize>, steps: Option<usize>) -> PyResult<String> {
        let found = py.detach(|| Followed { rows, steps }.run(&self.get(), &*data.rows));
        found.map(|found| found.object().to_string()).map_err(raised)
    }

    /// Of a model of named classes: the probabilities `[C]` of each of some sequences [T, F] in their own units.
    #[pyo3(signature = (sequences, threads=0))]
    fn classify(
        &self,
        py: Python<'_>,
        sequences: Vec<PyReadonlyArray2<'_, f32>>,
        threads: usize,
    ) -> PyResult<Vec<Vec<f32>>> {
        let of = elman::Model::clone(&self.get()).into();
        classified(py, of, &sequences, threads)
    }

    /// Of a model of numbers: those of sequences [T, F] `[N]`, all in their own units.
    #[pyo3(signature = (sequences, threads=0))]
    fn regress<'py>(
        &self,
        py: Python<'py>,
        sequences: Vec<PyReadonlyArray2<'py, f32>>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let of = elman::Model::clone(&self.get()).into();
        regressed(py, of, &sequences, threads)
    }

    /// Streams side by side, each from before its first step.
    fn streams(&self, rows: usize) -> PyResult<Stream> {
        Ok(Stream::of_model(self.get().streams(rows).map_err(raised)?))
    }
}
