//! Models from PyTorch and for it.

use std::path::Path;

use crate::support::exchange::{assert_agrees, assert_same, golden_model, refusal, shaken, text};
use crate::support::models::{model, models};
use elman::formats::{Array, File, torch};
use elman::{
    Activation, AnyCell, Gru, Head, IndRnn, Layer, Link, Lstm, Merge, Model, Nonlinearity, Reads, Rnn, Stack,
    StepDense, StepNorm, Window,
};
use elman_exchange::{Error, Hints, Imported, Verdict, pytorch};

fn state_dict(case: &str) -> File {
    File { arrays: golden_model(&format!("pytorch_{case}.safetensors")), ..File::default() }
}

fn import(case: &str, hints: &Hints) -> Imported {
    pytorch::import(&state_dict(case), hints).unwrap_or_else(|error| panic!("{case}: {error}"))
}

#[test]
fn models_of_pytorch_answer_as_they_did() {
    let answers = golden_model("pytorch.safetensors");
    let relu = Hints { activation: Some(Activation::Relu), ..Hints::default() };
    let every_step = Hints { reads: Some(Reads::EveryStep), ..Hints::default() };
    let plain = Hints::default();
    for (case, hints) in [
        ("rnn_tanh", &plain),
        ("rnn_relu", &relu),
        ("lstm", &plain),
        ("lstm_projection", &plain),
        ("gru", &plain),
        ("gru_no_bias", &plain),
        ("gru_2layers_bidirectional", &plain),
        ("tagger", &every_step),
        ("two_modules", &plain),
        ("cell", &plain),
    ] {
        assert_agrees(&answers, case, &import(case, hints), false);
    }
}

#[test]
fn a_report_names_every_array() {
    let imported = import("gru_2layers_bidirectional", &Hints::default());
    let expected = "\
rnn.weight_ih_l0 [21, 5] → layers.0.forward.kernel [5, 21]: transposed
rnn.weight_hh_l0 [21, 7] → layers.0.forward.recurrent_kernel [7, 21]: transposed
rnn.bias_ih_l0 [21], rnn.bias_hh_l0 [21] → layers.0.forward.bias [21], layers.0.forward.recurrent_bias [7]: split, added
rnn.weight_ih_l0_reverse [21, 5] → layers.0.backward.kernel [5, 21]: transposed
rnn.weight_hh_l0_reverse [21, 7] → layers.0.backward.recurrent_kernel [7, 21]: transposed
rnn.bias_ih_l0_reverse [21], rnn.bias_hh_l0_reverse [21] → layers.0.backward.bias [21], layers.0.backward.recurrent_bias [7]: split, added
rnn.weight_ih_l1 [21, 14] → layers.1.forward.kernel [14, 21]: transposed
rnn.weight_hh_l1 [21, 7] → layers.1.forward.recurrent_kernel [7, 21]: transposed
rnn.bias_ih_l1 [21], rnn.bias_hh_l1 [21] → layers.1.forward.bias [21], layers.1.forward.recurrent_bias [7]: split, added
rnn.weight_ih_l1_reverse [21, 14] → layers.1.backward.kernel [14, 21]: transposed
rnn.weight_hh_l1_reverse [21, 7] → layers.1.backward.recurrent_kernel [7, 21]: transposed
rnn.bias_ih_l1_reverse [21], rnn.bias_hh_l1_reverse [21] → layers.1.backward.bias [21], layers.1.backward.recurrent_bias [7]: split, added
head.weight [4, 14] → head.kernel [14, 4]: transposed
head.bias [4] → head.bias [4]:
- a state_dict does not say what the head reads: the last state was taken; give --reads every-step otherwise
- the head reads the last states of both directions, as torch.cat([h_n[-2], h_n[-1]], 1) gives them
every number is there: some are sums of two, rounded once
";
    assert_eq!(text(&imported.report), expected);
}

#[test]
fn what_a_state_dict_does_not_say_is_noted() {
    let notes = |case: &str, hints: &Hints| import(case, hints).report.notes.join("\n");
    let plain = Hints::default();
    assert!(notes("rnn_tanh", &plain).contains("tanh was taken; give --activation relu otherwise"));
    let said = Hints { activation: Some(Activation::Tanh), reads: Some(Reads::LastState), ..Hints::default() };
    assert_eq!(notes("rnn_tanh", &said), "");
    let none = notes("gru_no_bias", &plain);
    assert!(none.contains("rnn.bias_ih_l0 and rnn.bias_hh_l0 are missing, as bias=False leaves them out"), "{none}");
    assert!(none.contains("head.weight has no bias: zeros were taken"), "{none}");
    assert!(notes("two_modules", &plain).contains("in the order of their names: rnn1, rnn2"));
}

