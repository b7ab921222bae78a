//! The layers without a state.

use super::{Arrays, Next, Reference, Step, times};
use crate::step_dense::StepDense;
use crate::step_norm::StepNorm;
use crate::step_pool::{Pooling, StepPool};
use crate::step_scale::StepScale;

impl Reference for StepDense {
    /// y_t = φ(x_t W + b)
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let from_x = times(step.x, &arrays["kernel"]);
        let sums: Vec<f64> = from_x.iter().zip(&arrays["bias"]).map(|(x, b)| x + b).collect();
        let kinks = self.activation.kinks();
        let distances = sums.iter().flat_map(|a| kinks.iter().map(move |kink| (a - kink).abs()));
        let clear = distances.fold(f64::INFINITY, f64::min);
        let h = sums.iter().map(|&a| self.activation.value(a)).collect();
        Next { h, c: Vec::new(), clear, gates: Vec::new() }
    }
}

impl Reference for StepNorm {
    /// x̂_t = (x_t − μ_t) / √(σ²_t + ε)        y_t = γ ⊙ x̂_t + β
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let (gain, bias, count) = (&arrays["gain"], &arrays["bias"], step.x.len() as f64);
        let mean = step.x.iter().sum::<f64>() / count;
        let variance = step.x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        let deviation = (variance + f64::from(self.epsilon)).sqrt();
        let h = (0..step.x.len()).map(|j| gain[j] * (step.x[j] - mean) / deviation + bias[j]).collect();
        Next { h, c: Vec::new(), clear: f64::INFINITY, gates: Vec::new() }
    }
}

impl Reference for StepScale {
    /// y_t = a ⊙ x_t + b
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let (gain, bias) = (&arrays["gain"], &arrays["bias"]);
        let h = (0..step.x.len()).map(|j| gain[j] * step.x[j] + bias[j]).collect();
        Next { h, c: Vec::new(), clear: f64::INFINITY, gates: Vec::new() }
    }
}

impl Reference for StepPool {
    /// y_j = max_k x_kj, or Σ_k x_kj / K
    fn step(&self, _: &Arrays, step: Step<'_>) -> Next {
        let of = |feature: usize| step.x.iter().skip(feature).step_by(self.size).copied();
        let mut clear = f64::INFINITY;
        let pooled = |feature: usize| match self.pooling {
            Pooling::Mean => of(feature).sum::<f64>() / self.steps as f64,
            Pooling::Max => {
                let mut values: Vec<f64> = of(feature).collect();
                values.sort_by(|a, b| b.total_cmp(a));
                // Between equals the maximum has no derivative.
                clear = clear.min(values.get(1).map_or(f64::INFINITY, |second| values[0] - second));
                values[0]
            }
        };
        let h = (0..self.size).map(pooled).collect();
        Next { h, c: Vec::new(), clear, gates: Vec::new() }
    }
}
