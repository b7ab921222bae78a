//! Any bytes as a file of PyTorch, or as the pickle in one; and what is read as a model of ours.

#![no_main]

use std::path::Path;

use elman_exchange::{Hints, pytorch};
use elman_formats::torch::read_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = if bytes.starts_with(b"PK") {
        bytes.to_vec()
    } else {
        let storage = [0x3c; 256];
        elman_fuzz::zip(&[("m/data.pkl", bytes), ("m/data/0", &storage), ("m/data/1", &storage)]).unwrap()
    };
    if let Ok(file) = read_bytes(file, Path::new("input")) {
        let _ = pytorch::import_checkpoint(&file, &Hints::default());
    }
});
