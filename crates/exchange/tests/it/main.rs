//! One program for all tests that need no process of their own: linking is most of what a test program costs.

mod gatewise;
mod keras;
mod onnx_export;
mod onnx_fronts;
mod onnx_heads;
mod onnx_hostile;
mod onnx_import;
mod onnx_proof;
mod pytorch;
#[path = "../support/mod.rs"]
mod support;
mod tensorflow;
mod units;
