//! `elman train series`: quantiles of the values that follow a time series, all steps of the horizon at once.
//!
//! The network reads the last steps before a forecast: the target, whether it is known, the same of covariates, and the
//! calendar. The end of the data is kept for the test, and the forecasts there are compared with the seasonal naive ones.

pub(crate) mod backtest;
mod by_series;
pub(crate) mod chart;
mod final_fit;
pub(crate) mod flags;
mod forecast;
pub(crate) mod meaning;
mod pilot;
pub(crate) mod recipe;
mod rolling;
pub(crate) mod settings;
mod share;
mod sizes;

use std::path::Path;

use anyhow::bail;
use elman::datasets::series::{Report, Series, SeriesSet};
use elman::series::{Cut, LeftOut, Relative, Scaled, Settled, Split, Window, Windows, input_names};
use elman::{Ensemble, Error, Evaluation, Head, Model, Predictor, Sequences, SeriesMeaning, Trainer};
use serde_json::{Value, json};

use self::backtest::{Figures, Test};
use self::chart::{About, Drawn, Panel};
use self::final_fit::Fitted;
use self::flags::SeriesArgs;
use self::recipe::Scale;
use self::settings::{CutBy, SeriesSettings};
use self::sizes::Open;
use crate::flags::diagnose::DiagnoseArgs;
use crate::flags::eval::EvalArgs;
use crate::flags::forecast::ForecastArgs;
use crate::flags::predict::PredictArgs;
use crate::flags::tune::Tuned;
use crate::jobs::figures::Figure;
use crate::jobs::job::{Follow, Job, Use};
use crate::jobs::several::{self, Asked};
use crate::jobs::tables;
use crate::output::Output;
use crate::run::fingerprint::Fingerprint;
use crate::run::held::Resumed;
use crate::run::members::{Members, train_members};
use crate::run::{self, Begin, Reading, Task, Watch};
use crate::settings::{JobSettings, Settings};
use crate::shown::amounts::thousands;
use crate::shown::digits::{places, significant};
use crate::shown::names::counted;

/// The picture in the run's folder.
const PICTURE: &str = "forecast.svg";

/// Quantiles of what follows a time series.
pub(crate) struct SeriesJob;

impl Job for SeriesJob {
    const ABOUT: &'static str = "Forecast time series as quantiles, compared with the seasonal naive forecast";
    const FIGURES: &'static [Figure] = &[
        Figure { heading: "test MAE", event: "backtest", pointer: "/model/mae", write: significant },
        Figure { heading: "naive MAE", event: "backtest", pointer: "/naive/mae", write: significant },
        Figure { heading: "test MASE", event: "backtest", pointer: "/model/mase", write: significant },
    ];

    type Flags = SeriesArgs;
    type Settings = SeriesSettings;

    fn tuned(flags: &mut SeriesArgs) -> &mut Tuned {
        &mut flags.repeat.tuned
    }

    fn train(args: &SeriesArgs) -> anyhow::Result<()> {
        let mut settings = Settings::<SeriesSettings>::new(&args.common)?;
        settings.job.set(args)?;
        let asked = Asked::of(&args.common, &args.repeat);
        several::train::<Self, _>(settings, Open::of(args), &asked, run)
    }

    fn resume(resumed: Resumed) -> anyhow::Result<()> {
        several::resume::<Self, _>(resumed, run)
    }

    fn eval(args: &EvalArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
        let meaning = meaning::of(model.first(), &args.run)?.clone();
        let meaning = &meaning;
        let (window, levels) = model.first().series_window()?;
        let set = meaning::read(meaning, &args.run, args.data.as_deref())?;
        tables::warn(output, &set.report.rounded, &set.report.stand_ins)?;
        if meaning.to_the_end {
            output.warn(
                "this model has learnt from all data of its training, the test too (--final): figures of data that it has learnt \
                 from are no test; those of the test before are in the run's test.json",
            )?;
        }
        let scaled = meaning::scale_for_test(meaning, set)?;
        meaning::remarks(&scaled).iter().for_each(|remark| output.remark(remark));
        let test = Test::new(&scaled, meaning, window, &levels)?;
        let figures = test.run(&mut Predictor::new(model, threads))?;
        match (args.per_series, output.json) {
            (false, _) => {}
            (true, true) => {
                for object in figures.by_series.objects() {
                    output.result("", &object)?;
                }
            }
            (true, false) => {
                for line in figures.by_series.lines() {
                    output.line(&line)?;
                }
            }
        }
        test.report(&figures, output)
    }

    const FORECAST: Option<Use<ForecastArgs>> = Some(forecast::forecast);

    fn predict(args: &PredictArgs, _: Ensemble, _: usize, _: &mut Output) -> anyhow::Result<()> {
        bail!("{} is a run of job \"series\", which predicts no classes; use elman forecast", args.run.display())
    }

    fn diagnose(args: &DiagnoseArgs, model: &Model, _: usize, follow: &mut Follow<'_>) -> anyhow::Result<()> {
        let meaning = meaning::of(model, &args.run)?;
        let (window, _) = model.series_window()?;
        let scaled = meaning::scale_for_test(meaning, meaning::read(meaning, &args.run, args.data.as_deref())?)?;
        follow(&scaled.since_test(window, meaning)?)
    }
}

