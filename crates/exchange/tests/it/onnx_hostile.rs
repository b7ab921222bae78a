//! Graphs that are damaged, hostile or beyond what is known: each is refused in words, in bounded time and memory.

use std::time::{Duration, Instant};

use elman::Reads;
use elman::formats::onnx::{
    Attribute, DimensionValue, Element, Graph, Model, Node, OperatorSet, Property, Tensor, ValueInfo, to_bytes,
};
use elman_exchange::{Hints, onnx::import_bytes};

fn node(op: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<Attribute>) -> Node {
    let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let name = format!("the {op}");
    Node { input: named(inputs), output: named(outputs), name, op_type: op.into(), attribute, domain: String::new() }
}

fn value(name: &str, element: Element, shape: &[Option<i64>]) -> ValueInfo {
    let axis = |(at, length): (usize, &Option<i64>)| match length {
        Some(length) => Some(DimensionValue::Length(*length)),
        None => Some(DimensionValue::Name(format!("axis {at}"))),
    };
    ValueInfo::tensor(name, element, shape.iter().enumerate().map(axis).collect())
}

const H: usize = 3;
const I: usize = 2;

/// A good graph: an RNN on `x [T, B, I]`, and a dense layer on its final state.
fn good() -> Graph {
    Graph {
        node: vec![
            node("RNN", &["x", "w", "r", "b"], &["y", "y_h"], vec![Attribute::int("hidden_size", H as i64)]),
            node("Squeeze", &["y_h", "first"], &["h"], vec![]),
            node("MatMul", &["h", "kernel"], &["product"], vec![]),
            node("Add", &["product", "bias"], &["logits"], vec![]),
        ],
        initializer: vec![
            Tensor::floats("w", &[1, H, I], &[0.1; H * I]),
            Tensor::floats("r", &[1, H, H], &[0.2; H * H]),
            Tensor::floats("b", &[1, 2 * H], &[0.3; 2 * H]),
            Tensor::floats("kernel", &[H, 2], &[0.4; H * 2]),
            Tensor::floats("bias", &[2], &[0.5; 2]),
            Tensor::ints("first", &[1], &[0]),
        ],
        input: vec![value("x", Element::Float, &[None, None, Some(I as i64)])],
        output: vec![value("logits", Element::Float, &[None, Some(2)])],
        ..Graph::default()
    }
}

fn bytes(graph: Graph) -> Vec<u8> {
    let opset_import = vec![OperatorSet { domain: String::new(), version: 22 }];
    to_bytes(&Model { ir_version: 10, opset_import, graph: Some(graph), ..Model::default() })
}

fn refused(graph: Graph) -> String {
    let start = Instant::now();
    let message = import_bytes(&bytes(graph), &Hints::default()).unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_secs(20), "{message}: {:?}", start.elapsed());
    message
}

