//! A tile: a few rows of a batch that one worker carries through all layers and all their steps, forward and back.
//!
//! T steps, R rows of the tile, S steps of a part; P, M, I of a cell rounded up to whole vectors are Pp, Mp, Ip.
//!
//! A long sequence may be worked off in parts of S steps, to save memory: on the way forward only the states between
//! parts are kept, on the way back each part is run again from there. The gradients are the same, bit for bit.

use std::ops::Range;

use elman_kernels::unroll::{Initial, Lengths, Phase, Upstream};
use elman_kernels::{Aligned, Engine, Unroll, draw_mask, padded, panels};

use crate::Sequences;
use crate::data::augment::Draw;
use crate::network::grid::Grids;
use crate::network::layer::{Layer, Merge, Stack};
use crate::network::parameters::Plan;
use crate::network::passage::{Passage, View};
use crate::network::shape::{Piece, Room, Shape};
use crate::network::state::State;
use crate::network::window::Window;
use crate::random::{Purpose, Random};

/// Steps of a row that one source of random numbers draws the masks of: setting it up costs more than its numbers. A
/// constant, so that a mask does not depend on the rows beside it.
const SOURCE_STEPS: usize = 4;

/// What training does that inference does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training {
    /// What the masks are drawn from.
    pub(crate) seed: u64,
    /// The step of training, from 0.
    pub(crate) step: u64,
    /// Steps after which the gradient by the state is cut; 0: never.
    pub(crate) truncate: usize,
}

/// The states of a track at one point in time, without padding: h [R, P], c [R, M].
#[derive(Clone, Debug)]
struct TrackState {
    h: Vec<f32>,
    c: Vec<f32>,
}

/// The buffers of a tile.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    shape: Shape,
    order: Vec<Piece>,
    /// Which steps each layer runs, and which rows run them.
    grids: Grids,
    initial: Initial,
    training: Option<Training>,
    tracks: Vec<Unroll>,
    /// The layer of each track.
    layer_of: Vec<usize>,
    /// The states before each part, for each track.
    before: Vec<Vec<TrackState>>,
    /// The states after each row's last step.
    last: Vec<TrackState>,
    /// The part that the buffers hold.
    held: usize,
    /// [S, R, words] for each layer: outputs that are kept on their way to the next.
    dropout: Vec<Vec<u16>>,
    /// Gradients by each track's state, [R, Pp] and [R, Mp]: on the way back, by the state after the part.
    d_state: Vec<(Aligned, Aligned)>,
    /// [S, R, …]: the gradient by a layer's outputs, by those of one direction, and by its inputs.
    d_above: Aligned,
    d_outputs: Aligned,
    d_inputs: Aligned,
    d_below: Aligned,
    line: Vec<f32>,
    /// [L, I]: the steps of a row that a layer's windows are taken of.
    below: Vec<f32>,
}

impl Passage for Tile {
    /// The part that the buffers are to hold.
    fn tracks(&mut self, layer: usize) -> (&mut [Unroll], Lengths<'_>) {
        let steps = self.span(layer, self.held);
        let Tile { order, grids, initial, training, tracks, .. } = self;
        (tracks, lengths(grids.active(layer), steps, order.len(), *initial, *training))
    }

    fn hand_on(&mut self, View { stack, plan, .. }: View<'_>, layer: usize) {
        let (rows, part) = (self.order.len(), self.held);
        let steps = self.span(layer, part);
        let width = stack.layers[layer].output();
        if stack.layers[layer + 1].window.is_some() {
            let mut below = std::mem::take(&mut self.below);
            for place in 0..rows {
                let length = self.grids.length(layer, place);
                for (t, to) in below[..length * width].chunks_exact_mut(width).enumerate() {
                    self.output(stack, plan, layer, part, t, place, to);
                }
                self.lay_windows(stack, plan, layer + 1, place, &below[..length * width]);
            }
            self.below = below;
            return;
        }
        let mut line = std::mem::take(&mut self.line);
        for place in 0..rows {
            let length = self.grids.length(layer, place);
            for t in steps.start..length.min(steps.end) {
                self.output(stack, plan, layer, part, t, place, &mut line[..width]);
                for track in plan.tracks_of(layer + 1) {
                    let at = if plan.tracks[track].reversed { length - 1 - t } else { t - steps.start };
                    self.tracks[track].input_mut(at, rows, place).copy_from_slice(&line[..width]);
                }
            }
        }
        self.line = line;
    }
}

