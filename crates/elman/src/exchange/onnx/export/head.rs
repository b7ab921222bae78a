//! The head of a model, and the outputs of a graph.

use elman_formats::onnx::{Attribute, Element};

use super::{BATCH, Exporter, Outputs};
use crate::Model;
use crate::exchange::onnx::builder::Axis;
use crate::head::{Predicts, Quantiles, Reads};
use crate::layer::Layer;

impl Exporter<'_> {
    /// The head on the last layer, `time` the steps of the graph's input.
    pub(super) fn head(&mut self, model: &Model, layer: &Layer, outputs: &Outputs, time: Axis) {
        let read = match model.head().reads {
            Reads::LastState => self.last_state(layer, &outputs.state),
            Reads::Mean | Reads::Max => unreachable!("heads that take steps together were refused"),
            Reads::EveryStep => {
                let by_rows = vec![Attribute::ints("perm", &[1, 0, 2])];
                self.builder.node("Transpose", &[&outputs.sequence], "head.input", by_rows)
            }
        };
        let [kernel, bias] = ["head.kernel", "head.bias"].map(|name| self.weights(name));
        let product = self.builder.node("MatMul", &[&read, &kernel], "head.product", vec![]);
        match &model.head().predicts {
            Predicts::Classes(classes) => {
                let axes = match model.head().reads {
                    Reads::LastState | Reads::Mean | Reads::Max => vec![BATCH, Axis::Of(*classes)],
                    Reads::EveryStep => vec![BATCH, time, Axis::Of(*classes)],
                };
                let logits = self.builder.node("Add", &[&product, &bias], "logits", vec![]);
                let last = vec![Attribute::int("axis", -1)];
                let probabilities = self.builder.node("Softmax", &[&logits], "probabilities", last);
                self.builder.output(&logits, Element::Float, &axes);
                self.builder.output(&probabilities, Element::Float, &axes);
            }
            Predicts::Values(_) => unreachable!("heads of values were refused"),
            Predicts::Quantiles(quantiles) => self.quantiles(quantiles, &product, &bias),
        }
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
        if levels == 1 {
            self.builder.node("Reshape", &[&flat, &shape], "quantiles", vec![]);
        } else {
            let crossing = self.builder.node("Reshape", &[&flat, &shape], "head.crossing", vec![]);
            let count = self.builder.ints(&[levels as i64]);
            let rising = vec![Attribute::int("axis", -1), Attribute::int("largest", 0), Attribute::int("sorted", 1)];
            self.builder.nodes("TopK", &[&crossing, &count], &["quantiles", "quantiles.order"], rising);
            self.report
                .notes
                .push("quantiles that cross are put in order by TopK, as elman does when it predicts".into());
        }
        self.builder.output("quantiles", Element::Float, &[BATCH, Axis::Of(horizon), Axis::Of(levels)]);
    }
}
