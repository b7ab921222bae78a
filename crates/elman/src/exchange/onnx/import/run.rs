//! A graph is interpreted with a few rows and steps, where every element says where it comes from. So it does not matter with
//! which operators an exporter puts tensors in shape: what counts is what the recurrent operators and the head read.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use elman_formats::Array;
use elman_formats::onnx::{DimensionValue, File, Graph, Tensor, TypeValue, ValueInfo, Values};

use super::feed::{Feed, Read};
use super::node::{Call, describe};
use super::track::{Track, directions, tracks};
use super::value::{Data, Element, Value, common_shape, small_count};
use super::{arithmetic, glue};
use crate::Error;
use crate::exchange::Place;
use crate::exchange::onnx::not_taken;

/// Most elements that all operators together may read and give, beside the weights: bounds the time.
const WORK_MAX: usize = 1 << 25;

/// Most floats of all weights.
const WEIGHTS_MAX: usize = 1 << 30;

/// Where elements come from.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// An input of the graph.
    Input(usize),
    /// The vectors of an embedding.
    Vectors(Array, Vec<Place>),
    /// The outputs of a track [T, B, H].
    Sequence(usize),
    /// The final h of a track [B, H].
    State(usize),
    /// The final c of a track.
    Memory(usize),
    /// Sums of two elements.
    Sums(Rc<Vec<(Element, Element)>>),
    /// What a head gives, and how far it is.
    Answers { head: usize, done: Done },
}

/// How far a head has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Done {
    Product,
    Biased,
    Softmax,
}

/// A dense layer on a layer.
pub(super) struct HeadFound {
    pub(super) name: String,
    pub(super) node: usize,
    pub(super) read: Read,
    pub(super) kernel: Array,
    pub(super) kernel_origins: Vec<Place>,
    pub(super) kernel_turned: bool,
    pub(super) bias: Option<(Vec<f32>, Vec<Place>)>,
}

/// An interpretation of a graph.
pub(super) struct Run<'a> {
    file: &'a File,
    graph: &'a Graph,
    opset: i64,
    initializers: HashMap<&'a str, &'a Tensor>,
    values: HashMap<String, Value>,
    sources: Vec<(Kind, usize)>,
    pub(super) tracks: Vec<Track>,
    /// What each track reads.
    pub(super) feeds: Vec<Feed>,
    pub(super) heads: Vec<HeadFound>,
    /// T and B, as the recurrent operators have them.
    pub(super) sizes: Option<(usize, usize)>,
    work: usize,
    weights: usize,
}

impl<'a> Run<'a> {
    /// Interprets a graph whose first axis is taken to be `first`, its second `second`, where they are not fixed.
    pub(super) fn new(file: &'a File, graph: &'a Graph, first: usize, second: usize) -> Result<Self, Error> {
        let opsets = file.model.opset_import.iter();
        let opset = opsets.filter(|set| set.domain.is_empty() || set.domain == "ai.onnx").map(|set| set.version).max();
        let mut initializers = HashMap::new();
        for tensor in &graph.initializer {
            if initializers.insert(tensor.name.as_str(), tensor).is_some() {
                return Err(not_taken(format!("initializer {:?}", tensor.name), "there are two of that name"));
            }
        }
        let mut run = Run {
            file,
            graph,
            opset: opset.unwrap_or(1),
            initializers,
            values: HashMap::new(),
            sources: Vec::new(),
            tracks: Vec::new(),
            feeds: Vec::new(),
            heads: Vec::new(),
            sizes: None,
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
            Kind::Vectors(..) => "the vectors of tokens".into(),
            Kind::Sequence(track) => format!("the outputs of {}", self.tracks[*track].name),
            Kind::State(track) => format!("the final state of {}", self.tracks[*track].name),
            Kind::Memory(track) => format!("the final memory of {}", self.tracks[*track].name),
            Kind::Sums(_) => "a sum".into(),
            Kind::Answers { head, .. } => format!("the answers of {}", self.heads[*head].name),
        }
    }

    /// A new source, all of it in a shape.
    fn source(&mut self, kind: Kind, shape: Vec<usize>) -> Result<Value, String> {
        let value = Value::of_source(self.sources.len() as u32, shape)?;
        self.sources.push((kind, value.len()));
        Ok(value)
    }

