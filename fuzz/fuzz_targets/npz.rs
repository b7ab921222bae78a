//! Any bytes as an archive of NumPy's arrays.

#![no_main]

use std::path::Path;

use elman_formats::numpy::Npz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = Npz::of_bytes(bytes.to_vec(), Path::new("input")) else { return };
    let names: Vec<String> = file.names().map(str::to_owned).collect();
    for name in names {
        let _ = file.read(&name);
    }
});
