//! Softmax cross-entropy of rows of logits, with its gradient, and the accuracy beside it.

/// What a set of rows adds to the figures of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Sum of the rows' losses, in nats.
    pub loss: f64,
    /// Rows whose label has the highest logit; a tie counts, as in TensorFlow's `in_top_k`.
    pub correct: usize,
    /// Rows.
    pub rows: usize,
}

impl Score {
    /// Adds another set of rows.
    pub fn add(&mut self, other: Score) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.rows += other.rows;
    }

    /// Loss of a row, in nats; NaN of no rows.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.rows as f64
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

/// Turns each row of `logits` into the gradient of its loss times `scale`, and sums the losses:
///
/// loss = log Σ_c exp(z_c) − z_label        dz = scale (softmax(z) − one-hot(label))
///
/// `logits [R, stride]`, of which the first `classes` of a row are read and written; `labels [R]`.
///
/// # Panics
/// If there are not as many rows as labels, or a label is not below `classes`.
pub fn softmax_cross_entropy(logits: &mut [f32], stride: usize, classes: usize, labels: &[u32], scale: f32) -> Score {
    assert_eq!(logits.len(), labels.len() * stride, "logits must be [R, {stride}] for {} labels", labels.len());
    let mut score = Score { rows: labels.len(), ..Score::default() };
    for (row, &label) in logits.chunks_exact_mut(stride).zip(labels) {
        let (row, label) = (&mut row[..classes], label as usize);
        score.correct += usize::from(in_top_1(row, label));
        let own = row[label];
        let (top, sum) = exponentials(row);
        score.loss += f64::from(libm::logf(sum) + (top - own));
        for x in row.iter_mut() {
            *x *= scale / sum;
        }
        row[label] -= scale;
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

    #[test]
    fn loss_and_gradient_by_hand() {
        // softmax(ln 1, ln 2, ln 5) = 1/8, 2/8, 5/8
        let z = [1f32, 2.0, 5.0].map(f32::ln);
        let mut row = [z[0], z[1], z[2], 9.0];
        let score = softmax_cross_entropy(&mut row, 4, 3, &[1], 0.5);
        assert!((score.loss - 4f64.ln()).abs() < 1e-6);
        assert_eq!((score.correct, score.rows), (0, 1));
        for (found, expected) in row.into_iter().zip([0.0625, -0.375, 0.3125, 9.0]) {
            assert!((found - expected).abs() < 1e-7, "{row:?}");
        }
    }

    #[test]
    fn far_logits_do_not_overflow() {
        let mut row = [1e30, -1e30, 0.0];
        let score = softmax_cross_entropy(&mut row, 3, 3, &[0], 1.0);
        assert_eq!((score.loss, score.correct, row), (0.0, 1, [0.0; 3]));
    }

    #[test]
    fn nan_shows_in_the_loss_and_is_never_right() {
        for place in 0..3 {
            let mut row = [0.0; 3];
            row[place] = f32::NAN;
            let score = softmax_cross_entropy(&mut row, 3, 3, &[0], 1.0);
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
        softmax_cross_entropy(&mut [0.0; 4], 4, 3, &[3], 1.0);
    }
}
