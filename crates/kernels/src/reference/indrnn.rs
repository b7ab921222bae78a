//! The IndRNN cell.

use super::{Arrays, Gate, Next, Reference, Step, times};
use crate::indrnn::IndRnn;

impl Reference for IndRnn {
    /// h_t = φ(x_t W + u ⊙ h_{t-1} + b)
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let (from_x, u, phi) = (times(step.x, &arrays["kernel"]), &arrays["recurrent_kernel"], self.activation);
        let a: Vec<f64> = (0..self.hidden).map(|j| from_x[j] + u[j] * step.seen[j] + arrays["bias"][j]).collect();
        let h: Vec<f64> = a.iter().map(|&a| phi.exact(a)).collect();
        let clear = a.iter().fold(f64::INFINITY, |clear, &a| clear.min(phi.clear(a)));
        let gates = vec![Gate { name: "φ", bound: phi.bound(), values: h.clone() }];
        Next { h, c: Vec::new(), clear, gates }
    }
}
