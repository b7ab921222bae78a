//! The LSTM cell, with its options.
//!
//! R rows of a tile, I input, H hidden, P output (H without projection), G gates; Hp, Pp rounded up to whole panels of
//! 16. Row-major.

use std::iter::once;

use crate::activation::{
    Activation, Chosen, Functions, GateActivation, Identity, Standard, sigmoid, tanh, with_functions,
};
use crate::cell::{Backward, Bits, Cell, Forward, Noise, Rows, RowsMut, Steps};
use crate::engine::Engine;
use crate::layout::{Block, Entry, Gate, Layout, Opens, Role, Transpose};
use crate::noise::{dropped, scale};
use crate::norm::{InPanels, add_panel, normalize, normalize_back};
use crate::panels::{padded, panels};
use crate::product::{Affine, Segment, Store};
use crate::simd::{Kernel, LANES, Left, Right, Simd};
use crate::vanishing;
use crate::weight_gradient::Factor;

/// An LSTM cell: its sizes and options.
///
/// i = σ(x W_i + h R_i + b_i \[+ p_i ⊙ c_{t-1}\])        f = σ(x W_f + h R_f + b_f \[+ p_f ⊙ c_{t-1}\])
/// g = tanh(x W_g + h R_g + b_g)                       c_t = f ⊙ c_{t-1} + i ⊙ g
/// o = σ(x W_o + h R_o + b_o \[+ p_o ⊙ c_t\])            h_t = o ⊙ tanh(c_t)
///
/// σ and tanh are [`Lstm::recurrent_activation`] and [`Lstm::activation`], where others are chosen.
///
/// c_t, h_t where it is projected, and the arguments of σ and tanh are 0 where they are below 2⁻⁶⁰.
///
/// The forget gate's bias is stored, as in Keras; where it starts is a matter of the initial values.
///
/// Hochreiter & Schmidhuber (1997), <https://doi.org/10.1162/neco.1997.9.8.1735>; forget gate: Gers et al. (2000);
/// peepholes: Gers & Schmidhuber (2000); projection: Sak et al. (2014); f = 1 − i: Greff et al. (2017).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lstm {
    /// I, the floats of a step.
    pub input: usize,
    /// H, the floats of the memory.
    pub hidden: usize,
    /// P: h_t = (o ⊙ tanh(c_t)) W_p. Without it P = H and h_t = o ⊙ tanh(c_t).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<usize>,
    /// Whether the gates see the memory.
    #[serde(default)]
    pub peepholes: bool,
    /// Whether the forget gate is f = 1 − i, without weights of its own.
    #[serde(default)]
    pub coupled: bool,
    /// c_t stays within ± this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell_clip: Option<f32>,
    /// h_t, when projected, stays within ± this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection_clip: Option<f32>,
    /// Whether each gate and the new memory are normalised over their units, as in TensorFlow's
    /// `LayerNormBasicLSTMCell`: a gate's bias is then added after the normalisation, and the state is the normalised c.
    #[serde(default)]
    pub layer_norm: bool,
    /// φ of the candidate and of the memory that is shown, tanh by default.
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
    /// `[G panels of H][1 + I + P][16]`: b, then the rows of W, then of R.
    gates: Block,
    /// `[panel of P][H][16]`
    projection: Block,
    /// `[panel of H][vectors][16]`: peepholes; γ of the gates; γ and β of the memory.
    vectors: Block,
}

/// Where the sections of a row of the tape start. First of all stand the gates [G, Hp]; on the way back their gradients.
#[derive(Clone, Copy)]
struct Sections {
    /// o ⊙ tanh(c) `[Hp]`, when it is projected.
    unprojected: usize,
    /// The gradient by it.
    d_unprojected: usize,
    /// The gradient by h `[Pp]`.
    d_projected: usize,
    /// x̂ of the gates [G, Hp], of the memory `[Hp]`, and their rates.
    normal: usize,
    normal_memory: usize,
    rates: usize,
    end: usize,
}

impl Lstm {
    /// A cell that reads `input` floats a step and carries a memory and a state of `hidden`.
    pub fn new(input: usize, hidden: usize) -> Self {
        Lstm {
            input,
            hidden,
            projection: None,
            peepholes: false,
            coupled: false,
            cell_clip: None,
            projection_clip: None,
            layer_norm: false,
            activation: Activation::default(),
            recurrent_activation: GateActivation::default(),
            noise: Noise::default(),
        }
    }

