//! The kernels run over a batch as one tile.
//!
//! T steps, B rows, I input, P output, M memory; Pp, Mp, Ip rounded up to whole panels of 16.

use std::cmp::Reverse;

use elman_kernels::cell::{transpose, transposed_len};
use elman_kernels::unroll::{Initial, Lengths, Phase, Upstream};
use elman_kernels::{Aligned, Engine, Unroll, padded};

use crate::laws::batch::{Batch, State};
use crate::random::Random;

/// Everything the kernels give, as plain arrays in the order of the batch. Outputs are zero past a row's end.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    /// [B, T, P]
    pub(crate) outputs: Vec<f32>,
    /// The final state.
    pub(crate) state: State,
    /// The gradients by the arrays of the cell's layout, in its order.
    pub(crate) arrays: Vec<Vec<f32>>,
    /// dx [B, T, I]
    pub(crate) x: Vec<f32>,
    /// The gradient by the initial state.
    pub(crate) initial: State,
}

/// Which gradients are asked for beside those of the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) inputs: bool,
    pub(crate) initial: bool,
}

pub(crate) const ALL: Asked = Asked { inputs: true, initial: true };

/// A batch as the kernels see it.
pub(crate) struct Tile<'a> {
    batch: &'a Batch,
    engine: Engine<'a>,
    /// What row of the batch each row of the tile is: the longest first.
    order: Vec<usize>,
    active: Vec<usize>,
    weights: Aligned,
    transposed: Aligned,
    pub(crate) unroll: Unroll,
    d_state: Aligned,
    d_memory: Option<Aligned>,
    d_outputs: Option<Aligned>,
    pub(crate) gradient: Aligned,
    d_inputs: Aligned,
}

/// A buffer of NaN.
fn poisoned(len: usize) -> Aligned {
    let mut buffer = Aligned::zeros(len);
    buffer.fill(f32::NAN);
    buffer
}

