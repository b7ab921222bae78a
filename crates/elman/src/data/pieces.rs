//! Streams of bits cut into sequences.

use crate::{Echo, Labelled, Sequences, StepClass, Target};

/// The pieces of all streams of an [`Echo`], each a sequence by itself: how it is read where no state is carried.
#[derive(Clone, Copy, Debug)]
pub struct EchoPieces<'a> {
    /// The streams.
    pub series: &'a Echo,
    /// Steps of a piece, at least 1.
    pub window: usize,
}

impl EchoPieces<'_> {
    /// The stream of a piece, and its first step there.
    fn place(&self, row: usize) -> (usize, usize) {
        let pieces = self.series.steps().div_ceil(self.window);
        (row / pieces, row % pieces * self.window)
    }
}

impl Sequences for EchoPieces<'_> {
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

impl Labelled for EchoPieces<'_> {
    fn target(&self) -> Target<'_> {
        Target::StepClasses(self)
    }
}

impl StepClass for EchoPieces<'_> {
    fn class(&self, row: usize, step: usize) -> usize {
        let (stream, start) = self.place(row);
        self.series.class(stream, start + step)
    }
}
