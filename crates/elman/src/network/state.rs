//! The states of a network: h, and for some cells c, of every layer and direction.
//!
//! B rows, P output, M memory.

use ndarray::{Array2, ArrayView2, Axis};

use crate::Error;
use crate::network::layer::Stack;

/// The state of one direction of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct CellState {
    /// h [B, P]
    pub h: Array2<f32>,
    /// c [B, M]; M is 0 for a cell whose state is its output.
    pub c: Array2<f32>,
}

/// The state of a network: that of each layer, from the input on, the forward direction before the other.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// One for each direction of each layer.
    pub cells: Vec<CellState>,
}

impl State {
    /// Zero for `rows` rows.
    pub(crate) fn zeros(stack: &Stack, rows: usize) -> Self {
        let layers = stack.layers.iter().flat_map(|layer| std::iter::repeat_n(layer, layer.directions()));
        let cells = layers.map(|layer| {
            let cell = layer.cell.get();
            CellState { h: Array2::zeros((rows, cell.output())), c: Array2::zeros((rows, cell.memory())) }
        });
        State { cells: cells.collect() }
    }

    /// A state of one Elman or GRU layer from its h [B, P].
    pub fn from_h(h: ArrayView2<'_, f32>) -> Self {
        State { cells: vec![CellState { h: h.to_owned(), c: Array2::zeros((h.nrows(), 0)) }] }
    }

    /// A state of one LSTM layer from its h [B, P] and c [B, M].
    pub fn from_h_and_c(h: ArrayView2<'_, f32>, c: ArrayView2<'_, f32>) -> Self {
        State { cells: vec![CellState { h: h.to_owned(), c: c.to_owned() }] }
    }

    /// h [B, P] of the last cell: of the last layer, and of its backward direction if it has one.
    ///
    /// # Panics
    /// If the state has no cells.
    pub fn h(&self) -> ArrayView2<'_, f32> {
        self.cells[self.cells.len() - 1].h.view()
    }

    /// The rows of a state, in another order or some of them: a row may be taken more than once.
    pub fn select(&self, rows: &[usize]) -> Self {
        let take = |array: &Array2<f32>| array.select(Axis(0), rows);
        State { cells: self.cells.iter().map(|cell| CellState { h: take(&cell.h), c: take(&cell.c) }).collect() }
    }

    /// Refuses a state that is not of this network and number of rows.
    pub(crate) fn check(&self, what: &str, stack: &Stack, rows: usize) -> Result<(), Error> {
        let expected = State::zeros(stack, rows);
        if self.cells.len() != expected.cells.len() {
            return Err(Error::shape(format!("{what}, its cells,"), &[self.cells.len()], &[expected.cells.len()]));
        }
        for (index, (found, expected)) in self.cells.iter().zip(&expected.cells).enumerate() {
            for (name, found, expected) in [("h", &found.h, &expected.h), ("c", &found.c, &expected.c)] {
                if found.dim() != expected.dim() {
                    let what = format!("{name} of cell {index} of {what}");
                    return Err(Error::shape(what, found.shape(), expected.shape()));
                }
            }
        }
        Ok(())
    }
}
