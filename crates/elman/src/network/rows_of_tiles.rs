//! Between arrays of a batch and its tiles: which tile has which rows of an array, outputs written, gradients read.
//!
//! B rows, T steps, I input, O output. The tiles of a batch hold each piece of a row once.

use elman_kernels::{Engine, padded};
use ndarray::{Array3, ArrayView3, ArrayViewMut1, ArrayViewMut2, ArrayViewMut3, Axis};

use crate::Sequences;
use crate::network::layer::Stack;
use crate::network::passage::View;
use crate::network::shape::Piece;
use crate::network::state::State;
use crate::network::tile::Tile;

/// For each tile, the rows [length, F] of its pieces, in the tile's order.
pub(super) type Share<'a> = Vec<ArrayViewMut2<'a, f32>>;

/// Shares an array [B, T, F] out among tiles, by their pieces. What no piece has, past a row's end, becomes 0.
pub(super) fn shares<'a, 't>(whole: &'a mut Array3<f32>, tiles: impl Iterator<Item = &'t [Piece]>) -> Vec<Share<'a>> {
    shares_of_view(whole.view_mut(), tiles)
}

/// The same of a view.
pub(super) fn shares_of_view<'a, 't>(
    whole: ArrayViewMut3<'a, f32>,
    tiles: impl Iterator<Item = &'t [Piece]>,
) -> Vec<Share<'a>> {
    let mut count = 0;
    let mut places = Vec::new();
    for (tile, pieces) in tiles.enumerate() {
        count += 1;
        places.extend(
            pieces.iter().enumerate().map(|(place, piece)| (piece.row, piece.start, piece.length, tile, place)),
        );
    }
    places.sort_unstable();
    let mut views = Vec::with_capacity(places.len());
    let mut rest_of_rows = whole;
    let (mut first, mut next) = (0, places.iter().peekable());
    while let Some(&&(row, ..)) = next.peek() {
        // Rows come in their order; each is split off the front.
        let (_, from_row) = rest_of_rows.split_at(Axis(0), row - first);
        let (own, after) = from_row.split_at(Axis(0), 1);
        (rest_of_rows, first) = (after, row + 1);
        let mut rest = own.index_axis_move(Axis(0), 0);
        while let Some(&(_, _, length, tile, place)) = next.next_if(|&&(of, ..)| of == row) {
            let (piece, after) = rest.split_at(Axis(0), length);
            views.push((tile, place, piece));
            rest = after;
        }
        rest.fill(0.0);
    }
    views.sort_unstable_by_key(|&(tile, place, _)| (tile, place));
    let mut shares: Vec<Share<'a>> = (0..count).map(|_| Vec::new()).collect();
    for (tile, _, view) in views {
        shares[tile].push(view);
    }
    shares
}

/// The pieces of a tile as its outputs have them: of other lengths where layers read windows.
pub(super) fn pieces_of_outputs(stack: &Stack, pieces: &[Piece]) -> Vec<Piece> {
    pieces.iter().map(|piece| Piece { length: stack.steps_left(piece.length), ..*piece }).collect()
}

/// Copies floats into a row of an array.
pub(super) fn copy_row(from: &[f32], mut to: ArrayViewMut1<'_, f32>) {
    match to.as_slice_mut() {
        Some(to) => to.copy_from_slice(from),
        None => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
    }
}

/// Writes the outputs of the last layer over a part into the rows of a tile's pieces.
pub(super) fn write_outputs(tile: &Tile, network: View<'_>, part: usize, share: &mut Share<'_>) {
    let View { stack, plan, .. } = network;
    let (top, steps) = (stack.layers.len() - 1, tile.steps_of(part));
    let mut line = vec![0.0; stack.output()];
    for (place, rows) in share.iter_mut().enumerate() {
        for t in steps.start..tile.length(place).min(steps.end) {
            let mut to = rows.index_axis_mut(Axis(0), t);
            match to.as_slice_mut() {
                Some(to) => tile.output(stack, plan, top, part, t, place, to),
                None => {
                    tile.output(stack, plan, top, part, t, place, &mut line);
                    copy_row(&line, to);
                }
            }
        }
    }
}

