//! Graphs that look like layers and compute something else: each is refused, with the node where that can be told. And
//! graphs to which operators were added by chance: what is taken is equal in numbers.

use crate::support::exports::random_model;
use crate::support::networks::random_cube;
use elman::formats::onnx::{Attribute, DimensionValue, Element, Graph, Node, OperatorSet, Tensor, ValueInfo, to_bytes};
use elman::formats::{self, Array};
use elman::{Head, Lstm, Model, Purpose, Random, Rnn};
use elman_exchange::{
    Hints, Imported,
    onnx::{self, OnnxOptions},
};
use ndarray::{Array3, Axis, Slice, s};

const I: usize = 3;
const H: usize = 4;
const C: usize = 2;

/// Two programs, each with its own order of sums.
const TOLERANCE: f32 = 1e-5;

fn node(op: &str, inputs: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
    let name = format!("{op} of {output}");
    let input = inputs.iter().map(|&name| name.to_owned()).collect();
    Node { input, output: vec![output.to_owned()], name, op_type: op.into(), attribute, domain: String::new() }
}

fn cast(input: &str, output: &str, to: i64) -> Node {
    node("Cast", &[input], output, vec![Attribute::int("to", to)])
}

fn list(name: &str, values: &[i64]) -> Tensor {
    Tensor::ints(name, &[values.len()], values)
}

fn perm(input: &str, output: &str) -> Node {
    node("Transpose", &[input], output, vec![Attribute::ints("perm", &[1, 0, 2])])
}

fn bytes_of(graph: Graph, version: i64) -> Vec<u8> {
    let opset_import = vec![OperatorSet { domain: String::new(), version }];
    to_bytes(&formats::onnx::Model { ir_version: 10, opset_import, graph: Some(graph), ..Default::default() })
}

fn import(graph: Graph) -> Result<Imported, String> {
    onnx::import_bytes(&bytes_of(graph, 22), &Hints::default()).map_err(|error| error.to_string())
}

/// What a test puts into a graph: constants, and nodes that make `to` of `from`.
#[derive(Clone, Default)]
struct Part {
    constants: Vec<Tensor>,
    nodes: Vec<Node>,
}

/// Where a part stands: all four values are [B, T, F], or [B, T, C].
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Input,
    Between,
    Head,
    Output,
}

/// Two layers with a head on every step, and what stands before, between and behind them: each part makes `NAME.new` of
/// `NAME`.
fn graph(models: &Models, parts: &[(Place, Part)]) -> Graph {
    let part = |graph: &mut Graph, place: Place, name: &str| -> String {
        let Some((_, part)) = parts.iter().find(|(own, _)| *own == place) else { return name.to_owned() };
        graph.initializer.extend(part.constants.iter().cloned());
        graph.node.extend(part.nodes.iter().cloned());
        format!("{name}.new")
    };
    let mut graph = Graph::default();
    let axes = |last: usize| {
        let name = |name: &str| Some(DimensionValue::Name(name.into()));
        vec![name("b"), name("t"), Some(DimensionValue::Length(last as i64))]
    };
    graph.input = vec![ValueInfo::tensor("x", Element::Float, axes(I))];
    graph.initializer.push(list("one", &[1]));
    let mut value = part(&mut graph, Place::Input, "x");
    for (layer, model) in [&models.lower, &models.upper].into_iter().enumerate() {
        let of = |name: &str| format!("{name}{layer}");
        graph.initializer.extend(weights(model, layer));
        graph.node.push(perm(&value, &of("steps")));
        let [w, r, b] = ["w", "r", "b"].map(of);
        let hidden = vec![Attribute::int("hidden_size", H as i64)];
        graph.node.push(node("RNN", &[&of("steps"), &w, &r, &b], &of("y"), hidden));
        graph.node.push(node("Squeeze", &[&of("y"), "one"], &of("flat"), vec![]));
        graph.node.push(perm(&of("flat"), &of("rows")));
        value = part(&mut graph, [Place::Between, Place::Head][layer], &of("rows"));
    }
    let (kernel, bias) = models.upper.head_arrays();
    let kernel: Vec<f32> = kernel.iter().copied().collect();
    graph.initializer.extend([Tensor::floats("kernel", &[H, C], &kernel), Tensor::floats("bias", &[C], &bias)]);
    graph.node.push(node("MatMul", &[&value, "kernel"], "product", vec![]));
    graph.node.push(node("Add", &["product", "bias"], "z", vec![]));
    let last = part(&mut graph, Place::Output, "z");
    graph.output = vec![ValueInfo::tensor(&last, Element::Float, axes(C))];
    graph
}

/// The name of the value at a place.
fn value_at(place: Place) -> &'static str {
    match place {
        Place::Input => "x",
        Place::Between => "rows0",
        Place::Head => "rows1",
        Place::Output => "z",
    }
}

/// An Elman layer; another with a head on every step.
struct Models {
    lower: Model,
    upper: Model,
}

