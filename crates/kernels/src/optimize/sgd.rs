//! Gradient descent, with momentum and without.

use super::Formula;
use crate::simd::Simd;
use crate::vanishing;

/// The constants of one step with momentum. PyTorch and TensorFlow agree in both kinds.
///
/// Momentum: v ← μ v + g        θ ← θ − α v
///
/// Nesterov: v ← μ v + g        θ ← θ − α (g + μ v)
///
/// Polyak (1964), <https://doi.org/10.1016/0041-5553(64)90137-5>; Nesterov's as in Sutskever et al. (2013),
/// <https://proceedings.mlr.press/v28/sutskever13.html>
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MomentumStep {
    /// α
    pub rate: f32,
    /// μ
    pub momentum: f32,
}

#[derive(Clone, Copy)]
pub(super) struct Sgd {
    pub(super) rate: f32,
}

impl Formula<0> for Sgd {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, moments: [S::F; 0]) -> (S::F, [S::F; 0]) {
        (s.mul_add(s.splat(-self.rate), g, theta), moments)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Momentum(pub(super) MomentumStep);

impl Formula<1> for Momentum {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, [v]: [S::F; 1]) -> (S::F, [S::F; 1]) {
        let v = vanishing::gradient(s, s.mul_add(s.splat(self.0.momentum), v, g));
        (s.mul_add(s.splat(-self.0.rate), v, theta), [v])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Nesterov(pub(super) MomentumStep);

impl Formula<1> for Nesterov {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, [v]: [S::F; 1]) -> (S::F, [S::F; 1]) {
        let momentum = s.splat(self.0.momentum);
        let v = vanishing::gradient(s, s.mul_add(momentum, v, g));
        let ahead = s.mul_add(momentum, v, g);
        (s.mul_add(s.splat(-self.0.rate), ahead, theta), [v])
    }
}
