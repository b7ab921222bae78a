//! What a network learns from: sequences of numbers, their targets, and what is done to them before.

pub(crate) mod echo;
pub(crate) mod sequences;
pub(crate) mod standardize;