fn models() -> Models {
    let lower = random_model(Rnn::new(I, H), Head::every_step(C));
    let mut upper = random_model(Rnn::new(H, H), Head::every_step(C));
    let mut arrays = upper.arrays();
    let mut random = Random::new(5, Purpose::Data);
    arrays.values_mut().flat_map(|array| &mut array.data).for_each(|x| *x = random.uniform(0.7));
    upper.set_arrays(&arrays).unwrap();
    Models { lower, upper }
}

/// W, R and B of an Elman layer.
fn weights(model: &Model, layer: usize) -> Vec<Tensor> {
    let arrays = model.arrays();
    let turned = |name: &str| {
        let Array { shape, data } = &arrays[name];
        let (rows, columns) = (shape[0], shape[1]);
        let turned: Vec<f32> = (0..columns).flat_map(|c| (0..rows).map(move |r| data[r * columns + c])).collect();
        (columns, rows, turned)
    };
    let matrix = |name: &str, of: &str| {
        let (rows, columns, data) = turned(of);
        Tensor::floats(&format!("{name}{layer}"), &[1, rows, columns], &data)
    };
    let bias = [&arrays["layers.0.bias"].data[..], &[0.0; H]].concat();
    vec![
        matrix("w", "layers.0.kernel"),
        matrix("r", "layers.0.recurrent_kernel"),
        Tensor::floats(&format!("b{layer}"), &[1, 2 * H], &bias),
    ]
}

#[test]
fn the_good_graph_is_taken_and_compared() {
    let imported = import(graph(&models(), &[])).unwrap();
    let compared = imported.report.compared.unwrap();
    assert!(compared.largest_difference <= TOLERANCE, "{compared:?}");
    assert!(compared.batches >= 10 && compared.left_out.is_empty(), "{compared:?}");
    assert!((compared.rows.0, compared.steps.0) == (1, 1) && compared.rows.1 >= 17 && compared.steps.1 >= 33);
    let words = compared.to_string();
    assert!(words.starts_with("the graph's \"z\": ") && words.contains(" batches of 1 to "), "{words}");
}

/// A part that is put somewhere is refused, in these words.
fn refused(what: &str, place: Place, constants: Vec<Tensor>, nodes: Vec<Node>, words: &str) {
    let message = import(graph(&models(), &[(place, Part { constants, nodes })])).unwrap_err();
    assert!(message.contains(words), "{what} at {place:?}: {message:?} does not say {words:?}");
    assert!(message.contains("cannot be taken from ONNX"), "{message}");
}

const NAMES: [Place; 4] = [Place::Input, Place::Between, Place::Head, Place::Output];

/// The name of a value, and of what is made of it.
fn ends(place: Place) -> (&'static str, String) {
    (value_at(place), format!("{}.new", value_at(place)))
}

#[test]
fn casts_that_lose_something() {
    // int32, int64, int8, uint8, bool, float16, bfloat16.
    for (to, word) in [
        (6, "whole numbers"),
        (7, "whole numbers"),
        (3, "whole"),
        (2, "whole"),
        (9, ""),
        (10, "float16"),
        (16, "bfloat16"),
    ] {
        for place in NAMES {
            let (from, new) = ends(place);
            let nodes = vec![cast(from, "cast", to), cast("cast", &new, 1)];
            refused(&format!("a cast to {to}"), place, vec![], nodes, word);
        }
    }
    let (from, new) = ends(Place::Input);
    refused(
        "",
        Place::Input,
        vec![],
        vec![cast(from, "cast", 7), cast("cast", &new, 1)],
        "cut to whole numbers by Cast node \"Cast of cast\"",
    );
    refused("", Place::Input, vec![], vec![cast(from, "cast", 12), cast("cast", &new, 1)], "it casts to uint32");
}

#[test]
fn casts_that_lose_nothing_are_taken() {
    for place in NAMES {
        let (from, new) = ends(place);
        let nodes = vec![cast(from, "cast", 11), cast("cast", &new, 1)];
        let taken = import(graph(&models(), &[(place, Part { constants: vec![], nodes })]));
        assert!(taken.is_ok(), "{place:?}: {:?}", taken.err());
    }
}

/// `x[:, start:end]`
fn cut(place: Place, axis: i64, start: i64, end: i64, step: i64) -> Part {
    let (from, new) = ends(place);
    let constants = vec![list("start", &[start]), list("end", &[end]), list("axis", &[axis]), list("step", &[step])];
    Part { constants, nodes: vec![node("Slice", &[from, "start", "end", "axis", "step"], &new, vec![])] }
}

