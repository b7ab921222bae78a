//! Heads beyond one dense layer of classes, as ONNX graphs: written, read again, and read as any other graph.

use crate::support::exports::random_model;
use elman::formats::onnx::{
    Attribute, DimensionValue, Element, Graph, Model as File, Node, Tensor, ValueInfo, to_bytes,
};
use elman::{Gru, Head, Layer, Link, Lstm, Merge, Model, Nonlinearity, Predicts, Reads, Rnn, Stack};
use elman_exchange::{
    Hints, Imported,
    onnx::{self, OnnxOptions},
};

/// Two programs, each with its own order of sums.
const TOLERANCE: f32 = 1e-5;

const READS: [Reads; 4] = [Reads::LastState, Reads::EveryStep, Reads::Mean, Reads::Max];

fn heads() -> Vec<Head> {
    let mut heads = Vec::new();
    for reads in READS {
        heads.extend([
            Head::values(1, Link::Identity).reads(reads),
            Head::values(3, Link::Sigmoid).reads(reads),
            Head::values(2, Link::Identity).reads(reads).hidden(4, Nonlinearity::Relu),
            Head::last_state(3).reads(reads).hidden(5, Nonlinearity::Tanh).hidden(4, Nonlinearity::Identity),
        ]);
    }
    heads.extend(Nonlinearity::ALL.map(|activation| Head::values(1, Link::Sigmoid).hidden(4, activation)));
    heads.extend([
        Head::last_state(2).hidden(3, Nonlinearity::Elu(0.5)),
        Head::last_state(2).hidden(3, Nonlinearity::LeakyRelu(0.3)),
        Head::last_state(2).hidden(3, Nonlinearity::HardSigmoid(0.2)),
    ]);
    heads
}

fn stacks() -> [Stack; 2] {
    let both = Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Concat);
    [Rnn::new(3, 5).into(), Stack::new(both).then(Gru::new(8, 4))]
}

fn exported(model: &Model, options: OnnxOptions) -> File {
    onnx::export(model, &options).unwrap().0
}

fn import(file: &File, hints: &Hints) -> Result<Imported, String> {
    onnx::import_bytes(&to_bytes(file), hints).map_err(|error| error.to_string())
}

/// The same graph, of which no metadata say what it is.
fn foreign(mut file: File) -> File {
    file.metadata_props.clear();
    file.producer_name = "another".into();
    file
}

fn graph(file: &mut File) -> &mut Graph {
    file.graph.as_mut().unwrap()
}

#[test]
fn every_head_comes_back_and_is_compared() {
    let plain = OnnxOptions::default();
    let attends = [
        Head::values(2, Link::Identity).reads(Reads::Attention),
        Head::last_state(3).reads(Reads::Attention).hidden(5, Nonlinearity::Tanh),
    ];
    for head in heads().into_iter().chain(attends) {
        for stack in stacks() {
            let model = random_model(stack, head.clone());
            for options in [plain, plain.lengths(false), plain.native(false).lengths(false)] {
                let Imported { model: back, report } = import(&exported(&model, options), &Hints::default())
                    .unwrap_or_else(|error| panic!("{head:?}, {options:?}: {error}"));
                assert_eq!((back.head(), back.arrays()), (model.head(), model.arrays()), "{options:?}");
                let compared = report.compared.unwrap();
                assert!(compared.batches >= 8 && compared.largest_difference <= TOLERANCE, "{head:?}: {compared:?}");
            }
        }
    }
}

#[test]
fn every_head_is_read_without_metadata() {
    for head in heads() {
        for stack in stacks() {
            let model = random_model(stack, head.clone());
            let file = foreign(exported(&model, OnnxOptions::default().lengths(false)));
            // Two linear outputs may be either.
            let said = matches!(&head.predicts, Predicts::Values(of) if of.outputs > 1 && of.link == Link::Identity);
            let hints = Hints { values: said.then_some(Link::Identity), ..Hints::default() };
            let Imported { model: back, report } =
                import(&file, &hints).unwrap_or_else(|error| panic!("{head:?}: {error}"));
            assert_eq!((back.head(), back.arrays()), (model.head(), model.arrays()));
            assert!(report.compared.unwrap().largest_difference <= TOLERANCE, "{head:?}");
        }
    }
}

