//! Any cell over a tile of rows and all their steps, forward and back through time.
//!
//! T steps, R rows of the tile, I input, P output, M memory; Pp, Mp, Ip rounded up to whole vectors of 16. Row-major.
//!
//! # The buffers of a tile
//! *History* `[T+1, R, stride]`: row r of step t is `[… | 1 | x_t (I) | h_{t-1} (Pp)]`. Step t writes h_t into step t+1.
//! *Memory* `[T+1, R, Mp]`: c likewise. *Tape* `[T, R, …]`: what a cell keeps for the way back.
//!
//! Inputs below 2⁻¹⁰⁰ and initial states below 2⁻⁶⁰ become 0 in their place, before a step reads them.
//!
//! *Active* `[T]`: rows are sorted by length, the longest first; at step t the first `active[t]` of them run. A row
//! that has ended costs no work, and its final state stays where its last step wrote it.

use crate::aligned::Aligned;
use crate::cell::{Backward, Bits, Cell, Forward, Noise, Rows, RowsMut, Steps, transposed_len};
use crate::engine::Engine;
use crate::joint::Joint;
pub use crate::lengths::{Initial, Lengths, Phase};
use crate::noise::{KeepSome, Masks, Merge, Split, Zoneout};
use crate::panels::{odd_stride, padded};
use crate::vanishing::{LEAST_GRADIENT, LEAST_STATE, fade};

/// Rows times steps whose gradients of the weights are summed in one product, right behind the backward pass, while
/// they are in the cache. Measured on Zen 3: 64 to 128 are alike, 16 costs 10%.
const CHUNK: usize = 128;

/// The gradients that enter [`Unroll::backward`].
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a> {
    /// [R, Pp]: by each row's final h. Padding zero.
    pub state: &'a [f32],
    /// [R, Mp]: by each row's final c, where it enters the loss. Padding zero.
    pub memory: Option<&'a [f32]>,
    /// [T, R, Pp]: by the outputs, where they enter the loss. Padding zero.
    pub outputs: Option<&'a [f32]>,
}

/// The buffers of a tile for one cell.
#[derive(Clone, Debug)]
pub struct Unroll {
    joint: Joint,
    memory_width: usize,
    noise: Noise,
    keeps_state: bool,
    steps: usize,
    rows: usize,
    weights_len: usize,
    transposed_len: usize,
    tape_stride: usize,
    history: Aligned,
    /// As the history, the state under its mask; empty without one.
    masked: Aligned,
    memory: Aligned,
    tape: Aligned,
    /// [T, R, Pp]: h_t as the cell wrote it, where zoneout changes it afterwards; else empty. It cannot be computed
    /// from the mean: a rounding would take it across the kink of a ReLU or the limit of a clip.
    written: Aligned,
    masks: Masks,
    /// [R, Pp]: on the way back, the gradient by h_t; at its end, by h_0.
    d_output: Aligned,
    d_joint: Aligned,
    /// [R, Mp]
    d_memory: Aligned,
    /// What zoneout hands past the cell.
    d_past: Aligned,
    d_memory_past: Aligned,
}

impl Unroll {
    /// Room for `rows` rows of `steps` steps.
    pub fn new(cell: &dyn Cell, steps: usize, rows: usize) -> Self {
        let joint = Joint { input: cell.input(), output: cell.output() };
        let noise = cell.noise();
        let floats = Floats::of(cell, steps, rows);
        let mut unroll = Unroll {
            joint,
            memory_width: cell.memory(),
            noise,
            keeps_state: cell.keeps_state(),
            steps,
            rows,
            weights_len: cell.layout().len,
            transposed_len: transposed_len(&cell.transposes()),
            tape_stride: odd_stride(cell.tape()),
            history: Aligned::zeros(floats.history),
            masked: Aligned::zeros(floats.masked),
            memory: Aligned::zeros(floats.memory),
            tape: Aligned::zeros(floats.tape),
            written: Aligned::zeros(floats.written),
            masks: Masks::new(noise, joint.output, cell.memory(), steps, rows),
            d_output: Aligned::zeros(floats.d_output),
            d_joint: Aligned::zeros(floats.d_joint),
            d_memory: Aligned::zeros(floats.d_memory),
            d_past: Aligned::zeros(floats.d_past),
            d_memory_past: Aligned::zeros(floats.d_memory_past),
        };
        for row in unroll.history.chunks_exact_mut(joint.stride()) {
            row[joint.one_at()] = 1.0;
        }
        unroll
    }

