//! The learning rate over a run.
//!
//! It is a function of [`Progress`] alone: a run that is resumed goes on with the same rates.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::range::{factor, not_negative};
use crate::Error;

/// How the learning rate changes: a linear warm-up, and a decay.
///
/// ```
/// use elman::{Decay, Progress, Schedule, Span};
///
/// let schedule = Schedule::from(Decay::Cosine { minimum: 0.0 }).warmup(10);
/// let span = Some(Span { steps_per_epoch: 55, total_steps: 110 });
/// let rate = |step| schedule.rate(0.1, Progress { step, span, reductions: 0 });
/// assert_eq!((rate(5)?, rate(10)?), (0.05, 0.1));
/// assert!((rate(61)? - 0.05).abs() < 1e-12 && rate(110)? < 0.001);
/// # Ok::<(), elman::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Steps over which the rate rises from 0: step k has k / warmup of it. 0, the default: it is there at once.
    pub warmup: u64,
    /// What happens then.
    pub decay: Decay,
}

/// How the learning rate falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decay {
    /// It does not.
    #[default]
    Constant,
    /// By a factor when `after` epochs are done, and again after every so many more.
    ///
    /// char-rnn's `learning_rate_decay` and `learning_rate_decay_after` are `factor` and `after` with `every` 1; PyTorch's
    /// `StepLR` has `after` equal to `every`.
    Step {
        /// In (0, 1].
        factor: f64,
        /// Epochs from one to the next, at least 1.
        every: u64,
        /// Epochs before the first.
        after: u64,
    },
    /// By a factor an epoch, a little at each step after the warm-up.
    Exponential {
        /// In (0, 1].
        factor: f64,
    },
    /// Along half a cosine, from the end of the warm-up to the end of the run.
    ///
    /// Loshchilov & Hutter (2017), without restarts, <https://arxiv.org/abs/1608.03983>
    Cosine {
        /// The rate at the end.
        minimum: f64,
    },
    /// By a factor after `patience` epochs without a better validation loss; then they are counted anew.
    Plateau {
        /// In (0, 1].
        factor: f64,
        /// At least 1.
        patience: u64,
        /// The rate falls no further.
        minimum: f64,
        /// A loss is better where it lies below the best by more than this part of it.
        threshold: f64,
    },
}

impl Decay {
    /// PyTorch's and Keras's factor of a plateau.
    pub const PLATEAU_FACTOR: f64 = 0.1;
    /// PyTorch's and Keras's patience.
    pub const PLATEAU_PATIENCE: u64 = 10;
    /// PyTorch's and Keras's threshold, relative as PyTorch's.
    pub const PLATEAU_THRESHOLD: f64 = 1e-4;

    /// A plateau with the defaults above and a minimum of 0.
    pub fn plateau() -> Self {
        Decay::Plateau {
            factor: Self::PLATEAU_FACTOR,
            patience: Self::PLATEAU_PATIENCE,
            minimum: 0.0,
            threshold: Self::PLATEAU_THRESHOLD,
        }
    }

    /// Its name: constant, step, exponential, cosine or plateau.
    pub fn name(&self) -> &'static str {
        match self {
            Decay::Constant => "constant",
            Decay::Step { .. } => "step",
            Decay::Exponential { .. } => "exponential",
            Decay::Cosine { .. } => "cosine",
            Decay::Plateau { .. } => "plateau",
        }
    }
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Steps of the run.
    pub total_steps: u64,
}

/// Where a run stands: all that a rate depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The step about to be made, from 1.
    pub step: u64,
    /// How long the run is, where that is known.
    pub span: Option<Span>,
    /// Reductions on plateaus so far.
    pub reductions: u64,
}

impl From<Decay> for Schedule {
    fn from(decay: Decay) -> Self {
        Schedule { warmup: 0, decay }
    }
}

impl Schedule {
    /// With a warm-up over so many steps.
    pub fn warmup(self, steps: u64) -> Self {
        Schedule { warmup: steps, ..self }
    }

