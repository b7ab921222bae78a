//! Gradient descent, with momentum and without.

use elman_kernels::{MomentumStep, Rule};
use serde::{Deserialize, Serialize};

use super::range::{above_0, below_1};
use crate::Error;

/// The settings of gradient descent. PyTorch and TensorFlow 1 agree in all of it: the rate stands outside the velocity,
/// so that a change of it acts at once.
///
/// θ ← θ − α g. With momentum: v ← μ v + g, θ ← θ − α v. Nesterov's: θ ← θ − α (g + μ v)
///
/// ```
/// use elman::Sgd;
///
/// let plain = Sgd::new(0.1);
/// let nesterov = Sgd::new(0.1).momentum(0.9).nesterov(true);
/// assert!(plain.check().is_ok() && nesterov.check().is_ok());
/// ```
///
/// Polyak (1964), <https://doi.org/10.1016/0041-5553(64)90137-5>; Sutskever et al. (2013),
/// <https://proceedings.mlr.press/v28/sutskever13.html>
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    /// α
    pub learning_rate: f64,
    /// μ; 0, the default, keeps no velocity.
    pub momentum: f64,
    /// Whether the step looks ahead along the velocity; not by default.
    pub nesterov: bool,
}

impl Sgd {
    /// Without momentum.
    pub fn new(learning_rate: f64) -> Self {
        Sgd { learning_rate, momentum: 0.0, nesterov: false }
    }

    /// With momentum μ.
    pub fn momentum(self, momentum: f64) -> Self {
        Sgd { momentum, ..self }
    }

    /// With Nesterov's momentum or the plain one.
    pub fn nesterov(self, nesterov: bool) -> Self {
        Sgd { nesterov, ..self }
    }

    /// Refuses values that cannot train.
    ///
    /// # Errors
    /// If the learning rate is not above 0 and finite, in single precision too, the momentum is not in [0, 1), or
    /// Nesterov's is asked for and there is none.
    pub fn check(&self) -> Result<(), Error> {
        above_0("learning_rate", self.learning_rate)?;
        below_1("momentum", self.momentum)?;
        if self.nesterov && self.momentum as f32 == 0.0 {
            return Err(Error::setting("momentum", self.momentum, "above 0 for Nesterov's"));
        }
        Ok(())
    }

    pub(super) fn at(&self, rate: f64) -> Rule {
        let step = MomentumStep { rate: rate as f32, momentum: self.momentum as f32 };
        match (step.momentum == 0.0, self.nesterov) {
            (true, _) => Rule::Sgd { rate: step.rate },
            (false, false) => Rule::Momentum(step),
            (false, true) => Rule::Nesterov(step),
        }
    }
}
