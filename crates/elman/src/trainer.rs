//! Training: one step is one batch, forward, backward, and the optimizer's.
//!
//! A batch is cut into tiles, by the shapes alone; consecutive tiles form a group with a gradient of its own; the
//! groups' gradients are added in their order. Which thread works on which group changes no bit.

use std::fmt;

use elman_kernels::{Aligned, Isa, Score, sum_arrays};

use crate::memory::{Memory, group_count};
use crate::model::{Model, Reads};
use crate::optimizer::{Change, Descent, EarlyStopping, Schedule, Span, State};
use crate::predictor::{Evaluation, evaluate};
use crate::random::{Purpose, Random};
use crate::tile::Training;
use crate::workers::{Job, Workers, check_all, check_rows, sum, take_workers};
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
    pub batch_size: usize,
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
    state: State,
    /// Steps done.
    step: u64,
    /// Epochs done.
    epoch: u64,
    workers: Option<Workers>,
    groups: Vec<Group>,
    gradient: Aligned,
    /// The parameters before the last step: its loss was finite.
    previous: Option<Aligned>,
}

/// Tiles that one thread works off, and the sum of their gradients.
struct Group {
    gradient: Aligned,
    score: Score,
}

impl Trainer {
    /// A trainer with an optimizer or a whole [`Descent`], and the tutorial's other settings: batches of 128 rows, seed
    /// 111.
    pub fn new(model: Model, descent: impl Into<Descent>) -> Self {
        let descent = descent.into();
        let state = State::new(&descent.algorithm, model.parameters.len());
        Trainer {
            model,
            descent,
            span: None,
            batch_size: 128,
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
    pub fn batch_size(self, batch_size: usize) -> Self {
        Trainer { batch_size, ..self }
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
        Memory::within(self.memory_budget, stack, head, steps, self.batch_size, self.threads, moments)
    }

    /// The job of working on such sequences. Evaluation takes tiles as training does, so that it needs no more memory.
    fn job(&self, steps: usize) -> Result<Job, Error> {
        let (part, _) = self.memory(steps)?;
        let rows = self.model.stack().tile_rows(self.batch_size);
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
        self.descent.check()?;
        check_all(&self.model, data)?;
        let head = self.model.head();
        let scored = (0..data.len()).filter(|&row| head.scores(data.length(row))).count();
        if !(1..=scored).contains(&self.batch_size) {
            let which = if scored < data.len() { " that have a step" } else { "" };
            let expected = format!("1 to {scored}, the rows of the training set{which}");
            return Err(Error::setting("batch_size", self.batch_size, expected));
        }
        u32::try_from(data.len()).map_err(|_| Error::setting("the data set", data.len(), "fewer than 2^32 rows"))?;
        self.prepare(data.steps())?;
        let batch_size = self.batch_size;
        Ok(Fit { trainer: self, data, batch_size, scored, order: Vec::new(), batch: 0, epochs: 1, done: 0 })
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
        let score = self.accumulate(data, rows);
        self.reduce();
        Ok((Evaluation::from(score), self.model.plan.unpack(&self.gradient)))
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
        self.train_batch(data, rows)
    }

    /// Sets up threads and buffers, once for a model, batch size and length of sequences.
    fn prepare(&mut self, steps: usize) -> Result<(), Error> {
        let job = self.job(steps)?;
        take_workers(&mut self.workers, &self.model, job);
        let len = self.model.parameters.len();
        let count = group_count(self.model.stack(), len, self.batch_size);
        self.groups.resize_with(count, || Group { gradient: Aligned::zeros(len), score: Score::default() });
        if self.gradient.len() != len {
            self.gradient = Aligned::zeros(len);
        }
        Ok(())
    }

    fn train_batch<D: Labelled>(&mut self, data: &D, rows: &[u32]) -> Result<Step, Error> {
        let score = self.accumulate(data, rows);
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
            loss: score.mean_loss(),
            accuracy: score.accuracy(),
            learning_rate: change.learning_rate,
            grad_norm,
        })
    }

