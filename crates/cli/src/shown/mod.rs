//! Text for the eye: numbers with the digits that count, amounts with units, names that harm no terminal, layers in a line.

pub(crate) mod amounts;
pub(crate) mod columns;
pub(crate) mod digits;
pub(crate) mod names;
pub(crate) mod network;
