//! What columns of a file of sequences are called, and what a model keeps of that.

use elman::datasets::sequences::ColumnNames;
use elman::{ClassMeaning, Error, Missing, Notation};

use crate::flags::writing::Writing;

/// The columns that settings name.
pub(crate) struct Columns<'a> {
    pub(crate) id: &'a Option<String>,
    pub(crate) time: &'a Option<String>,
    pub(crate) label: &'a Option<String>,
    pub(crate) label_per_step: bool,
    pub(crate) features: &'a Option<Vec<String>>,
    pub(crate) writing: &'a Writing,
}

impl Columns<'_> {
    /// As the readers take them.
    ///
    /// # Errors
    /// If a mark of numbers is none.
    pub(crate) fn names(&self) -> Result<ColumnNames, Error> {
        let notation = self.writing.notation();
        Ok(ColumnNames {
            id: self.id.clone(),
            time: self.time.as_deref().map(|names| names.split(',').map(str::to_owned).collect()),
            decimal: notation.decimal()?,
            thousands: notation.thousands()?,
            time_format: notation.time_format,
            missing: notation.missing,
            label: self.label.clone(),
            label_per_step: self.label_per_step,
            features: self.features.clone(),
            ..ColumnNames::default()
        })
    }

    /// What a model keeps: what its data showed, and before that what was said of it.
    pub(crate) fn meaning(&self, seen: ClassMeaning) -> ClassMeaning {
        let Notation { time_format, decimal, thousands, missing } = self.writing.notation().or(seen.notation());
        ClassMeaning {
            id_column: self.id.clone(),
            time_column: self.time.clone(),
            label_column: self.label.clone().or(seen.label_column),
            time_format,
            decimal,
            thousands,
            missing_value: missing,
            ..seen
        }
    }
}

/// Puts the flag `--missing` before the settings.
pub(crate) fn set_missing(flag: Option<&str>, missing: &mut Missing) {
    match flag {
        Some("mean") => *missing = Missing::Mean,
        Some(_) => *missing = Missing::Mask,
        None => {}
    }
}
