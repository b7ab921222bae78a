//! NEON: a vector is four registers of four floats. Every 64-bit ARM processor has it.
//!
//! Compiled for such processors, but not run on one yet. With the feature `emulate-neon` this very file is compiled for
//! any processor, over the instructions written out in `emulated`, so that every law of the kernels is tested on it.
#![allow(unsafe_code)]

#[cfg(any(target_arch = "aarch64", feature = "emulate-neon"))]
pub(super) use arm::Neon as Set;

#[cfg(not(any(target_arch = "aarch64", feature = "emulate-neon")))]
pub(super) use super::absent::Absent as Set;

pub(super) const FUSES: bool = true;

#[cfg(any(target_arch = "aarch64", feature = "emulate-neon"))]
mod arm {
    #[cfg(not(target_arch = "aarch64"))]
    use super::emulated as arch;
    use crate::simd::{Kernel, LANES, Simd};
    use arch::{
        float32x4_t, vaddq_f32, vaddq_u32, vandq_u32, vbicq_u32, vbslq_f32, vcaltq_f32, vcgtq_f32, vdivq_f32, vdupq_n_f32,
        vdupq_n_u32, vfmaq_f32, vld1q_f32, vld1q_u32, vmulq_f32, vreinterpretq_f32_u32, vreinterpretq_u32_f32,
        vshrq_n_u32, vsqrtq_f32, vst1q_f32, vsubq_f32, vtstq_u32,
    };
    #[cfg(target_arch = "aarch64")]
    use std::arch::aarch64 as arch;

    /// Floats in one register.
    const WIDTH: usize = 4;

    /// The bit of each lane.
    const BITS: [u32; LANES] = {
        let mut bits = [0; LANES];
        let mut lane = 0;
        while lane < LANES {
            bits[lane] = 1 << lane;
            lane += 1;
        }
        bits
    };

    /// The proof that the processor has NEON: made by `detect` alone.
    #[derive(Clone, Copy)]
    pub(crate) struct Neon(());

