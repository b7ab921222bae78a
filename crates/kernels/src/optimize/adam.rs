//! Adam and AdamW.

use super::Formula;
use crate::simd::Simd;
use crate::vanishing;

/// The constants of one step of Adam, with ε where TensorFlow and Keras put it; with δ > 0, of AdamW:
///
/// m ← β₁ m + (1−β₁) g        v ← β₂ v + (1−β₂) g²        θ ← θ − δ θ − α_t m / (√v + ε)
///
/// α_t = α √(1−β₂ᵗ) / (1−β₁ᵗ). The paper and PyTorch add ε to √(v / (1−β₂ᵗ)): that is this with ε √(1−β₂ᵗ) for ε.
///
/// Kingma & Ba (2015), <https://arxiv.org/abs/1412.6980>; Loshchilov & Hutter (2019),
/// <https://arxiv.org/abs/1711.05101>
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// α_t
    pub rate: f32,
    /// β₁
    pub beta1: f32,
    /// β₂
    pub beta2: f32,
    /// ε
    pub epsilon: f32,
    /// δ: the part of a weight that decays beside the gradient's step.
    pub decay: f32,
}

/// 2⁻¹²⁰: v does not sink below it. Its root, 2⁻⁶⁰, is too small beside an ε from 1e-11 on for a bit of √v + ε to show it;
/// beside a smaller one it keeps a step from growing where v would have become 0 before m.
const LEAST_V: f32 = vanishing::LEAST_STATE * vanishing::LEAST_STATE;

impl AdamStep {
    /// The new moments, and `theta` moved by them.
    #[inline(always)]
    fn moved<S: Simd>(self, s: S, theta: S::F, g: S::F, [m, v]: [S::F; 2]) -> (S::F, [S::F; 2]) {
        let m = s.mul_add(s.splat(self.beta1), m, s.mul(s.splat(1.0 - self.beta1), g));
        let m = vanishing::gradient(s, m);
        let root = vanishing::to_square(s, g);
        let v = s.mul_add(s.splat(self.beta2), v, s.mul(s.splat(1.0 - self.beta2), s.mul(root, root)));
        let v = s.at_least(v, s.splat(LEAST_V));
        let towards = s.div(m, s.add(s.sqrt(v), s.splat(self.epsilon)));
        (s.mul_add(s.splat(-self.rate), towards, theta), [m, v])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Plain(pub(super) AdamStep);

impl Formula<2> for Plain {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, moments: [S::F; 2]) -> (S::F, [S::F; 2]) {
        self.0.moved(s, theta, g, moments)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Decayed(pub(super) AdamStep);

impl Formula<2> for Decayed {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, moments: [S::F; 2]) -> (S::F, [S::F; 2]) {
        // Not θ (1 − δ): rounding 1 − δ would cost δ most of its digits.
        let decayed = vanishing::gradient(s, s.mul_add(s.splat(-self.0.decay), theta, theta));
        self.0.moved(s, decayed, g, moments)
    }
}
