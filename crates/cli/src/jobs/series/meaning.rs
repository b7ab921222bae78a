//! What a model of series keeps in its file beside the arrays: the model and a table suffice for a forecast.

use std::path::Path;

use anyhow::bail;
use elman::datasets::series::SeriesSet;
use elman::series::{Cut, Scaled, Split};
use elman::{Error, Model, Notation, SeriesMeaning};

use super::rolling::rolling;
use super::settings::{self, SeriesSettings};
use crate::folder;
use crate::settings::Settings;
use crate::shown::names::counted;

/// What a run keeps: what its data showed, and before that what was said of it.
pub(crate) fn meaning(set: &SeriesSet, job: &SeriesSettings, cut: Cut, split: &Split, season: usize) -> SeriesMeaning {
    let seen = SeriesMeaning::of(set, cut, split, season);
    let Notation { time_format, decimal, thousands, missing } = job.writing.notation().or(seen.notation());
    let (non_negative, integer) = (job.recipe.non_negative == Some(true), job.recipe.integer);
    SeriesMeaning { time_format, decimal, thousands, missing_value: missing, non_negative, integer, ..seen }
}

/// That of a run's model.
///
/// # Errors
/// If it is another job's, or damaged.
pub(crate) fn of<'m>(model: &'m Model, run: &Path) -> anyhow::Result<&'m SeriesMeaning> {
    model.series_meaning().map_err(|error| match error {
        Error::Meaning { why } => anyhow::anyhow!("{}: {why}; expected a run of train series", run.display()),
        error => error.into(),
    })
}

/// The series of a table, or of the run's own; only those with the columns and the frequency that were learnt.
///
/// # Errors
/// If there is no table, it cannot be read, or it is of another kind.
pub(crate) fn read(meaning: &SeriesMeaning, run: &Path, data: Option<&Path>) -> anyhow::Result<SeriesSet> {
    let config = run.join(folder::CONFIG);
    let mut own = None;
    let data = match data {
        Some(path) => Some(path.to_owned()),
        None if config.exists() => own.insert(Settings::<SeriesSettings>::read(&config)?.job).data.clone(),
        None => bail!("{} is a model file alone; name the series with --data", run.display()),
    };
    let set = settings::read(&meaning.reader()?, data.as_deref())?;
    meaning.expect(&set, &settings::name(data.as_deref()))?;
    match &mut own {
        Some(job) => Ok(rolling(set, job)?),
        None => Ok(set),
    }
}

/// Series with their scalings, as a model is tested on them.
///
/// # Errors
/// If no series is left.
pub(crate) fn scale_for_test(meaning: &SeriesMeaning, set: SeriesSet) -> anyhow::Result<Scaled> {
    let scaled = meaning.scale_for_test(set);
    if scaled.set.series.is_empty() {
        bail!("no series is left: {}", remarks(&scaled).join("; "));
    }
    Ok(scaled)
}

/// What there is to say of series that were not learnt from.
pub(crate) fn remarks(scaled: &Scaled) -> Vec<String> {
    let of = [
        (&scaled.own, "not trained on, scaled by their own values"),
        (&scaled.unknown, "left out, with no known value to scale them by"),
    ];
    let of = of.into_iter().filter(|(ids, _)| !ids.is_empty());
    let mut all: Vec<String> = of
        .map(|(ids, what)| format!("{what}: {}", counted("series", "series", ids.iter().map(|id| format!("{id:?}")))))
        .collect();
    if !scaled.unseen.is_empty() {
        let unseen = scaled.unseen.iter().map(|(id, column)| format!("{column} of {id:?}"));
        all.push(format!(
            "not seen in training, read as missing: {}",
            counted("static value", "static values", unseen)
        ));
    }
    all
}
