//! What the tests of `elman` have at hand, and models on their way to other programs and back.
#![allow(dead_code, unused_imports, reason = "each test uses a part")]

pub(crate) mod exchange;
pub(crate) mod exports;
pub(crate) mod graph;
#[path = "../../../elman/tests/support/mod.rs"]
mod shared;

pub(crate) use shared::*;
