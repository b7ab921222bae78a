//! Features of all sizes, brought to one scale: mean 0 and standard deviation 1 over the training part, or over each
//! sequence; and steps that are read together.
//!
//! N sequences, F features, I inputs of the network. Statistics are `f64` and those of the training part alone: what
//! the network reads of a sequence does not depend on the sequences that it is tested with.

use elman_datasets::SequenceSet;
use serde::{Deserialize, Serialize};

use super::augment::{Augment, Change, Draw};
use super::patch::Patch;
use super::row_scaling::{Own, RowScaling, Standardize};
use super::scaling::Scaling;
use crate::{Error, Labelled, Sequences, StepClass, Target};

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

/// Brings the features of sequences to mean 0 and standard deviation 1, and says what the network reads as a step.
///
/// A missing value is read as 0, the mean. With a mask a step is `[z_1 … z_F, m_1 … m_F]`, m 1 where a value is missing.
/// Of a patch the steps follow each other, and behind them stand where the sequence lies and how far it spreads, where
/// [`RowScaling`] says so.
/// Lipton, Kale & Wetzel (2016), <https://arxiv.org/abs/1606.04130>.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardizer {
    /// `[F]`: of each feature; None where the training part has no value of it. Such a feature is always read as 0.
    pub scalings: Vec<Option<Scaling>>,
    /// Whether the network also reads which values are missing.
    pub mask: bool,
    /// Where each sequence is scaled by itself; the scalings above then only say which features are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowScaling>,
    /// Steps that the network reads as one.
    #[serde(default, skip_serializing_if = "Patch::is_step")]
    pub patch: Patch,
}

impl Standardizer {
    /// Learnt from the training part. There is a mask only where a value is missing in it: a network cannot learn what an
    /// input means that is always 0.
    pub fn of(training: &SequenceSet, missing: Missing) -> Self {
        let features = training.features();
        let column = |feature: usize| training.values.iter().skip(feature).step_by(features.max(1)).copied();
        let scaling = |feature| Some(Scaling::of(column(feature))?.moved(training.centre(feature)));
        let scalings = (0..features).map(scaling).collect();
        let mask = missing == Missing::Mask && training.missing() > 0;
        Standardizer { scalings, mask, rows: None, patch: Patch::STEP }
    }

    /// One that reads features as they are.
    pub fn identity(features: usize) -> Self {
        let scalings = vec![Some(Scaling::IDENTITY); features];
        Standardizer { scalings, mask: false, rows: None, patch: Patch::STEP }
    }

    /// To another scale than that of each feature over the training part that this one was learnt from.
    pub fn to_scale(mut self, scale: Standardize, training: &SequenceSet) -> Self {
        self.rows = match scale {
            Standardize::Channel | Standardize::None => None,
            Standardize::Row => Some(RowScaling::shape()),
            Standardize::Both => Some(RowScaling::with_levels(training)),
        };
        if scale == Standardize::None {
            self.scalings.iter_mut().flatten().for_each(|scaling| *scaling = Scaling::IDENTITY);
        }
        self
    }

    /// Reading several steps as one.
    pub fn patch(self, patch: Patch) -> Self {
        Standardizer { patch, ..self }
    }

    /// F, the features.
    pub fn features(&self) -> usize {
        self.scalings.len()
    }

    /// Floats of a step of the sequence: F, or 2 F with a mask.
    fn width(&self) -> usize {
        if self.mask { 2 * self.features() } else { self.features() }
    }

    /// I, the floats that the network reads as a step: those of the steps of a patch, and what is beside them.
    pub fn input(&self) -> usize {
        let beside = self.rows.as_ref().map_or(0, |rows| rows.beside(self.features()));
        self.patch.size.saturating_mul(self.width()).saturating_add(beside)
    }

    /// What the network reads of one step of a stream: `values [F]` in their own units, NaN for one that is missing, become
    /// `x [I]`. It is what it reads of that step in a sequence, bit for bit, unless a feature lies far from 0 for its spread.
    ///
    /// # Errors
    /// If a step is not read by itself: several are one, or a sequence is scaled as a whole; or if the lengths do not fit.
    pub fn step(&self, values: &[f32], x: &mut [f32]) -> Result<(), Error> {
        if let Some(how) = self.describe() {
            return Err(Error::setting(
                "a step of the network",
                how,
                "a step by itself: a stream does not know its end",
            ));
        }
        for (what, found, expected) in
            [("the values of a step", values.len(), self.features()), ("a step of the network", x.len(), self.input())]
        {
            if found != expected {
                return Err(Error::shape(what, &[found], &[expected]));
            }
        }
        for (feature, &value) in values.iter().enumerate() {
            let z = self.scalings[feature].map_or(f32::NAN, |scaling| scaling.scaled(value));
            x[feature] = if z.is_nan() { 0.0 } else { z };
            if self.mask {
                x[self.features() + feature] = f32::from(u8::from(z.is_nan()));
            }
        }
        Ok(())
    }

