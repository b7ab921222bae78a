//! Time series: windows of a table to learn from, and forecasts behind its end.
//!
//! F steps of the horizon, Q levels.

use std::sync::{Arc, Mutex};

use elman::datasets::series::{Reader, SeriesSet};
use elman::series::{Base, Cut, Relative, Split, Window};
use elman::{Predictor, STEPS_MAX, SeriesMeaning};
use numpy::{IntoPyArray, PyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::data::Data;
use crate::errors::raised;
use crate::model::Model;
use crate::network::lock;
use crate::threads;

/// What the table is called in messages.
const NAME: &str = "the data";

/// Series cut into windows, and what a model of them means.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Series {
    split: Split,
    window: Window,
    relative: Option<Relative>,
    meaning: Mutex<SeriesMeaning>,
}

fn of_most() -> String {
    format!("1 to {STEPS_MAX} steps")
}

fn read(reader: &Reader, table: &[u8]) -> PyResult<SeriesSet> {
    reader.parse(NAME, table).map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymethods]
impl Series {
    /// Of a table in text. With `relative`, the windows are relative to a base forecast that is chosen before the test.
    #[new]
    #[pyo3(signature = (table, target, time, *, id=None, covariates=Vec::new(), known=Vec::new(), statics=Vec::new(),
                        horizon, context=None, season=None, validation, test, levels, relative=true, log=None,
                        non_negative=None, integer=false))]
    #[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
    fn new(
        py: Python<'_>,
        table: &[u8],
        target: &str,
        time: &str,
        id: Option<&str>,
        covariates: Vec<String>,
        known: Vec<String>,
        statics: Vec<String>,
        horizon: usize,
        context: Option<usize>,
        season: Option<usize>,
        validation: f64,
        test: f64,
        levels: Vec<f32>,
        relative: bool,
        log: Option<bool>,
        non_negative: Option<bool>,
        integer: bool,
    ) -> PyResult<Self> {
        let mut reader = Reader::new(target).time([time]).covariates(covariates).known(known).statics(statics);
        if let Some(id) = id {
            reader = reader.id(id);
        }
        py.detach(|| {
            let set = read(&reader, table)?;
            let steps = Cut::steps(&set);
            let expected = format!("1 to {}, below the {steps} steps of the series", steps.saturating_sub(1));
            let limits = [
                ("horizon", Some(horizon), steps.saturating_sub(1), expected),
                ("context", context, STEPS_MAX, of_most()),
                ("season", season, STEPS_MAX, of_most()),
            ];
            for (what, found, most, expected) in limits {
                if let Some(found) = found.filter(|found| !(1..=most).contains(found)) {
                    return Err(PyValueError::new_err(format!("{what} is {found}; expected {expected}")));
                }
            }
            let season = season.unwrap_or(set.frequency.season());
            // Two seasons, or three horizons: what the command reads.
            let context = context.unwrap_or(season.saturating_mul(2).max(horizon.saturating_mul(3)));
            let part = |of: f64| if of < 1.0 { (of * steps as f64).round() as usize } else { of as usize };
            let [validation, test] = [validation, test].map(part);
            if validation == 0 {
                return Err(PyValueError::new_err(format!(
                    "validation has no step of {steps}; expected at least 1: give more data, or a larger part"
                )));
            }
            let cut = Cut::last(&set, validation, test).map_err(raised)?;
            let window = Window { context, horizon };
            let (split, relative, touches_zero) = match relative {
                true => {
                    let base = Base::choose(&set, cut.test, season, horizon, log).map_err(raised)?.base;
                    let relative = Relative::to(base);
                    let split = Split::relative(&set, cut, window, &relative).map_err(raised)?;
                    let relative = relative.with_spread(&split.train, &levels);
                    let values = set
                        .series
                        .iter()
                        .flat_map(|series| series.target.iter().map(|&y| series.centre() + f64::from(y)));
                    (split, Some(relative), values.fold(f64::INFINITY, f64::min) == 0.0)
                }
                false => (Split::new(&set, cut, window).map_err(raised)?, None, false),
            };
            let seen = SeriesMeaning::of(&set, cut, &split, season);
            let non_negative = non_negative.unwrap_or(touches_zero);
            let meaning = SeriesMeaning { relative: relative.clone(), non_negative, integer, ..seen };
            Ok(Series { split, window, relative, meaning: Mutex::new(meaning) })
        })
    }

    /// Floats that a step is read as.
    #[getter]
    fn input(&self) -> usize {
        elman::Sequences::input(&self.split.train)
    }

    #[getter]
    fn context(&self) -> usize {
        self.window.context
    }

    /// The windows to learn from and those of validation, of the first every n-th.
    fn data(&self, every: usize) -> PyResult<(Data, Data)> {
        if every == 0 {
            return Err(PyValueError::new_err("every is 0; expected at least 1"));
        }
        let of = |windows: &elman::series::Windows| Data { rows: Arc::new(windows.clone()) };
        Ok((of(&self.split.train.clone().every(every)), of(&self.split.validation)))
    }

    /// Says what a model of these series means, and lets its answers begin at the base forecast.
    fn start(&self, model: &Model) -> PyResult<()> {
        let mut own = elman::Model::clone(&model.get());
        own.steps = Some(self.window.context);
        own.meaning = Some(lock(&self.meaning).clone().into());
        if let Some(relative) = &self.relative {
            relative.start(&mut own).map_err(raised)?;
        }
        model.replace(own);
        Ok(())
    }

    /// Decides by validation how much of a trained model's answer counts, and how wide its intervals are.
    #[pyo3(signature = (model, blend, rate, threads))]
    fn settle(
        &self,
        py: Python<'_>,
        model: &Model,
        blend: Option<f64>,
        rate: Option<f64>,
        threads: usize,
    ) -> PyResult<()> {
        let Some(relative) = self.relative.clone() else { return Ok(()) };
        py.detach(|| {
            let mut own = elman::Model::clone(&model.get());
            let mut predictor = Predictor::new(own.clone(), threads::count(threads));
            let settled = relative.settle(&mut predictor, &self.split.validation, blend, rate).map_err(raised)?;
            let mut meaning = lock(&self.meaning);
            meaning.relative = Some(settled.relative);
            own.meaning = Some(meaning.clone().into());
            model.replace(own);
            Ok(())
        })
    }
}

