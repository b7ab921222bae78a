//! An engine of one thread, which may be lent for as long as anybody likes.

use std::fmt;

use elman_kernels::{Arithmetic, Engine, Isa};

/// An instruction set and an arithmetic.
#[derive(Clone, Copy)]
pub(crate) struct Alone {
    pub(crate) isa: Isa,
    pub(crate) arithmetic: Arithmetic,
}

impl From<Isa> for Alone {
    fn from(isa: Isa) -> Self {
        Alone { isa, arithmetic: Arithmetic::F32 }
    }
}

impl From<Alone> for Engine<'_> {
    fn from(Alone { isa, arithmetic }: Alone) -> Self {
        Engine::new(isa, arithmetic)
    }
}

impl fmt::Display for Alone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Engine::from(*self))
    }
}
