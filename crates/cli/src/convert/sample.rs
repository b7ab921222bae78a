//! Recorded inputs and outputs of another program, to compare with.
//!
//! N sequences, T steps, I input, C outputs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use elman::formats::{self, Array, numpy};
use elman::{Model, Predicts, Reads};
use ndarray::Array3;

use super::ends_with;
use super::verify::{Check, softmax, sorted};

/// What another program read, and what it answered.
pub(super) struct Sample {
    inputs: Array3<f32>,
    /// `[N]`
    lengths: Vec<usize>,
    /// [N, T, C], or [N, 1, C] of a head on the last state.
    answers: Array3<f32>,
    kind: Kind,
}

/// What answers are.
#[derive(Clone, Copy)]
enum Kind {
    Logits,
    Probabilities,
    Quantiles,
}

/// Their arrays' names.
const KINDS: [(&str, Kind); 3] =
    [("logits", Kind::Logits), ("probabilities", Kind::Probabilities), ("quantiles", Kind::Quantiles)];

impl Sample {
    /// Reads `x` [N, T, I] (of tokens [N, T]), `logits` or `probabilities` [N, C] or [N, T, C], or
    /// `quantiles` [N, F, Q], and `lengths [N]` if there are any, from a .npz or .safetensors file.
    pub(super) fn read(path: &Path, model: &Model) -> anyhow::Result<Self> {
        let mut arrays = arrays(path)?;
        let found = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
        let mut take = |name: &str| arrays.remove(name);
        let Some(inputs) = take("x") else {
            bail!("{} has no array x [N, T, I]; found {found}", path.display());
        };
        let Some((name, kind, answers)) = KINDS.iter().find_map(|&(name, kind)| Some((name, kind, take(name)?))) else {
            bail!("{} has none of logits, probabilities and quantiles; found {found}", path.display());
        };
        let lengths = take("lengths");
        let context = || format!("cannot use {}", path.display());
        let (rows, steps) = match inputs.shape[..] {
            [rows, steps] | [rows, steps, _] => (rows, steps),
            _ => bail!("{}: x has shape {:?}; expected [N, T, I] or [N, T]", path.display(), inputs.shape),
        };
        let width = model.stack().input();
        let inputs = cube("x", inputs, [rows, steps, width]).with_context(context)?;
        let answered = if model.head().reads == Reads::EveryStep { steps } else { 1 };
        let answers = cube(name, answers, [rows, answered, model.head().outputs()]).with_context(context)?;
        let lengths = match lengths {
            None => vec![steps; rows],
            Some(lengths) if lengths.shape == [rows] => lengths.data.iter().map(|&x| x as usize).collect(),
            Some(lengths) => bail!("{}: lengths has shape {:?}; expected [{rows}]", path.display(), lengths.shape),
        };
        Ok(Sample { inputs, lengths, answers, kind })
    }

    /// The largest difference between our answers and those recorded, over the steps that rows have.
    pub(super) fn compare(&self, model: &Model) -> anyhow::Result<Check> {
        let ours = model.logits(self.inputs.view(), Some(&self.lengths))?;
        let (what, ours) = match (self.kind, &model.head().predicts) {
            (Kind::Logits, _) => ("the sample's logits", ours),
            (Kind::Probabilities, Predicts::Classes(_)) => ("the sample's probabilities", softmax(ours)),
            (Kind::Quantiles, Predicts::Quantiles(of)) => ("the sample's quantiles", sorted(ours, of.levels.len())),
            _ => bail!("the sample holds no answers of the model's kind: it predicts {}", model.head().describe()),
        };
        Check::of(what, &self.answers, &ours, model.head().reads, &self.lengths)
    }
}

/// An array with the numbers of three axes.
fn cube(name: &str, array: Array, shape: [usize; 3]) -> anyhow::Result<Array3<f32>> {
    let count = shape.iter().try_fold(1_usize, |count, &axis| count.checked_mul(axis));
    if count != Some(array.data.len()) {
        bail!("{name} has shape {:?}; expected {shape:?}", array.shape);
    }
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
