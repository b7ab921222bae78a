//! Steps of a session.

use std::sync::Arc;

use elman::diagnose::{LayerGate, StreamGates};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::answering::Answering;
use crate::failure::Failure;
use crate::reading::{Cell, Given};

/// Most steps of a request that asks for gates: they are for the eye, and slow.
const GATES_MAX: usize = 256;

/// Which steps are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answers {
    /// An answer after each step.
    #[default]
    Each,
    /// One after the last.
    Last,
}

/// Steps that a session is to read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Asked {
    x: Option<Vec<Cell>>,
    steps: Option<Vec<Vec<Cell>>>,
    text: Option<String>,
    answers: Answers,
    /// Whether the state h of the last layer stands beside each answer.
    pub(crate) hidden: bool,
    /// Whether the gates of all layers stand beside each answer.
    pub(crate) gates: bool,
    /// The steps that the session must have read so far.
    pub(crate) at: Option<u64>,
}

impl Asked {
    /// The inputs [T, I] of at most so many steps.
    ///
    /// # Errors
    /// If they do not fit the model.
    pub(crate) fn inputs(&mut self, model: &Answering, most: usize) -> Result<Vec<f32>, Failure> {
        let given = Given { x: self.x.take(), steps: self.steps.take(), text: self.text.take() };
        let xs = model.reading.inputs(&given, most)?;
        let found = xs.len() / model.model.stack().input();
        if self.gates && found > GATES_MAX {
            let why = format!("{found} steps are given; with their gates a request may have at most {GATES_MAX}");
            return Err(Failure::too_large(why));
        }
        Ok(xs)
    }

    /// What tells the gates, if they are asked for.
    ///
    /// # Errors
    /// If the model has no streams: why.
    pub(crate) fn gates(&self, model: &Answering) -> Result<Option<Arc<StreamGates>>, Failure> {
        self.gates.then(|| model.gates()).transpose()
    }

    /// Whether each step is answered, and not the last alone.
    pub(crate) fn each(&self) -> bool {
        self.answers == Answers::Each
    }
}

/// What came of the steps.
#[derive(Debug, Serialize)]
pub(crate) struct Advanced {
    /// Steps that the session has read.
    steps: u64,
    answers: Vec<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<Vec<Vec<f32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gates: Option<Vec<Vec<LayerGate>>>,
}

impl Advanced {
    /// Answers [A, O] in the model's terms, beside the states [A, P] and the gates of as many steps, for a session that has read
    /// so many.
    ///
    /// # Errors
    /// If one is not a number.
    pub(crate) fn new(
        model: &Answering,
        steps: u64,
        answers: &[f32],
        hidden: Option<&[f32]>,
        gates: Option<Vec<Vec<LayerGate>>>,
    ) -> Result<Self, Failure> {
        let each = answers.chunks_exact(model.model.head().outputs()).map(|answer| model.reading.answer(answer));
        let answers: Vec<Answer> = each.collect::<Result<_, _>>()?;
        let rows = |hidden: &[f32]| {
            let width = (hidden.len() / answers.len().max(1)).max(1);
            hidden.chunks_exact(width).map(<[f32]>::to_vec).collect()
        };
        Ok(Advanced { steps, hidden: hidden.map(rows), gates, answers })
    }
}
