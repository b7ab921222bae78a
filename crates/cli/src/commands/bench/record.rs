//! A point of a sweep that was measured, and what varies around it.

use serde::{Deserialize, Serialize};

use super::report::Report;

/// What varies within a group of points.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Varies {
    Hidden,
    Batch,
    Steps,
    Threads,
    /// The threads too, with a large cell and few rows: work that is hard to share.
    SmallBatch,
}

impl Varies {
    pub(crate) const ALL: [Self; 5] = [Self::Hidden, Self::Batch, Self::Steps, Self::Threads, Self::SmallBatch];

    /// The size that varies.
    pub(crate) fn size(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Batch => "batch",
            Self::Steps => "steps",
            Self::Threads | Self::SmallBatch => "threads",
        }
    }

    /// Its value in a record.
    pub(crate) fn of(self, report: &Report) -> usize {
        match self {
            Self::Hidden => report.hidden,
            Self::Batch => report.batch,
            Self::Steps => report.steps,
            Self::Threads | Self::SmallBatch => report.threads,
        }
    }
}

/// A point of a sweep that was measured: a line of JSON.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Record {
    pub(crate) varies: Varies,
    #[serde(flatten)]
    pub(crate) report: Report,
}
