//! How much a row of each class counts.

use crate::Error;

/// Weights `[C]` by which all classes count alike, however many rows they have: N / (C · N_c) for a class of N_c rows, as
/// scikit-learn's `class_weight="balanced"`. Their mean over the rows is 1. King & Zeng (2001),
/// <https://doi.org/10.1093/oxfordjournals.pan.a004868>.
///
/// ```
/// let weights = elman::balanced_class_weights(&[0, 0, 0, 1], 2)?;
/// assert_eq!(weights, [4.0 / 6.0, 2.0]);
/// # Ok::<(), elman::Error>(())
/// ```
///
/// # Errors
/// If a class has no row, or a label is not below `classes`.
pub fn balanced_class_weights(labels: &[usize], classes: usize) -> Result<Vec<f32>, Error> {
    let mut counts = vec![0u64; classes];
    for (row, &label) in labels.iter().enumerate() {
        *counts.get_mut(label).ok_or(Error::Label { row, label, classes })? += 1;
    }
    if let Some(class) = counts.iter().position(|&count| count == 0) {
        let expected = "at least 1, for weights that balance the classes".to_owned();
        return Err(Error::setting("the rows of a class", format!("0 for class {class}"), expected));
    }
    let rows = labels.len() as f64;
    Ok(counts.iter().map(|&count| (rows / (classes as f64 * count as f64)) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_classes_count_alike() {
        let labels = [0, 1, 1, 2, 2, 2, 2, 2, 2];
        let weights = balanced_class_weights(&labels, 3).unwrap();
        assert_eq!(weights, [3.0, 1.5, 0.5]);
        let total: f32 = labels.iter().map(|&label| weights[label]).sum();
        assert_eq!(total, 9.0);
    }

    #[test]
    fn a_class_without_a_row_and_a_label_without_a_class_are_refused() {
        let message = balanced_class_weights(&[0, 2], 3).unwrap_err().to_string();
        assert!(message.contains("0 for class 1"), "{message}");
        let message = balanced_class_weights(&[0, 3], 3).unwrap_err().to_string();
        assert!(message.contains("label 3 of row 1") && message.contains("0 to 2"), "{message}");
    }
}
