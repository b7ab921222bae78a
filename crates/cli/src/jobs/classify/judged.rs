//! A model's figures over a set with classes.

use anyhow::bail;
use elman::{Confusion, Evaluation, LabelledSequences, Predictor, most_probable};

/// A whole set's figures.
pub(super) struct Judged {
    pub(super) evaluation: Evaluation,
    pub(super) confusion: Confusion,
}

/// The model's figures over a set.
pub(super) fn judge(predictor: &mut Predictor, data: &LabelledSequences) -> anyhow::Result<Judged> {
    Ok(Judged { evaluation: predictor.evaluate(data)?, confusion: confusion(predictor, data)? })
}

/// Which classes of a set are taken for which.
pub(super) fn confusion(predictor: &mut Predictor, data: &LabelledSequences) -> anyhow::Result<Confusion> {
    let probabilities = predictor.predict(data)?;
    let mut confusion = Confusion::new(probabilities.ncols());
    for (row, &label) in probabilities.outer_iter().zip(&data.labels) {
        let Some(class) = most_probable(&row.to_vec()) else {
            bail!("the model's answers are not all numbers: it is damaged, or a value is far from all in training");
        };
        confusion.add(label, class);
    }
    Ok(confusion)
}
