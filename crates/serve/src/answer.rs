//! What a model says, as a client is told.
//!
//! F steps of the horizon, Q levels.

use serde::Serialize;

/// An answer. Its numbers are written with as many digits as tell them from their neighbours.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// The most probable class, by its name.
    Named { class: String, probabilities: Vec<f32> },
    /// The same by its number.
    Class { class: usize, probabilities: Vec<f32> },
    /// The most probable next character or byte.
    Next { next: String, probabilities: Vec<f32> },
    /// Values as the network gives them.
    Values { values: Vec<f32> },
    /// Numbers in their own unit.
    Numbers { values: Vec<f64> },
    /// A number in its own unit; with quantiles where the model has levels.
    Number {
        value: f64,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        levels: Vec<f32>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        quantiles: Vec<f64>,
    },
    /// [F, Q]
    Quantiles { quantiles: Vec<Vec<f32>> },
    /// An answer to each step.
    Steps { steps: Vec<Answer> },
}

impl Answer {
    /// Its numbers, one after the other.
    #[cfg(feature = "server")]
    pub(crate) fn numbers(&self, to: &mut Vec<f32>) {
        match self {
            Answer::Named { probabilities: floats, .. }
            | Answer::Class { probabilities: floats, .. }
            | Answer::Next { probabilities: floats, .. }
            | Answer::Values { values: floats } => to.extend_from_slice(floats),
            Answer::Numbers { values } => to.extend(values.iter().map(|&y| y as f32)),
            Answer::Number { value, quantiles, .. } if quantiles.is_empty() => to.push(*value as f32),
            Answer::Number { quantiles, .. } => to.extend(quantiles.iter().map(|&y| y as f32)),
            Answer::Quantiles { quantiles } => to.extend(quantiles.iter().flatten()),
            Answer::Steps { steps } => steps.iter().for_each(|step| step.numbers(to)),
        }
    }
}
