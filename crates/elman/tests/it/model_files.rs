//! Model files: written and read to the bit, and refused where they are not ours, damaged, or say what is not computed.

use std::path::Path;

use crate::support::networks::{bidirectional, build, cells, independent, inputs, lengths, merged, stacks, stateless};
use crate::support::tasks::model;
use elman::formats::{self, Array, File};
use elman::{
    Activation, AnyCell, Build, Embedding, Error, Gru, Head, Init, Layer, Lstm, Merge, Model, Network, Noise,
    Predictor, Purpose, Random, Reset, Rnn, Stack,
};
use ndarray::Array1;

#[test]
fn a_model_survives_its_file_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    for (name, stack) in cells()
        .into_iter()
        .chain(stacks())
        .chain(stateless())
        .chain(independent())
        .chain(bidirectional())
        .chain(merged())
    {
        for head in [Head::last_state(3), Head::every_step(2)] {
            let network = build(stack.clone());
            let mut model =
                Model::new(&network, head.clone(), Init::PyTorch, &mut Random::new(9, Purpose::Head)).unwrap();
            model.steps = (head.classes() == Some(3)).then_some(6);
            model.save(&one).unwrap();
            let loaded = Model::load(&one).unwrap();
            assert_eq!(loaded.arrays(), model.arrays(), "{name}");
            assert_eq!(format!("{:?}", loaded.config()), format!("{:?}", model.config()), "{name}");
            assert_eq!(loaded.parameter_count(), model.parameter_count(), "{name}");
            loaded.save(&two).unwrap();
            assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap(), "{name}");
            let xs = inputs(&network, 40, 6, 1);
            let data = elman::Arrays::classes(xs, Array1::zeros(40))
                .unwrap()
                .lengths(Array1::from_vec(lengths(40, 6)))
                .unwrap();
            let (mut loaded, mut model) = (Predictor::new(loaded, 1), Predictor::new(model, 1));
            if head.classes() == Some(3) {
                assert_eq!(loaded.predict(&data).unwrap(), model.predict(&data).unwrap(), "{name}");
            } else {
                assert_eq!(loaded.predict_steps(&data, 9).unwrap(), model.predict_steps(&data, 9).unwrap(), "{name}");
            }
            assert_eq!(model.model().network().arrays(), network.arrays(), "{name}");
        }
    }
}

/// Writes a file of a model with other metadata or arrays, and returns why it is refused.
fn refused(stack: impl Into<Stack>, change: impl FnOnce(&mut File)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model(stack, 2).save(&path).unwrap();
    let mut file = formats::read(&path).unwrap();
    change(&mut file);
    formats::write(&path, &file).unwrap();
    let message = Model::load(&path).unwrap_err().to_string();
    assert!(message.contains("model.safetensors"), "{message}");
    message
}

/// The same with a part of the configuration replaced.
fn edited(stack: impl Into<Stack>, from: &str, to: &str) -> String {
    refused(stack, |file| {
        let config = file.metadata.values_mut().next().unwrap();
        assert!(config.contains(from), "{config}");
        *config = config.replace(from, to);
    })
}

#[track_caller]
fn assert_refused(message: &str, expected: &str) {
    assert!(message.contains(expected), "{message}");
}

fn rnn() -> Rnn {
    Rnn::new(3, 4)
}

