//! The settings of `train mnist`.

use std::path::PathBuf;

use elman::Error;
use serde::{Deserialize, Serialize};

use crate::run::members;
use crate::settings::network::NetworkConfig;
use crate::settings::optimization::OptimizationConfig;
use crate::settings::paths::absolute;
use crate::settings::training::TrainingConfig;
use crate::settings::{JobSettings, Settings};

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct MnistSettings {
    /// The folder of the data set; MNIST, in the binary, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
    /// Networks whose mean answers.
    pub(crate) ensemble: usize,
}

impl Default for MnistSettings {
    fn default() -> Self {
        MnistSettings { data: None, ensemble: 1 }
    }
}

impl JobSettings for MnistSettings {
    const JOB: &'static str = "mnist";

    fn defaults() -> Settings<Self> {
        Settings {
            job: MnistSettings::default(),
            training: TrainingConfig::default(),
            optimization: OptimizationConfig::new("adam", 0.001),
            network: NetworkConfig::default(),
        }
    }

    fn full() -> Self {
        MnistSettings { data: Some(PathBuf::new()), ..MnistSettings::default() }
    }

    fn check(&self) -> Result<(), Error> {
        members::check(self.ensemble)
    }

    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        settings.job.check()?;
        // What the size of the images does not decide.
        settings.network.stack(1)?;
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        settings.training.check_batch()
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(MnistSettings { data: absolute("data", self.data.as_deref())?, ..self.clone() })
    }
}
