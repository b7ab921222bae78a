//! A BatchNormalization that runs: y = a ⊙ x + b with a = gain / √(variance + ε) and b = bias − a mean. It becomes part of
//! the convolution or the dense layer whose sums it normalises, or else a layer of its own; and padding that is cut off again.
//!
//! T steps, B rows, F features.

use elman::{Layer, StepScale};
use elman_formats::Array;

use super::front::Front;
use super::head::Done;
use super::node::Call;
use super::run::{Kind, Run};
use super::value::{Data, Element, Value};
use super::windows::cut;
use crate::{Change, Place};

/// a and b, and the arrays that they come of.
struct Affine {
    factor: Vec<f64>,
    shift: Vec<f64>,
    from: Vec<Place>,
}

impl Affine {
    fn of(call: &Call<'_>, features: usize) -> Result<Self, String> {
        if call.int("training_mode", 0) != 0 || call.node.output.iter().skip(1).any(|name| !name.is_empty()) {
            return Err("it normalises by the batch, as in training; export the model with model.eval()".into());
        }
        if call.int("spatial", 1) == 0 {
            return Err("it has numbers for each step (spatial=0); expected one for each feature".into());
        }
        let mut from = Vec::new();
        let mut taken = |at: usize| {
            let value = call.input(at)?;
            let Data::Floats(data) = &value.data else {
                return Err("its numbers are computed while it runs; expected weights".to_owned());
            };
            if data.len() != features {
                return Err(format!("it has numbers for {} features; its input has {features}", data.len()));
            }
            from.extend(value.origins.iter().cloned());
            Ok(data.iter().map(|&x| f64::from(x)).collect::<Vec<_>>())
        };
        let (gain, bias, mean, variance) = (taken(1)?, taken(2)?, taken(3)?, taken(4)?);
        let epsilon = f64::from(call.float("epsilon", 1e-5));
        let factor: Vec<f64> = gain.iter().zip(&variance).map(|(gain, v)| gain / (v + epsilon).sqrt()).collect();
        let shift = bias.iter().zip(mean.iter().zip(&factor)).map(|(bias, (mean, a))| bias - mean * a).collect();
        Ok(Affine { factor, shift, from })
    }
}

fn rounded(data: &[f64]) -> Vec<f32> {
    data.iter().map(|&x| x as f32).collect()
}

