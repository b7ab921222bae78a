//! `dynamic_rnn`: all steps of a batch, forward and, when asked for, backward.
//!
//! T steps, B rows, I input, O output. Arrays are batch first, as in TensorFlow, unless `time_major` says otherwise.

use std::collections::BTreeMap;

use elman_formats::Array;
use elman_kernels::{Aligned, Isa, Pass};
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};

use crate::data::sequences::read_array;
use crate::network::inputs::{check_finite, check_tokens};
use crate::network::network::Network;
use crate::network::passage::View;
use crate::network::rows_of_tiles::{Back, add_initial, copy_row, pieces_of_outputs, shares, write_outputs};
use crate::network::shape::{Piece, Shape};
use crate::network::state::State;
use crate::network::tile::{Tile, Training};
use crate::{Error, Sequences, isa};

impl Network {
    /// One step in time: `x [B, I]` and the state give the output [B, O] and the next state.
    ///
    /// # Errors
    /// If a shape does not fit the network, or a layer reads its rows from their ends.
    pub fn step(&self, x: ArrayView2<'_, f32>, state: &State) -> Result<(Array2<f32>, State), Error> {
        self.check_forward("a step")?;
        // One step is a sequence of one: the same kernel, hence the same bits.
        let (outputs, state) = self.dynamic_rnn(x.insert_axis(Axis(1))).initial_state(state).run()?;
        Ok((outputs.index_axis_move(Axis(1), 0), state))
    }

    /// All steps of `xs [B, T, I]`, as TensorFlow's `dynamic_rnn`:
    ///
    /// ```
    /// # use elman::{Build, Init, Random, Purpose, Rnn};
    /// # use ndarray::Array3;
    /// # fn main() -> Result<(), elman::Error> {
    /// let cell = Rnn::new(28, 128).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    /// let xs = Array3::zeros((2, 5, 28));
    /// let (outputs, state) = cell.dynamic_rnn(xs.view()).sequence_length(&[5, 3]).run()?;
    /// assert_eq!((outputs.shape(), state.h().shape()), (&[2, 5, 128][..], &[2, 128][..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn dynamic_rnn<'a>(&'a self, xs: ArrayView3<'a, f32>) -> DynamicRnn<'a> {
        DynamicRnn::new(self, xs)
    }
}

/// All steps of a batch, to be run: what was given so far.
#[derive(Clone, Debug)]
pub struct DynamicRnn<'a> {
    pub(super) network: &'a Network,
    xs: ArrayView3<'a, f32>,
    pub(super) time_major: bool,
    lengths: Option<&'a [usize]>,
    pub(super) initial_state: Option<&'a State>,
    pub(super) carried_state: Option<&'a State>,
    resets: Option<ArrayView2<'a, bool>>,
    training: Option<Training>,
    truncate: usize,
    part: usize,
    finite: bool,
    pub(super) isa: Isa,
}

impl<'a> DynamicRnn<'a> {
    pub(crate) fn new(network: &'a Network, xs: ArrayView3<'a, f32>) -> Self {
        DynamicRnn {
            network,
            xs,
            time_major: false,
            lengths: None,
            initial_state: None,
            carried_state: None,
            resets: None,
            training: None,
            truncate: 0,
            part: 0,
            finite: false,
            isa: isa::active(),
        }
    }

    /// Inputs, resets, outputs and their gradients have the steps first: [T, B, I].
    pub fn time_major(self) -> Self {
        DynamicRnn { time_major: true, ..self }
    }

    /// Steps of each row `[B]`, in any order, 0 to T. Without it, every row has T.
    ///
    /// Past its end a row's outputs are zero and its state is carried through. It costs no work.
    pub fn sequence_length(self, lengths: &'a [usize]) -> Self {
        DynamicRnn { lengths: Some(lengths), ..self }
    }

    /// Where rows start, and where they return to at a reset. Without it, zero.
    pub fn initial_state(self, state: &'a State) -> Self {
        DynamicRnn { initial_state: Some(state), ..self }
    }

    /// Where rows start when they go on from a window before: resets still return to the initial state. No gradient
    /// goes into the window before, which is what truncated back-propagation through time does.
    pub fn carried_state(self, state: &'a State) -> Self {
        DynamicRnn { carried_state: Some(state), ..self }
    }

    /// Steps [B, T] before which a row's state returns to the initial one. What stands behind a reset is a sequence of
    /// its own, for both directions.
    pub fn resets(self, resets: ArrayView2<'a, bool>) -> Self {
        DynamicRnn { resets: Some(resets), ..self }
    }

