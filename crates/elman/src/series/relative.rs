//! Forecasts relative to a base forecast: what a network reads and predicts of a window, and the way back.
//!
//! F steps of the horizon, Q levels, v a value, ŷ its base forecast, s how wrong that is one step ahead, lately:
//!
//! z = (v − ŷ) / s
//!
//! So a network that answers with the quantiles of z in training is the base forecast with the spread of its errors, whatever
//! the level, the trend and the size of a series are; training starts there. A reversible normalisation: Kim et al. (2022),
//! ICLR, "Reversible instance normalization for accurate time-series forecasting against distribution shift".

use std::ops::Range;

use elman_datasets::series::{Series, SeriesSet};
use serde::{Deserialize, Serialize};

use super::base::{Base, Course};
use super::calibration::Calibration;
use super::metrics::point;
use super::naive::quantile;
use super::scaling::Scaling;
use super::windows::Windows;
use crate::{Error, Model, RowValues, Sequences};

/// Nothing that is read is farther from 0.
const INPUT_MAX: f64 = 10.0;

/// Nothing that is learnt is farther from 0: so no target is infinite.
const TARGET_MAX: f64 = 1e6;

/// A step's own errors count as much as those of all steps together from so many independent windows on.
const OWN: f64 = 10.0;

/// What a forecast is relative to, and what is made of the network's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relative {
    /// The base forecast.
    pub base: Base,
    /// Whether a network reads and answers in its series' whole scale, by their mean and deviation over training; its answer
    /// is relative all the same in what follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub global: bool,
    /// [F, Q]: quantiles of the base forecast's errors in training, by their scale, less their median. Empty until they are
    /// known.
    pub spread: Vec<f32>,
    /// How much of the network's answer counts, from 0, the base forecast with its spread, to 1.
    pub blend: f64,
    /// What widens or narrows the intervals; None leaves them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl Relative {
    /// To a base forecast; the network's answer as it is.
    pub fn to(base: Base) -> Self {
        Relative { base, global: false, spread: Vec::new(), blend: 1.0, calibration: None }
    }

    /// Inputs beside those of [`Windows`].
    pub const INPUTS: usize = 3;

    /// What they are.
    pub fn input_names(target: &str) -> [String; Self::INPUTS] {
        let season = format!("{target} a season before");
        let known = format!("whether {season} is known");
        [season, known, "the base forecast's error".to_owned()]
    }

    /// The courses of the base through series.
    pub(crate) fn follow(&self, set: &SeriesSet, context: usize, horizon: usize) -> Result<Vec<Followed>, Error> {
        let one = |series| Ok(Followed::new(self.base.follow(series, horizon)?, context));
        set.series.iter().map(one).collect()
    }

    /// `[T]`: what a base forecast of a covariate of a series did not foresee of each step, by its scale; 0 where nothing is known.
    ///
    /// # Errors
    /// If a logarithm is asked for of what is not above 0.
    pub(crate) fn surprises(&self, series: &Series, covariate: usize) -> Result<Vec<f32>, Error> {
        let covariates = series.covariates.len() / series.steps().max(1);
        let alone = Series {
            id: series.id.clone(),
            start: series.start,
            centres: vec![series.covariate_centre(covariate)].into(),
            target: series.covariates.iter().skip(covariate).step_by(covariates.max(1)).copied().collect(),
            covariates: Vec::new(),
            ahead: Vec::new(),
            statics: Vec::new(),
        };
        let course = self.base.follow(&alone, 1)?;
        let most = INPUT_MAX as f32;
        Ok(course.origins[1..].iter().map(|at| at.error.clamp(-most, most)).collect())
    }

    /// Takes the spread of the base forecast's errors from windows for training.
    pub fn with_spread(self, train: &Windows, levels: &[f32]) -> Self {
        let horizon = train.width();
        let mut errors: Vec<Vec<f32>> = vec![Vec::new(); horizon];
        let mut row = vec![0.0; horizon];
        for window in 0..train.len() {
            train.relative_values(window, &mut row);
            errors.iter_mut().zip(&row).filter(|(_, z)| !z.is_nan()).for_each(|(of, &z)| of.push(z));
        }
        Relative { spread: spread(&mut errors, levels), ..self }
    }

    /// Gives a model that has learnt nothing the answer of the base forecast: its head gives the spread, whatever the
    /// network does.
    ///
    /// # Errors
    /// If the model is not one of so many quantiles.
    pub fn start(&self, model: &mut Model) -> Result<(), Error> {
        if self.global {
            return Ok(());
        }
        let mut arrays = model.arrays();
        for (name, values) in [("head.kernel", None), ("head.bias", Some(&self.spread))] {
            let Some(array) = arrays.get_mut(name) else { continue };
            match values {
                None => array.data.fill(0.0),
                Some(spread) if spread.len() == array.data.len() => array.data.copy_from_slice(spread),
                Some(spread) => return Err(Error::shape("the head", &[array.data.len()], &[spread.len()])),
            }
        }
        model.set_arrays(&arrays)
    }

    /// A network's answer [F, Q], mixed with the base forecast's spread.
    pub(crate) fn blended(&self, z: &mut [f32]) {
        if self.blend < 1.0 {
            for (z, &base) in z.iter_mut().zip(&self.spread) {
                *z = (f64::from(base) + self.blend * (f64::from(*z) - f64::from(base))) as f32;
            }
        }
    }

    /// Whether its sizes are those of F steps and so many levels.
    pub(crate) fn fits(&self, horizon: usize, levels: usize) -> bool {
        (self.spread.is_empty() || self.spread.len() == horizon * levels)
            && self.calibration.as_ref().is_none_or(|of| of.fits(horizon))
            && (0.0..=1.0).contains(&self.blend)
            && self.base.season > 0
            && !self.base.ways.is_empty()
    }
}

