//! A model from a graph.

mod activations;
mod arithmetic;
mod feed;
mod front;
mod glue;
mod head;
mod node;
mod own;
mod pad;
mod proof;
mod recurrent;
mod refusals;
mod run;
mod same;
mod scale;
mod track;
mod value;
mod windows;

use std::collections::BTreeMap;
use std::path::Path;

use elman::{Config, Embedding, Head, Hidden, Layer, Link, Predicts, Reads, Stack, Values, array_prefix};
use elman_formats::onnx::{self, Element, File, Graph, Tensor};
use elman_formats::{Array, Half};
use elman_kernels::Nonlinearity;

use self::feed::{Feed, Read};
use self::head::{Answer, Done};
use self::node::describe;
use self::proof::{Ends, Length, Subject, prove};
use self::run::{Kind, Run};
use super::{METADATA_KEY, not_taken};
use crate::Error;
use crate::assembly::outputs_assumed;
use crate::hints::Said;
use crate::{Change, Hints, Imported, Place, Report, assemble};

/// Rows and steps with which a graph is interpreted, where it does not fix them: twice, so that nothing is taken for true
/// that only holds for one number of steps.
const SIZES: Sizes = [(2, 3), (5, 4)];

/// First and second axis of two interpretations.
type Sizes = [(usize, usize); 2];

/// Longest sequences, beside [`SIZES`], with which windows of steps are followed.
const REACH_MAX: usize = 1 << 16;

/// A model from a graph of another program, or from one of ours.
///
/// Understood are RNN, LSTM and GRU in one direction or both, stacked, with residual connections, on sequences or on tokens
/// that are looked up; before them or between them convolutions and pooling over the steps, and dense layers at every step; and dense layers on the final states, on every step, or on their mean or maximum over the steps; between
/// them anything that only moves elements. The layout of the sequences does not matter. A softmax behind the last dense layer
/// is left out: a head here gives logits. Behind a sigmoid the outputs are values from 0 to 1; one output without either is a
/// value, several are logits of classes, unless a hint says that they are values. A graph that [`export`](super::export()) made has the model's configuration in its metadata, and comes back as it
/// was; one that was changed since is read as any other, and a note says so.
///
/// The graph is then computed in numbers and so is the model, on batches of many shapes; [`Report::compared`] says which and
/// how far apart they are. At the first output that differs by more than [`TOLERANCE`](crate::TOLERANCE) and
/// rounding the graph is refused.
///
/// Of the hints only `like` and `values` count: the graph says the rest itself, and a hint that contradicts it is refused.
///
/// # Errors
/// If the file cannot be read, or the graph is something else: the error names the first node that is not understood,
/// or the first that reads something else than the layer before gives. If a hint contradicts the graph, or `like` is of other layers or another head: the error names the first difference.
pub fn import(path: &Path, hints: &Hints) -> Result<Imported, Error> {
    import_file(&onnx::read(path)?, hints)
}

/// The same from memory; weights in other files are refused.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(bytes: &[u8], hints: &Hints) -> Result<Imported, Error> {
    import_file(&onnx::read_bytes(bytes)?, hints)
}

fn import_file(file: &File, hints: &Hints) -> Result<Imported, Error> {
    let Some(graph) = &file.model.graph else { return Err(not_taken("the file", "it has no graph")) };
    let metadata = file.model.metadata_props.iter().find(|property| property.key == METADATA_KEY);
    let Some(config) = metadata else { return import_any(file, graph, hints) };
    let difference = match own::import(file, graph, &config.value)? {
        Ok(imported) => return own::hinted(imported, hints),
        Err(difference) => difference,
    };
    let changed = format!("the graph is not the one that elman wrote, {difference}: it was read as any other");
    match import_any(file, graph, hints) {
        Ok(mut imported) => {
            imported.report.notes.push(changed);
            Ok(imported)
        }
        Err(Error::Exchange { verb, partner, what, why }) => {
            Err(Error::Exchange { verb, partner, what, why: format!("{why}; {changed}") })
        }
        Err(other) => Err(other),
    }
}

