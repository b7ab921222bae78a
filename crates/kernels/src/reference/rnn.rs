//! The Elman cell. T steps, B rows, I input, H hidden. Row-major, batch first; any lengths in any order.

use crate::activation::Activation;

/// Sizes and parameters of an Elman cell, and a batch of sequences.
///
/// h_t = φ(x_t W + h_{t-1} R + b)
#[derive(Clone, Debug)]
pub struct RnnReference {
    /// φ
    pub activation: Activation,
    /// W [I, H]
    pub w: Vec<f64>,
    /// R [H, H]
    pub r: Vec<f64>,
    /// b `[H]`
    pub b: Vec<f64>,
    /// x [B, T, I]
    pub x: Vec<f64>,
    /// h_0 [B, H]
    pub h0: Vec<f64>,
    /// `[B]`
    pub lengths: Vec<usize>,
    /// T
    pub steps: usize,
    /// I
    pub input: usize,
    /// H
    pub hidden: usize,
}

/// Gradients, each of the shape of what it is the gradient by.
#[derive(Clone, Debug)]
pub struct RnnGradients {
    /// dW [I, H]
    pub w: Vec<f64>,
    /// dR [H, H]
    pub r: Vec<f64>,
    /// db `[H]`
    pub b: Vec<f64>,
    /// dx [B, T, I]
    pub x: Vec<f64>,
    /// dh_0 [B, H]
    pub h0: Vec<f64>,
}

impl RnnReference {
    fn apply(&self, a: f64) -> f64 {
        match self.activation {
            Activation::Tanh => a.tanh(),
            Activation::Relu => a.max(0.0),
        }
    }

    fn derivative(&self, h: f64) -> f64 {
        match self.activation {
            Activation::Tanh => 1.0 - h * h,
            Activation::Relu => f64::from(h > 0.0),
        }
    }

    /// Outputs [B, T, H], zero past a row's length, and final states [B, H].
    pub fn forward(&self) -> (Vec<f64>, Vec<f64>) {
        let (steps, input, hidden) = (self.steps, self.input, self.hidden);
        let mut outputs = vec![0.0; self.lengths.len() * steps * hidden];
        let mut state = self.h0.clone();
        for (row, &length) in self.lengths.iter().enumerate() {
            let h = &mut state[row * hidden..][..hidden];
            for t in 0..length {
                let x = &self.x[(row * steps + t) * input..][..input];
                let next: Vec<f64> = (0..hidden)
                    .map(|j| {
                        let from_x: f64 = (0..input).map(|k| x[k] * self.w[k * hidden + j]).sum();
                        let from_h: f64 = (0..hidden).map(|k| h[k] * self.r[k * hidden + j]).sum();
                        self.apply(from_x + from_h + self.b[j])
                    })
                    .collect();
                h.copy_from_slice(&next);
                outputs[(row * steps + t) * hidden..][..hidden].copy_from_slice(h);
            }
        }
        (outputs, state)
    }

    /// Gradients of Σ outputs · d_outputs + Σ state · d_state. `d_outputs [B, T, H]`, `d_state [B, H]`.
    ///
    /// da_t = (dh_t + da_{t+1} Rᵀ) ⊙ φ'(h_t),  dW = Σ x_tᵀ da_t,  dR = Σ h_{t-1}ᵀ da_t,  dx_t = da_t Wᵀ
    pub fn backward(&self, d_outputs: &[f64], d_state: &[f64]) -> RnnGradients {
        let (steps, input, hidden) = (self.steps, self.input, self.hidden);
        let (outputs, _) = self.forward();
        let mut d = RnnGradients {
            w: vec![0.0; self.w.len()],
            r: vec![0.0; self.r.len()],
            b: vec![0.0; hidden],
            x: vec![0.0; self.x.len()],
            h0: d_state.to_vec(),
        };
        for (row, &length) in self.lengths.iter().enumerate() {
            let dh = &mut d.h0[row * hidden..][..hidden];
            for t in (0..length).rev() {
                let at = (row * steps + t) * hidden;
                let da: Vec<f64> =
                    (0..hidden).map(|j| (dh[j] + d_outputs[at + j]) * self.derivative(outputs[at + j])).collect();
                let before =
                    if t == 0 { &self.h0[row * hidden..][..hidden] } else { &outputs[at - hidden..][..hidden] };
                let x = (row * steps + t) * input;
                for j in 0..hidden {
                    d.b[j] += da[j];
                    for k in 0..input {
                        d.w[k * hidden + j] += self.x[x + k] * da[j];
                        d.x[x + k] += da[j] * self.w[k * hidden + j];
                    }
                    for k in 0..hidden {
                        d.r[k * hidden + j] += before[k] * da[j];
                    }
                }
                for (k, dh) in dh.iter_mut().enumerate() {
                    *dh = (0..hidden).map(|j| da[j] * self.r[k * hidden + j]).sum();
                }
            }
        }
        d
    }
}
