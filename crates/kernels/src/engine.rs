//! What a cell computes with: an instruction set, and maybe threads that share a product.

use crate::product::{Ends, Segment, product_alone};
use crate::simd::{Isa, Kernel};
use crate::team::Team;

/// An instruction set, and maybe a [`Team`] of threads.
///
/// Which threads work on a product changes no bit of it. An [`Isa`] is an engine of one thread: `isa.into()`.
#[derive(Clone, Copy, Debug)]
pub struct Engine<'a> {
    /// The instruction set.
    pub isa: Isa,
    /// Threads that share the products that are large enough.
    pub team: Option<&'a Team<'a>>,
}

impl From<Isa> for Engine<'_> {
    fn from(isa: Isa) -> Self {
        Engine { isa, team: None }
    }
}

impl Engine<'_> {
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
            Some(team) => team.product(self.isa, rows, panels, segments, ends),
            None => product_alone(self.isa, rows, 0..panels, segments, ends),
        }
    }

    /// Runs `kernel` on the calling thread, compiled for the instruction set.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        self.isa.run(kernel)
    }
}
