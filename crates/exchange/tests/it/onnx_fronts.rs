//! Graphs whose recurrent layers have convolutions, pooling or dense layers before them: from other programs, and our own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::exports::{fronts, random_model};
use elman::formats;
use elman::formats::onnx::{Attribute, Graph, Node, Tensor};
use elman::{AnyCell, Conv1d, Layer, Lstm, Nonlinearity, Padding, Pooling, Rnn, Stack, StepPool, Window, max_pool_1d};
use elman_exchange::{
    Change, Hints, Imported, Verdict,
    onnx::{self, OnnxOptions},
};
use ndarray::Array3;

/// Two programs, each with its own order of sums, on a few steps.
const TOLERANCE: f32 = 1e-5;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/onnx").join(name)
}

/// Imports a golden graph and compares its answers with those that are recorded.
fn agrees(name: &str) -> Imported {
    let path = golden(&format!("{name}.onnx"));
    let imported = onnx::import(&path, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let arrays = crate::support::golden(&format!("onnx/{name}.safetensors"));
    let (input, output) = (&arrays["input"], &arrays["output"]);
    let features_first = imported.report.notes.iter().any(|note| note.contains("its features before its steps"));
    assert_eq!(features_first, name.contains("features_first"), "{name}: {:?}", imported.report.notes);
    let shape = match input.shape[..] {
        [rows, steps] => (rows, steps, 1),
        [rows, first, second] => (rows, first, second),
        _ => panic!("{:?}", input.shape),
    };
    let mut xs = Array3::from_shape_vec(shape, input.data.clone()).unwrap();
    if features_first {
        xs = xs.permuted_axes([0, 2, 1]).as_standard_layout().into_owned();
    }
    let found: Vec<f32> = imported.model.logits(xs.view(), None).unwrap().iter().copied().collect();
    crate::support::assert_close(name, &found, &output.data, TOLERANCE, 1.0);
    let compared = imported.report.compared.as_ref().unwrap();
    assert!(compared.batches >= 8 && compared.largest_difference <= TOLERANCE, "{name}: {compared:?}");
    assert!(compared.left_out.is_empty(), "{name}: {compared:?}");
    imported
}

fn kinds(imported: &Imported) -> Vec<(&'static str, Option<Window>)> {
    imported.model.stack().layers.iter().map(|layer| (layer.cell.get().name(), layer.window)).collect()
}

#[test]
fn fronts_of_pytorch_are_read() {
    let same = |size| Window::new(size).padding(Padding::Same);
    for exporter in ["script", "dynamo"] {
        let found = agrees(&format!("front_{exporter}_conv_same_pooled"));
        let expected = [("dense", Some(same(5))), ("max-pool", Some(Window::new(2).stride(2))), ("lstm", None)];
        assert_eq!(kinds(&found), expected, "{exporter}");
        let AnyCell::Dense(dense) = &found.model.stack().layers[0].cell else { panic!("{exporter}") };
        assert_eq!(dense.activation, Nonlinearity::Relu);
        let found = agrees(&format!("front_{exporter}_linear"));
        assert_eq!(kinds(&found), [("dense", None), ("dense", None), ("lstm", None)], "{exporter}");
    }
    let found = agrees("front_script_conv_features_first");
    let expected = [
        ("dense", Some(Window::new(3).stride(2).padding(Padding::Ends { before: 1, after: 1 }))),
        ("dense", Some(Window::new(2).dilation(2))),
        ("mean-pool", Some(Window::new(2))),
        ("gru", None),
    ];
    assert_eq!(kinds(&found), expected);
    let found = agrees("front_script_conv_causal_every_step");
    let expected = [("dense", Some(Window::new(3).dilation(2).padding(Padding::Causal))), ("gru", None)];
    assert_eq!(kinds(&found), expected);
    let AnyCell::Dense(dense) = &found.model.stack().layers[0].cell else { panic!() };
    assert_eq!(dense.activation, Nonlinearity::Silu);
    let found = agrees("front_script_conv_tokens");
    assert_eq!(kinds(&found), [("dense", Some(same(3))), ("gru", None)]);
    assert_eq!(found.model.stack().embedding.unwrap().tokens, 11);
}

/// What no exporter folds is a layer of its own, wherever it stands before the recurrent ones.
#[test]
fn normalisations_before_recurrent_layers_are_read() {
    let same = Some(Window::new(3).padding(Padding::Same));
    let pool = Some(Window::new(2).stride(2));
    for (name, expected) in [
        ("norm_behind_relu", &[("dense", same), ("scale", None), ("lstm", None)][..]),
        (
            "norm_behind_pool",
            &[("dense", Some(Window::new(3))), ("max-pool", pool), ("scale", None), ("dense", same), ("gru", None)],
        ),
        ("norm_first", &[("scale", None), ("dense", Some(Window::new(3))), ("lstm", None)]),
    ] {
        let found = agrees(name);
        assert_eq!(kinds(&found), expected, "{name}");
        assert_eq!(found.report.verdict(), Verdict::Rounded, "{name}");
        let folded = found.report.moves.iter().filter(|of| of.changes.contains(&Change::Folded));
        assert!(folded.clone().count() == 2 && folded.clone().all(|of| of.from.len() == 4), "{name}");
    }
}

/// Directly behind a convolution it becomes a part of that one.
#[test]
fn a_normalisation_of_sums_becomes_a_part_of_their_weights() {
    let name = "front_script_conv_same_pooled";
    let before = changed(name, |_| {}).unwrap();
    let [gain, bias, mean, variance] = [[2.0, -1.0, 0.5, 1.0, 3.0, -0.25], [0.5; 6], [0.125; 6], [0.75; 6]];
    let normalised = |graph: &mut Graph, epsilon: f32| {
        let at = graph.node.iter().position(|node| node.op_type == "Conv").unwrap();
        let given = graph.node[at].output[0].clone();
        graph.node[at].output[0] = "sums".into();
        let names = ["sums", "gain", "bias", "mean", "variance"];
        let node = Node {
            op_type: "BatchNormalization".into(),
            name: "norm".into(),
            input: names.map(String::from).to_vec(),
            output: vec![given],
            attribute: vec![Attribute::float("epsilon", epsilon)],
            ..Node::default()
        };
        graph.node.insert(at + 1, node);
        for (name, numbers) in names[1..].iter().zip([gain, bias, mean, variance]) {
            graph.initializer.push(Tensor::floats(name, &[6], &numbers));
        }
    };
    let after = changed(name, |graph| normalised(graph, 0.25)).unwrap();
    assert_eq!(kinds(&after), kinds(&before));
    let (before, arrays) = (before.model.arrays(), after.model.arrays());
    // The deviation is √(0.75 + 0.25).
    for (at, (found, w)) in arrays["layers.0.kernel"].data.iter().zip(&before["layers.0.kernel"].data).enumerate() {
        assert_eq!(*found, w * gain[at % 6], "{at}");
    }
    for (at, (found, b)) in arrays["layers.0.bias"].data.iter().zip(&before["layers.0.bias"].data).enumerate() {
        let expected = (f64::from(*b) - 0.125) * f64::from(gain[at]) + 0.5;
        assert!((f64::from(*found) - expected).abs() <= 1e-6, "{at}: {found} {expected}");
    }
    // The number is that of the file, and a layer in training has none of its own.
    let other = changed(name, |graph| normalised(graph, 3.25)).unwrap();
    assert_eq!(other.model.arrays()["layers.0.kernel"].data[0], before["layers.0.kernel"].data[0]);
    for (change, words) in [
        (Attribute::int("training_mode", 1), &["BatchNormalization node \"norm\"", "model.eval()"][..]),
        (Attribute::int("spatial", 0), &["spatial=0"]),
    ] {
        let Err(message) = changed(name, |graph| {
            normalised(graph, 0.25);
            set(graph, "BatchNormalization", change);
        }) else {
            panic!("{words:?}: taken")
        };
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
    let Err(message) = changed(name, |graph| {
        normalised(graph, 0.25);
        graph.initializer.last_mut().unwrap().dims = vec![2, 3];
        let input = graph.node[0].input[0].clone();
        graph.node.iter_mut().find(|node| node.op_type == "BatchNormalization").unwrap().input[0] = input;
    }) else {
        panic!("taken")
    };
    assert!(message.contains("BatchNormalization node \"norm\""), "{message}");
}

/// The idiom of temporal convolutional networks: padding at both ends, and what that behind the row gives is cut off.
#[test]
fn padding_that_is_cut_off_again_is_causal() {
    let found = agrees("chomp_stacked");
    let causal = |dilation| Some(Window::new(3).dilation(dilation).padding(Padding::Causal));
    assert_eq!(kinds(&found), [("dense", causal(1)), ("dense", causal(2)), ("gru", None)]);
    assert!(Arc::new(found.model).stream().is_ok(), "each step needs those before it alone");
    // A step fewer is not causal, which the numbers show to be as well; two more than the padding are none of ours.
    let ends = |graph: &mut Graph, cut: i64| {
        let slice = graph.node.iter().find(|node| node.op_type == "Slice").unwrap().input[2].clone();
        let of = graph.node.iter_mut().find(|node| node.output[0] == slice).unwrap();
        of.attribute = vec![Attribute::tensor("value", Tensor::ints("", &[1], &[cut]))];
    };
    let less = changed("chomp_stacked", |graph| ends(graph, -1)).unwrap_err();
    assert!(less.contains("Conv node") && less.contains("padding is 2 and 1 steps; expected at most 2"), "{less}");
    let more = changed("chomp_stacked", |graph| ends(graph, -3)).unwrap_err();
    assert!(more.contains("Relu node"), "{more}");
}

/// What rises may as well act before the maximum.
#[test]
fn an_activation_behind_a_maximum_acts_before_it() {
    let found = agrees("front_script_conv_pooled_relu");
    let pool = Window::new(3).stride(2).padding(Padding::Ends { before: 1, after: 1 });
    assert_eq!(kinds(&found), [("dense", Some(Window::new(4))), ("max-pool", Some(pool)), ("rnn", None)]);
    let AnyCell::Dense(dense) = &found.model.stack().layers[0].cell else { panic!() };
    assert_eq!(dense.activation, Nonlinearity::Relu);
    assert!(found.report.notes.iter().any(|note| note.contains("relu behind MaxPool")), "{:?}", found.report.notes);
}

#[test]
fn fronts_of_keras_are_read() {
    let found = agrees("front_keras_conv_causal_pooled");
    let expected = [
        ("dense", Some(Window::new(3).padding(Padding::Causal))),
        ("max-pool", Some(Window::new(2).stride(2))),
        ("lstm", None),
    ];
    assert_eq!(kinds(&found), expected);
    let found = agrees("front_keras_conv_strided");
    let expected = [
        ("dense", Some(Window::new(3).stride(2).padding(Padding::Same))),
        ("mean-pool", Some(Window::new(2).stride(2))),
        ("lstm", None),
    ];
    assert_eq!(kinds(&found), expected);
}

/// A golden graph, changed.
fn changed(name: &str, change: impl FnOnce(&mut Graph)) -> Result<Imported, String> {
    let mut file = formats::onnx::read(&golden(&format!("{name}.onnx"))).unwrap().model;
    change(file.graph.as_mut().unwrap());
    onnx::import_bytes(&formats::onnx::to_bytes(&file), &Hints::default()).map_err(|error| error.to_string())
}

/// The attributes of the first node of an operator.
fn of<'a>(graph: &'a mut Graph, op: &str) -> &'a mut Vec<Attribute> {
    let node = graph.node.iter_mut().find(|node| node.op_type == op).unwrap_or_else(|| panic!("no {op}"));
    &mut node.attribute
}

