//! Adam, with ε where TensorFlow puts it. Kingma & Ba (2015), <https://arxiv.org/abs/1412.6980>

use elman_kernels::{AdamStep, Aligned};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The settings of Adam. The defaults are TensorFlow 1's, the tutorial's.
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
    /// If the learning rate is not above 0 and finite, in single precision too, a β is not in [0, 1), or ε is not above 0.
    pub fn check(&self) -> Result<(), Error> {
        // They are used in single precision, and must be neither 0 nor infinite there.
        let single = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
        for (what, value) in [("learning_rate", self.learning_rate), ("epsilon", self.epsilon)] {
            if !single.contains(&value) {
                let expected = format!("a finite number above 0, from {:e} to {:e}", f32::MIN_POSITIVE, f32::MAX);
                return Err(Error::setting(what, value, expected));
            }
        }
        for (what, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&(beta as f32)) {
                return Err(Error::setting(what, beta, "at least 0 and below 1"));
            }
        }
        Ok(())
    }

    /// The constants of step `t`, from 1: α_t = α √(1−β₂ᵗ) / (1−β₁ᵗ).
    pub(crate) fn at(&self, t: u64) -> AdamStep {
        let decay = |beta: f64| 1.0 - libm::pow(beta, t as f64);
        AdamStep {
            rate: (self.learning_rate * decay(self.beta2).sqrt() / decay(self.beta1)) as f32,
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            epsilon: self.epsilon as f32,
        }
    }
}

/// The moments of every parameter, laid out as they are.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    pub(crate) m: Aligned,
    pub(crate) v: Aligned,
}

impl Moments {
    pub(crate) fn zeros(len: usize) -> Self {
        Moments { m: Aligned::zeros(len), v: Aligned::zeros(len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_moves_by_the_learning_rate() {
        // √(1−β₂) / (1−β₁) = 0.316…: with m = 0.1 g and √v = 0.0316 g the step is α.
        let step = Adam::new(0.001).at(1);
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
        assert!(Adam::new(0.1).check().is_ok());
    }
}
