//! Sums of arrays in a fixed order.

use crate::simd::{Isa, Kernel, LANES, Simd};
use crate::vanishing;

/// Most floats of one call of [`sum_arrays`].
const FLOATS_MAX: usize = 1 << 16;

/// `sum` = Σ arrays, added in their order, 0 where it is too small to count; returns the sum of squares of the result.
///
/// The squares are added up in `f32` lanes, hence at most 65,536 floats a call; add the results of calls in `f64`.
///
/// # Panics
/// If an array has another length than `sum`, or that is above 65,536 or not a multiple of 16.
pub fn sum_arrays<'a>(isa: Isa, arrays: impl Iterator<Item = &'a [f32]> + Clone, sum: &mut [f32]) -> f64 {
    let n = sum.len();
    assert!(
        n.is_multiple_of(LANES) && n <= FLOATS_MAX,
        "{n} floats: expected whole vectors of 16, at most {FLOATS_MAX}"
    );
    assert!(arrays.clone().all(|array| array.len() == n), "every array must have {n} floats");
    isa.run(Sum { arrays, sum })
}

struct Sum<'s, I> {
    arrays: I,
    sum: &'s mut [f32],
}

impl<'a, I: Iterator<Item = &'a [f32]> + Clone> Kernel for Sum<'_, I> {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let mut squares = s.splat(0.0);
        for (index, out) in self.sum.chunks_exact_mut(LANES).enumerate() {
            let mut sum = s.splat(0.0);
            for array in self.arrays.clone() {
                sum = s.add(sum, s.load(&array[index * LANES..]));
            }
            let sum = vanishing::gradient(s, sum);
            squares = s.mul_add(sum, sum, squares);
            s.store(sum, out);
        }
        let mut lanes = [0.0; LANES];
        s.store(squares, &mut lanes);
        lanes.into_iter().map(f64::from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_and_measures() {
        for isa in Isa::available() {
            let arrays: Vec<Vec<f32>> = (1..=5).map(|k| (0..48).map(|i| (k * i) as f32).collect()).collect();
            let mut sum = vec![f32::NAN; 48];
            let squares = sum_arrays(isa, arrays.iter().map(Vec::as_slice), &mut sum);
            assert!(sum.iter().enumerate().all(|(i, &x)| x == (15 * i) as f32), "{isa}");
            // 225 Σ i², i to 47
            assert_eq!(squares, 225.0 * 35_720.0, "{isa}");
            assert_eq!(sum_arrays(isa, std::iter::empty(), &mut sum), 0.0);
            assert_eq!(sum, [0.0; 48]);
        }
    }
}