/// The model of a graph of which nothing is known but the graph.
fn import_any(file: &File, graph: &Graph, hints: &Hints) -> Result<Imported, Error> {
    refusals::check(graph)?;
    let (first, second, sizes) = understood(file, graph)?;
    if first.parts != second.parts {
        let why = "it reads other parts of a sequence when the sequence has another length";
        return Err(not_taken("the graph", why));
    }
    let steps = length_of(graph, "steps", [first.ends.sizes.0, second.ends.sizes.0], sizes)?;
    let rows = length_of(graph, "rows", [first.ends.sizes.1, second.ends.sizes.1], sizes)?;
    let Understood { stack, head, arrays, mut report, parts, ends } = first;
    let unlike = |why: String| not_taken(describe(&graph.node[parts.head], parts.head), why);
    if let Some((horizon, levels)) = parts.groups {
        let given = hints.like.as_ref().map(|config| &config.head.predicts);
        let fits = matches!(given, Some(Predicts::Quantiles(of)) if (of.horizon, of.levels.len()) == (horizon, levels));
        if !fits {
            return Err(unlike(format!(
                "its answers are {horizon} groups of {levels}, as quantiles of {horizon} values are, and the graph does not \
                 say which quantiles; give `like` (--like), a model with {levels} quantiles of {horizon} values"
            )));
        }
    }
    // Beside the logits, a graph may give what tells what they are.
    let telling =
        ends.answers.iter().map(|(_, done)| *done).find(|done| matches!(done, Done::Softmax | Done::LogSoftmax));
    let predicts = predicts(telling.unwrap_or(parts.done()), head.outputs(), hints, &mut report).map_err(unlike)?;
    let head = Head { predicts, ..head };
    let said = completed(&stack, &head, hints.like.as_ref());
    hints.settled(&as_said(&said))?;
    if hints.like.is_some() {
        report.notes.push("the configuration is that of the given model".into());
    }
    let model = assemble(stack, head, &arrays, hints.like.as_ref())?;
    let FoundEnds { data, features_first, lengths, answers, .. } = ends;
    if features_first {
        report.notes.push(format!(
            "the graph's input {:?} has its features before its steps, [rows, features, steps]; the model reads [rows, \
             steps, features]: turn these axes of what it is given",
            graph.input[data].name
        ));
    }
    for &input in &lengths {
        let name = &graph.input[input].name;
        report.notes.push(format!("the graph reads the lengths of rows, as {name:?}: give them to the model too"));
    }
    let left_out: Vec<String> = graph
        .output
        .iter()
        .filter(|output| !answers.iter().any(|(name, _)| *name == output.name))
        .map(|output| format!("{:?}", output.name))
        .collect();
    if !left_out.is_empty() {
        report.notes.push(format!("outputs beside the head's answers are left out: {}", left_out.join(", ")));
    }
    let levels = parts.groups.map(|(_, levels)| levels);
    let ends =
        Ends { data, features_first, lengths, steps, rows, layers: parts.forward, head: parts.head, answers, levels };
    report.widened(&halves(graph));
    report.compared = Some(prove(&Subject { file, graph, opset: run::opset(file), model: &model, units: None, ends })?);
    Ok(Imported { model, report })
}

/// The weights of 16 bits, by name.
fn halves(graph: &Graph) -> BTreeMap<String, Half> {
    let half = |element: Option<Element>| match element {
        Some(Element::Float16) => Some(Half::F16),
        Some(Element::BFloat16) => Some(Half::Bf16),
        _ => None,
    };
    let of = |tensor: &Tensor| Some((tensor.name.clone(), half(Element::of_code(tensor.data_type))?));
    graph.initializer.iter().filter_map(of).collect()
}

/// Which axis of the graph's input a number of steps or rows is, by what it was found to be for some sizes.
fn length_of(graph: &Graph, what: &str, found: [usize; 2], sizes: Sizes) -> Result<Length, Error> {
    let [first, second] = sizes;
    match found {
        [one, other] if one == other => Ok(Length::Fixed(one)),
        found if found == [first.0, second.0] => Ok(Length::First),
        found if found == [first.1, second.1] => Ok(Length::Second),
        _ => {
            let names: Vec<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
            let why = format!("the {what} of its layers are no axis of the graph's input; expected one to be");
            Err(not_taken(format!("the inputs {}", names.join(", ")), why))
        }
    }
}

