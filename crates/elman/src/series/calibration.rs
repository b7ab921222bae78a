//! Intervals that keep their word: widened or narrowed by what came in validation, and then by what comes.
//!
//! F steps of the horizon, Q levels, an interval between the levels τ and 1 − τ, which should hold 1 − 2 τ of what comes.
//!
//! A value y is off its interval [a, b] by max(a − y, y − b) / (b − a), below 0 inside. The interval is widened on both sides
//! by so many of its widths as hold the part of the windows in validation that it should: conformalised quantile
//! regression, Romano, Patterson & Candès (2019), <https://arxiv.org/abs/1905.03222>. In widths, so that the steps of the
//! horizon can be taken together where validation is short.
//!
//! After that a series' widths follow it: each value that comes outside of its interval widens it, each one inside
//! narrows it, so that in the long run the part is right whatever the series does: Gibbs & Candès (2021),
//! <https://arxiv.org/abs/2106.00170>.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Windows without a common value, of which one's own weight is half.
const OWN: f64 = 20.0;
const WIDER: f64 = 0.5;
const NARROWER: f64 = 4.0;

/// Widths are between these: a time in which all comes inside does not last.
const LEAST: f64 = -0.2;
const MOST: f64 = 4.0;

/// What widens or narrows the intervals of forecasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How much wider, on each side, in widths: for each interval, the widest first, `[F]`.
    pub widths: Vec<Vec<f64>>,
    /// By how much of a width a value that comes moves it; 0 leaves widths as they are.
    pub rate: f64,
}

/// Windows and what came, as far as it is known.
pub(crate) struct Came<'a> {
    /// [F, Q]
    pub(crate) quantiles: &'a [f32],
    /// `[F]`, NaN where nothing is known.
    pub(crate) values: &'a [f32],
}

/// Places of the levels of intervals, the widest first: τ and 1 − τ.
pub(crate) fn intervals(levels: &[f32]) -> Vec<(usize, usize)> {
    // Levels are written in decimals: 0.1 and 0.9 belong together though 1 − 0.1 is not quite 0.9 in binary numbers.
    const ROUNDING: f32 = 1e-6;
    let opposite = |lower: f32| levels.iter().position(|&level| (level + lower - 1.0).abs() < ROUNDING);
    let lower = levels.iter().enumerate().filter(|&(_, &level)| level < 0.5 - ROUNDING);
    lower.filter_map(|(place, &level)| Some((place, opposite(level)?))).collect()
}

/// By how many widths y is outside of an interval; below 0 inside.
fn off(y: f32, lower: f32, upper: f32) -> f64 {
    let [y, lower, upper] = [y, lower, upper].map(f64::from);
    let width = (upper - lower).max(1e-9);
    ((lower - y).max(y - upper) / width).clamp(-1.0, 1e6)
}

impl Calibration {
    /// Without any effect yet: each value that comes moves the widths at a rate.
    pub fn none(levels: &[f32], horizon: usize, rate: f64) -> Self {
        Calibration { widths: vec![vec![0.0; horizon]; intervals(levels).len()], rate }
    }

    /// By windows of validation, one behind the other.
    pub(crate) fn of(levels: &[f32], horizon: usize, came: &[Came<'_>], rate: f64) -> Self {
        let count = levels.len();
        let widths = intervals(levels).into_iter().map(|(lower, upper)| {
            let inside = 1.0 - 2.0 * f64::from(levels[lower]);
            let mut steps: Vec<Vec<f64>> = vec![Vec::new(); horizon];
            for Came { quantiles, values } in came {
                for ((h, &y), row) in values.iter().enumerate().zip(quantiles.chunks(count)) {
                    if !y.is_nan() {
                        steps[h].push(off(y, row[lower], row[upper]));
                    }
                }
            }
            let mut pooled: Vec<f64> = steps.iter().flatten().copied().collect();
            // Windows one step apart have all values but one in common.
            let windows = pooled.len() as f64 / (horizon * horizon) as f64;
            let shared = |width: f64| {
                let half = if width > 0.0 { WIDER } else { NARROWER };
                width * windows / (windows + half)
            };
            let all = conformal(&mut pooled, inside);
            let own = windows / (windows + OWN);
            let one = |mut of: Vec<f64>| {
                let of = if of.is_empty() { all } else { conformal(&mut of, inside) };
                shared(all + own * (of - all)).clamp(LEAST, MOST)
            };
            steps.into_iter().map(one).collect()
        });
        Calibration { widths: widths.collect(), rate }
    }

    pub(crate) fn fits(&self, horizon: usize) -> bool {
        self.widths.iter().all(|of| of.len() == horizon && of.iter().all(|width| width.is_finite()))
            && (0.0..=1.0).contains(&self.rate)
    }

    /// Widens the intervals of a forecast [F, Q], each by its width and what `moved` adds for it; what then crosses is put
    /// in order.
    fn apply(&self, levels: &[f32], moved: &[f64], quantiles: &mut [f32]) {
        let intervals = intervals(levels);
        for (h, row) in quantiles.chunks_mut(levels.len()).enumerate() {
            for ((&(lower, upper), widths), moved) in intervals.iter().zip(&self.widths).zip(moved) {
                let by = (widths[h] + moved).clamp(LEAST, MOST) * (f64::from(row[upper]) - f64::from(row[lower]));
                row[lower] = (f64::from(row[lower]) - by) as f32;
                row[upper] = (f64::from(row[upper]) + by) as f32;
            }
            row.sort_by(f32::total_cmp);
        }
    }
}

/// The least width that holds `inside` of the values, and one more for the one that is to come.
fn conformal(scores: &mut [f64], inside: f64) -> f64 {
    if scores.is_empty() {
        return 0.0;
    }
    scores.sort_by(f64::total_cmp);
    let place = (inside * (scores.len() + 1) as f64).ceil() as usize;
    scores[place.clamp(1, scores.len()) - 1]
}

/// The forecasts of one series, one origin after the other, with widths that follow what comes.
pub(crate) struct Following<'a> {
    of: &'a Calibration,
    levels: &'a [f32],
    /// What is added to the widths of each interval.
    moved: Vec<f64>,
    /// The last forecasts: their origin and quantiles [F, Q].
    issued: VecDeque<(usize, Vec<f32>)>,
    seen: usize,
}

