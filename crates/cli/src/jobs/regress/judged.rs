//! How good numbers are: errors in their unit, beside those of simple answers.

use anyhow::bail;
use elman::Regressed;
use serde_json::{Value, json};

use crate::output::Output;
use crate::shown::amounts::thousands;
use crate::shown::columns::aligned;
use crate::shown::digits::{Digits, significant};

/// Errors of answers, in the unit of the numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Errors {
    /// The root of the mean squared error.
    pub(super) rmse: f64,
    /// The mean absolute error.
    pub(super) mae: f64,
    /// Part of the variance of the test that the answers explain; None where all its numbers are the same.
    pub(super) r2: Option<f64>,
}

impl Errors {
    /// Of answers to these numbers.
    pub(super) fn of(numbers: &[f64], answers: impl Iterator<Item = f64> + Clone) -> Self {
        let count = numbers.len() as f64;
        let off = || numbers.iter().zip(answers.clone()).map(|(y, answer)| answer - y);
        let (squares, mean) = (off().map(|off| off * off).sum::<f64>(), numbers.iter().sum::<f64>() / count);
        let spread: f64 = numbers.iter().map(|y| (y - mean).powi(2)).sum();
        Errors {
            rmse: (squares / count).sqrt(),
            mae: off().map(f64::abs).sum::<f64>() / count,
            r2: (spread > 0.0).then(|| 1.0 - squares / spread),
        }
    }

    fn object(&self) -> Value {
        json!({"rmse": self.rmse, "mae": self.mae, "r2": self.r2})
    }
}

/// What came out of a test.
pub(super) struct Judged {
    rows: usize,
    model: Errors,
    /// Of the mean in training, and of the nearest sequence there: only where the training part is at hand.
    mean: Option<Errors>,
    nearest: Option<Errors>,
    /// Levels, and the part of the numbers that is below each quantile.
    below: Vec<(f32, f64)>,
}

impl Judged {
    pub(super) fn new(
        numbers: &[f64],
        answers: &[Regressed],
        levels: &[f32],
        mean: Option<f64>,
        nearest: Option<&[f64]>,
    ) -> Self {
        let below = |(level, &named): (usize, &f32)| {
            let below = numbers.iter().zip(answers).filter(|(y, answer)| **y <= answer.quantiles[level]).count();
            (named, below as f64 / numbers.len() as f64)
        };
        Judged {
            rows: numbers.len(),
            model: Errors::of(numbers, answers.iter().map(|answer| answer.value)),
            mean: mean.map(|mean| Errors::of(numbers, numbers.iter().map(|_| mean))),
            nearest: nearest.map(|answers| Errors::of(numbers, answers.iter().copied())),
            below: levels.iter().enumerate().map(below).collect(),
        }
    }

    /// As `--json` prints them and a run's folder keeps them.
    pub(super) fn object(&self) -> Value {
        let below = |&(level, below): &(f32, f64)| {
            let level = level.to_string().parse().unwrap_or(f64::from(level));
            json!({"level": level, "below": below})
        };
        json!({
            "event": "regression", "rows": self.rows, "model": self.model.object(),
            "mean": self.mean.as_ref().map(Errors::object), "nearest": self.nearest.as_ref().map(Errors::object),
            "quantiles": self.below.iter().map(below).collect::<Vec<_>>(),
        })
    }

    /// Prints the table and a sentence, or the object.
    ///
    /// # Errors
    /// If standard output cannot be written, or an error is not finite.
    pub(super) fn report(&self, output: &mut Output) -> anyhow::Result<()> {
        let all = [("model", Some(self.model)), ("mean", self.mean), ("nearest", self.nearest)];
        let known: Vec<(&str, Errors)> = all.into_iter().filter_map(|(name, of)| Some((name, of?))).collect();
        let digits = Digits::of(known.iter().flat_map(|(_, of)| [of.rmse, of.mae]));
        let heads = ["test"].into_iter().chain(known.iter().map(|(name, _)| *name)).map(str::to_owned);
        let row = |name: &str, cell: &dyn Fn(&Errors) -> String| {
            [name.to_owned()].into_iter().chain(known.iter().map(|(_, of)| cell(of))).collect::<Vec<_>>()
        };
        let rows = [
            heads.collect(),
            row("root mean squared error (RMSE)", &|of| digits.write(of.rmse)),
            row("mean absolute error (MAE)", &|of| digits.write(of.mae)),
            row("explained variance (R²)", &|of| of.r2.map_or("-".into(), |r2| format!("{r2:.3}"))),
        ];
        let mut lines = aligned(&rows, 1);
        lines.extend(self.below.iter().map(|(level, below)| {
            format!("at or below the quantile {level}: {:.1}% of {}", 100.0 * below, thousands(self.rows as u64))
        }));
        for (name, of) in [("the mean", self.mean), ("the nearest sequence", self.nearest)] {
            let Some(of) = of else { continue };
            let verb = if self.model.rmse < of.rmse { "beats" } else { "does NOT beat" };
            let part = if of.rmse > 0.0 {
                format!("its RMSE is {}% of that one's", significant(100.0 * self.model.rmse / of.rmse))
            } else {
                "that one makes no error".to_owned()
            };
            lines.push(format!("the model {verb} {name}: {part}"));
        }
        output.result(lines.join("\n"), &self.object())?;
        if !self.model.rmse.is_finite() {
            bail!(
                "the test error is {}: the model is damaged, or a value is far from all in training",
                self.model.rmse
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_by_hand() {
        let of = Errors::of(&[1.0, 2.0, 6.0], [2.0, 2.0, 4.0].into_iter());
        assert!((of.rmse - (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!((of.mae, of.r2), (1.0, Some(1.0 - 5.0 / 14.0)));
        assert_eq!(Errors::of(&[3.0, 3.0], [3.0, 4.0].into_iter()).r2, None);
    }
}
