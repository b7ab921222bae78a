//! `elman train classify`: sequences of any features and lengths, a class each.
//!
//! The network reads a sequence step by step, each feature standardised; its final state names the class.

mod answers;
mod parts;
mod picture;
mod tables;

use std::path::{Path, PathBuf};

use elman::datasets::SequenceSet;
use elman::datasets::sequences::{self, Settings as Columns};
use elman::{
    BatchSize, Decay, Error, Evaluation, Head, LabelledSequences, Missing, Model, Sequences, Standardizer, Trainer,
    balanced_class_weights,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::answers::{Meaning, judge};
pub(crate) use self::answers::{eval, name_classes, predict, test_set};
use self::parts::Parts;
use crate::args::ClassifyArgs;
use crate::jobs::tables as tables_of;
use crate::network::NetworkConfig;
use crate::optimization::OptimizationConfig;
use crate::output::{Output, test_figures, thousands, with_validation};
use crate::resume::Resumed;
use crate::run::{self, Begin, Plan, Reading, Watch};
use crate::settings::{Job, Settings, absolute, set_option};
use crate::training::TrainingConfig;

/// The picture in the run's folder.
const PICTURE: &str = "confusion.svg";

/// Most classes: beyond them, the column of labels is another one.
const CLASSES_MAX: usize = 1000;

/// Rows of a batch, unless the training part is smaller: for sets of some hundred rows.
const BATCH: usize = 16;

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Classify {
    /// The file to learn from; Japanese Vowels, in the binary, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<PathBuf>,
    /// The file to test with; a part of `data` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test: Option<PathBuf>,
    /// Part of the training file that is for the test, where no other file is.
    test_part: f64,
    /// Part of what is then left that is for validation.
    validation: f64,
    /// `none`, `balanced`, or a number for each class.
    class_weights: String,
    missing: Missing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thousands: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    features: Option<Vec<String>>,
}

impl Default for Classify {
    fn default() -> Self {
        Classify {
            data: None,
            test: None,
            test_part: 0.2,
            validation: 0.1,
            class_weights: "none".into(),
            missing: Missing::default(),
            id_column: None,
            time_column: None,
            time_format: None,
            decimal: None,
            thousands: None,
            label_column: None,
            features: None,
        }
    }
}

impl Job for Classify {
    const NAME: &'static str = "classify";

    /// Chosen by the loss on 30 % of Japanese Vowels' training file, for one layer in one direction.
    fn defaults() -> Settings<Self> {
        let training =
            TrainingConfig { batch_size: BatchSize::Rows(BATCH), num_epoch: 40, ..TrainingConfig::default() };
        let network =
            NetworkConfig { cell: "gru".into(), hidden_size: 64, recurrent_dropout: 0.2, ..NetworkConfig::default() };
        Settings { job: Classify::default(), training, optimization: OptimizationConfig::new("adam", 0.003), network }
    }

    fn full() -> Self {
        let name = Some(String::new());
        Classify {
            data: Some(PathBuf::new()),
            test: Some(PathBuf::new()),
            id_column: name.clone(),
            time_column: name.clone(),
            time_format: name.clone(),
            decimal: name.clone(),
            thousands: name.clone(),
            label_column: name,
            features: Some(Vec::new()),
            ..Classify::default()
        }
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |what, found: f64, expected: &str| {
            Err(Error::Setting { what, found: found.to_string(), expected: expected.into() })
        };
        if !(0.0..1.0).contains(&self.validation) {
            return refuse("validation", self.validation, "a part of the rows, from 0 to below 1");
        }
        if !(self.test_part > 0.0 && self.test_part < 1.0) {
            return refuse("test_part", self.test_part, "a part of the rows, above 0 and below 1");
        }
        tables_of::check(self.decimal.as_deref(), self.thousands.as_deref())?;
        self.weights_in_numbers()?;
        Ok(())
    }

    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        let job = &settings.job;
        let refuse = |what, found: String, expected: &str| -> anyhow::Result<()> {
            Err(Error::Setting { what, found, expected: expected.into() }.into())
        };
        job.check()?;
        if job.validation == 0.0 {
            if settings.optimization.early_stopping()?.is_some() {
                return refuse("validation", "0".into(), "above 0 with early_stopping, which goes by that part");
            }
            if matches!(settings.optimization.descent()?.schedule.decay, Decay::Plateau { .. }) {
                return refuse("validation", "0".into(), "above 0 with the schedule plateau, which goes by that part");
            }
        }
        if let Some(test) = job.test.as_ref().filter(|_| job.data.is_none()) {
            return refuse(
                "test",
                test.display().to_string(),
                "no such file without data: the embedded set has its own",
            );
        }
        let named = [
            ("id_column", &job.id_column, false),
            ("time_column", &job.time_column, false),
            ("time_format", &job.time_format, false),
            ("decimal", &job.decimal, false),
            ("thousands", &job.thousands, false),
            ("label_column", &job.label_column, true),
            ("features", &job.features.as_ref().map(|names| names.join(",")), false),
        ];
        let ends = |endings: &[&str]| job.data.as_deref().is_some_and(|path| parts::ends(path, endings));
        for (what, name, arrays) in named {
            let Some(name) = name else { continue };
            if !(ends(&[".csv", ".tsv"]) || arrays && ends(&[".npz"])) {
                return refuse(
                    what,
                    name.clone(),
                    "no name without a table (.csv, .tsv) as data: others have no columns",
                );
            }
        }
        // What the number of features does not decide.
        settings.network.stack(1)?;
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        settings.training.check_batch()
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(Classify {
            data: absolute("data", self.data.as_deref())?,
            test: absolute("test", self.test.as_deref())?,
            ..self.clone()
        })
    }
}

