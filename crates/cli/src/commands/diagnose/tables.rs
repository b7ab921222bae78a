//! The figures of a diagnosis as tables, each with a sentence on how to read it.

use elman::Model;
use elman::diagnose::{CellDiagnosis, Curve, Diagnosis, Flow};

use crate::shown::amounts::thousands;
use crate::shown::network;

/// Lags that a table has columns for, at most: powers of two, and the last.
const COLUMNS: usize = 7;

/// `layer 1 lstm`, and the direction that is not the usual one.
pub(super) fn name(cell: &CellDiagnosis) -> String {
    let direction = if cell.reversed { ", backward" } else { "" };
    format!("layer {} {}{direction}", cell.layer, cell.cell)
}

/// All lines.
pub(super) fn text(model: &Model, diagnosis: &Diagnosis, rows: usize) -> Vec<String> {
    let Diagnosis { rows: followed, skipped, steps, .. } = diagnosis;
    let rows = thousands(rows as u64);
    let mut lines = vec![network::describe(model.stack())];
    lines.push(format!("{followed} rows of {rows}, looking back over {steps} {}", plural(*steps, "step")));
    if *skipped > 0 {
        lines.push(format!("{skipped} more have no gradient to follow: no step, or a loss of 0"));
    }
    let width = diagnosis.cells.iter().map(|cell| name(cell).chars().count()).max().unwrap_or(0).max(6);
    lines.extend(gradients(diagnosis, width));
    lines.extend(gates(diagnosis, width));
    lines.extend(spectra(diagnosis, width));
    let missing = |cell: &CellDiagnosis| {
        let name = name(cell);
        cell.not_computed.iter().map(move |why| format!("not computed for {name}: {why}")).collect::<Vec<_>>()
    };
    let missing: Vec<String> = diagnosis.cells.iter().flat_map(missing).collect();
    if !missing.is_empty() {
        lines.push(String::new());
        lines.extend(missing);
    }
    lines
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

fn gradients(diagnosis: &Diagnosis, width: usize) -> Vec<String> {
    let last = diagnosis.steps.saturating_sub(1);
    let mut lags: Vec<usize> = (0..).map(|power| 1 << power).take_while(|&lag| lag < last).collect();
    lags.truncate(COLUMNS - 1);
    if last > 0 {
        lags.push(last);
    }
    let columns = |value: &dyn Fn(usize) -> String| lags.iter().map(|&lag| format!(" {:>8}", value(lag))).collect();
    let line = |name: &str, by: &str, curve: &Curve| {
        let values: String = columns(&|lag| curve.relative.get(lag).map_or("-".into(), |&x| number(x)));
        let reach = curve.reach().map_or("-".into(), |lag| lag.to_string());
        let half = curve.half_life().map_or("-".into(), |life| format!("{life:.1}"));
        format!("{name:width$} {by:>7}{values} {reach:>9} {half:>9}  {}", flow(curve.flow()))
    };
    let head: String = columns(&|lag| lag.to_string());
    let mut lines = vec![
        String::new(),
        "How far back it learns: the gradient of the loss k steps before the end, as part of the one at the end."
            .into(),
        format!("{:width$} {:>7}{head} {:>9} {:>9}", "", "k", "below 1%", "half-life"),
    ];
    for cell in &diagnosis.cells {
        lines.push(line(&name(cell), "state", &cell.state));
        if let Some(c) = &cell.c {
            lines.push(line("", "h", &cell.h));
            lines.push(line("", "c", c));
        }
    }
    lines.push(line("inputs", "x", &diagnosis.inputs));
    lines.push(
        "What stands further back than \"below 1%\" hardly moves the weights: the network cannot learn to use it. \
         Half-life: steps in which the gradient falls to a half."
            .into(),
    );
    lines
}

fn flow(flow: Flow) -> &'static str {
    match flow {
        Flow::Absent => "no gradient arrives",
        Flow::Vanishes => "vanishes",
        Flow::Carries => "carries to the first step",
        Flow::Explodes => "explodes",
    }
}

/// Four figures at most, and eight characters.
fn number(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        0.001..1000.0 => format!("{x:.3}"),
        _ => format!("{x:.1e}"),
    }
}

fn gates(diagnosis: &Diagnosis, width: usize) -> Vec<String> {
    if diagnosis.cells.iter().all(|cell| cell.gates.is_empty()) {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        "Whether its gates move: parts of the values that stand at a bound.".into(),
        format!("{:width$} {:>7} {:>8} {:>8} {:>8} {:>8}", "", "gate", "mean", "low", "high", "stuck"),
    ];
    for cell in &diagnosis.cells {
        for (index, gate) in cell.gates.iter().enumerate() {
            let name = if index == 0 { name(cell) } else { String::new() };
            let [low, high, stuck] = [gate.low, gate.high, gate.stuck].map(percent);
            lines.push(format!("{name:width$} {:>7} {:>8.3} {low:>8} {high:>8} {stuck:>8}", gate.name, gate.mean));
        }
    }
    lines.push(
        "Low and high are below 0.1 and above 0.9 for a gate, beyond ±0.9 for a tanh, 0 for a ReLU: there it passes no \
         gradient. Stuck: units at the same bound in every sample; they gate nothing."
            .into(),
    );
    lines
}

fn percent(part: f64) -> String {
    format!("{:.1}%", 100.0 * part)
}

fn spectra(diagnosis: &Diagnosis, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for cell in &diagnosis.cells {
        let mut named = name(cell);
        let mut line = |matrix: &str, radius: f64, norm: f64, rest: &str| {
            let name = std::mem::take(&mut named);
            rows.push(format!("{name:width$} {matrix:>7} {radius:>8.3} {norm:>8.3}{rest}"));
        };
        for block in &cell.recurrent {
            line(&block.name, block.radius, block.norm, "");
        }
        if let Some(step) = &cell.transition {
            let what = plural(step.samples, "sample");
            let rest =
                format!("  mean of {} {what}; at most {:.3} and {:.3}", step.samples, step.radius_max, step.norm_max);
            line("a step", step.radius, step.norm, &rest);
        }
    }
    if rows.is_empty() {
        return rows;
    }
    let mut lines = vec![
        String::new(),
        "What a step does to the state: the largest |eigenvalue| and the largest singular value.".into(),
        format!("{:width$} {:>7} {:>8} {:>8}", "", "matrix", "radius", "norm"),
    ];
    lines.extend(rows);
    lines.push(
        "\"A step\" is the Jacobian of the state by the one before, which has the activations in it: a norm below 1 \
         makes the gradient shrink at every step, a radius about 1 lets it last."
            .into(),
    );
    lines
}
