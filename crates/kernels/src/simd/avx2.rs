//! AVX2 and FMA: a vector is two registers of eight floats.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
pub(super) use x86::Avx2 as Set;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use super::absent::Absent as Set;

pub(super) const FUSES: bool = true;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::simd::{Kernel, LANES, Simd};
    use std::arch::x86_64::{
        __m256, _CMP_GT_OQ, _CMP_NLT_UQ, _mm256_add_epi32, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_andnot_ps,
        _mm256_blendv_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cmpeq_epi32, _mm256_div_ps, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_set1_epi32, _mm256_set1_ps,
        _mm256_setr_epi32, _mm256_setzero_ps, _mm256_sqrt_ps, _mm256_srli_epi32, _mm256_storeu_ps, _mm256_sub_ps,
    };

    /// The proof that the processor has AVX2 and FMA: made by `detect` alone.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(());

    impl Avx2 {
        #[inline]
        pub(crate) fn detect() -> Option<Self> {
            (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Pair(__m256, __m256);

    /// One intrinsic on both halves.
    macro_rules! both {
        ($f:ident, $($arg:ident),+) => {
            // SAFETY: an `Avx2` exists only where AVX2 and FMA were detected; these touch registers alone.
            unsafe { Pair($f($($arg.0),+), $f($($arg.1),+)) }
        };
    }

    impl Simd for Avx2 {
        type F = Pair;
        /// 6 rows × 2 registers of sums, 2 of weights, 1 of the input: 15 of 16.
        const ROWS: usize = 6;
        const PANELS: usize = 1;
        const REGISTERS: usize = 2;
        const PEAK_VECTORS: usize = 6;

        #[inline(always)]
        fn splat(self, x: f32) -> Pair {
            // SAFETY: AVX2 was detected when `self` was made.
            let v = unsafe { _mm256_set1_ps(x) };
            Pair(v, v)
        }
        #[inline(always)]
        fn load(self, from: &[f32]) -> Pair {
            let from: &[f32] = &from[..LANES];
            // SAFETY: AVX2 was detected when `self` was made; the line above holds sixteen floats.
            unsafe { Pair(_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))) }
        }
        #[inline(always)]
        fn store(self, v: Pair, to: &mut [f32]) {
            let to: &mut [f32] = &mut to[..LANES];
            // SAFETY: AVX2 was detected when `self` was made; the line above holds sixteen floats.
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), v.0);
                _mm256_storeu_ps(to.as_mut_ptr().add(8), v.1);
            }
        }
        #[inline(always)]
        fn mul_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
            both!(_mm256_fmadd_ps, a, b, c)
        }
        #[inline(always)]
        fn add(self, a: Pair, b: Pair) -> Pair {
            both!(_mm256_add_ps, a, b)
        }
        #[inline(always)]
        fn sub(self, a: Pair, b: Pair) -> Pair {
            both!(_mm256_sub_ps, a, b)
        }
        #[inline(always)]
        fn mul(self, a: Pair, b: Pair) -> Pair {
            both!(_mm256_mul_ps, a, b)
        }
        #[inline(always)]
        fn div(self, a: Pair, b: Pair) -> Pair {
            both!(_mm256_div_ps, a, b)
        }
        #[inline(always)]
        fn sqrt(self, a: Pair) -> Pair {
            both!(_mm256_sqrt_ps, a)
        }
        /// MINPS returns its second operand where either is NaN: `a` goes there.
        #[inline(always)]
        fn at_most(self, a: Pair, limit: Pair) -> Pair {
            both!(_mm256_min_ps, limit, a)
        }
        /// MAXPS returns its second operand where either is NaN: `a` goes there.
        #[inline(always)]
        fn at_least(self, a: Pair, limit: Pair) -> Pair {
            both!(_mm256_max_ps, limit, a)
        }
        #[inline(always)]
        fn where_positive(self, sign: Pair, a: Pair) -> Pair {
            // SAFETY: AVX2 was detected when `self` was made; these touch registers alone.
            unsafe {
                let zero = _mm256_setzero_ps();
                Pair(
                    _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(sign.0, zero), a.0),
                    _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(sign.1, zero), a.1),
                )
            }
        }
        #[inline(always)]
        fn fade(self, a: Pair, least: Pair) -> Pair {
            // SAFETY: AVX2 was detected when `self` was made; these touch registers alone.
            unsafe {
                let sign = _mm256_set1_ps(-0.0);
                let (low, high) = (_mm256_andnot_ps(sign, a.0), _mm256_andnot_ps(sign, a.1));
                Pair(
                    _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(low, least.0), a.0),
                    _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(high, least.1), a.1),
                )
            }
        }
        #[inline(always)]
        fn to_bf16(self, a: Pair) -> Pair {
            // SAFETY: AVX2 was detected when `self` was made; these touch registers alone.
            let rounded = |half| unsafe {
                let bits = _mm256_castps_si256(half);
                let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
                let rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
                _mm256_castsi256_ps(_mm256_and_si256(rounded, _mm256_set1_epi32(!0xffff)))
            };
            Pair(rounded(a.0), rounded(a.1))
        }
        /// Processors with tiles have AVX-512, and use theirs there. Here a test has them.
        #[cfg(all(feature = "assume-tiles", target_os = "linux"))]
        #[inline(always)]
        fn tiles(self) -> Option<crate::simd::Tiles> {
            crate::simd::Tiles::detect()
        }
        #[inline(always)]
        fn select(self, bits: u16, a: Pair, b: Pair) -> Pair {
            // SAFETY: AVX2 was detected when `self` was made; these touch registers alone.
            unsafe {
                let bits = _mm256_set1_epi32(i32::from(bits));
                let low = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
                let high = _mm256_setr_epi32(1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15);
                let low = _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(bits, low), low));
                let high = _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(bits, high), high));
                Pair(_mm256_blendv_ps(b.0, a.0, low), _mm256_blendv_ps(b.1, a.1, high))
            }
        }
        #[inline(always)]
        fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
            #[target_feature(enable = "avx2,fma")]
            fn inner<K: Kernel>(avx2: Avx2, kernel: K) -> K::Output {
                kernel.run(avx2)
            }
            // SAFETY: AVX2 and FMA were detected when `self` was made.
            unsafe { inner(self, kernel) }
        }
    }
}
