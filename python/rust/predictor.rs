//! Answers of models and ensembles: a predictor that is kept from call to call, and what it is asked.
//!
//! N rows, T steps, I input, C classes, V values, Q quantiles.

use std::sync::Mutex;

use elman::{Arrays, Classifier, Ensemble, Error, Predictor, Predicts, Regressor, Sequences, Targets};
use ndarray::{Array1, Array2, ArrayD};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::prelude::*;

use crate::errors::raised;
use crate::network::lock;
use crate::process::Own;
use crate::threads;

/// Made by the first call that predicts, for so many threads; anew after each change.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<(usize, Own<Predictor>)>>);

impl Kept {
    /// What is kept is of other weights than those of now.
    pub(crate) fn forget(&self) {
        *lock(&self.0) = None;
    }

    /// Calls `ask` with a predictor of what `of` gives, which is kept for the next call.
    pub(crate) fn ask<R>(&self, asked: usize, of: impl Fn() -> Ensemble, ask: impl FnOnce(&mut Predictor) -> R) -> R {
        let threads = threads::count(asked);
        let mut kept = lock(&self.0);
        if kept.as_ref().is_none_or(|(of, predictor)| *of != threads || !predictor.is_here()) {
            *kept = Some((threads, Own::new(Predictor::new(of(), threads))));
        }
        match kept.as_mut().and_then(|(_, predictor)| predictor.get()) {
            Some(predictor) => ask(predictor),
            None => ask(&mut Predictor::new(of(), 1)),
        }
    }
}

/// Rows to be predicted: x [N, T, I] and lengths `[N]`.
pub(crate) fn rows(x: &PyReadonlyArray3<'_, f32>, lengths: Option<PyReadonlyArray1<'_, i64>>) -> PyResult<Arrays> {
    let xs = x.as_array().to_owned();
    // Nobody asks for the classes.
    let classes = Targets::Classes(Array1::zeros(xs.dim().0));
    let rows = Arrays::with(xs, classes).map_err(raised)?;
    match crate::arrays::lengths(lengths)? {
        Some(lengths) => rows.lengths(lengths).map_err(raised),
        None => Ok(rows),
    }
}

/// Of a head on whole rows: [N, C], [N, V] or [N, V, Q].
pub(crate) fn answers(predictor: &mut Predictor, rows: &Arrays) -> Result<ArrayD<f32>, Error> {
    match predictor.model().head().predicts {
        Predicts::Classes(_) => predictor.predict(rows).map(|answers| answers.into_dyn()),
        Predicts::Values(_) => predictor.values(rows).map(|answers| answers.into_dyn()),
        Predicts::Quantiles(_) => predictor.quantiles(rows).map(|answers| answers.into_dyn()),
    }
}

/// Of a head on every step, row by row: [T, C] or [T, V].
pub(crate) fn step_answers(predictor: &mut Predictor, rows: &Arrays) -> Result<Vec<Array2<f32>>, Error> {
    (0..rows.len()).map(|row| predictor.predict_steps(rows, row)).collect()
}

/// The probabilities `[C]` of each of some sequences [T, F] in their own units.
pub(crate) fn classified(
    py: Python<'_>,
    of: Ensemble,
    sequences: &[PyReadonlyArray2<'_, f32>],
    asked: usize,
) -> PyResult<Vec<Vec<f32>>> {
    let views: Vec<_> = sequences.iter().map(|sequence| sequence.as_array()).collect();
    let answers = py.detach(|| Classifier::new(of, threads::count(asked))?.classify_arrays(&views)).map_err(raised)?;
    Ok(answers.into_iter().map(|answer| answer.probabilities.into_iter().collect()).collect())
}

/// The number of each of some sequences [T, F], all in their own units.
pub(crate) fn regressed<'py>(
    py: Python<'py>,
    of: Ensemble,
    sequences: &[PyReadonlyArray2<'_, f32>],
    asked: usize,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let views: Vec<_> = sequences.iter().map(|sequence| sequence.as_array()).collect();
    let answers = py.detach(|| Regressor::new(of, threads::count(asked))?.predict_arrays(&views)).map_err(raised)?;
    Ok(answers.into_iter().map(|answer| answer.value).collect::<Vec<f64>>().into_pyarray(py))
}
