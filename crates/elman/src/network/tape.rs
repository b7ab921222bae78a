//! A tape: a batch that was run forward on several threads, with all that the way back needs. It borrows nothing.
//!
//! B rows, T steps, I input, O output, P parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use elman_formats::Array;
use elman_kernels::{Aligned, Engine, Isa, Pass, Pool, Team, sum_arrays};
use ndarray::{Array3, ArrayView3, ArrayViewMut3};

use crate::network::dynamic_rnn::{Batch, DynamicRnn, Prepared};
use crate::network::groups::{BLOCK, WIDE, group_count};
use crate::network::layer::Stack;
use crate::network::network::Network;
use crate::network::rows_of_tiles::{
    Back, Share, add_initial, copy_row, pieces_of_outputs, shares_of_view, write_outputs,
};
use crate::network::shape::Piece;
use crate::network::state::State;
use crate::network::tile::Tile;
use crate::{Error, Sequences};

/// A batch that was run forward by [`DynamicRnn::record`], and all that its way back needs. Its buffers are used again by
/// the next batch that is recorded in it.
///
/// It is the owned counterpart of [`Unrolled`](crate::Unrolled), for who cannot borrow the network and the inputs until the
/// way back: another language, another thread.
///
/// ```
/// use elman::{Build, Init, Lstm, Pool, Purpose, Random, Tape, WayBack};
/// use ndarray::Array3;
///
/// # fn main() -> Result<(), elman::Error> {
/// let network = Lstm::new(3, 4).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
/// let xs = Array3::from_elem((2, 6, 3), 0.5);
/// let (mut pool, mut tape) = (Pool::new(2), Tape::default());
/// let mut outputs = Array3::zeros((2, 6, 4));
/// let state = network.dynamic_rnn(xs.view()).record(&mut pool, &mut tape, outputs.view_mut())?;
///
/// // The gradient of half the sum of squares of all outputs.
/// let asked = WayBack { d_outputs: Some(outputs.view()), ..WayBack::default() };
/// let gradients = tape.backward(&network, &mut pool, asked)?;
/// assert_eq!(gradients.arrays["layers.0.kernel"].shape, [3, 16]);
/// # assert_eq!(state.h().shape(), [2, 4]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Tape {
    tiles: Vec<Tile>,
    /// Of each group of consecutive tiles, the gradient `[P]`.
    gradients: Vec<Aligned>,
    transposed: Aligned,
    /// What the tiles are for; None before the first batch.
    stack: Option<Arc<Stack>>,
    /// How many of the tiles hold the batch.
    held: usize,
    /// The inputs, where the way back reads them again.
    xs: Option<Array3<f32>>,
    /// Whether a way back has written over the tiles.
    spent: bool,
    rows: usize,
    steps: usize,
    carried: bool,
    time_major: bool,
    isa: Option<Isa>,
}

/// What enters a way back, and what is asked of it beside the gradient by the parameters.
#[derive(Debug, Default)]
pub struct WayBack<'a> {
    /// By the outputs [B, T, O].
    pub d_outputs: Option<ArrayView3<'a, f32>>,
    /// By the final state.
    pub d_state: Option<&'a State>,
    /// [B, T, I], to be written: by the inputs, zero past a row's end.
    pub d_inputs: Option<ArrayViewMut3<'a, f32>>,
    /// Whether those by the initial and the carried state are asked for.
    pub initial_too: bool,
}

/// Gradients that a tape gave, beside that by the inputs.
#[derive(Clone, Debug)]
pub struct TapeGradients {
    /// By each array of [`Network::arrays`], under its name.
    pub arrays: BTreeMap<String, Array>,
    /// By the initial state, where it was asked for: from every piece that started there.
    pub initial_state: Option<State>,
    /// By the carried state, where it was asked for and there was one.
    pub carried_state: Option<State>,
}

/// A tile of the way forward: its pieces, the rows it writes its outputs to, the states it ends in.
struct Forward<'a, 'p> {
    pieces: &'p [Piece],
    share: Share<'a>,
    /// For each track h, then c, of each piece that is a row's last.
    ends: Vec<f32>,
}

