//! Streams: a network stepped one input at a time.
//!
//! N rows, I input, O output, P state of a cell, M its memory.

use std::sync::Arc;

use elman_kernels::unroll::{Initial, Lengths};
use elman_kernels::{Engine, Isa, Pass, Unroll};

use crate::network::inputs::not_finite;
use crate::network::layer::{Layer, Stack};
use crate::network::network::Network;
use crate::network::passage::{Passage, View};
use crate::network::state::{CellState, State};
use crate::network::window::Window;
use crate::{Error, isa};

impl Network {
    /// A stream of its outputs: one row, one step a call, nothing allocated. It keeps the network for as long as it lasts.
    ///
    /// # Errors
    /// If a layer reads its rows from their ends: its outputs are known only after the last step. If one reads windows of
    /// steps: [`State`] has no place for what they read. A model's stream keeps that: [`Model::stream`](crate::Model::stream).
    pub fn stream(self: &Arc<Self>) -> Result<NetworkStream, Error> {
        self.streams(1)
    }

    /// Several streams side by side, one step of each a call, nothing allocated: faster than each by itself, with the same
    /// bits.
    ///
    /// # Errors
    /// If there are no rows, or as [`Network::stream`].
    pub fn streams(self: &Arc<Self>, rows: usize) -> Result<NetworkStream, Error> {
        self.streams_on(rows, isa::active())
    }

    /// The same on another instruction set.
    ///
    /// # Errors
    /// As [`Network::streams`].
    pub fn streams_on(self: &Arc<Self>, rows: usize, isa: Isa) -> Result<NetworkStream, Error> {
        if !self.stack().is_bidirectional() {
            let why = "the state of a network has no place for the steps that it has read; the stream of a model has, \
                       where windows are causal, or use dynamic_rnn";
            self.stack().check_forward("the stream of a network", why)?;
        }
        Ok(NetworkStream { steps: Steps::new(self.stack(), rows, isa, "dynamic_rnn")?, network: self.clone() })
    }
}

/// One row or several side by side, stepped one input of each at a time, for as long as they last. Every row gives bit
/// for bit what its whole sequence gives, and what it gives alone. A clone goes on from the same state by itself.
///
/// The stream of a model answers too: [`Stream`](crate::Stream).
#[derive(Clone, Debug)]
pub struct NetworkStream {
    network: Arc<Network>,
    steps: Steps,
}

impl NetworkStream {
    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// N
    pub fn rows(&self) -> usize {
        self.steps.rows()
    }

    /// One step of every row: `xs [N, I]` in, the outputs of the last layer [N, O] out. Allocates nothing, and does not
    /// look at the numbers: NaN stays in the state for good, and an infinite number may pass for a large one. Where they
    /// come from outside, take [`NetworkStream::try_step`].
    ///
    /// # Panics
    /// If `xs` does not have N × I floats, or has a token that the embedding does not have.
    pub fn step(&mut self, xs: &[f32]) -> &[f32] {
        self.steps.step(self.network.view(), xs);
        self.steps.outputs()
    }

    /// The same for steps that come from outside. What is refused leaves the stream as it was: the next step goes on from
    /// the same state.
    ///
    /// Finite inputs leave a finite state, unless a weight or an activation without bound takes it out of the numbers:
    /// [`NetworkStream::is_finite`] tells.
    ///
    /// # Errors
    /// [`Error::Shape`] if `xs` does not have N × I floats, [`Error::NotFinite`] if one of them is NaN or infinite, with
    /// its row, its step since the state was zero, and its feature; [`Error::Token`] if one is a token that the embedding
    /// does not have.
    pub fn try_step(&mut self, xs: &[f32]) -> Result<&[f32], Error> {
        self.steps.check(self.network.stack(), xs)?;
        Ok(self.step(xs))
    }

    /// Whether the state of a row is finite. Once it is not, it stays so until [`NetworkStream::reset`] or
    /// [`NetworkStream::set_state`].
    ///
    /// # Panics
    /// If there is no such row.
    pub fn is_finite(&self, row: usize) -> bool {
        self.steps.is_finite(row)
    }