impl Tile {
    pub(crate) fn new(stack: &Stack, shape: Shape) -> Self {
        let layers = stack.layers.iter().enumerate();
        let cells =
            || layers.clone().flat_map(|(index, layer)| std::iter::repeat_n((index, layer), layer.directions()));
        let grids = Grids::new(stack, shape.rows, shape.steps);
        assert!(grids.is_one() || shape.parts() == 1, "windows need whole sequences");
        let Room { states, d_states, dropout, between, line, below } = shape.room(stack, &grids);
        let part = |layer: usize| if grids.is_one() { shape.part } else { grids.steps(layer) };
        let kept = || states.iter().map(|&[h, c]| TrackState { h: vec![0.0; h], c: vec![0.0; c] }).collect::<Vec<_>>();
        let [d_above, d_outputs, d_inputs, d_below] = between.map(Aligned::zeros);
        Tile {
            shape,
            order: Vec::with_capacity(shape.rows),
            initial: Initial::Zero,
            training: None,
            tracks: cells().map(|(index, layer)| Unroll::new(layer.cell.get(), part(index), shape.rows)).collect(),
            before: (0..shape.parts()).map(|_| kept()).collect(),
            last: kept(),
            held: 0,
            dropout: dropout.into_iter().map(|words| vec![u16::MAX; words]).collect(),
            d_state: d_states.into_iter().map(|[h, c]| (Aligned::zeros(h), Aligned::zeros(c))).collect(),
            d_above,
            d_outputs,
            d_inputs,
            d_below,
            line: vec![0.0; line],
            below: vec![0.0; below],
            layer_of: cells().map(|(index, _)| index).collect(),
            grids,
        }
    }

    /// Takes other rows, as many as there is room for or fewer. They start from zero; masks are drawn in training.
    pub(crate) fn take(&mut self, pieces: impl IntoIterator<Item = Piece>, training: Option<Training>) {
        self.order.clear();
        self.order.extend(pieces);
        self.order.sort_by_key(|piece| std::cmp::Reverse(piece.length));
        self.grids.take(self.order.iter().map(|piece| piece.length));
        self.initial = Initial::Zero;
        self.training = training;
        for kept in &mut self.before[0] {
            kept.h.fill(0.0);
            kept.c.fill(0.0);
        }
    }

    /// Starts the rows from states, indexed as the pieces' rows: those that are carried from one, the others from the
    /// other.
    pub(crate) fn set_initial(&mut self, initial: Option<&State>, carried: Option<&State>) {
        if initial.is_none() && carried.is_none() {
            return;
        }
        self.initial = Initial::Given;
        for (place, piece) in self.order.iter().enumerate() {
            let Some(from) = carried.filter(|_| piece.carried).or(initial) else { continue };
            for (kept, cell) in self.before[0].iter_mut().zip(&from.cells) {
                for (to, from) in [(&mut kept.h, cell.h.row(piece.row)), (&mut kept.c, cell.c.row(piece.row))] {
                    let width = from.len();
                    to[place * width..][..width].iter_mut().zip(from).for_each(|(to, &from)| *to = from);
                }
            }
        }
    }

