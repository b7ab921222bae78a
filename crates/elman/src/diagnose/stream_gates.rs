//! The gates of a stream as it is stepped: what lets a number in, what keeps it, what lets it out, step by step.
//!
//! N rows, I input, P and M floats of h and c.

use elman_kernels::reference::Bound;
use serde::Serialize;

use super::gates::Plain;
use super::track::tracks;
use crate::{Error, Model, Stream};

/// A gate of a layer, or the activation of its cell, at a step of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerGate {
    /// Which layer, from 0.
    pub layer: usize,
    /// Its letter in the cell's equations; φ for the activation of the Elman cell.
    pub name: &'static str,
    /// What bounds it.
    pub bound: Bound,
    /// One value for each unit.
    pub values: Vec<f32>,
}

/// Reads steps as [`Stream::read`] does, with the same bits, and tells the gates of each layer: by the equations in f64, from
/// the true inputs and the true state. That is plain and slow beside the step itself, and keeps a copy of the weights.
///
/// ```
/// # use std::sync::Arc;
/// # use elman::diagnose::StreamGates;
/// # use elman::{Init, Lstm, Model};
/// # fn main() -> Result<(), elman::Error> {
/// let model = Arc::new(Model::init(Lstm::new(3, 16), 2, Init::Tf, 111)?);
/// let (gates, mut stream) = (StreamGates::new(&model)?, model.stream()?);
/// let seen = gates.read(&mut stream, &[0.1, 0.2, 0.3], &[0]);
/// let names: Vec<&str> = seen[0].iter().map(|gate| gate.name).collect();
/// assert_eq!(names, ["i", "f", "g", "o", "tanh(c)"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StreamGates {
    /// A cell for each layer.
    layers: Vec<Plain>,
}

impl StreamGates {
    /// For a model's streams.
    ///
    /// # Errors
    /// If the model has no streams: as [`Model::stream`].
    pub fn new(model: &Model) -> Result<Self, Error> {
        model.stack().check_steps("a stream", "its outputs are known only after the last step")?;
        Ok(StreamGates { layers: tracks(&model.network())?.iter().map(Plain::new).collect() })
    }

    /// One step of every row, `xs [N, I]`; for each row asked for, its gates in the order of layers, and of the equations.
    /// A cell of one's own shows none.
    ///
    /// # Panics
    /// If the stream is of another network, `xs` does not have N × I floats, or there is no such row.
    pub fn read(&self, stream: &mut Stream, xs: &[f32], rows: &[usize]) -> Vec<Vec<LayerGate>> {
        let before: Vec<Vec<Vec<f32>>> =
            rows.iter().map(|&row| stream.steps.states(row).map(<[f32]>::to_vec).collect()).collect();
        stream.read(xs);
        let of_row = |(&row, states): (&usize, &Vec<Vec<f32>>)| {
            let layers = self.layers.iter().zip(states.as_chunks::<2>().0).enumerate();
            let gates = layers.filter_map(|(layer, (plain, [h, c]))| {
                Some((layer, plain.gates(stream.steps.input_of(layer, row), h, c)?))
            });
            let gates = gates.flat_map(|(layer, gates)| gates.into_iter().map(move |gate| (layer, gate)));
            let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
            gates
                .map(|(layer, gate)| LayerGate {
                    layer,
                    name: gate.name,
                    bound: gate.bound,
                    values: narrow(gate.values),
                })
                .collect()
        };
        rows.iter().zip(&before).map(of_row).collect()
    }
}