impl<'a> Following<'a> {
    /// Nothing has come yet before `origin`.
    pub(crate) fn new(of: &'a Calibration, levels: &'a [f32], origin: usize) -> Self {
        Following { of, levels, moved: vec![0.0; of.widths.len()], issued: VecDeque::new(), seen: origin }
    }

    /// Takes what came before an origin, and calibrates the forecast [F, Q] from there. `came` gives the value of a step,
    /// NaN where it is not known, as the forecast from another origin sees it.
    pub(crate) fn forecast(&mut self, origin: usize, quantiles: &mut [f32], came: impl Fn(usize, usize) -> f32) {
        let count = self.levels.len();
        let horizon = quantiles.len() / count;
        for step in self.seen..origin {
            self.issued.retain(|(from, _)| from + horizon > step);
            for (at, (lower, upper)) in intervals(self.levels).into_iter().enumerate() {
                let (mut out, mut known) = (0u32, 0u32);
                for (from, quantiles) in self.issued.iter().filter(|(from, _)| *from <= step) {
                    let y = came(*from, step);
                    let row = &quantiles[(step - from) * count..][..count];
                    if !y.is_nan() {
                        known += 1;
                        out += u32::from(y < row[lower] || y > row[upper]);
                    }
                }
                if known > 0 {
                    let outside = 2.0 * f64::from(self.levels[lower]);
                    let moved = self.moved[at] + self.of.rate * (f64::from(out) / f64::from(known) - outside);
                    self.moved[at] = moved.clamp(LEAST, MOST);
                }
            }
        }
        self.seen = self.seen.max(origin);
        self.of.apply(self.levels, &self.moved, quantiles);
        self.issued.push_back((origin, quantiles.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [f32; 3] = [0.1, 0.5, 0.9];

    #[test]
    fn conformal_by_hand() {
        // Of nine residuals 80% and the one to come: the 8th.
        let mut scores: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(conformal(&mut scores, 0.8), 8.0);
        assert_eq!(conformal(&mut scores, 0.99), 9.0);
        assert_eq!(conformal(&mut [], 0.8), 0.0);
        assert_eq!((off(3.0, 0.0, 2.0), off(-1.0, 0.0, 2.0), off(1.0, 0.0, 2.0)), (0.5, 0.5, -0.5));
    }

    /// 99 windows of one step, of which half are outside by a width: the interval is widened by nearly that.
    #[test]
    fn an_interval_that_is_too_narrow_is_widened() {
        let quantiles = [-1.0, 0.0, 1.0];
        let values: Vec<f32> = (0..99).map(|t| if t % 2 == 0 { 3.0 } else { 0.0 }).collect();
        let came: Vec<Came> =
            values.iter().map(|y| Came { quantiles: &quantiles, values: std::slice::from_ref(y) }).collect();
        let of = Calibration::of(&LEVELS, 1, &came, 0.0);
        let expected = 99.0 / (99.0 + WIDER);
        assert!((of.widths[0][0] - expected).abs() < 1e-12, "{of:?}");
        let mut row = quantiles;
        of.apply(&LEVELS, &[0.0], &mut row);
        assert!((f64::from(row[0]) + 1.0 + 2.0 * expected).abs() < 1e-6 && row[1] == 0.0, "{row:?}");
        // One that holds everything with room is narrowed.
        let values = [0.1f32; 99];
        let came: Vec<Came> =
            values.iter().map(|y| Came { quantiles: &quantiles, values: std::slice::from_ref(y) }).collect();
        let of = Calibration::of(&LEVELS, 1, &came, 0.0);
        assert_eq!(of.widths[0][0], LEAST);
    }

    #[test]
    fn widths_follow_what_comes() {
        let of = Calibration::none(&LEVELS, 1, 0.1);
        let mut following = Following::new(&of, &LEVELS, 0);
        let mut upper = Vec::new();
        for origin in 0..4 {
            let mut row = [-1.0, 0.0, 1.0];
            // Steps 0 and 1 come far outside, step 2 inside.
            following.forecast(origin, &mut row, |_, step| if step < 2 { 9.0 } else { 0.0 });
            upper.push(f64::from(row[2]));
        }
        for (found, moved) in upper.into_iter().zip([0.0, 0.08, 0.16, 0.14]) {
            assert!((found - 1.0 - 2.0 * moved).abs() < 1e-6, "{found} {moved}");
        }
    }

    #[test]
    fn quantiles_never_cross() {
        let of = Calibration { widths: vec![vec![-0.4], vec![2.0]], rate: 0.0 };
        let mut row = [-2.0, -1.0, 0.0, 1.0, 2.0];
        of.apply(&[0.1, 0.25, 0.5, 0.75, 0.9], &[0.0, 0.0], &mut row);
        assert!(row.is_sorted(), "{row:?}");
    }
}
