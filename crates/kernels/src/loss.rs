//! Losses of rows of outputs, with their gradients: softmax cross-entropy with the accuracy beside it, and the pinball
//! loss of quantiles.

use crate::vanishing::{LEAST_GRADIENT, fade};

/// What a set of rows adds to the figures of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Sum of the rows' losses, each times its weight; those of classes in nats.
    pub loss: f64,
    /// Sum of the weights.
    pub weight: f64,
    /// Rows whose label has the highest logit; a tie counts, as in TensorFlow's `in_top_k`.
    pub correct: usize,
    /// Rows; of quantiles, the values that are known.
    pub rows: usize,
}

impl Score {
    /// Adds another set of rows.
    pub fn add(&mut self, other: Score) {
        self.loss += other.loss;
        self.weight += other.weight;
        self.correct += other.correct;
        self.rows += other.rows;
    }

    /// Loss of a row, the mean by the weights; NaN of no rows.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.weight
    }

    /// Part of the rows that are right; NaN of no rows.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows as f64
    }
}

/// Whether `label` has the highest logit. Ties count; a logit that is not finite never wins.
pub fn in_top_1(logits: &[f32], label: usize) -> bool {
    let own = logits[label];
    own.is_finite() && logits.iter().all(|&x| x <= own)
}

/// The label of a row whose class is not known: it has no loss and no gradient.
pub const NO_LABEL: u32 = u32::MAX;

/// Turns each row of `logits` into the gradient of its loss times `scale`, 0 where it vanishes, and sums the losses:
///
/// loss = w_label (log Σ_c exp(z_c) − Σ_c q_c z_c)        dz = scale w_label (softmax(z) − q)
///
/// q = (1 − S) one-hot(label) + S / C, with a smoothing S of the labels, which at 0 leaves z_label alone. Szegedy et al.
/// (2016), <https://arxiv.org/abs/1512.00567>, section 7. The weight is that of the row's own class.
///
/// `logits [R, stride]`, of which the first C = `classes` of a row are read and written; `labels [R]`; `weights [classes]`
/// or empty, which is 1 for each; `smoothing`, S, from 0 to 1. A row of [`NO_LABEL`] becomes 0 and counts nowhere.
///
/// # Panics
/// If there are not as many rows as labels, or another label is not below `classes`.
pub fn softmax_cross_entropy(
    logits: &mut [f32],
    stride: usize,
    classes: usize,
    labels: &[u32],
    weights: &[f32],
    smoothing: f32,
    scale: f32,
) -> Score {
    assert_eq!(logits.len(), labels.len() * stride, "logits must be [R, {stride}] for {} labels", labels.len());
    assert!(weights.is_empty() || weights.len() == classes, "weights must be [{classes}] or empty");
    let mut score = Score::default();
    for (row, &label) in logits.chunks_exact_mut(stride).zip(labels) {
        if label == NO_LABEL {
            row[..classes].fill(0.0);
            continue;
        }
        score.rows += 1;
        let (row, label) = (&mut row[..classes], label as usize);
        score.correct += usize::from(in_top_1(row, label));
        let weight = weights.get(label).copied().unwrap_or(1.0);
        let own = row[label];
        let mean = if smoothing > 0.0 { row.iter().map(|&z| f64::from(z)).sum::<f64>() / classes as f64 } else { 0.0 };
        let (top, sum) = exponentials(row);
        score.loss += f64::from(weight) * f64::from(libm::logf(sum) + (top - own));
        score.weight += f64::from(weight);
        let scale = scale * weight;
        for x in row.iter_mut() {
            *x = fade(*x * (scale / sum), LEAST_GRADIENT);
        }
        if smoothing > 0.0 {
            score.loss += f64::from(weight) * f64::from(smoothing) * (f64::from(own) - mean);
            let each = scale * smoothing / classes as f32;
            row.iter_mut().for_each(|x| *x -= each);
            row[label] -= scale * (1.0 - smoothing);
        } else {
            row[label] -= scale;
        }
    }
    score
}

