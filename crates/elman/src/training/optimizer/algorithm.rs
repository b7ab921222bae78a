//! The optimizers to choose from.

use elman_kernels::Rule;
use serde::{Deserialize, Serialize};

use super::{Adagrad, Adam, AdamW, RmsProp, Rprop, Sgd};
use crate::Error;

/// An optimizer with its settings. Each of them becomes one: `Adam::new(0.001).into()`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Gradient descent, with momentum and without.
    Sgd(Sgd),
    /// RMSProp.
    RmsProp(RmsProp),
    /// Adagrad.
    Adagrad(Adagrad),
    /// Adam.
    Adam(Adam),
    /// Adam with a decay of the weights of its own.
    AdamW(AdamW),
    /// Resilient propagation, for full batches.
    Rprop(Rprop),
}

impl Algorithm {
    /// Its name: sgd, rmsprop, adagrad, adam, adamw or rprop.
    pub fn name(&self) -> &'static str {
        match self {
            Algorithm::Sgd(_) => "sgd",
            Algorithm::RmsProp(_) => "rmsprop",
            Algorithm::Adagrad(_) => "adagrad",
            Algorithm::Adam(_) => "adam",
            Algorithm::AdamW(_) => "adamw",
            Algorithm::Rprop(_) => "rprop",
        }
    }

    /// Refuses values that cannot train.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Algorithm::Sgd(sgd) => sgd.check(),
            Algorithm::RmsProp(rmsprop) => rmsprop.check(),
            Algorithm::Adagrad(adagrad) => adagrad.check(),
            Algorithm::Adam(adam) => adam.check(),
            Algorithm::AdamW(adamw) => adamw.check(),
            Algorithm::Rprop(rprop) => rprop.check(),
        }
    }

    /// The rate that a schedule starts from; Rprop's first step size, which has no rate.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Algorithm::Sgd(Sgd { learning_rate, .. })
            | Algorithm::RmsProp(RmsProp { learning_rate, .. })
            | Algorithm::Adagrad(Adagrad { learning_rate, .. })
            | Algorithm::Adam(Adam { learning_rate, .. })
            | Algorithm::AdamW(AdamW { learning_rate, .. }) => *learning_rate,
            Algorithm::Rprop(rprop) => rprop.initial_step,
        }
    }

    /// Whether every step must see all data: Rprop compares the gradients of two steps.
    pub fn needs_full_batch(&self) -> bool {
        matches!(self, Algorithm::Rprop(_))
    }

    /// The arrays it keeps beside the parameters, each as large as they are.
    pub fn moments(&self) -> &'static [&'static str] {
        match self {
            Algorithm::Sgd(sgd) if sgd.momentum as f32 == 0.0 => &[],
            Algorithm::Sgd(_) => &["velocity"],
            Algorithm::RmsProp(rmsprop) if rmsprop.momentum as f32 == 0.0 => &["mean_square"],
            Algorithm::RmsProp(_) => &["mean_square", "velocity"],
            Algorithm::Adagrad(_) => &["accumulator"],
            Algorithm::Adam(_) | Algorithm::AdamW(_) => &["m", "v"],
            Algorithm::Rprop(_) => &["gradient", "step_size"],
        }
    }

    /// What such an array holds before the first step.
    pub(super) fn initial(&self, moment: &str) -> f32 {
        match (self, moment) {
            (Algorithm::RmsProp(rmsprop), "mean_square") => rmsprop.initial_mean_square as f32,
            (Algorithm::Adagrad(adagrad), "accumulator") => adagrad.initial_accumulator as f32,
            (Algorithm::Rprop(rprop), "step_size") => rprop.initial_step as f32,
            _ => 0.0,
        }
    }

    /// λ by default.
    pub fn default_weight_decay(&self) -> f64 {
        if let Algorithm::AdamW(_) = self { AdamW::WEIGHT_DECAY } else { 0.0 }
    }

    /// The rule of step `t`, from 1, at a rate; `weight_decay` is that of AdamW, `grown` says whether the loss is larger
    /// than a step before.
    pub(super) fn at(&self, t: u64, rate: f64, weight_decay: f64, grown: bool) -> Rule {
        match self {
            Algorithm::Sgd(sgd) => sgd.at(rate),
            Algorithm::RmsProp(rmsprop) => rmsprop.at(rate),
            Algorithm::Adagrad(adagrad) => adagrad.at(rate),
            Algorithm::Adam(adam) => Rule::Adam(adam.at(t, rate)),
            Algorithm::AdamW(adamw) => adamw.at(t, rate, weight_decay),
            Algorithm::Rprop(rprop) => rprop.at(grown),
        }
    }
}

macro_rules! from {
    ($($name:ident),+) => {
        $(impl From<$name> for Algorithm {
            fn from(settings: $name) -> Self {
                Algorithm::$name(settings)
            }
        })+
    };
}

from!(Sgd, RmsProp, Adagrad, Adam, AdamW, Rprop);
