//! `diagnosis.svg`: the gradient by lag on top; below, a row for each cell: its gates, and the spectra of its recurrent
//! matrix and of its step in the complex plane.

use std::path::Path;

use elman::diagnose::{Bound, CellDiagnosis, Complex, Curve, Diagnosis, VANISHED};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::tables::name;
use crate::picture::axis::Axis;
use crate::picture::canvas::{
    ALARM, Area, BLUE, GREEN, INK, PALE_INK, VERMILION, axes, px, stroke, style, svg, text, write,
};

/// The picture's width, and the heights of its parts.
const WIDTH: u32 = 960;
const HEADER: u32 = 44;
const CURVES: u32 = 360;
const ROW: u32 = 400;

/// From a panel's left edge to what is drawn, and from its top.
const INSET: (u32, u32) = (80, 52);
/// To the right, and below.
const MARGIN: u32 = 22;
const LABELS: u32 = 48;

/// Cells that have a row: the file stays small, and the tables have the others.
const CELLS_MAX: usize = 8;

/// The lowest part of the gradient that is drawn.
const FLOOR: f64 = 1e-12;

/// Colours in turn, told apart by those who see fewer: Okabe & Ito (2008).
const COLORS: [RGBColor; 6] =
    [BLUE, VERMILION, GREEN, RGBColor(0xcc, 0x79, 0xa7), RGBColor(0xe6, 0x9f, 0x00), RGBColor(0x56, 0xb4, 0xe9)];

/// Between the bounds.
const PALE: RGBColor = RGBColor(0xe2, 0xe2, 0xe2);

/// Draws the diagnosis into the file.
pub(super) fn draw(path: &Path, title: &str, diagnosis: &Diagnosis) -> anyhow::Result<()> {
    write(path, picture(title, diagnosis))
}

/// The whole picture, as SVG.
fn picture(title: &str, diagnosis: &Diagnosis) -> anyhow::Result<String> {
    let shown = &diagnosis.cells[..diagnosis.cells.len().min(CELLS_MAX)];
    let height = HEADER + CURVES + ROW * shown.len() as u32;
    svg((WIDTH, height), |root| {
        text(root, title, (INSET.0, 26), HPos::Left, &style(20, INK))?;
        let mut about = format!("{} rows, {} steps back", diagnosis.rows, diagnosis.steps);
        if shown.len() < diagnosis.cells.len() {
            about += &format!(", the first {CELLS_MAX} of {} cells", diagnosis.cells.len());
        }
        text(root, &about, (WIDTH - MARGIN, 26), HPos::Right, &style(13, PALE_INK))?;
        let (_, rest) = root.split_vertically(px(HEADER));
        let (curves, mut rest) = rest.split_vertically(px(CURVES));
        gradients(&curves, diagnosis, shown)?;
        for cell in shown {
            let (row, below) = rest.split_vertically(px(ROW));
            rest = below;
            // The plane is as wide as high.
            let plane = ROW - INSET.1 - LABELS + INSET.0 + MARGIN;
            let (left, right) = row.split_horizontally(px(WIDTH - plane));
            gates(&left, WIDTH - plane, cell)?;
            spectra(&right, cell)?;
        }
        Ok(())
    })
}

/// A name in a key, `left` from the panel's edge; where the next one starts.
fn key(area: &Area, left: u32, name: &str, y: u32) -> anyhow::Result<u32> {
    text(area, name, (left, y), HPos::Left, &style(13, INK))?;
    Ok(left + 7 * name.chars().count() as u32 + 20)
}