/// The good graph with a change is refused, in these words.
fn with(change: impl FnOnce(&mut Graph), words: &str) {
    let mut graph = good();
    change(&mut graph);
    let message = refused(graph);
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

fn replace(graph: &mut Graph, tensor: Tensor) {
    let old = graph.initializer.iter_mut().find(|old| old.name == tensor.name).unwrap();
    *old = tensor;
}

/// Puts a node before the RNN that makes its input.
fn before(graph: &mut Graph, mut nodes: Vec<Node>) {
    graph.node[0].input[0] = nodes.last().unwrap().output[0].clone();
    nodes.append(&mut graph.node);
    graph.node = nodes;
}

#[test]
fn the_good_graph_is_taken() {
    let model = import_bytes(&bytes(good()), &Hints::default()).unwrap().model;
    assert_eq!(model.arrays()["layers.0.bias"].data, [0.6; H]);
    assert_eq!(model.stack().input(), I);
}

/// `layout` 1 has rows first, in the input, the outputs and the states.
#[test]
fn rows_first() {
    let mut graph = good();
    graph.node[0].attribute.push(Attribute::int("layout", 1));
    // Y_h is [B, D, H] now.
    graph.node[1].input[1] = "second".into();
    graph.initializer.push(Tensor::ints("second", &[1], &[1]));
    graph.initializer.push(Tensor::floats("h0", &[2, 1, H], &[0.0; 2 * H]));
    graph.node[0].input.extend(["".into(), "h0".into()]);
    graph.input = vec![value("x", Element::Float, &[Some(2), None, Some(I as i64)])];
    let expected = import_bytes(&bytes(good()), &Hints::default()).unwrap().model;
    let model = import_bytes(&bytes(graph.clone()), &Hints::default()).unwrap().model;
    assert_eq!((model.arrays(), model.head()), (expected.arrays(), expected.head()));
    // Every step: Y is [B, T, D, H].
    graph.node[1] = node("Squeeze", &["y", "third"], &["h"], vec![]);
    graph.initializer.push(Tensor::ints("third", &[1], &[2]));
    let model = import_bytes(&bytes(graph.clone()), &Hints::default()).unwrap().model;
    assert_eq!(model.head().reads, Reads::EveryStep);
    assert_eq!(model.arrays(), expected.arrays());
    replace(&mut graph, Tensor::floats("h0", &[1, 2, H], &[0.0; 2 * H]));
    assert!(refused(graph).contains("its initial_h has shape [1, 2, 3]; expected [2, 1, 3]"));
}

/// A forward operator and a reversed one, as two nodes that are joined.
#[test]
fn two_operators_as_two_directions() {
    let mut graph = good();
    let mut reversed = node("RNN", &["x", "w2", "r2", "b2"], &["z", "z_h"], graph.node[0].attribute.clone());
    reversed.attribute.push(Attribute::text("direction", "reverse"));
    graph.node.insert(1, reversed);
    graph.node[2] = node("Squeeze", &["y_h", "first"], &["h1"], vec![]);
    graph.node.insert(3, node("Squeeze", &["z_h", "first"], &["h2"], vec![]));
    let side_by_side =
        |forward: &str, backward: &str| node("Concat", &[forward, backward], &["h"], vec![Attribute::int("axis", -1)]);
    graph.node.insert(4, side_by_side("h1", "h2"));
    graph.initializer.extend([
        Tensor::floats("w2", &[1, H, I], &[0.6; H * I]),
        Tensor::floats("r2", &[1, H, H], &[0.7; H * H]),
        Tensor::floats("b2", &[1, 2 * H], &[0.8; 2 * H]),
        Tensor::ints("second", &[1], &[1]),
    ]);
    replace(&mut graph, Tensor::floats("kernel", &[2 * H, 2], &[0.4; 4 * H]));
    let check = |graph: &Graph, reads: Reads| {
        let model = import_bytes(&bytes(graph.clone()), &Hints::default()).unwrap().model;
        assert_eq!(model.stack().layers[0].bidirectional, Some(elman::Merge::Concat));
        assert_eq!(model.head().reads, reads);
        let arrays = model.arrays();
        assert_eq!(arrays["layers.0.forward.kernel"].data, [0.1; H * I]);
        assert_eq!(arrays["layers.0.backward.kernel"].data, [0.6; H * I]);
        assert_eq!(arrays["layers.0.backward.recurrent_kernel"].data, [0.7; H * H]);
    };
    check(&graph, Reads::LastState);
    let mut swapped = graph.clone();
    swapped.node[4] = side_by_side("h2", "h1");
    assert!(refused(swapped).contains("the forward one first"));
    for (at, output) in [(2, "y"), (3, "z")] {
        graph.node[at].input = vec![output.into(), "second".into()];
    }
    check(&graph, Reads::EveryStep);
}

#[test]
fn a_file_cut_or_changed_at_any_byte_does_no_harm() {
    let whole = bytes(good());
    for end in 0..whole.len() {
        // A cut behind the graph leaves a whole model without its operator set.
        let _ = import_bytes(&whole[..end], &Hints::default());
    }
    assert!(import_bytes(&whole[..whole.len() / 2], &Hints::default()).is_err());
    for at in 0..whole.len() {
        for byte in [0x00, 0x7f, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] = byte;
            let _ = import_bytes(&changed, &Hints::default());
        }
    }
}