    /// Bytes that [`Unroll::new`] sets aside.
    pub fn bytes(cell: &dyn Cell, steps: usize, rows: usize) -> usize {
        let masks = Masks::bytes(cell.noise(), cell.output(), cell.memory(), steps, rows);
        Floats::of(cell, steps, rows).sum() * size_of::<f32>() + masks
    }

    /// The steps there is room for.
    #[inline]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// x_t `[I]` of the row at `place` of a tile of `rows` rows.
    #[inline]
    pub fn input_mut(&mut self, t: usize, rows: usize, place: usize) -> &mut [f32] {
        let start = (t * rows + place) * self.joint.stride() + self.joint.input_at();
        &mut self.history[start..start + self.joint.input]
    }

    /// x_t `[I]`, as it was written; after [`Unroll::forward`] 0 where it is below 2⁻¹⁰⁰.
    #[inline]
    pub fn input(&self, t: usize, rows: usize, place: usize) -> &[f32] {
        let start = (t * rows + place) * self.joint.stride() + self.joint.input_at();
        &self.history[start..start + self.joint.input]
    }

    /// h `[P]` after `t` steps; after none, the initial state.
    #[inline]
    pub fn state(&self, t: usize, rows: usize, place: usize) -> &[f32] {
        let start = (t * rows + place) * self.joint.stride() + self.joint.state_at();
        &self.history[start..start + self.joint.output]
    }

    /// c `[M]` after `t` steps; after none, the initial one.
    #[inline]
    pub fn memory(&self, t: usize, rows: usize, place: usize) -> &[f32] {
        &self.memory[(t * rows + place) * padded(self.memory_width)..][..self.memory_width]
    }

    /// h_0 `[P]`, to be written for [`Initial::Given`].
    #[inline]
    pub fn initial_state_mut(&mut self, place: usize) -> &mut [f32] {
        let start = place * self.joint.stride() + self.joint.state_at();
        &mut self.history[start..start + self.joint.output]
    }

    /// c_0 `[M]`, to be written for [`Initial::Given`].
    #[inline]
    pub fn initial_memory_mut(&mut self, place: usize) -> &mut [f32] {
        &mut self.memory[place * padded(self.memory_width)..][..self.memory_width]
    }

    /// After [`Unroll::backward`]: the gradient by h_0 `[P]`.
    #[inline]
    pub fn d_initial_state(&self, place: usize) -> &[f32] {
        &self.d_output[place * padded(self.joint.output)..][..self.joint.output]
    }

    /// After [`Unroll::backward`]: the gradient by c_0 `[M]`.
    #[inline]
    pub fn d_initial_memory(&self, place: usize) -> &[f32] {
        &self.d_memory[place * padded(self.memory_width)..][..self.memory_width]
    }

