//! The head of a model, and the outputs of a graph.

use elman::{Layer, Link, Model, Predicts, Quantiles, Reads};
use elman_formats::onnx::{Attribute, Element};
use elman_kernels::Nonlinearity;

use super::{BATCH, Exporter, Outputs};
use crate::onnx::activation;
use crate::onnx::builder::Axis;

impl Exporter<'_> {
    /// The head on the last layer, `time` the steps of the graph's input.
    pub(super) fn head(&mut self, model: &Model, layer: &Layer, outputs: &Outputs, time: Axis) {
        let mut read = match model.head().reads {
            Reads::LastState => self.last_state(layer, &outputs.state),
            reads @ (Reads::Mean | Reads::Max) => self.pooled(reads, &outputs.sequence),
            Reads::Attention => self.attended(&outputs.sequence),
            Reads::EveryStep => {
                let by_rows = vec![Attribute::ints("perm", &[1, 0, 2])];
                self.builder.node("Transpose", &[&outputs.sequence], "head.input", by_rows)
            }
        };
        for (index, layer) in model.head().hidden.iter().enumerate() {
            let name = |what: &str| format!("head.{index}.{what}");
            let [kernel, bias] = ["kernel", "bias"].map(|what| self.weights(&name(what)));
            let product = self.builder.node("MatMul", &[&read, &kernel], &name("product"), vec![]);
            let sums = self.builder.node("Add", &[&product, &bias], &name("sums"), vec![]);
            read = self.activated(layer.activation, &sums, &name("output"));
        }
        let [kernel, bias] = ["head.kernel", "head.bias"].map(|name| self.weights(name));
        let product = self.builder.node("MatMul", &[&read, &kernel], "head.product", vec![]);
        let width = Axis::Of(model.head().outputs());
        let axes = match model.head().reads {
            Reads::LastState | Reads::Mean | Reads::Max | Reads::Attention => vec![BATCH, width],
            Reads::EveryStep => vec![BATCH, time, width],
        };
        match &model.head().predicts {
            Predicts::Classes(_) => {
                let logits = self.builder.node("Add", &[&product, &bias], "logits", vec![]);
                let last = vec![Attribute::int("axis", -1)];
                let probabilities = self.builder.node("Softmax", &[&logits], "probabilities", last);
                self.builder.output(&logits, Element::Float, &axes);
                self.builder.output(&probabilities, Element::Float, &axes);
            }
            Predicts::Values(values) => {
                let answers = match values.link {
                    Link::Identity => self.builder.node("Add", &[&product, &bias], "values", vec![]),
                    Link::Sigmoid => {
                        let sums = self.builder.node("Add", &[&product, &bias], "head.sums", vec![]);
                        self.builder.node("Sigmoid", &[&sums], "values", vec![])
                    }
                };
                self.builder.output(&answers, Element::Float, &axes);
            }
            Predicts::Quantiles(quantiles) => self.quantiles(quantiles, &product, &bias),
        }
    }

    /// φ of some sums.
    pub(super) fn activated(&mut self, activation: Nonlinearity, sums: &str, output: &str) -> String {
        let limits = match activation {
            Nonlinearity::HardTanh => [-1.0, 1.0],
            Nonlinearity::Relu6 => [0.0, 6.0],
            _ => match activation::operator(activation) {
                Some((op, attributes)) => return self.builder.node(op, &[sums], output, attributes),
                // a σ(a)
                None => {
                    let gate = self.builder.node("Sigmoid", &[sums], &format!("{output}.gate"), vec![]);
                    return self.builder.node("Mul", &[sums, &gate], output, vec![]);
                }
            },
        };
        let [low, high] = limits.map(|limit| self.builder.float(limit));
        self.builder.node("Clip", &[sums, &low, &high], output, vec![])
    }

    /// The mean or the maximum over the steps of each row, of [T, B, O]: zeros for a row without a step.
    fn pooled(&mut self, reads: Reads, sequence: &str) -> String {
        let first = self.builder.ints(&[0]);
        let whole = vec![Attribute::int("keepdims", 0)];
        let op = if reads == Reads::Mean { "ReduceMean" } else { "ReduceMax" };
        if self.lengths.is_none() {
            return self.builder.node(op, &[sequence, &first], "head.input", whole);
        }
        let mask = self.mask(sequence);
        let ends = &format!("{}.ends", self.steps);
        if reads == Reads::Mean {
            let (one, float) = (self.builder.int(1), Attribute::int("to", Element::Float.code().into()));
            // What lies past a row's end is zero.
            let sums = self.builder.node("ReduceSum", &[sequence, &first], "head.sum", whole);
            let steps = self.builder.node("Max", &[ends, &one], "head.steps", vec![]);
            let steps = self.builder.node("Cast", &[&steps], "head.count", vec![float]);
            return self.builder.node("Div", &[&sums, &steps], "head.input", vec![]);
        }
        let (least, zero, none) = (self.builder.float(f32::NEG_INFINITY), self.builder.int(0), self.builder.float(0.0));
        let inside = self.builder.node("Where", &[&mask, sequence, &least], "head.inside", vec![]);
        let most = self.builder.node(op, &[&inside, &first], "head.most", whole);
        let any = self.builder.node("Less", &[&zero, ends], "head.any", vec![]);
        self.builder.node("Where", &[&any, &most, &none], "head.input", vec![])
    }

    /// The mean over the steps of each row, of [T, B, O], weighted by a softmax over them: zeros for a row without a step.
    fn attended(&mut self, sequence: &str) -> String {
        let [kernel, bias, context] =
            ["kernel", "bias", "context"].map(|what| self.weights(&format!("head.attention.{what}")));
        let mut node = |op: &str, inputs: &[&str], name: &str, attributes: Vec<Attribute>| {
            self.builder.node(op, inputs, &format!("head.attention.{name}"), attributes)
        };
        let product = node("MatMul", &[sequence, &kernel], "product", vec![]);
        let sums = node("Add", &[&product, &bias], "sums", vec![]);
        let units = node("Tanh", &[&sums], "units", vec![]);
        let terms = node("Mul", &[&units, &context], "terms", vec![]);
        let [first, last] = [0, -1].map(|axis| self.builder.ints(&[axis]));
        let kept = vec![Attribute::int("keepdims", 1)];
        let mut scores = self.builder.node("ReduceSum", &[&terms, &last], "head.attention.scores", kept);
        if self.lengths.is_some() {
            let mask = self.mask(sequence);
            // Finite, so that a row without a step has no weight that is no number. Its outputs are zero.
            let least = self.builder.float(f32::MIN);
            scores = self.builder.node("Where", &[&mask, &scores, &least], "head.attention.inside", vec![]);
        }
        let over_steps = vec![Attribute::int("axis", 0)];
        let weights = self.builder.node("Softmax", &[&scores], "head.attention.weights", over_steps);
        let weighted = self.builder.node("Mul", &[&weights, sequence], "head.attention.weighted", vec![]);
        let whole = vec![Attribute::int("keepdims", 0)];
        self.builder.node("ReduceSum", &[&weighted, &first], "head.input", whole)
    }

    /// The final states [D, B, P] side by side [B, D P].
    fn last_state(&mut self, layer: &Layer, state: &str) -> String {
        let builder = &mut self.builder;
        if layer.directions() == 1 {
            let first = builder.ints(&[0]);
            return builder.node("Squeeze", &[state, &first], "head.input", vec![]);
        }
        let rows_first = vec![Attribute::ints("perm", &[1, 0, 2])];
        let turned = builder.node("Transpose", &[state], "head.states", rows_first);
        let width = 2 * layer.cell.get().output() as i64;
        let shape = builder.ints(&[0, width]);
        builder.node("Reshape", &[&turned, &shape], "head.input", vec![])
    }

    fn quantiles(&mut self, quantiles: &Quantiles, product: &str, bias: &str) {
        let (horizon, levels) = (quantiles.horizon, quantiles.levels.len());
        let shape = self.builder.ints(&[0, horizon as i64, levels as i64]);
        let flat = self.builder.node("Add", &[product, bias], "head.answers", vec![]);
        let name = if self.units.is_some() { "quantiles.scaled" } else { "quantiles" };
        if levels == 1 {
            self.builder.node("Reshape", &[&flat, &shape], name, vec![]);
        } else {
            let crossing = self.builder.node("Reshape", &[&flat, &shape], "head.crossing", vec![]);
            let count = self.builder.ints(&[levels as i64]);
            let rising = vec![Attribute::int("axis", -1), Attribute::int("largest", 0), Attribute::int("sorted", 1)];
            self.builder.nodes("TopK", &[&crossing, &count], &[name, "quantiles.order"], rising);
            self.report
                .notes
                .push("quantiles that cross are put in order by TopK, as elman does when it predicts".into());
        }
        self.in_units(name);
        self.builder.output("quantiles", Element::Float, &[BATCH, Axis::Of(horizon), Axis::Of(levels)]);
    }
}
