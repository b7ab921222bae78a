//! Several steps pooled into one, as a cell without a state.
//!
//! K steps of a window, N features. Row-major.

use crate::cell::{Backward, Cell, Forward};
use crate::engine::Engine;
use crate::layout::Layout;
use crate::step_dense::no_state;
use crate::vanishing::{LEAST_STATE, fade};

/// What becomes of the steps of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The largest of each feature.
    Max,
    /// Their mean.
    Mean,
}

/// The steps of a window, one after the other in one input, pooled feature by feature.
///
/// y_j = max_k x_kj, or y_j = Σ_k x_kj / K
///
/// Keras's `MaxPooling1D` and `AveragePooling1D`, PyTorch's `nn.MaxPool1d` and `nn.AvgPool1d`. The input [K N] is what a
/// layer that reads windows hands in. It has no weights, and nothing goes from step to step.
///
/// The gradient of a maximum goes to the first step that has it. A NaN in a window gives NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepPool {
    /// N, the features of a step.
    pub size: usize,
    /// K, the steps that become one.
    pub steps: usize,
    /// What becomes of them.
    pub pooling: Pooling,
}

impl StepPool {
    /// The largest of `steps` steps of `size` features.
    pub fn max(size: usize, steps: usize) -> Self {
        StepPool { size, steps, pooling: Pooling::Max }
    }

    /// Their mean.
    pub fn mean(size: usize, steps: usize) -> Self {
        StepPool { pooling: Pooling::Mean, ..StepPool::max(size, steps) }
    }

    /// The step of a window `[K N]` that has the largest value of a feature, the first of equals; one that is NaN.
    fn largest(&self, x: &[f32], feature: usize) -> usize {
        let at = |step: usize| x[step * self.size + feature];
        (1..self.steps).fold(0, |best, step| {
            // A NaN is kept, and taken where it comes later.
            let more = at(step) > at(best) || (at(step).is_nan() && !at(best).is_nan());
            if more { step } else { best }
        })
    }
}

impl Cell for StepPool {
    fn name(&self) -> &'static str {
        match self.pooling {
            Pooling::Max => "max-pool",
            Pooling::Mean => "mean-pool",
        }
    }
    /// K N
    fn input(&self) -> usize {
        self.size.saturating_mul(self.steps)
    }
    fn output(&self) -> usize {
        self.size
    }
    fn layout(&self) -> Layout {
        Layout { entries: Vec::new(), len: 0 }
    }
    fn has_state(&self) -> bool {
        false
    }

    fn forward(&self, _: Engine<'_>, _: &[f32], step: Forward<'_>) {
        let Forward { rows, joint, mut output, .. } = step;
        let mean = 1.0 / self.steps as f32;
        for row in 0..rows {
            let x = &joint.row(row)[..self.input()];
            let y = output.row(row);
            y[self.size..].fill(0.0);
            y[..self.size].copy_from_slice(&x[..self.size]);
            for step in x.chunks_exact(self.size).skip(1) {
                match self.pooling {
                    Pooling::Max => y.iter_mut().zip(step).for_each(|(y, &x)| {
                        if x > *y || x.is_nan() {
                            *y = x;
                        }
                    }),
                    Pooling::Mean => y.iter_mut().zip(step).for_each(|(y, x)| *y += x),
                }
            }
            if self.pooling == Pooling::Mean {
                y[..self.size].iter_mut().for_each(|y| *y *= mean);
            }
            y[..self.size].iter_mut().for_each(|y| *y = fade(*y, LEAST_STATE));
        }
    }

    /// dx_kj = dy_j where x_kj is the first of the largest, else 0; or dx_kj = dy_j / K
    fn backward(&self, _: Engine<'_>, _: &[f32], _: &[f32], step: Backward<'_>) {
        let Backward { rows, joint, d_output, d_joint, d_input, .. } = step;
        let mean = 1.0 / self.steps as f32;
        if let Some(mut d_input) = d_input {
            for row in 0..rows {
                let (x, dy, dx) = (&joint.row(row)[..self.input()], d_output.as_rows(), d_input.row(row));
                let dy = &dy.row(row)[..self.size];
                dx.fill(0.0);
                match self.pooling {
                    Pooling::Max => {
                        for (feature, &d) in dy.iter().enumerate() {
                            dx[self.largest(x, feature) * self.size + feature] = d;
                        }
                    }
                    Pooling::Mean => {
                        for dx in dx[..self.size * self.steps].chunks_exact_mut(self.size) {
                            dx.iter_mut().zip(dy).for_each(|(dx, d)| *dx = d * mean);
                        }
                    }
                }
            }
        }
        no_state(d_joint, rows);
    }
}
