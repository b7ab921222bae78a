//! The seasonal naive forecast: the next season is the last one again. What a model must beat.
//!
//! m steps of a season, F steps of the horizon, Q levels.

/// The seasonal naive forecast of one series: ŷ_{t+h} = y_{t+h−km}, k being the seasons that h reaches back over.
///
/// Where that value is not known, it is the one a season earlier, and so on; where none is, the last known one of all.
/// Its quantiles, for a fair comparison with those of a model, are ŷ and the empirical quantiles of y_t − y_{t−km} in the
/// history, for each k its own; where the history has no such pair, all are ŷ. Hyndman & Athanasopoulos, Forecasting:
/// principles and practice, 3rd ed. (2021), sections 5.2 and 5.5, <https://otexts.com/fpp3/>.
#[derive(Clone, Debug, PartialEq)]
pub struct SeasonalNaive {
    season: usize,
    horizon: usize,
    levels: usize,
    /// What is added to ŷ for each number of seasons and level: [K, Q].
    offsets: Vec<f32>,
}

impl SeasonalNaive {
    /// With the errors of a history `[T]`, NaN where nothing is known. A season of 1 is the naive forecast, the last value
    /// again; so is one that is longer than the history.
    ///
    /// # Panics
    /// If there is no level.
    pub fn new(history: &[f32], season: usize, levels: &[f32], horizon: usize) -> Self {
        assert!(!levels.is_empty(), "quantiles have levels");
        let season = if season < history.len() { season.max(1) } else { 1 };
        let mut offsets = Vec::with_capacity(horizon.div_ceil(season) * levels.len());
        for k in 1..=horizon.div_ceil(season) {
            let later = history.get(k.saturating_mul(season)..).unwrap_or(&[]);
            let errors = history.iter().zip(later).map(|(&a, &b)| b - a).filter(|error| !error.is_nan());
            let mut errors: Vec<f32> = errors.collect();
            errors.sort_by(f32::total_cmp);
            offsets.extend(levels.iter().map(|&level| quantile(&errors, level).unwrap_or(0.0)));
        }
        SeasonalNaive { season, horizon, levels: levels.len(), offsets }
    }

    /// From the past `[t]`, of which one value must be known: the point forecasts ŷ `[F]`, and the quantiles [F, Q].
    pub fn forecast(&self, past: &[f32]) -> Option<(Vec<f32>, Vec<f32>)> {
        let last = past.iter().copied().rfind(|y| !y.is_nan())?;
        let mut points = Vec::with_capacity(self.horizon);
        let mut quantiles = Vec::with_capacity(self.horizon * self.levels);
        for h in 0..self.horizon {
            let ahead = h % self.season;
            let same = past.len().checked_sub(self.season - ahead);
            let earlier = std::iter::successors(same, |at| at.checked_sub(self.season));
            let point = earlier.map(|at| past[at]).find(|y| !y.is_nan()).unwrap_or(last);
            points.push(point);
            let offsets = &self.offsets[h / self.season * self.levels..][..self.levels];
            quantiles.extend(offsets.iter().map(|offset| point + offset));
        }
        Some((points, quantiles))
    }
}

/// The empirical quantile of ascending values, on a straight line between the two nearest; None of none. Hyndman & Fan
/// (1996), definition 7, <https://doi.org/10.2307/2684934>.
pub(crate) fn quantile(sorted: &[f32], level: f32) -> Option<f32> {
    let last = sorted.len().checked_sub(1)?;
    let place = f64::from(level) * last as f64;
    let below = (place as usize).min(last);
    let (a, b) = (f64::from(sorted[below]), f64::from(sorted[(below + 1).min(last)]));
    Some((a + (place - below as f64) * (b - a)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;

    #[test]
    fn empirical_quantiles_by_hand() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0], 0.9), Some(3.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), Some(3.0));
        assert_eq!(quantile(&[0.0, 10.0], 0.25), Some(2.5));
    }

    #[test]
    fn the_last_season_again() {
        let history = [1.0, 2.0, 3.0, 2.0, 4.0, 6.0];
        let naive = SeasonalNaive::new(&history, 3, &[0.25, 0.5], 7);
        let (points, quantiles) = naive.forecast(&history).unwrap();
        assert_eq!(points, [2.0, 4.0, 6.0, 2.0, 4.0, 6.0, 2.0]);
        // Errors a season ahead are 1, 2 and 3; of two and three seasons none is known.
        assert_eq!(quantiles[..4], [3.5, 4.0, 5.5, 6.0]);
        assert_eq!(quantiles[6..], [2.0, 2.0, 4.0, 4.0, 6.0, 6.0, 2.0, 2.0]);
        // Later, from another past, with the same errors.
        assert_eq!(naive.forecast(&[7.0, 8.0, 9.0, 1.0]).unwrap().0[..3], [8.0, 9.0, 1.0]);
    }

    #[test]
    fn what_is_not_known_is_looked_for_further_back() {
        let naive = SeasonalNaive::new(&[0.0; 9], 3, &[0.5], 3);
        assert_eq!(naive.forecast(&[1.0, NAN, 3.0, NAN, NAN, 6.0]).unwrap().0, [1.0, 6.0, 6.0]);
        assert_eq!(naive.forecast(&[5.0]).unwrap().0, [5.0, 5.0, 5.0]);
        assert_eq!(naive.forecast(&[NAN, NAN]), None);
        assert_eq!(naive.forecast(&[]), None);
    }

    #[test]
    fn a_season_longer_than_the_history_is_naive() {
        let history = [1.0, 3.0, NAN, 4.0];
        for season in [0, 1, 4, 100] {
            let (points, quantiles) = SeasonalNaive::new(&history, season, &[0.5], 2).forecast(&history).unwrap();
            assert_eq!(points, [4.0, 4.0]);
            // One step ahead the only known error is 2, two steps ahead it is 1.
            assert_eq!(quantiles, [6.0, 5.0]);
        }
    }
}
