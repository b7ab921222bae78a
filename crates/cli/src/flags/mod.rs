//! Flags: their names, and the numbers among their values.

pub(crate) mod names;
pub(crate) mod numbers;
