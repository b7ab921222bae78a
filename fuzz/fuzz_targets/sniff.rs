//! Any bytes as a file whose kind is asked for, and as another program's safetensors, of which a model of ours is
//! made.

#![no_main]

use std::path::Path;

use elman_exchange::{Hints, pytorch};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = elman_formats::sniff_bytes(bytes).to_string();
    if let Ok(weights) = elman_formats::read_weights_bytes(bytes, Path::new("input")) {
        let _ = pytorch::import_weights(&weights, &Hints::default());
    }
});
