//! Small tasks that need what they are given: a memory, the future, a vector for each token.

use crate::support::networks::random_cube;
use crate::support::tasks::{EveryStep, model, neighbours};
use elman::{
    Adam, Arrays, Gru, Head, Init, Labelled, Layer, Lstm, Merge, Model, Network, Predictor, Purpose, Random, Sequences,
    Stack, Trainer,
};
use ndarray::{Array1, Array3};

fn trained<D: Labelled>(stack: impl Into<Stack>, head: Head, data: &D, epochs: u64) -> Trainer {
    let mut trainer = Trainer::new(model(stack, head.clone()), Adam::new(0.02)).batch_size(50).threads(2);
    for epoch in trainer.fit(data).unwrap().epochs(epochs) {
        epoch.unwrap();
    }
    trainer
}

/// Right predictions and the mean loss of a head on every step, counted here.
fn count(predictor: &mut Predictor, data: &EveryStep) -> (usize, f64) {
    let (mut right, mut loss, mut steps) = (0, 0.0, 0);
    for row in 0..data.len() {
        let probabilities = predictor.predict_steps(data, row).unwrap();
        assert_eq!(probabilities.nrows(), data.length(row));
        for (t, probabilities) in probabilities.rows().into_iter().enumerate() {
            let label = data.step_label(row, t);
            right += usize::from(elman::most_probable(&probabilities.to_vec()) == Some(label));
            loss -= f64::from(probabilities[label]).ln();
            steps += 1;
        }
    }
    (right, loss / f64::from(steps))
}

#[test]
fn a_head_on_every_step_learns_the_step_before() {
    let data = neighbours(300, 9, false);
    for stack in
        [Stack::from(Lstm::new(1, 10)), Stack::new(Gru::new(1, 8)).then(Layer::new(Gru::new(8, 8)).residual(true))]
    {
        let mut trainer = trained(stack, Head::every_step(2), &data, 30);
        let evaluation = trainer.evaluate(&data).unwrap();
        assert_eq!(evaluation.rows, (0..300).map(|row| data.length(row)).sum::<usize>());
        assert!(evaluation.accuracy > 0.93, "{evaluation:?}");
        let mut predictor = Predictor::new(trainer.into_model(), 2);
        let (right, loss) = count(&mut predictor, &data);
        assert_eq!(right, evaluation.correct);
        assert!((loss - evaluation.loss).abs() < 1e-5, "{loss}, {evaluation:?}");
        let error = predictor.predict(&data).unwrap_err().to_string();
        assert_eq!(error, "the head is one on every step; expected one on whole rows; see predict_steps");
        assert!(predictor.predict_steps(&data, 300).unwrap_err().to_string().contains("below 300"));
    }
}

/// Images begin with rows of zeros, over which there is nothing to normalise by.
#[test]
fn a_normalised_memory_survives_leading_zeros() {
    let mut xs = random_cube((200, 12, 3), 3);
    xs.slice_mut(ndarray::s![.., ..8, ..]).fill(0.0);
    let labels = Array1::from_iter(xs.outer_iter().map(|x| usize::from(x.sum() > 0.0)));
    let data = Arrays::new(xs, labels).unwrap();
    for init in [Init::Tf, Init::Keras, Init::PyTorch] {
        let cell = Network::new(Lstm::new(3, 16).layer_norm(true), init, &mut Random::new(9, Purpose::Cell)).unwrap();
        let model = Model::new(&cell, 2, init, &mut Random::new(9, Purpose::Head)).unwrap();
        let mut trainer = Trainer::new(model, Adam::new(0.02)).batch_size(50);
        let first = trainer.fit(&data).unwrap().next_step().unwrap().unwrap();
        // The gates alone still have no variance to divide by, at the first step: 1 / √ε is 316.
        assert!(first.grad_norm < 1000.0, "{init:?}: {first:?}");
        for epoch in trainer.fit(&data).unwrap().epochs(15) {
            epoch.unwrap();
        }
        let evaluation = trainer.evaluate(&data).unwrap();
        assert!(evaluation.accuracy > 0.9, "{init:?}: {evaluation:?}");
    }
}

#[test]
fn only_both_directions_see_the_step_ahead() {
    let data = neighbours(300, 9, true);
    let mut forward = trained(Gru::new(1, 8), Head::every_step(2), &data, 15);
    let blind = forward.evaluate(&data).unwrap();
    assert!(blind.accuracy < 0.75, "a guess: {blind:?}");
    for merge in [Merge::Concat, Merge::Sum] {
        let layer = Layer::new(Gru::new(1, 8)).bidirectional(merge);
        let mut both = trained(layer, Head::every_step(2), &data, 30);
        let evaluation = both.evaluate(&data).unwrap();
        assert!(evaluation.accuracy > 0.93, "{merge:?}: {evaluation:?}");
        let (right, _) = count(&mut Predictor::new(both.into_model(), 2), &data);
        assert_eq!(right, evaluation.correct, "{merge:?}");
    }
}

#[test]
fn an_embedding_learns_the_tokens_it_sees_and_no_other() {
    // Is there a token of the second half among the six? The last two tokens never come.
    let xs = random_cube((400, 6, 1), 3).mapv(|x| ((x + 1.0) * 5.0).floor().min(9.0));
    let xs: Array3<f32> = xs.mapv(|x| if x > 5.0 { (x - 5.0).min(4.0) } else { x });
    let labels = Array1::from_iter(xs.outer_iter().map(|row| usize::from(row.iter().any(|&token| token == 5.0))));
    assert!((40..360).contains(&labels.sum()), "both classes come");
    let data = Arrays::new(xs, labels).unwrap();
    let stack = Stack::new(Gru::new(4, 8)).embedding(8);
    let before = model(stack.clone(), 2).arrays()["embedding.kernel"].clone();
    assert_eq!(before.shape, [8, 4]);
    let mut trainer = trained(stack, Head::last_state(2), &data, 20);
    let evaluation = trainer.evaluate(&data).unwrap();
    assert!(evaluation.accuracy > 0.97, "{evaluation:?}");
    let after = trainer.model().arrays()["embedding.kernel"].clone();
    for (token, (before, after)) in before.data.chunks(4).zip(after.data.chunks(4)).enumerate() {
        assert_eq!(before != after, token < 6, "token {token}");
    }
}
