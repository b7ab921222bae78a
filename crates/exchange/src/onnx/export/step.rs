//! One step of a cell in basic operators: the equations of [`Rnn`], [`IndRnn`], [`Lstm`] and [`Gru`] as they are in evaluation.

use elman::{Activation, GateActivation, Gru, IndRnn, Lstm, Reset, Rnn};
use elman_formats::onnx::Attribute;

use super::native::slope;
use crate::onnx::builder::Builder;

/// ε of the normalisation, that of the kernels.
const EPSILON: f32 = 1e-5;

/// The body of a loop that grows, and the graph around it, where constants stand.
pub(super) struct Step<'a> {
    pub(super) outer: &'a mut Builder,
    pub(super) inner: &'a mut Builder,
    /// What the names of the cell's arrays, and of all values, start with.
    pub(super) prefix: &'a str,
}

impl Step<'_> {
    /// A node in the body.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], name: &str, attributes: Vec<Attribute>) -> String {
        self.inner.node(op, inputs, &format!("{}{name}", self.prefix), attributes)
    }

    /// An array of the cell, or a state.
    fn own(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A value cut along an axis, each part by its name; in the body, or in the graph around it where it is a weight.
    fn split(&mut self, value: &str, axis: i64, parts: &[(&str, usize)], outside: bool) -> Vec<String> {
        let sizes: Vec<i64> = parts.iter().map(|&(_, size)| size as i64).collect();
        let sizes = self.outer.ints(&sizes);
        let names: Vec<String> = parts.iter().map(|(name, _)| self.own(name)).collect();
        let outputs: Vec<&str> = names.iter().map(String::as_str).collect();
        let builder = if outside { &mut *self.outer } else { &mut *self.inner };
        builder.nodes("Split", &[value, &sizes], &outputs, vec![Attribute::int("axis", axis)]);
        names
    }

    /// x W + h R
    fn sums(&mut self, x: &str) -> String {
        let (kernel, recurrent, h) = (self.own("kernel"), self.own("recurrent_kernel"), self.own("h"));
        let from_x = self.node("MatMul", &[x, &kernel], "from_x", vec![]);
        let from_h = self.node("MatMul", &[&h, &recurrent], "from_h", vec![]);
        self.node("Add", &[&from_x, &from_h], "sums", vec![])
    }

    /// p h_{t-1} + (1 − p) h̃, what zoneout is in evaluation.
    pub(super) fn zoneout(&mut self, name: &str, old: &str, new: String, p: f32) -> String {
        if p == 0.0 {
            return new;
        }
        let (kept, taken) = (self.outer.float(p), self.outer.float(1.0 - p));
        let kept = self.node("Mul", &[old, &kept], &format!("{name}_old_part"), vec![]);
        let taken = self.node("Mul", &[&new, &taken], &format!("{name}_new_part"), vec![]);
        self.node("Add", &[&kept, &taken], &format!("{name}_zoned"), vec![])
    }

    /// γ ⊙ x̂ + β over the last axis.
    fn normalized(&mut self, x: &str, gain: &str, bias: &str, name: &str) -> String {
        let of = |part: &str| format!("{name}_{part}");
        let (last, epsilon) = (self.outer.ints(&[-1]), self.outer.float(EPSILON));
        let mean = self.node("ReduceMean", &[x, &last], &of("mean"), vec![]);
        let off = self.node("Sub", &[x, &mean], &of("off"), vec![]);
        let squares = self.node("Mul", &[&off, &off], &of("squares"), vec![]);
        let variance = self.node("ReduceMean", &[&squares, &last], &of("variance"), vec![]);
        let positive = self.node("Add", &[&variance, &epsilon], &of("positive"), vec![]);
        let deviation = self.node("Sqrt", &[&positive], &of("deviation"), vec![]);
        let normal = self.node("Div", &[&off, &deviation], &of("normal"), vec![]);
        let scaled = self.node("Mul", &[&normal, gain], &of("scaled"), vec![]);
        self.node("Add", &[&scaled, bias], &of("shifted"), vec![])
    }

    /// Several gates side by side [B, G H], each normalised over its own units with γ [G, H] and β [G H].
    fn normalized_gates(&mut self, sums: &str, gain: &str, bias: &str, gates: usize, hidden: usize) -> String {
        let (gates, hidden) = (gates as i64, hidden as i64);
        let [apart, flat, rows] =
            [&[0, gates, hidden][..], &[0, gates * hidden], &[gates, hidden]].map(|of| self.outer.ints(of));
        let bias = self.outer.node("Reshape", &[bias, &rows], &format!("{bias}.rows"), vec![]);
        let sums = self.node("Reshape", &[sums, &apart], "sums_apart", vec![]);
        let normal = self.normalized(&sums, gain, &bias, "gates");
        self.node("Reshape", &[&normal, &flat], "sums_normal", vec![])
    }

    fn clip(&mut self, value: String, limit: Option<f32>, name: &str) -> String {
        let Some(limit) = limit else { return value };
        let (low, high) = (self.outer.float(-limit), self.outer.float(limit));
        self.node("Clip", &[&value, &low, &high], name, vec![])
    }

    /// 1 − gate
    fn rest(&mut self, gate: &str, name: &str) -> String {
        let one = self.outer.float(1.0);
        self.node("Sub", &[&one, gate], name, vec![])
    }

    /// h_t of an Elman cell.
    pub(super) fn rnn(&mut self, rnn: &Rnn, x: &str) -> String {
        let (sums, bias) = (self.sums(x), self.own("bias"));
        let sums = self.node("Add", &[&sums, &bias], "a", vec![]);
        self.function(rnn.activation, &sums, "h_new")
    }

    /// h_t of an IndRNN.
    pub(super) fn indrnn(&mut self, rnn: &IndRnn, x: &str) -> String {
        let [kernel, own, bias, h] = ["kernel", "recurrent_kernel", "bias", "h"].map(|name| self.own(name));
        let from_x = self.node("MatMul", &[x, &kernel], "from_x", vec![]);
        let from_h = self.node("Mul", &[&own, &h], "from_h", vec![]);
        let sums = self.node("Add", &[&from_x, &from_h], "sums", vec![]);
        let sums = self.node("Add", &[&sums, &bias], "a", vec![]);
        self.function(rnn.activation, &sums, "h_new")
    }

    /// φ of a value.
    fn function(&mut self, phi: Activation, value: &str, name: &str) -> String {
        let (op, attributes) = match phi {
            Activation::Tanh => ("Tanh", vec![]),
            Activation::Relu => ("Relu", vec![]),
            Activation::Sigmoid => ("Sigmoid", vec![]),
            Activation::HardSigmoid | Activation::HardSigmoidKeras2 => {
                ("HardSigmoid", vec![Attribute::float("alpha", slope(phi)), Attribute::float("beta", 0.5)])
            }
            Activation::Linear => ("Identity", vec![]),
        };
        self.node(op, &[value], name, attributes)
    }

    /// h_t and c_t of an LSTM.
    pub(super) fn lstm(&mut self, lstm: &Lstm, x: &str) -> [String; 2] {
        let hidden = lstm.hidden;
        let names: &[&str] = if lstm.coupled { &["a_i", "a_g", "a_o"] } else { &["a_i", "a_f", "a_g", "a_o"] };
        let (sums, bias, c) = (self.sums(x), self.own("bias"), self.own("c"));
        let sums = match lstm.layer_norm {
            true => {
                let gain = self.own("gain");
                self.normalized_gates(&sums, &gain, &bias, names.len(), hidden)
            }
            false => self.node("Add", &[&sums, &bias], "a", vec![]),
        };
        let parts: Vec<(&str, usize)> = names.iter().map(|&name| (name, hidden)).collect();
        self.split(&sums, -1, &parts, false);
        if lstm.peepholes {
            let parts: &[(&str, usize)] =
                if lstm.coupled { &[("p_i", 1), ("p_o", 1)] } else { &[("p_i", 1), ("p_f", 1), ("p_o", 1)] };
            let peepholes = self.own("peepholes");
            self.split(&peepholes, 0, parts, true);
        }
        let i = self.gate("i", lstm.recurrent_activation, lstm.peepholes, &c);
        let f = if lstm.coupled {
            self.rest(&i, "f")
        } else {
            self.gate("f", lstm.recurrent_activation, lstm.peepholes, &c)
        };
        let a_g = self.own("a_g");
        let g = self.function(lstm.activation, &a_g, "g");
        let kept = self.node("Mul", &[&f, &c], "c_from_old", vec![]);
        let taken = self.node("Mul", &[&i, &g], "c_from_x", vec![]);
        let mut c = self.node("Add", &[&kept, &taken], "c_sum", vec![]);
        c = self.clip(c, lstm.cell_clip, "c_clipped");
        if lstm.layer_norm {
            let (gain, bias) = (self.own("memory_gain"), self.own("memory_bias"));
            c = self.normalized(&c, &gain, &bias, "memory");
        }
        let o = self.gate("o", lstm.recurrent_activation, lstm.peepholes, &c);
        let shown = self.function(lstm.activation, &c, "c_shown");
        let mut h = self.node("Mul", &[&o, &shown], "h_new", vec![]);
        if lstm.projection.is_some() {
            let projection = self.own("projection");
            h = self.node("MatMul", &[&h, &projection], "h_projected", vec![]);
            h = self.clip(h, lstm.projection_clip, "h_clipped");
        }
        [h, c]
    }

    /// A gate of an LSTM, which may see the memory.
    fn gate(&mut self, name: &str, gates: GateActivation, sees: bool, memory: &str) -> String {
        let mut a = self.own(&format!("a_{name}"));
        if sees {
            let peephole = self.own(&format!("p_{name}"));
            let seen = self.node("Mul", &[memory, &peephole], &format!("{name}_seen"), vec![]);
            a = self.node("Add", &[&a, &seen], &format!("{name}_sum"), vec![]);
        }
        self.function(gates.activation(), &a, name)
    }

    /// h_t of a GRU.
    pub(super) fn gru(&mut self, gru: &Gru, x: &str) -> String {
        let hidden = gru.hidden;
        let (kernel, recurrent, bias, h) =
            (self.own("kernel"), self.own("recurrent_kernel"), self.own("bias"), self.own("h"));
        let two = |gates: &'static str, candidate: &'static str| [(gates, 2 * hidden), (candidate, hidden)];
        let recurrent = self.split(&recurrent, 1, &two("R_rz", "R_n"), true);
        let bias = self.split(&bias, 0, &two("b_rz", "b_n"), true);
        let gain = match gru.layer_norm {
            true => {
                let gain = self.own("gain");
                self.split(&gain, 0, &[("gain_rz", 2), ("gain_n", 1)], true)
            }
            false => Vec::new(),
        };
        let from_x = self.node("MatMul", &[x, &kernel], "from_x", vec![]);
        let from_x = self.split(&from_x, -1, &two("rz_from_x", "n_from_x"), false);
        let from_h = self.node("MatMul", &[&h, &recurrent[0]], "rz_from_h", vec![]);
        let sums = self.node("Add", &[&from_x[0], &from_h], "rz_sums", vec![]);
        let a = match gain.first() {
            Some(gain) => self.normalized_gates(&sums, gain, &bias[0], 2, hidden),
            None => self.node("Add", &[&sums, &bias[0]], "a_rz", vec![]),
        };
        let gates = self.function(gru.recurrent_activation.activation(), &a, "rz");
        let gates = self.split(&gates, -1, &[("r", hidden), ("z", hidden)], false);
        let (r, z) = (&gates[0], &gates[1]);
        let from_h = match gru.reset {
            Reset::After => {
                let own = self.own("recurrent_bias");
                let product = self.node("MatMul", &[&h, &recurrent[1]], "n_product", vec![]);
                let product = self.node("Add", &[&product, &own], "n_from_h", vec![]);
                self.node("Mul", &[r, &product], "n_reset", vec![])
            }
            Reset::Before => {
                let reset = self.node("Mul", &[r, &h], "h_reset", vec![]);
                self.node("MatMul", &[&reset, &recurrent[1]], "n_from_h", vec![])
            }
        };
        let sums = self.node("Add", &[&from_x[1], &from_h], "n_sums", vec![]);
        let a = match gain.get(1) {
            Some(gain) => self.normalized(&sums, gain, &bias[1], "n"),
            None => self.node("Add", &[&sums, &bias[1]], "a_n", vec![]),
        };
        let n = self.function(gru.activation, &a, "n");
        let rest = self.rest(z, "z_rest");
        let taken = self.node("Mul", &[&rest, &n], "h_from_n", vec![]);
        let kept = self.node("Mul", &[z, &h], "h_from_old", vec![]);
        self.node("Add", &[&taken, &kept], "h_new", vec![])
    }
}
