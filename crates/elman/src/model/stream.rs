//! Streams of a model: an answer after every step.
//!
//! N rows, I input, O outputs of the head, P state of a cell.

use std::sync::{Arc, OnceLock};

use elman_kernels::Isa;

use crate::model::head_tile::HeadTile;
use crate::model::model::Model;
use crate::network::stream::Steps;
use crate::{Error, isa};

impl Model {
    /// A stream: one row, one step a call, an answer after each, nothing allocated. It keeps the model for as long as it
    /// lasts, so it may be put anywhere, in a struct or in a thread.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use elman::{Gru, Init, Model};
    /// # fn main() -> Result<(), elman::Error> {
    /// let model = Arc::new(Model::init(Gru::new(3, 16), 2, Init::Tf, 111)?);
    /// let mut stream = model.stream()?;
    /// let probabilities = stream.step(&[0.1, 0.2, 0.3]);
    /// assert_eq!(probabilities.len(), 2);
    /// let mut elsewhere = stream.clone();                     // goes on from the same state
    /// std::thread::spawn(move || elsewhere.step(&[0.4, 0.5, 0.6]).to_vec());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a layer reads its rows from their ends: its outputs are known only after the last step. If one reads windows of
    /// steps that do not end with the step they stand for ([`Window::is_causal`](crate::Window::is_causal)).
    pub fn stream(self: &Arc<Self>) -> Result<Stream, Error> {
        self.streams(1)
    }

    /// Several streams side by side, one step of each a call: faster than each by itself, with the same bits.
    ///
    /// # Errors
    /// If there are no rows, or as [`Model::stream`].
    pub fn streams(self: &Arc<Self>, rows: usize) -> Result<Stream, Error> {
        self.streams_on(rows, isa::active())
    }

    /// The same on another instruction set.
    ///
    /// # Errors
    /// As [`Model::streams`].
    pub fn streams_on(self: &Arc<Self>, rows: usize, isa: Isa) -> Result<Stream, Error> {
        let (head, outputs) = (self.head(), self.head().outputs());
        Ok(Stream {
            steps: Steps::new(self.stack(), rows, isa, "Predictor")?,
            head: HeadTile::new(head, self.stack(), &self.plan, rows),
            answers: vec![0.0; rows * outputs],
            width: outputs,
            fingerprint: Arc::default(),
            model: self.clone(),
        })
    }
}

/// One row or several side by side that a model reads one step at a time, for as long as they last. After each step it
/// answers as if the row ended there: by the last state, or by the mean, the maximum or the attention over the steps so far; a head on every
/// step answers for the step. Bit for bit what [`Predictor`](crate::Predictor) says of the row, but for quantiles, which it
/// puts in order.
///
/// It holds the model and nothing that is borrowed. A clone shares the model, and goes on from the same state by itself.
#[derive(Clone, Debug)]
pub struct Stream {
    model: Arc<Model>,
    pub(crate) steps: Steps,
    pub(crate) head: HeadTile,
    /// [N, O]
    answers: Vec<f32>,
    /// O
    width: usize,
    /// Of the model, once a state was taken out or put back; clones share it.
    fingerprint: Arc<OnceLock<u32>>,
}

impl Stream {
    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// N
    pub fn rows(&self) -> usize {
        self.steps.rows()
    }

    /// One step of every row: `xs [N, I]` in, the answers [N, O] out: probabilities of classes, values, quantiles.
    /// Allocates nothing, and does not look at the numbers: NaN stays in the state for good, and an infinite number may
    /// pass for a large one. Where they come from outside, take [`Stream::try_step`].
    ///
    /// # Panics
    /// If `xs` does not have N × I floats, or has a token that the embedding does not have.
    pub fn step(&mut self, xs: &[f32]) -> &[f32] {
        self.read(xs);
        self.answer()
    }

    /// The same for steps that come from outside, from a client of a server. What is refused leaves the stream as it was:
    /// the next step goes on from the same state.
    ///
    /// Finite inputs leave a finite state, unless a weight or an activation without bound takes it out of the numbers:
    /// [`Stream::is_finite`] tells.
    ///
    /// # Errors
    /// [`Error::Shape`] if `xs` does not have N × I floats, [`Error::NotFinite`] if one of them is NaN or infinite, with
    /// its row, its step since the row's start, and its feature; [`Error::Token`] if one is a token that the embedding
    /// does not have.
    pub fn try_step(&mut self, xs: &[f32]) -> Result<&[f32], Error> {
        self.steps.check(self.model.stack(), xs)?;
        Ok(self.step(xs))
    }

    /// The first half of [`Stream::step`]: reads `xs [N, I]`, without an answer. Returns the outputs of the last layer
    /// [N, its output].
    ///
    /// # Panics
    /// As [`Stream::step`].
    pub fn read(&mut self, xs: &[f32]) -> &[f32] {
        self.steps.step(self.model.view(), xs);
        for row in 0..self.steps.rows() {
            self.head.see(row, self.steps.outputs_of(row));
        }
        self.head.take_step(self.steps.engine(self.model.stack()), &self.model.parameters, self.steps.rows());
        self.steps.outputs()
    }

    /// The other half: the answers [N, O] to what has been read. Before the first step they are those to zeros, which say
    /// nothing.
    pub fn answer(&mut self) -> &[f32] {
        self.logits_mut();
        let Stream { model, answers, width, .. } = self;
        answers.chunks_exact_mut(*width).for_each(|outputs| model.head().answer(outputs));
        answers
    }

    /// What [`Stream::answer`] makes its answers of, before softmax, sigmoid or order: [N, O].
    pub fn logits(&mut self) -> &[f32] {
        self.logits_mut()
    }

    /// The same, to be written over.
    pub(crate) fn logits_mut(&mut self) -> &mut [f32] {
        let Stream { model, steps, head, answers, width, .. } = self;
        for row in 0..steps.rows() {
            head.read_row(row, steps.h(row), None);
        }
        head.forward(steps.engine(model.stack()), &model.parameters, steps.rows());
        for (row, outputs) in answers.chunks_exact_mut(*width).enumerate() {
            outputs.copy_from_slice(head.output_mut(row));
        }
        answers
    }

    /// The model's [fingerprint](Model::fingerprint).
    pub(crate) fn fingerprint(&self) -> u32 {
        *self.fingerprint.get_or_init(|| self.model.fingerprint())
    }

    /// h `[P]` of the last layer, of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn h(&self, row: usize) -> &[f32] {
        self.steps.h(row)
    }

    /// Whether the state of a row is finite. Once it is not, it stays so until [`Stream::reset`] or
    /// [`Stream::set_state`].
    ///
    /// # Panics
    /// If there is no such row.
    pub fn is_finite(&self, row: usize) -> bool {
        self.steps.is_finite(row)
    }

    /// Back to before the first step.
    pub fn reset(&mut self) {
        (0..self.rows()).for_each(|row| self.reset_row(row));
    }

    /// One row back to before its first step; the others go on.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn reset_row(&mut self, row: usize) {
        self.steps.reset(row);
        self.head.resume(row, self.steps.outputs_of(row), &[], 0);
    }
}
