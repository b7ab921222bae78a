//! A trained model's answers: of a set with classes, judged; of files without, a line for each sequence.

use std::path::Path;

use anyhow::{Context, bail};
use elman::datasets::{SequenceSet, sequences};
use elman::{LabelledSequences, Model, Predictor, StandardizedSequences, most_probable};
use serde_json::{Map, json};

use super::judged::judge;
use super::meaning::Meaning;
use super::names::ends;
use super::parts::Parts;
use super::settings::ClassifySettings;
use super::tables;
use crate::flags::eval::EvalArgs;
use crate::flags::predict::PredictArgs;
use crate::folder;
use crate::output::Output;
use crate::settings::Settings;
use crate::shown::names::one_line;

/// `elman eval` of a run: the test part of its data, or a file with labels.
pub(super) fn eval(args: &EvalArgs, model: Model, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let damaged = || format!("the model {} is damaged", args.run.display());
    let test = test_set(&args.run, args.data.as_deref(), &model)?;
    let classes = Meaning::of(&model).with_context(damaged)?.classes;
    let judged = judge(model, threads, &test)?;
    tables::report(output, &judged, &classes, &damaged())
}

/// What a run is tested on: the test part of its data, or a file with labels.
pub(super) fn test_set(run: &Path, data: Option<&Path>, model: &Model) -> anyhow::Result<LabelledSequences> {
    let meaning = Meaning::of(model).with_context(|| format!("the model {} is damaged", run.display()))?;
    let config = run.join(folder::CONFIG);
    let (name, set) = match data {
        Some(path) => (path.display().to_string(), load_for(&meaning, path, meaning.columns()?.label)?),
        None if config.exists() => {
            let settings = Settings::<ClassifySettings>::read(&config)?;
            let parts = Parts::load(&settings.job, settings.training.seed)?;
            (parts.name, parts.test)
        }
        None => bail!("{} alone does not say what it was trained on; name a file with --data", run.display()),
    };
    if set.labels.is_none() {
        bail!("{name} holds no labels to compare with; elman predict names the classes of its sequences");
    }
    let set = set.matched(&name, &meaning.features, &meaning.classes)?;
    Ok(LabelledSequences::new(set, &meaning.standardizer)?)
}

/// `elman predict` of a run: classes and probabilities of the sequences of files, whose labels are not looked at.
pub(super) fn predict(args: &PredictArgs, model: Model, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let damaged = || format!("the model {} is damaged", args.run.display());
    let meaning = Meaning::of(&model).with_context(damaged)?;
    if args.invert {
        bail!("--invert is for images; {} reads sequences", args.run.display());
    }
    // All files are read before the first line is printed: a bad one leaves no half a result.
    let mut inputs = Vec::new();
    for file in &args.files {
        let set = SequenceSet { labels: None, ..load_for(&meaning, file, None)? };
        inputs.push((file.display().to_string(), set.matched(&file.display().to_string(), &meaning.features, &[])?));
    }
    let mut predictor = Predictor::new(model, threads);
    for (file, set) in inputs {
        let ids = set.ids.clone();
        let probabilities = predictor.predict(&StandardizedSequences::new(set, &meaning.standardizer)?)?;
        for (index, row) in probabilities.outer_iter().enumerate() {
            let row = row.to_vec();
            let id = ids.as_ref().map(|ids| ids[index].as_str());
            let name = format!("{file}[{}]", id.map_or(index.to_string(), str::to_owned));
            let Some(class) = most_probable(&row) else {
                bail!("the model's answer for {name} is not a number: a value is far from all in training");
            };
            let listed: Vec<String> =
                meaning.classes.iter().zip(&row).map(|(name, p)| format!("{}: {p:.3}", one_line(name))).collect();
            let text = format!(
                "{}: class {}, probability {:.3} [{}]",
                one_line(&name),
                one_line(&meaning.classes[class]),
                row[class],
                listed.join(", ")
            );
            let named: Map<_, _> =
                meaning.classes.iter().zip(&row).map(|(name, &p)| (name.clone(), json!(p))).collect();
            let object = json!({
                "event": "prediction", "file": file, "index": index, "id": id, "class": meaning.classes[class],
                "probability": row[class], "probabilities": named,
            });
            output.result(text, &object)?;
        }
    }
    Ok(())
}

/// A file of sequences as the model reads it: the columns of a table by their names in training.
fn load_for(meaning: &Meaning, path: &Path, label: Option<String>) -> anyhow::Result<SequenceSet> {
    let mut columns = meaning.columns()?;
    columns.label = label;
    if ends(path, &[".csv", ".tsv"]) {
        columns.features = Some(meaning.features.clone());
    }
    Ok(sequences::load(path, &columns)?)
}
