//! Any bytes as a model of ours. One that is read and small answers to a few sequences.

#![no_main]

use std::path::Path;
use std::sync::Arc;

use elman::text::Sampler;
use elman::{Arrays, Model, Predictor, Predicts, Reads};
use ndarray::{Array1, Array3};

const ROWS: usize = 3;
const STEPS: usize = 4;
const PARAMETERS_MAX: usize = 1 << 14;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::load_bytes(bytes, Path::new("input")) else { return };
    if model.parameter_count() > PARAMETERS_MAX {
        return;
    }
    if model.vocabulary().is_ok() {
        let _ = Sampler::new(&Arc::new(model.clone()), 1, 2);
    }
    // Tokens too: whole numbers from 0, as many as any embedding has.
    let xs = Array3::from_shape_fn((ROWS, STEPS, model.stack().input()), |(row, step, _)| (row + step) as f32 % 2.0);
    let data = Arrays::classes(xs, Array1::zeros(ROWS)).unwrap();
    let head = model.head().clone();
    let mut predictor = Predictor::new(model, 1);
    let _ = match (head.predicts, head.reads) {
        (_, Reads::EveryStep) => predictor.predict_steps(&data, 0).map(|_| ()),
        (Predicts::Quantiles(_), _) => predictor.quantiles(&data).map(|_| ()),
        (Predicts::Values(_), _) => predictor.values(&data).map(|_| ()),
        (Predicts::Classes(_), _) => predictor.predict(&data).map(|_| ()),
    };
});
