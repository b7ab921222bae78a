//! A model: a network with a head on it.
//!
//! N rows, T steps, I input, C classes, V values, Q quantiles.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use elman::{Arrays, Classifier, Config, Head, Meaning, Predictor, Predicts, Targets};
use ndarray::Array1;
use numpy::{IntoPyArray, PyArrayDyn, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3, PyReadonlyArrayDyn};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{dict, named};
use crate::data::Data;
use crate::errors::{malformed, raised};
use crate::network::{Network, init_of, lock, stack_of};
use crate::process::Own;
use crate::stream::Stream;
use crate::threads;

/// A network, a head on it, and what its inputs and answers mean.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Model {
    model: Mutex<Arc<elman::Model>>,
    /// Made by the first call that predicts, for so many threads; anew after each change.
    predictor: Mutex<Option<(usize, Own<Predictor>)>>,
}

impl Model {
    pub(crate) fn of(model: elman::Model) -> Self {
        Model { model: Mutex::new(Arc::new(model)), predictor: Mutex::default() }
    }

    pub(crate) fn get(&self) -> Arc<elman::Model> {
        lock(&self.model).clone()
    }

    pub(crate) fn replace(&self, model: elman::Model) {
        *lock(&self.model) = Arc::new(model);
        *lock(&self.predictor) = None;
    }

    /// Calls `ask` with a predictor that is kept for the next call.
    fn predict<R>(&self, asked: usize, ask: impl FnOnce(&mut Predictor) -> R) -> R {
        let threads = threads::count(asked);
        let mut kept = lock(&self.predictor);
        if kept.as_ref().is_none_or(|(of, predictor)| *of != threads || !predictor.is_here()) {
            let model = elman::Model::clone(&self.get());
            *kept = Some((threads, Own::new(Predictor::new(model, threads))));
        }
        match kept.as_mut().and_then(|(_, predictor)| predictor.get()) {
            Some(predictor) => ask(predictor),
            None => ask(&mut Predictor::new(elman::Model::clone(&self.get()), 1)),
        }
    }
}

/// Rows to be predicted: x [N, T, I] and lengths `[N]`.
fn rows(x: &PyReadonlyArray3<'_, f32>, lengths: Option<PyReadonlyArray1<'_, i64>>) -> PyResult<Arrays> {
    let xs = x.as_array().to_owned();
    // Nobody asks for the classes.
    let classes = Targets::Classes(Array1::zeros(xs.dim().0));
    let rows = Arrays::with(xs, classes).map_err(raised)?;
    match crate::arrays::lengths(lengths)? {
        Some(lengths) => rows.lengths(lengths).map_err(raised),
        None => Ok(rows),
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
        let predicts = self.predicts();
        let answers = py.detach(|| {
            self.predict(threads, |predictor| match predicts {
                "classes" => predictor.predict(&rows).map(|answers| answers.into_dyn()),
                "values" => predictor.values(&rows).map(|answers| answers.into_dyn()),
                _ => predictor.quantiles(&rows).map(|answers| answers.into_dyn()),
            })
        });
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
    ) -> PyResult<Vec<Bound<'py, numpy::PyArray2<f32>>>> {
        let rows = rows(&x, lengths)?;
        let answers = py.detach(|| {
            self.predict(threads, |predictor| {
                (0..rows.lengths.len()).map(|row| predictor.predict_steps(&rows, row)).collect::<Result<Vec<_>, _>>()
            })
        });
        Ok(answers.map_err(raised)?.into_iter().map(|answers| answers.into_pyarray(py)).collect())
    }

    /// Mean loss and accuracy over a data set.
    #[pyo3(signature = (data, threads=0))]
    fn evaluate(&self, py: Python<'_>, data: &Data, threads: usize) -> PyResult<(f64, f64)> {
        let found = py.detach(|| self.predict(threads, |predictor| predictor.evaluate(&*data.rows)));
        found.map(|found| (found.loss, found.accuracy)).map_err(raised)
    }

    /// Of a model of named classes: the probabilities [N, C] of sequences [T, F] in their own units.
    #[pyo3(signature = (sequences, threads=0))]
    fn classify<'py>(
        &self,
        py: Python<'py>,
        sequences: Vec<PyReadonlyArray2<'py, f32>>,
        threads: usize,
    ) -> PyResult<Vec<Bound<'py, numpy::PyArray1<f32>>>> {
        let views: Vec<_> = sequences.iter().map(|sequence| sequence.as_array()).collect();
        let answers = py.detach(|| {
            let model = elman::Model::clone(&self.get());
            Classifier::new(model, threads::count(threads))?.classify_arrays(&views)
        });
        Ok(answers.map_err(raised)?.into_iter().map(|answer| answer.probabilities.into_pyarray(py)).collect())
    }

    /// Streams side by side, each from before its first step.
    fn streams(&self, rows: usize) -> PyResult<Stream> {
        Ok(Stream::of_model(self.get().streams(rows).map_err(raised)?))
    }
}
