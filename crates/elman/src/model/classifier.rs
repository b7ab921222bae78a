//! Classes of sequences by a trained model: from values in their own units to names and probabilities.
//!
//! N sequences of T steps of F features, C classes.

use std::path::Path;

use elman_datasets::SequenceSet;
use ndarray::ArrayView2;

use crate::data::standardize::StandardizedSequences;
use crate::model::ensemble::Ensemble;
use crate::model::meaning::ClassMeaning;
use crate::model::model::Model;
use crate::model::predictor::Predictor;
use crate::model::workers::most_probable;
use crate::{Error, Sequences};

/// A trained model of classes, or an ensemble of some, ready to classify.
///
/// ```no_run
/// use elman::{Classifier, Ensemble};
///
/// # fn main() -> Result<(), elman::Error> {
/// let mut classifier = Classifier::new(Ensemble::load("run/model.safetensors")?, 1)?;
/// let sequences = classifier.read("new.csv")?;
/// for answer in classifier.classify(sequences)? {
///     println!("{}: {:.3}", classifier.name(&answer), answer.probabilities[answer.class]);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Classifier {
    predictor: Predictor,
    meaning: ClassMeaning,
}

/// The answer for a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// The most probable class, by its place among the names.
    pub class: usize,
    /// `[C]`
    pub probabilities: Vec<f32>,
}

impl Classifier {
    /// A classifier on `threads` threads.
    ///
    /// # Errors
    /// If the model is none of named classes.
    pub fn new(model: impl Into<Ensemble>, threads: usize) -> Result<Self, Error> {
        let ensemble = model.into();
        let model = ensemble.first();
        let meaning = model.class_meaning()?.clone();
        Ok(Classifier { predictor: Predictor::new(ensemble, threads), meaning })
    }

    /// The model; of an ensemble its first member, whose network, head and meaning are those of all.
    pub fn model(&self) -> &Model {
        self.predictor.model()
    }

    /// What the model reads and answers.
    pub fn meaning(&self) -> &ClassMeaning {
        &self.meaning
    }

    /// The name of the class of an answer.
    pub fn name(&self, answer: &Classified) -> &str {
        &self.meaning.classes[answer.class]
    }

    /// Reads a file of sequences like that for training; its labels are not looked at.
    ///
    /// # Errors
    /// As [`ClassMeaning::read`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<SequenceSet, Error> {
        self.meaning.read(path)
    }

    /// The class of each sequence of a set, whose values are in their own units.
    ///
    /// # Errors
    /// If the features are not those of training, in their order, or an answer is not a number: a value is far from all in
    /// training; and of a model that names each step.
    pub fn classify(&mut self, set: SequenceSet) -> Result<Vec<Classified>, Error> {
        if self.meaning.label_per_step {
            return Err(Error::setting(
                "the model",
                "one that names each step",
                "one of whole sequences; see classify_steps",
            ));
        }
        let rows = self.rows(set)?;
        let probabilities = self.predictor.predict(&rows)?;
        let answer = |(row, probabilities): (usize, ndarray::ArrayView1<'_, f32>)| {
            let probabilities = probabilities.to_vec();
            let class = most_probable(&probabilities).ok_or(Error::NoClass { row })?;
            Ok(Classified { class, probabilities })
        };
        probabilities.outer_iter().enumerate().map(answer).collect()
    }

    /// The same of sequences [T, F] in memory, each of its own length; NaN is a missing value.
    ///
    /// # Errors
    /// As [`Classifier::classify`], and if a sequence has another number of features.
    pub fn classify_arrays(&mut self, sequences: &[ArrayView2<'_, f32>]) -> Result<Vec<Classified>, Error> {
        self.classify(self.meaning.set_of(sequences)?)
    }

    /// The class of each step of each sequence of a set, whose values are in their own units.
    ///
    /// # Errors
    /// As [`Classifier::classify`], and of a model of whole sequences.
    pub fn classify_steps(&mut self, set: SequenceSet) -> Result<Vec<Vec<Classified>>, Error> {
        if !self.meaning.label_per_step {
            return Err(Error::setting(
                "the model",
                "one of whole sequences",
                "one that names each step; see classify",
            ));
        }
        let rows = self.rows(set)?;
        let of_row = |row| {
            let answers = self.predictor.predict_steps(&rows, row)?;
            let of_step = |probabilities: ndarray::ArrayView1<'_, f32>| {
                let probabilities = probabilities.to_vec();
                let class = most_probable(&probabilities).ok_or(Error::NoClass { row })?;
                Ok(Classified { class, probabilities })
            };
            answers.outer_iter().map(of_step).collect()
        };
        (0..rows.len()).map(of_row).collect()
    }

    /// The same of sequences [T, F] in memory, each of its own length; NaN is a missing value.
    ///
    /// # Errors
    /// As [`Classifier::classify_steps`], and if a sequence has another number of features.
    pub fn classify_steps_of_arrays(
        &mut self,
        sequences: &[ArrayView2<'_, f32>],
    ) -> Result<Vec<Vec<Classified>>, Error> {
        self.classify_steps(self.meaning.set_of(sequences)?)
    }

    /// A set as the network reads it.
    fn rows(&self, set: SequenceSet) -> Result<StandardizedSequences, Error> {
        let set = SequenceSet { labels: None, step_labels: None, ..set };
        StandardizedSequences::new(set.matched("the data", &self.meaning.features, &[])?, &self.meaning.standardizer)
    }
}