#[test]
fn foreign_and_damaged_models_are_refused() {
    assert_refused(&refused(rnn(), |file| file.metadata.clear()), "no configuration");
    assert_refused(&edited(rnn(), "\"version\":1", "\"version\":2"), "version 2; this program knows 1");
    assert_refused(&edited(rnn(), "{\"version\"", "{\"extra\":1,\"version\""), "unknown field `extra`");
    assert_refused(&edited(rnn(), "{\"version\"", "\"version\""), "its configuration: ");
    assert_refused(
        &edited(rnn(), "\"rnn\"", "\"elmo\""),
        "unknown variant `elmo`, expected one of `rnn`, `lstm`, `gru`",
    );
    assert_refused(&edited(rnn(), "\"rnn\"", "\"custom\""), "unknown variant `custom`");
    assert_refused(
        &edited(rnn(), "\"tanh\"", "\"softplus\""),
        "unknown variant `softplus`, expected one of `tanh`, `relu`",
    );
    assert_refused(
        &edited(rnn(), "\"hidden\":4", "\"hidden\":5"),
        "layers.0.kernel is of shape [3, 4]; its configuration expects [3, 5]",
    );
    assert_refused(&edited(rnn(), "\"hidden\":4", "\"hidden\":9999999999"), "hidden_size is 9999999999");
    assert_refused(&edited(rnn(), "\"hidden\":4", "\"hidden\":-4"), "its configuration: ");
    assert_refused(&edited(rnn(), "\"hidden\":4", "\"hidden\":0"), "hidden_size is 0; expected 1 to 16384");
    assert_refused(&edited(rnn(), "\"classes\":2", "\"classes\":3"), "head.kernel is of shape [4, 2]");
    assert_refused(&edited(rnn(), "\"classes\":2", "\"classes\":1"), "the number of classes is 1; expected 2 to 65536");
    assert_refused(&edited(rnn(), "\"last-state\"", "\"first-state\""), "unknown variant `first-state`");
    assert_refused(&edited(rnn(), "\"steps\":null", "\"steps\":0"), "its steps are 0");
    let no_layers = |file: &mut File| {
        let config = file.metadata.values_mut().next().unwrap();
        let (from, to) = (config.find('[').unwrap(), config.rfind(']').unwrap());
        config.replace_range(from + 1..to, "");
    };
    assert_refused(&refused(rnn(), no_layers), "layers is 0; expected 1 to 64");
    assert_refused(&refused(rnn(), |file| drop(file.arrays.remove("head.kernel"))), "head.kernel is missing");
    // A recurrent kernel that is not there must not be made room for.
    let without = |file: &mut File| drop(file.arrays.remove("layers.0.recurrent_kernel"));
    assert_refused(&refused(rnn(), without), "recurrent_kernel is missing");
    let extra = Array { shape: vec![1], data: vec![0.0] };
    assert_refused(&refused(rnn(), |file| drop(file.arrays.insert("extra".into(), extra))), "extra");
    let turned = |file: &mut File| file.arrays.get_mut("head.kernel").unwrap().shape.reverse();
    assert_refused(&refused(rnn(), turned), "head.kernel is of shape [2, 4]; its configuration expects [4, 2]");
    assert_refused(&Model::load(Path::new("no/model")).unwrap_err().to_string(), "no/model");
}

#[test]
fn a_file_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model(Lstm::new(3, 4), 2).save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for len in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..len]).unwrap();
        assert_refused(&Model::load(&path).unwrap_err().to_string(), "not a whole safetensors file");
    }
}

/// An option that a cell does not have is refused by its name.
#[test]
fn options_of_other_cells_are_refused_by_name() {
    for (stack, option) in [
        (Stack::from(Gru::new(3, 4)), "peepholes"),
        (Rnn::new(3, 4).into(), "layer_norm"),
        (Lstm::new(3, 4).into(), "reset"),
        (Rnn::new(3, 4).into(), "recurrent_activation"),
        (Gru::new(3, 4).into(), "surprise"),
    ] {
        let message = edited(stack, "\"hidden\":4", &format!("\"hidden\":4,\"{option}\":true"));
        assert_refused(&message, &format!("unknown field `{option}`"));
    }
    let noise = "\"hidden\":4,\"noise\":{\"dropout\":0.5}";
    assert_refused(&edited(Gru::new(3, 4), "\"hidden\":4", noise), "unknown field `dropout`");
}

