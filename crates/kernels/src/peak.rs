//! What the processor could do: a loop of multiply-adds on registers alone.

use crate::simd::{Isa, Kernel, LANES, Simd};

/// Chains that are under way at once: enough to hide the latency of a multiply-add on every processor so far.
const CHAINS: usize = 6;

/// Runs `rounds` rounds of multiply-adds that touch no memory and returns their floating-point operations, two for
/// each multiply-add, beside a value that keeps the compiler from leaving them out.
pub fn multiply_adds(isa: Isa, rounds: usize) -> (f64, f32) {
    let value = isa.run(Rounds(rounds));
    ((rounds * CHAINS * LANES * 2) as f64, value)
}

struct Rounds(usize);

impl Kernel for Rounds {
    type Output = f32;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let a = s.splat(std::hint::black_box(0.999_9));
        let b = s.splat(std::hint::black_box(0.000_1));
        // Unknown values in every lane, or the compiler makes one chain of several.
        let mut chains = [s.splat(0.0); CHAINS];
        for chain in &mut chains {
            *chain = s.load(&std::hint::black_box([1.0; LANES]));
        }
        for _ in 0..self.0 {
            for chain in &mut chains {
                *chain = s.mul_add(*chain, a, b);
            }
        }
        let mut out = [0.0; LANES];
        chains.into_iter().fold(0.0, |sum, chain| {
            s.store(chain, &mut out);
            sum + out.iter().sum::<f32>()
        })
    }
}
