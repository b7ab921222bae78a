//! Where windows stand, and which of them lie in a part of a series.

use elman_datasets::series::{Series, SeriesSet, Time};

/// How much a network reads, and how much it predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Steps that are read.
    pub context: usize,
    /// F, the steps that are predicted, right behind them.
    pub horizon: usize,
}

/// Where a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Which series of the set.
    pub series: usize,
    /// The first step that is predicted; the step before it is the last that is read.
    pub step: usize,
}

/// Where a part of each series begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At one time for all: so no series tells of another's future.
    At(Time),
    /// So many steps before the end of each: for series that end at different times.
    Last(usize),
}

impl From<Time> for Start {
    fn from(time: Time) -> Self {
        Start::At(time)
    }
}

impl Start {
    /// In words, a time as the file would write it.
    pub fn describe(self, set: &SeriesSet) -> String {
        match self {
            Start::At(time) => set.format.write(time),
            Start::Last(1) => "the last step of each series".into(),
            Start::Last(steps) => format!("the last {steps} steps of each series"),
        }
    }
}

/// How many steps of a series come before a part begins.
pub(crate) fn steps_before(set: &SeriesSet, series: &Series, start: Start) -> usize {
    let time = match start {
        Start::At(time) => time,
        Start::Last(steps) => return series.steps().saturating_sub(steps),
    };
    // The last step that is not after the moment before.
    let last = set.frequency.steps_between(series.start, Time(time.0.saturating_sub(1)));
    usize::try_from(last.saturating_add(1)).unwrap_or(0).min(series.steps())
}

/// The windows whose values all lie in `part`, at least one of them known.
pub(crate) fn origins(series: &Series, index: usize, part: std::ops::Range<usize>, window: Window) -> Vec<Origin> {
    let first = part.start.max(window.context);
    let end = (part.end + 1).saturating_sub(window.horizon);
    let known = |&step: &usize| series.target[step..][..window.horizon].iter().any(|y| !y.is_nan());
    (first..end).filter(known).map(|step| Origin { series: index, step }).collect()
}
