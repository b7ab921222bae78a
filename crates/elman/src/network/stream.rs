//! Streams: a network stepped one input at a time.
//!
//! N rows, I input, O output, P state of a cell, M its memory.

use elman_kernels::unroll::{Initial, Lengths};
use elman_kernels::{Isa, Unroll};
use ndarray::Array2;

use crate::Error;
use crate::network::state::{CellState, State};
use crate::network::tile::View;

/// One row, stepped one input at a time, for as long as it lasts. Gives bit for bit what the whole sequence gives. A
/// clone goes on from the same state by itself.
#[derive(Clone, Debug)]
pub struct Stream<'a>(Streams<'a>);

impl<'a> Stream<'a> {
    pub(crate) fn new(network: View<'a>, isa: Isa) -> Self {
        Stream(Streams::new(network, 1, isa))
    }

    /// One step: `x [I]` in, the outputs of the last layer `[O]` out. Allocates nothing, and does not look at the numbers:
    /// see [`Stream::try_step`].
    ///
    /// # Panics
    /// If `x` does not have I floats, or is a token that the embedding does not have.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        self.0.step(x)
    }

    /// The same for a step that comes from outside, from a client of a server: what is no number would stay in the state
    /// for good, and is refused.
    ///
    /// # Errors
    /// As [`Streams::try_step`].
    pub fn try_step(&mut self, x: &[f32]) -> Result<&[f32], Error> {
        self.0.try_step(x)
    }

    /// Refuses what [`Stream::try_step`] does.
    pub(crate) fn check_step(&self, x: &[f32]) -> Result<(), Error> {
        self.0.check_step(x)
    }

    /// Whether the state is finite: see [`Streams::is_finite`].
    pub fn is_finite(&self) -> bool {
        self.0.is_finite(0)
    }

    /// h `[P]` of the last layer.
    pub fn h(&self) -> &[f32] {
        let cells = &self.0.cells;
        cells[cells.len() - 1].state(0, 1, 0)
    }

    /// The state, for one row: to be saved.
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// Goes on from another state, of one row.
    ///
    /// # Errors
    /// If it is not of this network, or not finite.
    pub fn set_state(&mut self, state: &State) -> Result<(), Error> {
        self.0.set_state(state)
    }

    /// Back to a state of zeros.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Several rows side by side, stepped one input of each at a time. Every row gives bit for bit what it gives alone: a
/// [`Stream`] is one of them.
#[derive(Clone, Debug)]
pub struct Streams<'a> {
    network: View<'a>,
    rows: usize,
    cells: Vec<Unroll>,
    /// [N, O] of the layer that was last.
    outputs: Vec<f32>,
    isa: Isa,
    /// Steps since the state was zero: an error's.
    steps: u64,
}

impl<'a> Streams<'a> {
    pub(crate) fn new(network: View<'a>, rows: usize, isa: Isa) -> Self {
        let layers = &network.stack.layers;
        let cells = layers.iter().map(|layer| Unroll::new(layer.cell.get(), 1, rows)).collect();
        let widest = layers.iter().map(|layer| layer.output()).max().unwrap_or(0);
        Streams { network, rows, cells, outputs: vec![0.0; rows * widest], isa, steps: 0 }
    }

    /// N
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// One step of every row: `xs [N, I]` in, the outputs of the last layer [N, O] out. Allocates nothing, and does not
    /// look at the numbers: NaN stays in the state for good, and an infinite number may pass for a large one. Where they
    /// come from outside, take [`Streams::try_step`].
    ///
    /// # Panics
    /// If `xs` does not have N × I floats, or has a token that the embedding does not have.
    pub fn step(&mut self, xs: &[f32]) -> &[f32] {
        let View { stack, plan, parameters } = self.network;
        let (rows, input) = (self.rows, stack.input());
        assert_eq!(xs.len(), rows * input, "xs must be [N, I] = [{rows}, {input}]");
        for (row, x) in xs.chunks_exact(input).enumerate() {
            let first = self.cells[0].input_mut(0, rows, row);
            match stack.embedding {
                None => first.copy_from_slice(x),
                Some(of) => {
                    assert!(of.holds(x[0]), "token {} of {}", x[0], of.tokens);
                    let token = x[0] as usize;
                    let vectors = &parameters[plan.embedding.clone()];
                    first.copy_from_slice(&vectors[token * of.size..][..of.size]);
                }
            }
        }
        for (index, layer) in stack.layers.iter().enumerate() {
            let (below, above) = self.cells.split_at_mut(index + 1);
            let (unroll, weights) = (&mut below[index], plan.tracks[index].weights.clone());
            let active = [rows];
            let lengths = Lengths::whole(rows, &active, Initial::Given);
            unroll.forward(layer.cell.get(), self.isa, &parameters[weights], lengths);
            for (row, output) in self.outputs.chunks_exact_mut(layer.output()).take(rows).enumerate() {
                output.copy_from_slice(unroll.state(1, rows, row));
                if layer.residual {
                    output.iter_mut().zip(unroll.input(0, rows, row)).for_each(|(out, x)| *out += x);
                }
                if let Some(next) = above.first_mut() {
                    next.input_mut(0, rows, row).copy_from_slice(output);
                }
            }
            unroll.carry();
        }
        self.steps += 1;
        &self.outputs[..rows * stack.output()]
    }

