//! Models from TensorFlow 1 and for it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::exchange::{assert_agrees, assert_same, golden_model, refusal, shaken, text};
use crate::support::models::{model, models};
use elman::formats::numpy::{self, Array, Values};
use elman::formats::tensorflow as tensorflow_file;
use elman::{Activation, AnyCell, Gru, Head, IndRnn, Layer, Lstm, Merge, Reads, Reset, Rnn, Stack};
use elman_exchange::{Error, Hints, Imported, Verdict, tensorflow};

type Variables = BTreeMap<String, Array>;

fn variables(case: &str) -> Variables {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../golden/models/tensorflow_{case}.npz"));
    numpy::read_npz(&path).unwrap()
}

fn import(case: &str, hints: &Hints) -> Imported {
    tensorflow::import(&variables(case), hints).unwrap_or_else(|error| panic!("{case}: {error}"))
}

#[test]
fn models_of_tensorflow_answer_as_they_did() {
    let answers = golden_model("tensorflow.safetensors");
    let plain = Hints::default();
    let relu = Hints { activation: Some(Activation::Relu), ..Hints::default() };
    let half = Hints { forget_bias: Some(0.5), ..Hints::default() };
    let every_step = Hints { reads: Some(Reads::EveryStep), ..Hints::default() };
    let residual = Stack::new(Lstm::new(5, 7))
        .then(Gru::new(7, 6).reset(Reset::Before))
        .then(Layer::new(Rnn::new(6, 6)).residual(true));
    let like = Hints { like: Some(model(residual, 4).config()), ..Hints::default() };
    for (case, hints) in [
        ("tutorial", &plain),
        ("rnn_relu", &relu),
        ("lstm", &half),
        ("lstm_options", &plain),
        ("gru", &plain),
        ("multi", &like),
        ("bidirectional", &plain),
        ("tagger", &every_step),
    ] {
        assert_agrees(&answers, case, &import(case, hints), false);
    }
}

#[test]
fn a_report_names_every_variable() {
    let expected = "\
rnn/lstm_cell/kernel:0 [8, 28] → layers.0.kernel [5, 28], layers.0.recurrent_kernel [3, 28]: split, gates i j f o → i f g o
rnn/lstm_cell/bias:0 [28] → layers.0.bias [28]: gates i j f o → i f g o, 1 added to the forget gate's bias
rnn/lstm_cell/projection/kernel:0 [7, 3] → layers.0.projection [7, 3]:
rnn/lstm_cell/w_i_diag:0 [7], rnn/lstm_cell/w_f_diag:0 [7], rnn/lstm_cell/w_o_diag:0 [7] → layers.0.peepholes [3, 7]: joined
dense/kernel:0 [3, 4] → head.kernel [3, 4]:
dense/bias:0 [4] → head.bias [4]:
- a file of variables does not say the forget_bias that TensorFlow adds while it runs: 1 was taken; give --forget-bias otherwise
- a file of variables does not say whether an LSTM clips its cell or its projection: none was taken to; give --like with a model that does otherwise
- a file of variables does not say what the head reads: the last state was taken; give --reads every-step otherwise
every number is there: some are sums of two, rounded once
";
    assert_eq!(text(&import("lstm_options", &Hints::default()).report), expected);
}

#[test]
fn what_variables_do_not_say_is_noted() {
    let notes = |case: &str, hints: &Hints| import(case, hints).report.notes.join("\n");
    let plain = Hints::default();
    let tutorial = notes("tutorial", &plain);
    let adam = "dense/bias/Adam, dense/bias/Adam_1, dense/kernel/Adam, dense/kernel/Adam_1, global_step";
    assert!(tutorial.contains("variables of training are left out: beta1_power, beta2_power, "), "{tutorial}");
    assert!(tutorial.contains(adam), "{tutorial}");
    assert!(tutorial.contains("tanh was taken; give --activation relu otherwise"), "{tutorial}");
    assert!(notes("gru", &plain).contains("dense/kernel:0 has no bias: zeros were taken"));
    let multi = notes("multi", &plain);
    assert!(multi.contains("ResidualWrapper") && !multi.contains("order of their names"), "{multi}");
    assert!(notes("tagger", &Hints { reads: Some(Reads::EveryStep), ..plain }).contains("their names: first, second"));
    let both = notes("bidirectional", &Hints::default());
    assert!(both.contains("the head reads the last states of both directions side by side"), "{both}");
}

