//! Sequences with a number each, as a network learns them.
//!
//! N sequences.

use elman_datasets::SequenceSet;
use ndarray::Array2;

use crate::data::augment::Augment;
use crate::data::standardize::{StandardizedSequences, reads_its_sequences};
use crate::model::meaning::NumberMeaning;
use crate::{Error, Labelled, Target};

/// Standardised sequences with the numbers that belong to them, standardised too.
#[derive(Clone, Debug)]
pub struct NumberedSequences {
    /// [N, 1], at mean 0 and deviation 1 over the training part; NaN where one is not known.
    pub values: Array2<f32>,
    sequences: StandardizedSequences,
}

impl NumberedSequences {
    /// Of a set and its numbers `[N]`, both in their own units.
    ///
    /// # Errors
    /// If there are not as many numbers as sequences, or the set has other features.
    pub fn new(set: SequenceSet, numbers: &[f64], meaning: &NumberMeaning) -> Result<Self, Error> {
        if numbers.len() != set.len() {
            return Err(Error::shape("the numbers of the sequences", &[numbers.len()], &[set.len()]));
        }
        let values = Array2::from_shape_fn((numbers.len(), 1), |(row, _)| meaning.standardized(numbers[row]) as f32);
        Ok(NumberedSequences { values, sequences: StandardizedSequences::new(set, &meaning.sequences.standardizer)? })
    }

    /// As [`StandardizedSequences::augmented`].
    pub fn augmented(self, augment: Augment) -> Self {
        NumberedSequences { sequences: self.sequences.augmented(augment), ..self }
    }
}

reads_its_sequences!(NumberedSequences);

impl Labelled for NumberedSequences {
    fn target(&self) -> Target<'_> {
        Target::Values(&self.values)
    }
}
