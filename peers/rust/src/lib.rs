//! What every Rust engine does besides its work: the protocol of `peers/run.py`, as `peers/engine.py` has it for Python.

pub mod inference;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Deserialize;
use serde_json::json;

/// A job, as `peers/jobs.py` defines it. B rows of a batch, T steps of a row, I floats of a step, H units of a layer.
#[derive(Debug, Deserialize)]
pub struct Job {
    /// `rnn`, `lstm` or `gru`.
    pub cell: String,
    pub layers: usize,
    /// H
    pub hidden: usize,
    /// B
    pub batch: usize,
    /// T
    pub steps: usize,
    /// I
    pub input: usize,
    pub classes: usize,
    /// α of Adam.
    pub rate: f64,
    pub seed: u64,
    pub threads: usize,
    /// The repository's.
    pub commit: String,
    /// Steps of a round.
    pub round: usize,
    /// Where the data lies.
    pub folder: PathBuf,
    /// Settings of an engine's own.
    #[serde(default)]
    pub options: Options,
}

/// What an engine was asked for beside the job: `NAME@KEY=VALUE`.
#[derive(Debug, Default, Deserialize)]
pub struct Options {
    /// How elman computes products.
    pub arithmetic: Option<String>,
}

/// Rows with a class each.
pub struct Data {
    /// [N, T, I]
    pub xs: Vec<f32>,
    /// `[N]`
    pub labels: Vec<u32>,
}

/// An engine that trains.
pub trait Engine {
    /// Name and version, and threads.
    fn about(&self) -> (String, usize);
    /// One step on the given rows: their mean loss, before the step.
    fn train(&mut self, rows: &[u32]) -> Result<f64, Box<dyn Error>>;
}

/// Answers on standard output until standard input ends.
pub fn serve<E: Engine>(build: impl FnOnce(&Job, Data) -> Result<E, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let mut lines = std::io::stdin().lock().lines();
    let job: Job = serde_json::from_str(&lines.next().ok_or("no job on standard input")??)?;
    let data = Data {
        xs: read(&job.folder.join("x.f32"), f32::from_le_bytes)?,
        labels: read(&job.folder.join("y.i32"), u32::from_le_bytes)?,
    };
    let order = read(&job.folder.join("order.i32"), u32::from_le_bytes)?;
    let mut rounds = order.chunks_exact(job.round * job.batch);

    let mut engine = build(&job, data)?;
    let mut train = |rows: &[u32]| -> Result<Vec<f64>, Box<dyn Error>> {
        rows.chunks_exact(job.batch).map(|rows| engine.train(rows)).collect()
    };
    let first = train(rounds.next().ok_or("no batch")?)?[0];
    let (version, threads) = engine.about();
    answer(json!({ "ready": true, "version": version, "threads": threads, "loss": first }))?;
    for (rows, line) in rounds.zip(lines) {
        line?;
        let begin = Instant::now();
        let mut losses = 0.0;
        for rows in rows.chunks_exact(job.batch) {
            losses += engine.train(rows)?;
        }
        let seconds = begin.elapsed().as_secs_f64();
        answer(json!({ "seconds": seconds, "steps": job.round, "loss": losses / job.round as f64 }))?;
    }
    Ok(())
}

/// One JSON object, a line.
pub fn answer(value: serde_json::Value) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{value}")?;
    output.flush()
}

/// A file of four-byte numbers.
pub fn read<T>(path: &Path, number: fn([u8; 4]) -> T) -> std::io::Result<Vec<T>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.chunks_exact(4).map(|b| number([b[0], b[1], b[2], b[3]])).collect())
}
