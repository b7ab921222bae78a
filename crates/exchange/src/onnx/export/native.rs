//! A layer as one native operator.

use std::collections::BTreeMap;

use elman::{Activation, AnyCell, Gru, Layer, Merge, Reset, array_prefix};
use elman_formats::Array;
use elman_formats::onnx::{Attribute, Element};

use super::{Exporter, Outputs};
use crate::arrays::stacked;
use crate::onnx::layout::{Native, chosen, is_coupled, operator, to_native};
use crate::{Change, Place};

impl Exporter<'_> {
    /// A layer on its input [T, B, I], with its initial states [D, B, …] or none.
    pub(super) fn native(&mut self, index: usize, layer: &Layer, xs: &str, initial: &[String]) -> Outputs {
        let Some(operator) = operator(&layer.cell) else { unreachable!("cells of one's own were refused") };
        let name = |what: &str| format!("layers.{index}.{what}");
        let [w, r, b, p] = self.native_weights(index, layer);
        let lengths = self.lengths.clone().unwrap_or_default();
        let given = |at: usize| initial.get(at).map_or("", String::as_str);
        let mut inputs = vec![xs, &w, &r, &b, &lengths, given(0)];
        let has_memory = layer.cell.get().memory() > 0;
        if has_memory {
            inputs.extend([given(1), &p]);
        }
        let [y, y_h, y_c] = ["Y", "Y_h", "Y_c"].map(name);
        let mut outputs = vec![y.as_str(), &y_h];
        if has_memory {
            outputs.push(&y_c);
        }
        self.builder.nodes(operator.name, &inputs, &outputs, attributes(layer, operator.name));
        let sequence = self.side_by_side(index, layer, &y);
        let [mut state, mut memory] = [y_h, y_c];
        // Of a row without steps ONNX Runtime says that its final state is zero.
        if self.lengths.is_some() && !initial.is_empty() {
            state = self.or_initial(&state, given(0));
            if has_memory {
                memory = self.or_initial(&memory, given(1));
            }
        }
        Outputs { sequence, state, memory: has_memory.then_some(memory) }
    }

    /// W, R, B and P of all directions; P's name is empty where there is none.
    fn native_weights(&mut self, index: usize, layer: &Layer) -> [String; 4] {
        let Some(operator) = operator(&layer.cell) else { unreachable!("cells of one's own were refused") };
        let prefixes: Vec<String> =
            (0..layer.directions()).map(|direction| array_prefix(index, layer.directions(), direction)).collect();
        let arrays = self.arrays;
        let of = |prefix: &String| {
            let own = |(name, array): (&'static str, _)| (name, array);
            let entries = layer.cell.get().layout().entries;
            let own: BTreeMap<&str, &Array> =
                entries.iter().map(|entry| own((entry.name, &arrays[&format!("{prefix}{}", entry.name)]))).collect();
            to_native(&operator, &own)
        };
        let natives: Vec<Native> = prefixes.iter().map(of).collect();
        let gates = operator.names.map(|(from, to)| Change::Gates { from, to });
        let zeros = is_coupled(&layer.cell);
        let after = matches!(layer.cell, AnyCell::Gru(Gru { reset: Reset::After, .. }));
        let mut put = |what: &str, from: &[&str], array: fn(&Native) -> Option<&Array>, mut changes: Vec<Change>| {
            let parts: Vec<Array> = natives.iter().filter_map(array).map(with_axis).collect();
            let Some(first) = parts.first() else { return String::new() };
            let joined = stacked(&parts.iter().collect::<Vec<_>>());
            debug_assert_eq!(first.shape[0], 1);
            let name = format!("layers.{index}.{what}");
            self.builder.weights(&name, &joined);
            changes.push(if parts.len() > 1 { Change::Joined } else { Change::Reshaped });
            let places = prefixes.iter().flat_map(|prefix| from.iter().map(move |name| format!("{prefix}{name}")));
            let places = places.map(|name| Place::new(name.clone(), &arrays[&name].shape)).collect();
            self.report.moved(places, vec![Place::new(name.clone(), &joined.shape)], changes);
            name
        };
        let turned =
            || gates.iter().cloned().chain(zeros.then_some(Change::Zeros)).chain([Change::Transposed]).collect();
        let w = put("W", &["kernel"], |native| Some(&native.w), turned());
        let r = put("R", &["recurrent_kernel"], |native| Some(&native.r), turned());
        let biases: &[&str] = if after { &["bias", "recurrent_bias"] } else { &["bias"] };
        // The second half of B, or the most of it, is zeros.
        let changes = gates.iter().cloned().chain([Change::Zeros]).collect();
        let b = put("B", biases, |native| Some(&native.b), changes);
        let order = Change::Gates { from: "i f o", to: "i o f" };
        let changes = if zeros { vec![Change::Zeros] } else { vec![order] };
        let p = put("P", &["peepholes"], |native| native.p.as_ref(), changes);
        [w, r, b, p]
    }

    /// Y [T, D, B, H] as [T, B, O].
    fn side_by_side(&mut self, index: usize, layer: &Layer, y: &str) -> String {
        let name = format!("layers.{index}.outputs");
        let builder = &mut self.builder;
        let one = builder.ints(&[1]);
        match layer.bidirectional {
            None => builder.node("Squeeze", &[y, &one], &name, vec![]),
            Some(Merge::Sum) => builder.node("ReduceSum", &[y, &one], &name, vec![Attribute::int("keepdims", 0)]),
            Some(Merge::Average | Merge::Multiply) => unreachable!("merges without an operator were refused"),
            Some(Merge::Concat) => {
                let rows_first = vec![Attribute::ints("perm", &[0, 2, 1, 3])];
                let turned = builder.node("Transpose", &[y], &format!("layers.{index}.directions"), rows_first);
                let shape = builder.ints(&[0, 0, layer.output() as i64]);
                builder.node("Reshape", &[&turned, &shape], &name, vec![])
            }
        }
    }

    /// The final state, or the initial one of rows without steps.
    fn or_initial(&mut self, last: &str, initial: &str) -> String {
        let lengths = self.lengths.clone().unwrap_or_default();
        let builder = &mut self.builder;
        let empty = "lengths.empty";
        if !builder.graph.node.iter().any(|node| node.name == empty) {
            let (zero, axes) = (builder.int(0), builder.ints(&[0, 2]));
            let wide = vec![Attribute::int("to", Element::Int64.code().into())];
            let wide = builder.node("Cast", &[&lengths], "lengths.wide", wide);
            let flags = builder.node("Equal", &[&wide, &zero], "lengths.are_zero", vec![]);
            builder.node("Unsqueeze", &[&flags, &axes], empty, vec![]);
        }
        builder.node("Where", &[empty, initial, last], &format!("{last}.kept"), vec![])
    }
}

