//! Sequences as training sees them: each time a little different, in ways that leave their class.
//!
//! Every change is drawn from the seed, the step of training and the row, so it does not depend on threads, and a run that is
//! resumed draws the same.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;
use crate::random::{Purpose, Random};

/// Segments of a warp, each with a speed of its own.
const SEGMENTS: usize = 4;

/// Where a run of training stands: what its random numbers are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The seed of training.
    pub seed: u64,
    /// The step of training, from 0.
    pub step: u64,
}

/// How sequences are changed in training; 0 for what is not.
///
/// Jitter and scaling: Um et al. (2017), <https://doi.org/10.1145/3136755.3136817>; cropping and warping of windows: Le
/// Guennec, Malinowski & Tavenard (2016), <https://hal.science/halshs-01357973>.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augment {
    /// Deviation of the noise that is added to every value, which are scaled to 1.
    pub jitter: f32,
    /// Deviation of the factor on all values of a feature, around 1.
    pub scale: f32,
    /// Largest part of the steps that is cut off; what is left is stretched to as many steps.
    pub crop: f32,
    /// Deviation of the logarithm of the speed, which changes between quarters of the sequence.
    pub warp: f32,
}

impl Augment {
    /// Their names, and what is meant by one without an amount.
    const PARTS: [(&str, f32); 4] = [("jitter", 0.1), ("scale", 0.1), ("crop", 0.1), ("warp", 0.2)];

    fn parts(&mut self) -> [&mut f32; 4] {
        [&mut self.jitter, &mut self.scale, &mut self.crop, &mut self.warp]
    }

    fn amounts(mut self) -> [f32; 4] {
        self.parts().map(|amount| *amount)
    }

    /// Whether nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == Augment::default()
    }

    /// Refuses amounts out of their range.
    ///
    /// # Errors
    /// If one is not in [0, 1).
    pub fn check(&self) -> Result<(), Error> {
        for ((name, _), amount) in Self::PARTS.into_iter().zip(self.amounts()) {
            if !(0.0..1.0).contains(&amount) {
                return Err(Error::setting("augment", format!("{name}={amount}"), "amounts from 0 to below 1"));
            }
        }
        Ok(())
    }
}

/// `none`, or `jitter=0.1,crop=0.1`.
impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.write_str("none");
        }
        let parts = Self::PARTS.into_iter().zip(self.amounts()).filter(|(_, amount)| *amount != 0.0);
        let parts: Vec<String> = parts.map(|((name, _), amount)| format!("{name}={amount}")).collect();
        f.write_str(&parts.join(","))
    }
}

impl FromStr for Augment {
    type Err = Error;

    /// Names with commas between them, each with an amount behind `=` or without.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut augment = Augment::default();
        if text.trim() == "none" {
            return Ok(augment);
        }
        for part in text.split(',') {
            let (name, amount) = part.split_once('=').map_or((part, None), |(name, amount)| (name, Some(amount)));
            let refuse = || {
                let expected = "none, or some of jitter, scale, crop, warp, as jitter,crop=0.2";
                Error::setting("augment", format!("{text:?}"), expected)
            };
            let at = Self::PARTS.iter().position(|(known, _)| *known == name.trim()).ok_or_else(refuse)?;
            let amount = amount.map_or(Ok(Self::PARTS[at].1), |amount| amount.trim().parse().map_err(|_| refuse()))?;
            *augment.parts()[at] = amount;
        }
        augment.check()?;
        Ok(augment)
    }
}

impl Serialize for Augment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Augment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How one row is changed in one step of training.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    of: Augment,
    draw: Draw,
    row: usize,
    /// Steps of the row.
    steps: usize,
    /// Where the part that is left starts, and how long it is, of a length of 1.
    start: f64,
    part: f64,
    /// Where the segments end, of a length of 1; the last at 1.
    ends: [f64; SEGMENTS],
    /// What the factors of the features are drawn from.
    factors: u32,
}

impl Change {
    /// Of a row of so many steps.
    pub(super) fn new(of: Augment, draw: Draw, row: usize, steps: usize) -> Self {
        let mut random = Random::at(draw.seed, Purpose::Augment, draw.step, row as u64);
        let mut unit = || f64::from(random.bits()) / 4_294_967_296.0;
        let part = 1.0 - f64::from(of.crop) * unit();
        let start = (1.0 - part) * unit();
        let speeds = [(); SEGMENTS].map(|()| libm::exp(f64::from(of.warp) * random.normal()));
        let all: f64 = speeds.iter().sum();
        let mut sum = 0.0;
        let ends = speeds.map(|speed| {
            sum += speed;
            sum / all
        });
        Change { of, draw, row, steps, start, part, ends, factors: random.bits() }
    }