    /// The rows, the longest first.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.order
    }

    /// Rows in the tile.
    pub(crate) fn count(&self) -> usize {
        self.order.len()
    }

    /// Directions of all layers.
    pub(crate) fn track_count(&self) -> usize {
        self.tracks.len()
    }

    /// How it is cut.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Steps of the outputs of a part, by their place in the sequence.
    pub(crate) fn steps_of(&self, part: usize) -> Range<usize> {
        self.span(self.top(), part)
    }

    /// Steps of the data of a part.
    pub(super) fn steps_of_data(&self, part: usize) -> Range<usize> {
        part * self.shape.part..((part + 1) * self.shape.part).min(self.shape.steps)
    }

    /// Steps of a part that a layer runs.
    fn span(&self, layer: usize, part: usize) -> Range<usize> {
        if self.grids.is_one() { self.steps_of_data(part) } else { 0..self.grids.steps(layer) }
    }

    /// The last layer.
    fn top(&self) -> usize {
        self.layer_of.last().copied().unwrap_or(0)
    }

    /// Rows that have step t of the outputs.
    pub(crate) fn active(&self, t: usize) -> usize {
        self.grids.active(self.top())[t]
    }

    /// Steps of the outputs of the row at `place`.
    pub(crate) fn length(&self, place: usize) -> usize {
        self.grids.length(self.top(), place)
    }

    /// The final h `[P]` of a track for the row at `place`.
    pub(crate) fn final_h(&self, track: usize, place: usize) -> &[f32] {
        let width = self.last[track].h.len() / self.shape.rows;
        &self.last[track].h[place * width..][..width]
    }

    /// The final c `[M]`.
    pub(crate) fn final_c(&self, track: usize, place: usize) -> &[f32] {
        let width = self.last[track].c.len() / self.shape.rows;
        &self.last[track].c[place * width..][..width]
    }

    /// All layers and steps forward, `look` being shown the tile after each part. The buffers then hold the last part.
    pub(crate) fn forward<D: Sequences + ?Sized>(
        &mut self,
        engine: Engine<'_>,
        network: View<'_>,
        data: &D,
        mut look: impl FnMut(&Tile, usize),
    ) {
        let Tile { last, before, .. } = self;
        last.clone_from(&before[0]);
        for part in 0..self.shape.parts() {
            self.run(engine, network, data, part);
            look(self, part);
            let rows = self.order.len();
            for track in 0..self.tracks.len() {
                let unroll = &self.tracks[track];
                let layer = self.layer_of[track];
                let steps = self.span(layer, part);
                for place in 0..rows {
                    let length = self.grids.length(layer, place);
                    let t = length.min(steps.end);
                    if t <= steps.start {
                        continue;
                    }
                    let (h, c) =
                        (unroll.state(t - steps.start, rows, place), unroll.memory(t - steps.start, rows, place));
                    let goes_on = length > steps.end;
                    let kept = if goes_on { &mut self.before[part + 1][track] } else { &mut self.last[track] };
                    kept.h[place * h.len()..][..h.len()].copy_from_slice(h);
                    kept.c[place * c.len()..][..c.len()].copy_from_slice(c);
                }
            }
        }
    }

    /// What the way back is asked for: the gradient by the outputs that enters, those by the inputs and by the initial
    /// states that leave. The buffers must have been made for it.
    pub(crate) fn ask(&mut self, through_outputs: bool, inputs_too: bool, initial_too: bool) {
        self.shape = Shape { through_outputs, inputs_too, initial_too, ..self.shape };
    }

    /// The only part again, after a way back has written over it: its inputs still stand in the buffers.
    pub(crate) fn again(&mut self, engine: Engine<'_>, network: View<'_>) {
        assert_eq!(self.shape.parts(), 1, "the inputs of other parts are gone");
        self.draw(network.stack, 0);
        self.start(0);
        self.pass(engine, network);
    }

    /// Makes the buffers hold a part, running it again where they hold another.
    pub(crate) fn hold<D: Sequences + ?Sized>(&mut self, engine: Engine<'_>, network: View<'_>, data: &D, part: usize) {
        if self.held != part {
            self.run(engine, network, data, part);
        }
    }

    /// A part of the steps forward, from the states kept before it.
    fn run<D: Sequences + ?Sized>(&mut self, engine: Engine<'_>, network: View<'_>, data: &D, part: usize) {
        self.held = part;
        self.read(network, data, part);
        self.draw(network.stack, part);
        self.start(part);
        self.pass(engine, network);
    }

    /// The states kept before a part become those it starts from.
    fn start(&mut self, part: usize) {
        let rows = self.order.len();
        for track in 0..self.tracks.len() {
            let (unroll, kept) = (&mut self.tracks[track], &self.before[part][track]);
            if self.initial == Initial::Given || part > 0 {
                for place in 0..rows {
                    let (h, c) = (unroll.initial_state_mut(place).len(), unroll.initial_memory_mut(place).len());
                    unroll.initial_state_mut(place).copy_from_slice(&kept.h[place * h..][..h]);
                    unroll.initial_memory_mut(place).copy_from_slice(&kept.c[place * c..][..c]);
                }
            }
        }
    }

    /// Reads a part of the rows into the first layer.
    fn read<D: Sequences + ?Sized>(&mut self, network: View<'_>, data: &D, part: usize) {
        let (rows, steps) = (self.order.len(), self.steps_of_data(part));
        let tracks = network.plan.tracks_of(0);
        let draw = self.training.map(|training| Draw { seed: training.seed, step: training.step });
        if network.stack.layers[0].window.is_some() {
            let (mut below, width) = (std::mem::take(&mut self.below), network.stack.layers[0].input());
            for place in 0..rows {
                let piece = self.order[place];
                for (t, to) in below[..piece.length * width].chunks_exact_mut(width).enumerate() {
                    read_step(network, data, piece, t, draw, to);
                }
                self.lay_windows(network.stack, network.plan, 0, place, &below[..piece.length * width]);
            }
            self.below = below;
            return;
        }
        for (place, &piece) in self.order.iter().enumerate() {
            for t in steps.start..piece.length.min(steps.end) {
                let first = self.tracks[tracks.start].input_mut(t - steps.start, rows, place);
                read_step(network, data, piece, t, draw, first);
                if tracks.len() == 2 {
                    let (forward, backward) = self.tracks.split_at_mut(tracks.start + 1);
                    let from = forward[tracks.start].input(t - steps.start, rows, place);
                    backward[0].input_mut(piece.length - 1 - t, rows, place).copy_from_slice(from);
                }
            }
        }
    }

    /// Writes the windows of the row at `place` that a layer reads, of the steps `[L, I]` below.
    fn lay_windows(&mut self, stack: &Stack, plan: &Plan, index: usize, place: usize, below: &[f32]) {
        let layer = &stack.layers[index];
        let Some(window) = layer.window else { return };
        let (rows, length) = (self.order.len(), self.grids.length(index, place));
        for track in plan.tracks_of(index) {
            for t in 0..length {
                let at = if plan.tracks[track].reversed { length - 1 - t } else { t };
                let to = self.tracks[track].input_mut(at, rows, place);
                window.read(below, layer.input(), t, layer.beyond(), to);
            }
        }
    }

    /// The gradient by the windows of a layer, [T, R, K I in whole vectors], becomes that by the steps below.
    fn leave_windows(&mut self, layer: &Layer, index: usize, window: Window) {
        let (rows, width) = (self.order.len(), layer.input());
        let (of_window, of_step) = (padded(layer.cell.get().input()), padded(width));
        let below = self.grids.steps_below(index);
        self.d_above[..below * rows * of_step].fill(0.0);
        for place in 0..rows {
            let steps = self.grids.length_below(index, place);
            for t in 0..self.grids.length(index, place) {
                let d = &self.d_below[(t * rows + place) * of_window..][..window.size * width];
                for (at, d) in window.places(steps, t).zip(d.chunks_exact(width)) {
                    let Some(at) = at else { continue };
                    let to = &mut self.d_above[(at * rows + place) * of_step..][..width];
                    to.iter_mut().zip(d).for_each(|(to, d)| *to += d);
                }
            }
        }
    }

    /// Draws the masks of a part: by the row of the data and the step, so that nothing else decides them.
    fn draw(&mut self, stack: &Stack, part: usize) {
        let (Some(training), true) = (self.training, stack.is_noisy()) else { return };
        let rows = self.order.len();
        // What is drawn for: a track, or a layer's outputs.
        let source = |purpose, piece: &Piece, t: usize, what: usize| {
            let place = (piece.row as u64) << 32 | ((piece.start + t) as u64) << 8 | what as u64;
            Random::at(training.seed, purpose, training.step, place)
        };
        // A part may start where a source is half used up: what it gave before is drawn again, and drawn over.
        let starts = self.span(0, part).start;
        let first = starts / SOURCE_STEPS * SOURCE_STEPS;
        let to = |t: usize| t.saturating_sub(starts);
        let tracks = self.tracks.len();
        let ends: Vec<usize> = (0..stack.layers.len()).map(|layer| self.span(layer, part).end).collect();
        for (place, piece) in self.order.iter().enumerate() {
            let grids = &self.grids;
            let own = |layer: usize| first..grids.length(layer, place).min(ends[layer]);
            for (track, unroll) in self.tracks.iter_mut().enumerate() {
                let mut random = source(Purpose::RowMasks, piece, 0, track);
                unroll.draw_row_mask(place, || random.bits());
                if !unroll.has_step_masks() {
                    continue;
                }
                for t in own(self.layer_of[track]) {
                    if t.is_multiple_of(SOURCE_STEPS) {
                        random = source(Purpose::Masks, piece, t, track);
                    }
                    unroll.draw_step_masks(to(t), rows, place, || random.bits());
                }
            }
            for (index, layer) in stack.layers.iter().enumerate().filter(|(_, layer)| layer.dropout > 0.0) {
                let words = panels(layer.output());
                let mut random = source(Purpose::Masks, piece, first, tracks + index);
                for t in own(index) {
                    if t.is_multiple_of(SOURCE_STEPS) {
                        random = source(Purpose::Masks, piece, t, tracks + index);
                    }
                    let mask = &mut self.dropout[index][(to(t) * rows + place) * words..][..words];
                    draw_mask(layer.dropout, &mut || random.bits(), mask);
                }
            }
        }
    }

    /// What a layer sends on at step t of the sequence, for the row at `place`: both directions, its input, its mask.
    #[expect(clippy::too_many_arguments, reason = "a place in a tile: every number by its name")]
    pub(crate) fn output(
        &self,
        stack: &Stack,
        plan: &Plan,
        index: usize,
        part: usize,
        t: usize,
        place: usize,
        out: &mut [f32],
    ) {
        let (rows, local, layer) = (self.order.len(), t - self.span(index, part).start, &stack.layers[index]);
        let tracks = plan.tracks_of(index);
        let forward = self.tracks[tracks.start].state(local + 1, rows, place);
        let backward = layer.bidirectional.map(|_| {
            let at = self.grids.length(index, place) - 1 - t;
            self.tracks[tracks.start + 1].state(at + 1, rows, place)
        });
        layer.send(forward, backward, || self.tracks[tracks.start].input(local, rows, place), out);
        if self.training.is_some() && layer.dropout > 0.0 {
            let words = panels(out.len());
            mask(&self.dropout[index][(local * rows + place) * words..][..words], layer.dropout, out);
        }
    }

    /// Before the way back: no gradient by any final state.
    pub(crate) fn clear_gradients(&mut self) {
        for (d_h, d_c) in &mut self.d_state {
            d_h.fill(0.0);
            d_c.fill(0.0);
        }
    }

    /// The gradients by the final h `[P]` and c `[M]` of a track for the row at `place`, to be added to before the way
    /// back; after it, those by the initial ones.
    pub(crate) fn d_state_mut(
        &mut self,
        stack: &Stack,
        plan: &Plan,
        track: usize,
        place: usize,
    ) -> (&mut [f32], &mut [f32]) {
        let cell = plan.cell(stack, track);
        let (d_h, d_c) = &mut self.d_state[track];
        let (pp, mp) = (padded(cell.output()), padded(cell.memory()));
        (&mut d_h[place * pp..][..cell.output()], &mut d_c[place * mp..][..cell.memory()])
    }

    /// The gradient by the outputs of the last layer over a part, [S, R, Op], to be filled.
    pub(crate) fn d_outputs_mut(&mut self, stack: &Stack, part: usize) -> &mut [f32] {
        let len = self.steps_of(part).len() * self.order.len() * padded(stack.output());
        &mut self.d_above[..len]
    }

    /// A part of the steps back, which the buffers hold; the last part first. The gradient by the parameters is added to
    /// `gradient`. Returns that by the inputs of the first layer, [S, R, Ip], when it was asked for.
    pub(crate) fn backward<D: Sequences + ?Sized>(
        &mut self,
        engine: Engine<'_>,
        network: View<'_>,
        transposed: &[f32],
        data: &D,
        part: usize,
        gradient: &mut [f32],
    ) -> Option<&[f32]> {
        let View { stack, plan, parameters } = network;
        assert_eq!(self.held, part, "the buffers hold another part");
        let (rows, shape) = (self.order.len(), self.shape);
        let mut above = shape.through_outputs;
        let initial_too = shape.initial_too || part > 0;
        let mut inputs = false;
        for index in (0..stack.layers.len()).rev() {
            let (layer, steps) = (&stack.layers[index], self.span(index, part));
            let (cell, width) = (layer.cell.get(), padded(layer.output()));
            let (pp, ip) = (padded(cell.output()), padded(cell.input()));
            let [n_above, n_outputs, n_inputs] = [width, pp, ip].map(|width| steps.len() * rows * width);
            if above && layer.dropout > 0.0 && self.training.is_some() {
                let words = panels(layer.output());
                for (at, d) in self.d_above[..n_above].chunks_exact_mut(width).enumerate() {
                    mask(&self.dropout[index][at * words..][..words], layer.dropout, d);
                }
            }
            inputs = index > 0 || shape.inputs_too || stack.embedding.is_some();
            let tracks = plan.tracks_of(index);
            let single = tracks.len() == 1;
            if inputs && !single {
                self.d_below[..n_inputs].fill(0.0);
            }
            for track in tracks {
                let reversed = plan.tracks[track].reversed;
                if above && let Some(merge) = layer.bidirectional {
                    let d_outputs = &mut self.d_outputs[..n_outputs];
                    let other = &self.tracks[if reversed { track - 1 } else { track + 1 }];
                    part_of(
                        self.grids.lengths(index),
                        layer,
                        merge,
                        other,
                        &self.d_above[..n_above],
                        d_outputs,
                        rows,
                        reversed,
                    );
                }
                let outputs = if single { &self.d_above } else { &self.d_outputs };
                let d_inputs = if single { &mut self.d_below } else { &mut self.d_inputs };
                let (d_h, d_c) = &self.d_state[track];
                let mp = padded(cell.memory());
                let upstream = Upstream {
                    state: &d_h[..rows * pp],
                    memory: Some(&d_c[..rows * mp]),
                    outputs: above.then(|| &outputs[..n_outputs]),
                };
                let active = self.grids.active(index);
                let lengths = lengths(active, steps.clone(), rows, self.initial, self.training);
                let of = &plan.tracks[track];
                self.tracks[track].backward(
                    cell,
                    engine,
                    &parameters[of.weights.clone()],
                    &transposed[of.transposed.clone()],
                    lengths,
                    upstream,
                    &mut gradient[of.weights.clone()],
                    inputs.then(|| &mut d_inputs[..n_inputs]),
                    initial_too,
                );
                if inputs && !single {
                    add_in_order(
                        self.grids.lengths(index),
                        &self.d_inputs[..n_inputs],
                        &mut self.d_below[..n_inputs],
                        rows,
                        ip,
                        reversed,
                    );
                }
                self.keep_d_state(track, index, steps.start);
            }
            if inputs && layer.residual && above {
                self.d_below[..n_inputs].iter_mut().zip(&self.d_above[..n_above]).for_each(|(d, above)| *d += above);
            }
            match layer.window {
                Some(window) if inputs => self.leave_windows(layer, index, window),
                _ => std::mem::swap(&mut self.d_above, &mut self.d_below),
            }
            above = true;
        }
        let steps = self.steps_of_data(part);
        if let (true, Some(of)) = (inputs, stack.embedding) {
            let ip = padded(of.size);
            let into = &mut gradient[plan.embedding.clone()];
            // Against time, as the parts are: the same sums in the same order, however the sequence is cut.
            for t in steps.clone().rev() {
                for (place, &piece) in self.order[..self.grids.active_in_data()[t]].iter().enumerate() {
                    let vector = &mut into[token_at(data, piece, t) * of.size..][..of.size];
                    let d = &self.d_above[((t - steps.start) * rows + place) * ip..][..of.size];
                    vector.iter_mut().zip(d).for_each(|(to, d)| *to += d);
                }
            }
        }
        shape.inputs_too.then(|| {
            let ip = padded(stack.layers[0].input());
            &self.d_above[..steps.len() * rows * ip]
        })
    }

    /// The gradient by the state before the part becomes that by the state after the one before.
    fn keep_d_state(&mut self, track: usize, layer: usize, start: usize) {
        let (unroll, (d_h, d_c)) = (&self.tracks[track], &mut self.d_state[track]);
        for (place, _) in self.grids.lengths(layer).iter().enumerate().filter(|&(_, &length)| length > start) {
            for (to, from) in [(&mut *d_h, unroll.d_initial_state(place)), (d_c, unroll.d_initial_memory(place))] {
                to[place * padded(from.len())..][..from.len()].copy_from_slice(from);
            }
        }
    }
}