/// Whole for the small shapes on which a graph is followed.
#[test]
fn steps_beyond_a_constant() {
    for place in NAMES {
        for (start, end) in [(0, 6), (-6, i64::MAX), (0, 20), (-20, i64::MAX), (0, 40), (0, 512), (-512, i64::MAX)] {
            let Part { constants, nodes } = cut(place, 1, start, end, 1);
            let words = if place == Place::Output { "Slice of z.new" } else { "Slice" };
            refused(&format!("[{start}:{end}]"), place, constants, nodes, words);
        }
    }
    let Part { constants, nodes } = cut(Place::Between, 1, 0, 12, 1);
    let words = "RNN node \"RNN of y1\" cannot be taken from ONNX: what it reads is not the outputs of RNN node \"RNN of y0\", \
                 step by step (between them:";
    refused("[:12]", Place::Between, constants, nodes, words);
    let Part { constants, nodes } = cut(Place::Input, 1, 0, 12, 1);
    refused("[:12]", Place::Input, constants, nodes, "what it reads is not the graph's input \"x\"");
    let Part { constants, nodes } = cut(Place::Head, 1, 0, 12, 1);
    refused("[:12]", Place::Head, constants, nodes, "MatMul node \"MatMul of product\"");
}

#[test]
fn rows_beyond_a_constant() {
    for place in NAMES {
        for (start, end) in [(0, 8), (-8, i64::MAX), (0, 40)] {
            let Part { constants, nodes } = cut(place, 0, start, end, 1);
            refused(&format!("rows [{start}:{end}]"), place, constants, nodes, "");
        }
    }
}

#[test]
fn orders_that_are_changed_at_the_ends() {
    for place in [Place::Input, Place::Between, Place::Head, Place::Output] {
        for axis in [0, 1] {
            // Turned round.
            let Part { constants, nodes } = cut(place, axis, -1, i64::MIN, -1);
            // A sequence that is turned round at both ends of a layer is read from its end: this one is so at one alone.
            refused(&format!("axis {axis} turned round"), place, constants, nodes, "");
            // Rolled by one.
            let (from, new) = ends(place);
            let constants = ["zero", "ax", "most", "single"];
            let constants: Vec<Tensor> =
                constants.iter().zip([0, axis, i64::MAX, 1]).map(|(name, x)| list(name, &[x])).collect();
            let nodes = vec![
                node("Slice", &[from, "single", "most", "ax"], "tail", vec![]),
                node("Slice", &[from, "zero", "single", "ax"], "lead", vec![]),
                node("Concat", &["tail", "lead"], &new, vec![Attribute::int("axis", axis)]),
            ];
            refused(&format!("axis {axis} rolled"), place, constants, nodes, "");
        }
        // `view(T, B, …)`, taken for a transpose and turned back, or not.
        let (from, new) = ends(place);
        let constants = vec![list("open", &[-1]), list("zero", &[0]), list("back", &[1, 0])];
        let mut nodes = vec![
            node("Shape", &[from], "shape", vec![]),
            node("Gather", &["shape", "back"], "turned", vec![Attribute::int("axis", 0)]),
            node("Concat", &["turned", "open"], "view.shape", vec![Attribute::int("axis", 0)]),
            node("Reshape", &[from, "view.shape"], "view", vec![]),
        ];
        let mut back = nodes.clone();
        back.push(perm("view", &new));
        refused("a view for a transpose", place, constants.clone(), back, "");
        if place != Place::Output {
            nodes.push(node("Identity", &["view"], &new, vec![]));
            refused("a view", place, constants, nodes, "");
        }
    }
}

/// What depends on how many rows or steps there are.
#[test]
fn conditions_on_the_shape() {
    // x where T (or B) compares so with a number, and x turned round in time elsewhere.
    let conditions = [
        (1, "Less", 7),
        (1, "Less", 21),
        (1, "LessOrEqual", 511),
        (0, "Less", 9),
        (0, "LessOrEqual", 16),
        (0, "Less", 33),
    ];
    for (axis, op, number) in conditions {
        for place in [Place::Input, Place::Between, Place::Output] {
            let (from, new) = ends(place);
            let constants = vec![
                Tensor::ints("number", &[], &[number]),
                Tensor::ints("which", &[], &[axis]),
                list("end", &[i64::MIN]),
                list("start", &[-1]),
                list("axes", &[1]),
            ];
            let nodes = vec![
                node("Shape", &[from], "shape", vec![]),
                node("Gather", &["shape", "which"], "length", vec![]),
                node(op, &["length", "number"], "is_short", vec![]),
                node("Slice", &[from, "start", "end", "axes", "start"], "turned", vec![]),
                node("Where", &["is_short", from, "turned"], &new, vec![]),
            ];
            refused(&format!("axis {axis} {op} {number}"), place, constants, nodes, "");
        }
    }
}

/// Tables that are neutral where a graph is followed, and not farther on.
#[test]
fn tables_that_are_neutral_at_first() {
    for length in [10, 60, 300] {
        let mut ones = vec![1.0; length];
        ones[length - 3..].fill(0.0);
        for place in [Place::Input, Place::Between] {
            let (from, new) = ends(place);
            let constants = vec![
                Tensor::floats("table", &[1, length, 1], &ones),
                list("zero", &[0]),
                Tensor::ints("which", &[1], &[1]),
            ];
            let nodes = vec![
                node("Shape", &[from], "shape", vec![]),
                node("Gather", &["shape", "which"], "length", vec![]),
                node("Slice", &["table", "zero", "length", "which"], "part", vec![]),
                node("Mul", &[from, "part"], &new, vec![]),
            ];
            refused(&format!("a table of {length}"), place, constants, nodes, &format!("Mul of {new}"));
        }
    }
}

