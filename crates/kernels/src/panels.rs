//! Panels: a matrix cut into strips of sixteen columns, each strip contiguous, `[panel][row][16]`.
//!
//! The kernels stream through weights in exactly this order. The last panel is padded with zeros, and every kernel
//! keeps the padding zero. Users see plain row-major arrays; [`layout`](crate::layout) says where they lie in panels.

use crate::simd::LANES;

/// Panels that hold `columns` columns.
pub fn panels(columns: usize) -> usize {
    columns.div_ceil(LANES)
}

/// `columns` rounded up to whole panels.
pub fn padded(columns: usize) -> usize {
    panels(columns) * LANES
}

/// A row stride for `floats` floats: whole cache lines, and an odd number of them, so that successive rows fall into
/// different sets of the cache.
pub fn odd_stride(floats: usize) -> usize {
    (floats.div_ceil(LANES) | 1) * LANES
}

/// Packs one panel of the transpose. `packed [panel][depth][16]` holds a matrix of `columns` columns; of its rows
/// `first_row..first_row + rows`, those that belong to panel `panel` of the transpose go to
/// `transposed [columns][16]`, padded with zeros.
///
/// # Panics
/// If a slice has another length, or there are not so many rows or panels.
pub(crate) fn transpose_panel(
    packed: &[f32],
    depth: usize,
    columns: usize,
    first_row: usize,
    rows: usize,
    panel: usize,
    transposed: &mut [f32],
) {
    assert_eq!(packed.len(), padded(columns) * depth, "packed must be [{}][{depth}][16]", panels(columns));
    assert_eq!(transposed.len(), columns * LANES, "transposed must be [{columns}][16]");
    assert!(panel < panels(rows), "panel {panel} of {}", panels(rows));
    assert!(first_row + rows <= depth, "rows {first_row}..{} do not fit into {depth}", first_row + rows);
    let from = first_row + panel * LANES;
    let wide = LANES.min(rows - panel * LANES);
    for (c, out) in transposed.chunks_exact_mut(LANES).enumerate() {
        let column = &packed[((c / LANES) * depth + from) * LANES + c % LANES..];
        for (lane, x) in out.iter_mut().enumerate() {
            *x = if lane < wide { column[lane * LANES] } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_panel_is_the_transpose() {
        let (rows, columns) = (21, 18);
        let matrix: Vec<f32> = (1..=rows * columns).map(|x| x as f32).collect();
        let mut packed = vec![0.0; padded(columns) * (rows + 3)];
        for (index, &x) in matrix.iter().enumerate() {
            let (r, c) = (index / columns, index % columns);
            packed[((c / LANES) * (rows + 3) + 2 + r) * LANES + c % LANES] = x;
        }
        for panel in 0..panels(rows) {
            let mut transposed = vec![f32::NAN; columns * LANES];
            transpose_panel(&packed, rows + 3, columns, 2, rows, panel, &mut transposed);
            for c in 0..columns {
                for lane in 0..LANES {
                    let row = panel * LANES + lane;
                    let expected = if row < rows { matrix[row * columns + c] } else { 0.0 };
                    assert_eq!(transposed[c * LANES + lane], expected);
                }
            }
        }
    }

    #[test]
    fn strides_are_odd_numbers_of_lines() {
        assert_eq!([1, 16, 17, 32, 33, 157].map(odd_stride), [16, 16, 48, 48, 48, 176]);
    }
}
