//! Normalisation of a row over its units. Ba et al. (2016), <https://arxiv.org/abs/1607.06450>
//!
//! H units; Hp rounded up to whole vectors of 16.
//!
//! x̂ = (x − μ) / √(σ² + ε)        y = γ ⊙ x̂ + β        μ, σ² over the H units of the row

use crate::simd::{LANES, Simd};

/// ε, PyTorch's.
pub(crate) const EPSILON: f32 = 1e-5;

/// A vector of H floats that lies in panels: sixteen of them, then `stride` floats on the next.
#[derive(Clone, Copy)]
pub(crate) struct InPanels<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) stride: usize,
}

impl InPanels<'_> {
    #[inline(always)]
    pub(crate) fn panel<S: Simd>(&self, s: S, panel: usize) -> S::F {
        s.load(&self.data[panel * self.stride..])
    }
}

/// Adds sixteen floats to a vector in panels.
#[inline(always)]
pub(crate) fn add_panel<S: Simd>(s: S, data: &mut [f32], at: usize, v: S::F) {
    s.store(s.add(s.load(&data[at..]), v), &mut data[at..]);
}

/// The lanes of the last vector that hold units.
#[inline(always)]
pub(crate) fn lanes(hidden: usize, at: usize) -> u16 {
    if hidden - at >= LANES { u16::MAX } else { (1 << (hidden - at)) - 1 }
}

/// [`normalize_by`] with the ε of the cells.
#[inline(always)]
pub(crate) fn normalize<S: Simd>(
    s: S,
    x: &mut [f32],
    normal: &mut [f32],
    hidden: usize,
    gain: InPanels<'_>,
    shift: InPanels<'_>,
) -> f32 {
    normalize_by(s, EPSILON, x, normal, hidden, gain, shift)
}

/// Replaces `x [Hp]` by y and writes x̂ to `normal [Hp]`; returns 1 / √(σ² + ε). Padding stays zero where γ and β are.
#[inline(always)]
pub(crate) fn normalize_by<S: Simd>(
    s: S,
    epsilon: f32,
    x: &mut [f32],
    normal: &mut [f32],
    hidden: usize,
    gain: InPanels<'_>,
    shift: InPanels<'_>,
) -> f32 {
    let zero = s.splat(0.0);
    let mut sum = zero;
    for at in (0..hidden).step_by(LANES) {
        sum = s.add(sum, s.load(&x[at..]));
    }
    let mean = s.splat(s.sum(sum) / hidden as f32);
    let mut squares = zero;
    for at in (0..hidden).step_by(LANES) {
        let off = s.select(lanes(hidden, at), s.sub(s.load(&x[at..]), mean), zero);
        squares = s.mul_add(off, off, squares);
    }
    let rate = 1.0 / (s.sum(squares) / hidden as f32 + epsilon).sqrt();
    let scale = s.splat(rate);
    for at in (0..hidden).step_by(LANES) {
        let off = s.select(lanes(hidden, at), s.sub(s.load(&x[at..]), mean), zero);
        let normalized = s.mul(off, scale);
        s.store(normalized, &mut normal[at..]);
        let panel = at / LANES;
        s.store(s.mul_add(gain.panel(s, panel), normalized, shift.panel(s, panel)), &mut x[at..]);
    }
    rate
}

/// Replaces `d [Hp]`, the gradient by y, by that by x; adds those by γ and β, which lie in panels in `gradient` from
/// `gain_at` and `shift_at` on.
///
/// dx̂ = γ ⊙ dy        dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ ⊙ x̂)) / √(σ² + ε)
#[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
#[inline(always)]
pub(crate) fn normalize_back<S: Simd>(
    s: S,
    d: &mut [f32],
    normal: &[f32],
    rate: f32,
    hidden: usize,
    gain: InPanels<'_>,
    gradient: &mut [f32],
    gain_at: usize,
    shift_at: usize,
    shift_stride: usize,
) {
    let zero = s.splat(0.0);
    let (mut sum, mut along) = (zero, zero);
    for at in (0..hidden).step_by(LANES) {
        let (dy, x, panel) = (s.load(&d[at..]), s.load(&normal[at..]), at / LANES);
        add_panel(s, gradient, gain_at + panel * gain.stride, s.mul(dy, x));
        add_panel(s, gradient, shift_at + panel * shift_stride, dy);
        let dx = s.mul(dy, gain.panel(s, panel));
        s.store(dx, &mut d[at..]);
        sum = s.add(sum, dx);
        along = s.mul_add(dx, x, along);
    }
    let mean = s.splat(s.sum(sum) / hidden as f32);
    let along = s.splat(-s.sum(along) / hidden as f32);
    let rate = s.splat(rate);
    for at in (0..hidden).step_by(LANES) {
        let dx = s.mul_add(along, s.load(&normal[at..]), s.sub(s.load(&d[at..]), mean));
        s.store(s.select(lanes(hidden, at), s.mul(dx, rate), zero), &mut d[at..]);
    }
}
