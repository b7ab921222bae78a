//! The Elman cell over a tile of rows and all their steps.
//!
//! T steps, R rows of the tile, I input, H hidden; Hp and Ip are H and I rounded up to whole panels of 16. Row-major.
//!
//! h_t = φ(x_t W + h_{t-1} R + b)
//!
//! Elman (1990), "Finding structure in time", <https://doi.org/10.1207/s15516709cog1402_1>
//!
//! # The buffers of a tile
//! *History* `[T+1, R, stride]`: row r of step t is `[… | 1 | x_t (I) | h_{t-1} (Hp)]`, filled up in front so that the
//! state starts on a cache line. The input and the previous state stand side by side, so a step is one product, and
//! the constant 1 makes the bias a row of the weights. `forward` writes h_t into step t+1.
//!
//! *Weights* `[panel of H][1 + I + H][16]`: b, then the rows of W, then of R.
//!
//! *Active* `[T]`: rows are sorted by length, the longest first; at step t the first `active[t]` of them run. A row
//! that has ended costs no work, and its final state stays where its last step wrote it. A row of length 0 has none of
//! its own: its final state is the initial one, which stands in the history only when it was given.

use std::iter::once;
use std::marker::PhantomData;

use crate::activation::{Activation, Phi, Relu, Tanh};
use crate::panels::{odd_stride, padded, panels, transpose_panel};
use crate::product::{Accumulate, Affine, Ends, Mode, Segment, Store, product};
use crate::simd::{Isa, Kernel, LANES, Left, Right, Simd};

/// Rows times steps whose gradients of the weights are summed in one product, right behind the backward pass, while
/// they are in the cache. Measured on Zen 3: 64 to 128 are alike, 16 costs 10%.
const CHUNK: usize = 128;

/// An Elman cell: its sizes and activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rnn {
    /// I
    pub input: usize,
    /// H
    pub hidden: usize,
    /// φ
    pub activation: Activation,
}

/// Where a sequence starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// h_0 = 0: its products are skipped.
    Zero,
    /// h_0 is what step 0 of the history holds.
    Given,
}

/// What [`Rnn::backward`] reads.
#[derive(Clone, Copy)]
pub struct Upstream<'a> {
    /// [R, Hp]: gradient of the loss by each row's final state. Padding zero.
    pub state: &'a [f32],
    /// [T, R, Hp]: gradient by the outputs, where they enter the loss. Padding zero.
    pub outputs: Option<&'a [f32]>,
}

/// What [`Rnn::backward`] writes.
pub struct Gradients<'a> {
    /// Laid out as the weights.
    pub weights: &'a mut [f32],
    /// Whether `weights` is overwritten or added to.
    pub mode: Mode,
    /// [T, R, Ip]: gradient by the inputs, when asked for; zero past a row's end.
    pub inputs: Option<&'a mut [f32]>,
    /// [R, Hp]: gradient by the initial state, when asked for.
    pub initial: Option<&'a mut [f32]>,
}

impl Rnn {
    /// Rows of a panel of weights: 1 + I + H.
    pub fn depth(&self) -> usize {
        1 + self.input + self.hidden
    }

    /// Floats of the weights, Hp (1 + I + H).
    pub fn weights_len(&self) -> usize {
        padded(self.hidden) * self.depth()
    }

    /// Floats of Rᵀ in panels, `[panel of H][H][16]`: what the backward pass reads.
    pub fn recurrent_transposed_len(&self) -> usize {
        padded(self.hidden) * self.hidden
    }

    /// Floats of Wᵀ in panels, `[panel of I][H][16]`: read only for the gradient by the inputs.
    pub fn input_transposed_len(&self) -> usize {
        padded(self.input) * self.hidden
    }

    /// Writes panel `panel` of Rᵀ, `[H][16]`.
    pub fn transpose_recurrent(&self, weights: &[f32], panel: usize, out: &mut [f32]) {
        transpose_panel(weights, self.depth(), self.hidden, 1 + self.input, self.hidden, panel, out);
    }

    /// Writes panel `panel` of Wᵀ, `[H][16]`.
    pub fn transpose_input(&self, weights: &[f32], panel: usize, out: &mut [f32]) {
        transpose_panel(weights, self.depth(), self.hidden, 1, self.input, panel, out);
    }

    /// From a row of the history to the next.
    pub fn stride(&self) -> usize {
        odd_stride(self.state_at() + padded(self.hidden))
    }

    /// Where the constant 1 stands in a row of the history.
    pub fn one_at(&self) -> usize {
        self.state_at() - self.input - 1
    }

