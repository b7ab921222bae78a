//! A graph is interpreted with a few rows and steps, where every element says where it comes from. So it does not matter with
//! which operators an exporter puts tensors in shape: what counts is what the recurrent operators and the head read.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use elman_formats::Array;
use elman_formats::onnx::{
    Dimension, DimensionValue, Element as Type, File, Graph, Tensor, TypeValue, ValueInfo, Values,
};

use elman_kernels::Nonlinearity;

use super::feed::Feed;
use super::front::Front;
use super::head::{Done, HeadFound};
use super::node::{Call, describe};
use super::track::Track;
use super::value::{Data, Element, Value, axis, common_shape};
use super::{arithmetic, glue};
use crate::Error;
use crate::Place;
use crate::onnx::not_taken;

/// Most elements that all operators together may read and give, beside the weights: bounds the time.
const WORK_MAX: usize = 1 << 25;

/// Most floats of all weights.
const WEIGHTS_MAX: usize = 1 << 30;

/// Where elements come from.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// An input of the graph.
    Input(usize),
    /// An input of the graph as whole numbers, which is not the same of one that holds floats, and the node that cut it.
    Whole(usize, String),
    /// The vectors of an embedding for the tokens of an input.
    Vectors { table: Array, origins: Vec<Place>, tokens: usize },
    /// The outputs of a track [T, B, H].
    Sequence(usize),
    /// The final h of a track [B, H].
    State(usize),
    /// The final c of a track.
    Memory(usize),
    /// Sums of two elements.
    Sums(Rc<Vec<(Element, Element)>>),
    /// The mean of a layer's outputs over the steps [B, H], or the largest.
    Pooled { feed: Feed, largest: bool },
    /// What a layer without a state gives [.., O], and how far it is.
    Front { front: usize, done: Done },
    /// What a head gives, and how far it is.
    Answers { head: usize, done: Done },
}

/// An interpretation of a graph.
pub(super) struct Run<'a> {
    file: &'a File,
    pub(super) graph: &'a Graph,
    opset: i64,
    initializers: HashMap<&'a str, &'a Tensor>,
    values: HashMap<String, Value>,
    sources: Vec<(Kind, usize)>,
    pub(super) tracks: Vec<Track>,
    /// What each track reads.
    pub(super) feeds: Vec<Feed>,
    /// Layers without a state before the recurrent ones, or between them.
    pub(super) fronts: Vec<Front>,
    pub(super) heads: Vec<HeadFound>,
    /// What was left out.
    pub(super) notes: Vec<String>,
    /// T and B, as the recurrent operators have them.
    pub(super) sizes: Option<(usize, usize)>,
    /// The inputs that are the lengths of rows.
    pub(super) lengths: Vec<u32>,
    /// What an axis of an input has been taken for where nothing is said.
    pub(super) open: usize,
    work: usize,
    weights: usize,
}

impl<'a> Run<'a> {
    /// Interprets a graph whose first axis is taken to be `first`, its second `second`, where they are not fixed.
    pub(super) fn new(file: &'a File, graph: &'a Graph, first: usize, second: usize) -> Result<Self, Error> {
        let mut initializers = HashMap::new();
        for tensor in &graph.initializer {
            if initializers.insert(tensor.name.as_str(), tensor).is_some() {
                return Err(not_taken(format!("initializer {:?}", tensor.name), "there are two of that name"));
            }
        }
        let mut run = Run {
            file,
            graph,
            opset: opset(file),
            initializers,
            values: HashMap::new(),
            sources: Vec::new(),
            tracks: Vec::new(),
            feeds: Vec::new(),
            fronts: Vec::new(),
            heads: Vec::new(),
            notes: Vec::new(),
            sizes: None,
            lengths: Vec::new(),
            open: first,
            work: 0,
            weights: 0,
        };
        run.inputs(first, second)?;
        for (index, node) in graph.node.iter().enumerate() {
            run.node(index, node)?;
        }
        Ok(run)
    }

    pub(super) fn kind(&self, source: u32) -> &Kind {
        &self.sources[source as usize].0
    }

