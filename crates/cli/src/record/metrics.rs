//! `metrics.csv`: one row per report, in the order of time.
//!
//! The validation columns are filled in the last row of an epoch and empty elsewhere. Numbers are written with the
//! fewest digits that read back to the same bits; what is not finite is `NaN`, `inf` or `-inf`. What a job does not have is
//! empty; older files have `NaN` there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Deserializer, Serialize};

/// The header line: the names and the order of the fields of [`Row`].
const COLUMNS: [&str; 9] = [
    "step",
    "epoch",
    "loss",
    "accuracy",
    "learning_rate",
    "grad_norm",
    "seconds",
    "validation_loss",
    "validation_accuracy",
];

/// One line of `metrics.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Optimizer steps done since the run began.
    pub(crate) step: u64,
    /// The epoch of this step, from 1.
    pub(crate) epoch: u64,
    /// Mean loss of the training batch.
    pub(crate) loss: f32,
    /// Share of the training batch that was right, 0 to 1; None where the job has no such thing.
    #[serde(deserialize_with = "share")]
    pub(crate) accuracy: Option<f32>,
    /// The learning rate of this step.
    pub(crate) learning_rate: f32,
    /// Norm of the whole gradient, before clipping.
    pub(crate) grad_norm: f32,
    /// Seconds of training since the run began.
    pub(crate) seconds: f64,
    /// Mean loss of the validation set, in the last row of an epoch.
    pub(crate) validation_loss: Option<f32>,
    /// Share of the validation set that was right, in the last row of an epoch.
    #[serde(deserialize_with = "share")]
    pub(crate) validation_accuracy: Option<f32>,
}

/// A share, or nothing: NaN in older files.
fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f32>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|share: &f32| !share.is_nan()))
}

impl Row {
    /// Whether it is better than another as early stopping sees it: by the loss of validation, where that is a number.
    fn is_better_than(&self, other: &Option<Row>) -> bool {
        let loss = |row: &Row| row.validation_loss.filter(|loss| !loss.is_nan());
        loss(self).is_some_and(|own| other.as_ref().and_then(loss).is_none_or(|best| own < best))
    }
}

/// Writes `metrics.csv`. Each row is in the file when [`write`](Self::write) returns, so that a run can be watched and
/// a run that is killed keeps its rows.
pub(crate) struct MetricsWriter {
    path: PathBuf,
    csv: csv::Writer<File>,
}

impl MetricsWriter {
    /// Starts the file with its header line. What was there is gone.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let csv = csv::WriterBuilder::new().has_headers(false).from_writer(file);
        let mut writer = Self { path: path.to_owned(), csv };
        writer.put(COLUMNS)?;
        Ok(writer)
    }

    /// Goes on behind the first `bytes` of the file; what is behind them is cut off. Returns the rows that are left. Rows that
    /// are missing, because somebody removed them, are told to `warn`.
    pub(crate) fn resume(path: &Path, bytes: u64, warn: impl Fn(&str)) -> anyhow::Result<(Self, Vec<Row>)> {
        let there = std::fs::metadata(path).map_or(0, |found| found.len());
        if there < bytes {
            warn(&format!("{} is shorter than it was: rows of before the checkpoint are missing", path.display()));
        }
        let cannot = || format!("cannot write {}", path.display());
        let kept = whole_lines(path, bytes.min(there)).with_context(cannot)?;
        if kept == 0 {
            return Ok((Self::create(path)?, Vec::new()));
        }
        let file = File::options().append(true).open(path).and_then(|file| file.set_len(kept).map(|()| file));
        let file = file.with_context(cannot)?;
        let rows = read(path)?;
        let csv = csv::WriterBuilder::new().has_headers(false).from_writer(file);
        Ok((Self { path: path.to_owned(), csv }, rows))
    }

    /// Returns when all rows are on the disk: the bytes of the file.
    pub(crate) fn sync(&mut self) -> anyhow::Result<u64> {
        let file = self.csv.get_ref();
        let synced = file.sync_data().and_then(|()| file.metadata());
        Ok(synced.with_context(|| format!("cannot write {}", self.path.display()))?.len())
    }

    /// Adds one row.
    pub(crate) fn write(&mut self, row: &Row) -> anyhow::Result<()> {
        self.put(row)
    }

    /// One line, and on to the system with it.
    fn put(&mut self, line: impl Serialize) -> anyhow::Result<()> {
        let done = self.csv.serialize(line).and_then(|()| Ok(self.csv.flush()?));
        done.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// How many of the first bytes of a file are whole lines; none where there is no file.
fn whole_lines(path: &Path, bytes: u64) -> io::Result<u64> {
    if bytes == 0 {
        return Ok(0);
    }
    let mut reader = BufReader::new(File::open(path)?.take(bytes));
    let (mut read, mut whole) = (0, 0);
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(whole);
        }
        if let Some(end) = chunk.iter().rposition(|&byte| byte == b'\n') {
            whole = read + end as u64 + 1;
        }
        let len = chunk.len();
        read += len as u64;
        reader.consume(len);
    }
}