    /// With a state of `size` floats, projected from the memory.
    pub fn projection(self, size: usize) -> Self {
        Lstm { projection: Some(size), ..self }
    }

    /// With gates that see the memory, or not.
    pub fn peepholes(self, peepholes: bool) -> Self {
        Lstm { peepholes, ..self }
    }

    /// With f = 1 − i, or not.
    pub fn coupled(self, coupled: bool) -> Self {
        Lstm { coupled, ..self }
    }

    /// With a memory within ±`limit`.
    pub fn cell_clip(self, limit: f32) -> Self {
        Lstm { cell_clip: Some(limit), ..self }
    }

    /// With a projected state within ±`limit`.
    pub fn projection_clip(self, limit: f32) -> Self {
        Lstm { projection_clip: Some(limit), ..self }
    }

    /// With normalised gates and memory, or not.
    pub fn layer_norm(self, layer_norm: bool) -> Self {
        Lstm { layer_norm, ..self }
    }

    /// With another φ.
    pub fn activation(self, activation: Activation) -> Self {
        Lstm { activation, ..self }
    }

    /// With another function of the gates.
    pub fn recurrent_activation(self, recurrent_activation: GateActivation) -> Self {
        Lstm { recurrent_activation, ..self }
    }

    /// With masks in training.
    pub fn noise(self, noise: Noise) -> Self {
        Lstm { noise, ..self }
    }

    /// i f g o, or i g o.
    fn letters(&self) -> &'static [Gate] {
        // The forget gate starts open: Jozefowicz et al. (2015).
        const F: Gate = Gate { opens: Opens::Always, ..Gate::new("f") };
        const GATES: [Gate; 4] = [Gate::new("i"), F, Gate::new("g"), Gate::new("o")];
        const COUPLED: [Gate; 3] = [Gate::new("i"), Gate::new("g"), Gate::new("o")];
        if self.coupled { &COUPLED } else { &GATES }
    }

    /// G
    fn gates(&self) -> usize {
        self.letters().len()
    }

    fn peephole_count(&self) -> usize {
        if self.peepholes { self.gates() - 1 } else { 0 }
    }

    /// Where γ of the gates, γ and β of the memory stand among the vectors.
    fn gain_at(&self) -> usize {
        self.peephole_count()
    }

    fn vector_count(&self) -> usize {
        self.peephole_count() + if self.layer_norm { self.gates() + 2 } else { 0 }
    }

    /// Whether no option is on that the pointwise part must look at.
    fn is_plain(&self) -> bool {
        let options = self.peepholes || self.coupled || self.layer_norm || self.projection.is_some();
        !options && self.cell_clip.is_none() && self.noise.candidate_dropout == 0.0 && self.chosen().is_none()
    }

    /// The functions, where they are not σ and tanh.
    fn chosen(&self) -> Option<Chosen> {
        Chosen::unless_standard(self.recurrent_activation, self.activation)
    }

    fn blocks(&self) -> Blocks {
        let gates = Block { at: 0, depth: 1 + self.input + self.output(), columns: self.hidden, gates: self.gates() };
        let projection = Block {
            at: gates.end(),
            depth: if self.projection.is_some() { self.hidden } else { 0 },
            columns: self.output(),
            gates: 1,
        };
        let vectors = Block { at: projection.end(), depth: self.vector_count(), columns: self.hidden, gates: 1 };
        Blocks { gates, projection, vectors }
    }

    fn sections(&self) -> Sections {
        let (hp, pp, gates) = (padded(self.hidden), padded(self.output()), self.gates());
        let projected = |floats| if self.projection.is_some() { floats } else { 0 };
        let normed = |floats| if self.layer_norm { floats } else { 0 };
        let unprojected = gates * hp;
        let d_unprojected = unprojected + projected(hp);
        let d_projected = d_unprojected + projected(hp);
        let normal = d_projected + projected(pp);
        let normal_memory = normal + normed(gates * hp);
        let rates = normal_memory + normed(hp);
        Sections { unprojected, d_unprojected, d_projected, normal, normal_memory, rates, end: rates + normed(LANES) }
    }

    /// Vector `index` of the vectors' block.
    fn vector<'a>(&self, weights: &'a [f32], index: usize) -> InPanels<'a> {
        let block = self.blocks().vectors;
        InPanels { data: &weights[block.at + index * LANES..], stride: block.depth * LANES }
    }

    /// The bias of a gate.
    fn bias<'a>(&self, weights: &'a [f32], gate: usize) -> InPanels<'a> {
        let depth = self.blocks().gates.depth;
        InPanels { data: &weights[gate * panels(self.hidden) * depth * LANES..], stride: depth * LANES }
    }
}

