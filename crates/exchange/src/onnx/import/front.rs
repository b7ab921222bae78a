//! Layers without a state that a graph has before its recurrent ones, or between them: convolutions, pooling, dense layers at
//! every step.
//!
//! T steps, B rows, I input, O output, K steps of a window.

use elman::{Layer, Nonlinearity, StepDense, StepPool, Window};
use elman_formats::Array;

use super::feed::Feed;
use super::head::{Done, self_gated};
use super::node::Call;
use super::run::{Kind, Run};
use super::value::{Data, Element, Value, small_count};
use super::windows::Windowed;
use crate::arrays::kernel_of_filters;
use crate::{Change, Place};

/// Such a layer.
#[derive(Clone)]
pub(super) struct Front {
    /// The node, as errors call it, and where it stands.
    pub(super) name: String,
    pub(super) node: usize,
    /// Without what acts behind it.
    pub(super) layer: Layer,
    /// What it reads.
    pub(super) below: Feed,
    /// T and B of what it reads, where it takes steps together: else nothing says which axis is which.
    pub(super) sizes: Option<(usize, usize)>,
    /// O
    pub(super) width: usize,
    /// Whether its elements are in the order of an input, rows or steps first; else steps are.
    pub(super) free: bool,
    /// W [K I, O], where it came from and how.
    pub(super) kernel: Option<(Array, Vec<Place>, Vec<Change>)>,
    pub(super) bias: Option<(Vec<f32>, Vec<Place>)>,
    /// The arrays of a layer that has others.
    pub(super) own: Vec<Taken>,
    /// Whether another stands for it.
    pub(super) replaced: bool,
}