/// Reads the rows of a `metrics.csv`. Its columns must be those of this version, in their order.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    each(path, |row| {
        // Where there is no room for more, that is an error and no end of the process.
        rows.try_reserve(1)?;
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

/// The last row, and that of the least validation loss: any number of rows takes no memory.
pub(crate) fn read_ends(path: &Path) -> anyhow::Result<(Option<Row>, Option<Row>)> {
    let (mut last, mut best) = (None, None);
    each(path, |row| {
        if row.is_better_than(&best) {
            best = Some(row);
        }
        last = Some(row);
        Ok(())
    })?;
    Ok((last, best))
}

/// The row of the least validation loss, the first of several.
pub(crate) fn best(rows: &[Row]) -> Option<Row> {
    rows.iter().fold(None, |best, row| if row.is_better_than(&best) { Some(*row) } else { best })
}

/// Reads one row after the other.
fn each(path: &Path, mut take: impl FnMut(Row) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut rows = || {
        // Opening a pipe would wait for its writer.
        ensure!(std::fs::metadata(path)?.is_file(), "it is no file");
        let mut csv = csv::Reader::from_reader(File::open(path)?);
        let found = csv.headers()?.iter().collect::<Vec<_>>();
        ensure!(found == COLUMNS, "its columns are {}, expected {}", found.join(","), COLUMNS.join(","));
        csv.deserialize().try_for_each(|row| take(row?))
    };
    rows().with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const PLAIN: Row = Row {
        step: 10,
        epoch: 1,
        loss: 2.296_875,
        accuracy: Some(0.101_562_5),
        learning_rate: 0.001,
        grad_norm: 1e-7,
        seconds: 0.25,
        validation_loss: None,
        validation_accuracy: None,
    };
    const END_OF_EPOCH: Row =
        Row { step: 429, validation_loss: Some(0.281), validation_accuracy: Some(0.906), ..PLAIN };

    fn write(path: &Path, rows: &[Row]) {
        let mut writer = MetricsWriter::create(path).unwrap();
        rows.iter().for_each(|row| writer.write(row).unwrap());
    }

    #[test]
    fn a_file_is_this_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        write(&path, &[PLAIN, END_OF_EPOCH]);
        let expected = "step,epoch,loss,accuracy,learning_rate,grad_norm,seconds,validation_loss,validation_accuracy\n\
            10,1,2.296875,0.1015625,0.001,1e-7,0.25,,\n\
            429,1,2.296875,0.1015625,0.001,1e-7,0.25,0.281,0.906\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn rows_come_back_bit_for_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let rows = [
            PLAIN,
            END_OF_EPOCH,
            Row { step: u64::MAX, loss: f32::INFINITY, accuracy: None, grad_norm: f32::MAX, ..PLAIN },
            Row {
                loss: f32::from_bits(1),
                accuracy: Some(-0.0),
                learning_rate: 0.1 + 0.2,
                seconds: 0.1 + 0.2,
                ..PLAIN
            },
        ];
        write(&path, &rows);
        assert_eq!(read(&path).unwrap(), rows);
        assert_eq!(read_ends(&path).unwrap(), (rows.last().copied(), Some(END_OF_EPOCH)));
        assert!(read(dir.path()).unwrap_err().root_cause().to_string().contains("no file"));

        write(&path, &[Row { loss: f32::NAN, validation_loss: Some(f32::NAN), ..PLAIN }]);
        let rows = read(&path).unwrap();
        assert!(rows[0].loss.is_nan() && rows[0].validation_loss.unwrap().is_nan());
    }

    #[test]
    fn a_row_is_in_the_file_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let mut writer = MetricsWriter::create(&path).unwrap();
        assert_eq!((read(&path).unwrap(), read_ends(&path).unwrap()), (vec![], (None, None)));
        writer.write(&PLAIN).unwrap();
        assert_eq!(read(&path).unwrap(), [PLAIN]);
    }

    #[test]
    fn a_file_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let mut writer = MetricsWriter::create(&path).unwrap();
        writer.write(&PLAIN).unwrap();
        let bytes = writer.sync().unwrap();
        let then = std::fs::read(&path).unwrap();
        assert_eq!(bytes, then.len() as u64);
        writer.write(&END_OF_EPOCH).unwrap();
        // As a machine that goes down may leave it.
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"440,2,\0\0"))
            .unwrap();
        drop(writer);

        let (mut writer, rows) = MetricsWriter::resume(&path, bytes, |_| panic!("nothing is missing")).unwrap();
        assert_eq!(rows, [PLAIN]);
        assert_eq!(std::fs::read(&path).unwrap(), then);
        writer.write(&END_OF_EPOCH).unwrap();
        assert_eq!(read(&path).unwrap(), [PLAIN, END_OF_EPOCH]);

        let warned = std::cell::Cell::new(0);
        let warn = |_: &str| warned.set(warned.get() + 1);
        let (_, rows) = MetricsWriter::resume(&path, 1000, warn).unwrap();
        assert_eq!((rows.len(), warned.get()), (2, 1));
        // Somebody cut it in the middle of a row.
        std::fs::OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(bytes + 5)).unwrap();
        let (mut writer, rows) = MetricsWriter::resume(&path, 1000, warn).unwrap();
        assert_eq!((rows, warned.get()), (vec![PLAIN], 2));
        writer.write(&END_OF_EPOCH).unwrap();
        assert_eq!(read(&path).unwrap(), [PLAIN, END_OF_EPOCH]);
        std::fs::remove_file(&path).unwrap();
        let (_, rows) = MetricsWriter::resume(&path, 1000, warn).unwrap();
        assert_eq!((rows.len(), warned.get(), read(&path).unwrap().len()), (0, 3, 0));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let complaint = |text: &str| {
            std::fs::write(&path, text).unwrap();
            format!("{:#}", read(&path).unwrap_err())
        };
        assert!(complaint("step,loss\n").contains("its columns are step,loss, expected step,epoch,loss,"));
        assert!(complaint("").contains("its columns are , expected step,"));
        let header = COLUMNS.join(",");
        assert!(complaint(&format!("{header}\n10,1,2.3")).contains("line: 2"));
        assert!(complaint(&format!("{header}\n10,1,x,0,0,0,0,,\n")).contains("field 2: invalid float literal"));

        let missing = format!("{:#}", read(&dir.path().join("none.csv")).unwrap_err());
        assert!(missing.starts_with("cannot read ") && missing.contains("none.csv: "), "{missing}");
    }

    #[test]
    fn a_job_without_accuracy_has_an_empty_column_and_older_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let bare = Row { accuracy: None, ..PLAIN };
        let end = Row { step: 429, validation_loss: Some(0.5), ..bare };
        write(&path, &[bare, end]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("\n10,1,2.296875,,0.001,1e-7,0.25,,\n429,1,2.296875,,0.001,1e-7,0.25,0.5,\n"), "{text}");
        assert_eq!(read(&path).unwrap(), [bare, end]);
        for older in ["NaN", "nan"] {
            let text =
                text.replace("2.296875,,", &format!("2.296875,{older},")).replace("0.5,\n", &format!("0.5,{older}\n"));
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap(), [bare, end]);
        }
    }

    #[test]
    fn the_best_row_is_the_first_of_the_least_loss() {
        let row = |epoch, loss| Row { epoch, validation_loss: loss, ..PLAIN };
        let (nan, infinite) = (Some(f32::NAN), Some(f32::INFINITY));
        let epoch = |losses: &[Option<f32>]| {
            let rows: Vec<Row> = (1..).zip(losses).map(|(epoch, &loss)| row(epoch, loss)).collect();
            best(&rows).map(|row| row.epoch)
        };
        assert_eq!(epoch(&[Some(0.5), Some(0.25), None, Some(0.25), nan]), Some(2));
        assert_eq!(epoch(&[nan, infinite, Some(3.0)]), Some(3));
        assert_eq!(epoch(&[nan, infinite]), Some(2));
        assert_eq!((epoch(&[nan, None]), epoch(&[])), (None, None));
    }
}