/// `open`: what the data may decide.
fn run(
    mut settings: Settings<SeriesSettings>,
    mut open: Open,
    begin: Begin<'_>,
    mut output: Output,
) -> anyhow::Result<()> {
    SeriesSettings::check_with(&settings)?;
    let set = begin.read(|| settings.job.read())?;
    let steps = Cut::steps(&set);
    let season = settings.job.season.unwrap_or(set.frequency.season());
    let mut chosen = Vec::new();
    if let Some(horizon) = set.report.horizon.filter(|_| open.horizon) {
        (settings.job.horizon, open.horizon) = (horizon, false);
        chosen.push(format!("--horizon is {horizon}, as the file says"));
    }
    chosen.extend(sizes::fit(&mut settings.job, steps, season, open));
    let set = rolling::rolling(set, &mut settings.job)?;
    let (season, context) = settings.job.resolve(&set);
    let (window, levels) = (Window { context, horizon: settings.job.horizon }, settings.job.levels());
    if open.cut {
        chosen.extend(sizes::cut_by(&mut settings.job, &set, open));
    }
    let cut = cut(&settings.job, &set)?;
    let (mut split, relative) = if settings.job.recipe.is_auto() {
        // Settings that name a base and no scale are from before there was a choice, or of somebody who has made one.
        let asked = settings.job.recipe.base.is_none();
        let (relative, said) = recipe::base(&mut settings.job, &set, cut, season)?;
        let mut split = Split::relative(&set, cut, window, &relative)?;
        let relative = relative.with_spread(&split.train, &levels);
        if open.every && split.train.len() > sizes::WINDOWS_MAX[0] {
            let every = sizes::every(split.train.len(), sizes::WINDOWS_MAX[0]);
            settings.job.every = Some(every);
            chosen.push(format!("--every is {every}: of {} windows", thousands(split.train.len() as u64)));
        }
        let windows = split.train.len() / settings.job.every.unwrap_or(1);
        let sizes = recipe::sized(&mut settings, windows, open);
        chosen.push(format!("{said}; {sizes}"));
        let (scale, why) = match settings.job.recipe.scaling {
            Some(scale) => (scale, None),
            None if asked => pilot::better(&settings, (&set, cut, window), &relative, split.train.len())?,
            None => (Scale::Relative, None),
        };
        chosen.extend(why);
        settings.job.recipe.scaling = Some(scale);
        let relative = Relative { global: scale == Scale::Global, ..relative };
        if relative.global && relative.base.log {
            let expected = "relative, as logarithms are forecast; or --transform none with it";
            return Err(Error::setting("scaling", "global", expected).into());
        }
        if relative.global {
            split = Split::relative(&set, cut, window, &relative)?;
        }
        (split, Some(relative))
    } else {
        (Split::new(&set, cut, window)?, None)
    };
    if let Some(every) = settings.job.every {
        split.train = split.train.every(every);
        let thinned = sizes::every(split.validation.len(), sizes::WINDOWS_MAX[1]);
        split.validation = split.validation.every(thinned);
    }
    if split.validation.is_empty() {
        bail!("no value of the target is known in the part for validation; choose another --validation or --test");
    }
    let mut meaning = meaning::meaning(&set, &settings.job, cut, &split, season);
    meaning.relative.clone_from(&relative);
    let scaled = meaning::scale_for_test(&meaning, set.clone())?;
    let test = Test::new(&scaled, &meaning, window, &levels)?;
    let data = data(&settings.job, &set, &split, window, test.origins());

    chosen.extend(settings.training.fit_batch(split.train.len(), open.batch));
    let (training, input) = (&settings.training, split.train.input());
    let with = |seed, windows: usize, meaning: &SeriesMeaning| {
        let Settings { training, optimization, network, .. } = settings.of_seed(seed);
        let (stack, head) = (network.stack(input)?, Head::quantiles(&levels, window.horizon));
        let batch = training.batch_size.of(windows);
        let mut model = training.model(&optimization, stack, head, context, batch)?;
        model.steps = Some(context);
        model.meaning = Some(meaning.clone().into());
        if let Some(relative) = &relative {
            relative.start(&mut model)?;
        }
        Ok(training.trainer(model, &optimization)?)
    };
    let of_seed = |seed| with(seed, split.train.len(), &meaning);
    let first = of_seed(training.seed)?;
    let bytes = scaled.set.series.iter().map(|series| series.steps() * (input + 1) * size_of::<f32>()).sum();
    let mut said = vec![data.text];
    said.extend(chosen);
    said.extend(meaning::remarks(&scaled));
    said.push(run::describe(&first, context, bytes)?);
    let task = Task {
        name: format!("series-{}", settings.network.cell),
        settings: settings.to_toml()?,
        data: &split.train,
        fingerprint: fingerprint(&set),
        reading: Reading::Rows,
        training,
        stopping: settings.optimization.early_stopping()?,
        remark: said.join("\n"),
    };
    if output.json {
        output.result("", &data.object)?;
    }
    tables::warn(&mut output, &set.report.rounded, &set.report.stand_ins)?;
    for text in poor(&set, window) {
        output.warn(&text)?;
    }
    let members = Members { count: settings.job.ensemble, seed: training.seed, first, of_seed: &of_seed };
    let (trained, model) = train_members(begin, &task, members, &mut Validation(&split.validation), &mut output)?;

    let mut predictor = Predictor::new(model, training.threads);
    if let Some(relative) = relative.clone() {
        let recipe = &settings.job.recipe;
        let settled = relative.settle(&mut predictor, &split.validation, recipe.blend, recipe.rate())?;
        output.remark(&settled_in_words(&settled, &levels));
        if output.json {
            output.result("", &settled_object(&settled))?;
        }
        let settled_meaning = SeriesMeaning { relative: Some(settled.relative), ..meaning.clone() };
        let mut ensemble = predictor.ensemble().clone();
        ensemble.set_meaning(Some(settled_meaning.into()));
        ensemble.save(trained.folder.join(crate::folder::MODEL))?;
        predictor = Predictor::new(ensemble, training.threads);
    }
    let figures = test.run(&mut predictor)?;
    test.report(&figures, &mut output)?;
    if settings.job.data.is_none() && season == scaled.set.frequency.season() {
        output.remark("the season of months is a year; the sun's own cycle is about 132 months: see --season 132");
    }
    if figures.by_series.is_several() {
        figures.by_series.write(&trained.folder.join(by_series::TABLE))?;
    }
    let mut object = test.object(&figures);
    let mut drawn = scaled.clone();
    if settings.job.final_fit {
        let relative = predictor.model().series_meaning()?.relative.clone();
        let all = match &relative {
            Some(relative) => Split::relative(&set, Cut::NONE, window, relative)?,
            None => Split::new(&set, Cut::NONE, window)?,
        };
        let kept = final_fit::meaning(predictor.model().series_meaning()?, &all);
        let windows = all.train.every(settings.job.every.unwrap_or(1));
        let of_member = |member: usize| with(training.seed.wrapping_add(member as u64), windows.len(), &kept);
        let (folder, stopping) = (&trained.folder, task.stopping.is_some());
        let fitted = Fitted::new(folder, &windows, training, stopping, predictor.ensemble(), &of_member, &mut output)?;
        fitted.ensemble.save(folder.join(crate::folder::MODEL))?;
        fitted.finish(folder)?;
        output.result(format!("\n{}", fitted.line()), &fitted.object())?;
        object["final"] = fitted.object();
        predictor = Predictor::new(fitted.ensemble, training.threads);
        // What follows is forecast by this model, with its scalings.
        for (series, scaling) in drawn.set.series.iter().zip(&mut drawn.scalings) {
            if let Some(own) = all.scalings.iter().find(|own| own.id == series.id) {
                scaling.clone_from(own);
            }
        }
    }
    draw(&trained.folder.join(PICTURE), &drawn, &figures, (window, &meaning), &levels, &mut predictor)?;
    trained.finish(&object)
}