    /// Refuses values that make no schedule from `learning_rate`.
    ///
    /// # Errors
    /// If a factor is not in (0, 1], `every` or `patience` is 0, a minimum is below 0 or above the learning rate, or the
    /// threshold is not in [0, 1).
    pub fn check(&self, learning_rate: f64) -> Result<(), Error> {
        let at_least_1 = |what, value: u64| match value {
            0 => Err(Error::setting(what, value, "at least 1")),
            _ => Ok(()),
        };
        let least = |minimum: f64| {
            not_negative("min_learning_rate", minimum)?;
            if minimum > learning_rate {
                let expected = format!("0 to {learning_rate:?}, the learning rate");
                return Err(Error::setting("min_learning_rate", minimum, expected));
            }
            Ok(())
        };
        match self.decay {
            Decay::Constant => Ok(()),
            Decay::Step { factor: by, every, .. } => {
                factor("decay", by)?;
                at_least_1("decay_every", every)
            }
            Decay::Exponential { factor: by } => factor("decay", by),
            Decay::Cosine { minimum } => least(minimum),
            Decay::Plateau { factor: by, patience, minimum, threshold } => {
                factor("decay", by)?;
                at_least_1("patience", patience)?;
                least(minimum)?;
                if !(0.0..1.0).contains(&threshold) {
                    return Err(Error::setting("threshold", threshold, "at least 0 and below 1"));
                }
                Ok(())
            }
        }
    }

