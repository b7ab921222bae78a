//! How many rows a batch has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Rows of a batch: a number, or in files and on the command line the word `full`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(from = "Plain", into = "Plain")]
pub enum BatchSize {
    /// So many.
    Rows(usize),
    /// All rows of the data set: one step an epoch, by the gradient of the whole.
    Full,
}

impl BatchSize {
    /// Of a data set of so many rows.
    pub fn of(self, rows: usize) -> usize {
        match self {
            BatchSize::Rows(batch) => batch,
            BatchSize::Full => rows,
        }
    }
}

impl From<usize> for BatchSize {
    fn from(rows: usize) -> Self {
        BatchSize::Rows(rows)
    }
}

impl fmt::Display for BatchSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchSize::Rows(rows) => rows.fmt(f),
            BatchSize::Full => "full".fmt(f),
        }
    }
}

impl FromStr for BatchSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(BatchSize::Full),
            _ => text
                .parse()
                .map(BatchSize::Rows)
                .map_err(|error| format!("{error}; expected a number of rows, or full")),
        }
    }
}

/// As it stands in a file.
#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a number of rows, or \"full\"")]
enum Plain {
    Rows(usize),
    Word(Word),
}

#[derive(Deserialize, Serialize)]
enum Word {
    #[serde(rename = "full")]
    Full,
}

impl From<Plain> for BatchSize {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::Rows(rows) => BatchSize::Rows(rows),
            Plain::Word(Word::Full) => BatchSize::Full,
        }
    }
}

impl From<BatchSize> for Plain {
    fn from(size: BatchSize) -> Self {
        match size {
            BatchSize::Rows(rows) => Plain::Rows(rows),
            BatchSize::Full => Plain::Word(Word::Full),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_or_a_word() {
        for (size, text, json) in [(BatchSize::Rows(7), "7", "7"), (BatchSize::Full, "full", "\"full\"")] {
            assert_eq!(text.parse::<BatchSize>().unwrap(), size);
            assert_eq!(size.to_string(), text);
            assert_eq!(serde_json::to_string(&size).unwrap(), json);
            assert_eq!(serde_json::from_str::<BatchSize>(json).unwrap(), size);
        }
        for text in ["", "half", "-1", "1.5"] {
            assert!(text.parse::<BatchSize>().unwrap_err().contains("or full"), "{text}");
        }
        assert!(serde_json::from_str::<BatchSize>("\"half\"").is_err());
    }
}
