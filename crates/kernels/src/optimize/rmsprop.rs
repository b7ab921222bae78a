//! RMSProp.

use super::Formula;
use crate::simd::Simd;
use crate::vanishing;

/// The constants of one step of RMSProp, with ε inside the root, as in TensorFlow 1:
///
/// q ← ρ q + (1−ρ) g²        v ← μ v + α g / √(q + ε)        θ ← θ − v
///
/// Tieleman & Hinton (2012), <https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf>
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsPropStep {
    /// α
    pub rate: f32,
    /// ρ
    pub decay: f32,
    /// μ
    pub momentum: f32,
    /// ε, above 0.
    pub epsilon: f32,
}

impl RmsPropStep {
    /// What q may not sink below: so small beside ε that no bit of q + ε shows it. Where the gradient is always 0, q would
    /// otherwise become subnormal, on which processors are slow.
    fn floor(self) -> f32 {
        (self.epsilon * f32::EPSILON * 0.25).max(2.0 * f32::MIN_POSITIVE)
    }

    /// The new q, and α g / √(q + ε).
    #[inline(always)]
    fn move_by<S: Simd>(self, s: S, g: S::F, q: S::F) -> (S::F, S::F) {
        let root = vanishing::to_square(s, g);
        let new = s.mul(s.splat(1.0 - self.decay), s.mul(root, root));
        let q = s.at_least(s.mul_add(s.splat(self.decay), q, new), s.splat(self.floor()));
        (q, s.div(s.mul(s.splat(self.rate), g), s.sqrt(s.add(q, s.splat(self.epsilon)))))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Plain(pub(super) RmsPropStep);

impl Formula<1> for Plain {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, [q]: [S::F; 1]) -> (S::F, [S::F; 1]) {
        let (q, by) = self.0.move_by(s, g, q);
        (s.sub(theta, by), [q])
    }
}

#[derive(Clone, Copy)]
pub(super) struct WithMomentum(pub(super) RmsPropStep);

impl Formula<2> for WithMomentum {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, [q, v]: [S::F; 2]) -> (S::F, [S::F; 2]) {
        let (q, by) = self.0.move_by(s, g, q);
        let v = vanishing::gradient(s, s.mul_add(s.splat(self.0.momentum), v, by));
        (s.sub(theta, v), [q, v])
    }
}
