//! How a table writes its times and numbers: flags and settings alike.

use clap::Args;
use elman::Notation;
use serde::{Deserialize, Serialize};

/// The marks of a table, where they are said.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Writing {
    /// How times are written, as DD/MM/YYYY, YYYYMM or %d/%m/%Y; year, steps, seconds, milliseconds or excel [default: seen
    /// from all]
    #[arg(long, value_name = "FORM", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_format: Option<String>,
    /// The decimal mark of all numbers: point or comma [default: seen from each column]
    #[arg(long, value_name = "MARK", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decimal: Option<String>,
    /// What parts thousands: comma, point, blank, apostrophe or none [default: seen from each column]
    #[arg(long, value_name = "MARK", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thousands: Option<String>,
    /// Numbers that stand for missing values, as -999
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', allow_negative_numbers = true, help_heading = "Data")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing_value: Vec<f64>,
}

impl Writing {
    /// With a value for everything: the names of the settings.
    pub(crate) fn full() -> Self {
        let named = || Some(String::new());
        Writing { time_format: named(), decimal: named(), thousands: named(), missing_value: vec![0.0] }
    }

    /// What is said here, and where nothing is, what is said there.
    pub(crate) fn or(self, other: Writing) -> Self {
        let Notation { time_format, decimal, thousands, missing } = self.notation().or(other.notation());
        Writing { time_format, decimal, thousands, missing_value: missing }
    }

    /// As the library takes it.
    pub(crate) fn notation(&self) -> Notation {
        let Writing { time_format, decimal, thousands, missing_value } = self.clone();
        Notation { time_format, decimal, thousands, missing: missing_value }
    }
}
