//! Streams cut into sequences.

use elman::{Labelled, Sequences};

/// The pieces of all streams, each a sequence by itself.
pub(super) struct Pieces<'a> {
    pub(super) series: &'a elman::Echo,
    /// Steps of a piece.
    pub(super) window: usize,
}

impl Pieces<'_> {
    /// The stream of a piece, and its first step there.
    fn place(&self, row: usize) -> (usize, usize) {
        let pieces = self.series.steps().div_ceil(self.window);
        (row / pieces, row % pieces * self.window)
    }
}

impl Sequences for Pieces<'_> {
    fn len(&self) -> usize {
        self.series.len() * self.series.steps().div_ceil(self.window)
    }
    fn steps(&self) -> usize {
        self.window
    }
    fn input(&self) -> usize {
        1
    }
    fn length(&self, row: usize) -> usize {
        self.window.min(self.series.steps() - self.place(row).1)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        let (stream, start) = self.place(row);
        self.series.read(stream, start + step, x);
    }
}

impl Labelled for Pieces<'_> {
    fn label(&self, _row: usize) -> usize {
        0
    }
    fn step_label(&self, row: usize, step: usize) -> usize {
        let (stream, start) = self.place(row);
        self.series.step_label(stream, start + step)
    }
}
