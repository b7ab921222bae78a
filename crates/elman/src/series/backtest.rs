//! Forecasts from many origins, beside what came and beside the seasonal naive forecast.
//!
//! F steps of the horizon, Q levels.

use elman_datasets::series::SeriesSet;

use super::metrics::{Metrics, Tally, point, seasonal_error};
use super::naive::SeasonalNaive;
use super::origin::{Origin, Start, steps_before};
use crate::Error;

/// A forecast and where it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The series, and the first step that is predicted.
    pub origin: Origin,
    /// [F, Q], on the scale of the series.
    pub quantiles: Vec<f32>,
}

/// A model's metrics and, over the same values, those of the seasonal naive forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Of the model.
    pub model: Metrics,
    /// Of the seasonal naive forecast.
    pub naive: Metrics,
}

/// Forecasts from many origins. The naive forecast's errors, and the errors by which MASE divides, are those of each
/// series before the cut, which the model has seen too.
#[derive(Clone, Debug)]
pub struct Backtest<'a> {
    set: &'a SeriesSet,
    levels: Vec<f32>,
    horizon: usize,
    naive: Vec<SeasonalNaive>,
    scales: Vec<Option<f64>>,
    /// Of each step of the horizon `[F]`.
    by_step: Vec<(Tally, Tally)>,
    /// Of each series `[S]`.
    by_series: Vec<(Tally, Tally)>,
    forecasts: Vec<Forecast>,
}

impl<'a> Backtest<'a> {
    /// No forecast yet. What comes before `cut` is history; `season` is m, such as the frequency's.
    ///
    /// # Errors
    /// If there is no level, or the horizon is 0.
    pub fn new(
        set: &'a SeriesSet,
        cut: impl Into<Start>,
        season: usize,
        levels: &[f32],
        horizon: usize,
    ) -> Result<Self, Error> {
        if levels.is_empty() {
            return Err(Error::setting("quantiles", "[]", "at least one level"));
        }
        if horizon == 0 {
            return Err(Error::setting("horizon", horizon, "at least 1 step"));
        }
        let cut = cut.into();
        let histories = || set.series.iter().map(|series| &series.target[..steps_before(set, series, cut)]);
        Ok(Backtest {
            set,
            levels: levels.to_vec(),
            horizon,
            naive: histories().map(|history| SeasonalNaive::new(history, season, levels, horizon)).collect(),
            scales: histories().map(|history| seasonal_error(history, season)).collect(),
            by_step: vec![(Tally::new(levels), Tally::new(levels)); horizon],
            by_series: vec![(Tally::new(levels), Tally::new(levels)); set.series.len()],
            forecasts: Vec::new(),
        })
    }

    /// Adds the quantiles [F, Q] that a model predicts from an origin, on the scale of the series. Steps beyond the end of
    /// the series, and those that are not known, have no metrics. Where nothing before the origin is known, there is no
    /// naive forecast: such an origin is kept, and counted for neither.
    ///
    /// # Errors
    /// If the quantiles are not F × Q, or the set has no such origin.
    pub fn add(&mut self, origin: Origin, quantiles: &[f32]) -> Result<(), Error> {
        let (levels, horizon) = (self.levels.len(), self.horizon);
        if quantiles.len() != horizon * levels {
            return Err(Error::shape("a forecast", &[quantiles.len()], &[horizon, levels]));
        }
        let series = self.set.series.get(origin.series).filter(|series| origin.step <= series.steps());
        let Some(series) = series else {
            let expected = format!("a step of one of the {} series", self.set.series.len());
            return Err(Error::setting("an origin", format!("{origin:?}"), expected));
        };
        let (past, future) = series.target.split_at(origin.step);
        let scale = self.scales[origin.series];
        if let Some((points, naive)) = self.naive[origin.series].forecast(past) {
            let of_series = &mut self.by_series[origin.series];
            for (h, of_step) in self.by_step.iter_mut().enumerate() {
                let Some(&y) = future.get(h) else { break };
                let row = &quantiles[h * levels..][..levels];
                for (model_tally, naive_tally) in [of_step, &mut *of_series] {
                    model_tally.add(y, point(&self.levels, row), row, scale);
                    naive_tally.add(y, points[h], &naive[h * levels..][..levels], scale);
                }
            }
        }
        self.forecasts.push(Forecast { origin, quantiles: quantiles.to_vec() });
        Ok(())
    }

    /// The forecasts, in the order in which they were added.
    pub fn forecasts(&self) -> &[Forecast] {
        &self.forecasts
    }

    /// The metrics of each step of the horizon `[F]`; None where no value is known.
    pub fn by_step(&self) -> Vec<Option<Comparison>> {
        self.by_step.iter().map(|(model, naive)| compare(model, naive)).collect()
    }

    /// The metrics of each series `[S]`, over all steps; None where no value is known.
    pub fn by_series(&self) -> Vec<Option<Comparison>> {
        self.by_series.iter().map(|(model, naive)| compare(model, naive)).collect()
    }

    /// The metrics over all steps; None if no value is known.
    pub fn overall(&self) -> Option<Comparison> {
        let mut sums = (Tally::new(&self.levels), Tally::new(&self.levels));
        for (model, naive) in &self.by_step {
            sums.0.merge(model);
            sums.1.merge(naive);
        }
        compare(&sums.0, &sums.1)
    }
}

fn compare(model: &Tally, naive: &Tally) -> Option<Comparison> {
    Some(Comparison { model: model.metrics()?, naive: naive.metrics()? })
}
