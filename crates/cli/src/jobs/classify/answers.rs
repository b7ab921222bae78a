//! A trained model's answers: of a set with classes, judged; of files without, a line for each sequence, or for each step.

use std::path::Path;

use anyhow::{anyhow, bail};
use elman::{Classifier, Ensemble, Error, LabelledSequences, Model, Predictor};
use serde_json::{Map, json};

use super::judged::judge;
use super::parts::Parts;
use super::settings::ClassifySettings;
use super::steps;
use super::tables;
use crate::flags::eval::EvalArgs;
use crate::flags::predict::PredictArgs;
use crate::folder;
use crate::jobs::sequences::words::damaged;
use crate::output::Output;
use crate::settings::Settings;
use crate::shown::names::one_line;

/// `elman eval` of a run: the test part of its data, or a file with labels.
pub(super) fn eval(args: &EvalArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let test = test_set(&args.run, args.data.as_deref(), model.first())?;
    let classes = model.first().class_meaning().map_err(|error| damaged(&args.run, error))?.classes.clone();
    let judged = judge(&mut Predictor::new(model, threads), &test)?;
    tables::report(output, &judged, &classes, &format!("the model {} is damaged", args.run.display()))
}

/// What a run is tested on: the test part of its data, or a file with labels.
pub(super) fn test_set(run: &Path, data: Option<&Path>, model: &Model) -> anyhow::Result<LabelledSequences> {
    let meaning = model.class_meaning().map_err(|error| damaged(run, error))?;
    let config = run.join(folder::CONFIG);
    let (name, set) = match data {
        Some(path) => (path.display().to_string(), meaning.load(path, meaning.label_column.clone())?),
        None if config.exists() => {
            let settings = Settings::<ClassifySettings>::read(&config)?;
            let parts = Parts::load(&settings.job, settings.training.seed)?;
            (parts.name, parts.test)
        }
        None => bail!("{} alone does not say what it was trained on; name a file with --data", run.display()),
    };
    if set.labels.is_none() && set.step_labels.is_none() {
        bail!("{name} holds no labels to compare with; elman predict names the classes of its sequences");
    }
    let set = set.matched(&name, &meaning.features, &meaning.classes)?;
    Ok(LabelledSequences::new(set, &meaning.standardizer)?)
}

/// `elman predict` of a run: classes and probabilities of the sequences of files, whose labels are not looked at.
pub(super) fn predict(args: &PredictArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let mut classifier = Classifier::new(model, threads).map_err(|error| damaged(&args.run, error))?;
    if args.invert {
        bail!("--invert is for images; {} reads sequences", args.run.display());
    }
    // All files are read before the first line is printed: a bad one leaves no half a result.
    let mut inputs = Vec::new();
    for file in &args.files {
        inputs.push((file.display().to_string(), classifier.read(file)?));
    }
    for (file, set) in inputs {
        let ids = set.ids.clone();
        let name = |row: usize| {
            let id = ids.as_ref().map(|ids| ids[row].clone());
            format!("{file}[{}]", id.unwrap_or_else(|| row.to_string()))
        };
        let not_finite = |error| match error {
            Error::NoClass { row } => {
                anyhow!("the model's answer for {} is not a number: a value is far from all in training", name(row))
            }
            error => error.into(),
        };
        if classifier.meaning().label_per_step {
            let answers = classifier.classify_steps(set).map_err(not_finite)?;
            steps::print(&classifier, &file, ids.as_deref(), &answers, output)?;
            continue;
        }
        let answers = classifier.classify(set).map_err(not_finite)?;
        for (index, answer) in answers.iter().enumerate() {
            let (class, probability) = (classifier.name(answer), answer.probabilities[answer.class]);
            let named = || classifier.meaning().classes.iter().zip(&answer.probabilities);
            let listed: Vec<String> = named().map(|(name, p)| format!("{}: {p:.3}", one_line(name))).collect();
            let text = format!(
                "{}: class {}, probability {probability:.3} [{}]",
                one_line(&name(index)),
                one_line(class),
                listed.join(", ")
            );
            let named: Map<_, _> = named().map(|(name, &p)| (name.clone(), json!(p))).collect();
            let object = json!({
                "event": "prediction", "file": file, "index": index, "id": ids.as_ref().map(|ids| &ids[index]),
                "class": class, "probability": probability, "probabilities": named,
            });
            output.result(text, &object)?;
        }
    }
    Ok(())
}