#[test]
fn dropout_as_in_training() {
    for place in NAMES {
        let (from, new) = ends(place);
        let half = Tensor::floats("half", &[], &[0.5]);
        let on = Tensor { data_type: 9, raw_data: Some(vec![1].into()), ..Tensor::ints("on", &[], &[0]) };
        let nodes = vec![node("Dropout", &[from, "half", "on"], &new, vec![])];
        refused("dropout", place, vec![half.clone(), on.clone()], nodes, "model.eval()");
        let off = Tensor { raw_data: Some(vec![0].into()), ..on.clone() };
        let nodes = vec![node("Dropout", &[from, "half", "on"], &new, vec![])];
        let part = Part { constants: vec![half.clone(), off], nodes };
        assert!(import(graph(&models(), &[(place, part)])).is_ok());
    }
    // Older ones act where nothing says that they are tested.
    let (from, new) = ends(Place::Between);
    let part = Part { constants: vec![], nodes: vec![node("Dropout", &[from], &new, vec![])] };
    let older = bytes_of(graph(&models(), &[(Place::Between, part)]), 6);
    let message = onnx::import_bytes(&older, &Hints::default()).unwrap_err().to_string();
    assert!(message.contains("Dropout"), "{message}");
}

/// What computes with what flows is refused by name before any number is compared.
#[test]
fn arithmetic_on_what_flows() {
    let constants = || {
        vec![
            Tensor::floats("low", &[], &[-3.0]),
            Tensor::floats("high", &[], &[3.0]),
            Tensor::floats("v", &[H], &[1.0; H]),
        ]
    };
    for place in [Place::Between, Place::Head] {
        let (from, new) = ends(place);
        for (op, inputs) in [
            ("Clip", vec![from, "low", "high"]),
            ("Round", vec![from]),
            ("Floor", vec![from]),
            ("Mod", vec![from, "high"]),
            ("Max", vec![from, "low"]),
            ("Neg", vec![from]),
            ("Mul", vec![from, "high"]),
            ("BatchNormalization", vec![from, "v", "v", "v", "v"]),
            ("ArgMax", vec![from]),
        ] {
            refused(op, place, constants(), vec![node(op, &inputs, &new, vec![])], &format!("{op} node \"{op} of"));
        }
        let nodes = vec![
            node("Greater", &[from, "high"], "above", vec![]),
            node("Where", &["above", "high", from], &new, vec![]),
        ];
        refused("Where", place, constants(), nodes, "Greater node");
        let nodes = vec![node("IsNaN", &[from], "nan", vec![]), node("Where", &["nan", "low", from], &new, vec![])];
        refused("IsNaN", place, constants(), nodes, "IsNaN node");
    }
}

/// Lengths that one layer knows and another does not, or the head.
#[test]
fn lengths_that_not_all_know() {
    let with_lengths = |layers: &[usize]| {
        let mut graph = graph(&models(), &[]);
        let rows = vec![Some(DimensionValue::Name("b".into()))];
        graph.input.push(ValueInfo::tensor("lengths", Element::Int32, rows));
        for layer in layers {
            let name = format!("y{layer}");
            let rnn = graph.node.iter_mut().find(|node| node.output[0] == name).unwrap();
            rnn.input.push("lengths".into());
        }
        graph
    };
    let imported = import(with_lengths(&[0, 1])).unwrap();
    assert!(imported.report.notes.iter().any(|note| note.contains("\"lengths\": give them to the model too")));
    // Every step of rows: what lies past an end does not come back.
    for layers in [&[0][..], &[1]] {
        let taken = import(with_lengths(layers));
        assert!(taken.is_ok(), "{layers:?}: {:?}", taken.err());
    }
    // The last step, of rows that may have ended before; the final state of one layer that does not know.
    let last_step = |graph: &mut Graph| {
        graph.initializer.push(Tensor::ints("last", &[], &[-1]));
        let product = graph.node.iter_mut().find(|node| node.output[0] == "product").unwrap();
        product.input[0] = "h".into();
        let at = graph.node.iter().position(|node| node.output[0] == "product").unwrap();
        graph.node.insert(at, node("Gather", &["rows1", "last"], "h", vec![Attribute::int("axis", 1)]));
    };
    for layers in [&[0, 1][..], &[0], &[1]] {
        let mut graph = with_lengths(layers);
        last_step(&mut graph);
        let message = import(graph).unwrap_err();
        assert!(message.contains("and lengths [") && message.contains("MatMul"), "{layers:?}: {message}");
    }
    let mut whole = graph(&models(), &[]);
    last_step(&mut whole);
    assert!(import(whole).is_ok());
}

