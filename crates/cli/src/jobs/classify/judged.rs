//! A model's figures over a set with classes.

use anyhow::bail;
use elman::{Confusion, Ensemble, Evaluation, LabelledSequences, Predictor, most_probable};

/// A whole set's figures.
pub(super) struct Judged {
    pub(super) evaluation: Evaluation,
    pub(super) confusion: Confusion,
}

/// The model's figures over a set.
pub(super) fn judge(model: impl Into<Ensemble>, threads: usize, data: &LabelledSequences) -> anyhow::Result<Judged> {
    let mut predictor = Predictor::new(model, threads);
    let evaluation = predictor.evaluate(data)?;
    let probabilities = predictor.predict(data)?;
    let mut confusion = Confusion::new(probabilities.ncols());
    for (row, &label) in probabilities.outer_iter().zip(&data.labels) {
        let Some(class) = most_probable(&row.to_vec()) else {
            bail!("the model's answers are not all numbers: it is damaged, or a value is far from all in training");
        };
        confusion.add(label, class);
    }
    Ok(Judged { evaluation, confusion })
}
