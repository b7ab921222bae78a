//! What a network is compared with: the mean of what was learnt from, and the number of the nearest sequence.

use elman::{Error, Missing, Sequences, StandardizedSequences, Standardizer};

use super::parts::Numbered;

/// Beyond so many differences of values no nearest sequence is looked for: about ten seconds.
const DIFFERENCES_MAX: f64 = 1e10;

/// How far the steps that are compared may be apart, as a part of the longer sequence: what dynamic time warping is given
/// where sequences differ in length. Ratanamahatana & Keogh (2004).
const BAND: f64 = 0.1;

/// Answers to the test by the number of the nearest sequence in training, each feature standardised: by Euclid's distance
/// where all are equally long, else by dynamic time warping (Sakoe & Chiba 1978, <https://doi.org/10.1109/TASSP.1978.1163055>).
/// None where that would take too long.
pub(super) fn nearest(training: &Numbered, test: &Numbered) -> Result<Option<Vec<f64>>, Error> {
    let standardizer = Standardizer::of(&training.set, Missing::Mean);
    let rows = |part: &Numbered| -> Result<Vec<Vec<f32>>, Error> {
        let rows = StandardizedSequences::new(part.set.clone(), &standardizer)?;
        let width = rows.input();
        let row = |row: usize| {
            let mut values = vec![0.0; rows.length(row) * width];
            values.chunks_exact_mut(width.max(1)).enumerate().for_each(|(step, x)| rows.read(row, step, x));
            values
        };
        Ok((0..rows.len()).map(row).collect())
    };
    let (known, asked) = (rows(training)?, rows(test)?);
    let width = standardizer.features().max(1);
    let lengths = || known.iter().chain(&asked).map(|row| row.len() / width);
    let (least, most) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
    let warped = least != most;
    let band = ((BAND * most as f64).ceil() as usize).max(most - least).max(1);
    let per_pair = most as f64 * width as f64 * if warped { (2 * band + 1).min(most.max(1)) as f64 } else { 1.0 };
    if known.len() as f64 * asked.len() as f64 * per_pair > DIFFERENCES_MAX {
        return Ok(None);
    }
    let distance = |a: &[f32], b: &[f32]| match warped {
        true => warped_distance(a, b, width, band),
        false => difference(a, b),
    };
    let answer = |row: &Vec<f32>| {
        let distances = known.iter().map(|other| distance(other, row)).enumerate();
        distances.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(f64::NAN, |(near, _)| training.numbers[near])
    };
    Ok(Some(asked.iter().map(answer).collect()))
}

/// Σ (a − b)²
fn difference(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

/// The least sum of the differences of steps along a way through both sequences, at most `band` steps apart.
fn warped_distance(a: &[f32], b: &[f32], width: usize, band: usize) -> f64 {
    let (a, b): (Vec<&[f32]>, Vec<&[f32]>) = (a.chunks_exact(width).collect(), b.chunks_exact(width).collect());
    let mut before = vec![f64::INFINITY; b.len() + 1];
    before[0] = 0.0;
    for (i, x) in a.iter().enumerate() {
        let mut now = vec![f64::INFINITY; b.len() + 1];
        for j in i.saturating_sub(band)..(i + band + 1).min(b.len()) {
            let least = before[j].min(before[j + 1]).min(now[j]);
            now[j + 1] = least + difference(x, b[j]);
        }
        before = now;
    }
    before[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warped_distance_ignores_delays() {
        assert_eq!(warped_distance(&[0.0, 1.0, 2.0], &[0.0, 0.0, 1.0, 2.0, 2.0], 1, 5), 0.0);
        assert_eq!(warped_distance(&[0.0, 1.0], &[0.0, 3.0], 1, 5), 4.0);
        // Without room to warp it is Euclid's.
        let (a, b) = ([0.0, 1.0, 5.0], [1.0, 3.0, 4.0]);
        assert_eq!(warped_distance(&a, &b, 1, 0), difference(&a, &b));
    }
}
