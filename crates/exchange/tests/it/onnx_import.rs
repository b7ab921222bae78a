//! Graphs of other programs, and our own, as models.

use std::path::{Path, PathBuf};

use crate::support::exports::{Case, answers, beyond, cases, form, native, random_model};
use elman::formats;
use elman::formats::onnx::{Attribute, Tensor};
use elman::{Activation, AnyCell, GateActivation, Lstm, Merge, Predicts, Reads, Reset, Rnn};
use elman_exchange::{
    Hints, Imported, Verdict,
    onnx::{self, OnnxOptions},
};
use ndarray::Array3;

/// Two programs, each with its own order of sums, on a few steps.
const TOLERANCE: f32 = 1e-5;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/onnx").join(name)
}

fn import(name: &str) -> Result<Imported, String> {
    onnx::import(&golden(&format!("{name}.onnx")), &Hints::default()).map_err(|error| error.to_string())
}

/// Imports a golden graph and compares its answers with those that are recorded.
fn agrees(name: &str) -> Imported {
    let imported = import(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    let arrays = crate::support::golden(&format!("onnx/{name}.safetensors"));
    let (input, output) = (&arrays["input"], &arrays["output"]);
    let mut xs = match input.shape[..] {
        [rows, steps] => Array3::from_shape_vec((rows, steps, 1), input.data.clone()).unwrap(),
        [rows, steps, width] => Array3::from_shape_vec((rows, steps, width), input.data.clone()).unwrap(),
        _ => panic!("{:?}", input.shape),
    };
    let steps_first = name.ends_with("steps_first");
    if steps_first {
        xs = xs.permuted_axes([1, 0, 2]).as_standard_layout().into_owned();
    }
    let lengths = vec![xs.dim().1; xs.dim().0];
    let (mut logits, mut probabilities) = answers(&imported.model, &xs, &lengths);
    // Several numbers that a graph says nothing of are taken for classes: that is assumed, and nothing else.
    let says_nothing = imported.report.notes.iter().any(|note| note.contains("does not say what they are"));
    let classes = format!("the graph's {} outputs are logits of classes", imported.model.head().outputs());
    assert_eq!(imported.report.assumed, if says_nothing { vec![classes] } else { Vec::new() }, "{name}");
    let ends_in_softmax = imported.report.notes.iter().any(|note| note.contains("softmax"));
    if steps_first {
        // Ours are batch first.
        let classes = *output.shape.last().unwrap();
        for all in [&mut logits, &mut probabilities] {
            let cube = Array3::from_shape_vec((xs.dim().0, xs.dim().1, classes), all.clone()).unwrap();
            *all = cube.permuted_axes([1, 0, 2]).iter().copied().collect();
        }
    }
    let found = if ends_in_softmax { probabilities } else { logits };
    crate::support::assert_close(name, &found, &output.data, TOLERANCE, 1.0);
    let compared = imported.report.compared.as_ref().unwrap();
    assert!(compared.batches >= 8 && compared.largest_difference <= TOLERANCE, "{name}: {compared:?}");
    assert!(compared.left_out.is_empty(), "{name}: {compared:?}");
    imported
}

#[test]
fn graphs_of_pytorch_s_older_exporter() {
    for kind in [
        "rnn_last_step",
        "rnn_relu_every_step",
        "lstm_state",
        "lstm_2layers_both_states",
        "lstm_both_every_step",
        "gru_last_step",
        "gru_steps_first",
        "gru_tokens",
    ] {
        agrees(&format!("torch_script_{kind}"));
    }
}

#[test]
fn graphs_of_pytorch_s_newer_exporter() {
    for kind in [
        "lstm_state",
        "lstm_2layers_both_states",
        "lstm_both_every_step",
        "gru_last_step",
        "gru_steps_first",
        "gru_tokens",
    ] {
        agrees(&format!("torch_dynamo_{kind}"));
    }
}

#[test]
fn graphs_of_keras() {
    for name in [
        "keras2_lstm_2layers_last_step",
        "keras2_gru_every_step",
        "keras2_lstm_both_every_step",
        "keras2_lstm_both_summed",
        "keras2_gru_both_states",
        "keras2_gru_tokens",
        "keras3_lstm_2layers_last_step",
        "keras3_lstm_both_every_step",
        "keras3_lstm_both_summed",
    ] {
        agrees(name);
    }
}

#[test]
fn what_a_graph_says_of_its_cells_is_kept() {
    let of = |name: &str| agrees(name).model;
    let model = of("torch_script_rnn_relu_every_step");
    assert!(matches!(&model.stack().layers[0].cell, AnyCell::Rnn(rnn) if rnn.activation == Activation::Relu));
    assert_eq!(model.head().reads, Reads::EveryStep);
    let model = of("torch_script_lstm_2layers_both_states");
    assert_eq!(model.stack().layers.len(), 2);
    assert!(model.stack().layers.iter().all(|layer| layer.bidirectional == Some(Merge::Concat)));
    assert_eq!(model.head().reads, Reads::LastState);
    assert_eq!(of("keras3_lstm_both_summed").stack().layers[0].bidirectional, Some(Merge::Sum));
    let model = of("keras2_gru_tokens");
    assert_eq!(model.stack().embedding.unwrap().tokens, 11);
    assert!(matches!(&model.stack().layers[0].cell, AnyCell::Gru(gru) if gru.reset == Reset::After));
    assert!(matches!(model.head().predicts, Predicts::Classes(11)));
}

/// PyTorch has two biases that are added; Keras has one, and zeros beside it.
#[test]
fn the_report_says_which_numbers_are_sums() {
    let report = agrees("torch_script_lstm_state").report;
    assert_eq!(report.verdict(), Verdict::Rounded);
    let report = agrees("keras3_lstm_2layers_last_step").report;
    assert_eq!(report.verdict(), Verdict::Exact, "{report:?}");
    let model = agrees("torch_script_gru_tokens");
    let to: Vec<String> =
        model.report.moves.iter().flat_map(|moved| &moved.to).map(|place| place.name.clone()).collect();
    let mut sorted = to.clone();
    sorted.sort();
    assert_eq!(sorted, model.model.arrays().into_keys().collect::<Vec<_>>(), "{to:?}");
}

#[test]
fn what_is_not_a_chain_of_known_layers_is_refused_by_name() {
    for (name, what) in [
        ("torch_dynamo_rnn_last_step", "it has no RNN, LSTM or GRU"),
        ("torch_dynamo_rnn_relu_every_step", "it has no RNN, LSTM or GRU"),
        ("keras2_rnn_last_step", "Loop"),
        ("keras2_gru_before_every_step", "Loop"),
        ("keras3_rnn_last_step", "Loop"),
        ("torch_script_lstm_both_last_step", "the last step of a layer in both directions"),
        ("torch_dynamo_lstm_both_last_step", "the last step of a layer in both directions"),
    ] {
        let message = import(name).unwrap_err();
        assert!(message.contains("cannot be taken from ONNX") && message.contains(what), "{name}: {message}");
    }
}

#[test]
fn our_own_graphs_come_back_as_they_were() {
    for (name, mut model) in native().into_iter().chain(beyond()) {
        model.steps = Some(7);
        model.meaning = Some(serde_json::json!({ "names": ["a", "b"] }).into());
        let plain = OnnxOptions::default();
        let mut forms = vec![plain, plain.native(false).lengths(false), plain.initial_states(true)];
        if !model.stack().is_bidirectional() {
            forms.extend([plain.streaming(true), plain.streaming(true).native(false)]);
        }
        for options in forms {
            let bytes = formats::onnx::to_bytes(&onnx::export(&model, &options).unwrap().0);
            let back = onnx::import_bytes(&bytes, &Hints::default()).unwrap();
            assert_eq!(back.model.arrays(), model.arrays(), "{name}");
            let config = |model: &elman::Model| serde_json::to_string(&model.config()).unwrap();
            assert_eq!(config(&back.model), config(&model), "{name}");
            assert_eq!(back.report.verdict(), Verdict::Exact);
            assert!(back.report.notes.is_empty(), "{name}: {:?}", back.report.notes);
            let compared = back.report.compared.unwrap();
            assert!(compared.batches >= 8 && compared.left_out.is_empty(), "{name}: {compared:?}");
            assert_eq!(compared.steps.1 > 1, !options.streaming, "{name}: {compared:?}");
        }
    }
}

fn changed(
    model: &elman::Model,
    options: OnnxOptions,
    change: impl FnOnce(&mut formats::onnx::Graph),
) -> Result<Imported, String> {
    let mut exported = onnx::export(model, &options).unwrap().0;
    change(exported.graph.as_mut().unwrap());
    let bytes = formats::onnx::to_bytes(&exported);
    onnx::import_bytes(&bytes, &Hints::default()).map_err(|error| error.to_string())
}

/// Functions of an operator with their constants: what is said, what is left to ONNX's own, what no cell has.
#[test]
fn functions_of_operators_are_taken_with_their_constants() {
    let model = random_model(Lstm::new(3, 5), 3);
    let given = |names: [&'static str; 3], alphas: &'static [f32], betas: &'static [f32]| {
        changed(&model, OnnxOptions::default(), move |graph: &mut formats::onnx::Graph| {
            let lstm = graph.node.iter_mut().find(|node| node.op_type == "LSTM").unwrap();
            lstm.attribute.push(Attribute::texts("activations", &names));
            if !alphas.is_empty() {
                lstm.attribute.push(Attribute::floats("activation_alpha", alphas));
            }
            if !betas.is_empty() {
                lstm.attribute.push(Attribute::floats("activation_beta", betas));
            }
        })
    };
    let taken = |names, alphas, betas| {
        let imported = given(names, alphas, betas).unwrap();
        let AnyCell::Lstm(lstm) = &imported.model.stack().layers[0].cell else { panic!("no LSTM") };
        (lstm.recurrent_activation, lstm.activation)
    };
    let hard = "HardSigmoid";
    assert_eq!(taken([hard, "Tanh", "Tanh"], &[], &[]), (GateActivation::HardSigmoidKeras2, Activation::Tanh));
    let sixth = &[0.166_666_67];
    assert_eq!(taken([hard, "Relu", "Relu"], sixth, &[]), (GateActivation::HardSigmoid, Activation::Relu));
    let both = &[1.0 / 6.0, 1.0, 1.0];
    let found = taken([hard, "Affine", "affine"], both, &[0.5, 0.0, 0.0]);
    assert_eq!(found, (GateActivation::HardSigmoid, Activation::Linear));
    assert_eq!(taken(["Sigmoid", "Sigmoid", "Sigmoid"], &[], &[]), (GateActivation::Sigmoid, Activation::Sigmoid));

    let refused = |names, alphas, betas, expected: &str| {
        let message = given(names, alphas, betas).unwrap_err();
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    };
    refused(["Sigmoid", "Tanh", "Relu"], &[], &[], "the same function for the candidate and the memory shown");
    refused(["Relu", "Tanh", "Tanh"], &[], &[], "expected Sigmoid or HardSigmoid for the gates");
    refused([hard, "Tanh", "Tanh"], &[0.25], &[], "its HardSigmoid has alpha 0.25 and beta 0.5; expected 0.2");
    refused([hard, "Tanh", "Tanh"], &[0.2], &[0.4], "beta 0.4");
    refused([hard, "Tanh", "Tanh"], &[0.2, 1.0], &[], "1 numbers more");
    refused(["Sigmoid", "Affine", "Affine"], &[2.0, 2.0], &[0.0, 0.0], "its Affine has alpha 2 and beta 0");
    refused(["Sigmoid", "Affine", "Affine"], &[], &[], "expected activation_alpha and activation_beta");
    refused(["Sigmoid", "Softsign", "Softsign"], &[], &[], "Softsign is not computed here");
}

/// Metadata say what a file was, the graph what it is.
#[test]
fn our_own_graphs_that_were_changed_are_read_as_any_other() {
    let model = random_model(Rnn::new(3, 5), 3);
    let plain = OnnxOptions::default();
    let relu = |graph: &mut formats::onnx::Graph| {
        let rnn = graph.node.iter_mut().find(|node| node.op_type == "RNN").unwrap();
        rnn.attribute.push(Attribute::texts("activations", &["Relu"]));
    };
    let imported = changed(&model, plain, relu).unwrap();
    assert!(matches!(&imported.model.stack().layers[0].cell, AnyCell::Rnn(rnn) if rnn.activation == Activation::Relu));
    let note = "the graph is not the one that elman wrote, its RNN node \"layers.0.Y\" is another one";
    assert!(imported.report.notes.iter().any(|found| found.starts_with(note)), "{:?}", imported.report.notes);
    assert!(imported.report.precision.is_empty());

    let halved = |graph: &mut formats::onnx::Graph| {
        relu(graph);
        let bias = graph.initializer.iter_mut().find(|tensor| tensor.dims == [3]).unwrap();
        *bias = Tensor {
            name: bias.name.clone(),
            dims: vec![3],
            data_type: formats::onnx::Element::Float16.code(),
            raw_data: Some([0x00, 0x3c].repeat(3).into()),
            ..Tensor::default()
        };
    };
    let imported = changed(&model, plain, halved).unwrap();
    assert_eq!(imported.model.arrays()["head.bias"].data, [1.0; 3]);
    assert_eq!(imported.report.precision, ["1 array of float16 was widened to float32, which changes no number"]);

    let negated = |graph: &mut formats::onnx::Graph| {
        let neg = formats::onnx::Node {
            input: vec!["logits".into()],
            output: vec!["negated".into()],
            op_type: "Neg".into(),
            ..formats::onnx::Node::default()
        };
        graph.node.push(neg);
        graph.output[0].name = "negated".into();
    };
    let message = changed(&model, plain, negated).unwrap_err();
    assert!(message.contains("Neg") && message.contains("not the one that elman wrote"), "{message}");

    // A factor of zoneout inside a loop.
    let zoned = random_model(Rnn::new(3, 5).noise(crate::support::networks::RNN_NOISE), 3);
    let factor = |graph: &mut formats::onnx::Graph| {
        let is_factor = |tensor: &Tensor| tensor.name.starts_with("0.") && tensor.dims.is_empty();
        let factor = graph.initializer.iter_mut().find(|tensor| is_factor(tensor)).unwrap();
        *factor = Tensor::floats(&factor.name, &[], &[0.125]);
    };
    let message = changed(&zoned, plain, factor).unwrap_err();
    assert!(message.contains("Scan") && message.contains("has another value"), "{message}");
    let body = |graph: &mut formats::onnx::Graph| {
        let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
        let body = attributes.filter_map(|attribute| attribute.g.as_mut()).next().unwrap();
        body.node.iter_mut().find(|node| node.op_type == "Tanh").unwrap().op_type = "Relu".into();
    };
    let message = changed(&zoned, plain, body).unwrap_err();
    assert!(message.contains("Scan") && message.contains("not the one that elman wrote"), "{message}");
}

/// What tools change without changing what a graph computes.
#[test]
fn our_own_graphs_keep_their_configuration_through_tools() {
    for (name, model) in native().into_iter().chain(beyond()) {
        for options in [OnnxOptions::default(), OnnxOptions::default().initial_states(true).lengths(false)] {
            let renamed = |graph: &mut formats::onnx::Graph| {
                for (index, node) in graph.node.iter_mut().enumerate() {
                    node.name = format!("node_{index}");
                    node.attribute.reverse();
                }
                graph.initializer.reverse();
                let rows = Some(formats::onnx::DimensionValue::Length(8));
                let Some(formats::onnx::TypeValue::Tensor(tensor)) =
                    graph.input[0].r#type.as_mut().and_then(|of| of.value.as_mut())
                else {
                    panic!("the input is no tensor");
                };
                tensor.shape.as_mut().unwrap().dim[0].value = rows;
            };
            let imported = changed(&model, options, renamed).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(imported.report.notes.is_empty(), "{name}: {:?}", imported.report.notes);
            assert_eq!(imported.model.arrays(), model.arrays(), "{name}");
        }
    }
}

/// Without their metadata our graphs are as any other's, in every form that native operators have. Only which quantiles a
/// head predicts no graph says.
#[test]
fn our_own_graphs_are_understood_without_their_metadata() {
    for Case { name, model, options } in cases() {
        if !options.native || !native().iter().any(|(native, _)| *native == name) {
            continue;
        }
        let name = format!("{name}{}", form(options));
        let exported = onnx::export(&model, &options).unwrap().0;
        let bytes = formats::onnx::to_bytes(&formats::onnx::Model { metadata_props: vec![], ..exported });
        let mut hints = Hints::default();
        if matches!(model.head().predicts, Predicts::Quantiles(_)) {
            let message = onnx::import_bytes(&bytes, &hints).unwrap_err().to_string();
            assert!(message.contains("does not say which quantiles; give `like` (--like)"), "{message}");
            hints.like = Some(model.config());
        }
        let back = onnx::import_bytes(&bytes, &hints).unwrap_or_else(|error| panic!("{name}: {error}"));
        let notes = &back.report.notes;
        assert_eq!(
            notes.iter().any(|note| note.contains("give them to the model too")),
            options.lengths && !options.streaming,
            "{name}: {notes:?}"
        );
        assert_eq!(
            notes.iter().any(|note| note.contains("are left out: \"final_h_0\"")),
            options.initial_states || options.streaming,
            "{name}: {notes:?}"
        );
        let back = back.model;
        assert_eq!(back.arrays(), model.arrays(), "{name}");
        assert_eq!(back.head(), model.head(), "{name}");
        let layers = |model: &elman::Model| {
            let mut layers = model.stack().layers.clone();
            layers.iter_mut().for_each(|layer| layer.dropout = 0.0);
            // A head on final states leaves open how the last layer's outputs would be put together.
            if let (Reads::LastState, Some(last)) = (model.head().reads, layers.last_mut()) {
                last.bidirectional = last.bidirectional.map(|_| Merge::Concat);
                last.residual = false;
            }
            serde_json::to_string(&layers).unwrap()
        };
        assert_eq!(layers(&back), layers(&model), "{name}");
    }
}

/// Loops are not looked into, ours neither.
#[test]
fn our_own_loops_are_refused_without_their_metadata() {
    for (name, model) in beyond() {
        let exported = onnx::export(&model, &OnnxOptions::default()).unwrap().0;
        let bytes = formats::onnx::to_bytes(&formats::onnx::Model { metadata_props: vec![], ..exported });
        let message = onnx::import_bytes(&bytes, &Hints::default()).unwrap_err().to_string();
        assert!(message.starts_with("Scan node \"layers.0."), "{name}: {message}");
    }
}

#[test]
fn a_given_model_s_configuration_is_taken_whole() {
    let mut like = agrees("torch_script_lstm_state").model;
    like.meaning = Some(serde_json::json!("a job").into());
    like.steps = Some(6);
    let hints = Hints { like: Some(like.config()), ..Hints::default() };
    let again = onnx::import(&golden("torch_script_lstm_state.onnx"), &hints).unwrap().model;
    assert_eq!((again.meaning, again.steps), (like.meaning.clone(), Some(6)));
    let exported = onnx::export(&agrees("torch_script_lstm_state").model, &OnnxOptions::default()).unwrap().0;
    let again = onnx::import_bytes(&formats::onnx::to_bytes(&exported), &hints).unwrap().model;
    assert_eq!((again.meaning, again.steps), (like.meaning, Some(6)));
}

/// A hint that contradicts the graph, whoever wrote it, is refused by name; one that agrees with it is fine.
#[test]
fn hints_that_contradict_a_graph_are_refused() {
    let every_step = golden("torch_script_rnn_relu_every_step.onnx");
    let of = |hints: &Hints| {
        let foreign = onnx::import(&every_step, hints).map(|imported| imported.model);
        let written = onnx::import(&every_step, &Hints::default()).unwrap().model;
        let bytes = formats::onnx::to_bytes(&onnx::export(&written, &OnnxOptions::default()).unwrap().0);
        [foreign, onnx::import_bytes(&bytes, hints).map(|imported| imported.model)]
    };
    let said = Hints { activation: Some(Activation::Relu), reads: Some(Reads::EveryStep), ..Hints::default() };
    for model in of(&said) {
        model.unwrap();
    }
    let model = || onnx::import(&every_step, &Hints::default()).unwrap().model;
    let like = |change: &dyn Fn(&mut elman::Config)| {
        let mut config = model().config();
        change(&mut config);
        Hints { like: Some(config), ..Hints::default() }
    };
    let cell = |config: &mut elman::Config, cell: AnyCell| config.layers[0].cell = cell;
    let rnn = Rnn::new(model().stack().input(), 5).activation(Activation::Relu);
    for (hints, word) in [
        (Hints { activation: Some(Activation::Tanh), ..Hints::default() }, "activation"),
        (Hints { reads: Some(Reads::LastState), ..Hints::default() }, "reads"),
        (Hints { forget_bias: Some(1.0), ..Hints::default() }, "forget_bias"),
        (like(&|config| cell(config, rnn.activation(Activation::Tanh).into())), "relu"),
        (like(&|config| cell(config, Lstm::new(rnn.input, 5).into())), "lstm"),
        (like(&|config| cell(config, Rnn { hidden: 6, ..rnn }.into())), "→ 6"),
        (like(&|config| cell(config, rnn.noise(crate::support::networks::RNN_NOISE).into())), "zoneout"),
        (like(&|config| config.layers[0].bidirectional = Some(Merge::Concat)), "both directions"),
        (like(&|config| config.layers.push(Rnn::new(5, 5).into())), "2 layers"),
        (like(&|config| config.head.reads = Reads::LastState), "the last state"),
        (like(&|config| config.head.predicts = Predicts::Classes(7)), "7 classes"),
    ] {
        for result in of(&hints) {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(word), "{word}: {message}");
        }
    }
}
