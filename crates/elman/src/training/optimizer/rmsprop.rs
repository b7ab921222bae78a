//! RMSProp.

use elman_kernels::{RmsPropStep, Rule};
use serde::{Deserialize, Serialize};

use super::range::{above_0, below_1, not_negative};
use crate::Error;

/// The settings of RMSProp, as in TensorFlow 1: ε inside the root, and a mean square that starts at 1, so that the first
/// steps are small. (PyTorch adds ε = 1e-8 to the root, decays by 0.99 and starts at 0: its first step is ten times the
/// rate.)
///
/// q ← ρ q + (1−ρ) g²        v ← μ v + α g / √(q + ε)        θ ← θ − v
///
/// Tieleman & Hinton (2012), <https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf>
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RmsProp {
    /// α
    pub learning_rate: f64,
    /// ρ, 0.9 by default.
    pub decay: f64,
    /// μ; 0, the default, keeps no velocity.
    pub momentum: f64,
    /// ε, 1e-10 by default.
    pub epsilon: f64,
    /// q before the first step, 1 by default.
    pub initial_mean_square: f64,
}

impl RmsProp {
    /// RMSProp with a learning rate, the rest by default.
    pub fn new(learning_rate: f64) -> Self {
        RmsProp { learning_rate, decay: 0.9, momentum: 0.0, epsilon: 1e-10, initial_mean_square: 1.0 }
    }

    /// With another decay ρ of the mean square.
    pub fn decay(self, decay: f64) -> Self {
        RmsProp { decay, ..self }
    }

    /// With momentum μ.
    pub fn momentum(self, momentum: f64) -> Self {
        RmsProp { momentum, ..self }
    }

    /// Refuses values that cannot train.
    ///
    /// # Errors
    /// If the learning rate or ε is not above 0 and finite, in single precision too, ρ or μ is not in [0, 1), or the
    /// initial mean square is below 0.
    pub fn check(&self) -> Result<(), Error> {
        above_0("learning_rate", self.learning_rate)?;
        below_1("rms_decay", self.decay)?;
        below_1("momentum", self.momentum)?;
        above_0("epsilon", self.epsilon)?;
        not_negative("initial_mean_square", self.initial_mean_square)
    }

    pub(super) fn at(&self, rate: f64) -> Rule {
        Rule::RmsProp(RmsPropStep {
            rate: rate as f32,
            decay: self.decay as f32,
            momentum: self.momentum as f32,
            epsilon: self.epsilon as f32,
        })
    }
}
