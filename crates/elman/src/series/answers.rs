//! Forecasts in the units of their series: from a network's answers, by all that the model keeps beside them.
//!
//! N windows, F steps of the horizon, Q levels.

use elman_datasets::series::SeriesSet;

use super::calibration::{Calibration, Came, Following};
use super::windows::Windows;
use super::{Relative, blend};
use crate::{Error, Predictor, Sequences, SeriesMeaning};

/// Forecasts of windows, above the [centre](elman_datasets::series::Series::centre) of their series.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// [N, F × Q]: as they are to be used; they rise with the level.
    pub quantiles: Vec<Vec<f32>>,
    /// The same with their intervals as the network gives them, where they are calibrated.
    pub raw: Option<Vec<Vec<f32>>>,
}

/// What validation said of a model that is relative to a base forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The base forecast, the part of the network's answer, and the calibration.
    pub relative: Relative,
    /// Mean pinball loss of the base forecast, relative to it.
    pub base_loss: f64,
    /// The same of the network's answer.
    pub network_loss: f64,
    /// Windows.
    pub windows: usize,
}

impl Answers {
    /// Forecasts by a model, whose [meaning](crate::Model::meaning) says what is made of its answers; one without a meaning
    /// is only scaled back. Where intervals follow what comes, they do so from the first of these windows of a series to
    /// its last: each knows the values before it.
    ///
    /// # Errors
    /// If the model does not fit the windows, or its forecasts are not numbers.
    pub fn of(predictor: &mut Predictor, windows: &Windows) -> Result<Self, Error> {
        let meaning = predictor.model().series_meaning().ok().cloned();
        let quantiles = predictor.quantiles(windows)?;
        let mut all: Vec<Vec<f32>> = quantiles.outer_iter().map(|of| of.iter().copied().collect()).collect();
        let Some(SeriesMeaning { relative, non_negative, integer, .. }) = meaning else {
            let back = |(row, of): (usize, Vec<f32>)| windows.unscaled(row, of);
            return Ok(Answers {
                quantiles: all.into_iter().enumerate().map(back).collect::<Result<_, _>>()?,
                raw: None,
            });
        };
        let (_, levels) = predictor.model().series_window()?;
        let bounded = |all: Vec<Vec<f32>>| -> Result<Vec<Vec<f32>>, Error> {
            let mut back = Vec::with_capacity(all.len());
            for (row, of) in all.into_iter().enumerate() {
                let mut of = windows.unscaled(row, of)?;
                if non_negative || integer {
                    let centre = windows.centre(row);
                    of.iter_mut().for_each(|y| *y = within(*y, centre, non_negative, integer));
                }
                back.push(of);
            }
            Ok(back)
        };
        let Some(relative) = relative else { return Ok(Answers { quantiles: bounded(all)?, raw: None }) };
        for (row, of) in all.iter_mut().enumerate() {
            windows.made_relative(row, of);
            relative.blended(of);
        }
        let Some(calibration) = &relative.calibration else {
            return Ok(Answers { quantiles: bounded(all)?, raw: None });
        };
        let raw = bounded(all.clone())?;
        let mut following: Option<(usize, Following)> = None;
        for (of, origin) in all.iter_mut().zip(windows.origins()) {
            let (_, state) = match &mut following {
                Some(of) if of.0 == origin.series => of,
                other => other.insert((origin.series, Following::new(calibration, &levels, origin.step))),
            };
            state.forecast(origin.step, of, |from, step| windows.came(origin.series, from, step));
        }
        Ok(Answers { quantiles: bounded(all)?, raw: Some(raw) })
    }
}

/// A value above its centre, kept from below 0, and rounded.
fn within(y: f32, centre: f64, non_negative: bool, integer: bool) -> f32 {
    let mut whole = centre + f64::from(y);
    if integer {
        whole = whole.round();
    }
    if non_negative {
        whole = whole.max(0.0);
    }
    (whole - centre) as f32
}

impl Relative {
    /// Decides by windows of validation how much of the network's answer counts (unless `part` says it), and by how much
    /// its intervals are widened (unless `rate` is None; each value that comes then moves them at this rate).
    ///
    /// # Errors
    /// If the model does not fit the windows.
    pub fn settle(
        mut self,
        predictor: &mut Predictor,
        validation: &Windows,
        part: Option<f64>,
        rate: Option<f64>,
    ) -> Result<Settled, Error> {
        let (window, levels) = predictor.model().series_window()?;
        let quantiles = predictor.quantiles(validation)?;
        let mut answers: Vec<Vec<f32>> = quantiles.outer_iter().map(|of| of.iter().copied().collect()).collect();
        answers.iter_mut().enumerate().for_each(|(row, of)| validation.made_relative(row, of));
        let values: Vec<Vec<f32>> = (0..validation.len())
            .map(|row| {
                let mut y = vec![0.0; window.horizon];
                validation.relative_values(row, &mut y);
                y
            })
            .collect();
        let (best, base_loss, network_loss) = blend::part(&self, &levels, &answers, &values);
        self.blend = part.unwrap_or(best);
        if let Some(rate) = rate {
            answers.iter_mut().for_each(|of| self.blended(of));
            let came: Vec<Came> =
                answers.iter().zip(&values).map(|(quantiles, values)| Came { quantiles, values }).collect();
            self.calibration = Some(Calibration::of(&levels, window.horizon, &came, rate));
        }
        Ok(Settled { relative: self, base_loss, network_loss, windows: validation.len() })
    }
}

/// The most origins before a forecast that its intervals follow.
const FOLLOWED_MAX: usize = 500;

impl Windows {
    /// Of each series the windows from the start of the test on, and the one right behind its end: what a forecast is made
    /// from whose intervals follow what came.
    pub(crate) fn up_to_the_end(
        &self,
        set: &SeriesSet,
        from: impl Fn(&elman_datasets::series::Series) -> usize,
    ) -> Self {
        let mut origins = Vec::new();
        for (index, series) in set.series.iter().enumerate() {
            let steps = series.steps();
            let first = from(series).max(self.first(index)).max(steps.saturating_sub(FOLLOWED_MAX)).min(steps);
            origins.extend((first..=steps).map(|step| super::Origin { series: index, step }));
        }
        self.with(origins)
    }
}
