//! One program for all tests that need no process of their own: linking is most of what a test program costs.

#[path = "../support/mod.rs"]
mod support;

mod hdf5;
mod keras;
mod numpy;
mod onnx;
mod tensorflow;
mod torch;