impl Cell for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }
    fn input(&self) -> usize {
        self.input
    }
    fn output(&self) -> usize {
        self.projection.unwrap_or(self.hidden)
    }
    fn memory(&self) -> usize {
        self.hidden
    }
    fn tape(&self) -> usize {
        self.sections().end
    }
    fn layout(&self) -> Layout {
        let (blocks, hidden, gates, output) = (self.blocks(), self.hidden, self.gates(), self.output());
        let letters = self.letters();
        let in_gates = |name, role, shape: &[usize], first_row| {
            Entry::in_panels(name, role, shape, blocks.gates.parts(first_row, 0).collect()).gates(letters)
        };
        let vectors = |name, role, shape: &[usize], first| {
            Entry::in_panels(name, role, shape, blocks.vectors.parts(first, 0).collect())
        };
        let mut entries = vec![
            in_gates("kernel", Role::Kernel, &[self.input, gates * hidden], 1),
            in_gates("recurrent_kernel", Role::Recurrent, &[output, gates * hidden], 1 + self.input),
            in_gates("bias", Role::Bias, &[gates * hidden], 0),
        ];
        if self.peepholes {
            entries.push(vectors("peepholes", Role::Peephole, &[self.peephole_count(), hidden], 0));
        }
        if self.projection.is_some() {
            let parts = blocks.projection.parts(0, 0).collect();
            entries.push(Entry::in_panels("projection", Role::Projection, &[hidden, output], parts));
        }
        if self.layer_norm {
            let at = self.gain_at();
            entries.push(vectors("gain", Role::Gain, &[gates, hidden], at));
            entries.push(vectors("memory_gain", Role::Gain, &[hidden], at + gates));
            entries.push(vectors("memory_bias", Role::Shift, &[hidden], at + gates + 1));
        }
        Layout { entries, len: blocks.vectors.end() }
    }
    /// Rᵀ, Wᵀ, and that of the projection.
    fn transposes(&self) -> Vec<Transpose> {
        let Blocks { gates, projection, .. } = self.blocks();
        let mut all = vec![gates.transpose(1 + self.input, self.output()), gates.transpose(1, self.input)];
        if self.projection.is_some() {
            all.push(projection.transpose(0, self.hidden));
        }
        all
    }
    fn noise(&self) -> Noise {
        self.noise
    }
    fn operations(&self) -> [f64; 3] {
        let [input, hidden, output, gates] =
            [self.input, self.hidden, self.output(), self.gates()].map(|size| size as f64);
        let projected = if self.projection.is_some() { hidden * output } else { 0.0 };
        let forward = 2.0 * ((input + output) * gates * hidden + projected);
        [forward, forward + 2.0 * (output * gates * hidden + projected), 2.0 * input * gates * hidden]
    }

    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let Forward { rows, fresh, joint, memory, mut output, mut next_memory, mut tape, candidate, .. } = step;
        let (np, block) = (panels(self.hidden), self.blocks().gates);
        let both = Segment {
            left: Left { data: joint.data, row: joint.stride, col: 1 },
            right: Right { data: &weights[LANES..], row: LANES, panel: block.depth * LANES, first: 1 },
            depth: if fresh { self.input } else { self.input + self.output() },
        };
        let (out, stride) = (&mut *tape.data, tape.stride);
        if self.layer_norm {
            engine.product(rows, block.gates * np, once(both), Store::new(out, stride));
        } else {
            let ends = Affine::<Identity>::new(weights, block.depth, out, stride);
            engine.product(rows, block.gates * np, once(both), ends);
        }
        if self.is_plain() {
            engine.run(PlainForward { rows, width: padded(self.hidden), memory, output, next_memory, tape });
            return;
        }
        with_functions!(self.chosen(), |functions| engine.run(AnyForward {
            lstm: self,
            functions,
            weights,
            rows,
            memory,
            output: output.again(),
            next_memory: next_memory.again(),
            tape: tape.again(),
            candidate,
        }));
        if self.projection.is_some() {
            let left = Left { data: &tape.data[self.sections().unprojected..], row: tape.stride, col: 1 };
            let block = self.blocks().projection;
            let right = Right { data: block.of(weights), row: LANES, panel: block.depth * LANES, first: 0 };
            let segment = Segment { left, right, depth: self.hidden };
            let RowsMut { data: out, stride, .. } = output.again();
            engine.product(rows, panels(self.output()), once(segment), Store::new(out, stride));
            let limit = self.projection_clip.unwrap_or(f32::INFINITY);
            engine.run(Clip { rows, limit, values: output });
        }
    }

    /// With dh, dc entering and m = o ⊙ tanh(c_t):
    ///
    /// dm = dh \[W_pᵀ\]       dc += dm ⊙ o ⊙ (1 − tanh²(c_t)) \[+ da_o ⊙ p_o\]       da_o = dm ⊙ tanh(c_t) ⊙ o (1 − o)
    /// da_i = dc ⊙ g ⊙ i (1 − i)       da_f = dc ⊙ c_{t-1} ⊙ f (1 − f)       da_g = dc ⊙ i ⊙ (1 − g²)
    /// dc_{t-1} = dc ⊙ f \[+ da_i ⊙ p_i + da_f ⊙ p_f\]       dh_{t-1} = da Rᵀ       dx_t = da Wᵀ
    ///
    /// The gates on the tape are replaced by da.
    fn backward(&self, engine: Engine<'_>, weights: &[f32], transposed: &[f32], step: Backward<'_>) {
        let Backward { rows, memory, output, mut tape, candidate, mut d_output, d_joint, d_memory, d_input, .. } = step;
        let (hp, gates) = (padded(self.hidden), self.gates());
        let (recurrent, rest) = transposed.split_at(padded(self.output()) * gates * hp);
        let (input, projection) = rest.split_at(padded(self.input) * gates * hp);
        if self.is_plain() {
            engine.run(PlainBackward { rows, width: hp, memory, tape: tape.again(), d_output, d_memory });
        } else {
            if self.projection.is_some() {
                let (sections, limit) = (self.sections(), self.projection_clip);
                let (d, at) = (d_output.again(), sections.d_projected);
                engine.run(EnterProjection { rows, limit, output, d_output: d, tape: tape.again(), at });
                let left = Left { data: d_output.data, row: d_output.stride, col: 1 };
                let right = Right { data: projection, row: LANES, panel: padded(self.output()) * LANES, first: 0 };
                let segment = Segment { left, right, depth: self.output() };
                let ends = Store::new(&mut tape.data[sections.d_unprojected..], tape.stride);
                engine.product(rows, panels(self.hidden), once(segment), ends);
            }
            let gradient = &mut *step.gradient;
            let (lstm, tape) = (self, tape.again());
            with_functions!(self.chosen(), |functions| engine.run(AnyBackward {
                lstm,
                functions,
                weights,
                rows,
                memory,
                tape,
                candidate,
                d_output,
                d_memory,
                gradient
            }));
        }
        let da = Left { data: tape.data, row: tape.stride, col: 1 };
        for (out, right, columns) in [(d_joint, recurrent, self.output()), (d_input, input, self.input)] {
            if let Some(RowsMut { data: out, stride, .. }) = out {
                let right = Right { data: right, row: LANES, panel: gates * hp * LANES, first: 0 };
                let segment = Segment { left: da, right, depth: gates * hp };
                engine.product(rows, panels(columns), once(segment), Store::new(out, stride));
            }
        }
    }

    /// [db; dW; dR] = Σ_t [1 x_t h_{t-1}]ᵀ da_t        dW_p = Σ_t m_tᵀ dh_t
    fn accumulate(&self, engine: Engine<'_>, steps: Steps<'_>, gradient: &mut [f32]) {
        let Blocks { gates, projection, .. } = self.blocks();
        // With normalisation the bias is no row of the product.
        let first = usize::from(self.layer_norm);
        gates.add_products(engine, &steps, first, self.input, self.output(), 0, gradient);
        if self.projection.is_some() {
            let Sections { unprojected, d_projected, .. } = self.sections();
            let into = &mut gradient[projection.at..projection.end()];
            let columns = panels(self.output());
            let (left, rows) = (unprojected, self.hidden);
            steps.add_products(engine, 0, Factor::Tape, left, rows, d_projected, columns, into, projection.depth, 0);
        }
    }
}

