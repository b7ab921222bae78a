//! What a network says at each step of a series.

use elman::{Error, Model, Sequences, StepClass};
use ndarray::{Array2, Array3, Axis as Along, s};

/// Streams, and steps of all of them, that are looked at step by step.
const STREAMS_MAX: usize = 100;
const STEPS_MAX: usize = 50_000;

/// Steps that the picture shows.
const SHOWN: usize = 60;

/// What the network says of a series, with the state carried from piece to piece and without.
pub(super) struct Heard {
    /// Probability of a 1 at the first steps of the first stream, carried.
    pub(super) first: Vec<f32>,
    /// Share of the pieces that are right at each of their steps.
    pub(super) carried: Vec<f64>,
    pub(super) reset: Vec<f64>,
}

impl Heard {
    pub(super) fn new(series: &elman::Echo, window: usize, model: &Model) -> Result<Self, Error> {
        let network = model.network();
        let (kernel, bias) = model.head_arrays();
        // Log odds of a 1, [N, T].
        let odds = |xs: Array3<f32>| -> Result<Array2<f32>, Error> {
            let (outputs, _) = network.dynamic_rnn(xs.view()).run()?;
            let (weights, bias) = (&kernel.column(1) - &kernel.column(0), bias[1] - bias[0]);
            Ok(outputs.map_axis(Along(2), |h| h.dot(&weights) + bias))
        };
        // Whole pieces alone, and no more than tell the share: all outputs are held at once.
        let rows = series.len().min(STREAMS_MAX);
        let pieces = (series.steps() / window).min((STEPS_MAX / (rows * window)).max(1));
        let bits = series.bits.slice(s![..rows, ..pieces * window]).mapv(f32::from);
        let (streams, steps) = bits.dim();
        let cut = |array: Array2<f32>| array.into_shape_with_order((streams * pieces, window)).unwrap_or_default();
        let whole = odds(bits.clone().insert_axis(Along(2)))?;
        let first = whole.row(0).iter().take(SHOWN).map(|odds| 1.0 / (1.0 + (-odds).exp())).collect();
        let labels = cut(Array2::from_shape_fn((streams, steps), |(row, t)| series.class(row, t) as f32));
        let right = |odds: Array2<f32>| -> Vec<f64> {
            let right = |(&odds, &label): (&f32, &f32)| (odds > 0.0) == (label > 0.5);
            let columns = odds.columns().into_iter().zip(labels.columns());
            columns
                .map(|(odds, labels)| odds.iter().zip(labels).filter(|&pair| right(pair)).count())
                .map(|count| count as f64 / labels.nrows() as f64)
                .collect()
        };
        let carried = right(cut(whole));
        let reset = right(odds(cut(bits).insert_axis(Along(2)))?);
        Ok(Heard { first, carried, reset })
    }
}