/// An array of a layer by its last name, where it came from, and how.
pub(super) type Taken = (&'static str, Array, Vec<Place>, Vec<Change>);

impl Front {
    /// The layer, under what acts behind it, and its arrays.
    pub(super) fn taken(&self, done: Done) -> (Layer, Vec<Taken>) {
        let Some((kernel, origins, changes)) = &self.kernel else { return (self.layer.clone(), self.own.clone()) };
        let phi = if let Done::Activated(phi) = done { phi } else { Nonlinearity::Identity };
        let cell = StepDense::new(kernel.shape[0], self.width).activation(phi);
        let layer = Layer { cell: cell.into(), ..self.layer.clone() };
        let (bias, from, change) = match &self.bias {
            Some((bias, from)) if done != Done::Product => (bias.clone(), from.clone(), vec![]),
            _ => (vec![0.0; self.width], vec![], vec![Change::Zeros]),
        };
        let bias = Array { shape: vec![self.width], data: bias };
        (layer, vec![("kernel", kernel.clone(), origins.clone(), changes.clone()), ("bias", bias, from, change)])
    }
}

impl Run<'_> {
    /// A convolution, or pooling, of a known sequence [B, I, T].
    pub(super) fn windows(&mut self, call: &Call<'_>, name: &str) -> Result<Value, String> {
        let op = call.node.op_type.as_str();
        if call.node.output.iter().skip(1).any(|output| !output.is_empty()) {
            return Err("its second output, where each maximum stood, is nothing that a layer here gives".into());
        }
        let kernel: Vec<usize> = match op {
            "Conv" => call.input(1)?.shape.iter().skip(2).copied().collect(),
            _ => {
                let sizes = call.ints("kernel_shape").ok_or("its kernel_shape is missing")?;
                let sizes: Option<Vec<usize>> = sizes.iter().map(|&size| usize::try_from(size).ok()).collect();
                sizes.ok_or("its kernel_shape is negative")?
            }
        };
        let windowed = Windowed::new(call, &kernel)?;
        let &[rows, input, length] = &windowed.x.shape[..] else { return Err("it has no axis of steps".into()) };
        let fill = if op == "MaxPool" { f32::NEG_INFINITY } else { 0.0 };
        let elements = windowed.x.transposed(&[2, 0, 1]).elements();
        let is_fill = |step: &[Element]| step.iter().all(|element| *element == Element::Number(fill));
        let steps = || elements.chunks(rows.saturating_mul(input).max(1));
        let front = steps().take_while(|step| is_fill(step)).count();
        let back = if front == length { 0 } else { steps().rev().take_while(|step| is_fill(step)).count() };
        let own = front..length - back;
        if own.is_empty() || rows == 0 || input == 0 {
            return Err(format!("its input has shape {:?}", call.input(0)?.shape));
        }
        if op == "AveragePool"
            && windowed.pads()
            && windowed.size > 1
            && (call.int("count_include_pad", 0) == 0 || front + back > 0)
        {
            return Err(
                "it pads and leaves that out of its means (count_include_pad=0), where every mean here is one of as \
                        many steps; export the model without padding, or with count_include_pad=True"
                    .into(),
            );
        }
        let window = windowed.window(front, back)?;
        let count = window.count(own.len());
        if count == 0 {
            let why = format!("its windows reach over {} steps, and its input has {}", window.reach(), own.len());
            return Err(why);
        }
        let read = &elements[own.start * rows * input..own.end * rows * input];
        let below = self.feed(read, [own.len(), rows, input], 0);
        let below = self.whole(below.map_err(|why| format!("its input cannot be told: {why}"))?)?;
        let (layer, width, kernel, bias) = match op {
            "Conv" => {
                let (kernel, width) = kernel_of(call, input, windowed.size)?;
                (layer_of(&kernel.0, width, window), width, Some(kernel), bias_of(call.given(2), width)?)
            }
            "MaxPool" => (Layer::new(StepPool::max(input, windowed.size)).window(window), input, None, None),
            _ => (Layer::new(StepPool::mean(input, windowed.size)).window(window), input, None, None),
        };
        let done = if bias.is_some() { Done::Biased } else { Done::Product };
        let sizes = Some((own.len(), rows));
        let front = Front {
            name: name.to_owned(),
            node: call.index,
            layer,
            below,
            sizes,
            width,
            free: false,
            kernel,
            bias,
            own: Vec::new(),
            replaced: false,
        };
        self.fronts.push(front);
        let kind = Kind::Front { front: self.fronts.len() - 1, done };
        let outputs = self.source(kind, vec![count, rows, width])?.transposed(&[1, 2, 0]);
        match windowed.flat {
            Some(at) => {
                let mut shape = outputs.shape.clone();
                shape.insert(at, 1);
                outputs.reshaped(shape)
            }
            None => Ok(outputs),
        }
    }

    /// A dense layer at every step of what is no recurrent layer's; nothing where the product is of something else.
    pub(super) fn dense_front(
        &mut self,
        call: &Call<'_>,
        name: &str,
        read: &Value,
        kernel: (Array, Vec<Place>, Vec<Change>),
    ) -> Result<Option<Value>, String> {
        let [width, outputs] = kernel.0.shape[..] else { return Ok(None) };
        let elements = read.elements();
        let Some(&Element::Of { source, .. }) = elements.first() else { return Ok(None) };
        let (below, free) = match self.kind(source) {
            Kind::Input(input) => (Feed::Input { input: *input, features_first: false }, true),
            Kind::Vectors { .. } => (Feed::Vectors(source as usize), true),
            Kind::Front { front, done } => (Feed::Front { front: *front, done: *done }, self.fronts[*front].free),
            _ => return Ok(None),
        };
        // Each step whole, wherever it stands.
        let mut places = Vec::with_capacity(elements.len() / width);
        for step in elements.chunks(width) {
            let place = match step[0] {
                Element::Of { source: own, index } if own == source && (index as usize).is_multiple_of(width) => {
                    index as usize / width
                }
                _ => return Err(self.not_whole(source)),
            };
            let whole = step
                .iter()
                .enumerate()
                .all(|(at, element)| *element == Element::Of { source, index: (place * width + at) as u32 });
            if !whole {
                return Err(self.not_whole(source));
            }
            places.push(place);
        }
        let mut sorted = places.clone();
        sorted.sort_unstable();
        if sorted.len() * width != self.len(source) || sorted.iter().enumerate().any(|(at, &place)| at != place) {
            return Err(self.not_whole(source));
        }
        small_count(&[places.len(), outputs])?;
        let layer = Layer::new(StepDense::new(width, outputs));
        let front = Front {
            name: name.to_owned(),
            node: call.index,
            layer,
            below,
            sizes: None,
            width: outputs,
            free,
            kernel: Some(kernel),
            bias: None,
            own: Vec::new(),
            replaced: false,
        };
        self.fronts.push(front);
        let kind = Kind::Front { front: self.fronts.len() - 1, done: Done::Product };
        let all = self.source(kind, vec![places.len(), outputs])?;
        let mut shape = read.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = outputs;
        }
        let from = places.iter().flat_map(|&place| place * outputs..(place + 1) * outputs);
        Ok(Some(all.moved(shape, from)))
    }

    fn not_whole(&self, source: u32) -> String {
        format!(
            "it multiplies something else than every step of {}, each whole and once, which a dense layer before the \
             recurrent ones reads",
            self.describe(source)
        )
    }

    /// Whether a value is all that such a layer gives, in whatever order.
    pub(super) fn all_of_front(&self, value: &Value) -> Option<(usize, Done)> {
        let elements = value.elements();
        let Some(&Element::Of { source, .. }) = elements.first() else { return None };
        let &Kind::Front { front, done } = self.kind(source) else { return None };
        let mut seen = vec![false; self.len(source)];
        let all = elements.iter().all(|element| match element {
            Element::Of { source: own, index } if *own == source => {
                !std::mem::replace(&mut seen[*index as usize], true)
            }
            _ => false,
        });
        (all && elements.len() == seen.len()).then_some((front, done))
    }

    /// The same elements of a layer that has come further.
    pub(super) fn further(&mut self, value: &Value, front: usize, done: Done) -> Result<Value, String> {
        let source = self.source(Kind::Front { front, done }, vec![value.len()])?;
        let Some(&Element::Of { source, .. }) = source.elements().first() else { return Err("it is empty".into()) };
        let moved = |element: &Element| match *element {
            Element::Of { index, .. } => Element::Of { source, index },
            number @ Element::Number(_) => number,
        };
        Ok(Value::flow(value.shape.clone(), value.elements().iter().map(moved).collect()))
    }

    /// With a vector of weights added, one for each output; nothing where the value is of no such layer.
    pub(super) fn front_biased(&mut self, value: &Value, bias: &Value) -> Option<Result<Value, String>> {
        let (front, done) = self.all_of_front(value)?;
        Some(self.add_bias(value, bias, front, done))
    }

    fn add_bias(&mut self, value: &Value, bias: &Value, front: usize, done: Done) -> Result<Value, String> {
        let own = &self.fronts[front];
        if done != Done::Product || own.kernel.is_none() {
            return Err(format!("it adds weights to what {} gives, which has a bias or none to have", own.name));
        }
        let wide = bias.stretched(&value.shape)?;
        let Data::Floats(numbers) = &wide.data else { return Err("it adds what are no weights".into()) };
        let mut found: Vec<Option<f32>> = vec![None; own.width];
        for (element, &number) in value.elements().iter().zip(numbers.iter()) {
            let Element::Of { index, .. } = element else { continue };
            let known = &mut found[*index as usize % own.width];
            if known.is_some_and(|known| known.to_bits() != number.to_bits()) {
                return Err("it adds other weights to each row or step".into());
            }
            *known = Some(number);
        }
        let bias_of = found.into_iter().map(|number| number.unwrap_or(0.0)).collect();
        self.fronts[front].bias = Some((bias_of, bias.origins.to_vec()));
        self.further(value, front, Done::Biased)
    }

    /// Under an activation; nothing where the value is of no such layer.
    pub(super) fn front_activated(&mut self, value: &Value, phi: Nonlinearity) -> Option<Result<Value, String>> {
        let (front, done) = self.all_of_front(value)?;
        Some(self.activate(value, phi, front, done))
    }

    fn activate(&mut self, value: &Value, phi: Nonlinearity, front: usize, done: Done) -> Result<Value, String> {
        let own = &self.fronts[front];
        if own.kernel.is_some() {
            return match done {
                Done::Product | Done::Biased => self.further(value, front, Done::Activated(phi)),
                _ => Err(format!("it is an activation of what {} gives, which has one", own.name)),
            };
        }
        // The largest number stays the largest under what rises: the activation may as well come first.
        let is_max = own.layer.cell.get().name() == "max-pool";
        match own.below {
            Feed::Front { front: below, done: of @ (Done::Product | Done::Biased) }
                if is_max && rises(phi) && self.fronts[below].kernel.is_some() =>
            {
                let turned = Front { below: Feed::Front { front: below, done: Done::Activated(phi) }, ..own.clone() };
                self.notes.push(format!(
                    "{} behind {}, which takes maxima, acts before it here, which gives the same",
                    phi.name(),
                    own.name
                ));
                debug_assert!(of != Done::Activated(phi));
                self.fronts[front].replaced = true;
                self.fronts.push(turned);
                let front = self.fronts.len() - 1;
                self.further(value, front, Done::Product)
            }
            _ => Err(format!(
                "it is an activation of what {} gives, which has none here; put it behind a convolution or a dense layer",
                own.name
            )),
        }
    }

    /// a σ(a) of what such a layer gives; nothing where it is no such product.
    pub(super) fn front_gated(&mut self, a: &Value, b: &Value) -> Option<Result<Value, String>> {
        let plain = self_gated((a, self.all_of_front(a)?), (b, self.all_of_front(b)?))?;
        self.front_activated(plain, Nonlinearity::Silu)
    }
}