    /// Elements of a source.
    pub(super) fn len(&self, source: u32) -> usize {
        self.sources[source as usize].1
    }

    /// What a source is, in words.
    pub(super) fn describe(&self, source: u32) -> String {
        match self.kind(source) {
            Kind::Input(input) => format!("the input {:?}", self.graph.input[*input].name),
            Kind::Whole(input, node) => {
                format!("the input {:?}, cut to whole numbers by {node}", self.graph.input[*input].name)
            }
            Kind::Vectors { .. } => "the vectors of tokens".into(),
            Kind::Sequence(track) => format!("the outputs of {}", self.tracks[*track].name),
            Kind::State(track) => format!("the final state of {}", self.tracks[*track].name),
            Kind::Memory(track) => format!("the final memory of {}", self.tracks[*track].name),
            Kind::Sums(_) => "a sum".into(),
            Kind::Pooled { largest, .. } => {
                format!("the {} over the steps", if *largest { "maximum" } else { "mean" })
            }
            Kind::Front { front, .. } => format!("what {} gives", self.fronts[*front].name),
            Kind::Answers { head, .. } => format!("the answers of {}", self.heads[*head].name),
        }
    }

    /// Whether an input of the graph has axes whose length was taken to be [`Self::open`].
    pub(super) fn has_open_axes(&self, input: usize) -> bool {
        let of = self.graph.input[input].r#type.as_ref().and_then(|of| of.value.as_ref());
        let Some(TypeValue::Tensor(tensor)) = of else { return true };
        let is_fixed = |axis: &Dimension| matches!(axis.value, Some(DimensionValue::Length(_)));
        !tensor.shape.as_ref().is_some_and(|shape| shape.dim.iter().all(is_fixed))
    }

    /// A new source, all of it in a shape.
    pub(super) fn source(&mut self, kind: Kind, shape: Vec<usize>) -> Result<Value, String> {
        let value = Value::of_source(self.sources.len() as u32, shape)?;
        self.sources.push((kind, value.len()));
        Ok(value)
    }

    /// The graph's inputs, as sources of the sizes that they have.
    fn inputs(&mut self, first: usize, second: usize) -> Result<(), Error> {
        let given = |name: &str| self.initializers.contains_key(name);
        for (index, shape) in input_shapes(self.graph, &given, [first, second], first)? {
            let name = &self.graph.input[index].name;
            let value = self.source(Kind::Input(index), shape).map_err(|why| bad_input(name, why))?;
            self.values.insert(name.clone(), value);
        }
        Ok(())
    }

    /// A constant of the file.
    fn constant(&mut self, tensor: &Tensor) -> Result<Value, Error> {
        constant_of(self.file, tensor, &mut self.weights)
    }

    /// A value by its name.
    pub(super) fn value(&mut self, name: &str) -> Result<Option<Value>, Error> {
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let Some(&tensor) = self.initializers.get(name) else { return Ok(None) };
        let value = self.constant(tensor)?;
        self.values.insert(name.to_owned(), value.clone());
        Ok(Some(value))
    }

    fn node(&mut self, index: usize, node: &elman_formats::onnx::Node) -> Result<(), Error> {
        let name = describe(node, index);
        let bad = |why: String| not_taken(name.clone(), why);
        let mut inputs = Vec::with_capacity(node.input.len());
        for input in &node.input {
            inputs.push(match input.as_str() {
                "" => None,
                input => Some(self.value(input)?.ok_or_else(|| {
                    bad(format!("it reads {input:?}, which nothing before it gives: it is missing, or comes later"))
                })?),
            });
        }
        if !(node.domain.is_empty() || node.domain == "ai.onnx") {
            return Err(bad(super::refusals::of_other_set(node)));
        }
        self.spend(inputs.iter().flatten().map(Value::len).sum::<usize>() + 1).map_err(bad)?;
        if let Some(tensor) =
            node.attribute.iter().find(|attribute| attribute.name == "value").and_then(|a| a.t.as_ref())
            && matches!(node.op_type.as_str(), "Constant" | "ConstantOfShape")
        {
            inputs.push(Some(self.constant(tensor)?));
        }
        if compares(&node.op_type) {
            inputs.iter_mut().flatten().for_each(|value| self.with_whole_lengths(value));
        }
        let call = Call { node, index, inputs, opset: self.opset };
        let outputs = self.call(&call, &name).map_err(bad)?;
        self.spend(outputs.iter().map(Value::len).sum::<usize>()).map_err(bad)?;
        for (output, value) in node.output.iter().zip(outputs).filter(|(output, _)| !output.is_empty()) {
            if self.initializers.contains_key(output.as_str()) || self.values.insert(output.clone(), value).is_some() {
                return Err(bad(format!("it gives {output:?}, which there is already")));
            }
        }
        Ok(())
    }

