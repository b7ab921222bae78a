//! What is to be said of sequences, and how it is weighed: class weights, quantiles, large batches in small parts.

use crate::support::tasks::{Values, model, neighbours, signs};
use elman::{
    Adam, Arrays, BatchSize, Error, Gru, Head, Labelled, Lstm, Model, Predictor, Purpose, Random, Rnn, Trainer,
};
use ndarray::{Array1, Array2, Array3, Axis};

/// The mean of a row and noise that is even in ±1, and twice that; some values are not known.
fn noisy_means(rows: usize) -> Values {
    let mut random = Random::new(3, Purpose::Data);
    let xs = Array3::from_shape_simple_fn((rows, 4, 1), || random.uniform(1.0));
    let means = xs.mean_axis(Axis(1)).unwrap();
    let values = Array2::from_shape_fn((rows, 2), |(row, place)| {
        let value = means[[row, 0]] + random.uniform(1.0);
        if row % 7 == 3 && place == 1 { f32::NAN } else { value * (place + 1) as f32 }
    });
    Values { arrays: Arrays::new(xs, Array1::zeros(rows)).unwrap(), answers: values }
}

#[test]
fn quantiles_are_learned_with_their_levels() {
    let data = noisy_means(4000);
    let head = Head::quantiles(&[0.1, 0.5, 0.9], 2);
    let mut trainer = Trainer::new(model(Gru::new(1, 8), head), Adam::new(0.01)).batch_size(100).threads(2);
    for epoch in trainer.fit(&data).unwrap().epochs(12) {
        let epoch = epoch.unwrap();
        assert!(epoch.accuracy.is_nan() && !epoch.to_string().contains("Acc"), "{epoch}");
    }
    let evaluation = trainer.evaluate(&data).unwrap();
    // Of a value even in ±1: τ (1 − τ) of each level, 0.09, 0.25, 0.09. The second value is twice as large.
    assert!((evaluation.loss - 0.143 * 1.46).abs() < 0.01, "{}", evaluation.loss);
    assert_eq!(evaluation.rows, data.answers.iter().filter(|y| !y.is_nan()).count());
    let quantiles = Predictor::new(trainer.into_model(), 2).quantiles(&data).unwrap();
    assert_eq!(quantiles.dim(), (4000, 2, 3));
    for (place, level) in [0.1, 0.5, 0.9].into_iter().enumerate() {
        for horizon in 0..2 {
            let pairs = quantiles.outer_iter().zip(data.answers.outer_iter());
            let below = pairs.filter(|(q, y)| y[horizon] < q[[horizon, place]]).count() as f64;
            let known = data.answers.column(horizon).iter().filter(|y| !y.is_nan()).count() as f64;
            assert!((below / known - level).abs() < 0.04, "{} below level {level}", below / known);
        }
    }
    assert!(quantiles.lanes(Axis(2)).into_iter().all(|q| q[0] <= q[1] && q[1] <= q[2]));
}

#[test]
fn the_gradient_of_quantiles_leaves_unknown_values_out() {
    let mut data = noisy_means(40);
    let head = Head::quantiles(&[0.2, 0.7], 2);
    let mut trainer = Trainer::new(model(Rnn::new(1, 5), head), Adam::new(0.01)).batch_size(40);
    let all: Vec<u32> = (0..40).collect();
    let (whole, gradient) = trainer.gradient(&data, &all).unwrap();
    // The mean over each known value by itself.
    let (mut loss, mut sums, mut known) = (0.0, crate::support::Arrays::new(), 0);
    let values = data.answers.clone();
    for row in 0..40u32 {
        for place in 0..2 {
            data.answers.row_mut(row as usize).fill(f32::NAN);
            data.answers[[row as usize, place]] = values[[row as usize, place]];
            if values[[row as usize, place]].is_nan() {
                continue;
            }
            let (one, part) = trainer.gradient(&data, &[row]).unwrap();
            assert_eq!(one.rows, 1);
            loss += one.loss;
            known += 1;
            crate::support::networks::add_arrays(&mut sums, &part);
        }
    }
    assert_eq!(whole.rows, known);
    assert!((whole.loss - loss / known as f64).abs() < 1e-6);
    sums.values_mut().for_each(|array| array.data.iter_mut().for_each(|x| *x /= known as f32));
    crate::support::networks::assert_same_arrays("quantiles", &gradient, &sums, crate::support::networks::ROUNDING);
}

#[test]
fn nothing_known_is_refused() {
    let mut data = noisy_means(10);
    data.answers.fill(f32::NAN);
    let mut trainer = Trainer::new(model(Rnn::new(1, 5), Head::quantiles(&[0.5], 2)), Adam::new(0.01)).batch_size(10);
    let message = trainer.fit(&data).err().unwrap().to_string();
    assert!(message.contains("known"), "{message}");
}

