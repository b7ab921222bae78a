//! The meaning of a model that forecasts time series.

use std::path::Path;

use elman_datasets::series::{Reader, SeriesSet, Time, TimeFormat};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::data::notation::Notation;
use crate::model::head::{Head, Predicts, Quantiles};
use crate::network::layer::Stack;
use crate::series::{Calendar, Cut, Relative, Scaled, SeriesScaling, Split, Start, StaticInput, Window};

/// What is read and answered by a model of series: with it a table suffices for a forecast. The levels and the horizon stand
/// in the model's head, the context in its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesMeaning {
    /// The column of the target.
    pub target: String,
    /// The columns that times are read from: one, or those of their parts.
    pub time: Vec<String>,
    /// How times are written, where that was said, or a shorter table would leave it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_format: Option<String>,
    /// The decimal mark, by [`Notation`]'s names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<String>,
    /// What parts thousands, by [`Notation`]'s names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<String>,
    /// Numbers of the table that stand for missing values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_value: Vec<f64>,
    /// The column of ids, or several between commas; None of a table of one series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The columns of covariates, in the order of the inputs.
    pub covariates: Vec<String>,
    /// Those of them that are known ahead: the model reads them for the steps to forecast too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// What is read of the columns that say one thing of each series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statics: Vec<StaticInput>,
    /// Whether the first covariates are the targets of the table, each a series, and the last static says which of them a
    /// series is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub jointly: bool,
    /// In words, as [`Frequency`](elman_datasets::series::Frequency) shows itself: `monthly`.
    pub frequency: String,
    /// How times were written, as a pattern.
    pub format: String,
    /// `[K]`: the numbers of the [`Calendar`] that are read.
    pub calendar: Vec<String>,
    /// Steps of a season.
    pub season: usize,
    /// Where the test begins, as the file writes it.
    pub test: String,
    /// The same as a [`Time`]; 0 where the test begins before the end of each series.
    pub test_time: i64,
    /// How many steps before the end of each series the test begins; None where that is one time for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_last: Option<usize>,
    /// Whether the model has learnt from the test too, once another like it was tested there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_the_end: bool,
    /// Of each series that was learnt from.
    pub scalings: Vec<SeriesScaling>,
    /// What forecasts are relative to; None where each series is scaled as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<Relative>,
    /// Whether no forecast is below 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub non_negative: bool,
    /// Whether forecasts are whole numbers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub integer: bool,
}

impl SeriesMeaning {
    /// That of a model that learns from the windows of a set.
    pub fn of(set: &SeriesSet, cut: Cut, split: &Split, season: usize) -> Self {
        let Notation { decimal, thousands, .. } = Notation::seen(&set.report.taken);
        let left_out = |scaling: &&SeriesScaling| !split.left_out.iter().any(|series| series.id == scaling.id);
        SeriesMeaning {
            target: set.target.clone(),
            time: set.report.time.clone(),
            time_format: matches!(set.format, TimeFormat::Pattern(_)).then(|| set.format.to_string()),
            decimal,
            thousands,
            missing_value: Vec::new(),
            id: Some(set.report.taken.id.join(",")).filter(|id| !id.is_empty()),
            covariates: set.covariates.clone(),
            known: set.known.iter().map(|&c| set.covariates[c].clone()).collect(),
            statics: split.statics.clone(),
            jointly: set.joint > 0,
            frequency: set.frequency.to_string(),
            format: set.format.to_string(),
            calendar: Calendar::new(set.frequency).names(),
            season,
            test: cut.test.describe(set),
            test_time: if let Start::At(time) = cut.test { time.0 } else { 0 },
            test_last: if let Start::Last(steps) = cut.test { Some(steps) } else { None },
            to_the_end: false,
            scalings: split.scalings.iter().filter(left_out).cloned().collect(),
            relative: None,
            non_negative: false,
            integer: false,
        }
    }

