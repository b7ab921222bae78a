//! Any bytes as a long table of sequences: with and without labels, its columns by their own names and as they are named.

#![no_main]

use elman_datasets::SequenceSet;
use elman_datasets::sequences::{ColumnNames, parse, parse_labelled};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let columns = elman_fuzz::columns(bytes);
    let column = |index: usize| columns.get(index).cloned();
    let named = ColumnNames {
        id: column(0),
        time: column(1).map(|columns| columns.split('+').map(str::to_owned).collect()),
        time_format: column(4),
        decimal: column(5).and_then(|mark| mark.chars().next()),
        label: column(2),
        features: (columns.len() > 3).then(|| columns[3..].to_vec()),
        ..ColumnNames::default()
    };
    for settings in [ColumnNames::default(), named] {
        let read = parse("input.csv", bytes, &settings);
        if let Ok(set) = &read {
            check(set);
        }
        if let Ok(set) = parse_labelled("input.csv", bytes, &settings) {
            check(&set);
            assert!(read.is_ok() && set.classes.len() > 1);
        }
    }
});

fn check(set: &SequenceSet) {
    assert!(!set.is_empty() && set.offsets.is_sorted_by(|a, b| a < b));
    assert_eq!(set.values.len(), set.offsets[set.len()] * set.features());
    assert!(set.labels.iter().flatten().all(|&label| label < set.classes.len()));
    assert!(set.values.iter().all(|value| !value.is_infinite()));
    assert!([0, set.features()].contains(&set.centres.len()) && set.centres.iter().all(|centre| centre.is_finite()));
    let _ = set.report.taken.as_ref().map(ToString::to_string);
}
