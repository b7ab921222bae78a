//! Attention over the steps of a row: a learned score of each, and the mean of the outputs by the softmax of the scores.
//!
//! R rows, O outputs of the last layer, A units of the score; Ap and Op rounded up to whole vectors.
//!
//! ```text
//! u_t = h_t W + b        y_t = tanh(u_t)        e_t = vᵀ y_t        α = softmax(e)        z = Σ_t α_t h_t
//!
//! de_t = α_t dzᵀ(h_t − z)        dv = Σ_t de_t y_t        du_t = de_t v ⊙ (1 − y_t²)        dh_t = α_t dz + du_t Wᵀ
//! ```
//!
//! Yang et al. (2016), <https://doi.org/10.18653/v1/N16-1174>. The softmax is taken up step by step ([`Pooled`]), so of a
//! sequence nothing is kept but sums; the way back makes each score again, from the same outputs.

use elman_kernels::cell::{Rows, RowsMut};
use elman_kernels::{Aligned, Dense, Engine, LEAST_GRADIENT, Mode, Nonlinearity, fade, padded};

use crate::model::pooled::Pooled;
use crate::network::parameters::AttentionLayer;

/// The buffers of one step of some rows.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    layer: AttentionLayer,
    /// The outputs h of the step, [R, the input stride of W].
    inputs: Aligned,
    /// [R, the output stride of W]: u, then the gradient by it.
    sums: Aligned,
    /// y [R, Ap].
    units: Aligned,
    /// The gradient by h through the scores, [R, Op].
    d_inputs: Aligned,
}

/// Floats of the buffers: h, u, y, the gradient by h.
fn room(dense: Dense, rows: usize) -> [usize; 4] {
    [rows * dense.input_stride(), rows * dense.output_stride(), rows * padded(dense.output), rows * padded(dense.input)]
}

impl Attention {
    /// Room for a step of `rows` rows.
    pub(crate) fn new(layer: &AttentionLayer, rows: usize) -> Self {
        let dense = layer.dense;
        let [mut inputs, sums, units, d_inputs] = room(dense, rows).map(Aligned::zeros);
        for row in inputs.chunks_exact_mut(dense.input_stride()) {
            row[dense.input_at() - 1] = 1.0;
        }
        Attention { layer: layer.clone(), inputs, sums, units, d_inputs }
    }

    /// Bytes that [`Attention::new`] sets aside.
    pub(crate) fn bytes(dense: Dense, rows: usize) -> usize {
        room(dense, rows).iter().sum::<usize>() * size_of::<f32>()
    }

    /// The outputs h `[O]` of a step of the row at `place`, to be written.
    pub(crate) fn outputs_mut(&mut self, place: usize) -> &mut [f32] {
        let dense = self.layer.dense;
        &mut self.inputs[place * dense.input_stride() + dense.input_at()..][..dense.input]
    }

    fn outputs(&self, place: usize) -> &[f32] {
        let dense = self.layer.dense;
        &self.inputs[place * dense.input_stride() + dense.input_at()..][..dense.input]
    }

    /// The units y of the first `rows` rows, from their outputs.
    fn look(&mut self, engine: Engine<'_>, parameters: &[f32], rows: usize) {
        let Attention { layer: AttentionLayer { dense, weights, .. }, inputs, sums, units, .. } = self;
        let sums = &mut sums[..rows * dense.output_stride()];
        dense.forward(engine, &parameters[weights.clone()], &inputs[..rows * dense.input_stride()], rows, sums);
        let width = padded(dense.output);
        let sums = Rows { data: sums, stride: dense.output_stride(), width: dense.output_stride() };
        let out = RowsMut { data: &mut units[..rows * width], stride: width, width };
        Nonlinearity::Tanh.apply(engine, rows, dense.output, sums, out);
    }

    /// e of the row at `place`, by its units: in `f64`, one sum in the order of the units.
    fn score(&self, parameters: &[f32], place: usize) -> f64 {
        let AttentionLayer { dense, context, .. } = &self.layer;
        let units = &self.units[place * padded(dense.output)..];
        dot(&parameters[context.clone()], units.iter().map(|&y| f64::from(y)))
    }

    /// Takes the step whose outputs were written, of the first `rows` rows, into what they have so far.
    pub(crate) fn add(&mut self, engine: Engine<'_>, parameters: &[f32], rows: usize, pooled: &mut Pooled) {
        self.look(engine, parameters, rows);
        for place in 0..rows {
            pooled.add_scored(place, self.score(parameters, place), self.outputs(place));
        }
    }

    /// The way back of the step whose outputs were written, of the first `rows` rows: from `d [rows, Op]`, the gradient by
    /// what the head read of them, to that by the outputs, `out [rows, Op]`, which is written over. That by the parameters
    /// is added to `gradient`.
    #[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
    pub(crate) fn back(
        &mut self,
        engine: Engine<'_>,
        parameters: &[f32],
        transposed: &[f32],
        rows: usize,
        pooled: &Pooled,
        d: &[f32],
        gradient: &mut [f32],
        out: &mut [f32],
    ) {
        self.look(engine, parameters, rows);
        let AttentionLayer { dense, weights, transposed: at, context } = self.layer.clone();
        let width = padded(dense.input);
        for place in 0..rows {
            let score = self.score(parameters, place);
            let weight = pooled.weight(place, score);
            let d = &d[place * width..][..dense.input];
            let here = dot(d, self.outputs(place).iter().map(|&h| f64::from(h)));
            let d_score = vanishing(weight * (here - pooled.along(place, d)));
            let out = &mut out[place * width..][..width];
            out.fill(0.0);
            out.iter_mut().zip(d).for_each(|(to, &d)| *to = vanishing(weight * f64::from(d)));
            let units = &self.units[place * padded(dense.output)..][..dense.output];
            let d_sums = &mut self.sums[place * dense.output_stride()..][..dense.output];
            let v = &parameters[context.clone()];
            let d_v = &mut gradient[context.clone()];
            for (((to, d_v), &v), &y) in d_sums.iter_mut().zip(d_v).zip(v).zip(units) {
                *d_v += d_score * y;
                *to = fade(d_score * v * (1.0 - y * y), LEAST_GRADIENT);
            }
        }
        let d_inputs = &mut self.d_inputs[..rows * width];
        dense.backward(
            engine,
            &transposed[at],
            &self.inputs[..rows * dense.input_stride()],
            rows,
            &self.sums[..rows * dense.output_stride()],
            d_inputs,
            &mut gradient[weights],
            Mode::Add,
        );
        out[..rows * width].iter_mut().zip(d_inputs).for_each(|(to, d)| *to += *d);
    }
}

/// Σ x y in `f64`, one sum in the order of the elements.
pub(super) fn dot(xs: &[f32], ys: impl Iterator<Item = f64>) -> f64 {
    xs.iter().zip(ys).fold(0.0, |sum, (&x, y)| sum + f64::from(x) * y)
}

/// A gradient, 0 where it vanishes.
fn vanishing(d: f64) -> f32 {
    fade(d as f32, LEAST_GRADIENT)
}
