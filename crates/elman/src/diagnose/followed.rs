//! A model with its head, followed back from the loss of rows of a data set.

use serde_json::{Value, json};

use super::{Curve, Diagnose, Diagnosis, class_loss_gradient, quantile_loss_gradient, value_loss_gradient};
use crate::{Error, Labelled, Link, Model, Predicts, Quantiles, Reads, Target, Values};

/// Rows that are followed, unless others are asked for: the mean over more is hardly another.
const ROWS: usize = 64;

/// How much of a data set is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Rows that lie evenly over the data; None: 64, or all of fewer.
    pub rows: Option<usize>,
    /// Most steps to look back over; None: all.
    pub steps: Option<usize>,
}

impl Followed {
    /// Follows the gradient of each row's loss at its end, through the head that the model has.
    ///
    /// # Errors
    /// If the data does not fit the model, its head is not one dense layer to classes, values or quantiles, or as
    /// [`Diagnose::run`].
    pub fn run(self, model: &Model, data: &dyn Labelled) -> Result<Diagnosis, Error> {
        // A label of a step may be missing, and then there is no loss.
        let ends_known = |&row: &usize| match data.target() {
            Target::StepClasses(of) => data.length(row).checked_sub(1).is_some_and(|step| of.is_known(row, step)),
            _ => true,
        };
        let known: Vec<usize> = (0..data.len()).filter(ends_known).collect();
        let count = self.rows.unwrap_or(ROWS.min(known.len()));
        if !(1..=known.len()).contains(&count) {
            let which = if known.len() < data.len() { " whose last step has a label" } else { "" };
            let expected = format!("1 to {}, the rows of the data{which}", known.len());
            return Err(Error::setting("rows", count, expected));
        }
        let rows: Vec<usize> = (0..count).map(|row| known[row * known.len() / count]).collect();
        let network = model.network();
        let reads = followed(model);
        let sigmoid = matches!(model.head().predicts, Predicts::Values(Values { link: Link::Sigmoid, .. }));
        if sigmoid || !model.head().hidden.is_empty() {
            let found = if sigmoid { "one of values under a sigmoid" } else { "one with hidden layers" };
            let expected = "one dense layer to classes, values or quantiles, whose gradient is followed";
            return Err(Error::setting("the head", found, expected));
        }
        let (kernel, bias) = model.head_arrays();
        let target = data.target();
        let diagnose = Diagnose { steps: self.steps, ..Diagnose::new(&network, reads) };
        let values_of = |what: &str, row: usize, step: Option<usize>, expected: usize| {
            let width = target.width().unwrap_or(0);
            if width != expected {
                return Err(Error::shape(what, &[width], &[expected]));
            }
            let mut values = vec![f32::NAN; expected];
            target.values(row, step, &mut values);
            Ok(values)
        };
        diagnose.run(data, &rows, |row, read| match &model.head().predicts {
            Predicts::Classes(classes) => {
                let step = (reads == Reads::EveryStep).then(|| data.length(row) - 1);
                let Some(label) = target.class(row, step) else {
                    let found = format!("one with {}", target.describe());
                    let expected = format!("one with classes, for a head of classes on {}", reads.describe());
                    return Err(Error::setting("the data", found, expected));
                };
                if label >= *classes {
                    return Err(Error::Label { row, label, classes: *classes });
                }
                class_loss_gradient(kernel.view(), &bias, read, label)
            }
            Predicts::Values(Values { outputs, loss, .. }) => {
                let step = (reads == Reads::EveryStep).then(|| data.length(row).saturating_sub(1));
                let values = values_of("what is said of each row of the data", row, step, *outputs)?;
                value_loss_gradient(kernel.view(), &bias, read, *loss, &values)
            }
            Predicts::Quantiles(Quantiles { levels, horizon }) => {
                let values = values_of("what follows each row of the data", row, None, *horizon)?;
                quantile_loss_gradient(kernel.view(), &bias, read, levels, &values)
            }
        })
    }
}

/// What a loss reads whose gradient is followed. Where the head takes all steps together, its gradient enters at all of them
/// and has no lag: the same dense layer is then put on the last states, or where those are wider on the last outputs.
fn followed(model: &Model) -> Reads {
    let (stack, reads) = (model.stack(), model.head().reads);
    let mut last = model.head().clone();
    last.reads = Reads::LastState;
    match reads.pools() {
        false => reads,
        true if last.input(stack) == stack.output() => Reads::LastState,
        true => Reads::EveryStep,
    }
}

impl Diagnosis {
    /// All figures as JSON, with the summaries of the curves beside them.
    pub fn object(&self) -> Value {
        let curve = |curve: &Curve| {
            json!({
                "relative": curve.relative, "rows": curve.rows, "reach": curve.reach(), "rate": curve.rate(),
                "half_life": curve.half_life(), "flow": curve.flow(),
            })
        };
        let cells: Vec<Value> = self
            .cells
            .iter()
            .map(|cell| {
                json!({
                    "layer": cell.layer, "reversed": cell.reversed, "cell": cell.cell, "state": curve(&cell.state),
                    "h": curve(&cell.h), "c": cell.c.as_ref().map(curve), "gates": cell.gates,
                    "gate_samples": cell.gate_samples, "recurrent": cell.recurrent, "transition": cell.transition,
                    "not_computed": cell.not_computed,
                })
            })
            .collect();
        json!({
            "rows": self.rows, "skipped": self.skipped, "steps": self.steps, "inputs": curve(&self.inputs), "cells": cells,
        })
    }
}
