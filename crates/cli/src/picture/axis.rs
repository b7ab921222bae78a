//! An axis of a picture: from where to where, linear or logarithmic, with round numbers beside it.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::Ranged;

/// An axis from `low` to `high`.
pub(crate) struct Axis {
    /// The left or lower end.
    pub(crate) low: f64,
    /// The right or upper end, greater than `low`.
    pub(crate) high: f64,
    /// Whether equal distances are equal ratios. Both ends are positive then.
    log: bool,
    ticks: Vec<Tick>,
}

/// A round number on an axis.
struct Tick {
    value: f64,
    label: String,
}

impl Axis {
    /// Equal distances are equal differences.
    pub(crate) fn linear(low: f64, high: f64) -> Self {
        Self { low, high, log: false, ticks: linear_ticks(low, high) }
    }

    /// Equal distances are equal ratios. Both ends must be positive.
    pub(crate) fn logarithmic(low: f64, high: f64) -> Self {
        Self { low, high, log: true, ticks: logarithmic_ticks(low, high) }
    }

    /// Whether equal distances are equal ratios.
    pub(crate) fn is_log(&self) -> bool {
        self.log
    }

    /// The characters of the longest number beside it.
    pub(crate) fn widest(&self) -> usize {
        self.ticks.iter().map(|tick| tick.label.chars().count()).max().unwrap_or(0)
    }

    /// From 0 to a count: linear, without the ticks between integers, and thousands and millions for short.
    pub(crate) fn count(high: f64) -> Self {
        let (unit, suffix) = match high {
            ..1e5 => (1.0, ""),
            1e5..1e7 => (1e3, "k"),
            _ => (1e6, "M"),
        };
        let label = |value: f64| if value == 0.0 { "0".to_owned() } else { format!("{}{suffix}", value / unit) };
        let mut axis = Self::linear(0.0, high);
        axis.ticks.retain(|tick| tick.value.fract() == 0.0);
        axis.ticks.iter_mut().for_each(|tick| tick.label = label(tick.value));
        axis
    }

    /// Equal distances are equal differences, and the ticks are given: places and what stands there.
    pub(crate) fn labelled(low: f64, high: f64, ticks: Vec<(f64, String)>) -> Self {
        let ticks = ticks.into_iter().map(|(value, label)| Tick { value, label }).collect();
        Self { low, high, log: false, ticks }
    }

    /// Whole numbers from `low` to `high` with some room around them: linear, with ticks at whole numbers only.
    pub(crate) fn whole(low: f64, high: f64) -> Self {
        let step = round_up((high - low) / 8.0).0.max(1.0);
        let ticks = ((low / step).ceil() as u64..=(high / step).floor() as u64).map(|multiple| multiple as f64 * step);
        let ticks = ticks.map(|value| Tick { value, label: format!("{value}") }).collect();
        let room = (0.04 * (high - low)).max(0.5);
        Self { low: low - room, high: high + room, log: false, ticks }
    }

    /// Logarithmic from `low` to `high` with some room around them: equal distances are equal powers of two, and the
    /// ticks are powers of two. Both ends must be positive.
    pub(crate) fn octaves(low: f64, high: f64) -> Self {
        let octaves = (high / low).log2();
        let room = if octaves > 0.0 { 0.04 * octaves } else { 0.5 };
        let (low, high) = (low / room.exp2(), high * room.exp2());
        let every = (octaves / 10.0).ceil().max(1.0) as i32;
        let powers = (low.log2().ceil() as i32..=high.log2().floor() as i32).filter(|power| power % every == 0);
        let ticks = powers.map(|power| f64::from(power).exp2());
        let ticks = ticks.map(|value| Tick { value, label: format!("{value}") }).collect();
        Self { low, high, log: true, ticks }
    }
}

/// Up to nine multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(low: f64, high: f64) -> Vec<Tick> {
    let (step, digit) = round_up((high - low) / 8.0);
    let exponent = low.abs().max(high.abs()).log10().floor() as i32;
    let label = |value: f64| match value {
        0.0 => "0".to_owned(),
        // Whole numbers are written out up to thousands of millions.
        _ if exponent < 5 && digit > -5 || exponent < 10 && digit >= 0 => {
            format!("{value:.*}", (-digit).max(0) as usize)
        }
        _ => format!("{value:.*e}", (value.abs().log10().floor() as i32 - digit).max(0) as usize),
    };
    // An end that is a multiple itself gets its tick, although the division may miss it.
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let values = (0..=(last - first) as usize).map(|i| ((first + i as f64) * step).clamp(low, high));
    values.map(|value| Tick { value, label: label(value) }).collect()
}

/// The next of 1, 2, 5, 10, 20, …, 0.1, 0.2, … that is not below `step`, and its power of ten.
fn round_up(step: f64) -> (f64, i32) {
    let digit = step.log10().floor() as i32;
    let choices = [(1.0, digit), (2.0, digit), (5.0, digit), (1.0, digit + 1)];
    let fits = choices.map(|(factor, digit)| (factor * 10f64.powi(digit), digit)).into_iter().find(|c| c.0 >= step);
    fits.unwrap_or((step, digit))
}