/// What a graph says of its model, for hints to be held against.
fn as_said(config: &Config) -> Said<'_> {
    Said {
        own: Some(config),
        embedding: config.embedding,
        layers: &config.layers,
        activations: true,
        outputs: config.head.outputs(),
        reads: Some(config.head.reads),
        adds_forget_bias: false,
    }
}

/// The configuration of a graph. What it leaves open is as in the given model: what the answers mean and, where the head
/// reads final states, how the last layer's outputs would be put together.
fn completed(stack: &Stack, head: &Head, like: Option<&Config>) -> Config {
    let Stack { embedding, layers, arithmetic } = stack.clone();
    let mut config = Config {
        version: 1,
        embedding,
        layers,
        arithmetic,
        head: head.clone(),
        steps: None,
        members: None,
        meaning: None,
    };
    let alike = |like: &Head| (like.outputs(), like.reads, &like.hidden) == (head.outputs(), head.reads, &head.hidden);
    let Some(like) = like.filter(|like| alike(&like.head)) else {
        return config;
    };
    config.head = like.head.clone();
    if let (Reads::LastState, Some(last), Some(given)) = (head.reads, config.layers.last_mut(), like.layers.last()) {
        last.residual = given.residual;
        last.bidirectional = last.bidirectional.map(|merge| given.bidirectional.unwrap_or(merge));
    }
    config
}

/// A graph that was understood.
struct Understood {
    stack: Stack,
    head: Head,
    arrays: BTreeMap<String, Array>,
    report: Report,
    /// Which nodes became what, to be compared with another interpretation.
    parts: Parts,
    ends: FoundEnds,
}

/// Where sequences come in and answers out.
struct FoundEnds {
    /// The input of sequences or tokens.
    data: usize,
    /// Whether its axes are rows, features, steps.
    features_first: bool,
    /// The inputs that are lengths of rows.
    lengths: Vec<usize>,
    /// T and B.
    sizes: (usize, usize),
    /// The outputs that are the head's answers.
    answers: Vec<(String, Done)>,
}

/// The layers from the last to the first, what the head reads, and the nodes of all.
#[derive(PartialEq)]
struct Parts {
    feeds: Vec<Feed>,
    nodes: Vec<(usize, bool)>,
    /// Of each layer, the node of its forward direction.
    forward: Vec<usize>,
    read: Read,
    /// The node of its lowest dense layer.
    head: usize,
    /// The nodes of all its dense layers, the lowest first, and how far the answers of each are.
    dense: Vec<(usize, Done)>,
    groups: Option<(usize, usize)>,
}

impl Parts {
    /// How far the answers of the head are.
    fn done(&self) -> Done {
        self.dense.last().map_or(Done::Product, |&(_, done)| done)
    }
}

/// What the outputs of a graph are, by how far they are and what a hint says of them.
///
/// # Errors
/// If it ends in a function that no head here has, or a hint contradicts it.
fn predicts(done: Done, outputs: usize, hints: &Hints, report: &mut Report) -> Result<Predicts, String> {
    let link = match done {
        Done::Softmax | Done::LogSoftmax => None,
        Done::Activated(Nonlinearity::Sigmoid) => Some(Link::Sigmoid),
        Done::Activated(other) => {
            return Err(format!(
                "its answers end in the activation {}; a head here ends in a softmax, a sigmoid or none",
                other.name()
            ));
        }
        Done::Product | Done::Biased | Done::Sorted => {
            return Ok(match (&hints.like, hints.values) {
                (Some(like), _) if like.head.outputs() == outputs => like.head.predicts.clone(),
                (None, Some(link)) => Predicts::Values(Values::new(outputs, link)),
                (None, None) if outputs == 1 => Predicts::Values(Values::new(outputs, Link::Identity)),
                _ => {
                    if hints.like.is_none() {
                        report.notes.push(format!(
                            "the graph ends in {outputs} numbers and does not say what they are: taken for logits of classes; \
                             give --values linear if they are values"
                        ));
                        let classes = Predicts::Classes(outputs);
                        report.assumed.extend(outputs_assumed(&classes).map(|of| of.replacen("its", "the graph's", 1)));
                    }
                    Predicts::Classes(outputs)
                }
            });
        }
    };
    let found = match link {
        None => Predicts::Classes(outputs),
        Some(link) => Predicts::Values(Values::new(outputs, link)),
    };
    let ends = if link.is_some() { "sigmoid" } else { "softmax" };
    match &hints.like {
        Some(like) if like.head.outputs() == outputs && like.head.predicts != found => {
            Err(format!("its answers end in a {ends}, and the given model (--like) predicts {}", like.head.describe()))
        }
        _ if link.is_none() && outputs == 1 => {
            Err("it takes a softmax of one number, which is 1 whatever that is; end the model in a sigmoid".into())
        }
        _ => Ok(found),
    }
}