    impl Neon {
        /// The architecture prescribes it.
        #[inline]
        pub(crate) fn detect() -> Option<Self> {
            Some(Self(()))
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Four([float32x4_t; 4]);

    /// One instruction on all four registers, given the number of each.
    macro_rules! each {
        ($k:ident => $body:expr) => {{
            // SAFETY: a `Neon` exists only where NEON is; these touch registers alone.
            unsafe {
                Four([
                    {
                        const $k: usize = 0;
                        $body
                    },
                    {
                        const $k: usize = 1;
                        $body
                    },
                    {
                        const $k: usize = 2;
                        $body
                    },
                    {
                        const $k: usize = 3;
                        $body
                    },
                ])
            }
        }};
    }

    impl Simd for Neon {
        type F = Four;
        /// 6 rows × 4 registers of sums, 4 of weights, 1 of the input: 29 of 32.
        const ROWS: usize = 6;
        const PANELS: usize = 1;
        const REGISTERS: usize = 4;
        /// 24 registers: Arm's largest cores have four units of four cycles.
        const PEAK_VECTORS: usize = 6;

        #[inline(always)]
        fn splat(self, x: f32) -> Four {
            // SAFETY: NEON is there; this touches registers alone.
            Four([unsafe { vdupq_n_f32(x) }; 4])
        }
        #[inline(always)]
        fn load(self, from: &[f32]) -> Four {
            let from: &[f32] = &from[..LANES];
            // SAFETY: NEON is there; the line above holds sixteen floats, four for each register.
            unsafe {
                let at = from.as_ptr();
                Four([
                    vld1q_f32(at),
                    vld1q_f32(at.add(WIDTH)),
                    vld1q_f32(at.add(2 * WIDTH)),
                    vld1q_f32(at.add(3 * WIDTH)),
                ])
            }
        }
        #[inline(always)]
        fn store(self, v: Four, to: &mut [f32]) {
            let to: &mut [f32] = &mut to[..LANES];
            // SAFETY: NEON is there; the line above holds sixteen floats, four for each register.
            unsafe {
                let at = to.as_mut_ptr();
                vst1q_f32(at, v.0[0]);
                vst1q_f32(at.add(WIDTH), v.0[1]);
                vst1q_f32(at.add(2 * WIDTH), v.0[2]);
                vst1q_f32(at.add(3 * WIDTH), v.0[3]);
            }
        }
        #[inline(always)]
        fn mul_add(self, a: Four, b: Four, c: Four) -> Four {
            each!(K => vfmaq_f32(c.0[K], a.0[K], b.0[K]))
        }
        #[inline(always)]
        fn add(self, a: Four, b: Four) -> Four {
            each!(K => vaddq_f32(a.0[K], b.0[K]))
        }
        #[inline(always)]
        fn sub(self, a: Four, b: Four) -> Four {
            each!(K => vsubq_f32(a.0[K], b.0[K]))
        }
        #[inline(always)]
        fn mul(self, a: Four, b: Four) -> Four {
            each!(K => vmulq_f32(a.0[K], b.0[K]))
        }
        #[inline(always)]
        fn div(self, a: Four, b: Four) -> Four {
            each!(K => vdivq_f32(a.0[K], b.0[K]))
        }
        #[inline(always)]
        fn sqrt(self, a: Four) -> Four {
            each!(K => vsqrtq_f32(a.0[K]))
        }
        /// Compared and chosen: FMIN orders −0 before +0, and the other sets do not.
        #[inline(always)]
        fn at_most(self, a: Four, limit: Four) -> Four {
            each!(K => vbslq_f32(vcgtq_f32(a.0[K], limit.0[K]), limit.0[K], a.0[K]))
        }
        /// Compared and chosen, as `at_most`.
        #[inline(always)]
        fn at_least(self, a: Four, limit: Four) -> Four {
            each!(K => vbslq_f32(vcgtq_f32(limit.0[K], a.0[K]), limit.0[K], a.0[K]))
        }
        #[inline(always)]
        fn where_positive(self, sign: Four, a: Four) -> Four {
            each!(K => {
                let positive = vcgtq_f32(sign.0[K], vdupq_n_f32(0.0));
                vreinterpretq_f32_u32(vandq_u32(positive, vreinterpretq_u32_f32(a.0[K])))
            })
        }
        #[inline(always)]
        fn fade(self, a: Four, least: Four) -> Four {
            each!(K => {
                let faint = vcaltq_f32(a.0[K], least.0[K]);
                vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a.0[K]), faint))
            })
        }
        #[inline(always)]
        fn to_bf16(self, a: Four) -> Four {
            each!(K => {
                let bits = vreinterpretq_u32_f32(a.0[K]);
                let odd = vandq_u32(vshrq_n_u32::<16>(bits), vdupq_n_u32(1));
                let rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
                vreinterpretq_f32_u32(vandq_u32(rounded, vdupq_n_u32(!0xffff)))
            })
        }
        #[inline(always)]
        fn select(self, bits: u16, a: Four, b: Four) -> Four {
            each!(K => {
                let lanes = vld1q_u32(BITS.as_ptr().add(K * WIDTH));
                vbslq_f32(vtstq_u32(vdupq_n_u32(bits as u32), lanes), a.0[K], b.0[K])
            })
        }
        #[inline(always)]
        fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
            #[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
            unsafe fn inner<K: Kernel>(neon: Neon, kernel: K) -> K::Output {
                kernel.run(neon)
            }
            // SAFETY: a `Neon` exists only where NEON is.
            unsafe { inner(self, kernel) }
        }
    }
}

/// The instructions used above, written out lane by lane as the architecture's manual defines them.
#[cfg(all(feature = "emulate-neon", not(target_arch = "aarch64")))]
#[allow(non_camel_case_types, clippy::missing_safety_doc)]
mod emulated {
    pub(super) type float32x4_t = [f32; 4];
    pub(super) type uint32x4_t = [u32; 4];

