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
use crate::jobs::sequences::reading::{Read, ReadingConfig, Recipe};
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
    /// Of a label, what all classes share in training.
    #[serde(default)]
    pub(super) label_smoothing: f64,
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
    /// Whether each step has a label of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) label_per_step: bool,
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
            label_smoothing: 0.0,
            missing: Missing::default(),
            id_column: None,
            time_column: None,
            reading: ReadingConfig::default(),
            writing: Writing::default(),
            label_column: None,
            label_per_step: false,
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
            reading: ReadingConfig::full(),
            folds: Folds::full(),
            label_column: name,
            label_per_step: true,
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
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(Error::setting("label_smoothing", self.label_smoothing, "0 to below 1"));
        }
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
        if job.label_per_step {
            job.check_steps()?;
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
        self.label_per_step |= args.label_per_step;
        set_option(&mut self.features, &args.features);
        self.validation = args.validation.unwrap_or(self.validation);
        if let Some(weights) = &args.class_weights {
            self.class_weights.clone_from(weights);
        }
        set(&mut self.label_smoothing, args.label_smoothing.as_ref());
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

    /// Refuses what takes several steps together, where each has a label of its own.
    fn check_steps(&self) -> Result<(), Error> {
        let refuse = |what, found: String, expected: &str| {
            let expected = format!("{expected}: with label_per_step each step is read, and named, by itself");
            Err(Error::Setting { what, found, expected })
        };
        if self.data.is_none() {
            return refuse(
                "label_per_step",
                "true".into(),
                "a file as data, for the embedded set has a label for each sequence",
            );
        }
        if !self.reading.steps().is_step() {
            return refuse("patch", self.reading.patch.to_string(), "1");
        }
        if self.reading.read != Read::Last {
            return refuse("read", self.reading.read.name().to_owned(), "no such thing");
        }
        let augment = &self.reading.augment;
        if augment.crop > 0.0 || augment.warp > 0.0 {
            return refuse("augment", augment.to_string(), "jitter and scale alone, which leave steps at their places");
        }
        Ok(())
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
            None if self.class_weights == "balanced" => match training.step_labels() {
                Some(labels) => {
                    let labels: Vec<usize> = labels.iter().flatten().map(|&label| label as usize).collect();
                    balanced_class_weights(&labels, classes.len())
                }
                None => balanced_class_weights(&training.labels, classes.len()),
            },
            None => Ok(Vec::new()),
        }
    }

    /// What columns and arrays are called.
    pub(super) fn columns(&self) -> Columns<'_> {
        Columns {
            id: &self.id_column,
            time: &self.time_column,
            label: &self.label_column,
            label_per_step: self.label_per_step,
            features: &self.features,
            writing: &self.writing,
        }
    }
}