impl Classify {
    /// Puts flags before the settings.
    fn set(&mut self, args: &ClassifyArgs) {
        set_option(&mut self.data, &args.data);
        match args.test.as_deref().map(str::parse) {
            Some(Ok(part)) => (self.test_part, self.test) = (part, None),
            Some(Err(_)) => self.test = args.test.as_ref().map(PathBuf::from),
            None => {}
        }
        set_option(&mut self.id_column, &args.id);
        set_option(&mut self.time_column, &args.time);
        set_option(&mut self.time_format, &args.time_format);
        set_option(&mut self.decimal, &args.decimal);
        set_option(&mut self.thousands, &args.thousands);
        set_option(&mut self.label_column, &args.label);
        set_option(&mut self.features, &args.features);
        self.validation = args.validation.unwrap_or(self.validation);
        if let Some(weights) = &args.class_weights {
            self.class_weights.clone_from(weights);
        }
        match args.missing.as_deref() {
            Some("mean") => self.missing = Missing::Mean,
            Some(_) => self.missing = Missing::Mask,
            None => {}
        }
    }

    /// The weights, where they are neither `none` nor `balanced`.
    fn weights_in_numbers(&self) -> Result<Option<Vec<f32>>, Error> {
        if ["none", "balanced"].contains(&self.class_weights.as_str()) {
            return Ok(None);
        }
        let number = |text: &str| text.trim().parse().ok().filter(|w: &f32| *w > 0.0 && w.is_finite());
        self.class_weights.split(',').map(number).collect::<Option<Vec<f32>>>().map(Some).ok_or_else(|| {
            Error::Setting {
                what: "class_weights",
                found: self.class_weights.clone(),
                expected: "none, balanced, or finite numbers above 0, one for each class, as 1,2,0.5".into(),
            }
        })
    }

    /// What each class counts: empty, or `[C]`.
    fn weights(&self, training: &LabelledSequences, classes: &[String]) -> Result<Vec<f32>, Error> {
        match self.weights_in_numbers()? {
            Some(weights) if weights.len() != classes.len() => Err(Error::Setting {
                what: "class_weights",
                found: format!("{}, {} numbers", self.class_weights, weights.len()),
                expected: format!("{}, one for each class: {}", classes.len(), parts::few(classes)),
            }),
            Some(weights) => Ok(weights),
            None if self.class_weights == "balanced" => balanced_class_weights(&training.labels, classes.len()),
            None => Ok(Vec::new()),
        }
    }

    /// What columns and arrays are called.
    fn columns(&self) -> Result<Columns, Error> {
        Ok(Columns {
            id: self.id_column.clone(),
            time: self.time_column.as_deref().map(split_columns),
            time_format: self.time_format.clone(),
            decimal: tables_of::decimal(self.decimal.as_deref())?,
            thousands: tables_of::thousands(self.thousands.as_deref())?,
            label: self.label_column.clone(),
            features: self.features.clone(),
            ..Columns::default()
        })
    }
}

/// The columns of the parts of a time, or the one of the whole.
fn split_columns(names: &str) -> Vec<String> {
    names.split(',').map(str::to_owned).collect()
}

