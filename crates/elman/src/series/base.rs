//! The base forecast: what a network's forecast is relative to, and what it is before the network has learnt anything.
//!
//! T steps of a series, F steps of the horizon, K ways to smooth. ŷ_k is the forecast of one of them, L_k its mean absolute
//! error lately, w_k its weight:
//!
//! ŷ = Σ w_k ŷ_k      w_k ∝ exp(−η (L_k − min L) / min L)
//!
//! Where the rolling forecasts do not show that this is better than the naive forecasts, it is [drawn](Drawn) to the better of
//! those.
//!
//! The weights follow what came: those of an origin know only errors before it. So a series that changes its ways changes
//! its forecast too. Exponentially weighted forecasters: Cesa-Bianchi & Lugosi (2006), Prediction, learning, and games.

use std::collections::VecDeque;

use elman_datasets::series::{Series, SeriesSet};
use serde::{Deserialize, Serialize};

use super::drawn::{Drawn, Gain};
use super::origin::{Start, steps_before};
use super::smoothing::{History, Smoothing, Way};
use crate::Error;

/// η: how quickly weights follow the errors. In this is no rate to learn: 2, 5 and 10 did alike over twenty sets.
const FOCUS: f64 = 5.0;

/// Least steps after which an error counts half.
const MEMORY_MIN: usize = 12;

/// Candidates that are worse than the best by more are not taken.
const WORSE_MAX: f64 = 1.1;

/// Most ways beside the two naive ones.
const WAYS_MAX: usize = 4;

/// Most origins that candidates are compared over, of all series together.
const ORIGINS_MAX: usize = 2_000;

/// Most steps that are followed for it, of all series together, and most series.
const STEPS_MAX: usize = 100_000;
const SERIES_MAX: usize = 1_000;

/// What is divided by in the end, where all values are 0.
const LEAST: f64 = 1e-300;

/// The least part that the scale is of its mean over the past: a quiet time does not last.
const FLOOR: f64 = 0.5;

/// Errors that a scale is made of at least, where a series has so many values four times.
const ERRORS_MIN: u32 = 3;

/// A base forecast: a few ways to smooth, whose weights follow their errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Whether logarithms are smoothed instead of values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log: bool,
    /// m, the steps of a season.
    pub season: usize,
    /// `[K]`
    pub ways: Vec<Smoothing>,
    /// What the mean of all ways is drawn towards, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Drawn>,
}

/// What is known of the candidates for a base forecast.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The base that they make.
    pub base: Base,
    /// The mean absolute error of the best candidate, in the mean over steps and series by that of the last value.
    pub error: f64,
    /// The same of the best without, or with, logarithms; None where there can be none.
    pub other: Option<f64>,
    /// The same of the seasonal naive forecast; None where no series has two seasons.
    pub seasonal: Option<f64>,
    /// Origins of rolling forecasts.
    pub origins: usize,
    /// By how much the mean of all ways is better than the better naive forecast.
    pub gain: Gain,
}

/// The base forecasts of one series.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// In the units that are smoothed, `[T]`.
    pub(crate) values: Vec<f64>,
    /// Of each origin, from 0 to T.
    pub(crate) origins: Vec<At>,
    /// Less the reference, [T + 1, F]; NaN where there is no forecast yet.
    points: Vec<f32>,
    horizon: usize,
    /// m
    pub(crate) season: usize,
    /// Whether values are logarithms.
    pub(crate) log: bool,
    /// The first origin with a forecast and errors to scale by.
    pub(crate) from: usize,
}

/// What is known at an origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct At {
    /// What the forecast is about: its mean over a season.
    pub(crate) reference: f64,
    /// How wrong it is one step ahead, lately.
    pub(crate) scale: f64,
    /// The error of the step before, by the scale there.
    pub(crate) error: f32,
}

/// What candidates came to, in one of the two units.
struct Ranking {
    log: bool,
    candidates: Vec<Smoothing>,
    /// By that of the last value, in the mean over series.
    errors: Vec<f64>,
    origins: usize,
}

