//! What each layer of the chain is here: part of the network at every step, or of the head behind what is left of the steps.

use elman::{Merge, Reads};
use elman_kernels::Nonlinearity;

use super::chain::Wrong;
use super::names::Weights;
use super::parts::{Act, Dense, Norm, Part, PoolSteps, Recurrent, Scale};

/// A layer of the network, which has a number at every step.
pub(super) enum Step {
    Recurrent(Recurrent),
    Dense(Dense),
    Scale(Scale),
    Norm(Norm),
    Pool(PoolSteps),
}

/// The layers in their roles.
#[derive(Default)]
pub(super) struct Roles {
    pub(super) steps: Option<usize>,
    pub(super) embedding: Option<Weights>,
    pub(super) stack: Vec<Step>,
    /// For each of them, the layer of the file behind which its numbers are there.
    pub(super) stages: Vec<String>,
    /// What the head reads, once no layer has steps any more.
    reads: Option<Reads>,
    /// The dense layers of the head, that of the outputs last.
    pub(super) behind: Vec<Dense>,
    /// What the next of them has to take into its kernel.
    pending: Vec<Scale>,
    /// How many layers the network has in the configuration that elman wrote: then nothing is folded.
    pub(super) own: Option<usize>,
}

impl Roles {
    /// Puts a layer in its role.
    ///
    /// # Errors
    /// If it has none behind those before it: why.
    pub(super) fn add(&mut self, name: &str, part: Part, notes: &mut Vec<String>) -> Result<(), Wrong> {
        let wrong = |why: &str| Err((name.to_owned(), why.to_owned()));
        let push = |to: &mut Self, step: Step| {
            to.stack.push(step);
            to.stages.push(name.to_owned());
        };
        match part {
            Part::Input(steps) => self.steps = steps,
            Part::Nothing => {}
            Part::Flatten if self.reads.is_none() => {
                return wrong(
                    "it puts all steps side by side, so that the layer behind it has weights for each; expected a recurrent \
                     layer with return_sequences=False, or a pooling layer, in its place",
                );
            }
            Part::Flatten => {}
            Part::Embedding(weights) => {
                if self.embedding.is_some() || !self.stack.is_empty() || !self.behind.is_empty() {
                    return wrong("it is an Embedding behind other layers; expected it to be the first");
                }
                self.embedding = Some(weights);
            }
            Part::Recurrent(layer) => match self.reads {
                Some(_) if !self.behind.is_empty() => {
                    return wrong("it is a recurrent layer behind a Dense; expected one that has steps before it");
                }
                Some(Reads::LastState) => return wrong("the recurrent layer before it does not return sequences"),
                Some(_) => return wrong("it is a recurrent layer behind one that takes all steps together"),
                None => {
                    self.reads = (layer.return_sequences == Some(false)).then_some(Reads::LastState);
                    push(self, Step::Recurrent(*layer));
                }
            },
            Part::Pool(reads) => match self.reads {
                None if self.stack.is_empty() => {
                    return wrong("it takes the steps of the input together; expected a layer before it");
                }
                None => self.reads = Some(reads),
                Some(_) => return wrong("there are no steps before it"),
            },
            Part::Dropout(rate) => match self.stack.last_mut() {
                // Whether another layer with steps follows is seen at the end.
                Some(Step::Recurrent(layer)) if self.reads.is_none() => layer.dropout = rate,
                Some(Step::Recurrent(layer)) if self.behind.is_empty() && self.reads == Some(Reads::LastState) => {
                    layer.dropout = rate;
                }
                _ if rate > 0.0 => notes.push(format!(
                    "{name} drops a part of {rate} in training, not between recurrent layers, and is left out"
                )),
                _ => {}
            },
            Part::Dense(Dense { window: Some(_), .. }) | Part::PoolSteps(_) if self.reads.is_some() => {
                return wrong(
                    "it reads windows of steps, and there are no steps before it; expected it before the layers that take them together",
                );
            }
            Part::PoolSteps(pool) => push(self, Step::Pool(pool)),
            Part::Dense(dense) if self.reads.is_none() || self.is_of_stack() => push(self, Step::Dense(dense)),
            Part::Dense(dense) if dense.at_every_step => {
                return wrong("it is applied at every step of a layer that returns its last output alone");
            }
            Part::Dense(mut dense) => {
                dense.before = std::mem::take(&mut self.pending);
                self.behind.push(dense);
            }
            Part::Scale(scale) => {
                if self.own.is_none()
                    && let Some(dense) = self.linear()
                {
                    dense.after.push(scale);
                    self.stage(name);
                } else if self.reads.is_none() || self.is_of_stack() {
                    push(self, Step::Scale(scale));
                } else {
                    self.pending.push(scale);
                }
            }
            Part::Norm(norm) => match (self.reads, self.stack.last()) {
                (None, _) => push(self, Step::Norm(norm)),
                // What is done to the last step alone may be done to all of them.
                (Some(Reads::LastState), Some(_))
                    if self.of_one_direction() && self.behind.is_empty() && self.pending.is_empty() =>
                {
                    push(self, Step::Norm(norm));
                }
                _ => {
                    return wrong(
                        "it normalises what no layer gives at every step here: two directions, all steps together, or a Dense; \
                         expected it on the outputs of a layer with steps, or on the last state of one direction",
                    );
                }
            },
            Part::Function(Act::LINEAR) => {}
            Part::Function(act) => {
                let Some(dense) = self.linear() else {
                    return wrong(match (act, self.behind.last().map(|dense| dense.act)) {
                        (Act::Softmax, Some(Act::Softmax)) => {
                            "it is a softmax behind another; expected one, behind the head"
                        }
                        (Act::Softmax, _) => {
                            "it is a softmax before the head; expected one behind it, and none elsewhere"
                        }
                        _ => {
                            "it is an activation where none is expected; expected one behind a Dense that has no other, or as an \
                             option of its layer"
                        }
                    });
                };
                dense.act = act;
                self.stage(name);
            }
        }
        Ok(())
    }