/// The gradient by lag: a line for each cell's state, a dashed one for its memory, one for the inputs.
fn gradients(area: &Area, diagnosis: &Diagnosis, shown: &[CellDiagnosis]) -> anyhow::Result<()> {
    text(area, "Gradient of the loss by lag, relative to lag 0", (INSET.0, 12), HPos::Left, &style(15, INK))?;
    let curves = || shown.iter().flat_map(|cell| [Some(&cell.state), cell.c.as_ref()]).flatten();
    let seen = |curve: &Curve| points(curve).map(|(_, value)| value).collect::<Vec<_>>();
    let values: Vec<f64> = curves().chain([&diagnosis.inputs]).flat_map(seen).collect();
    let low = values.iter().copied().fold(VANISHED, f64::min) / 1.5;
    let high = values.iter().copied().fold(1.0, f64::max) * 1.5;
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(INSET.1))
        .margin_right(px(MARGIN))
        .margin_bottom(px(6))
        .margin_left(px(12))
        .x_label_area_size(px(42))
        .y_label_area_size(px(INSET.0 - 12))
        .build_cartesian_2d(Axis::whole(0.0, diagnosis.steps.saturating_sub(1) as f64), Axis::logarithmic(low, high))?;
    axes(&mut chart, "lag, steps before the end", "relative gradient")?;
    let ends = [(0.0, VANISHED), (diagnosis.steps.saturating_sub(1) as f64, VANISHED)];
    chart.draw_series([PathElement::new(ends, stroke(ALARM, 1.0))])?;

    let at = |x: u32| (px(x) as i32, px(KEY) as i32);
    let mut left = INSET.0;
    for (cell, color) in shown.iter().zip(COLORS.into_iter().cycle()) {
        chart.draw_series(LineSeries::new(points(&cell.state), stroke(color, 2.2)))?;
        if let Some(c) = &cell.c {
            chart.draw_series(DashedLineSeries::new(points(c), px(6), px(4), stroke(color, 1.6)))?;
        }
        area.draw(&PathElement::new([at(left), at(left + 24)], stroke(color, 2.2)))?;
        // Names that do not fit are seen by their order; the table has them.
        if left < WIDTH - 260 {
            left = key(area, left + 30, &name(cell), KEY)?;
        }
    }
    chart.draw_series(LineSeries::new(points(&diagnosis.inputs), stroke(PALE_INK, 1.4)))?;
    area.draw(&PathElement::new([at(left), at(left + 24)], stroke(PALE_INK, 1.4)))?;
    key(area, left + 30, "inputs", KEY)?;
    let note = if shown.iter().any(|cell| cell.c.is_some()) { "dashed: c alone; red: 1%" } else { "red: 1%" };
    text(area, note, (WIDTH - MARGIN, KEY), HPos::Right, &style(13, PALE_INK))
}

/// Middle of the line of a key.
const KEY: u32 = 36;

/// What of a curve can be drawn.
fn points(curve: &Curve) -> impl Iterator<Item = (f64, f64)> + Clone {
    let points = curve.relative.iter().enumerate().map(|(lag, &value)| (lag as f64, value));
    points.filter(|(_, value)| value.is_finite() && *value >= FLOOR)
}

