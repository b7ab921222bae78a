//! The block of a matrix product that stays in registers: all the time of training is spent here.
#![allow(unsafe_code)]

use super::{LANES, Simd};

/// The left matrix of a product: element (r, k) is `data[r * row + k * col]`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    /// The floats.
    pub(crate) data: &'a [f32],
    /// From a row to the next.
    pub(crate) row: usize,
    /// From a column to the next.
    pub(crate) col: usize,
}

/// The right matrix of a product, in panels of sixteen columns: row k of panel n starts at `data[n * panel + k * row]`.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    /// The floats.
    pub(crate) data: &'a [f32],
    /// From a row of a panel to the next.
    pub(crate) row: usize,
    /// From a panel to the next.
    pub(crate) panel: usize,
    /// Rows of the panel before the data: products in pieces count their blocks from the panel's first row.
    pub(crate) first: usize,
}

/// `sums[r][n] += Σ_k left[r][k] right[n][k]`, k from 0 to `depth`.
///
/// Each sum is one chain of multiply-adds in the order of k, whatever `M` and `N`: how rows are cut into blocks
/// changes no bit.
///
/// # Panics
/// If `left` or `right` end before the last element that is read.
#[inline(always)]
pub(crate) fn multiply<S: Simd, const M: usize, const N: usize>(
    s: S,
    sums: &mut [[S::F; N]; M],
    left: Left<'_>,
    right: Right<'_>,
    depth: usize,
) {
    if depth == 0 {
        return;
    }
    // Saturating: a product that wrapped around would pass the test.
    let last = |rows: usize, row: usize, col: usize| {
        (rows - 1).saturating_mul(row).saturating_add((depth - 1).saturating_mul(col))
    };
    assert!(last(M, left.row, left.col) < left.data.len(), "left matrix too short");
    let end = last(N, right.panel, right.row).saturating_add(LANES);
    assert!(end <= right.data.len(), "right matrix too short");
    let mut acc = *sums;
    let mut k = 0;
    while k + 4 <= depth {
        for unrolled in 0..4 {
            // SAFETY: k + unrolled < depth, and the two asserts above cover every row and panel up to there.
            unsafe { multiply_one(s, &mut acc, left, right, k + unrolled) };
        }
        k += 4;
    }
    while k < depth {
        // SAFETY: k < depth, and the two asserts above cover every row and panel up to there.
        unsafe { multiply_one(s, &mut acc, left, right, k) };
        k += 1;
    }
    *sums = acc;
}

/// # Safety
/// Element (M-1, k) of `left` and row k of panel N-1 of `right` must lie within their data.
#[inline(always)]
unsafe fn multiply_one<S: Simd, const M: usize, const N: usize>(
    s: S,
    acc: &mut [[S::F; N]; M],
    left: Left<'_>,
    right: Right<'_>,
    k: usize,
) {
    let mut weights = [s.splat(0.0); N];
    for (n, weight) in weights.iter_mut().enumerate() {
        let start = n * right.panel + k * right.row;
        // SAFETY: the caller's promise: start + LANES <= right.data.len().
        *weight = s.load(unsafe { right.data.get_unchecked(start..start + LANES) });
    }
    for (r, sums) in acc.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        let x = s.splat(*unsafe { left.data.get_unchecked(r * left.row + k * left.col) });
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = s.mul_add(x, weight, *sum);
        }
    }
}
