//! Threads, and what each of them needs to carry tiles through a model.

use std::ops::Range;

use elman_kernels::{
    Engine, Isa, NO_LABEL, Pass, Pool, Score, Team, absolute_error, huber_error, in_top_1, padded, pinball,
    sigmoid_cross_entropy, softmax_cross_entropy, squared_error,
};
use ndarray::{Array2, ArrayViewMut2, Axis};

use crate::model::ends::Ends;
use crate::model::head::{Head, Link, Predicts, Quantiles, Reads, ValueLoss, Values};
use crate::model::head_tile::HeadTile;
use crate::model::model::Model;
use crate::network::groups::WIDE;
use crate::network::layer::{Merge, Stack};
use crate::network::shape::{Piece, Shape};
use crate::network::state::State;
use crate::network::tile::{Tile, Training};
use crate::{Labelled, Sequences};

/// A pool of threads with a workspace each, sized once for a model and the steps of its data.
pub(crate) struct Workers {
    pub(crate) pool: Pool,
    pub(crate) spaces: Vec<Workspace>,
    job: Job,
}

/// Everything one thread needs for one tile.
pub(crate) struct Workspace {
    tile: Tile,
    head: HeadTile,
    /// `[O]`: the outputs of a step.
    line: Vec<f32>,
    labels: Vec<u32>,
    /// The values of the rows, [R, F].
    values: Vec<f32>,
}

/// Threads, steps and memory of a job, by which workers are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// Rows of a tile.
    pub(crate) rows: usize,
    pub(crate) steps: usize,
    /// Steps of a part of the sequences.
    pub(crate) part: usize,
    /// As asked for: the system may refuse some.
    pub(crate) threads: usize,
    pub(crate) isa: Isa,
}

impl Job {
    /// Tiles that the rows of a data set are cut into, in their order.
    pub(crate) fn tiles<D: Sequences + ?Sized>(&self, data: &D) -> usize {
        data.len().div_ceil(self.rows)
    }
}

impl Workers {
    fn new(model: &Model, job: Job) -> Self {
        let pool = Pool::new(job.threads);
        let spaces = (0..pool.threads()).map(|_| Workspace::new(model, job)).collect();
        Workers { pool, spaces, job }
    }