    /// As in training: masks are drawn from `seed` and the number of the step. Without it, dropout drops nothing and
    /// zoneout takes its mean.
    pub fn training(self, seed: u64, step: u64) -> Self {
        DynamicRnn { training: Some(Training { seed, step, truncate: 0 }), ..self }
    }

    /// Cuts the gradient by the state after every so many steps.
    pub fn truncate(self, steps: usize) -> Self {
        DynamicRnn { truncate: steps, ..self }
    }

    /// Keeps the steps of a part of the sequence only, and runs each part again on the way back: less memory, the same
    /// gradients. `steps` is rounded up to what the kernels sum at once; 0 keeps all.
    ///
    /// A network with a bidirectional layer refuses it: such a layer needs whole sequences.
    pub fn checkpoint_every(self, steps: usize) -> Self {
        DynamicRnn { part: steps, ..self }
    }

    /// Refuses an input that is NaN or infinite, instead of taking it as it is.
    pub fn finite(self) -> Self {
        DynamicRnn { finite: true, ..self }
    }

    /// On another instruction set than the widest.
    pub fn isa(self, isa: Isa) -> Self {
        DynamicRnn { isa, ..self }
    }

    /// Outputs [B, T, O] of every step, and the final state. Where a layer reads windows there are fewer steps,
    /// [`Stack::steps_left`](crate::Stack::steps_left); a row that has none left keeps its initial state. Inputs are taken as they are: of a row with NaN, all that
    /// follows is NaN; an infinite one may pass for a large one.
    ///
    /// # Errors
    /// If a shape does not fit the network, a length exceeds T, or an option is asked for that the network does not
    /// compute.
    pub fn run(self) -> Result<(Array3<f32>, State), Error> {
        let unrolled = self.unroll()?;
        Ok((unrolled.outputs(), unrolled.state()))
    }

    /// The same, with all that the way back needs.
    ///
    /// # Errors
    /// As [`DynamicRnn::run`].
    pub fn unroll(self) -> Result<Unrolled<'a>, Error> {
        let Prepared { source, pieces, training } = self.prepare()?;
        let (stack, view) = (self.network.stack(), self.network.view());
        let (rows, steps) = (source.len(), source.steps());
        let tile_rows = stack.tile_rows(usize::MAX);
        let mut tiles = Vec::with_capacity(pieces.len().div_ceil(tile_rows));
        for group in pieces.chunks(tile_rows) {
            let longest = group.iter().map(|piece| piece.length).max().unwrap_or(0);
            let mut tile = Tile::new(stack, self.shape(longest, group.len()));
            tile.take(group.iter().copied(), training);
            tile.set_initial(self.initial_state, self.carried_state);
            tile.forward(stack.engine(self.isa, Pass::new(), None), view, &source, |_, _| ());
            tiles.push(tile);
        }
        let carried = self.carried_state.is_some();
        Ok(Unrolled {
            network: self.network,
            source,
            tiles,
            rows,
            steps,
            carried,
            time_major: self.time_major,
            isa: self.isa,
        })
    }

    /// A tile of so many rows and steps, from which everything may be asked on the way back.
    pub(super) fn shape(&self, steps: usize, rows: usize) -> Shape {
        let all = Shape { steps, rows, part: steps, through_outputs: true, inputs_too: true, initial_too: true };
        match self.part {
            0 => all,
            part => Shape { part: part.next_multiple_of(all.unit()).min(steps).max(1), ..all },
        }
    }

    /// Whether the sequence is worked off in parts.
    pub(super) fn is_in_parts(&self) -> bool {
        self.part > 0
    }

    /// The rows in pieces, the longest first, once everything that was given has been looked at.
    pub(super) fn prepare(&self) -> Result<Prepared<'a>, Error> {
        let stack = self.network.stack();
        let xs = if self.time_major { self.xs.permuted_axes([1, 0, 2]) } else { self.xs };
        let (rows, _, input) = xs.dim();
        if input != stack.input() {
            let (found, mut expected) = (self.xs.shape(), self.xs.shape().to_vec());
            expected[2] = stack.input();
            return Err(Error::shape("xs", found, &expected));
        }
        let source = Batch::new(xs, self.lengths)?;
        for (what, state) in [("initial_state", self.initial_state), ("carried_state", self.carried_state)] {
            if let Some(state) = state {
                state.check(what, stack, rows)?;
            }
        }
        if let Some(resets) = self.resets
            && resets.shape() != &self.xs.shape()[..2]
        {
            return Err(Error::shape("resets", resets.shape(), &self.xs.shape()[..2]));
        }
        if self.resets.is_some() && !stack.keeps_steps() {
            let why = "behind a reset stands a sequence of its own, whose outputs have no place: the layers leave fewer steps";
            return Err(Error::Unsupported {
                what: "a reset",
                of: "a network whose layers read windows",
                why: why.into(),
            });
        }
        let resets = self.resets.map(|resets| if self.time_major { resets.reversed_axes() } else { resets });
        if self.part > 0 {
            stack.check_forward("checkpoint_every", "it needs whole sequences")?;
        }
        check_tokens(stack, &source, 0..rows)?;
        if self.finite {
            check_finite(stack, &source, 0..rows)?;
        }
        let mut pieces = Vec::with_capacity(rows);
        for row in 0..rows {
            cut(row, source.length(row), resets, &mut pieces);
        }
        // Of like length in a tile: its steps then have all rows or none.
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.length));
        let training = match (self.training, self.truncate) {
            (Some(training), truncate) => Some(Training { truncate, ..training }),
            (None, 0) => None,
            // Without masks the two phases are one.
            (None, truncate) if !stack.is_noisy() => Some(Training { seed: 0, step: 0, truncate }),
            (None, _) => {
                return Err(Error::setting("truncate", self.truncate, "with masks, also training(seed, step)"));
            }
        };
        Ok(Prepared { source, pieces, training })
    }
}

