//! The laws of the kernels, where there is nobody to run tests: each is an export, which traps if the law is broken. What
//! broke it can then be read out of memory.
//!
//! These are the files of `crates/kernels/tests/it`, not copies: `#[test]` is another macro here.

// Tests may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[macro_use]
extern crate elman_web_law;

#[path = "../../../crates/kernels/tests/it/alone.rs"]
mod alone;
#[path = "../../../crates/kernels/tests/support/compare.rs"]
mod compare;
#[path = "../../../crates/kernels/tests/it/laws/mod.rs"]
mod laws;
#[path = "../../../crates/kernels/tests/it/layers.rs"]
mod layers;
#[path = "../../../crates/kernels/tests/it/optimizers.rs"]
mod optimizers;
#[path = "../../../crates/kernels/tests/support/random.rs"]
mod random;
pub mod said;
