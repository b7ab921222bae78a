//! The output of a product, which several threads may write at once: each its own panels.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use crate::simd::LANES;

/// Where a product's sums go: those of a row and panel are sixteen floats at `row * self.row + panel * self.panel`.
pub(crate) struct Out<'a> {
    first: *mut f32,
    len: usize,
    row: usize,
    panel: usize,
    lent: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a `&mut [f32]`, whose floats any thread may read and write; copies of it that share floats are made by
// `again` alone, whose caller promises to keep them apart.
unsafe impl Send for Out<'_> {}
// SAFETY: through a shared reference nothing but `again` reaches the floats.
unsafe impl Sync for Out<'_> {}

impl<'a> Out<'a> {
    #[inline(always)]
    pub(crate) fn new(data: &'a mut [f32], row: usize, panel: usize) -> Self {
        Out { first: data.as_mut_ptr(), len: data.len(), row, panel, lent: PhantomData }
    }

    /// Whether no two rows or panels of so many share a float.
    pub(crate) fn is_apart(&self, rows: usize, panels: usize) -> bool {
        let within = |inner: usize, count: usize, outer: usize| inner >= LANES && outer >= inner.saturating_mul(count);
        within(self.panel, panels, self.row) || within(self.row, rows, self.panel)
    }

    /// The sixteen floats of a row and panel.
    ///
    /// # Panics
    /// If they are not all within the output.
    #[inline(always)]
    pub(crate) fn at(&mut self, row: usize, panel: usize) -> &mut [f32] {
        let at = row * self.row + panel * self.panel;
        assert!(at < self.len && self.len - at >= LANES, "row {row}, panel {panel} is beyond the output");
        // SAFETY: the line above; the floats are borrowed for as long as `self` is, and by the promise made to `again`
        // nobody else uses those of this row and panel.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(at), LANES) }
    }

    /// Another handle to the same output.
    ///
    /// # Safety
    /// No two handles are used for the same row and panel, nor for such that overlap, as long as both live.
    pub(crate) unsafe fn again(&self) -> Out<'a> {
        Out { ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_rows_and_panels_are_seen() {
        let mut data = [0.0; 256];
        let mut apart = |row, panel, rows, panels| Out::new(&mut data, row, panel).is_apart(rows, panels);
        assert!(apart(48, 16, 2, 3));
        assert!(!apart(47, 16, 2, 3));
        assert!(apart(16, 64, 4, 2));
        assert!(!apart(16, 63, 4, 2));
        assert!(!apart(8, 64, 4, 2));
    }
}
