//! Means of answers, and how good they are: what an ensemble says.
//!
//! N rows, O answers of a row: probabilities of classes, values, or quantiles.

use elman_kernels::{Score, absolute_error, huber_error, pinball, squared_error};
use ndarray::{Array2, ArrayViewMut1};

use crate::Target;
use crate::model::head::{Head, Link, Predicts, Quantiles, ValueLoss, Values};

/// The least probability whose logarithm is taken: a class that no member thinks possible costs 87 nats, and not infinitely
/// many.
const LEAST_PROBABILITY: f32 = f32::MIN_POSITIVE;

/// The mean of answers `[N, O]`, added up in their order; of a single one itself, bit for bit.
pub(super) fn mean<E>(answers: impl IntoIterator<Item = Result<Array2<f32>, E>>) -> Result<Array2<f32>, E> {
    let mut answers = answers.into_iter();
    let Some(mut sum) = answers.next().transpose()? else { return Ok(Array2::zeros((0, 0))) };
    let mut count = 1.0;
    for answer in answers {
        sum += &answer?;
        count += 1.0;
    }
    if count > 1.0 {
        sum /= count;
    }
    Ok(sum)
}

/// Puts the quantiles of each value in order: `answers [F × Q]` of a row.
pub(super) fn sort_levels(head: &Head, mut answers: ArrayViewMut1<'_, f32>) {
    if let (Predicts::Quantiles(Quantiles { levels, .. }), Some(row)) = (&head.predicts, answers.as_slice_mut()) {
        row.chunks_exact_mut(levels.len()).for_each(|levels| levels.sort_by(f32::total_cmp));
    }
}

/// The score of answers `[O]` to a row, or with `step` to a step of it. The answers are used up.
pub(super) fn score(head: &Head, answers: &mut [f32], target: &Target<'_>, row: usize, step: Option<usize>) -> Score {
    let mut values = vec![f32::NAN; head.horizon().unwrap_or(0)];
    target.values(row, step, &mut values);
    match &head.predicts {
        Predicts::Classes(_) => {
            let Some(class) = target.class(row, step) else { return Score::default() };
            let loss = -f64::from(at_least(answers[class])).ln();
            Score { loss, weight: 1.0, correct: usize::from(elman_kernels::in_top_1(answers, class)), rows: 1 }
        }
        Predicts::Quantiles(Quantiles { levels, .. }) => {
            let outputs = answers.len();
            pinball(answers, outputs, levels, &values, 0.0)
        }
        Predicts::Values(Values { link: Link::Identity, loss, .. }) => {
            let outputs = answers.len();
            let error = match loss {
                ValueLoss::Squared => squared_error,
                ValueLoss::Absolute => absolute_error,
                ValueLoss::Huber => huber_error,
            };
            error(answers, outputs, &values, 0.0)
        }
        Predicts::Values(Values { link: Link::Sigmoid, .. }) => {
            let mut score = Score::default();
            for (&p, &y) in answers.iter().zip(&values).filter(|(_, y)| !y.is_nan()) {
                let [yes, no] = [p, 1.0 - p].map(|p| f64::from(at_least(p)).ln());
                score.loss -= f64::from(y) * yes + f64::from(1.0 - y) * no;
                score.correct += usize::from(p.is_finite() && (p > 0.5) == (y > 0.5));
                score.rows += 1;
                score.weight += 1.0;
            }
            score
        }
    }
}

/// NaN stays.
fn at_least(p: f32) -> f32 {
    if p < LEAST_PROBABILITY { LEAST_PROBABILITY } else { p }
}
