//! One comparison of answers: N sequences, T steps, C outputs.

use std::fmt;

use anyhow::bail;
use elman::Reads;
use elman_exchange::TOLERANCE;
use ndarray::Array3;
use serde::Serialize;

/// One comparison.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What was compared with our engine.
    against: String,
    sequences: usize,
    steps: usize,
    /// Over all outputs of all steps; relative to numbers above 1. None: nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    largest_difference: Option<f32>,
    /// Why nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Check { against, sequences, steps, .. } = self;
        match (self.largest_difference, &self.left_out) {
            (Some(largest), _) => write!(
                f,
                "verified against {against}: largest difference {largest:.1e}, over {sequences} sequences of up to {steps} steps"
            ),
            (None, why) => {
                write!(f, "not verified against {against}: {}", why.as_deref().unwrap_or("nothing to compare"))
            }
        }
    }
}

/// A number that is farthest from the other side's.
struct Farthest {
    difference: f32,
    /// Row, step and output.
    at: (usize, usize, usize),
}

impl Check {
    /// Compares answers [N, T, C] to the same inputs; of a head on every step only the steps that a row has.
    ///
    /// # Errors
    /// If they differ by more than rounding, or there is nothing to compare.
    pub(super) fn of(
        against: &str,
        theirs: &Array3<f32>,
        ours: &Array3<f32>,
        reads: Reads,
        lengths: &[usize],
    ) -> anyhow::Result<Self> {
        if theirs.dim() != ours.dim() {
            bail!("{against} has shape {:?}; expected {:?}", theirs.shape(), ours.shape());
        }
        let mut farthest: Option<Farthest> = None;
        for (at, &ours) in ours.indexed_iter() {
            if reads == Reads::LastState || at.1 < lengths[at.0] {
                let difference = (theirs[at] - ours).abs() / ours.abs().max(1.0);
                // What is not a number is as far off as can be.
                let difference = if difference.is_nan() { f32::INFINITY } else { difference };
                if farthest.as_ref().is_none_or(|farthest| difference > farthest.difference) {
                    farthest = Some(Farthest { difference, at });
                }
            }
        }
        let Some(Farthest { difference, at: (row, step, output) }) = farthest else {
            bail!("{against}: there is nothing to compare; expected a sequence with a step at least");
        };
        if difference > TOLERANCE {
            let at = (row, step, output);
            bail!(
                "the model differs from {against} by {difference:.1e} (row {row}, step {step}, output {output}: {} here, {} \
                 there); expected at most {TOLERANCE:.0e}",
                ours[at],
                theirs[at]
            );
        }
        let (sequences, steps) = (lengths.len(), lengths.iter().copied().max().unwrap_or(0));
        Ok(Check { against: against.into(), sequences, steps, largest_difference: Some(difference), left_out: None })
    }

    pub(super) fn left_out(against: &str, why: impl Into<String>) -> Self {
        Check { against: against.into(), sequences: 0, steps: 0, largest_difference: None, left_out: Some(why.into()) }
    }
}

/// Quantiles as they are predicted: of each value, those of Q levels in order.
pub(super) fn sorted(mut answers: Array3<f32>, levels: usize) -> Array3<f32> {
    for mut row in answers.rows_mut() {
        let mut values = row.to_vec();
        values.chunks_mut(levels.max(1)).for_each(|value| value.sort_by(f32::total_cmp));
        row.iter_mut().zip(values).for_each(|(to, from)| *to = from);
    }
    answers
}

/// Probabilities of logits, along the last axis.
pub(super) fn softmax(mut logits: Array3<f32>) -> Array3<f32> {
    for mut step in logits.rows_mut() {
        let largest = step.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        step.mapv_inplace(|x| (x - largest).exp());
        let sum = step.sum();
        step.mapv_inplace(|x| x / sum);
    }
    logits
}