/// Trains, evaluates, and leaves the run's folder behind.
pub(crate) fn train(args: &ClassifyArgs) -> anyhow::Result<()> {
    let mut settings = Settings::<Classify>::new(&args.common)?;
    settings.job.set(args);
    let open = args.common.batch_is_open();
    run(settings, open, Begin::New(args.common.out.as_deref()), Output::new(args.common.output))
}

/// The same for a run that goes on.
pub(crate) fn resume(resumed: Resumed) -> anyhow::Result<()> {
    run(resumed.settings()?, false, Begin::Again(resumed.held), resumed.output)
}

/// `open`: whether a batch is all rows where there are few.
fn run(mut settings: Settings<Classify>, open: bool, begin: Begin<'_>, mut output: Output) -> anyhow::Result<()> {
    Classify::check_with(&settings)?;
    let parts = Parts::load(&settings.job, settings.training.seed)?;
    let (features, classes) = (parts.training.names.clone(), parts.training.classes.clone());
    let standardizer = Standardizer::of(&parts.training, settings.job.missing);
    let (what, fingerprint) = (describe_data(&parts, &standardizer), parts.fingerprint());
    let meaning = Meaning::new(&classes, &features, &standardizer).with(&settings.job, parts.taken());
    let mut warnings: Vec<String> = poor(&settings.job, &parts).into_iter().collect();
    warnings.extend(parts.training.report.rounded.iter().map(ToString::to_string));
    let (least, most) = lengths(&parts);
    let object = json!({
        "event": "data", "steps": [least, most], "missing": missing(&parts), "missing_has_inputs": standardizer.mask,
        "never_read": unknown(&parts, &standardizer), "data": parts.name, "training": parts.training.len(), "validation": parts.validation.len(),
        "test": parts.test.len(), "features": features, "classes": classes,
        "taken": parts.taken().map(tables_of::object),
    });
    let [training, test] = [parts.training, parts.test].map(|set| LabelledSequences::new(set, &standardizer));
    let (training, test) = (training?, test?);
    let validation = match parts.validation.is_empty() {
        true => None,
        false => Some(LabelledSequences::new(parts.validation, &standardizer)?),
    };
    let chosen = settings.training.fit_batch(training.len(), open).map_or(String::new(), |line| format!("\n{line}"));
    let model = model(&settings, &training, &meaning, test.steps())?;
    let weights = settings.job.weights(&training, &classes)?;
    let mut trainer = settings.training.trainer(model, &settings.optimization)?.class_weights(weights);
    let steps = training.steps();
    let plan = Plan {
        name: format!("classify-{}", settings.network.cell),
        settings: settings.to_toml()?,
        data: &training,
        fingerprint,
        reading: Reading::Rows,
        training: &settings.training,
        stopping: settings.optimization.early_stopping()?,
        remark: format!("{what}{chosen}\n{}", run::describe(&trainer, steps, parts.bytes)?),
    };
    if output.json {
        output.result("", &object)?;
    }
    warnings.extend(layout(&settings.job, steps.max(test.steps()), features.len()));
    for text in warnings {
        output.warn(&text)?;
    }
    let trained = run::train(begin, &plan, &mut trainer, &mut Validation(validation), &mut output)?;
    let threads = settings.training.threads;
    let judged = judge(trainer.into_model(), threads, &test)?;
    picture::draw(&trained.folder.join(PICTURE), &judged.confusion, &classes)?;
    tables::report(
        &mut output,
        &judged,
        &classes,
        "the last steps have left the finite numbers. Try a smaller learning rate",
    )?;
    trained.finish(&test_figures(&judged.evaluation))
}

/// The network, with its initial values, and what its answers mean.
fn model(
    settings: &Settings<Classify>,
    training: &LabelledSequences,
    meaning: &Meaning,
    test_steps: usize,
) -> anyhow::Result<Model> {
    let stack = settings.network.stack(training.input())?;
    let head = Head::last_state(meaning.classes.len());
    let batch = settings.training.batch_size.of(training.len());
    let steps = training.steps().max(test_steps);
    let mut model = settings.training.model(&settings.optimization, stack, head, steps, batch)?;
    model.job = Some(serde_json::to_value(meaning)?);
    Ok(model)
}

