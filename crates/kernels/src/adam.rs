//! Adam, in one pass over flat arrays.
//!
//! Kingma & Ba (2015), <https://arxiv.org/abs/1412.6980>, with ε where TensorFlow and Keras put it:
//!
//! m ← β₁ m + (1−β₁) g        v ← β₂ v + (1−β₂) g²        θ ← θ − α_t m / (√v + ε)
//!
//! α_t = α √(1−β₂ᵗ) / (1−β₁ᵗ)

use crate::simd::{Isa, Kernel, LANES, Simd};

/// The constants of one step.
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
}

/// One step over arrays of the same length: parameters, their gradient, and the two moments.
///
/// # Panics
/// If the lengths differ or are not a multiple of 16.
pub fn adam(isa: Isa, step: AdamStep, parameters: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32]) {
    let n = parameters.len();
    assert!(n.is_multiple_of(LANES), "{n} parameters are not whole vectors of 16");
    assert!([gradient.len(), m.len(), v.len()] == [n; 3], "gradient and moments must have {n} floats");
    isa.run(Adam { step, parameters, gradient, m, v });
}

struct Adam<'a> {
    step: AdamStep,
    parameters: &'a mut [f32],
    gradient: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl Kernel for Adam<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let AdamStep { rate, beta1, beta2, epsilon } = self.step;
        let rate = s.splat(-rate);
        let (b1, c1) = (s.splat(beta1), s.splat(1.0 - beta1));
        let (b2, c2) = (s.splat(beta2), s.splat(1.0 - beta2));
        let epsilon = s.splat(epsilon);
        let moments = self.m.chunks_exact_mut(LANES).zip(self.v.chunks_exact_mut(LANES));
        let all = self.parameters.chunks_exact_mut(LANES).zip(self.gradient.chunks_exact(LANES)).zip(moments);
        for ((parameters, gradient), (m, v)) in all {
            let g = s.load(gradient);
            let new_m = s.mul_add(b1, s.load(m), s.mul(c1, g));
            let new_v = s.mul_add(b2, s.load(v), s.mul(c2, s.mul(g, g)));
            let towards = s.div(new_m, s.add(s.sqrt(new_v), epsilon));
            s.store(new_m, m);
            s.store(new_v, v);
            s.store(s.mul_add(rate, towards, s.load(parameters)), parameters);
        }
    }
}