/// A backward layer that does not know the lengths that the forward one knows.
#[test]
fn directions_of_which_one_knows_lengths() {
    let both = elman::Layer::new(Rnn::new(I, H)).bidirectional(elman::Merge::Concat);
    for options in [OnnxOptions::default(), OnnxOptions::default().lengths(false)] {
        let model = random_model(both.clone(), Head::every_step(C));
        let exported = onnx::export(&model, &options).unwrap().0;
        let mut graph = exported.graph.unwrap();
        let rnn = graph.node.iter().position(|node| node.op_type == "RNN").unwrap();
        // An operator for each direction: the forward one knows the lengths, where there are any.
        let both = graph.node.remove(rnn);
        graph.initializer.extend([list("first.d", &[0]), list("second.d", &[1]), list("end.d", &[2])]);
        let mut nodes = Vec::new();
        for (direction, start, end) in [("forward", "first.d", "second.d"), ("reverse", "second.d", "end.d")] {
            let halves = ["W", "R", "B"].map(|what| {
                let half = format!("{what}.{direction}");
                nodes.push(node("Slice", &[&format!("layers.0.{what}"), start, end, "first.d"], &half, vec![]));
                half
            });
            let mut one = both.clone();
            one.input.splice(1..4, halves);
            one.output = vec![direction.into()];
            one.name = format!("RNN {direction}");
            one.attribute.retain(|attribute| attribute.name != "direction");
            one.attribute.push(Attribute::text("direction", direction));
            if direction == "reverse" {
                one.input.truncate(4);
            }
            nodes.push(one);
        }
        nodes.push(node("Concat", &["forward", "reverse"], "layers.0.Y", vec![Attribute::int("axis", 1)]));
        for (at, node) in nodes.into_iter().enumerate() {
            graph.node.insert(rnn + at, node);
        }
        match import(graph) {
            Ok(imported) => {
                assert!(!options.lengths);
                assert_eq!(imported.model.stack().layers[0].bidirectional, Some(elman::Merge::Concat));
            }
            Err(message) => {
                assert!(options.lengths, "{message}");
                assert!(message.contains("and lengths ["), "{message}");
            }
        }
    }
}

/// A state to start from that is zero for few rows alone.
#[test]
fn initial_states_that_are_zero_at_first() {
    for rows in [6, 12, 40] {
        let mut states = vec![0.0; rows * H];
        states[(rows - 1) * H..].fill(0.5);
        let mut graph = graph(&models(), &[]);
        graph.initializer.extend([
            Tensor::floats("states", &[1, rows, H], &states),
            list("zero", &[0]),
            Tensor::ints("which", &[1], &[0]),
        ]);
        let rnn = graph.node.iter().position(|node| node.op_type == "RNN").unwrap();
        graph.node[rnn].input.extend(["".into(), "h0".into()]);
        for (at, node) in [
            node("Shape", &["x"], "shape", vec![]),
            node("Gather", &["shape", "which"], "b", vec![]),
            node("Slice", &["states", "zero", "b", "one"], "h0", vec![]),
        ]
        .into_iter()
        .enumerate()
        {
            graph.node.insert(rnn + at, node);
        }
        let message = import(graph).unwrap_err();
        let shape = format!("its input 5 has shape [1, {rows}, {H}]; expected [1, ");
        assert!(message.contains("RNN of y0") && message.contains(&shape), "{message}");
    }
}

#[test]
fn softmax_and_its_logarithms_are_told_apart() {
    for (op, note) in [("Softmax", "ends in a softmax"), ("LogSoftmax", "the logarithms of a softmax")] {
        let (from, new) = ends(Place::Output);
        let part = Part { constants: vec![], nodes: vec![node(op, &[from], &new, vec![Attribute::int("axis", -1)])] };
        let imported = import(graph(&models(), &[(Place::Output, part)])).unwrap();
        assert!(imported.report.notes.iter().any(|found| found.contains(note)), "{:?}", imported.report.notes);
        assert!(imported.report.compared.unwrap().largest_difference <= TOLERANCE);
    }
    let (from, new) = ends(Place::Output);
    let twice = vec![node("Softmax", &[from], "once", vec![]), node("Softmax", &["once"], &new, vec![])];
    refused("softmax twice", Place::Output, vec![], twice, "Softmax");
    for axis in [0, 1] {
        let over = vec![node("Softmax", &[from], &new, vec![Attribute::int("axis", axis)])];
        refused("softmax over another axis", Place::Output, vec![], over, "Softmax");
    }
}

