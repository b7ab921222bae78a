//! A head over a few rows: what it reads of each, its dense layers forward and back, its answers.
//!
//! R rows; I and O of a dense layer, Ip and Op rounded up to whole vectors.

use elman_kernels::cell::{Rows, RowsMut};
use elman_kernels::{Aligned, Dense, Engine, Mode, padded};

use crate::model::attention::Attention;
use crate::model::head::{Head, Reads};
use crate::model::pooled::Pooled;
use crate::network::layer::{Merge, Stack};
use crate::network::parameters::{HeadLayer, Plan};

/// The buffers of a head. There is always a layer: that of the outputs.
#[derive(Clone, Debug)]
pub(crate) struct HeadTile {
    reads: Reads,
    /// How the final states of two directions come together.
    merge: Option<Merge>,
    /// The outputs of the last layer over the steps, for a head that takes them together.
    pub(crate) pooled: Pooled,
    /// What scores those of a step, for a head that attends to them.
    attention: Option<Attention>,
    layers: Vec<Buffers>,
}

/// The buffers of a dense layer.
#[derive(Clone, Debug)]
struct Buffers {
    layer: HeadLayer,
    /// What it reads, [R, its input stride].
    inputs: Aligned,
    /// [R, its output stride]: x W + b, then the gradient by it.
    sums: Aligned,
    /// [R, Ip]: the gradient by what it reads.
    d_inputs: Aligned,
}

/// Floats of the buffers of a dense layer: what it reads, its sums, the gradient by what it reads.
fn room(dense: Dense, rows: usize) -> [usize; 3] {
    [rows * dense.input_stride(), rows * dense.output_stride(), rows * padded(dense.input)]
}

impl HeadTile {
    /// Room for `rows` rows of a model with a head.
    pub(crate) fn new(head: &Head, stack: &Stack, plan: &Plan, rows: usize) -> Self {
        let buffers = |layer: &HeadLayer| {
            let dense = layer.dense;
            let [inputs, sums, d_inputs] = room(dense, rows).map(Aligned::zeros);
            let mut inputs = inputs;
            for row in inputs.chunks_exact_mut(dense.input_stride()) {
                row[dense.input_at() - 1] = 1.0;
            }
            Buffers { layer: layer.clone(), inputs, sums, d_inputs }
        };
        HeadTile {
            reads: head.reads,
            merge: stack.layers.last().and_then(|layer| layer.bidirectional).map(Merge::of_states),
            pooled: Pooled::new(head.reads, rows, stack.output()),
            attention: plan.attention.as_ref().map(|layer| Attention::new(layer, rows)),
            layers: plan.head.iter().map(buffers).collect(),
        }
    }

    /// Bytes that [`HeadTile::new`] sets aside.
    pub(crate) fn bytes(head: &Head, stack: &Stack, rows: usize) -> usize {
        let layers = head.dense(stack);
        let floats: usize = layers.iter().flat_map(|&(dense, _)| room(dense, rows)).sum();
        let attention = head.attention(stack).map_or(0, |dense| Attention::bytes(dense, rows));
        floats * size_of::<f32>() + Pooled::bytes(head.reads, rows, stack.output()) + attention
    }

    /// What it reads.
    pub(crate) fn reads(&self) -> Reads {
        self.reads
    }

    /// Takes the outputs `[O]` of the next step of the row at `place`: a head on every step reads them, one that pools
    /// counts them in; one that attends does so when all rows of the step are [there](HeadTile::take_step).
    pub(crate) fn see(&mut self, place: usize, outputs: &[f32]) {
        match self.reads {
            Reads::LastState => {}
            Reads::EveryStep => self.input_mut(place).copy_from_slice(outputs),
            Reads::Mean | Reads::Max => self.pooled.add(place, outputs),
            Reads::Attention => self.attend_to(place, outputs),
        }
    }

    fn attend_to(&mut self, place: usize, outputs: &[f32]) {
        if let Some(attention) = &mut self.attention {
            attention.outputs_mut(place).copy_from_slice(outputs);
        }
    }

    /// The first `rows` rows have been [seen](HeadTile::see) at this step: a head that attends scores them and counts
    /// them in.
    pub(crate) fn take_step(&mut self, engine: Engine<'_>, parameters: &[f32], rows: usize) {
        if let Some(attention) = &mut self.attention {
            attention.add(engine, parameters, rows, &mut self.pooled);
        }
    }

    /// The row at `place` as it was after `steps` steps, the last one with these outputs `[O]`; of a head that pools, with
    /// what it had taken together, or nothing where there were no steps.
    pub(crate) fn resume(&mut self, place: usize, outputs: &[f32], pooled: &[f64], steps: u64) {
        match self.reads {
            Reads::LastState => {}
            Reads::EveryStep => self.input_mut(place).copy_from_slice(outputs),
            Reads::Mean | Reads::Max | Reads::Attention => self.pooled.resume(place, pooled, steps),
        }
    }

    /// Reads what a head on whole rows reads of the row at `place` after the steps so far: the final states `[P]` of the
    /// last layer, or its outputs taken together.
    pub(crate) fn read_row(&mut self, place: usize, forward: &[f32], backward: Option<&[f32]>) {
        let Buffers { layer: HeadLayer { dense, .. }, inputs, .. } = &mut self.layers[0];
        let to = &mut inputs[place * dense.input_stride() + dense.input_at()..][..dense.input];
        match (self.reads, self.merge.zip(backward)) {
            (Reads::EveryStep, _) => {}
            (Reads::LastState, None) => to.copy_from_slice(forward),
            (Reads::LastState, Some((merge, backward))) => merge.join(forward, backward, to),
            (Reads::Mean | Reads::Max | Reads::Attention, _) => self.pooled.read(place, to),
        }
    }