    pub(super) fn spend(&mut self, elements: usize) -> Result<(), String> {
        self.work = self.work.saturating_add(elements);
        // Weights may go through a few operators each.
        let most = WORK_MAX.saturating_add(self.weights.saturating_mul(8));
        if self.work > most { Err("the graph moves more elements than any exporter's".into()) } else { Ok(()) }
    }

    fn call(&mut self, call: &Call<'_>, name: &str) -> Result<Vec<Value>, String> {
        if call.node.op_type == "Cast"
            && let Some(Value { data: Data::Flow(elements), .. }) = call.given(0)
        {
            return self.cast(call, elements).map(|value| vec![value]);
        }
        if let Some(outputs) = glue::run(call).filter(|_| !self.looks_up(call)) {
            let outputs = outputs?;
            return match call.node.op_type.as_str() {
                "Slice" | "Pad" => outputs.into_iter().map(|value| self.cut_front(value)).collect(),
                _ => Ok(outputs),
            };
        }
        if let Some(output) = arithmetic::run(call) {
            return output.map(|value| vec![value]);
        }
        match call.node.op_type.as_str() {
            "RNN" | "LSTM" | "GRU" => self.recurrent(call, name),
            "Conv" | "MaxPool" | "AveragePool" => self.windows(call, name).map(|value| vec![value]),
            "BatchNormalization" => self.normalised(call, name).map(|value| vec![value]),
            "Constant" => constant(call).map(|value| vec![value]),
            "Gather" => self.vectors(call).map(|value| vec![value]),
            "MatMul" | "Gemm" => self.product(call, name).map(|value| vec![value]),
            "Add" => self.add(call).map(|value| vec![value]),
            "ReduceSum" => self.sum_of_two(call).map(|value| vec![value]),
            "Mul" | "Div" | "Sub" => self.neutral(call).map(|value| vec![value]),
            "TopK" => self.in_order(call).map(|value| vec![value]),
            "Softmax" | "LogSoftmax" => self.softmax(call).map(|value| vec![value]),
            "ReduceMean" | "ReduceMax" => self.pooled(call).map(|value| vec![value]),
            "Clip" => self.clipped(call).map(|value| vec![value]),
            _ if call.activation().is_some() => {
                let activation = call.activation().unwrap_or(Ok(Nonlinearity::Identity))?;
                self.activated(call.input(0)?, activation).map(|value| vec![value])
            }
            _ => Err("an operator that is not known here, where its inputs are not known before it runs; expected RNN, LSTM \
                      or GRU, a dense layer, and what puts tensors in shape; export the model without it, or exchange the \
                      weights as arrays"
                .into()),
        }
    }

    /// The lengths of rows, where they are compared: what is done with them is followed for rows that have all steps. That
    /// it is right for shorter ones too, the comparison of numbers shows.
    fn with_whole_lengths(&mut self, value: &mut Value) {
        let Some((steps, _)) = self.sizes else { return };
        let Data::Flow(elements) = &value.data else { return };
        let is_length =
            |element: &Element| matches!(element, Element::Of { source, .. } if self.lengths.contains(source));
        if !elements.iter().all(is_length) {
            return;
        }
        *value = Value::ints(value.shape.clone(), vec![steps as i64; elements.len()]);
    }