    /// The same for steps that come from outside. What is refused leaves the streams as they were: the next step goes on
    /// from the same state.
    ///
    /// Finite inputs leave a finite state, unless a weight or an activation without bound takes it out of the numbers:
    /// [`Streams::is_finite`] tells.
    ///
    /// # Errors
    /// [`Error::Shape`] if `xs` does not have N × I floats, [`Error::NotFinite`] if one of them is NaN or infinite, with
    /// its row, its step since the state was zero, and its feature; [`Error::Token`] if one is a token that the embedding
    /// does not have.
    pub fn try_step(&mut self, xs: &[f32]) -> Result<&[f32], Error> {
        self.check_step(xs)?;
        Ok(self.step(xs))
    }

    pub(crate) fn check_step(&self, xs: &[f32]) -> Result<(), Error> {
        let (rows, input) = (self.rows, self.network.stack.input());
        if xs.len() != rows * input {
            return Err(Error::shape("the inputs of a step", &[xs.len()], &[rows * input]));
        }
        let step = usize::try_from(self.steps).unwrap_or(usize::MAX);
        match self.network.stack.embedding {
            Some(of) => {
                if let Some(row) = xs.iter().position(|&x| !of.holds(x)) {
                    return Err(Error::Token { row, step, found: xs[row], tokens: of.tokens });
                }
            }
            None => {
                if let Some((at, found)) = not_finite(xs) {
                    return Err(Error::input(at / input, step, at % input, found));
                }
            }
        }
        Ok(())
    }

    /// Whether the state of a row is finite. Once it is not, it stays so until [`Streams::reset`] or
    /// [`Streams::set_state`].
    ///
    /// # Panics
    /// If there is no such row.
    pub fn is_finite(&self, row: usize) -> bool {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        let finite = |floats: &[f32]| not_finite(floats).is_none();
        self.cells.iter().all(|cell| finite(cell.state(0, self.rows, row)) && finite(cell.memory(0, self.rows, row)))
    }

    /// The state of all rows: to be saved.
    pub fn state(&self) -> State {
        let mut state = State::zeros(self.network.stack, self.rows);
        for (cell, unroll) in state.cells.iter_mut().zip(&self.cells) {
            for row in 0..self.rows {
                let (h, c) = (unroll.state(0, self.rows, row), unroll.memory(0, self.rows, row));
                cell.h.row_mut(row).iter_mut().zip(h).for_each(|(to, &from)| *to = from);
                cell.c.row_mut(row).iter_mut().zip(c).for_each(|(to, &from)| *to = from);
            }
        }
        state
    }

    /// Goes on from another state, of N rows.
    ///
    /// # Errors
    /// If it is not of this network, of another number of rows, or not finite.
    pub fn set_state(&mut self, state: &State) -> Result<(), Error> {
        state.check("the state", self.network.stack, self.rows)?;
        let mut floats = state.cells.iter().flat_map(|cell| cell.h.iter().chain(&cell.c));
        if let Some(&found) = floats.find(|x| !x.is_finite()) {
            return Err(Error::NotFinite { what: "a number of the state".into(), found: f64::from(found) });
        }
        let set = |to: &mut [f32], from: &Array2<f32>, row: usize| {
            to.iter_mut().zip(from.row(row)).for_each(|(to, &from)| *to = from);
        };
        for (unroll, CellState { h, c }) in self.cells.iter_mut().zip(&state.cells) {
            for row in 0..self.rows {
                set(unroll.initial_state_mut(row), h, row);
                set(unroll.initial_memory_mut(row), c, row);
            }
        }
        Ok(())
    }

    /// Back to a state of zeros.
    pub fn reset(&mut self) {
        self.steps = 0;
        for unroll in &mut self.cells {
            for row in 0..self.rows {
                unroll.initial_state_mut(row).fill(0.0);
                unroll.initial_memory_mut(row).fill(0.0);
            }
        }
    }
}

/// The first that is NaN or infinite, and where it stands. Times 0 each of them is NaN, and so is their sum: the usual
/// case is one sum without a branch.
pub(crate) fn not_finite(floats: &[f32]) -> Option<(usize, f32)> {
    let (chunks, rest) = floats.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x * 0.0);
    }
    let sum: f32 = rest.iter().map(|x| x * 0.0).chain(sums).sum();
    if sum == 0.0 {
        return None;
    }
    floats.iter().position(|x| !x.is_finite()).map(|at| (at, floats[at]))
}
