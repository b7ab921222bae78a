//! Windows over series: the steps that a network reads, and the values that follow them.
//!
//! T steps of a series, C covariates, K numbers of the calendar, S static inputs, I = 2 (1 + C) + K + S inputs, F values of the
//! horizon, L covariates that are known ahead, for A steps behind a series too. At the last step before the horizon F × L inputs
//! more have their values there; at all others these are 0. So the network's last state knows them all, and nothing has to be
//! carried over steps.

use std::ops::Range;
use std::sync::Arc;

use elman_datasets::series::{Series, SeriesSet};

use super::calendar::Calendar;
use super::origin::{Origin, Start, Window, origins, steps_before};
use super::relative::{Followed, Relative, rolling};
use super::scaling::{Scaling, SeriesScaling};
use super::statics::StaticInput;
use crate::{Error, Labelled, RowValues, Sequences, Target};

/// Windows over the series of a set, a row each. A clone shares the series.
///
/// Windows may also be [relative](Relative) to a base forecast: then target and values are so, in place of their scaling,
/// and a step has some inputs more.
///
/// A step has I inputs: the target and whether it is known (1 or 0), the same of each covariate, the calendar, and what is
/// static of the series. What is not known is 0, which is the mean. Behind them stand those of the horizon, if covariates
/// are known ahead.
#[derive(Clone, Debug)]
pub struct Windows {
    window: Window,
    /// Of a step, without what is read beside it.
    input: usize,
    /// L, the covariates that are known ahead.
    known: usize,
    series: Arc<Vec<Inputs>>,
    origins: Vec<Origin>,
    relative: Option<RelativeTo>,
}

/// What windows are relative to.
#[derive(Clone, Debug)]
struct RelativeTo {
    /// Of each series.
    followed: Arc<Vec<Followed>>,
    /// The values that are to be learnt of each series.
    parts: Arc<Vec<Range<usize>>>,
    /// Whether a network reads and answers in the whole scale of the series.
    global: bool,
}

/// A series as it is read: x [T, I], y `[T]`, both scaled, and the scaling of y.
#[derive(Debug)]
struct Inputs {
    x: Vec<f32>,
    y: Vec<f32>,
    scaling: Scaling,
    centre: f64,
    /// [T + A, L]: the covariates that are known ahead, scaled, NaN where they are missing.
    known: Vec<f32>,
}

/// What each of the inputs of a step is, but for those that are relative to a base forecast and the covariates of the steps to
/// forecast.
pub fn input_names(set: &SeriesSet, statics: &[StaticInput]) -> Vec<String> {
    let columns = [&set.target].into_iter().chain(&set.covariates);
    let of = |name: &String| [name.clone(), format!("whether {name} is known")];
    let statics = statics.iter().flat_map(StaticInput::names);
    columns.flat_map(of).chain(Calendar::new(set.frequency).names()).chain(statics).collect()
}

/// Refuses series whose covariates that are known ahead are missing at one of the steps to forecast.
pub(crate) fn check_ahead(set: &SeriesSet, horizon: usize) -> Result<(), Error> {
    for series in &set.series {
        if let Some((step, column)) = missing_ahead(set, series, horizon) {
            let time = set.time_text(series, (series.steps() + step) as i64).unwrap_or_default();
            let (id, column) = (series.id.clone(), column.to_owned());
            return Err(Error::KnownAhead { id, column, time, step: step + 1, horizon });
        }
    }
    Ok(())
}