    /// h `[P]` of the last layer, of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn h(&self, row: usize) -> &[f32] {
        self.steps.h(row)
    }

    /// The state of all rows: to be saved.
    pub fn state(&self) -> State {
        self.steps.state(self.network.stack())
    }

    /// Of each layer of a row, h `[P]` and c `[M]`, in place.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn states(&self, row: usize) -> impl Iterator<Item = &[f32]> {
        self.steps.states(row)
    }

    /// Writes the same in place, finite or not: `write` gets h of the first layer, then its c, and so on.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn write_states(&mut self, row: usize, write: impl FnMut(&mut [f32])) {
        assert!(row < self.rows(), "row {row} of {}", self.rows());
        self.steps.write_states(row, write);
    }

    /// Goes on from another state, of N rows.
    ///
    /// # Errors
    /// If it is not of this network, of another number of rows, or not finite.
    pub fn set_state(&mut self, state: &State) -> Result<(), Error> {
        self.steps.set_state(self.network.stack(), state)
    }

    /// Back to a state of zeros.
    pub fn reset(&mut self) {
        (0..self.rows()).for_each(|row| self.steps.reset(row));
    }
}

/// What a layer that reads windows keeps of the steps below: those before the one at hand, as far as a window reaches.
#[derive(Clone, Debug)]
struct Past {
    window: Window,
    /// I
    width: usize,
    /// What stands in front of a row's first step.
    beyond: f32,
    /// [N, reach − 1, I], the latest step last; zeros where there was none.
    steps: Vec<f32>,
}

impl Past {
    fn new(layer: &Layer, window: Window, rows: usize) -> Self {
        let width = layer.input();
        let steps = vec![0.0; rows * (window.reach() - 1) * width];
        Past { window, width, beyond: layer.beyond(), steps }
    }

    /// Floats of a row.
    fn len(&self) -> usize {
        (self.window.reach() - 1) * self.width
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.steps[row * self.len()..][..self.len()]
    }

    fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let len = self.len();
        &mut self.steps[row * len..][..len]
    }

    /// Writes the window [K I] that ends with the step `x [I]` of a row that has had `count` steps, and keeps the step.
    #[inline]
    fn read(&mut self, row: usize, x: &[f32], count: u64, to: &mut [f32]) {
        let Past { window, width, beyond, .. } = *self;
        let (size, kept) = (window.size, window.reach() - 1);
        let own = self.row_mut(row);
        for (k, to) in to.chunks_exact_mut(width).enumerate() {
            let ago = (size - 1 - k) * window.dilation;
            match ago {
                0 => to.copy_from_slice(x),
                _ if ago as u64 > count => to.fill(beyond),
                _ => to.copy_from_slice(&own[(kept - ago) * width..][..width]),
            }
        }
        if kept > 0 {
            own.copy_within(width.., 0);
            own[(kept - 1) * width..].copy_from_slice(x);
        }
    }
}

/// The states of N rows and the buffers of a step, of the network that is handed in: each time the same.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    /// N, the rows of every step.
    active: [usize; 1],
    cells: Vec<Unroll>,
    /// Of each layer that reads windows of steps.
    pasts: Vec<Option<Past>>,
    /// `[I]`: a step that the first layer reads in windows.
    line: Vec<f32>,
    /// [N, O] of the layer that was last; as wide as the widest.
    outputs: Vec<f32>,
    /// O of the last layer.
    width: usize,
    isa: Isa,
    /// The network is the same for as long as there are steps.
    lifetime: Pass,
    /// Steps that were taken.
    taken: u64,
    /// `[N]`: `taken` when the state of the row was zero.
    since: Vec<u64>,
}

impl Passage for Steps {
    fn tracks(&mut self, _: usize) -> (&mut [Unroll], Lengths<'_>) {
        (&mut self.cells, Lengths::whole(self.active[0], &self.active, Initial::Given))
    }

    fn hand_on(&mut self, network: View<'_>, layer: usize) {
        self.send(network.stack, layer);
        let (rows, width) = (self.rows(), network.stack.layers[layer].output());
        let next = &mut self.cells[layer + 1];
        for row in 0..rows {
            let (x, to) = (&self.outputs[row * width..][..width], next.input_mut(0, rows, row));
            match &mut self.pasts[layer + 1] {
                None => to.copy_from_slice(x),
                Some(past) => past.read(row, x, self.taken.wrapping_sub(self.since[row]), to),
            }
        }
    }
}