    /// Where x_t starts in a row of the history.
    pub fn input_at(&self) -> usize {
        self.state_at() - self.input
    }

    /// Where h_{t-1} starts in a row of the history.
    pub fn state_at(&self) -> usize {
        padded(1 + self.input)
    }

    /// Floats of the history of a tile.
    pub fn history_len(&self, steps: usize, rows: usize) -> usize {
        (steps + 1) * rows * self.stride()
    }

    /// Floats of the scratch of [`Rnn::backward`].
    pub fn scratch_len(&self, rows: usize) -> usize {
        (chunk_steps(rows) + 1) * rows * odd_stride(self.hidden)
    }

    /// All steps forward. `history [T+1, R, stride]`: of step t the inputs and the ones are read, and for
    /// [`Initial::Given`] the state of step 0; the states of steps 1 to T are written. `active [T]`.
    ///
    /// # Panics
    /// If a length does not fit the sizes, or `active` grows or exceeds `rows`.
    pub fn forward(
        &self,
        isa: Isa,
        weights: &[f32],
        history: &mut [f32],
        rows: usize,
        active: &[usize],
        initial: Initial,
    ) {
        self.check(weights, history, rows, active);
        // A tile without rows has no history to slice.
        let active = if rows == 0 { &[] } else { active };
        let (stride, depth) = (self.stride(), self.depth());
        for (t, &active) in active.iter().enumerate() {
            let (before, after) = history.split_at_mut((t + 1) * rows * stride);
            let both = Segment {
                left: Left { data: &before[t * rows * stride + self.input_at()..], row: stride, col: 1 },
                right: Right { data: &weights[LANES..], row: LANES, panel: depth * LANES },
                depth: if t == 0 && initial == Initial::Zero { self.input } else { self.input + self.hidden },
            };
            let out = &mut after[self.state_at()..];
            let columns = panels(self.hidden);
            match self.activation {
                Activation::Tanh => {
                    isa.product(active, columns, once(both), Affine::<Tanh>::new(weights, depth, out, stride));
                }
                Activation::Relu => {
                    isa.product(active, columns, once(both), Affine::<Relu>::new(weights, depth, out, stride));
                }
            }
        }
    }

    /// All steps backward:
    ///
    /// da_t = (dh_t + da_{t+1} Rᵀ) ⊙ φ'        dx_t = da_t Wᵀ
    /// [db; dW; dR] = Σ_t [1 x_t h_{t-1}]ᵀ da_t        dh_0 = da_1 Rᵀ, steps counted from 1
    ///
    /// where dh_t is the gradient by the output of step t, plus that by the final state at a row's last step.
    /// `history` is what `forward` left. `recurrent` is Rᵀ and `inputs` Wᵀ in panels; `inputs` may be empty when
    /// their gradient is not asked for. `scratch` is overwritten.
    ///
    /// # Panics
    /// If a length does not fit the sizes, or `active` grows or exceeds `rows`.
    #[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
    pub fn backward(
        &self,
        isa: Isa,
        recurrent: &[f32],
        inputs: &[f32],
        history: &[f32],
        rows: usize,
        active: &[usize],
        initial: Initial,
        upstream: Upstream<'_>,
        gradients: Gradients<'_>,
        scratch: &mut [f32],
    ) {
        let steps = active.len();
        let hp = padded(self.hidden);
        self.check(gradients.weights, history, rows, active);
        let check =
            |name, found, expected| assert_eq!(found, expected, "{name} of {self:?}, {steps} steps, {rows} rows");
        check("recurrent", recurrent.len(), self.recurrent_transposed_len());
        check("the scratch", scratch.len(), self.scratch_len(rows));
        check("the gradient by the final state", upstream.state.len(), rows * hp);
        if let Some(outputs) = upstream.outputs {
            check("the gradient by the outputs", outputs.len(), steps * rows * hp);
        }
        if let Some(d_inputs) = &gradients.inputs {
            check("inputs", inputs.len(), self.input_transposed_len());
            check("the gradient by the inputs", d_inputs.len(), steps * rows * padded(self.input));
        }
        if let Some(d_initial) = &gradients.initial {
            check("the gradient by the initial state", d_initial.len(), rows * hp);
        }
        let rnn = *self;
        Backward { isa, rnn, recurrent, inputs, history, rows, active, initial, upstream, gradients, scratch }.run();
    }

