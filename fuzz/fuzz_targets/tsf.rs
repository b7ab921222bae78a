//! Any bytes as a `.tsf` file of series: with the ids that are found, and with those of an attribute.

#![no_main]

use elman_datasets::series::Reader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Other texts are tables, which have a target of their own.
    let text = [b"@relation x\n", bytes].concat();
    for reader in [Reader::new(""), Reader::new("value").id("a,b").missing([-999.0])] {
        let Ok(set) = reader.parse("input.tsf", &text) else { continue };
        assert!(!set.series.is_empty());
        let _ = set.report.taken.to_string();
        for series in &set.series {
            assert!(series.target.iter().any(|y| !y.is_nan()) && series.target.iter().all(|y| !y.is_infinite()));
            assert!(series.covariates.is_empty() && series.centres.iter().all(|centre| centre.is_finite()));
            let _ = set.time_text(series, 0).unwrap();
            let _ = set.time_text(series, series.steps() as i64);
        }
    }
});