/// What validation decided, in a line.
fn settled_in_words(settled: &Settled, levels: &[f32]) -> String {
    let Settled { relative, base_loss, network_loss, windows } = settled;
    let mut said = format!(
        "validation ({windows} windows): loss {} of the base forecast, {} of the network; {:.1}% of the network's answer counts",
        places(*base_loss, 4),
        places(*network_loss, 4),
        100.0 * relative.blend
    );
    if let Some(width) = relative.calibration.as_ref().and_then(|of| of.widths.first())
        && let Some(lower) = levels.first()
    {
        let mean = 200.0 * width.iter().sum::<f64>() / width.len() as f64;
        let what = if mean < 0.0 { "narrower" } else { "wider" };
        said += &format!(
            "; the interval of {:.0}–{:.0}% is {:.1}% {what}",
            100.0 * f64::from(*lower),
            100.0 * (1.0 - f64::from(*lower)),
            mean.abs()
        );
    }
    said
}

/// The same for programs.
fn settled_object(settled: &Settled) -> Value {
    let Settled { relative, base_loss, network_loss, windows } = settled;
    let ways: Vec<String> = relative.base.ways.iter().map(ToString::to_string).collect();
    json!({
        "event": "settled", "base": ways, "log": relative.base.log, "windows": windows, "base_loss": base_loss,
        "network_loss": network_loss, "blend": relative.blend,
        "widths": relative.calibration.as_ref().map(|of| &of.widths),
    })
}

