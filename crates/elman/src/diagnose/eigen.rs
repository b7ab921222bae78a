//! Eigenvalues of a general real matrix, and the largest singular value.
//!
//! n rows and columns. A matrix is reduced to Hessenberg form by reflections, then by Francis's double shifts to 1 × 1
//! and 2 × 2 blocks, in real arithmetic: a complex pair leaves as one 2 × 2 block. Golub & Van Loan, "Matrix
//! Computations" (4th edition, 2013), sections 7.4 and 7.5. Eigenvalues alone: neither vectors nor the parts of the
//! matrix above the block at work are carried along.
//!
//! The crates that have this bring a whole linear algebra with them, for these two functions.

use ndarray::{Array2, ArrayView2, s};
use serde::Serialize;

/// Double shifts for one eigenvalue, after which the iteration is given up. Two to four are usual.
const SHIFTS_MAX: usize = 120;

/// Every so many shifts without success one of another kind breaks a cycle.
const EXCEPTIONAL: usize = 10;

/// Zero, in a matrix whose largest number is 1: far below its rounding, and so large that products of two are not zero.
const NOTHING: f64 = 1e-100;

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl Complex {
    /// The distance from 0.
    pub fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }
}

/// The eigenvalues of a square matrix, the largest first, each as often as it counts; a complex pair stands together,
/// the positive imaginary part first. None if a number of the matrix is not finite, or the iteration does not end.
///
/// Backward stable: they are those of a matrix that differs by about 1e-15 of the norm. An m-fold eigenvalue without m
/// vectors is therefore found only to the m-th root of that, as by every method in floating point.
///
/// # Panics
/// If the matrix is not square.
pub fn eigenvalues(matrix: ArrayView2<'_, f64>) -> Option<Vec<Complex>> {
    let n = matrix.nrows();
    assert_eq!(n, matrix.ncols(), "eigenvalues are those of a square matrix");
    let scale = largest(matrix)?;
    if scale == 0.0 {
        return Some(vec![Complex { re: 0.0, im: 0.0 }; n]);
    }
    // Of order 1, so that no square leaves the range.
    let mut h = matrix.mapv(|x| x / scale);
    to_hessenberg(&mut h);
    let mut found = francis(&mut h)?;
    for value in &mut found {
        *value = Complex { re: value.re * scale, im: value.im * scale };
    }
    // The parts of a pair are equal but for a sign, so sorting keeps them together.
    found.sort_by(|a, b| b.abs().total_cmp(&a.abs()).then(b.re.total_cmp(&a.re)).then(b.im.total_cmp(&a.im)));
    Some(found)
}

/// The largest singular value, ‖A‖₂ = √(the largest eigenvalue of AᵀA). None as for [`eigenvalues`].
pub fn largest_singular_value(matrix: ArrayView2<'_, f64>) -> Option<f64> {
    let scale = largest(matrix)?;
    if scale == 0.0 {
        return Some(0.0);
    }
    let scaled = matrix.mapv(|x| x / scale);
    let square = scaled.t().dot(&scaled);
    let largest = eigenvalues(square.view())?.first().map_or(0.0, |value| value.re);
    Some(scale * largest.max(0.0).sqrt())
}

/// The largest |a|; None if one is not finite.
fn largest(matrix: ArrayView2<'_, f64>) -> Option<f64> {
    matrix.iter().all(|x| x.is_finite()).then(|| matrix.iter().fold(0.0, |m: f64, x| m.max(x.abs())))
}

/// v with (1 − 2 v vᵀ) x = ∓‖x‖ e₁ and ‖v‖ = 1; None where x has that form already.
fn reflector(x: &mut [f64]) -> Option<()> {
    if x[1..].iter().all(|x| *x == 0.0) {
        return None;
    }
    // Its length does not matter, and squares of small numbers are zero.
    let scale = x.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    x.iter_mut().for_each(|x| *x /= scale);
    let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    // Away from x₀, so that nothing cancels.
    x[0] += norm.copysign(x[0]);
    let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    x.iter_mut().for_each(|x| *x /= length);
    Some(())
}

