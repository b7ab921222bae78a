//! The settings of `train series`, and the data they name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use elman::datasets::series::{Reader, SeriesFault, SeriesSet};
use elman::{Error, Head};
use serde::{Deserialize, Serialize};

use super::args::SeriesArgs;
use crate::jobs::tables;
use crate::network::NetworkConfig;
use crate::optimization::OptimizationConfig;
use crate::settings::{Job, Settings, absolute, set, set_option};
use crate::training::TrainingConfig;

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct SeriesJob {
    /// The table; the monthly sunspots, in the binary, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// None is named: they are found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    time: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thousands: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covariates: Option<Vec<String>>,
    pub(crate) test: Part,
    pub(crate) validation: Part,
    pub(crate) horizon: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) season: Option<usize>,
    quantiles: Vec<f64>,
}

/// How much of the series: so many steps, or a fraction of them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a number of steps, or a fraction of all between 0 and 1")]
pub(crate) enum Part {
    Steps(usize),
    Fraction(f64),
}

/// The column of the embedded file, and the steps that are read of it: one of the sun's cycles, about 132 months.
const SUNSPOTS: (&str, usize) = ("sunspots", 132);

impl Default for SeriesJob {
    fn default() -> Self {
        SeriesJob {
            data: None,
            target: None,
            time: Vec::new(),
            time_format: None,
            decimal: None,
            thousands: None,
            id: None,
            covariates: None,
            test: Part::Fraction(0.15),
            validation: Part::Fraction(0.15),
            horizon: 24,
            context: None,
            season: None,
            quantiles: (1..10).map(|tenth| f64::from(tenth) / 10.0).collect(),
        }
    }
}

impl Job for SeriesJob {
    const NAME: &'static str = "series";

    fn defaults() -> Settings<Self> {
        let training = TrainingConfig {
            batch_size: elman::BatchSize::Rows(32),
            num_epoch: 30,
            batch_per_log: 10,
            ..TrainingConfig::default()
        };
        let network = NetworkConfig { cell: "gru".into(), hidden_size: 128, ..NetworkConfig::default() };
        let optimization = OptimizationConfig::new("adam", 0.002).with_early_stopping(5);
        Settings { job: SeriesJob::default(), training, optimization, network }
    }

    fn full() -> Self {
        SeriesJob {
            data: Some(PathBuf::new()),
            target: Some(String::new()),
            time: vec![String::new()],
            time_format: Some(String::new()),
            decimal: Some(String::new()),
            thousands: Some(String::new()),
            id: Some(String::new()),
            covariates: Some(Vec::new()),
            context: Some(1),
            season: Some(1),
            ..SeriesJob::default()
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.test.check("test")?;
        self.validation.check("validation")?;
        tables::check(self.decimal.as_deref(), self.thousands.as_deref())?;
        for (what, found) in [("horizon", Some(self.horizon)), ("context", self.context), ("season", self.season)] {
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
        let SeriesJob { validation, test, horizon, .. } = settings.job;
        settings.training.check_batch()?;
        Head::quantiles(&settings.job.levels(), horizon).check()?;
        for (what, part) in [("validation", validation), ("test", test)] {
            if let Part::Steps(steps) = part
                && steps < horizon
            {
                let expected = format!("at least {horizon}, the horizon");
                return Err(Error::Setting { what, found: format!("{steps} steps"), expected });
            }
        }
        Ok(())
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(SeriesJob { data: absolute("data", self.data.as_deref())?, ..self.clone() })
    }
}

impl SeriesJob {
    /// Puts flags before the settings.
    ///
    /// # Errors
    /// If a fraction is none, or the season or the horizon is 0.
    pub(crate) fn set(&mut self, args: &SeriesArgs) -> Result<(), Error> {
        set_option(&mut self.data, &args.data);
        set_option(&mut self.target, &args.target);
        set_option(&mut self.id, &args.id);
        set_option(&mut self.time_format, &args.time_format);
        set_option(&mut self.decimal, &args.decimal);
        set_option(&mut self.thousands, &args.thousands);
        set_option(&mut self.context, &args.context);
        set_option(&mut self.season, &args.season);
        set(&mut self.time, args.time.as_ref());
        set(&mut self.test, args.test.as_ref());
        set(&mut self.validation, args.validation.as_ref());
        set(&mut self.horizon, args.horizon.as_ref());
        set(&mut self.quantiles, args.quantiles.as_ref());
        if let Some(names) = &args.covariates {
            // `--covariates ""` names none.
            self.covariates = Some(names.iter().filter(|name| !name.is_empty()).cloned().collect());
        }
        self.check()
    }

    /// The column of ids.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How times and numbers are written, where that is said.
    pub(crate) fn writing(&self) -> Writing {
        let (time_format, decimal, thousands) =
            (self.time_format.clone(), self.decimal.clone(), self.thousands.clone());
        Writing { time_format, decimal, thousands }
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
        let mut reader = self.writing().of(reader)?;
        if let Some(id) = &self.id {
            reader = reader.id(id);
        }
        if let Some(covariates) = &self.covariates {
            reader = reader.covariates(covariates.clone());
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

impl SeriesJob {
    /// Steps that are read of a table, where no setting says so: two seasons, or three horizons.
    pub(super) fn default_context(&self, season: usize) -> usize {
        season.saturating_mul(2).max(self.horizon.saturating_mul(3))
    }
}

/// How a table writes its times and numbers, where that is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writing {
    pub(crate) time_format: Option<String>,
    pub(crate) decimal: Option<String>,
    pub(crate) thousands: Option<String>,
}

impl Writing {
    /// A reader of such a table.
    ///
    /// # Errors
    /// If a mark is none.
    pub(crate) fn of(&self, mut reader: Reader) -> Result<Reader, Error> {
        if let Some(format) = &self.time_format {
            reader = reader.time_format(format.clone());
        }
        if let Some(mark) = tables::decimal(self.decimal.as_deref())? {
            reader = reader.decimal(mark);
        }
        if let Some(mark) = tables::thousands(self.thousands.as_deref())? {
            reader = reader.thousands(mark);
        }
        Ok(reader)
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

impl Part {
    /// Of so many steps.
    pub(crate) fn of(self, steps: usize) -> usize {
        match self {
            Part::Steps(part) => part,
            Part::Fraction(part) => (part * steps as f64).round() as usize,
        }
    }

    fn check(self, what: &'static str) -> Result<(), Error> {
        match self {
            Part::Fraction(part) if !(part > 0.0 && part < 1.0) => {
                let expected = "a number of steps, or a fraction above 0 and below 1".into();
                Err(Error::Setting { what, found: part.to_string(), expected })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(steps) = text.parse() {
            return Ok(Part::Steps(steps));
        }
        let fraction = text.parse().map(Part::Fraction);
        fraction.map_err(|_| {
            "expected a number of steps, or a fraction such as 0.2 (rows of another file belong below those of --data: then \
             --test says how many they are)"
                .to_owned()
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Steps(steps) => steps.fmt(f),
            Part::Fraction(part) => part.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_steps_or_fractions() {
        assert_eq!("36".parse(), Ok(Part::Steps(36)));
        assert_eq!("0.25".parse(), Ok(Part::Fraction(0.25)));
        assert!("some".parse::<Part>().is_err());
        assert_eq!((Part::Steps(36).of(100), Part::Fraction(0.25).of(101)), (36, 25));
        assert!(Part::Fraction(1.0).check("test").is_err() && Part::Fraction(f64::NAN).check("test").is_err());
        assert!(Part::Fraction(0.5).check("test").is_ok());
    }
}
