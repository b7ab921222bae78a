//! What a network says at each step of a series.

use std::sync::Arc;

use elman::{Error, Labelled, Model, Sequences, Stream};
use ndarray::Array2;

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
    pub(super) fn new(series: &elman::Echo, window: usize, model: &Arc<Model>) -> Result<Self, Error> {
        // Whole pieces alone, and no more than tell the share.
        let rows = series.len().min(STREAMS_MAX);
        let pieces = (series.steps() / window).min((STEPS_MAX / (rows * window)).max(1));
        let steps = pieces * window;
        // Log odds of a 1 at every step of every stream; `new_piece` is told where a piece begins.
        let odds = |new_piece: fn(&mut Stream)| -> Result<Array2<f32>, Error> {
            let mut stream = model.streams(rows)?;
            let (mut odds, mut bits) = (Array2::zeros((steps, rows)), vec![0.0; rows]);
            for t in 0..steps {
                if t % window == 0 {
                    new_piece(&mut stream);
                }
                bits.iter_mut().enumerate().for_each(|(row, bit)| series.read(row, t, std::slice::from_mut(bit)));
                stream.read(&bits);
                let logits = stream.logits().chunks_exact(2);
                odds.row_mut(t).iter_mut().zip(logits).for_each(|(odds, logits)| *odds = logits[1] - logits[0]);
            }
            Ok(odds)
        };
        let right = |odds: &Array2<f32>| -> Vec<f64> {
            let mut counts = vec![0_usize; window];
            for ((t, row), &odds) in odds.indexed_iter() {
                counts[t % window] += usize::from((odds > 0.0) == (series.step_label(row, t) == 1));
            }
            counts.into_iter().map(|count| count as f64 / (rows * pieces) as f64).collect()
        };
        let odds_carried = odds(|_| ())?;
        let first = odds_carried.column(0).iter().take(SHOWN).map(|odds| 1.0 / (1.0 + (-odds).exp())).collect();
        let (carried, reset) = (right(&odds_carried), right(&odds(Stream::reset)?));
        Ok(Heard { first, carried, reset })
    }
}