    /// Whether a Gather looks up what is only known when the graph runs.
    fn looks_up(&self, call: &Call<'_>) -> bool {
        call.node.op_type == "Gather" && call.given(1).is_some_and(|value| matches!(value.data, Data::Flow(_)))
    }

    fn vectors(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let (kernel, tokens) = (call.input(0)?, call.input(1)?);
        let (Data::Floats(data), [_, size], 0) = (&kernel.data, &kernel.shape[..], call.int("axis", 0)) else {
            return Err("it looks up what is no table of vectors".into());
        };
        let Some(input) = self.whole_input(&tokens.elements()) else {
            return Err("it looks up something else than the tokens of the graph's input, in their order".into());
        };
        let shape = [&tokens.shape[..], &[*size]].concat();
        let table = Array { shape: kernel.shape.clone(), data: data.to_vec() };
        self.source(Kind::Vectors { table, origins: kernel.origins.to_vec(), tokens: input }, shape)
    }

    /// The input that these elements are, all of it and in its order.
    fn whole_input(&self, elements: &[Element]) -> Option<usize> {
        let &Element::Of { source, .. } = elements.first()? else { return None };
        let (Kind::Input(input) | Kind::Whole(input, _)) = self.kind(source) else { return None };
        let in_order = |(at, element): (usize, &Element)| matches!(element, Element::Of { source: own, index } if *own == source && *index as usize == at);
        (elements.len() == self.len(source) && elements.iter().enumerate().all(in_order)).then_some(*input)
    }

    /// A cast of what flows through the graph: floats keep their numbers in wider types alone, and an input becomes whole
    /// numbers only to be looked up, or to be the lengths of rows.
    fn cast(&mut self, call: &Call<'_>, elements: &[Element]) -> Result<Value, String> {
        let (value, to) = (call.input(0)?, glue::cast_to(call)?);
        let of = |element: &Element| match element {
            Element::Of { source, .. } => match self.kind(*source) {
                Kind::Input(input) => element_type(&self.graph.input[*input]),
                Kind::Whole(..) => Some(Type::Int64),
                _ => Some(Type::Float),
            },
            Element::Number(_) => Some(Type::Float),
        };
        let from = elements.iter().find_map(|element| of(element).filter(|of| of.is_float() || *of == Type::Double));
        match (from, to) {
            (_, Type::Float | Type::Double) => Ok(value.clone()),
            (from, Type::Float16 | Type::BFloat16) if from != Some(to) => Err(glue::rounds(to)),
            (_, Type::Float16 | Type::BFloat16) => Ok(value.clone()),
            (_, Type::Bool) => {
                Err("it makes truth values of what flows through the graph, which no layer here does; export \
                                    the model without it"
                    .into())
            }
            (None, _) => Ok(value.clone()),
            (Some(_), to) => match self.whole_input(elements) {
                Some(input) => self.source(Kind::Whole(input, describe(call.node, call.index)), value.shape.clone()),
                None => Err(format!(
                    "it cuts floats to whole numbers ({}), which no layer here does; export the model without it",
                    to.name()
                )),
            },
        }
    }

    fn add(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let (a, b) = (call.input(0)?, call.input(1)?);
        match (&a.data, &b.data) {
            (Data::Flow(_), Data::Floats(_)) => self.front_biased(a, b).unwrap_or_else(|| self.biased(a, b)),
            (Data::Floats(_), Data::Flow(_)) => self.front_biased(b, a).unwrap_or_else(|| self.biased(b, a)),
            (Data::Flow(_), Data::Flow(_)) => {
                let shape = common_shape(&a.shape, &b.shape)?;
                let (a, b) = (a.stretched(&shape)?.elements(), b.stretched(&shape)?.elements());
                self.sums(a.iter().copied().zip(b.iter().copied()).collect(), shape)
            }
            _ => Err("its inputs are of two types".into()),
        }
    }

    pub(super) fn sums(&mut self, pairs: Vec<(Element, Element)>, shape: Vec<usize>) -> Result<Value, String> {
        self.source(Kind::Sums(Rc::new(pairs)), shape)
    }

