//! Whole sequences, of equal lengths or not.

use elman::{Arrays, Classified, Predicts, Reads, Sequences};
use ndarray::{Array2, Array3, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::answering::{Answerer, Answering};
use crate::failure::Failure;
use crate::reading::Cell;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// [N, T, F], each T its own.
    #[serde(default)]
    sequences: Vec<Vec<Vec<Cell>>>,
    /// `[N]`, of a model of text.
    #[serde(default)]
    texts: Vec<String>,
}

/// An answer for each sequence.
#[derive(Debug, Serialize)]
pub(crate) struct Answered {
    pub(crate) predictions: Vec<Answer>,
}

impl Asked {
    /// The sequences [T, F], of at most so many steps in all.
    ///
    /// # Errors
    /// If there are none, or they do not fit the model.
    pub(crate) fn sequences(&self, model: &Answering, most: usize) -> Result<Vec<Array2<f32>>, Failure> {
        match (self.sequences.is_empty(), self.texts.is_empty()) {
            (false, true) => model.reading.arrays(&self.sequences, most),
            (true, false) => of_texts(&self.texts, model, most),
            _ => Err(Failure::unfit("expected sequences, each a list of steps, or texts of a model of text")),
        }
    }
}

/// Tokens of texts, one a step.
fn of_texts(texts: &[String], model: &Answering, most: usize) -> Result<Vec<Array2<f32>>, Failure> {
    let of_text = |text: &String| {
        let tokens = model.reading.tokens(text)?;
        Ok(tokens.into_iter().map(|token| vec![Some(f32::from(token))]).collect())
    };
    model.reading.arrays(&texts.iter().map(of_text).collect::<Result<Vec<_>, Failure>>()?, most)
}

/// An answer for each sequence [T, F].
pub(crate) fn answers(model: &Answering, sequences: &[Array2<f32>]) -> Result<Vec<Answer>, Failure> {
    let views: Vec<ArrayView2<'_, f32>> = sequences.iter().map(|sequence| sequence.view()).collect();
    model.with_answerer(|answerer| match answerer {
        Answerer::Classes(classifier) => {
            let classes = classifier.meaning().classes.clone();
            let name = |of: &Classified| classes.get(of.class).cloned().unwrap_or_default();
            let answer = |of: Classified| Answer::Named { class: name(&of), probabilities: of.probabilities };
            if classifier.meaning().label_per_step {
                let rows = classifier.classify_steps_of_arrays(&views)?;
                let steps = |row: Vec<Classified>| Answer::Steps { steps: row.into_iter().map(answer).collect() };
                return Ok(rows.into_iter().map(steps).collect());
            }
            Ok(classifier.classify_arrays(&views)?.into_iter().map(answer).collect())
        }
        Answerer::Numbers(regressor) => {
            let answers = regressor.predict_arrays(&views)?;
            let answer = |of: elman::Regressed| {
                let levels = if of.quantiles.is_empty() { Vec::new() } else { regressor.levels().to_vec() };
                Answer::Number { value: of.value, levels, quantiles: of.quantiles }
            };
            Ok(answers.into_iter().map(answer).collect())
        }
        Answerer::Series(_) => Err(Failure::unfit("the model forecasts series; use forecast")),
        Answerer::Plain(predictor) => {
            let rows = padded(&views)?;
            let head = predictor.model().head().clone();
            if head.reads == Reads::EveryStep {
                let answer = |row: usize| -> Result<Answer, Failure> {
                    let steps = predictor.predict_steps(&rows, row)?;
                    let each = steps.outer_iter().map(|step| model.reading.answer(&step.to_vec()));
                    Ok(Answer::Steps { steps: each.collect::<Result<Vec<_>, _>>()? })
                };
                return (0..rows.len()).map(answer).collect();
            }
            let answers = match head.predicts {
                Predicts::Classes(_) => predictor.predict(&rows)?,
                Predicts::Values(_) => predictor.values(&rows)?,
                Predicts::Quantiles(_) => {
                    let quantiles = predictor.quantiles(&rows)?;
                    let answer = |of: ArrayView2<'_, f32>| Answer::Quantiles {
                        quantiles: of.outer_iter().map(|step| step.to_vec()).collect(),
                    };
                    return Ok(quantiles.outer_iter().map(answer).collect());
                }
            };
            answers.outer_iter().map(|row| model.reading.answer(&row.to_vec())).collect()
        }
    })
}

/// Sequences of any lengths as one array, behind whose ends stand zeros.
fn padded(sequences: &[ArrayView2<'_, f32>]) -> Result<Arrays, Failure> {
    let steps = sequences.iter().map(|sequence| sequence.nrows()).max().unwrap_or(0);
    let features = sequences.first().map_or(0, |sequence| sequence.ncols());
    // Padding that is far longer than what it pads would take memory that nobody gave.
    let total: usize = sequences.iter().map(|sequence| sequence.nrows()).sum();
    if sequences.len().saturating_mul(steps) > 16 * total.max(1 << 16) {
        return Err(Failure::unfit(
            "the lengths of the sequences differ by too much for one request; send them by themselves",
        ));
    }
    let mut xs = Array3::zeros((sequences.len(), steps, features));
    for (mut row, sequence) in xs.outer_iter_mut().zip(sequences) {
        row.slice_mut(ndarray::s![..sequence.nrows(), ..]).assign(sequence);
    }
    let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.nrows()).collect();
    let values = Array2::zeros((sequences.len(), 1));
    Ok(Arrays::values(xs, values)?.lengths(lengths)?)
}
