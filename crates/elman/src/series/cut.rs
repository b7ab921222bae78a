//! Series cut by time: what comes last is kept for validation and for the test.
//!
//! F steps of the horizon.

use elman_datasets::series::{Series, SeriesSet, Time};

use super::forecaster::KNOWN_MIN;
use super::origin::{Start, Window, origins, steps_before};
use super::relative::Relative;
use super::scaling::SeriesScaling;
use super::statics::{self, StaticInput};
use super::windows::Windows;
use crate::Error;

/// Where the parts of a set begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// That of validation.
    pub validation: Start,
    /// That of the test.
    pub test: Start,
}

/// A set in windows. A window belongs to the part in which all its F values lie; what it reads may lie before. Windows
/// whose values lie in two parts, or of whose values none is known, belong to none.
#[derive(Clone, Debug)]
pub struct Split {
    /// The scalings, from the steps before validation `[series]`.
    pub scalings: Vec<SeriesScaling>,
    /// What a model learns from.
    pub train: Windows,
    /// By what its training is judged meanwhile.
    pub validation: Windows,
    /// By what it is judged in the end.
    pub test: Windows,
    /// Series that have no window in any part.
    pub left_out: Vec<LeftOut>,
    /// What is read of the static columns.
    pub statics: Vec<StaticInput>,
}

/// A series without windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// Its steps before validation.
    pub steps: usize,
    /// The steps that it needs there.
    pub needed: usize,
    /// The known targets among them.
    pub known: usize,
}

impl Cut {
    /// The last steps, counted from the latest time of the set, are for the test, those before them for validation.
    ///
    /// # Errors
    /// If that leaves nothing for training.
    pub fn last(set: &SeriesSet, validation: usize, test: usize) -> Result<Cut, Error> {
        let (latest, steps) = (latest(set), Cut::steps(set));
        let kept = validation.saturating_add(test);
        let Some(latest) = latest.filter(|_| kept < steps) else {
            let expected = format!("together fewer than the {steps} steps of the series");
            return Err(Error::setting("validation and test", format!("{validation} and {test} steps"), expected));
        };
        // Where the calendar ends behind the series, nothing is at or after the cut.
        let at = |step: usize| set.time(latest, step as i64).unwrap_or(Time(i64::MAX));
        Ok(Cut { validation: Start::At(at(steps - kept)), test: Start::At(at(steps - test)) })
    }

    /// The last steps of each series are for the test, those before them for validation: for series that end at different
    /// times.
    pub fn last_of_each(validation: usize, test: usize) -> Cut {
        Cut { validation: Start::Last(validation.saturating_add(test)), test: Start::Last(test) }
    }

    /// Nothing is kept from training.
    pub const NONE: Cut = Cut { validation: Start::Last(0), test: Start::Last(0) };

    /// The series that have a horizon in the test.
    pub fn tested(&self, set: &SeriesSet, horizon: usize) -> usize {
        let has = |series: &&Series| steps_before(set, series, self.test).saturating_add(horizon) <= series.steps();
        set.series.iter().filter(has).count()
    }

    /// The steps that [`Cut::last`] cuts: those of the series that ends last, the longest of several such.
    pub fn steps(set: &SeriesSet) -> usize {
        latest(set).map_or(0, Series::steps)
    }
}

/// The series as they were before a part begins: without its steps and what follows. A series without a step before it is left
/// out.
pub fn before(mut set: SeriesSet, start: impl Into<Start>) -> SeriesSet {
    let start = start.into();
    let width = set.covariates.len();
    let ends: Vec<usize> = set.series.iter().map(|series| steps_before(&set, series, start)).collect();
    for (series, end) in set.series.iter_mut().zip(ends) {
        series.target.truncate(end);
        // What was known ahead of the whole is known ahead of a part, and what it loses too.
        let behind = series.covariates.split_off(end * width);
        if !set.known.is_empty() {
            series.ahead.splice(..0, behind);
        }
    }
    set.series.retain(|series| series.steps() > 0);
    set
}

fn latest(set: &SeriesSet) -> Option<&Series> {
    set.series.iter().max_by_key(|series| (set.time(series, series.steps() as i64 - 1), series.steps()))
}