/// Its weights are a softmax that does not end the graph, of which no other exporter's order is known.
#[test]
fn attention_is_read_from_our_own_graphs_alone() {
    let model = random_model(Rnn::new(3, 5), Head::last_state(2).reads(Reads::Attention));
    let ours = exported(&model, OnnxOptions::default().lengths(false));
    let message = import(&foreign(ours.clone()), &Hints::default()).err().unwrap();
    assert!(message.contains("head.attention."), "{message}");
    // A graph of ours with another score is found out by its numbers, or by its nodes.
    let mut changed = ours;
    let node = graph(&mut changed).node.iter_mut().find(|node| node.op_type == "Tanh").unwrap();
    node.op_type = "Sigmoid".into();
    assert!(import(&changed, &Hints::default()).is_err());
}

#[test]
fn a_pooled_head_has_no_answer_after_a_step() {
    for reads in [Reads::Mean, Reads::Max, Reads::Attention] {
        let model = random_model(Rnn::new(3, 5), Head::last_state(2).reads(reads));
        let message = onnx::export(&model, &OnnxOptions::default().streaming(true)).unwrap_err().to_string();
        assert!(
            message.starts_with("the head cannot be given to ONNX") && message.contains("--streaming"),
            "{message}"
        );
    }
}

#[test]
fn what_outputs_are_is_said_or_asked_for() {
    let several = || foreign(exported(&random_model(Rnn::new(3, 5), Head::values(3, Link::Identity)), whole()));
    let taken = import(&several(), &Hints::default()).unwrap();
    assert_eq!(taken.model.head().predicts, Predicts::Classes(3));
    assert!(taken.report.notes.iter().any(|note| note.contains("--values linear")), "{:?}", taken.report.notes);
    for link in [Link::Identity, Link::Sigmoid] {
        let hints = Hints { values: Some(link), ..Hints::default() };
        let taken = import(&several(), &hints).unwrap();
        assert_eq!(taken.model.head(), &Head::values(3, link));
        assert!(!taken.report.notes.iter().any(|note| note.contains("logits of classes")));
    }
    let linear = Hints { values: Some(Link::Identity), ..Hints::default() };
    for (head, says) in
        [(Head::values(3, Link::Sigmoid), "3 values from 0 to 1 (sigmoid)"), (Head::last_state(3), "3 classes")]
    {
        let file = foreign(exported(&random_model(Rnn::new(3, 5), head), whole()));
        let message = import(&file, &linear).err().unwrap();
        assert!(message.contains("the file says that the head has") && message.contains(says), "{message}");
    }
    // A model that the graph is said to be like, whose answers are under another function.
    for (head, like, says) in [
        (Head::values(1, Link::Sigmoid), Head::values(1, Link::Identity), "its answers end in a sigmoid"),
        (Head::values(1, Link::Sigmoid), Head::quantiles(&[0.5], 1), "its answers end in a sigmoid"),
        (Head::last_state(2), Head::values(2, Link::Identity), "its answers end in a softmax"),
    ] {
        let file = foreign(exported(&random_model(Rnn::new(3, 5), head), whole()));
        let like = Some(random_model(Rnn::new(3, 5), like).config());
        let message = import(&file, &Hints { like, ..Hints::default() }).err().unwrap();
        assert!(message.contains(says) && message.contains("(--like) predicts"), "{message}");
    }
}

fn whole() -> OnnxOptions {
    OnnxOptions::default().lengths(false)
}

fn node(op: &str, inputs: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
    let input = inputs.iter().map(|&name| name.to_owned()).collect();
    let name = format!("{op} of {output}");
    Node { input, output: vec![output.to_owned()], name, op_type: op.into(), attribute, domain: String::new() }
}

/// A graph whose value of a name goes through other nodes first.
fn between(model: &Model, name: &str, constants: Vec<Tensor>, nodes: Vec<Node>) -> Result<Imported, String> {
    let mut file = foreign(exported(model, whole()));
    let graph = graph(&mut file);
    let at = graph.node.iter().position(|node| node.output[0] == name).unwrap();
    let last = nodes.last().unwrap().output[0].clone();
    for node in graph.node.iter_mut().skip(at + 1) {
        node.input.iter_mut().filter(|input| *input == name).for_each(|input| input.clone_from(&last));
    }
    graph.output.iter_mut().filter(|output| output.name == name).for_each(|output| output.name.clone_from(&last));
    graph.initializer.extend(constants);
    for (index, node) in nodes.into_iter().enumerate() {
        graph.node.insert(at + 1 + index, node);
    }
    import(&file, &Hints::default())
}