    /// The sum along an axis of two: of two directions, most often.
    fn sum_of_two(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let value = call.input(0)?;
        let axes = call.list("axes", 1)?.unwrap_or_default();
        let [number] = axes[..] else { return Err(format!("it sums over the axes {axes:?}, expected one")) };
        let axis = axis(number, value.shape.len())?;
        if value.shape[axis] != 2 {
            return Err(format!("it sums over {} elements, expected the two directions of a layer", value.shape[axis]));
        }
        let back: usize = value.shape[axis + 1..].iter().product();
        let elements = value.elements();
        let pair =
            |at: usize| (elements[at / back * 2 * back + at % back], elements[(at / back * 2 + 1) * back + at % back]);
        let mut shape = value.shape.clone();
        match call.int("keepdims", 1) {
            0 => {
                shape.remove(axis);
            }
            _ => shape[axis] = 1,
        }
        self.sums((0..elements.len() / 2).map(pair).collect(), shape)
    }

    /// The two activations that are limits alone.
    fn clipped(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let limit = |at: usize, says: &str| match call.given(at).map(|value| &value.data) {
            Some(Data::Floats(data)) => data.first().copied().unwrap_or(f32::NAN),
            Some(_) => f32::NAN,
            None => call.float(says, f32::NAN),
        };
        let activation = match (limit(1, "min"), limit(2, "max")) {
            (-1.0, 1.0) => Nonlinearity::HardTanh,
            (0.0, 6.0) => Nonlinearity::Relu6,
            _ => return Err("it limits numbers otherwise than from -1 to 1 or from 0 to 6".into()),
        };
        self.activated(call.input(0)?, activation)
    }

    /// A product with 1, a difference with 0, and a σ(a).
    fn neutral(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let op = call.node.op_type.as_str();
        let one = if op == "Sub" { 0.0 } else { 1.0 };
        let is_one = |value: &Value| match &value.data {
            Data::Floats(data) => data.iter().all(|&x| x == one),
            Data::Ints(data) => data.iter().all(|&x| x as f32 == one),
            Data::Flow(_) => false,
        };
        let (a, b) = (call.input(0)?, call.input(1)?);
        if op == "Mul"
            && let Some(gated) = self.gated(a, b)
        {
            return gated;
        }
        let shape = common_shape(&a.shape, &b.shape)?;
        match (is_one(b), op == "Mul" && is_one(a)) {
            (true, _) if a.shape == shape => Ok(a.clone()),
            (_, true) if b.shape == shape => Ok(b.clone()),
            _ => Err("it computes with what flows through the graph, which no layer here does".into()),
        }
    }
}

/// The graph's inputs that are no constants, with the shapes that they have when the axes of the sequences are `[first,
/// second]`, as far as they are not fixed, and the open ones of other inputs are of the length `other`.
///
/// # Errors
/// If an input's axes do not have a length by that.
pub(super) fn input_shapes(
    graph: &Graph,
    given: &dyn Fn(&str) -> bool,
    [first, second]: [usize; 2],
    other: usize,
) -> Result<Vec<(usize, Vec<usize>)>, Error> {
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    let inputs: Vec<(usize, &ValueInfo)> =
        graph.input.iter().enumerate().filter(|(_, input)| !given(&input.name)).collect();
    // The sequences are the first that have rows and steps; their axes give the others' names their sizes.
    let axes = |input: &ValueInfo| match input.r#type.as_ref().and_then(|of| of.value.as_ref()) {
        Some(TypeValue::Tensor(tensor)) => tensor.shape.as_ref().map(|shape| shape.dim.clone()),
        None => None,
    };
    let main = inputs.iter().position(|(_, input)| axes(input).is_some_and(|axes| axes.len() >= 2)).unwrap_or(0);
    let order = (main..main + 1).chain(0..main).chain(main + 1..inputs.len());
    let mut shapes = Vec::new();
    for at in order {
        let Some(&(index, input)) = inputs.get(at) else { break };
        let Some(axes) = axes(input) else {
            let why = "its shape is not known; export it with the shape of its axes";
            return Err(bad_input(&input.name, why.into()));
        };
        let rank = axes.len();
        let mut shape = Vec::with_capacity(rank);
        for (axis, dimension) in axes.iter().enumerate() {
            let default = match (at == main, axis) {
                (true, 0) => Some(first),
                (true, 1) => Some(second),
                // Features may stand before the steps.
                (true, 2) if matches!(axes[1].value, Some(DimensionValue::Length(_))) => Some(second),
                (true, _) => None,
                // Lengths of rows, and states [D, B, H].
                (false, _) => Some(other),
            };
            let length = match &dimension.value {
                Some(DimensionValue::Length(length)) => usize::try_from(*length).ok(),
                Some(DimensionValue::Name(name)) => match named.get(name) {
                    Some(&known) => Some(known),
                    None => default.inspect(|&size| {
                        named.insert(name.clone(), size);
                    }),
                },
                None => default,
            };
            shape.push(length.ok_or_else(|| {
                let why =
                    format!("axis {axis} of {rank} has no fixed length; expected rows, steps, and a number of floats");
                bad_input(&input.name, why)
            })?);
        }
        shapes.push((index, shape));
    }
    Ok(shapes)
}

