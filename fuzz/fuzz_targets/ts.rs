//! Any bytes as a `.ts` file.

#![no_main]

use elman_datasets::sequences::{ColumnNames, parse, parse_labelled, parse_ts};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = parse_ts("input", text);
    }
    for set in
        [parse("input.ts", bytes, &ColumnNames::default()), parse_labelled("input.ts", bytes, &ColumnNames::default())]
    {
        let Ok(set) = set else { continue };
        assert_eq!(set.values.len(), set.offsets[set.len()] * set.features());
        assert!(set.labels.iter().flatten().all(|&label| label < set.classes.len()));
    }
});
