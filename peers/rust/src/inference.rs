//! The protocol of `peers/infer.py`, as `peers/inference.py` has it for Python.
//!
//! B rows, T steps of a row, I floats of a step, H units, C classes.

use std::error::Error;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Deserialize;
use serde_json::json;

use crate::{answer, read};

/// What is measured, and where the weights and the inputs lie.
#[derive(Debug, Deserialize)]
pub struct Job {
    pub cells: Vec<String>,
    pub input: usize,
    pub hidden: usize,
    pub classes: usize,
    /// B
    pub batch: usize,
    /// T
    pub steps: usize,
    /// Streaming steps of a round.
    pub stream_calls: usize,
    /// Batches of a round.
    pub batch_calls: usize,
    pub threads: usize,
    pub commit: String,
    pub folder: PathBuf,
}

impl Job {
    /// An array of a cell's network, row-major.
    pub fn array(&self, cell: &str, name: &str) -> std::io::Result<Vec<f32>> {
        read(&self.folder.join(cell).join(format!("{name}.f32")), f32::from_le_bytes)
    }
}

/// One cell's network at work.
pub trait Network {
    /// Back to a state of zeros.
    fn reset(&mut self) -> Result<(), Box<dyn Error>>;
    /// One row's next step, `x [I]`: writes the state into `h [H]`.
    fn step(&mut self, x: &[f32], h: &mut [f32]) -> Result<(), Box<dyn Error>>;
    /// Probabilities [B, C] of the batch of inputs that lies in the folder.
    fn predict(&mut self) -> Result<Vec<f32>, Box<dyn Error>>;
}

/// Answers on standard output until standard input ends.
pub fn serve<N: Network>(
    about: impl FnOnce(&Job) -> serde_json::Value,
    build: impl Fn(&Job, &str) -> Result<N, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut lines = std::io::stdin().lock().lines();
    let job: Job = serde_json::from_str(&lines.next().ok_or("no job on standard input")??)?;
    let inputs = read(&job.folder.join("stream.f32"), f32::from_le_bytes)?;
    let mut networks = Vec::new();
    for cell in &job.cells {
        networks.push(build(&job, cell)?);
    }
    answer(json!({ "ready": true, "about": about(&job) }))?;

    for line in lines {
        let asked: Vec<String> = serde_json::from_str(&line?)?;
        let place = job.cells.iter().position(|cell| *cell == asked[0]).ok_or("no such cell")?;
        let network = &mut networks[place];
        let (micros, output) = match asked[1].as_str() {
            "stream" => stream(network, &job, &inputs)?,
            _ => batch(network, &job)?,
        };
        answer(json!({ "micros": micros, "output": output }))?;
    }
    Ok(())
}

/// Microseconds of each step, and the state after the last.
fn stream<N: Network>(network: &mut N, job: &Job, inputs: &[f32]) -> Result<(Vec<f64>, Vec<f32>), Box<dyn Error>> {
    let mut micros = Vec::with_capacity(job.stream_calls);
    let mut h = vec![0.0; job.hidden];
    network.reset()?;
    for x in inputs.chunks_exact(job.input) {
        let begin = Instant::now();
        network.step(x, &mut h)?;
        micros.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok((micros, h))
}

/// Microseconds of each batch, and the last one's probabilities.
fn batch<N: Network>(network: &mut N, job: &Job) -> Result<(Vec<f64>, Vec<f32>), Box<dyn Error>> {
    let mut micros = Vec::with_capacity(job.batch_calls);
    let mut output = Vec::new();
    for _ in 0..job.batch_calls {
        let begin = Instant::now();
        output = network.predict()?;
        micros.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok((micros, output))
}

/// The batch of inputs, [B, T, I].
pub fn batch_of(folder: &Path) -> std::io::Result<Vec<f32>> {
    read(&folder.join("batch.f32"), f32::from_le_bytes)
}