/// Powers of ten; twice and five times them too where there are few, every second or third power where there are many.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<Tick> {
    let decades = (high / low).log10();
    let factors: &[f64] = if decades <= 3.2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = (decades / 7.0).ceil().max(1.0) as i32;
    let label = |value: f64, digit: i32| match digit {
        -4..0 => format!("{value:.*}", -digit as usize),
        0..5 => format!("{value:.0}"),
        _ => format!("{value:.0e}"),
    };
    let digits = (low.log10().floor() as i32..=high.log10().ceil() as i32).filter(|digit| digit % every == 0);
    let values = digits.flat_map(|digit| factors.iter().map(move |factor| (factor * 10f64.powi(digit), digit)));
    let inside = values.filter(|&(value, _)| (low..=high).contains(&value));
    inside.map(|(value, digit)| Tick { value, label: label(value, digit) }).collect()
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, &value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|tick| tick.value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.ticks.iter().find(|tick| tick.value == *value).map_or(String::new(), |tick| tick.label.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> String {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&Axis::linear(0.0, 1.0)), "0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(labels(&Axis::linear(0.903, 1.0)), "0.92 0.94 0.96 0.98 1.00");
        assert_eq!(labels(&Axis::linear(-1.7, 0.3)), "-1.5 -1.0 -0.5 0");
        assert_eq!(labels(&Axis::linear(0.0, 3e-30)), "0 5e-31 1.0e-30 1.5e-30 2.0e-30 2.5e-30 3.0e-30");
        assert_eq!(labels(&Axis::linear(-2e37, 1e37)), "-2.0e37 -1.5e37 -1.0e37 -5e36 0 5e36 1.0e37");
        assert_eq!(labels(&Axis::logarithmic(0.04, 3.0)), "0.05 0.1 0.2 0.5 1 2");
        assert_eq!(labels(&Axis::logarithmic(1e-6, 5.0)), "1e-6 1e-5 0.0001 0.001 0.01 0.1 1");
        assert_eq!(labels(&Axis::logarithmic(0.5, 1e37)), "1 1e6 1e12 1e18 1e24 1e30 1e36");
        assert_eq!(labels(&Axis::count(1.0)), "0 1");
        assert_eq!(labels(&Axis::count(4290.0)), "0 1000 2000 3000 4000");
        assert_eq!(labels(&Axis::count(120_000.0)), "0 20k 40k 60k 80k 100k 120k");
        assert_eq!(labels(&Axis::count(3e7)), "0 5M 10M 15M 20M 25M 30M");
        assert_eq!(labels(&Axis::whole(1.0, 1.0)), "1");
        assert_eq!(labels(&Axis::whole(1.0, 2.0)), "1 2");
        assert_eq!(labels(&Axis::whole(1.0, 64.0)), "10 20 30 40 50 60");
        assert_eq!(labels(&Axis::octaves(16.0, 1024.0)), "16 32 64 128 256 512 1024");
        assert_eq!(labels(&Axis::octaves(1.0, 4096.0)), "1 4 16 64 256 1024 4096");
        assert_eq!(labels(&Axis::octaves(28.0, 28.0)), "32");
        assert_eq!(labels(&Axis::octaves(1.0, f64::from(1 << 24))), "1 8 64 512 4096 32768 262144 2097152 16777216");
    }

    #[test]
    fn ticks_are_few_and_inside_whatever_the_ends() {
        for exponent in -45..39 {
            for (low, high) in [(0.0, 1.0), (-1.0, 1.0), (1.0, 1.000_000_1), (-7.3, -7.1), (0.123, 98.7), (1e-6, 9.0)] {
                let (low, high) = (low * 10f64.powi(exponent), high * 10f64.powi(exponent));
                let mut axes = vec![Axis::linear(low, high)];
                if low > 0.0 && high / low > 50.0 {
                    axes.push(Axis::logarithmic(low, high));
                }
                for axis in axes {
                    assert!((3..=10).contains(&axis.ticks.len()), "{low} to {high}: {}", labels(&axis));
                    assert!(axis.ticks.iter().all(|t| (low..=high).contains(&t.value)), "{low} to {high}");
                    let different = axis.ticks.windows(2).all(|pair| pair[0].label != pair[1].label);
                    assert!(different, "{low} to {high}: {}", labels(&axis));
                }
            }
        }
    }

    #[test]
    fn the_ends_are_the_ends_and_the_middle_is_the_middle() {
        for (axis, middle) in [(Axis::linear(-1.0, 3.0), 1.0), (Axis::logarithmic(0.01, 100.0), 1.0)] {
            for (from, to) in [(0, 100), (700, 100)] {
                let position = |value| axis.map(&value, (from, to));
                assert_eq!([axis.low, middle, axis.high].map(position), [from, (from + to) / 2, to]);
            }
        }
    }
}