#[test]
fn every_model_that_pytorch_expresses_comes_back_bit_for_bit() {
    // The others are refused, each by the first thing that PyTorch has not.
    let refused = [
        ("rnn noise", "zoneout in layer 0"),
        ("lstm peepholes", "an LSTM with peepholes in layer 0"),
        ("lstm coupled", "an LSTM with coupled gates in layer 0"),
        ("lstm coupled peepholes", "an LSTM with peepholes in layer 0"),
        ("lstm clips", "an LSTM with peepholes in layer 0"),
        ("lstm layer norm", "layer normalisation in layer 0"),
        ("lstm layer norm and all", "an LSTM with peepholes in layer 0"),
        ("lstm noise", "zoneout in layer 0"),
        ("lstm noise and all", "an LSTM with coupled gates in layer 0"),
        ("gru before", "a GRU whose reset gate acts before the product in layer 0"),
        ("gru layer norm", "layer normalisation in layer 0"),
        ("gru before layer norm", "a GRU whose reset gate acts before the product in layer 0"),
        ("gru noise", "zoneout in layer 0"),
        ("gru before noise", "a GRU whose reset gate acts before the product in layer 0"),
        ("rnn sigmoid", "the activation sigmoid in layer 0"),
        ("rnn hard sigmoid", "the activation hard_sigmoid in layer 0"),
        ("lstm relu", "the activation relu in layer 0"),
        ("lstm hard gates and all", "the activation sigmoid in layer 0"),
        ("gru hard gates", "the recurrent activation hard_sigmoid_keras2 in layer 0"),
        ("gru before linear", "the activation linear in layer 0"),
        ("mixed", "a residual layer in layer 1"),
        ("residual", "a residual layer in layer 0"),
        ("tokens", "zoneout in layer 1"),
        ("both sum", "the sum of two directions in layer 0"),
        ("both stacked", "zoneout in layer 1"),
        ("both summed", "the sum of two directions in layer 0"),
        ("alike before", "a GRU whose reset gate acts before the product in layer 0"),
    ];
    let mut kept = 0;
    for (name, model) in models() {
        match refused.iter().find(|(of, _)| *of == name) {
            Some((_, what)) => {
                let message = refusal(pytorch::export(&model));
                assert!(message.starts_with(&format!("{what} cannot be given to PyTorch: ")), "{name}: {message}");
            }
            None => {
                let (file, given) = pytorch::export(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
                let back = pytorch::import(&file, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_same(name, &back.model, &model);
                assert_eq!((given.verdict(), back.report.verdict()), (Verdict::Exact, Verdict::Exact), "{name}");
                kept += 1;
            }
        }
    }
    assert_eq!(kept, 45);
}

#[test]
fn layers_that_no_module_holds_are_refused() {
    let clip = Lstm::new(3, 4).projection(2).projection_clip(0.5);
    for (stack, what) in [
        (Stack::new(Lstm::new(3, 4)).then(Lstm::new(4, 5)), "layer 1 cannot be given to PyTorch: it is not as layer 0"),
        (Stack::new(Lstm::new(3, 4)).then(Gru::new(4, 4)), "layer 1 cannot"),
        (Stack::new(Rnn::new(3, 4)).then(Rnn::new(4, 4).activation(Activation::Relu)), "layer 1 cannot"),
        (Stack::new(Gru::new(3, 4)).then(Layer::new(Gru::new(4, 4)).bidirectional(Merge::Concat)), "layer 1 cannot"),
        (Lstm::new(3, 4).cell_clip(1.0).into(), "a clipped memory in layer 0"),
        (clip.into(), "a clipped projection in layer 0"),
    ] {
        let message = refusal(pytorch::export(&model(stack, 3)));
        assert!(message.starts_with(what), "{message}");
    }
}

#[test]
fn an_export_says_how_its_module_is_made() {
    let stack = Stack::new(Layer::new(Gru::new(5, 7)).dropout(0.25).bidirectional(Merge::Concat))
        .then(Layer::new(Gru::new(14, 7)).bidirectional(Merge::Concat))
        .embedding(11);
    let (_, report) = pytorch::export(&model(stack, 3)).unwrap();
    assert_eq!(
        report.notes,
        [
            "the module has embedding = nn.Embedding(11, 5), rnn = nn.GRU(5, 7, batch_first=True, num_layers=2, \
             bidirectional=True) and head = nn.Linear(14, 3), which reads the last states, \
             torch.cat([h_n[-2], h_n[-1]], 1)",
            "masks of training are left out, they change no answer: dropout 0.25 of layer 0",
        ]
    );
    let relu = Rnn::new(5, 7).activation(Activation::Relu);
    let (_, report) = pytorch::export(&model(relu, Head::every_step(3))).unwrap();
    let expected = "the module has rnn = nn.RNN(5, 7, batch_first=True, nonlinearity=\"relu\") and \
                    head = nn.Linear(7, 3), which reads the outputs of every step";
    assert_eq!(report.notes, [expected]);
}

/// Nothing in a state dict says what a head of quantiles answers.
#[test]
fn quantiles_are_explained() {
    let (_, report) = pytorch::export(&model(Lstm::new(3, 4), Head::quantiles(&[0.1, 0.5, 0.9], 2))).unwrap();
    let notes = report.notes.join("\n");
    let expected = "the outputs are quantiles, [N, 6]: the levels 0.1, 0.5, 0.9 of the first of 2 values, then of the \
                    second; elman sorts each value's levels when it predicts";
    assert!(notes.contains(expected) && notes.contains("less the mean of its series, divided by its"), "{notes}");
    let (_, report) = pytorch::export(&model(Lstm::new(3, 4), 3)).unwrap();
    assert!(!report.notes.join("\n").contains("quantiles"));
}

/// With an array more, or without one, or with one changed.
fn changed(case: &str, change: impl FnOnce(&mut File)) -> Result<Imported, Error> {
    let mut file = state_dict(case);
    change(&mut file);
    pytorch::import(&file, &Hints::default())
}

/// A checkpoint, by the dotted paths of its dicts: the arrays of each, in this order.
fn checkpoint(dicts: &[(&str, &[(&str, &Array)])], beside: &[&str]) -> torch::File {
    let mut file = torch::File::default();
    for (path, arrays) in dicts {
        let named = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let tensors: Vec<String> = arrays.iter().map(|(name, _)| named(name)).collect();
        let entry = |name: &String| if path.is_empty() { name.clone() } else { path.split('.').next().unwrap().into() };
        for entry in tensors.iter().map(entry) {
            if !file.entries.contains(&entry) {
                file.entries.push(entry);
            }
        }
        file.arrays.extend(arrays.iter().map(|(name, array)| (named(name), (*array).clone())));
        file.groups.push(torch::Group { path: (*path).to_owned(), tensors });
    }
    file.entries.extend(beside.iter().map(|&entry| entry.to_owned()));
    file
}

fn from_checkpoint(file: &torch::File) -> Result<Imported, Error> {
    pytorch::import_checkpoint(file, &Hints::default())
}

#[test]
fn the_model_of_a_checkpoint_is_found() {
    let arrays = state_dict("lstm").arrays;
    let of_model: Vec<(&str, &Array)> = arrays.iter().map(|(name, array)| (name.as_str(), array)).collect();
    let (moments, step) = (array(&[28, 5]), array(&[]));
    let state: &[(&str, &Array)] = &[("step", &step), ("exp_avg", &moments), ("exp_avg_sq", &moments)];
    let plain = import("lstm", &Hints::default()).model;
    let notes = |file: &torch::File| {
        let imported = from_checkpoint(file).unwrap();
        assert_same("checkpoint", &imported.model, &plain);
        imported.report.notes
    };
    let left_out = |what: &str| format!("left out, as they are no part of the model: {what}");

    let mut file = checkpoint(
        &[("model", &of_model), ("optimizer.state.0", state), ("optimizer.state.1", state), ("", &[("loss", &step)])],
        &["epoch"],
    );
    assert_eq!(notes(&file)[0], left_out("optimizer, loss, epoch"));
    // float64 matters in the model alone.
    file.groups[1].tensors.push("optimizer.state.0.lr".into());
    file.left_out.insert("optimizer.state.0.lr".into(), torch::LeftOut::Float64);
    assert_eq!(notes(&file).len(), 2);
    file.arrays.remove("model.head.bias");
    file.left_out.insert("model.head.bias".into(), torch::LeftOut::Float64);
    let message = refusal(from_checkpoint(&file));
    assert!(message.starts_with("model.head.bias cannot be taken from PyTorch: its type is float64"), "{message}");

    // Deeper inside, and a state dict alone, with a counter.
    assert_eq!(
        notes(&checkpoint(&[("last.model", &of_model), ("last.optimizer.state.0", state)], &[]))[0],
        left_out("last.optimizer")
    );
    let mut alone = checkpoint(&[("", &of_model)], &[]);
    alone.entries.push("norm.num_batches_tracked".into());
    alone.groups[0].tensors.push("norm.num_batches_tracked".into());
    alone.left_out.insert("norm.num_batches_tracked".into(), torch::LeftOut::Integer);
    assert!(notes(&alone)[0].starts_with("counters are left out, no answer depends on them: norm.num_batches"));

    // Parts of a model, each in a dict of its own.
    let of = |start: &str| -> Vec<(&str, &Array)> {
        arrays.iter().filter_map(|(name, array)| Some((name.strip_prefix(start)?, array))).collect()
    };
    let parts = checkpoint(&[("rnn", &of("rnn.")), ("head", &of("head.")), ("optimizer.state.0", state)], &[]);
    assert_eq!(notes(&parts)[0], left_out("optimizer"));

    let two = checkpoint(&[("model", &of_model), ("ema", &of_model)], &[]);
    let message = refusal(from_checkpoint(&two));
    assert!(message.starts_with("model and ema cannot be taken from PyTorch: each holds a recurrent"), "{message}");
    // What the model itself has too much is refused by name, as without a checkpoint.
    let mut more = of_model.clone();
    more.push(("norm.running_mean", &step));
    assert!(
        refusal(from_checkpoint(&checkpoint(&[("model", &more)], &["epoch"]))).starts_with("model.norm.running_mean")
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/files/pytorch_checkpoint.pt");
    let imported = from_checkpoint(&torch::read(&path).unwrap()).unwrap();
    assert!(imported.report.assumed.join("; ").contains("model_state_dict.norm, its ε 1e-5, acts on what"));
}

/// Two modules of these names and sizes, and a head that reads what the second gives.
fn two([first, second]: [&str; 2], [input, between, output]: [usize; 3]) -> Vec<(String, Array)> {
    let gru = |name: &str, input: usize, hidden: usize| {
        let shapes = [("weight_ih_l0", vec![3 * hidden, input]), ("weight_hh_l0", vec![3 * hidden, hidden])];
        shapes.map(|(kind, shape)| (format!("{name}.{kind}"), array(&shape)))
    };
    let mut arrays: Vec<_> = gru(first, input, between).into_iter().chain(gru(second, between, output)).collect();
    arrays.push(("out.weight".into(), array(&[4, output])));
    arrays
}

/// Names in the order of the alphabet are not the order of the model.
#[test]
fn several_modules_follow_each_other_as_they_were_made() {
    let order = |imported: Imported| imported.report.notes[0].clone();
    let alike = two(["second", "first"], [5, 5, 5]);
    let of: Vec<(&str, &Array)> = alike.iter().map(|(name, array)| (name.as_str(), array)).collect();
    let file = checkpoint(&[("", &of)], &[]);
    let imported = from_checkpoint(&file).unwrap();
    assert_eq!(imported.report.moves[0].from[0].name, "second.weight_ih_l0");
    let expected = "modules were taken to follow each other in the order in which the file has them: second, first";
    assert_eq!(order(imported), expected);

    // Without an order: by numbers, or by sizes if they allow one.
    let import = |arrays: Vec<(String, Array)>| {
        pytorch::import(&File { arrays: arrays.into_iter().collect(), ..File::default() }, &Hints::default())
    };
    assert!(order(import(two(["rnn2", "rnn10"], [5, 5, 5])).unwrap()).ends_with("of their names: rnn2, rnn10"));
    let numbered = order(import(two(["layers.0.gru", "layers.1.rnn"], [5, 5, 5])).unwrap());
    assert!(numbered.ends_with("layers.0.gru, layers.1.rnn"), "{numbered}");
    let sized = order(import(two(["second", "first"], [5, 6, 7])).unwrap());
    assert!(sized.ends_with("in the only order that their sizes allow: second, first"), "{sized}");
    // Either could be the first, but the head fits one.
    assert!(order(import(two(["b", "a"], [5, 6, 5])).unwrap()).ends_with("sizes allow: b, a"));
    let message = refusal(import(alike));
    assert!(message.starts_with("first, second cannot be taken from PyTorch: the file has no order"), "{message}");
    assert!(message.contains("fit in several orders; save the state_dict with torch.save, as .pt"), "{message}");
    let mut torn = two(["b", "a"], [5, 6, 7]);
    torn.last_mut().unwrap().1 = array(&[4, 9]);
    assert!(refusal(import(torn)).contains("the sizes fit in none"));
}

fn array(shape: &[usize]) -> Array {
    Array { shape: shape.to_vec(), data: vec![0.5; shape.iter().product()] }
}

#[test]
fn arrays_that_do_not_fit_are_named() {
    let put = |name: &'static str, shape: &'static [usize]| {
        move |file: &mut File| drop(file.arrays.insert(name.into(), array(shape)))
    };
    let without = |name: &'static str| move |file: &mut File| drop(file.arrays.remove(name));
    let check = |result: Result<Imported, Error>, parts: &[&str]| {
        let message = refusal(result);
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    };
    check(
        changed("lstm", put("norm.running_mean", &[7])),
        &["norm.running_var cannot be taken from PyTorch: it is missing; expected [7]"],
    );
    check(changed("lstm", without("rnn.weight_hh_l0")), &["rnn.weight_hh_l0 cannot", "it is missing"]);
    let missing =
        "rnn.bias_hh_l0 cannot be taken from PyTorch: it is missing; expected [28] beside the others of its layer";
    assert_eq!(refusal(changed("lstm", without("rnn.bias_hh_l0"))), missing);
    check(changed("lstm", put("rnn.bias_hh_l0", &[27])), &["it has shape [27]; expected [28]"]);
    check(
        changed("lstm", put("rnn.weight_ih_l0", &[14, 5])),
        &["rnn.weight_ih_l0", "14 rows", "7 units", "1, 3 or 4 gates"],
    );
    check(changed("lstm", put("rnn.weight_ih_l0", &[28])), &["it has shape [28]; expected a matrix"]);
    check(
        changed("lstm_projection", put("rnn.weight_hr_l0", &[4, 7])),
        &["rnn.weight_hr_l0", "[4, 7]; expected [3, 7]"],
    );
    check(changed("lstm", put("rnn.weight_ih_l2", &[28, 7])), &["rnn.weight_ih_l1 cannot", "the module has 3 layers"]);
    check(changed("lstm", put("rnn.weight_ih", &[28, 7])), &["names with a layer", "names without"]);
    check(changed("lstm", put("rnn.weight_ih_l18446744073709551615", &[28, 7])), &["rnn.weight_ih_l1 cannot"]);
    check(changed("gru_2layers_bidirectional", without("rnn.weight_ih_l1_reverse")), &["rnn.weight_ih_l1_reverse"]);
    check(
        changed("lstm", without("head.weight")),
        &["what is no recurrent module", "one dense layer that reads 7 floats"],
    );
    check(changed("lstm", put("head.weight", &[4, 9])), &["reads 7 floats", "head.weight [4, 9]"]);
    check(changed("lstm", put("other.weight", &[4, 7])), &["head.weight [4, 7], other.weight [4, 7]"]);
    check(changed("lstm", put("head.bias", &[5])), &["head.bias cannot", "it has shape [5]; expected [4]"]);
    check(pytorch::import(&File::default(), &Hints::default()), &["it has no recurrent module"]);
    let one = changed("lstm", |file| {
        file.arrays.insert("head.weight".into(), array(&[1, 7]));
        file.arrays.insert("head.bias".into(), array(&[1]));
    });
    assert_eq!(one.unwrap().model.head().describe(), "1 value");
    let short = changed("lstm", |file| {
        file.arrays.get_mut("rnn.weight_ih_l0").unwrap().data.pop();
    });
    check(short, &["rnn.weight_ih_l0 cannot", "it has 139 numbers; expected those of [28, 5]"]);
}

#[test]
fn modules_that_do_not_follow_each_other_are_named() {
    let mut file = state_dict("two_modules");
    for (name, shape) in [("weight_ih_l0", vec![18, 9]), ("weight_hh_l0", vec![18, 6])] {
        file.arrays.insert(format!("rnn2.{name}"), array(&shape));
    }
    let message = refusal(pytorch::import(&file, &Hints::default()));
    let expected = "rnn2.weight_ih_l0 cannot be taken from PyTorch: it reads 9 floats, and rnn1.weight_ih_l0, before it, \
                    gives 7";
    assert_eq!(message, expected);
}

/// An embedding and a dense layer of one shape are told apart by a bias, or else by a name.
#[test]
fn an_embedding_and_a_head_of_one_shape() {
    let mut file = File { arrays: golden_model("pytorch_cell.safetensors"), ..File::default() };
    file.arrays.retain(|name, _| !name.starts_with("fc"));
    file.arrays.insert("cell.weight_ih".into(), array(&[28, 7]));
    for name in ["a.weight", "b.weight"] {
        file.arrays.insert(name.into(), array(&[9, 7]));
    }
    let import = |file: &File| pytorch::import(file, &Hints::default());
    assert!(refusal(import(&file)).contains("each of a.weight [9, 7], b.weight [9, 7] could be the embedding"));
    let mut with_bias = file.clone();
    with_bias.arrays.insert("a.bias".into(), array(&[9]));
    let found = import(&with_bias).unwrap();
    assert_eq!(found.report.moves[3].from[0].name, "b.weight");
    // As many answers as tokens: a model of language.
    assert_eq!(found.model.head().reads, Reads::EveryStep);
    let weight = file.arrays.remove("b.weight").unwrap();
    file.arrays.insert("embed.weight".into(), weight);
    assert_eq!(import(&file).unwrap().report.moves[3].from[0].name, "embed.weight");
}

#[test]
fn a_configuration_is_taken_whole() {
    let mut like = model(Layer::new(Lstm::new(5, 7)), Head::every_step(4));
    like.meaning = Some(serde_json::json!({ "names": ["a", "b", "c", "d"] }).into());
    like.steps = Some(6);
    let hints = |like: &Model| Hints { like: Some(like.config()), ..Hints::default() };
    let taken = import("lstm", &hints(&like));
    assert_eq!(serde_json::to_value(taken.model.config()).unwrap(), serde_json::to_value(like.config()).unwrap());
    assert!(taken.report.notes.is_empty());

    // A model that is not like it, and one that claims more than the arrays hold, before memory is taken for it.
    let json = |layer: &str, head: &str| {
        let json = format!(r#"{{"version":1,"layers":[{layer}],"head":{head},"steps":null}}"#);
        Hints { like: Some(serde_json::from_str(&json).unwrap()), ..Hints::default() }
    };
    let (lstm, four) = (r#"{"cell":"lstm","input":5,"hidden":7}"#, r#"{"classes":4}"#);
    for (layer, head, found, expected) in [
        (r#"{"cell":"lstm","input":16384,"hidden":16384}"#, four, "lstm 16384 → 16384 as layer 0", "lstm 5 → 7"),
        (r#"{"cell":"gru","input":5,"hidden":7}"#, four, "gru 5 → 7 as layer 0", "lstm 5 → 7"),
        (r#"{"cell":"lstm","input":5,"hidden":7,"bidirectional":"concat"}"#, four, "both directions", "lstm 5 → 7"),
        (r#"{"cell":"lstm","input":5,"hidden":7},{"cell":"lstm","input":7,"hidden":7}"#, four, "2 layers", "1"),
        (lstm, r#"{"classes":3}"#, "a head of 3 classes on the last state", "4 outputs"),
    ] {
        let message = pytorch::import(&state_dict("lstm"), &json(layer, head)).unwrap_err().to_string();
        assert!(message.starts_with("like is a model with ") && message.contains(found), "{message}");
        assert!(message.ends_with(&format!("; expected {expected}, as the file has")), "{message}");
    }
}

/// A hint that contradicts the file, or that nothing in it could take, is no hint.
#[test]
fn hints_that_do_not_apply_are_refused() {
    let refused = |file: &File, hints: &Hints, expected: &str| {
        let message = pytorch::import(file, hints).unwrap_err().to_string();
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    };
    let relu = Hints { activation: Some(Activation::Relu), ..Hints::default() };
    let expected = "activation is relu; expected no such hint: it is for a layer rnn, and the file has lstm";
    refused(&state_dict("lstm"), &relu, expected);
    let forget_bias = Hints { forget_bias: Some(1.0), ..Hints::default() };
    refused(&state_dict("lstm"), &forget_bias, "forget_bias is 1; expected no such hint: TensorFlow 1 alone");
    // What elman wrote says all itself; what it says may be said again.
    let (own, _) = pytorch::export(&model(Rnn::new(3, 4), 3)).unwrap();
    let every_step = Hints { reads: Some(Reads::EveryStep), ..Hints::default() };
    refused(&own, &relu, "activation is relu; expected tanh, as the file says");
    refused(&own, &every_step, "reads is every-step; expected last-state, as the file says");
    let like = |head: Head| Hints { like: Some(model(Rnn::new(3, 4), head).config()), ..Hints::default() };
    refused(&own, &like(Head::every_step(3)), "3 classes on every step; expected 3 classes on the last state");
    let other = model(Rnn::new(3, 4).activation(Activation::Relu), 3).config();
    let other = Hints { like: Some(other), ..Hints::default() };
    refused(&own, &other, "rnn 3 → 4 with the activation relu as layer 0; expected rnn 3 → 4, as the file has");
    let said = Hints { activation: Some(Activation::Tanh), reads: Some(Reads::LastState), ..like(Head::last_state(3)) };
    pytorch::import(&own, &said).unwrap();
    // Two hints may not contradict each other either.
    let both = Hints { activation: Some(Activation::Relu), ..Hints { like: said.like, ..Hints::default() } };
    let bare = File { metadata: Default::default(), ..own };
    refused(&bare, &both, "activation is relu; expected tanh, as the given model says");
}

#[test]
fn a_damaged_configuration_is_refused() {
    let (mut file, _) = pytorch::export(&model(Lstm::new(3, 4), 3)).unwrap();
    file.metadata.insert("elman-pytorch".into(), "{\"version\":2}".into());
    assert!(refusal(pytorch::import(&file, &Hints::default())).contains("its configuration"));
}

#[test]
fn a_cell_of_ones_own_is_refused() {
    let custom = model(AnyCell::custom(Rnn::new(2, 3)), 2);
    assert!(refusal(pytorch::export(&custom)).starts_with("a cell of one's own in layer 0"));
    let independent = model(Stack::new(Rnn::new(2, 3)).then(IndRnn::new(3, 3)), 2);
    assert!(refusal(pytorch::export(&independent)).starts_with("an IndRNN in layer 1 cannot be given to PyTorch: "));
}

/// Whatever a file has, it is a model or an error, and never a panic.
#[test]
fn shaken_files_are_models_or_errors() {
    let mut taken = 0;
    for case in ["lstm_projection", "gru_2layers_bidirectional", "tagger", "two_modules", "cell"] {
        for seed in 0..400 {
            let file = File { arrays: shaken(&state_dict(case).arrays, seed), ..File::default() };
            taken += usize::from(pytorch::import(&file, &Hints::default()).is_ok());
        }
    }
    // Some changes leave a model.
    assert!(taken > 0);
}

/// A file of golden/heads: what `torch.save`, or safetensors, wrote.
fn head_file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/heads").join(name)
}

fn import_file(name: &str, hints: &Hints) -> Result<Imported, Error> {
    let path = head_file(name);
    match name.ends_with(".pt") {
        true => pytorch::import_checkpoint(&torch::read(&path).unwrap(), hints),
        false => pytorch::import_weights(&elman::formats::read_weights(&path).unwrap(), hints),
    }
}

/// Heads of several layers, normalisations, other readings, values, weights that are computed, and files of other
/// precisions and in parts.
#[test]
fn heads_and_files_of_other_kinds_answer_as_they_did() {
    let answers = elman::formats::read(&head_file("answers.safetensors")).unwrap().arrays;
    let relu = Hints { hidden_activation: Some(Nonlinearity::Relu), ..Hints::default() };
    let reads = |reads| Hints { reads: Some(reads), ..Hints::default() };
    let plain = Hints::default();
    for (file, hints) in [
        ("mlp.pt", &relu),
        ("sequential.pt", &relu),
        ("layer_norm.pt", &plain),
        ("value.pt", &plain),
        ("mean.pt", &reads(Reads::Mean)),
        ("max.pt", &reads(Reads::Max)),
        ("weight_norm.pt", &plain),
        ("parametrized.pt", &plain),
        ("tied.safetensors", &plain),
        ("front.pt", &relu),
        ("front.safetensors", &relu),
        ("conv.pt", &relu),
        ("conv.safetensors", &relu),
        ("f16.pt", &plain),
        ("f16.safetensors", &plain),
        ("bf16.pt", &plain),
        ("bf16.safetensors", &plain),
        ("sharded.safetensors.index.json", &plain),
    ] {
        let imported = import_file(file, hints).unwrap_or_else(|error| panic!("{file}: {error}"));
        let case = file.split('.').next().unwrap();
        assert_agrees(&answers, case, &imported, false);
        assert!(!imported.report.assumed.is_empty(), "{file}");
    }
}

/// Half precision is said where the verdict is; single precision says nothing.
#[test]
fn arrays_that_were_widened_are_counted() {
    for (half, of) in [("f16", "float16"), ("bf16", "bfloat16")] {
        for ending in ["pt", "safetensors"] {
            let report = import_file(&format!("{half}.{ending}"), &Hints::default()).unwrap().report;
            let count: usize = report.moves.iter().map(|moved| moved.from.len()).sum();
            let expected = format!("{count} arrays of {of} were widened to float32, which changes no number");
            assert_eq!(report.precision, [expected], "{half}.{ending}");
        }
    }
    assert!(import_file("value.pt", &Hints::default()).unwrap().report.precision.is_empty());
}

#[test]
fn what_outputs_are_taken_for_is_assumed() {
    let assumed = |file: &str, hints: &Hints| import_file(file, hints).unwrap().report.assumed.join("; ");
    let plain = assumed("f16.pt", &Hints::default());
    assert!(plain.contains("outputs are logits of classes"), "{plain}");
    let values = Hints { values: Some(Link::Identity), ..Hints::default() };
    assert!(!assumed("f16.pt", &values).contains("outputs are"), "a hint says it");
    assert!(assumed("value.pt", &Hints::default()).contains("its output is a value"));
}

#[test]
fn what_a_head_is_assumed_to_be_is_said() {
    let relu = Hints { hidden_activation: Some(Nonlinearity::Relu), ..Hints::default() };
    let assumed = |file: &str, hints: &Hints| import_file(file, hints).unwrap().report.assumed.join("; ");
    let mlp = assumed("mlp.pt", &relu);
    assert!(mlp.contains("bn1, its ε 1e-5, acts on what fc1 gives, before an activation"), "{mlp}");
    assert!(mlp.contains("the head is fc1, fc2, with relu between them"), "{mlp}");
    let sequential = assumed("sequential.pt", &relu);
    for part in [
        "head.0, its ε 1e-5, acts on what head.1 reads",
        "head.3, its ε 1e-5, acts on what head.5 reads",
        "head.6, its ε 1e-5, acts on what head.5 gives",
    ] {
        assert!(sequential.contains(part), "{part:?} is not in {sequential:?}");
    }
    let value = import_file("value.pt", &Hints::default()).unwrap();
    assert!(value.report.notes.join("\n").contains("a value, linear, was taken; give --values sigmoid otherwise"));
    let sigmoid = Hints { values: Some(Link::Sigmoid), ..Hints::default() };
    let model = import_file("value.pt", &sigmoid).unwrap().model;
    assert_eq!(model.head().describe(), "1 value from 0 to 1 (sigmoid)");
    let counters = import_file("mlp.pt", &relu).unwrap().report.notes.join("\n");
    assert!(
        counters.contains("counters are left out, no answer depends on them: bn1.num_batches_tracked"),
        "{counters}"
    );
    let front = assumed("front.safetensors", &relu);
    assert!(front.contains("fc_in is read at every step before the recurrent layers, with relu behind it"), "{front}");
    let tied = import_file("tied.safetensors", &Hints::default()).unwrap().report.notes.join("\n");
    assert!(tied.contains("encoder.weight is decoder.weight, as the file's metadata says"), "{tied}");
}

/// What acts between dense layers is in no file: it is asked for, and the answer is enough.
#[test]
fn an_activation_that_no_file_says_is_asked_for() {
    let message = refusal(import_file("mlp.pt", &Hints::default()));
    assert!(message.contains("it has the dense layers fc1, fc2, and a state_dict does not say what acts"), "{message}");
    assert!(message.contains("--hidden-activation relu"), "{message}");
    for file in ["front.pt", "front.safetensors"] {
        let message = refusal(import_file(file, &Hints::default()));
        assert!(
            message.starts_with("fc_in.weight cannot be taken from PyTorch: fc_in is read before the"),
            "{message}"
        );
        assert!(message.contains("what acts behind it; say it with --hidden-activation relu"), "{message}");
    }
    // By the configuration of a model that is like it, no hint is asked for.
    let relu = Hints { hidden_activation: Some(Nonlinearity::Relu), ..Hints::default() };
    let imported = import_file("front.pt", &relu).unwrap().model;
    let like = Hints { like: Some(imported.config()), ..Hints::default() };
    assert_same("front", &import_file("front.safetensors", &like).unwrap().model, &imported);
    for phi in Nonlinearity::ALL {
        let hints = Hints { hidden_activation: Some(phi), ..Hints::default() };
        assert_eq!(import_file("mlp.pt", &hints).unwrap().model.head().hidden[0].activation, phi);
    }
    let hints = Hints { hidden_activation: Some(Nonlinearity::Relu), ..Hints::default() };
    let message = import_file("value.pt", &hints).unwrap_err().to_string();
    assert!(message.contains("hidden_activation is relu; expected no such hint: the head is one dense"), "{message}");
}

#[test]
fn attention_over_the_steps_is_refused() {
    let model = model(Stack::new(Gru::new(3, 4)), Head::last_state(2).reads(Reads::Attention));
    let message = pytorch::export(&model).unwrap_err().to_string();
    assert!(message.contains("a head that reads the steps by attention"), "{message}");
    assert!(message.contains("torch.nn has no module"), "{message}");
}

/// Heads that PyTorch has a module for come back in every bit.
#[test]
fn heads_come_back() {
    let both = Layer::new(Gru::new(3, 4)).bidirectional(Merge::Concat);
    let norm = StepNorm::new(4);
    let hidden = |head: Head| head.hidden(6, Nonlinearity::Gelu).hidden(5, Nonlinearity::Tanh);
    for (stack, head, says) in [
        (Stack::new(Lstm::new(3, 4)), hidden(Head::last_state(3)), "nn.Sequential(nn.Linear(4, 6), nn.GELU(), "),
        (Stack::new(both.clone()), hidden(Head::values(2, Link::Sigmoid)), "torch.sigmoid of its outputs are"),
        (Stack::new(both), Head::values(1, Link::Identity).reads(Reads::Mean), "out.mean(1)"),
        (Stack::new(Rnn::new(3, 4)), Head::last_state(3).reads(Reads::Max), "out.amax(1)"),
        (Stack::new(Lstm::new(3, 4)).then(norm), Head::last_state(3), "norm = nn.LayerNorm(4, 1e-5)"),
        (Stack::new(Gru::new(3, 4)).then(norm), hidden(Head::every_step(3)), "every step through norm"),
    ] {
        let model = model(stack, head);
        let (file, report) = pytorch::export(&model).unwrap();
        assert!(report.notes[0].contains(says), "{says:?} is not in {:?}", report.notes[0]);
        let back = pytorch::import(&file, &Hints::default()).unwrap();
        assert_same(says, &back.model, &model);
        assert!(back.report.assumed.is_empty());
        // Without our configuration, hints are enough.
        let mut bare = file;
        bare.metadata.clear();
        let head = model.head();
        let hints = Hints {
            reads: Some(head.reads),
            hidden_activation: head.hidden.first().map(|_| Nonlinearity::Relu),
            values: match &head.predicts {
                elman::Predicts::Values(values) => Some(values.link),
                _ => None,
            },
            ..Hints::default()
        };
        let imported = pytorch::import(&bare, &hints).unwrap();
        assert_eq!(imported.model.arrays(), model.arrays());
    }
    let stray = Stack::new(Lstm::new(3, 4)).then(StepNorm::new(4)).then(Lstm::new(4, 4));
    assert!(refusal(pytorch::export(&model(stray, 3))).starts_with("a layer that normalises every step cannot"));
}

/// Normalisations that have no place are refused by name.
#[test]
fn normalisations_without_a_place_are_refused() {
    let with = |names: &[(&str, &[usize])], hints: &Hints| {
        let mut file = state_dict("lstm");
        names.iter().for_each(|(name, shape)| drop(file.arrays.insert((*name).into(), array(shape))));
        refusal(pytorch::import(&file, hints))
    };
    let plain = Hints::default();
    let message = with(&[("n.weight", &[3]), ("n.bias", &[3])], &plain);
    assert!(message.starts_with("n.weight cannot be taken") && message.contains("normalises 3 features"), "{message}");
    let mean = Hints { reads: Some(Reads::Mean), ..Hints::default() };
    let message = with(&[("n.weight", &[7]), ("n.bias", &[7])], &mean);
    assert!(message.starts_with("n cannot be taken") && message.contains("layer normalisation"), "{message}");
    let message = with(&[("n.weight", &[4]), ("n.bias", &[4])], &plain);
    assert!(message.contains("a layer normalisation within the head"), "{message}");
    let message = with(&[("n.weight", &[7]), ("n.running_mean", &[7])], &plain);
    assert!(message.starts_with("n.running_var cannot be taken from PyTorch: it is missing"), "{message}");
}

/// What is computed while the module runs, in ways that are not known here.
#[test]
fn computed_weights_are_refused_with_what_makes_them_plain() {
    let with = |name: &str| {
        let mut file = state_dict("lstm");
        let head = file.arrays.remove("head.weight").unwrap();
        file.arrays.insert(name.into(), head);
        refusal(pytorch::import(&file, &Hints::default()))
    };
    for (name, says) in [
        ("head.weight_orig", "torch.nn.utils.prune.remove(model.head, \"weight\")"),
        ("head.parametrizations.weight.original", "remove_parametrizations(model.head, \"weight\")"),
        ("head.parametrizations.weight.0._u", "remove_parametrizations(model.head, \"weight\")"),
        ("head.weight_g", "one dense layer"),
    ] {
        let message = with(name);
        assert!(message.contains(says), "{says:?} is not in {message:?}");
    }
    // A length that fits no axis.
    let mut file = state_dict("lstm");
    let head = file.arrays.remove("head.weight").unwrap();
    file.arrays.insert("head.weight_v".into(), head);
    file.arrays.insert("head.weight_g".into(), array(&[3, 1]));
    let message = refusal(pytorch::import(&file, &Hints::default()));
    assert!(message.starts_with("head.weight_g cannot") && message.contains("[3, 1]"), "{message}");
}

/// Integers that could matter are no part of a model; counters are.
#[test]
fn integers_are_counters_or_refused() {
    let with = |name: &str, why: torch::LeftOut| {
        let weights = elman::formats::Weights {
            file: state_dict("lstm"),
            left_out: [(name.to_owned(), why)].into(),
            ..elman::formats::Weights::default()
        };
        pytorch::import_weights(&weights, &Hints::default())
    };
    for name in ["norm.num_batches_tracked", "n_averaged", "model.position_ids"] {
        let notes = with(name, torch::LeftOut::Integer).unwrap().report.notes.join("\n");
        assert!(notes.contains(&format!("counters are left out, no answer depends on them: {name}")), "{notes}");
    }
    for (name, why, says) in [
        ("lengths", torch::LeftOut::Integer, "leave it out: torch.save({k: v for k, v in"),
        ("head.weight_scale", torch::LeftOut::Float64, "its type is float64"),
        ("head.zero_point", torch::LeftOut::Integer, "it holds integers"),
        ("head.fp8", torch::LeftOut::Other, "its type is none of"),
    ] {
        let message = refusal(with(name, why));
        assert!(message.starts_with(&format!("{name} cannot be taken")) && message.contains(says), "{message}");
    }
}

/// A weight that is no number is named and refused, and taken where that is allowed.
#[test]
fn weights_that_are_no_numbers_are_refused() {
    for (bad, says) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        for (name, place, at) in
            [("rnn.weight_hh_l0", 9, "[1, 2]"), ("head.bias", 3, "[3]"), ("rnn.bias_ih_l0", 0, "[0]")]
        {
            let mut file = state_dict("lstm");
            file.arrays.get_mut(name).unwrap().data[place] = bad;
            let message = refusal(pytorch::import(&file, &Hints::default()));
            let expected = format!("{name} has 1 of ");
            assert!(message.contains(&expected) && message.contains(&format!("the first {says} at {at}")), "{message}");
            let hints = Hints { allow_nonfinite: true, ..Hints::default() };
            let imported = pytorch::import(&file, &hints).unwrap();
            assert!(imported.report.notes.join("\n").contains(&expected));
            let own = elman_exchange::nonfinite::find(&imported.model.arrays()).unwrap();
            assert_eq!(own.arrays.len(), 1);
        }
    }
}

/// Dense layers, convolutions and pooling before the recurrent layers go to a `state_dict` and come back.
#[test]
fn fronts_go_there_and_come_back_with_the_same_bits() {
    for (name, model) in crate::support::exports::fronts() {
        if name == "front_strided" {
            let message = pytorch::export(&model).unwrap_err().to_string();
            assert!(
                message.contains("layer 0 cannot be given to PyTorch: it pads each row by its own length"),
                "{message}"
            );
            continue;
        }
        let (mut file, report) = pytorch::export(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.verdict(), Verdict::Exact, "{name}");
        assert!(report.notes.iter().any(|note| note.contains("front = nn.Sequential(")), "{name}: {:?}", report.notes);
        let back = pytorch::import(&file, &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}")).model;
        assert_same(name, &back, &model);
        // Without our configuration a model that is given says the rest.
        file.metadata.clear();
        let like = Hints { like: Some(model.config()), ..Hints::default() };
        let back = pytorch::import(&file, &like).unwrap_or_else(|error| panic!("{name}: {error}")).model;
        assert_same(name, &back, &model);
    }
    let behind = crate::support::exports::random_model(Stack::new(Rnn::new(3, 4)).then(StepDense::new(4, 4)), 3);
    let message = pytorch::export(&behind).unwrap_err().to_string();
    assert!(
        message.contains("layer 1 cannot be given to PyTorch") && message.contains("before the recurrent"),
        "{message}"
    );
}

#[test]
fn how_a_front_is_made_is_said() {
    let note = |name: &str| {
        let (_, model) = crate::support::exports::fronts().into_iter().find(|(own, _)| *own == name).unwrap();
        let notes = pytorch::export(&model).unwrap().1.notes;
        notes.into_iter().find(|note| note.contains("front = ")).unwrap()
    };
    for (name, words) in [
        ("front_dense", "front = nn.Sequential(nn.Linear(3, 6)): x = front(x)"),
        ("front_patches", "nn.Conv1d(3, 6, 4, stride=4)): x = front(x.transpose(1, 2)).transpose(1, 2)"),
        ("front_same", "nn.Conv1d(3, 6, 3, padding=1), nn.ReLU()"),
        ("front_causal", "nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(3, 6, 3), nn.ReLU()"),
        ("front_pooled", "nn.ReLU(), nn.MaxPool1d(2, 2)"),
        (
            "front_means",
            "nn.ConstantPad1d((1, 1), 0.0), nn.AvgPool1d(3, 1), nn.ConstantPad1d((1, 0), float(\"-inf\")), nn.MaxPool1d(2, 1)",
        ),
        (
            "front_gaps",
            "nn.ConstantPad1d((1, 0), 0.0), nn.Conv1d(3, 4, 2, dilation=2), nn.SiLU(), nn.Conv1d(4, 6, 1), nn.Tanh()",
        ),
    ] {
        let found = note(name);
        assert!(found.contains(words), "{name}: {found}");
    }
}

/// What a state_dict does not say of its convolutions is said to be assumed, or refused.
/// Directly behind a convolution a normalisation becomes a part of it, behind its activation a layer of its own.
#[test]
fn normalisations_behind_convolutions_answer_as_they_did() {
    let relu = Hints { hidden_activation: Some(Nonlinearity::Relu), ..Hints::default() };
    let found = import_file("norm_both.pt", &relu).unwrap();
    let names: Vec<_> = found.model.stack().layers.iter().map(|layer| layer.cell.get().name()).collect();
    assert_eq!(names, ["dense", "dense", "scale", "lstm"]);
    let assumed = found.report.assumed.join("; ");
    for words in [
        "the batch normalisation front.1, its ε 1e-5, acts on what front.0 gives, before the activation",
        "the batch normalisation front.5, its ε 1e-5, acts on what front.3 gives, behind the activation",
    ] {
        assert!(assumed.contains(words), "{words}: {assumed}");
    }
    let arrays = crate::support::golden("onnx/norm_both.safetensors");
    let xs = ndarray::Array3::from_shape_vec((3, 14, 4), arrays["input"].data.clone()).unwrap();
    let answers: Vec<f32> = found.model.logits(xs.view(), None).unwrap().iter().copied().collect();
    crate::support::assert_close("norm_both", &answers, &arrays["output"].data, 1e-5, 1.0);
}

#[test]
fn convolutions_are_taken_with_what_is_assumed_of_them() {
    let relu = Hints { hidden_activation: Some(Nonlinearity::Relu), ..Hints::default() };
    let imported = import_file("conv.safetensors", &relu).unwrap();
    let assumed = imported.report.assumed.join("; ");
    for words in
        ["conv1, conv2 is read", "with relu behind it", "no padding, a stride and a dilation of 1, and nothing pools"]
    {
        assert!(assumed.contains(words), "{words}: {assumed}");
    }
    let windows: Vec<_> = imported.model.stack().layers.iter().map(|layer| layer.window).collect();
    assert_eq!(windows, [Some(Window::new(3)), Some(Window::new(2)), None]);
    let found = refusal(import_file("conv.safetensors", &Hints::default()));
    assert!(found.contains("--hidden-activation relu"), "{found}");
    // Groups, a layer between, a convolution behind the cells.
    let (file, _) = pytorch::export(&imported.model).unwrap();
    let changed = |change: &dyn Fn(&mut File)| {
        let mut file = File { metadata: Default::default(), ..file.clone() };
        change(&mut file);
        refusal(pytorch::import(&file, &relu))
    };
    let found = changed(&|file| {
        let weight = file.arrays.get_mut("front.2.weight").unwrap();
        *weight = Array { shape: vec![8, 3, 2], data: vec![0.1; 48] };
    });
    assert!(found.contains("front.2.weight") && found.contains("or has groups"), "{found}");
    let found = changed(&|file| {
        let weight = file.arrays.get_mut("front.2.weight").unwrap();
        *weight = Array { shape: vec![7, 6, 2], data: vec![0.1; 84] };
        file.arrays.insert("front.2.bias".into(), Array { shape: vec![7], data: vec![0.1; 7] });
    });
    assert!(found.contains("it gives 7 features, and the recurrent layers read 8"), "{found}");
    let found = changed(&|file| {
        let array = file.arrays.remove("front.0.weight").unwrap();
        file.arrays.insert("stem.weight".into(), array);
        let array = file.arrays.remove("front.0.bias").unwrap();
        file.arrays.insert("stem.bias".into(), array);
    });
    assert!(found.contains("have no numbers that tell one"), "{found}");
}