#[test]
fn what_is_not_computed_is_refused_in_files_and_in_code() {
    let lstm = Lstm::new(3, 4);
    let noise = Noise::default();
    let cases: Vec<(Stack, &str)> = vec![
        (lstm.projection(0).into(), "projection is 0; expected 1 to 16384"),
        (lstm.projection(16_385).into(), "projection is 16385; expected 1 to 16384"),
        (lstm.cell_clip(0.0).into(), "cell_clip is 0; expected a finite number above 0"),
        (lstm.cell_clip(-1.0).into(), "cell_clip is -1; expected a finite number above 0"),
        (lstm.cell_clip(f32::NAN).into(), "cell_clip is NaN; expected a finite number above 0"),
        (lstm.cell_clip(f32::INFINITY).into(), "cell_clip is inf; expected a finite number above 0"),
        (lstm.projection(2).projection_clip(0.0).into(), "projection_clip is 0; expected a finite number above 0"),
        (lstm.projection_clip(0.5).into(), "projection_clip is not computed for lstm: it has no projection"),
        (lstm.noise(Noise { zoneout: 1.0, ..noise }).into(), "zoneout is 1; expected at least 0 and below 1"),
        (lstm.noise(Noise { memory_zoneout: -0.1, ..noise }).into(), "memory_zoneout is -0.1; expected at least 0"),
        (lstm.noise(Noise { recurrent_dropout: 2.0, ..noise }).into(), "recurrent_dropout is 2; expected at least 0"),
        (lstm.noise(Noise { candidate_dropout: f32::NAN, ..noise }).into(), "candidate_dropout is NaN; expected"),
        (
            Rnn::new(3, 4).noise(Noise { candidate_dropout: 0.5, ..noise }).into(),
            "candidate_dropout is not computed for rnn: it has no candidate beside its state",
        ),
        (
            Gru::new(3, 4).noise(Noise { memory_zoneout: 0.5, ..noise }).into(),
            "memory_zoneout is not computed for gru: it has no memory beside its state; zoneout is for the state",
        ),
        (Rnn::new(0, 4).into(), "input size is 0; expected 1 to 16384"),
        (Gru::new(3, 0).into(), "hidden_size is 0; expected 1 to 16384"),
        (Rnn::new(3, 16_385).into(), "hidden_size is 16385; expected 1 to 16384"),
        (Layer::new(lstm).dropout(0.5).into(), "dropout is not computed for lstm: dropout is applied between layers"),
        (
            Stack::new(Layer::new(lstm).dropout(1.0)).then(Rnn::new(4, 4)),
            "dropout is 1; expected at least 0 and below 1",
        ),
        (Stack::new(lstm).then(Gru::new(5, 4)), "the input of layer 1 has shape [5]; expected [4]"),
        (
            Stack::new(Layer::new(lstm).bidirectional(Merge::Concat)).then(Gru::new(4, 4)),
            "the input of layer 1 has shape [4]; expected [8]",
        ),
        (Stack::new(lstm.projection(2)).then(Gru::new(4, 4)), "the input of layer 1 has shape [4]; expected [2]"),
        (
            Layer::new(lstm).residual(true).into(),
            "the input of layer 0, which is residual, has shape [3]; expected [4]",
        ),
        (
            Stack { embedding: Some(Embedding { tokens: 5, size: 2 }), ..Stack::new(lstm) },
            "the vectors of the embedding has shape [2]; expected [3]",
        ),
        (Stack::new(lstm).embedding(0), "tokens is 0; expected 1 to 1048576"),
        (Stack::of(None, Vec::new()), "layers is 0; expected 1 to 64"),
        (Stack::of(None, vec![Rnn::new(1, 1).into(); 65]), "layers is 65; expected 1 to 64"),
    ];
    for (stack, expected) in cases {
        let random = &mut Random::new(1, Purpose::Cell);
        let message = Network::new(stack.clone(), Init::Tf, random).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}\n{expected}");
        let message = stack.clone().with_arrays(&crate::support::Arrays::new()).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
        // The same in a file. JSON has no NaN and no infinity.
        let layers = serde_json_layers(&stack);
        if layers.contains("null") || stack.layers.len() != 1 || stack.embedding.is_some() {
            continue;
        }
        let message = refused(rnn(), |file| {
            let config = file.metadata.values_mut().next().unwrap();
            let (from, to) = (config.find('[').unwrap(), config.rfind(']').unwrap());
            config.replace_range(from..=to, &layers);
        });
        assert_refused(&message, expected);
    }
}

fn serde_json_layers(stack: &Stack) -> String {
    serde_json::to_string(&stack.layers).unwrap()
}

#[test]
fn what_stands_at_its_default_is_read_without_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for (stack, layer) in [
        (Stack::from(Rnn::new(3, 4).activation(Activation::Tanh)), r#"{"cell":"rnn","input":3,"hidden":4}"#),
        (Lstm::new(3, 4).into(), r#"{"cell":"lstm","input":3,"hidden":4}"#),
        (Gru::new(3, 4).reset(Reset::After).into(), r#"{"cell":"gru","input":3,"hidden":4}"#),
    ] {
        let model = model(stack, 2);
        model.save(&path).unwrap();
        let mut file = formats::read(&path).unwrap();
        let config = format!(r#"{{"version":1,"layers":[{layer}],"head":{{"classes":2}}}}"#);
        *file.metadata.values_mut().next().unwrap() = config;
        formats::write(&path, &file).unwrap();
        let loaded = Model::load(&path).unwrap();
        assert_eq!(format!("{:?}", loaded.config()), format!("{:?}", model.config()));
    }
}

#[test]
fn a_cell_of_ones_own_has_no_file() {
    let stack = Stack::new(AnyCell::custom(Rnn::new(3, 4)));
    let path = Path::new("never written");
    let error = model(stack, 2).save(path).unwrap_err();
    assert!(matches!(error, Error::Unsupported { what: "a model file", .. }), "{error}");
    assert!(!path.exists());
}

#[test]
fn arrays_that_do_not_fit_leave_the_model_as_it_was() {
    let mut model = model(Lstm::new(3, 4), 2);
    let before = model.arrays();
    let mut other = before.clone();
    other.get_mut("head.bias").unwrap().shape = vec![3];
    assert_eq!(model.set_arrays(&other).unwrap_err().to_string(), "head.bias has shape [3]; expected [2]");
    assert_eq!(model.arrays(), before);
    let (kernel, bias) = model.head_arrays();
    assert_eq!((kernel.dim(), bias), ((4, 2), before["head.bias"].data.clone()));
}
