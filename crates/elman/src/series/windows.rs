//! Windows over series: the steps that a network reads, and the values that follow them.
//!
//! T steps of a series, C covariates, K numbers of the calendar, I = 2 (1 + C) + K inputs, F values of the horizon.

use std::sync::Arc;

use elman_datasets::series::{SeriesSet, Time};

use super::calendar::Calendar;
use super::origin::{Origin, Window, origins, steps_before};
use super::scaling::{Scaling, SeriesScaling};
use crate::{Error, Labelled, RowValues, Sequences, Target};

/// Windows over the series of a set, a row each. A clone shares the series.
///
/// A step has I inputs: the target and whether it is known (1 or 0), the same of each covariate, and the calendar. What
/// is not known is 0, which is the mean.
#[derive(Clone, Debug)]
pub struct Windows {
    window: Window,
    input: usize,
    series: Arc<Vec<Inputs>>,
    origins: Vec<Origin>,
}

/// A series as it is read: x [T, I], y `[T]`, both scaled, and the scaling of y.
#[derive(Debug)]
struct Inputs {
    x: Vec<f32>,
    y: Vec<f32>,
    scaling: Scaling,
}

/// What each of the I inputs of a step is.
pub fn input_names(set: &SeriesSet) -> Vec<String> {
    let columns = [&set.target].into_iter().chain(&set.covariates);
    let of = |name: &String| [name.clone(), format!("whether {name} is known")];
    columns.flat_map(of).chain(Calendar::new(set.frequency).names()).collect()
}

impl Window {
    /// Steps of a window: those that are read and those that are predicted.
    pub fn steps(&self) -> usize {
        self.context.saturating_add(self.horizon)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        for (what, found) in [("context", self.context), ("horizon", self.horizon)] {
            if found == 0 {
                return Err(Error::setting(what, found, "at least 1 step"));
            }
        }
        Ok(())
    }
}

impl Windows {
    /// One window for each series, right behind its end: what a forecast is made from. Nothing is known of its horizon.
    ///
    /// # Errors
    /// If a series is shorter than the context, or there is not a scaling for each series.
    pub fn latest(set: &SeriesSet, scalings: &[SeriesScaling], window: Window) -> Result<Self, Error> {
        window.check()?;
        let mut windows = Self::empty(set, scalings, window)?;
        for (index, series) in set.series.iter().enumerate() {
            let steps = series.steps();
            if steps < window.context {
                let (id, context) = (series.id.clone(), window.context);
                return Err(Error::SeriesLength { id, steps, needed: context, context, horizon: 0 });
            }
            windows.origins.push(Origin { series: index, step: steps });
        }
        Ok(windows)
    }

    /// Every window whose values all lie at or after a time, at least one of them known: what a trained model is judged by.
    /// A series that is too short has none.
    ///
    /// # Errors
    /// If context or horizon is 0, or there is not a scaling for each series.
    pub fn since(set: &SeriesSet, scalings: &[SeriesScaling], window: Window, start: Time) -> Result<Self, Error> {
        window.check()?;
        let mut windows = Self::empty(set, scalings, window)?;
        for (index, series) in set.series.iter().enumerate() {
            windows.origins.extend(origins(series, index, steps_before(set, series, start)..series.steps(), window));
        }
        Ok(windows)
    }

    /// Series ready to be read, and no window yet.
    pub(crate) fn empty(set: &SeriesSet, scalings: &[SeriesScaling], window: Window) -> Result<Self, Error> {
        let covariates = set.covariates.len();
        if scalings.len() != set.series.len() {
            return Err(Error::shape("the scalings", &[scalings.len()], &[set.series.len()]));
        }
        if let Some(wrong) = scalings.iter().find(|scaling| scaling.covariates.len() != covariates) {
            let what = format!("the scaling of the covariates of series {:?}", wrong.id);
            return Err(Error::shape(what, &[wrong.covariates.len()], &[covariates]));
        }
        let calendar = Calendar::new(set.frequency);
        let known = 2 * (1 + covariates);
        let input = known + calendar.width();
        let inputs = set.series.iter().zip(scalings).map(|(series, scaling)| {
            // Of values that are differences from a centre.
            let target = scaling.target.moved(-series.centre());
            let moved = |(c, scaling): (usize, &Scaling)| scaling.moved(-series.covariate_centre(c));
            let others: Vec<Scaling> = scaling.covariates.iter().enumerate().map(moved).collect();
            let y: Vec<f32> = series.target.iter().map(|&y| target.scaled(y)).collect();
            let mut x = vec![0.0; series.steps() * input];
            for (t, x) in x.chunks_exact_mut(input).enumerate() {
                let values = &series.covariates[t * covariates..][..covariates];
                let values = others.iter().zip(values).map(|(scaling, &value)| scaling.scaled(value));
                for (x, z) in x.chunks_exact_mut(2).zip([y[t]].into_iter().chain(values)) {
                    if !z.is_nan() {
                        x.copy_from_slice(&[z, 1.0]);
                    }
                }
                // A step of the file has a time.
                if let Some(time) = set.time(series, t as i64) {
                    calendar.write(time, &mut x[known..]);
                }
            }
            Inputs { x, y, scaling: target }
        });
        Ok(Windows { window, input, series: Arc::new(inputs.collect()), origins: Vec::new() })
    }

    /// The same series, seen through other windows.
    pub(crate) fn with(&self, origins: Vec<Origin>) -> Self {
        Windows { origins, ..self.clone() }
    }

    /// Every n-th window of each series, counted from its last, which stays.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn every(mut self, n: usize) -> Self {
        assert!(n > 0, "every window is every first");
        let mut last = vec![None; self.series.len()];
        for origin in &self.origins {
            last[origin.series] = last[origin.series].max(Some(origin.step));
        }
        self.origins.retain(|origin| last[origin.series].is_some_and(|last| (last - origin.step).is_multiple_of(n)));
        self
    }

    /// Where each window stands `[N]`.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The scaling of a window's values: to and from what they are above the [centre](elman_datasets::series::Series) of their
    /// series.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn scaling(&self, row: usize) -> Scaling {
        self.series[self.origins[row].series].scaling
    }

    /// A model's forecast of a window, above the [centre](elman_datasets::series::Series) of its series.
    ///
    /// # Errors
    /// If a value of it is not a finite number.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn unscaled(&self, row: usize, scaled: impl IntoIterator<Item = f32>) -> Result<Vec<f32>, Error> {
        let scaling = self.scaling(row);
        let values: Vec<f32> = scaled.into_iter().map(|z| scaling.unscaled(z)).collect();
        if values.iter().all(|z| z.is_finite()) { Ok(values) } else { Err(Error::Forecast) }
    }
}

impl Sequences for Windows {
    fn len(&self) -> usize {
        self.origins.len()
    }
    fn steps(&self) -> usize {
        self.window.context
    }
    fn input(&self) -> usize {
        self.input
    }
    #[inline]
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        let Origin { series, step: origin } = self.origins[row];
        x.copy_from_slice(&self.series[series].x[(origin - self.window.context + step) * self.input..][..self.input]);
    }
}

impl Labelled for Windows {
    fn target(&self) -> Target<'_> {
        Target::Values(self)
    }
}

/// What follows a window are its F values, scaled.
impl RowValues for Windows {
    fn width(&self) -> usize {
        self.window.horizon
    }
    fn values(&self, row: usize, y: &mut [f32]) {
        let Origin { series, step } = self.origins[row];
        let rest = &self.series[series].y[step..];
        for (k, y) in y.iter_mut().enumerate() {
            *y = rest.get(k).copied().unwrap_or(f32::NAN);
        }
    }
}
