//! Recorded inputs and outputs of another program, to compare with.
//!
//! N sequences, T steps, I input, C outputs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use elman::formats::{self, Array, numpy};
use elman::{Link, Model, Predicts, Reads};
use elman_exchange::Units;
use elman_exchange::files::ends_with;
use ndarray::Array3;

use super::check::{Check, softmax, sorted};

/// What another program read, and what it answered.
pub(super) struct Sample {
    /// The file, for messages.
    path: PathBuf,
    inputs: Array3<f32>,
    /// `[N]`
    lengths: Vec<usize>,
    /// `[N]`: the numbers of the rows' series.
    series: Vec<usize>,
    /// [N, T, C], or [N, 1, C] of a head on the last state; of each kind that is there.
    answers: Vec<(Kind, Array3<f32>)>,
}

/// What answers are.
#[derive(Clone, Copy)]
enum Kind {
    Logits,
    Probabilities,
    Quantiles,
    Values,
}

/// Their arrays' names.
const KINDS: [(&str, Kind); 4] = [
    ("logits", Kind::Logits),
    ("probabilities", Kind::Probabilities),
    ("quantiles", Kind::Quantiles),
    ("values", Kind::Values),
];

impl Sample {
    /// Reads `x` [N, T, I] (of tokens [N, T]), `logits` or `probabilities` [N, C] or [N, T, C], `values` [N, F] or
    /// [N, T, F], or `quantiles` [N, F, Q], and `lengths [N]` if there are any, from a .npz or .safetensors file.
    pub(super) fn read(path: &Path, model: &Model) -> anyhow::Result<Self> {
        let mut arrays = arrays(path)?;
        let found = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
        let expected = if model.stack().embedding.is_some() { "[N, T]" } else { "[N, T, I]" };
        let Some(x) = arrays.remove("x") else {
            bail!("{} has no array x {expected}; found {found}", path.display());
        };
        let columns = Units::of(model)?.map(|units| units.columns());
        let (rows, steps, width) = match (&x.shape[..], model.stack().embedding.is_some(), model.stack().input()) {
            (&[rows, steps], true, _) | (&[rows, steps, 1], true, _) => (rows, steps, 1),
            (&[rows, steps, found], false, width) if found == width || Some(found) == columns => (rows, steps, found),
            (found, _, width) => {
                bail!("{}: x has shape {found:?}; expected {expected}, I being {width}", path.display())
            }
        };
        let inputs = cube(x, [rows, steps, width])?;
        let mut answers = Vec::new();
        for (name, kind) in KINDS {
            if let Some(array) = arrays.remove(name) {
                answers.push((kind, answer(path, name, array, [rows, steps], model)?));
            }
        }
        if answers.is_empty() {
            bail!("{} has none of logits, probabilities, quantiles and values; found {found}", path.display());
        }
        let lengths = match arrays.remove("lengths") {
            None => vec![steps; rows],
            Some(lengths) if lengths.shape == [rows] => whole(path, "lengths", &lengths.data, steps)?,
            Some(lengths) => bail!("{}: lengths has shape {:?}; expected [{rows}]", path.display(), lengths.shape),
        };
        let series = match arrays.remove("series") {
            None => vec![0; rows],
            Some(series) if series.shape == [rows] => whole(path, "series", &series.data, usize::MAX)?,
            Some(series) => bail!("{}: series has shape {:?}; expected [{rows}]", path.display(), series.shape),
        };
        Ok(Sample { path: path.to_owned(), inputs, lengths, series, answers })
    }

    /// The largest differences between our answers and those recorded, over the steps that rows have. Of a model that scales
    /// its data, x and the answers are in the units of the data or standardized: whichever agrees.
    pub(super) fn compare(&self, model: &Model) -> anyhow::Result<Vec<Check>> {
        let raw = Units::of(model)?.filter(|units| units.columns() == self.inputs.dim().2);
        let Some(units) = raw else { return self.compared(model, None) };
        match self.compared(model, Some(&units)) {
            Err(_) if units.input() == units.columns() => self.compared(model, None),
            compared => compared,
        }
    }

