//! Any bytes as an IDX file, plain and gzipped: both must give the same.

#![no_main]

use elman_datasets::{idx, images};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let plain = idx::parse(bytes);
    let whole = plain.as_ref().is_ok_and(|idx| idx.data.len() == idx.dims.iter().product::<usize>());
    assert_eq!(plain.is_ok(), whole);
    if !elman_fuzz::is_gzip(bytes) {
        assert_eq!(idx::parse(&elman_fuzz::gzip(bytes)).ok(), plain.ok());
    }
    if let Ok(images) = images::parse_images("input", bytes) {
        assert_eq!(images.image(images.len() - 1).len(), images.rows * images.cols);
    }
});
