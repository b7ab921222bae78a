//! Series of all sizes, brought to one scale: mean 0 and standard deviation 1 over the part for training.

use elman_datasets::series::Series;
use serde::{Deserialize, Serialize};

/// z = (y − mean) / scale
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Mean of the known values.
    pub mean: f64,
    /// Their standard deviation; 1 where they are all equal.
    pub scale: f64,
}

/// The scalings of a series: of its target, and of each covariate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesScaling {
    /// The series.
    pub id: String,
    /// Of the target.
    pub target: Scaling,
    /// `[C]`
    pub covariates: Vec<Scaling>,
    /// `[S]`: what a network reads of the series at every step, by its [static columns](crate::series::StaticInput).
    #[serde(skip)]
    pub statics: Vec<f32>,
}

impl Scaling {
    /// Changes nothing.
    pub const IDENTITY: Scaling = Scaling { mean: 0.0, scale: 1.0 };

    /// Of values, NaN for those that are not known; None if none is.
    pub fn of(values: impl Iterator<Item = f32> + Clone) -> Option<Self> {
        let known = || values.clone().filter(|y| !y.is_nan()).map(f64::from);
        let count = known().count() as f64;
        let first = known().next()?;
        // Of equal values the mean is theirs, not what rounding makes of their sum.
        if known().all(|y| y == first) {
            return Some(Scaling { mean: first, scale: 1.0 });
        }
        let mean = known().sum::<f64>() / count;
        let variance = known().map(|y| (y - mean) * (y - mean)).sum::<f64>() / count;
        Some(Scaling { mean, scale: variance.sqrt() })
    }

    /// The scaling of values that are all larger by so much. So values that are kept as differences from a centre are scaled
    /// without ever being rounded as a whole.
    pub fn moved(self, by: f64) -> Self {
        Scaling { mean: self.mean + by, ..self }
    }

    /// To the network's scale.
    pub fn scaled(&self, y: f32) -> f32 {
        ((f64::from(y) - self.mean) / self.scale) as f32
    }

    /// Back to that of the series. It rises, so quantiles stay quantiles.
    pub fn unscaled(&self, z: f32) -> f32 {
        (f64::from(z) * self.scale + self.mean) as f32
    }
}

impl SeriesScaling {
    /// Of the first `steps` steps of a series with `covariates` covariates; None if its target is not known in any of
    /// them. A covariate that is not known there is not scaled.
    ///
    /// # Panics
    /// If the series has fewer steps or covariates.
    pub fn of(series: &Series, steps: usize, covariates: usize) -> Option<Self> {
        let target = Scaling::of(series.target[..steps].iter().copied())?.moved(series.centre());
        let column = |c: usize| (0..steps).map(move |t| series.covariates[t * covariates + c]);
        let scaling = |c| Scaling::of(column(c)).unwrap_or(Scaling::IDENTITY).moved(series.covariate_centre(c));
        let covariates = (0..covariates).map(scaling).collect();
        Some(SeriesScaling { id: series.id.clone(), target, covariates, statics: Vec::new() })
    }

    /// For a series of which nothing is read.
    pub(crate) fn unknown(series: &Series, covariates: usize) -> Self {
        let id = series.id.clone();
        SeriesScaling {
            id,
            target: Scaling::IDENTITY,
            covariates: vec![Scaling::IDENTITY; covariates],
            statics: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use elman_datasets::series::Time;

    use super::*;

    fn of(values: &[f32]) -> Option<Scaling> {
        Scaling::of(values.iter().copied())
    }

    #[test]
    fn mean_and_standard_deviation_of_what_is_known() {
        let scaling = of(&[1.0, f32::NAN, 3.0, 5.0, 7.0]).unwrap();
        assert_eq!((scaling.mean, scaling.scale), (4.0, 5f64.sqrt()));
        assert_eq!(scaling.scaled(4.0), 0.0);
        assert_eq!(scaling.unscaled(scaling.scaled(7.0)), 7.0);
        assert!(scaling.scaled(f32::NAN).is_nan());
        assert_eq!(of(&[f32::NAN]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_constant_series_is_only_moved() {
        // Ten times 0.1 is not 1 in binary numbers: the deviation by the formula would not be 0.
        let scaling = of(&[0.1; 10]).unwrap();
        assert_eq!((scaling.mean, scaling.scale), (f64::from(0.1f32), 1.0));
        assert_eq!((scaling.scaled(0.1), scaling.scaled(1.1)), (0.0, 1.0));
        assert_eq!(of(&[5.0]), Some(Scaling { mean: 5.0, scale: 1.0 }));
    }

    #[test]
    fn large_values_keep_their_digits() {
        let (a, b) = (16_777_214.0, 16_777_216.0);
        let scaling = of(&[a, b]).unwrap();
        assert_eq!((scaling.scaled(a), scaling.scaled(b)), (-1.0, 1.0));
        assert_eq!((scaling.unscaled(-1.0), scaling.unscaled(1.0)), (a, b));
        let extremes = of(&[f32::MIN, f32::MAX]).unwrap();
        assert_eq!((extremes.scaled(f32::MAX), extremes.unscaled(1.0)), (1.0, f32::MAX));
    }

    #[test]
    fn values_kept_as_differences_are_scaled_as_they_are() {
        // f32 keeps neither.
        let scaling = of(&[-1.0, 1.0]).unwrap().moved(1.6e9);
        assert_eq!(scaling, Scaling { mean: 1.6e9, scale: 1.0 });
        assert_eq!((scaling.moved(-1.6e9).scaled(1.0), scaling.moved(-1.6e9 - 1.0).scaled(1.0)), (1.0, 2.0));
    }

    #[test]
    fn a_series_is_scaled_by_its_first_steps_alone() {
        let nan = f32::NAN;
        let covariates = vec![nan, 1.0, nan, 3.0, 9.0, 100.0];
        let (target, centres) = (vec![0.0, 2.0, 100.0], [0.0, 0.0, 1e9].into());
        let (ahead, statics) = (Vec::new(), Vec::new());
        let series = Series { id: "a".into(), start: Time(0), target, centres, covariates, ahead, statics };
        let scaling = SeriesScaling::of(&series, 2, 2).unwrap();
        assert_eq!(scaling.target, Scaling { mean: 1.0, scale: 1.0 });
        assert_eq!(scaling.covariates, [Scaling::IDENTITY, Scaling { mean: 1e9 + 2.0, scale: 1.0 }]);
        let json = serde_json::to_string(&scaling).unwrap();
        assert_eq!(serde_json::from_str::<SeriesScaling>(&json).unwrap(), scaling);
        assert_eq!(SeriesScaling::of(&series, 0, 2), None);
    }
}
