//! Whether an imported model computes what its file says: Keras's equations, run on random batches, beside our network.

use std::collections::BTreeMap;

use elman::{Head, Link as ValueLink, Model, Predicts, Purpose, Random, Reads, Stack, Values, array_prefix};
use elman_formats::Array;
use ndarray::{Array3, ArrayView3};

use super::chain::{Link, Wrong};
use super::equations::{Equations, Tensor, Version};
use crate::{Compared, TOLERANCE};

/// Where single precision alone moves the equations' own result, by how much more the two may differ: each has its errors,
/// and sums in an order of its own.
const ROUNDINGS: f64 = 8.0;

/// Rows and steps of the batches. Those of large models are the first alone.
const SHAPES: [(usize, usize); 6] = [(3, 5), (2, 9), (4, 1), (1, 7), (5, 3), (2, 12)];
const LEAST: usize = 2;

/// How many products a proof takes at most, beyond the first batches.
const PRODUCTS_MAX: usize = 200_000_000;

/// What a file says.
pub(super) struct Proof<'a> {
    pub(super) links: &'a [Link<'a>],
    pub(super) arrays: &'a BTreeMap<String, Array>,
    pub(super) version: Version,
    /// The names of the recurrent layers.
    pub(super) layers: Vec<String>,
}

/// What both read.
struct Batch {
    /// [B, T, I]
    inputs: Array3<f32>,
    /// `[B]`, where a layer makes a mask of them.
    lengths: Option<Vec<usize>>,
}

