//! The points of a panel, and what is drawn of them.

/// Reports are drawn in at most this many groups, about what the picture has pixels: a long run's file stays small.
pub(super) const GROUPS_MAX: usize = 800;

/// The moving mean reaches over this share of the run: far enough to lose the noise of batches, and to keep the bends.
const SMOOTHED_SHARE: f64 = 1.0 / 40.0;

/// The points (step, value) of one panel, in the order of steps. Values need not be finite.
pub(super) struct Curves {
    pub(super) name: &'static str,
    pub(super) training: Vec<(f64, f64)>,
    pub(super) validation: Vec<(f64, f64)>,
}

impl Curves {
    /// All values that can be drawn.
    pub(super) fn finite(&self) -> impl Iterator<Item = f64> {
        self.training.iter().chain(&self.validation).map(|&(_, value)| value).filter(|value| value.is_finite())
    }

    /// The smallest and the largest value that can be drawn.
    pub(super) fn extent(&self) -> Option<(f64, f64)> {
        self.finite().map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// Neighbouring reports drawn as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) step: f64,
    /// The extremes and the mean of the finite values; NaN where there is none.
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) mean: f64,
}

pub(super) fn groups(points: &[(f64, f64)]) -> Vec<Group> {
    let size = points.len().div_ceil(GROUPS_MAX).max(1);
    let group = |points: &[(f64, f64)]| {
        let values = points.iter().map(|&(_, value)| value).filter(|value| value.is_finite());
        let (count, sum) = count_and_sum(values.clone());
        Group {
            step: points[points.len() / 2].0,
            min: values.clone().reduce(f64::min).unwrap_or(f64::NAN),
            max: values.reduce(f64::max).unwrap_or(f64::NAN),
            mean: sum / count,
        }
    };
    points.chunks(size).map(group).collect()
}

/// How many values are finite, and their sum.
fn count_and_sum(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.filter(|value| value.is_finite()).fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value))
}

/// The centred moving mean of the groups, which unlike a running average does not lag behind. Near the start, where the
/// curve is steep, it reaches as far ahead as there is behind; at the end it takes what there is. Gaps stay.
pub(super) fn smoothed(groups: &[Group]) -> Vec<(f64, f64)> {
    let reach = (groups.len() as f64 * SMOOTHED_SHARE / 2.0).round() as usize;
    let mean = |i: usize| {
        let reach = reach.min(i);
        let near = &groups[i - reach..groups.len().min(i + reach + 1)];
        let (count, sum) = count_and_sum(near.iter().map(|group| group.mean));
        sum / count
    };
    groups.iter().enumerate().map(|(i, g)| (g.step, if g.mean.is_finite() { mean(i) } else { f64::NAN })).collect()
}

/// The parts of a line that are not below an axis which begins at `low`. Gaps stay.
pub(super) fn above(points: &[(f64, f64)], low: f64) -> Vec<Vec<(f64, f64)>> {
    let mut parts: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let mut before: Option<(f64, f64)> = None;
    for &(x, y) in points {
        let crossing = before
            .filter(|from| y.is_finite() && (from.1 < low) != (y < low))
            .map(|from| (from.0 + (low - from.1) / (y - from.1) * (x - from.0), low));
        let seen = y.is_finite() && y >= low;
        let next = crossing.into_iter().chain(seen.then_some((x, y)));
        if let Some(part) = parts.last_mut() {
            part.extend(next);
        }
        if !seen {
            parts.push(Vec::new());
        }
        before = y.is_finite().then_some((x, y));
    }
    parts.retain(|part| !part.is_empty());
    parts
}