#[test]
fn names_that_lead_nowhere() {
    with(|graph| graph.node[0].input[0] = "nothing".into(), "reads \"nothing\", which nothing before it gives");
    with(|graph| drop(graph.initializer.remove(0)), "reads \"w\", which nothing before it gives");
    with(|graph| graph.output[0].name = "nothing".into(), "output \"nothing\"");
    with(|graph| graph.output.clear(), "none of them is all the answers");
    // A cycle: each reads what the other gives.
    let cycle = vec![node("Identity", &["b1"], &["a1"], vec![]), node("Identity", &["a1"], &["b1"], vec![])];
    with(|graph| before(graph, cycle), "reads \"b1\", which nothing before it gives");
    with(|graph| before(graph, vec![node("Identity", &["x"], &["x"], vec![])]), "gives \"x\", which there is already");
    with(|graph| before(graph, vec![node("Identity", &["x"], &["w"], vec![])]), "gives \"w\", which there is already");
    with(|graph| graph.initializer.push(Tensor::ints("first", &[], &[0])), "there are two of that name");
}

#[test]
fn operators_that_are_not_known() {
    with(
        |graph| before(graph, vec![node("Conv", &["x", "w"], &["z"], vec![])]),
        "Conv node \"the Conv\" cannot be taken",
    );
    with(|graph| before(graph, vec![node("Relu", &["x"], &["z"], vec![])]), "an activation of something else");
    with(
        |graph| {
            before(graph, vec![node("Identity", &["x"], &["z"], vec![])]);
            graph.node[0].domain = "com.example".into();
        },
        "the set \"com.example\"",
    );
    for op in ["Loop", "Scan", "If"] {
        let body = Attribute::graph("body", good());
        with(|graph| before(graph, vec![node(op, &["x"], &["z"], vec![body])]), op);
    }
    with(|graph| graph.node[0].op_type = "Identity".into(), "it has no RNN, LSTM or GRU");
    with(|graph| graph.node.clear(), "it has no RNN, LSTM or GRU");
}

