//! Exponential smoothing with fixed rates: a forecast from everything before it, in one pass over a series.
//!
//! T steps of a series, m steps of a season, F steps of the horizon. v is a value, ŷ a forecast, ℓ the level, b the trend,
//! s the seasonal part, d the drift, e the error one step ahead.
//!
//! e_t = v_t − (ℓ + φ b + θ d + s_{t−m})      ℓ ← ℓ + φ b + θ d + α e      b ← φ b + α β e      s_t = s_{t−m} + γ (1 − α) e
//!
//! ŷ_{t+h} = ℓ + (φ + … + φ^h) b + h θ d + s
//!
//! With α = 1 it is the last value, with α = 0 and γ = 1 the last season. Hyndman, Koehler, Ord & Snyder (2008), Forecasting
//! with exponential smoothing; a drift of half the slope is the Theta method, Assimakopoulos & Nikolopoulos (2000),
//! <https://doi.org/10.1016/S0169-2070(00)00066-2>.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// One way to smooth: its rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Smoothing {
    /// α, from 0 to 1.
    pub level: f64,
    /// What is added for each step of the horizon.
    pub trend: Trend,
    /// γ, from 0 to 1; None without seasons.
    pub seasonal: Option<f64>,
}

/// What is added for each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// Nothing.
    None,
    /// θ, so much of the mean slope from the first season to the last.
    Drift(f64),
    /// A slope that is smoothed by α β and fades by φ with each step.
    Damped {
        /// β
        rate: f64,
        /// φ
        damping: f64,
    },
}

impl Smoothing {
    /// The last value again.
    pub const LAST: Smoothing = Smoothing { level: 1.0, trend: Trend::None, seasonal: None };

    /// The last season again.
    pub const SEASONAL: Smoothing = Smoothing { level: 0.0, trend: Trend::None, seasonal: Some(1.0) };

    /// Those that are compared; without seasons if there are none to learn.
    pub fn candidates(seasonal: bool) -> Vec<Smoothing> {
        const LEVELS: [f64; 9] = [1.0, 0.85, 0.7, 0.5, 0.35, 0.2, 0.1, 0.05, 0.0];
        const SEASONS: [f64; 5] = [0.05, 0.15, 0.3, 0.5, 1.0];
        let damped = |rate| [0.8, 0.9, 0.98].map(|damping| Trend::Damped { rate, damping });
        // The plain first: of equals it is taken.
        let trends =
            [Trend::None, Trend::Drift(0.5), Trend::Drift(1.0)].into_iter().chain(damped(0.05)).chain(damped(0.2));
        let mut all = Vec::new();
        for trend in trends {
            for level in LEVELS {
                let still = level == 0.0;
                // Without α a trend does not move.
                if still && matches!(trend, Trend::Damped { .. }) {
                    continue;
                }
                if !still {
                    all.push(Smoothing { level, trend, seasonal: None });
                }
                if seasonal {
                    all.extend(SEASONS.map(|rate| Smoothing { level, trend, seasonal: Some(rate) }));
                }
            }
        }
        all
    }

    /// Whether it is of the same kind as another: other rates, the same parts.
    pub fn is_like(&self, other: &Smoothing) -> bool {
        std::mem::discriminant(&self.trend) == std::mem::discriminant(&other.trend)
            && self.seasonal.is_some() == other.seasonal.is_some()
    }

    fn check(self) -> Result<Self, String> {
        let inside = |value: f64| (0.0..=1.0).contains(&value);
        let trend = match self.trend {
            Trend::None => true,
            Trend::Drift(part) => inside(part),
            Trend::Damped { rate, damping } => inside(rate) && inside(damping),
        };
        if inside(self.level) && trend && self.seasonal.is_none_or(inside) {
            Ok(self)
        } else {
            Err(format!("{self}: expected rates from 0 to 1"))
        }
    }
}

impl fmt::Display for Smoothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Smoothing::LAST => return f.write_str("last"),
            Smoothing::SEASONAL => return f.write_str("seasonal"),
            _ => {}
        }
        write!(f, "level={}", self.level)?;
        match self.trend {
            Trend::None => {}
            Trend::Drift(part) => write!(f, " drift={part}")?,
            Trend::Damped { rate, damping } => write!(f, " trend={rate}*{damping}")?,
        }
        self.seasonal.map_or(Ok(()), |rate| write!(f, " season={rate}"))
    }
}

impl FromStr for Smoothing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "last" => return Ok(Smoothing::LAST),
            "seasonal" => return Ok(Smoothing::SEASONAL),
            _ => {}
        }
        let wrong = || {
            format!(
                "{text:?}: expected last, seasonal, or rates such as \"level=0.5 drift=1 season=0.3\" or \"level=0.5 \
                 trend=0.1*0.9\""
            )
        };
        let number = |text: &str| text.parse::<f64>().map_err(|_| wrong());
        let mut of = Smoothing { level: f64::NAN, trend: Trend::None, seasonal: None };
        for part in text.split_whitespace() {
            match part.split_once('=').ok_or_else(wrong)? {
                ("level", rate) => of.level = number(rate)?,
                ("drift", part) => of.trend = Trend::Drift(number(part)?),
                ("trend", rates) => {
                    let (rate, damping) = rates.split_once('*').ok_or_else(wrong)?;
                    of.trend = Trend::Damped { rate: number(rate)?, damping: number(damping)? };
                }
                ("season", rate) => of.seasonal = Some(number(rate)?),
                _ => return Err(wrong()),
            }
        }
        if of.level.is_nan() { Err(wrong()) } else { of.check() }
    }
}