/// A graph that fixes its rows or steps is compared with what it allows.
#[test]
fn shapes_that_a_graph_fixes() {
    for (rows, steps) in [(Some(1), None), (None, Some(9)), (Some(4), Some(4)), (Some(2), Some(5))] {
        let mut graph = graph(&models(), &[]);
        let length = |of: Option<i64>, name: &str| {
            Some(of.map_or_else(|| DimensionValue::Name(name.into()), DimensionValue::Length))
        };
        let axes = vec![length(rows, "b"), length(steps, "t"), length(Some(I as i64), "")];
        graph.input = vec![ValueInfo::tensor("x", Element::Float, axes)];
        let compared = import(graph).unwrap().report.compared.unwrap();
        assert!(compared.batches >= 3, "{compared:?}");
        if let Some(rows) = rows {
            assert_eq!(compared.rows, (rows as usize, rows as usize));
        }
        if let Some(steps) = steps {
            assert_eq!(compared.steps, (steps as usize, steps as usize));
        }
    }
}

/// Batches that would take too long are left out, and the report says so.
#[test]
fn what_is_too_large_is_said() {
    let mut model = random_model(Lstm::new(4, 320), Head::last_state(3));
    let mut arrays = model.arrays();
    // Small ones, with which states do not depend on how sums are rounded.
    arrays.values_mut().flat_map(|array| &mut array.data).for_each(|x| *x *= 0.05);
    model.set_arrays(&arrays).unwrap();
    let exported = onnx::export(&model, &OnnxOptions::default().lengths(false)).unwrap().0;
    let mut graph = exported.graph.unwrap();
    // A table of which nothing is used but its zeros, as long as 4,000 steps.
    graph.initializer.push(list("most", &[4000]));
    graph.node.push(node("Identity", &["most"], "unused", vec![]));
    let compared = import(graph).unwrap().report.compared.unwrap();
    assert!(compared.batches >= 8, "{compared:?}");
    let [left_out] = &compared.left_out[..] else { panic!("{compared:?}") };
    assert!(left_out.contains("up to 2 rows of 4001 steps, are left out for their work"), "{left_out}");
}

/// Whole models that no layer here is, and what to do about them.
#[test]
fn refusals_of_whole_graphs() {
    let changed = |change: &dyn Fn(&mut Graph)| {
        let mut graph = graph(&models(), &[]);
        change(&mut graph);
        import(graph).unwrap_err()
    };
    for op in ["DynamicQuantizeLSTM", "DynamicQuantizeLinear", "DequantizeLinear", "QLinearMatMul", "MatMulInteger"] {
        let message = changed(&|graph| graph.node[1].op_type = op.into());
        assert!(message.starts_with(&format!("{op} node")) && message.contains("quantized"), "{message}");
        assert!(message.contains("as it was before it was quantized"), "{message}");
    }
    let message = changed(&|graph| graph.node.insert(0, node("If", &["x"], "branch", vec![])));
    assert!(message.starts_with("If node") && message.contains("chooses between two graphs"), "{message}");
    assert!(!message.contains("loop") && message.contains("onnxsim"), "{message}");
    for (domain, words) in [
        ("com.microsoft", "ONNX Runtime writes it when it optimises"),
        ("pkg.onnxscript.torch_lib", "inline_local_functions"),
        ("ai.onnx.ml", "convert the network alone"),
    ] {
        let message = changed(&|graph| graph.node[0].domain = domain.into());
        assert!(message.contains(words), "{message}");
    }
    let message = changed(&|graph| graph.node.iter_mut().for_each(|node| node.op_type = "Conv".into()));
    assert!(message.contains("it has no RNN, LSTM or GRU; it has Conv."), "{message}");
}

/// The lengths with which a graph is followed are nobody's but ours.
#[test]
fn messages_name_axes_and_not_our_sizes() {
    for (constants, nodes, words) in [
        (vec![list("shape.of", &[7, -1])], vec![node("Reshape", &["x", "shape.of"], "x.new", vec![])], "[b, t, 3]"),
        (
            vec![list("parts", &[9])],
            vec![node("Split", &["x", "parts"], "x.new", vec![Attribute::int("axis", 1)])],
            "an axis of t",
        ),
        (
            vec![list("places", &[50])],
            vec![node("Gather", &["x", "places"], "x.new", vec![Attribute::int("axis", 1)])],
            "beyond the t elements",
        ),
    ] {
        refused("", Place::Input, constants, nodes, words);
    }
}

/// Shapes that a tool wrote into a graph of ours: no rows, or more than memory has. And tensors that nobody reads.
#[test]
fn shapes_that_lie() {
    let model = random_model(Rnn::new(I, H), Head::last_state(C));
    for length in [0, 1 << 40, i64::MAX] {
        let mut exported = onnx::export(&model, &OnnxOptions::default()).unwrap().0;
        let graph = exported.graph.as_mut().unwrap();
        let axes = vec![
            Some(DimensionValue::Length(length)),
            Some(DimensionValue::Name("time".into())),
            Some(DimensionValue::Length(I as i64)),
        ];
        graph.input[0] = ValueInfo::tensor("input", Element::Float, axes);
        let message = onnx::import_bytes(&to_bytes(&exported), &Hints::default()).unwrap_err().to_string();
        assert!(message.contains("open axes"), "{message}");
    }
    let mut graph = graph(&models(), &[]);
    graph.initializer.push(Tensor { dims: vec![i64::MAX, i64::MAX], ..list("unread", &[1]) });
    assert!(import(graph).is_ok());
}