/// Whether a function rises everywhere, or stays as it is.
fn rises(phi: Nonlinearity) -> bool {
    match phi {
        Nonlinearity::LeakyRelu(slope) => slope >= 0.0,
        Nonlinearity::Elu(alpha) => alpha >= 0.0,
        Nonlinearity::Relu
        | Nonlinearity::Relu6
        | Nonlinearity::Tanh
        | Nonlinearity::HardTanh
        | Nonlinearity::Sigmoid
        | Nonlinearity::Selu
        | Nonlinearity::Softplus => true,
        _ => false,
    }
}

fn layer_of(kernel: &Array, width: usize, window: Window) -> Layer {
    let layer = Layer::new(StepDense::new(kernel.shape[0], width));
    // A window of one step is a dense layer at every step.
    if window == Window::new(1) { layer } else { layer.window(window) }
}

/// W [O, I, K], with or without an axis of one element, as [K I, O].
#[expect(clippy::type_complexity, reason = "as the layer keeps it, and its width")]
fn kernel_of(call: &Call<'_>, input: usize, size: usize) -> Result<((Array, Vec<Place>, Vec<Change>), usize), String> {
    let w = call.input(1)?;
    let Data::Floats(data) = &w.data else { return Err("its W is computed while it runs; expected weights".into()) };
    let group = call.int("group", 1);
    if group != 1 {
        return Err(format!(
            "its group is {group}: each filter reads some of the features alone, which no layer here does; expected 1"
        ));
    }
    let width = w.shape[0];
    if w.shape.get(1) != Some(&input) || width == 0 || data.len() != width * input * size {
        return Err(format!("its W has shape {:?}; expected filters, {input} features and {size} steps", w.shape));
    }
    if call.ints("kernel_shape").is_some_and(|said| said.iter().product::<i64>() != size as i64) {
        return Err(format!("its kernel_shape is {:?}, that of its W {:?}", call.ints("kernel_shape"), &w.shape[2..]));
    }
    let kernel = kernel_of_filters(&Array { shape: vec![width, input, size], data: data.to_vec() });
    let changes = vec![Change::Transposed, Change::Reshaped];
    Ok(((kernel, w.origins.to_vec(), changes), width))
}

/// The bias of a convolution.
#[expect(clippy::type_complexity, reason = "numbers and where they came from")]
fn bias_of(bias: Option<&Value>, width: usize) -> Result<Option<(Vec<f32>, Vec<Place>)>, String> {
    let Some(bias) = bias else { return Ok(None) };
    match &bias.data {
        Data::Floats(data) if bias.shape == [width] => Ok(Some((data.to_vec(), bias.origins.to_vec()))),
        Data::Floats(_) => Err(format!("its B has shape {:?}; expected [{width}]", bias.shape)),
        _ => Err("its B is computed while it runs; expected weights".into()),
    }
}
