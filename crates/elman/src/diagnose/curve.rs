//! How the gradient falls or grows with the lag.

use serde::Serialize;

/// A gradient below this part of where it starts is taken for gone.
pub const VANISHED: f64 = 0.01;

/// Above this multiple it is taken for exploded.
pub const EXPLODED: f64 = 100.0;

/// What becomes of a gradient on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Flow {
    /// There is none where the lags start: nothing to compare with.
    Absent,
    /// At the greatest lag it is below 1%.
    Vanishes,
    /// It stays between.
    Carries,
    /// At some lag it is above 100 times, or leaves the finite numbers.
    Explodes,
}

/// Norms of a gradient by the lag k, the steps from the last one back: ‖∂L/∂s_{T−k}‖ / ‖∂L/∂s_T‖, the mean over rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curve {
    /// `[lags]`: the mean over the rows that are long enough.
    pub relative: Vec<f64>,
    /// `[lags]`: how many these are.
    pub rows: Vec<usize>,
}

impl Curve {
    /// Adds a row: its norms by lag, and what they are relative to. A row whose gradient starts with zero has no part.
    pub(super) fn add(&mut self, norms: &[f64], start: f64) {
        if start == 0.0 {
            return;
        }
        if self.relative.len() < norms.len() {
            self.relative.resize(norms.len(), 0.0);
            self.rows.resize(norms.len(), 0);
        }
        for (lag, norm) in norms.iter().enumerate() {
            self.rows[lag] += 1;
            // A running mean: a sum of large numbers might leave the range where their mean does not.
            self.relative[lag] += (norm / start - self.relative[lag]) / self.rows[lag] as f64;
        }
    }

    /// The lag from which on it stays below 1%; None if it is above at the greatest lag still, or there is no gradient.
    pub fn reach(&self) -> Option<usize> {
        // What is not a number is not gone either.
        let last = self.relative.iter().rposition(|x| x.is_nan() || *x >= VANISHED)?;
        Some(last + 1).filter(|&lag| lag < self.relative.len())
    }

    /// What it is multiplied with from a lag to the next: e to the slope of the straight line through its logarithms, by
    /// least squares. None of fewer than three lags.
    pub fn rate(&self) -> Option<f64> {
        // Zero and what is next to it in f32 say no more than that it is small.
        let points =
            self.relative.iter().enumerate().filter(|(_, x)| x.is_finite() && **x > f64::from(f32::MIN_POSITIVE));
        let points: Vec<(f64, f64)> = points.map(|(lag, x)| (lag as f64, x.ln())).collect();
        if points.len() < 3 {
            return None;
        }
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let along: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let across: f64 = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum();
        Some((along / across).exp())
    }

    /// The effective horizon: the lags in which it falls to a half, by [`Curve::rate`]. None where it does not fall.
    pub fn half_life(&self) -> Option<f64> {
        self.rate().filter(|&rate| rate < 1.0).map(|rate| -std::f64::consts::LN_2 / rate.ln())
    }

    /// Whether it vanishes or explodes.
    pub fn flow(&self) -> Flow {
        let Some(&last) = self.relative.last() else { return Flow::Absent };
        if self.relative.iter().any(|x| !x.is_finite() || *x > EXPLODED) {
            Flow::Explodes
        } else if last < VANISHED {
            Flow::Vanishes
        } else {
            Flow::Carries
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(relative: &[f64]) -> Curve {
        let mut curve = Curve::default();
        curve.add(relative, 1.0);
        curve
    }

    #[test]
    fn a_geometric_series_has_its_rate() {
        let falling = curve(&(0..20).map(|lag| 0.5_f64.powi(lag)).collect::<Vec<_>>());
        assert!((falling.rate().unwrap() - 0.5).abs() < 1e-12);
        assert!((falling.half_life().unwrap() - 1.0).abs() < 1e-12);
        // 1/64 at lag 6, 1/128 at lag 7.
        assert_eq!((falling.reach(), falling.flow()), (Some(7), Flow::Vanishes));
        let growing = curve(&(0..20).map(|lag| 1.5_f64.powi(lag)).collect::<Vec<_>>());
        assert!((growing.rate().unwrap() - 1.5).abs() < 1e-12);
        assert_eq!((growing.half_life(), growing.reach(), growing.flow()), (None, None, Flow::Explodes));
    }

    #[test]
    fn the_mean_is_over_the_rows_that_are_long_enough() {
        let mut curve = Curve::default();
        curve.add(&[2.0, 1.0], 2.0);
        curve.add(&[4.0, 3.0, 1.0], 4.0);
        curve.add(&[0.0, 5.0, 5.0], 0.0);
        assert_eq!(curve, Curve { relative: vec![1.0, 0.625, 0.25], rows: vec![2, 2, 1] });
        assert_eq!((curve.reach(), curve.flow()), (None, Flow::Carries));
    }

    #[test]
    fn odd_curves() {
        assert_eq!((curve(&[]).flow(), curve(&[]).rate(), curve(&[]).reach()), (Flow::Absent, None, None));
        assert_eq!((curve(&[1.0]).flow(), curve(&[1.0, 0.5]).rate()), (Flow::Carries, None));
        assert_eq!(curve(&[1.0, f64::NAN, 0.001]).flow(), Flow::Explodes);
        assert_eq!(curve(&[1.0, 0.0, 0.0, 0.0]).reach(), Some(1));
        // It fell below and came back: it is not gone.
        assert_eq!(curve(&[1.0, 0.001, 0.5]).reach(), None);
        // A memory's starts with zero, which no logarithm has.
        assert!((curve(&[0.0, 0.5, 0.25, 0.125]).rate().unwrap() - 0.5).abs() < 1e-12);
    }
}
