//! The jobs of `elman train`, each with what the other commands do for its runs.

pub(crate) mod classify;
pub(crate) mod echo;
pub(crate) mod mnist;
pub(crate) mod series;
pub(crate) mod tables;
pub(crate) mod text;