/// The pointwise part of a cell without options, gates i f g o.
struct PlainForward<'a> {
    rows: usize,
    width: usize,
    memory: Rows<'a>,
    output: RowsMut<'a>,
    next_memory: RowsMut<'a>,
    tape: RowsMut<'a>,
}

impl Kernel for PlainForward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let width = self.width;
        for row in 0..self.rows {
            let (i, rest) = self.tape.row(row).split_at_mut(width);
            let (f, rest) = rest.split_at_mut(width);
            let (g, o) = rest.split_at_mut(width);
            let (c0, c1, h) = (self.memory.row(row), self.next_memory.row(row), self.output.row(row));
            for at in (0..width).step_by(LANES) {
                let new_i = sigmoid(s, s.load(&i[at..]));
                s.store(new_i, &mut i[at..]);
                let new_g = tanh(s, s.load(&g[at..]));
                s.store(new_g, &mut g[at..]);
                let new_f = sigmoid(s, s.load(&f[at..]));
                s.store(new_f, &mut f[at..]);
                let c = next_cell(s, new_f, s.load(&c0[at..]), new_i, new_g);
                s.store(c, &mut c1[at..]);
                let new_o = sigmoid(s, s.load(&o[at..]));
                s.store(new_o, &mut o[at..]);
                s.store(s.mul(new_o, tanh(s, c)), &mut h[at..]);
            }
        }
    }
}

