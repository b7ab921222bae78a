//! What the processor could do: a loop of multiply-adds on registers alone.

use crate::simd::{Isa, Kernel, LANES, Simd};

/// Chains that must be under way at once. Two units that take four cycles each keep eight busy, on servers of Intel and
/// AMD; the rest is slack for the order in which a processor picks them up.
const CHAINS_MIN: usize = 12;

/// Vectors of the set with the most.
const VECTORS_MAX: usize = 16;

/// Runs `rounds` rounds of multiply-adds that touch no memory and returns their floating-point operations, two for
/// each multiply-add, beside a value that keeps the compiler from leaving them out.
pub fn multiply_adds(isa: Isa, rounds: usize) -> (f64, f32) {
    let (vectors, value) = isa.run(Rounds(rounds));
    ((rounds * vectors * LANES * 2) as f64, value)
}

/// The same of the processor's unit for pieces of bf16, if it has one: two operations for each product of pieces.
pub fn multiply_pieces(isa: Isa, rounds: usize) -> Option<f64> {
    isa.run(OfPieces(rounds))
}

struct OfPieces(usize);

impl Kernel for OfPieces {
    type Output = Option<f64>;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Option<f64> {
        s.tiles().map(|tiles| tiles.peak(self.0))
    }
}

struct Rounds(usize);

/// Where lane `lane` of vector `vector` starts. All differ, or the compiler makes one chain of several.
fn start(vector: usize, lane: usize) -> f32 {
    1.0 + (vector * LANES + lane) as f32 / 1024.0
}

/// What a round multiplies by, and adds.
const STEP: (f32, f32) = (0.999_9, 0.000_1);

impl Kernel for Rounds {
    /// Vectors that ran side by side, and the sum of what they hold.
    type Output = (usize, f32);
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> (usize, f32) {
        const {
            assert!(S::REGISTERS * S::PEAK_VECTORS >= CHAINS_MIN && S::PEAK_VECTORS <= VECTORS_MAX);
        }
        let a = s.splat(std::hint::black_box(STEP.0));
        let b = s.splat(std::hint::black_box(STEP.1));
        let mut vectors = [s.splat(0.0); VECTORS_MAX];
        for (index, vector) in vectors[..S::PEAK_VECTORS].iter_mut().enumerate() {
            *vector = s.load(&std::hint::black_box(std::array::from_fn::<f32, LANES, _>(|lane| start(index, lane))));
        }
        for _ in 0..self.0 {
            for vector in &mut vectors[..S::PEAK_VECTORS] {
                *vector = s.mul_add(*vector, a, b);
            }
        }
        let mut out = [0.0; LANES];
        let value = vectors[..S::PEAK_VECTORS].iter().fold(0.0, |sum, &vector| {
            s.store(vector, &mut out);
            sum + out.iter().sum::<f32>()
        });
        (S::PEAK_VECTORS, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation that is counted was done: a plain loop over as many floats has the same sum, bit for bit.
    #[test]
    fn the_peak_counts_what_a_plain_loop_does() {
        for isa in Isa::available() {
            for rounds in [0, 1, 7, 1000] {
                let (operations, value) = multiply_adds(isa, rounds);
                let (vectors, _) = isa.run(Rounds(0));
                assert_eq!(operations, 2.0 * (rounds * vectors * LANES) as f64, "{isa}");
                let plain = (0..vectors).map(|vector| {
                    let lanes = (0..LANES).map(|lane| {
                        let step = |x: f32| if isa.fuses() { x.mul_add(STEP.0, STEP.1) } else { x * STEP.0 + STEP.1 };
                        (0..rounds).fold(start(vector, lane), |x, _| step(x))
                    });
                    lanes.sum::<f32>()
                });
                assert_eq!(value, plain.fold(0.0, |sum, vector| sum + vector), "{isa}, {rounds} rounds");
            }
        }
    }
}
