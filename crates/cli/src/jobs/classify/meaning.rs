//! What a model's inputs and outputs mean, as its file keeps it.

use anyhow::{anyhow, bail};
use elman::datasets::sequences::Settings as Columns;
use elman::datasets::series::Taken;
use elman::series::Scaling;
use elman::{Model, Reads, Standardizer};
use serde::{Deserialize, Serialize};

use super::settings::{ClassifySettings, split_columns};
use crate::flags::writing::Writing;
use crate::jobs::tables;
use crate::settings::JobSettings;

/// What a model's inputs and outputs mean, kept in its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meaning {
    job: String,
    /// `[C]`
    pub(super) classes: Vec<String>,
    /// `[F]`
    pub(super) features: Vec<String>,
    pub(super) standardizer: Standardizer,
    /// Names of columns in the training file, where they were given.
    id_column: Option<String>,
    time_column: Option<String>,
    label_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thousands: Option<String>,
}

impl Meaning {
    pub(super) fn new(classes: &[String], features: &[String], standardizer: &Standardizer) -> Self {
        Meaning {
            job: ClassifySettings::JOB.into(),
            classes: classes.to_vec(),
            features: features.to_vec(),
            standardizer: standardizer.clone(),
            id_column: None,
            time_column: None,
            label_column: None,
            time_format: None,
            decimal: None,
            thousands: None,
        }
    }

    /// With what was said of a table, and what was seen in it and a shorter one would leave open.
    pub(super) fn with(mut self, job: &ClassifySettings, taken: Option<&Taken>) -> Self {
        let label = taken.and_then(|taken| taken.label.clone()).filter(|label| label != "label");
        self.id_column.clone_from(&job.id_column);
        self.time_column.clone_from(&job.time_column);
        self.label_column = job.label_column.clone().or(label);
        let writing = job.writing.clone().or(taken.map(tables::seen).unwrap_or_default());
        (self.time_format, self.decimal, self.thousands) = (writing.time_format, writing.decimal, writing.thousands);
        self
    }

    /// That of a model, if it fits it.
    pub(super) fn of(model: &Model) -> anyhow::Result<Self> {
        let Some(job) = &model.job else { bail!("it does not say what its classes are") };
        let meaning: Meaning = serde_json::from_value(job.clone())?;
        // As any damage of a file, not as a setting of the user's.
        meaning.standardizer.check().map_err(|error| anyhow!("{error}"))?;
        let (features, classes) = (meaning.features.len(), meaning.classes.len());
        if meaning.standardizer.features() != features || meaning.standardizer.input() != model.stack().input() {
            bail!("it names {features} features, and its network reads {} inputs", model.stack().input());
        }
        if model.head().classes() != Some(classes) {
            bail!("it names {classes} classes, and its head has {}", model.head().describe());
        }
        Ok(meaning)
    }

    /// What columns and arrays are called.
    ///
    /// # Errors
    /// If a mark in it is none.
    pub(super) fn columns(&self) -> Result<Columns, elman::Error> {
        let writing = Writing {
            time_format: self.time_format.clone(),
            decimal: self.decimal.clone(),
            thousands: self.thousands.clone(),
        };
        Ok(Columns {
            id: self.id_column.clone(),
            time: self.time_column.as_deref().map(split_columns),
            time_format: writing.time_format.clone(),
            decimal: tables::decimal(&writing)?,
            thousands: tables::thousands(&writing)?,
            label: self.label_column.clone(),
            ..Columns::default()
        })
    }
}

/// Gives a model of another program's the names of its classes. It reads each feature as it is; their names are those of
/// an .npz file.
///
/// # Errors
/// If it does not name a class for each sequence, has another number of classes, or two would have one name.
pub(crate) fn name_classes(model: &mut Model, classes: &[String]) -> anyhow::Result<()> {
    if model.stack().embedding.is_some() || model.head().reads != Reads::LastState {
        bail!("the model names no class for a sequence of features: it reads tokens, or answers at every step");
    }
    if model.head().classes() != Some(classes.len()) {
        let named = if classes.len() == 1 { "1 class is".into() } else { format!("{} classes are", classes.len()) };
        bail!("{named} named; the head predicts {}", model.head().describe());
    }
    if let Some(name) = classes.iter().enumerate().find_map(|(i, name)| classes[..i].contains(name).then_some(name)) {
        bail!("two classes are named {name:?}; expected a name for each");
    }
    if classes.iter().any(String::is_empty) {
        bail!("a class is named \"\"; expected a name for each");
    }
    let features: Vec<String> = (0..model.stack().input()).map(|feature| format!("feature_{feature}")).collect();
    let as_it_is = Some(Scaling { mean: 0.0, scale: 1.0 });
    let standardizer = Standardizer { scalings: vec![as_it_is; features.len()], mask: false };
    let meaning = Meaning::new(classes, &features, &standardizer);
    model.job = Some(serde_json::to_value(meaning)?);
    Ok(())
}
