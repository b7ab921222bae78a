//! tract: the ONNX files that ONNX Runtime reads too. With two arguments, a model and a digit, it predicts one and ends.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use elman_peers::inference::{Job, Network, batch_of, serve};
use elman_peers::{answer, read};
use serde_json::json;
use tract_onnx::prelude::*;

type Model = Arc<TypedRunnableModel>;

struct Tract {
    step: Model,
    batch: Model,
    /// x [T, B, I]
    xs: TValue,
    /// h [1, 1, H], and c of an LSTM.
    state: TVec<TValue>,
}

fn load(path: &Path) -> TractResult<Model> {
    tract_onnx::onnx().model_for_path(path)?.into_optimized()?.into_runnable()
}

fn tensor(shape: &[usize], data: &[f32]) -> TractResult<TValue> {
    Ok(Tensor::from_shape(shape, data)?.into())
}

fn build(job: &Job, cell: &str) -> Result<Tract, Box<dyn Error>> {
    let folder = job.folder.join(cell);
    let rows = batch_of(&job.folder)?;
    let at = |t: usize, b: usize| &rows[(b * job.steps + t) * job.input..][..job.input];
    let xs: Vec<f32> = (0..job.steps).flat_map(|t| (0..job.batch).flat_map(move |b| at(t, b))).copied().collect();
    Ok(Tract {
        step: load(&folder.join("step.onnx"))?,
        batch: load(&folder.join("batch.onnx"))?,
        xs: tensor(&[job.steps, job.batch, job.input], &xs)?,
        state: zeros(job.hidden, if cell == "lstm" { 2 } else { 1 })?,
    })
}

fn zeros(hidden: usize, states: usize) -> TractResult<TVec<TValue>> {
    (0..states).map(|_| tensor(&[1, 1, hidden], &vec![0.0; hidden])).collect()
}

impl Network for Tract {
    fn reset(&mut self) -> Result<(), Box<dyn Error>> {
        self.state = zeros(self.state[0].len(), self.state.len())?;
        Ok(())
    }

    fn step(&mut self, x: &[f32], h: &mut [f32]) -> Result<(), Box<dyn Error>> {
        let mut inputs = tvec![tensor(&[1, 1, x.len()], x)?];
        inputs.append(&mut self.state);
        self.state = self.step.run(inputs)?;
        h.copy_from_slice(self.state[0].view().as_slice::<f32>()?);
        Ok(())
    }

    fn predict(&mut self) -> Result<Vec<f32>, Box<dyn Error>> {
        let outputs = self.batch.run(tvec![self.xs.clone()])?;
        Ok(outputs[0].view().as_slice::<f32>()?.to_vec())
    }
}

fn predict(model: &str, digit: &str) -> Result<(), Box<dyn Error>> {
    let pixels = read(Path::new(digit), f32::from_le_bytes)?;
    let outputs = load(Path::new(model))?.run(tvec![tensor(&[28, 1, 28], &pixels)?])?;
    answer(json!(outputs[0].view().as_slice::<f32>()?))?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [model, digit] = &arguments[..] {
        return predict(model, digit);
    }
    serve(|_| json!({ "version": "tract 0.23.9", "stream_threads": 1, "batch_threads": 1 }), build)
}
