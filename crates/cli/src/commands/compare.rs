//! `elman compare`: runs beside each other, their figures and the settings that differ; their losses against epochs and
//! against seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use serde_json::{Value, json};

use crate::flags::compare::CompareArgs;
use crate::flags::output::OutputArgs;
use crate::folder;
use crate::jobs::JOBS;
use crate::jobs::figures::Figure;
use crate::output::Output;
use crate::picture::axis::Axis;
use crate::picture::canvas::{
    ALARM, Area, BLUE, GREEN, INK, PALE_INK, VERMILION, axes, key, px, stroke, style, svg, text, write,
};
use crate::record::metrics::{self, Row};
use crate::settings::file;
use crate::shown::amounts::thousands;
use crate::shown::columns::aligned;
use crate::shown::digits::places;
use crate::shown::names::{harmless, one_line};

/// The picture's size.
const SIZE: (u32, u32) = (960, 440);

/// Of the lines, in the order of the runs.
const COLORS: [RGBColor; 6] = [BLUE, VERMILION, GREEN, PALE_INK, ALARM, INK];

/// What a run's folder says of it.
struct Run {
    name: String,
    rows: Vec<Row>,
    /// By name, as TOML writes them; none where the folder has no configuration.
    settings: BTreeMap<String, String>,
    /// What its test gave, if it has finished.
    test: Option<Value>,
}

