//! `elman predict` of a model that no job of ours made, as converters leave it: what it answers to sequences, classes by
//! their numbers.
//!
//! A model of features reads the files of sequences that `elman train classify` reads; one of tokens also plain text, a
//! sequence of their numbers in each line.

use std::path::Path;

use anyhow::{Context, bail};
use elman::datasets::SequenceSet;
use elman::datasets::sequences::{self, ColumnNames};
use elman::formats;
use elman::{Ensemble, Model, Predictor, Predicts, Reads, Sequences, most_probable};
use ndarray::{ArrayView1, ArrayView2};
use serde_json::{Value, json};

use crate::flags::predict::PredictArgs;
use crate::output::Output;
use crate::shown::digits::of_32_bits;
use crate::shown::names::one_line;

/// The endings of files of sequences.
const ENDINGS: [&str; 9] = [".csv", ".csv.gz", ".tsv", ".tsv.gz", ".ts", ".ts.gz", ".arff", ".arff.gz", ".npz"];

/// The most bytes of a text of tokens.
const TEXT_MAX: u64 = 1 << 30;

/// Whether a model without a job is one of sequences: it cannot be one of images, or no file is.
pub(crate) fn is_for(model: &Model, files: &[impl AsRef<Path>]) -> bool {
    !may_read_images(model) || files.iter().all(|file| ends(file.as_ref(), &ENDINGS))
}

/// Whether a model reads features and names a class of all of them.
pub(crate) fn may_read_images(model: &Model) -> bool {
    let head = model.head();
    model.stack().embedding.is_none() && head.classes().is_some() && head.reads != Reads::EveryStep
}

