//! The IndRNN cell: an Elman cell whose units see themselves alone.
//!
//! R rows of a tile, I input, H hidden; Hp and Ip are H and I rounded up to whole panels of 16. Row-major.

use std::iter::once;
use std::ops::Range;

use crate::activation::{Activation, Chosen, Functions, GateActivation, Identity, with_functions};
use crate::cell::{Backward, Cell, Forward, Noise, Rows, RowsMut, Steps};
use crate::engine::Engine;
use crate::layout::{Block, Entry, Layout, Role, Transpose};
use crate::norm::{InPanels, add_panel};
use crate::panels::{padded, panels};
use crate::product::{Affine, Segment, Store};
use crate::simd::{Kernel, LANES, Left, Right, Simd};
use crate::vanishing;

/// An IndRNN cell: its sizes and options.
///
/// h_t = φ(x_t W + u ⊙ h_{t-1} + b), 0 where it is below 2⁻⁶⁰
///
/// Each unit is a neuron with a memory of its own: ∂h_t / ∂h_{t-1} is φ' u, unit by unit, and units meet in the next
/// layer. Li et al. (2018), "Independently Recurrent Neural Network", <https://arxiv.org/abs/1803.04831>; theirs is mostly
/// ReLU.
///
/// Weights `[panel of H][1 + I][16]`: b, then the rows of W; behind them u `[panel of H][16]`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndRnn {
    /// I, the floats of a step.
    pub input: usize,
    /// H, the floats of the state.
    pub hidden: usize,
    /// φ, tanh by default.
    #[serde(default)]
    pub activation: Activation,
    /// What training keeps |u| within, after every step; none by default. The paper's is γ^(1/T), for sequences of T steps and
    /// states that may grow by γ over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrent_bound: Option<f32>,
    /// Masks in training. A candidate to drop is not defined for this cell.
    #[serde(default, skip_serializing_if = "Noise::is_none")]
    pub noise: Noise,
}

/// Where the parts of the weights lie.
#[derive(Clone, Copy)]
struct Blocks {
    /// b and W.
    input: Block,
    /// u
    own: Block,
}

impl IndRnn {
    /// A cell that reads `input` floats a step and carries a state of `hidden`.
    pub fn new(input: usize, hidden: usize) -> Self {
        IndRnn { input, hidden, activation: Activation::default(), recurrent_bound: None, noise: Noise::default() }
    }

    /// With another activation.
    pub fn activation(self, activation: Activation) -> Self {
        IndRnn { activation, ..self }
    }

    /// With a bound on |u|.
    pub fn recurrent_bound(self, bound: f32) -> Self {
        IndRnn { recurrent_bound: Some(bound), ..self }
    }

    /// With masks in training.
    pub fn noise(self, noise: Noise) -> Self {
        IndRnn { noise, ..self }
    }

    fn blocks(&self) -> Blocks {
        let input = Block { at: 0, depth: 1 + self.input, columns: self.hidden, gates: 1 };
        Blocks { input, own: Block { at: input.end(), depth: 1, columns: self.hidden, gates: 1 } }
    }

    /// φ, where it is not tanh. There are no gates.
    fn chosen(&self) -> Option<Chosen> {
        Chosen::unless_standard(GateActivation::default(), self.activation)
    }

    fn own<'a>(&self, weights: &'a [f32]) -> InPanels<'a> {
        InPanels { data: self.blocks().own.of(weights), stride: LANES }
    }

    /// h_{t-1} [R, Hp] as it stands in the joint rows, behind x_t.
    fn seen<'a>(&self, joint: Rows<'a>) -> Rows<'a> {
        Rows { data: &joint.data[self.input..], width: padded(self.hidden), ..joint }
    }
}

