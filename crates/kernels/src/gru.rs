//! The GRU cell of both kinds.
//!
//! R rows of a tile, I input, H hidden; Hp rounded up to whole panels of 16. Row-major.

use std::iter::once;

use crate::activation::{Activation, Chosen, Functions, GateActivation, Identity, Standard, with_functions};
use crate::cell::{Backward, Bits, Cell, Forward, Noise, Rows, RowsMut, Steps};
use crate::engine::Engine;
use crate::layout::{Block, Entry, Gate, Layout, Opens, Role, Transpose};
use crate::noise::{dropped, scale};
use crate::norm::{InPanels, normalize, normalize_back};
use crate::panels::{padded, panels};
use crate::product::{Affine, Between, Onto, Segment, Store};
use crate::simd::{Kernel, LANES, Left, Right, Simd};
use crate::vanishing;
use crate::weight_gradient::Factor;

/// Where the reset gate acts: two kinds that do not agree, and cannot be converted into each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reset {
    /// After the product, n = tanh(x W_n + b_n + r ⊙ (h R_n + b_hn)): PyTorch's, cuDNN's, and Keras's default.
    #[default]
    After,
    /// Before it, n = tanh(x W_n + (r ⊙ h) R_n + b_n): TensorFlow's `GRUCell`, Keras's `reset_after=False`.
    Before,
}

/// A GRU cell: its sizes and options.
///
/// r = σ(x W_r + h R_r + b_r)        z = σ(x W_z + h R_z + b_z)        n: see [`Reset`]
/// h_t = (1 − z) ⊙ n + z ⊙ h_{t-1}, 0 where it is below 2⁻⁶⁰
///
/// σ and tanh are [`Gru::recurrent_activation`] and [`Gru::activation`], where others are chosen.
///
/// Cho et al. (2014), <https://arxiv.org/abs/1406.1078>: its third version resets before the product, its first after.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gru {
    /// I, the floats of a step.
    pub input: usize,
    /// H, the floats of the state.
    pub hidden: usize,
    /// Where the reset gate acts.
    #[serde(default)]
    pub reset: Reset,
    /// Whether each gate is normalised over its units before its activation; its bias is then added afterwards.
    #[serde(default)]
    pub layer_norm: bool,
    /// φ of the candidate, tanh by default.
    #[serde(default, skip_serializing_if = "Activation::is_default")]
    pub activation: Activation,
    /// The function of the gates, σ by default.
    #[serde(default, skip_serializing_if = "GateActivation::is_default")]
    pub recurrent_activation: GateActivation,
    /// Masks in training.
    #[serde(default, skip_serializing_if = "Noise::is_none")]
    pub noise: Noise,
}

/// Where the parts of the weights lie.
#[derive(Clone, Copy)]
struct Blocks {
    /// r and z: `[2 panels of H][1 + I + H][16]`, b, then the rows of W, then of R.
    gates: Block,
    /// `[panel of H][1 + I][16]`: b_n, then the rows of W_n.
    input: Block,
    /// `[panel of H][1 + H][16]`: b_hn, then the rows of R_n; without b_hn where the reset comes before.
    state: Block,
    /// `[panel of H][3][16]`: γ of r, z and n, when they are normalised.
    gains: Block,
}

impl Gru {
    /// A cell that reads `input` floats a step and carries a state of `hidden`.
    pub fn new(input: usize, hidden: usize) -> Self {
        Gru {
            input,
            hidden,
            reset: Reset::default(),
            layer_norm: false,
            activation: Activation::default(),
            recurrent_activation: GateActivation::default(),
            noise: Noise::default(),
        }
    }

    /// Of the other kind, or not.
    pub fn reset(self, reset: Reset) -> Self {
        Gru { reset, ..self }
    }

    /// With normalised gates, or not.
    pub fn layer_norm(self, layer_norm: bool) -> Self {
        Gru { layer_norm, ..self }
    }

    /// With another φ.
    pub fn activation(self, activation: Activation) -> Self {
        Gru { activation, ..self }
    }

    /// With another function of the gates.
    pub fn recurrent_activation(self, recurrent_activation: GateActivation) -> Self {
        Gru { recurrent_activation, ..self }
    }

    /// With masks in training.
    pub fn noise(self, noise: Noise) -> Self {
        Gru { noise, ..self }
    }

    /// The functions, where they are not σ and tanh.
    fn chosen(&self) -> Option<Chosen> {
        Chosen::unless_standard(self.recurrent_activation, self.activation)
    }