/// Of all series: their names, times and values.
fn fingerprint(set: &SeriesSet) -> Fingerprint {
    let columns = [&set.target].into_iter().chain(&set.covariates);
    set.series.iter().fold(Fingerprint::default().names(columns), |all, series| {
        let start = series.start.0.to_le_bytes();
        let all = all.names([&series.id]).bytes(&start).floats(&series.target).floats(&series.covariates);
        // Most are 0, and then as they always were.
        series
            .centres
            .iter()
            .copied()
            .filter(|&centre| centre != 0.0)
            .fold(all, |all, centre| all.bytes(&centre.to_le_bytes()))
    })
}

struct Validation<'a>(&'a Windows);

impl Watch for Validation<'_> {
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error> {
        trainer.evaluate(self.0).map(Some)
    }

    fn line(&self, epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
        let validation = validation.map_or(f64::NAN, |validation| validation.loss);
        let [loss, validation] = [epoch.loss, validation].map(|loss| places(loss, 4));
        format!("Epoch: {}, Train Loss: {loss}, Validation Loss: {validation}", epoch.epoch)
    }

    fn unit(&self) -> &'static str {
        "windows"
    }
}

/// Where validation and test begin.
fn cut(job: &SeriesSettings, set: &SeriesSet) -> Result<Cut, Error> {
    let apart = job.cut == Some(CutBy::End);
    let steps = if apart { sizes::median(set) } else { Cut::steps(set) };
    let parts = [("validation", job.validation.of(steps)), ("test", job.test.of(steps))];
    let least = [if job.recipe.is_auto() { 1 } else { job.horizon }, job.horizon];
    if let Some(((what, part), least)) = parts.into_iter().zip(least).find(|&((_, part), least)| part < least) {
        let expected = match least {
            1 => "at least 1".into(),
            _ => format!("at least {}, the horizon", job.horizon),
        };
        return Err(Error::Setting { what, found: format!("{part} of {steps} steps"), expected });
    }
    let [(_, validation), (_, test)] = parts;
    if apart { Ok(Cut::last_of_each(validation, test)) } else { Cut::last(set, validation, test) }
}

