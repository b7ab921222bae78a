//! A layer as loops of basic operators, one for each direction: for what native operators do not compute.
//!
//! The body of a loop is one step of all rows: h and c in, x_t in, and whether each row has the step; h and c out, and the
//! output. Weights are those of the graph around it, by our names and in our layout.

use elman::{AnyCell, Layer, array_prefix};
use elman_formats::onnx::Attribute;

use super::{Exporter, Outputs};
use crate::onnx::builder::{Axis, Builder};
use crate::onnx::export::step::Step;

impl Exporter<'_> {
    /// A layer on its input [T, B, I], with its initial states [D, B, …] or none.
    pub(super) fn scans(&mut self, index: usize, layer: &Layer, xs: &str, initial: &[String]) -> Outputs {
        let directions: Vec<Outputs> =
            (0..layer.directions()).map(|direction| self.scan(index, layer, direction, xs, initial)).collect();
        let sequence = match (layer.bidirectional, &directions[..]) {
            (Some(merge), [forward, backward]) => self.merge(index, merge, [&forward.sequence, &backward.sequence]),
            _ => directions[0].sequence.clone(),
        };
        let states: Vec<&str> = directions.iter().map(|outputs| outputs.state.as_str()).collect();
        let state =
            self.builder.node("Concat", &states, &format!("layers.{index}.Y_h"), vec![Attribute::int("axis", 0)]);
        let memories: Vec<&str> = directions.iter().filter_map(|outputs| outputs.memory.as_deref()).collect();
        let memory = (!memories.is_empty()).then(|| {
            self.builder.node("Concat", &memories, &format!("layers.{index}.Y_c"), vec![Attribute::int("axis", 0)])
        });
        Outputs { sequence, state, memory }
    }

    /// One direction: outputs [T, B, P], final states [1, B, …].
    fn scan(&mut self, index: usize, layer: &Layer, direction: usize, xs: &str, initial: &[String]) -> Outputs {
        let (cell, prefix) = (layer.cell.get(), array_prefix(index, layer.directions(), direction));
        for entry in cell.layout().entries {
            self.weights(&format!("{prefix}{}", entry.name));
        }
        let widths = [("h", cell.output()), ("c", cell.memory())];
        let states: Vec<(&str, usize)> = widths.into_iter().filter(|&(_, width)| width > 0).collect();
        let mask = self.lengths.is_some().then(|| self.mask(xs));
        let first: Vec<String> = states
            .iter()
            .enumerate()
            .map(|(at, &(name, width))| match initial.get(at) {
                Some(given) => {
                    let which = self.builder.int(direction as i64);
                    self.builder.node("Gather", &[given, &which], &format!("{prefix}{name}_0"), vec![])
                }
                None => self.zero_state(&format!("{prefix}{name}_0"), width, xs),
            })
            .collect();
        let reversed = direction == 1;
        let mut xs = xs.to_owned();
        if reversed && mask.is_some() {
            xs = self.turned_round(&xs, &format!("{prefix}steps"));
        }

        let body = self.body(layer, &prefix, &states, mask.is_some());
        let mut attributes = vec![Attribute::graph("body", body)];
        attributes.push(Attribute::int("num_scan_inputs", 1 + i64::from(mask.is_some())));
        if reversed && mask.is_none() {
            attributes.push(Attribute::ints("scan_input_directions", &[1]));
            attributes.push(Attribute::ints("scan_output_directions", &[1]));
        }
        let mut inputs: Vec<&str> = first.iter().map(String::as_str).collect();
        inputs.push(&xs);
        inputs.extend(mask.as_deref());
        let last: Vec<String> = states.iter().map(|(name, _)| format!("{prefix}{name}_last")).collect();
        let mut sequence = format!("{prefix}hs");
        let mut outputs: Vec<&str> = last.iter().map(String::as_str).collect();
        outputs.push(&sequence);
        self.builder.nodes("Scan", &inputs, &outputs, attributes);

        if reversed && mask.is_some() {
            sequence = self.turned_round(&sequence, &format!("{prefix}hs_in_order"));
        }
        let front = self.builder.ints(&[0]);
        let mut with_direction =
            |last: &String| self.builder.node("Unsqueeze", &[last, &front], &format!("{last}.direction"), vec![]);
        let state = with_direction(&last[0]);
        let memory = last.get(1).map(with_direction);
        Outputs { sequence, state, memory }
    }

    /// Zeros [B, width].
    fn zero_state(&mut self, name: &str, width: usize, xs: &str) -> String {
        let builder = &mut self.builder;
        let (front, behind, zero) = (builder.ints(&[1]), builder.ints(&[width as i64]), builder.float(0.0));
        let shape = builder.node("Shape", &[xs], &format!("{name}.of"), vec![]);
        let rows = builder.node("Gather", &[&shape, &front], &format!("{name}.rows"), vec![]);
        let shape =
            builder.node("Concat", &[&rows, &behind], &format!("{name}.shape"), vec![Attribute::int("axis", 0)]);
        builder.node("Expand", &[&zero, &shape], name, vec![])
    }

    /// Each row of [T, B, …] from its own last step to its first.
    fn turned_round(&mut self, xs: &str, name: &str) -> String {
        let attributes = vec![Attribute::int("batch_axis", 1), Attribute::int("time_axis", 0)];
        // The lengths as the mask has them, which every loop with lengths reads.
        self.builder.node("ReverseSequence", &[xs, &format!("{}.lengths", self.steps)], name, attributes)
    }

    /// The graph of one step.
    fn body(
        &mut self,
        layer: &Layer,
        prefix: &str,
        states: &[(&str, usize)],
        masked: bool,
    ) -> elman_formats::onnx::Graph {
        use elman_formats::onnx::Element::{Bool, Float};

        let mut inner = Builder::default();
        inner.graph.name = format!("{prefix}step");
        for (name, width) in states {
            inner.input(&format!("{prefix}{name}"), Float, &[Axis::Open, Axis::Of(*width)]);
        }
        let x = inner.input(&format!("{prefix}x"), Float, &[Axis::Open, Axis::Of(layer.input())]);
        let has_step = masked.then(|| inner.input(&format!("{prefix}has_step"), Bool, &[Axis::Open, Axis::Of(1)]));

        let mut step = Step { outer: &mut self.builder, inner: &mut inner, prefix };
        let new = match &layer.cell {
            AnyCell::Rnn(rnn) => vec![step.rnn(rnn, &x)],
            AnyCell::IndRnn(rnn) => vec![step.indrnn(rnn, &x)],
            AnyCell::Lstm(lstm) => step.lstm(lstm, &x).into(),
            AnyCell::Gru(gru) => vec![step.gru(gru, &x)],
            AnyCell::Dense(_) | AnyCell::LayerNorm(_) | AnyCell::Scale(_) | AnyCell::Pool(_) | AnyCell::Custom(_) => {
                unreachable!("layers without an operator were refused")
            }
        };
        let noise = layer.cell.get().noise();
        let mut next = Vec::new();
        for ((new, &(name, _)), p) in new.into_iter().zip(states).zip([noise.zoneout, noise.memory_zoneout]) {
            let old = format!("{prefix}{name}");
            let zoned = step.zoneout(name, &old, new, p);
            next.push(match &has_step {
                Some(has_step) => step.node("Where", &[has_step, &zoned, &old], &format!("{name}_kept"), vec![]),
                None => zoned,
            });
        }
        let zero = step.outer.float(0.0);
        let output = match &has_step {
            Some(has_step) => step.node("Where", &[has_step, &next[0], &zero], "output", vec![]),
            // An output of its own: a value may leave a body once.
            None => step.node("Identity", &[&next[0]], "output", vec![]),
        };
        for (name, (_, width)) in next.iter().zip(states) {
            inner.output(name, Float, &[Axis::Open, Axis::Of(*width)]);
        }
        inner.output(&output, Float, &[Axis::Open, Axis::Of(layer.cell.get().output())]);
        inner.graph
    }
}
