//! Any bytes as a table of time series: with columns that are found, and with those that the table names.

#![no_main]

use elman_datasets::series::{Reader, SeriesSet};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let columns = elman_fuzz::columns(bytes);
    let column = |index: usize| columns.get(index).cloned().unwrap_or_default();
    let found = Reader::new(columns.last().cloned().unwrap_or_default());
    let readers = [
        found.clone().id(column(0)),
        found,
        Reader::new(column(1)).time([column(0)]).covariates(columns.get(2..).unwrap_or_default().to_vec()),
        Reader::new(column(2)).id(column(0)).time([column(1)]),
        Reader::new(column(2)).time([column(0), column(1)]).covariates(Vec::<String>::new()),
        Reader::new("").time_format(column(3)).decimal(','),
        Reader::new("").thousands(column(4).chars().next()),
    ];
    for reader in readers {
        if let Ok(set) = reader.parse("input", bytes) {
            check(&set);
        }
    }
});

fn check(set: &SeriesSet) {
    assert!(!set.series.is_empty());
    let _ = set.report.taken.to_string();
    for series in &set.series {
        assert_eq!(series.covariates.len(), series.steps() * set.covariates.len());
        assert!(series.target.iter().any(|y| !y.is_nan()) && series.target.iter().all(|y| !y.is_infinite()));
        let _ = set.time_text(series, 0).unwrap();
        assert_eq!(series.centres.len(), 1 + set.covariates.len());
        assert!(series.centres.iter().all(|centre| centre.is_finite()));
        let _ = set.time_text(series, series.steps() as i64);
    }
}
