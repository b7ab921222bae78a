//! The moving average of the weights is what training gives, and training goes on as if there were none.

use crate::support::tasks::{model, signs};
use elman::{Adam, EarlyStopping, Gru, Optimizer, Predictor, Trainer};

const DECAY: f64 = 0.6;

fn trainer() -> Trainer {
    Trainer::new(model(Gru::new(3, 5), 2), Adam::new(0.05)).batch_size(10)
}

#[test]
fn it_follows_the_weights_and_is_what_training_gives() {
    let data = signs(40);
    let (mut plain, mut averaged) = (trainer(), trainer().weight_average(DECAY));
    let mut expected: Option<Vec<f32>> = None;
    let flat = |trainer: &Trainer| -> Vec<f32> {
        trainer.model().arrays().into_values().flat_map(|array| array.data).collect()
    };
    for step in 1..=12_i32 {
        let rows: Vec<u32> = (0..10).map(|row| (row * 7 + step as u32) % 40).collect();
        let steps = [&mut plain, &mut averaged].map(|trainer| trainer.train_rows(&data, &rows).unwrap());
        assert_eq!(steps[0], steps[1], "the average changes no step");
        assert_eq!(plain.model().arrays(), averaged.model().arrays());
        let now = flat(&plain);
        let t = f64::from(step);
        let part = 1.0 - DECAY.min((t - 1.0) / (t + 8.0)) as f32;
        expected = Some(match expected {
            None => now,
            Some(before) => before.iter().zip(&now).map(|(average, now)| average + part * (now - average)).collect(),
        });
    }
    let found: Vec<f32> = averaged.averaged().arrays().into_values().flat_map(|array| array.data).collect();
    assert_eq!(found, expected.unwrap());
    assert_ne!(found, flat(&averaged));
    // Evaluation looks at the average, and leaves the weights where they were.
    let before = flat(&averaged);
    let evaluated = averaged.evaluate(&data).unwrap();
    assert_eq!(flat(&averaged), before);
    let given = averaged.into_model();
    let arrays: Vec<f32> = given.arrays().into_values().flat_map(|array| array.data).collect();
    assert_eq!(arrays, found);
    assert_eq!(Predictor::new(given, 1).evaluate(&data).unwrap(), evaluated);
}

#[test]
fn the_best_epoch_takes_its_place() {
    let data = signs(40);
    let mut trainer = trainer().weight_average(DECAY);
    let mut stopping = EarlyStopping::new(1);
    trainer.fit(&data).unwrap().next().unwrap().unwrap();
    let best = trainer.averaged().into_owned();
    stopping.seen(0.5, &best);
    trainer.fit(&data).unwrap().next().unwrap().unwrap();
    assert_ne!(trainer.averaged().arrays(), best.arrays());
    trainer.restore(&stopping).unwrap();
    assert_eq!(trainer.averaged().arrays(), best.arrays());
    assert_eq!(trainer.into_model().arrays(), best.arrays());
}

#[test]
fn what_is_no_average_is_refused() {
    let data = signs(40);
    for decay in [0.0, 1.0, -0.5, f64::NAN] {
        let message = trainer().weight_average(decay).fit(&data).err().unwrap().to_string();
        assert!(message.contains("weight_average is") && message.contains("above 0 and below 1"), "{message}");
    }
    // A loop of one's own has no place for it.
    let mut network = model(Gru::new(3, 5), 2).network();
    let mut optimizer = Optimizer::new(&network, elman::Descent::new(Adam::new(0.1)).weight_average(0.9));
    let xs = ndarray::Array3::zeros((1, 2, 3));
    let window = network.dynamic_rnn(xs.view()).unroll().unwrap();
    let gradients = window.backward(Some(ndarray::Array3::ones((1, 2, 5)).view()), None).unwrap();
    let message = optimizer.step(&mut network, &gradients).unwrap_err().to_string();
    assert!(message.starts_with("weight_average is 0.9"), "{message}");
}