    /// Calls `body(engine, workspace, index, item)` for every item, a tile or several: side by side, or where there are
    /// fewer of them than threads, one after the other, with all threads on each large product.
    pub(crate) fn for_each<T: Send>(
        &mut self,
        stack: &Stack,
        items: &mut [T],
        body: impl Fn(Engine<'_>, &mut Workspace, usize, &mut T) + Sync,
    ) {
        let (isa, pass) = (self.job.isa, Pass::new());
        if items.len() == 1 || items.len() < self.pool.threads() && stack.widest() >= WIDE {
            let team = Team::new(&mut self.pool);
            let engine = stack.engine(isa, pass, Some(&team));
            let space = &mut self.spaces[0];
            items.iter_mut().enumerate().for_each(|(index, item)| body(engine, space, index, item));
        } else {
            self.pool.for_each(&mut self.spaces, items, |space, index, item| {
                body(stack.engine(isa, pass, None), space, index, item);
            });
        }
    }

    /// Loss and accuracy of some tiles of a data set, each.
    pub(crate) fn evaluate<D: Labelled + ?Sized>(
        &mut self,
        model: &Model,
        data: &D,
        tiles: Range<usize>,
    ) -> Vec<Score> {
        let rows = self.job.rows;
        let mut scores = vec![Score::default(); tiles.len()];
        self.for_each(model.stack(), &mut scores, |engine, space, index, score| {
            let index = tiles.start + index;
            let rows = index * rows..((index + 1) * rows).min(data.len());
            let pieces = rows.map(|row| Piece::whole(row, data.length(row)));
            *score = space.evaluate(engine, model, data, pieces, None);
        });
        scores
    }

    /// The same of rows that are streams, worked off in windows with the state carried.
    pub(crate) fn evaluate_streams<D: Labelled + ?Sized>(
        &mut self,
        model: &Model,
        data: &D,
        own: Range<usize>,
    ) -> Vec<Score> {
        let (rows, window) = (self.job.rows, self.job.steps);
        let mut tiles = vec![(Score::default(), Ends::default()); own.len()];
        let mut state = State::zeros(model.stack(), data.len());
        for start in (0..data.steps()).step_by(window) {
            let carried = (start > 0).then_some(&state);
            self.for_each(model.stack(), &mut tiles, |engine, space, index, (score, kept)| {
                let index = own.start + index;
                let rows = index * rows..((index + 1) * rows).min(data.len());
                let rows = rows.filter(|&row| data.length(row) > start);
                let pieces = rows.map(|row| Piece::window(row, start, window, data.length(row)));
                score.add(space.evaluate(engine, model, data, pieces, carried));
                kept.clear();
                space.keep(kept);
            });
            for (_, kept) in &tiles {
                kept.restore(&mut state);
            }
        }
        tiles.into_iter().map(|(score, _)| score).collect()
    }

    /// The outputs of a head on whole rows for every row of a data set, as `finish` leaves them: of
    /// [`Head::answer`](crate::Head), probabilities [N, C], quantiles [N, F Q] or values [N, F].
    pub(crate) fn predict<D: Sequences + ?Sized>(
        &mut self,
        model: &Model,
        data: &D,
        finish: impl Fn(&mut [f32]) + Sync,
    ) -> Array2<f32> {
        let rows = self.job.rows;
        let mut answers = Array2::zeros((data.len(), model.head().outputs()));
        let mut tiles: Vec<ArrayViewMut2<'_, f32>> = answers.axis_chunks_iter_mut(Axis(0), rows).collect();
        self.for_each(model.stack(), &mut tiles, |engine, space, index, out| {
            let first = index * rows;
            let pieces = (first..first + out.nrows()).map(|row| Piece::whole(row, data.length(row)));
            space.forward(engine, model, data, pieces, None, None);
            space.read_row(model);
            space.head.forward(engine, &model.parameters, space.tile.count());
            for (place, piece) in space.tile.pieces().iter().enumerate() {
                let outputs = space.head.output_mut(place);
                finish(outputs);
                out.row_mut(piece.row - first).iter_mut().zip(outputs).for_each(|(to, from)| *to = *from);
            }
        });
        answers
    }

    /// The same at every step of one row, for a head on every step: [T, C] or [T, F].
    pub(crate) fn predict_steps<D: Sequences + ?Sized>(
        &mut self,
        model: &Model,
        data: &D,
        row: usize,
        finish: impl Fn(&mut [f32]),
    ) -> Array2<f32> {
        let (engine, space) = (model.stack().engine(self.job.isa, Pass::new(), None), &mut self.spaces[0]);
        let mut answers = Array2::zeros((data.length(row), model.head().outputs()));
        space.forward(engine, model, data, [Piece::whole(row, data.length(row))], None, None);
        for part in 0..space.tile.shape().parts() {
            space.tile.hold(engine, model.view(), data, part);
            for t in space.tile.steps_of(part).take_while(|&t| t < data.length(row)) {
                space.read_step(model, part, t);
                space.head.forward(engine, &model.parameters, 1);
                let outputs = space.head.output_mut(0);
                finish(outputs);
                answers.row_mut(t).iter_mut().zip(outputs).for_each(|(to, from)| *to = *from);
            }
        }
        answers
    }
}

/// Scores in their order.
pub(crate) fn sum(scores: impl IntoIterator<Item = Score>) -> Score {
    scores.into_iter().fold(Score::default(), |mut sum, score| {
        sum.add(score);
        sum
    })
}

/// How a loss of classes is made: by default all count alike, and labels are sharp.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClassLoss<'a> {
    /// `[C]`, or empty: 1 for each.
    pub(crate) weights: &'a [f32],
    /// S, from 0 to below 1.
    pub(crate) smoothing: f32,
}

