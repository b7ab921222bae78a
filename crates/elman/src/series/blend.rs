//! How much of a network's answer counts beside the base forecast's: chosen on validation.

use super::drawn::Gain;
use super::metrics::pinball;
use super::relative::Relative;

/// Parts of the network's answer that are tried: 0, 0.1, …, 1.
const PARTS: usize = 10;

/// A part must make the loss smaller by so much, relatively; else the base forecast is as good, and plainer.
const GAIN: f64 = 0.005;

/// A network that was chosen by few independent windows counts less, half at so many: its epoch was chosen by them too.
const FEW: f64 = 3.0;

/// The part of the network's answer with the least pinball loss over windows of validation, less as those are few and as the
/// gain differs between blocks of them.
///
/// `answers` are the network's [N, F × Q], `values` what came [N, F], NaN where nothing is known; `levels [Q]`.
pub(crate) fn part(relative: &Relative, levels: &[f32], answers: &[Vec<f32>], values: &[Vec<f32>]) -> (f64, f64, f64) {
    // Of the windows one after the other, so that neighbours can be taken together.
    let by_window: Vec<Vec<f64>> = (0..=PARTS)
        .map(|part| {
            let mixed = Relative { blend: part as f64 / PARTS as f64, ..relative.clone() };
            let window = |(answer, values): (&Vec<f32>, &Vec<f32>)| {
                let mut answer = answer.clone();
                mixed.blended(&mut answer);
                let rows = answer.chunks(levels.len()).zip(values).filter(|(_, y)| !y.is_nan());
                let of_row = |(row, &y): (&[f32], &f32)| {
                    levels.iter().zip(row).map(|(&level, &z)| pinball(level, z, f64::from(y))).sum::<f64>()
                };
                rows.map(of_row).sum::<f64>() / levels.len() as f64
            };
            answers.iter().zip(values).map(window).collect()
        })
        .collect();
    let counts: Vec<usize> = values.iter().map(|of| of.iter().filter(|y| !y.is_nan()).count()).collect();
    let known = counts.iter().sum::<usize>().max(1) as f64;
    let losses: Vec<f64> = by_window.iter().map(|of| of.iter().sum::<f64>() / known).collect();
    let base = losses[0];
    let best = (1..=PARTS).fold(0, |best, part| if losses[part] < losses[best] { part } else { best });
    let horizon = values.first().map_or(1, Vec::len).max(1);
    let windows = known / (horizon * horizon) as f64;
    // A loss that is no number is no gain.
    let gains = losses[best] < (1.0 - GAIN) * base;
    if !gains {
        return (0.0, base, losses[PARTS]);
    }
    let blocks = by_window[0].chunks(horizon).zip(by_window[best].chunks(horizon)).zip(counts.chunks(horizon));
    let gains: Vec<f64> = blocks
        .map(|((base, mixed), counts)| {
            (base.iter().sum::<f64>() - mixed.iter().sum::<f64>()) / counts.iter().sum::<usize>().max(1) as f64
        })
        .collect();
    let sure = 1.0 - Gain::of(&gains).unsure();
    (best as f64 / PARTS as f64 * sure * windows / (windows + FEW), base, losses[PARTS])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{Base, Smoothing};

    #[test]
    fn the_part_follows_the_better_of_the_two() {
        let base = Base { log: false, season: 1, ways: vec![Smoothing::LAST], drawn: None };
        let relative = Relative { spread: vec![0.0], ..Relative::to(base) };
        let chosen = |answer: f32, truth: f32| {
            let (answers, values) = (vec![vec![answer]; 99], vec![vec![truth]; 99]);
            part(&relative, &[0.5], &answers, &values).0
        };
        // Of 99 windows without a value in common the part is nearly whole.
        let whole = 99.0 / (99.0 + FEW);
        assert_eq!(chosen(1.0, 1.0), whole);
        assert_eq!(chosen(-1.0, 1.0), 0.0);
        assert_eq!(chosen(0.0, 1.0), 0.0);
        // Four times too far: a part of 0.2 or 0.3 is nearest.
        assert!([0.2, 0.3].iter().any(|part| (chosen(4.0, 1.0) - whole * part).abs() < 1e-9));
        // Of one window nobody knows how sure its gain is: half of the part is left.
        let few = part(&relative, &[0.5], &[vec![1.0]], &[vec![1.0]]).0;
        assert_eq!(few, 0.5 / (1.0 + FEW));
    }
}
