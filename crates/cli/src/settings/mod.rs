//! The settings of a run: those of its job, and those that all jobs share. In `config.toml` they stand in one table.

pub(crate) mod file;
pub(crate) mod memory;
pub(crate) mod network;
pub(crate) mod optimization;
pub(crate) mod paths;
pub(crate) mod precedence;
pub(crate) mod training;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use toml::Table;

use self::file::{from_toml, job_in, text_of};
use self::network::NetworkConfig;
use self::optimization::OptimizationConfig;
use self::training::TrainingConfig;
use crate::flags::folds::Folds;
use crate::flags::optimization::OptimizationArgs;
use crate::flags::training::CommonArgs;
use crate::flags::writing::Writing;
use crate::flags::wrong::Wrong;

/// The settings that a job has for itself.
pub(crate) trait JobSettings: Clone + Debug + Default + DeserializeOwned + PartialEq + Serialize {
    /// The job's name on the command line.
    const JOB: &'static str;

    /// All settings, as they are without a flag.
    fn defaults() -> Settings<Self>;

    /// With a value for everything that may be absent: the names of all settings.
    fn full() -> Self;

    /// Refuses values out of range.
    fn check(&self) -> Result<(), elman::Error>;

    /// Refuses what no data could go with: training asks before it reads any.
    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()>;

    /// Refuses what training refuses only once it has its data, whatever that is: there the message can say more.
    fn check_without_data(settings: &Settings<Self>) -> Result<(), elman::Error>;

    /// The folds of its data, where the job has them.
    fn folds(&mut self) -> Option<&mut Folds> {
        None
    }

    /// With paths absolute, so that other commands find them from wherever they are called.
    fn with_absolute_paths(&self) -> anyhow::Result<Self>;
}

/// Every setting of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings<J> {
    pub(crate) job: J,
    pub(crate) training: TrainingConfig,
    pub(crate) optimization: OptimizationConfig,
    pub(crate) network: NetworkConfig,
}

impl<J: JobSettings> Settings<J> {
    /// The file's settings, or the defaults, with the flags that all jobs share before them.
    pub(crate) fn new(args: &CommonArgs) -> anyhow::Result<Self> {
        let mut settings = match &args.config {
            Some(path) => {
                let text = text_of(path)?;
                Self::of_text(&path.display().to_string(), &text).map_err(|error| Wrong::new(format!("{error:#}")))?
            }
            None => J::defaults(),
        };
        settings.network.set(&args.network);
        if let Some(hidden_size) = args.hidden_size {
            settings.network.hidden_size = hidden_size;
        }
        settings.training.set(&args.training);
        settings.optimization.set(&args.optimization);
        settings.resolve()?;
        Ok(settings)
    }

    /// Those of a run that goes on.
    ///
    /// # Errors
    /// As [`Settings::read`], or if a value is out of its range.
    pub(crate) fn of_run(path: &Path) -> anyhow::Result<Self> {
        let mut settings = Self::read(path)?;
        settings.resolve()?;
        Ok(settings)
    }

    /// Gives every setting its value, and refuses those out of their range.
    fn resolve(&mut self) -> Result<(), elman::Error> {
        self.training.check()?;
        self.optimization.resolve()?;
        self.optimization.check()
    }

