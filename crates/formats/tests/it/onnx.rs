//! ONNX files: what is written comes back, and what is damaged or hostile is refused in words.

use std::path::Path;

use elman_formats::onnx::{
    self, Array, Attribute, Element, File, Graph, Model, Node, OperatorSet, Property, Tensor, ValueInfo, Values,
};
use proptest::prelude::*;
use prost::Message;

fn model(graph: Graph) -> Model {
    let opset_import = vec![OperatorSet { domain: String::new(), version: 22 }];
    Model { ir_version: 10, opset_import, graph: Some(graph), ..Model::default() }
}

fn with(tensor: Tensor) -> File {
    onnx::read_bytes(&model(Graph { initializer: vec![tensor], ..Graph::default() }).encode_to_vec()).unwrap()
}

fn array(tensor: Tensor) -> Result<Array, String> {
    let file = with(tensor);
    let tensor = &file.model.graph.as_ref().unwrap().initializer[0];
    file.array(tensor).map_err(|error| error.to_string())
}

fn refused(tensor: Tensor) -> String {
    array(tensor).unwrap_err()
}

fn sample() -> Model {
    let node = Node {
        input: vec!["x".into(), String::new(), "w".into()],
        output: vec!["y".into()],
        name: "a node".into(),
        op_type: "LSTM".into(),
        attribute: vec![
            Attribute::int("hidden_size", 0),
            Attribute::text("direction", "forward"),
            Attribute::texts("activations", &["Tanh"]),
            Attribute::ints("axes", &[-1, 0]),
            Attribute::tensor("value", Tensor::ints("", &[1], &[-5])),
            Attribute::graph("body", Graph { name: "inner".into(), ..Graph::default() }),
        ],
        domain: String::new(),
    };
    let axes = vec![Some(onnx::DimensionValue::Name("batch".into())), Some(onnx::DimensionValue::Length(3)), None];
    let graph = Graph {
        node: vec![node],
        name: "graph".into(),
        initializer: vec![Tensor::floats("w", &[2, 2], &[0.1, -0.0, f32::MAX, f32::MIN_POSITIVE])],
        input: vec![ValueInfo::tensor("x", Element::Float, axes.clone())],
        output: vec![ValueInfo::tensor("y", Element::Int32, axes)],
        ..Graph::default()
    };
    Model { metadata_props: vec![Property { key: "k".into(), value: "wörd".into() }], ..model(graph) }
}

#[test]
fn round_trip_is_exact_and_bytes_are_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    onnx::write(&one, &sample()).unwrap();
    onnx::write(&two, &sample()).unwrap();
    let file = onnx::read(&one).unwrap();
    assert_eq!(file.model, sample());
    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(two).unwrap());
    // A zero that is set is not a zero that is missing.
    assert_eq!(file.model.graph.unwrap().node[0].attribute[0].i, Some(0));
}