/// f ⊙ c + i ⊙ g, which becomes 0 where it vanishes: forward and on the way back the same bits.
#[inline(always)]
fn next_cell<S: Simd>(s: S, f: S::F, c: S::F, i: S::F, g: S::F) -> S::F {
    vanishing::state(s, s.mul_add(f, c, s.mul(i, g)))
}

struct PlainBackward<'a> {
    rows: usize,
    width: usize,
    memory: Rows<'a>,
    tape: RowsMut<'a>,
    d_output: RowsMut<'a>,
    d_memory: RowsMut<'a>,
}

impl Kernel for PlainBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let width = self.width;
        for row in 0..self.rows {
            let (i, rest) = self.tape.row(row).split_at_mut(width);
            let (f, rest) = rest.split_at_mut(width);
            let (g, o) = rest.split_at_mut(width);
            let (c0, dh, dc) = (self.memory.row(row), self.d_output.row(row), self.d_memory.row(row));
            for at in (0..width).step_by(LANES) {
                let [vi, vf, vg, vo] = [&*i, &*f, &*g, &*o].map(|gate| &gate[at..]);
                let (vi, vf, vg, vo) = (s.load(vi), s.load(vf), s.load(vg), s.load(vo));
                let (vc0, m) = (s.load(&c0[at..]), s.load(&dh[at..]));
                let tc = tanh(s, next_cell(s, vf, vc0, vi, vg));
                let da_o = s.mul(s.mul(m, tc), Standard.gate_slope(s, vo));
                let d = s.mul_add(s.mul(m, vo), Standard.slope(s, tc), s.load(&dc[at..]));
                let put = |v, to: &mut [f32]| s.store(vanishing::gradient(s, v), &mut to[at..]);
                put(s.mul(s.mul(d, vg), Standard.gate_slope(s, vi)), i);
                put(s.mul(s.mul(d, vc0), Standard.gate_slope(s, vf)), f);
                put(s.mul(s.mul(d, vi), Standard.slope(s, vg)), g);
                put(da_o, o);
                put(s.mul(d, vf), dc);
            }
        }
    }
}

/// The pointwise part with whatever options the cell has.
struct AnyForward<'a, F> {
    lstm: &'a Lstm,
    functions: F,
    weights: &'a [f32],
    rows: usize,
    memory: Rows<'a>,
    output: RowsMut<'a>,
    next_memory: RowsMut<'a>,
    tape: RowsMut<'a>,
    candidate: Option<Bits<'a>>,
}

