//! The head of a graph: a product with weights, a bias, maybe a softmax.

use elman_formats::Array;
use elman_kernels::Nonlinearity;

use super::feed::{Feed, Read};
use super::node::Call;
use super::run::{Kind, Run};
use super::value::{Data, Element, Value, axis};
use crate::Error;
use crate::arrays::transposed;
use crate::onnx::not_taken;
use crate::{Change, Place};

/// What a head may read.
const READ: &str = "expected the last state of the last layer (h_n[-1]), the final states of its two directions side by side, \
                    its outputs at every step, their mean or maximum over the steps, or a dense layer on one of these; sums of \
                    states, another step, and a residual around the last state are not understood";

/// How far a head has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Done {
    Product,
    Biased,
    /// Under an activation.
    Activated(Nonlinearity),
    Softmax,
    /// The logarithms of a softmax.
    LogSoftmax,
    /// Each group of answers in rising order.
    Sorted,
}

/// The answers that a graph ends in.
pub(super) struct Answer {
    pub(super) head: usize,
    pub(super) done: Done,
    /// F and Q, where they come in F groups of Q, as quantiles do.
    pub(super) groups: Option<(usize, usize)>,
}

/// A dense layer on a layer.
pub(super) struct HeadFound {
    pub(super) name: String,
    pub(super) node: usize,
    /// What the lowest of its layers reads.
    pub(super) read: Read,
    /// The dense layer whose answers it reads, and how far those are.
    pub(super) below: Option<(usize, Done)>,
    pub(super) kernel: Array,
    pub(super) kernel_origins: Vec<Place>,
    pub(super) kernel_turned: bool,
    pub(super) bias: Option<(Vec<f32>, Vec<Place>)>,
}

