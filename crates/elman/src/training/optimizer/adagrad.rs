//! Adagrad.

use elman_kernels::{AdagradStep, Rule};
use serde::{Deserialize, Serialize};

use super::range::above_0;
use crate::Error;

/// The settings of Adagrad, as in TensorFlow 1: no ε, and a sum of squares that starts at 0.1. (PyTorch starts at 0 and
/// adds ε = 1e-10 to the root.)
///
/// q ← q + g²        θ ← θ − α g / √q
///
/// Duchi, Hazan & Singer (2011), <https://jmlr.org/papers/v12/duchi11a.html>
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adagrad {
    /// α
    pub learning_rate: f64,
    /// q before the first step, 0.1 by default.
    pub initial_accumulator: f64,
}

impl Adagrad {
    /// Adagrad with a learning rate, the rest by default.
    pub fn new(learning_rate: f64) -> Self {
        Adagrad { learning_rate, initial_accumulator: 0.1 }
    }

    /// Refuses values that cannot train.
    ///
    /// # Errors
    /// If the learning rate or the initial sum is not above 0 and finite, in single precision too.
    pub fn check(&self) -> Result<(), Error> {
        above_0("learning_rate", self.learning_rate)?;
        above_0("initial_accumulator", self.initial_accumulator)
    }

    pub(super) fn at(&self, rate: f64) -> Rule {
        Rule::Adagrad(AdagradStep { rate: rate as f32 })
    }
}
