//! The settings of training that all jobs share.

use elman::{BatchSize, Error, Head, Init, Memory, Model, Stack, Trainer};
use serde::{Deserialize, Serialize};

use super::memory::{check_memory, parse_bytes};
use super::optimization::OptimizationConfig;
use super::precedence::{set, set_option};
use crate::flags::threads::threads;
use crate::flags::training::CommonArgs;

/// The settings of training, as in `config.toml`. The defaults are the tutorial's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct TrainingConfig {
    pub(crate) init: Init,
    pub(crate) batch_size: BatchSize,
    pub(crate) micro_batch: usize,
    pub(crate) num_epoch: u64,
    pub(crate) seed: u64,
    pub(crate) batch_per_log: u64,
    pub(crate) threads: usize,
    /// Steps after which the gradient is cut; 0: never.
    pub(crate) truncate: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory_budget: Option<String>,
    /// 0: at the ends of epochs.
    pub(crate) checkpoint_steps: u64,
    /// 0: never by time.
    pub(crate) checkpoint_minutes: f64,
    pub(crate) keep_checkpoints: usize,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        TrainingConfig {
            init: Init::default(),
            batch_size: BatchSize::Rows(128),
            micro_batch: 0,
            num_epoch: 10,
            seed: 111,
            batch_per_log: 10,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            truncate: 0,
            memory_budget: None,
            checkpoint_steps: 0,
            checkpoint_minutes: 5.0,
            keep_checkpoints: 2,
        }
    }
}

impl TrainingConfig {
    /// With a value for everything that may be absent: the names of all settings.
    pub(crate) fn full() -> Self {
        TrainingConfig { memory_budget: Some(String::new()), ..TrainingConfig::default() }
    }

    /// Puts flags before the settings.
    pub(crate) fn set(&mut self, args: &CommonArgs) {
        set(&mut self.batch_size, args.batch_size.as_ref());
        set(&mut self.micro_batch, args.micro_batch.as_ref());
        set(&mut self.num_epoch, args.num_epoch.as_ref());
        set(&mut self.seed, args.seed.as_ref());
        set(&mut self.batch_per_log, args.batch_per_log.as_ref());
        set(&mut self.threads, args.threads.as_ref());
        set(&mut self.truncate, args.truncate.as_ref());
        if let Some(name) = &args.init {
            self.init = Init::ALL.into_iter().find(|init| init.name() == name).unwrap_or_default();
        }
        set_option(&mut self.memory_budget, &args.memory_budget);
        set(&mut self.checkpoint_steps, args.checkpoint_steps.as_ref());
        set(&mut self.checkpoint_minutes, args.checkpoint_minutes.as_ref());
        set(&mut self.keep_checkpoints, args.keep_checkpoints.as_ref());
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

#[cfg(test)]
mod tests {
    use super::*;

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
