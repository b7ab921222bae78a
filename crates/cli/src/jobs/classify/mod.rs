//! `elman train classify`: sequences of any features and lengths, a class each.
//!
//! The network reads a sequence step by step, each feature standardised; its final state names the class. With a label for
//! each step, its output at each of them does.

mod answers;
pub(crate) mod flags;
mod judged;
mod meaning;
mod names;
mod parts;
mod picture;
pub(crate) mod settings;
mod steps;
mod tables;

use elman::datasets::SequenceSet;
use elman::{
    ClassMeaning, Confusion, Ensemble, Error, Evaluation, Head, LabelledSequences, Model, Predictor, Sequences,
    Standardizer, Trainer,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::flags::ClassifyArgs;
use self::judged::{confusion, judge};
pub(crate) use self::meaning::name_classes;
use self::names::{ends, few};
use self::parts::{Parts, Whole};
use self::settings::ClassifySettings;
use crate::flags::diagnose::DiagnoseArgs;
use crate::flags::eval::EvalArgs;
use crate::flags::predict::PredictArgs;
use crate::flags::tune::Tuned;
use crate::jobs::figures::{self, Figure, test_figures, with_validation};
use crate::jobs::job::{Follow, Job};
use crate::jobs::sequences::choice::{By, Own, Trials, Use};
use crate::jobs::sequences::given::Given;
use crate::jobs::sequences::reading::{Read, Recipe};
use crate::jobs::sequences::recipe;
use crate::jobs::sequences::sizes::Sizes;
use crate::jobs::sequences::words;
use crate::jobs::several::{self, Asked};
use crate::jobs::tables as tables_of;
use crate::output::Output;
use crate::run::held::Resumed;
use crate::run::members::{Members, train_members};
use crate::run::{self, Begin, Reading, Task, Watch};
use crate::settings::{JobSettings, Settings};
use crate::shown::amounts::thousands;

/// The picture in the run's folder.
const PICTURE: &str = "confusion.svg";

/// Sequences of any features and lengths, a class each.
pub(crate) struct ClassifyJob;

impl Job for ClassifyJob {
    const ABOUT: &'static str = "Classify sequences of any features and lengths: Japanese Vowels, or your own file";
    const FIGURES: &'static [Figure] = figures::OF_CLASSES;

    type Flags = ClassifyArgs;
    type Settings = ClassifySettings;

    fn tuned(flags: &mut ClassifyArgs) -> &mut Tuned {
        &mut flags.repeat.tuned
    }

    fn train(args: &ClassifyArgs) -> anyhow::Result<()> {
        let mut settings = Settings::<ClassifySettings>::new(&args.common)?;
        settings.job.set(args)?;
        let given = Given::of(&args.common, &args.reading)?.and("validation", args.validation.is_some());
        // A file from before there were recipes has none.
        if args.common.config.is_some() && !given.has("recipe") {
            settings.job.reading.recipe = Recipe::Plain;
        }
        let given = (settings.job.reading.recipe == Recipe::Auto).then_some(given);
        let open = Open { batch: args.common.batch_is_open(), given };
        let asked = Asked::of(&args.common, &args.repeat);
        several::train::<Self, _>(settings, open, &asked, run)
    }

    fn resume(resumed: Resumed) -> anyhow::Result<()> {
        several::resume::<Self, _>(resumed, run)
    }

    fn eval(args: &EvalArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
        answers::eval(args, model, threads, output)
    }

    fn predict(args: &PredictArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
        answers::predict(args, model, threads, output)
    }

    fn diagnose(args: &DiagnoseArgs, model: &Model, _: usize, follow: &mut Follow<'_>) -> anyhow::Result<()> {
        follow(&answers::test_set(&args.run, args.data.as_deref(), model)?)
    }
}

/// What the data may still decide.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Open {
    /// Whether a batch is all rows where there are few.
    batch: bool,
    /// What the recipe leaves as it is; None where it has chosen before, or there is none.
    given: Option<Given>,
}

impl several::Open for Open {
    fn give(&mut self, name: &str) {
        self.given = self.given.take().map(|given| given.and(name, true));
    }
}