/// A bar for each gate: at the lower bound, between, at the upper bound.
fn gates(area: &Area, width: u32, cell: &CellDiagnosis) -> anyhow::Result<()> {
    text(area, &format!("Gates of {}", name(cell)), (INSET.0, 12), HPos::Left, &style(15, INK))?;
    if cell.gates.is_empty() {
        return text(area, "not computed", (INSET.0, INSET.1), HPos::Left, &style(13, PALE_INK));
    }
    let mut left = INSET.0;
    // The scale of the colours: gates of tanh and of ReLU have their own bounds.
    let tanh = cell.gates.iter().any(|gate| gate.bound == Bound::Tanh);
    let sigmoid = cell.gates.iter().any(|gate| gate.bound == Bound::Sigmoid);
    let low = match (sigmoid, tanh) {
        (true, true) => "below 0.1 (tanh −0.9)",
        (true, false) => "below 0.1",
        (false, true) => "below −0.9",
        (false, false) => "0",
    };
    let high = if sigmoid || tanh { "above 0.9" } else { "above 0" };
    let between = if sigmoid || tanh { vec![(PALE, "between"), (VERMILION, high)] } else { vec![(PALE, high)] };
    for (color, name) in [(BLUE, low)].into_iter().chain(between) {
        bar(area, (left, KEY - 6), (left + 14, KEY + 6), color)?;
        left = key(area, left + 20, name, KEY)?;
    }
    let right = width - 110;
    text(area, "stuck units", (right + 14, KEY), HPos::Left, &style(13, PALE_INK))?;
    let at = |part: f64| INSET.0 + (part * f64::from(right - INSET.0)).round() as u32;
    let space = ROW - INSET.1 - LABELS;
    let each = (space / cell.gates.len() as u32).min(56);
    for (index, gate) in cell.gates.iter().enumerate() {
        let (top, high) = (INSET.1 + each * index as u32 + 6, each - 12);
        let edges = [0.0, gate.low, 1.0 - gate.high, 1.0].map(at);
        for (ends, color) in edges.windows(2).zip([BLUE, PALE, VERMILION]) {
            bar(area, (ends[0], top), (ends[1], top + high), color)?;
        }
        let middle = top + high / 2;
        text(area, gate.name, (INSET.0 - 10, middle), HPos::Right, &style(15, INK))?;
        text(area, &format!("{:.1}%", 100.0 * gate.stuck), (right + 14, middle), HPos::Left, &style(13, INK))?;
    }
    let below = INSET.1 + each * cell.gates.len() as u32 + 10;
    for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
        text(area, &format!("{:.0}%", 100.0 * part), (at(part), below), HPos::Center, &style(13, INK))?;
    }
    text(area, "part of the values", (at(0.5), below + 22), HPos::Center, &style(15, INK))
}

/// A filled rectangle between two corners, in pixels.
fn bar(area: &Area, from: (u32, u32), to: (u32, u32), color: RGBColor) -> anyhow::Result<()> {
    let corner = |(x, y): (u32, u32)| (px(x) as i32, px(y) as i32);
    Ok(area.draw(&Rectangle::new([corner(from), corner(to)], color.filled()))?)
}