    /// Whether it fits a network and its head.
    pub(super) fn check(&self, stack: &Stack, head: &Head) -> Result<(), Error> {
        let beside = self.relative.as_ref().map_or(0, |_| Relative::INPUTS);
        let statics: usize = self.statics.iter().map(StaticInput::width).sum();
        let known = match &head.predicts {
            Predicts::Quantiles(Quantiles { horizon, .. }) => self.known.len().saturating_mul(*horizon),
            _ => 0,
        };
        let width = (2 * (1 + self.covariates.len()) + self.calendar.len() + statics + beside).saturating_add(known);
        if width != stack.input() || self.scalings.iter().any(|of| of.covariates.len() != self.covariates.len()) {
            return Err(Error::meaning("its columns do not fit its arrays"));
        }
        if let (Some(relative), Predicts::Quantiles(Quantiles { levels, horizon })) = (&self.relative, &head.predicts)
            && !relative.fits(*horizon, levels.len())
        {
            return Err(Error::meaning("its base forecast does not fit its head"));
        }
        Ok(())
    }

    /// Where the test begins.
    pub fn test(&self) -> Start {
        self.test_last.map_or(Start::At(Time(self.test_time)), Start::Last)
    }

    /// What the column of times is called in a forecast: as in the table, or `time` where their parts have columns.
    pub fn time_name(&self) -> &str {
        if let [column] = self.time.as_slice() { column } else { "time" }
    }

    /// How tables write times and numbers.
    pub fn notation(&self) -> Notation {
        let (time_format, decimal, thousands) =
            (self.time_format.clone(), self.decimal.clone(), self.thousands.clone());
        Notation { time_format, decimal, thousands, missing: self.missing_value.clone() }
    }

    /// A reader of tables like that for training: its columns by their names.
    ///
    /// # Errors
    /// If a mark is none.
    pub fn reader(&self) -> Result<Reader, Error> {
        let reader = Reader::new(&self.target).time(self.time.clone()).covariates(self.covariates.clone());
        // The one that says which target a series is stands in no column.
        let statics = self.statics.len() - usize::from(self.jointly && !self.statics.is_empty());
        let statics = self.statics[..statics].iter().map(|of| of.column.clone());
        let reader = reader.known(self.known.clone()).statics(statics).jointly(self.jointly);
        let reader = self.notation().of(reader)?;
        Ok(match &self.id {
            Some(id) => reader.id(id),
            None => reader,
        })
    }

    /// Reads a table like that for training.
    ///
    /// # Errors
    /// If it cannot be read, or holds [other](SeriesMeaning::expect) series.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<SeriesSet, Error> {
        let path = path.as_ref();
        let set = self.reader()?.read(path)?;
        self.expect(&set, &path.display().to_string())?;
        Ok(set)
    }

    /// Refuses series that go on otherwise than those that were learnt from, or have other columns; `origin` stands for
    /// them in messages.
    ///
    /// # Errors
    /// If they do.
    pub fn expect(&self, set: &SeriesSet, origin: &str) -> Result<(), Error> {
        let frequency = set.frequency.to_string();
        let why = if frequency != self.frequency {
            format!("the series of {origin} are {frequency}; the model knows series that are {}", self.frequency)
        } else if Calendar::new(set.frequency).names() != self.calendar {
            let calendar = self.calendar.join(", ");
            format!("the calendar of {origin} is not the one that the model reads: {calendar}")
        } else if set.covariates != self.covariates {
            let [found, expected] = [&set.covariates, &self.covariates].map(|names| names.join(", "));
            format!("the covariates of {origin} are [{found}]; the model reads [{expected}]")
        } else {
            return Ok(());
        };
        Err(Error::OtherSeries { why })
    }

    /// Puts scalings beside series that are to be forecast. One that was not learnt from is scaled by its own known values
    /// before the test, as in a test, or where there are none, by all that are known.
    pub fn scale(&self, set: SeriesSet) -> Scaled {
        Scaled::new(set, &self.scalings, &self.statics, self.test(), true)
    }

    /// Puts scalings beside series that a model is tested on: no scaling knows a value of the test. One that was not learnt
    /// from is scaled by its own known values before it, and left out where there are none.
    pub fn scale_for_test(&self, set: SeriesSet) -> Scaled {
        Scaled::new(set, &self.scalings, &self.statics, self.test(), false)
    }
}

/// What a model of series reads and predicts, and its levels.
pub(super) fn window(head: &Head, steps: Option<usize>) -> Result<(Window, Vec<f32>), Error> {
    let (Predicts::Quantiles(Quantiles { levels, horizon }), Some(context)) = (&head.predicts, steps) else {
        let found = format!("the model predicts {}", head.describe());
        return Err(Error::meaning(format!("{found}; expected quantiles of a series")));
    };
    Ok((Window { context, horizon: *horizon }, levels.clone()))
}