fn run(
    mut settings: Settings<ClassifySettings>,
    Open { batch: batch_is_open, given }: Open,
    begin: Begin<'_>,
    mut output: Output,
) -> anyhow::Result<()> {
    ClassifySettings::check_with(&settings)?;
    let whole = begin.read(|| Whole::load(&settings.job, settings.training.seed))?;
    let mut chosen = String::new();
    if let Some(given) = given {
        let Settings { job, training, optimization, network } = &mut settings;
        let ClassifySettings { reading, validation, .. } = job;
        let open = recipe::Open { reading, network, training, optimization, validation };
        chosen = format!("\n{}", recipe::choose(&Sizes::of(&whole.rest), &given, open)?);
        ClassifySettings::check_with(&settings)?;
    }
    let parts = whole.split(&settings.job, settings.training.seed)?;
    let (features, classes) = (parts.training.names.clone(), parts.training.classes.clone());
    let meaning = meaning::of(&settings.job, &parts.training);
    let standardizer = meaning.standardizer.clone();
    let (what, fingerprint) = (describe_data(&parts, &standardizer), parts.fingerprint());
    let mut warnings: Vec<String> = poor(&settings.job, &parts).into_iter().collect();
    if settings.job.label_per_step {
        warnings.extend(steps::warnings(&parts));
    }
    warnings.extend(parts.training.report.rounded.iter().map(ToString::to_string));
    warnings.extend(parts.training.report.stand_ins.iter().map(ToString::to_string));
    let (least, most) = words::lengths([&parts.training, &parts.validation, &parts.test]);
    let object = json!({
        "event": "data", "steps": [least, most], "missing": missing(&parts), "missing_has_inputs": standardizer.mask,
        "never_read": unknown(&parts, &standardizer), "data": parts.name, "training": parts.training.len(), "validation": parts.validation.len(),
        "test": parts.test.len(), "features": features, "classes": classes,
        "taken": parts.taken().map(tables_of::object), "label_per_step": settings.job.label_per_step,
    });
    let augment = settings.job.reading.augment;
    let trials = match settings.job.reading.read {
        Read::Auto => {
            let labels = parts.training.labels.clone().unwrap_or_default();
            let (validation, seed) = (parts.validation.len(), settings.training.seed);
            Some(Trials::new(By::Accuracy, Read::Max, &labels, validation, seed, |rows, used| {
                let part = LabelledSequences::new(parts.training.select(rows), &standardizer)?;
                Ok(if used == Use::Learnt { part.augmented(augment) } else { part })
            })?)
        }
        _ => None,
    };
    let [training, test] = [parts.training, parts.test].map(|set| LabelledSequences::new(set, &standardizer));
    let (training, test) = (training?, test?);
    let validation = match parts.validation.is_empty() {
        true => None,
        false => Some(LabelledSequences::new(parts.validation, &standardizer)?),
    };
    chosen +=
        &settings.training.fit_batch(training.len(), batch_is_open).map_or(String::new(), |line| format!("\n{line}"));
    if settings.job.label_smoothing > 0.0 {
        let smoothing = settings.job.label_smoothing;
        chosen += &format!(
            "\nlabels smoothed by {smoothing}: training losses are of those, validation and test losses are not"
        );
    }
    let batch = settings.training.batch_size.of(training.len());
    settings.training.num_epoch = settings.job.reading.epochs(settings.training.num_epoch, training.len(), batch);
    let training = training.augmented(augment);
    let weights = settings.job.weights(&training, &classes)?;
    let trainer = |settings: &Settings<ClassifySettings>| -> anyhow::Result<Trainer> {
        let model = model(settings, &training, meaning.clone(), test.steps())?;
        let trainer = settings.training.trainer(model, &settings.optimization)?;
        Ok(trainer.class_weights(weights.clone()).label_smoothing(settings.job.label_smoothing as f32))
    };
    let steps = training.steps();
    warnings.extend(layout(&settings.job, steps.max(test.steps()), features.len()));
    if output.json {
        output.result("", &object)?;
    }
    for text in warnings {
        output.warn(&text)?;
    }
    let name = format!("classify-{}", settings.network.cell);
    let mut remark = format!("{what}{chosen}\n");
    let begin = match trials {
        None => begin,
        Some(trials) => {
            // Refuses what does not fit before anything is written.
            trainer(&settings)?.fit(&training)?;
            let held = run::take(begin, &name, &settings.to_toml()?, remark.trim_end(), &mut output)?;
            remark.clear();
            let own = Own {
                training: &training,
                validation: validation.as_ref(),
                epochs: settings.training.num_epoch,
                stopping: settings.optimization.early_stopping()?,
                trainer: &|read| {
                    let mut settings = settings.of_seed(settings.training.seed);
                    settings.job.reading.read = read;
                    trainer(&settings)
                },
            };
            settings.job.reading.read = trials.choose(&held, &fingerprint, &own, &mut output)?;
            Begin::Taken(held)
        }
    };
    let of_seed = |seed| trainer(&settings.of_seed(seed));
    let first = of_seed(settings.training.seed)?;
    let task = Task {
        name,
        settings: settings.to_toml()?,
        data: &training,
        fingerprint,
        reading: Reading::Rows,
        training: &settings.training,
        stopping: settings.optimization.early_stopping()?,
        remark: remark + &run::describe(&first, steps, parts.bytes)?,
    };
    let members = Members { count: settings.job.ensemble, seed: settings.training.seed, first, of_seed: &of_seed };
    let (trained, model) = train_members(begin, &task, members, &mut Validation(validation), &mut output)?;
    let mut predictor = Predictor::new(model, settings.training.threads);
    if let Some(text) = no_better(confusion(&mut predictor, &training)?, &classes) {
        output.warn(&text)?;
    }
    let judged = judge(&mut predictor, &test)?;
    let of = if settings.job.label_per_step { "steps" } else { "sequences" };
    picture::draw(&trained.folder.join(PICTURE), &judged.confusion, &classes, of)?;
    if settings.job.label_per_step {
        let simpler = steps::Simpler::of(&training, &test, classes.len(), &settings.training)?;
        output.result(simpler.line(), &simpler.object())?;
    }
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
    settings: &Settings<ClassifySettings>,
    training: &LabelledSequences,
    meaning: ClassMeaning,
    test_steps: usize,
) -> anyhow::Result<Model> {
    let reading = &settings.job.reading;
    let stack = reading.stack(&settings.network, training.input())?;
    let head = match settings.job.label_per_step {
        true => Head::every_step(meaning.classes.len()),
        false => reading.head(Head::last_state(meaning.classes.len())),
    };
    let batch = settings.training.batch_size.of(training.len());
    let steps = training.steps().max(test_steps);
    let mut model = settings.training.model(&settings.optimization, stack, head, steps, batch)?;
    model.meaning = Some(meaning.into());
    Ok(model)
}

