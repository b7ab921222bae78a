//! Any arrays of NumPy as sequences: each that begins in the input is put into an archive, the first as the values, the others
//! as labels and lengths.

#![no_main]

use elman_datasets::sequences::{ColumnNames, parse, parse_labelled};

const MAGIC: &[u8] = b"\x93NUMPY";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let begins = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(MAGIC));
    let mut ends: Vec<usize> = begins.skip(1).take(2).collect();
    ends.push(bytes.len());
    let mut start = 0;
    let files: Vec<(&str, &[u8])> = ["x.npy", "y.npy", "lengths.npy"]
        .into_iter()
        .zip(ends)
        .map(|(name, end)| (name, &bytes[std::mem::replace(&mut start, end)..end]))
        .collect();
    let archive = elman_fuzz::zip(&files).unwrap();
    if let Ok(set) = parse("input.npz", &archive, &ColumnNames::default()) {
        assert_eq!(set.values.len(), set.offsets[set.len()] * set.features());
        assert!(set.labels.iter().flatten().all(|&label| label < set.classes.len()));
    }
    let _ = parse_labelled("input.npz", &archive, &ColumnNames::default());
});