impl Base {
    /// Compares all candidates over rolling origins before the test, and takes the best of each kind that is not far
    /// behind the very best, with the last value and the last season beside them.
    ///
    /// `log`: whether logarithms are taken; None leaves it to the errors.
    ///
    /// # Errors
    /// If a logarithm is asked for of what is not above 0.
    pub fn choose(
        set: &SeriesSet,
        test: impl Into<Start>,
        season: usize,
        horizon: usize,
        log: Option<bool>,
    ) -> Result<Choice, Error> {
        let test = test.into();
        let all: Vec<(&Series, usize)> =
            set.series.iter().map(|series| (series, steps_before(set, series, test))).collect();
        // Those of the test too: its forecasts are relative to the same base.
        let positive =
            |series: &Series| series.target.iter().all(|&y| y.is_nan() || series.centre() + f64::from(y) > 0.0);
        let can_log = set.series.iter().all(positive);
        let rank = |log| Ranking::of(&all, season.max(1), horizon, log);
        let (ranking, other) = match log {
            Some(log) => (rank(log)?, None),
            None if !can_log => (rank(false)?, None),
            None => {
                let [plain, logs] = [rank(false)?, rank(true)?];
                let [a, b] = [plain.best(), logs.best()];
                // Of two that are as good the plain one.
                if b < 0.99 * a { (logs, Some(a)) } else { (plain, Some(b)) }
            }
        };
        let seasonal = ranking.candidates.iter().position(|of| *of == Smoothing::SEASONAL);
        let mut base = Base { log: ranking.log, season: season.max(1), ways: ranking.ways(), drawn: None };
        let every = all.len().div_ceil(SERIES_MAX).max(1);
        let taken: Vec<_> = all.iter().copied().step_by(every).collect();
        let gain = Drawn::gain(&base, &taken, horizon, ranking.naive())?;
        base.drawn = Drawn::by(ranking.naive(), gain);
        Ok(Choice {
            base,
            error: ranking.best(),
            other,
            seasonal: seasonal.map(|at| ranking.errors[at]),
            origins: ranking.origins,
            gain,
        })
    }

    /// The base forecasts from every origin of a series.
    ///
    /// # Errors
    /// If a logarithm is asked for of what is not above 0.
    pub(crate) fn follow(&self, series: &Series, horizon: usize) -> Result<Course, Error> {
        let history = History::new(&series.target, series.centre(), self.log, self.season, &series.id)?;
        let (steps, count) = (history.values.len(), self.ways.len());
        let mut ways: Vec<Way> = self.ways.iter().map(|&of| Way::new(of, &history)).collect();
        let decay = libm::exp2(-1.0 / (2 * self.season).max(MEMORY_MIN) as f64);
        let mut lately = Lately { errors: vec![0.0; count], weight: 0.0 };
        // Of the last F origins, [K, F] each.
        let mut past: VecDeque<Vec<f64>> = VecDeque::with_capacity(horizon);
        let (mut scale, mut error) = (Scale::default(), 0.0);
        let centre = if self.log { 0.0 } else { series.centre() };
        let (mut origins, mut points) = (Vec::with_capacity(steps + 1), Vec::with_capacity((steps + 1) * horizon));
        let mut from = None;
        // Of a very short series one error must do.
        let known = history.values.iter().filter(|v| !v.is_nan()).count() as u32;
        let needed = (known / 4).clamp(1, ERRORS_MIN);
        let seasonal = self.ways.iter().any(|of| of.seasonal.is_some()) && history.seasonal_from() < steps;
        let least = if seasonal { history.seasonal_from() } else { 0 };
        for origin in 0..=steps {
            let mut all = vec![0.0; count * horizon];
            ways.iter().zip(all.chunks_mut(horizon)).for_each(|(way, to)| way.forecast(&history, to));
            let weights = Drawn::weights(self.drawn, &self.ways, lately.weights());
            // Around the first: where all agree, so does their mean, to the bit.
            let point = |h: usize| {
                all[h] + weights.iter().zip(all.chunks(horizon)).map(|(w, of)| w * (of[h] - all[h])).sum::<f64>()
            };
            let combined: Vec<f64> = (0..horizon).map(point).collect();
            let about = self.season.min(horizon);
            let over = combined[..about].iter().map(|point| point - combined[0]).sum::<f64>();
            let reference = combined[0] + over / about as f64;
            points.extend(combined.iter().map(|point| (point - reference) as f32));
            let now = scale.now(reference, centre);
            origins.push(At { reference, scale: now, error });
            if scale.count >= needed && origin >= least && from.is_none() {
                from = Some(origin);
            }
            if past.len() == horizon {
                past.pop_back();
            }
            past.push_front(all);
            let Some(&value) = history.values.get(origin) else { break };
            error = 0.0;
            lately.fade(decay);
            if !value.is_nan() {
                for (h, all) in past.iter().enumerate() {
                    if !all[h].is_nan() {
                        lately.add(all.chunks(horizon).map(|of| (of[h] - value).abs()), 1.0 / horizon as f64);
                    }
                }
                let off = value - combined[0];
                if !off.is_nan() {
                    error = if scale.count == 0 { 0.0 } else { (off / now) as f32 };
                    scale.add(off.abs(), decay);
                }
            }
            ways.iter_mut().for_each(|way| way.see(&history));
        }
        let from = from.unwrap_or(steps + 1);
        let (season, log) = (self.season, self.log);
        Ok(Course { values: history.values, origins, points, horizon, season, log, from })
    }
}