impl DynamicRnn<'_> {
    /// [`DynamicRnn::run`] on the threads of a pool, with the same bits: writes the outputs [B, T, O] and returns the final
    /// state. The tape lends its buffers, and holds no batch afterwards.
    ///
    /// # Errors
    /// As [`DynamicRnn::run`], or if `outputs` has another shape.
    pub fn run_into(self, pool: &mut Pool, tape: &mut Tape, outputs: ArrayViewMut3<'_, f32>) -> Result<State, Error> {
        self.forward(pool, tape, outputs, false)
    }

    /// The same with everything kept that [`Tape::backward`] needs.
    ///
    /// # Errors
    /// As [`DynamicRnn::run_into`].
    pub fn record(self, pool: &mut Pool, tape: &mut Tape, outputs: ArrayViewMut3<'_, f32>) -> Result<State, Error> {
        self.forward(pool, tape, outputs, true)
    }

    fn forward(
        self,
        pool: &mut Pool,
        tape: &mut Tape,
        outputs: ArrayViewMut3<'_, f32>,
        keep: bool,
    ) -> Result<State, Error> {
        tape.held = 0;
        let Prepared { source, pieces, training } = self.prepare()?;
        let (network, isa) = (self.network, self.isa);
        let view = network.view();
        let (rows, steps) = (source.len(), source.steps());
        let left = view.stack.steps_left(steps);
        check_shape("outputs", outputs.shape(), self.time_major, [rows, left, view.stack.output()])?;
        let outputs = if self.time_major { outputs.permuted_axes([1, 0, 2]) } else { outputs };

        let tile_rows = view.stack.tile_rows(pieces.len());
        let groups: Vec<&[Piece]> = pieces.chunks(tile_rows).collect();
        let own: Vec<_> = groups.iter().map(|pieces| pieces_of_outputs(view.stack, pieces)).collect();
        let shares = shares_of_view(outputs, own.iter().map(Vec::as_slice));
        let mut items: Vec<Forward<'_, '_>> =
            (groups.iter().zip(shares)).map(|(&pieces, share)| Forward { pieces, share, ends: Vec::new() }).collect();
        let (initial, carried) = (self.initial_state, self.carried_state);
        let work = |engine: Engine<'_>, tile: &mut Tile, item: &mut Forward<'_, '_>| {
            tile.take(item.pieces.iter().copied(), training);
            tile.set_initial(initial, carried);
            let share = &mut item.share;
            tile.forward(engine, view, &source, |tile, part| write_outputs(tile, view, part, share));
            for (place, _) in tile.pieces().iter().enumerate().filter(|(_, piece)| piece.last) {
                for track in 0..tile.track_count() {
                    item.ends.extend_from_slice(tile.final_h(track, place));
                    item.ends.extend_from_slice(tile.final_c(track, place));
                }
            }
        };

        let longest = |pieces: &[Piece]| pieces.iter().map(|piece| piece.length).max().unwrap_or(0);
        let tiles = if keep { groups.len() } else { pool.threads().min(groups.len()) };
        tape.make_room(&network.stack, tiles, |index| {
            let steps = longest(if keep { groups[index] } else { &pieces });
            (self.shape(steps, tile_rows), self.is_in_parts())
        });
        let pass = Pass::new();
        if shares_products(pool, view.stack, items.len()) {
            let team = Team::new(pool);
            let engine = view.stack.engine(isa, pass, Some(&team));
            for (index, item) in items.iter_mut().enumerate() {
                work(engine, &mut tape.tiles[if keep { index } else { 0 }], item);
            }
        } else if keep {
            let mut pairs: Vec<_> = tape.tiles.iter_mut().zip(&mut items).collect();
            let mut nothing = vec![(); pool.threads()];
            pool.for_each(&mut nothing, &mut pairs, |(), _, (tile, item)| {
                work(view.stack.engine(isa, pass, None), tile, item);
            });
        } else {
            // Fewer tiles than threads where there are fewer groups; those threads find nothing to do.
            let mut scratches: Vec<Option<&mut Tile>> = tape.tiles.iter_mut().map(Some).collect();
            scratches.resize_with(pool.threads(), || None);
            run_lent(pool, &mut scratches, &mut items, |tile, item| {
                work(view.stack.engine(isa, pass, None), tile, item);
            });
        }

        let mut state = State::zeros(view.stack, rows);
        for item in &items {
            let mut ends = &item.ends[..];
            for piece in item.pieces.iter().filter(|piece| piece.last) {
                for cell in &mut state.cells {
                    for array in [&mut cell.h, &mut cell.c] {
                        let (own, after) = ends.split_at(array.ncols());
                        copy_row(own, array.row_mut(piece.row));
                        ends = after;
                    }
                }
            }
        }
        if keep {
            tape.held = groups.len();
            tape.spent = false;
            // Tokens stand nowhere else, and parts are run again from their inputs.
            let again = view.stack.embedding.is_some() || self.is_in_parts();
            tape.xs = again.then(|| source.to_owned());
            (tape.rows, tape.steps) = (rows, steps);
            (tape.carried, tape.time_major, tape.isa) = (carried.is_some(), self.time_major, Some(isa));
        }
        Ok(state)
    }
}