    /// The step of the row that stands at step `t` of the changed one, and what part of the way to the next it is.
    fn place(&self, t: usize) -> (usize, f32) {
        let last = self.steps.saturating_sub(1);
        if last == 0 || self.of.crop == 0.0 && self.of.warp == 0.0 {
            return (t, 0.0);
        }
        let at = t as f64 / last as f64 * SEGMENTS as f64;
        let segment = (at as usize).min(SEGMENTS - 1);
        let from = if segment == 0 { 0.0 } else { self.ends[segment - 1] };
        let warped = from + (self.ends[segment] - from) * (at - segment as f64);
        let place = ((self.start + self.part * warped) * last as f64).clamp(0.0, last as f64);
        let whole = (place as usize).min(last - 1);
        (whole, (place - whole as f64) as f32)
    }

    /// Writes step `t` of the changed row into `to` `[F]`; `value` gives a value of the row by its step and feature, NaN where
    /// it is missing.
    pub(super) fn write(&self, t: usize, value: impl Fn(usize, usize) -> f32, to: &mut [f32]) {
        let (step, way) = self.place(t);
        for (feature, to) in to.iter_mut().enumerate() {
            let first = value(step, feature);
            *to = if way == 0.0 {
                first
            } else {
                let second = value(step + 1, feature);
                let between = first + way * (second - first);
                // Beside a missing value the nearer one counts, missing or not.
                if !between.is_nan() {
                    between
                } else if way < 0.5 {
                    first
                } else {
                    second
                }
            };
        }
        if self.of.scale != 0.0 {
            let mut random = Random::at(self.draw.seed, Purpose::Augment, u64::MAX, u64::from(self.factors));
            to.iter_mut().for_each(|to| *to *= 1.0 + self.of.scale * random.normal() as f32);
        }
        if self.of.jitter != 0.0 {
            let place = (self.row as u64) << 32 | t as u64;
            let mut random = Random::at(self.draw.seed, Purpose::Jitter, self.draw.step, place);
            to.iter_mut().for_each(|to| *to += self.of.jitter * random.normal() as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: Draw = Draw { seed: 7, step: 3 };

    fn changed(of: &str, draw: Draw, row: usize, values: &[f32]) -> Vec<f32> {
        let change = Change::new(of.parse().unwrap(), draw, row, values.len());
        (0..values.len())
            .map(|t| {
                let mut to = [0.0];
                change.write(t, |step, _| values[step], &mut to);
                to[0]
            })
            .collect()
    }

    #[test]
    fn a_change_hangs_on_seed_step_and_row_alone() {
        let values: Vec<f32> = (0..50).map(|t| (t as f32 / 5.0).sin()).collect();
        for of in ["jitter", "scale", "crop", "warp", "jitter,scale,crop,warp"] {
            let first = changed(of, DRAW, 2, &values);
            assert_eq!(first, changed(of, DRAW, 2, &values));
            assert_ne!(first, values, "{of}");
            assert_ne!(first, changed(of, Draw { step: 4, ..DRAW }, 2, &values), "{of}: step");
            assert_ne!(first, changed(of, Draw { seed: 8, ..DRAW }, 2, &values), "{of}: seed");
            assert_ne!(first, changed(of, DRAW, 3, &values), "{of}: row");
            let off: f32 = first.iter().zip(&values).map(|(a, b)| (a - b).abs()).sum::<f32>() / 50.0;
            assert!(off < 0.8, "{of} goes too far: {off}");
        }
        assert_eq!(changed("none", DRAW, 2, &values), values);
    }

    #[test]
    fn time_goes_forward_and_stays_inside() {
        let values: Vec<f32> = (0..40).map(|t| t as f32).collect();
        for row in 0..200 {
            let times = changed("crop=0.5,warp=0.9", DRAW, row, &values);
            assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "{times:?}");
            assert!(times[0] >= 0.0 && times[39] <= 39.0, "{times:?}");
            let whole = changed("warp", DRAW, row, &values);
            assert!((whole[0], whole[39]) == (0.0, 39.0), "a warp keeps both ends: {whole:?}");
        }
        for short in [&[][..], &[1.0], &[1.0, 2.0]] {
            assert_eq!(changed("crop,warp", DRAW, 0, short).len(), short.len());
        }
    }

    #[test]
    fn what_is_missing_spreads_no_further_than_half_a_step() {
        let values = [0.0, 1.0, f32::NAN, 3.0, 4.0, 5.0, 6.0, 7.0];
        for row in 0..50 {
            let missing = changed("crop,warp", DRAW, row, &values).iter().filter(|x| x.is_nan()).count();
            assert!(missing <= 3, "{missing}");
        }
    }

    #[test]
    fn it_survives_its_file_and_what_it_is_not_is_refused() {
        for text in ["none", "jitter=0.1", "jitter=0.25,crop=0.5,warp=0.3"] {
            assert_eq!(text.parse::<Augment>().unwrap().to_string(), text);
        }
        assert_eq!("crop,jitter".parse::<Augment>().unwrap().to_string(), "jitter=0.1,crop=0.1");
        for text in ["", "noise", "jitter=x", "crop=1", "scale=-0.1", "jitter=NaN"] {
            let message = text.parse::<Augment>().unwrap_err().to_string();
            assert!(message.starts_with("augment is"), "{message}");
        }
    }
}