/// A graph as it is understood for two sizes. Windows of steps need sequences that are long enough, and which axis the steps are
/// shows when they are read.
///
/// # Errors
/// If it is not understood, or longer sequences than can be followed are needed.
fn understood(file: &File, graph: &Graph) -> Result<(Understood, Understood, Sizes), Error> {
    let more = reach(graph) - 1;
    let second = SIZES.map(|(first, second)| (first, second + more));
    let tried = |sizes: Sizes| match (understand(file, graph, sizes[0]), understand(file, graph, sizes[1])) {
        (Ok(first), Ok(second)) => Ok((first, second, sizes)),
        (first, second) => Err(refusals::without_sizes(graph, [first.err(), second.err()], sizes)),
    };
    match tried(second) {
        Err(error) if more > 0 => tried(SIZES.map(|(first, second)| (first + more, second))).map_err(|_| error),
        found => found,
    }
}

/// The steps that a sequence has at most where all windows of a graph, one on the other, have one step left.
fn reach(graph: &Graph) -> usize {
    let windows = |op: &str| matches!(op, "Conv" | "MaxPool" | "AveragePool");
    let largest = |sizes: &[i64]| sizes.iter().copied().max().and_then(|size| usize::try_from(size).ok()).unwrap_or(1);
    let mut steps: usize = 1;
    for node in graph.node.iter().rev().filter(|node| windows(&node.op_type)) {
        let of = |name: &str| node.attribute.iter().find(|of| of.name == name).map_or(1, |of| largest(&of.ints));
        let weights = node.input.get(1).and_then(|w| graph.initializer.iter().find(|tensor| tensor.name == *w));
        let kernel = weights.and_then(|w| w.dims.get(2..)).map_or(1, largest).max(of("kernel_shape"));
        let span = kernel.saturating_sub(1).saturating_mul(of("dilations"));
        steps = steps.saturating_sub(1).saturating_mul(of("strides")).saturating_add(span).saturating_add(1);
    }
    steps.min(REACH_MAX)
}

