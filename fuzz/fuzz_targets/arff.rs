//! Any bytes as an `.arff` file of sequences.

#![no_main]

use elman_datasets::sequences::{ColumnNames, parse, parse_labelled, parse_numbered};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for read in [parse, parse_labelled] {
        let Ok(set) = read("input.arff", bytes, &ColumnNames::default()) else { continue };
        assert!(!set.is_empty() && set.offsets.is_sorted_by(|a, b| a < b));
        assert_eq!(set.values.len(), set.offsets[set.len()] * set.features());
        assert!(set.labels.iter().flatten().all(|&label| label < set.classes.len()));
        assert!(set.values.iter().all(|value| !value.is_infinite()));
    }
    if let Ok((set, numbers)) = parse_numbered("input.arff", bytes, &ColumnNames::default()) {
        assert!(set.labels.is_none() && numbers.iter().flatten().all(|number| number.is_finite()));
        assert!(numbers.is_none_or(|numbers| numbers.len() == set.len()));
    }
});
