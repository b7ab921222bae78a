//! What a model of series keeps in its file beside the arrays: the model and a table suffice for a forecast.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail};
use elman::Model;
use elman::datasets::series::{Reader, SeriesSet, Time, TimeFormat};
use elman::series::{Calendar, Cut, SeriesScaling, Split, Window};
use elman::{Predicts, Quantiles};
use serde::{Deserialize, Serialize};

use super::config::{self, SeriesJob, Writing};
use crate::jobs::tables;
use crate::run_folder;
use crate::settings::{Job, Settings};

/// What a job of series keeps. The levels and the horizon stand in the model's head, the context in its steps.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// `series`
    job: String,
    target: String,
    /// The columns that times were read from.
    time: Vec<String>,
    /// How times and numbers are written, where that was said, or a shorter table would leave it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thousands: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    covariates: Vec<String>,
    /// In words, as `monthly`.
    frequency: String,
    /// How times were written, as a pattern.
    format: String,
    /// The cycles of the calendar that are read.
    calendar: Vec<String>,
    /// Steps of a season.
    pub(crate) season: usize,
    /// Where the test begins, as the file writes it.
    test: String,
    /// The same as a [`Time`].
    test_time: i64,
    /// Of each series that was learnt from.
    scalings: Vec<SeriesScaling>,
}

/// Series with their scalings.
pub(crate) struct Scaled {
    pub(crate) set: SeriesSet,
    /// In the order of the series.
    pub(crate) scalings: Vec<SeriesScaling>,
    /// What there is to say of series that were not learnt from.
    pub(crate) remarks: Vec<String>,
}

impl Kept {
    pub(crate) fn new(set: &SeriesSet, job: &SeriesJob, cut: Cut, split: &Split, season: usize) -> Self {
        let Writing { time_format, decimal, thousands } = job.writing();
        let marks = tables::marks(&set.report.taken);
        let pattern = matches!(set.format, TimeFormat::Pattern(_)).then(|| set.format.to_string());
        let left_out = |scaling: &&SeriesScaling| !split.left_out.iter().any(|series| series.id == scaling.id);
        Kept {
            job: SeriesJob::NAME.into(),
            target: set.target.clone(),
            time: set.report.time.clone(),
            time_format: time_format.or(pattern),
            decimal: decimal.or(marks.0),
            thousands: thousands.or(marks.1),
            id: job.id().map(str::to_owned),
            covariates: set.covariates.clone(),
            frequency: set.frequency.to_string(),
            format: set.format.to_string(),
            calendar: Calendar::new(set.frequency).names(),
            season,
            test: set.format.write(cut.test),
            test_time: cut.test.0,
            scalings: split.scalings.iter().filter(left_out).cloned().collect(),
        }
    }

    /// That of a model.
    ///
    /// # Errors
    /// If it is another job's, or damaged.
    pub(crate) fn of(model: &Model, run: &Path) -> anyhow::Result<Self> {
        let Some(kept) = &model.job else { bail!("{} keeps no series; expected a run of train series", run.display()) };
        let kept: Kept = serde_json::from_value(kept.clone())
            .with_context(|| format!("{} does not keep what a model of series does", run.display()))?;
        let width = 2 * (1 + kept.covariates.len()) + kept.calendar.len();
        if width != model.stack().input() || kept.scalings.iter().any(|of| of.covariates.len() != kept.covariates.len())
        {
            bail!("{}: its columns do not fit its arrays; the model is damaged", run.display());
        }
        Ok(kept)
    }

    /// The first time of the test.
    pub(crate) fn test(&self) -> Time {
        Time(self.test_time)
    }

    /// The column of ids.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The column of times, or `time` where their parts have columns.
    pub(crate) fn time(&self) -> &str {
        if let [column] = self.time.as_slice() { column } else { "time" }
    }

    /// The series of a table, or of the run's own; only those with the columns and the frequency that were learnt.
    ///
    /// # Errors
    /// If there is no table, it cannot be read, or it is of another kind.
    pub(crate) fn read(&self, run: &Path, data: Option<&Path>) -> anyhow::Result<SeriesSet> {
        let config = run.join(run_folder::CONFIG);
        let data = match data {
            Some(path) => Some(path.to_owned()),
            None if config.exists() => Settings::<SeriesJob>::read(&config)?.job.data,
            None => bail!("{} is a model file alone; name the series with --data", run.display()),
        };
        let writing = Writing {
            time_format: self.time_format.clone(),
            decimal: self.decimal.clone(),
            thousands: self.thousands.clone(),
        };
        let reader = Reader::new(&self.target).time(self.time.clone()).covariates(self.covariates.clone());
        let mut reader = writing.of(reader)?;
        if let Some(id) = &self.id {
            reader = reader.id(id);
        }
        let set = config::read(&reader, data.as_deref())?;
        let (name, frequency) = (config::name(data.as_deref()), set.frequency.to_string());
        if frequency != self.frequency {
            bail!("the series of {name} are {frequency}; the model knows series that are {}", self.frequency);
        }
        if Calendar::new(set.frequency).names() != self.calendar {
            bail!("the calendar of {name} is not the one that the model reads: {}", self.calendar.join(", "));
        }
        Ok(set)
    }

    /// Puts scalings beside the series. One that was not learnt from is scaled by its own known values before `end`, or by
    /// all of them; where there are none, it is left out.
    ///
    /// # Errors
    /// If no series is left.
    pub(crate) fn scale(&self, mut set: SeriesSet, end: Option<Time>) -> anyhow::Result<Scaled> {
        let (mut scalings, mut remarks) = (Vec::new(), Vec::new());
        let learnt: HashMap<&str, &SeriesScaling> = self.scalings.iter().map(|of| (of.id.as_str(), of)).collect();
        let all = std::mem::take(&mut set.series);
        let mut series = Vec::with_capacity(all.len());
        for one in all {
            let scaling = learnt.get(one.id.as_str()).copied().cloned().or_else(|| {
                let before = |&step: &usize| end.is_none_or(|end| set.time(&one, step as i64).is_some_and(|t| t < end));
                let steps = (0..one.steps()).take_while(before).count();
                let scaling = SeriesScaling::of(&one, steps, self.covariates.len());
                remarks.push(match scaling {
                    Some(_) => format!("series {:?} was not learnt from: it is scaled by its own values", one.id),
                    None => format!("series {:?} is left out: it has no known value to scale it by", one.id),
                });
                scaling
            });
            if let Some(scaling) = scaling {
                scalings.push(scaling);
                series.push(one);
            }
        }
        set.series = series;
        if set.series.is_empty() {
            bail!("no series is left: {}", remarks.join("; "));
        }
        Ok(Scaled { set, scalings, remarks })
    }
}

/// What a model reads and predicts, and its levels.
///
/// # Errors
/// If it is no model of series.
pub(crate) fn window(model: &Model) -> anyhow::Result<(Window, Vec<f32>)> {
    let (Predicts::Quantiles(Quantiles { levels, horizon }), Some(context)) = (&model.head().predicts, model.steps)
    else {
        bail!("the model predicts {}; expected quantiles of a series", model.head().describe());
    };
    Ok((Window { context, horizon: *horizon }, levels.clone()))
}
