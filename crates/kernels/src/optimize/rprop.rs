//! Resilient propagation: the signs of the gradient alone, a step size for each parameter.

use super::Formula;
use crate::simd::Simd;

/// The constants of one step of iRprop⁻ or iRprop⁺. ĝ is the gradient that was kept from the step before, Δ a parameter's
/// step size; E the loss.
///
/// g ĝ > 0: Δ ← min(η⁺ Δ, Δ_max)        θ ← θ − sign(g) Δ        ĝ ← g
///
/// g ĝ < 0: Δ ← max(η⁻ Δ, Δ_min)        ĝ ← 0, and iRprop⁺ takes the step before back where E has grown
///
/// g ĝ = 0: θ ← θ − sign(g) Δ        ĝ ← g
///
/// The step before was sign(ĝ) times the old Δ: it need not be kept.
///
/// Riedmiller & Braun (1993), <https://doi.org/10.1109/ICNN.1993.298623>; Igel & Hüsken (2003),
/// <https://doi.org/10.1016/S0925-2312(01)00700-7>
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RpropStep {
    /// η⁺
    pub increase: f32,
    /// η⁻
    pub decrease: f32,
    /// Δ_min
    pub min: f32,
    /// Δ_max
    pub max: f32,
    /// Whether steps whose gradient has changed its sign are taken back: iRprop⁺ where the loss has grown.
    pub take_back: bool,
}

/// −1, 0 or 1; NaN where `g` is NaN.
#[inline(always)]
fn sign<S: Simd>(s: S, g: S::F) -> S::F {
    let (zero, one) = (s.splat(0.0), s.splat(1.0));
    let sign = s.sub(s.where_positive(g, one), s.where_positive(s.sub(zero, g), one));
    s.mul_add(g, zero, sign)
}

impl Formula<2> for RpropStep {
    #[inline(always)]
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, [before, size]: [S::F; 2]) -> (S::F, [S::F; 2]) {
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        let (now, then) = (sign(s, g), sign(s, before));
        // Of signs, not of gradients: the product of small ones would be 0.
        let agree = s.mul(now, then);
        let differ = s.sub(zero, agree);
        let neither = s.sub(one, s.mul(agree, agree));
        // One of the three is not 0, so the sum is exact.
        let factor = s.add(
            s.add(s.where_positive(agree, s.splat(self.increase)), s.where_positive(differ, s.splat(self.decrease))),
            s.where_positive(neither, one),
        );
        let new_size = s.at_least(s.at_most(s.mul(factor, size), s.splat(self.max)), s.splat(self.min));
        let goes_on = s.sub(one, s.where_positive(differ, one));
        let by = s.mul(s.mul(now, goes_on), new_size);
        let back = s.splat(if self.take_back { 1.0 } else { 0.0 });
        let back = s.mul(back, s.where_positive(differ, s.mul(then, size)));
        (s.add(s.sub(theta, by), back), [s.mul(g, goes_on), new_size])
    }
}
