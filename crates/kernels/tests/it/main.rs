//! One program for all tests that need no process of their own: linking is most of what a test program costs.

#[path = "../support/compare.rs"]
mod compare;
#[path = "../support/random.rs"]
mod random;

mod alone;
mod laws;
mod layers;
mod optimizers;
mod panics;