    /// r z n. TensorFlow's GRUCell has gates that start open, and a variable for them and one for its candidate.
    fn letters(&self) -> [Gate; 3] {
        let gate = |letter| Gate { opens: Opens::InTf, ..Gate::new(letter) };
        let n = Gate { variable: 1, two_biases: self.reset == Reset::After, ..Gate::new("n") };
        [gate("r"), gate("z"), n]
    }

    /// Whether the recurrent candidate has a bias of its own.
    fn state_bias(&self) -> usize {
        usize::from(self.reset == Reset::After)
    }

    fn blocks(&self) -> Blocks {
        let columns = self.hidden;
        let gates = Block { at: 0, depth: 1 + self.input + self.hidden, columns, gates: 2 };
        let input = Block { at: gates.end(), depth: 1 + self.input, columns, gates: 1 };
        let state = Block { at: input.end(), depth: self.state_bias() + self.hidden, columns, gates: 1 };
        let gains = Block { at: state.end(), depth: if self.layer_norm { 3 } else { 0 }, columns, gates: 1 };
        Blocks { gates, input, state, gains }
    }

    /// γ of gate r, z or n.
    fn gain<'a>(&self, weights: &'a [f32], gate: usize) -> InPanels<'a> {
        let block = self.blocks().gains;
        InPanels { data: &weights[block.at + gate * LANES..], stride: block.depth * LANES }
    }

    /// Where the bias of gate r, z or n starts, and the step to its next panel.
    fn bias_at(&self, gate: usize) -> (usize, usize) {
        let Blocks { gates, input, .. } = self.blocks();
        if gate < 2 {
            (gate * panels(self.hidden) * gates.depth * LANES, gates.depth * LANES)
        } else {
            (input.at, input.depth * LANES)
        }
    }

    fn bias<'a>(&self, weights: &'a [f32], gate: usize) -> InPanels<'a> {
        let (at, stride) = self.bias_at(gate);
        InPanels { data: &weights[at..], stride }
    }
}

/// Sections of a row of the tape, in vectors of Hp. The products of the way back read n r z (for x) and r z q (for h)
/// as they lie.
///
/// n: the candidate, then da_n. r, z: the gates, then their da. q: h R_n + b_hn and then its gradient da_n ⊙ r, where
/// the reset comes after; r ⊙ h, where it comes before. Behind them x̂ of r, z and n, and their rates.
const N: usize = 0;
const R: usize = 1;
const Z: usize = 2;
const Q: usize = 3;
const NORMAL: usize = 4;
const RATES: usize = 7;

