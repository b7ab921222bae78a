//! The settings of `train regress`.

use std::path::PathBuf;

use elman::{BatchSize, Error, Head, Link, Missing, Predicts, ValueLoss, Values};
use serde::{Deserialize, Serialize};

use super::flags::RegressArgs;
use crate::flags::folds::Folds;
use crate::flags::writing::Writing;
use crate::jobs::sequences::columns::{self, Columns};
use crate::jobs::sequences::parts;
use crate::jobs::sequences::reading::Read;
use crate::options::Value;
use crate::run::members;
use crate::settings::network::NetworkConfig;
use crate::settings::optimization::OptimizationConfig;
use crate::settings::paths::absolute;
use crate::settings::precedence::{set, set_option};
use crate::settings::training::TrainingConfig;
use crate::settings::{JobSettings, Settings};

/// The name of the loss of quantiles.
const QUANTILE: &str = "quantile";

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct RegressSettings {
    /// The file to learn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<PathBuf>,
    /// The file to test with; a part of `data` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) test: Option<PathBuf>,
    #[serde(flatten)]
    pub(super) folds: Folds,
    /// Networks whose mean answers.
    pub(super) ensemble: usize,
    /// Part of the training file that is for the test, where no other file is.
    pub(super) test_part: f64,
    /// Part of what is then left that is for validation.
    pub(super) validation: f64,
    pub(super) missing: Missing,
    /// `squared`, `absolute`, `huber` or `quantile`.
    loss: String,
    quantiles: Vec<f64>,
    pub(super) read: Read,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time_column: Option<String>,
    #[serde(flatten)]
    pub(super) writing: Writing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) features: Option<Vec<String>>,
}

impl Default for RegressSettings {
    fn default() -> Self {
        RegressSettings {
            data: None,
            test: None,
            folds: Folds::default(),
            ensemble: 5,
            test_part: 0.2,
            validation: 0.2,
            missing: Missing::default(),
            loss: ValueLoss::Squared.name().into(),
            quantiles: vec![0.1, 0.5, 0.9],
            read: Read::Mean,
            target: None,
            id_column: None,
            time_column: None,
            writing: Writing::default(),
            features: None,
        }
    }
}

impl JobSettings for RegressSettings {
    const JOB: &'static str = "regress";

    /// For some tens to thousands of sequences: a small network, stopped by validation, and several of them.
    fn defaults() -> Settings<Self> {
        let training = TrainingConfig { batch_size: BatchSize::Rows(16), num_epoch: 100, ..TrainingConfig::default() };
        let optimization = OptimizationConfig::new("adam", 0.003).with("early_stopping", Value::Count(20));
        let network = NetworkConfig::new("gru", 32);
        Settings { job: RegressSettings::default(), training, optimization, network }
    }

    fn full() -> Self {
        let name = Some(String::new());
        RegressSettings {
            data: Some(PathBuf::new()),
            test: Some(PathBuf::new()),
            folds: Folds::full(),
            target: name.clone(),
            id_column: name.clone(),
            time_column: name,
            writing: Writing::full(),
            features: Some(Vec::new()),
            ..RegressSettings::default()
        }
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |what, found: String, expected: &str| Err(Error::setting(what, found, expected));
        self.folds.check()?;
        members::check(self.ensemble)?;
        parts::check(self.validation, self.test_part)?;
        if self.value_loss().is_none() && self.loss != QUANTILE {
            return refuse("loss", self.loss.clone(), "squared, absolute, huber or quantile");
        }
        self.writing.notation().check()?;
        self.head().check()
    }

    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        let job = &settings.job;
        job.check()?;
        parts::check_with(job.validation, &settings.optimization, job.test.as_ref(), job.folds)?;
        // What the number of features does not decide.
        settings.network.stack(1)?;
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        settings.training.check_batch()
    }

    fn folds(&mut self) -> Option<&mut Folds> {
        Some(&mut self.folds)
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(RegressSettings {
            data: absolute("data", self.data.as_deref())?,
            test: absolute("test", self.test.as_deref())?,
            ..self.clone()
        })
    }
}

impl RegressSettings {
    /// Puts flags before the settings.
    pub(super) fn set(&mut self, args: &RegressArgs) {
        set_option(&mut self.data, &args.data);
        parts::set_test(args.test.as_deref(), &mut self.test_part, &mut self.test);
        self.folds = args.folds.or(self.folds);
        set(&mut self.ensemble, args.several.ensemble.as_ref());
        set_option(&mut self.target, &args.target);
        set_option(&mut self.id_column, &args.id);
        set_option(&mut self.time_column, &args.time);
        self.writing = args.writing.clone().or(self.writing.clone());
        set_option(&mut self.features, &args.features);
        set(&mut self.validation, args.validation.as_ref());
        set(&mut self.loss, args.loss.as_ref());
        set(&mut self.quantiles, args.quantiles.as_ref());
        set(&mut self.read, args.read.as_deref().and_then(Read::of_name).as_ref());
        columns::set_missing(args.missing.as_deref(), &mut self.missing);
    }

    /// None of quantiles.
    fn value_loss(&self) -> Option<ValueLoss> {
        ValueLoss::ALL.into_iter().find(|loss| loss.name() == self.loss)
    }

    /// The head: of a number, or of its quantiles.
    pub(super) fn head(&self) -> Head {
        let head = match self.value_loss() {
            Some(loss) => {
                let predicts = Predicts::Values(Values { loss, ..Values::new(1, Link::Identity) });
                Head { predicts, ..Head::last_state(2) }
            }
            None => Head::quantiles(&self.quantiles.iter().map(|&level| level as f32).collect::<Vec<_>>(), 1),
        };
        head.reads(self.read.reads())
    }

    /// What columns and arrays are called.
    pub(super) fn columns(&self) -> Columns<'_> {
        Columns {
            id: &self.id_column,
            time: &self.time_column,
            label_per_step: false,
            label: &self.target,
            features: &self.features,
            writing: &self.writing,
        }
    }
}
