//! The dense layers of a head over a few rows, forward and back.
//!
//! R rows; I and O of a dense layer, Ip and Op rounded up to whole vectors.

use elman_kernels::cell::{Rows, RowsMut};
use elman_kernels::{Aligned, Dense, Engine, Mode, Nonlinearity, padded};

use crate::network::parameters::{HeadLayer, Plan};

/// The buffers of a head. There is always a layer: that of the outputs.
#[derive(Clone, Debug)]
pub(crate) struct HeadTile {
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

impl HeadTile {
    /// Room for `rows` rows of a model with a head.
    pub(crate) fn new(plan: &Plan, rows: usize) -> Self {
        let buffers = |layer: &HeadLayer| {
            let dense = layer.dense;
            let mut inputs = Aligned::zeros(rows * dense.input_stride());
            for row in inputs.chunks_exact_mut(dense.input_stride()) {
                row[dense.input_at() - 1] = 1.0;
            }
            let sums = Aligned::zeros(rows * dense.output_stride());
            Buffers { layer: layer.clone(), inputs, sums, d_inputs: Aligned::zeros(rows * padded(dense.input)) }
        };
        HeadTile { layers: plan.head.iter().map(buffers).collect() }
    }

    /// Floats that [`HeadTile::new`] sets aside.
    pub(crate) fn floats(layers: &[(Dense, Nonlinearity)], rows: usize) -> usize {
        let each = layers.iter().map(|(dense, _)| dense.input_stride() + dense.output_stride() + padded(dense.input));
        rows * each.sum::<usize>()
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
}
