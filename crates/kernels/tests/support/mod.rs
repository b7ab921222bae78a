//! A batch of sequences of any lengths, and the kernel run over it as one tile.
//!
//! T steps, B rows, I input, H hidden; Hp and Ip rounded up to whole panels of 16. Plain row-major arrays outside.

pub(crate) mod compare;
pub(crate) mod random;

use std::fmt;
use std::ops::Range;

use elman_kernels::reference::RnnReference;
use elman_kernels::rnn::{Gradients, Initial, Upstream};
use elman_kernels::{Activation, Aligned, Isa, LANES, Mode, Rnn, pack, padded, panels, unpack};

use random::Random;

/// A pre-activation this close to 0 might fall on the other side of ReLU's kink in `f32`, or in a central difference.
/// Both move it by less than 1e-5.
const KINK: f64 = 2e-5;

/// The sizes of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) activation: Activation,
    pub(crate) hidden: usize,
    pub(crate) input: usize,
    pub(crate) rows: usize,
    pub(crate) steps: usize,
    pub(crate) lengths: Lengths,
}

/// How long the rows are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lengths {
    /// All T.
    Full,
    /// From 0 to T, in no order.
    Ragged,
}

/// Which gradients enter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Through {
    Outputs,
    State,
    Both,
}

/// Parameters, sequences, and the gradients that enter. NaN past a row's end: nobody may read it.
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) rnn: Rnn,
    pub(crate) steps: usize,
    /// [B]
    pub(crate) lengths: Vec<usize>,
    /// W [I, H]
    pub(crate) w: Vec<f32>,
    /// R [H, H]
    pub(crate) r: Vec<f32>,
    /// b [H]
    pub(crate) b: Vec<f32>,
    /// x [B, T, I]
    pub(crate) x: Vec<f32>,
    /// h_0 [B, H]; `None`: zero, by not being read.
    pub(crate) h0: Option<Vec<f32>>,
    /// [B, T, H]; `None`: outputs do not enter the loss.
    pub(crate) d_outputs: Option<Vec<f32>>,
    /// [B, H]
    pub(crate) d_state: Vec<f32>,
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let initial = if self.h0.is_some() { "given" } else { "zero" };
        write!(f, "{:?}, {} steps, lengths {:?}, initial state {initial}", self.rnn, self.steps, self.lengths)
    }
}

impl Batch {
    /// A batch whose pre-activations all keep clear of ReLU's kink.
    pub(crate) fn random(shape: Shape, initial: Initial, through: Through, seed: u64) -> Batch {
        (0..)
            .map(|again| Batch::draw(shape, initial, through, &mut Random::new(seed + (again << 32))))
            .find(|batch| batch.rnn.activation != Activation::Relu || batch.clear_of_the_kink())
            .expect("some draw is clear")
    }

    fn draw(shape: Shape, initial: Initial, through: Through, random: &mut Random) -> Batch {
        let Shape { activation, hidden, input, rows, steps, .. } = shape;
        let lengths: Vec<usize> = match shape.lengths {
            Lengths::Full => vec![steps; rows],
            Lengths::Ragged => (0..rows).map(|_| random.below(steps + 1)).collect(),
        };
        // Small enough that ReLU's states do not grow, large enough that tanh bends.
        let w = random.floats(input * hidden, 1.0 / (input as f64).sqrt());
        let r = random.floats(hidden * hidden, 0.9 / (hidden as f64).sqrt());
        let b = random.floats(hidden, 0.3);
        let mut x = random.floats(rows * steps * input, 1.0);
        let mut d_outputs = random.floats(rows * steps * hidden, 1.0);
        for (row, &length) in lengths.iter().enumerate() {
            x[(row * steps + length) * input..(row + 1) * steps * input].fill(f32::NAN);
            d_outputs[(row * steps + length) * hidden..(row + 1) * steps * hidden].fill(f32::NAN);
        }
        let h0 = random.floats(rows * hidden, 0.8);
        let d_state = random.floats(rows * hidden, 1.0);
        Batch {
            rnn: Rnn { input, hidden, activation },
            steps,
            lengths,
            w,
            r,
            b,
            x,
            h0: (initial == Initial::Given).then_some(h0),
            d_outputs: (through != Through::State).then_some(d_outputs),
            d_state: if through == Through::Outputs { vec![0.0; d_state.len()] } else { d_state },
        }
    }

