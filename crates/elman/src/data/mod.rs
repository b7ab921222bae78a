//! What a network learns from: sequences of numbers, their targets, and what is done to them before.

pub(crate) mod arrays;
pub(crate) mod augment;
pub(crate) mod echo;
pub(crate) mod notation;
pub(crate) mod parts;
pub(crate) mod patch;
pub(crate) mod pieces;
pub(crate) mod row_scaling;
pub(crate) mod scaling;
pub(crate) mod sequences;
pub(crate) mod standardize;
pub(crate) mod target;