impl Run<'_> {
    /// A normalisation of what flows: folded into what stands before it, where that is a sum of weights; else a layer.
    pub(super) fn normalised(&mut self, call: &Call<'_>, name: &str) -> Result<Value, String> {
        let x = call.input(0)?;
        let &[_, features, ..] = &x.shape[..] else { return Err("its input has no axis of features".into()) };
        let affine = Affine::of(call, features)?;
        let behind: usize = x.shape[2..].iter().product();
        if let Some((front, done @ (Done::Product | Done::Biased))) = self.all_of_front(x)
            && self.fronts[front].kernel.is_some()
            && self.fronts[front].width == features
            && x.elements().iter().enumerate().all(|(at, element)| match element {
                Element::Of { index, .. } => *index as usize % features == at / behind % features,
                Element::Number(_) => false,
            })
        {
            return self.folded(x, &affine, front, done);
        }
        // Pictures of one line are sequences.
        let flat = match x.shape[..] {
            [_, _, _] => None,
            [_, _, 1, _] => Some(2),
            [_, _, _, 1] => Some(3),
            _ => {
                return Err(format!(
                    "it normalises a tensor of shape {:?}; expected rows, features and steps, before a recurrent layer: fold it \
                     into the dense layer beside it (torch.nn.utils.fusion.fuse_linear_bn_eval), or exchange the weights as arrays",
                    x.shape
                ));
            }
        };
        let (rows, steps) = (x.shape[0], behind);
        let sequence = x.reshaped(vec![rows, features, steps])?.transposed(&[2, 0, 1]);
        let below = self.feed(&sequence.elements(), [steps, rows, features], 0);
        let below = self.whole(below.map_err(|why| format!("its input cannot be told: {why}"))?)?;
        let taken = |of: &'static str, data: &[f64]| {
            let array = Array { shape: vec![features], data: rounded(data) };
            (of, array, affine.from.clone(), vec![Change::Folded])
        };
        self.fronts.push(Front {
            name: name.to_owned(),
            node: call.index,
            layer: Layer::new(StepScale::new(features)),
            below,
            sizes: Some((steps, rows)),
            width: features,
            free: false,
            kernel: None,
            bias: None,
            own: vec![taken("gain", &affine.factor), taken("bias", &affine.shift)],
            replaced: false,
        });
        let kind = Kind::Front { front: self.fronts.len() - 1, done: Done::Product };
        let outputs = self.source(kind, vec![steps, rows, features])?.transposed(&[1, 2, 0]);
        match flat {
            None => Ok(outputs),
            Some(_) => outputs.reshaped(x.shape.clone()),
        }
    }

    /// W' = W diag(a), b' = a ⊙ b + shift.
    fn folded(&mut self, x: &Value, affine: &Affine, front: usize, done: Done) -> Result<Value, String> {
        let own = &self.fronts[front];
        let Some((kernel, origins, changes)) = &own.kernel else { return Err("it has no weights before it".into()) };
        let scaled = kernel.data.iter().enumerate().map(|(at, &w)| f64::from(w) * affine.factor[at % own.width]);
        let kernel = Array { shape: kernel.shape.clone(), data: rounded(&scaled.collect::<Vec<_>>()) };
        let (bias, from) = match &own.bias {
            Some((bias, from)) if done == Done::Biased => (bias.clone(), from.clone()),
            _ => (vec![0.0; own.width], Vec::new()),
        };
        let shifted = bias.iter().zip(affine.factor.iter().zip(&affine.shift)).map(|(&b, (a, s))| f64::from(b) * a + s);
        let bias = (rounded(&shifted.collect::<Vec<_>>()), [from, affine.from.clone()].concat());
        let origins = [origins.clone(), affine.from.clone()].concat();
        let kernel = Some((kernel, origins, [changes.clone(), vec![Change::Folded]].concat()));
        self.replace(x, front, Done::Biased, |own| Front { kernel, bias: Some(bias), ..own })
    }

    /// What is left of a convolution's or a pooling layer's steps where those that its padding behind them gives are cut
    /// off: the layer is one with less padding, in front alone most often.
    pub(super) fn cut_front(&mut self, value: Value) -> Result<Value, String> {
        let Data::Flow(elements) = &value.data else { return Ok(value) };
        let Some(&Element::Of { source, .. }) = elements.first() else { return Ok(value) };
        let &Kind::Front { front, done } = self.kind(source) else { return Ok(value) };
        let own = &self.fronts[front];
        let (Some(window), Some((_, rows))) = (own.layer.window, own.sizes) else { return Ok(value) };
        let (all, left, step) = (self.len(source), elements.len(), rows * own.width);
        if left >= all {
            return Ok(value);
        }
        let mut seen = vec![false; left];
        let first_of_all = (all - left).is_multiple_of(step)
            && elements.iter().all(|element| match element {
                Element::Of { source: own, index } if *own == source && (*index as usize) < left => {
                    !std::mem::replace(&mut seen[*index as usize], true)
                }
                _ => false,
            });
        match cut(window, (all - left) / step).filter(|_| first_of_all) {
            Some(window) => {
                self.replace(&value, front, done, |own| Front { layer: own.layer.clone().window(window), ..own })
            }
            None => Ok(value),
        }
    }

    /// The same elements of a layer that stands for another.
    fn replace(
        &mut self,
        value: &Value,
        front: usize,
        done: Done,
        changed: impl FnOnce(Front) -> Front,
    ) -> Result<Value, String> {
        let turned = changed(self.fronts[front].clone());
        self.fronts[front].replaced = true;
        self.fronts.push(turned);
        self.further(value, self.fronts.len() - 1, done)
    }
}