/// Eigenvalues in the complex plane with the unit circle: small dots for the recurrent matrix, rings for a step.
fn spectra(area: &Area, cell: &CellDiagnosis) -> anyhow::Result<()> {
    text(area, "Eigenvalues in the complex plane", (INSET.0, 12), HPos::Left, &style(15, INK))?;
    let step: &[Complex] = cell.transition.as_ref().map_or(&[], |step| &step.eigenvalues);
    let all = cell.recurrent.iter().flat_map(|block| &block.eigenvalues).chain(step);
    let end = 1.08 * all.fold(1.0, |end: f64, z| end.max(z.abs()));
    if !end.is_finite() {
        return text(area, "not finite", (INSET.0, INSET.1), HPos::Left, &style(13, PALE_INK));
    }
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(INSET.1))
        .margin_right(px(MARGIN))
        .margin_bottom(px(6))
        .margin_left(px(12))
        .x_label_area_size(px(LABELS - 6))
        .y_label_area_size(px(INSET.0 - 12))
        .build_cartesian_2d(Axis::linear(-end, end), Axis::linear(-end, end))?;
    axes(&mut chart, "real part", "imaginary part")?;
    let circle = (0..=180).map(|part| f64::from(part) / 180.0 * std::f64::consts::TAU).map(|a| (a.cos(), a.sin()));
    chart.draw_series(LineSeries::new(circle, stroke(PALE_INK, 1.4)))?;
    let place = |z: &Complex| (z.re, z.im);
    let mut left = INSET.0 + 4;
    let dot = |x: u32| (px(x) as i32, px(KEY) as i32);
    for (block, color) in cell.recurrent.iter().zip(COLORS.into_iter().cycle()) {
        let dots = block.eigenvalues.iter().map(|z| Circle::new(place(z), px(2), color.mix(0.7).filled()));
        chart.draw_series(dots)?;
        area.draw(&Circle::new(dot(left), px(3), color.filled()))?;
        left = key(area, left + 8, &block.name, KEY)?;
    }
    if !step.is_empty() {
        chart.draw_series(step.iter().map(|z| Circle::new(place(z), px(3), stroke(INK, 1.0))))?;
        area.draw(&Circle::new(dot(left), px(3), stroke(INK, 1.0)))?;
        key(area, left + 8, "a step", KEY)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use elman::diagnose::{Flow, Gate, Recurrent, Transition};

    use super::*;

    fn curve(relative: Vec<f64>) -> Curve {
        Curve { rows: vec![1; relative.len()], relative }
    }

    fn cell(layer: usize, state: Vec<f64>) -> CellDiagnosis {
        let eigenvalues = vec![Complex { re: 0.5, im: 0.5 }, Complex { re: 0.5, im: -0.5 }];
        let gate = |name, low, high| Gate { name, bound: Bound::Sigmoid, mean: 0.5, low, high, stuck: 0.25 };
        CellDiagnosis {
            layer,
            reversed: false,
            cell: "lstm",
            h: curve(state.clone()),
            c: Some(curve(state.iter().map(|x| 0.5 * x).collect())),
            state: curve(state),
            gates: vec![gate("i", 0.25, 0.5), gate("f", 0.0, 1.0)],
            gate_samples: 4,
            recurrent: vec![Recurrent { name: "R_i".into(), radius: 0.7, norm: 0.8, eigenvalues: eigenvalues.clone() }],
            transition: Some(Transition {
                size: 2,
                samples: 3,
                radius: 0.7,
                radius_max: 0.8,
                norm: 0.9,
                norm_max: 1.0,
                eigenvalues,
            }),
            not_computed: vec![],
        }
    }

    fn diagnosis(cells: Vec<CellDiagnosis>) -> Diagnosis {
        let inputs = cells.first().map_or_else(Curve::default, |cell| cell.state.clone());
        Diagnosis { rows: 2, skipped: 0, steps: inputs.relative.len(), inputs, cells }
    }

    #[test]
    fn the_picture_names_what_it_shows() {
        let svg =
            picture("run", &diagnosis(vec![cell(0, vec![1.0, 0.1, 0.001]), cell(1, vec![1.0, 2.0, 4.0])])).unwrap();
        for name in ["run", "layer 0 lstm", "layer 1 lstm", "Gates of layer 1 lstm", "R_i", "a step", "inputs", "25.0%"]
        {
            assert!(svg.contains(&format!("\n{name}\n")), "{name}");
        }
        assert!(svg.contains("\n2 rows, 3 steps back\n") && svg.contains("dashed: c alone"));
        assert!(svg.contains("\nbelow 0.1\n") && svg.contains("\nabove 0.9\n"), "the bounds of the gates");
        assert!(svg.contains("\nrelative gradient (log)\n"));
        // Two eigenvalues of R and two of a step, with their keys, for each cell.
        assert_eq!(svg.matches("<circle").count(), 2 * (2 + 2 + 2));
    }

    #[test]
    fn odd_diagnoses_can_be_drawn() {
        let mut bare = cell(0, vec![1.0, 0.5]);
        (bare.gates, bare.recurrent, bare.transition, bare.c) = (vec![], vec![], None, None);
        let mut wild = cell(0, vec![1.0, 1e300, f64::INFINITY, f64::NAN, 0.0, 1e-300]);
        wild.recurrent[0].eigenvalues[0] = Complex { re: 1e12, im: 0.0 };
        let mut lost = cell(0, vec![1.0]);
        lost.recurrent[0].eigenvalues[0] = Complex { re: f64::INFINITY, im: 0.0 };
        let none = cell(0, vec![]);
        assert_eq!(none.state.flow(), Flow::Absent);
        for cell in [bare, wild, lost, none] {
            let svg = picture("<a> & b", &diagnosis(vec![cell])).unwrap();
            assert!(svg.trim_end().ends_with("</svg>") && svg.contains("&lt;a&gt; &amp; b"));
        }
        let many = picture("run", &diagnosis((0..20).map(|layer| cell(layer, vec![1.0, 0.5])).collect())).unwrap();
        assert!(
            many.contains("the first 8 of 20 cells")
                && many.contains("Gates of layer 7")
                && !many.contains("of layer 8")
        );
    }
}
