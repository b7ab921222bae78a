//! Each sequence brought to mean 0 and deviation 1 by itself, and what that takes away.
//!
//! F features.

use elman_datasets::SequenceSet;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::data::scaling::Scaling;

/// A deviation below so small a part of the largest value is what rounding leaves of a constant.
const ROUNDING: f64 = 1e-6;

/// Which scale the features of a sequence are brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standardize {
    /// Each feature to mean 0 and standard deviation 1 over the training part: where a sequence lies, and how far it
    /// spreads, can be seen beside the others.
    #[default]
    Channel,
    /// Each feature of each sequence by its own mean and deviation: its shape alone.
    Row,
    /// By its own, and beside that where it lies and how far it spreads, as two numbers a feature.
    Both,
    /// As it is.
    None,
}

impl Standardize {
    /// All of them.
    pub const ALL: [Standardize; 4] = [Standardize::Channel, Standardize::Row, Standardize::Both, Standardize::None];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Standardize::Channel => "channel",
            Standardize::Row => "row",
            Standardize::Both => "both",
            Standardize::None => "none",
        }
    }
}

/// How each sequence is scaled by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowScaling {
    /// `[F]`: of the means of the sequences, over the training part; None where no sequence has a value. Empty where they
    /// are not read.
    pub levels: Vec<Option<Scaling>>,
    /// `[F]`: of the natural logarithms of their deviations.
    pub spreads: Vec<Option<Scaling>>,
}

/// What a feature of a sequence is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Own {
    /// Of the values as they stand in the set.
    pub(super) scaling: Scaling,
    /// Its mean in its own units.
    level: f64,
    /// The logarithm of its deviation; None of a constant, which has none.
    spread: Option<f64>,
}

impl Own {
    /// Of feature `feature` of sequence `row`; None where it has no value.
    pub(super) fn of(set: &SequenceSet, row: usize, feature: usize) -> Option<Self> {
        let features = set.features();
        let values = &set.values[set.offsets[row] * features..set.offsets[row + 1] * features];
        let column = values.iter().skip(feature).step_by(features).copied();
        let found = Scaling::of(column.clone())?;
        let largest =
            column.filter(|value| !value.is_nan()).fold(0.0, |most: f64, value| most.max(f64::from(value.abs())));
        let first = values.iter().skip(feature).step_by(features).find(|value| !value.is_nan());
        let constant = first.is_some_and(|&first| f64::from(first) == found.mean && found.scale == 1.0)
            || found.scale <= ROUNDING * largest;
        let scaling = if constant { Scaling { scale: 1.0, ..found } } else { found };
        let spread = (!constant).then(|| libm::log(found.scale));
        Some(Own { scaling, level: found.mean + set.centre(feature), spread })
    }
}

impl RowScaling {
    /// The shape alone.
    pub fn shape() -> Self {
        RowScaling { levels: Vec::new(), spreads: Vec::new() }
    }

    /// The shape, and beside it levels and spreads on the scale of a training part.
    pub fn with_levels(training: &SequenceSet) -> Self {
        let of = |pick: &dyn Fn(Own) -> Option<f64>| {
            let column = |feature| {
                let rows = (0..training.len()).filter_map(|row| pick(Own::of(training, row, feature)?));
                scaling(&rows.collect::<Vec<_>>())
            };
            (0..training.features()).map(column).collect()
        };
        RowScaling { levels: of(&|own| Some(own.level)), spreads: of(&|own| own.spread) }
    }

    /// Floats of a patch that say where a sequence of `features` features lies and how far it spreads.
    pub(super) fn beside(&self, features: usize) -> usize {
        if self.levels.is_empty() { 0 } else { 2 * features }
    }

    /// Writes them into `to` [2 F]: where the sequence lies, then how far it spreads; 0 for what it does not have.
    pub(super) fn write(&self, own: &[Option<Own>], to: &mut [f32]) {
        let features = self.levels.len();
        for (feature, own) in own.iter().enumerate().take(features) {
            let scaled = |of: &[Option<Scaling>], value: Option<f64>| {
                let scaling = of.get(feature).copied().flatten();
                scaling.zip(value).map_or(0.0, |(scaling, value)| ((value - scaling.mean) / scaling.scale) as f32)
            };
            to[feature] = scaled(&self.levels, own.map(|own| own.level));
            to[features + feature] = scaled(&self.spreads, own.and_then(|own| own.spread));
        }
    }

    /// Refuses what no training part gives.
    pub(super) fn check(&self, features: usize) -> Result<(), Error> {
        for (what, of) in [("levels", &self.levels), ("spreads", &self.spreads)] {
            if ![0, features].contains(&of.len()) || of.len() != self.levels.len() {
                return Err(Error::shape(format!("the {what} of rows"), &[of.len()], &[features]));
            }
        }
        Ok(())
    }
}

/// Mean and deviation of some numbers; None of none.
fn scaling(values: &[f64]) -> Option<Scaling> {
    let first = *values.first()?;
    if values.iter().all(|value| *value == first) {
        return Some(Scaling { mean: first, scale: 1.0 });
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    // Numbers that lie as close as f64 resolves have no deviation.
    Some(Scaling { mean, scale: if variance > 0.0 { variance.sqrt() } else { 1.0 } })
}

/// Part of a feature's deviation over all sequences that lies within them, in the middle of the sequences and over the
/// features: 1 where all lie and spread alike, near 0 where a sequence's shape is lost beside the differences between
/// sequences. None where nothing has a deviation.
pub fn spread_within(training: &SequenceSet) -> Option<f64> {
    let mut parts = Vec::new();
    for feature in 0..training.features() {
        let column = training.values.iter().skip(feature).step_by(training.features()).copied();
        let Some(all) = Scaling::of(column) else { continue };
        let own = |row| Own::of(training, row, feature).and_then(|own| Some(libm::exp(own.spread?) / all.scale));
        parts.extend((0..training.len()).filter_map(own));
    }
    parts.sort_by(f64::total_cmp);
    parts.get(parts.len() / 2).copied()
}
