//! A saved sweep: one record a line, as `elman bench --sweep --json` writes it.

use std::path::Path;

use anyhow::{Context, bail};

use super::point::SIZE_MAX;
use super::record::Record;
use crate::options::network::CELLS;

/// Reads the records of a file.
///
/// # Errors
/// If it cannot be read, has none, or a line is none; the message names the line.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Record>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut records = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let record = parse(line).with_context(|| {
            format!("line {} of {} is no record of `elman bench --sweep --json`", index + 1, path.display())
        });
        records.push(record?);
    }
    if records.is_empty() {
        bail!("{} has no records; `elman bench --sweep --json` writes them", path.display());
    }
    Ok(records)
}

/// A line, with values that can be drawn.
fn parse(line: &str) -> anyhow::Result<Record> {
    let record: Record = serde_json::from_str(line).map_err(|error| {
        // It always speaks of line 1, which is another one in the file.
        let (text, column) = (error.to_string(), error.column());
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        if column > 0 { anyhow::anyhow!("{text} at column {column}") } else { anyhow::anyhow!("{text}") }
    })?;
    let record = Record { report: record.report.judged(), ..record };
    let report = &record.report;
    if !CELLS.contains(&report.cell.as_str()) {
        bail!("cell is {:?}; expected one of: {}", report.cell, CELLS.join(", "));
    }
    let size = record.varies.of(report);
    if !(1..=SIZE_MAX).contains(&size) {
        bail!("{} is {size}; expected 1 to {SIZE_MAX}", record.varies.size());
    }
    let share = report.share_of_peak.or(report.disturbed_share);
    match share {
        Some(share) if share.is_finite() && share >= 0.0 => {}
        Some(share) => bail!("share_of_peak is {share}; expected a number from 0"),
        None => bail!("share_of_peak is null, and there is no disturbed_share; expected one of the two"),
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::super::chart::tests::record;
    use super::super::record::Varies;
    use super::*;

    #[test]
    fn lines_are_records_and_empty_lines_are_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let records = [record(Varies::Hidden, "gru", 64, 0.5), record(Varies::SmallBatch, "rnn", 2, 0.25)];
        let lines = records.each_ref().map(|record| serde_json::to_string(record).unwrap());
        std::fs::write(&path, lines.join("\n\n") + "\n").unwrap();
        assert_eq!(read(&path).unwrap(), records);

        std::fs::write(&path, format!("{}\n\n{{\"varies\":\"hidden\"}}\n", lines[0])).unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(error.starts_with("line 3 of ") && error.contains("missing field `cell`"), "{error}");
        std::fs::write(&path, "\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("no records"));
    }

    #[test]
    fn values_that_cannot_be_drawn_are_refused() {
        let good = serde_json::to_value(record(Varies::Hidden, "gru", 64, 0.5)).unwrap();
        for (key, value, words) in [
            ("cell", "qrnn".into(), "cell is \"qrnn\"; expected one of: rnn, lstm, gru, indrnn"),
            ("hidden", 0.into(), "hidden is 0; expected 1 to"),
            ("hidden", u64::MAX.into(), "hidden is 18446744073709551615"),
            ("hidden", (-1).into(), "-1"),
            ("share_of_peak", (-0.1).into(), "share_of_peak is -0.1"),
            ("share_of_peak", serde_json::Value::Null, "null"),
            ("varies", "weather".into(), "weather"),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            let error = parse(&bad.to_string()).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("at line"), "{key}: {error}");
        }
        let torn = &good.to_string()[..30];
        assert!(parse(torn).unwrap_err().to_string().contains("at column"));
    }
}