impl Course {
    /// The base forecast of a step of the horizon, in the units that are smoothed.
    pub(crate) fn point(&self, origin: usize, h: usize) -> f64 {
        self.origins[origin].reference + f64::from(self.points[origin * self.horizon + h])
    }

    /// From the units that are smoothed to those of the series.
    pub(crate) fn whole(&self, v: f64) -> f64 {
        if self.log { libm::exp(v.clamp(-80.0, 80.0)) } else { v }
    }
}

/// Errors of each way, the old ones faded.
struct Lately {
    errors: Vec<f64>,
    weight: f64,
}

impl Lately {
    fn fade(&mut self, by: f64) {
        self.errors.iter_mut().for_each(|error| *error *= by);
        self.weight *= by;
    }

    fn add(&mut self, errors: impl Iterator<Item = f64>, weight: f64) {
        self.errors.iter_mut().zip(errors).for_each(|(sum, error)| *sum += weight * error);
        self.weight += weight;
    }

    /// Equal while nothing is known.
    fn weights(&self) -> Vec<f64> {
        let least = self.errors.iter().copied().fold(f64::INFINITY, f64::min);
        let weight = |&error: &f64| match least > 0.0 {
            true => libm::exp(-FOCUS * (error - least) / least),
            false => f64::from(u8::from(error <= least)),
        };
        let weights: Vec<f64> = self.errors.iter().map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}

/// The mean absolute error one step ahead: lately, and of all.
#[derive(Default)]
struct Scale {
    faded: f64,
    weight: f64,
    sum: f64,
    count: u32,
}

impl Scale {
    fn add(&mut self, error: f64, decay: f64) {
        self.faded = self.faded * decay + error;
        self.weight = self.weight * decay + 1.0;
        self.sum += error;
        self.count += 1;
    }

    /// Never 0.
    fn now(&self, reference: f64, centre: f64) -> f64 {
        let (lately, mean) =
            if self.count == 0 { (0.0, 0.0) } else { (self.faded / self.weight, self.sum / f64::from(self.count)) };
        // Values are single differences from a centre that is double.
        let rounding = if reference.is_nan() { 0.0 } else { 1e-6 * (reference - centre).abs() + 1e-12 * centre.abs() };
        lately.max(FLOOR * mean).max(rounding).max(LEAST)
    }
}

impl Ranking {
    fn of(all: &[(&Series, usize)], season: usize, horizon: usize, log: bool) -> Result<Self, Error> {
        let every = all.len().div_ceil(SERIES_MAX);
        let taken: Vec<_> = all.iter().step_by(every.max(1)).collect();
        let long = STEPS_MAX / taken.len().max(1);
        let mut histories = Vec::new();
        for (series, end) in taken {
            // The newest steps, if there are many.
            let start = end.saturating_sub(long.max(6 * (season + horizon)));
            let history = History::new(&series.target[start..*end], series.centre(), log, season, &series.id)?;
            if history.first + 2 <= history.values.len() {
                histories.push(history);
            }
        }
        let enough = |history: &History| history.first + 2 * season <= history.values.len();
        let candidates = Smoothing::candidates(season > 1 && histories.iter().any(enough));
        let origins: usize = histories.iter().map(|history| history.values.len()).sum();
        let stride = origins.div_ceil(ORIGINS_MAX).max(1);
        let (mut errors, mut count, mut seen) = (vec![0.0; candidates.len()], 0u32, 0);
        for history in &histories {
            let steps = history.values.len();
            let first = match steps - history.first {
                known if season > 1 && known >= 2 * season + horizon.min(season) => history.first + 2 * season,
                known if season > 1 && known >= 2 * season => history.first + season,
                known => history.first + (known / 3).clamp(1, season.max(2)),
            };
            let chosen: Vec<usize> = (first..steps).rev().step_by(stride).collect();
            let of: Vec<f64> = candidates.iter().map(|&of| rolling(of, history, &chosen, horizon, log)).collect();
            // The first candidate is the last value.
            if of[0] > 0.0 && of[0].is_finite() {
                errors.iter_mut().zip(&of).for_each(|(sum, error)| *sum += error / of[0]);
                count += 1;
            }
            seen += chosen.len();
        }
        errors.iter_mut().for_each(|sum| *sum /= f64::from(count.max(1)));
        Ok(Ranking { log, candidates, errors, origins: seen })
    }

    /// Places of the candidates, the best first; of equals the plainer one.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        order.sort_by(|&a, &b| self.errors[a].total_cmp(&self.errors[b]));
        order
    }

