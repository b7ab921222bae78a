//! The settings of `train classify`.

use std::path::PathBuf;

use elman::{BatchSize, Error, LabelledSequences, Missing, balanced_class_weights};
use serde::{Deserialize, Serialize};

use super::flags::ClassifyArgs;
use super::names::{ends, few};
use crate::flags::folds::Folds;
use crate::flags::writing::Writing;
use crate::jobs::sequences::columns::{self, Columns};
use crate::jobs::sequences::parts;
use crate::jobs::sequences::reading::{ReadingConfig, Recipe};
use crate::options::Value;
use crate::run::members;
use crate::settings::network::NetworkConfig;
use crate::settings::optimization::OptimizationConfig;
use crate::settings::paths::absolute;
use crate::settings::precedence::{set, set_option};
use crate::settings::training::TrainingConfig;
use crate::settings::{JobSettings, Settings};

/// Rows of a batch, unless the training part is smaller: for sets of some hundred rows.
const BATCH: usize = 16;

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct ClassifySettings {
    /// The file to learn from; Japanese Vowels, in the binary, without it.
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
    /// `none`, `balanced`, or a number for each class.
    pub(super) class_weights: String,
    pub(super) missing: Missing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time_column: Option<String>,
    #[serde(flatten)]
    pub(super) reading: ReadingConfig,
    #[serde(flatten)]
    pub(super) writing: Writing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) features: Option<Vec<String>>,
}

impl Default for ClassifySettings {
    fn default() -> Self {
        ClassifySettings {
            data: None,
            test: None,
            folds: Folds::default(),
            ensemble: 1,
            test_part: 0.2,
            validation: 0.1,
            class_weights: "none".into(),
            missing: Missing::default(),
            id_column: None,
            time_column: None,
            reading: ReadingConfig::default(),
            writing: Writing::default(),
            label_column: None,
            features: None,
        }
    }
}

impl JobSettings for ClassifySettings {
    const JOB: &'static str = "classify";

    /// Chosen by the loss on 30 % of Japanese Vowels' training file, for one layer in one direction.
    fn defaults() -> Settings<Self> {
        let training =
            TrainingConfig { batch_size: BatchSize::Rows(BATCH), num_epoch: 40, ..TrainingConfig::default() };
        let network = NetworkConfig::new("gru", 64).with("recurrent_dropout", Value::Rate(0.2));
        Settings {
            job: ClassifySettings {
                reading: ReadingConfig { recipe: Recipe::Auto, ..ReadingConfig::default() },
                ..ClassifySettings::default()
            },
            training,
            optimization: OptimizationConfig::new("adam", 0.003),
            network,
        }
    }

    fn full() -> Self {
        let name = Some(String::new());
        ClassifySettings {
            data: Some(PathBuf::new()),
            test: Some(PathBuf::new()),
            id_column: name.clone(),
            time_column: name.clone(),
            writing: Writing::full(),
            folds: Folds::full(),
            label_column: name,
            features: Some(Vec::new()),
            ..ClassifySettings::default()
        }
    }