/// A ← (1 − 2 v vᵀ) A over some columns, v standing on the rows from `first` on.
fn reflect_rows(a: &mut Array2<f64>, v: &[f64], first: usize, columns: std::ops::Range<usize>, sums: &mut [f64]) {
    let sums = &mut sums[..columns.len()];
    sums.fill(0.0);
    for (k, &v) in v.iter().enumerate() {
        let row = a.slice(s![first + k, columns.clone()]);
        sums.iter_mut().zip(row).for_each(|(sum, a)| *sum += v * a);
    }
    for (k, &v) in v.iter().enumerate() {
        let row = a.slice_mut(s![first + k, columns.clone()]);
        row.into_iter().zip(&*sums).for_each(|(a, sum)| *a -= 2.0 * v * sum);
    }
}

/// A ← A (1 − 2 v vᵀ) over some rows, v standing on the columns from `first` on.
fn reflect_columns(a: &mut Array2<f64>, v: &[f64], first: usize, rows: std::ops::Range<usize>) {
    for row in rows {
        let part = a.slice_mut(s![row, first..first + v.len()]);
        let sum: f64 = part.iter().zip(v).map(|(a, v)| a * v).sum();
        part.into_iter().zip(v).for_each(|(a, v)| *a -= 2.0 * sum * v);
    }
}

/// Zeros below the first subdiagonal, by reflections from both sides.
fn to_hessenberg(a: &mut Array2<f64>) {
    let n = a.nrows();
    let mut sums = vec![0.0; n];
    for k in 0..n.saturating_sub(2) {
        let mut v: Vec<f64> = a.slice(s![k + 1.., k]).to_vec();
        if reflector(&mut v).is_none() {
            continue;
        }
        reflect_rows(a, &v, k + 1, k..n, &mut sums);
        reflect_columns(a, &v, k + 1, 0..n);
        a.slice_mut(s![k + 2.., k]).fill(0.0);
    }
}

/// The eigenvalues of a Hessenberg matrix, which is used up.
fn francis(h: &mut Array2<f64>) -> Option<Vec<Complex>> {
    let mut found = Vec::with_capacity(h.nrows());
    let mut sums = vec![0.0; h.nrows()];
    // The block at work is low..end.
    let (mut end, mut shifts) = (h.nrows(), 0);
    while end > 0 {
        let low = block_start(h, end);
        match end - low {
            1 => found.push(Complex { re: h[[low, low]], im: 0.0 }),
            2 => found.extend(pair(h[[low, low]], h[[low, low + 1]], h[[low + 1, low]], h[[low + 1, low + 1]])),
            _ => {
                shifts += 1;
                if shifts > SHIFTS_MAX {
                    return None;
                }
                double_shift(h, low, end, shifts % EXCEPTIONAL == 0, &mut sums);
                continue;
            }
        }
        (end, shifts) = (low, 0);
    }
    Some(found)
}

/// Where the last block that does not fall apart starts: above it the subdiagonal is zero, to rounding.
fn block_start(h: &mut Array2<f64>, end: usize) -> usize {
    for k in (1..end).rev() {
        let beside = h[[k - 1, k - 1]].abs() + h[[k, k]].abs();
        // Both may be zero, as in a shift matrix; the matrix is scaled to 1.
        let beside = if beside == 0.0 { 1.0 } else { beside };
        if h[[k, k - 1]].abs() <= (f64::EPSILON * beside).max(NOTHING) {
            h[[k, k - 1]] = 0.0;
            return k;
        }
    }
    0
}