fn bad_input(name: &str, why: String) -> Error {
    not_taken(format!("input {name:?}"), why)
}

/// The version of ONNX's own operators that a file is written for.
pub(super) fn opset(file: &File) -> i64 {
    let opsets = file.model.opset_import.iter();
    let own = opsets.filter(|set| set.domain.is_empty() || set.domain == "ai.onnx").map(|set| set.version);
    own.max().unwrap_or(1)
}

/// The type of an input's elements.
pub(super) fn element_type(input: &ValueInfo) -> Option<Type> {
    let TypeValue::Tensor(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    Type::of_code(tensor.elem_type)
}

/// A constant of the file; `weights` are the numbers of all that were read.
///
/// # Errors
/// If it cannot be read, or with it there are more than [`WEIGHTS_MAX`].
pub(super) fn constant_of(file: &File, tensor: &Tensor, weights: &mut usize) -> Result<Value, Error> {
    let array = file.array(tensor)?;
    let bad = |why: String| not_taken(format!("tensor {:?}", tensor.name), why);
    *weights = weights.saturating_add(array.shape.iter().product::<usize>());
    if *weights > WEIGHTS_MAX {
        return Err(bad(format!("with it the constants have more than {WEIGHTS_MAX} numbers")));
    }
    let origin = Place::new(tensor.name.clone(), &array.shape);
    let value = match array.values {
        Values::F32(data) => Value { kind: array.element, ..Value::floats(array.shape, data) },
        Values::I64(data) => Value { kind: array.element, ..Value::ints(array.shape, data) },
        // A single double is a factor or an offset of some glue.
        Values::F64(data) if data.len() == 1 => Value::floats(array.shape, vec![data[0] as f32]),
        _ => return Err(bad(format!("its type is {}; export the model in float", array.element.name()))),
    };
    Ok(Value { origins: Rc::new(vec![origin]), ..value })
}

/// Operators that compare numbers.
fn compares(op: &str) -> bool {
    matches!(op, "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual")
}

/// A constant in a node; the interpreter has read a tensor as its only input.
pub(super) fn constant(call: &Call<'_>) -> Result<Value, String> {
    if let Some(value) = call.given(0) {
        return Ok(value.clone());
    }
    if call.has("value_int") {
        return Ok(Value::ints(vec![], vec![call.int("value_int", 0)]));
    }
    if call.has("value_float") {
        return Ok(Value::floats(vec![], vec![call.float("value_float", 0.0)]));
    }
    if let Some(ints) = call.ints("value_ints") {
        return Ok(Value::ints(vec![ints.len()], ints.to_vec()));
    }
    match call.floats("value_floats") {
        Some(floats) => Ok(Value::floats(vec![floats.len()], floats.to_vec())),
        None => Err("it has no numbers".into()),
    }
}
