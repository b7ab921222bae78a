//! The settings of `train series`, and the data they name.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use elman::datasets::series::{Reader, SeriesFault, SeriesSet};
use elman::{Error, Head};
use serde::{Deserialize, Serialize};

use super::flags::SeriesArgs;
use super::recipe::RecipeSettings;
use super::share::Share;
use crate::flags::folds::Folds;
use crate::flags::writing::Writing;
use crate::options::Value;
use crate::run::members;
use crate::settings::network::NetworkConfig;
use crate::settings::optimization::OptimizationConfig;
use crate::settings::paths::absolute;
use crate::settings::precedence::{set, set_option};
use crate::settings::training::TrainingConfig;
use crate::settings::{JobSettings, Settings};

/// Where validation and test begin.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CutBy {
    /// At one time for all series.
    Time,
    /// Before the end of each.
    End,
}

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct SeriesSettings {
    /// The table; the monthly sunspots, in the binary, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Whether the series of several targets read each other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    jointly: bool,
    /// None is named: they are found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    time: Vec<String>,
    #[serde(flatten)]
    pub(super) writing: Writing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covariates: Option<Vec<String>>,
    /// Of the covariates, those that are known ahead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known: Vec<String>,
    /// None: they are found.
    #[serde(default, rename = "static", skip_serializing_if = "Option::is_none")]
    statics: Option<Vec<String>>,
    /// None in files from before there was a choice: by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cut: Option<CutBy>,
    /// Of the windows of a series every n-th is learnt from; None: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) every: Option<usize>,
    /// Learn from all data in the end.
    #[serde(default, rename = "final", skip_serializing_if = "std::ops::Not::not")]
    pub(super) final_fit: bool,
    #[serde(flatten)]
    pub(crate) folds: Folds,
    /// Networks whose mean answers.
    pub(crate) ensemble: usize,
    pub(crate) test: Share,
    pub(crate) validation: Share,
    pub(crate) horizon: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) season: Option<usize>,
    quantiles: Vec<f64>,
    #[serde(flatten)]
    pub(super) recipe: RecipeSettings,
}

/// The column of the embedded file, and the steps that are read of it: one of the sun's cycles, about 132 months.
const SUNSPOTS: (&str, usize) = ("sunspots", 132);

impl Default for SeriesSettings {
    fn default() -> Self {
        SeriesSettings {
            data: None,
            target: None,
            jointly: false,
            time: Vec::new(),
            writing: Writing::default(),
            id: None,
            covariates: None,
            known: Vec::new(),
            statics: None,
            cut: None,
            every: None,
            final_fit: false,
            folds: Folds::default(),
            ensemble: 1,
            test: Share::Fraction(0.15),
            validation: Share::Fraction(0.15),
            horizon: 24,
            context: None,
            season: None,
            quantiles: (1..10).map(|tenth| f64::from(tenth) / 10.0).collect(),
            recipe: RecipeSettings::default(),
        }
    }
}

impl JobSettings for SeriesSettings {
    const JOB: &'static str = "series";

    fn defaults() -> Settings<Self> {
        let training = TrainingConfig {
            batch_size: elman::BatchSize::Rows(32),
            num_epoch: 30,
            batch_per_log: 10,
            ..TrainingConfig::default()
        };
        let network = NetworkConfig::new("gru", 128);
        let optimization = OptimizationConfig::new("adam", 0.002).with("early_stopping", Value::Count(5));
        Settings { job: SeriesSettings::default(), training, optimization, network }
    }

    fn full() -> Self {
        SeriesSettings {
            data: Some(PathBuf::new()),
            target: Some(String::new()),
            jointly: true,
            time: vec![String::new()],
            writing: Writing::full(),
            folds: Folds::full(),
            id: Some(String::new()),
            covariates: Some(Vec::new()),
            known: vec![String::new()],
            statics: Some(Vec::new()),
            cut: Some(CutBy::Time),
            every: Some(1),
            final_fit: true,
            context: Some(1),
            season: Some(1),
            recipe: RecipeSettings::full(),
            ..SeriesSettings::default()
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.test.check("test")?;
        self.validation.check("validation")?;
        self.folds.check()?;
        members::check(self.ensemble)?;
        self.writing.notation().check()?;
        self.recipe.check()?;
        for (what, found) in
            [("horizon", Some(self.horizon)), ("context", self.context), ("season", self.season), ("every", self.every)]
        {
            if found == Some(0) {
                return Err(Error::Setting { what, found: "0".into(), expected: "at least 1 step".into() });
            }
        }
        Ok(())
    }

    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        settings.job.check()?;
        // What the columns do not decide.
        settings.network.stack(1)?;
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        let SeriesSettings { validation, test, horizon, .. } = settings.job;
        settings.training.check_batch()?;
        Head::quantiles(&settings.job.levels(), horizon).check()?;
        // Windows that are relative reach beyond validation.
        let least = if settings.job.recipe.is_auto() { 1 } else { horizon };
        for (what, part, least) in [("validation", validation, least), ("test", test, horizon)] {
            if let Share::Steps(steps) = part
                && steps < least
            {
                let expected = match least {
                    1 => "at least 1".into(),
                    _ => format!("at least {horizon}, the horizon"),
                };
                return Err(Error::Setting { what, found: format!("{steps} steps"), expected });
            }
        }
        Ok(())
    }

