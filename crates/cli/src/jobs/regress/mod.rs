//! `elman train regress`: sequences of any features and lengths, a number each.
//!
//! The network reads a sequence step by step, each feature standardised; a head on what it gives answers with a standardised
//! number, or with quantiles of it. How much of its distance from the mean counts, validation says.

mod answers;
mod baselines;
pub(crate) mod flags;
mod judged;
mod parts;
mod picture;
pub(crate) mod settings;

use elman::{
    ClassMeaning, Ensemble, Error, Evaluation, Model, NumberMeaning, NumberedSequences, Regressor, Sequences, Trainer,
};
use serde_json::json;

use self::answers::judge;
use self::flags::RegressArgs;
use self::parts::{Numbered, Parts};
use self::settings::RegressSettings;
use crate::flags::diagnose::DiagnoseArgs;
use crate::flags::eval::EvalArgs;
use crate::flags::predict::PredictArgs;
use crate::flags::tune::Tuned;
use crate::folder;
use crate::jobs::figures::Figure;
use crate::jobs::job::{Follow, Job};
use crate::jobs::sequences::choice::{By, Own, Trials};
use crate::jobs::sequences::reading::Read;
use crate::jobs::sequences::words;
use crate::jobs::several::{self, Asked};
use crate::jobs::tables;
use crate::output::Output;
use crate::run::held::Resumed;
use crate::run::members::{Members, train_members};
use crate::run::{self, Begin, Reading, Task, Watch};
use crate::settings::{JobSettings, Settings};
use crate::shown::amounts::thousands;
use crate::shown::digits::{places, significant};

/// The picture in the run's folder.
const PICTURE: &str = "regression.svg";

/// Sequences of any features and lengths, a number each.
pub(crate) struct RegressJob;

impl Job for RegressJob {
    const ABOUT: &'static str = "Predict a number for each sequence of features, from your own file";
    const FIGURES: &'static [Figure] = &[
        Figure { heading: "test RMSE", event: "regression", pointer: "/model/rmse", write: significant },
        Figure { heading: "mean's RMSE", event: "regression", pointer: "/mean/rmse", write: significant },
        Figure { heading: "nearest's RMSE", event: "regression", pointer: "/nearest/rmse", write: significant },
        Figure { heading: "test R²", event: "regression", pointer: "/model/r2", write: |r2| format!("{r2:.3}") },
    ];

    type Flags = RegressArgs;
    type Settings = RegressSettings;

    fn tuned(flags: &mut RegressArgs) -> &mut Tuned {
        &mut flags.repeat.tuned
    }

    fn train(args: &RegressArgs) -> anyhow::Result<()> {
        let mut settings = Settings::<RegressSettings>::new(&args.common)?;
        settings.job.set(args);
        let open = args.common.batch_is_open();
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
        let meaning = answers::meaning(model, &args.run)?;
        let (test, _) = answers::test_set(&args.run, args.data.as_deref(), meaning)?;
        follow(&NumberedSequences::new(test.set, &test.numbers, meaning)?)
    }
}