#[test]
fn what_no_head_computes_is_refused_at_its_node() {
    let values = random_model(Rnn::new(3, 5), Head::values(1, Link::Identity).hidden(4, Nonlinearity::Relu));
    for op in ["Relu", "Tanh", "Softplus", "Exp"] {
        let message = between(&values, "values", vec![], vec![node(op, &["values"], "end", vec![])]).err().unwrap();
        assert!(message.contains("its answers end in the activation"), "{op}: {message}");
    }
    let softmax = vec![node("Softmax", &["values"], "end", vec![])];
    let message = between(&values, "values", vec![], softmax).err().unwrap();
    assert!(message.contains("a softmax of one number"), "{message}");
    // Twice, of a state, with limits of one's own, with constants that no activation here has.
    for (name, op, attributes) in [
        ("head.0.output", "Tanh", vec![]),
        ("head.input", "Relu", vec![]),
        ("head.0.sums", "Clip", vec![]),
        ("head.0.sums", "HardSigmoid", vec![Attribute::float("beta", 0.4)]),
        ("head.0.sums", "Selu", vec![Attribute::float("alpha", 1.0)]),
        ("head.0.sums", "Gelu", vec![Attribute::text("approximate", "quick")]),
        ("head.0.sums", "Softmax", vec![]),
    ] {
        let message = between(&values, name, vec![], vec![node(op, &[name], "new", attributes)]).err().unwrap();
        assert!(message.contains(&format!("{op} of new")) || message.contains("head.0"), "{op}: {message}");
    }
    // Rows turned around between two dense layers: the same elements, in another order.
    let list = |name: &str, values: &[i64]| Tensor::ints(name, &[values.len()], values);
    let constants = vec![list("start", &[-1]), list("end", &[i64::MIN]), list("axis", &[0]), list("step", &[-1])];
    let turned = vec![node("Slice", &["head.0.output", "start", "end", "axis", "step"], "new", vec![])];
    let message = between(&values, "head.0.output", constants, turned).err().unwrap();
    assert!(message.contains("apart; expected at most"), "{message}");
}

/// An Elman layer under a head, as exporters write `out.mean(1)` and its like.
fn pooled(op: &str, axes: &[i64], lengths: bool, behind: Option<Node>) -> Result<Imported, String> {
    let model = random_model(Rnn::new(3, 5), Head::last_state(2).reads(Reads::Mean));
    let mut file = foreign(exported(&model, whole()));
    let graph = graph(&mut file);
    let at = graph.node.iter().position(|node| node.output[0] == "head.input").unwrap();
    graph.initializer.push(Tensor::ints("axes", &[axes.len()], axes));
    graph.node[at].op_type = op.into();
    graph.node[at].name = format!("{op} of head.input");
    graph.node[at].input[1] = "axes".into();
    if lengths {
        let rows = vec![Some(DimensionValue::Name("batch".into()))];
        graph.input.push(ValueInfo::tensor("lengths", Element::Int32, rows));
        graph.node.iter_mut().find(|node| node.op_type == "RNN").unwrap().input.push("lengths".into());
    }
    if let Some(node) = behind {
        graph.node.iter_mut().find(|node| node.output[0] == "head.product").unwrap().input[0]
            .clone_from(&node.output[0]);
        graph.node.insert(at + 1, node);
    }
    import(&file, &Hints::default())
}

#[test]
fn steps_are_pooled_over_their_own_axis_and_all_of_them() {
    for (op, reads) in [("ReduceMean", Reads::Mean), ("ReduceMax", Reads::Max)] {
        assert_eq!(pooled(op, &[0], false, None).unwrap().model.head().reads, reads);
        assert_eq!(pooled(op, &[-3], false, None).unwrap().model.head().reads, reads);
        for (axes, words) in [(&[1][..], "axis"), (&[2], "axis"), (&[0, 1], "over the axes"), (&[7], "axis 7")] {
            let message = pooled(op, axes, false, None).err().unwrap();
            assert!(message.contains(&format!("{op} of head.input")) && message.contains(words), "{axes:?}: {message}");
        }
        // Over all steps, where rows may have ended before.
        let message = pooled(op, &[0], true, None).err().unwrap();
        assert!(message.contains("and lengths ["), "{op}: {message}");
        let activated = node("Tanh", &["head.input"], "new", vec![]);
        let message = pooled(op, &[0], false, Some(activated)).err().unwrap();
        assert!(message.contains("Tanh of new"), "{op}: {message}");
    }
    let message = pooled("ReduceMin", &[0], false, None).err().unwrap();
    assert!(message.contains("ReduceMin of head.input"), "{message}");
}
