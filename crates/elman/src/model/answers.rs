//! A stream with its head: an answer after every step.
//!
//! I input, O outputs of the head.

use crate::model::head_tile::HeadTile;
use crate::model::model::Model;
use crate::model::pooled::Pooled;
use crate::network::stream::Stream;
use crate::{Error, Reads, isa};

/// One row that a model reads one step at a time, for as long as it lasts. After each step it answers as if the row ended
/// there: by the last state, or by the mean or the maximum of the steps so far; a head on every step answers for the step.
/// Bit for bit what [`Predictor`](crate::Predictor) says of the row, but for quantiles, which it puts in order.
#[derive(Clone, Debug)]
pub struct Answers<'m> {
    model: &'m Model,
    stream: Stream<'m>,
    head: HeadTile,
    pooled: Pooled,
}

impl Model {
    /// A stream with answers: one row, one step a call, nothing allocated.
    ///
    /// # Errors
    /// If a layer reads its rows from their ends.
    pub fn answers(&self) -> Result<Answers<'_>, Error> {
        self.stack().check_forward("a stream", "its outputs are known only after the last step; use Predictor")?;
        Ok(Answers {
            model: self,
            stream: Stream::new(self.view(), isa::active()),
            head: HeadTile::new(&self.plan, 1),
            pooled: Pooled::new(self.head().reads, 1, self.stack().output()),
        })
    }
}

impl Answers<'_> {
    /// One step: `x [I]` in, the answer `[O]` out: probabilities of classes, values, quantiles. Allocates nothing, and does
    /// not look at the numbers: see [`Answers::try_step`].
    ///
    /// # Panics
    /// If `x` does not have I floats, or is a token that the embedding does not have.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        let outputs = self.stream.step(x);
        let to = self.head.input_mut(0);
        match self.model.head().reads {
            Reads::EveryStep => to.copy_from_slice(outputs),
            Reads::LastState => to.copy_from_slice(self.stream.h()),
            Reads::Mean | Reads::Max => {
                self.pooled.add(0, outputs);
                self.pooled.read(0, to);
            }
        }
        self.head.forward(isa::active().into(), &self.model.parameters, 1);
        let answer = self.head.output_mut(0);
        self.model.head().answer(answer);
        answer
    }

    /// The same for a step that comes from outside.
    ///
    /// # Errors
    /// As [`Streams::try_step`](crate::Streams::try_step); what is refused leaves the stream as it was.
    pub fn try_step(&mut self, x: &[f32]) -> Result<&[f32], Error> {
        self.stream.check_step(x)?;
        Ok(self.step(x))
    }

    /// Whether the state is finite: see [`Streams::is_finite`](crate::Streams::is_finite).
    pub fn is_finite(&self) -> bool {
        self.stream.is_finite()
    }

    /// Back to before the first step.
    pub fn reset(&mut self) {
        self.stream.reset();
        self.pooled.clear();
    }
}
