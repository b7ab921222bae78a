//! One direction of one layer as a network of its own, carried through the steps one by one, forward and back.
//!
//! N steps of the window, B rows, I input, P output, M memory. Rows stand at the end of the window: a row of w steps
//! takes places N − w to N − 1, so that a lag is the same place in all rows. They are sorted, the longest first.

use std::collections::BTreeMap;

use elman_formats::Array;
use ndarray::{Array2, Array3, ArrayView2, Axis, s};

use crate::Error;
use crate::network::layer::{AnyCell, Layer, Stack};
use crate::network::network::{Build, Network};
use crate::network::parameters::prefix;
use crate::network::state::{CellState, State};

/// The rows of a window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Steps of each row in the window `[B]`, falling, at least 1.
    pub(super) steps: Vec<usize>,
}

impl Window {
    /// N
    pub(super) fn len(&self) -> usize {
        self.steps.first().copied().unwrap_or(0)
    }

    /// Where a row starts.
    pub(super) fn start(&self, row: usize) -> usize {
        self.len() - self.steps[row]
    }

    /// Rows that have a step at a place: the first so many.
    pub(super) fn active(&self, place: usize) -> usize {
        self.steps.partition_point(|steps| self.len() - steps <= place)
    }

    /// Each row with its steps in the opposite order.
    pub(super) fn reversed(&self, of: &Array3<f32>) -> Array3<f32> {
        let mut to = Array3::zeros(of.dim());
        for row in 0..self.steps.len() {
            let mut part = of.slice(s![self.start(row).., row, ..]);
            part.invert_axis(Axis(0));
            to.slice_mut(s![self.start(row).., row, ..]).assign(&part);
        }
        to
    }
}

/// A cell with its parameters: one direction of one layer.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) layer: usize,
    pub(super) reversed: bool,
    pub(super) cell: AnyCell,
    /// Of this cell alone.
    pub(super) network: Network,
    /// Its plain arrays, by the names of the cell's layout.
    pub(super) arrays: BTreeMap<String, Array>,
}

/// What a track read and passed through, in its own order of steps.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    /// [N, B, I]
    pub(super) x: Array3<f32>,
    /// [N + 1, B, P]: the state before each step, and after the last.
    pub(super) h: Array3<f32>,
    /// [N + 1, B, M]
    pub(super) c: Array3<f32>,
}

/// Gradients on the way back, in the track's own order of steps.
#[derive(Clone, Debug)]
pub(super) struct Back {
    /// [N, B, I]: by the inputs.
    pub(super) inputs: Array3<f32>,
    /// [N, B]: norms of the gradient by the state after each step: by h, and by c with that h held.
    pub(super) h: Array2<f64>,
    pub(super) c: Array2<f64>,
}

/// The tracks of a network, in the order of the cells of its state.
pub(super) fn tracks(network: &Network) -> Result<Vec<Track>, Error> {
    let all = network.arrays();
    let mut tracks = Vec::new();
    for (index, layer) in network.layers().iter().enumerate() {
        for direction in 0..layer.directions() {
            let prefix = prefix(index, layer.directions(), direction);
            let named = all.iter().filter_map(|(name, array)| Some((name.strip_prefix(&prefix)?, array.clone())));
            let arrays: BTreeMap<String, Array> = named.map(|(name, array)| (name.to_owned(), array)).collect();
            let renamed = arrays.iter().map(|(name, array)| (format!("layers.0.{name}"), array.clone())).collect();
            let network = Stack::new(Layer::new(layer.cell.clone())).with_arrays(&renamed)?;
            tracks.push(Track { layer: index, reversed: direction == 1, cell: layer.cell.clone(), network, arrays });
        }
    }
    Ok(tracks)
}

/// Row vectors as one direction's state.
pub(super) fn state(h: ArrayView2<'_, f32>, c: ArrayView2<'_, f32>) -> State {
    State { cells: vec![CellState { h: h.to_owned(), c: c.to_owned() }] }
}

impl Track {
    /// All steps of `x [N, B, I]`, from the states `initial [B, …]`.
    pub(super) fn forward(&self, window: &Window, x: Array3<f32>, initial: &CellState) -> Result<Passed, Error> {
        let (steps, rows) = (window.len(), window.steps.len());
        let mut h = Array3::zeros((steps + 1, rows, initial.h.ncols()));
        let mut c = Array3::zeros((steps + 1, rows, initial.c.ncols()));
        for row in 0..rows {
            h.slice_mut(s![window.start(row), row, ..]).assign(&initial.h.row(row));
            c.slice_mut(s![window.start(row), row, ..]).assign(&initial.c.row(row));
        }
        for place in 0..steps {
            let rows = window.active(place);
            let before = state(h.slice(s![place, ..rows, ..]), c.slice(s![place, ..rows, ..]));
            let (_, after) = self.network.step(x.slice(s![place, ..rows, ..]), &before)?;
            h.slice_mut(s![place + 1, ..rows, ..]).assign(&after.cells[0].h);
            c.slice_mut(s![place + 1, ..rows, ..]).assign(&after.cells[0].c);
        }
        Ok(Passed { x, h, c })
    }

    /// The way back: `d_outputs [N, B, P]` by what each step sends on, `d_final [B, P]` by the last state beside it.
    ///
    /// A sequence cut into windows of one step is the whole, bit for bit: the gradient by the state that is carried
    /// into a window is what the state before it passes on.
    pub(super) fn backward(
        &self,
        window: &Window,
        passed: &Passed,
        d_outputs: &Array3<f32>,
        d_final: &Array2<f32>,
    ) -> Result<Back, Error> {
        let (steps, rows) = (window.len(), window.steps.len());
        let mut d = state(d_final.view(), Array2::zeros((rows, passed.c.dim().2)).view());
        let mut back = Back {
            inputs: Array3::zeros(passed.x.dim()),
            h: Array2::zeros((steps, rows)),
            c: Array2::zeros((steps, rows)),
        };
        for place in (0..steps).rev() {
            let rows = window.active(place);
            if d.cells[0].h.nrows() > rows {
                d = state(d.cells[0].h.slice(s![..rows, ..]), d.cells[0].c.slice(s![..rows, ..]));
            }
            d.cells[0].h += &d_outputs.slice(s![place, ..rows, ..]);
            for row in 0..rows {
                back.h[[place, row]] = norm(d.cells[0].h.row(row).iter().copied());
                back.c[[place, row]] = norm(d.cells[0].c.row(row).iter().copied());
            }
            let before = state(passed.h.slice(s![place, ..rows, ..]), passed.c.slice(s![place, ..rows, ..]));
            let x = passed.x.slice(s![place, ..rows, ..]).insert_axis(Axis(1));
            let step = self.network.dynamic_rnn(x).carried_state(&before).unroll()?;
            let gradients = step.backward(None, Some(&d))?;
            back.inputs.slice_mut(s![place, ..rows, ..]).assign(&gradients.inputs.index_axis(Axis(1), 0));
            // Carried states were given, so their gradient is there.
            d = gradients.carried_state.unwrap_or(gradients.initial_state);
        }
        Ok(back)
    }
}

/// ‖x‖
pub(super) fn norm(x: impl Iterator<Item = f32>) -> f64 {
    x.map(|x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
}
