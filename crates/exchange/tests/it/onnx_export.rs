//! Models as ONNX graphs.

use std::path::Path;

use crate::support::exports::{Case, beyond, cases, form, front_cases, native, random_model};
use elman::formats;
use elman::{Activation, Gru, Head, Layer, Lstm, Merge, Nonlinearity, Reads, Rnn, Stack, StepDense};
use elman_exchange::{
    Hints, Verdict,
    onnx::{self, OnnxOptions},
};

fn operators(model: &elman::Model, options: OnnxOptions) -> Vec<String> {
    let (graph, _) = onnx::export(model, &options).unwrap();
    graph.graph.unwrap().node.iter().map(|node| node.op_type.clone()).collect()
}

/// Writes every case with its arrays into a folder, for `golden/check_onnx_exports.py`.
#[test]
#[ignore = "writes into the folder that ELMAN_ONNX_FOLDER names, for ONNX Runtime to run"]
fn write_exports_for_onnx_runtime() {
    let folder = std::env::var("ELMAN_ONNX_FOLDER").expect("ELMAN_ONNX_FOLDER");
    for case in cases().into_iter().chain(front_cases()) {
        let path = Path::new(&folder).join(format!("{}{}", case.name, form(case.options)));
        onnx::write(&case.model, &path.with_added_extension("onnx"), &case.options).unwrap();
        let file = formats::File { arrays: case.arrays(), ..formats::File::default() };
        formats::write(&path.with_added_extension("safetensors"), &file).unwrap();
    }
}

#[test]
fn cells_are_native_operators_where_those_compute_them() {
    for (name, model) in native() {
        let operators = operators(&model, OnnxOptions::default());
        assert!(!operators.iter().any(|op| op == "Scan"), "{name}: {operators:?}");
    }
    for (name, model) in beyond() {
        let operators = operators(&model, OnnxOptions::default());
        assert!(operators.iter().any(|op| op == "Scan"), "{name}: {operators:?}");
    }
}

#[test]
fn every_name_is_given_once_and_before_it_is_read() {
    for Case { name, model, options } in cases() {
        let graph = onnx::export(&model, &options).unwrap().0.graph.unwrap();
        check_names(name, &graph, &mut Vec::new());
    }
}

fn check_names(case: &str, graph: &formats::onnx::Graph, known: &mut Vec<String>) {
    let given = graph.initializer.iter().map(|tensor| &tensor.name).chain(graph.input.iter().map(|input| &input.name));
    let give = |known: &mut Vec<String>, name: &String| {
        assert!(!known.contains(name), "{case}: {name} is given twice");
        known.push(name.clone());
    };
    given.for_each(|name| give(known, name));
    for node in &graph.node {
        for input in node.input.iter().filter(|name| !name.is_empty()) {
            assert!(known.contains(input), "{case}: {input} of {} is not known", node.name);
        }
        node.attribute
            .iter()
            .filter_map(|attribute| attribute.g.as_ref())
            .for_each(|body| check_names(case, body, known));
        node.output.iter().filter(|name| !name.is_empty()).for_each(|name| give(known, name));
    }
    graph.output.iter().for_each(|output| assert!(known.contains(&output.name), "{case}: {}", output.name));
}

#[test]
fn every_array_of_ours_is_in_the_report_once() {
    for Case { name, model, options } in cases() {
        let (_, report) = onnx::export(&model, &options).unwrap();
        let mut found: Vec<String> =
            report.moves.iter().flat_map(|moved| &moved.from).map(|place| place.name.clone()).collect();
        found.sort();
        assert_eq!(found, model.arrays().into_keys().collect::<Vec<_>>(), "{name}");
        assert_eq!(report.verdict(), Verdict::Exact);
    }
}

#[test]
fn equal_models_are_equal_bytes() {
    for (_, model) in native().into_iter().chain(beyond()) {
        let bytes = || formats::onnx::to_bytes(&onnx::export(&model, &OnnxOptions::default()).unwrap().0);
        assert_eq!(bytes(), bytes());
    }
}

#[test]
fn what_a_reader_must_know_is_noted() {
    for (stack, word) in [
        (Stack::from(Rnn::new(3, 5).activation(Activation::Relu)), "Relu"),
        (Lstm::new(3, 5).coupled(true).into(), "input_forget"),
        (Lstm::new(3, 5).noise(crate::support::networks::LSTM_NOISE).into(), "zoneout"),
    ] {
        let (_, report) = onnx::export(&random_model(stack, 3), &OnnxOptions::default()).unwrap();
        assert!(report.notes.iter().any(|note| note.contains(word)), "{word}: {:?}", report.notes);
    }
}

/// The dense layer at every step that `train classify` puts before its recurrent ones, and others between layers.
#[test]
fn dense_layers_before_recurrent_ones_are_written_and_come_back() {
    let front = || Stack::new(StepDense::new(3, 6).activation(Nonlinearity::Relu));
    let both = Layer::new(Gru::new(6, 5)).bidirectional(Merge::Concat);
    let between = Layer::new(StepDense::new(5, 5).activation(Nonlinearity::Silu)).residual(true);
    let plain = OnnxOptions::default();
    for (stack, head) in [
        (front().then(both.clone()), Head::last_state(3).reads(Reads::Max)),
        (front().then(both), Head::last_state(3).reads(Reads::Mean)),
        (Stack::new(Lstm::new(3, 5)).then(between).then(Rnn::new(5, 4)), Head::every_step(3)),
        (front().then(StepDense::new(6, 4)).then(Lstm::new(4, 5).layer_norm(true)), Head::last_state(3)),
        (Stack::new(StepDense::new(4, 6)).then(Rnn::new(6, 4)).embedding(9), Head::last_state(3)),
    ] {
        let model = random_model(stack, head);
        for options in [plain, plain.lengths(false), plain.native(false), plain.native(false).lengths(false)] {
            let (graph, report) = onnx::export(&model, &options).unwrap();
            assert_eq!(report.verdict(), Verdict::Exact, "{model:?}");
            let back = onnx::import_bytes(&formats::onnx::to_bytes(&graph), &Hints::default());
            let back = back.unwrap_or_else(|error| panic!("{:?}, {options:?}: {error}", model.stack()));
            assert_eq!(back.model.arrays(), model.arrays(), "{options:?}");
            let compared = back.report.compared.unwrap();
            assert!(compared.batches >= 8 && compared.largest_difference <= 1e-5, "{options:?}: {compared:?}");
        }
    }
    let refused = |stack: Stack, options: OnnxOptions, words: &str| {
        let message = onnx::export(&random_model(stack, 3), &options).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    refused(front().then(Rnn::new(6, 4)), plain.initial_states(true), "layer 0 cannot be given to ONNX: it is a dense");
    refused(Stack::new(Rnn::new(3, 4)).then(StepDense::new(4, 4)), plain, "behind the recurrent ones");
}

#[test]
fn what_has_no_graph_is_refused_by_name() {
    let both = Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Concat);
    let message =
        onnx::export(&random_model(both, 2), &OnnxOptions::default().streaming(true)).unwrap_err().to_string();
    assert!(message.starts_with("layer 0 cannot be given to ONNX: it reads rows from their ends"), "{message}");
    assert!(message.ends_with("leave out `streaming` (--streaming)"), "{message}");
}