impl Tape {
    /// Whether it holds a batch that can be carried back.
    pub fn holds_batch(&self) -> bool {
        self.held > 0 || self.isa.is_some() && self.rows == 0
    }

    /// Tiles for a stack, those that are there already where they have the room.
    fn make_room(
        &mut self,
        stack: &Arc<Stack>,
        count: usize,
        shape: impl Fn(usize) -> (crate::network::shape::Shape, bool),
    ) {
        if self.stack.as_ref().is_none_or(|old| !Arc::ptr_eq(old, stack)) {
            self.tiles.clear();
            self.gradients.clear();
            self.stack = Some(stack.clone());
        }
        self.tiles.truncate(count);
        for index in 0..count {
            let (wanted, parts) = shape(index);
            let fits = |tile: &Tile| {
                let has = tile.shape();
                // Steps that no row runs change nothing, but are cleared.
                let steps = wanted.steps..=wanted.steps.saturating_mul(2);
                has.rows == wanted.rows && (steps.contains(&has.steps) && !parts && has.parts() == 1 || has == wanted)
            };
            match self.tiles.get_mut(index) {
                Some(tile) if fits(tile) => tile.ask(true, true, true),
                Some(tile) => *tile = Tile::new(stack, wanted),
                None => self.tiles.push(Tile::new(stack, wanted)),
            }
        }
    }

    /// Gradients of Σ outputs ⊙ d_outputs + Σ state ⊙ d_state. At least one is given.
    ///
    /// Every group of tiles has a gradient of its own, and they are added in their order: the number of threads changes no
    /// bit. [`Unrolled::backward`](crate::Unrolled::backward) adds tile after tile into one, which rounds otherwise.
    ///
    /// A second way back is possible; it runs the batch forward again first.
    ///
    /// # Errors
    /// If a shape does not fit, nothing was recorded, or the network is another one than that which ran the batch, or one
    /// of its clones. With other weights than it had then, the gradients mean nothing: that is not looked at.
    pub fn backward(&mut self, network: &Network, pool: &mut Pool, asked: WayBack<'_>) -> Result<TapeGradients, Error> {
        let own = self.stack.as_ref().is_some_and(|stack| Arc::ptr_eq(stack, &network.stack));
        let Some(isa) = self.isa.filter(|_| own && self.holds_batch()) else {
            return Err(Error::setting("the tape", "without a batch of this network", "one that recorded one"));
        };
        let view = network.view();
        let (stack, plan) = (view.stack, view.plan);
        let (rows, steps, time_major) = (self.rows, self.steps, self.time_major);
        let WayBack { d_outputs, d_state, d_inputs, initial_too } = asked;
        if let Some(d) = d_outputs {
            check_shape("d_outputs", d.shape(), time_major, [rows, stack.steps_left(steps), stack.output()])?;
        }
        if let Some(d) = d_state {
            d.check("d_state", stack, rows)?;
        }
        if let Some(d) = &d_inputs {
            check_shape("d_inputs", d.shape(), time_major, [rows, steps, stack.input()])?;
        }
        let d_outputs = d_outputs.map(|d| if time_major { d.permuted_axes([1, 0, 2]) } else { d });
        let mut d_inputs = d_inputs.map(|d| if time_major { d.permuted_axes([1, 0, 2]) } else { d });
        if stack.embedding.is_some() {
            // The gradient by a token is no gradient.
            d_inputs.iter_mut().for_each(|d| d.fill(0.0));
        }
        let inputs_too = d_inputs.is_some() && stack.embedding.is_none();

        let held = self.held;
        let groups = group_count(stack, plan.len, self.tiles.iter().map(Tile::count).sum::<usize>().max(1)).min(held);
        let Tape { tiles, gradients, transposed, xs, spent, carried, .. } = self;
        let mut nothing = vec![(); pool.threads()];
        if transposed.len() != plan.transposed_len {
            *transposed = Aligned::zeros(plan.transposed_len);
        }
        let mut panels = plan.panels(transposed);
        pool.for_each(&mut nothing, &mut panels, |(), _, panel| panel.fill(view.parameters));
        drop(panels);
        if gradients.len() != groups || gradients.iter().any(|gradient| gradient.len() != plan.len) {
            *gradients = (0..groups).map(|_| Aligned::zeros(plan.len)).collect();
        }
        let mut shares = match d_inputs {
            Some(d_inputs) if inputs_too => shares_of_view(d_inputs, tiles[..held].iter().map(Tile::pieces)),
            _ => (0..held).map(|_| Vec::new()).collect(),
        };

        /// Consecutive tiles, the rows that their gradients by the inputs go to, and their sum.
        struct Group<'g, 'a> {
            tiles: &'g mut [Tile],
            shares: &'g mut [Share<'a>],
            gradient: &'g mut [f32],
        }
        let mut items = Vec::with_capacity(groups);
        let (mut tiles_left, mut shares_left) = (&mut tiles[..held], &mut shares[..]);
        for (index, gradient) in gradients.iter_mut().enumerate() {
            let count = (index + 1) * held / groups - index * held / groups;
            let (own, after) = tiles_left.split_at_mut(count);
            let (own_shares, shares_after) = shares_left.split_at_mut(count);
            (tiles_left, shares_left) = (after, shares_after);
            items.push(Group { tiles: own, shares: own_shares, gradient });
        }
        let none = Array3::zeros((0, 0, 0));
        let source = Batch::new(xs.as_ref().unwrap_or(&none).view(), None)?;
        let (transposed, again) = (&**transposed, *spent);
        let work = |engine: Engine<'_>, group: &mut Group<'_, '_>| {
            group.gradient.fill(0.0);
            let back = Back { network: view, transposed, d_outputs, d_state };
            for (tile, share) in group.tiles.iter_mut().zip(&mut *group.shares) {
                if again && tile.shape().parts() == 1 {
                    tile.again(engine, view);
                }
                tile.ask(d_outputs.is_some(), inputs_too, initial_too);
                back.carry(engine, tile, &source, group.gradient, share);
            }
        };
        let pass = Pass::new();
        if shares_products(pool, stack, items.len()) {
            let team = Team::new(pool);
            let engine = stack.engine(isa, pass, Some(&team));
            items.iter_mut().for_each(|group| work(engine, group));
        } else {
            pool.for_each(&mut nothing, &mut items, |(), _, group| work(stack.engine(isa, pass, None), group));
        }
        drop(items);
        *spent = true;

        let mut sum = Aligned::zeros(plan.len);
        let mut blocks: Vec<&mut [f32]> = sum.chunks_mut(BLOCK).collect();
        let gradients = &*gradients;
        pool.for_each(&mut nothing, &mut blocks, |(), index, block| {
            let range = index * BLOCK..index * BLOCK + block.len();
            sum_arrays(isa, gradients.iter().map(|gradient| &gradient[range.clone()]), block);
        });
        let mut states = initial_too.then(|| [State::zeros(stack, rows), State::zeros(stack, rows)]);
        if let Some([initial, carried_state]) = &mut states {
            for tile in &mut tiles[..held] {
                add_initial(tile, view, *carried, initial, carried_state);
            }
        }
        let (initial_state, carried_state) = states.map(|[initial, carried]| (initial, carried)).unzip();
        Ok(TapeGradients {
            arrays: plan.unpack(&sum),
            initial_state,
            carried_state: carried_state.filter(|_| *carried),
        })
    }
}