#[test]
fn every_model_that_tensorflow_expresses_comes_back_bit_for_bit() {
    // The others are refused, each by the first thing that TensorFlow has not.
    let after = "a GRU whose reset gate acts after the product in layer";
    let refused = [
        ("rnn noise", "zoneout in layer 0".to_owned()),
        ("lstm coupled", "an LSTM with coupled gates in layer 0".into()),
        ("lstm coupled peepholes", "an LSTM with coupled gates in layer 0".into()),
        ("lstm layer norm", "layer normalisation in layer 0".into()),
        ("lstm layer norm and all", "an LSTM with coupled gates in layer 0".into()),
        ("lstm noise", "zoneout in layer 0".into()),
        ("lstm noise and all", "an LSTM with coupled gates in layer 0".into()),
        ("gru of one", format!("{after} 0")),
        ("gru", format!("{after} 0")),
        ("gru layer norm", format!("{after} 0")),
        ("gru before layer norm", "layer normalisation in layer 0".into()),
        ("gru noise", format!("{after} 0")),
        ("gru before noise", "zoneout in layer 0".into()),
        ("rnn sigmoid", "the activation sigmoid in layer 0".into()),
        ("rnn hard sigmoid", "the activation hard_sigmoid in layer 0".into()),
        ("lstm relu", "the activation relu in layer 0".into()),
        ("lstm hard gates and all", "the activation sigmoid in layer 0".into()),
        ("gru hard gates", "the recurrent activation hard_sigmoid_keras2 in layer 0".into()),
        ("gru before linear", "the activation linear in layer 0".into()),
        ("mixed", format!("{after} 1")),
        ("residual", format!("{after} 0")),
        ("tokens", format!("{after} 0")),
        ("both sum", format!("{after} 0")),
        ("both stacked", format!("{after} 1")),
        ("both summed", format!("{after} 0")),
        ("alike", format!("{after} 0")),
    ];
    let all = models();
    let expressed = all.iter().filter(|(name, _)| refused.iter().all(|(of, _)| of != name)).count();
    assert_eq!(expressed, 3 * (42 - refused.len()));
    for (name, model) in all {
        if let Some((_, what)) = refused.iter().find(|(of, _)| *of == name) {
            let message = refusal(tensorflow::export(&model));
            assert!(message.starts_with(&format!("{what} cannot be given to TensorFlow 1: ")), "{name}: {message}");
            continue;
        }
        let (file, given) = tensorflow::export(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
        let back = tensorflow::import(&file, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_same(name, &back.model, &model);
        assert_eq!((given.verdict(), back.report.verdict()), (Verdict::Exact, Verdict::Exact), "{name}");
    }
}

/// Two directions that are added, residual layers and stacks in both directions, none of which is in `models` without a GRU
/// that resets after the product.
#[test]
fn stacks_in_both_directions_come_back() {
    let gru = |input| Gru::new(input, 4).reset(Reset::Before);
    let stack = Stack::new(Layer::new(gru(3)).bidirectional(Merge::Sum))
        .then(Layer::new(gru(4)).bidirectional(Merge::Sum).residual(true))
        .then(Layer::new(Lstm::new(4, 3)).bidirectional(Merge::Concat))
        .then(Lstm::new(6, 5).projection(2).projection_clip(0.5))
        .embedding(9);
    for head in [Head::last_state(3), Head::every_step(3)] {
        let model = model(stack.clone(), head);
        let (mut file, report) = tensorflow::export(&model).unwrap();
        let expected = "the graph has embedding [9, 3], in the scope layer_0 bidirectional_dynamic_rnn of two GRUCell(4), \
                        their outputs added, in the scope layer_1 bidirectional_dynamic_rnn of two GRUCell(4), their outputs \
                        added and its input added to them, in the scope layer_2 bidirectional_dynamic_rnn of two LSTMCell(3, \
                        forget_bias=0.0), their outputs side by side, in the scope layer_3 dynamic_rnn of LSTMCell(5, \
                        num_proj=2, proj_clip=0.5, forget_bias=0.0); layers.dense to 3 reads ";
        assert!(report.notes[0].starts_with(expected), "{}", report.notes[0]);
        assert_same("both", &tensorflow::import(&file, &Hints::default()).unwrap().model, &model);
        // Without our configuration the sizes alone tell how directions are merged.
        file.remove("elman").unwrap();
        let hints = Hints { forget_bias: Some(0.0), reads: Some(model.head().reads), ..Hints::default() };
        let alone = tensorflow::import(&file, &hints).unwrap().model;
        let merges: Vec<_> = alone.stack().layers.iter().map(|layer| layer.bidirectional).collect();
        assert_eq!(merges, [Some(Merge::Sum), Some(Merge::Sum), Some(Merge::Concat), None]);
    }
}

#[test]
fn an_export_says_how_its_graph_is_made() {
    let stack = Stack::new(Layer::new(Lstm::new(3, 4).peepholes(true).cell_clip(2.0)).dropout(0.5))
        .then(Layer::new(Gru::new(4, 4).reset(Reset::Before)).residual(true))
        .then(Rnn::new(4, 5).activation(Activation::Relu));
    let (file, report) = tensorflow::export(&model(stack, 3)).unwrap();
    assert_eq!(
        report.notes,
        [
            "the graph has dynamic_rnn of MultiRNNCell([LSTMCell(4, use_peepholes=True, cell_clip=2, forget_bias=0.0), \
             ResidualWrapper(GRUCell(4)), BasicRNNCell(5, activation=tf.nn.relu)]); layers.dense to 3 reads the last state \
             h of the last layer",
            "the forget gate's bias is in the variables: cells are made with forget_bias=0.0, and what they are \
             trained to comes back with --forget-bias 0",
            "masks of training are left out, they change no answer: dropout 0.5 of layer 0",
        ]
    );
    let names: Vec<&str> = file.keys().map(String::as_str).collect();
    let expected = [
        "dense/bias:0",
        "dense/kernel:0",
        "elman",
        "rnn/multi_rnn_cell/cell_0/lstm_cell/bias:0",
        "rnn/multi_rnn_cell/cell_0/lstm_cell/kernel:0",
        "rnn/multi_rnn_cell/cell_0/lstm_cell/w_f_diag:0",
        "rnn/multi_rnn_cell/cell_0/lstm_cell/w_i_diag:0",
        "rnn/multi_rnn_cell/cell_0/lstm_cell/w_o_diag:0",
        "rnn/multi_rnn_cell/cell_1/gru_cell/candidate/bias:0",
        "rnn/multi_rnn_cell/cell_1/gru_cell/candidate/kernel:0",
        "rnn/multi_rnn_cell/cell_1/gru_cell/gates/bias:0",
        "rnn/multi_rnn_cell/cell_1/gru_cell/gates/kernel:0",
        "rnn/multi_rnn_cell/cell_2/basic_rnn_cell/bias:0",
        "rnn/multi_rnn_cell/cell_2/basic_rnn_cell/kernel:0",
    ];
    assert_eq!(names, expected);
}

fn array(shape: &[usize]) -> Array {
    Array { shape: shape.to_vec(), values: Values::F32(vec![0.5; shape.iter().product()]) }
}

/// With an array more, or without one, or with one changed.
fn changed(case: &str, change: impl FnOnce(&mut Variables)) -> Result<Imported, Error> {
    let mut variables = variables(case);
    change(&mut variables);
    tensorflow::import(&variables, &Hints::default())
}

#[test]
fn variables_that_do_not_fit_are_named() {
    let put = |name: &'static str, shape: &'static [usize]| {
        move |variables: &mut Variables| drop(variables.insert(name.into(), array(shape)))
    };
    let without = |name: &'static str| move |variables: &mut Variables| drop(variables.remove(name));
    let check = |result: Result<Imported, Error>, parts: &[&str]| {
        let message = refusal(result);
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    };
    let lstm = "rnn/basic_lstm_cell/kernel:0";
    check(changed("lstm", put("conv/filters:0", &[3, 3, 1, 8])), &["conv/filters:0 cannot be taken from TensorFlow 1"]);
    check(changed("lstm", put("rnn/basic_lstm_cell/w_extra:0", &[7])), &["rnn/basic_lstm_cell/w_extra:0 cannot"]);
    check(changed("lstm", without(lstm)), &["rnn/basic_lstm_cell/kernel cannot", "it is missing"]);
    check(changed("lstm", without("rnn/basic_lstm_cell/bias:0")), &["rnn/basic_lstm_cell/bias cannot", "missing"]);
    check(changed("lstm", put("rnn/basic_lstm_cell/bias:0", &[30])), &["it has 30 numbers; expected 4 gates"]);
    check(changed("lstm", put(lstm, &[7, 28])), &["it has shape [7, 28]; expected [I + 7, 28]"]);
    check(changed("lstm", put("rnn/basic_lstm_cell/projection/kernel:0", &[6, 3])), &["[6, 3]; expected [7, P]"]);
    check(changed("lstm_options", without("rnn/lstm_cell/w_f_diag:0")), &["w_f_diag cannot", "expected [7]"]);
    check(changed("gru", put("rnn/gru_cell/gates/kernel:0", &[12, 7])), &["it has shape [12, 7]; expected [12, 14]"]);
    check(changed("gru", put("rnn/gru_cell/candidate/bias:0", &[7, 1])), &["[7, 1]; expected a vector"]);
    check(
        changed("multi", put("rnn/multi_rnn_cell/cell_2/basic_rnn_cell/kernel:0", &[13, 6])),
        &["rnn/multi_rnn_cell/cell_2/basic_rnn_cell cannot", "it reads 7 floats", "gives 6"],
    );
    check(
        changed("bidirectional", without("bidirectional_rnn/bw/lstm_cell/bias:0")),
        &["bidirectional_rnn/bw/lstm_cell/bias cannot", "missing"],
    );
    check(
        changed("bidirectional", put("dense/kernel:0", &[7, 4])),
        &["the sum of two directions", "14 floats", "every-step"],
    );
    check(
        changed("lstm", put("dense/kernel:0", &[9, 4])),
        &["one dense layer that reads 7 floats", "dense/kernel:0 [9, 4]"],
    );
    check(tensorflow::import(&Variables::new(), &Hints::default()), &["it has no recurrent cell"]);
}

#[test]
fn types_other_than_numbers_of_a_model_are_refused() {
    let with = |name: &'static str, values| {
        changed("lstm", move |file| drop(file.insert(name.into(), Array { shape: vec![1], values })))
    };
    let message = refusal(with("a:0", Values::F64(vec![0.5])));
    assert_eq!(message, "a:0 cannot be taken from TensorFlow 1: its type is f64; expected f32");
    let message = refusal(with("elman", Values::Text(vec!["{}".into()])));
    assert!(
        message.starts_with("elman cannot be taken from TensorFlow 1: its configuration: missing field"),
        "{message}"
    );
    let two = Values::Text(vec!["a".into(), "b".into()]);
    assert!(refusal(with("elman", two)).contains("its type is text"));
}

/// Our configuration survives the file, with letters that are not ASCII.
#[test]
fn a_file_comes_back() {
    let (_, model) = models().into_iter().find(|(name, _)| *name == "lstm peepholes").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.npz");
    numpy::write_npz(&path, &tensorflow::export(&model).unwrap().0).unwrap();
    let back = tensorflow::import(&numpy::read_npz(&path).unwrap(), &Hints::default()).unwrap();
    assert_same("file", &back.model, &model);
}

#[test]
fn a_forget_bias_that_is_no_number_is_refused() {
    let hints = Hints { forget_bias: Some(f32::NAN), ..Hints::default() };
    let message = tensorflow::import(&variables("lstm"), &hints).unwrap_err().to_string();
    assert_eq!(message, "forget_bias is NaN; expected a finite number");
}

#[test]
fn a_cell_of_ones_own_is_refused() {
    let custom = model(AnyCell::custom(Rnn::new(2, 3)), 2);
    assert!(refusal(tensorflow::export(&custom)).starts_with("a cell of one's own in layer 0"));
    let independent = model(Stack::new(Rnn::new(2, 3)).then(IndRnn::new(3, 3)), 2);
    assert!(
        refusal(tensorflow::export(&independent)).starts_with("an IndRNN in layer 1 cannot be given to TensorFlow 1: ")
    );
}

/// A bias written as a row is one shape away from a model.
#[test]
fn a_bias_of_one_row_is_named() {
    let mut variables = variables("tutorial");
    variables.retain(|name, _| !name.contains("Adam"));
    let classes = variables["dense/bias:0"].shape[0];
    variables.insert("dense/bias:0".into(), array(&[1, classes]));
    let message = refusal(tensorflow::import(&variables, &Hints::default()));
    let expected =
        format!("dense/bias:0 cannot be taken from TensorFlow 1: it has shape [1, {classes}]; expected [{classes}]");
    assert!(message.starts_with(&expected), "{message}");
    let mut variables = self::variables("tutorial");
    let hidden = variables["rnn/basic_rnn_cell/bias:0"].shape[0];
    variables.insert("rnn/basic_rnn_cell/bias:0".into(), array(&[1, hidden]));
    let message = refusal(tensorflow::import(&variables, &Hints::default()));
    assert!(message.contains(&format!("it has shape [1, {hidden}]; expected [{hidden}]")), "{message}");
}

/// A hint that contradicts the file, or that nothing in it could take, is refused.
#[test]
fn hints_that_do_not_apply_are_refused() {
    let refused = |file: &Variables, hints: &Hints, expected: &str| {
        let message = tensorflow::import(file, hints).unwrap_err().to_string();
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    };
    let forget_bias = |value| Hints { forget_bias: Some(value), ..Hints::default() };
    let expected = "forget_bias is 1; expected no such hint: no layer is an LSTM";
    refused(&variables("gru"), &forget_bias(1.0), expected);
    let (own, _) = tensorflow::export(&model(Lstm::new(3, 4), 3)).unwrap();
    refused(&own, &forget_bias(1.0), "forget_bias is 1; expected 0, or no such hint: elman wrote the file");
    tensorflow::import(&own, &forget_bias(0.0)).unwrap();
    let like = Hints { like: Some(model(Lstm::new(3, 4).cell_clip(2.0), 3).config()), ..Hints::default() };
    refused(&own, &like, "with a clipped memory with a clip of 2 as layer 0; expected lstm 3 → 4, as the file has");
    // Variables do not say whether a memory is clipped: there the given model does.
    let mut bare = own;
    bare.remove("elman").unwrap();
    let taken = tensorflow::import(&bare, &like).unwrap().model;
    assert!(matches!(&taken.stack().layers[0].cell, AnyCell::Lstm(lstm) if lstm.cell_clip == Some(2.0)));
}

/// Whatever a file has, it is a model or an error, and never a panic.
#[test]
fn shaken_files_are_models_or_errors() {
    let mut taken = 0;
    for case in ["tutorial", "lstm_options", "gru", "multi", "bidirectional", "tagger"] {
        let arrays = variables(case).into_iter().filter_map(|(name, array)| match array.values {
            Values::F32(data) => Some((name, elman::formats::Array { shape: array.shape, data })),
            _ => None,
        });
        let arrays = arrays.collect();
        for seed in 0..400 {
            let of = |array: elman::formats::Array| Array { shape: array.shape, values: Values::F32(array.data) };
            let file = shaken(&arrays, seed).into_iter().map(|(name, array)| (name, of(array))).collect();
            taken += usize::from(tensorflow::import(&file, &Hints::default()).is_ok());
        }
    }
    // Some changes leave a model.
    assert!(taken > 0);
}

fn checkpoint(name: &str) -> tensorflow_file::Checkpoint {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/checkpoints");
    tensorflow_file::read(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// Checkpoints of a graph and of objects, by any of their files' names.
#[test]
fn checkpoints_answer_as_they_did() {
    let answers = crate::support::golden("checkpoints/answers.safetensors");
    for name in ["graph.ckpt-7", "graph.ckpt-7.index", "graph.ckpt-7.data-00000-of-00001"] {
        let file = checkpoint(name);
        assert!(!tensorflow::has_objects(&file));
        let imported = tensorflow::import(&file.variables, &Hints::default()).unwrap();
        assert_agrees(&answers, "graph", &imported, false);
        let notes = imported.report.notes.join("\n");
        assert!(notes.contains("global_step") && notes.contains("dense/kernel/Adam"), "{notes}");
        assert!(!imported.report.assumed.is_empty());
    }
    let file = checkpoint("objects");
    assert!(tensorflow::has_objects(&file));
    assert_eq!(file.left_out["_CHECKPOINTABLE_OBJECT_GRAPH"], "text");
    let imported = tensorflow::import_objects(&file, &Hints::default()).unwrap();
    assert_agrees(&answers, "objects", &imported, false);
    let names: Vec<&str> = imported.report.moves.iter().flat_map(|of| &of.from).map(|of| of.name.as_str()).collect();
    assert!(names.contains(&"layer_with_weights-0/forward_layer/cell/kernel"), "{names:?}");
    assert!(names.contains(&"layer_with_weights-2/bias"), "{names:?}");
}

/// What is no layer is refused by the name that it has in the checkpoint.
#[test]
fn objects_that_are_no_layers_are_named() {
    let with = |name: &str, array: Array| {
        let mut file = checkpoint("objects");
        file.variables.insert(format!("{name}/.ATTRIBUTES/VARIABLE_VALUE"), array);
        refusal(tensorflow::import_objects(&file, &Hints::default()))
    };
    let message = with("variables/0", array(&[5, 3]));
    assert!(
        message.starts_with("variables/0 cannot be taken from a TensorFlow checkpoint: it is no kernel"),
        "{message}"
    );
    assert!(message.contains("model.save_weights(\"weights\")"), "{message}");
    let message = with("layer_with_weights-2/kernel", array(&[5, 4]));
    assert!(message.contains("5 floats") || message.starts_with("layer_with_weights-2/kernel"), "{message}");
    let message = with("layer_with_weights-3/gamma", array(&[4]));
    assert!(message.starts_with("layer_with_weights-3/gamma cannot"), "{message}");
    let message = with("x/kernel", Array { shape: vec![1], values: Values::F64(vec![0.5]) });
    assert!(message.contains("its type is f64; expected f32"), "{message}");
}