/// With an axis of directions in front.
fn with_axis(array: &Array) -> Array {
    Array { shape: [&[1], array.shape.as_slice()].concat(), data: array.data.clone() }
}

fn attributes(layer: &Layer, operator: &str) -> Vec<Attribute> {
    let cell = layer.cell.get();
    let mut attributes = vec![Attribute::int("hidden_size", cell.output() as i64)];
    if layer.directions() > 1 {
        attributes.push(Attribute::text("direction", "bidirectional"));
    }
    if let Some((gates, phi)) = chosen(&layer.cell) {
        let shown = matches!(layer.cell, AnyCell::Lstm(_)).then_some(phi);
        let one: Vec<Activation> = gates.into_iter().chain([phi]).chain(shown).collect();
        let all: Vec<_> = one.repeat(layer.directions()).into_iter().map(named).collect();
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        attributes.push(Attribute::texts("activations", &names));
        let constants: Vec<[f32; 2]> = all.iter().filter_map(|(_, constants)| *constants).collect();
        if !constants.is_empty() {
            for (of, name) in ["activation_alpha", "activation_beta"].into_iter().enumerate() {
                let values: Vec<f32> = constants.iter().map(|constants| constants[of]).collect();
                attributes.push(Attribute::floats(name, &values));
            }
        }
    }
    if operator == "GRU" {
        let after = matches!(layer.cell, AnyCell::Gru(Gru { reset: Reset::After, .. }));
        attributes.push(Attribute::int("linear_before_reset", after.into()));
    }
    if is_coupled(&layer.cell) {
        attributes.push(Attribute::int("input_forget", 1));
    }
    attributes
}

/// A function by its name in `activations`, with α and β where it has them.
fn named(phi: Activation) -> (&'static str, Option<[f32; 2]>) {
    match phi {
        Activation::Tanh => ("Tanh", None),
        Activation::Relu => ("Relu", None),
        Activation::Sigmoid => ("Sigmoid", None),
        Activation::HardSigmoid | Activation::HardSigmoidKeras2 => ("HardSigmoid", Some([slope(phi), 0.5])),
        Activation::Linear => ("Affine", Some([1.0, 0.0])),
    }
}

/// α of a hard sigmoid.
pub(super) fn slope(phi: Activation) -> f32 {
    phi.nonlinearity().constant().unwrap_or(0.2)
}
