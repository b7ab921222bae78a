//! `elman diagnose`: how far back a trained network learns, whether its gates move, what its step does to the state.

mod chart;
mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use elman::diagnose::{Curve, Diagnose, Diagnosis, class_loss_gradient, quantile_loss_gradient, value_loss_gradient};
use elman::{Labelled, Link, Model, Predicts, Quantiles, Reads, Sequences, Values};
use serde_json::{Value, json};

use crate::flags::diagnose::DiagnoseArgs;
use crate::folder;
use crate::jobs;
use crate::output::Output;

/// Rows that are followed, unless others are asked for: the mean over more is hardly another.
const ROWS: usize = 64;

/// Steps of the sequences that a stream is cut into, unless it is looked back over more.
const STEPS: usize = 64;

/// The picture in a run's folder.
const PICTURE: &str = "diagnosis.svg";

pub(crate) fn diagnose(args: &DiagnoseArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let ensemble = folder::load_model(&args.run)?;
    let members = ensemble.members().len();
    let member = args.member.or((members > 1).then_some(1));
    if let (Some(member), true) = (member, members > 1) {
        output.remark(&format!("an ensemble of {members} networks; member {member} is followed (--member)"));
    }
    let model = folder::member(ensemble, &args.run, member)?;
    let window = args.steps.map_or(STEPS, |steps| steps.max(STEPS));
    let job = folder::job(&args.run, &model)?;
    let Some(job) = jobs::named(&job) else {
        bail!("{} is a run of job {job:?}, which diagnose does not know", args.run.display())
    };
    let mut followed = None;
    (job.diagnose)(args, &model, window, &mut |data| {
        followed = Some(follow(args, &model, data)?);
        Ok(())
    })?;
    let Some((diagnosis, rows)) = followed else { bail!("{} has nothing to follow", args.run.display()) };
    let picture = match &args.out {
        Some(file) => Some(file.clone()),
        // A model file alone has no folder of its own to put it in.
        None => args.run.is_dir().then(|| args.run.join(PICTURE)),
    };
    if let Some(file) = &picture {
        chart::draw(file, &title(&args.run), &diagnosis)?;
    }
    if output.json {
        return output.result("", &object(&diagnosis, picture.as_deref()));
    }
    if model.head().reads.pools() {
        output.remark(
            "The head takes all steps together, so its gradient enters at each of them. What is followed is that of the same \
             layer on the last one alone: how far the network remembers.",
        );
    }
    for line in tables::text(&model, &diagnosis, rows) {
        output.line(&line)?;
    }
    if let Some(file) = picture {
        output.remark(&format!("The picture is in {}.", file.display()));
    }
    Ok(())
}

/// Rows that lie evenly over the data, followed back from the loss of each at its end.
fn follow(args: &DiagnoseArgs, model: &Model, data: &dyn Labelled) -> anyhow::Result<(Diagnosis, usize)> {
    let count = args.rows.unwrap_or(ROWS.min(data.len()));
    if !(1..=data.len()).contains(&count) {
        let expected = format!("1 to {}, the rows of the data", data.len());
        return Err(elman::Error::Setting { what: "rows", found: count.to_string(), expected }.into());
    }
    let rows: Vec<usize> = (0..count).map(|row| row * data.len() / count).collect();
    let network = model.network();
    let reads = followed(model);
    let sigmoid = matches!(model.head().predicts, Predicts::Values(Values { link: Link::Sigmoid, .. }));
    if sigmoid || !model.head().hidden.is_empty() {
        let what = if sigmoid { "predicts values under a sigmoid" } else { "has hidden layers" };
        bail!(
            "cannot diagnose {}: its head {what}; expected one dense layer to classes, values or quantiles, whose gradient is followed",
            args.run.display()
        );
    }
    let (kernel, bias) = model.head_arrays();
    let target = data.target();
    let diagnose = Diagnose { steps: args.steps, ..Diagnose::new(&network, reads) };
    let found = diagnose.run(&Rows(data), &rows, |row, read| match &model.head().predicts {
        Predicts::Classes(classes) => {
            let step = (reads == Reads::EveryStep).then(|| data.length(row) - 1);
            let Some(label) = target.class(row, step) else {
                return Err(elman::Error::Setting {
                    what: "the data",
                    found: format!("one with {}", target.describe()),
                    expected: format!("one with classes, for a head of classes on {}", reads.describe()),
                });
            };
            if label >= *classes {
                return Err(elman::Error::Label { row, label, classes: *classes });
            }
            class_loss_gradient(kernel.view(), &bias, read, label)
        }
        Predicts::Values(Values { outputs, loss, .. }) => {
            let width = target.width().unwrap_or(0);
            if width != *outputs {
                let what = "what is said of each row of the data".to_owned();
                return Err(elman::Error::Shape { what, found: vec![width], expected: vec![*outputs] });
            }
            let mut values = vec![f32::NAN; *outputs];
            let step = (reads == Reads::EveryStep).then(|| data.length(row).saturating_sub(1));
            target.values(row, step, &mut values);
            value_loss_gradient(kernel.view(), &bias, read, *loss, &values)
        }
        Predicts::Quantiles(Quantiles { levels, horizon }) => {
            let width = target.width().unwrap_or(0);
            if width != *horizon {
                let what = "what follows each row of the data".to_owned();
                return Err(elman::Error::Shape { what, found: vec![width], expected: vec![*horizon] });
            }
            let mut values = vec![f32::NAN; *horizon];
            target.values(row, None, &mut values);
            quantile_loss_gradient(kernel.view(), &bias, read, levels, &values)
        }
    });
    Ok((found.with_context(|| format!("cannot diagnose {}", args.run.display()))?, data.len()))
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

/// Data of any job.
struct Rows<'a>(&'a dyn Labelled);

impl Sequences for Rows<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn steps(&self) -> usize {
        self.0.steps()
    }
    fn input(&self) -> usize {
        self.0.input()
    }
    fn length(&self, row: usize) -> usize {
        self.0.length(row)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        self.0.read(row, step, x);
    }
    fn always_finite(&self) -> bool {
        self.0.always_finite()
    }
}

/// What a picture is called.
fn title(run: &Path) -> String {
    let full: PathBuf = std::path::absolute(run).unwrap_or_else(|_| run.to_path_buf());
    full.file_name().unwrap_or(run.as_os_str()).to_string_lossy().into_owned()
}

/// Everything, with the summaries of the curves beside them.
fn object(diagnosis: &Diagnosis, picture: Option<&Path>) -> Value {
    let curve = |curve: &Curve| {
        json!({
            "relative": curve.relative, "rows": curve.rows, "reach": curve.reach(), "rate": curve.rate(),
            "half_life": curve.half_life(), "flow": curve.flow(),
        })
    };
    let cells: Vec<Value> = diagnosis
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
        "event": "diagnosis", "rows": diagnosis.rows, "skipped": diagnosis.skipped, "steps": diagnosis.steps,
        "inputs": curve(&diagnosis.inputs), "cells": cells, "picture": picture,
    })
}