    /// The layer of the outputs.
    pub(crate) fn last(&self) -> Dense {
        self.layers[self.layers.len() - 1].layer.dense
    }

    /// What the head reads of the row at `place` `[I]`, to be written.
    pub(crate) fn input_mut(&mut self, place: usize) -> &mut [f32] {
        let Buffers { layer: HeadLayer { dense, .. }, inputs, .. } = &mut self.layers[0];
        &mut inputs[place * dense.input_stride() + dense.input_at()..][..dense.input]
    }

    /// The outputs of `rows` rows, [rows, the last layer's output stride]; before the way back, the gradient by them.
    pub(crate) fn outputs_mut(&mut self, rows: usize) -> &mut [f32] {
        let last = self.layers.len() - 1;
        let Buffers { layer: HeadLayer { dense, .. }, sums, .. } = &mut self.layers[last];
        &mut sums[..rows * dense.output_stride()]
    }

    /// The outputs `[O]` of the row at `place`.
    pub(crate) fn output_mut(&mut self, place: usize) -> &mut [f32] {
        let dense = self.last();
        let stride = dense.output_stride();
        &mut self.outputs_mut(place + 1)[place * stride..][..dense.output]
    }

    /// The gradient by what the head reads of `rows` rows, [rows, Ip].
    pub(crate) fn d_inputs(&self, rows: usize) -> &[f32] {
        let Buffers { layer: HeadLayer { dense, .. }, d_inputs, .. } = &self.layers[0];
        &d_inputs[..rows * padded(dense.input)]
    }

    /// From what the head reads of `rows` rows to its outputs.
    pub(crate) fn forward(&mut self, engine: Engine<'_>, parameters: &[f32], rows: usize) {
        for index in 0..self.layers.len() {
            let (now, later) = self.layers.split_at_mut(index + 1);
            let Buffers { layer: HeadLayer { dense, activation, weights, .. }, inputs, sums, .. } = &mut now[index];
            let inputs = &inputs[..rows * dense.input_stride()];
            let sums = &mut sums[..rows * dense.output_stride()];
            dense.forward(engine, &parameters[weights.clone()], inputs, rows, sums);
            if let Some(next) = later.first_mut() {
                let (at, stride) = (next.layer.dense.input_at(), next.layer.dense.input_stride());
                let sums = Rows { data: sums, stride: dense.output_stride(), width: dense.output_stride() };
                let out = RowsMut { data: &mut next.inputs[at..], stride, width: padded(dense.output) };
                activation.apply(engine, rows, dense.output, sums, out);
            }
        }
    }

    /// From the gradient by the outputs of `rows` rows to that by what the head reads; that by its parameters is added
    /// to `gradient`.
    pub(crate) fn backward(&mut self, engine: Engine<'_>, transposed: &[f32], rows: usize, gradient: &mut [f32]) {
        for index in (0..self.layers.len()).rev() {
            let (before, now) = self.layers.split_at_mut(index);
            let Buffers { layer: HeadLayer { dense, weights, transposed: at, .. }, inputs, sums, d_inputs } =
                &mut now[0];
            let d_inputs = &mut d_inputs[..rows * padded(dense.input)];
            dense.backward(
                engine,
                &transposed[at.clone()],
                &inputs[..rows * dense.input_stride()],
                rows,
                &sums[..rows * dense.output_stride()],
                d_inputs,
                &mut gradient[weights.clone()],
                Mode::Add,
            );
            if let Some(Buffers { layer: HeadLayer { dense, activation, .. }, sums, .. }) = before.last_mut() {
                let (width, stride) = (padded(dense.output), dense.output_stride());
                let d = Rows { data: d_inputs, stride: width, width };
                activation.back(engine, rows, dense.output, d, RowsMut { data: sums, stride, width: stride });
            }
        }
    }

    /// From the gradient by what a head that pools read, to that by the outputs of step t of the first `rows` rows, [rows,
    /// Op], which is written over; that by the parameters of a head that attends is added to `gradient`. Such a head must
    /// have been [shown](HeadTile::show) the outputs again.
    #[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
    pub(crate) fn step_back(
        &mut self,
        engine: Engine<'_>,
        parameters: &[f32],
        transposed: &[f32],
        t: usize,
        rows: usize,
        gradient: &mut [f32],
        out: &mut [f32],
    ) {
        let HeadTile { pooled, attention, layers, .. } = self;
        let Buffers { layer: HeadLayer { dense, .. }, d_inputs, .. } = &layers[0];
        let width = padded(dense.input);
        let d = &d_inputs[..rows * width];
        if let Some(attention) = attention {
            attention.back(engine, parameters, transposed, rows, pooled, d, gradient, out);
            return;
        }
        for (place, (to, d)) in out.chunks_exact_mut(width).zip(d.chunks_exact(width)).enumerate() {
            to.fill(0.0);
            pooled.back(place, t, d, &mut to[..dense.input]);
        }
    }

    /// Where the outputs `[O]` of a step of the row at `place` are to be written before its way back; None of a head that
    /// does not need them again.
    pub(crate) fn show(&mut self, place: usize) -> Option<&mut [f32]> {
        self.attention.as_mut().map(|attention| attention.outputs_mut(place))
    }
}
