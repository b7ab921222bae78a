//! What a step learns from: rows of a data set, whole or a window of each.

use crate::model::head::{Predicts, Quantiles, Reads, Values};
use crate::network::shape::Piece;
use crate::{Head, Labelled, Sequences};

/// Rows of a data set that make a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The rows, from 0.
    pub rows: Vec<u32>,
    /// What of each is taken; None takes all of it.
    pub window: Option<StreamWindow>,
}

/// Some steps of every row, where rows are streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamWindow {
    /// Its first step.
    pub start: usize,
    /// Its steps; a stream may end before.
    pub steps: usize,
    /// Whether streams go on from the states that the window before left; else they start from zero.
    pub carried: bool,
}

/// Whole rows.
impl From<&[u32]> for Batch {
    fn from(rows: &[u32]) -> Self {
        Batch { rows: rows.to_vec(), window: None }
    }
}

impl Batch {
    /// What it takes of a row.
    pub(crate) fn piece<D: Sequences + ?Sized>(&self, data: &D, row: usize) -> Piece {
        match self.window {
            None => Piece::whole(row, data.length(row)),
            Some(StreamWindow { start, steps, .. }) => Piece::window(row, start, steps, data.length(row)),
        }
    }

    /// Steps of its longest row at most.
    pub(crate) fn steps<D: Sequences + ?Sized>(&self, data: &D) -> usize {
        self.window.map_or(data.steps(), |window| window.steps)
    }

    /// What the losses of its rows are divided by, for a head and weights of the classes.
    pub(crate) fn weight<D: Labelled + ?Sized>(&self, head: &Head, class_weights: &[f32], data: &D) -> f64 {
        let pieces = self.rows.iter().map(|&row| self.piece(data, row as usize));
        let target = data.target();
        // Of a class that is not known nothing counts.
        let weight = |row, step| {
            target.class(row, step).map_or(0.0, |label| f64::from(class_weights.get(label).copied().unwrap_or(1.0)))
        };
        match (&head.predicts, head.reads) {
            (Predicts::Quantiles(Quantiles { levels, horizon }), _) => {
                let mut values = vec![f32::NAN; *horizon];
                let known = pieces.map(|piece| {
                    target.values(piece.row, None, &mut values);
                    values.iter().filter(|y| !y.is_nan()).count()
                });
                (known.sum::<usize>() * levels.len()) as f64
            }
            (Predicts::Values(Values { outputs, .. }), reads) => {
                let mut values = vec![f32::NAN; *outputs];
                let mut known = 0;
                for piece in pieces {
                    let steps = if reads == Reads::EveryStep { piece.length } else { 1 };
                    for t in piece.start..piece.start + steps {
                        target.values(piece.row, Some(t).filter(|_| reads == Reads::EveryStep), &mut values);
                        known += values.iter().filter(|y| !y.is_nan()).count();
                    }
                }
                known as f64
            }
            (_, Reads::EveryStep) => {
                let steps = |piece: &Piece| piece.start..piece.start + piece.length;
                let of = |piece: Piece| steps(&piece).map(|t| weight(piece.row, Some(t))).sum::<f64>();
                pieces.map(of).sum()
            }
            _ if class_weights.is_empty() => pieces.len() as f64,
            _ => pieces.map(|piece| weight(piece.row, None)).sum(),
        }
    }
}