#[test]
fn cells_that_are_not_known() {
    let attribute = |attribute: Attribute| move |graph: &mut Graph| graph.node[0].attribute.push(attribute);
    let clip = Attribute { name: "clip".into(), f: Some(1.0), r#type: 1, ..Attribute::default() };
    with(attribute(clip), "clip");
    with(attribute(Attribute::texts("activations", &["Affine"])), "its activations are [\"Affine\"]");
    with(attribute(Attribute::text("direction", "sideways")), "its direction is \"sideways\"");
    with(attribute(Attribute::text("direction", "reverse")), "not those of one layer");
    with(|graph| graph.node[0].attribute[0].i = Some(4), "its hidden_size is 4, that of its R 3");
    with(attribute(Attribute::text("direction", "bidirectional")), "its W has shape [1, 3, 2]; expected [2, 3, 2]");
    with(
        |graph| {
            graph.initializer.push(Tensor::floats("h0", &[1, 3, H], &[0.1; 3 * H]));
            graph.node[0].input.extend(["".into(), "h0".into()]);
        },
        "its initial_h is not zero",
    );
    // A decoder that starts from an encoder's final state.
    with(
        |graph| {
            let mut decoder = graph.node[0].clone();
            decoder.input.extend(["".into(), "y_h".into()]);
            decoder.output = vec!["y2".into(), "y2_h".into()];
            graph.node.insert(1, decoder);
            graph.node[2].input[0] = "y2_h".into();
        },
        "its initial_h is computed by the graph",
    );
    with(
        |graph| {
            graph.initializer.push(Tensor::small_ints("lengths", &[3], &[1, 2, 1]));
            graph.node[0].input.push("lengths".into());
        },
        "its sequence_lens are fixed",
    );
}

/// PyTorch's newer exporter leaves out a projection, and gives the operator a memory that does not fit it.
#[test]
fn states_and_lengths_of_other_shapes() {
    let state = |shape: &[usize], words: &str| {
        with(
            |graph| {
                let count = shape.iter().product();
                graph.initializer.push(Tensor::floats("h0", shape, &vec![0.0; count]));
                graph.node[0].input.extend(["".into(), "h0".into()]);
            },
            words,
        );
    };
    state(
        &[1, 3, 6],
        "RNN node \"the RNN\" cannot be taken from ONNX: its initial_h has shape [1, 3, 6]; expected [1, axis 1, 3]",
    );
    state(&[2, 3, 3], "its initial_h has shape [2, 3, 3]; expected [1, axis 1, 3]");
    state(&[1, 4, 3], "its initial_h has shape [1, 4, 3]; expected [1, 3, 3]");
    state(&[3, 3], "its initial_h has shape [3, 3]; expected [1, axis 1, 3]");
    with(
        |graph| {
            graph.initializer.push(Tensor::small_ints("lengths", &[4], &[2; 4]));
            graph.node[0].input.push("lengths".into());
        },
        "its sequence_lens has shape [4]; expected [3]: a length of each row (seen with a length of 2 for axis 0",
    );
    // The same of an LSTM's memory, given when the graph runs.
    with(
        |graph| {
            graph.node[0].op_type = "LSTM".into();
            replace(graph, Tensor::floats("w", &[1, 4 * H, I], &[0.1; 4 * H * I]));
            replace(graph, Tensor::floats("r", &[1, 4 * H, H], &[0.2; 4 * H * H]));
            replace(graph, Tensor::floats("b", &[1, 8 * H], &[0.3; 8 * H]));
            graph.input.push(value("c0", Element::Float, &[Some(1), None, Some(6)]));
            graph.node[0].input.extend(["".into(), "".into(), "c0".into()]);
        },
        "LSTM node \"the RNN\" cannot be taken from ONNX: its initial_c has shape [1, ",
    );
}

/// What a head reads that is no state of a layer: the error says what it may read.
#[test]
fn heads_on_something_else() {
    let second_step = |graph: &mut Graph| {
        graph.initializer.push(Tensor::ints("second", &[], &[0]));
        graph.node[1] = node("Gather", &["y", "second"], &["h4"], vec![]);
        graph.node.insert(2, node("Squeeze", &["h4", "first"], &["h"], vec![]));
    };
    with(second_step, "expected the last state of the last layer (h_n[-1]), the final states of its two directions");
    let sum = |graph: &mut Graph| {
        graph.node[1].output[0] = "one".into();
        graph.node.insert(2, node("Add", &["one", "one"], &["h"], vec![]));
    };
    with(sum, "it begins with a part of a sum, or that in another order; expected the last state");
    let by_groups = |graph: &mut Graph, largest: i64| {
        replace(graph, Tensor::floats("kernel", &[H, 4], &[0.4; H * 4]));
        replace(graph, Tensor::floats("bias", &[4], &[0.5; 4]));
        graph.initializer.extend([Tensor::ints("groups", &[3], &[0, 2, 2]), Tensor::ints("two", &[1], &[2])]);
        graph.node.push(node("Reshape", &["logits", "groups"], &["grouped"], vec![]));
        let order = vec![Attribute::int("axis", -1), Attribute::int("largest", largest)];
        graph.node.push(node("TopK", &["grouped", "two"], &["sorted", "places"], order));
        graph.output[0].name = "sorted".into();
    };
    with(|graph| by_groups(graph, 0), "its answers are 2 groups of 2, as quantiles of 2 values are");
    with(|graph| by_groups(graph, 1), "TopK node \"the TopK\" cannot be taken from ONNX: expected all 2 answers");
}

#[test]
fn tensors_that_lie() {
    let floats = |name: &str, dims: &[i64], count: usize| Tensor {
        dims: dims.to_vec(),
        ..Tensor::floats(name, &[], &vec![0.1; count])
    };
    with(
        |graph| replace(graph, floats("w", &[1, 3, 2], 5)),
        "tensor \"w\": its shape is [1, 3, 2], expected 24 bytes, found 20",
    );
    with(|graph| replace(graph, floats("w", &[1, 3, 3], 9)), "its W has shape [1, 3, 3]; expected [1, 3, 2]");
    with(|graph| replace(graph, floats("w", &[i64::MAX, i64::MAX], 1)), "which is no shape");
    with(|graph| replace(graph, floats("w", &[-1], 1)), "which is no shape");
    with(|graph| replace(graph, floats("r", &[1, 3, 0], 0)), "its R has shape [1, 3, 0]");
    with(|graph| replace(graph, floats("kernel", &[3, 0], 0)), "it multiplies shapes");
    with(|graph| replace(graph, floats("kernel", &[4, 2], 8)), "it multiplies shapes");
    with(
        |graph| {
            replace(
                graph,
                Tensor {
                    data_type: 11,
                    dims: vec![1, 3, 2],
                    raw_data: Some(vec![0; 48].into()),
                    name: "w".into(),
                    ..Tensor::default()
                },
            );
        },
        "its type is double; export the model in float",
    );
    with(|graph| replace(graph, Tensor { data_type: 8, ..floats("w", &[0], 0) }), "its type is string");
    with(
        |graph| replace(graph, Tensor::ints("w", &[1, 3, 2], &[0; 6])),
        "its W is computed while it runs; expected weights",
    );
    let beside = |location: &str| Tensor {
        data_location: 1,
        external_data: vec![Property { key: "location".into(), value: location.into() }],
        ..floats("w", &[1, 3, 2], 0)
    };
    with(|graph| replace(graph, beside("../../etc/passwd")), "read the model from its folder");
    with(
        |graph| {
            replace(graph, Tensor::floats("kernel", &[3, 1], &[0.1; 3]));
            replace(graph, Tensor::floats("bias", &[1], &[0.1]));
            graph.node.push(node("Softmax", &["logits"], &["one"], vec![]));
            graph.output[0].name = "one".into();
        },
        "a softmax of one number",
    );
}

#[test]
fn external_data_stays_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    for (location, words) in [("../../etc/passwd", "leads elsewhere"), ("/etc/passwd", "an absolute path")] {
        let mut graph = good();
        let external_data = vec![Property { key: "location".into(), value: location.into() }];
        replace(
            &mut graph,
            Tensor { data_location: 1, external_data, dims: vec![1, 3, 2], ..Tensor::floats("w", &[], &[]) },
        );
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, bytes(graph)).unwrap();
        let message = elman_exchange::onnx::import(&path, &Hints::default()).unwrap_err().to_string();
        assert!(message.contains(words) && message.contains("model.onnx"), "{message}");
    }
}