    /// The rate of a step.
    ///
    /// # Errors
    /// If the schedule depends on the length of epochs or of the run, and `progress` does not tell it.
    pub fn rate(&self, learning_rate: f64, progress: Progress) -> Result<f64, Error> {
        let Progress { step, span, reductions } = progress;
        let span = || {
            let expected = "constant or plateau where the length of the run is not known; it is in fit, or give a span";
            span.ok_or_else(|| Error::setting("schedule", self.decay.name(), expected))
        };
        // Steps made at the full rate, and epochs made.
        let done = step.saturating_sub(1).saturating_sub(self.warmup);
        let epochs = |steps: u64, span: Span| steps as f64 / span.steps_per_epoch.max(1) as f64;
        let rate = match self.decay {
            Decay::Constant => learning_rate,
            Decay::Step { factor, every, after } => {
                let epochs = step.saturating_sub(1) / span()?.steps_per_epoch.max(1);
                let times = epochs.checked_sub(after).map_or(0, |beyond| beyond / every.max(1) + 1);
                learning_rate * libm::pow(factor, times as f64)
            }
            Decay::Exponential { factor } => learning_rate * libm::pow(factor, epochs(done, span()?)),
            Decay::Cosine { minimum } => {
                let all = span()?.total_steps.saturating_sub(self.warmup).max(1);
                let part = (done as f64 / all as f64).min(1.0);
                minimum + (learning_rate - minimum) * 0.5 * (1.0 + libm::cos(PI * part))
            }
            Decay::Plateau { factor, minimum, .. } => {
                (learning_rate * libm::pow(factor, reductions as f64)).max(minimum)
            }
        };
        Ok(if step < self.warmup { rate * (step as f64 / self.warmup as f64) } else { rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { steps_per_epoch: 10, total_steps: 100 };

    fn rate(schedule: impl Into<Schedule>, step: u64) -> f64 {
        schedule.into().rate(0.5, Progress { step, span: Some(SPAN), reductions: 0 }).unwrap()
    }

    #[test]
    fn steps_fall_at_the_ends_of_epochs() {
        // char-rnn: from the end of the third epoch on, at the end of each.
        let decay = Decay::Step { factor: 0.5, every: 1, after: 3 };
        for (step, expected) in [(1, 0.5), (30, 0.5), (31, 0.25), (40, 0.25), (41, 0.125), (100, 0.5f64.powi(8))] {
            assert_eq!(rate(decay, step), expected, "step {step}");
        }
        // StepLR(2).
        let decay = Decay::Step { factor: 0.1, every: 2, after: 2 };
        for (step, expected) in [(20, 0.5), (21, 0.05), (40, 0.05), (41, 0.005)] {
            assert!((rate(decay, step) - expected).abs() < 1e-15, "step {step}");
        }
        // At once.
        assert_eq!(rate(Decay::Step { factor: 0.5, every: 100, after: 0 }, 1), 0.25);
    }

    #[test]
    fn exponential_and_cosine_fall_at_every_step() {
        let decay = Decay::Exponential { factor: 0.25 };
        for (step, expected) in [(1, 0.5), (6, 0.25), (11, 0.125), (21, 0.03125)] {
            assert!((rate(decay, step) - expected).abs() < 1e-15, "step {step}");
        }
        let decay = Decay::Cosine { minimum: 0.1 };
        for (step, expected) in [(1, 0.5), (51, 0.3), (101, 0.1), (1000, 0.1)] {
            assert!((rate(decay, step) - expected).abs() < 1e-15, "step {step}");
        }
        let third = 0.1 + 0.4 * 0.5 * (1.0 + (PI / 4.0).cos());
        assert!((rate(decay, 26) - third).abs() < 1e-15);
    }

    #[test]
    fn the_warm_up_rises_in_a_line_and_the_decay_begins_behind_it() {
        for decay in [Decay::Constant, Decay::Exponential { factor: 0.25 }, Decay::Cosine { minimum: 0.0 }] {
            let schedule = Schedule::from(decay).warmup(20);
            for (step, expected) in [(1, 0.025), (10, 0.25), (19, 0.475), (20, 0.5), (21, 0.5)] {
                assert!((rate(schedule, step) - expected).abs() < 1e-15, "{decay:?}, step {step}");
            }
        }
        assert!((rate(Schedule::from(Decay::Cosine { minimum: 0.0 }).warmup(20), 61) - 0.25).abs() < 1e-15);
        // Longer than the run: no division by 0.
        assert_eq!(rate(Schedule::from(Decay::Cosine { minimum: 0.0 }).warmup(200), 100), 0.25);
    }

    #[test]
    fn a_plateau_falls_by_its_reductions_to_the_minimum() {
        let decay = Decay::Plateau { factor: 0.1, patience: 1, minimum: 0.002, threshold: 0.0 };
        let rate = |reductions| Schedule::from(decay).rate(0.5, Progress { step: 7, span: None, reductions }).unwrap();
        assert_eq!(rate(0), 0.5);
        assert!((rate(1) - 0.05).abs() < 1e-15 && (rate(2) - 0.005).abs() < 1e-15);
        assert_eq!((rate(3), rate(u64::MAX)), (0.002, 0.002));
    }

    #[test]
    fn a_length_that_is_needed_and_not_known_is_refused() {
        let progress = Progress { step: 1, span: None, reductions: 0 };
        for (decay, name) in [
            (Decay::Step { factor: 0.5, every: 1, after: 1 }, "step"),
            (Decay::Exponential { factor: 0.5 }, "exponential"),
            (Decay::Cosine { minimum: 0.0 }, "cosine"),
        ] {
            let message = Schedule::from(decay).rate(0.5, progress).unwrap_err().to_string();
            assert!(message.starts_with(&format!("schedule is {name}; expected constant or plateau")), "{message}");
        }
        assert_eq!(Schedule::default().warmup(4).rate(0.5, progress).unwrap(), 0.125);
    }

    #[test]
    fn what_makes_no_schedule_is_refused_by_name() {
        let refused = |decay: Decay, words: &str| {
            let message = Schedule::from(decay).check(0.5).unwrap_err().to_string();
            assert!(message.starts_with(words), "{message}");
        };
        for factor in [0.0, -1.0, 1.5, f64::NAN, f64::INFINITY] {
            refused(Decay::Step { factor, every: 1, after: 1 }, "decay is ");
            refused(Decay::Exponential { factor }, "decay is ");
            refused(Decay::Plateau { factor, patience: 1, minimum: 0.0, threshold: 0.0 }, "decay is ");
        }
        refused(Decay::Step { factor: 0.5, every: 0, after: 1 }, "decay_every is 0; expected at least 1");
        for minimum in [-1.0, 0.6, f64::NAN] {
            refused(Decay::Cosine { minimum }, "min_learning_rate is ");
            refused(Decay::Plateau { factor: 0.1, patience: 1, minimum, threshold: 0.0 }, "min_learning_rate is ");
        }
        refused(Decay::Plateau { factor: 0.1, patience: 0, minimum: 0.0, threshold: 0.0 }, "patience is 0");
        refused(Decay::Plateau { factor: 0.1, patience: 1, minimum: 0.0, threshold: 1.0 }, "threshold is 1");
        assert!(Schedule::from(Decay::plateau()).check(0.5).is_ok());
    }
}
