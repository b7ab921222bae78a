//! Training: one step is one batch, forward, backward, and the optimizer's.
//!
//! A batch is cut into tiles, by the shapes alone; consecutive tiles form a group with a gradient of its own; the
//! groups' gradients are added in their order. Which thread works on which group changes no bit.

use elman_kernels::{Aligned, Isa, Score, sum_arrays};

use crate::model::head::{Predicts, Quantiles, Reads, Values};
use crate::model::model::Model;
use crate::model::predictor::{Evaluation, evaluate, evaluate_streams};
use crate::network::shape::Piece;
use crate::network::state::State;
use crate::network::tile::Training;
use crate::training::batch_size::BatchSize;
use crate::training::fit::{Cut, Fit, Step, longest};
use crate::training::memory::{Memory, group_count};
use crate::training::optimizer::{Change, Descent, DescentState, EarlyStopping, Schedule, Span};
use crate::training::workers::{Job, Kept, Task, Workers, check_all, check_rows, check_streams, sum, take_workers};
use crate::{Error, Labelled, isa};

/// Parameters that one thread updates at a time. A multiple of 16.
const BLOCK: usize = 4096;

/// A model in training. Users write loops over [`Trainer::fit`], not callbacks.
pub struct Trainer {
    model: Model,
    /// The optimizer's settings; may be changed between steps, but not to an optimizer that keeps other arrays.
    pub descent: Descent,
    /// How long the run is, for schedules that depend on it. [`Fit`] says so; None, the default, outside it.
    pub span: Option<Span>,
    /// Rows of a batch. 128 by default.
    pub batch_size: BatchSize,
    /// Rows that are worked off at a time; the gradients of a batch add up. It bounds the memory of large batches, and
    /// changes results by rounding alone. 0, the default: all rows of the batch.
    pub micro_batch: usize,
    /// `[C]`: how much a row of each class counts. The loss is the mean by these weights, as in PyTorch. Empty, the default:
    /// 1 for each.
    pub class_weights: Vec<f32>,
    /// Fixes the order of the rows. 111 by default.
    pub seed: u64,
    /// Threads; as many as there are processors by default. Changes no bit of any result.
    pub threads: usize,
    /// Steps after which the gradient by the state is cut: truncated back-propagation through time. 0, the default: never.
    pub truncate: usize,
    /// Bytes that training may take beside the data. Sequences are worked off in parts where they would not fit, with
    /// the same gradients. None, the default: as much as whole sequences take.
    pub memory_budget: Option<usize>,
    /// The instruction set; by default what `ELMAN_ISA` says, or the widest.
    pub isa: Isa,
    pub(crate) state: DescentState,
    /// Steps done.
    pub(crate) step: u64,
    /// Epochs done.
    pub(crate) epoch: u64,
    workers: Option<Workers>,
    groups: Vec<Group>,
    gradient: Aligned,
    /// The parameters before the last step: its loss was finite.
    pub(crate) previous: Option<Aligned>,
    /// Where the streams go on from.
    pub(crate) carried: Option<State>,
}

/// Tiles that one thread works off, and the sum of their gradients.
struct Group {
    gradient: Aligned,
    score: Score,
    /// The states after a window, when they are carried.
    kept: Kept,
}

impl Trainer {
    /// A trainer with an optimizer or a whole [`Descent`], and the tutorial's other settings: batches of 128 rows, seed
    /// 111.
    pub fn new(model: Model, descent: impl Into<Descent>) -> Self {
        let descent = descent.into();
        let state = DescentState::new(&descent.algorithm, model.parameters.len());
        Trainer {
            model,
            descent,
            span: None,
            batch_size: BatchSize::Rows(128),
            micro_batch: 0,
            class_weights: Vec::new(),
            seed: 111,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            truncate: 0,
            memory_budget: None,
            isa: isa::active(),
            state,
            step: 0,
            epoch: 0,
            workers: None,
            groups: Vec::new(),
            gradient: Aligned::default(),
            previous: None,
            carried: None,
        }
    }

    /// With another course of the learning rate.
    pub fn schedule(self, schedule: impl Into<Schedule>) -> Self {
        Trainer { descent: self.descent.schedule(schedule), ..self }
    }

    /// With a gradient no longer than `norm`.
    pub fn clip_norm(self, norm: f64) -> Self {
        Trainer { descent: self.descent.clip_norm(norm), ..self }
    }

