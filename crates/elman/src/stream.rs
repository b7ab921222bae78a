//! Streams: a network stepped one input at a time.
//!
//! I input, O output.

use elman_kernels::unroll::{Initial, Lengths};
use elman_kernels::{Isa, Unroll};
use ndarray::Array2;

use crate::Error;
use crate::network::Network;
use crate::state::{CellState, State};

/// One row, stepped one input at a time, for as long as it lasts. Gives bit for bit what the whole sequence gives. A
/// clone goes on from the same state by itself.
#[derive(Clone, Debug)]
pub struct Stream<'a> {
    network: &'a Network,
    cells: Vec<Unroll>,
    output: Vec<f32>,
    isa: Isa,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(network: &'a Network, isa: Isa) -> Self {
        let stack = network.stack();
        let cells = stack.layers.iter().map(|layer| Unroll::new(layer.cell.get(), 1, 1)).collect();
        let widest = stack.layers.iter().map(|layer| layer.output()).max().unwrap_or(0);
        Stream { network, cells, output: vec![0.0; widest], isa }
    }

    /// One step: `x [I]` in, the outputs of the last layer `[O]` out. Allocates nothing.
    ///
    /// # Panics
    /// If `x` does not have I floats, or is a token that the embedding does not have.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        let (stack, plan) = (self.network.stack(), &self.network.plan);
        assert_eq!(x.len(), stack.input(), "x must be [I] = [{}]", stack.input());
        let first = self.cells[0].input_mut(0, 1, 0);
        match stack.embedding {
            None => first.copy_from_slice(x),
            Some(of) => {
                let token = x[0] as usize;
                assert!(token < of.tokens && token as f32 == x[0], "token {} of {}", x[0], of.tokens);
                let vectors = &self.network.parameters[plan.embedding.clone()];
                first.copy_from_slice(&vectors[token * of.size..][..of.size]);
            }
        }
        for (index, layer) in stack.layers.iter().enumerate() {
            let (unroll, weights) = (&mut self.cells[index], plan.tracks[index].weights.clone());
            let lengths = Lengths::whole(1, &[1], Initial::Given);
            unroll.forward(layer.cell.get(), self.isa, &self.network.parameters[weights], lengths);
            let output = &mut self.output[..layer.output()];
            output.copy_from_slice(unroll.state(1, 1, 0));
            if layer.residual {
                output.iter_mut().zip(unroll.input(0, 1, 0)).for_each(|(out, x)| *out += x);
            }
            unroll.carry();
            if let Some(next) = self.cells.get_mut(index + 1) {
                next.input_mut(0, 1, 0).copy_from_slice(&self.output[..layer.output()]);
            }
        }
        &self.output[..stack.output()]
    }

    /// h `[P]` of the last layer.
    pub fn h(&self) -> &[f32] {
        self.cells[self.cells.len() - 1].state(0, 1, 0)
    }

    /// The state, for one row: to be saved.
    pub fn state(&self) -> State {
        let row = |values: &[f32]| Array2::from_shape_fn((1, values.len()), |(_, unit)| values[unit]);
        let cells =
            self.cells.iter().map(|cell| CellState { h: row(cell.state(0, 1, 0)), c: row(cell.memory(0, 1, 0)) });
        State { cells: cells.collect() }
    }

    /// Goes on from another state, of one row.
    ///
    /// # Errors
    /// If it is not of this network.
    pub fn set_state(&mut self, state: &State) -> Result<(), Error> {
        state.check("the state", self.network.stack(), 1)?;
        for (unroll, cell) in self.cells.iter_mut().zip(&state.cells) {
            unroll.initial_state_mut(0).iter_mut().zip(&cell.h).for_each(|(to, &from)| *to = from);
            unroll.initial_memory_mut(0).iter_mut().zip(&cell.c).for_each(|(to, &from)| *to = from);
        }
        Ok(())
    }

    /// Back to a state of zeros.
    pub fn reset(&mut self) {
        for unroll in &mut self.cells {
            unroll.initial_state_mut(0).fill(0.0);
            unroll.initial_memory_mut(0).fill(0.0);
        }
    }
}
