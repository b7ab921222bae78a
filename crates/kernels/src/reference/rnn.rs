//! The Elman cell.

use super::{Arrays, Gate, Next, Reference, Step, times};
use crate::rnn::Rnn;

impl Reference for Rnn {
    /// h_t = φ(x_t W + h_{t-1} R + b)
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let (from_x, from_h) = (times(step.x, &arrays["kernel"]), times(step.seen, &arrays["recurrent_kernel"]));
        let a: Vec<f64> = (0..self.hidden).map(|j| from_x[j] + from_h[j] + arrays["bias"][j]).collect();
        let phi = self.activation;
        let h: Vec<f64> = a.iter().map(|&a| phi.exact(a)).collect();
        let clear = a.iter().fold(f64::INFINITY, |clear, &a| clear.min(phi.clear(a)));
        let gates = vec![Gate { name: "φ", bound: phi.bound(), values: h.clone() }];
        Next { h, c: Vec::new(), clear, gates }
    }
}
