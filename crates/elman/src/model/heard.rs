//! What a network says at each step of an echo.

use std::sync::Arc;

use ndarray::Array2;

use crate::{Echo, Error, Model, Reads, Sequences, StepClass, Stream};

/// Streams, and steps of all of them, that are looked at step by step.
const STREAMS_MAX: usize = 100;
const STEPS_MAX: usize = 50_000;

/// Steps that the picture shows.
const SHOWN: usize = 60;

/// What the network says of a series, with the state carried from piece to piece and without.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Probability of a 1 at the first steps of the first stream, carried.
    pub first: Vec<f32>,
    /// The same without.
    pub first_reset: Vec<f32>,
    /// Share of the pieces that are right at each of their steps, carried.
    pub carried: Vec<f64>,
    /// The same without.
    pub reset: Vec<f64>,
}

impl Heard {
    /// Reads a series in pieces of `window` steps.
    ///
    /// # Errors
    /// If the window is longer than the series or 0, or the model does not read single numbers, one of two classes after each,
    /// or reads its rows from their ends.
    pub fn new(series: &Echo, window: usize, model: &Arc<Model>) -> Result<Self, Error> {
        if model.stack().input() != 1 || model.head().reads != Reads::EveryStep || model.head().classes() != Some(2) {
            let (found, expected) = (model.head().describe(), "one of two classes after each number");
            return Err(Error::setting("the head", found, expected));
        }
        if !(1..=series.steps()).contains(&window) {
            let expected = format!("1 to {}, the steps of the data", series.steps());
            return Err(Error::setting("the window", window, expected));
        }
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
                counts[t % window] += usize::from((odds > 0.0) == (series.class(row, t) == 1));
            }
            counts.into_iter().map(|count| count as f64 / (rows * pieces) as f64).collect()
        };
        let odds_carried = odds(|_| ())?;
        let odds_reset = odds(Stream::reset)?;
        let first = |odds: &Array2<f32>| {
            odds.column(0).iter().take(SHOWN).map(|odds| 1.0 / (1.0 + (-odds).exp())).collect::<Vec<f32>>()
        };
        Ok(Heard {
            first: first(&odds_carried),
            first_reset: first(&odds_reset),
            carried: right(&odds_carried),
            reset: right(&odds_reset),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, Init, Purpose, Random, Rnn};

    #[test]
    fn carried_and_reset_differ_and_what_does_not_fit_is_refused() {
        let echo = Echo::new(2000, 5, 3, &mut Random::new(1, Purpose::Data)).unwrap();
        let model = |cell: Rnn, head: Head| Arc::new(Model::init(cell, head, Init::Tf, 1).unwrap());
        let heard = Heard::new(&echo, 15, &model(Rnn::new(1, 4), Head::every_step(2))).unwrap();
        assert_eq!((heard.first.len(), heard.carried.len(), heard.reset.len()), (SHOWN, 15, 15));
        // The first piece is the same, the next one is not.
        assert_eq!(heard.first[..15], heard.first_reset[..15]);
        assert_ne!(heard.first[15..30], heard.first_reset[15..30]);
        assert_ne!(heard.carried, heard.reset);
        for window in [0, 401] {
            Heard::new(&echo, window, &model(Rnn::new(1, 4), Head::every_step(2))).unwrap_err();
        }
        Heard::new(&echo, 15, &model(Rnn::new(2, 4), Head::every_step(2))).unwrap_err();
        Heard::new(&echo, 15, &model(Rnn::new(1, 4), Head::last_state(2))).unwrap_err();
        Heard::new(&echo, 15, &model(Rnn::new(1, 4), Head::every_step(3))).unwrap_err();
    }
}