/// What the reader found.
struct Found {
    text: String,
    object: Value,
}

/// `tests` origins are tested from.
fn data(job: &SeriesSettings, set: &SeriesSet, split: &Split, window: Window, tests: usize) -> Found {
    let Report {
        rows,
        time,
        gaps,
        missing_targets,
        missing_covariates,
        reordered,
        ignored,
        taken,
        ahead: ahead_rows,
        ..
    } = &set.report;
    let name = settings::name(job.data.as_deref());
    let count = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{} {many}", thousands(count as u64)),
    };
    let first = set.series.iter().map(|series| series.start).min();
    let last = set.series.iter().filter_map(|series| set.time(series, series.steps() as i64 - 1)).max();
    let [from, to] = [first, last].map(|time| time.map(|time| set.format.write(time)).unwrap_or_default());
    let mut lines = vec![format!(
        "{name}: {}, {}, {}; {from} to {to}",
        count(*rows, "row", "rows"),
        count(set.series.len(), "series", "series"),
        set.frequency
    )];
    lines.push(taken.to_string());
    let findings = [
        (*gaps, "period without a row, taken for missing", "periods without a row, taken for missing"),
        (*missing_targets, "missing target", "missing targets"),
        (*missing_covariates, "missing value of a covariate", "missing values of covariates"),
        (*reordered, "row out of order, sorted", "rows out of order, sorted"),
        (*ahead_rows, "row behind the last known target", "rows behind the last known target"),
    ];
    lines.extend(findings.into_iter().filter(|of| of.0 > 0).map(|(found, one, many)| count(found, one, many)));
    lines.extend(left_out(&split.left_out));
    let ahead = match &taken.known[..] {
        [] => String::new(),
        known => format!(", and {} of the steps to forecast", known.join(", ")),
    };
    let beside = job.recipe.is_auto().then(|| Relative::input_names(&set.target));
    let inputs: Vec<String> =
        input_names(set, &split.statics).into_iter().chain(beside.into_iter().flatten()).collect();
    lines.push(format!(
        "reads {} steps of {}{ahead}; forecasts {} steps",
        window.context,
        short(&inputs),
        window.horizon
    ));
    let windows = [split.train.len(), split.validation.len(), tests];
    let [train, validation, test] = windows.map(|windows| thousands(windows as u64));
    lines.push(format!("{train} windows to learn from, {validation} for validation, {test} for the test"));
    let object = json!({
        "event": "data", "data": name, "rows": rows, "series": set.series.len(), "frequency": set.frequency.to_string(),
        "first": from, "last": to, "time": time, "target": set.target, "covariates": set.covariates, "gaps": gaps,
        "missing_targets": missing_targets, "missing_covariates": missing_covariates, "reordered": reordered,
        "ignored": ignored, "taken": tables::object(taken), "left_out": split.left_out.iter().map(|of| &of.id).collect::<Vec<_>>(),
        "inputs": inputs, "known": taken.known, "static": taken.statics, "ahead": ahead_rows,
        "context": window.context, "horizon": window.horizon,
        "windows": {"train": windows[0], "validation": windows[1], "test": windows[2]},
    });
    Found { text: lines.join("\n"), object }
}

