//! The GRU cell of both kinds. H hidden.

use super::{Arrays, Gate, Next, Reference, Step, layer_norm, times};
use crate::gru::{Gru, Reset};

impl Reference for Gru {
    /// r = σ(x W_r + h R_r + b_r)        z = σ(x W_z + h R_z + b_z)
    ///
    /// after:  n = tanh(x W_n + b_n + r ⊙ (h R_n + b_hn))
    /// before: n = tanh(x W_n + b_n + (r ⊙ h) R_n)
    ///
    /// h_t = (1 − z) ⊙ n + z ⊙ h_{t-1}
    ///
    /// Or other functions for σ and tanh.
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let hidden = self.hidden;
        let (sigma, phi) = (self.recurrent_activation.activation(), self.activation);
        let clear = std::cell::Cell::new(f64::INFINITY);
        let sigmoid = |a: f64| {
            clear.set(clear.get().min(sigma.clear(a)));
            sigma.exact(a)
        };
        let tanh = |a: f64| {
            clear.set(clear.get().min(phi.clear(a)));
            phi.exact(a)
        };
        let (from_x, from_h) = (times(step.x, &arrays["kernel"]), times(step.seen, &arrays["recurrent_kernel"]));
        // Gates r z n; of n, `sums` is the whole pre-activation without b_n.
        let gate = |gate: usize, sums: &[f64]| -> Vec<f64> {
            let bias = &arrays["bias"][gate * hidden..][..hidden];
            match self.layer_norm {
                true => layer_norm(sums, &arrays["gain"][gate * hidden..][..hidden], bias),
                false => sums.iter().zip(bias).map(|(sum, bias)| sum + bias).collect(),
            }
        };
        let sums =
            |gate: usize| -> Vec<f64> { (gate * hidden..(gate + 1) * hidden).map(|j| from_x[j] + from_h[j]).collect() };
        let r: Vec<f64> = gate(0, &sums(0)).into_iter().map(sigmoid).collect();
        let z: Vec<f64> = gate(1, &sums(1)).into_iter().map(sigmoid).collect();
        let n = 2 * hidden;
        let candidate: Vec<f64> = match self.reset {
            Reset::After => {
                let bias = &arrays["recurrent_bias"];
                (0..hidden).map(|j| from_x[n + j] + r[j] * (from_h[n + j] + bias[j])).collect()
            }
            Reset::Before => {
                let reset: Vec<f64> = r.iter().zip(step.seen).map(|(r, h)| r * h).collect();
                let from_reset = times(&reset, &arrays["recurrent_kernel"]);
                (0..hidden).map(|j| from_x[n + j] + from_reset[n + j]).collect()
            }
        };
        let n: Vec<f64> = gate(2, &candidate).into_iter().map(tanh).collect();
        let h = (0..hidden).map(|j| (1.0 - z[j]) * n[j] * step.candidate[j] + z[j] * step.h[j]).collect();
        let gates = [("r", sigma.bound(), r), ("z", sigma.bound(), z), ("n", phi.bound(), n)];
        let gates = gates.into_iter().map(|(name, bound, values)| Gate { name, bound, values }).collect();
        Next { h, c: Vec::new(), clear: clear.get(), gates }
    }
}