    /// Whether the network reads each step by itself, and each feature on the scale of the training part: what other programs
    /// can be told in two numbers a feature.
    pub fn is_by_step(&self) -> bool {
        self.rows.is_none() && self.patch.is_step()
    }

    /// In words: what a step of the network is, where it is more than a step of features.
    pub fn describe(&self) -> Option<String> {
        let Patch { size, stride } = self.patch;
        let steps =
            (!self.patch.is_step()).then(|| format!("{size} steps of the sequence as one, from every {stride}"));
        let rows = self.rows.as_ref().map(|rows| match rows.levels.is_empty() {
            true => "each sequence by its own mean and deviation",
            false => "each sequence by its own mean and deviation, with both beside it",
        });
        let parts: Vec<String> = steps.into_iter().chain(rows.map(str::to_owned)).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Refuses scalings that no training part gives: those of a damaged file.
    ///
    /// # Errors
    /// If a mean is not finite, a standard deviation not a finite number above 0, or a patch out of range.
    pub fn check(&self) -> Result<(), Error> {
        self.patch.check()?;
        if let Some(rows) = &self.rows {
            rows.check(self.features())?;
        }
        let rows = self.rows.iter().flat_map(|rows| rows.levels.iter().chain(&rows.spreads));
        for scaling in self.scalings.iter().chain(rows).flatten() {
            if !(scaling.mean.is_finite() && scaling.scale.is_finite() && scaling.scale > 0.0) {
                let found = format!("of mean {} and standard deviation {}", scaling.mean, scaling.scale);
                return Err(Error::setting("a feature", found, "finite ones, the deviation above 0"));
            }
        }
        Ok(())
    }

    /// Standardises the values of a set in place; what is missing stays NaN. Returns what stands beside the patches of each
    /// row, [N, B].
    fn apply(&self, set: &mut SequenceSet) -> Vec<f32> {
        if let Some(rows) = &self.rows {
            return self.apply_by_rows(rows, set);
        }
        let moved = |(feature, scaling): (usize, &Option<Scaling>)| Some((*scaling)?.moved(-set.centre(feature)));
        let scalings: Vec<Option<Scaling>> = self.scalings.iter().enumerate().map(moved).collect();
        set.centres.clear();
        for step in set.values.chunks_exact_mut(self.features().max(1)) {
            for (value, scaling) in step.iter_mut().zip(&scalings) {
                *value = scaling.map_or(f32::NAN, |scaling| scaling.scaled(*value));
            }
        }
        Vec::new()
    }

    /// The same, each row by its own mean and deviation.
    fn apply_by_rows(&self, rows: &RowScaling, set: &mut SequenceSet) -> Vec<f32> {
        let features = self.features();
        let width = rows.beside(features);
        let mut beside = vec![0.0; set.len() * width];
        for row in 0..set.len() {
            let own: Vec<Option<Own>> =
                (0..features).map(|feature| self.scalings[feature].and_then(|_| Own::of(set, row, feature))).collect();
            if width > 0 {
                rows.write(&own, &mut beside[row * width..][..width]);
            }
            let values = &mut set.values[set.offsets[row] * features..set.offsets[row + 1] * features];
            for step in values.chunks_exact_mut(features.max(1)) {
                for (value, own) in step.iter_mut().zip(&own) {
                    *value = own.map_or(f32::NAN, |own| own.scaling.scaled(*value));
                }
            }
        }
        set.centres.clear();
        beside
    }
}

/// Sequences as a network reads them: standardised, with 0 for what is missing.
#[derive(Clone, Debug)]
pub struct StandardizedSequences {
    set: SequenceSet,
    mask: bool,
    patch: Patch,
    /// [N, B]: what stands beside the patches of each row.
    beside: Vec<f32>,
    /// How training changes them.
    augment: Augment,
    /// Patches of the longest.
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
        standardizer.patch.check()?;
        let beside = standardizer.apply(&mut set);
        let patch = standardizer.patch;
        let steps = (0..set.len()).map(|row| patch.count(set.length(row))).max().unwrap_or(0);
        Ok(StandardizedSequences { mask: standardizer.mask, patch, beside, augment: Augment::default(), steps, set })
    }