impl Steps {
    /// Room for `rows` rows, which start from zero.
    ///
    /// # Errors
    /// If there are no rows, or a layer reads its rows from their ends, or windows that are not causal: then `instead` is to be
    /// used.
    pub(crate) fn new(stack: &Stack, rows: usize, isa: Isa, instead: &str) -> Result<Self, Error> {
        let why = format!("its outputs are known only after the last step; use {instead}");
        stack.check_steps("a stream", &why)?;
        if rows == 0 {
            return Err(Error::setting("rows", rows, "at least 1 stream"));
        }
        let cells = stack.layers.iter().map(|layer| Unroll::new(layer.cell.get(), 1, rows)).collect();
        let widest = stack.layers.iter().map(|layer| layer.output()).max().unwrap_or(0);
        let (outputs, since) = (vec![0.0; rows * widest], vec![0; rows]);
        let past = |layer: &Layer| layer.window.map(|window| Past::new(layer, window, rows));
        let pasts = stack.layers.iter().map(past).collect();
        let line = vec![0.0; stack.layers.first().map_or(0, Layer::input)];
        Ok(Steps {
            active: [rows],
            cells,
            pasts,
            line,
            outputs,
            width: stack.output(),
            isa,
            lifetime: Pass::new(),
            taken: 0,
            since,
        })
    }

    /// N
    pub(crate) fn rows(&self) -> usize {
        self.active[0]
    }