fn set(graph: &mut Graph, op: &str, attribute: Attribute) {
    let attributes = of(graph, op);
    attributes.retain(|known| known.name != attribute.name);
    attributes.push(attribute);
}

#[test]
fn windows_that_no_layer_has_are_refused_by_name() {
    type Change = fn(&mut Graph);
    let cases: &[(&str, Change, &[&str])] = &[
        (
            "front_script_conv_same_pooled",
            |graph| set(graph, "Conv", Attribute::int("group", 2)),
            &["Conv node", "its group is 2", "expected 1"],
        ),
        (
            "front_script_conv_same_pooled",
            |graph| set(graph, "MaxPool", Attribute::int("ceil_mode", 1)),
            &["MaxPool node", "ceil_mode", "export the model with ceil_mode=False"],
        ),
        (
            "front_script_conv_features_first",
            |graph| {
                set(graph, "AveragePool", Attribute::ints("pads", &[1, 0]));
                set(graph, "AveragePool", Attribute::int("count_include_pad", 0));
            },
            &["AveragePool node", "count_include_pad=0"],
        ),
        (
            "front_script_conv_causal_every_step",
            |graph| set(graph, "Pad", Attribute::text("mode", "reflect")),
            &["Pad node", "its mode is \"reflect\"", "padding_mode=\"zeros\""],
        ),
        (
            "front_keras_conv_strided",
            |graph| set(graph, "Conv", Attribute::text("auto_pad", "SAME_LOWER")),
            &["Conv node", "SAME_LOWER with a stride"],
        ),
        (
            "front_script_conv_same_pooled",
            |graph| set(graph, "Conv", Attribute::ints("pads", &[3, 3])),
            &["Conv node", "padding is 3 and 3 steps"],
        ),
        (
            "front_script_conv_same_pooled",
            |graph| {
                let pool = graph.node.iter_mut().find(|node| node.op_type == "MaxPool").unwrap();
                pool.output.push("places".into());
            },
            &["MaxPool node", "its second output"],
        ),
        // An activation between the means and the cell that does not rise.
        (
            "front_script_conv_pooled_relu",
            |graph| {
                let relu = graph.node.iter_mut().find(|node| node.op_type == "Relu").unwrap();
                relu.op_type = "Softsign".into();
            },
            &["Softsign node", "it is an activation of what MaxPool node"],
        ),
    ];
    for (name, change, words) in cases {
        let Err(message) = changed(name, *change) else { panic!("{name}, {words:?}: taken") };
        for word in *words {
            assert!(message.contains(word), "{name}: {word:?} is not in {message}");
        }
    }
}