/// What a part computes, on [B, T, F].
type Meaning = Box<dyn Fn(&Array3<f32>) -> Array3<f32>>;

/// An operator or a few, drawn by chance, and what they compute.
fn drawn(random: &mut Random, from: &str, new: &str, id: usize) -> (Part, Meaning) {
    let name = |what: &str| format!("{what}.{id}");
    let number = 2 + i64::from(random.below(22));
    let axis = random.below(2) as usize;
    let along = [0, 1][axis];
    let (end, start, axes, step) = (name("end"), name("start"), name("axes"), name("step"));
    let slice = |from: &str, to: &str| node("Slice", &[from, &start, &end, &axes, &step], to, vec![]);
    let bounds = |first: i64, last: i64, by: i64| {
        vec![list(&start, &[first]), list(&end, &[last]), list(&axes, &[along]), list(&step, &[by])]
    };
    let same: Meaning = Box::new(Clone::clone);
    match random.below(13) {
        0 => (Part { constants: vec![], nodes: vec![node("Identity", &[from], new, vec![])] }, same),
        1 => {
            let turned = name("turned");
            (Part { constants: vec![], nodes: vec![perm(from, &turned), perm(&turned, new)] }, same)
        }
        2 => {
            let constants = vec![list(&name("keep"), &[0, 0, -1])];
            (Part { constants, nodes: vec![node("Reshape", &[from, &name("keep")], new, vec![])] }, same)
        }
        3 => {
            let constants = bounds(0, number, 1);
            let meaning: Meaning = Box::new(move |x| {
                let most = (number as usize).min(x.shape()[axis]);
                x.slice_axis(Axis(axis), Slice::from(..most)).to_owned()
            });
            (Part { constants, nodes: vec![slice(from, new)] }, meaning)
        }
        4 => {
            let constants = bounds(-number, i64::MAX, 1);
            let meaning: Meaning = Box::new(move |x| {
                let length = x.shape()[axis];
                x.slice_axis(Axis(axis), Slice::from(length.saturating_sub(number as usize)..)).to_owned()
            });
            (Part { constants, nodes: vec![slice(from, new)] }, meaning)
        }
        5 => {
            let meaning: Meaning = Box::new(move |x| {
                let mut x = x.clone();
                x.invert_axis(Axis(axis));
                x.as_standard_layout().into_owned()
            });
            (Part { constants: bounds(-1, i64::MIN, -1), nodes: vec![slice(from, new)] }, meaning)
        }
        6 => {
            // Turned round twice.
            let once = name("once");
            (Part { constants: bounds(-1, i64::MIN, -1), nodes: vec![slice(from, &once), slice(&once, new)] }, same)
        }
        7 => {
            let nodes = vec![cast(from, &name("cast"), 7), cast(&name("cast"), new, 1)];
            (Part { constants: vec![], nodes }, Box::new(|x| x.mapv(f32::trunc)))
        }
        8 => {
            let nodes = vec![cast(from, &name("cast"), 11), cast(&name("cast"), new, 1)];
            (Part { constants: vec![], nodes }, same)
        }
        9 => {
            let (open, back) = (name("open"), name("back"));
            let nodes = vec![
                node("Shape", &[from], &name("shape"), vec![]),
                node("Gather", &[&name("shape"), &back], &name("two"), vec![Attribute::int("axis", 0)]),
                node("Concat", &[&name("two"), &open], &name("to"), vec![Attribute::int("axis", 0)]),
                node("Reshape", &[from, &name("to")], &name("view"), vec![]),
                perm(&name("view"), new),
            ];
            let meaning: Meaning = Box::new(|x| {
                let (b, t, f) = x.dim();
                let flat: Vec<f32> = x.iter().copied().collect();
                let view = Array3::from_shape_vec((t, b, f), flat).unwrap();
                view.permuted_axes([1, 0, 2]).as_standard_layout().into_owned()
            });
            (Part { constants: vec![list(&open, &[-1]), list(&back, &[1, 0])], nodes }, meaning)
        }
        10 => {
            let factor = [1.0, 1.0, 0.5][random.below(3) as usize];
            let constants = vec![Tensor::floats(&name("factor"), &[], &[factor])];
            let nodes = vec![node("Mul", &[from, &name("factor")], new, vec![])];
            (Part { constants, nodes }, Box::new(move |x| x * factor))
        }
        11 => {
            // The steps from the first on, then those before: rolled.
            let (lead, tail, split) = (name("lead"), name("tail"), name("split"));
            let constants =
                vec![list(&start, &[0]), list(&split, &[1]), list(&end, &[i64::MAX]), list(&axes, &[along])];
            let nodes = vec![
                node("Slice", &[from, &split, &end, &axes], &tail, vec![]),
                node("Slice", &[from, &start, &split, &axes], &lead, vec![]),
                node("Concat", &[&tail, &lead], new, vec![Attribute::int("axis", along)]),
            ];
            let meaning: Meaning = Box::new(move |x| {
                let halves = [Slice::from(1..), Slice::from(..1)].map(|half| x.slice_axis(Axis(axis), half));
                ndarray::concatenate(Axis(axis), &halves).unwrap()
            });
            (Part { constants, nodes }, meaning)
        }
        _ => {
            // The steps up to a number, those behind turned round.
            let constants = vec![
                Tensor::ints(&name("number"), &[], &[number]),
                Tensor::ints(&name("which"), &[], &[along]),
                list(&start, &[-1]),
                list(&end, &[i64::MIN]),
                list(&axes, &[1]),
            ];
            let nodes = vec![
                node("Shape", &[from], &name("shape"), vec![]),
                node("Gather", &[&name("shape"), &name("which")], &name("length"), vec![]),
                node("Less", &[&name("length"), &name("number")], &name("short"), vec![]),
                node("Slice", &[from, &start, &end, &axes, &start], &name("turned"), vec![]),
                node("Where", &[&name("short"), from, &name("turned")], new, vec![]),
            ];
            let meaning: Meaning = Box::new(move |x| match x.shape()[axis] < number as usize {
                true => x.clone(),
                false => x.slice(s![.., ..;-1, ..]).to_owned(),
            });
            (Part { constants, nodes }, meaning)
        }
    }
}

