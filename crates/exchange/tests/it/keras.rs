//! Models from Keras 3 and for it.

use std::path::Path;

use crate::support::exchange::{assert_agrees, assert_same, golden_model, refusal, shaken, text};
use crate::support::models::{model, models};
use elman::formats::Array;
use elman::formats::keras::Archive;
use elman::{
    Activation, AnyCell, Conv1d, Gru, Head, IndRnn, Layer, Link, Lstm, Merge, Nonlinearity, Padding, Predicts, Reads,
    Reset, Rnn, Stack, StepDense, StepNorm, StepPool, StepScale, Values, Window, max_pool_1d, mean_pool_1d,
};
use elman_exchange::{Error, Hints, Imported, Verdict, keras};
use serde_json::{Value, json};

/// An archive as the script beside the golden files took it apart.
fn archive(case: &str) -> Archive {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../golden/models/keras_{case}.safetensors"));
    let file = elman::formats::read(&path).unwrap();
    Archive {
        config: serde_json::from_str(&file.metadata["config"]).unwrap(),
        metadata: json!({ "keras_version": "3.15.1" }),
        arrays: file.arrays,
        attributes: Default::default(),
    }
}

fn import(case: &str) -> Imported {
    keras::import(&archive(case), &Hints::default()).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// By case, whether it answers with probabilities.
const CASES: [(&str, bool); 10] = [
    ("rnn_relu", false),
    ("rnn_no_bias", false),
    ("lstm", true),
    ("gru_after", false),
    ("gru_before", false),
    ("gru_no_bias", false),
    ("bidirectional", false),
    ("stack", true),
    ("tagger", false),
    ("functional", true),
];

#[test]
fn models_of_keras_answer_as_they_did() {
    let answers = golden_model("keras.safetensors");
    for (case, probabilities) in CASES {
        assert_agrees(&answers, case, &import(case), probabilities);
    }
}

/// Read from what Keras wrote, they are what the script took them apart to.
#[test]
fn archives_are_read_as_keras_wrote_them() {
    for case in ["lstm", "functional"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../golden/models/keras_{case}.keras"));
        let read = elman::formats::keras::read(&path).unwrap();
        let imported = keras::import(&read, &Hints::default()).unwrap();
        assert_same(case, &imported.model, &import(case).model);
        assert_eq!(imported.report, import(case).report);
    }
}

#[test]
fn weights_alone_answer_as_they_did() {
    let answers = golden_model("keras.safetensors");
    for (case, probabilities) in CASES {
        let every_step = ["stack", "tagger"].contains(&case).then_some(Reads::EveryStep);
        let relu = (case == "rnn_relu").then_some(Activation::Relu);
        let hints = Hints { reads: every_step, activation: relu, ..Hints::default() };
        let imported =
            keras::import_weights(&archive(case).arrays, &hints).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_agrees(&answers, case, &imported, probabilities);
    }
}

/// A file of weights has no configuration that would say it.
#[test]
fn weights_of_16_bits_alone_are_said_to_be_widened() {
    let golden = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../golden/files/{name}"));
    for (name, half) in [("keras_half", "float16"), ("keras_reader", "nothing")] {
        let file = elman::formats::hdf5::read(&golden(&format!("{name}.weights.h5"))).unwrap();
        let report =
            keras::import_hdf5(&file, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}")).report;
        let said = format!("arrays of {half} were widened to float32");
        assert_eq!(
            report.precision.iter().any(|line| line.contains(&said)),
            half != "nothing",
            "{:?}",
            report.precision
        );
    }
}

#[test]
fn a_report_names_every_array() {
    let expected = "\
layers/gru/cell/vars/0 [5, 21] → layers.0.kernel [5, 21]: gates z r n → r z n
layers/gru/cell/vars/1 [7, 21] → layers.0.recurrent_kernel [7, 21]: gates z r n → r z n
layers/gru/cell/vars/2 [2, 21] → layers.0.bias [21], layers.0.recurrent_bias [7]: gates z r n → r z n, split, added
layers/gru_1/cell/vars/0 [7, 9] → layers.1.kernel [7, 9]: gates z r n → r z n
layers/gru_1/cell/vars/1 [3, 9] → layers.1.recurrent_kernel [3, 9]: gates z r n → r z n
layers/gru_1/cell/vars/2 [9] → layers.1.bias [9]: gates z r n → r z n
layers/dense/vars/0 [3, 4] → head.kernel [3, 4]:
layers/dense/vars/1 [4] → head.bias [4]:
- masking skips steps whose floats are all 0; here rows have lengths, and such a step inside one is read
- spatial_dropout1d drops units for all steps of a row; here they are dropped anew at each step
- the optimizer's arrays are left out
every number is there: some are sums of two, rounded once
";
    let imported = import("functional");
    // Keras numbers the names that it makes up; those of our own are kept.
    let found = text(&imported.report);
    assert_eq!(found, expected);
    assert_eq!(imported.model.steps, Some(6));
    assert_eq!(imported.model.stack().layers[0].dropout, 0.1);
}

#[test]
fn the_archive_says_what_weights_alone_do_not() {
    let notes = |report: &elman_exchange::Report| report.notes.join("\n");
    let report = import("rnn_relu").report;
    let values = "dense has 4 outputs without an activation, taken for values";
    assert!(notes(&report).starts_with(values), "{}", notes(&report));
    let compared = report.compared.unwrap().to_string();
    let expected = "the equations of Keras's layers: 6 batches of 1 to 5 rows and 1 to 12 steps, largest difference ";
    assert!(compared.starts_with(expected), "{compared}");
    let masked = import("functional").report.compared.unwrap();
    assert_eq!(masked.left_out, ["steps that masking masks inside a row: those behind its end alone were"]);
    assert_eq!(import("tagger").model.head().reads, Reads::EveryStep);
    assert_eq!(import("tagger").model.steps, None);
    assert!(notes(&import("tagger").report).contains("embedding has mask_zero"));
    let lstm = notes(&import("lstm").report);
    assert!(lstm.contains("a part of 0.2 of what dense reads is dropped in training"), "{lstm}");
    let stack = import("stack").model;
    let merges: Vec<_> = stack.stack().layers.iter().map(|layer| (layer.bidirectional, layer.dropout)).collect();
    assert_eq!(merges, [(Some(Merge::Concat), 0.25), (Some(Merge::Sum), 0.0)]);

    let weights = |case: &str| keras::import_weights(&archive(case).arrays, &Hints::default()).unwrap().report;
    let rnn = notes(&weights("rnn_relu"));
    let assumed = "the arrays are exact; what is done with them is assumed: layers/simple_rnn → layers/dense";
    assert!(rnn.contains(assumed), "{rnn}");
    assert_eq!(weights("rnn_relu").compared, None);
    assert!(
        rnn.contains("a file of weights alone does not say the activation: tanh was taken; give --activation relu"),
        "{rnn}"
    );
    assert!(rnn.contains("does not say what the head reads: the last state was taken"), "{rnn}");
    assert!(rnn.contains("does not say go_backwards: Keras's defaults were taken: forwards"), "{rnn}");
    let lstm = notes(&weights("lstm"));
    let expected = "does not say the activations of LSTM and GRU, go_backwards: Keras's defaults were taken: tanh and \
                    sigmoid, forwards; give the .keras archive otherwise";
    assert!(lstm.contains(expected), "{lstm}");
    assert!(notes(&weights("bidirectional")).contains("go_backwards, merge_mode: "));
    assert!(notes(&weights("gru_no_bias")).contains("does not say where a GRU without a bias resets"));
    assert!(notes(&weights("rnn_no_bias")).contains("layers/dense has no bias: zeros were taken"));
}

#[test]
fn every_model_that_keras_expresses_comes_back_bit_for_bit() {
    // The others are refused, each by the first thing that Keras has not.
    let refused = [
        ("rnn noise", "zoneout in layer 0"),
        ("lstm peepholes", "an LSTM with peepholes in layer 0"),
        ("lstm coupled", "an LSTM with coupled gates in layer 0"),
        ("lstm coupled peepholes", "an LSTM with peepholes in layer 0"),
        ("lstm projection", "an LSTM with a projection in layer 0"),
        ("lstm clips", "an LSTM with peepholes in layer 0"),
        ("lstm layer norm", "an LSTM with a projection in layer 0"),
        ("lstm layer norm and all", "an LSTM with peepholes in layer 0"),
        ("lstm noise", "zoneout in layer 0"),
        ("lstm noise and all", "an LSTM with coupled gates in layer 0"),
        ("lstm hard gates and all", "an LSTM with peepholes in layer 0"),
        ("gru layer norm", "layer normalisation in layer 0"),
        ("gru before layer norm", "layer normalisation in layer 0"),
        ("gru noise", "zoneout in layer 0"),
        ("gru before noise", "zoneout in layer 0"),
        ("gru hard gates", "the recurrent activation hard_sigmoid_keras2 in layer 0"),
        ("mixed", "an LSTM with a projection in layer 0"),
        ("residual", "a residual layer in layer 0"),
        ("tokens", "zoneout in layer 1"),
        ("both stacked", "zoneout in layer 1"),
        ("both summed", "a residual layer in layer 1"),
        ("alike projected", "an LSTM with a projection in layer 0"),
    ];
    let mut kept = 0;
    for (name, model) in models() {
        let summed = name == "both sum" && model.head().reads == Reads::LastState;
        let what = refused.iter().find(|(of, _)| *of == name).map(|(_, what)| *what);
        if let Some(what) = what.or(summed.then_some("the sum of two directions in layer 0")) {
            let message = refusal(keras::export(&model));
            assert!(message.starts_with(&format!("{what} cannot be given to Keras: ")), "{name}: {message}");
            continue;
        }
        let (archive, given) = keras::export(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
        let back = keras::import(&archive, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_same(name, &back.model, &model);
        assert_eq!((given.verdict(), back.report.verdict()), (Verdict::Exact, Verdict::Exact), "{name}");
        // Without our configuration, Keras's own says all but what is for our jobs.
        let plain = Archive { metadata: json!({}), ..archive.clone() };
        if model.head().classes().is_some() {
            let mut again =
                keras::import(&plain, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}")).model;
            again.meaning = model.meaning.clone();
            assert_same(name, &again, &model);
        }
        // And so do the weights with the configuration as a hint.
        let hints = Hints { like: Some(model.config()), ..Hints::default() };
        match keras::import_weights(&archive.arrays, &hints) {
            Ok(again) => assert_same(name, &again.model, &model),
            Err(error) => panic!("{name}: {error}"),
        }
        kept += 1;
    }
    assert_eq!(kept, 3 * (42 - refused.len()) - 2);
}

#[test]
fn clips_are_refused() {
    let clip = Lstm::new(3, 4).projection(2).projection_clip(0.5);
    for (lstm, what) in [(Lstm::new(3, 4).cell_clip(1.0), "a clipped memory"), (clip, "an LSTM with a projection")] {
        assert!(refusal(keras::export(&model(lstm, 3))).starts_with(what));
    }
    assert!(refusal(keras::export(&model(Lstm::new(3, 4).layer_norm(true), 3))).starts_with("layer normalisation"));
    let custom = model(AnyCell::custom(Rnn::new(2, 3)), 2);
    assert!(refusal(keras::export(&custom)).starts_with("a cell of one's own in layer 0"));
    let independent = model(Stack::new(Rnn::new(2, 3)).then(IndRnn::new(3, 3)), 2);
    assert!(refusal(keras::export(&independent)).starts_with("an IndRNN in layer 1 cannot be given to Keras: "));
}

#[test]
fn an_export_is_a_sequential_model() {
    let stack = Stack::new(Layer::new(Gru::new(5, 7)).dropout(0.25).bidirectional(Merge::Sum))
        .then(Gru::new(7, 6).reset(Reset::Before))
        .embedding(11);
    let mut model = model(stack, 3);
    model.steps = Some(9);
    let (archive, report) = keras::export(&model).unwrap();
    assert_eq!(
        report.notes,
        [
            "tokens come as [batch, steps], without an axis of one float",
            "the model ends in a softmax: it answers with probabilities",
        ]
    );
    let names: Vec<(&str, &[usize])> =
        archive.arrays.iter().map(|(name, array)| (name.as_str(), &array.shape[..])).collect();
    let expected: [(&str, &[usize]); 12] = [
        ("layers/bidirectional/backward_layer/cell/vars/0", &[5, 21]),
        ("layers/bidirectional/backward_layer/cell/vars/1", &[7, 21]),
        ("layers/bidirectional/backward_layer/cell/vars/2", &[2, 21]),
        ("layers/bidirectional/forward_layer/cell/vars/0", &[5, 21]),
        ("layers/bidirectional/forward_layer/cell/vars/1", &[7, 21]),
        ("layers/bidirectional/forward_layer/cell/vars/2", &[2, 21]),
        ("layers/dense/vars/0", &[6, 3]),
        ("layers/dense/vars/1", &[3]),
        ("layers/embedding/vars/0", &[11, 5]),
        ("layers/gru/cell/vars/0", &[7, 18]),
        ("layers/gru/cell/vars/1", &[6, 18]),
        ("layers/gru/cell/vars/2", &[18]),
    ];
    assert_eq!(names, expected);
    let classes: Vec<&str> = archive.config["config"]["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["class_name"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["InputLayer", "Embedding", "Bidirectional", "Dropout", "GRU", "Dense"]);
    assert_eq!(archive.config.pointer("/config/layers/0/config/batch_shape"), Some(&json!([null, 9])));
}

/// With the configuration changed at a place.
fn with(case: &str, place: &str, value: Value) -> Result<Imported, Error> {
    let mut archive = archive(case);
    let (object, key) = place.rsplit_once('/').unwrap();
    archive.config.pointer_mut(object).unwrap_or_else(|| panic!("{object}"))[key] = value;
    keras::import(&archive, &Hints::default())
}

#[test]
fn options_that_are_not_computed_are_refused() {
    let lstm = "/config/layers/1/config";
    let check = |case: &str, place: String, value: Value, expected: &str| {
        let message = refusal(with(case, &place, value));
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    };
    let of_lstm = |key: &str, value: Value, expected: &str| check("lstm", format!("{lstm}/{key}"), value, expected);
    of_lstm(
        "activation",
        json!("elu"),
        "lstm cannot be taken from Keras: its activation is elu; expected tanh or relu",
    );
    for gates in [json!("relu"), json!("tanh"), json!("softsign"), Value::Null] {
        of_lstm("recurrent_activation", gates, "; expected sigmoid or hard_sigmoid");
    }
    of_lstm("activation", json!({ "class_name": "function", "config": "gelu" }), "its activation is gelu");
    of_lstm("go_backwards", json!(true), "reads rows from their ends (go_backwards)");
    of_lstm("return_state", json!(true), "return_state");
    of_lstm("units", json!(8), "layers/lstm/cell/vars/1 cannot be taken from Keras: it has 7 rows; expected 8");
    of_lstm("units", json!("x"), "it has no number of units");
    of_lstm("use_bias", json!("yes"), "its use_bias is \"yes\"; expected true or false");
    of_lstm("dropout", json!("a"), "its dropout is \"a\"; expected a number");
    check(
        "rnn_relu",
        format!("{lstm}/activation"),
        json!("softsign"),
        "its activation is softsign; expected tanh or relu",
    );
    let dense = "/config/layers/2/config";
    check("rnn_relu", format!("{dense}/activation"), json!("celu"), "its activation is celu; expected linear or relu");
    check("rnn_relu", format!("{dense}/units"), json!(5), "layers/dense/vars/0 cannot");
    check("gru_after", format!("{lstm}/reset_after"), json!(false), "it has shape [2, 21]; expected [21]");
    check("gru_before", format!("{lstm}/reset_after"), json!(true), "it has shape [21]; expected [2, 21]");
    check("rnn_no_bias", format!("{lstm}/use_bias"), json!(true), "layers/simple_rnn/cell/vars/2 cannot");
    check("lstm", format!("{lstm}/use_bias"), json!(false), "layers/lstm/cell/vars/2 cannot");
    for merge in [json!("max"), json!("mean"), Value::Null] {
        check("bidirectional", format!("{lstm}/merge_mode"), merge, "expected concat or sum or ave or mul");
    }
    for merge in ["sum", "ave", "mul"] {
        check("bidirectional", format!("{lstm}/merge_mode"), json!(merge), "it has shape [14, 4]; expected [7, 4]");
    }
    check(
        "bidirectional",
        format!("{lstm}/backward_layer/config/units"),
        json!(9),
        "its two directions have different layers",
    );
    check("bidirectional", format!("{lstm}/backward_layer/config/go_backwards"), json!(false), "does not go backwards");
    check(
        "stack",
        format!("{lstm}/merge_mode"),
        json!("sum"),
        "bidirectional_1 cannot be taken from Keras: it reads 6 floats",
    );
    check("stack", format!("{lstm}/layer/config/return_sequences"), json!(false), "bidirectional cannot");
    check("functional", "/config/layers/8/config/axis".into(), json!(1), "its axis is 1; expected -1");
}

#[test]
fn options_of_training_are_noted() {
    for (key, value, note) in [
        ("dropout", json!(0.5), "lstm has a dropout of 0.5 in training, which changes no answer and is left out"),
        ("recurrent_dropout", json!(0.25), "lstm has a recurrent_dropout of 0.25"),
        ("stateful", json!(true), "lstm is stateful"),
        ("dtype", json!("mixed_float16"), "lstm computes in mixed_float16 there"),
    ] {
        let notes = with("lstm", &format!("/config/layers/1/config/{key}"), value).unwrap().report.notes.join("\n");
        assert!(notes.contains(note), "{notes}");
    }
}

/// A policy of lower precision is said where the verdict is, of all its layers at once.
#[test]
fn layers_that_compute_in_less_are_named() {
    let precision = |value| with("lstm", "/config/layers/1/config/dtype", value).unwrap().report.precision;
    let policy = json!({"class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}});
    assert_eq!(precision(policy), ["lstm computes in mixed_bfloat16 there, in float32 here"]);
    assert_eq!(precision(json!("mixed_float16")), ["lstm computes in mixed_float16 there, in float32 here"]);
    assert!(precision(json!("float32")).is_empty());
}

#[test]
fn layers_that_are_not_computed_are_refused() {
    let layer =
        |case: &str, at: usize, class: &str| with(case, &format!("/config/layers/{at}/class_name"), json!(class));
    for class in ["SeparableConv1D", "RNN", "Lambda", "ConvLSTM1D", "Attention"] {
        let message = refusal(layer("lstm", 1, class));
        assert!(
            message.starts_with(&format!(
                "lstm cannot be taken from Keras: it is a {class}, which is not computed here; expected"
            )),
            "{message}"
        );
    }
}

#[test]
fn models_that_are_no_chain_are_refused() {
    let check = |result: Result<Imported, Error>, expected: &str| {
        let message = refusal(result);
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    };
    check(with("lstm", "/class_name", json!("Encoder")), "the model cannot be taken from Keras: its class is Encoder");
    check(with("lstm", "/config/layers", json!([])), "it has no recurrent layer");
    check(with("lstm", "/config/layers", json!([{ "class_name": "LSTM" }])), "it has no class_name or no config");

    let order = |places: &[usize]| {
        let mut archive = archive("lstm");
        let layers = archive.config["config"]["layers"].as_array().unwrap().clone();
        archive.config["config"]["layers"] = places.iter().map(|&place| layers[place].clone()).collect();
        keras::import(&archive, &Hints::default())
    };
    check(order(&[0, 1, 2]), "it has no Dense layer behind its recurrent ones");
    check(order(&[0, 3, 1]), "it has no Dense layer behind its recurrent ones");
    check(order(&[0, 3]), "it has no recurrent layer");
    check(order(&[0, 1, 3, 3]), "dense cannot be taken from Keras: it ends in a softmax before the head");
    check(order(&[0, 1, 3, 1]), "it is a recurrent layer behind a Dense");
    check(order(&[0, 1, 1, 3]), "the recurrent layer before it does not return sequences");

    // Input, NotEqual, Masking, Any, GRU, dropout, GRU, Dense, Softmax.
    let functional = |place: &str, value: Value| with("functional", &format!("/config/{place}"), value);
    let tensor = |name: &str, output: u64| json!({ "class_name": "__keras_tensor__", "config": { "shape": [null, 3], "keras_history": [name, 0, output] } });
    let called = |arguments: Value, named: Value| json!([{ "args": arguments, "kwargs": named }]);
    let upper = "layers/6/inbound_nodes";
    check(functional("output_layers", json!([["softmax", 0, 0], ["answer", 0, 0]])), "it has several outputs");
    check(functional("layers/1/class_name", json!("Add")), "Add stands beside the chain");
    check(
        functional(upper, called(json!([tensor("lower", 0), tensor("lower", 1)]), json!({}))),
        "more than the output of one",
    );
    check(
        functional(upper, called(json!([tensor("lower", 0)]), json!({ "initial_state": tensor("lower", 1) }))),
        "upper cannot",
    );
    check(
        functional(upper, called(json!([[tensor("lower", 0), tensor("lower", 0)]]), json!({}))),
        "it is not called on the output",
    );
    check(functional(upper, called(json!([tensor("lower", 1)]), json!({}))), "it reads a state of the layer before it");
    check(functional(upper, json!([])), "it is not called exactly once");
    check(functional(upper, called(json!([tensor("answer", 0)]), json!({}))), "it is called more than once");
    check(functional(upper, called(json!([tensor("nobody", 0)]), json!({}))), "nothing leads to it from an input");
}

fn array(shape: &[usize]) -> Array {
    Array { shape: shape.to_vec(), data: vec![0.5; shape.iter().product()] }
}

#[test]
fn arrays_that_do_not_fit_are_named() {
    let changed = |case: &str, name: &str, array: Option<Array>| {
        let mut archive = archive(case);
        match array {
            Some(array) => drop(archive.arrays.insert(name.into(), array)),
            None => drop(archive.arrays.remove(name).unwrap()),
        }
        [keras::import(&archive, &Hints::default()), keras::import_weights(&archive.arrays, &Hints::default())]
    };
    for (case, name, array, expected) in [
        ("lstm", "layers/lstm/cell/vars/0", None, "layers/lstm/cell/vars/0 cannot be taken from Keras: it is missing"),
        ("lstm", "layers/lstm/cell/vars/0", Some(array(&[5, 27])), "it has shape [5, 27]; expected [5, 28]"),
        (
            "lstm",
            "layers/lstm/cell/vars/1",
            Some(array(&[7, 30])),
            "it has shape [7, 30]; expected as many columns as 4",
        ),
        ("lstm", "layers/lstm/cell/vars/2", Some(array(&[27])), "it has shape [27]; expected [28]"),
        (
            "lstm",
            "layers/lstm/cell/vars/3",
            Some(array(&[28])),
            "layers/lstm/cell/vars/3 cannot be taken from Keras: no part",
        ),
        ("lstm", "layers/dense/vars/1", Some(array(&[3])), "it has shape [3]; expected [4]"),
        ("lstm", "layers/dense/vars/0", Some(array(&[9, 4])), "it has shape [9, 4]; expected [7, 4]"),
        ("tagger", "layers/embedding/vars/0", Some(array(&[11, 4])), "[4]"),
    ] {
        let [by_config, by_weights] = changed(case, name, array);
        let message = refusal(by_config);
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
        refusal(by_weights);
    }
}

#[test]
fn the_order_of_weights_alone() {
    let import = |stack: Stack| {
        let model = model(stack, 3);
        let (archive, _) = keras::export(&model).unwrap();
        (keras::import_weights(&archive.arrays, &Hints::default()), model)
    };
    // Three classes, in an order that the sizes tell.
    let told =
        Stack::new(Lstm::new(3, 4)).then(Gru::new(4, 5)).then(Layer::new(Lstm::new(5, 6)).bidirectional(Merge::Sum));
    let (again, model) = import(told.then(Gru::new(6, 7)).then(Lstm::new(7, 8)));
    assert_same("told", &again.unwrap().model, &model);
    // Two classes of one size: either could be the last.
    let (again, _) = import(Stack::new(Lstm::new(4, 4)).then(Gru::new(4, 4)));
    let message = refusal(again);
    assert!(
        message.starts_with("layers/gru, layers/lstm cannot be taken from Keras: weights alone do not say"),
        "{message}"
    );
    // One class in the order of its numbers.
    let mut many = Stack::new(Gru::new(4, 4));
    for _ in 0..11 {
        many = many.then(Gru::new(4, 4));
    }
    let (again, model) = import(many);
    assert_same("many", &again.unwrap().model, &model);
    assert!(
        refusal(keras::import_weights(&golden_model("pytorch_lstm.safetensors"), &Hints::default()))
            .contains("dense layers")
    );
}

#[test]
fn too_many_layers_are_refused() {
    let mut archive = archive("gru_after");
    archive.arrays.clear();
    let layers = archive.config["config"]["layers"].as_array_mut().unwrap();
    layers[1]["config"]["return_sequences"] = json!(true);
    for number in 0..65 {
        layers.insert(1, layers[1].clone());
        archive.arrays.insert(format!("layers/gru_{number}/cell/vars/0"), array(&[5, 21]));
    }
    archive.arrays.insert("layers/dense/vars/0".into(), array(&[7, 4]));
    let messages =
        [keras::import(&archive, &Hints::default()), keras::import_weights(&archive.arrays, &Hints::default())];
    for (message, layers) in messages.map(refusal).iter().zip([66, 65]) {
        assert!(message.contains(&format!("it has {layers} recurrent layers; expected 1 to 64")), "{message}");
    }
}

#[test]
fn steps_are_those_of_the_input() {
    let steps = |steps: Value| {
        with("lstm", "/config/layers/0/config/batch_shape", json!([null, steps, 5])).unwrap().model.steps
    };
    assert_eq!(
        [json!(28), json!(null), json!(0), json!(1u64 << 60), json!(-1)].map(steps),
        [Some(28), None, None, None, None]
    );
}

#[test]
fn a_sum_of_two_directions_by_weights_alone() {
    let model = model(Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Sum), Head::every_step(3));
    let (archive, _) = keras::export(&model).unwrap();
    let message = refusal(keras::import_weights(&archive.arrays, &Hints::default()));
    assert!(
        message.contains("it reads 4 floats, the sum of two directions") && message.contains("--reads every-step"),
        "{message}"
    );
    let hints = Hints { reads: Some(Reads::EveryStep), ..Hints::default() };
    assert_same("sum", &keras::import_weights(&archive.arrays, &hints).unwrap().model, &model);
}

#[test]
fn a_damaged_configuration_is_refused() {
    let (mut archive, _) = keras::export(&model(Lstm::new(3, 4), 3)).unwrap();
    archive.metadata["elman"]["layers"] = json!([]);
    assert!(refusal(keras::import(&archive, &Hints::default())).contains("layers is 0; expected 1 to 64"));
    archive.metadata["elman"] = json!({ "version": 2 });
    assert!(refusal(keras::import(&archive, &Hints::default())).contains("its configuration"));
}

#[test]
fn what_keras_2_wrote_is_named() {
    let legacy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/files/keras_legacy.h5");
    let arrays = elman::formats::hdf5::read(&legacy).unwrap().arrays;
    let message = refusal(keras::import_weights(&arrays, &Hints::default()));
    let expected = "the file cannot be taken from Keras: it is a whole model in the format of Keras 2; load it";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn a_configuration_without_layers_is_named() {
    for (class, expected) in [
        ("Sequential", "the model cannot be taken from Keras: it is a Sequential without layers; expected a list"),
        ("Model", "its class is Model; expected Sequential, or Functional"),
    ] {
        let mut archive = archive("lstm");
        archive.config = json!({ "class_name": class, "config": { "layers": null } });
        let message = refusal(keras::import(&archive, &Hints::default()));
        assert!(message.contains(expected), "{message}");
    }
}

/// h[:, -1], as Keras 3 writes it.
#[test]
fn a_slice_is_refused_with_what_to_do() {
    let tensor = |of: &str| json!({ "class_name": "__keras_tensor__", "config": { "keras_history": [of, 0, 0] } });
    let slice = json!({ "class_name": "__slice__", "config": { "start": null, "stop": null, "step": null } });
    let node = |arguments: Value| json!([{ "args": arguments, "kwargs": {} }]);
    let mut archive = archive("lstm");
    let layer = |class: &str, name: &str, config: Value, nodes: Value| json!({ "class_name": class, "name": name, "config": config, "inbound_nodes": nodes });
    let lstm = json!({ "name": "lstm", "units": 7, "return_sequences": true });
    archive.config = json!({ "class_name": "Functional", "config": {
        "layers": [
            layer("InputLayer", "input", json!({ "name": "input", "batch_shape": [null, 6, 5] }), json!([])),
            layer("LSTM", "lstm", lstm, node(json!([tensor("input")]))),
            layer("GetItem", "get_item", json!({ "name": "get_item" }), node(json!([tensor("lstm"), [slice, -1]]))),
            layer("Dense", "dense", json!({ "name": "dense", "units": 4 }), node(json!([tensor("get_item")]))),
        ],
        "input_layers": [["input", 0, 0]], "output_layers": [["dense", 0, 0]],
    }});
    let message = refusal(keras::import(&archive, &Hints::default()));
    assert!(message.starts_with("get_item cannot be taken from Keras: it takes a part"), "{message}");
    assert!(message.contains("return_sequences=False"), "{message}");
}

/// An archive says what its layers are: a hint may say the same, and nothing else.
#[test]
fn hints_that_do_not_apply_are_refused() {
    let import = |case: &str, hints: &Hints| keras::import(&archive(case), hints);
    let refused = |case: &str, hints: &Hints, expected: &str| {
        let message = import(case, hints).unwrap_err().to_string();
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    };
    let activation = |of| Hints { activation: Some(of), ..Hints::default() };
    import("rnn_relu", &activation(Activation::Relu)).unwrap();
    refused("rnn_relu", &activation(Activation::Tanh), "activation is tanh; expected relu, as the file says");
    let reads = |of| Hints { reads: Some(of), ..Hints::default() };
    import("tagger", &reads(Reads::EveryStep)).unwrap();
    refused("tagger", &reads(Reads::LastState), "reads is last-state; expected every-step, as the file says");
    let found = import("rnn_relu", &Hints::default()).unwrap().model;
    let mut like = found.config();
    import("rnn_relu", &Hints { like: Some(like.clone()), ..Hints::default() }).unwrap();
    like.head.reads = Reads::EveryStep;
    let expected = "on every step; expected it on the last state, as the file has";
    refused("rnn_relu", &Hints { like: Some(like.clone()), ..Hints::default() }, expected);
    like = found.config();
    if let AnyCell::Rnn(rnn) = &mut like.layers[0].cell {
        rnn.activation = Activation::Tanh;
    }
    refused("rnn_relu", &Hints { like: Some(like), ..Hints::default() }, "with tanh as layer 0; expected rnn");
    // Weights alone say nothing of φ.
    keras::import_weights(&archive("rnn_relu").arrays, &activation(Activation::Relu)).unwrap();
}

/// Whatever a file has, it is a model or an error, and never a panic.
#[test]
fn shaken_files_are_models_or_errors() {
    let mut taken = 0;
    for (case, _) in CASES {
        let whole = archive(case);
        for seed in 0..200 {
            let archive = Archive { arrays: shaken(&whole.arrays, seed), ..whole.clone() };
            taken += usize::from(keras::import(&archive, &Hints::default()).is_ok());
            taken += usize::from(keras::import_weights(&archive.arrays, &Hints::default()).is_ok());
        }
    }
    // Some changes leave a model.
    assert!(taken > 0);
}

/// The layers of a golden model with one more, at a place of the list.
fn inserted(case: &str, at: usize, layer: Value) -> Result<Imported, Error> {
    let mut archive = archive(case);
    archive.config["config"]["layers"].as_array_mut().unwrap().insert(at, layer);
    keras::import(&archive, &Hints::default())
}

fn layer(class: &str, config: Value) -> Value {
    let mut config = config;
    config["name"] = json!("added");
    json!({ "module": "keras.layers", "class_name": class, "config": config, "registered_name": null })
}

#[track_caller]
fn assert_refused(result: Result<Imported, Error>, expected: &[&str]) {
    let message = refusal(result);
    for expected in expected {
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    }
}

/// Input, LSTM, Dropout, Dense with a softmax; Input, GRU, Dense.
#[test]
fn an_activation_where_none_is_expected_is_refused() {
    let softmax = || layer("Softmax", json!({ "axis": -1 }));
    let by_name = || layer("Activation", json!({ "activation": "softmax" }));
    for added in [softmax, by_name] {
        for at in [1, 2, 3] {
            assert_refused(inserted("lstm", at, added()), &["added cannot", "a softmax before the head"]);
        }
        assert_refused(inserted("lstm", 4, added()), &["added cannot", "a softmax behind another"]);
        // Where the head is linear, one is what makes probabilities of its answers.
        inserted("gru_after", 3, added()).unwrap();
    }
    for name in ["relu", "tanh", "sigmoid", "mine>softmax"] {
        for at in [1, 2, 4] {
            let added = layer("Activation", json!({ "activation": name }));
            let expected = if name == "mine>softmax" { "its activation is mine>softmax" } else { "none is expected" };
            assert_refused(inserted("lstm", at, added), &["added cannot", expected]);
        }
    }
    // What changes nothing may stand anywhere.
    for at in [1, 2, 3, 4] {
        inserted("lstm", at, layer("Activation", json!({ "activation": "linear" }))).unwrap();
    }
}

#[test]
fn what_is_registered_as_the_users_own_is_refused() {
    let at = |at: usize, key: &str, value: Value| with("lstm", &format!("/config/layers/{at}/{key}"), value);
    for place in [1, 3] {
        for name in ["mine>LSTM", "Custom>Dense", "LSTM2"] {
            assert_refused(at(place, "registered_name", json!(name)), &["of the user's own", name, "ONNX"]);
        }
        for module in [json!("__main__"), json!("keras_hub.layers"), json!("builtins"), json!(null)] {
            assert_refused(at(place, "module", module), &["of the user's own"]);
        }
        at(place, "module", json!("keras.src.layers.rnn.lstm")).unwrap();
    }
    // A function that Keras has under the same name.
    let own =
        json!({ "module": "builtins", "class_name": "function", "config": "tanh", "registered_name": "function" });
    assert_refused(at(1, "config/activation", own.clone()), &["its activation is tanh, a function of the user's own"]);
    assert_refused(
        at(1, "config/recurrent_activation", own.clone()),
        &["its recurrent_activation is tanh, a function"],
    );
    assert_refused(at(3, "config/activation", own), &["dense cannot", "a function of the user's own"]);
    let layer = json!({ "module": "keras.layers", "class_name": "LeakyReLU", "config": { "negative_slope": 0.3 } });
    assert_refused(at(1, "config/activation", layer), &["its activation is a layer, LeakyReLU"]);
    // Inside another layer.
    let inside = with("bidirectional", "/config/layers/1/config/layer/registered_name", json!("mine>GRU"));
    assert_refused(inside, &["bidirectional cannot", "of its layer", "mine>GRU"]);
}

#[test]
fn options_that_are_not_known_are_refused() {
    for (case, place, class) in [
        ("lstm", "/config/layers/1", "LSTM"),
        ("lstm", "/config/layers/2", "Dropout"),
        ("lstm", "/config/layers/3", "Dense"),
        ("bidirectional", "/config/layers/1", "Bidirectional"),
        ("bidirectional", "/config/layers/1/config/layer", "GRU"),
        ("stack", "/config/layers/4/config/layer", "Dense"),
        ("tagger", "/config/layers/1", "Embedding"),
    ] {
        for value in [json!(null), json!(false), json!(1.5)] {
            let result = with(case, &format!("{place}/config/zoneout"), value.clone());
            assert_refused(
                result,
                &["its option zoneout", &value.to_string(), &format!("of a {class} of Keras 2 or 3")],
            );
        }
    }
    let of_dense = |key: &str, value: Value| with("lstm", &format!("/config/layers/3/config/{key}"), value);
    let policy = json!({ "module": "keras", "class_name": "QuantizedDTypePolicy", "config": { "mode": "int8" } });
    assert_refused(of_dense("dtype", policy), &["dense cannot", "its dtype is", "before it is quantized"]);
    assert_refused(of_dense("dtype", json!("int8_from_float32")), &["its dtype is \"int8_from_float32\""]);
    assert_refused(of_dense("quantization_config", json!({ "bits": 8 })), &["its quantization_config is"]);
    assert_refused(of_dense("lora_rank", json!(4)), &["its lora_rank is 4", "without lora_rank"]);
    let of_lstm = |key: &str, value: Value| with("lstm", &format!("/config/layers/1/config/{key}"), value);
    assert_refused(of_lstm("time_major", json!(true)), &["its time_major is true; expected false"]);
    let input = |key: &str| with("lstm", &format!("/config/layers/0/config/{key}"), json!(true));
    assert_refused(input("ragged"), &["its ragged is true; expected false"]);
    assert_refused(input("sparse"), &["its sparse is true; expected false"]);
    // Of training, or of how the same is computed.
    for (key, value) in [
        ("unroll", json!(true)),
        ("implementation", json!(1)),
        ("zero_output_for_mask", json!(true)),
        ("seed", json!(3)),
        ("quantization_config", json!(null)),
    ] {
        if key != "quantization_config" {
            of_lstm(key, value).unwrap();
        } else {
            of_dense(key, value).unwrap();
        }
    }
    for key in ["kernel_regularizer", "recurrent_constraint", "activity_regularizer"] {
        let l2 = json!({ "module": "keras.regularizers", "class_name": "L2", "config": { "l2": 0.1 } });
        let notes = of_lstm(key, l2).unwrap().report.notes.join("\n");
        assert!(notes.contains(&format!("lstm has a {key}, which acts in training alone, and is left out")), "{notes}");
    }
}

#[test]
fn layers_of_training_change_nothing() {
    for (class, config) in [
        ("GaussianNoise", json!({ "stddev": 0.5, "seed": null })),
        ("GaussianDropout", json!({ "rate": 0.5, "seed": null })),
        ("AlphaDropout", json!({ "rate": 0.5, "seed": null, "noise_shape": null })),
        ("ActivityRegularization", json!({ "l1": 0.5, "l2": 0.0 })),
    ] {
        for at in [1, 2, 4] {
            let notes = inserted("lstm", at, layer(class, config.clone())).unwrap().report.notes.join("\n");
            assert!(notes.contains("added acts in training alone, and is left out"), "{notes}");
        }
    }
    inserted("lstm", 1, layer("Identity", json!({}))).unwrap();
    // One axis of numbers is one axis of numbers; all steps side by side are another input.
    inserted("lstm", 2, layer("Flatten", json!({ "data_format": "channels_last" }))).unwrap();
    assert_refused(inserted("lstm", 1, layer("Flatten", json!({}))), &["added cannot", "all steps side by side"]);
    assert_refused(inserted("tagger", 3, layer("Flatten", json!({}))), &["added cannot", "return_sequences=False"]);
}

/// A model in a model is its layers.
#[test]
fn models_inside_models_are_read() {
    let answers = golden_model("keras.safetensors");
    for inner in ["lstm", "layers"] {
        let mut archive = archive("lstm");
        let layers = archive.config["config"]["layers"].as_array_mut().unwrap();
        let nested: Vec<Value> = layers.drain(1..3).collect();
        let config = json!({ "name": inner, "trainable": true, "layers": nested });
        layers.insert(
            1,
            json!({ "module": "keras", "class_name": "Sequential", "config": config, "registered_name": null }),
        );
        let moved = |name: &String| name.replace("layers/lstm/", "layers/sequential/layers/lstm/");
        archive.arrays = archive.arrays.iter().map(|(name, array)| (moved(name), array.clone())).collect();
        let imported = keras::import(&archive, &Hints::default()).unwrap();
        assert_agrees(&answers, "lstm", &imported, true);
        assert!(text(&imported.report).contains("layers/sequential/layers/lstm/cell/vars/0 [5, 28] →"));
        archive.config["config"]["layers"][1]["registered_name"] = json!("mine>Encoder");
        assert_refused(keras::import(&archive, &Hints::default()), &[inner, "of the user's own"]);
    }
}

/// What is called twice, at random, on a mask or a state of the user's, or with what nobody knows.
#[test]
fn calls_that_are_not_known_are_refused() {
    let call = |layer: usize, key: &str, value: Value| {
        with("functional", &format!("/config/layers/{layer}/inbound_nodes/0/kwargs/{key}"), value)
    };
    let tensor = |of: &str| json!({ "class_name": "__keras_tensor__", "config": { "keras_history": [of, 0, 0] } });
    assert_refused(call(4, "training", json!(true)), &["lower cannot", "training=True"]);
    assert_refused(call(4, "mask", tensor("input_layer")), &["lower cannot", "a mask of the user's own"]);
    assert_refused(call(4, "constants", json!([1])), &["lower cannot", "more than the output of one layer"]);
    assert_refused(call(4, "scale", json!(2)), &["lower cannot", "called with scale = 2"]);
    // A mask of another value than the layer's.
    let not_equal = with("functional", "/config/layers/1/inbound_nodes/0/args", json!([tensor("input_layer"), 1.0]));
    assert_refused(not_equal, &["a mask of the user's own"]);
    let any = with("functional", "/config/layers/3/config/axis", json!(1));
    assert_refused(any, &["a mask of the user's own"]);
    // Two calls of one layer.
    let mut archive = archive("functional");
    let nodes = archive.config.pointer_mut("/config/layers/4/inbound_nodes").unwrap().as_array_mut().unwrap();
    nodes.push(nodes[0].clone());
    assert_refused(keras::import(&archive, &Hints::default()), &["lower cannot", "each of them used in one place"]);
}

/// By case, what the head predicts, and whether Keras answers with probabilities of classes.
fn layers() -> [(&'static str, Predicts, Reads); 7] {
    let values = |outputs, link| Predicts::Values(Values::new(outputs, link));
    [
        ("dense_everywhere", Predicts::Classes(4), Reads::LastState),
        ("normalised", Predicts::Classes(4), Reads::LastState),
        ("regression", values(1, Link::Identity), Reads::LastState),
        ("binary", values(1, Link::Sigmoid), Reads::Mean),
        ("maximum", values(3, Link::Identity), Reads::Max),
        ("sum_of_states", values(3, Link::Identity), Reads::LastState),
        ("nested", Predicts::Classes(4), Reads::EveryStep),
    ]
}

/// Our answers as Keras gives them, beside what Keras gave.
fn assert_answers(answers: &crate::support::Arrays, case: &str, imported: &Imported) {
    let head = imported.model.head();
    match head.predicts {
        Predicts::Values(Values { link: Link::Sigmoid, .. }) => {
            // From the probabilities back to what they come of.
            let logits = |x: &f32| (x / (1.0 - x)).ln();
            let mut answers = answers.clone();
            answers.get_mut(&format!("{case}/outputs")).unwrap().data.iter_mut().for_each(|x| *x = logits(x));
            assert_agrees(&answers, case, imported, false);
        }
        _ => assert_agrees(answers, case, imported, head.classes().is_some()),
    }
}

#[test]
fn layers_beside_the_recurrent_ones_answer_as_they_did() {
    let answers = golden_model("keras_layers.safetensors");
    for (case, predicts, reads) in layers() {
        let imported = import(&format!("layers_{case}"));
        assert_eq!((&imported.model.head().predicts, imported.model.head().reads), (&predicts, reads), "{case}");
        assert_answers(&answers, case, &imported);
        assert_eq!(imported.report.compared.unwrap().batches, 6, "{case}");
    }
}

#[test]
fn whole_models_of_keras_2_answer_as_they_did() {
    let answers = golden_model("keras2.safetensors");
    for case in ["nested", "binary", "maximum"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../golden/models/keras2_{case}.h5"));
        let file = elman::formats::hdf5::read(&path).unwrap();
        let imported = keras::import_hdf5(&file, &Hints::default()).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_answers(&answers, case, &imported);
        assert!(text(&imported.report).contains("model_weights/"), "{case}");
        // Without its configuration, and without the weights of it.
        let mut bare = file.clone();
        bare.attributes.get_mut("").unwrap().remove("model_config");
        let message = refusal(keras::import_hdf5(&bare, &Hints::default()));
        assert!(message.contains("without its configuration, the attribute model_config"), "{message}");
        let mut bare = file;
        bare.arrays.pop_first();
        refusal(keras::import_hdf5(&bare, &Hints::default()));
    }
}

/// Recurrent layers with other functions, as each version computes them; and back to Keras 3, the same arrays.
#[test]
fn functions_of_cells_answer_as_they_did() {
    let answers = golden_model("keras_gates.safetensors");
    for case in ["relu", "hard", "gru", "rnn"] {
        for (version, outputs) in [("3.15.1", "outputs"), ("2.15.0", "outputs2")] {
            let mut archive = archive(&format!("gates_{case}"));
            archive.metadata = json!({ "keras_version": version });
            let imported = keras::import(&archive, &Hints::default()).unwrap_or_else(|error| panic!("{case}: {error}"));
            let mut answers = answers.clone();
            let expected = answers[&format!("{case}/{outputs}")].clone();
            answers.insert(format!("{case}/outputs"), expected);
            assert_agrees(&answers, case, &imported, false);
            assert_eq!(imported.report.compared.unwrap().batches, 6, "{case}");
            let exported = keras::export(&imported.model);
            if version == "3.15.1" {
                let back = exported.unwrap().0;
                for layer in ["activation", "recurrent_activation"] {
                    let at = format!("/layers/1/config/{layer}");
                    let of = |config: &Value| config["config"].pointer(&at).or(config.pointer(&at)).cloned();
                    assert_eq!(of(&back.config), of(&archive.config), "{case}");
                }
                let again = keras::import(&back, &Hints::default()).unwrap();
                assert_same(case, &again.model, &imported.model);
            } else if case != "relu" {
                let message = exported.unwrap_err().to_string();
                assert!(message.contains("hard_sigmoid_keras2") && message.contains("0.2 a + 1/2"), "{message}");
            }
        }
    }
}

/// A function that the two versions compute differently is taken as that of the file.
#[test]
fn hard_sigmoid_is_that_of_the_version() {
    let of = |version: &str| {
        let mut archive = archive("layers_maximum");
        archive.metadata = json!({ "keras_version": version });
        keras::import(&archive, &Hints::default()).unwrap().model.head().hidden[0].activation
    };
    assert_eq!(of("3.15.1"), Nonlinearity::HardSigmoid(1.0 / 6.0));
    assert_eq!(of("2.15.0"), Nonlinearity::HardSigmoid(0.2));
}

#[test]
fn two_or_more_linear_outputs_are_values_unless_the_file_says_classes() {
    let predicts = |loss: Value| {
        with("gru_after", "/compile_config", json!({ "loss": loss })).unwrap().model.head().predicts.clone()
    };
    let values = Predicts::Values(Values::new(4, Link::Identity));
    for loss in [json!(null), json!("mse"), json!({ "class_name": "MeanSquaredError" })] {
        assert_eq!(predicts(loss), values);
    }
    for loss in [
        json!("sparse_categorical_crossentropy"),
        json!("categorical_crossentropy"),
        json!({ "class_name": "SparseCategoricalCrossentropy", "config": { "from_logits": true } }),
    ] {
        assert_eq!(predicts(loss), Predicts::Classes(4));
    }
    let notes = import("gru_after").report.notes.join("\n");
    assert!(
        notes.contains("dense has 4 outputs without an activation, taken for values; if they are logits"),
        "{notes}"
    );
    assert_refused(with("lstm", "/config/layers/3/config/units", json!(1)), &["layers/dense/vars/0"]);
}

/// A normalisation over another axis, of another kind, or where no layer here can stand.
#[test]
fn normalisations_and_pooling_that_are_not_computed_are_refused() {
    let norm = |place: usize, key: &str, value: Value| {
        with("layers_normalised", &format!("/config/layers/{place}/config/{key}"), value)
    };
    for axis in [json!(1), json!([1]), json!([1, 2])] {
        assert_refused(
            norm(2, "axis", axis.clone()),
            &["batch_normalization cannot", "its axis is", "that of the features"],
        );
        assert_refused(norm(4, "axis", axis), &["layer_normalization cannot", "its axis is"]);
    }
    assert_refused(norm(4, "rms_scaling", json!(true)), &["its rms_scaling is true; expected false"]);
    assert_refused(norm(2, "renorm", json!(true)), &["its renorm is true; expected false"]);
    assert_refused(norm(1, "variance", json!(null)), &["one of mean and variance"]);
    assert_refused(norm(1, "mean", json!([1.0, 2.0])), &["numbers for 2 features; expected 5"]);
    let pool = |key: &str, value: Value| with("layers_maximum", &format!("/config/layers/2/config/{key}"), value);
    assert_refused(pool("keepdims", json!(true)), &["its keepdims is true; expected false"]);
    assert_refused(pool("data_format", json!("channels_first")), &["its data_format is", "channels_last"]);
    let pooled = || layer("GlobalAveragePooling1D", json!({ "keepdims": false }));
    assert_refused(inserted("layers_maximum", 3, pooled()), &["added cannot", "there are no steps before it"]);
    assert_refused(inserted("lstm", 2, pooled()), &["added cannot", "there are no steps before it"]);
    let norm = || layer("LayerNormalization", json!({ "axis": -1, "epsilon": 1e-3 }));
    assert_refused(inserted("bidirectional", 2, norm()), &["added cannot", "two directions"]);
    assert_refused(inserted("layers_maximum", 3, norm()), &["added cannot", "all steps together"]);
    // A mask that a maximum does not know: the rows' ends count there.
    let mut masked = archive("layers_binary");
    masked.config["config"]["layers"][3]["class_name"] = json!("GlobalMaxPooling1D");
    masked.config["config"]["layers"][2]["config"]["layer"]["config"]["zero_output_for_mask"] = json!(true);
    masked.config["config"]["layers"][2]["config"]["backward_layer"]["config"]["zero_output_for_mask"] = json!(true);
    assert_refused(
        keras::import(&masked, &Hints::default()),
        &["it computes something else here than by its equations"],
    );
}

/// Convolutions and pooling before the recurrent layers, with what Keras folds into them.
#[test]
fn layers_on_windows_answer_as_they_did() {
    let answers = golden_model("keras_windows.safetensors");
    let same = Padding::Same;
    for (case, windows) in [
        ("pooled", vec![Window::new(3), Window::new(2).stride(2), Window::new(2).padding(Padding::Causal)]),
        ("strided", vec![Window::new(5).stride(3).padding(same), Window::new(2)]),
        ("tokens", vec![Window::new(3).dilation(2), Window::new(3).stride(2).padding(same)]),
    ] {
        let imported = import(&format!("windows_{case}"));
        let layers = &imported.model.stack().layers;
        assert_eq!(layers.iter().filter_map(|layer| layer.window).collect::<Vec<_>>(), windows, "{case}");
        assert_eq!(layers.len(), windows.len() + 1, "{case}: what stands behind a convolution is folded into it");
        assert_answers(&answers, case, &imported);
        assert_eq!(imported.report.compared.unwrap().batches, 6, "{case}");
    }
}

/// A number of a kernel, an option of a window: each is seen by the equations.
#[test]
fn windows_that_differ_are_seen() {
    let convolution = |case: &str, place: &str, value: Value| {
        let mut archive = archive(case);
        *archive.config.pointer_mut(place).unwrap() = value;
        keras::import(&archive, &Hints::default())
    };
    let first = "/config/layers/1/config";
    for (option, value, words) in [
        ("padding", json!("reflect"), &["its padding is reflect; expected valid or same or causal"][..]),
        ("groups", json!(5), &["it has several groups of features; expected 1"]),
        ("kernel_size", json!([4]), &["layers/conv1d/vars/0", "it has shape [3, 5, 6]; expected [4, I, O]"]),
        ("kernel_size", json!([]), &["its kernel_size is []; expected a number of steps"]),
        ("strides", json!([5000]), &["stride is 5000"]),
        ("data_format", json!("channels_first"), &["its data_format is", "channels_last: steps first"]),
        ("filters", json!(7), &["it has shape [15, 6]; expected [15, 7]"]),
    ] {
        assert_refused(convolution("windows_pooled", &format!("{first}/{option}"), value), words);
    }
    // Another function of the same arrays: taken as what the file now says.
    for (option, value) in [("strides", json!([2])), ("padding", json!("same"))] {
        assert!(convolution("windows_pooled", &format!("{first}/{option}"), value).is_ok(), "{option}");
    }
    let pool = "/config/layers/4/config/padding";
    assert_refused(convolution("windows_strided", pool, json!("same")), &["Keras divides by the steps that are there"]);
    let mut masked = archive("windows_tokens");
    *masked.config.pointer_mut("/config/layers/1/config/mask_zero").unwrap() = json!(true);
    assert_refused(keras::import(&masked, &Hints::default()), &["conv1d", "Keras drops the mask there"]);
    let late = inserted("windows_pooled", 5, layer("MaxPooling1D", json!({ "pool_size": [2] })));
    assert_refused(late, &["there are no steps before it"]);
}

/// To Keras and back, with our configuration and without: the same in every bit.
#[test]
fn layers_beside_the_recurrent_ones_come_back() {
    let phi = Nonlinearity::Relu;
    let both = |merge| Layer::new(Gru::new(3, 4)).bidirectional(merge);
    let steps = Stack::new(StepScale::new(3)).then(StepDense::new(3, 5).activation(Nonlinearity::Mish));
    let steps = steps.then(StepNorm::new(5).epsilon(1e-3)).then(Lstm::new(5, 4));
    let cases: Vec<(&str, Stack, Head)> = vec![
        ("steps", steps.clone(), Head::last_state(3).hidden(6, phi).hidden(4, Nonlinearity::Gelu)),
        ("norm behind", steps.clone().then(StepNorm::new(4).epsilon(1e-3)), Head::values(1, Link::Identity)),
        ("every step", steps.clone(), Head::every_step(3).hidden(6, phi)),
        (
            "constants",
            steps.clone(),
            Head::last_state(3).hidden(4, Nonlinearity::LeakyRelu(0.01)).hidden(4, Nonlinearity::Elu(0.5)),
        ),
        ("mean", both(Merge::Average).into(), Head::values(2, Link::Sigmoid).reads(Reads::Mean)),
        ("max", both(Merge::Sum).into(), Head::last_state(3).reads(Reads::Max)),
        ("product", both(Merge::Multiply).into(), Head::values(1, Link::Sigmoid)),
        (
            "windows",
            Stack::new(
                Conv1d::new(3, 5, 4).padding(Padding::Causal).dilation(2).activation(Nonlinearity::LeakyRelu(0.01)),
            )
            .then(max_pool_1d(5, 3))
            .then(Conv1d::new(5, 4, 3).stride(2).padding(Padding::Same).activation(Nonlinearity::Relu))
            .then(mean_pool_1d(4, 2))
            .then(Layer::new(StepPool::max(4, 2)).window(Window::new(2).padding(Padding::Same)))
            .then(Lstm::new(4, 5)),
            Head::last_state(3),
        ),
    ];
    for (name, stack, head) in cases {
        let model = model(stack, head);
        let (archive, given) = keras::export(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(given.verdict(), Verdict::Exact, "{name}");
        let back = keras::import(&archive, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_same(name, &back.model, &model);
        let plain = Archive { metadata: json!({}), ..archive };
        let again = keras::import(&plain, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_same(name, &again.model, &model);
    }
    // What is folded without our configuration is kept with it.
    let folded =
        Stack::new(StepDense::new(3, 5)).then(StepScale::new(5)).then(Lstm::new(5, 4)).then(StepDense::new(4, 4));
    let model = model(folded, Head::last_state(3));
    let (archive, _) = keras::export(&model).unwrap();
    assert_same("folded", &keras::import(&archive, &Hints::default()).unwrap().model, &model);
    let plain = Archive { metadata: json!({}), ..archive };
    assert_eq!(keras::import(&plain, &Hints::default()).unwrap().model.stack().layers.len(), 2);
}

#[test]
fn what_keras_has_no_layer_for_is_refused() {
    let refused = |stack: Stack, head: Head, expected: &str| {
        let message = refusal(keras::export(&model(stack, head)));
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    };
    let both = Stack::new(Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Concat)).then(StepNorm::new(8));
    refused(both, Head::last_state(3), "layer 1, on the last step of two directions");
    refused(Stack::new(StepDense::new(3, 4)), Head::last_state(3), "the last state without a recurrent layer");
    let ends = Padding::Ends { before: 1, after: 0 };
    for (layer, expected) in [
        (
            Conv1d::new(3, 4, 3).padding(ends).into(),
            "layer 0 cannot be given to Keras: it pads 1 steps in front and 0 behind",
        ),
        (Conv1d::new(3, 4, 3).stride(2).dilation(2).into(), "a Conv1D of Keras has one of them"),
        (Layer::new(Rnn::new(6, 4)).window(Window::new(2)), "no layer of Keras but a Conv1D"),
        (
            Layer::new(StepPool::mean(3, 2)).window(Window::new(2).padding(Padding::Same)),
            "the pooling in layer 0 cannot be given to Keras: its mean counts zeros",
        ),
        (
            Layer::new(StepPool::max(3, 2)).window(Window::new(2).padding(Padding::Causal)),
            "Keras has no causal pooling",
        ),
        (Layer::new(StepPool::max(3, 2)).window(Window::new(2).dilation(2)), "Keras pools those that do"),
    ] {
        let width = Layer::output(&layer);
        refused(Stack::new(layer).then(Gru::new(width, 4)), Head::last_state(3), expected);
    }
    let attends = Head::last_state(3).reads(Reads::Attention);
    refused(Stack::new(Gru::new(3, 4)), attends, "a head that reads the steps by attention");
    for phi in [Nonlinearity::GeluTanh, Nonlinearity::HardSigmoid(0.2)] {
        refused(Stack::new(Lstm::new(3, 4)), Head::last_state(3).hidden(4, phi), "Keras has no activation");
    }
}

/// Layers that are none of the network's take memory and time all the same while the equations run.
#[test]
fn more_layers_than_a_model_has_are_refused() {
    let many = |layer: &Value, count: usize| {
        let mut archive = archive("rnn_relu");
        let layers = archive.config.pointer_mut("/config/layers").and_then(Value::as_array_mut).unwrap();
        let name = |number: usize| format!("more_{number}");
        for number in 0..count {
            let mut layer = layer.clone();
            layer["config"]["name"] = name(number).into();
            layers.insert(layers.len() - 1, layer);
        }
        let own = layers.len() - count;
        (keras::import(&archive, &Hints::default()), own)
    };
    let identity = json!({ "class_name": "Identity", "config": {} });
    let dropout = json!({ "class_name": "Dropout", "config": { "rate": 0.5 } });
    let rescaling = json!({ "class_name": "Rescaling", "config": { "scale": 1.0, "offset": 0.0 } });
    let nested = json!({ "class_name": "Sequential", "config": { "layers": [identity] } });
    for layer in [identity, dropout, rescaling, nested] {
        let (few, own) = many(&layer, 8);
        few.unwrap_or_else(|error| panic!("{layer}: {error}"));
        let most = 256;
        assert!(many(&layer, most - own).0.is_ok(), "{layer}");
        let message = refusal(many(&layer, most - own + 1).0);
        assert!(message.contains("it has 257 layers; expected at most 256: leave out"), "{message}");
    }
}