/// What the numbers alone tell: other weights for some filters, and padding of a number that is not zero.
#[test]
fn padding_with_another_number_is_refused() {
    let Err(message) = changed("front_keras_conv_causal_pooled", |graph| {
        let pad = graph.node.iter_mut().find(|node| node.op_type == "Pad").unwrap();
        while pad.input.len() < 3 {
            pad.input.push(String::new());
        }
        pad.input[2] = "one".into();
        graph.initializer.push(Tensor::floats("one", &[], &[1.0]));
    }) else {
        panic!("taken")
    };
    assert!(message.contains("Conv node") && message.contains("its input cannot be told"), "{message}");
}

#[test]
fn our_own_fronts_come_back_with_the_same_bits() {
    let plain = OnnxOptions::default();
    for (name, model) in fronts() {
        let same_strided = |layer: &Layer| layer.window.is_some_and(|of| of.padding == Padding::Same && of.stride > 1);
        let forms = [plain, plain.lengths(false), plain.native(false), plain.native(false).lengths(false)];
        for options in forms {
            if options.lengths && model.stack().layers.iter().any(same_strided) {
                let message = onnx::export(&model, &options).unwrap_err().to_string();
                assert!(message.contains("pads each row by its own length"), "{name}: {message}");
                continue;
            }
            let (mut graph, report) = onnx::export(&model, &options).unwrap();
            assert_eq!(report.verdict(), Verdict::Exact, "{name}");
            let back = onnx::import_bytes(&formats::onnx::to_bytes(&graph), &Hints::default());
            let back = back.unwrap_or_else(|error| panic!("{name}, {options:?}: {error}"));
            assert!(!back.report.notes.iter().any(|note| note.contains("read as any other")), "{name}");
            assert_eq!(back.model.arrays(), model.arrays(), "{name}, {options:?}");
            let compared = back.report.compared.unwrap();
            assert!(compared.batches >= 8 && compared.largest_difference <= TOLERANCE, "{name}: {compared:?}");
            // The same read as any other graph: loops are not, nor lengths behind fewer steps.
            if !options.native || options.lengths {
                continue;
            }
            graph.metadata_props.clear();
            let back = onnx::import_bytes(&formats::onnx::to_bytes(&graph), &Hints::default());
            let back = back.unwrap_or_else(|error| panic!("{name}, {options:?}: {error}"));
            assert_eq!(back.model.arrays(), model.arrays(), "{name}, {options:?}");
            let windows = |model: &elman::Model| -> Vec<Vec<(usize, usize)>> {
                let of = |steps: usize| {
                    let window = |layer: &Layer| layer.window.map(|of| (of.size, of.count(steps)));
                    model.stack().layers.iter().filter_map(window).collect()
                };
                (1..40).map(of).collect()
            };
            assert_eq!(windows(&back.model), windows(&model), "{name}");
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let refused = |stack: Stack, options: OnnxOptions, words: &str| {
        let message = onnx::export(&random_model(stack, 3), &options).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    let plain = OnnxOptions::default();
    let conv = || Stack::new(Conv1d::new(3, 4, 3));
    refused(conv().then(Rnn::new(4, 4)), plain.initial_states(true), "which have no state to be given");
    refused(conv().then(Rnn::new(4, 4)), plain.streaming(true), "which have no state to be given");
    refused(Stack::new(Rnn::new(3, 4)).then(max_pool_1d(4, 2)), plain, "windows of steps behind the recurrent");
    let cell = Layer::new(Lstm::new(6, 4)).window(Window::new(2));
    refused(Stack::new(cell).then(Rnn::new(4, 4)), plain, "no operator but Conv");
}

/// A pooling layer is what its name says.
#[test]
fn pooling_is_read_as_its_kind() {
    let found = agrees("front_keras_conv_strided");
    let AnyCell::Pool(StepPool { pooling, steps, .. }) = found.model.stack().layers[1].cell else { panic!() };
    assert_eq!((pooling, steps), (Pooling::Mean, 2));
}