    fn check(&self, weights: &[f32], history: &[f32], rows: usize, active: &[usize]) {
        let steps = active.len();
        assert_eq!(weights.len(), self.weights_len(), "weights of {self:?}");
        assert_eq!(history.len(), self.history_len(steps, rows), "history of {self:?}, {steps} steps, {rows} rows");
        assert!(active.iter().all(|&a| a <= rows), "active {active:?} exceeds {rows} rows");
        assert!(active.is_sorted_by(|a, b| a >= b), "active {active:?} grows: rows must be sorted by length");
    }
}

/// Steps whose gradients of the weights are summed in one product. A matter of the rows alone.
fn chunk_steps(rows: usize) -> usize {
    (CHUNK / rows.max(1)).max(1)
}

struct Backward<'a> {
    isa: Isa,
    rnn: Rnn,
    recurrent: &'a [f32],
    inputs: &'a [f32],
    history: &'a [f32],
    rows: usize,
    active: &'a [usize],
    initial: Initial,
    upstream: Upstream<'a>,
    gradients: Gradients<'a>,
    scratch: &'a mut [f32],
}

impl Backward<'_> {
    /// Chunks of steps, the last first. The scratch holds da of one chunk, `[chunk + 1, R, da stride]`; its last slot
    /// is da of the step after the chunk. Chunks are counted from step 0, so steps that no row runs change nothing.
    fn run(mut self) {
        let chunk = chunk_steps(self.rows);
        let slot = self.rows * odd_stride(self.rnn.hidden);
        // Steps that no row runs; their inputs get no gradient.
        let steps = self.active.iter().take_while(|&&active| active > 0).count();
        if let Some(inputs) = &mut self.gradients.inputs {
            inputs[steps * self.rows * padded(self.rnn.input)..].fill(0.0);
        }
        if steps == 0 && self.gradients.mode == Mode::Overwrite {
            self.gradients.weights.fill(0.0);
        }
        for first in (0..steps).step_by(chunk).rev() {
            let end = (first + chunk).min(steps);
            for t in (first..end).rev() {
                match self.rnn.activation {
                    Activation::Tanh => self.step::<Tanh>(t, t - first),
                    Activation::Relu => self.step::<Relu>(t, t - first),
                }
                self.input_gradient(t, t - first);
            }
            self.weight_gradient(first, end);
            self.gradients.mode = Mode::Add;
            self.scratch.copy_within(..slot, chunk * slot);
            // A short last chunk leaves da of its first step where the next chunk looks for it, at slot `chunk`.
        }
        self.initial_gradient();
    }

    /// Rows that run step t.
    fn active(&self, t: usize) -> usize {
        self.active.get(t).copied().unwrap_or(0)
    }

    /// da_t into slot `at`, from da_{t+1} in the slot behind it.
    fn step<P: Phi>(&mut self, t: usize, at: usize) {
        let (rnn, rows) = (self.rnn, self.rows);
        let (hp, da_stride) = (padded(rnn.hidden), odd_stride(rnn.hidden));
        let (runs, goes_on) = (self.active(t), self.active(t + 1));
        let (now, next) = self.scratch[at * rows * da_stride..].split_at_mut(rows * da_stride);
        let recurrent = Segment {
            left: Left { data: next, row: da_stride, col: 1 },
            right: Right { data: self.recurrent, row: LANES, panel: rnn.hidden * LANES },
            depth: rnn.hidden,
        };
        let ends = BackwardStep::<P> {
            h: &self.history[(t + 1) * rows * rnn.stride() + rnn.state_at()..],
            h_stride: rnn.stride(),
            d_outputs: self.upstream.outputs.map(|outputs| &outputs[t * rows * hp..(t + 1) * rows * hp]),
            d_stride: hp,
            da: now,
            da_stride,
            phi: PhantomData,
        };
        self.isa.run(StepBack {
            ends,
            recurrent,
            runs,
            goes_on,
            panels: panels(rnn.hidden),
            state: self.upstream.state,
        });
    }

    /// [db; dW; dR] += Σ [1 x h]ᵀ da over the steps of a chunk.
    fn weight_gradient(&mut self, first: usize, end: usize) {
        let (rnn, rows) = (self.rnn, self.rows);
        let (stride, da_stride) = (rnn.stride(), odd_stride(rnn.hidden));
        let (history, da, active) = (self.history, &*self.scratch, self.active);
        // One product over the steps that all rows run, then one for each step with fewer.
        let segments = |from: usize, column: usize| {
            let whole = active[from..end].iter().take_while(|&&active| active == rows).count();
            let runs = once((from, whole * rows)).chain((from + whole..end).map(|t| (t, active[t])));
            runs.filter(|&(_, depth)| depth > 0).map(move |(t, depth)| Segment {
                left: Left { data: &history[t * rows * stride + column..], row: 1, col: stride },
                right: Right { data: &da[(t - first) * rows * da_stride..], row: da_stride, panel: LANES },
                depth,
            })
        };
        let columns = panels(rnn.hidden);
        let (into, mode) = (&mut *self.gradients.weights, self.gradients.mode);
        let mut sum = |rows: usize, first_row: usize, first_step: usize, column: usize| {
            let ends = Accumulate { into, depth: rnn.depth(), first_row, mode };
            self.isa.product(rows, columns, segments(first_step, column), ends);
        };
        if first == 0 && self.initial == Initial::Zero {
            // A zero initial state adds nothing: its rows start at step 1.
            sum(1 + rnn.input, 0, 0, rnn.one_at());
            sum(rnn.hidden, 1 + rnn.input, 1.min(end), rnn.state_at());
        } else {
            sum(rnn.depth(), 0, first, rnn.one_at());
        }
    }

    /// dx_t = da_t Wᵀ, when asked for.
    fn input_gradient(&mut self, t: usize, at: usize) {
        let active = self.active(t);
        let (rnn, rows, da_stride) = (self.rnn, self.rows, odd_stride(self.rnn.hidden));
        let Some(d_inputs) = &mut self.gradients.inputs else { return };
        let ip = padded(rnn.input);
        let out = &mut d_inputs[t * rows * ip..(t + 1) * rows * ip];
        out[active * ip..].fill(0.0);
        let segment = Segment {
            left: Left { data: &self.scratch[at * rows * da_stride..], row: da_stride, col: 1 },
            right: Right { data: self.inputs, row: LANES, panel: rnn.hidden * LANES },
            depth: rnn.hidden,
        };
        self.isa.product(active, panels(rnn.input), once(segment), Store { out, stride: ip });
    }

    /// The gradient by the initial state, da of the first step times Rᵀ, when asked for; a row of length 0 hands its gradient through.
    fn initial_gradient(&mut self) {
        let active = self.active(0);
        let (rnn, da_stride) = (self.rnn, odd_stride(self.rnn.hidden));
        let Some(out) = &mut self.gradients.initial else { return };
        let hp = padded(rnn.hidden);
        out[active * hp..].copy_from_slice(&self.upstream.state[active * hp..]);
        let segment = Segment {
            left: Left { data: self.scratch, row: da_stride, col: 1 },
            right: Right { data: self.recurrent, row: LANES, panel: rnn.hidden * LANES },
            depth: rnn.hidden,
        };
        self.isa.product(active, panels(rnn.hidden), once(segment), Store { out, stride: hp });
    }
}

