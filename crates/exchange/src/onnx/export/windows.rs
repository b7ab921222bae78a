//! Layers that read windows of steps: convolutions and pooling.
//!
//! T steps, B rows, I input, O output, K steps of a window, S from one to the next, D between its steps.

use elman::{AnyCell, Layer, Padding, Pooling, Stack, StepDense, Window};
use elman_formats::onnx::{Attribute, Element};
use elman_kernels::Nonlinearity;

use super::{Exporter, OnnxOptions, Outputs};
use crate::arrays::filters_of;
use crate::{Change, Place};

/// Whether a layer on windows is written as a graph.
///
/// # Errors
/// Why it is not.
pub(super) fn written(
    index: usize,
    layer: &Layer,
    window: Window,
    stack: &Stack,
    options: &OnnxOptions,
) -> Result<(), String> {
    if !matches!(layer.cell, AnyCell::Dense(_) | AnyCell::Pool(_)) {
        return Err("it reads windows of steps, and no operator but Conv and those that pool does".into());
    }
    if index + 1 == stack.layers.len() {
        return Err("it reads windows of steps behind the recurrent layers; elman writes those before them".into());
    }
    if options.takes_states() {
        return Err(
            "it reads windows of steps, a convolution or pooling, which have no state to be given; leave out the \
                    states"
                .into(),
        );
    }
    if options.takes_lengths() && window.padding == Padding::Same && window.stride > 1 {
        return Err("it pads each row by its own length, and an operator pads all rows alike; leave out `lengths` \
                    (--no-lengths), for rows that have all steps"
            .into());
    }
    Ok(())
}

impl Exporter<'_> {
    /// A convolution or pooling on its input [T, B, I].
    pub(super) fn windows(&mut self, index: usize, layer: &Layer, window: Window, xs: &str) -> Outputs {
        let name = |what: &str| format!("layers.{index}.{what}");
        let fill = match &layer.cell {
            AnyCell::Pool(pool) if pool.pooling == Pooling::Max => f32::NEG_INFINITY,
            _ => 0.0,
        };
        let mut read = xs.to_owned();
        // What lies past a row's end is as what is padded.
        if self.lengths.is_some() && window.reach() > 1 {
            let (mask, fill) = (self.mask(xs), self.builder.float(fill));
            read = self.builder.node("Where", &[&mask, xs, &fill], &name("filled"), vec![]);
        }
        let turned = vec![Attribute::ints("perm", &[1, 2, 0])];
        let read = self.builder.node("Transpose", &[&read], &name("features_first"), turned);
        let attributes = attributes(layer, window);
        let given = match &layer.cell {
            AnyCell::Dense(dense) => self.convolution(index, dense, window, &read, attributes),
            AnyCell::Pool(pool) => {
                let op = if pool.pooling == Pooling::Max { "MaxPool" } else { "AveragePool" };
                self.builder.node(op, &[&read], &name("pooled"), attributes)
            }
            _ => unreachable!("other cells on windows were refused"),
        };
        let back = vec![Attribute::ints("perm", &[2, 0, 1])];
        let mut sequence = self.builder.node("Transpose", &[&given], &name("outputs"), back);
        if self.lengths.is_some() {
            self.shortened(index, window);
            let (mask, zero) = (self.mask(&sequence), self.builder.float(0.0));
            sequence = self.builder.node("Where", &[&mask, &sequence, &zero], &name("inside"), vec![]);
        }
        Outputs { sequence, state: String::new(), memory: None }
    }

    /// φ(W x + b) of [B, I, T].
    fn convolution(
        &mut self,
        index: usize,
        dense: &StepDense,
        window: Window,
        read: &str,
        attributes: Vec<Attribute>,
    ) -> String {
        let name = |what: &str| format!("layers.{index}.{what}");
        let (kernel, bias) = (name("kernel"), self.weights(&name("bias")));
        let array = &self.arrays[&kernel];
        let filters = filters_of(array, window.size);
        self.builder.weights(&kernel, &filters);
        self.report.moved(
            vec![Place::new(kernel.as_str(), &array.shape)],
            vec![Place::new(kernel.as_str(), &filters.shape)],
            vec![Change::Reshaped, Change::Transposed],
        );
        let sums = self.builder.node("Conv", &[read, &kernel, &bias], &name("sums"), attributes);
        match dense.activation {
            Nonlinearity::Identity => sums,
            phi => self.activated(phi, &sums, &name("activated")),
        }
    }

    /// From here on rows have as many steps as they have windows.
    fn shortened(&mut self, index: usize, window: Window) {
        if window.keeps_steps() {
            return;
        }
        let name = |what: &str| format!("layers.{index}.{what}");
        let lengths = self.lengths.clone().unwrap_or_default();
        // ⌊(L + p − reach) / S⌋ + 1, and 0 where that is below; or ⌈L / S⌉.
        let stride = window.stride as i64;
        let more = match window.padding {
            Padding::Same | Padding::Causal => stride - 1,
            Padding::Valid => stride - window.reach() as i64,
            Padding::Ends { before, after } => stride + (before + after) as i64 - window.reach() as i64,
        };
        let (zero, more, by) = (self.builder.int(0), self.builder.int(more), self.builder.int(stride));
        let (wide, narrow) = (Element::Int64, Element::Int32);
        let to = |kind: Element| vec![Attribute::int("to", kind.code().into())];
        let builder = &mut self.builder;
        let of = builder.node("Cast", &[&lengths], &name("lengths_below"), to(wide));
        let of = builder.node("Add", &[&of, &more], &name("lengths_reached"), vec![]);
        let of = builder.node("Max", &[&of, &zero], &name("lengths_whole"), vec![]);
        let of = builder.node("Div", &[&of, &by], &name("lengths_divided"), vec![]);
        self.lengths = Some(builder.node("Cast", &[&of], &name("lengths"), to(narrow)));
        self.mask = None;
        self.steps = name("mask");
    }
}

/// What an operator says of its windows.
fn attributes(layer: &Layer, window: Window) -> Vec<Attribute> {
    let one = |name: &str, size: usize| Attribute::ints(name, &[size as i64]);
    let mut attributes = vec![one("kernel_shape", window.size)];
    if window.stride > 1 {
        attributes.push(one("strides", window.stride));
    }
    if window.dilation > 1 {
        attributes.push(one("dilations", window.dilation));
    }
    let reach = window.reach();
    let pads = match window.padding {
        Padding::Valid => None,
        Padding::Same if window.stride > 1 => {
            attributes.push(Attribute::text("auto_pad", "SAME_UPPER"));
            None
        }
        Padding::Same => Some([(reach - 1) / 2, reach - 1 - (reach - 1) / 2]),
        Padding::Causal => Some([reach - 1, 0]),
        Padding::Ends { before, after } => Some([before, after]),
    };
    if let Some(pads) = pads.filter(|pads| *pads != [0, 0]) {
        attributes.push(Attribute::ints("pads", &pads.map(|pad| pad as i64)));
    }
    if window.padding != Padding::Valid && matches!(&layer.cell, AnyCell::Pool(pool) if pool.pooling == Pooling::Mean) {
        attributes.push(Attribute::int("count_include_pad", 1));
    }
    attributes
}