/// What of a batch every tile needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task<'a> {
    pub(crate) training: Training,
    /// Where the rows go on from; without it, from zero.
    pub(crate) carried: Option<&'a State>,
    /// How classes are scored.
    pub(crate) classes: ClassLoss<'a>,
    /// What the gradient of each loss is multiplied by.
    pub(crate) scale: f32,
}

/// The tiles of a model that is trained.
fn shape(head: &Head, rows: usize, steps: usize, part: usize) -> Shape {
    Shape { steps, rows, part, through_outputs: head.reads != Reads::LastState, inputs_too: false, initial_too: false }
}

impl Workspace {
    /// Bytes of a workspace for tiles of `rows` rows: known from the sizes alone.
    pub(crate) fn bytes(stack: &Stack, head: &Head, rows: usize, steps: usize, part: usize) -> usize {
        let shape = shape(head, rows, steps, part);
        shape.bytes(stack) + HeadTile::bytes(head, stack, shape.rows)
    }

    /// Parts are multiples of so many steps.
    pub(crate) fn unit(head: &Head, rows: usize) -> usize {
        shape(head, rows, 1, 1).unit()
    }

    fn new(model: &Model, job: Job) -> Self {
        let stack = model.stack();
        let shape = shape(model.head(), job.rows, job.steps, job.part);
        Workspace {
            tile: Tile::new(stack, shape),
            head: HeadTile::new(model.head(), stack, &model.plan, shape.rows),
            line: vec![0.0; stack.output()],
            labels: Vec::with_capacity(shape.rows),
            values: Vec::new(),
        }
    }

    /// From pieces of the rows of a data set to the states of all layers.
    fn forward<D: Sequences + ?Sized>(
        &mut self,
        engine: Engine<'_>,
        model: &Model,
        data: &D,
        pieces: impl IntoIterator<Item = Piece>,
        training: Option<Training>,
        carried: Option<&State>,
    ) {
        self.tile.take(pieces, training);
        self.tile.set_initial(None, carried);
        let Workspace { tile, head, line, .. } = self;
        head.pooled.clear();
        let (stack, plan, top) = (model.stack(), &model.plan, model.stack().layers.len() - 1);
        tile.forward(engine, model.view(), data, |tile, part| {
            if !head.reads().pools() {
                return;
            }
            for t in tile.steps_of(part) {
                for place in 0..tile.active(t) {
                    tile.output(stack, plan, top, part, t, place, line);
                    head.see(place, line);
                }
                head.take_step(engine, &model.parameters, tile.active(t));
            }
        });
    }

    /// The states that the rows of the tile ended in.
    pub(crate) fn keep(&self, kept: &mut Ends) {
        for (place, piece) in self.tile.pieces().iter().enumerate() {
            kept.rows.push(piece.row);
            for track in 0..self.tile.track_count() {
                kept.states.extend(self.tile.final_h(track, place));
                kept.states.extend(self.tile.final_c(track, place));
            }
        }
    }

    /// Loss and accuracy of some rows.
    fn evaluate<D: Labelled + ?Sized>(
        &mut self,
        engine: Engine<'_>,
        model: &Model,
        data: &D,
        pieces: impl IntoIterator<Item = Piece>,
        carried: Option<&State>,
    ) -> Score {
        self.forward(engine, model, data, pieces, None, carried);
        if self.head.reads() != Reads::EveryStep {
            return self.score_row(engine, model, data, ClassLoss::default(), 1.0);
        }
        let mut score = Score::default();
        for part in (0..self.tile.shape().parts()).rev() {
            self.tile.hold(engine, model.view(), data, part);
            for t in self.tile.steps_of(part).rev() {
                score.add(self.score_step(engine, model, data, part, t, ClassLoss::default(), 1.0));
            }
        }
        score
    }