fn understand(file: &File, graph: &Graph, (first, second): (usize, usize)) -> Result<Understood, Error> {
    let mut run = Run::new(file, graph, first, second)?;
    let Answer { head, done, groups } = run.answer()?;
    let found = &run.heads[head];
    let (mut feed, reads) = match &found.read {
        Read::Steps(feed) => (feed.clone(), Reads::EveryStep),
        Read::Pooled { feed, largest } => (feed.clone(), if *largest { Reads::Max } else { Reads::Mean }),
        Read::States { first, second } => {
            let merge = second.map(|_| elman::Merge::Concat);
            (Feed::Layer { first: *first, second: *second, merge, residual: false }, Reads::LastState)
        }
    };
    // From the head down.
    let mut feeds = Vec::new();
    loop {
        let below = match &feed {
            Feed::Layer { first, .. } => run.feeds[*first].clone(),
            Feed::Front { front, .. } => run.fronts[*front].below.clone(),
            Feed::Input { .. } | Feed::Vectors(_) => break,
        };
        feeds.push(std::mem::replace(&mut feed, below));
    }
    feeds.push(feed);
    let used = |track: usize| {
        feeds
            .iter()
            .any(|feed| matches!(feed, Feed::Layer { first, second, .. } if *first == track || *second == Some(track)))
    };
    if let Some(unused) = (0..run.tracks.len()).find(|&track| !used(track)) {
        let why =
            "the answers do not depend on it alone in a chain of layers; expected each layer to read the one before";
        return Err(not_taken(run.tracks[unused].name.clone(), why));
    }

    let is_read = |at: usize| feeds.iter().any(|feed| matches!(feed, Feed::Front { front, .. } if *front == at));
    if let Some((_, unused)) = run.fronts.iter().enumerate().find(|(at, front)| !front.replaced && !is_read(*at)) {
        let why =
            "the answers do not depend on it alone in a chain of layers; expected each layer to read the one before";
        return Err(not_taken(unused.name.clone(), why));
    }

    let mut arrays = BTreeMap::new();
    let mut report = Report::default();
    let mut embedding = None;
    if let Some(Feed::Vectors(source)) = feeds.last()
        && let Kind::Vectors { table, origins, .. } = run.kind(*source as u32)
    {
        embedding = Some(Embedding { tokens: table.shape[0], size: table.shape[1] });
        let place = Place::new("embedding.kernel", &table.shape);
        report.moved(origins.clone(), vec![place], Vec::new());
        arrays.insert("embedding.kernel".to_owned(), table.clone());
    }
    let mut layers = Vec::new();
    let (mut nodes, mut forward) = (Vec::new(), Vec::new());
    for feed in feeds.iter().rev() {
        let index = layers.len();
        if let Feed::Front { front, done } = feed {
            let front = &run.fronts[*front];
            let (layer, taken) = front.taken(*done);
            if let Some(window) = layer.window {
                window.check().map_err(|error| not_taken(front.name.clone(), error.to_string()))?;
            }
            let prefix = array_prefix(index, 1, 0);
            for (name, array, origins, changes) in taken {
                report.moved(origins, vec![Place::new(format!("{prefix}{name}"), &array.shape)], changes);
                arrays.insert(format!("{prefix}{name}"), array);
            }
            forward.push(front.node);
            nodes.push((front.node, false));
            layers.push(layer);
            continue;
        }
        let Feed::Layer { first, second, merge, residual } = feed else { continue };
        forward.push(run.tracks[*first].node);
        let mut layer = Layer::new(run.tracks[*first].cell.clone()).residual(*residual);
        layer.bidirectional = second.and(*merge);
        let tracks: Vec<usize> = std::iter::once(*first).chain(*second).collect();
        for (direction, &track) in tracks.iter().enumerate() {
            let (track, prefix) = (&run.tracks[track], array_prefix(index, tracks.len(), direction));
            for (names, origins, changes) in &track.moves {
                let to =
                    names.iter().map(|name| Place::new(format!("{prefix}{name}"), &track.arrays[name].shape)).collect();
                report.moved(origins.clone(), to, changes.clone());
            }
            arrays.extend(track.arrays.iter().map(|(name, array)| (format!("{prefix}{name}"), array.clone())));
            nodes.push((track.node, track.reversed));
        }
        layers.push(layer);
    }
    let dense_layers = run.dense_layers(head, done);
    let mut hidden = Vec::new();
    for (at, &(layer, done)) in dense_layers.iter().enumerate() {
        let is_last = layer == head;
        let prefix = if is_last { "head.".to_owned() } else { format!("head.{at}.") };
        dense(&run, &prefix, layer, done, &mut arrays, &mut report);
        if !is_last {
            let activation = if let Done::Activated(activation) = done { activation } else { Nonlinearity::Identity };
            hidden.push(Hidden { size: run.heads[layer].kernel.shape[1], activation });
        }
    }
    report.notes.append(&mut run.notes);
    let below = feeds.iter().rev().find_map(|feed| match feed {
        Feed::Front { front, .. } => run.fronts[*front].sizes,
        _ => None,
    });
    let ends = ends(&mut run, head, feeds.last(), below)?;
    let stack = Stack::of(embedding, layers);
    if let (Some(&input), false) = (ends.lengths.first(), stack.keeps_steps()) {
        let why = "it has the lengths of rows as the recurrent layers read them, behind windows that leave fewer steps; a \
                   model here takes the lengths of its data. Export the graph without lengths";
        return Err(not_taken(format!("input {:?}", run.graph.input[input].name), why));
    }
    let found = &run.heads[head];
    let classes = found.kernel.shape[1];
    let read = found.read.clone();
    let dense: Vec<(usize, Done)> = dense_layers.iter().map(|&(layer, done)| (run.heads[layer].node, done)).collect();
    let lowest = dense.first().map_or(found.node, |&(node, _)| node);
    let parts = Parts { nodes, forward, read, head: lowest, dense, groups, feeds };
    let head = Head { hidden, ..Head::last_state(classes).reads(reads) };
    Ok(Understood { stack, head, arrays, report, parts, ends })
}