/// Names in a line; of many the first.
fn short(names: &[String]) -> String {
    const SHOWN: usize = 30;
    match names.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

/// What there is to say of series from which little can be learnt.
fn poor(set: &SeriesSet, window: Window) -> Vec<String> {
    let constant = |values: &mut dyn Iterator<Item = f32>| {
        let mut known = values.filter(|value| !value.is_nan());
        known.next().is_none_or(|first| known.all(|value| value == first))
    };
    let mut texts = Vec::new();
    if window.context == 1 {
        let advice = "name a longer --context";
        texts.push(format!("1 step is read for a forecast, so nothing is carried from step to step: {advice}"));
    }
    if set.series.iter().all(|series| constant(&mut series.target.iter().copied())) {
        texts.push(format!("{} is the same at every step: there is nothing to learn", set.target));
    }
    let width = set.covariates.len();
    for (place, name) in set.covariates.iter().enumerate() {
        let values =
            |series: &Series| (0..series.steps()).map(|t| series.covariates[t * width + place]).collect::<Vec<_>>();
        if set.series.iter().all(|series| constant(&mut values(series).into_iter())) {
            texts.push(format!(
                "covariate {name} is the same at every step: it says nothing; --covariates leaves it out"
            ));
        }
    }
    texts
}

/// The first few series that are too short, and how many there are.
fn left_out(all: &[LeftOut]) -> Option<String> {
    let one = |of: &LeftOut| match of.steps < of.needed {
        true => format!("{:?} ({} of {} steps)", of.id, of.steps, of.needed),
        false => format!("{:?} ({} known values)", of.id, of.known),
    };
    let names = counted("series", "series", all.iter().map(one));
    (!all.is_empty()).then(|| format!("too short to learn from before validation: {names}"))
}

/// The last test forecast of the first series, and the forecast behind their ends.
fn draw(
    path: &Path,
    scaled: &Scaled,
    figures: &Figures,
    (window, meaning): (Window, &SeriesMeaning),
    levels: &[f32],
    predictor: &mut Predictor,
) -> anyhow::Result<()> {
    let all = &scaled.set;
    let last = |index: usize| figures.forecasts.iter().rev().find(|forecast| forecast.origin.series == index);
    let shown: Vec<usize> =
        (0..all.series.len()).filter(|&index| last(index).is_some()).take(chart::PANELS_MAX).collect();
    let shown_alone = scaled.select(&shown);
    // Where covariates are not known ahead, there is no forecast behind the end.
    let known: Vec<usize> = (0..shown.len()).filter(|&place| shown_alone.knows_ahead(place, window.horizon)).collect();
    let mut ahead: Vec<Option<Vec<f32>>> = vec![None; shown.len()];
    if !known.is_empty() {
        let all = shown_alone.select(&known).ahead(window, predictor)?;
        known.iter().zip(all).for_each(|(&place, quantiles)| ahead[place] = Some(quantiles));
    }
    let set = &shown_alone.set;
    let panel = |((&index, series), quantiles): ((&usize, _), Option<Vec<f32>>)| {
        let drawn = |step, quantiles| Drawn::new(series, step, quantiles, meaning.season, levels);
        let test = last(index).map(|of| drawn(of.origin.step, of.quantiles.clone()));
        let ahead = quantiles.map(|quantiles| drawn(Series::steps(series), quantiles));
        Panel { series, forecasts: test.into_iter().chain(ahead).collect() }
    };
    let panels: Vec<Panel> = shown.iter().zip(&set.series).zip(ahead).map(panel).collect();
    let about =
        About { title: "The last forecast of the test, and the one that follows", set, levels, season: meaning.season };
    chart::draw(path, &about, &panels, all.series.len())
}