/// What the rows do in the steps of a part.
fn lengths(
    active: &[usize],
    steps: Range<usize>,
    rows: usize,
    initial: Initial,
    training: Option<Training>,
) -> Lengths<'_> {
    Lengths {
        rows,
        offset: steps.start,
        initial: if steps.start > 0 { Initial::Given } else { initial },
        phase: if training.is_some() { Phase::Training } else { Phase::Inference },
        truncate: training.map_or(0, |training| training.truncate),
        active: &active[steps],
    }
}

/// What the network reads of step t of a piece, in training or not.
fn read_step<D: Sequences + ?Sized>(
    network: View<'_>,
    data: &D,
    piece: Piece,
    t: usize,
    draw: Option<Draw>,
    to: &mut [f32],
) {
    let at = piece.start + t;
    network.read(
        |step| match draw {
            Some(draw) => data.read_in_training(piece.row, at, draw, step),
            None => data.read(piece.row, at, step),
        },
        to,
    );
}

/// The token at step t of a piece; the data has been checked.
fn token_at<D: Sequences + ?Sized>(data: &D, piece: Piece, t: usize) -> usize {
    let mut token = [0.0];
    data.read(piece.row, piece.start + t, &mut token);
    token[0] as usize
}

/// Keeps what has its bit set, scaled so that the mean stays; zero elsewhere.
fn mask(words: &[u16], p: f32, values: &mut [f32]) {
    let scale = 1.0 / (1.0 - p);
    for (at, value) in values.iter_mut().enumerate() {
        let bit = words.get(at / 16).is_some_and(|word| word >> (at % 16) & 1 == 1);
        *value = if bit { *value * scale } else { 0.0 };
    }
}