/// [F, Q] of the errors of each step: its own quantiles where there are many, those of all steps at its size where not.
/// Of n independent windows they are √(1 + 1 / n) as wide, as the error of a forecast is whose mean was taken from n.
fn spread(errors: &mut [Vec<f32>], levels: &[f32]) -> Vec<f32> {
    let mut sizes: Vec<f64> =
        errors.iter().map(|of| of.iter().map(|&z| f64::from(z).abs()).sum::<f64>() / of.len().max(1) as f64).collect();
    // A forecast farther ahead is no surer: the mean of neighbours that fall.
    for h in 1..sizes.len() {
        if errors[h].is_empty() || sizes[h] < sizes[h - 1] {
            sizes[h] = sizes[h - 1].max(sizes[h]);
        }
    }
    let all = errors.iter().zip(&sizes).filter(|(_, size)| **size > 0.0);
    let mut pooled: Vec<f32> =
        all.flat_map(|(of, size)| of.iter().map(move |z| (f64::from(*z) / size) as f32)).collect();
    pooled.sort_by(f32::total_cmp);
    let horizon = errors.len() as f64;
    let independent = pooled.len() as f64 / (horizon * horizon);
    let wider = if independent > 0.0 { (1.0 + 1.0 / independent).sqrt() } else { 1.0 };
    let mut found = Vec::with_capacity(errors.len() * levels.len());
    for (of, size) in errors.iter_mut().zip(&sizes) {
        of.sort_by(f32::total_cmp);
        let windows = of.len() as f64 / horizon;
        let own = windows / (windows + OWN);
        let at = |level| {
            let pooled = quantile(&pooled, level).map_or(0.0, |z| size * f64::from(z));
            let of = quantile(of, level).map_or(pooled, f64::from);
            (pooled + own * (of - pooled)) as f32
        };
        let row: Vec<f32> = levels.iter().map(|&level| at(level)).collect();
        let median = point(levels, &row);
        found.extend(row.iter().map(|z| (wider * f64::from(z - median)) as f32));
    }
    found
}

/// A series as its windows are relative to its base forecast.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    pub(crate) course: Course,
    /// How far the values that are read are from the reference, for each origin `[T + 1]`.
    deviations: Vec<f64>,
    season: usize,
    log: bool,
}