/// Turns each row of quantiles into the gradient of its pinball loss times `scale`, and sums the losses. Of a value y and
/// its quantile z of level τ:
///
/// loss = max(τ (y − z), (τ − 1) (y − z))        dz = scale (−τ where z < y, 1 − τ where z > y, 0 between)
///
/// Koenker & Bassett (1978), <https://doi.org/10.2307/1913643>.
///
/// `quantiles [R, stride]`, of which the first F × Q of a row are read and written, all levels of a value side by side;
/// `values [R, F]`, NaN where one is not known: it has no loss and no gradient. `levels [Q]`.
///
/// # Panics
/// If the lengths do not fit.
pub fn pinball(quantiles: &mut [f32], stride: usize, levels: &[f32], values: &[f32], scale: f32) -> Score {
    let rows = quantiles.len() / stride;
    assert!(rows * stride == quantiles.len(), "quantiles must be [R, {stride}]");
    let horizon = values.len().checked_div(rows).unwrap_or(0);
    assert!(horizon * rows == values.len() && horizon * levels.len() <= stride, "values must be [{rows}, F]");
    let mut score = Score::default();
    for (row, values) in quantiles.chunks_exact_mut(stride).zip(values.chunks_exact(horizon.max(1))) {
        for (row, &y) in row.chunks_exact_mut(levels.len()).zip(values) {
            if y.is_nan() {
                row.fill(0.0);
                continue;
            }
            score.rows += 1;
            score.weight += levels.len() as f64;
            for (z, &level) in row.iter_mut().zip(levels) {
                let off = y - *z;
                score.loss += f64::from((level * off).max((level - 1.0) * off));
                // NaN and infinities stay what they are: they must show.
                let slope = if off > 0.0 { -level } else { 1.0 - level };
                *z = if off == 0.0 { 0.0 } else { scale * (slope + off * 0.0) };
            }
        }
    }
    score
}

/// Turns a row of logits into probabilities.
pub fn softmax(row: &mut [f32]) {
    let (_, sum) = exponentials(row);
    for x in row {
        *x /= sum;
    }
}

