//! Whether a model can read a data set, and score it.

use crate::model::head::{Head, Link, Predicts, Reads, Values};
use crate::model::model::Model;
use crate::network::inputs::check_tokens;
use crate::{Error, Labelled, Sequences, Target};

/// Refuses data that the model cannot read.
pub(crate) fn check_inputs<D: Sequences + ?Sized>(
    model: &Model,
    data: &D,
    rows: impl Iterator<Item = usize> + Clone,
) -> Result<(), Error> {
    if data.input() != model.stack().input() {
        let (count, steps) = (data.len(), data.steps());
        let expected = model.stack().input();
        return Err(Error::shape("the data", &[count, steps, data.input()], &[count, steps, expected]));
    }
    if let Some(row) = rows.clone().find(|&row| data.length(row) > data.steps()) {
        return Err(Error::Length { row, length: data.length(row), steps: data.steps() });
    }
    let least = model.stack().least_steps();
    if let Some(row) = rows.clone().find(|&row| (1..least).contains(&data.length(row))) {
        let expected = format!("at least {least}: of fewer the windows of its layers leave no step");
        return Err(Error::setting("the steps of a row", format!("{} (row {row})", data.length(row)), expected));
    }
    check_tokens(model.stack(), data, rows)
}

/// Refuses a data set with inputs or labels that the model has no place for, or with nothing to score.
pub(crate) fn check_all<D: Labelled + ?Sized>(model: &Model, data: &D) -> Result<(), Error> {
    check_inputs(model, data, 0..data.len())?;
    check_scored(model, "the data set", data, 0..data.len())?;
    check_labels(model, data, 0..data.len())
}

/// Refuses streams whose state cannot be carried, windows without a step, and heads that do not answer at every step.
pub(crate) fn check_streams<D: Sequences + ?Sized>(model: &Model, data: &D, window: usize) -> Result<(), Error> {
    let reads = model.head().reads;
    if reads != Reads::EveryStep {
        let found = format!("one on {}", reads.describe());
        return Err(Error::setting("the head", found, "one on every step, for streams have no end"));
    }
    model.stack().check_streams()?;
    if !(1..=data.steps()).contains(&window) {
        return Err(Error::setting("the window", window, format!("1 to {}, the steps of the data", data.steps())));
    }
    Ok(())
}

/// Refuses rows that are not in the data set, that the model cannot read, or that leave nothing to score.
pub(crate) fn check_rows<D: Labelled + ?Sized>(model: &Model, data: &D, rows: &[u32]) -> Result<(), Error> {
    if let Some(row) = rows.iter().find(|&&row| row as usize >= data.len()) {
        return Err(Error::setting("a row's number", row, format!("below {}, the rows of the data set", data.len())));
    }
    let rows = rows.iter().map(|&row| row as usize);
    check_inputs(model, data, rows.clone())?;
    check_scored(model, "the batch", data, rows.clone())?;
    check_labels(model, data, rows)
}

/// Refuses rows with nothing to score: the mean of no losses is no number.
fn check_scored<D: Labelled + ?Sized>(
    model: &Model,
    what: &'static str,
    data: &D,
    rows: impl ExactSizeIterator<Item = usize> + Clone,
) -> Result<(), Error> {
    if rows.len() == 0 {
        return Err(Error::setting(what, "empty", "at least one row"));
    }
    if rows.clone().any(|row| is_scored(model.head(), data, row)) {
        return Ok(());
    }
    let mut found: Vec<String> = rows.clone().take(NAMED).map(|row| row.to_string()).collect();
    if rows.len() > NAMED {
        found.push("…".into());
    }
    let steps = rows.clone().map(|row| data.length(row)).sum::<usize>();
    let without = if steps == 0 { "a single step" } else { "a step whose class is known" };
    let found = format!("without {without} (rows {})", found.join(", "));
    Err(Error::setting(
        what,
        found,
        "a row of 1 step or more, for the head scores every step; or a head on the last state",
    ))
}

/// Whether a head scores anything in a row: one on every step has nothing where there is none, or none whose class is known.
pub(crate) fn is_scored<D: Labelled + ?Sized>(head: &Head, data: &D, row: usize) -> bool {
    if head.reads != Reads::EveryStep {
        return true;
    }
    match data.target() {
        Target::StepClasses(of) => (0..data.length(row)).any(|step| of.is_known(row, step)),
        _ => data.length(row) > 0,
    }
}

/// Rows that an error names.
const NAMED: usize = 5;

fn check_labels<D: Labelled + ?Sized>(model: &Model, data: &D, rows: impl Iterator<Item = usize>) -> Result<(), Error> {
    let (head, target) = (model.head(), data.target());
    let found = target.width().unwrap_or(0);
    let Predicts::Classes(classes) = head.predicts else {
        let expected = head.horizon().unwrap_or(0);
        if found != expected {
            return Err(Error::shape("the values of each row of the data", &[found], &[expected]));
        }
        check_of_rows(head, target)?;
        return check_parts(head, data, rows);
    };
    if target.width().is_some() {
        let found = format!("data with {}", target.describe());
        return Err(Error::setting("the data set", found, "classes, for the head predicts classes"));
    }
    check_of_rows(head, target)?;
    for row in rows {
        let wrong = match head.reads {
            Reads::EveryStep => {
                (0..data.length(row)).filter_map(|t| target.class(row, Some(t))).find(|&label| label >= classes)
            }
            _ => target.class(row, None).filter(|&label| label >= classes),
        };
        if let Some(label) = wrong {
            return Err(Error::Label { row, label, classes });
        }
    }
    Ok(())
}

/// Refuses targets of steps for a head that answers once for a row.
fn check_of_rows(head: &Head, target: Target<'_>) -> Result<(), Error> {
    if head.reads == Reads::EveryStep || !target.is_of_steps() {
        return Ok(());
    }
    let found = format!("data with {}", target.describe());
    let expected = format!("one for each row, for the head reads {}; or a head on every step", head.reads.describe());
    Err(Error::setting("the data set", found, expected))
}

/// Refuses values that are no probabilities, where the head predicts such; NaN stands for one that is not known.
fn check_parts<D: Labelled + ?Sized>(head: &Head, data: &D, rows: impl Iterator<Item = usize>) -> Result<(), Error> {
    let Predicts::Values(Values { outputs, link: Link::Sigmoid, .. }) = head.predicts else { return Ok(()) };
    let (mut values, target) = (vec![f32::NAN; outputs], data.target());
    for row in rows {
        let steps = if head.reads == Reads::EveryStep { data.length(row) } else { 1 };
        for step in 0..steps {
            target.values(row, Some(step).filter(|_| head.reads == Reads::EveryStep), &mut values);
            if let Some(value) = values.iter().find(|value| !value.is_nan() && !(0.0..=1.0).contains(*value)) {
                let expected = "0 to 1, for the head predicts a sigmoid";
                return Err(Error::setting("a value to predict", format!("{value} in row {row}"), expected));
            }
        }
    }
    Ok(())
}