impl Run<'_> {
    /// A dense layer without its bias, which may be added by a node of its own.
    pub(super) fn product(&mut self, call: &Call<'_>, name: &str) -> Result<Value, String> {
        let (read, kernel) = (call.input(0)?, call.input(1)?);
        let (Data::Flow(elements), Data::Floats(weights), &[rows, columns]) =
            (&read.data, &kernel.data, &kernel.shape[..])
        else {
            return Err("it is no product of a sequence or a state with a matrix of weights".into());
        };
        let turned = call.int("transB", 0) != 0;
        if call.int("transA", 0) != 0 || call.float("alpha", 1.0) != 1.0 || call.float("beta", 1.0) != 1.0 {
            return Err("its transA, alpha or beta is set, which a dense layer has not".into());
        }
        let (width, classes) = if turned { (columns, rows) } else { (rows, columns) };
        if read.shape.last() != Some(&width) || width == 0 || classes == 0 {
            return Err(format!("it multiplies shapes {:?} and {:?}", read.shape, kernel.shape));
        }
        let array = Array { shape: kernel.shape.clone(), data: weights.to_vec() };
        let matrix = if turned { transposed(&array) } else { array };
        let changes = if turned { vec![Change::Transposed] } else { Vec::new() };
        let origins = kernel.origins.to_vec();
        if let Some(given) = self.dense_front(call, name, read, (matrix.clone(), origins.clone(), changes))? {
            return match call.given(2).filter(|_| call.node.op_type == "Gemm") {
                Some(bias) => self.front_biased(&given, bias).unwrap_or(Ok(given)),
                None => Ok(given),
            };
        }
        let below =
            self.answers(read).filter(|(_, done)| matches!(done, Done::Product | Done::Biased | Done::Activated(_)));
        let found = match below {
            Some((below, _)) => self.heads[below].read.clone(),
            None => self
                .read(elements, width, read.shape.len())
                .map_err(|why| format!("its input cannot be told: {why}; {READ}"))?,
        };
        let head = self.heads.len();
        self.heads.push(HeadFound {
            name: name.to_owned(),
            node: call.index,
            read: found,
            below,
            kernel: matrix,
            kernel_origins: origins,
            kernel_turned: turned,
            bias: None,
        });
        let mut shape = read.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = classes;
        }
        let answers = self.source(Kind::Answers { head, done: Done::Product }, shape)?;
        match call.given(2).filter(|_| call.node.op_type == "Gemm") {
            Some(bias) => self.biased(&answers, bias),
            None => Ok(answers),
        }
    }

    /// Whether a value is all of a head's answers, class by class.
    pub(super) fn answers(&self, value: &Value) -> Option<(usize, Done)> {
        let Answer { head, done, groups } = self.all_answers(value)?;
        groups.is_none().then_some((head, done))
    }

    /// The same, or group by group.
    pub(super) fn all_answers(&self, value: &Value) -> Option<Answer> {
        let elements = value.elements();
        let Some(&Element::Of { source, .. }) = elements.first() else { return None };
        let &Kind::Answers { head, done } = self.kind(source) else { return None };
        let classes = self.heads[head].kernel.shape[1];
        let mut seen = vec![false; self.len(source)];
        let all = elements.iter().enumerate().all(|(at, element)| match element {
            Element::Of { source: own, index } if *own == source => {
                !std::mem::replace(&mut seen[*index as usize], true) && at % classes == *index as usize % classes
            }
            _ => false,
        });
        if !all || elements.len() != seen.len() {
            return None;
        }
        match value.shape[..] {
            [.., width] if width == classes => Some(Answer { head, done, groups: None }),
            [_, count, width] if count * width == classes => Some(Answer { head, done, groups: Some((count, width)) }),
            _ => None,
        }
    }

    /// Answers with a vector of weights added.
    pub(super) fn biased(&mut self, answers: &Value, bias: &Value) -> Result<Value, String> {
        let Some((head, done)) = self.answers(answers) else {
            return Err("it adds weights to something else than the answers of a dense layer".into());
        };
        if done != Done::Product {
            return Err("it adds weights to answers that have a bias".into());
        }
        let wide = bias.stretched(&answers.shape)?;
        let Data::Floats(data) = &wide.data else { return Err("it adds what are no weights".into()) };
        let classes = self.heads[head].kernel.shape[1];
        let own = data[..classes].to_vec();
        let same = data.chunks_exact(classes).all(|row| row.iter().zip(&own).all(|(a, b)| a.to_bits() == b.to_bits()));
        if !same {
            return Err("it adds other weights to each row or step".into());
        }
        self.heads[head].bias = Some((own, bias.origins.to_vec()));
        // In the order of the source, so that one check serves all.
        let done = self.source(Kind::Answers { head, done: Done::Biased }, answers.shape.clone())?;
        Ok(done)
    }

    /// A softmax over the classes.
    pub(super) fn softmax(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let value = call.input(0)?;
        let Some((head, done)) = self.answers(value) else {
            return Err("it is taken of something else than the answers of a dense layer".into());
        };
        let rank = value.shape.len();
        let along = axis(call.int("axis", if call.opset < 13 { 1 } else { -1 }), rank)?;
        if along + 1 != rank || !matches!(done, Done::Product | Done::Biased) {
            return Err("it is not taken over the classes".into());
        }
        let done = if call.node.op_type == "Softmax" { Done::Softmax } else { Done::LogSoftmax };
        self.source(Kind::Answers { head, done }, value.shape.clone())
    }

    /// The answers under an activation.
    pub(super) fn activated(&mut self, value: &Value, activation: Nonlinearity) -> Result<Value, String> {
        if let Some(front) = self.front_activated(value, activation) {
            return front;
        }
        let Some((head, Done::Product | Done::Biased)) = self.answers(value) else {
            return Err(
                "it is an activation of something else than the answers of a dense layer, which no layer here has; \
                        export the model without it, or exchange the weights as arrays"
                    .into(),
            );
        };
        self.source(Kind::Answers { head, done: Done::Activated(activation) }, value.shape.clone())
    }

    /// a σ(a) of answers a; nothing where it is no such product.
    pub(super) fn gated(&mut self, a: &Value, b: &Value) -> Option<Result<Value, String>> {
        if let Some(front) = self.front_gated(a, b) {
            return Some(front);
        }
        let plain = self_gated((a, self.answers(a)?), (b, self.answers(b)?))?;
        Some(self.activated(plain, Nonlinearity::Silu))
    }

    /// The mean or the maximum of a layer's outputs over the steps.
    pub(super) fn pooled(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let value = call.input(0)?;
        let Some([steps, rows]) = self.sizes.map(|(steps, rows)| [steps, rows]) else {
            return Err("no recurrent operator comes before it; expected the steps of one".into());
        };
        let axes = call.list("axes", 1)?.unwrap_or_default();
        let [number] = axes[..] else {
            return Err(format!("it goes over the axes {axes:?}; expected that of the steps"));
        };
        let along = axis(number, value.shape.len())?;
        let order: Vec<usize> =
            std::iter::once(along).chain((0..value.shape.len()).filter(|&at| at != along)).collect();
        let turned = value.transposed(&order);
        let width = turned.len() / (steps * rows).max(1);
        let feed = match value.shape[along] == steps {
            true => self.feed(&turned.elements(), [steps, rows, width], 0).and_then(|feed| self.whole(feed)),
            false => Err("it is no axis of steps".into()),
        };
        let feed = match feed {
            Ok(feed @ Feed::Layer { .. }) => feed,
            Ok(_) => return Err("it goes over the steps of what no recurrent layer gives".into()),
            Err(why) => return Err(format!("what it goes over cannot be told: {why}; expected the steps of a layer")),
        };
        let mut shape = value.shape.clone();
        match call.int("keepdims", 1) {
            0 => {
                shape.remove(along);
            }
            _ => shape[along] = 1,
        }
        let largest = call.node.op_type == "ReduceMax";
        self.source(Kind::Pooled { feed, largest }, shape)
    }

    /// The dense layers that end in a head, the lowest first, and how far the answers of each are.
    pub(super) fn dense_layers(&self, head: usize, done: Done) -> Vec<(usize, Done)> {
        let mut layers = vec![(head, done)];
        while let Some(below) = layers.last().and_then(|&(head, _)| self.heads[head].below) {
            layers.push(below);
        }
        layers.reverse();
        layers
    }

    /// The answers in rising order, group by group: quantiles are given so.
    pub(super) fn in_order(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let value = call.input(0)?;
        let Some(Answer { head, done: Done::Product | Done::Biased, groups: Some((_, width)) }) =
            self.all_answers(value)
        else {
            return Err("it sorts something else than the answers of a dense layer in groups".into());
        };
        let along = axis(call.int("axis", -1), value.shape.len())?;
        let rising = call.int("largest", 1) == 0 && call.int("sorted", 1) != 0;
        if along + 1 != value.shape.len() || !rising || call.known_int(1)? != width as i64 {
            return Err(format!(
                "expected all {width} answers along the last axis in rising order, as quantiles are put"
            ));
        }
        self.source(Kind::Answers { head, done: Done::Sorted }, value.shape.clone())
    }

    /// The head that the graph's outputs are the answers of.
    pub(super) fn answer(&mut self) -> Result<Answer, Error> {
        let mut found: Option<Answer> = None;
        for output in &self.graph.output {
            let Some(value) = self.value(&output.name)? else {
                return Err(not_taken(format!("output {:?}", output.name), "no node gives it"));
            };
            let Some(answer) = self.all_answers(&value) else { continue };
            match &found {
                Some(other) if other.head != answer.head => {
                    let other = &self.heads[other.head].name;
                    let why = format!("it is a second one beside {other}; a model has one head");
                    return Err(not_taken(self.heads[answer.head].name.clone(), why));
                }
                // Answers before their bias are on the way to others.
                Some(other) if other.done != Done::Product && !matches!(answer.done, Done::Activated(_)) => {}
                Some(_) if answer.done == Done::Product => {}
                _ => found = Some(answer),
            }
        }
        found.ok_or_else(|| {
            let outputs: Vec<&str> = self.graph.output.iter().map(|output| output.name.as_str()).collect();
            let why = "none of them is all the answers of a dense layer on the last layer, which a model ends in";
            not_taken(format!("the outputs {}", outputs.join(", ")), why)
        })
    }
}

/// a, where two values of one source are a and σ(a), element by element, in either order; nothing where they are not.
pub(super) fn self_gated<'v, S: PartialEq>(
    (a, (source, done)): (&'v Value, (S, Done)),
    (b, (other, other_done)): (&'v Value, (S, Done)),
) -> Option<&'v Value> {
    let sigmoid = Done::Activated(Nonlinearity::Sigmoid);
    let plain = match (done, other_done) {
        (Done::Product | Done::Biased, other) if other == sigmoid => a,
        (done, Done::Product | Done::Biased) if done == sigmoid => b,
        _ => return None,
    };
    let index = |element: &Element| match element {
        Element::Of { index, .. } => Some(*index),
        Element::Number(_) => None,
    };
    let same = a.shape == b.shape && a.elements().iter().map(index).eq(b.elements().iter().map(index));
    (source == other && same).then_some(plain)
}
