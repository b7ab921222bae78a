//! What is better by chance: a base forecast is drawn to a naive one by how unsure it is that it is the better one.
//!
//! The best of some hundred candidates is better than the last value over any history, a random walk's too. D_b is by how much
//! the mean absolute error of the chosen ways is below that of the naive forecast over a block of F origins, of B blocks:
//!
//! by = min(1, (c² S² / D²)²)      S² = Σ (D_b − D)² / (B (B − 1))
//!
//! A gain below c = √2 standard errors counts as none, one of 3 nearly whole. So is a network's answer drawn to the base
//! forecast. Such shrinkage of an estimate by its own error: Breiman (1995), "Better subset regression using the nonnegative
//! garrote", <https://doi.org/10.1080/00401706.1995.10484371>.

use std::fmt;
use std::str::FromStr;

use elman_datasets::series::Series;
use serde::{Deserialize, Serialize};

use super::base::Base;
use super::smoothing::Smoothing;
use crate::Error;

/// c²: 1, 2 and 4 did alike over made series of six kinds.
const SURE: f64 = 2.0;

/// How unsure a gain is of which only one block is known.
const UNKNOWN: f64 = 0.5;

/// A naive forecast that counts for more than its errors say. Written as `last=0.25`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Drawn {
    /// The forecast, one of the ways of the base.
    pub to: Smoothing,
    /// How much of it counts, from 0 to 1; the rest is the mean of all ways.
    pub by: f64,
}

/// By how much one forecast is better than another, over blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// D
    pub mean: f64,
    /// S
    pub error: f64,
    /// B
    pub blocks: usize,
}

impl Gain {
    /// Of the gain of each block.
    pub(crate) fn of(blocks: &[f64]) -> Self {
        let count = blocks.len().max(1) as f64;
        let mean = blocks.iter().sum::<f64>() / count;
        let squares: f64 = blocks.iter().map(|gain| (gain - mean) * (gain - mean)).sum();
        Gain { mean, error: (squares / (count - 1.0).max(1.0) / count).sqrt(), blocks: blocks.len() }
    }

    /// From 0, where it is certain, to 1, where it may well be chance.
    pub fn unsure(&self) -> f64 {
        let by = SURE * (self.error / self.mean) * (self.error / self.mean);
        match self.blocks {
            _ if self.mean.is_nan() || self.mean <= 0.0 => 1.0,
            0 | 1 => UNKNOWN,
            _ => (by * by).min(1.0),
        }
    }
}

impl Drawn {
    /// To a naive forecast, by a gain over it; None where that is certain.
    pub(crate) fn by(to: Smoothing, gain: Gain) -> Option<Self> {
        let by = if gain.blocks == 0 { UNKNOWN } else { gain.unsure() };
        (by > 0.0).then_some(Drawn { to, by })
    }

    /// By how much the mean of all ways is better than a naive forecast before the ends of series, in parts of the naive
    /// forecast's mean error on each.
    pub(crate) fn gain(base: &Base, all: &[(&Series, usize)], horizon: usize, to: Smoothing) -> Result<Gain, Error> {
        let naive = Base { ways: vec![to], drawn: None, ..base.clone() };
        let mut gains = Vec::new();
        for &(series, end) in all {
            let courses = [base.follow(series, horizon)?, naive.follow(series, horizon)?];
            let from = courses[0].from.max(courses[1].from).min(end);
            let (mut blocks, mut sum, mut count) = (Vec::new(), 0.0, 0u32);
            let mut start = from;
            while start < end {
                let (mut off, mut known) = ([0.0; 2], 0u32);
                for origin in start..(start + horizon).min(end) {
                    for h in 0..horizon.min(end - origin) {
                        let v = courses[0].values[origin + h];
                        if !v.is_nan() {
                            for (off, course) in off.iter_mut().zip(&courses) {
                                *off += (course.whole(course.point(origin, h)) - course.whole(v)).abs();
                            }
                            known += 1;
                        }
                    }
                }
                if known > 0 {
                    blocks.push((off[1] - off[0]) / f64::from(known));
                    sum += off[1];
                    count += known;
                }
                start += horizon;
            }
            let mean = sum / f64::from(count.max(1));
            gains.extend(blocks.into_iter().filter(|_| mean > 0.0).map(|gain| gain / mean));
        }
        Ok(Gain::of(&gains))
    }

