//! The head of a model: a dense layer, and what its outputs mean.

use elman_kernels::{Dense, Score};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::layer::Stack;

/// Most outputs of a head.
const OUTPUTS_MAX: usize = 65_536;

/// Most quantile levels.
const LEVELS_MAX: usize = 99;

/// The last layer: a dense one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Head {
    /// What its outputs are.
    pub predicts: Predicts,
    /// What it reads.
    pub reads: Reads,
}

/// What the outputs of a head are.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicts {
    /// Logits of so many classes to choose from; the loss is softmax cross-entropy.
    Classes(usize),
    /// Quantiles of the values that follow the sequence; the loss is the pinball loss.
    Quantiles(Quantiles),
}

/// Quantiles of the values that follow a sequence: outputs `[F × Q]`, all levels of the first value, then of the second.
///
/// Koenker & Bassett (1978), <https://doi.org/10.2307/1913643>; for a whole horizon at once: Wen et al. (2017),
/// <https://arxiv.org/abs/1711.11053>.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// The Q levels, between 0 and 1, rising.
    pub levels: Vec<f32>,
    /// F, the values that are predicted.
    pub horizon: usize,
}

/// What a head reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// The final states of the last layer, both directions side by side: one answer for a sequence.
    #[default]
    LastState,
    /// The outputs of the last layer: an answer at every step.
    EveryStep,
}

impl Head {
    /// A head of classes on the final state.
    pub fn last_state(classes: usize) -> Self {
        Head { predicts: Predicts::Classes(classes), reads: Reads::LastState }
    }

    /// A head of classes on every step.
    pub fn every_step(classes: usize) -> Self {
        Head { predicts: Predicts::Classes(classes), reads: Reads::EveryStep }
    }

    /// A head on the final state that predicts quantiles of the `horizon` values to come.
    pub fn quantiles(levels: &[f32], horizon: usize) -> Self {
        let quantiles = Quantiles { levels: levels.to_vec(), horizon };
        Head { predicts: Predicts::Quantiles(quantiles), reads: Reads::LastState }
    }

    /// Its outputs: C, or F × Q.
    pub fn outputs(&self) -> usize {
        match &self.predicts {
            Predicts::Classes(classes) => *classes,
            Predicts::Quantiles(Quantiles { levels, horizon }) => levels.len().saturating_mul(*horizon),
        }
    }

    /// C, if it predicts classes.
    pub fn classes(&self) -> Option<usize> {
        match self.predicts {
            Predicts::Classes(classes) => Some(classes),
            Predicts::Quantiles(_) => None,
        }
    }

    /// What it predicts, in words: `10 classes`.
    pub fn describe(&self) -> String {
        match &self.predicts {
            Predicts::Classes(classes) => format!("{classes} classes"),
            Predicts::Quantiles(of) => format!("{} quantiles of {} values", of.levels.len(), of.horizon),
        }
    }

    /// Part of what was scored that was right; NaN for quantiles.
    pub(crate) fn accuracy(&self, score: Score) -> f64 {
        if self.classes().is_some() { score.accuracy() } else { f64::NAN }
    }

    /// Whether it scores anything in a row of so many steps: a head on every step has nothing where there is none.
    pub(crate) fn scores(&self, length: usize) -> bool {
        self.reads == Reads::LastState || length > 0
    }

