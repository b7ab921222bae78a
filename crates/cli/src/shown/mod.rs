//! How numbers are shown.

pub(crate) mod digits;
