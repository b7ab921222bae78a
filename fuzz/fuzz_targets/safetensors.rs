//! Any bytes as a safetensors file.

#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = elman_formats::read_bytes(bytes, Path::new("input"));
});
