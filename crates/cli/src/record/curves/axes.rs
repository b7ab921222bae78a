//! The axes of the panels.

use super::points::{Curves, groups, smoothed};
use crate::picture::axis::Axis;

/// Largest over smallest loss from which the axis is logarithmic.
pub(super) const LOG_FROM: f64 = 50.0;

/// The share of the run that an axis of accuracy does not show in full: what rises from a guess would take all of it.
const RISE: f64 = 0.1;

/// With fewer reports all of them are shown.
const FEW: usize = 20;

/// From a panel's left edge to its curves, where numbers are short.
pub(super) const INSET: u32 = 80;

/// A loss that spans more than a factor of [`LOG_FROM`] is seen by its logarithm; one that comes near to 0, from 0.
pub(super) fn loss_axis(loss: &Curves) -> Axis {
    let (low, high) = loss.extent().unwrap_or((0.0, 1.0));
    if low > 0.0 && high / low >= LOG_FROM {
        let margin = (high / low).powf(0.04);
        return Axis::logarithmic(low / margin, high * margin);
    }
    let margin = if low < high { 0.05 * (high - low) } else { 0.1 * if low == 0.0 { 1.0 } else { low.abs() } };
    let near_zero = (0.0..0.3 * high).contains(&low);
    Axis::linear(if near_zero { 0.0 } else { low - margin }, high + margin)
}

/// By the data: from the least that validation, and training in the mean, say behind the first steps, to the most.
pub(super) fn accuracy_axis(accuracy: &Curves, last: f64) -> Axis {
    let (least, high) = accuracy.extent().unwrap_or((0.0, 1.0));
    let mean = smoothed(&groups(&accuracy.training));
    let behind = mean.iter().chain(&accuracy.validation).filter(|(step, y)| *step > RISE * last && y.is_finite());
    let behind = behind.map(|&(_, y)| y).reduce(f64::min);
    let low = if accuracy.training.len() < FEW { least } else { behind.unwrap_or(least) };
    // Differences of a thousandth are noise, and not to be shown as tall as the panel.
    let low = low.min(high - 0.01);
    let room = 0.08 * (high - low);
    Axis::linear(
        if (0.0..0.1).contains(&low) { 0.0 } else { low - room },
        if high <= 1.0 { (high + room).min(1.0) } else { high + room },
    )
}

/// From a panel's left edge to its curves: numbers of many digits have their room.
pub(super) fn inset(axis: &Axis) -> u32 {
    INSET.max(7 * axis.widest() as u32 + 46)
}
