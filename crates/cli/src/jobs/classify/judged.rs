//! A model's figures over a set with classes.

use anyhow::bail;
use elman::{Confusion, Evaluation, Labelled, LabelledSequences, Predictor, Sequences, most_probable};
use ndarray::ArrayView1;

/// A whole set's figures.
pub(super) struct Judged {
    pub(super) evaluation: Evaluation,
    pub(super) confusion: Confusion,
}

/// The model's figures over a set.
pub(super) fn judge(predictor: &mut Predictor, data: &LabelledSequences) -> anyhow::Result<Judged> {
    Ok(Judged { evaluation: predictor.evaluate(data)?, confusion: confusion(predictor, data)? })
}

/// Which classes of a set are taken for which: those of its sequences, or of their steps.
pub(super) fn confusion(predictor: &mut Predictor, data: &LabelledSequences) -> anyhow::Result<Confusion> {
    let mut confusion = Confusion::new(predictor.model().head().outputs());
    let mut add = |label: usize, answer: ArrayView1<'_, f32>| -> anyhow::Result<()> {
        let Some(class) = most_probable(&answer.to_vec()) else {
            bail!("the model's answers are not all numbers: it is damaged, or a value is far from all in training");
        };
        confusion.add(label, class);
        Ok(())
    };
    if data.step_labels().is_some() {
        for row in 0..data.len() {
            for (step, answer) in predictor.predict_steps(data, row)?.outer_iter().enumerate() {
                data.target().class(row, Some(step)).map_or(Ok(()), |label| add(label, answer))?;
            }
        }
    } else {
        let probabilities = predictor.predict(data)?;
        probabilities.outer_iter().zip(&data.labels).try_for_each(|(answer, &label)| add(label, answer))?;
    }
    Ok(confusion)
}