    /// Every number that the buffers hold, by name: for the law of what vanishes.
    #[doc(hidden)]
    pub fn buffers(&self) -> [(&'static str, &[f32]); 9] {
        [
            ("history", &self.history),
            ("masked", &self.masked),
            ("memory", &self.memory),
            ("tape", &self.tape),
            ("written", &self.written),
            ("dh", &self.d_output),
            ("dh by the products", &self.d_joint),
            ("dc", &self.d_memory),
            ("dh past the cell", &self.d_past),
        ]
    }

    /// Whether masks are drawn for each step.
    #[inline]
    pub fn has_step_masks(&self) -> bool {
        let Noise { candidate_dropout, zoneout, memory_zoneout, .. } = self.noise;
        candidate_dropout > 0.0 || zoneout > 0.0 || memory_zoneout > 0.0
    }

    /// Draws the mask that all steps of the row at `place` share, from `bits`, a source of random numbers.
    #[inline]
    pub fn draw_row_mask(&mut self, place: usize, bits: impl FnMut() -> u32) {
        self.masks.draw_row(self.noise, place, bits);
    }

    /// Draws the masks of step `t` of the row at `place`: of the candidate, then of h, then of c.
    #[inline]
    pub fn draw_step_masks(&mut self, t: usize, rows: usize, place: usize, bits: impl FnMut() -> u32) {
        self.masks.draw_step(self.noise, t * rows + place, bits);
    }

    /// The state after the first step becomes that before it: what a stream does, in buffers for as many rows as ran it.
    pub fn carry(&mut self) {
        let (stride, at) = (self.joint.stride(), self.joint.state_at());
        let (before, after) = self.history.split_at_mut(self.rows * stride);
        for (before, after) in before.chunks_exact_mut(stride).zip(after.chunks_exact(stride)) {
            before[at..].copy_from_slice(&after[at..]);
        }
        let (before, after) = self.memory.split_at_mut(self.rows * padded(self.memory_width));
        before.copy_from_slice(&after[..before.len()]);
    }

    /// All steps forward.
    ///
    /// # Panics
    /// If the weights have another length, the buffers are for another cell, or `lengths` has more rows or steps than
    /// there is room for, or grows.
    pub fn forward<'e>(
        &mut self,
        cell: &dyn Cell,
        engine: impl Into<Engine<'e>>,
        weights: &[f32],
        lengths: Lengths<'_>,
    ) {
        let engine = engine.into();
        self.check(cell, weights, lengths);
        let rows = lengths.rows;
        let (joint, stride, mp) = (self.joint, self.joint.stride(), padded(self.memory_width));
        if rows == 0 {
            return;
        }
        // Of a given state the padding alone: another tile may have left NaN in it.
        let [output, memory] = match lengths.initial {
            Initial::Zero => [0, 0],
            Initial::Given => [joint.output, self.memory_width],
        };
        for place in 0..rows {
            self.history[place * stride + joint.state_at()..][output..padded(joint.output)].fill(0.0);
            self.memory[place * mp..][memory..mp].fill(0.0);
            fade_all(&mut self.history[place * stride + joint.state_at()..][..output], LEAST_STATE);
            fade_all(&mut self.memory[place * mp..][..memory], LEAST_STATE);
        }
        let training = lengths.phase == Phase::Training;
        for t in 0..lengths.active.len() {
            let runs = lengths.at(t);
            if runs == 0 {
                break;
            }
            let (before, after) = self.history.split_at_mut((t + 1) * rows * stride);
            let before = &mut before[t * rows * stride..];
            for row in before.chunks_exact_mut(stride).take(runs) {
                fade_all(&mut row[joint.input_at()..joint.state_at()], LEAST_GRADIENT);
            }
            let before = &*before;
            let masked = training && !self.masked.is_empty();
            let seen: &[f32] = if masked {
                let to = &mut self.masked[t * rows * stride..][..rows * stride];
                let bits = self.masks.recurrent();
                engine.run(KeepSome {
                    rows: runs,
                    from: before,
                    to,
                    stride,
                    joint,
                    bits,
                    p: self.noise.recurrent_dropout,
                });
                to
            } else {
                before
            };
            let (memory, next_memory) = self.memory.split_at_mut((t + 1) * rows * mp);
            let memory = Rows { data: &memory[t * rows * mp..], stride: mp, width: mp };
            let next_memory = &mut next_memory[..rows * mp];
            let previous = Rows { data: &before[joint.state_at()..], stride, width: padded(joint.output) };
            let output = &mut after[joint.state_at()..];
            cell.forward(
                engine,
                weights,
                Forward {
                    rows: runs,
                    fresh: lengths.fresh(t),
                    joint: joint_rows(seen, joint),
                    previous,
                    memory,
                    output: RowsMut { data: output, stride, width: padded(joint.output) },
                    next_memory: RowsMut { data: next_memory, stride: mp, width: mp },
                    tape: tape_rows(&mut self.tape, self.tape_stride, t, rows),
                    candidate: if training { self.masks.candidate(t, rows) } else { None },
                },
            );
            let zone = |now: RowsMut<'_>, before, p, bits: Option<Bits<'_>>| {
                if p > 0.0 {
                    engine.run(Zoneout { rows: runs, now, before, p, bits: bits.filter(|_| training) });
                }
            };
            let mut output = RowsMut { data: output, stride, width: padded(joint.output) };
            if !self.written.is_empty() {
                let to = self.written[t * rows * output.width..].chunks_exact_mut(output.width);
                to.take(runs).enumerate().for_each(|(row, to)| to.copy_from_slice(output.row(row)));
            }
            zone(output, previous, self.noise.zoneout, self.masks.output(t, rows));
            let next_memory = RowsMut { data: next_memory, stride: mp, width: mp };
            zone(next_memory, memory, self.noise.memory_zoneout, self.masks.memory(t, rows));
        }
    }

