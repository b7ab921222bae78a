//! Any bytes as a model of Keras, or as the configuration in one. The weights inside have a target of their own.

#![no_main]

use std::path::Path;

use elman_formats::keras::read_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = if bytes.starts_with(b"PK") {
        bytes.to_vec()
    } else {
        let files = [("config.json", bytes), ("metadata.json", b"{}"), ("model.weights.h5", b"")];
        elman_fuzz::zip(&files).unwrap()
    };
    let _ = read_bytes(file, Path::new("input"));
});