/// The gradient by the outputs of one direction, in the order in which that direction ran; `other` is the other one.
#[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
fn part_of(
    lengths: &[usize],
    layer: &Layer,
    merge: Merge,
    other: &Unroll,
    above: &[f32],
    out: &mut [f32],
    rows: usize,
    reversed: bool,
) {
    let (output, wide) = (layer.cell.get().output(), padded(layer.output()));
    let pp = padded(output);
    out.fill(0.0);
    for (place, &length) in lengths.iter().enumerate() {
        for t in 0..length {
            let (ahead, back) = (t, length - 1 - t);
            let (at, others) = if reversed { (back, ahead) } else { (ahead, back) };
            let from = &above[(t * rows + place) * wide..][..layer.output()];
            let to = &mut out[(at * rows + place) * pp..][..output];
            merge.back(from, other.state(others + 1, rows, place), reversed, to);
        }
    }
}

/// Adds the gradient by the inputs of one direction to that of both, in the order of the sequence.
fn add_in_order(lengths: &[usize], from: &[f32], into: &mut [f32], rows: usize, ip: usize, reversed: bool) {
    for (place, &length) in lengths.iter().enumerate() {
        for t in 0..length {
            let at = if reversed { length - 1 - t } else { t };
            let from = &from[(at * rows + place) * ip..][..ip];
            into[(t * rows + place) * ip..][..ip].iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}
