//! Resilient propagation.

use elman_kernels::{RpropStep, Rule};
use serde::{Deserialize, Serialize};

use super::range::above_0;
use crate::Error;

/// The settings of Rprop: each parameter has a step size of its own, and of the gradient only the signs count. They are
/// comparable from step to step only where every step sees all data, so it is for full batches.
///
/// Where the signs of two steps agree, Δ ← min(η⁺ Δ, Δ_max). Where they differ, Δ ← max(η⁻ Δ, Δ_min), no step is made, and
/// the next one counts as the first. The defaults are PyTorch's, whose `Rprop` is iRprop⁻.
///
/// Riedmiller & Braun (1993), <https://doi.org/10.1109/ICNN.1993.298623>; Igel & Hüsken (2003),
/// <https://doi.org/10.1016/S0925-2312(01)00700-7>
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rprop {
    /// [`RpropVariant::Minus`] by default.
    pub variant: RpropVariant,
    /// Δ₀, the first step of every parameter; 0.01 by default.
    pub initial_step: f64,
    /// η⁺, 1.2 by default.
    pub increase: f64,
    /// η⁻, 0.5 by default.
    pub decrease: f64,
    /// Δ_min, 1e-6 by default.
    pub min_step: f64,
    /// Δ_max, 50 by default.
    pub max_step: f64,
}

/// What happens where a gradient has changed its sign: the minimum was passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RpropVariant {
    /// iRprop⁻: the parameter stays where it is.
    #[default]
    Minus,
    /// iRprop⁺: where the loss has grown as well, the step before is taken back.
    Plus,
}

impl Default for Rprop {
    fn default() -> Self {
        Rprop {
            variant: RpropVariant::Minus,
            initial_step: 0.01,
            increase: 1.2,
            decrease: 0.5,
            min_step: 1e-6,
            max_step: 50.0,
        }
    }
}

impl Rprop {
    /// A variant, the rest by default.
    pub fn new(variant: RpropVariant) -> Self {
        Rprop { variant, ..Rprop::default() }
    }

    /// With another first step.
    pub fn initial_step(self, initial_step: f64) -> Self {
        Rprop { initial_step, ..self }
    }

    /// Refuses values that cannot train.
    ///
    /// # Errors
    /// If η⁺ is not above 1, η⁻ not in (0, 1), a step not above 0 and finite, in single precision too, or the first step
    /// not within the smallest and the largest.
    pub fn check(&self) -> Result<(), Error> {
        above_0("min_step", self.min_step)?;
        above_0("max_step", self.max_step)?;
        if !(self.min_step..=self.max_step).contains(&self.initial_step) {
            let expected = format!("{:?} to {:?}, the smallest and the largest step", self.min_step, self.max_step);
            return Err(Error::setting("initial_step", self.initial_step, expected));
        }
        if !(self.increase as f32 > 1.0 && (self.increase as f32).is_finite()) {
            return Err(Error::setting("increase", self.increase, "a finite number above 1"));
        }
        if !(self.decrease as f32 > 0.0 && (self.decrease as f32) < 1.0) {
            return Err(Error::setting("decrease", self.decrease, "above 0 and below 1"));
        }
        Ok(())
    }

    /// The constants of a step; `grown` where the loss is larger than a step before.
    pub(super) fn at(&self, grown: bool) -> Rule {
        Rule::Rprop(RpropStep {
            increase: self.increase as f32,
            decrease: self.decrease as f32,
            min: self.min_step as f32,
            max: self.max_step as f32,
            take_back: grown && self.variant == RpropVariant::Plus,
        })
    }
}
