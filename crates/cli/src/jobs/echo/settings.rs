//! The settings of `train echo`.

use elman::{BatchSize, Error};
use serde::{Deserialize, Serialize};

use crate::settings::network::NetworkConfig;
use crate::settings::optimization::OptimizationConfig;
use crate::settings::training::TrainingConfig;
use crate::settings::{JobSettings, Settings};

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct EchoSettings {
    /// Bits to train on.
    pub(super) series_length: usize,
    pub(super) echo_step: usize,
    /// Steps of a piece.
    pub(super) sequence_length: usize,
    pub(super) reset_state: bool,
}

/// Those of Hallström's tutorial.
impl Default for EchoSettings {
    fn default() -> Self {
        EchoSettings { series_length: 50_000, echo_step: 3, sequence_length: 15, reset_state: false }
    }
}

impl JobSettings for EchoSettings {
    const JOB: &'static str = "echo";

    fn defaults() -> Settings<Self> {
        let training = TrainingConfig {
            batch_size: BatchSize::Rows(5),
            num_epoch: 100,
            batch_per_log: 100,
            ..TrainingConfig::default()
        };
        let network = NetworkConfig::new("rnn", 4);
        let optimization = OptimizationConfig::new("adagrad", 0.3);
        Settings { job: EchoSettings::default(), training, optimization, network }
    }

    fn full() -> Self {
        EchoSettings::default()
    }

    /// The library refuses what cannot echo.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The bits are the data: all is known.
    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        let EchoSettings { series_length, echo_step, sequence_length, .. } = settings.job;
        let steps = elman::Echo::steps_of(series_length, settings.training.streams()?, echo_step)?;
        settings.network.stack(1)?;
        // Before anything is measured by it.
        if !(1..=steps).contains(&sequence_length) {
            let (found, expected) = (sequence_length.to_string(), format!("1 to {steps}, the steps of the data"));
            return Err(Error::Setting { what: "the window", found, expected }.into());
        }
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        settings.network.stack(1)?.check_streams()
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(self.clone())
    }
}
