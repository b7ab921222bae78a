//! `tune.svg`: the validation loss of each trial, against the part of its training.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::plan::Progress;
use crate::picture::axis::Axis;
use crate::picture::canvas::{BLUE, INK, PALE_INK, VERMILION, axes, key, px, stroke, style, svg, text, write};

const SIZE: (u32, u32) = (900, 520);

/// Draws the curves: the best blue, the first, which is not tuned, red, the others pale.
pub(super) fn draw(path: &Path, progress: &Progress, trials: usize, best: usize) -> anyhow::Result<()> {
    let curve = |trial: usize| -> Vec<(f64, f64)> {
        let Some(piece) = progress.last(trial) else { return Vec::new() };
        let points = piece
            .curve
            .iter()
            .map(|&(epoch, loss)| (100.0 * epoch as f64 / piece.epochs.max(1) as f64, f64::from(loss)));
        points.filter(|point| point.1.is_finite() && point.1 > 0.0).collect()
    };
    let curves: Vec<Vec<(f64, f64)>> = (1..=trials).map(curve).collect();
    let losses = || curves.iter().flatten().map(|point| point.1);
    let (low, high) = (losses().fold(f64::INFINITY, f64::min), losses().fold(0.0, f64::max));
    // An axis has a length.
    let (low, high) = if low < high { (low, high) } else { (0.5 * high.max(0.2), 2.0 * high.max(0.5)) };
    let picture = svg(SIZE, |root| {
        text(root, "Loss of the validation part, by trial", (68, 26), HPos::Left, &style(20, INK))?;
        let untuned = if best == 1 { "the best, which is the first, untuned" } else { "the best" };
        let names = [(untuned, BLUE), ("the first, untuned", VERMILION), ("the others", PALE_INK)];
        key(root, (68, 54), &if best == 1 { vec![names[0], names[2]] } else { names.to_vec() })?;
        let (_, panel) = root.split_vertically(px(66));
        let mut chart = ChartBuilder::on(&panel)
            .margin_top(px(12))
            .margin_right(px(22))
            .margin_bottom(px(8))
            .margin_left(px(8))
            .x_label_area_size(px(42))
            .y_label_area_size(px(60))
            .build_cartesian_2d(Axis::count(100.0), Axis::logarithmic(low / 1.1, high * 1.1))?;
        axes(&mut chart, "part of its epochs, %", "loss")?;
        // The best above all others.
        let others = (1..=trials).filter(|&trial| trial != best && trial != 1);
        for trial in others.chain([1, best]) {
            let (color, width) = match trial {
                _ if trial == best => (BLUE, 2.5),
                1 => (VERMILION, 2.0),
                _ => (PALE_INK, 1.0),
            };
            let Some(points) = curves.get(trial - 1) else { continue };
            chart.draw_series(LineSeries::new(points.iter().copied(), stroke(color, width)))?;
            chart.draw_series(points.last().map(|&point| Circle::new(point, px(3), color.filled())))?;
        }
        Ok(())
    });
    write(path, picture)
}

#[cfg(test)]
mod tests {
    use super::super::plan::Piece;
    use super::*;

    #[test]
    fn every_trial_has_its_curve() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tune.svg");
        let piece = |trial: usize, curve: &[(u64, f32)]| Piece {
            trial,
            round: 0,
            loss: curve.last().map(|point| point.1),
            why: None,
            epoch: 3,
            epochs: 9,
            curve: curve.to_vec(),
        };
        let curves = [piece(1, &[(1, 2.0), (3, 1.0)]), piece(2, &[(1, 0.5)]), piece(3, &[])];
        let progress = Progress { pieces: curves.to_vec(), ..Progress::default() };
        draw(&path, &progress, 4, 2).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(svg.contains("the first, untuned") && svg.contains("the best"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2);
        draw(&path, &Progress::default(), 1, 1).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("which is the first"));
    }
}