impl Cell for Gru {
    fn name(&self) -> &'static str {
        "gru"
    }
    fn input(&self) -> usize {
        self.input
    }
    fn output(&self) -> usize {
        self.hidden
    }
    fn tape(&self) -> usize {
        let hp = padded(self.hidden);
        if self.layer_norm { RATES * hp + LANES } else { NORMAL * hp }
    }
    fn keeps_state(&self) -> bool {
        true
    }
    fn layout(&self) -> Layout {
        let (Blocks { gates, input, state, gains }, hidden) = (self.blocks(), self.hidden);
        let joint = |name, role, shape: &[usize], row, (block, block_row): (Block, usize)| {
            let parts = gates.parts(row, 0).chain(block.parts(block_row, 2 * hidden)).collect();
            Entry::in_panels(name, role, shape, parts).gates(&self.letters())
        };
        let from_state = self.state_bias();
        let mut entries = vec![
            joint("kernel", Role::Kernel, &[self.input, 3 * hidden], 1, (input, 1)),
            joint("recurrent_kernel", Role::Recurrent, &[hidden, 3 * hidden], 1 + self.input, (state, from_state)),
            joint("bias", Role::Bias, &[3 * hidden], 0, (input, 0)),
        ];
        if self.reset == Reset::After {
            let parts = state.parts(0, 0).collect();
            let [.., candidate] = self.letters();
            entries.push(Entry::in_panels("recurrent_bias", Role::Bias, &[hidden], parts).gates(&[candidate]));
        }
        if self.layer_norm {
            entries.push(Entry::in_panels("gain", Role::Gain, &[3, hidden], gains.parts(0, 0).collect()));
        }
        Layout { entries, len: gains.end() }
    }
    /// [R_r R_z R_n]ᵀ where the reset comes after, [R_r R_z]ᵀ and R_nᵀ where it comes before; then [W_n W_r W_z]ᵀ.
    fn transposes(&self) -> Vec<Transpose> {
        let (Blocks { gates, input, state, .. }, hp) = (self.blocks(), padded(self.hidden));
        let (recurrent, candidate) =
            (gates.transpose(1 + self.input, self.hidden), state.transpose(self.state_bias(), self.hidden));
        let mut all = match self.reset {
            Reset::After => vec![recurrent.within(3 * hp, 0), candidate.within(3 * hp, 2 * hp)],
            Reset::Before => vec![recurrent, candidate],
        };
        all.push(input.transpose(1, self.input).within(3 * hp, 0));
        all.push(gates.transpose(1, self.input).within(3 * hp, hp));
        all
    }
    fn noise(&self) -> Noise {
        self.noise
    }
    fn operations(&self) -> [f64; 3] {
        let [input, hidden] = [self.input, self.hidden].map(|size| size as f64);
        let forward = 6.0 * (input + hidden) * hidden;
        [forward, forward + 6.0 * hidden * hidden, 6.0 * input * hidden]
    }

    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let Forward { rows, fresh, joint, previous, mut output, mut tape, candidate, .. } = step;
        let (np, hp, stride) = (panels(self.hidden), padded(self.hidden), tape.stride);
        let Blocks { gates, input, state, .. } = self.blocks();
        let left = |data| Left { data, row: joint.stride, col: 1 };
        let right = |block: Block, first: usize| Right {
            data: &block.of(weights)[first * LANES..],
            row: LANES,
            panel: block.depth * LANES,
            first,
        };
        let behind_bias = |block: Block| right(block, 1);
        let depth = if fresh { self.input } else { self.input + self.hidden };
        let both = once(Segment { left: left(joint.data), right: behind_bias(gates), depth });
        let from_x = once(Segment { left: left(joint.data), right: behind_bias(input), depth: self.input });
        if self.layer_norm {
            engine.product(rows, 2 * np, both, Store::new(&mut tape.data[R * hp..], stride));
            engine.product(rows, np, from_x, Store::new(&mut tape.data[N * hp..], stride));
        } else {
            let ends = Affine::<Identity>::new(gates.of(weights), gates.depth, &mut tape.data[R * hp..], stride);
            engine.product(rows, 2 * np, both, ends);
            let ends = Affine::<Identity>::new(input.of(weights), input.depth, &mut tape.data[N * hp..], stride);
            engine.product(rows, np, from_x, ends);
        }
        let depth = if fresh { 0 } else { self.hidden };
        let seen = Rows { data: &joint.data[self.input..], width: hp, ..joint };
        match self.reset {
            Reset::After => {
                let from_h = once(Segment { left: left(seen.data), right: behind_bias(state), depth });
                let ends = Affine::<Identity>::new(state.of(weights), state.depth, &mut tape.data[Q * hp..], stride);
                engine.product(rows, np, from_h, ends);
                if self.layer_norm {
                    engine.run(Gates { gru: self, functions: Standard, weights, rows, seen, tape: tape.again() });
                }
            }
            Reset::Before => {
                with_functions!(self.chosen(), |functions| {
                    engine.run(Gates { gru: self, functions, weights, rows, seen, tape: tape.again() });
                });
                // From one section of the tape to another: by way of the output, which is written last.
                let left = Left { data: &tape.data[Q * hp..], row: stride, col: 1 };
                let right = right(state, 0);
                let out = output.again();
                let ends = Between::new(&tape.data[N * hp..], stride, out.data, out.stride);
                engine.product(rows, np, once(Segment { left, right, depth }), ends);
            }
        }
        with_functions!(self.chosen(), |functions| {
            engine.run(NextState { gru: self, functions, weights, rows, previous, output, tape, candidate });
        });
    }

    /// dz = dh ⊙ (h_{t-1} − n)       dn = dh ⊙ (1 − z)       da_n = dn ⊙ (1 − n²)       dh_{t-1} = dh ⊙ z + …
    ///
    /// after:  dr = da_n ⊙ q       dq = da_n ⊙ r       dh_{t-1} += da_r R_rᵀ + da_z R_zᵀ + dq R_nᵀ
    /// before: du = da_n R_nᵀ, u = r ⊙ h       dr = du ⊙ h       dh_{t-1} += du ⊙ r + da_r R_rᵀ + da_z R_zᵀ
    ///
    /// da_r = dr ⊙ r (1 − r)       da_z = dz ⊙ z (1 − z)       dx_t = da_n W_nᵀ + da_r W_rᵀ + da_z W_zᵀ
    fn backward(&self, engine: Engine<'_>, weights: &[f32], transposed: &[f32], step: Backward<'_>) {
        let Backward { rows, joint, previous, mut tape, candidate, d_output, mut d_joint, d_input, .. } = step;
        let (np, hp) = (panels(self.hidden), padded(self.hidden));
        let gradient = &mut *step.gradient;
        with_functions!(self.chosen(), |functions| engine.run(CandidateBack {
            gru: self,
            functions,
            weights,
            rows,
            previous,
            d_output,
            tape: tape.again(),
            candidate,
            gradient: &mut *gradient,
        }));
        let (recurrent, rest) = transposed.split_at(3 * hp * hp);
        match self.reset {
            Reset::After => {
                engine.run(GatesBack { gru: self, weights, rows, tape: tape.again(), gradient });
                if let Some(RowsMut { data: out, stride, .. }) = d_joint {
                    let left = Left { data: &tape.data[R * hp..], row: tape.stride, col: 1 };
                    let right = Right { data: recurrent, row: LANES, panel: 3 * hp * LANES, first: 0 };
                    engine.product(rows, np, once(Segment { left, right, depth: 3 * hp }), Store::new(out, stride));
                }
            }
            Reset::Before => {
                let (gates, candidate) = recurrent.split_at(2 * hp * hp);
                // du: its place is that of the gradient by h, which it becomes a part of.
                let seen = Rows { data: &joint.data[self.input..], width: hp, ..joint };
                let du = match &mut d_joint {
                    Some(d_joint) => {
                        let left = Left { data: tape.data, row: tape.stride, col: 1 };
                        let right = Right { data: candidate, row: LANES, panel: hp * LANES, first: 0 };
                        let ends = Store::new(d_joint.data, d_joint.stride);
                        engine.product(rows, np, once(Segment { left, right, depth: self.hidden }), ends);
                        Some(d_joint.again())
                    }
                    None => None,
                };
                with_functions!(self.chosen(), |functions| {
                    engine.run(ResetBack { functions, rows, hp, seen, tape: tape.again(), du });
                });
                engine.run(GatesBack { gru: self, weights, rows, tape: tape.again(), gradient });
                if let Some(RowsMut { data: out, stride, .. }) = d_joint {
                    let left = Left { data: &tape.data[R * hp..], row: tape.stride, col: 1 };
                    let right = Right { data: gates, row: LANES, panel: 2 * hp * LANES, first: 0 };
                    engine.product(rows, np, once(Segment { left, right, depth: 2 * hp }), Onto::new(out, stride));
                }
            }
        }
        if let Some(RowsMut { data: out, stride, .. }) = d_input {
            let left = Left { data: tape.data, row: tape.stride, col: 1 };
            let right = Right { data: rest, row: LANES, panel: 3 * hp * LANES, first: 0 };
            let segment = Segment { left, right, depth: 3 * hp };
            engine.product(rows, panels(self.input), once(segment), Store::new(out, stride));
        }
    }

    /// [db; dW; dR] of r and z = Σ_t [1 x_t h_{t-1}]ᵀ da       [db_n; dW_n] = Σ_t [1 x_t]ᵀ da_n
    /// after: [db_hn; dR_n] = Σ_t [1 h_{t-1}]ᵀ dq       before: dR_n = Σ_t (r ⊙ h_{t-1})ᵀ da_n
    fn accumulate(&self, engine: Engine<'_>, steps: Steps<'_>, gradient: &mut [f32]) {
        let (Blocks { gates, input, state, .. }, hp) = (self.blocks(), padded(self.hidden));
        // With normalisation the bias is no row of the product.
        let first = usize::from(self.layer_norm);
        gates.add_products(engine, &steps, first, self.input, self.hidden, R * hp, gradient);
        let whole = Steps { fresh: false, ..steps };
        input.add_products(engine, &whole, first, self.input, 0, N * hp, gradient);
        let into = &mut gradient[state.at..state.end()];
        let (np, depth, from) = (panels(self.hidden), state.depth, steps.first_state());
        let mut add = |from, factor, column, count, section, first_row| {
            steps.add_products(engine, from, factor, column, count, section, np, into, depth, first_row);
        };
        match self.reset {
            Reset::After => {
                add(0, Factor::Joint, 0, 1, Q * hp, 0);
                add(from, Factor::Joint, 1 + self.input, self.hidden, Q * hp, 1);
            }
            Reset::Before => add(from, Factor::Tape, Q * hp, self.hidden, N * hp, 0),
        }
    }
}

