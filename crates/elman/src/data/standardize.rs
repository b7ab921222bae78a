//! Features of all sizes, brought to one scale: mean 0 and standard deviation 1 over the training part.
//!
//! N sequences, F features, I inputs of the network. Statistics are `f64` and those of the training part alone: what
//! the network reads of a sequence does not depend on the sequences that it is tested with.

use elman_datasets::SequenceSet;
use serde::{Deserialize, Serialize};

use crate::data::scaling::Scaling;
use crate::{Error, Labelled, Sequences, Target};

/// How a missing value is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// As the mean of its feature; beside each feature stands an input that is 1 where its value is missing and else 0.
    #[default]
    Mask,
    /// As the mean of its feature.
    Mean,
}

/// Brings the features of sequences to mean 0 and standard deviation 1.
///
/// A missing value is read as 0, the mean. With a mask a step is `[z_1 … z_F, m_1 … m_F]`, m 1 where a value is missing.
/// Lipton, Kale & Wetzel (2016), <https://arxiv.org/abs/1606.04130>.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardizer {
    /// `[F]`: of each feature; None where the training part has no value of it. Such a feature is always read as 0.
    pub scalings: Vec<Option<Scaling>>,
    /// Whether the network also reads which values are missing.
    pub mask: bool,
}

impl Standardizer {
    /// Learnt from the training part. There is a mask only where a value is missing in it: a network cannot learn what an
    /// input means that is always 0.
    pub fn of(training: &SequenceSet, missing: Missing) -> Self {
        let features = training.features();
        let column = |feature: usize| training.values.iter().skip(feature).step_by(features.max(1)).copied();
        let scaling = |feature| Some(Scaling::of(column(feature))?.moved(training.centre(feature)));
        let scalings = (0..features).map(scaling).collect();
        Standardizer { scalings, mask: missing == Missing::Mask && training.missing() > 0 }
    }

    /// F, the features.
    pub fn features(&self) -> usize {
        self.scalings.len()
    }

    /// I, the floats of a step: F, or 2 F with a mask.
    pub fn input(&self) -> usize {
        if self.mask { 2 * self.features() } else { self.features() }
    }

    /// Refuses scalings that no training part gives: those of a damaged file.
    ///
    /// # Errors
    /// If a mean is not finite, or a standard deviation not a finite number above 0.
    pub fn check(&self) -> Result<(), Error> {
        for scaling in self.scalings.iter().flatten() {
            if !(scaling.mean.is_finite() && scaling.scale.is_finite() && scaling.scale > 0.0) {
                let found = format!("of mean {} and standard deviation {}", scaling.mean, scaling.scale);
                return Err(Error::setting("a feature", found, "finite ones, the deviation above 0"));
            }
        }
        Ok(())
    }

    /// Standardises the values of a set in place; what is missing stays NaN.
    fn apply(&self, set: &mut SequenceSet) {
        let moved = |(feature, scaling): (usize, &Option<Scaling>)| Some((*scaling)?.moved(-set.centre(feature)));
        let scalings: Vec<Option<Scaling>> = self.scalings.iter().enumerate().map(moved).collect();
        set.centres.clear();
        for step in set.values.chunks_exact_mut(self.features().max(1)) {
            for (value, scaling) in step.iter_mut().zip(&scalings) {
                *value = scaling.map_or(f32::NAN, |scaling| scaling.scaled(*value));
            }
        }
    }
}

/// Sequences as a network reads them: standardised, with 0 for what is missing.
#[derive(Clone, Debug)]
pub struct StandardizedSequences {
    set: SequenceSet,
    mask: bool,
    steps: usize,
}

impl StandardizedSequences {
    /// Of a set in its own units.
    ///
    /// # Errors
    /// If it has another number of features.
    pub fn new(mut set: SequenceSet, standardizer: &Standardizer) -> Result<Self, Error> {
        if set.features() != standardizer.features() {
            return Err(Error::shape("a step of the sequences", &[set.features()], &[standardizer.features()]));
        }
        standardizer.apply(&mut set);
        let steps = (0..set.len()).map(|row| set.length(row)).max().unwrap_or(0);
        Ok(StandardizedSequences { mask: standardizer.mask, steps, set })
    }
}

