//! `elman forecast`: quantiles of the values behind the end of each series.
//!
//! F steps of the horizon, Q levels.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use elman::Ensemble;
use elman::datasets::series::{SeriesSet, split_id};
use elman::formats::write_atomic;
use elman::series::{Forecaster, KNOWN_MIN, Selected};
use serde_json::json;

use super::backtest::levels as decimals;
use super::chart::{self, About, Drawn, Panel};
use super::meaning;
use crate::flags::forecast::ForecastArgs;
use crate::flags::threads::threads;
use crate::folder;
use crate::jobs::tables;
use crate::output::Output;
use crate::shown::columns::aligned;
use crate::shown::digits::{Digits, significant};
use crate::shown::names::counted;

pub(crate) fn forecast(args: &ForecastArgs, model: Ensemble, output: &mut Output) -> anyhow::Result<()> {
    let threads = threads(args.threads)?;
    let set = meaning::read(meaning::of(model.first(), &args.run)?, &args.run, args.data.as_deref())?;
    tables::warn(output, &set.report.rounded, &set.report.stand_ins)?;
    let mut forecaster = Forecaster::new(model, threads)?;
    let selected = forecaster.select(set)?;
    let is_relative = forecaster.meaning().relative.is_some();
    remarks(&selected, forecaster.window().context, is_relative)?.iter().for_each(|remark| output.remark(remark));
    let set = &selected.scaled.set;
    let ids = set.report.ids.clone();
    let shown = shown(set, args.series.as_deref())?;
    let warning = not_better(&args.run)?;

    let all = forecaster.forecast(&selected)?;
    let mut rows = Vec::with_capacity(all.len() * forecaster.window().horizon);
    for forecast in &all {
        for (step, (time, quantiles)) in (1..).zip(forecast.times.iter().zip(forecast.quantiles.outer_iter())) {
            rows.push(Row { series: &forecast.id, step, time, quantiles: quantiles.to_vec() });
        }
    }
    let (meaning, levels) = (forecaster.meaning(), forecaster.levels());
    let names = Names { ids: &ids, time: meaning.time_name(), levels: decimals(levels) };
    // Files first: what is printed is then all there is to do.
    if let Some(path) = &args.out {
        refuse_inputs(path, args)?;
        write_csv(path, &names, &rows)?;
    }
    if let Some(path) = &args.plot {
        let panel = |&index: &usize| {
            let (series, quantiles) = (&set.series[index], all[index].differences.clone());
            let drawn = Drawn::new(series, series.steps(), quantiles, meaning.season, levels);
            Panel { series, forecasts: vec![drawn] }
        };
        let panels: Vec<Panel> = shown.iter().map(panel).collect();
        let about = About { title: "Forecast", set, levels, season: meaning.season };
        chart::draw(path, &about, &panels, set.series.len())?;
    }
    if let Some(text) = warning {
        output.warn(&text)?;
    }
    if output.json {
        for row in &rows {
            let object = json!({
                "event": "forecast", "series": row.series, "step": row.step, "time": row.time, "levels": names.levels,
                "quantiles": row.quantiles,
            });
            output.result("", &object)?;
        }
    } else if args.out.is_none() {
        for line in table(&names, &rows) {
            output.line(&line)?;
        }
    }
    Ok(())
}

/// What there is to say of a run whose test its model did not pass.
///
/// # Errors
/// If the run's figures cannot be read.
fn not_better(run: &Path) -> anyhow::Result<Option<String>> {
    let Some(test) = (if run.is_dir() { folder::test_figures(run)? } else { None }) else { return Ok(None) };
    if test["beats_naive"] != false {
        return Ok(None);
    }
    let of = |pointer: &str| test.pointer(pointer).and_then(serde_json::Value::as_f64).map_or("?".into(), significant);
    let naive = match test["season"].as_u64() {
        Some(season) if season > 1 => format!("the seasonal naive forecast (season {season})"),
        _ => "the naive forecast".into(),
    };
    Ok(Some(format!(
        "this model did not beat {naive} in its test: its MAE was {} against {}, its pinball loss {} against {}",
        of("/model/mae"),
        of("/naive/mae"),
        of("/model/mean_pinball"),
        of("/naive/mean_pinball")
    )))
}

