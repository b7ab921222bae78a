//! What a model reads and answers, in a request's terms.
//!
//! T steps, F features, I inputs, O outputs.

use elman::text::Vocabulary;
use elman::{ClassMeaning, Embedding, Ensemble, Meaning, NumberMeaning, Predicts, SeriesMeaning, most_probable};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::failure::Failure;

/// What a model is for.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Named classes of sequences in their own units.
    Classes(ClassMeaning),
    /// A number for each.
    Numbers(NumberMeaning),
    /// Text.
    Text(Vocabulary),
    /// Time series.
    Series(SeriesMeaning),
    /// Numbers as the network reads them; images and other programs' models are such.
    Plain,
}

/// A number of a request; null is a missing one.
pub(crate) type Cell = Option<f32>;

/// A number of an array, in which NaN is a missing one.
pub(crate) fn cell(x: f32) -> Cell {
    if x.is_nan() { None } else { Some(x) }
}

/// Numbers in a row as sequences of `steps` steps of `features` numbers, neither of which is 0.
pub(crate) fn cut(cells: &[Cell], steps: usize, features: usize) -> Vec<Vec<Vec<Cell>>> {
    let sequence = |of: &[Cell]| of.chunks_exact(features).map(<[Cell]>::to_vec).collect();
    cells.chunks_exact(steps * features).map(sequence).collect()
}

/// The steps that a request gives: one, several, or a text.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Given {
    /// `[F]`: one step.
    pub(crate) x: Option<Vec<Cell>>,
    /// [T, F]
    pub(crate) steps: Option<Vec<Vec<Cell>>>,
    /// Characters, or the bytes of their UTF-8.
    pub(crate) text: Option<String>,
}

/// How steps are read, and what answers mean.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) kind: Kind,
    embedding: Option<Embedding>,
    predicts: Predicts,
    /// I
    input: usize,
    /// F
    pub(crate) features: usize,
}

impl Reading {
    pub(crate) fn of(ensemble: &Ensemble) -> Self {
        let model = ensemble.first();
        let kind = match &model.meaning {
            Some(Meaning::Classes(of)) => Kind::Classes(of.clone()),
            Some(Meaning::Numbers(of)) => Kind::Numbers(of.clone()),
            Some(Meaning::Text(of)) => Kind::Text(of.clone()),
            Some(Meaning::Series(of)) => Kind::Series(of.clone()),
            _ => Kind::Plain,
        };
        let input = model.stack().input();
        let features = match &kind {
            Kind::Classes(of) => of.features.len(),
            Kind::Numbers(of) => of.sequences.features.len(),
            _ => input,
        };
        Reading { kind, embedding: model.stack().embedding, predicts: model.head().predicts.clone(), input, features }
    }

    /// Why steps cannot be given one by one, if so.
    pub(crate) fn no_steps(&self) -> Option<String> {
        let standardizer = match &self.kind {
            Kind::Classes(of) => &of.standardizer,
            Kind::Numbers(of) => &of.sequences.standardizer,
            Kind::Series(_) => {
                return Some("it reads windows of a series, with a base forecast beside them; use forecast".into());
            }
            _ => return None,
        };
        let found = standardizer.describe()?;
        Some(format!(
            "it reads {found}: what that is, only the whole sequence says; use predict, or train with --recipe plain"
        ))
    }

    /// The inputs [T, I] of the steps that a request gives, no more than `most`.
    ///
    /// # Errors
    /// If it gives none or more than one kind, or they do not fit.
    pub(crate) fn inputs(&self, given: &Given, most: usize) -> Result<Vec<f32>, Failure> {
        let rows = match (&given.x, &given.steps, &given.text) {
            (Some(x), None, None) => std::slice::from_ref(x),
            (None, Some(steps), None) => steps.as_slice(),
            (None, None, Some(text)) => return self.text(text, most),
            _ => {
                let expected = "expected one of x, a step; steps, a list of them; text, of a model of text";
                return Err(Failure::malformed(format!("the request does not say which steps to read; {expected}")));
            }
        };
        self.check_count(rows.len(), most)?;
        self.sequence(rows)
    }

    fn check_count(&self, count: usize, most: usize) -> Result<(), Failure> {
        match count {
            0 => Err(Failure::unfit("no steps are given; expected at least one")),
            _ if count > most => {
                Err(Failure::too_large(format!("{count} steps are given; this server takes at most {most} a request")))
            }
            _ => Ok(()),
        }
    }

    /// Tokens of a text, each a step.
    pub(crate) fn tokens(&self, text: &str) -> Result<Vec<u16>, Failure> {
        match &self.kind {
            Kind::Text(Vocabulary::Bytes) => Ok(Vocabulary::Bytes.encode_bytes(text.as_bytes())?),
            Kind::Text(vocabulary) => Ok(vocabulary.encode(text)?),
            _ => Err(Failure::unfit(format!("the model reads no text; give steps of {} numbers", self.features))),
        }
    }

    fn text(&self, text: &str, most: usize) -> Result<Vec<f32>, Failure> {
        let tokens = self.tokens(text)?;
        self.check_count(tokens.len(), most)?;
        Ok(tokens.into_iter().map(f32::from).collect())
    }

