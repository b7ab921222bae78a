//! Any bytes as a file of images to predict: PNG or IDX.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(images) = elman_cli::read_images("input", bytes) {
        assert_eq!(images.image(images.len() - 1).len(), images.rows * images.cols);
    }
});
