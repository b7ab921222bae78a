//! What can go wrong outside the code, each error with what was expected and what was found.

use std::path::PathBuf;

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of its range.
    #[error("{what} is {found}; expected {expected}")]
    Setting {
        /// The setting, as on the command line.
        what: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// Arrays or data of another shape than the model's.
    #[error("{what} has shape {found:?}; expected {expected:?}")]
    Shape {
        /// The array.
        what: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        expected: Vec<usize>,
    },
    /// A row is longer than the data has steps.
    #[error("sequence length {length} of row {row} exceeds the {steps} steps of the data")]
    Length {
        /// The row, from 0.
        row: usize,
        /// Its length.
        length: usize,
        /// Steps of the data.
        steps: usize,
    },
    /// A time series is too short.
    #[error(
        "the series {id:?} has {steps} steps to learn or to predict from; expected at least {needed}, the context of {context} \
         steps and the horizon of {horizon}; make them smaller, or take a longer series"
    )]
    SeriesLength {
        /// The series.
        id: String,
        /// Its steps.
        steps: usize,
        /// The steps it takes.
        needed: usize,
        /// Steps that a window reads.
        context: usize,
        /// Steps that a window predicts; 0 where nothing is learnt from them.
        horizon: usize,
    },
    /// What is asked of a cell, an optimizer or a schedule that does not have it.
    #[error("{what} is not computed for {of}: {why}")]
    Unsupported {
        /// An option; or a model file, of a cell that none can hold.
        what: &'static str,
        /// The name of the cell, the optimizer or the schedule.
        of: &'static str,
        /// Why, or what to use instead.
        why: String,
    },
    /// A token that the embedding has no vector for.
    #[error("step {step} of row {row} is {found}; expected a token, a whole number from 0 to {}", tokens - 1)]
    Token {
        /// The row, from 0.
        row: usize,
        /// The step, from 0.
        step: usize,
        /// What stands there.
        found: f32,
        /// Tokens of the embedding.
        tokens: usize,
    },
    /// A text has characters that are not in a vocabulary.
    #[error(
        "the text has characters that are not among the {known} characters of the training text: {found} (positions from 0, \
         in characters). Leave them out, or train on a text that has them, or by byte"
    )]
    Characters {
        /// The first of them, each with its position.
        found: String,
        /// Characters of the vocabulary.
        known: usize,
    },
    /// A model whose answer cannot be used.
    #[error("the model's answer after {step} tokens is not a finite number: its weights are damaged")]
    Answer {
        /// Tokens that it had read.
        step: u64,
    },
    /// A backward pass that is not the gradient of its forward pass.
    #[error(
        "the gradient of {cell} by {what} is wrong: along a random direction the loss changes by {expected:e}, the \
         backward pass says {found:e}"
    )]
    Gradient {
        /// The cell's name.
        cell: &'static str,
        /// An array of the cell, its inputs or its initial state.
        what: String,
        /// What the backward pass says.
        found: f64,
        /// What central differences say.
        expected: f64,
    },
    /// A number that must be finite is not.
    #[error("{what} is {found}; expected a finite number")]
    NotFinite {
        /// Which one.
        what: String,
        /// Its value.
        found: f64,
    },
    /// A label that the model has no class for.
    #[error("label {label} of row {row}; the model has classes 0 to {}", classes - 1)]
    Label {
        /// The row, from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// Training has left the finite numbers.
    #[error(
        "the {what} at step {step} (epoch {epoch}) is {value}; training stopped, with the last weights whose loss was \
         finite. Try a smaller learning rate"
    )]
    Diverged {
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The step, from 1.
        step: u64,
        /// The epoch, from 1.
        epoch: u64,
    },
    /// What a model says of its inputs and answers is missing, of another kind than the one asked for, or does not fit its
    /// arrays.
    #[error("what the model means: {why}")]
    Meaning {
        /// What is wrong with it.
        why: String,
    },
    /// Series that a model was not made for.
    #[error("{why}")]
    OtherSeries {
        /// How they are, and how those are that the model knows.
        why: String,
    },
    /// A value without a logarithm, in a series that a model takes logarithms of.
    #[error(
        "series {id:?} has {value} at step {step}; the forecast is made of logarithms, which only values above 0 have: train \
         without them (--transform none)"
    )]
    Logarithm {
        /// The series.
        id: String,
        /// From 0.
        step: usize,
        /// What is there.
        value: f64,
    },
    /// A forecast that is not a finite number.
    #[error("the model's forecast is not a number: it is damaged, or its values are beyond 32 bits")]
    Forecast,
    /// A covariate that is known ahead is missing at a step to forecast.
    #[error(
        "{column} is missing at {time}{}, step {step} of the {horizon} to forecast; the model reads it ahead: add a row there, \
         with an empty target",
        of(id)
    )]
    KnownAhead {
        /// The series.
        id: String,
        /// The covariate.
        column: String,
        /// The step's time.
        time: String,
        /// The step, from 1.
        step: usize,
        /// All of them.
        horizon: usize,
    },
    /// A forecast of times that no calendar has.
    #[error("the forecast of series {id:?} goes beyond the calendar's end; take a smaller horizon")]
    BeyondCalendar {
        /// The series.
        id: String,
    },
    /// A sequence for which the model's answers are not numbers.
    #[error("the model's answer for row {row} is not a number: a value is far from all in training")]
    NoClass {
        /// The row, from 0.
        row: usize,
    },
    /// A sequence whose number, as a model gives it, is none.
    #[error("the model's answer for row {row} is not a number: a value is far from all in training")]
    NoNumber {
        /// The row, from 0.
        row: usize,
    },
    /// A safetensors file without the configuration of a model.
    #[error(
        "cannot load {}: no configuration under the key \"elman\" of its metadata; expected a model that elman wrote; \
         elman convert makes one of what another program wrote",
        path.display()
    )]
    NoModel {
        /// The file.
        path: PathBuf,
    },
    /// A model file is not one of ours.
    #[error("cannot load {}: {why}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file of several models where one was expected.
    #[error("{} holds an ensemble of {members} models; expected a single one: read it with Ensemble::load", path.display())]
    SeveralModels {
        /// The file.
        path: PathBuf,
        /// How many.
        members: usize,
    },
    /// The state of a stream cannot be taken up.
    #[error("cannot take up the state of a stream: {why}")]
    StreamState {
        /// What is wrong with it.
        why: String,
    },
    /// Other processes that train the same model do not answer, or are elsewhere.
    #[error("{why}")]
    Peers {
        /// Which of them, and what is wrong.
        why: String,
    },
    /// A file of arrays cannot be read or written.
    #[error(transparent)]
    File(#[from] elman_formats::Error),
    /// A data set cannot be read.
    #[error(transparent)]
    Data(#[from] elman_datasets::Error),
}

/// Which series, if it has a name.
fn of(id: &str) -> String {
    if id.is_empty() { String::new() } else { format!(" in series {id:?}") }
}

impl Error {
    /// A setting out of its range: what it is called, its value, what it may be.
    pub fn setting(what: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        Error::Setting { what, found: found.to_string(), expected: expected.into() }
    }

    /// What a model says of its inputs and answers is not what it should be.
    pub(crate) fn meaning(why: impl Into<String>) -> Self {
        Error::Meaning { why: why.into() }
    }

    /// An input that is not finite.
    pub(crate) fn input(row: usize, step: usize, feature: usize, found: f32) -> Self {
        Error::NotFinite { what: format!("feature {feature} of step {step} of row {row}"), found: f64::from(found) }
    }

    /// Arrays or data of another shape than the one that fits.
    pub fn shape(what: impl Into<String>, found: &[usize], expected: &[usize]) -> Self {
        Error::Shape { what: what.into(), found: found.to_vec(), expected: expected.to_vec() }
    }
}