impl Split {
    /// Scales the series of a set by what comes before validation, and cuts them into windows.
    ///
    /// A series that is too short for one window for training is left out of all parts, and reported.
    ///
    /// # Errors
    /// If context or horizon is 0, or all series are too short.
    pub fn new(set: &SeriesSet, cut: Cut, window: Window) -> Result<Split, Error> {
        window.check()?;
        let (covariates, statics) = (set.covariates.len(), StaticInput::of(set)?);
        let (mut scalings, mut left_out) = (Vec::new(), Vec::new());
        let (mut train, mut validation, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for (index, series) in set.series.iter().enumerate() {
            let ends = [cut.validation, cut.test].map(|time| steps_before(set, series, time));
            let scaling = SeriesScaling::of(series, ends[0], covariates);
            let parts = [0..ends[0], ends[0]..ends[1], ends[1]..series.steps()];
            let [for_train, for_validation, for_test] = parts.map(|part| origins(series, index, part, window));
            if scaling.is_none() || for_train.is_empty() {
                let known = series.target[..ends[0]].iter().filter(|y| !y.is_nan()).count();
                left_out.push(LeftOut { id: series.id.clone(), steps: ends[0], needed: window.steps(), known });
            } else {
                train.extend(for_train);
                validation.extend(for_validation);
                test.extend(for_test);
            }
            // Of a series that is left out nothing is read.
            scalings.push(scaling.unwrap_or_else(|| SeriesScaling::unknown(series, covariates)));
        }
        if let (true, Some(LeftOut { id, steps, needed, known })) = (train.is_empty(), left_out.first()) {
            let (id, steps, needed) = (id.clone(), *steps, *needed);
            if steps >= needed {
                return Err(Error::setting(
                    "the known targets for training",
                    format!(
                        "{known} of {steps} steps in series {id:?}, none where a window of {needed} steps predicts"
                    ),
                    "at least one; look for missing cells, or make context or horizon smaller",
                ));
            }
            return Err(Error::SeriesLength { id, steps, needed, context: window.context, horizon: window.horizon });
        }
        for (series, scaling) in set.series.iter().zip(&mut scalings) {
            scaling.statics = statics::read(&statics, series).0;
        }
        let all = Windows::empty(set, &scalings, window)?;
        let (train, validation, test) = (all.with(train), all.with(validation), all.with(test));
        informed(set, &train)?;
        Ok(Split { scalings, train, validation, test, left_out, statics })
    }

    /// Cuts the series of a set into windows that are relative to a base forecast. A window for training or validation
    /// needs one value there: it may reach beyond its part, of which it then learns nothing else, and have less than the
    /// context before it. So three horizons of values are enough. Windows for the test lie in it whole.
    ///
    /// # Errors
    /// If context or horizon is 0, all series are too short, or a logarithm is asked for of what is not above 0.
    pub fn relative(set: &SeriesSet, cut: Cut, window: Window, relative: &Relative) -> Result<Split, Error> {
        let (covariates, statics) = (set.covariates.len(), StaticInput::of(set)?);
        let ends = |series: &Series| [cut.validation, cut.test].map(|time| steps_before(set, series, time));
        let scaling = |series: &Series| {
            let known = SeriesScaling::of(series, ends(series)[0], covariates);
            let scaling = known.unwrap_or_else(|| SeriesScaling::unknown(series, covariates));
            SeriesScaling { statics: statics::read(&statics, series).0, ..scaling }
        };
        let scalings: Vec<SeriesScaling> = set.series.iter().map(scaling).collect();
        let all = Windows::empty_relative(set, &scalings, window, relative)?;
        let train = all.rolling(set, |series| 0..ends(series)[0]);
        let validation = all.rolling(set, |series| ends(series)[0]..ends(series)[1]);
        let mut left_out = Vec::new();
        let mut learnt = vec![false; set.series.len()];
        train.origins().iter().for_each(|origin| learnt[origin.series] = true);
        let mut test = Vec::new();
        for (index, series) in set.series.iter().enumerate() {
            let [end, of_test] = ends(series);
            if !learnt[index] {
                let known = series.target[..end].iter().filter(|y| !y.is_nan()).count();
                left_out.push(LeftOut {
                    id: series.id.clone(),
                    steps: end,
                    needed: all.first(index).max(KNOWN_MIN),
                    known,
                });
                continue;
            }
            let whole = Window { context: all.first(index), ..window };
            test.extend(origins(series, index, of_test..series.steps(), whole));
        }
        if let (true, Some(LeftOut { id, steps, .. })) = (train.origins().is_empty(), left_out.first()) {
            let found = format!("{steps} steps of series {id:?}");
            let expected = "at least 3 known values; make validation and test smaller, or take a longer series";
            return Err(Error::setting("the part for training", found, expected));
        }
        informed(set, &train)?;
        let of = |windows: Windows| windows.without(&learnt);
        Ok(Split { statics, train, validation: of(validation), test: all.with(test), scalings, left_out })
    }
}

/// Refuses a part for training in which covariates that are known ahead are missing in the horizon of every window.
fn informed(set: &SeriesSet, train: &Windows) -> Result<(), Error> {
    if !train.origins().is_empty() || set.known.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = set.known.iter().map(|&c| set.covariates[c].as_str()).collect();
    let found = format!("{}, missing at a step of every window for training", names.join(", "));
    Err(Error::setting("known", found, "covariates that are there for every step; write what does not happen as 0"))
}
