//! A model in training: its settings, and what is kept from step to step.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use elman_kernels::{Aligned, Arithmetic, Isa};

use crate::model::model::Model;
use crate::model::predictor::{Evaluation, scores};
use crate::model::workers::{Job, Workers, sum, take_workers};
use crate::network::groups::group_count;
use crate::network::state::State;
use crate::training::batch::Batch;
use crate::training::batch_size::BatchSize;
use crate::training::gradient_sum::Groups;
use crate::training::memory::Memory;
use crate::training::optimizer::{Descent, DescentState, EarlyStopping, Schedule, Span};
use crate::training::peers::{Peers, gather_scores, own};
use crate::training::shared_gradient::Gradient;
use crate::{Error, Labelled, Sequences, isa};

/// A model in training. Users write loops over [`Trainer::fit`], not callbacks.
pub struct Trainer {
    pub(super) model: Model,
    /// The optimizer's settings; may be changed between steps, but not to an optimizer that keeps other arrays.
    pub descent: Descent,
    /// How long the run is, for schedules that depend on it. A [`Course`](crate::Course) says so; None, the default, outside it.
    pub span: Option<Span>,
    /// Rows of a batch. 128 by default.
    pub batch_size: BatchSize,
    /// Rows that are worked off at a time; the gradients of a batch add up. It bounds the memory of large batches, and
    /// changes results by rounding alone. 0, the default: all rows of the batch.
    pub micro_batch: usize,
    /// `[C]`: how much a row of each class counts. The loss is the mean by these weights, as in PyTorch. Empty, the default:
    /// 1 for each.
    pub class_weights: Vec<f32>,
    /// S: in training a label stands for the probability 1 − S of its class, and S is shared out among all C classes. The
    /// loss of [`evaluate`](Trainer::evaluate) is without it. 0, the default: none. Szegedy et al. (2016),
    /// <https://arxiv.org/abs/1512.00567>.
    pub label_smoothing: f32,
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
    /// Other processes that train the same model, each with a part of the work; they change no bit of any result. None, the
    /// default: there are none.
    pub peers: Option<Arc<dyn Peers>>,
    /// The sum of everybody's gradients, where there are others.
    pub(super) sum: Gradient,
    pub(crate) state: DescentState,
    /// Steps done.
    pub(crate) step: u64,
    /// Epochs done.
    pub(crate) epoch: u64,
    pub(super) workers: Option<Workers>,
    pub(super) groups: Groups,
    pub(super) gradient: Aligned,
    /// The parameters before the last step: its loss was finite.
    pub(crate) previous: Option<Aligned>,
    /// Where the streams go on from.
    pub(crate) carried: Option<State>,
    /// Streams of the course under way: the rows of its batches, whatever `batch_size` says. None where rows are none.
    pub(super) streams: Option<usize>,
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
            label_smoothing: 0.0,
            seed: 111,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            truncate: 0,
            memory_budget: None,
            isa: isa::active(),
            peers: None,
            sum: Gradient::default(),
            state,
            step: 0,
            epoch: 0,
            workers: None,
            groups: Groups::default(),
            gradient: Aligned::default(),
            previous: None,
            carried: None,
            streams: None,
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

    /// With a moving average of the weights, see [`Descent::weight_average`].
    pub fn weight_average(self, decay: f64) -> Self {
        Trainer { descent: self.descent.weight_average(decay), ..self }
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

    /// With labels that are smoothed in training.
    pub fn label_smoothing(self, label_smoothing: f32) -> Self {
        Trainer { label_smoothing, ..self }
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

    /// Together with other processes.
    pub fn peers(self, peers: Arc<dyn Peers>) -> Self {
        Trainer { peers: Some(peers), ..self }
    }

    /// With its model in another arithmetic, which the model keeps.
    pub fn arithmetic(self, arithmetic: Arithmetic) -> Self {
        Trainer { model: self.model.arithmetic(arithmetic), ..self }
    }

    /// On another instruction set.
    pub fn isa(self, isa: Isa) -> Self {
        Trainer { isa, ..self }
    }

    /// The model as it is now, whose weights the next step changes.
    pub fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }

    /// What training has come to so far: the model with the average of its weights where there is one, and else as it is.
    pub fn averaged(&self) -> Cow<'_, Model> {
        let Some(average) = &self.state.average else { return Cow::Borrowed(&self.model) };
        let mut model = self.model.clone();
        model.parameters.copy_from_slice(average);
        model.transpose();
        Cow::Owned(model)
    }

    /// The model, training done: with the average of its weights where there is one.
    pub fn into_model(mut self) -> Model {
        if let Some(average) = self.state.average.take() {
            self.model.parameters = average;
            self.model.transpose();
        }
        self.model
    }

    /// Looks at the model with the average of its weights where there is one; nothing may go back.
    fn with_average<R>(&mut self, look: impl FnOnce(&mut Option<Workers>, &Model) -> R) -> R {
        let Trainer { model, state, workers, .. } = self;
        let mut swap = |model: &mut Model| {
            if let Some(average) = &mut state.average {
                std::mem::swap(&mut model.parameters, average);
            }
        };
        swap(model);
        let seen = look(workers, model);
        swap(model);
        seen
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
        best.restore(&mut self.model)?;
        if let (Some(average), Some(_)) = (&mut self.state.average, best.best) {
            average.copy_from_slice(&self.model.parameters);
        }
        Ok(())
    }

