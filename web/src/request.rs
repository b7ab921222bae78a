//! What can be asked for.

use serde::Deserialize;

use crate::jobs::memory::MemorySettings;
use crate::settings::{Job, Settings};

/// A request; many have bytes beside it.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The bytes are the file that was missing.
    Put {
        name: String,
    },
    /// The list of models.
    Models {},
    /// What a model reads and answers.
    Describe {
        model: String,
    },
    /// The bytes are the request that a server would get.
    Predict {
        model: String,
    },
    /// The same.
    Generate {
        model: String,
    },
    /// The bytes are a table as CSV.
    Forecast {
        model: String,
    },
    /// A session; its number.
    Session {
        model: String,
    },
    /// The bytes are the request that a server would get.
    SessionStep {
        session: u64,
    },
    SessionEnd {
        session: u64,
    },
    /// The bytes are a model's file.
    Open {
        name: String,
    },
    Forget {
        name: String,
    },
    /// The bytes of a model's file.
    Save {
        model: String,
    },
    /// The bytes are the text, where one is given.
    Train {
        job: Job,
        name: String,
        settings: Box<Settings>,
    },
    /// The next step of a training.
    Step {
        name: String,
    },
    /// Another learning rate, other bounds.
    Set {
        name: String,
        change: Change,
    },
    Evaluate {
        name: String,
        part: Option<String>,
    },
    Diagnose {
        model: String,
        rows: Option<usize>,
        steps: Option<usize>,
    },
    Echo {
        name: String,
    },
    /// Pixels in the bytes.
    Digits {
        part: String,
        from: usize,
        to: usize,
    },
    Memory {
        rows: usize,
        settings: MemorySettings,
    },
    /// For the tests: a panic.
    Panic {},
}

/// What may be changed between two steps. Null takes a bound away.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Change {
    pub(crate) learning_rate: Option<f64>,
    #[serde(deserialize_with = "given")]
    pub(crate) clip_norm: Option<Option<f64>>,
    #[serde(deserialize_with = "given")]
    pub(crate) clip_value: Option<Option<f64>>,
}

/// Tells null from what is not there.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}