/// r and z, normalised or not; where the reset comes before, their activations and r ⊙ h.
struct Gates<'a, F> {
    gru: &'a Gru,
    functions: F,
    weights: &'a [f32],
    rows: usize,
    /// h_{t-1} as the products see it.
    seen: Rows<'a>,
    tape: RowsMut<'a>,
}

impl<F: Functions> Kernel for Gates<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (gru, hp) = (self.gru, padded(self.gru.hidden));
        for row in 0..self.rows {
            if gru.layer_norm {
                let (front, rates) = self.tape.row(row).split_at_mut(RATES * hp);
                let (acts, normal) = front.split_at_mut(NORMAL * hp);
                for gate in 0..2 {
                    let (gain, shift) = (gru.gain(self.weights, gate), gru.bias(self.weights, gate));
                    let (x, normal) = (&mut acts[(R + gate) * hp..][..hp], &mut normal[gate * hp..][..hp]);
                    rates[gate] = normalize(s, x, normal, gru.hidden, gain, shift);
                }
            }
            if gru.reset == Reset::Before {
                let (h, acts) = (self.seen.row(row), self.tape.row(row));
                for at in (0..hp).step_by(LANES) {
                    let r = self.functions.gate(s, s.load(&acts[R * hp + at..]));
                    s.store(r, &mut acts[R * hp + at..]);
                    s.store(s.mul(r, s.load(&h[at..])), &mut acts[Q * hp + at..]);
                }
            }
        }
    }
}

