//! SIMD128 of WebAssembly: a vector is four registers of four floats.
//!
//! A module has the instructions or has them not: whoever compiles it decides (`-C target-feature=+simd128`), and a browser
//! that does not know them takes none of it. No instruction fuses a multiplication with the addition behind it, so every
//! result is that of [`Isa::Portable`](crate::Isa::Portable), bit for bit. (Those of "relaxed SIMD" fuse where the
//! processor can, and so depend on it: they are not used.)
#![allow(unsafe_code)]

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) use wasm::Simd128 as Set;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(super) use super::absent::Absent as Set;

pub(super) const FUSES: bool = false;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm {
    use crate::simd::{Kernel, LANES, Simd};
    use std::arch::wasm32::{
        f32x4_abs, f32x4_add, f32x4_div, f32x4_gt, f32x4_lt, f32x4_mul, f32x4_pmax, f32x4_pmin, f32x4_splat, f32x4_sqrt,
        f32x4_sub, i32x4, i32x4_add, i32x4_eq, i32x4_splat, u32x4_shr, v128, v128_and, v128_andnot, v128_bitselect, v128_load, v128_store,
    };
    use std::array;

    /// Floats in one register.
    const WIDTH: usize = 4;

    /// The module that this is compiled into has SIMD128.
    #[derive(Clone, Copy)]
    pub(crate) struct Simd128;

    impl Simd128 {
        #[inline]
        pub(crate) fn detect() -> Option<Self> {
            Some(Self)
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Four([v128; 4]);

    /// One instruction on all four registers.
    #[inline(always)]
    fn each(a: Four, b: Four, f: impl Fn(v128, v128) -> v128) -> Four {
        Four([f(a.0[0], b.0[0]), f(a.0[1], b.0[1]), f(a.0[2], b.0[2]), f(a.0[3], b.0[3])])
    }

    impl Simd for Simd128 {
        type F = Four;
        /// 2 rows × 4 registers of sums, 4 of weights, 1 of the input: 13 of the 16 that x86-64 has. A module cannot ask
        /// for more, and one that runs on a processor with 32 loses little.
        const ROWS: usize = 2;
        const PANELS: usize = 1;
        const REGISTERS: usize = 4;
        const PEAK_VECTORS: usize = 3;

        #[inline(always)]
        fn splat(self, x: f32) -> Four {
            Four([f32x4_splat(x); 4])
        }
        #[inline(always)]
        fn load(self, from: &[f32]) -> Four {
            let from: &[f32] = &from[..LANES];
            // SAFETY: the line above holds sixteen floats, four for each register; no alignment is asked for.
            Four(array::from_fn(|k| unsafe { v128_load(from.as_ptr().add(k * WIDTH).cast()) }))
        }
        #[inline(always)]
        fn store(self, v: Four, to: &mut [f32]) {
            let to: &mut [f32] = &mut to[..LANES];
            for (k, v) in v.0.into_iter().enumerate() {
                // SAFETY: the line above holds sixteen floats, four for each register; no alignment is asked for.
                unsafe { v128_store(to.as_mut_ptr().add(k * WIDTH).cast(), v) };
            }
        }
        #[inline(always)]
        fn mul_add(self, a: Four, b: Four, c: Four) -> Four {
            self.add(self.mul(a, b), c)
        }
        #[inline(always)]
        fn add(self, a: Four, b: Four) -> Four {
            each(a, b, |a, b| f32x4_add(a, b))
        }
        #[inline(always)]
        fn sub(self, a: Four, b: Four) -> Four {
            each(a, b, |a, b| f32x4_sub(a, b))
        }
        #[inline(always)]
        fn mul(self, a: Four, b: Four) -> Four {
            each(a, b, |a, b| f32x4_mul(a, b))
        }
        #[inline(always)]
        fn div(self, a: Four, b: Four) -> Four {
            each(a, b, |a, b| f32x4_div(a, b))
        }
        #[inline(always)]
        fn sqrt(self, a: Four) -> Four {
            each(a, a, |a, _| f32x4_sqrt(a))
        }
        /// `pmin(a, b)` is `b < a ? b : a`: where `a` is NaN, `a`.
        #[inline(always)]
        fn at_most(self, a: Four, limit: Four) -> Four {
            each(a, limit, |a, limit| f32x4_pmin(a, limit))
        }
        /// `pmax(a, b)` is `a < b ? b : a`: where `a` is NaN, `a`.
        #[inline(always)]
        fn at_least(self, a: Four, limit: Four) -> Four {
            each(a, limit, |a, limit| f32x4_pmax(a, limit))
        }
        #[inline(always)]
        fn where_positive(self, sign: Four, a: Four) -> Four {
            each(sign, a, |sign, a| v128_and(f32x4_gt(sign, f32x4_splat(0.0)), a))
        }
        #[inline(always)]
        fn fade(self, a: Four, least: Four) -> Four {
            each(a, least, |a, least| v128_andnot(a, f32x4_lt(f32x4_abs(a), least)))
        }
        #[inline(always)]
        fn to_bf16(self, a: Four) -> Four {
            each(a, a, |a, _| {
                let odd = v128_and(u32x4_shr(a, 16), i32x4_splat(1));
                v128_and(i32x4_add(i32x4_add(a, i32x4_splat(0x7fff)), odd), i32x4_splat(!0xffff))
            })
        }
        #[inline(always)]
        fn select(self, bits: u16, a: Four, b: Four) -> Four {
            let bits = i32x4_splat(i32::from(bits));
            Four(array::from_fn(|k| {
                let lanes = [1, 2, 4, 8].map(|bit: i32| bit << (k * WIDTH));
                let lanes = i32x4(lanes[0], lanes[1], lanes[2], lanes[3]);
                v128_bitselect(a.0[k], b.0[k], i32x4_eq(v128_and(bits, lanes), lanes))
            }))
        }
        #[inline(always)]
        fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
            kernel.run(self)
        }
    }
}
