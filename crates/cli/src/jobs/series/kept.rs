//! What a model of series keeps in its file beside the arrays: the model and a table suffice for a forecast.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail};
use elman::Model;
use elman::datasets::series::{Reader, SeriesSet, Time, TimeFormat};
use elman::series::{Calendar, Cut, SeriesScaling, Split, Window};
use elman::{Predicts, Quantiles};
use serde::{Deserialize, Serialize};

use super::settings::{self, SeriesSettings};
use crate::flags::writing::Writing;
use crate::folder;
use crate::jobs::tables;
use crate::settings::{JobSettings, Settings};
use crate::shown::names::counted;

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
    pub(crate) fn new(set: &SeriesSet, job: &SeriesSettings, cut: Cut, split: &Split, season: usize) -> Self {
        let pattern = matches!(set.format, TimeFormat::Pattern(_)).then(|| set.format.to_string());
        let seen = Writing { time_format: pattern, ..tables::seen(&set.report.taken) };
        let Writing { time_format, decimal, thousands } = job.writing.clone().or(seen);
        let left_out = |scaling: &&SeriesScaling| !split.left_out.iter().any(|series| series.id == scaling.id);
        Kept {
            job: SeriesSettings::JOB.into(),
            target: set.target.clone(),
            time: set.report.time.clone(),
            time_format,
            decimal,
            thousands,
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
        let config = run.join(folder::CONFIG);
        let data = match data {
            Some(path) => Some(path.to_owned()),
            None if config.exists() => Settings::<SeriesSettings>::read(&config)?.job.data,
            None => bail!("{} is a model file alone; name the series with --data", run.display()),
        };
        let writing = Writing {
            time_format: self.time_format.clone(),
            decimal: self.decimal.clone(),
            thousands: self.thousands.clone(),
        };
        let reader = Reader::new(&self.target).time(self.time.clone()).covariates(self.covariates.clone());
        let mut reader = settings::written(reader, &writing)?;
        if let Some(id) = &self.id {
            reader = reader.id(id);
        }
        let set = settings::read(&reader, data.as_deref())?;
        let (name, frequency) = (settings::name(data.as_deref()), set.frequency.to_string());
        if frequency != self.frequency {
            bail!("the series of {name} are {frequency}; the model knows series that are {}", self.frequency);
        }
        if Calendar::new(set.frequency).names() != self.calendar {
            bail!("the calendar of {name} is not the one that the model reads: {}", self.calendar.join(", "));
        }
        Ok(set)
    }

    /// Puts scalings beside the series. One that was not learnt from is scaled by its own known values before the test, in
    /// every command alike; with `end`, where there are none, it is left out, and without by all that are known.
    ///
    /// # Errors
    /// If no series is left.
    pub(crate) fn scale(&self, mut set: SeriesSet, end: Option<Time>) -> anyhow::Result<Scaled> {
        let (mut scalings, mut own, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let learnt: HashMap<&str, &SeriesScaling> = self.scalings.iter().map(|of| (of.id.as_str(), of)).collect();
        let all = std::mem::take(&mut set.series);
        let mut series = Vec::with_capacity(all.len());
        for one in all {
            let scaling = learnt.get(one.id.as_str()).copied().cloned().or_else(|| {
                let start = end.unwrap_or(self.test());
                let before = |&step: &usize| set.time(&one, step as i64).is_some_and(|t| t < start);
                let steps = (0..one.steps()).take_while(before).count();
                let of = |steps| SeriesScaling::of(&one, steps, self.covariates.len());
                let scaling = of(steps).or_else(|| if end.is_none() { of(one.steps()) } else { None });
                if scaling.is_some() { &mut own } else { &mut unknown }.push(format!("{:?}", one.id));
                scaling
            });
            if let Some(scaling) = scaling {
                scalings.push(scaling);
                series.push(one);
            }
        }
        let remarks = [
            (own, "not trained on, scaled by their own values"),
            (unknown, "left out, with no known value to scale them by"),
        ];
        let remarks = remarks.into_iter().filter(|(names, _)| !names.is_empty());
        let remarks: Vec<_> = remarks
            .map(|(names, what)| format!("{what}: {}", counted("series", "series", names.into_iter())))
            .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A forecast and the picture of a run show the same series with the same scaling.
    #[test]
    fn a_series_that_was_not_learnt_from_is_scaled_alike_in_every_command() {
        // From 8 on another size: that is the test, whose values no scaling may know.
        let young: String = (0..12).map(|t| format!("young,{t},{}\n", if t < 8 { t } else { 100 * t })).collect();
        let late: String = (9..12).map(|t| format!("late,{t},{t}\n")).collect();
        let table = format!("id,t,y\n{young}{late}");
        let set = Reader::new("y").id("id").parse("a.csv", table.as_bytes()).unwrap();
        let kept = Kept {
            job: SeriesSettings::JOB.into(),
            target: "y".into(),
            time: vec!["t".into()],
            id: Some("id".into()),
            covariates: vec![],
            frequency: set.frequency.to_string(),
            format: set.format.to_string(),
            calendar: vec![],
            season: 1,
            test: "8".into(),
            test_time: set.time(&set.series[0], 8).unwrap().0,
            scalings: vec![],
            time_format: None,
            decimal: None,
            thousands: None,
        };
        let of = |end| kept.scale(set.clone(), end).unwrap();
        let (tested, ahead) = (of(Some(kept.test())), of(None));
        assert_eq!(tested.scalings[0], ahead.scalings[0]);
        assert_eq!(tested.scalings[0], SeriesScaling::of(&set.series[0], 8, 0).unwrap());
        // What begins in the test can be forecast from its own values, and not be tested.
        assert_eq!((tested.scalings.len(), ahead.scalings.len()), (1, 2));
        assert_eq!(tested.remarks[1], "left out, with no known value to scale them by: 1 series: \"late\"");
        assert_eq!(ahead.remarks, ["not trained on, scaled by their own values: 2 series: \"young\", \"late\""]);
    }
}
