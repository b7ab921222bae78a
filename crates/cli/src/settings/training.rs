//! The settings of training that all jobs share.

use std::fmt;

use elman::{BatchSize, Error, Head, Memory, Model, Stack, Trainer};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::memory::{check_memory, parse_bytes};
use super::optimization::OptimizationConfig;
use crate::flags::threads::threads;
use crate::flags::training::TrainingArgs;
use crate::options::Values;
use crate::options::training::COMMON;
pub(crate) use crate::options::training::TrainingConfig;
use crate::ranks;

impl TrainingConfig {
    /// With a value for everything that may be absent: the names of all settings.
    pub(crate) fn full() -> Self {
        let mut full = TrainingConfig::default();
        Values::full(&COMMON).set(&COMMON, &mut full);
        full
    }

    /// Puts flags before the settings.
    pub(crate) fn set(&mut self, args: &TrainingArgs) {
        args.options.set(&COMMON, self);
    }

    /// What the library does not check: the rest is refused there.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let at_least_1 = |what, value: u64| match value {
            0 => Err(Error::Setting { what, found: "0".into(), expected: "at least 1".into() }),
            _ => Ok(()),
        };
        at_least_1("num_epoch", self.num_epoch)?;
        at_least_1("batch_per_log", self.batch_per_log)?;
        at_least_1("keep_checkpoints", self.keep_checkpoints as u64)?;
        if !(self.checkpoint_minutes >= 0.0 && self.checkpoint_minutes.is_finite()) {
            let found = self.checkpoint_minutes.to_string();
            return Err(Error::Setting { what: "checkpoint_minutes", found, expected: "a number, 0 or more".into() });
        }
        threads(Some(self.threads))?;
        self.budget()?;
        Ok(())
    }

    /// Where nobody has chosen the batch size (`open`) and there are fewer rows, all of them are a batch. Returns what there
    /// is to say of that.
    pub(crate) fn fit_batch(&mut self, rows: usize, open: bool) -> Option<String> {
        match self.batch_size {
            BatchSize::Rows(batch) if open && rows > 0 && rows < batch => {
                self.batch_size = BatchSize::Full;
                let rows = if rows == 1 { "1 row".into() } else { format!("{rows} rows") };
                Some(format!("--batch-size is full: there are {rows} to learn from, fewer than the default of {batch}"))
            }
            _ => None,
        }
    }

    /// Refuses a batch of no rows, which no data has.
    pub(crate) fn check_batch(&self) -> Result<(), Error> {
        match self.batch_size {
            BatchSize::Rows(0) => {
                Err(Error::Setting { what: "batch_size", found: "0".into(), expected: "at least 1, or full".into() })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn budget(&self) -> Result<Option<usize>, Error> {
        self.memory_budget.as_deref().map(parse_bytes).transpose()
    }

    /// The streams that a batch is, for a job that reads its data as parallel streams.
    ///
    /// # Errors
    /// If it is full: a stream is no row of the data.
    pub(crate) fn streams(&self) -> Result<usize, Error> {
        match self.batch_size {
            BatchSize::Rows(streams) => Ok(streams),
            BatchSize::Full => Err(Error::Setting {
                what: "batch_size",
                found: "full".into(),
                expected: "a number: how many streams the data is cut into".into(),
            }),
        }
    }

    /// A trainer with these settings.
    pub(crate) fn trainer(&self, model: Model, optimization: &OptimizationConfig) -> Result<Trainer, Error> {
        let mut trainer = Trainer::new(model, optimization.descent()?)
            .batch_size(self.batch_size)
            .micro_batch(self.micro_batch)
            .seed(self.seed)
            .threads(self.threads)
            .truncate(self.truncate);
        trainer.memory_budget = self.budget()?;
        trainer.peers = ranks::peers();
        Ok(trainer)
    }

    /// A model with its initial values. A network that the machine has no memory for is refused before they are set
    /// aside: for sequences of `steps` steps, and batches of so many rows.
    pub(crate) fn model(
        &self,
        optimization: &OptimizationConfig,
        stack: Stack,
        head: Head,
        steps: usize,
        batch: usize,
    ) -> anyhow::Result<Model> {
        let at_once = if self.micro_batch == 0 { batch } else { self.micro_batch.min(batch) };
        let moments = optimization.descent()?.arrays();
        let (_, memory) = Memory::within(self.budget()?, &stack, &head, steps, at_once, self.threads, moments)?;
        check_memory(memory.total())?;
        Ok(Model::init(stack, head, self.init, self.seed)?)
    }
}

impl Serialize for TrainingConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut config = self.clone();
        let mut file = serializer.serialize_map(None)?;
        for of in &COMMON {
            if let Some(value) = of.get(&mut config) {
                file.serialize_entry(of.name, &value)?;
            }
        }
        file.end()
    }
}

impl<'de> Deserialize<'de> for TrainingConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;

        impl<'de> Visitor<'de> for Lines {
            type Value = TrainingConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the settings of training")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut file: M) -> Result<TrainingConfig, M::Error> {
                let mut options = Values::default();
                while let Some(name) = file.next_key::<String>()? {
                    if !options.read(&COMMON, &name, &mut file)? {
                        file.next_value::<IgnoredAny>()?;
                    }
                }
                let mut config = TrainingConfig::default();
                options.set(&COMMON, &mut config);
                Ok(config)
            }
        }

        deserializer.deserialize_map(Lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::training::CommonArgs;

    #[test]
    fn every_option_is_a_flag_and_a_line_of_the_file() {
        let command = <CommonArgs as clap::Args>::augment_args(clap::Command::new("any"));
        for of in &COMMON {
            assert!(command.get_arguments().any(|arg| arg.get_id() == of.name), "{} is no flag", of.name);
            let mut config = TrainingConfig::default();
            of.set(&mut config, of.example());
            assert_eq!(of.get(&mut config), Some(of.example()), "{}", of.name);
            let text = toml::to_string(&config).unwrap();
            assert!(text.lines().any(|line| line.starts_with(&format!("{} = ", of.name))), "{text}");
            assert_eq!(toml::from_str::<TrainingConfig>(&text).unwrap(), config, "{text}");
        }
        assert_eq!(TrainingConfig::full(), toml::from_str(&toml::to_string(&TrainingConfig::full()).unwrap()).unwrap());
    }

    #[test]
    fn a_batch_that_nobody_chose_fits_the_rows() {
        let with = |batch_size, rows, open| {
            let mut config = TrainingConfig { batch_size, ..TrainingConfig::default() };
            (config.fit_batch(rows, open).is_some(), config.batch_size)
        };
        let (full, rows) = (BatchSize::Full, BatchSize::Rows);
        assert_eq!(with(rows(32), 31, true), (true, full));
        assert_eq!(with(rows(32), 1, true), (true, full));
        for (batch, rows, open) in [(rows(32), 32, true), (rows(32), 31, false), (full, 31, true), (rows(32), 0, true)]
        {
            assert_eq!(with(batch, rows, open), (false, batch));
        }
    }
}
