//! `elman compare`: the losses of runs beside each other, against epochs and against seconds.

use std::path::Path;

use anyhow::bail;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use serde_json::json;

use crate::args::{CompareArgs, OutputArgs};
use crate::output::{Output, thousands};
use crate::picture::axis::Axis;
use crate::picture::canvas::{
    ALARM, Area, BLUE, GREEN, INK, PALE_INK, VERMILION, axes, key, px, stroke, style, svg, text, write,
};
use crate::record::metrics::{self, Row};
use crate::run_folder;

/// The picture's size.
const SIZE: (u32, u32) = (960, 440);

/// Of the lines, in the order of the runs.
const COLORS: [RGBColor; 6] = [BLUE, VERMILION, GREEN, PALE_INK, ALARM, INK];

/// What a run's metrics say of it.
struct Run {
    name: String,
    rows: Vec<Row>,
}

pub(crate) fn compare(args: &CompareArgs) -> anyhow::Result<()> {
    let mut output = Output::new(OutputArgs { json: args.json, quiet: false });
    if args.runs.len() > COLORS.len() {
        bail!("{} runs are too many for one picture; name at most {}", args.runs.len(), COLORS.len());
    }
    let runs = args.runs.iter().map(|folder| Run::read(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    let wide = runs.iter().map(|run| run.name.chars().count()).max().unwrap_or(0).max(3);
    if !args.json {
        output.line(&format!(
            "{:wide$} {:>8} {:>10} {:>10} {:>12} {:>12} {:>10}",
            "run", "epochs", "steps", "seconds", "train loss", "best loss", "at epoch"
        ))?;
    }
    for run in &runs {
        let (last, best) = (run.last(), run.best());
        let object = json!({
            "event": "run", "run": run.name, "epochs": last.epoch, "steps": last.step, "seconds": last.seconds,
            "train_loss": last.loss, "best_validation_loss": best.and_then(|row| row.validation_loss),
            "best_epoch": best.map(|row| row.epoch), "best_seconds": best.map(|row| row.seconds),
        });
        let line = format!(
            "{:wide$} {:>8} {:>10} {:>10.1} {:>12.4} {:>12} {:>10}",
            run.name,
            last.epoch,
            thousands(last.step),
            last.seconds,
            last.loss,
            best.and_then(|row| row.validation_loss).map_or("none".into(), |loss| format!("{loss:.4}")),
            best.map_or("none".into(), |row| row.epoch.to_string()),
        );
        output.result(line, &object)?;
    }
    match &args.chart {
        Some(path) => draw(path, &runs),
        None => Ok(()),
    }
}

impl Run {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(run_folder::METRICS);
        if !path.exists() {
            bail!("{} holds no {}; expected a run's folder", folder.display(), run_folder::METRICS);
        }
        let rows = metrics::read(&path)?;
        if rows.is_empty() {
            bail!("{} has no rows yet; wait for its first report", path.display());
        }
        let name = folder.file_name().map_or(folder.as_os_str(), |name| name).to_string_lossy().into_owned();
        Ok(Run { name, rows })
    }

    /// There is one.
    fn last(&self) -> &Row {
        &self.rows[self.rows.len() - 1]
    }

    /// The row of the least validation loss.
    fn best(&self) -> Option<&Row> {
        let loss = |row: &&Row| row.validation_loss.filter(|loss| loss.is_finite());
        let rows = self.rows.iter().filter(|row| loss(row).is_some());
        rows.min_by(|a, b| f32::total_cmp(&loss(a).unwrap_or(f32::NAN), &loss(b).unwrap_or(f32::NAN)))
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
/// and one of few long ones are both seen.
fn draw(path: &Path, runs: &[Run]) -> anyhow::Result<()> {
    let picture = svg(SIZE, |root| {
        text(root, "Loss of the validation set", (68, 26), HPos::Left, &style(20, INK))?;
        let names: Vec<(&str, RGBColor)> = runs.iter().map(|run| run.name.as_str()).zip(COLORS).collect();
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
    for (curve, color) in curves.iter().zip(COLORS) {
        chart.draw_series(LineSeries::new(curve.iter().copied(), stroke(color, 2.0)))?;
        if curve.len() <= 50 {
            chart.draw_series(curve.iter().map(|&point| Circle::new(point, px(3), color.filled())))?;
        }
    }
    Ok(())
}