/// One step of the iteration on a block: both eigenvalues of its last 2 × 2 corner are shifted by at once, (H − s₁)(H −
/// s₂), which is real for a complex pair.
fn double_shift(h: &mut Array2<f64>, low: usize, end: usize, exceptional: bool, sums: &mut [f64]) {
    let (p, q) = (end - 2, end - 1);
    let (sum, product) = if exceptional {
        let size = h[[q, p]].abs() + h[[p, p - 1]].abs();
        (1.5 * size, size * size)
    } else {
        (h[[p, p]] + h[[q, q]], h[[p, p]] * h[[q, q]] - h[[p, q]] * h[[q, p]])
    };
    // The first column of (H − s₁)(H − s₂), which has three numbers.
    let (a, b, c, d) = (h[[low, low]], h[[low, low + 1]], h[[low + 1, low]], h[[low + 1, low + 1]]);
    let mut v = [a * a + b * c - sum * a + product, c * (a + d - sum), c * h[[low + 2, low + 1]]];
    for k in low..end - 1 {
        let count = (end - k).min(3);
        if reflector(&mut v[..count]).is_some() {
            reflect_rows(h, &v[..count], k, k.max(low + 1) - 1..end, sums);
            reflect_columns(h, &v[..count], k, low..end.min(k + 4));
        }
        // What the reflection pushed out below the subdiagonal is the next one's to remove.
        for (j, v) in v.iter_mut().enumerate() {
            *v = if k + 1 + j < end { h[[k + 1 + j, k]] } else { 0.0 };
        }
        if k > low {
            h.slice_mut(s![k + 1..end.min(k + 3), k - 1]).fill(0.0);
        }
    }
}

