//! Adagrad.

use super::Formula;
use crate::simd::Simd;
use crate::vanishing;

/// The constants of one step of Adagrad, as in TensorFlow 1: without ε, for the sum of squares starts above 0.
///
/// q ← q + g²        θ ← θ − α g / √q
///
/// Duchi, Hazan & Singer (2011), <https://jmlr.org/papers/v12/duchi11a.html>
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradStep {
    /// α
    pub rate: f32,
}

impl Formula<1> for AdagradStep {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, [q]: [S::F; 1]) -> (S::F, [S::F; 1]) {
        let root = vanishing::to_square(s, g);
        let q = s.mul_add(root, root, q);
        (s.sub(theta, s.div(s.mul(s.splat(self.rate), g), s.sqrt(q))), [q])
    }
}
