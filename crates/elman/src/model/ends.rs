//! The states that windows of streams end in.

use crate::Error;
use crate::network::layer::Stack;
use crate::network::state::State;

/// The states that some streams were left in by a window: where the next window goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    /// Whether the window started from zero: streams that are not among the rows are then at zero.
    pub fresh: bool,
    /// All streams there are; 0 where rows are no streams.
    pub streams: usize,
    /// The streams, from 0.
    pub rows: Vec<usize>,
    /// Of each of them: h and then c of each direction of each layer.
    pub states: Vec<f32>,
}

impl Ends {
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.states.clear();
    }

    /// Takes up those of other streams too.
    pub(crate) fn extend(&mut self, other: &Ends) {
        self.rows.extend(&other.rows);
        self.states.extend(&other.states);
    }

    /// Puts the states in their rows.
    pub(crate) fn restore(&self, state: &mut State) {
        let mut from = self.states.iter().copied();
        for &row in &self.rows {
            for cell in &mut state.cells {
                for array in [&mut cell.h, &mut cell.c] {
                    array.row_mut(row).iter_mut().zip(&mut from).for_each(|(to, from)| *to = from);
                }
            }
        }
    }

    /// Refuses streams that are not there, and states of another size than the network's.
    pub(crate) fn check(&self, stack: &Stack) -> Result<(), Error> {
        let width: usize = State::zeros(stack, 1).cells.iter().map(|cell| cell.h.len() + cell.c.len()).sum();
        if self.states.len() != self.rows.len() * width {
            return Err(Error::shape("the states of streams", &[self.states.len()], &[self.rows.len(), width]));
        }
        if let Some(row) = self.rows.iter().find(|&&row| row >= self.streams) {
            return Err(Error::setting("a stream", row, format!("below {}, the streams there are", self.streams)));
        }
        Ok(())
    }
}
