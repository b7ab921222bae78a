//! Vectors as plain arrays, for every processor.

use super::{Kernel, LANES, Simd};

/// Whether the target's baseline has the fused multiply-add.
pub(super) const FUSES: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// Every processor has it.
#[derive(Clone, Copy)]
pub(super) struct Set;

impl Set {
    pub(super) fn detect() -> Option<Self> {
        Some(Self)
    }
}

#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Array([f32; LANES]);

#[inline(always)]
fn map2(a: Array, b: Array, f: impl Fn(f32, f32) -> f32) -> Array {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = f(a.0[lane], b.0[lane]);
    }
    Array(out)
}

impl Simd for Set {
    type F = Array;
    const ROWS: usize = 2;
    const PANELS: usize = 1;
    /// With the vectors of four floats of the baselines of x86-64 and ARM.
    const REGISTERS: usize = 4;
    const PEAK_VECTORS: usize = 3;

    #[inline(always)]
    fn splat(self, x: f32) -> Array {
        Array([x; LANES])
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> Array {
        let mut out = [0.0; LANES];
        out.copy_from_slice(&from[..LANES]);
        Array(out)
    }
    #[inline(always)]
    fn store(self, v: Array, to: &mut [f32]) {
        to[..LANES].copy_from_slice(&v.0);
    }
    /// Fused only where the target's baseline has the instruction: elsewhere `f32::mul_add` is a slow library call.
    #[inline(always)]
    fn mul_add(self, a: Array, b: Array, c: Array) -> Array {
        let mut out = [0.0; LANES];
        for lane in 0..LANES {
            out[lane] = if FUSES { a.0[lane].mul_add(b.0[lane], c.0[lane]) } else { a.0[lane] * b.0[lane] + c.0[lane] };
        }
        Array(out)
    }
    #[inline(always)]
    fn add(self, a: Array, b: Array) -> Array {
        map2(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Array, b: Array) -> Array {
        map2(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Array, b: Array) -> Array {
        map2(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Array, b: Array) -> Array {
        map2(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn sqrt(self, a: Array) -> Array {
        map2(a, a, |a, _| a.sqrt())
    }
    #[inline(always)]
    fn at_most(self, a: Array, limit: Array) -> Array {
        map2(a, limit, |a, limit| if limit < a { limit } else { a })
    }
    #[inline(always)]
    fn at_least(self, a: Array, limit: Array) -> Array {
        map2(a, limit, |a, limit| if limit > a { limit } else { a })
    }
    #[inline(always)]
    fn where_positive(self, sign: Array, a: Array) -> Array {
        map2(sign, a, |sign, a| if sign > 0.0 { a } else { 0.0 })
    }
    #[inline(always)]
    fn fade(self, a: Array, least: Array) -> Array {
        map2(a, least, |a, least| if a.abs() < least { 0.0 } else { a })
    }
    #[inline(always)]
    fn to_bf16(self, a: Array) -> Array {
        map2(a, a, |a, _| {
            let bits = a.to_bits();
            f32::from_bits(bits.wrapping_add(0x7fff).wrapping_add(bits >> 16 & 1) & 0xffff_0000)
        })
    }
    #[inline(always)]
    fn select(self, bits: u16, a: Array, b: Array) -> Array {
        let mut out = b.0;
        for lane in 0..LANES {
            if bits >> lane & 1 == 1 {
                out[lane] = a.0[lane];
            }
        }
        Array(out)
    }
    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}