    /// The graph's inputs, as sources of the sizes that they have.
    fn inputs(&mut self, first: usize, second: usize) -> Result<(), Error> {
        let mut named: BTreeMap<String, usize> = BTreeMap::new();
        let graph = self.graph;
        let open = |input: &&ValueInfo| !self.initializers.contains_key(input.name.as_str());
        let inputs: Vec<(usize, &ValueInfo)> =
            graph.input.iter().enumerate().filter(|(_, input)| open(input)).collect();
        // The sequences are the first that have rows and steps; their axes give the others' names their sizes.
        let axes = |input: &ValueInfo| match input.r#type.as_ref().and_then(|of| of.value.as_ref()) {
            Some(TypeValue::Tensor(tensor)) => tensor.shape.as_ref().map(|shape| shape.dim.clone()),
            None => None,
        };
        let main = inputs.iter().position(|(_, input)| axes(input).is_some_and(|axes| axes.len() >= 2)).unwrap_or(0);
        let order = (main..main + 1).chain(0..main).chain(main + 1..inputs.len());
        for at in order {
            let Some(&(index, input)) = inputs.get(at) else { break };
            let bad = |why: String| not_taken(format!("input {:?}", input.name), why);
            let Some(axes) = axes(input) else {
                return Err(bad("its shape is not known; export it with the shape of its axes".into()));
            };
            let rank = axes.len();
            let mut shape = Vec::with_capacity(rank);
            for (axis, dimension) in axes.iter().enumerate() {
                let default = match (at == main, axis) {
                    (true, 0) => Some(first),
                    (true, 1) => Some(second),
                    (true, _) => None,
                    // Lengths of rows, and states [D, B, H].
                    (false, _) => Some(first),
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
                    bad(format!(
                        "axis {axis} of {rank} has no fixed length; expected rows, steps, and a number of floats"
                    ))
                })?);
            }
            let value = self.source(Kind::Input(index), shape).map_err(bad)?;
            self.values.insert(input.name.clone(), value);
        }
        Ok(())
    }

    /// A constant of the file.
    fn constant(&mut self, tensor: &Tensor) -> Result<Value, Error> {
        let array = self.file.array(tensor)?;
        let bad = |why: String| not_taken(format!("tensor {:?}", tensor.name), why);
        let count = array.shape.iter().product::<usize>();
        self.weights = self.weights.saturating_add(count);
        if self.weights > WEIGHTS_MAX {
            return Err(bad(format!("with it the constants have more than {WEIGHTS_MAX} numbers")));
        }
        let origin = Place::new(tensor.name.clone(), &array.shape);
        let value = match array.values {
            Values::F32(data) => Value::floats(array.shape, data),
            Values::I64(data) => Value::ints(array.shape, data),
            // A single double is a factor or an offset of some glue.
            Values::F64(data) if data.len() == 1 => Value::floats(array.shape, vec![data[0] as f32]),
            _ => return Err(bad(format!("its type is {}; export the model in float", array.element.name()))),
        };
        Ok(Value { origins: Rc::new(vec![origin]), ..value })
    }

    /// A value by its name.
    fn value(&mut self, name: &str) -> Result<Option<Value>, Error> {
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
            return Err(bad(format!("its operator is of the set {:?}, which is not known here", node.domain)));
        }
        self.spend(inputs.iter().flatten().map(Value::len).sum::<usize>() + 1).map_err(bad)?;
        if let Some(tensor) =
            node.attribute.iter().find(|attribute| attribute.name == "value").and_then(|a| a.t.as_ref())
            && matches!(node.op_type.as_str(), "Constant" | "ConstantOfShape")
        {
            inputs.push(Some(self.constant(tensor)?));
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

    fn spend(&mut self, elements: usize) -> Result<(), String> {
        self.work = self.work.saturating_add(elements);
        // Weights may go through a few operators each.
        let most = WORK_MAX.saturating_add(self.weights.saturating_mul(8));
        if self.work > most { Err("the graph moves more elements than any exporter's".into()) } else { Ok(()) }
    }

    fn call(&mut self, call: &Call<'_>, name: &str) -> Result<Vec<Value>, String> {
        if let Some(outputs) = glue::run(call).filter(|_| !self.looks_up(call)) {
            return outputs;
        }
        if let Some(output) = arithmetic::run(call) {
            return output.map(|value| vec![value]);
        }
        match call.node.op_type.as_str() {
            "RNN" | "LSTM" | "GRU" => self.recurrent(call, name),
            "Constant" => constant(call).map(|value| vec![value]),
            "Gather" => self.vectors(call).map(|value| vec![value]),
            "MatMul" | "Gemm" => self.product(call, name).map(|value| vec![value]),
            "Add" => self.add(call).map(|value| vec![value]),
            "ReduceSum" => self.sum_of_two(call).map(|value| vec![value]),
            "Mul" | "Div" | "Sub" => self.neutral(call).map(|value| vec![value]),
            "Softmax" | "LogSoftmax" => self.softmax(call).map(|value| vec![value]),
            _ => Err("an operator that is not known here, where its inputs are not known before it runs; expected RNN, LSTM \
                      or GRU, a dense layer, and what puts tensors in shape"
                .into()),
        }
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
        let in_order = tokens.elements().iter().enumerate().all(|(at, element)| {
            matches!(element, Element::Of { source, index }
                if *index as usize == at && matches!(self.kind(*source), Kind::Input(_)))
        });
        if !in_order {
            return Err("it looks up something else than the tokens of the graph's input, in their order".into());
        }
        let shape = [&tokens.shape[..], &[*size]].concat();
        let array = Array { shape: kernel.shape.clone(), data: data.to_vec() };
        self.source(Kind::Vectors(array, kernel.origins.to_vec()), shape)
    }

    fn recurrent(&mut self, call: &Call<'_>, name: &str) -> Result<Vec<Value>, String> {
        let rows_first = call.int("layout", 0) != 0;
        let mut xs = call.input(0)?.clone();
        let [_, _, input] = xs.shape[..] else { return Err(format!("its input has shape {:?}", xs.shape)) };
        if rows_first {
            xs = xs.transposed(&[1, 0, 2]);
        }
        let (steps, rows) = (xs.shape[0], xs.shape[1]);
        if self.sizes.is_some_and(|sizes| sizes != (steps, rows)) || steps == 0 || rows == 0 {
            return Err(format!("its input has {steps} steps of {rows} rows, other than the layer before"));
        }
        self.sizes = Some((steps, rows));
        self.lengths(call, steps)?;
        let elements = xs.elements();
        let as_it_is = self.feed(&elements, [steps, rows, input], 0);
        // A graph may turn its input round instead of saying "reverse".
        let (feed, turned) = match as_it_is {
            Ok(feed) => (feed, false),
            Err(why) => {
                let from_end = (0..steps).rev().flat_map(|t| &elements[t * rows * input..][..rows * input]);
                let turned: Vec<Element> = from_end.copied().collect();
                let feed = self.feed(&turned, [steps, rows, input], 0);
                (feed.map_err(|_| format!("its input cannot be told: {why}"))?, true)
            }
        };
        let feed = self.whole(feed)?;
        let hidden = call.input(2)?.shape.last().copied().unwrap_or(0);
        let first = self.tracks.len();
        let count = directions(call)?.len();
        for mut track in tracks(call, name, input)? {
            track.reversed ^= turned;
            self.tracks.push(track);
            self.feeds.push(feed.clone());
        }
        let mut outputs = Vec::new();
        let mut sequences = Vec::new();
        let (mut states, mut memories) = (Vec::new(), Vec::new());
        small_count(&[steps, rows, hidden, 2])?;
        for track in first..first + count {
            sequences.push(self.source(Kind::Sequence(track), vec![steps, rows, hidden])?.elements());
            states.extend(self.source(Kind::State(track), vec![rows, hidden])?.elements().iter().copied());
            if call.node.op_type == "LSTM" {
                memories.extend(self.source(Kind::Memory(track), vec![rows, hidden])?.elements().iter().copied());
            }
        }
        let width = rows * hidden;
        // Y [T, D, B, H]: what was turned round comes out so.
        let at = |t: usize| if turned { steps - 1 - t } else { t };
        let row = |t: usize| sequences.iter().flat_map(move |sequence| &sequence[at(t) * width..][..width]);
        let y = Value::flow(vec![steps, count, rows, hidden], (0..steps).flat_map(row).copied().collect());
        outputs.push(if rows_first { y.transposed(&[2, 0, 1, 3]) } else { y });
        for state in [states, memories].into_iter().filter(|state| !state.is_empty()) {
            let state = Value::flow(vec![count, rows, hidden], state);
            outputs.push(if rows_first { state.transposed(&[1, 0, 2]) } else { state });
        }
        Ok(outputs)
    }

    /// Refuses lengths that are neither given when the graph runs nor those of whole sequences.
    fn lengths(&self, call: &Call<'_>, steps: usize) -> Result<(), String> {
        match call.given(4).map(|value| &value.data) {
            None => Ok(()),
            Some(Data::Ints(lengths)) if lengths.iter().all(|&length| length == steps as i64) => Ok(()),
            Some(Data::Flow(lengths)) if lengths.iter().all(|length| matches!(length, Element::Of { .. })) => Ok(()),
            Some(_) => Err("its sequence_lens are fixed in the graph, and not those of whole sequences".into()),
        }
    }

    fn product(&mut self, call: &Call<'_>, name: &str) -> Result<Value, String> {
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
        let found =
            self.read(elements, width, read.shape.len()).map_err(|why| format!("its input cannot be told: {why}"))?;
        let array = Array { shape: kernel.shape.clone(), data: weights.to_vec() };
        let head = self.heads.len();
        self.heads.push(HeadFound {
            name: name.to_owned(),
            node: call.index,
            read: found,
            kernel: if turned { crate::exchange::arrays::transposed(&array) } else { array },
            kernel_origins: kernel.origins.to_vec(),
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
        (all && elements.len() == seen.len() && value.shape.last() == Some(&classes)).then_some((head, done))
    }

    /// Answers with a vector of weights added.
    fn biased(&mut self, answers: &Value, bias: &Value) -> Result<Value, String> {
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

    fn add(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let (a, b) = (call.input(0)?, call.input(1)?);
        match (&a.data, &b.data) {
            (Data::Flow(_), Data::Floats(_)) => self.biased(a, b),
            (Data::Floats(_), Data::Flow(_)) => self.biased(b, a),
            (Data::Flow(_), Data::Flow(_)) => {
                let shape = common_shape(&a.shape, &b.shape)?;
                let (a, b) = (a.stretched(&shape)?.elements(), b.stretched(&shape)?.elements());
                self.sums(a.iter().copied().zip(b.iter().copied()).collect(), shape)
            }
            _ => Err("its inputs are of two types".into()),
        }
    }

    fn sums(&mut self, pairs: Vec<(Element, Element)>, shape: Vec<usize>) -> Result<Value, String> {
        self.source(Kind::Sums(Rc::new(pairs)), shape)
    }

    /// The sum along an axis of two: of two directions, most often.
    fn sum_of_two(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let value = call.input(0)?;
        let axes = call.list("axes", 1)?.unwrap_or_default();
        let [number] = axes[..] else { return Err(format!("it sums over the axes {axes:?}, expected one")) };
        let axis = super::value::axis(number, value.shape.len())?;
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

    /// A product with 1, a difference with 0.
    fn neutral(&self, call: &Call<'_>) -> Result<Value, String> {
        let op = call.node.op_type.as_str();
        let one = if op == "Sub" { 0.0 } else { 1.0 };
        let is_one = |value: &Value| match &value.data {
            Data::Floats(data) => data.iter().all(|&x| x == one),
            Data::Ints(data) => data.iter().all(|&x| x as f32 == one),
            Data::Flow(_) => false,
        };
        let (a, b) = (call.input(0)?, call.input(1)?);
        let shape = common_shape(&a.shape, &b.shape)?;
        match (is_one(b), op == "Mul" && is_one(a)) {
            (true, _) if a.shape == shape => Ok(a.clone()),
            (_, true) if b.shape == shape => Ok(b.clone()),
            _ => Err("it computes with what flows through the graph, which no layer here does".into()),
        }
    }

    fn softmax(&mut self, call: &Call<'_>) -> Result<Value, String> {
        let value = call.input(0)?;
        let Some((head, done)) = self.answers(value) else {
            return Err("it is taken of something else than the answers of a dense layer".into());
        };
        let rank = value.shape.len();
        let axis = super::value::axis(call.int("axis", if call.opset < 13 { 1 } else { -1 }), rank)?;
        if axis + 1 != rank || done == Done::Softmax {
            return Err("it is not taken over the classes".into());
        }
        self.source(Kind::Answers { head, done: Done::Softmax }, value.shape.clone())
    }

    /// The head that the graph's outputs are the answers of.
    pub(super) fn answer(&mut self) -> Result<(usize, Done), Error> {
        let mut found: Option<(usize, Done)> = None;
        for output in &self.graph.output {
            let Some(value) = self.value(&output.name)? else {
                return Err(not_taken(format!("output {:?}", output.name), "no node gives it"));
            };
            let Some((head, done)) = self.answers(&value) else { continue };
            match found {
                Some((other, _)) if other != head => {
                    let why = format!("it is a second one beside {}; a model has one head", self.heads[other].name);
                    return Err(not_taken(self.heads[head].name.clone(), why));
                }
                Some(_) => {}
                None => found = Some((head, done)),
            }
        }
        found.ok_or_else(|| {
            let outputs: Vec<&str> = self.graph.output.iter().map(|output| output.name.as_str()).collect();
            let why = "none of them is all the answers of a dense layer on the last layer, which a model ends in";
            not_taken(format!("the outputs {}", outputs.join(", ")), why)
        })
    }
}

/// A constant in a node; the interpreter has read a tensor as its only input.
fn constant(call: &Call<'_>) -> Result<Value, String> {
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
