//! Any bytes as a model of ONNX, and its graph as a model of ours.

#![no_main]

use elman_exchange::{Hints, onnx};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = onnx::import_bytes(bytes, &Hints::default());
});