    /// What training on sequences of `steps` steps takes, in bytes, and the steps of its parts.
    ///
    /// # Errors
    /// If the memory budget does not suffice.
    pub fn memory(&self, steps: usize) -> Result<(usize, Memory), Error> {
        self.memory_of(steps, self.rows_of_course())
    }

    /// The same for batches of so many rows.
    fn memory_of(&self, steps: usize, rows: usize) -> Result<(usize, Memory), Error> {
        let (stack, head) = (self.model.stack(), self.model.head());
        let moments = self.descent.arrays();
        Memory::within(self.memory_budget, stack, head, steps, self.rows_at_once(rows), self.threads, moments)
    }

    /// Rows of the batches of the course under way, for which tiles are made.
    fn rows_of_course(&self) -> usize {
        self.streams.unwrap_or_else(|| self.batch_size.of(usize::MAX))
    }

    /// Rows of batches like this one: tiles are made for so many, also where a batch has fewer.
    pub(super) fn rows_of<D: Sequences + ?Sized>(&self, data: &D, batch: &Batch) -> usize {
        if batch.window.is_some() { data.len() } else { self.batch_size.of(usize::MAX) }
    }

    /// Rows that are worked off at a time, of batches of so many.
    pub(super) fn rows_at_once(&self, rows: usize) -> usize {
        if self.micro_batch == 0 { rows } else { self.micro_batch.min(rows) }
    }

    /// Groups of batches of so many rows.
    pub(super) fn group_count(&self, rows: usize) -> usize {
        group_count(self.model.stack(), self.model.parameters.len(), self.rows_at_once(rows))
    }

    /// The job of working on such sequences, in batches of so many rows.
    fn job(&self, steps: usize, rows: usize) -> Result<Job, Error> {
        let (part, _) = self.memory_of(steps, rows)?;
        let rows = self.model.stack().tile_rows(self.rows_at_once(rows));
        Ok(Job { rows, steps, part, threads: self.threads, isa: self.isa })
    }

    /// Mean loss and accuracy over a data set, with the average of the weights where there is one; in tiles as training takes them, so that it needs no more memory.
    ///
    /// # Errors
    /// If the data does not fit the model, or has nothing to score: no row, or for a head on every step no row with a
    /// step.
    pub fn evaluate<D: Labelled + ?Sized>(&mut self, data: &D) -> Result<Evaluation, Error> {
        let job = self.job(data.steps(), self.rows_of_course())?;
        self.evaluate_with(data, job, None)
    }

    /// Mean loss and accuracy over parallel streams, each row one, worked off in windows with the state carried.
    ///
    /// # Errors
    /// As [`Trainer::fit_streams`].
    pub fn evaluate_streams<D: Labelled + ?Sized>(&mut self, data: &D, window: usize) -> Result<Evaluation, Error> {
        let job = self.job(window, self.rows_of_course())?;
        self.evaluate_with(data, job, Some(window))
    }

    /// Each of several processes looks at a part of the tiles; their scores are added in the order of the tiles.
    fn evaluate_with<D: Labelled + ?Sized>(
        &mut self,
        data: &D,
        job: Job,
        window: Option<usize>,
    ) -> Result<Evaluation, Error> {
        let (tiles, peers) = (job.tiles(data), self.peers.clone());
        let own = peers.as_deref().map_or(0..tiles, |peers| own(peers, tiles));
        let scores = self.with_average(|workers, model| scores(workers, model, data, job, window, own))?;
        let scores = match &peers {
            Some(peers) => gather_scores(&**peers, &scores)?,
            None => scores,
        };
        Ok(Evaluation::of(self.model.head(), sum(scores)))
    }

    /// Refuses settings out of range.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.descent.check()?;
        let weights = &self.class_weights;
        if let Some(weight) = weights.iter().find(|weight| !(**weight > 0.0 && weight.is_finite())) {
            return Err(Error::setting("a class weight", weight, "a finite number above 0"));
        }
        if !weights.is_empty() && self.model.head().classes() != Some(weights.len()) {
            let expected = format!("one for each class, for a head of {}", self.model.head().describe());
            return Err(Error::setting("the number of class weights", weights.len(), expected));
        }
        let smoothing = self.label_smoothing;
        if !(0.0..1.0).contains(&smoothing) {
            return Err(Error::setting("the label smoothing", smoothing, "0 to below 1"));
        }
        if smoothing > 0.0 && self.model.head().classes().is_none() {
            let expected = format!("0, for a head of {}: it is for classes", self.model.head().describe());
            return Err(Error::setting("the label smoothing", smoothing, expected));
        }
        Ok(())
    }

    /// Sets up threads and buffers, once for a model, rows of a batch and length of sequences: for some of the groups, or
    /// all.
    pub(super) fn prepare(&mut self, steps: usize, rows: usize, own: Option<Range<usize>>) -> Result<(), Error> {
        let job = self.job(steps, rows)?;
        take_workers(&mut self.workers, &self.model, job);
        let all = self.group_count(rows);
        self.groups.prepare(own.unwrap_or(0..all), all, self.model.parameters.len());
        self.prepare_sum()
    }

    /// The same for a sum that is made elsewhere.
    pub(super) fn prepare_sum(&mut self) -> Result<(), Error> {
        if self.workers.is_none() {
            let job = self.job(1, self.rows_of_course())?;
            take_workers(&mut self.workers, &self.model, job);
        }
        let len = self.model.parameters.len();
        if self.gradient.len() != len {
            self.gradient = Aligned::zeros(len);
        }
        Ok(())
    }
}