/// The first step of the horizon, from 0, and the column, of which a covariate that is known ahead is missing.
pub(crate) fn missing_ahead<'a>(set: &'a SeriesSet, series: &Series, horizon: usize) -> Option<(usize, &'a str)> {
    let covariates = set.covariates.len();
    let missing = |step: usize, c: usize| series.ahead.get(step * covariates + c).is_none_or(|value| value.is_nan());
    let steps = (0..horizon).flat_map(|step| set.known.iter().map(move |&c| (step, c)));
    steps.filter(|&(step, c)| missing(step, c)).map(|(step, c)| (step, set.covariates[c].as_str())).next()
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
    /// One window for each series, right behind its end: what a forecast is made from. Of its horizon the covariates alone are
    /// known that are known ahead.
    ///
    /// # Errors
    /// If a series is shorter than the context, a covariate that is known ahead is missing there, or there is not a scaling for each series.
    pub fn latest(set: &SeriesSet, scalings: &[SeriesScaling], window: Window) -> Result<Self, Error> {
        window.check()?;
        check_ahead(set, window.horizon)?;
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

    /// The same windows as [`Windows::since`], relative to a base forecast; a series needs less before them than the context.
    ///
    /// # Errors
    /// As there, or if a logarithm is asked for of what is not above 0.
    pub fn relative_since(
        set: &SeriesSet,
        scalings: &[SeriesScaling],
        window: Window,
        start: impl Into<Start>,
        relative: &Relative,
    ) -> Result<Self, Error> {
        let (mut windows, start) = (Self::empty_relative(set, scalings, window, relative)?, start.into());
        for (index, series) in set.series.iter().enumerate() {
            let part = steps_before(set, series, start)..series.steps();
            let whole = Window { context: windows.first(index), ..window };
            windows.origins.extend(origins(series, index, part, whole));
        }
        Ok(windows.informed())
    }

    /// Every window whose values all lie at or after a time, at least one of them known: what a trained model is judged by.
    /// A series that is too short has none.
    ///
    /// # Errors
    /// If context or horizon is 0, or there is not a scaling for each series.
    pub fn since(
        set: &SeriesSet,
        scalings: &[SeriesScaling],
        window: Window,
        start: impl Into<Start>,
    ) -> Result<Self, Error> {
        window.check()?;
        let (mut windows, start) = (Self::empty(set, scalings, window)?, start.into());
        for (index, series) in set.series.iter().enumerate() {
            windows.origins.extend(origins(series, index, steps_before(set, series, start)..series.steps(), window));
        }
        Ok(windows.informed())
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
        let statics = scalings.first().map_or(0, |scaling| scaling.statics.len());
        if let Some(wrong) = scalings.iter().find(|scaling| scaling.statics.len() != statics) {
            let what = format!("what is static of series {:?}", wrong.id);
            return Err(Error::shape(what, &[wrong.statics.len()], &[statics]));
        }
        let calendar = Calendar::new(set.frequency);
        let known = 2 * (1 + covariates);
        let of_calendar = known + calendar.width();
        let input = of_calendar + statics;
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
                    calendar.write(time, &mut x[known..of_calendar]);
                }
                x[of_calendar..].copy_from_slice(&scaling.statics);
            }
            let steps = series.covariates.chunks_exact(covariates.max(1));
            let steps = steps.chain(series.ahead.chunks_exact(covariates.max(1)));
            let known = steps.flat_map(|values| set.known.iter().map(|&c| others[c].scaled(values[c]))).collect();
            Inputs { x, y, scaling: target, centre: series.centre(), known }
        });
        let (series, known) = (Arc::new(inputs.collect()), set.known.len());
        Ok(Windows { window, input, known, series, origins: Vec::new(), relative: None })
    }

    /// Series ready to be read relative to a base forecast, and no window yet.
    pub(crate) fn empty_relative(
        set: &SeriesSet,
        scalings: &[SeriesScaling],
        window: Window,
        relative: &Relative,
    ) -> Result<Self, Error> {
        window.check()?;
        let mut windows = Self::empty(set, scalings, window)?;
        if !relative.global {
            windows.read_jointly(set, relative)?;
        }
        let followed = Arc::new(relative.follow(set, window.context, window.horizon)?);
        let parts = Arc::new(set.series.iter().map(|series| 0..series.steps()).collect());
        Ok(Windows { relative: Some(RelativeTo { followed, parts, global: relative.global }), ..windows })
    }

    /// Puts in place of the values of the other targets, which may rise and fall like the target itself, what their own base
    /// forecasts did not foresee of them.
    fn read_jointly(&mut self, set: &SeriesSet, relative: &Relative) -> Result<(), Error> {
        let (input, Some(all)) = (self.input, Arc::get_mut(&mut self.series)) else { return Ok(()) };
        for (inputs, series) in all.iter_mut().zip(&set.series) {
            for covariate in 0..set.joint {
                let surprises = relative.surprises(series, covariate)?;
                for (x, surprise) in inputs.x.chunks_exact_mut(input).zip(surprises) {
                    x[2 * (1 + covariate)] = surprise;
                }
            }
        }
        Ok(())
    }

    /// The same series, seen through all windows that have a value in a part of each, relative to their base forecasts:
    /// also those that reach beyond it, of which nothing else is learnt, and those that have less than the context before
    /// them.
    pub(crate) fn rolling(&self, set: &SeriesSet, part: impl Fn(&Series) -> Range<usize>) -> Self {
        let Some(relative) = &self.relative else { return self.with(Vec::new()) };
        let parts: Vec<Range<usize>> = set.series.iter().map(part).collect();
        let mut all = Vec::new();
        for (index, (followed, part)) in relative.followed.iter().zip(&parts).enumerate() {
            let known = &set.series[index].target;
            let steps = rolling(followed, known, part, self.window.horizon);
            all.extend(steps.into_iter().map(|step| Origin { series: index, step }));
        }
        let relative = RelativeTo { parts: Arc::new(parts), ..relative.clone() };
        Windows { origins: all, relative: Some(relative), ..self.clone() }.informed()
    }

    /// The first origin of a series that has a base forecast; of windows that are relative to none, the context.
    pub(crate) fn first(&self, series: usize) -> usize {
        self.relative.as_ref().map_or(self.window.context, |relative| relative.followed[series].course.from)
    }

    /// How much is read and predicted.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The same series, seen through other windows.
    pub(crate) fn with(&self, origins: Vec<Origin>) -> Self {
        Windows { origins, ..self.clone() }.informed()
    }

    /// Without the windows in whose horizon a covariate is missing that is known ahead. What lies behind the series is not asked
    /// for: nothing is learnt there.
    fn informed(mut self) -> Self {
        let (known, horizon) = (self.known, self.window.horizon);
        if known > 0 {
            let series = Arc::clone(&self.series);
            self.origins.retain(|&Origin { series: of, step }| {
                let Inputs { y, known: values, .. } = &series[of];
                let ahead = step.min(y.len())..(step + horizon).min(y.len());
                values[ahead.start * known..ahead.end * known].iter().all(|value| !value.is_nan())
            });
        }
        self
    }

    /// Writes what is known of the horizon into `x` [F × L], at the last step before it; 0 where it is missing.
    fn read_known(&self, row: usize, step: usize, x: &mut [f32]) {
        x.fill(0.0);
        if self.known == 0 || step + 1 < self.window.context {
            return;
        }
        let Origin { series, step: origin } = self.origins[row];
        let values = self.series[series].known.get(origin * self.known..).unwrap_or(&[]);
        for (x, &value) in x.iter_mut().zip(values).filter(|(_, value)| !value.is_nan()) {
            *x = value;
        }
    }

    /// Without those of the series for which `keep` says no.
    pub(crate) fn without(mut self, keep: &[bool]) -> Self {
        self.origins.retain(|origin| keep[origin.series]);
        self
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

    /// What the values of a window are differences from.
    pub(crate) fn centre(&self, row: usize) -> f64 {
        self.series[self.origins[row].series].centre
    }

    /// The value of a step as the forecast from an origin has it, relative to its base; NaN where it is not known.
    pub(crate) fn came(&self, series: usize, origin: usize, step: usize) -> f32 {
        self.relative.as_ref().map_or(f32::NAN, |relative| relative.followed[series].target(origin, step - origin))
    }

    /// What follows a window, relative to its base forecast; NaN where it is not known, and of windows that are relative to
    /// none.
    pub(crate) fn relative_values(&self, row: usize, y: &mut [f32]) {
        let Origin { series, step } = self.origins[row];
        let Some(relative) = &self.relative else { return y.fill(f32::NAN) };
        let (followed, part) = (&relative.followed[series], &relative.parts[series]);
        for (h, y) in y.iter_mut().enumerate() {
            *y = if part.contains(&(step + h)) { followed.target(step, h) } else { f32::NAN };
        }
    }

    /// A network's answer [F, Q] for a window, made relative to its base forecast where it is not yet.
    pub(crate) fn made_relative(&self, row: usize, z: &mut [f32]) {
        let Some(relative) = self.relative.as_ref().filter(|of| of.global) else { return };
        let Origin { series, step } = self.origins[row];
        let (followed, of) = (&relative.followed[series], &self.series[series]);
        let levels = (z.len() / self.window.horizon).max(1);
        for (at, z) in z.iter_mut().enumerate() {
            let v = of.centre + of.scaling.mean + of.scaling.scale * f64::from(*z);
            *z = followed.relative(step, at / levels, v);
        }
    }

    /// A model's forecast of a window, above the [centre](elman_datasets::series::Series) of its series.
    ///
    /// # Errors
    /// If a value of it is not a finite number.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn unscaled(&self, row: usize, scaled: impl IntoIterator<Item = f32>) -> Result<Vec<f32>, Error> {
        let values: Vec<f32> = match &self.relative {
            None => {
                let scaling = self.scaling(row);
                scaled.into_iter().map(|z| scaling.unscaled(z)).collect()
            }
            Some(relative) => {
                let Origin { series, step } = self.origins[row];
                let (followed, centre) = (&relative.followed[series], self.series[series].centre);
                let scaled: Vec<f32> = scaled.into_iter().collect();
                let levels = (scaled.len() / self.window.horizon).max(1);
                let restored = |(at, z): (usize, &f32)| (followed.restored(step, at / levels, *z) - centre) as f32;
                scaled.iter().enumerate().map(restored).collect()
            }
        };
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
        let relative = self.relative.as_ref().map_or(0, |_| Relative::INPUTS);
        self.input + relative + self.known * self.window.horizon
    }
    #[inline]
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        let Origin { series, step: origin } = self.origins[row];
        if let Some(relative) = &self.relative {
            // What comes before the series is not known.
            let Some(at) = (origin + step).checked_sub(self.window.context) else { return x.fill(0.0) };
            let (x, known) = x.split_at_mut(x.len() - self.known * self.window.horizon);
            self.read_known(row, step, known);
            x[..self.input].copy_from_slice(&self.series[series].x[at * self.input..][..self.input]);
            let of = &self.series[series];
            let global = relative.global.then(|| of.scaling.moved(of.centre));
            return relative.followed[series].read(origin, at, x, self.input, global);
        }
        let (x, known) = x.split_at_mut(self.input);
        x.copy_from_slice(&self.series[series].x[(origin - self.window.context + step) * self.input..][..self.input]);
        self.read_known(row, step, known);
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
        let part = match &self.relative {
            Some(relative) if !relative.global => return self.relative_values(row, y),
            Some(relative) => relative.parts[series].clone(),
            None => 0..usize::MAX,
        };
        let rest = &self.series[series].y[step..];
        for (k, y) in y.iter_mut().enumerate() {
            *y = if part.contains(&(step + k)) { rest.get(k).copied().unwrap_or(f32::NAN) } else { f32::NAN };
        }
    }
}
