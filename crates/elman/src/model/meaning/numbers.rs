//! The meaning of a model that gives a sequence a number.

use std::path::Path;

use elman_datasets::SequenceSet;
use serde::{Deserialize, Serialize};

use super::ClassMeaning;
use crate::Error;
use crate::model::head::{Head, Link, Predicts, Quantiles, Values};
use crate::network::layer::Stack;

/// What is read and answered by a model of numbers.
///
/// The network answers with z, and the number is `centre + scale shrink z`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberMeaning {
    /// What the number is called.
    pub target: String,
    /// How sequences are read: as those of classes, of which there are none.
    pub sequences: ClassMeaning,
    /// The mean of the numbers that were learnt from.
    pub centre: f64,
    /// Their standard deviation.
    pub scale: f64,
    /// How much of the network's distance from the mean counts, 0 to 1: what validation says of it.
    pub shrink: f64,
}

impl NumberMeaning {
    /// That of a model about to learn these numbers `[N]`; `sequences` says how their sequences are read.
    ///
    /// # Errors
    /// If there is no number, or one is not finite.
    pub fn of(target: impl Into<String>, sequences: ClassMeaning, numbers: &[f64]) -> Result<Self, Error> {
        let count = numbers.len() as f64;
        let centre = numbers.iter().sum::<f64>() / count;
        let deviation = (numbers.iter().map(|y| (y - centre).powi(2)).sum::<f64>() / count).sqrt();
        if !(centre.is_finite() && deviation.is_finite()) {
            return Err(Error::NotFinite { what: "the mean of the numbers to learn".into(), found: centre });
        }
        // Of numbers that are all the same, each is its own scale.
        let scale = if deviation > 0.0 { deviation } else { 1.0 };
        let sequences = ClassMeaning { classes: Vec::new(), ..sequences };
        Ok(NumberMeaning { target: target.into(), sequences, centre, scale, shrink: 1.0 })
    }

    /// A number as the network learns it.
    pub fn standardized(&self, number: f64) -> f64 {
        (number - self.centre) / self.scale
    }

    /// The number that an answer of the network stands for.
    pub fn number(&self, answer: f32) -> f64 {
        self.centre + self.scale * self.shrink * f64::from(answer)
    }

    /// Whether it fits a network and its head.
    pub(super) fn check(&self, stack: &Stack, head: &Head) -> Result<(), Error> {
        self.sequences.check_inputs(stack)?;
        let finite = [self.centre, self.scale, self.shrink].iter().all(|number| number.is_finite());
        if !(finite && self.scale > 0.0 && (0.0..=1.0).contains(&self.shrink)) {
            return Err(Error::meaning("the scale of its numbers is none"));
        }
        match &head.predicts {
            Predicts::Values(Values { outputs: 1, link: Link::Identity, .. })
            | Predicts::Quantiles(Quantiles { horizon: 1, .. }) => Ok(()),
            _ => Err(Error::meaning(format!("it names a number, and its head predicts {}", head.describe()))),
        }
    }

    /// Reads a file of sequences as the model does, and the numbers beside them where it has them: in the column or array
    /// `label`, or without a name, in one that is called so.
    ///
    /// # Errors
    /// If the file cannot be read, or what stands in the place of a number is none.
    pub fn load(
        &self,
        path: impl AsRef<Path>,
        label: Option<String>,
    ) -> Result<(SequenceSet, Option<Vec<f64>>), Error> {
        let (path, columns) = (path.as_ref(), self.sequences.columns(label)?);
        let (set, numbers) = elman_datasets::sequences::load_numbered(path, &columns)?;
        Ok((set.matched(&path.display().to_string(), &self.sequences.features, &[])?, numbers))
    }
}