#[test]
fn a_file_cut_anywhere_is_refused_or_whole() {
    let bytes = sample().encode_to_vec();
    for end in 0..bytes.len() {
        // The graph is one field: a cut in it is seen; one behind it leaves a whole model, without its metadata.
        if let Ok(file) = onnx::read_bytes(&bytes[..end]) {
            assert_eq!(file.model.graph, sample().graph, "cut at {end}");
        }
    }
    let message = onnx::read_bytes(&bytes[..bytes.len() / 2]).unwrap_err().to_string();
    assert!(message.contains("not a whole ONNX model"), "{message}");
    let message = onnx::read_bytes(&[]).unwrap_err().to_string();
    assert!(message.contains("it has no graph"), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let message = onnx::read(Path::new("no/such/file")).unwrap_err().to_string();
    assert!(message.starts_with("cannot read no/such/file: "), "{message}");
}

#[test]
fn shapes_and_numbers_must_agree() {
    let floats = |dims: &[i64], floats| Tensor { dims: dims.to_vec(), ..Tensor::floats("w", &[], floats) };
    for (dims, what) in [
        (&[3][..], "expected 12 bytes, found 8"),
        (&[1], "expected 4 bytes, found 8"),
        (&[-2], "which is no shape"),
        (&[i64::MAX, 4], "which is no shape"),
        (&[1 << 32, 1 << 31], "which is no shape"),
        (&[1 << 40], "expected at most"),
    ] {
        let message = refused(floats(dims, &[1.0, 2.0]));
        assert!(message.contains(what) && message.contains("tensor \"w\""), "{message}");
    }
    let short = Tensor { name: "w".into(), dims: vec![2], data_type: 1, float_data: vec![1.0], ..Tensor::default() };
    assert!(refused(short).contains("expected 2 elements, found 1"));
    assert_eq!(array(floats(&[2, 0], &[])).unwrap().values, Values::F32(vec![]));
}

#[test]
fn types_that_are_not_read_are_named() {
    for (code, name) in [(8, "string"), (13, "uint64"), (17, "float8e4m3fn"), (0, "undefined"), (-1, "unknown")] {
        let message = refused(Tensor { data_type: code, ..Tensor::default() });
        assert!(message.contains(&format!("its type is {name};")), "{message}");
    }
}

/// Messages of two bytes each would take a hundred times as much memory.
#[test]
fn a_file_of_empty_messages_is_refused() {
    let nodes = [0x0a, 0x00].repeat(onnx::MESSAGES_MAX + 1);
    let mut bytes = vec![0x3a];
    prost::encoding::encode_varint(nodes.len() as u64, &mut bytes);
    bytes.extend(nodes);
    let message = onnx::read_bytes(&bytes).unwrap_err().to_string();
    assert!(message.contains("more than 1048576 nodes"), "{message}");
}

#[test]
fn graphs_in_graphs_without_end_are_refused() {
    let mut graph = Graph::default();
    for _ in 0..200 {
        let node = Node { attribute: vec![Attribute::graph("body", graph)], ..Node::default() };
        graph = Graph { node: vec![node], ..Graph::default() };
    }
    let message = onnx::read_bytes(&model(graph).encode_to_vec()).unwrap_err().to_string();
    assert!(message.contains("deep"), "{message}");
}

fn beside(location: &str, offset: Option<&str>, length: Option<&str>) -> Tensor {
    let entry = |key: &str, value: &str| Property { key: key.into(), value: value.into() };
    let mut external_data = vec![entry("location", location)];
    external_data.extend(offset.map(|offset| entry("offset", offset)));
    external_data.extend(length.map(|length| entry("length", length)));
    Tensor { dims: vec![2], data_type: 1, name: "w".into(), data_location: 1, external_data, ..Tensor::default() }
}

#[test]
fn numbers_beside_the_model_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = [1.0f32, 2.0, 3.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(folder.path().join("data"), bytes).unwrap();
    let read = |tensor: Tensor| {
        let path = folder.path().join("model.onnx");
        onnx::write(&path, &model(Graph { initializer: vec![tensor], ..Graph::default() })).unwrap();
        let file = onnx::read(&path).unwrap();
        file.array(&file.model.graph.as_ref().unwrap().initializer[0]).map_err(|error| error.to_string())
    };
    assert_eq!(read(beside("data", Some("4"), Some("8"))).unwrap().values, Values::F32(vec![2.0, 3.0]));
    assert_eq!(read(beside("data", None, None)).unwrap().values, Values::F32(vec![1.0, 2.0]));
    for (tensor, what) in [
        (beside("data", Some("8"), Some("8")), "bytes 8 to 16 of \"data\", which has 12"),
        (beside("data", Some("18446744073709551615"), None), "which has 12"),
        (beside("data", Some("-4"), None), "its offset in another file is \"-4\""),
        (beside("data", None, Some("12")), "expected 8 bytes, found 12"),
        (beside("other", None, None), "\"other\""),
        (beside(".", None, None), "a path that leads elsewhere"),
        (beside("", None, None), "a path that leads elsewhere"),
        (beside("../data", None, None), "a path that leads elsewhere"),
        (beside("../../etc/passwd", None, None), "a path that leads elsewhere"),
        (beside("below/../../data", None, None), "a path that leads elsewhere"),
        (beside("/etc/passwd", None, None), "an absolute path"),
    ] {
        let message = read(tensor).unwrap_err();
        assert!(message.contains(what), "{message}, not {what}");
    }
    let message = refused(beside("data", None, None));
    assert!(message.contains("read the model from its folder"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = outside.path().join("secret");
    std::fs::write(&secret, [0; 8]).unwrap();
    std::os::unix::fs::symlink(&secret, folder.path().join("file")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("folder")).unwrap();
    std::fs::write(folder.path().join("own"), [0; 8]).unwrap();
    std::os::unix::fs::symlink("own", folder.path().join("link")).unwrap();
    let path = folder.path().join("model.onnx");
    let read = |location| {
        let graph = Graph { initializer: vec![beside(location, None, None)], ..Graph::default() };
        onnx::write(&path, &model(graph)).unwrap();
        let file = onnx::read(&path).unwrap();
        file.array(&file.model.graph.as_ref().unwrap().initializer[0]).map_err(|error| error.to_string())
    };
    for location in ["file", "folder/secret"] {
        let message = read(location).unwrap_err();
        assert!(message.contains("a link out of it"), "{message}");
    }
    read("link").unwrap();
}

proptest! {
    #[test]
    fn any_bytes_are_refused_in_peace(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = onnx::read_bytes(&bytes);
    }

    #[test]
    fn a_changed_byte_does_no_harm(at in 0usize..10_000, byte in any::<u8>()) {
        let mut bytes = sample().encode_to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(file) = onnx::read_bytes(&bytes) {
            for tensor in &file.model.graph.as_ref().unwrap().initializer {
                let _ = file.array(tensor);
            }
        }
    }
}
