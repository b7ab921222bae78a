//! elman: a stream for single steps, a predictor for batches. It also writes the model that `elman predict` reads.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use elman::formats::Array;
use elman::{Arrays, Build, Model, Gru, Init, Lstm, Predictor, Purpose, Random, Rnn, Stack, Stream};
use elman_peers::inference::{Job, Network, batch_of, serve};
use ndarray::{Array1, Array3};
use serde_json::json;

struct Elman {
    stream: Stream,
    predictor: Predictor,
    batch: Arrays,
}

fn build(job: &Job, cell: &str) -> Result<Elman, Box<dyn Error>> {
    let stack = match cell {
        "rnn" => Stack::new(Rnn::new(job.input, job.hidden)),
        "lstm" => Stack::new(Lstm::new(job.input, job.hidden)),
        _ => Stack::new(Gru::new(job.input, job.hidden)),
    };
    let mut random = Random::new(0, Purpose::Cell);
    let mut model = Model::new(&stack.init(Init::Tf, &mut random)?, job.classes, Init::Tf, &mut random)?;
    let mut arrays = BTreeMap::new();
    for (name, array) in model.arrays() {
        let data = job.array(cell, &name)?;
        arrays.insert(name, Array { shape: array.shape, data });
    }
    model.set_arrays(&arrays)?;
    model.steps = Some(job.steps);
    model.save(&job.folder.join(cell).join("model.safetensors"))?;

    let xs = Array3::from_shape_vec((job.batch, job.steps, job.input), batch_of(&job.folder)?)?;
    let batch = Arrays::new(xs, Array1::zeros(job.batch))?;
    Ok(Elman { stream: Arc::new(model.clone()).stream()?, predictor: Predictor::new(model, job.threads), batch })
}

impl Network for Elman {
    fn reset(&mut self) -> Result<(), Box<dyn Error>> {
        self.stream.reset();
        Ok(())
    }

    fn step(&mut self, x: &[f32], h: &mut [f32]) -> Result<(), Box<dyn Error>> {
        h.copy_from_slice(self.stream.read(x));
        Ok(())
    }

    fn predict(&mut self) -> Result<Vec<f32>, Box<dyn Error>> {
        Ok(self.predictor.predict(&self.batch)?.into_raw_vec_and_offset().0)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let about = |job: &Job| {
        json!({
            "version": format!("elman {} {}", job.commit, elman::active_isa()),
            "stream_threads": 1, "batch_threads": job.threads,
        })
    };
    serve(about, build)
}