/// The way back of a batch: what every tile needs to know.
#[derive(Clone, Copy)]
pub(super) struct Back<'a> {
    pub(super) network: View<'a>,
    pub(super) transposed: &'a [f32],
    /// [B, T, O]
    pub(super) d_outputs: Option<ArrayView3<'a, f32>>,
    pub(super) d_state: Option<&'a State>,
}

impl Back<'_> {
    /// Carries a tile back: the gradient by the parameters is added to `gradient`, that by the inputs written into the
    /// rows of the tile's pieces. That by the initial states stays in the tile, for [`add_initial`].
    pub(super) fn carry<D: Sequences + ?Sized>(
        &self,
        engine: Engine<'_>,
        tile: &mut Tile,
        data: &D,
        gradient: &mut [f32],
        inputs: &mut Share<'_>,
    ) {
        let View { stack, plan, .. } = self.network;
        let (op, ip) = (padded(stack.output()), padded(stack.layers[0].input()));
        let (count, pieces) = (tile.count(), tile.pieces().to_vec());
        tile.clear_gradients();
        for (place, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.last) {
            for (track, cell) in self.d_state.iter().flat_map(|d| d.cells.iter().enumerate()) {
                let (d_h, d_c) = tile.d_state_mut(stack, plan, track, place);
                d_h.iter_mut().zip(cell.h.row(piece.row)).for_each(|(to, &from)| *to = from);
                d_c.iter_mut().zip(cell.c.row(piece.row)).for_each(|(to, &from)| *to = from);
            }
        }
        for part in (0..tile.shape().parts()).rev() {
            tile.hold(engine, self.network, data, part);
            let steps = tile.steps_of(part);
            let ends: Vec<usize> = (0..count).map(|place| tile.length(place).min(steps.end)).collect();
            let into = tile.d_outputs_mut(stack, part);
            into.fill(0.0);
            for ((place, piece), end) in pieces.iter().enumerate().zip(ends) {
                let Some(d) = self.d_outputs else { continue };
                let d = d.index_axis_move(Axis(0), piece.row);
                for t in steps.start..end {
                    let to = &mut into[((t - steps.start) * count + place) * op..][..stack.output()];
                    let from = d.index_axis(Axis(0), piece.start + t);
                    match from.as_slice() {
                        Some(from) => to.copy_from_slice(from),
                        None => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
                    }
                }
            }
            let steps = tile.steps_of_data(part);
            let d_inputs = tile.backward(engine, self.network, self.transposed, data, part, gradient);
            // The gradient by a token is no gradient.
            let Some(d_inputs) = d_inputs.filter(|_| stack.embedding.is_none()) else { continue };
            for (place, (piece, rows)) in pieces.iter().zip(inputs.iter_mut()).enumerate() {
                for t in steps.start..piece.length.min(steps.end) {
                    let from = &d_inputs[((t - steps.start) * count + place) * ip..][..stack.input()];
                    copy_row(from, rows.index_axis_mut(Axis(0), t));
                }
            }
        }
    }
}

/// Adds the gradients by the states that a tile's pieces started from to those of the batch.
pub(super) fn add_initial(
    tile: &mut Tile,
    network: View<'_>,
    carried: bool,
    initial_state: &mut State,
    carried_state: &mut State,
) {
    for place in 0..tile.count() {
        let piece = tile.pieces()[place];
        let into = if carried && piece.carried { &mut *carried_state } else { &mut *initial_state };
        for (track, cell) in into.cells.iter_mut().enumerate() {
            let (d_h, d_c) = tile.d_state_mut(network.stack, network.plan, track, place);
            cell.h.row_mut(piece.row).iter_mut().zip(d_h).for_each(|(to, from)| *to += *from);
            cell.c.row_mut(piece.row).iter_mut().zip(d_c).for_each(|(to, from)| *to += *from);
        }
    }
}