    /// What the products of the network are computed with, those of a head on it too.
    pub(crate) fn engine(&self, stack: &Stack) -> Engine<'static> {
        stack.engine(self.isa, self.lifetime, None)
    }

    /// One step of every row, `xs [N, I]`.
    ///
    /// # Panics
    /// If `xs` does not have N × I floats, or has a token that the embedding does not have.
    pub(crate) fn step(&mut self, network: View<'_>, xs: &[f32]) {
        let (rows, input) = (self.rows(), network.stack.input());
        assert_eq!(xs.len(), rows * input, "xs must be [N, I] = [{rows}, {input}]");
        for row in 0..rows {
            let x = &xs[row * input..][..input];
            let to = self.cells[0].input_mut(0, rows, row);
            match &mut self.pasts[0] {
                None => network.read(|step| step.copy_from_slice(x), to),
                Some(past) => {
                    network.read(|step| step.copy_from_slice(x), &mut self.line);
                    past.read(row, &self.line, self.taken.wrapping_sub(self.since[row]), to);
                }
            }
        }
        self.pass(self.engine(network.stack), network);
        self.send(network.stack, network.stack.layers.len() - 1);
        self.cells.iter_mut().for_each(Unroll::carry);
        self.taken = self.taken.wrapping_add(1);
    }

    /// What a layer sends on becomes the outputs [N, O].
    #[inline]
    fn send(&mut self, stack: &Stack, layer: usize) {
        let (rows, unroll, layer) = (self.rows(), &self.cells[layer], &stack.layers[layer]);
        let width = layer.output();
        for row in 0..rows {
            let output = &mut self.outputs[row * width..][..width];
            layer.send(unroll.state(1, rows, row), None, || unroll.input(0, rows, row), output);
        }
    }

    /// The outputs of the last layer [N, O], of the last step.
    pub(crate) fn outputs(&self) -> &[f32] {
        &self.outputs[..self.rows() * self.width]
    }

    /// The same, of a row `[O]`.
    pub(crate) fn outputs_of(&self, row: usize) -> &[f32] {
        &self.outputs[row * self.width..][..self.width]
    }

    /// The same, to be written.
    pub(crate) fn outputs_of_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.outputs[row * self.width..][..self.width]
    }

    /// Refuses inputs `[N, I]` of a step that are not of this stack.
    ///
    /// # Errors
    /// As [`NetworkStream::try_step`].
    pub(crate) fn check(&self, stack: &Stack, xs: &[f32]) -> Result<(), Error> {
        let (rows, input) = (self.rows(), stack.input());
        if xs.len() != rows * input {
            return Err(Error::shape("the inputs of a step", &[xs.len()], &[rows * input]));
        }
        let step = |row: usize| usize::try_from(self.count(row)).unwrap_or(usize::MAX);
        match stack.embedding {
            Some(of) => {
                if let Some(row) = xs.iter().position(|&x| !of.holds(x)) {
                    return Err(Error::Token { row, step: step(row), found: xs[row], tokens: of.tokens });
                }
            }
            None => {
                if let Some((at, found)) = not_finite(xs) {
                    return Err(Error::input(at / input, step(at / input), at % input, found));
                }
            }
        }
        Ok(())
    }

    /// Whether the state of a row is finite.
    ///
    /// # Panics
    /// If there is no such row.
    pub(crate) fn is_finite(&self, row: usize) -> bool {
        assert!(row < self.rows(), "row {row} of {}", self.rows());
        let finite = |floats: &[f32]| not_finite(floats).is_none();
        self.states(row).all(finite)
    }

    /// h `[P]` of the last layer, of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub(crate) fn h(&self, row: usize) -> &[f32] {
        self.cells[self.cells.len() - 1].state(0, self.rows(), row)
    }

    /// What a layer read in the last step, of a row `[I]`.
    pub(crate) fn input_of(&self, layer: usize, row: usize) -> &[f32] {
        self.cells[layer].input(0, self.rows(), row)
    }

    /// Steps of a row since its state was zero.
    pub(crate) fn count(&self, row: usize) -> u64 {
        self.taken.wrapping_sub(self.since[row])
    }

    /// The same, to be set.
    pub(crate) fn set_count(&mut self, row: usize, count: u64) {
        self.since[row] = self.taken.wrapping_sub(count);
    }

    /// Of each layer of a row, h `[P]` and c `[M]`; then what those that read windows keep.
    pub(crate) fn states(&self, row: usize) -> impl Iterator<Item = &[f32]> {
        let rows = self.rows();
        let cells = self.cells.iter().flat_map(move |cell| [cell.state(0, rows, row), cell.memory(0, rows, row)]);
        cells.chain(self.pasts.iter().flatten().map(move |past| past.row(row)))
    }

    /// Writes the same, one after the other: `write` gets h of the first layer, then its c, and so on; then what those that read
    /// windows keep.
    pub(crate) fn write_states(&mut self, row: usize, mut write: impl FnMut(&mut [f32])) {
        for cell in &mut self.cells {
            write(cell.initial_state_mut(row));
            write(cell.initial_memory_mut(row));
        }
        self.pasts.iter_mut().flatten().for_each(|past| write(past.row_mut(row)));
    }

    /// The state of all rows.
    pub(crate) fn state(&self, stack: &Stack) -> State {
        let mut state = State::zeros(stack, self.rows());
        for row in 0..self.rows() {
            let arrays = state.cells.iter_mut().flat_map(|cell| [&mut cell.h, &mut cell.c]);
            for (array, from) in arrays.zip(self.states(row)) {
                array.row_mut(row).iter_mut().zip(from).for_each(|(to, &from)| *to = from);
            }
        }
        state
    }

    /// Goes on from another state, of N rows.
    ///
    /// # Errors
    /// If it is not of this stack, of another number of rows, or not finite.
    pub(crate) fn set_state(&mut self, stack: &Stack, state: &State) -> Result<(), Error> {
        state.check("the state", stack, self.rows())?;
        let arrays = || state.cells.iter().flat_map(|CellState { h, c }| [h, c]);
        if let Some(&found) = arrays().flat_map(|array| array.iter()).find(|x| !x.is_finite()) {
            return Err(Error::NotFinite { what: "a number of the state".into(), found: f64::from(found) });
        }
        for row in 0..self.rows() {
            let mut arrays = arrays();
            self.write_states(row, |to| {
                let Some(array) = arrays.next() else { return };
                to.iter_mut().zip(array.row(row)).for_each(|(to, &from)| *to = from);
            });
        }
        Ok(())
    }

    /// Back to a state of zeros.
    pub(crate) fn reset(&mut self, row: usize) {
        self.set_count(row, 0);
        self.write_states(row, |to| to.fill(0.0));
        self.outputs_of_mut(row).fill(0.0);
    }
}