fn ends(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// A line, or with `--json` an object, for each sequence.
pub(crate) fn predict(
    args: &PredictArgs,
    ensemble: Ensemble,
    threads: usize,
    output: &mut Output,
) -> anyhow::Result<()> {
    let model = ensemble.first();
    if args.invert {
        bail!("--invert is for images; {} reads sequences", args.run.display());
    }
    if matches!(model.head().predicts, Predicts::Quantiles(_)) {
        bail!("{} predicts {}; use elman forecast", args.run.display(), model.head().describe());
    }
    // All files are read before the first line is printed: a bad one leaves no half a result.
    let mut inputs = Vec::new();
    for file in &args.files {
        inputs.push((file.display().to_string(), read(file, model)?));
    }
    let head = model.head().clone();
    let mut predictor = Predictor::new(ensemble, threads);
    for (file, rows) in inputs {
        let whole = match (&head.predicts, head.reads) {
            (_, Reads::EveryStep) => None,
            (Predicts::Classes(_), _) => Some(predictor.predict(&rows)),
            _ => Some(predictor.values(&rows)),
        };
        let whole = whole.transpose().with_context(|| format!("cannot predict from {file}"))?;
        for index in 0..rows.len() {
            let id = rows.0.ids.as_ref().map(|ids| ids[index].as_str());
            let name = format!("{file}[{}]", id.map_or(index.to_string(), str::to_owned));
            let (text, mut object) = match &whole {
                Some(answers) => of_row(answers.row(index), head.classes().is_some()),
                None => {
                    let steps = predictor.predict_steps(&rows, index);
                    let steps = steps.with_context(|| format!("cannot predict from {file}"))?;
                    of_steps(steps.view(), head.classes().is_some())
                }
            }
            .with_context(|| {
                format!("the model's answer for {name} is not a number: it is damaged, or an input is far from all in training")
            })?;
            for (key, value) in
                [("event", json!("prediction")), ("file", json!(file)), ("index", json!(index)), ("id", json!(id))]
            {
                object[key] = value;
            }
            output.result(format!("{}: {text}", one_line(&name)), &object)?;
        }
    }
    Ok(())
}

/// A class with its probability, or values; None if one is not a number.
fn of_row(answer: ArrayView1<'_, f32>, is_of_classes: bool) -> Option<(String, Value)> {
    let answer = answer.to_vec();
    if is_of_classes {
        let class = most_probable(&answer)?;
        let listed: Vec<String> = answer.iter().map(|p| format!("{p:.3}")).collect();
        let text = format!("class {class}, probability {:.3} [{}]", answer[class], listed.join(" "));
        return Some((text, json!({ "class": class, "probabilities": answer })));
    }
    let text = if answer.len() == 1 { "value" } else { "values" };
    Some((format!("{text} {}", values(&answer)?), json!({ "values": answer })))
}

/// The same at every step of a sequence.
fn of_steps(answers: ArrayView2<'_, f32>, is_of_classes: bool) -> Option<(String, Value)> {
    let rows: Vec<Vec<f32>> = answers.outer_iter().map(|row| row.to_vec()).collect();
    if is_of_classes {
        let classes = rows.iter().map(|row| most_probable(row)).collect::<Option<Vec<usize>>>()?;
        let listed: Vec<String> = classes.iter().map(ToString::to_string).collect();
        let text = if listed.is_empty() { "no steps".into() } else { format!("classes {}", listed.join(" ")) };
        return Some((text, json!({ "classes": classes, "probabilities": rows })));
    }
    let listed = rows.iter().map(|row| values(row)).collect::<Option<Vec<String>>>()?;
    let text = if listed.is_empty() { "no steps".into() } else { format!("values {}", listed.join("; ")) };
    Some((text, json!({ "values": rows })))
}

/// Numbers between blanks; None if one is none.
fn values(answer: &[f32]) -> Option<String> {
    let listed = answer.iter().map(|y| y.is_finite().then(|| of_32_bits(*y)));
    Some(listed.collect::<Option<Vec<String>>>()?.join(" "))
}

/// Sequences as they stand in a file: nothing is scaled, and what is missing is refused when it is read.
struct Rows(SequenceSet);

impl Sequences for Rows {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn steps(&self) -> usize {
        (0..self.0.len()).map(|row| self.0.length(row)).max().unwrap_or(0)
    }
    fn input(&self) -> usize {
        self.0.features()
    }
    fn length(&self, row: usize) -> usize {
        self.0.length(row)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        let features = self.0.features();
        let values = &self.0.values[(self.0.offsets[row] + step) * features..][..features];
        for (feature, (x, &value)) in x.iter_mut().zip(values).enumerate() {
            *x = (self.0.centre(feature) + f64::from(value)) as f32;
        }
    }
}

fn read(file: &Path, model: &Model) -> anyhow::Result<Rows> {
    let input = model.stack().input();
    if let (Some(of), true) = (model.stack().embedding, !ends(file, &ENDINGS)) {
        return tokens(file, of.tokens);
    }
    let set = SequenceSet { labels: None, ..sequences::load(file, &ColumnNames::default())? };
    if set.features() != input {
        let what =
            if model.stack().embedding.is_some() { "tokens, one a step".into() } else { format!("{input} features") };
        bail!(
            "{} has {} features a step ({}); the model reads {what}",
            file.display(),
            set.features(),
            set.names.join(", ")
        );
    }
    Ok(Rows(set))
}

/// Lines of whole numbers, between blanks or commas.
fn tokens(file: &Path, count: usize) -> anyhow::Result<Rows> {
    let bytes = formats::read_file(file, TEXT_MAX).with_context(|| format!("cannot read {}", file.display()))?;
    let text = std::str::from_utf8(&bytes).with_context(|| {
        format!("cannot read {}: expected lines of token numbers, or a file of sequences such as .npz", file.display())
    })?;
    let (mut values, mut offsets) = (Vec::new(), vec![0]);
    for (line, text) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        for word in words {
            match word.parse::<usize>() {
                Ok(token) if token < count => values.push(token as f32),
                _ => bail!(
                    "{}, line {}: {word:?} is no token; expected whole numbers from 0 to {}, a sequence in each line",
                    file.display(),
                    line + 1,
                    count - 1
                ),
            }
        }
        if Some(&values.len()) != offsets.last() {
            offsets.push(values.len());
        }
    }
    if values.is_empty() {
        bail!(
            "{} holds no token; expected whole numbers from 0 to {}, a sequence in each line",
            file.display(),
            count - 1
        );
    }
    let names = vec!["token".into()];
    let (classes, centres, report) = (Vec::new(), Vec::new(), sequences::Report::default());
    Ok(Rows(SequenceSet {
        names,
        classes,
        centres,
        values,
        offsets,
        labels: None,
        step_labels: None,
        ids: None,
        report,
    }))
}