/// Where sequences come in, and the answers of a head out.
fn ends(
    run: &mut Run<'_>,
    head: usize,
    lowest: Option<&Feed>,
    below: Option<(usize, usize)>,
) -> Result<FoundEnds, Error> {
    let features_first = matches!(lowest, Some(Feed::Input { features_first: true, .. }));
    let data = match lowest {
        Some(Feed::Input { input, .. }) => Some(*input),
        Some(Feed::Vectors(source)) => match run.kind(*source as u32) {
            Kind::Vectors { tokens, .. } => Some(*tokens),
            _ => None,
        },
        _ => None,
    };
    let (Some(data), Some(sizes)) = (data, below.or(run.sizes)) else {
        return Err(not_taken("the graph", "its first layer reads no input of the graph"));
    };
    let mut lengths: Vec<usize> = Vec::new();
    for &source in &run.lengths {
        if let Kind::Input(input) | Kind::Whole(input, _) = run.kind(source)
            && !lengths.contains(input)
        {
            lengths.push(*input);
        }
    }
    if lengths.contains(&data) {
        return Err(not_taken(
            format!("input {:?}", run.graph.input[data].name),
            "it is read as sequences and as lengths",
        ));
    }
    let mut answers: Vec<(String, Done)> = Vec::new();
    for output in &run.graph.output {
        if let Some(value) = run.value(&output.name)?
            && let Some(answer) = run.all_answers(&value)
            && answer.head == head
            && !answers.iter().any(|(name, _)| *name == output.name)
        {
            answers.push((output.name.clone(), answer.done));
        }
    }
    // What comes before the bias is on the way to the other answers.
    if answers.iter().any(|(_, done)| *done != Done::Product) {
        answers.retain(|(_, done)| *done != Done::Product);
    }
    Ok(FoundEnds { data, features_first, lengths, sizes, answers })
}

/// The arrays of a dense layer of a head.
fn dense(
    run: &Run<'_>,
    prefix: &str,
    head: usize,
    done: Done,
    arrays: &mut BTreeMap<String, Array>,
    report: &mut Report,
) {
    let [kernel, bias_name] = ["kernel", "bias"].map(|what| format!("{prefix}{what}"));
    let found = &run.heads[head];
    let changes = if found.kernel_turned { vec![Change::Transposed] } else { Vec::new() };
    let place = Place::new(kernel.as_str(), &found.kernel.shape);
    report.moved(found.kernel_origins.clone(), vec![place], changes);
    let classes = found.kernel.shape[1];
    let place = Place::new(bias_name.as_str(), &[classes]);
    let bias = match (&found.bias, done) {
        (Some((bias, origins)), done) if done != Done::Product => {
            report.moved(origins.clone(), vec![place], Vec::new());
            bias.clone()
        }
        _ => {
            report.moved(Vec::new(), vec![place], vec![Change::Zeros]);
            vec![0.0; classes]
        }
    };
    if done == Done::Sorted {
        report.notes.push("the graph puts the answers in rising order, as is done here with quantiles".into());
    }
    if done == Done::Softmax {
        report.notes.push("the graph ends in a softmax, which is left out: a head gives logits".into());
    }
    if done == Done::LogSoftmax {
        let note = "the graph ends in the logarithms of a softmax, which are left out: a head gives logits";
        report.notes.push(note.into());
    }
    arrays.insert(kernel, found.kernel.clone());
    arrays.insert(bias_name, Array { shape: vec![classes], data: bias });
}
