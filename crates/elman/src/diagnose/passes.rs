//! Some rows through all layers, forward and back, a layer at a time. N, B, I, O, P, M as in the module above.

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, s};

use super::track::{Back, Passed, Track, Window};
use crate::network::layer::{Embedding, Merge};
use crate::network::network::Network;
use crate::network::state::{CellState, State};
use crate::{Error, Reads, Sequences};

/// A row of the data, and which of its steps are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Its number in the data.
    pub(super) row: usize,
    /// Steps before the window.
    pub(super) before: usize,
    /// Steps of the window, at least 1.
    pub(super) steps: usize,
}

/// Rows that have been run forward.
pub(super) struct Pass {
    /// In the order of the cells of a state.
    pub(super) tracks: Vec<Passed>,
    /// [N, B, O]: outputs of the last layer, in the order of the data.
    outputs: Array3<f32>,
}

/// All layers over the window.
pub(super) fn forward<D: Sequences>(
    network: &Network,
    tracks: &[Track],
    data: &D,
    rows: &[Row],
    window: &Window,
) -> Result<Pass, Error> {
    let initial = states_before(network, data, rows)?;
    let mut x = inputs(network, data, rows, window)?;
    let mut passed = Vec::with_capacity(tracks.len());
    for (index, layer) in network.layers().iter().enumerate() {
        let mut outputs = Array3::zeros((window.len(), rows.len(), layer.output()));
        let own = || tracks.iter().zip(&initial.cells).filter(|(track, _)| track.layer == index);
        for (track, initial) in own() {
            let read = if track.reversed { window.reversed(&x) } else { x.clone() };
            let pass = track.forward(window, read, initial)?;
            let after = pass.h.slice(s![1.., .., ..]).to_owned();
            let after = if track.reversed { window.reversed(&after) } else { after };
            let mut part = outputs.slice_mut(s![.., .., columns(layer.bidirectional, track, after.dim().2)]);
            part += &after;
            passed.push(pass);
        }
        if layer.residual {
            outputs += &x;
        }
        x = outputs;
    }
    Ok(Pass { tracks: passed, outputs: x })
}

/// Where a direction's output stands in that of its layer.
fn columns(merge: Option<Merge>, track: &Track, width: usize) -> std::ops::Range<usize> {
    match merge {
        Some(Merge::Concat) if track.reversed => width..2 * width,
        _ => 0..width,
    }
}

/// What the loss reads of each row [B, …].
pub(super) fn read(network: &Network, tracks: &[Track], pass: &Pass, reads: Reads) -> Array2<f32> {
    let last = pass.outputs.dim().0 - 1;
    if reads == Reads::EveryStep {
        return pass.outputs.index_axis(Axis(0), last).to_owned();
    }
    let mut states = Array2::zeros((pass.outputs.dim().1, network.stack().summary()));
    for (columns, track) in read_by(network, tracks) {
        // Rows stand at the end of the window, so the last state is at one place for all.
        states.slice_mut(s![.., columns]).assign(&pass.tracks[track].h.slice(s![last + 1, .., ..]));
    }
    states
}

/// The columns of what a loss on the last states reads, and the track that they come from.
fn read_by(network: &Network, tracks: &[Track]) -> Vec<(std::ops::Range<usize>, usize)> {
    let top = network.layers().len() - 1;
    let of_top = tracks.iter().enumerate().filter(|(_, track)| track.layer == top);
    let width = |track: &Track| track.cell.get().output();
    of_top
        .enumerate()
        .map(|(place, (index, track))| (place * width(track)..(place + 1) * width(track), index))
        .collect()
}