/// The eigenvalues of [a b; c d].
fn pair(a: f64, b: f64, c: f64, d: f64) -> [Complex; 2] {
    let half = 0.5 * (a - d);
    let square = half * half + b * c;
    if square < 0.0 {
        let im = (-square).sqrt();
        return [Complex { re: d + half, im }, Complex { re: d + half, im: -im }];
    }
    // The one farther from d first; the other by the product, without cancellation.
    let far = half + square.sqrt().copysign(half);
    let near = if far == 0.0 { 0.0 } else { -b * c / far };
    [Complex { re: d + far, im: 0.0 }, Complex { re: d + near, im: 0.0 }]
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::{Purpose, Random};

    /// Relative to the norm, for eigenvalues that a rounding moves by about as much as itself.
    const TOLERANCE: f64 = 1e-11;

    /// Each expected value is found, near enough, once.
    #[track_caller]
    fn assert_spectrum(matrix: &Array2<f64>, expected: &[(f64, f64)], tolerance: f64) {
        let mut found = eigenvalues(matrix.view()).unwrap();
        assert_eq!(found.len(), expected.len());
        for &(re, im) in expected {
            let off = |z: &Complex| (z.re - re).hypot(z.im - im);
            let nearest = (0..found.len()).min_by(|&a, &b| off(&found[a]).total_cmp(&off(&found[b]))).unwrap();
            let nearest = found.swap_remove(nearest);
            assert!(off(&nearest) <= tolerance, "{re} + {im} i: {nearest:?}");
        }
    }

    /// The matrix whose characteristic polynomial has these roots, pairs given by both.
    fn companion(roots: &[(f64, f64)]) -> Array2<f64> {
        let mut coefficients = vec![(1.0, 0.0)];
        for &(re, im) in roots {
            let mut next = vec![(0.0, 0.0); coefficients.len() + 1];
            for (k, &(a, b)) in coefficients.iter().enumerate() {
                next[k] = (next[k].0 + a, next[k].1 + b);
                next[k + 1] = (next[k + 1].0 - (a * re - b * im), next[k + 1].1 - (a * im + b * re));
            }
            coefficients = next;
        }
        let n = roots.len();
        Array2::from_shape_fn((n, n), |(i, j)| match i {
            0 => -coefficients[j + 1].0,
            _ => f64::from(u8::from(i == j + 1)),
        })
    }

    fn random_matrix(n: usize, seed: u64) -> Array2<f64> {
        let mut random = Random::new(seed, Purpose::Data);
        Array2::from_shape_simple_fn((n, n), || random.normal())
    }

    #[test]
    fn small_and_plain_matrices() {
        assert_spectrum(&Array2::zeros((0, 0)), &[], 0.0);
        assert_spectrum(&Array2::from_elem((1, 1), -3.0), &[(-3.0, 0.0)], 0.0);
        assert_spectrum(&Array2::zeros((4, 4)), &[(0.0, 0.0); 4], 0.0);
        assert_spectrum(&Array2::eye(5), &[(1.0, 0.0); 5], 0.0);
        let triangle = Array2::from_shape_fn((4, 4), |(i, j)| if j >= i { (1 + i + j) as f64 } else { 0.0 });
        assert_spectrum(&triangle, &[(1.0, 0.0), (3.0, 0.0), (5.0, 0.0), (7.0, 0.0)], TOLERANCE);
    }

    #[test]
    fn rotations_have_pairs_on_the_circle() {
        for angle in [0.1_f64, 1.0, 2.0, 3.1] {
            let (sin, cos) = angle.sin_cos();
            let rotation = ndarray::array![[cos, -sin], [sin, cos]];
            assert_spectrum(&rotation, &[(cos, sin), (cos, -sin)], TOLERANCE);
        }
        // A cyclic shift: the roots of 1. Without a shift of another kind the iteration would turn in a circle.
        for n in [3, 4, 7, 16] {
            let cycle = Array2::from_shape_fn((n, n), |(i, j)| f64::from(u8::from((i + 1) % n == j)));
            let roots: Vec<_> = (0..n).map(|k| (TAU * k as f64 / n as f64).sin_cos()).map(|(s, c)| (c, s)).collect();
            assert_spectrum(&cycle, &roots, TOLERANCE);
        }
    }

    #[test]
    fn companion_matrices_have_their_roots() {
        let roots = [(3.0, 0.0), (-2.0, 0.0), (0.5, 1.5), (0.5, -1.5), (0.1, 0.0)];
        assert_spectrum(&companion(&roots), &roots, TOLERANCE);
        let scaled = companion(&roots) * 1e200;
        let large: Vec<_> = roots.iter().map(|(re, im)| (re * 1e200, im * 1e200)).collect();
        assert_spectrum(&scaled, &large, TOLERANCE * 1e200);
    }

    #[test]
    fn defective_matrices_too() {
        // A Jordan block as it stands is triangular; turned, its threefold 2 is found to the third root of a rounding.
        let jordan = ndarray::array![[2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 2.0]];
        assert_spectrum(&jordan, &[(2.0, 0.0); 3], 0.0);
        let turn = ndarray::array![[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];
        let turn = turn.dot(&ndarray::array![[1.0, 0.0, 0.0], [0.0, 0.28, -0.96], [0.0, 0.96, 0.28]]);
        assert_spectrum(&turn.dot(&jordan).dot(&turn.t()), &[(2.0, 0.0); 3], 1e-4);
        // The sixth root of a rounding is 0.0025.
        let nilpotent = Array2::from_shape_fn((6, 6), |(i, j)| f64::from(u8::from(j == i + 1)));
        assert_spectrum(&nilpotent.t().to_owned(), &[(0.0, 0.0); 6], 3e-3);
    }

    #[test]
    fn a_similar_matrix_has_the_same_spectrum() {
        // Blocks of known eigenvalues, under a random product of reflections.
        let n = 60;
        let mut blocks = Array2::<f64>::zeros((n, n));
        let mut expected = Vec::new();
        for k in (0..n).step_by(2) {
            let (radius, angle) = (0.2 + 0.03 * k as f64, 0.1 * k as f64 + 0.05);
            let (re, im) = (radius * angle.cos(), radius * angle.sin());
            blocks.slice_mut(s![k..k + 2, k..k + 2]).assign(&ndarray::array![[re, -im], [im, re]]);
            expected.extend([(re, im), (re, -im)]);
        }
        for seed in 0..4 {
            let mut v = random_matrix(n, seed).row(0).to_vec();
            reflector(&mut v).unwrap();
            let mut sums = vec![0.0; n];
            reflect_rows(&mut blocks, &v, 0, 0..n, &mut sums);
            reflect_columns(&mut blocks, &v, 0, 0..n);
        }
        assert_spectrum(&blocks, &expected, TOLERANCE);
    }

    #[test]
    fn trace_and_squares_of_random_matrices() {
        for n in [1, 2, 3, 5, 17, 100] {
            let a = random_matrix(n, n as u64);
            let found = eigenvalues(a.view()).unwrap();
            let sum: f64 = found.iter().map(|z| z.re).sum();
            let squares: f64 = found.iter().map(|z| z.re * z.re - z.im * z.im).sum();
            let size = a.iter().map(|x| x * x).sum::<f64>();
            assert!((sum - a.diag().sum()).abs() <= TOLERANCE * size, "{n}");
            assert!((squares - a.dot(&a).diag().sum()).abs() <= TOLERANCE * size, "{n}");
            assert!(found.windows(2).all(|two| two[0].abs() >= two[1].abs() * (1.0 - 1e-15)), "{n}");
            assert!(found.iter().map(|z| z.im).sum::<f64>().abs() <= TOLERANCE, "{n}");
        }
    }

    #[test]
    fn rows_of_very_different_sizes() {
        // As the Jacobian of a saturated tanh: diag(1 − h²) Rᵀ with parts from 1 to what is no f32 any more.
        for (n, decades) in [(20, 10), (60, 46), (60, 300), (128, 46)] {
            for seed in 0..3 {
                let mut random = Random::new(seed, Purpose::Cell);
                let mut a = random_matrix(n, seed);
                for mut row in a.outer_iter_mut() {
                    let part = 10f64.powi(-(random.below(decades) as i32));
                    row.mapv_inplace(|x| x * part);
                }
                let found = eigenvalues(a.view()).unwrap_or_else(|| panic!("{n} {decades} {seed}"));
                let (sum, trace) = (found.iter().map(|z| z.re).sum::<f64>(), a.diag().sum());
                assert!((sum - trace).abs() <= TOLERANCE, "{n} {decades} {seed}: {sum} {trace}");
                assert!(largest_singular_value(a.view()).is_some(), "{n} {decades} {seed}");
            }
        }
        let tiny = random_matrix(7, 1) * 1e-300;
        let usual = eigenvalues(random_matrix(7, 1).view()).unwrap()[0].abs();
        let found = eigenvalues(tiny.view()).unwrap()[0].abs() * 1e300;
        assert!((found - usual).abs() < TOLERANCE * usual);
    }

    #[test]
    fn the_largest_singular_value_is_the_norm() {
        let a = ndarray::array![[3.0, 0.0], [4.0, 5.0]];
        assert!((largest_singular_value(a.view()).unwrap() - 45.0_f64.sqrt()).abs() < TOLERANCE);
        // Far from the spectral radius, which is 0.
        let a = ndarray::array![[0.0, 7.0, 0.0], [0.0, 0.0, 1e-3]];
        assert!((largest_singular_value(a.view()).unwrap() - 7.0).abs() < TOLERANCE);
        assert_eq!(largest_singular_value(Array2::zeros((2, 3)).view()), Some(0.0));
    }

    #[test]
    fn what_is_not_finite_has_no_spectrum() {
        for x in [f64::NAN, f64::INFINITY] {
            let a = ndarray::array![[1.0, x], [0.0, 1.0]];
            assert_eq!(eigenvalues(a.view()), None);
            assert_eq!(largest_singular_value(a.view()), None);
        }
    }
}