    /// Gradients of each group of tiles, of the mean loss over all rows.
    fn accumulate<D: Labelled>(&mut self, data: &D, rows: &[u32]) -> Score {
        let training = Training { seed: self.seed, step: self.step, truncate: self.truncate };
        let Trainer { model, workers, groups, batch_size, .. } = self;
        let Some(workers) = workers else { return Score::default() };
        let tile = model.stack().tile_rows(*batch_size);
        let tiles = rows.len().div_ceil(tile);
        let (count, model) = (groups.len(), &*model);
        let scored: usize = match model.head().reads {
            Reads::LastState => rows.len(),
            Reads::EveryStep => rows.iter().map(|&row| data.length(row as usize)).sum(),
        };
        // Rows with nothing to score were refused or left out.
        let scale = 1.0 / scored as f32;
        // Rows of like length share a tile: its steps then have all rows or none. Equal lengths stay in order.
        let mut sorted = rows.to_vec();
        sorted.sort_by_key(|&row| std::cmp::Reverse(data.length(row as usize)));
        let rows = &sorted;
        workers.for_each(model.stack(), groups, |engine, space, index, group| {
            group.score = Score::default();
            group.gradient.fill(0.0);
            for tile_index in index * tiles / count..(index + 1) * tiles / count {
                let rows = &rows[tile_index * tile..((tile_index + 1) * tile).min(rows.len())];
                let rows = rows.iter().map(|&row| row as usize);
                group.score.add(space.train(engine, model, data, rows, training, scale, &mut group.gradient));
            }
        });
        sum(groups.iter().map(|group| group.score))
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

/// Training under way on a data set.
pub struct Fit<'a, D> {
    trainer: &'a mut Trainer,
    data: &'a D,
    /// As it was when training started.
    batch_size: usize,
    /// Rows that have something to score.
    scored: usize,
    /// Those rows, in this epoch's order.
    order: Vec<u32>,
    /// Batches of this epoch that are done.
    batch: usize,
    epochs: u64,
    /// Epochs of this call that are done.
    done: u64,
}

impl<D: Labelled> Fit<'_, D> {
    /// For so many epochs; 1 without it.
    pub fn epochs(self, epochs: u64) -> Self {
        Fit { epochs, ..self }
    }

    /// Batches of an epoch; rows that do not fill a batch are left out, others in each epoch.
    pub fn batches(&self) -> usize {
        self.scored / self.batch_size
    }

    /// The trainer, to look at the model or to evaluate between steps.
    pub fn trainer(&mut self) -> &mut Trainer {
        self.trainer
    }

    /// Trains on the next batch. None when all epochs are done.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite; the weights are then the last ones whose loss was finite.
    pub fn next_step(&mut self) -> Option<Result<Step, Error>> {
        if self.done == self.epochs {
            return None;
        }
        let batches = self.batches();
        let trainer = &mut *self.trainer;
        if self.batch == 0 {
            let rows = self.data.len() as u32;
            self.order = Random::at(trainer.seed, Purpose::Shuffle, trainer.epoch, 0).order(rows);
            let head = trainer.model.head();
            self.order.retain(|&row| head.scores(self.data.length(row as usize)));
        }
        // Evaluation on other data may have replaced the workspaces.
        if let Err(error) = trainer.prepare(self.data.steps()) {
            self.done = self.epochs;
            return Some(Err(error));
        }
        let all_epochs = trainer.epoch.saturating_add(self.epochs - self.done);
        let total_steps = all_epochs.saturating_mul(batches as u64);
        trainer.span = Some(Span { steps_per_epoch: batches as u64, total_steps });
        let rows = &self.order[self.batch * self.batch_size..][..self.batch_size];
        let step = match trainer.train_batch(self.data, rows) {
            Ok(step) => step,
            Err(error) => {
                self.done = self.epochs;
                return Some(Err(error));
            }
        };
        self.batch += 1;
        let step = Step { batch: self.batch, batches, ..step };
        if self.batch == batches {
            self.batch = 0;
            self.done += 1;
            trainer.epoch += 1;
        }
        Some(Ok(step))
    }
}

/// Epochs.
impl<D: Labelled> Iterator for Fit<'_, D> {
    type Item = Result<Epoch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_step()? {
                Ok(step) if step.batch == step.batches => {
                    return Some(Ok(Epoch { epoch: step.epoch, loss: step.loss, accuracy: step.accuracy }));
                }
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// What a step saw, before it changed the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From 1.
    pub step: u64,
    /// From 1.
    pub epoch: u64,
    /// Batch of the epoch, from 1; 0 outside [`Fit`].
    pub batch: usize,
    /// Batches of the epoch; 0 outside [`Fit`].
    pub batches: usize,
    /// Mean loss of the batch, in nats.
    pub loss: f64,
    /// Part of the batch that was right.
    pub accuracy: f64,
    /// α, as the schedule had it at this step; Rprop's first step size, which has no rate.
    pub learning_rate: f64,
    /// Euclidean norm of the gradient, before clipping.
    pub grad_norm: f64,
}

/// An epoch's figures: those of its last batch, as in the tutorial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// From 1.
    pub epoch: u64,
    /// Mean loss of the last batch, in nats.
    pub loss: f64,
    /// Part of the last batch that was right.
    pub accuracy: f64,
}

/// The tutorial's line.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch: {}, Train Loss: {:.3}, Train Acc: {:.3}", self.epoch, self.loss, self.accuracy)
    }
}