    /// The weights of ways as they are drawn.
    pub(crate) fn weights(drawn: Option<Self>, ways: &[Smoothing], mut weights: Vec<f64>) -> Vec<f64> {
        if let Some(Drawn { to, by }) = drawn
            && let Some(place) = ways.iter().position(|of| *of == to)
        {
            weights.iter_mut().for_each(|weight| *weight *= 1.0 - by);
            weights[place] += by;
        }
        weights
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.to, self.by)
    }
}

impl FromStr for Drawn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?}: expected last or seasonal and a part from 0 to 1, such as last=0.25");
        let (to, by) = text.split_once('=').ok_or_else(wrong)?;
        let to = match to.trim() {
            "last" => Smoothing::LAST,
            "seasonal" => Smoothing::SEASONAL,
            _ => return Err(wrong()),
        };
        let by: f64 = by.trim().parse().map_err(|_| wrong())?;
        if (0.0..=1.0).contains(&by) { Ok(Drawn { to, by }) } else { Err(wrong()) }
    }
}

impl From<Drawn> for String {
    fn from(of: Drawn) -> String {
        of.to_string()
    }
}

impl TryFrom<String> for Drawn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use elman_datasets::series::{Reader, Time};

    use super::*;

    #[test]
    fn a_gain_counts_by_its_error() {
        // D = 2, S² = (1 + 1) / (2 · 1) = 1: by = (2 · 1 / 4)².
        let gain = Gain::of(&[1.0, 3.0]);
        assert_eq!((gain.mean, gain.error, gain.unsure()), (2.0, 1.0, 0.25));
        assert_eq!(Gain::of(&[1.0, 1.0]).unsure(), 0.0);
        assert_eq!(Gain::of(&[1.0, -1.0]).unsure(), 1.0);
        assert_eq!(Gain::of(&[-1.0, -1.0]).unsure(), 1.0);
        assert_eq!(Gain::of(&[1.0]).unsure(), UNKNOWN);
    }

    /// The best of all candidates has a smaller error over a walk than its last value, by chance.
    #[test]
    fn a_walk_is_drawn_to_its_last_value_and_a_line_is_not() {
        let mut random = 7u64;
        let mut noise = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        };
        let choice = |values: &[f64]| {
            let rows: String = values.iter().enumerate().map(|(t, y)| format!("{t},{y}\n")).collect();
            let set = Reader::new("y").parse("a.csv", format!("t,y\n{rows}").as_bytes()).unwrap();
            Base::choose(&set, Time(values.len() as i64), 1, 6, None).unwrap()
        };
        let walk: Vec<f64> = (0..120)
            .scan(0.0, |y, _| {
                *y += noise();
                Some(*y)
            })
            .collect();
        let of_walk = choice(&walk);
        assert!(of_walk.error <= 1.0 && of_walk.base.ways.len() > 1, "{of_walk:?}");
        assert_eq!(of_walk.base.drawn.map(|of| (of.to, of.by > 0.9)), Some((Smoothing::LAST, true)), "{of_walk:?}");
        let line: Vec<f64> = (0..120).map(|t| f64::from(t) + noise()).collect();
        let of_line = choice(&line);
        assert!(of_line.base.drawn.is_none_or(|of| of.by < 0.05), "{of_line:?}");
    }

    #[test]
    fn what_is_drawn_is_written_and_read_back() {
        let drawn = Drawn { to: Smoothing::SEASONAL, by: 1.0 / 3.0 };
        assert_eq!(drawn.to_string().parse(), Ok(drawn));
        for wrong in ["", "last", "last=", "mean=0.5", "last=2", "last=NaN", "last=-1"] {
            assert!(wrong.parse::<Drawn>().is_err(), "{wrong}");
        }
        let ways = [Smoothing::LAST, Smoothing::SEASONAL];
        assert_eq!(Drawn::weights(Some(Drawn { by: 0.5, ..drawn }), &ways, vec![0.5; 2]), [0.25, 0.75]);
        assert_eq!(Drawn::weights(None, &ways, vec![0.5; 2]), [0.5; 2]);
    }
}
