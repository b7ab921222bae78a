//! Models as ONNX graphs.

use std::path::Path;

use crate::support::exports::{Case, beyond, cases, form, native, random_model};
use elman::formats;
use elman::{Activation, Lstm, Merge, Rnn};
use elman_exchange::{
    Verdict,
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
    for case in cases() {
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
        (elman::Stack::from(Rnn::new(3, 5).activation(Activation::Relu)), "Relu"),
        (Lstm::new(3, 5).coupled(true).into(), "input_forget"),
        (Lstm::new(3, 5).noise(crate::support::networks::LSTM_NOISE).into(), "zoneout"),
    ] {
        let (_, report) = onnx::export(&random_model(stack, 3), &OnnxOptions::default()).unwrap();
        assert!(report.notes.iter().any(|note| note.contains(word)), "{word}: {:?}", report.notes);
    }
}

#[test]
fn what_has_no_graph_is_refused_by_name() {
    let both = elman::Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Concat);
    let message =
        onnx::export(&random_model(both, 2), &OnnxOptions::default().streaming(true)).unwrap_err().to_string();
    assert!(message.starts_with("layer 0 cannot be given to ONNX: it reads rows from their ends"), "{message}");
    assert!(message.ends_with("leave out `streaming` (--streaming)"), "{message}");
}
