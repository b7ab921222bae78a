//! `regression.svg`: each number of the test against the model's answer.

use std::path::Path;

use elman::Regressed;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::picture::axis::Axis;
use crate::picture::canvas::{BLUE, INK, PALE_INK, VERMILION, axes, px, stroke, style, svg, text, write};

/// The picture's size.
const SIZE: (u32, u32) = (560, 600);

/// Draws a dot for each sequence, with a line through its outer quantiles where the model has them, and the line on which
/// all dots of a model without an error lie.
pub(super) fn draw(path: &Path, target: &str, numbers: &[f64], answers: &[Regressed]) -> anyhow::Result<()> {
    let spans = answers.iter().flat_map(|of| of.quantiles.first().into_iter().chain(of.quantiles.last()).copied());
    let all = numbers.iter().copied().chain(answers.iter().map(|of| of.value)).chain(spans);
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let margin = match high - low {
        room if room > 0.0 => 0.05 * room,
        _ => high.abs().max(1.0) * 0.05,
    };
    let (low, high) = (low - margin, high + margin);
    let picture = svg(SIZE, |root| {
        text(root, &format!("Predicted against true: {target}"), (16, 24), HPos::Left, &style(18, INK))?;
        text(
            root,
            "a dot for each sequence of the test; on the line there is no error",
            (16, 48),
            HPos::Left,
            &style(13, PALE_INK),
        )?;
        let mut chart = ChartBuilder::on(root)
            .margin_top(px(66))
            .margin_right(px(22))
            .margin_bottom(px(8))
            .margin_left(px(8))
            .x_label_area_size(px(42))
            .y_label_area_size(px(72))
            .build_cartesian_2d(Axis::linear(low, high), Axis::linear(low, high))?;
        axes(&mut chart, "true", "predicted")?;
        chart.draw_series([PathElement::new([(low, low), (high, high)], stroke(VERMILION, 1.4))])?;
        for (&y, answer) in numbers.iter().zip(answers) {
            if let (Some(&least), Some(&most)) = (answer.quantiles.first(), answer.quantiles.last()) {
                chart.draw_series([PathElement::new([(y, least), (y, most)], stroke(BLUE.mix(0.35), 1.2))])?;
            }
        }
        let dots = numbers.iter().zip(answers);
        chart.draw_series(dots.map(|(&y, of)| Circle::new((y, of.value), px(3), BLUE.mix(0.7).filled())))?;
        Ok(())
    });
    write(path, picture)
}