impl Followed {
    fn new(course: Course, context: usize) -> Self {
        let deviation = |origin: usize| {
            let at = course.origins[origin];
            let read = &course.values[origin.saturating_sub(context)..origin];
            let known = || read.iter().filter(|v| !v.is_nan());
            let squares: f64 = known().map(|v| (v - at.reference) * (v - at.reference)).sum();
            (squares / known().count().max(1) as f64).sqrt().max(at.scale)
        };
        let deviations =
            (0..course.origins.len()).map(|origin| if origin < course.from { 1.0 } else { deviation(origin) });
        let deviations = deviations.collect();
        Followed { deviations, season: course.season, log: course.log, course }
    }

    /// A step of a window: `x` has what [`Windows`] reads of it, from which target and mark are replaced, and the inputs
    /// beside them.
    pub(crate) fn read(&self, origin: usize, step: usize, x: &mut [f32], rest: usize, global: Option<Scaling>) {
        if let Some(scaling) = global {
            let before = step.checked_sub(self.season).map_or(f64::NAN, |step| self.course.values[step]);
            if !before.is_nan() {
                let z = ((before - scaling.mean) / scaling.scale) as f32;
                x[rest..rest + 2].copy_from_slice(&[z, 1.0]);
            } else {
                x[rest..rest + 2].fill(0.0);
            }
            let most = INPUT_MAX as f32;
            x[rest + 2] = self.course.origins[step + 1].error.clamp(-most, most);
            return;
        }
        let at = self.course.origins[origin];
        let z = |v: f64| ((v - at.reference) / self.deviations[origin]).clamp(-INPUT_MAX, INPUT_MAX) as f32;
        let mark = |v: f64| if v.is_nan() { [0.0, 0.0] } else { [z(v), 1.0] };
        x[..2].copy_from_slice(&mark(self.course.values[step]));
        let before = step.checked_sub(self.season).map_or(f64::NAN, |step| self.course.values[step]);
        x[rest..rest + 2].copy_from_slice(&mark(before));
        let most = INPUT_MAX as f32;
        // The error of a step is known with its value.
        x[rest + 2] = self.course.origins[step + 1].error.clamp(-most, most);
    }

    /// What is to be learnt of a step of the horizon; NaN where nothing is known.
    pub(crate) fn target(&self, origin: usize, h: usize) -> f32 {
        self.course.values.get(origin + h).map_or(f32::NAN, |&v| self.relative(origin, h, v))
    }

    /// A value of the series' units that a network answers, relative to the base forecast.
    pub(crate) fn relative(&self, origin: usize, h: usize, v: f64) -> f32 {
        let z = (v - self.course.point(origin, h)) / self.course.origins[origin].scale;
        z.clamp(-TARGET_MAX, TARGET_MAX) as f32
    }

    /// From an answer back to the units of the series.
    pub(crate) fn restored(&self, origin: usize, h: usize, z: f32) -> f64 {
        let v = self.course.point(origin, h) + self.course.origins[origin].scale * f64::from(z);
        if self.log { libm::exp(v) } else { v }
    }
}

/// The origins of windows of which a value lies in `part`, each with what it has of it.
pub(crate) fn rolling(followed: &Followed, known: &[f32], part: &Range<usize>, horizon: usize) -> Vec<usize> {
    let first = followed.course.from.max((part.start + 1).saturating_sub(horizon));
    let has = |&origin: &usize| (origin.max(part.start)..(origin + horizon).min(part.end)).any(|t| !known[t].is_nan());
    (first..part.end).filter(has).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_has_its_middle_at_0_and_grows() {
        let mut errors: Vec<Vec<f32>> = vec![vec![-1.0, 0.0, 1.0, 2.0, 3.0], vec![-2.0, 0.0, 2.0, 4.0, 6.0], vec![]];
        let found = spread(&mut errors, &[0.25, 0.5, 0.75]);
        assert!([1, 4, 7].iter().all(|&place| found[place] == 0.0), "{found:?}");
        assert!(found[0] < 0.0 && found[3] < found[0] && found[6] == found[3], "{found:?}");
        assert!(found.chunks(3).all(|row| row.is_sorted()));
    }
}
