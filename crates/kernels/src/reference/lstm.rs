//! The LSTM cell. H hidden, G gates.

use super::{Arrays, Gate, Next, Reference, Step, layer_norm, times};
use crate::lstm::Lstm;

impl Reference for Lstm {
    /// i = σ(x W_i + h R_i + b_i + p_i ⊙ c_{t-1})        f = σ(x W_f + h R_f + b_f + p_f ⊙ c_{t-1}), or 1 − i
    /// g = tanh(x W_g + h R_g + b_g)                      c_t = f ⊙ c_{t-1} + i ⊙ g, clipped, normalised
    /// o = σ(x W_o + h R_o + b_o + p_o ⊙ c_t)             h_t = (o ⊙ tanh(c_t)) W_p, clipped
    ///
    /// Or other functions for σ and tanh.
    fn step(&self, arrays: &Arrays, step: Step<'_>) -> Next {
        let hidden = self.hidden;
        let (from_x, from_h) = (times(step.x, &arrays["kernel"]), times(step.seen, &arrays["recurrent_kernel"]));
        let gate = |gate: usize| -> Vec<f64> {
            let sums: Vec<f64> = (gate * hidden..(gate + 1) * hidden).map(|j| from_x[j] + from_h[j]).collect();
            let bias = &arrays["bias"][gate * hidden..][..hidden];
            match self.layer_norm {
                true => layer_norm(&sums, &arrays["gain"][gate * hidden..][..hidden], bias),
                false => sums.iter().zip(bias).map(|(sum, bias)| sum + bias).collect(),
            }
        };
        let peephole = |row: usize, j: usize, c: f64| match self.peepholes {
            true => arrays["peepholes"][row * hidden + j] * c,
            false => 0.0,
        };
        let clear = std::cell::Cell::new(f64::INFINITY);
        let keep = |off: f64| clear.set(clear.get().min(off));
        let clip = |value: f64, limit: Option<f32>| match limit.map(f64::from) {
            Some(limit) => {
                keep((value.abs() - limit).abs());
                value.clamp(-limit, limit)
            }
            None => value,
        };
        let (sigma, phi) = (self.recurrent_activation.activation(), self.activation);
        let sigmoid = |a: f64| {
            keep(sigma.clear(a));
            sigma.exact(a)
        };
        let tanh = |a: f64| {
            keep(phi.clear(a));
            phi.exact(a)
        };

        // Gates i f g o with peepholes of i f o; coupled, gates i g o with peepholes of i o.
        let last = if self.coupled { 2 } else { 3 };
        let (a_i, a_f, a_g, a_o) = (gate(0), gate(1), gate(last - 1), gate(last));
        let i: Vec<f64> = (0..hidden).map(|j| sigmoid(a_i[j] + peephole(0, j, step.c[j]))).collect();
        let f: Vec<f64> = match self.coupled {
            true => i.iter().map(|i| 1.0 - i).collect(),
            false => (0..hidden).map(|j| sigmoid(a_f[j] + peephole(1, j, step.c[j]))).collect(),
        };
        let g: Vec<f64> = a_g.into_iter().map(tanh).collect();
        let mut c: Vec<f64> =
            (0..hidden).map(|j| clip(f[j] * step.c[j] + i[j] * g[j] * step.candidate[j], self.cell_clip)).collect();
        if self.layer_norm {
            c = layer_norm(&c, &arrays["memory_gain"], &arrays["memory_bias"]);
        }
        let o: Vec<f64> = (0..hidden).map(|j| sigmoid(a_o[j] + peephole(last - 1, j, c[j]))).collect();
        // A memory that is 0, where nothing was written, stays there when the weights move a little: no kink is near.
        let shown: Vec<f64> = c.iter().map(|&c| if c == 0.0 { phi.exact(c) } else { tanh(c) }).collect();
        let mut h: Vec<f64> = o.iter().zip(&shown).map(|(o, shown)| o * shown).collect();
        if self.projection.is_some() {
            h = times(&h, &arrays["projection"]).into_iter().map(|h| clip(h, self.projection_clip)).collect();
        }
        let gates =
            [("i", i), ("f", f), ("g", g), ("o", o), (if phi.is_default() { "tanh(c)" } else { "φ(c)" }, shown)];
        let bound = |name| if matches!(name, "g" | "tanh(c)" | "φ(c)") { phi.bound() } else { sigma.bound() };
        let gates = gates.into_iter().map(|(name, values)| Gate { name, bound: bound(name), values }).collect();
        Next { h, c, clear: clear.get(), gates }
    }
}