    /// The same in `f64`.
    pub(crate) fn reference(&self) -> RnnReference {
        RnnReference {
            activation: self.rnn.activation,
            w: compare::widen(&self.w),
            r: compare::widen(&self.r),
            b: compare::widen(&self.b),
            x: compare::widen(&self.x),
            h0: self.h0.as_deref().map_or(vec![0.0; self.d_state.len()], compare::widen),
            lengths: self.lengths.clone(),
            steps: self.steps,
            input: self.rnn.input,
            hidden: self.rnn.hidden,
        }
    }

    /// The gradients that enter, in `f64`: by the outputs [B, T, H], 0 past a row's end, and by the state [B, H].
    pub(crate) fn upstream(&self) -> (Vec<f64>, Vec<f64>) {
        let mut d_outputs = vec![0.0; self.lengths.len() * self.steps * self.rnn.hidden];
        if let Some(given) = &self.d_outputs {
            for (row, &length) in self.lengths.iter().enumerate() {
                let of_row = row * self.steps * self.rnn.hidden..(row * self.steps + length) * self.rnn.hidden;
                d_outputs[of_row.clone()].copy_from_slice(&compare::widen(&given[of_row]));
            }
        }
        (d_outputs, compare::widen(&self.d_state))
    }

    fn clear_of_the_kink(&self) -> bool {
        let (steps, input, hidden) = (self.steps, self.rnn.input, self.rnn.hidden);
        let reference = self.reference();
        let (outputs, _) = reference.forward();
        self.lengths.iter().enumerate().all(|(row, &length)| {
            (0..length).all(|t| {
                let at = row * steps + t;
                let x = &reference.x[at * input..][..input];
                let h = if t == 0 { &reference.h0[row * hidden..] } else { &outputs[(at - 1) * hidden..] };
                (0..hidden).all(|j| {
                    let from_x: f64 = (0..input).map(|k| x[k] * reference.w[k * hidden + j]).sum();
                    let from_h: f64 = (0..hidden).map(|k| h[k] * reference.r[k * hidden + j]).sum();
                    (from_x + from_h + reference.b[j]).abs() > KINK
                })
            })
        })
    }

    /// The steps of a range alone, which may reach beyond T: each row has what falls into it of its own. The initial
    /// state is to be set by the caller where the range does not start at 0.
    pub(crate) fn window(&self, range: Range<usize>) -> Batch {
        let cut = |array: &[f32], width: usize| {
            let mut out = Vec::new();
            for row in 0..self.lengths.len() {
                for t in range.clone() {
                    match t < self.steps {
                        true => out.extend_from_slice(&array[(row * self.steps + t) * width..][..width]),
                        false => out.extend(vec![f32::NAN; width]),
                    }
                }
            }
            out
        };
        Batch {
            steps: range.len(),
            lengths: self.lengths.iter().map(|&length| length.clamp(range.start, range.end) - range.start).collect(),
            x: cut(&self.x, self.rnn.input),
            d_outputs: self.d_outputs.as_deref().map(|d| cut(d, self.rnn.hidden)),
            ..self.clone()
        }
    }

    /// One row alone.
    pub(crate) fn row(&self, row: usize) -> Batch {
        let one = |array: &[f32], width: usize| array[row * width..][..width].to_vec();
        let (input, hidden) = (self.rnn.input, self.rnn.hidden);
        Batch {
            lengths: vec![self.lengths[row]],
            x: one(&self.x, self.steps * input),
            h0: self.h0.as_deref().map(|h| one(h, hidden)),
            d_outputs: self.d_outputs.as_deref().map(|d| one(d, self.steps * hidden)),
            d_state: one(&self.d_state, hidden),
            ..self.clone()
        }
    }

    /// Rows by length, the longest first.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        order.sort_by_key(|&row| std::cmp::Reverse(self.lengths[row]));
        order
    }

    fn initial(&self) -> Initial {
        if self.h0.is_some() { Initial::Given } else { Initial::Zero }
    }
}

/// A batch as the kernel sees it. Whatever is not written here holds `fill`.
pub(crate) struct Tile<'a> {
    batch: &'a Batch,
    isa: Isa,
    /// What row of the batch each row of the tile is.
    order: Vec<usize>,
    active: Vec<usize>,
    weights: Aligned,
    recurrent: Aligned,
    inputs: Aligned,
    pub(crate) history: Aligned,
    d_state: Aligned,
    d_outputs: Option<Aligned>,
    pub(crate) gradient: Aligned,
    pub(crate) d_inputs: Aligned,
    pub(crate) d_initial: Aligned,
    scratch: Aligned,
}