/// x ← exp(x − max x); returns the maximum and the sum. NaN in, NaN out.
fn exponentials(row: &mut [f32]) -> (f32, f32) {
    let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for x in row {
        *x = libm::expf(*x - top);
        sum += *x;
    }
    (top, sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loss of smoothed labels in `f64`, its gradient as central differences of that.
    #[test]
    fn smoothed_labels_are_those_of_the_equations() {
        const STEP: f64 = 1e-5;
        /// The terms are rounded to `f32`.
        const TOLERANCE: f64 = 1e-6;
        let (logits, weights) = ([0.5f32, -1.0, 2.0, 0.25], [1.0f32, 3.0, 0.5, 2.0]);
        for (label, smoothing) in [(0usize, 0.1f32), (1, 0.5), (2, 0.9), (3, 0.0)] {
            let loss = |z: &[f64]| {
                let s = f64::from(smoothing);
                let part = |c: usize| s / 4.0 + if c == label { 1.0 - s } else { 0.0 };
                let sum: f64 = z.iter().map(|z| z.exp()).sum();
                let along: f64 = z.iter().enumerate().map(|(c, z)| part(c) * z).sum();
                f64::from(weights[label]) * (sum.ln() - along)
            };
            let z = logits.map(f64::from);
            let mut row = logits;
            let score = softmax_cross_entropy(&mut row, 4, 4, &[label as u32], &weights, smoothing, 0.5);
            assert!((score.loss - loss(&z)).abs() < TOLERANCE, "{label}, {smoothing}: {} {}", score.loss, loss(&z));
            for c in 0..4 {
                let moved = |by: f64| {
                    let mut z = z;
                    z[c] += by;
                    loss(&z)
                };
                let slope = 0.5 * (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                assert!((f64::from(row[c]) - slope).abs() < TOLERANCE, "{label}, {smoothing}: {} {slope}", row[c]);
            }
        }
        let mut row = [f32::NAN, 0.0];
        let score = softmax_cross_entropy(&mut row, 2, 2, &[1], &[], 0.1, 1.0);
        assert!(score.loss.is_nan() && row.iter().all(|x| x.is_nan()));
    }

    #[test]
    fn a_row_without_a_label_counts_nowhere() {
        let mut with = [1.0, 2.0, 3.0, 0.5, -1.0, f32::NAN, 3.0, 2.0, 1.0];
        let mut without = [1.0, 2.0, 3.0, 3.0, 2.0, 1.0];
        let score = softmax_cross_entropy(&mut with, 3, 3, &[2, NO_LABEL, 1], &[1.0, 2.0, 3.0], 0.0, 0.5);
        assert_eq!(score, softmax_cross_entropy(&mut without, 3, 3, &[2, 1], &[1.0, 2.0, 3.0], 0.0, 0.5));
        assert_eq!((score.rows, score.weight), (2, 5.0));
        assert_eq!(with[3..6], [0.0; 3]);
        assert_eq!([&with[..3], &with[6..]].concat(), without);
    }

    #[test]
    fn loss_and_gradient_by_hand() {
        // softmax(ln 1, ln 2, ln 5) = 1/8, 2/8, 5/8
        let z = [1f32, 2.0, 5.0].map(f32::ln);
        let mut row = [z[0], z[1], z[2], 9.0];
        let score = softmax_cross_entropy(&mut row, 4, 3, &[1], &[], 0.0, 0.5);
        assert!((score.loss - 4f64.ln()).abs() < 1e-6);
        assert_eq!((score.correct, score.rows), (0, 1));
        for (found, expected) in row.into_iter().zip([0.0625, -0.375, 0.3125, 9.0]) {
            assert!((found - expected).abs() < 1e-7, "{row:?}");
        }
    }

    #[test]
    fn a_weight_counts_a_row_so_often() {
        let rows = [0.3f32, -0.2, 0.9, 0.1, 1.5, -0.7];
        let (mut weighted, mut plain) = (rows, [rows, rows].concat());
        let score = softmax_cross_entropy(&mut weighted, 3, 3, &[1, 2], &[9.0, 2.0, 2.0], 0.0, 0.25);
        let twice = softmax_cross_entropy(&mut plain, 3, 3, &[1, 2, 1, 2], &[], 0.0, 0.25);
        assert!((score.loss - twice.loss).abs() < 1e-6 && (score.mean_loss() - twice.mean_loss()).abs() < 1e-7);
        assert_eq!((score.rows, score.weight, twice.weight), (2, 4.0, 4.0));
        for (place, x) in weighted.into_iter().enumerate() {
            assert!((x - 2.0 * plain[place]).abs() < 1e-7, "{place}");
        }
    }

    #[test]
    fn pinball_by_hand() {
        // Above its quantile a value costs τ a unit, below it 1 − τ.
        let mut rows = [1.0, 2.0, 3.0, 9.0, 5.0, 5.0, 5.0, 9.0];
        let score = pinball(&mut rows, 4, &[0.1, 0.5, 0.9], &[2.0, f32::NAN], 10.0);
        assert!((score.loss - (0.1 + 0.0 + 0.1)).abs() < 1e-6, "{score:?}");
        assert_eq!((score.rows, score.weight), (1, 3.0));
        for (found, expected) in rows.into_iter().zip([-1.0, 0.0, 1.0, 9.0, 0.0, 0.0, 0.0, 9.0]) {
            assert!((found - expected).abs() < 1e-5, "{rows:?}");
        }
    }

    #[test]
    fn a_quantile_that_is_no_number_shows() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut row = [bad, 0.0];
            let score = pinball(&mut row, 2, &[0.1, 0.9], &[1.0], 1.0);
            assert!(!score.loss.is_finite() && !row[0].is_finite() && row[1].is_finite(), "{bad}: {score:?} {row:?}");
        }
    }

    #[test]
    fn far_logits_do_not_overflow() {
        let mut row = [1e30, -1e30, 0.0];
        let score = softmax_cross_entropy(&mut row, 3, 3, &[0], &[], 0.0, 1.0);
        assert_eq!((score.loss, score.correct, row), (0.0, 1, [0.0; 3]));
    }

    #[test]
    fn nan_shows_in_the_loss_and_is_never_right() {
        for place in 0..3 {
            let mut row = [0.0; 3];
            row[place] = f32::NAN;
            let score = softmax_cross_entropy(&mut row, 3, 3, &[0], &[], 0.0, 1.0);
            assert!(score.loss.is_nan(), "NaN at {place}");
            assert_eq!(score.correct, 0, "NaN at {place}");
        }
    }

    #[test]
    fn ties_count_as_right() {
        assert!(in_top_1(&[1.0, 1.0, 0.0], 0));
        assert!(in_top_1(&[1.0, 1.0, 0.0], 1));
        assert!(!in_top_1(&[1.0, 1.0, 0.0], 2));
        assert!(!in_top_1(&[f32::INFINITY, 0.0], 0));
    }

    #[test]
    #[should_panic]
    fn a_label_beyond_the_classes_panics() {
        softmax_cross_entropy(&mut [0.0; 4], 4, 3, &[3], &[], 0.0, 1.0);
    }
}
