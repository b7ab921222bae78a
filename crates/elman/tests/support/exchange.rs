//! Models of every kind on their way to other programs and back.

use std::collections::BTreeMap;

use elman::exchange::{Imported, Report};
use elman::{Error, Head, Init, Model, Purpose, Random, Stack};

use super::networks::{bidirectional, build, cells, stacks};
use super::{Arrays, assert_close, cube, golden};

/// Another program's answers, of f32 as ours.
const TOLERANCE: f32 = 1e-5;

/// Models of every cell, option, stack and direction with every kind of head, each with a job and steps of its own.
pub(crate) fn models() -> Vec<(&'static str, Model)> {
    let heads = [Head::last_state(3), Head::every_step(4), Head::quantiles(&[0.1, 0.5, 0.9], 2)];
    let stacks = cells().into_iter().chain(stacks()).chain(bidirectional()).chain(uniform());
    let mut models = Vec::new();
    for (name, stack) in stacks {
        for (place, head) in heads.iter().enumerate() {
            let mut model = model(stack.clone(), head.clone());
            model.steps = [None, Some(28), Some(6)][place];
            model.job = Some(serde_json::json!({ "vocabulary": ["ä", "\n"], "scales": [0.1, 1e-30] }));
            models.push((name, model));
        }
    }
    models
}

/// Stacks as one module of other programs makes them: layers of one kind and size.
fn uniform() -> Vec<(&'static str, Stack)> {
    use elman::{Gru, Layer, Lstm, Merge, Reset, Rnn};
    let both = |cell: elman::AnyCell| Layer::new(cell).bidirectional(Merge::Concat);
    vec![
        ("alike", Stack::new(Layer::new(Gru::new(3, 5)).dropout(0.4)).then(Gru::new(5, 5)).then(Gru::new(5, 5))),
        ("alike both", Stack::new(both(Lstm::new(3, 4).into())).then(both(Lstm::new(8, 4).into()))),
        ("alike both rnn", Stack::new(both(Rnn::new(3, 4).into())).then(both(Rnn::new(8, 4).into())).embedding(7)),
        ("alike projected", Stack::new(Lstm::new(3, 6).projection(2)).then(Lstm::new(2, 6).projection(2))),
        ("alike before", Stack::new(Gru::new(3, 5).reset(Reset::Before)).then(Gru::new(5, 5).reset(Reset::Before))),
    ]
}

/// A model whose arrays are all random.
pub(crate) fn model(stack: impl Into<Stack>, head: impl Into<Head>) -> Model {
    Model::new(&build(stack), head, Init::PyTorch, &mut Random::new(8, Purpose::Head)).unwrap()
}

/// Panics unless two models are the same in every bit, job and masks included.
pub(crate) fn assert_same(what: &str, found: &Model, expected: &Model) {
    let bits = |model: &Model| -> BTreeMap<String, (Vec<usize>, Vec<u32>)> {
        let of = |array: elman::formats::Array| (array.shape, array.data.iter().map(|x| x.to_bits()).collect());
        model.arrays().into_iter().map(|(name, array)| (name, of(array))).collect()
    };
    assert_eq!(bits(found), bits(expected), "{what}");
    let json = |model: &Model| serde_json::to_string(&model.config()).unwrap();
    assert_eq!(json(found), json(expected), "{what}");
}

/// What a conversion is refused with.
pub(crate) fn refusal<T>(result: Result<T, Error>) -> String {
    match result {
        Err(error @ Error::Exchange { .. }) => error.to_string(),
        Err(error) => panic!("not an error of the exchange: {error}"),
        Ok(_) => panic!("it is not refused"),
    }
}

/// A report line by line, as a user reads it.
pub(crate) fn text(report: &Report) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let mut lines: Vec<String> = Vec::new();
    for moved in &report.moves {
        let places = |places: &[elman::exchange::Place]| list(places.iter().map(ToString::to_string).collect());
        let changes = list(moved.changes.iter().map(ToString::to_string).collect());
        lines.push(format!("{} → {}: {changes}", places(&moved.from), places(&moved.to)).trim().to_owned());
    }
    lines.extend(report.notes.iter().map(|note| format!("- {note}")));
    lines.push(report.verdict().to_string());
    lines.join("\n") + "\n"
}

/// Compares an imported model with what the other program answered: `answers` holds inputs, lengths and outputs below the
/// case's name. Steps past a row's end do not count. `probabilities` where those are what was recorded.
pub(crate) fn assert_agrees(answers: &Arrays, case: &str, imported: &Imported, probabilities: bool) {
    let of = |name: &str| answers.get(&format!("{case}/{name}")).unwrap_or_else(|| panic!("{case}/{name}"));
    let (inputs, outputs) = (cube(of("inputs")), of("outputs"));
    let lengths: Vec<usize> = of("lengths").data.iter().map(|&length| length as usize).collect();
    let mut found = imported.model.logits(inputs, Some(&lengths)).unwrap();
    if probabilities {
        for mut row in found.rows_mut() {
            let largest = row.fold(f32::NEG_INFINITY, |m, &x| m.max(x));
            row.mapv_inplace(|x| (x - largest).exp());
            let sum = row.sum();
            row.mapv_inplace(|x| x / sum);
        }
    }
    let classes = *outputs.shape.last().unwrap();
    assert_eq!(found.len(), outputs.data.len(), "{case}");
    let steps = inputs.dim().1;
    let every_step = outputs.shape.len() == 3;
    let counts = |place: usize| !every_step || place % steps < lengths[place / steps];
    let kept = |data: &[f32]| -> Vec<f32> {
        data.chunks(classes).enumerate().filter(|(place, _)| counts(*place)).flat_map(|(_, row)| row.to_vec()).collect()
    };
    assert_close(case, &kept(found.as_slice().unwrap()), &kept(&outputs.data), TOLERANCE, 1.0);
}

/// A file of golden/models.
pub(crate) fn golden_model(name: &str) -> Arrays {
    golden(&format!("models/{name}"))
}