    /// With each element of the gradient within ±`value`.
    pub fn clip_value(self, value: f64) -> Self {
        Trainer { descent: self.descent.clip_value(value), ..self }
    }

    /// With a decay of the weights.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Trainer { descent: self.descent.weight_decay(weight_decay), ..self }
    }

    /// With batches of another size.
    pub fn batch_size(self, batch_size: impl Into<BatchSize>) -> Self {
        Trainer { batch_size: batch_size.into(), ..self }
    }

    /// With so many rows worked off at a time.
    pub fn micro_batch(self, micro_batch: usize) -> Self {
        Trainer { micro_batch, ..self }
    }

    /// With weights of the classes.
    pub fn class_weights(self, class_weights: Vec<f32>) -> Self {
        Trainer { class_weights, ..self }
    }

    /// With another seed.
    pub fn seed(self, seed: u64) -> Self {
        Trainer { seed, ..self }
    }

    /// With another number of threads.
    pub fn threads(self, threads: usize) -> Self {
        Trainer { threads, ..self }
    }

    /// With the gradient by the state cut after every so many steps.
    pub fn truncate(self, steps: usize) -> Self {
        Trainer { truncate: steps, ..self }
    }

    /// Within so many bytes beside the data.
    pub fn memory_budget(self, bytes: usize) -> Self {
        Trainer { memory_budget: Some(bytes), ..self }
    }

    /// On another instruction set.
    pub fn isa(self, isa: Isa) -> Self {
        Trainer { isa, ..self }
    }

    /// The model as it is now.
    pub fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The model, training done.
    pub fn into_model(self) -> Model {
        self.model
    }

    /// Steps done so far.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// Epochs done so far.
    pub fn epochs_done(&self) -> u64 {
        self.epoch
    }

    /// Where streams stand after the last window, one row each; None before the first, or without streams.
    pub fn carried_state(&self) -> Option<&State> {
        self.carried.as_ref()
    }

    /// Takes note of a validation loss, for a schedule that reduces the rate on plateaus: to be called once an epoch. With
    /// another schedule it does nothing.
    pub fn plateau(&mut self, validation_loss: f64) {
        self.state.plateau(&self.descent.schedule, validation_loss);
    }

    /// Gives the model the weights of its best epoch.
    ///
    /// # Errors
    /// If they are another model's.
    pub fn restore(&mut self, best: &EarlyStopping) -> Result<(), Error> {
        best.restore(&mut self.model)
    }

    /// What training on sequences of `steps` steps takes, in bytes, and the steps of its parts.
    ///
    /// # Errors
    /// If the memory budget does not suffice.
    pub fn memory(&self, steps: usize) -> Result<(usize, Memory), Error> {
        let (stack, head) = (self.model.stack(), self.model.head());
        let moments = self.state.moments.len();
        Memory::within(self.memory_budget, stack, head, steps, self.rows_at_once(), self.threads, moments)
    }

    /// Rows that are worked off at a time.
    fn rows_at_once(&self) -> usize {
        let batch = self.batch_size.of(usize::MAX);
        if self.micro_batch == 0 { batch } else { self.micro_batch.min(batch) }
    }

    /// The job of working on such sequences. Evaluation takes tiles as training does, so that it needs no more memory.
    fn job(&self, steps: usize) -> Result<Job, Error> {
        let (part, _) = self.memory(steps)?;
        let rows = self.model.stack().tile_rows(self.rows_at_once());
        Ok(Job { rows, steps, part, threads: self.threads, isa: self.isa })
    }

    /// Trains on a data set: an iterator over epochs.
    ///
    /// A head on every step has nothing to score in a row of length 0: such rows are left out. A head on the last state
    /// scores them as any other.
    ///
    /// ```no_run
    /// # fn train(mut trainer: elman::Trainer, data: &elman::Arrays) -> Result<(), elman::Error> {
    /// for epoch in trainer.fit(data)?.epochs(10) {
    ///     println!("{}", epoch?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a setting is out of range, or the data does not fit the model.
    pub fn fit<'a, D: Labelled>(&'a mut self, data: &'a D) -> Result<Fit<'a, D>, Error> {
        self.check(data)?;
        let head = self.model.head();
        let scored = (0..data.len()).filter(|&row| head.scores(data.length(row))).count();
        let batch_size = self.batch_size.of(scored);
        if !(1..=scored).contains(&batch_size) {
            let which = if scored < data.len() { " that have a step" } else { "" };
            let expected = format!("1 to {scored}, the rows of the training set{which}");
            return Err(Error::setting("batch_size", self.batch_size, expected));
        }
        if self.descent.algorithm.needs_full_batch() && batch_size < scored {
            let expected = format!("full: {} goes by the sign of the whole gradient", self.descent.algorithm.name());
            return Err(Error::setting("batch_size", self.batch_size, expected));
        }
        self.prepare(data.steps())?;
        Ok(Fit::rows(self, data, batch_size, scored))
    }

    /// Trains on parallel streams: each row of the data is one, a batch is the next `window` steps of all of them, and the
    /// state is carried from one window to the next. An epoch starts from zero. No gradient crosses from a window into the
    /// one before: truncated back-propagation through time, Werbos (1990), <https://doi.org/10.1109/5.58337>.
    ///
    /// The head must be on every step. The batch size has no meaning here: it is the number of streams.
    ///
    /// # Errors
    /// If a setting is out of range, the data does not fit the model, or a layer reads its rows from their ends.
    pub fn fit_streams<'a, D: Labelled>(&'a mut self, data: &'a D, window: usize) -> Result<Fit<'a, D>, Error> {
        check_streams(&self.model, data, window)?;
        self.check(data)?;
        if self.descent.algorithm.needs_full_batch() && window < longest(data) {
            let expected =
                format!("not {}, which goes by the sign of the whole gradient", self.descent.algorithm.name());
            return Err(Error::setting("optimizer", "one for windows of streams", expected));
        }
        self.batch_size = BatchSize::Rows(data.len());
        self.prepare(window)?;
        Ok(Fit::streams(self, data, window))
    }

    /// Refuses settings out of range, and data that does not fit the model.
    fn check<D: Labelled>(&self, data: &D) -> Result<(), Error> {
        self.descent.check()?;
        let weights = &self.class_weights;
        if let Some(weight) = weights.iter().find(|weight| !(**weight > 0.0 && weight.is_finite())) {
            return Err(Error::setting("a class weight", weight, "a finite number above 0"));
        }
        if !weights.is_empty() && self.model.head().classes() != Some(weights.len()) {
            let expected = format!("one for each class, for a head of {}", self.model.head().describe());
            return Err(Error::setting("the number of class weights", weights.len(), expected));
        }
        u32::try_from(data.len()).map_err(|_| Error::setting("the data set", data.len(), "fewer than 2^32 rows"))?;
        check_all(&self.model, data)?;
        if data.horizon() > 0 && self.weight(data, &mut (0..data.len()).map(|row| Cut::Whole.piece(data, row))) == 0.0 {
            return Err(Error::setting("the data set", "without a value that is known", "at least one to predict"));
        }
        Ok(())
    }

    /// Mean loss and accuracy over a data set.
    ///
    /// # Errors
    /// If the data does not fit the model, or has nothing to score: no row, or for a head on every step no row with a
    /// step.
    pub fn evaluate<D: Labelled>(&mut self, data: &D) -> Result<Evaluation, Error> {
        let job = self.job(data.steps())?;
        evaluate(&mut self.workers, &self.model, data, job)
    }

    /// Mean loss and accuracy over parallel streams, each row one, worked off in windows with the state carried.
    ///
    /// # Errors
    /// As [`Trainer::fit_streams`].
    pub fn evaluate_streams<D: Labelled>(&mut self, data: &D, window: usize) -> Result<Evaluation, Error> {
        let job = self.job(window)?;
        evaluate_streams(&mut self.workers, &self.model, data, job)
    }

    /// The gradient of the mean loss of some rows by all parameters, as plain arrays, beside the loss. Trains nothing.
    ///
    /// # Errors
    /// If the data does not fit the model, or the rows have nothing to score: there are none, or for a head on every step
    /// none of them has a step.
    pub fn gradient<D: Labelled>(
        &mut self,
        data: &D,
        rows: &[u32],
    ) -> Result<(Evaluation, std::collections::BTreeMap<String, elman_formats::Array>), Error> {
        check_rows(&self.model, data, rows)?;
        self.prepare(data.steps())?;
        let score = self.accumulate(data, &mut rows.to_vec(), Cut::Whole);
        self.reduce();
        Ok((Evaluation::of(self.model.head(), score), self.model.plan.unpack(&self.gradient)))
    }

    /// One step on the given rows of a data set: forward, backward, the optimizer's.
    ///
    /// # Errors
    /// If the data does not fit the model, or the rows have nothing to score, as in [`Trainer::gradient`]; or if the loss
    /// or the gradient is not finite: the weights are then the last ones whose loss was finite.
    pub fn train_rows<D: Labelled>(&mut self, data: &D, rows: &[u32]) -> Result<Step, Error> {
        self.descent.check()?;
        check_rows(&self.model, data, rows)?;
        self.prepare(data.steps())?;
        self.train_batch(data, &mut rows.to_vec(), Cut::Whole)
    }

    /// Sets up threads and buffers, once for a model, batch size and length of sequences.
    pub(crate) fn prepare(&mut self, steps: usize) -> Result<(), Error> {
        let job = self.job(steps)?;
        take_workers(&mut self.workers, &self.model, job);
        let len = self.model.parameters.len();
        let count = group_count(self.model.stack(), len, self.rows_at_once());
        let group = || Group { gradient: Aligned::zeros(len), score: Score::default(), kept: Kept::default() };
        self.groups.resize_with(count, group);
        if self.gradient.len() != len {
            self.gradient = Aligned::zeros(len);
        }
        Ok(())
    }

    /// A step on some rows, or on a window of them.
    pub(crate) fn train_batch<D: Labelled>(&mut self, data: &D, rows: &mut [u32], cut: Cut) -> Result<Step, Error> {
        let score = self.accumulate(data, rows, cut);
        if let Cut::Window { .. } = cut {
            let state = self.carried.get_or_insert_with(|| State::zeros(self.model.stack(), data.len()));
            self.groups.iter().for_each(|group| group.kept.restore(state));
        }
        let grad_norm = self.reduce().sqrt();
        let (step, epoch) = (self.step + 1, self.epoch + 1);
        for (what, value) in [("loss", score.mean_loss()), ("gradient norm", grad_norm)] {
            if !value.is_finite() {
                // With a finite loss, the weights as they are now are the last good ones.
                if what == "loss"
                    && let Some(previous) = self.previous.take()
                {
                    self.model.parameters = previous;
                    self.model.transpose();
                }
                return Err(Error::Diverged { what, value, step, epoch });
            }
        }
        let change = self.state.next(&self.descent, step, self.span, grad_norm, score.mean_loss())?;
        self.step = step;
        self.update(change);
        Ok(Step {
            step,
            epoch,
            batch: 0,
            batches: 0,
            scored: score.rows,
            loss: score.mean_loss(),
            accuracy: self.model.head().accuracy(score),
            learning_rate: change.learning_rate,
            grad_norm,
        })
    }

    /// Gradients of each group of tiles, of the mean loss over all rows; and the states that windows end in. Rows of like
    /// length come to stand together.
    fn accumulate<D: Labelled>(&mut self, data: &D, rows: &mut [u32], cut: Cut) -> Score {
        let at_once = self.rows_at_once();
        let piece = |row: u32| cut.piece(data, row as usize);
        // Rows with nothing to score were refused or left out.
        let scale = (1.0 / self.weight(data, &mut rows.iter().map(|&row| piece(row)))) as f32;
        let training = Training { seed: self.seed, step: self.step, truncate: self.truncate };
        let Trainer { model, workers, groups, class_weights, carried, micro_batch, .. } = self;
        let Some(workers) = workers else { return Score::default() };
        let (count, model) = (groups.len(), &*model);
        let windows = matches!(cut, Cut::Window { .. });
        let task = Task { training, carried: carried.as_ref().filter(|_| windows), class_weights, scale };
        for group in groups.iter_mut() {
            group.score = Score::default();
            group.kept.clear();
            group.gradient.fill(0.0);
        }
        let tile = model.stack().tile_rows(at_once);
        let part = if *micro_batch == 0 { rows.len() } else { *micro_batch };
        for rows in rows.chunks_mut(part) {
            // Rows of like length share a tile: its steps then have all rows or none. Equal lengths stay in order.
            rows.sort_by_key(|&row| std::cmp::Reverse(piece(row).length));
            let (rows, tiles) = (&*rows, rows.len().div_ceil(tile));
            workers.for_each(model.stack(), groups, |engine, space, index, group| {
                for tile_index in index * tiles / count..(index + 1) * tiles / count {
                    let rows = &rows[tile_index * tile..((tile_index + 1) * tile).min(rows.len())];
                    let pieces = rows.iter().map(|&row| piece(row));
                    group.score.add(space.train(engine, model, data, pieces, task, &mut group.gradient));
                    if windows {
                        space.keep(&mut group.kept);
                    }
                }
            });
        }
        sum(groups.iter().map(|group| group.score))
    }

    /// What the losses of a batch are divided by.
    fn weight<D: Labelled>(&self, data: &D, pieces: &mut dyn ExactSizeIterator<Item = Piece>) -> f64 {
        let head = self.model.head();
        let weight = |label: usize| f64::from(self.class_weights.get(label).copied().unwrap_or(1.0));
        match (&head.predicts, head.reads) {
            (Predicts::Quantiles(Quantiles { levels, horizon }), _) => {
                let mut values = vec![f32::NAN; *horizon];
                let known = pieces.map(|piece| {
                    data.values(piece.row, &mut values);
                    values.iter().filter(|y| !y.is_nan()).count()
                });
                (known.sum::<usize>() * levels.len()) as f64
            }
            (Predicts::Values(Values { outputs, .. }), reads) => {
                let mut values = vec![f32::NAN; *outputs];
                let mut known = 0;
                for piece in pieces {
                    let steps = if reads == Reads::EveryStep { piece.length } else { 1 };
                    for t in piece.start..piece.start + steps {
                        match reads {
                            Reads::EveryStep => data.step_values(piece.row, t, &mut values),
                            _ => data.values(piece.row, &mut values),
                        }
                        known += values.iter().filter(|y| !y.is_nan()).count();
                    }
                }
                known as f64
            }
            (_, Reads::EveryStep) if self.class_weights.is_empty() => {
                pieces.map(|piece| piece.length).sum::<usize>() as f64
            }
            (_, Reads::EveryStep) => {
                let steps = |piece: &Piece| piece.start..piece.start + piece.length;
                let of = |piece: Piece| steps(&piece).map(|t| weight(data.step_label(piece.row, t))).sum::<f64>();
                pieces.map(of).sum()
            }
            _ if self.class_weights.is_empty() => pieces.len() as f64,
            _ => pieces.map(|piece| weight(data.label(piece.row))).sum(),
        }
    }

    /// Adds the groups' gradients, in their order; returns the square of the sum's norm.
    fn reduce(&mut self) -> f64 {
        let Trainer { workers, groups, gradient, isa, .. } = self;
        let Some(workers) = workers else { return 0.0 };
        let (groups, isa) = (&*groups, *isa);
        let mut blocks: Vec<(&mut [f32], f64)> = gradient.chunks_mut(BLOCK).map(|block| (block, 0.0)).collect();
        workers.pool.for_each(&mut workers.spaces, &mut blocks, |_, index, (block, squares)| {
            let range = index * BLOCK..index * BLOCK + block.len();
            let parts = groups.iter().map(|group| &group.gradient[range.clone()]);
            *squares = sum_arrays(isa, parts, block);
        });
        blocks.iter().map(|(_, squares)| squares).sum()
    }

    /// The optimizer on every parameter, then the transposed panels anew.
    fn update(&mut self, change: Change) {
        let Trainer { model, workers, gradient, state, previous, isa, .. } = self;
        let Some(workers) = workers else { return };
        let (gradient, isa) = (&**gradient, *isa);
        let previous = previous.get_or_insert_with(|| Aligned::zeros(gradient.len()));
        let parameters = model.parameters.chunks_mut(BLOCK).zip(previous.chunks_mut(BLOCK));
        let mut blocks: Vec<_> = parameters.zip(state.blocks(gradient.len(), BLOCK)).collect();
        workers.pool.for_each(&mut workers.spaces, &mut blocks, |_, index, ((parameters, previous), moments)| {
            let start = index * BLOCK;
            previous.copy_from_slice(parameters);
            change.apply(isa, parameters, &gradient[start..start + parameters.len()], moments);
        });
        let Model { plan, parameters, transposed, .. } = model;
        let (plan, parameters) = (&*plan, &**parameters);
        let mut panels = plan.panels(transposed);
        workers.pool.for_each(&mut workers.spaces, &mut panels, |_, _, panel| panel.fill(parameters));
    }
}