    /// Reads a configuration; what it does not name has its default.
    ///
    /// # Errors
    /// If it cannot be read, is another job's, or has an unknown name or a value of another type.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        Self::of_text(&path.display().to_string(), &text_of(path)?)
    }

    /// The same for the text of one; `origin` stands for it in messages.
    ///
    /// # Errors
    /// As [`Settings::read`].
    fn of_text(origin: &str, text: &str) -> anyhow::Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let job = job_in(text).with_context(|| format!("cannot read {origin}"))?;
        if let Some(job) = job.filter(|job| job != J::JOB) {
            bail!("{origin} is the configuration of job {job:?}; expected {:?}", J::JOB);
        }
        let settings = Self::parse(text).with_context(|| format!("cannot read {origin}"))?;
        settings.job.check()?;
        Ok(settings)
    }

    /// Those of a new run, of the text of a configuration alone: checked as far as they can be without data.
    ///
    /// # Errors
    /// As [`Settings::read`], or if a value is out of its range, or there is no data that it could go with.
    pub(crate) fn of_new_run(origin: &str, text: &str) -> anyhow::Result<Self> {
        let mut settings = Self::of_text(origin, text)?;
        settings.resolve()?;
        J::check_with(&settings)?;
        J::check_without_data(&settings)?;
        Ok(settings)
    }

    /// From TOML; a name that is no setting is refused.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let full = Settings {
            job: J::full(),
            training: TrainingConfig::full(),
            optimization: OptimizationConfig::full(),
            network: NetworkConfig::full(),
        };
        let known: Names = from_toml(&full.text()?)?;
        let names: Names = from_toml(text)?;
        if let Some(name) = names.keys().find(|name| !known.contains_key(*name)) {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            bail!("unknown setting {name:?}; expected one of: {}", known.join(", "));
        }
        // What is flattened into other settings is read by itself first: only so do messages name its lines.
        let _: Writing = from_toml(text)?;
        // A line each: what the file does not say comes from the job's defaults, but for the options of another optimizer
        // or schedule.
        let mut defaults = J::defaults();
        let chosen: OptimizationArgs = from_toml(text)?;
        defaults.optimization.set(&chosen);
        let defaults = defaults.text()?;
        let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let absent = defaults.lines().filter(|line| !names.contains_key(&name(line)));
        // The file first: messages name its lines.
        let all = text.lines().chain(absent).collect::<Vec<_>>().join("\n");
        Ok(Settings {
            job: from_toml(&all)?,
            training: from_toml(&all)?,
            optimization: from_toml(&all)?,
            network: from_toml(&all)?,
        })
    }

    /// As TOML: the job's settings, those of training, the optimizer's and the network's.
    fn text(&self) -> anyhow::Result<String> {
        let (job, training) = (toml::to_string(&self.job)?, toml::to_string(&self.training)?);
        let (optimization, network) = (toml::to_string(&self.optimization)?, toml::to_string(&self.network)?);
        Ok(format!("job = {:?}\n{job}{training}{optimization}{network}", J::JOB))
    }

    /// The same with other values, by the names of their settings. Another optimizer or schedule takes none of the options over
    /// that were the other's.
    ///
    /// # Errors
    /// If a name is not known, a value is of another type or out of its range, or one does not go with the others.
    pub(crate) fn with(&self, values: &[(&str, toml::Value)]) -> anyhow::Result<Self> {
        let values: Table = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut settings = self.clone();
        settings.optimization.set(&from_toml(&toml::to_string(&values)?)?);
        let mut all: Table = settings.text()?.parse()?;
        all.extend(values);
        let mut settings = Self::of_text("these settings", &toml::to_string(&all)?)?;
        settings.resolve()?;
        Ok(settings)
    }

    /// The value of a setting, if there is one of this name.
    ///
    /// # Errors
    /// If the settings cannot be written.
    pub(crate) fn value(&self, name: &str) -> anyhow::Result<Option<toml::Value>> {
        Ok(self.text()?.parse::<Table>()?.remove(name))
    }

    /// The same with another seed.
    pub(crate) fn of_seed(&self, seed: u64) -> Self {
        let training = TrainingConfig { seed, ..self.training.clone() };
        Settings { training, ..self.clone() }
    }

    /// As they are kept in the run's folder.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        Settings { job: self.job.with_absolute_paths()?, ..self.clone() }.text()
    }

    /// The defaults by name, to be shown in `--help`.
    pub(crate) fn default_table() -> anyhow::Result<Table> {
        Ok(J::defaults().text()?.parse()?)
    }
}

/// The names of the settings that a configuration gives.
///
/// # Errors
/// If it cannot be read, or is no TOML.
pub(crate) fn names_in(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = text_of(path)?;
    let names: Names = from_toml(text.strip_prefix('\u{feff}').unwrap_or(&text))?;
    Ok(names.into_keys().collect())
}

/// The names in a table, whatever their values.
type Names = BTreeMap<String, IgnoredAny>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::echo::settings::EchoSettings;
    use crate::jobs::mnist::settings::MnistSettings;

    #[test]
    fn a_configuration_survives_its_file() {
        let mut settings = MnistSettings::defaults();
        settings.job.data = Some("some/where".into());
        settings.training.num_epoch = 3;
        let text = settings.text().unwrap();
        assert_eq!(Settings::<MnistSettings>::parse(&text).unwrap(), settings);
        let message = Settings::<MnistSettings>::parse("sed = 5").unwrap_err().to_string();
        assert!(message.contains("unknown setting \"sed\"") && message.contains("seed"), "{message}");
    }

    #[test]
    fn a_value_of_another_type_is_told_in_plain_words() {
        for (text, expected) in [
            ("seed = \"x\"", "expected a whole number, 0 or more"),
            ("hidden_size = -1", "expected a whole number, 0 or more"),
            ("learning_rate = \"fast\"", "expected a number"),
            ("seed = \"expected usize\"", "expected a whole number, 0 or more"),
            ("batch_size = \"some\"", "expected a number of rows, or \"full\""),
        ] {
            let message = Settings::<MnistSettings>::parse(text).unwrap_err().to_string();
            assert!(message.contains("line 1") && message.ends_with(expected), "{text}: {message}");
            assert!(message.contains(&format!("1 | {text}\n")), "{message}");
        }
    }

    #[test]
    fn what_a_file_does_not_say_is_the_job_s_own_default() {
        let mut settings = EchoSettings::defaults();
        settings.training.seed = 5;
        assert_eq!(Settings::<EchoSettings>::parse("seed = 5").unwrap(), settings);
        assert_ne!(EchoSettings::defaults().network, MnistSettings::defaults().network);
    }
}
