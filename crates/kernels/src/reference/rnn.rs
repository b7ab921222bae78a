//! The Elman cell.

use super::{Arrays, Bound, Gate, Next, Reference, Step, times};
use crate::activation::Activation;
use crate::rnn::Rnn;

impl Reference for Rnn {
    /// h_t = φ(x_t W + h_{t-1} R + b)
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let (from_x, from_h) = (times(step.x, &arrays["kernel"]), times(step.seen, &arrays["recurrent_kernel"]));
        let a: Vec<f64> = (0..self.hidden).map(|j| from_x[j] + from_h[j] + arrays["bias"][j]).collect();
        let (h, clear, bound): (Vec<f64>, f64, Bound) = match self.activation {
            Activation::Tanh => (a.iter().map(|a| a.tanh()).collect(), f64::INFINITY, Bound::Tanh),
            Activation::Relu => {
                let clear = a.iter().fold(f64::INFINITY, |clear, a| clear.min(a.abs()));
                (a.iter().map(|a| a.max(0.0)).collect(), clear, Bound::Relu)
            }
        };
        let gates = vec![Gate { name: "φ", bound, values: h.clone() }];
        Next { h, c: Vec::new(), clear, gates }
    }
}
