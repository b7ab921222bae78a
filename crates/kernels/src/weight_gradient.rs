//! The gradient of weights, summed over several steps in one product.
//!
//! R rows of a tile, I input, P state.

use crate::cell::Steps;
use crate::engine::Engine;
use crate::layout::Block;
use crate::panels::panels;
use crate::product::{Accumulate, Mode, Segment};
use crate::simd::{LANES, Left, Right};

/// What is multiplied with a section of the tape to give the gradient of some weights.
#[derive(Clone, Copy)]
pub(crate) enum Factor {
    /// Columns of the joint rows.
    Joint,
    /// Columns of the tape.
    Tape,
}

impl Steps<'_> {
    /// Adds Σ leftᵀ right over the rows and steps to rows `first_row..` of `into`, panels `[panel][depth][16]`.
    /// `left` are `count` columns from `column` on, of the steps from `from` on; `right` the `columns` of the tape
    /// from `section` on.
    #[expect(clippy::too_many_arguments, reason = "a product: every size by its name")]
    pub(crate) fn add_products(
        &self,
        engine: Engine<'_>,
        from: usize,
        factor: Factor,
        column: usize,
        count: usize,
        section: usize,
        panels: usize,
        into: &mut [f32],
        depth: usize,
        first_row: usize,
    ) {
        let left = match factor {
            Factor::Joint => self.joint,
            Factor::Tape => self.tape,
        };
        let from = from.min(self.active.len());
        let skipped = self.active[..from].iter().sum();
        // One product over the steps that all rows run, then one for each step with fewer.
        let whole = self.active[from..].iter().take_while(|&&active| active == self.rows).count();
        let first = std::iter::once((from, whole * self.rows));
        let runs = first.chain((from + whole..self.active.len()).map(|t| (t, self.active[t])));
        let segments = runs.filter(|&(_, depth)| depth > 0).map(|(t, depth)| Segment {
            left: Left { data: &left.data[t * self.rows * left.stride + column..], row: 1, col: left.stride },
            right: Right {
                data: &self.tape.data[t * self.rows * self.tape.stride + section..],
                row: self.tape.stride,
                panel: LANES,
                first: skipped,
            },
            depth,
        });
        let ends = Accumulate::new(into, depth, first_row, Mode::Add);
        engine.product(count, panels, segments, ends);
    }

    /// The first step whose state counts: a zero initial state adds nothing to the gradient of its weights.
    pub(crate) fn first_state(&self) -> usize {
        usize::from(self.fresh)
    }
}

impl Block {
    /// Adds [1 x_t h_{t-1}]ᵀ da to the block, da at `section` of the tape, in rows `first..` of 1, x and h.
    #[expect(clippy::too_many_arguments, reason = "a product: every size by its name")]
    pub(crate) fn add_products(
        self,
        engine: Engine<'_>,
        steps: &Steps<'_>,
        first: usize,
        input: usize,
        state: usize,
        section: usize,
        gradient: &mut [f32],
    ) {
        let columns = self.gates * panels(self.columns);
        let into = &mut gradient[self.at..self.end()];
        let mut add = |from, column, count| {
            steps.add_products(engine, from, Factor::Joint, column, count, section, columns, into, self.depth, column);
        };
        if steps.fresh {
            // A zero initial state adds nothing: its rows start at step 1.
            add(0, first, 1 + input - first);
            add(steps.first_state(), 1 + input, state);
        } else {
            add(0, first, 1 + input + state - first);
        }
    }
}