/// h_t, from all that came before.
struct NextState<'a, F> {
    gru: &'a Gru,
    functions: F,
    weights: &'a [f32],
    rows: usize,
    previous: Rows<'a>,
    output: RowsMut<'a>,
    tape: RowsMut<'a>,
    candidate: Option<Bits<'a>>,
}

impl<F: Functions> Kernel for NextState<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (gru, hp) = (self.gru, padded(self.gru.hidden));
        let (scale, after) = (scale(gru.noise.candidate_dropout), gru.reset == Reset::After);
        for row in 0..self.rows {
            let (old, h) = (self.previous.row(row), self.output.row(row));
            let tape = self.tape.row(row);
            for at in (0..hp).step_by(LANES) {
                let a_n = if after {
                    let r = self.functions.gate(s, s.load(&tape[R * hp + at..]));
                    s.store(r, &mut tape[R * hp + at..]);
                    s.mul_add(r, s.load(&tape[Q * hp + at..]), s.load(&tape[N * hp + at..]))
                } else {
                    s.load(&h[at..])
                };
                s.store(a_n, &mut tape[N * hp + at..]);
            }
            if gru.layer_norm {
                let (front, rates) = tape.split_at_mut(RATES * hp);
                let (acts, normal) = front.split_at_mut(NORMAL * hp);
                let (gain, shift) = (gru.gain(self.weights, 2), gru.bias(self.weights, 2));
                let (x, normal) = (&mut acts[N * hp..][..hp], &mut normal[2 * hp..]);
                rates[2] = normalize(s, x, normal, gru.hidden, gain, shift);
            }
            for at in (0..hp).step_by(LANES) {
                let n = self.functions.phi_of_units(s, gru.hidden, at, s.load(&tape[N * hp + at..]));
                let z = self.functions.gate(s, s.load(&tape[Z * hp + at..]));
                s.store(n, &mut tape[N * hp + at..]);
                s.store(z, &mut tape[Z * hp + at..]);
                let seen = dropped(s, self.candidate, row, at, scale, n);
                let before = s.load(&old[at..]);
                let next = s.mul_add(z, s.sub(before, seen), seen);
                s.store(vanishing::state(s, next), &mut h[at..]);
            }
        }
    }
}

/// From dh to da_n and dz, which stays in z's place as da_z; d_output becomes dh ⊙ z. Where the reset comes after, also
/// da_r and dq.
struct CandidateBack<'a, F> {
    gru: &'a Gru,
    functions: F,
    weights: &'a [f32],
    rows: usize,
    previous: Rows<'a>,
    d_output: RowsMut<'a>,
    tape: RowsMut<'a>,
    candidate: Option<Bits<'a>>,
    gradient: &'a mut [f32],
}