/// What is about to be learnt from, and how it is read.
fn describe_data(parts: &Parts, standardizer: &Standardizer) -> String {
    let sets = [&parts.training, &parts.validation, &parts.test];
    let [training, validation, test] = sets.map(|set| thousands(set.len() as u64));
    let (least, most) = lengths(parts);
    let mut text = format!(
        "{}: {training} training, {validation} validation and {test} test sequences of {} to {most} steps, {}, {} classes",
        parts.name,
        least,
        match standardizer.features() {
            1 => "1 feature".to_owned(),
            features => format!("{features} features"),
        },
        parts.training.classes.len(),
    );
    if let Some(taken) = parts.taken() {
        text += &format!("\n{taken}");
    }
    let missing = missing(parts);
    if missing > 0 {
        let how = match standardizer.mask {
            true => "read as the mean, with an input beside each feature that says so",
            false => "read as the mean",
        };
        text += &format!("\n{} values are missing: {how}", thousands(missing as u64));
    }
    let unknown = unknown(parts, standardizer);
    if !unknown.is_empty() {
        text += &format!("\nwithout a value in training, and so never read: {}", parts::few(&unknown));
    }
    text
}

/// Steps of the shortest sequence and of the longest.
fn lengths(parts: &Parts) -> (usize, usize) {
    let sets = [&parts.training, &parts.validation, &parts.test];
    let lengths = || sets.into_iter().flat_map(|set| (0..set.len()).map(|row| set.length(row)));
    (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0))
}

/// Values that are missing.
fn missing(parts: &Parts) -> usize {
    [&parts.training, &parts.validation, &parts.test].into_iter().map(SequenceSet::missing).sum()
}

/// Features without a value in training.
fn unknown(parts: &Parts, standardizer: &Standardizer) -> Vec<String> {
    let names = parts.training.names.iter().zip(&standardizer.scalings);
    names.filter(|(_, known)| known.is_none()).map(|(name, _)| name.clone()).collect()
}

/// What there is to say of sequences whose axes look swapped: those of a single step, or of few steps of many features.
fn layout(job: &Classify, steps: usize, features: usize) -> Option<String> {
    /// So many times more features than steps are taken for another layout, up to so many steps.
    const WIDE: (usize, usize) = (4, 16);
    let data = job.data.as_deref()?;
    let advice = match parts::ends(data, &[".npz"]) {
        true => "x must be [N, T, I]: sequences, steps, features. If yours is [N, I, T], save x.transpose(0, 2, 1)",
        false if parts::ends(data, &[".ts"]) => {
            "A dimension is a feature, and its values between commas are the steps. If yours are swapped, swap them"
        }
        false => {
            "A table has a line for each step, and the lines of a sequence have one id. If yours has a sequence in each \
             line, turn its columns into lines, or save it as .ts or .npz"
        }
    };
    let of = if features == 1 { "1 feature".into() } else { format!("{features} features") };
    match steps {
        1 => Some(format!(
            "every sequence has 1 step, of {of}, so nothing is carried from step to step and the network is not recurrent. \
             {advice}"
        )),
        _ if steps <= WIDE.1 && features >= WIDE.0 * steps => Some(format!(
            "the sequences have up to {steps} steps, of {of}: that looks as if the two were swapped. {advice}"
        )),
        _ => None,
    }
}

/// What there is to say of features from which nothing can be learnt.
fn poor(job: &Classify, parts: &Parts) -> Option<String> {
    let set = &parts.training;
    let constant = |&feature: &usize| {
        let mut known = set.values.iter().skip(feature).step_by(set.features()).filter(|value| !value.is_nan());
        known.next().is_some_and(|first| known.all(|value| value == first))
    };
    let names: Vec<String> = (0..set.features()).filter(constant).map(|feature| set.names[feature].clone()).collect();
    let table = job.data.as_deref().is_some_and(|data| parts::ends(data, &[".csv", ".tsv"]));
    let advice = match table && names.len() < set.features() {
        true => "they say nothing of a class; --features leaves them out",
        false => "they say nothing of a class; leave them out of the file",
    };
    (!names.is_empty()).then(|| format!("always the same in training: {}; {advice}", parts::few(&names)))
}

/// The validation part, if there is one.
struct Validation(Option<LabelledSequences>);

impl Watch for Validation {
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error> {
        self.0.as_ref().map(|data| trainer.evaluate(data)).transpose()
    }

    fn line(&self, epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
        with_validation(epoch, validation)
    }
}

/// A file of sequences as the model reads it: the columns of a table by their names in training.
fn load_for(meaning: &Meaning, path: &Path, label: Option<String>) -> anyhow::Result<SequenceSet> {
    let mut columns = meaning.columns()?;
    columns.label = label;
    if parts::ends(path, &[".csv", ".tsv"]) {
        columns.features = Some(meaning.features.clone());
    }
    Ok(sequences::load(path, &columns)?)
}