    /// Refuses what has no meaning: a single class, levels that do not rise from 0 to 1, too many outputs.
    ///
    /// # Errors
    /// If a size or a level is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        match &self.predicts {
            Predicts::Classes(classes) => {
                if !(2..=OUTPUTS_MAX).contains(classes) {
                    return Err(Error::setting("the number of classes", classes, format!("2 to {OUTPUTS_MAX}")));
                }
            }
            Predicts::Quantiles(Quantiles { levels, horizon }) => {
                let rising = levels.windows(2).all(|pair| pair[0] < pair[1]);
                let inside = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
                if !(rising && inside && (1..=LEVELS_MAX).contains(&levels.len())) {
                    let expected = format!("1 to {LEVELS_MAX} levels between 0 and 1, rising");
                    return Err(Error::setting("quantiles", format!("{levels:?}"), expected));
                }
                let most = OUTPUTS_MAX / levels.len();
                if !(1..=most).contains(horizon) {
                    return Err(Error::setting("horizon", horizon, format!("1 to {most}")));
                }
                if self.reads == Reads::EveryStep {
                    let expected = "a head on the last state: quantiles are of what follows a sequence";
                    return Err(Error::setting("the head", "one on every step", expected));
                }
            }
        }
        Ok(())
    }

    /// Its dense layer on a stack.
    pub(crate) fn dense(&self, stack: &Stack) -> Dense {
        let input = match self.reads {
            Reads::LastState => stack.summary(),
            Reads::EveryStep => stack.output(),
        };
        Dense { input, output: self.outputs() }
    }
}

/// A head that reads the final state, by its classes.
impl From<usize> for Head {
    fn from(classes: usize) -> Self {
        Head::last_state(classes)
    }
}

/// A head as it stands in a file: one of the two.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    classes: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantiles: Option<Quantiles>,
    #[serde(default)]
    reads: Reads,
}

impl From<Head> for Plain {
    fn from(head: Head) -> Self {
        let (classes, quantiles) = match head.predicts {
            Predicts::Classes(classes) => (Some(classes), None),
            Predicts::Quantiles(quantiles) => (None, Some(quantiles)),
        };
        Plain { classes, quantiles, reads: head.reads }
    }
}

impl TryFrom<Plain> for Head {
    type Error = &'static str;

    fn try_from(plain: Plain) -> Result<Self, Self::Error> {
        let predicts = match (plain.classes, plain.quantiles) {
            (Some(classes), None) => Predicts::Classes(classes),
            (None, Some(quantiles)) => Predicts::Quantiles(quantiles),
            (None, None) => return Err("a head without `classes` or `quantiles`"),
            (Some(_), Some(_)) => return Err("a head with both `classes` and `quantiles`"),
        };
        Ok(Head { predicts, reads: plain.reads })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_file() {
        for (head, text) in [
            (Head::last_state(10), r#"{"classes":10,"reads":"last-state"}"#),
            (Head::every_step(65), r#"{"classes":65,"reads":"every-step"}"#),
            (
                Head::quantiles(&[0.1, 0.5], 12),
                r#"{"quantiles":{"levels":[0.1,0.5],"horizon":12},"reads":"last-state"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&head).unwrap(), text);
            assert_eq!(serde_json::from_str::<Head>(text).unwrap(), head);
        }
        for (text, wrong) in [
            ("{}", "without"),
            (r#"{"classes":2,"quantiles":{"levels":[0.5],"horizon":1}}"#, "both"),
            (r#"{"classes":2,"colour":1}"#, "colour"),
        ] {
            let message = serde_json::from_str::<Head>(text).unwrap_err().to_string();
            assert!(message.contains(wrong), "{message}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for (head, what) in [
            (Head::last_state(1), "classes is 1"),
            (Head::last_state(65_537), "classes is 65537"),
            (Head::quantiles(&[], 1), "quantiles is []"),
            (Head::quantiles(&[0.5, 0.5], 1), "rising"),
            (Head::quantiles(&[0.0, 0.5], 1), "between 0 and 1"),
            (Head::quantiles(&[f32::NAN], 1), "between 0 and 1"),
            (Head::quantiles(&[0.5], 0), "horizon is 0"),
            (Head::quantiles(&[0.1, 0.9], 32_769), "1 to 32768"),
            (Head { reads: Reads::EveryStep, ..Head::quantiles(&[0.5], 1) }, "last state"),
        ] {
            let message = head.check().unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
        assert_eq!(Head::quantiles(&[0.1, 0.5, 0.9], 12).outputs(), 36);
    }
}