impl Sequences for StandardizedSequences {
    fn len(&self) -> usize {
        self.set.len()
    }
    fn steps(&self) -> usize {
        self.steps
    }
    fn input(&self) -> usize {
        if self.mask { 2 * self.set.features() } else { self.set.features() }
    }
    fn length(&self, row: usize) -> usize {
        self.set.length(row)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        let features = self.set.features();
        let values = &self.set.values[(self.set.offsets[row] + step) * features..][..features];
        let (read, mask) = x.split_at_mut(features);
        for (x, &value) in read.iter_mut().zip(values) {
            *x = if value.is_nan() { 0.0 } else { value };
        }
        for (x, value) in mask.iter_mut().zip(values) {
            *x = f32::from(u8::from(value.is_nan()));
        }
    }
}

/// Standardised sequences with their classes.
#[derive(Clone, Debug)]
pub struct LabelledSequences {
    /// `[N]`: places in the names of the classes.
    pub labels: Vec<usize>,
    sequences: StandardizedSequences,
}

impl LabelledSequences {
    /// Of a set in its own units.
    ///
    /// # Errors
    /// If it has no labels, or another number of features.
    pub fn new(mut set: SequenceSet, standardizer: &Standardizer) -> Result<Self, Error> {
        let rows = set.len();
        let Some(labels) = set.labels.take().filter(|labels| labels.len() == rows) else {
            return Err(Error::setting("the set", "without labels", "a label for each sequence"));
        };
        Ok(LabelledSequences { labels, sequences: StandardizedSequences::new(set, standardizer)? })
    }
}

impl Sequences for LabelledSequences {
    fn len(&self) -> usize {
        self.sequences.len()
    }
    fn steps(&self) -> usize {
        self.sequences.steps()
    }
    fn input(&self) -> usize {
        self.sequences.input()
    }
    fn length(&self, row: usize) -> usize {
        self.sequences.length(row)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        self.sequences.read(row, step, x);
    }
}

impl Labelled for LabelledSequences {
    fn target(&self) -> Target<'_> {
        Target::Class(&self.labels)
    }
}

#[cfg(test)]
mod tests {
    use elman_datasets::sequences::Report;

    use super::*;

    const NAN: f32 = f32::NAN;

    /// Two sequences of two features, of two steps and of one.
    fn set(values: [f32; 6]) -> SequenceSet {
        SequenceSet {
            names: vec!["a".into(), "b".into()],
            classes: vec!["left".into(), "right".into()],
            centres: Vec::new(),
            report: Report::default(),
            values: values.to_vec(),
            offsets: vec![0, 2, 3],
            labels: Some(vec![1, 0]),
            ids: None,
        }
    }

    fn read(data: &impl Sequences, row: usize, step: usize) -> Vec<f32> {
        let mut x = vec![9.0; data.input()];
        data.read(row, step, &mut x);
        x
    }

    #[test]
    fn features_get_mean_0_and_deviation_1_over_the_training_part() {
        let training = set([1.0, 5.0, 3.0, 5.0, 5.0, 5.0]);
        let standardizer = Standardizer::of(&training, Missing::Mask);
        assert!(!standardizer.mask, "nothing is missing");
        let data = LabelledSequences::new(training, &standardizer).unwrap();
        let deviation = (8f64 / 3.0).sqrt();
        // A constant feature is only moved.
        assert_eq!(read(&data, 0, 0), [(-2.0 / deviation) as f32, 0.0]);
        assert_eq!(read(&data, 0, 1), [0.0, 0.0]);
        assert_eq!(read(&data, 1, 0), [(2.0 / deviation) as f32, 0.0]);
        assert_eq!((data.len(), data.steps(), data.input()), (2, 2, 2));
        assert_eq!([data.length(0), data.length(1), data.labels[0], data.labels[1]], [2, 1, 1, 0]);
        // Another part is read by the training part's figures.
        let other = StandardizedSequences::new(set([3.0, 7.0, 3.0, 5.0, 3.0, 5.0]), &standardizer).unwrap();
        assert_eq!(read(&other, 0, 0), [0.0, 2.0]);
    }