impl From<Smoothing> for String {
    fn from(of: Smoothing) -> String {
        of.to_string()
    }
}

impl TryFrom<String> for Smoothing {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A series as it is smoothed: in its whole units, or their logarithms.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// `[T]`, NaN where nothing is known.
    pub(crate) values: Vec<f64>,
    /// The mean slope before each origin, `[T + 1]`.
    drift: Vec<f64>,
    /// m
    pub(crate) season: usize,
    /// The first step that is known; T if there is none.
    pub(crate) first: usize,
}

impl History {
    /// Of values that are differences from a centre, `log` for their logarithms.
    ///
    /// # Errors
    /// If a logarithm is asked for of what is not above 0; `id` names the series.
    pub(crate) fn new(target: &[f32], centre: f64, log: bool, season: usize, id: &str) -> Result<Self, Error> {
        let whole = target.iter().map(|&y| centre + f64::from(y));
        let values: Vec<f64> = if log {
            if let Some((step, y)) = whole.clone().enumerate().find(|(_, y)| *y <= 0.0) {
                return Err(Error::Logarithm { id: id.to_owned(), step, value: y });
            }
            whole.map(libm::log).collect()
        } else {
            whole.collect()
        };
        let season = season.max(1);
        let first = values.iter().position(|v| !v.is_nan()).unwrap_or(values.len());
        let drift = drift(&values, first, season);
        Ok(History { values, drift, season, first })
    }

    /// The first origin from which something can be forecast with seasons.
    pub(crate) fn seasonal_from(&self) -> usize {
        self.first + self.season
    }
}

/// From the first to the last season before each origin, by the means of what is known; before there are two, from the
/// first known value to the last.
fn drift(values: &[f64], first: usize, season: usize) -> Vec<f64> {
    let (mut sums, mut counts) = (vec![0.0; values.len() + 1], vec![0u32; values.len() + 1]);
    for (t, &v) in values.iter().enumerate() {
        let known = !v.is_nan();
        sums[t + 1] = sums[t] + if known { v - values[first] } else { 0.0 };
        counts[t + 1] = counts[t] + u32::from(known);
    }
    let mean = |from: usize, to: usize| {
        let count = counts[to] - counts[from];
        (count > 0).then(|| (sums[to] - sums[from]) / f64::from(count))
    };
    let (mut drifts, mut last, mut kept) = (vec![0.0; values.len() + 1], first, 0.0);
    for origin in 1..=values.len() {
        if !values[origin - 1].is_nan() {
            last = origin - 1;
        }
        if origin > first + season && season > 1 {
            if let (Some(a), Some(b)) = (mean(first, first + season), mean(origin - season, origin)) {
                kept = (b - a) / (origin - season - first) as f64;
            }
        } else if last > first {
            kept = (values[last] - values[first]) / (last - first) as f64;
        }
        drifts[origin] = kept;
    }
    drifts
}

/// A smoothing on its way through a history.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    of: Smoothing,
    level: f64,
    trend: f64,
    /// [m], by step modulo m.
    seasonal: Vec<f64>,
    last: f64,
    /// The origin: values before it were seen.
    pub(crate) origin: usize,
}

impl Way {
    /// From the beginning of a history.
    pub(crate) fn new(of: Smoothing, history: &History) -> Self {
        let of = if history.seasonal_from() > history.values.len() { Smoothing { seasonal: None, ..of } } else { of };
        let mut way = Way { of, level: f64::NAN, trend: 0.0, seasonal: Vec::new(), last: f64::NAN, origin: 0 };
        way.level = history.values.get(history.first).copied().unwrap_or(f64::NAN);
        if of.seasonal.is_some() {
            let season = &history.values[history.first..history.seasonal_from()];
            let known = || season.iter().filter(|v| !v.is_nan());
            // Around the first value: so a constant series stays what it is.
            way.level += known().map(|v| v - way.level).sum::<f64>() / known().count() as f64;
            way.seasonal = vec![0.0; history.season];
            for (t, v) in (history.first..).zip(season).filter(|(_, v)| !v.is_nan()) {
                way.seasonal[t % history.season] = v - way.level;
            }
        }
        way
    }

