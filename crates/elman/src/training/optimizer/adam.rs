//! Adam and AdamW.

use elman_kernels::{AdamStep, Rule};
use serde::{Deserialize, Serialize};

use super::range::{above_0, below_1};
use crate::Error;

/// The settings of Adam, with ε where TensorFlow and Keras put it: beside √v, not beside √v̂. The defaults are
/// TensorFlow 1's, the tutorial's.
///
/// m ← β₁ m + (1−β₁) g        v ← β₂ v + (1−β₂) g²        θ ← θ − α √(1−β₂ᵗ) / (1−β₁ᵗ) m / (√v + ε)
///
/// Kingma & Ba (2015), <https://arxiv.org/abs/1412.6980>
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    /// α
    pub learning_rate: f64,
    /// β₁, 0.9 by default.
    pub beta1: f64,
    /// β₂, 0.999 by default.
    pub beta2: f64,
    /// ε, 1e-8 by default.
    pub epsilon: f64,
}

impl Adam {
    /// Adam with a learning rate, the rest by default.
    pub fn new(learning_rate: f64) -> Self {
        Adam { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }

    /// Refuses values that cannot train.
    ///
    /// # Errors
    /// If the learning rate or ε is not above 0 and finite, in single precision too, or a β is not in [0, 1).
    pub fn check(&self) -> Result<(), Error> {
        above_0("learning_rate", self.learning_rate)?;
        above_0("epsilon", self.epsilon)?;
        below_1("beta1", self.beta1)?;
        below_1("beta2", self.beta2)
    }

    /// The constants of step `t`, from 1, at a rate: α_t = α √(1−β₂ᵗ) / (1−β₁ᵗ).
    pub(super) fn at(&self, t: u64, rate: f64) -> AdamStep {
        AdamStep {
            rate: (rate * correction(self.beta2, t).sqrt() / correction(self.beta1, t)) as f32,
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            epsilon: self.epsilon as f32,
            decay: 0.0,
        }
    }
}

/// 1−βᵗ: what moments that start at 0 lack.
fn correction(beta: f64, t: u64) -> f64 {
    1.0 - libm::pow(beta, t as f64)
}

/// The settings of AdamW, as in PyTorch: ε beside √v̂, and the decay of the weights apart from the gradient.
///
/// θ ← θ − α λ θ, then Adam's step with m̂ = m / (1−β₁ᵗ), v̂ = v / (1−β₂ᵗ): θ ← θ − α m̂ / (√v̂ + ε)
///
/// λ is [`Descent::weight_decay`](crate::Descent::weight_decay), 0.01 by default for this optimizer.
///
/// Loshchilov & Hutter (2019), <https://arxiv.org/abs/1711.05101>
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamW {
    /// α
    pub learning_rate: f64,
    /// β₁, 0.9 by default.
    pub beta1: f64,
    /// β₂, 0.999 by default.
    pub beta2: f64,
    /// ε, 1e-8 by default.
    pub epsilon: f64,
}

impl AdamW {
    /// λ by default, PyTorch's.
    pub const WEIGHT_DECAY: f64 = 0.01;

    /// AdamW with a learning rate, the rest by default.
    pub fn new(learning_rate: f64) -> Self {
        AdamW { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }

    /// Refuses values that cannot train.
    ///
    /// # Errors
    /// As [`Adam::check`].
    pub fn check(&self) -> Result<(), Error> {
        self.adam().check()
    }

    fn adam(&self) -> Adam {
        let AdamW { learning_rate, beta1, beta2, epsilon } = *self;
        Adam { learning_rate, beta1, beta2, epsilon }
    }

    /// The constants of step `t`, from 1, at a rate and a decay of the weights.
    pub(super) fn at(&self, t: u64, rate: f64, weight_decay: f64) -> Rule {
        // As the moments have them: 1 − 0.999 is 5e-5 larger in single precision, and the corrections must cancel it.
        let [beta1, beta2] = [self.beta1, self.beta2].map(|beta| f64::from(beta as f32));
        let step = Adam { beta1, beta2, ..self.adam() }.at(t, rate);
        // √v + ε √(1−β₂ᵗ) is √(1−β₂ᵗ) times √v̂ + ε.
        let epsilon = (self.epsilon * correction(beta2, t).sqrt()) as f32;
        Rule::Adam(AdamStep { epsilon, decay: (rate * weight_decay) as f32, ..step })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_moves_by_the_learning_rate() {
        // √(1−β₂) / (1−β₁) = 0.316…: with m = 0.1 g and √v = 0.0316 g the step is α.
        let step = Adam::new(0.001).at(1, 0.001);
        assert!((f64::from(step.rate) - 0.001 * 0.001f64.sqrt() / 0.1).abs() < 1e-10);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        for rate in [f64::NAN, 0.0, -1.0, f64::INFINITY, 1e39, 1e-60] {
            let message = Adam::new(rate).check().unwrap_err().to_string();
            assert!(message.contains("learning_rate is") && message.contains("above 0"), "{message}");
        }
        assert!(Adam { beta2: 0.999_999_999, ..Adam::new(0.1) }.check().is_err(), "1 in single precision");
        assert!(Adam { epsilon: 1e-60, ..Adam::new(0.1) }.check().is_err(), "0 in single precision");
        assert!(Adam { beta1: 1.0, ..Adam::new(0.1) }.check().unwrap_err().to_string().contains("beta1 is 1"));
        assert!(Adam { epsilon: 0.0, ..Adam::new(0.1) }.check().unwrap_err().to_string().contains("epsilon is 0"));
        assert!(AdamW { beta2: -0.1, ..AdamW::new(0.1) }.check().unwrap_err().to_string().contains("beta2 is -0.1"));
        assert!(Adam::new(0.1).check().is_ok() && AdamW::new(0.1).check().is_ok());
    }
}
