//! Any bytes as an array of NumPy.

#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = elman_formats::numpy::read_npy_bytes(bytes, Path::new("input"));
});
