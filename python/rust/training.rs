//! Training: a model's trainer, and an optimizer for loops of one's own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use elman::{BatchSize, Course, Descent, Gradients, State};
use ndarray::Array3;
use numpy::{PyReadonlyArray1, PyReadonlyArrayDyn};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::arrays::named;
use crate::data::{Data, Rows};
use crate::errors::{malformed, raised};
use crate::model::Model;
use crate::network::{Network, lock};
use crate::process::Own;
use crate::threads;

/// An optimizer with its schedule and its clipping, as they stand in a checkpoint.
fn descent_of(json: &str) -> PyResult<Descent> {
    let descent: Descent = serde_json::from_str(json).map_err(|error| malformed("the optimizer", &error))?;
    descent.check().map_err(raised)?;
    Ok(descent)
}

/// Figures of a step or an epoch: its number from 1, loss, accuracy.
type Figures = (u64, f64, f64);

/// A model in training.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Trainer {
    inner: Mutex<Own<Inner>>,
}

struct Inner {
    trainer: elman::Trainer,
    course: Option<(Course, Arc<Rows>)>,
}

fn gone() -> PyErr {
    PyRuntimeError::new_err("a trainer does not outlive a fork: its threads are gone; make another from its model")
}

#[pymethods]
impl Trainer {
    #[new]
    #[pyo3(signature = (model, optimizer, *, batch_size, seed, threads=0, micro_batch=0, truncate=0,
                        class_weights=None, label_smoothing=0.0, memory_budget=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
    fn new(
        model: &Model,
        optimizer: &str,
        batch_size: Option<usize>,
        seed: u64,
        threads: usize,
        micro_batch: usize,
        truncate: usize,
        class_weights: Option<Vec<f32>>,
        label_smoothing: f32,
        memory_budget: Option<usize>,
    ) -> PyResult<Self> {
        let batch_size = batch_size.map_or(BatchSize::Full, BatchSize::Rows);
        let mut trainer = elman::Trainer::new(elman::Model::clone(&model.get()), descent_of(optimizer)?)
            .batch_size(batch_size)
            .seed(seed)
            .threads(threads::count(threads))
            .micro_batch(micro_batch)
            .truncate(truncate)
            .class_weights(class_weights.unwrap_or_default())
            .label_smoothing(label_smoothing);
        trainer.memory_budget = memory_budget;
        Ok(Trainer { inner: Mutex::new(Own::new(Inner { trainer, course: None })) })
    }

    /// Begins so many epochs on rows in random order, or with `window` on every row as a stream.
    #[pyo3(signature = (data, epochs, window=None))]
    fn begin(&self, py: Python<'_>, data: &Data, epochs: u64, window: Option<usize>) -> PyResult<usize> {
        let rows = data.rows.clone();
        py.detach(|| {
            let mut inner = lock(&self.inner);
            let Inner { trainer, course } = inner.get().ok_or_else(gone)?;
            let begun = match window {
                None => Course::rows(trainer, &*rows),
                Some(window) => Course::streams(trainer, &*rows, window),
            };
            let begun = begun.map_err(raised)?.epochs(epochs);
            let batches = begun.batches();
            *course = Some((begun, rows));
            Ok(batches)
        })
    }

    /// The next step: its number, loss and accuracy; None when all epochs are done.
    fn step(&self, py: Python<'_>) -> PyResult<Option<Figures>> {
        let step = py.detach(|| self.next())?;
        py.check_signals()?;
        Ok(step.map(|step| (step.step, step.loss, step.accuracy)))
    }

    /// All steps up to the end of the epoch: its number and the figures of its last batch; None when all are done.
    fn epoch(&self, py: Python<'_>) -> PyResult<Option<Figures>> {
        loop {
            let step = py.detach(|| self.next())?;
            py.check_signals()?;
            match step {
                None => return Ok(None),
                Some(step) if step.batch == step.batches => return Ok(Some((step.epoch, step.loss, step.accuracy))),
                Some(_) => {}
            }
        }
    }

