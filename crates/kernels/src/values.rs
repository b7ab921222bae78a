//! Losses of values, one an output: squared error, and binary cross-entropy of a sigmoid.

use crate::loss::Score;
use crate::nonlinearity::Nonlinearity;

/// Turns each row of values into the gradient of its squared errors times `scale`, and sums them:
///
/// loss = (z − y)²        dz = 2 scale (z − y)
///
/// `outputs [R, stride]`, of which the first F of a row are read and written; `values [R, F]`, NaN where one is not known:
/// it has no loss and no gradient. Each known value counts as a row of the [`Score`].
///
/// # Panics
/// If the lengths do not fit.
pub fn squared_error(outputs: &mut [f32], stride: usize, values: &[f32], scale: f32) -> Score {
    each(outputs, stride, values, |score, z, y| {
        let off = z - y;
        score.loss += f64::from(off) * f64::from(off);
        2.0 * scale * off
    })
}

/// Turns each row of logits into the gradient of its binary cross-entropies times `scale`, and sums them, in nats:
///
/// loss = −y log σ(z) − (1 − y) log(1 − σ(z))        dz = scale (σ(z) − y)
///
/// `logits [R, stride]`, of which the first F of a row are read and written; `values [R, F]` from 0 to 1, NaN where one is
/// not known. A value is right where σ(z) and y are on the same side of ½.
///
/// # Panics
/// If the lengths do not fit.
pub fn sigmoid_cross_entropy(logits: &mut [f32], stride: usize, values: &[f32], scale: f32) -> Score {
    each(logits, stride, values, |score, z, y| {
        let (wide, target) = (f64::from(z), f64::from(y));
        // max(z, 0) − z y + log(1 + e^−|z|): no end overflows, and NaN stays.
        score.loss += Nonlinearity::Softplus.value(wide) - wide * target;
        score.correct += usize::from(z.is_finite() && (z > 0.0) == (y > 0.5));
        scale * (Nonlinearity::Sigmoid.value(wide) - target) as f32
    })
}

/// Each known value: `one` takes its loss, and gives the gradient that takes the output's place.
fn each(outputs: &mut [f32], stride: usize, values: &[f32], mut one: impl FnMut(&mut Score, f32, f32) -> f32) -> Score {
    let rows = outputs.len() / stride;
    assert!(rows * stride == outputs.len(), "outputs must be [R, {stride}]");
    let count = values.len().checked_div(rows).unwrap_or(0);
    assert!(count * rows == values.len() && count <= stride, "values must be [{rows}, F]");
    let mut score = Score::default();
    for (row, values) in outputs.chunks_exact_mut(stride).zip(values.chunks_exact(count.max(1))) {
        for (z, &y) in row.iter_mut().zip(values) {
            if y.is_nan() {
                *z = 0.0;
                continue;
            }
            score.rows += 1;
            score.weight += 1.0;
            *z = one(&mut score, *z, y);
        }
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squared_errors_by_hand() {
        let mut rows = [1.0, 2.0, 9.0, 3.0, 0.5, 9.0];
        let score = squared_error(&mut rows, 3, &[0.0, 4.0, f32::NAN, 0.5], 0.5);
        assert_eq!((score.loss, score.weight, score.rows, score.correct), (5.0, 3.0, 3, 0));
        assert_eq!(rows, [1.0, -2.0, 9.0, 0.0, 0.0, 9.0]);
    }

    #[test]
    fn cross_entropies_by_hand() {
        // σ(ln 3) = 3/4
        let z = 3f32.ln();
        let mut row = [z, z, -z, 9.0];
        let score = sigmoid_cross_entropy(&mut row, 4, &[1.0, 0.0, 0.25], 2.0);
        let expected = -(0.75f64.ln()) - 0.25f64.ln() - 0.25 * 0.25f64.ln() - 0.75 * 0.75f64.ln();
        assert!((score.loss - expected).abs() < 1e-6, "{score:?}");
        assert_eq!((score.rows, score.correct), (3, 2));
        for (found, expected) in row.into_iter().zip([-0.5, 1.5, 0.0, 9.0]) {
            assert!((found - expected).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn far_logits_do_not_overflow_and_nan_shows() {
        let mut row = [1e30, -1e30];
        let score = sigmoid_cross_entropy(&mut row, 2, &[1.0, 0.0], 1.0);
        assert_eq!((score.loss, score.correct, row), (0.0, 2, [0.0; 2]));
        for loss in [squared_error, sigmoid_cross_entropy] {
            let mut row = [f32::NAN, 0.0];
            let score = loss(&mut row, 2, &[1.0, 0.0], 1.0);
            assert!(score.loss.is_nan() && row[0].is_nan() && !row[1].is_nan(), "{score:?} {row:?}");
        }
    }
}
