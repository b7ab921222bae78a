//! Which class is taken for which: the confusion matrix, and the figures of each class that follow from it.
//!
//! C classes. n_tp: how many rows of class t were predicted as class p.

use ndarray::Array2;

/// Counts of predictions by the true class.
///
/// ```
/// use elman::Confusion;
///
/// let mut confusion = Confusion::new(2);
/// for (truth, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
///     confusion.add(truth, predicted);
/// }
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!(confusion.class(1).precision, 0.5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// [C, C]: n_tp, a row for each true class.
    pub counts: Array2<u64>,
}

/// Figures of a class, or means of them over the classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScore {
    /// Part of the rows predicted as the class that are of it. 0 where none is predicted so: see
    /// [`Confusion::undefined`].
    pub precision: f64,
    /// Part of the rows of the class that are predicted so. 0 where it has no row.
    pub recall: f64,
    /// The harmonic mean of both. 0 where the class has no row and none is predicted so.
    pub f1: f64,
    /// Rows of the class; of a mean, all rows.
    pub rows: u64,
}

impl Confusion {
    /// Of C classes, before the first prediction.
    pub fn new(classes: usize) -> Self {
        Confusion { counts: Array2::zeros((classes, classes)) }
    }

    /// Counts a prediction.
    ///
    /// # Panics
    /// If a class is not below C.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.counts[[truth, predicted]] += 1;
    }

    /// C, the classes.
    pub fn classes(&self) -> usize {
        self.counts.nrows()
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.counts.sum()
    }

    /// Part of the rows that are right; NaN where there are none.
    pub fn accuracy(&self) -> f64 {
        self.counts.diag().sum() as f64 / self.rows() as f64
    }

    /// The figures of a class c, 0/0 taken as 0, as scikit-learn does:
    ///
    /// precision = n_cc / Σ_t n_tc        recall = n_cc / Σ_p n_cp        F1 = 2 n_cc / (Σ_t n_tc + Σ_p n_cp)
    ///
    /// # Panics
    /// If there is no class c.
    pub fn class(&self, class: usize) -> ClassScore {
        let right = self.counts[[class, class]];
        let (rows, predicted) = (self.truths(class), self.predictions(class));
        ClassScore {
            precision: ratio(right, predicted),
            recall: ratio(right, rows),
            f1: ratio(2 * right, rows + predicted),
            rows,
        }
    }

    /// The plain mean over the classes that occur, as truth or as prediction: scikit-learn's `macro avg`.
    pub fn macro_average(&self) -> ClassScore {
        self.average(|class| if self.truths(class) + self.predictions(class) > 0 { 1.0 } else { 0.0 })
    }

    /// The mean over the classes, each by its rows: scikit-learn's `weighted avg`. Its recall is the accuracy.
    pub fn weighted_average(&self) -> ClassScore {
        self.average(|class| self.truths(class) as f64)
    }

    /// The classes whose precision is 0/0, for nothing is predicted so, and those whose recall is, for they have no row.
    pub fn undefined(&self) -> (Vec<usize>, Vec<usize>) {
        let none = |count: &dyn Fn(usize) -> u64| (0..self.classes()).filter(|&class| count(class) == 0).collect();
        (none(&|class| self.predictions(class)), none(&|class| self.truths(class)))
    }

    /// Rows of a class.
    fn truths(&self, class: usize) -> u64 {
        self.counts.row(class).sum()
    }

    /// Rows predicted as a class.
    fn predictions(&self, class: usize) -> u64 {
        self.counts.column(class).sum()
    }

    fn average(&self, weight: impl Fn(usize) -> f64) -> ClassScore {
        let mut mean = ClassScore { precision: 0.0, recall: 0.0, f1: 0.0, rows: self.rows() };
        let mut total = 0.0;
        for class in 0..self.classes() {
            let (weight, score) = (weight(class), self.class(class));
            total += weight;
            mean.precision += weight * score.precision;
            mean.recall += weight * score.recall;
            mean.f1 += weight * score.f1;
        }
        for figure in [&mut mean.precision, &mut mean.recall, &mut mean.f1] {
            *figure = if total == 0.0 { 0.0 } else { *figure / total };
        }
        mean
    }
}

/// part / whole, and 0 where both are 0.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(classes: usize, truths: &[usize], predicted: &[usize]) -> Confusion {
        let mut confusion = Confusion::new(classes);
        truths.iter().zip(predicted).for_each(|(&truth, &predicted)| confusion.add(truth, predicted));
        confusion
    }

    #[track_caller]
    fn close(score: ClassScore, [precision, recall, f1]: [f64; 3], rows: u64) {
        for (found, expected) in [(score.precision, precision), (score.recall, recall), (score.f1, f1)] {
            assert!((found - expected).abs() < 1e-12, "{score:?}; expected {precision}, {recall}, {f1}");
        }
        assert_eq!(score.rows, rows);
    }

    /// The rows of the example in the documentation of scikit-learn's `classification_report`, and what they give exactly.
    #[test]
    fn the_figures_are_scikit_learns() {
        let confusion = of(3, &[0, 1, 2, 2, 2], &[0, 0, 2, 2, 1]);
        assert_eq!(confusion.counts, ndarray::array![[1, 0, 0], [1, 0, 0], [0, 1, 2]]);
        close(confusion.class(0), [0.5, 1.0, 2.0 / 3.0], 1);
        close(confusion.class(1), [0.0, 0.0, 0.0], 1);
        close(confusion.class(2), [1.0, 2.0 / 3.0, 0.8], 3);
        close(confusion.macro_average(), [0.5, 5.0 / 9.0, (2.0 / 3.0 + 0.8) / 3.0], 5);
        close(confusion.weighted_average(), [0.7, 0.6, (2.0 / 3.0 + 2.4) / 5.0], 5);
        assert_eq!((confusion.accuracy(), confusion.undefined()), (0.6, (vec![], vec![])));
    }

    #[test]
    fn what_is_0_over_0_is_0_and_named() {
        // Class 1 is never predicted, class 2 has no row, class 3 has neither and stays out of the plain mean.
        let confusion = of(4, &[0, 0, 1], &[0, 2, 0]);
        close(confusion.class(1), [0.0, 0.0, 0.0], 1);
        close(confusion.class(2), [0.0, 0.0, 0.0], 0);
        close(confusion.class(3), [0.0, 0.0, 0.0], 0);
        assert_eq!(confusion.undefined(), (vec![1, 3], vec![2, 3]));
        close(confusion.macro_average(), [0.5 / 3.0; 3], 3);
        let nothing = Confusion::new(2);
        close(nothing.macro_average(), [0.0; 3], 0);
        close(nothing.weighted_average(), [0.0; 3], 0);
        assert!(nothing.accuracy().is_nan());
    }
}
