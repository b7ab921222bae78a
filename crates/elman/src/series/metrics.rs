//! How good forecasts are.
//!
//! F steps of the horizon, Q levels. y is what came, z the quantile of level τ. What came and is not known is left out.

/// A level as it was written: 0.1, and not the number of 32 bits next to it.
pub fn decimal(level: f32) -> f64 {
    level.to_string().parse().unwrap_or(f64::from(level))
}

/// The part of values that lies between two quantiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// The level of the lower quantile; that of the upper one is 1 − `lower`.
    pub lower: f32,
    /// The part that should lie between: 1 − 2 `lower`.
    pub expected: f64,
    /// The part that does, the quantiles themselves included.
    pub found: f64,
}

/// Means over the values that are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// Values that are known.
    pub values: u64,
    /// Mean absolute error of the point forecast.
    pub mae: f64,
    /// Mean absolute scaled error: each error is divided by the [`seasonal_error`] of its series. None where no series has
    /// one. Hyndman & Koehler (2006), <https://doi.org/10.1016/j.ijforecast.2006.03.001>.
    pub mase: Option<f64>,
    /// Values in `mase`.
    pub scaled_values: u64,
    /// Pinball loss of each level `[Q]`: max(τ (y − z), (τ − 1) (y − z)). Koenker & Bassett (1978),
    /// <https://doi.org/10.2307/1913643>.
    pub pinball: Vec<f64>,
    /// Its mean over the levels.
    pub mean_pinball: f64,
    /// Of the central intervals, those whose two levels are both predicted, the widest first.
    pub coverage: Vec<Coverage>,
}

/// Sums of what [`Metrics`] are the means of.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    levels: Vec<f32>,
    /// Places of the lower and upper quantile.
    intervals: Vec<(usize, usize)>,
    values: u64,
    absolute: f64,
    scaled_values: u64,
    scaled: f64,
    pinball: Vec<f64>,
    covered: Vec<u64>,
}

impl Tally {
    /// Nothing yet, for quantiles of these levels `[Q]`, rising.
    pub fn new(levels: &[f32]) -> Self {
        // Levels are written in decimals: 0.1 and 0.9 belong together though 1 − 0.1 is not quite 0.9 in binary numbers.
        const ROUNDING: f32 = 1e-6;
        let opposite = |lower: f32| levels.iter().position(|&level| (level + lower - 1.0).abs() < ROUNDING);
        let lower = levels.iter().enumerate().filter(|&(_, &level)| level < 0.5 - ROUNDING);
        let intervals: Vec<_> = lower.filter_map(|(place, &level)| Some((place, opposite(level)?))).collect();
        let (pinball, covered) = (vec![0.0; levels.len()], vec![0; intervals.len()]);
        Tally {
            levels: levels.to_vec(),
            intervals,
            values: 0,
            absolute: 0.0,
            scaled_values: 0,
            scaled: 0.0,
            pinball,
            covered,
        }
    }

    /// Adds a value y, NaN if it is not known, with its point forecast and its quantiles `[Q]`. `scale` is the
    /// [`seasonal_error`] of its series.
    ///
    /// # Panics
    /// If there are not Q quantiles.
    pub fn add(&mut self, y: f32, point: f32, quantiles: &[f32], scale: Option<f64>) {
        assert_eq!(quantiles.len(), self.levels.len(), "quantiles must be [Q]");
        if y.is_nan() {
            return;
        }
        let y = f64::from(y);
        let error = (y - f64::from(point)).abs();
        self.values += 1;
        self.absolute += error;
        if let Some(scale) = scale {
            self.scaled_values += 1;
            self.scaled += error / scale;
        }
        for ((sum, &z), &level) in self.pinball.iter_mut().zip(quantiles).zip(&self.levels) {
            *sum += pinball(level, z, y);
        }
        for (covered, &(lower, upper)) in self.covered.iter_mut().zip(&self.intervals) {
            *covered += u64::from(f64::from(quantiles[lower]) <= y && y <= f64::from(quantiles[upper]));
        }
    }

    /// Adds what another has seen, of the same levels.
    ///
    /// # Panics
    /// If the levels differ.
    pub fn merge(&mut self, other: &Tally) {
        assert_eq!(self.levels, other.levels, "tallies of other levels");
        self.values += other.values;
        self.absolute += other.absolute;
        self.scaled_values += other.scaled_values;
        self.scaled += other.scaled;
        self.pinball.iter_mut().zip(&other.pinball).for_each(|(sum, more)| *sum += more);
        self.covered.iter_mut().zip(&other.covered).for_each(|(sum, more)| *sum += more);
    }

    /// The means; None if no value is known.
    pub fn metrics(&self) -> Option<Metrics> {
        let count = (self.values > 0).then_some(self.values as f64)?;
        let pinball: Vec<f64> = self.pinball.iter().map(|sum| sum / count).collect();
        let coverage = self.intervals.iter().zip(&self.covered).map(|(&(lower, _), &covered)| {
            let lower = self.levels[lower];
            Coverage { lower, expected: 1.0 - 2.0 * f64::from(lower), found: covered as f64 / count }
        });
        Some(Metrics {
            values: self.values,
            mae: self.absolute / count,
            mase: (self.scaled_values > 0).then(|| self.scaled / self.scaled_values as f64),
            scaled_values: self.scaled_values,
            mean_pinball: pinball.iter().sum::<f64>() / pinball.len() as f64,
            coverage: coverage.collect(),
            pinball,
        })
    }
}

/// The point forecast of quantiles `[Q]` at rising levels `[Q]`: the median. Where it is not among them, it is taken from
/// the two around it, on a straight line; where they are all on one side, it is the nearest.
///
/// # Panics
/// If there is no level, or not a quantile for each.
pub fn point(levels: &[f32], quantiles: &[f32]) -> f32 {
    assert!(!levels.is_empty() && levels.len() == quantiles.len(), "a quantile for each level");
    let above = levels.partition_point(|&level| level < 0.5);
    match (above.checked_sub(1), levels.get(above)) {
        (_, Some(&0.5)) => quantiles[above],
        (None, _) => quantiles[0],
        (Some(below), None) => quantiles[below],
        (Some(below), Some(&level)) => {
            let part = (0.5 - levels[below]) / (level - levels[below]);
            quantiles[below] + part * (quantiles[above] - quantiles[below])
        }
    }
}

/// The mean absolute error of the seasonal naive forecast one season ahead, over a history with NaN where nothing is
/// known: mean |y_t − y_{t−m}|, by which MASE divides. Where no two values are m steps apart, those one step apart are
/// taken. None where there are none either, or the mean is 0: then MASE has no meaning.
pub fn seasonal_error(history: &[f32], season: usize) -> Option<f64> {
    let mean = |lag: usize| {
        let pairs = history.iter().zip(history.get(lag..)?);
        let errors = pairs.map(|(&a, &b)| (f64::from(b) - f64::from(a)).abs()).filter(|error| !error.is_nan());
        let (count, sum) = errors.fold((0u64, 0.0), |(count, sum), error| (count + 1, sum + error));
        (count > 0).then(|| sum / count as f64)
    };
    mean(season.max(1)).or_else(|| mean(1)).filter(|&error| error > 0.0)
}

/// The pinball loss of a value y with its quantile z at a level: Koenker & Bassett (1978), <https://doi.org/10.2307/1913643>.
pub(super) fn pinball(level: f32, z: f32, y: f64) -> f64 {
    let (off, level) = (y - f64::from(z), f64::from(level));
    (level * off).max((level - 1.0) * off)
}