impl Proof<'_> {
    /// Runs both on the same batches. `softmax`: whether the last layer's numbers are probabilities.
    ///
    /// # Errors
    /// If they differ: at which layer first, on which batch, by how much.
    pub(super) fn run(&self, model: &Model, softmax: bool) -> Result<Compared, Wrong> {
        let weights: usize = self.arrays.values().map(|array| array.data.len()).sum();
        let mut evidence = Compared { what: "the equations of Keras's layers".into(), ..Compared::default() };
        let mut products = 0_usize;
        // Windows need more steps, and leave fewer.
        let windows = model.stack().has_windows();
        for (number, &(rows, steps)) in SHAPES.iter().enumerate() {
            let steps = if windows { model.stack().least_steps() + 2 * steps - 2 } else { steps };
            // In double and in single precision.
            products = products.saturating_add(weights.saturating_mul(2 * rows * steps));
            if number >= LEAST && products > PRODUCTS_MAX {
                break;
            }
            let batch = self.batch(model, number as u64, rows, steps);
            let [double, single] =
                [false, true].map(|single| self.equations(single).run(self.links, batch.tensor(), &self.layers));
            let (double, single) = (double?, single?);
            let (Some((last, double_last)), Some((_, single_last))) = (double.last(), single.last()) else {
                return Err(("the model".into(), "it has no layers".into()));
            };
            let ours =
                model.logits(batch.inputs.view(), batch.lengths.as_deref()).map_err(|error| failed(last, &error))?;
            let ours = answers(ours, model.head(), softmax);
            let difference = difference(ours.view(), double_last, single_last, &batch);
            if difference.allowed {
                let span = |(least, most): (usize, usize), now: usize| match evidence.batches {
                    0 => (now, now),
                    _ => (least.min(now), most.max(now)),
                };
                (evidence.rows, evidence.steps) = (span(evidence.rows, rows), span(evidence.steps, steps));
                evidence.batches += 1;
                evidence.largest_difference = evidence.largest_difference.max(difference.largest as f32);
                continue;
            }
            let name = self.first_wrong(model, &batch, &double, &single).unwrap_or(last);
            let why = format!(
                "it computes something else here than by its equations in Keras: on a batch of {rows} rows and {steps} steps \
                 the outputs of the model differ by {:.1e}; expected at most {TOLERANCE:.0e}; this is an error of elman: please \
                 report it, with the file's config.json",
                difference.largest
            );
            return Err((name.to_owned(), why));
        }
        evidence.left_out = self.left_out();
        Ok(evidence)
    }

    /// What the equations do in single precision and from states of zero, and Keras otherwise.
    fn left_out(&self) -> Vec<String> {
        let mut all = Vec::new();
        for link in self.links {
            let masks = link.class == "Masking" || link.config.get("mask_zero") == Some(&serde_json::Value::Bool(true));
            if masks {
                all.push(format!("steps that {} masks inside a row: those behind its end alone were", link.name));
            }
            if link.config.get("stateful") == Some(&serde_json::Value::Bool(true)) {
                all.push(format!("the states that {} keeps between calls: all began at zero", link.name));
            }
        }
        all
    }

    fn equations(&self, single: bool) -> Equations<'_> {
        Equations { arrays: self.arrays, version: self.version, single }
    }

    /// Random numbers beyond ±1, or tokens; where a layer masks steps, rows of unequal lengths with the masked value behind.
    fn batch(&self, model: &Model, seed: u64, rows: usize, steps: usize) -> Batch {
        let mut random = Random::new(seed, Purpose::Data);
        let tokens = model.stack().embedding.map(|embedding| embedding.tokens);
        let masks = self.links.iter().find_map(|link| match link.class {
            "Masking" => Some(link.config.get("mask_value").and_then(serde_json::Value::as_f64).unwrap_or(0.0) as f32),
            "Embedding" if link.config.get("mask_zero") == Some(&serde_json::Value::Bool(true)) => Some(0.0),
            _ => None,
        });
        let mut inputs = Array3::from_shape_simple_fn((rows, steps, model.stack().input()), || match tokens {
            // Above 0, which may be masked, where there are others.
            Some(tokens) if tokens > 1 => (1 + random.below((tokens - 1).min(u32::MAX as usize) as u32)) as f32,
            Some(_) => 0.0,
            None => random.uniform(2.5),
        });
        let lengths = masks.map(|value| {
            let lengths: Vec<usize> = (0..rows).map(|row| (steps - row * steps / rows).max(1)).collect();
            for ((row, step, _), x) in inputs.indexed_iter_mut() {
                if step >= lengths[row] {
                    *x = value;
                }
            }
            lengths
        });
        Batch { inputs, lengths }
    }

    /// The first recurrent layer whose outputs differ, by networks that end behind each.
    fn first_wrong<'l>(
        &self,
        model: &Model,
        batch: &Batch,
        double: &[(&'l str, Tensor)],
        single: &[(&'l str, Tensor)],
    ) -> Option<&'l str> {
        for (index, name) in self.layers.iter().enumerate() {
            let place = double.iter().position(|(of, _)| of == name)?;
            let part = part(model, index, double[place].1.steps.is_some())?;
            let ours = part.logits(batch.inputs.view(), batch.lengths.as_deref()).ok()?;
            if !difference(ours.view(), &double[place].1, &single[place].1, batch).allowed {
                return Some(double[place].0);
            }
        }
        None
    }
}

impl Batch {
    fn tensor(&self) -> Tensor {
        let (rows, steps, width) = self.inputs.dim();
        Tensor {
            rows,
            steps: Some(steps),
            width,
            data: self.inputs.iter().map(|&x| f64::from(x)).collect(),
            mask: None,
        }
    }

    fn length(&self, row: usize) -> usize {
        self.lengths.as_ref().map_or(self.inputs.dim().1, |lengths| lengths[row])
    }
}

fn failed(layer: &str, error: &elman::Error) -> Wrong {
    (layer.to_owned(), format!("our model of it does not run: {error}"))
}

/// How far apart two are, and whether that is rounding.
struct Difference {
    largest: f64,
    allowed: bool,
}

/// Compares our answers [B, T, C] or [B, 1, C] with the equations' in both precisions, over the steps that rows have.
fn difference(ours: ArrayView3<'_, f32>, double: &Tensor, single: &Tensor, batch: &Batch) -> Difference {
    let (rows, steps, width) = ours.dim();
    if (rows, steps, width) != (double.rows, double.steps.unwrap_or(1), double.width) {
        return Difference { largest: f64::INFINITY, allowed: false };
    }
    let relative = |a: f64, b: f64| {
        let difference = (a - b).abs() / b.abs().max(1.0);
        match (a.is_nan() || b.is_nan(), a.is_nan() && b.is_nan()) {
            (_, true) => 0.0,
            (true, false) => f64::INFINITY,
            // Infinities of one sign.
            _ if difference.is_nan() => 0.0,
            _ => difference,
        }
    };
    let (mut largest, mut rounding) = (0.0_f64, 0.0_f64);
    for ((place, &ours), (double, single)) in ours.indexed_iter().zip(double.data.iter().zip(&single.data)) {
        if double_counts(steps, place, batch) {
            largest = largest.max(relative(f64::from(ours), *double));
            rounding = rounding.max(relative(*single, *double));
        }
    }
    Difference { largest, allowed: largest <= f64::from(TOLERANCE).max(ROUNDINGS * rounding) }
}

fn double_counts(steps: usize, (row, step, _): (usize, usize, usize), batch: &Batch) -> bool {
    steps == 1 || step < batch.length(row)
}

/// The layers up to this one, under a head that hands on what they give; none where no head is as narrow.
fn part(model: &Model, last: usize, every_step: bool) -> Option<Model> {
    let stack = Stack { layers: model.stack().layers.get(..=last)?.to_vec(), ..model.stack().clone() };
    let width = if every_step { stack.output() } else { stack.summary() };
    let mut arrays = model.arrays();
    let kept: Vec<String> = (0..=last)
        .flat_map(|index| {
            let directions = stack.layers[index].directions();
            (0..directions).map(move |direction| array_prefix(index, directions, direction))
        })
        .collect();
    arrays.retain(|name, _| name == "embedding.kernel" || kept.iter().any(|prefix| name.starts_with(prefix)));
    let mut kernel = vec![0.0; width * width];
    kernel.iter_mut().step_by(width + 1).for_each(|x| *x = 1.0);
    arrays.insert("head.kernel".into(), Array { shape: vec![width, width], data: kernel });
    arrays.insert("head.bias".into(), Array { shape: vec![width], data: vec![0.0; width] });
    let reads = if every_step { Reads::EveryStep } else { Reads::LastState };
    Model::of_arrays(stack, Head::last_state(width).reads(reads), &arrays).ok()
}

/// What a head's outputs are in Keras: probabilities behind a softmax, values under their link.
fn answers(mut outputs: Array3<f32>, head: &Head, softmax: bool) -> Array3<f32> {
    if let Predicts::Values(Values { link: ValueLink::Sigmoid, .. }) = head.predicts {
        outputs.mapv_inplace(|x| (1.0 / (1.0 + (-f64::from(x)).exp())) as f32);
    }
    for mut row in outputs.rows_mut().into_iter().filter(|_| softmax) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.mapv_inplace(|x| (x - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|x| x / sum);
    }
    outputs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chain::{Store, chain};
    use super::super::{export, import};
    use super::*;
    use crate::Hints;
    use elman::{Gru, Init, Layer, Lstm, Merge, Network, Rnn};

    /// Three layers of different kinds, and a head.
    fn model() -> Model {
        let mut random = Random::new(5, Purpose::Head);
        let stack = Stack::new(Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Concat));
        let stack = stack.then(Gru::new(8, 5)).then(Rnn::new(5, 2));
        let network = Network::new(stack, Init::PyTorch, &mut random).unwrap();
        Model::new(&network, Head::every_step(3), Init::PyTorch, &mut random).unwrap()
    }

    /// A model that was misread: one number of one of its arrays differs.
    #[test]
    fn a_model_that_differs_is_refused_at_its_layer() {
        let model = model();
        let (archive, _) = export(&model).unwrap();
        let imported = import(&archive, &Hints::default()).unwrap().model;
        let links = chain(&archive.config, &Store::Paths).unwrap();
        let layers = ["bidirectional", "gru", "simple_rnn"].map(String::from).to_vec();
        let proof = Proof { links: &links, arrays: &archive.arrays, version: Version::Three, layers };
        let evidence = proof.run(&imported, true).unwrap();
        assert_eq!(evidence.batches, SHAPES.len());
        assert!(evidence.largest_difference < 1e-6, "{evidence:?}");
        for (array, place, layer) in [
            ("layers.0.forward.kernel", 3, "bidirectional"),
            ("layers.0.backward.recurrent_kernel", 9, "bidirectional"),
            ("layers.1.bias", 7, "gru"),
            ("layers.1.recurrent_bias", 2, "gru"),
            ("layers.2.recurrent_kernel", 1, "simple_rnn"),
            ("head.kernel", 4, "dense"),
            ("head.bias", 0, "dense"),
        ] {
            let mut arrays = imported.arrays();
            let array = arrays.get_mut(array).unwrap();
            array.data[place] += 0.25;
            let mut other = imported.clone();
            other.set_arrays(&arrays).unwrap();
            let (what, why) = proof.run(&other, true).unwrap_err();
            assert_eq!(what, layer, "{why}");
            assert!(why.contains("rows and") && why.contains("expected at most 1e-5"), "{why}");
        }
        // Logits taken for probabilities.
        assert_eq!(proof.run(&imported, false).unwrap_err().0, "dense");
    }

    /// An error of the configuration, not of an array, is seen too.
    #[test]
    fn options_that_were_overlooked_are_seen() {
        let model = model();
        let (archive, _) = export(&model).unwrap();
        for (place, value, layer) in [
            ("/config/layers/1/config/merge_mode", json!("sum"), "gru"),
            ("/config/layers/1/config/layer/config/activation", json!("softsign"), "bidirectional"),
            ("/config/layers/2/config/recurrent_activation", json!("hard_sigmoid"), "gru"),
            ("/config/layers/2/config/activation", json!("relu"), "gru"),
            ("/config/layers/3/config/activation", json!("relu"), "simple_rnn"),
            ("/config/layers/4/config/activation", json!("tanh"), "dense"),
        ] {
            let mut config = archive.config.clone();
            *config.pointer_mut(place).unwrap() = value;
            let links = chain(&config, &Store::Paths).unwrap();
            let layers = ["bidirectional", "gru", "simple_rnn"].map(String::from).to_vec();
            let proof = Proof { links: &links, arrays: &archive.arrays, version: Version::Three, layers };
            assert_eq!(proof.run(&model, true).unwrap_err().0, layer, "{place}");
        }
    }
}