/// Of each series that can be forecast its id, the times that follow, and quantiles [F, Q]; and the ids of the others.
type Forecasts<'py> = (Vec<(String, Vec<String>, Bound<'py, PyArray2<f64>>)>, Vec<String>);

/// Quantiles of what follows the series of a table like that for training.
#[pyfunction]
pub(crate) fn forecast<'py>(py: Python<'py>, model: &Model, table: &[u8], threads: usize) -> PyResult<Forecasts<'py>> {
    let (all, others) = py.detach(|| {
        let own = elman::Model::clone(&model.get());
        let mut forecaster = elman::series::Forecaster::new(own, threads::count(threads)).map_err(raised)?;
        let set = read(&forecaster.meaning().reader().map_err(raised)?, table)?;
        let selected = forecaster.select(set).map_err(raised)?;
        let short = selected.short.iter().map(|(id, _)| id.clone());
        let others: Vec<String> = short.chain(selected.unread.iter().cloned()).collect();
        if selected.scaled.set.series.is_empty() {
            let context = forecaster.window().context;
            return Err(PyValueError::new_err(format!(
                "no series can be forecast: none has a known value among its last {context} steps, and enough before it"
            )));
        }
        Ok((forecaster.forecast(&selected).map_err(raised)?, others))
    })?;
    Ok((all.into_iter().map(|of| (of.id, of.times, of.quantiles.into_pyarray(py))).collect(), others))
}