    fn check(&self) -> Result<(), Error> {
        parts::check(self.validation, self.test_part)?;
        self.folds.check()?;
        members::check(self.ensemble)?;
        self.writing.notation().check()?;
        self.reading.check()?;
        self.weights_in_numbers()?;
        Ok(())
    }

    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        let job = &settings.job;
        let refuse = |what, found: String, expected: &str| -> anyhow::Result<()> {
            Err(Error::Setting { what, found, expected: expected.into() }.into())
        };
        job.check()?;
        parts::check_with(job.validation, &settings.optimization, job.test.as_ref(), job.folds)?;
        if let Some(test) = job.test.as_ref().filter(|_| job.data.is_none()) {
            return refuse(
                "test",
                test.display().to_string(),
                "no such file without data: the embedded set has its own",
            );
        }
        let named = [
            ("id_column", &job.id_column, false),
            ("time_column", &job.time_column, false),
            ("time_format", &job.writing.time_format, false),
            ("decimal", &job.writing.decimal, false),
            ("thousands", &job.writing.thousands, false),
            ("missing_value", &job.writing.missing_value.first().map(f64::to_string), false),
            ("label_column", &job.label_column, true),
            ("features", &job.features.as_ref().map(|names| names.join(",")), false),
        ];
        let ends = |endings: &[&str]| job.data.as_deref().is_some_and(|path| ends(path, endings));
        for (what, name, arrays) in named {
            let Some(name) = name else { continue };
            if !(ends(&[".csv", ".tsv"]) || arrays && ends(&[".npz"])) {
                return refuse(
                    what,
                    name.clone(),
                    "no name without a table (.csv, .tsv) as data: others have no columns",
                );
            }
        }
        // What the number of features does not decide.
        job.reading.stack(&settings.network, 1)?;
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        settings.training.check_batch()
    }

    fn folds(&mut self) -> Option<&mut Folds> {
        Some(&mut self.folds)
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(ClassifySettings {
            data: absolute("data", self.data.as_deref())?,
            test: absolute("test", self.test.as_deref())?,
            ..self.clone()
        })
    }
}

impl ClassifySettings {
    /// Puts flags before the settings.
    ///
    /// # Errors
    /// If a change of sequences is not known.
    pub(super) fn set(&mut self, args: &ClassifyArgs) -> Result<(), Error> {
        self.reading.set(&args.reading)?;
        set_option(&mut self.data, &args.data);
        self.folds = args.folds.or(self.folds);
        set(&mut self.ensemble, args.several.ensemble.as_ref());
        parts::set_test(args.test.as_deref(), &mut self.test_part, &mut self.test);
        set_option(&mut self.id_column, &args.id);
        set_option(&mut self.time_column, &args.time);
        self.writing = args.writing.clone().or(self.writing.clone());
        set_option(&mut self.label_column, &args.label);
        set_option(&mut self.features, &args.features);
        self.validation = args.validation.unwrap_or(self.validation);
        if let Some(weights) = &args.class_weights {
            self.class_weights.clone_from(weights);
        }
        columns::set_missing(args.missing.as_deref(), &mut self.missing);
        Ok(())
    }

    /// The weights, where they are neither `none` nor `balanced`.
    fn weights_in_numbers(&self) -> Result<Option<Vec<f32>>, Error> {
        if ["none", "balanced"].contains(&self.class_weights.as_str()) {
            return Ok(None);
        }
        let number = |text: &str| text.trim().parse().ok().filter(|w: &f32| *w > 0.0 && w.is_finite());
        self.class_weights.split(',').map(number).collect::<Option<Vec<f32>>>().map(Some).ok_or_else(|| {
            Error::Setting {
                what: "class_weights",
                found: self.class_weights.clone(),
                expected: "none, balanced, or finite numbers above 0, one for each class, as 1,2,0.5".into(),
            }
        })
    }

    /// What each class counts: empty, or `[C]`.
    pub(super) fn weights(&self, training: &LabelledSequences, classes: &[String]) -> Result<Vec<f32>, Error> {
        match self.weights_in_numbers()? {
            Some(weights) if weights.len() != classes.len() => Err(Error::Setting {
                what: "class_weights",
                found: format!("{}, {} numbers", self.class_weights, weights.len()),
                expected: format!("{}, one for each class: {}", classes.len(), few(classes)),
            }),
            Some(weights) => Ok(weights),
            None if self.class_weights == "balanced" => balanced_class_weights(&training.labels, classes.len()),
            None => Ok(Vec::new()),
        }
    }

    /// What columns and arrays are called.
    pub(super) fn columns(&self) -> Columns<'_> {
        Columns {
            id: &self.id_column,
            time: &self.time_column,
            label: &self.label_column,
            features: &self.features,
            writing: &self.writing,
        }
    }
}