    /// Forward, loss and backward of some rows: adds the gradient of the sum of their losses times the task's scale.
    pub(crate) fn train<D: Labelled + ?Sized>(
        &mut self,
        engine: Engine<'_>,
        model: &Model,
        data: &D,
        pieces: impl IntoIterator<Item = Piece>,
        task: Task<'_>,
        gradient: &mut [f32],
    ) -> Score {
        let Task { training, carried, classes, scale } = task;
        self.forward(engine, model, data, pieces, Some(training), carried);
        self.tile.clear_gradients();
        let mut score = Score::default();
        if self.head.reads() != Reads::EveryStep {
            score = self.score_row(engine, model, data, classes, scale);
            self.head.backward(engine, &model.transposed, self.tile.count(), gradient);
        }
        if self.head.reads() == Reads::LastState {
            self.final_states_back(model);
        }
        let width = padded(model.stack().output());
        for part in (0..self.tile.shape().parts()).rev() {
            self.tile.hold(engine, model.view(), data, part);
            let (steps, count) = (self.tile.steps_of(part), self.tile.count());
            if self.head.reads() == Reads::EveryStep {
                for t in steps.clone().rev() {
                    let rows = self.tile.active(t);
                    if rows == 0 {
                        continue;
                    }
                    score.add(self.score_step(engine, model, data, part, t, classes, scale));
                    self.head.backward(engine, &model.transposed, rows, gradient);
                    let d_outputs = self.tile.d_outputs_mut(model.stack(), part);
                    let to = &mut d_outputs[(t - steps.start) * count * width..][..rows * width];
                    to.copy_from_slice(self.head.d_inputs(rows));
                }
            }
            if self.head.reads().pools() {
                let Workspace { tile, head, .. } = self;
                let (stack, top) = (model.stack(), model.stack().layers.len() - 1);
                // Against time, as the parts are: the same sums in the same order, however the sequence is cut.
                for t in steps.clone().rev() {
                    let rows = tile.active(t);
                    if rows == 0 {
                        continue;
                    }
                    for place in 0..rows {
                        if let Some(outputs) = head.show(place) {
                            tile.output(stack, &model.plan, top, part, t, place, outputs);
                        }
                    }
                    let to = &mut tile.d_outputs_mut(stack, part)[(t - steps.start) * count * width..][..rows * width];
                    head.step_back(engine, &model.parameters, &model.transposed, t, rows, gradient, to);
                }
            }
            self.tile.backward(engine, model.view(), &model.transposed, data, part, gradient);
        }
        score
    }

    /// What a head on whole rows reads of each.
    fn read_row(&mut self, model: &Model) {
        let Workspace { tile, head, .. } = self;
        let (tracks, merge) = final_states(model);
        for place in 0..tile.count() {
            let backward = merge.map(|_| tile.final_h(tracks.start + 1, place));
            head.read_row(place, tile.final_h(tracks.start, place), backward);
        }
    }

    /// The gradient by what a head on the last state read becomes that by the final states.
    fn final_states_back(&mut self, model: &Model) {
        let Workspace { tile, head, line, .. } = self;
        let (tracks, merge) = final_states(model);
        let count = tile.count();
        let d_read = head.d_inputs(count);
        for place in 0..count {
            let d = &d_read[place * (d_read.len() / count)..];
            for track in tracks.clone() {
                let reversed = track > tracks.start;
                let other = tile.final_h(if reversed { tracks.start } else { tracks.end - 1 }, place);
                let other = &mut line[..other.len()];
                other.copy_from_slice(tile.final_h(if reversed { tracks.start } else { tracks.end - 1 }, place));
                let (d_h, _) = tile.d_state_mut(model.stack(), &model.plan, track, place);
                match merge {
                    Some(merge) => merge.back(d, other, reversed, d_h),
                    None => d_h.copy_from_slice(&d[..d_h.len()]),
                }
            }
        }
    }

    /// The outputs of step t as the head reads them.
    fn read_step(&mut self, model: &Model, part: usize, t: usize) {
        let top = model.stack().layers.len() - 1;
        for place in 0..self.tile.active(t) {
            let to = self.head.input_mut(place);
            self.tile.output(model.stack(), &model.plan, top, part, t, place, to);
        }
    }

