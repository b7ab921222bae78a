//! Models of every cell, option, stack, direction and head.

use elman::{Gru, Head, Init, Layer, Lstm, Merge, Model, Purpose, Random, Reset, Rnn, Stack};

use super::networks::{bidirectional, build, cells, stacks};

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
