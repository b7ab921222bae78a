//! elman: a stack under a classifier, stepped by the trainer.

use std::error::Error;

use elman::{Adam, Arithmetic, Arrays, Build, Model, Gru, Init, Layer, Lstm, Purpose, Random, Rnn, Stack, Trainer};
use elman_peers::{Data, Engine, Job, serve};
use ndarray::{Array1, Array3};

struct Elman {
    commit: String,
    trainer: Trainer,
    data: Arrays,
}

fn layer(job: &Job, input: usize) -> Result<Layer, String> {
    match job.cell.as_str() {
        "rnn" => Ok(Rnn::new(input, job.hidden).into()),
        "lstm" => Ok(Lstm::new(input, job.hidden).into()),
        "gru" => Ok(Gru::new(input, job.hidden).into()),
        other => Err(format!("no cell {other}")),
    }
}

fn build(job: &Job, data: Data) -> Result<Elman, Box<dyn Error>> {
    let mut stack = Stack::new(layer(job, job.input)?);
    for _ in 1..job.layers {
        stack = stack.then(layer(job, job.hidden)?);
    }
    let network = stack.init(Init::Tf, &mut Random::new(job.seed, Purpose::Cell))?;
    let model = Model::new(&network, job.classes, Init::Tf, &mut Random::new(job.seed, Purpose::Head))?;
    let name = job.options.arithmetic.as_deref().unwrap_or("f32");
    let arithmetic = Arithmetic::from_name(name).ok_or_else(|| format!("no arithmetic {name}"))?;
    let trainer = Trainer::new(model, Adam::new(job.rate)).batch_size(job.batch).threads(job.threads).arithmetic(arithmetic);

    let xs = Array3::from_shape_vec((data.labels.len(), job.steps, job.input), data.xs)?;
    let labels = Array1::from_iter(data.labels.into_iter().map(|label| label as usize));
    Ok(Elman { commit: job.commit.clone(), trainer, data: Arrays::classes(xs, labels)? })
}

impl Engine for Elman {
    fn about(&self) -> (String, usize) {
        (format!("elman {} {} {}", self.commit, self.trainer.isa, self.trainer.model().stack().arithmetic), self.trainer.threads)
    }

    fn train(&mut self, rows: &[u32]) -> Result<f64, Box<dyn Error>> {
        Ok(self.trainer.train_rows(&self.data, rows)?.loss)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    serve(build)
}