    /// A step on these rows of a data set: its loss and accuracy.
    fn train_rows(&self, py: Python<'_>, data: &Data, rows: PyReadonlyArray1<'_, i64>) -> PyResult<(f64, f64)> {
        let row = |&row: &i64| {
            u32::try_from(row).map_err(|_| PyValueError::new_err(format!("a row is {row}; expected a number from 0")))
        };
        let rows = rows.as_array().iter().map(row).collect::<PyResult<Vec<u32>>>()?;
        let found = py.detach(|| {
            let mut inner = lock(&self.inner);
            inner.get().ok_or_else(gone)?.trainer.train_rows(&*data.rows, &rows).map_err(raised)
        })?;
        py.check_signals()?;
        Ok((found.loss, found.accuracy))
    }

    /// Mean loss and accuracy over a data set; with a window, of which every row is a stream.
    #[pyo3(signature = (data, window=None))]
    fn evaluate(&self, py: Python<'_>, data: &Data, window: Option<usize>) -> PyResult<(f64, f64)> {
        let found = py.detach(|| {
            let mut inner = lock(&self.inner);
            let trainer = &mut inner.get().ok_or_else(gone)?.trainer;
            let found = match window {
                None => trainer.evaluate(&*data.rows),
                Some(window) => trainer.evaluate_streams(&*data.rows, window),
            };
            found.map_err(raised)
        });
        found.map(|found| (found.loss, found.accuracy))
    }

    /// Takes note of a validation loss, for a schedule that reduces the rate on plateaus.
    fn plateau(&self, validation_loss: f64) -> PyResult<()> {
        lock(&self.inner).get().ok_or_else(gone)?.trainer.plateau(validation_loss);
        Ok(())
    }

    /// Gives a model the weights as they are now, or their average where there is one.
    fn copy_to(&self, model: &Model) -> PyResult<()> {
        let now = lock(&self.inner).get().ok_or_else(gone)?.trainer.averaged().into_owned();
        model.replace(now);
        Ok(())
    }

    #[getter]
    fn steps_done(&self) -> PyResult<u64> {
        Ok(lock(&self.inner).get().ok_or_else(gone)?.trainer.steps_done())
    }
}

impl Trainer {
    fn next(&self) -> PyResult<Option<elman::Step>> {
        let mut inner = lock(&self.inner);
        let Inner { trainer, course } = inner.get().ok_or_else(gone)?;
        let Some((course, rows)) = course else { return Ok(None) };
        course.next(trainer, &**rows).transpose().map_err(raised)
    }
}

/// An optimizer on the parameters of a network.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Optimizer {
    optimizer: Mutex<elman::Optimizer>,
}

#[pymethods]
impl Optimizer {
    #[new]
    fn new(network: &Network, optimizer: &str) -> PyResult<Self> {
        let optimizer = elman::Optimizer::new(&network.get(), descent_of(optimizer)?);
        Ok(Optimizer { optimizer: Mutex::new(optimizer) })
    }

    /// A step against gradients by name; returns its learning rate.
    #[pyo3(signature = (network, gradients, loss=None))]
    fn step(
        &self,
        network: &Network,
        gradients: HashMap<String, PyReadonlyArrayDyn<'_, f32>>,
        loss: Option<f64>,
    ) -> PyResult<f64> {
        let arrays: BTreeMap<_, _> = named(&gradients);
        let none = State { cells: Vec::new() };
        let gradients =
            Gradients { arrays, inputs: Array3::zeros((0, 0, 0)), initial_state: none, carried_state: None };
        let mut optimizer = lock(&self.optimizer);
        network
            .change(|network| match loss {
                None => optimizer.step(network, &gradients),
                Some(loss) => optimizer.step_with_loss(network, &gradients, loss),
            })
            .map_err(raised)
    }
}

/// Refuses an optimizer whose settings are out of range.
#[pyfunction]
pub(crate) fn check_optimizer(json: &str) -> PyResult<()> {
    descent_of(json).map(|_| ())
}