impl<'a> Tile<'a> {
    pub(crate) fn new(batch: &'a Batch, engine: impl Into<Engine<'a>>) -> Tile<'a> {
        let unroll = Unroll::new(&*batch.cell, batch.steps, batch.rows());
        Tile::within(unroll, batch, engine)
    }

    /// In buffers that may be larger, and hold anything.
    pub(crate) fn within(unroll: Unroll, batch: &'a Batch, engine: impl Into<Engine<'a>>) -> Tile<'a> {
        let cell = &*batch.cell;
        let (steps, rows, [input, output, memory]) = (batch.steps, batch.rows(), batch.widths());
        let (pp, mp) = (padded(output), padded(memory));
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by_key(|&row| Reverse(batch.lengths[row]));

        let (weights, transposes) = (packed(batch), cell.transposes());
        let mut transposed = poisoned(transposed_len(&transposes));
        transpose(&transposes, &weights, &mut transposed);

        let mut d_state = Aligned::zeros(rows * pp);
        let mut d_memory = batch.d_memory.as_ref().map(|_| Aligned::zeros(rows * mp));
        let mut d_outputs = batch.d_outputs.as_ref().map(|_| poisoned(steps * rows * pp));
        for (place, &row) in order.iter().enumerate() {
            d_state[place * pp..][..output].copy_from_slice(&batch.d_state[row * output..][..output]);
            if let (Some(to), Some(from)) = (&mut d_memory, &batch.d_memory) {
                to[place * mp..][..memory].copy_from_slice(&from[row * memory..][..memory]);
            }
            if let (Some(to), Some(from)) = (&mut d_outputs, &batch.d_outputs) {
                for t in 0..batch.lengths[row] {
                    let to = &mut to[(t * rows + place) * pp..][..pp];
                    to.fill(0.0);
                    to[..output].copy_from_slice(&from[(row * steps + t) * output..][..output]);
                }
            }
        }
        Tile {
            batch,
            engine: engine.into(),
            active: (0..steps).map(|t| batch.lengths.iter().filter(|&&length| length > t).count()).collect(),
            order,
            gradient: Aligned::zeros(weights.len()),
            weights,
            transposed,
            unroll,
            d_state,
            d_memory,
            d_outputs,
            d_inputs: poisoned(steps * rows * padded(input)),
        }
    }

    pub(crate) fn forward(&mut self) {
        let (batch, [input, output, memory]) = (self.batch, self.batch.widths());
        let (steps, rows) = (batch.steps, batch.rows());
        for (place, &row) in self.order.iter().enumerate() {
            for t in 0..steps {
                let x = &batch.x[(row * steps + t) * input..][..input];
                self.unroll.input_mut(t, rows, place).copy_from_slice(x);
            }
            if let Some(start) = &batch.initial {
                self.unroll.initial_state_mut(place).copy_from_slice(&start.h[row * output..][..output]);
                self.unroll.initial_memory_mut(place).copy_from_slice(&start.c[row * memory..][..memory]);
            }
            if let Some(seeds) = &batch.masks {
                let mut random = Random::new(seeds.rows[row]);
                self.unroll.draw_row_mask(place, || random.next() as u32);
                for t in 0..batch.lengths[row] {
                    let mut random = Random::new(seeds.steps[row * steps + t]);
                    self.unroll.draw_step_masks(t, rows, place, || random.next() as u32);
                }
            }
        }
        self.unroll.forward(&*batch.cell, self.engine, &self.weights, lengths(batch, &self.active));
    }

    /// Adds to the gradient of the weights, and writes those that are asked for.
    pub(crate) fn backward(&mut self, asked: Asked) {
        self.unroll.backward(
            &*self.batch.cell,
            self.engine,
            &self.weights,
            &self.transposed,
            lengths(self.batch, &self.active),
            Upstream { state: &self.d_state, memory: self.d_memory.as_deref(), outputs: self.d_outputs.as_deref() },
            &mut self.gradient,
            asked.inputs.then_some(&mut *self.d_inputs),
            asked.initial,
        );
    }

    /// Everything that came out.
    pub(crate) fn results(&self) -> Results {
        let (batch, [input, output, memory]) = (self.batch, self.batch.widths());
        let (steps, rows, ip) = (batch.steps, batch.rows(), padded(input));
        let state = || State { h: vec![f32::NAN; rows * output], c: vec![f32::NAN; rows * memory] };
        let unpacked = batch.cell.layout().entries.into_iter().map(|entry| {
            let mut values = vec![f32::NAN; entry.count()];
            entry.unpack(&self.gradient, &mut values);
            values
        });
        let mut all = Results {
            outputs: vec![0.0; rows * steps * output],
            state: state(),
            arrays: unpacked.collect(),
            x: vec![f32::NAN; rows * steps * input],
            initial: state(),
        };
        for (place, &row) in self.order.iter().enumerate() {
            let (length, unroll) = (batch.lengths[row], &self.unroll);
            for t in 0..length {
                let to = &mut all.outputs[(row * steps + t) * output..][..output];
                to.copy_from_slice(unroll.state(t + 1, rows, place));
            }
            for t in 0..steps {
                let to = &mut all.x[(row * steps + t) * input..][..input];
                to.copy_from_slice(&self.d_inputs[(t * rows + place) * ip..][..input]);
            }
            let (h, c) = (row * output..(row + 1) * output, row * memory..(row + 1) * memory);
            all.state.h[h.clone()].copy_from_slice(unroll.state(length, rows, place));
            all.state.c[c.clone()].copy_from_slice(unroll.memory(length, rows, place));
            all.initial.h[h].copy_from_slice(unroll.d_initial_state(place));
            all.initial.c[c].copy_from_slice(unroll.d_initial_memory(place));
        }
        all
    }

    /// What must be zero beyond the I floats of an input, and in the lanes of the weights that hold no parameter.
    pub(crate) fn assert_padding_is_zero(&self) {
        let (batch, [input, ..]) = (self.batch, self.batch.widths());
        let zero =
            |array: &str, x: f32| assert!(x == 0.0, "{}, {batch}: {x} in the padding of {array}", self.engine.isa);
        for row in self.d_inputs.chunks_exact(padded(input)) {
            row[input..].iter().for_each(|&x| zero("dx", x));
        }
        let layout = batch.cell.layout();
        let mut used = vec![0.0; layout.len];
        layout.entries.iter().for_each(|entry| entry.pack(&vec![1.0; entry.count()], &mut used));
        for (&x, _) in self.gradient.iter().zip(&used).filter(|&(_, &used)| used == 0.0) {
            zero("the weights' gradient", x);
        }
    }
}

fn lengths<'a>(batch: &Batch, active: &'a [usize]) -> Lengths<'a> {
    Lengths {
        rows: batch.rows(),
        active,
        initial: if batch.initial.is_some() { Initial::Given } else { Initial::Zero },
        phase: if batch.masks.is_some() { Phase::Training } else { Phase::Inference },
        truncate: batch.truncate,
        offset: batch.offset,
    }
}

/// The weights, in panels.
pub(crate) fn packed(batch: &Batch) -> Aligned {
    let layout = batch.cell.layout();
    let mut weights = Aligned::zeros(layout.len);
    for (entry, values) in layout.entries.iter().zip(&batch.arrays) {
        entry.pack(values, &mut weights);
    }
    weights
}

/// Forward, backward, and everything that came out.
pub(crate) fn run<'a>(engine: impl Into<Engine<'a>>, batch: &'a Batch) -> Results {
    let mut tile = Tile::new(batch, engine);
    tile.forward();
    tile.backward(ALL);
    tile.results()
}
