//! Burn: modules of `burn::nn` on its CPU backend Flex, stepped by its Adam.

use std::error::Error;

use burn::module::Module;
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::{Gru, GruConfig, Linear, LinearConfig, Lstm, LstmConfig, Rnn, RnnConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use elman_peers::{Data, Engine, Job, serve};

#[derive(Module, Debug)]
enum Layer {
    Rnn(Rnn),
    Lstm(Lstm),
    Gru(Gru),
}

impl Layer {
    fn new(job: &Job, input: usize, device: &Device) -> Result<Self, String> {
        match job.cell.as_str() {
            "rnn" => Ok(Layer::Rnn(RnnConfig::new(input, job.hidden, true).init(device))),
            "lstm" => Ok(Layer::Lstm(LstmConfig::new(input, job.hidden, true).init(device))),
            "gru" => Ok(Layer::Gru(GruConfig::new(input, job.hidden, true).init(device))),
            other => Err(format!("no cell {other}")),
        }
    }

    /// Outputs [B, T, H] of every step.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Layer::Rnn(rnn) => rnn.forward(x, None).0,
            Layer::Lstm(lstm) => lstm.forward(x, None).0,
            Layer::Gru(gru) => gru.forward(x, None),
        }
    }
}

#[derive(Module, Debug)]
struct Model {
    layers: Vec<Layer>,
    head: Linear,
}

impl Model {
    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let outputs = self.layers.iter().fold(x, |x, layer| layer.forward(x));
        let [_, steps, _] = outputs.dims();
        self.head.forward(outputs.narrow(1, steps - 1, 1).squeeze_dim(1))
    }
}

struct Burn {
    model: Option<Model>,
    loss: CrossEntropyLoss,
    adam: ModuleOptimizer,
    rate: f64,
    threads: usize,
    device: Device,
    /// [N, T, I]
    xs: Tensor<3>,
    /// `[N]`
    labels: Tensor<1, Int>,
}

fn build(job: &Job, data: Data) -> Result<Burn, Box<dyn Error>> {
    let device = Device::flex().autodiff();
    device.seed(job.seed);
    let sizes = std::iter::once(job.input).chain(std::iter::repeat_n(job.hidden, job.layers - 1));
    let layers = sizes.map(|input| Layer::new(job, input, &device)).collect::<Result<_, _>>()?;
    let model = Model { layers, head: LinearConfig::new(job.hidden, job.classes).init(&device) };
    let rows = data.labels.len();
    let labels = data.labels.into_iter().map(|label| label as i32).collect::<Vec<_>>();
    Ok(Burn {
        model: Some(model),
        loss: CrossEntropyLossConfig::new().init(&device),
        adam: AdamConfig::new().with_epsilon(1e-8).init(),
        rate: job.rate,
        threads: job.threads,
        xs: Tensor::from_data(TensorData::new(data.xs, [rows, job.steps, job.input]), &device),
        labels: Tensor::from_data(TensorData::new(labels, [rows]), &device),
        device,
    })
}

impl Engine for Burn {
    fn about(&self) -> (String, usize) {
        ("burn 0.22.1 flex".into(), self.threads)
    }

    fn train(&mut self, rows: &[u32]) -> Result<f64, Box<dyn Error>> {
        let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let rows = Tensor::<1, Int>::from_data(&rows[..], &self.device);
        let model = self.model.take().ok_or("the last step failed")?;
        let logits = model.forward(self.xs.clone().select(0, rows.clone()));
        let loss = self.loss.forward(logits, self.labels.clone().select(0, rows));
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.adam.step(self.rate, model, gradients));
        Ok(f64::from(loss.into_scalar::<f32>()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    serve(build)
}