/// What is about to be learnt from, and how it is read.
fn describe_data(parts: &Parts, standardizer: &Standardizer) -> String {
    let sets = [&parts.training, &parts.validation, &parts.test];
    let [training, validation, test] = sets.map(|set| thousands(set.len() as u64));
    let (least, most) = words::lengths([&parts.training, &parts.validation, &parts.test]);
    let mut text = format!(
        "{}: {training} training, {validation} validation and {test} test sequences of {} to {most} steps, {}, {} classes",
        parts.name,
        least,
        words::features(standardizer.features()),
        parts.training.classes.len(),
    );
    if let Some(taken) = parts.taken() {
        text += &format!("\n{taken}");
    }
    if parts.training.step_labels.is_some() {
        text += &steps::missing(parts);
    }
    text += &words::missing(missing(parts), standardizer.mask);
    let unknown = unknown(parts, standardizer);
    if !unknown.is_empty() {
        text += &format!("\nwithout a value in training, and so never read: {}", few(&unknown));
    }
    text
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
fn layout(job: &ClassifySettings, steps: usize, features: usize) -> Option<String> {
    /// So many times more features than steps are taken for another layout, up to so many steps.
    const WIDE: (usize, usize) = (4, 16);
    let data = job.data.as_deref()?;
    let advice = match ends(data, &[".npz"]) {
        true => "x must be [N, T, I]: sequences, steps, features. If yours is [N, I, T], save x.transpose(0, 2, 1)",
        false if ends(data, &[".ts", ".arff"]) => {
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
fn poor(job: &ClassifySettings, parts: &Parts) -> Option<String> {
    let set = &parts.training;
    let constant = |&feature: &usize| {
        let mut known = set.values.iter().skip(feature).step_by(set.features()).filter(|value| !value.is_nan());
        known.next().is_some_and(|first| known.all(|value| value == first))
    };
    let names: Vec<String> = (0..set.features()).filter(constant).map(|feature| set.names[feature].clone()).collect();
    let table = job.data.as_deref().is_some_and(|data| ends(data, &[".csv", ".tsv"]));
    let advice = match table && names.len() < set.features() {
        true => "they say nothing of a class; --features leaves them out",
        false => "they say nothing of a class; leave them out of the file",
    };
    (!names.is_empty()).then(|| format!("always the same in training: {}; {advice}", few(&names)))
}

/// What there is to say of a network that names the classes of its own training part no better than who always names the
/// largest.
fn no_better(training: Confusion, classes: &[String]) -> Option<String> {
    let (largest, rows) =
        training.counts.outer_iter().map(|row| row.sum()).enumerate().max_by_key(|(_, rows)| *rows)?;
    let (right, all): (u64, u64) = (training.counts.diag().sum(), training.counts.sum());
    let [found, share] = [right, rows].map(|part| part as f64 / all.max(1) as f64);
    (right <= rows).then(|| {
        format!(
            "of the training part itself {found:.3} are right, no better than always naming {:?}, {share:.3}: nothing was learnt. \
             Train longer (--num-epoch, --min-steps), with another --learning-rate, or look whether the features say anything \
             of the class",
            classes.get(largest).map_or("", String::as_str)
        )
    })
}

/// The validation part, if there is one.
struct Validation(Option<LabelledSequences>);

impl Watch for Validation {
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error> {
        self.0.as_ref().map(|data| trainer.evaluate(data)).transpose()
    }

    fn shows(&self, epoch: u64, epochs: u64) -> bool {
        recipe::shows(epoch, epochs)
    }

    fn line(&self, epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
        with_validation(epoch, validation)
    }
}