/// The options of a cell as its loops want them.
struct Options<'a> {
    width: usize,
    gates: usize,
    /// Where f, g and o start in a row of gates; f is absent when coupled.
    f: usize,
    g: usize,
    o: usize,
    peepholes: Option<[InPanels<'a>; 3]>,
    clip: f32,
    clipped: bool,
}

impl<'a> Options<'a> {
    fn new(lstm: &Lstm, weights: &'a [f32]) -> Self {
        let (width, gates) = (padded(lstm.hidden), lstm.gates());
        // Of a coupled cell there are two, those of i and o; the one in the middle is not used.
        let last = lstm.peephole_count().saturating_sub(1);
        let peepholes = lstm.peepholes.then(|| [0, 1, last].map(|index| lstm.vector(weights, index)));
        let clip = lstm.cell_clip.unwrap_or(f32::INFINITY);
        let [f, g, o] = if lstm.coupled { [0, width, 2 * width] } else { [width, 2 * width, 3 * width] };
        Options { width, gates, f, g, o, peepholes, clip, clipped: lstm.cell_clip.is_some() }
    }
}

impl<F: Functions> Kernel for AnyForward<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (lstm, functions) = (self.lstm, self.functions);
        let (options, sections, hidden) = (Options::new(lstm, self.weights), lstm.sections(), lstm.hidden);
        let Options { width, gates, f, g, o, clip, .. } = options;
        let scale = scale(lstm.noise.candidate_dropout);
        for row in 0..self.rows {
            let (c0, c1) = (self.memory.row(row), self.next_memory.row(row));
            if lstm.layer_norm {
                let row = self.tape.row(row);
                let (front, rates) = row.split_at_mut(sections.rates);
                let (acts, normal) = front.split_at_mut(sections.normal);
                for gate in 0..gates {
                    let (gain, shift) =
                        (lstm.vector(self.weights, lstm.gain_at() + gate), lstm.bias(self.weights, gate));
                    let (x, normal) = (&mut acts[gate * width..][..width], &mut normal[gate * width..][..width]);
                    rates[gate] = normalize(s, x, normal, hidden, gain, shift);
                }
            }
            let acts = &mut self.tape.row(row)[..gates * width];
            for at in (0..width).step_by(LANES) {
                let (old, panel) = (s.load(&c0[at..]), at / LANES);
                let (mut a_i, mut a_f) = (s.load(&acts[at..]), s.load(&acts[f + at..]));
                if let Some([p_i, p_f, _]) = options.peepholes {
                    a_i = s.mul_add(p_i.panel(s, panel), old, a_i);
                    a_f = s.mul_add(p_f.panel(s, panel), old, a_f);
                }
                let i = functions.gate(s, a_i);
                let forget = if lstm.coupled { s.sub(s.splat(1.0), i) } else { functions.gate(s, a_f) };
                let candidate = functions.phi_of_units(s, hidden, at, s.load(&acts[g + at..]));
                let seen = dropped(s, self.candidate, row, at, scale, candidate);
                let mut c = next_cell(s, forget, old, i, seen);
                if options.clipped {
                    c = s.at_least(s.at_most(c, s.splat(clip)), s.splat(-clip));
                }
                s.store(c, &mut c1[at..]);
                if !lstm.coupled {
                    s.store(forget, &mut acts[f + at..]);
                }
                s.store(i, &mut acts[at..]);
                s.store(candidate, &mut acts[g + at..]);
            }
            if lstm.layer_norm {
                let at = lstm.gain_at() + gates;
                let (gain, shift) = (lstm.vector(self.weights, at), lstm.vector(self.weights, at + 1));
                let (front, rates) = self.tape.row(row).split_at_mut(sections.rates);
                rates[gates] = normalize(s, c1, &mut front[sections.normal_memory..], hidden, gain, shift);
            }
            let (acts, rest) = self.tape.row(row).split_at_mut(sections.unprojected);
            let m = if lstm.projection.is_some() { &mut rest[..width] } else { self.output.row(row) };
            for at in (0..width).step_by(LANES) {
                let c = s.load(&c1[at..]);
                let mut a_o = s.load(&acts[o + at..]);
                if let Some([_, _, p_o]) = options.peepholes {
                    a_o = s.mul_add(p_o.panel(s, at / LANES), c, a_o);
                }
                let new_o = functions.gate(s, a_o);
                s.store(new_o, &mut acts[o + at..]);
                s.store(s.mul(new_o, functions.phi_of_units(s, hidden, at, c)), &mut m[at..]);
            }
        }
    }
}