    /// The inputs [T, I] of steps [T, F].
    fn sequence(&self, rows: &[Vec<Cell>]) -> Result<Vec<f32>, Failure> {
        let mut xs = vec![0.0; rows.len() * self.input];
        let mut values = vec![0.0; self.features];
        for (step, (row, x)) in rows.iter().zip(xs.chunks_exact_mut(self.input)).enumerate() {
            self.values(step, row, &mut values)?;
            match &self.kind {
                Kind::Classes(of) => of.standardizer.step(&values, x)?,
                Kind::Numbers(of) => of.sequences.standardizer.step(&values, x)?,
                _ => x.copy_from_slice(&values),
            }
        }
        Ok(xs)
    }

    /// A step's numbers `[F]`, NaN where one is missing and may be.
    fn values(&self, step: usize, row: &[Cell], values: &mut [f32]) -> Result<(), Failure> {
        if row.len() != self.features {
            let found = row.len();
            return Err(Failure::unfit(format!("step {step} has {found} numbers; the model reads {}", self.features)));
        }
        let may_miss = matches!(self.kind, Kind::Classes(_) | Kind::Numbers(_));
        for (feature, (&cell, value)) in row.iter().zip(values).enumerate() {
            let at = format_args!("feature {feature} of step {step}");
            *value = match (cell, self.embedding) {
                (Some(x), Some(of)) if !of.holds(x) => {
                    let most = of.tokens - 1;
                    return Err(Failure::unfit(format!(
                        "{at} is {x}; expected a token, a whole number from 0 to {most}"
                    )));
                }
                (Some(x), _) if !x.is_finite() => {
                    return Err(Failure::unfit(format!(
                        "{at} is beyond the numbers of 32 bits; expected a finite number"
                    )));
                }
                (Some(x), _) => x,
                (None, _) if may_miss => f32::NAN,
                (None, _) => {
                    return Err(Failure::unfit(format!("{at} is missing; this model knows no missing values")));
                }
            };
        }
        Ok(())
    }

    /// Sequences [T, F] in their own units as arrays; NaN where a value is missing.
    pub(crate) fn arrays(
        &self,
        sequences: &[Vec<Vec<Cell>>],
        most: usize,
    ) -> Result<Vec<ndarray::Array2<f32>>, Failure> {
        let total: usize = sequences.iter().map(Vec::len).sum();
        if total > most {
            let message = format!("{total} steps are given in all; this server takes at most {most} a request");
            return Err(Failure::too_large(message));
        }
        let array = |(index, rows): (usize, &Vec<Vec<Cell>>)| {
            if rows.is_empty() {
                return Err(Failure::unfit(format!("sequence {index} has no step; expected at least one")));
            }
            let mut array = ndarray::Array2::zeros((rows.len(), self.features));
            for (step, row) in rows.iter().enumerate() {
                let mut values = vec![0.0; self.features];
                self.values(step, row, &mut values).map_err(|failure| Failure {
                    message: format!("sequence {index}: {}", failure.message),
                    ..failure
                })?;
                array.row_mut(step).iter_mut().zip(values).for_each(|(to, from)| *to = from);
            }
            Ok(array)
        };
        sequences.iter().enumerate().map(array).collect()
    }

    /// An answer `[O]` of a stream, in the model's terms.
    ///
    /// # Errors
    /// If it is not a number.
    pub(crate) fn answer(&self, outputs: &[f32]) -> Result<Answer, Failure> {
        if !outputs.iter().all(|y| y.is_finite()) {
            return Err(Failure::unfit("the model's answer is not a number: an input is far from all in training"));
        }
        let class = most_probable(outputs);
        let floats = outputs.to_vec();
        Ok(match (&self.kind, &self.predicts) {
            (Kind::Classes(of), _) => {
                let class = class.and_then(|class| of.classes.get(class)).cloned();
                Answer::Named { class: class.unwrap_or_default(), probabilities: floats }
            }
            (Kind::Text(vocabulary), _) => {
                let token = class.and_then(|class| u16::try_from(class).ok());
                let next = token.map(|token| String::from_utf8_lossy(&vocabulary.decode(&[token])).into_owned());
                Answer::Next { next: next.unwrap_or_default(), probabilities: floats }
            }
            (Kind::Numbers(of), _) => Answer::Numbers { values: outputs.iter().map(|&z| of.number(z)).collect() },
            (_, Predicts::Classes(_)) => Answer::Class { class: class.unwrap_or_default(), probabilities: floats },
            (_, Predicts::Values(_)) => Answer::Values { values: floats },
            (_, Predicts::Quantiles(of)) => Answer::Quantiles {
                quantiles: floats.chunks_exact(of.levels.len().max(1)).map(<[f32]>::to_vec).collect(),
            },
        })
    }

    /// What stands for each output: names of classes, characters; none where they have no names.
    pub(crate) fn names(&self) -> Value {
        match &self.kind {
            Kind::Classes(of) => json!(of.classes),
            Kind::Text(vocabulary @ Vocabulary::Characters(characters)) => {
                let name = |token: usize| u16::try_from(token).map(|token| vocabulary.decode(&[token]));
                let names = (0..characters.len()).filter_map(|token| name(token).ok());
                json!(names.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect::<Vec<_>>())
            }
            _ => Value::Null,
        }
    }
}