    /// Changed at random by each step of training. Whoever else reads them finds them as they are.
    pub fn augmented(self, augment: Augment) -> Self {
        StandardizedSequences { augment, ..self }
    }

    /// Floats of a step of a sequence.
    fn width(&self) -> usize {
        if self.mask { 2 * self.set.features() } else { self.set.features() }
    }

    /// Floats beside the patches of a row.
    fn beside(&self) -> usize {
        self.beside.len() / self.set.len().max(1)
    }

    /// A patch of a row, the values of a step of the sequence `[F]` as `step_of` writes them.
    fn read_patch(&self, row: usize, patch: usize, x: &mut [f32], step_of: impl Fn(usize, &mut [f32])) {
        let (features, width, length) = (self.set.features(), self.width(), self.set.length(row));
        let (steps, beside) = x.split_at_mut(self.patch.size * width);
        for (at, x) in steps.chunks_exact_mut(width.max(1)).enumerate() {
            let (values, mask) = x.split_at_mut(features);
            let step = patch * self.patch.stride + at;
            if step < length {
                step_of(step, values);
            } else {
                values.fill(f32::NAN);
            }
            for (mask, value) in mask.iter_mut().zip(&*values) {
                *mask = f32::from(u8::from(value.is_nan()));
            }
            values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = 0.0);
        }
        beside.copy_from_slice(&self.beside[row * beside.len()..][..beside.len()]);
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
        self.patch.size * self.width() + self.beside()
    }
    fn length(&self, row: usize) -> usize {
        self.patch.count(self.set.length(row))
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        let (features, first) = (self.set.features(), self.set.offsets[row]);
        self.read_patch(row, step, x, |step, values| {
            values.copy_from_slice(&self.set.values[(first + step) * features..][..features]);
        });
    }
    fn read_in_training(&self, row: usize, step: usize, draw: Draw, x: &mut [f32]) {
        if self.augment.is_none() {
            return self.read(row, step, x);
        }
        let (features, first) = (self.set.features(), self.set.offsets[row]);
        let change = Change::new(self.augment, draw, row, self.set.length(row));
        self.read_patch(row, step, x, |step, values| {
            change.write(step, |step, feature| self.set.values[(first + step) * features + feature], values);
        });
    }
}

/// For a set of sequences with something beside each: as [`Sequences`] it is those in its field `sequences`.
macro_rules! reads_its_sequences {
    ($set:ty) => {
        impl $crate::Sequences for $set {
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
            fn read_in_training(&self, row: usize, step: usize, draw: $crate::data::augment::Draw, x: &mut [f32]) {
                self.sequences.read_in_training(row, step, draw, x);
            }
        }
    };
}
pub(crate) use reads_its_sequences;

/// Standardised sequences with their classes, or those of their steps.
#[derive(Clone, Debug)]
pub struct LabelledSequences {
    /// `[N]`: places in the names of the classes; none where each step has its own.
    pub labels: Vec<usize>,
    /// `[Σ T]`: places in the names of the classes, None where one is not known; None where sequences have them.
    step_labels: Option<Vec<Option<u32>>>,
    sequences: StandardizedSequences,
}

impl LabelledSequences {
    /// Of a set in its own units.
    ///
    /// # Errors
    /// If it has no labels, or another number of features; or if each step has a label, and several are read as one.
    pub fn new(mut set: SequenceSet, standardizer: &Standardizer) -> Result<Self, Error> {
        let rows = set.len();
        if let Some(labels) = set.step_labels.take().filter(|labels| Some(&labels.len()) == set.offsets.last()) {
            if !standardizer.patch.is_step() {
                let expected = "1, for each step has a label of its own";
                return Err(Error::setting("patch", standardizer.patch.size, expected));
            }
            let sequences = StandardizedSequences::new(set, standardizer)?;
            return Ok(LabelledSequences { labels: Vec::new(), step_labels: Some(labels), sequences });
        }
        let Some(labels) = set.labels.take().filter(|labels| labels.len() == rows) else {
            return Err(Error::setting("the set", "without labels", "a label for each sequence"));
        };
        Ok(LabelledSequences { labels, step_labels: None, sequences: StandardizedSequences::new(set, standardizer)? })
    }