struct AnyBackward<'a, F> {
    lstm: &'a Lstm,
    functions: F,
    weights: &'a [f32],
    rows: usize,
    memory: Rows<'a>,
    tape: RowsMut<'a>,
    candidate: Option<Bits<'a>>,
    d_output: RowsMut<'a>,
    d_memory: RowsMut<'a>,
    gradient: &'a mut [f32],
}

impl<F: Functions> Kernel for AnyBackward<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (lstm, functions) = (self.lstm, self.functions);
        let (options, sections, hidden) = (Options::new(lstm, self.weights), lstm.sections(), lstm.hidden);
        let Options { width, gates, f, g, o, clip, .. } = options;
        let vectors = lstm.blocks().vectors;
        let (stride, one, zero) = (vectors.depth * LANES, s.splat(1.0), s.splat(0.0));
        let scale = scale(lstm.noise.candidate_dropout);
        let norm_at = lstm.gain_at() + gates;
        let memory_norm =
            lstm.layer_norm.then(|| (lstm.vector(self.weights, norm_at), lstm.vector(self.weights, norm_at + 1)));
        for row in 0..self.rows {
            let (acts, rest) = self.tape.row(row).split_at_mut(sections.unprojected);
            let m = if lstm.projection.is_some() { &rest[width..][..width] } else { self.d_output.row(row) };
            let normal_memory = sections.normal_memory - sections.unprojected;
            let (c0, dc) = (self.memory.row(row), self.d_memory.row(row));
            for at in (0..width).step_by(LANES) {
                let panel = at / LANES;
                let (i, vo, old) = (s.load(&acts[at..]), s.load(&acts[o + at..]), s.load(&c0[at..]));
                let forget = if lstm.coupled { s.sub(one, i) } else { s.load(&acts[f + at..]) };
                let seen = dropped(s, self.candidate, row, at, scale, s.load(&acts[g + at..]));
                let mut c = next_cell(s, forget, old, i, seen);
                if options.clipped {
                    c = s.at_least(s.at_most(c, s.splat(clip)), s.splat(-clip));
                }
                if let Some((gain, shift)) = memory_norm {
                    c = s.mul_add(gain.panel(s, panel), s.load(&rest[normal_memory + at..]), shift.panel(s, panel));
                }
                let (tc, dm) = (functions.phi(s, c), s.load(&m[at..]));
                let da_o = vanishing::gradient(s, s.mul(s.mul(dm, tc), functions.gate_slope(s, vo)));
                let mut d = s.mul_add(s.mul(dm, vo), functions.slope(s, tc), s.load(&dc[at..]));
                if let Some([_, _, p_o]) = options.peepholes {
                    d = s.mul_add(da_o, p_o.panel(s, panel), d);
                    let index = lstm.peephole_count() - 1;
                    add_panel(s, self.gradient, vectors.at + index * LANES + panel * stride, s.mul(da_o, c));
                }
                s.store(da_o, &mut acts[o + at..]);
                s.store(vanishing::gradient(s, d), &mut dc[at..]);
            }
            if let Some((gain, _)) = memory_norm {
                let (gain_at, shift_at) = (vectors.at + norm_at * LANES, vectors.at + (norm_at + 1) * LANES);
                let (normal, rate) = (&rest[normal_memory..], rest[sections.rates - sections.unprojected + gates]);
                normalize_back(s, dc, normal, rate, hidden, gain, self.gradient, gain_at, shift_at, stride);
            }
            for at in (0..width).step_by(LANES) {
                let panel = at / LANES;
                let (i, old, mut d) = (s.load(&acts[at..]), s.load(&c0[at..]), s.load(&dc[at..]));
                let forget = if lstm.coupled { s.sub(one, i) } else { s.load(&acts[f + at..]) };
                let candidate = s.load(&acts[g + at..]);
                let seen = dropped(s, self.candidate, row, at, scale, candidate);
                if options.clipped {
                    // Within both limits, as TensorFlow: elsewhere the clipped value does not depend on c.
                    let (c, limit) = (next_cell(s, forget, old, i, seen), s.splat(clip));
                    let above = s.where_positive(s.sub(c, limit), d);
                    let below = s.where_positive(s.sub(s.sub(zero, limit), c), d);
                    d = s.sub(s.sub(d, above), below);
                }
                let d_candidate = dropped(s, self.candidate, row, at, scale, s.mul(d, i));
                let da_g = vanishing::gradient(s, s.mul(d_candidate, functions.slope(s, candidate)));
                s.store(da_g, &mut acts[g + at..]);
                let mut d_old = s.mul(d, forget);
                let (da_i, da_f);
                if lstm.coupled {
                    da_i = vanishing::gradient(s, s.mul(s.mul(d, s.sub(seen, old)), functions.gate_slope(s, i)));
                    da_f = zero;
                } else {
                    da_i = vanishing::gradient(s, s.mul(s.mul(d, seen), functions.gate_slope(s, i)));
                    da_f = vanishing::gradient(s, s.mul(s.mul(d, old), functions.gate_slope(s, forget)));
                    s.store(da_f, &mut acts[f + at..]);
                }
                s.store(da_i, &mut acts[at..]);
                if let Some([p_i, p_f, _]) = options.peepholes {
                    d_old = s.mul_add(da_i, p_i.panel(s, panel), d_old);
                    add_panel(s, self.gradient, vectors.at + panel * stride, s.mul(da_i, old));
                    if !lstm.coupled {
                        d_old = s.mul_add(da_f, p_f.panel(s, panel), d_old);
                        add_panel(s, self.gradient, vectors.at + LANES + panel * stride, s.mul(da_f, old));
                    }
                }
                s.store(vanishing::gradient(s, d_old), &mut dc[at..]);
            }
            if lstm.layer_norm {
                let (normal, rates) = (sections.normal - sections.unprojected, sections.rates - sections.unprojected);
                let depth = lstm.blocks().gates.depth * LANES;
                for gate in 0..gates {
                    let index = lstm.gain_at() + gate;
                    let gain = lstm.vector(self.weights, index);
                    let (gain_at, shift_at) = (vectors.at + index * LANES, gate * panels(hidden) * depth);
                    let (d, normal) = (&mut acts[gate * width..][..width], &rest[normal + gate * width..][..width]);
                    let rate = rest[rates + gate];
                    normalize_back(s, d, normal, rate, hidden, gain, self.gradient, gain_at, shift_at, depth);
                }
            }
        }
    }
}