    /// All steps back. The gradient by the weights is added to `gradient`; that by the inputs written to `d_inputs`
    /// `[T, R, Ip]` when asked for, zero past a row's end; that by the initial state kept for
    /// [`Unroll::d_initial_state`], when `initial_too` asks for it or the state was given.
    ///
    /// dh_t is the gradient by the output of step t, plus that by step t+1, or at a row's last step by the final state.
    ///
    /// # Panics
    /// If a length does not fit the sizes, or the buffers are for another cell.
    #[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
    pub fn backward<'e>(
        &mut self,
        cell: &dyn Cell,
        engine: impl Into<Engine<'e>>,
        weights: &[f32],
        transposed: &[f32],
        lengths: Lengths<'_>,
        upstream: Upstream<'_>,
        gradient: &mut [f32],
        mut d_inputs: Option<&mut [f32]>,
        initial_too: bool,
    ) {
        let engine = engine.into();
        self.check(cell, weights, lengths);
        assert_eq!(transposed.len(), self.transposed_len, "the transposed weights of {cell:?}");
        assert_eq!(gradient.len(), self.weights_len, "the gradient by the weights of {cell:?}");
        let rows = lengths.rows;
        let (pp, mp, ip) = (padded(self.joint.output), padded(self.memory_width), padded(self.joint.input));
        let steps = lengths.active.len();
        assert_eq!(upstream.state.len(), rows * pp, "the gradient by the final state must be [{rows}, {pp}]");
        let memory = upstream.memory.map_or(rows * mp, <[f32]>::len);
        assert_eq!(memory, rows * mp, "the gradient by the final memory must be [{rows}, {mp}]");
        let outputs = upstream.outputs.map_or(steps * rows * pp, <[f32]>::len);
        assert_eq!(outputs, steps * rows * pp, "the gradient by the outputs must be [{steps}, {rows}, {pp}]");
        if let Some(d_inputs) = &mut d_inputs {
            assert_eq!(d_inputs.len(), steps * rows * ip, "the gradient by the inputs must be [{steps}, {rows}, {ip}]");
        }
        let chunk = chunk_steps(self.rows);
        // Steps that no row runs; their inputs get no gradient.
        let last = lengths.active.iter().take_while(|&&active| active > 0).count();
        if let Some(d_inputs) = &mut d_inputs {
            d_inputs[last * rows * ip..].fill(0.0);
        }
        // Chunks are counted from step 0, so steps that no row runs change nothing.
        for first in (0..last).step_by(chunk).rev() {
            let end = (first + chunk).min(last);
            for t in (first..end).rev() {
                self.enter(lengths, upstream, t);
                let d_input = d_inputs.as_deref_mut().map(|d| &mut d[t * rows * ip..][..rows * ip]);
                let wanted = initial_too || !lengths.fresh(t);
                self.step_back(cell, engine, weights, transposed, lengths, t, gradient, d_input, wanted);
                if lengths.cut(t) {
                    self.d_output.fill(0.0);
                    self.d_memory.fill(0.0);
                }
            }
            let at = first * rows;
            let joint = self.joint;
            let seen: &[f32] = if self.is_masked(lengths) { &self.masked } else { &self.history };
            let steps = Steps {
                rows,
                active: &lengths.active[first..end],
                fresh: lengths.fresh(first),
                joint: Rows {
                    data: &seen[at * joint.stride() + joint.one_at()..],
                    stride: joint.stride(),
                    width: 1 + joint.input + padded(joint.output),
                },
                tape: Rows {
                    data: &self.tape[at * self.tape_stride..],
                    stride: self.tape_stride,
                    width: self.tape_stride,
                },
            };
            cell.accumulate(engine, steps, gradient);
        }
        // Rows without a step hand their gradient through.
        self.take_final(upstream, lengths.at(0), rows, pp, mp);
    }

    fn is_masked(&self, lengths: Lengths<'_>) -> bool {
        lengths.phase == Phase::Training && !self.masked.is_empty()
    }

    /// What enters at step t: the gradient by the final state of rows whose last step it is, and by the outputs.
    fn enter(&mut self, lengths: Lengths<'_>, upstream: Upstream<'_>, t: usize) {
        let (pp, mp) = (padded(self.joint.output), padded(self.memory_width));
        let (runs, goes_on) = (lengths.at(t), lengths.at(t + 1));
        self.take_final(upstream, goes_on, runs, pp, mp);
        if let Some(outputs) = upstream.outputs {
            let from = &outputs[t * lengths.rows * pp..][..runs * pp];
            self.d_output.iter_mut().zip(from).for_each(|(d, from)| *d += from);
        }
    }

    fn take_final(&mut self, upstream: Upstream<'_>, from: usize, to: usize, pp: usize, mp: usize) {
        self.d_output[from * pp..to * pp].copy_from_slice(&upstream.state[from * pp..to * pp]);
        match upstream.memory {
            Some(memory) => self.d_memory[from * mp..to * mp].copy_from_slice(&memory[from * mp..to * mp]),
            None => self.d_memory[from * mp..to * mp].fill(0.0),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
    fn step_back(
        &mut self,
        cell: &dyn Cell,
        engine: Engine<'_>,
        weights: &[f32],
        transposed: &[f32],
        lengths: Lengths<'_>,
        t: usize,
        gradient: &mut [f32],
        d_input: Option<&mut [f32]>,
        wanted: bool,
    ) {
        let (rows, runs) = (lengths.rows, lengths.at(t));
        let (joint, stride, noise) = (self.joint, self.joint.stride(), self.noise);
        let (pp, mp, ip) = (padded(joint.output), padded(self.memory_width), padded(joint.input));
        let training = lengths.phase == Phase::Training;
        let (zoned, memory_zoned) = (noise.zoneout > 0.0, noise.memory_zoneout > 0.0);
        if zoned {
            let (p, bits) = (noise.zoneout, self.masks.output(t, rows).filter(|_| training));
            engine.run(Split { rows: runs, width: pp, d: &mut self.d_output, past: &mut self.d_past, p, bits });
        }
        if memory_zoned {
            let (p, bits) = (noise.memory_zoneout, self.masks.memory(t, rows).filter(|_| training));
            engine.run(Split { rows: runs, width: mp, d: &mut self.d_memory, past: &mut self.d_memory_past, p, bits });
        }
        let masked = self.is_masked(lengths);
        let before = &self.history[t * rows * stride..];
        let seen: &[f32] = if masked { &self.masked[t * rows * stride..] } else { before };
        let previous = Rows { data: &before[joint.state_at()..], stride, width: pp };
        let output = if zoned {
            Rows { data: &self.written[t * rows * pp..], stride: pp, width: pp }
        } else {
            Rows { data: &self.history[(t + 1) * rows * stride + joint.state_at()..], stride, width: pp }
        };
        let memory = &self.memory[t * rows * mp..];
        let mut d_input = d_input;
        if let Some(d_input) = &mut d_input {
            d_input[runs * ip..].fill(0.0);
        }
        cell.backward(
            engine,
            weights,
            transposed,
            Backward {
                rows: runs,
                fresh: lengths.fresh(t),
                joint: joint_rows(seen, joint),
                previous,
                memory: Rows { data: memory, stride: mp, width: mp },
                output,
                tape: tape_rows(&mut self.tape, self.tape_stride, t, rows),
                candidate: if training { self.masks.candidate(t, rows) } else { None },
                d_output: RowsMut { data: &mut self.d_output, stride: pp, width: pp },
                d_joint: wanted.then_some(RowsMut { data: &mut self.d_joint, stride: pp, width: pp }),
                d_memory: RowsMut { data: &mut self.d_memory, stride: mp, width: mp },
                d_input: d_input.map(|data| RowsMut { data, stride: ip, width: ip }),
                gradient,
            },
        );
        if self.keeps_state || zoned || masked {
            engine.run(Merge {
                rows: runs,
                width: pp,
                d: &mut self.d_output,
                keeps: self.keeps_state,
                joint: &self.d_joint,
                past: zoned.then_some(&self.d_past),
                bits: self.masks.recurrent().filter(|_| masked),
                p: noise.recurrent_dropout,
            });
        } else {
            std::mem::swap(&mut self.d_output, &mut self.d_joint);
        }
        if memory_zoned {
            for (d, past) in self.d_memory[..runs * mp].iter_mut().zip(&self.d_memory_past[..runs * mp]) {
                *d = fade(*d + past, LEAST_GRADIENT);
            }
        }
    }

    fn check(&self, cell: &dyn Cell, weights: &[f32], lengths: Lengths<'_>) {
        let own = (self.joint.input, self.joint.output, self.memory_width, self.tape_stride, self.noise);
        let other = (cell.input(), cell.output(), cell.memory(), odd_stride(cell.tape()), cell.noise());
        assert!(own == other, "buffers of another cell than {cell:?}");
        assert_eq!(weights.len(), self.weights_len, "the weights of {cell:?}");
        let Lengths { rows, active, .. } = lengths;
        assert!(rows <= self.rows, "{rows} rows; there is room for {}", self.rows);
        assert!(active.len() <= self.steps, "{} steps; there is room for {}", active.len(), self.steps);
        assert!(active.iter().all(|&a| a <= rows), "active {active:?} exceeds {rows} rows");
        assert!(active.is_sorted_by(|a, b| a >= b), "active {active:?} grows: rows must be sorted by length");
    }
}

/// The sizes of the buffers of the same names.
struct Floats {
    history: usize,
    masked: usize,
    memory: usize,
    tape: usize,
    written: usize,
    d_output: usize,
    d_joint: usize,
    d_memory: usize,
    d_past: usize,
    d_memory_past: usize,
}

impl Floats {
    fn of(cell: &dyn Cell, steps: usize, rows: usize) -> Self {
        let (noise, stride) = (cell.noise(), Joint { input: cell.input(), output: cell.output() }.stride());
        let (pp, mp) = (padded(cell.output()), padded(cell.memory()));
        let where_masked = |p: f32, floats: usize| if p > 0.0 { floats } else { 0 };
        Floats {
            history: (steps + 1) * rows * stride,
            masked: where_masked(noise.recurrent_dropout, steps * rows * stride),
            memory: (steps + 1) * rows * mp,
            tape: steps * rows * odd_stride(cell.tape()),
            written: where_masked(noise.zoneout, steps * rows * pp),
            d_output: rows * pp,
            d_joint: rows * pp,
            d_memory: rows * mp,
            d_past: where_masked(noise.zoneout, rows * pp),
            d_memory_past: where_masked(noise.memory_zoneout, rows * mp),
        }
    }

    fn sum(self) -> usize {
        let Floats { history, masked, memory, tape, written, d_output, d_joint, d_memory, d_past, d_memory_past } =
            self;
        history + masked + memory + tape + written + d_output + d_joint + d_memory + d_past + d_memory_past
    }
}

/// Steps whose gradients of the weights are summed in one product, for a tile with room for `rows` rows. A sequence that
/// is worked off in parts gives the same bits when the parts are multiples of it.
pub fn chunk_steps(rows: usize) -> usize {
    (CHUNK / rows.max(1)).max(1)
}

fn fade_all(values: &mut [f32], least: f32) {
    values.iter_mut().for_each(|x| *x = fade(*x, least));
}

/// Rows of x and h, from x on.
fn joint_rows(history: &[f32], joint: Joint) -> Rows<'_> {
    let width = joint.input + padded(joint.output);
    Rows { data: &history[joint.input_at()..], stride: joint.stride(), width }
}

fn tape_rows(tape: &mut [f32], stride: usize, t: usize, rows: usize) -> RowsMut<'_> {
    RowsMut { data: &mut tape[t * rows * stride..][..rows * stride], stride, width: stride }
}