    /// As [`StandardizedSequences::augmented`].
    pub fn augmented(self, augment: Augment) -> Self {
        LabelledSequences { sequences: self.sequences.augmented(augment), ..self }
    }
}

reads_its_sequences!(LabelledSequences);

impl Labelled for LabelledSequences {
    fn target(&self) -> Target<'_> {
        match self.step_labels {
            Some(_) => Target::StepClasses(self),
            None => Target::Class(&self.labels),
        }
    }
}

impl LabelledSequences {
    /// The labels of all steps, one sequence after the other, None where one is not known; None where sequences have them.
    pub fn step_labels(&self) -> Option<&[Option<u32>]> {
        self.step_labels.as_deref()
    }

    fn step_label(&self, row: usize, step: usize) -> Option<u32> {
        self.step_labels.as_ref()?.get(self.sequences.set.offsets[row] + step).copied().flatten()
    }
}

impl StepClass for LabelledSequences {
    fn class(&self, row: usize, step: usize) -> usize {
        self.step_label(row, step).unwrap_or_default() as usize
    }
    fn is_known(&self, row: usize, step: usize) -> bool {
        self.step_label(row, step).is_some()
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
            step_labels: None,
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
    fn a_step_alone_is_read_as_in_its_sequence() {
        let training = set([1.0, NAN, NAN, 5.0, 3.0, 7.0]);
        for missing in [Missing::Mask, Missing::Mean] {
            let standardizer = Standardizer::of(&training, missing);
            let data = StandardizedSequences::new(training.clone(), &standardizer).unwrap();
            for (row, step, values) in [(0, 0, [1.0, NAN]), (0, 1, [NAN, 5.0]), (1, 0, [3.0, 7.0])] {
                let mut x = vec![9.0; standardizer.input()];
                standardizer.step(&values, &mut x).unwrap();
                assert_eq!(x, read(&data, row, step));
            }
            let mut x = vec![0.0; standardizer.input()];
            assert!(standardizer.step(&[1.0], &mut x).is_err());
            assert!(standardizer.step(&[1.0, 2.0], &mut x[1..]).is_err());
        }
        let by_rows = Standardizer::of(&training, Missing::Mean).to_scale(Standardize::Row, &training);
        assert!(by_rows.step(&[1.0, 2.0], &mut [0.0; 2]).unwrap_err().to_string().contains("by its own mean"));
    }

    #[test]
    fn a_feature_that_training_never_saw_is_never_read() {
        let standardizer = Standardizer::of(&set([NAN, 1.0, NAN, 3.0, NAN, 2.0]), Missing::Mean);
        assert_eq!(standardizer.scalings[0], None);
        let data = StandardizedSequences::new(set([1e9, 2.0, 4.0, 2.0, 4.0, 2.0]), &standardizer).unwrap();
        assert_eq!(read(&data, 0, 0), [0.0, 0.0]);
    }

    /// One sequence of one feature.
    fn one(values: &[f32]) -> SequenceSet {
        SequenceSet {
            names: vec!["a".into()],
            classes: vec!["left".into(), "right".into()],
            centres: Vec::new(),
            report: Report::default(),
            values: values.to_vec(),
            offsets: vec![0, values.len()],
            labels: Some(vec![1]),
            step_labels: None,
            ids: None,
        }
    }

    #[test]
    fn a_patch_is_its_steps_one_after_the_other() {
        let standardizer = Standardizer::identity(2).patch(Patch { size: 2, stride: 1 });
        let data = StandardizedSequences::new(set([1.0, 5.0, 3.0, 6.0, 2.0, 7.0]), &standardizer).unwrap();
        assert_eq!((data.steps(), data.input(), data.length(0), data.length(1)), (1, 4, 1, 1));
        assert_eq!(read(&data, 0, 0), [1.0, 5.0, 3.0, 6.0]);
        assert_eq!(read(&data, 1, 0), [2.0, 7.0, 0.0, 0.0], "what is not there is 0");
        let values: Vec<f32> = (1..=7_u8).map(f32::from).collect();
        let standardizer = Standardizer { mask: true, ..Standardizer::identity(1) }.patch(Patch { size: 3, stride: 2 });
        let data = StandardizedSequences::new(one(&values), &standardizer).unwrap();
        assert_eq!(data.length(0), 3);
        assert_eq!(read(&data, 0, 2), [5.0, 0.0, 6.0, 0.0, 7.0, 0.0]);
        let data = StandardizedSequences::new(one(&values[..6]), &standardizer).unwrap();
        assert_eq!(read(&data, 0, 2), [5.0, 0.0, 6.0, 0.0, 0.0, 1.0], "a step that is not there is missing");
    }

    #[test]
    fn a_row_is_scaled_by_itself_with_what_that_takes_away_beside_it() {
        let training = SequenceSet { centres: vec![100.0, 0.0], ..set([-1.0, 5.0, 1.0, 5.0, 8.0, 7.0]) };
        let standardizer = Standardizer::of(&training, Missing::Mask);
        let shape = standardizer.clone().to_scale(Standardize::Row, &training);
        assert_eq!(shape.input(), 2);
        let data = StandardizedSequences::new(training.clone(), &shape).unwrap();
        assert_eq!([read(&data, 0, 0), read(&data, 0, 1), read(&data, 1, 0)], [[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]);
        let both = standardizer.to_scale(Standardize::Both, &training);
        assert_eq!(both.input(), 6);
        both.check().unwrap();
        let data = StandardizedSequences::new(training, &both).unwrap();
        // Means 100 and 108 of the first feature, 5 and 7 of the second; only the first sequence has a deviation.
        assert_eq!(read(&data, 0, 0), [-1.0, 0.0, -1.0, -1.0, 0.0, 0.0]);
        assert_eq!(read(&data, 1, 0), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        // Another file is read by its own rows, and by what training was.
        let other = StandardizedSequences::new(set([104.0, 5.0, 104.0, 9.0, 1.0, 7.0]), &both).unwrap();
        assert_eq!(read(&other, 0, 1), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn rounding_is_not_taken_for_a_shape() {
        let rounded: Vec<f32> = (0..50_u8).map(|t| 1e6 + f32::from(t % 2) * 0.0625).collect();
        let standardizer = Standardizer::identity(1).to_scale(Standardize::Row, &one(&rounded));
        let data = StandardizedSequences::new(one(&rounded), &standardizer).unwrap();
        assert!((0..50).all(|step| read(&data, 0, step)[0].abs() < 0.1), "a constant, but for rounding");
    }

    #[test]
    fn training_alone_reads_changed_rows() {
        let values: Vec<f32> = (0..40_u8).map(|t| (f32::from(t) / 4.0).sin()).collect();
        let standardizer = Standardizer::identity(1).patch(Patch { size: 4, stride: 2 });
        let data = LabelledSequences::new(one(&values), &standardizer).unwrap();
        let changed = data.clone().augmented("jitter,crop,warp".parse().unwrap());
        let training = |data: &LabelledSequences, patch: usize| {
            let mut x = vec![9.0; data.input()];
            data.read_in_training(0, patch, Draw { seed: 1, step: 5 }, &mut x);
            x
        };
        for patch in 0..data.length(0) {
            assert_eq!(read(&changed, 0, patch), read(&data, 0, patch));
            assert_eq!(training(&data, patch), read(&data, 0, patch));
            assert_ne!(training(&changed, patch), read(&data, 0, patch));
        }
        // The same step in two patches is the same value.
        assert_eq!(training(&changed, 0)[2..], training(&changed, 1)[..2]);
    }

    #[test]
    fn it_survives_its_file_and_a_damaged_one_is_refused() {
        let standardizer = Standardizer::of(&set([NAN, 0.1, NAN, 0.7, NAN, 0.2]), Missing::Mask);
        let json = serde_json::to_string(&standardizer).unwrap();
        assert_eq!(serde_json::from_str::<Standardizer>(&json).unwrap(), standardizer);
        standardizer.check().unwrap();
        for (mean, scale) in [(0.0, 0.0), (0.0, -1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            let damaged = Standardizer { scalings: vec![Some(Scaling { mean, scale })], ..Standardizer::identity(1) };
            assert!(damaged.check().unwrap_err().to_string().contains("standard deviation"));
        }
    }

    #[test]
    fn other_features_and_absent_labels_are_refused() {
        let narrow = Standardizer { scalings: vec![None], ..Standardizer::identity(1) };
        let message = StandardizedSequences::new(set([0.0; 6]), &narrow).unwrap_err().to_string();
        assert!(message.contains("[2]") && message.contains("[1]"), "{message}");
        let wide = Standardizer { scalings: vec![None; 2], ..Standardizer::identity(2) };
        let unlabelled = SequenceSet { labels: None, ..set([0.0; 6]) };
        let message = LabelledSequences::new(unlabelled, &wide).unwrap_err().to_string();
        assert!(message.contains("without labels"), "{message}");
    }
}