impl Cell for IndRnn {
    fn name(&self) -> &'static str {
        "indrnn"
    }
    fn input(&self) -> usize {
        self.input
    }
    fn output(&self) -> usize {
        self.hidden
    }
    /// da
    fn tape(&self) -> usize {
        padded(self.hidden)
    }
    fn layout(&self) -> Layout {
        let (Blocks { input, own }, hidden) = (self.blocks(), self.hidden);
        let entry = |name, role, shape: &[usize], block: Block, first_row| {
            Entry::in_panels(name, role, shape, block.parts(first_row, 0).collect())
        };
        Layout {
            entries: vec![
                entry("kernel", Role::Dense, &[self.input, hidden], input, 1),
                entry("recurrent_kernel", Role::Own, &[hidden], own, 0),
                entry("bias", Role::DenseBias, &[hidden], input, 0),
            ],
            len: own.end(),
        }
    }
    /// Wᵀ
    fn transposes(&self) -> Vec<Transpose> {
        vec![self.blocks().input.transpose(1, self.input)]
    }
    fn noise(&self) -> Noise {
        self.noise
    }
    /// u
    fn bounded(&self) -> Option<(Range<usize>, f32)> {
        let own = self.blocks().own;
        self.recurrent_bound.map(|bound| (own.at..own.end(), bound))
    }
    fn operations(&self) -> [f64; 3] {
        [2.0 * self.input as f64 * self.hidden as f64; 3]
    }

    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>) {
        let depth = self.blocks().input.depth;
        let Forward { rows, joint, mut output, .. } = step;
        let segment = Segment {
            left: Left { data: joint.data, row: joint.stride, col: 1 },
            right: Right { data: &weights[LANES..], row: LANES, panel: depth * LANES, first: 1 },
            depth: self.input,
        };
        let RowsMut { data, stride, .. } = output.again();
        engine.product(rows, panels(self.hidden), once(segment), Affine::<Identity>::new(weights, depth, data, stride));
        let (own, seen, hidden) = (self.own(weights), self.seen(joint), self.hidden);
        with_functions!(self.chosen(), |functions| {
            engine.run(NextState { functions, rows, hidden, own, seen, output });
        });
    }

    /// da_t = dh_t ⊙ φ'        dx_t = da_t Wᵀ        dh_{t-1} = da_t ⊙ u        du = Σ_t da_t ⊙ h_{t-1}
    fn backward(&self, engine: Engine<'_>, weights: &[f32], transposed: &[f32], step: Backward<'_>) {
        let Backward { rows, joint, output, mut tape, d_output, d_joint, d_input, gradient, .. } = step;
        let (own, seen, hp) = (self.own(weights), self.seen(joint), padded(self.hidden));
        let d_own = &mut gradient[self.blocks().own.at..];
        with_functions!(self.chosen(), |functions| engine.run(StateBack {
            functions,
            rows,
            own,
            seen,
            h: output,
            dh: d_output.as_rows(),
            da: RowsMut { width: hp, ..tape.again() },
            d_seen: d_joint,
            d_own,
        }));
        if let Some(RowsMut { data, stride, .. }) = d_input {
            let segment = Segment {
                left: Left { data: tape.data, row: tape.stride, col: 1 },
                right: Right { data: transposed, row: LANES, panel: hp * LANES, first: 0 },
                depth: self.hidden,
            };
            engine.product(rows, panels(self.input), once(segment), Store::new(data, stride));
        }
    }

    /// [db; dW] = Σ_t [1 x_t]ᵀ da_t
    fn accumulate(&self, engine: Engine<'_>, steps: Steps<'_>, gradient: &mut [f32]) {
        // The state is in no product: whether the first is zero does not matter here.
        let steps = Steps { fresh: false, ..steps };
        self.blocks().input.add_products(engine, &steps, 0, self.input, 0, 0, gradient);
    }
}

/// h_t, where x_t W + b stands.
struct NextState<'a, F> {
    functions: F,
    rows: usize,
    hidden: usize,
    own: InPanels<'a>,
    seen: Rows<'a>,
    output: RowsMut<'a>,
}

impl<F: Functions> Kernel for NextState<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for row in 0..self.rows {
            let (old, h) = (self.seen.row(row), self.output.row(row));
            for at in (0..old.len()).step_by(LANES) {
                let a = s.mul_add(self.own.panel(s, at / LANES), s.load(&old[at..]), s.load(&h[at..]));
                s.store(self.functions.phi_of_units(s, self.hidden, at, a), &mut h[at..]);
            }
        }
    }
}

/// From dh to da, dh_{t-1} and du.
struct StateBack<'a, F> {
    functions: F,
    rows: usize,
    own: InPanels<'a>,
    seen: Rows<'a>,
    h: Rows<'a>,
    dh: Rows<'a>,
    da: RowsMut<'a>,
    d_seen: Option<RowsMut<'a>>,
    /// [panel of H][16], to be added to.
    d_own: &'a mut [f32],
}

impl<F: Functions> Kernel for StateBack<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for row in 0..self.rows {
            let (old, h, dh, da) = (self.seen.row(row), self.h.row(row), self.dh.row(row), self.da.row(row));
            for at in (0..old.len()).step_by(LANES) {
                let slope = self.functions.slope(s, s.load(&h[at..]));
                let d = vanishing::gradient(s, s.mul(s.load(&dh[at..]), slope));
                s.store(d, &mut da[at..]);
                add_panel(s, self.d_own, at, s.mul(d, s.load(&old[at..])));
                if let Some(d_seen) = &mut self.d_seen {
                    let d = vanishing::gradient(s, s.mul(d, self.own.panel(s, at / LANES)));
                    s.store(d, &mut d_seen.row(row)[at..]);
                }
            }
        }
    }
}
