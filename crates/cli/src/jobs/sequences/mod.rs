//! What the jobs on whole sequences share: their columns and parts, how a sequence is read, and a recipe for a network and its
//! training by the sizes of the data.

pub(crate) mod choice;
pub(crate) mod columns;
pub(crate) mod convolutions;
pub(crate) mod given;
pub(crate) mod parts;
pub(crate) mod reading;
pub(crate) mod recipe;
pub(crate) mod sizes;
pub(crate) mod words;
