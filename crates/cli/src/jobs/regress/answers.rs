//! A trained model's answers: of a set with numbers, judged; of files without, a line for each sequence.

use std::path::Path;

use anyhow::{anyhow, bail};
use elman::{Ensemble, Error, Model, NumberMeaning, Regressor};
use serde_json::{Map, json};

use super::baselines;
use super::judged::Judged;
use super::parts::{Numbered, Parts};
use super::settings::RegressSettings;
use crate::flags::eval::EvalArgs;
use crate::flags::predict::PredictArgs;
use crate::folder;
use crate::jobs::sequences::words::damaged;
use crate::output::Output;
use crate::settings::Settings;
use crate::shown::digits::significant;
use crate::shown::names::one_line;

/// What the model of a run reads and answers.
///
/// # Errors
/// If it is damaged.
pub(super) fn meaning<'m>(model: &'m Model, run: &Path) -> anyhow::Result<&'m NumberMeaning> {
    model.number_meaning().map_err(|error| damaged(run, error))
}

/// What a run is tested on, and what it learnt from: the parts of its data, or a file with numbers alone.
///
/// # Errors
/// If there is no data, or it has no numbers.
pub(super) fn test_set(
    run: &Path,
    data: Option<&Path>,
    meaning: &NumberMeaning,
) -> anyhow::Result<(Numbered, Option<Numbered>)> {
    let config = run.join(folder::CONFIG);
    match data {
        Some(path) => {
            let label = meaning.sequences.label_column.clone();
            match meaning.load(path, label)? {
                (set, Some(numbers)) => Ok((Numbered { set, numbers }, None)),
                (_, None) => bail!(
                    "{} holds no numbers to compare with; elman predict gives those of its sequences",
                    path.display()
                ),
            }
        }
        None if config.exists() => {
            let settings = Settings::<RegressSettings>::read(&config)?;
            let parts = Parts::load(&settings.job, settings.training.seed)?;
            Ok((parts.test, Some(parts.training)))
        }
        None => bail!("{} alone does not say what it was trained on; name a file with --data", run.display()),
    }
}

/// `elman eval` of a run: the test part of its data, or a file with numbers.
pub(super) fn eval(args: &EvalArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let meaning = meaning(model.first(), &args.run)?.clone();
    let (test, training) = test_set(&args.run, args.data.as_deref(), &meaning)?;
    judge(model, threads, &test, training.as_ref())?.1.report(output)
}

/// A model's answers to a test, and how good they are; beside what was learnt from, where that is known.
///
/// # Errors
/// If the model is none of numbers, or an answer is not a number.
pub(super) fn judge(
    model: impl Into<Ensemble>,
    threads: usize,
    test: &Numbered,
    training: Option<&Numbered>,
) -> anyhow::Result<(Vec<elman::Regressed>, Judged)> {
    let mut regressor = Regressor::new(model, threads)?;
    let answers = regressor.predict(test.set.clone())?;
    let mean = regressor.meaning().centre;
    let nearest = training.map(|training| baselines::nearest(training, test)).transpose()?.flatten();
    let judged = Judged::new(&test.numbers, &answers, regressor.levels(), Some(mean), nearest.as_deref());
    Ok((answers, judged))
}

/// `elman predict` of a run: numbers of the sequences of files.
pub(super) fn predict(args: &PredictArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let mut regressor = Regressor::new(model, threads).map_err(|error| damaged(&args.run, error))?;
    if args.invert {
        bail!("--invert is for images; {} reads sequences", args.run.display());
    }
    // All files are read before the first line is printed: a bad one leaves no half a result.
    let mut inputs = Vec::new();
    for file in &args.files {
        inputs.push((file.display().to_string(), regressor.read(file)?));
    }
    for (file, set) in inputs {
        let ids = set.ids.clone();
        let name = |row: usize| {
            let id = ids.as_ref().map(|ids| ids[row].clone());
            format!("{file}[{}]", id.unwrap_or_else(|| row.to_string()))
        };
        let answers = regressor.predict(set).map_err(|error| match error {
            Error::NoNumber { row } => {
                anyhow!("the model's answer for {} is not a number: a value is far from all in training", name(row))
            }
            error => error.into(),
        })?;
        let target = regressor.meaning().target.clone();
        let levels: Vec<String> = regressor.levels().iter().map(f32::to_string).collect();
        for (index, answer) in answers.iter().enumerate() {
            let listed: Vec<String> = levels
                .iter()
                .zip(&answer.quantiles)
                .map(|(level, z)| format!("{level}: {}", significant(*z)))
                .collect();
            let listed = if listed.is_empty() { String::new() } else { format!(" [{}]", listed.join(", ")) };
            let value = significant(answer.value);
            let text = format!("{}: {} {value}{listed}", one_line(&name(index)), one_line(&target));
            let named: Map<_, _> = levels.iter().cloned().zip(answer.quantiles.iter().map(|z| json!(z))).collect();
            let object = json!({
                "event": "prediction", "file": file, "index": index, "id": ids.as_ref().map(|ids| &ids[index]),
                "target": target, "value": answer.value, "quantiles": named,
            });
            output.result(text, &object)?;
        }
    }
    Ok(())
}