/// One step backward of all rows that run it.
struct StepBack<'a, P> {
    ends: BackwardStep<'a, P>,
    recurrent: Segment<'a>,
    /// Rows that run the step, and those of them that run the next one too.
    runs: usize,
    goes_on: usize,
    panels: usize,
    /// [R, Hp]
    state: &'a [f32],
}

impl<P: Phi> Kernel for StepBack<'_, P> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        product(s, self.goes_on, self.panels, once(self.recurrent), &mut self.ends);
        // The rows whose last step this is: the gradient by the final state enters here.
        for row in self.goes_on..self.runs {
            for panel in 0..self.panels {
                let from_outputs = self.ends.start(s, row, panel);
                let from_state = s.load(&self.state[row * self.ends.d_stride + panel * LANES..]);
                self.ends.finish(s, row, panel, s.add(from_outputs, from_state));
            }
        }
    }
}

/// Sums start at the gradient by the output; φ' of the state makes them da.
struct BackwardStep<'a, P> {
    h: &'a [f32],
    h_stride: usize,
    d_outputs: Option<&'a [f32]>,
    d_stride: usize,
    da: &'a mut [f32],
    da_stride: usize,
    phi: PhantomData<P>,
}

impl<P: Phi> Ends for BackwardStep<'_, P> {
    const WIDE: bool = true;
    const PLAIN: bool = true;

    #[inline(always)]
    fn start<S: Simd>(&self, s: S, row: usize, panel: usize) -> S::F {
        match self.d_outputs {
            Some(d) => s.load(&d[row * self.d_stride + panel * LANES..]),
            None => s.splat(0.0),
        }
    }
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, row: usize, panel: usize, sums: S::F) {
        let h = s.load(&self.h[row * self.h_stride + panel * LANES..]);
        s.store(P::backward(s, h, sums), &mut self.da[row * self.da_stride + panel * LANES..]);
    }
}