/// Operators drawn by chance at places drawn by chance: a graph is refused, or it is equal in numbers.
#[test]
fn whatever_is_put_into_a_graph() {
    const GRAPHS: usize = 400;
    let models = models();
    let (lower, mut taken, mut wrong) = (models.lower.network(), 0, 0);
    for seed in 0..GRAPHS {
        let mut random = Random::new(seed as u64, Purpose::Split);
        let mut parts = Vec::new();
        let mut meanings: Vec<(Place, Meaning)> = Vec::new();
        for place in NAMES {
            if random.below(2) == 0 {
                continue;
            }
            let count = 1 + random.below(2) as usize;
            let (mut whole, mut from) = (Part::default(), value_at(place).to_owned());
            for at in 0..count {
                let new = if at + 1 == count { ends(place).1 } else { format!("{}.{at}", value_at(place)) };
                let (part, meaning) = drawn(&mut random, &from, &new, 10 * parts.len() + at);
                whole.constants.extend(part.constants);
                whole.nodes.extend(part.nodes);
                meanings.push((place, meaning));
                from = new;
            }
            parts.push((place, whole));
        }
        let at = |place: Place, x: Array3<f32>| -> Array3<f32> {
            meanings.iter().filter(|(own, _)| *own == place).fold(x, |x, (_, meaning)| meaning(&x))
        };
        let imported = import(graph(&models, &parts));
        let mut differs = false;
        for (rows, steps) in [(3, 5), (2, 25), (8, 3), (24, 2)] {
            let xs = random_cube((rows, steps, I), seed as u64).mapv(|x| 3.0 * x);
            let hidden = lower.dynamic_rnn(at(Place::Input, xs.clone()).view()).run().unwrap().0;
            let network = models.upper.network();
            let outputs = network.dynamic_rnn(at(Place::Between, hidden).view()).run().unwrap().0;
            let read = at(Place::Head, outputs);
            let (kernel, bias) = models.upper.head_arrays();
            let (b, t, _) = read.dim();
            let logits = Array3::from_shape_fn((b, t, C), |(row, step, class)| {
                (0..H).map(|unit| read[(row, step, unit)] * kernel[(unit, class)]).sum::<f32>() + bias[class]
            });
            let expected = at(Place::Output, logits);
            if let Ok(imported) = &imported {
                let ours = imported.model.logits(xs.view(), None).unwrap();
                let apart = |(a, b): (&f32, &f32)| (a - b).abs() <= TOLERANCE * b.abs().max(1.0);
                let equal = ours.dim() == expected.dim() && ours.iter().zip(&expected).all(apart);
                let names: Vec<&str> =
                    parts.iter().flat_map(|(_, part)| &part.nodes).map(|node| node.name.as_str()).collect();
                assert!(equal, "seed {seed}: {names:?}");
            } else {
                let plain = whole(&models, &xs);
                differs |=
                    plain.dim() != expected.dim() || plain.iter().zip(&expected).any(|(a, b)| (a - b).abs() > 1e-3);
            }
        }
        taken += usize::from(imported.is_ok());
        wrong += usize::from(differs);
    }
    assert!(taken > GRAPHS / 10 && wrong > GRAPHS / 4, "{taken} were taken, {wrong} are something else");
}

/// The good graph's answers.
fn whole(models: &Models, xs: &Array3<f32>) -> Array3<f32> {
    let hidden = models.lower.network().dynamic_rnn(xs.view()).run().unwrap().0;
    models.upper.logits(hidden.view(), None).unwrap()
}
