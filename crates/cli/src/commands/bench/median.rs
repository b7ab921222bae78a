//! The middle of some measurements, and how far up the slow ones reach.

/// The middle value; of an even number, the mean of the two in the middle. NaN if there is none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let values = sorted(values);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count.is_multiple_of(2) => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// The least value that is not below `part` of all of them. NaN if there is none.
pub(crate) fn quantile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let values = sorted(values);
    let place = (part * values.len() as f64).ceil() as usize;
    values.get(place.max(1) - 1).copied().unwrap_or(f64::NAN)
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = || (1..=200).rev().map(f64::from);
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|part| quantile(values(), part)), [1.0, 100.0, 198.0, 200.0]);
        assert_eq!(quantile([7.0], 0.99), 7.0);
        assert!(quantile([], 0.99).is_nan());
    }
}
