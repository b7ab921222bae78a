//! What a cell computes with: an instruction set, an arithmetic, and maybe threads that share a product.

use std::fmt;
use std::ops::Range;

use crate::arithmetic::Arithmetic;
use crate::pass::Pass;
use crate::product::{Ends, Segment, product_alone};
use crate::product_of_pieces::product_of_pieces;
use crate::simd::{Isa, Kernel};
use crate::team::Team;

/// An instruction set, an arithmetic, and maybe a [`Team`] of threads.
///
/// Which threads work on a product changes no bit of it. An [`Isa`] is an engine of one thread, in f32: `isa.into()`.
#[derive(Clone, Copy, Debug)]
pub struct Engine<'a> {
    /// The instruction set.
    pub isa: Isa,
    /// How products are computed.
    pub arithmetic: Arithmetic,
    /// In which pass over the same weights; None where nobody promises that they stay what they are.
    pub pass: Option<Pass>,
    /// Threads that share the products that are large enough.
    pub team: Option<&'a Team<'a>>,
}

impl From<Isa> for Engine<'_> {
    fn from(isa: Isa) -> Self {
        Engine::new(isa, Arithmetic::F32)
    }
}

impl fmt::Display for Engine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.arithmetic {
            Arithmetic::F32 => write!(f, "{}", self.isa),
            arithmetic => write!(f, "{} {arithmetic}", self.isa),
        }
    }
}

impl Engine<'_> {
    /// An engine of one thread.
    pub fn new(isa: Isa, arithmetic: Arithmetic) -> Self {
        Engine { isa, arithmetic, pass: None, team: None }
    }

    /// `finish(start + Σ segments)` for each row and panel of sixteen columns: one function for each kind of `ends`, for
    /// all who use it.
    pub(crate) fn product<'a, E: Ends>(
        self,
        rows: usize,
        panels: usize,
        segments: impl Iterator<Item = Segment<'a>> + Clone + Sync,
        ends: E,
    ) {
        match self.team {
            Some(team) => team.product(self, rows, panels, segments, ends),
            None => self.product_alone(rows, 0..panels, segments, ends),
        }
    }

    /// The product of some panels, on the calling thread.
    pub(crate) fn product_alone<'a, E: Ends>(
        self,
        rows: usize,
        panels: Range<usize>,
        segments: impl Iterator<Item = Segment<'a>> + Clone,
        ends: E,
    ) {
        match self.arithmetic {
            Arithmetic::F32 => product_alone(self.isa, rows, panels, segments, ends),
            arithmetic => product_of_pieces(self.isa, arithmetic, self.pass, rows, panels, segments, ends),
        }
    }

    /// Runs `kernel` on the calling thread, compiled for the instruction set.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        self.isa.run(kernel)
    }
}