impl<F: Functions> Kernel for CandidateBack<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (gru, hp, one) = (self.gru, padded(self.gru.hidden), s.splat(1.0));
        let (scale, after) = (scale(gru.noise.candidate_dropout), gru.reset == Reset::After);
        for row in 0..self.rows {
            let (old, d, tape) = (self.previous.row(row), self.d_output.row(row), self.tape.row(row));
            for at in (0..hp).step_by(LANES) {
                let (n, z, dh) = (s.load(&tape[N * hp + at..]), s.load(&tape[Z * hp + at..]), s.load(&d[at..]));
                let seen = dropped(s, self.candidate, row, at, scale, n);
                let dz = s.mul(dh, s.sub(s.load(&old[at..]), seen));
                let d_seen = s.mul(dh, s.sub(one, z));
                let dn = dropped(s, self.candidate, row, at, scale, d_seen);
                let (da_n, da_z) = (s.mul(dn, self.functions.slope(s, n)), s.mul(dz, self.functions.gate_slope(s, z)));
                s.store(vanishing::gradient(s, da_n), &mut tape[N * hp + at..]);
                s.store(vanishing::gradient(s, da_z), &mut tape[Z * hp + at..]);
                s.store(s.mul(dh, z), &mut d[at..]);
            }
            if gru.layer_norm {
                let (acts, rest) = tape.split_at_mut(NORMAL * hp);
                let (normal, rate) = (&rest[2 * hp..], rest[(RATES - NORMAL) * hp + 2]);
                let ((shift_at, shift), gain) = (gru.bias_at(2), gru.gain(self.weights, 2));
                let gain_at = gru.blocks().gains.at + 2 * LANES;
                let d = &mut acts[N * hp..][..hp];
                normalize_back(s, d, normal, rate, gru.hidden, gain, self.gradient, gain_at, shift_at, shift);
            }
            for at in (0..hp).step_by(LANES) {
                if after {
                    let (r, q) = (s.load(&tape[R * hp + at..]), s.load(&tape[Q * hp + at..]));
                    let da_n = s.load(&tape[N * hp + at..]);
                    let da_r = s.mul(s.mul(da_n, q), self.functions.gate_slope(s, r));
                    s.store(vanishing::gradient(s, s.mul(da_n, r)), &mut tape[Q * hp + at..]);
                    s.store(vanishing::gradient(s, da_r), &mut tape[R * hp + at..]);
                }
            }
        }
    }
}

/// Where the reset comes before: from du to da_r, and du ⊙ r in du's place. Without du, for a zero state, da_r is 0.
struct ResetBack<'a, F> {
    functions: F,
    rows: usize,
    hp: usize,
    seen: Rows<'a>,
    tape: RowsMut<'a>,
    du: Option<RowsMut<'a>>,
}

impl<F: Functions> Kernel for ResetBack<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let hp = self.hp;
        for row in 0..self.rows {
            let (h, tape) = (self.seen.row(row), self.tape.row(row));
            let Some(du) = &mut self.du else {
                tape[R * hp..][..hp].fill(0.0);
                continue;
            };
            let du = du.row(row);
            for at in (0..hp).step_by(LANES) {
                let (r, d) = (s.load(&tape[R * hp + at..]), s.load(&du[at..]));
                let dr = s.mul(d, s.load(&h[at..]));
                let da_r = s.mul(dr, self.functions.gate_slope(s, r));
                s.store(vanishing::gradient(s, da_r), &mut tape[R * hp + at..]);
                s.store(s.mul(d, r), &mut du[at..]);
            }
        }
    }
}

/// The way back through the normalisation of r and z.
struct GatesBack<'a> {
    gru: &'a Gru,
    weights: &'a [f32],
    rows: usize,
    tape: RowsMut<'a>,
    gradient: &'a mut [f32],
}

impl Kernel for GatesBack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (gru, hp) = (self.gru, padded(self.gru.hidden));
        if !gru.layer_norm {
            return;
        }
        for row in 0..self.rows {
            let (acts, rest) = self.tape.row(row).split_at_mut(NORMAL * hp);
            for gate in 0..2 {
                let ((shift_at, shift), gain) = (gru.bias_at(gate), gru.gain(self.weights, gate));
                let gain_at = gru.blocks().gains.at + gate * LANES;
                let (d, normal) = (&mut acts[(R + gate) * hp..][..hp], &rest[gate * hp..][..hp]);
                let rate = rest[(RATES - NORMAL) * hp + gate];
                normalize_back(s, d, normal, rate, gru.hidden, gain, self.gradient, gain_at, shift_at, shift);
            }
        }
    }
}