    #[test]
    fn features_far_from_0_keep_their_shape_in_every_set() {
        let far = |centre: f64, values| SequenceSet { centres: vec![centre, 0.0], ..set(values) };
        let training = far(1.6e9, [-2.0, 5.0, 0.0, 5.0, 2.0, 5.0]);
        let standardizer = Standardizer::of(&training, Missing::Mask);
        let deviation = (8f64 / 3.0).sqrt();
        assert_eq!(standardizer.scalings[0], Some(Scaling { mean: 1.6e9, scale: deviation }));
        let data = StandardizedSequences::new(training, &standardizer).unwrap();
        // Another file has another centre: the values, 1.6e9 - 2 and so on, are the same.
        let other = far(1.6e9 + 100.0, [-102.0, 5.0, -100.0, 5.0, -98.0, 5.0]);
        let other = StandardizedSequences::new(other, &standardizer).unwrap();
        for (row, step, z) in [(0, 0, -2.0), (0, 1, 0.0), (1, 0, 2.0)] {
            let expected = [(z / deviation) as f32, 0.0];
            assert_eq!((read(&data, row, step), read(&other, row, step)), (expected.to_vec(), expected.to_vec()));
        }
    }

    #[test]
    fn what_is_missing_is_the_mean_and_the_mask_says_so() {
        let training = set([1.0, NAN, NAN, 5.0, 3.0, 7.0]);
        let standardizer = Standardizer::of(&training, Missing::Mask);
        assert_eq!((standardizer.features(), standardizer.input()), (2, 4));
        let data = StandardizedSequences::new(training.clone(), &standardizer).unwrap();
        assert_eq!(read(&data, 0, 0), [-1.0, 0.0, 0.0, 1.0]);
        assert_eq!(read(&data, 0, 1), [0.0, -1.0, 1.0, 0.0]);
        assert_eq!(read(&data, 1, 0), [1.0, 1.0, 0.0, 0.0]);
        let standardizer = Standardizer::of(&training, Missing::Mean);
        let data = StandardizedSequences::new(training, &standardizer).unwrap();
        assert_eq!(read(&data, 0, 0), [-1.0, 0.0]);
    }

    #[test]
    fn a_feature_that_training_never_saw_is_never_read() {
        let standardizer = Standardizer::of(&set([NAN, 1.0, NAN, 3.0, NAN, 2.0]), Missing::Mean);
        assert_eq!(standardizer.scalings[0], None);
        let data = StandardizedSequences::new(set([1e9, 2.0, 4.0, 2.0, 4.0, 2.0]), &standardizer).unwrap();
        assert_eq!(read(&data, 0, 0), [0.0, 0.0]);
    }

    #[test]
    fn it_survives_its_file_and_a_damaged_one_is_refused() {
        let standardizer = Standardizer::of(&set([NAN, 0.1, NAN, 0.7, NAN, 0.2]), Missing::Mask);
        let json = serde_json::to_string(&standardizer).unwrap();
        assert_eq!(serde_json::from_str::<Standardizer>(&json).unwrap(), standardizer);
        standardizer.check().unwrap();
        for (mean, scale) in [(0.0, 0.0), (0.0, -1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            let damaged = Standardizer { scalings: vec![Some(Scaling { mean, scale })], mask: false };
            assert!(damaged.check().unwrap_err().to_string().contains("standard deviation"));
        }
    }

    #[test]
    fn other_features_and_absent_labels_are_refused() {
        let narrow = Standardizer { scalings: vec![None], mask: false };
        let message = StandardizedSequences::new(set([0.0; 6]), &narrow).unwrap_err().to_string();
        assert!(message.contains("[2]") && message.contains("[1]"), "{message}");
        let wide = Standardizer { scalings: vec![None; 2], mask: false };
        let unlabelled = SequenceSet { labels: None, ..set([0.0; 6]) };
        let message = LabelledSequences::new(unlabelled, &wide).unwrap_err().to_string();
        assert!(message.contains("without labels"), "{message}");
    }
}