#[test]
fn inputs_without_sizes() {
    with(|graph| graph.input[0] = value("x", Element::Float, &[None, None, None]), "axis 2 of 3 has no fixed length");
    with(
        |graph| graph.input[0] = value("x", Element::Float, &[None, None, Some(-1)]),
        "axis 2 of 3 has no fixed length",
    );
    with(|graph| graph.input[0].r#type = None, "its shape is not known");
    with(|graph| graph.input[0] = value("x", Element::Float, &[Some(1 << 40), None, Some(2)]), "is too large");
    with(
        |graph| graph.input[0] = value("x", Element::Float, &[Some(1 << 20), Some(100), Some(2)]),
        "expected at most 4194304",
    );
    with(|graph| graph.input[0] = value("x", Element::Float, &[Some(0), None, Some(2)]), "0 steps");
}

#[test]
fn operators_that_would_fill_memory() {
    let shape = |lengths: &[i64]| Tensor::ints("shape", &[lengths.len()], lengths);
    for (op, lengths) in [
        ("Expand", &[1 << 40, 3, 2, 2][..]),
        ("Expand", &[1 << 20, 3, 2, 2]),
        ("Expand", &[i64::MAX, i64::MAX, 3, 2, 2]),
        ("Tile", &[1 << 40, 1, 1]),
        ("Tile", &[1 << 22, 1, 1]),
        ("Tile", &[i64::MAX, i64::MAX, 1]),
    ] {
        let huge = vec![node(op, &["x", "shape"], &["z"], vec![])];
        let change = |graph: &mut Graph| {
            graph.initializer.push(shape(lengths));
            before(graph, huge);
        };
        with(change, &format!("{op} node \"the {op}\""));
    }
    let ones = vec![node("ConstantOfShape", &["shape"], &["z"], vec![])];
    with(
        |graph| {
            graph.initializer.push(shape(&[1 << 30]));
            before(graph, ones);
        },
        "expected at most 4194304",
    );
    let counted = vec![node("Range", &["zero", "limit", "one"], &["z"], vec![])];
    with(
        |graph| {
            graph
                .initializer
                .extend([("zero", 0), ("limit", i64::MAX), ("one", 1)].map(|(name, x)| Tensor::ints(name, &[], &[x])));
            before(graph, counted);
        },
        "too large",
    );
    // Twice as long with each node.
    let doubled: Vec<Node> = (0..60)
        .map(|at| {
            let from = if at == 0 { "w".to_owned() } else { format!("w{at}") };
            node("Concat", &[&from, &from], &[&format!("w{}", at + 1)], vec![Attribute::int("axis", 0)])
        })
        .collect();
    with(|graph| before(graph, doubled), "moves more elements");
    // Many nodes over a large tensor.
    let mut many = vec![node("Expand", &["one", "shape"], &["z0"], vec![])];
    many.extend((0..1000).map(|at| node("Neg", &[&format!("z{at}")], &[&format!("z{}", at + 1)], vec![])));
    many.iter_mut().skip(1).for_each(|node| node.op_type = "Identity".into());
    with(
        |graph| {
            graph.initializer.extend([shape(&[1 << 22]), Tensor::floats("one", &[1], &[1.0])]);
            before(graph, many);
        },
        "moves more elements",
    );
}

#[test]
fn arithmetic_that_has_no_result() {
    for (op, a, b, words) in [
        ("Div", 1, 0, "no whole number"),
        ("Div", i64::MIN, -1, "no whole number"),
        ("Mul", i64::MAX, 2, "no whole number"),
        ("Mod", 1, 0, "no whole number"),
        ("Add", i64::MAX, 1, "no whole number"),
    ] {
        let computed = vec![node(op, &["a", "c"], &["z"], vec![])];
        with(
            |graph| {
                graph.initializer.extend([Tensor::ints("a", &[], &[a]), Tensor::ints("c", &[], &[b])]);
                before(graph, computed);
            },
            words,
        );
    }
}

#[test]
fn glue_with_wrong_axes() {
    let list = |name: &str, values: &[i64]| Tensor::ints(name, &[values.len()], values);
    let wrong = |op: &str, inputs: &[&str], attributes: Vec<Attribute>, words: &str| {
        with(
            |graph| {
                graph.initializer.extend([
                    list("zeros", &[0, 0]),
                    list("ones", &[1, 1]),
                    list("nines", &[9]),
                    list("least", &[i64::MIN]),
                    list("most", &[i64::MAX]),
                    list("open", &[-1, -1]),
                ]);
                before(graph, vec![node(op, inputs, &["z"], attributes)]);
            },
            words,
        );
    };
    wrong("Transpose", &["x"], vec![Attribute::ints("perm", &[0, 0, 1])], "is none of 3 axes");
    wrong("Transpose", &["x"], vec![Attribute::ints("perm", &[0, 1])], "is none of 3 axes");
    wrong("Squeeze", &["x", "nines"], vec![], "axis 9 of a tensor of 3 axes");
    wrong("Squeeze", &["x", "ones"], vec![], "is not 1");
    wrong("Unsqueeze", &["x", "least"], vec![], "axis");
    wrong("Unsqueeze", &["x", "ones"], vec![], "are not distinct");
    wrong("Reshape", &["x", "open"], vec![], "its shape is [-1, -1]");
    wrong("Reshape", &["x", "nines"], vec![], "has no shape [9]");
    wrong("Reshape", &["x", "most"], vec![], "too large");
    wrong("Flatten", &["x"], vec![Attribute::int("axis", 7)], "axis 7");
    wrong("Slice", &["x", "zeros", "ones", "ones"], vec![], "is cut twice");
    wrong("Slice", &["x", "nines", "most", "nines"], vec![], "axis 9");
    wrong("Slice", &["x", "zeros", "ones", "ones", "zeros"], vec![], "its step is 0");
    wrong("Slice", &["x", "zeros", "nines"], vec![], "are not as many");
    wrong("Gather", &["x", "nines"], vec![], "an index is beyond");
    wrong("Gather", &["x", "zeros"], vec![Attribute::int("axis", -9)], "axis -9");
    wrong("Split", &["x", "nines"], vec![], "parts [9] of an axis");
    wrong("Concat", &["x", "r"], vec![Attribute::int("axis", 0)], "differ in an axis");
    wrong("Concat", &["x", "nines"], vec![Attribute::int("axis", 0)], "differ in an axis");
    wrong("Concat", &[], vec![], "it has no inputs");
    wrong("Expand", &["x", "least"], vec![], "is no shape");
    wrong("Tile", &["x", "ones"], vec![], "not one for each axis");
    wrong("Slice", &["x", "most", "least", "zeros"], vec![], "");
}

#[test]
fn parts_of_what_is_known() {
    // Half of the features.
    let half = vec![node("Slice", &["x", "zero", "one", "two"], &["z"], vec![])];
    with(
        |graph| {
            graph
                .initializer
                .extend([("zero", 0), ("one", 1), ("two", 2)].map(|(name, x)| Tensor::ints(name, &[1], &[x])));
            replace(graph, Tensor::floats("w", &[1, H, 1], &[0.1; H]));
            before(graph, half);
        },
        "it is a part of the input \"x\"",
    );
    // All but the last step.
    let shorter = vec![node("Slice", &["x", "zero", "last", "zero"], &["z"], vec![])];
    with(
        |graph| {
            graph.initializer.extend([("zero", 0), ("last", -1)].map(|(name, x)| Tensor::ints(name, &[1], &[x])));
            before(graph, shorter);
        },
        "it is a part of the input \"x\"",
    );
    // A step that is the last one for one number of steps alone.
    with(
        |graph| {
            graph.initializer.push(Tensor::ints("third", &[], &[1]));
            graph.node[1] = node("Gather", &["y", "third"], &["h4"], vec![]);
            graph.node.insert(2, node("Squeeze", &["h4", "first"], &["h"], vec![]));
        },
        "",
    );
    // Another bias for each row.
    with(|graph| replace(graph, Tensor::floats("bias", &[5, 1], &[0.1, 0.2, 0.3, 0.4, 0.5])), "");
    // A dense layer behind a softmax.
    with(
        |graph| {
            graph.initializer.push(Tensor::floats("kernel2", &[2, 2], &[0.1; 4]));
            graph.node.push(node("Softmax", &["logits"], &["parts"], vec![]));
            graph.node.push(node("MatMul", &["parts", "kernel2"], &["more"], vec![]));
            graph.output[0].name = "more".into();
        },
        "MatMul node \"the MatMul\" cannot be taken from ONNX: its input cannot be told",
    );
}

#[test]
fn metadata_that_lie() {
    let with_metadata = |config: &str| {
        let metadata_props = vec![Property { key: "elman".into(), value: config.into() }];
        let opset_import = vec![OperatorSet { domain: String::new(), version: 22 }];
        let graph = Some(good());
        let bytes = to_bytes(&Model { ir_version: 10, opset_import, graph, metadata_props, ..Model::default() });
        import_bytes(&bytes, &Hints::default())
    };
    for (config, words) in [
        ("{", "EOF"),
        (r#"{"version":2,"layers":[],"head":{"classes":2},"steps":null}"#, "version 2"),
        (r#"{"version":1,"layers":[],"head":{"classes":2},"steps":null}"#, "layers is 0"),
    ] {
        let message = with_metadata(config).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
    // A configuration of another model counts for nothing: the graph is read as it is.
    for config in [
        r#"{"version":1,"layers":[{"cell":"gru","input":2,"hidden":3}],"head":{"classes":2},"steps":null}"#,
        r#"{"version":1,"layers":[{"cell":"rnn","input":16384,"hidden":16384}],"head":{"classes":65536},"steps":null}"#,
    ] {
        let imported = with_metadata(config).unwrap();
        assert_eq!(imported.model.arrays()["layers.0.bias"].data, [0.6; H]);
        let notes = &imported.report.notes;
        let changed = "the graph is not the one that elman wrote, tensor \"layers.0.kernel\" is missing";
        assert!(notes.iter().any(|note| note.starts_with(changed)), "{notes:?}");
    }
}
