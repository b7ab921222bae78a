//! How a table writes its times and numbers: flags and settings alike.

use clap::Args;
use serde::{Deserialize, Serialize};

/// The marks of a table, where they are said.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Writing {
    /// How times are written, as DD/MM/YYYY, YYYYMM or %d/%m/%Y; year, steps, seconds or milliseconds [default: seen from all]
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
}

impl Writing {
    /// With a value for everything: the names of the settings.
    pub(crate) fn full() -> Self {
        let named = || Some(String::new());
        Writing { time_format: named(), decimal: named(), thousands: named() }
    }

    /// What is said here, and where nothing is, what is said there.
    pub(crate) fn or(self, other: Writing) -> Self {
        Writing {
            time_format: self.time_format.or(other.time_format),
            decimal: self.decimal.or(other.decimal),
            thousands: self.thousands.or(other.thousands),
        }
    }
}
