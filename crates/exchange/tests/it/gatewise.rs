//! Models from Burn and flax, which keep a dense layer for each gate.

use std::collections::BTreeMap;

use crate::support::exchange::{assert_agrees, golden_model, refusal, shaken};
use crate::support::models::model;
use elman::formats::{Array, File, Weights, numpy};
use elman::{AnyCell, Gru, Layer, Lstm, Merge, Model, Rnn, Stack};
use elman_exchange::{
    Error, Hints, Imported,
    gatewise::{self, Dialect},
};

const FLAX: [&str; 8] =
    ["linen_lstm", "linen_gru", "linen_rnn", "linen_stack", "nnx_lstm", "nnx_lstm_gates", "nnx_gru", "nnx_rnn"];

fn flax(case: &str) -> BTreeMap<String, numpy::Array> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/models");
    numpy::read_npz(&folder.join(format!("flax_{case}.npz"))).unwrap()
}

fn import(arrays: BTreeMap<String, Array>) -> Result<Imported, Error> {
    let weights = Weights { file: File { arrays, ..File::default() }, ..Weights::default() };
    gatewise::import(&weights, &Hints::default())
}

#[test]
fn models_of_flax_answer_as_they_did() {
    let answers = golden_model("flax.safetensors");
    for case in FLAX {
        let file = flax(case);
        assert_eq!(Dialect::of(file.keys().map(String::as_str)), Some(Dialect::Flax), "{case}");
        let imported =
            gatewise::import_numpy(&file, &Hints::default()).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_agrees(&answers, case, &imported, false);
        assert!(!imported.report.assumed.is_empty());
        // The same with dots between the parts of names, as safetensors has them.
        let dotted = file.into_iter().filter_map(|(name, array)| match array.values {
            numpy::Values::F32(data) => Some((name.replace('/', "."), Array { shape: array.shape, data })),
            _ => None,
        });
        assert_eq!(import(dotted.collect()).unwrap().model.arrays(), imported.model.arrays(), "{case}");
    }
}

/// Our arrays by the names that Burn's modules give them.
fn burn(model: &Model) -> BTreeMap<String, Array> {
    let arrays = model.arrays();
    let mut file = BTreeMap::new();
    for (index, layer) in model.stack().layers.iter().enumerate() {
        let gates: &[&str] = match layer.cell {
            AnyCell::Rnn(_) => &["gate"],
            AnyCell::Gru(_) => &["reset_gate", "update_gate", "new_gate"],
            _ => &["input_gate", "forget_gate", "cell_gate", "output_gate"],
        };
        let directions: &[(&str, &str)] = match layer.bidirectional {
            None => &[("", "")],
            Some(_) => &[("forward.", "forward."), ("backward.", "reverse.")],
        };
        for (ours, theirs) in directions {
            let of = |name: &str| &arrays[&format!("layers.{index}.{ours}{name}")];
            let hidden = layer.cell.get().output();
            let cut = |array: &Array, gate: usize| -> Vec<f32> {
                array
                    .data
                    .chunks(gates.len() * hidden)
                    .flat_map(|row| row[gate * hidden..][..hidden].to_vec())
                    .collect()
            };
            for (gate, name) in gates.iter().enumerate() {
                let mut put = |part: &str, shape: &[usize], data: Vec<f32>| {
                    file.insert(format!("rnn{index}.{theirs}{name}.{part}"), Array { shape: shape.to_vec(), data });
                };
                put("input_transform.weight", &[layer.cell.get().input(), hidden], cut(of("kernel"), gate));
                put("hidden_transform.weight", &[hidden, hidden], cut(of("recurrent_kernel"), gate));
                put("input_transform.bias", &[hidden], cut(of("bias"), gate));
                let recurrent = match (&layer.cell, gate) {
                    (AnyCell::Gru(_), 2) => of("recurrent_bias").data.clone(),
                    _ => vec![0.0; hidden],
                };
                put("hidden_transform.bias", &[hidden], recurrent);
            }
        }
    }
    for (ours, theirs) in
        [("head.kernel", "out.weight"), ("head.bias", "out.bias"), ("embedding.kernel", "words.weight")]
    {
        if let Some(array) = arrays.get(ours) {
            file.insert(theirs.into(), array.clone());
        }
    }
    file
}

#[test]
fn models_by_burn_s_names_are_the_same_models() {
    let both = |cell: AnyCell| Layer::new(cell).bidirectional(Merge::Concat);
    for stack in [
        Stack::new(Lstm::new(3, 4)),
        Stack::new(Gru::new(3, 4)),
        Stack::new(Rnn::new(3, 4)),
        Stack::new(both(Lstm::new(3, 4).into())).then(Gru::new(8, 5)),
        Stack::new(both(Gru::new(3, 4).into())).embedding(9),
    ] {
        let model = model(stack, 3);
        let file = burn(&model);
        assert_eq!(Dialect::of(file.keys().map(String::as_str)), Some(Dialect::Burn));
        assert_eq!(import(file).unwrap().model.arrays(), model.arrays());
    }
}

#[test]
fn arrays_that_do_not_fit_are_named() {
    let changed = |change: &dyn Fn(&mut BTreeMap<String, Array>)| {
        let mut file = burn(&model(Lstm::new(3, 4), 3));
        change(&mut file);
        refusal(import(file))
    };
    let zeros = |shape: &[usize]| Array { shape: shape.to_vec(), data: vec![0.0; shape.iter().product()] };
    let forget = "rnn0.forget_gate.input_transform.weight";
    let message = changed(&|file| drop(file.insert(forget.into(), zeros(&[2, 4]))));
    assert!(message.starts_with(forget) && message.contains("[2, 4]; expected [3, 4]"), "{message}");
    let message = changed(&|file| drop(file.remove("rnn0.forget_gate.hidden_transform.weight")));
    assert!(message.contains("rnn0.forget_gate.hidden_transform.weight") && message.contains("missing"), "{message}");
    let message = changed(&|file| drop(file.insert("conv.weight".into(), zeros(&[3, 3, 3]))));
    assert!(message.starts_with("conv.weight cannot be taken from Burn"), "{message}");
    let message = changed(&|file| drop(file.insert("out.bias".into(), zeros(&[2]))));
    assert!(message.starts_with("out.bias cannot") && message.contains("expected [3]"), "{message}");
    assert!(refusal(import(BTreeMap::new())).contains("it has no cell"));
}

/// Whatever a file has, it is a model or an error, and never a panic.
#[test]
fn shaken_files_are_models_or_errors() {
    let file = burn(&model(Stack::new(Gru::new(3, 4)).then(Lstm::new(4, 5)), 3));
    let taken = (0..400).filter(|&seed| import(shaken(&file, seed)).is_ok()).count();
    assert!(taken > 0);
}
