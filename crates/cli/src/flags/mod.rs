//! Flags as they are typed: plain structs, at the bottom of everything.
//!
//! A file for each command, and one for each group of flags that several have. The flags that a job has for itself are in
//! its own folder.

pub(crate) mod bench;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod defaults;
pub(crate) mod diagnose;
pub(crate) mod eval;
pub(crate) mod folds;
pub(crate) mod forecast;
pub(crate) mod inspect;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod numbers;
pub(crate) mod optimization;
pub(crate) mod output;
pub(crate) mod predict;
pub(crate) mod ranks;
pub(crate) mod resume;
pub(crate) mod sample;
pub(crate) mod seeds;
#[cfg(feature = "serve")]
pub(crate) mod serve;
pub(crate) mod several;
pub(crate) mod shell;
pub(crate) mod threads;
pub(crate) mod training;
pub(crate) mod tune;
pub(crate) mod writing;
pub(crate) mod wrong;
