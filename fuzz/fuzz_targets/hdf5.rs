//! Any bytes as an HDF5 file.

#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = elman_formats::hdf5::read_bytes(bytes.to_vec(), Path::new("input"));
});