/// The series of the picture: those that are named, or the first few.
///
/// # Errors
/// If one is not there, or there are more than a picture has room for.
fn shown(set: &SeriesSet, names: Option<&[String]>) -> anyhow::Result<Vec<usize>> {
    let Some(names) = names else { return Ok((0..set.series.len().min(chart::PANELS_MAX)).collect()) };
    if names.len() > chart::PANELS_MAX {
        bail!("--series names {} series; a picture has room for {}", names.len(), chart::PANELS_MAX);
    }
    let place = |name: &String| set.series.iter().position(|series| series.id == *name);
    names
        .iter()
        .map(|name| {
            place(name).ok_or_else(|| {
                let known = counted("series", "series", set.series.iter().map(|series| format!("{:?}", series.id)));
                anyhow!("--series names {name:?}, which has no forecast; there are {known}")
            })
        })
        .collect()
}

/// A step of a forecast.
struct Row<'a> {
    series: &'a str,
    /// From 1.
    step: usize,
    time: &'a str,
    /// `[Q]`
    quantiles: Vec<f64>,
}

/// What columns are called.
struct Names<'a> {
    /// None where there is one series without an id; several where ids have parts.
    ids: &'a [String],
    time: &'a str,
    levels: Vec<f64>,
}

impl Names<'_> {
    fn header(&self) -> Vec<String> {
        let first = self.ids.iter().map(String::as_str).chain([self.time]).map(str::to_owned);
        first.chain(self.levels.iter().map(f64::to_string)).collect()
    }

    fn first(&self, row: &Row) -> Vec<String> {
        let id = if self.ids.is_empty() { Vec::new() } else { split_id(row.series, self.ids.len()) };
        id.into_iter().chain([row.time.to_owned()]).collect()
    }
}

/// What there is to say of series that were not trained on, and of those that cannot be forecast.
///
/// # Errors
/// If none is left.
fn remarks(selected: &Selected, context: usize, is_relative: bool) -> anyhow::Result<Vec<String>> {
    let name = |id: &String| if id.is_empty() { "the only one".to_owned() } else { format!("{id:?}") };
    let short: Vec<String> = selected.short.iter().map(|(id, steps)| format!("{} ({steps} steps)", name(id))).collect();
    let unread: Vec<String> = selected.unread.iter().map(name).collect();
    let needed = match is_relative {
        true => format!("no forecast without {KNOWN_MIN} known values to make a base forecast from"),
        false => format!("no forecast without the {context} steps that the model reads"),
    };
    let why = [(short, needed), (unread, format!("no forecast where none of the last {context} values is known"))];
    let why = why.into_iter().filter(|(names, _)| !names.is_empty());
    let why: Vec<String> =
        why.map(|(names, what)| format!("{what}: {}", counted("series", "series", names.into_iter()))).collect();
    let remarks = meaning::remarks(&selected.scaled);
    match selected.scaled.set.series.is_empty() {
        true if why.is_empty() => bail!("no series is left: {}", remarks.join("; ")),
        true => bail!("{}", why.join("; ")),
        false => Ok([remarks, why].concat()),
    }
}

/// The forecast does not take the place of what it was made from.
fn refuse_inputs(out: &Path, args: &ForecastArgs) -> anyhow::Result<()> {
    // What does not exist yet is no input.
    let Ok(out) = out.canonicalize() else { return Ok(()) };
    let run = [folder::MODEL, folder::CONFIG, folder::METRICS].map(|name| args.run.join(name));
    let inputs = run.iter().chain([&args.run]).chain(&args.data);
    for input in inputs {
        if input.canonicalize().is_ok_and(|input| input == out) {
            bail!("{} is what the forecast is made from; choose another --out", input.display());
        }
    }
    Ok(())
}

fn write_csv(path: &Path, names: &Names, rows: &[Row]) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(names.header())?;
    for row in rows {
        let quantiles = row.quantiles.iter().map(f64::to_string);
        csv.write_record(names.first(row).into_iter().chain(quantiles))?;
    }
    let bytes = csv.into_inner().with_context(|| format!("cannot write {}", path.display()))?;
    write_atomic(path, &bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The same for the eye: columns side by side, and the digits that count.
fn table(names: &Names, rows: &[Row]) -> Vec<String> {
    let mut cells = vec![names.header()];
    // By series: the values of another may be of another size.
    for rows in rows.chunk_by(|a, b| a.series == b.series) {
        let digits = Digits::of(rows.iter().flat_map(|row| row.quantiles.iter().copied()));
        for row in rows {
            let quantiles = row.quantiles.iter().map(|&z| digits.write(z));
            cells.push(names.first(row).into_iter().chain(quantiles).collect());
        }
    }
    aligned(&cells, names.header().len() - names.levels.len())
}
