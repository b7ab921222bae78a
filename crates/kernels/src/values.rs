//! Losses of values, one an output: squared, absolute and Huber's error, and binary cross-entropy of a sigmoid.

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

/// The same of absolute errors:
///
/// loss = |z − y|        dz = scale sign(z − y), 0 where they are equal
///
/// # Panics
/// If the lengths do not fit.
pub fn absolute_error(outputs: &mut [f32], stride: usize, values: &[f32], scale: f32) -> Score {
    each(outputs, stride, values, |score, z, y| {
        let off = z - y;
        score.loss += f64::from(off.abs());
        // NaN and infinities stay what they are: they must show.
        if off == 0.0 { 0.0 } else { scale * (off.signum() + off * 0.0) }
    })
}

/// The same of Huber's errors, squared up to a distance of 1 and beyond it growing as a line:
///
/// loss = (z − y)² / 2 where |z − y| ≤ 1, else |z − y| − 1/2        dz = scale clamp(z − y, −1, 1)
///
/// Huber (1964), <https://doi.org/10.1214/aoms/1177703732>.
///
/// # Panics
/// If the lengths do not fit.
pub fn huber_error(outputs: &mut [f32], stride: usize, values: &[f32], scale: f32) -> Score {
    each(outputs, stride, values, |score, z, y| {
        let off = z - y;
        let wide = f64::from(off);
        score.loss += if wide.abs() > 1.0 { wide.abs() - 0.5 } else { 0.5 * wide * wide };
        scale * (off.clamp(-1.0, 1.0) + off * 0.0)
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
    fn absolute_and_huber_errors_by_hand() {
        let mut rows = [1.0, 2.0, 9.0, 3.0, 0.5, 9.0];
        let score = absolute_error(&mut rows, 3, &[0.0, 4.0, f32::NAN, 0.5], 0.5);
        assert_eq!((score.loss, score.weight, score.rows, score.correct), (3.0, 3.0, 3, 0));
        assert_eq!(rows, [0.5, -0.5, 9.0, 0.0, 0.0, 9.0]);
        let mut rows = [1.5, 2.0, 9.0, 3.0, 0.25, 9.0];
        let score = huber_error(&mut rows, 3, &[0.0, 4.0, f32::NAN, 0.5], 0.5);
        assert_eq!((score.loss, score.weight, score.rows), (1.0 + 1.5 + 0.03125, 3.0, 3));
        assert_eq!(rows, [0.5, -0.5, 9.0, 0.0, -0.125, 9.0]);
    }

    /// Each gradient is the central difference of its loss, written plainly in `f64`.
    #[test]
    fn gradients_are_differences_of_the_losses() {
        type Loss = fn(&mut [f32], usize, &[f32], f32) -> Score;
        type Plain = fn(f64) -> f64;
        let plain: [(Loss, Plain); 3] = [
            (squared_error, |off| off * off),
            (absolute_error, f64::abs),
            (huber_error, |off| if off.abs() <= 1.0 { off * off / 2.0 } else { off.abs() - 0.5 }),
        ];
        for (loss, plain) in plain {
            for off in [-3.0, -1.25, -0.5, 0.125, 0.75, 1.5, 8.0] {
                let (mut row, step) = ([2.0 + off as f32], 1e-5);
                let score = loss(&mut row, 1, &[2.0], 1.0);
                let difference = (plain(off + step) - plain(off - step)) / (2.0 * step);
                assert!((score.loss - plain(off)).abs() < 1e-6, "{off}: {score:?}");
                assert!((f64::from(row[0]) - difference).abs() < 1e-4, "{off}: {} {difference}", row[0]);
            }
        }
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
        for loss in [squared_error, absolute_error, huber_error, sigmoid_cross_entropy] {
            let mut row = [f32::NAN, 0.0];
            let score = loss(&mut row, 2, &[1.0, 0.0], 1.0);
            assert!(score.loss.is_nan() && row[0].is_nan() && !row[1].is_nan(), "{score:?} {row:?}");
        }
    }
}