/// Values within ± a limit, which may be infinite; 0 where they vanish.
struct Clip<'a> {
    rows: usize,
    limit: f32,
    values: RowsMut<'a>,
}

impl Kernel for Clip<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (low, high) = (s.splat(-self.limit), s.splat(self.limit));
        for row in 0..self.rows {
            for v in self.values.row(row).chunks_exact_mut(LANES) {
                let clipped = s.at_least(s.at_most(s.load(v), high), low);
                s.store(vanishing::state(s, clipped), v);
            }
        }
    }
}

/// dh where h was not clipped; a copy for the tape.
struct EnterProjection<'a> {
    rows: usize,
    limit: Option<f32>,
    output: Rows<'a>,
    d_output: RowsMut<'a>,
    tape: RowsMut<'a>,
    at: usize,
}

impl Kernel for EnterProjection<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for row in 0..self.rows {
            let (h, d, copy) = (self.output.row(row), self.d_output.row(row), &mut self.tape.row(row)[self.at..]);
            for at in (0..h.len()).step_by(LANES) {
                let mut inside = s.load(&d[at..]);
                if let Some(limit) = self.limit {
                    let (h, limit, zero) = (s.load(&h[at..]), s.splat(limit), s.splat(0.0));
                    inside = s.where_positive(s.sub(limit, h), s.where_positive(s.sub(h, s.sub(zero, limit)), inside));
                }
                s.store(inside, &mut d[at..]);
                s.store(inside, &mut copy[at..]);
            }
        }
    }
}
