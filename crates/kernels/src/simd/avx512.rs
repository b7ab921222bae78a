//! AVX-512: a vector is one register of sixteen floats, and there are 32 of them.
//!
//! Sums are the same chains of fused multiply-adds as on AVX2, so the two give the same bits.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
pub(super) use x86::Avx512 as Set;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use super::absent::Absent as Set;

pub(super) const FUSES: bool = true;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::simd::{Kernel, LANES, Simd, Tiles};
    use std::arch::x86_64::{
        __m512, _CMP_GT_OQ, _CMP_NLT_UQ, _mm512_abs_ps, _mm512_add_epi32, _mm512_add_ps, _mm512_and_si512,
        _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cmp_ps_mask, _mm512_div_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_blend_ps, _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_min_ps,
        _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_sqrt_ps, _mm512_srli_epi32, _mm512_storeu_ps, _mm512_sub_ps,
    };

    /// The proof that the processor has AVX-512 F: made by `detect` alone.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(());

    impl Avx512 {
        #[inline]
        pub(crate) fn detect() -> Option<Self> {
            is_x86_feature_detected!("avx512f").then_some(Self(()))
        }
    }

    /// One intrinsic that touches registers alone.
    macro_rules! registers {
        ($f:ident, $($arg:expr),+) => {
            // SAFETY: an `Avx512` exists only where AVX-512 F was detected; these touch registers alone.
            unsafe { $f($($arg),+) }
        };
    }

    impl Simd for Avx512 {
        type F = __m512;
        /// 8 rows × 2 panels of sums, 2 registers of weights; the input is broadcast from memory. 8 divides the rows of a
        /// tile, and two panels halve the broadcasts for each multiply-add.
        const ROWS: usize = 8;
        const PANELS: usize = 2;
        const REGISTERS: usize = 1;
        const PEAK_VECTORS: usize = 16;

        #[inline(always)]
        fn splat(self, x: f32) -> __m512 {
            registers!(_mm512_set1_ps, x)
        }
        #[inline(always)]
        fn load(self, from: &[f32]) -> __m512 {
            let from: &[f32] = &from[..LANES];
            // SAFETY: AVX-512 F was detected when `self` was made; the line above holds sixteen floats.
            unsafe { _mm512_loadu_ps(from.as_ptr()) }
        }
        #[inline(always)]
        fn store(self, v: __m512, to: &mut [f32]) {
            let to: &mut [f32] = &mut to[..LANES];
            // SAFETY: AVX-512 F was detected when `self` was made; the line above holds sixteen floats.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
        }
        #[inline(always)]
        fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            registers!(_mm512_fmadd_ps, a, b, c)
        }
        #[inline(always)]
        fn add(self, a: __m512, b: __m512) -> __m512 {
            registers!(_mm512_add_ps, a, b)
        }
        #[inline(always)]
        fn sub(self, a: __m512, b: __m512) -> __m512 {
            registers!(_mm512_sub_ps, a, b)
        }
        #[inline(always)]
        fn mul(self, a: __m512, b: __m512) -> __m512 {
            registers!(_mm512_mul_ps, a, b)
        }
        #[inline(always)]
        fn div(self, a: __m512, b: __m512) -> __m512 {
            registers!(_mm512_div_ps, a, b)
        }
        #[inline(always)]
        fn sqrt(self, a: __m512) -> __m512 {
            registers!(_mm512_sqrt_ps, a)
        }
        /// VMINPS returns its second operand where either is NaN: `a` goes there.
        #[inline(always)]
        fn at_most(self, a: __m512, limit: __m512) -> __m512 {
            registers!(_mm512_min_ps, limit, a)
        }
        /// VMAXPS returns its second operand where either is NaN: `a` goes there.
        #[inline(always)]
        fn at_least(self, a: __m512, limit: __m512) -> __m512 {
            registers!(_mm512_max_ps, limit, a)
        }
        #[inline(always)]
        fn where_positive(self, sign: __m512, a: __m512) -> __m512 {
            // SAFETY: AVX-512 F was detected when `self` was made; these touch registers alone.
            unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(sign, _mm512_setzero_ps()), a) }
        }
        #[inline(always)]
        fn fade(self, a: __m512, least: __m512) -> __m512 {
            // SAFETY: AVX-512 F was detected when `self` was made; these touch registers alone.
            unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLT_UQ>(_mm512_abs_ps(a), least), a) }
        }
        #[inline(always)]
        fn to_bf16(self, a: __m512) -> __m512 {
            // SAFETY: AVX-512 F was detected when `self` was made; these touch registers alone.
            unsafe {
                let bits = _mm512_castps_si512(a);
                let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
                let rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
                _mm512_castsi512_ps(_mm512_and_si512(rounded, _mm512_set1_epi32(!0xffff)))
            }
        }
        #[inline(always)]
        fn tiles(self) -> Option<Tiles> {
            Tiles::detect()
        }
        #[inline(always)]
        fn select(self, bits: u16, a: __m512, b: __m512) -> __m512 {
            registers!(_mm512_mask_blend_ps, bits, b, a)
        }
        #[inline(always)]
        fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn inner<K: Kernel>(avx512: Avx512, kernel: K) -> K::Output {
                kernel.run(avx512)
            }
            // SAFETY: AVX-512 F was detected when `self` was made; no processor has it without AVX2 and FMA.
            unsafe { inner(self, kernel) }
        }
    }
}
