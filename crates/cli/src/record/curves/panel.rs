//! One panel: axes, curves, and the key above them.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::points::{Curves, above, groups, smoothed};
use crate::picture::axis::Axis;
use crate::picture::canvas::{
    ALARM, Area, BLUE, GREEN, INK, PALE_INK, SCALE, VERMILION, axes, px, stroke, style, text,
};

/// Above this many validation points, the line alone.
const DOTS_MAX: usize = 60;

/// From a panel's top to its curves.
const TOP: u32 = 28;
/// To the right of the curves.
pub(super) const MARGIN: u32 = 22;

const TRAINING: RGBColor = BLUE;
const VALIDATION: RGBColor = VERMILION;

/// One panel: axes, curves, and the key above them. `kept` is the step whose weights the model has, and its epoch.
pub(super) fn panel(
    area: &Area,
    curves: &Curves,
    axis: Axis,
    inset: u32,
    last: f64,
    kept: Option<(f64, u64)>,
) -> anyhow::Result<()> {
    let [bottom, top] = [axis.low, axis.high];
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(TOP))
        .margin_right(px(MARGIN))
        .margin_bottom(px(6))
        .margin_left(px(12))
        .x_label_area_size(px(42))
        .y_label_area_size(px(inset - 12))
        .build_cartesian_2d(Axis::count(last), axis)?;
    axes(&mut chart, "step", curves.name)?;

    let reports = groups(&curves.training);
    let mean = smoothed(&reports);
    let mut raw: Vec<_> = reports.iter().flat_map(|group| [(group.step, group.min), (group.step, group.max)]).collect();
    raw.dedup();
    let is_noisy = reports.iter().zip(&mean).any(|(group, mean)| group.min < mean.1 || group.max > mean.1);
    let validation: Vec<_> = groups(&curves.validation).iter().map(|group| (group.step, group.mean)).collect();
    let mut lines = Vec::new();
    if is_noisy {
        // From the extremes of each group to those of the next there is a band rather than a line.
        let color = TRAINING.mix(if reports.len() < curves.training.len() { 0.22 } else { 0.4 });
        lines.push(Line { name: "training", points: &raw, color, width: 1.0, dots: false });
    }
    let name = if is_noisy { "training, smoothed" } else { "training" };
    lines.push(Line { name, points: &mean, color: TRAINING.mix(1.0), width: 2.2, dots: false });
    if !curves.validation.is_empty() {
        let dots = curves.validation.len() <= DOTS_MAX;
        lines.push(Line { name: "validation", points: &validation, color: VALIDATION.mix(1.0), width: 1.6, dots });
    }

    let mut left = inset;
    for line in &lines {
        for segment in above(line.points, bottom) {
            let lone = segment.len() == 1;
            if !lone {
                chart.draw_series(LineSeries::new(segment.iter().copied(), stroke(line.color, line.width)))?;
            }
            if lone || line.dots {
                // Not where a line leaves the panel.
                let points = segment.into_iter().filter(|point| lone || line.points.contains(point));
                chart.draw_series(points.map(|point| Circle::new(point, px(3), line.color.filled())))?;
            }
        }
        let middle = |x: u32| (px(x) as i32, px(TOP / 2) as i32);
        let width = if line.color.alpha() < 1.0 { 4.0 } else { line.width }; // a pale hairline alone is not seen
        area.draw(&PathElement::new([middle(left), middle(left + 24)], stroke(line.color, width)))?;
        if line.dots {
            area.draw(&Circle::new(middle(left + 12), px(3), line.color.filled()))?;
        }
        text(area, line.name, (left + 30, TOP / 2), HPos::Left, &style(13, INK))?;
        left += 30 + 7 * line.name.len() as u32 + 24;
    }

    if let Some(&(step, value)) = curves.training.iter().find(|point| point.1.is_finite() && point.1 < bottom) {
        let style = style(13, PALE_INK).pos(Pos::new(HPos::Left, VPos::Bottom));
        let note = format!("{value:.2} at step {step}, below this axis");
        let offset = (px(8) as i32, -(px(6) as i32));
        chart.draw_series([EmptyElement::at((0.0, bottom)) + Text::new(note, offset, style)])?;
    }
    if let Some((step, epoch)) = kept {
        chart.draw_series([PathElement::new([(step, bottom), (step, top)], stroke(GREEN.mix(1.0), 1.2))])?;
        let (side, away) = if step < last / 2.0 { (HPos::Left, 6) } else { (HPos::Right, -6) };
        let style = style(13, GREEN).pos(Pos::new(side, VPos::Top));
        let note = Text::new(format!("kept: epoch {epoch}"), (away * SCALE as i32, px(6) as i32), style);
        chart.draw_series([EmptyElement::at((step, top)) + note])?;
    }
    if let Some(&(step, _)) = curves.training.iter().find(|point| !point.1.is_finite()) {
        let ends = [(step, bottom), (step, top)];
        chart.draw_series([PathElement::new(ends, stroke(ALARM.mix(1.0), 1.0))])?;
        let (side, away) = if step < last / 2.0 { (HPos::Left, 6) } else { (HPos::Right, -6) };
        let note = format!("first {} that is not finite: step {step}", curves.name);
        let style = style(13, ALARM).pos(Pos::new(side, VPos::Top));
        chart.draw_series([
            EmptyElement::at((step, top)) + Text::new(note, (away * SCALE as i32, px(6) as i32), style)
        ])?;
    }
    Ok(())
}

/// A line of a panel and its place in the key.
struct Line<'a> {
    name: &'static str,
    points: &'a [(f64, f64)],
    color: RGBAColor,
    width: f64,
    dots: bool,
}