/// What is to be run: the inputs, and the rows in pieces.
pub(super) struct Prepared<'a> {
    pub(super) source: Batch<'a>,
    pub(super) pieces: Vec<Piece>,
    pub(super) training: Option<Training>,
}

/// The pieces of a row, one from each reset to the next.
fn cut(row: usize, length: usize, resets: Option<ArrayView2<'_, bool>>, pieces: &mut Vec<Piece>) {
    let Some(resets) = resets else { return pieces.push(Piece::whole(row, length)) };
    let at = |t: usize| resets[[row, t]];
    let mut start = 0;
    for t in (1..length).filter(|&t| at(t)).chain([length]) {
        let carried = start == 0 && !(length > 0 && at(0));
        pieces.push(Piece { row, start, length: t - start, carried, last: t == length });
        start = t;
    }
}

/// A batch of arrays as a data set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch<'a> {
    xs: ArrayView3<'a, f32>,
    lengths: Option<&'a [usize]>,
}

impl<'a> Batch<'a> {
    /// Rows `xs [B, T, I]` of the given lengths, or of T steps each.
    ///
    /// # Errors
    /// If there are not as many lengths as rows, or one exceeds T.
    pub(crate) fn new(xs: ArrayView3<'a, f32>, lengths: Option<&'a [usize]>) -> Result<Self, Error> {
        let (rows, steps, _) = xs.dim();
        if let Some(lengths) = lengths {
            if lengths.len() != rows {
                return Err(Error::shape("sequence_length", &[lengths.len()], &[rows]));
            }
            if let Some(row) = lengths.iter().position(|&length| length > steps) {
                return Err(Error::Length { row, length: lengths[row], steps });
            }
        }
        Ok(Batch { xs, lengths })
    }

    /// A copy of the inputs [B, T, I].
    pub(super) fn to_owned(self) -> Array3<f32> {
        self.xs.to_owned()
    }
}

impl Sequences for Batch<'_> {
    fn len(&self) -> usize {
        self.xs.shape()[0]
    }
    fn steps(&self) -> usize {
        self.xs.shape()[1]
    }
    fn input(&self) -> usize {
        self.xs.shape()[2]
    }
    fn length(&self, row: usize) -> usize {
        self.lengths.map_or(self.steps(), |lengths| lengths[row])
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        read_array(self.xs, row, step, x);
    }
}

/// A batch that has been run forward.
#[derive(Debug)]
pub struct Unrolled<'a> {
    network: &'a Network,
    source: Batch<'a>,
    tiles: Vec<Tile>,
    rows: usize,
    steps: usize,
    carried: bool,
    time_major: bool,
    isa: Isa,
}

