//! A trained model's answers: of a set with classes, judged; of files without, a line for each sequence.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use elman::datasets::SequenceSet;
use elman::datasets::sequences::Settings as Columns;
use elman::datasets::series::Taken;
use elman::series::Scaling;
use elman::{
    Confusion, Evaluation, LabelledSequences, Model, Predictor, Reads, StandardizedSequences, Standardizer,
    most_probable,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::parts::Parts;
use super::{Classify, load_for, split_columns, tables};
use crate::args::{EvalArgs, PredictArgs};
use crate::jobs::tables as marks;
use crate::output::{Output, one_line};
use crate::run_folder;
use crate::settings::{Job, Settings};

/// What a model's inputs and outputs mean, kept in its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meaning {
    job: String,
    /// `[C]`
    pub(super) classes: Vec<String>,
    /// `[F]`
    pub(super) features: Vec<String>,
    pub(super) standardizer: Standardizer,
    /// Names of columns in the training file, where they were given.
    id_column: Option<String>,
    time_column: Option<String>,
    label_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thousands: Option<String>,
}

impl Meaning {
    pub(super) fn new(classes: &[String], features: &[String], standardizer: &Standardizer) -> Self {
        Meaning {
            job: Classify::NAME.into(),
            classes: classes.to_vec(),
            features: features.to_vec(),
            standardizer: standardizer.clone(),
            id_column: None,
            time_column: None,
            label_column: None,
            time_format: None,
            decimal: None,
            thousands: None,
        }
    }

    /// With what was said of a table, and what was seen in it and a shorter one would leave open.
    pub(super) fn with(mut self, job: &Classify, taken: Option<&Taken>) -> Self {
        let label = taken.and_then(|taken| taken.label.clone()).filter(|label| label != "label");
        let form = taken.and_then(|taken| taken.time.as_ref()?.pattern.clone());
        self.id_column.clone_from(&job.id_column);
        self.time_column.clone_from(&job.time_column);
        self.label_column = job.label_column.clone().or(label);
        self.time_format = job.time_format.clone().or(form);
        let (decimal, thousands) = taken.map(marks::marks).unwrap_or_default();
        self.decimal = job.decimal.clone().or(decimal);
        self.thousands = job.thousands.clone().or(thousands);
        self
    }

    /// That of a model, if it fits it.
    fn of(model: &Model) -> anyhow::Result<Self> {
        let Some(job) = &model.job else { bail!("it does not say what its classes are") };
        let meaning: Meaning = serde_json::from_value(job.clone())?;
        // As any damage of a file, not as a setting of the user's.
        meaning.standardizer.check().map_err(|error| anyhow!("{error}"))?;
        let (features, classes) = (meaning.features.len(), meaning.classes.len());
        if meaning.standardizer.features() != features || meaning.standardizer.input() != model.stack().input() {
            bail!("it names {features} features, and its network reads {} inputs", model.stack().input());
        }
        if model.head().classes() != Some(classes) {
            bail!("it names {classes} classes, and its head has {}", model.head().describe());
        }
        Ok(meaning)
    }

    /// What columns and arrays are called.
    ///
    /// # Errors
    /// If a mark in it is none.
    pub(super) fn columns(&self) -> Result<Columns, elman::Error> {
        Ok(Columns {
            id: self.id_column.clone(),
            time: self.time_column.as_deref().map(split_columns),
            time_format: self.time_format.clone(),
            decimal: marks::decimal(self.decimal.as_deref())?,
            thousands: marks::thousands(self.thousands.as_deref())?,
            label: self.label_column.clone(),
            ..Columns::default()
        })
    }
}

/// Gives a model of another program's the names of its classes. It reads each feature as it is; their names are those of
/// an .npz file.
///
/// # Errors
/// If it does not name a class for each sequence, has another number of classes, or two would have one name.
pub(crate) fn name_classes(model: &mut Model, classes: &[String]) -> anyhow::Result<()> {
    if model.stack().embedding.is_some() || model.head().reads != Reads::LastState {
        bail!("the model names no class for a sequence of features: it reads tokens, or answers at every step");
    }
    if model.head().classes() != Some(classes.len()) {
        let named = if classes.len() == 1 { "1 class is".into() } else { format!("{} classes are", classes.len()) };
        bail!("{named} named; the head predicts {}", model.head().describe());
    }
    if let Some(name) = classes.iter().enumerate().find_map(|(i, name)| classes[..i].contains(name).then_some(name)) {
        bail!("two classes are named {name:?}; expected a name for each");
    }
    if classes.iter().any(String::is_empty) {
        bail!("a class is named \"\"; expected a name for each");
    }
    let features: Vec<String> = (0..model.stack().input()).map(|feature| format!("feature_{feature}")).collect();
    let as_it_is = Some(Scaling { mean: 0.0, scale: 1.0 });
    let standardizer = Standardizer { scalings: vec![as_it_is; features.len()], mask: false };
    let meaning = Meaning::new(classes, &features, &standardizer);
    model.job = Some(serde_json::to_value(meaning)?);
    Ok(())
}

/// A whole set's figures.
pub(super) struct Judged {
    pub(super) evaluation: Evaluation,
    pub(super) confusion: Confusion,
}

/// The model's figures over a set.
pub(super) fn judge(model: Model, threads: usize, data: &LabelledSequences) -> anyhow::Result<Judged> {
    let mut predictor = Predictor::new(model, threads);
    let evaluation = predictor.evaluate(data)?;
    let probabilities = predictor.predict(data)?;
    let mut confusion = Confusion::new(probabilities.ncols());
    for (row, &label) in probabilities.outer_iter().zip(&data.labels) {
        let Some(class) = most_probable(&row.to_vec()) else {
            bail!("the model's answers are not all numbers: it is damaged, or a value is far from all in training");
        };
        confusion.add(label, class);
    }
    Ok(Judged { evaluation, confusion })
}

/// `elman eval` of a run: the test part of its data, or a file with labels.
pub(crate) fn eval(args: &EvalArgs, model: Model, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let damaged = || format!("the model {} is damaged", args.run.display());
    let test = test_set(&args.run, args.data.as_deref(), &model)?;
    let classes = Meaning::of(&model).with_context(damaged)?.classes;
    let judged = judge(model, threads, &test)?;
    tables::report(output, &judged, &classes, &damaged())
}

/// What a run is tested on: the test part of its data, or a file with labels.
pub(crate) fn test_set(run: &Path, data: Option<&Path>, model: &Model) -> anyhow::Result<LabelledSequences> {
    let meaning = Meaning::of(model).with_context(|| format!("the model {} is damaged", run.display()))?;
    let config = run.join(run_folder::CONFIG);
    let (name, set) = match data {
        Some(path) => (path.display().to_string(), load_for(&meaning, path, meaning.columns()?.label)?),
        None if config.exists() => {
            let settings = Settings::<Classify>::read(&config)?;
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
pub(crate) fn predict(args: &PredictArgs, model: Model, threads: usize, output: &mut Output) -> anyhow::Result<()> {
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