/// The way back of the gradient by what the loss reads `[B, …]`: the gradient by the first layer's inputs [N, B, I],
/// and what each track has seen.
pub(super) fn backward(
    network: &Network,
    tracks: &[Track],
    window: &Window,
    pass: &Pass,
    reads: Reads,
    d_read: ArrayView2<'_, f32>,
) -> Result<(Array3<f32>, Vec<Back>), Error> {
    let (steps, rows, output) = pass.outputs.dim();
    let mut d_outputs = Array3::zeros((steps, rows, output));
    if reads == Reads::EveryStep {
        d_outputs.index_axis_mut(Axis(0), steps - 1).assign(&d_read);
    }
    let final_columns = if reads == Reads::LastState { read_by(network, tracks) } else { Vec::new() };
    let mut backs = Vec::with_capacity(tracks.len());
    for (index, layer) in network.layers().iter().enumerate().rev() {
        let mut d_inputs = if layer.residual { d_outputs.clone() } else { Array3::zeros((steps, rows, layer.input())) };
        // Backwards, so that turned round at the end they stand in the tracks' order.
        for (at, track) in tracks.iter().enumerate().rev().filter(|(_, track)| track.layer == index) {
            let width = track.cell.get().output();
            let own = d_outputs.slice(s![.., .., columns(layer.bidirectional, track, width)]).to_owned();
            let own = if track.reversed { window.reversed(&own) } else { own };
            let read = final_columns.iter().find(|(_, track)| *track == at);
            let d_final = match read {
                Some((columns, _)) => d_read.slice(s![.., columns.clone()]).to_owned(),
                None => Array2::zeros((rows, width)),
            };
            let back = track.backward(window, &pass.tracks[at], &own, &d_final)?;
            d_inputs += &if track.reversed { window.reversed(&back.inputs) } else { back.inputs.clone() };
            backs.push(back);
        }
        d_outputs = d_inputs;
    }
    backs.reverse();
    Ok((d_outputs, backs))
}

/// The states of the rows before their windows: zero, or what the steps before have left.
fn states_before<D: Sequences>(network: &Network, data: &D, rows: &[Row]) -> Result<State, Error> {
    let mut states = network.zero_state(rows.len());
    let most = rows.iter().map(|row| row.before).max().unwrap_or(0);
    for t in 0..most {
        let running: Vec<usize> = (0..rows.len()).filter(|&place| t < rows[place].before).collect();
        let mut x = Array2::zeros((running.len(), data.input()));
        for (mut to, &place) in x.outer_iter_mut().zip(&running) {
            to.assign(&Array1::from_vec(step(data, rows[place].row, t)?));
        }
        let (_, next) = network.step(x.view(), &states.select(&running))?;
        for (CellState { h, c }, next) in states.cells.iter_mut().zip(&next.cells) {
            for (from, &place) in running.iter().enumerate() {
                h.row_mut(place).assign(&next.h.row(from));
                c.row_mut(place).assign(&next.c.row(from));
            }
        }
    }
    Ok(states)
}

/// What the first layer reads: [N, B, I], a vector for each token where there is an embedding.
fn inputs<D: Sequences>(network: &Network, data: &D, rows: &[Row], window: &Window) -> Result<Array3<f32>, Error> {
    let vectors = network.stack().embedding.map(|of| (of, network.arrays().remove("embedding.kernel")));
    let mut x = Array3::zeros((window.len(), rows.len(), network.layers()[0].input()));
    for (place, &Row { row, before, steps }) in rows.iter().enumerate() {
        for t in 0..steps {
            let read = step(data, row, before + t)?;
            let mut to = x.slice_mut(s![window.start(place) + t, place, ..]);
            let from = match &vectors {
                Some((Embedding { tokens, size }, Some(vectors))) => {
                    let found = read[0];
                    if found.fract() != 0.0 || !(0.0..*tokens as f32).contains(&found) {
                        return Err(Error::Token { row, step: before + t, found, tokens: *tokens });
                    }
                    &vectors.data[found as usize * size..][..*size]
                }
                _ => &read[..],
            };
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        }
    }
    Ok(x)
}

/// A step of the data, which must be finite.
fn step<D: Sequences>(data: &D, row: usize, t: usize) -> Result<Vec<f32>, Error> {
    let mut x = vec![0.0; data.input()];
    data.read(row, t, &mut x);
    match x.iter().find(|x| !x.is_finite()) {
        Some(&found) => Err(Error::NotFinite { what: format!("step {t} of row {row}"), found: f64::from(found) }),
        None => Ok(x),
    }
}