#[test]
fn heads_and_data_must_say_the_same_kind_of_thing() {
    let values = noisy_means(10);
    let message = |head: Head| {
        let mut trainer = Trainer::new(model(Rnn::new(1, 5), head), Adam::new(0.01)).batch_size(5);
        trainer.fit(&values).err().unwrap().to_string()
    };
    assert!(message(Head::last_state(2)).contains("values"), "{}", message(Head::last_state(2)));
    let other = message(Head::quantiles(&[0.5], 3));
    assert!(other.contains("[2]") && other.contains("[3]"), "{other}");
    let quantiles = model(Rnn::new(3, 5), Head::quantiles(&[0.5], 3));
    let mut trainer = Trainer::new(quantiles.clone(), Adam::new(0.01)).batch_size(5);
    assert!(matches!(trainer.fit(&signs(20)).err(), Some(Error::Shape { .. })), "classes for a head of quantiles");
    assert!(Predictor::new(quantiles, 1).predict(&signs(20)).is_err());
    assert!(Predictor::new(model(Rnn::new(3, 5), 2), 1).quantiles(&signs(20)).is_err());
}

#[test]
fn a_class_weight_counts_a_row_so_often() {
    let data = signs(90);
    let rows: Vec<u32> = (0..90).collect();
    let often: Vec<u32> = rows.iter().flat_map(|&row| vec![row; 1 + 2 * data.label(row as usize)]).collect();
    let trainer = || Trainer::new(model(Lstm::new(3, 9), 2), Adam::new(0.01)).batch_size(300).threads(2);
    let (loss, gradient) = trainer().class_weights(vec![1.0, 3.0]).gradient(&data, &rows).unwrap();
    let (expected, repeated) = trainer().gradient(&data, &often).unwrap();
    assert!((loss.loss - expected.loss).abs() < 1e-6, "{} {}", loss.loss, expected.loss);
    assert_eq!(loss.rows, 90);
    crate::support::networks::assert_same_arrays("weights", &gradient, &repeated, crate::support::networks::ROUNDING);

    let steps = neighbours(20, 9, false);
    let trainer = || Trainer::new(model(Lstm::new(1, 9), Head::every_step(2)), Adam::new(0.01)).batch_size(20);
    let rows: Vec<u32> = (0..20).collect();
    let (plain, gradient) = trainer().gradient(&steps, &rows).unwrap();
    let (same, other) = trainer().class_weights(vec![2.5, 2.5]).gradient(&steps, &rows).unwrap();
    assert!((plain.loss - same.loss).abs() < 1e-6, "equal weights change nothing");
    crate::support::networks::assert_same_arrays(
        "equal weights",
        &gradient,
        &other,
        crate::support::networks::ROUNDING,
    );
}

#[test]
fn class_weights_must_fit() {
    let data = signs(30);
    for (weights, part) in [
        (vec![1.0], "one for each class"),
        (vec![1.0, 0.0], "above 0"),
        (vec![1.0, f32::NAN], "above 0"),
        (vec![f32::INFINITY, 1.0], "above 0"),
    ] {
        let mut trainer = Trainer::new(model(Rnn::new(3, 5), 2), Adam::new(0.01)).batch_size(10).class_weights(weights);
        let message = trainer.fit(&data).err().unwrap().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_batch_in_parts_has_the_gradient_of_the_whole() {
    let data = signs(300);
    let all: Vec<u32> = (0..300).collect();
    let gradient = |micro: usize| {
        let trainer = Trainer::new(model(Gru::new(3, 20), 2), Adam::new(0.01)).batch_size(300).threads(2);
        trainer.micro_batch(micro).gradient(&data, &all).unwrap()
    };
    let (whole, arrays) = gradient(0);
    for micro in [300, 1000] {
        let (loss, same) = gradient(micro);
        assert!(loss == whole && same == arrays, "parts of {micro}: one part");
    }
    for micro in [1, 7, 64, 299] {
        let (loss, other) = gradient(micro);
        assert!((loss.loss - whole.loss).abs() < 1e-6 && loss.rows == 300, "parts of {micro}");
        crate::support::networks::assert_same_arrays(
            &format!("{micro}"),
            &other,
            &arrays,
            crate::support::networks::ROUNDING,
        );
    }
}

#[test]
fn a_full_batch_is_all_rows_whatever_the_seed() {
    let data = signs(150);
    let trained = |batch: BatchSize, micro: usize, seed: u64| -> Model {
        let trainer = Trainer::new(model(Rnn::new(3, 9), 2), Adam::new(0.01)).batch_size(batch).micro_batch(micro);
        let mut trainer = trainer.seed(seed);
        let mut fit = trainer.fit(&data).unwrap().epochs(3);
        assert_eq!(fit.batches(), 1);
        while let Some(step) = fit.next_step() {
            assert_eq!(step.unwrap().scored, 150);
        }
        trainer.into_model()
    };
    let full = trained(BatchSize::Full, 32, 1).arrays();
    assert!(trained(BatchSize::Rows(150), 32, 2).arrays() == full);
    // Parts of 150 rows or more are the whole.
    assert!(trained(BatchSize::Full, 0, 1).arrays() == trained(BatchSize::Full, 150, 1).arrays());
}
