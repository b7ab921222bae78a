//! The picture of an echo: the first steps, and how often the network is right at each step of a piece.

use std::path::Path;

use elman::{Heard, StepClass};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::picture::axis::Axis;
use crate::picture::canvas::{BLUE, GREEN, INK, PALE_INK, VERMILION, axes, key, px, stroke, style, svg, text, write};

/// The first steps, and how often the network is right at each step of a piece.
pub(super) fn draw(path: &Path, heard: &Heard, series: &elman::Echo) -> anyhow::Result<()> {
    let size = (900, 620);
    let left = 64;
    let picture = svg(size, |root| {
        text(root, &format!("Echo after {} steps", series.delay), (left, 26), HPos::Left, &style(20, INK))?;
        let (_, rest) = root.split_vertically(px(44));
        let (upper, lower) = rest.split_vertically(px(300));
        // The bit, its echo and the answer, one above the other.
        let mut chart = ChartBuilder::on(&upper)
            .margin_top(px(30))
            .margin_right(px(22))
            .margin_left(px(12))
            .x_label_area_size(px(42))
            .y_label_area_size(px(left - 12))
            .build_cartesian_2d(Axis::count(heard.first.len() as f64), Axis::linear(-0.2, 3.7))?;
        chart
            .configure_mesh()
            .x_desc("step")
            .disable_y_mesh()
            .disable_y_axis()
            .label_style(style(13, INK))
            .axis_desc_style(style(15, INK))
            .draw()?;
        let shown = 0..heard.first.len();
        let line = |floor: f64, value: &dyn Fn(usize) -> f64| -> Vec<(f64, f64)> {
            let steps = shown.clone();
            steps.flat_map(|t| [(t as f64, floor + value(t)), (t as f64 + 1.0, floor + value(t))]).collect()
        };
        let bit = line(2.5, &|t| f64::from(series.bits[[0, t]]));
        let echo = line(1.25, &|t| series.class(0, t) as f64);
        let answer = line(0.0, &|t| f64::from(heard.first[t]));
        for (points, color) in [(bit, PALE_INK), (echo, GREEN), (answer, BLUE)] {
            chart.draw_series(LineSeries::new(points, stroke(color, 1.8)))?;
        }
        key(&upper, (left, 15), &[("bit", PALE_INK), ("its echo", GREEN), ("the network's probability of a 1", BLUE)])?;

        let mut chart = ChartBuilder::on(&lower)
            .margin_top(px(30))
            .margin_right(px(22))
            .margin_left(px(12))
            .margin_bottom(px(6))
            .x_label_area_size(px(42))
            .y_label_area_size(px(left - 12))
            .build_cartesian_2d(Axis::whole(1.0, heard.carried.len() as f64), Axis::linear(0.4, 1.02))?;
        axes(&mut chart, "step of a piece", "right")?;
        for (accuracy, color) in [(&heard.reset, VERMILION), (&heard.carried, BLUE)] {
            let points = || accuracy.iter().enumerate().map(|(t, &right)| (t as f64 + 1.0, right));
            chart.draw_series(LineSeries::new(points(), stroke(color, 2.0)))?;
            chart.draw_series(points().map(|point| Circle::new(point, px(3), color.filled())))?;
        }
        key(&lower, (left, 15), &[("state carried into each piece", BLUE), ("state reset at each piece", VERMILION)])
    });
    write(path, picture)
}