    /// Sees the value of the next step.
    pub(crate) fn see(&mut self, history: &History) {
        let (t, v) = (self.origin, history.values[self.origin]);
        self.origin += 1;
        if !v.is_nan() {
            self.last = v;
        }
        // The seasonal parts were made of the first season.
        if t < history.first || (self.of.seasonal.is_some() && t < history.seasonal_from()) {
            return;
        }
        let (rate, damping, part) = match self.of.trend {
            Trend::None => (0.0, 0.0, 0.0),
            Trend::Drift(part) => (0.0, 0.0, part),
            Trend::Damped { rate, damping } => (rate, damping, 0.0),
        };
        let ahead = self.level + damping * self.trend + part * history.drift[t];
        let place = t % history.season;
        let error = v - ahead - self.seasonal.get(place).copied().unwrap_or(0.0);
        self.trend *= damping;
        self.level = ahead;
        if error.is_nan() {
            return;
        }
        self.level += self.of.level * error;
        self.trend += self.of.level * rate * error;
        if let (Some(rate), Some(seasonal)) = (self.of.seasonal, self.seasonal.get_mut(place)) {
            *seasonal += rate * (1.0 - self.of.level) * error;
        }
    }

    /// The forecasts from here, `[F]`; NaN while nothing is known.
    pub(crate) fn forecast(&self, history: &History, to: &mut [f64]) {
        if self.of.seasonal.is_some() && self.origin < history.seasonal_from() {
            return to.fill(self.last);
        }
        let (damping, drift) = match self.of.trend {
            Trend::None => (0.0, 0.0),
            Trend::Drift(part) => (0.0, part * history.drift[self.origin]),
            Trend::Damped { damping, .. } => (damping, 0.0),
        };
        let level = if self.last.is_nan() { f64::NAN } else { self.level };
        let (mut power, mut sum) = (1.0, 0.0);
        for (h, to) in to.iter_mut().enumerate() {
            power *= damping;
            sum += power;
            let seasonal = self.seasonal.get((self.origin + h) % history.season).copied().unwrap_or(0.0);
            *to = level + sum * self.trend + (h + 1) as f64 * drift + seasonal;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_end(of: Smoothing, values: &[f32], season: usize, horizon: usize) -> Vec<f64> {
        let history = History::new(values, 0.0, false, season, "").unwrap();
        let mut way = Way::new(of, &history);
        (0..values.len()).for_each(|_| way.see(&history));
        let mut to = vec![0.0; horizon];
        way.forecast(&history, &mut to);
        to
    }

    #[test]
    fn the_naive_forecasts_are_smoothings() {
        let values = [1.0, 2.0, 4.0, 2.0, 3.0, 9.0];
        assert_eq!(at_end(Smoothing::LAST, &values, 3, 2), [9.0, 9.0]);
        let seasonal = at_end(Smoothing::SEASONAL, &values, 3, 4);
        assert!(
            seasonal.iter().zip([2.0, 3.0, 9.0, 2.0]).all(|(a, b): (&f64, f64)| (a - b).abs() < 1e-12),
            "{seasonal:?}"
        );
        // What is not known changes nothing.
        assert_eq!(at_end(Smoothing::LAST, &[1.0, 5.0, f32::NAN], 1, 1), [5.0]);
    }

    #[test]
    fn a_line_goes_on() {
        let line: Vec<f32> = (0..20).map(|t| 3.0 + 0.5 * t as f32).collect();
        let drift = Smoothing { trend: Trend::Drift(1.0), ..Smoothing::LAST };
        for (h, found) in at_end(drift, &line, 1, 3).into_iter().enumerate() {
            assert!((found - (13.0 + 0.5 * h as f64)).abs() < 1e-9, "{found}");
        }
        // Its seasons are alike, and rise.
        let seasonal = Smoothing { trend: Trend::Drift(1.0), ..Smoothing::SEASONAL };
        let found = at_end(seasonal, &line, 4, 4);
        assert!(found.windows(2).all(|pair| (pair[1] - pair[0] - 0.5).abs() < 1e-9), "{found:?}");
    }

    #[test]
    fn a_smoothing_by_hand() {
        // ℓ: 2, then 2 + 0.5 (4 − 2) = 3, then 3 + 0.5 (1 − 3) = 2.
        let half = Smoothing { level: 0.5, trend: Trend::None, seasonal: None };
        assert_eq!(at_end(half, &[2.0, 4.0, 1.0], 1, 2), [2.0, 2.0]);
        // b: 0.25 of the first error, 2; then the level is 3 + 0.45 + 0.5 (1 − 3.45).
        let damped = Smoothing { level: 0.5, trend: Trend::Damped { rate: 0.5, damping: 0.9 }, seasonal: None };
        let (level, trend) = (2.225, 0.45 - 0.25 * 2.45);
        let found = at_end(damped, &[2.0, 4.0, 1.0], 1, 2);
        assert!((found[0] - (level + 0.9 * trend)).abs() < 1e-12 && (found[1] - (level + 1.71 * trend)).abs() < 1e-12);
    }

    #[test]
    fn names_are_read_back() {
        for of in Smoothing::candidates(true) {
            assert_eq!(of.to_string().parse(), Ok(of));
        }
        for wrong in ["", "level", "level=2", "drift=1", "level=0.5 trend=0.1", "mean", "level=0.5 season=-1"] {
            assert!(wrong.parse::<Smoothing>().is_err(), "{wrong}");
        }
    }
}