pub(crate) fn compare(args: &CompareArgs) -> anyhow::Result<()> {
    let mut output = Output::new(OutputArgs { json: args.json, quiet: false });
    if args.chart.is_some() && args.runs.len() > COLORS.len() {
        bail!(
            "{} runs are too many for one picture; name at most {}, or leave --chart out",
            args.runs.len(),
            COLORS.len()
        );
    }
    let mut runs = args.runs.iter().map(|folder| Run::read(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    // Runs of one name are told apart by their paths.
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for (run, folder) in runs.iter_mut().zip(&args.runs) {
        if names.iter().filter(|name| **name == run.name).count() > 1 {
            run.name = folder.display().to_string();
        }
    }
    let differing = differing(&runs);
    if args.json {
        for run in &runs {
            output.result("", &run.object(&differing))?;
        }
    } else {
        for line in table(&runs).into_iter().chain(below(&runs, &differing)) {
            output.line(&harmless(&line))?;
        }
    }
    match &args.chart {
        Some(path) => draw(path, &runs),
        None => Ok(()),
    }
}

/// The figures, a run in each line. A column that no run fills is left out.
fn table(runs: &[Run]) -> Vec<String> {
    let figure = |value: Option<f64>| value.map_or(String::new(), |value| places(value, 4));
    let mut columns: Vec<(&str, Vec<String>)> = vec![
        ("run", runs.iter().map(|run| one_line(&run.name).into_owned()).collect()),
        ("epochs", runs.iter().map(|run| run.last().epoch.to_string()).collect()),
        ("steps", runs.iter().map(|run| thousands(run.last().step)).collect()),
        ("seconds", runs.iter().map(|run| format!("{:.1}", run.last().seconds)).collect()),
        ("train loss", runs.iter().map(|run| figure(Some(f64::from(run.last().loss)))).collect()),
        (
            "best loss",
            runs.iter().map(|run| figure(run.best().and_then(|row| row.validation_loss).map(f64::from))).collect(),
        ),
        ("at epoch", runs.iter().map(|run| run.best().map_or(String::new(), |row| row.epoch.to_string())).collect()),
        (
            "accuracy",
            runs.iter().map(|run| figure(run.best().and_then(|row| row.validation_accuracy).map(f64::from))).collect(),
        ),
    ];
    let mut figures: Vec<&Figure> = Vec::new();
    for of in JOBS.iter().flat_map(|job| job.figures) {
        if !figures.iter().any(|known| known.heading == of.heading) {
            figures.push(of);
        }
    }
    for of in figures {
        let cell = |run: &Run| run.test.as_ref().and_then(|test| of.cell(test)).unwrap_or_default();
        columns.push((of.heading, runs.iter().map(cell).collect()));
    }
    columns.retain(|(name, cells)| *name == "best loss" || cells.iter().any(|cell| !cell.is_empty()));
    let heads = columns.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let cell = |cell: &String| if cell.is_empty() { "-".to_owned() } else { cell.clone() };
    let row = |run: usize| columns.iter().map(|(_, cells)| cell(&cells[run])).collect();
    aligned(&[heads].into_iter().chain((0..runs.len()).map(row)).collect::<Vec<_>>(), 1)
}

/// Which settings differ, and which runs do not.
fn below(runs: &[Run], differing: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        if let Some(same) = runs[..index].iter().find(|other| other.is_like(run)) {
            lines.push(format!("{} is {} again: every number is the same", one_line(&run.name), one_line(&same.name)));
        }
    }
    if runs.len() > 1 && runs.iter().all(|run| !run.settings.is_empty()) {
        if differing.is_empty() {
            lines.push("no setting differs".into());
        } else {
            let heads = runs.iter().map(|run| one_line(&run.name).into_owned());
            let mut rows = vec![["settings that differ".to_owned()].into_iter().chain(heads).collect::<Vec<_>>()];
            rows.extend(differing.iter().map(|name| {
                let values = runs.iter().map(|run| run.settings.get(name).map_or("-".to_owned(), String::clone));
                [name.clone()].into_iter().chain(values).collect()
            }));
            lines.extend(aligned(&rows, 1));
        }
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

/// The names of the settings that not all runs share.
fn differing(runs: &[Run]) -> Vec<String> {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.settings.keys()).collect();
    let differs = |name: &&String| runs.iter().any(|run| run.settings.get(*name) != runs[0].settings.get(*name));
    names.into_iter().filter(differs).cloned().collect()
}

impl Run {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(folder::METRICS);
        if !path.exists() {
            bail!("{} holds no {}; expected a run's folder", folder.display(), folder::METRICS);
        }
        let rows = metrics::read(&path)?;
        if rows.is_empty() {
            bail!("{} has no rows yet; wait for its first report", path.display());
        }
        let name = folder.file_name().map_or(folder.as_os_str(), |name| name).to_string_lossy().into_owned();
        let config = folder.join(folder::CONFIG);
        let settings = match config.exists() {
            true => file::text_of(&config)?
                .parse::<toml::Table>()
                .with_context(|| format!("cannot read {}", config.display()))?,
            false => toml::Table::new(),
        };
        let shown = |value: toml::Value| match value {
            toml::Value::String(text) => text,
            toml::Value::Float(number) => format!("{number:?}"),
            value => value.to_string(),
        };
        let settings = settings.into_iter().map(|(name, value)| (name, shown(value))).collect();
        Ok(Run { name, rows, settings, test: folder::test_figures(folder)? })
    }

    /// Whether all numbers are another's too, but for the time they took.
    fn is_like(&self, other: &Run) -> bool {
        let bits = |row: &Row| {
            let some = |x: Option<f32>| x.map(f32::to_bits);
            (row.step, row.loss.to_bits(), row.grad_norm.to_bits(), some(row.accuracy), some(row.validation_loss))
        };
        self.rows.iter().map(bits).eq(other.rows.iter().map(bits))
    }

    fn object(&self, differing: &[String]) -> Value {
        let (last, best) = (self.last(), self.best());
        let settings: BTreeMap<_, _> = differing.iter().map(|name| (name, self.settings.get(name))).collect();
        json!({
            "event": "run", "run": self.name, "epochs": last.epoch, "steps": last.step, "seconds": last.seconds,
            "train_loss": last.loss, "train_accuracy": last.accuracy,
            "best_validation_loss": best.and_then(|row| row.validation_loss),
            "best_validation_accuracy": best.and_then(|row| row.validation_accuracy),
            "best_epoch": best.map(|row| row.epoch), "best_seconds": best.map(|row| row.seconds),
            "test": self.test, "settings_that_differ": settings,
        })
    }

    /// There is one.
    fn last(&self) -> &Row {
        &self.rows[self.rows.len() - 1]
    }

    /// The row of the least validation loss that is finite.
    fn best(&self) -> Option<Row> {
        metrics::best(&self.rows).filter(|row| row.validation_loss.is_some_and(f32::is_finite))
    }

    /// The loss of the validation set, or of the training batch where there is none, by what `x` takes of a row.
    fn curve(&self, x: fn(&Row) -> f64) -> Vec<(f64, f64)> {
        let validated = self.rows.iter().any(|row| row.validation_loss.is_some());
        let loss = |row: &Row| if validated { row.validation_loss } else { Some(row.loss) };
        let points = self.rows.iter().filter_map(|row| Some((x(row), f64::from(loss(row)?))));
        points.filter(|point| point.1.is_finite() && point.1 > 0.0 && point.0 > 0.0).collect()
    }
}

/// The validation losses, left against epochs, right against seconds. All axes are logarithmic: a run of many short epochs
/// and one of few long ones are both seen. Of runs that are the same the first have wider lines, which are seen below the
/// others'.
fn draw(path: &Path, runs: &[Run]) -> anyhow::Result<()> {
    let picture = svg(SIZE, |root| {
        text(root, "Loss of the validation set", (68, 26), HPos::Left, &style(20, INK))?;
        let named = |(index, run): (usize, &Run)| match runs[..index].iter().find(|other| other.is_like(run)) {
            Some(same) => format!("{} = {}", run.name, same.name),
            None => run.name.clone(),
        };
        let names: Vec<String> = runs.iter().enumerate().map(named).collect();
        let names: Vec<(&str, RGBColor)> = names.iter().map(String::as_str).zip(COLORS).collect();
        key(root, (68, 54), &names)?;
        let (_, panels) = root.split_vertically(px(66));
        let panels = panels.split_evenly((1, 2));
        panel(&panels[0], runs, "epochs", |row| row.epoch as f64)?;
        panel(&panels[1], runs, "seconds", |row| row.seconds)
    });
    write(path, picture)
}

fn panel(area: &Area, runs: &[Run], what: &str, x: fn(&Row) -> f64) -> anyhow::Result<()> {
    let curves: Vec<Vec<(f64, f64)>> = runs.iter().map(|run| run.curve(x)).collect();
    let extent = |of: fn(&(f64, f64)) -> f64| {
        let values = curves.iter().flatten().map(of).map(|value| (value, value));
        let (low, high) = values.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((1.0, 10.0));
        // An axis has a length.
        if high / low < 2.0 { (low / 1.5, high * 1.5) } else { (low, high) }
    };
    let ((left, right), (bottom, top)) = (extent(|point| point.0), extent(|point| point.1));
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(12))
        .margin_right(px(22))
        .margin_bottom(px(8))
        .margin_left(px(8))
        .x_label_area_size(px(42))
        .y_label_area_size(px(60))
        .build_cartesian_2d(Axis::logarithmic(left, right), Axis::logarithmic(bottom / 1.1, top * 1.1))?;
    axes(&mut chart, what, "loss")?;
    for ((index, curve), color) in curves.iter().enumerate().zip(COLORS) {
        let above = runs[index + 1..].iter().filter(|other| other.is_like(&runs[index])).count() as u32;
        chart.draw_series(LineSeries::new(curve.iter().copied(), stroke(color, 2.0 + 4.0 * f64::from(above))))?;
        if curve.len() <= 50 {
            chart.draw_series(curve.iter().map(|&point| Circle::new(point, px(3 + 3 * above), color.filled())))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, loss: f32, learning_rate: &str) -> Run {
        let row = Row {
            step: 10,
            epoch: 1,
            loss,
            accuracy: None,
            learning_rate: 0.1,
            grad_norm: 1.0,
            seconds: 2.0,
            validation_loss: Some(loss),
            validation_accuracy: None,
        };
        let rows = vec![row, Row { step: 20, epoch: 2, validation_loss: Some(2.0 * loss), ..row }];
        let settings = [("learning_rate", learning_rate), ("seed", "111")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Run { name: name.into(), rows, settings, test: None }
    }

    #[test]
    fn figures_stand_in_columns_and_empty_ones_are_left_out() {
        let mut runs = [run("a", 1e-9, "0.1"), run("a long name", 0.5, "0.2")];
        runs[1].test =
            Some(json!({"event": "backtest", "model": {"mae": 1234.567, "mase": null}, "naive": {"mae": 3e-9}}));
        let expected = [
            "run          epochs  steps  seconds  train loss  best loss  at epoch  test MAE  naive MAE",
            "a                 2     20      2.0     1.00e-9    1.00e-9         1         -          -",
            "a long name       2     20      2.0      0.5000     0.5000         1      1235   3.000e-9",
        ];
        assert_eq!(table(&runs), expected);
        runs[0].test = Some(json!({"event": "test", "loss": 0.25, "accuracy": 0.9375}));
        assert!(table(&runs)[1].ends_with("  0.2500    0.9375         -          -"), "{}", table(&runs)[1]);
    }

    #[test]
    fn what_differs_is_said_and_what_is_the_same() {
        let mut runs = vec![run("a", 0.5, "0.1"), run("b", 0.25, "0.2"), run("c", 0.5, "0.1")];
        runs[2].rows[0].seconds = 99.0;
        runs[1].settings.remove("seed");
        let lines = below(&runs, &differing(&runs));
        let expected = [
            "",
            "c is a again: every number is the same",
            "settings that differ    a    b    c",
            "learning_rate         0.1  0.2  0.1",
            "seed                  111    -  111",
        ];
        assert_eq!(lines, expected);
        assert_eq!(below(&runs[2..], &[]), Vec::<String>::new());
        // Both are seen in the picture: the first has the wider line below.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.svg");
        draw(&path, &runs).unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(svg.contains("\nc = a\n") && svg.contains("\nb\n"), "{svg}");
        assert!(svg.contains("stroke-width=\"48\"") && svg.contains("stroke-width=\"16\""), "{svg}");
    }
}
