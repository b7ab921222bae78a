//! Any bytes as an HDF5 file, and as a model or the weights that Keras keeps in one.

#![no_main]

use std::path::Path;

use elman_exchange::{Hints, keras};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = elman_formats::hdf5::read_bytes(bytes.to_vec(), Path::new("input")) {
        let _ = keras::import_hdf5(&file, &Hints::default());
        let _ = keras::import_weights(&file.arrays, &Hints::default());
    }
});