    fn map<A: Copy, B: Copy, C>(a: [A; 4], b: [B; 4], f: impl Fn(A, B) -> C) -> [C; 4] {
        std::array::from_fn(|lane| f(a[lane], b[lane]))
    }
    pub(super) unsafe fn vdupq_n_f32(x: f32) -> float32x4_t {
        [x; 4]
    }
    pub(super) unsafe fn vdupq_n_u32(x: u32) -> uint32x4_t {
        [x; 4]
    }
    pub(super) unsafe fn vld1q_f32(from: *const f32) -> float32x4_t {
        // SAFETY: the caller's promise: four floats lie there.
        unsafe { from.cast::<float32x4_t>().read_unaligned() }
    }
    pub(super) unsafe fn vld1q_u32(from: *const u32) -> uint32x4_t {
        // SAFETY: the caller's promise: four words lie there.
        unsafe { from.cast::<uint32x4_t>().read_unaligned() }
    }
    pub(super) unsafe fn vst1q_f32(to: *mut f32, v: float32x4_t) {
        // SAFETY: the caller's promise: there is room for four floats.
        unsafe { to.cast::<float32x4_t>().write_unaligned(v) }
    }
    /// a + b c, rounded once.
    pub(super) unsafe fn vfmaq_f32(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        std::array::from_fn(|lane| b[lane].mul_add(c[lane], a[lane]))
    }
    pub(super) unsafe fn vaddq_f32(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        map(a, b, |a, b| a + b)
    }
    pub(super) unsafe fn vaddq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        map(a, b, u32::wrapping_add)
    }
    pub(super) unsafe fn vshrq_n_u32<const N: i32>(a: uint32x4_t) -> uint32x4_t {
        a.map(|a| a >> N)
    }
    pub(super) unsafe fn vsubq_f32(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        map(a, b, |a, b| a - b)
    }
    pub(super) unsafe fn vmulq_f32(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        map(a, b, |a, b| a * b)
    }
    pub(super) unsafe fn vdivq_f32(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        map(a, b, |a, b| a / b)
    }
    pub(super) unsafe fn vsqrtq_f32(a: float32x4_t) -> float32x4_t {
        a.map(f32::sqrt)
    }
    /// All ones where a > b; never where either is NaN.
    pub(super) unsafe fn vcgtq_f32(a: float32x4_t, b: float32x4_t) -> uint32x4_t {
        map(a, b, |a, b| if a > b { u32::MAX } else { 0 })
    }
    /// All ones where |a| < |b|; never where either is NaN.
    pub(super) unsafe fn vcaltq_f32(a: float32x4_t, b: float32x4_t) -> uint32x4_t {
        map(a, b, |a, b| if a.abs() < b.abs() { u32::MAX } else { 0 })
    }
    /// Bit by bit: b where the mask is 1, c where it is 0.
    pub(super) unsafe fn vbslq_f32(mask: uint32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        let chosen = map(mask, b, |mask, b| b.to_bits() & mask);
        let rest = map(mask, c, |mask, c| c.to_bits() & !mask);
        map(chosen, rest, |b, c| f32::from_bits(b | c))
    }
    /// All ones where a and b have a bit in common.
    pub(super) unsafe fn vtstq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        map(a, b, |a, b| if a & b != 0 { u32::MAX } else { 0 })
    }
    pub(super) unsafe fn vandq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        map(a, b, |a, b| a & b)
    }
    /// a, without the bits of b.
    pub(super) unsafe fn vbicq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        map(a, b, |a, b| a & !b)
    }
    pub(super) unsafe fn vreinterpretq_f32_u32(a: uint32x4_t) -> float32x4_t {
        a.map(f32::from_bits)
    }
    pub(super) unsafe fn vreinterpretq_u32_f32(a: float32x4_t) -> uint32x4_t {
        a.map(f32::to_bits)
    }
}