    /// The better of the naive forecasts.
    fn naive(&self) -> Smoothing {
        let error = |of: Smoothing| self.candidates.iter().position(|other| *other == of).map(|at| self.errors[at]);
        match (error(Smoothing::LAST), error(Smoothing::SEASONAL)) {
            (Some(last), Some(seasonal)) if seasonal < last => Smoothing::SEASONAL,
            _ => Smoothing::LAST,
        }
    }

    fn best(&self) -> f64 {
        self.errors.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn ways(&self) -> Vec<Smoothing> {
        let mut ways: Vec<Smoothing> = Vec::new();
        for place in self.order() {
            let of = self.candidates[place];
            let near = self.errors[place] <= WORSE_MAX * self.best();
            if near && ways.len() < WAYS_MAX && !ways.iter().any(|other| other.is_like(&of)) {
                ways.push(of);
            }
        }
        for naive in [Smoothing::LAST, Smoothing::SEASONAL] {
            if self.candidates.contains(&naive) && !ways.contains(&naive) {
                ways.push(naive);
            }
        }
        ways
    }
}

/// The mean absolute error of a candidate's forecasts from the origins (falling), in the units of the series.
fn rolling(of: Smoothing, history: &History, origins: &[usize], horizon: usize, log: bool) -> f64 {
    let whole = |v: f64| if log { libm::exp(v.clamp(-80.0, 80.0)) } else { v };
    let mut way = Way::new(of, history);
    let (mut to, mut sum, mut count) = (vec![0.0; horizon], 0.0, 0u64);
    for &origin in origins.iter().rev() {
        while way.origin < origin {
            way.see(history);
        }
        way.forecast(history, &mut to);
        for (forecast, &value) in to.iter().zip(&history.values[origin..]) {
            if !value.is_nan() {
                sum += (whole(*forecast) - whole(value)).abs();
                count += 1;
            }
        }
    }
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use elman_datasets::series::Reader;

    use elman_datasets::series::Time;

    use super::*;

    fn set(values: impl Iterator<Item = f64>) -> SeriesSet {
        let rows: String = values.enumerate().map(|(t, y)| format!("{t},{y}\n")).collect();
        Reader::new("y").parse("a.csv", format!("t,y\n{rows}").as_bytes()).unwrap()
    }

    #[test]
    fn what_grows_is_smoothed_in_logarithms_with_its_seasons() {
        let season = [0.0, 0.5, -0.2, -0.3];
        let set = set((0..60).map(|t| libm::exp(1.0 + 0.05 * t as f64 + season[t % 4])));
        let choice = Base::choose(&set, Time(50), 4, 4, None).unwrap();
        assert!(choice.base.log && choice.base.ways[0].seasonal.is_some(), "{choice:?}");
        assert!(choice.error < 0.01 && choice.other.unwrap() > 0.03, "{choice:?}");
        let course = choice.base.follow(&set.series[0], 4).unwrap();
        for h in 0..4 {
            let truth = 1.0 + 0.05 * (50 + h) as f64 + season[(50 + h) % 4];
            assert!((course.point(50, h) - truth).abs() < 0.02, "{h}: {}", course.point(50, h));
        }
    }

    /// Later values change nothing at an origin.
    #[test]
    fn an_origin_knows_nothing_of_what_follows() {
        let mut random = 1u64;
        let mut noise = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 40) as f64 / (1u64 << 24) as f64
        };
        let values: Vec<f64> = (0..80).map(|t| t as f64 * 0.1 + noise()).collect();
        let (whole, cut) = (set(values.iter().copied()), set(values[..60].iter().copied()));
        let base = Base::choose(&cut, Time(60), 6, 3, None).unwrap().base;
        let [whole, cut] = [&whole, &cut].map(|set| base.follow(&set.series[0], 3).unwrap());
        assert_eq!(whole.origins[1..=60], cut.origins[1..]);
        assert_eq!(whole.points[..61 * 3].to_vec()[30 * 3..], cut.points[30 * 3..]);
    }

    #[test]
    fn weights_go_to_what_is_right_lately() {
        // A walk up to 100, then nothing any more.
        let set = set((0..140).map(|t| if t < 100 { ((t * 7919) % 23) as f64 } else { 0.0 }));
        let base = Base::choose(&set, Time(90), 1, 4, None).unwrap().base;
        let course = base.follow(&set.series[0], 4).unwrap();
        assert!(course.point(139, 0).abs() < 0.5, "{base:?}: {}", course.point(139, 0));
    }

    #[test]
    fn a_constant_series_is_its_own_forecast() {
        let set = set((0..30).map(|_| 7.25));
        let base = Base::choose(&set, Time(20), 4, 3, None).unwrap().base;
        let course = base.follow(&set.series[0], 3).unwrap();
        assert!((5..=30).all(|origin| (0..3).all(|h| course.point(origin, h) == 7.25)));
        assert!(course.origins.iter().all(|at| at.scale > 0.0));
    }
}