/// Whether all threads share the products of one tile after the other, rather than that some have nothing to do: as in
/// training.
fn shares_products(pool: &Pool, stack: &Stack, items: usize) -> bool {
    pool.threads() > 1 && (items == 1 || items < pool.threads()) && stack.widest() >= WIDE
}

/// Every item with a tile of the thread that takes it. A thread without a tile must not get an item: there are then no
/// more items than tiles, and each has its own.
fn run_lent<T: Send>(
    pool: &mut Pool,
    tiles: &mut [Option<&mut Tile>],
    items: &mut [T],
    work: impl Fn(&mut Tile, &mut T) + Sync,
) {
    let own = tiles.iter().filter(|tile| tile.is_some()).count();
    if own < tiles.len() {
        let mut nothing = vec![(); pool.threads()];
        let mut pairs: Vec<_> = tiles.iter_mut().flatten().zip(items).collect();
        pool.for_each(&mut nothing, &mut pairs, |(), _, (tile, item)| work(tile, item));
    } else {
        pool.for_each(tiles, items, |tile, _, item| {
            if let Some(tile) = tile {
                work(tile, item);
            }
        });
    }
}

/// Refuses an array [B, T, F], or [T, B, F], of another shape.
fn check_shape(what: &str, found: &[usize], time_major: bool, [rows, steps, width]: [usize; 3]) -> Result<(), Error> {
    let expected = if time_major { [steps, rows, width] } else { [rows, steps, width] };
    if found == expected { Ok(()) } else { Err(Error::shape(what, found, &expected)) }
}
