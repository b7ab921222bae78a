//! The meaning of a model that tells classes of sequences apart.

use std::path::Path;

use elman_datasets::SequenceSet;
use elman_datasets::sequences::{self, ColumnNames, Report};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::data::notation::Notation;
use crate::data::standardize::Standardizer;
use crate::model::head::{Head, Reads};
use crate::network::layer::Stack;
use crate::{Error, Missing};

/// What is read and answered by a model of classes. C classes, F features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassMeaning {
    /// `[C]`: the names of the classes, in the order of the answers.
    pub classes: Vec<String>,
    /// `[F]`: the names of the features, in the order of the inputs.
    pub features: Vec<String>,
    /// How the inputs are made of the features.
    pub standardizer: Standardizer,
    /// The column of ids in the table for training, where it was named.
    pub id_column: Option<String>,
    /// The column of times, or those of its parts with commas between them, where they were named.
    pub time_column: Option<String>,
    /// The column of labels, where it was named or is not called `label`.
    pub label_column: Option<String>,
    /// How the table writes its times, where that was said or seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_format: Option<String>,
    /// The decimal mark, by [`Notation`]'s names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<String>,
    /// What parts thousands, by [`Notation`]'s names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<String>,
    /// Numbers of the table that stand for missing values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_value: Vec<f64>,
    /// Whether each step is named a class, and not the sequence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub label_per_step: bool,
}

impl ClassMeaning {
    /// Sequences [T, F] in memory as a set, each of its own length; NaN is a missing value.
    ///
    /// # Errors
    /// If a sequence has another number of features.
    pub(crate) fn set_of(&self, sequences: &[ArrayView2<'_, f32>]) -> Result<SequenceSet, Error> {
        let features = self.features.len();
        let (mut values, mut offsets) = (Vec::new(), vec![0]);
        let mut steps = 0;
        for sequence in sequences {
            let (length, width) = sequence.dim();
            if width != features {
                return Err(Error::shape("a sequence", &[length, width], &[length, features]));
            }
            steps += length;
            values.extend(sequence.iter().copied());
            offsets.push(steps);
        }
        let (names, classes, centres) = (self.features.clone(), Vec::new(), Vec::new());
        let (labels, step_labels, ids, report) = (None, None, None, Report::default());
        Ok(SequenceSet { names, classes, centres, values, offsets, labels, step_labels, ids, report })
    }

    /// With the names of classes and features alone, for data whose columns need no names.
    pub fn new(classes: &[String], features: &[String], standardizer: &Standardizer) -> Self {
        ClassMeaning {
            classes: classes.to_vec(),
            features: features.to_vec(),
            standardizer: standardizer.clone(),
            id_column: None,
            time_column: None,
            label_column: None,
            time_format: None,
            decimal: None,
            thousands: None,
            missing_value: Vec::new(),
            label_per_step: false,
        }
    }

    /// That of a model about to learn from a set, and the scaling of its features; with what was seen in its table, and what
    /// a shorter one would leave open.
    pub fn of(training: &SequenceSet, missing: Missing) -> Self {
        let meaning = Self::new(&training.classes, &training.names, &Standardizer::of(training, missing));
        let meaning = ClassMeaning { label_per_step: training.step_labels.is_some(), ..meaning };
        let Some(taken) = &training.report.taken else { return meaning };
        let Notation { time_format, decimal, thousands, .. } = Notation::seen(taken);
        let label_column = taken.label.clone().filter(|label| label != "label");
        ClassMeaning { label_column, time_format, decimal, thousands, ..meaning }
    }

    /// Whether it fits a network and its head.
    pub(super) fn check(&self, stack: &Stack, head: &Head) -> Result<(), Error> {
        self.check_inputs(stack)?;
        let classes = self.classes.len();
        if head.classes() != Some(classes) {
            return Err(Error::meaning(format!("it names {classes} classes, and its head has {}", head.describe())));
        }
        let expected = if self.label_per_step { "each step" } else { "a sequence as a whole" };
        if self.label_per_step != (head.reads == Reads::EveryStep) {
            return Err(Error::meaning(format!("it names {expected}, and its head reads {}", head.reads.describe())));
        }
        if self.label_per_step && !self.standardizer.patch.is_step() {
            return Err(Error::meaning("it names each step, and its network reads several as one"));
        }
        Ok(())
    }

    /// Whether what it reads fits a network.
    pub(super) fn check_inputs(&self, stack: &Stack) -> Result<(), Error> {
        self.standardizer.check().map_err(|error| Error::meaning(error.to_string()))?;
        let features = self.features.len();
        if self.standardizer.features() != features || self.standardizer.input() != stack.input() {
            let why = format!("it names {features} features, and its network reads {} inputs", stack.input());
            return Err(Error::meaning(why));
        }
        Ok(())
    }

    /// How the table for training writes times and numbers.
    pub fn notation(&self) -> Notation {
        let (time_format, decimal, thousands) =
            (self.time_format.clone(), self.decimal.clone(), self.thousands.clone());
        Notation { time_format, decimal, thousands, missing: self.missing_value.clone() }
    }

    /// Reads a file of sequences as the model does: the columns of a table by their names in training. The column or array
    /// `label` holds labels; without a name, one that is called so.
    ///
    /// # Errors
    /// If the file cannot be read, or a mark is none.
    pub fn load(&self, path: impl AsRef<Path>, label: Option<String>) -> Result<SequenceSet, Error> {
        Ok(sequences::load(path.as_ref(), &self.columns(label)?)?)
    }

    /// The columns of a table by their names in training, that of labels by the one that is given.
    pub(super) fn columns(&self, label: Option<String>) -> Result<ColumnNames, Error> {
        let notation = self.notation();
        Ok(ColumnNames {
            id: self.id_column.clone(),
            time: self.time_column.as_deref().map(|names| names.split(',').map(str::to_owned).collect()),
            time_format: notation.time_format.clone(),
            decimal: notation.decimal()?,
            thousands: notation.thousands()?,
            missing: notation.missing.clone(),
            label,
            features: Some(self.features.clone()),
            label_per_step: self.label_per_step,
            ..ColumnNames::default()
        })
    }

    /// The same without labels, as it is to be classified.
    ///
    /// # Errors
    /// As [`ClassMeaning::load`], and if the features are not those of training, in their order.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<SequenceSet, Error> {
        let path = path.as_ref();
        let set = SequenceSet { labels: None, step_labels: None, ..self.load(path, None)? };
        Ok(set.matched(&path.display().to_string(), &self.features, &[])?)
    }
}