/// Gradients of a scalar by everything that entered [`DynamicRnn`].
#[derive(Clone, Debug)]
pub struct Gradients {
    /// By each array of [`Network::arrays`], under its name.
    pub arrays: BTreeMap<String, Array>,
    /// dx [B, T, I], zero past a row's end.
    pub inputs: Array3<f32>,
    /// By the initial state: from every piece that started there.
    pub initial_state: State,
    /// By the carried state, when there was one.
    pub carried_state: Option<State>,
}

impl Unrolled<'_> {
    fn view(&self) -> View<'_> {
        self.network.view()
    }

    /// Outputs [B, T, O] of the last layer at every step, zero past a row's end; fewer steps than the inputs have where a
    /// layer reads windows, [`Stack::steps_left`](crate::Stack::steps_left). (Those of a sequence that was worked
    /// off in parts are computed again, hence a copy of its buffers.)
    pub fn outputs(&self) -> Array3<f32> {
        let view = self.view();
        let mut outputs = Array3::zeros((self.rows, view.stack.steps_left(self.steps), view.stack.output()));
        let pieces: Vec<_> = self.tiles.iter().map(|tile| pieces_of_outputs(view.stack, tile.pieces())).collect();
        let mut shares = shares(&mut outputs, pieces.iter().map(Vec::as_slice));
        for (tile, share) in self.tiles.iter().zip(&mut shares) {
            let parts = tile.shape().parts();
            if parts == 1 {
                write_outputs(tile, view, 0, share);
                continue;
            }
            let mut again = tile.clone();
            for part in 0..parts {
                again.hold(view.stack.engine(self.isa, Pass::new(), None), view, &self.source, part);
                write_outputs(&again, view, part, share);
            }
        }
        if self.time_major { outputs.permuted_axes([1, 0, 2]) } else { outputs }
    }

    /// The final state: that of each row's own last step.
    pub fn state(&self) -> State {
        let mut state = State::zeros(self.network.stack(), self.rows);
        for tile in &self.tiles {
            for (place, piece) in tile.pieces().iter().enumerate().filter(|(_, piece)| piece.last) {
                for (track, cell) in state.cells.iter_mut().enumerate() {
                    copy_row(tile.final_h(track, place), cell.h.row_mut(piece.row));
                    copy_row(tile.final_c(track, place), cell.c.row_mut(piece.row));
                }
            }
        }
        state
    }

    /// Gradients of Σ outputs ⊙ d_outputs + Σ state ⊙ d_state, with `d_outputs` as the outputs. At least one is given.
    ///
    /// # Errors
    /// If a shape does not fit.
    pub fn backward(
        &self,
        d_outputs: Option<ArrayView3<'_, f32>>,
        d_state: Option<&State>,
    ) -> Result<Gradients, Error> {
        let (stack, plan, view) = (self.network.stack(), &self.network.plan, self.view());
        let steps = stack.steps_left(self.steps);
        let [first, second] = if self.time_major { [steps, self.rows] } else { [self.rows, steps] };
        if let Some(d) = d_outputs
            && d.dim() != (first, second, stack.output())
        {
            return Err(Error::shape("d_outputs", d.shape(), &[first, second, stack.output()]));
        }
        let d_outputs = d_outputs.map(|d| if self.time_major { d.permuted_axes([1, 0, 2]) } else { d });
        if let Some(d) = d_state {
            d.check("d_state", stack, self.rows)?;
        }
        let mut transposed = Aligned::zeros(plan.transposed_len);
        plan.transpose(view.parameters, &mut transposed);
        let mut gradient = Aligned::zeros(plan.len);
        let mut inputs = Array3::zeros((self.rows, self.steps, stack.input()));
        let mut initial_state = State::zeros(stack, self.rows);
        let mut carried_state = State::zeros(stack, self.rows);
        let mut shares = shares(&mut inputs, self.tiles.iter().map(Tile::pieces));
        for (tile, share) in self.tiles.iter().zip(&mut shares) {
            let mut tile = tile.clone();
            let run = Back { network: view, transposed: &transposed, d_outputs, d_state };
            run.carry(view.stack.engine(self.isa, Pass::new(), None), &mut tile, &self.source, &mut gradient, share);
            add_initial(&mut tile, view, self.carried, &mut initial_state, &mut carried_state);
        }
        Ok(Gradients {
            arrays: plan.unpack(&gradient),
            inputs: if self.time_major { inputs.permuted_axes([1, 0, 2]) } else { inputs },
            initial_state,
            carried_state: self.carried.then_some(carried_state),
        })
    }
}
