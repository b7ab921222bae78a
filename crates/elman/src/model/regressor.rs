//! Numbers of sequences by a trained model: from values in their own units to a number in its own.
//!
//! N sequences of T steps of F features, Q levels.

use std::path::Path;

use elman_datasets::SequenceSet;
use ndarray::{ArrayView1, ArrayView2};

use crate::data::standardize::StandardizedSequences;
use crate::model::ensemble::Ensemble;
use crate::model::head::{Predicts, Quantiles};
use crate::model::meaning::NumberMeaning;
use crate::model::model::Model;
use crate::model::predictor::Predictor;
use crate::{Error, Sequences};

/// A trained model of numbers, or an ensemble of some, ready to answer.
///
/// ```no_run
/// use elman::{Ensemble, Regressor};
///
/// # fn main() -> Result<(), elman::Error> {
/// let mut regressor = Regressor::new(Ensemble::load("run/model.safetensors")?, 1)?;
/// let sequences = regressor.read("new.csv")?;
/// for answer in regressor.predict(sequences)? {
///     println!("{}", answer.value);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Regressor {
    predictor: Predictor,
    meaning: NumberMeaning,
    /// `[Q]`; none of a model of values.
    levels: Vec<f32>,
}

/// The answer for a sequence, in the unit of the numbers that were learnt from.
#[derive(Clone, Debug, PartialEq)]
pub struct Regressed {
    /// The number; of a model of quantiles the one whose level is nearest to ½.
    pub value: f64,
    /// `[Q]`: the quantiles, rising; none of a model of values.
    pub quantiles: Vec<f64>,
}

impl Regressor {
    /// A regressor on `threads` threads.
    ///
    /// # Errors
    /// If the model is none of numbers.
    pub fn new(model: impl Into<Ensemble>, threads: usize) -> Result<Self, Error> {
        let ensemble = model.into();
        let meaning = ensemble.first().number_meaning()?.clone();
        let levels = match &ensemble.first().head().predicts {
            Predicts::Quantiles(Quantiles { levels, .. }) => levels.clone(),
            _ => Vec::new(),
        };
        Ok(Regressor { predictor: Predictor::new(ensemble, threads), meaning, levels })
    }

    /// The model; of an ensemble its first member, whose network, head and meaning are those of all.
    pub fn model(&self) -> &Model {
        self.predictor.model()
    }

    /// What the model reads and answers.
    pub fn meaning(&self) -> &NumberMeaning {
        &self.meaning
    }

    /// `[Q]`: the levels of the quantiles; none of a model of values.
    pub fn levels(&self) -> &[f32] {
        &self.levels
    }

    /// Reads a file of sequences like that for training; numbers beside them are not looked at.
    ///
    /// # Errors
    /// As [`NumberMeaning::load`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<SequenceSet, Error> {
        Ok(self.meaning.load(path, None)?.0)
    }

    /// The number of each sequence of a set, whose values are in their own units.
    ///
    /// # Errors
    /// If the features are not those of training, in their order, or an answer is not a number: a value is far from all in
    /// training.
    pub fn predict(&mut self, set: SequenceSet) -> Result<Vec<Regressed>, Error> {
        let set = SequenceSet { labels: None, step_labels: None, ..set }.matched(
            "the data",
            &self.meaning.sequences.features,
            &[],
        )?;
        self.answers(&StandardizedSequences::new(set, &self.meaning.sequences.standardizer)?)
    }

    /// The same of sequences that are standardised as in training.
    ///
    /// # Errors
    /// If they do not fit the model, or an answer is not a number.
    pub fn answers<D: Sequences + ?Sized>(&mut self, rows: &D) -> Result<Vec<Regressed>, Error> {
        let finite = |row: usize, z: &[f32]| match z.iter().all(|z| z.is_finite()) {
            true => Ok(z.iter().map(|&z| self.meaning.number(z)).collect::<Vec<f64>>()),
            false => Err(Error::NoNumber { row }),
        };
        if self.levels.is_empty() {
            let values = self.predictor.values(rows)?;
            let answer = |(row, z): (usize, ArrayView1<'_, f32>)| {
                let value = finite(row, &z.to_vec())?.first().copied().unwrap_or(f64::NAN);
                Ok(Regressed { value, quantiles: Vec::new() })
            };
            return values.outer_iter().enumerate().map(answer).collect();
        }
        let off = |level: usize| (self.levels[level] - 0.5).abs();
        let middle = (0..self.levels.len()).min_by(|&a, &b| off(a).total_cmp(&off(b))).unwrap_or(0);
        let quantiles = self.predictor.quantiles(rows)?;
        let answer = |(row, z): (usize, ArrayView2<'_, f32>)| {
            let quantiles = finite(row, &z.iter().copied().collect::<Vec<f32>>())?;
            Ok(Regressed { value: quantiles[middle], quantiles })
        };
        quantiles.outer_iter().enumerate().map(answer).collect()
    }

    /// The same of sequences [T, F] in memory, each of its own length; NaN is a missing value.
    ///
    /// # Errors
    /// As [`Regressor::predict`], and if a sequence has another number of features.
    pub fn predict_arrays(&mut self, sequences: &[ArrayView2<'_, f32>]) -> Result<Vec<Regressed>, Error> {
        self.predict(self.meaning.sequences.set_of(sequences)?)
    }
}