    /// The loss of a head on whole rows; the outputs of the head become its gradient times `scale`.
    fn score_row<D: Labelled + ?Sized>(
        &mut self,
        engine: Engine<'_>,
        model: &Model,
        data: &D,
        classes: ClassLoss<'_>,
        scale: f32,
    ) -> Score {
        self.read_row(model);
        self.head.forward(engine, &model.parameters, self.tile.count());
        let target = data.target();
        let Workspace { tile, labels, values, .. } = self;
        if let Some(horizon) = model.head().horizon() {
            values.resize(tile.count() * horizon, f32::NAN);
            for (piece, values) in tile.pieces().iter().zip(values.chunks_exact_mut(horizon)) {
                target.values(piece.row, None, values);
            }
        } else {
            labels.clear();
            // Data without such a class was refused.
            let label = |piece: &Piece| target.class(piece.row, None).unwrap_or_default() as u32;
            labels.extend(tile.pieces().iter().map(label));
        }
        self.score(model, self.tile.count(), classes, scale)
    }

    /// The same on the outputs of step t.
    #[expect(clippy::too_many_arguments, reason = "a kernel: every slice by its name")]
    fn score_step<D: Labelled + ?Sized>(
        &mut self,
        engine: Engine<'_>,
        model: &Model,
        data: &D,
        part: usize,
        t: usize,
        classes: ClassLoss<'_>,
        scale: f32,
    ) -> Score {
        let rows = self.tile.active(t);
        self.read_step(model, part, t);
        self.head.forward(engine, &model.parameters, rows);
        let target = data.target();
        let Workspace { tile, labels, values, .. } = self;
        let pieces = tile.pieces()[..rows].iter();
        if let Some(horizon) = model.head().horizon() {
            values.resize(rows * horizon, f32::NAN);
            for (piece, values) in pieces.zip(values.chunks_exact_mut(horizon)) {
                target.values(piece.row, Some(piece.start + t), values);
            }
        } else {
            labels.clear();
            let label =
                |piece: &Piece| target.class(piece.row, Some(piece.start + t)).map_or(NO_LABEL, |class| class as u32);
            labels.extend(pieces.map(label));
        }
        self.score(model, rows, classes, scale)
    }

    /// The loss of the outputs of `rows` rows against the labels or values that were gathered.
    fn score(&mut self, model: &Model, rows: usize, classes: ClassLoss<'_>, scale: f32) -> Score {
        let dense = self.head.last();
        let (stride, outputs) = (dense.output_stride(), self.head.outputs_mut(rows));
        match &model.head().predicts {
            Predicts::Classes(count) => {
                let ClassLoss { weights, smoothing } = classes;
                softmax_cross_entropy(outputs, stride, *count, &self.labels, weights, smoothing, scale)
            }
            Predicts::Quantiles(Quantiles { levels, .. }) => pinball(outputs, stride, levels, &self.values, scale),
            Predicts::Values(Values { link: Link::Identity, loss, .. }) => {
                let error = match loss {
                    ValueLoss::Squared => squared_error,
                    ValueLoss::Absolute => absolute_error,
                    ValueLoss::Huber => huber_error,
                };
                error(outputs, stride, &self.values, scale)
            }
            Predicts::Values(Values { link: Link::Sigmoid, .. }) => {
                sigmoid_cross_entropy(outputs, stride, &self.values, scale)
            }
        }
    }
}

/// The tracks of the last layer, and how its final states come together.
fn final_states(model: &Model) -> (Range<usize>, Option<Merge>) {
    let top = model.stack().layers.len() - 1;
    (model.plan.tracks_of(top), model.stack().layers[top].bidirectional.map(Merge::of_states))
}

/// The workers for a job: those there are, or new ones.
pub(crate) fn take_workers<'a>(workers: &'a mut Option<Workers>, model: &Model, job: Job) -> &'a mut Workers {
    if workers.as_ref().is_some_and(|workers| workers.job != job) {
        *workers = None;
    }
    workers.get_or_insert_with(|| Workers::new(model, job))
}

/// The class of highest probability; of equals the first. None if a probability is not a number.
pub fn most_probable(probabilities: &[f32]) -> Option<usize> {
    (0..probabilities.len()).find(|&class| in_top_1(probabilities, class))
}