/// `open`: whether a batch is all rows where there are few.
fn run(
    mut settings: Settings<RegressSettings>,
    open: bool,
    begin: Begin<'_>,
    mut output: Output,
) -> anyhow::Result<()> {
    RegressSettings::check_with(&settings)?;
    let parts = begin.read(|| Parts::load(&settings.job, settings.training.seed))?;
    let meaning = meaning(&settings.job, &parts.training)?;
    let (what, fingerprint) = (describe_data(&parts, &meaning), parts.fingerprint());
    let report = parts.training.set.report.clone();
    let object = json!({
        "event": "data", "data": parts.name, "training": parts.training.set.len(), "validation": parts.validation.set.len(),
        "test": parts.test.set.len(), "features": parts.training.set.names, "target": meaning.target,
        "mean": meaning.centre, "deviation": meaning.scale, "taken": report.taken.as_ref().map(tables::object),
    });
    let of = |part: &Numbered| NumberedSequences::new(part.set.clone(), &part.numbers, &meaning);
    let trials = match settings.job.read {
        Read::Auto => {
            let alike = vec![0; parts.training.set.len()];
            let (validation, seed) = (parts.validation.set.len(), settings.training.seed);
            Some(Trials::new(By::Loss, Read::Mean, &alike, validation, seed, |rows, _| {
                of(&parts.training.select(rows))
            })?)
        }
        _ => None,
    };
    let (training, steps_of_test) = (of(&parts.training)?, of(&parts.test)?.steps());
    let validation = match parts.validation.set.is_empty() {
        true => None,
        false => Some(of(&parts.validation)?),
    };
    let chosen = settings.training.fit_batch(training.len(), open).map_or(String::new(), |line| format!("\n{line}"));
    let steps = training.steps().max(steps_of_test);
    let trainer = |settings: &Settings<RegressSettings>| -> anyhow::Result<Trainer> {
        let stack = settings.network.stack(training.input())?;
        let batch = settings.training.batch_size.of(training.len());
        let mut model = settings.training.model(&settings.optimization, stack, settings.job.head(), steps, batch)?;
        model.meaning = Some(meaning.clone().into());
        Ok(settings.training.trainer(model, &settings.optimization)?)
    };
    if output.json {
        output.result("", &object)?;
    }
    tables::warn(&mut output, &report.rounded, &report.stand_ins)?;
    if parts.training.numbers.iter().all(|&y| y == parts.training.numbers[0]) {
        output.warn(&format!("{} is the same for every sequence: there is nothing to learn", meaning.target))?;
    }
    let name = format!("regress-{}", settings.network.cell);
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
                    settings.job.read = read;
                    trainer(&settings)
                },
            };
            settings.job.read = trials.choose(&held, &fingerprint, &own, &mut output)?;
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
        remark: remark + &run::describe(&first, training.steps(), parts.bytes)?,
    };
    let members = Members { count: settings.job.ensemble, seed: settings.training.seed, first, of_seed: &of_seed };
    let (trained, mut model) = train_members(begin, &task, members, &mut Validation(validation.as_ref()), &mut output)?;
    let threads = settings.training.threads;
    if !parts.validation.set.is_empty() {
        let shrink = shrink(&model, threads, &parts.validation)?;
        model.set_meaning(Some(NumberMeaning { shrink, ..meaning.clone() }.into()));
        model.save(trained.folder.join(folder::MODEL))?;
        let percent = significant(100.0 * shrink);
        output.remark(&format!("validation: {percent}% of the network's distance from the mean counts"));
    }
    let (answers, judged) = judge(model, threads, &parts.test, Some(&parts.training))?;
    picture::draw(&trained.folder.join(PICTURE), &meaning.target, &parts.test.numbers, &answers)?;
    judged.report(&mut output)?;
    trained.finish(&judged.object())
}

/// What the model reads and answers.
fn meaning(job: &RegressSettings, training: &Numbered) -> Result<NumberMeaning, Error> {
    let sequences = job.columns().meaning(ClassMeaning::of(&training.set, job.missing));
    let target = sequences.label_column.clone().unwrap_or("target".into());
    NumberMeaning::of(target, sequences, &training.numbers)
}

/// How much of a model's distance from the mean counts: what leaves the least squared error over the validation part, from 0,
/// where the network says nothing, to 1. James & Stein (1961) is where shrinking towards the mean begins.
fn shrink(model: &Ensemble, threads: usize, validation: &Numbered) -> anyhow::Result<f64> {
    let mut regressor = Regressor::new(model.clone(), threads)?;
    let centre = regressor.meaning().centre;
    let answers = regressor.predict(validation.set.clone())?;
    let both = answers.iter().zip(&validation.numbers).map(|(answer, y)| (answer.value - centre, y - centre));
    let (product, square) = both.fold((0.0, 0.0), |(product, square), (z, y)| (product + z * y, square + z * z));
    Ok(if square > 0.0 { (product / square).clamp(0.0, 1.0) } else { 0.0 })
}

/// What is about to be learnt from, and how it is read.
fn describe_data(parts: &Parts, meaning: &NumberMeaning) -> String {
    let sets = [&parts.training.set, &parts.validation.set, &parts.test.set];
    let [training, validation, test] = sets.map(|set| thousands(set.len() as u64));
    let (least, most) = words::lengths(sets);
    let features = words::features(meaning.sequences.features.len());
    let mut text = format!(
        "{}: {training} training, {validation} validation and {test} test sequences of {least} to {most} steps, {features}; {} is {} ± {}",
        parts.name,
        meaning.target,
        significant(meaning.centre),
        significant(meaning.scale),
    );
    if let Some(taken) = &parts.training.set.report.taken {
        text += &format!("\n{taken}");
    }
    let missing: usize = sets.into_iter().map(|set| set.missing()).sum();
    text += &words::missing(missing, meaning.sequences.standardizer.mask);
    text
}

/// The validation part, if there is one.
struct Validation<'a>(Option<&'a NumberedSequences>);

impl Watch for Validation<'_> {
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error> {
        self.0.map(|data| trainer.evaluate(data)).transpose()
    }

    fn line(&self, epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
        let text = format!("Epoch: {}, Train Loss: {}", epoch.epoch, places(epoch.loss, 4));
        match validation {
            Some(of) => format!("{text}, Validation Loss: {}", places(of.loss, 4)),
            None => text,
        }
    }
}