fn filled(len: usize, fill: f32) -> Aligned {
    let mut buffer = Aligned::zeros(len);
    buffer.fill(fill);
    buffer
}

impl<'a> Tile<'a> {
    pub(crate) fn new(batch: &'a Batch, isa: Isa, fill: f32) -> Tile<'a> {
        let rnn = batch.rnn;
        let (steps, rows, hp) = (batch.steps, batch.lengths.len(), padded(rnn.hidden));
        let order = batch.order();

        let mut weights = Aligned::zeros(rnn.weights_len());
        pack(&batch.b, rnn.hidden, &mut weights, rnn.depth(), 0);
        pack(&batch.w, rnn.hidden, &mut weights, rnn.depth(), 1);
        pack(&batch.r, rnn.hidden, &mut weights, rnn.depth(), 1 + rnn.input);
        let mut recurrent = filled(rnn.recurrent_transposed_len(), fill);
        for (panel, out) in recurrent.chunks_exact_mut(rnn.hidden * LANES).enumerate() {
            rnn.transpose_recurrent(&weights, panel, out);
        }
        let mut inputs = filled(rnn.input_transposed_len(), fill);
        for (panel, out) in inputs.chunks_exact_mut(rnn.hidden * LANES).enumerate() {
            rnn.transpose_input(&weights, panel, out);
        }

        let mut history = filled(rnn.history_len(steps, rows), fill);
        for (at, &row) in order.iter().enumerate() {
            for t in 0..batch.lengths[row] {
                let place = &mut history[(t * rows + at) * rnn.stride()..][..rnn.stride()];
                place[rnn.one_at()] = 1.0;
                place[rnn.input_at()..][..rnn.input]
                    .copy_from_slice(&batch.x[(row * steps + t) * rnn.input..][..rnn.input]);
            }
            if let Some(h0) = &batch.h0 {
                let state = &mut history[at * rnn.stride() + rnn.state_at()..][..hp];
                state.fill(0.0);
                state[..rnn.hidden].copy_from_slice(&h0[row * rnn.hidden..][..rnn.hidden]);
            }
        }

        let mut d_state = Aligned::zeros(rows * hp);
        for (at, &row) in order.iter().enumerate() {
            d_state[at * hp..][..rnn.hidden].copy_from_slice(&batch.d_state[row * rnn.hidden..][..rnn.hidden]);
        }
        let d_outputs = batch.d_outputs.as_ref().map(|from| {
            let mut to = filled(steps * rows * hp, fill);
            for (at, &row) in order.iter().enumerate() {
                for t in 0..batch.lengths[row] {
                    let place = &mut to[(t * rows + at) * hp..][..hp];
                    place.fill(0.0);
                    place[..rnn.hidden].copy_from_slice(&from[(row * steps + t) * rnn.hidden..][..rnn.hidden]);
                }
            }
            to
        });
        Tile {
            batch,
            isa,
            active: (0..steps).map(|t| batch.lengths.iter().filter(|&&length| length > t).count()).collect(),
            order,
            weights,
            recurrent,
            inputs,
            history,
            d_state,
            d_outputs,
            gradient: filled(rnn.weights_len(), fill),
            d_inputs: filled(steps * rows * padded(rnn.input), fill),
            d_initial: filled(rows * hp, fill),
            scratch: filled(rnn.scratch_len(rows), fill),
        }
    }

    pub(crate) fn forward(&mut self) {
        let (rnn, rows) = (self.batch.rnn, self.order.len());
        rnn.forward(self.isa, &self.weights, &mut self.history, rows, &self.active, self.batch.initial());
    }

    pub(crate) fn backward(&mut self, mode: Mode) {
        self.batch.rnn.backward(
            self.isa,
            &self.recurrent,
            &self.inputs,
            &self.history,
            self.order.len(),
            &self.active,
            self.batch.initial(),
            Upstream { state: &self.d_state, outputs: self.d_outputs.as_deref() },
            Gradients {
                weights: &mut self.gradient,
                mode,
                inputs: Some(&mut self.d_inputs),
                initial: Some(&mut self.d_initial),
            },
            &mut self.scratch,
        );
    }

    /// Backward without the gradients that may be left out, into the weights alone.
    pub(crate) fn backward_weights_alone(&mut self) {
        self.batch.rnn.backward(
            self.isa,
            &self.recurrent,
            &[],
            &self.history,
            self.order.len(),
            &self.active,
            self.batch.initial(),
            Upstream { state: &self.d_state, outputs: self.d_outputs.as_deref() },
            Gradients { weights: &mut self.gradient, mode: Mode::Overwrite, inputs: None, initial: None },
            &mut self.scratch,
        );
    }

    /// The state, with its padding, that row `at` of the tile has before step t. [Hp]
    pub(crate) fn state(&self, t: usize, at: usize) -> &[f32] {
        let rnn = self.batch.rnn;
        let place = (t * self.order.len() + at) * rnn.stride() + rnn.state_at();
        &self.history[place..][..padded(rnn.hidden)]
    }

    /// How many steps row `at` of the tile has.
    pub(crate) fn length(&self, at: usize) -> usize {
        self.batch.lengths[self.order[at]]
    }

    /// Everything that came out, as plain arrays in the order of the batch.
    pub(crate) fn results(&self) -> Results {
        let rnn = self.batch.rnn;
        let (steps, rows, hidden, input) = (self.batch.steps, self.order.len(), rnn.hidden, rnn.input);
        let (hp, ip) = (padded(hidden), padded(input));
        let mut all = Results {
            outputs: vec![0.0; rows * steps * hidden],
            state: vec![0.0; rows * hidden],
            w: vec![f32::NAN; self.batch.w.len()],
            r: vec![f32::NAN; self.batch.r.len()],
            b: vec![f32::NAN; hidden],
            x: vec![f32::NAN; rows * steps * input],
            h0: vec![f32::NAN; rows * hidden],
        };
        unpack(&self.gradient, rnn.depth(), 0, &mut all.b, hidden);
        unpack(&self.gradient, rnn.depth(), 1, &mut all.w, hidden);
        unpack(&self.gradient, rnn.depth(), 1 + input, &mut all.r, hidden);
        for (at, &row) in self.order.iter().enumerate() {
            let length = self.batch.lengths[row];
            for t in 0..length {
                all.outputs[(row * steps + t) * hidden..][..hidden].copy_from_slice(&self.state(t + 1, at)[..hidden]);
            }
            // A row of length 0 that starts at zero has no state in the history.
            if length > 0 || self.batch.h0.is_some() {
                all.state[row * hidden..][..hidden].copy_from_slice(&self.state(length, at)[..hidden]);
            }
            for t in 0..steps {
                all.x[(row * steps + t) * input..][..input]
                    .copy_from_slice(&self.d_inputs[(t * rows + at) * ip..][..input]);
            }
            all.h0[row * hidden..][..hidden].copy_from_slice(&self.d_initial[at * hp..][..hidden]);
        }
        all
    }

    /// What must be zero beyond the H or I floats of a row: of the written states, and of every gradient.
    pub(crate) fn assert_padding_is_zero(&self) {
        let rnn = self.batch.rnn;
        let zero = |array: &str, padding: &[f32]| {
            assert!(padding.iter().all(|&x| x == 0.0), "{}, {}: padding of {array} {padding:?}", self.batch, self.isa);
        };
        for at in 0..self.order.len() {
            for t in 1..=self.length(at) {
                zero("a state", &self.state(t, at)[rnn.hidden..]);
            }
        }
        self.d_inputs.chunks_exact(padded(rnn.input)).for_each(|row| zero("the input gradient", &row[rnn.input..]));
        self.d_initial.chunks_exact(padded(rnn.hidden)).for_each(|row| zero("dh_0", &row[rnn.hidden..]));
        let last = &self.gradient[(panels(rnn.hidden) - 1) * rnn.depth() * LANES..];
        let used = rnn.hidden - (panels(rnn.hidden) - 1) * LANES;
        last.chunks_exact(LANES).for_each(|row| zero("the weights' gradient", &row[used..]));
    }
}

/// Everything the kernel gives, as plain arrays. Outputs are zero past a row's end.
#[derive(Clone)]
pub(crate) struct Results {
    /// [B, T, H]
    pub(crate) outputs: Vec<f32>,
    /// [B, H]
    pub(crate) state: Vec<f32>,
    /// dW [I, H]
    pub(crate) w: Vec<f32>,
    /// dR [H, H]
    pub(crate) r: Vec<f32>,
    /// db [H]
    pub(crate) b: Vec<f32>,
    /// dx [B, T, I]
    pub(crate) x: Vec<f32>,
    /// dh_0 [B, H]
    pub(crate) h0: Vec<f32>,
}

/// Forward, backward, and everything that came out; whatever nobody may read is NaN.
pub(crate) fn run(isa: Isa, batch: &Batch) -> Results {
    let mut tile = Tile::new(batch, isa, f32::NAN);
    tile.forward();
    tile.backward(Mode::Overwrite);
    tile.results()
}