    /// The dense layer that was the last, if its sums are all that it gives so far.
    fn linear(&mut self) -> Option<&mut Dense> {
        let dense = match self.reads {
            None => match self.stack.last_mut() {
                Some(Step::Dense(dense)) => dense,
                _ => return None,
            },
            Some(_) if self.pending.is_empty() => self.behind.last_mut()?,
            Some(_) => return None,
        };
        (dense.act == Act::LINEAR).then_some(dense)
    }

    /// The last layer's numbers are there behind this one.
    fn stage(&mut self, name: &str) {
        if self.reads.is_none()
            && let Some(last) = self.stages.last_mut()
        {
            *last = name.to_owned();
        }
    }

    /// What the head reads. Dense layers at every step that are the last become the head's.
    ///
    /// # Errors
    /// If the last layer is no dense one, or one before it cannot be what it is there.
    pub(super) fn close(&mut self, notes: &mut Vec<String>) -> Result<Reads, Wrong> {
        let reads = self.reads.unwrap_or(Reads::EveryStep);
        while reads == Reads::EveryStep
            && self.own.is_none_or(|own| own < self.stack.len())
            && matches!(self.stack.last(), Some(Step::Dense(dense)) if dense.window.is_none())
        {
            self.stages.pop();
            if let Some(Step::Dense(dense)) = self.stack.pop() {
                self.behind.insert(0, dense);
            }
        }
        let wrong = |name: &str, why: &str| Err((name.to_owned(), why.to_owned()));
        if self.own.is_none() && !self.stack.iter().any(|step| matches!(step, Step::Recurrent(_))) {
            return wrong("the model", "it has no recurrent layer; expected a SimpleRNN, LSTM or GRU at least");
        }
        if let Some(scale) = self.pending.first() {
            return wrong(
                &scale.name,
                "it is behind all Dense layers that act by themselves; expected one behind it, the head",
            );
        }
        let Some((head, hidden)) = self.behind.split_last() else {
            return wrong("the model", "it has no Dense layer behind its recurrent ones; expected one, the head");
        };
        let inside =
            self.stack.iter().filter_map(|step| if let Step::Dense(dense) = step { Some(dense) } else { None });
        if let Some(dense) = inside.chain(hidden).find(|dense| dense.act == Act::Softmax) {
            return wrong(
                &dense.name,
                "it ends in a softmax before the head; expected one behind it, and none elsewhere",
            );
        }
        // Ours drops between layers alone.
        let last = self.stack.len() - 1;
        if let Some(Step::Recurrent(layer)) = self.stack.get_mut(last)
            && layer.dropout > 0.0
        {
            let reader = hidden.first().unwrap_or(head);
            notes.push(format!(
                "a part of {} of what {} reads is dropped in training, not between recurrent layers, and is left out",
                layer.dropout, reader.name
            ));
            layer.dropout = 0.0;
        }
        Ok(reads)
    }

    /// Whether all layers behind the last recurrent one, of one direction, have no state.
    fn of_one_direction(&self) -> bool {
        let recurrent =
            self.stack.iter().rev().find_map(|step| if let Step::Recurrent(of) = step { Some(of) } else { None });
        recurrent.is_some_and(|layer| layer.merge.is_none())
    }

    /// Whether one of our own layers at every step stands behind the last state, as it may where one direction gives it.
    fn is_of_stack(&self) -> bool {
        self.reads == Some(Reads::LastState)
            && self.own.is_some_and(|own| self.stack.len() < own)
            && self.of_one_direction()
    }

    /// Whether a head on the last state reads the sum of two directions, which ours reads side by side.
    pub(super) fn sums(&self, reads: Reads) -> bool {
        let last = self.stack.last();
        reads == Reads::LastState && matches!(last, Some(Step::Recurrent(layer)) if layer.merge == Some(Merge::Sum))
    }
}

/// What a last layer's function is beside that of the head: one of a layer before outputs that are its own.
pub(super) fn is_hidden(act: Act) -> Option<Nonlinearity> {
    match act {
        Act::Of(Nonlinearity::Identity | Nonlinearity::Sigmoid) | Act::Softmax => None,
        Act::Of(function) => Some(function),
    }
}
