//! Any bytes as a file whose kind is asked for, and as another program's safetensors.

#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = elman_formats::sniff_bytes(bytes).to_string();
    let _ = elman_formats::read_weights_bytes(bytes, Path::new("input"));
});
