//! Numbers that vanish: what is too small to count becomes 0.
//!
//! A state decays where inputs are zero, a gradient over the steps, a moment where its gradient is zero. In time such
//! numbers leave the range that processors are fast on: below 2⁻¹²⁶ a float is subnormal, and a multiplication with one
//! takes up to a hundred times as long on some. The processor's own remedy, a mode that takes subnormals for zeros, is
//! none here: Rust gives no guarantee for code that runs in it, not every instruction set has one, and results would
//! depend on it. So the equations say it:
//!
//! - A state (h, c), the argument of a tanh or σ, and what a normalisation gives: 0 below 2⁻⁶⁰, [`LEAST_STATE`].
//! - An input, a sum of products, a gradient, a moment of an optimizer: 0 below 2⁻¹⁰⁰, [`LEAST_GRADIENT`].
//!
//! Then all that a product reads is 0 or normal, but for the weights, which are as they are. A gradient of 2⁻¹⁰⁰ times a
//! weight down to 2⁻²⁶ is normal too. What is left are values within a step: while both a state and its gradient vanish,
//! their product may be subnormal for the few steps until one of them is 0.
//!
//! Beside anything that counts this is nothing: a state of a cell is added to numbers of the order of 1, of which a float
//! holds 2⁻²⁴; the gradients of a step of training are sums over rows and steps. NaN and infinities stay what they are.

use crate::simd::Simd;

/// 2⁻⁶⁰, about 9e-19. A state or the argument of an activation below it in magnitude is 0. Its square is normal.
pub const LEAST_STATE: f32 = power_of_two(-60);

/// 2⁻¹⁰⁰, about 8e-31. An input, a sum of products, a gradient or a moment below it in magnitude is 0.
pub const LEAST_GRADIENT: f32 = power_of_two(-100);

/// 2⁻⁵⁶. A gradient below it counts as 0 where it is squared: β times the square of any other is normal, for β from 2⁻¹⁴.
const LEAST_SQUARED: f32 = power_of_two(-56);

const fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((127 + exponent) as u32) << 23)
}

/// `x`, or 0 where it is below `least` in magnitude. NaN stays NaN.
#[inline(always)]
pub fn fade(x: f32, least: f32) -> f32 {
    if x.abs() < least { 0.0 } else { x }
}

/// A state, or what becomes one.
#[inline(always)]
pub(crate) fn state<S: Simd>(s: S, v: S::F) -> S::F {
    s.fade(v, s.splat(LEAST_STATE))
}

/// A gradient, or any other sum of products.
#[inline(always)]
pub(crate) fn gradient<S: Simd>(s: S, v: S::F) -> S::F {
    s.fade(v, s.splat(LEAST_GRADIENT))
}

/// A gradient that will be squared.
#[inline(always)]
pub(crate) fn to_square<S: Simd>(s: S, g: S::F) -> S::F {
    s.fade(g, s.splat(LEAST_SQUARED))
}
