//! The optimizer of one's own loops: Adam's formula, and what it refuses.

use crate::support::networks::{build, inputs, random_cube};
use elman::{Adam, Gradients, Gru, Lstm, Network, Optimizer, Rnn, Stack};

fn gradients(network: &Network, seed: u64) -> Gradients {
    let xs = inputs(network, 3, 4, seed);
    let by_outputs = random_cube((3, 4, network.stack().output()), seed + 1);
    network.dynamic_rnn(xs.view()).unroll().unwrap().backward(Some(by_outputs.view()), None).unwrap()
}

/// m ← β₁ m + (1−β₁) g        v ← β₂ v + (1−β₂) g²        w ← w − α √(1−β₂ᵗ) / (1−β₁ᵗ) m / (√v + ε)
#[test]
fn a_step_is_adams() {
    let mut network = build(Stack::new(Lstm::new(3, 5).peepholes(true)).then(Gru::new(5, 4)).embedding(6));
    let adam = Adam::new(0.01);
    let mut optimizer = Optimizer::new(&network, adam);
    let mut expected = network.arrays();
    let mut moments: std::collections::BTreeMap<String, Vec<(f64, f64)>> =
        expected.iter().map(|(name, array)| (name.clone(), vec![(0.0, 0.0); array.data.len()])).collect();
    for t in 1..=3 {
        let gradients = gradients(&network, t as u64);
        let rate = adam.learning_rate * (1.0 - adam.beta2.powi(t)).sqrt() / (1.0 - adam.beta1.powi(t));
        for (name, array) in &mut expected {
            let parts = array.data.iter_mut().zip(&gradients.arrays[name].data).zip(moments.get_mut(name).unwrap());
            for ((w, &g), (m, v)) in parts {
                let g = f64::from(g);
                *m = adam.beta1 * *m + (1.0 - adam.beta1) * g;
                *v = adam.beta2 * *v + (1.0 - adam.beta2) * g * g;
                *w = (f64::from(*w) - rate * *m / (v.sqrt() + adam.epsilon)) as f32;
            }
        }
        optimizer.step(&mut network, &gradients).unwrap();
        assert_eq!(optimizer.steps_done(), t as u64);
        crate::support::networks::assert_same_arrays(
            "Adam",
            &network.arrays(),
            &expected,
            crate::support::networks::ROUNDING,
        );
    }
}

#[test]
fn what_cannot_be_a_step_leaves_the_network_as_it_was() {
    let mut network = build(Rnn::new(3, 4));
    let other = build(Rnn::new(3, 40));
    let before = network.arrays();
    let good = gradients(&network, 1);
    let mut refused = |optimizer: &mut Optimizer, gradients: &Gradients| {
        let message = optimizer.step(&mut network, gradients).unwrap_err().to_string();
        assert_eq!((network.arrays(), optimizer.steps_done()), (before.clone(), 0));
        message
    };
    let mut optimizer = Optimizer::new(&build(Rnn::new(3, 4)), Adam::new(0.1));
    let mut nan = good.clone();
    nan.arrays.get_mut("layers.0.bias").unwrap().data[1] = f32::NAN;
    assert!(refused(&mut optimizer, &nan).starts_with("the gradient norm is NaN; expected a finite number"));
    let message = refused(&mut optimizer, &gradients(&other, 1));
    assert_eq!(message, "layers.0.kernel has shape [3, 40]; expected [3, 4]");
    let message = refused(&mut Optimizer::new(&other, Adam::new(0.1)), &good);
    assert!(message.starts_with("the optimizer, by its parameters, has shape"), "{message}");
    optimizer.descent = Adam::new(-1.0).into();
    assert!(refused(&mut optimizer, &good).starts_with("learning_rate is -1"));
}
