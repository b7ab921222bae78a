//! Series with their scalings, as a trained model reads them.

use std::collections::HashMap;

use elman_datasets::series::{Report, Series, SeriesSet};

use super::origin::steps_before;
use super::statics::{self, StaticInput};
use super::windows::{check_ahead, missing_ahead};
use super::{Answers, Origin, SeriesScaling, Start, Window, Windows};
use crate::{Error, Predictor, SeriesMeaning};

/// Series with their scalings.
#[derive(Clone, Debug)]
pub struct Scaled {
    /// Those that have a scaling.
    pub set: SeriesSet,
    /// In the order of the series.
    pub scalings: Vec<SeriesScaling>,
    /// The ids of those that were not trained on, and are scaled by their own values.
    pub own: Vec<String>,
    /// The ids of those that were left out, with no known value to scale them by.
    pub unknown: Vec<String>,
    /// The ids of those of which a static column has a text that was not learnt from, each with its column.
    pub unseen: Vec<(String, String)>,
}

impl Scaled {
    /// With the scalings that were learnt. Another series is scaled by its own known values before `start`; where there are
    /// none, by all that are known if `or_by_all`, and else it is left out.
    pub(crate) fn new(
        mut set: SeriesSet,
        learnt: &[SeriesScaling],
        inputs: &[StaticInput],
        start: Start,
        or_by_all: bool,
    ) -> Self {
        let (mut scalings, mut own, mut unknown, mut unseen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let learnt: HashMap<&str, &SeriesScaling> = learnt.iter().map(|of| (of.id.as_str(), of)).collect();
        let all = std::mem::take(&mut set.series);
        let mut series = Vec::with_capacity(all.len());
        for one in all {
            let scaling = learnt.get(one.id.as_str()).copied().cloned().or_else(|| {
                let steps = steps_before(&set, &one, start);
                let of = |steps| SeriesScaling::of(&one, steps, set.covariates.len());
                let scaling = of(steps).or_else(|| if or_by_all { of(one.steps()) } else { None });
                if scaling.is_some() { &mut own } else { &mut unknown }.push(one.id.clone());
                scaling
            });
            if let Some(scaling) = scaling {
                let (statics, columns) = statics::read(inputs, &one);
                unseen.extend(columns.into_iter().map(|column| (one.id.clone(), column)));
                scalings.push(SeriesScaling { statics, ..scaling });
                series.push(one);
            }
        }
        set.series = series;
        Scaled { set, scalings, own, unknown, unseen }
    }

    /// Whether all is known of a series that is read of its horizon: covariates that are known ahead.
    pub fn knows_ahead(&self, series: usize, horizon: usize) -> bool {
        missing_ahead(&self.set, &self.set.series[series], horizon).is_none()
    }

    /// The series of these places, alone.
    ///
    /// # Panics
    /// If there is no series of one of them.
    pub fn select(&self, series: &[usize]) -> Self {
        let SeriesSet { frequency, format, target, covariates, known, statics, joint, .. } = &self.set;
        let set = SeriesSet {
            frequency: *frequency,
            format: *format,
            target: target.clone(),
            covariates: covariates.clone(),
            known: known.clone(),
            statics: statics.clone(),
            joint: *joint,
            series: series.iter().map(|&place| self.set.series[place].clone()).collect(),
            report: Report::default(),
        };
        let scalings = series.iter().map(|&place| self.scalings[place].clone()).collect();
        Scaled { set, scalings, own: Vec::new(), unknown: Vec::new(), unseen: Vec::new() }
    }

    /// Leaves out the series for which `keep` says no.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        let mut kept = keep.iter();
        self.set.series.retain(|_| kept.next() == Some(&true));
        let mut kept = keep.iter();
        self.scalings.retain(|_| kept.next() == Some(&true));
    }

    /// Quantiles [F, Q] of the values behind the end of each series, less the series' centre.
    ///
    /// # Errors
    /// If a series is shorter than the context, a covariate that is known ahead is missing there, the model does not fit the series, or its forecasts are not numbers.
    pub fn ahead(&self, window: Window, predictor: &mut Predictor) -> Result<Vec<Vec<f32>>, Error> {
        let meaning = predictor.model().series_meaning().ok();
        let Some((relative, test)) = meaning.and_then(|of| Some((of.relative.as_ref()?, of.test()))) else {
            let windows = Windows::latest(&self.set, &self.scalings, window)?;
            return Ok(Answers::of(predictor, &windows)?.quantiles);
        };
        check_ahead(&self.set, window.horizon)?;
        let all = Windows::empty_relative(&self.set, &self.scalings, window, relative)?;
        // Only intervals that follow what came ask for what came.
        let follows = relative.calibration.as_ref().is_some_and(|of| of.rate > 0.0);
        let from = |series: &Series| if follows { steps_before(&self.set, series, test) } else { series.steps() };
        let windows = all.up_to_the_end(&self.set, from);
        let answers = Answers::of(predictor, &windows)?.quantiles;
        let last =
            |(of, origin): (Vec<f32>, &Origin)| (origin.step == self.set.series[origin.series].steps()).then_some(of);
        Ok(answers.into_iter().zip(windows.origins()).filter_map(last).collect())
    }

    /// The windows that a model is tested on: those from the start of the test on.
    ///
    /// # Errors
    /// If context or horizon is 0, or a logarithm is asked for of what is not above 0.
    pub fn since_test(&self, window: Window, meaning: &SeriesMeaning) -> Result<Windows, Error> {
        match &meaning.relative {
            Some(relative) => Windows::relative_since(&self.set, &self.scalings, window, meaning.test(), relative),
            None => Windows::since(&self.set, &self.scalings, window, meaning.test()),
        }
    }
}

#[cfg(test)]
mod tests {
    use elman_datasets::series::Reader;

    use super::*;

    /// A forecast and the picture of a run show the same series with the same scaling.
    #[test]
    fn a_series_that_was_not_learnt_from_is_scaled_alike_in_every_command() {
        // From 8 on another size: that is the test, whose values no scaling may know.
        let young: String = (0..12).map(|t| format!("young,{t},{}\n", if t < 8 { t } else { 100 * t })).collect();
        let late: String = (9..12).map(|t| format!("late,{t},{t}\n")).collect();
        let table = format!("id,t,y\n{young}{late}");
        let set = Reader::new("y").id("id").parse("a.csv", table.as_bytes()).unwrap();
        let test = set.time(&set.series[0], 8).unwrap();
        let [tested, ahead] =
            [false, true].map(|or_by_all| Scaled::new(set.clone(), &[], &[], Start::At(test), or_by_all));
        assert_eq!(tested.scalings[0], ahead.scalings[0]);
        assert_eq!(tested.scalings[0], SeriesScaling::of(&set.series[0], 8, 0).unwrap());
        // What begins in the test can be forecast from its own values, and not be tested.
        assert_eq!((tested.scalings.len(), ahead.scalings.len()), (1, 2));
        assert_eq!((tested.own, tested.unknown), (vec!["young".to_owned()], vec!["late".to_owned()]));
        assert_eq!((ahead.own.len(), ahead.unknown.len()), (2, 0));
    }
}