    fn folds(&mut self) -> Option<&mut Folds> {
        Some(&mut self.folds)
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(SeriesSettings { data: absolute("data", self.data.as_deref())?, ..self.clone() })
    }
}

impl SeriesSettings {
    /// Puts flags before the settings.
    ///
    /// # Errors
    /// If a fraction is none, or the season or the horizon is 0.
    pub(crate) fn set(&mut self, args: &SeriesArgs) -> Result<(), Error> {
        set_option(&mut self.data, &args.data);
        self.folds = args.folds.or(self.folds);
        set(&mut self.ensemble, args.several.ensemble.as_ref());
        set_option(&mut self.target, &args.target);
        self.jointly |= args.jointly;
        set_option(&mut self.id, &args.id);
        self.writing = args.writing.clone().or(self.writing.clone());
        set_option(&mut self.context, &args.context);
        set_option(&mut self.season, &args.season);
        set(&mut self.time, args.time.as_ref());
        set(&mut self.test, args.test.as_ref());
        set(&mut self.validation, args.validation.as_ref());
        set(&mut self.horizon, args.horizon.as_ref());
        set(&mut self.quantiles, args.quantiles.as_ref());
        set(&mut self.known, args.known.as_ref());
        set_option(&mut self.every, &args.every);
        set_option(&mut self.cut, &args.cut);
        self.final_fit |= args.final_fit;
        if let Some(names) = &args.statics {
            // As with covariates.
            self.statics = Some(names.iter().filter(|name| !name.is_empty()).cloned().collect());
        }
        self.recipe.set(&args.recipe, args.common.config.is_some());
        if let Some(names) = &args.covariates {
            // `--covariates ""` names none.
            self.covariates = Some(names.iter().filter(|name| !name.is_empty()).cloned().collect());
        }
        self.check()
    }

    /// The levels of the quantiles.
    pub(crate) fn levels(&self) -> Vec<f32> {
        self.quantiles.iter().map(|&level| level as f32).collect()
    }

    /// Reads the series.
    ///
    /// # Errors
    /// If the table cannot be read, or no target is named for it.
    pub(crate) fn read(&self) -> anyhow::Result<SeriesSet> {
        let target = match (&self.target, &self.data) {
            (Some(target), _) => target,
            (None, None) => SUNSPOTS.0,
            // The only column of numbers, or the reader says which there are.
            (None, Some(_)) => "",
        };
        let reader = Reader::new(target).time(self.time.clone());
        let mut reader = self.writing.notation().of(reader)?;
        if let Some(id) = &self.id {
            reader = reader.id(id);
        }
        if let Some(covariates) = &self.covariates {
            reader = reader.covariates(covariates.clone());
        }
        reader = reader.known(self.known.clone()).jointly(self.jointly);
        if let Some(statics) = &self.statics {
            reader = reader.statics(statics.clone());
        }
        match read(&reader, self.data.as_deref()) {
            Err(elman::datasets::Error::Series { origin, fault }) if target.is_empty() => match *fault {
                SeriesFault::NoTarget { columns } => Err(Error::Setting {
                    what: "target",
                    found: "not named".into(),
                    expected: format!("--target with one of the columns of {origin}: {}", columns.join(", ")),
                }
                .into()),
                fault => Err(elman::datasets::Error::Series { origin, fault: Box::new(fault) }.into()),
            },
            set => Ok(set?),
        }
    }

    /// What the data decides where no setting does: the season, and how much is read. It is kept with the other settings.
    /// Returns both.
    pub(crate) fn resolve(&mut self, set: &SeriesSet) -> (usize, usize) {
        let season = *self.season.get_or_insert(set.frequency.season());
        let context = if self.data.is_none() { SUNSPOTS.1 } else { self.default_context(season) };
        (season, *self.context.get_or_insert(context))
    }
}

impl SeriesSettings {
    /// Steps that are read of a table, where no setting says so: two seasons, or three horizons.
    pub(super) fn default_context(&self, season: usize) -> usize {
        season.saturating_mul(2).max(self.horizon.saturating_mul(3))
    }
}

/// Reads a table, or the embedded one.
///
/// # Errors
/// If it cannot be read, or there is none and the binary was built without the sunspots.
pub(crate) fn read(reader: &Reader, data: Option<&Path>) -> Result<SeriesSet, elman::datasets::Error> {
    match data {
        Some(path) => reader.read(path),
        #[cfg(feature = "sunspots")]
        None => {
            let (name, bytes) = elman::datasets::sunspots::FILES[0];
            reader.parse(name, bytes)
        }
        // An empty table has the reader's own message; its name says what to do.
        #[cfg(not(feature = "sunspots"))]
        None => reader.parse("the sunspots, without which this binary was built (name a table with --data)", b""),
    }
}

/// What the data is called.
pub(crate) fn name(data: Option<&Path>) -> String {
    data.map_or("the monthly sunspot numbers, in the binary".into(), |path| path.display().to_string())
}
