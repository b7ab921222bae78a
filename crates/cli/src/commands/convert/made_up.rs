//! Made-up sequences: N of them, T steps, I inputs.

use elman::{Model, Purpose, Random};
use ndarray::Array3;

/// Sequences of the made-up sample, and their steps where the model has no number of its own.
const ROWS: usize = 4;
const STEPS: usize = 12;

/// Made-up sequences of unequal lengths.
pub(super) struct MadeUp {
    /// [N, T, I]
    pub(super) inputs: Array3<f32>,
    /// `[N]`, the first of them whole, none empty.
    pub(super) lengths: Vec<usize>,
}

impl MadeUp {
    pub(super) fn of(model: &Model) -> Self {
        let steps = model.steps.unwrap_or(STEPS);
        let mut random = Random::new(0, Purpose::Data);
        let tokens = model.stack().embedding.map(|embedding| embedding.tokens);
        let inputs = Array3::from_shape_simple_fn((ROWS, steps, model.stack().input()), || {
            let x = random.uniform(1.0);
            tokens.map_or(x, |tokens| ((x.abs() * tokens as f32) as usize).min(tokens - 1) as f32)
        });
        let lengths = (0..ROWS).map(|row| (steps - row * steps / ROWS).max(1)).collect();
        MadeUp { inputs, lengths }
    }

    /// The same with all steps in each row.
    #[cfg(feature = "tract")]
    pub(super) fn whole(self) -> Self {
        MadeUp { lengths: vec![self.inputs.dim().1; ROWS], ..self }
    }
}