    fn compared(&self, model: &Model, units: Option<&Units>) -> anyhow::Result<Vec<Check>> {
        let read = match units {
            Some(units) => &units.read(self.inputs.view(), &self.series)?,
            None => &self.inputs,
        };
        let logits =
            model.logits(read.view(), Some(&self.lengths)).with_context(|| format!("x of {}", self.path.display()))?;
        let mut checks = Vec::new();
        for (kind, answers) in &self.answers {
            let (what, ours) = match (kind, &model.head().predicts) {
                (Kind::Logits, _) => ("logits", logits.clone()),
                (Kind::Probabilities, Predicts::Classes(_)) => ("probabilities", softmax(logits.clone())),
                (Kind::Quantiles, Predicts::Quantiles(of)) => {
                    let mut quantiles = sorted(logits.clone(), of.levels.len());
                    for ((row, _, _), answer) in quantiles.indexed_iter_mut() {
                        *answer = units.map_or(Ok(*answer), |units| units.answer(*answer, &self.series, row))?;
                    }
                    ("quantiles", quantiles)
                }
                (Kind::Values, Predicts::Values(of)) => ("values", linked(logits.clone(), of.link)),
                _ => bail!(
                    "{} holds no answers of the model's kind: it predicts {}",
                    self.path.display(),
                    model.head().describe()
                ),
            };
            let against = format!("the {what} of {}", self.path.display());
            checks.push(Check::of(&against, answers, &ours, model.head().reads, &self.lengths)?);
        }
        Ok(checks)
    }
}

/// Values under their link.
fn linked(mut values: Array3<f32>, link: Link) -> Array3<f32> {
    if link == Link::Sigmoid {
        values.mapv_inplace(|z| (1.0 / (1.0 + (-f64::from(z)).exp())) as f32);
    }
    values
}

/// Recorded answers in the shape of a head's.
fn answer(
    path: &Path,
    name: &str,
    array: Array,
    [rows, steps]: [usize; 2],
    model: &Model,
) -> anyhow::Result<Array3<f32>> {
    let (outputs, every_step) = (model.head().outputs(), model.head().reads == Reads::EveryStep);
    let shape = [rows, if every_step { steps } else { 1 }, outputs];
    if shape.iter().try_fold(1_usize, |count, &axis| count.checked_mul(axis)) == Some(array.data.len()) {
        return cube(array, shape);
    }
    let (expected, other) = match every_step {
        true => (vec![rows, steps, outputs], "; if the head reads the last state, say --reads last-state"),
        false if array.shape == [rows, steps, outputs] => {
            (vec![rows, outputs], "; if the head answers at every step, say --reads every-step")
        }
        false => (vec![rows, outputs], ""),
    };
    bail!("{}: {name} has shape {:?}; expected {expected:?}{other}", path.display(), array.shape)
}

/// Numbers of rows as whole ones.
fn whole(path: &Path, name: &str, lengths: &[f32], most: usize) -> anyhow::Result<Vec<usize>> {
    let length = |(row, &length): (usize, &f32)| {
        if length.fract() == 0.0 && length >= 0.0 && length <= most as f32 {
            return Ok(length as usize);
        }
        bail!("{}: {name}[{row}] is {length}; expected a whole number from 0 to {most}", path.display())
    };
    lengths.iter().enumerate().map(length).collect()
}

/// An array with the numbers of three axes.
fn cube(array: Array, shape: [usize; 3]) -> anyhow::Result<Array3<f32>> {
    Ok(Array3::from_shape_vec(shape, array.data)?)
}

fn arrays(path: &Path) -> anyhow::Result<BTreeMap<String, Array>> {
    if ends_with(path, &[".npz"]) {
        let arrays = numpy::read_npz(path)?;
        return arrays.into_iter().map(|(name, array)| Ok((name, floats(array)))).collect();
    }
    if ends_with(path, &[".safetensors"]) {
        return Ok(formats::read(path)?.arrays);
    }
    bail!("cannot read {}: expected .npz or .safetensors", path.display())
}

/// Numbers of any type as floats; text has none.
fn floats(array: numpy::Array) -> Array {
    let data = match array.values {
        numpy::Values::F32(values) => values,
        numpy::Values::F64(values) => values.into_iter().map(|x| x as f32).collect(),
        numpy::Values::I32(values) => values.into_iter().map(|x| x as f32).collect(),
        numpy::Values::I64(values) => values.into_iter().map(|x| x as f32).collect(),
        numpy::Values::U8(values) => values.into_iter().map(f32::from).collect(),
        _ => Vec::new(),
    };
    Array { shape: array.shape, data }
}
