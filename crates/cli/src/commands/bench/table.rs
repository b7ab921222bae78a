//! The records of a sweep as a table for people, a group of lines for each size that varies.

use super::record::{Record, Varies};
use crate::shown::amounts::thousands;

/// A record's line; above it the heading, where it does not go on with the group of the one before.
pub(crate) fn lines(before: Option<&Record>, record: &Record) -> String {
    match before {
        Some(before) if before.varies == record.varies => row(record),
        Some(_) => format!("\n{}\n{}", heading(record), row(record)),
        None => format!("{}\n{}", heading(record), row(record)),
    }
}

/// What varies and what does not, and the names of the columns.
fn heading(record: &Record) -> String {
    let Record { varies, report } = record;
    let fixed = [
        (Varies::Hidden, format!("hidden {}", report.hidden)),
        (Varies::Batch, format!("batch {}", report.batch)),
        (Varies::Steps, format!("{} steps", report.steps)),
        (Varies::Threads, format!("{} threads", report.threads)),
    ];
    let fixed: Vec<String> =
        fixed.into_iter().filter(|(of, _)| of.size() != varies.size()).map(|(_, text)| text).collect();
    let title = if *varies == Varies::SmallBatch { "small batch, threads vary" } else { varies.size() };
    format!(
        "{title}: {}, input {}, lengths {}, {}\n\
         cell    {:>7} {:>11} {:>8} {:>8} {:>6} {:>6} {:>10} {:>12} {:>10} {:>10}",
        fixed.join(", "),
        report.input,
        report.lengths,
        report.isa,
        varies.size(),
        "train ms",
        "GFLOP/s",
        "peak",
        "share",
        "best",
        "element ns",
        "sequences/s",
        "stream µs",
        "p99 µs",
    )
}

/// A record in these columns.
fn row(record: &Record) -> String {
    let Record { varies, report } = record;
    let us = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.2}"));
    // What was disturbed is no result.
    let share = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
    format!(
        "{:6}  {:>7} {:>11.3} {:>8.1} {:>8.1} {:>6} {:>6} {:>10.1} {:>12} {:>10} {:>10}",
        report.cell,
        varies.of(report),
        report.train_step_ms,
        report.train_gflops,
        report.peak_gflops,
        share(report.share_of_peak),
        share(report.share_of_peak_best),
        report.element_ns,
        thousands(report.infer_sequences_per_second as u64),
        us(report.stream_step_us),
        us(report.stream_step_p99_us),
    )
}

#[cfg(test)]
mod tests {
    use super::super::chart::tests::record;
    use super::*;

    #[test]
    fn columns_stand_below_their_names() {
        for varies in Varies::ALL {
            let record = record(varies, "lstm", 4096, 0.7);
            let heading = heading(&record);
            let (title, names) = heading.split_once('\n').unwrap();
            assert!(title.contains(varies.size()) && title.contains("input 28, lengths full, avx2"), "{title}");
            let row = row(&record);
            assert_eq!(names.chars().count(), row.chars().count(), "{names}\n{row}");
            assert!(row.starts_with("lstm       4096 "), "{row}");
        }
    }

    #[test]
    fn a_disturbed_measurement_has_no_share() {
        let record = record(Varies::Batch, "gru", 8, 1.5);
        let report = record.report.judged();
        let line = row(&Record { report, ..record });
        assert!(
            line.split_whitespace().filter(|column| *column == "-").count() >= 2 && !line.contains("1.5"),
            "{line}"
        );
    }

    #[test]
    fn each_group_has_one_heading() {
        let group = |varies| ["rnn", "gru"].map(|cell| record(varies, cell, 2, 0.5));
        let records = [group(Varies::Hidden), group(Varies::SmallBatch)].concat();
        let before = [None].into_iter().chain(records.iter().map(Some));
        let text: Vec<String> = before.zip(&records).map(|(before, record)| lines(before, record)).collect();
        let starts: Vec<&str> =
            text.iter().flat_map(|text| text.lines()).map(|line| &line[..line.len().min(5)]).collect();
        assert_eq!(starts, ["hidde", "cell ", "rnn  ", "gru  ", "", "small", "cell ", "rnn  ", "gru  "]);
    }
}
